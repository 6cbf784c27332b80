//! Tells to which field of a slide a cell belongs, where fields overlap.
//!
//! In: the fields of a slide one after another, each with its core and all objects of its frame. Out: for each object whether it
//! belongs to the field. An object belongs to the field in whose core the middle of its outline lies; cores touch and never
//! overlap, so it is exactly one.
//!
//! METHOD: a cell on a border is outlined twice, from two frames of slightly different light, and its middle may come out on
//! either side. Within a quarter of a cell diameter of a border ([`BAND_DIAMETERS`]) the field that was added first decides. What
//! it has taken already is left to it, and the later field takes an object that neither core would take. The outcome
//! depends on the order of the fields alone.
//!
//! Limits: clumps and other excluded objects wider than the margin may be listed by two fields; they are in no count.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::optics::length;
use crate::smear::NOMINAL_RED_CELL_DIAMETER_UM;
use crate::source::FieldRegion;
use crate::source::slide::PixelRect;

/// Distance from a border within which two outlines may be of one cell, in diameters of the nominal red cell: middles of
/// different cells lie farther apart, those of two outlines of one cell nearer.
const BAND_DIAMETERS: f64 = 0.25;

/// Side of the squares in which cells and cores are looked up, px.
const SQUARE_PX: f64 = 512.0;

type Square = (i64, i64);

/// What the fields of a slide have taken so far.
#[derive(Debug, Default)]
struct Taken {
    /// Middles of cells near a border, by square.
    cells: HashMap<Square, Vec<[f64; 2]>>,
    /// Cores of the fields, by every square they touch.
    cores: HashMap<Square, Vec<PixelRect>>,
}

/// The borders of all slides of a specimen.
#[derive(Debug, Default)]
pub(super) struct Seams {
    slides: HashMap<PathBuf, Taken>,
}

impl Seams {
    /// Adds a field; says for each object, given by its middle in pixels of the field's frame, whether it belongs to it.
    pub(super) fn add(
        &mut self,
        slide: &Path,
        region: &FieldRegion,
        um_per_px: Option<f64>,
        middles: &[[f64; 2]],
    ) -> Vec<bool> {
        let taken = self.slides.entry(slide.to_owned()).or_default();
        let band = um_per_px.map_or(0.0, |um| BAND_DIAMETERS * NOMINAL_RED_CELL_DIAMETER_UM / um);
        let mut own = Vec::new();
        let belongs = middles
            .iter()
            .map(|[x, y]| {
                let middle = [x + f64::from(region.frame.x), y + f64::from(region.frame.y)];
                let inside = depth(&region.core, middle);
                let belongs = if inside < -band || taken.has_cell(middle, band) {
                    false
                } else {
                    inside >= 0.0 || taken.has_core(middle)
                };
                if belongs && inside.abs() <= 2.0 * band {
                    own.push(middle);
                }
                belongs
            })
            .collect();
        own.into_iter().for_each(|middle| taken.cells.entry(square(middle)).or_default().push(middle));
        for square in squares(&region.core) {
            taken.cores.entry(square).or_default().push(region.core);
        }
        belongs
    }
}

impl Taken {
    fn has_cell(&self, [x, y]: [f64; 2], band: f64) -> bool {
        let corners = [[x - band, y - band], [x + band, y - band], [x - band, y + band], [x + band, y + band]];
        let mut around: Vec<Square> = corners.map(square).to_vec();
        around.sort_unstable();
        around.dedup();
        let near = |cell: &[f64; 2]| length(cell[0] - x, cell[1] - y) <= band;
        around.iter().filter_map(|square| self.cells.get(square)).flatten().any(near)
    }

    fn has_core(&self, middle: [f64; 2]) -> bool {
        self.cores.get(&square(middle)).is_some_and(|cores| cores.iter().any(|core| depth(core, middle) >= 0.0))
    }
}

/// How deep a point lies in a core, px; the right and lower borders belong to the next one. Negative outside.
fn depth(core: &PixelRect, [x, y]: [f64; 2]) -> f64 {
    let axis = |at: f64, from: u32, to: u32| (at - f64::from(from)).min((f64::from(to) - at).next_down());
    axis(x, core.x, core.right()).min(axis(y, core.y, core.bottom()))
}

fn square([x, y]: [f64; 2]) -> Square {
    ((x / SQUARE_PX).floor() as i64, (y / SQUARE_PX).floor() as i64)
}

fn squares(core: &PixelRect) -> impl Iterator<Item = Square> {
    let (first, last) = (
        square([core.x.into(), core.y.into()]),
        square([f64::from(core.right()) - 1.0, f64::from(core.bottom()) - 1.0]),
    );
    (first.0..=last.0).flat_map(move |x| (first.1..=last.1).map(move |y| (x, y)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 0.25 µm: the band is 7.5 px.
    const UM_PER_PX: Option<f64> = Some(0.25);

    fn region(x: u32) -> FieldRegion {
        let core = PixelRect { x, y: 0, width: 600, height: 600 };
        let left = x.saturating_sub(30);
        FieldRegion { frame: PixelRect { x: left, y: 0, width: x + 630 - left, height: 630 }, core }
    }

    fn add(seams: &mut Seams, x: u32, middles: &[[f64; 2]]) -> Vec<bool> {
        let region = region(x);
        let own: Vec<[f64; 2]> = middles.iter().map(|[x, y]| [x - f64::from(region.frame.x), *y]).collect();
        seams.add(Path::new("a.svs"), &region, UM_PER_PX, &own)
    }

    #[test]
    fn a_cell_of_the_margin_belongs_to_the_neighbor() {
        let mut seams = Seams::default();
        assert_eq!(add(&mut seams, 0, &[[300.0, 300.0], [615.0, 300.0]]), [true, false]);
        assert_eq!(add(&mut seams, 600, &[[585.0, 100.0], [615.0, 300.0], [900.0, 300.0]]), [false, true, true]);
    }

    #[test]
    fn a_cell_on_the_border_is_taken_once_whichever_way_its_middles_fall() {
        for (first, second) in [(599.0, 601.0), (601.0, 599.0), (599.0, 599.5), (600.0, 600.0)] {
            let mut seams = Seams::default();
            let one = add(&mut seams, 0, &[[first, 300.0]]);
            let other = add(&mut seams, 600, &[[second, 300.0]]);
            assert_eq!(usize::from(one[0]) + usize::from(other[0]), 1, "{first} {second}");
        }
    }

    #[test]
    fn two_cells_beside_a_border_are_both_taken() {
        let mut seams = Seams::default();
        assert_eq!(add(&mut seams, 0, &[[590.0, 300.0], [612.0, 300.0]]), [true, false]);
        assert_eq!(add(&mut seams, 600, &[[590.0, 300.0], [612.0, 300.0]]), [false, true]);
    }

    #[test]
    fn other_slides_do_not_matter_and_an_open_border_takes_nothing_beyond() {
        let mut seams = Seams::default();
        add(&mut seams, 0, &[[599.0, 300.0]]);
        let other = seams.add(Path::new("b.svs"), &region(600), UM_PER_PX, &[[30.0, 300.0], [28.0, 200.0]]);
        assert_eq!(other, [true, false]);
    }
}
