//! Counts of made-up tallies: state and context on both sides of each limit, and the laws that hold for all of them.

use proptest::prelude::*;

use super::*;
use crate::smear::CellClass;

/// A field of normal cells, schistocytes and burr cells.
fn field(normal: usize, schistocytes: usize, burr: usize) -> FieldTally {
    let of = std::iter::repeat_n;
    of(CellClass::Normal, normal)
        .chain(of(CellClass::Schistocyte, schistocytes))
        .chain(of(CellClass::Burr, burr))
        .collect()
}

fn share(value: f64) -> Probability {
    Probability::new(value).expect("a share")
}

/// What healthy films read where `called` of `cells` of them were called.
fn measured(called: u64, cells: u64) -> MeasuredFloor {
    let interval = proportion::wilson(called, cells).expect("cells");
    MeasuredFloor { share: share(called as f64 / cells as f64), interval, cells }
}

/// A model of which everything is stated: sensitivity 0.90 of 400, 3 of 3,000 cells of healthy people called schistocyte
/// (0.03–0.29 %) and 30 any other class (0.70–1.42 %), specificity 0.995 of 2,000 cells of patients.
fn stated() -> Performance {
    Performance {
        sensitivity: Some(share(0.9)),
        sensitivity_cells: Some(400),
        specificity: Some(share(0.995)),
        specificity_cells: Some(2000),
        healthy_floor: Some(measured(3, 3000)),
        class_floors: [Some(measured(30, 3000)); CellClass::ALL.len()],
        unseen: None,
        repeatability_relative_sd: None,
    }
}

fn count_with(fields: &[FieldTally], performance: &Performance) -> SchistocyteCount {
    SchistocyteCount::of_fields(fields, &CountOptions::default(), performance)
}

fn count(fields: &[FieldTally]) -> SchistocyteCount {
    count_with(fields, &stated())
}

