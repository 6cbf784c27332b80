//! The files that leave the case folder are read back: tables, outlines, pictures. Values equal the record, names are
//! harmless, the footer is there and no banned word is.

use std::collections::{BTreeMap, BTreeSet};

use crate::support::fake_case::FakeCase;
use image::RgbImage;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use schistoquant::case::{Case, CaseField, CaseFields, FOOTER, Job, Order, Patient, banned_terms_in};
use schistoquant::report::{COLUMNS, MOST_TILES, ReportFile, ReportFormat, is_own_column, render};
use schistoquant::smear::{CellClass, CellStatus, Contour, ExclusionReason};
use serde::Deserialize;

/// Breaks quotes, separators, paths, formulas and terminals wherever one is not minded.
const HOSTILE: &str = "=cmd|' /C calc'!A0\r\n../..\\<b>\",;\u{1b}[2J";

fn files(format: ReportFormat, case: &Case) -> Vec<ReportFile> {
    render(format, case).expect("a case that can be written")
}

fn ending<'a>(files: &'a [ReportFile], end: &str) -> &'a ReportFile {
    files.iter().find(|file| file.name.ends_with(end)).unwrap_or_else(|| panic!("no file ends with {end}"))
}

/// The fields of a case.
fn fields_of(case: &Case) -> Vec<CaseField> {
    case.fields.iter().collect::<Result<_, _>>().expect("readable fields")
}

fn text(file: &ReportFile) -> &str {
    std::str::from_utf8(&file.bytes).expect("UTF-8")
}

fn cases() -> Vec<Case> {
    let patient = Patient { id: Some("MRN1".into()), family_name: Some("field".into()), ..Patient::default() };
    let order = Order { patient: Some(patient), ..Order::default() };
    vec![
        FakeCase::default().build(),
        FakeCase { grid: (26, 20), refused: vec![1], fields: 3, ..FakeCase::default() }.build(),
        FakeCase { fields: 0, accession: None, ..FakeCase::default() }.build(),
        FakeCase { refused: vec![0, 1], order: Some(order), ..FakeCase::default() }.build(),
        FakeCase { name: HOSTILE, accession: Some(HOSTILE), ..FakeCase::default() }.build(),
    ]
}

#[test]
fn every_name_is_harmless_and_bears_accession_and_job() {
    for case in cases() {
        let job = Job::of(&case.record).expect("a job");
        let mut seen = BTreeSet::new();
        for format in ReportFormat::ALL {
            let working = format.fixed_names();
            for file in files(format, &case) {
                let parts: Vec<&str> = file.name.split('/').collect();
                assert!(parts.len() <= 2, "{}", file.name);
                for part in &parts {
                    assert!(part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte)), "{part}");
                    assert!(!part.starts_with('.') && part.len() <= 64 + 1 + 64 + ".specimen.parquet".len(), "{part}");
                }
                assert!(seen.insert(file.name.to_lowercase()), "{} twice", file.name);
                let keeps_its_name = working.contains(&file.name.as_str()) || file.name.starts_with("fields/");
                assert!(keeps_its_name || file.name.contains(&format!("_{}.", job.id())), "{}", file.name);
            }
        }
    }
}

#[test]
fn a_field_called_after_the_patient_is_called_by_its_number() {
    let case = cases().remove(3);
    let names: Vec<String> = files(ReportFormat::Pictures, &case).into_iter().map(|file| file.name).collect();
    assert_eq!(names, ["fields/field-001.jpg", "fields/field-002.jpg", "gallery.png"]);
}

