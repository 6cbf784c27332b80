//! Whether a field is good enough to be counted.
//!
//! In: a field as read, flattened and segmented. Out: a [`FieldQuality`]: every measure with its limits, and the reasons
//! why the field is refused. Order: light and stain (`light`), sharpness (`sharpness`), crowding and size (`objects`)
//! and, once its cells are classified, recognition (`objects`). Between the fields of a specimen: whether a picture was
//! counted already (`picture`).
//!
//! METHOD: the limits are lenient. They lie outside what real photographs show, so that a refused field is unfit beyond
//! doubt. A strict limit would choose fields, and with them the percentage.

mod light;
mod objects;
mod picture;
mod sharpness;

use image::RgbImage;

pub use objects::{red_cell_um, unrecognized_share};
pub use picture::{CountedPictures, OrientedSignature, PictureSignature, SAME_PICTURE_LIKENESS, SamePicture};

use crate::optics::both;
use crate::smear::{NormalizedField, Segmentation};

/// Least background level, green, gray values. Below it a pale cell (density 0.05) is fewer than 7 gray values deep.
const MIN_BACKGROUND_GRAY: f64 = 60.0;
/// Least evenness of the light: the darkest part then still has 4 tenths of the brightest. Real fields have 0.59 and more.
const MIN_LIGHT_EVENNESS: f64 = 0.4;
/// Largest share of black pixels: the round view of an eyepiece in a 4:3 frame leaves 0.41 dark.
const MAX_BLACK_SHARE: f64 = 0.5;
/// Largest share of white pixels: white background alone hides no cell, but at nine tenths cells are bleached as well.
const MAX_WHITE_SHARE: f64 = 0.9;
/// Least density of the red cells, green, base 10: 7 % of the light, near the noise of compression. Real fields have 0.048 and
/// more.
const MIN_STAIN_DENSITY: f64 = 0.03;
/// Least sharpness, 1/µm: that of a blur of σ 0.66 µm, which smooths spines and notches of about 1 µm.
///
/// METHOD: set between 1369 photographs of four labelled sets (0.59 up, all but one above 0.60) and a sample of 173 of
/// them blurred by σ 1.2 µm (at most 0.58).
const MIN_FOCUS_PER_UM: f64 = 0.6;
/// Largest covered share: equal disks in the densest packing cover 0.907, so beyond 0.9 cells lie on each other.
const MAX_COVERED_SHARE: f64 = 0.9;
/// Largest share of heaps. With 6 of 7 cells in heaps, those that lie alone no longer represent the film.
const MAX_OVERLAP_SHARE: f64 = 0.85;
/// Largest share of pressed cells. Beyond one half, the cells with an outline of their own no longer represent the film:
/// small cells, which have fewer neighbors, are too many among them.
const MAX_PRESSED_SHARE: f64 = 0.5;
/// Least and largest median diameter of the red cells, µm: two thirds and three halves of the nominal one.
///
/// METHOD: 506 photographs of five labelled sets, each set or run of one scale, show 5.97 to 10.44; the largest comes from a
/// run of two scales. Objectives of 40, 63 and 100 times differ by factors of 1.58 and more.
const RED_CELL_UM: (f64, f64) = (5.0, 11.25);
/// Least median diameter of the red cells, pixels of the picture as it was read. Messengers and previews often leave less
/// of a photograph.
///
/// METHOD: the val films of chula-rbc-12 (39 px) read 1.14 %. Reduced to 29, 24, 20, 16, 13 and 10 px they read 13 % and
/// 12 % more and 6, 14, 22 and 46 % less of that. A film of another camera (79 px) reads 2, 3, 10 and 35 % less when it is
/// reduced to 24, 20, 16 and 12 px (`repeatability --changes shrink:50,…`). The program promises to read cells of 20 px and
/// more; the difference allows for the error of their median.
const MIN_RED_CELL_PX: f64 = 18.0;
/// Largest share of cell-sized objects that were not recognized.
///
/// METHOD: 467 photographs of the labelled sets show less (at most 0.11 in 409 of one set, 0.30 in 58 of four others, among
/// them fields of few cells chosen for their white cell). Fields enlarged 2.8 times and more against the pixel size in use
/// show more (0.65 and up).
pub const MAX_UNRECOGNIZED_SHARE: f64 = 0.5;

