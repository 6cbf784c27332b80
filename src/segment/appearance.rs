//! How each label of a field looks: the stain of its pixels and the sharpness of its outline.
//!
//! In: a normalized field with its foreground and the runs of its label map. Out, for each label: sums of densities, pixels
//! of ink, and the steepness of the free outline; for the field the median density of its red cells in each channel.
//!
//! Color: hemoglobin absorbs blue more strongly than the azure–eosin stain of nuclei and platelets does. The ratio of blue
//! to green density, taken relative to the field's own red cells, parts the two under every stain and camera of the
//! labelled sets (at the medians, white cells have at most 0.6 and platelets at most 0.65 of the red cells' ratio; measured
//! on the labelled boxes). It is relative because white balance moves it. Strongly basophilic red cells come near the limit.
//!
//! Steepness: the steepest slope within one pixel, as a mean over the pixels of the outline that border on background, over
//! the object's own density (mean plus one standard deviation, about that of its rim). 1/px, independent of the strength of
//! the stain; `None` where fewer than [`MIN_FREE_PX`] pixels of the outline are free. It compares the cells of one field;
//! the sharpness of a field in 1/µm is measured in `quality`.

use std::ops::Range;

use fearless_simd::{Level, dispatch};
use rayon::prelude::*;

use super::foreground::{Foreground, STATISTICS_ROW_STEP};
use crate::optics::BAND_ROWS;
use crate::optics::runs::RowRuns;
use crate::smear::NormalizedField;
use crate::stats::median::{extend_where, median};

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
#[inline(always)]
fn is_ink([red, green, blue]: [f32; 3]) -> bool {
    let strongest = larger(larger(red, green), blue);
    let colored = (strongest > INK_DENSITY) & (green < INK_GREEN_SHARE * strongest);
    let is_dense = (red > BLACK_DENSITY) & (green > BLACK_DENSITY) & (blue > BLACK_DENSITY);
    colored | (is_dense & (red > BLACK_RED_SHARE * green))
}

/// The larger of two numbers; `f32::max` asks besides whether one of them is none.
#[inline(always)]
fn larger(one: f32, other: f32) -> f32 {
    if one > other { one } else { other }
}

/// Pixels that carry a trace of stain, and pixels of ink.
#[inline(always)]
fn count_colors(density: &[f32], [red, green, blue]: [&[f32]; 3], trace: f32) -> [u32; 2] {
    let mut counts = [0; 2];
    for (((density, red), green), blue) in density.iter().zip(red).zip(green).zip(blue) {
        counts[0] += u32::from(*density > trace);
        counts[1] += u32::from(is_ink([*red, *green, *blue]));
    }
    counts
}

impl FieldColor {
    /// The color of a field whose `count` labels lie in `runs`; pixels from a density of `trace` on carry stain.
    pub fn of(field: &NormalizedField, foreground: &Foreground, runs: &RowRuns, count: usize, trace: f32) -> Self {
        let bands = bands(field.rgb.height() as usize).into_par_iter();
        let seen: Vec<_> = bands.map(|rows| Self::of_rows(field, foreground, runs, rows, count, trace)).collect();
        let mut stain = vec![Stain::default(); count];
        let mut typical: [Vec<f32>; 3] = Default::default();
        for (band_typical, band_stain) in seen {
            stain.iter_mut().zip(band_stain).for_each(|(stain, own)| stain.add(&own));
            typical.iter_mut().zip(band_typical).for_each(|(values, own)| values.extend(own));
        }
        let red_cell = typical.map(|values| median(&values, DENSITIES, |_| true).unwrap_or(0.0));
        Self { red_cell, stain }
    }

    /// The densities of typical pixels in each channel (of the rows that give statistics), and the stain of each label, in some rows.
    fn of_rows(
        field: &NormalizedField,
        foreground: &Foreground,
        runs: &RowRuns,
        rows: Range<usize>,
        count: usize,
        trace: f32,
    ) -> ([Vec<f32>; 3], Vec<Stain>) {
        let width = field.rgb.width() as usize;
        let (low, high) = (RED_CELL_DENSITY.0 * foreground.level, RED_CELL_DENSITY.1 * foreground.level);
        let level = Level::new();
        let mut typical: [Vec<f32>; 3] = Default::default();
        let mut stain = vec![Stain::default(); count];
        NormalizedField::densities().smooth_channels(&field.rgb, rows, |y, channels| {
            let density = &foreground.density[y * width..][..width];
            let mask = &foreground.mask[y * width..][..width];
            if y % STATISTICS_ROW_STEP == 0 {
                let is_typical: Vec<bool> = mask
                    .iter()
                    .zip(density)
                    .map(|(stained, density)| *stained & (low <= *density) & (*density < high))
                    .collect();
                for (values, channel) in typical.iter_mut().zip(channels) {
                    extend_where(values, channel, is_typical.iter().copied());
                }
            }
            for run in &runs.all()[runs.of_row(y)] {
                let own = &mut stain[run.value as usize - 1];
                let span = run.start as usize..run.end as usize;
                own.pixels += run.length();
                let density = &density[span.clone()];
                let channels = channels.map(|channel| &channel[span.clone()]);
                let [stained, ink] = dispatch!(level, _ => count_colors(density, channels, trace));
                own.stained += stained;
                own.ink += ink;
                let [red, green, blue] = channels;
                let mut sums = [own.density, own.channels[0], own.channels[1], own.channels[2]];
                for (((density, red), green), blue) in density.iter().zip(red).zip(green).zip(blue) {
                    for (sum, value) in sums.iter_mut().zip([density, red, green, blue]) {
                        *sum += f64::from(*value);
                    }
                }
                [own.density, own.channels[0], own.channels[1], own.channels[2]] = sums;
            }
        });
        (typical, stain)
    }
}

