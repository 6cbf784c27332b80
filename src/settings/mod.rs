//! The laboratory's configuration: one TOML file with everything that a laboratory settles once.
//!
//! In: TOML text of at most [`MAX_SETTINGS_BYTES`]. Out: [`Settings`], checked; every part has a default. Unknown keys are
//! refused, because a misspelled limit that is silently left out would be worse than no file at all.
//!
//! | table | holds |
//! | --- | --- |
//! | `laboratory` | name and address on every report |
//! | `count` | fewest red cells, grading table |
//! | `clinical.panel` | reference intervals, local codes, further units |
//! | `clinical.scores` | upper limits, cut-offs, version of the DIC score |
//! | `messages` | codes, HL7 version and components, FHIR |
//!
//! [`LoadedSettings::entries`] lists the effective value of every key with where it came from.
//! Limits: what concerns one specimen (order, pixel size, age group) is no setting.

mod entries;

use std::error::Error;
use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub use entries::{Entry, EntrySource};

use crate::case::Laboratory;
use crate::clinical::{ClinicalOptions, PanelProblem};
use crate::count::{DEFAULT_MIN_CELLS, GradingError, GradingTable};
use crate::durable::sha256_hex;
use crate::report::{ReportError, ReportSettings};

/// Largest configuration file, bytes.
pub const MAX_SETTINGS_BYTES: u64 = 1 << 20;

/// How counts are placed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CountSettings {
    /// Fewest red cells for a percentage.
    pub min_cells: u64,
    /// Grades of the percentage; none where left out.
    pub grading: Option<GradingTable>,
}

impl Default for CountSettings {
    fn default() -> Self {
        Self { min_cells: DEFAULT_MIN_CELLS, grading: None }
    }
}

/// Everything that a laboratory settles once.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Name and address.
    pub laboratory: Option<Laboratory>,
    /// Minimum count and grades.
    pub count: CountSettings,
    /// Panels and scores.
    pub clinical: ClinicalOptions,
    /// Codes, HL7 and FHIR.
    pub messages: ReportSettings,
}

/// What is wrong with a configuration.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsProblem {
    /// The file cannot be read (environment).
    #[error("expected a configuration file that can be read; check the path and its permissions")]
    Read(#[source] std::io::Error),
    /// More than a configuration holds (limit reached).
    #[error("expected a configuration of at most {MAX_SETTINGS_BYTES} bytes, found more; name another file")]
    TooLarge,
    /// No TOML, an unknown key or a value of another type (input unsuitable).
    #[error("the configuration cannot be used")]
    Toml(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A value that cannot be used (input unsuitable).
    #[error("{0}")]
    Clinical(Box<PanelProblem>),
    /// A grading table with a gap (input unsuitable).
    #[error("{0}")]
    Grading(GradingError),
    /// Messages that this build cannot make (request invalid).
    #[error("messages: {0}")]
    Messages(Box<ReportError>),
    /// No red cell would be enough (input unsuitable).
    #[error("count.min_cells: expected a number above 0, found 0")]
    NoMinimum,
}

/// Why a configuration is refused.
#[derive(Debug)]
#[non_exhaustive]
pub struct SettingsError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong.
    pub problem: SettingsProblem,
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.problem)
    }
}

impl Error for SettingsError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.problem.source()
    }
}

/// Settings with the file that they came from.
#[derive(Debug, Clone, Default)]
pub struct LoadedSettings {
    /// The effective settings.
    pub settings: Settings,
    /// File and its keys; `None` where all is built in.
    file: Option<(PathBuf, toml::Table)>,
}

impl LoadedSettings {
    /// The settings of a file's text; `path` is for messages.
    ///
    /// # Errors
    /// [`SettingsError`].
    pub fn parse(text: &str, path: PathBuf) -> Result<Self, SettingsError> {
        let checked = || {
            let refused = |source| SettingsProblem::Toml(Box::new(source));
            let settings: Settings = toml::from_str(text).map_err(refused)?;
            settings.check()?;
            Ok((settings, toml::from_str::<toml::Table>(text).map_err(refused)?))
        };
        match checked() {
            Ok((settings, given)) => Ok(Self { settings, file: Some((path, given)) }),
            Err(problem) => Err(SettingsError { path, problem }),
        }
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`SettingsError`].
    pub fn read(path: PathBuf) -> Result<Self, SettingsError> {
        let text = || {
            if std::fs::metadata(&path).map_err(SettingsProblem::Read)?.len() > MAX_SETTINGS_BYTES {
                return Err(SettingsProblem::TooLarge);
            }
            std::fs::read_to_string(&path).map_err(SettingsProblem::Read)
        };
        match text() {
            Ok(text) => Self::parse(&text, path),
            Err(problem) => Err(SettingsError { path, problem }),
        }
    }

