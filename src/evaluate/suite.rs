//! A list of labelled sets with targets: the figures that a model is held against, measured by one command.
//!
//! In: a JSON file ([`Suite`]) and the folder that its paths start from; the format of the file is that of the types here, and
//! unknown fields are refused. Out: an evaluation for each set and one [`SuiteRecord`] over all of them, `suite.json`, with a
//! row for each figure that the suite names. Its JSON Schema is `schema/suite-v1.json`. Every field of the record is always
//! present; what is undefined is null.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::estimate::Estimate;
use super::estimate_name::EstimateName;
use super::labels::{LabelFormat, LabelOptions};
use super::record::Evaluation;
use super::set::{LabelSource, LabelledSet, SplitSource};
use super::split::HashedPart;
use crate::case::Provenance;

/// Version of the record's schema.
pub const SUITE_SCHEMA_VERSION: &str = "1.1";

/// File that the record is written to.
pub const SUITE_FILE: &str = "suite.json";

/// Sets to evaluate, in the order of the table.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Suite {
    /// The sets.
    pub sets: Vec<SuiteSet>,
    /// Folder of the file.
    #[serde(skip)]
    pub folder: PathBuf,
}

/// One set; its paths start from the data folder.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SuiteSet {
    /// Name, also of its output folder: letters, digits, `-` and `_`.
    pub name: String,
    /// Images and folders of images.
    pub inputs: Vec<PathBuf>,
    /// Label folder or file.
    pub labels: Option<PathBuf>,
    /// Label format; told by the files where absent.
    pub format: Option<LabelFormat>,
    /// Tables of readings and folders of them, below the folder of the suite: they are kept with the project. With any,
    /// schistocytes are judged by the readings.
    #[serde(default)]
    pub readings: Vec<PathBuf>,
    /// Whether cells that nobody read are no schistocytes, so that a read percentage can be stated.
    #[serde(default)]
    pub unread_are_none: bool,
    /// Whether every object is labelled; as is usual for the format where absent.
    pub complete: Option<bool>,
    /// Names of the YOLO classes in their order.
    pub yolo_names: Option<Vec<String>>,
    /// Split file.
    pub split: Option<PathBuf>,
    /// Part of the split file; all where absent.
    pub want: Option<String>,
    /// Part by the SHA-1 of the file name; all where absent.
    pub part: Option<HashedPart>,
    /// Whether the fields are declared to hold no schistocyte.
    #[serde(default)]
    pub expect_none: bool,
    /// Pixel size, µm; from the files or estimated where absent.
    pub um_per_px: Option<f64>,
    /// Whether the card of the model states the figures of this set.
    #[serde(default)]
    pub card: bool,
    /// Figures to report, in the order of the table.
    pub figures: Vec<Target>,
}

/// A figure and, where there is one, the limit that it is held against.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// The figure.
    pub figure: EstimateName,
    /// Least value that meets the target.
    pub at_least: Option<f64>,
    /// Greatest value that meets the target.
    pub at_most: Option<f64>,
}

/// Why a suite cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SuiteError {
    /// The file cannot be read.
    #[error("{}: expected a readable suite; check path and permission", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Cause.
        source: io::Error,
    },
    /// The file is no suite.
    #[error("{}: expected sets and figures in JSON; see models/evaluation-suite.json", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Cause.
        source: serde_json::Error,
    },
    /// A value of the file cannot be used.
    #[error("{}: set `{set}`: expected {expected}; correct the file", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// Name of the set.
        set: String,
        /// What is allowed.
        expected: &'static str,
    },
    /// A set was asked for that is not in the suite.
    #[error("expected a set of the suite ({}), found `{wanted}`; correct --only", known.join(", "))]
    NoSuchSet {
        /// What was asked for.
        wanted: String,
        /// The sets there are.
        known: Vec<String>,
    },
}

impl Suite {
    /// Reads and checks a suite.
    ///
    /// # Errors
    /// [`SuiteError`] where the file cannot be read, is no suite, or names a set twice or unfit for a folder.
    pub fn read(path: &Path) -> Result<Self, SuiteError> {
        let text = fs::read(path).map_err(|source| SuiteError::Unreadable { path: path.to_owned(), source })?;
        let mut suite: Self =
            serde_json::from_slice(&text).map_err(|source| SuiteError::Malformed { path: path.to_owned(), source })?;
        suite.folder = path.parent().map(Path::to_owned).unwrap_or_default();
        suite.check().map_err(|(set, expected)| SuiteError::Invalid { path: path.to_owned(), set, expected })?;
        Ok(suite)
    }

