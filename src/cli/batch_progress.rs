//! Progress of a batch on stderr: a bar on a terminal, else a JSON line each some seconds.

use std::io::{self, IsTerminal};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use super::output::warn;
use crate::batch::BatchWatcher;
use crate::case::SpecimenOutcome;
use crate::pipeline::Progress;

/// Progress of a batch.
pub(super) struct BatchProgress {
    bar: ProgressBar,
    /// Time between two lines; `None` where none are asked for.
    every: Option<Duration>,
    state: Mutex<State>,
}

struct State {
    started: Instant,
    told: Instant,
    line: Line,
    /// Specimens that an earlier run finished.
    before: u64,
}

/// A line of progress.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
struct Line {
    specimens: u64,
    specimens_done: u64,
    specimens_failed: u64,
    fields_done: u64,
    fields_per_second: Option<f64>,
    seconds_left: Option<f64>,
}

impl Line {
    /// The line after some seconds, `before` specimens having been done at the start.
    fn after(&self, seconds: f64, before: u64) -> Self {
        let per_second = |number: u64| (seconds > 0.0 && number > 0).then(|| number as f64 / seconds);
        let tenths = |value: f64| (value * 10.0).round() / 10.0;
        let left = self.specimens.saturating_sub(self.specimens_done) as f64;
        let specimens = per_second(self.specimens_done.saturating_sub(before));
        Self {
            fields_per_second: per_second(self.fields_done).map(tenths),
            seconds_left: specimens.map(|rate| tenths(left / rate)),
            ..self.clone()
        }
    }
}

impl BatchProgress {
    /// Nothing where nobody wants it, a bar on a terminal, lines elsewhere.
    pub(super) fn new(quiet: bool, every_seconds: f64) -> Self {
        let terminal = io::stderr().is_terminal();
        let target = if terminal && !quiet { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(0), target);
        if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} specimens, {msg}, {eta} left") {
            bar.set_style(style);
        }
        let now = Instant::now();
        // An absurd number of seconds means never.
        let every = Duration::try_from_secs_f64(every_seconds).ok().filter(|_| !quiet && !terminal);
        Self { bar, every, state: Mutex::new(State { started: now, told: now, line: Line::default(), before: 0 }) }
    }

    /// Takes the bar off the terminal.
    pub(super) fn clear(&self) {
        self.bar.finish_and_clear();
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        change(&mut state);
        let line = state.line.after(state.started.elapsed().as_secs_f64(), state.before);
        self.bar.set_message(format!("{} fields/s", line.fields_per_second.unwrap_or(0.0)));
        if self.every.is_some_and(|every| state.told.elapsed() >= every) {
            state.told = Instant::now();
            if let Ok(text) = serde_json::to_string(&line) {
                warn(format_args!("{text}"));
            }
        }
    }
}

impl Progress for BatchProgress {
    fn found(&self, _fields: usize) {}

    fn field_done(&self) {
        self.change(|state| state.line.fields_done += 1);
    }
}

impl BatchWatcher for BatchProgress {
    fn specimens(&self, all: usize, done: usize) {
        self.bar.set_length(all as u64);
        self.bar.set_position(done as u64);
        self.bar.reset_eta();
        self.change(|state| {
            (state.line.specimens, state.line.specimens_done, state.before) = (all as u64, done as u64, done as u64);
        });
    }

    fn specimen_done(&self, outcome: &SpecimenOutcome) {
        self.bar.inc(1);
        self.change(|state| {
            state.line.specimens_done += 1;
            state.line.specimens_failed += u64::from(outcome.failure.is_some());
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_earlier_run_did_does_not_count_for_the_rate() {
        let line = Line { specimens: 30, specimens_done: 20, specimens_failed: 1, fields_done: 50, ..Line::default() };
        let after = line.after(20.0, 10);
        assert_eq!((after.fields_per_second, after.seconds_left), (Some(2.5), Some(20.0)));
        let nothing_yet = Line { fields_done: 0, ..line }.after(20.0, 20);
        assert_eq!((nothing_yet.fields_per_second, nothing_yet.seconds_left), (None, None));
        let text = serde_json::to_string(&after).expect("a line");
        assert!(text.starts_with("{\"specimens\":30,\"specimens_done\":20,\"specimens_failed\":1,\"fields_done\":50,"));
    }
}
