//! What every reader of slides gives: levels from fine to coarse, tiles of them, and the tiles that were used last.
//!
//! In: a file that is opened by one of the readers. Out: a [`TileSource`] with what the file says [`About`] its slide, and a
//! [`TileCache`] bounded in bytes. Two threads may decode the same tile at once: one of the two copies is kept.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use image::RgbImage;

use crate::smear::Calibration;
use crate::source::error::SourceProblem;
use crate::source::file::SlideBytes;

/// One level of a slide.
#[derive(Debug, Clone, PartialEq)]
pub struct Level {
    /// Width, px.
    pub width: u32,
    /// Height, px.
    pub height: u32,
    /// Width of a tile, px.
    pub tile_width: u32,
    /// Height of a tile, px.
    pub tile_height: u32,
    /// Pixels of the finest level for one of this level, along each side.
    pub downsample: f64,
}

impl Level {
    /// Tiles side by side.
    pub fn across(&self) -> u32 {
        self.width.div_ceil(self.tile_width)
    }

    /// Tiles one below the other.
    pub fn down(&self) -> u32 {
        self.height.div_ceil(self.tile_height)
    }

    /// Size of a tile as far as it belongs to the level.
    pub(crate) fn tile_size(&self, column: u32, row: u32) -> (u32, u32) {
        let (x, y) = (column * self.tile_width, row * self.tile_height);
        (self.tile_width.min(self.width - x), self.tile_height.min(self.height - y))
    }
}

/// A rectangle in pixels of a level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PixelRect {
    /// Left edge.
    pub x: u32,
    /// Top edge.
    pub y: u32,
    /// Width.
    pub width: u32,
    /// Height.
    pub height: u32,
}

impl PixelRect {
    /// First column to the right of it.
    pub fn right(&self) -> u32 {
        self.x.saturating_add(self.width)
    }

    /// First row below it.
    pub fn bottom(&self) -> u32 {
        self.y.saturating_add(self.height)
    }

    /// The part that both share; `None` where they share no pixel.
    pub fn intersection(&self, other: &Self) -> Option<Self> {
        let (x, y) = (self.x.max(other.x), self.y.max(other.y));
        let (right, bottom) = (self.right().min(other.right()), self.bottom().min(other.bottom()));
        (x < right && y < bottom).then(|| Self { x, y, width: right - x, height: bottom - y })
    }
}

impl fmt::Display for PixelRect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{},{},{},{}", self.x, self.y, self.width, self.height)
    }
}

/// What a file says of its slide.
#[derive(Debug)]
pub(super) struct About {
    pub(super) format: &'static str,
    pub(super) calibration: Option<Calibration>,
    pub(super) magnification: Option<f64>,
    /// Levels that could not be taken.
    pub(super) left_out: Vec<SourceProblem>,
}

/// Where tiles come from.
pub(super) trait TileSource: fmt::Debug + Send + Sync {
    /// Levels from fine to coarse; at least one.
    fn levels(&self) -> &[Level];

    /// Decodes a tile of [`Self::levels`], as far as it belongs to the level; `None` where the scanner left it out.
    fn tile(&self, level: usize, column: u32, row: u32) -> Result<Option<RgbImage>, SourceProblem>;

    /// The file of the finest level.
    fn file(&self) -> &SlideBytes;
}

/// Place of a tile: level, column, row.
pub(super) type TileKey = (usize, u32, u32);

/// Tiles used last.
#[derive(Debug)]
pub(super) struct TileCache {
    most_bytes: u64,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    tiles: HashMap<TileKey, (Arc<RgbImage>, u64)>,
    /// Tiles by their last use.
    by_use: BTreeMap<u64, TileKey>,
    uses: u64,
    bytes: u64,
}

fn bytes_of(tile: &RgbImage) -> u64 {
    tile.as_raw().len() as u64
}

impl TileCache {
    pub(super) fn new(most_bytes: u64) -> Self {
        Self { most_bytes, kept: Mutex::default() }
    }

    pub(super) fn get(&self, key: TileKey) -> Option<Arc<RgbImage>> {
        // A panic in between leaves a tile more or less: both are sound.
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = &mut *kept;
        let (tile, used) = kept.tiles.get_mut(&key)?;
        kept.by_use.remove(used);
        kept.uses += 1;
        *used = kept.uses;
        kept.by_use.insert(kept.uses, key);
        Some(Arc::clone(tile))
    }

    /// Keeps a tile; one larger than the whole room is not kept.
    pub(super) fn put(&self, key: TileKey, tile: &Arc<RgbImage>) {
        let bytes = bytes_of(tile);
        if bytes > self.most_bytes {
            return;
        }
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.tiles.contains_key(&key) {
            return;
        }
        kept.uses += 1;
        let used = kept.uses;
        kept.tiles.insert(key, (Arc::clone(tile), used));
        kept.by_use.insert(used, key);
        kept.bytes += bytes;
        while kept.bytes > self.most_bytes {
            let Some((_, oldest)) = kept.by_use.pop_first() else { break };
            if let Some((dropped, _)) = kept.tiles.remove(&oldest) {
                kept.bytes -= bytes_of(&dropped);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tile(side: u32) -> Arc<RgbImage> {
        Arc::new(RgbImage::new(side, side))
    }

    #[test]
    fn the_tile_not_used_for_longest_goes_first() {
        let cache = TileCache::new(2 * 300);
        cache.put((0, 0, 0), &tile(10));
        cache.put((0, 1, 0), &tile(10));
        assert!(cache.get((0, 0, 0)).is_some());
        cache.put((0, 2, 0), &tile(10));
        assert!(cache.get((0, 1, 0)).is_none());
        assert!(cache.get((0, 0, 0)).is_some() && cache.get((0, 2, 0)).is_some());
    }

    #[test]
    fn a_tile_larger_than_the_room_is_not_kept_and_drops_none() {
        let cache = TileCache::new(300);
        cache.put((0, 0, 0), &tile(10));
        cache.put((0, 1, 0), &tile(11));
        assert!(cache.get((0, 1, 0)).is_none() && cache.get((0, 0, 0)).is_some());
    }
}
