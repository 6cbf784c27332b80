//! The count as published: percent in place of fractions.
//!
//! In: a [`SchistocyteCount`], fractions 0–1. Out: a [`CountRecord`], percent of counted red cells.
//!
//! Figures carry full precision up to the sixth decimal and are rounded there, half away from zero, so that the last
//! bits of a platform's mathematics library do not reach the bytes. The state was decided before rounding.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Context, FloorSource, State};
use crate::count::{FORMS_VALIDATED, FormTally, Grade, SchistocyteCount};
use crate::evidence::SmearFinding;
use crate::smear::SchistocyteForm;
use crate::stats::Interval;

/// Steps per unit of every published figure: six decimals.
const STEPS_PER_UNIT: f64 = 1e6;

/// A figure as it is published: rounded to six decimals, half away from zero, and never −0.
pub fn rounded(value: f64) -> f64 {
    (value * STEPS_PER_UNIT).round() / STEPS_PER_UNIT + 0.0
}

/// A fraction as published percent.
fn percent(fraction: f64) -> f64 {
    rounded(100.0 * fraction)
}

/// Lower and upper limit, percent.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PercentInterval {
    /// Lower limit, %.
    pub low: f64,
    /// Upper limit, %.
    pub high: f64,
}

/// A corrected percentage and its interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CorrectedPercent {
    /// Rogan–Gladen estimate, %; null where the value cannot be assessed at this specificity.
    pub percent: Option<f64>,
    /// Lower Lang–Reiczigel limit, %.
    pub low: f64,
    /// Upper Lang–Reiczigel limit, %.
    pub high: f64,
}

/// A number of cells and their share of the counted red cells.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ShareRecord {
    /// Cells.
    pub cells: u64,
    /// 100 × cells / red cells; null without a red cell.
    pub percent: Option<f64>,
}

/// The called schistocytes by form, and the totals of ICSH's rule for microspherocytes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FormsRecord {
    /// Whether the forms were measured against labelled forms of real cells.
    pub validated: bool,
    /// Called schistocytes by form; every form is named.
    pub by_form: BTreeMap<String, u64>,
    /// Called schistocytes that no rule gives a form.
    pub unassigned: u64,
    /// By ICSH's rule: microspherocytes are in only where another form is present.
    pub by_icsh_rule: ShareRecord,
    /// Every called schistocyte but the microspherocytes.
    pub without_microspherocytes: ShareRecord,
    /// Helmets, crescents and triangles alone.
    pub core: ShareRecord,
}

impl FormsRecord {
    /// The record of a tally; shares are of `red_cells`.
    pub fn of(forms: &FormTally, red_cells: u64) -> Self {
        let share = |cells: u64| ShareRecord {
            cells,
            percent: (red_cells > 0).then(|| percent(cells as f64 / red_cells as f64)),
        };
        Self {
            validated: FORMS_VALIDATED,
            by_form: SchistocyteForm::ALL.into_iter().map(|form| (form.name().to_owned(), forms.of(form))).collect(),
            unassigned: forms.unassigned,
            by_icsh_rule: share(forms.by_icsh_rule()),
            without_microspherocytes: share(forms.without_microspherocytes()),
            core: share(forms.core()),
        }
    }
}

