//! One object of a field: its outline and kind, its measures, and the classifier's call on it.

use std::cmp::Ordering;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantArray};

use super::class::{CellClass, SchistocyteForm};
use super::contour::Contour;
use crate::stats::Probability;

/// Number of an object in its field, from 1, in reading order of the segmenter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct CellId(pub u32);

/// Why an object is not in the denominator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, IntoStaticStr, VariantArray)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum ExclusionReason {
    /// Cut by the edge of the field.
    FrameEdge,
    /// Touching or overlapping cells that could not be told apart.
    UnsplittableClump,
    /// Holds a nucleus: a white cell or a nucleated red cell.
    WhiteCell,
    /// A platelet or a group of platelets.
    Platelet,
    /// Too small or too faint to be a red cell or a fragment of one.
    Debris,
    /// Burnt-in mark: scale bar, pointer, text.
    Marking,
    /// Stain precipitate or dirt: darker than any red cell.
    Precipitate,
    /// Larger than any red cell and without the outline of a clump.
    TooLarge,
    /// Touched or covered by a burnt-in mark, a pointer or soot.
    Marked,
    /// Its neighbors hide most of its outline.
    Pressed,
    /// So pale that its outline cannot be told.
    Ghost,
    /// Far less sharp than the other cells of its field.
    OutOfFocus,
    /// The classifier takes it for no red cell.
    NotRedCell,
    /// Sound, but its field was refused.
    FieldRefused,
    /// A reader found no red cell there, or could not see its outline.
    NotAssessable,
}

impl ExclusionReason {
    /// Every reason, in the order of the reports.
    pub const ALL: [Self; 15] = *Self::VARIANTS.first_chunk().expect("as many as there are");

    /// Name as written in files; also the serde name.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Whether many such objects say that the models do not know this stain or light.
    pub fn is_unrecognized(self) -> bool {
        matches!(self, Self::WhiteCell | Self::Marking | Self::Precipitate | Self::NotRedCell)
    }

    /// Words for a report.
    pub fn describe(self) -> &'static str {
        match self {
            Self::FrameEdge => "cut by the edge of the field",
            Self::UnsplittableClump => "touching or overlapping cells that could not be told apart",
            Self::WhiteCell => "white cell or other nucleated cell",
            Self::Platelet => "platelet",
            Self::Debris => "too small or too faint for a red cell or a fragment",
            Self::Marking => "scale bar, pointer or other burnt-in mark",
            Self::Precipitate => "stain precipitate or dirt",
            Self::TooLarge => "larger than any red cell",
            Self::Marked => "touched or covered by a burnt-in mark or a pointer",
            Self::Pressed => "pressed by its neighbors, which hide most of its outline",
            Self::Ghost => "too pale to tell its outline",
            Self::OutOfFocus => "far less sharp than the other cells of its field",
            Self::NotRedCell => "taken for no red cell by the classifier",
            Self::FieldRefused => "its field was refused",
            Self::NotAssessable => "not assessable to a reader",
        }
    }
}

/// By name, so that a record lists its reasons in the order of their names.
impl Ord for ExclusionReason {
    fn cmp(&self, other: &Self) -> Ordering {
        self.name().cmp(other.name())
    }
}

impl PartialOrd for ExclusionReason {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// What the segmenter takes an object for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectKind {
    /// One whole red cell, fit to be classified.
    RedCell,
    /// Not to be counted, with the reason.
    Excluded(ExclusionReason),
}

/// One object of a field.
#[derive(Debug, Clone, PartialEq)]
pub struct SegmentedObject {
    /// Outline in pixels of the original image, pallor inside.
    pub contour: Contour,
    /// What it is taken for.
    pub kind: ObjectKind,
    /// Share of its outline that it has in common with other objects, 0–1: there a neighbor hides it or was cut off it.
    pub hidden_share: f64,
}

