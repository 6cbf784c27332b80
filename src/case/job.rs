//! The name of a piece of work: the same images, model, options, version, order and evidence give the same name.
//!
//! In: a [`CaseRecord`]. Out: a SHA-256 of these bytes, and nothing else: the JSON object with the members `accession`, `evidence`,
//! `issued_at`, `laboratory`, `order`, `provenance` and, once it is signed, `review` of the record, in the canonical form of
//! RFC 8785 (members sorted, no spaces, one way of writing a number). `provenance` holds the names and hashes of the images, the
//! hashes of model and detector, engine, options, method and software version. `issued_at` is null there unless the caller gave
//! it: a copied file has another modification time and is the same work, and the time of a signature stands in `review`. Any
//! RFC 8785 implementation gives the same hash from `case.json`.
//!
//! The outcome of a specimen in a batch ([`SpecimenOutcome`]) stands beside it: a line of the journal with the figures that a
//! reader compares specimens by.
//!
//! The result itself is not hashed: it follows from what is. Uses: file names ([`Job::id`]), the control number of an
//! HL7 message ([`Job::control_id`]), so that a receiver can tell a repeated message, and the identifiers of a FHIR
//! bundle.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::count_record::{PercentInterval, rounded};
use super::order::Order;
use super::provenance::{IssueSource, IssueTime, Laboratory, Provenance};
use super::record::CaseRecord;
use super::review_record::ReviewRecord;
use crate::count::{Context, State};
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
    /// Left out of an unsigned record: each signature makes another piece of work.
    #[serde(skip_serializing_if = "Option::is_none")]
    review: Option<&'a ReviewRecord>,
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
            review: record.review.as_deref(),
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

/// One specimen of a batch: at most one of `result` and `failure` is there. With neither, what an earlier line says of the
/// accession is taken back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpecimenOutcome {
    /// Line of the manifest, from 1; in a folder the number of the specimen.
    pub line: u64,
    /// Specimen number.
    pub accession: String,
    /// SHA-256 over what the row of the manifest asked for.
    pub row_sha256: String,
    /// SHA-256 over the files that the row names; null where they changed during the work, and for a failure.
    pub files_sha256: Option<String>,
    /// Columns of the manifest beside its own, by name; those that are empty are left out.
    #[serde(default)]
    pub extra: BTreeMap<String, String>,
    /// What was found.
    pub result: Option<SpecimenResult>,
    /// Why nothing was found.
    pub failure: Option<SpecimenFailure>,
}

/// The figures of a finished specimen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpecimenResult {
    /// Name of the folder of its reports, and of its tables before their extension.
    pub folder: String,
    /// Job of the record.
    pub job: String,
    /// Where the percentage lies.
    pub state: State,
    /// Whether schistocytes are the main change of shape; null without a red cell.
    pub context: Option<Context>,
    /// Reference limit of the age group, %.
    pub threshold_percent: f64,
    /// Red cells counted.
    pub red_cells: u64,
    /// Of them called schistocyte.
    pub schistocytes: u64,
    /// Percentage; null without a red cell.
    pub percent: Option<f64>,
    /// The widest interval of the called share; null without a red cell.
    pub widest_95: Option<PercentInterval>,
    /// Each interval by its name; those that the count has none of are left out.
    pub intervals: BTreeMap<String, PercentInterval>,
    /// Fields read.
    pub fields: u64,
    /// Fields in the count.
    pub fields_accepted: u64,
    /// Fields that did not meet the limits of a quality figure, by its name.
    pub refused_by: BTreeMap<String, u64>,
    /// Median of each quality figure over the fields that have one, by its name.
    pub quality_medians: BTreeMap<String, f64>,
    /// Inputs that could not be read.
    pub failed_inputs: u64,
}

/// Why a specimen has no result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpecimenFailure {
    /// Exit code that `analyze` leaves with for this specimen.
    pub exit_code: u8,
    /// What was expected, what was found, what to do.
    pub reason: String,
}

impl SpecimenResult {
    /// The figures of a record whose reports lie in `folder`.
    ///
    /// # Errors
    /// Where the record has no job, see [`Job::of`].
    pub fn of(record: &CaseRecord, folder: &str) -> Result<Self, serde_json::Error> {
        let mut refused_by = BTreeMap::new();
        for figure in record.fields.iter().flat_map(|field| &field.quality).filter(|figure| !figure.accepted) {
            *refused_by.entry(figure.name.clone()).or_insert(0) += 1;
        }
        Ok(Self {
            folder: folder.to_owned(),
            job: Job::of(record)?.id().to_owned(),
            state: record.count.state,
            context: record.count.context,
            threshold_percent: record.count.threshold_percent,
            red_cells: record.count.red_cells,
            schistocytes: record.count.schistocytes,
            percent: record.count.percent,
            widest_95: record.count.widest_95(),
            intervals: record
                .count
                .intervals()
                .into_iter()
                .filter_map(|one| Some((one.name.name().to_owned(), one.limits?)))
                .collect(),
            fields: record.fields.len() as u64,
            fields_accepted: record.fields.iter().filter(|field| field.accepted).count() as u64,
            refused_by,
            quality_medians: quality_medians(record),
            failed_inputs: record.failed_inputs.len() as u64,
        })
    }
}

/// Medians of the quality figures over the fields that have them; of an even number the mean of the two in the middle.
fn quality_medians(record: &CaseRecord) -> BTreeMap<String, f64> {
    let mut values: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for figure in record.fields.iter().flat_map(|field| &field.quality) {
        if let Some(value) = figure.value {
            values.entry(figure.name.clone()).or_default().push(value);
        }
    }
    let median = |mut values: Vec<f64>| {
        values.sort_by(f64::total_cmp);
        let (low, high) = (values[(values.len() - 1) / 2], values[values.len() / 2]);
        rounded(low.midpoint(high))
    };
    values.into_iter().map(|(name, values)| (name, median(values))).collect()
}
