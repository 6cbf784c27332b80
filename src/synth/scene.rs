//! The scene: what lies where in a field, placed by rule, before any light falls on it.
//!
//! In: checked [`SynthOptions`], a seed and the field's number. Out: a [`Scene`] in pixels of the image. Order:
//!
//! 1. how many red cells the field holds,
//! 2. their classes, exact over the specimen,
//! 3. white cells,
//! 4. red cells, each free of the others or laid onto a neighbor,
//! 5. platelets in the gaps.
//!
//! Free places are found by random sequential placement. Limits: no rouleaux, no smear direction, no platelet on a red
//! cell.

use super::cells::{RedCell, red_cell};
use super::chance::Stream;
use super::options::{SynthError, SynthOptions};
use super::outline::{Point, bounds, clipped, gap, overlap_share, placed, pole};
use crate::smear::{CellClass, SchistocyteForm};

/// Streams of a seed: one for the specimen, then one for each field.
const SPECIMEN_STREAM: u64 = 0;

/// Free space kept between two objects that do not touch, cell diameters and px; the larger one holds.
///
/// About three standard deviations of the default blur, so that the gap is seen.
const FREE_GAP_DIAMETERS: f64 = 0.07;
const FREE_GAP_PX: f64 = 2.0;

/// Least part of an object inside the frame along each axis, cell diameters.
const LEAST_IN_FRAME_DIAMETERS: f64 = 0.15;

/// Tries to place one object before the field is called too crowded.
///
/// Random sequential placement of discs fills up to 0.547 of the plane; at the default 0.33 about one try in four fits.
const PLACEMENT_TRIES: usize = 20_000;

/// Relative frequency of the schistocyte forms; helmets and crescents lead (Noutsos et al. 2021), and microspherocytes
/// are rare, being counted only beside another form.
const FORM_WEIGHTS: [(SchistocyteForm, f64); 5] = [
    (SchistocyteForm::Triangle, 0.24),
    (SchistocyteForm::Crescent, 0.28),
    (SchistocyteForm::Helmet, 0.32),
    (SchistocyteForm::Keratocyte, 0.12),
    (SchistocyteForm::Microspherocyte, 0.04),
];

/// What an object is made of.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Body {
    /// A red cell.
    Red { class: CellClass, form: Option<SchistocyteForm>, cell: RedCell, angle: f64 },
    /// A white cell: nuclear lobes as `[x, y, radius]` px, granules or not.
    White { lobes: Vec<[f64; 3]>, granular: bool },
    /// A platelet.
    Platelet,
}

/// An object in its place.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Object {
    /// Outline, px; may leave the frame.
    pub(super) outline: Vec<Point>,
    /// The point farthest inside, px, and its distance to the outline, px.
    pub(super) pole: (Point, f64),
    /// Key of its texture.
    pub(super) key: u64,
    /// What it is made of.
    pub(super) body: Body,
}

/// Everything in a field.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Scene {
    /// Image size, px.
    pub(super) width_px: u32,
    pub(super) height_px: u32,
    /// Objects in the order of their placement.
    pub(super) objects: Vec<Object>,
}

/// The specimen's own stream: what all its fields share.
pub(super) fn specimen_stream(seed: u64) -> Stream {
    Stream::new(seed, SPECIMEN_STREAM)
}

/// The stream of field `index` (from 0).
fn field_stream(seed: u64, index: u32) -> Stream {
    Stream::new(seed, SPECIMEN_STREAM + 1 + u64::from(index))
}

/// Red cells of field `index`: the first draw of its stream.
fn red_cells_of(options: &SynthOptions, stream: &mut Stream) -> u64 {
    let (low, high) = (options.red_cells_per_field.0, options.red_cells_per_field.1);
    u64::from(low) + stream.below((high - low) as usize + 1) as u64
}

/// How many of the field's cells belong to a share of the whole specimen.
///
/// METHOD: after every field the running number is the rounded share of all cells so far, so the specimen's number is
/// exact for any number of fields and a field does not depend on how many follow.
fn share_of_field(before: u64, here: u64, fraction: f64) -> u64 {
    let rounded = |cells: u64| (cells as f64 * fraction).round() as u64;
    rounded(before + here) - rounded(before)
}

