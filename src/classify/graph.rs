//! A model: its graph with the card that describes it, and the graph ready to run.
//!
//! In: nothing for the embedded model, or the path of a graph `x.onnx` with `x.card.json` beside it; then one batch of
//! crops, `f32` of shape `[batch, 3, side, side]` as the card scales them. Out: a [`Model`] whose card is sound and whose
//! checksum matches; then [`Scores`] of each cell. Names, shapes and types are compared with the card when an engine loads
//! the graph.
//!
//! The batch is fixed: places of the last batch that hold no cell are filled with empty background, so the answers for the
//! others do not depend on what ran before. The buffer of a batch is kept for the next.
//!
//! Limits: graphs with weights in a second file are not read; export them in one.

use std::borrow::Cow;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use ndarray::{Array4, Axis};

use super::card::ModelCard;
use super::crop::{CropTarget, Cropper, Planes};
use super::error::{CardField, ClassifyError, ModelOrigin, card_path};
use super::scores::Scores;
use crate::inference::{Engine, EngineInfo, Outlet, Session, SessionError};
use crate::smear::CellClass;

const CLASSES: usize = CellClass::ALL.len();

/// The shipped graph.
const SHIPPED_GRAPH: &[u8] = include_bytes!("../../models/schistoquant-rbc13.onnx");
/// Its card.
const SHIPPED_CARD: &[u8] = include_bytes!("../../models/schistoquant-rbc13.card.json");

/// Largest graph file read, bytes; a cell classifier of 64 × 64 pixels has no use for more.
pub const MAX_GRAPH_BYTES: u64 = 256 << 20;
/// Largest card file read, bytes.
pub const MAX_CARD_BYTES: u64 = 1 << 20;

/// A graph and its card; the checksum matches.
#[derive(Debug, Clone)]
pub struct Model {
    /// The card.
    pub card: ModelCard,
    /// Where both came from.
    pub origin: ModelOrigin,
    graph: Cow<'static, [u8]>,
}

impl Model {
    /// The model embedded in the program.
    ///
    /// # Errors
    /// Card or checksum refused; the tests of the program make sure that they are not.
    pub fn shipped() -> Result<Self, ClassifyError> {
        Self::pair(ModelOrigin::Shipped, Cow::Borrowed(SHIPPED_GRAPH), SHIPPED_CARD)
    }

    /// The model of a graph file, its card read from the same name with the extension `.card.json`.
    ///
    /// # Errors
    /// A file that cannot be read or is too large; a card that is malformed, out of range or not the graph's.
    pub fn from_file(graph: &Path) -> Result<Self, ClassifyError> {
        let card_json = read_limited(&card_path(graph), "model card", MAX_CARD_BYTES)?;
        let bytes = read_limited(graph, "ONNX graph", MAX_GRAPH_BYTES)?;
        Self::pair(ModelOrigin::File(graph.to_owned()), Cow::Owned(bytes), &card_json)
    }

    fn pair(origin: ModelOrigin, graph: Cow<'static, [u8]>, card_json: &[u8]) -> Result<Self, ClassifyError> {
        let card = ModelCard::from_json(card_json, &origin)?;
        card.check_graph(&graph, &origin)?;
        Ok(Self { card, origin, graph })
    }
}

fn read_limited(path: &Path, what: &'static str, limit: u64) -> Result<Vec<u8>, ClassifyError> {
    let unreadable = |source| ClassifyError::ModelUnreadable { path: path.to_owned(), what, source };
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(limit + 1).read_to_end(&mut bytes)).map_err(unreadable)?;
    if bytes.len() as u64 > limit {
        return Err(ClassifyError::ModelTooLarge { path: path.to_owned(), what, limit });
    }
    Ok(bytes)
}

/// A graph ready to run on any number of threads.
pub(super) struct ClassifierGraph {
    engine: Engine,
    model: Model,
    session: Session,
    table: [f32; 256],
    /// Batches that no run uses: cell, channel, row, column.
    idle: Mutex<Vec<Array4<f32>>>,
}

impl ClassifierGraph {
    /// Loads the graph and checks it against its card.
    pub(super) fn new(engine: Engine, model: Model) -> Result<Self, ClassifyError> {
        let session = Session::open(&engine, model.graph.clone()).map_err(|source| ClassifyError::GraphUnusable {
            model: model.origin.clone(),
            engine: engine.kind(),
            source,
        })?;
        check_session(&session, &model.card, &model.origin)?;
        Ok(Self { engine, table: model.card.input.scaling.table(), model, session, idle: Mutex::default() })
    }

    pub(super) fn card(&self) -> &ModelCard {
        &self.model.card
    }

    pub(super) fn engine(&self) -> &EngineInfo {
        self.engine.info()
    }

