//! Plane geometry of closed outlines: even spacing, rounding of corners, distance, overlap, clipping.
//!
//! Outlines are point lists whose last point joins the first, in any one unit. Brute force over the edges: an outline
//! has about a hundred points and a field about a hundred outlines.

/// A point `[x, y]`.
pub(super) type Point = [f64; 2];

/// Smallest upright rectangle, `[x_min, y_min, x_max, y_max]`.
pub(super) fn bounds(outline: &[Point]) -> [f64; 4] {
    let start = [f64::INFINITY, f64::INFINITY, f64::NEG_INFINITY, f64::NEG_INFINITY];
    outline.iter().fold(start, |b, p| [b[0].min(p[0]), b[1].min(p[1]), b[2].max(p[0]), b[3].max(p[1])])
}

fn edges(outline: &[Point]) -> impl Iterator<Item = (Point, Point)> + '_ {
    outline.iter().zip(outline.iter().cycle().skip(1)).map(|(&a, &b)| (a, b))
}

/// Enclosed area.
pub(super) fn area(outline: &[Point]) -> f64 {
    (edges(outline).map(|(a, b)| a[0] * b[1] - b[0] * a[1]).sum::<f64>() / 2.0).abs()
}

/// An outline made ready for many distance queries.
pub(super) struct Prepared(Vec<Edge>);

/// One edge: start, way to the end, and the inverse square of its length (0 for no length).
struct Edge {
    start: Point,
    way: Point,
    inverse: f64,
}

impl Prepared {
    pub(super) fn new(outline: &[Point]) -> Self {
        Self(
            edges(outline)
                .map(|(a, b)| {
                    let way = [b[0] - a[0], b[1] - a[1]];
                    let squared = way[0] * way[0] + way[1] * way[1];
                    Edge { start: a, way, inverse: if squared > 0.0 { squared.recip() } else { 0.0 } }
                })
                .collect(),
        )
    }

    /// Distance to the outline: negative inside (even–odd rule), positive outside.
    pub(super) fn signed_distance(&self, x: f64, y: f64) -> f64 {
        let mut nearest = f64::INFINITY;
        let mut inside = false;
        for Edge { start, way, inverse } in &self.0 {
            let (px, py) = (x - start[0], y - start[1]);
            let along = ((px * way[0] + py * way[1]) * inverse).clamp(0.0, 1.0);
            let (dx, dy) = (px - along * way[0], py - along * way[1]);
            nearest = nearest.min(dx * dx + dy * dy);
            // The ray to the right crosses the edge: the edge spans the height, and the point is on its left.
            let spans = (py < 0.0) != (py < way[1]);
            inside ^= spans & ((px * way[1] < py * way[0]) == (way[1] > 0.0));
        }
        if inside { -nearest.sqrt() } else { nearest.sqrt() }
    }
}

/// The point farthest inside and its distance to the outline (pole of inaccessibility), by a refined grid.
pub(super) fn pole(outline: &[Point]) -> (Point, f64) {
    const GRID: i32 = 6;
    const REFINEMENTS: usize = 8;
    let [x_min, y_min, x_max, y_max] = bounds(outline);
    let ready = Prepared::new(outline);
    let mut center = [(x_min + x_max) / 2.0, (y_min + y_max) / 2.0];
    let mut reach = [(x_max - x_min) / 2.0, (y_max - y_min) / 2.0];
    let mut best = (center, -ready.signed_distance(center[0], center[1]));
    for _ in 0..REFINEMENTS {
        for row in -GRID..=GRID {
            for column in -GRID..=GRID {
                let x = center[0] + reach[0] * f64::from(column) / f64::from(GRID);
                let y = center[1] + reach[1] * f64::from(row) / f64::from(GRID);
                let depth = -ready.signed_distance(x, y);
                if depth > best.1 {
                    best = ([x, y], depth);
                }
            }
        }
        center = best.0;
        reach = [reach[0] * 3.0 / f64::from(GRID), reach[1] * 3.0 / f64::from(GRID)];
    }
    best
}

