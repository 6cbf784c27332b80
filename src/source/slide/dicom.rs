//! Slides in DICOM: VL Whole Slide Microscopy Image instances, one for each level.
//!
//! In: one instance; the others of its series are looked for in the same folder. Out: a [`DicomSlide`]: levels from fine to
//! coarse, each frame a tile. Source: DICOM PS3.3 (2024), A.32.8 and C.8.12.4: `TotalPixelMatrixColumns`,
//! `DimensionOrganizationType` (frames in rows for TILED_FULL, at stated places otherwise), `PixelSpacing`; PS3.5, A.4 for
//! fragments.
//!
//! METHOD: the level with the most columns is the slide. Further instances of the series are smaller levels where their
//! shape is the same; labels and overviews are ignored. The scanner leaves out frames of empty glass.
//!
//! Limits: raw, JPEG and JPEG 2000 frames of 8 or 16 bits; one focal plane and one optical path; no concatenations.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use dicom_dictionary_std::{tags, uids};
use image::RgbImage;

use super::codec::{Coding, Packing, decode};
use super::elements::{DataSet, Header, fragments, header};
use super::tiles::{About, Level, TileSource};
use crate::smear::{Calibration, CalibrationSource};
use crate::source::calibration_tags::plausible_square;
use crate::source::error::SourceProblem;
use crate::source::file::SlideBytes;
use crate::source::jpeg::Colors;
use crate::source::samples::Alpha;

/// Most files of a folder that are looked at for further levels: a series has about ten instances.
const MAX_SIBLINGS: usize = 256;

/// Most pixels of a frame: as for a tile of a TIFF.
const MAX_FRAME_PX: u64 = 64 << 20;

/// Largest difference of a level's height from that of the slide divided by the same factor, px.
const SIDE_TOLERANCE_PX: f64 = 2.0;

/// Bytes of a JPEG stream in which its marks stand: before the frame.
const JPEG_HEAD_BYTES: u32 = 64;

/// Micrometers in a millimeter, the unit of DICOM.
const UM_PER_MM: f64 = 1000.0;

const FORMAT: &str = "DICOM";

/// Place of the signature, behind the preamble.
const SIGNATURE_AT: u64 = 128;

/// `ImageType` of the slide's own pixels, at full resolution or reduced.
const VOLUME: &str = "VOLUME";

/// JPEG coding processes of 8 bits by their transfer syntax.
const JPEG_SYNTAXES: [&str; 2] = [uids::JPEG_BASELINE8_BIT, uids::JPEG_EXTENDED12_BIT];

/// JPEG 2000 by its transfer syntax.
const JPEG2000_SYNTAXES: [&str; 2] = [uids::JPEG2000_LOSSLESS, uids::JPEG2000];

/// Pixels that are stored as they are, by their transfer syntax.
const RAW_SYNTAXES: [&str; 2] = [uids::EXPLICIT_VR_LITTLE_ENDIAN, uids::IMPLICIT_VR_LITTLE_ENDIAN];

fn corrupt(found: String) -> SourceProblem {
    SourceProblem::Corrupt { format: FORMAT, found }
}

/// A slide in one or several DICOM files.
#[derive(Debug)]
pub(super) struct DicomSlide {
    instances: Vec<Instance>,
    levels: Vec<Level>,
}

/// A level as it is stored.
#[derive(Debug)]
struct Instance {
    file: SlideBytes,
    coding: Coding,
    /// Bytes of each frame.
    frames: Vec<(u64, u32)>,
    /// Frame at a tile's column and row.
    places: HashMap<(u32, u32), usize>,
}

