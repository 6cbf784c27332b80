//! One observation of a message: what is observed, its code, its value with the unit, where it lies, and remarks.

use super::codes::{Code, ObservationName};
use crate::case::{PercentInterval, State};
use crate::report::document::words::state_words;

/// Units, as UCUM writes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::report) enum Unit {
    /// Percent of counted red cells.
    Percent,
    /// A number of cells.
    Cells,
    /// A number of something else.
    One,
}

impl Unit {
    /// UCUM code; an annotation in braces is the unit 1.
    pub(in crate::report) fn ucum(self) -> &'static str {
        match self {
            Self::Percent => "%",
            Self::Cells => "{cells}",
            Self::One => "1",
        }
    }

    /// Words.
    pub(in crate::report) fn words(self) -> &'static str {
        match self {
            Self::Percent => "percent",
            Self::Cells => "cells",
            Self::One => "",
        }
    }
}

/// What was observed; `None` where it could not be assessed.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::report) enum Value {
    /// A percentage.
    Percent(Option<f64>),
    /// An interval of percentages.
    Interval(Option<PercentInterval>),
    /// A number without a unit, such as a kappa.
    Ratio(Option<f64>),
    /// A number of cells, fields or files.
    Count(Option<u64>, Unit),
    /// A local code with its words.
    Coded(Option<(String, String)>),
}

impl Value {
    /// Whether there is a value.
    pub(in crate::report) fn is_known(&self) -> bool {
        match self {
            Self::Percent(value) | Self::Ratio(value) => value.is_some(),
            Self::Interval(value) => value.is_some(),
            Self::Count(value, _) => value.is_some(),
            Self::Coded(value) => value.is_some(),
        }
    }
}

/// Where a value lies against its reference limit (HL7 table 0078, FHIR `v3-ObservationInterpretation`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::report) enum Flag {
    /// A number whose state is above.
    High,
    /// The state is not above; no schistocyte was seen.
    Normal,
    /// A word that is not normal: the state is above, schistocytes are present, the picture is mixed.
    Abnormal,
    /// There is a value, and it is not placed: indeterminate, or too few cells.
    Indeterminate,
}

impl Flag {
    /// Its code and words.
    ///
    /// `IND` is in table 0078 from version 2.7 on; before, OBX-8 takes codes of the user.
    pub(in crate::report) fn code(self) -> (&'static str, &'static str) {
        match self {
            Self::High => ("H", "High"),
            Self::Normal => ("N", "Normal"),
            Self::Abnormal => ("A", "Abnormal"),
            Self::Indeterminate => ("IND", "Indeterminate"),
        }
    }
}

/// One observation.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::report) struct Observation {
    /// What is observed.
    pub(in crate::report) name: ObservationName,
    /// Code.
    pub(in crate::report) code: Code,
    /// What was observed.
    pub(in crate::report) value: Value,
    /// Where it lies against the limit.
    pub(in crate::report) flag: Option<Flag>,
    /// Highest value within the reference limit, %, and whose limit it is.
    pub(in crate::report) high_limit: Option<(f64, &'static str)>,
    /// Remarks, one sentence each.
    pub(in crate::report) notes: Vec<String>,
}

/// A local code with its words.
pub(super) fn coded(code: Option<(&str, &str)>) -> Value {
    Value::Coded(code.map(|(code, words)| (code.to_owned(), words.to_owned())))
}

/// Code of a state.
pub(super) fn state_code(state: State) -> (&'static str, &'static str) {
    let code = match state {
        State::Above => "ABOVE",
        State::NotAbove => "NOTABOVE",
        State::Indeterminate => "INDETERMINATE",
        State::Insufficient => "INSUFFICIENT",
        State::NotAssessable => "NOTASSESSABLE",
    };
    (code, state_words(state))
}
