//! Called cells of each class in label order: a bar where the film shows it, its number, and what it says of the film.

use maud::{Markup, html};

use super::plots::bar;
use crate::case::{CaseRecord, ClassRecord};
use crate::report::figures::{count, percent, percent_digits};
use crate::report::words::{classes_note, finding_words, shown_percent};
use crate::smear::CellClass;

/// Section of the class distribution.
pub(super) fn class_distribution(record: &CaseRecord) -> Markup {
    html! {
        section aria-labelledby="classes" {
            h2 #classes { "Class distribution" }
            @if record.count.red_cells == 0 {
                p { "No red cell was counted." }
            } @else {
                (class_table(record))
            }
        }
    }
}

fn class_table(record: &CaseRecord) -> Markup {
    html! {
        @if let Some(note) = classes_note(&record.classes) { p.lead { (note) } }
        table.classes {
                caption { "Counted red cells by the class that the model calls; bars share one scale from 0 to 100 %." }
                thead { tr { th scope="col" { "Class" } th scope="col" { "Share" } th.number scope="col" { "%" }
                    th.number scope="col" { "Cells" } th scope="col" { "In this film" } } }
                tbody {
                    @for class in &record.classes {
                        @let share = shown_percent(class);
                        @let strong = class.class == CellClass::Schistocyte;
                        tr.strong[strong] {
                            th scope="row" { (class.class.name()) }
                            td.plot { @if let Some(share) = share { (bar(share, strong)) } }
                            td.number { (share.map_or_else(|| "–".to_owned(), percent_digits)) }
                            td.number data-class=(class.class.name()) { (class.cells.map_or_else(|| "–".to_owned(), count)) }
                            td { (in_this_film(class)) }
                        }
                    }
                }
            }
    }
}

/// What the class says of the film, and the error that it was compared with.
fn in_this_film(class: &ClassRecord) -> String {
    let Some(finding) = class.finding else { return String::new() };
    let error = class.floor_95.filter(|_| class.cells.is_some());
    let error = error.map(|limits| format!(" (healthy films up to {})", percent(limits.high)));
    format!("{}{}", finding_words(finding), error.unwrap_or_default())
}