impl Stain {
    fn add(&mut self, other: &Self) {
        self.density += other.density;
        self.channels.iter_mut().zip(other.channels).for_each(|(sum, own)| *sum += own);
        self.pixels += other.pixels;
        self.stained += other.stained;
        self.ink += other.ink;
    }
}

/// The bands of rows of a picture.
fn bands(height: usize) -> Vec<Range<usize>> {
    (0..height).step_by(BAND_ROWS).map(|first| first..(first + BAND_ROWS).min(height)).collect()
}

/// Fewest free pixels of an outline that give a figure: a sixth of the outline of a nominal cell.
const MIN_FREE_PX: u32 = 20;

/// Steepness of each of `count` labels; label `n` at index `n - 1`.
pub(super) fn steepness(density: &[f32], runs: &RowRuns, count: usize, width: usize) -> Vec<Option<f32>> {
    let bands = bands(density.len() / width.max(1)).into_par_iter();
    let seen: Vec<Vec<Sharpness>> = bands.map(|rows| sharpness_of_rows(density, runs, rows, count, width)).collect();
    let mut all = vec![Sharpness::default(); count];
    for band in seen {
        all.iter_mut().zip(band).for_each(|(sum, own)| sum.merge(&own));
    }
    let of = |Sharpness { moments, slopes, free_px }: Sharpness| {
        let rim = moments.rim();
        (free_px >= MIN_FREE_PX && rim > 0.0).then(|| (slopes / f64::from(free_px) / rim) as f32)
    };
    all.into_iter().map(of).collect()
}

/// Sums of each label over some rows.
fn sharpness_of_rows(
    density: &[f32],
    runs: &RowRuns,
    rows: Range<usize>,
    count: usize,
    width: usize,
) -> Vec<Sharpness> {
    let height = density.len() / width.max(1);
    let mut all = vec![Sharpness::default(); count];
    for y in rows.clone() {
        for run in &runs.all()[runs.of_row(y)] {
            all[run.value as usize - 1].moments.add(&density[run.at(y, width)]);
        }
    }
    let level = Level::new();
    let mut seen = [0, 1, 2].map(|_| SlopeRow::new(width));
    let (mut is_free, mut steepest) = (vec![false; width], vec![0.0; width]);
    // A narrow field has no pixel that lies two from the frame.
    let last = if width > 4 { rows.end.min(height.saturating_sub(2)) } else { 0 };
    let inner = rows.start.max(2)..last;
    for y in inner.clone() {
        if y == inner.start {
            seen[1].look(level, density, runs, y - 1);
            seen[2].look(level, density, runs, y);
        }
        seen.rotate_left(1);
        seen[2].look(level, density, runs, y + 1);
        dispatch!(level, _ => look_across(&seen, &mut is_free, &mut steepest));
        for run in &runs.all()[runs.of_row(y)] {
            let own = &mut all[run.value as usize - 1];
            for x in (run.start as usize).max(2)..(run.end as usize).min(width.saturating_sub(2)) {
                if is_free[x] {
                    own.slopes += f64::from(steepest[x].sqrt() / 2.0);
                    own.free_px += 1;
                }
            }
        }
    }
    all
}

/// One row of a field with what its neighbors ask of it.
struct SlopeRow {
    /// Which pixels carry a label.
    covered: Vec<bool>,
    /// Squares of twice the slope by central differences; 0 in the first and the last column.
    squares: Vec<f32>,
}

impl SlopeRow {
    fn new(width: usize) -> Self {
        Self { covered: vec![false; width], squares: vec![0.0; width] }
    }

    /// Looks at row `y`, which is neither the first nor the last.
    fn look(&mut self, level: Level, density: &[f32], runs: &RowRuns, y: usize) {
        self.covered.fill(false);
        runs.all()[runs.of_row(y)].iter().for_each(|run| self.covered[run.start as usize..run.end as usize].fill(true));
        let width = self.squares.len();
        let [above, here, below] = [y - 1, y, y + 1].map(|y| &density[y * width..][..width]);
        dispatch!(level, _ => squares_of_slopes([above, here, below], &mut self.squares));
    }
}

