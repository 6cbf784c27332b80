//! Light through the scene: absorption, lamp, optics, camera.
//!
//! In: a [`Scene`] and the [`Photography`] of its specimen. Out: 8-bit sRGB. Order: 1. optical density of every object,
//! added where objects overlap (Beer–Lambert), 2. lamp with uneven light and vignetting, 3. blur of the optics (Gaussian),
//! 4. shot and read noise, 5. clipping and sRGB encoding. All sums are in linear light.
//! Limits: no diffraction beyond the rim's dark line and bright halo, no chromatic shift, noise without correlation.

use image::{ImageBuffer, Rgb, RgbImage};
use imageproc::filter::gaussian_blur_f32;

use super::chance::{Stream, texture};
use super::options::SynthOptions;
use super::outline::{Prepared, bounds};
use super::scene::{Body, Object, Scene};
use super::stain::{Stain, srgb};

/// Noise of reading a pixel, electrons (standard deviation): a usual figure of a CCD or CMOS camera.
const READ_NOISE_ELECTRONS: f64 = 10.0;

/// Width of the dark line inside a cell's outline and of the bright halo outside it, cell diameters.
const RIM_WIDTH_DIAMETERS: f64 = 0.030;
const HALO_WIDTH_DIAMETERS: f64 = 0.045;

/// Mottling of the hemoglobin, share of the thickness, and the size of a mottle, cell diameters.
const MOTTLING: f64 = 0.06;
const MOTTLE_DIAMETERS: f64 = 0.11;

/// Unevenness of the pallor's edge, share of the cell's radius, and the size of a dent, cell diameters.
const WOBBLE: f64 = 0.12;
const WOBBLE_DIAMETERS: f64 = 0.3;

/// What the fields of one specimen share, and how this field deviates.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Photography {
    stain: Stain,
    /// Strength of the rim's dark line and of the halo, in thickness of a normal cell.
    rim: f64,
    halo: f64,
    /// Gain of the lamp along x and y and toward the corners, share at the edge of the frame.
    tilt: [f64; 2],
    vignetting: f64,
    exposure: f64,
}

impl Photography {
    /// Draws the specimen's stain and optics, then the field's own light.
    pub(super) fn draw(options: &SynthOptions, specimen: &mut Stream, field: &mut Stream) -> Self {
        let drawn = Stain::ALL[specimen.below(Stain::ALL.len())];
        let (rim, halo) = (specimen.between(0.04, 0.14), specimen.between(0.0, 0.07));
        let uneven = options.uneven_light;
        Self {
            stain: options.stain.unwrap_or(drawn),
            rim,
            halo,
            tilt: [uneven * field.between(-0.5, 0.5), uneven * field.between(-0.5, 0.5)],
            vignetting: uneven * field.between(0.3, 0.8),
            exposure: options.exposure * (1.0 + 0.01 * field.normal()),
        }
    }
}

/// Photographs a scene.
pub(super) fn render(scene: &Scene, options: &SynthOptions, photo: &Photography, noise: &mut Stream) -> RgbImage {
    let (width, height) = (scene.width_px, scene.height_px);
    let mut density = vec![[0.0f64; 3]; width as usize * height as usize];
    for object in &scene.objects {
        add_object(&mut density, scene, object, options.cell_diameter_px, photo);
    }
    let background = photo.stain.background();
    let light = ImageBuffer::from_fn(width, height, |x, y| {
        let across = (f64::from(x) + 0.5) / f64::from(width) - 0.5;
        let down = (f64::from(y) + 0.5) / f64::from(height) - 0.5;
        let corner = 2.0 * (across * across + down * down);
        let lamp = photo.exposure
            * (1.0 + 2.0 * photo.tilt[0] * across + 2.0 * photo.tilt[1] * down - photo.vignetting * corner);
        let absorbed = density[y as usize * width as usize + x as usize];
        Rgb(std::array::from_fn(|c| (lamp * background[c] * 10f64.powf(-absorbed[c])) as f32))
    });
    let blur_px = options.blur_diameters * options.cell_diameter_px;
    let seen = if blur_px > 0.0 { gaussian_blur_f32(&light, blur_px as f32) } else { light };
    let mut rgb = RgbImage::new(width, height);
    for (pixel, light) in rgb.pixels_mut().zip(seen.pixels()) {
        pixel.0 = light.0.map(|value| {
            let value = f64::from(value).max(0.0);
            let electrons = value * options.full_well_electrons;
            let spread = (electrons + READ_NOISE_ELECTRONS.powi(2)).sqrt() / options.full_well_electrons;
            srgb(value + spread * noise.normal())
        });
    }
    rgb
}

/// Adds one object's optical density to the pixels that it covers.
fn add_object(density: &mut [[f64; 3]], scene: &Scene, object: &Object, diameter: f64, photo: &Photography) {
    let margin = 3.0 * HALO_WIDTH_DIAMETERS * diameter + 1.0;
    let [x_min, y_min, x_max, y_max] = bounds(&object.outline);
    let columns = |value: f64| value.clamp(0.0, f64::from(scene.width_px)) as u32;
    let rows = |value: f64| value.clamp(0.0, f64::from(scene.height_px)) as u32;
    let ready = Prepared::new(&object.outline);
    let painter = Painter { object, diameter, photo };
    for y in rows((y_min - margin).floor())..rows((y_max + margin).ceil()) {
        for x in columns((x_min - margin).floor())..columns((x_max + margin).ceil()) {
            let (px, py) = (f64::from(x) + 0.5, f64::from(y) + 0.5);
            let distance = ready.signed_distance(px, py);
            let added = painter.density(px, py, distance);
            let pixel = &mut density[y as usize * scene.width_px as usize + x as usize];
            for c in 0..3 {
                pixel[c] += added[c];
            }
        }
    }
}

