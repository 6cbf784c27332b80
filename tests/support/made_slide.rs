//! Slides made of drawn smears: tiled TIFF or BigTIFF with smaller levels, tiles deflated; a tile that occurs again is stored once.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufWriter, Seek, Write};
use std::path::Path;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use image::RgbImage;

/// How a slide is stored.
#[derive(Clone, Copy)]
pub struct Stored {
    pub tile: u32,
    pub big_tiff: bool,
    /// Pixels per centimeter; 0 writes no resolution.
    pub px_per_cm: u32,
    /// Levels, each four times smaller than the one before.
    pub levels: u32,
}

impl Default for Stored {
    fn default() -> Self {
        // A red cell of 7.5 µm is 38 px wide.
        Self { tile: 256, big_tiff: false, px_per_cm: 50_667, levels: 3 }
    }
}

/// Writes a slide of any size from a function that gives its tiles: level, column, row.
pub fn write_tiles(
    path: &Path,
    width: u32,
    height: u32,
    stored: Stored,
    mut tile: impl FnMut(u32, u32, u32) -> (u64, RgbImage),
) {
    let mut file = BufWriter::new(File::create(path).expect("a writable folder"));
    let header: &[u8] = if stored.big_tiff { b"II+\0\x08\0\0\0\0\0\0\0\0\0\0\0" } else { b"II*\0\0\0\0\0" };
    file.write_all(header).expect("room");
    let mut at = header.len() as u64;
    let mut known: HashMap<(u32, u64), (u64, u64)> = HashMap::new();
    let mut directories = Vec::new();
    for level in 0..stored.levels {
        let (w, h) = (width >> (2 * level), height >> (2 * level));
        let (mut offsets, mut counts) = (Vec::new(), Vec::new());
        for row in 0..h.div_ceil(stored.tile) {
            for column in 0..w.div_ceil(stored.tile) {
                let (key, picture) = tile(level, column, row);
                let (offset, count) = *known.entry((level, key)).or_insert_with(|| {
                    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
                    encoder.write_all(picture.as_raw()).expect("memory");
                    let bytes = encoder.finish().expect("memory");
                    file.write_all(&bytes).expect("room");
                    let place = (at, bytes.len() as u64);
                    at += place.1;
                    place
                });
                offsets.push(offset);
                counts.push(count);
            }
        }
        directories.push((w, h, offsets, counts));
    }
    let mut link_at = if stored.big_tiff { 8 } else { 4 };
    for (level, (w, h, offsets, counts)) in directories.iter().enumerate() {
        let mut extra = Vec::new();
        let mut place = |bytes: Vec<u8>| {
            extra.extend_from_slice(&bytes);
            at + (extra.len() - bytes.len()) as u64
        };
        let long = |numbers: &[u64]| -> Vec<u8> {
            let four = |number: &u64| (*number as u32).to_le_bytes().to_vec();
            let eight = |number: &u64| number.to_le_bytes().to_vec();
            numbers.iter().flat_map(|n| if stored.big_tiff { eight(n) } else { four(n) }).collect()
        };
        let long_kind = if stored.big_tiff { 16u16 } else { 4 };
        let bits = place([8u16; 3].iter().flat_map(|n| n.to_le_bytes()).collect());
        let ratio = place([stored.px_per_cm, 1].iter().flat_map(|n| n.to_le_bytes()).collect());
        let inline = |numbers: &[u64]| numbers.len() == 1;
        let offset_at = if inline(offsets) { offsets[0] } else { place(long(offsets)) };
        let count_at = if inline(counts) { counts[0] } else { place(long(counts)) };
        let bits_at = if stored.big_tiff { 8 | 8 << 16 | 8 << 32 } else { bits };
        let ratio_at = if stored.big_tiff { u64::from(stored.px_per_cm) | 1 << 32 } else { ratio };
        let mut tags: Vec<(u16, u16, u64, u64)> = vec![
            (254, 4, 1, u64::from(level > 0)),
            (256, 4, 1, u64::from(*w)),
            (257, 4, 1, u64::from(*h)),
            (258, 3, 3, bits_at),
            (259, 3, 1, 8),
            (262, 3, 1, 2),
            (277, 3, 1, 3),
        ];
        if stored.px_per_cm > 0 {
            tags.extend([(282, 5, 1, ratio_at), (283, 5, 1, ratio_at), (296, 3, 1, 3)]);
        }
        tags.extend([
            (322, 4, 1, u64::from(stored.tile)),
            (323, 4, 1, u64::from(stored.tile)),
            (324, long_kind, offsets.len() as u64, offset_at),
            (325, long_kind, counts.len() as u64, count_at),
        ]);
        file.write_all(&extra).expect("room");
        at += extra.len() as u64;
        let directory_at = at;
        let mut bytes = Vec::new();
        if stored.big_tiff {
            bytes.extend((tags.len() as u64).to_le_bytes());
        } else {
            bytes.extend((tags.len() as u16).to_le_bytes());
        }
        for (tag, kind, count, value) in tags {
            bytes.extend(tag.to_le_bytes());
            bytes.extend(kind.to_le_bytes());
            if stored.big_tiff {
                bytes.extend(count.to_le_bytes());
                bytes.extend(value.to_le_bytes());
            } else {
                bytes.extend((count as u32).to_le_bytes());
                bytes.extend((value as u32).to_le_bytes());
            }
        }
        let next_link = directory_at + bytes.len() as u64;
        bytes.extend(if stored.big_tiff { vec![0; 8] } else { vec![0; 4] });
        file.write_all(&bytes).expect("room");
        at += bytes.len() as u64;
        // The link of the directory before.
        file.seek(std::io::SeekFrom::Start(link_at)).expect("a file");
        let link = if stored.big_tiff {
            directory_at.to_le_bytes().to_vec()
        } else {
            (directory_at as u32).to_le_bytes().to_vec()
        };
        file.write_all(&link).expect("room");
        file.seek(std::io::SeekFrom::Start(at)).expect("a file");
        link_at = next_link;
    }
    file.flush().expect("room");
}

/// A quarter of each side, mean of four by four pixels.
pub fn quarter(picture: &RgbImage) -> RgbImage {
    RgbImage::from_fn(picture.width() / 4, picture.height() / 4, |x, y| {
        let mut sum = [0u32; 3];
        for (dx, dy) in (0..16).map(|i| (i % 4, i / 4)) {
            let pixel = picture.get_pixel(4 * x + dx, 4 * y + dy);
            sum.iter_mut().zip(pixel.0).for_each(|(sum, value)| *sum += u32::from(value));
        }
        image::Rgb(sum.map(|sum| (sum / 16) as u8))
    })
}

/// Writes one picture as a slide.
pub fn write_picture(path: &Path, picture: &RgbImage, stored: Stored) {
    let mut levels = vec![picture.clone()];
    for level in 1..stored.levels as usize {
        levels.push(quarter(&levels[level - 1]));
    }
    let (width, height) = picture.dimensions();
    write_tiles(path, width, height, stored, |level, column, row| {
        let whole = &levels[level as usize];
        let tile = RgbImage::from_fn(stored.tile, stored.tile, |x, y| {
            let (x, y) = (column * stored.tile + x, row * stored.tile + y);
            if x < whole.width() && y < whole.height() { *whole.get_pixel(x, y) } else { image::Rgb([0; 3]) }
        });
        (u64::from(row) << 32 | u64::from(column), tile)
    });
}
