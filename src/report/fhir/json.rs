//! FHIR's JSON: what is unknown is left out, never null or empty (FHIR R4, section 2.6.2).

use serde_json::{Map, Value, json};

/// URI of UCUM.
const UCUM: &str = "http://unitsofmeasure.org";

/// A value without nulls, empty texts, empty objects and empty lists; `None` where nothing remains.
pub(super) fn pruned(value: Value) -> Option<Value> {
    match value {
        Value::Null => None,
        Value::String(text) => (!text.is_empty()).then_some(Value::String(text)),
        Value::Array(values) => {
            let values: Vec<Value> = values.into_iter().filter_map(pruned).collect();
            (!values.is_empty()).then_some(Value::Array(values))
        }
        Value::Object(members) => {
            let members: Map<String, Value> =
                members.into_iter().filter_map(|(name, value)| Some((name, pruned(value)?))).collect();
            (!members.is_empty()).then_some(Value::Object(members))
        }
        other => Some(other),
    }
}

/// A code of a system.
pub(super) fn coding(system: &str, code: &str, display: &str) -> Value {
    json!({"system": system, "code": code, "display": display})
}

/// A quantity in UCUM. FHIR's numbers are decimals, so that they are rounded before they are written.
pub(super) fn quantity(value: impl Into<Value>, words: &str, ucum: &str) -> Value {
    json!({"value": value.into(), "unit": words, "system": UCUM, "code": ucum})
}

/// An identifier, with its system where that is known.
pub(super) fn identifier(system: Option<&str>, value: Option<&str>) -> Value {
    match value {
        Some(value) => json!({"system": system, "value": value}),
        None => Value::Null,
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
