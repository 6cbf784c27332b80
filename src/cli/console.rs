//! What a running command says on stderr: refused inputs, and a progress bar where stderr is a terminal.

use std::fmt::Display;
use std::io::{self, Write};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::source::SourceError;

/// Progress over the fields of a specimen. The bar shows on a terminal only, and not where the user wants quiet.
#[derive(Debug)]
pub struct Console {
    bar: ProgressBar,
}

impl Console {
    /// A console for a run over `fields` fields.
    pub fn new(fields: usize, quiet: bool) -> Self {
        let target = if quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let bar = ProgressBar::with_draw_target(Some(fields as u64), target);
        if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} fields, {eta} left") {
            bar.set_style(style);
        }
        Self { bar }
    }

    /// One field more is done.
    pub fn advance(&self) {
        self.bar.inc(1);
    }

    /// Says that something is left out. Errors are said even where the user wants quiet.
    pub fn error(&self, error: impl Display) {
        self.bar.suspend(|| complain(error));
    }

    /// Says which inputs are left out.
    pub fn errors(&self, errors: &[SourceError]) {
        errors.iter().for_each(|error| self.error(error));
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// One line on stderr. Where it cannot be written there is nobody to tell.
pub fn complain(error: impl Display) {
    let _ = writeln!(io::stderr().lock(), "error: {error}");
}

/// Writes to stdout. A reader that has closed the pipe has what it wanted.
pub fn say(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}
