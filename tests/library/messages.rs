//! HL7 and FHIR messages are read back and say what the record says, in every version, for every state, and whatever a
//! name holds. The messages of `fixtures/messages` are what the program writes: `REGENERATE=1` rewrites them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use crate::support::fake_case::FakeCase;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use schistoquant::case::{
    AdministrativeSex, Case, CaseField, CaseFields, ClassFinding, ClassRecord, Context, FOOTER, IssueTime, Job,
    Laboratory, Order, Patient, State, banned_terms_in, statement,
};
use schistoquant::clinical::{PanelOptions, ScoreOptions, read_panel};
use schistoquant::count::Grade;
use schistoquant::report::{CodeOptions, Hl7Options, Hl7Version, ReportFormat, ReportSettings, render, render_with};
use schistoquant::time::{Date, Timestamp};
use serde_json::Value;

const HOSTILE: &str = "x|^~\\&\r\nOBX|1|NM|FAKE||99\u{b}\u{1c}\"</b>";

fn order() -> Order {
    Order {
        accession: Some("S-2041-0007".into()),
        patient: Some(Patient {
            id: Some("MRN123".into()),
            id_authority: Some("HOSP".into()),
            family_name: Some("Doe".into()),
            given_name: Some("Jane".into()),
            birth_date: Date::parse("1960-01-31").ok(),
            sex: Some(AdministrativeSex::Female),
        }),
        placer_order_number: Some("P-1".into()),
        filler_order_number: Some("F-1".into()),
        collected_at: Timestamp::parse("2025-01-02T09:00:00+01:00").ok(),
        received_at: Timestamp::parse("2025-01-02T10:00:00+01:00").ok(),
        requester: Some("Ward 3".into()),
    }
}

fn laboratory() -> Laboratory {
    Laboratory { name: "Laboratory X".into(), address: Some("1 Example Street".into()) }
}

