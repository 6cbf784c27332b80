//! Decoding of a JPEG photograph (quality 90) to upright RGB.

#[path = "support/drawn.rs"]
mod drawn;

use std::hint::black_box;

use criterion::{Criterion, Throughput};
use image::codecs::jpeg::JpegEncoder;
use schistoquant::source::{DecodeLimits, decode};

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("jpeg");
    for (diameter_px, size) in drawn::FIELDS {
        let mut jpeg = Vec::new();
        drawn::drawn(diameter_px)
            .rgb
            .write_with_encoder(JpegEncoder::new_with_quality(&mut jpeg, 90))
            .expect("memory takes every byte");
        group.throughput(Throughput::Bytes(jpeg.len() as u64));
        group.bench_function(size, |bencher| {
            bencher.iter(|| decode(black_box(&jpeg), 0, &DecodeLimits::default()).expect("a whole picture"));
        });
    }
    group.finish();
    criterion.final_summary();
}
