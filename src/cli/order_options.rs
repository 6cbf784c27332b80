//! Whose specimen it is and when the report is issued: the order options shared by commands.

use std::fs;
use std::path::PathBuf;

use clap::Args;

use super::exit::{Exit, Failure};
use crate::case::{MAX_ORDER_BYTES, Order, OrderError};
use crate::time::{TimeError, Timestamp};

/// Specimen number, order and time of issue, as typed.
#[derive(Debug, Clone, Default, Args)]
pub struct OrderOptions {
    /// Specimen number; that of the order where there is one
    #[arg(long, value_name = "ID", value_parser = accession)]
    pub accession: Option<String>,
    /// Order of the specimen: order.json, HL7 v2 OML^O21, or a FHIR R4 ServiceRequest
    #[arg(long, value_name = "FILE")]
    pub order: Option<PathBuf>,
    /// Time of issue, RFC 3339; otherwise from the order
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub issued_at: Option<Timestamp>,
}

/// An order file that cannot be used.
#[derive(Debug, thiserror::Error)]
enum OrderFileError {
    /// It cannot be read.
    #[error("{path}: expected an order file that can be read; check the path and its permissions", path = .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It holds no order of this specimen.
    #[error("{path}: the order cannot be used", path = .path.display())]
    Order {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: OrderError,
    },
}

impl OrderOptions {
    /// The order and the specimen number.
    ///
    /// # Errors
    /// [`Exit::Usage`] where the order cannot be read, is no order, or is that of another specimen.
    pub fn resolve(&self) -> Result<(Option<Order>, Option<String>), Failure> {
        let Some(path) = &self.order else { return Ok((None, self.accession.clone())) };
        let usage = |error: OrderFileError| Failure::new(Exit::Usage, error);
        let unreadable = |source| usage(OrderFileError::Read { path: path.clone(), source });
        let unusable = |source| usage(OrderFileError::Order { path: path.clone(), source });
        let bytes = fs::metadata(path).map_err(unreadable)?.len();
        if bytes > MAX_ORDER_BYTES as u64 {
            return Err(unusable(OrderError::TooLarge(usize::try_from(bytes).unwrap_or(usize::MAX))));
        }
        let order = Order::read(&fs::read(path).map_err(unreadable)?).map_err(unusable)?;
        let accession = order.accession_beside(self.accession.as_deref()).map_err(unusable)?;
        Ok((Some(order), accession))
    }
}

/// Something that can be read and searched for.
fn accession(text: &str) -> Result<String, String> {
    if text.trim().is_empty() {
        Err("expected a specimen number, found nothing but spaces".to_owned())
    } else {
        Ok(text.to_owned())
    }
}

fn time(text: &str) -> Result<Timestamp, TimeError> {
    Timestamp::parse(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_accession_is_text() {
        for good in ["S-1", " S 1", "Ä"] {
            assert_eq!(accession(good).as_deref(), Ok(good));
        }
        for bad in ["", " ", "\u{a0}\t"] {
            assert!(accession(bad).is_err(), "{bad:?}");
        }
    }
}
