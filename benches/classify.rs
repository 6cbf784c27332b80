//! Classification of the red cells of one field with the shipped model: the crops alone, and with the graph.
//!
//! The embedded engine runs, or ONNX Runtime where `ORT_DYLIB_PATH` names its library; the engine is in the name.

#[path = "support/drawn.rs"]
mod drawn;
#[path = "support/normalized.rs"]
mod normalized;
#[path = "support/shipped.rs"]
mod shipped;

use std::hint::black_box;

use criterion::{Criterion, Throughput};
use schistoquant::classify::{CropTarget, Cropper, InterleavedRgb};
use schistoquant::smear::ObjectKind;

fn main() {
    let models = shipped::shipped();
    let classifier = &models.classifier;
    let engine = classifier.engine().expect("it runs on an engine").kind.name();

    let (diameter_px, size) = drawn::FIELDS[1];
    let field = normalized::normalized(&drawn::drawn(diameter_px).rgb, diameter_px);
    let segmentation = models.segmenter.segment(&field).expect("the detector runs");
    let targets: Vec<CropTarget> = (1..)
        .zip(&segmentation.objects)
        .filter(|(_, object)| object.kind == ObjectKind::RedCell)
        .map(|(label, object)| CropTarget::new(label, &object.contour, &field))
        .collect();

    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group(format!("classify/{size}"));
    group.throughput(Throughput::Elements(targets.len() as u64));
    let card = classifier.card();
    let side = card.crop_side_px();
    group.bench_function("crops", |bencher| {
        let cropper = Cropper::new(&field, &segmentation.labels, side, card.um_per_px, card.neighbor_dimming);
        let mut bytes = vec![0; side * side * 3];
        bencher.iter(|| {
            for target in &targets {
                cropper.crop(black_box(target), &mut InterleavedRgb::new(&mut bytes, side));
            }
        });
    });
    group.bench_function(engine, |bencher| {
        bencher.iter(|| classifier.classify(black_box(&field), &segmentation.labels, &targets).expect("a run"));
    });
    group.finish();
    criterion.final_summary();
}
