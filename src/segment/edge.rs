//! How sharp the outline of each object is, to tell the one cell out of focus from its field.
//!
//! In: a plane of densities and the label map's runs. Out: for each label the steepness of its free outline: the mean, over
//! the pixels of the outline that border on background, of the steepest slope within one pixel, over the object's own
//! density (mean plus one standard deviation, about that of its rim). 1/px; independent of how strong the stain is.
//! `None` where fewer than [`MIN_FREE_PX`] pixels of the outline are free.
//!
//! Limits: a figure to compare the cells of one field by. A field's sharpness in 1/µm, for all its cells, is `quality`'s.

use crate::optics::runs::RowRuns;

/// Fewest free pixels of an outline that give a figure: a sixth of the outline of a nominal cell.
const MIN_FREE_PX: u32 = 20;

/// Steepness of each of `count` labels; label `n` at index `n - 1`.
pub(super) fn steepness(density: &[f32], runs: &RowRuns, count: usize, width: usize) -> Vec<Option<f32>> {
    let height = density.len() / width.max(1);
    let mut labels = vec![0u32; density.len()];
    let mut of_label = vec![Moments::default(); count];
    for (y, row) in runs.rows() {
        for run in row {
            let span = run.at(y, width);
            labels[span.clone()].fill(run.value);
            of_label[run.value as usize - 1].add(&density[span]);
        }
    }
    let mut slopes = vec![(0.0f64, 0u32); count];
    for (y, row) in runs.rows().filter(|(y, _)| (2..height.saturating_sub(2)).contains(y)) {
        for run in row {
            for x in (run.start as usize).max(2)..(run.end as usize).min(width.saturating_sub(2)) {
                let at = y * width + x;
                let is_free = [at - 1, at + 1, at - width, at + width].iter().any(|near| labels[*near] == 0);
                if is_free {
                    let (sum, pixels) = &mut slopes[run.value as usize - 1];
                    *sum += f64::from(steepest_near(density, width, at));
                    *pixels += 1;
                }
            }
        }
    }
    let of = |((sum, pixels), moments): ((f64, u32), Moments)| {
        let rim = moments.rim();
        (pixels >= MIN_FREE_PX && rim > 0.0).then(|| (sum / f64::from(pixels) / rim) as f32)
    };
    slopes.into_iter().zip(of_label).map(of).collect()
}

/// Steepest slope by central differences at a pixel and its eight neighbors; the pixel lies two or more from the frame.
fn steepest_near(density: &[f32], width: usize, at: usize) -> f32 {
    let slope = |at: usize| {
        let (dx, dy) = (density[at + 1] - density[at - 1], density[at + width] - density[at - width]);
        (dx * dx + dy * dy).sqrt() / 2.0
    };
    let rows = [at - width, at, at + width];
    rows.into_iter().flat_map(|middle| [middle - 1, middle, middle + 1]).map(slope).fold(0.0, f32::max)
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
