//! Illumination of a field: estimated from its empty background and divided out.
//!
//! In: RGB pixels. Out: RGB pixels whose empty background is one gray value in all channels, so that shading and the
//! tint of lamp and white balance are gone. Method: a quadratic surface for each channel through the bright mode of
//! block means, found by asymmetric least squares (Eilers and Boelens 2005) and then refitted to the blocks within the
//! noise of that mode; retrospective shading correction as in Likar et al., J. Microsc. 2000, 197:285–295.
//! Where only a part of the picture is lit, blocks outside of it are left out, and the figures are those of the part; in a
//! disc the light may also fall by the fourth power of the distance from its middle, as it does toward the rim of an eyepiece.
//! Limits: a field without any empty background has no illumination to find; the surface then lies too low.

use fearless_simd::{Level, dispatch};
use image::RgbImage;
use rayon::prelude::*;

use super::BAND_ROWS;
use super::illuminated::Illuminated;

/// Blocks along the shorter side of the image: fine enough to find gaps between cells, coarse enough to average noise.
const BLOCKS_PER_SIDE: u32 = 80;
/// Weight of blocks above the surface in the asymmetric fit; those below weigh the rest.
const UPPER_WEIGHT: f64 = 0.985;
/// Rounds of the asymmetric fit.
const ENVELOPE_ROUNDS: usize = 12;
/// Rounds of the refit to the bright mode.
const MODE_ROUNDS: usize = 8;
/// Width of the bright mode in standard deviations of the blocks above the surface.
const MODE_WIDTH_SIGMA: f64 = 2.5;
/// Least spread that the refit assumes, gray values: the quantization of an 8-bit camera.
const MIN_SIGMA: f64 = 1.2;
/// Least illumination, gray values: below it the image is black and division means nothing.
const MIN_ILLUMINATION: f64 = 4.0;
/// Points along each axis at which the light of a lit part is looked at.
const PART_POINTS: u32 = 32;

/// Coefficients of 1, x, y, x², xy, y² with x and y from −1 to 1 over the image, and of ρ⁴ with ρ from 0 to 1 over the
/// radius of a lit disc; without a disc ρ is 0.
type Surface = [f64; TERMS];

/// Terms of a surface.
const TERMS: usize = 7;

/// Illumination of an image: one surface for each channel, gray values.
#[derive(Debug, Clone, PartialEq)]
pub struct Background {
    surfaces: [Surface; 3],
    width: u32,
    height: u32,
    lit: Option<Illuminated>,
}

/// Values of the terms of a surface at the center of a block, and behind them its mean in each channel.
struct Block([f64; TERMS + 3]);

impl Block {
    fn mean(&self, channel: usize) -> f64 {
        self.0[TERMS + channel]
    }
}

impl Background {
    /// Estimates the illumination of an image; `None` for an image without pixels.
    pub fn estimate(rgb: &RgbImage) -> Option<Self> {
        Self::estimate_within(rgb, None)
    }

