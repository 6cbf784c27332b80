//! Outcome to exit code: a contract with the programs that call this one. A finding is data, never an exit code.

use std::error::Error;
use std::fmt;

/// Exit codes, as README states them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
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
