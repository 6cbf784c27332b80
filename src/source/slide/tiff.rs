//! Slides in TIFF: Aperio SVS, generic pyramidal or tiled TIFF and BigTIFF, OME-TIFF.
//!
//! In: the directories of a file. Out: a [`TiffSlide`]: levels from fine to coarse, each of strips or tiles that are
//! decoded one at a time. Sources: TIFF 6.0 (1992); the `ImageDescription` that Aperio's scanners write (`AppMag`,
//! `MPP`), as openly described by OpenSlide (openslide.org/formats/aperio); OME-XML 2016-06.
//!
//! METHOD: the first picture is the slide. Another is a smaller level of it where its sides are the slide's divided by
//! one factor, to the rounding of a pixel or two, and where it is tiled or marked as a smaller copy. Labels, overviews
//! and untiled thumbnails are ignored. Scanners leave out the bytes of tiles that are empty glass.
//!
//! Limits: the first plane of a stack; samples of a pixel side by side; parts of at most [`MAX_PART_PX`] pixels.

use super::codec::{Coding, Packing, decode};
use super::directory::{Directory, directories};
use super::tiles::{About, Level, TileSource};
use image::RgbImage;
use tiff::tags::Tag;

use crate::source::calibration_tags::{PageTags, aperio_calibration, aperio_number, calibration_of};
use crate::source::error::SourceProblem;
use crate::source::error::SourceProblem::UnsupportedEncoding;
use crate::source::file::SlideBytes;
use crate::source::jpeg::Colors;
use crate::source::samples::Alpha;

/// Most pixels of one strip or tile: 64 megapixels, 200 MB decoded. A slide in larger pieces cannot be read by parts.
const MAX_PART_PX: u64 = 64 << 20;

/// Most parts of a level: ten gigapixels in tiles of 64 pixels are 2.4 million.
const MAX_PARTS: u64 = 1 << 24;

/// Largest difference of a level's height from that of the slide divided by the same factor as its width, px: sides are
/// rounded, and every halving may round again.
const SIDE_TOLERANCE_PX: f64 = 2.0;

/// Bit of `NewSubfileType`: a smaller copy of another page.
const SUBFILE_REDUCED: u64 = 1;

/// Bits of `NewSubfileType` for a mask and, by Aperio, an overview.
const SUBFILE_MASK_OR_MACRO: u64 = 0b1100;

/// Values of `PhotometricInterpretation`.
const WHITE_IS_ZERO: u64 = 0;
const BLACK_IS_ZERO: u64 = 1;
const RGB: u64 = 2;
const YCBCR: u64 = 6;

const FORMAT: &str = "TIFF";

/// A slide in a TIFF file.
#[derive(Debug)]
pub(super) struct TiffSlide {
    file: SlideBytes,
    pages: Vec<Page>,
    levels: Vec<Level>,
}

/// A level as it is stored.
#[derive(Debug)]
struct Page {
    coding: Coding,
    offsets: Vec<u64>,
    counts: Vec<u64>,
}

/// Whether a file's directories say that it is a slide, not a photograph.
///
/// METHOD: a microscope's camera may save one picture in tiles. A scanner saves smaller levels with it, or a picture larger
/// than any camera takes. A file with Aperio's mark is always a slide.
pub(super) fn is_slide(file: &SlideBytes, camera_px: u64) -> Result<bool, SourceProblem> {
    let all = directories(file)?;
    let Some(first) = all.pages.first() else { return Ok(false) };
    if description(first).starts_with("Aperio") {
        return Ok(true);
    }
    let (width, height) = (first.size(Tag::ImageWidth)?, first.size(Tag::ImageLength)?);
    if !first.has(Tag::TileWidth) {
        return Ok(false);
    }
    let larger = u64::from(width) * u64::from(height) > camera_px;
    Ok(larger || all.pages.iter().skip(1).any(|page| matches!(smaller_level(page, (width, height)), Ok(Some(_)))))
}

