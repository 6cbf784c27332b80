//! The gate before counting, as a laboratory meets it: one picture under several names, a picture reduced on its way, a wrong
//! pixel size. None of them becomes a quiet number.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use crate::support::tiny_model::tiny_model;
use assert_cmd::Command;
use image::codecs::jpeg::JpegEncoder;
use image::imageops::{self, FilterType};
use image::{Rgb, RgbImage};
use schistoquant::case::{CaseRecord, FieldRecord, State};
use schistoquant::synth::{SynthOptions, field};
use tempfile::TempDir;

static TINY_MODEL: LazyLock<(TempDir, PathBuf)> = LazyLock::new(tiny_model);

fn drawn(index: u32) -> RgbImage {
    field(&SynthOptions::default(), 23, index).expect("default options").rgb
}

fn record(folder: &Path, more: &[&str]) -> CaseRecord {
    let out = TempDir::new().expect("a temporary folder");
    let mut command = Command::cargo_bin("schistoquant").expect("the program is built");
    command.env("ORT_DYLIB_PATH", "").arg("analyze").arg(folder).arg("--out").arg(out.path());
    command.args(["--format", "json", "--quiet", "--model"]).arg(&TINY_MODEL.1).args(more).output().expect("it runs");
    let json = fs::read(out.path().join("case.json")).expect("a record");
    serde_json::from_slice(&json).expect("the record of this version")
}

fn folder_of(pictures: &[(&str, &RgbImage)]) -> TempDir {
    let folder = TempDir::new().expect("a temporary folder");
    pictures.iter().for_each(|(name, rgb)| rgb.save(folder.path().join(name)).expect("writable"));
    folder
}

fn refused<'a>(record: &'a CaseRecord, reason: &str) -> Vec<&'a FieldRecord> {
    record.fields.iter().filter(|field| field.refusals.iter().any(|refusal| refusal.contains(reason))).collect()
}

#[test]
fn copies_of_one_picture_count_once_whatever_was_done_to_them() {
    let one = drawn(0);
    let folder = folder_of(&[
        ("a.png", &one),
        ("b-copy.png", &one),
        ("c-turned.png", &imageops::rotate90(&one)),
        ("d-mirrored.png", &imageops::flip_horizontal(&one)),
        ("f-other.png", &drawn(1)),
    ]);
    let saved = fs::File::create(folder.path().join("e-saved.jpg")).expect("writable");
    JpegEncoder::new_with_quality(saved, 60).encode_image(&one).expect("a JPEG");

    let all = record(folder.path(), &["--um-per-px", "0.2"]);
    let alone = record(folder_of(&[("a.png", &one), ("f-other.png", &drawn(1))]).path(), &["--um-per-px", "0.2"]);
    assert_eq!(all.count.red_cells, alone.count.red_cells);
    assert_eq!(all.count.wilson_95, alone.count.wilson_95);
    let names: Vec<&str> =
        refused(&all, "shows the picture of a.png").iter().map(|field| field.field.as_str()).collect();
    assert_eq!(names, ["b-copy.png", "c-turned.png", "d-mirrored.png", "e-saved.jpg"]);
    assert!(all.fields.iter().filter(|field| !field.accepted).all(|field| field.red_cells == 0));
    assert!(all.statement.contains("4 of 6 fields show a picture that is counted already"), "{}", all.statement);
    assert!(!alone.statement.contains("counted already"));
    assert!(all.fields.iter().all(|field| field.picture_signature.is_some()));
}

#[test]
fn a_refused_picture_keeps_no_other_from_the_count() {
    let sharp = drawn(0);
    let blurred = imageops::blur(&sharp, 6.0);
    let record = record(folder_of(&[("a-blurred.png", &blurred), ("b.png", &sharp)]).path(), &["--um-per-px", "0.2"]);
    assert_eq!(record.fields.iter().map(|field| field.accepted).collect::<Vec<_>>(), [false, true]);
    assert!(refused(&record, "shows the picture").is_empty());
}

#[test]
fn a_picture_reduced_on_its_way_is_refused_with_its_figure() {
    let reduced = |percent: u32| {
        let pictures = [0, 1].map(|index| {
            let rgb = drawn(index);
            imageops::resize(&rgb, rgb.width() * percent / 100, rgb.height() * percent / 100, FilterType::Triangle)
        });
        record(folder_of(&[("a.png", &pictures[0]), ("b.png", &pictures[1])]).path(), &[])
    };
    // Drawn red cells are 38 px wide.
    let half = reduced(60);
    assert_eq!(half.fields.iter().filter(|field| field.accepted).count(), 2);
    let third = reduced(40);
    assert_eq!(refused(&third, "red_cell_px is 15").len(), 2, "{:?}", third.fields);
    assert_eq!((third.count.red_cells, third.count.state), (0, State::NotAssessable));
}

#[test]
fn a_wrong_pixel_size_is_refused_and_an_unlikely_one_doubted_aloud() {
    let folder = folder_of(&[("a.png", &drawn(0)), ("b.png", &drawn(1))]);
    // Drawn red cells are 38 px and 7.5 µm wide: 0.197 µm/px is true.
    let told = |um_per_px: &str| record(folder.path(), &["--um-per-px", um_per_px]);
    assert_eq!(refused(&told("0.11"), "red_cell_um is 4.").len(), 2);
    assert!(!told("0.2").statement.contains("By its pixel size"));
    let doubted = told("0.27");
    assert!(doubted.fields.iter().all(|field| field.accepted), "{:?}", doubted.fields);
    assert!(
        doubted.statement.contains("By its pixel size the median red cell would be 10.")
            && doubted.statement.contains("usual are 6 to 9.5 µm"),
        "{}",
        doubted.statement
    );
}

#[test]
fn different_fields_of_few_cells_are_no_copies() {
    let with = |places: [[f64; 2]; 6]| {
        RgbImage::from_fn(640, 480, |x, y| {
            let distance = |[cx, cy]: [f64; 2]| (f64::from(x) - cx).hypot(f64::from(y) - cy);
            let nearest = places.into_iter().map(distance).fold(f64::INFINITY, f64::min);
            let inside = 1.0 / (1.0 + ((nearest - 19.0) / 1.2).exp());
            Rgb([240 - (25.0 * inside) as u8, 240 - (85.0 * inside) as u8, 240 - (70.0 * inside) as u8])
        })
    };
    let one = with([[80.0, 80.0], [200.0, 300.0], [330.0, 90.0], [420.0, 330.0], [520.0, 200.0], [580.0, 420.0]]);
    let other = with([[140.0, 180.0], [260.0, 400.0], [400.0, 210.0], [480.0, 90.0], [560.0, 330.0], [90.0, 400.0]]);
    let record = record(folder_of(&[("a.png", &one), ("b.png", &other)]).path(), &["--um-per-px", "0.197"]);
    assert!(refused(&record, "shows the picture").is_empty(), "{:?}", record.fields);
}
