//! The page of a second reader, who reads blind.
//!
//! METHOD: what the reader must not know is not in the values that the page is made of. The page itself says nothing of the
//! case but its specimen, and how much this reader has read.

use maud::html;

use super::dialogs::dialogs;
use super::tiles::{Section, panel, sections};
use super::{PageContext, page};
use crate::review::web::view::{CaseHead, CellsView};

/// The page.
pub fn blind(ctx: &PageContext, head: &CaseHead, cells: &CellsView) -> String {
    let read = cells.cells.iter().filter(|cell| cell.reading.is_some()).count();
    let reader = ctx.reader.map_or("", |reader| reader.name.as_str());
    let all = Section {
        id: "blind",
        title: "Cells to read",
        note: "Read each cell by itself. The order tells nothing.",
        cells: cells.cells.iter().collect(),
    };
    let main = html! {
        main.case.second-reader id="main" data-case=(head.id) data-series="second" data-events=(cells.events)
            data-signed[cells.signed] data-reader=(reader) {
            div.head role="region" aria-label="Progress" {
                div.name { h1 { (head.name) } p.tag { "Blind reading" } }
                div.figures {
                    p.value { span data-figure="own" { (read) " of " (cells.cells.len()) } " read" }
                    p.outlook {
                        @if cells.signed { "The case is signed; nobody reads it now." }
                        @else { "Calls and other readings are not shown, so that your reading is your own." }
                    }
                }
            }
            p.hidden id="live" role="status" aria-live="polite" {}
            div id="alerts" role="alert" {}
            div.columns {
                div.cells {
                    @if cells.cells.is_empty() { p.said { "This case has no cell to read." } }
                    (sections(&[all]))
                }
                (panel())
            }
            (dialogs(false))
        }
    };
    page(ctx, &head.name, &["/assets/case.js"], &main)
}
