//! The record of an evaluation: what `evaluation.json` holds.
//!
//! Format: one JSON object in UTF-8, indented by two spaces, with a newline at the end; its fields are those of
//! [`Evaluation`] in the order of the type. The JSON Schema (draft 2020-12) is `schema/evaluation-v1.json` beside this file.
//!
//! Rates are fractions 0–1; percent stands only where the name says so. Every field is always present. What the labels at
//! hand do not define is null, never 0: precision where not every cell is labelled, a curve without a schistocyte, an
//! interval of one field.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::estimate::Estimate;
use crate::case::{InputFailure, PercentInterval, Provenance};

/// Version of the record's schema.
pub const SCHEMA_VERSION: &str = "1.1";

/// What clusters the bootstrap draws.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClusterKind {
    /// Every field by itself.
    Fields,
    /// Groups of fields as given; a field without a group by itself.
    Groups,
}

/// Where the labelled points of red cells fell; the shares of `own` to `missed` add up to 1.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PointFigures {
    /// In a found cell that holds no other point.
    pub own: Estimate,
    /// The same, without points of cells that the frame cuts.
    pub own_inside_frame: Estimate,
    /// In an object of its own that is a found cell or is left out because the frame cuts it.
    pub own_or_cut_by_frame: Estimate,
    /// In a found cell that holds another point too.
    pub merged: Estimate,
    /// In more than one found cell.
    pub split: Estimate,
    /// In an object that is left out.
    pub excluded: Estimate,
    /// In no object.
    pub missed: Estimate,
    /// Points in objects that are left out, by reason.
    pub exclusions: BTreeMap<String, u64>,
}

/// Boxes of red cells inside the frame at IoU 0.5, paired one to one.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BoxFigures {
    /// Share of found cells with a labelled box; null where not every cell is labelled.
    pub precision: Estimate,
    /// Share of labelled boxes with a found cell.
    pub recall: Estimate,
    /// Harmonic mean of both.
    pub f1: Estimate,
    /// Labelled boxes left aside because they touch the frame.
    pub boxes_at_frame: u64,
}

/// Outlines of red cells inside the frame, paired one to one at IoU above 0.5.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MaskFigures {
    /// Mean IoU of the pairs.
    pub mean_iou: Estimate,
    /// Panoptic quality; null where not every cell is labelled.
    pub panoptic_quality: Estimate,
}

/// Found less labelled red cells of a completely labelled field, cells at the frame left aside.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CountFigures {
    /// Mean difference, cells a field.
    pub bias: Estimate,
    /// Mean absolute difference, cells a field.
    pub mean_absolute_error: Estimate,
    /// Lower limit of agreement, cells a field.
    pub lower_limit: Estimate,
    /// Upper limit of agreement, cells a field.
    pub upper_limit: Estimate,
    /// Sum of the differences over the sum of the labelled cells.
    pub relative_bias: Estimate,
    /// The fields behind it.
    pub fields: Vec<FieldCount>,
}

/// Red cells of a field.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FieldCount {
    /// File name.
    pub field: String,
    /// Labelled red cells.
    pub labelled: u64,
    /// Found red cells.
    pub found: u64,
}

/// How well red cells are found.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SegmentationFigures {
    /// Labelled points.
    pub points: PointFigures,
    /// Boxes.
    pub boxes: BoxFigures,
    /// Outlines.
    pub masks: MaskFigures,
    /// Counts per field.
    pub counts: CountFigures,
    /// Share of labelled white cells that lie in a found red cell.
    pub white_cells_taken_for_red: Estimate,
}

/// Sensitivity at a false-positive rate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SensitivityAtRate {
    /// Highest false-positive rate allowed.
    pub false_positive_rate: f64,
    /// Sensitivity of the best threshold within it.
    pub sensitivity: Estimate,
}

/// A threshold on the curves.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CurvePoint {
    /// Least schistocyte probability that passes.
    pub threshold: f64,
    /// Share of schistocytes that pass.
    pub sensitivity: f64,
    /// Share of other cells that pass; null without another cell.
    pub false_positive_rate: Option<f64>,
    /// Share of schistocytes among what passes.
    pub precision: f64,
}

/// Figures at a threshold beside the operating point.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ThresholdFigures {
    /// Least schistocyte probability that is called schistocyte.
    pub threshold: f64,
    /// Share of schistocytes that reach it.
    pub sensitivity: Estimate,
    /// Share of other cells that do not.
    pub specificity: Estimate,
    /// Share of schistocytes among cells that reach it.
    pub precision: Estimate,
}

