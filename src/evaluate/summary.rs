//! The fields of an evaluation by cluster, and the figures over them.
//!
//! In: what is kept of each field, sorted by name. Out: the parts of the record. Each figure stands once here, so that
//! what is in its numerator and denominator can be read off.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::MAX_EXAMPLES;
use super::confusion::{Confusion, ConfusionFigures};
use super::detection::{DetectedCell, detection};
use super::field::{CellCall, FieldOutcome, PlacedPoint};
use super::figures::{Trials, ratio, share, statistic, weighted};
use super::matching::{MaskTally, Outcome};
use super::record::{
    BoxFigures, CalibrationBinRecord, ClassificationFigures, ClusterKind, CountFigures, Example, FieldCount, Figure,
    HealthyClass, HealthyFigures, MaskFigures, PointFigures, SegmentationFigures,
};
use crate::case::rounded;
use crate::smear::CellClass;
use crate::stats::Probability;
use crate::stats::agreement::{BlandAltman, bland_altman};
use crate::stats::calibration_error::{BINS, bin_of, calibration_bins, expected_calibration_error};

/// Found and labelled cells of a field, and the weight of its cluster.
type CountPair = (f64, f64, u32);

impl Outcome {
    /// Name as written in the record.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Merged => "merged",
            Self::Split => "split",
            Self::Excluded(reason) => reason.name(),
            Self::Missed => "missed",
        }
    }
}

impl FieldOutcome {
    /// Labelled schistocytes.
    pub(super) fn labelled_schistocytes(&self) -> u64 {
        self.cells.iter().filter(|cell| cell.is_schistocyte()).count() as u64
    }

    /// Cells whose truth is known for the calibration: the call, whether it is a schistocyte, and its weight.
    ///
    /// On a field declared healthy every counted cell is a negative, whatever its labels.
    fn known_calls(&self) -> Vec<(CellCall, bool, f64)> {
        if self.expect_none {
            return self.healthy_cells.iter().map(|(_, call)| (*call, false, 1.0)).collect();
        }
        self.known.iter().filter_map(|cell| Some((cell.call?, cell.positive, cell.weight))).collect()
    }
}

/// Fields by cluster.
pub(super) struct Clustered<'a> {
    clusters: Vec<Vec<&'a FieldOutcome>>,
    kind: ClusterKind,
}

impl<'a> Clustered<'a> {
    /// Groups where given; a field without a group is a cluster by itself.
    pub(super) fn of(fields: &'a [FieldOutcome]) -> Self {
        let mut clusters: BTreeMap<(bool, &str), Vec<&FieldOutcome>> = BTreeMap::new();
        for field in fields {
            let key = field.group.as_deref().map_or((false, field.name.as_str()), |group| (true, group));
            clusters.entry(key).or_default().push(field);
        }
        let grouped = clusters.keys().any(|(grouped, _)| *grouped);
        Self {
            clusters: clusters.into_values().collect(),
            kind: if grouped { ClusterKind::Groups } else { ClusterKind::Fields },
        }
    }

    /// The clusters in which some field has a say in a figure.
    ///
    /// METHOD: drawing clusters that carry nothing would let the number of those that do vary from resample to
    /// resample, and widen the interval for no reason.
    pub(super) fn with(&self, has_a_say: impl Fn(&FieldOutcome) -> bool) -> Self {
        let clusters = self.clusters.iter().filter(|fields| fields.iter().any(|field| has_a_say(field)));
        Self { clusters: clusters.cloned().collect(), kind: self.kind }
    }

    /// The fields of each cluster.
    pub(super) fn groups(&self) -> &[Vec<&'a FieldOutcome>] {
        &self.clusters
    }

    pub(super) fn len(&self) -> usize {
        self.clusters.len()
    }

    pub(super) fn kind(&self) -> ClusterKind {
        self.kind
    }

