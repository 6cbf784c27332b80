//! Why a report could not be made.

use std::path::PathBuf;

/// Why a report could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// The output folder cannot be created or written to (environment).
    #[error("{path}: expected an output folder that can be created and written to; name another one or change its permissions", path = .path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Something else stands where the output folder should be (request invalid).
    #[error("{path}: expected an output folder, found a file; name another folder", path = .path.display())]
    NotAFolder {
        /// The path.
        path: PathBuf,
    },
    /// A folder stands where a report should be written (request invalid).
    #[error("{path}: expected a file or nothing, found a folder; move it or name another output folder", path = .path.display())]
    Occupied {
        /// The path of the report.
        path: PathBuf,
    },
    /// The folder holds the reports of another specimen (request invalid).
    #[error(
        "{path}: expected a folder for this specimen ({given}), found the reports of another one ({found}); name another \
         folder with --out", path = .path.display()
    )]
    OtherSpecimen {
        /// The folder.
        path: PathBuf,
        /// Whose reports it holds.
        found: String,
        /// Whose were to be written.
        given: String,
    },
    /// A file of the folder bears the name of a record and is none (request invalid).
    #[error(
        "{path}: expected the record of a specimen, found another file of this name; move it or name another output folder",
        path = .path.display()
    )]
    ForeignFile {
        /// The file.
        path: PathBuf,
    },
    /// A file cannot be written (environment).
    #[error("{path}: expected a file that can be written; check permissions and free space", path = .path.display())]
    Write {
        /// The file, or the folder where it was to be made.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// What a report is written to takes no more of it (environment); [`ReportError::Write`] where that is a file.
    #[error("expected a place that takes the whole report")]
    Stream(#[from] std::io::Error),
    /// The record cannot be written as JSON.
    #[error("the record cannot be written as JSON")]
    Json(#[source] serde_json::Error),
    /// The cells cannot be written as CSV.
    #[error("the cells of the case cannot be written as CSV")]
    Csv(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The tables cannot be written as Parquet.
    #[error("the tables of the case cannot be written as Parquet")]
    Parquet(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A table of a specimen cannot be joined with others.
    #[error("{path}: the table cannot be joined: {problem}", path = .path.display())]
    Table {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The archive of the case holds no pictures (request invalid).
    #[error(
        "{field}: expected a picture of the field, found none, because no format of its analysis shows one; run `analyze` \
         again with this format"
    )]
    NoPicture {
        /// Field.
        field: String,
    },
    /// A picture of the case cannot be read.
    #[error("{field}: its preview or the picture of a cell cannot be decoded")]
    Picture {
        /// Field.
        field: String,
        /// What is wrong with it.
        source: image::ImageError,
    },
    /// A picture cannot be encoded.
    #[error("a picture of the case cannot be encoded")]
    Encode {
        /// What the encoder said.
        source: image::ImageError,
    },
    /// A text that the message's character set does not hold (request invalid).
    #[error(
        "expected a message in {set} (messages.hl7.character_set), found `{character}` in {segment}, which that set does not hold; name another set, UNICODE UTF-8 holds every text"
    )]
    CharacterSet {
        /// The set.
        set: &'static str,
        /// The first character that it lacks.
        character: char,
        /// Segment.
        segment: &'static str,
    },
    /// A message is to carry sheets that this build cannot make (request invalid).
    #[error(
        "expected a build that can make the PDF to embed, found one without; make one with `cargo build --release --features \
         pdf`, or take embed_pdf out of the configuration"
    )]
    NoSheets,
    /// The sheets cannot be typeset: a fault of the program, because every text is made printable before.
    #[error("the case cannot be typeset as PDF: {0}; write the html report in its place and report the fault")]
    Typeset(String),
    /// Record and pictures of a case do not belong together.
    #[error("expected the fields of the record in their order ({expected}), found `{found}` among the pictures")]
    FieldsDisagree {
        /// Name of the field in the record, or that there is none.
        expected: String,
        /// Name of the field that came with objects and picture, or that there is none.
        found: String,
    },
}

impl ReportError {
    /// Whether the place that is written to is at fault, not the case: another case would fail as well.
    pub fn is_environment(&self) -> bool {
        matches!(
            self,
            Self::Folder { .. }
                | Self::NotAFolder { .. }
                | Self::Occupied { .. }
                | Self::Write { .. }
                | Self::Stream(_)
        )
    }
}

impl From<serde_json::Error> for ReportError {
    fn from(error: serde_json::Error) -> Self {
        if error.is_io() { Self::Stream(error.into()) } else { Self::Json(error) }
    }
}

impl From<csv::Error> for ReportError {
    fn from(error: csv::Error) -> Self {
        if error.is_io_error() { Self::Stream(error.into()) } else { Self::Csv(Box::new(error)) }
    }
}
