//! The schistocyte count of a specimen: numerator, denominator, intervals, state.
//!
//! In: for each accepted field its counted red cells by class, and what the model card states of the classifier. Out: a
//! [`SchistocyteCount`], fractions 0–1. Refused fields and excluded cells never come here.
//!
//! A film unlike those that the model learned from (`likeness`) is also corrected and placed by the errors of networks on
//! origins that they had not seen, and the wider limits hold. A film further off than any that was tried is not assessable.
//!
//! Order: 1. sum over fields; 2. Wilson interval of x/n; 3. percentile bootstrap over fields, because cells of one
//! field are not independent; 4. where the count was looked at after every field, the interval that allows for it; 5. floor of
//! false calls and context: schistocytes and other shapes, each against what is called in healthy films (`shapes`);
//! 6. correction for sensitivity and false calls, as wide as the widest of the intervals 2 to 4; 7. the two limits of the
//! true share (`rules`); 8. state.
//!
//! METHOD: false calls are taken from healthy films where the card states them, because most films are nearly healthy. Where
//! other abnormal shapes outnumber schistocytes, more of them are called schistocyte than in health. The lower limit is
//! then the lesser of those by the healthy floor and by the specificity that was measured on patients, 0 where the card states
//! no specificity.
//!
//! Where a person read the suspicious cells, `reviewed` counts in the same terms without the errors of the classifier.
//!
//! Limits: ICSH's rule for microspherocytes gives totals beside the count (`tally`), because no expert validated the forms.

mod grading;
mod likeness;
mod reviewed;
mod rules;
mod shapes;
mod tally;

pub use grading::{Grade, GradeStep, GradingError, GradingTable};
pub use likeness::{FilmLikeness, FilmMeasure, LearnedRange, Likeness, NOT_RED_CELL_SHARE};
pub use reviewed::{Outlook, ReadTally, ReviewOptions, ReviewedCount};
pub use rules::{Context, DEFAULT_MIN_CELLS, IntervalName, Placing, PlacingLimit, State, threshold};
pub use shapes::{ClassFinding, ClassFloors, ClassShare, FalsePositiveFloor, FloorSource, MeasuredFloor, OtherShapes};
pub use tally::{FORMS_MEASURED, FORMS_READ, FORMS_VALIDATED, FieldTally, FormTally};

use rules::{CalledSchistocytes, KnownErrors};

use crate::smear::AgeGroup;
use crate::stats::prevalence::{self, Apparent, CorrectedPrevalence, EstimatedRate};
use crate::stats::{Interval, Probability, bootstrap, proportion, sequential};

/// What the model card states of the classifier; what it does not state is `None`.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Performance {
    /// Share of schistocytes called so.
    pub sensitivity: Option<Probability>,
    /// Cells behind the sensitivity.
    pub sensitivity_cells: Option<u64>,
    /// Share of other red cells not called schistocyte.
    pub specificity: Option<Probability>,
    /// Cells behind the specificity.
    pub specificity_cells: Option<u64>,
    /// Share of healthy people's cells called schistocyte.
    pub healthy_floor: Option<MeasuredFloor>,
    /// Share of healthy people's cells called each other class.
    pub class_floors: ClassFloors,
    /// What networks reached on origins that were left out of their training.
    pub unseen: Option<UnseenPerformance>,
    /// Standard deviation of a film's percentage over other pictures of it, share of itself.
    pub repeatability_relative_sd: Option<f64>,
}

/// What networks of the same training reached on origins that were left out of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct UnseenPerformance {
    /// Share of schistocytes called so.
    pub sensitivity: Probability,
    /// Cells behind the sensitivity.
    pub sensitivity_cells: u64,
    /// Share of healthy people's cells called schistocyte.
    pub healthy_floor: MeasuredFloor,
}

/// A share corrected for the errors of the model, and what it was corrected by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CorrectedShare {
    /// Estimate and interval.
    pub prevalence: CorrectedPrevalence,
    /// Sensitivity and the schistocytes behind it.
    pub sensitivity: EstimatedRate,
    /// Share of other cells not called schistocyte, and the cells behind it.
    pub specificity: EstimatedRate,
    /// Where the specificity comes from.
    pub specificity_source: FloorSource,
}

