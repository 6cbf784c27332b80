//! `specimens.csv` of a batch: one row for each specimen of the manifest, finished or not.
//!
//! In: the outcomes in the order of the manifest. Out: a table for statistics programs; names are those of the table of
//! the specimen ([`rows`](super::rows)). `state` is that of the count, or `failed` where there is none, with
//! `exit_code` and `reason`. `median_<figure>` is the median of a quality figure over the fields, `refused_by_<figure>` the
//! number of fields outside of its limits. Columns of the manifest stand at the end under their own names.

use std::collections::BTreeSet;

use super::files::{self, Column, Datum, Kind, Row};
use super::rows::PERCENT;
use crate::case::{IntervalName, PercentInterval, SpecimenOutcome, SpecimenResult};
use crate::report::document::words::interval_field;
use crate::report::error::ReportError;
use crate::smear::{CellClass, ExclusionReason, SchistocyteForm};

/// What stands for the state of a specimen without a count.
const FAILED: &str = "failed";

/// What the names of the medians of quality figures begin with.
const MEDIAN_PREFIX: &str = "median_";
/// What the names of the numbers of refused fields begin with.
const REFUSED_PREFIX: &str = "refused_by_";

/// Columns of this table that the table of the specimen does not have.
const FURTHER_COLUMNS: [&str; 4] = ["line", "folder", "exit_code", "reason"];

/// Quality figures are of any size.
const FIGURE: Kind = Kind::Number { decimals: 6 };

/// The table as CSV.
///
/// # Errors
/// Where it cannot be written.
pub fn outcome_table(outcomes: &[SpecimenOutcome], extra_columns: &[String]) -> Result<Vec<u8>, ReportError> {
    let names = |of: fn(&SpecimenResult) -> Vec<&String>| -> BTreeSet<String> {
        outcomes.iter().filter_map(|outcome| outcome.result.as_ref()).flat_map(of).cloned().collect()
    };
    let medians = names(|result| result.quality_medians.keys().collect());
    let refused = names(|result| result.refused_by.keys().collect());
    let rows: Vec<Vec<(Column, Option<Datum>)>> =
        outcomes.iter().map(|outcome| row(outcome, &medians, &refused, extra_columns)).collect();
    let columns: Vec<Column> = match rows.first() {
        Some(row) => row.iter().map(|(column, _)| column.clone()).collect(),
        None => return Ok(Vec::new()),
    };
    let mut bytes = Vec::new();
    let entries = |row: Vec<(Column, Option<Datum>)>| row.into_iter().map(|(_, entry)| entry).collect();
    let rows: Vec<Row> = rows.into_iter().map(entries).collect();
    files::write_csv(&columns, &rows, &mut bytes)?;
    Ok(bytes)
}

fn row(
    outcome: &SpecimenOutcome,
    medians: &BTreeSet<String>,
    refused: &BTreeSet<String>,
    extra_columns: &[String],
) -> Vec<(Column, Option<Datum>)> {
    let mut row = Vec::new();
    let mut add = |name: &str, kind, entry| row.push((Column::new(name, kind), entry));
    let result = outcome.result.as_ref();
    let count = |of: fn(&SpecimenResult) -> u64| result.map(|result| Datum::Count(of(result)));
    let number = |of: fn(&SpecimenResult) -> Option<f64>| result.and_then(of).and_then(Datum::number);

    add("line", Kind::Count, Some(Datum::Count(outcome.line)));
    add("accession", Kind::Text, Datum::text(&outcome.accession));
    add("state", Kind::Text, Datum::text(result.map_or(FAILED, |result| result.state.name())));
    let context = result.and_then(|result| result.context);
    add("context", Kind::Text, context.and_then(|context| Datum::text(context.name())));
    add("red_cells", Kind::Count, count(|result| result.red_cells));
    add("schistocytes", Kind::Count, count(|result| result.schistocytes));
    add("percent", PERCENT, number(|result| result.percent));
    let mut limits = |name: &str, limits: Option<PercentInterval>| {
        add(&format!("{name}_low_percent"), PERCENT, limits.and_then(|limits| Datum::number(limits.low)));
        add(&format!("{name}_high_percent"), PERCENT, limits.and_then(|limits| Datum::number(limits.high)));
    };
    limits("widest_95", result.and_then(|result| result.widest_95));
    for name in IntervalName::ALL {
        let found = result.and_then(|result| result.intervals.get(name.name()).copied());
        limits(&interval_field(name), found);
    }
    add("threshold_percent", PERCENT, number(|result| Some(result.threshold_percent)));
    add("fields", Kind::Count, count(|result| result.fields));
    add("fields_accepted", Kind::Count, count(|result| result.fields_accepted));
    add("failed_inputs", Kind::Count, count(|result| result.failed_inputs));
    for name in medians {
        let median = result.and_then(|result| result.quality_medians.get(name));
        add(&format!("{MEDIAN_PREFIX}{name}"), FIGURE, median.and_then(|median| Datum::number(*median)));
    }
    for name in refused {
        let fields = result.map(|result| result.refused_by.get(name).copied().unwrap_or(0));
        add(&format!("{REFUSED_PREFIX}{name}"), Kind::Count, fields.map(Datum::Count));
    }
    add("folder", Kind::Text, result.and_then(|result| Datum::text(&result.folder)));
    let failure = outcome.failure.as_ref();
    add("exit_code", Kind::Count, failure.map(|failure| Datum::Count(failure.exit_code.into())));
    add("reason", Kind::Text, failure.and_then(|failure| Datum::text(&failure.reason)));
    for name in extra_columns {
        add(name, Kind::Text, outcome.extra.get(name).and_then(Datum::text));
    }
    row
}

