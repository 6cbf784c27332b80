//! The evidence: items for, against and missing under each statement, then the blocks with every value.
//!
//! METHOD: the statements come first, because they are what a reader looks for; every value, interval and time behind
//! them follows. Direction is always a word. Nothing is summed up.

use maud::{Markup, html};

use crate::clinical::SCORE_NOTE;
use crate::evidence::{Evidence, EvidenceBlock, EvidenceItem, StatementEvidence, WeighedItem};
use crate::report::evidence_words::{
    EVIDENCE_LEAD, EVIDENCE_TITLE, bearing_lines, earlier_words, flag_words, is_flagged, reference_words, time_words,
};
use crate::report::figures::counted;

use super::{cancer, scores};

/// Sections of the evidence: statements and blocks, scores, cancer.
pub(super) fn evidence(evidence: Option<&Evidence>) -> Markup {
    let Some(evidence) = evidence else { return html! {} };
    html! {
        section.evidence aria-labelledby="evidence" {
            h2 #evidence { (EVIDENCE_TITLE) }
            p.lead { (EVIDENCE_LEAD) }
            (missing(evidence))
            (statements(&evidence.statements))
            h3 { "Values" }
            @for block in &evidence.blocks { (block_table(block)) }
            (sentences("What this evidence cannot tell", &evidence.limitations))
            (ignored(evidence))
        }
        section.scores aria-labelledby="scores" {
            h2 #scores { "Scores" }
            p.lead { (SCORE_NOTE) " Points are those of the publication; a missing item is never filled in." }
            @for score in &evidence.scores { (scores::score(score)) }
        }
        @if let Some(page) = &evidence.cancer_page { (cancer::page(page)) }
    }
}

/// Names of everything that was not given, first of all.
fn missing(evidence: &Evidence) -> Markup {
    html! {
        @if !evidence.missing.is_empty() {
            div.missing-items {
                h3 { "Not given: " (counted(evidence.missing.len() as u64, "item")) }
                p { (evidence.missing.join(", ")) }
            }
        }
    }
}

fn statements(statements: &[StatementEvidence]) -> Markup {
    html! {
        h3 { "For and against" }
        div.statements {
            @for evidence in statements {
                article {
                    h4 { (evidence.title) }
                    (weighed("Supports", &evidence.supports))
                    (weighed("Speaks against", &evidence.speaks_against))
                    @if !evidence.neutral.is_empty() {
                        (weighed("Says nothing here", &evidence.neutral))
                    }
                    dl { div { dt { "Missing" } dd {
                        @if evidence.missing.is_empty() { "nothing" } @else { (evidence.missing.join(", ")) }
                    } } }
                }
            }
        }
    }
}

/// Items of one direction; an empty list says so, because that no item speaks against is a finding of its own.
fn weighed(direction: &str, items: &[WeighedItem]) -> Markup {
    html! {
        dl { div {
            dt { (direction) }
            @if items.is_empty() {
                dd.none { "no item" }
            }
            @for item in items {
                dd { span.weighed { (item.name) " " strong { (item.value_text) } } " "
                    small { (item.rule) @if !item.source.is_empty() { " (" (item.source) ")" } } }
            }
        } }
    }
}

fn block_table(block: &EvidenceBlock) -> Markup {
    html! {
        div.block {
            @if block.items.is_empty() {
                h4 { (block.title) }
            } @else {
                table.values {
                    caption { (block.title) }
                    thead { tr {
                        th scope="col" { "Item" } th.number scope="col" { "Value" } th scope="col" { "Reference interval" }
                        th scope="col" { "Flag" } th scope="col" { "Time" } th scope="col" { "Bearing" }
                    } }
                    tbody { @for item in &block.items { (row(item)) } }
                }
            }
            @if !block.missing.is_empty() {
                p.note { strong { "Missing: " } (block.missing.join(", ")) }
            }
        }
    }
}

fn row(item: &EvidenceItem) -> Markup {
    let earlier = earlier_words(item);
    html! {
        tr.flagged[is_flagged(item)] data-item=(item.code) {
            th scope="row" {
                (item.name)
                @for note in item.notes.iter().chain(&earlier) { " " small { (note) } }
            }
            td.number data-label="Value" { (item.value_text) }
            td data-label="Reference interval" {
                @match &item.reference {
                    Some(reference) => { (reference_words(reference)) " "
                        small title=(reference.source) { (reference.owner.words()) } },
                    None => small { "none" },
                }
            }
            td data-label="Flag" {
                @match item.flag {
                    Some(flag) => (flag_words(flag)),
                    None => "–",
                }
            }
            td data-label="Time" {
                @match &item.collected_at {
                    Some(time) => (time_words(time)),
                    None => small { "not given" },
                }
            }
            td data-label="Bearing" {
                @let lines = bearing_lines(item);
                @if lines.is_empty() { "–" }
                @for (direction, titles) in lines {
                    span.bearing { small { (direction) } " " (titles) }
                }
            }
        }
    }
}

fn sentences(title: &str, sentences: &[String]) -> Markup {
    html! {
        @if !sentences.is_empty() {
            div.caveats {
                h3 { (title) }
                ul { @for sentence in sentences { li { (sentence) } } }
            }
        }
    }
}

fn ignored(evidence: &Evidence) -> Markup {
    html! {
        @if !evidence.ignored.is_empty() {
            div.caveats {
                h3 { "Observations left aside" }
                ul {
                    @for observation in &evidence.ignored {
                        li {
                            code { (observation.code) } " "
                            @if let Some(name) = &observation.name { (name) ": " }
                            (observation.reason)
                        }
                    }
                }
            }
        }
    }
}
