//! Progress on stderr: a bar where that is a terminal, nothing elsewhere.

use std::io::{self, IsTerminal};

use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use crate::pipeline::Progress;

/// Fields after which the time left is said: before them it has no basis.
const BASIS_FIELDS: u64 = 3;

/// The time left, or nothing while there is no basis for it.
fn time_left(state: &ProgressState, text: &mut dyn std::fmt::Write) {
    if state.pos() >= BASIS_FIELDS {
        // Writing to the bar's own text cannot fail.
        let _ = write!(text, ", about {:#} left", HumanDuration(state.eta()));
    }
}

/// A bar over the fields of a run.
pub(super) struct Bar(ProgressBar);

impl Bar {
    /// A bar that shows itself only where stderr is a terminal and nobody asked for quiet.
    pub(super) fn new(quiet: bool) -> Self {
        let visible = !quiet && io::stderr().is_terminal();
        let target = if visible { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(0), target);
        if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} fields{left}") {
            bar.set_style(style.with_key("left", time_left));
        }
        Self(bar)
    }

    /// Takes the bar off the terminal.
    pub(super) fn clear(&self) {
        self.0.finish_and_clear();
    }
}

impl Progress for Bar {
    fn found(&self, fields: usize) {
        self.0.inc_length(fields as u64);
    }

    fn field_done(&self) {
        self.0.inc(1);
    }
}
