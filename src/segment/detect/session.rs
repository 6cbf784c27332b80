//! Sessions of the detector's graph, one for each size of a window and each thread that ever needed it at once.
//!
//! In: a picture and a window of it. Out: the graph's [`Answer`].
//!
//! METHOD: a session holds megabytes for its size of input. A specimen has one or a few sizes of fields, and sides are
//! rounded up to a common step; a batch over an archive has many. Sessions of the [`RECENT_SIZES`] sizes used last are
//! kept, so that memory does not grow with the number of specimens.

use std::sync::{Mutex, PoisonError};

use image::RgbImage;
use ort::session::Session;
use ort::value::TensorRef;

use super::error::DetectError;
use super::{STRIDE_PX, fill_planes};
use crate::inference::{Engine, open, with_input_shape};

/// Planes of the answer: three probabilities and four distances.
const PLANES: usize = 7;
/// Sizes of input whose sessions are kept: those of two specimens in work at once, with windows at their edges.
const RECENT_SIZES: usize = 8;
/// Name of the graph's input.
const INPUT: &str = "field";
/// Name of the graph's output.
const OUTPUT: &str = "cells";

/// What the graph says of a window: planes over a grid.
pub(super) struct Answer {
    values: Vec<f32>,
    pub width: usize,
    pub height: usize,
}

impl Answer {
    /// Value of a plane at a grid cell.
    pub fn at(&self, plane: usize, x: usize, y: usize) -> f32 {
        self.values[(plane * self.height + y) * self.width + x]
    }

    /// Whether no neighbor is larger; of equal neighbors the first in reading order is the peak.
    pub fn is_peak(&self, plane: usize, x: usize, y: usize) -> bool {
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

/// Width and height of an input.
type Side = (usize, usize);

/// Sessions by the size of their input.
pub(super) struct SessionPool {
    engine: Engine,
    graph: &'static [u8],
    /// The size used last stands last.
    idle: Mutex<Vec<(Side, Vec<Worker>)>>,
}

struct Worker {
    session: Session,
    input: Vec<f32>,
}

impl SessionPool {
    pub fn new(engine: Engine, graph: &'static [u8]) -> Self {
        Self { engine, graph, idle: Mutex::default() }
    }

    /// Runs the graph on the window of `side` (width, height) at `start` (x, y) of a picture.
    pub fn run(&self, rgb: &RgbImage, start: (usize, usize), side: Side) -> Result<Answer, DetectError> {
        let mut worker = self.take(side)?;
        fill_planes(rgb, start, side, &mut worker.input);
        let answer = worker.run(side).map_err(|source| self.failed(source))?;
        keep(&mut self.idle.lock().unwrap_or_else(PoisonError::into_inner), side, worker);
        Ok(answer)
    }

    fn take(&self, side: Side) -> Result<Worker, DetectError> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(worker) = idle.iter_mut().find(|(size, _)| *size == side).and_then(|(_, workers)| workers.pop()) {
            return Ok(worker);
        }
        drop(idle);
        let graph = with_input_shape(self.graph, &[1, 3, side.1, side.0])?;
        let session = open(&self.engine, &graph).map_err(|source| self.failed(source))?;
        Ok(Worker { session, input: vec![0.0; 3 * side.0 * side.1] })
    }

    fn failed(&self, source: ort::Error) -> DetectError {
        DetectError::RunFailed { engine: self.engine.kind(), source }
    }
}

/// Puts an idle worker back and lets those of the size that was used longest ago go.
fn keep<W>(idle: &mut Vec<(Side, Vec<W>)>, side: Side, worker: W) {
    let known = idle.iter().position(|(size, _)| *size == side);
    let mut entry = known.map_or_else(|| (side, Vec::new()), |place| idle.remove(place));
    entry.1.push(worker);
    idle.push(entry);
    if idle.len() > RECENT_SIZES {
        idle.remove(0);
    }
}

impl Worker {
    fn run(&mut self, (width, height): (usize, usize)) -> ort::Result<Answer> {
        let shape = [1, 3, height as i64, width as i64];
        let input = TensorRef::from_array_view((shape, self.input.as_slice()))?;
        let outputs = self.session.run(ort::inputs![INPUT => input])?;
        let value = outputs.get(OUTPUT).ok_or_else(|| ort::Error::new(format!("no output named {OUTPUT}")))?;
        let values = value.try_extract_tensor::<f32>()?.1;
        let (width, height) = (width / STRIDE_PX, height / STRIDE_PX);
        if values.len() != PLANES * width * height {
            return Err(ort::Error::new("the answer does not cover the window"));
        }
        Ok(Answer { values: values.to_vec(), width, height })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workers_of_the_sizes_used_last_are_kept() {
        let mut idle = Vec::new();
        for side in 1..=RECENT_SIZES {
            keep(&mut idle, (side, 64), side);
        }
        keep(&mut idle, (1, 64), 100);
        keep(&mut idle, (99, 64), 99);
        let sizes: Vec<usize> = idle.iter().map(|(side, _)| side.0).collect();
        assert_eq!(sizes, [3, 4, 5, 6, 7, 8, 1, 99], "the second was used longest ago");
        assert_eq!(idle[6].1, [1, 100]);
    }
}
