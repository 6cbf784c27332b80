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

use crate::case::IntervalName;
use crate::smear::{CellClass, SchistocyteForm};

/// Code of the whole examination, and its words.
const SERVICE: (&str, &str) = ("SMEAR-TMA", "Schistocyte image analysis");

/// What is observed. Settings name it by [`ObservationName::name`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[allow(missing_docs)] // each is named by its words in `ObservationName::local`
pub enum ObservationName {
    Percent,
    State,
    WidestInterval,
    RedCells,
    Schistocytes,
    Presence,
    Context,
    OtherAbnormalPercent,
    Interval(IntervalName),
    CorrectedPercent,
    IcshRulePercent,
    CorePercent,
    Grade,
    FloorPercent,
    FieldsAccepted,
    FieldsRefused,
    ObjectsExcluded,
    InputsFailed,
    Report,
    SoftwarePercent,
    SoftwareState,
    SoftwareSchistocytes,
    SoftwareRedCells,
    CellsRead,
    CellsUndecided,
    CellsNotAssessable,
    CellsAdded,
    CellsIncluded,
    CellsUnread,
    ReaderKappa,
    SecondPercent,
    Form(SchistocyteForm),
    Class(CellClass),
}

/// A name that no observation bears.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected the name of an observation ({known}), found `{0}`", known = known_names())]
pub struct UnknownObservation(pub String);

fn known_names() -> String {
    ObservationName::all().iter().map(|observation| observation.name()).collect::<Vec<_>>().join(", ")
}

impl ObservationName {
    /// Every observation.
    fn all() -> Vec<Self> {
        use IntervalName::{Corrected, FieldBootstrap, Repeatability, Reviewed, Sequential, Wilson};
        let fixed = [
            Self::Percent,
            Self::State,
            Self::WidestInterval,
            Self::RedCells,
            Self::Schistocytes,
            Self::Presence,
            Self::Context,
            Self::OtherAbnormalPercent,
            Self::Interval(Wilson),
            Self::Interval(FieldBootstrap),
            Self::Interval(Sequential),
            Self::Interval(Repeatability),
            Self::Interval(Reviewed),
            Self::CorrectedPercent,
            Self::Interval(Corrected),
            Self::IcshRulePercent,
            Self::CorePercent,
            Self::Grade,
            Self::FloorPercent,
            Self::FieldsAccepted,
            Self::FieldsRefused,
            Self::ObjectsExcluded,
            Self::InputsFailed,
            Self::Report,
            Self::SoftwarePercent,
            Self::SoftwareState,
            Self::SoftwareSchistocytes,
            Self::SoftwareRedCells,
            Self::CellsRead,
            Self::CellsUndecided,
            Self::CellsNotAssessable,
            Self::CellsAdded,
            Self::CellsIncluded,
            Self::CellsUnread,
            Self::ReaderKappa,
            Self::SecondPercent,
        ];
        let forms = SchistocyteForm::ALL.into_iter().map(Self::Form);
        fixed.into_iter().chain(forms).chain(CellClass::ALL.into_iter().map(Self::Class)).collect()
    }

    /// Name in settings; also the part that identifiers are made of.
    pub fn name(self) -> String {
        self.local().0
    }

