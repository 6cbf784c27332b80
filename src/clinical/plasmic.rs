//! PLASMIC score.
//!
//! In: a panel, with its values at presentation, and the configured limit of quantitation of haptoglobin. Out: a [`Score`]
//! of seven items, 0–7 points.
//!
//! Source: Bendapudi et al., Lancet Haematol 2017, 4:e157–e164; items and cohorts as its calculator and secondary tables
//! give them. The score estimates an ADAMTS13 activity of at most 10 %.
//!
//! Limits: adults with platelets below 150 × 10⁹/L and schistocytes on the film. LDH is no item. A cancer gives no point, so
//! that a patient with active cancer reaches 6 at most.

use super::analyte::Analyte;
use super::options::ScoreOptions;
use super::panel::LabPanel;
use super::result::{Comparator, Quantity};
use super::score::{PUBLISHED_COHORT_NOTE, SCORE_NOTE, Score, ScoreBand, condition, one_point, sum};
use super::unit::settled;

/// Item P: a point below this platelet count, 10⁹/L.
pub const PLATELETS_BELOW: f64 = 30.0;
/// Population: platelets below this count, 10⁹/L.
pub const POPULATION_PLATELETS_BELOW: f64 = 150.0;
/// Item L: reticulocytes above this share, %.
pub const RETICULOCYTES_ABOVE: f64 = 2.5;
/// Item L: indirect bilirubin above this, mg/dL (34.2 µmol/L).
pub const INDIRECT_BILIRUBIN_ABOVE: f64 = 2.0;
/// Item M: a point below this MCV, fL.
pub const MCV_BELOW: f64 = 90.0;
/// Item I: a point below this INR.
pub const INR_BELOW: f64 = 1.5;
/// Item C: a point below this creatinine, mg/dL (176.8 µmol/L).
pub const CREATININE_BELOW: f64 = 2.0;

/// Printed with active cancer.
pub const CANCER_CAVEAT: &str = "With active cancer item A gives no point, so the score is pushed down by construction \
    and tops out at 6; a low score in a patient with cancer partly restates that the patient has cancer. The score was not \
    built to separate causes within cancer-associated TMA.";

/// The score of a panel.
///
/// METHOD: every laboratory item takes the earliest value of the panel, because the score is defined at presentation.
pub fn score(panel: &LabPanel, options: &ScoreOptions) -> Score {
    let first = |analyte| panel.at_presentation(analyte).and_then(|result| result.quantity());
    let shown = |quantity: Option<&Quantity>| quantity.map(ToString::to_string);
    let below = |quantity: Option<&Quantity>, cut| quantity.and_then(|quantity| quantity.is_below(cut));
    let platelets = first(Analyte::Platelets);
    let (mcv, inr, creatinine) = (first(Analyte::Mcv), first(Analyte::Inr), first(Analyte::Creatinine));
    let context = &panel.context;
    let no = |known: Option<bool>| known.map(|present| !present);
    let said = |name: &str, known: Option<bool>| {
        known.map(|present| format!("{name}: {}", if present { "yes" } else { "no" }))
    };
    let (hemolysis, hemolysis_value) = hemolysis(panel, options);
    let items = vec![
        one_point("Platelets", "< 30 × 10⁹/L", shown(platelets), below(platelets, PLATELETS_BELOW)),
        one_point(
            "Hemolysis",
            "any of: reticulocytes > 2.5 %; haptoglobin undetectable; indirect bilirubin > 2.0 mg/dL (34.2 µmol/L)",
            hemolysis_value,
            hemolysis,
        ),
        one_point(
            "No active cancer",
            "an active cancer gives no point",
            said("active cancer", context.active_cancer()),
            no(context.active_cancer()),
        ),
        one_point(
            "No transplant",
            "no history of solid-organ or stem-cell transplant",
            said("transplant", context.has_transplant()),
            no(context.has_transplant()),
        ),
        one_point("MCV", "< 90 fL", shown(mcv), below(mcv, MCV_BELOW)),
        one_point("INR", "< 1.5", shown(inr), below(inr, INR_BELOW)),
        one_point("Creatinine", "< 2.0 mg/dL (176.8 µmol/L)", shown(creatinine), below(creatinine, CREATININE_BELOW)),
    ];
    let conditions = vec![
        condition("adult", context.is_adult()),
        condition("platelets < 150 × 10⁹/L", below(platelets, POPULATION_PLATELETS_BELOW)),
        condition("schistocytes visible on the film", context.schistocytes_on_film),
    ];
    let mut caveats = vec![SCORE_NOTE.to_owned()];
    if context.active_cancer() == Some(true) {
        caveats.push(CANCER_CAVEAT.to_owned());
    }
    caveats.push(
        "Secondary sources read active cancer as treated within the previous year; the publication's own definition was \
         not at hand."
            .to_owned(),
    );
    if context.age_years.is_some_and(|years| years >= 60) {
        caveats.push(
            "From 60 years on a published cohort had a sensitivity of 76.9 % and a specificity of 50 % at 5 points or more \
             (81 patients with TTP, 76 with another TMA)."
                .to_owned(),
        );
    }
    Score {
        name: "PLASMIC".to_owned(),
        version: "2017".to_owned(),
        estimates: "severe ADAMTS13 deficiency (activity of at most 10 %)".to_owned(),
        applicability: "adults with platelets below 150 × 10⁹/L and schistocytes on the film, by the earliest values"
            .to_owned(),
        result: sum(&items, &conditions),
        conditions,
        items,
        bands: bands(),
        caveats,
        source: "Bendapudi et al., Lancet Haematol 2017;4:e157-e164".to_owned(),
    }
}

