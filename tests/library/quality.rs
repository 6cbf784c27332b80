//! Fields that no one could count are refused, and plain drawn fields are not: from pixels to the judgement.

use image::{Rgb, RgbImage, imageops};
use schistoquant::inference::{Engine, EngineRequest};
use schistoquant::optics::resample::rescale;
use schistoquant::quality::{FieldQuality, assess};
use schistoquant::segment::{Detector, NOMINAL_CELL_DIAMETER_PX, Segmenter, WORKING_UM_PER_PX};
use schistoquant::smear::{NOMINAL_RED_CELL_DIAMETER_UM, NormalizedField};
use schistoquant::synth::{self, SynthOptions};

fn judge(rgb: &RgbImage, cell_diameter_px: f64) -> FieldQuality {
    let rescaled = rescale(rgb, cell_diameter_px / NOMINAL_CELL_DIAMETER_PX);
    let working = rescaled.as_ref().unwrap_or(rgb);
    let (field, background) =
        NormalizedField::flattened(working, None, WORKING_UM_PER_PX, rgb.width()).expect("pixels");
    let engine = Engine::start(&EngineRequest::default()).expect("the embedded engine");
    let segmenter = Segmenter::new(Detector::shipped(engine).expect("the shipped detector"));
    let segmentation = segmenter.segment(&field).expect("the detector runs");
    assess(rgb, &field, background.mean(), background.evenness(), &segmentation, None)
}

fn drawn(seed: u64) -> RgbImage {
    synth::field(&SynthOptions::default(), seed, 0).expect("a drawn field").rgb
}

#[test]
fn drawn_fields_are_accepted() {
    for seed in 1..=6 {
        let quality = judge(&drawn(seed), SynthOptions::default().cell_diameter_px);
        assert!(quality.accepted(), "seed {seed}: {quality:?}");
    }
}

#[test]
fn fields_blurred_by_1_2_micrometers_are_refused() {
    let diameter = SynthOptions::default().cell_diameter_px;
    for seed in 1..=6 {
        let sigma_px = 1.2 * diameter / NOMINAL_RED_CELL_DIAMETER_UM;
        let blurred = imageops::blur(&drawn(seed), sigma_px as f32);
        let quality = judge(&blurred, diameter);
        assert!(!quality.accepted(), "seed {seed}: {quality:?}");
    }
}

#[test]
fn blank_black_and_white_fields_show_nothing() {
    for value in [0, 210, 255] {
        let quality = judge(&RgbImage::from_pixel(320, 240, Rgb([value; 3])), 40.0);
        assert_eq!(quality.refusals, ["no stained object found"], "value {value}");
    }
}

#[test]
fn a_noisy_blank_field_is_refused() {
    // A hash of the position: noise of ±2 gray values without a pattern.
    let noise =
        |x: u32, y: u32| (x.wrapping_mul(0x9E37_79B1) ^ y.wrapping_mul(0x85EB_CA6B)).wrapping_mul(0xC2B2_AE35) >> 29;
    let blank = RgbImage::from_fn(320, 240, |x, y| Rgb([208 + (noise(x, y) / 2) as u8; 3]));
    assert!(!judge(&blank, 40.0).accepted());
}

#[test]
fn a_field_covered_all_over_is_refused() {
    // Cells on top of each other everywhere: waves of stain without any empty background.
    let covered = RgbImage::from_fn(320, 240, |x, y| {
        let wave = (f64::from(x) / 9.0).sin() * (f64::from(y) / 11.0).cos();
        Rgb([190, (110.0 + 12.0 * wave) as u8, 120])
    });
    let quality = judge(&covered, 40.0);
    assert!(!quality.accepted(), "{quality:?}");
}
