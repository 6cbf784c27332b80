//! Whether a film shows a class of red cells, or only what the model calls in healthy films.
//!
//! In: counted cells by class, and for each class the share that the model calls in healthy films ([`MeasuredFloor`]). Out:
//! a [`ClassShare`] for each class, fractions 0–1, and the sums that [`Context`](super::Context) weighs.
//!
//! METHOD: a class is present only where the lower Wilson limit of its share lies above the upper limit of its own floor. A
//! class without a floor is never present: a model of thirteen classes calls some cells of every healthy film of another
//! camera `macrocyte` or `burr`, up to a third of them.
//!
//! METHOD: size classes ([`CellClass::is_size`]) need a known pixel size. Where it is estimated, the median red cell is
//! taken to be 7.5 µm wide, so that a film of large cells cannot be told from one of small pixels; the classes are then not
//! given.
//!
//! The floor of schistocytes is what a film without any would read ([`FalsePositiveFloor`]). A measured share of cells of
//! healthy people goes before 1 − specificity: the specificity was measured on labeled cells of patients, and the operating
//! point is often chosen on the same cells.
//!
//! Limits: floors are those of other films, other people and perhaps another camera. Healthy people's own few schistocytes
//! (0.05–0.15 % of their red cells) are in the measured share. Presence is a property of the film, never of one cell.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::IntoStaticStr;

use super::tally::FieldTally;
use crate::smear::CellClass;
use crate::stats::prevalence::EstimatedRate;
use crate::stats::{Interval, Probability, proportion};

/// Share of healthy people's cells that the model calls a class, as the card states it; fractions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MeasuredFloor {
    /// The share.
    pub share: Probability,
    /// Its 95 % interval.
    pub interval: Interval,
    /// Cells behind it.
    pub cells: u64,
}

impl MeasuredFloor {
    /// As the specificity of a correction.
    ///
    /// METHOD: the correction takes a rate and the trials behind it. Cells of one film are alike, and the card's interval
    /// allows for that. The trials are therefore those whose Wilson upper limit is the card's upper limit, at most the cells.
    pub fn specificity(&self) -> EstimatedRate {
        let share = self.share.value();
        let trials = proportion::effective_trials(share, self.interval.high(), self.cells);
        EstimatedRate { rate: 1.0 - share, trials }
    }
}

/// Where the false-positive floor comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FloorSource {
    /// Share of healthy people's cells that the model calls schistocyte.
    HealthyFilms,
    /// 1 − specificity, where no share of healthy people's cells was measured.
    Specificity,
}

/// What a film without schistocytes would read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FalsePositiveFloor {
    /// The share, 0–1.
    pub fraction: f64,
    /// Its 95 % interval; `None` where the number of cells behind it is unknown.
    pub interval: Option<Interval>,
    /// Where it comes from.
    pub source: FloorSource,
}

impl FalsePositiveFloor {
    /// The share measured on cells of healthy people.
    pub fn of_healthy_films(floor: &MeasuredFloor) -> Self {
        let (fraction, interval) = (floor.share.value(), Some(floor.interval));
        Self { fraction, interval, source: FloorSource::HealthyFilms }
    }

    /// 1 − specificity, with the Wilson interval of the false positives among the cells behind it.
    pub fn of_specificity(specificity: Probability, cells: Option<u64>) -> Self {
        let fraction = 1.0 - specificity.value();
        let interval = cells.and_then(|cells| {
            let false_positives = (fraction * cells as f64).round() as u64;
            proportion::wilson(false_positives, cells)
        });
        Self { fraction, interval, source: FloorSource::Specificity }
    }
}

/// What the share of a class says of the film.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum ClassFinding {
    /// The share lies above what the model calls in healthy films.
    Present,
    /// The share may be the model's error.
    WithinModelError,
    /// The card states no floor of this class.
    NotAssessed,
    /// A class of size, and the pixel size is not known.
    PixelSizeUnknown,
}

