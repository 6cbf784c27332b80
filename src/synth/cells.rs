//! The red cells: size, outline and hemoglobin profile of each class.
//!
//! In: a class (and a form for schistocytes) and a stream of chance. Out: a [`RedCell`] around the origin with lengths in
//! diameters of the mean normal cell. Its outline is drawn in `shapes`. The normal cell's thickness is the biconcave profile of Evans & Fung (Microvascular
//! Research 1972, 4:335–347), flattened as cells are that dry on glass. Schistocyte forms follow ICSH (Zini et al. 2012,
//! doi 10.1111/j.1751-553X.2011.01380.x, and 2021): smaller than an intact cell and mostly evenly stained.
//!
//! How deep the pallor is, how large macrocytes, microcytes, spherocytes and fragments are and how much pallor fragments
//! keep was set after medians and 10th–90th percentiles of labeled cells that stand alone in training fields of
//! `chula-rbc-12` (1,186 normal cells, 39 schistocytes). A normal cell's middle absorbs 0.33 (0.18–0.61) of its ring, where
//! Evans and Fung's profile gives 0.32.
//! Limits: no polychromasia, no inclusions, no folded cells; the other proportions are set by eye after photographs.

use super::chance::Stream;
use super::outline::Point;
use super::shapes::{burr, disc, fragment, teardrop, waved};
use crate::smear::{CellClass, SchistocyteForm};

/// Coefficient of variation of the diameter of normal cells.
///
/// A red cell distribution width of 12–14 % in volume (the usual reference range) is about a third of that in diameter.
const DIAMETER_CV: f64 = 0.05;

/// Coefficient of variation of the hemoglobin density from cell to cell.
const HEMOGLOBIN_CV: f64 = 0.05;

/// Depth of a normal cell's pallor against Evans and Fung's profile, mean and standard deviation: the middle then absorbs
/// 0.36 (0.25–0.51) of the ring, a little more than measured because blur and noise lift the darkest of real rings.
const NORMAL_PALLOR: f64 = 0.93;
const NORMAL_PALLOR_SPREAD: f64 = 0.15;

/// Farthest that a cell's pallor lies from its middle, diameters: cells do not dry evenly.
const PALLOR_OFF_CENTER_DIAMETERS: f64 = 0.05;

/// How the hemoglobin is spread inside the outline, by `depth`: 0 at the outline, 1 at the point farthest inside.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Profile {
    /// Biconcave disc. `pallor` 0–1: from even to fully biconcave; `reach` above 1 widens the pallor; `center` adds the
    /// hemoglobin of a target's middle.
    Biconcave { pallor: f64, reach: f64, center: f64 },
    /// Mouth-shaped pallor: half length and half width in diameters, direction in radians, `bend` (per diameter) curves it.
    Slit { half_length: f64, half_width: f64, direction: f64, bend: f64 },
    /// Dome without pallor.
    Dome,
    /// Evenly stained fragment: full thickness from `shoulder` diameters inside the outline.
    Even { shoulder: f64 },
}

impl Profile {
    /// Hemoglobin per area, 1 at the thickest part of a normal cell.
    ///
    /// `depth` as above; `inside` is the distance to the outline and `from_pole` the place relative to the point farthest
    /// inside, both in diameters.
    pub(super) fn thickness(&self, depth: f64, inside: f64, from_pole: Point) -> f64 {
        let radius = (1.0 - depth).clamp(0.0, 1.0);
        let plate = (1.0 - radius.powi(24)).sqrt();
        match *self {
            Self::Biconcave { pallor, reach, center } => {
                let middle = center * (-(radius / 0.27).powi(2)).exp();
                plate * (1.0 - pallor * (1.0 - dried(radius.powf(reach)))) + middle
            }
            Self::Slit { half_length, half_width, direction, bend } => {
                let (sin, cos) = direction.sin_cos();
                let along = from_pole[0] * cos + from_pole[1] * sin;
                let across = from_pole[1] * cos - from_pole[0] * sin - bend * along * along;
                let mouth = (along / half_length).powi(4) + (across / half_width).powi(2);
                plate * (1.0 - 0.72 * (-mouth).exp())
            }
            Self::Dome => (1.0 - (0.92 * radius).powi(4)).sqrt(),
            Self::Even { shoulder } => {
                let left = (1.0 - inside / shoulder).clamp(0.0, 1.0);
                (1.0 - left * left).sqrt()
            }
        }
    }
}

/// Radius at which the profile of [`evans_fung`] is thickest.
const THICKEST_RADIUS: f64 = 0.71;