/// One field of `cells` with `called` schistocytes.
fn one(called: usize, cells: usize) -> SchistocyteCount {
    count(&[field(cells - called, called, 0)])
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
fn above_needs_the_lower_limit_less_the_floor_by_the_greatest_sensitivity() {
    // 2,000 cells: Wilson from 1.2191 % at 34 and 1.2610 % at 35; floor up to 0.2936 %, sensitivity up to 0.9257. The limit
    // of 1 % is passed where the lower limit is above 0.2936 + 0.9257 = 1.2193 %.
    assert_eq!((one(34, 2000).state, one(35, 2000).state), (State::Indeterminate, State::Above));
    let placing = one(35, 2000).placing.expect("cells").low.expect("a floor");
    let wilson = proportion::wilson(35, 2000).expect("cells");
    let sensitivity = proportion::wilson(360, 400).expect("cells");
    let floor = proportion::wilson(3, 3000).expect("cells");
    assert!((placing.fraction - (wilson.low() - floor.high()) / sensitivity.high()).abs() < 1e-12);
    assert_eq!(placing.of, IntervalName::Wilson);
}

#[test]
fn not_above_needs_the_corrected_upper_limit() {
    // Uncorrected, 10 of 2,000 end at 0.92 % and 11 at 0.98 %; corrected for a sensitivity of 0.8, 9 end at 0.95 %, 10 at 1.03 %.
    let misses = Performance { sensitivity: Some(share(0.8)), ..stated() };
    let found = |called: usize| count_with(&[field(2000 - called, called, 0)], &misses);
    assert!(found(10).wilson.expect("cells").high() < 0.01);
    assert_eq!([9, 10].map(|called| found(called).state), [State::NotAbove, State::Indeterminate]);
    let high = found(10).placing.expect("cells").high.expect("a sensitivity");
    assert_eq!(high.of, IntervalName::Corrected);
    assert!((high.fraction - 0.010_341).abs() < 1e-6, "{high:?}");
}

#[test]
fn a_model_that_misses_four_of_ten_says_less() {
    let weak = Performance { sensitivity: Some(share(0.58)), sensitivity_cells: Some(93), ..stated() };
    let film = [field(1992, 8, 0)];
    assert_eq!(count(&film).state, State::NotAbove);
    assert_eq!(count_with(&film, &weak).state, State::Indeterminate);
    let none = count_with(&[field(2000, 0, 0)], &weak);
    assert_eq!(none.state, State::NotAbove);
    assert!(none.corrected.expect("stated").prevalence.interval.high() > 0.003);
}

#[test]
fn what_the_card_does_not_state_decides_nothing() {
    let (high, none) = ([field(1900, 100, 0)], [field(2000, 0, 0)]);
    let no_sensitivity = Performance { sensitivity: None, sensitivity_cells: None, ..stated() };
    assert_eq!(count_with(&high, &no_sensitivity).state, State::Above);
    assert_eq!(count_with(&none, &no_sensitivity).state, State::Indeterminate);
    for states in [Performance::default(), Performance { healthy_floor: None, specificity: None, ..stated() }] {
        assert_eq!(count_with(&high, &states).state, State::Indeterminate);
        assert_eq!(count_with(&high, &states).context, Some(Context::NotAssessed));
    }
}

#[test]
fn fields_that_disagree_take_the_state_back() {
    // 44 of 2,000: Wilson from 1.64 %; all of them in one field of eight do not place it.
    let even = count(&[field(244, 6, 0); 8]);
    assert_eq!(even.state, State::Above);
    let mut fields = [field(250, 0, 0); 8];
    fields[3] = field(202, 48, 0);
    let uneven = count(&fields);
    assert_eq!(uneven.wilson, even.wilson);
    assert_eq!(uneven.state, State::Indeterminate);
    assert_eq!(uneven.placing.expect("cells").low.expect("a floor").of, IntervalName::FieldBootstrap);
    // What widened the share widens the corrected share.
    let interval = |count: &SchistocyteCount| count.corrected.expect("stated").prevalence.interval;
    assert!(interval(&uneven).low() < interval(&even).low() && interval(&uneven).high() > interval(&even).high());
}

#[test]
fn the_preterm_limit_moves_the_state() {
    let options = CountOptions { age_group: AgeGroup::PretermNeonate, ..CountOptions::default() };
    let preterm = SchistocyteCount::of_fields(&[field(485, 15, 0); 4], &options, &stated());
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
        let nothing = count(fields);
        assert_eq!(nothing.state, State::NotAssessable);
        assert_eq!((nothing.fraction, nothing.wilson, nothing.field_bootstrap), (None, None, None));
        assert_eq!((nothing.corrected, nothing.context, nothing.placing), (None, None, None));
    }
}

#[test]
fn one_field_has_no_bootstrap() {
    let alone = one(60, 2000);
    assert_eq!(alone.field_bootstrap, None);
    assert_eq!(alone.state, State::Above);
}

#[test]
fn the_correction_takes_the_healthy_floor_before_the_specificity() {
    let fields = [field(491, 9, 0); 2];
    let corrected = |performance| count_with(&fields, &performance).corrected;
    let estimate = |corrected: Option<CorrectedShare>| corrected.and_then(|of| of.prevalence.estimate).expect("stated");
    let healthy = corrected(stated());
    assert!((estimate(healthy) - (0.018 - 0.001) / 0.899).abs() < 1e-12);
    assert_eq!(healthy.map(|of| of.specificity_source), Some(FloorSource::HealthyFilms));
    let patients = corrected(Performance { healthy_floor: None, ..stated() });
    assert!((estimate(patients) - (0.018 - 0.005) / 0.895).abs() < 1e-12);
    assert_eq!(patients.map(|of| of.specificity_source), Some(FloorSource::Specificity));
    assert_eq!(corrected(Performance { sensitivity_cells: None, ..stated() }), None);
    assert_eq!(corrected(Performance { specificity: None, healthy_floor: None, ..stated() }), None);
    assert_eq!(corrected(Performance { sensitivity: Some(share(0.4)), ..stated() }), None);
}

#[test]
fn fewer_than_errors_predict_are_zero_with_a_real_upper_limit() {
    let patients_only = Performance { healthy_floor: None, ..stated() };
    let corrected = count_with(&[field(1998, 2, 0)], &patients_only).corrected.expect("stated").prevalence;
    assert_eq!((corrected.estimate, corrected.interval.low()), (Some(0.0), 0.0));
    assert!(corrected.interval.high() > 0.003, "{corrected:?}");
}

