//! The middle of many values without sorting them.
//!
//! In: values that can be gone through twice, and the range where most of them lie. Out: the value of rank n / 2 in total
//! order, exact whatever the range. Method: the values are counted into equal buckets of the range, and the rank is
//! looked for among the values of its bucket alone. Limits: with a range that does not fit, all of them are there.

use std::ops::Range;

/// Buckets of the range: their counts fit into the nearest cache and leave a thousandth of the values in each.
const BUCKETS: usize = 2048;

/// The value of rank n / 2; `None` of nothing.
pub fn median(values: impl Iterator<Item = f32> + Clone, range: Range<f32>) -> Option<f32> {
    let scale = BUCKETS as f32 / (range.end - range.start);
    // Never falls with the value, so that the buckets are in order; what lies outside is in the first or the last.
    let bucket = |value: f32| (((value - range.start) * scale) as usize).min(BUCKETS - 1);
    let mut counts = [0u32; BUCKETS];
    values.clone().for_each(|value| counts[bucket(value)] += 1);
    let rank = counts.iter().map(|count| *count as usize).sum::<usize>() / 2;
    let mut below = 0;
    let middle = counts.iter().position(|count| {
        below += *count as usize;
        below > rank
    })?;
    let rank = rank + counts[middle] as usize - below;
    let mut candidates = Vec::with_capacity(counts[middle] as usize);
    candidates.extend(values.filter(|value| bucket(*value) == middle));
    Some(*candidates.select_nth_unstable_by(rank, f32::total_cmp).1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn of_nothing_there_is_none() {
        assert_eq!(median(std::iter::empty(), 0.0..1.0), None);
        assert_eq!(median([0.3, 0.1, 0.2, 0.4].into_iter(), 0.0..1.0), Some(0.3));
    }

    proptest! {
        #[test]
        fn equals_the_middle_of_the_sorted_values(
            mut values in prop::collection::vec(-2.0..2.0f32, 1..200),
            start in -3.0..3.0f32,
            length in 0.001..9.0f32,
        ) {
            let found = median(values.iter().copied(), start..start + length);
            values.sort_by(f32::total_cmp);
            prop_assert_eq!(found, Some(values[values.len() / 2]));
        }
    }
}
