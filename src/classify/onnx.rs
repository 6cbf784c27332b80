//! Runs the graph through `ort`: sessions, their check against the card, batches.
//!
//! In: one batch of crops, `f32` of shape `[batch, 3, side, side]` as the card scales them. Out: [`Scores`] of each cell.
//!
//! A pool holds as many sessions as threads ever classified at once, each with its own batch buffer: a session of the
//! embedded engine holds a lock while it runs, and `ort` runs a session only through a unique reference. Sessions are
//! single-threaded; the threads are the caller's.
//!
//! The batch is fixed because the embedded engine is several times slower on a symbolic one. Places of the last batch
//! that hold no cell are filled with empty background, so the answers for the others do not depend on what ran before.

use std::sync::{Mutex, PoisonError};

use ndarray::{Array4, Axis};
use ort::session::Session;
use ort::value::{Outlet, TensorElementType, TensorRef, ValueType};

use super::card::ModelCard;
use super::crop::{CropTarget, Cropper, Planes};
use super::error::{CardField, ClassifyError, ModelOrigin};
use super::model::Model;
use super::scores::Scores;
use crate::inference::{Engine, open};
use crate::smear::CellClass;

const CLASSES: usize = CellClass::ALL.len();

/// A graph ready to run on any number of threads.
pub(super) struct OnnxPool {
    engine: Engine,
    model: Model,
    table: [f32; 256],
    idle: Mutex<Vec<Worker>>,
}

/// A session and its batch: cell, channel, row, column.
struct Worker {
    session: Session,
    input: Array4<f32>,
}

impl OnnxPool {
    /// Loads the graph once and checks it against its card.
    pub(super) fn new(engine: Engine, model: Model) -> Result<Self, ClassifyError> {
        let pool = Self { engine, table: model.card.input.scaling.table(), model, idle: Mutex::new(Vec::new()) };
        let first = pool.load()?;
        check_session(&first.session, &pool.model.card, &pool.model.origin)?;
        pool.give_back(first);
        Ok(pool)
    }

    pub(super) fn model(&self) -> &Model {
        &self.model
    }

    pub(super) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Scores of at most one batch of cells, in their order.
    ///
    /// # Panics
    /// Where `targets` holds more than one batch.
    pub(super) fn run(&self, cropper: &Cropper<'_>, targets: &[CropTarget]) -> Result<Vec<Scores>, ClassifyError> {
        let mut worker = self.take()?;
        assert!(targets.len() <= worker.input.len_of(Axis(0)), "at most one batch");
        for (index, place) in worker.input.outer_iter_mut().enumerate() {
            let mut planes = Planes::new(place, &self.table);
            match targets.get(index) {
                Some(target) => cropper.crop(target, &mut planes),
                None => planes.fill_background(),
            }
        }
        let scores = worker.run(&self.model.card, targets.len()).map_err(|source| ClassifyError::RunFailed {
            model: self.model.origin.clone(),
            engine: self.engine.kind(),
            source,
        })?;
        self.give_back(worker);
        Ok(scores)
    }

    fn take(&self) -> Result<Worker, ClassifyError> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        idle.map_or_else(|| self.load(), Ok)
    }

    fn give_back(&self, worker: Worker) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(worker);
    }

    fn load(&self) -> Result<Worker, ClassifyError> {
        let session = open(&self.engine, &self.model.graph).map_err(|source| ClassifyError::GraphUnusable {
            model: self.model.origin.clone(),
            engine: self.engine.kind(),
            source,
        })?;
        Ok(Worker { session, input: Array4::zeros(self.model.card.input.shape) })
    }
}

impl Worker {
    fn run(&mut self, card: &ModelCard, cells: usize) -> ort::Result<Vec<Scores>> {
        let input = TensorRef::from_array_view(self.input.view())?;
        let outputs = self.session.run(ort::inputs![card.input.name.as_str() => input])?;
        let output = |name: &str| -> ort::Result<&[f32]> {
            let value = outputs.get(name).ok_or_else(|| ort::Error::new(format!("no output named {name}")))?;
            Ok(value.try_extract_tensor::<f32>()?.1)
        };
        let classes = output(&card.outputs.class_probability)?;
        let schistocyte = output(&card.outputs.schistocyte_probability)?;
        let red_cell = card.outputs.red_cell_probability.as_deref().map(output).transpose()?;
        if classes.len() < cells * CLASSES || schistocyte.len() < cells || red_cell.is_some_and(|r| r.len() < cells) {
            return Err(ort::Error::new("an output is shorter than the batch"));
        }
        let (classes, _) = classes.as_chunks::<CLASSES>();
        Ok((0..cells)
            .map(|cell| Scores {
                class: classes[cell],
                schistocyte: schistocyte[cell],
                red_cell: red_cell.map(|red_cell| red_cell[cell]),
            })
            .collect())
    }
}

