//! The page for a patient with cancer: exposures, what publications compare, what is missing.
//!
//! In: count and panel. Out: a [`CancerPage`] where any cancer is known. Each compared item says what a publication
//! reports and on which side of the published limit this patient's value lies; none says which picture the patient has.
//!
//! Source of the drugs: each has its own publication. Al-Nouri et al. (Blood 2015;125:616) is the systematic review of the
//! field: 78 suspected drugs, of which 22 had evidence for a definite association. The table names only those of them that
//! the abstract names.
//!
//! Limits: publications compare groups, most of them from case reports; a value of one patient may lie on either side in
//! any of the groups. The table of drugs is not complete. A drug in it is not shown to be the cause in a patient, and a drug
//! outside it is not shown to be harmless.

use super::items::{SmearFinding, cancer_text};
use super::record::{CancerPage, ComparedItem, Comparison, Exposure, ExposureKind};
use super::rules::{SEVERE_ADAMTS13_AT_MOST, sources};
use crate::clinical::{Analyte, Drug, LabPanel, LabResult, plasmic};

/// ADAMTS13 activity below which patients with idiopathic TTP lay, %.
const IDIOPATHIC_TTP_BELOW: f64 = 5.0;
/// Other side of the same publication: patients with cancer, drugs, transplantation or pregnancy.
const ADAMTS13_GROUPS: &str = "Blood 2004;103:4043 (37 adults)";
/// TTP and the kidney.
const TTP_KIDNEY: &str = "Sadler, Hematology 2015:631";
/// TMA with activity above 10 %.
const NOT_DEFICIENT: &str = "Blood 2017;129:2857";
/// Coagulation in TMA after mitomycin.
const REGISTRY: &str = "Lesesne et al., J Clin Oncol 1989;7:781 (85 registry patients)";

/// The page, where a cancer is known.
pub(super) fn page(smear: Option<&SmearFinding>, panel: &LabPanel) -> Option<CancerPage> {
    panel.context.has_cancer().then(|| CancerPage {
        exposures: exposures_of(panel),
        comparisons: vec![ttp(panel), dic(panel), complement(panel)],
        missing: missing(smear, panel),
        caveats: caveats(panel),
    })
}

/// A drug that publications report with TMA: lower-case names, the substance first; what is published; the publication.
type KnownDrug = (&'static [&'static str], &'static str, &'static str);

const AL_NOURI: &str = "Al-Nouri et al., Blood 2015;125:616";
const IXAZOMIB: &str = "Case Rep Hematol, article 7063145 (Hindawi)";

const DRUGS: &[KnownDrug] = &[
    (
        &["gemcitabine", "gemzar"],
        "TMA with acute kidney injury in 12 patients of 5 centers",
        "BMC Nephrol 2021, doi:10.1186/s12882-021-02470-3",
    ),
    (
        &["mitomycin", "mitomycin c", "mutamycin"],
        "hemolysis, thrombocytopenia and renal failure in 12 patients with adenocarcinoma; part of the therapy in 84 of 85 \
         registry patients",
        "Cantrell et al., J Clin Oncol 1985;3:723; Lesesne et al., J Clin Oncol 1989;7:781",
    ),
    (&["bevacizumab", "avastin"], "glomerular TMA in 6 patients", "Eremina et al., N Engl J Med 2008;358:1129"),
    (
        &["sunitinib", "sutent"],
        "renal TMA shown by biopsy, blood signs absent",
        "Bollée et al., Nephrol Dial Transplant 2009;24:682",
    ),
    (&["surufatinib"], "renal TMA shown by biopsy, first case", "Virchows Arch 2023;483:561"),
    (
        &["carfilzomib", "kyprolis"],
        "TMA in 10 patients with myeloma",
        "Moscvin et al., Blood Cancer J 2023;13, doi:10.1038/s41408-023-00802-0",
    ),
    (
        &["bortezomib", "velcade"],
        "renal TMA shown by biopsy, again after re-exposure",
        "Case Rep Hematol 2016, article 6020691",
    ),
    (&["ixazomib", "ninlaro"], "TMA after cumulative exposure, single case", IXAZOMIB),
    (&["oxaliplatin", "eloxatin"], "TMA with drug-dependent antibodies", "Front Med 2020, doi:10.3389/fmed.2020.00212"),
    (&["cyclosporine", "ciclosporin"], "definite association with TMA in 15 patient reports", AL_NOURI),
    (&["tacrolimus"], "definite association with TMA in 12 patient reports", AL_NOURI),
    (&["quinine"], "definite association with TMA in 34 patient reports", AL_NOURI),
];