    /// The name of the first unfit set and what was expected of it.
    fn check(&self) -> Result<(), (String, &'static str)> {
        let mut names = BTreeSet::new();
        let mut stated = BTreeSet::new();
        for set in &self.sets {
            let refuse = |expected| Err((set.name.clone(), expected));
            let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
            if set.name.is_empty() || !set.name.chars().all(is_plain) {
                return refuse("a name of letters, digits, `-` and `_`");
            }
            if !names.insert(&set.name) {
                return refuse("a name that no other set has");
            }
            if set.labels.is_none() && set.readings.is_empty() && !set.expect_none {
                return refuse("labels, readings, or `expect_none`");
            }
            if set.want.is_some() && set.split.is_none() {
                return refuse("a split file for the wanted part");
            }
            if set.um_per_px.is_some_and(|size| !(size.is_finite() && size > 0.0)) {
                return refuse("a pixel size above 0");
            }
            if set.card && !stated.insert(set.expect_none) {
                return refuse("at most one labelled and one healthy set for the card");
            }
            if set.figures.iter().any(|target| target.at_least.is_some() && target.at_most.is_some()) {
                return refuse("one limit for a figure, not two");
            }
        }
        Ok(())
    }

    /// The sets of these names, in the order of the suite; all where none is named.
    ///
    /// # Errors
    /// [`SuiteError::NoSuchSet`].
    pub fn only(self, names: &[String]) -> Result<Self, SuiteError> {
        let is_known = |name: &&String| self.sets.iter().any(|set| set.name == **name);
        if let Some(wanted) = names.iter().find(|name| !is_known(name)) {
            let known = self.sets.iter().map(|set| set.name.clone()).collect();
            return Err(SuiteError::NoSuchSet { wanted: wanted.clone(), known });
        }
        let is_wanted = |set: &SuiteSet| names.is_empty() || names.contains(&set.name);
        Ok(Self { sets: self.sets.into_iter().filter(is_wanted).collect(), folder: self.folder })
    }
}

impl SuiteSet {
    /// The set with its paths below the data folder, and those of its readings below the folder of the suite.
    pub fn below(&self, data: &Path, suite: &Path) -> LabelledSet {
        let labels = self.labels.as_ref().map(|path| LabelSource {
            path: data.join(path),
            format: self.format,
            options: LabelOptions { complete: self.complete, yolo_names: self.yolo_names.clone() },
        });
        let split = self.split.as_ref().map(|path| SplitSource { path: data.join(path), want: self.want.clone() });
        LabelledSet {
            name: self.name.clone(),
            inputs: self.inputs.iter().map(|path| data.join(path)).collect(),
            labels,
            readings: self.readings.iter().map(|path| suite.join(path)).collect(),
            unread_are_none: self.unread_are_none,
            threshold: None,
            split,
            part: self.part,
            expect_none: self.expect_none,
            um_per_px: self.um_per_px,
        }
    }
}

/// One figure of one set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SuiteRow {
    /// Name of the set.
    pub set: String,
    /// The figure.
    pub figure: EstimateName,
    /// What was measured.
    pub measured: Estimate,
    /// Least value that meets the target; null without such a target.
    pub at_least: Option<f64>,
    /// Greatest value that meets the target; null without such a target.
    pub at_most: Option<f64>,
    /// Whether the measured value meets the target; null without a target or where the figure is undefined.
    pub met: Option<bool>,
    /// What an earlier record states; null where none was named or it does not hold the figure.
    pub stated: Option<Estimate>,
    /// Whether the measured value lies no worse than the worse end of the stated interval; null without a target, which
    /// says what is worse, or without a stated value.
    pub held: Option<bool>,
}

/// What became of a set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SuiteSetRecord {
    /// Name of the set.
    pub name: String,
    /// Fields evaluated.
    pub fields: u64,
    /// Of them refused by the pipeline.
    pub refused_fields: u64,
    /// Inputs that could not be evaluated.
    pub failed_inputs: u64,
    /// Why the set has no figures at all; null where it has.
    pub failure: Option<String>,
}