/// Drawing the pictures of a case takes seconds, so each case is drawn once.
static FULL: LazyLock<Case> = LazyLock::new(draw_full);
static CASES: LazyLock<Vec<(&'static str, Case)>> = LazyLock::new(draw_cases);

/// Enough cells, an order and a laboratory.
fn full() -> Case {
    copy_of(&FULL)
}

fn copy_of(case: &Case) -> Case {
    let fields: Vec<CaseField> = case.fields.iter().collect::<Result<_, _>>().expect("readable fields");
    Case { record: case.record.clone(), fields: CaseFields::of(fields).expect("a temporary file") }
}

fn cases() -> Vec<(&'static str, Case)> {
    CASES.iter().map(|(name, case)| (*name, copy_of(case))).collect()
}

fn draw_full() -> Case {
    let made = FakeCase {
        grid: (26, 20),
        fields: 3,
        schistocytes: 120,
        order: Some(order()),
        laboratory: Some(laboratory()),
        ..FakeCase::default()
    };
    made.build()
}

fn hostile() -> Case {
    let text = || Some(HOSTILE.to_owned());
    let patient =
        Patient { id: text(), id_authority: text(), family_name: text(), given_name: text(), ..Patient::default() };
    let order = Order {
        accession: text(),
        patient: Some(patient),
        placer_order_number: text(),
        filler_order_number: text(),
        requester: text(),
        ..Order::default()
    };
    let laboratory = Laboratory { name: HOSTILE.into(), address: text() };
    FakeCase {
        name: HOSTILE,
        accession: Some(HOSTILE),
        refused: vec![1],
        order: Some(order),
        laboratory: Some(laboratory),
        ..FakeCase::default()
    }
    .build()
}

fn draw_cases() -> Vec<(&'static str, Case)> {
    vec![
        ("full", full()),
        ("no order", FakeCase { accession: None, ..FakeCase::default() }.build()),
        ("mixed", FakeCase { mixed: true, grid: (26, 20), schistocytes: 12, fields: 3, ..FakeCase::default() }.build()),
        ("near the limit", FakeCase { grid: (26, 20), fields: 3, schistocytes: 5, ..FakeCase::default() }.build()),
        ("nothing accepted", FakeCase { refused: vec![0, 1], order: Some(order()), ..FakeCase::default() }.build()),
        ("nothing read", FakeCase { fields: 0, ..FakeCase::default() }.build()),
        ("no schistocyte", FakeCase { schistocytes: 0, grid: (26, 20), fields: 3, ..FakeCase::default() }.build()),
        ("hostile", hostile()),
        ("with a panel", with_panel()),
    ]
}

/// The panel of a patient with cancer beside the full case.
fn with_panel() -> Case {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/labs/cancer.json");
    let bytes = fs::read(path).expect("a committed panel");
    let panel = read_panel(&bytes, "cancer.json", &PanelOptions::default()).expect("a panel");
    let case = full();
    Case { record: case.record.with_panel(&panel, &ScoreOptions::default()), ..case }
}

fn settings(version: Hl7Version) -> ReportSettings {
    ReportSettings { hl7: Hl7Options { version, ..Hl7Options::default() }, ..ReportSettings::default() }
}

fn hl7_with(case: &Case, settings: &ReportSettings, pdf: Option<&[u8]>) -> String {
    let files = render_with(ReportFormat::Hl7, case, settings, pdf).expect("a message");
    assert_eq!(files.len(), 1);
    String::from_utf8(files[0].bytes.clone()).expect("UTF-8")
}

/// Segments as fields; field `n` at index `n`, for MSH at `n - 1`.
fn segments(message: &str) -> Vec<Vec<String>> {
    assert!(message.ends_with('\r') && !message.contains('\n'), "segments end with CR alone");
    message.trim_end_matches('\r').split('\r').map(|segment| segment.split('|').map(str::to_owned).collect()).collect()
}

/// The observations by local code: type, value, unit, limit, flag, status.
fn results(segments: &[Vec<String>]) -> BTreeMap<String, [String; 6]> {
    let field = |segment: &[String], number: usize| segment.get(number).cloned().unwrap_or_default();
    let rows = segments.iter().filter(|segment| segment[0] == "OBX").map(|segment| {
        let code = field(segment, 3).split('^').next().unwrap_or_default().to_owned();
        (code, [2, 5, 6, 7, 8, 11].map(|number| field(segment, number)))
    });
    let all: Vec<_> = rows.collect();
    let by_code: BTreeMap<_, _> = all.iter().cloned().collect();
    assert_eq!(all.len(), by_code.len(), "a code is sent once");
    by_code
}

#[test]
fn the_cases_are_of_the_states_that_they_stand_for() {
    let states: Vec<_> = cases().iter().map(|(name, case)| (*name, case.record.count.state)).collect();
    let expected = [
        ("full", State::Above),
        ("no order", State::Insufficient),
        ("mixed", State::Above),
        ("near the limit", State::Indeterminate),
        ("nothing accepted", State::NotAssessable),
        ("nothing read", State::NotAssessable),
        ("no schistocyte", State::NotAbove),
        ("hostile", State::Insufficient),
        ("with a panel", State::Above),
    ];
    assert_eq!(states, expected);
}

/// The number that a message sends of a class: of what is no finding, and of classes that the film shows.
fn sent_cells(class: &ClassRecord) -> Option<u64> {
    class.cells.filter(|_| matches!(class.finding, None | Some(ClassFinding::Present)))
}

#[test]
fn the_caution_of_a_mixed_picture_is_a_note_beside_the_flag() {
    let (_, mixed) = cases().into_iter().find(|(name, _)| *name == "mixed").expect("the case");
    let message = hl7_with(&mixed, &settings(Hl7Version::V2_5_1), None);
    let caution = "Other abnormal shapes outnumber schistocytes: percentage not specific.";
    let percent = message.find("SCHISTO-PCT").expect("the percentage");
    let next = percent + message[percent..].find("OBX|").expect("another");
    assert!(message[percent..next].contains(caution), "{message}");
    let bundle = fhir_with(&mixed, &ReportSettings::default(), None);
    let notes = observation(&bundle, "SCHISTO-PCT")["note"].to_string();
    assert!(notes.contains(caution), "{notes}");
}

#[test]
fn a_message_says_what_the_record_says_in_every_version() {
    for version in Hl7Version::ALL {
        for (name, case) in cases() {
            let message = hl7_with(&case, &settings(version), None);
            let segments = segments(&message);
            let results = results(&segments);
            let (record, count) = (&case.record, &case.record.count);
            let value = |code: &str| results[code][1].as_str();
            match count.percent {
                Some(percent) => {
                    assert_eq!(value("SCHISTO-PCT"), format!("{percent:.2}"), "{name}");
                    let limits = count.widest_95().expect("limits");
                    assert_eq!(value("SCHISTO-CI"), format!("^{:.2}^-^{:.2}", limits.low, limits.high));
                    assert_eq!(value("SCHISTO-N"), count.schistocytes.to_string());
                    assert_eq!(results["SCHISTO-PCT"][5], "P");
                }
                None => {
                    for code in ["SCHISTO-PCT", "SCHISTO-CI", "SCHISTO-N", "SCHISTO-PRES", "RBC-NORMAL"] {
                        assert_eq!((value(code), results[code][5].as_str()), ("", "X"), "{name} {code}");
                    }
                }
            }
            assert_eq!(value("RBC-N"), count.red_cells.to_string());
            // Limit and flag of the percentage, flags of state and ordinal finding. A mixed picture keeps its flags; the
            // caution stands beside them.
            let (limit, flag, state_flag) = match count.state {
                State::Above => ("<=1", "H", "A"),
                State::NotAbove => ("<=1", "N", "N"),
                State::Indeterminate => ("<=1", "IND", "IND"),
                // No limit beside a value on too few cells: a receiver would find it within range.
                State::Insufficient => ("", "IND", "IND"),
                State::NotAssessable => ("", "", ""),
            };
            // The ordinal finding goes by the floor, so that it may be present below the limit.
            let (presence, presence_flag) = match name {
                "full" | "mixed" | "near the limit" | "with a panel" => ("PRES^Present^99TMA", "A"),
                "no schistocyte" => ("NOTSEEN^Not seen^99TMA", "N"),
                "nothing accepted" | "nothing read" => ("", ""),
                _ => ("IND^Indeterminate^99TMA", "IND"),
            };
            assert_eq!(results["SCHISTO-PCT"][2..5], ["%^percent^UCUM", limit, flag], "{name}");
            assert_eq!(results["SCHISTO-STATE"][4], state_flag, "{name}");
            let row = &results["SCHISTO-PRES"];
            assert_eq!((row[1].as_str(), row[4].as_str()), (presence, presence_flag), "{name}");
            let mixed = count.context == Some(Context::MixedPoikilocytosis);
            assert!(mixed || name != "mixed");
            assert_eq!(results["SHAPE-CONTEXT"][4], if mixed { "A" } else { "" }, "{name}");
            assert_eq!(value("SHAPE-CONTEXT").starts_with("MIXED^"), mixed, "{name}");
            for class in record.classes.iter().filter(|_| count.red_cells > 0) {
                let row = &results[&format!("RBC-{}", class.class.name().to_uppercase())];
                let sent = sent_cells(class).map(|cells| cells.to_string()).unwrap_or_default();
                assert_eq!((&row[1], row[5].as_str()), (&sent, if sent.is_empty() { "X" } else { "P" }), "{name}");
            }
            let state = count.state.name().replace('_', "").to_uppercase();
            assert!(value("SCHISTO-STATE").starts_with(&format!("{state}^")), "{name}");
            for (code, limits) in [("WILSON", count.wilson_95), ("FIELDS", count.field_bootstrap_95)] {
                let sent = results.get(&format!("SCHISTO-CI-{code}")).map(|row| row[1].clone());
                let wanted = limits.filter(|_| count.red_cells > 0);
                assert_eq!(sent, wanted.map(|limits| format!("^{:.2}^-^{:.2}", limits.low, limits.high)), "{name}");
            }
            if count.red_cells > 0 {
                assert_eq!(value("SCHISTO-CRESCENT"), count.forms.by_form["crescent"].to_string());
                assert_eq!(value("SCHISTO-HELMET"), "0");
                let core = count.forms.core.percent.expect("a percentage");
                assert_eq!(value("SCHISTO-CORE-PCT"), format!("{core:.2}"));
            }
            let refused = record.fields.iter().filter(|field| !field.accepted).count();
            assert_eq!(value("QC-FIELDS-REFUSED"), refused.to_string());
            assert!(results.values().all(|row| matches!(row[5].as_str(), "P" | "X")), "nothing is final");
            assert!(message.contains(&format!("NTE|2|L|{FOOTER}\r")), "{name}");
            assert_eq!(banned_terms_in(&message), Vec::<&str>::new());
            let header = &segments[0];
            assert_eq!(header[9], Job::of(record).expect("a job").control_id());
            assert_eq!((header[11].as_str(), header[9].len()), (version.name(), 20));
        }
    }
}

#[test]
fn segments_and_types_follow_the_version() {
    let names = |version| -> Vec<String> {
        let mut names: Vec<String> = segments(&hl7_with(&full(), &settings(version), None))
            .into_iter()
            .map(|mut fields| fields.remove(0))
            .collect();
        names.dedup();
        names.truncate(6);
        names
    };
    assert_eq!(names(Hl7Version::V2_5_1), ["MSH", "SFT", "PID", "ORC", "OBR", "NTE"]);
    assert_eq!(names(Hl7Version::V2_4), ["MSH", "PID", "ORC", "OBR", "NTE", "OBX"]);
    assert_eq!(names(Hl7Version::V2_3), ["MSH", "PID", "ORC", "OBR", "NTE", "OBX"]);
    let last = |version| segments(&hl7_with(&full(), &settings(version), None)).pop().expect("a segment");
    let specimen = "SPM|1|^S-2041-0007||BLD^Whole blood^HL70487|||||||||||||20250102090000+0100|20250102100000+0100";
    assert_eq!(last(Hl7Version::V2_5_1).join("|"), specimen);
    assert_ne!(last(Hl7Version::V2_4)[0], "SPM");
    let coded = |version| results(&segments(&hl7_with(&full(), &settings(version), None)))["SCHISTO-PRES"].clone();
    assert_eq!(coded(Hl7Version::V2_5_1)[..2], ["CWE", "PRES^Present^99TMA"]);
    assert_eq!(coded(Hl7Version::V2_3)[..2], ["CE", "PRES^Present^99TMA"]);
}

#[test]
fn no_name_can_forge_a_segment_or_a_field() {
    let plain = segments(&hl7_with(&full(), &settings(Hl7Version::V2_5_1), None));
    let message = hl7_with(&hostile(), &settings(Hl7Version::V2_5_1), None);
    assert!(!message.contains(['\n', '\u{b}', '\u{1c}']));
    let forged = segments(&message);
    let expected = ["MSH", "SFT", "PID", "ORC", "OBR", "NTE", "OBX", "SPM"];
    assert!(forged.iter().all(|segment| expected.contains(&segment[0].as_str())));
    assert!(!results(&forged).contains_key("FAKE"));
    let of =
        |all: &[Vec<String>], name: &str| all.iter().find(|segment| segment[0] == name).expect("the segment").clone();
    for name in ["PID", "OBR", "ORC"] {
        let (one, two) = (of(&plain, name), of(&forged, name));
        assert!(two.len() <= one.len(), "{name}: no field more than usual");
        let components = |all: &[String]| all.iter().map(|field| field.matches('^').count()).sum::<usize>();
        assert!(components(&two) <= components(&one), "{name}: no component more than usual");
    }
}

#[test]
fn codes_components_and_addresses_are_the_laboratorys() {
    let toml_like = r#"{
        "codes": {"hl7_system": "99LAB", "use_loinc_percent": true,
                  "observations": {"red_cells": {"code": "ERY", "text": "Erythrocytes counted"}}},
        "hl7": {"version": "2.5.1", "sending_application": "SQ", "sending_facility": "LAB|X", "receiving_application": "LIS",
                "receiving_facility": "HOSP", "processing_id": "training", "embed_pdf": true,
                "document": {"source_application": "MTL", "type_of_data": "PDF"}}
    }"#;
    let settings: ReportSettings = serde_json::from_str(toml_like).expect("settings");
    let pdf: Vec<u8> = b"%PDF-1.7 ".iter().copied().chain((0..=255).cycle().take(5_000)).collect();
    let message = hl7_with(&full(), &settings, Some(&pdf));
    assert!(message.starts_with("MSH|^~\\&|SQ|LAB\\F\\X|LIS|HOSP|20250102103000+0000||ORU^R01^ORU_R01|"), "{message}");
    let segments = segments(&message);
    assert_eq!(segments[0][10], "T");
    let results = results(&segments);
    assert!(results.contains_key("ERY") && !results.contains_key("RBC-N"));
    let parts: Vec<&str> = results["PDF"][1].split('^').collect();
    assert_eq!((results["PDF"][0].as_str(), &parts[..4]), ("ED", &["MTL", "PDF", "PDF", "Base64"][..]));
    assert_eq!(BASE64_STANDARD.decode(parts[4]).expect("Base64 in one line"), pdf);
    let percent = segments.iter().find(|segment| segment[0] == "OBX").expect("an observation");
    assert_eq!(percent[3], "SCHISTO-PCT^Schistocytes/RBC^99LAB^51630-2^Schistocytes/1000 erythrocytes^LN");
    #[cfg(feature = "pdf")]
    {
        let own = render(ReportFormat::Pdf, &full()).expect("sheets").remove(0).bytes;
        assert_eq!(hl7_with(&full(), &settings, None), hl7_with(&full(), &settings, Some(&own)));
    }
    assert_eq!(settings.check().is_ok(), cfg!(feature = "pdf"));
    for unknown in
        [r#"{"hl7": {"port": 1}}"#, r#"{"hl7": {"version": "2.2"}}"#, r#"{"mllp": {}}"#, r#"{"fhir": {"r5": 1}}"#]
    {
        serde_json::from_str::<ReportSettings>(unknown).expect_err(unknown);
    }
    let defaults = serde_json::to_value(ReportSettings::default()).expect("settings");
    assert_eq!(serde_json::from_value::<ReportSettings>(defaults).expect("own settings"), ReportSettings::default());
}

#[test]
fn a_grade_is_sent_as_the_laboratory_words_it_with_its_table() {
    let mut case = full();
    assert!(!results(&segments(&hl7_with(&case, &settings(Hl7Version::V2_5_1), None))).contains_key("SCHISTO-GRADE"));
    case.record.count.grade = Some(Grade { label: "2+|many".into(), table: "house table".into() });
    let message = hl7_with(&case, &settings(Hl7Version::V2_5_1), None);
    let grade = results(&segments(&message))["SCHISTO-GRADE"].clone();
    assert_eq!(grade[..2], ["CWE", "2+\\F\\many^2+\\F\\many^99TMA"]);
    assert!(message.contains("NTE|1|L|Grading table: house table.\r"));
    let bundle = fhir_with(&case, &ReportSettings::default(), None);
    assert_eq!(observation(&bundle, "SCHISTO-GRADE")["valueCodeableConcept"]["text"], "2+|many");
}

#[test]
fn without_a_time_of_issue_none_is_sent_and_the_same_record_gives_the_same_bytes() {
    let mut case = full();
    assert_eq!(
        hl7_with(&case, &settings(Hl7Version::V2_5_1), None),
        hl7_with(&full(), &settings(Hl7Version::V2_5_1), None)
    );
    case.record.issued_at = None;
    // The newest image is of 2019: no time of this result.
    case.record.newest_image_at = Timestamp::parse("2019-03-04T05:06:07Z").ok();
    for version in Hl7Version::ALL {
        let message = hl7_with(&case, &settings(version), None);
        let segments = segments(&message);
        let request = segments.iter().find(|segment| segment[0] == "OBR").expect("a request");
        assert_eq!((segments[0][6].as_str(), request[22].as_str()), ("", ""));
        assert!(!message.contains("2019"), "{message}");
    }
    let bundle = fhir_with(&case, &ReportSettings::default(), None);
    assert!(!bundle.to_string().contains("2019") && !bundle.to_string().contains("\"issued\""), "{bundle}");
    case.record.issued_at = IssueTime::resolve(Timestamp::parse("2025-03-04T05:06:07-08:00").ok().as_ref(), None);
    let segments = segments(&hl7_with(&case, &settings(Hl7Version::V2_5_1), None));
    let request = segments.iter().find(|segment| segment[0] == "OBR").expect("a request");
    assert_eq!((segments[0][6].as_str(), request[22].as_str()), ("20250304050607-0800", "20250304050607-0800"));
}

fn fhir_with(case: &Case, settings: &ReportSettings, pdf: Option<&[u8]>) -> Value {
    let files = render_with(ReportFormat::Fhir, case, settings, pdf).expect("a bundle");
    serde_json::from_slice(&files[0].bytes).expect("JSON")
}

fn resources<'a>(bundle: &'a Value, kind: &str) -> Vec<&'a Value> {
    let entries = bundle["entry"].as_array().expect("entries");
    entries.iter().map(|entry| &entry["resource"]).filter(|resource| resource["resourceType"] == kind).collect()
}

