//! The one place where the stages meet: field by field, in parallel, in the order of the input.

mod prepare;

pub use prepare::{
    CALIBRATION_FIELDS, MAX_WORKING_PX, PrepareError, PreparedField, SpecimenScale, given_calibration, prepare,
};
