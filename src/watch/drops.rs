//! Looks into the drop folder: which drops are complete.
//!
//! The signature of a drop is the names, sizes and modification times of everything in it. A drop is complete when it holds a
//! file `.ready`, or when its signature has not changed for the settling time. Times of the file system are compared only
//! with each other, never with this machine's clock, because the clock of a share may differ.
//!
//! An order waits for its files. A marker in the work folder stands for each order that waits, named by a hash of the order
//! file's name and content, so that a corrected order waits anew and a restart forgets nothing. Its age is the difference
//! of two modification times that one file system gave.
//!
//! Hidden entries, links, pipes, devices and the watcher's own folders are no drops. Nor is `files`, which holds what order
//! files name.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io;
use std::path::{Component, Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use serde::{Deserialize, Serialize};

use super::error::{CLAIM_SUFFIX, FILES, MAX_NAME_BYTES, ORDER_SUFFIX, OWN_FOLDERS, WatchError, WatchProblem};
use crate::case::Order;
use crate::durable::sha256_hex;
use crate::source::looks_like_image;

/// Marks a folder as complete.
pub(super) const READY: &str = ".ready";

/// Largest order file, bytes.
pub const MAX_DROP_ORDER_BYTES: u64 = 1 << 20;

/// Characters that are kept of a name that cannot be used, in front of its hash.
const KEPT_NAME_CHARS: usize = 40;

/// Digits of the hash that follows a name that cannot be used.
const HASH_CHARS: usize = 8;

/// Most entries of a drop that are looked at; no specimen has more.
const MAX_ENTRIES: usize = 100_000;

/// An order file: the order and where its images lie.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DropOrder {
    /// Images and folders, relative to the drop folder: files beside the order, or anything below `files`.
    pub inputs: Vec<PathBuf>,
    /// The order.
    #[serde(default)]
    pub order: Option<Order>,
    /// Laboratory panel, likewise.
    #[serde(default)]
    pub labs: Option<PathBuf>,
}

impl DropOrder {
    /// Reads an order file.
    ///
    /// # Errors
    /// [`WatchProblem::OrderFile`] and [`WatchProblem::Outside`].
    pub(super) fn read(path: &Path) -> Result<Self, WatchProblem> {
        let refused = |found: String| WatchProblem::OrderFile(found);
        let bytes = fs::metadata(path).map_err(|error| refused(error.to_string()))?.len();
        if bytes > MAX_DROP_ORDER_BYTES {
            return Err(refused(format!("{bytes} bytes, more than {MAX_DROP_ORDER_BYTES}")));
        }
        let text = fs::read(path).map_err(|error| refused(error.to_string()))?;
        // Windows programs put a byte order mark in front.
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&text);
        let order: Self = serde_json::from_slice(text).map_err(|error| refused(error.to_string()))?;
        order.order.as_ref().map_or(Ok(()), Order::check_texts).map_err(|error| refused(error.to_string()))?;
        if order.inputs.is_empty() {
            return Err(refused("no input".to_owned()));
        }
        for path in order.paths() {
            let inside = path.components().all(|part| matches!(part, Component::Normal(_)));
            let own =
                path.components().next().is_some_and(|first| OWN_FOLDERS.iter().any(|own| first.as_os_str() == *own));
            if !inside || own || path.as_os_str().is_empty() {
                return Err(WatchProblem::Outside(path.display().to_string()));
            }
        }
        Ok(order)
    }

    /// The first path that lies where specimens lie.
    fn among_specimens(&self, drop: &Path) -> Option<&PathBuf> {
        self.paths().find(|path| {
            let below_files = path.starts_with(FILES) && path.components().count() > 1;
            let beside =
                path.components().count() == 1 && path.as_path() != Path::new(FILES) && !drop.join(path).is_dir();
            !below_files && !beside
        })
    }

    /// Inputs and panel.
    pub(super) fn paths(&self) -> impl Iterator<Item = &PathBuf> {
        self.inputs.iter().chain(&self.labs)
    }
}

/// A drop that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    /// Name without the suffix of an order file; harmless in place of one that cannot be used.
    pub name: String,
    /// Folder or order file.
    pub path: PathBuf,
    /// Whether the drop's own name can be used.
    pub is_usable: bool,
}

impl Found {
    /// The drop at a path.
    pub fn of(path: PathBuf) -> Self {
        let own = path.file_name().unwrap_or_default();
        let name = name_of(&path);
        let is_usable = own.to_str().is_some()
            && name.len() <= MAX_NAME_BYTES
            && !name.chars().any(char::is_control)
            && !name.ends_with(CLAIM_SUFFIX);
        if is_usable {
            return Self { name, path, is_usable };
        }
        let kept: String = name.chars().filter(|c| !c.is_control()).take(KEPT_NAME_CHARS).collect();
        let hash = &sha256_hex(own.as_encoded_bytes())[..HASH_CHARS];
        Self { name: format!("{kept}-{hash}"), path, is_usable }
    }
}