#[test]
fn the_floor_measured_on_healthy_films_goes_before_the_specificity() {
    let floor = |performance| count_with(&[field(491, 9, 0); 2], &performance).false_positive_floor.expect("a floor");
    let healthy = floor(stated());
    assert_eq!((healthy.fraction, healthy.source), (0.001, FloorSource::HealthyFilms));
    let patients = floor(Performance { healthy_floor: None, ..stated() });
    assert!((patients.fraction - 0.005).abs() < 1e-12);
    assert_eq!(patients.source, FloorSource::Specificity);
}

#[test]
fn a_grade_needs_a_table_enough_cells_and_an_unmixed_picture() {
    let step = |label: &str, from_percent| GradeStep { label: label.to_owned(), from_percent };
    let grading = GradingTable { name: "T".to_owned(), steps: vec![step("few", 0.0), step("many", 1.5)] };
    let options = CountOptions { grading: Some(grading), ..CountOptions::default() };
    let grade =
        |fields: &[FieldTally]| SchistocyteCount::of_fields(fields, &options, &stated()).grade.map(|grade| grade.label);
    assert_eq!(grade(&[field(985, 15, 0)]).as_deref(), Some("many"));
    assert_eq!(grade(&[field(986, 14, 0)]).as_deref(), Some("few"));
    assert_eq!(grade(&[field(979, 20, 0)]), None);
    assert_eq!(grade(&[field(850, 15, 135)]), None);
    assert_eq!(count(&[field(985, 15, 0)]).grade, None);
}

#[test]
fn a_healthy_film_is_told_nothing_of_shapes() {
    // One of 3,000 called schistocyte, 1.3 % burr: both are what the model calls in healthy films.
    let healthy = count(&[field(2960, 1, 39)]);
    assert_eq!((healthy.context, healthy.state), (Some(Context::WithinModelError), State::NotAbove));
    assert_eq!(healthy.other_shapes, OtherShapes { assessed: true, present: 0, beyond_floors: 0.0 });
    // Burr cells are there, schistocytes are not: the percentage needs no caution.
    assert_eq!(count(&[field(2499, 1, 500)]).context, Some(Context::WithinModelError));
}

#[test]
fn shapes_above_their_floors_that_outnumber_make_it_mixed() {
    // Of 2,000 the floors predict 2 schistocytes and 20 burr cells: 58 stand against burr cells less 20.
    assert_eq!(count(&[field(1861, 60, 79)]).context, Some(Context::MixedPoikilocytosis));
    assert_eq!(count(&[field(1862, 60, 78)]).context, Some(Context::SchistocytesPredominate));
    let no_floors = Performance { class_floors: ClassFloors::default(), ..stated() };
    assert_eq!(count_with(&[field(1000, 60, 940)], &no_floors).context, Some(Context::NotAssessed));
}

#[test]
fn in_a_mixed_picture_the_lower_limit_allows_for_the_errors_among_patients() {
    // The same 40 of 2,000 with and without other shapes; the specificity of patients has five times the floor's errors.
    let (alone, mixed) = (count(&[field(1960, 40, 0)]), count(&[field(1760, 40, 200)]));
    assert_eq!((alone.context, alone.state), (Some(Context::SchistocytesPredominate), State::Above));
    assert_eq!(mixed.context, Some(Context::MixedPoikilocytosis));
    let corrected = |count: &SchistocyteCount| count.corrected.expect("stated").prevalence;
    assert_eq!(corrected(&alone).estimate, corrected(&mixed).estimate);
    assert!(corrected(&mixed).interval.low() < corrected(&alone).interval.low());
    assert_eq!(corrected(&mixed).interval.high(), corrected(&alone).interval.high());
    // It stays above where even so it is, and does not where it is not.
    let low = |called| count(&[field(1800 - called, called, 200)]);
    assert_eq!((low(36).state, low(60).state), (State::Indeterminate, State::Above));
    assert_eq!(low(36).placing.expect("cells").low.expect("a floor").of, IntervalName::Corrected);
    let unstated = Performance { specificity: None, specificity_cells: None, ..stated() };
    let unknown = count_with(&[field(1740, 60, 200)], &unstated);
    assert_eq!((unknown.context, unknown.state), (Some(Context::MixedPoikilocytosis), State::Indeterminate));
}

