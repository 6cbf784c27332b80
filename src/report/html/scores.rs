//! A published score: what it was made for, what came out, its items, and what published cohorts had.

use maud::{Markup, html};

use crate::clinical::{ItemState, PUBLISHED_COHORT_NOTE, Score, ScoreBand};
use crate::report::evidence_words::{band_words, is_open, points_words, result_words};

/// One score.
pub(super) fn score(score: &Score) -> Markup {
    html! {
        article.score {
            h3 { (score.name) " " small { (score.version) } }
            p.outcome.open[is_open(score)] { (result_words(score)) }
            p.note { "Made to estimate: " (score.estimates) ". " (score.applicability) }
            (conditions(score))
            (items(score))
            (bands(score))
            @if !score.caveats.is_empty() {
                ul.caveat-list { @for caveat in &score.caveats { li { (caveat) } } }
            }
            p.note { "Source: " (score.source) }
        }
    }
}

fn conditions(score: &Score) -> Markup {
    html! {
        @if !score.conditions.is_empty() {
            ul.conditions aria-label="Conditions of the score" {
                @for condition in &score.conditions {
                    li { (condition.condition) ": " strong { (condition.state.words()) } }
                }
            }
        }
    }
}

fn items(score: &Score) -> Markup {
    html! {
        table.values.items {
            thead { tr { th scope="col" { "Item" } th scope="col" { "Criterion" } th scope="col" { "Known" }
                th scope="col" { "State" } th.number scope="col" { "Points" } } }
            tbody {
                @for item in &score.items {
                    tr.absent[item.state == ItemState::Missing] {
                        th scope="row" { (item.name) }
                        td data-label="Criterion" { (item.criterion) }
                        td data-label="Known" { @match &item.value { Some(value) => (value), None => "–" } }
                        td data-label="State" { (item.state.words()) }
                        td.number data-label="Points" { (points_words(item)) }
                    }
                }
            }
        }
    }
}

fn bands(score: &Score) -> Markup {
    html! {
        @if !score.bands.is_empty() {
            table.bands {
                caption { "Bands; figures are of a " (PUBLISHED_COHORT_NOTE) }
                thead { tr { th scope="col" { "Points" } th scope="col" { "Name" } th scope="col" { "Published cohorts" } } }
                tbody { @for band in &score.bands { (band_row(score, band)) } }
            }
        }
    }
}

fn band_row(score: &Score, band: &ScoreBand) -> Markup {
    let here = score.band().is_some_and(|found| found == band);
    html! {
        tr {
            th scope="row" { (band_words(band)) @if here { " " small { "points lie here" } } }
            td { (band.label) }
            td { (band.published_cohorts.join("; ")) }
        }
    }
}
