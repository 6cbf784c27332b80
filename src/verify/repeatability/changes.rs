//! Changes of a picture that leave its cells what they are.
//!
//! In: pixels. Out: pixels as another camera, operator or stain would have given them.

use std::fmt;
use std::str::FromStr;

use image::imageops::FilterType;
use image::{Rgb, RgbImage, imageops};
use imageproc::filter::gaussian_blur_f32;

/// Standard deviation of the blur, px: a slight defocus.
pub const BLUR_SIGMA_PX: f32 = 0.7;
/// Standard deviation of what sharpening takes away, px.
pub const SHARPEN_SIGMA_PX: f32 = 1.5;
/// Share of the difference that sharpening adds: as cameras do by default.
pub const SHARPEN_AMOUNT: f32 = 0.8;
/// Factor of the scale: between two adapters of one camera.
pub const SCALE_FACTOR: f64 = 1.12;

/// Quantile of a channel taken for the empty background.
const BACKGROUND_QUANTILE: f64 = 0.9;
/// Least optical density (natural) in green of a pixel taken for a cell: above noise, below the palest cell.
const CELL_DENSITY: f64 = 0.08;
/// Largest factor of a density, so that a film without color in a channel does not blow up.
const MAX_FACTOR: f64 = 3.0;

/// A change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Blurred by [`BLUR_SIGMA_PX`].
    Blur,
    /// Sharpened by an unsharp mask of [`SHARPEN_SIGMA_PX`] and [`SHARPEN_AMOUNT`].
    Sharpen,
    /// The mean optical density of the cells in each channel brought to that of another film.
    Stain,
    /// Enlarged by [`SCALE_FACTOR`].
    Enlarge,
    /// Reduced by [`SCALE_FACTOR`].
    Reduce,
}

impl Change {
    /// Every change, in the order of the table.
    pub const ALL: [Self; 5] = [Self::Blur, Self::Sharpen, Self::Stain, Self::Enlarge, Self::Reduce];

    /// Name as typed and written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Blur => "blur",
            Self::Sharpen => "sharpen",
            Self::Stain => "stain",
            Self::Enlarge => "enlarge",
            Self::Reduce => "reduce",
        }
    }

    /// Factor that a pixel of the changed picture is smaller by.
    pub fn scale(self) -> f64 {
        match self {
            Self::Enlarge => SCALE_FACTOR,
            Self::Reduce => 1.0 / SCALE_FACTOR,
            _ => 1.0,
        }
    }

    /// The changed picture; `film` is the stain of its own film and `other` that of another one.
    pub fn of(self, rgb: &RgbImage, film: Stain, other: Stain) -> RgbImage {
        match self {
            Self::Blur => gaussian_blur_f32(rgb, BLUR_SIGMA_PX),
            Self::Sharpen => sharpened(rgb),
            Self::Stain => stained(rgb, film, other),
            Self::Enlarge | Self::Reduce => scaled(rgb, self.scale()),
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that is no change.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected a change (blur, sharpen, stain, enlarge or reduce), found `{0}`")]
pub struct UnknownChange(pub String);

impl FromStr for Change {
    type Err = UnknownChange;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|change| change.name() == name).ok_or_else(|| UnknownChange(name.to_owned()))
    }
}

/// Color of a film: the sum of the optical densities of its cells in red, green, blue, and their pixels.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Stain {
    density_sum: [f64; 3],
    pixels: f64,
}

impl Stain {
    /// Stain of one picture.
    pub fn of(rgb: &RgbImage) -> Self {
        let background = background(rgb);
        let mut stain = Self::default();
        for pixel in rgb.pixels() {
            let densities = densities(pixel, background);
            if densities[1] >= CELL_DENSITY {
                (0..3).for_each(|channel| stain.density_sum[channel] += densities[channel]);
                stain.pixels += 1.0;
            }
        }
        stain
    }

    /// Both pictures together.
    pub fn plus(&self, other: &Self) -> Self {
        Self {
            density_sum: std::array::from_fn(|channel| self.density_sum[channel] + other.density_sum[channel]),
            pixels: self.pixels + other.pixels,
        }
    }

    /// Mean density of a channel; `None` without a cell.
    fn mean(&self, channel: usize) -> Option<f64> {
        (self.pixels > 0.0).then(|| self.density_sum[channel] / self.pixels)
    }
}

/// The brightest that is usual in each channel.
fn background(rgb: &RgbImage) -> [f64; 3] {
    let mut counts = [[0_u64; 256]; 3];
    for pixel in rgb.pixels() {
        (0..3).for_each(|channel| counts[channel][usize::from(pixel.0[channel])] += 1);
    }
    let wanted = BACKGROUND_QUANTILE * f64::from(rgb.width()) * f64::from(rgb.height());
    counts.map(|counts| {
        let mut seen = 0;
        let reached = counts.iter().position(|count| {
            seen += count;
            seen as f64 >= wanted
        });
        reached.unwrap_or(255) as f64
    })
}