/// One measure of a field and its limits, both inclusive.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct QualityMeasure {
    /// Name in every output, with the unit where there is one.
    pub name: &'static str,
    /// What was measured; `None` where the field shows nothing to measure it on.
    pub value: Option<f64>,
    /// Least value that is accepted.
    pub min: Option<f64>,
    /// Largest value that is accepted.
    pub max: Option<f64>,
}

impl QualityMeasure {
    /// Whether the value lies within the limits; `None` where it could not be measured.
    pub fn within_limits(&self) -> Option<bool> {
        let value = self.value?;
        Some(self.min.is_none_or(|min| value >= min) && self.max.is_none_or(|max| value <= max))
    }

    /// What was found, what was expected and what to do, where the value lies outside of the limits.
    fn refusal(&self, advice: &str) -> Option<String> {
        let value = self.value.filter(|_| self.within_limits() == Some(false))?;
        let limit = match (self.min, self.max) {
            (Some(min), _) if value < min => format!("at least {min}"),
            (_, Some(max)) => format!("at most {max}"),
            _ => return None,
        };
        Some(format!("{} is {value:.2}, expected {limit}: {advice}", self.name))
    }
}

/// Measures of a field and why it is refused.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldQuality {
    /// All measures, in a fixed order.
    pub measures: Vec<QualityMeasure>,
    /// Why the field is not counted, each with what to do; empty for a good field.
    pub refusals: Vec<String>,
}

impl FieldQuality {
    /// Whether the field may be counted.
    pub fn accepted(&self) -> bool {
        self.refusals.is_empty()
    }

    /// Judges the share of objects that were not recognized, as [`unrecognized_share`] gives it.
    pub fn judge_recognition(&mut self, unrecognized_share: Option<f64>) {
        let max = Some(MAX_UNRECOGNIZED_SHARE);
        let measure = QualityMeasure { name: "unrecognized_share", value: unrecognized_share, min: None, max };
        self.refusals.extend(measure.refusal("light or stain unlike those the models know, more fields will not help"));
        self.measures.push(measure);
    }
}

/// Judges a field.
///
/// `background` is the mean illumination of the original (red, green, blue), gray values; `evenness` its darkest over
/// its brightest part, 0–1; `red_cell_um` the median diameter of its red cells.
pub fn assess(
    original: &RgbImage,
    normalized: &NormalizedField,
    background: [f64; 3],
    evenness: f64,
    segmentation: &Segmentation,
    red_cell_um: Option<f64>,
) -> FieldQuality {
    const THINNER: &str = "choose a thinner part of the smear";
    let lit = normalized.lit.as_ref().map(|lit| lit.scaled_to(original.width(), original.height()));
    let (clipped, (stain, focus)) = both(
        original,
        || light::clipped(original, lit.as_ref()),
        || {
            both(
                original,
                || light::stain(normalized, segmentation),
                || sharpness::sharpness_per_um(normalized, segmentation),
            )
        },
    );
    let covered = objects::covered_share(segmentation, normalized.lit.as_ref());
    let overlap = objects::overlap_share(segmentation);
    let pressed = objects::pressed_share(segmentation);
    let red_cell_px = red_cell_um.map(|um| um / normalized.um_per_px * normalized.original_px_per_px);

    // Without an object nothing is measured: the field is refused for that alone.
    let seen = !segmentation.objects.is_empty();
    let measure = |name, value: Option<f64>, min, max| QualityMeasure { name, value: value.filter(|_| seen), min, max };
    let at_least = |name, value, min| measure(name, value, Some(min), None);
    let at_most = |name, value, max| measure(name, value, None, Some(max));
    // Without limits: whether a film is like those that the models were trained on.
    let free = |name, value| measure(name, value, None, None);
    let (least_um, most_um) = RED_CELL_UM;
    let judged = [
        (at_least("background_gray", Some(background[1]), MIN_BACKGROUND_GRAY), "expose longer"),
        (at_least("light_evenness", Some(evenness), MIN_LIGHT_EVENNESS), "center the condenser"),
        (at_most("black_share", clipped.map(|c| c.dark), MAX_BLACK_SHARE), "expose longer or crop the black border"),
        (at_most("white_share", clipped.map(|c| c.bright), MAX_WHITE_SHARE), "expose shorter"),
        (at_least("stain_density", stain.map(|stain| stain.density), MIN_STAIN_DENSITY), "stain again"),
        (at_least("focus_per_um", focus, MIN_FOCUS_PER_UM), "focus and photograph again"),
        (at_most("covered_share", covered, MAX_COVERED_SHARE), THINNER),
        (at_most("overlap_share", overlap, MAX_OVERLAP_SHARE), THINNER),
        (at_most("pressed_share", pressed, MAX_PRESSED_SHARE), THINNER),
        (
            measure("red_cell_um", red_cell_um, Some(least_um), Some(most_um)),
            "check --um-per-px, and do not mix magnifications in one specimen",
        ),
        (
            at_least("red_cell_px", red_cell_px, MIN_RED_CELL_PX),
            "take the picture as the camera gave it, not one that was reduced on its way",
        ),
        (free("stain_red_ratio", stain.and_then(|stain| stain.red_ratio)), ""),
        (free("stain_blue_ratio", stain.and_then(|stain| stain.blue_ratio)), ""),
    ];
    let mut refusals: Vec<String> = judged.iter().filter_map(|(measure, advice)| measure.refusal(advice)).collect();
    // METHOD: a blur joins cells until none borders on background. A field whose sharpness cannot be measured is therefore
    // not taken for a sharp one.
    if !seen {
        refusals.push("no stained object found".to_owned());
    } else if focus.is_none() {
        refusals.push("sharpness not measurable, no red cell borders on background: choose another field".to_owned());
    }
    FieldQuality { measures: judged.map(|(measure, _)| measure).to_vec(), refusals }
}

