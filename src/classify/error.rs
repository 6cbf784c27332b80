//! Why a model, a card or an engine cannot be used. Each text names what was expected, what was found and what to do.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::inference::{EngineError, EngineKind, SessionError};

/// Where a model came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelOrigin {
    /// Embedded in the program.
    Shipped,
    /// A graph file with its card beside it.
    File(PathBuf),
}

impl ModelOrigin {
    /// The card's place: `x.onnx` has `x.card.json`.
    pub fn card(&self) -> CardPlace {
        CardPlace(match self {
            Self::Shipped => None,
            Self::File(graph) => Some(card_path(graph)),
        })
    }
}

impl fmt::Display for ModelOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shipped => f.write_str("the shipped model"),
            Self::File(path) => path.display().fmt(f),
        }
    }
}

/// Where a card came from, for messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardPlace(Option<PathBuf>);

impl fmt::Display for CardPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            None => f.write_str("the shipped card"),
            Some(path) => path.display().fmt(f),
        }
    }
}

/// The card of a graph file: the same name with `.card.json` for its extension.
pub fn card_path(graph: &Path) -> PathBuf {
    graph.with_extension("card.json")
}

/// A field of the card, as written in its JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::Display)]
#[strum(serialize_all = "snake_case")]
#[allow(missing_docs)] // each is the field of that name
pub enum CardField {
    Labels,
    GraphSha256,
    EvaluationSha256,
    #[strum(serialize = "input.name")]
    InputName,
    #[strum(serialize = "input.shape")]
    InputShape,
    #[strum(serialize = "input (type)")]
    InputType,
    #[strum(serialize = "input.channel_order")]
    ChannelOrder,
    #[strum(serialize = "input.scaling")]
    Scaling,
    UmPerPx,
    NeighborDimming,
    OperatingPoint,
    ReviewOperatingPoint,
    RedCellOperatingPoint,
    Temperature,
    #[strum(serialize = "performance.sensitivity")]
    Sensitivity,
    #[strum(serialize = "performance.specificity")]
    Specificity,
    #[strum(serialize = "performance.false_positive_floor")]
    FalsePositiveFloor,
    #[strum(serialize = "performance.class_floors")]
    ClassFloors,
    #[strum(serialize = "performance.unseen_origins")]
    UnseenOrigins,
    #[strum(serialize = "performance.film_ranges")]
    FilmRanges,
    #[strum(serialize = "performance.repeatability")]
    Repeatability,
    #[strum(serialize = "outputs.class_probability")]
    ClassProbability,
    #[strum(serialize = "outputs.schistocyte_probability")]
    SchistocyteProbability,
    #[strum(serialize = "outputs.red_cell_probability")]
    RedCellProbability,
}

/// Why cells cannot be classified.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClassifyError {
    /// Input unreadable: a graph or card file.
    #[error("{path}: expected a readable {what}; name a graph that has its card beside it (x.onnx and x.card.json)")]
    ModelUnreadable {
        /// The file.
        path: PathBuf,
        /// `ONNX graph` or `model card`.
        what: &'static str,
        /// What the system says.
        source: std::io::Error,
    },
    /// Limit reached: a graph or card file too large.
    #[error("{path}: expected a {what} of at most {limit} bytes, found more; name another file")]
    ModelTooLarge {
        /// The file.
        path: PathBuf,
        /// `ONNX graph` or `model card`.
        what: &'static str,
        /// The limit, bytes.
        limit: u64,
    },
    /// Input unsuitable: not the JSON of a card.
    #[error("{card}: expected a model card in JSON; export it again with the graph")]
    CardMalformed {
        /// The card.
        card: CardPlace,
        /// Where and why parsing stopped.
        source: serde_json::Error,
    },
    /// Input unsuitable: a value of the card is out of range.
    #[error("{card}: {field}: expected {expected}, found {found}; correct the card or export it again")]
    CardInvalid {
        /// The card.
        card: CardPlace,
        /// The field.
        field: CardField,
        /// What is allowed.
        expected: String,
        /// What stands there.
        found: String,
    },
    /// Input unsuitable: the graph is not the one the card describes.
    #[error("{card}: {field}: the card says {expected}, the graph has {found}; use the card exported with this graph")]
    CardMismatch {
        /// The card.
        card: CardPlace,
        /// The field.
        field: CardField,
        /// What the card says.
        expected: String,
        /// What the graph has.
        found: String,
    },
    /// The engine cannot be had.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// Input unsuitable: the engine cannot load the graph.
    #[error("{model}: expected a graph that the {engine} engine can load; export it again or try the other engine")]
    GraphUnusable {
        /// The model.
        model: ModelOrigin,
        /// The engine.
        engine: EngineKind,
        /// What it says.
        source: SessionError,
    },
    /// Environment: a run of the graph failed.
    #[error("{model}: expected the {engine} engine to run the graph, found that it fails; try the other engine")]
    RunFailed {
        /// The model.
        model: ModelOrigin,
        /// The engine.
        engine: EngineKind,
        /// What it says.
        source: SessionError,
    },
    /// Input unsuitable: the graph answered a number that is no probability.
    #[error("cell {label}: {output}: expected a probability from 0 to 1, found {found}; the model is not fit for use")]
    NotAProbability {
        /// Label of the object in its field.
        label: u32,
        /// The output.
        output: CardField,
        /// What it answered.
        found: f32,
    },
}
