//! `crops`: what the classifier sees of every object, for training a model of one's own.
//!
//! In: images and folders, the fields of one specimen. Out, in the folder of `--out`:
//! * `crops.npy`: NumPy array, uint8, N × 96 × 96 × 3, RGB: the object centered, background flat at 240, 0.1875 µm a
//!   pixel, other objects dimmed; the network sees the middle of it;
//! * `crops.csv`: one row for each crop; `kind` is `red_cell` or the reason why the segmenter left it out;
//! * `labels/<field>.png`: 16-bit label map at the common scale; `fields.csv`: the scale of each field.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use image::{ImageBuffer, Luma};
use rayon::prelude::*;

use super::exit::{Exit, Failure};
use super::output::{print, replace};
use crate::classify::{CropTarget, Cropper, InterleavedRgb};
use crate::pipeline::{PrepareError, PreparedField, SpecimenScale, given_calibration, prepare};
use crate::segment::WORKING_UM_PER_PX;
use crate::smear::{FieldId, ObjectKind};
use crate::source::{DecodeLimits, FieldSource, SourceError, expand_inputs};

/// Side of an exported crop, px: room to turn and shift the 64 pixels that the network sees.
const SIDE_PX: usize = 96;
/// Contrast that other objects keep; the shipped model's own.
const NEIGHBOR_DIMMING: f64 = 0.3;

/// Export what the classifier sees of every object, for training
#[derive(Debug, Clone, PartialEq, Args)]
pub struct CropsArgs {
    /// Images and folders: the fields of one specimen
    #[arg(required = true, value_name = "INPUT")]
    pub inputs: Vec<PathBuf>,
    /// Folder for the crops; made where missing
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Pixel size, µm; otherwise from the file or estimated
    #[arg(long, value_name = "X", value_parser = super::positive)]
    pub um_per_px: Option<f64>,
}

