//! Changes of a picture that leave its cells what they are.
//!
//! In: pixels. Out: pixels as another camera, operator or stain would have given them, or as the same file comes back when it
//! was turned, saved again or reduced on its way.

use std::str::FromStr;

use image::codecs::jpeg::JpegEncoder;
use image::imageops::FilterType;
use image::{ImageFormat, Rgb, RgbImage, imageops};
use imageproc::filter::gaussian_blur_f32;

/// Standard deviation of the blur, px: a slight defocus.
const BLUR_SIGMA_PX: f32 = 0.7;
/// Standard deviation of what sharpening takes away, px.
const SHARPEN_SIGMA_PX: f32 = 1.5;
/// Share of the difference that sharpening adds: as cameras do by default.
const SHARPEN_AMOUNT: f32 = 0.8;
/// Factor of the scale: between two adapters of one camera.
const SCALE_FACTOR: f64 = 1.12;

/// Quality of the JPEG of [`Change::Resave`], 1–100: what messengers and viewers save with.
const RESAVE_QUALITY: u8 = 75;

/// Quantile of a channel taken for the empty background.
const BACKGROUND_QUANTILE: f64 = 0.9;
/// Least optical density (natural) in green of a pixel taken for a cell: above noise, below the palest cell.
const CELL_DENSITY: f64 = 0.08;
/// Largest factor of a density, so that a film without color in a channel does not blow up.
const MAX_FACTOR: f64 = 3.0;

/// A change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::Display)]
#[strum(serialize_all = "snake_case")]
pub enum Change {
    /// Blurred: a slight defocus.
    Blur,
    /// Sharpened by an unsharp mask, as cameras do by default.
    Sharpen,
    /// The mean optical density of the cells in each channel brought to that of another film.
    Stain,
    /// Enlarged as by another adapter of the camera.
    Enlarge,
    /// Reduced as by another adapter of the camera.
    Reduce,
    /// Turned by a quarter.
    Turn,
    /// Mirrored left to right.
    Mirror,
    /// Saved again as JPEG.
    Resave,
    /// Moved by half a pixel to the right and down, as by another placing of the slide.
    Shift,
    /// Reduced to this percentage of its width and height, 1–99, as messengers do.
    #[strum(to_string = "shrink:{0}")]
    Shrink(u8),
}

impl Change {
    /// Every change that a film should bear, in the order of the table; no [`Change::Shrink`], whose limit is what is asked.
    pub const ALL: [Self; 9] = [
        Self::Blur,
        Self::Sharpen,
        Self::Stain,
        Self::Enlarge,
        Self::Reduce,
        Self::Turn,
        Self::Mirror,
        Self::Resave,
        Self::Shift,
    ];

    /// Factor that a pixel of the changed picture is smaller by.
    pub fn scale(self) -> f64 {
        match self {
            Self::Enlarge => SCALE_FACTOR,
            Self::Reduce => 1.0 / SCALE_FACTOR,
            Self::Shrink(percent) => f64::from(percent) / 100.0,
            _ => 1.0,
        }
    }

    /// The changed picture; `film` is the stain of its own film and `other` that of another one.
    pub fn of(self, rgb: &RgbImage, film: Stain, other: Stain) -> RgbImage {
        match self {
            Self::Blur => gaussian_blur_f32(rgb, BLUR_SIGMA_PX),
            Self::Sharpen => sharpened(rgb),
            Self::Stain => stained(rgb, film, other),
            Self::Enlarge | Self::Reduce => scaled(rgb, self.scale(), FilterType::CatmullRom),
            Self::Turn => imageops::rotate90(rgb),
            Self::Mirror => imageops::flip_horizontal(rgb),
            Self::Resave => saved_again(rgb),
            Self::Shift => shifted(rgb),
            Self::Shrink(_) => scaled(rgb, self.scale(), FilterType::Triangle),
        }
    }
}

