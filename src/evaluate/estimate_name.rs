//! Estimates by name: for lists of targets, and for the card of a model.
//!
//! [`with_measured`] puts an evaluation into the card of its model: what this evaluation measured replaces what stood there,
//! the rest is kept, and the card is sealed anew. A labelled set gives sensitivity and specificity on counted cells, which is
//! what the correction of a count needs. A set declared to hold no schistocyte gives the false-positive floor, unless the
//! card states one of unseen origins. Every estimate that is defined goes among the further figures under the name of the
//! set, and of a healthy set the share of each class as `healthy_<class>`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::{EnumMessage, IntoStaticStr, VariantArray};

use super::estimate::Estimate;
use super::record::{DetectionFigures, Evaluation, ThresholdFigures};
use crate::case::rounded;
use crate::classify::{CardEstimate, HealthyShare, ModelCard};

/// A figure of an [`Evaluation`].
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    JsonSchema,
    EnumMessage,
    IntoStaticStr,
    VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "NamedFigure")]
#[strum(serialize_all = "snake_case")]
#[allow(missing_docs)] // the message says what each is
pub enum EstimateName {
    #[strum(message = "points in a counted cell of their own")]
    PointsOwn,
    #[strum(message = "points in a cell of their own, cut ones included")]
    PointsOwnOrCutByFrame,
    #[strum(message = "points in a cell of their own, cut ones aside")]
    PointsOwnInsideFrame,
    #[strum(message = "points in a merged cell")]
    PointsMerged,
    #[strum(message = "box precision, IoU 0.5")]
    BoxPrecision,
    #[strum(message = "box recall, IoU 0.5")]
    BoxRecall,
    #[strum(message = "box F1, IoU 0.5")]
    BoxF1,
    #[strum(message = "mean IoU of outlines")]
    MeanIou,
    #[strum(message = "panoptic quality")]
    PanopticQuality,
    #[strum(message = "sensitivity, end to end")]
    Sensitivity,
    #[strum(message = "specificity, end to end")]
    Specificity,
    #[strum(message = "precision among cells of a known truth, end to end")]
    Precision,
    #[strum(message = "AUC, end to end")]
    Auc,
    #[strum(message = "average precision, end to end")]
    AveragePrecision,
    #[serde(rename = "sensitivity_at_1_percent")]
    #[strum(serialize = "sensitivity_at_1_percent", message = "sensitivity at 1 % false positives, end to end")]
    SensitivityAt1Percent,
    #[serde(rename = "sensitivity_at_0_5_percent")]
    #[strum(serialize = "sensitivity_at_0_5_percent", message = "sensitivity at 0.5 % false positives, end to end")]
    SensitivityAt05Percent,
    #[serde(rename = "sensitivity_at_0_2_percent")]
    #[strum(serialize = "sensitivity_at_0_2_percent", message = "sensitivity at 0.2 % false positives, end to end")]
    SensitivityAt02Percent,
    #[strum(message = "sensitivity at the second threshold, end to end")]
    ThresholdSensitivity,
    #[strum(message = "precision at the second threshold, end to end")]
    ThresholdPrecision,
    #[strum(message = "sensitivity, counted cells")]
    CountedSensitivity,
    #[strum(message = "specificity, counted cells")]
    CountedSpecificity,
    #[strum(message = "precision, counted cells")]
    CountedPrecision,
    #[strum(message = "AUC, counted cells")]
    CountedAuc,
    #[strum(message = "average precision, counted cells")]
    CountedAveragePrecision,
    #[strum(message = "macro F1")]
    MacroF1,
    #[strum(message = "calibration error")]
    CalibrationError,
    #[strum(message = "counted cells called schistocyte")]
    FalsePositiveFloor,
    #[strum(message = "called less read, percentage points, mean of fields")]
    CalledMinusReadPercent,
    #[strum(message = "kappa of both readings")]
    ReadingKappa,
    #[strum(message = "bias of specimens, percentage points")]
    SpecimenBias,
    #[strum(message = "lower limit of agreement, percentage points")]
    SpecimenLowerLimit,
    #[strum(message = "upper limit of agreement, percentage points")]
    SpecimenUpperLimit,
}

