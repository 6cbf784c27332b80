//! The grade of a percentage (few, moderate, many) by the laboratory's own table.
//!
//! In: percent and a [`GradingTable`] from the laboratory's configuration. Out: a [`Grade`] that names its table. There is
//! no built-in table: published scales contradict each other, and the cut-offs of the ICSH nomenclature paper (Palmer et
//! al. 2015) could not be read in their source.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One step of a table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GradeStep {
    /// Word or sign of the grade, as the laboratory writes it.
    pub label: String,
    /// The grade holds from this percentage on, %; the first step begins at 0.
    pub from_percent: f64,
}

/// A laboratory's table of grades.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GradingTable {
    /// Name that stands beside every grade.
    pub name: String,
    /// Steps with rising limits, the first from 0.
    pub steps: Vec<GradeStep>,
}

/// What is wrong with a table.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum GradingError {
    /// No step, or the first does not begin at 0.
    #[error("grading table `{table}`: expected a first step with from_percent = 0; add it")]
    NoStart {
        /// The table.
        table: String,
    },
    /// A limit that does not rise, or is no percentage.
    #[error(
        "grading table `{table}`: expected rising from_percent between 0 and 100, found {found} for `{label}`; put the steps in order"
    )]
    NotRising {
        /// The table.
        table: String,
        /// The step.
        label: String,
        /// Its limit, %.
        found: f64,
    },
}

/// A grade with its table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Grade {
    /// Word or sign of the grade.
    pub label: String,
    /// Name of the table.
    pub table: String,
}

impl GradingTable {
    /// Whether every percentage has exactly one grade.
    ///
    /// # Errors
    /// [`GradingError`].
    pub fn check(&self) -> Result<(), GradingError> {
        let mut before = -1.0;
        if self.steps.first().is_none_or(|first| first.from_percent != 0.0) {
            return Err(GradingError::NoStart { table: self.name.clone() });
        }
        for step in &self.steps {
            // A limit that is no number is refused by the same comparison.
            if !(step.from_percent > before && step.from_percent <= 100.0) {
                let (table, label) = (self.name.clone(), step.label.clone());
                return Err(GradingError::NotRising { table, label, found: step.from_percent });
            }
            before = step.from_percent;
        }
        Ok(())
    }

    /// Grade of a percentage with full precision; `None` below the first step.
    pub fn grade(&self, percent: f64) -> Option<Grade> {
        let step = self.steps.iter().rev().find(|step| percent >= step.from_percent)?;
        Some(Grade { label: step.label.clone(), table: self.name.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(limits: &[(&str, f64)]) -> GradingTable {
        let steps = limits.iter().map(|&(label, from_percent)| GradeStep { label: label.to_owned(), from_percent });
        GradingTable { name: "made for this test".to_owned(), steps: steps.collect() }
    }

    #[test]
    fn a_limit_belongs_to_the_step_that_it_opens() {
        let table = table(&[("0", 0.0), ("1+", 0.5), ("2+", 1.0), ("3+", 2.0)]);
        assert_eq!(table.check(), Ok(()));
        for (percent, label) in [(0.0, "0"), (0.499_999, "0"), (0.5, "1+"), (1.999, "2+"), (2.0, "3+"), (100.0, "3+")] {
            assert_eq!(table.grade(percent).map(|grade| grade.label).as_deref(), Some(label), "{percent}");
        }
        assert_eq!(table.grade(1.0).map(|grade| grade.table).as_deref(), Some("made for this test"));
    }

    #[test]
    fn tables_with_gaps_or_disorder_are_refused() {
        assert!(matches!(table(&[]).check(), Err(GradingError::NoStart { .. })));
        assert!(matches!(table(&[("1+", 0.5)]).check(), Err(GradingError::NoStart { .. })));
        for second in [0.0, -1.0, 100.1, f64::NAN] {
            assert!(matches!(table(&[("0", 0.0), ("1+", second)]).check(), Err(GradingError::NotRising { .. })));
        }
    }
}
