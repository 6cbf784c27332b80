//! The published form of a count whose suspicious cells a person read.
//!
//! In: a [`ReviewedCount`], fractions 0–1. Out: a [`CountRecord`], percent. Nothing is corrected and no floor is stated, because what
//! was read has no errors of the classifier.

use super::count_record::{CountRecord, DecidingLimits, FormsRecord, PercentInterval, percent};
use crate::count::ReviewedCount;

impl From<&ReviewedCount> for CountRecord {
    fn from(count: &ReviewedCount) -> Self {
        let red_cells = count.tally.red_cells;
        Self {
            red_cells,
            schistocytes: count.tally.schistocytes + count.tally.unread_called,
            percent: count.fraction.map(percent),
            wilson_95: count.wilson.as_ref().map(PercentInterval::from),
            field_bootstrap_95: count.field_bootstrap.as_ref().map(PercentInterval::from),
            sequential_95: None,
            repeatability_95: None,
            reviewed_95: count.interval.as_ref().map(PercentInterval::from),
            corrected: None,
            false_positive_floor_percent: None,
            false_positive_floor_95: None,
            false_positive_floor_source: None,
            threshold_percent: percent(count.threshold),
            min_cells: count.min_cells,
            deciding: count.placing.as_ref().map(DecidingLimits::from),
            state: count.state,
            context: count.context,
            other_abnormal_percent: (count.other_shapes.present > 0)
                .then(|| percent(count.other_shapes.present as f64 / red_cells as f64)),
            forms: FormsRecord::of(&count.forms, red_cells),
            grade: count.grade.clone(),
        }
    }
}