/// The schistocyte count of a specimen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CountRecord {
    /// Red cells counted: the denominator.
    pub red_cells: u64,
    /// Of them called schistocyte: the numerator.
    pub schistocytes: u64,
    /// 100 × schistocytes / red cells; null without a red cell.
    pub percent: Option<f64>,
    /// Wilson score interval, 95 %.
    pub wilson_95: Option<PercentInterval>,
    /// Percentile bootstrap over fields, 95 %; null with fewer than two fields.
    pub field_bootstrap_95: Option<PercentInterval>,
    /// Interval that holds at every look, 95 %, for a count that was looked at after every field; left out otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequential_95: Option<PercentInterval>,
    /// Corrected for the classifier's sensitivity and specificity; null where the card does not state them.
    pub corrected: Option<CorrectedPercent>,
    /// What a film without schistocytes would read, %; null where the card states neither of its sources.
    pub false_positive_floor_percent: Option<f64>,
    /// 95 % interval of the floor; null where the number of cells behind it is unknown.
    pub false_positive_floor_95: Option<PercentInterval>,
    /// Where the floor comes from: the share of healthy people's cells called schistocyte, or else 1 − specificity.
    pub false_positive_floor_source: Option<FloorSource>,
    /// Reference limit of the age group, %.
    pub threshold_percent: f64,
    /// Fewest red cells for a percentage.
    pub min_cells: u64,
    /// Where the percentage lies against the threshold, by the widest of the intervals above.
    pub state: State,
    /// Whether schistocytes are the main change of shape; null without a red cell.
    pub context: Option<Context>,
    /// Share of counted red cells with another abnormal shape, %; null without a red cell.
    pub other_abnormal_percent: Option<f64>,
    /// The called schistocytes by form.
    pub forms: FormsRecord,
    /// Grade by the laboratory's table; null without a table, under the minimum count and in a mixed picture.
    pub grade: Option<Grade>,
}

impl CountRecord {
    /// The highest percentage that a film without schistocytes is expected to read: the floor's upper limit, or the floor
    /// itself; null where neither is known.
    pub fn highest_floor_percent(&self) -> Option<f64> {
        self.false_positive_floor_95.map(|limits| limits.high).or(self.false_positive_floor_percent)
    }

    /// The interval behind the state: from the lowest of the lower limits of Wilson, bootstrap and sequential interval to
    /// the highest of the higher ones; null without a red cell.
    pub fn deciding_95(&self) -> Option<PercentInterval> {
        let others = [self.field_bootstrap_95, self.sequential_95];
        let wider = |all: PercentInterval, one: &PercentInterval| PercentInterval {
            low: all.low.min(one.low),
            high: all.high.max(one.high),
        };
        self.wilson_95.map(|wilson| others.iter().flatten().fold(wilson, wider))
    }
}

impl From<&CountRecord> for SmearFinding {
    /// The published count as an item of the evidence: one way for a count made now and one read back later.
    fn from(count: &CountRecord) -> Self {
        let deciding = count.deciding_95();
        Self {
            percent: count.percent,
            low_percent: deciding.map(|interval| interval.low),
            high_percent: deciding.map(|interval| interval.high),
            red_cells: count.red_cells,
            schistocytes: count.schistocytes,
            threshold_percent: count.threshold_percent,
            state: count.state,
            context: count.context,
        }
    }
}

impl From<&Interval> for PercentInterval {
    fn from(interval: &Interval) -> Self {
        Self { low: percent(interval.low()), high: percent(interval.high()) }
    }
}

