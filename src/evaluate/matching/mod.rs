//! Which counted cell belongs to which labelled one.
//!
//! In: the labels of a field and its objects, both in pixels of the original image. Out: for each labelled red cell
//! where its point fell; one-to-one pairs of boxes; one-to-one pairs of masks.
//!
//! A cell counts as found where it is counted, or sound in a refused field: segmentation is judged apart from quality.
//! Boxes and outlines that touch the frame are left aside: the pipeline excludes cut cells on purpose.
//!
//! Limits: a point cannot show that its cell was split unless the parts overlap; a box or an outline can.

mod geometry;
mod lookup;
mod overlap;

#[cfg(test)]
pub(super) use geometry::scenes;
pub(super) use lookup::{Outcome, PointMatch, match_points, match_readings, white_cells};
pub(super) use overlap::{BoxTally, MaskTally, match_boxes, match_masks};
