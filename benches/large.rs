//! All stages of a common field and of a large one of the same density: a large field must cost no more for each pixel.

#[path = "support/shipped.rs"]
mod shipped;

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput};
use schistoquant::pipeline::{SpecimenScale, examine, given_calibration};
use schistoquant::smear::{Field, FieldId, NOMINAL_RED_CELL_DIAMETER_UM};
use schistoquant::synth::{SynthOptions, field};

/// Seed of both fields.
const SEED: u64 = 3;
/// Width and height, px, and red cells: the same number of pixels for each cell.
const FIELDS: [(u32, u32, u32); 2] = [(640, 480, 107), (2875, 2885, 2900)];

fn drawn(width: u32, height: u32, cells: u32) -> Field {
    let defaults = SynthOptions::default();
    let diameter = defaults.cell_diameter_px;
    let options = SynthOptions {
        field_size_diameters: (f64::from(width) / diameter, f64::from(height) / diameter),
        red_cells_per_field: (cells, cells),
        schistocyte_fraction: 0.05,
        // White cells grow with the field as red cells do.
        white_cells_per_field: defaults.white_cells_per_field * f64::from(cells) / f64::from(FIELDS[0].2),
        ..defaults
    };
    let rgb = field(&options, SEED, 0).expect("options within their ranges").rgb;
    Field { id: FieldId("drawn.png".into()), rgb, calibration: None, sha256: String::new() }
}

fn main() {
    let models = shipped::shipped();
    let um_per_px = NOMINAL_RED_CELL_DIAMETER_UM / SynthOptions::default().cell_diameter_px;
    let scale =
        SpecimenScale::of_specimen(&[], given_calibration(um_per_px), &models.segmenter).expect("a given scale");
    let engine = models.classifier.engine().expect("it runs on an engine").kind;
    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("examine");
    group.sample_size(10).measurement_time(Duration::from_secs(10));
    for (width, height, cells) in FIELDS {
        let field = drawn(width, height, cells);
        group.throughput(Throughput::Elements(u64::from(width) * u64::from(height)));
        group.bench_function(format!("{width}x{height}/{engine}"), |bencher| {
            bencher.iter(|| examine(black_box(&field), &scale, &models).expect("the models run"));
        });
    }
    group.finish();
    criterion.final_summary();
}
