//! Whether schistocytes were seen: the count as the ordinal finding that laboratories report (LOINC 800-3).
//!
//! METHOD: a classifier calls some normal cells schistocytes, so that one called cell is not "present". The finding is that
//! of [`SmearFinding::schistocytes_seen`], by which scores ask too: one report must not say both. Among enough cells it is
//! present where the lower limit lies above the floor of false calls, whatever the side of the reference limit; not seen
//! where none was called and the count is not above that limit; everything between is indeterminate.

use super::CountRecord;
use crate::count::State;
use crate::evidence::SmearFinding;

/// The ordinal finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// More than the model's false calls explain.
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

    fn record(normal: usize, schistocytes: usize, known: &Performance) -> CountRecord {
        let of = std::iter::repeat_n;
        let field: FieldTally = of(CellClass::Normal, normal).chain(of(CellClass::Schistocyte, schistocytes)).collect();
        let options = CountOptions { min_cells: 1000, ..CountOptions::default() };
        CountRecord::from(&SchistocyteCount::of_fields(&[field], &options, known))
    }

    fn presence(normal: usize, schistocytes: usize) -> Option<Presence> {
        let known = Performance {
            sensitivity: Probability::new(0.9).ok(),
            sensitivity_cells: Some(1000),
            specificity: Probability::new(1.0).ok(),
            specificity_cells: Some(1_000_000),
            ..Performance::default()
        };
        record(normal, schistocytes, &known).presence()
    }

    #[test]
    fn present_where_the_lower_limit_lies_above_the_floor() {
        // Nearly no false calls: present above the reference limit of 1 % and below it.
        assert_eq!(presence(981, 19), Some(Presence::Present));
        assert_eq!(presence(985, 15), Some(Presence::Present));
        // A floor of up to 0.918 % (Wilson, 10 of 2,000): 15 of 1,000 from 0.911 %, 16 of 1,000 from 0.988 %.
        let high_floor = Performance {
            specificity: Probability::new(0.995).ok(),
            specificity_cells: Some(2000),
            sensitivity: Probability::new(1.0).ok(),
            sensitivity_cells: Some(1_000_000),
            ..Performance::default()
        };
        let of = |normal, schistocytes| {
            let record = record(normal, schistocytes, &high_floor);
            (record.is_beyond_model_error(), record.presence())
        };
        assert_eq!(of(985, 15), (false, Some(Presence::Indeterminate)));
        assert_eq!(of(970, 30), (true, Some(Presence::Present)));
        // Too few cells for any finding.
        assert_eq!(of(480, 19), (true, Some(Presence::Indeterminate)));
    }

    #[test]
    fn not_seen_on_both_sides_of_the_fewest_cells() {
        assert_eq!(presence(1000, 0), Some(Presence::NotSeen));
        assert_eq!(presence(999, 0), Some(Presence::Indeterminate));
        assert_eq!(presence(998, 1), Some(Presence::Indeterminate));
        assert_eq!(presence(0, 0), None);
    }
}
