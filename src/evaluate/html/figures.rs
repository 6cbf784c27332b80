//! Estimates as cells of a table, the section of two blind readings, and what became of the missed schistocytes.

use std::collections::BTreeMap;

use crate::evaluate::estimate::Estimate;
use crate::evaluate::record::{Evaluation, FormRow, ReadFigures};
use crate::report::document::{Block, Cell, Column, Layout, Section, Table};
use crate::smear::{ExclusionReason, SchistocyteForm};

/// What is said where nothing stands behind an estimate.
pub(super) const NOT_DEFINED: &str = "not defined";

/// A fraction in percent, with what stands behind it.
pub(super) fn percent(estimate: &Estimate) -> Cell {
    described(estimate, |value| format!("{:.2}", 100.0 * value), " %")
}

/// A number in its own unit.
pub(super) fn plain(estimate: &Estimate) -> Cell {
    described(estimate, |value| format!("{value:.4}"), "")
}

fn described(estimate: &Estimate, number: impl Fn(f64) -> String, unit: &str) -> Cell {
    let text = estimate.value.map(|value| {
        let interval = estimate
            .interval_95
            .map_or_else(String::new, |interval| format!(" ({} to {})", number(interval.low), number(interval.high)));
        let behind = match estimate.count {
            Some(count) => format!("{count} of {}", estimate.n),
            None => format!("n {}", estimate.n),
        };
        let weight = estimate.weight.map_or_else(String::new, |weight| format!(", by weight of {weight:.0}"));
        format!("{}{unit}{interval}; {behind}{weight}", number(value))
    });
    Cell::known_or(text, NOT_DEFINED)
}

/// A table of names and what is known of them.
pub(super) fn facts(rows: Vec<(&str, Cell)>) -> Block {
    let rows = rows.into_iter().map(|(name, value)| vec![Cell::new(name), value]).collect();
    Block::Table(Table::new(Layout::Facts, vec![Column::words("Estimate", 2), Column::words("Value", 3)], rows))
}

/// A table of rows of words.
pub(super) fn table(titles: &[&str], rows: Vec<Vec<Cell>>) -> Block {
    let columns = titles.iter().map(|title| Column::words(*title, 1)).collect();
    Block::Table(Table::new(Layout::Long, columns, rows))
}

/// What was read, what became of it, and the forms; `None` where the set is judged by labels.
pub(super) fn readings(evaluation: &Evaluation) -> Option<Section> {
    let read = evaluation.readings.as_ref()?;
    let schistocytes = &read.schistocytes;
    let mut blocks = vec![
        Block::note(
            "The estimates of schistocytes are against cells that two readers read; undecided and not assessable cells are \
             left aside. Estimates by weight take a drawn cell for the cells that it stands for.",
        ),
        facts(vec![
            ("Cells read", Cell::new(read.cells.to_string())),
            ("By what both readings say", Cell::new(listed(&read.consensus))),
            ("Cohen's kappa, sure or probable schistocyte against all else", plain(&read.kappa)),
            (
                "Read schistocytes",
                Cell::new(format!(
                    "{}, {} of them cut by the frame and set aside, {} counted",
                    schistocytes.read, schistocytes.cut_by_frame, schistocytes.counted
                )),
            ),
            ("Read schistocytes that are not counted", Cell::new(listed(&schistocytes.not_counted))),
            ("Called schistocyte among all counted cells", percent(&read.called)),
            ("Read schistocytes, percent of counted cells", percentages(read)),
            ("Called less read percentage, mean of fields", plain(&read.called_minus_read_percent)),
        ]),
    ];
    if read.forms.iter().any(|row| row.recall.n > 0) {
        blocks.push(Block::heading("Read form (rows) by form of the rules (columns), counted cells"));
        blocks.push(forms(&read.forms));
    }
    Some(Section::new("readings", "Two blind readings", blocks))
}

fn percentages(read: &ReadFigures) -> Cell {
    let both = read.read_percent.zip(read.read_or_undecided_percent);
    Cell::known_or(both.map(|(read, most)| format!("{read:.2}; {most:.2} with undecided cells")), NOT_DEFINED)
}

fn listed(counts: &BTreeMap<String, u64>) -> String {
    if counts.is_empty() {
        return "none".to_owned();
    }
    counts.iter().map(|(name, count)| format!("{name} {count}")).collect::<Vec<_>>().join(", ")
}

fn forms(rows: &[FormRow]) -> Block {
    let titles = ["Read form"].into_iter().chain(SchistocyteForm::ALL.map(SchistocyteForm::name));
    let titles: Vec<&str> = titles.chain(["no form", "Recall", "Precision"]).collect();
    let cells = rows.iter().map(|row| {
        let counts = row.by_rule.iter().chain([&row.no_form]).map(|count| Cell::new(count.to_string()));
        let rates = [percent(&row.recall), percent(&row.precision)];
        [Cell::new(row.read.to_string())].into_iter().chain(counts).chain(rates).collect()
    });
    table(&titles, cells.collect())
}

/// How many schistocytes were missed and why, the most frequent outcome first; equal numbers keep the order of the names.
pub(super) fn missed_words(missed: &BTreeMap<String, u64>) -> String {
    let mut sorted: Vec<(&str, u64)> = missed.iter().map(|(outcome, &cells)| (outcome.as_str(), cells)).collect();
    sorted.sort_by_key(|(_, cells)| std::cmp::Reverse(*cells));
    let parts: Vec<String> =
        sorted.iter().map(|(outcome, cells)| format!("{cells} {}", outcome_words(outcome))).collect();
    format!("{} missed: {}", missed.values().sum::<u64>(), parts.join(", "))
}

fn outcome_words(outcome: &str) -> String {
    let reason = ExclusionReason::ALL.into_iter().find(|reason| reason.name() == outcome);
    match (outcome, reason) {
        ("own", _) => "called another class".to_owned(),
        ("missed", _) => "not found".to_owned(),
        ("merged", _) => "in one outline with another cell".to_owned(),
        (_, Some(ExclusionReason::FrameEdge)) => "cut by the frame".to_owned(),
        (_, Some(reason)) => format!("left out ({})", reason.describe()),
        (other, None) => other.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missed_schistocytes_are_counted_and_what_became_of_them_is_said() {
        let of = |outcomes: &[(&str, u64)]| {
            missed_words(&outcomes.iter().map(|(name, cells)| ((*name).to_owned(), *cells)).collect())
        };
        assert_eq!(
            of(&[("frame_edge", 1), ("missed", 3), ("own", 39)]),
            "43 missed: 39 called another class, 3 not found, 1 cut by the frame"
        );
        assert_eq!(
            of(&[("merged", 2), ("split", 1), ("white_cell", 2)]),
            "5 missed: 2 in one outline with another cell, 2 left out (white cell or other nucleated cell), 1 split"
        );
    }
}
