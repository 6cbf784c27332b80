//! One stream of work over the fields of all specimens.
//!
//! In: specimens one after another, a pool of threads. Out: the case of each specimen, given to `finish` as soon as its last
//! field is done. Order for a specimen: 1. opened: inputs listed, pixel size estimated; 2. its fields, in parallel with
//! those of its neighbors; 3. its case is finished (reports written) on the pool; 4. noted by the caller.
//!
//! METHOD: threads take fields and not specimens, so that a specimen of 3 fields and one of 300 keep every core busy: while
//! the last fields of one are in work, those of the next follow. Which task comes next, and how many fields are held in
//! memory, is decided in [`schedule`](super::schedule).
//!
//! Results do not depend on the number of threads: fields are added to their case in the order of the input, whichever is
//! done first.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;

use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};

use super::analyze::{AnalyzeOptions, Stated};
use super::examine::{AnalyzeError, Interrupted, Models, caught, panicked};
use super::field::{field_result, input_failure};
use super::listed::{ListedSpecimen, SpecimenInputs, Unopened};
use super::prepare::{SpecimenScale, given_calibration};
use super::schedule::{FieldTask, OneField, Opened, Schedule, TASKS_PER_THREAD, Task};
use crate::case::Case;
use crate::source::FieldSource;
use crate::survey::SpecimenListing;

/// Is told of the progress; `()` is nobody.
pub trait Progress: Sync {
    /// So many more fields are likely to be done.
    fn found(&self, fields: usize);
    /// One more field is done.
    fn field_done(&self);
}

impl Progress for () {
    fn found(&self, _fields: usize) {}
    fn field_done(&self) {}
}

/// The threads of a run: as many as asked for, else one for each processor.
///
/// # Errors
/// The system gives no threads.
pub fn thread_pool(threads: Option<u16>) -> Result<ThreadPool, ThreadPoolBuildError> {
    ThreadPoolBuilder::new().num_threads(threads.map_or(0, usize::from)).build()
}

/// Analyzes specimens.
///
/// `finish` makes what is wanted of a case on a thread of the pool; it is given the place of the specimen in the input and
/// returns an error only for what must end the run. `done` is called on the caller's thread for each specimen, in the order
/// in which they end. The caller must not be a thread of the pool.
///
/// # Errors
/// The first error of `finish` or `done`; [`Interrupted`] where `stop` was set before the last specimen was done.
pub fn analyze_all<T: Send, E: From<Interrupted> + Send>(
    specimens: impl Iterator<Item = (usize, SpecimenInputs)>,
    models: &Models,
    pool: &ThreadPool,
    progress: &dyn Progress,
    stop: &AtomicBool,
    finish: impl Fn(usize, Result<Case, AnalyzeError>) -> Result<T, E> + Sync,
    done: impl FnMut(usize, T) -> Result<(), E>,
) -> Result<(), E> {
    let specimens = specimens.map(|(specimen, inputs)| (specimen, Unopened::Named(inputs)));
    analyze_unopened(specimens, models, pool, progress, stop, finish, done)
}

fn analyze_unopened<T: Send, E: From<Interrupted> + Send>(
    specimens: impl Iterator<Item = (usize, Unopened)>,
    models: &Models,
    pool: &ThreadPool,
    progress: &dyn Progress,
    stop: &AtomicBool,
    finish: impl Fn(usize, Result<Case, AnalyzeError>) -> Result<T, E> + Sync,
    mut done: impl FnMut(usize, T) -> Result<(), E>,
) -> Result<(), E> {
    let halt = AtomicBool::new(false);
    let stage = &Stage { models, finish: &finish, stop, halt: &halt };
    let threads = pool.current_num_threads();
    let mut schedule = Schedule::new(specimens, Stated::of(models.classifier.card()));
    let mut outcome = Ok(());
    pool.in_place_scope(|scope| {
        let (sender, receiver) = channel();
        loop {
            if outcome.is_ok() && stop.load(Ordering::Relaxed) {
                outcome = Err(Interrupted.into());
            }
            halt.store(outcome.is_err(), Ordering::Relaxed);
            while outcome.is_ok()
                && let Some(task) = schedule.next_task(threads)
            {
                let sender = sender.clone();
                // The receiver is gone only where the run has ended.
                scope.spawn(move |_| drop(sender.send(stage.run(task))));
            }
            if schedule.in_work == 0 {
                return outcome;
            }
            let Ok(message) = receiver.recv() else { return outcome };
            schedule.in_work -= 1;
            match message {
                Message::NotRun => {}
                Message::Opened(specimen, opened) => progress.found(schedule.opened(specimen, opened)),
                Message::Field { specimen, index, result } => {
                    progress.field_done();
                    progress.found(schedule.field_done(specimen, index, *result));
                }
                Message::Finished(specimen, finished) => {
                    let noted = finished.and_then(|finished| done(specimen, finished));
                    outcome = outcome.and(noted);
                }
            }
        }
    })
}

/// Analyzes one specimen.
///
/// The caller must not be a thread of the pool.
///
/// # Errors
/// [`AnalyzeError`] where no case can be made; an input that cannot be read is recorded and the others go on.
pub fn analyze(
    inputs: &[PathBuf],
    options: &AnalyzeOptions,
    models: &Models,
    pool: &ThreadPool,
    progress: &dyn Progress,
    stop: &AtomicBool,
) -> Result<Case, AnalyzeError> {
    let specimen = SpecimenInputs { inputs: inputs.to_vec(), options: options.clone() };
    analyze_one(Unopened::Named(specimen), models, pool, progress, stop)
}

