//! ONNX graphs: which engine a process runs them in, and an opened graph.
//!
//! In: an [`EngineRequest`] and the bytes of a graph. Out: an [`Engine`] and [`Session`]s that run on the calling thread.
//! This module knows nothing of cells: the caller knows what goes into a graph and what comes out.
//!
//! Limits: those of [`Engine`] and [`Session`].

mod engine;
mod installed;
mod session;

pub use engine::{Engine, EngineChoice, EngineError, EngineInfo, EngineKind, EngineRequest};
pub use installed::installed_library;
pub use session::{Outlet, Session, SessionError};
