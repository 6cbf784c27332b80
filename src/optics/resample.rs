//! Change of scale with the right low-pass: downscaling averages, upscaling interpolates.
//!
//! Method: triangle filter whose support grows with the reduction, by the crate `fast_image_resize` (SIMD, maintained,
//! MIT or Apache-2.0). Limits: none but memory; a side never falls below one pixel.

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::U8x3;
use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};
use image::RgbImage;

/// Ratios closer to 1 than this are left as they are.
const IDENTITY_TOLERANCE: f64 = 0.01;

/// An image at another scale, and the true ratio: original pixels for one pixel of it along x.
///
/// `px_per_px` is the wished ratio, original pixels for one new pixel. Returns `None` where it needs no change.
pub fn rescale(rgb: &RgbImage, px_per_px: f64) -> Option<RgbImage> {
    if (px_per_px - 1.0).abs() < IDENTITY_TOLERANCE || rgb.width() == 0 || rgb.height() == 0 {
        return None;
    }
    let side = |original: u32| ((f64::from(original) / px_per_px).round() as u32).max(1);
    resized(rgb, side(rgb.width()), side(rgb.height()))
}

/// An image at another size; `None` where one of both has no pixels.
pub fn resized(rgb: &RgbImage, width: u32, height: u32) -> Option<RgbImage> {
    let source = TypedImageRef::<U8x3>::from_buffer(rgb.width(), rgb.height(), rgb.as_raw()).ok()?;
    let mut resized = RgbImage::new(width, height);
    let mut sink = TypedImage::<U8x3>::from_buffer(width, height, &mut resized).ok()?;
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Bilinear));
    // The typed call: the other one compiles every kind of pixel, a third of this crate's code.
    Resizer::new().resize_typed(&source, &mut sink, &options).ok()?;
    drop(sink);
    Some(resized)
}

#[cfg(test)]
mod tests {
    use image::Rgb;

    use super::*;

    #[test]
    fn halving_averages_pairs_of_a_checkerboard() {
        let board = RgbImage::from_fn(8, 8, |x, y| Rgb([if (x + y) % 2 == 0 { 200 } else { 100 }; 3]));
        let half = rescale(&board, 2.0).expect("another scale");
        assert_eq!(half.dimensions(), (4, 4));
        assert!((i32::from(half.get_pixel(1, 1).0[0]) - 150).abs() <= 1);
    }

    #[test]
    fn one_to_one_is_left_alone() {
        assert_eq!(rescale(&RgbImage::new(10, 10), 1.005), None);
    }
}