/// Analyzes one specimen whose inputs are listed.
///
/// # Errors
/// As [`analyze`].
pub fn analyze_listed(
    specimen: ListedSpecimen,
    models: &Models,
    pool: &ThreadPool,
    progress: &dyn Progress,
    stop: &AtomicBool,
) -> Result<Case, AnalyzeError> {
    analyze_one(Unopened::Listed(specimen), models, pool, progress, stop)
}

fn analyze_one(
    specimen: Unopened,
    models: &Models,
    pool: &ThreadPool,
    progress: &dyn Progress,
    stop: &AtomicBool,
) -> Result<Case, AnalyzeError> {
    let mut made = None;
    analyze_unopened(
        [(0, specimen)].into_iter(),
        models,
        pool,
        progress,
        stop,
        |_, case| case,
        |_, case| {
            made = Some(case);
            Ok(())
        },
    )?;
    made.ok_or(AnalyzeError::Interrupted(Interrupted))
}

/// Applies `work` to every field and gives the results to `sink` in input order, on the threads of the current pool.
///
/// METHOD: fields are taken in windows of `TASKS_PER_THREAD` for each thread; a window is worked on in parallel and then
/// handed on. Work on one field is parallel itself: without a bound, a thread that waits for a part of its field starts
/// further fields and holds the pixels of all of them.
///
/// # Errors
/// The first error of `work` or of the sink in input order; [`Interrupted`] where `stop` was set before the last result.
pub fn in_order<T: Send, E: From<Interrupted> + Send>(
    fields: &[FieldSource],
    stop: &AtomicBool,
    work: impl Fn(&FieldSource) -> Result<T, E> + Sync,
    mut sink: impl FnMut(T) -> Result<(), E>,
) -> Result<(), E> {
    let stopped = || stop.load(Ordering::Relaxed);
    for window in fields.chunks(TASKS_PER_THREAD * rayon::current_num_threads()) {
        let done: Vec<Result<T, E>> =
            window.par_iter().map(|field| if stopped() { Err(Interrupted.into()) } else { work(field) }).collect();
        for result in done {
            sink(result?)?;
        }
    }
    if stopped() { Err(Interrupted.into()) } else { Ok(()) }
}

/// What a task sends when it ends.
enum Message<T, E> {
    Opened(usize, Result<Opened, AnalyzeError>),
    Field {
        specimen: usize,
        index: usize,
        result: Box<OneField>,
    },
    Finished(usize, Result<T, E>),
    /// The run ended before the task began.
    NotRun,
}

/// What every task needs.
struct Stage<'a, F> {
    models: &'a Models,
    finish: &'a F,
    stop: &'a AtomicBool,
    halt: &'a AtomicBool,
}

impl<F> Stage<'_, F> {
    fn run<T, E>(&self, task: Task) -> Message<T, E>
    where
        F: Fn(usize, Result<Case, AnalyzeError>) -> Result<T, E>,
    {
        if self.stop.load(Ordering::Relaxed) || self.halt.load(Ordering::Relaxed) {
            return Message::NotRun;
        }
        match task {
            Task::Open(specimen, unopened) => {
                let opened = unopened.listed(self.stop).and_then(|listed| caught("the inputs", || self.open(listed)));
                Message::Opened(specimen, opened)
            }
            Task::Field(task) => {
                let FieldTask { specimen, index, source, read, scale, is_pictured } = *task;
                let work = || field_result(&source, read, &scale, self.models, is_pictured);
                let result = caught(source.file_name(), work);
                Message::Field { specimen, index, result: Box::new(result) }
            }
            Task::Finish(specimen, parts) => {
                let (options, builder) = *parts;
                let case = builder.and_then(|builder| builder.finish(&options, self.models));
                let finish = |case| catch_unwind(AssertUnwindSafe(|| (self.finish)(specimen, case)));
                let finished = finish(case).or_else(|_| finish(Err(panicked("the report"))));
                Message::Finished(specimen, finished.unwrap_or_else(|panic| resume_unwind(panic)))
            }
        }
    }

    fn open(&self, specimen: ListedSpecimen) -> Result<Opened, AnalyzeError> {
        let ListedSpecimen { options, listing, read } = specimen;
        let SpecimenListing { fields, failures, slides } = listing;
        let given = options.um_per_px.and_then(given_calibration);
        let (scale, read) = SpecimenScale::until(self.stop, &fields, given, read, &self.models.segmenter)?;
        Ok(Opened { sources: fields, failed: failures.iter().map(input_failure).collect(), slides, scale, read })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{DecodeLimits, expand_inputs};

    #[test]
    fn results_keep_the_order_with_any_number_of_threads_and_a_request_to_stop_ends_the_work() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for number in 0..10 {
            let path = folder.path().join(format!("{number}.png"));
            image::RgbImage::new(2, 2).save(path).expect("a writable folder");
        }
        let fields = expand_inputs(&[folder.path().to_owned()], DecodeLimits::default()).0;
        let names = |threads: u16, stop_after: usize| {
            let stop = AtomicBool::new(stop_after == 0);
            let mut names = Vec::new();
            let work = |field: &FieldSource| Ok(field.id().to_string());
            let pool = thread_pool(Some(threads)).expect("a pool");
            let done = pool.install(|| {
                in_order(&fields, &stop, work, |name| {
                    names.push(name);
                    stop.store(names.len() == stop_after, Ordering::Relaxed);
                    Ok(())
                })
            });
            done.map(|()| names)
        };
        let expected: Vec<String> = (0..10).map(|number| format!("{number}.png")).collect();
        for threads in [1, 2, 7] {
            assert_eq!(names(threads, 11), Ok(expected.clone()));
        }
        // Asked for before the first result, and while the last one is handed on.
        assert_eq!((names(2, 0), names(2, 10)), (Err(Interrupted), Err(Interrupted)));
    }
}