/// The record written as `suite.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SuiteRecord {
    /// Version of this schema.
    pub schema_version: String,
    /// The sets in the order of the suite.
    pub sets: Vec<SuiteSetRecord>,
    /// The figures in the order of the suite; none of a set that failed.
    pub rows: Vec<SuiteRow>,
    /// Program, model and engine; the inputs stand in the evaluation of each set.
    pub provenance: Provenance,
}

impl SuiteRecord {
    /// A record without sets.
    pub fn new(provenance: Provenance) -> Self {
        Self { schema_version: SUITE_SCHEMA_VERSION.to_owned(), sets: Vec::new(), rows: Vec::new(), provenance }
    }

    /// Adds the figures of a set.
    pub fn add(&mut self, set: &SuiteSet, evaluation: &Evaluation) {
        self.sets.push(SuiteSetRecord {
            name: set.name.clone(),
            fields: evaluation.fields,
            refused_fields: evaluation.refused_fields.len() as u64,
            failed_inputs: evaluation.failed_inputs.len() as u64,
            failure: None,
        });
        self.rows.extend(set.figures.iter().map(|target| row(&set.name, target, target.figure.of(evaluation))));
    }

    /// Names a set that could not be evaluated.
    pub fn add_failure(&mut self, set: &SuiteSet, reason: String) {
        self.sets.push(SuiteSetRecord {
            name: set.name.clone(),
            fields: 0,
            refused_fields: 0,
            failed_inputs: 0,
            failure: Some(reason),
        });
    }

    /// Lays an earlier record beside this one.
    pub fn compare_with(&mut self, stated: &SuiteRecord) {
        for row in &mut self.rows {
            let same = stated.rows.iter().find(|other| other.set == row.set && other.figure == row.figure);
            row.stated = same.map(|other| other.measured);
            row.held = row.stated.and_then(|stated| held(row, &stated));
        }
    }
}

fn row(set: &str, target: &Target, measured: Estimate) -> SuiteRow {
    let Target { figure, at_least, at_most } = *target;
    let met = measured.value.and_then(|value| match (at_least, at_most) {
        (Some(least), _) => Some(value >= least),
        (None, Some(most)) => Some(value <= most),
        (None, None) => None,
    });
    SuiteRow { set: set.to_owned(), figure, measured, at_least, at_most, met, stated: None, held: None }
}