/// How well schistocytes are told from other red cells.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DetectionFigures {
    /// Share of labelled schistocytes called so at the operating point.
    pub sensitivity: Estimate,
    /// Share of other labelled cells not called schistocyte at the operating point.
    pub specificity: Estimate,
    /// Share of schistocytes among cells of a known truth that are called so at the operating point.
    pub precision: Estimate,
    /// The same three at a second threshold; null where none was asked for.
    pub at_threshold: Option<ThresholdFigures>,
    /// Area under the ROC curve.
    pub auc: Estimate,
    /// Average precision.
    pub average_precision: Estimate,
    /// Sensitivity at fixed false-positive rates.
    pub sensitivity_at: Vec<SensitivityAtRate>,
    /// Thresholds from the highest down, only the corners of the curve.
    pub curve: Vec<CurvePoint>,
}

/// Figures of one class on counted cells.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClassFigures {
    /// Class.
    pub class: String,
    /// Share of cells called so that are labelled so.
    pub precision: Estimate,
    /// Share of cells labelled so that are called so.
    pub recall: Estimate,
    /// Harmonic mean of both; null where no counted cell is labelled so.
    pub f1: Estimate,
}

/// Labelled cells of one class by what they were called.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfusionRow {
    /// Labelled class.
    pub labelled: String,
    /// Cells by called class, in label order.
    pub called: Vec<u64>,
    /// Cells without a counted cell of their own.
    pub not_counted: u64,
}

/// One bin of schistocyte probabilities.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CalibrationBinRecord {
    /// Lower edge of the bin.
    pub from: f64,
    /// Upper edge of the bin.
    pub to: f64,
    /// Cells in it.
    pub n: u64,
    /// Mean probability; null of an empty bin.
    pub mean_probability: Option<f64>,
    /// Share that is labelled or read as schistocyte, by weight; null of an empty bin.
    pub schistocyte_share: Option<f64>,
}

/// How well cells are classified.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClassificationFigures {
    /// Schistocytes end to end: one without a counted cell of its own is missed.
    pub end_to_end: DetectionFigures,
    /// Schistocytes among labelled cells with a counted cell of their own.
    pub counted_cells: DetectionFigures,
    /// Labelled schistocytes missed end to end, by what became of them.
    pub missed_schistocytes: BTreeMap<String, u64>,
    /// Each class on counted cells.
    pub classes: Vec<ClassFigures>,
    /// Mean F1 of the classes that occur; `n` is their number.
    pub macro_f1: Estimate,
    /// Cohen's kappa of labels and calls.
    pub kappa: Estimate,
    /// Labelled by called class.
    pub confusion: Vec<ConfusionRow>,
    /// Expected calibration error of the schistocyte probability, on counted cells that are labelled or declared
    /// healthy.
    pub calibration_error: Estimate,
    /// Bins behind it.
    pub calibration_bins: Vec<CalibrationBinRecord>,
}

/// A class on fields declared to hold no schistocyte.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HealthyClass {
    /// Class.
    pub class: String,
    /// Share of counted cells called so.
    pub called: Estimate,
}

/// Fields declared to hold no schistocyte.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HealthyFigures {
    /// Accepted fields.
    pub fields: u64,
    /// The false-positive floor: share of counted cells called schistocyte.
    pub called_schistocyte: Estimate,
    /// Share of counted cells called each class, in label order; empty without such a field.
    pub classes: Vec<HealthyClass>,
}

/// Which cells a specimen's percentages stand on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SpecimenBasis {
    /// Every cell is labelled, or the specimen is declared healthy: called among all counted cells.
    AllCells,
    /// A part is labelled: called among labelled cells with a counted cell of their own.
    LabelledCells,
}

/// Called against true percentage of a specimen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SpecimenRecord {
    /// Name of the specimen or group.
    pub specimen: String,
    /// Cells behind the percentages.
    pub basis: SpecimenBasis,
    /// Labelled red cells with a class.
    pub labelled_cells: u64,
    /// Of them schistocytes.
    pub labelled_schistocytes: u64,
    /// True percentage; null without a labelled cell, 0 where declared healthy.
    pub true_percent: Option<f64>,
    /// Counted cells.
    pub counted_cells: u64,
    /// Of them called schistocyte.
    pub called_schistocytes: u64,
    /// Called percentage; null without a counted cell.
    pub called_percent: Option<f64>,
    /// Wilson interval of the called percentage.
    pub wilson_95: Option<PercentInterval>,
}

