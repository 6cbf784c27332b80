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
//!
//! Positions are in pixels of the original image, for a field of a slide those of the whole slide at full resolution, x right, y down, origin at its top-left corner.

use std::io;

use super::{Column, Datum, Kind, Row};
use crate::case::{Case, CaseField};
use crate::smear::{CellStatus, ClassifiedCell};

/// Columns in their order: a contract with the programs that read the file.
pub const COLUMNS: [&str; 17] = [
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
];

/// The columns.
pub(super) fn columns() -> Vec<Column> {
    COLUMNS.into_iter().zip(KINDS).map(|(name, kind)| Column::new(name, kind)).collect()
}

/// The rows of a case; an item is an error where a field cannot be read.
pub(super) fn rows(case: &Case) -> impl Iterator<Item = io::Result<Row>> + '_ {
    case.fields.iter().zip(&case.record.fields).flat_map(|(field, record)| {
        let calibrated = record.um_per_px.is_some();
        let origin = record.region.map_or([0.0; 2], |region| [region.x_px.into(), region.y_px.into()]);
        let rows: Vec<io::Result<Row>> = match field {
            Ok(field) => field.cells.iter().map(|cell| Ok(row(&field, cell, origin, calibrated))).collect(),
            Err(error) => vec![Err(error)],
        };
        rows
    })
}

fn row(field: &CaseField, classified: &ClassifiedCell, [left, top]: [f64; 2], calibrated: bool) -> Row {
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
        calibrated.then(|| Datum::number(cell.morphology.diameter_um)).flatten(),
        call.and_then(|call| Datum::text(call.class.name())),
        call.and_then(|call| Datum::number(call.class_probability.value())),
        call.and_then(|call| Datum::number(call.schistocyte_probability.value())),
        Datum::text(status),
        reason,
        classified.form.and_then(|form| Datum::text(form.name())),
        Datum::number(cell.hidden_share),
    ];
    entries.into()
}
