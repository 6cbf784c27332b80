//! The ICSH form of a called schistocyte, by rules on its outline.
//!
//! In: an outline in pixels and the cell's [`Morphology`], lengths in µm. Out: a [`SchistocyteForm`], or `None` where no
//! rule holds. Order: 1. microspherocyte; 2. crescent; 3. keratocyte; 4. triangle, which stands for any angular fragment;
//! 5. helmet.
//! Method: the outline is walked in equal steps and smoothed; a corner is a local maximum of the turn between two
//! neighboring stretches, a pocket lies between the outline and its convex hull, a side is the outline between two
//! corners. Lengths are in diameters of the circle of the same area, so size enters in rule 1 alone.
//! Source: descriptions of the forms in the ICSH recommendations (Zini et al. 2012, doi
//! 10.1111/j.1751-553X.2011.01380.x, and 2021); they name no figures. The limits were set on one half of the images of
//! read cells to whose form two blind readings agree, and measured on the other ([`READ_FORMS`]).
//! Limits: the readings are by a general vision-language model, not by an expert; two readings agree on a form with a
//! kappa of 0.72. Of 13 read crescents the rules name few. `tests/library/forms.rs` measures the rules on drawn cells.

use std::f64::consts::PI;

use crate::optics::length;
use crate::smear::{Contour, Morphology, SchistocyteForm};

/// Points that an outline is walked in.
const STEPS: usize = 72;
/// Points before and after a corner that its turn is taken over: about a fifth of a diameter.
const REACH: usize = 5;
/// Turn at a corner, radians: a circle turns by 0.44 over the same stretch. At 0.95 the corners of small fragments, which
/// a few pixels round off, were missed.
const CORNER_TURN: f64 = 0.85;
/// Largest diameter of a microspherocyte, µm: clearly under the 7–8 µm of an intact cell.
const MICROSPHEROCYTE_DIAMETER_UM: f64 = 6.0;
/// Longest axis ratio that is still round.
const ROUND_ASPECT_RATIO: f64 = 1.25;
/// Least solidity of a round cell.
const ROUND_SOLIDITY: f64 = 0.95;
/// Largest pallor contrast of a cell "without central pallor": noise and shading stay below it.
const NO_PALLOR_CONTRAST: f64 = 0.15;
/// Least depth of a pocket that is a bite or a hollow side, diameters.
const HOLLOW_DEPTH: f64 = 0.07;
/// Widest mouth of a bite, diameters: a wider hollow is the side of a crescent or a helmet.
const BITE_MOUTH: f64 = 0.75;
/// Longest axis ratio of a keratocyte: it is a cell with a bite, not a fragment.
const KERATOCYTE_ASPECT_RATIO: f64 = 1.4;
/// How many times deeper than the next pocket a bite is in a cell of three or more corners: an angular fragment has
/// several hollow sides.
const BITE_DOMINANCE: f64 = 2.0;
/// Corners of a crescent, a helmet and most keratocytes; a fragment with more is angular.
const FEW_CORNERS: usize = 2;
/// Axis ratio from which a cell is elongated: half a disc has 1.9, a disc that lost a quarter of its width 1.3.
const ELONGATED_ASPECT_RATIO: f64 = 1.65;
/// Farthest that a side bulges that is not the end of an oval, share of its chord: that of an ellipse twice as long as
/// wide.
const OVAL_SAGITTA: f64 = 0.25;
/// Farthest that the flat side of half a disc bulges, share of its chord.
const FLAT_SAGITTA: f64 = 0.1;
/// Least bulge of the round side of half a disc, share of its chord: a semicircle has 0.5.
const ROUND_SAGITTA: f64 = 0.35;

