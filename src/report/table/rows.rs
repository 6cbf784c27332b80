//! What the tables hold: one row for each object of every field, and one for the specimen.
//!
//! # Cells
//!
//! The table of cells: one row for each object of every field, counted or not, refused fields included.
//!
//! Rows follow the fields in input order and the objects in the order of their numbers.
//!
//! | column | meaning |
//! | --- | --- |
//! | `field`, `cell_id` | file name (`#page` behind it for further pages) and number of the object in it |
//! | `x_px`, `y_px` | center of mass of the outline, two decimals |
//! | `x_min`, `y_min`, `x_max`, `y_max` | its bounding rectangle, px, two decimals |
//! | `area_px` | enclosed area, px², one decimal |
//! | `diameter_um` | diameter of the circle of the same area, µm, three decimals; absent without a pixel size |
//! | `class`, `class_probability`, `schistocyte_probability` | the classifier's call, six decimals; absent where it made none |
//! | `status` | `counted` or `excluded` |
//! | `reason` | name of the exclusion reason; absent where counted |
//! | `form` | ICSH form of a counted schistocyte by rule, validated by no expert; absent where no rule gives one |
//! | `hidden_share` | share of the outline in common with other objects, 0–1, three decimals; above 0.15 no schistocyte is called |
//! | `read_as`, `read_form`, `read_class` | what a person read the cell as, with the form of a schistocyte or the class of another cell where one is named; absent where nobody read it and before a signature |
//!
//! A cell that a reader added is no object of the program: it has no row and stands in the readings of `case.json`.
//!
//! Positions are in pixels of the original image, for a field of a slide those of the whole slide at full resolution, x right, y down, origin at its top-left corner.
//!
//! # Specimen
//!
//! The table of the specimen: one row with the figures of the record.
//!
//! Columns follow the record: names are those of `case.json`, `wilson_95_low_percent` for `count.wilson_95.low`. Counted
//! red cells of each class stand in `n_<class>` as the model calls them (empty for a class of size where the pixel size is not
//! known), and in `finding_<class>` stands whether the film shows the class. The limits that placed the count are
//! `deciding_low_percent` and `deciding_high_percent`, with the intervals that they are of. Objects left out in `excluded_<reason>`; a reason that did not occur is 0
//! there, because it was looked for. `review_status` is `preliminary`, `final` or `corrected`; `software_<figure>` are the program's own
//! figures, reviewed or not. `form_<form>` are called schistocytes by a rule on the outline, validated by no expert. Percentages have six decimals, as in the record. Nothing of a patient is in it: the
//! table leaves the laboratory's systems more easily than a message does.

use std::collections::BTreeMap;
use std::io;

use rayon::prelude::*;

use super::files::{Column, Datum, Kind, Row};
use crate::case::{Case, CaseRecord, ClassFinding, FieldRecord, Job, Reading, ReviewStatus};
use crate::report::document::words::interval_field;
use crate::report::error::ReportError;
use crate::smear::{CellId, CellStatus, ClassifiedCell, ExclusionReason, SchistocyteForm};

/// Rows of a field that one thread makes at least.
pub(super) const ROWS_TOGETHER: usize = 512;

/// Columns of the table of cells in their order: a contract with the programs that read the file.
pub const COLUMNS: [&str; 20] = [
    "field",
    "cell_id",
    "x_px",
    "y_px",
    "x_min",
    "y_min",
    "x_max",
    "y_max",
    "area_px",
    "diameter_um",
    "class",
    "class_probability",
    "schistocyte_probability",
    "status",
    "reason",
    "form",
    "hidden_share",
    "read_as",
    "read_form",
    "read_class",
];

const POSITION: Kind = Kind::Number { decimals: 2 };
const AREA: Kind = Kind::Number { decimals: 1 };
const DIAMETER: Kind = Kind::Number { decimals: 3 };
const SHARE: Kind = Kind::Number { decimals: 3 };
const PROBABILITY: Kind = Kind::Number { decimals: 6 };

/// What each of [`COLUMNS`] holds.
const KINDS: [Kind; COLUMNS.len()] = [
    Kind::Text,
    Kind::Count,
    POSITION,
    POSITION,
    POSITION,
    POSITION,
    POSITION,
    POSITION,
    AREA,
    DIAMETER,
    Kind::Text,
    PROBABILITY,
    PROBABILITY,
    Kind::Text,
    Kind::Text,
    Kind::Text,
    SHARE,
    Kind::Text,
    Kind::Text,
    Kind::Text,
];

/// The columns of the table of cells.
pub(super) fn cell_columns() -> Vec<Column> {
    COLUMNS.into_iter().zip(KINDS).map(|(name, kind)| Column::new(name, kind)).collect()
}

/// The rows of the table of cells, field by field.
pub(super) struct CellRows<'a> {
    case: &'a Case,
    readings: BTreeMap<(usize, CellId), Reading>,
}

impl<'a> CellRows<'a> {
    pub(super) fn of(case: &'a Case) -> Self {
        Self { case, readings: case.record.found_readings() }
    }

    /// Those of the field at a place in the record.
    pub(super) fn of_field(&self, place: usize) -> io::Result<Vec<Row>> {
        let record = &self.case.record.fields[place];
        let origin = record.region.map_or([0.0; 2], |region| [region.x_px.into(), region.y_px.into()]);
        let cells = self.case.fields.cells_of(place)?;
        let read = |cell: &ClassifiedCell| self.readings.get(&(place, cell.cell.id)).copied();
        Ok(cells.par_iter().with_min_len(ROWS_TOGETHER).map(|cell| row(record, cell, origin, read(cell))).collect())
    }

