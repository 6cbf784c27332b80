//! Who the blood comes from, as far as the thresholds depend on it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Age group that selects the reference limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AgeGroup {
    /// Adults and children beyond the newborn period.
    #[default]
    Adult,
    /// Newborns at term.
    TermNeonate,
    /// Newborns before term.
    PretermNeonate,
}

impl AgeGroup {
    /// Every group, in the order of the command line help.
    pub const ALL: [Self; 3] = [Self::Adult, Self::TermNeonate, Self::PretermNeonate];

    /// Name as typed and written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Adult => "adult",
            Self::TermNeonate => "term-neonate",
            Self::PretermNeonate => "preterm-neonate",
        }
    }
}
