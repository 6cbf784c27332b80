//! The card beside a graph: refused, or one that reads back the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use schistoquant::classify::{ModelCard, ModelOrigin};

fuzz_target!(|bytes: &[u8]| {
    let origin = ModelOrigin::File("x.onnx".into());
    let Ok(card) = ModelCard::from_json(bytes, &origin) else { return };
    assert!(card.crop_side_px() > 0 && card.batch() > 0);
    let text = serde_json::to_vec(&card).expect("a plain record");
    assert_eq!(ModelCard::from_json(&text, &origin).expect("its own text"), card);
});