/// Called less true percentage over specimens, percentage points.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AgreementFigures {
    /// Mean difference.
    pub bias: Estimate,
    /// Lower limit of agreement.
    pub lower_limit: Estimate,
    /// Upper limit of agreement.
    pub upper_limit: Estimate,
}

/// A cell worth looking at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Example {
    /// File name of the field.
    pub field: String,
    /// Position, px of the original image.
    pub x_px: f64,
    /// Position, px of the original image.
    pub y_px: f64,
    /// Labelled class, or what both readings say; null in a field declared healthy.
    pub labelled: Option<String>,
    /// What became of it: `own`, `merged`, `split`, `missed` or the reason of its exclusion.
    pub outcome: String,
    /// Schistocyte probability; null where it was not counted.
    pub schistocyte_probability: Option<f64>,
}

/// Read schistocytes and what became of them.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReadSchistocytes {
    /// All in accepted fields.
    pub read: u64,
    /// Of them cut by the frame and set aside.
    pub cut_by_frame: u64,
    /// Of the others, in a counted cell of their own.
    pub counted: u64,
    /// The others that are not, by what became of them.
    pub not_counted: BTreeMap<String, u64>,
}

/// Cells of one read form by the form that the rules give.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FormRow {
    /// Form that both readers name.
    pub read: String,
    /// Counted cells by form of the rules, in the order of the rows.
    pub by_rule: Vec<u64>,
    /// Counted cells that no rule gives a form.
    pub no_form: u64,
    /// Share of counted cells that the rules call so.
    pub recall: Estimate,
    /// Share of cells that the rules call so that both readers call so, among those of a read form.
    pub precision: Estimate,
}

/// Two blind readings against what the pipeline says; cells of accepted fields.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReadFigures {
    /// Cells that were read.
    pub cells: u64,
    /// Cells by what both readings say together.
    pub consensus: BTreeMap<String, u64>,
    /// Cohen's kappa of both readings, schistocyte (sure or probable) against all else.
    pub kappa: Estimate,
    /// Read schistocytes.
    pub schistocytes: ReadSchistocytes,
    /// Called less read percentage, mean over fields, percentage points; null unless cells that nobody read are taken
    /// for none.
    pub called_minus_read_percent: Estimate,
    /// Called schistocytes among counted cells of the same fields.
    pub called: Estimate,
    /// Read schistocytes (by weight) in percent of counted cells of the same fields; null as the difference.
    pub read_percent: Option<f64>,
    /// The same with undecided cells taken for schistocytes.
    pub read_or_undecided_percent: Option<f64>,
    /// Read forms by the form of the rules.
    pub forms: Vec<FormRow>,
}

/// The record written as `evaluation.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Evaluation {
    /// Version of this schema.
    pub schema_version: String,
    /// Name of the labelled set.
    pub set: String,
    /// Fields evaluated.
    pub fields: u64,
    /// Fields without labels; they stand in no figure.
    pub unlabelled_fields: u64,
    /// Inputs that could not be read, or whose labels could not.
    pub failed_inputs: Vec<InputFailure>,
    /// Fields that the pipeline refused; they stand in the segmentation figures only.
    pub refused_fields: Vec<String>,
    /// Labelled or read schistocytes in refused fields.
    pub schistocytes_in_refused_fields: u64,
    /// Clusters of the bootstrap.
    pub clusters: u64,
    /// What a cluster is.
    pub cluster_kind: ClusterKind,
    /// How well red cells are found.
    pub segmentation: SegmentationFigures,
    /// How well they are classified.
    pub classification: ClassificationFigures,
    /// The false-positive floor on healthy fields.
    pub healthy: HealthyFigures,
    /// Two blind readings; null where the set is judged by labels. Where it is given, the figures of schistocytes in
    /// `classification` are against the readings, and those of classes against the labels.
    pub readings: Option<ReadFigures>,
    /// Called against true percentage.
    pub specimens: Vec<SpecimenRecord>,
    /// Agreement of both.
    pub agreement: AgreementFigures,
    /// Cells wrongly called schistocyte, the highest probability first.
    pub worst_false_positives: Vec<Example>,
    /// Schistocytes missed, those not counted first, then the lowest probability.
    pub worst_misses: Vec<Example>,
    /// Labels that were left out, one sentence each.
    pub label_remarks: Vec<String>,
    /// Program, model, engine, options and inputs behind the figures.
    pub provenance: Provenance,
}
