//! Read cells as labels: the table of readings that `evaluate` and the training of the network read.
//!
//! In: the cases of a folder. Out: `readings.csv`, one row for each cell that a person read, with the columns of
//! [`crate::evaluate::labels`]: `set,image,x,y,label,reading_a,reading_b,weight,stratum`. `set` is the specimen: put its images
//! into a folder of that name. `label` is what the program called. `reading_a` is the first reader's; `reading_b` the second
//! reader's, and the first's once more where nobody read a second time, which `stratum` says.
//!
//! Letters: `S` schistocyte, `M` microspherocyte, `D` undecided, `N` none, `X` not assessable; behind `S` the form.
//!
//! Limits: cells of slides have places on their own field, not on the slide.

use std::path::{Path, PathBuf};

use super::error::ReviewError;
use super::event::Series;
use super::open_case::OpenCase;
use crate::case::{CellKey, ReadAs, Reading};
use crate::report::spreadsheet_text;
use crate::smear::SchistocyteForm;

/// Name of the table.
pub const LABELS_FILE: &str = "readings.csv";
/// Columns, as the reader of labels asks for them.
const COLUMNS: [&str; 9] = ["set", "image", "x", "y", "label", "reading_a", "reading_b", "weight", "stratum"];

/// The letter of a reading.
fn letter(reading: Reading) -> &'static str {
    match (reading.read_as(), reading.form()) {
        (ReadAs::Schistocyte, None) => "S",
        (ReadAs::Schistocyte, Some(SchistocyteForm::Helmet)) => "Sh",
        (ReadAs::Schistocyte, Some(SchistocyteForm::Triangle)) => "St",
        (ReadAs::Schistocyte, Some(SchistocyteForm::Crescent)) => "Sc",
        (ReadAs::Schistocyte, Some(SchistocyteForm::Keratocyte)) => "Sk",
        (ReadAs::Schistocyte, Some(SchistocyteForm::Microspherocyte)) => "M",
        (ReadAs::Other, _) => "N",
        (ReadAs::Undecided, _) => "D",
        (ReadAs::NotAssessable, _) => "X",
    }
}

/// The rows of a case.
fn rows(case: &OpenCase) -> Vec<[String; 9]> {
    let record = case.software();
    let own = || case.folder().file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let set = record.accession.clone().unwrap_or_else(own);
    let state = case.state();
    let row = |field: u32, [x, y]: [f64; 2], called: &str, key: &CellKey| {
        let first = state.reading(Series::First, key)?;
        let second = state.reading(Series::Second, key);
        let image = record.fields.get(field as usize)?.field.clone();
        let stratum = if second.is_some() { "review, two readers" } else { "review, one reader" };
        Some([
            spreadsheet_text(&set),
            spreadsheet_text(&image),
            format!("{x:.1}"),
            format!("{y:.1}"),
            called.to_owned(),
            letter(first).to_owned(),
            letter(second.unwrap_or(first)).to_owned(),
            "1".to_owned(),
            stratum.to_owned(),
        ])
    };
    let found =
        case.cells().all().iter().filter_map(|cell| {
            row(cell.field, cell.middle_px, cell.called.map_or("", |class| class.name()), &cell.key)
        });
    let added = state
        .added()
        .filter_map(|added| row(added.field, [added.x_px, added.y_px], "", &CellKey::Added { number: added.number }));
    found.chain(added).collect()
}

/// Writes the table of some cases into a folder, which is made where it is missing; returns its path and the number of rows.
///
/// # Errors
/// [`ReviewError::Folder`].
pub fn export_labels<'a>(
    cases: impl IntoIterator<Item = &'a OpenCase>,
    folder: &Path,
) -> Result<(PathBuf, usize), ReviewError> {
    let path = folder.join(LABELS_FILE);
    let failed = |source: std::io::Error| ReviewError::Folder { path: path.clone(), source };
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(COLUMNS).map_err(|error| failed(std::io::Error::other(error)))?;
    let mut written = 0;
    for row in cases.into_iter().flat_map(rows) {
        writer.write_record(&row).map_err(|error| failed(std::io::Error::other(error)))?;
        written += 1;
    }
    let bytes = writer.into_inner().map_err(|error| failed(error.into_error()))?;
    std::fs::create_dir_all(folder).map_err(failed)?;
    crate::durable::write(&path, &bytes).map_err(failed)?;
    Ok((path, written))
}
