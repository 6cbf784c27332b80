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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // each is the field of that name
pub enum CardField {
    Labels,
    GraphSha256,
    EvaluationSha256,
    InputName,
    InputShape,
    InputType,
    ChannelOrder,
    Scaling,
    UmPerPx,
    NeighborDimming,
    OperatingPoint,
    ReviewOperatingPoint,
    RedCellOperatingPoint,
    Temperature,
    Sensitivity,
    Specificity,
    FalsePositiveFloor,
    ClassFloors,
    UnseenOrigins,
    FilmRanges,
    Repeatability,
    ClassProbability,
    SchistocyteProbability,
    RedCellProbability,
}

impl fmt::Display for CardField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Labels => "labels",
            Self::GraphSha256 => "graph_sha256",
            Self::EvaluationSha256 => "evaluation_sha256",
            Self::InputName => "input.name",
            Self::InputShape => "input.shape",
            Self::InputType => "input (type)",
            Self::ChannelOrder => "input.channel_order",
            Self::Scaling => "input.scaling",
            Self::UmPerPx => "um_per_px",
            Self::NeighborDimming => "neighbor_dimming",
            Self::OperatingPoint => "operating_point",
            Self::ReviewOperatingPoint => "review_operating_point",
            Self::RedCellOperatingPoint => "red_cell_operating_point",
            Self::Temperature => "temperature",
            Self::Sensitivity => "performance.sensitivity",
            Self::Specificity => "performance.specificity",
            Self::FalsePositiveFloor => "performance.false_positive_floor",
            Self::ClassFloors => "performance.class_floors",
            Self::UnseenOrigins => "performance.unseen_origins",
            Self::FilmRanges => "performance.film_ranges",
            Self::Repeatability => "performance.repeatability",
            Self::ClassProbability => "outputs.class_probability",
            Self::SchistocyteProbability => "outputs.schistocyte_probability",
            Self::RedCellProbability => "outputs.red_cell_probability",
        })
    }
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
