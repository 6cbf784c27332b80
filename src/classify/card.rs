//! The card of a model: what the graph expects, what it answers, where it was measured and what it must not be used for.
//!
//! In: a JSON file beside the graph (`x.onnx` has `x.card.json`) or the card embedded in the program. Out: a
//! [`ModelCard`] whose values have been checked. Unknown fields are refused, so that a misspelt one cannot be overlooked.
//! Source of the idea: model cards (Mitchell et al. 2019, 10.1145/3287560.3287596).
//!
//! Limits: the card states what its author measured; nothing here repeats the measurement. Whether card and graph belong
//! together is tested in two places: the checksum by [`ModelCard::check_graph`]; names, shapes and types when an engine
//! loads the graph.

use serde::{Deserialize, Serialize};

use super::error::{CardField, ClassifyError, ModelOrigin};
use super::performance::{CardEstimate, MeasuredPerformance, Unsound};
use crate::durable::sha256_hex;
use crate::smear::CellClass;

/// Name of the figure that holds the sensitivity from the review operating point on.
const REVIEW_SENSITIVITY_FIGURE: &str = "threshold_sensitivity";
/// Color channels of a crop: red, green, blue.
pub(super) const CHANNELS: usize = 3;
/// Channel order a card must state.
const CHANNEL_ORDER: &str = "RGB";
/// Largest batch accepted, cells: 256 crops of 64 × 64 already take 12 MiB for each worker thread.
const MAX_BATCH: usize = 256;
/// Crop sides accepted, px: below 16 a cell at any sensible scale has no shape; above 512 the batch buffer explodes.
const CROP_SIDE_RANGE_PX: std::ops::RangeInclusive<usize> = 16..=512;
/// Pixel sizes accepted, µm: from twice finer than a 100× objective resolves to 15 px for a red cell.
const UM_PER_PX_RANGE: std::ops::RangeInclusive<f64> = 0.02..=0.5;

/// How a channel value 0–255 becomes a graph input: `value / divide − subtract`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scaling {
    /// Divisor, above zero.
    pub divide: f64,
    /// Subtracted after the division.
    pub subtract: f64,
}

impl Scaling {
    /// The graph input for each channel value.
    pub fn table(&self) -> [f32; 256] {
        std::array::from_fn(|value| (value as f64 / self.divide - self.subtract) as f32)
    }
}

/// The graph's input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CardInput {
    /// Name in the graph.
    pub name: String,
    /// `[batch, channels, height, width]`; the batch is fixed and height equals width.
    pub shape: [usize; 4],
    /// Order of the channels; `RGB`.
    pub channel_order: String,
    /// From channel value to input.
    pub scaling: Scaling,
}

/// Names of the graph's outputs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CardOutputs {
    /// `[batch, 13]`: probability of each class, in label order.
    pub class_probability: String,
    /// `[batch]`: calibrated probability that the cell is a schistocyte.
    pub schistocyte_probability: String,
    /// `[batch]`: probability that the object is a red cell at all; `None` where the graph does not say.
    pub red_cell_probability: Option<String>,
}

/// One set of labelled cells used in training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingData {
    /// Name of the set.
    pub name: String,
    /// Its licence.
    pub licence: String,
    /// Cells taken from it.
    pub cells: u64,
    /// What they were used for.
    #[serde(rename = "use")]
    pub used_for: String,
}

/// How the model was made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Training {
    /// The data.
    pub data: Vec<TrainingData>,
    /// Seed of every random choice.
    pub seed: u64,
    /// The procedure in words.
    pub procedure: String,
}

/// Everything a report or a colleague needs to know about a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelCard {
    /// Name of the model.
    pub name: String,
    /// Version of the model.
    pub version: String,
    /// SHA-256 of the graph file, hexadecimal in lower case.
    pub graph_sha256: String,
    /// Class names in the order of the output.
    pub labels: Vec<String>,
    /// The input.
    pub input: CardInput,
    /// Size of a crop's pixel, µm.
    pub um_per_px: f64,
    /// The outputs.
    pub outputs: CardOutputs,
    /// Contrast that pixels of other objects keep in a crop, 0–1.
    pub neighbor_dimming: f64,
    /// Least schistocyte probability that is called schistocyte, above 0 and up to 1.
    pub operating_point: f64,
    /// Least schistocyte probability for a reviewer's worklist, above 0 and up to `operating_point`; left out where the
    /// card proposes none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review_operating_point: Option<f64>,
    /// Least red cell probability that is counted, above 0 and up to 1; `None` where nothing is left out by it.
    pub red_cell_operating_point: Option<f64>,
    /// Temperature found in calibration; already inside the graph.
    pub temperature: Option<f64>,
    /// What was measured.
    pub performance: MeasuredPerformance,
    /// How it was made.
    pub training: Training,
    /// Licence of the graph.
    pub licence: String,
    /// What it is for.
    pub intended_use: String,
    /// What it does not do.
    pub limits: String,
    /// Seal of the figures, written by `evaluate --write-card`; null of a card that was not evaluated.
    pub evaluation_sha256: Option<String>,
}

