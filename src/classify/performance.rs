//! What a card states as measured.
//!
//! Sensitivity and specificity are those of the classifier on cells that the pipeline counts: they correct a count, and its
//! denominator is the counted cells. End-to-end estimates stand among the further ones.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::error::CardField;
use crate::smear::CellClass;

/// Share of healthy people's cells that a model calls schistocyte, from its card.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HealthyShare {
    /// Share, %.
    pub percent: f64,
    /// Lower limit of its 95 % interval, %.
    pub low: f64,
    /// Upper limit of its 95 % interval, %.
    pub high: f64,
    /// Cells behind it.
    pub cells: u64,
    /// Fields they lie in.
    pub measured_on: String,
}

/// Share of healthy people's cells that a model calls a class, from its card.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClassHealthyShare {
    /// The class.
    pub class: CellClass,
    /// Share, %.
    pub percent: f64,
    /// Lower limit of its 95 % interval, %.
    pub low: f64,
    /// Upper limit of its 95 % interval, %.
    pub high: f64,
    /// Cells behind it.
    pub cells: u64,
    /// Fields they lie in.
    pub measured_on: String,
}

/// What networks of the same training reached on origins that were left out of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnseenOrigins {
    /// Share of schistocytes called schistocyte, 0–1.
    pub sensitivity: f64,
    /// Schistocytes behind the sensitivity.
    pub sensitivity_cells: u64,
    /// Data it was measured on.
    pub sensitivity_measured_on: String,
    /// The floor of false positives there.
    pub false_positive_floor: HealthyShare,
}

/// How far the percentage of a film moves with its pictures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Repeatability {
    /// Root of the mean square of the relative changes, share of the percentage.
    pub relative_sd: f64,
    /// Changes behind it.
    pub changes: u64,
    /// Films and changes it was measured on.
    pub measured_on: String,
}

/// The range of a measure on the films of the training, and on films of unseen origins that networks were tried on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FilmRange {
    /// Name in the quality of a field, with its unit.
    pub measure: String,
    /// Lowest of the films of the training.
    pub low: f64,
    /// Highest of the films of the training.
    pub high: f64,
    /// Lowest of the films of unseen origins; at most `low`.
    pub tried_low: f64,
    /// Highest of them; at least `high`.
    pub tried_high: f64,
}

/// An estimate of an evaluation, as the card states it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CardEstimate {
    /// Set it was measured on.
    pub set: String,
    /// Name of the estimate, as in the record of a suite.
    pub figure: String,
    /// The estimate.
    pub value: f64,
    /// Lower limit of its 95 % interval.
    pub low: Option<f64>,
    /// Upper limit of its 95 % interval.
    pub high: Option<f64>,
    /// Cells, boxes, fields or specimens behind it.
    pub n: u64,
}

/// What was measured at the operating point; what was not is `None`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeasuredPerformance {
    /// Share of schistocytes called schistocyte, 0–1.
    pub sensitivity: Option<f64>,
    /// Schistocytes behind the sensitivity.
    pub sensitivity_cells: Option<u64>,
    /// Share of other red cells not called schistocyte, 0–1.
    pub specificity: Option<f64>,
    /// Other red cells behind the specificity.
    pub specificity_cells: Option<u64>,
    /// Data they were measured on.
    pub measured_on: Option<String>,
    /// The floor of false positives.
    pub false_positive_floor: Option<HealthyShare>,
    /// The floors of other classes, each class once; a class without one is never reported as present.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub class_floors: Vec<ClassHealthyShare>,
    /// What holds on films of other origins; left out where no network was trained without an origin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unseen_origins: Option<UnseenOrigins>,
    /// How far the percentage moves with the pictures; left out where that was not measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeatability: Option<Repeatability>,
    /// What tells whether a film is like those of the training, each measure once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub film_ranges: Vec<FilmRange>,
    /// Further estimates, in the order of their evaluation.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub figures: Vec<CardEstimate>,
}

