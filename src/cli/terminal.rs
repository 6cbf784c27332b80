//! What commands say and hear: stdout without fuss over a closed pipe, text that commands no terminal, notes and progress
//! on stderr, and Ctrl-C and SIGTERM as requests to stop.
//!
//! Progress is a bar where stderr is a terminal. A batch writes one JSON line every some seconds elsewhere.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::io::{self, IsTerminal, Write};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use serde::Serialize;
use signal_hook::consts::{SIGINT, SIGTERM};

use super::exit::{Exit, Failure};
use schistoquant::batch::{BatchWatcher, TakenBack};
use schistoquant::case::SpecimenOutcome;
use schistoquant::pipeline::Progress;

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

/// Prints a value as one JSON document in one line, for `--json`.
///
/// # Errors
/// As [`print_document`].
pub(super) fn print_json(value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string(value).map_err(|error| Failure::new(Exit::OutputNotWritable, error))?;
    print_document(&(text + "\n"))
}

/// A value as a JSON document for people and files: indented, and ended by a line break.
///
/// # Errors
/// [`Exit::OutputNotWritable`] where the value is no JSON.
pub(super) fn indented(value: &impl Serialize) -> Result<String, Failure> {
    let text = serde_json::to_string_pretty(value).map_err(|error| Failure::new(Exit::OutputNotWritable, error))?;
    Ok(text + "\n")
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

/// Says on stderr that something is left out. Where stderr is closed there is nobody to tell.
pub(super) fn warn(what: impl Display) {
    let _ = writeln!(io::stderr().lock(), "warning: {}", visible(&what.to_string()));
}

/// A flag that Ctrl-C and SIGTERM set. Where the system takes no handler, they end the process at once as they always did.
pub(super) fn on_interrupt() -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    // METHOD: a hang-up is not taken: one that the caller chose to ignore (nohup) must stay ignored.
    for signal in [SIGINT, SIGTERM] {
        let _ = signal_hook::flag::register(signal, Arc::clone(&stop));
    }
    stop
}

/// Fields after which the time left is said: before them it has no basis.
const BASIS_FIELDS: u64 = 3;

/// The time left, or nothing while there is no basis for it.
fn time_left(state: &ProgressState, text: &mut dyn std::fmt::Write) {
    if state.pos() >= BASIS_FIELDS {
        // Writing to the bar's own text cannot fail.
        let _ = write!(text, ", about {:#} left", HumanDuration(state.eta()));
    }
}

/// A bar of one style; hidden where stderr is no terminal or nobody wants it.
fn bar(length: Option<u64>, quiet: bool, template: &str) -> ProgressBar {
    let shown = !quiet && io::stderr().is_terminal();
    let target = if shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let bar = ProgressBar::with_draw_target(length, target);
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.with_key("left", time_left));
    }
    bar
}

/// A bar over the fields of a run.
pub(super) struct Bar(ProgressBar);

impl Bar {
    /// A bar that shows itself only where stderr is a terminal and nobody asked for quiet.
    pub(super) fn new(quiet: bool) -> Self {
        Self(bar(Some(0), quiet, "{bar:40} {pos}/{len} fields{left}"))
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

/// Progress of a batch.
pub(super) struct BatchProgress {
    bar: ProgressBar,
    /// Time between two lines; `None` where none are asked for.
    every: Option<Duration>,
    /// Whether notes are left out.
    quiet: bool,
    state: Mutex<State>,
}

struct State {
    started: Instant,
    told: Instant,
    line: Line,
    /// Images of the specimens that are still to be done, by accession.
    images: BTreeMap<String, u64>,
    /// Images and fields of the specimens that this run has finished: how many fields an image holds.
    finished: (u64, u64),
    /// Fields in work that no finished specimen holds yet.
    fields_in_work: u64,
}

/// A line of progress.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
struct Line {
    specimens: u64,
    specimens_done: u64,
    specimens_failed: u64,
    fields_done: u64,
    /// Fields that this run will have done at its end.
    fields_expected: Option<u64>,
    fields_per_second: Option<f64>,
    seconds_left: Option<f64>,
}

impl State {
    /// The line after some seconds.
    ///
    /// METHOD: the time left needs to know how many fields an image holds (a slide holds hundreds) and how long a field
    /// takes. Both are known when a specimen is finished in this run; before that nothing is said.
    fn line(&self, seconds: f64) -> Line {
        let tenths = |value: f64| (value * 10.0).round() / 10.0;
        let rate = (seconds > 0.0 && self.line.fields_done > 0).then(|| self.line.fields_done as f64 / seconds);
        let (images, fields) = self.finished;
        let images_left: u64 = self.images.values().sum();
        let left = (images > 0 && fields > 0).then(|| {
            let fields_left = images_left as f64 * fields as f64 / images as f64;
            (fields_left - self.fields_in_work as f64).max(0.0)
        });
        Line {
            fields_expected: left.map(|left| self.line.fields_done + left.round() as u64),
            fields_per_second: rate.map(tenths),
            seconds_left: left.zip(rate).map(|(left, rate)| tenths(left / rate)),
            ..self.line.clone()
        }
    }
}

impl BatchProgress {
    /// Nothing where nobody wants it, a bar on a terminal, lines elsewhere.
    pub(super) fn new(quiet: bool, every_seconds: f64) -> Self {
        let now = Instant::now();
        // An absurd number of seconds means never.
        let every = Duration::try_from_secs_f64(every_seconds).ok().filter(|_| !quiet && !io::stderr().is_terminal());
        let state = State {
            started: now,
            told: now,
            line: Line::default(),
            images: BTreeMap::new(),
            finished: (0, 0),
            fields_in_work: 0,
        };
        Self { bar: bar(None, quiet, "{bar:40} {msg}"), every, quiet, state: Mutex::new(state) }
    }

    /// Takes the bar off the terminal.
    pub(super) fn clear(&self) {
        self.bar.finish_and_clear();
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut state);
        let line = state.line(state.started.elapsed().as_secs_f64());
        if let Some(expected) = line.fields_expected {
            self.bar.set_length(expected);
        }
        self.bar.set_position(line.fields_done);
        self.bar.set_message(words(&line));
        if self.every.is_some_and(|every| state.told.elapsed() >= every) {
            state.told = Instant::now();
            if let Ok(text) = serde_json::to_string(&line) {
                warn(format_args!("{text}"));
            }
        }
    }
}

/// A line of progress for a terminal.
fn words(line: &Line) -> String {
    let fields = match line.fields_expected {
        Some(expected) => format!("{} of about {expected} fields", line.fields_done),
        None => format!("{} fields", line.fields_done),
    };
    let rate = line.fields_per_second.map(|rate| format!(", {rate} fields/s")).unwrap_or_default();
    let left = line.seconds_left.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let left = left.map(|left| format!(", about {:#} left", HumanDuration(left))).unwrap_or_default();
    format!("{fields}, {} of {} specimens{rate}{left}", line.specimens_done, line.specimens)
}

impl Progress for BatchProgress {
    fn found(&self, _fields: usize) {}

