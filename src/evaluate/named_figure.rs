//! Figures by name, for lists of targets.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::record::{DetectionFigures, Evaluation, Figure, ThresholdFigures};

/// A figure of an [`Evaluation`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)] // each is described by `describe`
pub enum NamedFigure {
    PointsOwn,
    PointsOwnOrCutByFrame,
    PointsOwnInsideFrame,
    PointsMerged,
    BoxPrecision,
    BoxRecall,
    BoxF1,
    MeanIou,
    PanopticQuality,
    Sensitivity,
    Specificity,
    Precision,
    Auc,
    AveragePrecision,
    #[serde(rename = "sensitivity_at_1_percent")]
    SensitivityAt1Percent,
    #[serde(rename = "sensitivity_at_0_5_percent")]
    SensitivityAt05Percent,
    #[serde(rename = "sensitivity_at_0_2_percent")]
    SensitivityAt02Percent,
    ThresholdSensitivity,
    ThresholdPrecision,
    CountedSensitivity,
    CountedSpecificity,
    CountedPrecision,
    CountedAuc,
    CountedAveragePrecision,
    MacroF1,
    CalibrationError,
    FalsePositiveFloor,
    CalledMinusReadPercent,
    ReadingKappa,
    SpecimenBias,
    SpecimenLowerLimit,
    SpecimenUpperLimit,
}

impl NamedFigure {
    /// Every figure, in the order of summaries.
    pub const ALL: [Self; 32] = [
        Self::PointsOwn,
        Self::PointsOwnOrCutByFrame,
        Self::PointsOwnInsideFrame,
        Self::PointsMerged,
        Self::BoxPrecision,
        Self::BoxRecall,
        Self::BoxF1,
        Self::MeanIou,
        Self::PanopticQuality,
        Self::Sensitivity,
        Self::Specificity,
        Self::Precision,
        Self::Auc,
        Self::AveragePrecision,
        Self::SensitivityAt1Percent,
        Self::SensitivityAt05Percent,
        Self::SensitivityAt02Percent,
        Self::ThresholdSensitivity,
        Self::ThresholdPrecision,
        Self::CountedSensitivity,
        Self::CountedSpecificity,
        Self::CountedPrecision,
        Self::CountedAuc,
        Self::CountedAveragePrecision,
        Self::MacroF1,
        Self::CalibrationError,
        Self::FalsePositiveFloor,
        Self::CalledMinusReadPercent,
        Self::ReadingKappa,
        Self::SpecimenBias,
        Self::SpecimenLowerLimit,
        Self::SpecimenUpperLimit,
    ];

    /// Name as written in files; also the serde name.
    pub fn name(self) -> &'static str {
        match self {
            Self::PointsOwn => "points_own",
            Self::PointsOwnOrCutByFrame => "points_own_or_cut_by_frame",
            Self::PointsOwnInsideFrame => "points_own_inside_frame",
            Self::PointsMerged => "points_merged",
            Self::BoxPrecision => "box_precision",
            Self::BoxRecall => "box_recall",
            Self::BoxF1 => "box_f1",
            Self::MeanIou => "mean_iou",
            Self::PanopticQuality => "panoptic_quality",
            Self::Sensitivity => "sensitivity",
            Self::Specificity => "specificity",
            Self::Precision => "precision",
            Self::Auc => "auc",
            Self::AveragePrecision => "average_precision",
            Self::SensitivityAt1Percent => "sensitivity_at_1_percent",
            Self::SensitivityAt05Percent => "sensitivity_at_0_5_percent",
            Self::SensitivityAt02Percent => "sensitivity_at_0_2_percent",
            Self::ThresholdSensitivity => "threshold_sensitivity",
            Self::ThresholdPrecision => "threshold_precision",
            Self::CountedSensitivity => "counted_sensitivity",
            Self::CountedSpecificity => "counted_specificity",
            Self::CountedPrecision => "counted_precision",
            Self::CountedAuc => "counted_auc",
            Self::CountedAveragePrecision => "counted_average_precision",
            Self::MacroF1 => "macro_f1",
            Self::CalibrationError => "calibration_error",
            Self::FalsePositiveFloor => "false_positive_floor",
            Self::CalledMinusReadPercent => "called_minus_read_percent",
            Self::ReadingKappa => "reading_kappa",
            Self::SpecimenBias => "specimen_bias",
            Self::SpecimenLowerLimit => "specimen_lower_limit",
            Self::SpecimenUpperLimit => "specimen_upper_limit",
        }
    }

    /// Words for a table.
    pub fn describe(self) -> &'static str {
        match self {
            Self::PointsOwn => "points in a counted cell of their own",
            Self::PointsOwnOrCutByFrame => "points in a cell of their own, cut ones included",
            Self::PointsOwnInsideFrame => "points in a cell of their own, cut ones aside",
            Self::PointsMerged => "points in a merged cell",
            Self::BoxPrecision => "box precision, IoU 0.5",
            Self::BoxRecall => "box recall, IoU 0.5",
            Self::BoxF1 => "box F1, IoU 0.5",
            Self::MeanIou => "mean IoU of outlines",
            Self::PanopticQuality => "panoptic quality",
            Self::Sensitivity => "sensitivity, end to end",
            Self::Specificity => "specificity, end to end",
            Self::Precision => "precision among cells of a known truth, end to end",
            Self::Auc => "AUC, end to end",
            Self::AveragePrecision => "average precision, end to end",
            Self::SensitivityAt1Percent => "sensitivity at 1 % false positives, end to end",
            Self::SensitivityAt05Percent => "sensitivity at 0.5 % false positives, end to end",
            Self::SensitivityAt02Percent => "sensitivity at 0.2 % false positives, end to end",
            Self::ThresholdSensitivity => "sensitivity at the second threshold, end to end",
            Self::ThresholdPrecision => "precision at the second threshold, end to end",
            Self::CountedSensitivity => "sensitivity, counted cells",
            Self::CountedSpecificity => "specificity, counted cells",
            Self::CountedPrecision => "precision, counted cells",
            Self::CountedAuc => "AUC, counted cells",
            Self::CountedAveragePrecision => "average precision, counted cells",
            Self::MacroF1 => "macro F1",
            Self::CalibrationError => "calibration error",
            Self::FalsePositiveFloor => "counted cells called schistocyte",
            Self::CalledMinusReadPercent => "called less read, percentage points, mean of fields",
            Self::ReadingKappa => "kappa of both readings",
            Self::SpecimenBias => "bias of specimens, percentage points",
            Self::SpecimenLowerLimit => "lower limit of agreement, percentage points",
            Self::SpecimenUpperLimit => "upper limit of agreement, percentage points",
        }
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

    /// The figure; undefined where the evaluation does not hold it.
    pub fn of(self, evaluation: &Evaluation) -> Figure {
        let (segmentation, classes) = (&evaluation.segmentation, &evaluation.classification);
        let at = |figures: &DetectionFigures, rate: f64| {
            let found = figures.sensitivity_at.iter().find(|at| at.false_positive_rate == rate);
            found.map(|at| at.sensitivity).unwrap_or_default()
        };
        let read = evaluation.readings.clone().unwrap_or_default();
        let at_second = |part: fn(&ThresholdFigures) -> Figure| {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_figure_has_its_own_name_and_words() {
        let mut words: Vec<_> = NamedFigure::ALL.map(NamedFigure::describe).to_vec();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), NamedFigure::ALL.len());
        for figure in NamedFigure::ALL {
            assert_eq!(serde_json::to_string(&figure).expect("a name"), format!("\"{}\"", figure.name()));
        }
    }
}
