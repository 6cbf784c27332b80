//! The archive of fields beside `case.json`. In: the lines behind its header, which is put in front, because no mutation
//! finds the hash in it; and the bytes as they are.
#![no_main]

#[path = "../../tests/support/fake_case.rs"]
#[allow(dead_code)]
mod fake_case;
#[path = "support/reports.rs"]
mod reports;

use std::io::{Read, Write};
use std::sync::LazyLock;

use fake_case::FakeCase;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use libfuzzer_sys::fuzz_target;
use schistoquant::case::{Case, CaseRecord, read_fields, write_fields};

/// The record of one small field, and the first line of its archive.
static RECORD: LazyLock<(CaseRecord, Vec<u8>)> = LazyLock::new(|| {
    let case = FakeCase { fields: 1, grid: (3, 2), schistocytes: 1, ..FakeCase::default() }.build();
    let (mut archive, mut text) = (Vec::new(), Vec::new());
    write_fields(&case.record, &case.fields, &mut archive).expect("memory");
    GzDecoder::new(archive.as_slice()).read_to_end(&mut text).expect("its own archive");
    text.truncate(text.iter().position(|&byte| byte == b'\n').expect("a header") + 1);
    (case.record, text)
});

fuzz_target!(|bytes: &[u8]| {
    let (record, header) = &*RECORD;
    let _ = read_fields(record, bytes);
    let mut archive = GzEncoder::new(Vec::new(), Compression::fast());
    archive.write_all(header).and_then(|()| archive.write_all(bytes)).expect("memory");
    let archive = archive.finish().expect("memory");
    if let Ok(fields) = read_fields(record, archive.as_slice()) {
        reports::check(&Case { record: record.clone(), fields });
    }
});
