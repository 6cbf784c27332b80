//! The manifest of a batch: refused, or one that reads back as the same specimens when its rows are written out again.
#![no_main]

use std::collections::BTreeSet;
use std::path::Path;

use libfuzzer_sys::fuzz_target;
use schistoquant::batch::{Manifest, ManifestRow};

/// A row as a spreadsheet would save it.
fn written(row: &ManifestRow, extra_columns: &[String]) -> Vec<String> {
    let text = |path: &Path| path.to_str().expect("a manifest is UTF-8").to_owned();
    let inputs: Vec<String> = row.inputs.iter().map(|input| text(input)).collect();
    let own = [
        row.accession.clone(),
        inputs.join(";"),
        row.um_per_px.map_or_else(String::new, |size| size.to_string()),
        row.age_group.map_or_else(String::new, |group| group.name().to_owned()),
        row.labs.as_deref().map_or_else(String::new, text),
    ];
    let extra = extra_columns.iter().map(|name| row.extra.get(name).cloned().unwrap_or_default());
    own.into_iter().chain(extra).collect()
}

fuzz_target!(|bytes: &[u8]| {
    let read = |bytes: &[u8]| Manifest::of_csv(bytes, Path::new(""));
    let manifest = match read(bytes) {
        Ok(manifest) => manifest,
        Err(problem) => {
            assert!(problem.to_string().contains("expected"));
            return;
        }
    };
    let accessions: BTreeSet<&str> = manifest.rows().iter().map(|row| row.accession.as_str()).collect();
    assert!(!accessions.is_empty() && accessions.len() == manifest.rows().len());
    assert!(manifest.rows().iter().all(|row| !row.accession.contains(char::is_control) && !row.inputs.is_empty()));
    let mut text = csv::Writer::from_writer(Vec::new());
    let own = ["accession", "inputs", "um_per_px", "age_group", "labs"].map(str::to_owned);
    text.write_record(own.iter().chain(manifest.extra_columns())).expect("memory");
    for row in manifest.rows() {
        text.write_record(written(row, manifest.extra_columns())).expect("memory");
    }
    let again = read(&text.into_inner().expect("memory")).expect("its own text");
    // Lines that hold nothing, and line ends in quotes, move the lines.
    let plain = |manifest: &Manifest| -> Vec<ManifestRow> {
        manifest.rows().iter().map(|row| ManifestRow { line: 0, ..row.clone() }).collect()
    };
    assert_eq!(plain(&again), plain(&manifest));
    assert_eq!(again.sha256(), manifest.sha256());
});
