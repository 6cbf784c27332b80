//! What all label formats share: the label file and its faults, the image that it belongs to, and what a label name
//! stands for.
//!
//! Names as people write them (`RBC`, `Schistocyte: helmet`, `burr cell`) become a [`Meaning`]. Case, spaces, hyphens,
//! underscores, a plural `s` and a final `cell` do not matter.

use std::fs;
use std::path::{Path, PathBuf};

use crate::smear::{CellClass, Contour, LabeledCell, LabeledField, SchistocyteForm, TruthKind};

/// Largest label file that is read, bytes: an annotation of a million cells takes about 200 MiB as GeoJSON.
const MAX_LABEL_BYTES: u64 = 512 << 20;

/// Why labels could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LabelError {
    /// The file or folder cannot be read.
    #[error("{}: expected a readable label file; check path and permission", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Cause.
        source: std::io::Error,
    },
    /// No label belongs to the image.
    #[error("{}: expected labels of `{image}`, found none; leave the image out or label it", path.display())]
    Missing {
        /// Folder or file that was searched.
        path: PathBuf,
        /// Image without labels.
        image: String,
    },
    /// The file is larger than `MAX_LABEL_BYTES`.
    #[error("{}: expected at most {MAX_LABEL_BYTES} bytes, found {found}; split the file", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size.
        found: u64,
    },
    /// The files do not tell their format.
    #[error(
        "{}: expected labels whose format can be told (Chula, VOC, YOLO, COCO, QuPath, truth or readings), found {found}; name it \
         with --format", path.display()
    )]
    FormatUnknown {
        /// Folder or file.
        path: PathBuf,
        /// What was found.
        found: String,
    },
    /// The text is not of this format.
    #[error("{}: {place}: expected {expected}, found {found}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Line, element or key.
        place: String,
        /// What should stand there.
        expected: &'static str,
        /// What stands there.
        found: String,
    },
    /// A label name that stands for no cell known here.
    #[error("{}: {place}: expected {}, found `{name}`; rename the label", path.display(), KNOWN)]
    UnknownName {
        /// The file.
        path: PathBuf,
        /// Line, element or key.
        place: String,
        /// The name.
        name: String,
    },
    /// The labels were made on an image of another size.
    #[error(
        "{}: expected labels of an image of {} x {} px, found {} x {} px; use the image that was labelled",
        path.display(), expected.0, expected.1, found.0, found.1
    )]
    OtherSize {
        /// The file.
        path: PathBuf,
        /// Size of the image.
        expected: (u32, u32),
        /// Size in the labels.
        found: (u32, u32),
    },
}

/// An image that labels are wanted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImageFrame<'a> {
    /// File name.
    pub name: &'a str,
    /// Width, px.
    pub width_px: u32,
    /// Height, px.
    pub height_px: u32,
}

impl ImageFrame<'_> {
    /// File name without its ending.
    pub(super) fn stem(&self) -> &str {
        Path::new(self.name).file_stem().and_then(|stem| stem.to_str()).unwrap_or(self.name)
    }
}

/// A field of cells with an unknown pixel size.
pub(super) fn field(image: ImageFrame<'_>, complete: bool, cells: Vec<LabeledCell>) -> LabeledField {
    LabeledField {
        field: image.name.to_owned(),
        width_px: image.width_px,
        height_px: image.height_px,
        um_per_px: None,
        complete,
        cells,
    }
}

/// Text of a label file within `MAX_LABEL_BYTES`.
pub(super) fn read(path: &Path) -> Result<String, LabelError> {
    let unreadable = |source| LabelError::Unreadable { path: path.to_owned(), source };
    let found = fs::metadata(path).map_err(unreadable)?.len();
    if found > MAX_LABEL_BYTES {
        return Err(LabelError::TooLarge { path: path.to_owned(), found });
    }
    fs::read_to_string(path).map_err(unreadable)
}

/// The files of a folder by name, or the one file.
pub(super) fn files(path: &Path) -> Result<Vec<PathBuf>, LabelError> {
    let unreadable = |source| LabelError::Unreadable { path: path.to_owned(), source };
    if !fs::metadata(path).map_err(unreadable)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let entries = fs::read_dir(path).map_err(unreadable)?.map(|entry| entry.map(|entry| entry.path()));
    let mut files = entries.collect::<Result<Vec<_>, _>>().map_err(unreadable)?;
    files.sort();
    Ok(files)
}

pub(super) fn malformed(
    path: &Path,
    place: impl Into<String>,
    expected: &'static str,
    found: impl Into<String>,
) -> LabelError {
    LabelError::Malformed { path: path.to_owned(), place: place.into(), expected, found: found.into() }
}

pub(super) fn malformed_json(path: &Path, error: &serde_json::Error) -> LabelError {
    malformed(path, format!("line {}", error.line()), "JSON of this label format", error.to_string())
}

pub(super) fn same_size(path: &Path, image: ImageFrame<'_>, found: (u32, u32)) -> Result<(), LabelError> {
    let expected = (image.width_px, image.height_px);
    if found == expected { Ok(()) } else { Err(LabelError::OtherSize { path: path.to_owned(), expected, found }) }
}