/// A stated value that cannot be true, and why.
pub(super) struct Unsound {
    /// The field.
    pub(super) field: CardField,
    /// What was expected.
    pub(super) expected: &'static str,
    /// What was found.
    pub(super) found: String,
}

/// What a floor must be.
const SOUND_FLOOR: &str = "0 ≤ low ≤ percent ≤ high ≤ 100 on at least 1 cell";

impl MeasuredPerformance {
    /// The first value that is out of range, stands without its cells or contradicts another.
    pub(super) fn unsound(&self) -> Option<Unsound> {
        unsound_rate(CardField::Sensitivity, self.sensitivity, self.sensitivity_cells)
            .or_else(|| unsound_rate(CardField::Specificity, self.specificity, self.specificity_cells))
            .or_else(|| {
                let found = unsound_share(self.false_positive_floor.as_ref()?)?;
                Some(Unsound { field: CardField::FalsePositiveFloor, expected: SOUND_FLOOR, found })
            })
            .or_else(|| self.unsound_class_floor())
            .or_else(|| self.unsound_origins())
            .or_else(|| self.unsound_repeatability())
            .or_else(|| self.unsound_range())
    }

    fn unsound_class_floor(&self) -> Option<Unsound> {
        let floors = &self.class_floors;
        let of = |(index, floor): (usize, &ClassHealthyShare)| {
            let ClassHealthyShare { class, percent, low, high, cells, .. } = floor;
            let twice = floors[..index].iter().any(|before| before.class == *class);
            if twice || *class == CellClass::Schistocyte {
                let expected = "each class once, and schistocyte in performance.false_positive_floor";
                return Some((expected, class.name().to_owned()));
            }
            let found = unsound_limits([*low, *percent, *high], *cells)?;
            Some((SOUND_FLOOR, format!("{}: {found}", class.name())))
        };
        let (expected, found) = floors.iter().enumerate().find_map(of)?;
        Some(Unsound { field: CardField::ClassFloors, expected, found })
    }

    fn unsound_origins(&self) -> Option<Unsound> {
        let unseen = self.unseen_origins.as_ref()?;
        let rate = (!(0.0..=1.0).contains(&unseen.sensitivity) || unseen.sensitivity_cells == 0)
            .then(|| format!("a sensitivity of {} on {} cells", unseen.sensitivity, unseen.sensitivity_cells));
        let found = rate.or_else(|| unsound_share(&unseen.false_positive_floor))?;
        let expected = "a sensitivity of 0 to 1 and a floor of 0 ≤ low ≤ percent ≤ high ≤ 100, each on at least 1 cell";
        Some(Unsound { field: CardField::UnseenOrigins, expected, found })
    }

    fn unsound_repeatability(&self) -> Option<Unsound> {
        let Repeatability { relative_sd, changes, .. } = self.repeatability.as_ref()?;
        let is_sound = (0.0..=1.0).contains(relative_sd) && *changes > 0;
        let found = format!("{relative_sd} of {changes} changes");
        let expected = "a relative standard deviation of 0 to 1 of at least 1 change";
        (!is_sound).then_some(Unsound { field: CardField::Repeatability, expected, found })
    }

    fn unsound_range(&self) -> Option<Unsound> {
        let ranges = &self.film_ranges;
        let is_unsound = |(index, range): &(usize, &FilmRange)| {
            let limits = [range.tried_low, range.low, range.high, range.tried_high];
            let twice = ranges[..*index].iter().any(|before| before.measure == range.measure);
            twice || !limits.is_sorted() || limits.iter().any(|limit| !limit.is_finite())
        };
        let (_, range) = ranges.iter().enumerate().find(is_unsound)?;
        let found =
            format!("{}: {} ≤ {} ≤ {} ≤ {}", range.measure, range.tried_low, range.low, range.high, range.tried_high);
        let expected = "tried_low ≤ low ≤ high ≤ tried_high, each measure once";
        Some(Unsound { field: CardField::FilmRanges, expected, found })
    }
}