/// The outline as `count` points at even spacing.
pub(super) fn resampled(outline: &[Point], count: usize) -> Vec<Point> {
    let total: f64 = edges(outline).map(|(a, b)| (b[0] - a[0]).hypot(b[1] - a[1])).sum();
    let step = total / count as f64;
    let mut points = Vec::with_capacity(count);
    let mut travelled = 0.0;
    for (a, b) in edges(outline) {
        let length = (b[0] - a[0]).hypot(b[1] - a[1]);
        while points.len() < count && points.len() as f64 * step < travelled + length {
            let share = (points.len() as f64 * step - travelled) / length;
            points.push([a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share]);
        }
        travelled += length;
    }
    points
}

/// The outline with its corners rounded by a Gaussian of standard deviation `radius` along its length.
pub(super) fn rounded(outline: &[Point], radius: f64, count: usize) -> Vec<Point> {
    const FINE: usize = 384;
    let fine = resampled(outline, FINE);
    let total: f64 = edges(&fine).map(|(a, b)| (b[0] - a[0]).hypot(b[1] - a[1])).sum();
    let sigma = radius / total * FINE as f64;
    let half = (3.0 * sigma).ceil() as usize;
    let weights: Vec<f64> = (0..=2 * half)
        .map(|k| (-0.5 * ((k as f64 - half as f64) / sigma.max(f64::MIN_POSITIVE)).powi(2)).exp())
        .collect();
    let sum: f64 = weights.iter().sum();
    let smooth: Vec<Point> = (0..fine.len())
        .map(|i| {
            let mut point = [0.0, 0.0];
            for (k, weight) in weights.iter().enumerate() {
                let other = fine[(i + FINE + k - half) % FINE];
                point[0] += other[0] * weight / sum;
                point[1] += other[1] * weight / sum;
            }
            point
        })
        .collect();
    resampled(&smooth, count)
}

/// The outline turned by `angle`, scaled and moved, in that order.
pub(super) fn placed(outline: &[Point], angle: f64, scale: f64, at: Point) -> Vec<Point> {
    let (sin, cos) = angle.sin_cos();
    outline
        .iter()
        .map(|p| [at[0] + scale * (p[0] * cos - p[1] * sin), at[1] + scale * (p[0] * sin + p[1] * cos)])
        .collect()
}

/// Shortest distance from a corner of one outline to the other; negative where one reaches into the other.
pub(super) fn gap(a: &[Point], b: &[Point]) -> f64 {
    let toward = |from: &[Point], to: &[Point]| {
        let ready = Prepared::new(to);
        from.iter().map(|p| ready.signed_distance(p[0], p[1])).fold(f64::INFINITY, f64::min)
    };
    toward(a, b).min(toward(b, a))
}

/// Common area over the area of the smaller outline, 0–1, on a grid of 1/64 of the smaller outline's longer side.
pub(super) fn overlap_share(a: &[Point], b: &[Point]) -> f64 {
    const STEPS: f64 = 64.0;
    let (small, large) = if area(a) <= area(b) { (a, b) } else { (b, a) };
    let (own, other) = (bounds(small), bounds(large));
    let (inner, outer) = (Prepared::new(small), Prepared::new(large));
    let step = (own[2] - own[0]).max(own[3] - own[1]) / STEPS;
    let centers = |low: f64, high: f64| {
        (0u32..).map(move |i| low + step * (f64::from(i) + 0.5)).take_while(move |center| *center < high)
    };
    let common = centers(own[1].max(other[1]), own[3].min(other[3]))
        .flat_map(|y| centers(own[0].max(other[0]), own[2].min(other[2])).map(move |x| (x, y)))
        .filter(|&(x, y)| inner.signed_distance(x, y) < 0.0 && outer.signed_distance(x, y) < 0.0)
        .count();
    common as f64 * step * step / area(small)
}

/// The part of the outline inside `[0, width] × [0, height]` (Sutherland–Hodgman); empty where nothing is inside.
pub(super) fn clipped(outline: &[Point], width: f64, height: f64) -> Vec<Point> {
    let sides: [(usize, f64, f64); 4] = [(0, 1.0, 0.0), (0, -1.0, -width), (1, 1.0, 0.0), (1, -1.0, -height)];
    sides.into_iter().fold(outline.to_vec(), |points, (axis, sign, limit)| {
        let exact = |mut crossing: Point| {
            crossing[axis] = sign * limit;
            crossing
        };
        cut(&points, |p| sign * p[axis] - limit, exact)
    })
}