impl TiffSlide {
    /// Opens a slide; the second value is what is known of it, the levels that could not be taken among it.
    pub(super) fn open(file: SlideBytes) -> Result<(Self, About), SourceProblem> {
        let all = directories(&file)?;
        let first = &all.pages[0];
        let (page, base) = page(first, all.little_endian, 1.0)?;
        let size = (base.width, base.height);
        let mut found = vec![(page, base)];
        let mut left_out: Vec<SourceProblem> = Vec::new();
        for directory in &all.pages[1..] {
            let level = smaller_level(directory, size)
                .and_then(|factor| factor.map(|factor| self::page(directory, all.little_endian, factor)).transpose());
            match level {
                Ok(level) => found.extend(level),
                Err(problem) => left_out.push(problem),
            }
        }
        left_out.extend(all.broken);
        let left_out =
            left_out.into_iter().map(|problem| SourceProblem::Level { problem: Box::new(problem) }).collect();
        found.sort_by(|(_, one), (_, other)| one.downsample.total_cmp(&other.downsample));
        let (pages, levels) = found.into_iter().unzip();
        let description = description(first);
        let aperio = description.starts_with("Aperio");
        let tags = PageTags {
            x_resolution: first.ratio(Tag::XResolution),
            y_resolution: first.ratio(Tag::YResolution),
            resolution_unit: first.number(Tag::ResolutionUnit)?.and_then(|unit| u16::try_from(unit).ok()),
            description: Some(description.clone()),
        };
        let about = About {
            format: if aperio {
                "Aperio SVS"
            } else if description.contains("<OME") {
                "OME-TIFF"
            } else {
                "TIFF"
            },
            calibration: aperio_calibration(&description).or_else(|| calibration_of(&tags)),
            magnification: magnification(&description),
            left_out,
        };
        Ok((Self { file, pages, levels }, about))
    }
}

fn description(page: &Directory<'_>) -> String {
    page.text(Tag::ImageDescription).unwrap_or_default()
}

/// Magnification of the objective by `AppMag` of Aperio or `NominalMagnification` of OME-XML.
fn magnification(description: &str) -> Option<f64> {
    let of_ome = || {
        let (_, behind) = description.split_once("NominalMagnification=\"")?;
        behind.split_once('"')?.0.trim().parse().ok()
    };
    let is_sound = |value: &f64| value.is_finite() && *value > 0.0;
    aperio_number(description, "AppMag").filter(is_sound).or_else(|| of_ome().filter(is_sound))
}

/// By which factor a directory is a smaller level of a slide; `None` where it is none.
fn smaller_level(page: &Directory<'_>, slide: (u32, u32)) -> Result<Option<f64>, SourceProblem> {
    let kind = page.number(Tag::NewSubfileType)?.unwrap_or(0);
    let tiled = page.has(Tag::TileWidth);
    let (width, height) = (page.size(Tag::ImageWidth)?, page.size(Tag::ImageLength)?);
    let aperio = description(page).starts_with("Aperio");
    if kind & SUBFILE_MASK_OR_MACRO != 0 || !(tiled || kind & SUBFILE_REDUCED != 0 && !aperio) {
        return Ok(None);
    }
    if width == 0 || height == 0 || width >= slide.0 {
        return Ok(None);
    }
    let factor = f64::from(slide.0) / f64::from(width);
    let same_shape = (f64::from(slide.1) / factor - f64::from(height)).abs() <= SIDE_TOLERANCE_PX;
    Ok(same_shape.then_some(factor))
}

/// A directory as a level.
fn page(page: &Directory<'_>, little_endian: bool, downsample: f64) -> Result<(Page, Level), SourceProblem> {
    let corrupt = |found: String| SourceProblem::Corrupt { format: FORMAT, found };
    let (width, height) = (page.size(Tag::ImageWidth)?, page.size(Tag::ImageLength)?);
    if width == 0 || height == 0 {
        return Err(SourceProblem::ZeroSized { width, height });
    }
    let tiled = page.has(Tag::TileWidth);
    let (tile_width, tile_height) = if tiled {
        (page.size(Tag::TileWidth)?, page.size(Tag::TileLength)?)
    } else {
        let rows = page.number(Tag::RowsPerStrip)?.unwrap_or(u64::from(height));
        (width, u32::try_from(rows).unwrap_or(u32::MAX).min(height))
    };
    let part_px = u64::from(tile_width) * u64::from(tile_height);
    if part_px == 0 || part_px > MAX_PART_PX {
        let found = format!("parts of {tile_width} x {tile_height} pixels, more than {MAX_PART_PX}");
        return Err(UnsupportedEncoding { format: FORMAT, found });
    }
    let level = Level { width, height, tile_width, tile_height, downsample };
    if u64::from(level.across()) * u64::from(level.down()) > MAX_PARTS {
        return Err(SourceProblem::TooMuchMemory { format: FORMAT });
    }
    let coding = coding(page, little_endian)?;
    let (offsets, counts) =
        if tiled { (Tag::TileOffsets, Tag::TileByteCounts) } else { (Tag::StripOffsets, Tag::StripByteCounts) };
    let (offsets, counts) = (page.numbers(offsets)?, page.numbers(counts)?);
    let parts = level.across() as usize * level.down() as usize;
    if offsets.len() < parts || counts.len() < parts {
        return Err(corrupt(format!("{} parts instead of {parts}", offsets.len().min(counts.len()))));
    }
    Ok((Page { coding, offsets, counts }, level))
}

