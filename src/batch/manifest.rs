//! What a batch is about: one row for each specimen.
//!
//! In: a table with a header row as spreadsheets and R write it ([`Sheet`]), or a folder. Out: a [`Manifest`].
//!
//! | column | content |
//! | --- | --- |
//! | `accession` | specimen number; no two rows have the same |
//! | `inputs` | images and folders, separated by `;`; relative paths start at the manifest's folder |
//! | `um_per_px` | pixel size, µm; may be empty or missing |
//! | `age_group` | `adult`, `term-neonate`, `preterm-neonate`; may be empty or missing |
//! | `labs` | file of the laboratory panel; may be empty or missing |
//! | any other | text that is carried into the tables of the batch under its name |
//!
//! In a folder each sub-folder is a specimen: its name is the accession, a panel in it is taken by its name
//! ([`panel_in`]). Sub-folders stand in the order of their names; hidden ones are left out. Folders of other
//! layouts are grouped by a pattern ([`grouping`](super::grouping)).
//!
//! METHOD: a manifest with one wrong row is refused as a whole, because a batch that runs for days must not find out at its
//! end that a column was misspelled. A column whose name is nearly one of those above is refused: a pixel size under a wrong
//! name would give wrong numbers. A column with the name of a column of the tables is refused too.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::error::{MAX_MANIFEST_BYTES, ManifestProblem};
use super::sheet::Sheet;
use crate::case::MAX_TEXT_CHARS;
use crate::clinical::panel_in;
use crate::durable::sha256_hex;
use crate::report::is_own_column;
use crate::smear::AgeGroup;
use crate::source::{is_named_image, natural_order};

/// Separates the inputs of a row.
const INPUT_SEPARATOR: char = ';';

const COLUMNS: [&str; 5] = ["accession", "inputs", "um_per_px", "age_group", "labs"];

/// Most letters by which a name may differ from one of [`COLUMNS`] to be taken for a misspelling of it; in a short name, one.
const MISSPELLED_LETTERS: usize = 2;
/// Longest name that is short.
const SHORT_NAME_CHARS: usize = 5;

/// Paths that are named in a message.
const MOST_NAMES: usize = 5;

/// One specimen.
#[derive(Debug, Clone, PartialEq)]
pub struct ManifestRow {
    /// Line of the manifest, from 1; in a folder the number of the specimen.
    pub line: u64,
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
    /// Other columns by name; those that are empty are left out.
    pub extra: BTreeMap<String, String>,
    /// SHA-256 over what the row asks for, as it was written.
    pub sha256: String,
}

