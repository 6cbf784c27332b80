//! The result: percentage, interval, number of cells, state, statement, plot and the figures behind them; then the
//! warnings.

use maud::{Markup, html};

use super::figures::{count, counted, interval, interval_or_unknown, percent, percent_digits, percent_or_unknown};
use super::notices::Notice;
use super::plots;
use crate::case::{CaseRecord, Context, CountRecord, FloorSource, PercentInterval, State};
use crate::smear::AgeGroup;

/// First section of the page.
pub(super) fn result(record: &CaseRecord) -> Markup {
    let count = &record.count;
    let accepted = record.fields.iter().filter(|field| field.accepted).count() as u64;
    html! {
        section.result aria-labelledby="result" data-state=(count.state.name()) {
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

/// What the page says first: the state, except that a mixed picture is not called above.
///
/// METHOD: among mixed poikilocytosis a percentage is not specific (ICSH), so that "above" is not said there even
/// where the interval lies above the limit; the interval itself stays on the page.
enum Verdict {
    State(State),
    MixedPicture,
}

impl Verdict {
    fn of(count: &CountRecord) -> Self {
        match (count.state, count.context) {
            (State::Above, Some(Context::MixedPoikilocytosis)) => Self::MixedPicture,
            (state, _) => Self::State(state),
        }
    }

    fn words(&self) -> &'static str {
        match self {
            Self::MixedPicture => "Mixed picture: percentage not specific",
            Self::State(State::Above) => "Above the reference limit",
            Self::State(State::NotAbove) => "Not above the reference limit",
            Self::State(State::Indeterminate) => "Indeterminate: the interval includes the limit",
            Self::State(State::Insufficient) => "Insufficient: too few red cells",
            Self::State(State::NotAssessable) => "Not assessable",
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
            div { dt { "Other abnormal shapes" } dd { span data-figure="other_abnormal_percent" {
                (percent_or_unknown(count.other_abnormal_percent)) }
                @if let Some(context) = count.context { " " small { (context_words(context)) } } } }
        }
    }
}

/// What the floor is and on how many cells it rests.
fn floor_words(record: &CaseRecord) -> Option<String> {
    let model = &record.provenance.model;
    let behind = |cells: u64| format!(" ({})", counted(cells, "cell"));
    Some(match record.count.false_positive_floor_source? {
        FloorSource::HealthyFilms => format!(
            "called schistocyte in healthy people{}",
            model.healthy_share.as_ref().map(|share| behind(share.cells)).unwrap_or_default()
        ),
        FloorSource::Specificity => {
            format!("1 − specificity{}", model.specificity_cells.map(behind).unwrap_or_default())
        }
    })
}

fn context_words(context: Context) -> &'static str {
    match context {
        Context::SchistocytesPredominate => "schistocytes predominate",
        Context::MixedPoikilocytosis => "outnumber schistocytes",
        Context::NoSchistocytes => "no schistocyte counted",
    }
}

fn age_words(age_group: AgeGroup) -> &'static str {
    match age_group {
        AgeGroup::Adult => "adult",
        AgeGroup::TermNeonate => "newborn at term",
        AgeGroup::PretermNeonate => "preterm newborn",
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
