//! `case.json` as `report` reads it: refused, or a record that reads back the same and that every report can be made of.
#![no_main]

#[path = "support/reports.rs"]
mod reports;

use libfuzzer_sys::fuzz_target;
use schistoquant::case::{Case, CaseField, CaseFields, CaseRecord, FieldRecord};

/// A field without objects.
fn bare(field: &FieldRecord) -> CaseField {
    CaseField { field: field.field.clone(), preview: None, cells: Vec::new(), tiles: Vec::new() }
}

fuzz_target!(|bytes: &[u8]| {
    let Ok(record) = serde_json::from_slice::<CaseRecord>(bytes) else { return };
    let text = serde_json::to_vec(&record).expect("a plain record");
    assert_eq!(serde_json::from_slice::<CaseRecord>(&text).expect("its own text"), record);
    let fields = CaseFields::of(record.fields.iter().map(bare)).expect("a temporary file");
    reports::check(&Case { record, fields });
});
