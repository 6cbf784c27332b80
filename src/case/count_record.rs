//! The count as published: percent in place of fractions.
//!
//! In: a [`SchistocyteCount`], fractions 0–1. Out: a [`CountRecord`], percent of counted red cells.
//!
//! Figures carry full precision up to the sixth decimal and are rounded there, half away from zero, so that the last
//! bits of a platform's mathematics library do not reach the bytes. The state was decided before rounding.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::count::{
    Context, CorrectedShare, FORMS_VALIDATED, FloorSource, FormTally, Grade, IntervalName, Placing, PlacingLimit,
    SchistocyteCount, State,
};
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
pub(super) fn percent(fraction: f64) -> f64 {
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

/// A percentage corrected for missed and false calls, its interval, and what it was corrected by.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CorrectedPercent {
    /// Rogan–Gladen estimate, %; 0 where fewer were called than errors predict, null where more were called than the
    /// sensitivity allows.
    pub percent: Option<f64>,
    /// Lower limit, %.
    pub low: f64,
    /// Upper limit, %.
    pub high: f64,
    /// Sensitivity in use, 0–1.
    pub sensitivity: f64,
    /// Schistocytes behind the sensitivity.
    pub sensitivity_cells: u64,
    /// Share of other cells called schistocyte in use, %.
    pub false_call_percent: f64,
    /// Cells behind that share; fewer than were looked at where its interval allows for alike cells of a film.
    pub false_call_cells: u64,
    /// Where that share comes from.
    pub false_call_source: FloorSource,
}

impl From<&CorrectedShare> for CorrectedPercent {
    fn from(corrected: &CorrectedShare) -> Self {
        Self {
            percent: corrected.prevalence.estimate.map(percent),
            low: percent(corrected.prevalence.interval.low()),
            high: percent(corrected.prevalence.interval.high()),
            sensitivity: rounded(corrected.sensitivity.rate),
            sensitivity_cells: corrected.sensitivity.trials,
            false_call_percent: percent(1.0 - corrected.specificity.rate),
            false_call_cells: corrected.specificity.trials,
            false_call_source: corrected.specificity_source,
        }
    }
}

/// A limit that placed the count, and the interval that it comes from.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DecidingLimit {
    /// The limit of the true share, %.
    pub percent: f64,
    /// The interval.
    pub interval: IntervalName,
}

impl From<&PlacingLimit> for DecidingLimit {
    fn from(limit: &PlacingLimit) -> Self {
        Self { percent: percent(limit.fraction), interval: limit.of }
    }
}

/// The two limits that placed the count.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DecidingLimits {
    /// The true share is at least this: the lowest lower limit less the floor's upper limit, by the greatest plausible
    /// sensitivity, or the lower limit of the corrected interval where that is less. Above the threshold the state is
    /// `above`. Null where the floor is not known.
    pub low: Option<DecidingLimit>,
    /// The true share is at most this: the highest upper limit, that of the corrected interval among them. At or below the
    /// threshold the state is `not_above`. Null where the sensitivity is not known.
    pub high: Option<DecidingLimit>,
}

impl From<&Placing> for DecidingLimits {
    fn from(placing: &Placing) -> Self {
        Self {
            low: placing.low.as_ref().map(DecidingLimit::from),
            high: placing.high.as_ref().map(DecidingLimit::from),
        }
    }
}

