//! What became of a specimen of a batch: the line that stands for it in the journal and on the batch's page.
//!
//! In: its [`CaseRecord`], or why there is none. Out: the figures that a reader compares specimens by. Percentages are
//! those of the record; what is unknown is null, never 0.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{CaseRecord, Context, Job, PercentInterval, State};

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
        super::rounded(low.midpoint(high))
    };
    values.into_iter().map(|(name, values)| (name, median(values))).collect()
}
