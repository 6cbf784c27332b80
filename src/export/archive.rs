//! The files of an export, as [`crate::export`] describes them.

use std::fs;
use std::io::{self, BufWriter, Cursor, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use image::{ImageBuffer, ImageFormat, Luma};
use tempfile::NamedTempFile;

use crate::classify::{CropTarget, Cropper, InterleavedRgb};
use crate::durable;
use crate::pipeline::PreparedField;
use crate::segment::WORKING_UM_PER_PX;
use crate::smear::{Contour, Field, LabelMap, ObjectKind, SegmentedObject};

/// Side of a crop, px: one and a half times the 64 px of the shipped model, so that it can be turned by any angle.
const CROP_SIDE_PX: usize = 96;
/// Contrast that other objects keep in a crop, 0–1; that of the shipped model.
const NEIGHBOR_DIMMING: f64 = 0.3;

/// Columns of `crops.csv`.
const CROP_COLUMNS: [&str; 14] = [
    "crop",
    "field",
    "cell_id",
    "kind",
    "x_px",
    "y_px",
    "x_min",
    "y_min",
    "x_max",
    "y_max",
    "area_px",
    "diameter_um",
    "label",
    "hidden_share",
];
/// Columns of `fields.csv`.
const FIELD_COLUMNS: [&str; 5] = ["field", "width_px", "height_px", "original_px_per_px", "um_per_px"];

const CROPS: &str = "crops.npy";
const CROP_TABLE: &str = "crops.csv";
const FIELD_TABLE: &str = "fields.csv";
const FIELD_FOLDER: &str = "fields";
const LABEL_FOLDER: &str = "labels";
const CROP_BYTES: usize = 3 * CROP_SIDE_PX * CROP_SIDE_PX;
/// Bytes of the NumPy header, padding included: a multiple of 64 that holds any count of crops.
const HEADER_BYTES: usize = 128;

/// An archive that cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("{}: expected a place that can be written to; choose another folder with --out", path.display())]
#[non_exhaustive]
pub struct ArchiveError {
    /// File or folder.
    pub path: PathBuf,
    /// What the system said.
    pub source: io::Error,
}

/// Why a field has no place in the archive.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CutError {
    /// More objects than a 16-bit label map can name.
    #[error("{field}: expected at most 65535 objects in a field, found {objects}; crop the picture")]
    TooManyObjects {
        /// Field.
        field: String,
        /// Its objects.
        objects: usize,
    },
    /// A picture could not be encoded.
    #[error("{field}: its picture could not be encoded")]
    Picture {
        /// Field.
        field: String,
        /// What went wrong.
        source: image::ImageError,
    },
}

/// What the archive holds of one field.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct FieldCrops {
    field: String,
    field_row: [String; 5],
    /// One row for each crop, without the number of the crop.
    rows: Vec<[String; 13]>,
    crops: Vec<u8>,
    field_png: Vec<u8>,
    labels_png: Vec<u8>,
}

impl FieldCrops {
    /// Cuts every object of a field, red cell or not.
    ///
    /// # Errors
    /// [`CutError`].
    pub(super) fn cut(field: &Field, prepared: &PreparedField) -> Result<Self, CutError> {
        let PreparedField { calibration, normalized, segmentation, .. } = prepared;
        let objects = &segmentation.objects;
        let name = field.id.to_string();
        let labels_png = label_png(&segmentation.labels)
            .ok_or_else(|| CutError::TooManyObjects { field: name.clone(), objects: objects.len() })?;
        let picture = |source| CutError::Picture { field: name.clone(), source };
        let field_png = png(&normalized.rgb).map_err(picture)?;
        let cropper = Cropper::new(normalized, &segmentation.labels, CROP_SIDE_PX, WORKING_UM_PER_PX, NEIGHBOR_DIMMING);
        let mut crops = vec![0; CROP_BYTES * objects.len()];
        let mut rows = Vec::with_capacity(objects.len());
        for (index, (object, bytes)) in objects.iter().zip(crops.chunks_exact_mut(CROP_BYTES)).enumerate() {
            let label = index as u32 + 1;
            let target = CropTarget::new(label, &object.contour, normalized);
            cropper.crop(&target, &mut InterleavedRgb::new(bytes, CROP_SIDE_PX));
            rows.push(row(&name, label, object, calibration.um_per_px));
        }
        let field_row = [
            name.clone(),
            field.rgb.width().to_string(),
            field.rgb.height().to_string(),
            format!("{:.6}", normalized.original_px_per_px),
            normalized.um_per_px.to_string(),
        ];
        Ok(Self { field: name, field_row, rows, crops, field_png, labels_png })
    }
}

