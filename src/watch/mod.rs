//! Watches a drop folder: takes up each specimen when it is complete, has it worked on, and moves it to `done` or `error`.
//!
//! In: a folder that other programs write to. Out: for each specimen one result folder and one receipt. A handler of the
//! caller works on a specimen; this module moves files and nothing else.
//!
//! A drop is a folder of images (with `order.json` and `labs.json`, `labs.hl7` or `labs.fhir.json` where there are such),
//! or an order file `NAME.order.json` that names images and a panel ([`DropOrder`]). It is complete when a folder holds a
//! file `.ready`, or when nothing in it has changed for the settling time.
//!
//! METHOD: an order may name only what cannot be a specimen: a file beside the order, or anything below `files`. Every other
//! folder of the drop folder is a specimen. An order that names one is refused together with it, and so are two orders that
//! name one file, because nobody can tell here whose picture it is. An order whose files do not come ends in `error` after
//! [`WatchOptions::order_wait`].
//!
//! Order for one drop, every step one rename: 1. claimed: moved to `work/NAME`; 2. the handler writes to
//! `OUT/.partial-NAME`; 3. that folder becomes `OUT/RESULT`; where `RESULT` stands already, the same work was done before
//! and the new copy is dropped; 4. receipt `done/NAME.json`; 5. `work/NAME` becomes `done/NAME` (or `error/NAME` with its
//! reason). What is found in `work` at the start was interrupted and is worked on first. When a drop is done, an earlier
//! one of its name moves from `error` to `repaired` with its receipt, so that `error` holds what is still open.
//!
//! METHOD: the name of a result follows from its content (accession and job). Work that is repeated after a kill therefore
//! ends in the same folder, whether that is there already or not: nothing is lost and nothing is made twice.
//!
//! A lock on `work/.lock` keeps a second watcher off ([`WatchError::AlreadyWatched`]); the system lets go of it when the
//! process ends, however that happens, so the file stays. A drop with a link, a pipe or a device in it, or with a name that
//! is no plain text, is refused: a link could lead to another patient's files, and reading a pipe may never end.
//!
//! Limits: programs on systems that do not share locks are not kept off. `done`, `error` and `work` lie on the file system of
//! the drop folder, and partial results on that of the output folder, because a rename is one step only within a file system.

mod claim;
mod drops;
mod error;
mod receipt;

use std::fs::{self, File, TryLockError};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

pub use claim::Claimed;
pub use drops::{DropOrder, MAX_DROP_ORDER_BYTES};
pub use error::{WatchError, WatchProblem};
pub use receipt::{Handled, Receipt, ReceiptState};

use drops::{Drops, Waits};
use error::{DONE, ERROR, LOCK, OWN_FOLDERS, PROBE, REPAIRED, WORK};
use receipt::write_receipt;

use crate::durable::{flush_folder, remove_folder};

/// Exit code of wrong usage, as on the command line.
const USAGE: u8 = 2;

/// How a drop folder is watched.
#[derive(Debug, Clone)]
pub struct WatchOptions {
    /// The drop folder.
    pub drop: PathBuf,
    /// Folder of the results.
    pub out: PathBuf,
    /// A drop without `.ready` is complete when nothing has changed for this long.
    pub settle: Duration,
    /// Time between two looks.
    pub poll: Duration,
    /// An order whose files are not there is refused when it has waited for longer than this.
    pub order_wait: Duration,
    /// End when nothing is left that is complete or may become so by settling.
    pub once: bool,
}

/// Why a handler made no result.
#[derive(Debug)]
pub enum Refusal {
    /// The specimen cannot be worked on.
    Failed {
        /// Exit code that the same work would leave with on the command line.
        exit_code: u8,
        /// What was expected, what was found, what to do.
        reason: String,
    },
    /// The output folder cannot be written to: no fault of the specimen, so the watcher stops.
    Output(String),
    /// The user stopped the work.
    Interrupted,
}

/// What a watcher tells.
#[derive(Debug)]
pub enum WatchEvent<'a> {
    /// A receipt was written.
    Finished(&'a Receipt),
    /// A drop is still incomplete for a reason that somebody should know.
    Waiting {
        /// Name of the drop.
        name: &'a str,
        /// What it waits for.
        reason: &'a str,
    },
}

/// Writes the result of a claimed drop into an empty folder.
type Handler<'a> = dyn Fn(&Claimed, &Path) -> Result<Handled, Refusal> + 'a;

/// Takes what a watcher tells.
type Teller<'a> = dyn Fn(WatchEvent<'_>) + 'a;