impl DicomSlide {
    /// Opens the slide that an instance belongs to.
    pub(super) fn open(file: SlideBytes) -> Result<(Self, About), SourceProblem> {
        let path = file.path().to_owned();
        let own = header(&file)?;
        let kind = slide_kind(&own.elements)?;
        let series = own.elements.text(tags::SERIES_INSTANCE_UID);
        let mut found = vec![(file, own)];
        for sibling in siblings(&path) {
            let Ok(file) = SlideBytes::open(&sibling) else { continue };
            // Another file of the folder may be damaged without harm to this slide.
            let Ok(other) = header(&file) else { continue };
            let same = series.is_some() && other.elements.text(tags::SERIES_INSTANCE_UID) == series;
            if same && slide_kind(&other.elements).is_ok_and(|other| kind == VOLUME && other == VOLUME) {
                found.push((file, other));
            }
        }
        // Stable: of two of the same size the one that was named stays first.
        found.sort_by_key(|(_, header)| std::cmp::Reverse(header.elements.unsigned(tags::TOTAL_PIXEL_MATRIX_COLUMNS)));
        let (mut instances, mut levels, mut left_out) = (Vec::new(), Vec::<Level>::new(), Vec::new());
        let mut about = None;
        for (file, header) in found {
            let name = file.path().to_owned();
            match instance(file, &header, levels.first()) {
                Ok(Some((instance, level))) => {
                    about.get_or_insert_with(|| of_slide(&header.elements, &level));
                    instances.push(instance);
                    levels.push(level);
                }
                Ok(None) => {}
                Err(problem) if levels.is_empty() => return Err(problem),
                Err(problem) => left_out.push(SourceProblem::Level { problem: Box::new(problem.at(name).problem) }),
            }
        }
        let (calibration, magnification) = about.unwrap_or_default();
        Ok((Self { instances, levels }, About { format: "DICOM", calibration, magnification, left_out }))
    }
}

/// Series and kind of an instance of a slide; `None` where the file is none.
pub(super) fn identity(file: &SlideBytes) -> Option<(String, String)> {
    if file.at(SIGNATURE_AT, 4, FORMAT).ok()? != b"DICM" {
        return None;
    }
    let elements = header(file).ok()?.elements;
    let class = elements.text(tags::SOP_CLASS_UID)?;
    let series = elements.text(tags::SERIES_INSTANCE_UID)?;
    (class == uids::VL_WHOLE_SLIDE_MICROSCOPY_IMAGE_STORAGE).then(|| (series, image_kind(&elements)))
}

/// The third value of `ImageType`; where it is missing, the pixels of the slide.
fn image_kind(elements: &DataSet) -> String {
    elements.texts(tags::IMAGE_TYPE).into_iter().nth(2).unwrap_or_else(|| VOLUME.to_owned())
}

/// The other DICOM files of the folder, in the order of their names.
fn siblings(path: &Path) -> Vec<std::path::PathBuf> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<_> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|other| other.file_name() != path.file_name())
        .filter(|other| other.extension().is_none_or(|extension| extension.eq_ignore_ascii_case("dcm")))
        .collect();
    names.sort();
    names.truncate(MAX_SIBLINGS);
    names
}

/// The third value of `ImageType`: VOLUME or THUMBNAIL; everything else is refused.
fn slide_kind(elements: &DataSet) -> Result<String, SourceProblem> {
    let class = elements.text(tags::SOP_CLASS_UID).unwrap_or_default();
    if class != uids::VL_WHOLE_SLIDE_MICROSCOPY_IMAGE_STORAGE {
        return Err(SourceProblem::NotASlide { found: format!("a DICOM file of the class {class}") });
    }
    let kind = image_kind(elements);
    match kind.as_str() {
        VOLUME | "THUMBNAIL" => Ok(kind),
        _ => Err(SourceProblem::NotASlide { found: format!("its {kind} image in DICOM") }),
    }
}

/// Pixel size and magnification.
fn of_slide(elements: &DataSet, level: &Level) -> (Option<Calibration>, Option<f64>) {
    let shared = elements.item(tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE);
    let measures = shared.and_then(|shared| shared.item(tags::PIXEL_MEASURES_SEQUENCE));
    let spacing: Vec<f64> = measures
        .map(|measures| measures.texts(tags::PIXEL_SPACING).iter().filter_map(|text| text.parse().ok()).collect())
        .unwrap_or_default();
    let of_spacing = match spacing[..] {
        [row_mm, column_mm] => Some((UM_PER_MM * column_mm, UM_PER_MM * row_mm)),
        _ => None,
    };
    let of_volume = || {
        let width = elements.single(tags::IMAGED_VOLUME_WIDTH)? * UM_PER_MM / f64::from(level.width);
        let height = elements.single(tags::IMAGED_VOLUME_HEIGHT)? * UM_PER_MM / f64::from(level.height);
        Some((width, height))
    };
    let size = of_spacing.or_else(of_volume);
    let calibration = size.and_then(|(x, y)| plausible_square(x, y, CalibrationSource::DicomPixelSpacing));
    let path = elements.item(tags::OPTICAL_PATH_SEQUENCE);
    let magnification = path.and_then(|path| path.decimal(tags::OBJECTIVE_LENS_POWER)).filter(|power| *power > 0.0);
    (calibration, magnification)
}