    /// Scores of at most one batch of cells, in their order.
    ///
    /// # Panics
    /// Where `targets` holds more than one batch.
    pub(super) fn run(&self, cropper: &Cropper<'_>, targets: &[CropTarget]) -> Result<Vec<Scores>, ClassifyError> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut batch = idle.unwrap_or_else(|| Array4::zeros(self.model.card.input.shape));
        assert!(targets.len() <= batch.len_of(Axis(0)), "at most one batch");
        for (index, place) in batch.outer_iter_mut().enumerate() {
            let mut planes = Planes::new(place, &self.table);
            match targets.get(index) {
                Some(target) => cropper.crop(target, &mut planes),
                None => planes.fill_background(),
            }
        }
        let scores = self.scores(&batch, targets.len()).map_err(|source| ClassifyError::RunFailed {
            model: self.model.origin.clone(),
            engine: self.engine.kind(),
            source,
        })?;
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(batch);
        Ok(scores)
    }

    /// Scores of the first `cells` cells of a batch.
    fn scores(&self, batch: &Array4<f32>, cells: usize) -> Result<Vec<Scores>, SessionError> {
        let outputs = &self.model.card.outputs;
        let mut names = vec![outputs.class_probability.as_str(), outputs.schistocyte_probability.as_str()];
        names.extend(outputs.red_cell_probability.as_deref());
        let values = batch.as_slice().unwrap_or_default();
        let answers = self.session.run(batch.shape(), values, &names)?;
        for ((answer, name), width) in answers.iter().zip(&names).zip([CLASSES, 1, 1]) {
            let (expected, found) = (batch.len_of(Axis(0)) * width, answer.len());
            if found != expected {
                return Err(SessionError::AnswerSize { name: (*name).to_owned(), expected, found });
            }
        }
        let (classes, _) = answers[0].as_chunks::<CLASSES>();
        let score = |(class, cell): (&[f32; CLASSES], usize)| Scores {
            class: *class,
            schistocyte: answers[1][cell],
            red_cell: answers.get(2).map(|red_cell| red_cell[cell]),
        };
        Ok(classes.iter().zip(0..cells).map(score).collect())
    }
}

/// Refuses a graph whose inputs or outputs are not those of the card.
fn check_session(session: &Session, card: &ModelCard, origin: &ModelOrigin) -> Result<(), ClassifyError> {
    let refuse = |field, expected: String, found: String| {
        Err(ClassifyError::CardMismatch { card: origin.card(), field, expected, found })
    };
    let names = |outlets: &[Outlet]| outlets.iter().map(|outlet| outlet.name.as_str()).collect::<Vec<_>>().join(" ");
    let [input] = session.inputs() else {
        return refuse(CardField::InputName, card.input.name.clone(), names(session.inputs()));
    };
    if input.name != card.input.name {
        return refuse(CardField::InputName, card.input.name.clone(), input.name.clone());
    }
    if !input.is_float32 {
        return refuse(CardField::InputType, "float32".to_owned(), input.to_string());
    }
    if !has_shape(input, &card.input.shape) {
        return refuse(CardField::InputShape, format!("{:?}", card.input.shape), input.to_string());
    }
    let batch = card.batch();
    let single = [batch];
    let per_class = [batch, CLASSES];
    let outputs = &card.outputs;
    for (field, name, shape) in [
        (CardField::ClassProbability, Some(&outputs.class_probability), per_class.as_slice()),
        (CardField::SchistocyteProbability, Some(&outputs.schistocyte_probability), single.as_slice()),
        (CardField::RedCellProbability, outputs.red_cell_probability.as_ref(), single.as_slice()),
    ] {
        let Some(name) = name else { continue };
        let expected = format!("{name}, float32 {shape:?}");
        match session.outputs().iter().find(|outlet| outlet.name == *name) {
            None => return refuse(field, expected, names(session.outputs())),
            Some(outlet) if outlet.is_float32 && has_shape(outlet, shape) => {}
            Some(outlet) => return refuse(field, expected, outlet.to_string()),
        }
    }
    Ok(())
}

