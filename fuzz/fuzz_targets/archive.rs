//! The archive of fields beside `case.json`. In: what follows its header, which is put in front, because no mutation finds the
//! hash in it; the same as the facts of a field without pictures, compressed as they are in an archive; and the bytes as they are.
#![no_main]

#[path = "../../tests/support/fake_case.rs"]
#[allow(dead_code)]
mod fake_case;
#[path = "support/reports.rs"]
mod reports;

use std::io::Write;
use std::sync::LazyLock;

use fake_case::FakeCase;
use flate2::Compression;
use flate2::write::DeflateEncoder;
use libfuzzer_sys::fuzz_target;
use schistoquant::case::{Case, CaseRecord, read_fields, write_fields};

/// The record of one small field, and the first line of its archive.
static RECORD: LazyLock<(CaseRecord, Vec<u8>)> = LazyLock::new(|| {
    let case = FakeCase { fields: 1, grid: (3, 2), schistocytes: 1, ..FakeCase::default() }.build();
    let mut archive = Vec::new();
    write_fields(&case.record, &case.fields, &mut archive).expect("memory");
    archive.truncate(archive.iter().position(|&byte| byte == b'\n').expect("a header") + 1);
    (case.record, archive)
});

fuzz_target!(|bytes: &[u8]| {
    let (record, header) = &*RECORD;
    let _ = read_fields(record, bytes);
    let mut facts = DeflateEncoder::new(Vec::new(), Compression::fast());
    facts.write_all(bytes).expect("memory");
    let facts = facts.finish().expect("memory");
    let length = u32::try_from(facts.len()).expect("a small input").to_le_bytes();
    for archive in [[header, bytes].concat(), [header, &length[..], &facts].concat()] {
        if let Ok(fields) = read_fields(record, archive.as_slice()) {
            reports::check(&Case { record: record.clone(), fields });
        }
    }
});
