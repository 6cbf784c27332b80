//! Observation: one for each observation of the message, then the results of the panel that the count was weighed with.
//!
//! A percentage is a `valueQuantity` with its reference range and, on the main one, every interval, the counts, the state and
//! the caution of a mixed picture as components; an interval is sent there and nowhere else. What was not assessed has a
//! `dataAbsentReason` and no value.
//!
//! The results of the panel are the laboratory's own and were not measured here: each says so in a note. Its status is
//! `unknown`, because the panel keeps it in words only, and the report does not list it among its results. Values, units
//! and intervals stand as they were given. Codes are the names of the analytes in panels, so that a panel can be read from
//! the bundle again.
//!
//! METHOD: only FHIR carries the panel, where an observation keeps its own time and source. In an HL7 message its results
//! would come back to the system that sent them as new results of this order.
//!
//! Limits: no LOINC for the panel, because it does not keep under which code a result came. A time without its offset is
//! sent as its day, because FHIR asks for the offset.

use serde_json::{Value as Json, json};

use super::parts::{Bundle, coding, quantity};
use crate::case::PercentInterval;
use crate::clinical::{self, Block, Comparator, OWN_FHIR_SYSTEM};
use crate::evidence::{EvidenceItem, ItemReference};
use crate::report::message::{Code, Flag, Observation, ObservationName, PERCENT_DECIMALS, Unit, Value};
use crate::time::{Date, Timestamp};

/// Systems of FHIR's own terminology.
const CATEGORY: &str = "http://terminology.hl7.org/CodeSystem/observation-category";
const INTERPRETATION: &str = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation";
const DATA_ABSENT: &str = "http://terminology.hl7.org/CodeSystem/data-absent-reason";

/// How the percentage was found, without a person and with one.
const METHOD: &str = "Automated image analysis of a stained blood film";
const METHOD_READ: &str = "Automated image analysis of a stained blood film, suspicious cells read by a person";

/// The resource of an observation.
pub(super) fn resource(bundle: &Bundle<'_>, all: &[Observation], observation: &Observation) -> Json {
    let main = observation.name == ObservationName::Percent;
    let mut resource = json!({
        "resourceType": "Observation",
        "status": bundle.status(),
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
        "note": notes(bundle, observation, main),
    });
    set_value(&mut resource, bundle, &observation.value);
    if main {
        resource["component"] = all.iter().filter_map(|other| component(bundle, other)).collect();
        resource["derivedFrom"] = images(bundle);
        resource["method"] = json!({"text": if bundle.record.review.is_some() { METHOD_READ } else { METHOD }});
    }
    resource
}

/// Whether an observation has a resource of its own; intervals are components.
pub(super) fn stands_alone(observation: &Observation) -> bool {
    !matches!(observation.value, Value::Interval(_))
}

/// A local code, and behind it what says the same elsewhere.
fn code(bundle: &Bundle<'_>, code: &Code) -> Json {
    let local = coding(&bundle.codes.fhir_system, &code.code, &code.text);
    let alternate = code.alternate.as_ref().map(|code| coding(&code.fhir_system, &code.code, &code.text));
    json!({"coding": std::iter::once(local).chain(alternate).collect::<Vec<_>>(), "text": code.text})
}

