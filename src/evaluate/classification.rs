//! How well cells are classified: schistocytes, every class, the calibration, the floor on healthy fields, the worst cells.
//!
//! In: the fields by cluster. Out: the parts of the record. A labelled cell has the class called of its counted cell, none
//! where it has no counted cell of its own; precision, recall, F1 and Cohen's kappa are over counted cells.
//!
//! METHOD: F1 is null for a class that no counted cell carries, and the mean passes over it: a class that is absent from the
//! labels says nothing of the classifier. In a resample the mean is over the classes that it holds.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::cells::CellCall;
use super::detection::{DetectedCell, detection};
use super::estimate::{Estimate, Trials, carried_by, ratio, share, statistic};
use super::field::{Clustered, FieldOutcome};
use super::matching::Outcome;
use super::record::{
    CalibrationBinRecord, ClassFigures, ClassificationFigures, ConfusionRow, Example, HealthyClass, HealthyFigures,
};
use crate::case::rounded;
use crate::smear::CellClass;
use crate::stats::Probability;
use crate::stats::agreement::cohen_kappa;
use crate::stats::scores::{BINS, bin_of, calibration_bins, expected_calibration_error};

/// Most examples of either kind in the record: a page of pictures.
const MAX_EXAMPLES: usize = 24;

const CLASSES: usize = CellClass::ALL.len();

/// Cells of one cluster: labelled class in rows, called class in columns.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Confusion {
    called: [[u64; CLASSES]; CLASSES],
    not_counted: [u64; CLASSES],
}

