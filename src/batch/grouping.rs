//! Reads specimens from folders of any layout: a pattern finds the accession in the path of each file.
//!
//! In: a folder, searched to its bottom without hidden entries and links to folders, and a regular expression in the syntax
//! of the crate `regex` with a group called `accession`. It is looked for in each path below the folder, written with `/`.
//! Out: a [`Manifest`] with a row for each accession in natural order, its images in natural order. A panel beside them
//! is taken where the pattern finds an accession in its path and its name is that of a panel, or ends with one after `.`,
//! `_` or `-` (`S-7_labs.hl7`).
//!
//! METHOD: the caller gives a pattern, because laboratories put the specimen into the folder's name, into the file's name or
//! into both. An image without an accession and a second panel are refused by name: nothing is left out quietly. `--dry-run`
//! shows what the pattern makes before any work.
//!
//! Limits: images are told by their names alone, so that a listing of a hundred thousand files is quick.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use regex::Regex;

use super::error::ManifestProblem;
use super::manifest::{Manifest, check_accession, some_names};
use crate::clinical::{PANEL_FILE_NAMES, PanelFileError};
use crate::source::{is_named_image, natural_order};

/// Name of the group that is the accession.
const GROUP: &str = "accession";

/// What stands between an accession and the name of a panel.
const JOINTS: [char; 3] = ['.', '_', '-'];

/// A pattern that finds the accession in a path.
#[derive(Debug, Clone)]
pub struct GroupPattern(Regex);

impl FromStr for GroupPattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let pattern = Regex::new(text).map_err(|error| error.to_string())?;
        if pattern.capture_names().flatten().any(|name| name == GROUP) {
            return Ok(Self(pattern));
        }
        Err(format!("expected a regular expression with a group called {GROUP}, for instance (?<{GROUP}>[^/]+)/[^/]+$"))
    }
}

/// What belongs to an accession.
#[derive(Default)]
struct Group {
    images: Vec<PathBuf>,
    panels: Vec<PathBuf>,
}

impl Manifest {
    /// Groups the images below a folder by a pattern.
    ///
    /// # Errors
    /// [`ManifestProblem`].
    pub fn of_groups(folder: &Path, pattern: &GroupPattern) -> Result<Self, ManifestProblem> {
        let mut files = Vec::new();
        walk(folder, &mut files)?;
        natural_order(&mut files);
        let (mut groups, mut ungrouped) = (BTreeMap::<String, Group>::new(), Vec::new());
        for file in files {
            let below = relative(folder, &file);
            let accession = pattern.0.captures(&below).and_then(|found| Some(found.name(GROUP)?.as_str().to_owned()));
            match accession {
                Some(accession) if is_named_image(&file) => groups.entry(accession).or_default().images.push(file),
                Some(accession) if is_panel(&file) => groups.entry(accession).or_default().panels.push(file),
                None if is_named_image(&file) => ungrouped.push(file),
                _ => {}
            }
        }
        if !ungrouped.is_empty() {
            return Err(ManifestProblem::Ungrouped { found: some_names(folder, ungrouped) });
        }
        let mut accessions: Vec<PathBuf> = groups.keys().map(PathBuf::from).collect();
        natural_order(&mut accessions);
        let mut rows = Vec::new();
        for (accession, line) in accessions.iter().filter_map(|name| name.to_str()).zip(1..) {
            let Some(Group { images, mut panels }) = groups.remove(accession) else { continue };
            check_accession(accession, line)?;
            if panels.len() > 1 {
                let problem = PanelFileError::Several(panels);
                return Err(ManifestProblem::Panel { accession: accession.to_owned(), problem });
            }
            if images.is_empty() {
                let expected = "an image for each accession that the pattern finds";
                let found = some_names(folder, panels);
                return Err(ManifestProblem::Value { line, expected, found });
            }
            rows.push(Self::row_of_files(line, accession.to_owned(), folder, images, panels.pop()));
        }
        Self::of_rows(rows, Vec::new())
    }
}

