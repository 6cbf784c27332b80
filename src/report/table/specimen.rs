//! The table of the specimen: one row with the figures of the record.
//!
//! Columns follow the record: names are those of `case.json`, `wilson_95_low_percent` for `count.wilson_95.low`. Counted
//! red cells of each class stand in `n_<class>` as the model calls them (empty for a class of size where the pixel size is not
//! known), and in `finding_<class>` stands whether the film shows the class. The limits that placed the count are
//! `deciding_low_percent` and `deciding_high_percent`, with the intervals that they are of. Objects left out in `excluded_<reason>`; a reason that did not occur is 0
//! there, because it was looked for. `form_<form>` are called schistocytes by a rule on the outline, validated by no expert. Percentages have six decimals, as in the record. Nothing of a patient is in it: the
//! table leaves the laboratory's systems more easily than a message does.

use super::{Column, Datum, Kind, Row};
use crate::case::{CaseRecord, ClassFinding, IntervalName, Job};
use crate::report::ReportError;
use crate::smear::{ExclusionReason, SchistocyteForm};

/// As many as the record holds.
pub(super) const PERCENT: Kind = Kind::Number { decimals: 6 };

/// The columns and the row.
pub(super) fn table(record: &CaseRecord) -> Result<(Vec<Column>, Row), ReportError> {
    let job = Job::of(record)?;
    let mut entries: Vec<(String, Kind, Option<Datum>)> = Vec::new();
    let mut add = |name: &str, kind, datum| entries.push((name.to_owned(), kind, datum));
    let text = |text: Option<&str>| text.and_then(Datum::text);
    let count = |count: u64| Some(Datum::Count(count));
    let number = |value: Option<f64>| value.and_then(Datum::number);

    add("accession", Kind::Text, text(record.accession.as_deref()));
    add("job", Kind::Text, text(Some(job.id())));
    add("schema_version", Kind::Text, text(Some(&record.schema_version)));
    let made_by = &record.provenance;
    add("software_version", Kind::Text, text(Some(&made_by.software_version)));
    add("method_version", Kind::Text, text(Some(&made_by.method_version)));
    add("model", Kind::Text, text(Some(&made_by.model.name)));
    add("model_version", Kind::Text, text(Some(&made_by.model.version)));
    add("model_sha256", Kind::Text, text(Some(&made_by.model.sha256)));
    add("engine", Kind::Text, text(Some(&made_by.engine)));
    add("issued_at", Kind::Text, text(record.issued_at.as_ref().map(|issued| issued.at.as_str())));
    add("age_group", Kind::Text, text(Some(record.age_group.name())));

    let accepted = record.fields.iter().filter(|field| field.accepted).count() as u64;
    add("fields", Kind::Count, count(record.fields.len() as u64));
    add("fields_accepted", Kind::Count, count(accepted));
    add("failed_inputs", Kind::Count, count(record.failed_inputs.len() as u64));

    let figures = &record.count;
    add("red_cells", Kind::Count, count(figures.red_cells));
    add("schistocytes", Kind::Count, count(figures.schistocytes));
    add("percent", PERCENT, number(figures.percent));
    let named = figures.intervals().map(|one| match one.name {
        IntervalName::Corrected => (one.name.name().to_owned(), one.limits),
        name => (format!("{}_95", name.name()), one.limits),
    });
    let others = [("widest_95", figures.widest_95()), ("false_positive_floor_95", figures.false_positive_floor_95)];
    let others = others.map(|(name, limits)| (name.to_owned(), limits));
    for (name, limits) in named.into_iter().chain(others) {
        add(&format!("{name}_low_percent"), PERCENT, number(limits.map(|limits| limits.low)));
        add(&format!("{name}_high_percent"), PERCENT, number(limits.map(|limits| limits.high)));
    }
    let deciding = figures.deciding;
    for (name, limit) in
        [("low", deciding.and_then(|limits| limits.low)), ("high", deciding.and_then(|limits| limits.high))]
    {
        add(&format!("deciding_{name}_percent"), PERCENT, number(limit.map(|limit| limit.percent)));
        add(&format!("deciding_{name}_interval"), Kind::Text, text(limit.map(|limit| limit.interval.name())));
    }
    add("corrected_percent", PERCENT, number(figures.corrected.and_then(|corrected| corrected.percent)));
    add("false_positive_floor_percent", PERCENT, number(figures.false_positive_floor_percent));
    add("threshold_percent", PERCENT, number(Some(figures.threshold_percent)));
    add("min_cells", Kind::Count, count(figures.min_cells));
    add("state", Kind::Text, text(Some(figures.state.name())));
    add("context", Kind::Text, text(figures.context.map(|context| context.name())));
    add("other_abnormal_percent", PERCENT, number(figures.other_abnormal_percent));

    for class in &record.classes {
        let name = class.class.name();
        add(&format!("n_{name}"), Kind::Count, class.cells.map(Datum::Count));
        add(&format!("finding_{name}"), Kind::Text, text(class.finding.map(ClassFinding::name)));
    }
    let forms = &figures.forms;
    for form in SchistocyteForm::ALL {
        add(&format!("form_{}", form.name()), Kind::Count, count(forms.by_form.get(form.name()).copied().unwrap_or(0)));
    }
    add("form_unassigned", Kind::Count, count(forms.unassigned));
    add("forms_validated", Kind::Text, text(Some(if forms.validated { "yes" } else { "no" })));
    for (name, share) in [
        ("by_icsh_rule", forms.by_icsh_rule),
        ("without_microspherocytes", forms.without_microspherocytes),
        ("core", forms.core),
    ] {
        add(&format!("{name}_cells"), Kind::Count, count(share.cells));
        add(&format!("{name}_percent"), PERCENT, number(share.percent));
    }
    add("grade", Kind::Text, text(figures.grade.as_ref().map(|grade| grade.label.as_str())));
    add("grading_table", Kind::Text, text(figures.grade.as_ref().map(|grade| grade.table.as_str())));
    for reason in ExclusionReason::ALL {
        let objects = record.exclusions.get(&reason).copied().unwrap_or(0);
        add(&format!("excluded_{}", reason.name()), Kind::Count, count(objects));
    }
    add("statement", Kind::Text, text(Some(&record.statement)));
    add("footer", Kind::Text, text(Some(&record.footer)));

    Ok(entries.into_iter().map(|(name, kind, datum)| (Column::new(name, kind), datum)).unzip())
}
