//! Labelled fields against what the pipeline makes of them: figures that a laboratory can check on its own films.
//!
//! In: [`FieldInput`]s in any order. Out: an [`Evaluation`], every figure with its number and a 95 % interval; the same
//! fields give the same record in whatever order they come.
//!
//! Rules, which decide what the figures mean:
//! 1. Only cells whose label carries a class are scored for classification; an unlabelled cell is no negative.
//! 2. A schistocyte without a counted cell of its own (merged, split, excluded, not found) is missed end to end.
//! 3. Other cells count end to end where something was counted for them: a merged cell by its one call, a split cell by
//!    its
//!    part most like a schistocyte. What is not counted cannot be a false positive.
//! 4. Refused fields stand in the segmentation figures only, and are named with the schistocytes that they hold.
//! 5. On fields declared healthy every counted cell is a negative.
//! 6. The bootstrap draws groups of fields where groups are given, else fields.
//! 7. Where readings of cells are given, they are the truth for schistocytes: a read cell by what both readings say, a
//!    labelled cell that nobody read is none unless it is labelled schistocyte, every other cell is left aside, and so
//!    are undecided and not assessable ones. A read cell counts as the cells that it was drawn to stand for.
//! 8. A read schistocyte that the frame cuts is not to be counted: it is set aside end to end, and counted in
//!    `cut_by_frame`.
//!
//! Limits: labels and readings are taken as the truth. Where they hold noise, figures near the noise say more of the labels.

mod answers;
mod confusion;
mod detection;
mod field;
mod figures;
pub mod html;
mod json;
pub mod labels;
pub mod matching;
mod named_figure;
pub mod part;
mod read_field;
mod read_figures;
mod read_record;
mod record;
mod specimens;
pub mod split;
mod summary;

pub use answers::{ANSWERS_FILE, Answer, KnownTruth};
pub use field::FieldInput;
pub use json::{EVALUATION_SCHEMA, document, schema};
pub use named_figure::NamedFigure;
pub use read_record::{FormRow, ReadFigures, ReadSchistocytes};
pub use record::{
    AgreementFigures, BoxFigures, CalibrationBinRecord, ClassFigures, ClassificationFigures, ClusterKind, ConfusionRow,
    CountFigures, CurvePoint, DetectionFigures, Evaluation, Example, FieldCount, Figure, FigureInterval, HealthyClass,
    HealthyFigures, MaskFigures, PointFigures, SCHEMA_VERSION, SegmentationFigures, SensitivityAtRate, SpecimenBasis,
    SpecimenRecord, ThresholdFigures,
};

use crate::case::{InputFailure, InputFile, Provenance};
use field::FieldOutcome;
use summary::Clustered;

/// Most examples of either kind in the record: a page of pictures.
pub const MAX_EXAMPLES: usize = 24;

/// A field with its labels laid over it, ready to be added in any order.
#[derive(Debug, Clone, PartialEq)]
pub struct JudgedField(FieldOutcome);

impl JudgedField {
    /// Lays the labels of a field over its cells.
    pub fn of(field: &FieldInput<'_>) -> Self {
        Self(FieldOutcome::of(field))
    }
}

/// Choices that no field makes itself.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct JudgingOptions {
    /// A second threshold beside the operating point.
    pub threshold: Option<f64>,
    /// Whether cells that nobody read are no schistocytes, so that a read percentage can be stated.
    pub unread_are_none: bool,
}

/// Gathers fields and makes the record of them.
#[derive(Debug)]
pub struct Evaluator {
    set: String,
    options: JudgingOptions,
    provenance: Provenance,
    fields: Vec<FieldOutcome>,
    unlabelled_fields: u64,
    failed_inputs: Vec<InputFailure>,
    label_remarks: Vec<String>,
}

impl Evaluator {
    /// An evaluation on the set of this name, of the program, model and options of `provenance`.
    pub fn new(set: &str, provenance: Provenance, options: JudgingOptions) -> Self {
        Self {
            set: set.to_owned(),
            options,
            provenance,
            fields: Vec::new(),
            unlabelled_fields: 0,
            failed_inputs: Vec::new(),
            label_remarks: Vec::new(),
        }
    }

