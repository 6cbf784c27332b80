//! What all resources share: the record and its references, codes, quantities.
//!
//! In FHIR's JSON what is unknown is left out, never null or empty (FHIR R4, section 2.6.2).

use serde_json::{Map, Value as Json, json};

use crate::case::{CaseRecord, Job, ReviewStatus};
use crate::report::document::signed::sentences;
use crate::report::message::CodeOptions;
use crate::report::names::Identifiers;
use crate::report::settings::FhirOptions;

/// What all resources share.
pub(super) struct Bundle<'a> {
    pub(super) record: &'a CaseRecord,
    pub(super) options: &'a FhirOptions,
    pub(super) codes: &'a CodeOptions,
    pub(super) job: &'a Job,
    pub(super) identifiers: Identifiers<'a>,
}

impl Bundle<'_> {
    /// The patient, by the identifier of the order.
    pub(super) fn subject(&self) -> Json {
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

    pub(super) fn specimen(&self) -> Json {
        json!({"reference": self.identifiers.urn("specimen")})
    }

    pub(super) fn device(&self) -> Json {
        let made_by = &self.record.provenance;
        let display = format!("{} {}", made_by.software, made_by.software_version);
        json!({"reference": self.identifiers.urn("device"), "display": display})
    }

    pub(super) fn performers(&self) -> Json {
        match &self.record.laboratory {
            Some(laboratory) => json!([{"reference": self.identifiers.urn("laboratory"), "display": laboratory.name}]),
            None => Json::Null,
        }
    }

    /// Status of report and observations (FHIR R4, `diagnostic-report-status` and `observation-status`).
    pub(super) fn status(&self) -> &'static str {
        match self.record.review_status() {
            ReviewStatus::Preliminary => "preliminary",
            ReviewStatus::Final => "final",
            ReviewStatus::Corrected => "amended",
        }
    }

    /// Who signed.
    pub(super) fn signer(&self) -> Json {
        match &self.record.review {
            Some(review) => json!([{"reference": self.identifiers.urn("signer"), "display": review.signed_by.name}]),
            None => Json::Null,
        }
    }

    /// The review in words; nothing before it is signed.
    pub(super) fn review_sentences(&self) -> Vec<String> {
        self.record.review.iter().flat_map(|review| sentences(review)).collect()
    }

    /// When the blood was taken.
    pub(super) fn collected(&self) -> Option<&str> {
        self.record.order.as_ref()?.collected_at.as_ref().map(|time| time.as_str())
    }

    /// When the report is issued.
    pub(super) fn issued(&self) -> Option<&str> {
        self.record.issued_at.as_ref().map(|issued| issued.at.as_str())
    }
}

/// URI of UCUM.
const UCUM: &str = "http://unitsofmeasure.org";

/// A value without nulls, empty texts, empty objects and empty lists; `None` where nothing remains.
pub(super) fn pruned(value: Json) -> Option<Json> {
    match value {
        Json::Null => None,
        Json::String(text) => (!text.is_empty()).then_some(Json::String(text)),
        Json::Array(values) => {
            let values: Vec<Json> = values.into_iter().filter_map(pruned).collect();
            (!values.is_empty()).then_some(Json::Array(values))
        }
        Json::Object(members) => {
            let members: Map<String, Json> =
                members.into_iter().filter_map(|(name, value)| Some((name, pruned(value)?))).collect();
            (!members.is_empty()).then_some(Json::Object(members))
        }
        other => Some(other),
    }
}

/// A code of a system.
pub(super) fn coding(system: &str, code: &str, display: &str) -> Json {
    json!({"system": system, "code": code, "display": display})
}

/// A quantity in UCUM. FHIR's numbers are decimals, so that they are rounded before they are written.
pub(super) fn quantity(value: impl Into<Json>, words: &str, ucum: &str) -> Json {
    json!({"value": value.into(), "unit": words, "system": UCUM, "code": ucum})
}

/// An identifier, with its system where that is known.
pub(super) fn identifier(system: Option<&str>, value: Option<&str>) -> Json {
    match value {
        Some(value) => json!({"system": system, "value": value}),
        None => Json::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_empty_remains_and_zero_and_false_do() {
        let value = json!({"a": null, "b": "", "c": [null, {}], "d": 0, "e": false, "f": {"g": [{"h": null}]}});
        assert_eq!(pruned(value), Some(json!({"d": 0, "e": false})));
        assert_eq!(pruned(json!({"a": [[]]})), None);
    }
}
