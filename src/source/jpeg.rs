//! JPEG, strictly: a picture with missing data is refused, never filled with gray.
//!
//! In: a whole JPEG stream. Out: 8-bit RGB and the EXIF orientation. Baseline, extended and progressive Huffman coding
//! with 8 bits per sample; gray, YCbCr, RGB, CMYK and YCCK. Source: ITU-T T.81 (1992), sections B.1–B.2 (markers) and
//! G.1 (progressive scans); Adobe Technical Note 5116 (marker APP14). Limits: no arithmetic or lossless coding, no 12
//! bits, no more scans than any encoder writes; color profiles are not applied; bits flipped inside a scan without
//! breaking a code cannot be noticed.
//!
//! Order: 1. [`walk()`] reads the structure, refuses what is cut off and writes a clean stream, 2. the caller's limits are
//! checked on the frame header, 3. `zune-jpeg` decodes the clean stream in its strict mode, 4. CMYK becomes RGB.

mod walk;

use image::RgbImage;
use image::metadata::Orientation;
use zune_jpeg::JpegDecoder;
use zune_jpeg::errors::DecodeErrors;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use walk::{Stream, walk};

use super::error::SourceProblem;
use super::file::DecodeLimits;
use super::samples::{Alpha, Samples, rgb_of_cmyk};

/// What three components are, where a container around the stream says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Colors {
    /// By the stream's own marks: YCbCr unless it says RGB.
    ByStream,
    /// RGB stored without a transform.
    Rgb,
    /// YCbCr.
    YCbCr,
}

/// Decodes a stand-alone stream.
pub(super) fn decode(bytes: &[u8], limits: &DecodeLimits) -> Result<(RgbImage, Orientation), SourceProblem> {
    let stream = walk(bytes)?;
    limits.check_pixels(stream.width.into(), stream.height.into())?;
    let orientation = stream.orientation;
    Ok((decode_stream(&stream, Colors::ByStream)?, orientation))
}

/// Decodes the stream of a strip or a tile, at most `width` × `height` pixels. `tables` are those that all parts of a page
/// share: start and end marks are taken once.
pub(super) fn decode_part(
    tables: &[u8],
    part: &[u8],
    (width, height): (u32, u32),
    colors: Colors,
) -> Result<RgbImage, SourceProblem> {
    let stream = match (tables.strip_suffix(b"\xFF\xD9"), part.strip_prefix(b"\xFF\xD8")) {
        (Some(head), Some(tail)) => walk(&[head, tail].concat())?,
        _ => walk(part)?,
    };
    if u32::from(stream.width) > width || u32::from(stream.height) > height {
        let found = format!("{} x {} pixels in a part of {width} x {height}", stream.width, stream.height);
        return Err(SourceProblem::Corrupt { format: "JPEG", found });
    }
    decode_stream(&stream, colors)
}

fn decode_stream(stream: &Stream, colors: Colors) -> Result<RgbImage, SourceProblem> {
    let mut options =
        DecoderOptions::default().set_strict_mode(true).set_max_width(usize::MAX).set_max_height(usize::MAX);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(stream.clean.as_slice()), options);
    decoder.decode_headers().map_err(problem)?;
    let stored = decoder.input_colorspace();
    let output = match (stored, colors) {
        (Some(ColorSpace::Luma), _) => ColorSpace::Luma,
        // Adobe's marker without a transform: the decoder takes it for ink whatever the number of components.
        (Some(ColorSpace::CMYK), _) if stream.components == 3 => ColorSpace::RGB,
        (Some(ColorSpace::CMYK), _) => ColorSpace::CMYK,
        (Some(ColorSpace::YCbCr), Colors::Rgb) => ColorSpace::YCbCr,
        (Some(ColorSpace::YCbCr | ColorSpace::RGB), Colors::ByStream)
        | (Some(ColorSpace::YCbCr), Colors::YCbCr)
        | (Some(ColorSpace::RGB), Colors::Rgb)
        | (Some(ColorSpace::YCCK), _) => ColorSpace::RGB,
        (other, _) => {
            let found = format!("{} components as {other:?}", stream.components);
            return Err(SourceProblem::UnsupportedEncoding { format: "JPEG", found });
        }
    };
    options = options.jpeg_set_out_colorspace(output);
    decoder.set_options(options);
    let data = decoder.decode().map_err(problem)?;

    let (width, height) = (u32::from(stream.width), u32::from(stream.height));
    let rgb = match output {
        // METHOD: streams with Adobe's marker hold the light that each ink lets through, as Photoshop writes them; the
        // others hold ink.
        ColorSpace::CMYK => rgb_of_cmyk(width, height, &data, u8::MAX.into(), stream.adobe),
        ColorSpace::Luma => Samples { width, height, channels: 1, colors: 1, alpha: Alpha::None, data }.into_rgb(),
        _ => RgbImage::from_raw(width, height, data),
    };
    rgb.ok_or_else(|| SourceProblem::Corrupt {
        format: "JPEG",
        found: "fewer pixels than its header states".to_owned(),
    })
}

