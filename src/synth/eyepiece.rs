//! A field as a camera held to the eyepiece sees it: a bright disc in a dark surround.
//!
//! In: a picture of the field, drawn or real, and an [`Eyepiece`]. Out: 8-bit RGB of the same size. Order: color fringe
//! (red and blue magnified against green, growing toward the rim), blur and fall of light toward the rim, glare, the soft
//! edge, the surround with its noise. Limits: made of pixels as a camera stores them, not of light; no distortion.

use image::imageops::blur;
use image::{Rgb, RgbImage};

use super::chance::Stream;
use super::outline::{Point, clipped_by};

/// Sides of the polygon that stands for the disc in the truth: it lies within 0.03 % of the radius.
const TRUTH_SIDES: usize = 128;
/// Noise of the surround, gray values (standard deviation).
const SURROUND_NOISE_GRAY: f64 = 2.5;

/// How a field is seen through an eyepiece; lengths in pixels of the picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Eyepiece {
    /// Middle of the disc.
    pub center_px: [f64; 2],
    /// Radius at which half of the light is left.
    pub radius_px: f64,
    /// Width of the soft edge, from 12 to 88 % of the light.
    pub edge_px: f64,
    /// Light at the rim over that in the middle, 0–1.
    pub rim_light: f64,
    /// Power of the distance by which light falls and blur grows toward the rim.
    pub rim_power: f64,
    /// Blur at the rim, standard deviation.
    pub rim_blur_px: f64,
    /// Shift of red outward and of blue inward at the rim.
    pub fringe_px: f64,
    /// Middle of a spot of glare.
    pub glare_px: [f64; 2],
    /// Standard deviation of the spot.
    pub glare_width_px: f64,
    /// Light that it adds in its middle, share of what is missing to white, 0–1.
    pub glare: f64,
    /// Color of the surround, gray values.
    pub surround: [f64; 3],
}

impl Eyepiece {
    /// An eyepiece drawn for a picture of this size: the disc whole or cut by the frame, a little off the middle; the same for
    /// the same seed.
    pub fn drawn(width_px: u32, height_px: u32, seed: u64) -> Self {
        Self::draw(width_px, height_px, &mut Stream::new(seed, 0))
    }

    /// See [`Self::drawn`].
    pub(super) fn draw(width_px: u32, height_px: u32, stream: &mut Stream) -> Self {
        let (width, height) = (f64::from(width_px), f64::from(height_px));
        let half_diagonal = width.hypot(height) / 2.0;
        let radius_px = half_diagonal * stream.between(0.48, 0.96);
        let center_px = [
            width / 2.0 + 0.08 * width * stream.between(-1.0, 1.0),
            height / 2.0 + 0.08 * height * stream.between(-1.0, 1.0),
        ];
        let (sin, cos) = stream.angle().sin_cos();
        let off = radius_px * stream.between(0.2, 0.8);
        let gray = stream.between(2.0, 25.0);
        let brown = stream.between(0.4, 1.0);
        Self {
            center_px,
            radius_px,
            edge_px: radius_px * stream.between(0.008, 0.05),
            rim_light: stream.between(0.5, 0.9),
            rim_power: stream.between(2.0, 8.0),
            rim_blur_px: radius_px * stream.between(0.0, 0.008),
            fringe_px: radius_px * stream.between(0.0, 0.006),
            glare_px: [center_px[0] + off * cos, center_px[1] + off * sin],
            glare_width_px: radius_px * stream.between(0.05, 0.15),
            glare: stream.between(0.0, 0.8),
            surround: [gray, gray * (1.0 + brown) / 2.0, gray * brown],
        }
    }

    /// The picture of a field as it is seen; the same seed gives the same noise.
    pub fn photograph(&self, field: &RgbImage, seed: u64) -> RgbImage {
        self.photographed(field, &mut Stream::new(seed, 0))
    }

