//! Every label of the development sets is read and lies inside its image. The sets live outside the repository
//! (`SCHISTOQUANT_DATA`, default `../shared/data`); without them the test says so and passes.

#![allow(clippy::print_stderr)]

use std::fs;
use std::path::{Path, PathBuf};

use schistoquant::evaluate::labels::{ImageFrame, LabelFormat, LabelOptions, LabelSet};
use schistoquant::evaluate::split::Split;
use schistoquant::smear::{CellClass, LabeledField, TruthKind};

fn data(folder: &str) -> Option<PathBuf> {
    let root = std::env::var_os("SCHISTOQUANT_DATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data"), PathBuf::from);
    let path = root.join(folder);
    if path.is_dir() {
        return Some(path);
    }
    eprintln!("SKIPPED: no labelled fields at {}", path.display());
    None
}

/// Fields with labels and the number of labels that were left out.
fn read(images: &Path, labels: &Path, format: LabelFormat) -> (Vec<LabeledField>, usize) {
    let set = LabelSet::open(labels, format, LabelOptions::default()).expect("a label folder");
    let mut fields = Vec::new();
    let mut left_out = 0;
    for entry in fs::read_dir(images).expect("an image folder") {
        let path = entry.expect("a readable entry").path();
        // By content: some files of the Chula set are PNG under a `.jpg` name.
        let reader = image::ImageReader::open(&path).expect("a readable file").with_guessed_format();
        let (width_px, height_px) = reader.expect("a readable file").into_dimensions().expect("an image");
        let name = path.file_name().expect("a file").to_string_lossy().into_owned();
        let frame = ImageFrame { name: &name, width_px, height_px };
        if set.holds(frame) {
            let labels = set.labels_of(frame).expect("sound labels");
            left_out += labels.remarks.len();
            fields.push(labels.field);
        }
    }
    (fields, left_out)
}

fn count(fields: &[LabeledField], kind: TruthKind) -> usize {
    fields.iter().flat_map(|field| &field.cells).filter(|cell| cell.kind == kind).count()
}

#[test]
fn chula_points() {
    let Some(set) = data("chula-rbc-12") else { return };
    let (fields, left_out) = read(&set.join("images"), &set.join("labels"), LabelFormat::Chula);
    let schistocytes =
        fields.iter().flat_map(|field| &field.cells).filter(|cell| cell.class == Some(CellClass::Schistocyte)).count();
    assert_eq!((fields.len(), left_out), (491, 0));
    assert_eq!((count(&fields, TruthKind::RedCell), schistocytes), (17_370, 717));
    let split = Split::read(&set.join("split.csv"), Some("val")).expect("a part with images");
    assert_eq!(split.images().count(), 86);
    assert_eq!(fields.iter().filter(|field| split.holds(&field.field)).count(), 71);
}

#[test]
fn voc_boxes() {
    let Some(set) = data("cbc/training") else { return };
    let (fields, left_out) = read(&set.join("Images"), &set.join("Annotations"), LabelFormat::PascalVoc);
    // One box of the set has no size.
    assert_eq!((fields.len(), left_out), (300, 1));
    let counts = [TruthKind::RedCell, TruthKind::WhiteCell, TruthKind::Platelet].map(|kind| count(&fields, kind));
    assert_eq!(counts, [3340, 307, 304]);
}

#[test]
fn yolo_boxes() {
    for (folder, expected) in [("txl-pbc/pbc", [5748, 366, 255]), ("txl-pbc/raabin", [1921, 155, 7])] {
        let Some(set) = data(folder) else { return };
        let (fields, left_out) = read(&set.join("images"), &set.join("labels"), LabelFormat::Yolo);
        assert_eq!(left_out, 0);
        let counts = [TruthKind::RedCell, TruthKind::WhiteCell, TruthKind::Platelet].map(|kind| count(&fields, kind));
        assert_eq!(counts, expected, "{folder}");
    }
}
