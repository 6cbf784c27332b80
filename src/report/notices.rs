//! What a reader must know before using the figure. Drawn from the record alone; the text says what to do next.

use super::figures::{count, counted, percent};
use crate::case::{CaseRecord, Context, State};
use crate::smear::CalibrationSource;

/// A warning of the reports for people, most important first.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Notice {
    /// No figure can be given.
    NotAssessable,
    /// Too few red cells.
    Insufficient { red_cells: u64, min_cells: u64 },
    /// Other abnormal shapes outnumber schistocytes.
    MixedPoikilocytosis { other_percent: Option<f64> },
    /// Schistocytes were called, but not surely more than in a healthy film.
    WithinFloor { floor_percent: f64 },
    /// Schistocytes were called; whether they are the main change of shape, the model does not tell.
    ShapesNotAssessed,
    /// The card states no floor of false calls.
    FloorUnknown,
    /// The card states no sensitivity that a correction can use.
    SensitivityUnknown,
    /// Fields left out for their quality.
    RefusedFields { refused: u64, fields: u64 },
    /// Inputs that could not be read.
    FailedInputs { inputs: u64 },
    /// Whether the panel belongs to the specimen is not sure in every point.
    PanelDoubts { doubts: u64, outside: u64 },
    /// Pixel size taken from the cells.
    CalibrationEstimated { fields: u64 },
}

impl Notice {
    /// Every notice that applies to a record.
    pub(super) fn of(record: &CaseRecord) -> Vec<Self> {
        let count = &record.count;
        let fields_where = |test: &dyn Fn(&crate::case::FieldRecord) -> bool| {
            record.fields.iter().filter(|field| test(field)).count() as u64
        };
        let refused = fields_where(&|field| !field.accepted);
        let estimated = fields_where(&|field| field.um_per_px_source == Some(CalibrationSource::MedianRedCell));
        let within_floor = count.highest_floor_percent().filter(|_| count.context == Some(Context::WithinModelError));
        let floor_unknown = count.false_positive_floor_percent.is_none();
        let candidates = [
            (count.state == State::NotAssessable).then_some(Self::NotAssessable),
            (count.state == State::Insufficient)
                .then_some(Self::Insufficient { red_cells: count.red_cells, min_cells: count.min_cells }),
            (count.context == Some(Context::MixedPoikilocytosis))
                .then_some(Self::MixedPoikilocytosis { other_percent: count.other_abnormal_percent }),
            within_floor.map(|floor_percent| Self::WithinFloor { floor_percent }),
            (count.context == Some(Context::NotAssessed) && !floor_unknown).then_some(Self::ShapesNotAssessed),
            floor_unknown.then_some(Self::FloorUnknown),
            (count.red_cells > 0 && count.corrected.is_none()).then_some(Self::SensitivityUnknown),
            (refused > 0).then_some(Self::RefusedFields { refused, fields: record.fields.len() as u64 }),
            (!record.failed_inputs.is_empty())
                .then_some(Self::FailedInputs { inputs: record.failed_inputs.len() as u64 }),
            record.panel_match.as_ref().and_then(|matched| {
                let (doubts, outside) = (matched.gaps.len() as u64, matched.window.outside);
                (doubts > 0 || outside > 0).then_some(Self::PanelDoubts { doubts, outside })
            }),
            (estimated > 0).then_some(Self::CalibrationEstimated { fields: estimated }),
        ];
        candidates.into_iter().flatten().collect()
    }

    /// Name of the warning.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::NotAssessable => "No percentage can be given",
            Self::Insufficient { .. } => "Too few red cells",
            Self::MixedPoikilocytosis { .. } => "Mixed poikilocytosis",
            Self::WithinFloor { .. } => "Within the error of the model",
            Self::ShapesNotAssessed => "Other shapes not assessed",
            Self::FloorUnknown => "False calls of the model unknown",
            Self::SensitivityUnknown => "Sensitivity of the model unknown",
            Self::RefusedFields { .. } => "Fields refused",
            Self::FailedInputs { .. } => "Inputs not read",
            Self::PanelDoubts { .. } => "Panel and specimen",
            Self::CalibrationEstimated { .. } => "Pixel size estimated",
        }
    }

    /// What it means and what to do.
    pub(super) fn text(self) -> String {
        match self {
            Self::NotAssessable => {
                "No red cell in a field of sufficient quality. See the fields below and photograph the monolayer again."
                    .to_owned()
            }
            Self::Insufficient { red_cells, min_cells } => format!(
                "{} counted, at least {} are required. Photograph more fields of the same film.",
                counted(red_cells, "red cell"),
                count(min_cells),
            ),
            Self::MixedPoikilocytosis { other_percent } => format!(
                "Other abnormal shapes{} outnumber schistocytes: ICSH wants the fragments in words, because a percentage \
                 is not specific in this picture. More cells are called falsely here than in a healthy film; the lower \
                 limit allows for that.",
                other_percent.map(|other| format!(" ({})", percent(other))).unwrap_or_default(),
            ),
            Self::WithinFloor { floor_percent } => format!(
                "A film without any schistocyte may read up to {} with this model. Review the gallery cell by cell.",
                percent(floor_percent),
            ),
            Self::ShapesNotAssessed => {
                "Shapes other than schistocytes are not assessed by this model: whether \
                schistocytes are the main change of shape, as ICSH asks for a percentage, is not known."
                    .to_owned()
            }
            Self::FloorUnknown => {
                "The card of the model does not state what a film without schistocytes would read: no percentage is \
                placed above the limit, and none is corrected."
                    .to_owned()
            }
            Self::SensitivityUnknown => {
                "The card of the model states no sensitivity of at least one half: the percentage is not corrected, and \
                no value is placed at or below the limit."
                    .to_owned()
            }
            Self::RefusedFields { refused, fields } => format!(
                "{} of {} did not meet the quality limits and left the count. The reasons stand with each field.",
                count(refused),
                counted(fields, "field"),
            ),
            Self::FailedInputs { inputs } => format!(
                "{} could not be read and left the count. The list stands under provenance.",
                counted(inputs, "input"),
            ),
            Self::PanelDoubts { doubts, outside } => {
                let gaps = (doubts > 0).then(|| {
                    format!("{} of patient, specimen or order could not be compared.", counted(doubts, "point"))
                });
                let aside = (outside > 0).then(|| {
                    format!("{} outside the time window, left aside by name.", counted(outside, "result"))
                });
                let what = gaps.into_iter().chain(aside).collect::<Vec<_>>().join(" ");
                format!("{what} Read what the evidence cannot tell before its items.")
            }
            Self::CalibrationEstimated { fields } => format!(
                "In {} the median red cell was taken as 7.5 µm: sizes in µm are relative, and a general change of cell \
                 size would not show. Give the pixel size of the microscope to measure it.",
                counted(fields, "field"),
            ),
        }
    }
}