/// What the rules gave on read cells of the half of the images that no limit was set on: form, cells that both readers
/// call so, of them named so, and cells of any read form that the rules name so. Before the limits were set on the other
/// half, 72 of 188 were named as read, now 111.
pub const READ_FORMS: [(SchistocyteForm, u64, u64, u64); 5] = [
    (SchistocyteForm::Triangle, 64, 39, 64),
    (SchistocyteForm::Crescent, 3, 0, 5),
    (SchistocyteForm::Helmet, 63, 38, 65),
    (SchistocyteForm::Keratocyte, 49, 28, 48),
    (SchistocyteForm::Microspherocyte, 9, 6, 6),
];

type Point = [f64; 2];

/// The form of a cell that was called schistocyte.
pub fn form(contour: &Contour, morphology: &Morphology) -> Option<SchistocyteForm> {
    let outline = walked(contour)?;
    let corners = corners(&outline);
    if is_microspherocyte(morphology, &corners) {
        return Some(SchistocyteForm::Microspherocyte);
    }
    let elongated = morphology.aspect_ratio >= ELONGATED_ASPECT_RATIO;
    let few = corners.len() <= FEW_CORNERS;
    let pockets = pockets(&outline);
    let sides = sides(&outline, &corners);
    let hollow = pockets.first().filter(|pocket| pocket.depth >= HOLLOW_DEPTH);
    let wide = hollow.is_some_and(|pocket| pocket.mouth > BITE_MOUTH);
    if elongated && ((few && wide) || is_half_disc(&sides)) {
        return Some(SchistocyteForm::Crescent);
    }
    let next_depth = pockets.get(1).map_or(0.0, |pocket| pocket.depth);
    let bite = hollow.filter(|pocket| pocket.mouth <= BITE_MOUTH);
    let alone = bite.is_some_and(|bite| few || bite.depth >= BITE_DOMINANCE * next_depth);
    if alone && morphology.aspect_ratio <= KERATOCYTE_ASPECT_RATIO {
        return Some(SchistocyteForm::Keratocyte);
    }
    let is_oval = sides.len() == 2 && sides.iter().all(|side| side.sagitta > OVAL_SAGITTA);
    match corners.len() {
        0 => None,
        _ if !few => Some(SchistocyteForm::Triangle),
        _ if is_oval => None,
        _ if elongated => Some(SchistocyteForm::Triangle),
        _ => Some(SchistocyteForm::Helmet),
    }
}

/// One flat and one round side.
fn is_half_disc(sides: &[Side]) -> bool {
    match sides {
        [a, b] => {
            let (flat, round) = (a.sagitta.min(b.sagitta), a.sagitta.max(b.sagitta));
            flat <= FLAT_SAGITTA && round >= ROUND_SAGITTA
        }
        _ => false,
    }
}

/// Small, round and dense. A cell too small for an inside shows no pallor.
fn is_microspherocyte(morphology: &Morphology, corners: &[usize]) -> bool {
    morphology.diameter_um <= MICROSPHEROCYTE_DIAMETER_UM
        && morphology.aspect_ratio <= ROUND_ASPECT_RATIO
        && morphology.solidity >= ROUND_SOLIDITY
        && morphology.pallor_contrast.is_none_or(|contrast| contrast <= NO_PALLOR_CONTRAST)
        && corners.is_empty()
}

