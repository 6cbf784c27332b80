//! Parts stained objects from empty background.
//!
//! In: a normalized field (background gray 240). Out: a mask of stained pixels with pallor filled, the density plane
//! and the levels it was cut at. Order: 1. mix of channels by Fisher's discriminant; 2. smoothing; 3. Otsu's threshold
//! gives the typical density of the stained part; 4. two thresholds: the upper cuts outlines at about half of that
//! density, the lower keeps pale objects that never reach the upper; 5. holes that are pallor and no gap are filled.
//! Mix, noise and typical density are those of every fourth row (`STATISTICS_ROW_STEP`).
//! Limits: a cell whose rim is fainter than the lower threshold is not seen.

use fearless_simd::{Level, dispatch};
use image::RgbImage;
use rayon::prelude::*;

use crate::optics::counts::ValueCounts;
use crate::optics::regions::{Connectivity, Region, Regions, regions_of_runs};
use crate::optics::runs::RowRuns;
use crate::optics::{BAND_PX, BAND_ROWS, length};
use crate::smear::{NOMINAL_RED_CELL_DIAMETER_UM, NormalizedField};
use crate::stats::median::median;

/// Pixel size at which fields are segmented, µm: a nominal red cell is 40 pixels wide, about the scale of a 100×
/// objective on a common camera.
pub const WORKING_UM_PER_PX: f64 = 0.1875;
/// Diameter of the nominal red cell at [`WORKING_UM_PER_PX`], pixels.
pub const NOMINAL_CELL_DIAMETER_PX: f64 = NOMINAL_RED_CELL_DIAMETER_UM / WORKING_UM_PER_PX;
/// Area of the nominal red cell at [`WORKING_UM_PER_PX`], px².
pub(super) const NOMINAL_CELL_AREA_PX: f64 =
    std::f64::consts::FRAC_PI_4 * NOMINAL_CELL_DIAMETER_PX * NOMINAL_CELL_DIAMETER_PX;

/// Channel mix (red, green, blue) before the field's own mix is known: green absorbs most in eosin and hemoglobin.
const FIRST_MIX: [f32; 3] = [0.15, 0.65, 0.2];
/// Density of a stained pixel in standard deviations of the background noise, for the first look at a field.
const FIRST_SIGMA: f32 = 5.0;
/// Green density of a nuclear pixel, relative to the red cells.
const NUCLEAR_GREEN: f32 = 1.1;
/// Blue-to-green ratio, relative to the red cells, below which a dense pixel is nuclear stain.
///
/// METHOD: stricter than the limit for a whole object (`kind`, 0.72). The pixels that it takes away are missing where the
/// color of the red cells is measured, and a single pixel is noisy, so that a limit nearer to 1 would take red cells too.
const NUCLEAR_PIXEL_BLUE_RATIO: f32 = 0.68;
/// Share of the typical density at which outlines are cut: the half height of a blurred edge, a little outward since
/// rims are denser than pallor.
const UPPER_SHARE: f32 = 0.42;
/// Share of the typical density that a pale object must reach.
const LOWER_SHARE: f32 = 0.2;
/// The lower threshold in standard deviations of the background noise.
const LOWER_SIGMA: f32 = 4.0;
/// Least typical density of a stained field: about half of the palest seen in the labelled sets (0.04).
const MIN_LEVEL: f32 = 0.02;
/// Layers of pixels of a blurred edge between the two thresholds.
const SKIRT_PX: usize = 2;
/// Mean density of a hole, relative to the typical one, above which it is thin stain and no empty glass.
const PALLOR_DENSITY: f32 = 0.08;
/// The largest pallor as a share of a nominal cell; larger holes are gaps between cells.
const PALLOR_MAX_SHARE: f64 = 0.75;
/// Holes below this share of a nominal cell are noise and always filled.
const SPECK_SHARE: f64 = 0.012;
/// Least area over hull area of a hole that is pallor; gaps between round cells are stars.
const PALLOR_MIN_SOLIDITY: f64 = 0.86;

/// Of so many rows one gives the noise, the colors and the typical density of a field.
///
/// METHOD: medians and means over 30,000 pixels and more stand as firm as over four times as many, most of which are neighbors of
/// those. A cell is forty rows high, so that none is passed over.
pub(super) const STATISTICS_ROW_STEP: usize = 4;

/// Density of the brightest pixel, a little beyond: where the medians of empty pixels are looked for.
const BRIGHTEST_DENSITY: f32 = -0.03;
/// Density above which hardly a red cell lies: where the medians of stained pixels are looked for.
const DARKEST_DENSITY: f32 = 1.0;

