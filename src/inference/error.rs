//! Why an engine cannot be used. Each text names what was expected, what was found and what to do.

use std::path::PathBuf;

/// Why no engine is there to run a graph.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// Environment: ONNX Runtime was asked for and no library named.
    #[error(
        "expected the path of an ONNX Runtime library, found none; give --onnxruntime PATH or set ORT_DYLIB_PATH, or use \
         --engine embedded"
    )]
    LibraryNotNamed,
    /// Environment: no such library file.
    #[error("{path}: expected an ONNX Runtime library file; correct the path or use --engine embedded")]
    LibraryUnreadable {
        /// The path as given.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// Environment: the file is no usable ONNX Runtime library.
    #[error(
        "{path}: expected an ONNX Runtime library of version 1.{minimum} or later, found one that cannot be used; install \
         one (pip install onnxruntime) or use --engine embedded", minimum = ort::MINOR_VERSION
    )]
    LibraryUnusable {
        /// The path as given.
        path: PathBuf,
        /// Not loadable, not ONNX Runtime, or too old.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Request invalid: a process keeps the library it started with.
    #[error(
        "{path}: expected the library this process started with ({running}), found another; start another process for it"
    )]
    Conflict {
        /// The path as given.
        path: PathBuf,
        /// The engine that runs.
        running: String,
    },
    /// Environment: the library was loaded and does not start.
    #[error("{path}: expected ONNX Runtime to start, found that it does not; use --engine embedded")]
    Unusable {
        /// The path as given.
        path: PathBuf,
        /// What it says.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}