/// Shape and stain of one cell, as `measure` computes them; lengths in µm, fractions 0–1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Morphology {
    /// Area inside the outline, pallor included, µm².
    pub area_um2: f64,
    /// Length of the outline, µm.
    pub perimeter_um: f64,
    /// Diameter of the circle of the same area, µm.
    pub diameter_um: f64,
    /// 4π·area / perimeter², 1 for a circle.
    pub circularity: f64,
    /// Area over area of the convex hull, 1 for a convex outline.
    pub solidity: f64,
    /// Major over minor axis of the ellipse of equal second moments, at least 1.
    pub aspect_ratio: f64,
    /// Mean optical density inside the outline, green channel, base 10.
    pub mean_optical_density: f64,
    /// 1 − (density of the inner third by radius) / (density of the outer third); above 0 where the center is paler.
    /// `None` where the outline is too small to have an inside.
    pub pallor_contrast: Option<f64>,
}

/// One segmented object with its measures; not yet classified.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    /// Number in its field.
    pub id: CellId,
    /// Outline in pixels of the original image.
    pub contour: Contour,
    /// Shape and stain.
    pub morphology: Morphology,
    /// What the segmenter takes it for.
    pub kind: ObjectKind,
    /// Share of its outline that it has in common with other objects, 0–1.
    pub hidden_share: f64,
}

/// The classifier's answer for one cell.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// Schistocyte where `schistocyte_probability` reaches the operating point and enough of the outline is seen, else the
    /// likeliest other class.
    pub class: CellClass,
    /// Probability of `class`.
    pub class_probability: Probability,
    /// Calibrated probability that the cell is a schistocyte.
    pub schistocyte_probability: Probability,
}

/// Whether an object is in the denominator.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum CellStatus {
    /// A red cell that counts, with the classifier's call.
    Counted(Call),
    /// Left out, with the reason and, where the classifier saw it, its call.
    Excluded(ExclusionReason, Option<Call>),
}

/// An object with its final status: what is counted and reported. A cell that is read is checked again, because a file may
/// have been changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "CellData", into = "CellData")]
pub struct ClassifiedCell {
    /// The object and its measures.
    pub cell: Cell,
    /// Counted or excluded.
    pub status: CellStatus,
    /// ICSH form of a counted schistocyte; `None` for every other object and where no rule gives one.
    pub form: Option<SchistocyteForm>,
}

impl ClassifiedCell {
    /// The call, where the cell is counted.
    pub fn counted_call(&self) -> Option<&Call> {
        match &self.status {
            CellStatus::Counted(call) => Some(call),
            CellStatus::Excluded(..) => None,
        }
    }

    /// Whether it is counted as a schistocyte.
    pub fn is_counted_schistocyte(&self) -> bool {
        self.counted_call().is_some_and(|call| call.class == CellClass::Schistocyte)
    }

    /// Whether it is counted as another class though its probability of being a schistocyte is at least `from`.
    pub fn is_near_miss(&self, from: f64) -> bool {
        let call = self.counted_call().filter(|_| !self.is_counted_schistocyte());
        call.is_some_and(|call| call.schistocyte_probability.value() >= from)
    }
}

/// A classified cell as it is written.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CellData {
    id: CellId,
    contour: Contour,
    morphology: Morphology,
    /// Why the segmenter left it out; null for a red cell.
    segmented_as: Option<ExclusionReason>,
    hidden_share: f64,
    /// Why it is not counted; null where it is.
    excluded: Option<ExclusionReason>,
    call: Option<Call>,
    form: Option<SchistocyteForm>,
}

impl From<ClassifiedCell> for CellData {
    fn from(ClassifiedCell { cell, status, form }: ClassifiedCell) -> Self {
        let Cell { id, contour, morphology, kind, hidden_share } = cell;
        let segmented_as = match kind {
            ObjectKind::RedCell => None,
            ObjectKind::Excluded(reason) => Some(reason),
        };
        let (excluded, call) = match status {
            CellStatus::Counted(call) => (None, Some(call)),
            CellStatus::Excluded(reason, call) => (Some(reason), call),
        };
        Self { id, contour, morphology, segmented_as, hidden_share, excluded, call, form }
    }
}

impl TryFrom<CellData> for ClassifiedCell {
    type Error = &'static str;

