//! Photographs through an eyepiece: what lies in the dark surround is never counted, and the cells in the disc are counted as
//! they are without it.
//!
//! Drawn fields, and real fields that are put behind a drawn eyepiece. Real fields lie below `SCHISTOQUANT_DATA` (default
//! `../shared/data`); without them their test says so and passes.

// What was measured or skipped is for who reads the run.
#![allow(clippy::print_stderr)]

use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use image::codecs::jpeg::JpegEncoder;
use image::{ImageReader, Rgb, RgbImage, imageops};
use schistoquant::classify::{Classifier, Model};
use schistoquant::inference::{Engine, EngineRequest};
use schistoquant::optics::illuminated::Illuminated;
use schistoquant::pipeline::{ExaminedField, Models, SpecimenScale, examine, given_calibration};
use schistoquant::segment::{Detector, Segmenter};
use schistoquant::smear::{Calibration, Contour, Field, FieldId, TruthKind};
use schistoquant::synth::{Eyepiece, SynthOptions, field};

/// Share of the disc's radius within which cells are looked for: beyond it blur, fringe and dark are the eyepiece's.
const AWAY_FROM_RIM: f64 = 0.8;
/// Least share of the cells away from the rim that are counted as without the eyepiece.
const LEAST_RECALL: f64 = 0.9;
/// Largest error of the scale in a field of [`MANY_CELLS`].
const MOST_SCALE_ERROR: f64 = 0.08;
/// Cells whose median diameter tells the scale although those near the rim are blurred.
const MANY_CELLS: usize = 50;
/// Real fields of each set.
const FIELDS_PER_SET: usize = 4;

static SHIPPED: LazyLock<Models> = LazyLock::new(|| {
    let engine = Engine::start(&EngineRequest::default()).expect("the embedded engine");
    let segmenter = Segmenter::new(Detector::shipped(engine.clone()).expect("the shipped detector"));
    let model = Model::shipped().expect("the shipped model");
    Models { segmenter, classifier: Classifier::new(engine, model).expect("a sound pair") }
});

fn examined(rgb: &RgbImage, calibration: Calibration) -> ExaminedField {
    let scale = SpecimenScale::of_specimen(&[], Some(calibration), &SHIPPED.segmenter).expect("a scale");
    let field = Field { id: FieldId("a.png".into()), rgb: rgb.clone(), calibration: None, sha256: String::new() };
    examine(&field, &scale, &SHIPPED).expect("the models run")
}

fn diameter_px(rgb: &RgbImage) -> Option<f64> {
    SHIPPED.segmenter.estimate_scale(rgb).expect("the detector runs").map(|scale| scale.median_diameter_px)
}

/// Outlines of the counted cells.
fn counted(field: &ExaminedField) -> Vec<Contour> {
    field.cells.iter().filter(|cell| cell.counted_call().is_some()).map(|cell| cell.cell.contour.clone()).collect()
}

/// Largest distance of an outline from the middle of the disc, in radii.
fn reach(eyepiece: &Eyepiece, contour: &Contour) -> f64 {
    let [x, y] = eyepiece.center_px;
    contour.points().iter().map(|point| (point[0] - x).hypot(point[1] - y)).fold(0.0, f64::max) / eyepiece.radius_px
}

/// Number of the `wanted` outlines whose middle lies within a third of a diameter of one of the `found`.
fn matched(wanted: &[Contour], found: &[Contour]) -> usize {
    let middles: Vec<[f64; 2]> = found.iter().map(Contour::centroid).collect();
    let is_found = |contour: &&Contour| {
        let [x, y] = contour.centroid();
        let near = 2.0 * (contour.area_px() / std::f64::consts::PI).sqrt() / 3.0;
        middles.iter().any(|other| (other[0] - x).hypot(other[1] - y) < near)
    };
    wanted.iter().filter(is_found).count()
}

