//! The part of the record about two blind readings.
//!
//! Conventions as in [`super::record`]: rates are fractions 0–1, percent stands where the name says so, what is not
//! defined is null.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::record::Figure;

/// Read schistocytes and what became of them.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReadSchistocytes {
    /// All in accepted fields.
    pub read: u64,
    /// Of them cut by the frame and set aside.
    pub cut_by_frame: u64,
    /// Of the others, in a counted cell of their own.
    pub counted: u64,
    /// The others that are not, by what became of them.
    pub not_counted: BTreeMap<String, u64>,
}

/// Cells of one read form by the form that the rules give.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FormRow {
    /// Form that both readers name.
    pub read: String,
    /// Counted cells by form of the rules, in the order of the rows.
    pub by_rule: Vec<u64>,
    /// Counted cells that no rule gives a form.
    pub no_form: u64,
    /// Share of counted cells that the rules call so.
    pub recall: Figure,
    /// Share of cells that the rules call so that both readers call so, among those of a read form.
    pub precision: Figure,
}

/// Two blind readings against what the pipeline says; cells of accepted fields.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReadFigures {
    /// Cells that were read.
    pub cells: u64,
    /// Cells by what both readings say together.
    pub consensus: BTreeMap<String, u64>,
    /// Cohen's kappa of both readings, schistocyte (sure or probable) against all else.
    pub kappa: Figure,
    /// Read schistocytes.
    pub schistocytes: ReadSchistocytes,
    /// Called less read percentage, mean over fields, percentage points; null unless cells that nobody read are taken
    /// for none.
    pub called_minus_read_percent: Figure,
    /// Called schistocytes among counted cells of the same fields.
    pub called: Figure,
    /// Read schistocytes (by weight) in percent of counted cells of the same fields; null as the difference.
    pub read_percent: Option<f64>,
    /// The same with undecided cells taken for schistocytes.
    pub read_or_undecided_percent: Option<f64>,
    /// Read forms by the form of the rules.
    pub forms: Vec<FormRow>,
}
