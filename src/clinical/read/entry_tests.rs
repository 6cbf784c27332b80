//! Entries of a panel one by one: doubtful ones that are left aside, spellings, character sets, coded diagnoses and drugs.

use std::collections::BTreeMap;
use std::fs;

use super::tests::{bytes, fixture, message, read_text};
use super::*;
use crate::clinical::CharacterSet;

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
fn a_power_written_with_the_component_separator_is_a_unit() {
    for unit in
        ["10^9/L", "10^9/L^^UCUM", "x10^9/L", "10*9/L", "10E9/L", "G/L", "10\\S\\9/L", "10^3/uL", "x10^3/\u{b5}L"]
    {
        let panel = read_text(&message(&[&format!("OBX|1|NM|777-3^PLT^LN||38|{unit}|||||F")])).expect("a panel");
        let canonical = panel.current_quantity(Analyte::Platelets).map(|platelets| platelets.canonical);
        assert_eq!(canonical, Some(38.0), "{unit}: {:?}", panel.ignored);
    }
}

#[test]
fn five_encoding_characters_are_read() {
    let text = message(&[
        "OBX|1|TX|tumor^Tumor^99TMA||carcinoma \\P\\1 \\T\\ nodes||||||F",
        "OBX|2|NM|777-3^PLT^LN||38|10^9/L|||||F",
    ]);
    let five = text.replace("MSH|^~\\&|", "MSH|^~\\&#|").replace("|2.5.1\r", "|2.7\r");
    let panel = read_text(&five).expect("a panel");
    assert_eq!(panel.current_quantity(Analyte::Platelets).map(|platelets| platelets.value), Some(38.0));
    let tumor = panel.context.cancer.and_then(|cancer| cancer.tumor);
    assert_eq!(tumor.as_deref(), Some("carcinoma #1 & nodes"));
}

