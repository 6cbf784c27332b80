//! The schistocytes: outline and hemoglobin profile of each form.
//!
//! In: a form, the size of the cell that it comes from and a stream of chance. Out: an outline around the origin, in
//! diameters of the mean normal cell, and a [`Profile`]. The forms are those of ICSH (Zini et al. 2012, doi
//! 10.1111/j.1751-553X.2011.01380.x, and 2021): smaller than an intact cell and mostly evenly stained.
//! Limits: five pure forms; real fragments are often between two of them. Sizes follow labeled fragments of
//! `chula-rbc-12` (0.65–0.93 of a normal cell's diameter, median 0.79), shapes were set by eye after photographs.

use std::f64::consts::{FRAC_PI_2, TAU};

use super::cells::{CORNERED_POINTS, Profile, disc, waved};
use super::chance::Stream;
use super::outline::{Point, placed, rounded};
use crate::smear::SchistocyteForm;

/// How the hemoglobin of a fragment of the given form is spread.
pub(super) fn fragment_profile(form: SchistocyteForm, chance: &mut Stream) -> Profile {
    // The larger a fragment, the more often it keeps some pallor; small ones are evenly stained.
    let pale_share = match form {
        SchistocyteForm::Microspherocyte => return Profile::Dome,
        SchistocyteForm::Crescent => 0.1,
        SchistocyteForm::Triangle => 0.3,
        SchistocyteForm::Helmet => 0.6,
        SchistocyteForm::Keratocyte => 0.75,
    };
    if chance.happens(pale_share) {
        Profile::Biconcave { pallor: chance.between(0.2, 0.8), reach: 1.0, center: 0.0 }
    } else {
        Profile::Even { shoulder: chance.between(0.07, 0.13) }
    }
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
    let [x_min, y_min, x_max, y_max] = super::outline::bounds(outline);
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

#[cfg(test)]
mod tests {
    use std::f64::consts::PI;

    use super::super::cells::DIAMETER_CV;
    use super::super::outline::area;
    use super::*;

    #[test]
    fn every_fragment_is_smaller_than_an_intact_cell() {
        use SchistocyteForm::{Crescent, Helmet, Keratocyte, Microspherocyte, Triangle};
        for (form, low, high) in [
            (Triangle, 0.45, 0.95),
            (Crescent, 0.45, 0.95),
            (Helmet, 0.6, 1.0),
            (Keratocyte, 0.7, 1.05),
            (Microspherocyte, 0.42, 0.75),
        ] {
            let mut chance = Stream::new(11, 9);
            for _ in 0..60 {
                let size = 1.0 + DIAMETER_CV * chance.normal();
                let diameter = (4.0 * area(&fragment(form, size, &mut chance)) / PI).sqrt();
                assert!((low..high).contains(&diameter), "{form:?} {diameter}");
            }
        }
    }
}
