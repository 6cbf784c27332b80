//! Exit codes, and which error leaves with which code: a contract with the programs that call this one.
//!
//! A finding is data, never an exit code. No other module of the crate knows an exit code.

use std::error::Error;
use std::fmt;

use schistoquant::batch::{BatchError, ManifestProblem};
use schistoquant::evaluate::EvaluateError;
use schistoquant::evaluate::suite::SuiteError;
use schistoquant::export::ExportError;
use schistoquant::pipeline::AnalyzeError;
use schistoquant::report::ReportError;
use schistoquant::review::ReviewError;
use schistoquant::review::web::ServeError;
use schistoquant::watch::WatchError;

/// Exit codes, as `docs/files.md` states them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, strum::VariantArray)]
#[repr(u8)]
pub enum Exit {
    /// Report made.
    Success = 0,
    /// Report made, some inputs failed.
    SomeInputsFailed = 1,
    /// Wrong usage or configuration.
    Usage = 2,
    /// No input readable.
    NoInputReadable = 3,
    /// Report made; the specimen is not assessable or under the minimum count.
    NotAssessable = 4,
    /// Model or engine unusable.
    ModelUnusable = 5,
    /// Output not writable.
    OutputNotWritable = 6,
    /// The program failed: a bug.
    ProgramFailed = 101,
    /// Interrupted by the user.
    Interrupted = 130,
}

impl Exit {
    /// The number.
    pub fn code(self) -> u8 {
        self as u8
    }
}

/// An error with its causes, in one line.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text
}

/// A command that could not do its work: the exit code and the cause.
#[derive(Debug)]
pub struct Failure {
    /// Exit code to leave with.
    pub exit: Exit,
    /// The cause; its chain is printed once, by `main`.
    pub source: Box<dyn Error + Send + Sync>,
}

impl Failure {
    /// The same failure with the file or folder that it happened in.
    pub fn within(self, place: &str) -> Self {
        Self { exit: self.exit, source: format!("{place}: {}", chain(&self)).into() }
    }

    /// A failure of the caller: wrong usage or configuration.
    pub fn usage(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(Exit::Usage, source)
    }

    /// A failure with its cause.
    pub fn new(exit: Exit, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { exit, source: source.into() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.source, f)
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.source()
    }
}

impl From<AnalyzeError> for Failure {
    fn from(error: AnalyzeError) -> Self {
        let exit = match error {
            AnalyzeError::NoInputReadable(_) => Exit::NoInputReadable,
            AnalyzeError::Detect(_) | AnalyzeError::Examine { .. } => Exit::ModelUnusable,
            AnalyzeError::Interrupted(_) => Exit::Interrupted,
            AnalyzeError::Picture { .. } | AnalyzeError::Spool(_) => Exit::OutputNotWritable,
            // A panic, or a kind of error that has no code yet: both are bugs.
            _ => Exit::ProgramFailed,
        };
        Self::new(exit, error)
    }
}

impl From<ReportError> for Failure {
    fn from(error: ReportError) -> Self {
        let exit = match error {
            ReportError::OtherSpecimen { .. } | ReportError::ForeignFile { .. } | ReportError::NoPicture { .. } => {
                Exit::Usage
            }
            _ => Exit::OutputNotWritable,
        };
        Self::new(exit, error)
    }
}

impl From<BatchError> for Failure {
    fn from(error: BatchError) -> Self {
        let exit = match error {
            BatchError::Exists { .. } | BatchError::Differs { .. } | BatchError::Shards { .. } => Exit::Usage,
            BatchError::Read { .. } | BatchError::Damaged { .. } => Exit::NoInputReadable,
            BatchError::Interrupted => Exit::Interrupted,
            _ => Exit::OutputNotWritable,
        };
        Self::new(exit, error)
    }
}

impl From<ManifestProblem> for Failure {
    fn from(problem: ManifestProblem) -> Self {
        let exit = match problem {
            ManifestProblem::Read { .. } => Exit::NoInputReadable,
            _ => Exit::Usage,
        };
        Self::new(exit, problem)
    }
}

impl From<ReviewError> for Failure {
    fn from(error: ReviewError) -> Self {
        let exit = match error {
            ReviewError::Refused(_) | ReviewError::AlreadyServed { .. } | ReviewError::Format(_) => Exit::Usage,
            ReviewError::Case(_) | ReviewError::Damaged(_) => Exit::NoInputReadable,
            ReviewError::Folder { .. } | ReviewError::Report(_) => Exit::OutputNotWritable,
            _ => Exit::ProgramFailed,
        };
        Self::new(exit, error)
    }
}

impl From<ServeError> for Failure {
    fn from(error: ServeError) -> Self {
        let exit = match error {
            ServeError::Review(error) => return error.into(),
            ServeError::Failed(_) => Exit::OutputNotWritable,
            _ => Exit::Usage,
        };
        Self::new(exit, error)
    }
}

impl From<WatchError> for Failure {
    fn from(error: WatchError) -> Self {
        let exit = match error {
            WatchError::NoDropFolder { .. } | WatchError::OutInsideDrop { .. } | WatchError::AlreadyWatched { .. } => {
                Exit::Usage
            }
            WatchError::Folder { .. } | WatchError::Output { .. } => Exit::OutputNotWritable,
            _ => Exit::ProgramFailed,
        };
        Self::new(exit, error)
    }
}

impl From<EvaluateError> for Failure {
    fn from(error: EvaluateError) -> Self {
        let exit = match error {
            EvaluateError::NothingKnown { .. }
            | EvaluateError::Contradicted { .. }
            | EvaluateError::Labels(_)
            | EvaluateError::Split(_) => Exit::Usage,
            EvaluateError::NoField { .. } => Exit::NoInputReadable,
            EvaluateError::Detect(_) | EvaluateError::Examine { .. } => Exit::ModelUnusable,
            EvaluateError::Picture { .. } | EvaluateError::Temporary { .. } => Exit::OutputNotWritable,
            EvaluateError::Interrupted(_) => Exit::Interrupted,
            _ => Exit::ProgramFailed,
        };
        Self::new(exit, error)
    }
}

impl From<SuiteError> for Failure {
    fn from(error: SuiteError) -> Self {
        Self::usage(error)
    }
}

impl From<ExportError> for Failure {
    fn from(error: ExportError) -> Self {
        let exit = match error {
            ExportError::NoField => Exit::NoInputReadable,
            ExportError::Archive(_) => Exit::OutputNotWritable,
            ExportError::Detect(_) => Exit::ModelUnusable,
            ExportError::Interrupted(_) => Exit::Interrupted,
            _ => Exit::ProgramFailed,
        };
        Self::new(exit, error)
    }
}