/// The entry of a drug as it was written, if there is one: a name of the table as a word of its own.
fn known_drug(written: &str) -> Option<&'static KnownDrug> {
    let written = written.to_lowercase();
    let words: Vec<&str> = written.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    DRUGS.iter().find(|(names, ..)| names.iter().any(|name| words.contains(name)))
}

fn exposures_of(panel: &LabPanel) -> Vec<Exposure> {
    let context = &panel.context;
    let answer = |known: Option<bool>| match known {
        Some(true) => "yes".to_owned(),
        Some(false) => "no".to_owned(),
        None => "not known".to_owned(),
    };
    let exposure = |kind, name: &str, detail: String, published: &str, source: &str| Exposure {
        kind,
        name: name.to_owned(),
        detail,
        date: None,
        published: Some(published.to_owned()),
        source: Some(source.to_owned()),
    };
    let of_cancer = context.cancer.iter().flat_map(|cancer| {
        [
            exposure(
                ExposureKind::Tumor,
                cancer.tumor.as_deref().unwrap_or("tumor not named"),
                cancer_text(cancer).unwrap_or_default(),
                "of 168 reported cases of hemolysis with schistocytes in cancer 154 had a solid tumor; gastric, breast, \
                 prostate, lung and unknown primary were most common",
                sources::CANCER_MAHA,
            ),
            exposure(
                ExposureKind::Metastasis,
                "metastases",
                answer(cancer.metastatic),
                "91.8 % of the solid tumors were metastatic",
                sources::CANCER_MAHA,
            ),
            exposure(
                ExposureKind::Marrow,
                "tumor in the bone marrow",
                answer(cancer.marrow),
                "hemolysis with schistocytes in cancer is reported with microvascular metastases and with tumor in the \
                 bone marrow",
                sources::HEMOLYSIS,
            ),
        ]
    });
    of_cancer.chain(context.drugs.iter().flatten().map(of_drug)).collect()
}

fn of_drug(drug: &Drug) -> Exposure {
    let known = known_drug(&drug.name);
    Exposure {
        kind: if known.is_some() { ExposureKind::Drug } else { ExposureKind::OtherDrug },
        name: drug.name.clone(),
        detail: drug.start_date.as_ref().map_or("start not known".to_owned(), |date| format!("since {date}")),
        date: drug.start_date.clone(),
        published: known.map(|(_, published, _)| (*published).to_owned()),
        source: known.map(|(.., source)| (*source).to_owned()),
    }
}

/// An item and where its value lies: `holds` says whether it lies on the first side.
fn compared(
    panel: &LabPanel,
    analyte: Analyte,
    published: &str,
    sides: (&str, &str),
    holds: impl Fn(&LabResult) -> Option<bool>,
    source: &str,
) -> ComparedItem {
    let result = panel.current(analyte);
    let position = result.map(|result| match holds(result) {
        Some(true) => sides.0.to_owned(),
        Some(false) => sides.1.to_owned(),
        None => "not placed: no limit is known, or the comparator leaves it open".to_owned(),
    });
    ComparedItem {
        code: analyte.name().to_owned(),
        name: analyte.label().to_owned(),
        published: published.to_owned(),
        value_text: result.map(|result| result.value.to_string()),
        position,
        source: source.to_owned(),
    }
}

/// Above the result's own upper limit.
fn above_own(result: &LabResult) -> Option<bool> {
    result.quantity()?.is_above(result.upper_limit()?)
}

