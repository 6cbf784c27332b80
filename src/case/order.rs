//! The order behind a specimen: who asked, for whom, when the blood was taken.
//!
//! In: at most [`MAX_ORDER_BYTES`] of a JSON object; other formats are read in `order_read`. Out: an [`Order`]. It is carried
//! into the record and the messages, and its patient is compared with that of a panel ([`Order::check_panel`]); nothing else
//! is made of it. Every item may be missing. An unknown item of JSON is refused, and so is a text with control characters or
//! with more than [`MAX_TEXT_CHARS`] characters, because no field of a message holds it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::clinical::PanelProblem;
use crate::time::{Date, TimeError, Timestamp};

/// Largest order file, bytes.
pub const MAX_ORDER_BYTES: usize = 1 << 20;

/// Longest text of an item, characters: the longest plain text field of the segments an order feeds (HL7 v2.5.1, EI.1
/// and HD.3 hold 199).
pub const MAX_TEXT_CHARS: usize = 199;

/// Sex for administrative purposes (HL7 table 0001).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)] // each name is the table's own term
pub enum AdministrativeSex {
    Female,
    Male,
    Other,
    Unknown,
}

/// Who the blood is from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Patient {
    /// Identifier, for instance the medical record number.
    pub id: Option<String>,
    /// Who assigned the identifier.
    pub id_authority: Option<String>,
    /// Family name.
    pub family_name: Option<String>,
    /// Given name.
    pub given_name: Option<String>,
    /// Day of birth.
    pub birth_date: Option<Date>,
    /// Sex for administrative purposes.
    pub sex: Option<AdministrativeSex>,
}

/// An order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// Specimen number.
    pub accession: Option<String>,
    /// Who the blood is from.
    pub patient: Option<Patient>,
    /// Number that the requester gave to the order.
    pub placer_order_number: Option<String>,
    /// Number that the laboratory gave to the order.
    pub filler_order_number: Option<String>,
    /// When the blood was taken.
    pub collected_at: Option<Timestamp>,
    /// When the specimen reached the laboratory.
    pub received_at: Option<Timestamp>,
    /// Who asked.
    pub requester: Option<String>,
}

/// Why an order is refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OrderError {
    /// More than an order holds.
    #[error("expected an order of at most {MAX_ORDER_BYTES} bytes, found {0}")]
    TooLarge(usize),
    /// No JSON of an order.
    #[error("expected an order as a JSON object")]
    Json(#[from] serde_json::Error),
    /// None of the kinds.
    #[error("expected an order as JSON, HL7 v2 OML^O21 or FHIR R4 ServiceRequest, found {0}; check the file")]
    Kind(String),
    /// No message of an order.
    #[error(transparent)]
    Message(#[from] PanelProblem),
    /// A message of several orders, specimens or patients.
    #[error("{at}: expected one {what}, found `{first}` and `{second}`; send the order of the film alone")]
    Several {
        /// Field.
        at: &'static str,
        /// What there is several of.
        what: &'static str,
        /// One of them.
        first: String,
        /// Another one.
        second: String,
    },
    /// A time or day of a message or resource that is none.
    #[error("{at}: {source}; correct it, or name the offset in MSH-7")]
    Time {
        /// Field.
        at: &'static str,
        /// What is wrong.
        source: TimeError,
    },
    /// A text that no message can hold.
    #[error(
        "{item}: expected 1 to {MAX_TEXT_CHARS} characters and no control character, found {found}; leave it out or null where it is unknown"
    )]
    Text {
        /// Name of the item.
        item: &'static str,
        /// What is wrong with it.
        found: String,
    },
    /// The order is of another specimen.
    #[error("expected the order of specimen `{given}`, found that of `{ordered}`; check which specimen this is")]
    OtherSpecimen {
        /// Specimen number given by the caller.
        given: String,
        /// Specimen number of the order.
        ordered: String,
    },
    /// The panel is of another patient than the order.
    #[error("expected {ordered}, found {found}; give the panel and the order of one patient{otherwise}")]
    OtherPatient {
        /// The panel that the order asks for.
        ordered: String,
        /// What the panel says.
        found: String,
        /// What else may be done; empty where nothing.
        otherwise: &'static str,
    },
}

impl Order {
    /// An order from its JSON.
    ///
    /// # Errors
    /// [`OrderError::TooLarge`], [`OrderError::Json`] or [`OrderError::Text`].
    pub fn from_json(bytes: &[u8]) -> Result<Self, OrderError> {
        if bytes.len() > MAX_ORDER_BYTES {
            return Err(OrderError::TooLarge(bytes.len()));
        }
        let order: Self = serde_json::from_slice(without_mark(bytes))?;
        order.check_texts()?;
        Ok(order)
    }

    /// Makes sure that a message can hold every text.
    ///
    /// # Errors
    /// [`OrderError::Text`].
    pub(crate) fn check_texts(&self) -> Result<(), OrderError> {
        self.texts().try_for_each(|(item, text)| check_text(item, text))
    }

