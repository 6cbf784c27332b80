//! The grid of blocks over an area of a slide, and the order in which blocks are taken.
//!
//! In: a rectangle at full resolution and the wanted side of a block. Out: blocks that tile the rectangle without gap or
//! overlap. Each side is divided into as many equal parts as come closest to the wanted side, so that no sliver is left.
//!
//! The order ([`spread`]): 1. blocks are listed along Hilbert's curve (Hilbert, Math Ann 1891, 38:459–460), so that
//! neighbors in the list are neighbors on the glass; 2. the list is read at the places `n · frac(v(k) + u)` for
//! k = 0, 1, 2, … with the sequence v of van der Corput (Proc Akad Wet Amsterdam 1935, 38:813–821) in base 2 and u from
//! the seed by SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
//!
//! METHOD: the count may stop after any block. Every beginning of this order is spread evenly over the area, as in
//! systematic random sampling (Gundersen and Jensen, J Microsc 1987, 147:229–263).

use crate::source::slide::PixelRect;

/// Blocks of a rectangle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Grid {
    /// Borders of the columns, one more than there are columns.
    xs: Vec<u32>,
    /// Borders of the rows.
    ys: Vec<u32>,
}

impl Grid {
    pub(super) fn new(area: &PixelRect, side_px: u32) -> Self {
        let borders = |from: u32, length: u32| -> Vec<u32> {
            let parts = (f64::from(length) / f64::from(side_px.max(1))).round().max(1.0) as u64;
            (0..=parts).map(|part| from + (u64::from(length) * part / parts) as u32).collect()
        };
        Self { xs: borders(area.x, area.width), ys: borders(area.y, area.height) }
    }

    pub(super) fn columns(&self) -> usize {
        self.xs.len() - 1
    }

    pub(super) fn rows(&self) -> usize {
        self.ys.len() - 1
    }

    /// Column that holds an x; `None` outside.
    pub(super) fn column_at(&self, x: u32) -> Option<usize> {
        part_at(&self.xs, x)
    }

    /// Row that holds a y; `None` outside.
    pub(super) fn row_at(&self, y: u32) -> Option<usize> {
        part_at(&self.ys, y)
    }

    /// The block at a place of the list of blocks, rows from the top.
    pub(super) fn block(&self, place: usize) -> PixelRect {
        let (column, row) = (place % self.columns(), place / self.columns());
        let (x, y) = (self.xs[column], self.ys[row]);
        PixelRect { x, y, width: self.xs[column + 1] - x, height: self.ys[row + 1] - y }
    }
}

fn part_at(borders: &[u32], at: u32) -> Option<usize> {
    let part = borders.partition_point(|border| *border <= at);
    (part > 0 && part < borders.len()).then(|| part - 1)
}

/// Some blocks of a grid in the order in which they are taken.
pub(super) fn spread(grid: &Grid, mut blocks: Vec<usize>, seed: u64) -> Vec<usize> {
    let side = grid.columns().max(grid.rows()).next_power_of_two() as u64;
    blocks.sort_by_key(|place| hilbert(side, (place % grid.columns()) as u64, (place / grid.columns()) as u64));
    let count = blocks.len();
    let bits = usize::BITS - count.saturating_sub(1).leading_zeros();
    let offset = split_mix(seed);
    let mut taken = vec![false; count];
    let mut order = Vec::with_capacity(count);
    // As many steps as a power of two that is no smaller: no place of the list is missed.
    for step in 0..1u64 << bits {
        let fraction = step.reverse_bits().wrapping_add(offset);
        let place = ((u128::from(fraction) * count as u128) >> 64) as usize;
        if place < count && !std::mem::replace(&mut taken[place], true) {
            order.push(blocks[place]);
        }
    }
    order
}