    /// Estimates the illumination of the lit part of an image, `None` for all of it.
    pub fn estimate_within(rgb: &RgbImage, lit: Option<&Illuminated>) -> Option<Self> {
        let (width, height) = rgb.dimensions();
        if width == 0 || height == 0 {
            return None;
        }
        let blocks = block_means(rgb, lit);
        // METHOD: green shows stained cells best, so it decides which blocks are background for all channels. A round
        // that weighs every block as the one before would find the same surface again, and so would all rounds after it.
        let mut weights = vec![1.0; blocks.len()];
        let mut green = fit(&blocks, &weights, 1)?;
        for _ in 0..ENVELOPE_ROUNDS {
            let mut is_settled = true;
            for (weight, block) in weights.iter_mut().zip(&blocks) {
                let above = block.mean(1) > value(&green, block);
                let new = if above { UPPER_WEIGHT } else { 1.0 - UPPER_WEIGHT };
                is_settled &= *weight == new;
                *weight = new;
            }
            if is_settled {
                break;
            }
            green = fit(&blocks, &weights, 1)?;
        }
        let mut residuals = vec![0.0; blocks.len()];
        for _ in 0..MODE_ROUNDS {
            let (mut squares, mut above) = (0.0, 0usize);
            for (residual, block) in residuals.iter_mut().zip(&blocks) {
                *residual = block.mean(1) - value(&green, block);
                if *residual > 0.0 {
                    squares += *residual * *residual;
                    above += 1;
                }
            }
            let sigma = (squares / above.max(1) as f64).sqrt().max(MIN_SIGMA);
            let mut is_settled = true;
            for (weight, residual) in weights.iter_mut().zip(&residuals) {
                let new = if residual.abs() < MODE_WIDTH_SIGMA * sigma { 1.0 } else { 0.0 };
                is_settled &= *weight == new;
                *weight = new;
            }
            if is_settled {
                break;
            }
            match fit(&blocks, &weights, 1) {
                Some(refit) => green = refit,
                None => break,
            }
        }
        let red = fit(&blocks, &weights, 0).or_else(|| fit(&blocks, &vec![1.0; blocks.len()], 0))?;
        let blue = fit(&blocks, &weights, 2).or_else(|| fit(&blocks, &vec![1.0; blocks.len()], 2))?;
        Some(Self { surfaces: [red, green, blue], width, height, lit: lit.cloned() })
    }

    /// Mean illumination of each channel (red, green, blue), gray values.
    pub fn mean(&self) -> [f64; 3] {
        if let Some(points) = self.points_of_part() {
            let mean = |s: &Surface| points.iter().map(|point| dot(s, point)).sum::<f64>() / points.len() as f64;
            return self.surfaces.each_ref().map(mean);
        }
        // Over −1..1 the mean of x² is 1/3 and every odd term vanishes.
        self.surfaces.map(|s| s[0] + (s[3] + s[5]) / 3.0)
    }

    /// Darkest over brightest place of the green illumination, 0–1; 1 for even light. Looked at in the corners, at the sides
    /// and in the center, or all over a lit part.
    pub fn evenness(&self) -> f64 {
        let nine = [-1.0, 0.0, 1.0].into_iter().flat_map(|y| [-1.0, 0.0, 1.0].map(|x| basis(x, y, 0.0)));
        let points = self.points_of_part().unwrap_or_else(|| nine.collect());
        let light = points.iter().map(|point| dot(&self.surfaces[1], point).max(MIN_ILLUMINATION));
        let range = light.fold((f64::INFINITY, 0.0_f64), |range, light| (range.0.min(light), range.1.max(light)));
        range.0 / range.1
    }

    /// Terms at points all over the lit part; `None` where that is all of the image or holds no point.
    fn points_of_part(&self) -> Option<Vec<Surface>> {
        let lit = self.lit.as_ref()?;
        let at = |index: u32, size: u32| (f64::from(index) + 0.5) / f64::from(PART_POINTS) * f64::from(size);
        let shares = |at: f64, size: u32| 2.0 * at / f64::from(size) - 1.0;
        let points: Vec<Surface> = (0..PART_POINTS * PART_POINTS)
            .map(|index| [at(index % PART_POINTS, self.width), at(index / PART_POINTS, self.height)])
            .filter(|point| lit.contains(*point))
            .map(|[x, y]| basis(shares(x, self.width), shares(y, self.height), lit.reach([x, y]).unwrap_or(0.0)))
            .collect();
        (!points.is_empty()).then_some(points)
    }

