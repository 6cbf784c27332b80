//! Which blocks of a slide show a monolayer, judged at a low level.
//!
//! In: a slide and a grid of blocks. Out: a [`Survey`]: a [`BlockVerdict`] for each block, a thumbnail, and every tile that
//! could not be read. Method: one pass over the coarsest level whose pixels are at most [`SURVEY_UM_PER_PX`], tile by
//! tile. Each block gets a histogram of the green channel, where hemoglobin and eosin absorb most.
//!
//! Order: 1. brightness of the glass, over the slide and in each block; 2. optical density (base 10) against it;
//! 3. covered share: pixels denser than [`STAIN_DENSITY`]; 4. density of a single layer of cells: median of the stained
//! pixels where the film is thin; 5. overlap share: stained pixels denser than [`OVERLAP_LAYERS`] layers; 6. verdict.
//!
//! Limits: blocks are judged by stain alone. Tissue or dirt of the same stain passes here; the fields taken there are
//! judged one by one at full resolution. Memory: half a kilobyte for each block.

use std::sync::atomic::{AtomicBool, Ordering};

use image::RgbImage;
use rayon::prelude::*;

use super::grid::Grid;
use super::look::{BINS, Histogram, Look, Seen};
use crate::source::SourceProblem;
use crate::source::slide::Slide;

/// Coarsest pixels that the survey takes, µm: a red cell is then three pixels wide, so that single cells and gaps between
/// them are still told apart.
pub(super) const SURVEY_UM_PER_PX: f64 = 2.5;

/// Longer side of the thumbnail, px.
pub(super) const THUMBNAIL_SIDE_PX: u32 = 1024;

/// Density from which a pixel counts as stained: 9 % of the light; a pale cell has 0.05 and compression noise 0.02.
const STAIN_DENSITY: f64 = 0.04;

/// Layers of cells from which a pixel counts as overlapped: between one, whose rim is denser than its mean, and two.
const OVERLAP_LAYERS: f64 = 1.6;

/// Largest covered share of empty glass: platelets and dust.
const MAX_GLASS_COVERED: f64 = 0.02;

/// Least covered share of a monolayer: thinner film is the feathered edge, where cells are flattened and lie far apart.
///
/// METHOD: textbook monolayers hold 200 to 250 cells of 44 µm² on a field of 0.02 mm² (about half covered); a sixth of that is the
/// least at which enough cells are met. All limits here are checked on drawn films of known zones.
const MIN_COVERED: f64 = 0.08;

/// Largest covered share of a monolayer: equal disks that do not touch cover less than 0.6 unless they are ordered.
const MAX_COVERED: f64 = 0.6;

/// Covered share from which no gap is left between cells: the thick area.
const MIN_THICK_COVERED: f64 = 0.85;

/// Largest share of the stained pixels that lie under more than one layer.
const MAX_OVERLAP: f64 = 0.25;

/// Covered shares of the blocks that tell the density of a single layer: thin film, where few cells overlap.
const SINGLE_LAYER_COVERED: std::ops::Range<f64> = 0.05..0.4;

/// Blocks from the next empty glass within which a block is border or feathered edge: about 0.3 mm.
const EDGE_BLOCKS: usize = 2;

/// Share of the pixels that make a peak of brightness that of the glass.
const GLASS_PEAK_SHARE: f64 = 0.01;

/// The same within a block, where gaps between cells are a third of the pixels.
const GAP_PEAK_SHARE: f64 = 0.05;

/// Least brightness of the gaps in a block as a share of the slide's glass: uneven light stays above it, a film without
/// gaps (density 0.07 and more) does not.
const MIN_GAP_BRIGHTNESS: f64 = 0.85;

/// Bins of the density of stained pixels.
const DENSITY_BINS: usize = 200;

/// Width of a density bin.
const DENSITY_STEP: f64 = 0.01;

/// Gray value drawn where a tile cannot be read.
const UNREADABLE_GRAY: u8 = 96;

