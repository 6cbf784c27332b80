//! Sessions of the detector's graph, one for each size of a window and each thread that ever needed it at once.
//!
//! In: a picture and a window of it. Out: the graph's [`Answer`]. Limits: sessions are kept until the detector goes; a
//! specimen has one or a few sizes of fields, and sides are rounded up to a common step.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use image::RgbImage;
use ort::session::Session;
use ort::value::TensorRef;

use super::error::DetectError;
use super::{STRIDE_PX, fill_planes};
use crate::inference::{Engine, open, with_input_shape};

/// Planes of the answer: three probabilities and four distances.
const PLANES: usize = 7;
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

/// Sessions by the size of their input, width and height.
pub(super) struct SessionPool {
    engine: Engine,
    graph: &'static [u8],
    idle: Mutex<HashMap<(usize, usize), Vec<Worker>>>,
}

struct Worker {
    session: Session,
    input: Vec<f32>,
}

impl SessionPool {
    pub fn new(engine: Engine, graph: &'static [u8]) -> Self {
        Self { engine, graph, idle: Mutex::new(HashMap::new()) }
    }

    /// Runs the graph on the window of `side` (width, height) at `start` (x, y) of a picture.
    pub fn run(&self, rgb: &RgbImage, start: (usize, usize), side: (usize, usize)) -> Result<Answer, DetectError> {
        let mut worker = self.take(side)?;
        fill_planes(rgb, start, side, &mut worker.input);
        let answer = worker.run(side).map_err(|source| self.failed(source))?;
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).entry(side).or_default().push(worker);
        Ok(answer)
    }

    fn take(&self, side: (usize, usize)) -> Result<Worker, DetectError> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).get_mut(&side).and_then(Vec::pop);
        if let Some(worker) = idle {
            return Ok(worker);
        }
        let graph = with_input_shape(self.graph, &[1, 3, side.1, side.0])?;
        let session = open(&self.engine, &graph).map_err(|source| self.failed(source))?;
        Ok(Worker { session, input: vec![0.0; 3 * side.0 * side.1] })
    }

    fn failed(&self, source: ort::Error) -> DetectError {
        DetectError::RunFailed { engine: self.engine.kind(), source }
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
