//! The outlines of the red cells: discs, ovals, teardrops, burr cells and the five forms of schistocytes.
//!
//! In: the size of a cell and a stream of chance. Out: an outline around the origin, in diameters of the mean normal cell.
//! The forms of schistocytes are those of ICSH (Zini et al. 2012, doi 10.1111/j.1751-553X.2011.01380.x, and 2021).
//! Limits: five pure forms; real fragments are often between two of them. Sizes follow labeled fragments of
//! `chula-rbc-12` (0.65–0.93 of a normal cell's diameter, median 0.79), shapes were set by eye after photographs.

use std::f64::consts::{FRAC_PI_2, PI, TAU};

use super::chance::Stream;
use super::outline::{Point, bounds, placed, resampled, rounded};
use crate::smear::SchistocyteForm;

/// Points of an outline without and with spines or corners.
const SMOOTH_POINTS: usize = 64;
const CORNERED_POINTS: usize = 112;

/// A closed curve given by its radius at each angle.
fn polar(count: usize, radius: impl Fn(f64) -> f64) -> Vec<Point> {
    (0..count)
        .map(|i| {
            let angle = TAU * i as f64 / count as f64;
            let (sin, cos) = angle.sin_cos();
            [radius(angle) * cos, radius(angle) * sin]
        })
        .collect()
}

/// The outline with small smooth waves of orders 2–6 in its radius; `amplitude` is their total standard deviation.
pub(super) fn waved(outline: &[Point], amplitude: f64, chance: &mut Stream) -> Vec<Point> {
    // Amplitudes fall with the order; the squares of these weights add up to 1.
    const WEIGHTS: [f64; 5] = [0.80, 0.45, 0.30, 0.20, 0.15];
    let waves: Vec<(f64, f64, f64)> = (2u8..)
        .zip(WEIGHTS)
        .map(|(order, weight)| (f64::from(order), weight * amplitude * 1.41 * chance.normal(), chance.angle()))
        .collect();
    outline
        .iter()
        .map(|p| {
            let angle = p[1].atan2(p[0]);
            let wave: f64 = waves.iter().map(|(order, height, phase)| height * (order * angle + phase).cos()).sum();
            let factor = 1.0 + wave.clamp(-0.2, 0.2);
            [p[0] * factor, p[1] * factor]
        })
        .collect()
}

/// A disc of area π/4·size² drawn out to an ellipse of the given axis ratio, with small natural irregularity.
pub(super) fn disc(size: f64, axis_ratio: f64, chance: &mut Stream) -> Vec<Point> {
    /// Irregularity of a sound cell's radius; more would read as a change of shape.
    const IRREGULARITY: f64 = 0.015;
    let (major, minor) = (0.5 * size * axis_ratio.sqrt(), 0.5 * size / axis_ratio.sqrt());
    // A little squarer than an ellipse the longer the cell: elliptocytes are rods with round ends.
    let exponent = 2.0 + 0.25 * (axis_ratio - 1.0);
    let ellipse = polar(4 * SMOOTH_POINTS, |angle| {
        let (sin, cos) = angle.sin_cos();
        ((cos / major).abs().powf(exponent) + (sin / minor).abs().powf(exponent)).powf(-1.0 / exponent)
    });
    resampled(&waved(&ellipse, IRREGULARITY, chance), SMOOTH_POINTS)
}

/// A round body drawn out to one tail.
pub(super) fn teardrop(size: f64, chance: &mut Stream) -> Vec<Point> {
    let (length, width) = (size * chance.between(1.15, 1.5), size * chance.between(0.72, 0.85));
    let (taper, bend) = (chance.between(1.2, 2.2), chance.between(-0.25, 0.25));
    let half_widest = (0..=128).map(|i| half_width(PI * f64::from(i) / 128.0, taper)).fold(0.0, f64::max);
    let curve: Vec<Point> = (0..256)
        .map(|i| {
            let t = TAU * f64::from(i) / 256.0;
            let (x, y) = (t.cos(), half_width(t, taper) / half_widest);
            let tail = (x + 1.0).max(0.0) / 2.0;
            [x * length / 2.0, y * width / 2.0 + bend * size * tail.powi(3) * 0.6]
        })
        .collect();
    rounded(&waved(&curve, 0.012, chance), 0.018, CORNERED_POINTS)
}

