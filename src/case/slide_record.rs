//! What a case says of the slides behind it: where fields were taken, and why the count ended.
//!
//! Coordinates are pixels of the slide at full resolution, x right, y down, origin at its top-left corner.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::IntoStaticStr;

use crate::smear::CalibrationSource;

/// How long slides are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum StopKind {
    /// Until the count is placed on one side of the threshold.
    Decided,
    /// Up to a fixed number of cells.
    Cells,
    /// To the last field.
    AllFields,
}

impl StopKind {
    /// Name as written in files; also the serde name.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// Why the count of slides ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stopped {
    /// The count was placed on one side of the threshold.
    Decided,
    /// It was undecided at the largest number of cells.
    MaxCells,
    /// It reached the fixed number of cells.
    Cells,
    /// No further field was left.
    LastField,
}

/// The slides of a specimen and the rule of the count on them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SlidesRecord {
    /// How long was counted: `decided` (until the count is placed on one side of the threshold), `cells` (a fixed number) or
    /// `all_fields`.
    #[schemars(with = "String")]
    pub stop_rule: StopKind,
    /// Why the count ended: `decided`, `max_cells`, `cells` or `last_field`.
    #[schemars(with = "String")]
    pub stopped: Stopped,
    /// Red cells at which the count ends; null where every field is counted.
    pub stop_cells: Option<u64>,
    /// Seed of the order in which fields were taken.
    pub seed: u64,
    /// Each slide.
    pub slides: Vec<SlideRecord>,
}

/// One slide.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SlideRecord {
    /// File name.
    pub file: String,
    /// Format in words.
    pub format: String,
    /// Width, px.
    pub width_px: u32,
    /// Height, px.
    pub height_px: u32,
    /// Levels, the finest first.
    pub levels: Vec<LevelRecord>,
    /// Pixel size by the file, µm; null where it does not say.
    pub um_per_px: Option<f64>,
    /// Where the pixel size stands.
    pub um_per_px_source: Option<CalibrationSource>,
    /// Magnification of the objective; null where the file does not say.
    pub magnification: Option<f64>,
    /// Which part was counted: `monolayer` (found), `rectangle`, `annotation` or `all`.
    pub area: String,
    /// Blocks of the slide by what they show; empty where the caller gave the area.
    pub blocks: BTreeMap<String, u64>,
    /// Fields that the area holds.
    pub planned_fields: u64,
    /// Fields that were examined.
    pub examined_fields: u64,
    /// Area of the examined fields, mm²; null without a pixel size.
    pub examined_mm2: Option<f64>,
}

/// Size of a level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LevelRecord {
    /// Width, px.
    pub width_px: u32,
    /// Height, px.
    pub height_px: u32,
}

/// Place of a field on its slide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RegionRecord {
    /// Place of the slide in the list of slides, from 0.
    pub slide: u64,
    /// Left edge of the field, px.
    pub x_px: u32,
    /// Top edge of the field, px.
    pub y_px: u32,
    /// Left edge of the part whose cells belong to the field, px.
    pub core_x_px: u32,
    /// Top edge of that part, px.
    pub core_y_px: u32,
    /// Width of that part, px.
    pub core_width_px: u32,
    /// Height of that part, px.
    pub core_height_px: u32,
}
