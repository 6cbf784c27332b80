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

use super::samples::{Alpha, Samples, rgb_of_cmyk};
use super::{DecodeLimits, SourceProblem};

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

/// Decodes a stream of a strip or a tile, at most `width` × `height` pixels.
pub(super) fn decode_part(bytes: &[u8], width: u32, height: u32, colors: Colors) -> Result<RgbImage, SourceProblem> {
    let stream = walk(bytes)?;
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
mod tests;
