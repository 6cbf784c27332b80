//! `<accession>_<job>.fhir.json`: the result as a FHIR R4 Bundle of type `collection`.
//!
//! In: a record and the laboratory's options. Out: DiagnosticReport, Observations, Specimen, Device and, where the
//! laboratory is named, Organization, and Practitioner where a person signed, as one JSON document (FHIR R4, 4.0.1). Resources refer to each other by
//! `urn:uuid:…`, made of the job, so that the same work gives the same bytes and a server can tell a repetition.
//!
//! The status is `preliminary` until a person signs, then `final`, and `amended` once it is signed again. The statement, the fixed
//! footer and, of a signed case, the review are the conclusion of the report; the signer is a Practitioner that the report
//! names as `resultsInterpreter`. The patient is
//! referred to by the identifier of the order and not copied; without one there is no subject. Units are UCUM. What was
//! not assessed has a `dataAbsentReason`. The results of a panel are entries of their own, as they were given.
//!
//! METHOD: resources are written as JSON and checked against the models of an independent library: the crates that model
//! all of FHIR cost minutes of compilation for seven resources.
//!
//! Limits: codes of FHIR's own terminology only; no profile of a country is claimed.

mod observation;
mod parts;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value as Json, json};

use super::error::ReportError;
use super::message::{CodeOptions, observations};
use super::names::Identifiers;
use super::settings::FhirOptions;
use crate::case::{CaseRecord, Job};
use parts::{Bundle, coding, identifier, pruned};

/// The bundle of a record.
///
/// `pdf` is embedded where there is one.
pub(super) fn bundle(
    record: &CaseRecord,
    options: &FhirOptions,
    codes: &CodeOptions,
    pdf: Option<&[u8]>,
) -> Result<Vec<u8>, ReportError> {
    let job = Job::of(record)?;
    let bundle = Bundle { record, options, codes, job: &job, identifiers: Identifiers::of(&job) };
    let all = observations(record, codes);
    let results: Vec<(String, Json)> = all
        .iter()
        .filter(|observation| observation::stands_alone(observation))
        .map(|one| {
            (
                bundle.identifiers.urn(&format!("observation {}", one.name.name())),
                observation::resource(&bundle, &all, one),
            )
        })
        .collect();
    let urns: Vec<String> = results.iter().map(|(urn, _)| urn.clone()).collect();
    let mut entries = vec![(bundle.identifiers.urn("report"), report(&bundle, &urns, pdf))];
    entries.extend(results);
    let panel = observation::panel_results(&bundle).into_iter();
    entries.extend(panel.map(|(part, resource)| (bundle.identifiers.urn(&part), resource)));
    entries.push((bundle.identifiers.urn("specimen"), specimen(&bundle)));
    entries.push((bundle.identifiers.urn("device"), device(&bundle)));
    entries.extend(laboratory(&bundle).map(|resource| (bundle.identifiers.urn("laboratory"), resource)));
    entries.extend(practitioner(&bundle).map(|resource| (bundle.identifiers.urn("signer"), resource)));
    let document = json!({
        "resourceType": "Bundle",
        "type": "collection",
        "identifier": identifier(Some(&options.report_system), Some(job.sha256())),
        "timestamp": bundle.issued(),
        "entry": entries.into_iter().map(|(urn, resource)| json!({"fullUrl": urn, "resource": resource})).collect::<Vec<_>>(),
    });
    let mut bytes = serde_json::to_vec_pretty(&pruned(document))?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// Terminology of HL7 that FHIR refers to.
const SPECIMEN_TYPE: &str = "http://terminology.hl7.org/CodeSystem/v2-0487";
const SECTION: &str = "http://terminology.hl7.org/CodeSystem/v2-0074";

/// DiagnosticReport: status, statement and footer, references to the observations, the PDF where it is embedded.
fn report(bundle: &Bundle<'_>, results: &[String], pdf: Option<&[u8]>) -> Json {
    let codes = bundle.codes;
    let order = bundle.record.order.as_ref();
    let placer = order.and_then(|order| order.placer_order_number.as_deref());
    let said = [bundle.record.statement.clone(), bundle.record.footer.clone()];
    let conclusion: Vec<String> = said.into_iter().chain(bundle.review_sentences()).collect();
    let form = pdf.map(|pdf| json!([{"contentType": "application/pdf", "data": BASE64_STANDARD.encode(pdf)}]));
    json!({
        "resourceType": "DiagnosticReport",
        "identifier": [identifier(Some(&bundle.options.report_system), Some(bundle.job.sha256()))],
        "basedOn": placer.map(|number| json!([{"type": "ServiceRequest", "identifier": {"value": number}}])),
        "status": bundle.status(),
        "category": [{"coding": [coding(SECTION, "HM", "Hematology")]}],
        "code": {
            "coding": [coding(&codes.fhir_system, &codes.service_code, &codes.service_text)],
            "text": codes.service_text,
        },
        "subject": bundle.subject(),
        "effectiveDateTime": bundle.collected(),
        "issued": bundle.issued(),
        "performer": bundle.performers(),
        "resultsInterpreter": bundle.signer(),
        "specimen": [bundle.specimen()],
        "result": results.iter().map(|urn| json!({"reference": urn})).collect::<Vec<_>>(),
        "conclusion": conclusion.join(" "),
        "presentedForm": form,
    })
}

/// Specimen: blood, its number, when it was taken and received.
fn specimen(bundle: &Bundle<'_>) -> Json {
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
fn device(bundle: &Bundle<'_>) -> Json {
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
fn laboratory(bundle: &Bundle<'_>) -> Option<Json> {
    let laboratory = bundle.record.laboratory.as_ref()?;
    let address = laboratory.address.as_ref().map(|text| json!([{"text": text}]));
    Some(json!({"resourceType": "Organization", "name": laboratory.name, "address": address}))
}

/// Practitioner: who signed. R4 has no role here without a PractitionerRole; its text stands as that of a qualification.
fn practitioner(bundle: &Bundle<'_>) -> Option<Json> {
    let signer = &bundle.record.review.as_ref()?.signed_by;
    Some(json!({
        "resourceType": "Practitioner",
        "name": [{"text": signer.name}],
        "qualification": [{"code": {"text": signer.role}}],
    }))
}
