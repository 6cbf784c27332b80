//! Whether schistocytes were seen: the count as the ordinal finding that laboratories report (LOINC 800-3).
//!
//! METHOD: a classifier calls some normal cells schistocytes, so that one called cell is not "present". Present asks for
//! more than a film without schistocytes would read: the lower limit of the deciding interval lies above the highest
//! false-positive floor. Not seen asks that none was called among at least the fewest cells of a percentage. Everything
//! between is indeterminate; where the model's errors are unknown, nothing is present.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::CountRecord;
use crate::count::State;

/// The ordinal finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Presence {
    /// More than a film without schistocytes would read.
    Present,
    /// None among enough cells.
    NotSeen,
    /// Neither can be said.
    Indeterminate,
}

impl CountRecord {
    /// Whether schistocytes were seen; `None` where nothing can be assessed.
    pub fn presence(&self) -> Option<Presence> {
        let limits = self.deciding_95().filter(|_| self.state != State::NotAssessable)?;
        let above_floor = self.highest_floor_percent().is_some_and(|floor| limits.low > floor);
        Some(match self.schistocytes {
            0 if self.red_cells >= self.min_cells => Presence::NotSeen,
            0 => Presence::Indeterminate,
            _ if above_floor => Presence::Present,
            _ => Presence::Indeterminate,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::{FormsRecord, PercentInterval};
    use crate::count::FormTally;

    fn presence(schistocytes: u64, red_cells: u64, low: f64, floor: Option<f64>) -> Option<Presence> {
        let limits = (red_cells > 0).then_some(PercentInterval { low, high: 9.0 });
        let record = CountRecord {
            red_cells,
            schistocytes,
            percent: limits.map(|_| 100.0 * schistocytes as f64 / red_cells as f64),
            wilson_95: limits,
            field_bootstrap_95: None,
            corrected: None,
            false_positive_floor_percent: floor.map(|floor| floor / 2.0),
            false_positive_floor_95: floor.map(|high| PercentInterval { low: 0.0, high }),
            false_positive_floor_source: None,
            threshold_percent: 1.0,
            min_cells: 1000,
            state: if red_cells > 0 { State::Indeterminate } else { State::NotAssessable },
            context: None,
            other_abnormal_percent: None,
            forms: FormsRecord::of(&FormTally::default(), red_cells),
            grade: None,
        };
        record.presence()
    }

    #[test]
    fn present_on_both_sides_of_the_floor() {
        assert_eq!(presence(29, 1204, 0.331, Some(0.33)), Some(Presence::Present));
        assert_eq!(presence(29, 1204, 0.33, Some(0.33)), Some(Presence::Indeterminate));
        assert_eq!(presence(29, 1204, 1.7, None), Some(Presence::Indeterminate));
    }

    #[test]
    fn not_seen_on_both_sides_of_the_fewest_cells() {
        assert_eq!(presence(0, 1000, 0.0, Some(0.33)), Some(Presence::NotSeen));
        assert_eq!(presence(0, 999, 0.0, Some(0.33)), Some(Presence::Indeterminate));
        assert_eq!(presence(1, 1000, 0.0, Some(0.33)), Some(Presence::Indeterminate));
        assert_eq!(presence(0, 0, 0.0, Some(0.33)), None);
    }
}
