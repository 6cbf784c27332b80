//! Gathers the fields of a set and makes the record of them.

use super::answers::{Answer, answers};
use super::classification::examples;
use super::field::{Clustered, FieldOutcome};
use super::read_figures::read_figures;
use super::record::{Evaluation, SCHEMA_VERSION};
use super::specimens::{agreement, specimens};
use crate::case::{InputFailure, InputFile, Provenance};

/// What a set gave: fields in any order, and what could not be evaluated.
#[derive(Debug)]
pub(super) struct JudgedSet {
    /// Name of the set.
    pub set: String,
    /// A second threshold beside the operating point.
    pub threshold: Option<f64>,
    /// Whether cells that nobody read are no schistocytes, so that a read percentage can be stated.
    pub unread_are_none: bool,
    /// Program, model, options and input files behind the figures.
    pub provenance: Provenance,
    pub fields: Vec<FieldOutcome>,
    /// Fields that have no labels and are left aside.
    pub unlabelled_fields: u64,
    /// Inputs that could not be evaluated.
    pub failed_inputs: Vec<InputFailure>,
    /// Labels that were left out, one sentence each.
    pub label_remarks: Vec<String>,
}

impl JudgedSet {
    /// Names a file behind the figures.
    pub(super) fn add_input(&mut self, input: InputFile) {
        if !self.provenance.inputs.contains(&input) {
            self.provenance.inputs.push(input);
        }
    }

    /// The single cells of the accepted fields, in the order of the fields' names.
    pub(super) fn answers(&self) -> Vec<Answer> {
        let mut fields: Vec<_> = self.fields.iter().filter(|field| field.accepted).collect();
        fields.sort_by(|a, b| a.name.cmp(&b.name));
        fields.into_iter().flat_map(answers).collect()
    }

    /// The record of all fields.
    pub(super) fn evaluation(mut self) -> Evaluation {
        self.fields.sort_by(|a, b| a.name.cmp(&b.name));
        self.label_remarks.sort();
        let clustered = Clustered::of(&self.fields);
        let refused = || self.fields.iter().filter(|field| !field.accepted);
        let specimens = specimens(&self.fields);
        let (worst_false_positives, worst_misses) = examples(&self.fields);
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
            classification: clustered.classification(self.threshold),
            healthy: clustered.healthy(),
            readings: read_figures(&clustered, self.unread_are_none),
            agreement: agreement(&specimens),
            specimens,
            worst_false_positives,
            worst_misses,
            label_remarks: self.label_remarks,
            provenance: self.provenance,
        }
    }
}

/// A set of no fields by a model that answers by script.
#[cfg(test)]
pub(super) fn scripted_set(name: &str) -> JudgedSet {
    use crate::case::{DetectorProvenance, ModelProvenance};

    let text = str::to_owned;
    let provenance = Provenance {
        software: text("schistoquant"),
        software_version: text("0.0.0"),
        method_version: text("0"),
        detector: DetectorProvenance { name: text("drawn"), version: text("1"), sha256: "1".repeat(64) },
        model: ModelProvenance {
            name: text("scripted"),
            version: text("1"),
            sha256: "0".repeat(64),
            operating_point: 0.5,
            sensitivity: None,
            sensitivity_cells: None,
            specificity: None,
            specificity_cells: None,
            measured_on: None,
            healthy_share: None,
            review_operating_point: None,
            review_sensitivity: None,
            review_sensitivity_cells: None,
            unseen_sensitivity: None,
            unseen_sensitivity_cells: None,
            class_healthy_shares: Vec::new(),
        },
        engine: text("embedded"),
        options: Default::default(),
        inputs: Vec::new(),
    };
    JudgedSet {
        set: text(name),
        threshold: None,
        unread_are_none: false,
        provenance,
        fields: Vec::new(),
        unlabelled_fields: 0,
        failed_inputs: Vec::new(),
        label_remarks: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::evaluate::estimate::Estimate;
    use crate::evaluate::field::{FieldInput, input};
    use crate::evaluate::matching::scenes::{boxed, counted, field, found, point};
    use crate::evaluate::record::{ClusterKind, SpecimenBasis};
    use crate::smear::CellClass::{Burr, Normal, Schistocyte};
    use crate::smear::{CellStatus, ClassifiedCell, ExclusionReason, LabeledField};

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

    /// The record of accepted fields.
    fn evaluation(fields: &[FieldInput<'_>]) -> Evaluation {
        let fields = fields.iter().map(FieldOutcome::of).collect();
        JudgedSet { fields, ..scripted_set("scene") }.evaluation()
    }

    fn evaluate(scene: &[(LabeledField, Vec<ClassifiedCell>, &str)]) -> Evaluation {
        let grouped = |(truth, cells, group): &'_ (LabeledField, Vec<ClassifiedCell>, &str)| {
            FieldOutcome::of(&FieldInput { group: Some(group), ..input(truth, cells) })
        };
        JudgedSet { fields: scene.iter().map(grouped).collect(), ..scripted_set("scene") }.evaluation()
    }

    #[test]
    fn figures_of_a_scene_computed_by_hand() {
        let found = evaluate(&scene());
        let of = |figure: Estimate| (figure.count.unwrap_or_default(), figure.n);
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
        assert_eq!(found.segmentation.boxes.recall, Estimate::default());
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
        let refused: Vec<_> = cells
            .into_iter()
            .map(|cell| ClassifiedCell {
                status: CellStatus::Excluded(ExclusionReason::FieldRefused, cell.counted_call().copied()),
                ..cell
            })
            .collect();
        let found = evaluation(&[FieldInput { accepted: false, ..input(&truth, &refused) }]);
        assert_eq!((found.refused_fields, found.schistocytes_in_refused_fields), (vec!["a1.png".to_owned()], 1));
        assert_eq!(found.segmentation.points.own.count, Some(2));
        assert_eq!(found.classification.end_to_end.sensitivity, Estimate::default());
        assert_eq!(found.cluster_kind, ClusterKind::Fields);
    }

    #[test]
    fn healthy_fields_give_the_floor_and_no_other_figure_of_classes() {
        let cells = [
            counted(60.0, 60.0, 30.0, Normal, 0.1),
            counted(100.0, 60.0, 30.0, Schistocyte, 0.7),
            counted(60.0, 100.0, 30.0, Normal, 0.1),
            counted(100.0, 100.0, 30.0, Normal, 0.1),
        ];
        let truths = ["h1.png", "h2.png"].map(|name| {
            let labels = vec![boxed(60.0, 60.0, 30.0), boxed(100.0, 60.0, 30.0)];
            LabeledField { field: name.to_owned(), ..field(true, labels) }
        });
        let found = evaluation(&truths.each_ref().map(|truth| FieldInput {
            specimen: Some("healthy"),
            expect_none: true,
            ..input(truth, &cells)
        }));
        let floor = found.healthy.called_schistocyte;
        assert_eq!((found.healthy.fields, floor.count, floor.n, floor.value), (2, Some(2), 8, Some(0.25)));
        assert_eq!(found.classification.end_to_end.specificity, Estimate::default());
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
        let found = evaluation(&[]);
        assert_eq!(found.segmentation.points.own, Estimate::default());
        assert_eq!(found.healthy.called_schistocyte, Estimate::default());
        assert_eq!(found.agreement.bias, Estimate::default());
    }
}
