//! What stops a watcher, what is wrong with a drop, and the names that both speak of.

use std::path::PathBuf;

/// Folder of claimed drops, in the drop folder.
pub(super) const WORK: &str = "work";
/// Folder of finished drops.
pub(super) const DONE: &str = "done";
/// Folder of refused drops.
pub(super) const ERROR: &str = "error";
/// Folder of refused drops that were done later.
pub(super) const REPAIRED: &str = "repaired";
/// Folder of what order files name: nothing in it is a drop.
pub(super) const FILES: &str = "files";
/// File in [`WORK`] whose lock the watcher holds.
pub(super) const LOCK: &str = ".lock";
/// File that is written and removed to try whether a folder can be written.
pub(super) const PROBE: &str = ".writable";
/// Folders of the watcher itself, which no order may name anything in.
pub(super) const OWN_FOLDERS: [&str; 4] = [WORK, DONE, ERROR, REPAIRED];

/// Ends the name of an order file.
pub(super) const ORDER_SUFFIX: &str = ".order.json";

/// Ends the name of a claim that is not finished.
pub(super) const CLAIM_SUFFIX: &str = ".claim";

/// Longest name of a drop, bytes: with what the watcher adds to it, it stays below the 255 of common file systems, and it
/// holds the longest accession of an order.
pub(super) const MAX_NAME_BYTES: usize = 199;

/// Why watching ends.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WatchError {
    /// There is no drop folder (request invalid).
    #[error("{path}: expected a drop folder, found none; make it or name another one", path = .path.display())]
    NoDropFolder {
        /// The path.
        path: PathBuf,
    },
    /// Results would be taken for drops (request invalid).
    #[error("{path}: expected an output folder outside of the drop folder, found one inside; name another one", path = .path.display())]
    OutInsideDrop {
        /// The path.
        path: PathBuf,
    },
    /// Another watcher serves the drop folder (request invalid).
    #[error("{path}: expected a drop folder that nobody watches, found another watcher at work in it; end that one or name another folder", path = .path.display())]
    AlreadyWatched {
        /// The file that the other one has locked.
        path: PathBuf,
    },
    /// A folder of the watcher cannot be read or written (environment).
    #[error("{path}: expected a path that can be read and written; check permissions, free space and the disk", path = .path.display())]
    Folder {
        /// The path.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A result cannot be written (environment).
    #[error("{path}: expected a folder that results can be written to, found: {reason}", path = .path.display())]
    Output {
        /// The folder.
        path: PathBuf,
        /// What went wrong.
        reason: String,
    },
}

/// What is wrong with a drop; it goes to `error` with this reason.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WatchProblem {
    /// An order file cannot be used.
    #[error("order file: expected a JSON object with `inputs`, found: {0}; correct it and drop it again")]
    OrderFile(String),
    /// An input lies outside of the drop folder, or is a link.
    #[error(
        "order file: inputs: expected plain files or folders inside the drop folder, found `{0}`; put the images into the drop folder"
    )]
    Outside(String),
    /// An order names what could be a specimen of its own.
    #[error(
        "order file: inputs: expected files beside the order or anything below `{files}`, found `{found}`: every other folder of the drop folder is a specimen of its own; put it below `{files}` and name it from there",
        files = FILES
    )]
    AmongSpecimens {
        /// The path in the order.
        found: String,
    },
    /// An order names this folder, which lies where specimens lie.
    #[error(
        "expected a folder of one specimen, found one that the order file {order} names; put what orders name below `{files}`, and drop it again where it is a specimen of its own",
        files = FILES
    )]
    NamedByOrder {
        /// Name of the order file.
        order: String,
    },
    /// Two orders name the same file.
    #[error(
        "order file: inputs: expected files of its own, found `{path}`, which the order file {other} names too; correct the one that is wrong and drop both again"
    )]
    Shared {
        /// The path in the order.
        path: String,
        /// Name of the other order file.
        other: String,
    },
    /// What an order names did not come.
    #[error(
        "order file: {missing}, and it did not come within {hours:.2} hours; drop the order again when its files are there"
    )]
    Overdue {
        /// What is missing.
        missing: String,
        /// How long the order has waited at least, hours.
        hours: f64,
    },
    /// The panel of the specimen cannot be told.
    #[error(transparent)]
    Panel(#[from] crate::clinical::PanelFileError),
    /// The name of a drop, from which its accession may follow, cannot be used.
    #[error(
        "{found:?}: expected a name of at most {most} bytes of text without control characters that does not end with `{suffix}`; rename it and drop it again",
        most = MAX_NAME_BYTES,
        suffix = CLAIM_SUFFIX
    )]
    Name {
        /// The name as far as it is text.
        found: String,
    },
    /// A drop holds something that is neither file nor folder.
    #[error("{path}: expected plain files and folders, found a link, a pipe or a device; put copies of the files into the drop", path = .path.display())]
    NotPlain {
        /// Where it lies.
        path: PathBuf,
    },
    /// A file cannot be moved.
    #[error("{path}: expected a file that can be moved, found: {source}", path = .path.display())]
    Move {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}