    /// For each cluster the sum of a pair of counts over its fields.
    fn pairs(&self, pair: impl Fn(&FieldOutcome) -> (u64, u64)) -> Vec<(u64, u64)> {
        let sum = |fields: &Vec<&FieldOutcome>| {
            fields.iter().map(|field| pair(field)).fold((0, 0), |sum, pair| (sum.0 + pair.0, sum.1 + pair.1))
        };
        self.clusters.iter().map(sum).collect()
    }

    /// Share of a pair of counts over all fields.
    fn share(&self, pair: impl Fn(&FieldOutcome) -> (u64, u64)) -> Figure {
        share(self.pairs(pair))
    }

    pub(super) fn segmentation(&self) -> SegmentationFigures {
        SegmentationFigures {
            points: self.points(),
            boxes: self.with(|field| field.boxes.is_some()).boxes(),
            masks: self.with(|field| field.masks.is_some()).masks(),
            counts: self.with(|field| field.counts().is_some()).counts(),
            white_cells_taken_for_red: self.share(|field| field.white_cells),
        }
    }

    fn points(&self) -> PointFigures {
        let of = |is: fn(&PlacedPoint) -> bool| {
            self.share(|field| {
                let hits = field.points.iter().filter(|point| is(point)).count();
                (hits as u64, field.points.len() as u64)
            })
        };
        let mut exclusions = BTreeMap::new();
        for point in self.clusters.iter().flatten().flat_map(|field| &field.points) {
            if let Outcome::Excluded(reason) = point.outcome {
                *exclusions.entry(reason.name().to_owned()).or_default() += 1;
            }
        }
        PointFigures {
            own: of(|point| point.outcome == Outcome::Own),
            own_inside_frame: self.share(|field| {
                let inside = || field.points.iter().filter(|point| !point.at_frame);
                let own = inside().filter(|point| point.outcome == Outcome::Own).count();
                (own as u64, inside().count() as u64)
            }),
            own_or_cut_by_frame: of(PlacedPoint::is_own_or_cut),
            merged: of(|point| point.outcome == Outcome::Merged),
            split: of(|point| point.outcome == Outcome::Split),
            excluded: of(|point| matches!(point.outcome, Outcome::Excluded(_))),
            missed: of(|point| point.outcome == Outcome::Missed),
            exclusions,
        }
    }

    fn boxes(&self) -> BoxFigures {
        let complete = |field: &FieldOutcome| field.boxes.filter(|_| field.complete).unwrap_or_default();
        let both = self.pairs(|field| (complete(field).matched, complete(field).found + complete(field).labelled));
        let n = both.iter().map(|pair| pair.1).sum();
        BoxFigures {
            precision: self.share(|field| (complete(field).matched, complete(field).found)),
            recall: self.share(|field| field.boxes.map_or((0, 0), |boxes| (boxes.matched, boxes.labelled))),
            f1: statistic(n, self.len(), |weights| {
                let sum = |part: fn(&(u64, u64)) -> u64| weighted(both.iter().map(part), weights);
                ratio(2.0 * sum(|pair| pair.0), sum(|pair| pair.1))
            }),
            boxes_at_frame: self
                .clusters
                .iter()
                .flatten()
                .filter_map(|field| field.boxes)
                .map(|boxes| boxes.aside)
                .sum(),
        }
    }

    fn masks(&self) -> MaskFigures {
        let sum = |only_complete: bool, weights: &[u32]| {
            let mut sum = (0.0, 0.0, 0.0);
            for (fields, &weight) in self.clusters.iter().zip(weights) {
                let tallies =
                    fields.iter().filter(|field| field.complete || !only_complete).filter_map(|field| field.masks);
                for MaskTally { labelled, matched, iou_sum, found } in tallies {
                    let weight = f64::from(weight);
                    sum.0 += weight * iou_sum;
                    sum.1 += weight * matched as f64;
                    sum.2 += weight * (labelled + found) as f64;
                }
            }
            sum
        };
        let plain = vec![1; self.len()];
        MaskFigures {
            mean_iou: statistic(sum(false, &plain).1 as u64, self.len(), |weights| {
                let (overlap, pairs, _) = sum(false, weights);
                ratio(overlap, pairs)
            }),
            // Pairs + half of the unpaired on either side is half of all outlines on both sides.
            panoptic_quality: statistic(sum(true, &plain).2 as u64, self.len(), |weights| {
                let (overlap, _, outlines) = sum(true, weights);
                ratio(overlap, outlines / 2.0)
            }),
        }
    }

