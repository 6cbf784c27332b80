//! The card of the detector: what its graph expects and from which probability on it is believed.
//!
//! In: the JSON beside the graph, embedded in the program. Out: a [`DetectorCard`] that fits its graph, or a
//! [`DetectError`]. Unknown fields are refused. Limits: the card states what its author measured.

use crate::durable::sha256_hex;
use serde::{Deserialize, Serialize};

use crate::inference::{EngineKind, SessionError};

/// Least probability of a center, 0–1, for each kind of cell.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CenterProbability {
    /// Red cells.
    pub red_cell: f32,
    /// White cells and other nucleated cells.
    pub white_cell: f32,
    /// Platelets.
    pub platelet: f32,
}

/// What a detector needs and where it comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DetectorCard {
    /// Name.
    pub name: String,
    /// Version.
    pub version: String,
    /// SHA-256 of the graph, lower-case hexadecimal.
    pub graph_sha256: String,
    /// Pixel size of its input, µm.
    pub um_per_px: f64,
    /// Operating points.
    pub center_probability: CenterProbability,
    /// Data, licences and procedure.
    pub training: String,
    /// Licence of the graph.
    pub licence: String,
    /// Limits of use.
    pub limits: String,
}

impl DetectorCard {
    /// Reads a card and checks that it describes `graph`.
    pub(super) fn for_graph(json: &[u8], graph: &[u8]) -> Result<Self, DetectError> {
        let card: Self = serde_json::from_slice(json).map_err(DetectError::CardMalformed)?;
        let found = sha256_hex(graph);
        if found != card.graph_sha256 {
            return Err(DetectError::CardMismatch { expected: card.graph_sha256, found });
        }
        Ok(card)
    }
}

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
