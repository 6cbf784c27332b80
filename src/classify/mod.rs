//! Gives each segmented red cell a class and the probability that it is a schistocyte.
//!
//! In: a [`NormalizedField`], its [`LabelMap`] and the objects to look at ([`CropTarget`]). Out: one [`Verdict`] for each
//! target, in their order.
//!
//! Order of operations:
//! 1. [`Model`]: graph and [`ModelCard`], refused where they do not belong together;
//! 2. [`Engine`]: what runs the graph;
//! 3. [`Cropper`]: each cell at the card's µm/px, its neighbors dimmed, scaled as the card says;
//! 4. the graph, a fixed batch at a time, batches spread over the threads of the current rayon pool;
//! 5. [`Verdict`]: from probabilities to the call, by the card's operating point.
//!
//! Batches are cut from the targets in their order and never mixed between fields, so the answers do not depend on the
//! number of threads.
//!
//! Limits: the two engines sum in different orders and agree to about 1e-6, not to the last bit. A cell within 1e-6 of the
//! operating point may be called differently, which is why the provenance of a report names the engine.

mod card;
mod crop;
mod error;
mod graph;
mod performance;
mod scores;
mod seal;

pub use card::ModelCard;
pub use crop::{CropTarget, Cropper, InterleavedRgb};
pub use error::{CardField, ClassifyError, ModelOrigin, card_path};
pub use graph::Model;
pub use performance::{CardEstimate, ClassHealthyShare, FilmRange, HealthyShare};
pub use scores::{Scores, Script, Verdict};

use rayon::prelude::*;

use crate::inference::{Engine, EngineInfo};
use crate::smear::{LabelMap, NormalizedField};

/// A model ready to classify, from any thread.
pub struct Classifier {
    backend: Backend,
}

enum Backend {
    Onnx(Box<graph::ClassifierGraph>),
    Scripted { card: Box<ModelCard>, script: Script },
}

impl Classifier {
    /// A classifier that runs the model's graph on an engine.
    ///
    /// # Errors
    /// The engine cannot load the graph; its inputs or outputs are not those of the card.
    pub fn new(engine: Engine, model: Model) -> Result<Self, ClassifyError> {
        Ok(Self { backend: Backend::Onnx(Box::new(graph::ClassifierGraph::new(engine, model)?)) })
    }

    /// A classifier that answers by script, with the operating points of a card.
    pub fn scripted(card: ModelCard, script: Script) -> Self {
        Self { backend: Backend::Scripted { card: Box::new(card), script } }
    }

    /// The card of the model in use.
    pub fn card(&self) -> &ModelCard {
        match &self.backend {
            Backend::Onnx(graph) => graph.card(),
            Backend::Scripted { card, .. } => card,
        }
    }

    /// The engine in use; `None` where the answers are scripted.
    pub fn engine(&self) -> Option<&EngineInfo> {
        match &self.backend {
            Backend::Onnx(graph) => Some(graph.engine()),
            Backend::Scripted { .. } => None,
        }
    }