    /// Divides the illumination out: empty background becomes `target` in every channel, values above 255 are cut.
    ///
    /// # Panics
    /// Where `rgb` has another size than the image that was estimated.
    pub fn flatten(&self, rgb: &RgbImage, target: u8) -> RgbImage {
        assert_eq!(rgb.dimensions(), (self.width, self.height), "the image that was estimated");
        let mut flat = RgbImage::new(self.width, self.height);
        let row_bytes = 3 * self.width as usize;
        let step = 2.0 / f64::from(self.width);
        // Once for each channel, as the bytes of a row lie.
        let x_axis: Vec<f32> = (0..self.width).flat_map(|x| [((f64::from(x) + 0.5) * step - 1.0) as f32; 3]).collect();
        let level = Level::new();
        let rows = rgb.as_raw().par_chunks_exact(row_bytes).zip(flat.par_chunks_exact_mut(row_bytes));
        rows.with_min_len(BAND_ROWS).enumerate().for_each(|(y, (source, sink))| {
            let y = (y as f64 + 0.5) * 2.0 / f64::from(self.height) - 1.0;
            let lines =
                self.surfaces.map(|s| [(s[0] + s[2] * y + s[5] * y * y) as f32, (s[1] + s[4] * y) as f32, s[3] as f32]);
            dispatch!(level, _ => flatten_row(source, sink, &x_axis, &lines, f32::from(target)));
        });
        if let Some(lit) = self.lit.as_ref().filter(|lit| lit.reach([0.0; 2]).is_some()) {
            self.flatten_disc(rgb, &mut flat, lit, f64::from(target));
        }
        flat
    }
}

impl Background {
    /// Divides the pixels of a lit disc by the whole light, the fall toward the rim with it.
    fn flatten_disc(&self, rgb: &RgbImage, flat: &mut RgbImage, lit: &Illuminated, target: f64) {
        let shares = |at: u32, size: u32| (f64::from(at) + 0.5) * 2.0 / f64::from(size) - 1.0;
        for y in 0..self.height {
            for x in lit.row(y) {
                let reach = lit.reach([f64::from(x) + 0.5, f64::from(y) + 0.5]).unwrap_or(0.0);
                let terms = basis(shares(x, self.width), shares(y, self.height), reach);
                let source = rgb.get_pixel(x, y).0;
                let light = self.surfaces.each_ref().map(|surface| dot(surface, &terms).max(MIN_ILLUMINATION));
                flat.get_pixel_mut(x, y).0 =
                    std::array::from_fn(|c| (f64::from(source[c]) * target / light[c] + 0.5).min(255.0) as u8);
            }
        }
    }
}

/// Bytes that are divided at once: sixteen pixels, so that each place has the same channel every time.
const STRIP: usize = 3 * LANES;
/// Bytes that run through the widest registers together.
const LANES: usize = 16;
/// 2²³: from here on floats are whole numbers.
const WHOLE_BITS: f32 = 8_388_608.0;

/// Divides a row by its light, whose coefficients of 1, x and x² stand in `lines` for each channel.
#[inline(always)]
fn flatten_row(source: &[u8], sink: &mut [u8], x_axis: &[f32], lines: &[[f32; 3]; 3], target: f32) {
    let terms: [[f32; STRIP]; 3] = [0, 1, 2].map(|term| std::array::from_fn(|at| lines[at % 3][term]));
    let (strips, rest) = source.as_chunks::<STRIP>();
    let (flat_strips, flat_rest) = sink.as_chunks_mut::<STRIP>();
    let (x_strips, x_rest) = x_axis.as_chunks::<STRIP>();
    for ((strip, out), x) in strips.iter().zip(flat_strips).zip(x_strips) {
        *out = flat_strip(strip, x, &terms, target);
    }
    let (mut last, mut last_x) = ([0; STRIP], [0.0; STRIP]);
    last[..rest.len()].copy_from_slice(rest);
    last_x[..rest.len()].copy_from_slice(x_rest);
    flat_rest.copy_from_slice(&flat_strip(&last, &last_x, &terms, target)[..rest.len()]);
}

#[inline(always)]
fn flat_strip(strip: &[u8; STRIP], x: &[f32; STRIP], terms: &[[f32; STRIP]; 3], target: f32) -> [u8; STRIP] {
    let mut flat = [0; STRIP];
    for (part, out) in flat.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
        let span = part * LANES..(part + 1) * LANES;
        let (strip, x) = (&strip[span.clone()], &x[span.clone()]);
        let [a, b, c] = terms.each_ref().map(|term| &term[span.clone()]);
        let mut values = [0.0f32; LANES];
        for at in 0..LANES {
            let light = a[at] + x[at] * (b[at] + x[at] * c[at]);
            let light = if light > MIN_ILLUMINATION as f32 { light } else { MIN_ILLUMINATION as f32 };
            values[at] = f32::from(strip[at]) * target / light + 0.5;
        }
        for at in 0..LANES {
            let whole = (if values[at] < 255.0 { values[at] } else { 255.0 }).trunc();
            // METHOD: beside this number the last bits of a float are the whole number. A conversion would look for what an integer
            // cannot hold, value by value.
            out[at] = (whole + WHOLE_BITS).to_bits() as u8;
        }
    }
    flat
}