impl ClassFinding {
    /// Name as written in files; also the serde name.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// Floors of the classes in label order; `None` where the card states none.
pub type ClassFloors = [Option<MeasuredFloor>; CellClass::ALL.len()];

/// The called cells of a class.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClassShare {
    /// The class.
    pub class: CellClass,
    /// Counted cells called so.
    pub cells: u64,
    /// Wilson interval of their share of the counted red cells; `None` without a red cell.
    pub interval: Option<Interval>,
    /// Share called so in healthy films.
    pub floor: Option<MeasuredFloor>,
    /// What it says; `None` without a red cell and for what is no finding: normal, uncategorised, and schistocytes, which
    /// have a state.
    pub finding: Option<ClassFinding>,
}

impl ClassShare {
    /// Every class in label order.
    pub fn all(tally: &FieldTally, floors: &ClassFloors, pixel_size_known: bool) -> [Self; CellClass::ALL.len()] {
        CellClass::ALL.map(|class| {
            let (cells, floor) = (tally.of(class), floors[class.index()]);
            let interval = proportion::wilson(cells, tally.red_cells());
            let finding = interval.filter(|_| is_finding(class)).map(|interval| match floor {
                _ if class.is_size() && !pixel_size_known => ClassFinding::PixelSizeUnknown,
                None => ClassFinding::NotAssessed,
                Some(floor) if interval.low() > floor.interval.high() => ClassFinding::Present,
                Some(_) => ClassFinding::WithinModelError,
            });
            Self { class, cells, interval, floor, finding }
        })
    }

    /// Whether the class is a shape other than schistocyte that the film shows.
    pub fn is_shape_present(&self) -> bool {
        self.class.is_other_abnormal_shape() && self.finding == Some(ClassFinding::Present)
    }
}

fn is_finding(class: CellClass) -> bool {
    !matches!(class, CellClass::Normal | CellClass::Uncategorised | CellClass::Schistocyte)
}

/// Cells beyond those that a floor predicts; 0 where there are fewer.
pub(super) fn beyond_floor(cells: u64, red_cells: u64, floor: f64) -> f64 {
    (cells as f64 - red_cells as f64 * floor).max(0.0)
}

/// Other abnormal shapes of a film.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct OtherShapes {
    /// Whether the card states a floor of every such class.
    pub assessed: bool,
    /// Called cells of the classes that are present.
    pub present: u64,
    /// The same less what their floors predict.
    pub beyond_floors: f64,
}

