//! One photographed field: the pixels as read, the pixels at the common scale, the map of its objects, and its labels where
//! the cells are known because `synth` drew them or people labelled them.

use std::fmt;
use std::sync::LazyLock;

use image::RgbImage;
use serde::{Deserialize, Serialize};

use super::calibration::Calibration;
use super::cell::SegmentedObject;
use super::class::{CellClass, SchistocyteForm};
use crate::optics::background::Background;
use crate::optics::density::DensityTable;
use crate::optics::illuminated::Illuminated;

/// Name of a field: the file name, with `#page` behind it for the second and later pages of a file.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FieldId(pub String);

impl fmt::Display for FieldId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A field as read: upright 8-bit RGB and what the file says of its pixel size.
#[derive(Debug, Clone)]
pub struct Field {
    /// Name in every output.
    pub id: FieldId,
    /// Pixels, EXIF orientation applied, sRGB as stored.
    pub rgb: RgbImage,
    /// Pixel size from the file; `None` where the file does not say.
    pub calibration: Option<Calibration>,
    /// SHA-256 of the file's bytes, lower-case hexadecimal.
    pub sha256: String,
}

/// A field with flat background and cells at the common scale.
#[derive(Debug, Clone)]
pub struct NormalizedField {
    /// Pixels; the empty background is [`NormalizedField::BACKGROUND`] in every channel.
    pub rgb: RgbImage,
    /// Size of a pixel of `rgb`, µm, by the calibration in use.
    pub um_per_px: f64,
    /// Original pixels per pixel of `rgb`: original = normalized × this, for both axes.
    pub original_px_per_px: f64,
    /// The part of `rgb` that shows the specimen; `None` where that is all of it. Outside is empty background.
    pub lit: Option<Illuminated>,
}

impl NormalizedField {
    /// Value of the empty background in every channel of a normalized field.
    pub const BACKGROUND: u8 = 240;

    /// Flattens an image at the common scale within its lit part; `original_width_px` is the width it was taken with. `None`
    /// for an image without pixels.
    pub fn flattened(
        working: &RgbImage,
        lit: Option<&Illuminated>,
        um_per_px: f64,
        original_width_px: u32,
    ) -> Option<(Self, Background)> {
        let lit = lit.map(|lit| lit.scaled_to(working.width(), working.height()));
        let background = Background::estimate_within(working, lit.as_ref())?;
        let mut rgb = background.flatten(working, Self::BACKGROUND);
        if let Some(lit) = &lit {
            lit.fill_outside(&mut rgb, Self::BACKGROUND);
        }
        let original_px_per_px = f64::from(original_width_px) / f64::from(working.width());
        Some((Self { rgb, um_per_px, original_px_per_px, lit }, background))
    }

    /// Density of each value of a normalized field.
    pub fn densities() -> &'static DensityTable {
        static DENSITIES: LazyLock<DensityTable> = LazyLock::new(|| DensityTable::new(NormalizedField::BACKGROUND));
        &DENSITIES
    }
}

/// Which object each pixel of a normalized field belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelMap {
    width: u32,
    height: u32,
    labels: Vec<u32>,
}

impl LabelMap {
    /// A map of `width` × `height` pixels, rows from the top; 0 is background, `n` the object at index `n - 1`.
    ///
    /// # Panics
    /// Where `labels` does not hold `width * height` values.
    pub fn new(width: u32, height: u32, labels: Vec<u32>) -> Self {
        assert_eq!(labels.len(), width as usize * height as usize, "one label for each pixel");
        Self { width, height, labels }
    }

    /// Width, pixels of the normalized field.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Height, pixels of the normalized field.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// All labels, rows from the top.
    pub fn as_slice(&self) -> &[u32] {
        &self.labels
    }

    /// All labels, rows from the top.
    pub fn into_labels(self) -> Vec<u32> {
        self.labels
    }

    /// Label at a pixel; 0 outside the map.
    pub fn at(&self, x: i64, y: i64) -> u32 {
        if x < 0 || y < 0 || x >= i64::from(self.width) || y >= i64::from(self.height) {
            return 0;
        }
        self.labels[y as usize * self.width as usize + x as usize]
    }
}

/// Every object of a field; object `i` owns the pixels labelled `i + 1`.
#[derive(Debug, Clone, PartialEq)]
pub struct Segmentation {
    /// Objects in the order of their labels.
    pub objects: Vec<SegmentedObject>,
    /// Which object each pixel of the normalized field belongs to.
    pub labels: LabelMap,
}

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