impl ModelCard {
    /// A checked card from its JSON.
    ///
    /// # Errors
    /// [`ClassifyError::CardMalformed`] where it is not the JSON of a card, [`ClassifyError::CardInvalid`] where a
    /// value is out of range, the labels are not the thirteen classes in order, or a sealed figure was changed.
    pub fn from_json(json: &[u8], origin: &ModelOrigin) -> Result<Self, ClassifyError> {
        let card: Self = serde_json::from_slice(json)
            .map_err(|source| ClassifyError::CardMalformed { card: origin.card(), source })?;
        card.check_values(origin)?;
        card.check_seal(origin)?;
        Ok(card)
    }

    /// Refuses a graph with another checksum than the card's.
    ///
    /// # Errors
    /// [`ClassifyError::CardMismatch`] naming both checksums.
    pub fn check_graph(&self, graph: &[u8], origin: &ModelOrigin) -> Result<(), ClassifyError> {
        let found = sha256_hex(graph);
        if found == self.graph_sha256 {
            return Ok(());
        }
        Err(ClassifyError::CardMismatch {
            card: origin.card(),
            field: CardField::GraphSha256,
            expected: self.graph_sha256.clone(),
            found,
        })
    }

    /// Share of schistocytes from the review operating point on, 0–1, and the cells behind it: the figure of that name on the
    /// set that the sensitivity was measured on.
    pub fn review_sensitivity(&self) -> Option<(f64, u64)> {
        let set = self.performance.measured_on.as_deref()?.split(':').next()?;
        let named = |figure: &&CardEstimate| figure.figure == REVIEW_SENSITIVITY_FIGURE && figure.set == set;
        let figure = self.performance.figures.iter().find(named).filter(|_| self.review_operating_point.is_some())?;
        Some((figure.value, figure.n))
    }

    /// Cells in one run of the graph.
    pub fn batch(&self) -> usize {
        self.input.shape[0]
    }

    /// Width and height of a crop, px.
    pub fn crop_side_px(&self) -> usize {
        self.input.shape[3]
    }

    fn check_values(&self, origin: &ModelOrigin) -> Result<(), ClassifyError> {
        const SHA256: &str = "64 hexadecimal digits in lower case";
        const CUT: &str = "above 0 and up to 1";
        let check = |is_sound: bool, field: CardField, expected: &str, found: String| match is_sound {
            true => Ok(()),
            false => {
                Err(ClassifyError::CardInvalid { card: origin.card(), field, expected: expected.to_owned(), found })
            }
        };
        let is_sha256 = |text: &str| text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let is_cut = |value: f64| value > 0.0 && value <= 1.0;
        let text = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());

        let classes = CellClass::ALL.map(CellClass::name);
        check(self.labels == classes, CardField::Labels, &classes.join(" "), self.labels.join(" "))?;
        check(is_sha256(&self.graph_sha256), CardField::GraphSha256, SHA256, self.graph_sha256.clone())?;
        let seal = self.evaluation_sha256.as_deref();
        check(seal.is_none_or(is_sha256), CardField::EvaluationSha256, SHA256, seal.unwrap_or_default().to_owned())?;

        let CardInput { shape, channel_order, scaling: Scaling { divide, subtract }, .. } = &self.input;
        let [batch, channels, height, width] = *shape;
        let is_batch = (1..=MAX_BATCH).contains(&batch) && channels == CHANNELS;
        let is_square = height == width && CROP_SIDE_RANGE_PX.contains(&width);
        let expected = "[1 to 256, 3, side, side] with a side from 16 to 512";
        check(is_batch && is_square, CardField::InputShape, expected, format!("{shape:?}"))?;
        check(channel_order == CHANNEL_ORDER, CardField::ChannelOrder, CHANNEL_ORDER, channel_order.clone())?;
        let is_scaling = divide.is_finite() && *divide > 0.0 && subtract.is_finite();
        let expected = "finite numbers and a divisor above 0";
        check(is_scaling, CardField::Scaling, expected, format!("{divide} and {subtract}"))?;
        let is_size = UM_PER_PX_RANGE.contains(&self.um_per_px);
        check(is_size, CardField::UmPerPx, "0.02 to 0.5 µm", self.um_per_px.to_string())?;
        let is_share = (0.0..=1.0).contains(&self.neighbor_dimming);
        check(is_share, CardField::NeighborDimming, "0 to 1", self.neighbor_dimming.to_string())?;

