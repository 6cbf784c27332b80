//! Shape of an outline, exact for its polygon.
//!
//! In: a closed outline. Out: figures without unit. Source: second moments of a polygon by Green's theorem (Steger
//! 1996); definitions of the figures as in CellProfiler's "form factor" and "major and minor axis".

use std::f64::consts::PI;

use crate::optics::length;
use crate::smear::Contour;

/// Largest aspect ratio that is given: an outline thinner than that is a line, and its ratio a matter of rounding.
const MAX_ASPECT_RATIO: f64 = 100.0;

/// 4π·area / perimeter²: 1 for a circle, 0 for an outline without length.
pub(super) fn circularity(area: f64, perimeter: f64) -> f64 {
    if perimeter > 0.0 { (4.0 * PI * area / (perimeter * perimeter)).min(1.0) } else { 0.0 }
}

/// Major over minor axis of the ellipse with the same second moments, 1 to [`MAX_ASPECT_RATIO`].
pub(super) fn aspect_ratio(contour: &Contour) -> f64 {
    let [cx, cy] = contour.centroid();
    let points = contour.points();
    let (mut xx, mut yy, mut xy) = (0.0, 0.0, 0.0);
    for (a, b) in points.iter().zip(points.iter().cycle().skip(1)) {
        let (ax, ay, bx, by) = (a[0] - cx, a[1] - cy, b[0] - cx, b[1] - cy);
        let cross = ax * by - bx * ay;
        xx += cross * (ax * ax + ax * bx + bx * bx) / 12.0;
        yy += cross * (ay * ay + ay * by + by * by) / 12.0;
        xy += cross * (2.0 * (ax * ay + bx * by) + ax * by + bx * ay) / 24.0;
    }
    // Both turns of the outline give the same ellipse.
    let sign = (xx + yy).signum();
    let (mean, spread) = (sign * (xx + yy) / 2.0, length((xx - yy) / 2.0, xy));
    let (major, minor) = (mean + spread, mean - spread);
    if minor * MAX_ASPECT_RATIO * MAX_ASPECT_RATIO > major { (major / minor).sqrt() } else { MAX_ASPECT_RATIO }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contour(points: &[[f64; 2]]) -> Contour {
        Contour::new(points.to_vec()).expect("three or more points")
    }

    #[test]
    fn rectangle_of_three_to_one_in_both_turns() {
        let mut points = vec![[5.0, 5.0], [11.0, 5.0], [11.0, 7.0], [5.0, 7.0]];
        assert!((aspect_ratio(&contour(&points)) - 3.0).abs() < 1e-9);
        points.reverse();
        assert!((aspect_ratio(&contour(&points)) - 3.0).abs() < 1e-9);
    }

    #[test]
    fn a_line_has_the_largest_ratio() {
        assert_eq!(aspect_ratio(&contour(&[[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]])), MAX_ASPECT_RATIO);
    }

    #[test]
    fn square_has_circularity_of_a_quarter_pi() {
        assert!((circularity(1.0, 4.0) - PI / 4.0).abs() < 1e-12);
        assert_eq!(circularity(0.0, 0.0), 0.0);
    }
}
