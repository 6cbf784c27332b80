//! Light and stain of a field.
//!
//! In: the original pixels, or the flattened field with its objects. Out: the shares of clipped pixels, 0–1; the stain of
//! the red cells, as density (base 10) and as ratios between the channels.

use image::RgbImage;
use rayon::prelude::*;

use crate::optics::BAND_PX;
use crate::optics::counts::ValueCounts;
use crate::optics::illuminated::Illuminated;
use crate::smear::{NormalizedField, ObjectKind, Segmentation};

/// Values up to this one are clipped dark: 0 and the noise of compression about it.
const DARK_VALUE: u8 = 2;
/// Values from this one on are clipped bright.
const BRIGHT_VALUE: u8 = 254;
/// Bytes that are looked at together: whole pixels and whole vectors.
const STRIP_BYTES: usize = 192;
/// Shares of pixels with all channels clipped.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Clipped {
    /// Black pixels.
    pub dark: f64,
    /// White pixels.
    pub bright: f64,
}

/// Clipped shares of the lit part of an image, `None` for all of it; `None` of no pixels.
pub(super) fn clipped(rgb: &RgbImage, lit: Option<&Illuminated>) -> Option<Clipped> {
    let whole: &[u8] = rgb.as_raw();
    let mut spans: Vec<&[u8]> = vec![whole];
    if let Some(lit) = lit {
        let row_bytes = 3 * rgb.width() as usize;
        let rows = whole.chunks_exact(row_bytes.max(1)).zip(0..).map(|(row, y)| (row, lit.row(y)));
        spans = rows.map(|(row, columns)| &row[3 * columns.start as usize..3 * columns.end as usize]).collect();
    }
    let (mut dark, mut bright) = (0u64, 0u64);
    // METHOD: few pixels are clipped, and the least and the largest of many bytes show at once whether one of them is.
    for strip in spans.iter().flat_map(|span| span.chunks(STRIP_BYTES)) {
        let (least, most) =
            strip.iter().fold((u8::MAX, 0), |(least, most), &value| (value.min(least), value.max(most)));
        if least > DARK_VALUE && most < BRIGHT_VALUE {
            continue;
        }
        for pixel in strip.as_chunks::<3>().0 {
            dark += u64::from(pixel.iter().all(|value| *value <= DARK_VALUE));
            bright += u64::from(pixel.iter().all(|value| *value >= BRIGHT_VALUE));
        }
    }
    let pixels = spans.iter().map(|span| span.len() as u64 / 3).sum::<u64>();
    (pixels > 0).then(|| Clipped { dark: dark as f64 / pixels as f64, bright: bright as f64 / pixels as f64 })
}

/// Stain of the red cells of a field.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct RedCellStain {
    /// Median density of their pixels, green, base 10.
    pub density: f64,
    /// The same in red over that in green: about 0.3 for the pink of eosin, 1 for gray.
    pub red_ratio: Option<f64>,
    /// The same in blue over that in green.
    pub blue_ratio: Option<f64>,
}

/// Stain of the red cells; `None` without red cells.
pub(super) fn stain(field: &NormalizedField, segmentation: &Segmentation) -> Option<RedCellStain> {
    let red_cell: Vec<bool> = segmentation.objects.iter().map(|object| object.kind == ObjectKind::RedCell).collect();
    let counted = |(pixels, labels): (&[[u8; 3]], &[u32])| {
        // Neighbors are alike: counted in turn into two tables, one need not wait for the other.
        let mut tables = [ValueCounts::default(), ValueCounts::default()];
        let of_red_cells = pixels.iter().zip(labels).filter(|(_, label)| **label > 0 && red_cell[**label as usize - 1]);
        of_red_cells.enumerate().for_each(|(at, (pixel, _))| tables[at % 2].count(pixel, 1));
        let [one, other] = tables;
        one.with(&other)
    };
    let pixels = field.rgb.as_raw().as_chunks::<3>().0.par_chunks(BAND_PX);
    let parts = pixels.zip(segmentation.labels.as_slice().par_chunks(BAND_PX)).map(counted);
    let counts = parts.reduce(ValueCounts::default, |one, other| one.with(&other));
    let [red, green, blue] = counts.0.each_ref().map(median_density);
    let density = green?;
    let ratio = |of: Option<f64>| of.filter(|_| density > 0.0).map(|of| of / density);
    Some(RedCellStain { density, red_ratio: ratio(red), blue_ratio: ratio(blue) })
}

/// Density of the median of counted values; `None` of no values.
fn median_density(counts: &[u32; 256]) -> Option<f64> {
    let half = counts.iter().sum::<u32>().div_ceil(2);
    let mut below = 0;
    let median = (0u8..=255).zip(counts).find(|(_, count)| {
        below += **count;
        **count > 0 && below >= half
    });
    median.map(|(value, _)| f64::from(NormalizedField::densities().density(value)))
}

#[cfg(test)]
mod tests {
    use image::Rgb;

    use super::*;

    #[test]
    fn a_pixel_is_clipped_when_all_its_channels_are() {
        let pixels = [[0, 0, 0], [0, 0, 9], [255, 255, 255], [255, 255, 200]];
        let image = RgbImage::from_fn(4, 1, |x, _| Rgb(pixels[x as usize]));
        assert_eq!(clipped(&image, None), Some(Clipped { dark: 0.25, bright: 0.25 }));
        assert_eq!(clipped(&RgbImage::new(0, 0), None), None);
    }
}
