//! Codes of the observations: local ones first, LOINC beside them where it says the same.
//!
//! LOINC 800-3 (presence, light microscopy) is sent as the alternate of the ordinal finding. LOINC 51630-2 is named
//! "per 1000 erythrocytes" while its example unit is %, so that a receiver may read a tenfold value: it is sent only where
//! the laboratory says so (`use_loinc_percent`), and the value is never scaled.
//!
//! This material contains content from LOINC (<https://loinc.org>), copyright Regenstrief Institute, Inc. and the LOINC
//! Committee, available at no cost under its license.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::smear::{CellClass, SchistocyteForm};

/// Code of the whole examination, and its words.
pub(in crate::report) const SERVICE: (&str, &str) = ("SMEAR-TMA", "Schistocyte image analysis");

/// An observation by name, as settings name it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ObservationName(String);

/// A name that no observation bears.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected the name of an observation ({known}), found `{0}`", known = names().join(", "))]
pub struct UnknownObservation(pub String);

impl TryFrom<String> for ObservationName {
    type Error = UnknownObservation;

    fn try_from(name: String) -> Result<Self, UnknownObservation> {
        if names().contains(&name) { Ok(Self(name)) } else { Err(UnknownObservation(name)) }
    }
}

impl From<ObservationName> for String {
    fn from(name: ObservationName) -> Self {
        name.0
    }
}

/// Code of another system that says the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlternateCode {
    /// Code.
    pub code: String,
    /// Its words.
    pub text: String,
    /// Name of the system in HL7 (table 0396), for instance `LN`.
    pub hl7_system: String,
    /// URI of the system in FHIR, for instance `http://loinc.org`.
    pub fhir_system: String,
}

/// A laboratory's own code for an observation; what is left out stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ObservationCode {
    /// Code.
    pub code: Option<String>,
    /// Words.
    pub text: Option<String>,
    /// Code of another system.
    pub alternate: Option<AlternateCode>,
}

/// Codes of the laboratory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CodeOptions {
    /// Name of the local coding system in HL7; local ones begin with `99` (table 0396).
    pub hl7_system: String,
    /// URI of the local coding system in FHIR.
    pub fhir_system: String,
    /// Code of the whole examination.
    pub service_code: String,
    /// Words of the whole examination.
    pub service_text: String,
    /// Whether LOINC 51630-2 stands beside the local code of the percentage.
    pub use_loinc_percent: bool,
    /// Codes of single observations.
    pub observations: BTreeMap<ObservationName, ObservationCode>,
}

impl Default for CodeOptions {
    fn default() -> Self {
        Self {
            hl7_system: "99TMA".to_owned(),
            fhir_system: "urn:schistoquant:codes".to_owned(),
            service_code: SERVICE.0.to_owned(),
            service_text: SERVICE.1.to_owned(),
            use_loinc_percent: false,
            observations: BTreeMap::new(),
        }
    }
}

/// Name, local code and words of every observation but those of forms and classes.
const FIXED: [(&str, &str, &str); 23] = [
    ("percent", "SCHISTO-PCT", "Schistocytes/RBC"),
    ("state", "SCHISTO-STATE", "Schistocytes/RBC against the reference limit"),
    ("interval", "SCHISTO-CI", "Schistocytes/RBC 95% interval"),
    ("red_cells", "RBC-N", "RBC counted"),
    ("schistocytes", "SCHISTO-N", "Schistocytes counted"),
    ("presence", "SCHISTO-PRES", "Schistocytes seen"),
    ("context", "SHAPE-CONTEXT", "Schistocytes among other shape changes"),
    ("other_abnormal_percent", "OTHER-SHAPES-PCT", "Other abnormal shapes/RBC"),
    ("wilson_interval", "SCHISTO-CI-WILSON", "Schistocytes/RBC 95% interval, Wilson"),
    ("field_bootstrap_interval", "SCHISTO-CI-FIELDS", "Schistocytes/RBC 95% interval, bootstrap over fields"),
    ("sequential_interval", "SCHISTO-CI-STOP", "Schistocytes/RBC 95% interval, stop rule over all looks"),
    ("repeatability_interval", "SCHISTO-CI-REPEAT", "Schistocytes/RBC 95% interval, other pictures of the film"),
    ("corrected_percent", "SCHISTO-CORR-PCT", "Schistocytes/RBC corrected for classifier error"),
    ("corrected_interval", "SCHISTO-CORR-CI", "Corrected schistocytes/RBC 95% interval"),
    ("icsh_rule_percent", "SCHISTO-ICSH-PCT", "Schistocytes/RBC by the ICSH rule for microspherocytes"),
    ("core_percent", "SCHISTO-CORE-PCT", "Helmets, crescents and triangles/RBC"),
    ("grade", "SCHISTO-GRADE", "Schistocyte grade by the laboratory's table"),
    ("floor_percent", "FP-FLOOR-PCT", "Reading of a film without schistocytes"),
    ("fields_accepted", "QC-FIELDS-ACCEPTED", "Fields of sufficient quality"),
    ("fields_refused", "QC-FIELDS-REFUSED", "Fields refused for their quality"),
    ("objects_excluded", "QC-OBJECTS-EXCLUDED", "Objects left out of the count"),
    ("inputs_failed", "QC-INPUTS-FAILED", "Inputs that could not be read"),
    ("report", "PDF", "Report"),
];

