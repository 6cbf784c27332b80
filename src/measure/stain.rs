//! Stain inside an outline: mean density and central pallor.
//!
//! In: an outline in pixels of the flattened image. Out: density of the green channel, base 10, and pallor contrast.
//! Method: pixels whose centers lie inside by the even–odd rule; rings by distance to the outline, so that the thirds
//! of a disk are thirds of its radius and those of an elongated cell follow its shape.

use fearless_simd::{Level, dispatch};
use image::RgbImage;

use crate::optics::distance::euclidean_distance;
use crate::smear::{Contour, NormalizedField};

/// Least distance from the outline to the deepest pixel, pixels, at which a center and a rim can be told apart.
const MIN_DEPTH_PX: f32 = 3.0;
/// Least density of the rim that a ratio can be taken of: a few gray values, above the noise of an 8-bit camera.
const MIN_RIM_DENSITY: f64 = 0.01;

/// Stain of one cell.
pub(super) struct Stain {
    /// Mean density, green channel.
    pub mean_density: f64,
    /// As in `Morphology`.
    pub pallor_contrast: Option<f64>,
}

/// Part of the image under an outline's bounding box, one pixel of margin where the image has it.
struct Window {
    x: u32,
    y: u32,
    width: usize,
    mask: Vec<bool>,
}

/// Stain inside `outline`, which is in pixels of `rgb`.
pub(super) fn inside(outline: &Contour, rgb: &RgbImage) -> Stain {
    let table = NormalizedField::densities();
    let window = rasterize(outline, rgb.dimensions());
    let depths = euclidean_distance(&window.mask, window.width.max(1));
    // Outside the depth is 0. The bits of floats from 0 up are in their order, and whole numbers are compared many at once.
    let deepest = f32::from_bits(depths.iter().fold(0, |most, depth| depth.to_bits().max(most)));
    let image_width = rgb.width() as usize;
    let (pixels, _) = rgb.as_raw().as_chunks::<3>();
    let level = Level::new();
    let mut thirds = Thirds::of_width(window.width);
    for (y, (mask, depths)) in (window.y as usize..)
        .zip(window.mask.chunks_exact(window.width.max(1)).zip(depths.chunks_exact(window.width.max(1))))
    {
        let row = &pixels[y * image_width + window.x as usize..][..mask.len()];
        thirds.densities.iter_mut().zip(row).for_each(|(density, pixel)| *density = table.density(pixel[1]));
        dispatch!(level, _ => thirds.add_row(mask, depths, deepest));
    }
    let [all, center, rim] = thirds.means();
    let nearest = || {
        let [x, y] = outline.centroid();
        let (x, y) = ((x.max(0.0) as u32).min(rgb.width() - 1), (y.max(0.0) as u32).min(rgb.height() - 1));
        f64::from(table.density(rgb.get_pixel(x, y).0[1]))
    };
    let pallor_contrast = center.zip(rim).map(|(center, rim)| (1.0 - center / rim, rim));
    Stain {
        mean_density: all.unwrap_or_else(nearest),
        pallor_contrast: pallor_contrast
            .filter(|(_, rim)| deepest >= MIN_DEPTH_PX && *rim >= MIN_RIM_DENSITY)
            .map(|(contrast, _)| contrast),
    }
}

/// Densities of the pixels inside: all, those deeper than two thirds, and those less deep than one third.
///
/// METHOD: a density that does not count is added as 0, so that no branch depends on the pixels: no processor can predict where
/// an outline runs.
struct Thirds {
    /// Of one row.
    densities: Vec<f32>,
    counted: [Vec<f32>; 3],
    sums: [f64; 3],
    pixels: [u32; 3],
}

impl Thirds {
    fn of_width(width: usize) -> Self {
        let row = || vec![0.0; width];
        Self { densities: row(), counted: [row(), row(), row()], sums: [0.0; 3], pixels: [0; 3] }
    }

