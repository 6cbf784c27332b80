//! Rows of pixels as runs of equal value: what is worked out once for a run need not be worked out for each pixel.
//!
//! In: a row-major mask or label map. Out: for each row the runs of pixels that are inside or carry a label, from left
//! to right. Method: 64 pixels at a time are packed into the bits of a word that tell where the value changes.

use std::ops::Range;

use rayon::prelude::*;

use super::BAND_ROWS;

/// Pixels of a word.
const WORD: usize = 64;

/// Pixels side by side with the same value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// First column.
    pub start: u32,
    /// Column behind the last.
    pub end: u32,
    /// Label; 1 in a mask.
    pub value: u32,
}

impl Run {
    /// Number of pixels.
    pub fn length(&self) -> u32 {
        self.end - self.start
    }

    /// Its pixels in a row-major plane of `width` columns, for a run of row `y`.
    pub fn at(&self, y: usize, width: usize) -> Range<usize> {
        y * width + self.start as usize..y * width + self.end as usize
    }
}

/// The runs of an image, row by row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowRuns {
    runs: Vec<Run>,
    /// Index of the first run of each row, and the number of runs at the end.
    firsts: Vec<usize>,
}

impl RowRuns {
    /// Runs of the pixels of a mask that are `wanted`.
    ///
    /// # Panics
    /// Where `mask` does not hold whole rows of `width`.
    pub fn of_mask(mask: &[bool], width: usize, wanted: bool) -> Self {
        Self::by_bands(mask, width, |band| Self::of_mask_band(band, width, wanted))
    }

    fn of_mask_band(mask: &[bool], width: usize, wanted: bool) -> Self {
        let mut all = Self::for_rows(mask.len(), width);
        for row in mask.chunks_exact(width.max(1)) {
            let mut inside = false;
            let mut start = 0;
            each_change(
                row.len(),
                |word| packed(&row[word], wanted),
                |at| {
                    if inside {
                        all.runs.push(Run { start, end: at, value: 1 });
                    }
                    inside = !inside;
                    start = at;
                },
            );
            if inside {
                all.runs.push(Run { start, end: width as u32, value: 1 });
            }
            all.firsts.push(all.runs.len());
        }
        all
    }

    /// Runs of the pixels of a label map that carry the same label, 0 left out.
    ///
    /// # Panics
    /// Where `labels` does not hold whole rows of `width`.
    pub fn of_labels(labels: &[u32], width: usize) -> Self {
        Self::by_bands(labels, width, |band| Self::of_labels_band(band, width))
    }

    fn of_labels_band(labels: &[u32], width: usize) -> Self {
        let mut all = Self::for_rows(labels.len(), width);
        let mut is_new = vec![false; width];
        for row in labels.chunks_exact(width.max(1)) {
            for (is_new, pair) in is_new[1..].iter_mut().zip(row.windows(2)) {
                *is_new = pair[0] != pair[1];
            }
            let mut start = 0;
            let mut close = |start: usize, end: usize| {
                if row[start] > 0 {
                    all.runs.push(Run { start: start as u32, end: end as u32, value: row[start] });
                }
            };
            for word in words(width) {
                let mut changes = packed(&is_new[word.clone()], true);
                while changes != 0 {
                    let at = word.start + changes.trailing_zeros() as usize;
                    close(start, at);
                    start = at;
                    changes &= changes - 1;
                }
            }
            close(start, width);
            all.firsts.push(all.runs.len());
        }
        all
    }

    /// Runs of bands of rows, one behind another: the bands of a large picture are looked at side by side.
    fn by_bands<T: Sync>(pixels: &[T], width: usize, of_band: impl Fn(&[T]) -> Self + Send + Sync) -> Self {
        let mut bands: Vec<Self> = pixels.par_chunks(BAND_ROWS * width.max(1)).map(of_band).collect();
        if bands.len() == 1 {
            return bands.remove(0);
        }
        let mut all = Self::for_rows(pixels.len(), width);
        for band in bands {
            let before = all.runs.len();
            all.runs.extend(band.runs);
            all.firsts.extend(band.firsts[1..].iter().map(|first| before + first));
        }
        all
    }

    fn for_rows(pixels: usize, width: usize) -> Self {
        assert_eq!(pixels % width.max(1), 0, "whole rows");
        let mut firsts = Vec::with_capacity(pixels / width.max(1) + 1);
        firsts.push(0);
        Self { runs: Vec::new(), firsts }
    }

    /// The pixels between the runs.
    pub fn gaps(&self, width: usize) -> Self {
        let mut gaps = Self::for_rows(width * self.height(), width);
        for (_, row) in self.rows() {
            let mut start = 0;
            for run in row {
                if run.start > start {
                    gaps.runs.push(Run { start, end: run.start, value: 1 });
                }
                start = run.end;
            }
            if (start as usize) < width {
                gaps.runs.push(Run { start, end: width as u32, value: 1 });
            }
            gaps.firsts.push(gaps.runs.len());
        }
        gaps
    }