fn observation<'a>(bundle: &'a Value, code: &str) -> &'a Value {
    let found: Vec<_> = resources(bundle, "Observation")
        .into_iter()
        .filter(|observation| observation["code"]["coding"][0]["code"] == code)
        .collect();
    assert_eq!(found.len(), 1, "{code}");
    found[0]
}

/// Every null, empty text, object or list, by its path.
fn empties(value: &Value, path: &str) -> Vec<String> {
    match value {
        Value::Null => vec![path.to_owned()],
        Value::String(text) if text.is_empty() => vec![path.to_owned()],
        Value::Array(values) if values.is_empty() => vec![path.to_owned()],
        Value::Object(members) if members.is_empty() => vec![path.to_owned()],
        Value::Array(values) => values.iter().flat_map(|value| empties(value, &format!("{path}[]"))).collect(),
        Value::Object(members) => {
            members.iter().flat_map(|(name, value)| empties(value, &format!("{path}.{name}"))).collect()
        }
        _ => Vec::new(),
    }
}

#[test]
fn a_bundle_says_what_the_record_says() {
    for (name, case) in cases() {
        let bundle = fhir_with(&case, &ReportSettings::default(), None);
        let (record, count) = (&case.record, &case.record.count);
        assert_eq!((&bundle["resourceType"], &bundle["type"]), (&"Bundle".into(), &"collection".into()));
        assert_eq!(empties(&bundle, name), Vec::<String>::new());
        let percent = observation(&bundle, "SCHISTO-PCT");
        match count.percent {
            Some(value) => {
                let sent = percent["valueQuantity"]["value"].as_f64().expect("a number");
                assert!((sent - value).abs() <= 0.005_001, "{sent} and {value}");
                assert_eq!(percent["valueQuantity"]["code"], "%");
                let limits = count.widest_95().expect("limits");
                let range = &percent["component"][0]["valueRange"];
                assert!((range["low"]["value"].as_f64().expect("a number") - limits.low).abs() <= 0.005_001);
                assert!((range["high"]["value"].as_f64().expect("a number") - limits.high).abs() <= 0.005_001);
                assert_eq!(percent["component"][1]["valueQuantity"]["value"], count.red_cells);
                assert_eq!(percent["component"][2]["valueQuantity"]["value"], count.schistocytes);
            }
            None => {
                for code in ["SCHISTO-PCT", "SCHISTO-N", "SCHISTO-PRES", "RBC-NORMAL"] {
                    let observation = observation(&bundle, code);
                    assert_eq!(observation["dataAbsentReason"]["coding"][0]["code"], "unknown", "{name} {code}");
                    let members = observation.as_object().expect("an object");
                    assert!(!members.keys().any(|member| member.starts_with("value")), "{name} {code}");
                }
            }
        }
        let interpretation = match count.state {
            State::Above => Some("H"),
            State::NotAbove => Some("N"),
            State::Indeterminate | State::Insufficient => Some("IND"),
            State::NotAssessable => None,
        };
        assert_eq!(percent["interpretation"][0]["coding"][0]["code"].as_str(), interpretation, "{name}");
        let placed = !matches!(count.state, State::Insufficient | State::NotAssessable);
        assert_eq!(percent.get("referenceRange").is_some(), placed, "{name}");
        // State and caution are items of their own, and parts of the percentage.
        for code in ["SCHISTO-STATE", "SHAPE-CONTEXT"] {
            let components = percent["component"].as_array().expect("components");
            let part = components.iter().find(|part| part["code"]["coding"][0]["code"] == code).expect("a component");
            for member in ["valueCodeableConcept", "dataAbsentReason", "interpretation"] {
                assert_eq!(part.get(member), observation(&bundle, code).get(member), "{name} {code} {member}");
            }
        }
        let state = &observation(&bundle, "SCHISTO-STATE")["valueCodeableConcept"]["coding"][0];
        assert_eq!(state["code"], count.state.name().replace('_', "").to_uppercase());
        assert_eq!(state["system"], "urn:schistoquant:codes");
        for class in record.classes.iter().filter(|_| count.red_cells > 0) {
            let code = format!("RBC-{}", class.class.name().to_uppercase());
            let sent = observation(&bundle, &code)["valueQuantity"]["value"].as_u64();
            assert_eq!(sent, sent_cells(class), "{name} {code}");
        }
        let presence = observation(&bundle, "SCHISTO-PRES");
        assert_eq!(presence["code"]["coding"][1]["code"], "800-3");
        let report = resources(&bundle, "DiagnosticReport")[0];
        assert_eq!(report["conclusion"], format!("{} {FOOTER}", record.statement));
        let results = report["result"].as_array().expect("results");
        let entries = bundle["entry"].as_array().expect("entries");
        for entry in entries.iter().filter(|entry| entry["resource"]["resourceType"] == "Observation") {
            let own = results.iter().any(|result| result["reference"] == entry["fullUrl"]);
            assert_eq!(entry["resource"]["status"], if own { "preliminary" } else { "unknown" });
        }
        assert_eq!(report["status"], "preliminary");
        assert_eq!(report["identifier"][0]["value"], Job::of(record).expect("a job").sha256());
        assert_eq!(banned_terms_in(&bundle.to_string()), Vec::<&str>::new());
    }
}

