//! `<accession>_<job>.fhir.json`: the result as a FHIR R4 Bundle of type `collection`.
//!
//! In: a record and the laboratory's options. Out: DiagnosticReport, Observations, Specimen, Device and, where the
//! laboratory is named, Organization, as one JSON document (FHIR R4, 4.0.1). Resources refer to each other by
//! `urn:uuid:…`, made of the job, so that the same work gives the same bytes and a server can tell a repetition.
//!
//! Every status is `preliminary`. The statement and the fixed footer are the conclusion of the report. The patient is
//! referred to by the identifier of the order and not copied; without one there is no subject. Units are UCUM. What was
//! not assessed has a `dataAbsentReason`. The results of a panel are entries of their own, as they were given.
//!
//! METHOD: resources are written as JSON and checked against the models of an independent library: the crates that model
//! all of FHIR cost minutes of compilation for six resources.
//!
//! Limits: codes of FHIR's own terminology only; no profile of a country is claimed.

mod json;
mod observation;
mod options;
mod panel;
mod resources;

pub use options::FhirOptions;

use serde_json::{Value as Json, json};

use super::ReportError;
use super::message::{CodeOptions, observations};
use super::urn::Identifiers;
use crate::case::{CaseRecord, Job};

/// What all resources share.
struct Bundle<'a> {
    record: &'a CaseRecord,
    options: &'a FhirOptions,
    codes: &'a CodeOptions,
    job: &'a Job,
    identifiers: Identifiers<'a>,
}

impl Bundle<'_> {
    /// The patient, by the identifier of the order.
    fn subject(&self) -> Json {
        let patient = self.record.order.as_ref().and_then(|order| order.patient.as_ref());
        match patient.and_then(|patient| Some((patient.id.as_deref()?, patient.id_authority.as_deref()))) {
            Some((id, authority)) => json!({
                "type": "Patient",
                "identifier": {
                    "system": self.options.patient_id_system,
                    "value": id,
                    "assigner": authority.map(|authority| json!({"display": authority})),
                },
            }),
            None => Json::Null,
        }
    }

    fn specimen(&self) -> Json {
        json!({"reference": self.identifiers.urn("specimen")})
    }

    fn device(&self) -> Json {
        let made_by = &self.record.provenance;
        let display = format!("{} {}", made_by.software, made_by.software_version);
        json!({"reference": self.identifiers.urn("device"), "display": display})
    }

    fn performers(&self) -> Json {
        match &self.record.laboratory {
            Some(laboratory) => json!([{"reference": self.identifiers.urn("laboratory"), "display": laboratory.name}]),
            None => Json::Null,
        }
    }

    /// When the blood was taken.
    fn collected(&self) -> Option<&str> {
        self.record.order.as_ref()?.collected_at.as_ref().map(|time| time.as_str())
    }

    /// When the report is issued.
    fn issued(&self) -> Option<&str> {
        self.record.issued_at.as_ref().map(|issued| issued.at.as_str())
    }
}

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
    let mut entries = vec![(bundle.identifiers.urn("report"), resources::report(&bundle, &urns, pdf))];
    entries.extend(results);
    let panel = panel::results(&bundle).into_iter();
    entries.extend(panel.map(|(part, resource)| (bundle.identifiers.urn(&part), resource)));
    entries.push((bundle.identifiers.urn("specimen"), resources::specimen(&bundle)));
    entries.push((bundle.identifiers.urn("device"), resources::device(&bundle)));
    entries.extend(resources::laboratory(&bundle).map(|resource| (bundle.identifiers.urn("laboratory"), resource)));
    let document = json!({
        "resourceType": "Bundle",
        "type": "collection",
        "identifier": json::identifier(Some(&options.report_system), Some(job.sha256())),
        "timestamp": bundle.issued(),
        "entry": entries.into_iter().map(|(urn, resource)| json!({"fullUrl": urn, "resource": resource})).collect::<Vec<_>>(),
    });
    let mut bytes = serde_json::to_vec_pretty(&json::pruned(document))?;
    bytes.push(b'\n');
    Ok(bytes)
}
