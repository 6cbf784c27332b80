//! ONNX graphs: which engine a process runs them in, and an opened graph.
//!
//! In: an [`EngineRequest`] and the bytes of a graph. Out: an [`Engine`] and [`Session`]s that run on the calling thread.
//! Knows nothing of cells: what goes into a graph and comes out of it is the caller's.
//!
//! Limits: those of [`Engine`] and [`Session`].

mod engine;
mod error;
mod session;

pub use engine::{Engine, EngineChoice, EngineInfo, EngineKind, EngineRequest};
pub use error::EngineError;
pub use session::{Outlet, Session, SessionError};
