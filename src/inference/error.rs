//! Why a graph cannot be opened or run.
//!
//! In: what an engine says. Out: a [`SessionError`]. Limits: the text of an engine is passed on as it is.

/// Why a graph cannot be opened or run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// The embedded engine cannot load it.
    #[error(transparent)]
    EmbeddedLoad(Box<dyn std::error::Error + Send + Sync>),
    /// The embedded engine cannot run it.
    #[error(transparent)]
    EmbeddedRun(Box<dyn std::error::Error + Send + Sync>),
    /// ONNX Runtime cannot load or run it.
    #[error(transparent)]
    OnnxRuntime(Box<dyn std::error::Error + Send + Sync>),
    /// The graph has no such output, or one of other numbers.
    #[error("expected an output {name} of float32, found none; export the graph again")]
    NoOutput {
        /// The output.
        name: String,
    },
    /// The values do not fill the shape.
    #[error("expected {expected} values for an input of shape {shape:?}, found {found}")]
    InputSize {
        /// The shape asked for.
        shape: Vec<usize>,
        /// Its values.
        expected: usize,
        /// Those given.
        found: usize,
    },
    /// An answer of another length than the caller can read.
    #[error("expected {expected} numbers in output {name}, found {found}; export the graph again")]
    AnswerSize {
        /// The output.
        name: String,
        /// Numbers expected.
        expected: usize,
        /// Numbers there are.
        found: usize,
    },
    /// The thread of the run panicked.
    #[error("expected the embedded engine to answer, found that it stopped")]
    Stopped,
}

impl From<rten::LoadError> for SessionError {
    fn from(error: rten::LoadError) -> Self {
        Self::EmbeddedLoad(Box::new(error))
    }
}

impl From<rten::RunError> for SessionError {
    fn from(error: rten::RunError) -> Self {
        Self::EmbeddedRun(Box::new(error))
    }
}

impl From<ort::Error> for SessionError {
    fn from(error: ort::Error) -> Self {
        Self::OnnxRuntime(Box::new(error))
    }
}
