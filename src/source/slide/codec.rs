//! One strip or tile of a slide, decoded to RGB.
//!
//! In: the stored bytes, the [`Coding`] of their level and the size of the part. Out: a picture of that size. Sources: TIFF
//! 6.0 (1992) for raw, LZW, PackBits and the horizontal predictor, Technical Note 2 (1995) for JPEG, Technical Note of Adobe
//! Photoshop (2002) for deflate, ISO/IEC 15444-1 for JPEG 2000. Order: 1. expand, 2. undo the predictor, 3. samples of 16
//! bits to 8, 4. color.
//!
//! METHOD: samples of 16 bits are scaled by their full range, because a depth guessed tile by tile would make tiles differ.
//! The crate `tiff` unpacks parts only through a decoder that owns the file's cursor (`directory` says why that does not
//! serve), so that LZW, deflate and PackBits are unpacked here.
//!
//! Limits: 8 or 16 bits; gray, RGB or RGB with alpha (over white); samples of a pixel side by side.

use fdeflate::BoundedDecompressionError;
use hayro_jpeg2000::{DecodeSettings, DecoderContext, Image};
use image::RgbImage;

use crate::source::error::SourceProblem;
use crate::source::jpeg::{self, Colors};
use crate::source::samples::{Alpha, Samples};

/// How the bytes of a part are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Packing {
    /// As they are.
    Raw,
    /// LZW, most significant bit first.
    Lzw,
    /// zlib.
    Deflate,
    /// PackBits.
    PackBits,
    /// A JPEG stream; its tables may stand apart.
    Jpeg,
    /// A JPEG 2000 codestream; whether its components are YCbCr that the stream does not say.
    Jpeg2000 {
        /// Components are YCbCr.
        ycbcr: bool,
    },
}

/// How the samples of a level are stored.
#[derive(Debug, Clone)]
pub(super) struct Coding {
    pub(super) packing: Packing,
    /// Bits of a sample: 8 or 16.
    pub(super) bits: u16,
    /// Samples of a pixel.
    pub(super) channels: usize,
    /// Gray in which 0 is white.
    pub(super) white_is_zero: bool,
    /// Colors of a JPEG stream.
    pub(super) jpeg_colors: Colors,
    /// Tables that all JPEG streams of the level share.
    pub(super) jpeg_tables: Vec<u8>,
    /// Each sample is stored as its difference from the pixel before.
    pub(super) predictor: bool,
    pub(super) alpha: Alpha,
    pub(super) little_endian: bool,
}

/// Decodes a part of `stored` pixels, of which `seen` (at the top left) belong to the picture.
pub(super) fn decode(
    bytes: &[u8],
    coding: &Coding,
    stored: (u32, u32),
    seen: (u32, u32),
) -> Result<RgbImage, SourceProblem> {
    let picture = match coding.packing {
        Packing::Jpeg => jpeg::decode_part(&coding.jpeg_tables, bytes, stored, coding.jpeg_colors)?,
        Packing::Jpeg2000 { ycbcr } => jpeg2000(bytes, ycbcr, stored)?,
        _ => samples(bytes, coding, stored, seen)?,
    };
    if picture.width() < seen.0 || picture.height() < seen.1 {
        let found = format!("{} x {} pixels in a part of {} x {}", picture.width(), picture.height(), seen.0, seen.1);
        return Err(SourceProblem::Corrupt { format: "slide", found });
    }
    if picture.dimensions() == seen {
        return Ok(picture);
    }
    Ok(image::imageops::crop_imm(&picture, 0, 0, seen.0, seen.1).to_image())
}

fn damaged(what: &'static str) -> impl Fn(String) -> SourceProblem {
    move |found| SourceProblem::Corrupt { format: what, found }
}

fn jpeg2000(bytes: &[u8], ycbcr: bool, stored: (u32, u32)) -> Result<RgbImage, SourceProblem> {
    let corrupt = damaged("JPEG 2000");
    let settings = DecodeSettings { strict: true, ..DecodeSettings::default() };
    let image = Image::new(bytes, &settings).map_err(|error| corrupt(error.to_string().to_lowercase()))?;
    let (width, height) = (image.width(), image.height());
    if width > stored.0 || height > stored.1 {
        let found = format!("{width} x {height} pixels in a part of {} x {}", stored.0, stored.1);
        return Err(corrupt(found));
    }
    let channels = usize::from(image.color_space().num_channels()) + usize::from(image.has_alpha());
    let mut context = DecoderContext::default();
    let decoded = image.decode(&mut context).map_err(|error| corrupt(error.to_string().to_lowercase()))?;
    let mut data = decoded.data_u8();
    if ycbcr && channels == 3 {
        data.as_chunks_mut::<3>().0.iter_mut().for_each(|pixel| *pixel = rgb_of_ycbcr(*pixel));
    }
    let colors = match channels {
        1 | 2 => 1,
        3 | 4 => 3,
        _ => {
            let found = format!("{channels} components");
            return Err(SourceProblem::UnsupportedEncoding { format: "JPEG 2000", found });
        }
    };
    let alpha = if channels > colors { Alpha::Straight } else { Alpha::None };
    Samples { width, height, channels, colors, alpha, data }
        .into_rgb()
        .ok_or_else(|| corrupt("fewer pixels than its header states".to_owned()))
}

