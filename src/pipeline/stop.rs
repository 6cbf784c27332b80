//! When the count of a slide ends.
//!
//! In: the fields counted so far, in their order. Out: whether to go on. Rules ([`StopRule`]): 1. one field after
//! another is added and looked at; 2. at least the minimum count is reached; 3. the count ends where the state is above or
//! not above, the errors of the model allowed for, or at the largest count. The repeated look is paid for in the interval
//! ([`crate::stats::sequential`]), so that the state is as sure as one of a fixed count.
//!
//! METHOD: fields end the count, not cells: half a field would be chosen by its order within. A fixed number of cells ends
//! at the first field that reaches it, whatever was found, and is one look.

use crate::count::{CountOptions, FieldTally, Looks, Performance, SchistocyteCount, State};

/// Red cells at which a count that is still undecided ends: the interval around 1 % is then 0.8 to 1.2 %.
pub const DEFAULT_MAX_CELLS: u64 = 10_000;

/// How long is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopRule {
    /// From the minimum count on until the count is placed on one side of the threshold.
    Decided {
        /// Red cells at which it ends undecided.
        max_cells: u64,
    },
    /// A number of red cells that was fixed before.
    Cells(u64),
    /// To the last field.
    Never,
}

impl Default for StopRule {
    fn default() -> Self {
        Self::Decided { max_cells: DEFAULT_MAX_CELLS }
    }
}

impl StopRule {
    /// Name as written in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Decided { .. } => "decided",
            Self::Cells(_) => "cells",
            Self::Never => "all_fields",
        }
    }

    /// How often the count is looked at.
    pub(super) fn looks(self) -> Looks {
        match self {
            Self::Decided { .. } => Looks::EveryField,
            Self::Cells(_) | Self::Never => Looks::Once,
        }
    }

    /// Fields that are likely to be needed, for the time left.
    pub(super) fn likely_fields(self, planned: usize, min_cells: u64) -> usize {
        let cells = match self {
            Self::Decided { .. } => min_cells,
            Self::Cells(cells) => cells,
            Self::Never => return planned,
        };
        planned.min(usize::try_from(cells.div_ceil(LIKELY_CELLS)).unwrap_or(usize::MAX))
    }
}

/// Red cells of a field of a slide, for the time left: those of a thin monolayer.
const LIKELY_CELLS: u64 = 100;

/// Why the count ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stopped {
    Decided,
    MaxCells,
    Cells,
    LastField,
}

impl Stopped {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Decided => "decided",
            Self::MaxCells => "max_cells",
            Self::Cells => "cells",
            Self::LastField => "last_field",
        }
    }
}

/// Whether the count ends after these fields; `None` to go on.
pub(super) fn stops(
    rule: StopRule,
    tallies: &[FieldTally],
    options: &CountOptions,
    performance: &Performance,
) -> Option<Stopped> {
    let red_cells: u64 = tallies.iter().map(FieldTally::red_cells).sum();
    match rule {
        StopRule::Never => None,
        StopRule::Cells(cells) => (red_cells >= cells).then_some(Stopped::Cells),
        StopRule::Decided { max_cells } => {
            if red_cells < options.min_cells {
                return None;
            }
            let count = SchistocyteCount::of_fields(tallies, options, performance);
            match count.state {
                State::Above | State::NotAbove => Some(Stopped::Decided),
                _ => (red_cells >= max_cells).then_some(Stopped::MaxCells),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::smear::CellClass;
    use crate::stats::Probability;

    fn field(normal: usize, schistocytes: usize) -> FieldTally {
        let of = std::iter::repeat_n;
        of(CellClass::Normal, normal).chain(of(CellClass::Schistocyte, schistocytes)).collect()
    }

    fn options() -> CountOptions {
        CountOptions { looks: Looks::EveryField, ..CountOptions::default() }
    }

    fn after(rule: StopRule, fields: usize, field: FieldTally) -> Option<Stopped> {
        let known = Performance {
            sensitivity: Probability::new(0.9).ok(),
            sensitivity_cells: Some(1000),
            specificity: Probability::new(0.999).ok(),
            specificity_cells: Some(10_000),
            ..Performance::default()
        };
        stops(rule, &vec![field; fields], &options(), &known)
    }

    #[test]
    fn a_model_without_error_rates_never_decides() {
        let rule = StopRule::Decided { max_cells: 3000 };
        let stops = |fields| stops(rule, &vec![field(100, 0); fields], &options(), &Performance::default());
        assert_eq!((stops(29), stops(30)), (None, Some(Stopped::MaxCells)));
    }

    #[test]
    fn a_clear_count_ends_at_the_minimum_and_not_before() {
        let rule = StopRule::default();
        assert_eq!(after(rule, 9, field(100, 0)), None);
        assert_eq!(after(rule, 10, field(100, 0)), Some(Stopped::Decided));
        assert_eq!(after(rule, 10, field(90, 10)), Some(Stopped::Decided));
    }

    #[test]
    fn an_undecided_count_ends_at_the_most() {
        let rule = StopRule::Decided { max_cells: 3000 };
        assert_eq!(after(rule, 29, field(99, 1)), None);
        assert_eq!(after(rule, 30, field(99, 1)), Some(Stopped::MaxCells));
    }

    #[test]
    fn a_fixed_number_does_not_look_at_what_was_found() {
        assert_eq!(after(StopRule::Cells(500), 4, field(60, 40)), None);
        assert_eq!(after(StopRule::Cells(500), 5, field(100, 0)), Some(Stopped::Cells));
        assert_eq!(after(StopRule::Never, 500, field(100, 0)), None);
    }

    #[test]
    fn likely_fields_never_exceed_the_plan() {
        assert_eq!(StopRule::default().likely_fields(4000, 1000), 10);
        assert_eq!(StopRule::default().likely_fields(4, 1000), 4);
        assert_eq!(StopRule::Never.likely_fields(4000, 1000), 4000);
        assert_eq!(StopRule::Cells(250).likely_fields(9, 1000), 3);
        assert_eq!(StopRule::Cells(250).likely_fields(0, 1000), 0);
    }
}
