//! Every report is read back strictly: JSON by its schema and by the types, CSV by its columns, HTML by its figures.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::support::fake_case::FakeCase;
use schistoquant::case::{Case, CaseField, CaseFields, CaseRecord, FOOTER, InputFailure};
use schistoquant::report::{
    CASE_SCHEMA, COLUMNS, ReportError, ReportFile, ReportFormat, ReportTarget, case_schema, render,
};
use schistoquant::smear::CellStatus;

const HOSTILE: &str = "<b>&\"=1+1</b>";

fn text(format: ReportFormat, case: &Case) -> String {
    let files = render(format, case).expect("a case that can be written");
    String::from_utf8(files.into_iter().next().expect("a file").bytes).expect("UTF-8")
}

/// The fields of a case.
fn fields_of(case: &Case) -> Vec<CaseField> {
    case.fields.iter().collect::<Result<_, _>>().expect("readable fields")
}

/// Cases that stress the formats: usual, refused field, nothing read, nothing accepted, mixed picture, hostile names.
fn cases() -> Vec<(&'static str, Case)> {
    let failed = vec![InputFailure { path: HOSTILE.to_owned(), reason: "expected an image, found 3 bytes".to_owned() }];
    let cases = [
        ("usual", FakeCase::default()),
        ("enough cells", FakeCase { grid: (26, 20), refused: vec![1], fields: 4, ..FakeCase::default() }),
        ("nothing read", FakeCase { fields: 0, accession: None, failed: failed.clone(), ..FakeCase::default() }),
        ("nothing accepted", FakeCase { refused: vec![0, 1], ..FakeCase::default() }),
        ("no schistocyte", FakeCase { schistocytes: 0, fields: 1, ..FakeCase::default() }),
        ("mixed", FakeCase { mixed: true, grid: (26, 20), schistocytes: 12, fields: 3, ..FakeCase::default() }),
        ("hostile", FakeCase { name: HOSTILE, accession: Some(HOSTILE), failed, ..FakeCase::default() }),
    ];
    cases.map(|(name, case)| (name, case.build())).into()
}

#[test]
fn committed_schema_is_the_one_of_the_types() {
    let schema = case_schema().expect("the types have a schema");
    if std::env::var_os("REGENERATE").is_some() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/report/schema/case-v4.json");
        fs::write(path, schema).expect("the repository is writable");
        return;
    }
    assert!(schema == CASE_SCHEMA, "case-v4.json differs from the types; run with REGENERATE=1 and review the change");
}

#[test]
fn json_follows_the_schema_and_reads_back_to_the_record() {
    let schema = serde_json::from_str(CASE_SCHEMA).expect("the committed schema is JSON");
    let validator = jsonschema::validator_for(&schema).expect("the committed schema is a JSON Schema");
    for (name, case) in cases() {
        let json = text(ReportFormat::Json, &case);
        let document = serde_json::from_str(&json).expect("JSON");
        let faults: Vec<String> = validator.iter_errors(&document).map(|fault| fault.to_string()).collect();
        assert_eq!(faults, Vec::<String>::new(), "{name}");
        // The types deny unknown fields.
        let record: CaseRecord = serde_json::from_str(&json).expect("the record");
        assert_eq!(record, case.record, "{name}");
        assert!(json.ends_with("}\n"), "{name}");
    }
}

#[test]
fn schema_refuses_what_is_missing_unknown_or_of_another_type() {
    let schema = serde_json::from_str(CASE_SCHEMA).expect("the committed schema is JSON");
    let validator = jsonschema::validator_for(&schema).expect("the committed schema is a JSON Schema");
    let sound: serde_json::Value =
        serde_json::from_str(&text(ReportFormat::Json, &FakeCase::default().build())).expect("JSON");
    assert!(validator.is_valid(&sound));

    let mut changed = sound.clone();
    changed["count"].as_object_mut().expect("an object").remove("percent");
    assert!(!validator.is_valid(&changed), "unknown is null, never left out");
    let mut changed = sound.clone();
    changed["diagnosis"] = "none".into();
    assert!(!validator.is_valid(&changed), "unknown field");
    let mut changed = sound.clone();
    changed["count"]["red_cells"] = (-1).into();
    assert!(!validator.is_valid(&changed), "negative count");
    let mut changed = sound;
    changed["count"]["state"] = "positive".into();
    assert!(!validator.is_valid(&changed), "unknown state");
}