#[test]
fn a_count_that_was_looked_at_needs_all_three_intervals() {
    let looked = CountOptions { looks: Looks::EveryField, ..CountOptions::default() };
    // 35 of 2,000 are just enough for one look.
    let fields = [field(393, 7, 0); 5];
    let found = SchistocyteCount::of_fields(&fields, &looked, &stated());
    assert_eq!((count(&fields).state, found.state), (State::Above, State::Indeterminate));
    assert_eq!(found.placing.expect("cells").low.expect("a floor").of, IntervalName::Sequential);
}

proptest! {
    #[test]
    fn counts_add_over_fields(fields in prop::collection::vec((0_usize..80, 0_usize..20, 0_usize..20), 0..8)) {
        let tallies: Vec<_> = fields.iter().map(|f| field(f.0, f.1, f.2)).collect();
        let found = count(&tallies);
        prop_assert_eq!(found.tally.red_cells(), fields.iter().map(|f| (f.0 + f.1 + f.2) as u64).sum::<u64>());
        prop_assert_eq!(found.tally.schistocytes(), fields.iter().map(|f| f.1 as u64).sum::<u64>());
        prop_assert_eq!(found.tally.of(CellClass::Burr), fields.iter().map(|f| f.2 as u64).sum::<u64>());
    }

    #[test]
    fn a_placed_value_lies_on_its_side_with_every_interval(
        normal in 1000_usize..3000, schistocytes in 0_usize..120, burr in 0_usize..300
    ) {
        let found = count(&[field(normal, schistocytes, burr)]);
        let (wilson, corrected) = (found.wilson.expect("cells"), found.corrected.expect("stated").prevalence.interval);
        match found.state {
            State::Above => prop_assert!(wilson.low() > found.threshold && corrected.low() > found.threshold),
            State::NotAbove => prop_assert!(wilson.high() <= found.threshold && corrected.high() <= found.threshold),
            State::Indeterminate => {}
            state => prop_assert!(false, "{:?} with enough cells", state),
        }
    }

    #[test]
    fn the_corrected_interval_is_never_narrower_than_the_widest_one_corrected(
        fields in prop::collection::vec((50_usize..150, 0_usize..12), 2..8)
    ) {
        let tallies: Vec<_> = fields.iter().map(|f| field(f.0, f.1, 0)).collect();
        let found = count(&tallies);
        let widest = found.wilson.expect("cells").union(&found.field_bootstrap.expect("two fields"));
        let corrected = found.corrected.expect("stated").prevalence.interval;
        let like_the_point = |share: f64| ((share - 0.001) / 0.899).clamp(0.0, 1.0);
        prop_assert!(corrected.low() <= like_the_point(widest.low()) + 1e-12);
        prop_assert!(corrected.high() >= like_the_point(widest.high()) - 1e-12);
    }
}

proptest! {
    #[test]
    fn a_count_that_is_not_placed_without_the_bootstrap_is_not_placed_with_it(
        fields in prop::collection::vec((50_usize..250, 0_usize..9, 0_usize..20), 2..12),
        film in prop::sample::select(vec![Likeness::Learned, Likeness::Unlike, Likeness::Beyond]),
        repeatability in prop::option::of(0.02..0.2_f64),
    ) {
        let fields: Vec<_> = fields.iter().map(|f| field(f.0, f.1, f.2)).collect();
        let known = Performance { repeatability_relative_sd: repeatability, ..with_unseen() };
        for looks in [Looks::Once, Looks::EveryField] {
            let options = CountOptions { looks, film, min_cells: 100, ..CountOptions::default() };
            let count = SchistocyteCount::of_fields(&fields, &options, &known);
            let placed = matches!(count.state, State::Above | State::NotAbove);
            prop_assert_eq!(SchistocyteCount::is_placed(&fields, &options, &known), placed);
        }
    }
}

/// The same model with what networks reached on origins not seen: sensitivity 0.5 of 80, 9 of 3,000 healthy cells called.
fn with_unseen() -> Performance {
    let unseen = UnseenPerformance { sensitivity: share(0.5), sensitivity_cells: 80, healthy_floor: measured(9, 3000) };
    Performance { unseen: Some(unseen), ..stated() }
}