fn row(field: &str, label: u32, object: &SegmentedObject, um_per_px: f64) -> [String; 13] {
    let contour: &Contour = &object.contour;
    let [x, y] = contour.centroid();
    let bounds = contour.bounds();
    let area_px = contour.area_px();
    let diameter_um = um_per_px * (4.0 * area_px / std::f64::consts::PI).sqrt();
    let kind = match object.kind {
        ObjectKind::RedCell => "red_cell",
        ObjectKind::Excluded(reason) => reason.name(),
    };
    let position = |value: f64| format!("{value:.2}");
    [
        field.to_owned(),
        label.to_string(),
        kind.to_owned(),
        position(x),
        position(y),
        position(bounds.x_min),
        position(bounds.y_min),
        position(bounds.x_max),
        position(bounds.y_max),
        format!("{area_px:.1}"),
        format!("{diameter_um:.3}"),
        label.to_string(),
        format!("{:.3}", object.hidden_share),
    ]
}

/// The label map as a 16-bit PNG; `None` where a label does not fit.
fn label_png(labels: &LabelMap) -> Option<Vec<u8>> {
    let values: Vec<u16> = labels.as_slice().iter().map(|label| u16::try_from(*label).ok()).collect::<Option<_>>()?;
    let image = ImageBuffer::<Luma<u16>, _>::from_raw(labels.width(), labels.height(), values)?;
    png(&image).ok()
}

fn png<P>(image: &ImageBuffer<P, Vec<P::Subpixel>>) -> image::ImageResult<Vec<u8>>
where
    P: image::PixelWithColorType,
    [P::Subpixel]: image::EncodableLayout,
{
    let mut png = Cursor::new(Vec::new());
    image.write_to(&mut png, ImageFormat::Png)?;
    Ok(png.into_inner())
}

/// Header of a NumPy array of `crops` crops.
fn header(crops: u64) -> Vec<u8> {
    let side = CROP_SIDE_PX;
    let mut header = b"\x93NUMPY\x01\x00".to_vec();
    header.extend(((HEADER_BYTES - 10) as u16).to_le_bytes());
    let shape = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': ({crops}, {side}, {side}, 3), }}");
    header.extend(shape.bytes());
    header.resize(HEADER_BYTES - 1, b' ');
    header.push(b'\n');
    header
}

/// An archive being written; nothing but label maps stands under its name before [`CropArchive::finish`].
pub(super) struct CropArchive {
    folder: PathBuf,
    crops: BufWriter<NamedTempFile>,
    count: u64,
    crop_table: csv::Writer<Vec<u8>>,
    field_table: csv::Writer<Vec<u8>>,
    /// After the temporary file, so that it is dropped when that is gone.
    _made: MadeFolder,
}

/// A folder that was missing; it goes again where nothing came into it.
struct MadeFolder(Option<PathBuf>);

impl Drop for MadeFolder {
    fn drop(&mut self) {
        if let Some(folder) = &self.0 {
            // Only an empty folder goes; there is nobody to tell of one that does not.
            let _ = fs::remove_dir(folder);
        }
    }
}

impl CropArchive {
    /// Makes the folder where it is missing. An earlier `crops.csv` is taken away: it no longer describes the folder.
    ///
    /// # Errors
    /// [`ArchiveError`] where the folder cannot be written to.
    pub(super) fn create(folder: &Path) -> Result<Self, ArchiveError> {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        let open = || {
            let made = MadeFolder((!folder.exists()).then(|| folder.to_owned()));
            fs::create_dir_all(folder)?;
            let mut crops = BufWriter::new(Self::temporary(folder)?);
            crops.write_all(&header(0))?;
            let mut crop_table = csv::Writer::from_writer(Vec::new());
            crop_table.write_record(CROP_COLUMNS)?;
            let mut field_table = csv::Writer::from_writer(Vec::new());
            field_table.write_record(FIELD_COLUMNS)?;
            match fs::remove_file(folder.join(CROP_TABLE)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            Ok(Self { folder: folder.to_owned(), crops, count: 0, crop_table, field_table, _made: made })
        };
        open().map_err(|source| ArchiveError { path: folder.to_owned(), source })
    }

    /// A hidden file beside the others, removed when dropped.
    fn temporary(folder: &Path) -> io::Result<NamedTempFile> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(".crops.npy.").suffix(".partial");
        // As readable as any other file of the user; temporary files would be private.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        builder.tempfile_in(folder)
    }

