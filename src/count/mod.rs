//! The schistocyte count of a specimen: numerator, denominator, intervals, state.
//!
//! In: for each accepted field its counted red cells by class, and what the model card states of the classifier. Out: a
//! [`SchistocyteCount`], fractions 0–1. Refused fields and excluded cells never come here.
//!
//! Order: 1. sum over fields; 2. Wilson interval of x/n; 3. percentile bootstrap over fields, because cells of one
//! field are not independent; 4. correction for sensitivity and specificity (Lang and Reiczigel 2014) and the
//! false-positive floor; 5. where the count was looked at
//! after every field, the interval that allows for it; 6. state from the widest of the intervals 2, 3 and 5; 7. context.
//!
//! Limits: the state is taken from the uncorrected fraction of all called schistocytes, as ICSH's limits are. ICSH's rule
//! for microspherocytes gives totals beside it (`forms`), because the forms are not validated.

pub mod floor;
pub mod forms;
pub mod grading;
pub mod rules;

pub use floor::{FalsePositiveFloor, FloorSource};
pub use forms::{FORMS_VALIDATED, FormTally};
pub use grading::{Grade, GradeStep, GradingError, GradingTable};
pub use rules::{Context, DEFAULT_MIN_CELLS, State, threshold};

use crate::smear::{AgeGroup, CellClass, ClassifiedCell, SchistocyteForm};
use crate::stats::prevalence::{self, CorrectedPrevalence, EstimatedRate};
use crate::stats::{Interval, Probability, bootstrap, proportion, sequential};

/// Counted red cells of one accepted field by class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FieldTally {
    by_class: [u64; CellClass::ALL.len()],
    /// The schistocytes among them by form.
    pub forms: FormTally,
}

impl FieldTally {
    /// Counts the counted cells; excluded ones are passed over.
    pub fn of_cells<'a>(cells: impl IntoIterator<Item = &'a ClassifiedCell>) -> Self {
        let mut tally = Self::default();
        for cell in cells {
            if let Some(call) = cell.counted_call() {
                tally.add(call.class, cell.form);
            }
        }
        tally
    }

    /// One more counted cell; only a schistocyte has a form.
    fn add(&mut self, class: CellClass, form: Option<SchistocyteForm>) {
        self.by_class[class.index()] += 1;
        if class == CellClass::Schistocyte {
            self.forms.add(form);
        }
    }

    /// Counted cells of a class.
    pub fn of(&self, class: CellClass) -> u64 {
        self.by_class[class.index()]
    }

    /// All counted cells.
    pub fn red_cells(&self) -> u64 {
        self.by_class.iter().sum()
    }

    /// Counted schistocytes.
    pub fn schistocytes(&self) -> u64 {
        self.of(CellClass::Schistocyte)
    }

    /// Counted cells of another abnormal shape.
    pub fn other_abnormal(&self) -> u64 {
        CellClass::ALL.into_iter().filter(|class| class.is_other_abnormal_shape()).map(|class| self.of(class)).sum()
    }
}

impl FromIterator<CellClass> for FieldTally {
    fn from_iter<I: IntoIterator<Item = CellClass>>(classes: I) -> Self {
        let mut tally = Self::default();
        classes.into_iter().for_each(|class| tally.add(class, None));
        tally
    }
}

impl<'a> std::iter::Sum<&'a FieldTally> for FieldTally {
    fn sum<I: Iterator<Item = &'a FieldTally>>(tallies: I) -> Self {
        tallies.fold(Self::default(), |sum, tally| Self {
            by_class: std::array::from_fn(|class| sum.by_class[class] + tally.by_class[class]),
            forms: sum.forms.plus(&tally.forms),
        })
    }
}

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
    /// Share of healthy people's cells called schistocyte with its 95 % interval, fractions.
    pub healthy_share: Option<(Probability, Interval)>,
}

impl Performance {
    /// Corrected prevalence; `None` where a figure is missing or too weak for a correction.
    fn correct(&self, schistocytes: u64, red_cells: u64) -> Option<CorrectedPrevalence> {
        let sensitivity = EstimatedRate { rate: self.sensitivity?.value(), trials: self.sensitivity_cells? };
        let specificity = EstimatedRate { rate: self.specificity?.value(), trials: self.specificity_cells? };
        prevalence::correct(schistocytes, red_cells, sensitivity, specificity).ok()
    }

