//! What follows the outlines of a field: its quality, the shape and stain of its cells, and the count of a specimen.

#[path = "support/drawn.rs"]
mod drawn;
#[path = "support/normalized.rs"]
mod normalized;
#[path = "support/shipped.rs"]
mod shipped;

use std::hint::black_box;

use criterion::{Criterion, Throughput};
use schistoquant::count::{CountOptions, FieldTally, Performance, SchistocyteCount};
use schistoquant::measure::measure;
use schistoquant::quality::assess;
use schistoquant::smear::CellClass;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let (diameter_px, size) = drawn::FIELDS[1];
    let original = drawn::drawn(diameter_px).rgb;
    let field = normalized::normalized(&original, diameter_px);
    let segmentation = shipped::shipped().segmenter.segment(&field).expect("the detector runs");

    criterion.bench_function(&format!("quality/{size}"), |bencher| {
        bencher.iter(|| assess(black_box(&original), &field, [180.0; 3], 0.95, &segmentation, None));
    });

    let mut group = criterion.benchmark_group("measure");
    group.throughput(Throughput::Elements(segmentation.objects.len() as u64));
    group.bench_function(size, |bencher| {
        bencher.iter(|| {
            for object in &segmentation.objects {
                black_box(measure(&object.contour, field.um_per_px, &field));
            }
        });
    });
    group.finish();

    // The bootstrap over fields is what takes the time.
    let classes = [CellClass::Schistocyte; 2].into_iter().chain([CellClass::Normal; 68]);
    let fields = [classes.collect::<FieldTally>(); 40];
    criterion.bench_function("count/40 fields", |bencher| {
        let options = CountOptions::default();
        bencher.iter(|| SchistocyteCount::of_fields(black_box(&fields), &options, &Performance::default()));
    });
    criterion.final_summary();
}
