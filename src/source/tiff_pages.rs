//! Pages of a TIFF file: which of them are pictures, and one of them decoded.
//!
//! In: a TIFF or BigTIFF file; gray, gray with alpha, RGB, RGBA, CMYK of 8 or 16 bits and YCbCr in JPEG; strips or
//! tiles, interleaved or in planes; raw, LZW, deflate, PackBits, JPEG. Out: upright 8-bit RGB with the pixel size.
//! Source: TIFF 6.0 (Adobe 1992) with Technical Note 2 (1995) for JPEG. Limits: no palette, no floating point, no
//! JPEG 2000; every strip must lie in the file whole.

use std::io::{self, Cursor, Read, Seek};

use image::metadata::Orientation;
use image::{GenericImage, RgbImage};
use tiff::decoder::ifd::Value;
use tiff::decoder::{ChunkType, Decoder, DecodingResult, Limits};
use tiff::tags::Tag;
use tiff::{ColorType, TiffError};

use super::calibration_tags::{PageTags, calibration_of};
use super::error::SourceProblem;
use super::file::DecodeLimits;
use super::jpeg::{self, Colors};
use super::samples::{Alpha, DecodedImage, Samples, rgb_of_cmyk, upright};

/// Most pages of one file: a stack of fields has tens; more are a time series or a file made to waste time.
pub(super) const MAX_PAGES: usize = 4096;

/// `Compression` of JPEG after Technical Note 2.
const COMPRESSION_JPEG: u16 = 7;

/// Bits of `NewSubfileType`: a smaller copy of another page, and a transparency mask.
const SUBFILE_REDUCED_OR_MASK: u32 = 0b101;

/// Value of the older `SubfileType` for a smaller copy.
const OLD_SUBFILE_REDUCED: u32 = 2;

/// Pages of a file.
#[derive(Debug)]
pub(super) struct Pages {
    /// Positions of the pictures at full resolution, from 0.
    pub(super) pictures: Vec<usize>,
    /// Why a page is not in the list, or why the list ends early; the first such reason.
    pub(super) left_out: Option<SourceProblem>,
}

/// Walks the directories of a file; no pixel is read.
///
/// METHOD: a file that begins with a tiled page is a slide: its pages of another size are smaller copies of the first, a
/// label or an overview, often without a mark that says so. Read as fields they would count the same cells again.
pub(super) fn pages(reader: impl Read + Seek) -> Result<Pages, SourceProblem> {
    let mut decoder = Decoder::new(reader).map_err(problem)?;
    let slide_size = match decoder.get_chunk_type() {
        ChunkType::Tile => Some(decoder.dimensions().map_err(problem)?),
        ChunkType::Strip => None,
    };
    let mut listed = Pages { pictures: Vec::new(), left_out: None };
    let mut sound = true;
    for page in 0.. {
        if page >= MAX_PAGES {
            return Err(SourceProblem::TooManyPages { limit: MAX_PAGES });
        }
        if sound {
            let size = decoder.dimensions().map_err(problem)?;
            if is_picture(&mut decoder) && slide_size.is_none_or(|slide| slide == size) {
                listed.pictures.push(page);
            }
        }
        if !decoder.more_images() {
            break;
        }
        sound = match decoder.next_image() {
            Ok(()) => true,
            Err(error) => {
                listed.left_out.get_or_insert(problem(error));
                false
            }
        };
    }
    match listed.left_out.take() {
        Some(problem) if listed.pictures.is_empty() => Err(problem),
        None if listed.pictures.is_empty() => Err(SourceProblem::NoFullPage),
        left_out => Ok(Pages { left_out, ..listed }),
    }
}

/// Whether the current page is a picture of its own: no thumbnail, no mask.
fn is_picture<R: Read + Seek>(decoder: &mut Decoder<R>) -> bool {
    let kind = decoder.find_tag_unsigned::<u32>(Tag::NewSubfileType).ok().flatten().unwrap_or(0);
    let old_kind = decoder.find_tag_unsigned::<u32>(Tag::SubfileType).ok().flatten();
    kind & SUBFILE_REDUCED_OR_MASK == 0 && old_kind != Some(OLD_SUBFILE_REDUCED)
}

