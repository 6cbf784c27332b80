//! Euclidean distance of each foreground pixel to the nearest background pixel.
//!
//! In: row-major mask, `true` is foreground. Out: distance in pixels, 0 on background, ≥ 1 inside; beyond the edge of
//! the image counts as foreground, so that cut objects keep their depth. Method: exact two-pass transform by lower
//! envelopes of parabolas (Felzenszwalb and Huttenlocher, Theory of Computing 2012, 8:415–428).

/// Distance given where an image holds no background at all.
const UNBOUNDED: f32 = 1.0e6;

/// Distances in pixels; `mask` holds whole rows of `width`.
///
/// # Panics
/// Where `mask` does not hold whole rows.
pub fn euclidean_distance(mask: &[bool], width: usize) -> Vec<f32> {
    if mask.is_empty() {
        return Vec::new();
    }
    assert_eq!(mask.len() % width, 0, "whole rows");
    let height = mask.len() / width;
    // Distance along the column first: two sweeps over whole rows.
    let mut down = vec![UNBOUNDED; mask.len()];
    for y in 0..height {
        for x in 0..width {
            let index = y * width + x;
            down[index] = match (mask[index], y) {
                (false, _) => 0.0,
                (true, 0) => UNBOUNDED,
                (true, _) => (down[index - width] + 1.0).min(UNBOUNDED),
            };
        }
    }
    for y in (0..height - 1).rev() {
        for x in 0..width {
            let index = y * width + x;
            down[index] = down[index].min(down[index + width] + 1.0);
        }
    }
    let mut distance = vec![0.0; mask.len()];
    let mut apexes = vec![0usize; width];
    let mut starts = vec![0.0f32; width + 1];
    for (row, out) in down.chunks_exact(width).zip(distance.chunks_exact_mut(width)) {
        envelope(row, out, &mut apexes, &mut starts);
    }
    distance
}

fn envelope(row: &[f32], out: &mut [f32], apexes: &mut [usize], starts: &mut [f32]) {
    let height_at = |x: usize| row[x] * row[x] + (x * x) as f32;
    let mut last = 0;
    apexes[0] = 0;
    starts[0] = f32::NEG_INFINITY;
    for x in 1..row.len() {
        let start = loop {
            let apex = apexes[last];
            let crossing = (height_at(x) - height_at(apex)) / (2.0 * (x - apex) as f32);
            if crossing > starts[last] || last == 0 {
                break crossing;
            }
            last -= 1;
        };
        if start > starts[last] {
            last += 1;
            apexes[last] = x;
            starts[last] = start;
        } else {
            apexes[last] = x;
        }
    }
    starts[last + 1] = f32::INFINITY;
    let mut current = 0;
    for (x, value) in out.iter_mut().enumerate() {
        while starts[current + 1] < x as f32 {
            current += 1;
        }
        let apex = apexes[current];
        let step = x as f32 - apex as f32;
        *value = (step * step + row[apex] * row[apex]).sqrt().min(UNBOUNDED);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_bar_of_five_is_three_deep() {
        let mask: Vec<bool> = [0, 1, 1, 1, 1, 1, 0].iter().map(|v| *v == 1).collect();
        assert_eq!(euclidean_distance(&mask, 7), vec![0.0, 1.0, 2.0, 3.0, 2.0, 1.0, 0.0]);
    }

    proptest! {
        #[test]
        fn equals_the_search_over_all_background(
            bits in prop::collection::vec(prop::bool::weighted(0.85), 9 * 7),
        ) {
            prop_assume!(bits.iter().any(|b| !b));
            let found = euclidean_distance(&bits, 9);
            for (index, value) in found.iter().enumerate() {
                let (x, y) = ((index % 9) as f32, (index / 9) as f32);
                let nearest = bits.iter().enumerate().filter(|(_, b)| !**b)
                    .map(|(i, _)| ((i % 9) as f32 - x).hypot((i / 9) as f32 - y))
                    .fold(f32::INFINITY, f32::min);
                prop_assert!((value - nearest).abs() < 1e-3, "at {x}, {y}: {value} for {nearest}");
            }
        }
    }
}
