//! What was left out and why: the sums over all fields, and the table that each field uses, too.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::figures::count;
use crate::case::CaseRecord;
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
pub(super) fn exclusion_table(exclusions: &BTreeMap<String, u64>) -> Markup {
    html! {
        table.exclusions {
            thead { tr { th scope="col" { "Reason" } th.number scope="col" { "Objects" } } }
            tbody {
                @for (name, objects) in in_report_order(exclusions) {
                    tr {
                        th scope="row" { (swatch(&format!("excluded {name}"))) (words(name)) }
                        td.number data-exclusion=(name) { (count(objects)) }
                    }
                }
            }
        }
    }
}

/// Reasons in the order of [`ExclusionReason::ALL`]; names from elsewhere follow.
fn in_report_order(exclusions: &BTreeMap<String, u64>) -> Vec<(&str, u64)> {
    let mut ordered: Vec<(&str, u64)> = exclusions.iter().map(|(name, &objects)| (name.as_str(), objects)).collect();
    ordered.sort_by_key(|(name, _)| {
        ExclusionReason::ALL.iter().position(|reason| reason.name() == *name).unwrap_or(usize::MAX)
    });
    ordered
}

fn words(name: &str) -> &str {
    ExclusionReason::ALL.into_iter().find(|reason| reason.name() == name).map_or(name, |reason| reason.describe())
}

/// Sample of the line that an outline is drawn with.
pub(super) fn swatch(class: &str) -> Markup {
    html! {
        svg.swatch aria-hidden="true" width="26" height="14" { path class=(class) d="M1 7H25" {} }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_follow_the_order_of_the_reports() {
        let counts = [("debris", 1), ("frame_edge", 2), ("new_reason", 3)];
        let counts = counts.into_iter().map(|(name, n)| (name.to_owned(), n)).collect();
        assert_eq!(in_report_order(&counts), [("frame_edge", 2), ("debris", 1), ("new_reason", 3)]);
        assert_eq!(words("frame_edge"), "cut by the edge of the field");
        assert_eq!(words("new_reason"), "new_reason");
    }
}