    /// Adds a field.
    pub fn add_field(&mut self, field: JudgedField) {
        self.fields.push(field.0);
    }

    /// Counts a field that has no labels and is left aside.
    pub fn add_unlabelled_field(&mut self) {
        self.unlabelled_fields += 1;
    }

    /// Names an input that could not be evaluated.
    pub fn add_failed_input(&mut self, failure: InputFailure) {
        self.failed_inputs.push(failure);
    }

    /// Names a file behind the figures.
    pub fn add_input(&mut self, input: InputFile) {
        if !self.provenance.inputs.contains(&input) {
            self.provenance.inputs.push(input);
        }
    }

    /// Adds remarks on labels that were left out.
    pub fn add_label_remarks(&mut self, remarks: impl IntoIterator<Item = String>) {
        self.label_remarks.extend(remarks);
    }

    /// The single cells of the accepted fields added, in the order of the fields' names.
    pub fn answers(&self) -> Vec<Answer> {
        let mut fields: Vec<_> = self.fields.iter().filter(|field| field.accepted).collect();
        fields.sort_by(|a, b| a.name.cmp(&b.name));
        fields.into_iter().flat_map(answers::answers).collect()
    }

    /// The record of all fields added.
    pub fn finish(mut self) -> Evaluation {
        self.fields.sort_by(|a, b| a.name.cmp(&b.name));
        self.label_remarks.sort();
        let clustered = Clustered::of(&self.fields);
        let refused = || self.fields.iter().filter(|field| !field.accepted);
        let specimens = specimens::specimens(&self.fields);
        let (worst_false_positives, worst_misses) = summary::examples(&self.fields);
        Evaluation {
            schema_version: SCHEMA_VERSION.to_owned(),
            set: self.set,
            fields: self.fields.len() as u64,
            unlabelled_fields: self.unlabelled_fields,
            failed_inputs: self.failed_inputs,
            refused_fields: refused().map(|field| field.name.clone()).collect(),
            schistocytes_in_refused_fields: refused()
                .map(|field| field.known.iter().filter(|cell| cell.positive).count() as u64)
                .sum(),
            clusters: clustered.len() as u64,
            cluster_kind: clustered.kind(),
            segmentation: clustered.segmentation(),
            classification: clustered.classification(self.options.threshold),
            healthy: clustered.healthy(),
            readings: read_figures::read_figures(&clustered, self.options.unread_are_none),
            agreement: specimens::agreement(&specimens),
            specimens,
            worst_false_positives,
            worst_misses,
            label_remarks: self.label_remarks,
            provenance: self.provenance,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::matching::scenes::{boxed, counted, field, found, point};
    use super::*;
    use crate::case::{DetectorProvenance, ModelProvenance};
    use crate::smear::CellClass::{Burr, Normal, Schistocyte};
    use crate::smear::{CellStatus, ClassifiedCell, ExclusionReason, LabeledField};

    pub(super) fn provenance() -> Provenance {
        Provenance {
            software: "schistoquant".to_owned(),
            software_version: "0.0.0".to_owned(),
            method_version: "0".to_owned(),
            detector: DetectorProvenance { name: "drawn".to_owned(), version: "1".to_owned(), sha256: "1".repeat(64) },
            model: ModelProvenance {
                name: "scripted".to_owned(),
                version: "1".to_owned(),
                sha256: "0".repeat(64),
                operating_point: 0.5,
                sensitivity: None,
                sensitivity_cells: None,
                specificity: None,
                specificity_cells: None,
                measured_on: None,
                healthy_share: None,
                review_operating_point: None,
                class_healthy_shares: Vec::new(),
            },
            engine: "embedded".to_owned(),
            options: BTreeMap::new(),
            inputs: Vec::new(),
        }
    }

    /// Two slides: A with two fields, B with one; four schistocytes, of which one is found twice wrong.
    fn scene() -> Vec<(LabeledField, Vec<ClassifiedCell>, &'static str)> {
        let named = |name: &str, cells| LabeledField { field: name.to_owned(), ..field(false, cells) };
        vec![
            (
                named("a1.png", vec![point(20.0, 20.0, Schistocyte), point(70.0, 20.0, Normal)]),
                vec![counted(10.0, 10.0, 30.0, Schistocyte, 0.9), counted(60.0, 10.0, 30.0, Normal, 0.2)],
                "A",
            ),
            (
                named("a2.png", vec![point(20.0, 20.0, Schistocyte), point(70.0, 20.0, Burr)]),
                vec![counted(10.0, 10.0, 30.0, Normal, 0.3), counted(60.0, 10.0, 30.0, Schistocyte, 0.6)],
                "A",
            ),
            (
                named(
                    "b1.png",
                    vec![point(20.0, 20.0, Schistocyte), point(70.0, 20.0, Schistocyte), point(150.0, 20.0, Normal)],
                ),
                vec![
                    counted(10.0, 10.0, 80.0, Schistocyte, 0.8),
                    found(140.0, 10.0, 30.0, CellStatus::Excluded(ExclusionReason::Debris, None)),
                ],
                "B",
            ),
        ]
    }

    fn evaluate(scene: &[(LabeledField, Vec<ClassifiedCell>, &str)]) -> Evaluation {
        let mut evaluator = Evaluator::new("scene", provenance(), JudgingOptions::default());
        for (truth, cells, group) in scene {
            let group = Some(*group);
            evaluator.add_field(JudgedField::of(&FieldInput {
                truth,
                cells,
                accepted: true,
                group,
                specimen: None,
                expect_none: false,
                readings: None,
            }));
        }
        evaluator.finish()
    }

    #[test]
    fn figures_of_a_scene_computed_by_hand() {
        let found = evaluate(&scene());
        let of = |figure: Figure| (figure.count.unwrap_or_default(), figure.n);
        assert_eq!((found.fields, found.clusters, found.cluster_kind), (3, 2, ClusterKind::Groups));
        let points = &found.segmentation.points;
        assert_eq!(
            [points.own, points.merged, points.excluded, points.missed].map(of),
            [(4, 7), (2, 7), (1, 7), (0, 7)]
        );
        assert_eq!(points.exclusions, BTreeMap::from([("debris".to_owned(), 1)]));
        let (end_to_end, counted) = (&found.classification.end_to_end, &found.classification.counted_cells);
        assert_eq!((of(end_to_end.sensitivity), of(end_to_end.specificity)), ((1, 4), (1, 2)));
        assert_eq!((of(counted.sensitivity), of(counted.specificity)), ((1, 2), (1, 2)));
        // 0.9 beats both others, 0.3 beats one of two: 3 of 4 pairs; the two merged schistocytes halve it end to end.
        assert_eq!((counted.auc.value, end_to_end.auc.value), (Some(0.75), Some(0.375)));
        assert_eq!(
            found.classification.missed_schistocytes,
            BTreeMap::from([("merged".to_owned(), 2), ("own".to_owned(), 1)])
        );
        assert_eq!(found.classification.confusion[Normal.index()].not_counted, 1);
        assert_eq!(found.segmentation.boxes.recall, Figure::default());
        let misses: Vec<_> =
            found.worst_misses.iter().map(|miss| (miss.field.as_str(), miss.outcome.as_str())).collect();
        assert_eq!(misses, [("b1.png", "merged"), ("b1.png", "merged"), ("a2.png", "own")]);
        assert_eq!(found.worst_false_positives.len(), 1);
        assert_eq!(found.worst_false_positives[0].labelled.as_deref(), Some("burr"));
        let a = &found.specimens[0];
        assert_eq!((a.specimen.as_str(), a.basis), ("A", SpecimenBasis::LabelledCells));
        assert_eq!((a.true_percent, a.called_percent), (Some(50.0), Some(50.0)));
        assert_eq!(found.specimens[1].called_percent, None);
    }

    #[test]
    fn the_order_of_the_fields_decides_nothing() {
        let (forward, mut turned) = (scene(), scene());
        turned.reverse();
        let bytes = |scene: &[_]| serde_json::to_string(&evaluate(scene)).expect("plain record");
        assert_eq!(bytes(&forward), bytes(&turned));
        let text = bytes(&forward);
        assert_eq!(serde_json::from_str::<Evaluation>(&text).expect("own text"), evaluate(&forward));
    }

    #[test]
    fn a_refused_field_is_judged_for_its_outlines_only() {
        let (truth, cells, _) = scene().remove(0);
        let mut evaluator = Evaluator::new("scene", provenance(), JudgingOptions::default());
        let refused: Vec<_> = cells
            .into_iter()
            .map(|cell| ClassifiedCell {
                status: CellStatus::Excluded(ExclusionReason::FieldRefused, cell.counted_call().copied()),
                ..cell
            })
            .collect();
        let input = FieldInput {
            truth: &truth,
            cells: &refused,
            accepted: false,
            group: None,
            specimen: None,
            expect_none: false,
            readings: None,
        };
        evaluator.add_field(JudgedField::of(&input));
        let found = evaluator.finish();
        assert_eq!((found.refused_fields, found.schistocytes_in_refused_fields), (vec!["a1.png".to_owned()], 1));
        assert_eq!(found.segmentation.points.own.count, Some(2));
        assert_eq!(found.classification.end_to_end.sensitivity, Figure::default());
        assert_eq!(found.cluster_kind, ClusterKind::Fields);
    }

    #[test]
    fn healthy_fields_give_the_floor_and_no_other_figure_of_classes() {
        let mut evaluator = Evaluator::new("scene", provenance(), JudgingOptions::default());
        let cells = [
            counted(60.0, 60.0, 30.0, Normal, 0.1),
            counted(100.0, 60.0, 30.0, Schistocyte, 0.7),
            counted(60.0, 100.0, 30.0, Normal, 0.1),
            counted(100.0, 100.0, 30.0, Normal, 0.1),
        ];
        for name in ["h1.png", "h2.png"] {
            let labels = vec![boxed(60.0, 60.0, 30.0), boxed(100.0, 60.0, 30.0)];
            let truth = LabeledField { field: name.to_owned(), ..field(true, labels) };
            let specimen = Some("healthy");
            let input = FieldInput {
                truth: &truth,
                cells: &cells,
                accepted: true,
                group: None,
                specimen,
                expect_none: true,
                readings: None,
            };
            evaluator.add_field(JudgedField::of(&input));
        }
        let found = evaluator.finish();
        let floor = found.healthy.called_schistocyte;
        assert_eq!((found.healthy.fields, floor.count, floor.n, floor.value), (2, Some(2), 8, Some(0.25)));
        assert_eq!(found.classification.end_to_end.specificity, Figure::default());
        // Six cells at 0.1, none a schistocyte; two at 0.7.
        assert_eq!(found.classification.calibration_error.value, Some(0.25));
        let boxes = &found.segmentation.boxes;
        assert_eq!(
            (boxes.recall.value, boxes.precision.value, boxes.f1.value),
            (Some(1.0), Some(0.5), Some(0.666_667))
        );
        assert_eq!(found.segmentation.counts.bias.value, Some(2.0));
        assert_eq!((found.specimens[0].true_percent, found.specimens[0].called_percent), (Some(0.0), Some(25.0)));
        assert_eq!(found.worst_false_positives.len(), 2);
        assert_eq!(found.worst_false_positives[0].labelled, None);
    }

    #[test]
    fn fields_without_a_labelled_class_leave_the_class_figures_alone() {
        let mut with_others = scene();
        for name in ["x1.png", "x2.png", "x3.png"] {
            let truth = LabeledField { field: name.to_owned(), ..field(true, vec![boxed(60.0, 60.0, 30.0)]) };
            with_others.push((truth, vec![counted(60.0, 60.0, 30.0, Normal, 0.1)], "C"));
        }
        let (alone, together) = (evaluate(&scene()), evaluate(&with_others));
        assert_eq!(alone.classification, together.classification);
        assert_eq!(together.segmentation.boxes.recall.count, Some(3));
    }

    #[test]
    fn no_field_gives_null_figures() {
        let found = Evaluator::new("scene", provenance(), JudgingOptions::default()).finish();
        assert_eq!(found.segmentation.points.own, Figure::default());
        assert_eq!(found.healthy.called_schistocyte, Figure::default());
        assert_eq!(found.agreement.bias, Figure::default());
    }
}
