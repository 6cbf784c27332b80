//! A laboratory panel as a FHIR Bundle.
#![no_main]

#[path = "support/panel.rs"]
mod panel;

use libfuzzer_sys::{Corpus, fuzz_target};

const BUNDLE: &[u8] = b"\"resourceType\"";

fuzz_target!(|bytes: &[u8]| -> Corpus {
    // Other formats have targets of their own.
    if !bytes.windows(BUNDLE.len()).any(|window| window == BUNDLE) {
        return Corpus::Reject;
    }
    panel::check(bytes);
    Corpus::Keep
});