/// The outline in [`STEPS`] equal steps with the steps of the pixel grid smoothed away, in diameters of the circle of the
/// same area, counterclockwise in x right, y up; `None` where it has no area.
fn walked(contour: &Contour) -> Option<Vec<Point>> {
    let diameter = 2.0 * (contour.area_px() / PI).sqrt();
    let step = contour.perimeter_px() / STEPS as f64;
    if diameter <= 0.0 || step <= 0.0 {
        return None;
    }
    let points = contour.points();
    let mut walked = Vec::with_capacity(STEPS);
    let mut travelled = 0.0;
    for (a, b) in points.iter().zip(points.iter().cycle().skip(1)) {
        let length = length(b[0] - a[0], b[1] - a[1]);
        while walked.len() < STEPS && length > 0.0 && walked.len() as f64 * step < travelled + length {
            let t = (walked.len() as f64 * step - travelled) / length;
            walked.push([(a[0] + (b[0] - a[0]) * t) / diameter, (a[1] + (b[1] - a[1]) * t) / diameter]);
        }
        travelled += length;
    }
    // Rounding may leave the last step beyond the last edge.
    walked.resize(STEPS, walked.last().copied()?);
    if twice_signed_area(&walked) < 0.0 {
        walked.reverse();
    }
    const PASSES: usize = 2;
    for _ in 0..PASSES {
        let at = |i: usize| walked[i % STEPS];
        walked = (0..STEPS)
            .map(|i| {
                let (before, here, after) = (at(i + STEPS - 1), at(i), at(i + 1));
                [0, 1].map(|axis| (before[axis] + 2.0 * here[axis] + after[axis]) / 4.0)
            })
            .collect();
    }
    Some(walked)
}

fn twice_signed_area(outline: &[Point]) -> f64 {
    let next = outline.iter().cycle().skip(1);
    outline.iter().zip(next).map(|(a, b)| a[0] * b[1] - b[0] * a[1]).sum()
}

/// Indices of the corners that point outward, in order.
fn corners(outline: &[Point]) -> Vec<usize> {
    let turns: Vec<f64> = (0..STEPS)
        .map(|i| {
            let (before, here, after) =
                (outline[(i + STEPS - REACH) % STEPS], outline[i], outline[(i + REACH) % STEPS]);
            let (u, v) = ([here[0] - before[0], here[1] - before[1]], [after[0] - here[0], after[1] - here[1]]);
            (u[0] * v[1] - u[1] * v[0]).atan2(u[0] * v[0] + u[1] * v[1])
        })
        .collect();
    // The earlier of two equal turns is the corner, so that a flat top gives one.
    let is_peak =
        |i: usize| (1..=REACH).all(|k| turns[(i + STEPS - k) % STEPS] < turns[i] && turns[(i + k) % STEPS] <= turns[i]);
    (0..STEPS).filter(|&i| turns[i] >= CORNER_TURN && is_peak(i)).collect()
}

/// A pocket between the outline and its convex hull, lengths in diameters.
#[derive(Debug, Clone, Copy)]
struct Pocket {
    depth: f64,
    mouth: f64,
}

/// The pockets, the deepest first.
fn pockets(outline: &[Point]) -> Vec<Pocket> {
    let Some(contour) = Contour::new(outline.to_vec()) else { return Vec::new() };
    let hull = contour.convex_hull();
    let on_hull: Vec<usize> = (0..outline.len()).filter(|&i| hull.points().contains(&outline[i])).collect();
    let next = on_hull.iter().cycle().skip(1);
    let mut pockets: Vec<Pocket> = on_hull
        .iter()
        .zip(next)
        .filter_map(|(&from, &to)| {
            let between = (1..(to + STEPS - from) % STEPS).map(|k| outline[(from + k) % STEPS]);
            let (a, b) = (outline[from], outline[to]);
            let mouth = length(b[0] - a[0], b[1] - a[1]);
            let depth = between.map(|p| inward(a, b, p)).fold(0.0, f64::max);
            (mouth > 0.0 && depth > 0.0).then_some(Pocket { depth, mouth })
        })
        .collect();
    pockets.sort_by(|one, other| other.depth.total_cmp(&one.depth));
    pockets
}

/// Distance of `p` from the line from `a` to `b`, above zero on the inner side of a counterclockwise outline.
fn inward(a: Point, b: Point, p: Point) -> f64 {
    let length = length(b[0] - a[0], b[1] - a[1]);
    ((b[0] - a[0]) * (p[1] - a[1]) - (b[1] - a[1]) * (p[0] - a[0])) / length
}

/// The outline between two corners that follow each other.
#[derive(Debug, Clone, Copy)]
struct Side {
    /// Farthest bulge outward over the chord; 0 where the side is straight or hollow.
    sagitta: f64,
}

