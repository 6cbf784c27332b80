//! Figures by name, for lists of targets.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::record::{DetectionFigures, Evaluation, Figure};

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
    Auc,
    AveragePrecision,
    SensitivityAt1Percent,
    SensitivityAt05Percent,
    SensitivityAt02Percent,
    CountedSensitivity,
    CountedSpecificity,
    CountedAuc,
    CountedAveragePrecision,
    MacroF1,
    CalibrationError,
    FalsePositiveFloor,
    SpecimenBias,
}

impl NamedFigure {
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
            Self::Auc => "AUC, end to end",
            Self::AveragePrecision => "average precision, end to end",
            Self::SensitivityAt1Percent => "sensitivity at 1 % false positives, end to end",
            Self::SensitivityAt05Percent => "sensitivity at 0.5 % false positives, end to end",
            Self::SensitivityAt02Percent => "sensitivity at 0.2 % false positives, end to end",
            Self::CountedSensitivity => "sensitivity, counted cells",
            Self::CountedSpecificity => "specificity, counted cells",
            Self::CountedAuc => "AUC, counted cells",
            Self::CountedAveragePrecision => "average precision, counted cells",
            Self::MacroF1 => "macro F1",
            Self::CalibrationError => "calibration error",
            Self::FalsePositiveFloor => "counted cells called schistocyte",
            Self::SpecimenBias => "bias of specimens, percentage points",
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
                | Self::SensitivityAt1Percent
                | Self::SensitivityAt05Percent
                | Self::SensitivityAt02Percent
                | Self::CountedSensitivity
                | Self::CountedSpecificity
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
            Self::Auc => classes.end_to_end.auc,
            Self::AveragePrecision => classes.end_to_end.average_precision,
            Self::SensitivityAt1Percent => at(&classes.end_to_end, 0.01),
            Self::SensitivityAt05Percent => at(&classes.end_to_end, 0.005),
            Self::SensitivityAt02Percent => at(&classes.end_to_end, 0.002),
            Self::CountedSensitivity => classes.counted_cells.sensitivity,
            Self::CountedSpecificity => classes.counted_cells.specificity,
            Self::CountedAuc => classes.counted_cells.auc,
            Self::CountedAveragePrecision => classes.counted_cells.average_precision,
            Self::MacroF1 => classes.macro_f1,
            Self::CalibrationError => classes.calibration_error,
            Self::FalsePositiveFloor => evaluation.healthy.called_schistocyte,
            Self::SpecimenBias => evaluation.agreement.bias,
        }
    }
}
