//! Which file of a specimen's folder is its laboratory panel, told by the name alone.
//!
//! In: a folder. Out: the panel's path, or that there is none. Names are matched without regard to case: file shares and
//! laboratory systems write `LABS.HL7`.
//!
//! METHOD: a panel that is passed over changes the evidence without a word. A second panel, and a file that by its
//! extension is a message but bears no name of a panel, are refused.

use std::fs;
use std::path::{Path, PathBuf};

use super::PANEL_FILE_NAMES;

/// What the name of an order begins with, whatever its format; it is no panel.
const ORDER_STEM: &str = "order.";

/// Endings by which a file says that it is a message.
const MESSAGE_ENDINGS: [&str; 2] = [".hl7", ".fhir.json"];

/// Why the panel of a folder cannot be told.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PanelFileError {
    /// The folder cannot be listed (environment).
    #[error("{path}: expected a folder that can be read, found: {source}; check the disk and permissions", path = .path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// There are two panels (request invalid).
    #[error("expected one laboratory panel in the folder, found {found}; leave the one that is of this specimen", found = names(.0))]
    Several(Vec<PathBuf>),
    /// A message is called by no name of a panel (request invalid).
    #[error(
        "{path}: expected a panel that is called {known}, found another name; rename it, or take it out where it is no panel",
        path = .0.display(),
        known = PANEL_FILE_NAMES.join(", ")
    )]
    Misnamed(PathBuf),
}

fn names(paths: &[PathBuf]) -> String {
    let names: Vec<String> =
        paths.iter().map(|path| path.file_name().unwrap_or_default().to_string_lossy().into_owned()).collect();
    names.join(" and ")
}

/// Whether a file of this name is a panel.
pub fn is_panel_name(name: &str) -> bool {
    PANEL_FILE_NAMES.iter().any(|panel| panel.eq_ignore_ascii_case(name))
}

/// The panel beside the images of a specimen; `None` where there is none.
///
/// # Errors
/// [`PanelFileError`].
pub fn panel_in(folder: &Path) -> Result<Option<PathBuf>, PanelFileError> {
    let unreadable = |source| PanelFileError::Folder { path: folder.to_owned(), source };
    let (mut panels, mut misnamed) = (Vec::new(), Vec::new());
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let name = entry.file_name().to_string_lossy().to_lowercase();
        if name.starts_with('.') || entry.path().is_dir() {
            continue;
        }
        if is_panel_name(&name) {
            panels.push(entry.path());
        } else if MESSAGE_ENDINGS.iter().any(|ending| name.ends_with(ending)) && !name.starts_with(ORDER_STEM) {
            misnamed.push(entry.path());
        }
    }
    panels.sort();
    misnamed.sort();
    match (panels.len(), misnamed.into_iter().next()) {
        (2.., _) => Err(PanelFileError::Several(panels)),
        (_, Some(path)) => Err(PanelFileError::Misnamed(path)),
        _ => Ok(panels.pop()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(names: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        names.iter().for_each(|name| fs::write(folder.path().join(name), "").expect("written"));
        folder
    }

    #[test]
    fn a_panel_is_found_by_its_name_in_any_case() {
        for name in ["labs.json", "LABS.HL7", "Labs.Fhir.JSON"] {
            let folder = folder(&["a.png", "order.json", "order.hl7", ".hidden.hl7", name]);
            let found = panel_in(folder.path()).expect("one panel");
            assert_eq!(found, Some(folder.path().join(name)), "{name}");
        }
        let without = folder(&["a.png", "Order.JSON", "field.truth.json"]);
        assert_eq!(panel_in(without.path()).expect("no panel"), None);
    }

    #[test]
    fn a_second_panel_and_one_of_another_name_are_refused_by_name() {
        for (names, expected) in [
            (&["labs.json", "labs.hl7"][..], "found labs.hl7 and labs.json"),
            (&["LABS.HL7", "labs.fhir.json"], "found LABS.HL7 and labs.fhir.json"),
            (&["panel.hl7"], "panel.hl7: expected a panel that is called labs.json, labs.hl7, labs.fhir.json"),
            (&["labs.json", "labs-2.HL7"], "labs-2.HL7: expected a panel"),
            (&["bundle.fhir.json"], "bundle.fhir.json: expected a panel"),
        ] {
            let error = panel_in(folder(names).path()).expect_err("not one panel").to_string();
            assert!(error.contains(expected), "{error}");
        }
        assert!(matches!(panel_in(Path::new("/no/such/folder")), Err(PanelFileError::Folder { .. })));
    }
}
