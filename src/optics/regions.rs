//! Connected regions of a mask.
//!
//! In: row-major mask. Out: labels from 1 in reading order of each region's first pixel, 0 off the mask. Method: runs
//! of each row joined by union–find (He et al., Pattern Recognition 2009, 42:1977–1987).

use super::disjoint_sets::root;

/// Which neighbors join.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connectivity {
    /// Left, right, above, below.
    Four,
    /// The diagonals too.
    Eight,
}

/// Regions of a mask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Regions {
    /// Label of each pixel, 0 off the mask.
    pub labels: Vec<u32>,
    /// Figures of each region; label `n` at index `n - 1`.
    pub regions: Vec<Region>,
}

/// Figures of one region, pixels; bounds are inclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Region {
    /// Number of pixels.
    pub area_px: u32,
    /// Leftmost column.
    pub x_min: u32,
    /// Topmost row.
    pub y_min: u32,
    /// Rightmost column.
    pub x_max: u32,
    /// Lowest row.
    pub y_max: u32,
}

impl Region {
    /// Whether the region touches the edge of an image of this size.
    pub fn touches_edge(&self, width: usize, height: usize) -> bool {
        self.x_min == 0 || self.y_min == 0 || self.x_max as usize + 1 == width || self.y_max as usize + 1 == height
    }
}

struct Run {
    row: u32,
    start: u32,
    end: u32,
}

/// Regions of `mask`, which holds whole rows of `width`.
///
/// # Panics
/// Where `mask` does not hold whole rows.
pub fn connected_regions(mask: &[bool], width: usize, connectivity: Connectivity) -> Regions {
    let mut labels = vec![0; mask.len()];
    if mask.is_empty() {
        return Regions { labels, regions: Vec::new() };
    }
    assert_eq!(mask.len() % width, 0, "whole rows");
    let reach = u32::from(connectivity == Connectivity::Eight);
    let mut runs: Vec<Run> = Vec::new();
    let mut parents: Vec<u32> = Vec::new();
    let mut above = 0..0;
    for (y, row) in mask.chunks_exact(width).enumerate() {
        let first = runs.len();
        let mut x = 0;
        let mut upper = above.start;
        while let Some(offset) = row[x..].iter().position(|inside| *inside) {
            let start = x + offset;
            let end = row[start..].iter().position(|inside| !*inside).map_or(width, |length| start + length);
            let this = runs.len() as u32;
            runs.push(Run { row: y as u32, start: start as u32, end: end as u32 });
            parents.push(this);
            // Runs of the row above that end before this one starts can touch no later run either.
            while upper < above.end && runs[upper].end + reach <= start as u32 {
                upper += 1;
            }
            let mut touching = upper;
            while touching < above.end && runs[touching].start < end as u32 + reach {
                join(&mut parents, this, touching as u32);
                touching += 1;
            }
            x = end;
        }
        above = first..runs.len();
    }
    let mut names = vec![0u32; runs.len()];
    let mut regions: Vec<Region> = Vec::new();
    for (index, run) in runs.iter().enumerate() {
        let root = root(&mut parents, index as u32) as usize;
        if names[root] == 0 {
            regions.push(Region { area_px: 0, x_min: run.start, y_min: run.row, x_max: run.end - 1, y_max: run.row });
            names[root] = regions.len() as u32;
        }
        let name = names[root];
        let region = &mut regions[name as usize - 1];
        region.area_px += run.end - run.start;
        region.x_min = region.x_min.min(run.start);
        region.x_max = region.x_max.max(run.end - 1);
        region.y_max = region.y_max.max(run.row);
        labels[run.row as usize * width..][run.start as usize..run.end as usize].fill(name);
    }
    Regions { labels, regions }
}

fn join(parents: &mut [u32], a: u32, b: u32) {
    let (a, b) = (root(parents, a), root(parents, b));
    // The earlier run stays root, so regions are named in reading order.
    parents[a.max(b) as usize] = a.min(b);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn mask(rows: &[&str]) -> (Vec<bool>, usize) {
        (rows.iter().flat_map(|row| row.bytes().map(|b| b == b'#')).collect(), rows[0].len())
    }

    #[test]
    fn a_horseshoe_is_one_region_and_diagonals_join_only_by_eight() {
        let (horseshoe, width) = mask(&["#.#", "#.#", "###"]);
        assert_eq!(connected_regions(&horseshoe, width, Connectivity::Four).regions.len(), 1);
        let (diagonal, width) = mask(&["#.", ".#"]);
        assert_eq!(connected_regions(&diagonal, width, Connectivity::Four).labels, vec![1, 0, 0, 2]);
        assert_eq!(connected_regions(&diagonal, width, Connectivity::Eight).labels, vec![1, 0, 0, 1]);
    }

    #[test]
    fn figures_of_a_region() {
        let (shape, width) = mask(&["....", ".##.", "..#."]);
        let found = connected_regions(&shape, width, Connectivity::Four).regions;
        assert_eq!(found, vec![Region { area_px: 3, x_min: 1, y_min: 1, x_max: 2, y_max: 2 }]);
        assert!(found[0].touches_edge(4, 3) && !found[0].touches_edge(4, 4));
    }

    proptest! {
        #[test]
        fn neighbors_share_a_label_and_areas_add_up(bits in prop::collection::vec(any::<bool>(), 8 * 6)) {
            let found = connected_regions(&bits, 8, Connectivity::Four);
            let total: u32 = found.regions.iter().map(|r| r.area_px).sum();
            prop_assert_eq!(total as usize, bits.iter().filter(|b| **b).count());
            for index in 0..bits.len() {
                prop_assert_eq!(found.labels[index] > 0, bits[index]);
                if index % 8 < 7 && bits[index] && bits[index + 1] {
                    prop_assert_eq!(found.labels[index], found.labels[index + 1]);
                }
                if index + 8 < bits.len() && bits[index] && bits[index + 8] {
                    prop_assert_eq!(found.labels[index], found.labels[index + 8]);
                }
            }
        }
    }
}
