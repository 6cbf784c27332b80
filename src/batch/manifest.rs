//! What a batch is about: one row for each specimen.
//!
//! In: a CSV file (UTF-8, comma, header row) or a folder. Out: a [`Manifest`].
//!
//! | column | content |
//! | --- | --- |
//! | `accession` | specimen number; no two rows have the same |
//! | `inputs` | images and folders, separated by `;`; relative paths start at the manifest's folder |
//! | `um_per_px` | pixel size, µm; may be empty or missing |
//! | `age_group` | `adult`, `term-neonate`, `preterm-neonate`; may be empty or missing |
//! | `labs` | file of the laboratory panel; may be empty or missing |
//!
//! In a folder each sub-folder is a specimen: its name is the accession, a panel in it is taken by its name
//! ([`PANEL_FILE_NAMES`]). Sub-folders stand in the order of their names; hidden ones are left out.
//!
//! METHOD: a manifest is refused as a whole where a row is wrong. A batch that runs for days must not find out at its
//! end that a column was misspelled.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::case::{MAX_TEXT_CHARS, sha256_hex};
use crate::clinical::PANEL_FILE_NAMES;
use crate::smear::AgeGroup;

/// Largest manifest, bytes: about a million rows.
pub const MAX_MANIFEST_BYTES: u64 = 256 << 20;

/// Separates the inputs of a row.
const INPUT_SEPARATOR: char = ';';

const COLUMNS: [&str; 5] = ["accession", "inputs", "um_per_px", "age_group", "labs"];

/// One specimen.
#[derive(Debug, Clone, PartialEq)]
pub struct ManifestRow {
    /// Specimen number.
    pub accession: String,
    /// Images and folders of images.
    pub inputs: Vec<PathBuf>,
    /// Pixel size, µm; `None` where the run's own stands.
    pub um_per_px: Option<f64>,
    /// Age group; `None` where the run's own stands.
    pub age_group: Option<AgeGroup>,
    /// Panel.
    pub labs: Option<PathBuf>,
}

/// The specimens of a batch.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    rows: Vec<ManifestRow>,
    sha256: String,
}

/// Why a manifest cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestProblem {
    /// It cannot be read.
    #[error("expected a manifest or a folder that can be read; check path and permissions")]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It is larger than a manifest.
    #[error("expected a manifest of at most {MAX_MANIFEST_BYTES} bytes, found more; divide it")]
    TooLarge,
    /// A column is missing, doubled or unknown.
    #[error(
        "expected the columns accession, inputs and at most um_per_px, age_group, labs, found {found}; correct the header row"
    )]
    Columns {
        /// What is wrong.
        found: String,
    },
    /// It is no CSV.
    #[error("expected rows of CSV in UTF-8")]
    Csv(#[from] csv::Error),
    /// A value is wrong.
    #[error("line {line}: expected {expected}, found `{found}`; correct the manifest")]
    Value {
        /// Line of the file, from 1; in a folder the number of the sub-folder.
        line: u64,
        /// What should stand there.
        expected: &'static str,
        /// What stands there.
        found: String,
    },
    /// There is no specimen.
    #[error("expected at least one specimen, found none; name a manifest with rows or a folder of specimen folders")]
    Empty,
}

/// A row as it is hashed: paths as they were written, so that a copy elsewhere is the same manifest.
#[derive(Serialize)]
struct Written<'a> {
    accession: &'a str,
    inputs: Vec<&'a str>,
    um_per_px: Option<f64>,
    age_group: Option<AgeGroup>,
    labs: Option<&'a str>,
}

