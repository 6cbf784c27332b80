//! A graph opened in an engine, ready to run on any number of threads.
//!
//! In: the bytes of an ONNX graph; for a run, one `f32` tensor for its one input and the names of the outputs wanted.
//! Out: the values of those outputs, `f32`, in the order of their names. A graph whose input has symbolic dimensions takes
//! any size there.
//!
//! A run uses one thread: the threads are the caller's, and the sum of a row does not depend on how many there are.
//!
//! Limits: graphs with one input; those of [`Embedded`] and [`OnnxRuntime`].

use std::borrow::Cow;

use super::embedded::Embedded;
use super::engine::{Engine, Runs};
use super::error::SessionError;
use super::onnxruntime::OnnxRuntime;
use super::outlet::Outlet;

/// An opened graph.
pub struct Session {
    inputs: Vec<Outlet>,
    outputs: Vec<Outlet>,
    backend: Backend,
}

enum Backend {
    Embedded(Embedded),
    OnnxRuntime(OnnxRuntime),
}

impl Session {
    /// Opens a graph.
    ///
    /// # Errors
    /// The engine cannot load the graph.
    pub fn open(engine: &Engine, graph: Cow<'static, [u8]>) -> Result<Self, SessionError> {
        match engine.runs() {
            Runs::Embedded => {
                let (embedded, inputs, outputs) = Embedded::open(graph)?;
                Ok(Self { inputs, outputs, backend: Backend::Embedded(embedded) })
            }
            Runs::OnnxRuntime(environment) => {
                let (runtime, inputs, outputs) = OnnxRuntime::open(environment.clone(), graph)?;
                Ok(Self { inputs, outputs, backend: Backend::OnnxRuntime(runtime) })
            }
        }
    }

    /// What the graph takes.
    pub fn inputs(&self) -> &[Outlet] {
        &self.inputs
    }

    /// What the graph gives.
    pub fn outputs(&self) -> &[Outlet] {
        &self.outputs
    }

    /// Runs the graph on one input and gives the named outputs in their order.
    ///
    /// # Errors
    /// Values that do not fill the shape, an output that is not there, or an engine that fails.
    pub fn run(&self, shape: &[usize], values: &[f32], outputs: &[&str]) -> Result<Vec<Vec<f32>>, SessionError> {
        let expected = shape.iter().product();
        if values.len() != expected {
            return Err(SessionError::InputSize { shape: shape.to_vec(), expected, found: values.len() });
        }
        for name in outputs {
            if !self.outputs.iter().any(|outlet| outlet.name == *name && outlet.is_float32) {
                return Err(SessionError::NoOutput { name: (*name).to_owned() });
            }
        }
        match &self.backend {
            Backend::Embedded(embedded) => embedded.run(shape, values, outputs),
            Backend::OnnxRuntime(runtime) => runtime.run(shape, values, outputs),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inference::EngineRequest;

    const TINY: &[u8] = include_bytes!("../../fixtures/models/tiny.onnx");
    const DETECTOR: &[u8] = include_bytes!("../../models/schistoquant-cells.onnx");

    fn open(graph: &'static [u8]) -> Result<Session, SessionError> {
        let engine = Engine::start(&EngineRequest::default()).expect("the embedded engine");
        Session::open(&engine, Cow::Borrowed(graph))
    }

    #[test]
    fn a_graph_says_what_it_takes_and_gives() {
        let session = open(TINY).expect("a graph");
        assert_eq!(session.inputs().len(), 1);
        assert_eq!(session.inputs()[0].to_string(), "cells, f32 [16, 3, 64, 64]");
        let names: Vec<&str> = session.outputs().iter().map(|outlet| outlet.name.as_str()).collect();
        assert_eq!(names, ["class_probability", "schistocyte_probability", "red_cell_probability"]);
    }

    #[test]
    fn outputs_come_in_the_order_asked_for() {
        let session = open(TINY).expect("a graph");
        let values = vec![0.25; 16 * 3 * 64 * 64];
        let answers = session.run(&[16, 3, 64, 64], &values, &["schistocyte_probability", "class_probability"]);
        let lengths: Vec<usize> = answers.expect("a run").iter().map(Vec::len).collect();
        assert_eq!(lengths, [16, 16 * 13]);
    }

    #[test]
    fn a_symbolic_dimension_takes_any_size_and_threads_do_not_change_the_answer() {
        let session = open(DETECTOR).expect("a graph");
        let run = |height: usize, width: usize| {
            let values: Vec<f32> = (0..3 * height * width).map(|index| (index % 17) as f32 / 8.5 - 1.0).collect();
            session.run(&[1, 3, height, width], &values, &["cells"]).expect("a run").swap_remove(0)
        };
        assert_eq!(run(64, 128).len(), 7 * 16 * 32);
        let alone = run(192, 64);
        let together = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| run(192, 64))).collect();
            threads.into_iter().map(|thread| thread.join().expect("a run")).collect::<Vec<_>>()
        });
        assert!(together.iter().all(|answer| *answer == alone));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let session = open(TINY).expect("a graph");
        let values = vec![0.0; 16 * 3 * 64 * 64];
        let refused = |shape: &[usize], values: &[f32], output: &str| session.run(shape, values, &[output]).map(|_| ());
        let error = refused(&[16, 3, 64, 65], &values, "class_probability").expect_err("too few values");
        assert!(matches!(error, SessionError::InputSize { .. }), "{error}");
        let error = refused(&[16, 3, 64, 64], &values, "softmax").expect_err("no such output");
        assert_eq!(error.to_string(), "expected an output softmax of float32, found none; export the graph again");
        let error = refused(&[16, 3, 32, 128], &values, "class_probability").expect_err("another shape");
        assert!(matches!(error, SessionError::EmbeddedRun(_)), "{error}");
    }

    #[test]
    fn what_is_no_graph_is_refused() {
        assert!(matches!(open(b"no graph at all").map(|_| ()), Err(SessionError::EmbeddedLoad(_))));
        assert!(matches!(open(&TINY[..TINY.len() / 2]).map(|_| ()), Err(SessionError::EmbeddedLoad(_))));
    }
}