impl CorrectedShare {
    /// The same share with limits that hold by the errors of another correction too.
    ///
    /// METHOD: where the other is not possible, because too many schistocytes are missed for it, the share may be anything above.
    fn widened(self, other: Option<Self>) -> Self {
        let interval = match other {
            Some(other) => self.prevalence.interval.union(&other.prevalence.interval),
            None => Interval::new(self.prevalence.interval.low(), 1.0).unwrap_or(self.prevalence.interval),
        };
        Self { prevalence: CorrectedPrevalence { interval, ..self.prevalence }, ..self }
    }
}

impl Performance {
    fn sensitivity(&self) -> Option<EstimatedRate> {
        Some(EstimatedRate { rate: self.sensitivity?.value(), trials: self.sensitivity_cells? })
    }

    fn patients_specificity(&self) -> Option<EstimatedRate> {
        Some(EstimatedRate { rate: self.specificity?.value(), trials: self.specificity_cells? })
    }

    /// The errors that may hold on a film. On a film unlike the learned ones these are also the errors on origins that were not
    /// seen; where those were not measured, nothing is known.
    fn on_film(&self, film: Likeness) -> Vec<Self> {
        if film < Likeness::Unlike {
            return vec![*self];
        }
        let unseen = self.unseen.map(|unseen| Self {
            sensitivity: Some(unseen.sensitivity),
            sensitivity_cells: Some(unseen.sensitivity_cells),
            healthy_floor: Some(unseen.healthy_floor),
            ..*self
        });
        match unseen {
            Some(unseen) => vec![*self, unseen],
            None => vec![Self { class_floors: self.class_floors, ..Self::default() }],
        }
    }

    /// Corrected share; `None` where a figure is missing or too weak for a correction.
    fn correct(&self, apparent: Apparent, mixed: bool) -> Option<CorrectedShare> {
        let sensitivity = self.sensitivity()?;
        let patients = self.patients_specificity();
        let (specificity, specificity_source) = match self.healthy_floor {
            Some(floor) => (floor.specificity(), FloorSource::HealthyFilms),
            None => (patients?, FloorSource::Specificity),
        };
        let by = |specificity| prevalence::correct(apparent, sensitivity, specificity).ok();
        let mut prevalence = by(specificity)?;
        if mixed {
            let by_patients = patients.and_then(by).map_or(0.0, |corrected| corrected.interval.low());
            let low = prevalence.interval.low().min(by_patients);
            prevalence.interval = Interval::new(low, prevalence.interval.high())?;
        }
        Some(CorrectedShare { prevalence, sensitivity, specificity, specificity_source })
    }

    fn false_positive_floor(&self) -> Option<FalsePositiveFloor> {
        match &self.healthy_floor {
            Some(floor) => Some(FalsePositiveFloor::of_healthy_films(floor)),
            None => self.specificity.map(|sp| FalsePositiveFloor::of_specificity(sp, self.specificity_cells)),
        }
    }
}

/// How often a count was looked at before it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Looks {
    /// Once, after all fields.
    #[default]
    Once,
    /// After every field, and what was seen decided whether to go on.
    EveryField,
}

/// Choices of the caller that move the count's state.
#[derive(Debug, Clone, PartialEq)]
pub struct CountOptions {
    /// Selects the reference limit.
    pub age_group: AgeGroup,
    /// Fewest red cells for a percentage; [`DEFAULT_MIN_CELLS`] by ICSH.
    pub min_cells: u64,
    /// The laboratory's grades; `None` gives no grade.
    pub grading: Option<GradingTable>,
    /// How often the count is looked at.
    pub looks: Looks,
    /// How like the films that the model learned from the film is.
    pub film: Likeness,
}

impl Default for CountOptions {
    fn default() -> Self {
        Self {
            age_group: AgeGroup::default(),
            min_cells: DEFAULT_MIN_CELLS,
            grading: None,
            looks: Looks::Once,
            film: Likeness::Learned,
        }
    }
}