/// The stained part of a field.
#[derive(Debug, Clone)]
pub(super) struct Foreground {
    /// Stained pixels, pallor filled.
    pub mask: Vec<bool>,
    /// Smoothed density in the field's own mix of channels.
    pub density: Vec<f32>,
    /// Typical density of the stained part.
    pub level: f32,
}

/// The stain of a field, as the rows that give its statistics show it.
pub(super) struct FieldStain {
    sample: RgbImage,
    nuclear: NuclearColors,
    /// Weights of the channels that part red cells from empty pixels best.
    mix: [f32; 3],
}

impl FieldStain {
    /// Looks at a field; `None` where nothing on it is stained.
    pub(super) fn of(field: &NormalizedField) -> Option<Self> {
        let sample = sampled_rows(&field.rgb);
        let first = NormalizedField::densities().plane(&sample, FIRST_MIX);
        let cut = (FIRST_SIGMA * background_noise(&first)).max(MIN_LEVEL);
        let FirstLook { sides, nuclear } = FirstLook::of(&sample, &first, cut)?;
        Some(Self { mix: fisher_mix(&sides)?, sample, nuclear })
    }

    /// The stained part of the field; `None` where there is none.
    pub(super) fn foreground(&self, field: &NormalizedField) -> Option<Foreground> {
        let width = field.rgb.width() as usize;
        let density = NormalizedField::densities().smooth_plane(&field.rgb, self.mix);
        let mut looked_at = every_nth_row(&density, width);
        let noise = background_noise(&looked_at);
        let cut = (FIRST_SIGMA * noise).max(MIN_LEVEL);
        // What is nuclear is given a density that is not counted.
        let seen = looked_at.iter_mut().zip(pixels(&self.sample));
        for (density, _) in seen.filter(|(_, pixel)| self.nuclear.has(pixel)) {
            *density = f32::NEG_INFINITY;
        }
        let level = median(&looked_at, 0.0..DARKEST_DENSITY, |d| d > cut)?;
        let upper = UPPER_SHARE * level;
        let lower = (LOWER_SHARE * level).max(LOWER_SIGMA * noise).min(upper);
        let mut mask = denser_than(&density, lower);
        fill_pallor(&mut mask, &density, level, width);
        peel(&mut mask, &denser_than(&density, upper), width);
        Some(Foreground { mask, density, level })
    }
}

/// The rows of a picture that give its statistics, as a picture of their own.
fn sampled_rows(rgb: &RgbImage) -> RgbImage {
    let width = rgb.width();
    let rows = every_nth_row(rgb.as_raw(), 3 * width as usize);
    let height = rgb.height().div_ceil(STATISTICS_ROW_STEP as u32);
    RgbImage::from_raw(width, height, rows).unwrap_or_else(|| rgb.clone())
}

/// Every [`STATISTICS_ROW_STEP`]th row of `width` values, the first among them.
fn every_nth_row<T: Copy>(values: &[T], width: usize) -> Vec<T> {
    let rows = values.chunks(width.max(1)).step_by(STATISTICS_ROW_STEP);
    rows.fold(Vec::with_capacity(values.len() / STATISTICS_ROW_STEP + width), |mut kept, row| {
        kept.extend_from_slice(row);
        kept
    })
}

fn pixels(rgb: &RgbImage) -> &[[u8; 3]] {
    rgb.as_raw().as_chunks().0
}

/// The values of a field on both sides of a first cut, nuclei left out once their color is known.
struct FirstLook {
    /// How often each value occurs up to the density of the first look and above it.
    sides: [ValueCounts; 2],
    /// What is nuclear stain.
    nuclear: NuclearColors,
}

impl FirstLook {
    /// Looks at the pixels below and above a density; `None` where none lies above.
    fn of(rgb: &RgbImage, first: &[f32], cut: f32) -> Option<Self> {
        let stained_color = |sides: &[ValueCounts; 2]| median_color(&sides[1]);
        let all = stained_color(&side_counts(rgb, first, cut, None))?;
        let nuclear = NuclearColors::against(&all);
        let sides = side_counts(rgb, first, cut, Some(&nuclear));
        let red_cell = stained_color(&sides)?;
        if red_cell == all {
            return Some(Self { sides, nuclear });
        }
        let nuclear = NuclearColors::against(&red_cell);
        Some(Self { sides: side_counts(rgb, first, cut, Some(&nuclear)), nuclear })
    }
}

