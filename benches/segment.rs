//! Segmentation of a normalized field, and the estimate of the cell diameter that comes before it.

#[path = "support/drawn.rs"]
mod drawn;
#[path = "support/normalized.rs"]
mod normalized;
#[path = "support/shipped.rs"]
mod shipped;

use std::hint::black_box;

use criterion::Criterion;
use schistoquant::inference::EngineKind;
use schistoquant::pipeline::Models;

fn engine(models: &Models) -> EngineKind {
    models.classifier.engine().expect("it runs on an engine").kind
}

fn segmentation(criterion: &mut Criterion, models: &Models) {
    // Every field is segmented at one scale, so the diameter in the photograph does not matter here.
    let (diameter_px, size) = drawn::FIELDS[1];
    let field = normalized::normalized(&drawn::drawn(diameter_px).rgb, diameter_px);
    criterion.bench_function(&format!("segment/{size}/{}", engine(models)), |bencher| {
        bencher.iter(|| models.segmenter.segment(black_box(&field)));
    });
    criterion.bench_function(&format!("detect/{size}/{}", engine(models)), |bencher| {
        bencher.iter(|| models.segmenter.detector().detect(black_box(&field)));
    });
}

fn scale(criterion: &mut Criterion, models: &Models) {
    for (diameter_px, size) in drawn::FIELDS {
        let rgb = drawn::drawn(diameter_px).rgb;
        criterion.bench_function(&format!("scale/{size}/{}", engine(models)), |bencher| {
            bencher.iter(|| models.segmenter.estimate_scale(black_box(&rgb)))
        });
    }
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let models = shipped::shipped();
    segmentation(&mut criterion, &models);
    scale(&mut criterion, &models);
    criterion.final_summary();
}
