//! The record of a suite: what `suite.json` holds, one row for each figure that the suite names.
//!
//! Format: one JSON object in UTF-8, indented by two spaces, with a newline at the end. Its JSON Schema (draft 2020-12)
//! lies beside this file, `schema/suite-v1.json`. Every field is always present; what is undefined is null.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::{Deserialize, Serialize};

use super::suite::{SuiteSet, Target};
use crate::case::Provenance;
use crate::evaluate::{Evaluation, Figure, NamedFigure};

/// Version of the record's schema.
pub const SUITE_SCHEMA_VERSION: &str = "1.1";

/// File that the record is written to.
pub const SUITE_FILE: &str = "suite.json";

/// The committed JSON Schema of `suite.json`.
pub const SUITE_SCHEMA: &str = include_str!("schema/suite-v1.json");

/// One figure of one set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SuiteRow {
    /// Name of the set.
    pub set: String,
    /// The figure.
    pub figure: NamedFigure,
    /// What was measured.
    pub measured: Figure,
    /// Least value that meets the target; null without such a target.
    pub at_least: Option<f64>,
    /// Greatest value that meets the target; null without such a target.
    pub at_most: Option<f64>,
    /// Whether the measured value meets the target; null without a target or where the figure is undefined.
    pub met: Option<bool>,
    /// What an earlier record states; null where none was named or it does not hold the figure.
    pub stated: Option<Figure>,
    /// Whether the measured value lies no worse than the worse end of the stated interval; null without a target, which
    /// says what is worse, or without a stated value.
    pub held: Option<bool>,
}

/// What became of a set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SuiteSetRecord {
    /// Name of the set.
    pub name: String,
    /// Fields evaluated.
    pub fields: u64,
    /// Of them refused by the pipeline.
    pub refused_fields: u64,
    /// Inputs that could not be evaluated.
    pub failed_inputs: u64,
    /// Why the set has no figures at all; null where it has.
    pub failure: Option<String>,
}

/// The record written as `suite.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SuiteRecord {
    /// Version of this schema.
    pub schema_version: String,
    /// The sets in the order of the suite.
    pub sets: Vec<SuiteSetRecord>,
    /// The figures in the order of the suite; none of a set that failed.
    pub rows: Vec<SuiteRow>,
    /// Program, model and engine; the inputs stand in the evaluation of each set.
    pub provenance: Provenance,
}

impl SuiteRecord {
    /// A record without sets.
    pub fn new(provenance: Provenance) -> Self {
        Self { schema_version: SUITE_SCHEMA_VERSION.to_owned(), sets: Vec::new(), rows: Vec::new(), provenance }
    }

    /// Adds the figures of a set.
    pub fn add(&mut self, set: &SuiteSet, evaluation: &Evaluation) {
        self.sets.push(SuiteSetRecord {
            name: set.name.clone(),
            fields: evaluation.fields,
            refused_fields: evaluation.refused_fields.len() as u64,
            failed_inputs: evaluation.failed_inputs.len() as u64,
            failure: None,
        });
        self.rows.extend(set.figures.iter().map(|target| row(&set.name, target, target.figure.of(evaluation))));
    }

    /// Names a set that could not be evaluated.
    pub fn add_failure(&mut self, set: &SuiteSet, reason: String) {
        self.sets.push(SuiteSetRecord {
            name: set.name.clone(),
            fields: 0,
            refused_fields: 0,
            failed_inputs: 0,
            failure: Some(reason),
        });
    }

    /// Lays an earlier record beside this one.
    pub fn compare_with(&mut self, stated: &SuiteRecord) {
        for row in &mut self.rows {
            let same = stated.rows.iter().find(|other| other.set == row.set && other.figure == row.figure);
            row.stated = same.map(|other| other.measured);
            row.held = row.stated.and_then(|stated| held(row, &stated));
        }
    }

    /// The record as `suite.json` holds it.
    ///
    /// # Errors
    /// Where it cannot be written as JSON.
    pub fn document(&self) -> serde_json::Result<Vec<u8>> {
        let mut bytes = serde_json::to_vec_pretty(self)?;
        bytes.push(b'\n');
        Ok(bytes)
    }
}

/// The JSON Schema as the types state it now; a test compares it with [`SUITE_SCHEMA`].
///
/// # Errors
/// Where the schema cannot be written as JSON.
pub fn suite_schema() -> serde_json::Result<String> {
    let generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    Ok(serde_json::to_string_pretty(&generator.into_root_schema_for::<SuiteRecord>())? + "\n")
}

fn row(set: &str, target: &Target, measured: Figure) -> SuiteRow {
    let Target { figure, at_least, at_most } = *target;
    let met = measured.value.and_then(|value| match (at_least, at_most) {
        (Some(least), _) => Some(value >= least),
        (None, Some(most)) => Some(value <= most),
        (None, None) => None,
    });
    SuiteRow { set: set.to_owned(), figure, measured, at_least, at_most, met, stated: None, held: None }
}

/// METHOD: a figure that got worse by chance alone stays within the interval that was stated with it; what falls out of
/// it is a change to look at. A figure that is undefined now and was defined before is not held.
fn held(row: &SuiteRow, stated: &Figure) -> Option<bool> {
    let stated_value = stated.value?;
    let (low, high) = stated.interval_95.map_or((stated_value, stated_value), |interval| (interval.low, interval.high));
    match (row.at_least, row.at_most) {
        (Some(_), _) => Some(row.measured.value.is_some_and(|value| value >= low)),
        (None, Some(_)) => Some(row.measured.value.is_some_and(|value| value <= high)),
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::FigureInterval;

    fn target(at_least: Option<f64>, at_most: Option<f64>) -> Target {
        Target { figure: NamedFigure::BoxF1, at_least, at_most }
    }

    fn figure(value: Option<f64>) -> Figure {
        let interval_95 = value.map(|value| FigureInterval { low: value - 0.02, high: value + 0.02 });
        Figure { value, n: 10, interval_95, ..Figure::default() }
    }

    #[test]
    fn targets_are_met_on_their_own_side() {
        let met = |value, at_least, at_most| row("a", &target(at_least, at_most), figure(value)).met;
        assert_eq!((met(Some(0.9), Some(0.9), None), met(Some(0.899), Some(0.9), None)), (Some(true), Some(false)));
        assert_eq!((met(Some(0.1), None, Some(0.1)), met(Some(0.101), None, Some(0.1))), (Some(true), Some(false)));
        assert_eq!((met(Some(0.5), None, None), met(None, Some(0.9), None)), (None, None));
    }

    #[test]
    fn a_stated_figure_is_held_within_its_interval() {
        let compared = |value, at_least, at_most, stated| {
            held(&row("a", &target(at_least, at_most), figure(value)), &figure(stated))
        };
        assert_eq!(compared(Some(0.88), Some(0.95), None, Some(0.9)), Some(true));
        assert_eq!(compared(Some(0.879), Some(0.95), None, Some(0.9)), Some(false));
        assert_eq!(compared(Some(0.121), None, Some(0.05), Some(0.1)), Some(false));
        assert_eq!(compared(Some(0.12), None, Some(0.05), Some(0.1)), Some(true));
        assert_eq!(compared(None, Some(0.95), None, Some(0.9)), Some(false));
        assert_eq!(compared(Some(0.5), None, None, Some(0.9)), None);
        assert_eq!(compared(Some(0.5), Some(0.95), None, None), None);
    }
}