#[cfg(test)]
mod tests {
    use std::f64::consts::PI;

    use image::Rgb;

    use super::*;
    use crate::optics::illuminated::Illuminated;
    use crate::smear::{Contour, ExclusionReason, LabelMap, ObjectKind, SegmentedObject};

    const SIDE: u32 = 100;
    const RADIUS_PX: f64 = 20.0;
    const UM_PER_PX: f64 = 0.2;

    /// One round cell of a density, its edge a logistic step of `width_um` (steepest slope: 1 / 4 of the width).
    struct Drawn {
        original: RgbImage,
        field: NormalizedField,
        segmentation: Segmentation,
        background: [f64; 3],
        evenness: f64,
        red_cell_um: Option<f64>,
    }

    fn distance(x: u32, y: u32) -> f64 {
        let middle = f64::from(SIDE) / 2.0;
        (f64::from(x) + 0.5 - middle).hypot(f64::from(y) + 0.5 - middle)
    }

    fn drawn(density: f64, width_um: f64) -> Drawn {
        let rgb = RgbImage::from_fn(SIDE, SIDE, |x, y| {
            let inside = 1.0 / (1.0 + ((distance(x, y) - RADIUS_PX) * UM_PER_PX / width_um).exp());
            let value = f64::from(NormalizedField::BACKGROUND) * 10f64.powf(-density * inside);
            Rgb([value.round() as u8; 3])
        });
        let angles = (0..128).map(|i| f64::from(i) * PI / 64.0);
        let points = angles.map(|t| [50.0 + RADIUS_PX * t.cos(), 50.0 + RADIUS_PX * t.sin()]).collect();
        let labels = (0..SIDE * SIDE).map(|i| u32::from(distance(i % SIDE, i / SIDE) < RADIUS_PX)).collect();
        let contour = Contour::new(points).expect("128 points");
        Drawn {
            original: rgb.clone(),
            field: NormalizedField { rgb, um_per_px: UM_PER_PX, original_px_per_px: 1.0, lit: None },
            segmentation: Segmentation {
                objects: vec![SegmentedObject { contour, kind: ObjectKind::RedCell, hidden_share: 0.0 }],
                labels: LabelMap::new(SIDE, SIDE, labels),
            },
            background: [200.0; 3],
            evenness: 0.9,
            red_cell_um: Some(8.0),
        }
    }

    fn good() -> Drawn {
        drawn(0.3, 0.15)
    }