    /// # Errors
    /// What was expected of a cell that is not sound.
    fn try_from(data: CellData) -> Result<Self, Self::Error> {
        let CellData { id, contour, morphology, segmented_as, hidden_share, excluded, call, form } = data;
        let status = match (excluded, call) {
            (Some(reason), call) => CellStatus::Excluded(reason, call),
            (None, Some(call)) => CellStatus::Counted(call),
            (None, None) => return Err("expected a call for every counted cell"),
        };
        if !(0.0..=1.0).contains(&hidden_share) {
            return Err("expected a share of hidden outline from 0 to 1");
        }
        let kind = segmented_as.map_or(ObjectKind::RedCell, ObjectKind::Excluded);
        Ok(Self { cell: Cell { id, contour, morphology, kind, hidden_share }, status, form })
    }
}

/// Cells for the tests of other modules.
#[cfg(test)]
pub(crate) mod made {
    use super::*;

    /// A cell that is counted as a class, and as likely a schistocyte; its numbers have no short decimals.
    pub fn cell(id: u32, class: CellClass, schistocyte: f64) -> ClassifiedCell {
        let probability = |value| Probability::new(value).expect("0 to 1");
        let morphology = Morphology {
            area_um2: 40.1,
            perimeter_um: 0.1 + 0.2,
            diameter_um: 7.0,
            circularity: 0.9,
            solidity: 1.0 / 3.0,
            aspect_ratio: 1.0,
            mean_optical_density: 0.2,
            pallor_contrast: None,
        };
        let contour = Contour::new(vec![[0.1, 0.2], [3.3, 0.0], [1.0 / 7.0, 9.9]]).expect("three points");
        let (class_probability, schistocyte_probability) = (probability(0.1 + 0.2), probability(schistocyte));
        ClassifiedCell {
            cell: Cell { id: CellId(id), contour, morphology, kind: ObjectKind::RedCell, hidden_share: 1.0 / 7.0 },
            status: CellStatus::Counted(Call { class, class_probability, schistocyte_probability }),
            form: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_cell_reads_back_to_the_last_bit() {
        let counted = made::cell(1, CellClass::Schistocyte, 1.0 / 3.0);
        let call = *counted.counted_call().expect("counted");
        let excluded = |reason, call| ClassifiedCell { status: CellStatus::Excluded(reason, call), ..counted.clone() };
        for classified in [
            ClassifiedCell { form: Some(SchistocyteForm::Helmet), ..counted.clone() },
            excluded(ExclusionReason::NotRedCell, Some(call)),
            excluded(ExclusionReason::FieldRefused, None),
        ] {
            let text = serde_json::to_string(&classified).expect("plain numbers");
            assert_eq!(serde_json::from_str::<ClassifiedCell>(&text).expect("its own text"), classified);
        }
    }

    #[test]
    fn unsound_cells_are_refused() {
        let sound = serde_json::to_value(made::cell(1, CellClass::Normal, 0.1)).expect("plain numbers");
        for (key, wrong, expected) in [
            ("call", serde_json::Value::Null, "a call for every counted cell"),
            ("contour", serde_json::json!({"Points": [[0.0, 0.0], [1.0, 1.0]]}), "an outline of at least three points"),
            ("hidden_share", serde_json::json!(1.1), "a share of hidden outline from 0 to 1"),
        ] {
            let mut broken = sound.clone();
            broken[key] = wrong;
            let error = serde_json::from_value::<ClassifiedCell>(broken).expect_err(key).to_string();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn reasons_are_named_as_serde_names_them_and_sorted_by_name() {
        for reason in ExclusionReason::ALL {
            assert_eq!(serde_json::to_value(reason).expect("plain enum"), reason.name());
        }
        assert!(ExclusionReason::Debris < ExclusionReason::FrameEdge);
    }

    proptest! {
        #[test]
        fn numbers_survive_the_text(value in proptest::num::f64::NORMAL) {
            let text = serde_json::to_string(&value).expect("finite");
            prop_assert_eq!(serde_json::from_str::<f64>(&text).expect("its own text").to_bits(), value.to_bits());
        }
    }
}
