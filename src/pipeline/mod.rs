//! The one place where the stages meet: field by field, in parallel, in the order of the input.
//!
//! In: paths and options. Out: a [`Case`](crate::case::Case), or for training the prepared fields themselves. Method and
//! limits stand in the steps: [`prepare()`] brings a field to the common scale and finds its objects, [`examine()`] takes
//! it through all stages, [`analyze()`] makes the case of one specimen and [`analyze_all()`] those of many.

mod analyze;
mod calibration_fields;
mod examine;
mod field;
mod listed;
mod prepare;
mod schedule;
mod seams;
mod slides;
mod stream;

pub use analyze::{AnalyzeOptions, named_options};
pub use calibration_fields::{CALIBRATION_FIELDS, CALIBRATION_ROUNDS};
pub use examine::{
    AnalyzeError, ExamineError, ExaminedField, Interrupted, METHOD_VERSION, Models, card_performance, examine,
    provenance,
};
pub use field::{input_failure, tile};
pub use listed::{ListedSpecimen, SpecimenInputs};
pub use prepare::{
    CALIBRATION_CELLS, MAX_WORKING_PX, PrepareError, PreparedField, SpecimenScale, given_calibration, prepare,
};
pub use slides::{DEFAULT_MAX_CELLS, DEFAULT_SLIDE_MEMORY_BYTES, SlideOptions, StopRule};
pub use stream::{Progress, analyze, analyze_all, analyze_listed, in_order, thread_pool};
