//! Joins the shards of a batch into the folder that an undivided run would have made, byte for byte.
//!
//! In: the output folders of all shards, each at its end. Out: a folder with the specimens of all of them. Shards of
//! other models, options, versions or manifests are refused, and so is a shard that is missing, doubled or not at its
//! end: a total over a part of the specimens would be a wrong number.
//!
//! Files of the specimens are linked where both folders lie on one file system, else copied. Every program that writes
//! reports puts a new file in place of the old one, so that a shard and the merged folder never change each other.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::journal::Outcomes;
use super::{BatchError, BatchReport, BatchSettings, SPECIMENS, journal, results, settings};
use crate::durable::{flush_folder, remove_folder, replace_folder};
use crate::report::OutputFolder;

/// Joins shards.
///
/// # Errors
/// [`BatchError::Differs`] and [`BatchError::Shards`] where they do not belong together, the others where a folder
/// cannot be read or written.
pub fn merge(shards: &[PathBuf], out: &Path) -> Result<BatchReport, BatchError> {
    let found = shards.iter().map(|folder| read(folder)).collect::<Result<Vec<_>, _>>()?;
    let settings = joined(&found)?;
    if BatchSettings::read(out)?.is_some() {
        return Err(BatchError::Exists { path: out.to_owned() });
    }
    OutputFolder::prepare(out, &[settings::FILE])?.keep();
    let specimens = out.join(SPECIMENS);
    fs::create_dir_all(&specimens).map_err(|source| BatchError::Write { path: specimens.clone(), source })?;
    let mut outcomes = Outcomes::new();
    for shard in found {
        for result in shard.outcomes.values().filter_map(|outcome| outcome.result.as_ref()) {
            let from = shard.folder.join(SPECIMENS).join(&result.folder);
            let (partial, to) = (out.join(format!(".partial-{}", result.folder)), specimens.join(&result.folder));
            take(&from, &partial)?;
            replace_folder(&partial, &to).map_err(|source| BatchError::Write { path: to, source })?;
        }
        outcomes.extend(shard.outcomes);
    }
    flush_folder(&specimens).map_err(|source| BatchError::Write { path: specimens, source })?;
    results::write(out, &settings, &outcomes)
}

/// A shard's folder with what it holds.
struct Found {
    folder: PathBuf,
    settings: BatchSettings,
    outcomes: Outcomes,
}

fn read(folder: &Path) -> Result<Found, BatchError> {
    let Some(settings) = BatchSettings::read(folder)? else {
        let found = format!("{} without a batch", folder.display());
        return Err(BatchError::Shards { found, remedy: "name the output folders of the shards" });
    };
    let (outcomes, _) = journal::read(&folder.join(journal::FILE))?;
    // A run takes back what its manifest no longer names before it writes the settings: no outcome is of another row.
    let open = settings.rows().count().saturating_sub(outcomes.len());
    if open > 0 {
        let found = format!("{} with {open} specimens still open", folder.display());
        return Err(BatchError::Shards { found, remedy: "run the shard to its end with --resume" });
    }
    Ok(Found { folder: folder.to_owned(), settings, outcomes })
}

/// The settings of the whole batch.
fn joined(found: &[Found]) -> Result<BatchSettings, BatchError> {
    let wrong = |found: String, remedy| Err(BatchError::Shards { found, remedy });
    let Some(first) = found.first() else { return wrong("none".to_owned(), "name the output folders of the shards") };
    let Some(count) = first.settings.shard.map(|shard| shard.count) else {
        let found = format!("{} of a whole batch", first.folder.display());
        return wrong(found, "nothing is to be merged");
    };
    let mut folders = BTreeMap::new();
    for shard in found {
        first.settings.must_equal(&shard.settings, &shard.folder)?;
        if !first.settings.same_manifest(&shard.settings) {
            let path = shard.folder.join(settings::FILE);
            return Err(BatchError::Differs { path, what: "manifest".to_owned() });
        }
        match shard.settings.shard {
            Some(part) if part.count == count => {
                if let Some(other) = folders.insert(part.index, &shard.folder) {
                    let found = format!("shard {part} in {} and {}", other.display(), shard.folder.display());
                    return wrong(found, "name each shard once");
                }
            }
            _ => return wrong(format!("{} of another division", shard.folder.display()), "divide the batch once"),
        }
    }
    match (1..=count).find(|index| !folders.contains_key(index)) {
        Some(index) => wrong(format!("no shard {index}/{count}"), "name the folders of all shards"),
        None => Ok(BatchSettings { shard: None, ..first.settings.clone() }),
    }
}

/// Links or copies a folder with its files and the folders in it.
fn take(from: &Path, to: &Path) -> Result<(), BatchError> {
    let unreadable = |source| BatchError::Read { path: from.to_owned(), source };
    let failed = |source| BatchError::Write { path: to.to_owned(), source };
    remove_folder(to).and_then(|_| fs::create_dir(to)).map_err(failed)?;
    for entry in fs::read_dir(from).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let (path, place) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type().map_err(unreadable)?.is_dir() {
            take(&path, &place)?;
        } else if fs::hard_link(&path, &place).is_err() {
            // Another file system, or one without links.
            fs::copy(&path, &place).map_err(failed)?;
        }
    }
    flush_folder(to).map_err(failed)
}