#[test]
fn every_reference_of_a_bundle_leads_to_one_of_its_entries() {
    fn references(value: &Value) -> Vec<&str> {
        match value {
            Value::Array(values) => values.iter().flat_map(references).collect(),
            Value::Object(members) => members
                .iter()
                .flat_map(|(name, value)| match value.as_str() {
                    Some(text) if name == "reference" => vec![text],
                    _ => references(value),
                })
                .collect(),
            _ => Vec::new(),
        }
    }
    for (name, case) in cases() {
        let bundle = fhir_with(&case, &ReportSettings::default(), None);
        let entries = bundle["entry"].as_array().expect("entries");
        let urns: Vec<&str> = entries.iter().map(|entry| entry["fullUrl"].as_str().expect("a URL")).collect();
        let unique: std::collections::BTreeSet<_> = urns.iter().collect();
        assert_eq!(unique.len(), urns.len(), "{name}");
        let references = references(&bundle);
        assert!(references.len() > urns.len());
        assert!(references.iter().all(|reference| urns.contains(reference)), "{name}");
    }
}

#[test]
fn a_bundle_knows_the_patient_by_the_orders_identifier_alone() {
    let settings: ReportSettings = serde_json::from_str(
        r#"{"fhir": {"patient_id_system": "urn:oid:1.2.3", "accession_system": "urn:oid:1.2.4", "embed_pdf": true}}"#,
    )
    .expect("settings");
    let bundle = fhir_with(&full(), &settings, Some(b"%PDF-1.7"));
    let report = resources(&bundle, "DiagnosticReport")[0];
    assert_eq!(
        report["subject"],
        serde_json::json!({
            "type": "Patient",
            "identifier": {"system": "urn:oid:1.2.3", "value": "MRN123", "assigner": {"display": "HOSP"}},
        })
    );
    assert_eq!(report["presentedForm"][0]["data"], BASE64_STANDARD.encode(b"%PDF-1.7"));
    let specimen = resources(&bundle, "Specimen")[0];
    assert_eq!(specimen["accessionIdentifier"], serde_json::json!({"system": "urn:oid:1.2.4", "value": "S-2041-0007"}));
    let text = bundle.to_string();
    assert!(!text.contains("Doe") && !text.contains("Jane") && !text.contains("1960"), "no name, no birthday");
    let unknown = fhir_with(&FakeCase::default().build(), &ReportSettings::default(), None);
    assert!(resources(&unknown, "DiagnosticReport")[0].get("subject").is_none());
}

