//! Segmentation of a normalized field, and the estimate of the cell diameter that comes before it.

#[path = "support/drawn.rs"]
mod drawn;
#[path = "support/normalized.rs"]
mod normalized;

use std::hint::black_box;

use criterion::Criterion;
use schistoquant::inference::{Engine, EngineRequest};
use schistoquant::segment::{Detector, Segmenter};

fn segmentation(criterion: &mut Criterion, segmenter: &Segmenter) {
    // Every field is segmented at one scale, so the diameter in the photograph does not matter here.
    let (diameter_px, size) = drawn::FIELDS[1];
    let field = normalized::normalized(&drawn::drawn(diameter_px).rgb, diameter_px);
    criterion.bench_function(&format!("segment/{size}"), |bencher| {
        bencher.iter(|| segmenter.segment(black_box(&field)));
    });
    criterion.bench_function(&format!("detect/{size}"), |bencher| {
        bencher.iter(|| segmenter.detector().detect(black_box(&field)));
    });
}

fn scale(criterion: &mut Criterion, segmenter: &Segmenter) {
    for (diameter_px, size) in drawn::FIELDS {
        let rgb = drawn::drawn(diameter_px).rgb;
        criterion.bench_function(&format!("scale/{size}"), |bencher| {
            bencher.iter(|| segmenter.estimate_scale(black_box(&rgb)))
        });
    }
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let library = std::env::var_os("ORT_DYLIB_PATH").map(Into::into);
    let engine = Engine::start(&EngineRequest { library, ..EngineRequest::default() }).expect("an engine");
    let segmenter = Segmenter::new(Detector::shipped(engine).expect("the shipped detector"));
    segmentation(&mut criterion, &segmenter);
    scale(&mut criterion, &segmenter);
    criterion.final_summary();
}