/// Places everything in field `index` (from 0).
pub(super) fn scene(options: &SynthOptions, seed: u64, index: u32) -> Result<(Scene, Stream), SynthError> {
    let before: u64 = (0..index).map(|i| red_cells_of(options, &mut field_stream(seed, i))).sum();
    let mut chance = field_stream(seed, index);
    let here = red_cells_of(options, &mut chance);
    let schistocytes = share_of_field(before, here, options.schistocyte_fraction);
    let changed = others_of_field(options, before, here, schistocytes);

    let diameter = options.cell_diameter_px;
    let width_px = (options.field_size_diameters.0 * diameter).round() as u32;
    let height_px = (options.field_size_diameters.1 * diameter).round() as u32;
    let mut table = Table {
        options,
        width: f64::from(width_px),
        height: f64::from(height_px),
        objects: Vec::new(),
        reach: Vec::new(),
    };

    for _ in 0..poisson(options.white_cells_per_field, &mut chance) {
        let object = white_cell(diameter, &mut chance);
        table.place(object, false, &mut chance)?;
    }
    let mut classes = vec![CellClass::Schistocyte; schistocytes as usize];
    for _ in 0..changed {
        classes.push(options.other_shapes[chance.below(options.other_shapes.len())]);
    }
    classes.resize(here as usize, CellClass::Normal);
    chance.shuffle(&mut classes);
    for class in classes {
        let form = (class == CellClass::Schistocyte).then(|| form(&options.schistocyte_forms, &mut chance));
        let cell = red_cell(class, form, &mut chance);
        let angle = chance.angle();
        let outline = placed(&cell.outline, angle, diameter, [0.0, 0.0]);
        let object =
            Object { pole: pole(&outline), outline, key: chance.bits(), body: Body::Red { class, form, cell, angle } };
        // METHOD: fragments always lie free. A fragment on a cell is lost to any counter, which would make the known
        // fraction of a specimen unlike the fraction that can be counted.
        let leans = class != CellClass::Schistocyte && chance.happens(options.clump_share);
        table.place(object, leans, &mut chance)?;
    }
    let platelets = options.platelets_per_red_cell * here as f64;
    for _ in 0..poisson(platelets, &mut chance) {
        let object = platelet(diameter, &mut chance);
        table.place(object, false, &mut chance)?;
    }
    let objects = table.objects;
    Ok((Scene { width_px, height_px, objects }, chance))
}

/// Cells of the field that are neither normal discocytes nor its schistocytes. Both shares are rounded apart, so that a field
/// may have one schistocyte more than both together.
fn others_of_field(options: &SynthOptions, before: u64, here: u64, schistocytes: u64) -> u64 {
    let fraction = options.schistocyte_fraction + options.other_shapes_fraction;
    share_of_field(before, here, fraction.min(1.0)).saturating_sub(schistocytes)
}

/// A count with the given mean (Knuth's product method; the means here are below about 20).
fn poisson(mean: f64, chance: &mut Stream) -> u32 {
    let (limit, mut product, mut count) = ((-mean).exp(), chance.unit(), 0);
    while product > limit {
        product *= chance.unit();
        count += 1;
    }
    count
}

fn form(allowed: &[SchistocyteForm], chance: &mut Stream) -> SchistocyteForm {
    let choices = || FORM_WEIGHTS.iter().filter(|(form, _)| allowed.contains(form));
    let mut left = chance.unit() * choices().map(|(_, weight)| weight).sum::<f64>();
    let mut chosen = SchistocyteForm::Helmet;
    for (form, weight) in choices() {
        chosen = *form;
        left -= weight;
        if left < 0.0 {
            break;
        }
    }
    chosen
}