/// Full-range YCbCr (ITU-T T.871, section 7) to RGB.
fn rgb_of_ycbcr([y, cb, cr]: [u8; 3]) -> [u8; 3] {
    let (y, cb, cr) = (f32::from(y), f32::from(cb) - 128.0, f32::from(cr) - 128.0);
    [y + 1.402 * cr, y - 0.344_136 * cb - 0.714_136 * cr, y + 1.772 * cb].map(|v| v.round().clamp(0.0, 255.0) as u8)
}

fn samples(bytes: &[u8], coding: &Coding, stored: (u32, u32), seen: (u32, u32)) -> Result<RgbImage, SourceProblem> {
    let row_bytes = stored.0 as usize * coding.channels * usize::from(coding.bits / 8);
    // The last strip of a picture may hold fewer rows than the others.
    let (most, least) = (row_bytes * stored.1 as usize, row_bytes * seen.1 as usize);
    let mut data = unpacked(bytes, coding.packing, most)?;
    if data.len() < least {
        let found = format!("{} bytes of pixels instead of {least}", data.len());
        return Err(SourceProblem::Truncated { format: "TIFF", found });
    }
    data.truncate(least);
    let (channels, height) = (coding.channels, seen.1);
    let data: Vec<u8> = if coding.bits == 16 {
        let number = if coding.little_endian { u16::from_le_bytes } else { u16::from_be_bytes };
        let mut wide: Vec<u16> = data.as_chunks::<2>().0.iter().map(|bytes| number(*bytes)).collect();
        if coding.predictor {
            undo_differences(&mut wide, row_bytes / 2, channels, u16::wrapping_add);
        }
        wide.into_iter().map(|value| (value >> 8) as u8).collect()
    } else {
        if coding.predictor {
            undo_differences(&mut data, row_bytes, channels, u8::wrapping_add);
        }
        data
    };
    let data = if coding.white_is_zero { data.into_iter().map(|value| !value).collect() } else { data };
    let colors = if channels < 3 { 1 } else { 3 };
    let alpha = if channels > colors { coding.alpha } else { Alpha::None };
    Samples { width: stored.0, height, channels, colors, alpha, data }
        .into_rgb()
        .ok_or_else(|| SourceProblem::Corrupt { format: "TIFF", found: "fewer samples than its size needs".to_owned() })
}

/// Horizontal differencing undone, each row by itself.
fn undo_differences<T: Copy>(data: &mut [T], row: usize, channels: usize, add: fn(T, T) -> T) {
    for row in data.chunks_mut(row.max(1)) {
        for at in channels..row.len() {
            row[at] = add(row[at], row[at - channels]);
        }
    }
}

/// At most `most` bytes: a part that unpacks to more is cut there.
fn unpacked(bytes: &[u8], packing: Packing, most: usize) -> Result<Vec<u8>, SourceProblem> {
    let corrupt = damaged("TIFF");
    match packing {
        Packing::Deflate => {
            // METHOD: tiles are read whole, for which `fdeflate` (of the `png` crate's makers) takes half the time of a reader that
            // is asked for pieces.
            match fdeflate::decompress_to_vec_bounded(bytes, most) {
                Ok(data) => Ok(data),
                Err(BoundedDecompressionError::OutputTooLarge { partial_output }) => Ok(partial_output),
                Err(BoundedDecompressionError::DecompressionError { inner }) => Err(corrupt(format!("{inner:?}"))),
            }
        }
        Packing::Lzw => {
            let mut decoder = weezl::decode::Decoder::with_tiff_size_switch(weezl::BitOrder::Msb, 8);
            let mut data = vec![0; most];
            let (mut read, mut written) = (0, 0);
            while written < most {
                let step = decoder.decode_bytes(&bytes[read..], &mut data[written..]);
                read += step.consumed_in;
                written += step.consumed_out;
                match step.status {
                    Ok(weezl::LzwStatus::Ok) => {}
                    Ok(weezl::LzwStatus::Done | weezl::LzwStatus::NoProgress) => break,
                    Err(error) => return Err(corrupt(error.to_string())),
                }
            }
            data.truncate(written);
            Ok(data)
        }
        Packing::PackBits => Ok(pack_bits(bytes, most)),
        _ => Ok(bytes[..bytes.len().min(most)].to_vec()),
    }
}

