//! An outline in few bytes, to the last bit.
//!
//! In: the points of an outline. Out: a [`PackedOutline`], which gives the same points again. A traced outline walks on a grid of half
//! pixels that was then scaled: all coordinates are whole multiples of one unit, and a point lies at most two units from the
//! one before. Such an outline is its unit, its first point and one byte a step. Any other one is kept as its points.
//!
//! METHOD: the unit is not told but found, from the shortest step and then exactly from the farthest coordinate. It is taken only
//! where it gives every coordinate again to the last bit, so that a reader never sees another outline than the one measured.

use serde::{Deserialize, Serialize};

/// Farthest that a step goes along an axis, units.
const REACH: i64 = 2;
/// Steps along one axis.
const STEPS: i64 = 2 * REACH + 1;
/// Farthest coordinate, units: whole numbers up to it are exact in a double, and so are sums of them.
const MOST_UNITS: f64 = 1e9;

/// An outline as it is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum PackedOutline {
    /// On a grid.
    Grid {
        /// Distance of the lines of the grid.
        unit: f64,
        /// First point, units.
        start: [i64; 2],
        /// From each point to the next: `(x + 2) · 5 + y + 2`, units.
        steps: Vec<u8>,
    },
    /// Anywhere.
    Points(Vec<[f64; 2]>),
}

impl PackedOutline {
    /// Packs the points of an outline.
    pub(super) fn of(points: Vec<[f64; 2]>) -> Self {
        let grid = units(&points).into_iter().flatten().find_map(|unit| on_grid(&points, unit));
        grid.unwrap_or(Self::Points(points))
    }

    /// The points again.
    pub(super) fn into_points(self) -> Vec<[f64; 2]> {
        match self {
            Self::Points(points) => points,
            Self::Grid { unit, start, steps } => {
                let mut at = start;
                let walked = steps.into_iter().map(|step| {
                    let step = i64::from(step);
                    at = [at[0].saturating_add(step / STEPS - REACH), at[1].saturating_add(step % STEPS - REACH)];
                    at
                });
                std::iter::once(start).chain(walked).map(|at| at.map(|units| units as f64 * unit)).collect()
            }
        }
    }
}

/// Units that may be that of an outline's grid: by its farthest coordinate, which was rounded, and the doubles beside it.
fn units(points: &[[f64; 2]]) -> Option<[f64; 5]> {
    let steps = points.windows(2).flat_map(|pair| [pair[1][0] - pair[0][0], pair[1][1] - pair[0][1]]);
    let shortest = steps.map(f64::abs).filter(|step| *step > 0.0).fold(f64::INFINITY, f64::min);
    let farthest = points.iter().flatten().fold(0.0, |most: f64, at| most.max(at.abs()));
    let count = (farthest / shortest).round();
    let is_grid = shortest.is_finite() && (1.0..MOST_UNITS).contains(&count);
    let unit = farthest / count;
    let (up, down) = (unit.next_up(), unit.next_down());
    is_grid.then(|| [unit, up, down, up.next_up(), down.next_down()])
}

/// Adding it to a double below [`MOST_UNITS`] leaves no bits for fractions: 1.5 · 2^52.
const NO_FRACTIONS: f64 = 6_755_399_441_055_744.0;

/// The nearest whole number, for amounts up to [`MOST_UNITS`].
///
/// METHOD: `f64::round` is a call of a function on processors of the oldest kind, for which programs are built.
fn to_whole(value: f64) -> f64 {
    (value + NO_FRACTIONS) - NO_FRACTIONS
}

/// The outline on the grid of a unit, where every coordinate is a whole multiple of it.
fn on_grid(points: &[[f64; 2]], unit: f64) -> Option<PackedOutline> {
    let whole = |at: f64| {
        let units = to_whole(at / unit);
        (units * unit == at).then_some(units as i64)
    };
    let start = [whole(points[0][0])?, whole(points[0][1])?];
    let mut last = start;
    let mut steps = Vec::with_capacity(points.len() - 1);
    for point in &points[1..] {
        let at = [whole(point[0])?, whole(point[1])?];
        let [x, y] = [at[0] - last[0], at[1] - last[1]].map(|step| step + REACH);
        let is_near = (0..STEPS).contains(&x) && (0..STEPS).contains(&y);
        steps.push(is_near.then_some((x * STEPS + y) as u8)?);
        last = at;
    }
    Some(PackedOutline::Grid { unit, start, steps })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bits(points: &[[f64; 2]]) -> Vec<[u64; 2]> {
        points.iter().map(|point| point.map(f64::to_bits)).collect()
    }

    #[test]
    fn more_units_than_a_double_holds_exactly_are_no_grid() {
        let far = vec![[1e12, 0.0], [1e12 + 0.5, 0.0], [1e12, 0.5]];
        assert_eq!(PackedOutline::of(far.clone()), PackedOutline::Points(far));
        let endless = PackedOutline::Grid { unit: f64::MAX, start: [i64::MAX, 0], steps: vec![24, 24] };
        assert_eq!(endless.into_points().len(), 3);
    }

    proptest! {
        #[test]
        fn a_walk_on_a_scaled_grid_takes_a_byte_a_step_and_comes_back_to_the_last_bit(
            start in [0i64..200_000, 0i64..200_000],
            walk in prop::collection::vec(prop::sample::select(vec![(2i64, 0i64), (0, 2), (1, 1), (1, -1), (-2, 0)]), 2..200),
            scale in 0.05..8.0f64,
        ) {
            let mut at = start;
            let mut halves = vec![at];
            halves.extend(walk.iter().map(|(x, y)| {
                at = [at[0] + x, at[1] + y];
                at
            }));
            // Half a step makes the unit known, as every corner of a traced outline does.
            halves.push([at[0] + 1, at[1] + 1]);
            let points: Vec<[f64; 2]> = halves.iter().map(|p| p.map(|half| half as f64 / 2.0 * scale)).collect();
            let packed = PackedOutline::of(points.clone());
            prop_assert!(matches!(&packed, PackedOutline::Grid { steps, .. } if steps.len() == walk.len() + 1), "{packed:?}");
            prop_assert_eq!(bits(&packed.into_points()), bits(&points));
        }

        #[test]
        fn any_outline_comes_back_to_the_last_bit(
            points in prop::collection::vec([any::<f64>(), any::<f64>()], 3..20),
        ) {
            prop_assume!(points.iter().flatten().all(|value| value.is_finite()));
            let again = PackedOutline::of(points.clone()).into_points();
            // Zero has two signs, and a grid one.
            prop_assert!(bits(&again) == bits(&points) || again == points);
        }
    }
}