/// Refuses a graph whose inputs or outputs are not those of the card.
fn check_session(session: &Session, card: &ModelCard, origin: &ModelOrigin) -> Result<(), ClassifyError> {
    let refuse = |field, expected: String, found: String| {
        Err(ClassifyError::CardMismatch { card: origin.card(), field, expected, found })
    };
    let names = |outlets: &[Outlet]| outlets.iter().map(Outlet::name).collect::<Vec<_>>().join(" ");
    let [input] = session.inputs() else {
        return refuse(CardField::InputName, card.input.name.clone(), names(session.inputs()));
    };
    if input.name() != card.input.name {
        return refuse(CardField::InputName, card.input.name.clone(), input.name().to_owned());
    }
    if input.dtype().tensor_type() != Some(TensorElementType::Float32) {
        return refuse(CardField::InputType, "float32".to_owned(), input.dtype().to_string());
    }
    if !has_shape(input.dtype(), &card.input.shape) {
        return refuse(CardField::InputShape, format!("{:?}", card.input.shape), input.dtype().to_string());
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
        match session.outputs().iter().find(|outlet| outlet.name() == name) {
            None => return refuse(field, expected, names(session.outputs())),
            Some(outlet) => {
                let is_float = outlet.dtype().tensor_type() == Some(TensorElementType::Float32);
                if !is_float || !has_shape(outlet.dtype(), shape) {
                    return refuse(field, expected, format!("{name}, {}", outlet.dtype()));
                }
            }
        }
    }
    Ok(())
}

fn has_shape(dtype: &ValueType, expected: &[usize]) -> bool {
    dtype.tensor_shape().is_some_and(|found| {
        found.len() == expected.len() && found.iter().zip(expected).all(|(&found, &expected)| found == expected as i64)
    })
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;
    use crate::classify::CardOutputs;
    use crate::classify::card::sha256_hex;
    use crate::inference::{EngineKind, EngineRequest};

    const TINY: &[u8] = include_bytes!("../../fixtures/models/tiny.onnx");
    const UINT8_INPUT: &[u8] = include_bytes!("../../fixtures/models/uint8-input.onnx");

    /// What becomes of a graph whose card was changed.
    fn open(graph: &'static [u8], change: impl FnOnce(&mut ModelCard)) -> Result<OnnxPool, ClassifyError> {
        let json = include_bytes!("../../fixtures/models/tiny.card.json");
        let mut card = ModelCard::from_json(json, &ModelOrigin::Shipped).expect("the fixture");
        card.graph_sha256 = sha256_hex(graph);
        change(&mut card);
        let engine = Engine::start(&EngineRequest::default()).expect("the embedded engine");
        OnnxPool::new(engine, Model { card, origin: ModelOrigin::Shipped, graph: Cow::Borrowed(graph) })
    }

    fn refusal(graph: &'static [u8], change: impl FnOnce(&mut ModelCard)) -> (CardField, String, String) {
        match open(graph, change).err().expect("a mismatch") {
            ClassifyError::CardMismatch { field, expected, found, .. } => (field, expected, found),
            other => panic!("another refusal: {other}"),
        }
    }

    #[test]
    fn the_pair_as_it_is_fits_with_and_without_the_optional_output() {
        assert!(open(TINY, |_| {}).is_ok());
        assert!(open(TINY, |card| card.outputs.red_cell_probability = None).is_ok());
    }

    #[test]
    fn another_input_is_refused() {
        let (field, expected, found) = refusal(TINY, |card| card.input.name = "crops".to_owned());
        assert_eq!((field, expected.as_str(), found.as_str()), (CardField::InputName, "crops", "cells"));
        let (field, expected, found) = refusal(TINY, |card| card.input.shape[0] = 8);
        assert_eq!((field, expected.as_str()), (CardField::InputShape, "[8, 3, 64, 64]"));
        assert!(found.contains("16, 3, 64, 64"), "{found}");
        let (field, expected, found) = refusal(UINT8_INPUT, |_| {});
        assert_eq!((field, expected.as_str()), (CardField::InputType, "float32"));
        assert!(found.contains("u8"), "{found}");
    }

    #[test]
    fn another_output_is_refused() {
        let renamed = |change: fn(&mut CardOutputs)| refusal(TINY, |card| change(&mut card.outputs));
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
        let half = &TINY[..TINY.len() / 2];
        assert!(matches!(open(half, |_| {}).err().expect("half a graph"), ClassifyError::GraphUnusable { .. }));
    }
}
