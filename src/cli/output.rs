//! Where commands print and write: stdout without fuss over a closed pipe, files whole or not at all.

use std::fmt::Display;
use std::fs;
use std::io::{self, Write};
use std::path::Path;

use super::exit::{Exit, Failure};

/// Standard output that does not take what is printed.
#[derive(Debug, thiserror::Error)]
#[error("standard output: expected a place that takes the result, found one that cannot be written; send it elsewhere")]
struct StdoutError {
    source: io::Error,
}

/// Prints to stdout; a reader that has closed the pipe has what it wanted.
///
/// # Errors
/// [`Exit::OutputNotWritable`] where stdout cannot be written.
pub(super) fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(source) if source.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::new(Exit::OutputNotWritable, StdoutError { source }))
        }
        _ => Ok(()),
    }
}

/// Writes a file whole or not at all: under a temporary name in the same folder, then renamed.
///
/// # Errors
/// What the system says; nothing half-written remains.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".partial");
    let temporary = path.with_file_name(name);
    let written = fs::write(&temporary, bytes).and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        // The first error is the one to report.
        let _ = fs::remove_file(&temporary);
    }
    written
}

/// Says on stderr that something is left out. Where stderr is closed there is nobody to tell.
pub(super) fn warn(what: impl Display) {
    let _ = writeln!(io::stderr().lock(), "warning: {what}");
}
