//! Shape and stain figures of one cell.
//!
//! In: an outline in pixels of the original image, the size of such a pixel in µm, and the flattened field. Out: a
//! [`Morphology`], lengths in µm, densities base 10. Order of steps: `shape` from the polygon alone, then `stain`
//! from the pixels inside it. Only the pixels of the outline's bounding box are read.
//! Limits: a neighbor that lies on top of the cell counts as its stain.

mod form;
mod shape;
mod stain;

use std::f64::consts::PI;

pub use form::{READ_FORMS, form};

use crate::smear::{Contour, Morphology, NormalizedField};

/// Measures a cell.
///
/// `um_per_original_px` is the pixel size of the original image, above zero. An outline that encloses no pixel center
/// of the field takes its density from the pixel nearest to its centroid.
///
/// # Panics
/// Where the field has no pixels.
pub fn measure(contour: &Contour, um_per_original_px: f64, field: &NormalizedField) -> Morphology {
    let area_um2 = contour.area_px() * um_per_original_px * um_per_original_px;
    let perimeter_um = contour.perimeter_px() * um_per_original_px;
    let stain = stain::inside(&contour.scaled(1.0 / field.original_px_per_px), &field.rgb);
    Morphology {
        area_um2,
        perimeter_um,
        diameter_um: 2.0 * (area_um2 / PI).sqrt(),
        circularity: shape::circularity(area_um2, perimeter_um),
        solidity: contour.solidity(),
        aspect_ratio: shape::aspect_ratio(contour),
        mean_optical_density: stain.mean_density,
        pallor_contrast: stain.pallor_contrast,
    }
}

#[cfg(test)]
mod tests {
    use image::{Rgb, RgbImage};
    use proptest::prelude::*;

    use super::*;

    /// An ellipse about `center`, half axes `a` (along x) and `b`, original pixels.
    fn ellipse(center: f64, a: f64, b: f64) -> Contour {
        let points = (0..256).map(|i| f64::from(i) * PI / 128.0).map(|t| [center + a * t.cos(), center + b * t.sin()]);
        Contour::new(points.collect()).expect("256 points")
    }

    /// A field of half the original's resolution with a disk of `radius` at its middle, paler inside `pale_radius`.
    fn disk(radius: f64, pale_radius: f64) -> NormalizedField {
        let rgb = RgbImage::from_fn(60, 60, |x, y| {
            let r = (f64::from(x) + 0.5 - 30.0).hypot(f64::from(y) + 0.5 - 30.0);
            let value = match r {
                r if r < pale_radius => 170,
                r if r < radius => 120,
                _ => NormalizedField::BACKGROUND,
            };
            Rgb([200, value, 210])
        });
        NormalizedField { rgb, um_per_px: 0.2, original_px_per_px: 2.0, lit: None }
    }

    #[test]
    fn circle_of_eight_micrometers() {
        let cell = measure(&ellipse(60.0, 40.0, 40.0), 0.1, &disk(20.0, 0.0));
        assert!((cell.diameter_um - 8.0).abs() < 0.01, "{}", cell.diameter_um);
        assert!((cell.area_um2 - 16.0 * PI).abs() < 0.02);
        assert!((cell.perimeter_um - 8.0 * PI).abs() < 0.01);
        assert!(cell.circularity > 0.999 && cell.solidity > 0.999);
        assert!((cell.aspect_ratio - 1.0).abs() < 1e-6);
    }

    #[test]
    fn evenly_stained_disk_has_the_density_of_its_pixels_and_no_pallor() {
        let cell = measure(&ellipse(60.0, 39.0, 39.0), 0.1, &disk(20.0, 0.0));
        assert!((cell.mean_optical_density - 2f64.log10()).abs() < 1e-6, "{}", cell.mean_optical_density);
        assert!(cell.pallor_contrast.expect("an inside").abs() < 1e-6);
    }

    #[test]
    fn pale_center_shows_as_contrast() {
        let cell = measure(&ellipse(60.0, 39.0, 39.0), 0.1, &disk(20.0, 8.0));
        let expected = 1.0 - (240f64 / 170.0).log10() / 2f64.log10();
        assert!((cell.pallor_contrast.expect("an inside") - expected).abs() < 1e-6);
    }

    #[test]
    fn an_outline_smaller_than_a_pixel_has_a_density_and_no_inside() {
        let cell = measure(&ellipse(60.5, 0.3, 0.3), 0.1, &disk(20.0, 0.0));
        assert!((cell.mean_optical_density - 2f64.log10()).abs() < 1e-6);
        assert_eq!(cell.pallor_contrast, None);
    }

    #[test]
    fn an_outline_over_the_frame_is_measured_on_what_is_seen() {
        let cell = measure(&ellipse(0.0, 30.0, 30.0), 0.1, &disk(20.0, 0.0));
        assert!((cell.diameter_um - 6.0).abs() < 0.01);
        assert!(cell.mean_optical_density.abs() < 1e-6);
    }

    proptest! {
        #[test]
        fn ellipse_keeps_its_axes_at_any_angle(a in 20.0..40.0f64, b in 8.0..20.0f64, turn in 0.0..PI) {
            let upright = ellipse(0.0, a, b);
            let (sin, cos) = turn.sin_cos();
            let turned = upright
                .points()
                .iter()
                .map(|p| [60.0 + p[0] * cos - p[1] * sin, 60.0 + p[0] * sin + p[1] * cos]);
            let cell = measure(&Contour::new(turned.collect()).expect("256 points"), 0.1, &disk(20.0, 0.0));
            prop_assert!((cell.aspect_ratio - a / b).abs() < 1e-6 * cell.aspect_ratio, "{}", cell.aspect_ratio);
            prop_assert!((cell.area_um2 - PI * a * b * 0.01).abs() < 1e-3 * cell.area_um2);
        }
    }
}
