//! The pipeline on labelled fields: what a laboratory runs on its own films before it trusts a figure.
//!
//! In: a [`LabelledSet`], images with their labels or declared to hold no schistocyte, and the classifier. Out: a
//! [`VerifiedSet`], the [`Evaluation`](crate::evaluate::Evaluation) with pictures of its worst cells. [`suite`] is a list of
//! sets with targets, [`suite_record`] its outcome; [`card`] puts measured figures into the card of a model.
//!
//! Order: 1. the fields of the wanted part; 2. pixel sizes; 3. for each field, in parallel: read, lay labels over what
//! the pipeline makes of it; 4. the figures; 5. the pictures. Fields keep the order of the input, so the result does not
//! depend on the number of threads.
//!
//! Rules:
//! * The labels' positions never reach the pipeline; it sees the image files alone.
//! * Pixel size: given, else from the file, else estimated as for a specimen, once for each group of the split file over
//!   all its fields among the inputs, labelled or not. Fields without a group share one estimate over all of them that
//!   belong to the wanted part.
//! * A field without labels is left aside unless it is declared to hold no schistocyte or lies in the folder of a read
//!   set.

pub mod card;
mod error;
mod fields;
pub mod pseudo_patients;
pub mod repeatability;
mod run;
pub mod suite;
pub mod suite_record;

pub use error::VerifyError;
pub use run::{VerifiedSet, verify};

use std::path::PathBuf;

use crate::evaluate::ANSWERS_FILE;
use crate::evaluate::labels::{LabelFormat, LabelOptions};
use crate::evaluate::part::HashedPart;

/// Files that an evaluation is written to.
pub const EVALUATION_FILES: [&str; 3] = ["evaluation.json", "evaluation.html", ANSWERS_FILE];

/// Where labels lie and how to read them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelSource {
    /// Folder or file.
    pub path: PathBuf,
    /// Format; told by the files where `None`.
    pub format: Option<LabelFormat>,
    /// What the files do not say.
    pub options: LabelOptions,
}

/// A file that says which images belong to which part and together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SplitSource {
    /// The CSV file.
    pub path: PathBuf,
    /// Part to evaluate; all where `None`.
    pub want: Option<String>,
}

/// Images with what is known of them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LabelledSet {
    /// Name of the set, for records and cards.
    pub name: String,
    /// Images and folders of images.
    pub inputs: Vec<PathBuf>,
    /// Their labels; may be missing where no schistocyte is expected or readings are given.
    pub labels: Option<LabelSource>,
    /// Tables of readings, or folders of them; with any, schistocytes are judged by the readings.
    pub readings: Vec<PathBuf>,
    /// Whether cells that nobody read are no schistocytes, so that a read percentage can be stated.
    pub unread_are_none: bool,
    /// A second threshold to state figures at; that for review of the model's card where it is left out.
    pub threshold: Option<f64>,
    /// Parts, groups and specimens by file.
    pub split: Option<SplitSource>,
    /// Part by the name of the image.
    pub part: Option<HashedPart>,
    /// Whether the fields are declared to hold no schistocyte.
    pub expect_none: bool,
    /// Pixel size, µm.
    pub um_per_px: Option<f64>,
}