impl Manifest {
    /// Reads a manifest or lists a folder of specimens.
    ///
    /// # Errors
    /// [`ManifestProblem`].
    pub fn read(path: &Path) -> Result<Self, ManifestProblem> {
        let unreadable = |source| ManifestProblem::Read { path: path.to_owned(), source };
        if fs::metadata(path).map_err(unreadable)?.is_dir() {
            return Self::of_folder(path);
        }
        let mut bytes = Vec::new();
        let file = File::open(path).map_err(unreadable)?;
        file.take(MAX_MANIFEST_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
        Self::of_csv(&bytes, path.parent().unwrap_or(Path::new("")))
    }

    /// Reads the bytes of a manifest whose relative paths start at `folder`.
    ///
    /// # Errors
    /// [`ManifestProblem`].
    pub fn of_csv(bytes: &[u8], folder: &Path) -> Result<Self, ManifestProblem> {
        if bytes.len() as u64 > MAX_MANIFEST_BYTES {
            return Err(ManifestProblem::TooLarge);
        }
        // Spreadsheets write a byte order mark in front.
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(bytes);
        let places = places(reader.headers()?)?;
        let mut rows = Vec::new();
        let mut written = Vec::new();
        let mut seen = BTreeSet::new();
        for record in reader.records() {
            let record = record?;
            let line = record.position().map_or(0, csv::Position::line);
            let value = |column: usize| places[column].and_then(|at| record.get(at)).filter(|text| !text.is_empty());
            let wrong = |expected, found: &str| ManifestProblem::Value { line, expected, found: found.to_owned() };
            let accession = value(0).unwrap_or_default();
            check_accession(accession, line)?;
            if !seen.insert(accession.to_owned()) {
                return Err(wrong("an accession of its own for each row", accession));
            }
            let inputs: Vec<&str> = value(1)
                .unwrap_or_default()
                .split(INPUT_SEPARATOR)
                .map(str::trim)
                .filter(|input| !input.is_empty())
                .collect();
            if inputs.is_empty() {
                return Err(wrong("images or folders separated by `;`", value(1).unwrap_or_default()));
            }
            let um_per_px = value(2).map(|text| match text.parse::<f64>() {
                Ok(size) if size.is_finite() && size > 0.0 => Ok(size),
                _ => Err(wrong("a pixel size in µm above 0", text)),
            });
            let age_group = value(3).map(|text| {
                let group = AgeGroup::ALL.into_iter().find(|group| group.name() == text);
                group.ok_or_else(|| wrong("adult, term-neonate or preterm-neonate", text))
            });
            let row = ManifestRow {
                accession: accession.to_owned(),
                inputs: inputs.iter().map(|input| folder.join(input)).collect(),
                um_per_px: um_per_px.transpose()?,
                age_group: age_group.transpose()?,
                labs: value(4).map(|labs| folder.join(labs)),
            };
            written.push(sha256_of(&Written {
                accession,
                inputs,
                um_per_px: row.um_per_px,
                age_group: row.age_group,
                labs: value(4),
            }));
            rows.push(row);
        }
        Self::of_rows(rows, &written)
    }

    fn of_folder(path: &Path) -> Result<Self, ManifestProblem> {
        let unreadable = |source| ManifestProblem::Read { path: path.to_owned(), source };
        let mut folders = Vec::new();
        for entry in fs::read_dir(path).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?.path();
            let hidden = entry.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
            if entry.is_dir() && !hidden {
                folders.push(entry);
            }
        }
        folders.sort();
        let mut rows = Vec::new();
        let mut written = Vec::new();
        for (folder, line) in folders.into_iter().zip(1..) {
            let name = folder.file_name().unwrap_or_default();
            let Some(accession) = name.to_str().map(str::to_owned) else {
                let found = name.to_string_lossy().into_owned();
                return Err(ManifestProblem::Value { line, expected: "a folder whose name is UTF-8", found });
            };
            check_accession(&accession, line)?;
            let labs = PANEL_FILE_NAMES.into_iter().find(|name| folder.join(name).is_file());
            let (um_per_px, age_group) = (None, None);
            let inputs = vec![accession.as_str()];
            written.push(sha256_of(&Written { accession: &accession, inputs, um_per_px, age_group, labs }));
            let labs = labs.map(|name| folder.join(name));
            rows.push(ManifestRow { accession, inputs: vec![folder], um_per_px, age_group, labs });
        }
        Self::of_rows(rows, &written)
    }

    fn of_rows(rows: Vec<ManifestRow>, written: &[String]) -> Result<Self, ManifestProblem> {
        if rows.is_empty() {
            return Err(ManifestProblem::Empty);
        }
        Ok(Self { rows, sha256: sha256_hex(written.join("\n").as_bytes()) })
    }

    /// The specimens.
    pub fn rows(&self) -> &[ManifestRow] {
        &self.rows
    }

    /// SHA-256 over the rows as written: two manifests with the same hash name the same specimens.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }
}

/// Place of each of [`COLUMNS`] in the header row.
fn places(header: &csv::StringRecord) -> Result<[Option<usize>; COLUMNS.len()], ManifestProblem> {
    let mut places = [None; COLUMNS.len()];
    for (at, name) in header.iter().enumerate() {
        let Some(column) = COLUMNS.iter().position(|column| *column == name) else {
            return Err(ManifestProblem::Columns { found: format!("`{name}`") });
        };
        if places[column].replace(at).is_some() {
            return Err(ManifestProblem::Columns { found: format!("`{name}` twice") });
        }
    }
    match COLUMNS.iter().zip(places).take(2).find(|(_, place)| place.is_none()) {
        Some((name, _)) => Err(ManifestProblem::Columns { found: format!("no `{name}`") }),
        None => Ok(places),
    }
}

