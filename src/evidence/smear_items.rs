//! The count of schistocytes as items.
//!
//! Percent is percent of counted red cells. A measured value supports or speaks against mechanical hemolysis only where
//! the count placed it, as in [`crate::count`].

use super::record::{Bearing, Direction, EvidenceItem, ItemReference, Statement};
use super::rules::bearing;
use super::sources;
use crate::clinical::{ClinicalContext, Flag, ReferenceOwner};
use crate::count::{Context, State};

/// What was measured on the film.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SmearFinding {
    /// Schistocytes, % of red cells; `None` without a red cell.
    pub percent: Option<f64>,
    /// Lower limit of the widest interval of the called share, %.
    pub low_percent: Option<f64>,
    /// Upper limit of the same, %.
    pub high_percent: Option<f64>,
    /// Red cells counted.
    pub red_cells: u64,
    /// Schistocytes counted.
    pub schistocytes: u64,
    /// Reference limit of the age group, %.
    pub threshold_percent: f64,
    /// Where the true share lies against the limit.
    pub state: State,
    /// Whether schistocytes are the main change of shape.
    pub context: Option<Context>,
    /// Whether more were called than the model's false calls explain: its lower limit less the model's errors is above 0.
    pub beyond_model_error: bool,
}

impl SmearFinding {
    /// Whether schistocytes are visible, as scores ask.
    ///
    /// METHOD: a program calls some cells of healthy films too, so that a few called cells do not tell. Among enough cells
    /// they are visible where more were called than false calls explain (the lower limit lies above the floor), not
    /// visible where none was called and the count is not above the limit, else unknown.
    pub fn schistocytes_seen(&self) -> Option<bool> {
        match self.state {
            State::Above => Some(true),
            State::NotAbove if self.schistocytes == 0 => Some(false),
            State::NotAbove | State::Indeterminate if self.beyond_model_error => Some(true),
            _ => None,
        }
    }

    /// Value with interval and counts.
    pub(super) fn value_text(&self) -> Option<String> {
        let (percent, low, high) = (self.percent?, self.low_percent?, self.high_percent?);
        Some(format!(
            "{percent:.2} % (95 % CI {low:.2}–{high:.2}; {} of {} red cells)",
            self.schistocytes, self.red_cells
        ))
    }

    /// Where the value lies, in words.
    ///
    /// METHOD: in a mixed picture ICSH finds a percentage not specific. That is said beside the state and does not turn it:
    /// the count has allowed for the false calls of such a picture already.
    fn rule(&self) -> (Direction, String) {
        let limit = self.threshold_percent;
        let (direction, placed) = match self.state {
            State::Above => (
                Direction::Supports,
                format!("the lower limit less the model's errors lies above the limit of {limit} %"),
            ),
            State::NotAbove => (
                Direction::SpeaksAgainst,
                format!(
                    "the upper limit with the model's errors lies at or below the limit of {limit} %; this does not \
                     exclude TMA"
                ),
            ),
            State::Indeterminate => (
                Direction::Neutral,
                format!("with the model's errors it may lie on either side of the limit of {limit} %"),
            ),
            State::Insufficient => (Direction::Neutral, "too few red cells to place the value".to_owned()),
            State::NotAssessable => (Direction::Neutral, "no red cell could be counted".to_owned()),
        };
        let caution = match self.context {
            Some(Context::MixedPoikilocytosis) => {
                "; other changes of shape outnumber schistocytes, so that a percentage is not specific"
            }
            _ => "",
        };
        (direction, format!("{placed}{caution}"))
    }

    fn bearing(&self) -> Bearing {
        let (direction, rule) = self.rule();
        bearing(Statement::MechanicalHemolysis, direction, rule, sources::ICSH)
    }
}

/// Code of the measured percentage.
const PERCENT_CODE: &str = "schistocytes_percent";

/// Code of what a person saw.
const FILM_CODE: &str = "schistocytes_on_film";

/// Items of the smear.
pub(super) fn of(smear: Option<&SmearFinding>, context: &ClinicalContext) -> Vec<EvidenceItem> {
    let measured = smear.map(|smear| EvidenceItem {
        code: PERCENT_CODE.to_owned(),
        name: "Schistocytes, measured".to_owned(),
        value_text: smear.value_text().unwrap_or_else(|| "not assessable".to_owned()),
        // Six decimals, as every published figure of the count.
        value: smear.percent.map(|percent| (percent * 1e6).round() / 1e6),
        unit: smear.percent.map(|_| "%".to_owned()),
        reference: Some(ItemReference {
            low: None,
            high: Some((smear.threshold_percent * 1e6).round() / 1e6),
            owner: ReferenceOwner::BuiltIn,
            source: sources::ICSH.to_owned(),
        }),
        flag: match smear.state {
            State::Above => Some(Flag::High),
            State::NotAbove => Some(Flag::Normal),
            _ => None,
        },
        collected_at: None,
        bearings: vec![smear.bearing()],
        earlier: Vec::new(),
        notes: vec!["Counted by software, preliminary until reviewed.".to_owned()],
    });
    let seen = context.schistocytes_on_film.map(|seen| EvidenceItem {
        code: FILM_CODE.to_owned(),
        name: "Schistocytes, seen by a person".to_owned(),
        value_text: if seen { "seen" } else { "not seen" }.to_owned(),
        value: None,
        unit: None,
        reference: None,
        flag: None,
        collected_at: None,
        bearings: vec![bearing(
            Statement::MechanicalHemolysis,
            if seen { Direction::Supports } else { Direction::SpeaksAgainst },
            if seen { "seen on the film" } else { "not seen on the film; this does not exclude TMA" },
            sources::ENTERED,
        )],
        earlier: Vec::new(),
        notes: Vec::new(),
    });
    measured.into_iter().chain(seen).collect()
}
