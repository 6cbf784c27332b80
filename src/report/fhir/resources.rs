//! The resources around the observations: report, specimen, device, laboratory.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value as Json, json};

use super::Bundle;
use super::json::{coding, identifier};
use crate::case::FOOTER;

/// Terminology of HL7 that FHIR refers to.
const SPECIMEN_TYPE: &str = "http://terminology.hl7.org/CodeSystem/v2-0487";
const SECTION: &str = "http://terminology.hl7.org/CodeSystem/v2-0074";

/// DiagnosticReport: status, statement and footer, references to the observations, the PDF where it is embedded.
pub(super) fn report(bundle: &Bundle<'_>, results: &[String], pdf: Option<&[u8]>) -> Json {
    let codes = bundle.codes;
    let order = bundle.record.order.as_ref();
    let placer = order.and_then(|order| order.placer_order_number.as_deref());
    let form = pdf.map(|pdf| json!([{"contentType": "application/pdf", "data": BASE64_STANDARD.encode(pdf)}]));
    json!({
        "resourceType": "DiagnosticReport",
        "identifier": [identifier(Some(&bundle.options.report_system), Some(bundle.job.sha256()))],
        "basedOn": placer.map(|number| json!([{"type": "ServiceRequest", "identifier": {"value": number}}])),
        "status": "preliminary",
        "category": [{"coding": [coding(SECTION, "HM", "Hematology")]}],
        "code": {
            "coding": [coding(&codes.fhir_system, &codes.service_code, &codes.service_text)],
            "text": codes.service_text,
        },
        "subject": bundle.subject(),
        "effectiveDateTime": bundle.collected(),
        "issued": bundle.issued(),
        "performer": bundle.performers(),
        "specimen": [bundle.specimen()],
        "result": results.iter().map(|urn| json!({"reference": urn})).collect::<Vec<_>>(),
        "conclusion": format!("{} {FOOTER}", bundle.record.statement),
        "presentedForm": form,
    })
}

/// Specimen: blood, its number, when it was taken and received.
pub(super) fn specimen(bundle: &Bundle<'_>) -> Json {
    let record = bundle.record;
    let order = record.order.as_ref();
    let accession = identifier(bundle.options.accession_system.as_deref(), record.accession.as_deref());
    json!({
        "resourceType": "Specimen",
        "identifier": [accession],
        "accessionIdentifier": accession,
        "type": {"coding": [coding(SPECIMEN_TYPE, "BLD", "Whole blood")], "text": "Blood film"},
        "subject": bundle.subject(),
        "receivedTime": order.and_then(|order| order.received_at.as_ref()).map(|time| time.as_str()),
        "collection": {"collectedDateTime": bundle.collected()},
    })
}

/// Device: the program with everything that stands behind its figures.
pub(super) fn device(bundle: &Bundle<'_>) -> Json {
    let made_by = &bundle.record.provenance;
    let version = |kind: &str, value: &str| json!({"type": {"text": kind}, "value": value});
    json!({
        "resourceType": "Device",
        "deviceName": [{"name": made_by.software, "type": "model-name"}],
        "type": {"text": "Image analysis software"},
        "version": [
            version("software", &made_by.software_version),
            version("method", &made_by.method_version),
            version("model", &format!("{} {}", made_by.model.name, made_by.model.version)),
            version("model sha256", &made_by.model.sha256),
            version("detector", &format!("{} {}", made_by.detector.name, made_by.detector.version)),
            version("detector sha256", &made_by.detector.sha256),
            version("engine", &made_by.engine),
        ],
    })
}

/// Organization: the laboratory that reports.
pub(super) fn laboratory(bundle: &Bundle<'_>) -> Option<Json> {
    let laboratory = bundle.record.laboratory.as_ref()?;
    let address = laboratory.address.as_ref().map(|text| json!([{"text": text}]));
    Some(json!({"resourceType": "Organization", "name": laboratory.name, "address": address}))
}