impl OtherShapes {
    /// Of the classes of a film.
    pub fn of(classes: &[ClassShare], red_cells: u64) -> Self {
        let shapes = || classes.iter().filter(|share| share.class.is_other_abnormal_shape());
        let present = || shapes().filter(|share| share.is_shape_present());
        let beyond =
            |share: &ClassShare| Some(beyond_floor(share.cells, red_cells, share.floor.as_ref()?.share.value()));
        Self {
            assessed: shapes().all(|share| share.floor.is_some()),
            present: present().map(|share| share.cells).sum(),
            beyond_floors: present().filter_map(beyond).sum(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A floor of 2 % with limits of 1 and 3 %.
    fn floor() -> MeasuredFloor {
        MeasuredFloor {
            share: Probability::new(0.02).expect("a share"),
            interval: Interval::new(0.01, 0.03).expect("ordered"),
            cells: 5000,
        }
    }

    fn share_of(class: CellClass, cells: usize, floors: &ClassFloors, pixel_size_known: bool) -> ClassShare {
        let of = std::iter::repeat_n;
        let tally: FieldTally = of(CellClass::Normal, 1000 - cells).chain(of(class, cells)).collect();
        ClassShare::all(&tally, floors, pixel_size_known)[class.index()]
    }

    fn finding(class: CellClass, cells: usize, floors: &ClassFloors, known: bool) -> Option<ClassFinding> {
        share_of(class, cells, floors, known).finding
    }

    #[test]
    fn present_on_both_sides_of_the_upper_limit_of_its_own_floor() {
        // Wilson 95 % of 41 of 1,000: from 3.04 %; of 40: from 2.95 %.
        let floors = [Some(floor()); 13];
        assert_eq!(finding(CellClass::Burr, 41, &floors, false), Some(ClassFinding::Present));
        assert_eq!(finding(CellClass::Burr, 40, &floors, false), Some(ClassFinding::WithinModelError));
        assert_eq!(finding(CellClass::Burr, 0, &floors, false), Some(ClassFinding::WithinModelError));
    }

    #[test]
    fn a_class_without_a_floor_is_never_present() {
        assert_eq!(finding(CellClass::Burr, 900, &[None; 13], true), Some(ClassFinding::NotAssessed));
    }

    #[test]
    fn size_classes_need_a_known_pixel_size() {
        let floors = [Some(floor()); 13];
        for class in [CellClass::Macrocyte, CellClass::Microcyte] {
            assert_eq!(finding(class, 900, &floors, false), Some(ClassFinding::PixelSizeUnknown));
            assert_eq!(finding(class, 900, &floors, true), Some(ClassFinding::Present));
            assert!(!share_of(class, 900, &floors, true).is_shape_present());
        }
        // Density and shape tell it, whatever the size.
        assert_eq!(finding(CellClass::Spherocyte, 900, &floors, false), Some(ClassFinding::Present));
    }

    #[test]
    fn normal_uncategorised_and_schistocyte_are_no_findings_and_nothing_is_found_without_a_cell() {
        let floors = [Some(floor()); 13];
        for class in [CellClass::Normal, CellClass::Uncategorised, CellClass::Schistocyte] {
            assert_eq!(finding(class, 500, &floors, true), None);
        }
        let nothing = ClassShare::all(&FieldTally::default(), &floors, true);
        assert!(nothing.iter().all(|share| share.finding.is_none() && share.interval.is_none()));
    }

    #[test]
    fn shapes_present_are_summed_with_what_their_floors_predict_taken_off() {
        let of = std::iter::repeat_n;
        let tally: FieldTally = of(CellClass::Normal, 780)
            .chain(of(CellClass::Burr, 100))
            .chain(of(CellClass::Target, 100))
            .chain(of(CellClass::Teardrop, 20))
            .collect();
        let mut floors = [Some(floor()); 13];
        let classes = ClassShare::all(&tally, &floors, true);
        let found = OtherShapes::of(&classes, 1000);
        assert_eq!(found, OtherShapes { assessed: true, present: 200, beyond_floors: 160.0 });
        floors[CellClass::Target.index()] = None;
        let partly = OtherShapes::of(&ClassShare::all(&tally, &floors, true), 1000);
        assert_eq!(partly, OtherShapes { assessed: false, present: 100, beyond_floors: 80.0 });
    }

    #[test]
    fn a_floor_whose_interval_allows_for_films_rests_on_fewer_cells() {
        let floor = |high| MeasuredFloor {
            share: Probability::new(0.001).expect("a share"),
            interval: Interval::new(0.0, high).expect("ordered"),
            cells: 3000,
        };
        let wilson = proportion::wilson(3, 3000).expect("cells").high();
        let alone = EstimatedRate { rate: 0.999, trials: 3000 };
        assert_eq!(floor(wilson).specificity(), alone);
        assert_eq!(floor(wilson / 2.0).specificity(), alone);
        assert!(floor(2.0 * wilson).specificity().trials < 1500);
    }

    #[test]
    fn the_floor_of_a_specificity_has_the_interval_of_its_false_positives() {
        let specificity = Probability::new(0.995).expect("a share");
        let floor = FalsePositiveFloor::of_specificity(specificity, Some(1000));
        assert!((floor.fraction - 0.005).abs() < 1e-12);
        assert_eq!(floor.interval, proportion::wilson(5, 1000));
        let unknown = FalsePositiveFloor::of_specificity(specificity, None);
        assert_eq!(unknown.interval, None);
    }
}