/// Optical density of one object.
struct Painter<'a> {
    object: &'a Object,
    diameter: f64,
    photo: &'a Photography,
}

impl Painter<'_> {
    /// Density at a pixel's center, `distance` px from the outline (negative inside).
    fn density(&self, x: f64, y: f64, distance: f64) -> [f64; 3] {
        match &self.object.body {
            Body::Red { .. } => self.red_cell(x, y, distance),
            Body::White { lobes, granular } => self.white_cell(x, y, distance, lobes, *granular),
            Body::Platelet => self.platelet(x, y, distance),
        }
    }

    fn red_cell(&self, x: f64, y: f64, distance: f64) -> [f64; 3] {
        let Body::Red { cell, angle, .. } = &self.object.body else { return [0.0; 3] };
        let (pole, deepest) = self.object.pole;
        let from_outline = distance.abs() / self.diameter;
        let covered = coverage(distance);
        let mut thickness = 0.0;
        if covered > 0.0 {
            let inside = (-distance).max(0.0);
            let (sin, cos) = angle.sin_cos();
            let (dx, dy) = ((x - pole[0]) / self.diameter, (y - pole[1]) / self.diameter);
            let own = [dx * cos + dy * sin, dy * cos - dx * sin];
            // The outermost pixel is only partly covered; half a pixel in is what it shows.
            let wobble = WOBBLE * 2.0 * (self.texture(x, y, WOBBLE_DIAMETERS) - 0.5);
            let profile =
                cell.thickness(((inside + 0.5) / deepest).min(1.0), (inside + 0.5) / self.diameter, own, wobble);
            let mottle = 1.0 + MOTTLING * 2.0 * (self.texture(x, y, MOTTLE_DIAMETERS) - 0.5);
            let rim = self.photo.rim * (-(from_outline / RIM_WIDTH_DIAMETERS).powi(2)).exp();
            thickness = covered * cell.hemoglobin * (profile * mottle + rim);
        }
        if distance > 0.0 {
            thickness -= self.photo.halo * (-(from_outline / HALO_WIDTH_DIAMETERS).powi(2)).exp();
        }
        self.photo.stain.hemoglobin().map(|d| d * thickness)
    }

    fn white_cell(&self, x: f64, y: f64, distance: f64, lobes: &[[f64; 3]], granular: bool) -> [f64; 3] {
        let body = coverage(distance);
        if body == 0.0 {
            return [0.0; 3];
        }
        let nucleus = coverage(lobes_distance(lobes, 0.12 * self.diameter, x, y));
        let chromatin = nucleus * (0.75 + 0.5 * self.texture(x, y, 0.09));
        let grain = if granular { ((self.texture(x, y, 0.045) - 0.55) / 0.2).clamp(0.0, 1.0) } else { 0.0 };
        let granules = (1.0 - nucleus) * 0.55 * grain;
        let plasm = (1.0 - nucleus) * (0.7 + 0.6 * self.texture(x, y, 0.2));
        let stain = self.photo.stain;
        let (dark, violet, faint) = (stain.chromatin(), stain.granules(), stain.cytoplasm());
        std::array::from_fn(|c| body * (chromatin * dark[c] + granules * violet[c] + plasm * faint[c]))
    }

    fn platelet(&self, x: f64, y: f64, distance: f64) -> [f64; 3] {
        let soft = (0.5 - distance / (0.06 * self.diameter)).clamp(0.0, 1.0);
        let grain = 0.45 + 1.1 * self.texture(x, y, 0.06);
        self.photo.stain.granules().map(|d| d * soft * grain)
    }

    /// The object's own texture with details of the given size in cell diameters.
    fn texture(&self, x: f64, y: f64, detail_diameters: f64) -> f64 {
        let detail = detail_diameters * self.diameter;
        texture(self.object.key ^ detail_diameters.to_bits(), x / detail, y / detail)
    }
}

/// Share of a pixel inside an outline whose edge passes `distance` px from its center.
fn coverage(distance: f64) -> f64 {
    (0.5 - distance).clamp(0.0, 1.0)
}

/// Distance to lobes melted together where they come within `bridge` px (polynomial smooth minimum).
fn lobes_distance(lobes: &[[f64; 3]], bridge: f64, x: f64, y: f64) -> f64 {
    lobes.iter().map(|l| (x - l[0]).hypot(y - l[1]) - l[2]).fold(f64::INFINITY, |joined, next| {
        if joined.is_infinite() {
            return next;
        }
        let mix = (0.5 + 0.5 * (joined - next) / bridge).clamp(0.0, 1.0);
        joined + (next - joined) * mix - bridge * mix * (1.0 - mix)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coverage_runs_over_one_pixel() {
        assert_eq!([coverage(-2.0), coverage(-0.5), coverage(0.0), coverage(0.5)], [1.0, 1.0, 0.5, 0.0]);
    }

    #[test]
    fn lobes_near_each_other_are_bridged() {
        let lobes = [[0.0, 0.0, 2.0], [4.4, 0.0, 2.0]];
        assert!(lobes_distance(&lobes, 2.0, 2.2, 0.0) < 0.0);
        assert!(lobes_distance(&lobes, 0.1, 2.2, 0.0) > 0.0);
        assert_eq!(lobes_distance(&lobes[..1], 2.0, 0.0, 0.0), -2.0);
    }
}
