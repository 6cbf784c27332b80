//! The one place where the stages meet: field by field, in parallel, in stable order.
//!
//! Order for a specimen: 1. [`SpecimenScale`]: the pixel size; 2. for each field [`segmented`]: read, rescaled,
//! flattened, segmented.

mod calibrate;
mod normalize;
mod stream;

pub use calibrate::{CALIBRATION_FIELDS, SpecimenScale};
pub use normalize::{FieldError, MAX_WORKING_PIXELS, MIN_WORKING_SIDE_PX, NO_SCALE, SegmentedField, segmented};
pub use stream::{Interrupt, Interrupted, in_order};