#[inline(always)]
fn squares_of_slopes([above, here, below]: [&[f32]; 3], squares: &mut [f32]) {
    let inner = 1..squares.len() - 1;
    let around = here.windows(3).zip(&above[inner.clone()]).zip(&below[inner.clone()]);
    for (square, ((across, above), below)) in squares[inner].iter_mut().zip(around) {
        let (dx, dy) = (across[2] - across[0], below - above);
        *square = dx * dx + dy * dy;
    }
}

/// Which pixels of the middle row have a neighbor without a label, and the largest square about each pixel. The first and the
/// last pixel are left as they are.
///
/// METHOD: the steepest of nine slopes is the root of the largest square, so that one root is taken and not nine.
#[inline(always)]
fn look_across([above, here, below]: &[SlopeRow; 3], is_free: &mut [bool], steepest: &mut [f32]) {
    let inner = 1..is_free.len() - 1;
    let covered = here.covered.windows(3).zip(&above.covered[inner.clone()]).zip(&below.covered[inner.clone()]);
    for (is_free, ((across, above), below)) in is_free[inner.clone()].iter_mut().zip(covered) {
        *is_free = !(above & below & across[0] & across[2]);
    }
    let squares = above.squares.windows(3).zip(here.squares.windows(3)).zip(below.squares.windows(3));
    for (most, ((above, here), below)) in steepest[inner].iter_mut().zip(squares) {
        let column = |at: usize| larger(larger(above[at], here[at]), below[at]);
        *most = larger(larger(column(0), column(1)), column(2));
    }
}

/// What the steepness of a label is made of.
#[derive(Debug, Clone, Copy, Default)]
struct Sharpness {
    moments: Moments,
    /// Sum of the steepest slopes at its free pixels.
    slopes: f64,
    free_px: u32,
}

impl Sharpness {
    fn merge(&mut self, other: &Self) {
        self.moments.pixels += other.moments.pixels;
        self.moments.sum += other.moments.sum;
        self.moments.squares += other.moments.squares;
        self.slopes += other.slopes;
        self.free_px += other.free_px;
    }
}

/// Sums over the pixels of a label.
#[derive(Debug, Clone, Copy, Default)]
struct Moments {
    pixels: f64,
    sum: f64,
    squares: f64,
}

impl Moments {
    fn add(&mut self, densities: &[f32]) {
        self.pixels += densities.len() as f64;
        for density in densities {
            let density = f64::from(*density);
            self.sum += density;
            self.squares += density * density;
        }
    }

    /// Mean plus one standard deviation.
    fn rim(&self) -> f64 {
        let mean = self.sum / self.pixels.max(1.0);
        mean + (self.squares / self.pixels.max(1.0) - mean * mean).max(0.0).sqrt()
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

    const SIDE: usize = 60;

    /// Steepness of a disc of radius 15 px whose edge is a logistic step of `width` px.
    fn of_disc(level: f32, width: f32) -> Option<f32> {
        let distance = |i: usize| ((i % SIDE) as f32 - 29.5).hypot((i / SIDE) as f32 - 29.5);
        let density: Vec<f32> =
            (0..SIDE * SIDE).map(|i| level / (1.0 + ((distance(i) - 15.0) / width).exp())).collect();
        let labels: Vec<u32> = (0..SIDE * SIDE).map(|i| u32::from(distance(i) < 15.0)).collect();
        steepness(&density, &RowRuns::of_labels(&labels, SIDE), 1, SIDE)[0]
    }

    #[test]
    fn a_step_has_a_quarter_of_its_height_over_its_width_whatever_the_stain() {
        let sharp = of_disc(0.3, 1.0).expect("a free outline");
        assert!((sharp - 0.25).abs() < 0.04, "{sharp}");
        assert!((of_disc(0.6, 1.0).expect("a free outline") - sharp).abs() < 1e-3);
    }

    #[test]
    fn twice_the_blur_is_half_as_steep() {
        let ratio = of_disc(0.3, 2.0).expect("a free outline") / of_disc(0.3, 1.0).expect("a free outline");
        assert!((ratio - 0.5).abs() < 0.06, "{ratio}");
    }

    #[test]
    fn an_outline_without_background_beside_it_has_no_figure() {
        let labels: Vec<u32> = (0..SIDE * SIDE).map(|i| if i % SIDE < 30 { 1 } else { 2 }).collect();
        let found = steepness(&vec![0.3; SIDE * SIDE], &RowRuns::of_labels(&labels, SIDE), 2, SIDE);
        assert_eq!(found, [None, None]);
    }
}
