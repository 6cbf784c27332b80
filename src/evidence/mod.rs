//! What count and panel say together: items for and against each statement, and what is missing. No verdict.

mod record;

pub use record::{
    Bearing, CancerPage, ComparedItem, Comparison, Direction, EarlierValue, Evidence, EvidenceBlock, EvidenceItem,
    Exposure, ExposureKind, ItemReference, Statement, StatementEvidence, WeighedItem,
};
