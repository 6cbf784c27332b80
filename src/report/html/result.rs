//! The result: percentage, interval, number of cells, state, statement, plot and the figures behind them; then the
//! warnings.

use maud::{Markup, html};

use super::plots;
use crate::case::{CaseRecord, CountRecord, IntervalName, State};
use crate::report::figures::{
    count, counted, interval, interval_or_unknown, percent, percent_digits, percent_or_unknown,
};
use crate::report::identity::identity;
use crate::report::notices::Notice;
use crate::report::words::{
    age_words, caution_words, context_words, corrected_words, deciding_words, floor_words, interval_name,
    is_always_shown, missed_words, other_shapes_words, state_needs, state_words,
};

/// First section of the page.
pub(super) fn result(record: &CaseRecord) -> Markup {
    let count = &record.count;
    let accepted = record.fields.iter().filter(|field| field.accepted).count() as u64;
    html! {
        section.result aria-labelledby="result" data-state=(count.state.name()) {
            (identity_lines(record))
            h2 #result { "Result" }
            div.columns {
                div {
                    (headline(count, accepted))
                    p.state {
                        (symbol(count.state))
                        strong { (state_words(count.state)) }
                    }
                    @if let Some(caution) = caution_words(count.context) { p.caution { (caution) } }
                    p.statement data-figure="statement" { (record.statement) }
                    @if let Some(missed) = missed_words(record) { p.missed { (missed) } }
                }
                @if let Some(plot) = plots::intervals(count) {
                    figure.plot {
                        (plot)
                        figcaption {
                            "Value and 95 % interval; shaded up to the reference limit. "
                            (state_needs(count))
                        }
                    }
                }
            }
            (figures(record))
        }
    }
}

fn headline(record: &CountRecord, accepted_fields: u64) -> Markup {
    let firm = !matches!(record.state, State::Insufficient | State::NotAssessable);
    html! {
        p.headline {
            span.label { "Schistocytes, share of red cells" }
            @match record.percent {
                Some(percent) => span.value.muted[!firm] {
                    span data-figure="percent" { (percent_digits(percent)) } span.unit { "\u{a0}%" }
                },
                None => span.value.muted.none { "no percentage" },
            }
        }
        p.sizes {
            // The widest interval of the called share; those that it is made of stand below.
            @if let Some(limits) = record.widest_95() {
                "95 % interval "
                strong { span data-figure="widest_95" { (interval(limits)) } }
                br;
            }
            strong { span data-figure="schistocytes" { (count(record.schistocytes)) } } " of "
            strong { span data-figure="red_cells" { (count(record.red_cells)) } } " red cells in "
            (counted(accepted_fields, "field"))
        }
    }
}

/// A shape for each state: an interval against the dashed line of the limit, or none.
fn symbol(state: State) -> Markup {
    html! {
        svg.symbol aria-hidden="true" viewBox="0 0 28 28" width="28" height="28" {
            @match state {
                State::Above => { path.limit d="M4 21H24" {} path.mark d="M14 4V15M9 4H19M9 15H19" {} },
                State::NotAbove => { path.limit d="M4 7H24" {} path.mark d="M14 13V24M9 13H19M9 24H19" {} },
                State::Indeterminate => { path.limit d="M4 14H24" {} path.mark d="M14 4V24M9 4H19M9 24H19" {} },
                State::Insufficient => { circle.mark cx="14" cy="14" r="9" stroke-dasharray="3.5 3.5" {} },
                State::NotAssessable => { path.mark d="M6 6L22 22M22 6L6 22" {} },
            }
        }
    }
}

fn figures(record: &CaseRecord) -> Markup {
    let count = &record.count;
    html! {
        dl.figures {
            div { dt { "Reference limit" } dd { span data-figure="threshold_percent" { (percent(count.threshold_percent)) }
                " " small { (age_words(record.age_group)) } } }
            @if let Some(words) = deciding_words(count) {
                div { dt { "True share" } dd data-figure="deciding" { (words) } }
            }
            (named_intervals(count))
            div { dt { "False-positive floor" } dd {
                span data-figure="false_positive_floor_percent" { (percent_or_unknown(count.false_positive_floor_percent)) }
                @if count.false_positive_floor_95.is_some() {
                    " " small data-figure="false_positive_floor_95" { (interval_or_unknown(count.false_positive_floor_95)) }
                }
                @if let Some(words) = floor_words(record) { " " small { (words) } }
            } }
            @if let Some(grade) = &count.grade {
                div { dt { "Grade" } dd { (grade.label) " " small { (grade.table) } } }
            }
            @if let Some(words) = other_shapes_words(count) {
                div { dt { "Other abnormal shapes" } dd { span data-figure="other_abnormal_percent" { (words) }
                    @if let Some(context) = count.context { " " small { (context_words(context)) } } } }
            }
        }
    }
}

/// Every interval of the count under its name.
fn named_intervals(count: &CountRecord) -> Markup {
    let shown = count.intervals().into_iter().filter(|one| one.limits.is_some() || is_always_shown(one.name));
    html! {
        @for one in shown {
            div { dt { (interval_name(one.name)) " 95 %" } dd {
                @if one.name == IntervalName::Corrected {
                    span data-figure="corrected.percent" { (corrected_words(count)) }
                    @if let Some(limits) = one.limits { " " small data-figure="corrected" { (interval(limits)) } }
                } @else {
                    span data-figure=(format!("{}_95", one.name.name())) { (interval_or_unknown(one.limits)) }
                }
            } }
        }
    }
}

/// Whose specimen it is; the accession stands in the head of the page.
fn identity_lines(record: &CaseRecord) -> Markup {
    let lines = identity(record).into_iter().filter(|line| line.name != "Accession" && line.name != "Age group");
    let lines: Vec<_> = lines.collect();
    html! {
        @if !lines.is_empty() {
            dl.identity {
                @for line in lines {
                    div { dt { (line.name) } dd { (line.value) @if let Some(note) = line.note { " " small { (note) } } } }
                }
            }
        }
    }
}

/// Warnings, where there are any.
pub(super) fn warnings(record: &CaseRecord) -> Markup {
    let notices = Notice::of(record);
    html! {
        @if !notices.is_empty() {
            section.warnings aria-labelledby="warnings" {
                h2 #warnings { "To be considered" }
                ul {
                    @for notice in notices {
                        li { strong { (notice.title()) } " " span { (notice.text()) } }
                    }
                }
            }
        }
    }
}
