//! What stands behind the figures of a run: program, method, model and engine.
//!
//! In: the classifier, the options by name and the input files. Out: the [`Provenance`] of a record.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::case::{InputFile, ModelProvenance, Provenance};
use crate::classify::Classifier;

/// Version of the method: raised with every change that can move a reported figure.
pub const METHOD_VERSION: &str = "1";

/// The provenance of a run with these options on these inputs.
pub fn provenance(classifier: &Classifier, options: BTreeMap<String, Value>, inputs: Vec<InputFile>) -> Provenance {
    let card = classifier.card();
    Provenance {
        software: env!("CARGO_PKG_NAME").to_owned(),
        software_version: env!("CARGO_PKG_VERSION").to_owned(),
        method_version: METHOD_VERSION.to_owned(),
        model: ModelProvenance {
            name: card.name.clone(),
            version: card.version.clone(),
            sha256: card.graph_sha256.clone(),
            operating_point: card.operating_point,
            sensitivity: card.performance.sensitivity,
            sensitivity_cells: card.performance.sensitivity_cells,
            specificity: card.performance.specificity,
            specificity_cells: card.performance.specificity_cells,
        },
        engine: classifier.engine().map_or("scripted", |engine| engine.kind.name()).to_owned(),
        options,
        inputs,
    }
}