/// An instance as a level; `None` where its shape is not that of the slide.
fn instance(
    file: SlideBytes,
    header: &Header,
    slide: Option<&Level>,
) -> Result<Option<(Instance, Level)>, SourceProblem> {
    let elements = &header.elements;
    let number = |tag, name: &str| elements.unsigned(tag).ok_or_else(|| corrupt(format!("no {name}")));
    let (tile_width, tile_height) = (number(tags::COLUMNS, "Columns")?, number(tags::ROWS, "Rows")?);
    let width = elements.unsigned(tags::TOTAL_PIXEL_MATRIX_COLUMNS).unwrap_or(tile_width);
    let height = elements.unsigned(tags::TOTAL_PIXEL_MATRIX_ROWS).unwrap_or(tile_height);
    if [width, height, tile_width, tile_height].contains(&0) {
        return Err(SourceProblem::ZeroSized { width, height });
    }
    if u64::from(tile_width) * u64::from(tile_height) > MAX_FRAME_PX {
        let found = format!("frames of {tile_width} x {tile_height} pixels, more than {MAX_FRAME_PX}");
        return Err(SourceProblem::UnsupportedEncoding { format: FORMAT, found });
    }
    let downsample = match slide {
        None => 1.0,
        Some(slide) if width >= slide.width => return Ok(None),
        Some(slide) => {
            let factor = f64::from(slide.width) / f64::from(width);
            if (f64::from(slide.height) / factor - f64::from(height)).abs() > SIDE_TOLERANCE_PX {
                return Ok(None);
            }
            factor
        }
    };
    let level = Level { width, height, tile_width, tile_height, downsample };
    let mut coding = coding(header)?;
    let count = elements.text(tags::NUMBER_OF_FRAMES).and_then(|text| text.parse().ok()).unwrap_or(1usize);
    let frames = frames(&file, header, &coding, &level, count)?;
    if let Some((offset, length)) = frames.first().filter(|_| coding.packing == Packing::Jpeg)
        && says_its_colors(&file.at(*offset, (*length).min(JPEG_HEAD_BYTES).into(), FORMAT)?)
    {
        coding.jpeg_colors = Colors::ByStream;
    }
    let places = places(elements, &level, count)?;
    Ok(Some((Instance { file, coding, frames, places }, level)))
}

fn coding(header: &Header) -> Result<Coding, SourceProblem> {
    let elements = &header.elements;
    let syntax = header.transfer_syntax.as_str();
    let channels = elements.unsigned(tags::SAMPLES_PER_PIXEL).unwrap_or(1) as usize;
    let bits = elements.unsigned(tags::BITS_ALLOCATED).unwrap_or(8) as u16;
    let colors = elements.text(tags::PHOTOMETRIC_INTERPRETATION).unwrap_or_default();
    let unsupported = |found: String| SourceProblem::UnsupportedEncoding { format: FORMAT, found };
    let packing = if RAW_SYNTAXES.contains(&syntax) {
        Packing::Raw
    } else if JPEG_SYNTAXES.contains(&syntax) {
        Packing::Jpeg
    } else if JPEG2000_SYNTAXES.contains(&syntax) {
        // YBR_ICT and YBR_RCT are undone by the decoder, which the stream tells.
        Packing::Jpeg2000 { ycbcr: colors == "YBR_FULL" }
    } else {
        return Err(unsupported(format!("transfer syntax {syntax}")));
    };
    let fits = matches!(channels, 1 | 3)
        && matches!(bits, 8 | 16)
        && (channels == 1 || packing != Packing::Raw || colors == "RGB");
    if !fits {
        let found = format!("{channels} samples of {bits} bits in {colors}");
        return Err(SourceProblem::UnsuitableSamples { found });
    }
    if packing == Packing::Raw && channels > 1 && elements.unsigned(tags::PLANAR_CONFIGURATION).unwrap_or(0) != 0 {
        return Err(unsupported("each color in a plane of its own".to_owned()));
    }
    Ok(Coding {
        packing,
        bits,
        channels,
        white_is_zero: colors == "MONOCHROME1",
        jpeg_colors: match colors.as_str() {
            "RGB" => Colors::Rgb,
            "YBR_FULL" | "YBR_FULL_422" => Colors::YCbCr,
            _ => Colors::ByStream,
        },
        jpeg_tables: Vec::new(),
        predictor: false,
        alpha: Alpha::None,
        little_endian: true,
    })
}