fn sides(outline: &[Point], corners: &[usize]) -> Vec<Side> {
    if corners.len() < 2 {
        return Vec::new();
    }
    let next = corners.iter().cycle().skip(1);
    corners
        .iter()
        .zip(next)
        .map(|(&from, &to)| {
            let (a, b) = (outline[from], outline[to]);
            let chord = length(b[0] - a[0], b[1] - a[1]);
            let between = (1..(to + STEPS - from) % STEPS).map(|k| outline[(from + k) % STEPS]);
            let bulge = between.map(|p| -inward(a, b, p)).fold(0.0, f64::max);
            Side { sagitta: if chord > 0.0 { bulge / chord } else { f64::INFINITY } }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::f64::consts::{FRAC_PI_2, TAU};

    use proptest::prelude::*;

    use super::*;
    use SchistocyteForm::{Crescent, Helmet, Keratocyte, Microspherocyte, Triangle};

    /// A morphology with the shape figures of an outline of which a unit is a micrometer, evenly stained.
    fn morphology(contour: &Contour) -> Morphology {
        Morphology {
            area_um2: contour.area_px(),
            perimeter_um: contour.perimeter_px(),
            diameter_um: 2.0 * (contour.area_px() / PI).sqrt(),
            circularity: 1.0,
            solidity: contour.solidity(),
            aspect_ratio: crate::measure::shape::aspect_ratio(contour),
            mean_optical_density: 0.4,
            pallor_contrast: Some(0.0),
        }
    }

    fn outline(points: impl IntoIterator<Item = Point>) -> Contour {
        Contour::new(points.into_iter().collect()).expect("three or more points")
    }

    fn arc(center: Point, radius: f64, from: f64, to: f64) -> impl Iterator<Item = Point> {
        (0..=60).map(move |i| {
            let angle = from + (to - from) * f64::from(i) / 60.0;
            [center[0] + radius * angle.cos(), center[1] + radius * angle.sin()]
        })
    }

    fn disc(radius: f64) -> Contour {
        outline(arc([0.0, 0.0], radius, 0.0, TAU))
    }

    /// A disc with a piece cut off along a chord at `distance` radii from its center.
    fn cut_disc(radius: f64, distance: f64) -> Contour {
        let half = distance.acos();
        outline(arc([0.0, 0.0], radius, half, TAU - half))
    }

    /// A disc with a round bite of 0.45 radii at its rim.
    fn bitten_disc(radius: f64) -> Contour {
        let bite = 0.45;
        let opening = 2.0 * (bite / 2.0_f64).asin();
        let meeting = [opening.cos(), opening.sin()];
        let turn = meeting[1].atan2(meeting[0] - 1.0);
        let rim = arc([0.0, 0.0], 1.0, opening, TAU - opening);
        let hollow = arc([1.0, 0.0], bite, TAU - turn, turn);
        outline(rim.chain(hollow.skip(1)).map(|p| p.map(|value| value * radius)))
    }

    fn form_of(contour: &Contour) -> Option<SchistocyteForm> {
        form(contour, &morphology(contour))
    }

    #[test]
    fn plain_figures_take_their_names() {
        let triangle = outline([[0.0, 0.0], [5.0, 0.0], [2.0, 4.5]]);
        assert_eq!(form_of(&triangle), Some(Triangle));
        assert_eq!(form_of(&cut_disc(4.0, 0.0)), Some(Crescent));
        assert_eq!(form_of(&cut_disc(4.0, 0.4)), Some(Helmet));
        assert_eq!(form_of(&bitten_disc(3.7)), Some(Keratocyte));
        assert_eq!(form_of(&disc(2.4)), Some(Microspherocyte));
    }

    #[test]
    fn corners_bites_and_hollows_decide() {
        // An angular fragment of four corners, and a long one of two with bent sides.
        assert_eq!(form_of(&outline([[0.0, 0.0], [4.0, 0.0], [4.5, 4.0], [0.0, 3.5]])), Some(Triangle));
        let lens = |radius: f64| {
            let half = (3.0 / radius).asin();
            let lower = arc([0.0, radius * half.cos()], radius, -FRAC_PI_2 - half, -FRAC_PI_2 + half);
            let upper = arc([0.0, -radius * half.cos()], radius, FRAC_PI_2 - half, FRAC_PI_2 + half);
            outline(lower.chain(upper.skip(1)))
        };
        // Sides that bulge by 0.2 of their chord; at 0.3 it is an oval with pointed ends.
        assert_eq!(form_of(&lens(4.35)), Some(Triangle));
        assert_eq!(form_of(&lens(3.4)), None);
        // A sickle: the hollow side is as wide as the cell.
        let sickle = arc([0.0, 0.0], 4.0, 0.0, PI).chain(arc([0.0, -1.5], 4.272, PI - 0.3588, 0.3588).skip(1));
        assert_eq!(form_of(&outline(sickle)), Some(Crescent));
    }

    #[test]
    fn the_read_forms_add_up() {
        let sum = |part: fn(&(SchistocyteForm, u64, u64, u64)) -> u64| READ_FORMS.iter().map(part).sum::<u64>();
        assert_eq!((sum(|row| row.1), sum(|row| row.2)), (188, 111));
        assert!(READ_FORMS.iter().all(|(_, read, both, named)| both <= read && both <= named));
    }

    #[test]
    fn an_intact_disc_and_an_oval_have_no_form() {
        assert_eq!(form_of(&disc(3.7)), None);
        let oval = outline(arc([0.0, 0.0], 3.0, 0.0, TAU).map(|p| [1.5 * p[0], p[1]]));
        assert_eq!(form_of(&oval), None);
    }

    #[test]
    fn microspherocytes_on_both_sides_of_size_and_pallor() {
        let of = |diameter: f64, pallor| {
            let contour = disc(diameter / 2.0);
            form(&contour, &Morphology { pallor_contrast: pallor, ..morphology(&contour) })
        };
        assert_eq!(of(MICROSPHEROCYTE_DIAMETER_UM - 0.01, Some(0.0)), Some(Microspherocyte));
        assert_eq!(of(MICROSPHEROCYTE_DIAMETER_UM + 0.05, Some(0.0)), None);
        assert_eq!(of(5.0, Some(NO_PALLOR_CONTRAST + 0.01)), None);
        assert_eq!(of(5.0, Some(NO_PALLOR_CONTRAST)), Some(Microspherocyte));
        assert_eq!(of(5.0, None), Some(Microspherocyte));
    }

    #[test]
    fn an_outline_without_area_has_no_form() {
        let line = outline([[0.0, 0.0], [4.0, 0.0], [2.0, 0.0]]);
        let any = morphology(&disc(2.4));
        assert_eq!(form(&line, &any), None);
    }

    proptest! {
        #[test]
        fn place_turn_and_handedness_do_not_matter(turn in 0.0..TAU, x in -50.0..50.0_f64, mirrored: bool) {
            for contour in [cut_disc(4.0, 0.4), bitten_disc(3.7), outline([[0.0, 0.0], [5.0, 0.0], [2.0, 4.5]])] {
                let (sin, cos) = turn.sin_cos();
                let flip = if mirrored { -1.0 } else { 1.0 };
                let moved = contour.points().iter().map(|p| {
                    let p = [p[0] * flip, p[1]];
                    [p[0] * cos - p[1] * sin + x, p[0] * sin + p[1] * cos]
                });
                prop_assert_eq!(form_of(&outline(moved)), form_of(&contour));
            }
        }

        #[test]
        fn any_outline_has_an_answer(points in prop::collection::vec([-20.0..20.0_f64, -20.0..20.0_f64], 3..40)) {
            let contour = outline(points);
            let _ = form_of(&contour);
        }
    }
}
