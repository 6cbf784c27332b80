//! What stands behind the figures of a run: program, method, model and engine.
//!
//! In: the models, the options by name and the input files. Out: the [`Provenance`] of a record.

use std::collections::BTreeMap;

use serde_json::Value;

use super::models::Models;
use crate::case::{ClassHealthyShare, DetectorProvenance, HealthyShare, InputFile, ModelProvenance, Provenance};
use crate::classify::ClassFloor;

/// Version of the method: raised with every change that can move a reported figure.
pub const METHOD_VERSION: &str = "6";

/// The provenance of a run with these options on these inputs.
pub fn provenance(models: &Models, options: BTreeMap<String, Value>, inputs: Vec<InputFile>) -> Provenance {
    let (detector, card) = (models.segmenter.detector().card(), models.classifier.card());
    Provenance {
        software: env!("CARGO_PKG_NAME").to_owned(),
        software_version: env!("CARGO_PKG_VERSION").to_owned(),
        method_version: METHOD_VERSION.to_owned(),
        detector: DetectorProvenance {
            name: detector.name.clone(),
            version: detector.version.clone(),
            sha256: detector.graph_sha256.clone(),
        },
        model: ModelProvenance {
            name: card.name.clone(),
            version: card.version.clone(),
            sha256: card.graph_sha256.clone(),
            operating_point: card.operating_point,
            review_operating_point: card.review_operating_point,
            sensitivity: card.performance.sensitivity,
            sensitivity_cells: card.performance.sensitivity_cells,
            specificity: card.performance.specificity,
            specificity_cells: card.performance.specificity_cells,
            measured_on: card.performance.measured_on.clone(),
            healthy_share: card.performance.false_positive_floor.as_ref().map(|floor| HealthyShare {
                percent: floor.percent,
                low: floor.low,
                high: floor.high,
                cells: floor.cells,
                measured_on: floor.measured_on.clone(),
            }),
            class_healthy_shares: card.performance.class_floors.iter().map(of_class).collect(),
        },
        engine: models.classifier.engine().map_or("scripted", |engine| engine.kind.name()).to_owned(),
        options,
        inputs,
    }
}

fn of_class(floor: &ClassFloor) -> ClassHealthyShare {
    ClassHealthyShare {
        class: floor.class,
        percent: floor.percent,
        low: floor.low,
        high: floor.high,
        cells: floor.cells,
        measured_on: floor.measured_on.clone(),
    }
}