fn unsound_rate(field: CardField, share: Option<f64>, cells: Option<u64>) -> Option<Unsound> {
    let is_sound = match (share, cells) {
        (None, None) => true,
        (Some(share), Some(cells)) => (0.0..=1.0).contains(&share) && cells > 0,
        _ => false,
    };
    let expected = "0 to 1 together with the number of cells behind it, or both null";
    let found = format!("{} on {} cells", or_null(share), or_null(cells));
    (!is_sound).then_some(Unsound { field, expected, found })
}

fn unsound_share(share: &HealthyShare) -> Option<String> {
    unsound_limits([share.low, share.percent, share.high], share.cells)
}

/// A share in percent between its limits, where they are not sound.
fn unsound_limits([low, percent, high]: [f64; 3], cells: u64) -> Option<String> {
    let limits = [0.0, low, percent, high, 100.0];
    let sound = limits.is_sorted() && !limits.iter().any(|limit| limit.is_nan()) && cells > 0;
    (!sound).then(|| format!("{low} ≤ {percent} ≤ {high} on {cells} cells"))
}

fn or_null<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(|| "null".to_owned(), |value| value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn floor() -> HealthyShare {
        HealthyShare { percent: 0.2, low: 0.1, high: 0.4, cells: 1000, measured_on: "left out".to_owned() }
    }

    fn refused(performance: &MeasuredPerformance) -> Option<CardField> {
        performance.unsound().map(|unsound| unsound.field)
    }

    #[test]
    fn figures_of_unseen_origins_are_sound() {
        let of = |sensitivity: f64, sensitivity_cells: u64, false_positive_floor: HealthyShare| {
            let sensitivity_measured_on = "left out".to_owned();
            let unseen =
                UnseenOrigins { sensitivity, sensitivity_cells, sensitivity_measured_on, false_positive_floor };
            refused(&MeasuredPerformance { unseen_origins: Some(unseen), ..MeasuredPerformance::default() })
        };
        assert_eq!(of(0.5, 87, floor()), None);
        for bad in [of(1.1, 87, floor()), of(0.5, 0, floor()), of(0.5, 87, HealthyShare { low: 0.3, ..floor() })] {
            assert_eq!(bad, Some(CardField::UnseenOrigins));
        }
    }

    #[test]
    fn a_repeatability_is_a_share_of_changes() {
        let of = |relative_sd, changes| {
            let repeatability = Some(Repeatability { relative_sd, changes, measured_on: "val".to_owned() });
            refused(&MeasuredPerformance { repeatability, ..MeasuredPerformance::default() })
        };
        assert_eq!((of(0.0, 1), of(0.06, 9)), (None, None));
        for bad in [of(-0.1, 9), of(1.1, 9), of(f64::NAN, 9), of(0.06, 0)] {
            assert_eq!(bad, Some(CardField::Repeatability));
        }
    }

    #[test]
    fn ranges_of_films_lie_in_each_other_and_stand_once() {
        let range = |low, high, tried_low, tried_high| FilmRange {
            measure: "focus_per_um".to_owned(),
            low,
            high,
            tried_low,
            tried_high,
        };
        let of = |film_ranges: Vec<FilmRange>| {
            refused(&MeasuredPerformance { film_ranges, ..MeasuredPerformance::default() })
        };
        let sound = range(1.0, 2.0, 0.5, 2.0);
        assert_eq!(of(vec![sound.clone()]), None);
        for bad in [
            vec![sound.clone(), sound.clone()],
            vec![range(2.0, 1.0, 0.5, 2.0)],
            vec![range(1.0, 2.0, 1.1, 2.0)],
            vec![range(1.0, 2.0, 0.5, 1.9)],
            vec![range(1.0, f64::INFINITY, 0.5, f64::INFINITY)],
        ] {
            assert_eq!(of(bad), Some(CardField::FilmRanges));
        }
    }
}