/// What a block of the film is, in the order of the reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, strum::IntoStaticStr, strum::VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum BlockVerdict {
    /// Cells lie side by side: fields are taken here.
    Monolayer,
    /// Empty glass.
    Glass,
    /// Within 0.3 mm of empty glass: border of the film or feathered edge.
    Edge,
    /// Too few cells: the feathered edge.
    Sparse,
    /// Cells lie on each other.
    Crowded,
    /// No gap between cells.
    Thick,
    /// A tile of it cannot be read.
    Unreadable,
}

impl BlockVerdict {
    /// Name as written in files.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// A slide seen from afar.
#[derive(Debug)]
pub(super) struct Survey {
    /// Verdict of each block, rows from the top.
    pub(super) verdicts: Vec<BlockVerdict>,
    pub(super) thumbnail: RgbImage,
    /// Tiles that could not be read.
    pub(super) problems: Vec<SourceProblem>,
}

/// Looks at a slide, at the coarsest level that is at most `coarsest` times coarser than the finest.
///
/// # Errors
/// [`SourceProblem::Interrupted`] as soon as `stop` is set; the flag is looked at before each tile.
pub(super) fn survey(slide: &Slide, grid: &Grid, coarsest: f64, stop: &AtomicBool) -> Result<Survey, SourceProblem> {
    let level = slide.levels().iter().rposition(|level| level.downsample <= coarsest).unwrap_or(0);
    let shape = &slide.levels()[level];
    let ratio = (f64::from(slide.width().max(slide.height())) / f64::from(THUMBNAIL_SIDE_PX)).max(1.0);
    let side = |px: u32| ((f64::from(px) / ratio).round() as u32).max(1);
    let (thumb_width, thumb_height) = (side(slide.width()), side(slide.height()));
    let blocks = grid.columns() * grid.rows();
    let mut histograms: Vec<Option<Box<Histogram>>> = vec![None; blocks];
    let mut sums = vec![[0u64; 4]; thumb_width as usize * thumb_height as usize];
    let mut unreadable = vec![false; blocks];
    let mut problems = Vec::new();
    let look = Look { slide, grid, level, thumb_width, thumb_height };
    let tile = |column: u32, row: u32| {
        if stop.load(Ordering::Relaxed) { Err(SourceProblem::Interrupted) } else { Ok(look.tile(column, row)) }
    };
    for row in 0..shape.down() {
        // One row of tiles at a time; of each only its sums stay.
        let seen: Result<Vec<Seen>, _> = (0..shape.across()).into_par_iter().map(|column| tile(column, row)).collect();
        for (column, seen) in (0u32..).zip(seen?) {
            for (block, histogram) in seen.blocks {
                let all = histograms[block].get_or_insert_with(|| Box::new([0; BINS]));
                all.iter_mut().zip(histogram.iter()).for_each(|(all, one)| *all = all.saturating_add(*one));
            }
            for (pixel, sum) in seen.thumbnail {
                sums[pixel].iter_mut().zip(sum).for_each(|(all, one)| *all += u64::from(one));
            }
            if let Some(problem) = seen.unread {
                look.blocks_of(column, row).for_each(|block| unreadable[block] = true);
                problems.push(problem);
            }
        }
    }
    let thumbnail = RgbImage::from_fn(thumb_width, thumb_height, |x, y| {
        let [red, green, blue, n] = sums[y as usize * thumb_width as usize + x as usize];
        let mean = |sum: u64| sum.checked_div(n).map_or(UNREADABLE_GRAY, |mean| mean as u8);
        image::Rgb([mean(red), mean(green), mean(blue)])
    });
    let verdicts = verdicts(&histograms, &unreadable, grid.columns());
    Ok(Survey { verdicts, thumbnail, problems })
}

/// The brightest peak that holds at least a share of the pixels: the glass, or the gaps between cells.
fn brightest_peak(histogram: &[u64], share: f64) -> Option<usize> {
    let all: u64 = histogram.iter().sum();
    // Three bins, so that a peak on the border of two is not lost.
    let mass = |bin: usize| -> u64 { histogram[bin.saturating_sub(1)..(bin + 2).min(histogram.len())].iter().sum() };
    let enough = |bin: &usize| mass(*bin) as f64 >= share * all as f64;
    let first = (0..histogram.len()).rev().find(enough).filter(|_| all > 0)?;
    let mut bin = first;
    while bin > 0 && histogram[bin - 1] > histogram[bin] {
        bin -= 1;
    }
    Some(bin)
}

/// Density of the pixels of a bin against the bin of the background.
fn density(bin: usize, background: usize) -> f64 {
    ((background as f64 + 0.5) / (bin as f64 + 0.5)).log10().max(0.0)
}

/// Shares of a block.
struct Cover {
    covered: f64,
    /// Stained pixels by their density.
    densities: [u64; DENSITY_BINS],
}

fn cover(histogram: &Histogram, glass: usize) -> Cover {
    let wide: Vec<u64> = histogram.iter().map(|n| u64::from(*n)).collect();
    let gaps = brightest_peak(&wide, GAP_PEAK_SHARE).filter(|gap| *gap as f64 >= MIN_GAP_BRIGHTNESS * glass as f64);
    let background = gaps.unwrap_or(glass);
    let (mut all, mut stained, mut densities) = (0u64, 0u64, [0; DENSITY_BINS]);
    for (bin, n) in wide.iter().enumerate() {
        let density = density(bin, background);
        all += n;
        if density > STAIN_DENSITY {
            stained += n;
            densities[((density / DENSITY_STEP) as usize).min(DENSITY_BINS - 1)] += n;
        }
    }
    Cover { covered: stained as f64 / all.max(1) as f64, densities }
}

fn verdicts(histograms: &[Option<Box<Histogram>>], unreadable: &[bool], columns: usize) -> Vec<BlockVerdict> {
    let mut whole = [0u64; BINS];
    for histogram in histograms.iter().flatten() {
        whole.iter_mut().zip(histogram.iter()).for_each(|(all, one)| *all += u64::from(*one));
    }
    let glass = brightest_peak(&whole, GLASS_PEAK_SHARE).unwrap_or(BINS - 1);
    let covers: Vec<Option<Cover>> =
        histograms.iter().map(|histogram| histogram.as_ref().map(|histogram| cover(histogram, glass))).collect();
    let mut thin = [0u64; DENSITY_BINS];
    for cover in covers.iter().flatten().filter(|cover| SINGLE_LAYER_COVERED.contains(&cover.covered)) {
        thin.iter_mut().zip(cover.densities).for_each(|(all, one)| *all += one);
    }
    let single = median_bin(&thin).map(|bin| (bin as f64 + 0.5) * DENSITY_STEP);
    let overlap = |cover: &Cover| {
        let (Some(single), all) = (single, cover.densities.iter().sum::<u64>()) else { return 0.0 };
        let from = ((OVERLAP_LAYERS * single / DENSITY_STEP) as usize).min(DENSITY_BINS);
        cover.densities[from..].iter().sum::<u64>() as f64 / all.max(1) as f64
    };
    let alone: Vec<BlockVerdict> = covers
        .iter()
        .zip(unreadable)
        .map(|(cover, unreadable)| match cover {
            _ if *unreadable => BlockVerdict::Unreadable,
            None => BlockVerdict::Unreadable,
            Some(cover) if cover.covered < MAX_GLASS_COVERED => BlockVerdict::Glass,
            Some(cover) if cover.covered < MIN_COVERED => BlockVerdict::Sparse,
            Some(cover) if cover.covered > MIN_THICK_COVERED => BlockVerdict::Thick,
            Some(cover) if cover.covered > MAX_COVERED || overlap(cover) > MAX_OVERLAP => BlockVerdict::Crowded,
            Some(_) => BlockVerdict::Monolayer,
        })
        .collect();
    let rows = alone.len() / columns.max(1);
    let near_glass = |place: usize| {
        let (column, row) = (place % columns, place / columns);
        let around = |at: usize, most: usize| at.saturating_sub(EDGE_BLOCKS)..(at + EDGE_BLOCKS + 1).min(most);
        around(row, rows)
            .any(|row| around(column, columns).any(|column| alone[row * columns + column] == BlockVerdict::Glass))
    };
    (0..alone.len())
        .map(|place| match alone[place] {
            BlockVerdict::Monolayer if near_glass(place) => BlockVerdict::Edge,
            verdict => verdict,
        })
        .collect()
}

/// The bin that half of the values lie below; `None` of nothing.
fn median_bin(bins: &[u64]) -> Option<usize> {
    let all: u64 = bins.iter().sum();
    let mut below = 0;
    bins.iter().position(|n| {
        below += n;
        all > 0 && 2 * below >= all
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicUsize;

    use super::*;
    use crate::source::slide::PixelRect;

    fn histogram(parts: &[(u8, u32)]) -> Option<Box<Histogram>> {
        let mut bins = Box::new([0; BINS]);
        parts.iter().for_each(|(gray, n)| bins[usize::from(*gray) / 2] += n);
        Some(bins)
    }

    #[test]
    fn blocks_are_told_apart_by_cover_and_overlap() {
        // Glass at 240; one layer at 190 (density 0.10), two at 150 (0.20).
        let blocks = [
            histogram(&[(240, 1000)]),
            histogram(&[(240, 950), (190, 50)]),
            histogram(&[(240, 700), (190, 300)]),
            histogram(&[(240, 500), (190, 330), (150, 170)]),
            histogram(&[(240, 350), (190, 650)]),
            histogram(&[(190, 400), (150, 600)]),
            None,
        ];
        let unreadable = [false; 7];
        // One column, far apart: no block is near the glass but by its own row.
        let alone: Vec<BlockVerdict> = (0..7)
            .map(|place| {
                let context = [histogram(&[(240, 700), (190, 300)]), blocks[place].clone()];
                verdicts(&context, &unreadable[..2], 1)[1]
            })
            .collect();
        use BlockVerdict::*;
        assert_eq!(alone, [Glass, Sparse, Monolayer, Crowded, Crowded, Thick, Unreadable]);
    }

    #[test]
    fn a_monolayer_beside_glass_is_edge() {
        let (glass, film) = (histogram(&[(240, 1000)]), histogram(&[(240, 700), (190, 300)]));
        let row = [glass, film.clone(), film.clone(), film.clone(), film];
        use BlockVerdict::*;
        assert_eq!(verdicts(&row, &[false; 5], 5), [Glass, Edge, Edge, Monolayer, Monolayer]);
        assert_eq!(verdicts(&row, &[false, false, false, true, false], 5)[3], Unreadable);
    }

    #[test]
    fn the_glass_is_the_brightest_peak_of_enough_pixels() {
        let mut bins = [0u64; BINS];
        bins[127] = 4;
        bins[119] = 60;
        bins[120] = 500;
        bins[95] = 436;
        assert_eq!(brightest_peak(&bins, 0.01), Some(120));
        assert_eq!(brightest_peak(&[0; BINS], 0.01), None);
        assert_eq!((median_bin(&[0, 2, 2]), median_bin(&[0])), (Some(1), None));
    }

    #[test]
    fn a_survey_stops_between_two_tiles() {
        let (stop, seen) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let (flag, count) = (Arc::clone(&stop), Arc::clone(&seen));
        // Every tile from the third on sets the flag.
        let slide = Slide::of_glass(6400, 64, move || {
            if count.fetch_add(1, Ordering::Relaxed) >= 2 {
                flag.store(true, Ordering::Relaxed);
            }
        });
        let grid = Grid::new(&PixelRect { x: 0, y: 0, width: 6400, height: 6400 }, 640);
        let stopped = survey(&slide, &grid, 1.0, &stop);
        assert!(matches!(stopped, Err(SourceProblem::Interrupted)));
        // A tile that another thread has begun is finished; none of the other thousands begins.
        assert!(seen.load(Ordering::Relaxed) <= 2 + rayon::current_num_threads());
    }
}
