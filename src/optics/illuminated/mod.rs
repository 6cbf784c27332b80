//! The part of a picture that light has fallen on: what lies outside of it shows nothing of the specimen.
//!
//! In: RGB pixels. Out: an [`Illuminated`] part, a rectangle and, where an eyepiece or a diaphragm is seen, a disc in it;
//! `None` where the whole picture is lit. Order: 1. `bars`: uniform bars at the edges of the picture (letterboxes, panels
//! under the picture) are cut off; 2. `disc`: a dark surround whose rim is a circle or a part of one.
//!
//! METHOD: two plain shapes instead of a mask of pixels. A dark cell at the rim then dents nothing, a part is brought to
//! another scale without resampling, and each row is one span of pixels.
//!
//! Limits: a surround of another shape, and one that is not much darker (`disc`), is taken for a part of the
//! picture; so are bars inside of it.

mod bars;
mod disc;

use std::ops::Range;

use crate::optics::length;
use image::RgbImage;

/// The lit part of a picture, pixels; x right, y down, origin at the top-left corner of the picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Illuminated {
    width: u32,
    height: u32,
    /// Left, top, right, bottom of the picture without its bands.
    frame: [f64; 4],
    disc: Option<Disc>,
}

/// What is seen of a round field; an ellipse only by the rounding of a change of scale.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Disc {
    center: [f64; 2],
    radii: [f64; 2],
}

impl Disc {
    /// Distance from the center in radii.
    fn reach(&self, [x, y]: [f64; 2]) -> f64 {
        length((x - self.center[0]) / self.radii[0], (y - self.center[1]) / self.radii[1])
    }
}

impl Illuminated {
    /// Finds the lit part of a picture; `None` where that is all of it.
    pub fn find(rgb: &RgbImage) -> Option<Self> {
        let (width, height) = rgb.dimensions();
        if width == 0 || height == 0 {
            return None;
        }
        let frame = bars::frame_within(rgb);
        let disc = disc::find(rgb, frame).map(|disc| Disc { center: disc.center, radii: [disc.radius; 2] });
        let is_whole = frame == [0, 0, width, height] && disc.is_none();
        (!is_whole).then(|| Self { width, height, frame: frame.map(f64::from), disc })
    }

    /// The same part of the same picture at another scale.
    pub fn scaled_to(&self, width: u32, height: u32) -> Self {
        let ratio = [f64::from(width) / f64::from(self.width), f64::from(height) / f64::from(self.height)];
        let scaled = |point: [f64; 2]| [point[0] * ratio[0], point[1] * ratio[1]];
        let [left, top, right, bottom] = self.frame;
        let ([left, top], [right, bottom]) = (scaled([left, top]), scaled([right, bottom]));
        let disc = self.disc.map(|disc| Disc { center: scaled(disc.center), radii: scaled(disc.radii) });
        Self { width, height, frame: [left, top, right, bottom], disc }
    }

    /// The lit part of a rectangle of the picture, in pixels of that rectangle.
    pub fn within(&self, x: u32, y: u32, width: u32, height: u32) -> Self {
        let origin = [f64::from(x), f64::from(y)];
        let moved = |point: [f64; 2]| [point[0] - origin[0], point[1] - origin[1]];
        let side = |at: f64, most: u32| at.clamp(0.0, f64::from(most));
        let [left, top, right, bottom] = self.frame;
        let ([left, top], [right, bottom]) = (moved([left, top]), moved([right, bottom]));
        let frame = [side(left, width), side(top, height), side(right, width), side(bottom, height)];
        let disc = self.disc.map(|disc| Disc { center: moved(disc.center), radii: disc.radii });
        Self { width, height, frame, disc }
    }

    /// The part without a border of this width; sides that are sides of the picture stay.
    pub fn without_border(&self, border_px: f64) -> Self {
        let [left, top, right, bottom] = self.frame;
        let low = |side: f64| if side > 0.0 { side + border_px } else { side };
        let high = |side: f64, most: u32| if side < f64::from(most) { side - border_px } else { side };
        let frame = [low(left), low(top), high(right, self.width), high(bottom, self.height)];
        let disc = self.disc.map(|disc| Disc { radii: disc.radii.map(|radius| (radius - border_px).max(0.0)), ..disc });
        Self { frame, disc, ..self.clone() }
    }

    /// Width and height of the picture, pixels.
    pub fn dimensions(&self) -> (u32, u32) {
        (self.width, self.height)
    }

    /// Columns of a row whose pixels have their centers in the part.
    pub fn row(&self, y: u32) -> Range<u32> {
        let middle = f64::from(y) + 0.5;
        let [mut left, top, mut right, bottom] = self.frame;
        if middle < top || middle > bottom {
            return 0..0;
        }
        if let Some(Disc { center, radii }) = self.disc {
            let off = (middle - center[1]) / radii[1].max(f64::MIN_POSITIVE);
            let half = radii[0] * (1.0 - off * off).max(0.0).sqrt();
            if half == 0.0 {
                return 0..0;
            }
            left = left.max(center[0] - half);
            right = right.min(center[0] + half);
        }
        let column = |side: f64| (side - 0.5).ceil().clamp(0.0, f64::from(self.width)) as u32;
        let (start, end) = (column(left), column(right));
        start..end.max(start)
    }

    /// Whether a point lies in the part.
    pub fn contains(&self, [x, y]: [f64; 2]) -> bool {
        let [left, top, right, bottom] = self.frame;
        x >= left && x <= right && y >= top && y <= bottom && self.disc.is_none_or(|disc| disc.reach([x, y]) <= 1.0)
    }

    /// Distance of a point from the middle of the disc, in radii; `None` where the part is no disc.
    pub fn reach(&self, point: [f64; 2]) -> Option<f64> {
        self.disc.map(|disc| disc.reach(point))
    }

    /// Pixels of the part.
    pub fn area_px(&self) -> u64 {
        (0..self.height).map(|y| self.row(y).len() as u64).sum()
    }

    /// Share of the picture that is lit, 0–1.
    pub fn share(&self) -> f64 {
        self.area_px() as f64 / (f64::from(self.width) * f64::from(self.height))
    }

    /// Middle of the part's bounds.
    pub fn middle(&self) -> [f64; 2] {
        let [left, top, right, bottom] = self.frame;
        let ([mut low_x, mut low_y], [mut high_x, mut high_y]) = ([left, top], [right, bottom]);
        if let Some(Disc { center, radii }) = self.disc {
            (low_x, high_x) = (low_x.max(center[0] - radii[0]), high_x.min(center[0] + radii[0]));
            (low_y, high_y) = (low_y.max(center[1] - radii[1]), high_y.min(center[1] + radii[1]));
        }
        [(low_x + high_x) / 2.0, (low_y + high_y) / 2.0]
    }

    /// Sets every channel of the pixels outside.
    ///
    /// # Panics
    /// Where `rgb` has another size than the picture.
    pub fn fill_outside(&self, rgb: &mut RgbImage, value: u8) {
        assert_eq!(rgb.dimensions(), (self.width, self.height), "the picture of the part");
        let row_bytes = 3 * self.width as usize;
        for (y, row) in rgb.chunks_exact_mut(row_bytes.max(1)).enumerate() {
            let Range { start, end } = self.row(y as u32);
            row[..3 * start as usize].fill(value);
            row[3 * end as usize..].fill(value);
        }
    }
}

#[cfg(test)]
mod tests;
