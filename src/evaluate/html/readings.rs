//! The part of the page about two blind readings.

use maud::{Markup, html};

use super::{percent, plain, table};
use crate::evaluate::{Evaluation, FormRow, ReadFigures};
use crate::smear::SchistocyteForm;

/// What was read, what became of it, and the forms; empty where the set is judged by labels.
pub(super) fn readings(evaluation: &Evaluation) -> Markup {
    let Some(read) = &evaluation.readings else { return html! {} };
    let schistocytes = &read.schistocytes;
    html! {
        h2 { "Two blind readings" }
        p.faint {
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
        _ => html! { span.faint { "not defined" } },
    }
}

fn listed(counts: &std::collections::BTreeMap<String, u64>) -> String {
    if counts.is_empty() {
        return "none".to_owned();
    }
    counts.iter().map(|(name, count)| format!("{name} {count}")).collect::<Vec<_>>().join(", ")
}

fn forms(rows: &[FormRow]) -> Markup {
    html! {
        div.scroll { table {
            thead { tr {
                th {}
                @for form in SchistocyteForm::ALL { th { (form.name()) } }
                th { "no form" } th { "Recall" } th { "Precision" }
            } }
            @for row in rows { tr {
                th scope="row" { (row.read) }
                @for count in &row.by_rule { td.number { (count) } }
                td.number { (row.no_form) } td { (percent(&row.recall)) } td { (percent(&row.precision)) }
            } }
        } }
    }
}