    pub(super) fn photographed(&self, field: &RgbImage, noise: &mut Stream) -> RgbImage {
        let soft = if self.rim_blur_px > 0.0 { blur(field, self.rim_blur_px as f32) } else { field.clone() };
        let mut seen = RgbImage::new(field.width(), field.height());
        for (x, y, pixel) in seen.enumerate_pixels_mut() {
            let at = [f64::from(x) + 0.5, f64::from(y) + 0.5];
            let off = [at[0] - self.center_px[0], at[1] - self.center_px[1]];
            let distance = off[0].hypot(off[1]);
            let rim = (distance / self.radius_px).min(1.5);
            // Light and blur hardly change in the middle and fast at the rim.
            let outer = rim.powf(self.rim_power).min(1.0);
            let lamp = 1.0 - (1.0 - self.rim_light) * outer;
            let inside = 1.0 / (1.0 + (4.0 * (distance - self.radius_px) / self.edge_px.max(0.1)).exp());
            let spot = [at[0] - self.glare_px[0], at[1] - self.glare_px[1]];
            let spot = self.glare * (-0.5 * (spot[0].hypot(spot[1]) / self.glare_width_px.max(1.0)).powi(2)).exp();
            *pixel = Rgb(std::array::from_fn(|channel| {
                let shift = self.fringe_px * (1.0 - channel as f64) * rim.powi(3) / distance.max(1.0);
                let source = [at[0] - off[0] * shift, at[1] - off[1] * shift];
                let sharp = bilinear(field, source, channel);
                let light = lamp * (sharp + outer * (bilinear(&soft, source, channel) - sharp));
                let light = light + spot * (255.0 - light);
                let dark = self.surround[channel] + SURROUND_NOISE_GRAY * noise.normal();
                (dark * (1.0 - inside) + light * inside).round().clamp(0.0, 255.0) as u8
            }));
        }
        seen
    }

    /// The part of an outline within the disc without its soft edge; empty where nothing is.
    pub(super) fn seen(&self, outline: &[Point]) -> Vec<Point> {
        let radius = self.radius_px - self.edge_px / 2.0;
        let corners = (0..TRUTH_SIDES).map(|side| {
            let (sin, cos) = (std::f64::consts::TAU * side as f64 / TRUTH_SIDES as f64).sin_cos();
            [self.center_px[0] + radius * cos, self.center_px[1] + radius * sin]
        });
        clipped_by(outline, &corners.collect::<Vec<_>>())
    }
}

/// Value of a channel at a point, bilinear between pixel centers; edges repeat.
fn bilinear(rgb: &RgbImage, [x, y]: [f64; 2], channel: usize) -> f64 {
    let place = |at: f64, side: u32| {
        let at = (at - 0.5).clamp(0.0, f64::from(side - 1));
        let low = (at as u32).min(side.saturating_sub(2));
        (low, (low + 1).min(side - 1), at - f64::from(low))
    };
    let ((left, right, u), (top, bottom, v)) = (place(x, rgb.width()), place(y, rgb.height()));
    let value = |x: u32, y: u32| f64::from(rgb.get_pixel(x, y).0[channel]);
    let upper = value(left, top) * (1.0 - u) + value(right, top) * u;
    let lower = value(left, bottom) * (1.0 - u) + value(right, bottom) * u;
    upper * (1.0 - v) + lower * v
}

#[cfg(test)]
mod tests {
    use super::*;

    fn eyepiece() -> Eyepiece {
        Eyepiece {
            center_px: [50.0, 40.0],
            radius_px: 30.0,
            edge_px: 2.0,
            rim_light: 0.5,
            rim_power: 4.0,
            rim_blur_px: 0.5,
            fringe_px: 0.0,
            glare_px: [50.0, 40.0],
            glare_width_px: 3.0,
            glare: 0.0,
            surround: [20.0, 15.0, 10.0],
        }
    }

    #[test]
    fn the_middle_is_the_field_the_rim_darker_and_the_surround_its_color() {
        let field = RgbImage::from_pixel(100, 80, Rgb([200; 3]));
        let seen = eyepiece().photograph(&field, 1);
        assert_eq!(seen.get_pixel(50, 40).0, [200; 3]);
        let rim = f64::from(seen.get_pixel(50, 13).0[1]);
        assert!((rim - 200.0 * (1.0 - 0.5 * (26.5f64 / 30.0).powi(4))).abs() < 2.0, "{rim}");
        for (value, expected) in seen.get_pixel(3, 3).0.into_iter().zip([20.0, 15.0, 10.0]) {
            assert!((f64::from(value) - expected).abs() < 4.0 * SURROUND_NOISE_GRAY, "{value} for {expected}");
        }
        assert_eq!(eyepiece().photograph(&field, 1), seen);
    }

    #[test]
    fn an_outline_is_seen_as_far_as_the_disc_goes() {
        let square = |x: f64| [[x, 38.0], [x + 4.0, 38.0], [x + 4.0, 42.0], [x, 42.0]];
        assert_eq!(eyepiece().seen(&square(40.0)).len(), 4);
        let cut = eyepiece().seen(&square(77.0));
        assert!(cut.iter().all(|point| point[0] < 79.1) && cut.len() >= 4, "{cut:?}");
        assert_eq!(eyepiece().seen(&square(90.0)), Vec::<Point>::new());
    }
}