/// Below the result's own lower limit.
fn below_own(result: &LabResult) -> Option<bool> {
    result.quantity()?.is_below(result.lower_limit()?)
}

const ABOVE_OWN: (&str, &str) = ("above its upper limit", "not above its upper limit");
const BELOW_OWN: (&str, &str) = ("below its lower limit", "not below its lower limit");

fn ttp(panel: &LabPanel) -> Comparison {
    let below = |cut: f64| move |result: &LabResult| result.quantity()?.is_below(cut);
    let activity = compared(
        panel,
        Analyte::Adamts13Activity,
        "below 5 % in 16 of 20 patients with idiopathic TTP, and in none of 17 with cancer, drugs, transplantation or \
         pregnancy",
        ("below 5 %", "not below 5 %"),
        // A sample drawn after plasma is not placed.
        |result| (result.before_plasma != Some(false)).then(|| below(IDIOPATHIC_TTP_BELOW)(result))?,
        ADAMTS13_GROUPS,
    );
    Comparison {
        code: "ttp".to_owned(),
        title: "Items that publications compare with TTP".to_owned(),
        items: vec![
            activity,
            compared(
                panel,
                Analyte::Platelets,
                "below 30 × 10⁹/L is an item of PLASMIC for severe ADAMTS13 deficiency",
                ("below 30 × 10⁹/L", "not below 30 × 10⁹/L"),
                below(plasmic::PLATELETS_BELOW),
                "Bendapudi et al., Lancet Haematol 2017;4:e157",
            ),
            compared(
                panel,
                Analyte::Creatinine,
                "TTP is described without oliguric renal failure; below 2.0 mg/dL is an item of PLASMIC",
                ("below 2.0 mg/dL", "not below 2.0 mg/dL"),
                below(plasmic::CREATININE_BELOW),
                TTP_KIDNEY,
            ),
        ],
    }
}

fn dic(panel: &LabPanel) -> Comparison {
    let more_common = "disseminated intravascular coagulation was more common in hemolysis with schistocytes of cancer than \
        in TTP and hemolytic uremic syndrome";
    let registry = "coagulation studies were normal with rare exception in TMA after mitomycin";
    Comparison {
        code: "dic".to_owned(),
        title: "Items that publications compare with disseminated intravascular coagulation".to_owned(),
        items: vec![
            compared(panel, Analyte::ProthrombinTime, registry, ABOVE_OWN, above_own, REGISTRY),
            compared(panel, Analyte::Aptt, registry, ABOVE_OWN, above_own, REGISTRY),
            compared(panel, Analyte::Fibrinogen, more_common, BELOW_OWN, below_own, sources::CANCER_MAHA),
            compared(panel, Analyte::DDimer, more_common, ABOVE_OWN, above_own, sources::CANCER_MAHA),
        ],
    }
}

fn complement(panel: &LabPanel) -> Comparison {
    let low = "complement components are measured because complement may be dysregulated in some patients with \
        cancer-associated TMA";
    let review = sources::CANCER_REVIEW;
    Comparison {
        code: "complement".to_owned(),
        title: "Items that publications compare with complement-mediated disease".to_owned(),
        items: vec![
            compared(panel, Analyte::C3, low, BELOW_OWN, below_own, review),
            compared(panel, Analyte::C4, low, BELOW_OWN, below_own, review),
            compared(
                panel,
                Analyte::Sc5b9,
                "at or above the upper limit is a criterion of transplant-associated TMA",
                ("at or above its upper limit", "below its upper limit"),
                |result| result.quantity()?.is_at_least(result.own_upper_limit()?),
                sources::TA_TMA,
            ),
            compared(
                panel,
                Analyte::Adamts13Activity,
                "TMA other than TTP has an activity above 10 %",
                ("above 10 %", "not above 10 %"),
                |result| {
                    let before = result.before_plasma != Some(false);
                    before.then(|| result.quantity()?.is_above(SEVERE_ADAMTS13_AT_MOST))?
                },
                NOT_DEFICIENT,
            ),
            compared(
                panel,
                Analyte::Creatinine,
                "only a minority of patients with cancer had the features of atypical hemolytic uremic syndrome, except \
                 in cancer of the prostate",
                ABOVE_OWN,
                above_own,
                sources::CANCER_MAHA,
            ),
        ],
    }
}

