//! What a person made of a case: the signature, both counts, the readings behind the reviewed one, and how far two readers
//! agree.
//!
//! A signed record has the reviewed count where a preliminary one has the software's, so that every report gives the same
//! value. The software's count stands here beside it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};

use super::count_record::{CountRecord, rounded};
use super::reading::CellReading;
use crate::stats::agreement::cohen_kappa;
use crate::time::Timestamp;

/// Somebody who reads and signs.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reviewer {
    /// Printed name.
    pub name: String,
    /// Role in the laboratory.
    pub role: String,
}

/// What a signature stands for (21 CFR 11.50(a)(3)).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, IntoStaticStr, EnumString, VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum SignatureMeaning {
    /// The signer read the cells.
    Reviewed,
    /// The signer read the cells and releases the result.
    ReviewedAndReleased,
    /// The signer releases a result that another person read.
    Released,
}

impl SignatureMeaning {
    /// Every meaning.
    pub const ALL: [Self; 3] = *Self::VARIANTS.first_chunk().expect("as many as there are");

    /// Name as written in files; also the serde name.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Words for a report, behind them the name.
    pub fn words(self) -> &'static str {
        match self {
            Self::Reviewed => "Reviewed by",
            Self::ReviewedAndReleased => "Reviewed and released by",
            Self::Released => "Released by",
        }
    }
}

/// Why a signed case was opened again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reopening {
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub by: Reviewer,
    /// Why.
    pub reason: String,
}

/// The software's own result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SoftwareResult {
    /// Its count.
    pub count: CountRecord,
    /// The same in words.
    pub statement: String,
}

/// How many cells were read, and as what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReadCells {
    /// Read by the first reader.
    pub read: u64,
    /// Of them schistocytes.
    pub schistocytes: u64,
    /// Of them other red cells.
    pub others: u64,
    /// Of them undecided.
    pub undecided: u64,
    /// Of them not assessable: they left the count.
    pub not_assessable: u64,
    /// Called schistocyte by the software and confirmed.
    pub confirmed: u64,
    /// Called schistocyte by the software and read as something else.
    pub not_confirmed: u64,
    /// Cells that the reader added, because the program had not found them.
    pub added: u64,
    /// Cells that the program had left out and the reader counted.
    pub included: u64,
    /// Cells from the review threshold on that nobody read.
    pub unread: u64,
}

/// How far a second, blind reader agrees with the first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AgreementRecord {
    /// The first reader; null where several read.
    pub first: Option<Reviewer>,
    /// The second reader; null where several read.
    pub second: Option<Reviewer>,
    /// Cells that both read.
    pub cells: u64,
    /// Of them: both schistocyte, first alone, second alone, neither.
    pub table: [u64; 4],
    /// Cohen's kappa, schistocyte against all else; null where chance alone would agree on every cell.
    pub kappa: Option<f64>,
    /// Percentage by the first reader's readings.
    pub first_percent: Option<f64>,
    /// Percentage by the second reader's readings, where both read, else the first's.
    pub second_percent: Option<f64>,
}

impl AgreementRecord {
    /// Kappa of a table as published.
    pub fn kappa_of([both, first, second, neither]: [u64; 4]) -> Option<f64> {
        cohen_kappa(&[[both, first], [second, neither]]).map(rounded)
    }
}

/// Where in the audit trail a signature stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TrailPosition {
    /// Number of the event.
    pub event: u64,
    /// Its hash, which is over all events before it too.
    pub sha256: String,
}

/// The review of a signed case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReviewRecord {
    /// 1 for the first signature; each further one is a correction.
    pub number: u32,
    /// When it was signed.
    pub signed_at: Timestamp,
    /// By whom.
    pub signed_by: Reviewer,
    /// What the signature stands for.
    pub meaning: SignatureMeaning,
    /// What the signer adds.
    pub comment: Option<String>,
    /// Why the signature before was superseded; left out at the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reopened: Option<Reopening>,
    /// The software's own result.
    pub software: SoftwareResult,
    /// How many cells were read.
    pub cells: ReadCells,
    /// What the interval of the reviewed count covers.
    pub covers: String,
    /// The second, blind reading; left out where there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second_reading: Option<AgreementRecord>,
    /// Place in the audit trail.
    pub trail: TrailPosition,
    /// The first reader's readings, in the order of fields and cells, added cells last.
    pub readings: Vec<CellReading>,
}

/// How far a result has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReviewStatus {
    /// By software alone.
    Preliminary,
    /// Signed once.
    Final,
    /// Signed again, in place of an earlier signature.
    Corrected,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kappa_is_that_of_the_table() {
        // Observed 0.7, by chance 0.5.
        assert_eq!(AgreementRecord::kappa_of([20, 5, 10, 15]), Some(0.4));
        assert_eq!(AgreementRecord::kappa_of([0, 0, 0, 9]), None);
    }
}
