//! Closed outlines in pixels of the original image.
//!
//! Shape laws (area, hull) are exact for the polygon. Axes as in the parent module.

mod packed;

use serde::{Deserialize, Serialize};

use crate::optics::length;
use packed::PackedOutline;

/// Smallest upright rectangle around an outline, pixels of the original image.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    /// Left edge.
    pub x_min: f64,
    /// Top edge.
    pub y_min: f64,
    /// Right edge.
    pub x_max: f64,
    /// Bottom edge.
    pub y_max: f64,
}

impl Bounds {
    /// Area, px².
    pub fn area_px(&self) -> f64 {
        (self.x_max - self.x_min).max(0.0) * (self.y_max - self.y_min).max(0.0)
    }

    /// Intersection over union with another rectangle, 0–1; 0 where both are empty.
    pub fn iou(&self, other: &Self) -> f64 {
        let width = self.x_max.min(other.x_max) - self.x_min.max(other.x_min);
        let height = self.y_max.min(other.y_max) - self.y_min.max(other.y_min);
        let intersection = width.max(0.0) * height.max(0.0);
        let union = self.area_px() + other.area_px() - intersection;
        if union > 0.0 { intersection / union } else { 0.0 }
    }
}

/// A closed outline: the last point joins the first. Pallor is inside. It is written in few bytes, to the last bit (`packed`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "PackedOutline", into = "PackedOutline")]
pub struct Contour {
    points: Vec<[f64; 2]>,
}

impl From<Contour> for PackedOutline {
    fn from(contour: Contour) -> Self {
        Self::of(contour.points)
    }
}

impl TryFrom<PackedOutline> for Contour {
    type Error = &'static str;

    fn try_from(packed: PackedOutline) -> Result<Self, Self::Error> {
        Self::new(packed.into_points()).ok_or("expected an outline of at least three points")
    }
}

impl Contour {
    /// An outline of at least three points `[x, y]`; `None` for fewer or for a number that is not finite.
    pub fn new(points: Vec<[f64; 2]>) -> Option<Self> {
        let sound = points.len() >= 3 && points.iter().flatten().all(|value| value.is_finite());
        sound.then_some(Self { points })
    }

    /// The points in order.
    pub fn points(&self) -> &[[f64; 2]] {
        &self.points
    }

