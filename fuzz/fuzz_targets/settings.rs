//! The laboratory's configuration: refused, or one whose listing is a configuration with the same values.
#![no_main]

use libfuzzer_sys::fuzz_target;
use schistoquant::settings::LoadedSettings;

fuzz_target!(|text: &str| {
    let Ok(loaded) = LoadedSettings::parse(text, "lab.toml".into()) else { return };
    let entries = loaded.entries().expect("plain values");
    let listing: String = entries.iter().map(|entry| format!("{entry}\n")).collect();
    let again = LoadedSettings::parse(&listing, "listing".into()).expect("its own listing");
    assert_eq!(again.settings, loaded.settings);
});