/// The specimens of a batch.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    rows: Vec<ManifestRow>,
    extra_columns: Vec<String>,
    sha256: String,
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
        let sheet = Sheet::read(bytes, &COLUMNS)?;
        let (places, extra_places) = places(&sheet.headings)?;
        let mut rows = Vec::new();
        let mut seen = BTreeSet::new();
        for (line, entries) in &sheet.rows {
            let line = *line;
            let value = |column: usize| places[column].map(|at| entries[at].as_str()).filter(|text| !text.is_empty());
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
            let number = |text: &str| match sheet.decimal_comma {
                true => text.replacen(',', ".", 1).parse::<f64>(),
                false => text.parse::<f64>(),
            };
            let um_per_px = value(2).map(|text| match number(text) {
                Ok(size) if size.is_finite() && size > 0.0 => Ok(size),
                _ => Err(wrong("a pixel size in µm above 0", text)),
            });
            let age_group = value(3).map(|text| {
                let group = AgeGroup::ALL.into_iter().find(|group| group.name().eq_ignore_ascii_case(text));
                group.ok_or_else(|| wrong("adult, term-neonate or preterm-neonate", text))
            });
            let (um_per_px, age_group) = (um_per_px.transpose()?, age_group.transpose()?);
            let extra = extra_places.iter().filter(|at| !entries[**at].is_empty());
            let extra = extra.map(|at| (sheet.headings[*at].clone(), entries[*at].clone())).collect();
            let paths = inputs.iter().map(|input| folder.join(input)).collect();
            let sha256 = sha256_of(&Written { accession, inputs, um_per_px, age_group, labs: value(4) });
            let (accession, labs) = (accession.to_owned(), value(4).map(|labs| folder.join(labs)));
            rows.push(ManifestRow { line, accession, inputs: paths, um_per_px, age_group, labs, extra, sha256 });
        }
        Self::of_rows(rows, extra_places.iter().map(|at| sheet.headings[*at].clone()).collect())
    }

    fn of_folder(path: &Path) -> Result<Self, ManifestProblem> {
        let unreadable = |source| ManifestProblem::Read { path: path.to_owned(), source };
        let (mut folders, mut loose) = (Vec::new(), Vec::new());
        for entry in fs::read_dir(path).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?.path();
            let hidden = entry.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
            match entry.is_dir() {
                _ if hidden => {}
                true => folders.push(entry),
                false if is_named_image(&entry) => loose.push(entry),
                false => {}
            }
        }
        if !loose.is_empty() {
            return Err(ManifestProblem::Loose { found: some_names(path, loose) });
        }
        folders.sort();
        let mut rows = Vec::new();
        for (folder, line) in folders.into_iter().zip(1..) {
            let name = folder.file_name().unwrap_or_default();
            let Some(accession) = name.to_str().map(str::to_owned) else {
                let found = name.to_string_lossy().into_owned();
                return Err(ManifestProblem::Value { line, expected: "a folder whose name is UTF-8", found });
            };
            check_accession(&accession, line)?;
            let labs = panel_in(&folder)
                .map_err(|problem| ManifestProblem::Panel { accession: accession.clone(), problem })?;
            rows.push(Self::row_of_files(line, accession, path, vec![folder], labs));
        }
        Self::of_rows(rows, Vec::new())
    }

    /// A row of files below a folder, of which nothing else is known.
    pub(super) fn row_of_files(
        line: u64,
        accession: String,
        below: &Path,
        inputs: Vec<PathBuf>,
        labs: Option<PathBuf>,
    ) -> ManifestRow {
        let written: Vec<String> = inputs.iter().map(|input| written_path(below, input)).collect();
        let written_labs = labs.as_deref().map(|labs| written_path(below, labs));
        let (um_per_px, age_group) = (None, None);
        let sha256 = sha256_of(&Written {
            accession: &accession,
            inputs: written.iter().map(String::as_str).collect(),
            um_per_px,
            age_group,
            labs: written_labs.as_deref(),
        });
        ManifestRow { line, accession, inputs, um_per_px, age_group, labs, extra: BTreeMap::new(), sha256 }
    }

    pub(super) fn of_rows(rows: Vec<ManifestRow>, extra_columns: Vec<String>) -> Result<Self, ManifestProblem> {
        if rows.is_empty() {
            return Err(ManifestProblem::Empty);
        }
        let mut written: Vec<String> = Vec::new();
        for row in &rows {
            written.push(row.sha256.clone());
            if !extra_columns.is_empty() {
                // Texts always make JSON.
                written.push(serde_json::to_string(&(&extra_columns, &row.extra)).unwrap_or_default());
            }
        }
        Ok(Self { rows, extra_columns, sha256: sha256_hex(written.join("\n").as_bytes()) })
    }

    /// The specimens.
    pub fn rows(&self) -> &[ManifestRow] {
        &self.rows
    }

    /// Names of the columns that are carried along, in their order.
    pub fn extra_columns(&self) -> &[String] {
        &self.extra_columns
    }

    /// SHA-256 over the rows as written: two manifests with the same hash name the same specimens.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }
}

/// A path as a manifest in a folder would write it.
fn written_path(folder: &Path, path: &Path) -> String {
    path.strip_prefix(folder).unwrap_or(path).to_string_lossy().into_owned()
}

/// The first of some paths, from a folder on, and how many more there are.
pub(super) fn some_names(folder: &Path, mut paths: Vec<PathBuf>) -> String {
    natural_order(&mut paths);
    let mut names: Vec<String> = paths.iter().take(MOST_NAMES).map(|path| written_path(folder, path)).collect();
    if paths.len() > names.len() {
        names.push(format!("{} more", paths.len() - names.len()));
    }
    names.join(", ")
}

type Places = ([Option<usize>; COLUMNS.len()], Vec<usize>);

/// Place of each of [`COLUMNS`] in the header row, and the places of all other columns.
fn places(headings: &[String]) -> Result<Places, ManifestProblem> {
    let refused = |found: String| Err(ManifestProblem::Columns { found });
    let (mut places, mut extra, mut seen) = ([None; COLUMNS.len()], Vec::new(), BTreeSet::new());
    for (at, name) in headings.iter().enumerate() {
        if !seen.insert(name.to_lowercase()) {
            return refused(format!("`{name}` twice"));
        }
        match COLUMNS.iter().position(|column| column.eq_ignore_ascii_case(name)) {
            Some(column) => places[column] = Some(at),
            None => extra.push(at),
        }
    }
    for at in &extra {
        let name = &headings[*at];
        if let Some(meant) = meant_as(name) {
            return refused(format!("`{name}`, which is nearly `{meant}`"));
        }
        if is_own_column(name) {
            return refused(format!("`{name}`, which is a column of the tables that are written"));
        }
        if name.chars().any(char::is_control) || name.chars().count() > MAX_TEXT_CHARS {
            return refused(format!("`{}` for a name", name.chars().take(MAX_TEXT_CHARS).collect::<String>()));
        }
    }
    match COLUMNS.iter().zip(places).take(2).find(|(_, place)| place.is_none()) {
        Some((name, _)) => refused(format!("no `{name}`")),
        None => Ok((places, extra)),
    }
}

/// The column that a name is probably a misspelling of.
fn meant_as(name: &str) -> Option<&'static str> {
    let letters = |name: &str| name.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect::<String>();
    let found = letters(name);
    COLUMNS.into_iter().find(|column| {
        let wanted = letters(column);
        let most = if wanted.chars().count() <= SHORT_NAME_CHARS { 1 } else { MISSPELLED_LETTERS };
        strsim::osa_distance(&found, &wanted) <= most
    })
}