        let called = self.operating_point;
        check(is_cut(called), CardField::OperatingPoint, CUT, called.to_string())?;
        let review = self.review_operating_point;
        let is_below = review.is_none_or(|cut| is_cut(cut) && cut <= called);
        let expected = "above 0 and up to operating_point, or null";
        check(is_below, CardField::ReviewOperatingPoint, expected, text(review))?;
        let red_cell = self.red_cell_operating_point;
        check(red_cell.is_none_or(is_cut), CardField::RedCellOperatingPoint, CUT, text(red_cell))?;
        let is_answered = red_cell.is_none() || self.outputs.red_cell_probability.is_some();
        let expected = "null where outputs.red_cell_probability is null";
        check(is_answered, CardField::RedCellOperatingPoint, expected, text(red_cell))?;
        let is_temperature = self.temperature.is_none_or(|value| value.is_finite() && value > 0.0);
        check(is_temperature, CardField::Temperature, "above 0", text(self.temperature))?;

        match self.performance.unsound() {
            Some(Unsound { field, expected, found }) => check(false, field, expected, found),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const TINY_CARD: &str = include_str!("../../fixtures/models/tiny.card.json");
    const TINY_GRAPH: &[u8] = include_bytes!("../../fixtures/models/tiny.onnx");

    /// The tiny card with the value at a JSON pointer replaced.
    fn with(changes: &[(&str, Value)]) -> Result<ModelCard, ClassifyError> {
        let mut card: Value = serde_json::from_str(TINY_CARD).expect("the fixture is JSON");
        for (pointer, value) in changes {
            *card.pointer_mut(pointer).expect("a field of the card") = value.clone();
        }
        ModelCard::from_json(card.to_string().as_bytes(), &ModelOrigin::Shipped)
    }

    fn refused_field(changes: &[(&str, Value)]) -> CardField {
        match with(changes).expect_err("out of range") {
            ClassifyError::CardInvalid { field, .. } => field,
            other => panic!("another refusal: {other}"),
        }
    }

    #[test]
    fn the_tiny_card_is_sound_and_its_graph_is_its_own() {
        let card = with(&[]).expect("the fixture");
        assert_eq!((card.batch(), card.crop_side_px(), card.um_per_px), (16, 64, 0.1875));
        card.check_graph(TINY_GRAPH, &ModelOrigin::Shipped).expect("the same graph");
        let written = serde_json::to_vec(&card).expect("a card is JSON");
        assert_eq!(ModelCard::from_json(&written, &ModelOrigin::Shipped).expect("read back"), card);
    }

    #[test]
    fn another_graph_is_refused_with_both_checksums() {
        let card = with(&[]).expect("the fixture");
        let mut other = TINY_GRAPH.to_vec();
        other[100] ^= 1;
        let error = card.check_graph(&other, &ModelOrigin::Shipped).expect_err("one bit differs");
        let text = error.to_string();
        assert!(matches!(error, ClassifyError::CardMismatch { field: CardField::GraphSha256, .. }));
        assert!(text.contains(&card.graph_sha256) && text.contains(&sha256_hex(&other)), "{text}");
    }

    #[test]
    fn unknown_and_missing_fields_are_refused() {
        let misspelt = TINY_CARD.replacen("\"limits\"", "\"limit\"", 1);
        let error = ModelCard::from_json(misspelt.as_bytes(), &ModelOrigin::Shipped).expect_err("misspelt");
        assert!(matches!(error, ClassifyError::CardMalformed { .. }));
    }

    #[test]
    fn labels_must_be_the_classes_in_order() {
        let mut labels = CellClass::ALL.map(CellClass::name);
        labels.swap(0, 9);
        assert_eq!(refused_field(&[("/labels", json!(labels))]), CardField::Labels);
        assert_eq!(refused_field(&[("/labels", json!(labels[..12]))]), CardField::Labels);
    }

    #[test]
    fn operating_points_are_above_zero_and_up_to_one() {
        for sound in [1e-6, 0.5, 1.0] {
            with(&[("/operating_point", json!(sound))]).expect("a cut");
        }
        for bad in [0.0, -0.1, 1.000_001] {
            assert_eq!(refused_field(&[("/operating_point", json!(bad))]), CardField::OperatingPoint);
            assert_eq!(refused_field(&[("/red_cell_operating_point", json!(bad))]), CardField::RedCellOperatingPoint);
        }
        let without_output = ("/outputs/red_cell_probability", Value::Null);
        assert_eq!(refused_field(std::slice::from_ref(&without_output)), CardField::RedCellOperatingPoint);
        with(&[without_output, ("/red_cell_operating_point", Value::Null)]).expect("neither");
    }

    #[test]
    fn shares_come_with_the_cells_behind_them() {
        let sound = [("/performance/sensitivity", json!(0.9)), ("/performance/sensitivity_cells", json!(500))];
        with(&sound).expect("share and cells");
        assert_eq!(refused_field(&sound[..1]), CardField::Sensitivity);
        assert_eq!(refused_field(&sound[1..]), CardField::Sensitivity);
        let bad = [("/performance/specificity", json!(1.01)), ("/performance/specificity_cells", json!(500))];
        assert_eq!(refused_field(&bad), CardField::Specificity);
        let nobody = [("/performance/specificity", json!(0.9)), ("/performance/specificity_cells", json!(0))];
        assert_eq!(refused_field(&nobody), CardField::Specificity);
    }

    #[test]
    fn the_floor_lies_in_its_interval() {
        let floor = |percent: f64, cells: u64| json!({ "percent": percent, "low": 0.1, "high": 0.4, "cells": cells, "measured_on": "healthy" });
        with(&[("/performance/false_positive_floor", floor(0.2, 10))]).expect("inside");
        for bad in [floor(0.05, 10), floor(0.5, 10), floor(0.2, 0)] {
            assert_eq!(refused_field(&[("/performance/false_positive_floor", bad)]), CardField::FalsePositiveFloor);
        }
    }

    /// The tiny card with a member put in.
    fn with_member(path: &str, name: &str, value: Value) -> Result<ModelCard, ClassifyError> {
        let mut card: Value = serde_json::from_str(TINY_CARD).expect("the fixture is JSON");
        card.pointer_mut(path).expect("a member")[name] = value;
        ModelCard::from_json(card.to_string().as_bytes(), &ModelOrigin::Shipped)
    }

    #[test]
    fn the_threshold_of_review_is_not_above_the_operating_point() {
        let of = |value: Value| with_member("", "review_operating_point", value);
        for sound in [json!(0.001), json!(0.5), Value::Null] {
            of(sound).expect("at or below the operating point of 0.5");
        }
        for bad in [0.0, -0.1, 0.500_001, 1.1] {
            let error = of(json!(bad)).expect_err("out of range");
            let field = CardField::ReviewOperatingPoint;
            assert!(matches!(error, ClassifyError::CardInvalid { field: found, .. } if found == field), "{error}");
        }
    }

    #[test]
    fn floors_of_classes_are_sound_and_stand_once() {
        let floor = |class: &str, low: f64, cells: u64| json!({ "class": class, "percent": 0.2, "low": low, "high": 0.4, "cells": cells, "measured_on": "healthy" });
        let of = |floors: &[Value]| with_member("/performance", "class_floors", json!(floors));
        let card = of(&[floor("burr", 0.1, 10), floor("macrocyte", 0.2, 10)]).expect("two classes");
        assert_eq!(card.performance.class_floors[1].class, CellClass::Macrocyte);
        of(&[]).expect("none");
        for bad in [
            vec![floor("schistocyte", 0.1, 10)],
            vec![floor("burr", 0.1, 10), floor("burr", 0.1, 10)],
            vec![floor("burr", 0.3, 10)],
            vec![floor("burr", 0.1, 0)],
        ] {
            let error = of(&bad).expect_err("unsound");
            let field = CardField::ClassFloors;
            assert!(matches!(error, ClassifyError::CardInvalid { field: found, .. } if found == field), "{error}");
        }
        assert!(matches!(of(&[floor("bur", 0.1, 10)]), Err(ClassifyError::CardMalformed { .. })));
    }

    #[test]
    fn figures_out_of_range_are_refused_by_name() {
        for (pointer, value, field) in [
            ("/graph_sha256", json!("ABC"), CardField::GraphSha256),
            ("/evaluation_sha256", json!(""), CardField::EvaluationSha256),
            ("/input/shape", json!([0, 3, 64, 64]), CardField::InputShape),
            ("/input/shape", json!([257, 3, 64, 64]), CardField::InputShape),
            ("/input/shape", json!([16, 1, 64, 64]), CardField::InputShape),
            ("/input/shape", json!([16, 3, 64, 48]), CardField::InputShape),
            ("/input/shape", json!([16, 3, 8, 8]), CardField::InputShape),
            ("/input/channel_order", json!("BGR"), CardField::ChannelOrder),
            ("/input/scaling/divide", json!(0.0), CardField::Scaling),
            ("/um_per_px", json!(0.019), CardField::UmPerPx),
            ("/um_per_px", json!(0.51), CardField::UmPerPx),
            ("/neighbor_dimming", json!(1.1), CardField::NeighborDimming),
            ("/temperature", json!(0.0), CardField::Temperature),
        ] {
            assert_eq!(refused_field(&[(pointer, value)]), field, "{pointer}");
        }
    }

    #[test]
    fn scaling_runs_from_minus_one_to_one() {
        let table = Scaling { divide: 127.5, subtract: 1.0 }.table();
        assert_eq!((table[0], table[255]), (-1.0, 1.0));
    }
}
