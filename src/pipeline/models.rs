//! The two models of a run, which always go together, and what the classifier's card states of it.

use crate::classify::{Classifier, FilmRange, ModelCard};
use crate::count::{LearnedRange, MeasuredFloor, Performance, UnseenPerformance};
use crate::segment::Segmenter;
use crate::smear::CellClass;
use crate::stats::{Interval, Probability};

/// What finds the cells and what classifies them.
pub struct Models {
    /// Finds and outlines cells.
    pub segmenter: Segmenter,
    /// Classifies them.
    pub classifier: Classifier,
}

/// What a card states of its classifier, as a count takes it.
pub fn card_performance(card: &ModelCard) -> Performance {
    let checked = |value: Option<f64>| value.and_then(|value| Probability::new(value).ok());
    let measured = |percent: f64, low: f64, high: f64, cells: u64| {
        let share = Probability::new(percent / 100.0).ok()?;
        Some(MeasuredFloor { share, interval: Interval::new(low / 100.0, high / 100.0)?, cells })
    };
    let stated = &card.performance;
    let of_class = |class: CellClass| {
        let floor = stated.class_floors.iter().find(|floor| floor.class == class)?;
        measured(floor.percent, floor.low, floor.high, floor.cells)
    };
    let floor = stated.false_positive_floor.as_ref();
    Performance {
        sensitivity: checked(stated.sensitivity),
        sensitivity_cells: stated.sensitivity_cells,
        specificity: checked(stated.specificity),
        specificity_cells: stated.specificity_cells,
        healthy_floor: floor.and_then(|floor| measured(floor.percent, floor.low, floor.high, floor.cells)),
        class_floors: CellClass::ALL.map(of_class),
        repeatability_relative_sd: stated.repeatability.as_ref().map(|stated| stated.relative_sd),
        unseen: stated.unseen_origins.as_ref().and_then(|unseen| {
            let floor = &unseen.false_positive_floor;
            Some(UnseenPerformance {
                sensitivity: Probability::new(unseen.sensitivity).ok()?,
                sensitivity_cells: unseen.sensitivity_cells,
                healthy_floor: measured(floor.percent, floor.low, floor.high, floor.cells)?,
            })
        }),
    }
}

/// The ranges of films that a card states.
pub(super) fn learned_ranges(card: &ModelCard) -> Vec<LearnedRange> {
    let range = |range: &FilmRange| LearnedRange {
        measure: range.measure.clone(),
        learned: [range.low, range.high],
        tried: [range.tried_low, range.tried_high],
    };
    card.performance.film_ranges.iter().map(range).collect()
}