/// A first number of SplitMix64.
fn split_mix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// Place of a cell along Hilbert's curve through a square of `side` cells, a power of two.
fn hilbert(side: u64, mut x: u64, mut y: u64) -> u64 {
    let (mut place, mut half) = (0, side / 2);
    while half > 0 {
        let (right, low) = (u64::from(x & half > 0), u64::from(y & half > 0));
        place += half * half * ((3 * right) ^ low);
        if low == 0 {
            if right == 1 {
                (x, y) = (side - 1 - x, side - 1 - y);
            }
            (x, y) = (y, x);
        }
        half /= 2;
    }
    place
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sides_are_cut_into_equal_parts_without_a_sliver() {
        let grid = Grid::new(&PixelRect { x: 10, y: 0, width: 205, height: 40 }, 100);
        assert_eq!((grid.columns(), grid.rows()), (2, 1));
        assert_eq!(grid.block(0), PixelRect { x: 10, y: 0, width: 102, height: 40 });
        assert_eq!(grid.block(1), PixelRect { x: 112, y: 0, width: 103, height: 40 });
        assert_eq!(
            [9, 10, 111, 112, 214, 215].map(|x| grid.column_at(x)),
            [None, Some(0), Some(0), Some(1), Some(1), None]
        );
    }

    #[test]
    fn the_curve_visits_neighbors_one_after_another() {
        let mut cells: Vec<(u64, u64)> = (0..64).map(|i| (i % 8, i / 8)).collect();
        cells.sort_by_key(|(x, y)| hilbert(8, *x, *y));
        let places: std::collections::BTreeSet<u64> = cells.iter().map(|(x, y)| hilbert(8, *x, *y)).collect();
        assert_eq!(places.into_iter().collect::<Vec<_>>(), (0..64).collect::<Vec<_>>());
        for pair in cells.windows(2) {
            assert_eq!(pair[0].0.abs_diff(pair[1].0) + pair[0].1.abs_diff(pair[1].1), 1, "{pair:?}");
        }
    }

    #[test]
    fn the_seed_moves_the_order_and_the_same_seed_keeps_it() {
        let grid = Grid::new(&PixelRect { x: 0, y: 0, width: 100, height: 100 }, 10);
        let order = |seed| spread(&grid, (0..100).collect(), seed);
        assert_eq!(order(1), order(1));
        assert_ne!(order(1), order(2));
        // The first of Vigna's reference sequence for the seed 1234567.
        assert_eq!(split_mix(1_234_567), 6_457_827_717_110_365_317);
    }

    #[test]
    fn a_quarter_of_the_order_lies_in_every_quarter_of_the_area() {
        let grid = Grid::new(&PixelRect { x: 0, y: 0, width: 160, height: 160 }, 10);
        let order = spread(&grid, (0..256).collect(), 7);
        let mut quarters = [0; 4];
        for place in &order[..16] {
            quarters[place % 16 / 8 + 2 * (place / 16 / 8)] += 1;
        }
        assert_eq!(quarters, [4; 4]);
    }

    proptest! {
        #[test]
        fn every_block_is_taken_once(columns in 1usize..30, rows in 1usize..30, seed: u64) {
            let area = PixelRect { x: 0, y: 0, width: columns as u32 * 10, height: rows as u32 * 10 };
            let grid = Grid::new(&area, 10);
            let mut order = spread(&grid, (0..columns * rows).collect(), seed);
            order.sort_unstable();
            prop_assert_eq!(order, (0..columns * rows).collect::<Vec<_>>());
        }

        #[test]
        fn blocks_tile_their_area(width in 1u32..3000, height in 1u32..3000, side in 1u32..700) {
            let area = PixelRect { x: 3, y: 5, width, height };
            let grid = Grid::new(&area, side);
            let covered: u64 = (0..grid.columns() * grid.rows())
                .map(|place| grid.block(place))
                .map(|block| u64::from(block.width) * u64::from(block.height))
                .sum();
            prop_assert_eq!(covered, u64::from(width) * u64::from(height));
        }
    }
}
