//! The result: percentage, interval, number of cells, state, statement, plot and the figures behind them; then the
//! warnings.

use maud::{Markup, html};

use super::plots;
use crate::case::{CaseRecord, CountRecord, PercentInterval, State};
use crate::report::figures::{
    count, counted, interval, interval_or_unknown, percent, percent_digits, percent_or_unknown,
};
use crate::report::identity::identity;
use crate::report::notices::Notice;
use crate::report::words::{Verdict, age_words, context_words, floor_words};

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
                        (symbol(Verdict::of(count)))
                        strong { (Verdict::of(count).words()) }
                    }
                    p.statement data-figure="statement" { (record.statement) }
                }
                @if let Some(plot) = plots::intervals(count) {
                    figure.plot {
                        (plot)
                        figcaption {
                            "Value and 95 % interval; shaded up to the reference limit. "
                            "The state follows the wider of the Wilson and the bootstrap interval."
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
            // The interval of the statement and of the state; both that it is made of stand below.
            @if let Some(limits) = record.deciding_95() {
                "95 % interval "
                strong { span data-figure="deciding_95" { (interval(limits)) } }
                br;
            }
            strong { span data-figure="schistocytes" { (count(record.schistocytes)) } } " of "
            strong { span data-figure="red_cells" { (count(record.red_cells)) } } " red cells in "
            (counted(accepted_fields, "field"))
        }
    }
}

/// A shape for each verdict: an interval against the dashed line of the limit, or none.
fn symbol(verdict: Verdict) -> Markup {
    html! {
        svg.symbol aria-hidden="true" viewBox="0 0 28 28" width="28" height="28" {
            @match verdict {
                Verdict::State(State::Above) => { path.limit d="M4 21H24" {} path.mark d="M14 4V15M9 4H19M9 15H19" {} },
                Verdict::State(State::NotAbove) => { path.limit d="M4 7H24" {} path.mark d="M14 13V24M9 13H19M9 24H19" {} },
                Verdict::State(State::Indeterminate) => { path.limit d="M4 14H24" {} path.mark d="M14 4V24M9 4H19M9 24H19" {} },
                Verdict::State(State::Insufficient) => { circle.mark cx="14" cy="14" r="9" stroke-dasharray="3.5 3.5" {} },
                Verdict::State(State::NotAssessable) => { path.mark d="M6 6L22 22M22 6L6 22" {} },
                Verdict::MixedPicture => { path.mark d="M5 5H13V13H5ZM19.5 4.5L24 13H15ZM15 20A4.5 4.5 0 1 0 15 19.9Z" {} },
            }
        }
    }
}

fn figures(record: &CaseRecord) -> Markup {
    let count = &record.count;
    let corrected_percent = count.corrected.and_then(|corrected| corrected.percent);
    let corrected_limits =
        count.corrected.map(|corrected| PercentInterval { low: corrected.low, high: corrected.high });
    html! {
        dl.figures {
            div { dt { "Reference limit" } dd { span data-figure="threshold_percent" { (percent(count.threshold_percent)) }
                " " small { (age_words(record.age_group)) } } }
            div { dt { "Wilson 95 %" } dd data-figure="wilson_95" { (interval_or_unknown(count.wilson_95)) } }
            div { dt { "Bootstrap over fields 95 %" }
                dd data-figure="field_bootstrap_95" { (interval_or_unknown(count.field_bootstrap_95)) } }
            @if count.sequential_95.is_some() {
                div { dt { "Over all looks 95 %" }
                    dd data-figure="sequential_95" { (interval_or_unknown(count.sequential_95)) } }
            }
            div { dt { "Corrected for sensitivity and specificity" } dd {
                @match (count.corrected, corrected_percent) {
                    (Some(_), None) => "not assessable at this specificity",
                    _ => span data-figure="corrected.percent" { (percent_or_unknown(corrected_percent)) },
                }
                @if corrected_limits.is_some() {
                    " " small data-figure="corrected" { (interval_or_unknown(corrected_limits)) }
                }
            } }
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
            div { dt { "Other abnormal shapes" } dd { span data-figure="other_abnormal_percent" {
                (percent_or_unknown(count.other_abnormal_percent)) }
                @if let Some(context) = count.context { " " small { (context_words(context)) } } } }
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
