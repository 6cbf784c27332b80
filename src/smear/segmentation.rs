//! What the segmenter hands on: every object of a field, each with an outline and a kind.

use super::{Contour, ExclusionReason, LabelMap};

/// What the segmenter takes an object for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectKind {
    /// One whole red cell, fit to be classified.
    RedCell,
    /// Not to be counted, with the reason.
    Excluded(ExclusionReason),
}

/// One object of a field.
#[derive(Debug, Clone, PartialEq)]
pub struct SegmentedObject {
    /// Outline in pixels of the original image, pallor inside.
    pub contour: Contour,
    /// What it is taken for.
    pub kind: ObjectKind,
    /// Share of its outline that it has in common with other objects, 0–1: there a neighbor hides it or was cut off it.
    pub hidden_share: f64,
}

/// Every object of a field; object `i` owns the pixels labelled `i + 1`.
#[derive(Debug, Clone, PartialEq)]
pub struct Segmentation {
    /// Objects in the order of their labels.
    pub objects: Vec<SegmentedObject>,
    /// Which object each pixel of the normalized field belongs to.
    pub labels: LabelMap,
}
