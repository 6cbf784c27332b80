//! The reviewed count as published: percent in place of fractions, rounded like every other figure.

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::IntervalName;
    use crate::count::{FormTally, Likeness, Looks, OtherShapes, ReadTally, ReviewOptions};
    use crate::smear::AgeGroup;
    use crate::stats::prevalence::EstimatedRate;

    #[test]
    fn a_reviewed_count_has_its_own_interval_and_no_figure_of_the_model() {
        let tally =
            ReadTally { red_cells: 1000, schistocytes: 18, others: 40, unread_called: 2, ..ReadTally::default() };
        let options = ReviewOptions {
            age_group: AgeGroup::Adult,
            min_cells: 1000,
            grading: None,
            looks: Looks::Once,
            film: Likeness::Learned,
            sensitivity: Some(EstimatedRate { rate: 0.95, trials: 400 }),
            other_shapes: OtherShapes { assessed: true, ..OtherShapes::default() },
            forms: FormTally::default(),
        };
        let record = CountRecord::from(&ReviewedCount::of_fields(&[tally], &options));
        assert_eq!((record.schistocytes, record.red_cells, record.percent), (20, 1000, Some(2.0)));
        let reviewed = record.reviewed_95.expect("cells");
        let deciding = record.deciding.expect("cells");
        let low = deciding.low.expect("a lower limit");
        assert_eq!((low.percent, low.interval), (reviewed.low, IntervalName::Reviewed));
        assert_eq!(
            deciding.high.map(|high| (high.percent, high.interval)),
            Some((reviewed.high, IntervalName::Reviewed))
        );
        assert!(record.is_reviewed() && record.is_beyond_model_error());
        assert_eq!(
            (record.corrected, record.false_positive_floor_percent, record.repeatability_95),
            (None, None, None)
        );
    }
}
