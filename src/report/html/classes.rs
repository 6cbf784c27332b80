//! Class distribution of the counted red cells: a bar and the figures of each class, in label order.

use maud::{Markup, html};

use super::plots::bar;
use crate::case::CaseRecord;
use crate::report::figures::{count, percent_digits, share_percent};
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
        table.classes {
                caption { "Counted red cells by class; bars share one scale from 0 to 100 %." }
                thead { tr { th scope="col" { "Class" } th scope="col" { "Share" } th.number scope="col" { "%" }
                    th.number scope="col" { "Cells" } } }
                tbody {
                    @for class in CellClass::ALL {
                        @let cells = record.class_count(class);
                        @let share = share_percent(cells, record.count.red_cells);
                        @let strong = class == CellClass::Schistocyte;
                        tr.strong[strong] {
                            th scope="row" { (class.name()) }
                            td.plot { (bar(share.unwrap_or(0.0), strong)) }
                            td.number { (share.map_or_else(|| "–".to_owned(), percent_digits)) }
                            td.number data-class=(class.name()) { (count(cells)) }
                        }
                    }
                }
            }
    }
}
