//! A table as CSV: UTF-8, comma, `\n`, quotes where needed (RFC 4180), one header row.
//!
//! What is absent stays empty; numbers have fixed decimals and never an exponent.
//!
//! METHOD: a spreadsheet takes a text that begins with `=`, `+`, `-`, `@`, a tab or a line break for a formula, quoted or
//! not, and a file or specimen may bear any name. Such a text gets an apostrophe in front (OWASP, "CSV Injection"), which
//! a spreadsheet shows as text. The name then differs from that of its file by the apostrophe; the Parquet table and
//! `case.json` hold it unchanged.

use std::io::{self, Write};

use super::{Column, Datum, Kind, Row, fixed};
use crate::report::ReportError;

/// What a formula begins with.
const FORMULA_STARTS: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// Writes a table.
pub(super) fn write(
    columns: &[Column],
    rows: impl Iterator<Item = io::Result<Row>>,
    writer: &mut dyn Write,
) -> Result<(), ReportError> {
    let mut writer = csv::Writer::from_writer(writer);
    writer.write_record(columns.iter().map(|column| &column.name))?;
    for row in rows {
        let row = row?;
        writer.write_record(columns.iter().zip(&row).map(|(column, entry)| text(column.kind, entry.as_ref())))?;
    }
    Ok(writer.flush()?)
}

fn text(kind: Kind, entry: Option<&Datum>) -> String {
    match (entry, kind) {
        (None, _) => String::new(),
        (Some(Datum::Text(text)), _) => spreadsheet_text(text),
        (Some(Datum::Count(count)), _) => count.to_string(),
        (Some(Datum::Number(value)), Kind::Number { decimals }) => fixed(*value, decimals),
        (Some(Datum::Number(value)), _) => value.to_string(),
    }
}

/// A text that no spreadsheet runs.
pub fn spreadsheet_text(text: &str) -> String {
    if text.starts_with(FORMULA_STARTS) || text.starts_with('\n') { format!("'{text}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_formula_gets_an_apostrophe_and_a_name_with_one_inside_does_not() {
        for formula in ["=1+1", "+1", "-1.jpg", "@SUM(A1)", "\t=1", "\r=1", "\n=1"] {
            assert_eq!(spreadsheet_text(formula), format!("'{formula}"));
        }
        for plain in ["", "a=1.jpg", "field-1.jpg", "'=1", " =1"] {
            assert_eq!(spreadsheet_text(plain), plain);
        }
    }
}