/// Decodes the page at a position, from 0.
pub(super) fn decode_page(bytes: &[u8], page: usize, limits: &DecodeLimits) -> Result<DecodedImage, SourceProblem> {
    let mut decoder = Decoder::new(Cursor::new(bytes)).map_err(problem)?;
    let first_description = description(&mut decoder);
    if page > 0 {
        decoder.seek_to_image(page).map_err(problem)?;
    }
    let (width, height) = decoder.dimensions().map_err(problem)?;
    limits.check_pixels(width, height)?;
    let (part_width, part_height) = decoder.chunk_dimensions();
    limits.check_pixels(part_width, part_height)?;
    let parts = parts_in_file(&mut decoder, bytes)?;

    let mut tags = page_tags(&mut decoder);
    // OME-XML stands in the first page for all of them.
    if tags.description.is_none() {
        tags.description = first_description.filter(|text| text.trim_start().starts_with('<'));
    }
    let orientation = decoder.find_tag_unsigned::<u16>(Tag::Orientation).ok().flatten();
    let compression = decoder.find_tag_unsigned::<u16>(Tag::Compression).map_err(problem)?;

    let rgb = if compression == Some(COMPRESSION_JPEG) {
        decode_jpeg_parts(&mut decoder, &parts)?
    } else {
        decode_samples(decoder)?
    };
    let orientation = orientation.and_then(|value| Orientation::from_exif(u8::try_from(value).ok()?));
    let rgb = upright(rgb, orientation.unwrap_or(Orientation::NoTransforms));
    Ok(DecodedImage { rgb, calibration: calibration_of(&tags) })
}

fn description<R: Read + Seek>(decoder: &mut Decoder<R>) -> Option<String> {
    decoder.find_tag(Tag::ImageDescription).ok().flatten()?.into_string().ok()
}

/// What the current page says of its pixel size; a tag that cannot be read says nothing.
fn page_tags<R: Read + Seek>(decoder: &mut Decoder<R>) -> PageTags {
    let mut ratio = |tag| match decoder.find_tag(tag).ok().flatten()? {
        Value::Rational(pixels, units) => Some(f64::from(pixels) / f64::from(units)),
        other => other.into_f64().ok(),
    };
    let (x_resolution, y_resolution) = (ratio(Tag::XResolution), ratio(Tag::YResolution));
    PageTags {
        x_resolution,
        y_resolution,
        resolution_unit: decoder.find_tag_unsigned(Tag::ResolutionUnit).ok().flatten(),
        description: description(decoder),
    }
}

/// Bytes of each strip or tile; refused where one reaches beyond the file.
fn parts_in_file<'a>(decoder: &mut Decoder<Cursor<&[u8]>>, bytes: &'a [u8]) -> Result<Vec<&'a [u8]>, SourceProblem> {
    let (offsets, counts) = match decoder.get_chunk_type() {
        ChunkType::Strip => (Tag::StripOffsets, Tag::StripByteCounts),
        ChunkType::Tile => (Tag::TileOffsets, Tag::TileByteCounts),
    };
    let offsets = decoder.get_tag_u64_vec(offsets).map_err(problem)?;
    let counts = decoder.get_tag_u64_vec(counts).map_err(problem)?;
    let part = |(offset, count): (&u64, &u64)| {
        let end = offset.checked_add(*count).filter(|end| *end <= bytes.len() as u64).ok_or_else(|| {
            let found = format!("pixels up to byte {}, {} bytes in all", offset.saturating_add(*count), bytes.len());
            SourceProblem::Truncated { format: "TIFF", found }
        })?;
        Ok(&bytes[*offset as usize..end as usize])
    };
    offsets.iter().zip(&counts).map(part).collect()
}

/// JPEG strips or tiles, each decoded as strictly as a JPEG file.
fn decode_jpeg_parts(decoder: &mut Decoder<Cursor<&[u8]>>, parts: &[&[u8]]) -> Result<RgbImage, SourceProblem> {
    let colors = match decoder.colortype().map_err(problem)? {
        ColorType::Gray(8) => Colors::ByStream,
        ColorType::RGB(8) => Colors::Rgb,
        ColorType::YCbCr(8) => Colors::YCbCr,
        other => return Err(SourceProblem::UnsuitableSamples { found: format!("{other:?} in JPEG") }),
    };
    let tables = decoder.find_tag(Tag::JPEGTables).map_err(problem)?;
    let tables = tables.map(Value::into_u8_vec).transpose().map_err(problem)?.unwrap_or_default();
    let (width, height) = decoder.dimensions().map_err(problem)?;
    let (part_width, part_height) = decoder.chunk_dimensions();
    let across = width.div_ceil(part_width.max(1));
    let down = height.div_ceil(part_height.max(1));
    if parts.len() as u64 != u64::from(across) * u64::from(down) {
        let found = format!("{} JPEG parts instead of {across} x {down}", parts.len());
        return Err(SourceProblem::Corrupt { format: "TIFF", found });
    }
    let mut rgb = RgbImage::new(width, height);
    for (index, part) in (0u32..).zip(parts) {
        let (x, y) = (index % across * part_width, index / across * part_height);
        let picture = jpeg::decode_part(&tables, part, (part_width, part_height), colors)
            .map_err(|problem| in_part(problem, index))?;
        let needed = (part_width.min(width - x), part_height.min(height - y));
        if picture.width() < needed.0 || picture.height() < needed.1 {
            let found =
                format!("{} x {} pixels in a part of {} x {}", picture.width(), picture.height(), needed.0, needed.1);
            return Err(SourceProblem::Corrupt { format: "TIFF", found });
        }
        let visible = image::imageops::crop_imm(&picture, 0, 0, needed.0, needed.1);
        rgb.copy_from(&*visible, x, y)
            .map_err(|_| SourceProblem::Corrupt { format: "TIFF", found: "a part outside the picture".to_owned() })?;
    }
    Ok(rgb)
}

