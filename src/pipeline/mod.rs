//! The one place where the stages meet: field by field, in parallel, in the order of the input.
//!
//! In: paths and options. Out: a [`Case`](crate::case::Case), or for training the prepared fields themselves. Method and
//! limits stand in the steps: [`prepare()`] brings a field to the common scale and finds its objects, [`examine()`] takes
//! it through all stages, [`analyze()`] makes the case of one specimen and [`analyze_all()`] those of many.

mod analyze;
mod error;
mod examine;
mod field_result;
mod models;
mod pictures;
mod prepare;
mod provenance;
mod seams;
mod slides;
mod specimens;
mod stop;
mod stream;

pub use analyze::{AnalyzeOptions, Progress, named_options};
pub use error::AnalyzeError;
pub use examine::{ExamineError, ExaminedField, examine};
pub use field_result::input_failure;
pub use models::{Models, card_performance};
pub use pictures::tile;
pub use prepare::{
    CALIBRATION_CELLS, CALIBRATION_FIELDS, CALIBRATION_ROUNDS, MAX_WORKING_PX, PrepareError, PreparedField,
    SpecimenScale, given_calibration, prepare,
};
pub use provenance::{METHOD_VERSION, provenance};
pub use slides::{DEFAULT_SLIDE_MEMORY_BYTES, SlideOptions};
pub use specimens::{SpecimenInputs, SpecimenSink, analyze, analyze_all};
pub use stop::{DEFAULT_MAX_CELLS, StopRule};
pub use stream::{Interrupted, in_order};