/// A neutrophil with lobes and granules, or a lymphocyte with one round nucleus; sizes in red cell diameters.
fn white_cell(diameter: f64, chance: &mut Stream) -> Object {
    let granular = chance.happens(0.65);
    let across = if granular { chance.between(1.6, 1.9) } else { chance.between(1.2, 1.45) };
    let radius = across * diameter / 2.0;
    let lobes = if granular {
        let count = 3 + chance.below(3);
        let (start, step) = (chance.angle(), chance.between(0.85, 1.1));
        (0..count)
            .map(|i| {
                let angle = start + step * i as f64;
                let off = radius * chance.between(0.36, 0.48);
                [off * angle.cos(), off * angle.sin(), radius * chance.between(0.24, 0.33)]
            })
            .collect()
    } else {
        let angle = chance.angle();
        let off = radius * chance.between(0.03, 0.12);
        vec![[off * angle.cos(), off * angle.sin(), radius * chance.between(0.76, 0.85)]]
    };
    let outline = blob(radius, 0.035, chance);
    Object { pole: pole(&outline), outline, key: chance.bits(), body: Body::White { lobes, granular } }
}

/// A platelet: 1.5–3 µm wide, ragged.
fn platelet(diameter: f64, chance: &mut Stream) -> Object {
    let radius = diameter * chance.between(0.10, 0.19);
    let outline = blob(radius, 0.09, chance);
    Object { pole: pole(&outline), outline, key: chance.bits(), body: Body::Platelet }
}

/// A round outline with waves of orders 2–5, each of the given relative standard deviation at most.
fn blob(radius: f64, raggedness: f64, chance: &mut Stream) -> Vec<Point> {
    const POINTS: u32 = 64;
    let waves: Vec<(f64, f64, f64)> =
        (2u8..=5).map(|order| (f64::from(order), raggedness * 0.7 * chance.normal(), chance.angle())).collect();
    (0..POINTS)
        .map(|i| {
            let angle = std::f64::consts::TAU * f64::from(i) / f64::from(POINTS);
            let wave: f64 = waves.iter().map(|(order, height, phase)| height * (order * angle + phase).cos()).sum();
            let r = radius * (1.0 + wave.clamp(-0.4, 0.4));
            [r * angle.cos(), r * angle.sin()]
        })
        .collect()
}

/// The field while it fills.
struct Table<'a> {
    options: &'a SynthOptions,
    width: f64,
    height: f64,
    objects: Vec<Object>,
    /// Center and radius of a circle around each object.
    reach: Vec<(Point, f64)>,
}

impl Table<'_> {
    /// Puts an object (around the origin) into the field: free, or leaning on a red cell already there.
    fn place(&mut self, object: Object, leans: bool, chance: &mut Stream) -> Result<(), SynthError> {
        let radius = object.outline.iter().map(|p| p[0].hypot(p[1])).fold(0.0, f64::max);
        for _ in 0..PLACEMENT_TRIES {
            let spot = if leans { self.beside_a_cell(&object, chance) } else { None };
            let (at, partner) = match spot {
                Some((at, partner)) => (at, Some(partner)),
                None => (self.anywhere(chance), None),
            };
            if self.fits(&object, radius, at, partner) {
                self.reach.push((at, radius));
                self.objects.push(moved(object, at));
                return Ok(());
            }
        }
        Err(SynthError::Crowded { placed: self.objects.len() })
    }

    fn anywhere(&self, chance: &mut Stream) -> Point {
        let beyond = if self.options.cut_cells { self.options.cell_diameter_px } else { 0.0 };
        [chance.between(-beyond, self.width + beyond), chance.between(-beyond, self.height + beyond)]
    }

    /// A place where the object touches or overlaps a random intact red cell by at most the allowed share.
    fn beside_a_cell(&self, object: &Object, chance: &mut Stream) -> Option<(Point, usize)> {
        const HALVINGS: usize = 12;
        let intact: Vec<usize> =
            self.objects.iter().enumerate().filter(|(_, o)| is_intact(o)).map(|(i, _)| i).collect();
        let partner = *intact.get(chance.below(intact.len()))?;
        let (center, reach) = self.reach[partner];
        // METHOD: half of the pairs only touch; the others overlap by a share uniform up to the allowed one, less a
        // tenth for the grid of `overlap_share`.
        let wanted = if chance.happens(0.5) { 0.0 } else { 0.9 * self.options.max_overlap * chance.unit() };
        let (sin, cos) = chance.angle().sin_cos();
        let own_reach = object.outline.iter().map(|p| p[0].hypot(p[1])).fold(0.0, f64::max);
        let (mut near, mut far) = (0.0, reach + own_reach);
        let at = |distance: f64| [center[0] + distance * cos, center[1] + distance * sin];
        for _ in 0..HALVINGS {
            let middle = (near + far) / 2.0;
            let outline = placed(&object.outline, 0.0, 1.0, at(middle));
            if overlap_share(&outline, &self.objects[partner].outline) > wanted { near = middle } else { far = middle }
        }
        Some((at(far), partner))
    }

    /// Whether the object may lie at `at`: enough of it in the frame and free of all but its partner.
    fn fits(&self, object: &Object, radius: f64, at: Point, partner: Option<usize>) -> bool {
        let outline = placed(&object.outline, 0.0, 1.0, at);
        let [x_min, y_min, x_max, y_max] = bounds(&outline);
        let diameter = self.options.cell_diameter_px;
        let in_frame = if self.options.cut_cells {
            let least = (LEAST_IN_FRAME_DIAMETERS * diameter).min(radius);
            let seen = clipped(&outline, self.width, self.height);
            let [sx_min, sy_min, sx_max, sy_max] = bounds(&seen);
            seen.len() >= 3 && sx_max - sx_min >= least && sy_max - sy_min >= least
        } else {
            let margin = FREE_GAP_PX;
            x_min >= margin && y_min >= margin && x_max <= self.width - margin && y_max <= self.height - margin
        };
        let free = (FREE_GAP_DIAMETERS * diameter).max(FREE_GAP_PX);
        in_frame
            && self.reach.iter().zip(&self.objects).enumerate().all(|(i, (&(center, reach), other))| {
                let apart = (center[0] - at[0]).hypot(center[1] - at[1]) - reach - radius;
                Some(i) == partner || apart >= free || gap(&outline, &other.outline) >= free
            })
    }
}