/// METHOD: a figure that got worse by chance alone stays within the interval that was stated with it; what falls out of
/// it is a change to look at. A figure that is undefined now and was defined before is not held.
fn held(row: &SuiteRow, stated: &Estimate) -> Option<bool> {
    let stated_value = stated.value?;
    let (low, high) = stated.interval_95.map_or((stated_value, stated_value), |interval| (interval.low, interval.high));
    match (row.at_least, row.at_most) {
        (Some(_), _) => Some(row.measured.value.is_some_and(|value| value >= low)),
        (None, Some(_)) => Some(row.measured.value.is_some_and(|value| value <= high)),
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::estimate::EstimateInterval;

    fn suite(sets: &str) -> Result<Suite, SuiteError> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("suite.json");
        fs::write(&path, format!("{{\"sets\": [{sets}]}}")).expect("a writable folder");
        Suite::read(&path)
    }

    #[test]
    fn paths_start_from_the_data_folder() {
        let read = suite(
            r#"{"name": "a", "inputs": ["x/images"], "labels": "x/labels", "format": "voc", "split": "x/s.csv",
                "want": "val", "readings": ["r"], "figures": [{"figure": "box_f1", "at_least": 0.9}, {"figure": "macro_f1"}]}"#,
        );
        let read = read.expect("a sound suite");
        let set = read.sets[0].below(Path::new("data"), Path::new("models"));
        assert_eq!((set.name.as_str(), &set.inputs[..]), ("a", &[PathBuf::from("data/x/images")][..]));
        let labels = set.labels.expect("labels");
        assert_eq!((labels.path, labels.format), ("data/x/labels".into(), Some(LabelFormat::PascalVoc)));
        assert_eq!(set.split, Some(SplitSource { path: "data/x/s.csv".into(), want: Some("val".to_owned()) }));
        assert_eq!(set.readings, [PathBuf::from("models/r")]);
        let targets = &read.sets[0].figures;
        assert_eq!((targets[0].figure, targets[0].at_least), (EstimateName::BoxF1, Some(0.9)));
        assert_eq!((targets[1].at_least, targets[1].at_most), (None, None));
    }

    #[test]
    fn unfit_sets_are_refused_by_name() {
        let set = |name: &str, more: &str| format!(r#"{{"name": "{name}", "inputs": [], "figures": [] {more}}}"#);
        let healthy = r#", "expect_none": true"#;
        for (sets, expected) in [
            (set("../a", healthy), "a name of letters"),
            (set("", healthy), "a name of letters"),
            ([set("a", healthy), set("a", healthy)].join(","), "a name that no other set has"),
            (set("a", ""), "labels, readings, or"),
            (set("a", r#", "labels": "x", "want": "val""#), "a split file"),
            (set("a", r#", "labels": "x", "um_per_px": 0"#), "a pixel size"),
        ] {
            let error = suite(&sets).expect_err(expected).to_string();
            assert!(error.contains(expected), "{error}");
        }
        let carded =
            [set("a", r#", "expect_none": true, "card": true"#), set("b", r#", "expect_none": true, "card": true"#)];
        assert!(suite(&carded.join(",")).is_err());
        assert!(matches!(suite(&set("a", r#", "target": 1"#)), Err(SuiteError::Malformed { .. })));
    }

    #[test]
    fn a_part_of_the_sets_keeps_their_order() {
        let set = |name: &str| format!(r#"{{"name": "{name}", "inputs": [], "expect_none": true, "figures": []}}"#);
        let read = || suite(&["c", "a", "b"].map(set).join(",")).expect("three sets");
        let names = |suite: Suite| suite.sets.into_iter().map(|set| set.name).collect::<Vec<_>>();
        assert_eq!(names(read().only(&[]).expect("all")), ["c", "a", "b"]);
        assert_eq!(names(read().only(&["b".to_owned(), "c".to_owned()]).expect("two")), ["c", "b"]);
        let unknown = read().only(&["d".to_owned()]).expect_err("no such set").to_string();
        assert!(unknown.contains("(c, a, b), found `d`"), "{unknown}");
    }

    fn target(at_least: Option<f64>, at_most: Option<f64>) -> Target {
        Target { figure: EstimateName::BoxF1, at_least, at_most }
    }

    fn figure(value: Option<f64>) -> Estimate {
        let interval_95 = value.map(|value| EstimateInterval { low: value - 0.02, high: value + 0.02 });
        Estimate { value, n: 10, interval_95, ..Estimate::default() }
    }

    #[test]
    fn targets_are_met_on_their_own_side() {
        let met = |value, at_least, at_most| row("a", &target(at_least, at_most), figure(value)).met;
        assert_eq!((met(Some(0.9), Some(0.9), None), met(Some(0.899), Some(0.9), None)), (Some(true), Some(false)));
        assert_eq!((met(Some(0.1), None, Some(0.1)), met(Some(0.101), None, Some(0.1))), (Some(true), Some(false)));
        assert_eq!((met(Some(0.5), None, None), met(None, Some(0.9), None)), (None, None));
    }

    #[test]
    fn a_stated_figure_is_held_within_its_interval() {
        let compared = |value, at_least, at_most, stated| {
            held(&row("a", &target(at_least, at_most), figure(value)), &figure(stated))
        };
        assert_eq!(compared(Some(0.88), Some(0.95), None, Some(0.9)), Some(true));
        assert_eq!(compared(Some(0.879), Some(0.95), None, Some(0.9)), Some(false));
        assert_eq!(compared(Some(0.121), None, Some(0.05), Some(0.1)), Some(false));
        assert_eq!(compared(Some(0.12), None, Some(0.05), Some(0.1)), Some(true));
        assert_eq!(compared(None, Some(0.95), None, Some(0.9)), Some(false));
        assert_eq!(compared(Some(0.5), None, None, Some(0.9)), None);
        assert_eq!(compared(Some(0.5), Some(0.95), None, None), None);
    }
}
