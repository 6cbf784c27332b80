//! `batch.json`: what a batch was asked for. Two runs belong together where these are the same.
//!
//! A batch may be divided among machines. Shard K of N takes rows K, K + N, K + 2N, …: neighbors in a manifest are often
//! alike in size, and so every shard gets its share of the large ones.
//!
//! In: the provenance of a run without images, the formats, the manifest. Out: a JSON object, see [`BatchSettings`].

use std::path::Path;
use std::str::FromStr;
use std::{fmt, fs};

use serde::{Deserialize, Serialize};

use super::error::BatchError;
use super::manifest::Manifest;
use crate::case::Provenance;

/// Name of the file.
pub(super) const FILE: &str = "batch.json";

/// Folder of the specimens' reports.
pub(super) const SPECIMENS: &str = "specimens";

/// Folder of reports that the manifest no longer asks for.
pub(super) const LEFT_OUT: &str = "left_out";

/// Version of the file's format.
const SCHEMA_VERSION: &str = "2.0";

/// What a batch was asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BatchSettings {
    /// Version of this format.
    pub schema_version: String,
    /// Program, method, models, engine and options; without images.
    pub provenance: Provenance,
    /// Formats of the reports.
    pub formats: Vec<String>,
    /// SHA-256 over the rows of the manifest.
    pub manifest_sha256: String,
    /// Rows of the whole manifest.
    pub specimens: u64,
    /// Columns of the manifest that are carried along.
    pub extra_columns: Vec<String>,
    /// The part of it; null for all of it.
    pub shard: Option<Shard>,
}

impl BatchSettings {
    /// The settings of a run.
    pub fn new(provenance: Provenance, formats: Vec<String>, manifest: &Manifest, shard: Option<Shard>) -> Self {
        Self {
            schema_version: SCHEMA_VERSION.to_owned(),
            provenance,
            formats,
            manifest_sha256: manifest.sha256().to_owned(),
            specimens: manifest.rows().len() as u64,
            extra_columns: manifest.extra_columns().to_vec(),
            shard,
        }
    }

    /// Program, method, model and options as the page names them.
    pub(super) fn software(&self) -> String {
        let made_by = &self.provenance;
        format!("{} {}, method {}", made_by.software, made_by.software_version, made_by.method_version)
    }

    /// Model as the page names it.
    pub(super) fn model(&self) -> String {
        format!("{} {}", self.provenance.model.name, self.provenance.model.version)
    }

    /// Rows that a run with these settings takes, by their place from 1.
    pub(super) fn rows(&self) -> impl Iterator<Item = u64> + use<> {
        let shard = self.shard;
        (1..=self.specimens).filter(move |&row| shard.is_none_or(|shard| shard.takes(row)))
    }

    pub(super) fn bytes(&self) -> Result<Vec<u8>, BatchError> {
        let mut bytes = serde_json::to_vec_pretty(self)?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// Reads the settings of a folder; `None` where it holds no batch.
    pub(super) fn read(folder: &Path) -> Result<Option<Self>, BatchError> {
        let path = folder.join(FILE);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(BatchError::Read { path, source }),
        };
        let expected = "the settings of a batch of this version";
        match serde_json::from_slice::<Self>(&bytes) {
            Ok(settings) if settings.schema_version == SCHEMA_VERSION => Ok(Some(settings)),
            Ok(settings) => {
                Err(BatchError::Damaged { path, expected, found: format!("version {}", settings.schema_version) })
            }
            Err(error) => Err(BatchError::Damaged { path, expected, found: error.to_string() }),
        }
    }

    /// Whether both are about the same rows.
    pub(super) fn same_manifest(&self, other: &Self) -> bool {
        self.manifest_sha256 == other.manifest_sha256 && self.specimens == other.specimens
    }

    /// Refuses settings that differ; shard and manifest are left aside.
    pub(super) fn must_equal(&self, other: &Self, folder: &Path) -> Result<(), BatchError> {
        let (one, two) = (&self.provenance, &other.provenance);
        let differs = [
            (one.software_version != two.software_version || one.software != two.software, "version of the program"),
            (one.method_version != two.method_version, "version of the method"),
            (one.detector != two.detector, "detector"),
            (one.model != two.model, "model"),
            (one.engine != two.engine, "engine"),
            (one.options != two.options, "options"),
            (self.formats != other.formats, "formats"),
        ];
        match differs.into_iter().find_map(|(differs, what)| differs.then_some(what)) {
            Some(what) => Err(BatchError::Differs { path: folder.join(FILE), what: what.to_owned() }),
            None => Ok(()),
        }
    }
}

/// Shard `index` of `count`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shard {
    /// From 1.
    pub index: u64,
    /// Shards in all.
    pub count: u64,
}

impl Shard {
    /// Whether it takes a row, counted from 1.
    pub fn takes(self, row: u64) -> bool {
        row % self.count == self.index % self.count
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |text: &str| text.parse::<u64>().ok();
        let numbers = text.split_once('/').and_then(|(index, count)| Some((number(index)?, number(count)?)));
        match numbers {
            Some((index, count)) if (1..=count).contains(&index) => Ok(Self { index, count }),
            _ => Err(String::from("expected K/N with K from 1 to N, for instance 2/8")),
        }
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_are_read_and_wrong_ones_refused() {
        assert_eq!("2/8".parse(), Ok(Shard { index: 2, count: 8 }));
        assert_eq!("1/1".parse::<Shard>().map(|shard| shard.to_string()), Ok("1/1".to_owned()));
        for wrong in ["", "1", "0/3", "4/3", "1/0", "-1/3", "1/3/5", "a/b", "1 / 3"] {
            assert!(wrong.parse::<Shard>().is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn every_row_belongs_to_exactly_one_shard(row in 1..10_000u64, count in 1..64u64) {
            let takers = (1..=count).filter(|&index| Shard { index, count }.takes(row)).count();
            prop_assert_eq!(takers, 1);
        }
    }
}
