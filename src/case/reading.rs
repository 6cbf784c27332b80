//! What a person reads a cell as, and which cell that is.
//!
//! In: the words of a review. Out: [`Reading`]s that hold together: only a schistocyte has a form, and only another red cell has
//! a class, which is not schistocyte.
//! Source of the criteria: ICSH (Zini et al., Int J Lab Hematol 2021, 43:1264–1271).

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::IntoStaticStr;

use crate::smear::{CellClass, CellId, SchistocyteForm};

/// What a cell is read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum ReadAs {
    /// A schistocyte.
    Schistocyte,
    /// Another red cell.
    Other,
    /// A red cell that may be a schistocyte or not.
    Undecided,
    /// No red cell, or one whose outline cannot be seen: it leaves the count.
    NotAssessable,
}

impl ReadAs {
    /// Name as written in files; also the serde name.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// A reading of one cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "WrittenReading", into = "WrittenReading")]
#[schemars(with = "WrittenReading")]
pub struct Reading {
    read_as: ReadAs,
    form: Option<SchistocyteForm>,
    class: Option<CellClass>,
}

impl Reading {
    /// A reading without form or class.
    pub fn of(read_as: ReadAs) -> Self {
        Self { read_as, form: None, class: None }
    }

    /// A schistocyte of a form.
    pub fn of_form(form: SchistocyteForm) -> Self {
        Self { read_as: ReadAs::Schistocyte, form: Some(form), class: None }
    }

    /// A red cell of a class; a class of its own is the schistocyte.
    pub fn of_class(class: CellClass) -> Self {
        match class {
            CellClass::Schistocyte => Self::of(ReadAs::Schistocyte),
            class => Self { read_as: ReadAs::Other, form: None, class: Some(class) },
        }
    }

    /// What the cell is read as.
    pub fn read_as(self) -> ReadAs {
        self.read_as
    }

    /// Form of a schistocyte, where the reader names one.
    pub fn form(self) -> Option<SchistocyteForm> {
        self.form
    }

    /// Class of another red cell, where the reader names one.
    pub fn class(self) -> Option<CellClass> {
        self.class
    }

    /// Whether it is read as a schistocyte.
    pub fn is_schistocyte(self) -> bool {
        self.read_as == ReadAs::Schistocyte
    }
}

/// For people: `schistocyte (helmet)`, `burr`, `no schistocyte`.
impl fmt::Display for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.read_as, self.form, self.class) {
            (ReadAs::Schistocyte, Some(form), _) => write!(f, "schistocyte ({})", form.name()),
            (ReadAs::Schistocyte, None, _) => write!(f, "schistocyte"),
            (ReadAs::Other, _, Some(class)) => write!(f, "{}", class.name()),
            (ReadAs::Other, _, None) => write!(f, "no schistocyte"),
            (ReadAs::Undecided, ..) => write!(f, "undecided"),
            (ReadAs::NotAssessable, ..) => write!(f, "not assessable"),
        }
    }
}

/// A reading as it is written.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct WrittenReading {
    /// What the cell is read as.
    read_as: ReadAs,
    /// Form of a schistocyte; left out where none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    form: Option<SchistocyteForm>,
    /// Class of another red cell; left out where none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    class: Option<CellClass>,
}

impl From<Reading> for WrittenReading {
    fn from(Reading { read_as, form, class }: Reading) -> Self {
        Self { read_as, form, class }
    }
}

impl TryFrom<WrittenReading> for Reading {
    type Error = &'static str;

    fn try_from(WrittenReading { read_as, form, class }: WrittenReading) -> Result<Self, Self::Error> {
        match (read_as, form, class) {
            (ReadAs::Schistocyte, _, None) => {}
            (ReadAs::Other, None, class) if class != Some(CellClass::Schistocyte) => {}
            (_, None, None) => {}
            (_, Some(_), _) => return Err("expected a form beside `schistocyte` alone"),
            _ => return Err("expected a class other than schistocyte, beside `other` alone"),
        }
        Ok(Self { read_as, form, class })
    }
}

/// A cell of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum CellKey {
    /// An object that the program found.
    Found {
        /// Place of its field in the record, from 0.
        field: u32,
        /// Its number in the field.
        cell: CellId,
    },
    /// A cell that a person added.
    Added {
        /// Its number among the added cells, from 1.
        number: u32,
    },
}

/// What a person said of a cell, as the record lists it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CellReading {
    /// The cell.
    pub key: CellKey,
    /// Name of its field.
    pub field: String,
    /// Middle of the cell, px of the original image.
    pub x_px: f64,
    /// Middle of the cell, px of the original image.
    pub y_px: f64,
    /// What the program called it; null for an added cell and one that the classifier did not see.
    pub called: Option<CellClass>,
    /// What it is read as.
    pub reading: Reading,
    /// Why a missed cell was added, or one that the program left out was counted; left out for others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readings_are_written_short_and_read_back() {
        for (reading, text) in [
            (Reading::of(ReadAs::Undecided), r#"{"read_as":"undecided"}"#),
            (Reading::of_form(SchistocyteForm::Helmet), r#"{"read_as":"schistocyte","form":"helmet"}"#),
            (Reading::of_class(CellClass::Burr), r#"{"read_as":"other","class":"burr"}"#),
            (Reading::of_class(CellClass::Schistocyte), r#"{"read_as":"schistocyte"}"#),
        ] {
            assert_eq!(serde_json::to_string(&reading).expect("plain"), text);
            assert_eq!(serde_json::from_str::<Reading>(text).expect("its own text"), reading);
        }
    }

    #[test]
    fn what_does_not_hold_together_is_refused() {
        for bad in [
            r#"{"read_as":"other","form":"helmet"}"#,
            r#"{"read_as":"schistocyte","class":"burr"}"#,
            r#"{"read_as":"other","class":"schistocyte"}"#,
            r#"{"read_as":"undecided","class":"burr"}"#,
            r#"{"read_as":"not_assessable","form":"helmet"}"#,
            r#"{"read_as":"sick"}"#,
        ] {
            assert!(serde_json::from_str::<Reading>(bad).is_err(), "{bad}");
        }
    }
}
