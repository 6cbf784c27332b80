//! What was left out and why: the sums over all fields, and the table that each field uses, too.

use std::collections::BTreeMap;

use maud::{Markup, html};

use crate::case::CaseRecord;
use crate::report::figures::count;
use crate::report::words::{in_report_order, reason_words};
use crate::smear::ExclusionReason;

/// Section of the exclusions, over all fields.
pub(super) fn exclusions(record: &CaseRecord) -> Markup {
    let total: u64 = record.exclusions.values().sum();
    html! {
        section aria-labelledby="exclusions" {
            h2 #exclusions { "What was excluded, and why" }
            @if total == 0 {
                p { "Nothing was excluded." }
            } @else {
                p.lead { (count(total)) " objects are not in the count. Nothing is dropped without a reason; every object is a row of cells.csv." }
                (exclusion_table(&record.exclusions))
            }
        }
    }
}

/// Objects by reason, each with a sample of its outline.
pub(super) fn exclusion_table(exclusions: &BTreeMap<ExclusionReason, u64>) -> Markup {
    html! {
        table.exclusions {
            thead { tr { th scope="col" { "Reason" } th.number scope="col" { "Objects" } } }
            tbody {
                @for (name, objects) in in_report_order(exclusions) {
                    tr {
                        th scope="row" { (swatch(&format!("excluded {name}"))) (reason_words(name)) }
                        td.number data-exclusion=(name) { (count(objects)) }
                    }
                }
            }
        }
    }
}

/// Sample of the line that an outline is drawn with.
pub(super) fn swatch(class: &str) -> Markup {
    html! {
        svg.swatch aria-hidden="true" width="26" height="14" { path class=(class) d="M1 7H25" {} }
    }
}