#[derive(Debug, thiserror::Error)]
enum CropsError {
    #[error(transparent)]
    Read(#[from] SourceError),
    #[error("{field}: {reason}")]
    Prepare { field: FieldId, reason: PrepareError },
    #[error("expected at least one readable field, found none; name images or folders of images")]
    NoField,
    #[error("{}: expected a place that can be written to; choose another folder with --out", path.display())]
    Write { path: PathBuf, source: io::Error },
}

impl From<CropsError> for Failure {
    fn from(error: CropsError) -> Self {
        let exit = match error {
            CropsError::Write { .. } => Exit::OutputNotWritable,
            _ => Exit::NoInputReadable,
        };
        Self::new(exit, error)
    }
}

struct FieldCrops {
    pixels: Vec<u8>,
    rows: Vec<String>,
    field_row: String,
}

/// Writes the crops and prints how many.
///
/// # Errors
/// [`Exit::NoInputReadable`] where a field cannot be read or prepared, [`Exit::OutputNotWritable`] where a file cannot
/// be written.
pub fn run(args: &CropsArgs) -> Result<(), Failure> {
    let (sources, failures) = expand_inputs(&args.inputs, DecodeLimits::default());
    if let Some(failure) = failures.into_iter().next() {
        return Err(CropsError::Read(failure).into());
    }
    if sources.is_empty() {
        return Err(CropsError::NoField.into());
    }
    let maps = args.out.join("labels");
    fs::create_dir_all(&maps).map_err(|source| CropsError::Write { path: maps.clone(), source })?;
    let scale = SpecimenScale::of_specimen(&sources, args.um_per_px.and_then(given_calibration));
    let fields =
        sources.par_iter().map(|source| export(source, &scale, &maps)).collect::<Result<Vec<_>, CropsError>>()?;
    let count: usize = fields.iter().map(|field| field.rows.len()).sum();
    let mut array = npy_header(count);
    let mut table =
        String::from("crop,field,cell_id,kind,x_px,y_px,x_min,y_min,x_max,y_max,area_px,diameter_um,label\n");
    let mut list = String::from("field,width_px,height_px,original_px_per_px,um_per_px\n");
    let mut number = 0;
    for field in &fields {
        array.extend_from_slice(&field.pixels);
        for row in &field.rows {
            table.push_str(&format!("{number},{row}\n"));
            number += 1;
        }
        list.push_str(&field.field_row);
    }
    let files: [(&str, &[u8]); 3] =
        [("crops.npy", &array), ("crops.csv", table.as_bytes()), ("fields.csv", list.as_bytes())];
    for (name, bytes) in files {
        let path = args.out.join(name);
        replace(&path, bytes).map_err(|source| CropsError::Write { path: path.clone(), source })?;
    }
    print(&format!("{}: {count} crops of {} fields\n", args.out.display(), fields.len()))
}

fn export(source: &FieldSource, scale: &SpecimenScale, maps: &Path) -> Result<FieldCrops, CropsError> {
    let field = source.read()?;
    let prepared = prepare(&field, scale).map_err(|reason| CropsError::Prepare { field: field.id.clone(), reason })?;
    let PreparedField { calibration, normalized, segmentation, .. } = &prepared;
    let path = maps.join(format!("{}.png", field.id));
    let labels: Vec<u16> = segmentation.labels.as_slice().iter().map(|label| *label as u16).collect();
    let (width, height) = normalized.rgb.dimensions();
    let mut png = io::Cursor::new(Vec::new());
    ImageBuffer::<Luma<u16>, _>::from_raw(width, height, labels)
        .ok_or_else(|| io::Error::other("label map of another size"))
        .and_then(|map| map.write_to(&mut png, image::ImageFormat::Png).map_err(io::Error::other))
        .and_then(|()| replace(&path, png.get_ref()))
        .map_err(|source| CropsError::Write { path: path.clone(), source })?;
    let cropper = Cropper::new(normalized, &segmentation.labels, SIDE_PX, WORKING_UM_PER_PX, NEIGHBOR_DIMMING);
    let bytes = 3 * SIDE_PX * SIDE_PX;
    let mut pixels = vec![0; bytes * segmentation.objects.len()];
    let mut rows = Vec::with_capacity(segmentation.objects.len());
    for (index, (object, crop)) in segmentation.objects.iter().zip(pixels.chunks_exact_mut(bytes)).enumerate() {
        let label = index as u32 + 1;
        cropper.crop(&CropTarget::new(label, &object.contour, normalized), &mut InterleavedRgb::new(crop, SIDE_PX));
        let kind = match object.kind {
            ObjectKind::RedCell => "red_cell",
            ObjectKind::Excluded(reason) => reason.name(),
        };
        let ([x, y], bounds, area) = (object.contour.centroid(), object.contour.bounds(), object.contour.area_px());
        let diameter_um = 2.0 * (area / std::f64::consts::PI).sqrt() * calibration.um_per_px;
        rows.push(format!(
            "{},{label},{kind},{x:.2},{y:.2},{:.2},{:.2},{:.2},{:.2},{area:.1},{diameter_um:.3},{label}",
            csv_text(&field.id.0),
            bounds.x_min,
            bounds.y_min,
            bounds.x_max,
            bounds.y_max
        ));
    }
    let field_row = format!(
        "{},{},{},{:.6},{}\n",
        csv_text(&field.id.0),
        field.rgb.width(),
        field.rgb.height(),
        normalized.original_px_per_px,
        normalized.um_per_px
    );
    Ok(FieldCrops { pixels, rows, field_row })
}

/// A text quoted where CSV asks for it (RFC 4180).
fn csv_text(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

/// Header of a NumPy array file, version 1.0, for `count` crops.
fn npy_header(count: usize) -> Vec<u8> {
    let text = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': ({count}, {SIDE_PX}, {SIDE_PX}, 3), }}");
    // Magic, version and length take ten bytes; the whole is a multiple of 64 and ends in a line break.
    let padded = (text.len() + 11).next_multiple_of(64) - 10;
    let mut header = b"\x93NUMPY\x01\x00".to_vec();
    header.extend_from_slice(&(padded as u16).to_le_bytes());
    let _ = writeln!(header, "{text:<width$}", width = padded - 1);
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_array_header_is_a_multiple_of_64_bytes_and_names_the_shape() {
        for count in [0, 7, 123_456] {
            let header = npy_header(count);
            assert_eq!(header.len() % 64, 0);
            assert_eq!(header.last(), Some(&b'\n'));
            assert!(String::from_utf8_lossy(&header[10..]).contains(&format!("({count}, 96, 96, 3)")));
        }
    }

    #[test]
    fn names_with_commas_are_quoted() {
        assert_eq!(csv_text("a.jpg"), "a.jpg");
        assert_eq!(csv_text("a,\"b\".jpg"), "\"a,\"\"b\"\".jpg\"");
    }
}
