//! Whether a field is fit to be counted: figures, their limits, and a reason for every refusal.
//!
//! In: the original pixels, the normalized field, its illumination and its objects. Out: [`FieldQuality`]. Figures:
//! level and evenness of the light, share of clipped pixels, density of the stain, steepness of cell edges, share of the
//! field that is covered, share of the covered area in clumps that could not be parted. Method: each figure against
//! fixed limits, set outside the range of the labelled development fields, which are all usable photographs.
//! Limits: a field of nothing but artefacts can pass; it then has no cells to count.

use image::RgbImage;

use crate::optics::density::{DensityTable, smooth};
use crate::smear::{ExclusionReason, NormalizedField, ObjectKind, Segmentation};

/// Lowest green background, gray values: below it an 8-bit camera resolves fewer than ten steps of a pale cell.
pub const MIN_BACKGROUND_GRAY: f64 = 50.0;
/// Least ratio of darkest to brightest illumination: a field half in the shade was photographed through a stop.
pub const MIN_EVENNESS: f64 = 0.35;
/// Largest share of pixels at 0 in every channel: black borders and masks beyond it hide the film.
pub const MAX_BLACK_SHARE: f64 = 0.2;
/// Least median density of the red cells: paler stain drowns in the noise of an 8-bit camera.
pub const MIN_STAIN_DENSITY: f64 = 0.015;
/// Greatest median density of the red cells: darker cells show no structure.
pub const MAX_STAIN_DENSITY: f64 = 0.9;
/// Least edge steepness, 1/µm: an edge that takes more than 3 µm hides horns and notches of fragments.
pub const MIN_EDGE_STEEPNESS_PER_UM: f64 = 0.33;
/// Largest share of the field covered by objects: beyond it there is no monolayer.
pub const MAX_COVERED_SHARE: f64 = 0.9;
/// Largest share of the covered area in clumps that could not be parted.
pub const MAX_CLUMP_SHARE: f64 = 0.6;

/// A measured figure and its limits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Figure {
    /// Name, unit at the end.
    pub name: &'static str,
    /// Measured; `None` where it could not be.
    pub value: Option<f64>,
    /// Lowest accepted.
    pub min: Option<f64>,
    /// Highest accepted.
    pub max: Option<f64>,
}

impl Figure {
    /// Whether the value lies within the limits; a value that could not be measured refuses nothing.
    pub fn accepted(&self) -> bool {
        self.value
            .is_none_or(|value| self.min.is_none_or(|min| value >= min) && self.max.is_none_or(|max| value <= max))
    }

    fn refusal(&self) -> Option<String> {
        let value = self.value.filter(|_| !self.accepted())?;
        let name = self.name.replace('_', " ");
        let expected = match (self.min, self.max) {
            (Some(min), Some(max)) => format!("{min} to {max}"),
            (Some(min), None) => format!("at least {min}"),
            (None, Some(max)) => format!("at most {max}"),
            (None, None) => return None,
        };
        Some(format!("{name}: expected {expected}, found {value:.3}"))
    }
}

/// The figures of a field and the reasons to refuse it.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldQuality {
    /// Every figure.
    pub figures: Vec<Figure>,
    /// One sentence for each reason; empty where the field is accepted.
    pub refusals: Vec<String>,
}

impl FieldQuality {
    /// Whether the field may be counted.
    pub fn accepted(&self) -> bool {
        self.refusals.is_empty()
    }
}

/// Judges a field; `background` is the mean illumination of each channel, `evenness` its darkest over brightest.
pub fn assess(
    original: &RgbImage,
    normalized: &NormalizedField,
    background: [f64; 3],
    evenness: f64,
    segmentation: &Segmentation,
) -> FieldQuality {
    let least = |name, value, min| Figure { name, value, min: Some(min), max: None };
    let most = |name, value, max| Figure { name, value, min: None, max: Some(max) };
    let stain = Stain::measure(normalized, segmentation);
    let (covered, clumped) = covered_shares(segmentation);
    let density = Figure {
        name: "stain_density",
        value: stain.density,
        min: Some(MIN_STAIN_DENSITY),
        max: Some(MAX_STAIN_DENSITY),
    };
    let figures = vec![
        least("background_gray", Some(background[1]), MIN_BACKGROUND_GRAY),
        least("light_evenness", Some(evenness), MIN_EVENNESS),
        most("black_share", Some(black_share(original)), MAX_BLACK_SHARE),
        density,
        least("edge_steepness_per_um", stain.edge_steepness_per_um, MIN_EDGE_STEEPNESS_PER_UM),
        most("covered_share", Some(covered), MAX_COVERED_SHARE),
        most("clump_share", clumped, MAX_CLUMP_SHARE),
    ];
    let mut refusals: Vec<String> = figures.iter().filter_map(Figure::refusal).collect();
    if segmentation.objects.is_empty() {
        refusals.push(String::from("expected stained cells, found none"));
    }
    FieldQuality { figures, refusals }
}