/// Values of the pixels up to a density and above it, those of nuclear stain left out.
///
/// METHOD: counts, because they are exact whatever the order, and so the same on any number of threads. Neighbors are alike:
/// counted in turn into two tables, one need not wait for the other.
fn side_counts(rgb: &RgbImage, density: &[f32], cut: f32, nuclear: Option<&NuclearColors>) -> [ValueCounts; 2] {
    let count = |(pixels, densities): (&[[u8; 3]], &[f32])| {
        let mut tables: [[ValueCounts; 2]; 2] = Default::default();
        for (at, (pixel, density)) in pixels.iter().zip(densities).enumerate() {
            let counted = u32::from(!nuclear.is_some_and(|nuclear| nuclear.has(pixel)));
            tables[at % 2][usize::from(*density > cut)].count(pixel, counted);
        }
        let [sum, other] = tables;
        with_sides(sum, &other)
    };
    let band = BAND_ROWS * rgb.width().max(1) as usize;
    let bands = pixels(rgb).par_chunks(band).zip(density.par_chunks(band)).map(count);
    bands.reduce(Default::default, |sum, other| with_sides(sum, &other))
}

fn with_sides([below, above]: [ValueCounts; 2], others: &[ValueCounts; 2]) -> [ValueCounts; 2] {
    [below.with(&others[0]), above.with(&others[1])]
}

/// Median density of counted values in each channel; `None` of nothing.
fn median_color(counts: &ValueCounts) -> Option<[f32; 3]> {
    let rank = counts.0[0].iter().sum::<u32>() / 2;
    let mut color = [0.0; 3];
    for (density, counts) in color.iter_mut().zip(&counts.0) {
        // The brightest are the least dense.
        let mut below = 0;
        let (value, _) = (0u8..=255).zip(counts).rev().find(|(_, count)| {
            below += **count;
            below > rank
        })?;
        *density = NormalizedField::densities().density(value);
    }
    Some(color)
}

/// Which single pixels have the color of nuclear stain against a field's red cells, by their values of green and blue.
struct NuclearColors(Vec<[bool; 256]>);

impl NuclearColors {
    fn against(red_cell: &[f32; 3]) -> Self {
        let densities: [f32; 256] = std::array::from_fn(|value| NormalizedField::densities().density(value as u8));
        let mut colors = vec![[false; 256]; 256];
        for (row, green) in colors.iter_mut().zip(densities).filter(|(_, green)| *green > NUCLEAR_GREEN * red_cell[1]) {
            for (is_nuclear, blue) in row.iter_mut().zip(densities) {
                *is_nuclear = blue * red_cell[1] < NUCLEAR_PIXEL_BLUE_RATIO * red_cell[2] * green;
            }
        }
        Self(colors)
    }

    fn has(&self, pixel: &[u8; 3]) -> bool {
        self.0[usize::from(pixel[1])][usize::from(pixel[2])]
    }
}

/// Weights that part red cells from empty pixels best, from means and variances of the two sides of a first cut.
fn fisher_mix(sides: &[ValueCounts; 2]) -> Option<[f32; 3]> {
    let mean_and_variance = |counts: &[u32; 256]| {
        let (mut pixels, mut sums) = (0.0, [0.0; 2]);
        for (value, count) in (0u8..=255).zip(counts) {
            let (count, density) = (f64::from(*count), f64::from(NormalizedField::densities().density(value)));
            pixels += count;
            sums[0] += count * density;
            sums[1] += count * density * density;
        }
        let [mean, square] = sums.map(|sum| sum / pixels);
        (pixels > 0.0).then_some((mean, (square - mean * mean).max(1e-6)))
    };
    let mut mix = [0.0f64; 3];
    for (channel, weight) in mix.iter_mut().enumerate() {
        let empty = mean_and_variance(&sides[0].0[channel])?;
        let stained = mean_and_variance(&sides[1].0[channel])?;
        *weight = ((stained.0 - empty.0) / (stained.1 + empty.1)).max(0.0);
    }
    let total: f64 = mix.iter().sum();
    (total > 0.0).then(|| mix.map(|weight| (weight / total) as f32))
}

/// Spread of the empty background: 1.48 × median of the densities below zero, mirrored.
fn background_noise(density: &[f32]) -> f32 {
    median(density, BRIGHTEST_DENSITY..0.0, |d| d < 0.0).map_or(0.0, |m| -1.48 * m)
}