/// Item L with its values in words.
///
/// METHOD: an OR. One criterion that is met is enough; the item is not met only where all three are known not to be; else
/// it is missing.
fn hemolysis(panel: &LabPanel, options: &ScoreOptions) -> (Option<bool>, Option<String>) {
    let reticulocytes = panel.at_presentation(Analyte::ReticulocytesPercent).and_then(|result| result.quantity());
    let haptoglobin = panel.at_presentation(Analyte::Haptoglobin);
    let bilirubin = panel.at_presentation(Analyte::BilirubinIndirect).and_then(|result| result.quantity());
    let criteria = [
        reticulocytes.and_then(|quantity| quantity.is_above(RETICULOCYTES_ABOVE)),
        haptoglobin_undetectable(panel, options),
        indirect_bilirubin_raised(panel),
    ];
    let met = if criteria.contains(&Some(true)) {
        Some(true)
    } else {
        criteria.iter().all(|criterion| *criterion == Some(false)).then_some(false)
    };
    let values = [
        reticulocytes.map(|quantity| format!("reticulocytes {quantity}")),
        haptoglobin.map(|result| format!("haptoglobin {}", result.value)),
        bilirubin.map(|quantity| format!("indirect bilirubin {quantity}")),
        bilirubin.is_none().then(|| total_and_direct(panel)).flatten(),
    ];
    let text = values.into_iter().flatten().collect::<Vec<_>>().join("; ");
    (met, (!text.is_empty()).then_some(text))
}

/// Total and direct bilirubin in words.
fn total_and_direct(panel: &LabPanel) -> Option<String> {
    let of = |analyte| panel.at_presentation(analyte).and_then(|result| result.quantity());
    let total = of(Analyte::BilirubinTotal)?;
    Some(match of(Analyte::BilirubinDirect) {
        Some(direct) => format!("total bilirubin {total}, direct {direct}"),
        None => format!("total bilirubin {total}"),
    })
}

/// Whether haptoglobin is undetectable.
///
/// METHOD: it is where the laboratory says so, or reports a value below its limit (`< 8 mg/dL`). A number is detectable
/// where it reaches the configured limit of quantitation, or without one where it reaches the lower reference limit. A
/// lower number without a configured limit does not tell, because a laboratory may print its limit as a value.
pub fn haptoglobin_undetectable(panel: &LabPanel, options: &ScoreOptions) -> Option<bool> {
    let result = panel.at_presentation(Analyte::Haptoglobin)?;
    let Some(quantity) = result.quantity() else { return Some(true) };
    let limit = options.haptoglobin_lloq_canonical();
    match (quantity.comparator, limit) {
        (Some(Comparator::Less | Comparator::LessOrEqual), None) => {
            // A limit above the reference limit is no limit of detection.
            let low = result.reference.as_ref().and_then(|reference| reference.canonical_low);
            low.is_none_or(|low| quantity.canonical <= low).then_some(true)
        }
        (_, Some(limit)) => quantity.is_below(limit),
        (_, None) => {
            let low = result.reference.as_ref().and_then(|reference| reference.canonical_low)?;
            (quantity.is_below(low) == Some(false)).then_some(false)
        }
    }
}

/// Whether indirect bilirubin is above its limit.
///
/// METHOD: where it was not reported, total minus direct bilirubin of the same time stands for it, and a total that does
/// not exceed the limit shows that its indirect part does not either.
fn indirect_bilirubin_raised(panel: &LabPanel) -> Option<bool> {
    let of = |analyte| panel.at_presentation(analyte);
    if let Some(indirect) = of(Analyte::BilirubinIndirect) {
        return indirect.quantity()?.is_above(INDIRECT_BILIRUBIN_ABOVE);
    }
    let total = of(Analyte::BilirubinTotal)?;
    let total_quantity = total.quantity()?;
    if total_quantity.is_at_most(INDIRECT_BILIRUBIN_ABOVE) == Some(true) {
        return Some(false);
    }
    let direct = of(Analyte::BilirubinDirect).filter(|direct| direct.collected_at == total.collected_at)?;
    let direct_quantity = direct.quantity()?;
    if total_quantity.comparator.is_some() || direct_quantity.comparator.is_some() {
        return None;
    }
    Some(settled(total_quantity.canonical - direct_quantity.canonical) > INDIRECT_BILIRUBIN_ABOVE)
}

fn bands() -> Vec<ScoreBand> {
    let band = |lowest, highest, label: &str, cohorts: &str| ScoreBand {
        lowest,
        highest,
        label: label.to_owned(),
        published_cohorts: vec![format!("severe deficiency in {cohorts} ({PUBLISHED_COHORT_NOTE})")],
    };
    vec![
        band(0, 4, "low", "0 of 84 (derivation), 0 of 89 (internal), 2 of 47 or 4 % (external validation)"),
        band(
            5,
            5,
            "intermediate",
            "2 of 44 or 5 % (derivation), 3 of 32 or 9 % (internal), 6 of 25 or 24 % (external validation)",
        ),
        band(
            6,
            7,
            "high",
            "58 of 72 or 81 % (derivation), 18 of 29 or 62 % (internal), 61 of 74 or 82 % (external validation)",
        ),
    ]
}

#[cfg(test)]
#[path = "plasmic_tests.rs"]
mod tests;