    fn false_positive_floor(&self) -> Option<FalsePositiveFloor> {
        match self.healthy_share {
            Some((share, interval)) => Some(FalsePositiveFloor::of_healthy_films(share, interval)),
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
}

impl Default for CountOptions {
    fn default() -> Self {
        Self { age_group: AgeGroup::default(), min_cells: DEFAULT_MIN_CELLS, grading: None, looks: Looks::Once }
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
    /// Corrected for sensitivity and specificity; `None` where the card does not allow it.
    pub corrected: Option<CorrectedPrevalence>,
    /// What a film without schistocytes would read; `None` where the card states neither of its sources.
    pub false_positive_floor: Option<FalsePositiveFloor>,
    /// Reference limit of the age group.
    pub threshold: f64,
    /// Fewest red cells for a percentage.
    pub min_cells: u64,
    /// Where the fraction lies against the threshold.
    pub state: State,
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
        let tally: FieldTally = fields.iter().sum();
        let (schistocytes, red_cells) = (tally.schistocytes(), tally.red_cells());
        let wilson = proportion::wilson(schistocytes, red_cells);
        let by_field: Vec<_> = fields.iter().map(|field| (field.schistocytes(), field.red_cells())).collect();
        let field_bootstrap = bootstrap::ratio_interval(&by_field);
        let threshold = threshold(options.age_group);
        // METHOD: Wilson takes the cells as independent, the bootstrap is too narrow with few or uniform fields. The
        // union of both is the wider at either end, so that neither weakness can place a value. Neither knows of repeated
        // looks, which the third does.
        let sequential = match options.looks {
            Looks::Once => None,
            Looks::EveryField => sequential::of_clusters(&by_field, threshold),
        };
        let others = [field_bootstrap, sequential];
        let deciding = wilson.map(|wilson| others.iter().flatten().fold(wilson, |all, one| all.union(one)));
        let context = (red_cells > 0).then(|| Context::of(schistocytes, tally.other_abnormal()));
        let state = State::of(red_cells, options.min_cells, deciding, threshold);
        let placed = !matches!(state, State::Insufficient | State::NotAssessable);
        let gradable = placed && context != Some(Context::MixedPoikilocytosis);
        Self {
            tally,
            fraction: (red_cells > 0).then(|| schistocytes as f64 / red_cells as f64),
            wilson,
            field_bootstrap,
            sequential,
            corrected: performance.correct(schistocytes, red_cells),
            false_positive_floor: performance.false_positive_floor(),
            threshold,
            min_cells: options.min_cells,
            state,
            context,
            grade: options
                .grading
                .as_ref()
                .filter(|_| gradable)
                .and_then(|table| table.grade(100.0 * schistocytes as f64 / red_cells as f64)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A field of normal cells, schistocytes and burr cells.
    fn field(normal: usize, schistocytes: usize, burr: usize) -> FieldTally {
        let of = std::iter::repeat_n;
        of(CellClass::Normal, normal)
            .chain(of(CellClass::Schistocyte, schistocytes))
            .chain(of(CellClass::Burr, burr))
            .collect()
    }

    fn count(fields: &[FieldTally]) -> SchistocyteCount {
        SchistocyteCount::of_fields(fields, &CountOptions::default(), &Performance::default())
    }

    fn stated(sensitivity: f64, specificity: f64) -> Performance {
        Performance {
            sensitivity: Probability::new(sensitivity).ok(),
            sensitivity_cells: Some(200),
            specificity: Probability::new(specificity).ok(),
            specificity_cells: Some(2000),
            healthy_share: None,
        }
    }

    #[test]
    fn three_percent_is_above_and_none_is_not_above() {
        let three = count(&[field(485, 15, 0); 4]);
        assert_eq!((three.tally.schistocytes(), three.tally.red_cells()), (60, 2000));
        assert_eq!(three.fraction, Some(0.03));
        assert_eq!((three.state, three.context), (State::Above, Some(Context::SchistocytesPredominate)));
        let none = count(&[field(500, 0, 0); 4]);
        assert_eq!((none.state, none.context), (State::NotAbove, Some(Context::NoSchistocytes)));
        assert_eq!(none.fraction, Some(0.0));
    }

    #[test]
    fn fields_that_disagree_take_the_state_back() {
        // 40 of 2000: Wilson 1.47–2.71 % alone lies above 1 %; all of them in one field of eight does not.
        let even = count(&[field(245, 5, 0); 8]);
        assert_eq!(even.state, State::Above);
        let mut fields = [field(250, 0, 0); 8];
        fields[3] = field(210, 40, 0);
        let uneven = count(&fields);
        assert_eq!(uneven.wilson, even.wilson);
        assert_eq!(uneven.state, State::Indeterminate);
    }

    #[test]
    fn the_preterm_limit_moves_the_state() {
        let options = CountOptions { age_group: AgeGroup::PretermNeonate, ..CountOptions::default() };
        let preterm = SchistocyteCount::of_fields(&[field(485, 15, 0); 4], &options, &Performance::default());
        assert_eq!(preterm.state, State::NotAbove);
    }

    #[test]
    fn too_few_cells_keep_their_figures() {
        let short = count(&[field(480, 10, 0), field(499, 10, 0)]);
        assert_eq!((short.tally.red_cells(), short.state), (999, State::Insufficient));
        assert!(short.wilson.is_some() && short.field_bootstrap.is_some() && short.fraction.is_some());
    }

    #[test]
    fn nothing_counted_is_not_assessable_and_has_no_figures() {
        for fields in [&[][..], &[FieldTally::default(); 3][..]] {
            let nothing = SchistocyteCount::of_fields(fields, &CountOptions::default(), &stated(0.85, 0.995));
            assert_eq!(nothing.state, State::NotAssessable);
            assert_eq!((nothing.fraction, nothing.wilson, nothing.field_bootstrap), (None, None, None));
            assert_eq!((nothing.corrected, nothing.context), (None, None));
        }
    }

    #[test]
    fn one_field_has_no_bootstrap() {
        let one = count(&[field(970, 30, 0)]);
        assert_eq!(one.field_bootstrap, None);
        assert_eq!(one.state, State::Above);
    }

    #[test]
    fn correction_needs_all_four_figures() {
        let fields = [field(491, 9, 0); 2];
        let of = |performance| SchistocyteCount::of_fields(&fields, &CountOptions::default(), &performance);
        let full = of(stated(0.85, 0.995));
        let estimate = full.corrected.and_then(|corrected| corrected.estimate).expect("stated and above the floor");
        assert!((estimate - 0.015_38).abs() < 1e-5);
        assert!((full.false_positive_floor.expect("stated").fraction - 0.005).abs() < 1e-12);
        assert_eq!(of(Performance { sensitivity_cells: None, ..stated(0.85, 0.995) }).corrected, None);
        assert_eq!(of(Performance { specificity: None, ..stated(0.85, 0.995) }).false_positive_floor, None);
        assert_eq!(of(stated(0.4, 0.995)).corrected, None);
    }

    #[test]
    fn the_floor_measured_on_healthy_films_goes_before_the_specificity() {
        let healthy = (Probability::new(0.0012).expect("a share"), Interval::new(0.0006, 0.0024).expect("in order"));
        let of = |healthy_share| {
            let performance = Performance { healthy_share, ..stated(0.85, 0.995) };
            let fields = [field(491, 9, 0); 2];
            SchistocyteCount::of_fields(&fields, &CountOptions::default(), &performance).false_positive_floor
        };
        let measured = of(Some(healthy)).expect("a floor");
        assert_eq!((measured.fraction, measured.source), (0.0012, FloorSource::HealthyFilms));
        assert_eq!(of(None).expect("a floor").source, FloorSource::Specificity);
    }

    #[test]
    fn a_grade_needs_a_table_enough_cells_and_an_unmixed_picture() {
        let step = |label: &str, from_percent| GradeStep { label: label.to_owned(), from_percent };
        let grading = GradingTable { name: "T".to_owned(), steps: vec![step("few", 0.0), step("many", 1.5)] };
        let options = CountOptions { grading: Some(grading), ..CountOptions::default() };
        let grade = |fields: &[FieldTally]| {
            SchistocyteCount::of_fields(fields, &options, &Performance::default()).grade.map(|grade| grade.label)
        };
        assert_eq!(grade(&[field(985, 15, 0)]).as_deref(), Some("many"));
        assert_eq!(grade(&[field(986, 14, 0)]).as_deref(), Some("few"));
        assert_eq!(grade(&[field(979, 20, 0)]), None);
        assert_eq!(grade(&[field(970, 15, 16)]), None);
        assert_eq!(count(&[field(985, 15, 0)]).grade, None);
    }

    #[test]
    fn other_shapes_that_outnumber_make_it_mixed() {
        assert_eq!(count(&[field(900, 50, 51)]).context, Some(Context::MixedPoikilocytosis));
        assert_eq!(count(&[field(900, 50, 50)]).context, Some(Context::SchistocytesPredominate));
    }

    proptest! {
        #[test]
        fn counts_add_over_fields(fields in prop::collection::vec((0_usize..80, 0_usize..20, 0_usize..20), 0..8)) {
            let tallies: Vec<_> = fields.iter().map(|f| field(f.0, f.1, f.2)).collect();
            let found = count(&tallies);
            prop_assert_eq!(found.tally.red_cells(), fields.iter().map(|f| (f.0 + f.1 + f.2) as u64).sum::<u64>());
            prop_assert_eq!(found.tally.schistocytes(), fields.iter().map(|f| f.1 as u64).sum::<u64>());
            prop_assert_eq!(found.tally.other_abnormal(), fields.iter().map(|f| f.2 as u64).sum::<u64>());
        }

        #[test]
        fn a_placed_value_lies_on_its_side(normal in 1000_usize..3000, schistocytes in 0_usize..120) {
            let found = count(&[field(normal, schistocytes, 0)]);
            let fraction = found.fraction.expect("red cells");
            match found.state {
                State::Above => prop_assert!(fraction > found.threshold),
                State::NotAbove => prop_assert!(fraction <= found.threshold),
                State::Indeterminate => {}
                state => prop_assert!(false, "{:?} with enough cells", state),
            }
        }
    }
}