/// Natural optical density of a pixel in each channel.
fn densities(pixel: &Rgb<u8>, background: [f64; 3]) -> [f64; 3] {
    std::array::from_fn(|channel| ((background[channel] + 1.0) / (f64::from(pixel.0[channel]) + 1.0)).ln())
}

fn sharpened(rgb: &RgbImage) -> RgbImage {
    let soft = gaussian_blur_f32(rgb, SHARPEN_SIGMA_PX);
    let mut sharp = rgb.clone();
    for (pixel, soft) in sharp.pixels_mut().zip(soft.pixels()) {
        for channel in 0..3 {
            let (value, soft) = (f32::from(pixel.0[channel]), f32::from(soft.0[channel]));
            pixel.0[channel] = (value + SHARPEN_AMOUNT * (value - soft)).round().clamp(0.0, 255.0) as u8;
        }
    }
    sharp
}

fn stained(rgb: &RgbImage, film: Stain, other: Stain) -> RgbImage {
    let background = background(rgb);
    let factors: [f64; 3] = std::array::from_fn(|channel| {
        let factor = other.mean(channel).zip(film.mean(channel)).map(|(other, own)| other / own);
        factor.filter(|factor| factor.is_finite()).unwrap_or(1.0).clamp(1.0 / MAX_FACTOR, MAX_FACTOR)
    });
    let mut stained = rgb.clone();
    for pixel in stained.pixels_mut() {
        let densities = densities(pixel, background);
        for channel in 0..3 {
            // What is brighter than the background has no stain to change.
            let density = densities[channel] * if densities[channel] > 0.0 { factors[channel] } else { 1.0 };
            let value = (background[channel] + 1.0) * (-density).exp() - 1.0;
            pixel.0[channel] = value.round().clamp(0.0, 255.0) as u8;
        }
    }
    stained
}

fn scaled(rgb: &RgbImage, factor: f64) -> RgbImage {
    let side = |side: u32| ((f64::from(side) * factor).round() as u32).max(1);
    imageops::resize(rgb, side(rgb.width()), side(rgb.height()), FilterType::CatmullRom)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A pink disc of radius 10 px on a light ground.
    fn disc(cell: [u8; 3]) -> RgbImage {
        RgbImage::from_fn(60, 40, |x, y| {
            let inside = (f64::from(x) - 30.0).hypot(f64::from(y) - 20.0) <= 10.0;
            Rgb(if inside { cell } else { [240, 235, 238] })
        })
    }

    #[test]
    fn names_are_told_and_others_refused() {
        for change in Change::ALL {
            assert_eq!(change.name().parse(), Ok(change));
        }
        assert_eq!("warp".parse::<Change>(), Err(UnknownChange("warp".to_owned())));
    }

    #[test]
    fn blur_and_sharpening_move_the_edge_and_leave_the_plain_parts() {
        let picture = disc([200, 150, 160]);
        let none = Stain::default();
        let (soft, sharp) = (Change::Blur.of(&picture, none, none), Change::Sharpen.of(&picture, none, none));
        for (changed, (x, y)) in [(&soft, (2, 2)), (&soft, (30, 20)), (&sharp, (2, 2)), (&sharp, (30, 20))] {
            // The kernel is rounded, so that a plain part may move by one gray value.
            for (found, was) in changed.get_pixel(x, y).0.into_iter().zip(picture.get_pixel(x, y).0) {
                assert!(found.abs_diff(was) <= 1, "{found} {was} at {x}, {y}");
            }
        }
        // The last pixel inside on the row of the center.
        let edge = |picture: &RgbImage| picture.get_pixel(40, 20).0[1];
        assert!(edge(&soft) > edge(&picture) && edge(&sharp) < edge(&picture));
    }

    #[test]
    fn the_stain_of_another_film_is_taken_over() {
        let (pale, dark) = (disc([220, 190, 200]), disc([205, 140, 155]));
        let (from, to) = (Stain::of(&pale), Stain::of(&dark));
        let changed = Change::Stain.of(&pale, from, to);
        assert_eq!(changed.get_pixel(2, 2).0, [240, 235, 238]);
        let found = changed.get_pixel(30, 20).0;
        for (found, wanted) in found.iter().zip([205, 140, 155]) {
            assert!(found.abs_diff(wanted) <= 1, "{found} {wanted}");
        }
        assert_eq!(Change::Stain.of(&pale, from, from), pale);
        assert_eq!(Change::Stain.of(&pale, Stain::default(), to), pale);
    }

    #[test]
    fn scaling_both_ways_keeps_the_field() {
        let picture = disc([200, 150, 160]);
        let none = Stain::default();
        assert_eq!(Change::Enlarge.of(&picture, none, none).dimensions(), (67, 45));
        assert_eq!(Change::Reduce.of(&picture, none, none).dimensions(), (54, 36));
        assert!((Change::Enlarge.scale() * Change::Reduce.scale() - 1.0).abs() < 1e-12);
    }
}
