//! Panels that are read, and panels that are refused.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::*;
use crate::clinical::{Cancer, Comparator, Flag, LabValue, ReferenceOwner, Sex};

pub(super) fn fixture(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(file)
}

pub(super) fn bytes(file: &str) -> Vec<u8> {
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
fn every_identifier_of_a_message_is_read() {
    let of = |pid_3: &str| {
        let text = message(&[]).replace("PID|1||A|", &format!("PID|1||{pid_3}|"));
        identifiers(&read_text(&text).expect("a panel"))
    };
    assert_eq!(of("A"), ["A"]);
    assert_eq!(of("MRN123^^^HOSP^MR~998877^^^&1.2.3&ISO^NI"), ["MRN123 (HOSP)", "998877 (1.2.3)"]);
    assert_eq!(of(r" A\T\1 ^^^HOSP&1.2.4&ISO"), ["A&1 (HOSP, 1.2.4)"]);
    for nothing in ["", "\"\"", "^^^HOSP^MR"] {
        assert_eq!(of(nothing), [] as [&str; 0], "{nothing}");
    }
}

/// A Bundle of a Patient and Observations of these subjects.
fn bundle(patient: &str, subjects: &[&str]) -> String {
    let observation = |(index, subject): (usize, &&str)| {
        let value = format!(r#""valueQuantity": {{"value": {}, "code": "10*3/uL"}}"#, 100 + index);
        format!(
            r#"{{"resource": {{"resourceType": "Observation", "status": "final", "subject": {subject},
                "effectiveDateTime": "2025-03-05T{:02}:{:02}:00Z", "code": {{"coding": [{{"system": "http://loinc.org", "code": "777-3"}}]}}, {value}}}}}"#,
            index / 60,
            index % 60
        )
    };
    let patient = (!patient.is_empty()).then(|| format!(r#"{{"resource": {{"resourceType": "Patient", {patient}}}}}"#));
    let entries: Vec<String> = patient.into_iter().chain(subjects.iter().enumerate().map(observation)).collect();
    format!(r#"{{"resourceType": "Bundle", "entry": [{}]}}"#, entries.join(","))
}

#[test]
fn the_identifiers_of_a_bundle_are_those_of_its_patient_and_subjects() {
    let patient = r#""identifier": [{"system": "http://hosp.example/mrn", "value": "MRN123", "assigner": {"display": "HOSP"}}, {"value": "7"}]"#;
    let of = |patient: &str, subjects: &[&str]| read_text(&bundle(patient, subjects)).map(|panel| identifiers(&panel));
    assert_eq!(of(patient, &[]).expect("a panel"), ["MRN123 (http://hosp.example/mrn, HOSP)", "7"]);
    let subject = r#"{"identifier": {"value": "MRN123"}}"#;
    assert_eq!(of("", &[subject, subject]).expect("a panel"), ["MRN123"]);
    // The subject says less than the Patient of the same value.
    assert_eq!(of(patient, &[subject]), of(patient, &[]));
    // An address on a server is no identifier.
    assert_eq!(of("", &[r#"{"reference": "Patient/MRN999"}"#]).expect("a panel"), [] as [&str; 0]);
    let national = r#"{"identifier": {"system": "urn:oid:1.2", "value": "5"}}"#;
    let local = r#"{"identifier": {"system": "urn:oid:1.3", "value": "6"}}"#;
    assert_eq!(of("", &[national, local]).expect("two authorities, one patient").len(), 2);
}

#[test]
fn subjects_of_two_identifiers_are_two_patients() {
    let subject = |value: &str| format!(r#"{{"identifier": {{"value": "{value}"}}}}"#);
    let two = read_text(&bundle("", &[&subject("1"), &subject("2")])).expect_err("two patients");
    assert!(two.contains("found those of 2"), "{two}");
    let other = read_text(&bundle(r#""identifier": [{"value": "1"}]"#, &[&subject("2")])).expect_err("another patient");
    assert!(other.contains("found those of 2"), "{other}");
    let many: Vec<String> =
        (0..=64).map(|n| format!(r#"{{"identifier": {{"system": "urn:x:{n}", "value": "1"}}}}"#)).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let many = read_text(&bundle("", &many)).expect_err("nobody has so many");
    assert!(many.contains("found those of 65"), "{many}");
    assert!(read_text(&bundle(r#""identifier": {"value": "1"}"#, &[])).is_err(), "no list");
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
    assert_eq!(
        (reference.low, reference.high, reference.owner),
        (Some(135.0), Some(214.0), ReferenceOwner::Laboratory)
    );
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
fn unknown_observations_are_listed_and_not_lost() {
    let text = message(&[
        "OBX|1|NM|6690-2^Leukocytes^LN||7.1|10*3/uL|||||F",
        "OBX|2|NM|XYZ^Local^L||1|u|||||F",
        "OBX|3|NM|777-3^Platelets^LN||38|10*3/uL|||||X",
        "OBX|4|NM|718-7^Hemoglobin^LN|||g/dL|||||F",
        "OBX|5|NM|2532-0^LDH^LN||300|U/L|see report||||F",
    ]);
    let panel = read_text(&text).expect("a panel");
    let found: Vec<_> = panel.ignored.iter().map(|one| (one.code.as_str(), one.reason.as_str())).collect();
    assert_eq!(
        found,
        [
            ("6690-2 (LN)", "not on the list of analytes"),
            ("XYZ (L)", "not on the list of analytes"),
            ("777-3 (LN)", "result status X"),
            ("718-7 (LN)", "no value"),
        ]
    );
    assert_eq!(panel.ignored[0].name.as_deref(), Some("Leukocytes"));
    // The value is used. No built-in interval stands in for one that the laboratory sent.
    let remarks: Vec<String> = panel.remarks().collect();
    assert_eq!(remarks, ["Lactate dehydrogenase used; its reference range `see report` could not be read"]);
    assert_eq!(panel.current_quantity(Analyte::Ldh).map(|ldh| ldh.value), Some(300.0));
    assert_eq!(panel.current(Analyte::Ldh).and_then(|result| result.reference.clone()), None);
}

#[test]
fn local_codes_and_alternate_triplets_are_understood() {
    let options = PanelOptions {
        local_codes: BTreeMap::from([
            ("THRO".to_owned(), "platelets".to_owned()),
            ("TUM".to_owned(), "tumor".to_owned()),
        ]),
        ..PanelOptions::default()
    };
    let text = message(&[
        "OBX|1|NM|THRO^Thrombozyten^L||38|Gpt/l|150-400||||F",
        "OBX|2|NM|KREA^Kreatinin^L^14682-9^Creatinine^LN||209|µmol/l|59-104||||F",
        "OBX|3|TX|TUM^Tumor^L||carcinoma of the stomach \\T\\ nodes||||||F",
        "OBX|4|CWE|800-3^Schistocytes^LN||PRES^Present^99TMA||||||F",
    ]);
    let panel = read_panel(text.as_bytes(), "test", &options).expect("a panel");
    assert_eq!(panel.current_quantity(Analyte::Platelets).map(|q| q.unit.as_str()), Some("10*9/L"));
    assert_eq!(panel.current_quantity(Analyte::Creatinine).map(|q| q.value), Some(209.0));
    let tumor = Cancer { tumor: Some("carcinoma of the stomach & nodes".to_owned()), ..Cancer::default() };
    assert_eq!((panel.context.cancer, panel.context.schistocytes_on_film), (Some(tumor), Some(true)));
    assert_eq!((panel.context.age_years, panel.context.sex), (Some(63), Some(Sex::Male)));
}

#[test]
fn value_types_of_messages_are_understood() {
    let quantity = |obx: &str| {
        let panel = read_text(&message(&[obx])).unwrap_or_else(|error| panic!("{error}"));
        let result = panel.results().next().expect("a result").clone();
        (result.quantity().map(|q| (q.comparator, q.value)), result.coded())
    };
    let number = |comparator, value| (Some((comparator, value)), None);
    assert_eq!(quantity("OBX|1|ST|4542-7^Hp^LN||<8|mg/dL|||||F"), number(Some(Comparator::Less), 8.0));
    assert_eq!(
        quantity("OBX|1|SN|48065-7^DD^LN||>=^20000|ng/mL|||||F"),
        number(Some(Comparator::GreaterOrEqual), 20_000.0)
    );
    assert_eq!(quantity("OBX|1|SN|48065-7^DD^LN||^900|ng/mL|||||F"), number(None, 900.0));
    assert_eq!(quantity("OBX|1|ST|1007-4^DAT^LN||NEG||||||F"), (None, Some(CodedValue::Negative)));
    assert_eq!(quantity("OBX|1|CWE|1007-4^DAT^LN||10828004^Positive^SCT||||||F"), (None, Some(CodedValue::Positive)));
    // What SN would send is understood in NM too.
    assert_eq!(quantity("OBX|1|NM|2532-0^LDH^LN||>1000|U/L|||||F"), number(Some(Comparator::Greater), 1000.0));
    let several = read_text(&message(&["OBX|1|NM|777-3^PLT^LN||38~39|10*3/uL|||||F"])).expect("a panel");
    assert!(several.results().count() == 0 && several.ignored[0].reason.contains("several"));
}

#[test]
fn framing_and_line_ends_do_not_matter() {
    let plain = message(&["OBX|1|NM|777-3^PLT^LN||38|10*3/uL|||||F"]);
    let expected = read_text(&plain);
    assert!(expected.as_ref().is_ok_and(|panel| panel.results().count() == 1));
    for text in [plain.replace('\r', "\r\n"), plain.replace('\r', "\n\n"), format!("\u{b}{plain}\r\u{1c}\r")] {
        assert_eq!(read_text(&text), expected);
    }
    assert_eq!(read_text(&format!("\u{feff}{plain}")), expected);
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
fn fhir_components_statuses_and_units_are_understood() {
    let observation = |rest: &str| {
        read_text(&format!(
            r#"{{"resourceType": "Bundle", "entry": [{{"resource": {{"resourceType": "Observation", {rest}}}}}]}}"#
        ))
    };
    let platelets = r#""code": {"coding": [{"system": "http://loinc.org", "code": "777-3"}]}"#;
    let value = r#""valueQuantity": {"value": 38, "unit": "K/uL"}"#;
    let panel = observation(&format!(r#""status": "final", {platelets}, {value}, "effectiveDateTime": "2025-03-05""#));
    assert_eq!(
        panel.expect("a panel").current_quantity(Analyte::Platelets).map(|q| q.unit.clone()).as_deref(),
        Some("10*3/uL")
    );
    let cancelled = observation(&format!(r#""status": "entered-in-error", {platelets}, {value}"#)).expect("a panel");
    assert_eq!((cancelled.results().count(), cancelled.ignored.len()), (0, 1));
    let parts = format!(r#""status": "final", "code": {{"text": "CBC"}}, "component": [{{{platelets}, {value}}}]"#);
    assert_eq!(observation(&parts).expect("a panel").results().count(), 1);
    let other = r#""referenceRange": [{"low": {"value": 150000, "code": "/uL"}}]"#;
    let panel = observation(&format!(r#""status": "final", {platelets}, {value}, {other}"#)).expect("a panel");
    assert_eq!(panel.remarks().collect::<Vec<_>>(), ["Platelets used; its reference range `in /uL` could not be read"]);
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

#[test]
fn the_committed_schema_is_the_one_of_the_types_and_holds_for_the_fixtures() {
    let schema = panel_schema().expect("the types have a schema");
    if std::env::var_os("REGENERATE").is_some() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/clinical/schema/panel-v1.json");
        fs::write(path, schema).expect("the repository is writable");
        return;
    }
    assert!(
        schema == PANEL_SCHEMA,
        "panel-v1.json differs from the types; run with REGENERATE=1 and review the change"
    );
    let schema = serde_json::from_str(PANEL_SCHEMA).expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("a JSON Schema");
    for file in ["labs/cancer.json", "labs/sparse.json", "labs/ttp_like.json"] {
        let document = serde_json::from_slice(&bytes(file)).expect("JSON");
        let faults: Vec<String> = validator.iter_errors(&document).map(|fault| fault.to_string()).collect();
        assert_eq!(faults, Vec::<String>::new(), "{file}");
    }
    for file in ["labs/doubtful/unknown-analyte.json", "bad/labs/unknown-key.json"] {
        assert!(!validator.is_valid(&serde_json::from_slice(&bytes(file)).expect("JSON")), "{file}");
    }
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