/// Watches until `stop` is set, or with [`WatchOptions::once`] until nothing is left. `handle` writes the result of a claimed
/// drop into an empty folder; a drop whose work the user stopped ([`Refusal::Interrupted`]) stays claimed.
///
/// # Errors
/// [`WatchError`] where a folder of the watcher cannot be used; a specimen's failure is a receipt and stops nothing.
pub fn watch(
    options: &WatchOptions,
    handle: &Handler<'_>,
    tell: &Teller<'_>,
    stop: &AtomicBool,
) -> Result<(), WatchError> {
    let folders = Folders::prepare(options)?;
    // Held until the watcher ends.
    let _lock = folders.lock()?;
    let waits = Waits::new(&folders.work, options.order_wait);
    let mut drops = Drops::new(&options.drop, options.settle, waits);
    for (found, problem) in claim::finish_interrupted_claims(&options.drop, &folders.work)? {
        refuse_unclaimed(&folders, &found, &problem, tell)?;
    }
    loop {
        for claimed in claim::claimed(&folders.work)? {
            if stop.load(Ordering::Relaxed) {
                return Ok(());
            }
            if !work_on(&folders, &claimed, handle, tell)? {
                return Ok(());
            }
        }
        let look = drops.look()?;
        for (name, reason) in &look.waiting {
            tell(WatchEvent::Waiting { name, reason });
        }
        let mut progressed = !look.refused.is_empty();
        for (found, problem) in &look.refused {
            refuse_unclaimed(&folders, found, problem, tell)?;
        }
        for found in &look.complete {
            if stop.load(Ordering::Relaxed) {
                return Ok(());
            }
            progressed = true;
            if let Err(problem) = claim::claim(&options.drop, &folders.work, found) {
                refuse_unclaimed(&folders, found, &problem, tell)?;
            }
        }
        if progressed {
            continue;
        }
        if options.once && look.settling == 0 {
            return Ok(());
        }
        pause(options.poll, stop);
        if stop.load(Ordering::Relaxed) {
            return Ok(());
        }
    }
}

/// Sleeps in short steps, so that a stop is seen at once.
fn pause(time: Duration, stop: &AtomicBool) {
    const STEP: Duration = Duration::from_millis(50);
    let mut left = time;
    while !left.is_zero() && !stop.load(Ordering::Relaxed) {
        let step = left.min(STEP);
        std::thread::sleep(step);
        left -= step;
    }
}

/// The folders of a watcher, all found usable.
struct Folders {
    work: PathBuf,
    done: PathBuf,
    error: PathBuf,
    /// Made when it is needed.
    repaired: PathBuf,
    out: PathBuf,
}

impl Folders {
    fn prepare(options: &WatchOptions) -> Result<Self, WatchError> {
        if !options.drop.is_dir() {
            return Err(WatchError::NoDropFolder { path: options.drop.clone() });
        }
        let below = |name: &str| options.drop.join(name);
        let (work, done, error, repaired) = (below(WORK), below(DONE), below(ERROR), below(REPAIRED));
        let folders = Self { work, done, error, repaired, out: options.out.clone() };
        for path in [&folders.work, &folders.done, &folders.error, &folders.out] {
            let unusable = |source| WatchError::Folder { path: path.clone(), source };
            fs::create_dir_all(path).map_err(unusable)?;
            // Permission bits do not tell; only writing does. Always the same name: what a kill leaves, the next run removes.
            let probe = path.join(PROBE);
            File::create(&probe).and_then(|_| fs::remove_file(&probe)).map_err(unusable)?;
        }
        let (drop, out) = (real(&options.drop)?, real(&options.out)?);
        if out == drop || (out.starts_with(&drop) && !OWN_FOLDERS.iter().any(|own| out.starts_with(drop.join(own)))) {
            return Err(WatchError::OutInsideDrop { path: options.out.clone() });
        }
        Ok(folders)
    }

