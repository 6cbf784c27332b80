//! Bytes of a file as a photograph: refused, or a picture with pixels within the limit.
#![no_main]

use libfuzzer_sys::fuzz_target;
use schistoquant::source::{DecodeLimits, decode};

/// Small, so that time goes into structure and not into pixels.
const MAX_PIXELS: u64 = 1 << 20;

/// The same bytes with the checksums of a PNG put right, because no mutation finds them.
fn mended(bytes: &[u8]) -> Vec<u8> {
    let mut mended = bytes.to_vec();
    let mut at = if bytes.starts_with(b"\x89PNG") { 8 } else { bytes.len() };
    while let Some(length) = bytes.get(at..at + 4) {
        let length = u32::from_be_bytes(length.try_into().expect("four bytes")) as usize;
        let Some(covered) = bytes.get(at + 4..at + 8 + length) else { break };
        let mut checksum = flate2::Crc::new();
        checksum.update(covered);
        let Some(place) = mended.get_mut(at + 8 + length..at + 12 + length) else { break };
        place.copy_from_slice(&checksum.sum().to_be_bytes());
        at += 12 + length;
    }
    mended
}

fuzz_target!(|bytes: &[u8]| {
    let bytes = &mended(bytes)[..];
    let limits = DecodeLimits { max_pixels: MAX_PIXELS, ..DecodeLimits::default() };
    for page in 0..3 {
        match decode(bytes, page, &limits) {
            Ok(image) => {
                let pixels = u64::from(image.rgb.width()) * u64::from(image.rgb.height());
                assert!((1..=MAX_PIXELS).contains(&pixels));
                assert!(image.calibration.is_none_or(|calibration| calibration.um_per_px.is_finite()));
            }
            Err(problem) => assert!(problem.to_string().contains("expected")),
        }
    }
});
