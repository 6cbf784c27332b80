//! The vocabulary of a stained peripheral blood smear: what flows between the stages, and nothing that computes it.
//!
//! Axes: `x` points right, `y` points down, the origin is the **top-left corner of the top-left pixel**, so the center
//! of that pixel is (0.5, 0.5). Positions and outlines are in pixels of the original image unless a name says
//! otherwise. Fractions are 0–1; percent appears only in the published record. What is unknown is `None`.
//!
//! Order of the flow: [`Field`] → [`NormalizedField`] → [`Segmentation`] (a [`Contour`] and an [`ObjectKind`]
//! for each object) → [`Cell`] (with [`Morphology`]) → [`Call`] → [`ClassifiedCell`].

mod calibration;
mod cell;
mod class;
mod contour;
mod field;

pub use calibration::{Calibration, CalibrationSource, NOMINAL_RED_CELL_DIAMETER_UM};
#[cfg(test)]
pub(crate) use cell::made;
pub use cell::{
    Call, Cell, CellId, CellStatus, ClassifiedCell, ExclusionReason, Morphology, ObjectKind, SegmentedObject,
};
pub use class::{AgeGroup, CellClass, SchistocyteForm};
pub use contour::{Bounds, Contour};
pub use field::{Field, FieldId, LabelMap, LabeledCell, LabeledField, NormalizedField, Segmentation, TruthKind};
