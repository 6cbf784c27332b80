//! ONNX graphs through `ort`: which engine serves a process, and opening a graph in it.
//!
//! In: an [`EngineRequest`] and the bytes of a graph. Out: an [`Engine`] and sessions that run on the calling thread.
//! Knows nothing of cells: what goes into a graph and comes out of it is the caller's.
//!
//! Limits: those of [`Engine`].

mod engine;
mod error;
mod graph;

pub use engine::{Engine, EngineChoice, EngineInfo, EngineKind, EngineRequest};
pub use error::EngineError;
pub use graph::{GraphShapeError, with_input_shape};

use ort::session::Session;
use ort::session::builder::GraphOptimizationLevel;

/// Opens a graph for runs on the calling thread.
///
/// # Errors
/// The engine cannot load the graph.
pub fn open(engine: &Engine, graph: &[u8]) -> ort::Result<Session> {
    // METHOD: the embedded engine runs a graph as written unless a level is set; Level3 makes it several times faster.
    let builder = Session::builder(engine.environment())?.with_optimization_level(GraphOptimizationLevel::Level3)?;
    let mut builder = match engine.kind() {
        EngineKind::Embedded => builder,
        // One thread inside the session, and a fixed order of summation.
        EngineKind::OnnxRuntime => builder.with_intra_threads(1)?.with_deterministic_compute(true)?,
    };
    builder.commit_from_memory(graph)
}
