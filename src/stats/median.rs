//! The middle of many values without sorting them.
//!
//! In: values of which some count, and the range where most of those lie. Out: the value of rank n / 2 of those in total
//! order, exact whatever the range. Method: the values are counted into equal buckets of the range, and only the values of
//! one bucket are searched for the rank. Limits: where the range does not fit, that bucket holds all values and the search is
//! slow. A few values are partly sorted instead.

use std::ops::Range;

use fearless_simd::{Level, dispatch};
use rayon::prelude::*;

/// Buckets of the range: their counts fit into the nearest cache and leave a thousandth of the values in each.
const BUCKETS: usize = 2048;
/// Buckets for what does not count, used in turn, so that no count waits for the one before.
const ASIDE: usize = 64;
/// Values that are sorted into buckets together.
const CHUNK: usize = 256;
/// Values that one thread counts: those of a usual photograph.
const PART: usize = 1 << 19;

/// The value of rank n / 2 of those that count; `None` of nothing.
///
/// METHOD: what does not count goes into buckets of its own, so that no branch depends on the values. About as many densities
/// of an empty background lie above zero as below, which no processor can predict.
pub fn median(values: &[f32], range: Range<f32>, counts: impl Fn(f32) -> bool + Copy + Sync) -> Option<f32> {
    let scale = BUCKETS as f32 / (range.end - range.start);
    let level = Level::new();
    let buckets_of = |chunk: &[f32]| {
        let mut buckets = [0; CHUNK];
        dispatch!(level, _ => sort_into(chunk, range.start, scale, counts, &mut buckets));
        buckets
    };
    // Neighbors are alike: counted in turn into two tables, one need not wait for the other.
    let count = |part: &[f32]| {
        let mut tables = [[0u32; BUCKETS + ASIDE]; 2];
        for chunk in part.chunks(CHUNK) {
            for pair in buckets_of(chunk)[..chunk.len()].chunks(2) {
                pair.iter().zip(&mut tables).for_each(|(of, counts)| counts[usize::from(*of)] += 1);
            }
        }
        let [one, other] = tables;
        one.into_iter().zip(other).map(|(one, other)| (one + other) as usize).collect::<Vec<_>>()
    };
    let added = |sums: Vec<usize>, part: Vec<usize>| sums.into_iter().zip(part).map(|(sum, part)| sum + part).collect();
    let counted = values.par_chunks(PART).map(count).reduce(|| vec![0; BUCKETS + ASIDE], added);
    let sums = counted.iter().copied().take(BUCKETS);
    let rank = sums.clone().sum::<usize>() / 2;
    let mut below = 0;
    let (middle, count) = (0u16..).zip(sums).find(|(_, count)| {
        below += count;
        below > rank
    })?;
    let of_middle = |part: &[f32]| {
        let mut found = Vec::new();
        for chunk in part.chunks(CHUNK) {
            let buckets = buckets_of(chunk);
            if buckets.iter().fold(false, |any, of| any | (*of == middle)) {
                extend_where(&mut found, chunk, buckets.iter().map(|of| *of == middle));
            }
        }
        found
    };
    let mut candidates: Vec<f32> = values.par_chunks(PART).flat_map_iter(of_middle).collect();
    Some(*candidates.select_nth_unstable_by(rank + count - below, f32::total_cmp).1)
}

/// Adds those of some values that are wanted.
///
/// METHOD: each is written behind the last one that was wanted, so that no branch depends on the values.
pub fn extend_where(kept: &mut Vec<f32>, values: &[f32], is_wanted: impl Iterator<Item = bool>) {
    let mut end = kept.len();
    kept.resize(end + values.len(), 0.0);
    for (value, is_wanted) in values.iter().zip(is_wanted) {
        kept[end] = *value;
        end += usize::from(is_wanted);
    }
    kept.truncate(end);
}

/// The value of rank n / 2 of a few values in total order, which are put out of their order; `None` of nothing.
pub fn of_few(values: &mut [f64]) -> Option<f64> {
    let middle = values.len() / 2;
    (!values.is_empty()).then(|| *values.select_nth_unstable_by(middle, f64::total_cmp).1)
}

/// The bucket of each value; it never falls with the value, so that the buckets are in order, and what lies outside of the
/// range is in the first or the last.
///
/// METHOD: beside 2²³ the last bits of a float are the whole number. A conversion would look for what an integer cannot hold,
/// value by value.
#[inline(always)]
fn sort_into(chunk: &[f32], start: f32, scale: f32, counts: impl Fn(f32) -> bool, buckets: &mut [u16; CHUNK]) {
    const WHOLE_BITS: f32 = 8_388_608.0;
    for (at, (of, value)) in buckets.iter_mut().zip(chunk).enumerate() {
        let bucket = ((value - start) * scale).max(0.0).min((BUCKETS - 1) as f32).trunc();
        let aside = BUCKETS + at % ASIDE;
        *of = if counts(*value) { (bucket + WHOLE_BITS).to_bits() as u16 } else { aside as u16 };
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn of_nothing_there_is_none() {
        assert_eq!(median(&[], 0.0..1.0, |_| true), None);
        assert_eq!(median(&[0.3], 0.0..1.0, |_| false), None);
        assert_eq!(median(&[0.3, 0.1, 0.9, 0.2, 0.4], 0.0..1.0, |value| value < 0.5), Some(0.3));
    }

    proptest! {
        #[test]
        fn equals_the_middle_of_the_sorted_values(
            mut values in prop::collection::vec(-2.0..2.0f32, 1..700),
            start in -3.0..3.0f32,
            length in 0.001..9.0f32,
        ) {
            let found = median(&values, start..start + length, |value| value < 1.0);
            values.retain(|value| *value < 1.0);
            values.sort_by(f32::total_cmp);
            prop_assert_eq!(found, values.get(values.len() / 2).copied());
        }
    }
}
