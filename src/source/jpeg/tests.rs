//! Truth: the drawing of `fixtures/formats/make.py`; progressive and restarted streams hold the coefficients of the
//! baseline one, so their pixels are equal to its pixels.

use proptest::prelude::*;

use super::*;

const BASELINE: &[u8] = include_bytes!("../../../fixtures/formats/baseline.jpg");
const PROGRESSIVE: &[u8] = include_bytes!("../../../fixtures/formats/progressive.jpg");
const RESTART: &[u8] = include_bytes!("../../../fixtures/formats/restart.jpg");
const PROGRESSIVE_RESTART: &[u8] = include_bytes!("../../../fixtures/formats/progressive-restart.jpg");
const GRAY: &[u8] = include_bytes!("../../../fixtures/formats/gray.jpg");
const GRAY_PROGRESSIVE: &[u8] = include_bytes!("../../../fixtures/formats/gray-progressive.jpg");
const CMYK: &[u8] = include_bytes!("../../../fixtures/formats/cmyk-adobe.jpg");
const RGB: &[u8] = include_bytes!("../../../fixtures/formats/rgb-stored.jpg");
const FLAT: &[u8] = include_bytes!("../../../fixtures/formats/flat.jpg");

/// Quarters of the drawing: left and right above, left and right below.
const QUARTERS: [[u8; 3]; 4] = [[200, 120, 140], [240, 240, 240], [90, 60, 140], [10, 200, 90]];

fn decoded(bytes: &[u8]) -> RgbImage {
    decode(bytes, &DecodeLimits::default()).expect("a sound stream").0
}

/// Asserts the middle of each quarter within the rounding of JPEG.
fn assert_quarters(rgb: &RgbImage, quarters: [[u8; 3]; 4]) {
    assert_eq!(rgb.dimensions(), (64, 32));
    for (color, (x, y)) in quarters.into_iter().zip([(16, 8), (48, 8), (16, 24), (48, 24)]) {
        let found = rgb.get_pixel(x, y).0;
        let close = found.iter().zip(color).all(|(a, b)| a.abs_diff(b) <= 3);
        assert!(close, "({x}, {y}): {found:?} instead of {color:?}");
    }
}

#[test]
fn codings_of_the_same_coefficients_give_the_same_pixels() {
    let baseline = decoded(BASELINE);
    for stream in [PROGRESSIVE, RESTART, PROGRESSIVE_RESTART] {
        assert_eq!(decoded(stream), baseline);
    }
    assert_eq!(decoded(GRAY), decoded(GRAY_PROGRESSIVE));
}

#[test]
fn strictness_changes_no_pixel_of_a_sound_stream() {
    for stream in [BASELINE, PROGRESSIVE, RESTART, GRAY, RGB, FLAT] {
        let lenient = image::load_from_memory(stream).expect("a sound stream").into_rgb8();
        assert_eq!(decoded(stream), lenient);
    }
}

#[test]
fn colors_are_those_of_the_drawing() {
    assert_quarters(&decoded(FLAT), QUARTERS);
    assert_quarters(&decoded(RGB), QUARTERS);
    assert_quarters(&decoded(CMYK), QUARTERS);
    let gray = decoded(GRAY);
    assert!(gray.pixels().all(|pixel| pixel.0[0] == pixel.0[1] && pixel.0[1] == pixel.0[2]));
}

/// The stream without the segments of a marker.
fn without(stream: &[u8], marker: u8) -> Vec<u8> {
    let at = stream.windows(2).position(|pair| pair == [0xFF, marker]).expect("the marker");
    let length = usize::from(u16::from_be_bytes([stream[at + 2], stream[at + 3]]));
    [&stream[..at], &stream[at + 2 + length..]].concat()
}

#[test]
fn cmyk_without_adobes_marker_holds_ink() {
    // Light read as ink: every channel is the negative times black, which is now full ink.
    let rgb = decoded(&without(CMYK, 0xEE));
    assert_quarters(&rgb, [[0; 3]; 4]);
}

