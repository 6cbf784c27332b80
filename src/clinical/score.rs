//! A published score as it is printed: items, points, bands, applicability, source.
//!
//! Points are whole numbers. A missing item is never imputed: the score is then not computable, and the points that it can
//! still reach are given instead. Numbers of published cohorts stand beside the bands; they describe those cohorts, not the
//! patient.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::IntoStaticStr;

use super::result::Quantity;

/// Whether a criterion holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "lowercase")]
pub enum ItemState {
    /// It holds.
    Met,
    /// It does not.
    #[strum(serialize = "not met")]
    NotMet,
    /// It is not known.
    Missing,
}

impl From<Option<bool>> for ItemState {
    fn from(known: Option<bool>) -> Self {
        match known {
            Some(true) => Self::Met,
            Some(false) => Self::NotMet,
            None => Self::Missing,
        }
    }
}

impl ItemState {
    /// The state in words.
    pub fn words(self) -> &'static str {
        self.into()
    }
}

/// One item of a score.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScoreItem {
    /// Name of the item.
    pub name: String,
    /// When it gives points.
    pub criterion: String,
    /// What is known of it, with unit; null where nothing is.
    pub value: Option<String>,
    /// Whether the criterion holds.
    pub state: ItemState,
    /// Points; null where the item is missing or gives none by its nature (checklists).
    pub points: Option<u32>,
    /// Most points that the item can give.
    pub highest_points: u32,
}

/// A condition under which the score was published.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScoreCondition {
    /// The condition.
    pub condition: String,
    /// Whether it holds.
    pub state: ItemState,
}

/// What came out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "state", deny_unknown_fields)]
pub enum ScoreResult {
    /// Every item is known.
    Computed {
        /// Sum of the points.
        points: u32,
    },
    /// An item or a condition is not known.
    NotComputable {
        /// What is missing, by name.
        missing: Vec<String>,
        /// Fewest points that the known items leave possible.
        lowest: u32,
        /// Most points that the known items leave possible.
        highest: u32,
    },
    /// The patient is outside the population of the score.
    NotApplicable {
        /// Why.
        reason: String,
    },
    /// A list of criteria that is shown and never summed up.
    Checklist {
        /// Criteria that hold at the one time that is known.
        met: u32,
        /// Criteria that do not.
        not_met: u32,
        /// Criteria that are not known.
        missing: u32,
    },
}

/// Points that belong together, with what published cohorts had.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScoreBand {
    /// Lowest points.
    pub lowest: u32,
    /// Highest points.
    pub highest: u32,
    /// Name of the band in the publication.
    pub label: String,
    /// Figures of published cohorts, not of this patient.
    pub published_cohorts: Vec<String>,
}

/// A score.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Score {
    /// Name.
    pub name: String,
    /// Version of the score.
    pub version: String,
    /// What it was made to estimate.
    pub estimates: String,
    /// Whom it was published for.
    pub applicability: String,
    /// The conditions of that population and whether they hold.
    pub conditions: Vec<ScoreCondition>,
    /// Items in published order.
    pub items: Vec<ScoreItem>,
    /// What came out.
    pub result: ScoreResult,
    /// Bands with published figures.
    pub bands: Vec<ScoreBand>,
    /// What to keep in mind for this patient.
    pub caveats: Vec<String>,
    /// Publication.
    pub source: String,
}

/// Printed with the figures of every band.
pub const PUBLISHED_COHORT_NOTE: &str = "published cohort, not this patient";

/// Printed with every score.
pub const SCORE_NOTE: &str = "A score does not diagnose.";

/// Points in words: `1 point`, `3 points`, or what they may still be: `1 to 6 points`.
pub fn points_words(lowest: u32, highest: u32) -> String {
    match (lowest, highest) {
        (1, 1) => "1 point".to_owned(),
        (lowest, highest) if lowest == highest => format!("{lowest} points"),
        (lowest, highest) => format!("{lowest} to {highest} points"),
    }
}

impl Score {
    /// The band that computed points lie in.
    pub fn band(&self) -> Option<&ScoreBand> {
        let ScoreResult::Computed { points } = self.result else { return None };
        self.bands.iter().find(|band| (band.lowest..=band.highest).contains(&points))
    }
}

