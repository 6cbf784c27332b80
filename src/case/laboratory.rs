//! The laboratory that reports: name and address as a test report must state them (42 CFR 493.1291(c)).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Name and address of the laboratory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Laboratory {
    /// Name.
    pub name: String,
    /// Address in one line; null where it was not given.
    pub address: Option<String>,
}