/// Thickness of the mean human red cell over its greatest thickness, at `radius` 0–1 (Evans & Fung 1972).
fn evans_fung(radius: f64) -> f64 {
    const GREATEST_THICKNESS_UM: f64 = 2.57;
    let squared = radius * radius;
    (1.0 - squared).max(0.0).sqrt() * (0.81 + 7.83 * squared - 4.39 * squared * squared) / GREATEST_THICKNESS_UM
}

/// The same cell dried on glass.
///
/// METHOD: the rounded rim of the floating cell spreads and flattens on the slide, which is why stained cells have sharp
/// edges; the profile is kept up to its thickest place and level from there on.
fn dried(radius: f64) -> f64 {
    if radius < THICKEST_RADIUS { evans_fung(radius) } else { 1.0 }
}

/// A red cell not yet placed.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct RedCell {
    /// Outline around the origin, diameters of the mean normal cell.
    pub(super) outline: Vec<Point>,
    /// Spread of the hemoglobin.
    pub(super) profile: Profile,
    /// Hemoglobin relative to a normal cell.
    pub(super) hemoglobin: f64,
    /// Where the thinnest place lies relative to the point farthest inside, diameters.
    pub(super) off_center: Point,
}

impl RedCell {
    /// Hemoglobin per area, 1 at the thickest part of a normal cell.
    ///
    /// `depth` 0–1 from the outline to the point farthest inside, `inside` the distance to the outline and `from_pole` the
    /// place relative to the point farthest inside, both in diameters. `wobble` moves the edge of the pallor by that share
    /// of the radius.
    pub(super) fn thickness(&self, depth: f64, inside: f64, from_pole: Point, wobble: f64) -> f64 {
        /// Relative radius per diameter: 2 in a disc; more only where a pole and its distance are hardly known.
        const STEEPEST: f64 = 4.0;
        let [x, y] = from_pole;
        let (radius, away) = (1.0 - depth, x.hypot(y));
        let steepness = if away > 0.0 { (radius / away).min(STEEPEST) } else { 2.0 };
        // METHOD: the middle is moved and the shift fades toward the outline, which stays where it is.
        let [shift_x, shift_y] = self.off_center.map(|shift| shift * depth);
        let moved = 1.0 - steepness * (x - shift_x).hypot(y - shift_y) + wobble * depth;
        self.profile.thickness(moved.clamp(0.0, 1.0), inside, from_pole)
    }
}

/// A cell of `class`; `form` matters for schistocytes only.
pub(super) fn red_cell(class: CellClass, form: Option<SchistocyteForm>, chance: &mut Stream) -> RedCell {
    let size = 1.0 + DIAMETER_CV * chance.normal();
    let biconcave = |pallor, reach| Profile::Biconcave { pallor, reach, center: 0.0 };
    let (outline, profile, density) = match class {
        CellClass::Normal => {
            let pallor = (NORMAL_PALLOR + NORMAL_PALLOR_SPREAD * chance.normal()).clamp(0.55, 1.2);
            let reach = chance.between(0.9, 1.3);
            (disc(size, chance.between(1.0, 1.08), chance), biconcave(pallor, reach), 1.0)
        }
        CellClass::Macrocyte => {
            let size = chance.between(1.18, 1.36);
            (disc(size, 1.0, chance), biconcave(chance.between(0.4, 0.8), 1.1), 1.1)
        }
        CellClass::Microcyte => {
            let size = chance.between(0.70, 0.82);
            (disc(size, 1.0, chance), biconcave(chance.between(0.5, 0.9), 1.2), 1.0)
        }
        CellClass::Spherocyte => (disc(chance.between(0.80, 0.92), 1.0, chance), Profile::Dome, 1.3),
        CellClass::Target => {
            let profile = Profile::Biconcave { pallor: 1.0, reach: 2.0, center: chance.between(0.5, 0.75) };
            (disc(1.08 * size, 1.0, chance), profile, 0.92)
        }
        CellClass::Stomatocyte => {
            let profile = Profile::Slit {
                half_length: chance.between(0.20, 0.30),
                half_width: chance.between(0.06, 0.12),
                direction: chance.angle(),
                bend: chance.between(-2.2, 2.2),
            };
            (disc(size, 1.0, chance), profile, 1.0)
        }
        CellClass::Ovalocyte => {
            (disc(size, chance.between(1.3, 1.6), chance), biconcave(chance.between(0.4, 0.9), 1.1), 1.0)
        }
        CellClass::Elliptocyte => {
            (disc(size, chance.between(1.9, 2.8), chance), biconcave(chance.between(0.1, 0.5), 1.1), 1.05)
        }
        CellClass::Teardrop => (teardrop(size, chance), biconcave(chance.between(0.4, 1.0), 1.1), 1.0),
        CellClass::Burr => (burr(size, chance), biconcave(chance.between(0.3, 0.9), 1.0), 1.0),
        CellClass::Hypochromia => {
            (disc(size, 1.0, chance), biconcave(1.0, chance.between(2.0, 3.0)), chance.between(0.65, 0.85))
        }
        CellClass::Schistocyte => {
            let form = form.unwrap_or(SchistocyteForm::Helmet);
            (fragment(form, size, chance), fragment_profile(form, chance), chance.between(0.85, 1.2))
        }
        // An irregular, evenly stained cell that fits no other class.
        CellClass::Uncategorised => {
            let outline = waved(&disc(size, chance.between(1.0, 1.3), chance), 0.05, chance);
            (outline, biconcave(0.2, 1.0), 1.0)
        }
    };
    let hemoglobin = density * (1.0 + HEMOGLOBIN_CV * chance.normal());
    let (sin, cos) = chance.angle().sin_cos();
    let off = PALLOR_OFF_CENTER_DIAMETERS * chance.unit();
    RedCell { outline, profile, hemoglobin, off_center: [off * cos, off * sin] }
}

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