/// A name that is no change.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected a change (blur, sharpen, stain, enlarge, reduce, turn, mirror, resave, shift, or shrink:PERCENT of 1 to 99), found \
     `{0}`"
)]
pub struct UnknownChange(pub String);

impl FromStr for Change {
    type Err = UnknownChange;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let shrink = name.strip_prefix("shrink:").and_then(|percent| percent.parse().ok());
        let shrink = shrink.filter(|percent| (1..100).contains(percent)).map(Self::Shrink);
        let plain = Self::ALL.into_iter().find(|change| change.to_string() == name);
        plain.or(shrink).ok_or_else(|| UnknownChange(name.to_owned()))
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

fn scaled(rgb: &RgbImage, factor: f64, filter: FilterType) -> RgbImage {
    let side = |side: u32| ((f64::from(side) * factor).round() as u32).max(1);
    imageops::resize(rgb, side(rgb.width()), side(rgb.height()), filter)
}

/// What a JPEG of the picture shows; the picture itself where it is too large for one.
fn saved_again(rgb: &RgbImage) -> RgbImage {
    let mut bytes = Vec::new();
    let coded = JpegEncoder::new_with_quality(&mut bytes, RESAVE_QUALITY).encode_image(rgb);
    let decoded = coded.and_then(|()| image::load_from_memory_with_format(&bytes, ImageFormat::Jpeg));
    decoded.map_or_else(|_| rgb.clone(), |picture| picture.to_rgb8())
}

/// Makes each pixel the mean of itself and its neighbors above and to the left. The first row and column repeat.
fn shifted(rgb: &RgbImage) -> RgbImage {
    RgbImage::from_fn(rgb.width(), rgb.height(), |x, y| {
        let (left, above) = (x.saturating_sub(1), y.saturating_sub(1));
        let four = [(x, y), (left, y), (x, above), (left, above)].map(|(x, y)| rgb.get_pixel(x, y).0.map(u16::from));
        Rgb(std::array::from_fn(|channel| ((four.iter().map(|pixel| pixel[channel]).sum::<u16>() + 2) / 4) as u8))
    })
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
            assert_eq!(change.to_string().parse(), Ok(change));
        }
        assert_eq!("shrink:50".parse(), Ok(Change::Shrink(50)));
        for name in ["warp", "shrink", "shrink:0", "shrink:100", "shrink:-5", "shrink:half"] {
            assert_eq!(name.parse::<Change>(), Err(UnknownChange(name.to_owned())));
        }
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

    #[test]
    fn a_turn_a_mirror_and_half_a_pixel_keep_what_is_shown() {
        let mut picture = RgbImage::from_pixel(4, 3, Rgb([10, 20, 30]));
        picture.put_pixel(0, 0, Rgb([90, 100, 110]));
        let none = Stain::default();
        let turned = Change::Turn.of(&picture, none, none);
        assert_eq!((turned.dimensions(), turned.get_pixel(2, 0).0), ((3, 4), [90, 100, 110]));
        assert_eq!(Change::Mirror.of(&picture, none, none).get_pixel(3, 0).0, [90, 100, 110]);
        let shifted = Change::Shift.of(&picture, none, none);
        assert_eq!((shifted.get_pixel(0, 0).0, shifted.get_pixel(1, 1).0), ([90, 100, 110], [30, 40, 50]));
        assert_eq!(shifted.get_pixel(1, 0).0, [50, 60, 70]);
        let small = Change::Shrink(50).of(&picture, none, none);
        assert_eq!((small.dimensions(), Change::Shrink(50).scale()), ((2, 2), 0.5));
        let saved = Change::Resave.of(&disc([200, 150, 160]), none, none);
        assert_eq!(saved.dimensions(), (60, 40));
        assert!(saved.get_pixel(2, 2).0.iter().zip([240, 235, 238]).all(|(found, was)| found.abs_diff(was) <= 3));
    }
}