fn basis(x: f64, y: f64, reach: f64) -> Surface {
    [1.0, x, y, x * x, x * y, y * y, reach.powi(4)]
}

/// Height of a surface at a block.
fn value(surface: &Surface, block: &Block) -> f64 {
    dot(surface, &block.0)
}

fn dot(surface: &Surface, basis: &[f64]) -> f64 {
    surface.iter().zip(basis).map(|(a, b)| a * b).sum()
}

/// Means of the blocks that lie in the lit part with all corners.
fn block_means(rgb: &RgbImage, lit: Option<&Illuminated>) -> Vec<Block> {
    let (width, height) = rgb.dimensions();
    let side = (width.min(height) / BLOCKS_PER_SIDE).max(1);
    let (columns, rows) = (width / side, height / side);
    let mut sums = vec![[0u32; 3]; columns as usize * rows as usize];
    let row_bytes = 3 * width as usize;
    // The rows of a block are added byte by byte of a row first, which takes many at once, and then its columns.
    let bands = rgb.as_raw().par_chunks_exact(row_bytes * side as usize);
    let bands = bands.zip(sums.par_chunks_exact_mut(columns as usize)).with_min_len(BAND_ROWS.div_ceil(side as usize));
    bands.for_each(|(band, line)| {
        let mut added = vec![0u32; row_bytes];
        for row in band.chunks_exact(row_bytes) {
            for (sum, value) in added.iter_mut().zip(row) {
                *sum += u32::from(*value);
            }
        }
        for (sum, pixels) in line.iter_mut().zip(added.chunks_exact(3 * side as usize)) {
            for pixel in pixels.as_chunks::<3>().0 {
                for channel in 0..3 {
                    sum[channel] += pixel[channel];
                }
            }
        }
    });
    let area = f64::from(side * side);
    let center =
        |index: u32, size: u32| (f64::from(index * side) + f64::from(side) / 2.0) * 2.0 / f64::from(size) - 1.0;
    let is_lit = |index: usize| {
        let [left, top] = [index as u32 % columns, index as u32 / columns].map(|place| f64::from(place * side));
        let [right, bottom] = [left, top].map(|near| near + f64::from(side));
        lit.is_none_or(|lit| {
            [[left, top], [right, top], [left, bottom], [right, bottom]].map(|at| lit.contains(at)) == [true; 4]
        })
    };
    sums.iter()
        .enumerate()
        .filter(|(index, _)| is_lit(*index))
        .map(|(index, sum)| {
            let (column, row) = (index as u32 % columns, index as u32 / columns);
            let mut block = Block([0.0; TERMS + 3]);
            let middle = [column, row].map(|place| (f64::from(place) + 0.5) * f64::from(side));
            let reach = lit.and_then(|lit| lit.reach(middle)).unwrap_or(0.0);
            block.0[..TERMS].copy_from_slice(&basis(center(column, width), center(row, height), reach));
            for (mean, sum) in block.0[TERMS..].iter_mut().zip(sum) {
                *mean = f64::from(*sum) / area;
            }
            block
        })
        .collect()
}

/// For each term the weighted sums of its products with all terms, and with the mean of a channel behind them.
#[inline(always)]
fn weighted_sums(blocks: &[Block], weights: &[f64], channel: usize) -> [[f64; 8]; TERMS] {
    let mut sums = [[0.0; 8]; TERMS];
    for (block, weight) in blocks.iter().zip(weights) {
        let mut factors = [0.0; 8];
        factors[..TERMS].copy_from_slice(&block.0[..TERMS]);
        factors[TERMS] = block.mean(channel);
        for (term, sums) in sums.iter_mut().enumerate() {
            let weighted = weight * block.0[term];
            for (sum, factor) in sums.iter_mut().zip(&factors) {
                *sum += weighted * factor;
            }
        }
    }
    sums
}