/// As a camera stores it.
fn stored(rgb: &RgbImage, quality: u8) -> RgbImage {
    let mut jpeg = Cursor::new(Vec::new());
    JpegEncoder::new_with_quality(&mut jpeg, quality).encode_image(rgb).expect("a JPEG");
    image::load_from_memory(jpeg.get_ref()).expect("the same JPEG").to_rgb8()
}

#[test]
fn drawn_cells_in_the_disc_are_counted_and_nothing_outside_of_it() {
    let options = SynthOptions { eyepiece: true, ..SynthOptions::default() };
    let (mut wanted, mut found, mut fields) = (0, 0, 0);
    for seed in 1..=8 {
        let drawn = field(&options, seed, 0).expect("a field");
        let eyepiece = drawn.eyepiece.expect("an eyepiece");
        let rgb = stored(&drawn.rgb, 85);
        let calibration = given_calibration(drawn.truth.um_per_px.expect("a known size")).expect("a pixel size");
        let examined = examined(&rgb, calibration);
        let counted = counted(&examined);
        assert!(counted.iter().all(|contour| reach(&eyepiece, contour) < 1.0), "seed {seed}");
        if !examined.quality.accepted() {
            eprintln!("seed {seed}: refused, {:?}", examined.quality.refusals);
            continue;
        }
        fields += 1;
        let red_cells = drawn.truth.cells.iter().filter(|cell| cell.kind == TruthKind::RedCell);
        let whole: Vec<Contour> = red_cells
            .filter_map(|cell| Contour::new(cell.contour.clone()?))
            .filter(|contour| reach(&eyepiece, contour) < AWAY_FROM_RIM)
            .filter(|contour| {
                let bounds = contour.bounds();
                bounds.x_min > 1.0 && bounds.y_min > 1.0 && bounds.x_max < 639.0 && bounds.y_max < 479.0
            })
            .collect();
        let diameter = diameter_px(&rgb).expect("red cells");
        // The drawn median is a little below the mean of normal cells.
        assert!((diameter / options.cell_diameter_px - 1.0).abs() < 0.06, "seed {seed}: {diameter}");
        wanted += whole.len();
        found += matched(&whole, &counted);
    }
    eprintln!("drawn: {found} of {wanted} cells away from the rim in {fields} of 8 fields");
    assert!(fields >= 7 && found as f64 >= LEAST_RECALL * wanted as f64, "{found} of {wanted} in {fields} fields");
}

/// Real fields of each set, evenly spread.
fn real_fields() -> Option<Vec<(String, Vec<PathBuf>)>> {
    let data = std::env::var_os("SCHISTOQUANT_DATA").map_or_else(|| "../shared/data".into(), PathBuf::from);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(data);
    if !root.is_dir() {
        eprintln!("skipped: no fields in {}; set SCHISTOQUANT_DATA", root.display());
        return None;
    }
    let sets = ["chula-rbc-12/images", "chula-diseases/thalassemia", "txl-pbc/pbc/images", "txl-pbc/raabin/images"];
    let fields = sets.map(|set| {
        let is_picture = |path: &PathBuf| path.extension().is_some_and(|end| end == "jpg" || end == "png");
        let entries = fs::read_dir(root.join(set)).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
        let mut all: Vec<PathBuf> = entries.filter(is_picture).collect();
        all.sort();
        let step = (all.len() / FIELDS_PER_SET).max(1);
        (set.to_owned(), all.into_iter().skip(step / 2).step_by(step).take(FIELDS_PER_SET).collect())
    });
    Some(fields.into())
}

fn read(path: &Path) -> RgbImage {
    // Some files are named as another format.
    let reader = ImageReader::open(path).and_then(ImageReader::with_guessed_format).expect("a file");
    reader.decode().expect("a picture").to_rgb8()
}

/// A picture with its mirror images beside and below it: twice as wide and high, without seams.
fn mosaic(rgb: &RgbImage) -> RgbImage {
    let (width, height) = rgb.dimensions();
    let mirrored = |at: u32, side: u32| if at < side { at } else { 2 * side - 1 - at };
    RgbImage::from_fn(2 * width, 2 * height, |x, y| *rgb.get_pixel(mirrored(x, width), mirrored(y, height)))
}