/// An interval of a count by its name.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NamedInterval {
    /// Its name.
    pub name: IntervalName,
    /// The value that it is of, %.
    pub point: Option<f64>,
    /// Its limits; `None` where the count has none of this name.
    pub limits: Option<PercentInterval>,
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
    /// What other pictures of the same film would read, 95 %, by the repeatability that the card states; left out where that is
    /// narrower than the error of counting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeatability_95: Option<PercentInterval>,
    /// From what a person read as schistocyte up to what may be one, 95 %; left out where nobody read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reviewed_95: Option<PercentInterval>,
    /// Corrected for missed and false calls; null where the card does not state what it takes.
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
    /// The limits that placed it; null without a red cell.
    pub deciding: Option<DecidingLimits>,
    /// Where the true share lies against the threshold.
    pub state: State,
    /// Whether schistocytes are the main change of shape; null without a red cell.
    pub context: Option<Context>,
    /// Share of counted red cells with an abnormal shape other than schistocyte that the film shows (`classes` with the
    /// finding `present`), %; null where it shows none.
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

    /// Whether a person read the suspicious cells behind it.
    pub fn is_reviewed(&self) -> bool {
        self.reviewed_95.is_some()
    }

    /// Whether more cells were called than the model's false calls explain, or read than chance does: the lowest limit of the
    /// true share is above 0.
    pub fn is_beyond_model_error(&self) -> bool {
        let low = self.deciding.and_then(|deciding| deciding.low);
        low.is_some_and(|low| low.percent > 0.0)
    }

    /// Every interval by its name, in the order of the reports: the one list that all of them walk.
    pub fn intervals(&self) -> [NamedInterval; 6] {
        IntervalName::ALL.map(|name| {
            let (point, limits) = match name {
                IntervalName::Wilson => (self.percent, self.wilson_95),
                IntervalName::FieldBootstrap => (self.percent, self.field_bootstrap_95),
                IntervalName::Sequential => (self.percent, self.sequential_95),
                IntervalName::Repeatability => (self.percent, self.repeatability_95),
                IntervalName::Reviewed => (self.percent, self.reviewed_95),
                IntervalName::Corrected => (
                    self.corrected.and_then(|corrected| corrected.percent),
                    self.corrected.map(|corrected| PercentInterval { low: corrected.low, high: corrected.high }),
                ),
            };
            NamedInterval { name, point, limits }
        })
    }

    /// The widest interval of the called share: from the lowest of the lower limits of Wilson, bootstrap, sequential
    /// interval and repeatability to the highest of the higher ones; null without a red cell.
    pub fn widest_95(&self) -> Option<PercentInterval> {
        let called = self.intervals().into_iter().filter(|interval| interval.name != IntervalName::Corrected);
        called
            .filter_map(|interval| interval.limits)
            .reduce(|all, one| PercentInterval { low: all.low.min(one.low), high: all.high.max(one.high) })
    }
}

