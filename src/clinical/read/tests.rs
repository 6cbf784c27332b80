//! Panels that are read, panels that are refused, and entries that are left aside, in all formats.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::*;
use crate::clinical::patient::Person;
use crate::clinical::result::LabValue;
use crate::clinical::unit::ExtraUnit;
use crate::clinical::{Analyte, CodedValue, Comparator, Flag, ReferenceOwner, Sex};

fn fixture(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(file)
}

fn bytes(file: &str) -> Vec<u8> {
    fs::read(fixture(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn panel(file: &str) -> LabPanel {
    read_panel(&bytes(file), file, &PanelOptions::default()).unwrap_or_else(|error| panic!("{error}"))
}

pub(super) fn read_text(text: &str) -> Result<LabPanel, String> {
    read_panel(text.as_bytes(), "test", &PanelOptions::default()).map_err(|error| error.to_string())
}

/// A message around its OBX segments.
pub(super) fn message(observations: &[&str]) -> String {
    let head = "MSH|^~\\&|LIS|HOSP|X|Y|20250305||ORU^R01^ORU_R01|1|P|2.5.1\rPID|1||A||||19610314|M\r\
                OBR|1||||||202503050755\r";
    head.to_owned() + &observations.join("\r")
}

/// The identifiers of a panel's patient with their authorities.
fn identifiers(panel: &LabPanel) -> Vec<String> {
    panel.patient.iter().map(ToString::to_string).collect()
}

#[test]
fn the_three_formats_give_the_same_panel() {
    let json = panel("labs/cancer.json");
    // Of the three, the message alone says whose panel it is.
    let hl7 = panel("labs/cancer.hl7");
    assert_eq!(identifiers(&hl7), ["CONSTRUCTED-1 (HOSP)"]);
    let unnamed = |panel: LabPanel| LabPanel { patient: Vec::new(), person: Person::default(), ..panel };
    assert_eq!((hl7.person.birth_date.as_deref(), hl7.person.names.len()), (Some("1961-03-14"), 0));
    assert_eq!(json, unnamed(hl7));
    assert_eq!(json, unnamed(panel("labs/cancer.fhir.json")));
    assert_eq!(json.results().count(), 38);
    assert_eq!(json.results().map(|result| result.analyte).collect::<std::collections::BTreeSet<_>>().len(), 37);
    assert_eq!((json.context.age_years, json.context.sex), (Some(63), Some(Sex::Female)));
    assert_eq!(json.ignored, Vec::new());
}

#[test]
fn a_result_keeps_what_the_laboratory_gave() {
    let panel = panel("labs/cancer.hl7");
    let haptoglobin = panel.current(Analyte::Haptoglobin).expect("given");
    let quantity = haptoglobin.quantity().expect("a number");
    assert_eq!((quantity.comparator, quantity.value, quantity.unit.as_str()), (Some(Comparator::Less), 8.0, "mg/dL"));
    assert_eq!(haptoglobin.flag, Some(Flag::Low));
    let ldh = panel.current(Analyte::Ldh).expect("given");
    let reference = ldh.reference.as_ref().expect("sent");
    assert_eq!((ldh.lower_limit(), ldh.upper_limit()), (Some(135.0), Some(214.0)));
    assert_eq!(reference.owner, ReferenceOwner::Laboratory);
    assert_eq!(ldh.collected_at.map(|at| at.to_string()).as_deref(), Some("2025-01-02T07:55:00+01:00"));
    assert_eq!(panel.current(Analyte::Adamts13Activity).and_then(|result| result.before_plasma), Some(true));
    assert_eq!(
        panel.current(Analyte::UrineProteinStrip).map(|r| r.value.clone()),
        Some(LabValue::Coded(CodedValue::TwoPlus))
    );
}

#[test]
fn values_stand_in_order_of_time() {
    let panel = panel("labs/cancer.fhir.json");
    let value = |result: Option<&super::super::LabResult>| result.and_then(|result| result.quantity()).map(|q| q.value);
    assert_eq!(value(panel.at_presentation(Analyte::Platelets)), Some(61.0));
    assert_eq!(value(panel.current(Analyte::Platelets)), Some(38.0));
    let earlier: Vec<_> = panel.earlier(Analyte::Platelets).map(|result| value(Some(result))).collect();
    assert_eq!(earlier, [Some(61.0)]);
}

#[test]
fn the_panels_in_si_units_are_read() {
    let sparse = panel("labs/sparse.json");
    let canonical = |panel: &LabPanel, analyte| panel.current_quantity(analyte).map(|quantity| quantity.canonical);
    assert_eq!(canonical(&sparse, Analyte::Hemoglobin), Some(9.6));
    assert_eq!(canonical(&sparse, Analyte::Ldh), Some(672.0));
    assert_eq!(sparse.context.sex, None);
    let ttp = panel("labs/ttp_like.json");
    assert_eq!(canonical(&ttp, Analyte::DDimer), Some(620.0));
    assert_eq!(ttp.current(Analyte::Haptoglobin).and_then(|result| result.coded()), Some(CodedValue::Undetectable));
}

#[test]
fn every_bad_panel_is_refused_for_its_reason() {
    let expected: BTreeMap<String, String> =
        serde_json::from_slice(&bytes("bad/labs/expected.json")).expect("names and reasons");
    for (file, reason) in &expected {
        let error = read_panel(&bytes(&format!("bad/labs/{file}")), file, &PanelOptions::default())
            .expect_err(&format!("{file} is read"))
            .to_string();
        assert!(error.starts_with(&format!("{file}: ")), "{error}");
        assert!(error.contains(reason.as_str()), "{file}: expected {reason:?}, found {error:?}");
        assert!(error.contains("expected ") && error.contains("found "), "{error}");
    }
    let files = fs::read_dir(fixture("bad/labs")).expect("a folder").count();
    assert_eq!(files - 1, expected.len(), "every file has its reason");
}

#[test]
fn a_final_result_goes_before_a_preliminary_and_a_corrected_before_both() {
    let of = |observations: &[&str]| {
        let panel = read_text(&message(observations)).unwrap_or_else(|error| panic!("{error}"));
        let current = panel.current_quantity(Analyte::Platelets).map(|quantity| quantity.value);
        (current, panel.results().count())
    };
    let (preliminary, last, corrected) = (
        "OBX|1|NM|777-3^PLT^LN||30|10*3/uL|||||P",
        "OBX|2|NM|777-3^PLT^LN||38|10*3/uL|||||F",
        "OBX|3|NM|777-3^PLT^LN||83|10*3/uL|||||C",
    );
    assert_eq!(of(&[preliminary, last]), (Some(38.0), 1));
    assert_eq!(of(&[corrected, last, preliminary]), (Some(83.0), 1));
    assert_eq!(of(&[last, last]), (Some(38.0), 1), "the same value twice is one");
    let later = "OBX|4|NM|777-3^PLT^LN||25|10*3/uL|||||P|||202503061200";
    assert_eq!(of(&[last, later]), (Some(38.0), 2), "a later preliminary value is kept beside the final one");
}

#[test]
fn reagents_of_the_antiglobulin_test_are_one_result() {
    let panel = read_text(&message(&[
        "OBX|1|ST|1007-4^DAT poly^LN||positive||||||F",
        "OBX|2|ST|1006-6^DAT IgG^LN||negative||||||F",
    ]));
    assert_eq!(panel.expect("a panel").current(Analyte::Dat).and_then(|r| r.coded()), Some(CodedValue::Positive));
}

#[test]
fn limits_of_size_and_depth_hold() {
    let long = vec![b' '; MAX_PANEL_BYTES + 1];
    let error = read_panel(&long, "test", &PanelOptions::default()).expect_err("too large").to_string();
    assert!(error.contains(&format!("at most {MAX_PANEL_BYTES} bytes, found {}", MAX_PANEL_BYTES + 1)), "{error}");
    assert!(read_text(&"[".repeat(100_000)).is_err_and(|error| error.contains("recursion limit")));
    let many = vec![r#"{"analyte": "ldh", "value": 1, "unit": "U/L"}"#; 5001].join(",");
    assert!(
        read_text(&format!(r#"{{"results": [{many}]}}"#)).is_err_and(|error| error.contains("at most 5000 results"))
    );
    assert!(read_text("{}").is_ok_and(|panel| panel.is_empty()));
}

/// The good neighbor of a doubtful entry, in the format of its file.
fn with_neighbor(file: &str) -> Vec<u8> {
    let text = String::from_utf8(bytes(&format!("labs/doubtful/{file}"))).expect("UTF-8");
    let text = if file.ends_with(".hl7") {
        text + "OBX|9|NM|4485-9^C3^LN||100|mg/dL|||||F\r"
    } else {
        let neighbor = if file.ends_with(".fhir.json") {
            r#"[{"resource": {"resourceType": "Observation", "status": "final", "valueQuantity": {"value": 100, "code": "mg/dL"},
                "code": {"coding": [{"system": "http://loinc.org", "code": "4485-9"}]}}}"#
        } else {
            r#"[{"analyte": "c3", "value": 100, "unit": "mg/dL"}"#
        };
        let mut document: Value = serde_json::from_str(&text).expect("JSON");
        let rows = if file.ends_with(".fhir.json") { "entry" } else { "results" };
        let more: Vec<Value> = serde_json::from_str(&format!("{neighbor}]")).expect("JSON");
        document[rows].as_array_mut().expect("a list").extend(more);
        document.to_string()
    };
    text.into_bytes()
}

#[test]
fn a_doubtful_entry_is_left_aside_for_its_reason_and_stops_no_other() {
    let expected: BTreeMap<String, String> =
        serde_json::from_slice(&bytes("labs/doubtful/expected.json")).expect("names and reasons");
    for (file, reason) in &expected {
        let panel = read_panel(&with_neighbor(file), file, &PanelOptions::default())
            .unwrap_or_else(|error| panic!("{file} is refused: {error}"));
        let analytes: Vec<Analyte> = panel.results().map(|result| result.analyte).collect();
        assert_eq!(analytes, [Analyte::C3], "{file}");
        assert!(!panel.ignored.is_empty() && panel.ignored.len() <= 2, "{file}: {:?}", panel.ignored);
        let aside = &panel.ignored[0];
        assert!(aside.reason.contains(reason.as_str()), "{file}: expected {reason:?}, found {aside:?}");
        assert!(!aside.code.is_empty(), "{file}: {aside:?}");
    }
    let files = fs::read_dir(fixture("labs/doubtful")).expect("a folder").count();
    assert_eq!(files - 1, expected.len(), "every file has its reason");
}

#[test]
fn a_value_whose_limits_are_out_of_order_is_used_without_them() {
    let text = r#"{"results": [{"analyte": "ldh", "value": 300, "unit": "U/L", "ref_low": 222, "ref_high": 122}]}"#;
    let panel = read_text(text).expect("a panel");
    let ldh = panel.current(Analyte::Ldh).expect("used");
    assert_eq!((ldh.reference.clone(), ldh.flag), (None, None));
    let remarks: Vec<String> = panel.remarks().collect();
    assert_eq!(remarks, ["Lactate dehydrogenase used; its reference range `222 to 122` could not be read"]);
}

#[test]
fn codes_of_other_methods_name_their_analyte() {
    let panel = read_text(&message(&[
        "OBX|1|NM|20509-6^Hemoglobin^LN||8.4|g/dL|||||F",
        "OBX|2|NM|30428-7^MCV^LN||88|fL|||||F",
        "OBX|3|NM|34714-6^INR^LN||1.1|{INR}|||||F",
    ]))
    .expect("a panel");
    let values = [Analyte::Hemoglobin, Analyte::Mcv, Analyte::Inr]
        .map(|analyte| panel.current_quantity(analyte).map(|q| q.value));
    assert_eq!((values, panel.ignored.len()), ([Some(8.4), Some(88.0), Some(1.1)], 0));
    let extra = ExtraUnit {
        analyte: Analyte::Hemoglobin,
        unit: "mmol/L".to_owned(),
        to_canonical: 1.611,
        source: "laboratory".to_owned(),
    };
    let options = PanelOptions { extra_units: vec![extra], ..PanelOptions::default() };
    let molar = message(&["OBX|1|NM|59260-0^Hemoglobin^LN||5|mmol/L|||||F"]);
    let panel = read_panel(molar.as_bytes(), "test", &options).expect("a panel");
    assert_eq!(panel.current_quantity(Analyte::Hemoglobin).map(|q| q.canonical), Some(8.055));
}

#[test]
fn what_is_said_in_words_is_not_changed_by_a_code() {
    let text = message(&[
        "DG1|1||C25.9^Pancreas^I10",
        "DG1|2||C78.7^Liver^I10",
        "OBX|1|ST|cancer_active^Active^99TMA||N||||||F",
        "OBX|2|ST|cancer_metastatic^Metastatic^99TMA||N||||||F",
    ]);
    let cancer = read_text(&text).expect("a panel").context.cancer.expect("a cancer");
    assert_eq!((cancer.active, cancer.metastatic), (Some(false), Some(false)));
}

/// A fixture with a few bytes put in place of others, so that most of its structure survives.
fn spoiled() -> impl Strategy<Value = Vec<u8>> {
    let file = prop::sample::select(vec!["labs/cancer.json", "labs/cancer.hl7", "labs/cancer.fhir.json"]);
    let edits = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6);
    (file, edits).prop_map(|(file, edits)| {
        let mut content = bytes(file);
        for (index, byte) in edits {
            let at = index.index(content.len());
            content[at] = byte;
        }
        content
    })
}

proptest! {
    #[test]
    fn noise_never_panics(noise in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = read_panel(&noise, "noise", &PanelOptions::default());
        for head in ["MSH|^~\\&|", "{\"results\":", "{\"resourceType\":\"Bundle\",\"entry\":["] {
            let _ = read_panel(&[head.as_bytes(), &noise].concat(), "noise", &PanelOptions::default());
        }
    }

    #[test]
    fn text_in_a_segment_never_panics(text in "\\PC{0,60}", separators in "[ -~]{5}") {
        let message = format!("MSH{separators}a{text}\rOBX|1|ST|777-3^P^LN||{text}|{text}|{text}||||F\r{text}");
        let _ = read_text(&message);
        let _ = read_text(&self::message(&[&format!("OBX|1|ST|777-3^P^LN||{text}|{text}|{text}||||F")]));
    }

    #[test]
    fn spoiled_fixtures_never_panic(content in spoiled()) {
        let _ = read_panel(&content, "spoiled", &PanelOptions::default());
    }

    #[test]
    fn a_number_is_read_alike_in_every_format(value in 1_u32..5_000, decimals in 0_u32..100) {
        let number = format!("{value}.{decimals:02}");
        let json = read_text(&format!(
            r#"{{"results": [{{"analyte": "fdp", "value": {number}, "unit": "mg/L"}}]}}"#
        ));
        let hl7 = read_text(&format!(
            "MSH|^~\\&|||||||ORU^R01|1|P|2.5.1\rOBX|1|NM|30226-5^FDP^LN||{number}|mg/L|||||F"
        ));
        prop_assert_eq!(json, hl7);
    }
}
