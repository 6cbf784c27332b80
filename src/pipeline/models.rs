//! The two models of a run, which always go together.

use crate::classify::Classifier;
use crate::segment::Segmenter;

/// What finds the cells and what classifies them.
pub struct Models {
    /// Finds and outlines cells.
    pub segmenter: Segmenter,
    /// Classifies them.
    pub classifier: Classifier,
}
