//! The detector's graph on a window of a picture.
//!
//! In: a picture and a window of it, of any size that is a multiple of the graph's stride. Out: the graph's [`Answer`].

use image::RgbImage;

use super::error::DetectError;
use super::{STRIDE_PX, fill_planes};
use crate::inference::{Engine, Session, SessionError};

/// Planes of the answer: three probabilities and four distances.
const PLANES: usize = 7;
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

/// The graph in an engine.
pub(super) struct DetectorGraph {
    engine: Engine,
    session: Session,
}

impl DetectorGraph {
    pub fn new(engine: Engine, graph: &'static [u8]) -> Result<Self, DetectError> {
        let session = Session::open(&engine, graph.into());
        let session = session.map_err(|source| DetectError::RunFailed { engine: engine.kind(), source })?;
        Ok(Self { engine, session })
    }

    /// Runs the graph on the window of `side` (width, height) at `start` (x, y) of a picture.
    pub fn run(&self, rgb: &RgbImage, start: (usize, usize), side: Side) -> Result<Answer, DetectError> {
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
}