    impl Drawn {
        fn assess(&self) -> FieldQuality {
            assess(&self.original, &self.field, self.background, self.evenness, &self.segmentation, self.red_cell_um)
        }
    }

    /// The only refusal names the measure.
    fn refused_for(quality: &FieldQuality, name: &str) -> bool {
        matches!(&quality.refusals[..], [only] if only.starts_with(name))
    }

    fn value(quality: &FieldQuality, name: &str) -> Option<f64> {
        quality.measures.iter().find(|measure| measure.name == name).expect("a measure of this name").value
    }

    #[test]
    fn a_good_field_is_accepted_with_every_measure_within_its_limits() {
        let quality = good().assess();
        assert_eq!(quality.refusals, Vec::<String>::new());
        // Twenty cells would be needed for a share of pressed ones.
        let expected = |measure: &QualityMeasure| (measure.name != "pressed_share").then_some(true);
        assert!(quality.measures.iter().all(|measure| measure.within_limits() == expected(measure)), "{quality:?}");
        assert!((value(&quality, "stain_density").expect("a density") - 0.3).abs() < 0.005);
        assert!((value(&quality, "covered_share").expect("a share") - PI * 0.04).abs() < 0.002);
    }

    #[test]
    fn sharpness_is_the_slope_of_the_step_whatever_the_stain() {
        for density in [0.1, 0.3, 0.6] {
            let found = value(&drawn(density, 0.25).assess(), "focus_per_um").expect("a free outline");
            assert!((found - 1.0).abs() < 0.06, "density {density}: {found}");
        }
    }

    #[test]
    fn limits_of_light_are_inclusive() {
        let with = |gray: f64, evenness: f64| Drawn { background: [200.0, gray, 200.0], evenness, ..good() }.assess();
        assert!(with(60.0, 0.4).accepted());
        assert!(refused_for(&with(59.9, 0.4), "background_gray"));
        assert!(refused_for(&with(60.0, 0.39), "light_evenness"));
    }

    #[test]
    fn clipped_shares_on_both_sides() {
        let with = |columns: u32, value: u8| {
            let original = RgbImage::from_fn(100, 1, |x, _| Rgb([if x < columns { value } else { 128 }; 3]));
            Drawn { original, ..good() }.assess()
        };
        assert!(with(50, 0).accepted() && with(90, 255).accepted());
        assert!(refused_for(&with(51, 0), "black_share"));
        assert!(refused_for(&with(91, 255), "white_share"));
    }

    #[test]
    fn stain_and_focus_on_both_sides() {
        assert!(drawn(0.036, 0.15).assess().accepted());
        assert!(refused_for(&drawn(0.026, 0.15).assess(), "stain_density"));
        assert!(drawn(0.3, 0.37).assess().accepted());
        assert!(refused_for(&drawn(0.3, 0.47).assess(), "focus_per_um"));
    }

    #[test]
    fn covered_share_on_both_sides() {
        // Eight fields' worth of rows below the cell belong to a white cell, but for `free` pixels.
        let with = |free: usize| {
            let mut field = good();
            let old = field.segmentation.labels.as_slice();
            let mut labels = old.to_vec();
            labels.extend(std::iter::repeat_n(2, 8 * old.len() - free));
            labels.extend(std::iter::repeat_n(0, free));
            field.segmentation.labels = LabelMap::new(SIDE, 9 * SIDE, labels);
            let contour = field.segmentation.objects[0].contour.clone();
            let kind = ObjectKind::Excluded(ExclusionReason::WhiteCell);
            field.segmentation.objects.push(SegmentedObject { contour, kind, hidden_share: 0.0 });
            field.assess()
        };
        let bare = good().segmentation.labels.as_slice().iter().filter(|label| **label == 0).count();
        let most = 9_000 - bare;
        assert!(with(most).accepted(), "{:?}", with(most));
        assert!(refused_for(&with(most - 1), "covered_share"));
    }

    #[test]
    fn heaps_on_both_sides() {
        let with = |share: f64| {
            let mut field = good();
            let heap = field.segmentation.objects[0].contour.scaled((share / (1.0 - share)).sqrt());
            let kind = ObjectKind::Excluded(ExclusionReason::UnsplittableClump);
            field.segmentation.objects.push(SegmentedObject { contour: heap, kind, hidden_share: 0.0 });
            field.assess()
        };
        assert!(with(0.849).accepted());
        assert!(refused_for(&with(0.851), "overlap_share"));
    }

