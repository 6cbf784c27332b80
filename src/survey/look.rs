//! One tile of a slide seen from afar: what it adds to the blocks of the grid and to the thumbnail.
//!
//! In: a level of a slide, the grid of blocks and the size of the thumbnail. Out: [`Seen`] of each tile: a histogram of the green
//! channel for each block, sums of the pixels for each pixel of the thumbnail, or why the tile cannot be read. Method: along each
//! axis the pixels of one block and one pixel of the thumbnail are a run, whose look-ups are made once for the tile.
//! Limits: memory of half a kilobyte for each block that a tile touches.

use std::collections::BTreeSet;

use super::grid::Grid;
use crate::source::SourceProblem;
use crate::source::slide::{PixelRect, Slide};

/// Bins of the histograms; two gray values each.
pub(super) const BINS: usize = 128;

/// Pixels of each green value.
pub(super) type Histogram = [u32; BINS];

/// What a tile adds.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) blocks: Vec<(usize, Histogram)>,
    /// Sums of red, green and blue and the number of pixels, by pixel of the thumbnail.
    pub(super) thumbnail: Vec<(usize, [u32; 4])>,
    pub(super) unread: Option<SourceProblem>,
}

/// A pass over a level.
pub(super) struct Look<'a> {
    pub(super) slide: &'a Slide,
    pub(super) grid: &'a Grid,
    pub(super) level: usize,
    pub(super) thumb_width: u32,
    pub(super) thumb_height: u32,
}

impl Look<'_> {
    fn place(&self, column: u32, row: u32) -> PixelRect {
        let shape = &self.slide.levels()[self.level];
        let (width, height) = shape.tile_size(column, row);
        PixelRect { x: column * shape.tile_width, y: row * shape.tile_height, width, height }
    }

    /// Full-resolution coordinates of the middles of pixels.
    fn middles(&self, from: u32, count: u32) -> impl Iterator<Item = u32> {
        let downsample = self.slide.levels()[self.level].downsample;
        (from..from + count).map(move |at| ((f64::from(at) + 0.5) * downsample) as u32)
    }

    /// Blocks that a tile touches.
    pub(super) fn blocks_of(&self, column: u32, row: u32) -> impl Iterator<Item = usize> {
        let place = self.place(column, row);
        let columns: BTreeSet<_> = self.middles(place.x, place.width).filter_map(|x| self.grid.column_at(x)).collect();
        let rows: BTreeSet<_> = self.middles(place.y, place.height).filter_map(|y| self.grid.row_at(y)).collect();
        let across = self.grid.columns();
        rows.into_iter().flat_map(move |row| columns.clone().into_iter().map(move |column| row * across + column))
    }

    pub(super) fn tile(&self, column: u32, row: u32) -> Seen {
        let picture = match self.slide.decoded(self.level, column, row) {
            Ok(picture) => picture,
            Err(problem) => return Seen { unread: Some(problem), ..Seen::default() },
        };
        let place = self.place(column, row);
        let (width, height) = (self.slide.width(), self.slide.height());
        let thumb =
            |at: u32, all: u32, thumb: u32| ((u64::from(at) * u64::from(thumb) / u64::from(all)) as u32).min(thumb - 1);
        let across = Axis::of(
            self.middles(place.x, place.width)
                .map(|x| (self.grid.column_at(x), thumb(x.min(width - 1), width, self.thumb_width))),
        );
        let down = Axis::of(
            self.middles(place.y, place.height)
                .map(|y| (self.grid.row_at(y), thumb(y.min(height - 1), height, self.thumb_height))),
        );
        let mut histograms = vec![[0; BINS]; across.blocks.len() * down.blocks.len()];
        let mut sums = vec![[0; 4]; across.thumbs.len() * down.thumbs.len()];
        for line in &down.runs {
            for y in line.from..line.from + line.count {
                for run in &across.runs {
                    let sum = &mut sums[line.thumb * across.thumbs.len() + run.thumb];
                    let histogram = line.block.zip(run.block).map(|(row, column)| row * across.blocks.len() + column);
                    let histogram = histogram.map(|at| &mut histograms[at]);
                    match &picture {
                        Some(picture) => {
                            let from = 3 * (y * place.width as usize + run.from);
                            let pixels = picture.as_raw()[from..from + 3 * run.count].as_chunks::<3>().0;
                            add(pixels, sum, histogram);
                        }
                        None => {
                            sum[..3].iter_mut().for_each(|sum| *sum += 255 * run.count as u32);
                            if let Some(histogram) = histogram {
                                histogram[BINS - 1] += run.count as u32;
                            }
                        }
                    }
                    sum[3] += run.count as u32;
                }
            }
        }
        let places = |down: &[usize], across: &[usize], stride: usize| -> Vec<usize> {
            down.iter().flat_map(|row| across.iter().map(move |column| row * stride + column)).collect()
        };
        let blocks = places(&down.blocks, &across.blocks, self.grid.columns()).into_iter().zip(histograms);
        let thumbnail = places(&down.thumbs, &across.thumbs, self.thumb_width as usize).into_iter().zip(sums);
        Seen { blocks: blocks.collect(), thumbnail: thumbnail.collect(), unread: None }
    }
}

/// Adds pixels to their sums and to the histogram of their block.
fn add(pixels: &[[u8; 3]], sum: &mut [u32; 4], histogram: Option<&mut Histogram>) {
    let [mut red, mut green, mut blue] = [0u32; 3];
    for pixel in pixels {
        red += u32::from(pixel[0]);
        green += u32::from(pixel[1]);
        blue += u32::from(pixel[2]);
    }
    sum.iter_mut().zip([red, green, blue]).for_each(|(sum, of)| *sum += of);
    if let Some(histogram) = histogram {
        pixels.iter().for_each(|pixel| histogram[usize::from(pixel[1]) / 2] += 1);
    }
}

/// Pixels of a tile along one axis that lie in one block and in one pixel of the thumbnail.
struct Run {
    from: usize,
    count: usize,
    /// Index in [`Axis::blocks`].
    block: Option<usize>,
    /// Index in [`Axis::thumbs`].
    thumb: usize,
}

/// What a tile covers along one axis.
struct Axis {
    runs: Vec<Run>,
    /// Columns or rows of blocks.
    blocks: Vec<usize>,
    /// Columns or rows of the thumbnail.
    thumbs: Vec<usize>,
}

impl Axis {
    /// From the block and the pixel of the thumbnail of each pixel; neither ever falls along the axis.
    fn of(pixels: impl Iterator<Item = (Option<usize>, u32)>) -> Self {
        let mut new = Self { runs: Vec::new(), blocks: Vec::new(), thumbs: Vec::new() };
        let place = |known: &mut Vec<usize>, value: usize| {
            if known.last() != Some(&value) {
                known.push(value);
            }
            known.len() - 1
        };
        for (at, (block, thumb)) in pixels.enumerate() {
            let block = block.map(|block| place(&mut new.blocks, block));
            let thumb = place(&mut new.thumbs, thumb as usize);
            match new.runs.last_mut().filter(|run| (run.block, run.thumb) == (block, thumb)) {
                Some(run) => run.count += 1,
                None => new.runs.push(Run { from: at, count: 1, block, thumb }),
            }
        }
        new
    }
}
