//! What stops a review, and what is wrong with a case that was reviewed.

use std::path::PathBuf;

use crate::case::{Reading, Reviewer};
use crate::report::{CaseFolderError, ReportError, UnknownFormat};

/// What is wrong with an audit trail, or with what should follow from it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TrailFault {
    /// A line is no event, or not the next one.
    #[error("line {line} of the audit trail {problem}")]
    Line {
        /// Line, from 1.
        line: u64,
        /// What is wrong with it.
        problem: String,
    },
    /// The last line has no end: the program was stopped while it wrote, and nobody was told that the event counts.
    #[error(
        "the audit trail ends in the middle of line {line}; start the review, which takes the unfinished line away"
    )]
    Unfinished {
        /// Line, from 1.
        line: u64,
    },
    /// An event could not have happened where it stands.
    #[error("event {event} of the audit trail cannot follow the events before it: {problem}")]
    Impossible {
        /// Its number.
        event: u64,
        /// Why not.
        problem: String,
    },
    /// The note of the last event says something else.
    #[error(
        "the audit trail ends with event {found}, but {noted} was noted as the last one: events are missing, or the note was changed"
    )]
    Cut {
        /// Last event of the trail.
        found: u64,
        /// Last event by the note.
        noted: u64,
    },
    /// The note of the last event is missing or no note.
    #[error("the note of the last event ({file}) is missing or was changed")]
    Note {
        /// Its name.
        file: &'static str,
    },
    /// A file of the case is missing.
    #[error("{file} is missing")]
    Missing {
        /// Its name.
        file: String,
    },
    /// A file of the case was changed.
    #[error("{file} was changed: its hash is not the one in the audit trail")]
    Changed {
        /// Its name.
        file: String,
    },
    /// A file of the case does not follow from the trail.
    #[error("{file} does not follow from the audit trail")]
    DoesNotFollow {
        /// Its name.
        file: String,
    },
    /// A record is signed and has no trail, or one that knows of no signature.
    #[error("the record is signed, and the audit trail knows of no signature")]
    NoSignature,
}

/// Why a review, or a step of it, was refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReviewError {
    /// A file or folder cannot be read or written (environment).
    #[error("{path}: expected a path that can be read and written; check permissions and free space", path = .path.display())]
    Folder {
        /// The path.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Another program has the trail open (request invalid).
    #[error("{path}: expected a case that no other program has open for review, found one at work; use its address, or end it", path = .path.display())]
    AlreadyServed {
        /// The file that the other one has locked.
        path: PathBuf,
    },
    /// The case cannot be used.
    #[error("the case cannot be used")]
    Case(#[from] CaseFolderError),
    /// The case was changed outside of its review.
    #[error("the case cannot be reviewed: {0}; keep it as it is and find out what happened")]
    Damaged(#[from] TrailFault),
    /// The reports cannot be written.
    #[error("the reports cannot be written")]
    Report(#[from] ReportError),
    /// A format of the case that this build cannot write.
    #[error("the reports of the case cannot be made anew by this build")]
    Format(#[from] UnknownFormat),
    /// Somebody else was faster (the second is told).
    #[error("{by} has read this cell as {now} in the meantime; your reading was not taken, look at it again", by = by_words(.by), now = now_words(.now))]
    Conflict {
        /// Who was faster.
        by: Option<Reviewer>,
        /// What the cell is read as now; `None` where the reading was taken back.
        now: Option<Reading>,
    },
    /// The step does not fit the state of the case, or the person.
    #[error("{0}")]
    Refused(String),
    /// An event cannot be written as JSON.
    #[error("the event cannot be written as JSON")]
    Json(#[from] serde_json::Error),
    /// The system has no clock.
    #[error("expected a clock between the years 0 and 9999; set the clock of the machine")]
    Clock,
}

fn by_words(by: &Option<Reviewer>) -> &str {
    by.as_ref().map_or("somebody", |by| by.name.as_str())
}

fn now_words(now: &Option<Reading>) -> String {
    now.map_or_else(|| "unread again".to_owned(), |reading| reading.to_string())
}
