//! One field of a case: its record, and what the reports draw of it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::slide_record::RegionRecord;
use crate::quality::PictureSignature;
use crate::smear::{CalibrationSource, CellId, ClassifiedCell, ExclusionReason};

/// Longer side of a field's preview in the report, px.
pub const PREVIEW_MAX_SIDE_PX: u32 = 1280;
/// Side of the picture of a cell, px.
pub const TILE_SIDE_PX: u32 = 144;
/// JPEG quality of the picture of a cell, by which a reader judges it; color in full. METHOD: on 200 tiles of 40 photographs it
/// has a sixth of the bytes of a PNG and differs by 0.7 gray values in the mean, 0.8 in the worst tiles.
pub const TILE_QUALITY: u8 = 90;

/// One quality figure of a field against its limits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct QualityFigure {
    /// Name of the figure with its unit at the end.
    pub name: String,
    /// Measured; null where it could not be.
    pub value: Option<f64>,
    /// Lowest accepted; null where there is no lower limit.
    pub min: Option<f64>,
    /// Highest accepted; null where there is no upper limit.
    pub max: Option<f64>,
    /// Whether the value lies within the limits.
    pub accepted: bool,
}

/// One field of the specimen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FieldRecord {
    /// File name, with `#page` behind it for further pages and `@x,y` for fields of a slide.
    pub field: String,
    /// Place on its slide; left out for a photograph.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<RegionRecord>,
    /// Width, px.
    pub width_px: u32,
    /// Height, px.
    pub height_px: u32,
    /// Pixel size in use, µm; null where none was known and no red cell could give one.
    pub um_per_px: Option<f64>,
    /// Where the pixel size came from.
    pub um_per_px_source: Option<CalibrationSource>,
    /// Whether the field is in the count.
    pub accepted: bool,
    /// Why it was refused: one sentence each.
    pub refusals: Vec<String>,
    /// Quality figures with their limits.
    pub quality: Vec<QualityFigure>,
    /// Red cells counted here; 0 in a refused field.
    pub red_cells: u64,
    /// Schistocytes counted here.
    pub schistocytes: u64,
    /// Objects left out here, by reason.
    #[schemars(with = "BTreeMap<String, u64>")]
    pub exclusions: BTreeMap<ExclusionReason, u64>,
    /// What the picture looks like from afar, by which the same picture is found again under another name; left out for fields of
    /// slides and where it shows nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub picture_signature: Option<PictureSignature>,
}

/// A field of a case with what the reports draw: its picture and its objects.
#[derive(Debug, Clone, PartialEq)]
pub struct CaseField {
    /// File name, as in [`FieldRecord::field`].
    pub field: String,
    /// Its picture for the page; `None` where no format that was asked for shows one.
    pub preview: Option<Preview>,
    /// Objects in the order of their identifiers, outlines in pixels of the original image.
    pub cells: Vec<ClassifiedCell>,
    /// A picture of each cell counted as a schistocyte, and of those that nearly were: at most
    /// [`MOST_NEAR_MISSES`](super::MOST_NEAR_MISSES) of them.
    pub tiles: Vec<CellTile>,
}

/// Picture of a field, at most [`PREVIEW_MAX_SIDE_PX`] on its longer side.
#[derive(Debug, Clone, PartialEq)]
pub struct Preview {
    /// The JPEG.
    pub jpeg: Vec<u8>,
    /// Width, px.
    pub width_px: u32,
    /// Height, px.
    pub height_px: u32,
    /// Pixels of it per pixel of the original image.
    pub px_per_px: f64,
}

/// Picture of one cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CellTile {
    /// Number of the cell in its field.
    pub cell_id: CellId,
    /// JPEG, square.
    pub jpeg: Vec<u8>,
}