/// Half width of the teardrop curve `x = cos t, y = sin t · |sin(t/2)|^taper`.
fn half_width(t: f64, taper: f64) -> f64 {
    t.sin() * (t / 2.0).sin().abs().powf(taper)
}

/// A disc with 10–16 short, even spines all around (echinocyte).
pub(super) fn burr(size: f64, chance: &mut Stream) -> Vec<Point> {
    let count = 10 + chance.below(7);
    let spines: Vec<(f64, f64)> = (0..count)
        .map(|i| {
            let angle = TAU * (i as f64 + chance.between(-0.18, 0.18)) / count as f64;
            (angle, chance.between(0.06, 0.12))
        })
        .collect();
    let half_base = 0.24 * TAU / count as f64;
    let body = polar(4 * CORNERED_POINTS, |angle| {
        let raised: f64 = spines
            .iter()
            .map(|(at, height)| {
                let away = (angle - at + PI).rem_euclid(TAU) - PI;
                height * (-(away / half_base).powi(2)).exp()
            })
            .sum();
        0.46 * size * (1.0 + raised)
    });
    rounded(&waved(&body, 0.012, chance), 0.01, CORNERED_POINTS)
}

/// Outline of a schistocyte of the given form.
pub(super) fn fragment(form: SchistocyteForm, size: f64, chance: &mut Stream) -> Vec<Point> {
    /// Rounding of corners, diameters: a fragment's corners are sharp, but a drop of cytoplasm still has a skin.
    const CORNER_RADIUS: (f64, f64) = (0.018, 0.040);
    /// Irregularity of a fragment's radius: torn, not cut.
    const IRREGULARITY: f64 = 0.03;
    let raw = match form {
        SchistocyteForm::Triangle => triangle(chance),
        SchistocyteForm::Crescent => crescent(chance),
        SchistocyteForm::Helmet => helmet(chance),
        SchistocyteForm::Keratocyte => keratocyte(chance),
        SchistocyteForm::Microspherocyte => return disc(size * chance.between(0.50, 0.62), 1.0, chance),
    };
    let scaled = placed(&centered(&raw), 0.0, size, [0.0, 0.0]);
    let waved = waved(&scaled, IRREGULARITY, chance);
    rounded(&waved, chance.between(CORNER_RADIUS.0, CORNER_RADIUS.1), CORNERED_POINTS)
}

/// Points of an arc around `center` from one angle to another, end points included.
fn arc(center: Point, radius: f64, from: f64, to: f64) -> impl Iterator<Item = Point> {
    const STEPS: u32 = 48;
    (0..=STEPS).map(move |i| {
        let angle = from + (to - from) * f64::from(i) / f64::from(STEPS);
        [center[0] + radius * angle.cos(), center[1] + radius * angle.sin()]
    })
}

/// A side from `a` (with) to `b` (without) that bulges to the right of its way by `sagitta`.
fn side(a: Point, b: Point, sagitta: f64) -> impl Iterator<Item = Point> {
    const STEPS: u32 = 24;
    let length = (b[0] - a[0]).hypot(b[1] - a[1]);
    let normal = [(b[1] - a[1]) / length, (a[0] - b[0]) / length];
    (0..STEPS).map(move |i| {
        let t = f64::from(i) / f64::from(STEPS);
        let out = 4.0 * sagitta * t * (1.0 - t);
        [a[0] + (b[0] - a[0]) * t + normal[0] * out, a[1] + (b[1] - a[1]) * t + normal[1] * out]
    })
}

