//! Since when orders wait for their files, remembered across restarts of the watcher.
//!
//! A marker in the work folder stands for each order that waits, named by a hash of the order file's name and content: a
//! corrected order waits anew. Its age is the difference of two modification times that one file system gave, so that the
//! clock of a share may differ from this machine's.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::durable::sha256_hex;

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