/// As an order's: no field of a message holds anything else.
fn check_accession(accession: &str, line: u64) -> Result<(), ManifestProblem> {
    let chars = accession.chars().count();
    if (1..=MAX_TEXT_CHARS).contains(&chars) && !accession.chars().any(char::is_control) {
        return Ok(());
    }
    let expected = "an accession of 1 to 199 characters without control characters";
    Err(ManifestProblem::Value { line, expected, found: accession.chars().take(MAX_TEXT_CHARS).collect() })
}

/// Hash of a row: every part ends where it ends, whatever it holds.
fn sha256_of(row: &Written<'_>) -> String {
    // Texts and finite numbers always make JSON.
    sha256_hex(&serde_json::to_vec(row).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn csv(text: &str) -> Result<Manifest, ManifestProblem> {
        Manifest::of_csv(text.as_bytes(), Path::new("base"))
    }

    #[test]
    fn a_row_is_read_with_its_paths_and_what_is_empty_stays_unknown() {
        let manifest = csv("\u{feff}labs,accession,inputs,age_group,um_per_px\n\
            ,S-1, a.png; b ;/c.tif,,\n\
            p.json,\"S,2\",x,preterm-neonate,0.19\n")
        .expect("a manifest");
        assert_eq!(
            manifest.rows(),
            [
                ManifestRow {
                    accession: "S-1".into(),
                    inputs: vec!["base/a.png".into(), "base/b".into(), "/c.tif".into()],
                    um_per_px: None,
                    age_group: None,
                    labs: None
                },
                ManifestRow {
                    accession: "S,2".into(),
                    inputs: vec!["base/x".into()],
                    um_per_px: Some(0.19),
                    age_group: Some(AgeGroup::PretermNeonate),
                    labs: Some("base/p.json".into())
                },
            ]
        );
        assert_eq!(csv("accession,inputs\nS-1,a\n").expect("two columns are enough").rows().len(), 1);
    }

    #[test]
    fn wrong_rows_are_refused_with_their_line() {
        let long = "x".repeat(MAX_TEXT_CHARS + 1);
        for (text, expected) in [
            ("accession\nS-1\n", "no `inputs`"),
            ("accession,inputs,stain\nS-1,a,MGG\n", "found `stain`"),
            ("accession,inputs,inputs\nS-1,a,b\n", "`inputs` twice"),
            ("accession,inputs\n", "found none"),
            ("accession,inputs\nS-1,a\nS-1,b\n", "line 3: expected an accession of its own"),
            ("accession,inputs\n,a\n", "line 2: expected an accession of 1 to 199"),
            (&format!("accession,inputs\n{long},a\n"), "line 2: expected an accession of 1 to 199"),
            ("accession,inputs\n\"S\n1\",a\n", "line 2: expected an accession"),
            ("accession,inputs\nS-1, ; \n", "line 2: expected images or folders"),
            ("accession,inputs,um_per_px\nS-1,a,0\n", "line 2: expected a pixel size in µm above 0, found `0`"),
            ("accession,inputs,um_per_px\nS-1,a,nan\n", "found `nan`"),
            ("accession,inputs,age_group\nS-1,a,child\n", "found `child`"),
            ("accession,inputs\nS-1,a,b\n", "rows of CSV"),
        ] {
            let error = csv(text).expect_err(text).to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }

    #[test]
    fn the_same_specimens_have_the_same_hash_wherever_they_lie() {
        let hash = |text: &str, folder: &str| {
            Manifest::of_csv(text.as_bytes(), Path::new(folder)).expect("a manifest").sha256().to_owned()
        };
        let one = hash("accession,inputs\nS-1,a;b\n", "x");
        assert_eq!(one, hash("inputs,accession,labs\na; b,S-1,\n", "y"));
        assert_ne!(one, hash("accession,inputs\nS-1,a\n", "x"));
        assert_ne!(one, hash("accession,inputs\nS-1,a;b\nS-2,a\n", "x"));
    }

    #[test]
    fn each_sub_folder_is_a_specimen_with_its_panel() {
        let base = tempfile::tempdir().expect("a folder");
        for name in ["b", "a", ".hidden"] {
            fs::create_dir(base.path().join(name)).expect("a folder");
        }
        fs::write(base.path().join("loose.png"), "").expect("a file");
        fs::write(base.path().join("b/labs.hl7"), "").expect("a file");
        let manifest = Manifest::read(base.path()).expect("specimens");
        let rows: Vec<_> = manifest.rows().iter().map(|row| (row.accession.as_str(), row.labs.clone())).collect();
        assert_eq!(rows, [("a", None), ("b", Some(base.path().join("b/labs.hl7")))]);
        assert_eq!(manifest.rows()[0].inputs, [base.path().join("a")]);
        assert!(matches!(Manifest::read(&base.path().join("a")), Err(ManifestProblem::Empty)));
        assert!(matches!(Manifest::read(&base.path().join("no")), Err(ManifestProblem::Read { .. })));
    }
}
