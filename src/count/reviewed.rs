//! The count of a film whose suspicious cells a person read.
//!
//! In: for each accepted field a [`ReadTally`]: counted red cells, and of them those that were read, those that were called or
//! nearly called and not yet read, and the rest. Out: a [`ReviewedCount`], fractions 0–1, and how many unread cells can still
//! turn its state.
//!
//! METHOD: a cell that a person read is no longer subject to the errors of the classifier: no floor of false calls is taken
//! off. What nobody read is open. The lower limit takes every unread cell for no schistocyte. The upper limit takes every
//! unread or undecided cell from the review threshold on for one, and adds what lies below the threshold: of all
//! schistocytes only the share that reaches the threshold (its sensitivity, lower limit) was shown to the reader. Where every
//! counted cell was read, nothing is added.
//!
//! METHOD: the point is what was read as schistocyte and what is still called. An undecided cell is not in it.
//!
//! Limits: the interval covers the chance of counting, the unread cells and what lies below the threshold. It does not cover
//! the reader's own errors; a second, blind reading shows these. It does not cover how far other pictures of the film would
//! read otherwise either: that was measured for the classifier alone.

use super::grading::{Grade, GradingTable};
use super::likeness::Likeness;
use super::rules::{CalledSchistocytes, Context, IntervalName, Placing, PlacingLimit, State, threshold};
use super::shapes::OtherShapes;
use super::{FormTally, Looks};
use crate::smear::AgeGroup;
use crate::stats::prevalence::EstimatedRate;
use crate::stats::{Interval, bootstrap, proportion, sequential};

/// Counted red cells of one accepted field by what a person said of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReadTally {
    /// All counted red cells: read and unread.
    pub red_cells: u64,
    /// Read as schistocyte.
    pub schistocytes: u64,
    /// Read as another red cell.
    pub others: u64,
    /// Read, and undecided.
    pub undecided: u64,
    /// Called schistocyte and not read.
    pub unread_called: u64,
    /// Nearly called, from the review threshold on, and not read.
    pub unread_near: u64,
}

impl ReadTally {
    /// What the point counts as schistocytes.
    fn counted(&self) -> u64 {
        self.schistocytes + self.unread_called
    }

    /// What may at most be schistocytes from the review threshold on.
    fn at_most(&self) -> u64 {
        self.counted() + self.undecided + self.unread_near
    }

    /// Cells that were read.
    pub fn read(&self) -> u64 {
        self.schistocytes + self.others + self.undecided
    }

    /// Cells from the review threshold on that nobody read.
    pub fn unread(&self) -> u64 {
        self.unread_called + self.unread_near
    }
}

impl<'a> std::iter::Sum<&'a ReadTally> for ReadTally {
    fn sum<I: Iterator<Item = &'a ReadTally>>(tallies: I) -> Self {
        tallies.fold(Self::default(), |sum, tally| Self {
            red_cells: sum.red_cells + tally.red_cells,
            schistocytes: sum.schistocytes + tally.schistocytes,
            others: sum.others + tally.others,
            undecided: sum.undecided + tally.undecided,
            unread_called: sum.unread_called + tally.unread_called,
            unread_near: sum.unread_near + tally.unread_near,
        })
    }
}

/// What a reviewed count rests on beside its cells.
#[derive(Debug, Clone, PartialEq)]
pub struct ReviewOptions {
    /// Selects the reference limit.
    pub age_group: AgeGroup,
    /// Fewest red cells for a percentage.
    pub min_cells: u64,
    /// The laboratory's grades; `None` gives no grade.
    pub grading: Option<GradingTable>,
    /// How often the count was looked at before it ended.
    pub looks: Looks,
    /// How like the films that the model learned from the film is.
    pub film: Likeness,
    /// Share of schistocytes from the review threshold on, as it may hold on this film; `None` where it was not measured.
    pub sensitivity: Option<EstimatedRate>,
    /// Other abnormal shapes of the film.
    pub other_shapes: OtherShapes,
    /// The schistocytes of the point by form.
    pub forms: FormTally,
}

