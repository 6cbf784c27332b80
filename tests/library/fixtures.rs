//! The committed fields are what `synth` draws from their seeds: `REGENERATE=1 cargo test --test fixtures` rewrites them.
//!
//! The table below is the one description of every fixture; `fixtures/README.md` says what each is for.

use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use image::RgbImage;
use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use schistoquant::smear::{CellClass, LabeledCell, LabeledField, SchistocyteForm, TruthKind};
use schistoquant::synth::{DEFAULT_FIELDS, Stain, SynthOptions, SyntheticField, field};

/// Largest difference of a pixel, levels: the last digit of a sine differs between mathematics libraries.
const PNG_TOLERANCE: u8 = 1;

/// The same after JPEG, where one level can move a whole coefficient.
const JPEG_TOLERANCE: u8 = 16;

/// Largest difference of a coordinate, px: one step of the rounding in the truth.
const COORDINATE_TOLERANCE_PX: f64 = 0.011;

/// JPEG quality of the example specimen, as cameras write.
const JPEG_QUALITY: u8 = 90;

/// Bytes that the fields of single traits may take together.
const MOST_BYTES: u64 = 300_000;

/// Seed of the example specimen.
const SPECIMEN_SEED: u64 = 3;

/// A field of one trait, 5 × 4 cell diameters, nothing in it but what is asked for.
fn quiet(red_cells: u32) -> SynthOptions {
    SynthOptions {
        field_size_diameters: (5.0, 4.0),
        red_cells_per_field: (red_cells, red_cells),
        other_shapes_fraction: 0.0,
        clump_share: 0.0,
        cut_cells: false,
        platelets_per_red_cell: 0.0,
        white_cells_per_field: 0.0,
        stain: Some(Stain::GreyWhite),
        // Even light and no visible noise: neither is the trait, and the files stay small.
        uneven_light: 0.0,
        full_well_electrons: 50_000_000.0,
        ..SynthOptions::default()
    }
}

fn all_of(class: CellClass, red_cells: u32) -> SynthOptions {
    SynthOptions { other_shapes_fraction: 1.0, other_shapes: vec![class], ..quiet(red_cells) }
}

fn all_of_form(form: SchistocyteForm, red_cells: u32) -> SynthOptions {
    SynthOptions { schistocyte_fraction: 1.0, schistocyte_forms: vec![form], ..quiet(red_cells) }
}

/// Path under `fixtures/fields`, options and seed of each fixture.
fn fixtures() -> Vec<(&'static str, SynthOptions, u64)> {
    let clump = |max_overlap| SynthOptions { clump_share: 1.0, max_overlap, ..quiet(2) };
    vec![
        ("clump/two-touching", clump(0.0), 1),
        ("clump/overlap", clump(0.3), 15),
        ("border/cut-by-frame", SynthOptions { cut_cells: true, ..quiet(9) }, 3),
        ("pallor/hypochromic", all_of(CellClass::Hypochromia, 5), 1),
        ("pallor/target", all_of(CellClass::Target, 5), 1),
        ("quality/blurred", SynthOptions { blur_diameters: 0.15, ..quiet(7) }, 1),
        ("quality/overexposed", SynthOptions { exposure: 2.6, ..quiet(7) }, 1),
        ("stain/pale", SynthOptions { stain: Some(Stain::Pale), ..quiet(7) }, 1),
        ("stain/dark", SynthOptions { stain: Some(Stain::Dark), ..quiet(7) }, 1),
        ("schistocyte/triangle", all_of_form(SchistocyteForm::Triangle, 4), 1),
        ("schistocyte/crescent", all_of_form(SchistocyteForm::Crescent, 4), 1),
        ("schistocyte/helmet", all_of_form(SchistocyteForm::Helmet, 4), 1),
        ("schistocyte/keratocyte", all_of_form(SchistocyteForm::Keratocyte, 4), 1),
        (
            "other/white-cell-and-platelets",
            SynthOptions { white_cells_per_field: 1.0, platelets_per_red_cell: 0.7, ..quiet(4) },
            16,
        ),
        ("other/empty", quiet(0), 1),
    ]
}

fn specimen_options() -> SynthOptions {
    SynthOptions { schistocyte_fraction: 0.03, stain: Some(Stain::GreyWhite), ..SynthOptions::default() }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

fn regenerate() -> bool {
    std::env::var_os("REGENERATE").is_some_and(|value| value == "1")
}

fn encoded(rgb: &RgbImage, path: &Path) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    if path.extension().is_some_and(|extension| extension == "jpg") {
        rgb.write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY)).expect("JPEG in memory");
    } else {
        let small = PngEncoder::new_with_quality(&mut bytes, CompressionType::Best, FilterType::Adaptive);
        rgb.write_with_encoder(small).expect("PNG in memory");
    }
    bytes.into_inner()
}