/// Fills holes that are pallor: no larger than a cell's, and either convex or not as empty as the background.
fn fill_pallor(mask: &mut [bool], density: &[f32], level: f32, width: usize) {
    let height = mask.len() / width;
    let holes = regions_of_runs(RowRuns::of_mask(mask, width, false), Connectivity::Four);
    let may_be_pallor = |hole: &Region| {
        !hole.touches_edge(width, height) && f64::from(hole.area_px) <= PALLOR_MAX_SHARE * NOMINAL_CELL_AREA_PX
    };
    let mut fill: Vec<bool> = holes.regions.iter().map(may_be_pallor).collect();
    let mut sums = vec![0.0f64; holes.regions.len()];
    holes.runs().filter(|(_, _, hole)| fill[*hole]).for_each(|(y, run, hole)| {
        sums[hole] = density[run.at(y, width)].iter().fold(sums[hole], |sum, d| sum + f64::from(*d));
    });
    for (index, hole) in holes.regions.iter().enumerate().filter(|(_, hole)| may_be_pallor(hole)) {
        let area = f64::from(hole.area_px);
        fill[index] = area < SPECK_SHARE * NOMINAL_CELL_AREA_PX
            || sums[index] / area > f64::from(PALLOR_DENSITY * level)
            || RowExtents::of_region(&holes, index).span_solidity() >= PALLOR_MIN_SOLIDITY;
    }
    holes.runs().filter(|(_, _, hole)| fill[*hole]).for_each(|(y, run, _)| mask[run.at(y, width)].fill(true));
}

/// Which pixels are denser than a threshold.
fn denser_than(density: &[f32], threshold: f32) -> Vec<bool> {
    let mut mask = vec![false; density.len()];
    let level = Level::new();
    let parts = mask.par_chunks_mut(BAND_PX).zip(density.par_chunks(BAND_PX));
    parts.for_each(|(mask, density)| dispatch!(level, _ => compare(mask, density, threshold)));
    mask
}

#[inline(always)]
fn compare(mask: &mut [bool], density: &[f32], threshold: f32) {
    for (is_denser, density) in mask.iter_mut().zip(density) {
        *is_denser = *density > threshold;
    }
}

/// Takes the soft skirt off: from the outside, up to [`SKIRT_PX`] layers of pixels that are not `firm`, that is above the upper
/// threshold.
///
/// METHOD: a steep edge crosses from the lower to the upper threshold within the skirt, so its outline ends up at the
/// upper one; a pale rim is wider than the skirt and stays.
fn peel(mask: &mut [bool], firm: &[bool], width: usize) {
    let level = Level::new();
    // Beyond the frame counts as stained. The row above and this one as they were before the layer was taken off.
    let beyond = vec![true; width + 2];
    let (mut above, mut here) = (beyond.clone(), beyond.clone());
    for _ in 0..SKIRT_PX {
        above.copy_from_slice(&beyond);
        let mut rest = &mut *mask;
        let mut firm = firm;
        while !rest.is_empty() {
            let (row, below) = rest.split_at_mut(width);
            let (row_firm, rest_firm) = firm.split_at(width);
            here[1..=width].copy_from_slice(row);
            let under = if below.is_empty() { &beyond[..width] } else { &below[..width] };
            dispatch!(level, _ => peel_row(row, [&above[1..=width], under], &here, row_firm));
            std::mem::swap(&mut above, &mut here);
            (rest, firm) = (below, rest_firm);
        }
    }
}

/// Takes the outermost pixels off a row; `here` is the row with one pixel more on each side.
#[inline(always)]
fn peel_row(row: &mut [bool], [above, below]: [&[bool]; 2], here: &[bool], firm: &[bool]) {
    let around = above.iter().zip(below).zip(here.windows(3)).zip(firm);
    for (inside, (((above, below), here), firm)) in row.iter_mut().zip(around) {
        let enclosed = above & below & here[0] & here[2];
        *inside = here[1] & (firm | enclosed);
    }
}

/// Leftmost and rightmost pixel of each row of a region.
#[derive(Debug, Clone, PartialEq)]
struct RowExtents {
    /// Inclusive; `None` in rows between two parts.
    rows: Vec<Option<(u32, u32)>>,
}

