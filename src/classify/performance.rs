//! What a card states as measured; a part of [`ModelCard`](super::ModelCard).
//!
//! Sensitivity and specificity are those of the classifier, on cells that the pipeline counts: they correct a count,
//! whose denominator is the counted cells. End-to-end figures stand among the further ones.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Share of healthy people's cells that the model calls schistocyte.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FalsePositiveFloor {
    /// Share, percent.
    pub percent: f64,
    /// Lower limit of its 95 % interval, percent.
    pub low: f64,
    /// Upper limit of its 95 % interval, percent.
    pub high: f64,
    /// Cells behind it.
    pub cells: u64,
    /// Data it was measured on.
    pub measured_on: String,
}

/// A figure of an evaluation, as the card states it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CardFigure {
    /// Set it was measured on.
    pub set: String,
    /// Name of the figure, as in the record of a suite.
    pub figure: String,
    /// The figure.
    pub value: f64,
    /// Lower limit of its 95 % interval.
    pub low: Option<f64>,
    /// Upper limit of its 95 % interval.
    pub high: Option<f64>,
    /// Cells, boxes, fields or specimens behind it.
    pub n: u64,
}

/// What was measured at the operating point; what was not is `None`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Performance {
    /// Share of schistocytes called schistocyte, 0–1.
    pub sensitivity: Option<f64>,
    /// Schistocytes behind the sensitivity.
    pub sensitivity_cells: Option<u64>,
    /// Share of other red cells not called schistocyte, 0–1.
    pub specificity: Option<f64>,
    /// Other red cells behind the specificity.
    pub specificity_cells: Option<u64>,
    /// Data they were measured on.
    pub measured_on: Option<String>,
    /// The floor of false positives.
    pub false_positive_floor: Option<FalsePositiveFloor>,
    /// Further figures, in the order of their evaluation.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub figures: Vec<CardFigure>,
}
