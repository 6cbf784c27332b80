//! Works on the fields of a specimen in parallel and hands the results on in their order.
//!
//! In: field sources, a work function for one field, a sink. Out: the sink has seen every result in input order, or the
//! first error. Method: fields are taken in windows of [`FIELDS_PER_THREAD`] for each thread of the current rayon pool, a
//! window is worked on in parallel and then handed on. No result depends on the size of a window.
//!
//! METHOD: windows bound the memory. Work on one field is parallel itself; without a bound, a thread that waits for a part
//! of its field starts further fields and holds the pixels of all of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;

use crate::source::FieldSource;

/// Fields of a window for each thread: two, so that one slow field does not leave the other threads idle for long.
const FIELDS_PER_THREAD: usize = 2;

/// A request to stop, shared between the one who asks and the work that looks for it.
#[derive(Debug, Clone, Default)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Asks the work to stop.
    pub fn request(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether stopping was asked for.
    pub fn requested(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// The work was stopped before its end; nothing was kept of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("interrupted before the last field; nothing was written")]
pub struct Interrupted;

/// Applies `work` to every field and gives the results to `sink` in input order.
///
/// # Errors
/// [`Interrupted`], as an error of the sink, where stopping was asked for before the last result; the first error of the
/// sink.
pub fn in_order<T: Send, E: From<Interrupted>>(
    fields: &[FieldSource],
    interrupt: &Interrupt,
    work: impl Fn(&FieldSource) -> T + Sync,
    mut sink: impl FnMut(T) -> Result<(), E>,
) -> Result<(), E> {
    for window in fields.chunks(FIELDS_PER_THREAD * rayon::current_num_threads()) {
        let done: Vec<Option<T>> =
            window.par_iter().map(|field| (!interrupt.requested()).then(|| work(field))).collect();
        for result in done {
            sink(result.ok_or(Interrupted)?)?;
        }
    }
    if interrupt.requested() { Err(Interrupted.into()) } else { Ok(()) }
}