/// Every file below a folder.
fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), ManifestProblem> {
    let unreadable = |source| ManifestProblem::Read { path: folder.to_owned(), source };
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        // The type of the entry itself: a link to a folder could lead round in a circle.
        match entry.file_type().map_err(unreadable)?.is_dir() {
            true => walk(&entry.path(), files)?,
            false => files.push(entry.path()),
        }
    }
    Ok(())
}

/// A path from a folder on, with `/` on every system.
fn relative(folder: &Path, path: &Path) -> String {
    let parts = path.strip_prefix(folder).unwrap_or(path).components();
    let parts: Vec<String> = parts.map(|part| part.as_os_str().to_string_lossy().into_owned()).collect();
    parts.join("/")
}

/// Whether a file has the name of a panel, alone or after a prefix.
fn is_panel(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    PANEL_FILE_NAMES
        .iter()
        .any(|panel| name.strip_suffix(panel).is_some_and(|front| front.is_empty() || front.ends_with(JOINTS)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(names: &[&str]) -> tempfile::TempDir {
        let base = tempfile::tempdir().expect("a folder");
        for name in names {
            let path = base.path().join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            fs::write(path, "").expect("written");
        }
        base
    }

    type Rows = Vec<(String, Vec<String>, Option<String>)>;

    fn grouped(base: &Path, pattern: &str) -> Result<Rows, ManifestProblem> {
        let manifest = Manifest::of_groups(base, &pattern.parse().expect("a pattern"))?;
        let name = |path: &PathBuf| relative(base, path);
        let row = |row: &crate::batch::manifest::ManifestRow| {
            (row.accession.clone(), row.inputs.iter().map(name).collect(), row.labs.as_ref().map(name))
        };
        Ok(manifest.rows().iter().map(row).collect())
    }

    #[test]
    fn a_flat_folder_is_grouped_by_the_names_of_its_files() {
        let base = folder(&["S-10_1.png", "S-2_f10.JPG", "S-2_f9.jpg", "S-2_labs.hl7", "notes.txt", ".thumbs.png"]);
        let rows = grouped(base.path(), r"^(?<accession>S-\d+)_").expect("groups");
        let text = |text: &str| text.to_owned();
        assert_eq!(
            rows,
            [
                (text("S-2"), vec![text("S-2_f9.jpg"), text("S-2_f10.JPG")], Some(text("S-2_labs.hl7"))),
                (text("S-10"), vec![text("S-10_1.png")], None),
            ]
        );
    }

    #[test]
    fn nested_folders_are_grouped_by_any_part_of_the_path() {
        let base = folder(&["2024/A/S-1/x/1.png", "2024/A/S-1/y/1.png", "2025/B/S-2/1.tif", "2025/B/S-2/labs.json"]);
        let rows = grouped(base.path(), r"(?<accession>S-\d+)/").expect("groups");
        let sizes: Vec<_> = rows.iter().map(|row| (row.0.as_str(), row.1.len(), row.2.is_some())).collect();
        assert_eq!(sizes, [("S-1", 2, false), ("S-2", 1, true)]);
    }

    #[test]
    fn what_belongs_to_no_accession_or_to_two_panels_is_refused_by_name() {
        for (names, expected) in [
            (&["S-1_a.png", "other.png"][..], "found none for other.png"),
            (&["S-1_a.png", "S-1_labs.json", "S-1_labs.hl7"], "S-1: expected one laboratory panel"),
            (&["S-1_labs.json"], "expected an image for each accession"),
            (&["notes.txt"], "expected at least one specimen"),
        ] {
            let base = folder(names);
            let error = grouped(base.path(), "^(?<accession>S-1)").expect_err("not grouped").to_string();
            assert!(error.contains(expected), "{error}");
        }
        for wrong in ["(", "S-1", "(?<name>x)"] {
            assert!(wrong.parse::<GroupPattern>().is_err(), "{wrong}");
        }
    }
}
