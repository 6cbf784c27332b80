//! Labelled fields against what the pipeline makes of them: what a laboratory runs on its own films before it trusts a
//! figure.
//!
//! In: a [`LabelledSet`], images with their labels or declared to hold no schistocyte, and the models. Out: an
//! [`EvaluatedSet`]: the [`Evaluation`], every figure with its number and a 95 % interval, and pictures of its worst cells.
//! The same fields give the same record in whatever order they come.
//!
//! Flow: `set` names the fields and `run` sends them through the pipeline; [`labels`] reads what is known of them, `matching`
//! finds the cell of each label, `field` keeps what came of it, and `segmentation`, `classification`, `detection`,
//! `specimens` and `read_figures` make the `record` of it. [`suite`] is a list of sets with targets, [`with_measured`] puts
//! figures into the card of a model; [`pseudo_patients`] and [`repeatability`] ask what a count is worth.
//!
//! Rules, which decide what the figures mean:
//! 1. Only cells whose label carries a class are scored for classification; an unlabelled cell is no negative.
//! 2. A schistocyte without a counted cell of its own (merged, split, excluded, not found) is missed end to end.
//! 3. Other cells count end to end where something was counted for them: a merged cell by its one call, a split cell by
//!    its part most like a schistocyte. What is not counted cannot be a false positive.
//! 4. Refused fields stand in the segmentation figures only, and are named with the schistocytes that they hold.
//! 5. On fields declared healthy every counted cell is a negative.
//! 6. The bootstrap draws groups of fields where groups are given, else fields.
//! 7. Where readings of cells are given, they are the truth for schistocytes. A read cell is what both readings say. A
//!    labelled cell that nobody read is none, unless it is labelled schistocyte. Every other cell is left aside, and so are
//!    undecided and not assessable ones. A read cell counts as the cells that it was drawn to stand for.
//! 8. A read schistocyte that the frame cuts is not to be counted: it is set aside end to end, and counted in
//!    `cut_by_frame`.
//!
//! Limits: labels and readings are taken as the truth. Where they hold noise, figures near that noise say more of the labels
//! than of the pipeline.

mod answers;
mod cells;
mod classification;
mod detection;
mod estimate;
mod estimate_name;
mod field;
mod html;
mod json;
mod judged_set;
pub mod labels;
mod matching;
pub mod pseudo_patients;
mod read_figures;
mod record;
pub mod repeatability;
mod run;
mod segmentation;
mod set;
mod specimens;
pub mod split;
pub mod suite;

pub use answers::{ANSWERS_FILE, Answer};
pub use estimate::Estimate;
pub use estimate_name::{EstimateName, with_measured};
pub use json::{EVALUATION_SCHEMA, SUITE_SCHEMA, document, schema};
pub use record::{Evaluation, ReadFigures};
pub use run::{EVALUATION_FILES, EvaluatedSet, evaluate_set};
pub use set::{EvaluateError, LabelSource, LabelledSet, SplitSource};
