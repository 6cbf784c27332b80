//! Which specimens and fields come next, and how many are held in memory.
//!
//! In: specimens one after another, and what became of each task. Out: the next [`Task`]. Fields of a specimen begin and are
//! added to its case in the order of the input; a result that is done early waits for the earlier ones.
//!
//! METHOD: three limits bound the memory. At most [`TASKS_PER_THREAD`] tasks a thread are in work. Fields that are in work
//! or wait are at most [`HELD_PER_THREAD`] a thread, so that one slow field does not let the others pile up. While a slide
//! is in work they are also at most as many as its memory holds ([`SlideOptions`](super::SlideOptions)). A specimen is opened
//! only when no field is ready.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::analyze::{AnalyzeOptions, CaseBuilder, Stated};
use super::calibration_fields::ReadFields;
use super::examine::AnalyzeError;
use super::field::FieldResult;
use super::listed::Unopened;
use super::prepare::SpecimenScale;
use crate::case::InputFailure;
use crate::smear::Field;
use crate::source::FieldSource;
use crate::survey::ListedSlide;

/// Tasks in work for each thread: one runs, one is ready, so that no thread waits for the caller.
pub(super) const TASKS_PER_THREAD: usize = 2;

/// Fields for each thread that are in work or wait for an earlier one.
const HELD_PER_THREAD: usize = 8;

/// A specimen with its fields and its pixel size.
pub(super) struct Opened {
    pub sources: Vec<FieldSource>,
    pub failed: Vec<InputFailure>,
    pub slides: Vec<ListedSlide>,
    pub scale: SpecimenScale,
    pub read: ReadFields,
}

/// What became of a field: an input that cannot be read is the inner error.
pub(super) type OneField = Result<Result<FieldResult, InputFailure>, AnalyzeError>;

/// A piece of work for one thread.
pub(super) enum Task {
    Open(usize, Box<Unopened>),
    Field(Box<FieldTask>),
    Finish(usize, Box<(AnalyzeOptions, Result<CaseBuilder, AnalyzeError>)>),
}

/// One field of a specimen, and what it is examined by.
pub(super) struct FieldTask {
    pub specimen: usize,
    pub index: usize,
    pub source: FieldSource,
    /// Its pixels, where they are read already.
    pub read: Option<Field>,
    pub scale: Arc<SpecimenScale>,
    pub is_pictured: bool,
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
    /// Fields announced to the progress so far. A count that may end early is announced in steps.
    announced: usize,
    /// Fields that may be in work or wait for an earlier one while this specimen is in work.
    most_held: usize,
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
pub(super) struct Schedule<I> {
    specimens: I,
    stated: Stated,
    /// Tasks that were handed out and have not ended.
    pub in_work: usize,
    /// The one specimen that is being opened, with its options.
    opening: Option<(usize, AnalyzeOptions)>,
    live: BTreeMap<usize, Live>,
    ready: VecDeque<Task>,
}

impl<I: Iterator<Item = (usize, Unopened)>> Schedule<I> {
    pub(super) fn new(specimens: I, stated: Stated) -> Self {
        Self { specimens, stated, in_work: 0, opening: None, live: BTreeMap::new(), ready: VecDeque::new() }
    }

    /// The next task, given the number of threads. `None`: nothing can begin before another task has ended.
    ///
    /// METHOD: the limits never leave everything waiting. Fields of a specimen begin in their order, so whatever waits does
    /// so for a field that is in work.
    pub(super) fn next_task(&mut self, threads: usize) -> Option<Task> {
        let waiting: usize = self.live.values().map(|live| live.early.len()).sum();
        let most_held = self.live.values().map(|live| live.most_held).min().unwrap_or(usize::MAX);
        if self.in_work >= TASKS_PER_THREAD * threads
            || self.in_work + waiting >= most_held.min(HELD_PER_THREAD * threads)
        {
            return None;
        }
        let task = self.ready.pop_front().or_else(|| self.next_specimen())?;
        self.in_work += 1;
        Some(task)
    }

