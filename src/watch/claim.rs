//! Claims complete drops: moves them to `work`, so that nobody adds to them while they are worked on.
//!
//! One rename claims a folder. The images of an order file lie elsewhere: they are moved one by one into
//! `work/NAME.claim/inputs/N`, then the order file is, and then the folder takes its name. A claim that was interrupted goes
//! on from where it stopped, because what is no longer in the drop folder lies in the claim.

use std::fs;
use std::path::{Path, PathBuf};

use super::drops::{DropOrder, Found, is_order};
use super::error::{CLAIM_SUFFIX, ORDER_SUFFIX, WatchError, WatchProblem};
use crate::case::{MAX_ORDER_BYTES, Order, OrderError, is_order_name};
use crate::clinical::panel_in;

/// The order file in a claimed drop; no image has this name.
const ORDER_FILE: &str = "drop.order.json";
/// Folder of the images of an order.
const INPUTS: &str = "inputs";
/// Folder of the panel of an order.
const LABS: &str = "labs";

/// A drop in `work`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    name: String,
    path: PathBuf,
}

impl Claimed {
    /// Name of the drop.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Images and folders of images, in the order of the order file.
    pub fn inputs(&self) -> Vec<PathBuf> {
        if !self.path.join(ORDER_FILE).exists() {
            return vec![self.path.clone()];
        }
        let folder = |number: usize| self.path.join(INPUTS).join(number.to_string());
        (1..)
            .map(folder)
            .map_while(|folder| fs::read_dir(folder).ok()?.next()?.ok().map(|entry| entry.path()))
            .collect()
    }

    /// The order; `None` where there is none.
    ///
    /// # Errors
    /// [`WatchProblem::OrderFile`] where it cannot be used.
    pub fn order(&self) -> Result<Option<Order>, WatchProblem> {
        let file = self.path.join(ORDER_FILE);
        if file.exists() {
            return Ok(DropOrder::read(&file)?.order);
        }
        let refused = |found: String| WatchProblem::OrderFile(found);
        let mut orders = orders_in(&self.path).map_err(|error| refused(error.to_string()))?;
        let Some(file) = orders.pop() else { return Ok(None) };
        if let Some(other) = orders.pop() {
            return Err(refused(format!("a second one, {}", other.display())));
        }
        let size = fs::metadata(&file).map_err(|error| refused(error.to_string()))?.len();
        if size > MAX_ORDER_BYTES as u64 {
            let size = usize::try_from(size).unwrap_or(usize::MAX);
            return Err(refused(OrderError::TooLarge(size).to_string()));
        }
        let bytes = fs::read(&file).map_err(|error| refused(error.to_string()))?;
        Order::read(&bytes).map(Some).map_err(|error| refused(error.to_string()))
    }

    /// The panel's file; `None` where there is none.
    ///
    /// # Errors
    /// [`WatchProblem::Panel`] where it cannot be told which file it is.
    pub fn labs(&self) -> Result<Option<PathBuf>, WatchProblem> {
        if self.path.join(ORDER_FILE).exists() {
            let panel = || fs::read_dir(self.path.join(LABS)).ok()?.next()?.ok().map(|entry| entry.path());
            return Ok(panel());
        }
        Ok(panel_in(&self.path)?)
    }
}

/// Orders in a dropped folder, by their name without regard to case.
fn orders_in(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut orders = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if is_order_name(&entry.file_name().to_string_lossy()) {
            orders.push(entry.path());
        }
    }
    Ok(orders)
}

/// Drops in `work`, by name; unfinished claims are left out.
pub(super) fn claimed(work: &Path) -> Result<Vec<Claimed>, WatchError> {
    let failed = |source| WatchError::Folder { path: work.to_owned(), source };
    let mut claimed = Vec::new();
    for entry in fs::read_dir(work).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        // Hidden entries are the watcher's own.
        if path.is_dir() && !name.ends_with(CLAIM_SUFFIX) && !name.starts_with('.') {
            claimed.push(Claimed { name, path });
        }
    }
    claimed.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(claimed)
}

