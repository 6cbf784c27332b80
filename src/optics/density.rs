//! Optical density of flattened pixels, and the mix of channels that separates stain from background best.
//!
//! In: RGB pixels whose empty background is one known value. Out: row-major `f32` planes, density base 10, 0 on the
//! background. Source: Beer–Lambert; the mix is Fisher's linear discriminant with diagonal covariance.
//!
//! METHOD: `imageproc::filter` adds the terms of the kernel in another order, so that its sums differ in the last bit, and
//! takes eight times as long on 640 × 480 pixels; its Otsu threshold knows bytes only, not the bins of a density.

use std::ops::Range;

use fearless_simd::{Level, dispatch};
use image::RgbImage;
use rayon::prelude::*;

use super::BAND_ROWS;

/// Density of a pixel value of 0, taken as a value of this many gray levels.
const DARKEST_VALUE: f64 = 1.0;

/// Density of each 8-bit value for a given background value.
#[derive(Debug, Clone)]
pub struct DensityTable([f32; 256]);

impl DensityTable {
    /// The table for a background value (1–255).
    pub fn new(background: u8) -> Self {
        let background = f64::from(background.max(1));
        Self(std::array::from_fn(|value| (background / (value as f64).max(DARKEST_VALUE)).log10() as f32))
    }

    /// Density of a value.
    #[inline]
    pub fn density(&self, value: u8) -> f32 {
        self.0[usize::from(value)]
    }

    /// Weighted sum of the channel densities: the plane of an image for weights that add to 1.
    pub fn plane(&self, rgb: &RgbImage, weights: [f32; 3]) -> Vec<f32> {
        let width = rgb.width() as usize;
        let mut plane = vec![0.0; width * rgb.height() as usize];
        let weighted = self.weighted(weights);
        let bands = rgb.as_raw().par_chunks(3 * BAND_ROWS * width.max(1));
        bands.zip(plane.par_chunks_mut(BAND_ROWS * width.max(1))).for_each(|(pixels, plane)| weighted(pixels, plane));
        plane
    }

    /// [`Self::plane`], smoothed as [`smooth_rows`] does.
    pub fn smooth_plane(&self, rgb: &RgbImage, weights: [f32; 3]) -> Vec<f32> {
        let (width, height) = (rgb.width() as usize, rgb.height() as usize);
        let weighted = self.weighted(weights);
        let mut plane = vec![0.0; width * height];
        plane.par_chunks_mut(BAND_ROWS * width.max(1)).enumerate().for_each(|(band, plane)| {
            let first = band * BAND_ROWS;
            smooth_rows(
                first..first + plane.len() / width,
                (width, height),
                |y, row| weighted(&rgb.as_raw()[3 * width * y..][..3 * width], row),
                |y, row| plane[(y - first) * width..][..width].copy_from_slice(row),
            );
        });
        plane
    }

    /// The density of each channel of some rows of an image, smoothed as [`smooth_rows`] does: calls `sink` with each row, red,
    /// green and blue.
    pub fn smooth_channels(&self, rgb: &RgbImage, rows: Range<usize>, mut sink: impl FnMut(usize, [&[f32]; 3])) {
        let (width, height) = (rgb.width() as usize, rgb.height() as usize);
        let mut smoothers = [0, 1, 2].map(|_| Smoother::new(width, height));
        for y in needed(&rows, height) {
            let (pixels, _) = rgb.as_raw()[3 * width * y..][..3 * width].as_chunks::<3>();
            let [red, green, blue] = &mut smoothers;
            let raw = red.raw.iter_mut().zip(&mut green.raw).zip(&mut blue.raw);
            for (((red, green), blue), pixel) in raw.zip(pixels) {
                [*red, *green, *blue] = pixel.map(|value| self.density(value));
            }
            for smoother in &mut smoothers {
                smoother.take(y);
            }
            for ready in smoothers[0].ready(y).filter(|ready| rows.contains(ready)) {
                for smoother in &mut smoothers {
                    smoother.smooth(ready);
                }
                sink(ready, [0, 1, 2].map(|channel: usize| smoothers[channel].row.as_slice()));
            }
        }
    }