/// Columns of both tables that depend on no list of names.
const OWN_COLUMNS: [&str; 38] = [
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
    "review_status",
    "signed_by",
    "signed_at",
    "software_percent",
    "software_schistocytes",
    "software_red_cells",
    "software_state",
];

/// Totals over the forms.
const FORM_TOTALS: [&str; 3] = ["by_icsh_rule", "without_microspherocytes", "core"];

/// Whether the tables of specimens have, or may have, a column of this name; without regard to case, as SQL reads them.
pub fn is_own_column(name: &str) -> bool {
    let name = name.to_lowercase();
    let of = |prefix: &str, names: &[&str]| name.strip_prefix(prefix).is_some_and(|rest| names.contains(&rest));
    let limits = ["_low_percent", "_high_percent"].iter().find_map(|ending| name.strip_suffix(ending));
    let is_interval = limits.is_some_and(|front| {
        let named = IntervalName::ALL.into_iter().any(|one| front == interval_field(one));
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::case::{SpecimenFailure, State};

    #[test]
    fn every_specimen_has_a_row_and_what_is_unknown_stays_empty() {
        let result = SpecimenResult {
            folder: "S-1_0123".to_owned(),
            job: "0123".to_owned(),
            state: State::Above,
            context: None,
            threshold_percent: 1.0,
            red_cells: 1_200,
            schistocytes: 24,
            percent: Some(2.0),
            widest_95: Some(PercentInterval { low: 1.3, high: 3.0 }),
            intervals: BTreeMap::from([("wilson".to_owned(), PercentInterval { low: 1.35, high: 2.96 })]),
            fields: 20,
            fields_accepted: 18,
            refused_by: BTreeMap::from([("focus".to_owned(), 2)]),
            quality_medians: BTreeMap::from([("focus".to_owned(), 0.5)]),
            failed_inputs: 0,
        };
        let finished = SpecimenOutcome {
            line: 2,
            accession: "S-1".to_owned(),
            row_sha256: String::new(),
            files_sha256: None,
            extra: BTreeMap::from([("site".to_owned(), "=A".to_owned())]),
            result: Some(result),
            failure: None,
        };
        let failure = SpecimenFailure { exit_code: 3, reason: "no image".to_owned() };
        let failed = SpecimenOutcome {
            line: 3,
            accession: "S-2".to_owned(),
            row_sha256: String::new(),
            files_sha256: None,
            extra: BTreeMap::new(),
            result: None,
            failure: Some(failure),
        };
        let table = outcome_table(&[finished, failed], &["site".to_owned()]).expect("a table");
        let mut reader = csv::Reader::from_reader(table.as_slice());
        let rows: Vec<BTreeMap<String, String>> = reader.deserialize().collect::<Result<_, _>>().expect("rows");
        let of = |row: usize, name: &str| rows[row][name].clone();
        for (name, one, two) in [
            ("line", "2", "3"),
            ("accession", "S-1", "S-2"),
            ("state", "above", "failed"),
            ("percent", "2.000000", ""),
            ("wilson_95_low_percent", "1.350000", ""),
            ("corrected_low_percent", "", ""),
            ("widest_95_high_percent", "3.000000", ""),
            ("red_cells", "1200", ""),
            ("fields_accepted", "18", ""),
            ("median_focus", "0.500000", ""),
            ("refused_by_focus", "2", ""),
            ("exit_code", "", "3"),
            ("reason", "", "no image"),
            ("site", "'=A", ""),
        ] {
            assert_eq!((of(0, name).as_str(), of(1, name).as_str()), (one, two), "{name}");
        }
        assert_eq!(outcome_table(&[], &[]).expect("nothing"), b"");
    }
}
