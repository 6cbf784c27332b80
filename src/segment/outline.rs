//! Labelled pixels to closed outlines.
//!
//! In: a label map with its runs. Out: for one label the outer boundary of its largest part, as a polygon through the
//! middles of the pixel edges that it crosses ("mid-crack", Dunkelberger and Mitiche 1988), in pixels of the label map with
//! the origin at the top-left corner. A part hangs together by pixel edges; of parts of the same size the first in reading
//! order is taken. The polygon's area differs from the number of pixels by less than half a pixel a corner, and its length
//! is up to 8 % above that of the smooth boundary.
//!
//! `imageproc::contours` is no substitute: its contours run through the centers of the border pixels, half a pixel inside.

use crate::optics::regions::{Connectivity, regions_of_runs};
use crate::optics::runs::RowRuns;
use crate::smear::{Contour, LabelMap};

/// Steps right, down, left, up.
const STEPS: [(i64, i64); 4] = [(1, 0), (0, 1), (-1, 0), (0, -1)];

/// A pixel, x and y.
pub(super) type Pixel = (u32, u32);

/// The first pixel in reading order of the largest part of each of `count` labels, label `n` at index `n - 1`; `None` for a
/// label without pixels.
pub(super) fn starts(runs: &RowRuns, count: usize) -> Vec<Option<Pixel>> {
    let parts = regions_of_runs(runs.clone(), Connectivity::Four);
    let mut largest: Vec<Option<(usize, Pixel)>> = vec![None; count];
    let mut is_known = vec![false; parts.regions.len()];
    for (y, run, part) in parts.runs() {
        let area = |part: usize| parts.regions[part].area_px;
        let so_far = &mut largest[run.value as usize - 1];
        if !std::mem::replace(&mut is_known[part], true) && so_far.is_none_or(|(other, _)| area(part) > area(other)) {
            *so_far = Some((part, (run.start, y as u32)));
        }
    }
    largest.into_iter().map(|found| found.map(|(_, start)| start)).collect()
}

/// Outer boundary of the part of a label whose first pixel in reading order is `start`.
pub(super) fn trace(map: &LabelMap, label: u32, (x, y): Pixel) -> Option<Contour> {
    let start = (i64::from(x), i64::from(y));
    // Walk the cracks clockwise with the region on the right hand; a corner (x, y) is the top-left of pixel (x, y).
    let origin = (start, 0usize);
    let (mut corner, mut heading) = origin;
    let mut points = Vec::new();
    loop {
        let (dx, dy) = STEPS[heading];
        points.push([corner.0 as f64 + dx as f64 / 2.0, corner.1 as f64 + dy as f64 / 2.0]);
        corner = (corner.0 + dx, corner.1 + dy);
        // Pixels ahead on the left and on the right hand of the heading at the new corner.
        let (left, right) = ahead(corner, heading);
        let inside = |p: (i64, i64)| map.at(p.0, p.1) == label;
        // METHOD: at a diagonal touch the walk turns right, so that parts are joined by edges, not by corners.
        heading = match (inside(left), inside(right)) {
            (_, false) => (heading + 1) % 4,
            (false, true) => heading,
            (true, true) => (heading + 3) % 4,
        };
        if (corner, heading) == origin {
            break;
        }
    }
    Contour::new(points)
}

fn ahead(corner: (i64, i64), heading: usize) -> ((i64, i64), (i64, i64)) {
    let (x, y) = corner;
    match heading {
        0 => ((x, y - 1), (x, y)),
        1 => ((x, y), (x - 1, y)),
        2 => ((x - 1, y), (x - 1, y - 1)),
        _ => ((x - 1, y - 1), (x, y - 1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn traced(rows: &[&str]) -> Contour {
        let labels: Vec<u32> = rows.iter().flat_map(|row| row.bytes().map(|b| u32::from(b == b'#'))).collect();
        let (width, height) = (rows[0].len() as u32, rows.len() as u32);
        let start = starts(&RowRuns::of_labels(&labels, width as usize), 1)[0].expect("a pixel");
        trace(&LabelMap::new(width, height, labels), 1, start).expect("an outline")
    }

    #[test]
    fn one_pixel_is_a_diamond_around_its_center() {
        let pixel = traced(&["...", ".#.", "..."]);
        assert_eq!(pixel.centroid(), [1.5, 1.5]);
        assert_eq!(pixel.area_px(), 0.5);
    }

    #[test]
    fn a_large_square_keeps_its_area_but_for_the_corners() {
        let rows = vec!["##########"; 10];
        let square = traced(&rows);
        assert_eq!(square.area_px(), 99.5);
        assert_eq!(square.bounds().x_min, 0.0);
        assert_eq!(square.bounds().x_max, 10.0);
    }

    #[test]
    fn length_of_a_disc_is_near_its_circumference() {
        let radius = 20i64;
        let rows: Vec<String> = (-25..25)
            .map(|y: i64| (-25..25).map(|x: i64| if x * x + y * y <= radius * radius { '#' } else { '.' }).collect())
            .collect();
        let disc = traced(&rows.iter().map(String::as_str).collect::<Vec<_>>());
        let circumference = std::f64::consts::TAU * 20.0;
        let excess = disc.perimeter_px() / circumference - 1.0;
        assert!((0.0..=0.08).contains(&excess), "{excess}");
        assert!((disc.area_px() / (std::f64::consts::PI * 400.0) - 1.0).abs() < 0.02);
    }

    #[test]
    fn a_diagonal_touch_ends_the_part_and_the_largest_part_is_outlined() {
        for (rows, area) in [
            (&["##..", "##..", "..##", "..##"][..], 3.5),
            (&["##....", "##....", "..####", "..####", "..####"], 11.5),
            (&[".#....", "......", ".####.", ".####."], 7.5),
            (&["####..", "####..", "####..", ".....#"], 11.5),
        ] {
            assert!((traced(rows).area_px() - area).abs() < 1e-9, "{rows:?}");
        }
    }
}