/// What a look found.
#[derive(Debug, Default)]
pub(super) struct Look {
    /// Complete drops, by name.
    pub complete: Vec<Found>,
    /// Drops that may become complete by settling.
    pub settling: usize,
    /// Drops that wait for something, with what.
    pub waiting: Vec<(String, String)>,
    /// Complete drops that cannot be worked on.
    pub refused: Vec<(Found, WatchProblem)>,
}

type Signature = Vec<(PathBuf, u64, Option<SystemTime>)>;

/// Remembers since when each drop has not changed.
pub(super) struct Drops {
    folder: PathBuf,
    settle: Duration,
    waits: Waits,
    seen: BTreeMap<PathBuf, (Signature, Instant)>,
}

impl Drops {
    pub fn new(folder: &Path, settle: Duration, waits: Waits) -> Self {
        Self { folder: folder.to_owned(), settle, waits, seen: BTreeMap::new() }
    }

    /// Looks once.
    pub fn look(&mut self) -> Result<Look, WatchError> {
        let (mut look, mut present) = (Look::default(), BTreeMap::new());
        let entries = self.entries()?;
        let orders = Orders::read(&entries, &self.folder);
        for path in entries {
            if !is_order(&path) && !path.is_dir() {
                if !orders.name_file(&path) && looks_like_image(&path) {
                    let reason = "an image outside of a specimen's folder; put it into one or name it in an order file";
                    look.waiting.push((name_of(&path), reason.to_owned()));
                }
                continue;
            }
            let found = Found::of(path.clone());
            let problem = orders.problem_of(&path);
            let signature = match self.signature(&path, orders.refused_folder(&path)) {
                Ok(signature) => signature,
                Err(missing) if problem.is_none() => {
                    match self.overdue(&path, &missing)? {
                        Some(problem) => look.refused.push((found, problem)),
                        None => look.waiting.push((found.name, missing)),
                    }
                    continue;
                }
                Err(_) => Signature::new(),
            };
            let since = match self.seen.remove(&path) {
                Some((before, since)) if before == signature => since,
                _ => Instant::now(),
            };
            // A folder that an order names is refused together with the order, not before.
            let ready = path.is_dir() && path.join(READY).exists() && problem.is_none();
            if ready || since.elapsed() >= self.settle {
                match problem {
                    Some(problem) => look.refused.push((found, problem)),
                    None => look.complete.push(found),
                }
            } else {
                look.settling += 1;
                present.insert(path, (signature, since));
            }
        }
        self.seen = present;
        let folder = self.folder.clone();
        self.waits.forget_others().map_err(|source| WatchError::Folder { path: folder, source })?;
        Ok(look)
    }

    /// What is wrong with an order that has waited for too long for its files; `None` where it may wait.
    fn overdue(&mut self, order: &Path, missing: &str) -> Result<Option<WatchProblem>, WatchError> {
        if !is_order(order) {
            return Ok(None);
        }
        let path = order.to_owned();
        let hours = self.waits.most().as_secs_f64() / 3600.0;
        let overdue = self.waits.too_long(order).map_err(|source| WatchError::Folder { path, source })?;
        Ok(overdue.then(|| WatchProblem::Overdue { missing: missing.to_owned(), hours }))
    }

    /// Entries that could be drops, sorted.
    fn entries(&self) -> Result<Vec<PathBuf>, WatchError> {
        let failed = |source| WatchError::Folder { path: self.folder.clone(), source };
        let mut entries = Vec::new();
        for entry in fs::read_dir(&self.folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name();
            let hidden = name.to_string_lossy().starts_with('.');
            // A link could lead to another patient's files, and reading a pipe may never end.
            let plain = entry.file_type().is_ok_and(|kind| kind.is_file() || kind.is_dir());
            if !hidden && plain && name != FILES && !OWN_FOLDERS.iter().any(|own| name == *own) {
                entries.push(entry.path());
            }
        }
        entries.sort();
        Ok(entries)
    }

    /// Everything in a drop, or what it still waits for. `named` is a folder that an order wrongly names: both settle
    /// together.
    fn signature(&self, path: &Path, named: Option<PathBuf>) -> Result<Signature, String> {
        let mut signature = Signature::new();
        add(path, &mut signature).map_err(|error| error.to_string())?;
        if let Some(folder) = named {
            add(&folder, &mut signature).map_err(|error| error.to_string())?;
            return Ok(signature);
        }
        // An order that cannot be read is complete, so that it is refused with its reason.
        if let (true, Ok(order)) = (is_order(path), DropOrder::read(path)) {
            for input in order.paths() {
                let input = self.folder.join(input);
                add(&input, &mut signature).map_err(|_| format!("input {} is not there yet", input.display()))?;
            }
        }
        Ok(signature)
    }
}

