//! Reading a panel: which file of a folder it is, told by the name, and its format, told by the content.
//!
//! In: a folder; or the bytes of a file, at most [`MAX_PANEL_BYTES`]: JSON in UTF-8, or a message in the character set that
//! it names. Out: the panel's path, if there is one; a [`LabPanel`]. JSON with `resourceType` is read as a FHIR R4 Bundle,
//! other JSON as a panel, bytes that begin with `MSH` as an HL7 v2 message.
//!
//! Order: 1. the format's own reader gives results and context, and lays coded diagnoses over the context; 2. `raw` resolves
//! units, brings values to canonical units, chooses intervals, sets flags, and puts the values of an analyte in order of time.
//!
//! METHOD: a panel that is passed over changes the evidence without a word. So a second panel, and a file that by its
//! extension is a message but does not bear the name of a panel, are refused. A file that is no panel, or one of several
//! patients, is refused too. One entry that cannot be read without doubt (unit, value, plausibility, time) is left aside by
//! name with its reason and stops no other one.
//!
//! Limits: one file holds one patient. Nesting of JSON is limited to 128 levels by the JSON reader.

mod codes;
mod fhir;
mod fhir_patient;
mod hl7;
mod panel_json;
mod raw;

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde_json::Value;

#[cfg(test)]
pub use codes::coded_substances;
pub use fhir::OWN_FHIR_SYSTEM;

use super::error::{Fault, PanelError, PanelProblem};
use super::hl7 as messages;
use super::options::PanelOptions;
use super::panel::LabPanel;

/// Names by which a panel lies beside the images of its specimen. Case does not matter: file shares and laboratory systems
/// write `LABS.HL7`.
pub const PANEL_FILE_NAMES: [&str; 3] = ["labs.json", "labs.hl7", "labs.fhir.json"];

/// What the name of an order begins with, whatever its format; it is no panel.
const ORDER_STEM: &str = "order.";

/// Endings by which a file says that it is a message.
const MESSAGE_ENDINGS: [&str; 2] = [".hl7", ".fhir.json"];

/// Most bytes of a panel.
pub const MAX_PANEL_BYTES: usize = 8 * 1024 * 1024;

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

/// The bytes of a panel file, at most one more than a panel may have: that one is enough for [`read_panel`] to refuse it.
///
/// # Errors
/// The file cannot be read.
pub fn panel_bytes(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_PANEL_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Reads a panel; `path` is for messages alone.
///
/// # Errors
/// [`PanelError`] where the panel is refused: never a panic, whatever the bytes.
pub fn read_panel(bytes: &[u8], path: &str, options: &PanelOptions) -> Result<LabPanel, PanelError> {
    read(bytes, options).map_err(|fault| fault.in_file(path))
}

fn read(bytes: &[u8], options: &PanelOptions) -> Result<LabPanel, Fault> {
    options.check()?;
    if bytes.len() > MAX_PANEL_BYTES {
        return Err(PanelProblem::TooLarge { limit: MAX_PANEL_BYTES, found: bytes.len() }.into());
    }
    let raw = if messages::is_message(bytes) { hl7::read(bytes, options)? } else { read_json(bytes, options)? };
    raw.assemble(options)
}

fn read_json(bytes: &[u8], options: &PanelOptions) -> Result<raw::RawPanel, Fault> {
    let text = std::str::from_utf8(bytes).map_err(|error| PanelProblem::NotUtf8 { position: error.valid_up_to() })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if !text.trim_start().starts_with(['{', '[']) {
        return Err(PanelProblem::UnknownFormat.into());
    }
    let no_json =
        |error: serde_json::Error| PanelProblem::Json { expected: "one JSON document", found: error.to_string() };
    let value: Value = serde_json::from_str(text).map_err(no_json)?;
    if value.get("resourceType").is_some() { fhir::read(&value, options) } else { panel_json::read(text) }
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod folder_tests {
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