/// The schistocyte count of a specimen; fractions 0–1.
#[derive(Debug, Clone, PartialEq)]
pub struct SchistocyteCount {
    /// Counted red cells by class, all fields together.
    pub tally: FieldTally,
    /// Schistocytes / red cells; `None` without a red cell.
    pub fraction: Option<f64>,
    /// Wilson score interval; `None` without a red cell.
    pub wilson: Option<Interval>,
    /// Percentile bootstrap over fields; `None` with fewer than two fields that hold a red cell.
    pub field_bootstrap: Option<Interval>,
    /// Interval that holds at every look; `None` where there was one look or no red cell.
    pub sequential: Option<Interval>,
    /// What other pictures of the same film would read; `None` where that is narrower than the error of counting, or not known.
    pub repeatability: Option<Interval>,
    /// Corrected for missed and false calls; `None` where the card does not allow it.
    pub corrected: Option<CorrectedShare>,
    /// What a film without schistocytes would read; `None` where the card states neither of its sources.
    pub false_positive_floor: Option<FalsePositiveFloor>,
    /// Reference limit of the age group.
    pub threshold: f64,
    /// Fewest red cells for a percentage.
    pub min_cells: u64,
    /// The limits of the true share; `None` without a red cell.
    pub placing: Option<Placing>,
    /// Where the true share lies against the threshold.
    pub state: State,
    /// Other abnormal shapes of the film.
    pub other_shapes: OtherShapes,
    /// Whether schistocytes are the main change of shape; `None` without a red cell.
    pub context: Option<Context>,
    /// Grade by the laboratory's table; `None` without one, under the minimum count and in a mixed picture, where ICSH
    /// wants no percentage.
    pub grade: Option<Grade>,
}

impl SchistocyteCount {
    /// Counts the accepted fields of a specimen.
    ///
    /// The interval and the fraction stand under the minimum count too; the state says `insufficient`.
    pub fn of_fields(fields: &[FieldTally], options: &CountOptions, performance: &Performance) -> Self {
        Self::with_bootstrap(bootstrap::ratio_interval(&by_field(fields)), fields, options, performance)
    }

    /// Whether the count is placed on one side of the threshold, as [`SchistocyteCount::of_fields`] places it.
    ///
    /// METHOD: the bootstrap takes nearly all the time of a count, and it can only widen the limits. It is therefore left out
    /// at first, and a count that is not placed without it is not placed with it.
    pub fn is_placed(fields: &[FieldTally], options: &CountOptions, performance: &Performance) -> bool {
        let is_placed = |count: Self| matches!(count.state, State::Above | State::NotAbove);
        is_placed(Self::with_bootstrap(None, fields, options, performance))
            && is_placed(Self::of_fields(fields, options, performance))
    }

