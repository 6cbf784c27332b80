//! What stands behind a report: program, models, options and inputs, enough to make the figures again; the laboratory that
//! reports (42 CFR 493.1291(c)); and when.
//!
//! No clock is read: the time of issue is given or follows from the order, so that the same work gives the same bytes. Without
//! either it is not known. The time of an image file is never a time of issue.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::order::Order;
pub use crate::classify::{ClassHealthyShare, HealthyShare};
use crate::time::Timestamp;

/// An input file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InputFile {
    /// File name; with as many folders in front as tell it from others of its name.
    pub file: String,
    /// SHA-256 of its bytes, hexadecimal.
    pub sha256: String,
}

/// The classifier in use.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ModelProvenance {
    /// Name from the card.
    pub name: String,
    /// Version from the card.
    pub version: String,
    /// SHA-256 of the graph, hexadecimal.
    pub sha256: String,
    /// Least schistocyte probability that is called schistocyte, 0–1.
    pub operating_point: f64,
    /// Least schistocyte probability that the card proposes for a reviewer's worklist, 0–1; null where it proposes none.
    pub review_operating_point: Option<f64>,
    /// Share of schistocytes from that probability on, from the card, 0–1; null where it was not measured.
    pub review_sensitivity: Option<f64>,
    /// Cells behind it.
    pub review_sensitivity_cells: Option<u64>,
    /// Sensitivity at the operating point on origins that were left out of the training, from the card, 0–1.
    pub unseen_sensitivity: Option<f64>,
    /// Cells behind it.
    pub unseen_sensitivity_cells: Option<u64>,
    /// Sensitivity from the card, 0–1.
    pub sensitivity: Option<f64>,
    /// Cells behind the sensitivity.
    pub sensitivity_cells: Option<u64>,
    /// Specificity from the card, 0–1.
    pub specificity: Option<f64>,
    /// Cells behind the specificity.
    pub specificity_cells: Option<u64>,
    /// Cells that sensitivity and specificity were measured on.
    pub measured_on: Option<String>,
    /// Share of healthy people's cells that the model calls schistocyte; null where it was not measured.
    pub healthy_share: Option<HealthyShare>,
    /// Shares of healthy people's cells that the model calls other classes; empty where none was measured.
    pub class_healthy_shares: Vec<ClassHealthyShare>,
}

/// The detector of cells in use.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DetectorProvenance {
    /// Name from its card.
    pub name: String,
    /// Version from its card.
    pub version: String,
    /// SHA-256 of its graph, hexadecimal.
    pub sha256: String,
}

/// Program, model, engine, options and inputs of a case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Provenance {
    /// `schistoquant`.
    pub software: String,
    /// Version of the program.
    pub software_version: String,
    /// Version of the method: raised with every change that can move a reported figure.
    pub method_version: String,
    /// What finds the cells.
    pub detector: DetectorProvenance,
    /// What classifies them.
    pub model: ModelProvenance,
    /// `embedded` or `onnxruntime`.
    pub engine: String,
    /// Options that can move a figure, as given or by default.
    pub options: BTreeMap<String, serde_json::Value>,
    /// Files in input order.
    pub inputs: Vec<InputFile>,
}

/// Name and address of the laboratory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Laboratory {
    /// Name.
    pub name: String,
    /// Address in one line; null where it was not given.
    pub address: Option<String>,
}

/// Where the time of issue came from, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum IssueSource {
    /// Given by the caller.
    Given,
    /// When the review was signed.
    Signed,
    /// When the order says that the specimen was received.
    Received,
    /// When the order says that the blood was taken.
    Collected,
}

/// The time that reports and messages are issued at. No clock: it is given, or follows from the order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IssueTime {
    /// The time.
    pub at: Timestamp,
    /// Where it came from.
    pub source: IssueSource,
}

impl IssueTime {
    /// The first that is known: given, else received, else collected.
    pub fn resolve(given: Option<&Timestamp>, order: Option<&Order>) -> Option<Self> {
        let of_order = |item: fn(&Order) -> &Option<Timestamp>| order.and_then(|order| item(order).clone());
        [
            (given.cloned(), IssueSource::Given),
            (of_order(|order| &order.received_at), IssueSource::Received),
            (of_order(|order| &order.collected_at), IssueSource::Collected),
        ]
        .into_iter()
        .find_map(|(at, source)| Some(Self { at: at?, source }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_known_time_is_taken() {
        let time = |day: u8| Timestamp::parse(&format!("2025-01-0{day}T00:00:00Z")).ok();
        let order = Order { received_at: time(3), collected_at: time(2), ..Order::default() };
        let collected = Order { collected_at: time(2), ..Order::default() };
        let of = |given: Option<Timestamp>, order: Option<&Order>| {
            IssueTime::resolve(given.as_ref(), order).map(|issued| (issued.at, issued.source))
        };
        let expected = |day, source| time(day).map(|at| (at, source));
        assert_eq!(of(time(4), Some(&order)), expected(4, IssueSource::Given));
        assert_eq!(of(None, Some(&order)), expected(3, IssueSource::Received));
        assert_eq!(of(None, Some(&collected)), expected(2, IssueSource::Collected));
        assert_eq!(of(None, Some(&Order::default())), None);
        assert_eq!(of(None, None), None);
    }
}
