//! `fields/<field>.jpg` and `gallery.png`: what the page shows, as plain pictures.
//!
//! In: the previews and tiles of a case. Out: one JPEG for each field with its outlines, and one PNG with every cell that
//! was counted as a schistocyte. Nothing is read from the images again, so a picture is as large as its preview. Each
//! bears accession, job, legend and the fixed footer below it, because pictures are passed on alone.
//!
//! Limits: text is drawn in the characters of ISO 8859-1, others as `?`; at most [`MOST_TILES`] tiles, likeliest first.

mod canvas;
mod field;
mod gallery;

pub use gallery::MOST_TILES;

use image::ImageFormat;
use image::codecs::jpeg::JpegEncoder;

use super::sink::FileSink;
use super::{FileNames, ReportError};
use crate::case::{Case, CaseRecord, Job};

/// Folder of the fields.
const FOLDER: &str = "fields";

/// Name of the sheet of schistocytes.
const GALLERY: &str = "gallery.png";

/// JPEG quality of a field: thin lines stay clean.
const QUALITY: u8 = 90;

/// Writes the pictures.
pub(super) fn write(case: &Case, names: &FileNames, sink: &mut dyn FileSink) -> Result<(), ReportError> {
    let about = about(&case.record)?;
    for (index, field) in case.fields.iter().enumerate() {
        let field = field?;
        let picture = field::picture(&field, index + 1, &about)
            .map_err(|source| ReportError::Picture { field: field.field.clone(), source })?;
        sink.file(&format!("{FOLDER}/{}.jpg", names.fields()[index]), &mut |writer| {
            JpegEncoder::new_with_quality(writer, QUALITY).encode_image(&picture).map_err(encoding)
        })?;
    }
    let sheet = gallery::sheet(case, &about)?;
    sink.file(GALLERY, &mut |writer| {
        // The encoder of PNG seeks: it writes to memory first.
        let mut bytes = std::io::Cursor::new(Vec::new());
        sheet.write_to(&mut bytes, ImageFormat::Png).map_err(encoding)?;
        Ok(writer.write_all(bytes.get_ref())?)
    })
}

/// Whose picture it is.
fn about(record: &CaseRecord) -> Result<String, ReportError> {
    let accession = record.accession.as_deref().unwrap_or("no accession given");
    Ok(format!("Specimen {accession}, job {}", Job::of(record)?.id()))
}

fn encoding(error: image::ImageError) -> ReportError {
    match error {
        image::ImageError::IoError(source) => ReportError::Stream(source),
        source => ReportError::Encode { source },
    }
}