    fn edges(&self) -> impl Iterator<Item = ([f64; 2], [f64; 2])> + '_ {
        let next = self.points[1..].iter().chain(&self.points[..1]);
        self.points.iter().zip(next).map(|(&a, &b)| (a, b))
    }

    fn signed_area(&self) -> f64 {
        self.edges().map(|(a, b)| a[0] * b[1] - b[0] * a[1]).sum::<f64>() / 2.0
    }

    /// Enclosed area, px².
    pub fn area_px(&self) -> f64 {
        self.signed_area().abs()
    }

    /// Length, px.
    pub fn perimeter_px(&self) -> f64 {
        self.edges().map(|(a, b)| length(b[0] - a[0], b[1] - a[1])).sum()
    }

    /// Center of mass of the enclosed area, `[x, y]`; the mean point where the area is zero.
    pub fn centroid(&self) -> [f64; 2] {
        let doubled = 2.0 * self.signed_area();
        let count = self.points.len() as f64;
        let origin = self.points[0];
        if doubled.abs() < f64::EPSILON {
            let sum = self.points.iter().fold([0.0, 0.0], |sum, p| [sum[0] + p[0], sum[1] + p[1]]);
            return [sum[0] / count, sum[1] / count];
        }
        // Relative to the first point, so that far-off outlines lose no digits.
        let mut moment = [0.0, 0.0];
        for (a, b) in self.edges() {
            let (a, b) = ([a[0] - origin[0], a[1] - origin[1]], [b[0] - origin[0], b[1] - origin[1]]);
            let cross = a[0] * b[1] - b[0] * a[1];
            moment[0] += (a[0] + b[0]) * cross;
            moment[1] += (a[1] + b[1]) * cross;
        }
        [origin[0] + moment[0] / (3.0 * doubled), origin[1] + moment[1] / (3.0 * doubled)]
    }

    /// Bounding rectangle.
    pub fn bounds(&self) -> Bounds {
        let start =
            Bounds { x_min: f64::INFINITY, y_min: f64::INFINITY, x_max: f64::NEG_INFINITY, y_max: f64::NEG_INFINITY };
        self.points.iter().fold(start, |bounds, p| Bounds {
            x_min: bounds.x_min.min(p[0]),
            y_min: bounds.y_min.min(p[1]),
            x_max: bounds.x_max.max(p[0]),
            y_max: bounds.y_max.max(p[1]),
        })
    }

    /// Whether a point lies inside, by the even–odd rule.
    pub fn contains(&self, x: f64, y: f64) -> bool {
        self.edges()
            .filter(|(a, b)| (a[1] > y) != (b[1] > y) && x < (b[0] - a[0]) * (y - a[1]) / (b[1] - a[1]) + a[0])
            .count()
            % 2
            == 1
    }

    /// Convex hull (Andrew's monotone chain); the outline itself where all points lie on a line.
    pub fn convex_hull(&self) -> Self {
        let mut keys: Vec<u128> = self.points.iter().map(order_key).collect();
        keys.sort_unstable();
        keys.dedup();
        let sorted: Vec<[f64; 2]> = keys.into_iter().map(point_of_key).collect();
        let mut hull = half_hull(sorted.iter());
        hull.extend(half_hull(sorted.iter().rev()));
        Self::new(hull).unwrap_or_else(|| self.clone())
    }

    /// Area over area of the convex hull, 0–1; 1 where the hull has no area.
    pub fn solidity(&self) -> f64 {
        let hull = self.convex_hull().area_px();
        if hull > 0.0 { (self.area_px() / hull).min(1.0) } else { 1.0 }
    }

    /// The outline with every coordinate multiplied by `factor`.
    pub fn scaled(&self, factor: f64) -> Self {
        Self { points: self.points.iter().map(|p| [p[0] * factor, p[1] * factor]).collect() }
    }
}

/// Points from one end to the other without those that lie to the left of the way, the last one left out.
fn half_hull<'a>(mut points: impl ExactSizeIterator<Item = &'a [f64; 2]>) -> Vec<[f64; 2]> {
    let mut chain: Vec<[f64; 2]> = Vec::with_capacity(points.len());
    while let Some(&p) = points.next() {
        // Of points above one another the first is the outermost; the next one to the side would take the others off again.
        if points.len() > 0 && chain.last().is_some_and(|last| last[0] == p[0]) {
            continue;
        }
        while let [.., a, b] = chain[..] {
            if (b[0] - a[0]) * (p[1] - a[1]) - (b[1] - a[1]) * (p[0] - a[0]) > 0.0 {
                break;
            }
            chain.pop();
        }
        chain.push(p);
    }
    chain.pop();
    chain
}

/// A number that orders points by x and then by y, in the order of `f64::total_cmp`. METHOD: whole numbers are compared without a
/// branch.
fn order_key(point: &[f64; 2]) -> u128 {
    // The bits of a number below 0 fall as it rises.
    let [x, y] = point.map(|value| {
        let bits = value.to_bits();
        if bits >> 63 == 0 { bits | 1 << 63 } else { !bits }
    });
    u128::from(x) << 64 | u128::from(y)
}

