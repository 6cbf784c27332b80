//! The laboratory panel and the published scores that it gives.
//!
//! In: a panel as JSON, an HL7 v2 ORU^R01 message or a FHIR R4 Bundle. Out: a [`LabPanel`] of [`LabResult`]s with explicit
//! units, whose interval and time are known, and [`Score`]s with their items.
//!
//! Method: units are converted by table, never guessed; a result that is unknown, implausible or ambiguous is left aside by
//! name with what would be accepted, and stops no other one. Scores follow their publications; a missing item is never imputed.
//!
//! Limits: built-in reference intervals are those of adults; the laboratory's own always go before them. Nothing here is
//! a diagnosis.

mod analyte;
mod analyte_facts;
mod character_set;
mod context;
mod context_code;
mod error;
mod french;
pub(crate) mod hl7;
mod isth_dic;
mod number;
mod options;
mod panel;
mod panel_file;
mod patient_identifier;
mod person;
pub mod plasmic;
mod read;
mod reference;
mod result;
mod score;
mod ta_tma;
mod time_window;
mod unit;
mod window;

pub use analyte::{Analyte, Block, CodedValue};
pub use character_set::CharacterSet;
pub use context::{
    ADULT_FROM_YEARS, Cancer, ClinicalContext, DatedText, Drug, OrganFinding, Sex, Transplant, TransplantKind,
};
pub use context_code::ContextField;
pub use error::{PanelError, PanelProblem};
pub use isth_dic::d_dimer_upper_limit;
pub use options::{
    ClinicalOptions, ConfiguredValue, Dic2001Limits, DicVersion, FrenchCutOffs, PanelOptions, ScoreOptions,
};
pub use panel::{IgnoredObservation, LabPanel};
pub use panel_file::{PanelFileError, is_panel_name, panel_in};
pub use patient_identifier::PatientIdentifier;
pub use person::{OtherName, Person, PersonName};
pub use read::{
    MAX_PANEL_BYTES, OWN_FHIR_SYSTEM, OWN_HL7_SYSTEM, PANEL_FILE_NAMES, PANEL_SCHEMA, PanelFile, PanelPatient,
    ResultFile, coded_substances, panel_schema, read_panel,
};
pub use reference::{ConfiguredInterval, ReferenceIntervals};
pub use result::{Comparator, Flag, LabResult, LabValue, Quantity, ReferenceInterval, ReferenceOwner, ResultStatus};
pub use score::{
    ItemState, PUBLISHED_COHORT_NOTE, SCORE_NOTE, Score, ScoreBand, ScoreCondition, ScoreItem, ScoreResult,
    points_words,
};
pub use time_window::{DEFAULT_WINDOW_HOURS, TimeWindow};
pub use unit::{ExtraUnit, printed_unit};
pub use window::{WindowAround, WindowRecord};

/// Every score of a panel, in the order of the report.
pub fn scores(panel: &LabPanel, options: &ScoreOptions) -> Vec<Score> {
    vec![
        plasmic::score(panel, options),
        french::score(panel, options),
        isth_dic::score(panel, options),
        ta_tma::checklist(panel),
    ]
}

/// A panel of numbers for tests, read as a panel file.
#[cfg(test)]
fn panel_of(context: &str, results: &[(&str, f64, &str)]) -> LabPanel {
    let results: Vec<String> = results
        .iter()
        .map(|(analyte, value, unit)| format!(r#"{{"analyte": "{analyte}", "value": {value}, "unit": "{unit}"}}"#))
        .collect();
    let text = format!(r#"{{"context": {{{context}}}, "results": [{}]}}"#, results.join(", "));
    read_panel(text.as_bytes(), "test", &PanelOptions::default()).expect("a panel")
}
