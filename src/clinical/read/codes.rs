//! Codes of diagnoses (cancer, its spread, transplantation) and of drugs that publications report with TMA.
//!
//! In: a code of ICD-10 (WHO, or the national modifications CM and GM), its text, and what the sender says of its state; or a
//! code of RxNorm (ingredient) or ATC. Out: fields of the context, or the reason why the code is left aside; the name of the
//! substance, as in the table of `evidence::cancer`.
//!
//! | codes | read as |
//! | --- | --- |
//! | C00–C76, C80–C97, and of ICD-10-CM C4A, C7A | a tumor |
//! | C77–C79, and of ICD-10-CM C7B | a tumor with metastases |
//! | C79.52 (ICD-10-CM) | a tumor with metastases, in the bone marrow |
//! | D45–D47 | a tumor of the blood-forming tissue whose behavior the code calls uncertain |
//! | Z94.0–Z94.4, Z94.82, Z94.83, T86.1–T86.4 | a solid organ was transplanted |
//! | Z94.80 (GM), Z94.81, Z94.84 (CM), T86.0, T86.5 (CM) | stem cells or marrow were transplanted |
//!
//! Source: ICD-10, version 2019 (WHO), chapters II, XIX and XXI; ICD-10-CM 2025 (CDC/NCHS) and ICD-10-GM 2025 (BfArM) for
//! the longer codes. ATC/DDD index (WHO Collaborating Centre for Drug Statistics Methodology), with the codes that were
//! valid before 2022 (L01X…), because systems still send them. RxNorm (U.S. National Library of Medicine), concepts of the
//! type ingredient, as published by CPIC, Synthea and RxNav.
//!
//! METHOD: a code says that a cancer was diagnosed, not that it is active, which PLASMIC asks; only the clinical status of a
//! FHIR Condition says so. `C79.5` means bone and bone marrow together and does not tell the marrow. `Z94.8` alone means
//! marrow or an organ and is left aside. SNOMED CT codes are left aside: no table of them could be checked.
//!
//! Limits: no RxNorm code of mitomycin and surufatinib and no ATC code of surufatinib could be checked; these are known by
//! name alone. Codes of products and brands are not read; a drug that names its substance in words is known by it.

use super::raw::RawPanel;
use crate::clinical::context::{Cancer, ClinicalContext, Transplant, TransplantKind};

/// What a code says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Diagnosis {
    Tumor { metastatic: bool, marrow: bool },
    UncertainTumor,
    Transplant(TransplantKind),
}

/// A coded diagnosis as sent.
#[derive(Debug, Clone)]
pub(super) struct CodedDiagnosis {
    /// Code as it is shown.
    pub shown: String,
    /// ICD-10 code.
    pub code: String,
    /// Its text; empty where not given.
    pub text: String,
    /// Whether the sender says that the disease is active.
    pub is_active: bool,
    /// Words on its state, for people.
    pub state: Option<String>,
}

/// Whether a code system of HL7 (table 0396) or FHIR is ICD-10, for diagnoses.
pub(super) fn is_icd10(system: &str) -> bool {
    let folded: String = system.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect();
    let named = folded.starts_with("I10") || folded.starts_with("ICD10");
    let is_uri = system.starts_with("http://hl7.org/fhir/sid/icd-10") && !system.ends_with("-pcs")
        || [
            "http://fhir.de/CodeSystem/bfarm/icd-10-gm",
            "urn:oid:2.16.840.1.113883.6.3",
            "urn:oid:2.16.840.1.113883.6.90",
        ]
        .contains(&system);
    let is_procedure = matches!(folded.as_str(), "I10P" | "ICD10PCS" | "ICD10P");
    (named || is_uri) && !is_procedure
}