/// Sums items up under their conditions.
///
/// METHOD: a condition that does not hold makes the score not applicable; one that is not known makes it not computable,
/// because points outside the published population mean nothing.
pub(super) fn sum(items: &[ScoreItem], conditions: &[ScoreCondition]) -> ScoreResult {
    let in_state = |state| conditions.iter().filter(move |one| one.state == state).map(|one| one.condition.clone());
    let failed: Vec<String> = in_state(ItemState::NotMet).collect();
    if !failed.is_empty() {
        return ScoreResult::NotApplicable { reason: format!("not fulfilled: {}", failed.join("; ")) };
    }
    let unknown = items.iter().filter(|item| item.state == ItemState::Missing).map(|item| item.name.clone());
    let missing: Vec<String> = unknown.chain(in_state(ItemState::Missing)).collect();
    let lowest: u32 = items.iter().filter_map(|item| item.points).sum();
    if missing.is_empty() {
        return ScoreResult::Computed { points: lowest };
    }
    let open: u32 = items.iter().filter(|item| item.points.is_none()).map(|item| item.highest_points).sum();
    ScoreResult::NotComputable { missing, lowest, highest: lowest + open }
}

impl ScoreItem {
    /// An item of a checklist, which gives no points.
    pub(super) fn unscored(name: &str, criterion: impl Into<String>, value: Option<String>, met: Option<bool>) -> Self {
        let (name, criterion) = (name.to_owned(), criterion.into());
        Self { name, criterion, value, state: met.into(), points: None, highest_points: 0 }
    }

    /// An item of one point.
    pub(super) fn one_point(
        name: &str,
        criterion: impl Into<String>,
        value: Option<String>,
        met: Option<bool>,
    ) -> Self {
        Self { points: met.map(u32::from), highest_points: 1, ..Self::unscored(name, criterion, value, met) }
    }

    /// An item of one point for a number below a cut-off, both in the canonical unit.
    pub(super) fn point_below(name: &str, criterion: impl Into<String>, number: Option<&Quantity>, cut: f64) -> Self {
        Self::one_point(name, criterion, number.map(ToString::to_string), is_below(number, cut))
    }

    /// An item of several points; it is met where it gives any.
    pub(super) fn tiered(
        name: &str,
        criterion: impl Into<String>,
        value: Option<String>,
        points: Option<u32>,
        highest_points: u32,
    ) -> Self {
        let met = points.map(|points| points > 0);
        Self { points, highest_points, ..Self::unscored(name, criterion, value, met) }
    }
}

impl ScoreBand {
    /// A band of a score that estimates severe ADAMTS13 deficiency, with the share of it in published cohorts.
    pub(super) fn severe_deficiency(lowest: u32, highest: u32, label: &str, share: &str) -> Self {
        let cohorts = format!("severe deficiency in {share} ({PUBLISHED_COHORT_NOTE})");
        Self { lowest, highest, label: label.to_owned(), published_cohorts: vec![cohorts] }
    }
}

/// Whether a number is known to lie below a cut-off in the canonical unit.
pub(super) fn is_below(number: Option<&Quantity>, cut: f64) -> Option<bool> {
    number.and_then(|number| number.is_below(cut))
}

/// A condition.
pub(super) fn condition(text: impl Into<String>, holds: Option<bool>) -> ScoreCondition {
    ScoreCondition { condition: text.into(), state: holds.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(states: [Option<bool>; 3]) -> Vec<ScoreItem> {
        states.iter().enumerate().map(|(i, met)| ScoreItem::one_point(&format!("item {i}"), "", None, *met)).collect()
    }

    #[test]
    fn points_are_said_once() {
        let words = [(1, 1), (0, 0), (3, 3), (1, 6)].map(|(lowest, highest)| points_words(lowest, highest));
        assert_eq!(words, ["1 point", "0 points", "3 points", "1 to 6 points"]);
    }

    #[test]
    fn a_missing_item_gives_the_range() {
        let known = items([Some(true), Some(false), Some(true)]);
        assert_eq!(sum(&known, &[]), ScoreResult::Computed { points: 2 });
        let open = items([Some(true), None, Some(false)]);
        let missing = vec!["item 1".to_owned()];
        assert_eq!(sum(&open, &[]), ScoreResult::NotComputable { missing, lowest: 1, highest: 2 });
    }

    #[test]
    fn a_condition_that_fails_goes_before_one_that_is_unknown() {
        let known = items([Some(true); 3]);
        let unknown = [condition("adult", None)];
        let missing = vec!["adult".to_owned()];
        assert_eq!(sum(&known, &unknown), ScoreResult::NotComputable { missing, lowest: 3, highest: 3 });
        let failed = [condition("adult", None), condition("platelets", Some(false))];
        let reason = "not fulfilled: platelets".to_owned();
        assert_eq!(sum(&known, &failed), ScoreResult::NotApplicable { reason });
    }
}