#[test]
fn the_row_of_the_specimen_is_the_record() {
    for case in cases() {
        let files = files(ReportFormat::Csv, &case);
        let mut reader = csv::Reader::from_reader(ending(&files, ".specimen.csv").bytes.as_slice());
        let rows: Vec<BTreeMap<String, String>> = reader.deserialize().collect::<Result<_, _>>().expect("a row");
        let (row, record) = (&rows[0], &case.record);
        assert_eq!(rows.len(), 1);
        let accession = record.accession.as_deref().unwrap_or_default();
        // A text that a spreadsheet would run has an apostrophe in front.
        let accession = if accession.starts_with('=') { format!("'{accession}") } else { accession.to_owned() };
        assert_eq!(row["accession"], accession);
        // No column of a manifest can take the place of one of these.
        let free: Vec<_> = row.keys().filter(|column| !is_own_column(column)).collect();
        assert!(free.is_empty() && is_own_column("PERCENT") && !is_own_column("blast_percent"), "{free:?}");
        assert_eq!(row["job"], Job::of(record).expect("a job").id());
        assert_eq!(row["red_cells"], record.count.red_cells.to_string());
        assert_eq!(row["schistocytes"], record.count.schistocytes.to_string());
        assert_eq!(row["state"], record.count.state.name());
        assert_eq!(row["footer"], FOOTER);
        let near = |column: &str, value: Option<f64>| match value {
            Some(value) => {
                let read: f64 = row[column].parse().expect("a number");
                assert!((read - value).abs() <= 0.000_000_501, "{column}: {read} and {value}");
            }
            None => assert_eq!(row[column], "", "{column}"),
        };
        near("percent", record.count.percent);
        near("wilson_95_low_percent", record.count.wilson_95.map(|limits| limits.low));
        near("field_bootstrap_95_low_percent", record.count.field_bootstrap_95.map(|limits| limits.low));
        near("sequential_95_low_percent", record.count.sequential_95.map(|limits| limits.low));
        near("widest_95_high_percent", record.count.widest_95().map(|limits| limits.high));
        near("corrected_high_percent", record.count.corrected.map(|corrected| corrected.high));
        let deciding = record.count.deciding.and_then(|limits| limits.high);
        near("deciding_high_percent", deciding.map(|limit| limit.percent));
        assert_eq!(row["deciding_high_interval"], deciding.map_or("", |limit| limit.interval.name()));
        near("corrected_percent", record.count.corrected.and_then(|corrected| corrected.percent));
        for class in CellClass::ALL {
            let cells = record.class_count(class).map_or_else(String::new, |cells| cells.to_string());
            assert_eq!(row[&format!("n_{}", class.name())], cells);
        }
        assert_eq!(row["form_crescent"], record.count.schistocytes.to_string());
        assert_eq!((row["form_helmet"].as_str(), row["forms_validated"].as_str()), ("0", "no"));
        assert_eq!(row["excluded_debris"], "0");
        let platelets = record.exclusions.get(&ExclusionReason::Platelet).copied().unwrap_or(0);
        assert_eq!(row["excluded_platelet"], platelets.to_string());
        assert!(!row.keys().any(|column| column.contains("patient")), "nothing of a patient");
    }
}

/// A Parquet file as rows of texts, numbers with all their digits; null is `None`.
fn parquet_rows(file: &ReportFile) -> (Vec<String>, Vec<Vec<Option<Field>>>) {
    let reader = SerializedFileReader::new(bytes::Bytes::from(file.bytes.clone())).expect("a Parquet file");
    let schema = reader.metadata().file_metadata().schema_descr();
    let names = schema.columns().iter().map(|column| column.name().to_owned()).collect();
    let rows = reader.get_row_iter(None).expect("rows").map(|row| {
        let row = row.expect("a row");
        row.get_column_iter().map(|(_, field)| (*field != Field::Null).then(|| field.clone())).collect()
    });
    (names, rows.collect())
}

#[test]
fn parquet_holds_what_the_csv_holds_and_null_stays_null() {
    for case in cases() {
        let (tables, files) = (files(ReportFormat::Csv, &case), files(ReportFormat::Parquet, &case));
        for (csv_end, parquet_end) in [("cells.csv", ".cells.parquet"), (".specimen.csv", ".specimen.parquet")] {
            let mut reader = csv::Reader::from_reader(ending(&tables, csv_end).bytes.as_slice());
            let header: Vec<String> = reader.headers().expect("a header").iter().map(str::to_owned).collect();
            let expected: Vec<csv::StringRecord> = reader.records().collect::<Result<_, _>>().expect("rows");
            let (names, rows) = parquet_rows(ending(&files, parquet_end));
            assert_eq!(names, header);
            assert_eq!(rows.len(), expected.len());
            for (row, expected) in rows.iter().zip(&expected) {
                for (entry, expected) in row.iter().zip(expected) {
                    match entry {
                        None => assert_eq!(expected, ""),
                        Some(Field::Str(text)) if text.starts_with('=') => assert_eq!(expected, format!("'{text}")),
                        Some(Field::Str(text)) => assert_eq!(expected, text),
                        Some(Field::Long(count)) => assert_eq!(expected, count.to_string()),
                        Some(Field::Double(value)) => assert_eq!(expected.parse(), Ok(*value)),
                        Some(other) => panic!("expected text or number, found {other:?}"),
                    }
                }
            }
        }
    }
}