impl From<&SchistocyteCount> for CountRecord {
    fn from(count: &SchistocyteCount) -> Self {
        let red_cells = count.tally.red_cells();
        Self {
            red_cells,
            schistocytes: count.tally.schistocytes(),
            percent: count.fraction.map(percent),
            wilson_95: count.wilson.as_ref().map(PercentInterval::from),
            field_bootstrap_95: count.field_bootstrap.as_ref().map(PercentInterval::from),
            sequential_95: count.sequential.as_ref().map(PercentInterval::from),
            corrected: count.corrected.map(|corrected| CorrectedPercent {
                percent: corrected.estimate.map(percent),
                low: percent(corrected.interval.low()),
                high: percent(corrected.interval.high()),
            }),
            false_positive_floor_percent: count.false_positive_floor.map(|floor| percent(floor.fraction)),
            false_positive_floor_95: count
                .false_positive_floor
                .and_then(|floor| floor.interval.as_ref().map(PercentInterval::from)),
            false_positive_floor_source: count.false_positive_floor.map(|floor| floor.source),
            threshold_percent: percent(count.threshold),
            min_cells: count.min_cells,
            state: count.state,
            context: count.context,
            other_abnormal_percent: (red_cells > 0)
                .then(|| percent(count.tally.other_abnormal() as f64 / red_cells as f64)),
            forms: FormsRecord::of(&count.tally.forms, red_cells),
            grade: count.grade.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::count::{CountOptions, FieldTally, Performance};
    use crate::smear::CellClass;
    use crate::stats::Probability;

    fn field(normal: usize, schistocytes: usize) -> FieldTally {
        let of = std::iter::repeat_n;
        of(CellClass::Normal, normal).chain(of(CellClass::Schistocyte, schistocytes)).collect()
    }

    #[test]
    fn ten_of_a_thousand_in_percent() {
        let performance = Performance {
            sensitivity: Probability::new(0.85).ok(),
            sensitivity_cells: Some(200),
            specificity: Probability::new(0.995).ok(),
            specificity_cells: Some(2000),
            healthy_share: None,
        };
        let count =
            SchistocyteCount::of_fields(&[field(495, 5), field(495, 5)], &CountOptions::default(), &performance);
        let record = CountRecord::from(&count);
        assert_eq!((record.red_cells, record.schistocytes, record.percent), (1000, 10, Some(1.0)));
        assert_eq!(record.wilson_95, Some(PercentInterval { low: 0.544_075, high: 1.830_947 }));
        assert_eq!(record.field_bootstrap_95, Some(PercentInterval { low: 1.0, high: 1.0 }));
        assert_eq!(record.deciding_95(), record.wilson_95);
        assert_eq!(record.false_positive_floor_percent, Some(0.5));
        assert_eq!(record.false_positive_floor_95, Some(PercentInterval { low: 0.271_818, high: 0.917_97 }));
        assert_eq!(record.false_positive_floor_source, Some(FloorSource::Specificity));
        assert_eq!((record.threshold_percent, record.state), (1.0, State::Indeterminate));
        assert_eq!(record.corrected.and_then(|corrected| corrected.percent), Some(rounded(0.5 / 0.845)));
    }

    #[test]
    fn the_count_goes_to_the_evidence_with_its_deciding_interval() {
        let count =
            SchistocyteCount::of_fields(&[field(485, 15); 4], &CountOptions::default(), &Performance::default());
        let record = CountRecord::from(&count);
        let smear = SmearFinding::from(&record);
        assert_eq!((smear.percent, smear.red_cells, smear.schistocytes), (Some(3.0), 2000, 60));
        let wilson = record.wilson_95.expect("red cells");
        assert_eq!((smear.low_percent, smear.high_percent), (Some(wilson.low), Some(wilson.high)));
        assert_eq!((smear.threshold_percent, smear.state), (1.0, State::Above));
    }

    #[test]
    fn nothing_counted_is_null() {
        let count = SchistocyteCount::of_fields(&[], &CountOptions::default(), &Performance::default());
        let record = serde_json::to_value(CountRecord::from(&count)).expect("plain record");
        for name in ["percent", "wilson_95", "field_bootstrap_95", "corrected", "context", "other_abnormal_percent"] {
            assert_eq!(record[name], serde_json::Value::Null, "{name}");
        }
        assert_eq!(record["state"], "not_assessable");
    }

    proptest! {
        #[test]
        fn the_record_reads_back_as_written(normal in 0_usize..400, schistocytes in 0_usize..40) {
            let fields = [field(normal, schistocytes), field(300, 2)];
            let count = SchistocyteCount::of_fields(&fields, &CountOptions::default(), &Performance::default());
            let record = CountRecord::from(&count);
            let text = serde_json::to_string(&record).expect("plain record");
            prop_assert_eq!(serde_json::from_str::<CountRecord>(&text).expect("own text"), record);
        }

        #[test]
        fn rounding_moves_less_than_a_step(value in -1e3..1e3_f64) {
            prop_assert!((rounded(value) - value).abs() <= 0.5e-6 + 1e-12);
            prop_assert_eq!(rounded(rounded(value)), rounded(value));
        }
    }
}
