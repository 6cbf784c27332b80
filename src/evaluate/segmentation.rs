//! How well red cells are found: the points, boxes, outlines and counts of all fields.
//!
//! Each estimate stands once here, so that its numerator and denominator can be read off.

use std::collections::BTreeMap;

use super::estimate::{ratio, statistic, weighted};
use super::field::{Clustered, FieldOutcome, PlacedPoint};
use super::matching::{MaskTally, Outcome};
use super::record::{BoxFigures, CountFigures, FieldCount, MaskFigures, PointFigures, SegmentationFigures};
use crate::stats::agreement::{BlandAltman, bland_altman};

/// Found and labelled cells of a field, and the weight of its cluster.
type CountPair = (f64, f64, u32);

impl Clustered<'_> {
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
        for point in self.groups().iter().flatten().flat_map(|field| &field.points) {
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
                .groups()
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
            for (fields, &weight) in self.groups().iter().zip(weights) {
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
            self.groups().iter().map(|fields| fields.iter().filter_map(|field| field.counts()).collect()).collect();
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
            .groups()
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
}
