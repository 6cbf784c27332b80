//! Why a set could not be evaluated.

use crate::case::InputFailure;
use crate::evaluate::labels::LabelError;
use crate::evaluate::split::SplitError;
use crate::pipeline::ExamineError;
use crate::pipeline::Interrupted;
use crate::segment::DetectError;

/// Why a set could not be evaluated.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
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

/// Most failures that are told in full.
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