/// The outline of the largest area among closed lines of points; `None` where none of them is an outline.
pub(super) fn largest_outline(lines: impl Iterator<Item = Vec<[f64; 2]>>) -> Option<Vec<[f64; 2]>> {
    let outlines = lines.filter_map(Contour::new);
    outlines.max_by(|a, b| a.area_px().total_cmp(&b.area_px())).map(|outline| outline.points().to_vec())
}

/// What may stand as a name, for messages.
const KNOWN: &str = "a red cell class, RBC, WBC or platelet";

/// What a labelled object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Meaning {
    /// Red cell, white cell or platelet.
    pub kind: TruthKind,
    /// Class, where the name says it.
    pub class: Option<CellClass>,
    /// Schistocyte form, where the name says it.
    pub form: Option<SchistocyteForm>,
}

impl Meaning {
    /// A kind without a class.
    pub(super) const fn of_kind(kind: TruthKind) -> Self {
        Self { kind, class: None, form: None }
    }

    /// A red cell of a class.
    pub(super) const fn of_class(class: CellClass) -> Self {
        Self { kind: TruthKind::RedCell, class: Some(class), form: None }
    }

    /// Meaning of a name; `None` where it stands for no cell known here.
    ///
    /// `main: detail` is QuPath's derived class: the detail names a schistocyte form or is passed over.
    pub(super) fn of_name(name: &str) -> Option<Self> {
        let (main, detail) = name.split_once(':').map_or((name, None), |(main, detail)| (main, Some(detail)));
        let meaning = match plain(main).as_str() {
            "rbc" | "red" | "redblood" | "erythrocyte" => Self::of_kind(TruthKind::RedCell),
            "wbc" | "white" | "whiteblood" | "leukocyte" | "leucocyte" => Self::of_kind(TruthKind::WhiteCell),
            "platelet" | "thrombocyte" | "plt" => Self::of_kind(TruthKind::Platelet),
            plain => Self::of_class(class(plain)?),
        };
        let form =
            detail.filter(|_| meaning.class == Some(CellClass::Schistocyte)).and_then(|detail| form(&plain(detail)));
        Some(Self { form, ..meaning })
    }

    /// An object of this meaning, without a position yet.
    pub(super) fn cell(self) -> LabeledCell {
        LabeledCell { kind: self.kind, class: self.class, form: self.form, point: None, bounds: None, contour: None }
    }
}

/// Lower case, letters only, without plural and without a final `cell`.
fn plain(name: &str) -> String {
    let letters: String = name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    let single = letters.strip_suffix('s').unwrap_or(&letters);
    single.strip_suffix("cell").unwrap_or(single).to_owned()
}

/// Class of a plain name: its own, or one that haematologists use for it.
fn class(plain: &str) -> Option<CellClass> {
    match plain {
        "codocyte" => Some(CellClass::Target),
        "dacrocyte" | "dacryocyte" => Some(CellClass::Teardrop),
        "echinocyte" => Some(CellClass::Burr),
        "fragment" | "fragmentedred" | "fragmented" => Some(CellClass::Schistocyte),
        "hypochromic" => Some(CellClass::Hypochromia),
        "uncategorized" => Some(CellClass::Uncategorised),
        "discocyte" | "normocyte" => Some(CellClass::Normal),
        _ => CellClass::from_name(plain),
    }
}

/// Form of a plain name.
fn form(plain: &str) -> Option<SchistocyteForm> {
    let plain = if plain == "triangular" { "triangle" } else { plain };
    SchistocyteForm::ALL.into_iter().find(|form| form.name() == plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_is_known_by_its_own_name() {
        for class in CellClass::ALL {
            assert_eq!(Meaning::of_name(class.name()), Some(Meaning::of_class(class)), "{}", class.name());
        }
    }

    #[test]
    fn names_of_public_sets() {
        let kind = |name| Meaning::of_name(name).map(|meaning| (meaning.kind, meaning.class));
        assert_eq!(kind("RBC"), Some((TruthKind::RedCell, None)));
        assert_eq!(kind("WBC"), Some((TruthKind::WhiteCell, None)));
        assert_eq!(kind("Platelets"), Some((TruthKind::Platelet, None)));
        assert_eq!(kind("red blood cells"), Some((TruthKind::RedCell, None)));
        assert_eq!(kind("Burr cell"), Some((TruthKind::RedCell, Some(CellClass::Burr))));
        assert_eq!(kind("tear_drop"), Some((TruthKind::RedCell, Some(CellClass::Teardrop))));
        assert_eq!(kind("tumor"), None);
    }

    #[test]
    fn a_derived_class_names_the_form() {
        let helmet = Meaning::of_name("Schistocyte: helmet").expect("a class");
        assert_eq!((helmet.class, helmet.form), (Some(CellClass::Schistocyte), Some(SchistocyteForm::Helmet)));
        assert_eq!(Meaning::of_name("Schistocyte: odd").expect("a class").form, None);
        assert_eq!(Meaning::of_name("Burr: helmet").expect("a class").form, None);
    }
}