    /// Adds `densities` as the next row.
    #[inline(always)]
    fn add_row(&mut self, mask: &[bool], depths: &[f32], deepest: f32) {
        let [all, center, rim] = &mut self.counted;
        let mut pixels = [0; 3];
        let counted = all.iter_mut().zip(center).zip(rim);
        for ((((all, center), rim), density), (inside, depth)) in
            counted.zip(&self.densities).zip(mask.iter().zip(depths))
        {
            let share = depth / deepest;
            // Outside the share is 0.
            let counts = [*inside, share > 2.0 / 3.0, *inside & (share < 1.0 / 3.0)];
            [*all, *center, *rim] = counts.map(|counts| if counts { *density } else { 0.0 });
            pixels.iter_mut().zip(counts).for_each(|(pixels, counts)| *pixels += u32::from(counts));
        }
        let [all, center, rim] = &self.counted;
        let mut sums = self.sums;
        for ((all, center), rim) in all.iter().zip(center).zip(rim) {
            sums.iter_mut().zip([all, center, rim]).for_each(|(sum, density)| *sum += f64::from(*density));
        }
        self.sums = sums;
        self.pixels.iter_mut().zip(pixels).for_each(|(all, row)| *all += row);
    }

    fn means(&self) -> [Option<f64>; 3] {
        std::array::from_fn(|part| (self.pixels[part] > 0).then(|| self.sums[part] / f64::from(self.pixels[part])))
    }
}

/// Least whole number that is not below a coordinate.
fn ceil(coordinate: f64) -> i64 {
    let whole = coordinate as i64;
    whole + i64::from((whole as f64) < coordinate)
}

/// Pixels of the image whose centers lie inside, row by row between the crossings of the outline.
fn rasterize(outline: &Contour, (width, height): (u32, u32)) -> Window {
    let bounds = outline.bounds();
    let low = |value: f64| (value.floor() - 1.0).max(0.0) as u32;
    let high = |value: f64, size: u32| (value.ceil() + 1.0).clamp(0.0, f64::from(size)) as u32;
    let (x, y) = (low(bounds.x_min).min(width), low(bounds.y_min).min(height));
    let columns = high(bounds.x_max, width).saturating_sub(x) as usize;
    let rows = high(bounds.y_max, height).saturating_sub(y) as usize;
    let points = outline.points();
    // The first row whose center line lies at or below each point.
    let row_of = |point: &[f64; 2]| ceil(point[1] - 0.5).saturating_sub(i64::from(y)).clamp(0, rows as i64) as usize;
    let first_rows: Vec<usize> = points.iter().map(row_of).collect();
    let edges = (0..points.len()).filter_map(|start| {
        let end = if start + 1 < points.len() { start + 1 } else { 0 };
        let (top, bottom) = if points[start][1] < points[end][1] { (start, end) } else { (end, start) };
        let lines = first_rows[top]..first_rows[bottom];
        (!lines.is_empty()).then(|| (lines, points[top], points[bottom]))
    });
    // Where the crossings of each row begin; they lie behind each other, row after row.
    let mut starts = vec![0usize; rows + 1];
    for (lines, ..) in edges.clone() {
        starts[lines].iter_mut().for_each(|count| *count += 1);
    }
    let mut all = 0;
    for start in &mut starts {
        all += std::mem::replace(start, all);
    }
    let mut crossings = vec![0.0; all];
    let mut next = starts.clone();
    for (lines, top, bottom) in edges {
        for index in lines {
            let center = f64::from(y) + index as f64 + 0.5;
            crossings[next[index]] = top[0] + (bottom[0] - top[0]) * (center - top[1]) / (bottom[1] - top[1]);
            next[index] += 1;
        }
    }
    let mut mask = vec![false; columns * rows];
    for (bounds, row) in starts.windows(2).zip(mask.chunks_exact_mut(columns.max(1))) {
        let line = &mut crossings[bounds[0]..bounds[1]];
        line.sort_by(f64::total_cmp);
        for span in line.chunks_exact(2) {
            let column = |value: f64| ceil(value - 0.5).saturating_sub(i64::from(x)).clamp(0, columns as i64) as usize;
            row[column(span[0])..column(span[1])].fill(true);
        }
    }
    Window { x, y, width: columns, mask }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn mask_is_the_pixels_whose_centers_lie_inside(
            points in prop::collection::vec([-5.0..25.0f64, -5.0..25.0f64], 3..12),
        ) {
            let outline = Contour::new(points).expect("three or more points");
            let window = rasterize(&outline, (20, 20));
            for y in 0..20u32 {
                for x in 0..20u32 {
                    let (column, row) = (x.wrapping_sub(window.x) as usize, y.wrapping_sub(window.y) as usize);
                    let within = column < window.width && row * window.width < window.mask.len();
                    let found = within && window.mask[row * window.width + column];
                    prop_assert_eq!(found, outline.contains(f64::from(x) + 0.5, f64::from(y) + 0.5), "({}, {})", x, y);
                }
            }
        }
    }
}