fn read_truth(image: &Path) -> LabeledField {
    let path = image.with_extension("truth.json");
    let bytes = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}; REGENERATE=1 writes it", path.display()));
    serde_json::from_slice(&bytes).expect("committed truth reads back")
}

/// Compares a committed field with a freshly drawn one, or rewrites it.
fn compare(path: &Path, mut drawn: SyntheticField, tolerance: u8) {
    drawn.truth.field = path.file_name().and_then(|name| name.to_str()).expect("a plain name").to_owned();
    let bytes = encoded(&drawn.rgb, path);
    if regenerate() {
        fs::create_dir_all(path.parent().expect("a folder")).expect("folder made");
        fs::write(path, &bytes).expect("image written");
        fs::write(path.with_extension("truth.json"), serde_json::to_vec(&drawn.truth).expect("truth"))
            .expect("written");
    }
    let committed = image::open(path)
        .unwrap_or_else(|error| panic!("{}: {error}; REGENERATE=1 writes it", path.display()))
        .into_rgb8();
    let fresh = image::load_from_memory(&bytes).expect("own image reads back").into_rgb8();
    assert_eq!(committed.dimensions(), fresh.dimensions(), "{}", path.display());
    let difference = committed.iter().zip(fresh.iter()).map(|(a, b)| a.abs_diff(*b)).max().expect("pixels");
    assert!(difference <= tolerance, "{}: pixels differ by up to {difference} levels", path.display());
    assert_truth_is_close(&read_truth(path), &drawn.truth);
}

fn assert_truth_is_close(committed: &LabeledField, fresh: &LabeledField) {
    let frame = |field: &LabeledField| (field.field.clone(), field.width_px, field.height_px, field.um_per_px);
    assert_eq!(frame(committed), frame(fresh));
    assert_eq!(committed.cells.len(), fresh.cells.len());
    let numbers = |cell: &LabeledCell| {
        let points = cell.contour.iter().flatten().chain(cell.point.iter()).flatten();
        points.chain(cell.bounds.iter().flatten()).copied().collect::<Vec<f64>>()
    };
    for (a, b) in committed.cells.iter().zip(&fresh.cells) {
        assert_eq!((a.kind, a.class, a.form), (b.kind, b.class, b.form));
        let (a, b) = (numbers(a), numbers(b));
        assert_eq!(a.len(), b.len());
        assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() <= COORDINATE_TOLERANCE_PX));
    }
}

#[test]
fn fields_of_single_traits_are_what_their_seeds_draw() {
    let mut bytes = 0;
    for (name, options, seed) in fixtures() {
        let path = root().join("fields").join(name).with_extension("png");
        compare(&path, field(&options, seed, 0).expect("a fixture"), PNG_TOLERANCE);
        for file in [path.clone(), path.with_extension("truth.json")] {
            bytes += fs::metadata(file).expect("a committed file").len();
        }
    }
    assert!(bytes <= MOST_BYTES, "{bytes} bytes");
}

#[test]
fn example_specimen_is_what_its_seed_draws_and_holds_3_percent_of_over_1000_cells() {
    let (mut cells, mut whole, mut schistocytes) = (0, 0, 0);
    for index in 0..DEFAULT_FIELDS {
        let path = root().join("specimen").join(format!("field-{:04}.jpg", index + 1));
        compare(&path, field(&specimen_options(), SPECIMEN_SEED, index).expect("a field"), JPEG_TOLERANCE);
        let truth = read_truth(&path);
        let red_cells: Vec<_> = truth.cells.iter().filter(|cell| cell.kind == TruthKind::RedCell).collect();
        let (width, height) = (f64::from(truth.width_px), f64::from(truth.height_px));
        let inside = |cell: &&&LabeledCell| {
            cell.bounds.is_some_and(|[x0, y0, x1, y1]| x0 > 0.0 && y0 > 0.0 && x1 < width && y1 < height)
        };
        cells += red_cells.len();
        whole += red_cells.iter().filter(inside).count();
        schistocytes += red_cells.iter().filter(|cell| cell.class == Some(CellClass::Schistocyte)).count();
    }
    assert_eq!(schistocytes, (0.03 * cells as f64).round() as usize);
    assert!(whole >= 1_100, "{whole} whole cells of {cells}");
}

#[test]
fn no_other_image_is_committed_among_the_fields() {
    let known: Vec<PathBuf> =
        fixtures().iter().map(|(name, ..)| root().join("fields").join(name).with_extension("png")).collect();
    for folder in fs::read_dir(root().join("fields")).expect("fixtures/fields") {
        for file in fs::read_dir(folder.expect("an entry").path()).expect("a folder of one trait") {
            let path = file.expect("an entry").path();
            if path.extension().is_some_and(|extension| extension == "png") {
                assert!(known.contains(&path), "{}: not in the table of this test", path.display());
            }
        }
    }
}
