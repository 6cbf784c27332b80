//! Plain pixels: flat background, common scale, optical density, distances. No word of smears.
//!
//! Images are 8-bit RGB, rows from the top; planes are row-major `f32` or `u32` of the same size. Optical density is
//! base 10: log10(background / value), 0 on the empty background, above 0 where light is absorbed.

use image::RgbImage;

/// Rows of a picture that one thread takes at least: those of a usual photograph, whose fields keep all threads busy anyway.
///
/// METHOD: sums are made for each band and then added, so that they do not depend on the number of threads.
pub const BAND_ROWS: usize = 512;

/// Pixels that one thread takes at least, where rows do not matter: those of a usual photograph.
pub const BAND_PX: usize = 1 << 19;

pub mod background;
pub mod counts;
pub mod density;
pub mod distance;
pub mod illuminated;
pub mod jpeg;
pub mod regions;
pub mod resample;
pub mod runs;

/// Two pieces of work on a picture, side by side where it is larger than a usual photograph.
///
/// METHOD: among many photographs a thread that takes a piece of another one's field makes that one wait: 1.5 % of 300 fields
/// on two threads.
pub fn both<A: Send, B: Send>(
    rgb: &RgbImage,
    one: impl FnOnce() -> A + Send,
    other: impl FnOnce() -> B + Send,
) -> (A, B) {
    if rgb.width() as usize * rgb.height() as usize > BAND_PX { rayon::join(one, other) } else { (one(), other()) }
}

/// Length of a vector.
///
/// METHOD: `hypot` is the C library's, and two of them differ in the last bit, with which a point of an outline may stand or fall. The
/// square root is rounded in one way only (IEEE 754). Pixels are far from the sizes at which the sum of squares overflows.
pub fn length(x: f64, y: f64) -> f64 {
    (x * x + y * y).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_pieces_are_done_whatever_the_size() {
        for side in [1, 725] {
            assert_eq!(both(&RgbImage::new(side, side), || 1, || "two"), (1, "two"), "{side}");
        }
    }
}