/// The count of a film whose suspicious cells a person read; fractions 0–1.
#[derive(Debug, Clone, PartialEq)]
pub struct ReviewedCount {
    /// All fields together.
    pub tally: ReadTally,
    /// Schistocytes of the point / red cells; `None` without a red cell.
    pub fraction: Option<f64>,
    /// Wilson score interval of the point.
    pub wilson: Option<Interval>,
    /// Percentile bootstrap over fields of the point.
    pub field_bootstrap: Option<Interval>,
    /// From what was read as schistocyte up to what may be one; its upper limit is 1 where the sensitivity is not known.
    pub interval: Option<Interval>,
    /// Reference limit of the age group.
    pub threshold: f64,
    /// Fewest red cells for a percentage.
    pub min_cells: u64,
    /// The limits that placed it.
    pub placing: Option<Placing>,
    /// Where the true share lies against the threshold.
    pub state: State,
    /// Whether schistocytes are the main change of shape.
    pub context: Option<Context>,
    /// Other abnormal shapes of the film.
    pub other_shapes: OtherShapes,
    /// The schistocytes of the point by form.
    pub forms: FormTally,
    /// Grade by the laboratory's table.
    pub grade: Option<Grade>,
}

/// Cells that nobody read, and what reading them can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outlook {
    /// No outcome of the unread cells turns the state.
    Settled,
    /// The state is open; it is settled after this many more, if they read as they were called.
    ReadMore(u64),
    /// The state stays open even where all are read as they were called: more red cells are needed.
    MoreCells,
}

impl ReviewedCount {
    /// Counts the accepted fields of a specimen.
    pub fn of_fields(fields: &[ReadTally], options: &ReviewOptions) -> Self {
        let tally: ReadTally = fields.iter().sum();
        let (counted, red_cells) = (tally.counted(), tally.red_cells);
        let fraction = (red_cells > 0).then(|| counted as f64 / red_cells as f64);
        let wilson = proportion::wilson(counted, red_cells);
        let drawn = drawn(fields);
        let field_bootstrap = drawn.map(|[_, counted, _]| counted);
        let limits = Limits::of(fields, options, drawn);
        let placing = limits.map(|limits| limits.placing());
        let state = options.state(&tally, placing.as_ref());
        let context = limits.map(|limits| {
            // What was read has no floor of false calls.
            let called = CalledSchistocytes { cells: counted, red_cells, low: limits.low, floor: Some((0.0, 0.0)) };
            Context::of(&called, &options.other_shapes)
        });
        let placed = !matches!(state, State::Insufficient | State::NotAssessable);
        let graded = placed && context != Some(Context::MixedPoikilocytosis);
        let grade = options.grading.as_ref().filter(|_| graded).zip(fraction);
        Self {
            tally,
            fraction,
            wilson,
            field_bootstrap,
            interval: limits.and_then(|limits| Interval::new(limits.low, limits.high.unwrap_or(1.0))),
            threshold: threshold(options.age_group),
            min_cells: options.min_cells,
            placing,
            state,
            context,
            other_shapes: options.other_shapes,
            forms: options.forms,
            grade: grade.and_then(|(table, fraction)| table.grade(100.0 * fraction)),
        }
    }

    /// What reading on can do; `unread` are the cells that are left, in the order in which they are shown, each with its field
    /// and whether it was called.
    pub fn outlook(fields: &[ReadTally], unread: &[(usize, bool)], options: &ReviewOptions) -> Outlook {
        // METHOD: the bootstrap takes nearly all the time and only widens the limits, so what is not placed without it is
        // not placed with it.
        let placed_after = |read: usize, with_bootstrap: bool| {
            let mut fields = fields.to_vec();
            for &(field, called) in &unread[..read] {
                let field = &mut fields[field];
                match called {
                    true => {
                        (field.unread_called, field.schistocytes) = (field.unread_called - 1, field.schistocytes + 1)
                    }
                    false => (field.unread_near, field.others) = (field.unread_near - 1, field.others + 1),
                }
            }
            let tally: ReadTally = fields.iter().sum();
            let drawn = if with_bootstrap { drawn(&fields) } else { None };
            let placing = Limits::of(&fields, options, drawn).map(|limits| limits.placing());
            options.state(&tally, placing.as_ref()) != State::Indeterminate
        };
        // The more is read, the narrower the limits: what is placed stays placed.
        let first_placed = |from: usize, with_bootstrap: bool| {
            let (mut low, mut high) = (from, unread.len() + 1);
            while low < high {
                let middle = low.midpoint(high);
                match middle <= unread.len() && !placed_after(middle, with_bootstrap) {
                    true => low = middle + 1,
                    false => high = middle,
                }
            }
            low
        };
        let least = first_placed(0, false);
        if least > unread.len() {
            return Outlook::MoreCells;
        }
        match if placed_after(least, true) { least } else { first_placed(least + 1, true) } {
            0 => Outlook::Settled,
            read if read <= unread.len() => Outlook::ReadMore(read as u64),
            _ => Outlook::MoreCells,
        }
    }
}

