//! Convexity of pixel regions from the extent of each row: cheap to make, cheap to join.

use crate::optics::regions::Region;

/// Leftmost and rightmost pixel of each row of a region, and its area.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct RowExtents {
    top: u32,
    /// Inclusive; `None` in rows between two parts.
    rows: Vec<Option<(u32, u32)>>,
    area_px: u32,
}

impl RowExtents {
    /// An empty region whose first row will be `top`.
    fn spanning(top: u32, bottom: u32) -> Self {
        Self { top, rows: vec![None; (bottom - top + 1) as usize], area_px: 0 }
    }

    fn add(&mut self, x: u32, y: u32) {
        let row = &mut self.rows[(y - self.top) as usize];
        *row = Some(row.map_or((x, x), |(start, end)| (start.min(x), end.max(x))));
        self.area_px += 1;
    }

    /// Extents of one label within its bounds.
    pub fn of_label(labels: &[u32], width: usize, label: u32, bounds: &Region) -> Self {
        let mut extents = Self::spanning(bounds.y_min, bounds.y_max);
        for y in bounds.y_min..=bounds.y_max {
            for x in bounds.x_min..=bounds.x_max {
                if labels[y as usize * width + x as usize] == label {
                    extents.add(x, y);
                }
            }
        }
        extents
    }

    /// Extents of every label from 1 to `count` in one pass; `None` for a label without pixels.
    pub fn of_all(labels: &[u32], width: usize, count: usize) -> Vec<Option<Self>> {
        let mut rows: Vec<Option<(u32, u32)>> = vec![None; count];
        for (y, line) in labels.chunks_exact(width).enumerate() {
            for &label in line.iter().filter(|label| **label > 0) {
                let span = &mut rows[label as usize - 1];
                *span = Some(span.map_or((y as u32, y as u32), |(top, _)| (top, y as u32)));
            }
        }
        let mut all: Vec<Option<Self>> = rows.into_iter().map(|span| span.map(|(a, b)| Self::spanning(a, b))).collect();
        for (y, line) in labels.chunks_exact(width).enumerate() {
            for (x, &label) in line.iter().enumerate().filter(|(_, label)| **label > 0) {
                if let Some(extents) = &mut all[label as usize - 1] {
                    extents.add(x as u32, y as u32);
                }
            }
        }
        all
    }

    /// Both regions as one.
    pub fn joined(&self, other: &Self) -> Self {
        let top = self.top.min(other.top);
        let bottom = (self.top + self.rows.len() as u32).max(other.top + other.rows.len() as u32) - 1;
        let mut joined = Self::spanning(top, bottom);
        joined.area_px = self.area_px + other.area_px;
        for part in [self, other] {
            for (offset, extent) in part.rows.iter().enumerate() {
                if let Some((start, end)) = extent {
                    let row = &mut joined.rows[(part.top - top) as usize + offset];
                    *row = Some(row.map_or((*start, *end), |(a, b)| (a.min(*start), b.max(*end))));
                }
            }
        }
        joined
    }

    /// Window around the region with one pixel of room where the image has it: left, top, width, height.
    pub fn window(&self, width: usize, height: usize) -> (usize, usize, usize, usize) {
        let (left, right) = self
            .rows
            .iter()
            .flatten()
            .fold((u32::MAX, 0), |(left, right), (start, end)| (left.min(*start), right.max(*end)));
        let x0 = (left as usize).saturating_sub(1);
        let y0 = (self.top as usize).saturating_sub(1);
        let x1 = (right as usize + 2).min(width);
        let y1 = (self.top as usize + self.rows.len() + 1).min(height);
        (x0, y0, x1.saturating_sub(x0), y1.saturating_sub(y0))
    }

    /// Number of pixels.
    pub fn area_px(&self) -> u32 {
        self.area_px
    }

    /// Area of the convex hull of the pixels' centers plus half a pixel around it (Pick's theorem's continuous kin),
    /// so that a digital disc has a solidity of 0.9 at the size of a fragment and 0.97 at that of a whole cell.
    pub fn hull_area_px(&self) -> f64 {
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
            perimeter += (b[0] - a[0]).hypot(b[1] - a[1]);
        }
        // Steiner formula for a rim of half a pixel.
        doubled.abs() / 2.0 + perimeter / 2.0 + std::f64::consts::FRAC_PI_4
    }

    /// Area over hull area, 0–1.
    pub fn solidity(&self) -> f64 {
        (f64::from(self.area_px) / self.hull_area_px()).min(1.0)
    }

    /// Area of the rows from first to last pixel over hull area, 0–1: as [`Self::solidity`] with enclosed islands
    /// filled.
    pub fn span_solidity(&self) -> f64 {
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

    fn extents(rows: &[&str]) -> RowExtents {
        let width = rows[0].len();
        let labels: Vec<u32> = rows.iter().flat_map(|r| r.bytes().map(|b| u32::from(b == b'#'))).collect();
        RowExtents::of_all(&labels, width, 1).remove(0).expect("pixels")
    }

    #[test]
    fn a_square_is_solid_and_an_ell_is_not() {
        let square = extents(&["######"; 6]);
        assert!(square.solidity() > 0.98, "{}", square.solidity());
        let ell =
            extents(&["##......", "##......", "##......", "##......", "##......", "##......", "########", "########"]);
        assert!(ell.solidity() < 0.7, "{}", ell.solidity());
    }

    #[test]
    fn joining_is_the_same_as_one_region() {
        let labels = [1, 1, 0, 2, 0, 1, 0, 2, 2, 0, 0, 2];
        let parts = RowExtents::of_all(&labels, 4, 2);
        let whole: Vec<u32> = labels.iter().map(|l| u32::from(*l > 0)).collect();
        let expected = RowExtents::of_all(&whole, 4, 1).remove(0).expect("pixels");
        let (a, b) = (parts[0].as_ref().expect("one"), parts[1].as_ref().expect("two"));
        assert_eq!(a.joined(b), expected);
    }

    #[test]
    fn a_disc_is_solid_from_the_size_of_a_fragment_on() {
        for (radius, least) in [(5i32, 0.88), (8, 0.92), (20, 0.95)] {
            let side = 2 * radius + 1;
            let labels: Vec<u32> = (0..side * side)
                .map(|i| u32::from((i % side - radius).pow(2) + (i / side - radius).pow(2) <= radius * radius))
                .collect();
            let disc = RowExtents::of_all(&labels, side as usize, 1).remove(0).expect("pixels");
            assert!(disc.solidity() > least, "radius {radius}: {}", disc.solidity());
        }
    }
}