impl RowExtents {
    /// Extents of one of some regions.
    fn of_region(regions: &Regions, index: usize) -> Self {
        let bounds = &regions.regions[index];
        let extent_of = |y: u32| {
            let mut own = regions.of_row(y as usize).filter(|(_, region)| *region == index).map(|(run, _)| run);
            let first = own.next()?;
            Some((first.start, own.last().unwrap_or(first).end - 1))
        };
        Self { rows: (bounds.y_min..=bounds.y_max).map(extent_of).collect() }
    }

    /// Area of the convex hull of the pixels' centers plus half a pixel around it (Pick's theorem's continuous kin),
    /// so that a digital disc has a solidity of 0.9 at the size of a fragment and 0.97 at that of a whole cell.
    fn hull_area_px(&self) -> f64 {
        let mut left: Vec<[f64; 2]> = Vec::new();
        let mut right: Vec<[f64; 2]> = Vec::new();
        for (offset, extent) in self.rows.iter().enumerate() {
            if let Some((start, end)) = extent {
                let y = offset as f64;
                push_convex(&mut left, [f64::from(*start), y], 1.0);
                push_convex(&mut right, [f64::from(*end), y], -1.0);
            }
        }
        let ring: Vec<[f64; 2]> = left.into_iter().chain(right.into_iter().rev()).collect();
        let (mut doubled, mut perimeter) = (0.0, 0.0);
        for (a, b) in ring.iter().zip(ring.iter().cycle().skip(1)) {
            doubled += a[0] * b[1] - b[0] * a[1];
            perimeter += length(b[0] - a[0], b[1] - a[1]);
        }
        // Steiner formula for a rim of half a pixel.
        doubled.abs() / 2.0 + perimeter / 2.0 + std::f64::consts::FRAC_PI_4
    }

    /// Area of the rows from first to last pixel over hull area, 0–1: solidity with enclosed islands filled.
    fn span_solidity(&self) -> f64 {
        let span: u32 = self.rows.iter().flatten().map(|(start, end)| end - start + 1).sum();
        (f64::from(span) / self.hull_area_px()).min(1.0)
    }
}

/// Appends a point to a chain that runs downward and bulges to the left (`side` 1) or right (−1).
fn push_convex(chain: &mut Vec<[f64; 2]>, point: [f64; 2], side: f64) {
    while let [.., a, b] = chain[..] {
        let turn = (b[0] - a[0]) * (point[1] - a[1]) - (b[1] - a[1]) * (point[0] - a[0]);
        if turn * side < 0.0 {
            break;
        }
        chain.pop();
    }
    chain.push(point);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optics::regions::connected_regions;

    fn of_ones(mask: &[bool], width: usize) -> RowExtents {
        RowExtents::of_region(&connected_regions(mask, width, Connectivity::Eight), 0)
    }

    fn solidity(rows: &[&str]) -> f64 {
        let mask: Vec<bool> = rows.iter().flat_map(|r| r.bytes().map(|b| b == b'#')).collect();
        of_ones(&mask, rows[0].len()).span_solidity()
    }

    #[test]
    fn every_fourth_row_gives_the_statistics_and_one_row_is_enough() {
        for (height, kept) in [(1, vec![0]), (4, vec![0]), (5, vec![0, 4]), (9, vec![0, 4, 8])] {
            let rgb = RgbImage::from_fn(3, height, |x, y| image::Rgb([x as u8, y as u8, 7]));
            let sample = sampled_rows(&rgb);
            assert_eq!(sample.dimensions(), (3, kept.len() as u32));
            assert_eq!(sample.rows().map(|mut row| row.next().expect("a pixel").0[1]).collect::<Vec<_>>(), kept);
        }
    }

    #[test]
    fn a_square_is_solid_and_an_ell_is_not() {
        assert!(solidity(&["######"; 6]) > 0.98);
        assert!(
            solidity(&["##......", "##......", "##......", "##......", "##......", "##......", "########", "########"])
                < 0.7
        );
        // Span by span an island counts as filled.
        assert_eq!(solidity(&["####", "#..#", "#..#", "####"]), solidity(&["####"; 4]));
    }

    #[test]
    fn a_disc_is_solid_from_the_size_of_a_fragment_on() {
        for (radius, least) in [(5i32, 0.88), (8, 0.92), (20, 0.95)] {
            let side = 2 * radius + 1;
            let mask: Vec<bool> = (0..side * side)
                .map(|i| (i % side - radius).pow(2) + (i / side - radius).pow(2) <= radius * radius)
                .collect();
            let solidity = of_ones(&mask, side as usize).span_solidity();
            assert!(solidity > least, "radius {radius}: {solidity}");
        }
    }
}