/// Names of what is not given and would belong on the page.
fn missing(smear: Option<&SmearFinding>, panel: &LabPanel) -> Vec<String> {
    let cancer = panel.context.cancer.as_ref();
    let undated = |drugs: &[Drug]| drugs.iter().any(|drug| drug.start_date.is_none());
    let entered = [
        ("Tumor", cancer.is_none_or(|cancer| cancer.tumor.is_none())),
        ("Whether the cancer is active", panel.context.active_cancer().is_none()),
        ("Metastases", cancer.is_none_or(|cancer| cancer.metastatic.is_none())),
        ("Tumor in the bone marrow", cancer.is_none_or(|cancer| cancer.marrow.is_none())),
        ("Drugs", panel.context.drugs.is_none()),
        ("Start dates of drugs", panel.context.drugs.as_deref().is_some_and(undated)),
        ("Schistocytes on the film", smear.is_none() && panel.context.schistocytes_on_film.is_none()),
    ];
    let wanted = [
        Analyte::Adamts13Activity,
        Analyte::Dat,
        Analyte::ProthrombinTime,
        Analyte::Aptt,
        Analyte::Fibrinogen,
        Analyte::DDimer,
        Analyte::C3,
        Analyte::C4,
        Analyte::Sc5b9,
        Analyte::Creatinine,
    ];
    let results = wanted.into_iter().filter(|analyte| panel.current(*analyte).is_none());
    let entered = entered.into_iter().filter(|(_, missing)| *missing).map(|(name, _)| name.to_owned());
    let untold = panel.current(Analyte::Adamts13Activity).is_some_and(|result| result.before_plasma.is_none());
    entered
        .chain(results.map(|analyte| analyte.label().to_owned()))
        .chain(untold.then(|| "Whether ADAMTS13 was drawn before plasma".to_owned()))
        .collect()
}

fn caveats(panel: &LabPanel) -> Vec<String> {
    let mut caveats = vec![
        "Publications compare groups of patients; a single value may lie on either side in any of them.".to_owned(),
        "That a drug is reported with TMA does not say that it is the cause here, and a drug that is not in the table is \
         not thereby free of it."
            .to_owned(),
    ];
    if panel.context.active_cancer() == Some(true) {
        caveats.push(plasmic::CANCER_CAVEAT.to_owned());
        caveats.push("The French score was derived without patients with cancer and is not applied.".to_owned());
    }
    caveats
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drugs_are_found_as_words_of_their_own() {
        for (written, name) in [
            ("Gemcitabine", Some("gemcitabine")),
            ("gemcitabine 1000 mg/m2", Some("gemcitabine")),
            ("Mitomycin-C", Some("mitomycin")),
            ("Avastin (bevacizumab)", Some("bevacizumab")),
            ("nab-paclitaxel", None),
            ("quininex", None),
            ("", None),
        ] {
            assert_eq!(known_drug(written).map(|(names, ..)| names[0]), name, "{written}");
        }
    }

    #[test]
    fn every_drug_has_its_codes_a_publication_and_a_year() {
        let coded: Vec<&str> = crate::clinical::coded_substances().collect();
        assert_eq!(coded.len(), DRUGS.len());
        for (names, published, source) in DRUGS {
            assert!(names.iter().any(|name| coded.contains(name)), "{}", names[0]);
            assert!(names.iter().all(|name| *name == name.to_lowercase()) && !published.is_empty());
            let dated = source.split(|c: char| !c.is_ascii_digit()).any(|part| part.len() == 4);
            assert!(dated || *source == IXAZOMIB, "{source}");
        }
    }
}
