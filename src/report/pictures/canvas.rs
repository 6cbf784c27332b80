//! Lines and text on a picture, and the colors of outlines in files without a style sheet: GeoJSON and pictures.
//!
//! Outlines are drawn by a round pen that walks along them in steps of half a pixel; text is set in the bitmap fonts of
//! `embedded-graphics`, so that no font file is needed and every machine draws the same pixels.
//!
//! METHOD: vermilion, blue and grey differ in lightness as well as in hue and stay apart for the three kinds of color
//! vision deficiency; the first two are of the palette of Okabe and Ito (Color Universal Design, 2008). Pictures say the
//! same by the thickness of the line and the number beside it.

use std::convert::Infallible;

use crate::optics::length;
use embedded_graphics::Drawable;
use embedded_graphics::Pixel;
use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{OriginDimensions, Point, Size};
use embedded_graphics::mono_font::iso_8859_1::{FONT_7X13, FONT_7X13_BOLD};
use embedded_graphics::mono_font::{MonoFont, MonoTextStyle};
use embedded_graphics::pixelcolor::{Rgb888, RgbColor};
use embedded_graphics::text::{Baseline, Text};
use image::{Rgb, RgbImage};
use imageproc::drawing::{draw_filled_circle_mut, draw_filled_rect_mut};
use imageproc::rect::Rect;

/// A cell counted as a schistocyte: vermilion.
pub(in crate::report) const SCHISTOCYTE: [u8; 3] = [213, 94, 0];

/// Another counted red cell: blue.
pub(in crate::report) const COUNTED: [u8; 3] = [0, 114, 178];

/// An object that was left out: grey.
pub(in crate::report) const EXCLUDED: [u8; 3] = [128, 128, 128];

/// Text and frames.
pub(super) const INK: [u8; 3] = [27, 36, 41];

/// Ground under text, and the line around a strong outline.
pub(super) const PAPER: [u8; 3] = [255, 255, 255];

/// Width of a character, px.
pub(super) const CHAR_WIDTH_PX: u32 = 7;

/// Height of a line of text, px.
pub(super) const LINE_HEIGHT_PX: u32 = 16;

/// Space around text, px.
pub(super) const MARGIN_PX: u32 = 8;

/// Length of a dash and of the gap behind it, px.
const DASH_PX: f64 = 5.0;

/// Step of the pen, px.
const STEP_PX: f64 = 0.5;

/// How an outline is drawn.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stroke {
    /// Color.
    pub(super) color: [u8; 3],
    /// Radius of the pen, px; 0 is a single pixel.
    pub(super) radius_px: i32,
    /// Whether it is dashed.
    pub(super) dashed: bool,
}

/// Draws a closed outline.
pub(super) fn outline(picture: &mut RgbImage, points: &[[f64; 2]], stroke: Stroke) {
    let mut walked = 0.0;
    for (a, b) in points.iter().zip(points.iter().cycle().skip(1)) {
        let length = length(b[0] - a[0], b[1] - a[1]);
        let steps = (length / STEP_PX).ceil().max(1.0) as u32;
        for step in 0..steps {
            let along = f64::from(step) / f64::from(steps);
            let drawn = !stroke.dashed || (((walked + along * length) / DASH_PX) as u64).is_multiple_of(2);
            if drawn {
                // A position is a point of the plane; the pixel that holds it is its whole part.
                let [x, y] = [0, 1].map(|axis| (a[axis] + along * (b[axis] - a[axis])).floor() as i32);
                dot(picture, x, y, stroke);
            }
        }
        walked += length;
    }
}

fn dot(picture: &mut RgbImage, x: i32, y: i32, stroke: Stroke) {
    if stroke.radius_px > 0 {
        draw_filled_circle_mut(picture, (x, y), stroke.radius_px, Rgb(stroke.color));
    } else if let (Ok(x), Ok(y)) = (u32::try_from(x), u32::try_from(y))
        && x < picture.width()
        && y < picture.height()
    {
        picture.put_pixel(x, y, Rgb(stroke.color));
    }
}

/// Writes a line of text with its top left corner at `x`, `y`.
pub(super) fn line(picture: &mut RgbImage, text: &str, x: i32, y: i32, color: [u8; 3], bold: bool) {
    let font: &MonoFont<'_> = if bold { &FONT_7X13_BOLD } else { &FONT_7X13 };
    let [red, green, blue] = color;
    let style = MonoTextStyle::new(font, Rgb888::new(red, green, blue));
    // Drawing on a picture in memory cannot fail.
    let Ok(_) = Text::with_baseline(text, Point::new(x, y), style, Baseline::Top).draw(&mut Target(picture));
}

