//! The manifest of a batch: refused, or one that reads back as the same specimens when its rows are written out again.
#![no_main]

use std::collections::BTreeSet;
use std::path::Path;

use libfuzzer_sys::fuzz_target;
use schistoquant::batch::{Manifest, ManifestRow};

/// A row as a spreadsheet would save it.
fn written(row: &ManifestRow) -> [String; 5] {
    let text = |path: &Path| path.to_str().expect("a manifest is UTF-8").to_owned();
    let inputs: Vec<String> = row.inputs.iter().map(|input| text(input)).collect();
    [
        row.accession.clone(),
        inputs.join(";"),
        row.um_per_px.map_or_else(String::new, |size| size.to_string()),
        row.age_group.map_or_else(String::new, |group| group.name().to_owned()),
        row.labs.as_deref().map_or_else(String::new, text),
    ]
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
    text.write_record(["accession", "inputs", "um_per_px", "age_group", "labs"]).expect("memory");
    for row in manifest.rows() {
        text.write_record(written(row)).expect("memory");
    }
    let again = read(&text.into_inner().expect("memory")).expect("its own text");
    assert_eq!(again.rows(), manifest.rows());
    assert_eq!(again.sha256(), manifest.sha256());
});