    /// One verdict for each target, in their order.
    ///
    /// # Errors
    /// A run that fails, or an answer that is no probability (naming the cell).
    ///
    /// # Panics
    /// Where `labels` has another size than the field.
    pub fn classify(
        &self,
        field: &NormalizedField,
        labels: &LabelMap,
        targets: &[CropTarget],
    ) -> Result<Vec<Verdict>, ClassifyError> {
        let card = self.card();
        let verdict = |target: &CropTarget, scores: &Scores| Verdict::new(scores, card, target.label);
        match &self.backend {
            Backend::Scripted { script, .. } => {
                targets.iter().map(|target| verdict(target, &script.scores(target.label))).collect()
            }
            Backend::Onnx(graph) => {
                let cropper = Cropper::new(field, labels, card.crop_side_px(), card.um_per_px, card.neighbor_dimming);
                // Errors are collected in order too: the same input names the same cell with any number of threads.
                let batches: Vec<Result<Vec<Verdict>, ClassifyError>> = targets
                    .par_chunks(card.batch())
                    // A batch takes milliseconds: whoever is free takes the next.
                    .with_max_len(1)
                    .map(|batch| {
                        let scores = graph.run(&cropper, batch)?;
                        batch.iter().zip(&scores).map(|(target, scores)| verdict(target, scores)).collect()
                    })
                    .collect();
                let mut verdicts = Vec::with_capacity(targets.len());
                for batch in batches {
                    verdicts.extend(batch?);
                }
                Ok(verdicts)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use image::{Rgb, RgbImage};

    use super::*;
    use crate::inference::{EngineKind, EngineRequest};
    use crate::smear::CellClass;

    fn tiny() -> Classifier {
        let graph = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/models/tiny.onnx");
        let engine = Engine::start(&EngineRequest::default()).expect("the embedded engine");
        Classifier::new(engine, Model::from_file(graph.as_ref()).expect("the fixture")).expect("a sound pair")
    }

    /// A field of flat squares of 64 px in a row, each of another color and an object of its own.
    fn row_of_squares(count: u32) -> (NormalizedField, LabelMap, Vec<CropTarget>) {
        let value = |square: u32, channel: u32| (37 * square * (channel + 1) % 256) as u8;
        let rgb = RgbImage::from_fn(64 * count, 64, |x, _| Rgb([0, 1, 2].map(|channel| value(x / 64, channel))));
        let labels = (0..64).flat_map(|_| (0..64 * count).map(|x| x / 64 + 1)).collect();
        let target = |square| CropTarget { label: square + 1, center_px: [f64::from(64 * square + 32), 32.0] };
        (
            NormalizedField { rgb, um_per_px: 0.1875, original_px_per_px: 1.0, lit: None },
            LabelMap::new(64 * count, 64, labels),
            (0..count).map(target).collect(),
        )
    }

    fn figures(verdicts: &[Verdict]) -> Vec<(CellClass, f64, f64)> {
        let figures = |verdict: &Verdict| {
            let call = verdict.call;
            (call.class, call.class_probability.value(), call.schistocyte_probability.value())
        };
        verdicts.iter().map(figures).collect()
    }

    #[test]
    fn a_cell_is_called_alike_alone_and_in_any_company() {
        let classifier = tiny();
        let (field, labels, targets) = row_of_squares(37);
        let together = figures(&classifier.classify(&field, &labels, &targets).expect("a run"));
        assert_eq!(together.len(), 37);
        let schistocytes = together.iter().filter(|(class, ..)| *class == CellClass::Schistocyte).count();
        assert!((5..=32).contains(&schistocytes), "the fixture tells colors apart: {schistocytes}");
        for (index, target) in targets.iter().enumerate() {
            let alone = figures(&classifier.classify(&field, &labels, &[*target]).expect("a run"))[0];
            assert_eq!(alone.0, together[index].0);
            // The place in the batch may change the order of summation, nothing more.
            assert!((alone.1 - together[index].1).abs() < 1e-6 && (alone.2 - together[index].2).abs() < 1e-6);
        }
        let reversed: Vec<_> = targets.iter().rev().copied().collect();
        let reversed = figures(&classifier.classify(&field, &labels, &reversed).expect("a run"));
        let classes = |figures: &[(CellClass, f64, f64)]| figures.iter().map(|f| f.0).collect::<Vec<_>>();
        assert_eq!(classes(&reversed), classes(&together).into_iter().rev().collect::<Vec<_>>());
    }

    #[test]
    fn the_number_of_threads_changes_no_bit() {
        let classifier = tiny();
        let (field, labels, targets) = row_of_squares(50);
        let with_threads = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
            figures(&pool.install(|| classifier.classify(&field, &labels, &targets)).expect("a run"))
        };
        let one = with_threads(1);
        assert_eq!(one, with_threads(2));
        assert_eq!(one, with_threads(5));
    }

    #[test]
    fn no_targets_no_verdicts() {
        let (field, labels, _) = row_of_squares(1);
        assert_eq!(tiny().classify(&field, &labels, &[]).expect("nothing to do"), []);
    }

    #[test]
    fn scripted_answers_follow_the_label() {
        let (field, labels, targets) = row_of_squares(4);
        let card = tiny().card().clone();
        let script = Script::new(|label| {
            Scores::certain(if label.is_multiple_of(2) { CellClass::Schistocyte } else { CellClass::Normal })
        });
        let classifier = Classifier::scripted(card, script);
        assert!(classifier.engine().is_none());
        let called: Vec<_> = figures(&classifier.classify(&field, &labels, &targets).expect("scripted"));
        let (normal, schistocyte) = ((CellClass::Normal, 1.0, 0.0), (CellClass::Schistocyte, 1.0, 1.0));
        assert_eq!(called, [normal, schistocyte, normal, schistocyte]);
    }

    #[test]
    fn the_shipped_model_loads() {
        let engine = Engine::start(&EngineRequest::default()).expect("the embedded engine");
        let classifier = Classifier::new(engine, Model::shipped().expect("a sound pair")).expect("a graph that runs");
        assert_eq!(classifier.engine().expect("it runs on an engine").kind, EngineKind::Embedded);
        let (field, labels, targets) = row_of_squares(2);
        assert_eq!(classifier.classify(&field, &labels, &targets).expect("a run").len(), 2);
    }
}
