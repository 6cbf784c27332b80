//! The name of a piece of work: the same images, model, options, version, order and evidence give the same name.
//!
//! In: a [`CaseRecord`]. Out: a SHA-256 of these bytes, and nothing else: the JSON object with the members `accession`, `evidence`,
//! `issued_at`, `laboratory`, `order` and `provenance` of the record, in the canonical form of RFC 8785 (members sorted, no
//! spaces, one way of writing a number). `provenance` holds the names and hashes of the images, the hashes of model and
//! detector, engine, options, method and software version. `issued_at` is null there unless the caller gave it: a copied
//! file has another modification time and is the same work. Any RFC 8785 implementation gives the same hash from
//! `case.json`.
//!
//! The result itself is not hashed: it follows from what is. Uses: file names ([`Job::id`]), the control number of an
//! HL7 message ([`Job::control_id`]), so that a receiver can tell a repeated message, and the identifiers of a FHIR
//! bundle.

use serde::Serialize;

use super::{CaseRecord, IssueSource, IssueTime, Laboratory, Order, Provenance};
use crate::durable::sha256_hex;
use crate::evidence::Evidence;

/// Characters of [`Job::id`].
const ID_CHARS: usize = 16;

/// Characters of [`Job::control_id`]: as many as MSH-10 holds (HL7 v2.5.1, section 2.14.9.10).
const CONTROL_ID_CHARS: usize = 20;

/// What is hashed.
#[derive(Serialize)]
struct Work<'a> {
    accession: Option<&'a str>,
    evidence: Option<&'a Evidence>,
    issued_at: Option<&'a IssueTime>,
    laboratory: Option<&'a Laboratory>,
    order: Option<&'a Order>,
    provenance: &'a Provenance,
}

/// The name of a piece of work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    sha256: String,
}

impl Job {
    /// The job of a record.
    ///
    /// # Errors
    /// Where an option holds a number that JSON cannot write.
    pub fn of(record: &CaseRecord) -> Result<Self, serde_json::Error> {
        let work = Work {
            accession: record.accession.as_deref(),
            evidence: record.evidence.as_ref(),
            issued_at: record.issued_at.as_ref().filter(|issued| issued.source == IssueSource::Given),
            laboratory: record.laboratory.as_ref(),
            order: record.order.as_ref(),
            provenance: &record.provenance,
        };
        Ok(Self { sha256: sha256_hex(&serde_json_canonicalizer::to_vec(&work)?) })
    }

    /// The whole hash, 64 hexadecimal digits.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// The first 16 digits: what stands in file names.
    pub fn id(&self) -> &str {
        &self.sha256[..ID_CHARS]
    }

    /// The first 20 digits: MSH-10 of a message.
    pub fn control_id(&self) -> &str {
        &self.sha256[..CONTROL_ID_CHARS]
    }
}