    /// Number of rows.
    pub fn height(&self) -> usize {
        self.firsts.len() - 1
    }

    /// All runs in reading order.
    pub fn all(&self) -> &[Run] {
        &self.runs
    }

    /// Indices of the runs of a row.
    pub fn of_row(&self, y: usize) -> Range<usize> {
        self.firsts[y]..self.firsts[y + 1]
    }

    /// Each row with its number.
    pub fn rows(&self) -> impl Iterator<Item = (usize, &[Run])> {
        (0..self.height()).map(|y| (y, &self.runs[self.of_row(y)]))
    }
}

fn words(width: usize) -> impl Iterator<Item = Range<usize>> {
    (0..width).step_by(WORD).map(move |start| start..(start + WORD).min(width))
}

/// Calls `change` with each column whose bit differs from that of the column before it; before the first lies a 0.
fn each_change(width: usize, bits_of: impl Fn(Range<usize>) -> u64, mut change: impl FnMut(u32)) {
    let mut last = 0;
    for word in words(width) {
        let start = word.start as u32;
        let bits = bits_of(word);
        let mut changes = bits ^ (bits << 1 | last);
        while changes != 0 {
            change(start + changes.trailing_zeros());
            changes &= changes - 1;
        }
        last = bits >> (WORD - 1);
    }
}

/// The pixels that are `wanted` as bits, the first lowest; bits beyond the pixels are 0.
fn packed(pixels: &[bool], wanted: bool) -> u64 {
    // Moves the lowest bit of each of eight bytes into the uppermost byte.
    const GATHER: u64 = 0x0102_0408_1020_4080;
    let mut bits = 0;
    let (eights, rest) = pixels.as_chunks::<8>();
    for (index, eight) in eights.iter().enumerate() {
        let bytes = u64::from_le_bytes(eight.map(u8::from));
        bits |= (bytes.wrapping_mul(GATHER) >> 56) << (8 * index);
    }
    for (index, inside) in rest.iter().enumerate() {
        bits |= u64::from(*inside) << (8 * eights.len() + index);
    }
    if wanted { bits } else { !bits & (u64::MAX >> (WORD - pixels.len())) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn run(start: u32, end: u32, value: u32) -> Run {
        Run { start, end, value }
    }

    #[test]
    fn runs_of_a_row_and_their_gaps() {
        let labels = [0, 3, 3, 7, 0, 0, 7, 7];
        let runs = RowRuns::of_labels(&labels, 8);
        assert_eq!(runs.all(), [run(1, 3, 3), run(3, 4, 7), run(6, 8, 7)]);
        assert_eq!(runs.gaps(8).all(), [run(0, 1, 1), run(4, 6, 1)]);
        // Two rows: a run ends with its row.
        let runs = RowRuns::of_labels(&labels, 4);
        assert_eq!(runs.of_row(1), 2..3);
        assert_eq!(runs.all(), [run(1, 3, 3), run(3, 4, 7), run(2, 4, 7)]);
        assert_eq!(RowRuns::of_mask(&[], 0, true).height(), 0);
    }

    #[test]
    fn bands_of_a_high_picture_are_joined() {
        let rows = 2 * BAND_ROWS + 3;
        let labels: Vec<u32> = (0..rows as u32 * 5).map(|at| at * 7 % 11 % 3).collect();
        let runs = RowRuns::of_labels(&labels, 5);
        assert_eq!(runs.height(), rows);
        for (y, row) in runs.rows() {
            let mut painted = [0; 5];
            row.iter().for_each(|run| painted[run.start as usize..run.end as usize].fill(run.value));
            assert_eq!(painted, labels[y * 5..][..5], "row {y}");
        }
        let mask: Vec<bool> = labels.iter().map(|label| *label > 0).collect();
        assert_eq!(RowRuns::of_mask(&mask, 5, false), runs.gaps(5));
    }

    proptest! {
        #[test]
        fn runs_are_the_pixels(bits in prop::collection::vec(prop::bool::weighted(0.7), 3 * 131)) {
            for wanted in [true, false] {
                let runs = RowRuns::of_mask(&bits, 131, wanted);
                let mut painted = vec![!wanted; bits.len()];
                for (y, row) in runs.rows() {
                    prop_assert!(row.windows(2).all(|pair| pair[0].end < pair[1].start), "runs do not touch");
                    for run in row {
                        prop_assert!(run.length() > 0);
                        painted[run.at(y, 131)].fill(wanted);
                    }
                }
                prop_assert_eq!(&painted, &bits);
                prop_assert_eq!(runs.gaps(131), RowRuns::of_mask(&bits, 131, !wanted));
            }
            let labels: Vec<u32> = bits.iter().map(|bit| u32::from(*bit)).collect();
            prop_assert_eq!(RowRuns::of_labels(&labels, 131), RowRuns::of_mask(&bits, 131, true));
        }
    }
}
