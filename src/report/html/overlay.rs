//! Outlines of the objects over the preview of their field.
//!
//! In: outlines in pixels of the original image and the scale of the preview. Out: an SVG that covers the picture; its
//! unit is half a preview pixel, so that all coordinates are whole numbers of few digits. Outlines are thinned by
//! Douglas–Peucker (Cartographica 1973, 10:112–122) within [`TOLERANCE_UNITS`] to keep the file small. What is measured are
//! the outlines themselves, which `geojson` holds to the hundredth.
//!
//! Counted cells are thin lines, near misses thicker ones, schistocytes strong ones with their number, excluded objects
//! dashed.

use std::collections::BTreeMap;

use maud::{Markup, html};

use crate::case::Preview;
use crate::optics::length;
use crate::report::document::values::probability;
use crate::smear::{CellStatus, ClassifiedCell, Contour};

/// Units of the drawing for each preview pixel.
const UNITS_PER_PX: u32 = 2;
/// Largest distance of a left-out point from the drawn outline, units: half a pixel, and so under the width of the line.
const TOLERANCE_UNITS: f64 = 1.0;

/// The outlines of a field, and the numbers of its schistocytes as links into the gallery.
///
/// From `review` on a counted cell is a near miss: its outline is marked and can be linked to.
pub(super) fn outlines(
    cells: &[ClassifiedCell],
    preview: &Preview,
    field_number: usize,
    review: Option<f64>,
) -> Markup {
    let scale = f64::from(UNITS_PER_PX) * preview.px_per_px;
    let (width, height) = (preview.width_px * UNITS_PER_PX, preview.height_px * UNITS_PER_PX);
    // Schistocytes last, so that nothing is drawn over them.
    let (strong, thin): (Vec<_>, Vec<_>) = cells.iter().partition(|cell| cell.is_counted_schistocyte());
    let label = format!("Outlines of {} objects, {} of them called schistocyte", cells.len(), strong.len());
    html! {
        svg.outlines role="img" aria-label=(label) viewBox=(format!("0 0 {width} {height}")) preserveAspectRatio="none" {
            @for (class, cells) in by_class(thin, review) {
                g class=(class) {
                    @for cell in cells {
                        @let id = is_near(cell, review).then(|| format!("field-{field_number}-cell-{}", cell.cell.id.0));
                        path id=[id] d=(path(&cell.cell.contour, scale)) { title { (words(cell)) } }
                    }
                }
            }
            @for cell in &strong {
                @let d = path(&cell.cell.contour, scale);
                path.halo d=(d) {}
                path.schistocyte d=(d) { title { (words(cell)) } }
            }
        }
        @for cell in &strong {
            (tag(cell, field_number, f64::from(width) / scale, f64::from(height) / scale))
        }
    }
}

fn is_near(cell: &ClassifiedCell, review: Option<f64>) -> bool {
    review.is_some_and(|review| cell.is_near_miss(review))
}

/// Cells by the style class of their outlines, which stands once for all of them; near misses last.
fn by_class(cells: Vec<&ClassifiedCell>, review: Option<f64>) -> Vec<(String, Vec<&ClassifiedCell>)> {
    let mut classes: BTreeMap<(bool, String), Vec<&ClassifiedCell>> = BTreeMap::new();
    for cell in cells {
        let near = is_near(cell, review);
        classes.entry((near, class_of(cell, near))).or_default().push(cell);
    }
    classes.into_iter().map(|((_, class), cells)| (class, cells)).collect()
}

/// Style class of an outline; `style.css` holds one rule for each exclusion reason.
fn class_of(cell: &ClassifiedCell, near: bool) -> String {
    match cell.status {
        CellStatus::Counted(_) => if near { "counted near" } else { "counted" }.to_owned(),
        CellStatus::Excluded(reason, _) => format!("excluded {}", reason.name()),
    }
}

/// What a pointer over the outline shows.
fn words(classified: &ClassifiedCell) -> String {
    let id = classified.cell.id.0;
    match classified.status {
        CellStatus::Counted(call) => format!(
            "{id}: {} {}; schistocyte {}",
            call.class.name(),
            probability(call.class_probability.value()),
            probability(call.schistocyte_probability.value()),
        ),
        CellStatus::Excluded(reason, _) => format!("{id}: excluded, {}", reason.describe()),
    }
}

/// Number of a schistocyte, right of its outline, or left of it near the right edge. It is text of the page and not of
/// the drawing, so that it keeps its size where the picture is small.
fn tag(classified: &ClassifiedCell, field_number: usize, width_px: f64, height_px: f64) -> Markup {
    /// From here on there may be no room for three digits on a phone.
    const RIGHT_EDGE_PERCENT: f64 = 88.0;
    /// Keeps a number at the bottom inside the picture.
    const MOST_TOP_PERCENT: f64 = 95.0;
    let (id, bounds) = (classified.cell.id.0, classified.cell.contour.bounds());
    let percent = |length: f64, whole: f64| (100.0 * length / whole).clamp(0.0, 100.0);
    let (left, right) = (percent(bounds.x_min, width_px), percent(bounds.x_max, width_px));
    let top = percent(bounds.y_min, height_px).min(MOST_TOP_PERCENT);
    let before = right > RIGHT_EDGE_PERCENT;
    let side = if before { format!("right:{:.2}%", 100.0 - left) } else { format!("left:{right:.2}%") };
    html! {
        a.tag.before[before] id=(format!("field-{field_number}-cell-{id}")) href=(format!("#tile-{field_number}-{id}"))
            style=(format!("{side};top:{top:.2}%")) { (id) }
    }
}