impl EstimateName {
    /// Name as written in files; also the serde name.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Words for a table.
    pub fn describe(self) -> &'static str {
        self.get_message().unwrap_or_default()
    }

    /// Whether it is a share, which reads best in percent.
    pub fn is_share(self) -> bool {
        matches!(
            self,
            Self::PointsOwn
                | Self::PointsOwnOrCutByFrame
                | Self::PointsOwnInsideFrame
                | Self::PointsMerged
                | Self::Sensitivity
                | Self::Specificity
                | Self::Precision
                | Self::SensitivityAt1Percent
                | Self::SensitivityAt05Percent
                | Self::SensitivityAt02Percent
                | Self::ThresholdSensitivity
                | Self::ThresholdPrecision
                | Self::CountedSensitivity
                | Self::CountedSpecificity
                | Self::CountedPrecision
                | Self::FalsePositiveFloor
        )
    }

    /// The estimate; undefined where the evaluation does not hold it.
    pub fn of(self, evaluation: &Evaluation) -> Estimate {
        let (segmentation, classes) = (&evaluation.segmentation, &evaluation.classification);
        let at = |figures: &DetectionFigures, rate: f64| {
            let found = figures.sensitivity_at.iter().find(|at| at.false_positive_rate == rate);
            found.map(|at| at.sensitivity).unwrap_or_default()
        };
        let read = evaluation.readings.clone().unwrap_or_default();
        let at_second = |part: fn(&ThresholdFigures) -> Estimate| {
            classes.end_to_end.at_threshold.as_ref().map(part).unwrap_or_default()
        };
        match self {
            Self::PointsOwn => segmentation.points.own,
            Self::PointsOwnOrCutByFrame => segmentation.points.own_or_cut_by_frame,
            Self::PointsOwnInsideFrame => segmentation.points.own_inside_frame,
            Self::PointsMerged => segmentation.points.merged,
            Self::BoxPrecision => segmentation.boxes.precision,
            Self::BoxRecall => segmentation.boxes.recall,
            Self::BoxF1 => segmentation.boxes.f1,
            Self::MeanIou => segmentation.masks.mean_iou,
            Self::PanopticQuality => segmentation.masks.panoptic_quality,
            Self::Sensitivity => classes.end_to_end.sensitivity,
            Self::Specificity => classes.end_to_end.specificity,
            Self::Precision => classes.end_to_end.precision,
            Self::Auc => classes.end_to_end.auc,
            Self::AveragePrecision => classes.end_to_end.average_precision,
            Self::SensitivityAt1Percent => at(&classes.end_to_end, 0.01),
            Self::SensitivityAt05Percent => at(&classes.end_to_end, 0.005),
            Self::SensitivityAt02Percent => at(&classes.end_to_end, 0.002),
            Self::ThresholdSensitivity => at_second(|at| at.sensitivity),
            Self::ThresholdPrecision => at_second(|at| at.precision),
            Self::CountedSensitivity => classes.counted_cells.sensitivity,
            Self::CountedSpecificity => classes.counted_cells.specificity,
            Self::CountedPrecision => classes.counted_cells.precision,
            Self::CountedAuc => classes.counted_cells.auc,
            Self::CountedAveragePrecision => classes.counted_cells.average_precision,
            Self::MacroF1 => classes.macro_f1,
            Self::CalibrationError => classes.calibration_error,
            Self::FalsePositiveFloor => evaluation.healthy.called_schistocyte,
            Self::CalledMinusReadPercent => read.called_minus_read_percent,
            Self::ReadingKappa => read.kappa,
            Self::SpecimenBias => evaluation.agreement.bias,
            Self::SpecimenLowerLimit => evaluation.agreement.lower_limit,
            Self::SpecimenUpperLimit => evaluation.agreement.upper_limit,
        }
    }
}

/// An evaluation that measured nothing that a card states.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{set}: expected figures for a card, found none; evaluate fields with labelled classes, or healthy ones with \
     --expect-none"
)]
pub struct NothingForCard {
    /// Name of the set.
    pub set: String,
}

/// The card with the figures of an evaluation.
///
/// # Errors
/// `NothingForCard` where the evaluation holds neither a sensitivity with a specificity nor a floor.
pub fn with_measured(mut card: ModelCard, evaluation: &Evaluation) -> Result<ModelCard, NothingForCard> {
    let measured_on = |what: &str| format!("{}: {} fields, {what}", evaluation.set, evaluation.fields);
    let counted = &evaluation.classification.counted_cells;
    let rates = counted.sensitivity.value.zip(counted.specificity.value);
    let floor = floor(&evaluation.healthy.called_schistocyte, measured_on("declared to hold no schistocyte"));
    if rates.is_none() && floor.is_none() {
        return Err(NothingForCard { set: evaluation.set.clone() });
    }
    let performance = &mut card.performance;
    if let Some((sensitivity, specificity)) = rates {
        performance.sensitivity = Some(sensitivity);
        performance.sensitivity_cells = Some(counted.sensitivity.n);
        performance.specificity = Some(specificity);
        performance.specificity_cells = Some(counted.specificity.n);
        performance.measured_on = Some(measured_on(match &evaluation.readings {
            Some(_) => "counted cells that two readers read, or with a label other than schistocyte",
            None => "counted cells with a labelled class",
        }));
    }
    // METHOD: a floor of networks that never saw a set says more of the next film than one of a set of the training. The
    // latter goes among the further figures only.
    if floor.is_some() && performance.unseen_origins.is_none() {
        performance.false_positive_floor = floor;
    }
    performance.figures.retain(|figure| figure.set != evaluation.set);
    let named = EstimateName::VARIANTS.iter().map(|name| (name.name().to_owned(), name.of(evaluation)));
    let classes = evaluation.healthy.classes.iter();
    let all = named.chain(classes.map(|class| (format!("healthy_{}", class.class), class.called)));
    performance.figures.extend(all.filter_map(|(name, estimate)| stated(evaluation, &name, estimate)));
    Ok(card.sealed())
}

fn floor(share: &Estimate, measured_on: String) -> Option<HealthyShare> {
    let interval = share.interval_95?;
    let percent = |fraction: f64| rounded(100.0 * fraction);
    Some(HealthyShare {
        percent: percent(share.value?),
        low: percent(interval.low),
        high: percent(interval.high),
        cells: share.n,
        measured_on,
    })
}

fn stated(evaluation: &Evaluation, name: &str, estimate: Estimate) -> Option<CardEstimate> {
    Some(CardEstimate {
        set: evaluation.set.clone(),
        figure: name.to_owned(),
        value: estimate.value?,
        low: estimate.interval_95.map(|interval| interval.low),
        high: estimate.interval_95.map(|interval| interval.high),
        n: estimate.n,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_estimate_has_its_own_name_and_words() {
        let words: BTreeSet<_> = EstimateName::VARIANTS.iter().map(|name| name.describe()).collect();
        assert_eq!(words.len(), EstimateName::VARIANTS.len());
        assert!(!words.contains(""));
        for name in EstimateName::VARIANTS {
            assert_eq!(serde_json::to_string(name).expect("a name"), format!("\"{}\"", name.name()));
        }
    }
}
