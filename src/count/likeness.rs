//! Compares a film with the films that the model learned from, by what can be measured of its pictures.
//!
//! In: for each measure of a film its value, and the range that the model card states of it. Out: a [`FilmLikeness`]: every
//! measure with its range, and the worst of their places.
//!
//! METHOD: these are plain ranges of plain measures, not distances in the network's own features. A reader is told what is
//! unlike and can mend it (focus, light, stain, size of the picture), and a film of rare cells is not taken for a foreign
//! one. Within the learned range a count rests on what was measured on films like it. Outside of it the count rests on what
//! networks reached on films of an origin that was left out of their training ([`super::UnseenPerformance`]). Further off
//! than any origin that was tried, nothing was measured, and the count says nothing.
//!
//! Limits: measures are judged one by one, so that an unusual mixture of usual values passes. What is not measured is not
//! seen, such as a stain that shows other structures in the same colors.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::IntoStaticStr;

use crate::stats::median;

/// Name of the share of a film's whole red cells, by the detector, that the classifier takes for something else; of all accepted
/// fields together, since one field has few.
pub const NOT_RED_CELL_SHARE: &str = "not_red_cell_share";

/// Where a film stands to the films that the model learned from.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema, IntoStaticStr,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Likeness {
    /// Every measure is within the learned range.
    Learned,
    /// Nothing was measured, or the card states no range.
    Unknown,
    /// A measure is outside of the learned range, as on origins that were left out of a training.
    Unlike,
    /// A measure is further off than on any origin that was left out of a training.
    Beyond,
}

impl Likeness {
    /// Name as written in files; also the serde name.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// What the card states of a measure; all limits inclusive.
#[derive(Debug, Clone, PartialEq)]
pub struct LearnedRange {
    /// Name of the figure in the quality of a field, with its unit.
    pub measure: String,
    /// Lowest and highest of the films that were learned from.
    pub learned: [f64; 2],
    /// Lowest and highest at which networks were tried on films of an origin they had not seen.
    pub tried: [f64; 2],
}

/// A measure of a film and its range.
#[derive(Debug, Clone, PartialEq)]
pub struct FilmMeasure {
    /// The range.
    pub range: LearnedRange,
    /// Median of the film's accepted fields; `None` where none of them has the figure.
    pub value: Option<f64>,
}

impl FilmMeasure {
    /// Where the value lies.
    pub fn likeness(&self) -> Likeness {
        let within = |value: f64, [low, high]: [f64; 2]| (low..=high).contains(&value);
        match self.value {
            None => Likeness::Unknown,
            Some(value) if within(value, self.range.learned) => Likeness::Learned,
            Some(value) if within(value, self.range.tried) => Likeness::Unlike,
            Some(_) => Likeness::Beyond,
        }
    }
}

/// A film against the films that the model learned from.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FilmLikeness {
    /// Every measure that the card states a range of, in its order.
    pub measures: Vec<FilmMeasure>,
}

impl FilmLikeness {
    /// Each range with the median of the values that `values_of` gives for its measure.
    pub fn of(ranges: &[LearnedRange], values_of: impl Fn(&str) -> Vec<f64>) -> Self {
        let measure = |range: &LearnedRange| FilmMeasure {
            range: range.clone(),
            value: median::of_few(&mut values_of(&range.measure)),
        };
        Self { measures: ranges.iter().map(measure).collect() }
    }

    /// The worst place of all measures that have a value; unknown without one.
    pub fn worst(&self) -> Likeness {
        let known = self.measures.iter().map(FilmMeasure::likeness).filter(|likeness| *likeness != Likeness::Unknown);
        known.max().unwrap_or(Likeness::Unknown)
    }

    /// The measures outside of what was learned.
    pub fn outside(&self) -> impl Iterator<Item = &FilmMeasure> {
        self.measures.iter().filter(|measure| measure.likeness() >= Likeness::Unlike)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(measure: &str) -> LearnedRange {
        LearnedRange { measure: measure.to_owned(), learned: [1.0, 2.0], tried: [0.5, 3.0] }
    }

    fn likeness(value: f64) -> Likeness {
        FilmLikeness::of(&[range("a")], |_| vec![value]).worst()
    }

    #[test]
    fn limits_are_inclusive_on_both_sides() {
        use Likeness::{Beyond, Learned, Unlike};
        for (value, expected) in [
            (0.49, Beyond),
            (0.5, Unlike),
            (0.99, Unlike),
            (1.0, Learned),
            (2.0, Learned),
            (2.01, Unlike),
            (3.0, Unlike),
            (3.01, Beyond),
            (f64::NAN, Beyond),
        ] {
            assert_eq!(likeness(value), expected, "{value}");
        }
    }

    #[test]
    fn the_worst_measure_counts_and_one_without_a_value_does_not() {
        let values = |name: &str| match name {
            "a" => vec![1.0, 1.5, 9.0],
            "b" => vec![2.5],
            _ => Vec::new(),
        };
        let film = FilmLikeness::of(&[range("a"), range("b"), range("c")], values);
        assert_eq!(film.worst(), Likeness::Unlike);
        assert_eq!(film.measures.iter().map(|measure| measure.value).collect::<Vec<_>>(), [Some(1.5), Some(2.5), None]);
        assert_eq!(film.outside().map(|measure| measure.range.measure.as_str()).collect::<Vec<_>>(), ["b"]);
        assert_eq!(FilmLikeness::of(&[range("c")], values).worst(), Likeness::Unknown);
        assert_eq!(FilmLikeness::default().worst(), Likeness::Unknown);
    }
}
