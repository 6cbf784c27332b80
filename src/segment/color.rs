//! The color of a field's red cells, against which other objects are told.
//!
//! In: a normalized field, its foreground and its labels. Out: the red cells' median density in each smoothed channel, and
//! the sums of densities over each label.
//! Method: hemoglobin absorbs blue more strongly than the azure–eosin stain of nuclei and platelets does, so the ratio
//! of blue to green density, taken relative to the field's own red cells, parts the two under every stain and camera of
//! the labelled sets (white cells at most 0.6, platelets at most 0.65 of the red cells' ratio at the medians; measured
//! on the labelled boxes). Relative, since white balance moves the ratio.
//! Limits: strongly basophilic red cells come near the limit.

use super::foreground::Foreground;
use crate::optics::runs::RowRuns;
use crate::smear::NormalizedField;
use crate::stats::median::median;

/// Blue-to-green ratio relative to the red cells below which a dense pixel is nuclear stain.
pub(super) const NUCLEAR_BLUE_RATIO: f32 = 0.68;
/// Range of density, relative to the typical one, of the pixels that give the color of red cells.
const RED_CELL_DENSITY: (f32, f32) = (0.6, 1.3);

/// Density of the strongest channel from which a pixel can be told to be ink.
const INK_DENSITY: f32 = 0.2;
/// Green density over that of the strongest channel below which a pixel is colored ink: every Romanowsky stain and hemoglobin
/// absorb green, the least ratio of a red cell's own color in the labelled sets is 0.7.
const INK_GREEN_SHARE: f32 = 0.25;
/// Density of the weakest channel from which a pixel can be told to be black.
const BLACK_DENSITY: f32 = 0.25;
/// Red density over green from which a dense pixel is black: at most 0.73 in 99 of 100 red cells of the labelled sets.
const BLACK_RED_SHARE: f32 = 0.85;

/// Densities where the medians of red cells are looked for.
const DENSITIES: std::ops::Range<f32> = 0.0..1.0;

/// Stain of the pixels of one label.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Stain {
    /// Sum of the densities in the field's own mix of channels.
    pub density: f64,
    /// Sums of the smoothed densities of red, green and blue.
    pub channels: [f64; 3],
    /// Number of pixels.
    pub pixels: u32,
    /// Those of them that carry a trace of stain.
    pub stained: u32,
    /// Those of them that have the color of no stain: burnt-in marks, pointers, soot.
    pub ink: u32,
}

/// Density of a field's red cells and of each label.
#[derive(Debug, Clone)]
pub(super) struct FieldColor {
    /// Median density of the field's red cells in red, green and blue.
    pub red_cell: [f32; 3],
    /// Stain of each label, label `n` at index `n - 1`.
    pub stain: Vec<Stain>,
}

/// Whether a pixel has the color of a mark. METHOD: neither rule met one of 545 cells read as schistocytes by six pixels; 349
/// counted cells of `chula-rbc-12` were met by the first, most of them under text and arrows.
fn is_ink([red, green, blue]: [f32; 3]) -> bool {
    let strongest = red.max(green).max(blue);
    let colored = strongest > INK_DENSITY && green < INK_GREEN_SHARE * strongest;
    colored || (red.min(green).min(blue) > BLACK_DENSITY && red > BLACK_RED_SHARE * green)
}

impl FieldColor {
    /// The color of a field whose `count` labels lie in `runs`; pixels from a density of `trace` on carry stain.
    pub fn of(field: &NormalizedField, foreground: &Foreground, runs: &RowRuns, count: usize, trace: f32) -> Self {
        let width = field.rgb.width() as usize;
        let (low, high) = (RED_CELL_DENSITY.0 * foreground.level, RED_CELL_DENSITY.1 * foreground.level);
        let mut typical: [Vec<f32>; 3] = Default::default();
        let mut stain = vec![Stain::default(); count];
        NormalizedField::densities().smooth_channels(&field.rgb, |y, channels| {
            let density = &foreground.density[y * width..][..width];
            let mask = &foreground.mask[y * width..][..width];
            for (x, density) in density.iter().enumerate() {
                if mask[x] && (low..high).contains(density) {
                    for (values, channel) in typical.iter_mut().zip(channels) {
                        values.push(channel[x]);
                    }
                }
            }
            for run in &runs.all()[runs.of_row(y)] {
                let own = &mut stain[run.value as usize - 1];
                let span = run.start as usize..run.end as usize;
                own.pixels += run.length();
                let mut sums = *own;
                let [red, green, blue] = channels.map(|channel| &channel[span.clone()]);
                for (((density, red), green), blue) in density[span.clone()].iter().zip(red).zip(green).zip(blue) {
                    sums.density += f64::from(*density);
                    sums.stained += u32::from(*density > trace);
                    sums.ink += u32::from(is_ink([*red, *green, *blue]));
                    for (sum, channel) in sums.channels.iter_mut().zip([red, green, blue]) {
                        *sum += f64::from(*channel);
                    }
                }
                *own = sums;
            }
        });
        let red_cell = typical.map(|values| median(&values, DENSITIES, |_| true).unwrap_or(0.0));
        Self { red_cell, stain }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_ink_and_stains_are_not() {
        let density = |rgb: [u8; 3]| rgb.map(|value| NormalizedField::densities().density(value));
        for mark in [[255, 255, 0], [60, 255, 60], [20, 20, 20], [90, 90, 95]] {
            assert!(is_ink(density(mark)), "{mark:?}");
        }
        for stained in [
            [255, 120, 255],
            [240, 240, 240],
            [200, 140, 150],
            [150, 80, 110],
            [120, 60, 140],
            [70, 20, 90],
            [215, 160, 120],
        ] {
            assert!(!is_ink(density(stained)), "{stained:?}");
        }
    }
}
