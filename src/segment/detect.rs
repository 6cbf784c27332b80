//! Where the cells of a field are: kind and box of each, by a small convolutional network.
//!
//! In: a [`NormalizedField`]. Out: [`Detection`]s with boxes in pixels of the field, the most probable first.
//!
//! Order of operations:
//! 1. the field at the card's µm/px, in windows of up to [`WINDOW_PX`] that overlap by [`MARGIN_PX`] on each side;
//! 2. the graph: for each grid cell of [`STRIDE_PX`] the probability that a cell of each kind has its center there, and
//!    the distances to the sides of its box;
//! 3. local maxima from the card's probability on; a center counts in the window that it lies deepest in;
//! 4. of boxes that overlap by more than [`SAME_CELL_IOU`] the most probable one stays.
//!
//! METHOD: centers and boxes rather than a mask of pixels, because the cells that a threshold cannot part (overlaps,
//! cells at white cells, ghosts) are labelled with boxes in every public set. The outline itself is that of the stained
//! pixels (`assign`).
//!
//! Limits: two cells whose centers lie within 1.25 µm are one. Training and figures: `models/README.md`.

use std::collections::HashMap;

use image::RgbImage;
use rayon::prelude::*;

use super::card::{DetectError, DetectorCard};
use crate::inference::{Engine, Session, SessionError};
use crate::optics::resample::rescale;
use crate::smear::NormalizedField;

const GRAPH: &[u8] = include_bytes!("../../models/schistoquant-cells.onnx");
const CARD: &[u8] = include_bytes!("../../models/schistoquant-cells.card.json");

/// Pixels of the graph's input for each grid cell of its answer.
const STRIDE_PX: usize = 4;
/// Longest side of a window, pixels of the graph's input: 21 cells.
const WINDOW_PX: usize = 512;
/// What a window sees beyond the part that it answers for: one cell and a half.
const MARGIN_PX: usize = 32;
/// Sides of a window are multiples of this: the graph halves them four times.
const SIDE_STEP_PX: usize = 16;
/// Boxes that overlap by more than this are one cell.
const SAME_CELL_IOU: f32 = 0.6;

/// What was detected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DetectedKind {
    /// A red cell, whole, cut by the frame or a fragment.
    RedCell,
    /// A white cell or another nucleated cell.
    WhiteCell,
    /// A platelet.
    Platelet,
}

impl DetectedKind {
    /// In the order of the graph's answer.
    const ALL: [Self; 3] = [Self::RedCell, Self::WhiteCell, Self::Platelet];
}

/// One detected cell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Detection {
    /// What it is.
    pub kind: DetectedKind,
    /// Left, top, right, bottom, pixels of the normalized field.
    pub bounds: [f32; 4],
    /// Probability of its center, 0–1.
    pub probability: f32,
}

impl Detection {
    /// Overlap of the boxes over their union, 0–1.
    fn iou(&self, other: &Self) -> f32 {
        let ([a, b, c, d], [e, f, g, h]) = (self.bounds, other.bounds);
        let shared = (c.min(g) - a.max(e)).max(0.0) * (d.min(h) - b.max(f)).max(0.0);
        let union = (c - a) * (d - b) + (g - e) * (h - f) - shared;
        if union > 0.0 { shared / union } else { 0.0 }
    }
}

/// The shipped detector on an engine, usable from any thread.
pub struct Detector {
    card: DetectorCard,
    engine: Engine,
    session: Session,
}

impl Detector {
    /// The detector that is part of the program.
    ///
    /// # Errors
    /// A card that does not fit the graph, or an engine that cannot load it.
    pub fn shipped(engine: Engine) -> Result<Self, DetectError> {
        let card = DetectorCard::for_graph(CARD, GRAPH)?;
        let session = Session::open(&engine, GRAPH.into());
        let session = session.map_err(|source| DetectError::RunFailed { engine: engine.kind(), source })?;
        Ok(Self { card, engine, session })
    }

    /// Its card.
    pub fn card(&self) -> &DetectorCard {
        &self.card
    }

    /// Cells of a field.
    ///
    /// # Errors
    /// The engine fails on the graph.
    pub fn detect(&self, field: &NormalizedField) -> Result<Vec<Detection>, DetectError> {
        let px_per_px = self.card.um_per_px / field.um_per_px;
        let scaled = rescale(&field.rgb, px_per_px);
        let rgb = scaled.as_ref().unwrap_or(&field.rgb);
        let columns = windows(rgb.width() as usize);
        let rows = windows(rgb.height() as usize);
        let all: Vec<(Window, Window)> =
            rows.iter().flat_map(|row| columns.iter().map(move |column| (*column, *row))).collect();
        let seen: Vec<Result<Vec<Detection>, DetectError>> = all
            .par_iter()
            // A window takes milliseconds: whoever is free takes the next.
            .with_max_len(1)
            .map(|(column, row)| {
                let answer = self.run(rgb, (column.start, row.start), (column.side, row.side))?;
                Ok(self.peaks(&answer, column, row))
            })
            .collect();
        let mut found = Vec::new();
        for cells in seen {
            found.extend(cells?);
        }
        // From the graph's pixels to those of the field; the ratio along each axis as the resampling rounded it.
        let ratio = [field.rgb.width() as f32 / rgb.width() as f32, field.rgb.height() as f32 / rgb.height() as f32];
        for cell in &mut found {
            for (index, side) in cell.bounds.iter_mut().enumerate() {
                *side *= ratio[index % 2];
            }
        }
        Ok(distinct(found))
    }

