//! Decoded tiles that were used last, bounded in bytes.
//!
//! In: tiles by level, column and row. Out: those that still fit; the ones not used for longest are dropped first. Two
//! threads may decode the same tile at once: one of the two copies is kept.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use image::RgbImage;

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