    /// The specimen number, given by the caller or else by the order.
    ///
    /// # Errors
    /// [`OrderError::OtherSpecimen`] where both are known and differ: a result must never meet another specimen's order.
    pub fn accession_beside(&self, given: Option<&str>) -> Result<Option<String>, OrderError> {
        match (given, self.accession.as_deref()) {
            (Some(given), Some(ordered)) if given != ordered => {
                Err(OrderError::OtherSpecimen { given: given.to_owned(), ordered: ordered.to_owned() })
            }
            (given, ordered) => Ok(given.or(ordered).map(str::to_owned)),
        }
    }

    /// Every text with the name of its item.
    fn texts(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let patient = self.patient.as_ref();
        let of_patient = |item: fn(&Patient) -> &Option<String>| patient.and_then(|patient| item(patient).as_deref());
        [
            ("accession", self.accession.as_deref()),
            ("patient.id", of_patient(|patient| &patient.id)),
            ("patient.id_authority", of_patient(|patient| &patient.id_authority)),
            ("patient.family_name", of_patient(|patient| &patient.family_name)),
            ("patient.given_name", of_patient(|patient| &patient.given_name)),
            ("placer_order_number", self.placer_order_number.as_deref()),
            ("filler_order_number", self.filler_order_number.as_deref()),
            ("requester", self.requester.as_deref()),
        ]
        .into_iter()
        .filter_map(|(item, text)| Some((item, text?)))
    }
}

/// Bytes without a byte order mark in front.
pub(super) fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}

fn check_text(item: &'static str, text: &str) -> Result<(), OrderError> {
    let chars = text.chars().count();
    let found = match text.chars().find(|c| c.is_control()) {
        Some(control) => format!("the control character U+{:04X}", u32::from(control)),
        None if text.trim().is_empty() => "no text".to_owned(),
        None if chars > MAX_TEXT_CHARS => format!("{chars} characters"),
        None => return Ok(()),
    };
    Err(OrderError::Text { item, found })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FULL: &str = r#"{
        "accession": "S-2041-0007",
        "patient": {"id": "MRN123", "id_authority": "HOSP", "family_name": "Doe", "given_name": "Jane",
                    "birth_date": "1960-01-01", "sex": "female"},
        "placer_order_number": "P1", "filler_order_number": "F1",
        "collected_at": "2025-01-02T09:00:00Z", "received_at": "2025-01-02T10:00:00Z", "requester": "Ward 3"
    }"#;

    fn refused(json: &str) -> String {
        let error = Order::from_json(json.as_bytes()).expect_err("an order to refuse");
        let source = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
        format!("{error}: {source}")
    }

    #[test]
    fn a_full_and_an_empty_order_read_back() {
        let order = Order::from_json(FULL.as_bytes()).expect("an order");
        assert_eq!(order.patient.as_ref().and_then(|patient| patient.sex), Some(AdministrativeSex::Female));
        let text = serde_json::to_vec(&order).expect("plain record");
        assert_eq!(Order::from_json(&text).expect("own text"), order);
        assert_eq!(Order::from_json(b"{}").expect("an order of nothing"), Order::default());
        // As Windows programs save it.
        let marked = [b"\xef\xbb\xbf", FULL.as_bytes()].concat();
        assert_eq!(Order::from_json(&marked).expect("behind a byte order mark"), order);
        assert_eq!(Order::read(&marked).expect("behind a byte order mark"), order);
    }

    #[test]
    fn what_no_message_can_hold_is_refused_by_name() {
        assert!(refused(r#"{"accession": "S-1\rOBX|1"}"#).starts_with("accession: "));
        assert!(refused(r#"{"requester": "  "}"#).contains("found no text"));
        assert!(refused(r#"{"patient": {"id": "a\u001c"}}"#).contains("U+001C"));
        let long = format!(r#"{{"placer_order_number": "{}"}}"#, "x".repeat(MAX_TEXT_CHARS + 1));
        assert!(refused(&long).contains("found 200 characters"), "{}", refused(&long));
        let longest = format!(r#"{{"placer_order_number": "{}"}}"#, "ü".repeat(MAX_TEXT_CHARS));
        Order::from_json(longest.as_bytes()).expect("the longest text");
        assert!(refused(r#"{"colected_at": "2025-01-02T09:00:00Z"}"#).contains("unknown field"));
        assert!(refused(r#"{"collected_at": "2025-01-02"}"#).contains("RFC 3339"));
        assert!(refused(r#"{"patient": {"birth_date": "1.1.1960"}}"#).contains("YYYY-MM-DD"));
        assert!(matches!(Order::from_json(&vec![b' '; MAX_ORDER_BYTES + 1]), Err(OrderError::TooLarge(_))));
    }

    #[test]
    fn the_order_of_another_specimen_is_refused() {
        let order = Order { accession: Some("S-1".to_owned()), ..Order::default() };
        assert_eq!(order.accession_beside(None).expect("the order's"), Some("S-1".to_owned()));
        assert_eq!(order.accession_beside(Some("S-1")).expect("the same"), Some("S-1".to_owned()));
        assert_eq!(Order::default().accession_beside(Some("S-2")).expect("the caller's"), Some("S-2".to_owned()));
        assert_eq!(Order::default().accession_beside(None).expect("none"), None);
        let error = order.accession_beside(Some("S-2")).expect_err("another specimen");
        assert_eq!(
            error.to_string(),
            "expected the order of specimen `S-2`, found that of `S-1`; check which specimen this is"
        );
    }
}
