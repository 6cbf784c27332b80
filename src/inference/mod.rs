//! ONNX graphs: which engine a process runs them in, and an opened graph.
//!
//! In: an [`EngineRequest`] and the bytes of a graph. Out: an [`Engine`] and [`Session`]s that run on the calling thread.
//! This module knows nothing of cells: the caller knows what goes into a graph and what comes out.
//!
//! Limits: those of [`Engine`] and [`Session`].

mod depthwise;
mod embedded;
mod engine;
mod error;
mod installed;
mod onnxruntime;
mod outlet;
mod session;
mod steps;

pub use engine::{Engine, EngineChoice, EngineError, EngineInfo, EngineKind, EngineRequest};
pub use error::SessionError;
pub use installed::installed_library;
pub use outlet::Outlet;
pub use session::Session;
