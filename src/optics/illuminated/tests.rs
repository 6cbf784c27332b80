//! The lit part of drawn pictures: where it must be found, and where there is none.

use image::{Rgb, imageops};
use proptest::prelude::*;

use super::*;

const WIDTH: u32 = 320;
const HEIGHT: u32 = 240;
const CENTER: [f64; 2] = [150.0, 125.0];

/// A hash of the position: noise without a pattern, 0–7.
fn noise(x: u32, y: u32) -> u8 {
    ((x.wrapping_mul(0x9E37_79B1) ^ y.wrapping_mul(0x85EB_CA6B)).wrapping_mul(0xC2B2_AE35) >> 29) as u8
}

/// Light with cells: every fifth 8-pixel square of a row, moved from row to row, is a cell of 60 %.
fn field(x: u32, y: u32) -> f64 {
    if (x / 8 + 2 * (y / 8)).is_multiple_of(5) { 126.0 } else { 210.0 }
}

/// The field in a disc whose edge is a logistic step of this width, in a surround of these values with noise.
fn eyepiece(radius: f64, edge_px: f64, surround: [u8; 3]) -> RgbImage {
    RgbImage::from_fn(WIDTH, HEIGHT, |x, y| {
        let distance = (f64::from(x) + 0.5 - CENTER[0]).hypot(f64::from(y) + 0.5 - CENTER[1]);
        let inside = 1.0 / (1.0 + (4.0 * (distance - radius) / edge_px).exp());
        let dark = surround.map(|value| f64::from(value + noise(x, y)));
        Rgb(dark.map(|dark| (dark + inside * (field(x, y) - dark)) as u8))
    })
}

/// Light that falls to `corner` of its height in the corners.
fn vignetted(corner: f64) -> RgbImage {
    RgbImage::from_fn(WIDTH, HEIGHT, |x, y| {
        let distance = (f64::from(x) - 160.0).hypot(f64::from(y) - 120.0) / 200.0;
        // The fourth power of a cosine, as a lens has it.
        let cosine = 1.0 - (1.0 - corner.powf(0.25)) * distance * distance;
        Rgb([(field(x, y) * cosine.powi(4)) as u8; 3])
    })
}

fn disc(found: &Illuminated) -> ([f64; 2], f64) {
    let disc = found.disc.expect("a disc");
    (disc.center, disc.radii[0])
}

#[test]
fn a_picture_without_a_surround_is_lit_all_over() {
    let plain = RgbImage::from_fn(WIDTH, HEIGHT, |x, y| Rgb([field(x, y) as u8; 3]));
    assert_eq!(Illuminated::find(&plain), None);
    for corner in [0.7, 0.3, 0.15, 0.05] {
        assert_eq!(Illuminated::find(&vignetted(corner)), None, "{corner}");
    }
}

#[test]
fn pictures_of_one_value_and_of_no_pixels_have_no_lit_part() {
    for value in [0, 12, 128, 255] {
        assert_eq!(Illuminated::find(&RgbImage::from_pixel(WIDTH, HEIGHT, Rgb([value; 3]))), None, "{value}");
    }
    for (width, height) in [(0, 0), (1, 1), (1, 400), (3, 2)] {
        assert_eq!(Illuminated::find(&RgbImage::new(width, height)), None, "{width} x {height}");
    }
}

#[test]
fn a_disc_is_found_whole_and_cut_by_the_frame() {
    // Whole; cut above and below; cut on all sides but for the corners.
    for (radius, surround) in [(80.0, [4, 3, 2]), (110.0, [18, 12, 6]), (150.0, [2, 2, 2]), (180.0, [18, 18, 18])] {
        let found = Illuminated::find(&eyepiece(radius, 4.0, surround)).expect("a surround");
        let (center, found_radius) = disc(&found);
        assert!((center[0] - CENTER[0]).hypot(center[1] - CENTER[1]) < 2.0, "{radius}: {center:?}");
        assert!(found_radius < radius && found_radius > 0.94 * radius, "{radius}: {found_radius}");
    }
}

#[test]
fn a_soft_edge_lies_outside() {
    let (_, sharp) = disc(&Illuminated::find(&eyepiece(100.0, 2.0, [8; 3])).expect("a surround"));
    let (_, soft) = disc(&Illuminated::find(&eyepiece(100.0, 8.0, [8; 3])).expect("a surround"));
    assert!(sharp > soft && soft > 88.0, "{sharp} {soft}");
}