/// Writes a short text on a ground of paper, inside the picture where it would leave it.
pub(super) fn tag(picture: &mut RgbImage, text: &str, x: i32, y: i32, color: [u8; 3]) {
    let (width, height) = (CHAR_WIDTH_PX * text.chars().count() as u32 + 2, LINE_HEIGHT_PX - 2);
    let most = |size: u32, taken: u32| i32::try_from(size.saturating_sub(taken)).unwrap_or(i32::MAX);
    let (x, y) = (x.clamp(0, most(picture.width(), width)), y.clamp(0, most(picture.height(), height)));
    draw_filled_rect_mut(picture, Rect::at(x, y).of_size(width, height), Rgb(PAPER));
    line(picture, text, x + 1, y, color, true);
}

/// A text in lines of at most `width_px`, broken at spaces, longer words where they must be.
pub(super) fn wrapped(text: &str, width_px: u32) -> Vec<String> {
    let most = (width_px / CHAR_WIDTH_PX).max(1) as usize;
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let mut rest: Vec<char> = word.chars().collect();
        while !rest.is_empty() {
            let Some(last) = lines.last_mut() else { break };
            let used = last.chars().count();
            let space = usize::from(used > 0);
            if used + space + rest.len() <= most {
                if space > 0 {
                    last.push(' ');
                }
                last.extend(rest.drain(..));
            } else if used == 0 {
                last.extend(rest.drain(..most));
            } else {
                lines.push(String::new());
            }
        }
    }
    lines
}

/// A picture that the text library draws on.
struct Target<'a>(&'a mut RgbImage);

impl OriginDimensions for Target<'_> {
    fn size(&self) -> Size {
        Size::new(self.0.width(), self.0.height())
    }
}

impl DrawTarget for Target<'_> {
    type Color = Rgb888;
    type Error = Infallible;

    fn draw_iter<I: IntoIterator<Item = Pixel<Rgb888>>>(&mut self, pixels: I) -> Result<(), Infallible> {
        for Pixel(at, color) in pixels {
            if let (Ok(x), Ok(y)) = (u32::try_from(at.x), u32::try_from(at.y))
                && x < self.0.width()
                && y < self.0.height()
            {
                self.0.put_pixel(x, y, Rgb([color.r(), color.g(), color.b()]));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(picture: &RgbImage) -> Vec<(u32, u32)> {
        picture.enumerate_pixels().filter(|(.., pixel)| pixel.0 == [9; 3]).map(|(x, y, _)| (x, y)).collect()
    }

    #[test]
    fn a_thin_outline_passes_through_the_pixels_of_its_points_and_stays_inside() {
        let mut picture = RgbImage::new(6, 5);
        let square = [[1.0, 1.0], [3.0, 1.0], [3.0, 3.0], [1.0, 3.0]];
        outline(&mut picture, &square, Stroke { color: [9; 3], radius_px: 0, dashed: false });
        let expected = [(1, 1), (2, 1), (3, 1), (1, 2), (3, 2), (1, 3), (2, 3), (3, 3)];
        assert_eq!(drawn(&picture), expected);
        let far = [[-50.0, -50.0], [500.0, 2.5], [2.0, 900.0]];
        outline(&mut picture, &far, Stroke { color: [9; 3], radius_px: 2, dashed: true });
    }

    #[test]
    fn a_dashed_outline_is_half_as_long() {
        let square = [[5.0, 5.0], [105.0, 5.0], [105.0, 105.0], [5.0, 105.0]];
        let pixels = |dashed| {
            let mut picture = RgbImage::new(111, 111);
            outline(&mut picture, &square, Stroke { color: [9; 3], radius_px: 0, dashed });
            drawn(&picture).len() as f64
        };
        let share = pixels(true) / pixels(false);
        assert!((0.45..=0.55).contains(&share), "{share}");
    }

    #[test]
    fn text_is_broken_at_spaces_and_long_words_where_they_must_be() {
        assert_eq!(wrapped("one two three", 7 * CHAR_WIDTH_PX), ["one two", "three"]);
        assert_eq!(wrapped("abcdefgh ij", 3 * CHAR_WIDTH_PX), ["abc", "def", "gh", "ij"]);
        assert_eq!(wrapped("", 70), [""]);
        assert_eq!(wrapped("ab", 0), ["a", "b"]);
    }

    #[test]
    fn a_tag_stays_inside_the_picture_and_leaves_ink() {
        let mut picture = RgbImage::from_pixel(40, 20, Rgb([100; 3]));
        tag(&mut picture, "27", 90, 90, [9; 3]);
        let ink = drawn(&picture);
        assert!(!ink.is_empty() && ink.iter().all(|&(x, y)| x >= 24 && y >= 6), "{ink:?}");
        tag(&mut picture, "a text that is far longer than the picture", 0, 0, [9; 3]);
    }
}