#[test]
fn real_cells_are_counted_as_without_the_eyepiece() {
    let Some(sets) = real_fields() else { return };
    let (mut all_wanted, mut all_found) = (0, 0);
    for (set, fields) in sets {
        let (mut wanted, mut found, mut refused, mut plain_refused) = (0, 0, 0, 0);
        let mut scale_errors = Vec::new();
        for (index, path) in fields.iter().enumerate() {
            let plain = mosaic(&read(path));
            let Some(diameter) = diameter_px(&plain) else { continue };
            let calibration = Calibration::from_median_red_cell(diameter).expect("a pixel size");
            let reference = examined(&plain, calibration);
            if !reference.quality.accepted() {
                plain_refused += 1;
                continue;
            }
            let eyepiece = Eyepiece::drawn(plain.width(), plain.height(), index as u64);
            let seen = stored(&eyepiece.photograph(&plain, 1), [95, 75, 60][index % 3]);
            let through = examined(&seen, calibration);
            let counted_through = counted(&through);
            let outside = counted_through.iter().filter(|contour| reach(&eyepiece, contour) >= 1.0).count();
            assert_eq!(outside, 0, "{set} {}: counted in the surround", path.display());
            if !through.quality.accepted() {
                eprintln!("{set} {}: {:?}", path.display(), through.quality.refusals);
                refused += 1;
                continue;
            }
            let mut whole = counted(&reference);
            if whole.len() >= MANY_CELLS {
                scale_errors.push((diameter_px(&seen).unwrap_or(0.0) / diameter - 1.0).abs());
            }
            whole.retain(|contour| reach(&eyepiece, contour) < AWAY_FROM_RIM);
            wanted += whole.len();
            found += matched(&whole, &counted_through);
        }
        let worst = scale_errors.iter().copied().fold(0.0, f64::max);
        eprintln!(
            "{set}: {found} of {wanted} cells away from the rim, scale off by {:.1} % at most, {refused} fields refused \
             beside {plain_refused} without the eyepiece",
            100.0 * worst
        );
        (all_wanted, all_found) = (all_wanted + wanted, all_found + found);
        assert!(worst <= MOST_SCALE_ERROR, "{set}: {worst}");
        assert_eq!(refused, 0, "{set}");
    }
    assert!(all_found as f64 >= LEAST_RECALL * all_wanted as f64, "{all_found} of {all_wanted}");
}

#[test]
fn black_white_and_half_black_pictures_are_refused_or_halved() {
    let calibration = given_calibration(0.1875).expect("a pixel size");
    for value in [0, 255] {
        let blank = examined(&RgbImage::from_pixel(320, 240, Rgb([value; 3])), calibration);
        assert_eq!(blank.quality.refusals, ["no stained object found"], "{value}");
    }
    let drawn = field(&SynthOptions::default(), 5, 0).expect("a field").rgb;
    let mut half = drawn.clone();
    imageops::replace(&mut half, &RgbImage::new(320, 480), 0, 0);
    let lit = Illuminated::find(&half).expect("half of the picture");
    assert!((lit.share() - 0.5).abs() < 0.02, "{}", lit.share());
    let calibration = Calibration::from_median_red_cell(38.0).expect("a pixel size");
    let (whole, half) = (counted(&examined(&drawn, calibration)), examined(&half, calibration));
    assert!(half.quality.accepted(), "{:?}", half.quality.refusals);
    let in_half = counted(&half);
    assert!(in_half.iter().all(|contour| contour.bounds().x_min >= 320.0));
    // Whole cells of that half, but for those beside the bar.
    let clear: Vec<Contour> = whole.into_iter().filter(|contour| contour.bounds().x_min > 335.0).collect();
    assert!(matched(&clear, &in_half) as f64 >= 0.95 * clear.len() as f64);
}