/// Checks an accession as that of an order is checked, because a field of a message holds nothing else.
pub(super) fn check_accession(accession: &str, line: u64) -> Result<(), ManifestProblem> {
    let chars = accession.chars().count();
    if chars <= MAX_TEXT_CHARS && !accession.trim().is_empty() && !accession.chars().any(char::is_control) {
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
        let sha256 = |row: usize| manifest.rows()[row].sha256.clone();
        assert_eq!(
            manifest.rows(),
            [
                ManifestRow {
                    line: 2,
                    accession: "S-1".into(),
                    inputs: vec!["base/a.png".into(), "base/b".into(), "/c.tif".into()],
                    um_per_px: None,
                    age_group: None,
                    labs: None,
                    extra: BTreeMap::new(),
                    sha256: sha256(0),
                },
                ManifestRow {
                    line: 3,
                    accession: "S,2".into(),
                    inputs: vec!["base/x".into()],
                    um_per_px: Some(0.19),
                    age_group: Some(AgeGroup::PretermNeonate),
                    labs: Some("base/p.json".into()),
                    extra: BTreeMap::new(),
                    sha256: sha256(1),
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
            ("accession,inputs,Lab\nS-1,a,b\n", "found `Lab`, which is nearly `labs`"),
            ("accession,inputs,um per px\nS-1,a,1\n", "`um per px`, which is nearly `um_per_px`"),
            ("accession,inputs,um_per_pxl\nS-1,a,1\n", "which is nearly `um_per_px`"),
            ("accession,inputs,percent\nS-1,a,1\n", "`percent`, which is a column of the tables"),
            ("accession,inputs,State\nS-1,a,1\n", "`State`, which is a column of the tables"),
            ("accession,inputs,n_normal\nS-1,a,1\n", "`n_normal`, which is a column"),
            ("accession,inputs,site,Site\nS-1,a,1,2\n", "`Site` twice"),
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
            ("accession,inputs\nS-1,a,b\n", "line 2: expected as many values as there are headings"),
            ("accession,inputs,um_per_px\nS-1,a,\"0,19\"\n", "found `0,19`"),
            ("accession;inputs;um_per_px\nS-1;a;1,000,2\n", "found `1,000,2`"),
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
        fs::write(base.path().join("notes.txt"), "").expect("a file");
        fs::write(base.path().join("b/LABS.HL7"), "").expect("a file");
        let manifest = Manifest::read(base.path()).expect("specimens");
        let rows: Vec<_> = manifest.rows().iter().map(|row| (row.accession.as_str(), row.labs.clone())).collect();
        assert_eq!(rows, [("a", None), ("b", Some(base.path().join("b/LABS.HL7")))]);
        assert_eq!(manifest.rows()[0].inputs, [base.path().join("a")]);
        assert!(matches!(Manifest::read(&base.path().join("a")), Err(ManifestProblem::Empty)));
        assert!(matches!(Manifest::read(&base.path().join("no")), Err(ManifestProblem::Read { .. })));
        // What belongs to no specimen, and what could be either of two panels, is named.
        fs::write(base.path().join("b/labs.json"), "").expect("a file");
        let error = Manifest::read(base.path()).expect_err("two panels").to_string();
        assert!(
            error.contains("b: expected one laboratory panel in the folder, found LABS.HL7 and labs.json"),
            "{error}"
        );
        for name in ["f10.JPG", "f2.png", "x.svs"] {
            fs::write(base.path().join(name), "").expect("a file");
        }
        let error = Manifest::read(base.path()).expect_err("loose images").to_string();
        assert!(error.contains("found images outside of them (f2.png, f10.JPG, x.svs)"), "{error}");
    }

    #[test]
    fn other_columns_are_carried_by_their_names_and_change_no_work() {
        let plain = csv("accession,inputs\nS-1,a\nS-2,b\n").expect("a manifest");
        let more = csv("Site;accession;INPUTS;um_per_px;Ward 3\nA;S-1;a;0,19;\n;S-2;b;;x\n").expect("a manifest");
        assert_eq!(more.extra_columns(), ["Site", "Ward 3"]);
        let extra = |row: usize| more.rows()[row].extra.clone().into_iter().collect::<Vec<_>>();
        assert_eq!(extra(0), [("Site".to_owned(), "A".to_owned())], "empty is left out");
        assert_eq!(extra(1), [("Ward 3".to_owned(), "x".to_owned())]);
        assert_eq!(more.rows()[0].um_per_px, Some(0.19), "a decimal comma where it separates nothing");
        assert_eq!(more.rows()[1].sha256, plain.rows()[1].sha256);
        assert_ne!(more.rows()[0].sha256, plain.rows()[0].sha256, "another pixel size");
        assert_ne!(more.sha256(), plain.sha256());
    }
}