/// What an ICD-10 code says of the context; the error says why it says nothing.
pub(super) fn meaning(code: &str) -> Result<Diagnosis, &'static str> {
    let code: String = code.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect();
    let Some((category, rest)) =
        code.split_at_checked(3).filter(|_| code.starts_with(|c: char| c.is_ascii_uppercase()))
    else {
        return Err("expected an ICD-10 code such as C25.9, found none");
    };
    const NOT_SAID: &str =
        "the code does not say whether an organ or stem cells were transplanted; send it as `transplant`";
    let tumor = |metastatic, marrow| Ok(Diagnosis::Tumor { metastatic, marrow });
    let number = category[1..].parse::<u32>().ok();
    match (&category[..1], number, category) {
        ("C", Some(77 | 78), _) | (_, _, "C7B") => tumor(true, false),
        ("C", Some(79), _) => tumor(true, rest.starts_with("52")),
        ("C", Some(0..=97), _) | (_, _, "C4A" | "C7A") => tumor(false, false),
        ("D", Some(45..=47), _) => Ok(Diagnosis::UncertainTumor),
        ("Z", Some(94), _) => match rest {
            "0" | "1" | "2" | "3" | "4" | "82" | "83" => Ok(Diagnosis::Transplant(TransplantKind::SolidOrgan)),
            "80" | "81" | "84" => Ok(Diagnosis::Transplant(TransplantKind::StemCell)),
            "5" | "6" | "7" => Err("a transplanted tissue is neither organ nor stem cells"),
            _ => Err(NOT_SAID),
        },
        ("T", Some(86), _) => match rest.as_bytes().first() {
            Some(b'0' | b'5') => Ok(Diagnosis::Transplant(TransplantKind::StemCell)),
            Some(b'1'..=b'4') => Ok(Diagnosis::Transplant(TransplantKind::SolidOrgan)),
            _ => Err(NOT_SAID),
        },
        ("Z", Some(85), _) => {
            Err("a former cancer: the code does not say whether one is active; send it as `cancer_active`")
        }
        _ => Err("a diagnosis that no item of the report asks for"),
    }
}

/// Adds coded diagnoses to the context. A code never changes what the sender says in words (`tumor`, `cancer_active`, …).
pub(super) fn apply(diagnoses: Vec<CodedDiagnosis>, raw: &mut RawPanel) {
    for diagnosis in diagnoses {
        match meaning(&diagnosis.code) {
            Ok(Diagnosis::Transplant(kind)) => transplanted(kind, &diagnosis, raw),
            Ok(Diagnosis::Tumor { metastatic, marrow }) => {
                let cancer = with_tumor(&mut raw.context, &diagnosis);
                cancer.metastatic = cancer.metastatic.or(metastatic.then_some(true));
                cancer.marrow = cancer.marrow.or(marrow.then_some(true));
                cancer.active = cancer.active.or(diagnosis.is_active.then_some(true));
            }
            Ok(Diagnosis::UncertainTumor) => {
                with_tumor(&mut raw.context, &diagnosis);
            }
            Err(reason) => raw.ignore(&diagnosis.shown, &diagnosis.text, reason),
        }
    }
}

/// The cancer of the context, with the tumor of a code among its names.
fn with_tumor<'c>(context: &'c mut ClinicalContext, diagnosis: &CodedDiagnosis) -> &'c mut Cancer {
    let mut parts = vec![format!("ICD-10 {}", diagnosis.code)];
    if diagnosis.code.trim().replace('.', "").to_ascii_uppercase().trim_end_matches('0') == "C795" {
        parts.push("of bone or bone marrow".to_owned());
    }
    if matches!(meaning(&diagnosis.code), Ok(Diagnosis::UncertainTumor)) {
        parts.push("uncertain behavior".to_owned());
    }
    parts.extend(diagnosis.state.clone());
    let coded = parts.join(", ");
    let named = if diagnosis.text.is_empty() { coded } else { format!("{} ({coded})", diagnosis.text) };
    let cancer = context.cancer.get_or_insert_default();
    match &mut cancer.tumor {
        Some(tumor) if tumor.contains(&named) => {}
        Some(tumor) => tumor.push_str(&format!("; {named}")),
        tumor => *tumor = Some(named),
    }
    cancer
}

fn transplanted(kind: TransplantKind, diagnosis: &CodedDiagnosis, raw: &mut RawPanel) {
    match &raw.context.transplant {
        None => raw.context.transplant = Some(Transplant { kind, date: None }),
        Some(known) if known.kind == kind => {}
        Some(_) => raw.ignore(&diagnosis.shown, &diagnosis.text, "another transplantation is given already"),
    }
}

/// A substance with its RxNorm code and its ATC codes.
type DrugCodes = (&'static str, Option<&'static str>, &'static [&'static str]);

const DRUGS: &[DrugCodes] = &[
    ("gemcitabine", Some("12574"), &["L01BC05"]),
    ("mitomycin", None, &["L01DC03"]),
    ("bevacizumab", Some("253337"), &["L01FG01", "L01XC07"]),
    ("sunitinib", Some("357977"), &["L01EX01", "L01XE04"]),
    ("surufatinib", None, &[]),
    ("carfilzomib", Some("1302966"), &["L01XG02", "L01XX45"]),
    ("bortezomib", Some("358258"), &["L01XG01", "L01XX32"]),
    ("ixazomib", Some("1723735"), &["L01XG03", "L01XX50"]),
    ("oxaliplatin", Some("32592"), &["L01XA03"]),
    ("cyclosporine", Some("3008"), &["L04AD01"]),
    ("tacrolimus", Some("42316"), &["L04AD02"]),
    ("quinine", Some("9071"), &["P01BC01"]),
];

