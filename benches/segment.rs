//! Segmentation of a normalized field, and the estimate of the cell diameter that comes before it.

#[path = "support/drawn.rs"]
mod drawn;
#[path = "support/normalized.rs"]
mod normalized;

use std::hint::black_box;

use criterion::Criterion;
use schistoquant::segment::{SegmentOptions, estimate_scale, segment};

fn segmentation(criterion: &mut Criterion) {
    // Every field is segmented at one scale, so the diameter in the photograph does not matter here.
    let (diameter_px, size) = drawn::FIELDS[1];
    let field = normalized::normalized(&drawn::drawn(diameter_px).rgb, diameter_px);
    criterion.bench_function(&format!("segment/{size}"), |bencher| {
        bencher.iter(|| segment(black_box(&field), &SegmentOptions::default()));
    });
}

fn scale(criterion: &mut Criterion) {
    for (diameter_px, size) in drawn::FIELDS {
        let rgb = drawn::drawn(diameter_px).rgb;
        criterion.bench_function(&format!("scale/{size}"), |bencher| bencher.iter(|| estimate_scale(black_box(&rgb))));
    }
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    segmentation(&mut criterion);
    scale(&mut criterion);
    criterion.final_summary();
}
