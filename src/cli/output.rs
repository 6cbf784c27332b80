//! Where commands print and write: stdout without fuss over a closed pipe, text without control of a terminal, files whole
//! or not at all.

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

/// Prints text for people to stdout, see [`visible`].
///
/// # Errors
/// As [`print_document`].
pub(super) fn print(text: &str) -> Result<(), Failure> {
    print_document(&visible(text))
}

/// Prints a document to stdout as it is; a reader that has closed the pipe has what it wanted.
///
/// # Errors
/// [`Exit::OutputNotWritable`] where stdout cannot be written.
pub(super) fn print_document(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(source) if source.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::new(Exit::OutputNotWritable, StdoutError { source }))
        }
        _ => Ok(()),
    }
}

/// Text in which no control character but a line end is left: a file or a laboratory may bear any name, and a terminal
/// takes some of them for commands. Marks that turn the direction of writing are shown too, because they hide what a
/// name is.
pub fn visible(text: &str) -> String {
    let hides =
        |c: char| (c.is_control() && c != '\n') || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if hides(c) { shown.extend(c.escape_default()) } else { shown.push(c) }
    }
    shown
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
    let _ = writeln!(io::stderr().lock(), "warning: {}", visible(&what.to_string()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_commands_no_terminal() {
        assert_eq!(visible("a\u{1b}[2Jb\r\u{9b}c\u{7}\t"), "a\\u{1b}[2Jb\\r\\u{9b}c\\u{7}\\t");
        assert_eq!(visible("x\u{202e}gpj.exe"), "x\\u{202e}gpj.exe");
        assert_eq!(visible("Müller, 2.4 % (1.7–3.4)\nnext"), "Müller, 2.4 % (1.7–3.4)\nnext");
    }
}