/// Path data of an outline: whole units, relative after the first point.
fn path(contour: &Contour, scale: f64) -> String {
    let scaled: Vec<[f64; 2]> = contour.points().iter().map(|p| [p[0] * scale, p[1] * scale]).collect();
    let mut rounded: Vec<[i64; 2]> =
        simplified(&scaled).into_iter().map(|p| [p[0].round() as i64, p[1].round() as i64]).collect();
    rounded.dedup();
    let mut data = format!("M{} {}", rounded[0][0], rounded[0][1]);
    for pair in rounded.windows(2) {
        data.push(if data.contains('l') { ' ' } else { 'l' });
        let [dx, dy] = [pair[1][0] - pair[0][0], pair[1][1] - pair[0][1]];
        // A minus sign separates numbers as well as a space does.
        if dx < 0 && data.ends_with(' ') {
            data.pop();
        }
        data.push_str(&dx.to_string());
        if dy >= 0 {
            data.push(' ');
        }
        data.push_str(&dy.to_string());
    }
    data.push('z');
    data
}

/// The points of a closed outline that are needed to stay within [`TOLERANCE_UNITS`] of it; at least two.
fn simplified(points: &[[f64; 2]]) -> Vec<[f64; 2]> {
    let distance = |p: [f64; 2], q: [f64; 2]| length(p[0] - q[0], p[1] - q[1]);
    // A closed outline has no ends: it is cut at its first point and at the one farthest from that.
    let far = (0..points.len())
        .max_by(|&i, &j| distance(points[i], points[0]).total_cmp(&distance(points[j], points[0])))
        .unwrap_or(0);
    let mut kept = vec![false; points.len()];
    kept[0] = true;
    kept[far] = true;
    // Index `len` is the first point again.
    let mut open = vec![(0, far), (far, points.len())];
    while let Some((from, to)) = open.pop() {
        let (start, end) = (points[from], points[to % points.len()]);
        let farthest = (from + 1..to)
            .map(|index| (index, distance_to_segment(points[index], start, end)))
            .max_by(|a, b| a.1.total_cmp(&b.1));
        if let Some((index, away)) = farthest
            && away > TOLERANCE_UNITS
        {
            kept[index] = true;
            open.extend([(from, index), (index, to)]);
        }
    }
    points.iter().zip(kept).filter_map(|(&point, kept)| kept.then_some(point)).collect()
}

fn distance_to_segment(p: [f64; 2], a: [f64; 2], b: [f64; 2]) -> f64 {
    let (along, to_point) = ([b[0] - a[0], b[1] - a[1]], [p[0] - a[0], p[1] - a[1]]);
    let length_squared = along[0] * along[0] + along[1] * along[1];
    let share = if length_squared > 0.0 {
        ((to_point[0] * along[0] + to_point[1] * along[1]) / length_squared).clamp(0.0, 1.0)
    } else {
        0.0
    };
    length(to_point[0] - share * along[0], to_point[1] - share * along[1])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::smear::ExclusionReason;

    fn contour(points: &[[f64; 2]]) -> Contour {
        Contour::new(points.to_vec()).expect("three or more points")
    }

    #[test]
    fn a_square_needs_its_corners_only() {
        let points = [[1.0, 1.0], [2.0, 1.0], [3.0, 1.0], [3.0, 3.0], [1.0, 3.0], [1.0, 2.0]];
        assert_eq!(path(&contour(&points), 10.0), "M10 10l20 0 0 20-20 0z");
    }

    #[test]
    fn an_outline_smaller_than_the_tolerance_is_still_drawn() {
        assert_eq!(path(&contour(&[[5.0, 5.0], [5.1, 5.0], [5.0, 5.1]]), 10.0), "M50 50l0 1z");
        assert_eq!(path(&contour(&[[5.0, 5.0], [5.0, 5.0], [5.0, 5.0]]), 10.0), "M50 50z");
    }

    #[test]
    fn every_reason_has_a_style() {
        let style = include_str!("style.css");
        for reason in ExclusionReason::ALL {
            assert!(style.contains(&format!(".{} {{", reason.name())), "{}", reason.name());
        }
    }

    proptest! {
        #[test]
        fn no_point_is_farther_from_the_drawn_outline_than_the_tolerance(
            points in prop::collection::vec([0.0..2000.0f64, 0.0..2000.0f64], 3..60),
        ) {
            let drawn = simplified(&points);
            for &point in &points {
                let nearest = (0..drawn.len())
                    .map(|index| distance_to_segment(point, drawn[index], drawn[(index + 1) % drawn.len()]))
                    .fold(f64::INFINITY, f64::min);
                prop_assert!(nearest <= TOLERANCE_UNITS + 1e-9);
            }
        }
    }
}