/// The part of the outline inside a convex polygon whose corners run from the x axis toward the y axis.
pub(super) fn clipped_by(outline: &[Point], corners: &[Point]) -> Vec<Point> {
    edges(corners).fold(outline.to_vec(), |points, (a, b)| {
        cut(&points, |p| (b[0] - a[0]) * (p[1] - a[1]) - (b[1] - a[1]) * (p[0] - a[0]), |crossing| crossing)
    })
}

/// The part of the outline at which `depth`, linear over the plane, is not negative; `exact` mends the rounding of a
/// crossing.
fn cut(outline: &[Point], depth: impl Fn(&Point) -> f64, exact: impl Fn(Point) -> Point) -> Vec<Point> {
    let mut kept = Vec::with_capacity(outline.len() + 4);
    for (a, b) in edges(outline) {
        let (da, db) = (depth(&a), depth(&b));
        if da >= 0.0 {
            kept.push(a);
        }
        if (da >= 0.0) != (db >= 0.0) {
            let share = da / (da - db);
            kept.push(exact([a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share]));
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signed_distance(outline: &[Point], x: f64, y: f64) -> f64 {
        Prepared::new(outline).signed_distance(x, y)
    }

    const SQUARE: [Point; 4] = [[0.0, 0.0], [4.0, 0.0], [4.0, 4.0], [0.0, 4.0]];

    #[test]
    fn distance_is_negative_inside_and_positive_outside() {
        assert_eq!(signed_distance(&SQUARE, 2.0, 1.0), -1.0);
        assert_eq!(signed_distance(&SQUARE, 7.0, 8.0), 5.0);
    }

    #[test]
    fn pole_of_a_square_is_its_center() {
        let (point, depth) = pole(&SQUARE);
        assert_eq!((point, depth), ([2.0, 2.0], 2.0));
    }

    #[test]
    fn resampling_keeps_the_outline_and_spaces_evenly() {
        let points = resampled(&SQUARE, 16);
        assert_eq!(points.len(), 16);
        assert_eq!(&points[..3], &[[0.0, 0.0], [1.0, 0.0], [2.0, 0.0]]);
        assert_eq!(area(&points), 16.0);
    }

    #[test]
    fn rounding_takes_only_the_corners_away() {
        let soft = rounded(&SQUARE, 0.1, 128);
        assert!((15.8..16.0).contains(&area(&soft)), "{}", area(&soft));
        assert!(signed_distance(&soft, 0.0, 0.0) > 0.0);
        assert!(signed_distance(&soft, 2.0, 0.01) < 0.0);
    }

    #[test]
    fn overlap_is_a_share_of_the_smaller_outline() {
        let half_in = placed(&SQUARE, 0.0, 1.0, [2.0, 0.0]);
        assert_eq!(overlap_share(&SQUARE, &half_in), 0.5);
        let tiny = placed(&SQUARE, 0.0, 0.25, [1.0, 1.0]);
        assert_eq!(overlap_share(&SQUARE, &tiny), 1.0);
        let far = placed(&SQUARE, 0.0, 1.0, [9.0, 0.0]);
        assert_eq!(overlap_share(&far, &SQUARE), 0.0);
        assert_eq!(gap(&far, &SQUARE), 5.0);
    }

    #[test]
    fn clipping_keeps_the_part_in_the_frame() {
        let shifted = placed(&SQUARE, 0.0, 1.0, [-2.0, 3.0]);
        assert_eq!(area(&clipped(&shifted, 10.0, 5.0)), 4.0);
        assert_eq!(clipped(&SQUARE, 10.0, 10.0), SQUARE.to_vec());
        assert!(clipped(&placed(&SQUARE, 0.0, 1.0, [-9.0, 0.0]), 10.0, 10.0).is_empty());
    }
}