    fn counts(&self) -> CountFigures {
        let by_cluster: Vec<Vec<(u64, u64)>> =
            self.clusters.iter().map(|fields| fields.iter().filter_map(|field| field.counts()).collect()).collect();
        let n = by_cluster.iter().map(|pairs| pairs.len() as u64).sum();
        let of = |figure: &dyn Fn(&[CountPair]) -> Option<f64>| {
            statistic(n, self.len(), |weights| {
                let weigh = |(pairs, &weight): (&Vec<(u64, u64)>, &u32)| {
                    pairs.iter().map(|&(a, b)| (a as f64, b as f64, weight)).collect::<Vec<_>>()
                };
                figure(&by_cluster.iter().zip(weights).flat_map(weigh).collect::<Vec<_>>())
            })
        };
        let mean = |pairs: &[CountPair], part: fn(f64, f64) -> f64, below: fn(f64) -> f64| {
            let sum: f64 = pairs.iter().map(|&(a, b, weight)| part(a, b) * f64::from(weight)).sum();
            ratio(sum, pairs.iter().map(|&(_, b, weight)| below(b) * f64::from(weight)).sum())
        };
        let limits = |part: fn(&BlandAltman) -> f64| {
            of(&move |pairs| bland_altman(pairs.iter().copied()).map(|agreement| part(&agreement)))
        };
        let mut fields: Vec<_> = self
            .clusters
            .iter()
            .flatten()
            .filter_map(|field| {
                let (found, labelled) = field.counts()?;
                Some(FieldCount { field: field.name.clone(), labelled, found })
            })
            .collect();
        fields.sort_by(|a, b| a.field.cmp(&b.field));
        CountFigures {
            bias: of(&|pairs| mean(pairs, |a, b| a - b, |_| 1.0)),
            mean_absolute_error: of(&|pairs| mean(pairs, |a, b| (a - b).abs(), |_| 1.0)),
            lower_limit: limits(|agreement| agreement.lower),
            upper_limit: limits(|agreement| agreement.upper),
            relative_bias: of(&|pairs| mean(pairs, |a, b| a - b, |b| b)),
            fields,
        }
    }

    /// Accepted fields with the index of their cluster.
    fn accepted(&self) -> impl Iterator<Item = (usize, &'a FieldOutcome)> + '_ {
        let indexed = self.clusters.iter().enumerate();
        indexed
            .flat_map(|(cluster, fields)| fields.iter().map(move |field| (cluster, *field)))
            .filter(|(_, f)| f.accepted)
    }

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
            confusion: classes.rows,
            ..known.detection(threshold)
        }
    }

    /// Schistocytes against other cells.
    fn detection(&self, threshold: Option<f64>) -> ClassificationFigures {
        let mut unscored = vec![Trials::NONE; self.len()];
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
            counted_cells: detection(&own, &vec![Trials::NONE; self.len()], threshold),
            missed_schistocytes,
            ..ClassificationFigures::default()
        }
    }

    /// Labelled against called classes.
    fn classes(&self) -> ConfusionFigures {
        let mut confusions = vec![Confusion::default(); self.len()];
        for (cluster, field) in self.accepted() {
            field.cells.iter().for_each(|cell| confusions[cluster].add(cell.class, cell.call.map(|call| call.class)));
        }
        ConfusionFigures::of(&confusions)
    }

    fn calibration(&self) -> (Figure, Vec<CalibrationBinRecord>) {
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
        let error = Figure { weight: (total != known.len() as f64).then(|| rounded(total)), ..error };
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
        let fields = self.clusters.iter().flatten().filter(|field| healthy(field)).count() as u64;
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