    /// Crops so far.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// Adds a field.
    ///
    /// # Errors
    /// [`ArchiveError`] where the disk takes no more.
    pub(super) fn add(&mut self, field: &FieldCrops) -> Result<(), ArchiveError> {
        for (kind, bytes) in [(FIELD_FOLDER, &field.field_png), (LABEL_FOLDER, &field.labels_png)] {
            let path = self.folder.join(kind).join(format!("{}.png", field.field));
            fs::create_dir_all(path.parent().unwrap_or(&self.folder))
                .and_then(|()| durable::write(&path, bytes))
                .map_err(|source| ArchiveError { path, source })?;
        }
        let mut write = || {
            self.crops.write_all(&field.crops)?;
            self.field_table.write_record(&field.field_row)?;
            for row in &field.rows {
                let number = self.count.to_string();
                self.crop_table.write_record(std::iter::once(&number).chain(row))?;
                self.count += 1;
            }
            Ok(())
        };
        write().map_err(|source| ArchiveError { path: self.folder.join(CROPS), source })
    }

    /// Gives the files their names, the table last.
    ///
    /// # Errors
    /// [`ArchiveError`] where a file cannot be written or renamed.
    pub(super) fn finish(mut self) -> Result<(), ArchiveError> {
        let path = self.folder.join(CROPS);
        let mut write = || {
            self.crops.seek(SeekFrom::Start(0))?;
            self.crops.write_all(&header(self.count))?;
            self.crops.flush()
        };
        write()
            .and_then(|()| self.crops.into_inner().map_err(|error| error.into_error()))
            .and_then(|file| file.persist(&path).map_err(|error| error.error))
            .map_err(|source| ArchiveError { path, source })?;
        for (name, table) in [(FIELD_TABLE, self.field_table), (CROP_TABLE, self.crop_table)] {
            let path = self.folder.join(name);
            table
                .into_inner()
                .map_err(|error| error.into_error())
                .and_then(|bytes| durable::write(&path, &bytes))
                .map_err(|source| ArchiveError { path, source })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classify::Model;

    #[test]
    fn the_header_is_aligned_for_any_count() {
        for crops in [0, 7, u64::MAX] {
            let header = header(crops);
            assert_eq!(header.len(), 128);
            let length = usize::from(u16::from_le_bytes([header[8], header[9]]));
            assert_eq!(10 + length, header.len());
            let text = String::from_utf8_lossy(&header[10..]).into_owned();
            assert!(text.contains(&format!("'shape': ({crops}, 96, 96, 3)")) && text.ends_with('\n'), "{text}");
        }
    }

    #[test]
    fn crops_look_like_what_the_shipped_model_sees() {
        let card = Model::shipped().expect("a sound pair").card;
        assert_eq!((card.um_per_px, card.neighbor_dimming), (WORKING_UM_PER_PX, NEIGHBOR_DIMMING));
        assert!(card.crop_side_px() <= CROP_SIDE_PX);
    }

    #[test]
    fn labels_beyond_sixteen_bits_are_refused() {
        assert!(label_png(&LabelMap::new(1, 1, vec![65_535])).is_some());
        assert_eq!(label_png(&LabelMap::new(1, 1, vec![65_536])), None);
    }

    #[test]
    fn an_archive_that_is_not_finished_leaves_no_table() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::write(folder.path().join(CROP_TABLE), "of an earlier run").expect("written");
        drop(CropArchive::create(folder.path()).expect("a writable folder"));
        drop(CropArchive::create(&folder.path().join("made")).expect("a writable folder"));
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 0);
        CropArchive::create(folder.path()).expect("a writable folder").finish().expect("an empty archive");
        assert_eq!(fs::read(folder.path().join(CROPS)).expect("crops").len(), HEADER_BYTES);
    }
}