/// Goes on with claims that a kill interrupted: their images lie partly here, so that the drop would never be complete.
pub(super) fn finish_interrupted_claims(drop: &Path, work: &Path) -> Result<Vec<(Found, WatchProblem)>, WatchError> {
    let failed = |source| WatchError::Folder { path: work.to_owned(), source };
    let mut refused = Vec::new();
    for entry in fs::read_dir(work).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let Some(name) = name.strip_suffix(CLAIM_SUFFIX) else { continue };
        if path.join(ORDER_FILE).exists() {
            fs::rename(&path, free(work, name)).map_err(failed)?;
            continue;
        }
        let found = Found::of(drop.join(format!("{name}{ORDER_SUFFIX}")));
        if let Err(problem) = claim(drop, work, &found) {
            refused.push((found, problem));
        }
    }
    Ok(refused)
}

/// The folder of a drop that could not be claimed: its order file with the images that were moved already.
pub(super) fn unclaimed(work: &Path, found: &Found) -> Result<PathBuf, WatchProblem> {
    let claim = work.join(format!("{}{CLAIM_SUFFIX}", found.name));
    if !claim.is_dir() {
        return Ok(found.path.clone());
    }
    if found.path.exists() {
        moved(&found.path, &claim.join(ORDER_FILE))?;
    }
    Ok(claim)
}

/// A path in a folder that nothing stands at.
fn free(folder: &Path, name: &str) -> PathBuf {
    let mut path = folder.join(name);
    let mut number = 2_u64;
    while path.exists() {
        path = folder.join(format!("{name}.{number}"));
        number += 1;
    }
    path
}

/// Moves a complete drop to `work`.
pub(super) fn claim(drop: &Path, work: &Path, found: &Found) -> Result<(), WatchProblem> {
    if !found.is_usable {
        return Err(WatchProblem::Name { found: found.name.clone() });
    }
    if !is_order(&found.path) {
        return moved(&found.path, &free(work, &found.name));
    }
    let order = DropOrder::read(&found.path)?;
    let claim = work.join(format!("{}{CLAIM_SUFFIX}", found.name));
    let places = order.inputs.iter().enumerate().map(|(index, input)| {
        // A number for each input, so that two of the same name stay apart.
        (input, claim.join(INPUTS).join((index + 1).to_string()))
    });
    let panel = order.labs.iter().map(|labs| (labs, claim.join(LABS)));
    for (input, folder) in places.chain(panel) {
        let (from, to) = (drop.join(input), folder.join(input.file_name().unwrap_or_default()));
        if to.exists() {
            continue;
        }
        if !plain(drop, input) {
            return Err(WatchProblem::Outside(input.display().to_string()));
        }
        fs::create_dir_all(&folder).map_err(|source| WatchProblem::Move { path: folder.clone(), source })?;
        moved(&from, &to)?;
    }
    moved(&found.path, &claim.join(ORDER_FILE))?;
    moved(&claim, &free(work, &found.name))
}

/// Makes sure that a claimed drop holds files and folders only.
pub(super) fn plain_inside(folder: &Path) -> Result<(), WatchProblem> {
    let unreadable = |source| WatchProblem::Move { path: folder.to_owned(), source };
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let kind = entry.file_type().map_err(unreadable)?;
        match (kind.is_dir(), kind.is_file()) {
            (true, _) => plain_inside(&entry.path())?,
            (_, true) => {}
            _ => return Err(WatchProblem::NotPlain { path: entry.path() }),
        }
    }
    Ok(())
}

/// Whether no part of a path is a link.
fn plain(drop: &Path, input: &Path) -> bool {
    let mut path = drop.to_owned();
    input.components().all(|part| {
        path.push(part);
        fs::symlink_metadata(&path).is_ok_and(|metadata| !metadata.is_symlink())
    })
}

fn moved(from: &Path, to: &Path) -> Result<(), WatchProblem> {
    fs::rename(from, to).map_err(|source| WatchProblem::Move { path: from.to_owned(), source })
}
