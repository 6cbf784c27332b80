//! Drawing of one synthetic field with its truth.

#[path = "support/drawn.rs"]
mod drawn;

use criterion::Criterion;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    for (diameter_px, size) in drawn::FIELDS {
        criterion.bench_function(&format!("synth/{size}"), |bencher| bencher.iter(|| drawn::drawn(diameter_px)));
    }
    criterion.final_summary();
}
