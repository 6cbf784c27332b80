//! Optical density of flattened pixels, and the mix of channels that separates stain from background best.
//!
//! In: RGB pixels whose empty background is one known value. Out: row-major `f32` planes, density base 10, 0 on the
//! background. Source: Beer–Lambert; the mix is Fisher's linear discriminant with diagonal covariance.

use image::RgbImage;

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
        let tables: [[f32; 256]; 3] = weights.map(|weight| self.0.map(|density| density * weight));
        rgb.as_raw()
            .chunks_exact(3)
            .map(|p| tables[0][usize::from(p[0])] + tables[1][usize::from(p[1])] + tables[2][usize::from(p[2])])
            .collect()
    }
}

/// Smooths a plane by the binomial kernel 1-4-6-4-1 along both axes (σ = 1 pixel); edges repeat.
///
/// # Panics
/// Where the plane does not hold `width` × a whole number of rows.
pub fn smooth(plane: &[f32], width: usize) -> Vec<f32> {
    if plane.is_empty() {
        return Vec::new();
    }
    assert_eq!(plane.len() % width, 0, "whole rows");
    let height = plane.len() / width;
    let mut across = vec![0.0; plane.len()];
    for (source, sink) in plane.chunks_exact(width).zip(across.chunks_exact_mut(width)) {
        let at = |x: isize| source[x.clamp(0, width as isize - 1) as usize];
        let edge = |x: usize| {
            let x = x as isize;
            (at(x - 2) + 4.0 * at(x - 1) + 6.0 * at(x) + 4.0 * at(x + 1) + at(x + 2)) / 16.0
        };
        for (window, out) in source.windows(5).zip(sink.iter_mut().skip(2)) {
            *out = (window[0] + window[4] + 4.0 * (window[1] + window[3]) + 6.0 * window[2]) / 16.0;
        }
        for x in (0..width.min(2)).chain(width.saturating_sub(2)..width) {
            sink[x] = edge(x);
        }
    }
    let mut smooth = vec![0.0; plane.len()];
    for (y, sink) in smooth.chunks_exact_mut(width).enumerate() {
        let row = |dy: isize| {
            let y = (y as isize + dy).clamp(0, height as isize - 1) as usize;
            &across[y * width..][..width]
        };
        let (a, b, c, d, e) = (row(-2), row(-1), row(0), row(1), row(2));
        for (x, out) in sink.iter_mut().enumerate() {
            *out = (a[x] + e[x] + 4.0 * (b[x] + d[x]) + 6.0 * c[x]) / 16.0;
        }
    }
    smooth
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