/// The point of [`order_key`].
fn point_of_key(key: u128) -> [f64; 2] {
    let value = |bits: u64| f64::from_bits(if bits >> 63 == 1 { bits & !(1 << 63) } else { !bits });
    [value((key >> 64) as u64), value(key as u64)]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn contour(points: &[[f64; 2]]) -> Contour {
        Contour::new(points.to_vec()).expect("three or more points")
    }

    #[test]
    fn unit_square() {
        let square = contour(&[[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]);
        assert_eq!(square.area_px(), 1.0);
        assert_eq!(square.perimeter_px(), 4.0);
        assert_eq!(square.centroid(), [0.5, 0.5]);
        assert_eq!(square.solidity(), 1.0);
        assert!(square.contains(0.5, 0.5) && !square.contains(1.5, 0.5));
    }

    #[test]
    fn notched_square_is_less_solid_than_its_hull() {
        let notched = contour(&[[0.0, 0.0], [4.0, 0.0], [4.0, 4.0], [2.0, 2.0], [0.0, 4.0]]);
        assert_eq!(notched.area_px(), 12.0);
        assert_eq!(notched.solidity(), 0.75);
        assert!(!notched.contains(2.0, 3.0));
    }

    #[test]
    fn rectangles_overlap_by_a_third() {
        let a = Bounds { x_min: 0.0, y_min: 0.0, x_max: 2.0, y_max: 1.0 };
        let b = Bounds { x_min: 1.0, y_min: 0.0, x_max: 3.0, y_max: 1.0 };
        assert!((a.iou(&b) - 1.0 / 3.0).abs() < 1e-12);
        let far = Bounds { x_min: 9.0, y_min: 0.0, x_max: 10.0, y_max: 1.0 };
        assert_eq!(a.iou(&far), 0.0);
    }

    #[test]
    fn two_points_are_no_outline() {
        assert_eq!(Contour::new(vec![[0.0, 0.0], [1.0, 1.0]]), None);
        assert_eq!(Contour::new(vec![[0.0, 0.0], [1.0, f64::NAN], [2.0, 2.0]]), None);
    }

    #[test]
    fn keys_are_in_the_order_of_x_and_then_y_and_give_their_points_back() {
        let values = [f64::MIN, -2.5, -f64::MIN_POSITIVE, 0.0, 5e-324, 1.0, 1.5, f64::MAX];
        let points: Vec<[f64; 2]> = values.iter().flat_map(|x| values.map(|y| [*x, y])).collect();
        let keys: Vec<u128> = points.iter().map(order_key).collect();
        assert!(keys.is_sorted_by(|one, next| one < next));
        assert_eq!(keys.into_iter().map(point_of_key).collect::<Vec<_>>(), points);
    }

    #[test]
    fn points_above_one_another_and_on_a_line_are_no_corners() {
        let staircase = contour(&[
            [0.0, 0.0],
            [0.0, 1.0],
            [0.0, 2.0],
            [1.0, 2.0],
            [1.0, 3.0],
            [2.0, 3.0],
            [2.0, 2.0],
            [3.0, 2.0],
            [3.0, 1.0],
            [3.0, 0.0],
        ]);
        let corners = vec![[0.0, 0.0], [3.0, 0.0], [3.0, 2.0], [2.0, 3.0], [1.0, 3.0], [0.0, 2.0]];
        assert_eq!(staircase.convex_hull().points(), corners);
        // All points on a line, upright or not: the outline itself.
        for line in [[[1.0, 0.0], [1.0, 2.0], [1.0, 1.0]], [[0.0, 0.0], [2.0, 2.0], [1.0, 1.0]]] {
            assert_eq!(contour(&line).convex_hull().points(), line);
        }
    }

    proptest! {
        #[test]
        fn shape_ratios_do_not_change_with_scale(
            points in prop::collection::vec([0.0..100.0f64, 0.0..100.0f64], 3..20),
            factor in 0.1..10.0f64,
        ) {
            let original = contour(&points);
            let scaled = original.scaled(factor);
            prop_assert!((original.solidity() - scaled.solidity()).abs() < 1e-6);
            prop_assert!((scaled.area_px() - original.area_px() * factor * factor).abs() < 1e-6 * (1.0 + scaled.area_px()));
        }

        #[test]
        fn hull_holds_every_point_and_is_no_smaller(
            points in prop::collection::vec([0.0..100.0f64, 0.0..100.0f64], 3..20),
        ) {
            let original = contour(&points);
            let (inner, outer) = (original.bounds(), original.convex_hull().bounds());
            prop_assert_eq!(inner, outer);
        }
    }
}