#[test]
fn csv_holds_every_object_of_every_field() {
    for (name, case) in cases() {
        let table = text(ReportFormat::Csv, &case);
        let mut reader = csv::Reader::from_reader(table.as_bytes());
        assert_eq!(reader.headers().expect("a header row"), &COLUMNS[..], "{name}");
        let rows: Vec<csv::StringRecord> = reader.records().collect::<Result<_, _>>().expect("rows of one length");
        let fields = fields_of(&case);
        let cells = fields.iter().flat_map(|field| field.cells.iter().map(move |cell| (field, cell)));
        assert_eq!(rows.len(), cells.clone().count(), "{name}");
        for (row, (field, classified)) in rows.iter().zip(cells) {
            let contour = &classified.cell.contour;
            assert_eq!((&row[0], &row[1]), (field.field.as_str(), classified.cell.id.0.to_string().as_str()));
            let number = |column: usize| row[column].parse::<f64>().expect("a number");
            let near = |column: usize, value: f64, tolerance: f64| {
                assert!(
                    (number(column) - value).abs() <= tolerance,
                    "{}: {} and {value}",
                    COLUMNS[column],
                    &row[column]
                );
            };
            near(2, contour.centroid()[0], 0.005_001);
            near(3, contour.centroid()[1], 0.005_001);
            near(4, contour.bounds().x_min, 0.005_001);
            near(7, contour.bounds().y_max, 0.005_001);
            near(8, contour.area_px(), 0.050_001);
            near(9, classified.cell.morphology.diameter_um, 0.000_501);
            let (call, status, reason) = match classified.status {
                CellStatus::Counted(call) => (Some(call), "counted", ""),
                CellStatus::Excluded(reason, call) => (call, "excluded", reason.name()),
            };
            assert_eq!((&row[13], &row[14]), (status, reason));
            assert_eq!(row[15], *classified.form.map_or("", |form| form.name()));
            match call {
                Some(call) => {
                    assert_eq!(&row[10], call.class.name());
                    near(11, call.class_probability.value(), 0.000_000_501);
                    near(12, call.schistocyte_probability.value(), 0.000_000_501);
                    assert_eq!(row[12].split_once('.').map(|(_, decimals)| decimals.len()), Some(6));
                }
                None => assert_eq!([&row[10], &row[11], &row[12]], ["", "", ""]),
            }
        }
    }
}

#[test]
fn a_field_without_pixel_size_has_no_diameters() {
    let mut case = FakeCase::default().build();
    case.record.fields[1].um_per_px = None;
    let table = text(ReportFormat::Csv, &case);
    let mut reader = csv::Reader::from_reader(table.as_bytes());
    for row in reader.records() {
        let row = row.expect("a row");
        assert_eq!(row[9].is_empty(), row[0] == case.record.fields[1].field);
    }
}

#[test]
fn a_table_row_reads_as_documented() {
    let table = text(ReportFormat::Csv, &FakeCase { fields: 1, ..FakeCase::default() }.build());
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines[0], COLUMNS.join(","));
    assert_eq!(
        lines[2],
        "field-01.png,2,72.00,29.00,53.00,10.00,91.00,48.00,1132.7,7.595,normal,0.930000,0.000123,counted,,,0.000,,,"
    );
    assert_eq!(
        lines[60],
        "field-01.png,60,479.00,275.00,473.00,269.00,485.00,281.00,113.0,2.398,,,,excluded,platelet,,0.000,,,"
    );
}