fn on_film(film: Likeness, performance: &Performance) -> SchistocyteCount {
    let field: FieldTally =
        (0..1000).map(|i| if i < 20 { CellClass::Schistocyte } else { CellClass::Normal }).collect();
    let options = CountOptions { film, ..CountOptions::default() };
    SchistocyteCount::of_fields(&[field, field], &options, performance)
}

#[test]
fn on_a_film_unlike_the_learned_ones_the_wider_statement_holds() {
    let (like, unlike) = (on_film(Likeness::Learned, &with_unseen()), on_film(Likeness::Unlike, &with_unseen()));
    assert_eq!((like.fraction, like.wilson), (unlike.fraction, unlike.wilson));
    let limits = |count: &SchistocyteCount| count.corrected.expect("both errors are stated").prevalence.interval;
    assert!(limits(&unlike).low() <= limits(&like).low() && limits(&unlike).high() > limits(&like).high());
    // 2 % called at a sensitivity of 0.5: about 3.6 %, its upper limit beyond 5 %.
    assert!(limits(&unlike).high() > 0.05, "{:?}", limits(&unlike));
    let low = |count: &SchistocyteCount| count.placing.and_then(|placing| placing.low).expect("a floor").fraction;
    assert!(low(&unlike) < low(&like));
    let floor = |count: &SchistocyteCount| count.false_positive_floor.expect("a floor").fraction;
    assert!((floor(&like) - 0.001).abs() < 1e-12 && (floor(&unlike) - 0.003).abs() < 1e-12);
    assert_eq!(on_film(Likeness::Unknown, &with_unseen()), like);
}

#[test]
fn where_too_many_are_missed_on_unseen_origins_only_the_upper_limit_is_lost() {
    let unseen = UnseenPerformance { sensitivity: share(0.4), ..with_unseen().unseen.expect("stated") };
    let known = Performance { unseen: Some(unseen), ..stated() };
    let (like, unlike) = (on_film(Likeness::Learned, &known), on_film(Likeness::Unlike, &known));
    let limits = |count: &SchistocyteCount| count.corrected.expect("the known errors allow it").prevalence.interval;
    assert_eq!((limits(&unlike).low(), limits(&unlike).high()), (limits(&like).low(), 1.0));
    assert_eq!(unlike.placing.expect("cells").high.map(|high| high.fraction), Some(1.0));
}

#[test]
fn without_figures_of_unseen_origins_an_unlike_film_is_placed_nowhere() {
    let count = on_film(Likeness::Unlike, &stated());
    assert_eq!(count.placing, Some(Placing { low: None, high: None }));
    assert_eq!((count.state, count.corrected), (State::Indeterminate, None));
}

#[test]
fn a_film_beyond_everything_tried_is_not_assessable() {
    let count = on_film(Likeness::Beyond, &with_unseen());
    assert_eq!((count.state, count.fraction, count.grade), (State::NotAssessable, Some(0.02), None));
}

#[test]
fn other_pictures_of_a_film_widen_the_interval_where_they_exceed_counting() {
    let known = Performance { repeatability_relative_sd: Some(0.06), ..stated() };
    let few = count_with(&[field(980, 20, 0); 2], &known);
    assert_eq!((few.repeatability, few.placing), (None, count(&[field(980, 20, 0); 2]).placing));
    let many = count_with(&[field(98_000, 2000, 0); 4], &known);
    let interval = many.repeatability.expect("wider than 8,000 calls");
    // 2 % over and under exp(1.96 * 0.06) = 1.1248.
    assert!((interval.low() - 0.017_780).abs() < 1e-5 && (interval.high() - 0.022_497).abs() < 1e-5, "{interval:?}");
    let corrected = |count: &SchistocyteCount| count.corrected.expect("both errors are stated").prevalence.interval;
    let narrow = count(&[field(98_000, 2000, 0); 4]);
    assert!(corrected(&many).high() > corrected(&narrow).high() && corrected(&many).low() < corrected(&narrow).low());
    assert_eq!(count_with(&[field(100_000, 0, 0); 2], &known).repeatability, None);
}