fn black_share(rgb: &RgbImage) -> f64 {
    let black = rgb.as_raw().chunks_exact(3).filter(|pixel| pixel.iter().all(|value| *value == 0)).count();
    black as f64 / (rgb.width() as f64 * rgb.height() as f64).max(1.0)
}

/// Share of the field under objects, and share of that under clumps that could not be parted.
fn covered_shares(segmentation: &Segmentation) -> (f64, Option<f64>) {
    let is_clump = |label: u32| {
        let kind = segmentation.objects.get(label as usize - 1).map(|object| object.kind);
        let unparted = [ExclusionReason::UnsplittableClump, ExclusionReason::TooLarge];
        unparted.iter().any(|reason| kind == Some(ObjectKind::Excluded(*reason)))
    };
    let clump: Vec<bool> = (1..=segmentation.objects.len() as u32).map(is_clump).collect();
    let labels = segmentation.labels.as_slice();
    let covered = labels.iter().filter(|label| **label > 0).count();
    let clumped = labels.iter().filter(|label| **label > 0 && clump[**label as usize - 1]).count();
    let share = covered as f64 / labels.len().max(1) as f64;
    (share, (covered > 0).then(|| clumped as f64 / covered as f64))
}

struct Stain {
    density: Option<f64>,
    edge_steepness_per_um: Option<f64>,
}

impl Stain {
    /// Median green density inside red cells, and how steeply it falls at their outlines.
    ///
    /// METHOD: steepness is the upper quartile of the density gradient at the outline over the median density, so it
    /// depends neither on the stain nor, through µm, on the scale.
    fn measure(field: &NormalizedField, segmentation: &Segmentation) -> Self {
        let (width, height) = (field.rgb.width() as usize, field.rgb.height() as usize);
        let plane = DensityTable::new(NormalizedField::BACKGROUND).plane(&field.rgb, [0.0, 1.0, 0.0]);
        let red: Vec<bool> = segmentation.objects.iter().map(|object| object.kind == ObjectKind::RedCell).collect();
        let labels = segmentation.labels.as_slice();
        let is_red = |index: usize| labels[index] > 0 && red[labels[index] as usize - 1];
        let inside: Vec<f32> = (0..labels.len()).filter(|index| is_red(*index)).map(|index| plane[index]).collect();
        let density = quantile(inside, 0.5);
        let smoothed = smooth(&plane, width.max(1));
        let mut gradients = Vec::new();
        for y in 1..height.saturating_sub(1) {
            for x in 1..width.saturating_sub(1) {
                let index = y * width + x;
                let edge = [index - 1, index + 1, index - width, index + width].iter().any(|n| labels[*n] == 0);
                if edge && is_red(index) {
                    let dx = smoothed[index + 1] - smoothed[index - 1];
                    let dy = smoothed[index + width] - smoothed[index - width];
                    gradients.push(dx.hypot(dy) / 2.0);
                }
            }
        }
        let steepness = quantile(gradients, 0.75)
            .zip(density.filter(|density| *density > 0.0))
            .map(|(gradient, density)| gradient / density / field.um_per_px);
        Self { density, edge_steepness_per_um: steepness }
    }
}

fn quantile(mut values: Vec<f32>, share: f64) -> Option<f64> {
    let rank = ((values.len() as f64) * share) as usize;
    (rank < values.len()).then(|| f64::from(*values.select_nth_unstable_by(rank, f32::total_cmp).1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_part_of_the_accepted_range() {
        let figure = |value| Figure { name: "covered_share", value, min: Some(0.1), max: Some(0.9) };
        for (value, accepted) in [(0.1, true), (0.099, false), (0.9, true), (0.901, false)] {
            assert_eq!(figure(Some(value)).accepted(), accepted, "{value}");
            assert_eq!(figure(Some(value)).refusal().is_none(), accepted);
        }
        assert!(figure(None).accepted());
    }

    #[test]
    fn a_refusal_says_what_was_expected_and_found() {
        let figure = Figure { name: "background_gray", value: Some(12.0), min: Some(50.0), max: None };
        assert_eq!(figure.refusal().as_deref(), Some("background gray: expected at least 50, found 12.000"));
    }

    #[test]
    fn an_empty_field_is_refused() {
        let rgb = RgbImage::from_pixel(40, 30, image::Rgb([240; 3]));
        let field = NormalizedField { rgb: rgb.clone(), um_per_px: 0.1875, original_px_per_px: 1.0 };
        let labels = crate::smear::LabelMap::new(40, 30, vec![0; 1200]);
        let quality = assess(&rgb, &field, [230.0; 3], 1.0, &Segmentation { objects: Vec::new(), labels });
        assert_eq!(quality.refusals, vec![String::from("expected stained cells, found none")]);
    }
}
