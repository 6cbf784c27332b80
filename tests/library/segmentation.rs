//! Outlines of the rendered fields of `fixtures/fields` against their exact truth, one test for each trait.
//!
//! Tolerance: boxes are compared at an IoU of 0.7. The outline runs at half height of a blurred edge on pixels of 0.19 µm,
//! so that a cell of 20 px loses or gains a pixel on each side (IoU 0.8); overlapping cells are divided along their
//! chord, which takes up to a sixth of a width.

use std::path::{Path, PathBuf};

use image::RgbImage;
use schistoquant::inference::{Engine, EngineRequest};
use schistoquant::optics::resample::rescale;
use schistoquant::segment::{Detector, Segmenter, WORKING_UM_PER_PX};
use schistoquant::smear::{
    Bounds, ExclusionReason, LabeledCell, LabeledField, NormalizedField, ObjectKind, SegmentedObject, TruthKind,
};

const MIN_IOU: f64 = 0.7;

fn fixture(name: &str, ending: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/fields").join(format!("{name}{ending}"))
}

fn truth_of(name: &str) -> LabeledField {
    let text = std::fs::read_to_string(fixture(name, ".truth.json")).expect("a readable truth");
    serde_json::from_str(&text).expect("a labelled field")
}

fn picture(name: &str) -> RgbImage {
    image::open(fixture(name, ".png")).expect("a readable picture").to_rgb8()
}

fn segmented(name: &str, um_per_px: f64) -> Vec<SegmentedObject> {
    objects_of(&picture(name), um_per_px)
}

fn objects_of(rgb: &RgbImage, um_per_px: f64) -> Vec<SegmentedObject> {
    let scaled = rescale(rgb, WORKING_UM_PER_PX / um_per_px).unwrap_or_else(|| rgb.clone());
    let (field, _) = NormalizedField::flattened(&scaled, None, WORKING_UM_PER_PX, rgb.width()).expect("a background");
    let engine = Engine::start(&EngineRequest::default()).expect("the embedded engine");
    let segmenter = Segmenter::new(Detector::shipped(engine).expect("the shipped detector"));
    segmenter.segment(&field).expect("the detector runs").objects
}

fn bounds_of(cell: &LabeledCell) -> Bounds {
    let [x_min, y_min, x_max, y_max] = cell.bounds.expect("rendered cells have a box");
    Bounds { x_min, y_min, x_max, y_max }
}

fn is_cut(truth: &LabeledField, bounds: &Bounds) -> bool {
    bounds.x_min < 1.0
        || bounds.y_min < 1.0
        || bounds.x_max > f64::from(truth.width_px) - 1.0
        || bounds.y_max > f64::from(truth.height_px) - 1.0
}

/// Every whole red cell is found as one, and nothing else is counted.
fn every_red_cell_is_found(name: &str) {
    let truth = truth_of(name);
    let objects = segmented(name, truth.um_per_px.expect("rendered fields have a pixel size"));
    let mut counted: Vec<&SegmentedObject> =
        objects.iter().filter(|object| object.kind == ObjectKind::RedCell).collect();
    for cell in truth.cells.iter().filter(|cell| cell.kind == TruthKind::RedCell) {
        let bounds = bounds_of(cell);
        if is_cut(&truth, &bounds) {
            continue;
        }
        let found = counted.iter().position(|object| object.contour.bounds().iou(&bounds) >= MIN_IOU);
        let index = found.unwrap_or_else(|| panic!("{name}: no object for {:?} at {bounds:?}", cell.class));
        counted.remove(index);
    }
    assert_eq!(counted, Vec::<&SegmentedObject>::new(), "{name}: counted, but no red cell");
}

#[test]
fn touching_cells_are_parted() {
    every_red_cell_is_found("clump/two-touching");
}

#[test]
fn overlapping_cells_are_parted() {
    every_red_cell_is_found("clump/overlap");
}

#[test]
fn pale_centers_belong_to_their_cells() {
    every_red_cell_is_found("pallor/hypochromic");
    every_red_cell_is_found("pallor/target");
}

#[test]
fn pale_and_dark_stains_give_the_same_cells() {
    every_red_cell_is_found("stain/pale");
    every_red_cell_is_found("stain/dark");
}

#[test]
fn every_form_of_a_schistocyte_is_found() {
    for form in ["triangle", "crescent", "helmet", "keratocyte"] {
        every_red_cell_is_found(&format!("schistocyte/{form}"));
    }
}

#[test]
fn cells_cut_by_the_frame_are_left_out_for_that_reason() {
    let truth = truth_of("border/cut-by-frame");
    let objects = segmented("border/cut-by-frame", truth.um_per_px.expect("a pixel size"));
    let cut = truth.cells.iter().filter(|cell| is_cut(&truth, &bounds_of(cell))).count();
    let left_out =
        objects.iter().filter(|object| object.kind == ObjectKind::Excluded(ExclusionReason::FrameEdge)).count();
    assert!(cut >= 3, "the fixture shows {cut} cut cells");
    assert_eq!(left_out, cut);
    every_red_cell_is_found("border/cut-by-frame");
}

#[test]
fn white_cells_are_named_and_platelets_are_not_counted() {
    let name = "other/white-cell-and-platelets";
    every_red_cell_is_found(name);
    let truth = truth_of(name);
    let objects = segmented(name, truth.um_per_px.expect("a pixel size"));
    // A platelet that is not recognized as one is still no red cell.
    let reasons: [(TruthKind, &[ExclusionReason]); 2] = [
        (TruthKind::WhiteCell, &[ExclusionReason::WhiteCell]),
        (TruthKind::Platelet, &[ExclusionReason::Platelet, ExclusionReason::NotRedCell, ExclusionReason::Debris]),
    ];
    for (kind, reasons) in reasons {
        for cell in truth.cells.iter().filter(|cell| cell.kind == kind) {
            let bounds = bounds_of(cell);
            let left_out = objects.iter().any(|object| {
                object.contour.bounds().iou(&bounds) > 0.4
                    && reasons.iter().any(|reason| object.kind == ObjectKind::Excluded(*reason))
            });
            assert!(left_out, "{kind:?} at {bounds:?}");
        }
    }
}

#[test]
fn an_empty_field_has_no_objects() {
    let truth = truth_of("other/empty");
    assert_eq!(segmented("other/empty", truth.um_per_px.expect("a pixel size")), []);
}

#[test]
fn a_picture_larger_than_a_window_of_the_detector_gives_each_cell_once() {
    let name = "stain/dark";
    let um_per_px = truth_of(name).um_per_px.expect("a pixel size");
    let (tile, copies) = (picture(name), 7);
    let (width, height) = tile.dimensions();
    let row = RgbImage::from_fn(copies * width, height, |x, y| *tile.get_pixel(x % width, y));
    let counted = |objects: &[SegmentedObject]| objects.iter().filter(|o| o.kind == ObjectKind::RedCell).count();
    let single = counted(&objects_of(&tile, um_per_px));
    assert!(single >= 5 && f64::from(copies * width) * um_per_px / 0.3125 > 640.0, "{single} cells, {width} px");
    assert_eq!(counted(&objects_of(&row, um_per_px)), copies as usize * single);
}
