//! The seal of a card: a hash over its measured figures, so that a figure changed by hand is noticed.
//!
//! In: a card. Out: SHA-256 over the checksum of the graph, the operating points and every performance field with its
//! number of cells and the set it was measured on, one `name value` in a line. It stands in `evaluation_sha256` and can
//! be checked from the card alone. A changed graph or operating point breaks it too, because the figures were measured
//! with these. A card with `evaluation_sha256: null` is loaded and counts as not evaluated.
//!
//! What a card may leave out has a line only where it is there, so that the seals of older cards hold. The text is fixed
//! for the same reason: another canonical form would break the seal of every card in use.
//!
//! Numbers go in with nine digits behind the point of their scientific form, so that reading and writing a card cannot
//! change them.
//!
//! Limits: the seal finds slips, not forgery; whoever can run the program can also seal what was never measured.

use super::card::ModelCard;
use super::error::{CardField, ClassifyError, ModelOrigin};
use super::performance::{HealthyShare, MeasuredPerformance};
use crate::durable::sha256_hex;

/// First line of what is hashed: another meaning gets another line.
const HEADING: &str = "schistoquant measured figures 1";

impl ModelCard {
    /// The card with its figures sealed.
    pub fn sealed(self) -> Self {
        Self { evaluation_sha256: Some(self.figures_sha256()), ..self }
    }

    /// Whether the figures were written by an evaluation.
    pub fn is_evaluated(&self) -> bool {
        self.evaluation_sha256.is_some()
    }

    /// The hash that belongs into `evaluation_sha256`.
    fn figures_sha256(&self) -> String {
        let MeasuredPerformance {
            sensitivity,
            sensitivity_cells,
            specificity,
            specificity_cells,
            measured_on,
            false_positive_floor,
            class_floors,
            unseen_origins,
            film_ranges,
            repeatability,
            figures,
        } = &self.performance;
        let limits = |floor: &HealthyShare| numbers(&[floor.percent, floor.low, floor.high]);
        let mut lines = vec![
            HEADING.to_owned(),
            format!("graph_sha256 {}", self.graph_sha256),
            format!("operating_point {}", number(self.operating_point)),
        ];
        lines.extend(self.review_operating_point.map(|cut| format!("review_operating_point {}", number(cut))));
        lines.extend([
            format!("red_cell_operating_point {}", or_null(self.red_cell_operating_point.map(number))),
            format!("sensitivity {}", or_null(sensitivity.map(number))),
            format!("sensitivity_cells {}", or_null(*sensitivity_cells)),
            format!("specificity {}", or_null(specificity.map(number))),
            format!("specificity_cells {}", or_null(*specificity_cells)),
            format!("measured_on {}", or_null(measured_on.as_deref().map(quoted))),
        ]);
        if let Some(floor) = false_positive_floor {
            lines.push(format!("floor {}", limits(floor)));
            lines.push(format!("floor_cells {}", floor.cells));
            lines.push(format!("floor_measured_on {}", quoted(&floor.measured_on)));
        }
        lines.extend(class_floors.iter().map(|floor| {
            let limits = numbers(&[floor.percent, floor.low, floor.high]);
            format!("class_floor {} {limits} {} {}", floor.class.name(), floor.cells, quoted(&floor.measured_on))
        }));
        if let Some(unseen) = unseen_origins {
            let (sensitivity, cells) = (number(unseen.sensitivity), unseen.sensitivity_cells);
            lines.push(format!("unseen_sensitivity {sensitivity} {cells} {}", quoted(&unseen.sensitivity_measured_on)));
            let floor = &unseen.false_positive_floor;
            lines.push(format!("unseen_floor {} {} {}", limits(floor), floor.cells, quoted(&floor.measured_on)));
        }
        lines.extend(repeatability.as_ref().map(|stated| {
            format!("repeatability {} {} {}", number(stated.relative_sd), stated.changes, quoted(&stated.measured_on))
        }));
        lines.extend(film_ranges.iter().map(|range| {
            let limits = numbers(&[range.tried_low, range.low, range.high, range.tried_high]);
            format!("film_range {} {limits}", quoted(&range.measure))
        }));
        lines.extend(figures.iter().map(|figure| {
            let numbers = [Some(figure.value), figure.low, figure.high].map(|value| or_null(value.map(number)));
            format!("figure {} {} {} {}", quoted(&figure.set), quoted(&figure.figure), numbers.join(" "), figure.n)
        }));
        sha256_hex((lines.join("\n") + "\n").as_bytes())
    }

    /// Refuses a sealed card whose figures are not those that were sealed.
    pub(super) fn check_seal(&self, origin: &ModelOrigin) -> Result<(), ClassifyError> {
        let Some(seal) = &self.evaluation_sha256 else { return Ok(()) };
        let found = self.figures_sha256();
        if *seal == found {
            return Ok(());
        }
        let expected = "the hash of figures, operating points and graph as `evaluate --write-card` left them; what was \
                        not measured is null, and so is this hash on a card that was not evaluated";
        Err(ClassifyError::CardInvalid {
            card: origin.card(),
            field: CardField::EvaluationSha256,
            expected: expected.to_owned(),
            found: format!("{seal} over figures that give {found}"),
        })
    }
}

fn number(value: f64) -> String {
    format!("{value:.9e}")
}