/// Says in which part of a page a JPEG stream is bad.
fn in_part(problem: SourceProblem, index: u32) -> SourceProblem {
    let named = |found: String| format!("JPEG part {}: {found}", index + 1);
    match problem {
        SourceProblem::Truncated { found, .. } => SourceProblem::Truncated { format: "TIFF", found: named(found) },
        SourceProblem::Corrupt { found, .. } => SourceProblem::Corrupt { format: "TIFF", found: named(found) },
        other => other,
    }
}

fn decode_samples(mut decoder: Decoder<Cursor<&[u8]>>) -> Result<RgbImage, SourceProblem> {
    let (width, height) = decoder.dimensions().map_err(problem)?;
    let color = decoder.colortype().map_err(problem)?;
    let (channels, bits) = match color {
        ColorType::Gray(bits) => (1usize, bits),
        ColorType::Multiband { bit_depth, num_samples: 2 } => (2, bit_depth),
        ColorType::RGB(bits) => (3, bits),
        ColorType::RGBA(bits) | ColorType::CMYK(bits) => (4, bits),
        other => return Err(SourceProblem::UnsuitableSamples { found: format!("{other:?}") }),
    };
    if bits != 8 && bits != 16 {
        return Err(SourceProblem::UnsuitableSamples { found: format!("{color:?}") });
    }
    let extra = decoder.find_tag_unsigned_vec::<u16>(Tag::ExtraSamples).ok().flatten().unwrap_or_default();
    let alpha = Alpha::of_extra_sample(extra.first().copied().map(u64::from));
    let needed = width as usize * height as usize * channels * usize::from(bits / 8);
    let mut memory = Limits::default();
    memory.decoding_buffer_size = needed;
    memory.intermediate_buffer_size = needed.max(memory.intermediate_buffer_size);
    let mut decoder = decoder.with_limits(memory);

    let mut data = DecodingResult::U8(Vec::new());
    let layout = decoder.read_image_to_buffer(&mut data).map_err(problem)?;
    if data.as_buffer(0).byte_len() < layout.complete_len {
        return Err(SourceProblem::TooMuchMemory { format: "TIFF" });
    }
    let planes = if layout.planes > 1 { channels } else { 1 };
    let rgb = match data {
        DecodingResult::U8(data) => {
            page_of(width, height, channels, color, alpha, interleave(data, planes), Samples::<u8>::into_rgb)
        }
        DecodingResult::U16(data) => {
            page_of(width, height, channels, color, alpha, interleave(data, planes), Samples::<u16>::into_rgb)
        }
        _ => return Err(SourceProblem::UnsuitableSamples { found: format!("{color:?}, signed or floating point") }),
    };
    rgb.ok_or_else(|| SourceProblem::Corrupt { format: "TIFF", found: "fewer samples than its size needs".to_owned() })
}

fn page_of<T: Copy + Into<u32>>(
    width: u32,
    height: u32,
    channels: usize,
    color: ColorType,
    alpha: Alpha,
    data: Vec<T>,
    into_rgb: fn(Samples<T>) -> Option<RgbImage>,
) -> Option<RgbImage> {
    if let ColorType::CMYK(bits) = color {
        return rgb_of_cmyk(width, height, &data, (1u32 << bits) - 1, false);
    }
    let colors = if channels < 3 { 1 } else { 3 };
    let alpha = if channels > colors { alpha } else { Alpha::None };
    into_rgb(Samples { width, height, channels, colors, alpha, data })
}

/// Planes one behind the other to samples side by side.
fn interleave<T: Copy>(data: Vec<T>, planes: usize) -> Vec<T> {
    if planes == 1 {
        return data;
    }
    let length = data.len() / planes;
    (0..length * planes).map(|i| data[i % planes * length + i / planes]).collect()
}

fn problem(error: TiffError) -> SourceProblem {
    match error {
        TiffError::IoError(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            SourceProblem::Truncated { format: "TIFF", found: "a directory or a strip beyond the end".to_owned() }
        }
        TiffError::UnsupportedError(what) => {
            SourceProblem::UnsupportedEncoding { format: "TIFF", found: what.to_string().to_lowercase() }
        }
        TiffError::LimitsExceeded => SourceProblem::TooMuchMemory { format: "TIFF" },
        other => SourceProblem::Corrupt { format: "TIFF", found: other.to_string().to_lowercase() },
    }
}