/// Whether a JPEG stream itself says what its components are: by the marker of JFIF or of Adobe.
///
/// METHOD: the stream is believed rather than `PhotometricInterpretation`: converters write RGB there for streams of YCbCr.
fn says_its_colors(head: &[u8]) -> bool {
    [&b"JFIF\0"[..], b"Adobe"].iter().any(|mark| head.windows(5).any(|part| part == *mark))
}

/// Bytes of each frame.
fn frames(
    file: &SlideBytes,
    header: &Header,
    coding: &Coding,
    level: &Level,
    count: usize,
) -> Result<Vec<(u64, u32)>, SourceProblem> {
    let pixels = header.pixels.ok_or_else(|| corrupt("no pixel data".to_owned()))?;
    let Some(length) = pixels.length else {
        let mut all = fragments(file, pixels.offset)?.into_iter();
        all.next();
        let found: Vec<(u64, u32)> = all.collect();
        // METHOD: slides have one fragment a frame (PS3.5, 8.2.1 lets others be, no scanner writes them).
        if found.len() != count {
            return Err(corrupt(format!("{} fragments for {count} frames", found.len())));
        }
        return Ok(found);
    };
    let frame = u64::from(level.tile_width)
        * u64::from(level.tile_height)
        * coding.channels as u64
        * u64::from(coding.bits / 8);
    let needed = frame.saturating_mul(count as u64);
    let frame_bytes = u32::try_from(frame).map_err(|_| SourceProblem::TooMuchMemory { format: FORMAT })?;
    if needed > u64::from(length) || needed > file.length().saturating_sub(pixels.offset) {
        return Err(SourceProblem::Truncated {
            format: FORMAT,
            found: format!("{length} bytes of pixels instead of {needed}"),
        });
    }
    Ok((0..count as u64).map(|index| (pixels.offset + index * frame, frame_bytes)).collect())
}

/// Which frame lies at which tile.
fn places(elements: &DataSet, level: &Level, count: usize) -> Result<HashMap<(u32, u32), usize>, SourceProblem> {
    let groups = elements.items(tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE);
    let full = elements.text(tags::DIMENSION_ORGANIZATION_TYPE).is_none_or(|kind| kind == "TILED_FULL");
    let mut places = HashMap::with_capacity(count);
    if full || groups.is_empty() {
        let tiles = u64::from(level.across()) * u64::from(level.down());
        if (count as u64) < tiles {
            return Err(corrupt(format!("{count} frames for {tiles} tiles")));
        }
        for frame in 0..tiles {
            let across = u64::from(level.across());
            places.insert(((frame % across) as u32, (frame / across) as u32), frame as usize);
        }
        return Ok(places);
    }
    for (frame, group) in groups.iter().enumerate().take(count) {
        let place = group.item(tags::PLANE_POSITION_SLIDE_SEQUENCE).and_then(|position| {
            let x = position.signed(tags::COLUMN_POSITION_IN_TOTAL_IMAGE_PIXEL_MATRIX)? - 1;
            let y = position.signed(tags::ROW_POSITION_IN_TOTAL_IMAGE_PIXEL_MATRIX)? - 1;
            let (width, height) = (i64::from(level.tile_width), i64::from(level.tile_height));
            let whole = x >= 0 && y >= 0 && x % width == 0 && y % height == 0;
            let inside = x < i64::from(level.width) && y < i64::from(level.height);
            (whole && inside).then_some(((x / width) as u32, (y / height) as u32))
        });
        let place = place.ok_or_else(|| corrupt(format!("frame {} at no place of the tile grid", frame + 1)))?;
        // The first focal plane counts.
        places.entry(place).or_insert(frame);
    }
    Ok(places)
}

impl TileSource for DicomSlide {
    fn levels(&self) -> &[Level] {
        &self.levels
    }

    fn tile(&self, level: usize, column: u32, row: u32) -> Result<Option<RgbImage>, SourceProblem> {
        let (shape, instance) = (&self.levels[level], &self.instances[level]);
        let Some(frame) = instance.places.get(&(column, row)) else { return Ok(None) };
        let (offset, length) = instance.frames[*frame];
        let bytes = instance.file.tile(offset, length.into(), FORMAT)?;
        let stored = (shape.tile_width, shape.tile_height);
        decode(&bytes, &instance.coding, stored, shape.tile_size(column, row)).map(Some)
    }

    fn file(&self) -> &SlideBytes {
        &self.instances[0].file
    }
}
