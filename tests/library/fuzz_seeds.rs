//! What the fuzz targets begin with is what the program writes: `REGENERATE=1` rewrites the seeds.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::fake_case::FakeCase;
use schistoquant::batch::{Manifest, parse_journal};
use schistoquant::case::{Case, CaseRecord, SpecimenFailure, SpecimenOutcome, SpecimenResult, write_fields};
use schistoquant::watch::DropOrder;

/// The case that the target `archive` puts behind its bytes.
fn small_case() -> Case {
    FakeCase { fields: 1, grid: (3, 2), schistocytes: 1, ..FakeCase::default() }.build()
}

fn seed(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(path)
}

fn assert_seed(path: &str, expected: &[u8]) {
    let path = seed(path);
    if std::env::var_os("REGENERATE").is_some() {
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(&path, expected).expect("written");
    }
    assert!(fs::read(&path).expect("a seed") == expected, "{}: REGENERATE=1 rewrites it", path.display());
}

#[test]
fn the_record_and_the_fields_of_its_archive_are_those_of_the_program() {
    let panel = FakeCase { labs: Some("cancer.json"), ..FakeCase::default() }.build();
    let record = serde_json::to_vec(&panel.record).expect("a plain record");
    assert_eq!(serde_json::from_slice::<CaseRecord>(&record).expect("its own text"), panel.record);
    assert_seed("case_record/with-panel.json", &record);

    let case = small_case();
    assert_seed("case_record/small.json", &serde_json::to_vec(&case.record).expect("a plain record"));
    let mut archive = Vec::new();
    write_fields(&case.record, &case.fields, &mut archive).expect("memory");
    let header = archive.iter().position(|&byte| byte == b'\n').expect("a header");
    assert_seed("archive/field", &archive[header + 1..]);
}

#[test]
fn the_order_files_of_a_drop_folder_are_orders() {
    for entry in fs::read_dir(seed("order")).expect("seeds") {
        let text = fs::read(entry.expect("an entry").path()).expect("a seed");
        let order: DropOrder = serde_json::from_slice(&text).expect("an order file");
        assert!(!order.inputs.is_empty());
    }
}

#[test]
fn the_journal_is_that_of_a_finished_and_a_failed_specimen() {
    let result = SpecimenResult::of(&small_case().record, "S-1_0123456789abcdef").expect("figures");
    let failure = SpecimenFailure { exit_code: 3, reason: "S-2/a.png: expected a picture".to_owned() };
    let outcomes = [
        SpecimenOutcome {
            line: 3,
            accession: "S-2".to_owned(),
            row_sha256: String::new(),
            files_sha256: None,
            extra: BTreeMap::new(),
            result: None,
            failure: Some(failure),
        },
        SpecimenOutcome {
            line: 2,
            accession: "S-1".to_owned(),
            row_sha256: "1".repeat(64),
            files_sha256: Some("0".repeat(64)),
            extra: BTreeMap::from([("site".to_owned(), "A".to_owned())]),
            result: Some(result),
            failure: None,
        },
    ];
    let mut journal = Vec::new();
    for outcome in &outcomes {
        serde_json::to_writer(&mut journal, outcome).expect("memory");
        journal.push(b'\n');
    }
    let (read, whole) = parse_journal(&journal).expect("whole lines");
    assert_eq!((read.into_values().rev().collect::<Vec<_>>().as_slice(), whole), (&outcomes[..], journal.len() as u64));
    assert_seed("journal/two.jsonl", &journal);
}

#[test]
fn the_manifest_has_every_column() {
    let text = fs::read(seed("manifest/every-column.csv")).expect("a seed");
    let manifest = Manifest::of_csv(&text, Path::new("")).expect("a manifest");
    assert_eq!(manifest.rows().len(), 3);
    assert!(manifest.rows().iter().any(|row| row.inputs.len() == 2 && row.labs.is_some() && row.age_group.is_some()));
}