    /// Runs the graph on the window of `side` (width, height) at `start` (x, y) of a picture.
    fn run(&self, rgb: &RgbImage, start: (usize, usize), side: (usize, usize)) -> Result<Answer, DetectError> {
        let mut input = vec![0.0; 3 * side.0 * side.1];
        fill_planes(rgb, start, side, &mut input);
        let failed = |source| DetectError::RunFailed { engine: self.engine.kind(), source };
        let mut answers = self.session.run(&[1, 3, side.1, side.0], &input, &[OUTPUT]).map_err(failed)?;
        let (width, height) = (side.0 / STRIDE_PX, side.1 / STRIDE_PX);
        let (values, expected) = (answers.swap_remove(0), PLANES * width * height);
        if values.len() != expected {
            let name = OUTPUT.to_owned();
            return Err(failed(SessionError::AnswerSize { name, expected, found: values.len() }));
        }
        Ok(Answer { values, width, height })
    }

    /// Local maxima of an answer whose centers its window answers for, in pixels of the graph's input.
    fn peaks(&self, answer: &Answer, column: &Window, row: &Window) -> Vec<Detection> {
        let least = self.card.center_probability;
        let mut found = Vec::new();
        for (index, kind) in DetectedKind::ALL.into_iter().enumerate() {
            let least = match kind {
                DetectedKind::RedCell => least.red_cell,
                DetectedKind::WhiteCell => least.white_cell,
                DetectedKind::Platelet => least.platelet,
            };
            for y in 0..answer.height {
                for x in 0..answer.width {
                    let probability = answer.at(index, x, y);
                    if probability < least || !answer.is_peak(index, x, y) {
                        continue;
                    }
                    let center = |grid: usize, start: usize| ((grid as f32) + 0.5) * STRIDE_PX as f32 + start as f32;
                    let (cx, cy) = (center(x, column.start), center(y, row.start));
                    if !column.answers_for(cx) || !row.answers_for(cy) {
                        continue;
                    }
                    let side = |side: usize| answer.at(DetectedKind::ALL.len() + side, x, y);
                    found.push(Detection {
                        kind,
                        bounds: [cx - side(0), cy - side(1), cx + side(2), cy + side(3)],
                        probability,
                    });
                }
            }
        }
        found
    }
}

/// The most probable of boxes that are one cell.
fn distinct(mut found: Vec<Detection>) -> Vec<Detection> {
    found.sort_by(|a, b| {
        b.probability.total_cmp(&a.probability).then_with(|| {
            let key = |cell: &Detection| (cell.bounds[1], cell.bounds[0]);
            key(a).partial_cmp(&key(b)).unwrap_or(std::cmp::Ordering::Equal)
        })
    });
    // METHOD: boxes that overlap have centers no farther apart than the longest side, so that only the kept ones in the
    // same and the eight next squares of that side can be the same cell; a field of thousands stays linear.
    let longest = found.iter().fold(1.0, |most: f32, cell| {
        let [left, top, right, bottom] = cell.bounds;
        most.max(right - left).max(bottom - top)
    });
    let square = |cell: &Detection| {
        let [left, top, right, bottom] = cell.bounds;
        [(left + right) / 2.0, (top + bottom) / 2.0].map(|center| i64::from((center / longest).floor() as i32))
    };
    let mut kept: Vec<Detection> = Vec::with_capacity(found.len());
    let mut in_square: HashMap<[i64; 2], Vec<usize>> = HashMap::new();
    for cell in found {
        let [x, y] = square(&cell);
        let mut near = (x - 1..=x + 1).flat_map(|x| (y - 1..=y + 1).map(move |y| [x, y]));
        let is_new = near.all(|square| {
            let others = in_square.get(&square).into_iter().flatten();
            others.map(|other| &kept[*other]).all(|other| cell.iou(other) <= SAME_CELL_IOU)
        });
        if is_new {
            in_square.entry([x, y]).or_default().push(kept.len());
            kept.push(cell);
        }
    }
    kept
}

/// One window along an axis, pixels of the graph's input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Window {
    start: usize,
    side: usize,
    /// Centers from here up to `until` are this window's.
    from: usize,
    until: usize,
}

impl Window {
    fn answers_for(&self, center: f32) -> bool {
        center >= self.from as f32 && center < self.until as f32
    }
}

