//! Observation: one for each observation of the message.
//!
//! A percentage is a `valueQuantity` with its reference range and, on the main one, every interval, the counts, the state and
//! the caution of a mixed picture as components; an interval is sent there and nowhere else. What was not assessed has a `dataAbsentReason` and no value.

use serde_json::{Value as Json, json};

use super::Bundle;
use super::json::{coding, quantity};
use crate::case::{FOOTER, PercentInterval};
use crate::report::message::{Code, Flag, Observation, ObservationName, PERCENT_DECIMALS, Unit, Value};

/// Systems of FHIR's own terminology.
pub(super) const CATEGORY: &str = "http://terminology.hl7.org/CodeSystem/observation-category";
pub(super) const INTERPRETATION: &str = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation";
const DATA_ABSENT: &str = "http://terminology.hl7.org/CodeSystem/data-absent-reason";

/// The resource of an observation.
pub(super) fn resource(bundle: &Bundle<'_>, all: &[Observation], observation: &Observation) -> Json {
    let main = observation.name == ObservationName::Percent;
    let mut resource = json!({
        "resourceType": "Observation",
        "status": "preliminary",
        "category": [{"coding": [coding(CATEGORY, "laboratory", "Laboratory")]}],
        "code": code(bundle, &observation.code),
        "subject": bundle.subject(),
        "specimen": bundle.specimen(),
        "device": bundle.device(),
        "performer": bundle.performers(),
        "effectiveDateTime": bundle.collected(),
        "issued": bundle.issued(),
        "referenceRange": reference_range(observation),
        "interpretation": interpretation(observation.flag),
        "note": notes(observation, main),
    });
    set_value(&mut resource, bundle, &observation.value);
    if main {
        resource["component"] = all.iter().filter_map(|other| component(bundle, other)).collect();
        resource["derivedFrom"] = images(bundle);
        resource["method"] = json!({"text": "Automated image analysis of a stained blood film"});
    }
    resource
}

/// Whether an observation has a resource of its own; intervals are components.
pub(super) fn stands_alone(observation: &Observation) -> bool {
    !matches!(observation.value, Value::Interval(_))
}

/// A local code, and behind it what says the same elsewhere.
pub(super) fn code(bundle: &Bundle<'_>, code: &Code) -> Json {
    let local = coding(&bundle.codes.fhir_system, &code.code, &code.text);
    let alternate = code.alternate.as_ref().map(|code| coding(&code.fhir_system, &code.code, &code.text));
    json!({"coding": std::iter::once(local).chain(alternate).collect::<Vec<_>>(), "text": code.text})
}

fn set_value(resource: &mut Json, bundle: &Bundle<'_>, value: &Value) {
    let (member, known) = match value {
        Value::Percent(percent) => ("valueQuantity", percent.map(self::percent)),
        Value::Count(count, unit) => ("valueQuantity", count.map(|count| quantity(count, unit.words(), unit.ucum()))),
        Value::Coded(code) => (
            "valueCodeableConcept",
            code.as_ref()
                .map(|(code, text)| json!({"coding": [coding(&bundle.codes.fhir_system, code, text)], "text": text})),
        ),
        Value::Interval(limits) => ("valueRange", limits.map(range)),
    };
    match known {
        Some(value) => resource[member] = value,
        None => {
            let reason = coding(DATA_ABSENT, "unknown", "Unknown");
            resource["dataAbsentReason"] = json!({"coding": [reason], "text": "Not assessable"});
        }
    }
}

fn percent(value: f64) -> Json {
    quantity(decimal(value), Unit::Percent.ucum(), Unit::Percent.ucum())
}

fn range(limits: PercentInterval) -> Json {
    json!({"low": percent(limits.low), "high": percent(limits.high)})
}

/// The number with the decimals that are sent.
fn decimal(value: f64) -> Json {
    let rounded: Option<f64> = format!("{value:.PERCENT_DECIMALS$}").parse().ok();
    rounded.map_or(Json::Null, Json::from)
}

fn reference_range(observation: &Observation) -> Json {
    match observation.high_limit {
        Some((limit, words)) => json!([{"high": percent(limit), "text": words}]),
        None => Json::Null,
    }
}

fn interpretation(flag: Option<Flag>) -> Json {
    let Some((code, words)) = flag.map(Flag::code) else { return Json::Null };
    json!([{"coding": [coding(INTERPRETATION, code, words)]}])
}

/// Remarks; the percentage and the ordinal finding also carry the footer, because they are read alone.
fn notes(observation: &Observation, main: bool) -> Json {
    let footer = (main || observation.name == ObservationName::Presence).then_some(FOOTER);
    observation.notes.iter().map(String::as_str).chain(footer).map(|text| json!({"text": text})).collect()
}

/// Intervals, counts, state and the picture's other shapes as parts of the percentage, so that it is never read alone.
fn component(bundle: &Bundle<'_>, other: &Observation) -> Option<Json> {
    use ObservationName::{Context, FloorPercent, RedCells, Schistocytes, State};
    let is_part = matches!(other.name, RedCells | Schistocytes | State | Context | FloorPercent);
    if !is_part && stands_alone(other) {
        return None;
    }
    let mut component = json!({"code": code(bundle, &other.code), "interpretation": interpretation(other.flag)});
    set_value(&mut component, bundle, &other.value);
    Some(component)
}

/// The images behind the count, by their hashes.
fn images(bundle: &Bundle<'_>) -> Json {
    let inputs = &bundle.record.provenance.inputs;
    inputs.iter().map(|input| json!({"display": format!("image sha256:{}", input.sha256)})).collect()
}
