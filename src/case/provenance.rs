//! What stands behind the figures: enough to make them again. No clock: the same inputs give the same bytes.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::smear::CellClass;

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

/// Share of healthy people's cells that a model calls schistocyte, from its card.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HealthyShare {
    /// Share, %.
    pub percent: f64,
    /// Lower limit of its 95 % interval, %.
    pub low: f64,
    /// Upper limit of its 95 % interval, %.
    pub high: f64,
    /// Cells behind it.
    pub cells: u64,
    /// Fields they lie in.
    pub measured_on: String,
}

/// Share of healthy people's cells that a model calls a class, from its card.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClassHealthyShare {
    /// The class.
    pub class: CellClass,
    /// Share, %.
    pub percent: f64,
    /// Lower limit of its 95 % interval, %.
    pub low: f64,
    /// Upper limit of its 95 % interval, %.
    pub high: f64,
    /// Cells behind it.
    pub cells: u64,
    /// Fields they lie in.
    pub measured_on: String,
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