    /// Name, local code and words.
    fn local(self) -> (String, String, String) {
        let (name, code, text) = match self {
            Self::Percent => ("percent", "SCHISTO-PCT", "Schistocytes/RBC"),
            Self::State => ("state", "SCHISTO-STATE", "Schistocytes/RBC against the reference limit"),
            Self::WidestInterval => ("interval", "SCHISTO-CI", "Schistocytes/RBC 95% interval"),
            Self::RedCells => ("red_cells", "RBC-N", "RBC counted"),
            Self::Schistocytes => ("schistocytes", "SCHISTO-N", "Schistocytes counted"),
            Self::Presence => ("presence", "SCHISTO-PRES", "Schistocytes seen"),
            Self::Context => ("context", "SHAPE-CONTEXT", "Schistocytes among other shape changes"),
            Self::OtherAbnormalPercent => ("other_abnormal_percent", "OTHER-SHAPES-PCT", "Other abnormal shapes/RBC"),
            Self::Interval(interval) => {
                let (code, text) = interval_code(interval);
                return (format!("{}_interval", interval.name()), code.to_owned(), text.to_owned());
            }
            Self::CorrectedPercent => {
                ("corrected_percent", "SCHISTO-CORR-PCT", "Schistocytes/RBC corrected for classifier error")
            }
            Self::IcshRulePercent => {
                ("icsh_rule_percent", "SCHISTO-ICSH-PCT", "Schistocytes/RBC by the ICSH rule for microspherocytes")
            }
            Self::CorePercent => ("core_percent", "SCHISTO-CORE-PCT", "Helmets, crescents and triangles/RBC"),
            Self::Grade => ("grade", "SCHISTO-GRADE", "Schistocyte grade by the laboratory's table"),
            Self::FloorPercent => ("floor_percent", "FP-FLOOR-PCT", "Reading of a film without schistocytes"),
            Self::FieldsAccepted => ("fields_accepted", "QC-FIELDS-ACCEPTED", "Fields of sufficient quality"),
            Self::FieldsRefused => ("fields_refused", "QC-FIELDS-REFUSED", "Fields refused for their quality"),
            Self::ObjectsExcluded => ("objects_excluded", "QC-OBJECTS-EXCLUDED", "Objects left out of the count"),
            Self::InputsFailed => ("inputs_failed", "QC-INPUTS-FAILED", "Inputs that could not be read"),
            Self::Report => ("report", "PDF", "Report"),
            Self::SoftwarePercent => {
                ("software_percent", "SCHISTO-SW-PCT", "Schistocytes/RBC by software, before review")
            }
            Self::SoftwareState => {
                ("software_state", "SCHISTO-SW-STATE", "Schistocytes/RBC by software against the reference limit")
            }
            Self::SoftwareSchistocytes => ("software_schistocytes", "SCHISTO-SW-N", "Schistocytes called by software"),
            Self::SoftwareRedCells => ("software_red_cells", "RBC-SW-N", "RBC counted by software"),
            Self::CellsRead => ("cells_read", "REVIEW-READ-N", "Cells read by a person"),
            Self::CellsUndecided => ("cells_undecided", "REVIEW-UNDECIDED-N", "Cells read and undecided"),
            Self::CellsNotAssessable => {
                ("cells_not_assessable", "REVIEW-NOTASSESSABLE-N", "Cells read as not assessable")
            }
            Self::CellsAdded => ("cells_added", "REVIEW-ADDED-N", "Cells added by the reader"),
            Self::CellsIncluded => {
                ("cells_included", "REVIEW-INCLUDED-N", "Cells left out by software and counted by the reader")
            }
            Self::CellsUnread => ("cells_unread", "REVIEW-UNREAD-N", "Cells to be read that nobody read"),
            Self::ReaderKappa => ("reader_kappa", "REVIEW2-KAPPA", "Agreement of two readers, Cohen's kappa"),
            Self::SecondPercent => ("second_percent", "REVIEW2-PCT", "Schistocytes/RBC by the second reader"),
            Self::Form(form) => {
                let form = form.name();
                let code = format!("SCHISTO-{}", form.to_uppercase());
                return (format!("form_{form}"), code, format!("Schistocytes counted as {form}"));
            }
            Self::Class(class) => {
                let class = class.name();
                let code = format!("RBC-{}", class.to_uppercase());
                return (format!("class_{class}"), code, format!("RBC counted as {class}"));
            }
        };
        (name.to_owned(), code.to_owned(), text.to_owned())
    }
}

/// Local code and words of an interval.
fn interval_code(interval: IntervalName) -> (&'static str, &'static str) {
    match interval {
        IntervalName::Wilson => ("SCHISTO-CI-WILSON", "Schistocytes/RBC 95% interval, Wilson"),
        IntervalName::FieldBootstrap => ("SCHISTO-CI-FIELDS", "Schistocytes/RBC 95% interval, bootstrap over fields"),
        IntervalName::Sequential => ("SCHISTO-CI-STOP", "Schistocytes/RBC 95% interval, stop rule over all looks"),
        IntervalName::Repeatability => {
            ("SCHISTO-CI-REPEAT", "Schistocytes/RBC 95% interval, other pictures of the film")
        }
        IntervalName::Corrected => ("SCHISTO-CORR-CI", "Corrected schistocytes/RBC 95% interval"),
        IntervalName::Reviewed => ("SCHISTO-CI-REVIEW", "Schistocytes/RBC 95% interval, with what was not read"),
    }
}