fn set_value(resource: &mut Json, bundle: &Bundle<'_>, value: &Value) {
    let (member, known) = match value {
        Value::Percent(percent) => ("valueQuantity", percent.map(self::percent)),
        Value::Ratio(ratio) => ("valueQuantity", ratio.map(|ratio| quantity(decimal(ratio), "", Unit::One.ucum()))),
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

/// Remarks; the percentage and the ordinal finding also carry the footer, because they are read alone, and the percentage the
/// review.
fn notes(bundle: &Bundle<'_>, observation: &Observation, main: bool) -> Json {
    let footer = (main || observation.name == ObservationName::Presence).then(|| bundle.record.footer.clone());
    let review = if main { bundle.review_sentences() } else { Vec::new() };
    observation.notes.iter().cloned().chain(footer).chain(review).map(|text| json!({"text": text})).collect()
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

/// What every note says.
const GIVEN: &str = "Given to the software with the panel; not measured by it.";

/// Blocks of laboratory results.
const BLOCKS: [Block; 6] =
    [Block::Hematology, Block::Hemolysis, Block::Coagulation, Block::Renal, Block::Adamts13, Block::Complement];

/// The results of the panel, each with the part of the work that its identifier is made of.
pub(super) fn panel_results(bundle: &Bundle<'_>) -> Vec<(String, Json)> {
    let blocks = bundle.record.evidence.iter().flat_map(|evidence| &evidence.blocks);
    let items = blocks.filter(|block| BLOCKS.contains(&block.block)).flat_map(|block| &block.items);
    items.map(|item| (format!("panel {}", item.code), panel_resource(bundle, item))).collect()
}

fn panel_resource(bundle: &Bundle<'_>, item: &EvidenceItem) -> Json {
    let notes = std::iter::once(GIVEN).chain(item.notes.iter().map(String::as_str));
    let mut resource = json!({
        "resourceType": "Observation",
        "status": "unknown",
        "category": [{"coding": [coding(CATEGORY, "laboratory", "Laboratory")]}],
        "code": {"coding": [coding(OWN_FHIR_SYSTEM, &item.code, &item.name)], "text": item.name},
        "subject": bundle.subject(),
        "effectiveDateTime": item.collected_at.as_deref().and_then(fhir_time),
        "interpretation": item.flag.map(panel_interpretation),
        "referenceRange": item.reference.as_ref().map(|reference| reference_interval(reference, item.unit.as_deref())),
        "note": notes.map(|text| json!({"text": text})).collect::<Vec<_>>(),
    });
    match item.value {
        Some(value) => {
            let mut number = quantity_of(value, item.unit.as_deref());
            number["comparator"] = comparator(&item.value_text).map_or(Json::Null, |sign| Json::from(sign.sign()));
            resource["valueQuantity"] = number;
        }
        None => resource["valueString"] = Json::from(item.value_text.as_str()),
    }
    resource
}

fn quantity_of(value: f64, unit: Option<&str>) -> Json {
    match unit {
        Some(unit) => quantity(value, unit, unit),
        None => json!({"value": value}),
    }
}

/// The comparator in front of a printed value.
fn comparator(value_text: &str) -> Option<Comparator> {
    Comparator::from_sign(value_text.split(' ').next()?)
}

fn panel_interpretation(flag: clinical::Flag) -> Json {
    let words = match flag {
        clinical::Flag::Low => "Low",
        clinical::Flag::Normal => "Normal",
        clinical::Flag::High => "High",
        clinical::Flag::Abnormal => "Abnormal",
    };
    json!([{"coding": [coding(INTERPRETATION, flag.letter(), words)]}])
}

fn reference_interval(reference: &ItemReference, unit: Option<&str>) -> Json {
    let limit = |limit: Option<f64>| limit.map(|limit| quantity_of(limit, unit));
    let text = format!("{}: {}", reference.owner.words(), reference.source);
    json!([{"low": limit(reference.low), "high": limit(reference.high), "text": text}])
}

/// A time as FHIR takes it: with its offset, or the day.
fn fhir_time(text: &str) -> Option<&str> {
    if Timestamp::parse(text).is_ok() {
        return Some(text);
    }
    text.get(..10).filter(|day| Date::parse(day).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_without_its_offset_is_its_day() {
        assert_eq!(fhir_time("2025-01-02T08:30:00+01:00"), Some("2025-01-02T08:30:00+01:00"));
        assert_eq!(fhir_time("2025-01-02T08:30:00"), Some("2025-01-02"));
        assert_eq!(fhir_time("2025-01-02"), Some("2025-01-02"));
        assert_eq!(fhir_time("yesterday, about noon"), None);
    }

    #[test]
    fn a_comparator_is_read_from_the_printed_value() {
        assert_eq!(comparator("< 5 %"), Some(Comparator::Less));
        assert_eq!(comparator(">= 10 g/dL"), Some(Comparator::GreaterOrEqual));
        assert_eq!(comparator("10 g/dL"), None);
    }
}