#[test]
fn the_same_case_gives_the_same_bytes() {
    for format in ReportFormat::ALL {
        let make = || render(format, &FakeCase::default().build()).expect("a case that can be written");
        assert!(make() == make(), "{format}");
    }
}

/// Some fields of a case.
fn reordered(case: &Case, places: &[usize]) -> CaseFields {
    let all = fields_of(case);
    CaseFields::of(places.iter().map(|&place| all[place].clone())).expect("a temporary file")
}

#[test]
fn fields_that_do_not_belong_together_are_refused() {
    let mut case = FakeCase::default().build();
    case.fields = reordered(&case, &[1, 0]);
    let error = render(ReportFormat::Html, &case).expect_err("pictures of other fields");
    assert!(
        matches!(&error, ReportError::FieldsDisagree { expected, found }
            if expected == "field-01.png" && found == "field-02.png"),
        "{error:?}"
    );
    case.fields = reordered(&case, &[1]);
    let error = render(ReportFormat::Csv, &case).expect_err("a field short");
    assert!(matches!(&error, ReportError::FieldsDisagree { expected, .. } if expected == "field-02.png"), "{error:?}");
}

#[test]
fn reports_replace_earlier_ones_and_leave_nothing_else() {
    let base = tempfile::tempdir().expect("a temporary folder");
    let folder = base.path().join("new/report");
    for case in [FakeCase::default().build(), FakeCase { fields: 1, ..FakeCase::default() }.build()] {
        let target = ReportTarget::prepare(&folder, &ReportFormat::ALL).expect("a writable folder");
        let written = target.write(&case).expect("reports").files;
        let files: Vec<ReportFile> = ReportFormat::ALL
            .into_iter()
            .flat_map(|format| render(format, &case).expect("a case that can be written"))
            .collect();
        assert_eq!(written, files.iter().map(|file| folder.join(&file.name)).collect::<Vec<_>>());
        for file in &files {
            assert!(fs::read(folder.join(&file.name)).expect("a report") == file.bytes, "{}", file.name);
        }
    }
    let names: BTreeSet<_> =
        fs::read_dir(&folder).expect("a folder").map(|entry| entry.expect("an entry").file_name()).collect();
    for name in ReportFormat::ALL.into_iter().flat_map(ReportFormat::fixed_names) {
        assert!(names.contains(std::ffi::OsStr::new(name.trim_end_matches('/'))), "{name}");
    }
    assert!(names.iter().all(|name| !name.to_string_lossy().starts_with('.')), "{names:?}");
}

#[test]
fn a_failed_write_leaves_the_earlier_report_and_no_rest() {
    let base = tempfile::tempdir().expect("a temporary folder");
    let earlier = base.path().join("case.json");
    fs::write(&earlier, "earlier").expect("a file");
    let target = ReportTarget::prepare(base.path(), &ReportFormat::ALL).expect("a writable folder");
    let mut case = FakeCase::default().build();
    case.fields = reordered(&case, &[0]);
    target.write(&case).expect_err("fields that do not belong together");
    assert_eq!(fs::read_to_string(&earlier).expect("still there"), "earlier");
    assert_eq!(fs::read_dir(base.path()).expect("a folder").count(), 1);
}

#[test]
fn a_folder_that_vanishes_during_the_work_is_named() {
    let base = tempfile::tempdir().expect("a temporary folder");
    let folder = base.path().join("out");
    let target = ReportTarget::prepare(&folder, &ReportFormat::ALL).expect("a writable folder");
    fs::remove_dir(&folder).expect("an empty folder");
    let error = target.write(&FakeCase::default().build()).expect_err("nowhere to write");
    assert!(matches!(&error, ReportError::Write { path, .. } if *path == folder.join("case.json")), "{error:?}");
    assert!(error.to_string().contains("expected a file that can be written"));
}

#[test]
fn every_page_carries_the_footer() {
    for (name, case) in cases() {
        assert!(text(ReportFormat::Html, &case).contains(FOOTER), "{name}");
        assert!(text(ReportFormat::Json, &case).contains(FOOTER), "{name}");
    }
}
