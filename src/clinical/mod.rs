//! The laboratory panel and the published scores that it gives.
//!
//! In: a panel as JSON, an HL7 v2 ORU^R01 message or a FHIR R4 Bundle. Out: a [`LabPanel`] of [`LabResult`]s with explicit
//! units, reference intervals and times, and [`Score`]s with their items.
//!
//! The path of the data: `read` finds the panel and reads its format with `analyte`, `unit` and `reference`; `panel` keeps
//! the results of the specimen's time; `plasmic`, `french`, `isth_dic` and `ta_tma` read them.
//!
//! Method: units are converted by table, never guessed. A result that is unknown, implausible or ambiguous is left aside by
//! name with what would be accepted, and stops no other one. Scores follow their publications; a missing item is never
//! imputed.
//!
//! Limits: built-in reference intervals are those of adults; the laboratory's own always go before them. Nothing here is
//! a diagnosis.

mod analyte;
mod character_set;
mod context;
mod error;
mod french;
pub(crate) mod hl7;
mod isth_dic;
mod options;
mod panel;
mod patient;
pub(crate) mod plasmic;
mod read;
mod reference;
mod result;
mod score;
mod ta_tma;
mod unit;

pub use analyte::{Analyte, Block};
pub use character_set::CharacterSet;
pub use error::{PanelError, PanelProblem};
pub use options::{ClinicalOptions, PanelOptions, ScoreOptions};
pub use panel::LabPanel;
pub use read::{PanelFileError, read_panel};
pub use result::LabResult;
pub use score::{Score, ScoreResult};

pub(crate) use analyte::CodedValue;
pub(crate) use context::{Cancer, ClinicalContext, DatedText, Drug, OrganFinding, Sex, Transplant, TransplantKind};
pub(crate) use isth_dic::{D_DIMER_TWO_ABOVE_ULN, FIBRINOGEN_ONE_BELOW, d_dimer_upper_limit, is_above_multiple};
#[cfg(test)]
pub(crate) use options::ConfiguredValue;
pub use options::DicVersion;
pub(crate) use panel::WindowAround;
pub use panel::{IgnoredObservation, WindowRecord};
pub(crate) use patient::{OtherName, PatientIdentifier, PersonName};
#[cfg(test)]
pub(crate) use read::coded_substances;
pub(crate) use read::{OWN_FHIR_SYSTEM, PANEL_FILE_NAMES, panel_in};
pub use read::{is_panel_name, panel_bytes};
pub(crate) use result::{Comparator, Flag, Limit, Quantity, ReferenceOwner, ResultStatus};
pub use score::points_words;
pub(crate) use score::{ItemState, PUBLISHED_COHORT_NOTE, SCORE_NOTE, ScoreBand, ScoreItem};
pub(crate) use ta_tma::PROTEIN_CREATININE_FROM;
pub(crate) use unit::with_unit;

/// Every score of a panel, in the order of the report.
pub fn scores(panel: &LabPanel, options: &ScoreOptions) -> Vec<Score> {
    vec![
        plasmic::score(panel, options),
        french::score(panel, options),
        isth_dic::score(panel, options),
        ta_tma::checklist(panel),
    ]
}

/// A panel for tests, read as a panel file: the fields of its context and its results as JSON.
#[cfg(test)]
pub(crate) fn panel_of_rows(context: &str, rows: &str) -> LabPanel {
    let text = format!(r#"{{"context": {{{context}}}, "results": [{rows}]}}"#);
    read_panel(text.as_bytes(), "test", &PanelOptions::default()).unwrap_or_else(|error| panic!("{error}"))
}

/// A panel of numbers for tests.
#[cfg(test)]
fn panel_of(context: &str, results: &[(&str, f64, &str)]) -> LabPanel {
    let row = |(analyte, value, unit): &(&str, f64, &str)| {
        format!(r#"{{"analyte": "{analyte}", "value": {value}, "unit": "{unit}"}}"#)
    };
    panel_of_rows(context, &results.iter().map(row).collect::<Vec<_>>().join(", "))
}
