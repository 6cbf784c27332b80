//! Synthetic fields of named size and seed, the same in every bench.

use schistoquant::synth::{SynthOptions, SyntheticField, field};

/// Seed of every bench field.
pub const SEED: u64 = 3;

/// Cell diameters of the benches, px, with the size of their fields: the smallest, a common and a large one.
pub const FIELDS: [(f64, &str); 3] = [(20.0, "337x253"), (38.0, "640x480"), (100.0, "1684x1263")];

/// Options of a field with one schistocyte in twenty cells; its size in pixels grows with the cell diameter.
pub fn options(cell_diameter_px: f64) -> SynthOptions {
    SynthOptions { cell_diameter_px, schistocyte_fraction: 0.05, ..SynthOptions::default() }
}

/// The first field of the specimen.
pub fn drawn(cell_diameter_px: f64) -> SyntheticField {
    field(&options(cell_diameter_px), SEED, 0).expect("options within their ranges")
}
