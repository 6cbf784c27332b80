//! Which names the tables of specimens keep for their own columns.
//!
//! In: the heading of a column of a manifest. Out: whether it would clash with a column that the tables have or may have.

use super::outcomes::{FURTHER_COLUMNS, MEDIAN_PREFIX, REFUSED_PREFIX};
use crate::case::IntervalName;
use crate::smear::{CellClass, ExclusionReason, SchistocyteForm};

/// Columns that depend on no list of names.
const OWN_COLUMNS: [&str; 31] = [
    "accession",
    "job",
    "schema_version",
    "software_version",
    "method_version",
    "model",
    "model_version",
    "model_sha256",
    "engine",
    "issued_at",
    "age_group",
    "fields",
    "fields_accepted",
    "failed_inputs",
    "red_cells",
    "schistocytes",
    "percent",
    "deciding_low_interval",
    "deciding_high_interval",
    "min_cells",
    "state",
    "context",
    "forms_validated",
    "grade",
    "grading_table",
    "statement",
    "footer",
    "corrected_percent",
    "false_positive_floor_percent",
    "threshold_percent",
    "other_abnormal_percent",
];

/// Totals over the forms.
const FORM_TOTALS: [&str; 3] = ["by_icsh_rule", "without_microspherocytes", "core"];

/// Whether the tables of specimens have, or may have, a column of this name; without regard to case, as SQL reads them.
pub fn is_own_column(name: &str) -> bool {
    let name = name.to_lowercase();
    let of = |prefix: &str, names: &[&str]| name.strip_prefix(prefix).is_some_and(|rest| names.contains(&rest));
    let limits = ["_low_percent", "_high_percent"].iter().find_map(|ending| name.strip_suffix(ending));
    let is_interval = limits.is_some_and(|front| {
        let named = IntervalName::ALL.iter().any(|one| match one {
            IntervalName::Corrected => front == one.name(),
            one => front.strip_suffix("_95") == Some(one.name()),
        });
        named || ["widest_95", "false_positive_floor_95", "deciding"].contains(&front)
    });
    let classes = CellClass::ALL.map(CellClass::name);
    let total = ["_cells", "_percent"].iter().find_map(|ending| name.strip_suffix(ending));
    OWN_COLUMNS.contains(&name.as_str())
        || FURTHER_COLUMNS.contains(&name.as_str())
        || is_interval
        || total.is_some_and(|front| FORM_TOTALS.contains(&front))
        || of("n_", &classes)
        || of("finding_", &classes)
        || of("form_", &SchistocyteForm::ALL.map(SchistocyteForm::name))
        || name == "form_unassigned"
        || of("excluded_", &ExclusionReason::ALL.map(ExclusionReason::name))
        || [MEDIAN_PREFIX, REFUSED_PREFIX].iter().any(|prefix| name.starts_with(prefix))
}
