//! Runs the classifier's graph: its check against the card, batches.
//!
//! In: one batch of crops, `f32` of shape `[batch, 3, side, side]` as the card scales them. Out: [`Scores`] of each cell.
//!
//! The batch is fixed: places of the last batch that hold no cell are filled with empty background, so the answers for the
//! others do not depend on what ran before. Buffers of a batch are kept for the next.

use std::sync::{Mutex, PoisonError};

use ndarray::{Array4, Axis};

use super::card::ModelCard;
use super::crop::{CropTarget, Cropper, Planes};
use super::error::{CardField, ClassifyError, ModelOrigin};
use super::model::Model;
use super::scores::Scores;
use crate::inference::{Engine, Outlet, Session, SessionError};
use crate::smear::CellClass;

const CLASSES: usize = CellClass::ALL.len();

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
    use std::borrow::Cow;

    use super::*;
    use crate::classify::CardOutputs;
    use crate::classify::card::sha256_hex;
    use crate::inference::{EngineKind, EngineRequest};

    const TINY: &[u8] = include_bytes!("../../fixtures/models/tiny.onnx");
    const UINT8_INPUT: &[u8] = include_bytes!("../../fixtures/models/uint8-input.onnx");

    /// What becomes of a graph whose card was changed.
    fn open(graph: &'static [u8], change: impl FnOnce(&mut ModelCard)) -> Result<ClassifierGraph, ClassifyError> {
        let json = include_bytes!("../../fixtures/models/tiny.card.json");
        let mut card = ModelCard::from_json(json, &ModelOrigin::Shipped).expect("the fixture");
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
