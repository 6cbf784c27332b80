//! Rendering of a finished case of 20 fields and about 1,100 cells in each format.

#[path = "../tests/support/fake_case.rs"]
mod fake_case;

use std::hint::black_box;

use criterion::Criterion;
use fake_case::FakeCase;
use schistoquant::report::{ReportFormat, render};

fn main() {
    let case = FakeCase { fields: 20, ..FakeCase::default() }.build();
    let mut criterion = Criterion::default().configure_from_args();
    for format in ReportFormat::ALL {
        criterion.bench_function(&format!("report/{format}"), |bencher| {
            bencher.iter(|| render(format, black_box(&case)).expect("a sound case"));
        });
    }
    criterion.final_summary();
}
