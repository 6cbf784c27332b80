//! The laboratory panel and the published scores that it gives.
//!
//! In: a panel as JSON, an HL7 v2 ORU^R01 message or a FHIR R4 Bundle. Out: a [`LabPanel`] of [`LabResult`]s with explicit
//! units, whose interval and time are known, and [`Score`]s with their items.
//!
//! Method: units are converted by table, never guessed; what is unknown, implausible or ambiguous is refused with what
//! would be accepted. Scores follow their publications; a missing item is never imputed.
//!
//! Limits: built-in reference intervals are those of adults; the laboratory's own always go before them. Nothing here is
//! a diagnosis.

mod analyte;
mod analyte_facts;
mod context;
mod moment;
mod panel;
mod result;
mod score;
mod unit;

pub use analyte::{Analyte, Block, CodedValue};
pub use context::{
    ADULT_FROM_YEARS, Cancer, ClinicalContext, DatedText, Drug, OrganFinding, Sex, Transplant, TransplantKind,
};
pub use moment::Moment;
pub use panel::{IgnoredObservation, LabPanel};
pub use result::{Comparator, Flag, LabResult, LabValue, Quantity, ReferenceInterval, ReferenceOwner, ResultStatus};
pub use score::{
    ItemState, PUBLISHED_COHORT_NOTE, SCORE_NOTE, Score, ScoreBand, ScoreCondition, ScoreItem, ScoreResult,
};
pub use unit::ExtraUnit;