    fn with_bootstrap(
        field_bootstrap: Option<Interval>,
        fields: &[FieldTally],
        options: &CountOptions,
        performance: &Performance,
    ) -> Self {
        let tally: FieldTally = fields.iter().sum();
        let (schistocytes, red_cells) = (tally.schistocytes(), tally.red_cells());
        let wilson = proportion::wilson(schistocytes, red_cells);
        let threshold = threshold(options.age_group);
        let sequential = match options.looks {
            Looks::Once => None,
            Looks::EveryField => sequential::of_clusters(&by_field(fields), threshold),
        };
        // METHOD: Wilson takes the cells as independent, the bootstrap is too narrow with few or uniform fields. The
        // union of both is the wider at either end, so that neither weakness can place a value. Neither knows of repeated
        // looks, which the third does.
        let mut named: Vec<(IntervalName, Interval)> = [
            (IntervalName::Wilson, wilson),
            (IntervalName::FieldBootstrap, field_bootstrap),
            (IntervalName::Sequential, sequential),
        ]
        .into_iter()
        .filter_map(|(name, interval)| Some((name, interval?)))
        .collect();
        let counting = named.iter().map(|(_, interval)| *interval).reduce(|all, one| all.union(&one));
        let fraction = (red_cells > 0).then(|| schistocytes as f64 / red_cells as f64);
        let repeatability = repeatability(fraction, performance.repeatability_relative_sd, counting);
        named.extend(repeatability.map(|interval| (IntervalName::Repeatability, interval)));
        let widest = counting.map(|counting| repeatability.map_or(counting, |other| counting.union(&other)));

        // METHOD: where two sets of errors may hold, the wider statement does: the higher floor, the greater sensitivity for the
        // lower limit, and corrected limits that hold by both.
        let errors = performance.on_film(options.film);
        let floors: Option<Vec<FalsePositiveFloor>> = errors.iter().map(Performance::false_positive_floor).collect();
        let high = |floor: &FalsePositiveFloor| floor.interval.map_or(f64::INFINITY, |interval| interval.high());
        let false_positive_floor =
            floors.into_iter().flatten().reduce(|one, other| if high(&other) > high(&one) { other } else { one });
        let floor_high = false_positive_floor.and_then(|floor| floor.interval).map(|interval| interval.high());
        // Whether the pixel size is known moves only classes of size, which are no shapes.
        let other_shapes = OtherShapes::of(&ClassShare::all(&tally, &performance.class_floors, false), red_cells);
        let context = widest.map(|widest| {
            let floor = false_positive_floor.map(|floor| floor.fraction).zip(floor_high);
            Context::of(&CalledSchistocytes { cells: schistocytes, red_cells, low: widest.low(), floor }, &other_shapes)
        });
        let mixed = context == Some(Context::MixedPoikilocytosis);
        let corrected = widest.and_then(|interval| {
            let apparent = Apparent { positives: schistocytes, tested: red_cells, interval };
            let (known, others) = errors.split_first()?;
            let corrected = known.correct(apparent, mixed)?;
            Some(others.iter().fold(corrected, |all, other| all.widened(other.correct(apparent, mixed))))
        });
        let placing = widest.map(|_| {
            let sensitivities = errors.iter().filter_map(|known| known.sensitivity().and_then(EstimatedRate::interval));
            let known = KnownErrors {
                floor_high,
                sensitivity_high: sensitivities.map(|interval| interval.high()).reduce(f64::max),
                corrected: corrected.as_ref().map(|corrected| &corrected.prevalence),
                mixed,
            };
            Placing::of(&named, &known)
        });
        let state = match options.film {
            Likeness::Beyond => State::NotAssessable,
            _ => State::of(red_cells, options.min_cells, placing.as_ref(), threshold),
        };
        let placed = !matches!(state, State::Insufficient | State::NotAssessable);
        Self {
            tally,
            fraction,
            wilson,
            field_bootstrap,
            sequential,
            repeatability,
            corrected,
            false_positive_floor,
            threshold,
            min_cells: options.min_cells,
            placing,
            state,
            other_shapes,
            context,
            grade: options
                .grading
                .as_ref()
                .filter(|_| placed && !mixed)
                .and_then(|table| table.grade(100.0 * schistocytes as f64 / red_cells as f64)),
        }
    }
}

/// Called schistocytes and red cells of each field.
fn by_field(fields: &[FieldTally]) -> Vec<(u64, u64)> {
    fields.iter().map(|field| (field.schistocytes(), field.red_cells())).collect()
}

/// The 95 % interval of what other pictures of a film would read, where it reaches beyond that of counting.
///
/// METHOD: turning, saving, focusing and staining move a percentage by a share of itself, whatever the number of cells; with many
/// cells that is more than chance. The share is taken as normal on the logarithmic scale, so that no limit is below 0.
fn repeatability(fraction: Option<f64>, relative_sd: Option<f64>, counting: Option<Interval>) -> Option<Interval> {
    let (fraction, factor) = (fraction?, (proportion::Z_95 * relative_sd?).exp());
    let counting = counting?;
    let interval = Interval::new(fraction / factor, (fraction * factor).min(1.0))?;
    (interval.low() < counting.low() || interval.high() > counting.high()).then_some(interval)
}

#[cfg(test)]
mod tests;