fn has_shape(outlet: &Outlet, expected: &[usize]) -> bool {
    outlet.shape.as_ref().is_some_and(|found| found.iter().copied().eq(expected.iter().copied().map(Some)))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::classify::card::CardOutputs;
    use crate::durable::sha256_hex;
    use crate::inference::{EngineKind, EngineRequest};

    const TINY_GRAPH: &[u8] = include_bytes!("../../fixtures/models/tiny.onnx");
    const TINY_CARD: &[u8] = include_bytes!("../../fixtures/models/tiny.card.json");
    const UINT8_INPUT: &[u8] = include_bytes!("../../fixtures/models/uint8-input.onnx");

    /// A folder with a graph `cells.v2.onnx` and a card beside it, where given.
    fn folder(graph: Option<&[u8]>, card: Option<&[u8]>) -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("cells.v2.onnx");
        if let Some(graph) = graph {
            fs::write(&path, graph).expect("a writable folder");
        }
        if let Some(card) = card {
            fs::write(folder.path().join("cells.v2.card.json"), card).expect("a writable folder");
        }
        (folder, path)
    }

    #[test]
    fn a_pair_of_files_is_read() {
        let (_folder, path) = folder(Some(TINY_GRAPH), Some(TINY_CARD));
        let model = Model::from_file(&path).expect("a sound pair");
        assert_eq!((model.card.name.as_str(), model.origin), ("tiny", ModelOrigin::File(path)));
    }

    #[test]
    fn a_missing_half_is_refused_by_its_name() {
        for (graph, card, missing) in [(Some(TINY_GRAPH), None, ".card.json"), (None, Some(TINY_CARD), ".onnx")] {
            let (_folder, path) = folder(graph, card);
            match Model::from_file(&path).expect_err("half a pair") {
                ClassifyError::ModelUnreadable { path, .. } => assert!(path.to_string_lossy().ends_with(missing)),
                other => panic!("another refusal: {other}"),
            }
        }
    }

    #[test]
    fn a_card_of_another_graph_is_refused() {
        let (_folder, path) = folder(Some(&TINY_GRAPH[1..]), Some(TINY_CARD));
        let error = Model::from_file(&path).expect_err("another graph");
        assert!(matches!(error, ClassifyError::CardMismatch { .. }));
        assert!(error.to_string().contains("cells.v2.card.json: graph_sha256: "), "{error}");
    }

    #[test]
    fn files_are_read_up_to_the_limit_and_no_further() {
        let (_folder, path) = folder(Some(b"12345"), None);
        assert_eq!(read_limited(&path, "ONNX graph", 5).expect("at the limit"), b"12345");
        let error = read_limited(&path, "ONNX graph", 4).expect_err("over the limit");
        assert!(matches!(error, ClassifyError::ModelTooLarge { limit: 4, .. }));
    }

    /// What becomes of a graph whose card was changed.
    fn open(graph: &'static [u8], change: impl FnOnce(&mut ModelCard)) -> Result<ClassifierGraph, ClassifyError> {
        let mut card = ModelCard::from_json(TINY_CARD, &ModelOrigin::Shipped).expect("the fixture");
        card.graph_sha256 = sha256_hex(graph);
        change(&mut card);
        let engine = Engine::start(&EngineRequest::default()).expect("the embedded engine");
        ClassifierGraph::new(engine, Model { card, origin: ModelOrigin::Shipped, graph: Cow::Borrowed(graph) })
    }

    fn refusal(graph: &'static [u8], change: impl FnOnce(&mut ModelCard)) -> (CardField, String, String) {
        match open(graph, change).err().expect("a mismatch") {
            ClassifyError::CardMismatch { field, expected, found, .. } => (field, expected, found),
            other => panic!("another refusal: {other}"),
        }
    }

    #[test]
    fn the_pair_as_it_is_fits_with_and_without_the_optional_output() {
        assert!(open(TINY_GRAPH, |_| {}).is_ok());
        assert!(open(TINY_GRAPH, |card| card.outputs.red_cell_probability = None).is_ok());
    }

    #[test]
    fn another_input_is_refused() {
        let (field, expected, found) = refusal(TINY_GRAPH, |card| card.input.name = "crops".to_owned());
        assert_eq!((field, expected.as_str(), found.as_str()), (CardField::InputName, "crops", "cells"));
        let (field, expected, found) = refusal(TINY_GRAPH, |card| card.input.shape[0] = 8);
        assert_eq!((field, expected.as_str()), (CardField::InputShape, "[8, 3, 64, 64]"));
        assert!(found.contains("16, 3, 64, 64"), "{found}");
        let (field, expected, found) = refusal(UINT8_INPUT, |_| {});
        assert_eq!((field, expected.as_str()), (CardField::InputType, "float32"));
        assert!(found.contains("u8"), "{found}");
    }

    #[test]
    fn another_output_is_refused() {
        let renamed = |change: fn(&mut CardOutputs)| refusal(TINY_GRAPH, |card| change(&mut card.outputs));
        let (field, _, found) = renamed(|outputs| outputs.class_probability = "softmax".to_owned());
        assert_eq!(field, CardField::ClassProbability);
        assert!(found.contains("class_probability schistocyte_probability"), "{found}");
        let (field, ..) = renamed(|outputs| outputs.red_cell_probability = Some("cell".to_owned()));
        assert_eq!(field, CardField::RedCellProbability);
        // An output of the right name and another shape.
        let (field, expected, found) =
            renamed(|outputs| outputs.schistocyte_probability = "class_probability".to_owned());
        assert_eq!((field, expected.as_str()), (CardField::SchistocyteProbability, "class_probability, float32 [16]"));
        assert!(found.contains("16, 13"), "{found}");
    }

    #[test]
    fn what_is_no_graph_is_refused() {
        let error = open(b"no graph at all", |_| {}).err().expect("no graph");
        assert!(matches!(error, ClassifyError::GraphUnusable { engine: EngineKind::Embedded, .. }), "{error}");
        let half = &TINY_GRAPH[..TINY_GRAPH.len() / 2];
        assert!(matches!(open(half, |_| {}).err().expect("half a graph"), ClassifyError::GraphUnusable { .. }));
    }
}