impl ReviewOptions {
    fn state(&self, tally: &ReadTally, placing: Option<&Placing>) -> State {
        // METHOD: on a film as far off nobody knows what lies below the threshold, unless all was read.
        match self.film {
            Likeness::Beyond if tally.read() < tally.red_cells => State::NotAssessable,
            _ => State::of(tally.red_cells, self.min_cells, placing, threshold(self.age_group)),
        }
    }
}

/// Limits of the true share.
#[derive(Debug, Clone, Copy)]
struct Limits {
    low: f64,
    /// `None` where the sensitivity is not known and cells were left unread.
    high: Option<f64>,
}

impl Limits {
    /// `None` without a red cell; `drawn` are the intervals of [`drawn`], where they are asked for.
    fn of(fields: &[ReadTally], options: &ReviewOptions, drawn: Option<[Interval; 3]>) -> Option<Self> {
        let tally: ReadTally = fields.iter().sum();
        let widest = |of: fn(&ReadTally) -> u64, drawn: Option<Interval>| {
            let wilson = proportion::wilson(of(&tally), tally.red_cells)?;
            let looked = match options.looks {
                Looks::Once => None,
                Looks::EveryField => sequential::of_clusters(&pairs(fields, of), threshold(options.age_group)),
            };
            Some([drawn, looked].into_iter().flatten().fold(wilson, |all, one| all.union(&one)))
        };
        let low = widest(|tally| tally.schistocytes, drawn.map(|[read, ..]| read))?.low();
        let high = widest(ReadTally::at_most, drawn.map(|[.., at_most]| at_most))?.high();
        let shown = match tally.read() == tally.red_cells {
            true => Some(1.0),
            false => options.sensitivity.and_then(EstimatedRate::interval).map(|interval| interval.low()),
        };
        let high = shown.filter(|shown| *shown > 0.0).map(|shown| (high / shown).min(1.0));
        Some(Self { low, high })
    }

    fn placing(&self) -> Placing {
        let of = |fraction| PlacingLimit { fraction, of: IntervalName::Reviewed };
        Placing { low: Some(of(self.low)), high: self.high.map(of) }
    }
}

/// Bootstrap over fields of what was read as schistocyte, what is counted, and what may be one at most.
fn drawn(fields: &[ReadTally]) -> Option<[Interval; 3]> {
    let counts = |field: &ReadTally| ([field.schistocytes, field.counted(), field.at_most()], field.red_cells);
    bootstrap::ratio_intervals(&fields.iter().map(counts).collect::<Vec<_>>())
}