/// The outline moved so that the mean of its bounds is the origin.
fn centered(outline: &[Point]) -> Vec<Point> {
    let [x_min, y_min, x_max, y_max] = bounds(outline);
    placed(outline, 0.0, 1.0, [-(x_min + x_max) / 2.0, -(y_min + y_max) / 2.0])
}

/// Small fragment with three sharp angles: one side is the old rim of the cell, the others are straight or slightly bent.
fn triangle(chance: &mut Stream) -> Vec<Point> {
    let reach = chance.between(0.48, 0.62);
    let corners: Vec<Point> = (0..3)
        .map(|i| {
            let angle = TAU * (f64::from(i) + chance.between(-0.14, 0.14)) / 3.0;
            let radius = reach * chance.between(0.75, 1.1);
            [radius * angle.cos(), radius * angle.sin()]
        })
        .collect();
    let mut outline = Vec::new();
    for i in 0..3 {
        let sagitta = if i == 0 { chance.between(0.02, 0.14) } else { chance.between(-0.04, 0.05) };
        outline.extend(side(corners[i], corners[(i + 1) % 3], sagitta));
    }
    outline
}

/// One rounded side, the other straight or hollow, two sharp tips; at most half a cell.
fn crescent(chance: &mut Stream) -> Vec<Point> {
    let (radius, half_angle) = (chance.between(0.45, 0.54), chance.between(1.4, 1.75));
    let mut outline: Vec<Point> = arc([0.0, 0.0], radius, -half_angle, half_angle).collect();
    let (from, to) = (outline[outline.len() - 1], outline[0]);
    let height = radius * (1.0 - half_angle.cos());
    outline.extend(side(from, to, -height * chance.between(-0.05, 0.25)));
    outline
}

/// A cell with one cut-off zone closed by a straight edge between two sharp corners; more than half a cell.
fn helmet(chance: &mut Stream) -> Vec<Point> {
    let (radius, half_angle) = (chance.between(0.41, 0.49), chance.between(1.75, 2.2));
    // The corners stand out a little as short horns.
    let horn = chance.between(0.0, 0.05);
    let mut outline: Vec<Point> = arc([0.0, 0.0], radius, -half_angle, half_angle)
        .map(|p| {
            let angle = p[1].atan2(p[0]).abs();
            let rise = ((angle - half_angle + 0.35) / 0.35).clamp(0.0, 1.0).powi(2);
            [p[0] - horn * rise, p[1] + horn * rise * p[1].signum()]
        })
        .collect();
    let (from, to) = (outline[outline.len() - 1], outline[0]);
    outline.extend(side(from, to, chance.between(-0.09, 0.0)));
    outline
}

/// A nearly whole cell with a round bite between two horns.
fn keratocyte(chance: &mut Stream) -> Vec<Point> {
    let (radius, bite) = (chance.between(0.45, 0.49), chance.between(0.17, 0.23));
    let bite_center = radius * chance.between(0.96, 1.08);
    // Where the two circles meet, as an angle seen from the cell's and from the bite's center.
    let cosine = (radius * radius + bite_center * bite_center - bite * bite) / (2.0 * radius * bite_center);
    let opening = cosine.clamp(-1.0, 1.0).acos();
    let meeting = [radius * opening.cos(), radius * opening.sin()];
    let from_bite = (meeting[1]).atan2(meeting[0] - bite_center);
    let horn = chance.between(0.05, 0.11);
    let mut outline: Vec<Point> = arc([0.0, 0.0], radius, opening, TAU - opening)
        .map(|p| {
            let angle = p[1].atan2(p[0]).abs();
            let rise = (1.0 - (angle - opening) / 0.4).clamp(0.0, 1.0).powi(2);
            [p[0] + horn * rise, p[1]]
        })
        .collect();
    let turn = from_bite.max(FRAC_PI_2);
    outline.extend(arc([bite_center, 0.0], bite, TAU - turn, turn).skip(1));
    outline
}