#[test]
fn the_results_of_a_panel_stand_in_the_bundle_as_they_were_given_and_in_no_hl7_message() {
    let case = with_panel();
    let bundle = fhir_with(&case, &ReportSettings::default(), None);
    let evidence = case.record.evidence.as_ref().expect("evidence");
    let items: BTreeMap<_, _> =
        evidence.blocks.iter().flat_map(|block| &block.items).map(|item| (item.code.as_str(), item)).collect();
    let platelets = observation(&bundle, "platelets");
    assert_eq!(platelets["valueQuantity"]["value"].as_f64(), items["platelets"].value);
    assert_eq!(platelets["valueQuantity"]["code"].as_str(), items["platelets"].unit.as_deref());
    assert_eq!(platelets["interpretation"][0]["coding"][0]["code"], "L");
    assert_eq!(platelets["note"][0]["text"], "Given to the software with the panel; not measured by it.");
    let given = resources(&bundle, "Observation").into_iter().filter(|one| one["status"] == "unknown").count();
    assert!(given >= 10, "{given} results");
    let message = hl7_with(&case, &settings(Hl7Version::V2_5_1), None);
    assert!(!message.contains("|platelets^"), "results are not sent back as new ones");
}

#[test]
fn loinc_of_the_percentage_comes_only_where_asked_for() {
    let asked = ReportSettings {
        codes: CodeOptions { use_loinc_percent: true, ..CodeOptions::default() },
        ..ReportSettings::default()
    };
    let codes = |settings: &ReportSettings| {
        observation(&fhir_with(&full(), settings, None), "SCHISTO-PCT")["code"]["coding"].clone()
    };
    assert_eq!(codes(&ReportSettings::default()).as_array().map(Vec::len), Some(1));
    assert_eq!(codes(&asked)[1]["code"], "51630-2");
    // The value is the same percentage: nothing is scaled to "per 1000".
    let value = |settings| observation(&fhir_with(&full(), settings, None), "SCHISTO-PCT")["valueQuantity"].clone();
    assert_eq!(value(&asked), value(&ReportSettings::default()));
}

#[test]
fn committed_messages_are_what_the_program_writes() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/messages");
    let mut files: Vec<(PathBuf, Vec<u8>)> = Vec::new();
    for (name, mut case) in [("above", full()), ("not-assessable", cases().remove(4).1)] {
        case.record.statement = statement(&case.record.count);
        for version in Hl7Version::ALL {
            let file = folder.join(format!("{name}-{}.hl7", version.name()));
            files.push((file, hl7_with(&case, &settings(version), None).into_bytes()));
        }
        let bundle = render(ReportFormat::Fhir, &case).expect("a bundle").remove(0);
        files.push((folder.join(format!("{name}.fhir.json")), bundle.bytes));
    }
    for (path, bytes) in files {
        if std::env::var_os("REGENERATE").is_some_and(|value| value == "1") {
            fs::create_dir_all(&folder).expect("the repository is writable");
            fs::write(&path, &bytes).expect("the repository is writable");
        }
        let committed = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}; REGENERATE=1", path.display()));
        assert!(committed == bytes, "{} differs; run with REGENERATE=1 and review the change", path.display());
    }
}