    /// What writes the weighted sum of the channel densities of interleaved RGB pixels.
    fn weighted(&self, weights: [f32; 3]) -> impl Fn(&[u8], &mut [f32]) + Sync {
        let tables: [[f32; 256]; 3] = weights.map(|weight| self.0.map(|density| density * weight));
        move |pixels, densities| {
            let (pixels, _) = pixels.as_chunks::<3>();
            for (density, p) in densities.iter_mut().zip(pixels) {
                *density = tables[0][usize::from(p[0])] + tables[1][usize::from(p[1])] + tables[2][usize::from(p[2])];
            }
        }
    }
}

/// Smooths rows by the binomial kernel 1-4-6-4-1 along both axes (σ = 1 pixel); edges repeat.
///
/// `source` fills a row of an image of that width and height, `sink` takes each smoothed one of `rows`; both from the top.
pub fn smooth_rows(
    rows: Range<usize>,
    (width, height): (usize, usize),
    mut source: impl FnMut(usize, &mut [f32]),
    mut sink: impl FnMut(usize, &[f32]),
) {
    let mut smoother = Smoother::new(width, height);
    for y in needed(&rows, height) {
        source(y, &mut smoother.raw);
        smoother.take(y);
        for ready in smoother.ready(y).filter(|ready| rows.contains(ready)) {
            smoother.smooth(ready);
            sink(ready, &smoother.row);
        }
    }
}

/// Rows that the kernel reaches from some rows.
fn needed(rows: &Range<usize>, height: usize) -> Range<usize> {
    rows.start.saturating_sub(REACH)..(rows.end + REACH).min(height)
}

/// Rows that the kernel covers.
const TAPS: usize = 5;
/// Rows that it reaches to each side.
const REACH: usize = TAPS / 2;

/// Smooths an image row by row; holds no more rows than the kernel covers, so that they stay in the nearest cache.
struct Smoother {
    level: Level,
    height: usize,
    /// The next row as it comes.
    raw: Vec<f32>,
    /// The last rows, smoothed along x; row `y` at `y % TAPS`.
    across: [Vec<f32>; TAPS],
    /// The row that was smoothed last.
    row: Vec<f32>,
}

impl Smoother {
    fn new(width: usize, height: usize) -> Self {
        let line = || vec![0.0; width];
        Self { level: Level::new(), height, raw: line(), across: std::array::from_fn(|_| line()), row: line() }
    }

    /// Takes `raw` for row `y`.
    fn take(&mut self, y: usize) {
        let (raw, across) = (&self.raw, &mut self.across[y % TAPS]);
        dispatch!(self.level, _ => smooth_across(raw, across));
    }

    /// Rows that can be smoothed once row `y` is taken.
    fn ready(&self, y: usize) -> Range<usize> {
        let last = y + 1 == self.height;
        y.saturating_sub(REACH)..if last { self.height } else { (y + 1).saturating_sub(REACH) }
    }

    fn smooth(&mut self, y: usize) {
        let at = |row: usize| self.across[row.min(self.height - 1) % TAPS].as_slice();
        let rows = [at(y.saturating_sub(2)), at(y.saturating_sub(1)), at(y), at(y + 1), at(y + 2)];
        let row = &mut self.row;
        dispatch!(self.level, _ => smooth_down(rows, row));
    }
}

#[inline(always)]
fn smooth_across(source: &[f32], sink: &mut [f32]) {
    let width = source.len();
    let at = |x: isize| source[x.clamp(0, width as isize - 1) as usize];
    for (window, out) in source.windows(TAPS).zip(sink.iter_mut().skip(REACH)) {
        *out = (window[0] + window[4] + 4.0 * (window[1] + window[3]) + 6.0 * window[2]) / 16.0;
    }
    for x in (0..width.min(REACH)).chain(width.saturating_sub(REACH)..width) {
        let here = x as isize;
        sink[x] = (at(here - 2) + 4.0 * at(here - 1) + 6.0 * at(here) + 4.0 * at(here + 1) + at(here + 2)) / 16.0;
    }
}

#[inline(always)]
fn smooth_down([a, b, c, d, e]: [&[f32]; TAPS], sink: &mut [f32]) {
    for (((((out, a), b), c), d), e) in sink.iter_mut().zip(a).zip(b).zip(c).zip(d).zip(e) {
        *out = (a + e + 4.0 * (b + d) + 6.0 * c) / 16.0;
    }
}