#[test]
fn parquet_files_carry_the_footer_and_their_job() {
    let case = FakeCase::default().build();
    for file in files(ReportFormat::Parquet, &case) {
        let reader = SerializedFileReader::new(bytes::Bytes::from(file.bytes)).expect("a Parquet file");
        let entries = reader.metadata().file_metadata().key_value_metadata().expect("metadata");
        let value = |key: &str| entries.iter().find(|entry| entry.key == key).and_then(|entry| entry.value.clone());
        assert_eq!(value("footer").as_deref(), Some(FOOTER));
        assert_eq!(value("job").as_deref(), Some(Job::of(&case.record).expect("a job").id()));
    }
    let (names, rows) = parquet_rows(ending(&files(ReportFormat::Parquet, &case), ".cells.parquet"));
    assert_eq!(names, COLUMNS);
    assert_eq!(rows.len(), fields_of(&case).iter().map(|field| field.cells.len()).sum::<usize>());
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Collection {
    r#type: String,
    features: Vec<Feature>,
    field: String,
    accession: Option<String>,
    job: String,
    um_per_px: Option<f64>,
    footer: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Feature {
    r#type: String,
    id: String,
    geometry: Geometry,
    properties: Properties,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Geometry {
    r#type: String,
    coordinates: Vec<Vec<[f64; 2]>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Properties {
    object_type: String,
    name: String,
    classification: Classification,
    measurements: BTreeMap<String, f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Classification {
    name: String,
    color: [u8; 3],
}

#[test]
fn outlines_read_back_as_detections_of_their_field() {
    let mut ids = BTreeSet::new();
    for mut case in cases() {
        // One field without a pixel size: no length in µm there.
        if let Some(record) = case.record.fields.last_mut() {
            record.um_per_px = None;
        }
        let files = files(ReportFormat::Geojson, &case);
        assert_eq!(files.len(), case.fields.len());
        for ((file, field), record) in files.iter().zip(&fields_of(&case)).zip(&case.record.fields) {
            let collection: Collection = serde_json::from_str(text(file)).expect("a collection");
            assert_eq!((collection.r#type.as_str(), &collection.field), ("FeatureCollection", &field.field));
            assert_eq!((&collection.accession, collection.um_per_px), (&case.record.accession, record.um_per_px));
            assert_eq!((collection.footer.as_str(), collection.job.len()), (FOOTER, 16));
            assert_eq!(collection.features.len(), field.cells.len());
            for (feature, cell) in collection.features.iter().zip(&field.cells) {
                assert_eq!((feature.r#type.as_str(), feature.geometry.r#type.as_str()), ("Feature", "Polygon"));
                assert_eq!(feature.properties.object_type, "detection");
                assert_eq!(feature.properties.name, cell.cell.id.0.to_string());
                let id: uuid::Uuid = feature.id.parse().expect("a UUID");
                assert_eq!(id.get_version_num(), 5);
                assert!(ids.insert(id), "{id} twice");
                let ring = &feature.geometry.coordinates[0];
                assert_eq!((feature.geometry.coordinates.len(), ring.first()), (1, ring.last()));
                let outline = Contour::new(ring[..ring.len() - 1].to_vec()).expect("an outline");
                assert!((outline.area_px() - cell.cell.contour.area_px()).abs() < 2.0);
                let (name, color) = match cell.status {
                    CellStatus::Counted(call) if call.class == CellClass::Schistocyte => {
                        ("Schistocyte: crescent", [213, 94, 0])
                    }
                    CellStatus::Counted(_) => (feature.properties.classification.name.as_str(), [0, 114, 178]),
                    CellStatus::Excluded(reason, _) => {
                        let expected = format!("Excluded: {}", reason.name().replace('_', " "));
                        assert_eq!(feature.properties.classification.name, expected);
                        ("", [128, 128, 128])
                    }
                };
                assert!(name.is_empty() || feature.properties.classification.name == name);
                assert_eq!(feature.properties.classification.color, color);
                let measured = &feature.properties.measurements;
                assert_eq!(measured.contains_key("area_um2"), record.um_per_px.is_some());
                assert!((measured["area_px2"] - cell.cell.contour.area_px()).abs() < 1e-5);
            }
        }
    }
}

#[test]
fn the_same_work_gives_the_same_identifiers_and_other_work_others() {
    let ids = |case: &Case| -> Vec<String> {
        let file = files(ReportFormat::Geojson, case).remove(0);
        let collection: Collection = serde_json::from_slice(&file.bytes).expect("a collection");
        collection.features.into_iter().map(|feature| feature.id).collect()
    };
    let case = FakeCase::default().build();
    assert_eq!(ids(&case), ids(&case));
    let mut other = FakeCase::default().build();
    other.record.provenance.model.sha256.replace_range(..1, "0");
    assert!(ids(&case).iter().zip(ids(&other)).all(|(one, two)| *one != two));
}

fn decoded(file: &ReportFile) -> RgbImage {
    image::load_from_memory(&file.bytes).unwrap_or_else(|error| panic!("{}: {error}", file.name)).into_rgb8()
}

/// Pixels near a color, inside the upper `height` rows.
fn near(picture: &RgbImage, color: [u8; 3], height: u32) -> usize {
    let near = |pixel: &image::Rgb<u8>| pixel.0.iter().zip(color).all(|(a, b)| a.abs_diff(b) < 60);
    picture.enumerate_pixels().filter(|(_, y, pixel)| *y < height && near(pixel)).count()
}

#[test]
fn pictures_show_every_kind_of_outline_and_the_called_cells() {
    let case = FakeCase { preview_scale: 1.0, ..FakeCase::default() }.build();
    let files = files(ReportFormat::Pictures, &case);
    assert_eq!(files.len(), case.fields.len() + 1);
    for (file, field) in files.iter().zip(&fields_of(&case)) {
        let (picture, preview) = (decoded(file), field.preview.as_ref().expect("a preview"));
        assert_eq!(picture.width(), preview.width_px.max(480));
        assert!(picture.height() > preview.height_px + 100, "words below");
        for color in [[213, 94, 0], [0, 114, 178], [128, 128, 128]] {
            assert!(near(&picture, color, preview.height_px) > 20, "{}: {color:?}", file.name);
        }
    }
    let sheet = decoded(ending(&files, "gallery.png"));
    let none = FakeCase { schistocytes: 0, ..FakeCase::default() }.build();
    let empty = decoded(ending(&self::files(ReportFormat::Pictures, &none), "gallery.png"));
    assert!(sheet.height() > empty.height() + 144 && sheet.width() == empty.width());
    // The tile of the likeliest cell stands first.
    let tile = image::load_from_memory(&fields_of(&case)[0].tiles[0].jpeg).expect("a tile");
    assert_eq!(tile.width(), 96, "the made-up tiles are smaller than those of an analysis");
    assert!(fields_of(&case).iter().map(|field| field.tiles.len()).sum::<usize>() < MOST_TILES);
}

#[test]
fn a_preview_that_is_no_picture_or_missing_is_named() {
    let mut case = FakeCase::default().build();
    let mut fields = fields_of(&case);
    fields[1].preview.as_mut().expect("a preview").jpeg.truncate(20);
    case.fields = CaseFields::of(fields.clone()).expect("a temporary file");
    let error = render(ReportFormat::Pictures, &case).expect_err("half a picture");
    assert!(error.to_string().starts_with("field-02.png: its preview"), "{error}");
    fields[1].preview = None;
    case.fields = CaseFields::of(fields).expect("a temporary file");
    let error = render(ReportFormat::Pictures, &case).expect_err("no picture");
    assert!(error.to_string().starts_with("field-02.png: expected a picture of the field, found none"), "{error}");
}

#[test]
fn no_format_holds_a_banned_word_and_each_text_has_the_footer() {
    for case in cases() {
        for format in ReportFormat::ALL {
            let files = files(format, &case);
            // The archive is no text, though one without fields is.
            let read = files.iter().filter(|file| file.name != "case.fields");
            let texts: Vec<&str> = read.filter_map(|file| std::str::from_utf8(&file.bytes).ok()).collect();
            for text in &texts {
                assert_eq!(banned_terms_in(text), Vec::<&str>::new(), "{format}");
            }
            // The table of cells is beside that of the specimen, which has it; Parquet and pictures are tested above.
            let carries = |text: &&str| text.contains(FOOTER);
            let expected = match format {
                ReportFormat::Parquet | ReportFormat::Pictures => continue,
                ReportFormat::Csv => 1,
                _ => texts.len(),
            };
            assert_eq!(texts.iter().filter(|text| carries(text)).count(), expected, "{format}");
        }
    }
}
