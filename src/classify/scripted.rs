//! A stand-in for the graph: answers by label instead of by pixels, for tests and examples of what comes after.
//!
//! In: the label of an object. Out: its [`Scores`], from a function given by the caller. No engine is started and no
//! crop is cut, so counting and reporting can be tested exactly and at once.

use std::fmt;

use super::scores::Scores;
use crate::smear::CellClass;

/// Answers by label.
pub struct Script(Box<dyn Fn(u32) -> Scores + Send + Sync>);

impl Script {
    /// The script that asks `answer` for each label.
    pub fn new(answer: impl Fn(u32) -> Scores + Send + Sync + 'static) -> Self {
        Self(Box::new(answer))
    }

    /// The script that calls every object of `class` with certainty.
    pub fn always(class: CellClass) -> Self {
        Self::new(move |_| Scores::certain(class))
    }

    pub(super) fn scores(&self, label: u32) -> Scores {
        (self.0)(label)
    }
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Script")
    }
}

impl Scores {
    /// The scores of a graph without doubt: probability 1 for `class`, and for schistocyte 1 or 0 accordingly.
    pub fn certain(class: CellClass) -> Self {
        let mut shares = [0.0; CellClass::ALL.len()];
        shares[class.index()] = 1.0;
        let schistocyte = f32::from(u8::from(class == CellClass::Schistocyte));
        Self { class: shares, schistocyte, red_cell: None }
    }
}
