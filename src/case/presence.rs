//! Whether schistocytes were seen: the count as the ordinal finding that laboratories report (LOINC 800-3).
//!
//! METHOD: a classifier calls some normal cells schistocytes, so that one called cell is not "present". The finding is that
//! of [`SmearFinding::schistocytes_seen`], by which scores ask too: one report must not say both. Present where the
//! count is placed above the limit, not seen where none was called among enough cells; everything between is indeterminate.

use super::CountRecord;
use crate::count::State;
use crate::evidence::SmearFinding;

/// The ordinal finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// More than the reference limit, errors allowed for.
    Present,
    /// None among enough cells.
    NotSeen,
    /// Neither can be said.
    Indeterminate,
}

impl CountRecord {
    /// Whether schistocytes were seen; `None` where nothing can be assessed.
    pub fn presence(&self) -> Option<Presence> {
        if self.state == State::NotAssessable || self.red_cells == 0 {
            return None;
        }
        Some(match SmearFinding::from(self).schistocytes_seen() {
            Some(true) => Presence::Present,
            Some(false) => Presence::NotSeen,
            None => Presence::Indeterminate,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::count::{CountOptions, FieldTally, Performance, SchistocyteCount};
    use crate::smear::CellClass;
    use crate::stats::Probability;

    fn presence(normal: usize, schistocytes: usize) -> Option<Presence> {
        let of = std::iter::repeat_n;
        let field: FieldTally = of(CellClass::Normal, normal).chain(of(CellClass::Schistocyte, schistocytes)).collect();
        let known = Performance {
            sensitivity: Probability::new(0.9).ok(),
            sensitivity_cells: Some(1000),
            specificity: Probability::new(1.0).ok(),
            specificity_cells: Some(1_000_000),
            ..Performance::default()
        };
        let options = CountOptions { min_cells: 1000, ..CountOptions::default() };
        let count = SchistocyteCount::of_fields(&[field], &options, &known);
        CountRecord::from(&count).presence()
    }

    #[test]
    fn present_on_both_sides_of_the_limit() {
        // Wilson 95 %: 19 of 1000 from 1.22 %, 15 of 1000 from 0.91 %; nearly no false calls.
        assert_eq!(presence(981, 19), Some(Presence::Present));
        assert_eq!(presence(985, 15), Some(Presence::Indeterminate));
    }

    #[test]
    fn not_seen_on_both_sides_of_the_fewest_cells() {
        assert_eq!(presence(1000, 0), Some(Presence::NotSeen));
        assert_eq!(presence(999, 0), Some(Presence::Indeterminate));
        assert_eq!(presence(999, 1), Some(Presence::Indeterminate));
        assert_eq!(presence(0, 0), None);
    }
}