    /// All of them; an item is an error where a field cannot be read.
    pub(super) fn all(&self) -> impl Iterator<Item = io::Result<Row>> + '_ {
        (0..self.case.record.fields.len()).flat_map(|place| match self.of_field(place) {
            Ok(rows) => rows.into_iter().map(Ok).collect(),
            Err(error) => vec![Err(error)],
        })
    }
}

fn row(field: &FieldRecord, classified: &ClassifiedCell, [left, top]: [f64; 2], read: Option<Reading>) -> Row {
    let cell = &classified.cell;
    let [x, y] = cell.contour.centroid();
    let bounds = cell.contour.bounds();
    let (call, status, reason) = match classified.status {
        CellStatus::Counted(call) => (Some(call), "counted", None),
        CellStatus::Excluded(reason, call) => (call, "excluded", Datum::text(reason.name())),
    };
    let entries: [Option<Datum>; COLUMNS.len()] = [
        Datum::text(&field.field),
        Some(Datum::Count(cell.id.0.into())),
        Datum::number(left + x),
        Datum::number(top + y),
        Datum::number(left + bounds.x_min),
        Datum::number(top + bounds.y_min),
        Datum::number(left + bounds.x_max),
        Datum::number(top + bounds.y_max),
        Datum::number(cell.contour.area_px()),
        field.um_per_px.and_then(|_| Datum::number(cell.morphology.diameter_um)),
        call.and_then(|call| Datum::text(call.class.name())),
        call.and_then(|call| Datum::number(call.class_probability.value())),
        call.and_then(|call| Datum::number(call.schistocyte_probability.value())),
        Datum::text(status),
        reason,
        classified.form.and_then(|form| Datum::text(form.name())),
        Datum::number(cell.hidden_share),
        read.and_then(|read| Datum::text(read.read_as().name())),
        read.and_then(Reading::form).and_then(|form| Datum::text(form.name())),
        read.and_then(Reading::class).and_then(|class| Datum::text(class.name())),
    ];
    entries.into()
}

/// As many as the record holds.
pub(super) const PERCENT: Kind = Kind::Number { decimals: 6 };

/// The columns and the row of the table of the specimen.
pub(super) fn specimen(record: &CaseRecord) -> Result<(Vec<Column>, Row), ReportError> {
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

    let result = &record.count;
    add("red_cells", Kind::Count, count(result.red_cells));
    add("schistocytes", Kind::Count, count(result.schistocytes));
    add("percent", PERCENT, number(result.percent));
    let named = result.intervals().map(|one| (interval_field(one.name), one.limits));
    let others = [("widest_95", result.widest_95()), ("false_positive_floor_95", result.false_positive_floor_95)];
    let others = others.map(|(name, limits)| (name.to_owned(), limits));
    for (name, limits) in named.into_iter().chain(others) {
        add(&format!("{name}_low_percent"), PERCENT, number(limits.map(|limits| limits.low)));
        add(&format!("{name}_high_percent"), PERCENT, number(limits.map(|limits| limits.high)));
    }
    let deciding = result.deciding;
    for (name, limit) in
        [("low", deciding.and_then(|limits| limits.low)), ("high", deciding.and_then(|limits| limits.high))]
    {
        add(&format!("deciding_{name}_percent"), PERCENT, number(limit.map(|limit| limit.percent)));
        add(&format!("deciding_{name}_interval"), Kind::Text, text(limit.map(|limit| limit.interval.name())));
    }
    add("corrected_percent", PERCENT, number(result.corrected.and_then(|corrected| corrected.percent)));
    add("false_positive_floor_percent", PERCENT, number(result.false_positive_floor_percent));
    add("threshold_percent", PERCENT, number(Some(result.threshold_percent)));
    add("min_cells", Kind::Count, count(result.min_cells));
    add("state", Kind::Text, text(Some(result.state.name())));
    add("context", Kind::Text, text(result.context.map(|context| context.name())));
    add("other_abnormal_percent", PERCENT, number(result.other_abnormal_percent));

    for class in &record.classes {
        let name = class.class.name();
        add(&format!("n_{name}"), Kind::Count, class.cells.map(Datum::Count));
        add(&format!("finding_{name}"), Kind::Text, text(class.finding.map(ClassFinding::name)));
    }
    let forms = &result.forms;
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
    add("grade", Kind::Text, text(result.grade.as_ref().map(|grade| grade.label.as_str())));
    add("grading_table", Kind::Text, text(result.grade.as_ref().map(|grade| grade.table.as_str())));
    for reason in ExclusionReason::ALL {
        let objects = record.exclusions.get(&reason).copied().unwrap_or(0);
        add(&format!("excluded_{}", reason.name()), Kind::Count, count(objects));
    }
    let review = record.review.as_deref();
    let status = match record.review_status() {
        ReviewStatus::Preliminary => "preliminary",
        ReviewStatus::Final => "final",
        ReviewStatus::Corrected => "corrected",
    };
    add("review_status", Kind::Text, text(Some(status)));
    add("signed_by", Kind::Text, text(review.map(|review| review.signed_by.name.as_str())));
    add("signed_at", Kind::Text, text(review.map(|review| review.signed_at.as_str())));
    let software = record.software_count();
    add("software_percent", PERCENT, number(software.percent));
    add("software_schistocytes", Kind::Count, count(software.schistocytes));
    add("software_red_cells", Kind::Count, count(software.red_cells));
    add("software_state", Kind::Text, text(Some(software.state.name())));
    add("statement", Kind::Text, text(Some(&record.statement)));
    add("footer", Kind::Text, text(Some(&record.footer)));

    Ok(entries.into_iter().map(|(name, kind, datum)| (Column::new(name, kind), datum)).unzip())
}