fn coding(page: &Directory<'_>, little_endian: bool) -> Result<Coding, SourceProblem> {
    let unsupported = |found: String| UnsupportedEncoding { format: FORMAT, found };
    let unsuitable = |found: String| SourceProblem::UnsuitableSamples { found };
    let number = |tag, otherwise| page.number(tag).map(|number| number.unwrap_or(otherwise));
    let photometric = number(Tag::PhotometricInterpretation, BLACK_IS_ZERO)?;
    // By TIFF 6.0, Technical Note 2, and Aperio's own numbers for JPEG 2000.
    let packing = match number(Tag::Compression, 1)? {
        1 => Packing::Raw,
        5 => Packing::Lzw,
        7 => Packing::Jpeg,
        8 | 32946 => Packing::Deflate,
        32773 => Packing::PackBits,
        33003 => Packing::Jpeg2000 { ycbcr: true },
        33005 | 34712 => Packing::Jpeg2000 { ycbcr: false },
        other => return Err(unsupported(format!("compression {other}"))),
    };
    let channels = number(Tag::SamplesPerPixel, 1)?;
    let bits = page.numbers(Tag::BitsPerSample)?;
    let bits = bits.first().copied().filter(|first| bits.iter().all(|bits| bits == first)).unwrap_or(1);
    let formats = page.numbers(Tag::SampleFormat)?;
    if !matches!(bits, 8 | 16) || formats.iter().any(|format| *format != 1) {
        return Err(unsuitable(format!("{channels} samples of {bits} bits, format {formats:?}")));
    }
    let fits = match photometric {
        WHITE_IS_ZERO | BLACK_IS_ZERO => matches!(channels, 1 | 2),
        RGB => matches!(channels, 3 | 4),
        YCBCR => channels == 3 && matches!(packing, Packing::Jpeg | Packing::Jpeg2000 { .. }),
        _ => false,
    };
    if !fits {
        return Err(unsuitable(format!("{channels} samples in color space {photometric}")));
    }
    if number(Tag::PlanarConfiguration, 1)? != 1 && channels > 1 {
        return Err(unsupported("each color in a plane of its own".to_owned()));
    }
    let predictor = match (number(Tag::Predictor, 1)?, packing) {
        (1, _) | (_, Packing::Jpeg | Packing::Jpeg2000 { .. } | Packing::Raw | Packing::PackBits) => false,
        (2, _) => true,
        (other, _) => return Err(unsupported(format!("predictor {other}"))),
    };
    Ok(Coding {
        packing,
        bits: bits as u16,
        channels: channels as usize,
        white_is_zero: photometric == WHITE_IS_ZERO,
        jpeg_colors: match photometric {
            RGB => Colors::Rgb,
            YCBCR => Colors::YCbCr,
            _ => Colors::ByStream,
        },
        jpeg_tables: page.bytes(Tag::JPEGTables)?.unwrap_or_default(),
        predictor,
        alpha: Alpha::of_extra_sample(page.number(Tag::ExtraSamples)?),
        little_endian,
    })
}

impl TileSource for TiffSlide {
    fn levels(&self) -> &[Level] {
        &self.levels
    }

    fn tile(&self, level: usize, column: u32, row: u32) -> Result<Option<RgbImage>, SourceProblem> {
        let (shape, page) = (&self.levels[level], &self.pages[level]);
        let part = row as usize * shape.across() as usize + column as usize;
        let (offset, count) = (page.offsets[part], page.counts[part]);
        if count == 0 {
            return Ok(None);
        }
        let bytes = self.file.tile(offset, count, FORMAT)?;
        decode(&bytes, &page.coding, (shape.tile_width, shape.tile_height), shape.tile_size(column, row)).map(Some)
    }

    fn file(&self) -> &SlideBytes {
        &self.file
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn magnification_by_both_writers() {
        assert_eq!(magnification("Aperio Image Library|AppMag = 20|MPP = 0.4990"), Some(20.0));
        assert_eq!(magnification("<OME><Objective NominalMagnification=\"40.0\"/></OME>"), Some(40.0));
        assert_eq!(magnification("AppMag"), None);
    }
}
