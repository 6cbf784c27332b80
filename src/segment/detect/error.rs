//! Why cells cannot be detected.

use crate::inference::{EngineKind, SessionError};

/// Why the detector cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DetectError {
    /// Input unsuitable: not the JSON of a card.
    #[error("the card of the cell detector: expected a card in JSON; export it again with the graph")]
    CardMalformed(#[source] serde_json::Error),
    /// Input unsuitable: the graph is not the one the card describes.
    #[error(
        "the card of the cell detector: graph_sha256: the card says {expected}, the graph has {found}; export both again"
    )]
    CardMismatch {
        /// What the card says.
        expected: String,
        /// What the graph has.
        found: String,
    },
    /// Environment: the engine cannot load or run the graph.
    #[error("the cell detector: expected the {engine} engine to run it, found that it fails; try the other engine")]
    RunFailed {
        /// The engine.
        engine: EngineKind,
        /// What it says.
        source: SessionError,
    },
}
