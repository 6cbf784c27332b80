//! `cells.csv`: what is known and what is said of single cells, for a look at them and for `pseudo-patients`.
//!
//! In: what is kept of the accepted fields. Out: one row for each cell that was read, each other cell with a known
//! truth, and each counted cell of a field declared healthy. Format: CSV in UTF-8 with a header, the columns of
//! [`Answer`] in their order; what is undefined is empty.

use serde::{Deserialize, Serialize};

use super::cells::CellCall;
use super::field::FieldOutcome;
use super::labels::readings::KnownTruth;
use crate::case::rounded;
use crate::smear::{CellClass, SchistocyteForm};

/// Name of the file.
pub const ANSWERS_FILE: &str = "cells.csv";

/// A cell and the classifier's answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// Field.
    pub field: String,
    /// Fields that belong together, where given; else empty.
    pub group: Option<String>,
    /// Position, px of the original image.
    pub x_px: f64,
    /// Position, px of the original image.
    pub y_px: f64,
    /// What is known of it.
    pub truth: KnownTruth,
    /// Whether two readers read it.
    pub read: bool,
    /// Cells that it stands for.
    pub weight: f64,
    /// What became of it: `own`, `merged`, `split`, `missed` or the reason of its exclusion.
    pub outcome: String,
    /// Whether it is a schistocyte that the frame cuts.
    pub set_aside: bool,
    /// Called class; empty where it was not counted.
    pub called: Option<CellClass>,
    /// Schistocyte probability; empty where it was not counted.
    pub schistocyte_probability: Option<f64>,
    /// Form that both readers name.
    pub read_form: Option<SchistocyteForm>,
    /// Form of the rules; empty where no rule gives one, or the cell was not read or not counted.
    pub rule_form: Option<SchistocyteForm>,
}

#[cfg(test)]
impl Answer {
    /// A counted cell of a field, for tests.
    pub(crate) fn for_tests(field: &str, truth: KnownTruth, called: CellClass) -> Self {
        Self {
            field: field.to_owned(),
            group: None,
            x_px: 0.0,
            y_px: 0.0,
            truth,
            read: false,
            weight: 1.0,
            outcome: "own".to_owned(),
            set_aside: false,
            called: Some(called),
            schistocyte_probability: Some(0.5),
            read_form: None,
            rule_form: None,
        }
    }
}

/// The rows of a field.
pub(super) fn answers(field: &FieldOutcome) -> Vec<Answer> {
    let of = |[x, y]: [f64; 2], truth: KnownTruth, weight: f64, outcome: &str, call: Option<CellCall>| Answer {
        field: field.name.clone(),
        group: field.group.clone(),
        x_px: rounded(x),
        y_px: rounded(y),
        truth,
        read: false,
        weight: rounded(weight),
        outcome: outcome.to_owned(),
        set_aside: false,
        called: call.map(|call| call.class),
        schistocyte_probability: call.map(|call| rounded(call.probability)),
        read_form: None,
        rule_form: None,
    };
    if field.expect_none {
        let healthy = field.healthy_cells.iter();
        return healthy.map(|(position, call)| of(*position, KnownTruth::None, 1.0, "own", Some(*call))).collect();
    }
    let labelled = field.known.iter().filter(|cell| !cell.read);
    let mut rows: Vec<_> = labelled
        .map(|cell| of(cell.position, KnownTruth::of_label(cell.positive), cell.weight, cell.outcome.name(), cell.call))
        .collect();
    rows.extend(field.read_cells().iter().map(|cell| Answer {
        read: true,
        set_aside: cell.is_set_aside(),
        read_form: cell.read.form(),
        rule_form: cell.rule_form.flatten(),
        ..of(cell.read.position, cell.consensus, cell.weight(!field.cells.is_empty()), cell.outcome.name(), cell.call)
    }));
    rows
}
