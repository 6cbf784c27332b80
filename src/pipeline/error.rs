//! Why no case could be made of a specimen.

use super::examine::ExamineError;
use super::stream::Interrupted;
use crate::case::InputFailure;
use crate::segment::DetectError;

/// Why no case could be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AnalyzeError {
    /// Nothing to read; every failure is named.
    #[error("expected at least one readable image, found none; {}", reasons(.0))]
    NoInputReadable(Vec<InputFailure>),
    /// The detector of cells failed while the pixel size was estimated.
    #[error(transparent)]
    Detect(#[from] DetectError),
    /// A model failed on a field.
    #[error("{field}: the models gave no usable answer; check them with the command `model`")]
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
    /// The fields could not be kept in the temporary folder.
    #[error("the temporary folder {} could not be used; free space there or set TMPDIR", std::env::temp_dir().display())]
    Spool(#[source] std::io::Error),
    /// The program failed.
    #[error("{what}: the program failed here; report it as a bug with the images")]
    Panicked {
        /// File, or what was in work.
        what: String,
    },
    /// The user stopped the run.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
}

fn reasons(failures: &[InputFailure]) -> String {
    let texts: Vec<String> = failures.iter().map(|failure| format!("{}: {}", failure.path, failure.reason)).collect();
    if texts.is_empty() { String::from("name images or folders of images") } else { texts.join("; ") }
}