/// PackBits: a count below 128 copies that many bytes and one, a count above 128 repeats the next byte 257 − count times.
fn pack_bits(mut bytes: &[u8], most: usize) -> Vec<u8> {
    let mut data = Vec::with_capacity(most);
    while let [count, rest @ ..] = bytes
        && data.len() < most
    {
        bytes = rest;
        match *count {
            0..=127 => {
                let (run, rest) = bytes.split_at(bytes.len().min(usize::from(*count) + 1));
                data.extend_from_slice(run);
                bytes = rest;
            }
            128 => {}
            129..=255 => {
                let [value, rest @ ..] = bytes else { break };
                data.extend(std::iter::repeat_n(*value, 257 - usize::from(*count)));
                bytes = rest;
            }
        }
    }
    data.truncate(most);
    data
}

#[cfg(test)]
mod tests {
    use super::*;

    fn coding(packing: Packing, bits: u16, channels: usize, predictor: bool) -> Coding {
        Coding {
            packing,
            bits,
            channels,
            white_is_zero: false,
            jpeg_colors: Colors::ByStream,
            jpeg_tables: Vec::new(),
            predictor,
            alpha: Alpha::Straight,
            little_endian: true,
        }
    }

    #[test]
    fn pack_bits_of_the_specification() {
        // TIFF 6.0, section 9: the example of the TN1023.
        let packed = [0xFE, 0xAA, 0x02, 0x80, 0x00, 0x2A, 0xFD, 0xAA, 0x03, 0x80, 0x00, 0x2A, 0x22, 0xF7, 0xAA];
        let expected = [&[0xAA; 3][..], &[0x80, 0x00, 0x2A], &[0xAA; 4], &[0x80, 0x00, 0x2A, 0x22], &[0xAA; 10]];
        assert_eq!(pack_bits(&packed, 100), expected.concat());
        assert_eq!(pack_bits(&[0xFE], 9), Vec::<u8>::new());
    }

    #[test]
    fn differences_are_undone_row_by_row() {
        let rows = [10, 20, 30, 1, 1, 1, 5, 5, 5, 250, 0, 1];
        let picture = decode(&rows, &coding(Packing::Raw, 8, 3, true), (2, 2), (2, 2)).expect("twelve bytes");
        assert_eq!(picture.into_raw(), [10, 20, 30, 11, 21, 31, 5, 5, 5, 255, 5, 6]);
    }

    #[test]
    fn sixteen_bits_keep_their_upper_half_and_alpha_lies_over_white() {
        let wide = [0x34, 0x12, 0xFF, 0xFF];
        let picture = decode(&wide, &coding(Packing::Raw, 16, 1, false), (2, 1), (2, 1)).expect("two samples");
        assert_eq!(picture.into_raw(), [0x12, 0x12, 0x12, 255, 255, 255]);
        let clear = [9, 9, 9, 0];
        let picture = decode(&clear, &coding(Packing::Raw, 8, 4, false), (1, 1), (1, 1)).expect("a pixel");
        assert_eq!(picture.into_raw(), [255; 3]);
    }

    #[test]
    fn a_part_at_the_edge_is_cut_and_a_short_one_is_refused() {
        let part: Vec<u8> = (0..16).collect();
        let cut = decode(&part, &coding(Packing::Raw, 8, 1, false), (4, 4), (2, 3)).expect("sixteen bytes");
        assert_eq!(cut.pixels().map(|pixel| pixel[0]).collect::<Vec<_>>(), [0, 1, 4, 5, 8, 9]);
        let short = decode(&part[..11], &coding(Packing::Raw, 8, 1, false), (4, 4), (2, 3));
        assert!(matches!(short, Err(SourceProblem::Truncated { .. })));
    }

    #[test]
    fn garbage_is_refused_by_every_packing() {
        let garbage: Vec<u8> = (0..200u8).map(|i| i.wrapping_mul(37)).collect();
        for packing in [Packing::Lzw, Packing::Deflate, Packing::Jpeg, Packing::Jpeg2000 { ycbcr: false }] {
            let refused = decode(&garbage, &coding(packing, 8, 3, false), (64, 64), (64, 64));
            assert!(refused.is_err(), "{packing:?}");
        }
    }
}