fn problem(error: DecodeErrors) -> SourceProblem {
    match error {
        DecodeErrors::Unsupported(what) => {
            SourceProblem::UnsupportedEncoding { format: "JPEG", found: format!("{what:?}") }
        }
        DecodeErrors::ExhaustedData => {
            SourceProblem::Truncated { format: "JPEG", found: "coded data end before the last block".to_owned() }
        }
        other => SourceProblem::Corrupt { format: "JPEG", found: other.to_string().to_lowercase() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Truth: the drawing of `fixtures/formats/make.py`. Progressive and restarted streams hold the coefficients of the
    // baseline one, so their pixels are equal to its pixels.
    const BASELINE: &[u8] = include_bytes!("../../fixtures/formats/baseline.jpg");
    const PROGRESSIVE: &[u8] = include_bytes!("../../fixtures/formats/progressive.jpg");
    const RESTART: &[u8] = include_bytes!("../../fixtures/formats/restart.jpg");
    const PROGRESSIVE_RESTART: &[u8] = include_bytes!("../../fixtures/formats/progressive-restart.jpg");
    const GRAY: &[u8] = include_bytes!("../../fixtures/formats/gray.jpg");
    const GRAY_PROGRESSIVE: &[u8] = include_bytes!("../../fixtures/formats/gray-progressive.jpg");
    const CMYK: &[u8] = include_bytes!("../../fixtures/formats/cmyk-adobe.jpg");
    const RGB: &[u8] = include_bytes!("../../fixtures/formats/rgb-stored.jpg");
    const FLAT: &[u8] = include_bytes!("../../fixtures/formats/flat.jpg");

    /// Quarters of the drawing: left and right above, left and right below.
    const QUARTERS: [[u8; 3]; 4] = [[200, 120, 140], [240, 240, 240], [90, 60, 140], [10, 200, 90]];

    fn decoded(bytes: &[u8]) -> RgbImage {
        decode(bytes, &DecodeLimits::default()).expect("a sound stream").0
    }

    /// Asserts the middle of each quarter within the rounding of JPEG.
    fn assert_quarters(rgb: &RgbImage, quarters: [[u8; 3]; 4]) {
        assert_eq!(rgb.dimensions(), (64, 32));
        for (color, (x, y)) in quarters.into_iter().zip([(16, 8), (48, 8), (16, 24), (48, 24)]) {
            let found = rgb.get_pixel(x, y).0;
            let close = found.iter().zip(color).all(|(a, b)| a.abs_diff(b) <= 3);
            assert!(close, "({x}, {y}): {found:?} instead of {color:?}");
        }
    }

    #[test]
    fn codings_of_the_same_coefficients_give_the_same_pixels() {
        let baseline = decoded(BASELINE);
        for stream in [PROGRESSIVE, RESTART, PROGRESSIVE_RESTART] {
            assert_eq!(decoded(stream), baseline);
        }
        assert_eq!(decoded(GRAY), decoded(GRAY_PROGRESSIVE));
    }

    #[test]
    fn strictness_changes_no_pixel_of_a_sound_stream() {
        for stream in [BASELINE, PROGRESSIVE, RESTART, GRAY, RGB, FLAT] {
            let lenient = image::load_from_memory(stream).expect("a sound stream").into_rgb8();
            assert_eq!(decoded(stream), lenient);
        }
    }

    #[test]
    fn colors_are_those_of_the_drawing() {
        assert_quarters(&decoded(FLAT), QUARTERS);
        assert_quarters(&decoded(RGB), QUARTERS);
        assert_quarters(&decoded(CMYK), QUARTERS);
        let gray = decoded(GRAY);
        assert!(gray.pixels().all(|pixel| pixel.0[0] == pixel.0[1] && pixel.0[1] == pixel.0[2]));
    }

    /// The stream without the segments of a marker.
    fn without(stream: &[u8], marker: u8) -> Vec<u8> {
        let at = stream.windows(2).position(|pair| pair == [0xFF, marker]).expect("the marker");
        let length = usize::from(u16::from_be_bytes([stream[at + 2], stream[at + 3]]));
        [&stream[..at], &stream[at + 2 + length..]].concat()
    }

    #[test]
    fn cmyk_without_adobes_marker_holds_ink() {
        // Light read as ink: every channel is the negative times black, which is now full ink.
        let rgb = decoded(&without(CMYK, 0xEE));
        assert_quarters(&rgb, [[0; 3]; 4]);
    }

    #[test]
    fn ycck_is_told_by_adobes_transform() {
        let at = CMYK.windows(5).position(|name| name == b"Adobe").expect("the marker") + 11;
        assert_eq!(CMYK[at], 0, "Pillow stores CMYK without a transform");
        let mut stream = CMYK.to_vec();
        stream[at] = 2;
        // Components (240, 240, 240, 255) of the upper right quarter, read as Y, Cb, Cr and light through black:
        // R = 240 + 1.402 · 112 → 255, G = 240 − (0.344 + 0.714) · 112 → 121.5, B → 255; ink is their negative.
        let found = decoded(&stream).get_pixel(48, 8).0;
        assert!(found[0] == 0 && found[1].abs_diff(133) <= 3 && found[2] == 0, "{found:?}");
    }

    #[test]
    fn no_prefix_of_a_stream_is_a_picture() {
        for stream in [BASELINE, PROGRESSIVE, RESTART, PROGRESSIVE_RESTART, GRAY, CMYK, FLAT] {
            for end in 0..stream.len() {
                assert!(decode(&stream[..end], &DecodeLimits::default()).is_err(), "{end} of {} bytes", stream.len());
            }
            assert!(decode(stream, &DecodeLimits::default()).is_ok());
        }
    }

    #[test]
    fn a_scan_that_ends_early_is_refused_although_the_end_marker_is_there() {
        for stream in [BASELINE, GRAY, FLAT, RESTART] {
            let scan = stream.windows(2).rposition(|pair| pair == [0xFF, 0xDA]).expect("a scan") + 14;
            // The last bytes may hold padding only: from four missing bytes on a block is missing.
            for end in scan..stream.len() - 6 {
                let cut = [&stream[..end], b"\xFF\xD9"].concat();
                assert!(decode(&cut, &DecodeLimits::default()).is_err(), "{end} of {} bytes", stream.len());
            }
        }
    }

    #[test]
    fn a_progressive_stream_without_its_last_scans_is_refused() {
        let scans: Vec<usize> =
            PROGRESSIVE.windows(2).enumerate().filter(|(_, pair)| *pair == [0xFF, 0xDA]).map(|(at, _)| at).collect();
        assert!(scans.len() > 4, "{} scans", scans.len());
        for scan in &scans[1..] {
            let cut = [&PROGRESSIVE[..*scan], b"\xFF\xD9"].concat();
            let error = decode(&cut, &DecodeLimits::default()).expect_err("scans are missing");
            assert!(matches!(error, SourceProblem::Truncated { .. }), "{error}");
        }
    }

    #[test]
    fn bytes_behind_the_picture_and_between_segments_do_no_harm() {
        let trailing = [BASELINE, b"\0\0appended by a camera"].concat();
        assert_eq!(decoded(&trailing), decoded(BASELINE));
        let stray = [&BASELINE[..2], b"\0\0\0\0\0\0", &BASELINE[2..]].concat();
        assert_eq!(decoded(&stray), decoded(BASELINE));
    }

    #[test]
    fn the_frame_header_is_checked_before_decoding() {
        let limits = DecodeLimits { max_pixels: 64 * 32 - 1, ..DecodeLimits::default() };
        let error = decode(BASELINE, &limits).expect_err("one pixel too many");
        assert!(matches!(error, SourceProblem::TooManyPixels { width: 64, height: 32, .. }), "{error}");
    }

    #[test]
    fn a_part_may_not_be_larger_than_its_place() {
        assert!(decode_part(&[], BASELINE, (64, 32), Colors::YCbCr).is_ok());
        assert!(decode_part(&[], BASELINE, (63, 32), Colors::YCbCr).is_err());
        let raw = decode_part(&[], FLAT, (64, 32), Colors::Rgb).expect("a sound stream");
        // The white quarter is (240, 128, 128) as stored.
        assert_eq!(raw.get_pixel(48, 8).0, [240, 128, 128]);
    }
}