impl TryFrom<String> for ObservationName {
    type Error = UnknownObservation;

    fn try_from(name: String) -> Result<Self, UnknownObservation> {
        Self::all().into_iter().find(|observation| observation.name() == name).ok_or(UnknownObservation(name))
    }
}

impl From<ObservationName> for String {
    fn from(observation: ObservationName) -> Self {
        observation.name()
    }
}

// Settings are written in the order of the names.
impl Ord for ObservationName {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.name().cmp(&other.name())
    }
}

impl PartialOrd for ObservationName {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
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

/// LOINC of the percentage and of the ordinal finding.
const LOINC_PERCENT: (&str, &str) = ("51630-2", "Schistocytes/1000 erythrocytes");
const LOINC_PRESENCE: (&str, &str) = ("800-3", "Schistocytes [Presence] in Blood by Light microscopy");

/// A code with what says the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::report) struct Code {
    /// Local code.
    pub(in crate::report) code: String,
    /// Words.
    pub(in crate::report) text: String,
    /// Code of another system.
    pub(in crate::report) alternate: Option<AlternateCode>,
}

impl Code {
    /// The code of an observation.
    pub(in crate::report) fn of(observation: ObservationName, options: &CodeOptions) -> Self {
        let (_, code, text) = observation.local();
        let loinc = |(code, text): (&str, &str)| AlternateCode {
            code: code.to_owned(),
            text: text.to_owned(),
            hl7_system: "LN".to_owned(),
            fhir_system: "http://loinc.org".to_owned(),
        };
        let alternate = match observation {
            ObservationName::Presence => Some(loinc(LOINC_PRESENCE)),
            ObservationName::Percent if options.use_loinc_percent => Some(loinc(LOINC_PERCENT)),
            _ => None,
        };
        let own = options.observations.get(&observation).cloned().unwrap_or_default();
        Self { code: own.code.unwrap_or(code), text: own.text.unwrap_or(text), alternate: own.alternate.or(alternate) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_known_and_codes_differ() {
        let all = ObservationName::all();
        let mut codes: Vec<String> =
            all.iter().map(|&observation| Code::of(observation, &CodeOptions::default()).code).collect();
        codes.sort();
        codes.dedup();
        assert_eq!((all.len(), codes.len()), (54, 54));
    }

    #[test]
    fn loinc_of_the_percentage_is_sent_only_where_asked_for() {
        let of = |observation, options: &CodeOptions| Code::of(observation, options).alternate.map(|loinc| loinc.code);
        assert_eq!(of(ObservationName::Percent, &CodeOptions::default()), None);
        let asked = CodeOptions { use_loinc_percent: true, ..CodeOptions::default() };
        assert_eq!(of(ObservationName::Percent, &asked).as_deref(), Some("51630-2"));
        assert_eq!(of(ObservationName::Presence, &CodeOptions::default()).as_deref(), Some("800-3"));
    }

    #[test]
    fn a_laboratory_names_its_own_codes_and_unknown_names_are_refused() {
        let json =
            r#"{"observations": {"percent": {"code": "FRAG", "text": "Fragments"}, "class_target": {"code": "TGT"}}}"#;
        let options: CodeOptions = serde_json::from_str(json).expect("settings");
        let percent = Code { code: "FRAG".to_owned(), text: "Fragments".to_owned(), alternate: None };
        assert_eq!(Code::of(ObservationName::Percent, &options), percent);
        assert_eq!(Code::of(ObservationName::Class(CellClass::Target), &options).code, "TGT");
        assert_eq!(Code::of(ObservationName::Class(CellClass::Burr), &options).code, "RBC-BURR");
        let error =
            serde_json::from_str::<CodeOptions>(r#"{"observations": {"percentage": {}}}"#).expect_err("no such");
        assert!(error.to_string().contains("expected the name of an observation (percent, state, interval"), "{error}");
        serde_json::from_str::<CodeOptions>(r#"{"loinc": true}"#).expect_err("no such setting");
    }
}