impl From<&CountRecord> for SmearFinding {
    /// The published count as an item of the evidence: one way for a count made now and one read back later.
    fn from(count: &CountRecord) -> Self {
        let widest = count.widest_95();
        Self {
            percent: count.percent,
            low_percent: widest.map(|interval| interval.low),
            high_percent: widest.map(|interval| interval.high),
            red_cells: count.red_cells,
            schistocytes: count.schistocytes,
            threshold_percent: count.threshold_percent,
            state: count.state,
            context: count.context,
            beyond_model_error: count.is_beyond_model_error(),
            reviewed: count.is_reviewed(),
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
            repeatability_95: count.repeatability.as_ref().map(PercentInterval::from),
            reviewed_95: None,
            corrected: count.corrected.as_ref().map(CorrectedPercent::from),
            false_positive_floor_percent: count.false_positive_floor.map(|floor| percent(floor.fraction)),
            false_positive_floor_95: count
                .false_positive_floor
                .and_then(|floor| floor.interval.as_ref().map(PercentInterval::from)),
            false_positive_floor_source: count.false_positive_floor.map(|floor| floor.source),
            threshold_percent: percent(count.threshold),
            min_cells: count.min_cells,
            deciding: count.placing.as_ref().map(DecidingLimits::from),
            state: count.state,
            context: count.context,
            other_abnormal_percent: (count.other_shapes.present > 0)
                .then(|| percent(count.other_shapes.present as f64 / red_cells as f64)),
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

    /// Sensitivity 0.85 of 200, specificity 0.995 of 2,000.
    fn stated() -> Performance {
        Performance {
            sensitivity: Probability::new(0.85).ok(),
            sensitivity_cells: Some(200),
            specificity: Probability::new(0.995).ok(),
            specificity_cells: Some(2000),
            ..Performance::default()
        }
    }

    fn record(fields: &[FieldTally]) -> CountRecord {
        CountRecord::from(&SchistocyteCount::of_fields(fields, &CountOptions::default(), &stated()))
    }

    #[test]
    fn ten_of_a_thousand_in_percent() {
        let record = record(&[field(495, 5), field(495, 5)]);
        assert_eq!((record.red_cells, record.schistocytes, record.percent), (1000, 10, Some(1.0)));
        assert_eq!(record.wilson_95, Some(PercentInterval { low: 0.544_075, high: 1.830_947 }));
        assert_eq!(record.field_bootstrap_95, Some(PercentInterval { low: 1.0, high: 1.0 }));
        assert_eq!(record.widest_95(), record.wilson_95);
        assert_eq!(record.false_positive_floor_percent, Some(0.5));
        assert_eq!(record.false_positive_floor_95, Some(PercentInterval { low: 0.271_818, high: 0.917_97 }));
        assert_eq!(record.false_positive_floor_source, Some(FloorSource::Specificity));
        assert_eq!((record.threshold_percent, record.state), (1.0, State::Indeterminate));
        let corrected = record.corrected.expect("stated");
        assert_eq!(corrected.percent, Some(rounded(0.5 / 0.845)));
        assert_eq!((corrected.sensitivity, corrected.sensitivity_cells), (0.85, 200));
        assert_eq!((corrected.false_call_percent, corrected.false_call_cells), (0.5, 2000));
        assert_eq!(corrected.false_call_source, FloorSource::Specificity);
    }

    #[test]
    fn each_deciding_limit_names_its_interval() {
        let deciding = record(&[field(495, 5), field(495, 5)]).deciding.expect("red cells");
        // Wilson from 0.54 % lies under the floor's 0.92 %.
        assert_eq!(deciding.low, Some(DecidingLimit { percent: 0.0, interval: IntervalName::Wilson }));
        // Corrected, the upper limit is lower: half a percent of false calls is taken off.
        assert_eq!(deciding.high, Some(DecidingLimit { percent: 1.830_947, interval: IntervalName::Wilson }));
    }

    #[test]
    fn the_list_of_intervals_holds_each_by_its_name() {
        let record = record(&[field(495, 5), field(495, 5)]);
        let [wilson, fields, looks, pictures, corrected, _] = record.intervals();
        assert_eq!((wilson.name, wilson.limits), (IntervalName::Wilson, record.wilson_95));
        assert_eq!((fields.name, fields.limits), (IntervalName::FieldBootstrap, record.field_bootstrap_95));
        assert_eq!((looks.name, looks.limits), (IntervalName::Sequential, None));
        assert_eq!((pictures.name, pictures.limits), (IntervalName::Repeatability, None));
        let expected = record.corrected.map(|corrected| corrected.high);
        assert_eq!((corrected.name, corrected.limits.map(|limits| limits.high)), (IntervalName::Corrected, expected));
    }

    #[test]
    fn the_count_goes_to_the_evidence_with_its_widest_interval() {
        let record = record(&[field(485, 15); 4]);
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
        for name in ["percent", "wilson_95", "field_bootstrap_95", "corrected", "deciding", "context"] {
            assert_eq!(record[name], serde_json::Value::Null, "{name}");
        }
        assert_eq!(record["state"], "not_assessable");
    }

    proptest! {
        #[test]
        fn the_record_reads_back_as_written(normal in 0_usize..400, schistocytes in 0_usize..40) {
            let fields = [field(normal, schistocytes), field(300, 2)];
            let record = record(&fields);
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