#[test]
fn ycck_is_told_by_adobes_transform() {
    let at = CMYK.windows(5).position(|name| name == b"Adobe").expect("the marker") + 11;
    assert_eq!(CMYK[at], 0, "Pillow stores CMYK without a transform");
    let mut stream = CMYK.to_vec();
    stream[at] = 2;
    // Components (240, 240, 240, 255) of the upper right quarter, read as Y, Cb, Cr and light through black:
    // R = 240 + 1.402 · 112 → 255, G = 240 − (0.344 + 0.714) · 112 → 121.5, B → 255; ink is their negative.
    let found = decoded(&stream).get_pixel(48, 8).0;
    assert!(found[0] == 0 && found[1].abs_diff(133) <= 3 && found[2] == 0, "{found:?}");
}

#[test]
fn no_prefix_of_a_stream_is_a_picture() {
    for stream in [BASELINE, PROGRESSIVE, RESTART, PROGRESSIVE_RESTART, GRAY, CMYK, FLAT] {
        for end in 0..stream.len() {
            assert!(decode(&stream[..end], &DecodeLimits::default()).is_err(), "{end} of {} bytes", stream.len());
        }
        assert!(decode(stream, &DecodeLimits::default()).is_ok());
    }
}

#[test]
fn a_scan_that_ends_early_is_refused_although_the_end_marker_is_there() {
    for stream in [BASELINE, GRAY, FLAT, RESTART] {
        let scan = stream.windows(2).rposition(|pair| pair == [0xFF, 0xDA]).expect("a scan") + 14;
        // The last bytes may hold padding only: from four missing bytes on a block is missing.
        for end in scan..stream.len() - 6 {
            let cut = [&stream[..end], b"\xFF\xD9"].concat();
            assert!(decode(&cut, &DecodeLimits::default()).is_err(), "{end} of {} bytes", stream.len());
        }
    }
}

#[test]
fn a_progressive_stream_without_its_last_scans_is_refused() {
    let scans: Vec<usize> =
        PROGRESSIVE.windows(2).enumerate().filter(|(_, pair)| *pair == [0xFF, 0xDA]).map(|(at, _)| at).collect();
    assert!(scans.len() > 4, "{} scans", scans.len());
    for scan in &scans[1..] {
        let cut = [&PROGRESSIVE[..*scan], b"\xFF\xD9"].concat();
        let error = decode(&cut, &DecodeLimits::default()).expect_err("scans are missing");
        assert!(matches!(error, SourceProblem::Truncated { .. }), "{error}");
    }
}

#[test]
fn bytes_behind_the_picture_and_between_segments_do_no_harm() {
    let trailing = [BASELINE, b"\0\0appended by a camera"].concat();
    assert_eq!(decoded(&trailing), decoded(BASELINE));
    let stray = [&BASELINE[..2], b"\0\0\0\0\0\0", &BASELINE[2..]].concat();
    assert_eq!(decoded(&stray), decoded(BASELINE));
}

#[test]
fn the_frame_header_is_checked_before_decoding() {
    let limits = DecodeLimits { max_pixels: 64 * 32 - 1, ..DecodeLimits::default() };
    let error = decode(BASELINE, &limits).expect_err("one pixel too many");
    assert!(matches!(error, SourceProblem::TooManyPixels { width: 64, height: 32, .. }), "{error}");
}

#[test]
fn a_part_may_not_be_larger_than_its_place() {
    assert!(decode_part(BASELINE, 64, 32, Colors::YCbCr).is_ok());
    assert!(decode_part(BASELINE, 63, 32, Colors::YCbCr).is_err());
    let raw = decode_part(FLAT, 64, 32, Colors::Rgb).expect("a sound stream");
    // The white quarter is (240, 128, 128) as stored.
    assert_eq!(raw.get_pixel(48, 8).0, [240, 128, 128]);
}

proptest! {
    #[test]
    fn damaged_streams_never_panic(at in 2usize..1400, value: u8, which in 0usize..4) {
        let mut stream = [BASELINE, PROGRESSIVE, RESTART, CMYK][which].to_vec();
        let at = at % stream.len();
        stream[at] = value;
        let _ = decode(&stream, &DecodeLimits::default());
    }
}