#[cfg(test)]
mod tests {
    use std::f64::consts::PI;

    use super::super::outline::{area, pole};
    use super::*;
    use crate::smear::Contour;

    fn many(class: CellClass, form: Option<SchistocyteForm>) -> Vec<RedCell> {
        let mut chance = Stream::new(11, class.index() as u64);
        (0..60).map(|_| red_cell(class, form, &mut chance)).collect()
    }

    fn diameter(cell: &RedCell) -> f64 {
        (4.0 * area(&cell.outline) / PI).sqrt()
    }

    fn solidity(cell: &RedCell) -> f64 {
        Contour::new(cell.outline.clone()).expect("many points").solidity()
    }

    #[test]
    fn thickness_of_the_published_profile() {
        // Evans & Fung: 0.81 µm in the middle, about 2.57 µm at its thickest, 0 at the rim.
        assert!((evans_fung(0.0) * 2.57 - 0.81).abs() < 1e-12);
        assert_eq!(evans_fung(1.0), 0.0);
        let thickest = (0..=1000).map(|i| evans_fung(f64::from(i) / 1000.0)).fold(0.0, f64::max);
        assert!((thickest - 1.0).abs() < 0.01, "{thickest}");
    }

    #[test]
    fn normal_cells_have_the_stated_size_and_spread() {
        let sizes: Vec<f64> = (0..12).flat_map(|_| many(CellClass::Normal, None)).map(|c| diameter(&c)).collect();
        let mean = sizes.iter().sum::<f64>() / sizes.len() as f64;
        let spread = (sizes.iter().map(|s| (s - mean).powi(2)).sum::<f64>() / sizes.len() as f64).sqrt();
        assert!((mean - 1.0).abs() < 0.02, "{mean}");
        assert!((spread - DIAMETER_CV).abs() < 0.015, "{spread}");
    }

    #[test]
    fn only_bitten_and_spined_outlines_are_hollow() {
        assert!(many(CellClass::Normal, None).iter().all(|c| solidity(c) > 0.985));
        assert!(many(CellClass::Ovalocyte, None).iter().all(|c| solidity(c) > 0.98));
        let horned = many(CellClass::Schistocyte, Some(SchistocyteForm::Keratocyte));
        assert!(horned.iter().all(|c| solidity(c) < 0.96), "{:?}", horned.iter().map(solidity).fold(0.0, f64::max));
    }

    #[test]
    fn pallor_lies_in_the_middle_of_normal_cells_and_not_of_spherocytes() {
        let at = |profile: Profile, depth: f64| profile.thickness(depth, depth / 2.0, [0.5 - depth / 2.0, 0.0]);
        for cell in many(CellClass::Normal, None) {
            assert!(at(cell.profile, 1.0) < 0.8 * at(cell.profile, 0.25));
        }
        let sphere = many(CellClass::Spherocyte, None)[0].profile;
        assert!(at(sphere, 1.0) >= at(sphere, 0.25));
        let target = many(CellClass::Target, None)[0].profile;
        assert!(at(target, 1.0) > at(target, 0.65) && at(target, 0.2) > at(target, 0.65));
    }

    #[test]
    fn every_class_has_an_inside() {
        for class in CellClass::ALL {
            for cell in many(class, None) {
                assert!(pole(&cell.outline).1 > 0.1, "{class:?}");
            }
        }
    }

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
