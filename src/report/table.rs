//! `cells.csv`: one row for each object of every field, counted or not, refused fields included.
//!
//! Format: UTF-8, comma, `\n`, quotes where needed (RFC 4180), one header row with [`COLUMNS`]. Rows follow the fields
//! in input order and the objects in the order of their numbers.
//!
//! | column | meaning |
//! | --- | --- |
//! | `field`, `cell_id` | file name (`#page` behind it for further pages) and number of the object in it |
//! | `x_px`, `y_px` | center of mass of the outline, two decimals |
//! | `x_min`, `y_min`, `x_max`, `y_max` | its bounding rectangle, px, two decimals |
//! | `area_px` | enclosed area, px², one decimal |
//! | `diameter_um` | diameter of the circle of the same area, µm, three decimals; empty without a pixel size |
//! | `class`, `class_probability`, `schistocyte_probability` | the classifier's call, six decimals; empty where it made none |
//! | `status` | `counted` or `excluded` |
//! | `reason` | name of the exclusion reason; empty where counted |
//!
//! Positions are in pixels of the original image, x right, y down, origin at its top-left corner. What is absent stays
//! empty; numbers never use an exponent. A field name that begins with `=`, `+`, `-` or `@` is not altered, because it
//! must match its file: import the column as text into a spreadsheet.

use super::ReportError;
use super::sink::FileSink;
use crate::case::{Case, CaseField};
use crate::smear::{CellStatus, ClassifiedCell};

/// Columns in their order: a contract with the programs that read the file.
pub const COLUMNS: [&str; 15] = [
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
];

const POSITION_DECIMALS: usize = 2;
const AREA_DECIMALS: usize = 1;
const DIAMETER_DECIMALS: usize = 3;
const PROBABILITY_DECIMALS: usize = 6;

/// Name of the file.
const FILE: &str = "cells.csv";

/// The cells of a case as CSV.
pub(super) fn write(case: &Case, sink: &mut dyn FileSink) -> Result<(), ReportError> {
    sink.file(FILE, &mut |writer| {
        let mut writer = csv::Writer::from_writer(writer);
        writer.write_record(COLUMNS)?;
        for (field, record) in case.fields.iter().zip(&case.record.fields) {
            for cell in &field.cells {
                writer.write_record(row(field, cell, record.um_per_px.is_some()))?;
            }
        }
        Ok(writer.flush()?)
    })
}

fn row(field: &CaseField, classified: &ClassifiedCell, calibrated: bool) -> [String; 15] {
    let cell = &classified.cell;
    let [x, y] = cell.contour.centroid();
    let bounds = cell.contour.bounds();
    let (call, status, reason) = match classified.status {
        CellStatus::Counted(call) => (Some(call), "counted", ""),
        CellStatus::Excluded(reason, call) => (call, "excluded", reason.name()),
    };
    [
        field.field.clone(),
        cell.id.0.to_string(),
        fixed(x, POSITION_DECIMALS),
        fixed(y, POSITION_DECIMALS),
        fixed(bounds.x_min, POSITION_DECIMALS),
        fixed(bounds.y_min, POSITION_DECIMALS),
        fixed(bounds.x_max, POSITION_DECIMALS),
        fixed(bounds.y_max, POSITION_DECIMALS),
        fixed(cell.contour.area_px(), AREA_DECIMALS),
        if calibrated { fixed(cell.morphology.diameter_um, DIAMETER_DECIMALS) } else { String::new() },
        call.map(|call| call.class.name().to_owned()).unwrap_or_default(),
        call.map(|call| fixed(call.class_probability.value(), PROBABILITY_DECIMALS)).unwrap_or_default(),
        call.map(|call| fixed(call.schistocyte_probability.value(), PROBABILITY_DECIMALS)).unwrap_or_default(),
        status.to_owned(),
        reason.to_owned(),
    ]
}

/// A number with fixed decimals and no negative zero; empty where it is not finite.
fn fixed(value: f64, decimals: usize) -> String {
    if !value.is_finite() {
        return String::new();
    }
    let text = format!("{value:.decimals$}");
    match text.strip_prefix('-') {
        Some(digits) if digits.bytes().all(|byte| matches!(byte, b'0' | b'.')) => digits.to_owned(),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_fixed_and_plain() {
        assert_eq!(fixed(12.0, 2), "12.00");
        assert_eq!(fixed(0.0000001, 6), "0.000000");
        assert_eq!(fixed(1e21, 1), "1000000000000000000000.0");
        assert_eq!(fixed(-0.004, 2), "0.00");
        assert_eq!(fixed(-0.006, 2), "-0.01");
        assert_eq!(fixed(f64::NAN, 2), "");
    }
}