impl Confusion {
    /// Adds a labelled cell.
    fn add(&mut self, labelled: CellClass, called: Option<CellClass>) {
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

/// The part of the record about classes, from the counts of each cluster.
fn class_figures(clusters: &[Confusion]) -> ClassificationFigures {
    let total = Confusion::sum(clusters, &vec![1; clusters.len()]);
    let of_class = |class: CellClass| {
        let i = class.index();
        let f1 = statistic(total.labelled(i), clusters.len(), |weights| Confusion::sum(clusters, weights).f1(i));
        ClassFigures {
            class: class.name().to_owned(),
            precision: share(clusters.iter().map(|cluster| (cluster.called[i][i], cluster.called(i)))),
            recall: share(clusters.iter().map(|cluster| (cluster.called[i][i], cluster.labelled(i)))),
            f1: carried_by(f1, clusters.iter().map(|cluster| cluster.labelled(i))),
        }
    };
    let row = |class: CellClass| ConfusionRow {
        labelled: class.name().to_owned(),
        called: total.called[class.index()].to_vec(),
        not_counted: total.not_counted[class.index()],
    };
    let occurring = (0..CLASSES).filter(|&class| total.labelled(class) > 0).count() as u64;
    let counted = (0..CLASSES).map(|class| total.labelled(class)).sum();
    ClassificationFigures {
        confusion: CellClass::ALL.map(row).to_vec(),
        classes: CellClass::ALL.map(of_class).to_vec(),
        macro_f1: statistic(occurring, clusters.len(), |weights| Confusion::sum(clusters, weights).macro_f1()),
        kappa: statistic(counted, clusters.len(), |weights| cohen_kappa(&Confusion::sum(clusters, weights).called)),
        ..ClassificationFigures::default()
    }
}

impl Clustered<'_> {
    /// Figures of calls; `threshold` is a second one beside the operating point.
    pub(super) fn classification(&self, threshold: Option<f64>) -> ClassificationFigures {
        let (calibration_error, calibration_bins) = self.with(|field| !field.known_calls().is_empty()).calibration();
        let known = self.with(|field| field.accepted && !field.known.is_empty());
        let classes = self.with(|field| field.accepted && !field.cells.is_empty()).classes();
        ClassificationFigures {
            calibration_error,
            calibration_bins,
            classes: classes.classes,
            macro_f1: classes.macro_f1,
            kappa: classes.kappa,
            confusion: classes.confusion,
            ..known.detection(threshold)
        }
    }

    /// Schistocytes against other cells.
    fn detection(&self, threshold: Option<f64>) -> ClassificationFigures {
        let mut unscored = vec![Trials::default(); self.len()];
        let (mut ends, mut own) = (Vec::new(), Vec::new());
        let mut missed_schistocytes: BTreeMap<String, u64> = BTreeMap::new();
        let detected = |cluster, call: &CellCall, positive, weight| DetectedCell {
            cluster,
            positive,
            weight,
            probability: call.probability,
            called: call.is_schistocyte(),
        };
        for (cluster, field) in self.accepted() {
            for cell in &field.known {
                let scored = cell.call.map(|call| detected(cluster, &call, cell.positive, cell.weight));
                own.extend(scored);
                if cell.set_aside {
                    continue;
                }
                ends.extend(scored);
                if cell.positive && cell.call.is_none() {
                    unscored[cluster].add(false, cell.weight);
                }
                if cell.positive && !cell.is_called() {
                    *missed_schistocytes.entry(cell.outcome.name().to_owned()).or_default() += 1;
                }
            }
            ends.extend(field.shared_negatives.iter().map(|call| detected(cluster, call, false, 1.0)));
        }
        ClassificationFigures {
            end_to_end: detection(&ends, &unscored, threshold),
            counted_cells: detection(&own, &vec![Trials::default(); self.len()], threshold),
            missed_schistocytes,
            ..ClassificationFigures::default()
        }
    }

    /// Labelled against called classes.
    fn classes(&self) -> ClassificationFigures {
        let mut confusions = vec![Confusion::default(); self.len()];
        for (cluster, field) in self.accepted() {
            field.cells.iter().for_each(|cell| confusions[cluster].add(cell.class, cell.call.map(|call| call.class)));
        }
        class_figures(&confusions)
    }

    fn calibration(&self) -> (Estimate, Vec<CalibrationBinRecord>) {
        let known: Vec<_> = self
            .accepted()
            .flat_map(|(cluster, field)| field.known_calls().into_iter().map(move |known| (cluster, known)))
            .filter_map(|(cluster, (call, positive, weight))| {
                Some((cluster, Probability::new(call.probability).ok()?, positive, weight))
            })
            .collect();
        let bins = |weights: &[u32]| {
            let weighed = |&(cluster, probability, positive, weight): &(usize, Probability, bool, f64)| {
                (probability, positive, weight * f64::from(weights[cluster]))
            };
            calibration_bins(known.iter().map(weighed))
        };
        let total: f64 = known.iter().map(|known| known.3).sum();
        let error = statistic(known.len() as u64, self.len(), |weights| expected_calibration_error(&bins(weights)));
        let error = Estimate { weight: (total != known.len() as f64).then(|| rounded(total)), ..error };
        let mut in_bin = [0; BINS];
        for (_, probability, ..) in &known {
            in_bin[bin_of(*probability)] += 1;
        }
        let edge = |bin: usize| rounded(bin as f64 / BINS as f64);
        let records = bins(&vec![1; self.len()]).into_iter().enumerate().map(|(i, bin)| CalibrationBinRecord {
            from: edge(i),
            to: edge(i + 1),
            n: in_bin[i],
            mean_probability: bin.mean_probability().map(rounded),
            schistocyte_share: bin.positive_share().map(rounded),
        });
        (error, records.collect())
    }

    pub(super) fn healthy(&self) -> HealthyFigures {
        let healthy = |field: &FieldOutcome| field.expect_none && field.accepted;
        let fields = self.groups().iter().flatten().filter(|field| healthy(field)).count() as u64;
        let called = |class: CellClass| {
            self.share(|field| match healthy(field) {
                true => (field.tally.of(class), field.tally.red_cells()),
                false => (0, 0),
            })
        };
        let of = |class: CellClass| HealthyClass { class: class.name().to_owned(), called: called(class) };
        HealthyFigures {
            fields,
            called_schistocyte: called(CellClass::Schistocyte),
            classes: if fields > 0 { CellClass::ALL.map(of).to_vec() } else { Vec::new() },
        }
    }
}

/// Cells wrongly called schistocyte and schistocytes missed, the worst first.
pub(super) fn examples(fields: &[FieldOutcome]) -> (Vec<Example>, Vec<Example>) {
    let (mut false_positives, mut misses) = (Vec::new(), Vec::new());
    for field in fields.iter().filter(|field| field.accepted) {
        let example = |[x, y]: [f64; 2], labelled: Option<&str>, outcome: Outcome, call: Option<CellCall>| Example {
            field: field.name.clone(),
            x_px: rounded(x),
            y_px: rounded(y),
            labelled: labelled.map(str::to_owned),
            outcome: outcome.name().to_owned(),
            schistocyte_probability: call.map(|call| rounded(call.probability)),
        };
        for (position, call) in field.healthy_cells.iter().filter(|(_, call)| call.is_schistocyte()) {
            false_positives.push(example(*position, None, Outcome::Own, Some(*call)));
        }
        for cell in field.known.iter().filter(|cell| !cell.set_aside) {
            let found = example(cell.position, Some(cell.truth), cell.outcome, cell.call);
            match (cell.positive, cell.is_called()) {
                (true, false) => misses.push(found),
                (false, true) if !field.expect_none => false_positives.push(found),
                _ => {}
            }
        }
    }
    let by_place = |a: &Example, b: &Example| {
        a.field.cmp(&b.field).then(a.y_px.total_cmp(&b.y_px)).then(a.x_px.total_cmp(&b.x_px))
    };
    // A missing probability comes first in a rising order: not counted at all.
    let by_probability = |a: &Example, b: &Example| {
        let pair = (a.schistocyte_probability, b.schistocyte_probability);
        pair.0.partial_cmp(&pair.1).unwrap_or(Ordering::Equal)
    };
    false_positives.sort_by(|a, b| by_probability(b, a).then(by_place(a, b)));
    misses.sort_by(|a, b| by_probability(a, b).then(by_place(a, b)));
    false_positives.truncate(MAX_EXAMPLES);
    misses.truncate(MAX_EXAMPLES);
    (false_positives, misses)
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
        let figures = class_figures(&clusters());
        let schistocyte = &figures.classes[Schistocyte.index()];
        assert_eq!((schistocyte.precision.count, schistocyte.precision.n), (Some(3), 5));
        assert_eq!((schistocyte.recall.count, schistocyte.recall.n), (Some(3), 4));
        assert_eq!((schistocyte.f1.value, schistocyte.f1.interval_95), (Some(0.666_667), None));
        // Normal: 2·8 / (10 + 9).
        assert_eq!((figures.macro_f1.n, figures.macro_f1.value), (2, Some(0.754_386)));
        // Observed 11/14; by chance (10·9 + 4·5) / 14².
        assert_eq!((figures.kappa.n, figures.kappa.value), (14, Some(0.511_628)));
        assert_eq!(figures.confusion[Schistocyte.index()].not_counted, 1);
        assert_eq!(figures.confusion[Normal.index()].called[Schistocyte.index()], 2);
    }

    #[test]
    fn a_class_without_a_counted_cell_is_null() {
        let figures = class_figures(&clusters());
        let burr = &figures.classes[Burr.index()];
        assert_eq!((burr.f1.value, burr.recall.value, burr.precision.value), (None, None, None));
        assert_eq!(figures.confusion[Burr.index()].not_counted, 4);
        assert_eq!(class_figures(&[]).macro_f1, Estimate::default());
    }
}
