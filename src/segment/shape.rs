//! Convexity of a pixel region from the extent of each of its rows.

use crate::optics::regions::Regions;

/// Leftmost and rightmost pixel of each row of a region.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct RowExtents {
    /// Inclusive; `None` in rows between two parts.
    rows: Vec<Option<(u32, u32)>>,
}

impl RowExtents {
    /// Extents of one of some regions.
    pub fn of_region(regions: &Regions, index: usize) -> Self {
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
            perimeter += (b[0] - a[0]).hypot(b[1] - a[1]);
        }
        // Steiner formula for a rim of half a pixel.
        doubled.abs() / 2.0 + perimeter / 2.0 + std::f64::consts::FRAC_PI_4
    }

    /// Area of the rows from first to last pixel over hull area, 0–1: solidity with enclosed islands filled.
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
    use crate::optics::regions::{Connectivity, connected_regions};

    fn of_ones(mask: &[bool], width: usize) -> RowExtents {
        RowExtents::of_region(&connected_regions(mask, width, Connectivity::Eight), 0)
    }

    fn solidity(rows: &[&str]) -> f64 {
        let mask: Vec<bool> = rows.iter().flat_map(|r| r.bytes().map(|b| b == b'#')).collect();
        of_ones(&mask, rows[0].len()).span_solidity()
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
