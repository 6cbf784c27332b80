//! Works on the fields of a specimen in parallel and hands the results on in their order.
//!
//! In: field sources, a work function for one field, a sink. Out: the sink has seen every result in input order, or the
//! first error. Method: fields are taken in windows of `FIELDS_PER_THREAD` for each thread of the current rayon pool; a
//! window is worked on in parallel and then handed on. No result depends on the size of a window.
//!
//! METHOD: windows bound the memory. Work on one field is parallel itself; without a bound, a thread that waits for a
//! part of its field starts further fields and holds the pixels of all of them.

use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;

use crate::source::FieldSource;

/// Fields of a window for each thread: two, so that one slow field does not leave the other threads idle for long.
const FIELDS_PER_THREAD: usize = 2;

/// The work was stopped before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("interrupted; nothing was written")]
pub struct Interrupted;

/// Applies `work` to every field and gives the results to `sink` in input order.
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
    for window in fields.chunks(FIELDS_PER_THREAD * rayon::current_num_threads()) {
        let done: Vec<Result<T, E>> =
            window.par_iter().map(|field| if stopped() { Err(Interrupted.into()) } else { work(field) }).collect();
        for result in done {
            sink(result?)?;
        }
    }
    if stopped() { Err(Interrupted.into()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{DecodeLimits, expand_inputs};

    fn ten_fields() -> (tempfile::TempDir, Vec<FieldSource>) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for number in 0..10 {
            let path = folder.path().join(format!("{number}.png"));
            image::RgbImage::new(2, 2).save(path).expect("a writable folder");
        }
        let (fields, failures) = expand_inputs(&[folder.path().to_owned()], DecodeLimits::default());
        assert_eq!((fields.len(), failures.len()), (10, 0));
        (folder, fields)
    }

    fn names(fields: &[FieldSource], threads: usize, stop: &AtomicBool) -> Result<Vec<String>, Interrupted> {
        let mut names = Vec::new();
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
        pool.install(|| {
            in_order(
                fields,
                stop,
                |field| Ok(field.id().to_string()),
                |name| {
                    names.push(name);
                    Ok(())
                },
            )
        })
        .map(|()| names)
    }

    #[test]
    fn results_keep_the_order_with_any_number_of_threads() {
        let (_folder, fields) = ten_fields();
        let expected: Vec<String> = (0..10).map(|number| format!("{number}.png")).collect();
        for threads in [1, 2, 7] {
            assert_eq!(names(&fields, threads, &AtomicBool::new(false)), Ok(expected.clone()));
        }
    }

    #[test]
    fn a_request_to_stop_ends_the_work() {
        let (_folder, fields) = ten_fields();
        assert_eq!(names(&fields, 2, &AtomicBool::new(true)), Err(Interrupted));
        // Asked for while the last result is handed on: the work is not taken for finished.
        let stop = AtomicBool::new(false);
        let mut seen = 0;
        let result: Result<(), Interrupted> = in_order(
            &fields,
            &stop,
            |_| Ok(()),
            |()| {
                seen += 1;
                stop.store(seen == 10, Ordering::Relaxed);
                Ok(())
            },
        );
        assert_eq!((result, seen), (Err(Interrupted), 10));
    }
}
