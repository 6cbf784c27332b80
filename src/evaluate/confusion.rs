//! Labelled against called classes.
//!
//! In: for each labelled cell its class and the class called, `None` where it has no counted cell of its own. Out: the
//! table, precision, recall and F1 of each class on counted cells, their mean, and Cohen's kappa.
//!
//! METHOD: F1 is null for a class that no counted cell carries, and the mean passes over it: a class that is absent
//! from the labels says nothing of the classifier. In a resample the mean is over the classes that it holds.

use super::figures::{carried_by, ratio, share, statistic};
use super::record::{ClassFigures, ConfusionRow, Figure};
use crate::smear::CellClass;
use crate::stats::agreement::cohen_kappa;

const CLASSES: usize = CellClass::ALL.len();

/// Cells of one cluster: labelled class in rows, called class in columns.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Confusion {
    called: [[u64; CLASSES]; CLASSES],
    not_counted: [u64; CLASSES],
}

impl Confusion {
    /// Adds a labelled cell.
    pub(super) fn add(&mut self, labelled: CellClass, called: Option<CellClass>) {
        match called {
            Some(called) => self.called[labelled.index()][called.index()] += 1,
            None => self.not_counted[labelled.index()] += 1,
        }
    }

    /// The sum of clusters by weight.
    fn sum(clusters: &[Self], weights: &[u32]) -> Self {
        let mut sum = Self::default();
        for (cluster, &weight) in clusters.iter().zip(weights).filter(|(_, weight)| **weight > 0) {
            for row in 0..CLASSES {
                for column in 0..CLASSES {
                    sum.called[row][column] += cluster.called[row][column] * u64::from(weight);
                }
                sum.not_counted[row] += cluster.not_counted[row] * u64::from(weight);
            }
        }
        sum
    }

    /// Counted cells labelled so.
    fn labelled(&self, class: usize) -> u64 {
        self.called[class].iter().sum()
    }

    /// Counted cells called so.
    fn called(&self, class: usize) -> u64 {
        self.called.iter().map(|row| row[class]).sum()
    }

    /// F1 = 2·both / (labelled + called); `None` where no counted cell is labelled so.
    fn f1(&self, class: usize) -> Option<f64> {
        let labelled = self.labelled(class);
        let both = self.called[class][class] as f64;
        (labelled > 0).then(|| 2.0 * both / (labelled + self.called(class)) as f64)
    }

    fn macro_f1(&self) -> Option<f64> {
        let defined: Vec<_> = (0..CLASSES).filter_map(|class| self.f1(class)).collect();
        ratio(defined.iter().sum(), defined.len() as f64)
    }
}

/// Figures of all clusters.
pub(super) struct ConfusionFigures {
    pub(super) rows: Vec<ConfusionRow>,
    pub(super) classes: Vec<ClassFigures>,
    pub(super) macro_f1: Figure,
    pub(super) kappa: Figure,
}

impl ConfusionFigures {
    pub(super) fn of(clusters: &[Confusion]) -> Self {
        let total = Confusion::sum(clusters, &vec![1; clusters.len()]);
        let of_class = |class: CellClass| {
            let i = class.index();
            ClassFigures {
                class: class.name().to_owned(),
                precision: share(clusters.iter().map(|cluster| (cluster.called[i][i], cluster.called(i)))),
                recall: share(clusters.iter().map(|cluster| (cluster.called[i][i], cluster.labelled(i)))),
                f1: carried_by(
                    statistic(total.labelled(i), clusters.len(), |weights| Confusion::sum(clusters, weights).f1(i)),
                    clusters.iter().map(|cluster| cluster.labelled(i)),
                ),
            }
        };
        let row = |class: CellClass| ConfusionRow {
            labelled: class.name().to_owned(),
            called: total.called[class.index()].to_vec(),
            not_counted: total.not_counted[class.index()],
        };
        let occurring = (0..CLASSES).filter(|&class| total.labelled(class) > 0).count() as u64;
        let counted = (0..CLASSES).map(|class| total.labelled(class)).sum();
        Self {
            rows: CellClass::ALL.map(row).to_vec(),
            classes: CellClass::ALL.map(of_class).to_vec(),
            macro_f1: statistic(occurring, clusters.len(), |weights| Confusion::sum(clusters, weights).macro_f1()),
            kappa: statistic(counted, clusters.len(), |weights| cohen_kappa(&Confusion::sum(clusters, weights).called)),
        }
    }
}

#[cfg(test)]
mod tests {
    use CellClass::{Burr, Normal, Schistocyte};

    use super::*;

    fn clusters() -> Vec<Confusion> {
        let mut clusters = vec![Confusion::default(); 2];
        for (cluster, labelled, called, times) in [
            (0, Normal, Some(Normal), 8),
            (0, Normal, Some(Schistocyte), 2),
            (1, Schistocyte, Some(Schistocyte), 3),
            (1, Schistocyte, Some(Normal), 1),
            (1, Schistocyte, None, 1),
            (1, Burr, None, 4),
        ] {
            (0..times).for_each(|_| clusters[cluster].add(labelled, called));
        }
        clusters
    }

    #[test]
    fn figures_computed_by_hand() {
        let figures = ConfusionFigures::of(&clusters());
        let schistocyte = &figures.classes[Schistocyte.index()];
        assert_eq!((schistocyte.precision.count, schistocyte.precision.n), (Some(3), 5));
        assert_eq!((schistocyte.recall.count, schistocyte.recall.n), (Some(3), 4));
        assert_eq!((schistocyte.f1.value, schistocyte.f1.interval_95), (Some(0.666_667), None));
        // Normal: 2·8 / (10 + 9).
        assert_eq!((figures.macro_f1.n, figures.macro_f1.value), (2, Some(0.754_386)));
        // Observed 11/14; by chance (10·9 + 4·5) / 14².
        assert_eq!((figures.kappa.n, figures.kappa.value), (14, Some(0.511_628)));
        assert_eq!(figures.rows[Schistocyte.index()].not_counted, 1);
        assert_eq!(figures.rows[Normal.index()].called[Schistocyte.index()], 2);
    }

    #[test]
    fn a_class_without_a_counted_cell_is_null() {
        let figures = ConfusionFigures::of(&clusters());
        let burr = &figures.classes[Burr.index()];
        assert_eq!((burr.f1.value, burr.recall.value, burr.precision.value), (None, None, None));
        assert_eq!(figures.rows[Burr.index()].not_counted, 4);
        assert_eq!(ConfusionFigures::of(&[]).macro_f1, Figure::default());
    }
}
