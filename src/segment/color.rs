//! The color of a field's red cells, against which other objects are told.
//!
//! In: a normalized field and its foreground. Out: smoothed density planes and the red cells' median density in each.
//! Method: hemoglobin absorbs blue more strongly than the azure–eosin stain of nuclei and platelets does, so the ratio
//! of blue to green density, taken relative to the field's own red cells, parts the two under every stain and camera of
//! the labelled sets (white cells at most 0.6, platelets at most 0.65 of the red cells' ratio at the medians; measured
//! on the labelled boxes). Relative, since white balance moves the ratio.
//! Limits: strongly basophilic red cells come near the limit.

use super::foreground::Foreground;
use crate::optics::density::{DensityTable, smooth};
use crate::smear::NormalizedField;

/// Blue-to-green ratio relative to the red cells below which a dense pixel is nuclear stain.
pub(super) const NUCLEAR_BLUE_RATIO: f32 = 0.68;
/// Range of density, relative to the typical one, of the pixels that give the color of red cells.
const RED_CELL_DENSITY: (f32, f32) = (0.6, 1.3);

/// Density of a field by channel, and that of its red cells.
#[derive(Debug, Clone)]
pub(super) struct FieldColor {
    /// Density planes of red, green and blue, smoothed.
    pub planes: [Vec<f32>; 3],
    /// Median density of the field's red cells in red, green and blue.
    pub red_cell: [f32; 3],
}

impl FieldColor {
    /// The color of a field.
    pub fn of(field: &NormalizedField, foreground: &Foreground) -> Self {
        let width = field.rgb.width() as usize;
        let table = DensityTable::new(NormalizedField::BACKGROUND);
        let plane = |weights| smooth(&table.plane(&field.rgb, weights), width);
        let planes = [plane([1.0, 0.0, 0.0]), plane([0.0, 1.0, 0.0]), plane([0.0, 0.0, 1.0])];
        let (low, high) = (RED_CELL_DENSITY.0 * foreground.level, RED_CELL_DENSITY.1 * foreground.level);
        let typical: Vec<usize> = foreground
            .density
            .iter()
            .enumerate()
            .filter(|(index, density)| foreground.mask[*index] && (low..high).contains(*density))
            .map(|(index, _)| index)
            .collect();
        let red_cell = [0, 1, 2].map(|channel: usize| {
            let mut values: Vec<f32> = typical.iter().map(|index| planes[channel][*index]).collect();
            let middle = values.len() / 2;
            if values.is_empty() { 0.0 } else { *values.select_nth_unstable_by(middle, f32::total_cmp).1 }
        });
        Self { planes, red_cell }
    }
}
