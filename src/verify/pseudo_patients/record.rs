//! The record of drawn films, `pseudo-patients.json`, and its table for a text, `pseudo-patients.md`.
//!
//! Format: one JSON object in UTF-8, indented by two spaces, with a newline at the end; every field is always present,
//! what is undefined is null.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

/// Films of one kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PseudoRow {
    /// Where the other cells come from: `healthy` or `read`.
    pub others: String,
    /// Where sensitivity and specificity come from: `card`, or `other half` of the groups.
    pub figures: String,
    /// Cells of a film.
    pub cells: u64,
    /// True schistocytes, percent.
    pub true_percent: f64,
    /// Films.
    pub films: u64,
    /// Of them with a corrected interval.
    pub with_interval: u64,
    /// Share of those whose corrected 95 % interval holds the truth; null without one.
    pub coverage: Option<f64>,
    /// Share of films by state.
    pub states: BTreeMap<String, f64>,
    /// Mean called less true percentage, points.
    pub called_bias_points: Option<f64>,
    /// Mean corrected less true percentage over films with a corrected value, points; null without one.
    pub corrected_bias_points: Option<f64>,
    /// Films with a corrected value.
    pub with_corrected_value: u64,
}

/// The record written as `pseudo-patients.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PseudoRecord {
    /// Version of this record.
    pub schema_version: String,
    /// Model with its version.
    pub model: String,
    /// SHA-256 of its graph.
    pub model_sha256: String,
    /// Operating point of the calls.
    pub operating_point: f64,
    /// Evaluations of read sets.
    pub read: Vec<String>,
    /// Evaluations of healthy sets.
    pub healthy: Vec<String>,
    /// Seed.
    pub seed: u64,
    /// Films of each kind.
    pub rows: Vec<PseudoRow>,
}

/// The rows as tables in Markdown, one for each origin of cells and figures.
pub fn markdown(rows: &[PseudoRow]) -> String {
    let percent = |share: Option<f64>| share.map_or("–".to_owned(), |share| format!("{:.1}", 100.0 * share));
    let points = |points: Option<f64>| points.map_or("–".to_owned(), |points| format!("{points:+.2}"));
    let mut text = String::new();
    for group in rows.chunk_by(|a, b| a.others == b.others && a.figures == b.figures) {
        let first = &group[0];
        let origin = match first.others.as_str() {
            "healthy" => "Other cells of healthy sets",
            _ => "Other cells read as none",
        };
        let figures = match first.figures.as_str() {
            "card" => "figures of the card",
            _ => "figures of the other half of the groups",
        };
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{origin}; {figures}; {} films a row.\n", first.films);
        text.push_str(
            "| cells | true % | coverage % | above % | indeterminate % | not above % | other states % | bias called | \
             bias corrected |\n|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n",
        );
        for row in group {
            let state = |name: &str| row.states.get(name).copied().unwrap_or_default();
            let [above, between, below] = ["above", "indeterminate", "not_above"].map(state);
            let others = (1.0 - above - between - below).max(0.0);
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} | {} | {} | {} | {} | {} |",
                row.cells,
                row.true_percent,
                percent(row.coverage),
                percent(Some(above)),
                percent(Some(between)),
                percent(Some(below)),
                percent(Some(others)),
                points(row.called_bias_points),
                points(row.corrected_bias_points),
            );
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_for_each_origin_with_dashes_for_what_is_missing() {
        let row = PseudoRow {
            others: "healthy".to_owned(),
            figures: "card".to_owned(),
            cells: 1000,
            true_percent: 0.2,
            films: 10,
            with_interval: 0,
            coverage: None,
            states: BTreeMap::from([("above".to_owned(), 0.1), ("indeterminate".to_owned(), 0.9)]),
            called_bias_points: Some(-0.104),
            corrected_bias_points: None,
            with_corrected_value: 0,
        };
        let other = PseudoRow { figures: "other half".to_owned(), coverage: Some(0.9512), ..row.clone() };
        let text = markdown(&[row, other]);
        assert!(text.contains("| 1000 | 0.2 | – | 10.0 | 90.0 | 0.0 | 0.0 | -0.10 | – |\n"), "{text}");
        assert!(text.contains("| 1000 | 0.2 | 95.1 |"), "{text}");
        assert_eq!(text.matches("films a row").count(), 2);
    }
}
