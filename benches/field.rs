//! Normalization of a field: common scale, background estimate, flat background.

#[path = "support/drawn.rs"]
mod drawn;
#[path = "support/normalized.rs"]
mod normalized;

use std::hint::black_box;

use criterion::Criterion;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    for (diameter_px, size) in drawn::FIELDS {
        let rgb = drawn::drawn(diameter_px).rgb;
        criterion.bench_function(&format!("normalize/{size}"), |bencher| {
            bencher.iter(|| normalized::normalized(black_box(&rgb), diameter_px));
        });
    }
    criterion.final_summary();
}
