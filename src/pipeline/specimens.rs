//! One stream of work over the fields of all specimens.
//!
//! In: specimens one after another, a pool of threads. Out: each specimen's case, handed to a [`SpecimenSink`] as soon as
//! its last field is done. Order for a specimen: 1. opened: inputs listed, pixel size estimated; 2. its fields, in
//! parallel with those of its neighbors; 3. its case is finished (reports written) on the pool; 4. noted by the caller.
//!
//! METHOD: fields and not specimens are what the threads take, so that a specimen of 3 fields and one of 300 keep every
//! core busy: while the last fields of one are in work, those of the next follow. At most
//! [`TASKS_PER_THREAD`] tasks a thread are handed out, and a specimen is opened only when fewer fields than that are
//! ready, so that memory grows neither with the fields nor with the specimens.
//!
//! Results do not depend on the number of threads: fields are added to their case in the order of the input, whichever
//! is done first.

use std::collections::{BTreeMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;

use rayon::ThreadPool;

use super::analyze::{AnalyzeOptions, CaseBuilder, Progress};
use super::error::AnalyzeError;
use super::field_result::{FieldResult, field_result, input_failure};
use super::models::{Models, card_performance};
use super::prepare::{SpecimenScale, given_calibration};
use super::stream::Interrupted;
use crate::case::{Case, InputFailure};
use crate::count::Performance;
use crate::source::{DecodeLimits, FieldSource};
use crate::survey::{ListedSlide, SpecimenListing, expand_specimen};

/// Tasks handed out for each thread: one in work, one ready, so that no thread waits for the caller.
const TASKS_PER_THREAD: usize = 2;

/// A specimen to be analyzed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SpecimenInputs {
    /// Images and folders of images.
    pub inputs: Vec<PathBuf>,
    /// What is asked for.
    pub options: AnalyzeOptions,
}

/// Takes the cases of the specimens.
pub trait SpecimenSink: Sync {
    /// What is kept of a finished specimen.
    type Finished: Send;
    /// Why the whole run must end.
    type Error: From<Interrupted> + Send;

    /// Makes what is wanted of a case, on a thread of the pool; `specimen` is its place in the input, from 0.
    ///
    /// # Errors
    /// Only what must end the run; a specimen's own failure comes in as an error and is a result.
    fn finish(&self, specimen: usize, case: Result<Case, AnalyzeError>) -> Result<Self::Finished, Self::Error>;
}