/// The order files of a look, and what is wrong among them.
struct Orders {
    folder: PathBuf,
    orders: Vec<(PathBuf, DropOrder)>,
}

impl Orders {
    fn read(entries: &[PathBuf], folder: &Path) -> Self {
        let orders = entries.iter().filter(|path| is_order(path));
        let read = orders.filter_map(|path| Some((path.clone(), DropOrder::read(path).ok()?))).collect();
        Self { folder: folder.to_owned(), orders: read }
    }

    /// Whether an order names a file that lies in the drop folder itself.
    fn name_file(&self, file: &Path) -> bool {
        self.orders.iter().any(|(_, order)| order.paths().any(|path| self.folder.join(path) == file))
    }

    /// The folder that an order wrongly names.
    fn refused_folder(&self, order: &Path) -> Option<PathBuf> {
        let (_, order) = self.orders.iter().find(|(path, _)| path == order)?;
        let first = order.among_specimens(&self.folder)?.components().next()?;
        Some(self.folder.join(first)).filter(|folder| folder.is_dir())
    }

    /// Why a drop cannot be worked on, as far as that lies in what orders name.
    fn problem_of(&self, drop: &Path) -> Option<WatchProblem> {
        let file_name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if !is_order(drop) {
            let (order, _) = self.orders.iter().find(|(path, _)| self.refused_folder(path).as_deref() == Some(drop))?;
            return Some(WatchProblem::NamedByOrder { order: file_name(order) });
        }
        let (_, own) = self.orders.iter().find(|(path, _)| path == drop)?;
        if let Some(found) = own.among_specimens(&self.folder) {
            return Some(WatchProblem::AmongSpecimens { found: found.display().to_string() });
        }
        let others = self.orders.iter().filter(|(path, _)| path != drop);
        let meets = |one: &Path, other: &Path| one.starts_with(other) || other.starts_with(one);
        others.flat_map(|(path, other)| other.paths().map(move |input| (path, input))).find_map(|(other, input)| {
            let path = own.paths().find(|path| meets(path, input))?.display().to_string();
            Some(WatchProblem::Shared { path, other: file_name(other) })
        })
    }
}

fn add(path: &Path, signature: &mut Signature) -> io::Result<()> {
    let metadata = fs::symlink_metadata(path)?;
    signature.push((path.to_owned(), metadata.len(), metadata.modified().ok()));
    if metadata.is_dir() && signature.len() < MAX_ENTRIES {
        let mut below = fs::read_dir(path)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
        below.sort();
        below.iter().try_for_each(|path| add(path, signature))?;
    }
    Ok(())
}

pub(super) fn is_order(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().ends_with(ORDER_SUFFIX))
}

fn name_of(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    match name.strip_suffix(ORDER_SUFFIX) {
        Some(stem) if !stem.is_empty() => stem.to_owned(),
        _ => name,
    }
}

/// Folder of the markers, in the work folder.
pub(super) const WAITING: &str = ".waiting";

/// File that is written to learn the time of the file system.
const NOW: &str = ".now";

/// The orders that wait.
pub(super) struct Waits {
    folder: PathBuf,
    most: Duration,
    /// Markers of the orders that wait in this look.
    present: BTreeSet<PathBuf>,
}

impl Waits {
    pub fn new(work: &Path, most: Duration) -> Self {
        Self { folder: work.join(WAITING), most, present: BTreeSet::new() }
    }

    /// The longest time that an order may wait.
    pub fn most(&self) -> Duration {
        self.most
    }

    /// Notes that an order waits; whether it has waited for longer than it may.
    pub fn too_long(&mut self, order: &Path) -> io::Result<bool> {
        let mut content = order.file_name().unwrap_or_default().as_encoded_bytes().to_vec();
        content.push(0);
        content.extend(fs::read(order)?);
        let marker = self.folder.join(sha256_hex(&content));
        fs::create_dir_all(&self.folder)?;
        if !marker.exists() {
            File::create(&marker)?;
        }
        let now = self.folder.join(NOW);
        let time = File::create(&now)?.metadata()?.modified()?;
        fs::remove_file(&now)?;
        let since = fs::metadata(&marker)?.modified()?;
        self.present.insert(marker);
        Ok(time.duration_since(since).unwrap_or_default() > self.most)
    }

    /// Ends a look: orders that wait no longer are forgotten.
    pub fn forget_others(&mut self) -> io::Result<()> {
        let present = std::mem::take(&mut self.present);
        let entries = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            entries => entries?,
        };
        for entry in entries {
            let path = entry?.path();
            if !present.contains(&path) {
                fs::remove_file(path)?;
            }
        }
        if present.is_empty() { fs::remove_dir(&self.folder) } else { Ok(()) }
    }
}