#[test]
fn bars_of_any_color_are_cut_off_and_their_text_with_them() {
    let plain = |x: u32, y: u32| Rgb([field(x, y) as u8 - noise(x, y); 3]);
    for color in [[0, 0, 0], [255, 255, 255], [20, 60, 200]] {
        let picture = RgbImage::from_fn(WIDTH, HEIGHT, |x, y| {
            let text = y > 218 && y < 228 && x % 7 < 2 && x > 40 && x < 200;
            if y < 211 {
                plain(x, y)
            } else if text {
                Rgb([90; 3])
            } else {
                Rgb(color)
            }
        });
        let found = Illuminated::find(&picture);
        let [left, top, right, bottom] = found.expect("a bar").frame;
        assert_eq!([left, top, right], [0.0, 0.0, f64::from(WIDTH)]);
        assert!((207.0..=211.0).contains(&bottom), "{color:?}: {bottom}");
    }
}

#[test]
fn a_letterbox_and_half_a_picture_are_cut_off() {
    let within = |frame: [u32; 4]| {
        RgbImage::from_fn(WIDTH, HEIGHT, |x, y| {
            let is_lit = (frame[0]..frame[2]).contains(&x) && (frame[1]..frame[3]).contains(&y);
            Rgb([if is_lit { field(x, y) as u8 - noise(x, y) } else { 0 }; 3])
        })
    };
    for frame in [[0, 30, WIDTH, 210], [24, 30, 296, 210], [150, 0, WIDTH, HEIGHT]] {
        let found = Illuminated::find(&within(frame)).expect("bars").frame;
        for (found, drawn) in found.into_iter().zip(frame) {
            assert!((found - f64::from(drawn)).abs() <= 4.0, "{found:?} for {frame:?}");
        }
    }
}

#[test]
fn blank_glass_at_an_edge_is_no_bar() {
    let glass = RgbImage::from_fn(WIDTH, HEIGHT, |x, y| Rgb([if y < 60 { 210 } else { field(x, y) as u8 }; 3]));
    assert_eq!(Illuminated::find(&glass), None);
}

#[test]
fn rows_scale_with_the_picture_and_the_border_narrows_them() {
    let disc = Some(Disc { center: [50.0, 40.0], radii: [30.0, 30.0] });
    let part = Illuminated { width: 100, height: 80, frame: [0.0, 0.0, 100.0, 60.0], disc };
    assert_eq!([part.row(9), part.row(40), part.row(59), part.row(60)], [0..0, 20..80, 27..73, 0..0]);
    let double = part.scaled_to(200, 160);
    assert_eq!((double.row(80), double.row(119), double.row(120)), (40..160, 55..145, 0..0));
    let inner = part.without_border(5.0);
    assert_eq!((inner.row(40), inner.row(54), inner.row(55)), (25..75, 30..70, 0..0));
    assert_eq!(inner.frame, [0.0, 0.0, 100.0, 55.0]);
    let cut = part.within(40, 20, 30, 30);
    assert_eq!((cut.dimensions(), cut.row(20), cut.frame), ((30, 30), 0..30, [0.0, 0.0, 30.0, 30.0]));
    let mut rgb = RgbImage::from_pixel(100, 80, Rgb([7; 3]));
    part.fill_outside(&mut rgb, 240);
    let filled = rgb.pixels().filter(|pixel| pixel.0 == [240; 3]).count() as u64;
    assert_eq!(filled, 8000 - part.area_px());
    assert!(part.contains([50.0, 40.0]) && !part.contains([50.0, 61.0]) && !part.contains([15.0, 40.0]));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// The lit part of a turned or mirrored picture is the turned or mirrored part.
    #[test]
    fn parts_turn_and_mirror_with_the_picture(radius in 70.0..180.0f64, edge in 1.0..8.0f64, dark in 0u8..20) {
        let picture = eyepiece(radius, edge, [dark, dark, dark / 2]);
        let found = Illuminated::find(&picture).expect("a surround");
        let turned = Illuminated::find(&imageops::rotate90(&picture)).expect("turned");
        let mirrored = Illuminated::find(&imageops::flip_horizontal(&picture)).expect("mirrored");
        let (center, radius) = disc(&found);
        for (other, expected) in [
            (disc(&turned), [f64::from(HEIGHT) - center[1], center[0]]),
            (disc(&mirrored), [f64::from(WIDTH) - center[0], center[1]]),
        ] {
            let moved = (other.0[0] - expected[0]).hypot(other.0[1] - expected[1]);
            prop_assert!(moved < 1.5 && (other.1 - radius).abs() < 2.0, "{other:?} {expected:?} {radius}");
        }
    }

    /// Whatever the pixels, a found part holds pixels, and nothing panics.
    #[test]
    fn any_picture_is_taken(width in 1u32..40, height in 1u32..40, seed in 0u32..1000, values in 1u8..=255) {
        let picture = RgbImage::from_fn(width, height, |x, y| Rgb([noise(x + seed, y).wrapping_mul(values); 3]));
        if let Some(found) = Illuminated::find(&picture) {
            prop_assert!(found.share() < 1.0);
        }
    }
}