    /// Opens the next specimen, one at a time.
    fn next_specimen(&mut self) -> Option<Task> {
        if self.opening.is_some() {
            return None;
        }
        let (specimen, unopened) = self.specimens.next()?;
        self.opening = Some((specimen, unopened.options().clone()));
        Some(Task::Open(specimen, Box::new(unopened)))
    }

    /// Takes in what was opened; the answer is how many fields are likely to be done.
    pub(super) fn opened(&mut self, specimen: usize, opened: Result<Opened, AnalyzeError>) -> usize {
        let Some((_, options)) = self.opening.take() else { return 0 };
        match opened {
            Ok(Opened { sources, failed, slides, scale, mut read }) => {
                let scale = Arc::new(scale);
                let fields = sources.len();
                let is_pictured = !options.without_pictures;
                let task = |(index, source)| {
                    let (read, scale) = (read.remove(&index), Arc::clone(&scale));
                    Task::Field(Box::new(FieldTask { specimen, index, source, read, scale, is_pictured }))
                };
                self.ready.extend(sources.into_iter().enumerate().map(task));
                let (announced, most_held) = if slides.is_empty() {
                    (fields, usize::MAX)
                } else {
                    let stop = options.slide.stop;
                    (stop.likely_fields(fields, options.count.min_cells), options.slide.most_fields())
                };
                let builder = CaseBuilder::new(failed, slides, &options, self.stated.clone());
                let early = BTreeMap::new();
                let live = Live { options, builder, early, added: 0, fields, stopped: false, announced, most_held };
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

    /// Takes in a field; the answer is how many further ones are likely to be done.
    pub(super) fn field_done(&mut self, specimen: usize, index: usize, result: OneField) -> usize {
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
        self.ready.retain(|task| !matches!(task, Task::Field(field) if field.specimen == specimen));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::listed::SpecimenInputs;
    use crate::source::{DecodeLimits, expand_inputs};

    fn fields(count: usize) -> (tempfile::TempDir, Vec<FieldSource>) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for number in 0..count {
            let path = folder.path().join(format!("{number:02}.png"));
            image::RgbImage::new(2, 2).save(path).expect("a writable folder");
        }
        let (fields, failures) = expand_inputs(&[folder.path().to_owned()], DecodeLimits::default());
        assert_eq!((fields.len(), failures.len()), (count, 0));
        (folder, fields)
    }

    #[test]
    fn results_wait_behind_a_slow_field_up_to_a_limit() {
        for (threads, most_held, expected) in [(2, usize::MAX, 16), (2, 3, 3), (1, usize::MAX, 8), (4, 1, 1)] {
            let (_folder, sources) = fields(40);
            let scale = SpecimenScale::default();
            let unopened = Unopened::Named(SpecimenInputs::default());
            let mut schedule = Schedule::new([(0, unopened)].into_iter(), Stated::default());
            assert!(matches!(schedule.next_task(threads), Some(Task::Open(0, _))));
            schedule.in_work -= 1;
            let (failed, slides, read) = (Vec::new(), Vec::new(), ReadFields::new());
            schedule.opened(0, Ok(Opened { sources, failed, slides, scale, read }));
            schedule.live.get_mut(&0).expect("in work").most_held = most_held;
            let unreadable = |index: usize| Ok(Err(InputFailure { path: index.to_string(), reason: String::new() }));
            // The first field does not end; all others do at once.
            let mut held = Vec::new();
            while let Some(task) = schedule.next_task(threads) {
                let Task::Field(field) = task else { panic!("only fields are left") };
                let index = field.index;
                held.push(index);
                if index > 0 {
                    schedule.in_work -= 1;
                    schedule.field_done(0, index, unreadable(index));
                }
            }
            assert_eq!(held, (0..expected).collect::<Vec<_>>(), "{threads} threads, at most {most_held}");
            // When it ends, everything goes on to the last field and the case.
            schedule.in_work -= 1;
            schedule.field_done(0, 0, unreadable(0));
            let mut next = expected;
            while let Some(Task::Field(field)) = schedule.next_task(threads) {
                let index = field.index;
                assert_eq!(index, next);
                next += 1;
                schedule.in_work -= 1;
                schedule.field_done(0, index, unreadable(index));
            }
            assert_eq!(next, 40);
            assert!(schedule.live.is_empty());
        }
    }
}
