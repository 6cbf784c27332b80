//! What a message says, whatever its format: the observations of a case with their codes.
//!
//! In: a record and the laboratory's [`CodeOptions`]. Out: [`Observation`]s in the order in which HL7 and FHIR send them.
//! Percentages are sent with [`PERCENT_DECIMALS`] decimals, as the report prints them; the record keeps more. What cannot
//! be assessed has no value and is never 0; what the record does not know at all is not sent.

mod codes;
mod observations;

pub(super) use codes::Code;
pub use codes::{AlternateCode, CodeOptions, ObservationCode, ObservationName};
pub(super) use observations::{Flag, Observation, PERCENT_DECIMALS, Unit, Value, observations};