/// What is counted and all red cells, field by field.
fn pairs(fields: &[ReadTally], of: fn(&ReadTally) -> u64) -> Vec<(u64, u64)> {
    fields.iter().map(|field| (of(field), field.red_cells)).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn options() -> ReviewOptions {
        ReviewOptions {
            age_group: AgeGroup::Adult,
            min_cells: 1000,
            grading: None,
            looks: Looks::Once,
            film: Likeness::Learned,
            sensitivity: Some(EstimatedRate { rate: 0.95, trials: 400 }),
            other_shapes: OtherShapes { assessed: true, ..OtherShapes::default() },
            forms: FormTally::default(),
        }
    }

    /// Of `red_cells`: read as schistocytes and as others, called and unread, nearly called and unread.
    fn film(red_cells: u64, [schistocytes, others, unread_called, unread_near]: [u64; 4]) -> ReadTally {
        ReadTally { red_cells, schistocytes, others, undecided: 0, unread_called, unread_near }
    }

    fn of(tally: ReadTally) -> ReviewedCount {
        ReviewedCount::of_fields(&[tally], &options())
    }

    #[test]
    fn what_was_read_has_no_floor_and_what_was_not_is_open() {
        // Wilson of 29 of 1,204: 1.68 to 3.44 %.
        let read = of(film(1204, [29, 40, 0, 0]));
        let limits = read.interval.expect("cells");
        assert_eq!((limits.low() * 1e4).round() / 1e2, 1.68);
        // 3.44 % by the lower limit of 95 % of 400: 92.4 %.
        assert_eq!((limits.high() * 1e4).round() / 1e2, 3.72);
        assert_eq!((read.state, read.context), (State::Above, Some(Context::SchistocytesPredominate)));
        // The same cells, none of them read: nothing is sure of them.
        let unread = of(film(1204, [0, 0, 29, 40]));
        assert_eq!((unread.state, unread.interval.map(|interval| interval.low())), (State::Indeterminate, Some(0.0)));
        assert_eq!(unread.fraction, read.fraction);
    }

    #[test]
    fn an_undecided_cell_is_in_the_upper_limit_alone() {
        let sure = of(film(5000, [10, 50, 0, 0]));
        let doubted = of(ReadTally { undecided: 20, others: 30, ..film(5000, [10, 0, 0, 0]) });
        assert_eq!(doubted.fraction, sure.fraction);
        let limits = |count: &ReviewedCount| count.interval.expect("cells");
        assert_eq!(limits(&doubted).low(), limits(&sure).low());
        assert!(limits(&doubted).high() > limits(&sure).high());
    }

    #[test]
    fn without_a_sensitivity_nothing_is_placed_below_unless_all_was_read() {
        let unknown = ReviewOptions { sensitivity: None, ..options() };
        let count = |tally| ReviewedCount::of_fields(&[tally], &unknown);
        assert_eq!(count(film(5000, [1, 99, 0, 0])).state, State::Indeterminate);
        assert_eq!(count(film(5000, [1, 4999, 0, 0])).state, State::NotAbove);
        assert_eq!(count(film(1000, [30, 9, 0, 0])).state, State::Above);
    }

    #[test]
    fn a_film_beyond_all_that_were_tried_is_assessable_only_where_all_was_read() {
        let beyond = ReviewOptions { film: Likeness::Beyond, ..options() };
        let state = |tally| ReviewedCount::of_fields(&[tally], &beyond).state;
        assert_eq!(state(film(1000, [30, 969, 0, 0])), State::NotAssessable);
        assert_eq!(state(film(1000, [30, 970, 0, 0])), State::Above);
    }

    #[test]
    fn fewer_than_the_minimum_are_insufficient_and_none_not_assessable() {
        assert_eq!(of(film(999, [99, 0, 0, 0])).state, State::Insufficient);
        assert_eq!(of(film(1000, [99, 0, 0, 0])).state, State::Above);
        assert_eq!(of(ReadTally::default()).state, State::NotAssessable);
    }

    fn outlook(tally: ReadTally) -> Outlook {
        let called = std::iter::repeat_n((0, true), tally.unread_called as usize);
        let unread: Vec<_> = called.chain(std::iter::repeat_n((0, false), tally.unread_near as usize)).collect();
        ReviewedCount::outlook(&[tally], &unread, &options())
    }

    #[test]
    fn it_says_how_many_more_are_to_be_read() {
        // 1,000 cells: above from 17 schistocytes on (Wilson from 1.06 %), 16 give 0.99 %.
        assert_eq!(outlook(film(1000, [10, 0, 30, 30])), Outlook::ReadMore(7));
        assert_eq!(outlook(film(1000, [16, 0, 30, 30])), Outlook::ReadMore(1));
        assert_eq!(outlook(film(1000, [17, 0, 30, 30])), Outlook::Settled);
        assert_eq!(outlook(film(1000, [10, 60, 0, 0])), Outlook::MoreCells);
        // Too few cells stay too few.
        assert_eq!(outlook(film(900, [10, 0, 30, 30])), Outlook::Settled);
    }

    proptest! {
        #[test]
        fn reading_never_leaves_the_interval_of_before(
            s in 0_u64..20, called in 0_u64..30, near in 0_u64..30, hits in 0.0..=1.0_f64,
        ) {
            let before = of(film(2000, [s, 0, called, near])).interval.expect("cells");
            let found = (hits * (called + near) as f64).round() as u64;
            let after = of(film(2000, [s + found, called + near - found, 0, 0])).interval.expect("cells");
            prop_assert!(after.low() >= before.low() - 1e-12 && after.high() <= before.high() + 1e-12);
        }

        #[test]
        fn the_interval_holds_the_point(
            s in 0_u64..50, others in 0_u64..50, called in 0_u64..30, near in 0_u64..30, undecided in 0_u64..20,
        ) {
            let tally = ReadTally { undecided, ..film(1500, [s, others, called, near]) };
            let count = ReviewedCount::of_fields(&[tally, film(700, [0, 0, 1, 1])], &options());
            let (point, interval) = (count.fraction.expect("cells"), count.interval.expect("cells"));
            prop_assert!(interval.low() <= point && point <= interval.high());
        }

        #[test]
        fn what_is_settled_stays_so_whatever_the_rest_reads(
            s in 0_u64..40, called in 0_u64..20, near in 0_u64..20, hits in 0.0..=1.0_f64,
        ) {
            let tally = film(2000, [s, 0, called, near]);
            prop_assume!(outlook(tally) == Outlook::Settled);
            let found = (hits * (called + near) as f64).round() as u64;
            prop_assert_eq!(of(film(2000, [s + found, called + near - found, 0, 0])).state, of(tally).state);
        }
    }
}
