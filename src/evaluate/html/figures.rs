//! Figures with what stands behind them, the table of two blind readings, and what became of the missed schistocytes.

use std::collections::BTreeMap;

use maud::{Markup, html};

use crate::evaluate::estimate::Estimate;
use crate::evaluate::record::{Evaluation, FormRow, ReadFigures};
use crate::smear::{ExclusionReason, SchistocyteForm};

/// A fraction in percent, with what stands behind it.
pub(super) fn percent(figure: &Estimate) -> Markup {
    described(figure, |value| format!("{:.2}", 100.0 * value), " %")
}

/// A number in its own unit.
pub(super) fn plain(figure: &Estimate) -> Markup {
    described(figure, |value| format!("{value:.4}"), "")
}

fn described(figure: &Estimate, number: impl Fn(f64) -> String, unit: &str) -> Markup {
    let Some(value) = figure.value else { return html! { span.muted { "not defined" } } };
    html! {
        (number(value)) (unit)
        @if let Some(interval) = figure.interval_95 {
            " (" (number(interval.low)) " to " (number(interval.high)) ")"
        }
        " " small {
            @match figure.count {
                Some(count) => { (count) " of " (figure.n) }
                None => { "n " (figure.n) }
            }
            @if let Some(weight) = figure.weight { ", by weight of " (format!("{weight:.0}")) }
        }
    }
}

/// A table of names and described figures.
pub(super) fn table(rows: &[(&str, Markup)]) -> Markup {
    html! { table { @for (name, figure) in rows { tr { th scope="row" { (name) } td { (figure) } } } } }
}

/// Heads of the columns.
pub(super) fn head(titles: &[&str]) -> Markup {
    html! { thead { tr { @for title in titles { th scope="col" { (title) } } } } }
}

/// What was read, what became of it, and the forms; empty where the set is judged by labels.
pub(super) fn readings(evaluation: &Evaluation) -> Markup {
    let Some(read) = &evaluation.readings else { return html! {} };
    let schistocytes = &read.schistocytes;
    html! {
        h2 { "Two blind readings" }
        p.note {
            "The figures of schistocytes are against cells that two readers read; undecided and not assessable cells are \
             left aside. Figures by weight take a drawn cell for the cells that it stands for."
        }
        (table(&[
            ("Cells read", html! { (read.cells) }),
            ("By what both readings say", html! { (listed(&read.consensus)) }),
            ("Cohen's kappa, sure or probable schistocyte against all else", plain(&read.kappa)),
            ("Read schistocytes", html! {
                (schistocytes.read) ", " (schistocytes.cut_by_frame) " of them cut by the frame and set aside, "
                (schistocytes.counted) " counted"
            }),
            ("Read schistocytes that are not counted", html! { (listed(&schistocytes.not_counted)) }),
            ("Called schistocyte among all counted cells", percent(&read.called)),
            ("Read schistocytes, percent of counted cells", html! { (percentages(read)) }),
            ("Called less read percentage, mean of fields", plain(&read.called_minus_read_percent)),
        ]))
        @if read.forms.iter().any(|row| row.recall.n > 0) {
            h3 { "Read form (rows) by form of the rules (columns), counted cells" }
            (forms(&read.forms))
        }
    }
}

fn percentages(read: &ReadFigures) -> Markup {
    match (read.read_percent, read.read_or_undecided_percent) {
        (Some(read), Some(most)) => html! { (format!("{read:.2}; {most:.2} with undecided cells")) },
        _ => html! { span.muted { "not defined" } },
    }
}

fn listed(counts: &BTreeMap<String, u64>) -> String {
    if counts.is_empty() {
        return "none".to_owned();
    }
    counts.iter().map(|(name, count)| format!("{name} {count}")).collect::<Vec<_>>().join(", ")
}

fn forms(rows: &[FormRow]) -> Markup {
    html! {
        div.scroll { table {
            thead { tr {
                td {}
                @for form in SchistocyteForm::ALL { th scope="col" { (form.name()) } }
                @for title in ["no form", "Recall", "Precision"] { th scope="col" { (title) } }
            } }
            @for row in rows { tr {
                th scope="row" { (row.read) }
                @for count in &row.by_rule { td.number { (count) } }
                td.number { (row.no_form) } td { (percent(&row.recall)) } td { (percent(&row.precision)) }
            } }
        } }
    }
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
