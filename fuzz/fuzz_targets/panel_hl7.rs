//! A laboratory panel as an HL7 v2 message.
#![no_main]

#[path = "support/panel.rs"]
mod panel;

use libfuzzer_sys::{Corpus, fuzz_target};

fuzz_target!(|bytes: &[u8]| -> Corpus {
    // Other formats have targets of their own.
    if !bytes.starts_with(b"MSH") {
        return Corpus::Reject;
    }
    panel::check(bytes);
    Corpus::Keep
});