fn numbers(values: &[f64]) -> String {
    values.iter().copied().map(number).collect::<Vec<_>>().join(" ")
}

fn or_null<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(|| "null".to_owned(), |value| value.to_string())
}

/// In quotation marks with line breaks escaped, so that no text can pass for a line of its own.
fn quoted(text: &str) -> String {
    format!("{text:?}")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::classify::performance::{CardEstimate, ClassHealthyShare, FilmRange, Repeatability, UnseenOrigins};
    use crate::smear::CellClass;

    fn measured() -> ModelCard {
        let card = include_bytes!("../../fixtures/models/tiny.card.json");
        let card = ModelCard::from_json(card, &ModelOrigin::Shipped).expect("the fixture");
        let figure = |figure: &str, value| CardEstimate {
            set: "val".to_owned(),
            figure: figure.to_owned(),
            value,
            low: Some(value - 0.1),
            high: None,
            n: 50,
        };
        let performance = MeasuredPerformance {
            sensitivity: Some(0.812_345),
            sensitivity_cells: Some(97),
            specificity: Some(0.996),
            specificity_cells: Some(1889),
            measured_on: Some("val".to_owned()),
            false_positive_floor: Some(HealthyShare {
                percent: 0.05,
                low: 0.01,
                high: 0.28,
                cells: 1994,
                measured_on: "healthy".to_owned(),
            }),
            class_floors: vec![ClassHealthyShare {
                class: CellClass::Burr,
                percent: 2.5,
                low: 1.9,
                high: 3.3,
                cells: 1994,
                measured_on: "healthy".to_owned(),
            }],
            unseen_origins: Some(UnseenOrigins {
                sensitivity: 0.51,
                sensitivity_cells: 87,
                sensitivity_measured_on: "left out".to_owned(),
                false_positive_floor: HealthyShare {
                    percent: 0.15,
                    low: 0.08,
                    high: 0.29,
                    cells: 5401,
                    measured_on: "left out".to_owned(),
                },
            }),
            repeatability: Some(Repeatability { relative_sd: 0.06, changes: 9, measured_on: "val".to_owned() }),
            film_ranges: vec![FilmRange {
                measure: "focus_per_um".to_owned(),
                low: 0.9,
                high: 2.3,
                tried_low: 0.7,
                tried_high: 2.6,
            }],
            figures: vec![figure("auc", 0.99), figure("macro_f1", 0.85)],
        };
        let review_operating_point = Some(0.3);
        ModelCard { performance, operating_point: 0.630_392_283_201_217_7, review_operating_point, ..card }
    }

    fn loaded(card: &Value) -> Result<ModelCard, ClassifyError> {
        ModelCard::from_json(card.to_string().as_bytes(), &ModelOrigin::Shipped)
    }

    #[test]
    fn a_sealed_card_reads_back_and_an_unsealed_one_is_not_evaluated() {
        let sealed = measured().sealed();
        assert_eq!(loaded(&json!(sealed)).expect("its own figures"), sealed);
        assert!(sealed.is_evaluated());
        let unsealed = loaded(&json!(measured())).expect("null is allowed");
        assert!(!unsealed.is_evaluated());
    }

    #[test]
    fn any_figure_changed_by_hand_is_refused() {
        let sealed = json!(measured().sealed());
        for (pointer, value) in [
            ("/performance/sensitivity", json!(0.912_345)),
            ("/performance/sensitivity_cells", json!(98)),
            ("/performance/specificity", json!(0.9961)),
            ("/performance/specificity_cells", json!(1890)),
            ("/performance/measured_on", json!("another set")),
            ("/performance/measured_on", Value::Null),
            ("/performance/false_positive_floor/percent", json!(0.04)),
            ("/performance/false_positive_floor/low", json!(0.0)),
            ("/performance/false_positive_floor/high", json!(0.2)),
            ("/performance/false_positive_floor/cells", json!(2994)),
            ("/performance/false_positive_floor/measured_on", json!("other people")),
            ("/performance/false_positive_floor", Value::Null),
            ("/performance/class_floors/0/class", json!("target")),
            ("/performance/class_floors/0/high", json!(2.9)),
            ("/performance/class_floors/0/cells", json!(1995)),
            ("/performance/class_floors/0/measured_on", json!("other people")),
            ("/performance/class_floors", json!([])),
            ("/performance/figures/0/value", json!(0.995)),
            ("/performance/figures/1/n", json!(51)),
            ("/performance/figures", json!([])),
            ("/operating_point", json!(0.6)),
            ("/review_operating_point", json!(0.2)),
            ("/review_operating_point", Value::Null),
            ("/red_cell_operating_point", json!(0.06)),
            ("/graph_sha256", json!("0".repeat(64))),
            ("/evaluation_sha256", json!("0".repeat(64))),
        ] {
            let mut changed = sealed.clone();
            *changed.pointer_mut(pointer).expect("a field of the card") = value;
            let error = loaded(&changed).expect_err(pointer);
            assert!(
                matches!(error, ClassifyError::CardInvalid { field: CardField::EvaluationSha256, .. }),
                "{pointer}: {error}"
            );
        }
    }

    #[test]
    fn words_that_measure_nothing_may_change() {
        let mut card = json!(measured().sealed());
        card["limits"] = json!("said better");
        loaded(&card).expect("no figure changed");
    }
}
