//! The cells that films are drawn from, and the figures of a half of them.

use sha1::{Digest, Sha1};

use crate::count::{ClassFloors, MeasuredFloor, Performance};
use crate::evaluate::answers::Answer;
use crate::evaluate::labels::readings::KnownTruth;
use crate::smear::CellClass;
use crate::stats::Probability;
use crate::stats::proportion::wilson;

const CLASSES: usize = CellClass::ALL.len();

/// A half of the groups: those whose name has an even SHA-1, and the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Half {
    /// Even.
    First,
    /// Odd.
    Second,
}

impl Half {
    /// Whether the group of a cell, else its field, is in the half.
    fn holds(self, answer: &Answer) -> bool {
        let name = answer.group.as_deref().unwrap_or(&answer.field);
        let is_odd = Sha1::digest(name.as_bytes()).last().is_some_and(|byte| byte % 2 == 1);
        is_odd == (self == Self::Second)
    }
}

/// Why no film can be drawn.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PoolsError {
    /// A kind has no cell.
    #[error("expected a counted cell that is {what}{}, found none; name further evaluations", in_half(*half))]
    NoCell {
        /// Kind of cell.
        what: &'static str,
        /// In which half; in all where `None`.
        half: Option<Half>,
    },
}

fn in_half(half: Option<Half>) -> &'static str {
    if half.is_some() { " in each half of the groups" } else { "" }
}

/// Called classes of cells of one kind, by weight.
#[derive(Debug, Clone, PartialEq)]
pub struct ClassPool {
    cumulative: [f64; CLASSES],
    squares: f64,
    cells: u64,
}

impl ClassPool {
    /// A pool; `None` without a cell.
    pub(super) fn of(cells: impl IntoIterator<Item = (CellClass, f64)>) -> Option<Self> {
        let mut pool = Self { cumulative: [0.0; CLASSES], squares: 0.0, cells: 0 };
        for (class, weight) in cells {
            pool.cumulative[class.index()..].iter_mut().for_each(|sum| *sum += weight);
            pool.squares += weight * weight;
            pool.cells += 1;
        }
        (pool.cells > 0).then_some(pool)
    }

    fn total(&self) -> f64 {
        self.cumulative[CLASSES - 1]
    }

    /// The class at a position from 0 (with) to 1 (without).
    pub(super) fn draw(&self, position: f64) -> CellClass {
        let at = position * self.total();
        let class = CellClass::ALL.into_iter().find(|class| at < self.cumulative[class.index()]);
        class.unwrap_or(CellClass::ALL[CLASSES - 1])
    }

    /// Share called schistocyte, by weight.
    fn called(&self) -> f64 {
        let index = CellClass::Schistocyte.index();
        (self.cumulative[index] - self.cumulative[index - 1]) / self.total()
    }

    /// Kish's effective number of cells, rounded down.
    fn effective(&self) -> u64 {
        (self.total() * self.total() / self.squares) as u64
    }
}

/// Counted cells by what they are.
#[derive(Debug, Clone, PartialEq)]
pub struct Pools {
    /// Cells that are schistocytes.
    pub(super) schistocytes: ClassPool,
    /// Cells of the read sets that are none.
    pub(super) read_none: ClassPool,
    /// Cells of healthy sets.
    pub(super) healthy: ClassPool,
}

impl Pools {
    /// The cells of a half of the groups, of all where `None`.
    ///
    /// # Errors
    /// [`PoolsError`] where one kind of cell is missing.
    pub fn of(read: &[Answer], healthy: &[Answer], half: Option<Half>) -> Result<Self, PoolsError> {
        let pool = |answers: &[Answer], truth: KnownTruth, what: &'static str| {
            let is_in = |answer: &&Answer| answer.truth == truth && half.is_none_or(|half| half.holds(answer));
            let classes = answers.iter().filter(is_in).filter_map(|answer| Some((answer.called?, answer.weight)));
            ClassPool::of(classes).ok_or(PoolsError::NoCell { what, half })
        };
        Ok(Self {
            schistocytes: pool(read, KnownTruth::Schistocyte, "read as schistocyte")?,
            read_none: pool(read, KnownTruth::None, "none in a read set")?,
            healthy: pool(healthy, KnownTruth::None, "healthy")?,
        })
    }

    /// What an evaluation on these cells would put into a card.
    pub fn performance(&self) -> Performance {
        let share = |value: f64| Probability::new(value).ok();
        let (healthy, cells) = (self.healthy.called(), self.healthy.effective());
        let interval = wilson((healthy * cells as f64).round() as u64, cells);
        Performance {
            sensitivity: share(self.schistocytes.called()),
            sensitivity_cells: Some(self.schistocytes.effective()),
            specificity: share(1.0 - self.read_none.called()),
            specificity_cells: Some(self.read_none.effective()),
            healthy_floor: share(healthy).zip(interval).map(|(share, interval)| MeasuredFloor {
                share,
                interval,
                cells,
            }),
            class_floors: ClassFloors::default(),
            unseen: None,
            repeatability_relative_sd: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use CellClass::{Burr, Normal, Schistocyte};

    #[test]
    fn classes_are_drawn_by_their_weight() {
        let pool = ClassPool::of([(Burr, 1.0), (Normal, 2.0), (Schistocyte, 1.0)]).expect("cells");
        let drawn = [0.0, 0.49, 0.5, 0.74, 0.75, 0.999].map(|position| pool.draw(position));
        assert_eq!(drawn, [Normal, Normal, Burr, Burr, Schistocyte, Schistocyte]);
        assert_eq!(pool.called(), 0.25);
        // 4² / (1 + 4 + 1).
        assert_eq!(pool.effective(), 2);
        assert_eq!(ClassPool::of([]), None);
    }

    #[test]
    fn halves_are_disjoint_and_keep_groups_together() {
        let of = |field: &str, group: Option<&str>| Answer {
            group: group.map(str::to_owned),
            ..Answer::for_tests(field, KnownTruth::None, Normal)
        };
        for i in 0..20 {
            let (a, b) = (of(&format!("{i}.png"), None), of(&format!("{i}.png"), Some("slide")));
            assert_ne!(Half::First.holds(&a), Half::Second.holds(&a));
            assert_eq!(Half::First.holds(&b), Half::First.holds(&of("other.png", Some("slide"))));
        }
        let firsts = (0..40).filter(|i| Half::First.holds(&of(&format!("{i}.png"), None))).count();
        assert!((10..=30).contains(&firsts), "{firsts}");
    }

    #[test]
    fn figures_of_cells_by_weight() {
        let read = [
            Answer::for_tests("a", KnownTruth::Schistocyte, Schistocyte),
            Answer::for_tests("a", KnownTruth::Schistocyte, Normal),
            Answer { weight: 3.0, ..Answer::for_tests("a", KnownTruth::None, Normal) },
            Answer::for_tests("a", KnownTruth::None, Schistocyte),
            Answer { called: None, ..Answer::for_tests("a", KnownTruth::None, Schistocyte) },
            Answer::for_tests("a", KnownTruth::Undecided, Schistocyte),
        ];
        let healthy = [Answer::for_tests("h", KnownTruth::None, Normal)];
        let found = Pools::of(&read, &healthy, None).expect("cells").performance();
        let value = |share: Option<Probability>| share.map(Probability::value);
        assert_eq!((value(found.sensitivity), found.sensitivity_cells), (Some(0.5), Some(2)));
        assert_eq!((value(found.specificity), found.specificity_cells), (Some(0.75), Some(1)));
        assert_eq!(found.healthy_floor.map(|floor| floor.share.value()), Some(0.0));
    }
}