/// Weighted least squares by Cholesky; `None` where the weights leave the surface undetermined.
fn fit(blocks: &[Block], weights: &[f64], channel: usize) -> Option<Surface> {
    let level = Level::new();
    let sums = dispatch!(level, _ => weighted_sums(blocks, weights, channel));
    let right: Surface = sums.map(|row| row[TERMS]);
    let mut normal: [Surface; TERMS] = sums.map(|row| std::array::from_fn(|term| row[term]));
    // METHOD: a small ridge on all but the constant keeps images of a few pixels solvable as flat light.
    let ridge = 1e-6 * normal[0][0];
    if normal[0][0] <= 0.0 {
        return None;
    }
    for (i, row) in normal.iter_mut().enumerate().skip(1) {
        row[i] += ridge;
    }
    let mut lower = [[0.0; TERMS]; TERMS];
    for i in 0..TERMS {
        for j in 0..=i {
            let dot: f64 = (0..j).map(|k| lower[i][k] * lower[j][k]).sum();
            let rest = normal[i][j] - dot;
            lower[i][j] = if i == j {
                if rest <= 0.0 {
                    return None;
                }
                rest.sqrt()
            } else {
                rest / lower[j][j]
            };
        }
    }
    let mut solution = right;
    for i in 0..TERMS {
        let dot: f64 = (0..i).map(|k| lower[i][k] * solution[k]).sum();
        solution[i] = (solution[i] - dot) / lower[i][i];
    }
    for i in (0..TERMS).rev() {
        let dot: f64 = (i + 1..TERMS).map(|k| lower[k][i] * solution[k]).sum();
        solution[i] = (solution[i] - dot) / lower[i][i];
    }
    Some(solution)
}

#[cfg(test)]
mod tests {
    use image::Rgb;

    use super::*;

    /// A vignetted field: light falls to 70 % in the corners; every third 10-pixel square holds a "cell" of 60 %.
    fn vignetted(tint: [f64; 3]) -> RgbImage {
        RgbImage::from_fn(320, 240, |x, y| {
            let (u, v) = (f64::from(x) / 160.0 - 1.0, f64::from(y) / 120.0 - 1.0);
            let light = 1.0 - 0.15 * (u * u + v * v);
            let cell = if (x / 10 + y / 10) % 3 == 0 { 0.6 } else { 1.0 };
            Rgb(tint.map(|t| (t * light * cell).round() as u8))
        })
    }

    #[test]
    fn shading_and_tint_are_divided_out() {
        let field = vignetted([200.0, 180.0, 150.0]);
        let background = Background::estimate(&field).expect("pixels");
        let flat = background.flatten(&field, 240);
        for (x, y, expected) in [(15, 5, 240.0), (305, 235, 240.0), (165, 125, 240.0), (5, 5, 144.0), (165, 115, 144.0)]
        {
            for channel in 0..3 {
                let found = f64::from(flat.get_pixel(x, y).0[channel]);
                assert!((found - expected).abs() <= 4.0, "({x}, {y}): expected {expected}, found {found}");
            }
        }
    }

    #[test]
    fn a_single_pixel_is_flat_light() {
        let background = Background::estimate(&RgbImage::from_pixel(1, 1, Rgb([90, 90, 90]))).expect("a pixel");
        assert!((background.mean()[1] - 90.0).abs() < 0.5);
        assert!(background.evenness() > 0.99);
        assert_eq!(Background::estimate(&RgbImage::new(0, 0)), None);
    }

    #[test]
    fn evenness_is_corner_over_center() {
        let background = Background::estimate(&vignetted([200.0; 3])).expect("pixels");
        assert!((background.evenness() - 0.7).abs() < 0.03, "{}", background.evenness());
    }
}