#[test]
fn a_message_is_read_in_the_set_that_it_names() {
    let text = |set: &str| {
        message(&["OBX|1|TX|tumor^Tumor^99TMA||Karzinom der Drüse||||||F"])
            .replace("||||19610314|M", "||Müller^Jörg||19610314|M")
            .replace("|2.5.1\r", &format!("|2.5.1||||||{set}\r"))
    };
    let latin = |text: &str| -> Vec<u8> { text.chars().map(|c| c as u8).collect() };
    let unnamed = PanelOptions { hl7_character_set: CharacterSet::from_name("8859/1"), ..PanelOptions::default() };
    for (bytes, options) in [
        (latin(&text("8859/1")), PanelOptions::default()),
        (latin(&text("8859/15")), PanelOptions::default()),
        (text("UNICODE UTF-8").into_bytes(), PanelOptions::default()),
        (text("").into_bytes(), PanelOptions::default()),
        (latin(&text("")), unnamed),
    ] {
        let panel = read_panel(&bytes, "test", &options).expect("a panel");
        assert_eq!(panel.person.names[0].to_string(), "Müller, Jörg");
        let tumor = panel.context.cancer.and_then(|cancer| cancer.tumor);
        assert_eq!(tumor.as_deref(), Some("Karzinom der Drüse"));
    }
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
    let extra = super::super::ExtraUnit {
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
fn diagnoses_of_a_message_are_read_or_named() {
    let panel = read_text(&message(&[
        "DG1|1||C25.9^Pancreas, unspecified^I10|||W",
        "DG1|2||C79.5^Secondary malignant neoplasm of bone and bone marrow^I10C",
        "DG1|3||Z94.0^Kidney transplant status^I10",
        "DG1|4||I10^Hypertension^I10",
        "DG1|5||157.9^Pancreas^I9C",
        "RXA|0|1|20241201|20241201|J9201^Gemcitabine^HCPCS|1",
        "OBX|1|NM|777-3^PLT^LN||38|10*3/uL|||||F",
    ]))
    .expect("a panel");
    let cancer = panel.context.cancer.as_ref().expect("a cancer");
    assert_eq!(
        cancer.tumor.as_deref(),
        Some(
            "Pancreas, unspecified (ICD-10 C25.9); Secondary malignant neoplasm of bone and bone marrow (ICD-10 C79.5, of bone \
             or bone marrow)"
        )
    );
    assert_eq!((cancer.metastatic, cancer.marrow, cancer.active), (Some(true), None, None));
    assert_eq!(panel.context.has_transplant(), Some(true));
    let aside: Vec<_> = panel.ignored.iter().map(|one| one.code.as_str()).collect();
    assert_eq!(aside, ["157.9 (I9C)", "RXA J9201 (HCPCS)", "I10 (I10)"]);
    assert_eq!(panel.results().count(), 1);
}

/// A Bundle of these resources.
fn resources(resources: &[&str]) -> LabPanel {
    let entries: Vec<String> = resources.iter().map(|resource| format!(r#"{{"resource": {resource}}}"#)).collect();
    read_text(&format!(r#"{{"resourceType": "Bundle", "entry": [{}]}}"#, entries.join(","))).expect("a panel")
}

#[test]
fn conditions_and_drugs_of_a_bundle_are_read_or_named() {
    let icd = "http://hl7.org/fhir/sid/icd-10";
    let condition = |code: &str, rest: &str| {
        format!(
            r#"{{"resourceType": "Condition", "code": {{"coding": [{{"system": "{icd}", "code": "{code}"}}]}}{rest}}}"#
        )
    };
    let status = |field: &str, code: &str| format!(r#", "{field}": {{"coding": [{{"code": "{code}"}}]}}"#);
    let drug = |kind: &str, concept: &str, rest: &str| {
        format!(r#"{{"resourceType": "{kind}", "medicationCodeableConcept": {concept}{rest}}}"#)
    };
    let rxnorm = r#"{"coding": [{"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "12574"}]}"#;
    let atc = r#"{"coding": [{"system": "http://www.whocc.no/atc", "code": "L04AD02"}], "text": "Prograf"}"#;
    let unknown = r#"{"coding": [{"system": "http://snomed.info/sct", "code": "387207008"}]}"#;
    let panel = resources(&[
        &condition("C25.9", &status("clinicalStatus", "active")),
        &condition("C79.52", ""),
        &condition("C18.9", &status("verificationStatus", "refuted")),
        r#"{"resourceType": "Condition", "code": {"coding": [{"system": "http://snomed.info/sct", "code": "126729006"}], "text": "TMA"}}"#,
        &drug("MedicationRequest", rxnorm, r#", "status": "active", "authoredOn": "2024-12-01""#),
        &drug(
            "MedicationAdministration",
            rxnorm,
            r#", "status": "completed", "effectiveDateTime": "2024-11-20T08:00:00Z""#,
        ),
        &drug("MedicationStatement", atc, r#", "status": "active""#),
        &drug("MedicationStatement", unknown, r#", "status": "active""#),
        &drug("MedicationRequest", r#"{"text": "oxaliplatin"}"#, r#", "status": "cancelled""#),
        r#"{"resourceType": "MedicationRequest", "status": "active", "medicationReference": {"reference": "Medication/m1"}}"#,
        r#"{"resourceType": "Medication", "id": "m1", "code": {"text": "Bevacizumab 400 mg"}}"#,
        r#"{"resourceType": "Procedure", "code": {"text": "Plasma exchange"}}"#,
        r#"{"resourceType": "Specimen", "accessionIdentifier": {"value": "S-7"}}"#,
    ]);
    let cancer = panel.context.cancer.as_ref().expect("a cancer");
    assert_eq!((cancer.active, cancer.metastatic, cancer.marrow), (Some(true), Some(true), Some(true)));
    assert!(cancer.tumor.as_deref().is_some_and(|tumor| tumor.starts_with("ICD-10 C25.9, active; ICD-10 C79.52")));
    let drugs = panel.context.drugs.as_deref().expect("drugs");
    let drugs: Vec<_> = drugs.iter().map(|drug| (drug.name.as_str(), drug.start_date.as_deref())).collect();
    assert_eq!(
        drugs,
        [("gemcitabine", Some("2024-11-20")), ("tacrolimus (Prograf)", None), ("Bevacizumab 400 mg", None)]
    );
    let aside: Vec<_> = panel.ignored.iter().map(|one| (one.code.as_str(), one.name.as_deref())).collect();
    assert_eq!(
        aside,
        [
            ("C18.9 (http://hl7.org/fhir/sid/icd-10)", None),
            ("126729006 (http://snomed.info/sct)", Some("TMA")),
            ("387207008 (http://snomed.info/sct)", None),
            ("", Some("oxaliplatin")),
            ("Procedure", Some("Plasma exchange")),
        ]
    );
    assert_eq!(panel.person.specimens, ["S-7"]);
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
