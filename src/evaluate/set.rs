//! A labelled set: what it is made of, which of its fields are evaluated with what they belong to and their pixel sizes,
//! and why a set cannot be evaluated.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::labels::{LabelError, LabelFormat, LabelOptions};
use super::split::{HashedPart, Split, SplitError};
use crate::case::InputFailure;
use crate::pipeline::{ExamineError, Interrupted, SpecimenScale, given_calibration, input_failure};
use crate::segment::{DetectError, Segmenter};
use crate::source::{DecodeLimits, FieldSource, SourceError, expand_inputs};

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

/// Why a set could not be evaluated.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EvaluateError {
    /// Nothing says what the fields hold.
    #[error(
        "{set}: expected labels, readings, or fields declared to hold no schistocyte, found none; give --labels, --readings or \
         --expect-none"
    )]
    NothingKnown {
        /// Name of the set.
        set: String,
    },
    /// The labels as a whole cannot be used.
    #[error(transparent)]
    Labels(#[from] LabelError),
    /// The split file cannot be used.
    #[error(transparent)]
    Split(#[from] SplitError),
    /// Labels contradict what was declared.
    #[error(
        "{field}: expected a field without schistocytes, as --expect-none declares, found one in its labels; leave one of both out"
    )]
    Contradicted {
        /// Field.
        field: String,
    },
    /// Not one field could be evaluated.
    #[error("{set}: expected at least one readable field with labels, found none; {}", reasons(failures, *unlabelled))]
    NoField {
        /// Name of the set.
        set: String,
        /// What could not be read.
        failures: Vec<InputFailure>,
        /// Readable fields without labels.
        unlabelled: u64,
    },
    /// The detector of cells failed while the pixel size was estimated.
    #[error(transparent)]
    Detect(#[from] DetectError),
    /// The model failed on a field.
    #[error("{field}: the model gave no usable answer; check it with the command `model`")]
    Examine {
        /// Field.
        field: String,
        /// What went wrong.
        source: ExamineError,
    },
    /// A picture could not be encoded.
    #[error("{field}: its picture could not be encoded")]
    Picture {
        /// Field.
        field: String,
        /// What went wrong.
        source: image::ImageError,
    },
    /// A changed picture could not be written to the temporary folder.
    #[error("expected a temporary folder that takes changed pictures; free space there or set TMPDIR")]
    Temporary {
        /// What went wrong.
        source: image::ImageError,
    },
    /// The user stopped the run.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
}

/// Most failures that the message names.
const MOST_REASONS: usize = 3;

fn reasons(failures: &[InputFailure], unlabelled: u64) -> String {
    if failures.is_empty() {
        return match unlabelled {
            0 => String::from("no image belongs to the wanted part"),
            _ => format!("{unlabelled} images have no labels of their name"),
        };
    }
    let texts: Vec<String> =
        failures.iter().take(MOST_REASONS).map(|failure| format!("{}: {}", failure.path, failure.reason)).collect();
    let more = failures.len() - texts.len();
    let rest = if more > 0 { format!("; {more} more") } else { String::new() };
    texts.join("; ") + &rest
}

/// Which images are wanted.
struct Wanted {
    split: Option<Split>,
    part: Option<HashedPart>,
}

impl Wanted {
    fn holds(&self, file_name: &str) -> bool {
        self.part.is_none_or(|part| part.holds(file_name))
            && self.split.as_ref().is_none_or(|split| split.holds(file_name))
    }

    /// Whether a failure concerns the wanted part. A path that is no file always does.
    fn concerns(&self, error: &SourceError) -> bool {
        !error.path.is_file() || self.holds(&file_name(&error.path))
    }
}

/// The fields of the wanted part.
pub(super) struct ChosenFields {
    pub sources: Vec<FieldSource>,
    pub failures: Vec<InputFailure>,
    wanted: Wanted,
    scales: BTreeMap<Option<String>, SpecimenScale>,
}

impl ChosenFields {
    /// Lists the fields and estimates the pixel sizes.
    pub(super) fn of(set: &LabelledSet, segmenter: &Segmenter) -> Result<Self, EvaluateError> {
        let read = |split: &SplitSource| Split::read(&split.path, split.want.as_deref());
        let split = set.split.as_ref().map(read).transpose()?;
        let wanted = Wanted { split, part: set.part };
        let (mut sources, unreadable) = expand_inputs(&set.inputs, DecodeLimits::default());
        sources.retain(|source| wanted.holds(&file_name(source.path())));
        let failures = unreadable.iter().filter(|error| wanted.concerns(error)).map(input_failure).collect();
        let mut chosen = Self { sources, failures, wanted, scales: BTreeMap::new() };
        chosen.scales = chosen.scales(set.um_per_px, segmenter)?;
        Ok(chosen)
    }

    fn scales(
        &self,
        um_per_px: Option<f64>,
        segmenter: &Segmenter,
    ) -> Result<BTreeMap<Option<String>, SpecimenScale>, DetectError> {
        let given = um_per_px.and_then(given_calibration);
        let mut groups: BTreeMap<Option<String>, Vec<FieldSource>> = BTreeMap::new();
        for source in &self.sources {
            groups.entry(self.group_of(source).map(str::to_owned)).or_default().push(source.clone());
        }
        let scale =
            |(group, sources): (_, Vec<_>)| Ok((group, SpecimenScale::of_specimen(&sources, given, segmenter)?));
        groups.into_iter().map(scale).collect()
    }

    pub(super) fn group_of(&self, source: &FieldSource) -> Option<&str> {
        self.wanted.split.as_ref().and_then(|split| split.group_of(&file_name(source.path())))
    }

    pub(super) fn specimen_of(&self, source: &FieldSource) -> Option<&str> {
        self.wanted.split.as_ref().and_then(|split| split.specimen_of(&file_name(source.path())))
    }

    /// Pixel sizes of the group of a field.
    pub(super) fn scale_of(&self, source: &FieldSource) -> &SpecimenScale {
        &self.scales[&self.group_of(source).map(str::to_owned)]
    }
}

/// Name of a file without its folder.
pub(super) fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
