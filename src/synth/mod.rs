//! Seeded synthetic fields of a stained blood film with exact truth.
//!
//! In: [`SynthOptions`], a seed and the number of a field of the specimen. Out: a [`SyntheticField`]: 8-bit sRGB and the
//! [`LabeledField`] that tells what was drawn. Method: cells are drawn as outlines with a hemoglobin thickness (biconcave
//! after Evans & Fung 1972), placed by rule, and photographed by absorption (Beer–Lambert), blur and camera noise.
//!
//! Laws: the same options, seed and index give the same bytes; a field does not depend on how many fields the specimen
//! has; after every field the specimen's schistocytes are exactly the rounded fraction of its red cells; lengths scale
//! with the cell diameter.
//!
//! Truth: every object of which a part is seen is listed, so `complete` is true. Outlines and boxes are those of the part
//! inside the frame (a cut cell's box touches the frame), and `point` is the point farthest inside that part. Where cells
//! overlap each keeps its whole outline. Coordinates are rounded to 0.01 px. Through an eyepiece the rim is the frame, and
//! what lies in the surround is not listed, so that the fraction of schistocytes is no longer exact.
//!
//! Limits: made for tests, benches and a first look. Performance on these fields says nothing about real films.

mod cells;
mod chance;
mod eyepiece;
mod options;
mod outline;
mod render;
mod scene;
mod shapes;
mod stain;

use image::RgbImage;

pub use self::eyepiece::Eyepiece;
pub use self::options::{
    CELL_DIAMETER_RANGE_PX, DEFAULT_CELL_DIAMETER_PX, DEFAULT_FIELDS, SynthError, SynthOption, SynthOptions,
};
use self::scene::{Body, Object, Scene};
pub use self::stain::Stain;
use crate::smear::{LabeledCell, LabeledField, NOMINAL_RED_CELL_DIAMETER_UM, TruthKind};

/// A drawn field.
#[derive(Debug, Clone, PartialEq)]
pub struct SyntheticField {
    /// Pixels, 8-bit sRGB.
    pub rgb: RgbImage,
    /// What was drawn.
    pub truth: LabeledField,
    /// Through which eyepiece it is seen; `None` for a camera in its place.
    pub eyepiece: Option<Eyepiece>,
}

/// What the names of fields begin with.
pub const FIELD_PREFIX: &str = "field-";

/// File name of field `index` (from 0): `field-0001.png` for the first.
pub fn field_name(index: u32) -> String {
    format!("{FIELD_PREFIX}{:04}.png", u64::from(index) + 1)
}

/// Draws field `index` (from 0) of the specimen `seed`.
///
/// # Errors
/// An option out of range, or more cells than fit.
pub fn field(options: &SynthOptions, seed: u64, index: u32) -> Result<SyntheticField, SynthError> {
    options.check()?;
    let (scene, mut stream) = scene::scene(options, seed, index)?;
    let photo = render::Photography::draw(options, &mut scene::specimen_stream(seed), &mut stream);
    let mut rgb = render::render(&scene, options, &photo, &mut stream);
    let eyepiece = options.eyepiece.then(|| Eyepiece::draw(scene.width_px, scene.height_px, &mut stream));
    if let Some(eyepiece) = &eyepiece {
        rgb = eyepiece.photographed(&rgb, &mut stream);
    }
    let truth = LabeledField {
        field: field_name(index),
        width_px: scene.width_px,
        height_px: scene.height_px,
        um_per_px: Some(NOMINAL_RED_CELL_DIAMETER_UM / options.cell_diameter_px),
        complete: true,
        cells: scene.objects.iter().filter_map(|object| labeled(object, &scene, eyepiece.as_ref())).collect(),
    };
    Ok(SyntheticField { rgb, truth, eyepiece })
}