/// Windows that cover `extent` pixels: one where it fits, else windows of [`WINDOW_PX`] that overlap.
fn windows(extent: usize) -> Vec<Window> {
    if extent <= WINDOW_PX {
        let side = extent.next_multiple_of(SIDE_STEP_PX).max(SIDE_STEP_PX);
        return vec![Window { start: 0, side, from: 0, until: usize::MAX }];
    }
    let step = WINDOW_PX - 2 * MARGIN_PX;
    let count = (extent - 2 * MARGIN_PX).div_ceil(step);
    (0..count)
        .map(|index| Window {
            start: index * step,
            side: WINDOW_PX,
            from: if index == 0 { 0 } else { index * step + MARGIN_PX },
            until: if index + 1 == count { usize::MAX } else { (index + 1) * step + MARGIN_PX },
        })
        .collect()
}

/// Pixels of a window as the graph's input: planes of red, green, blue from −1 to 1, background beyond the picture.
fn fill_planes(rgb: &RgbImage, start: (usize, usize), side: (usize, usize), planes: &mut [f32]) {
    let scaled = |value: u8| f32::from(value) / 127.5 - 1.0;
    planes.fill(scaled(NormalizedField::BACKGROUND));
    let (width, height) = (rgb.width() as usize, rgb.height() as usize);
    let area = side.0 * side.1;
    let columns = side.0.min(width.saturating_sub(start.0));
    for y in 0..side.1.min(height.saturating_sub(start.1)) {
        let from = 3 * ((start.1 + y) * width + start.0);
        let row = &rgb.as_raw()[from..from + 3 * columns];
        for (x, pixel) in row.chunks_exact(3).enumerate() {
            for (channel, &value) in pixel.iter().enumerate() {
                planes[channel * area + y * side.0 + x] = scaled(value);
            }
        }
    }
}

/// Planes of the answer: three probabilities and four distances.
const PLANES: usize = 7;
/// Name of the graph's output.
const OUTPUT: &str = "cells";

/// What the graph says of a window: planes over a grid.
struct Answer {
    values: Vec<f32>,
    width: usize,
    height: usize,
}

impl Answer {
    /// Value of a plane at a grid cell.
    fn at(&self, plane: usize, x: usize, y: usize) -> f32 {
        self.values[(plane * self.height + y) * self.width + x]
    }

    /// Whether no neighbor is larger; of equal neighbors the first in reading order is the peak.
    fn is_peak(&self, plane: usize, x: usize, y: usize) -> bool {
        let own = self.at(plane, x, y);
        for near_y in y.saturating_sub(1)..=(y + 1).min(self.height - 1) {
            for near_x in x.saturating_sub(1)..=(x + 1).min(self.width - 1) {
                let other = self.at(plane, near_x, near_y);
                if other > own || (other == own && (near_y, near_x) < (y, x)) {
                    return false;
                }
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(bounds: [f32; 4], probability: f32) -> Detection {
        Detection { kind: DetectedKind::RedCell, bounds, probability }
    }

    #[test]
    fn every_center_belongs_to_exactly_one_window() {
        for extent in [1, 64, 512, 513, 900, 1816] {
            let windows = windows(extent);
            for center in 0..extent {
                let owners = windows.iter().filter(|window| window.answers_for(center as f32 + 0.5)).count();
                assert_eq!(owners, 1, "{center} of {extent}");
            }
            for window in &windows {
                assert!(window.side <= WINDOW_PX && window.side % SIDE_STEP_PX == 0);
                // What a window answers for lies a margin inside it, but at the frame.
                assert!(window.from == 0 || window.from - window.start >= MARGIN_PX);
                assert!(window.until == usize::MAX || window.start + window.side - window.until >= MARGIN_PX);
            }
            assert!(windows.last().is_some_and(|window| window.start + window.side >= extent));
        }
    }

    #[test]
    fn of_two_boxes_of_one_cell_the_more_probable_stays() {
        let found = distinct(vec![
            cell([1.0, 0.0, 11.0, 10.0], 0.5),
            cell([0.0, 0.0, 10.0, 10.0], 0.9),
            cell([6.0, 0.0, 16.0, 10.0], 0.4),
        ]);
        assert_eq!(found, [cell([0.0, 0.0, 10.0, 10.0], 0.9), cell([6.0, 0.0, 16.0, 10.0], 0.4)]);
    }

    #[test]
    fn beyond_the_picture_is_background() {
        let rgb = RgbImage::from_pixel(3, 2, image::Rgb([255, 0, 51]));
        let mut planes = vec![0.0; 3 * 16];
        fill_planes(&rgb, (0, 0), (4, 4), &mut planes);
        let background = f32::from(NormalizedField::BACKGROUND) / 127.5 - 1.0;
        assert_eq!((planes[0], planes[16], planes[32]), (1.0, -1.0, -0.6));
        assert_eq!((planes[3], planes[15], planes[47]), (background, background, background));
    }
}