    fn field_done(&self) {
        self.change(|state| {
            state.line.fields_done += 1;
            state.fields_in_work += 1;
        });
    }
}

impl BatchWatcher for BatchProgress {
    fn taken_back(&self, outcome: &SpecimenOutcome, why: TakenBack) {
        if self.quiet {
            return;
        }
        let kept = outcome.result.as_ref().map(|result| format!("; its reports lie in left_out/{}", result.folder));
        let why = match why {
            TakenBack::Gone => "no longer in the manifest, in no table any more",
            TakenBack::Changed => "its row or a file that it names has changed, done again",
        };
        warn(format_args!("{}: {why}{}", outcome.accession, kept.unwrap_or_default()));
    }

    fn kept_unread(&self, outcome: &SpecimenOutcome) {
        if !self.quiet {
            warn(format_args!("{}: kept as it was; its files cannot be read any more", outcome.accession));
        }
    }

    fn specimens(&self, all: usize, done: usize, images: BTreeMap<String, u64>) {
        self.change(|state| {
            (state.line.specimens, state.line.specimens_done) = (all as u64, done as u64);
            state.images = images;
        });
    }

    fn specimen_done(&self, outcome: &SpecimenOutcome) {
        self.change(|state| {
            state.line.specimens_done += 1;
            state.line.specimens_failed += u64::from(outcome.failure.is_some());
            let images = state.images.remove(&outcome.accession).unwrap_or(0);
            if let Some(result) = &outcome.result {
                state.finished.0 += images;
                state.finished.1 += result.fields;
                state.fields_in_work = state.fields_in_work.saturating_sub(result.fields);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(images: &[(&str, u64)], finished: (u64, u64), fields_done: u64) -> State {
        let now = Instant::now();
        let line = Line { specimens: 30, specimens_done: 20, specimens_failed: 1, fields_done, ..Line::default() };
        let images = images.iter().map(|(accession, images)| ((*accession).to_owned(), *images)).collect();
        State { started: now, told: now, line, images, finished, fields_in_work: 2 }
    }

    #[test]
    fn nothing_is_said_of_the_time_before_a_specimen_is_finished() {
        let before = state(&[("a", 10), ("b", 10)], (0, 0), 5).line(10.0);
        assert_eq!((before.fields_per_second, before.fields_expected, before.seconds_left), (Some(0.5), None, None));
        assert_eq!(words(&before), "5 fields, 20 of 30 specimens, 0.5 fields/s");
        let nothing = state(&[("a", 10)], (0, 0), 0).line(0.0);
        assert_eq!((nothing.fields_per_second, nothing.seconds_left), (None, None));
        let text = serde_json::to_string(&nothing).expect("a line");
        assert!(text.starts_with("{\"specimens\":30,\"specimens_done\":20,\"specimens_failed\":1,\"fields_done\":0,"));
    }

    #[test]
    fn the_time_left_follows_the_fields_of_the_images_that_are_left() {
        // Twelve fields done, ten of them in a finished specimen of five images: two fields an image.
        let after = state(&[("a", 10), ("b", 1)], (5, 10), 12).line(6.0);
        // Of 22 fields to come 2 are in work and done.
        assert_eq!(
            (after.fields_expected, after.fields_per_second, after.seconds_left),
            (Some(32), Some(2.0), Some(10.0))
        );
        assert_eq!(words(&after), "12 of about 32 fields, 20 of 30 specimens, 2 fields/s, about 10s left");
        let end = state(&[], (5, 10), 12).line(6.0);
        assert_eq!((end.fields_expected, end.seconds_left), (Some(12), Some(0.0)));
    }

    #[test]
    fn a_name_commands_no_terminal() {
        assert_eq!(visible("a\u{1b}[2Jb\r\u{9b}c\u{7}\t"), "a\\u{1b}[2Jb\\r\\u{9b}c\\u{7}\\t");
        assert_eq!(visible("x\u{202e}gpj.exe"), "x\\u{202e}gpj.exe");
        assert_eq!(visible("Müller, 2.4 % (1.7–3.4)\nnext"), "Müller, 2.4 % (1.7–3.4)\nnext");
    }
}