/// Analyzes specimens; `done` is called on the caller's thread for each of them, in the order in which they end.
///
/// The caller must not be a thread of the pool.
///
/// # Errors
/// The first error of sink or `done`; [`Interrupted`] where `stop` was set before the last specimen was done.
pub fn analyze_all<S: SpecimenSink>(
    specimens: impl Iterator<Item = (usize, SpecimenInputs)>,
    models: &Models,
    pool: &ThreadPool,
    progress: &dyn Progress,
    stop: &AtomicBool,
    sink: &S,
    mut done: impl FnMut(usize, S::Finished) -> Result<(), S::Error>,
) -> Result<(), S::Error> {
    let halt = AtomicBool::new(false);
    let stage = Stage { models, sink, stop, halt: &halt };
    let most_in_work = TASKS_PER_THREAD * pool.current_num_threads();
    let mut stream = Stream::new(specimens, card_performance(models.classifier.card()));
    let mut in_work = 0;
    let mut outcome = Ok(());
    pool.in_place_scope(|scope| {
        let (sender, receiver) = channel();
        loop {
            if outcome.is_ok() && stop.load(Ordering::Relaxed) {
                outcome = Err(Interrupted.into());
            }
            halt.store(outcome.is_err(), Ordering::Relaxed);
            while outcome.is_ok()
                && in_work < most_in_work.min(stream.most_in_work())
                && let Some(task) = stream.next_task()
            {
                in_work += 1;
                let sender = sender.clone();
                // The receiver is gone only where the run has ended.
                scope.spawn(move |_| drop(sender.send(stage.run(task))));
            }
            if in_work == 0 {
                return outcome;
            }
            let Ok(message) = receiver.recv() else { return outcome };
            in_work -= 1;
            match message {
                Message::NotRun => {}
                Message::Opened(specimen, opened) => progress.found(stream.opened(specimen, opened)),
                Message::Field { specimen, index, result } => {
                    progress.field_done();
                    progress.found(stream.field_done(specimen, index, *result));
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
    struct Whole;
    impl SpecimenSink for Whole {
        type Finished = Case;
        type Error = AnalyzeError;
        fn finish(&self, _: usize, case: Result<Case, AnalyzeError>) -> Result<Case, AnalyzeError> {
            case
        }
    }
    let specimen = SpecimenInputs { inputs: inputs.to_vec(), options: options.clone() };
    let mut made = None;
    analyze_all([(0, specimen)].into_iter(), models, pool, progress, stop, &Whole, |_, case| {
        made = Some(case);
        Ok(())
    })?;
    made.ok_or(AnalyzeError::Interrupted(Interrupted))
}

/// A specimen with its fields listed.
struct Opened {
    sources: Vec<FieldSource>,
    failed: Vec<InputFailure>,
    slides: Vec<ListedSlide>,
    scale: SpecimenScale,
}

type OneField = Result<Result<FieldResult, InputFailure>, AnalyzeError>;

/// A piece of work for one thread.
enum Task {
    Open(usize, Box<SpecimenInputs>),
    Field { specimen: usize, index: usize, source: FieldSource, scale: Arc<SpecimenScale> },
    Finish(usize, Box<(AnalyzeOptions, Result<CaseBuilder, AnalyzeError>)>),
}

/// What a task sends when it ends.
enum Message<S: SpecimenSink> {
    Opened(usize, Result<Opened, AnalyzeError>),
    Field {
        specimen: usize,
        index: usize,
        result: Box<OneField>,
    },
    Finished(usize, Result<S::Finished, S::Error>),
    /// The run ended before the task began.
    NotRun,
}

/// What every task needs.
struct Stage<'a, S> {
    models: &'a Models,
    sink: &'a S,
    stop: &'a AtomicBool,
    halt: &'a AtomicBool,
}

impl<S> Clone for Stage<'_, S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S> Copy for Stage<'_, S> {}

impl<S: SpecimenSink> Stage<'_, S> {
    fn run(&self, task: Task) -> Message<S> {
        if self.stop.load(Ordering::Relaxed) || self.halt.load(Ordering::Relaxed) {
            return Message::NotRun;
        }
        match task {
            Task::Open(specimen, inputs) => {
                let SpecimenInputs { inputs, options } = *inputs;
                Message::Opened(specimen, caught("the inputs", || self.open(inputs, options)))
            }
            Task::Field { specimen, index, source, scale } => {
                let result = caught(source.file_name(), || field_result(&source, &scale, self.models));
                Message::Field { specimen, index, result: Box::new(result) }
            }
            Task::Finish(specimen, parts) => {
                let (options, builder) = *parts;
                let case = builder.and_then(|builder| builder.finish(&options, self.models));
                let finish = |case| catch_unwind(AssertUnwindSafe(|| self.sink.finish(specimen, case)));
                let finished = finish(case).or_else(|_| finish(Err(panicked("the report"))));
                Message::Finished(specimen, finished.unwrap_or_else(|panic| resume_unwind(panic)))
            }
        }
    }

    fn open(&self, inputs: Vec<PathBuf>, options: AnalyzeOptions) -> Result<Opened, AnalyzeError> {
        let request = options.slide.request(options.um_per_px);
        let SpecimenListing { fields, failures, slides } =
            expand_specimen(&inputs, DecodeLimits::default(), &request, self.stop);
        if self.stop.load(Ordering::Relaxed) {
            return Err(Interrupted.into());
        }
        let given = options.um_per_px.and_then(given_calibration);
        let scale = SpecimenScale::of_specimen(&fields, given, &self.models.segmenter)?;
        Ok(Opened { sources: fields, failed: failures.iter().map(input_failure).collect(), slides, scale })
    }
}

/// METHOD: a panic is a bug of this program; one image that meets it must not end the run over thousands of others.
fn caught<T>(what: &str, work: impl FnOnce() -> Result<T, AnalyzeError>) -> Result<T, AnalyzeError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(panicked(what)))
}

fn panicked(what: &str) -> AnalyzeError {
    AnalyzeError::Panicked { what: what.to_owned() }
}

/// A specimen of which fields are still in work.
struct Live {
    options: AnalyzeOptions,
    builder: CaseBuilder,
    /// Results that wait for an earlier one.
    early: BTreeMap<usize, Result<FieldResult, InputFailure>>,
    /// Fields added to the builder.
    added: usize,
    fields: usize,
    /// Whether the count ended before its last field.
    stopped: bool,
    /// Fields that the progress was told of: a count that may end early is told of in steps.
    announced: usize,
    /// Tasks that may be handed out at once while this specimen is in work.
    most_in_work: usize,
}

/// Share of the fields announced so far by which a count that goes on is drawn out, as a divisor.
const FURTHER_PART: usize = 4;

impl Live {
    fn take(&mut self, index: usize, result: OneField) -> Result<(), AnalyzeError> {
        self.early.insert(index, result?);
        while let Some(next) = self.early.remove(&self.added).filter(|_| !self.stopped) {
            self.stopped = self.builder.add(next)?;
            self.added += 1;
        }
        Ok(())
    }

    /// Fields to announce beside those that were: a count that has not ended goes on.
    fn further(&mut self) -> usize {
        if self.added < self.announced || self.is_whole() {
            return 0;
        }
        let further = (self.announced / FURTHER_PART).max(1).min(self.fields.saturating_sub(self.announced));
        self.announced += further;
        further
    }

    fn is_whole(&self) -> bool {
        self.stopped || self.added == self.fields
    }
}

/// Which specimens and fields come next.
struct Stream<I> {
    specimens: I,
    /// What the card states of the classifier.
    performance: Performance,
    /// The one specimen that is being opened, with its options.
    opening: Option<(usize, AnalyzeOptions)>,
    live: BTreeMap<usize, Live>,
    ready: VecDeque<Task>,
}

impl<I: Iterator<Item = (usize, SpecimenInputs)>> Stream<I> {
    fn new(specimens: I, performance: Performance) -> Self {
        Self { specimens, performance, opening: None, live: BTreeMap::new(), ready: VecDeque::new() }
    }

    /// The next task; `None` where nothing can begin before another task has ended.
    fn next_task(&mut self) -> Option<Task> {
        if let Some(task) = self.ready.pop_front() {
            return Some(task);
        }
        if self.opening.is_some() {
            return None;
        }
        let (specimen, inputs) = self.specimens.next()?;
        self.opening = Some((specimen, inputs.options.clone()));
        Some(Task::Open(specimen, Box::new(inputs)))
    }

    /// Takes in what was opened; the answer is how many fields are likely to be done.
    fn opened(&mut self, specimen: usize, opened: Result<Opened, AnalyzeError>) -> usize {
        let Some((_, options)) = self.opening.take() else { return 0 };
        match opened {
            Ok(Opened { sources, failed, slides, scale }) => {
                let scale = Arc::new(scale);
                let fields = sources.len();
                let task = |(index, source)| Task::Field { specimen, index, source, scale: Arc::clone(&scale) };
                self.ready.extend(sources.into_iter().enumerate().map(task));
                let (announced, most_in_work) = if slides.is_empty() {
                    (fields, usize::MAX)
                } else {
                    let stop = options.slide.stop;
                    (stop.likely_fields(fields, options.count.min_cells), options.slide.most_in_work())
                };
                let builder = CaseBuilder::new(failed, slides, &options, self.performance);
                let early = BTreeMap::new();
                let live = Live { options, builder, early, added: 0, fields, stopped: false, announced, most_in_work };
                self.live.insert(specimen, live);
                self.finish_when_whole(specimen);
                announced
            }
            Err(error) => {
                self.ready.push_front(Task::Finish(specimen, Box::new((options, Err(error)))));
                0
            }
        }
    }

    /// Tasks that may be handed out at once.
    fn most_in_work(&self) -> usize {
        self.live.values().map(|live| live.most_in_work).min().unwrap_or(usize::MAX)
    }

    /// Takes in a field; the answer is how many further ones are likely to be done.
    fn field_done(&mut self, specimen: usize, index: usize, result: OneField) -> usize {
        // A specimen that has failed or ended already takes no further field.
        let Some(live) = self.live.get_mut(&specimen) else { return 0 };
        match live.take(index, result) {
            Ok(()) => {
                let further = live.further();
                self.finish_when_whole(specimen);
                return further;
            }
            Err(error) => {
                self.forget_fields(specimen);
                if let Some(live) = self.live.remove(&specimen) {
                    self.ready.push_front(Task::Finish(specimen, Box::new((live.options, Err(error)))));
                }
            }
        }
        0
    }

    /// Takes the fields of a specimen that have not begun off the list.
    fn forget_fields(&mut self, specimen: usize) {
        self.ready.retain(|task| !matches!(task, Task::Field { specimen: other, .. } if *other == specimen));
    }

    fn finish_when_whole(&mut self, specimen: usize) {
        if self.live.get(&specimen).is_some_and(Live::is_whole)
            && let Some(live) = self.live.remove(&specimen)
        {
            self.forget_fields(specimen);
            self.ready.push_front(Task::Finish(specimen, Box::new((live.options, Ok(live.builder)))));
        }
    }
}