/// Threshold that parts a histogram into two classes with the greatest variance between them (Otsu 1979).
///
/// `counts` are equal bins; returns the first bin of the upper class, `None` where fewer than two bins hold anything.
pub fn otsu(counts: &[u64]) -> Option<usize> {
    let total: u64 = counts.iter().sum();
    let moment: f64 = counts.iter().enumerate().map(|(bin, &count)| bin as f64 * count as f64).sum();
    let (mut below, mut below_moment) = (0u64, 0.0);
    let mut best: Option<(f64, usize)> = None;
    for (bin, &count) in counts.iter().enumerate() {
        below += count;
        below_moment += bin as f64 * count as f64;
        let above = total - below;
        if below == 0 || above == 0 || count == 0 {
            continue;
        }
        let difference = below_moment / below as f64 - (moment - below_moment) / above as f64;
        let between = below as f64 * above as f64 * difference * difference;
        if best.is_none_or(|(most, _)| between > most) {
            best = Some((between, bin + 1));
        }
    }
    best.map(|(_, bin)| bin)
}

#[cfg(test)]
mod tests {
    use image::Rgb;

    use super::*;

    #[test]
    fn a_tenth_of_the_light_is_density_one() {
        let table = DensityTable::new(240);
        assert!((table.density(24) - 1.0).abs() < 1e-6);
        assert_eq!(table.density(240), 0.0);
        assert!(table.density(250) < 0.0 && table.density(0).is_finite());
    }

    #[test]
    fn plane_mixes_channels_by_weight() {
        let image = RgbImage::from_pixel(1, 1, Rgb([240, 24, 240]));
        assert!((DensityTable::new(240).plane(&image, [0.2, 0.5, 0.3])[0] - 0.5).abs() < 1e-6);
    }

    fn smooth(plane: &[f32], width: usize) -> Vec<f32> {
        let mut smooth = Vec::new();
        smooth_rows(
            0..plane.len() / width,
            (width, plane.len() / width),
            |y, row| row.copy_from_slice(&plane[y * width..][..width]),
            |_, row| smooth.extend_from_slice(row),
        );
        smooth
    }

    #[test]
    fn channels_are_smoothed_as_planes_are() {
        let image = RgbImage::from_fn(9, 7, |x, y| Rgb([(x * 20) as u8, (y * 30) as u8, (x * y) as u8]));
        let table = DensityTable::new(240);
        let weights = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
        let planes = weights.map(|weights| table.smooth_plane(&image, weights));
        let mut rows = 0;
        for band in [0..2, 2..3, 3..7] {
            table.smooth_channels(&image, band, |y, channels| {
                assert_eq!(y, rows);
                for (plane, channel) in planes.iter().zip(channels) {
                    assert_eq!(&plane[9 * y..][..9], channel);
                }
                rows += 1;
            });
        }
        assert_eq!(rows, 7);
        assert_eq!(planes[1], smooth(&table.plane(&image, weights[1]), 9));
    }

    #[test]
    fn bands_of_a_large_picture_join_without_a_seam() {
        let height = 2 * BAND_ROWS as u32 + 3;
        let image = RgbImage::from_fn(3, height, |x, y| Rgb([0, (x * 50 + y * 7 % 200) as u8, 0]));
        let table = DensityTable::new(240);
        let green = [0.0, 1.0, 0.0];
        assert_eq!(table.smooth_plane(&image, green), smooth(&table.plane(&image, green), 3));
    }

    #[test]
    fn smoothing_spreads_a_point_binomially_and_keeps_flat_planes() {
        let mut point = vec![0.0; 49];
        point[24] = 256.0;
        let smoothed = smooth(&point, 7);
        assert_eq!(smoothed[24], 36.0);
        assert_eq!(smoothed[23], 24.0);
        assert_eq!(smoothed[22], 6.0);
        for width in 1..7 {
            assert!(smooth(&vec![3.0; width * 3], width).iter().all(|v| (v - 3.0).abs() < 1e-6));
        }
    }

    #[test]
    fn otsu_parts_two_heaps_between_them() {
        let mut counts = vec![0; 20];
        counts[3] = 50;
        counts[4] = 50;
        counts[15] = 30;
        let bin = otsu(&counts).expect("two heaps");
        assert!((5..=15).contains(&bin), "{bin}");
        assert_eq!(otsu(&[0, 9, 0]), None);
    }
}
