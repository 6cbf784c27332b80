//! A laboratory panel as `panel.json`.
#![no_main]

#[path = "support/panel.rs"]
mod panel;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| panel::check(bytes));