    /// Every key with its effective value and where it came from, sorted by key.
    ///
    /// # Errors
    /// Where a number cannot be written.
    pub fn entries(&self) -> Result<Vec<Entry>, serde_json::Error> {
        entries::of(&serde_json::to_value(&self.settings)?, self.file.as_ref())
    }
}

impl Settings {
    fn check(&self) -> Result<(), SettingsProblem> {
        self.clinical.check().map_err(|problem| SettingsProblem::Clinical(Box::new(problem)))?;
        self.count.grading.as_ref().map_or(Ok(()), GradingTable::check).map_err(SettingsProblem::Grading)?;
        self.messages.check().map_err(|problem| SettingsProblem::Messages(Box::new(problem)))?;
        if self.count.min_cells == 0 { Err(SettingsProblem::NoMinimum) } else { Ok(()) }
    }

    /// SHA-256 of the effective settings: a part of the name of a piece of work. Comments and order do not enter.
    ///
    /// # Errors
    /// Where a number cannot be written.
    pub fn sha256(&self) -> Result<String, serde_json::Error> {
        Ok(sha256_hex(&serde_json_canonicalizer::to_vec(self)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loaded(text: &str) -> Result<LoadedSettings, String> {
        LoadedSettings::parse(text, PathBuf::from("lab.toml")).map_err(|error| {
            let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
            format!("{error} {cause}")
        })
    }

    #[test]
    fn an_empty_file_is_the_built_in_configuration() {
        assert_eq!(loaded("").expect("nothing to refuse").settings, Settings::default());
    }

    #[test]
    fn every_table_is_read() {
        let text = r#"
            [laboratory]
            name = "Haematology, General Hospital"
            address = "1 Main Street"
            [count]
            min_cells = 2000
            [count.grading]
            name = "our table"
            steps = [{ label = "few", from_percent = 0 }, { label = "many", from_percent = 2.5 }]
            [clinical.scores]
            dic_version = "2001"
            prothrombin_time_upper_s = 13.9
            [clinical.panel.local_codes]
            PLT = "platelets"
            [[clinical.panel.reference.ldh]]
            low = 120
            high = 250
            unit = "U/L"
            source = "our catalog 2026"
        "#;
        let settings = loaded(text).expect("a sound file").settings;
        assert_eq!(
            settings.laboratory.map(|laboratory| laboratory.name).as_deref(),
            Some("Haematology, General Hospital")
        );
        assert_eq!((settings.count.min_cells, settings.clinical.scores.prothrombin_time_upper_s), (2000, Some(13.9)));
        let grade = settings.count.grading.and_then(|table| table.grade(2.5));
        assert_eq!(grade.map(|grade| (grade.label, grade.table)), Some(("many".to_owned(), "our table".to_owned())));
    }

    #[test]
    fn what_cannot_be_used_is_refused_with_its_key() {
        for (text, named) in [
            ("[count]\nmin_cell = 500", "min_cell"),
            ("[laboratry]\nname = \"x\"", "laboratry"),
            ("[count]\nmin_cells = 0", "min_cells"),
            ("[count]\nmin_cells = -1", "min_cells"),
            ("[count.grading]\nname = \"t\"\nsteps = []", "from_percent = 0"),
            ("[clinical.panel.local_codes]\nPLT = \"thrombocytes\"", "found `thrombocytes`"),
            ("[clinical.scores]\nprothrombin_time_upper_s = -3", "prothrombin_time_upper_s"),
            ("count = [", "lab.toml"),
        ] {
            let error = loaded(text).expect_err(text);
            assert!(error.contains(named) && error.contains("lab.toml"), "{text}: {error}");
        }
    }

    #[test]
    fn the_hash_follows_the_values_and_not_the_text() {
        let hash = |text: &str| loaded(text).expect("sound").settings.sha256().expect("plain numbers");
        assert_eq!(hash("[count]\nmin_cells = 1000 # the default"), hash(""));
        assert_ne!(hash("[count]\nmin_cells = 1001"), hash(""));
    }
}
