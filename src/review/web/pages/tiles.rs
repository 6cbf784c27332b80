//! The cells of a case as tiles, and the panel that reads the current one.
//!
//! In: the cells in their order. Out: lists of tiles, each with what the script must know of its cell, and the panel.
//!
//! METHOD: the lists are list boxes, so that a screen reader hands the keys of the page through.

use maud::{Markup, html};

use super::readings::{buttons, class_words, letter, words};
use crate::review::web::view::{CellView, Group};

/// Side of the picture of a cell, px.
const TILE_PX: u32 = 144;

/// A list of tiles under a heading.
pub(super) struct Section<'a> {
    /// Name in the page.
    pub id: &'a str,
    /// Heading.
    pub title: &'a str,
    /// What the cells are.
    pub note: &'a str,
    /// The cells.
    pub cells: Vec<&'a CellView>,
}

/// Lists of tiles; one without cells is hidden until the script puts one in.
pub(super) fn sections(sections: &[Section]) -> Markup {
    html! {
        @for section in sections {
            @let title = format!("{}-title", section.id);
            section.group id=(section.id) aria-labelledby=(title) hidden[section.cells.is_empty()] {
                h2 id=(title) { (section.title) " " span.count { (section.cells.len()) } }
                p.note { (section.note) }
                ul.tiles role="listbox" aria-labelledby=(title) {
                    @for cell in &section.cells { (tile(cell)) }
                }
            }
        }
        template id="tile" { (blank()) }
    }
}

/// The form of a cell in the page: also what the script fills for a cell that comes to the page later.
fn tile(cell: &CellView) -> Markup {
    let reading = cell.reading;
    let group = cell.group.map(group_name);
    html! {
        li.tile role="option" tabindex="-1" aria-selected="false" id=(format!("cell-{}", cell.key)) data-key=(cell.key)
            data-field=(cell.field) data-x=(format!("{:.1}", cell.x_px)) data-y=(format!("{:.1}", cell.y_px))
            data-r=(format!("{:.1}", cell.radius_px)) data-seen=(cell.seen) data-group=[group]
            data-read=[reading.map(|reading| reading.read_as().name())]
            data-form=[reading.and_then(|reading| reading.form()).map(|form| form.name())]
            data-class=[reading.and_then(|reading| reading.class()).map(|class| class.name())] {
            img src=(cell.tile) alt="" width=(TILE_PX) height=(TILE_PX) loading="lazy" decoding="async";
            span.reading { b.letter aria-hidden="true" { (letter(reading)) } " " span.words { (words(reading)) } }
            span.called { (called(cell)) }
            span.by { @if let Some(by) = &cell.by { "Read by " (by) } }
            span.where title=(cell.field_name) { (place(cell)) }
        }
    }
}

fn blank() -> Markup {
    html! {
        li.tile role="option" tabindex="-1" aria-selected="false" {
            img src="data:," alt="" width=(TILE_PX) height=(TILE_PX) decoding="async";
            span.reading { b.letter aria-hidden="true" {} " " span.words {} }
            span.called {}
            span.by {}
            span.where {}
        }
    }
}

/// Name of a group, as in the answers of the interface.
fn group_name(group: Group) -> &'static str {
    match group {
        Group::Called => "called",
        Group::Near => "near",
        Group::Included => "included",
        Group::Added => "added",
        Group::Other => "other",
    }
}

/// What the program says of a cell.
fn called(cell: &CellView) -> String {
    match (cell.excluded, cell.called, cell.probability, cell.group) {
        (Some(why), ..) => format!("Left out: {why}"),
        (None, Some(class), Some(probability), _) => format!("{} {probability:.2}", class_words(class)),
        (None, _, _, Some(Group::Added)) => "Added by a reader".to_owned(),
        _ => String::new(),
    }
}

/// Where a cell is; fields are numbered from 1 for people.
fn place(cell: &CellView) -> String {
    let number = cell.key.rsplit(['c', 'a']).next().unwrap_or_default();
    format!("Field {}, cell {number}", cell.field + 1)
}

/// The panel of the current cell: large picture, buttons, moves. Hidden until the script is there.
pub(super) fn panel() -> Markup {
    html! {
        noscript { p.said { "Cells are read with a script, which this browser does not run. The page still shows them." } }
        aside.panel aria-label="The current cell" hidden {
            div.current {
                img.large alt="" src="data:," width=(2 * TILE_PX) height=(2 * TILE_PX);
                p.now { b.letter aria-hidden="true" {} " " span.words {} }
                p.called {}
                p.where {}
            }
            div.trouble hidden { p {} button type="button" data-do="again" { kbd aria-hidden="true" { "R" } " Try again" } }
            (buttons())
            div.moves role="group" aria-label="Move and look" {
                button type="button" data-do="previous" aria-label="Previous cell" { kbd aria-hidden="true" { "←" } span { " Previous" } }
                button type="button" data-do="next" aria-label="Next cell" { kbd aria-hidden="true" { "→" } span { " Next" } }
                button type="button" data-do="zoom" { kbd aria-hidden="true" { "Z" } " Enlarge" }
                button type="button" data-do="field" { kbd aria-hidden="true" { "F" } " Field" }
                button type="button" data-do="undo" { kbd aria-hidden="true" { "⌫" } " Undo" }
                button type="button" data-do="help" aria-label="Keys" { kbd aria-hidden="true" { "?" } span { " Keys" } }
            }
        }
    }
}
