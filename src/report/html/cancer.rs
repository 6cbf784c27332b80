//! The page for a patient with cancer: exposures with their sources, what publications compare, what is missing.

use maud::{Markup, html};

use crate::evidence::{CancerPage, ComparedItem, Comparison, Exposure};
use crate::report::evidence_words::{CANCER_TITLE, exposure_words, time_words};

/// Section of the page; on paper it begins on a sheet of its own.
pub(super) fn page(page: &CancerPage) -> Markup {
    html! {
        section.cancer aria-labelledby="cancer" {
            h2 #cancer { (CANCER_TITLE) }
            p.lead { "Exposures, and what publications compare with other pictures; where this patient's data lie is said \
                item by item." }
            h3 { "Exposures" }
            @if page.exposures.is_empty() { p { "No exposure was given." } } @else { (exposures(&page.exposures)) }
            @for comparison in &page.comparisons { (compared(comparison)) }
            h3 { "Still missing" }
            p { @if page.missing.is_empty() { "Nothing." } @else { (page.missing.join(", ")) } }
            @if !page.caveats.is_empty() {
                h3 { "To keep in mind" }
                ul.caveat-list { @for caveat in &page.caveats { li { (caveat) } } }
            }
        }
    }
}

fn exposures(exposures: &[Exposure]) -> Markup {
    html! {
        table.values {
            thead { tr { th scope="col" { "Exposure" } th scope="col" { "In this patient" } th scope="col" { "Date" }
                th scope="col" { "Published" } } }
            tbody {
                @for exposure in exposures {
                    tr {
                        th scope="row" { (exposure.name) " " small { (exposure_words(exposure.kind)) } }
                        td data-label="In this patient" { (exposure.detail) }
                        td data-label="Date" {
                            @match &exposure.date { Some(date) => (time_words(date)), None => small { "not given" } }
                        }
                        td data-label="Published" {
                            @match &exposure.published { Some(published) => (published), None => "–" }
                            @if let Some(source) = &exposure.source { " " small { (source) } }
                        }
                    }
                }
            }
        }
    }
}

fn compared(comparison: &Comparison) -> Markup {
    html! {
        table.values data-comparison=(comparison.code) {
            caption { (comparison.title) }
            thead { tr { th scope="col" { "Item" } th scope="col" { "Published" } th scope="col" { "This patient" }
                th scope="col" { "Position" } } }
            tbody { @for item in &comparison.items { (compared_row(item)) } }
        }
    }
}

fn compared_row(item: &ComparedItem) -> Markup {
    html! {
        tr.absent[item.value_text.is_none()] {
            th scope="row" { (item.name) }
            td data-label="Published" { (item.published) " " small { (item.source) } }
            td data-label="This patient" { @match &item.value_text { Some(value) => (value), None => "not given" } }
            td data-label="Position" { @match &item.position { Some(position) => (position), None => "–" } }
        }
    }
}