fn is_intact(object: &Object) -> bool {
    matches!(&object.body, Body::Red { class, .. } if *class != CellClass::Schistocyte)
}

fn moved(object: Object, by: Point) -> Object {
    let Object { outline, pole: (point, depth), key, body } = object;
    let body = match body {
        Body::White { lobes, granular } => {
            Body::White { lobes: lobes.iter().map(|l| [l[0] + by[0], l[1] + by[1], l[2]]).collect(), granular }
        }
        other => other,
    };
    let pole = ([point[0] + by[0], point[1] + by[1]], depth);
    Object { outline: placed(&outline, 0.0, 1.0, by), pole, key, body }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_field_has_more_other_shapes_than_cells() {
        // Of 35,700 pairs 68 once took more schistocytes than both shares together gave, and drew until the memory was full.
        let options = SynthOptions { schistocyte_fraction: 0.05, ..SynthOptions::default() };
        for before in 0..1_700 {
            for here in 85..=105 {
                let schistocytes = share_of_field(before, here, options.schistocyte_fraction);
                let others = others_of_field(&options, before, here, schistocytes);
                assert!(schistocytes + others <= here, "{before} {here}: {schistocytes} and {others}");
            }
        }
    }

    #[test]
    fn shares_add_up_to_the_rounded_share_of_the_whole() {
        for fraction in [0.0, 0.003, 0.03, 0.5, 1.0] {
            let (mut before, mut marked) = (0, 0);
            for here in [91, 88, 107, 1, 0, 95] {
                marked += share_of_field(before, here, fraction);
                before += here;
                assert_eq!(marked, (before as f64 * fraction).round() as u64);
            }
        }
    }

    #[test]
    fn poisson_counts_have_their_mean() {
        let mut chance = Stream::new(5, 5);
        let sum: u32 = (0..4000).map(|_| poisson(2.5, &mut chance)).sum();
        assert!((f64::from(sum) / 4000.0 - 2.5).abs() < 0.1, "{sum}");
        assert_eq!(poisson(0.0, &mut chance), 0);
    }

    #[test]
    fn only_allowed_forms_are_drawn() {
        let mut chance = Stream::new(2, 2);
        let allowed = [SchistocyteForm::Triangle, SchistocyteForm::Keratocyte];
        let drawn: Vec<_> = (0..100).map(|_| form(&allowed, &mut chance)).collect();
        assert!(drawn.iter().all(|f| allowed.contains(f)));
        assert!(allowed.iter().all(|f| drawn.contains(f)));
    }
}
