//! Observation: the results of the panel that the count was weighed with.
//!
//! They are the laboratory's own and were not measured here: each says so in a note, its status is `unknown`, because the
//! panel keeps it in words only, and the report does not list it among its results. Values, units and intervals stand as
//! they were given.
//!
//! METHOD: only FHIR carries them, where an observation keeps its own time and source. In an HL7 message they would come
//! back to the system that sent them as new results of this order.
//!
//! Codes are the names of the analytes in panels, so that a panel can be read from the bundle again.
//!
//! Limits: no LOINC, because the panel does not keep under which code a result came. A time without its offset is sent as
//! its day, because FHIR asks for the offset.

use serde_json::{Value as Json, json};

use super::Bundle;
use super::json::{coding, quantity};
use super::observation::{CATEGORY, INTERPRETATION};
use crate::clinical::{Block, Comparator, Flag, OWN_FHIR_SYSTEM};
use crate::evidence::{EvidenceItem, ItemReference};
use crate::time::{Date, Timestamp};

/// What every note says.
const GIVEN: &str = "Given to the software with the panel; not measured by it.";

/// Blocks of laboratory results.
const BLOCKS: [Block; 6] =
    [Block::Hematology, Block::Hemolysis, Block::Coagulation, Block::Renal, Block::Adamts13, Block::Complement];

/// The results of the panel, each with the part of the work that its identifier is made of.
pub(super) fn results(bundle: &Bundle<'_>) -> Vec<(String, Json)> {
    let blocks = bundle.record.evidence.iter().flat_map(|evidence| &evidence.blocks);
    let items = blocks.filter(|block| BLOCKS.contains(&block.block)).flat_map(|block| &block.items);
    items.map(|item| (format!("panel {}", item.code), resource(bundle, item))).collect()
}

fn resource(bundle: &Bundle<'_>, item: &EvidenceItem) -> Json {
    let notes = std::iter::once(GIVEN).chain(item.notes.iter().map(String::as_str));
    let mut resource = json!({
        "resourceType": "Observation",
        "status": "unknown",
        "category": [{"coding": [coding(CATEGORY, "laboratory", "Laboratory")]}],
        "code": {"coding": [coding(OWN_FHIR_SYSTEM, &item.code, &item.name)], "text": item.name},
        "subject": bundle.subject(),
        "effectiveDateTime": item.collected_at.as_deref().and_then(fhir_time),
        "interpretation": item.flag.map(interpretation),
        "referenceRange": item.reference.as_ref().map(|reference| range(reference, item.unit.as_deref())),
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

fn interpretation(flag: Flag) -> Json {
    let words = match flag {
        Flag::Low => "Low",
        Flag::Normal => "Normal",
        Flag::High => "High",
        Flag::Abnormal => "Abnormal",
    };
    json!([{"coding": [coding(INTERPRETATION, flag.letter(), words)]}])
}

fn range(reference: &ItemReference, unit: Option<&str>) -> Json {
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
