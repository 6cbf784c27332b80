//! An order from its file: which file it is, and in which of three formats.
//!
//! In: the name of a file, or its bytes as a laboratory system writes them: the JSON of an [`Order`], an HL7 v2 message
//! OML^O21 (`order_hl7`) or a FHIR R4 ServiceRequest (`order_fhir`). Out: the order. The format is told by the content, never
//! by the name.

use super::order::{MAX_ORDER_BYTES, Order, OrderError, without_mark};
use super::{order_fhir, order_hl7};
use crate::clinical::hl7;

/// Names by which an order lies beside the images of its specimen; what it holds tells its kind.
pub const ORDER_FILE_NAMES: [&str; 3] = ["order.json", "order.hl7", "order.fhir.json"];

/// Whether a file of this name beside the images is an order; file shares and laboratory systems write `ORDER.HL7`.
pub fn is_order_name(name: &str) -> bool {
    ORDER_FILE_NAMES.iter().any(|order| order.eq_ignore_ascii_case(name))
}

impl Order {
    /// An order from a file: JSON, HL7 v2 OML^O21 or FHIR R4 ServiceRequest, told by the content.
    ///
    /// # Errors
    /// [`OrderError`] where it is too large, none of the three, or cannot be used.
    pub fn read(bytes: &[u8]) -> Result<Self, OrderError> {
        if bytes.len() > MAX_ORDER_BYTES {
            return Err(OrderError::TooLarge(bytes.len()));
        }
        let order = if hl7::is_message(bytes) {
            order_hl7::read(bytes)?
        } else {
            match serde_json::from_slice::<serde_json::Value>(without_mark(bytes)) {
                Ok(value) if value.get("resourceType").is_some() => order_fhir::read(&value)?,
                _ => return Self::from_json(bytes),
            }
        };
        order.check_texts()?;
        Ok(order)
    }
}
