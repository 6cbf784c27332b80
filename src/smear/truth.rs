//! A field whose cells are known: rendered by `synth` or labelled by people. Shared by `synth` and `evaluate`.

use serde::{Deserialize, Serialize};

use super::{CellClass, SchistocyteForm};

/// What a labelled object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TruthKind {
    /// A red cell.
    RedCell,
    /// A white cell.
    WhiteCell,
    /// A platelet.
    Platelet,
}

/// One labelled object; what a label file does not say is `None`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LabeledCell {
    /// What it is.
    pub kind: TruthKind,
    /// Class, where labelled.
    pub class: Option<CellClass>,
    /// Schistocyte form, where labelled.
    pub form: Option<SchistocyteForm>,
    /// A point inside the object, `[x, y]` px; not its center unless the labels say so.
    pub point: Option<[f64; 2]>,
    /// `[x_min, y_min, x_max, y_max]`, px.
    #[serde(rename = "box")]
    pub bounds: Option<[f64; 4]>,
    /// Outline, px.
    pub contour: Option<Vec<[f64; 2]>>,
}

/// A field and its labelled objects.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LabeledField {
    /// File name of the image.
    pub field: String,
    /// Image width, px.
    pub width_px: u32,
    /// Image height, px.
    pub height_px: u32,
    /// Pixel size, µm; `None` where unknown.
    pub um_per_px: Option<f64>,
    /// Whether every object of the field is labelled; where it is not, an unlabelled object is no negative.
    pub complete: bool,
    /// The objects.
    pub cells: Vec<LabeledCell>,
}