/// LOINC of the percentage and of the ordinal finding.
const LOINC_PERCENT: (&str, &str) = ("51630-2", "Schistocytes/1000 erythrocytes");
const LOINC_PRESENCE: (&str, &str) = ("800-3", "Schistocytes [Presence] in Blood by Light microscopy");

/// Name of the observation of a class.
pub(super) fn class_name(class: CellClass) -> String {
    format!("class_{}", class.name())
}

/// Name of the observation of a form.
pub(super) fn form_name(form: SchistocyteForm) -> String {
    format!("form_{}", form.name())
}

fn names() -> Vec<String> {
    let fixed = FIXED.iter().map(|(name, ..)| (*name).to_owned());
    let forms = SchistocyteForm::ALL.into_iter().map(form_name);
    fixed.chain(forms).chain(CellClass::ALL.into_iter().map(class_name)).collect()
}

/// Code, words and alternate of an observation.
pub(super) fn code_of(name: &str, options: &CodeOptions) -> (String, String, Option<AlternateCode>) {
    let fixed = FIXED.iter().find(|(fixed, ..)| *fixed == name);
    let (code, text) = match (fixed, name.split_once('_')) {
        (Some((_, code, text)), _) => ((*code).to_owned(), (*text).to_owned()),
        (None, Some(("form", form))) => {
            (format!("SCHISTO-{}", form.to_uppercase()), format!("Schistocytes counted as {form}"))
        }
        (None, Some((_, class))) => (format!("RBC-{}", class.to_uppercase()), format!("RBC counted as {class}")),
        (None, None) => (name.to_uppercase(), name.to_owned()),
    };
    let loinc = |(code, text): (&str, &str)| AlternateCode {
        code: code.to_owned(),
        text: text.to_owned(),
        hl7_system: "LN".to_owned(),
        fhir_system: "http://loinc.org".to_owned(),
    };
    let alternate = match name {
        "presence" => Some(loinc(LOINC_PRESENCE)),
        "percent" if options.use_loinc_percent => Some(loinc(LOINC_PERCENT)),
        _ => None,
    };
    let own = options.observations.get(&ObservationName(name.to_owned()));
    (
        own.and_then(|own| own.code.clone()).unwrap_or(code),
        own.and_then(|own| own.text.clone()).unwrap_or(text),
        own.and_then(|own| own.alternate.clone()).or(alternate),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_known_and_codes_differ() {
        let codes: Vec<String> = names().iter().map(|name| code_of(name, &CodeOptions::default()).0).collect();
        let mut unique = codes.clone();
        unique.sort();
        unique.dedup();
        assert_eq!((codes.len(), unique.len()), (41, 41));
    }

    #[test]
    fn loinc_of_the_percentage_is_sent_only_where_asked_for() {
        let percent = |options: &CodeOptions| code_of("percent", options).2.map(|alternate| alternate.code);
        assert_eq!(percent(&CodeOptions::default()), None);
        let asked = CodeOptions { use_loinc_percent: true, ..CodeOptions::default() };
        assert_eq!(percent(&asked).as_deref(), Some("51630-2"));
        let presence = code_of("presence", &CodeOptions::default()).2.map(|alternate| alternate.code);
        assert_eq!(presence.as_deref(), Some("800-3"));
    }

    #[test]
    fn a_laboratory_names_its_own_codes_and_unknown_names_are_refused() {
        let json =
            r#"{"observations": {"percent": {"code": "FRAG", "text": "Fragments"}, "class_target": {"code": "TGT"}}}"#;
        let options: CodeOptions = serde_json::from_str(json).expect("settings");
        assert_eq!(code_of("percent", &options), ("FRAG".to_owned(), "Fragments".to_owned(), None));
        assert_eq!(code_of("class_target", &options).0, "TGT");
        assert_eq!(code_of("class_burr", &options).0, "RBC-BURR");
        let error =
            serde_json::from_str::<CodeOptions>(r#"{"observations": {"percentage": {}}}"#).expect_err("no such");
        assert!(error.to_string().contains("expected the name of an observation (percent, state, interval"), "{error}");
        serde_json::from_str::<CodeOptions>(r#"{"loinc": true}"#).expect_err("no such setting");
    }
}