    #[test]
    fn pressed_cells_on_both_sides() {
        let with = |pressed: usize| {
            let mut field = good();
            let contour = field.segmentation.objects[0].contour.clone();
            let red_cells =
                vec![SegmentedObject { contour: contour.clone(), kind: ObjectKind::RedCell, hidden_share: 0.0 }; 19];
            field.segmentation.objects.extend(red_cells);
            let kind = ObjectKind::Excluded(ExclusionReason::Pressed);
            field.segmentation.objects.extend(vec![SegmentedObject { contour, kind, hidden_share: 0.0 }; pressed]);
            field.assess()
        };
        assert!(with(20).accepted());
        assert!(refused_for(&with(21), "pressed_share"));
    }

    #[test]
    fn red_cells_of_another_size_on_both_sides() {
        let with = |red_cell_um| Drawn { red_cell_um, ..good() }.assess();
        let (least, most) = RED_CELL_UM;
        assert!(with(Some(least)).accepted() && with(Some(most)).accepted() && with(None).accepted());
        assert!(refused_for(&with(Some(least - 0.01)), "red_cell_um"));
        assert!(refused_for(&with(Some(most + 0.01)), "red_cell_um"));
    }

    #[test]
    fn a_field_is_refused_when_most_objects_were_not_recognized() {
        let with = |share| {
            let mut quality = good().assess();
            quality.judge_recognition(share);
            quality
        };
        assert!(with(None).accepted() && with(Some(MAX_UNRECOGNIZED_SHARE)).accepted());
        let refused = with(Some(MAX_UNRECOGNIZED_SHARE + 0.01));
        assert!(refused_for(&refused, "unrecognized_share"), "{refused:?}");
        assert_eq!(refused.measures.last().expect("measures").max, Some(MAX_UNRECOGNIZED_SHARE));
    }

    #[test]
    fn clipped_and_covered_shares_are_those_of_the_lit_part() {
        // A black bar in the right half of the picture: found, and no part of the field.
        let mut field = good();
        field.original = RgbImage::from_fn(SIDE, SIDE, |x, y| {
            let noise = (x.wrapping_mul(31) ^ y.wrapping_mul(17)) % 8;
            Rgb([if x < 52 { (100 + 15 * (x / 9 % 5) + noise + 9 * (y / 9 % 7)) as u8 } else { 0 }; 3])
        });
        let whole = field.assess();
        field.field.lit = Illuminated::find(&field.original);
        let lit = field.field.lit.as_ref().expect("a bar").share();
        let part = field.assess();
        assert!((lit - 0.5).abs() < 0.04, "{lit}");
        assert!(value(&whole, "black_share") > Some(0.4), "{whole:?}");
        assert_eq!(value(&part, "black_share"), Some(0.0));
        let covered = |quality| value(quality, "covered_share").expect("a share");
        assert!((covered(&part) * lit - covered(&whole)).abs() < 1e-9);
    }

    #[test]
    fn nothing_seen_is_refused_without_a_value() {
        let labels = LabelMap::new(SIDE, SIDE, vec![0; (SIDE * SIDE) as usize]);
        let quality = Drawn { segmentation: Segmentation { objects: Vec::new(), labels }, ..good() }.assess();
        assert_eq!(quality.refusals, ["no stained object found"]);
        assert!(quality.measures.iter().all(|measure| measure.within_limits().is_none()));
    }

    #[test]
    fn a_field_without_free_outline_is_refused() {
        let mut field = good();
        field.segmentation.objects[0].kind = ObjectKind::Excluded(ExclusionReason::WhiteCell);
        let quality = field.assess();
        assert_eq!(value(&quality, "focus_per_um"), None);
        assert!(refused_for(&quality, "sharpness not measurable"), "{quality:?}");
    }

    #[test]
    fn refusal_says_what_was_found_expected_and_what_to_do() {
        let quality = Drawn { evenness: 0.25, ..good() }.assess();
        assert_eq!(quality.refusals, ["light_evenness is 0.25, expected at least 0.4: center the condenser"]);
    }
}