    /// Keeps other watchers off the drop folder for as long as the file is held.
    fn lock(&self) -> Result<File, WatchError> {
        let path = self.work.join(LOCK);
        let failed = |source| WatchError::Folder { path: path.clone(), source };
        let file = File::options().create(true).write(true).truncate(false).open(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => Err(WatchError::AlreadyWatched { path }),
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }
}

fn real(path: &Path) -> Result<PathBuf, WatchError> {
    fs::canonicalize(path).map_err(|source| WatchError::Folder { path: path.to_owned(), source })
}

/// Works on a claimed drop; `false` where the user stopped it.
fn work_on(folders: &Folders, claimed: &Claimed, handle: &Handler<'_>, tell: &Teller<'_>) -> Result<bool, WatchError> {
    let partial = folders.out.join(format!(".partial-{}", claimed.name()));
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| WatchError::Folder { path, source }
    };
    remove_folder(&partial).map_err(failed(&partial))?;
    fs::create_dir(&partial).map_err(failed(&partial))?;
    // METHOD: a panic is a bug of this program; one specimen that meets it must not keep the others waiting.
    let handled = match claim::plain_inside(claimed.path()) {
        Err(problem) => Err(Refusal::Failed { exit_code: USAGE, reason: problem.to_string() }),
        Ok(()) => catch_unwind(AssertUnwindSafe(|| handle(claimed, &partial))).unwrap_or_else(|_| {
            let reason = "the program failed on this specimen; report it as a bug with the images".to_owned();
            Err(Refusal::Failed { exit_code: 101, reason })
        }),
    };
    let (receipt, target) = match handled {
        Ok(handled) => {
            let result = folders.out.join(&handled.result);
            let made_before = result.exists();
            if made_before {
                remove_folder(&partial).map_err(failed(&partial))?;
            } else {
                fs::rename(&partial, &result).map_err(failed(&result))?;
            }
            flush(&folders.out)?;
            (Receipt::done(claimed.name(), &handled, made_before), &folders.done)
        }
        Err(Refusal::Interrupted) => {
            remove_folder(&partial).map_err(failed(&partial))?;
            return Ok(false);
        }
        Err(Refusal::Output(reason)) => {
            return Err(WatchError::Output { path: folders.out.clone(), reason });
        }
        Err(Refusal::Failed { exit_code, reason }) => {
            remove_folder(&partial).map_err(failed(&partial))?;
            (Receipt::failed(claimed.name(), exit_code, &reason), &folders.error)
        }
    };
    put_away(claimed.path(), target, &receipt)?;
    if receipt.state == ReceiptState::Done {
        clear_repaired(folders, claimed.name())?;
    }
    tell(WatchEvent::Finished(&receipt));
    Ok(true)
}

/// A complete drop that cannot be claimed goes to `error` with what was moved of it.
fn refuse_unclaimed(
    folders: &Folders,
    found: &drops::Found,
    problem: &WatchProblem,
    tell: &Teller<'_>,
) -> Result<(), WatchError> {
    let receipt = Receipt::failed(&found.name, USAGE, &problem.to_string());
    let from = claim::unclaimed(&folders.work, found)
        .map_err(|problem| WatchError::Output { path: folders.work.clone(), reason: problem.to_string() })?;
    put_away(&from, &folders.error, &receipt)?;
    tell(WatchEvent::Finished(&receipt));
    Ok(())
}

/// Writes the receipt and moves the drop beside it. A name that is taken by an earlier drop gets a number.
fn put_away(from: &Path, folder: &Path, receipt: &Receipt) -> Result<(), WatchError> {
    // A receipt of this name may stand already where the move that follows it was interrupted; a folder of its name may not.
    let taken = |name: &str| folder.join(name).exists() || folder.join(format!("{name}.json")).is_dir();
    let name = match taken(&receipt.name) {
        false => receipt.name.clone(),
        true => (2_u64..).map(|n| format!("{}.{n}", receipt.name)).find(|name| !taken(name)).unwrap_or_default(),
    };
    write_receipt(&folder.join(format!("{name}.json")), receipt)?;
    let to = folder.join(&name);
    fs::rename(from, &to).map_err(|source| WatchError::Folder { path: to, source })?;
    flush(folder)
}

/// Moves what was refused under a name that is done now from `error` to `repaired`, receipts first: a receipt in `error`
/// is what a laboratory system looks for.
fn clear_repaired(folders: &Folders, name: &str) -> Result<(), WatchError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| WatchError::Folder { path, source }
    };
    for entry in fs::read_dir(&folders.error).map_err(failed(&folders.error))? {
        let path = entry.map_err(failed(&folders.error))?.path();
        let Some(stem) = path.file_name().and_then(|name| name.to_str()?.strip_suffix(".json")) else { continue };
        // The name itself, or with the number that a second refusal got; the receipt says which name it is of.
        let is_own = path.is_file() && stem.starts_with(name) && receipt::is_of(&path, name);
        if !is_own {
            continue;
        }
        fs::create_dir_all(&folders.repaired).map_err(failed(&folders.repaired))?;
        let taken =
            |stem: &str| folders.repaired.join(stem).exists() || folders.repaired.join(format!("{stem}.json")).exists();
        let free = (1_u64..).map(|n| format!("{name}.{n}")).find(|stem| !taken(stem)).unwrap_or_default();
        let to = folders.repaired.join(format!("{free}.json"));
        fs::rename(&path, &to).map_err(failed(&to))?;
        let (drop, to) = (folders.error.join(stem), folders.repaired.join(&free));
        if drop.exists() {
            fs::rename(&drop, &to).map_err(failed(&to))?;
        }
    }
    Ok(())
}

/// Makes renames in a folder durable.
fn flush(folder: &Path) -> Result<(), WatchError> {
    flush_folder(folder).map_err(|source| WatchError::Folder { path: folder.to_owned(), source })
}

#[cfg(test)]
mod tests;