/// What is seen of an object; `None` for one in the surround of an eyepiece.
fn labeled(object: &Object, scene: &Scene, eyepiece: Option<&Eyepiece>) -> Option<LabeledCell> {
    let (kind, class, form) = match object.body {
        Body::Red { class, form, .. } => (TruthKind::RedCell, Some(class), form),
        Body::White { .. } => (TruthKind::WhiteCell, None, None),
        Body::Platelet => (TruthKind::Platelet, None, None),
    };
    let mut seen = outline::clipped(&object.outline, f64::from(scene.width_px), f64::from(scene.height_px));
    if let Some(eyepiece) = eyepiece {
        seen = eyepiece.seen(&seen);
        if seen.len() < 3 {
            return None;
        }
    }
    let hundredths = |value: f64| (value * 100.0).round() / 100.0;
    let (point, _) = if seen == object.outline { object.pole } else { outline::pole(&seen) };
    Some(LabeledCell {
        kind,
        class,
        form,
        point: Some(point.map(hundredths)),
        bounds: Some(outline::bounds(&seen).map(hundredths)),
        contour: Some(seen.iter().map(|p| p.map(hundredths)).collect()),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::smear::{CellClass, Contour};

    /// A small quiet field: four whole cells, nothing else.
    fn small() -> SynthOptions {
        SynthOptions {
            field_size_diameters: (5.0, 4.0),
            red_cells_per_field: (4, 4),
            clump_share: 0.0,
            cut_cells: false,
            platelets_per_red_cell: 0.0,
            white_cells_per_field: 0.0,
            stain: Some(Stain::GreyWhite),
            ..SynthOptions::default()
        }
    }

    fn contours(truth: &LabeledField) -> Vec<Contour> {
        truth
            .cells
            .iter()
            .map(|cell| Contour::new(cell.contour.clone().expect("every object has an outline")).expect("an outline"))
            .collect()
    }

    fn red_cells(truth: &LabeledField) -> usize {
        truth.cells.iter().filter(|cell| cell.kind == TruthKind::RedCell).count()
    }

    fn of_class(truth: &LabeledField, class: CellClass) -> usize {
        truth.cells.iter().filter(|cell| cell.class == Some(class)).count()
    }

    #[test]
    fn same_seed_same_bytes_and_other_seed_or_field_other_bytes() {
        let draw = |seed, index| field(&small(), seed, index).expect("a small field");
        assert_eq!(draw(1, 0), draw(1, 0));
        assert_ne!(draw(1, 0).rgb, draw(2, 0).rgb);
        assert_ne!(draw(1, 0).rgb, draw(1, 1).rgb);
    }

    #[test]
    fn default_field_is_640_by_480_with_60_to_110_red_cells() {
        let drawn = field(&SynthOptions::default(), 1, 0).expect("a field");
        assert_eq!(drawn.rgb.dimensions(), (640, 480));
        assert_eq!((drawn.truth.width_px, drawn.truth.height_px), (640, 480));
        assert!((60..=110).contains(&red_cells(&drawn.truth)), "{}", red_cells(&drawn.truth));
        assert_eq!(drawn.truth.field, "field-0001.png");
        assert!(drawn.truth.complete);
    }

    #[test]
    fn specimen_holds_exactly_the_rounded_fractions() {
        let options = SynthOptions {
            schistocyte_fraction: 0.03,
            other_shapes_fraction: 0.10,
            blur_diameters: 0.0,
            cell_diameter_px: 20.0,
            ..SynthOptions::default()
        };
        let (mut cells, mut schistocytes, mut normal) = (0, 0, 0);
        for index in 0..5 {
            let truth = field(&options, 4, index).expect("a field").truth;
            cells += red_cells(&truth);
            schistocytes += of_class(&truth, CellClass::Schistocyte);
            normal += of_class(&truth, CellClass::Normal);
            assert_eq!(schistocytes, (cells as f64 * 0.03).round() as usize);
            assert_eq!(normal, cells - (cells as f64 * 0.13).round() as usize);
        }
    }

    #[test]
    fn fractions_of_none_and_all() {
        let with = |schistocytes, others| SynthOptions {
            schistocyte_fraction: schistocytes,
            other_shapes_fraction: others,
            ..small()
        };
        let none = field(&with(0.0, 0.0), 1, 0).expect("a field").truth;
        assert_eq!(of_class(&none, CellClass::Normal), 4);
        let all = field(&with(1.0, 0.0), 1, 0).expect("a field").truth;
        assert_eq!(of_class(&all, CellClass::Schistocyte), 4);
        assert!(all.cells.iter().all(|cell| cell.form.is_some()));
    }

    #[test]
    fn points_lie_inside_outlines_and_outlines_inside_boxes_and_frame() {
        let options = SynthOptions { schistocyte_fraction: 0.2, white_cells_per_field: 2.0, ..SynthOptions::default() };
        let truth = field(&options, 9, 0).expect("a field").truth;
        let mut at_frame = 0;
        for (cell, contour) in truth.cells.iter().zip(contours(&truth)) {
            let [x, y] = cell.point.expect("a point");
            assert!(contour.contains(x, y), "{cell:?}");
            let [x_min, y_min, x_max, y_max] = cell.bounds.expect("a box");
            let bounds = contour.bounds();
            assert_eq!([bounds.x_min, bounds.y_min, bounds.x_max, bounds.y_max], [x_min, y_min, x_max, y_max]);
            let (width, height) = (f64::from(truth.width_px), f64::from(truth.height_px));
            assert!(x_min >= 0.0 && y_min >= 0.0 && x_max <= width && y_max <= height);
            at_frame += usize::from(x_min == 0.0 || y_min == 0.0 || x_max == width || y_max == height);
        }
        assert!(at_frame > 5, "{at_frame} cut by the frame");
    }

    #[test]
    fn outlines_enclose_what_is_darker_than_the_background() {
        let options = SynthOptions { uneven_light: 0.0, full_well_electrons: 1e6, ..small() };
        for seed in 0..6 {
            let drawn = field(&options, seed, 0).expect("a field");
            let drawn_area: f64 = contours(&drawn.truth).iter().map(Contour::area_px).sum();
            let background = f64::from(drawn.rgb.get_pixel(0, 0)[1]);
            let darkest = f64::from(drawn.rgb.pixels().map(|p| p[1]).min().expect("pixels"));
            let half = (background + darkest) / 2.0;
            // Pallor is brighter than half way, so the rows are filled between the outer crossings of each cell.
            let seen = drawn
                .rgb
                .enumerate_pixels()
                .filter(|(x, y, pixel)| {
                    let inside = |c: &Contour| c.contains(f64::from(*x) + 0.5, f64::from(*y) + 0.5);
                    f64::from(pixel[1]) < half
                        || (contours(&drawn.truth).iter().any(inside) && pixel[1] < background as u8)
                })
                .count() as f64;
            assert!((seen / drawn_area - 1.0).abs() < 0.03, "seed {seed}: {seen} px against {drawn_area} px");
        }
    }

    #[test]
    fn twice_the_cell_diameter_doubles_every_length() {
        let at = |cell_diameter_px| SynthOptions { cell_diameter_px, ..small() };
        // Both fields keep the same free space in diameters, so they are the same scene at two scales.
        let (one, two) = (field(&at(40.0), 3, 0).expect("a field"), field(&at(80.0), 3, 0).expect("a field"));
        assert_eq!((two.rgb.width(), two.rgb.height()), (2 * one.rgb.width(), 2 * one.rgb.height()));
        assert_eq!(two.truth.um_per_px.map(|um| 2.0 * um), one.truth.um_per_px);
        for (a, b) in contours(&one.truth).iter().zip(contours(&two.truth)) {
            assert!((b.area_px() / a.area_px() / 4.0 - 1.0).abs() < 2e-3);
        }
    }

    #[test]
    fn overlaps_stay_below_the_option() {
        let options = SynthOptions {
            clump_share: 0.6,
            max_overlap: 0.25,
            red_cells_per_field: (60, 60),
            cut_cells: false,
            ..SynthOptions::default()
        };
        let truth = field(&options, 12, 0).expect("a field").truth;
        let outlines: Vec<_> = truth.cells.iter().filter_map(|cell| cell.contour.as_ref()).collect();
        let mut touching = 0;
        for (i, a) in outlines.iter().enumerate() {
            for b in &outlines[..i] {
                let share = outline::overlap_share(a, b);
                assert!(share <= options.max_overlap, "{share}");
                touching += usize::from(outline::gap(a, b) < 0.5);
            }
        }
        assert!(touching > 15, "{touching} pairs touch");
    }

    #[test]
    fn free_cells_keep_their_distance() {
        let options = SynthOptions { clump_share: 0.0, ..SynthOptions::default() };
        let truth = field(&options, 2, 0).expect("a field").truth;
        let outlines: Vec<_> = truth.cells.iter().filter_map(|cell| cell.contour.as_ref()).collect();
        for (i, a) in outlines.iter().enumerate() {
            assert!(outlines[..i].iter().all(|b| outline::gap(a, b) > 1.9));
        }
    }

    #[test]
    fn blur_and_exposure_do_what_they_say() {
        let steepest = |options: &SynthOptions| {
            let rgb = field(options, 1, 0).expect("a field").rgb;
            let row = |y: u32| (1..rgb.width()).map(move |x| (x, y));
            (0..rgb.height())
                .flat_map(row)
                .map(|(x, y)| rgb.get_pixel(x, y)[1].abs_diff(rgb.get_pixel(x - 1, y)[1]))
                .max()
                .expect("pixels")
        };
        let blurred = SynthOptions { blur_diameters: 0.15, ..small() };
        assert!(f64::from(steepest(&blurred)) < 0.5 * f64::from(steepest(&small())));
        let bright = field(&SynthOptions { exposure: 3.0, ..small() }, 1, 0).expect("a field").rgb;
        assert_eq!(bright.get_pixel(1, 1).0, [255, 255, 255]);
    }

    #[test]
    fn too_many_cells_are_refused() {
        let crowded = SynthOptions { red_cells_per_field: (40, 40), ..small() };
        assert!(matches!(field(&crowded, 1, 0), Err(SynthError::Crowded { placed }) if placed > 4));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(12))]
        #[test]
        fn every_stain_and_scale_leaves_cells_darker_than_background(
            seed in any::<u64>(), diameter in 20.0..60.0f64, stain in 0..Stain::ALL.len(),
        ) {
            let options = SynthOptions { cell_diameter_px: diameter, stain: Some(Stain::ALL[stain]), ..small() };
            let drawn = field(&options, seed, 0).expect("a small field");
            let outlines = contours(&drawn.truth);
            let (mut inside, mut outside) = ((0.0, 0.0), (0.0, 0.0));
            for (x, y, pixel) in drawn.rgb.enumerate_pixels() {
                let (x, y) = (f64::from(x) + 0.5, f64::from(y) + 0.5);
                let sum = if outlines.iter().any(|c| c.contains(x, y)) { &mut inside } else { &mut outside };
                *sum = (sum.0 + f64::from(pixel[1]), sum.1 + 1.0);
            }
            prop_assert!(outside.0 / outside.1 > inside.0 / inside.1 + 10.0);
        }
    }
}
