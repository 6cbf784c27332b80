//! Why a manifest cannot be used, and why a batch could not be run or merged. A specimen's own failure is none of these.

use std::path::PathBuf;

use crate::clinical::PanelFileError;
use crate::pipeline::Interrupted;
use crate::report::ReportError;

/// Largest manifest, bytes: about a million rows.
pub const MAX_MANIFEST_BYTES: u64 = 256 << 20;

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
    /// A column is missing, doubled or misspelled.
    #[error(
        "expected the columns accession and inputs, perhaps um_per_px, age_group and labs, and others under names of their own, found {found}; correct the header row"
    )]
    Columns {
        /// What is wrong.
        found: String,
    },
    /// It is no text.
    #[error("expected UTF-8, or UTF-16 with a byte order mark, found {found}; save it as `CSV UTF-8`")]
    Encoding {
        /// What it is.
        found: &'static str,
    },
    /// It is no table.
    #[error("expected rows of CSV in UTF-8")]
    Csv(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A value is wrong.
    #[error("line {line}: expected {expected}, found `{found}`; correct the manifest")]
    Value {
        /// Line of the file, from 1; in a folder the number of the specimen.
        line: u64,
        /// What should stand there.
        expected: &'static str,
        /// What stands there.
        found: String,
    },
    /// The panel of a specimen's folder cannot be told.
    #[error("{accession}: {problem}")]
    Panel {
        /// The specimen.
        accession: String,
        /// What is wrong.
        problem: PanelFileError,
    },
    /// Images lie beside the folders of the specimens.
    #[error(
        "expected a folder for each specimen, found images outside of them ({found}); put them into one, or say with --group how files are grouped"
    )]
    Loose {
        /// Some of them.
        found: String,
    },
    /// Images belong to no specimen by the pattern.
    #[error(
        "expected a pattern that finds the accession of every image, found none for {found}; change --group or move them"
    )]
    Ungrouped {
        /// Some of them.
        found: String,
    },
    /// There is no specimen.
    #[error("expected at least one specimen, found none; name a manifest with rows or a folder of specimen folders")]
    Empty,
}

/// Why a batch could not be run or merged.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BatchError {
    /// There is a batch in the folder already (request invalid).
    #[error("{path}: expected a folder without a batch, found one; give --resume or name another folder", path = .path.display())]
    Exists {
        /// The folder.
        path: PathBuf,
    },
    /// The batch in the folder was asked for otherwise (request invalid).
    #[error("{path}: expected a batch of the same {what}, found another; name another folder or go back to what it was", path = .path.display())]
    Differs {
        /// Its `batch.json`.
        path: PathBuf,
        /// What differs.
        what: String,
    },
    /// Somebody else works in the folder (environment).
    #[error("{path}: another run works in this folder; wait for its end or name another folder", path = .path.display())]
    Locked {
        /// The journal.
        path: PathBuf,
    },
    /// A file of the batch cannot be read (input unreadable).
    #[error("{path}: expected a file that can be read; check path and permissions", path = .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file of the batch is damaged (input unsuitable).
    #[error("{path}: expected {expected}, found {found}; remove the folder and run the batch again", path = .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What should stand there.
        expected: &'static str,
        /// What stands there.
        found: String,
    },
    /// A shard is missing, doubled or not at its end (request invalid).
    #[error("expected every shard of the batch once and whole, found {found}; {remedy}")]
    Shards {
        /// What is wrong.
        found: String,
        /// What to do.
        remedy: &'static str,
    },
    /// The output folder cannot be written (environment).
    #[error("{path}: expected a folder that can be written; check permissions and free space, then go on with --resume", path = .path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The temporary folder cannot be written (environment).
    #[error("the temporary folder {} could not be used; free space there or set TMPDIR, then go on with --resume", std::env::temp_dir().display())]
    Spool(#[source] std::io::Error),
    /// A report or a table cannot be written (environment).
    #[error("the batch cannot be written; check free space, then go on with --resume")]
    Report(#[from] ReportError),
    /// A record cannot be written as JSON.
    #[error("a record of the batch cannot be written as JSON")]
    Json(#[from] serde_json::Error),
    /// The user stopped the run.
    #[error("interrupted; what is finished is kept, go on with --resume")]
    Interrupted,
}

impl From<Interrupted> for BatchError {
    /// Without its text: of one specimen nothing was written, of the batch what is finished was.
    fn from(_: Interrupted) -> Self {
        Self::Interrupted
    }
}

impl From<csv::Error> for ManifestProblem {
    fn from(error: csv::Error) -> Self {
        Self::Csv(Box::new(error))
    }
}
