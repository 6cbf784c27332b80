//! The page of a case: the figures that follow each reading, the cells to read, the fields, and the signature.
//!
//! In: head and cells of the first reading. Out: the page.

use maud::{Markup, html};

use super::dialogs::dialogs;
use super::tiles::{Section, panel, sections};
use super::{PageContext, limits, page, percent, sentence, sign};
use crate::case::State;
use crate::report::state_symbol;
use crate::review::web::view::{CaseHead, CellView, CellsView, FiguresView, Group};

/// Every state: the page holds the shape of each, and the script shows the one that holds.
const STATES: [State; 5] =
    [State::Above, State::NotAbove, State::Indeterminate, State::Insufficient, State::NotAssessable];

/// The page.
pub fn case(ctx: &PageContext, head: &CaseHead, cells: &CellsView, error: Option<&str>) -> String {
    let reader = ctx.reader.map_or("", |reader| reader.name.as_str());
    let main = html! {
        main.case id="main" data-case=(head.id) data-series="first" data-events=(cells.events) data-signed[cells.signed]
            data-reader=(reader) {
            (self::head(head, cells))
            @if let Some(error) = error { p.error role="alert" { (sentence(error)) } }
            div.columns {
                div.cells {
                    @if let Some(figures) = cells.figures.as_ref().filter(|_| !cells.signed) {
                        p.note {
                            "Software: " (percent(figures.software_percent)) ". " (figures.software_state_words) ". The figures at \
                             the top take a cell as sure once a person has read it."
                        }
                    }
                    @if cells.cells.is_empty() { p.said { "The program found no suspicious cell on this film." } }
                    (sections(&grouped(&cells.cells)))
                }
                (panel())
            }
            (fields(head))
            (sign::agreement(head))
            (sign::section(ctx, head, cells))
            (dialogs(true))
        }
    };
    page(ctx, &head.name, &["/assets/case.js"], &main)
}

fn grouped(cells: &[CellView]) -> [Section<'_>; 3] {
    let of = |groups: &[Option<Group>]| cells.iter().filter(|cell| groups.contains(&cell.group)).collect();
    [
        Section {
            id: "called",
            title: "Called schistocytes",
            note: "The program counts these.",
            cells: of(&[Some(Group::Called)]),
        },
        Section {
            id: "near",
            title: "Nearly called",
            note: "The program does not count these, but schistocytes may be among them. The likeliest stand first.",
            cells: of(&[Some(Group::Near)]),
        },
        Section {
            id: "further",
            title: "Further cells that were read",
            note: "Added by a reader, counted though the program left them out, or read in their field.",
            cells: of(&[Some(Group::Included), Some(Group::Added), Some(Group::Other), None]),
        },
    ]
}

/// What stays in view while the cells are read.
fn head(head: &CaseHead, cells: &CellsView) -> Markup {
    html! {
        div.head role="region" aria-label="Result so far" {
            div.name {
                h1 { (head.name) }
                @if head.signed {
                    @if let Some(signature) = &head.signature {
                        p.tag.signed { "✓ " (signature.meaning.words()) " " (signature.by.name) }
                    }
                } @else if head.reopened.is_some() {
                    p.tag.begun { "Opened again" }
                } @else {
                    p.tag { "Preliminary" }
                }
                p.others {}
            }
            @if let Some(figures) = &cells.figures { (self::figures(figures)) }
        }
        p.hidden id="live" role="status" aria-live="polite" {}
        div id="alerts" role="alert" {}
    }
}

fn figures(figures: &FiguresView) -> Markup {
    let interval = figures.low.zip(figures.high).map(|(low, high)| limits(low, high)).unwrap_or_default();
    html! {
        div.figures {
            p.value { span data-figure="percent" { (percent(figures.percent)) } }
            p.interval { small { "95 % interval" } " " span data-figure="interval" { (interval) } }
            p.state data-state=(figures.state.name()) {
                @for state in STATES { span class={ "of " (state.name()) } { (state_symbol(state)) } }
                strong data-figure="state_words" { (figures.state_words) }
            }
            p.outlook data-figure="outlook" { (figures.outlook) }
            p.count {
                span data-figure="read" { (figures.read) } " read, "
                strong { span data-figure="unread" { (figures.unread) } " unread" }
            }
        }
    }
}

/// The fields by name, each opens in the field view.
fn fields(head: &CaseHead) -> Markup {
    html! {
        section.fields aria-labelledby="fields-title" {
            h2 id="fields-title" { "Fields" }
            p.note { "Open a field to look for cells that the program missed or left out." }
            ul {
                @for (place, (name, accepted)) in head.fields.iter().enumerate() {
                    li {
                        button type="button" data-open-field=(place) { (place + 1) ". " (name) }
                        @if !accepted { " " small { "refused: not counted" } }
                    }
                }
            }
        }
    }
}
