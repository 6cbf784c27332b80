//! Which fields of a specimen the estimate of its pixel size reads, and which are kept until their turn.
//!
//! In: the fields of a specimen, in the order of the input. Out: rounds of positions among them, and [`ReadFields`]. The
//! estimate reads every field of a small specimen; so they are kept, up to [`KEPT_BYTES`], and read once.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::smear::Field;
use crate::source::FieldSource;

/// Fields of one round of the estimate of a specimen's scale, spread evenly over the input: few enough to cost little in
/// a specimen of hundreds.
pub const CALIBRATION_FIELDS: usize = 12;
/// Most rounds of the estimate. Fields of a few cells need more than one: on the labelled set with 6 countable cells in a
/// field, 12 fields place the pixel size within 9 % (95 % of draws), 48 within 3 %.
pub const CALIBRATION_ROUNDS: usize = 4;
/// Bytes of fields that are kept from the estimate until their turn comes, so that they are read once: two photographs of ten
/// megapixels, or twelve of 1,600 × 1,000 pixels.
///
/// METHOD: only in a specimen of one round's fields, all of which are read for the estimate and used at once. In a longer one they
/// would lie in memory for long and save little.
const KEPT_BYTES: usize = 64 << 20;

/// Fields of a specimen that are read already, by their position in the input.
pub(super) type ReadFields = BTreeMap<usize, Field>;

/// Bytes left for fields that are kept.
pub(super) struct Room(AtomicUsize);

impl Room {
    /// For a specimen of so many fields.
    pub(super) fn for_fields(fields: usize) -> Self {
        Self(AtomicUsize::new(if fields <= CALIBRATION_FIELDS { KEPT_BYTES } else { 0 }))
    }

    fn is_full(&self) -> bool {
        self.0.load(Ordering::Relaxed) == 0
    }

    /// Whether a field fits; it then takes its part.
    pub(super) fn has_for(&self, field: &Field) -> bool {
        let bytes = field.rgb.as_raw().len();
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |room| room.checked_sub(bytes)).is_ok()
    }
}

/// Reads fields that will be kept until their turn, in the order in which they are needed, until `has_ended`. One that cannot
/// be read is passed over; it is reported when its turn comes.
pub(super) fn read_ahead(fields: &[FieldSource], has_ended: impl Fn() -> bool) -> ReadFields {
    let mut read = ReadFields::new();
    let room = Room::for_fields(fields.len());
    for index in rounds(fields.len()).into_iter().next().unwrap_or_default() {
        if has_ended() || room.is_full() || fields[index].region().is_some() {
            break;
        }
        let Ok(field) = fields[index].read() else { continue };
        if !room.has_for(&field) {
            break;
        }
        read.insert(index, field);
    }
    read
}

/// Up to `most` of the numbers below `count`, evenly spread, the middle of each part.
fn evenly_spread(count: usize, most: usize) -> Vec<usize> {
    let parts = count.min(most);
    (0..parts).map(|part| (2 * part + 1) * count / (2 * parts)).collect()
}

/// The fields of each round; every round is spread over the whole input.
pub(super) fn rounds(fields: usize) -> Vec<Vec<usize>> {
    let order = evenly_spread(fields, CALIBRATION_ROUNDS * CALIBRATION_FIELDS);
    let rounds = order.len().div_ceil(CALIBRATION_FIELDS);
    (0..rounds).map(|round| order.iter().copied().skip(round).step_by(rounds).collect()).collect()
}

#[cfg(test)]
mod tests {
    use image::{Rgb, RgbImage};

    use super::*;
    use crate::source::{DecodeLimits, expand_inputs};

    /// A folder of pictures of one size, each of its own gray, and its fields.
    fn folder(count: u8, (width, height): (u32, u32)) -> (tempfile::TempDir, Vec<FieldSource>) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for number in 0..count {
            let picture = RgbImage::from_pixel(width, height, Rgb([number; 3]));
            picture.save(folder.path().join(format!("{number:02}.png"))).expect("writable");
        }
        let fields = expand_inputs(&[folder.path().to_owned()], DecodeLimits::default()).0;
        assert_eq!(fields.len(), usize::from(count));
        (folder, fields)
    }

    #[test]
    fn few_fields_are_all_taken_and_many_are_spread() {
        assert_eq!(evenly_spread(0, 12), Vec::<usize>::new());
        assert_eq!(evenly_spread(3, 12), [0, 1, 2]);
        assert_eq!(evenly_spread(12, 12), (0..12).collect::<Vec<_>>());
        assert_eq!(evenly_spread(100, 4), [12, 37, 62, 87]);
        assert_eq!(rounds(0), Vec::<Vec<usize>>::new());
        assert_eq!(rounds(12), [(0..12).collect::<Vec<_>>()]);
        assert_eq!(rounds(13), [vec![0, 2, 4, 6, 8, 10, 12], vec![1, 3, 5, 7, 9, 11]]);
        let many = rounds(1000);
        assert_eq!((many.len(), many.iter().map(Vec::len).max()), (4, Some(12)));
    }

    #[test]
    fn photographs_of_a_small_specimen_are_read_ahead_until_it_is_enough() {
        for (count, most, expected) in [(3, 9, 3), (3, 2, 2), (3, 0, 0), (12, 99, 12), (13, 99, 0)] {
            let (_folder, fields) = folder(count, (30, 20));
            let asked = AtomicUsize::new(0);
            let read = read_ahead(&fields, || asked.fetch_add(1, Ordering::Relaxed) == most);
            assert_eq!(read.keys().copied().collect::<Vec<_>>(), (0..expected).collect::<Vec<_>>(), "{count}, {most}");
            assert!(read.iter().all(|(index, field)| field.rgb.get_pixel(0, 0).0 == [*index as u8; 3]));
        }
    }

    #[test]
    fn reading_ahead_passes_over_what_cannot_be_read_and_ends_where_there_is_no_room() {
        let (folder_of_small, fields) = folder(3, (30, 20));
        std::fs::remove_file(folder_of_small.path().join("01.png")).expect("a file");
        assert_eq!(read_ahead(&fields, || false).into_keys().collect::<Vec<_>>(), [0, 2]);
        // 36 million bytes each, of 67 million.
        let (_folder, fields) = folder(2, (4000, 3000));
        assert_eq!(read_ahead(&fields, || false).into_keys().collect::<Vec<_>>(), [0]);
    }
}