/// The substance of a code, if the table has it; the system is a FHIR URI or a name of HL7 table 0396.
pub(super) fn substance(system: &str, code: &str) -> Option<&'static str> {
    let is_coded = |(_, rxnorm, atc): &&DrugCodes| match system {
        "http://www.nlm.nih.gov/research/umls/rxnorm" | "urn:oid:2.16.840.1.113883.6.88" | "RXNORM" | "RxNorm" => {
            *rxnorm == Some(code)
        }
        "http://www.whocc.no/atc"
        | "http://fhir.de/CodeSystem/bfarm/atc"
        | "http://fhir.de/CodeSystem/dimdi/atc"
        | "urn:oid:2.16.840.1.113883.6.73"
        | "ATC" => atc.iter().any(|atc| atc.eq_ignore_ascii_case(code)),
        _ => false,
    };
    DRUGS.iter().find(is_coded).map(|(name, ..)| *name)
}

/// Substances of the table.
#[cfg(test)]
pub fn coded_substances() -> impl Iterator<Item = &'static str> {
    DRUGS.iter().map(|(name, ..)| *name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn codes_are_read_on_both_sides_of_their_ranges() {
        let tumor = |metastatic, marrow| Ok(Diagnosis::Tumor { metastatic, marrow });
        for code in ["C00", "C25.9", "c259", "C76.3", "C80.0", "C92.0", "C97", "C4A.0", "C7A.1"] {
            assert_eq!(meaning(code), tumor(false, false), "{code}");
        }
        for code in ["C77.0", "C78.7", "C79.5", "C79.51", "C7B.0"] {
            assert_eq!(meaning(code), tumor(true, false), "{code}");
        }
        assert_eq!(meaning("C79.52"), tumor(true, true));
        for code in ["D45", "D46.9", "D47.4"] {
            assert_eq!(meaning(code), Ok(Diagnosis::UncertainTumor), "{code}");
        }
        for code in ["D44.9", "D48.9", "C98", "I10", "M31.1", "D37"] {
            assert!(meaning(code).is_err_and(|why| why.contains("no item")), "{code}");
        }
    }

    #[test]
    fn transplants_are_told_apart_or_left_aside() {
        let of = |kind| Ok(Diagnosis::Transplant(kind));
        for code in ["Z94.0", "Z94.4", "Z94.83", "T86.1", "T86.49"] {
            assert_eq!(meaning(code), of(TransplantKind::SolidOrgan), "{code}");
        }
        for code in ["Z94.80", "Z94.81", "Z94.84", "T86.0", "T86.09", "T86.5"] {
            assert_eq!(meaning(code), of(TransplantKind::StemCell), "{code}");
        }
        for code in ["Z94", "Z94.8", "Z94.9", "T86", "T86.8", "Z94.7", "Z85.0"] {
            assert!(meaning(code).is_err(), "{code}");
        }
        for none in ["", "C", "25", "9C2", "\u{e9}\u{e9}\u{e9}"] {
            assert!(meaning(none).is_err(), "{none}");
        }
    }

    #[test]
    fn code_systems_of_diagnoses() {
        for system in ["I10", "I10C", "ICD-10", "ICD10CM", "icd-10-gm", "http://hl7.org/fhir/sid/icd-10-cm"] {
            assert!(is_icd10(system), "{system}");
        }
        for system in ["", "I9C", "I10P", "ICD-10-PCS", "SCT", "http://snomed.info/sct"] {
            assert!(!is_icd10(system), "{system}");
        }
    }

    #[test]
    fn a_drug_code_of_a_known_system_names_one_substance() {
        let (rxnorm, atc) = ("http://www.nlm.nih.gov/research/umls/rxnorm", "http://www.whocc.no/atc");
        for (system, code, name) in [
            (rxnorm, "12574", Some("gemcitabine")),
            (atc, "l01bc05", Some("gemcitabine")),
            (atc, "L01XC07", Some("bevacizumab")),
            (rxnorm, "L01BC05", None),
            (atc, "12574", None),
            ("http://snomed.info/sct", "12574", None),
        ] {
            assert_eq!(substance(system, code), name, "{system} {code}");
        }
        let all: Vec<&str> = DRUGS.iter().flat_map(|(_, rxnorm, atc)| atc.iter().chain(rxnorm)).copied().collect();
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
    }
}
