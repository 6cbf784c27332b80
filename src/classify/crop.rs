//! Cuts one cell out of a normalized field, at the scale the model was trained on.
//!
//! In: a [`NormalizedField`], its [`LabelMap`] and a [`CropTarget`] (label and center in normalized pixels). Out: a
//! square crop, side in pixels given by the caller, written to a [`CropSink`]: the `f32` planes of a batch
//! ([`Planes`]) or interleaved bytes ([`InterleavedRgb`]). Both receive the same 8-bit values, so what is exported for
//! training is what the model sees.
//!
//! Order of operations, for each pixel of the crop:
//! 1. outside the image it is [`NormalizedField::BACKGROUND`];
//! 2. where it belongs to **another** object (label neither 0 nor the target's) its contrast is reduced:
//!    `background + (value − background) × neighbor_dimming`, rounded to 8 bits. Own and unlabelled pixels stay: a
//!    fragment's ragged edge or a platelet on the cell must not be masked away by a tight outline;
//! 3. where the scales differ it is interpolated from the pixels of steps 1 and 2.
//!
//! Placement. At equal scale (within [`SCALE_TOLERANCE`]) the crop is copied, not interpolated: the center is rounded to
//! the nearest pixel corner and the crop's left column is `round(x) − side / 2`. The cell is then off center by at most
//! half a pixel, and a crop of 64 is the middle of the crop of 96. At other scales the center is not rounded.
//!
//! Limits: no rotation, no mirroring; a cell wider than the crop is cut.

use ndarray::{ArrayViewMut3, Zip};

use super::card::CHANNELS;
use crate::smear::{Contour, LabelMap, NormalizedField};

/// Relative difference of scales up to which pixels are copied: over a crop of 96 px it shifts the border by 0.05 px.
pub const SCALE_TOLERANCE: f64 = 1e-3;

/// Most samples averaged along each axis for one pixel of the crop, where the field is finer than the crop.
///
/// Eight cover a field eight times finer; fields come normalized, so more only arises from a foreign card.
const MAX_SAMPLES: usize = 8;

/// One object to be cut out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CropTarget {
    /// Label of the object in the field's label map, from 1.
    pub label: u32,
    /// Center `[x, y]`, pixels of the normalized field (0.5 is the center of the first pixel).
    pub center_px: [f64; 2],
}

impl CropTarget {
    /// The target of an object: the centroid of its outline, which is in pixels of the original image.
    pub fn new(label: u32, contour: &Contour, field: &NormalizedField) -> Self {
        let [x, y] = contour.centroid();
        Self { label, center_px: [x / field.original_px_per_px, y / field.original_px_per_px] }
    }
}

/// Receives the pixels of one crop.
pub trait CropSink {
    /// Takes row `y` of the crop.
    fn put_row(&mut self, y: usize, row: &[[u8; 3]]);
}

/// One cell of an NCHW batch: three planes of `side × side` values, scaled by a table from channel value to input.
pub struct Planes<'a> {
    planes: ArrayViewMut3<'a, f32>,
    table: &'a [f32; 256],
}

impl<'a> Planes<'a> {
    /// Planes of one crop: channel, row, column.
    ///
    /// # Panics
    /// Where `planes` is not three squares.
    pub fn new(planes: ArrayViewMut3<'a, f32>, table: &'a [f32; 256]) -> Self {
        let (channels, height, width) = planes.dim();
        assert!(channels == CHANNELS && height == width, "three square planes of the crop");
        Self { planes, table }
    }

    /// Fills the crop with empty background: a place of the batch that holds no cell.
    pub fn fill_background(&mut self) {
        self.planes.fill(self.table[usize::from(NormalizedField::BACKGROUND)]);
    }
}

impl CropSink for Planes<'_> {
    fn put_row(&mut self, y: usize, row: &[[u8; 3]]) {
        for (channel, mut plane) in self.planes.outer_iter_mut().enumerate() {
            // `Zip` looks once whether the columns lie side by side, not at each value.
            Zip::from(plane.row_mut(y)).and(row).for_each(|input, rgb| *input = self.table[usize::from(rgb[channel])]);
        }
    }
}

/// A crop as interleaved bytes: rows from the top, `R G B` for each pixel.
pub struct InterleavedRgb<'a> {
    bytes: &'a mut [u8],
    side: usize,
}

impl<'a> InterleavedRgb<'a> {
    /// Bytes of a crop of `side` pixels.
    ///
    /// # Panics
    /// Where `bytes` does not hold `side × side × 3` values.
    pub fn new(bytes: &'a mut [u8], side: usize) -> Self {
        assert_eq!(bytes.len(), 3 * side * side, "three bytes for each pixel of the crop");
        Self { bytes, side }
    }
}

impl CropSink for InterleavedRgb<'_> {
    fn put_row(&mut self, y: usize, row: &[[u8; 3]]) {
        self.bytes[3 * y * self.side..][..3 * self.side].copy_from_slice(row.as_flattened());
    }
}

/// Cuts crops out of one field.
#[derive(Debug, Clone)]
pub struct Cropper<'a> {
    field: &'a NormalizedField,
    labels: &'a LabelMap,
    side: usize,
    /// Field pixels per crop pixel; `None` where they are copied.
    scale: Option<f64>,
    /// Value of a pixel of another object, by its original value.
    dimmed: [u8; 256],
}

impl<'a> Cropper<'a> {
    /// A cropper for crops of `side` pixels of `um_per_px` µm; other objects keep `neighbor_dimming` (0–1) of their
    /// contrast.
    ///
    /// # Panics
    /// Where `labels` has another size than the field.
    pub fn new(
        field: &'a NormalizedField,
        labels: &'a LabelMap,
        side: usize,
        um_per_px: f64,
        neighbor_dimming: f64,
    ) -> Self {
        assert_eq!((labels.width(), labels.height()), field.rgb.dimensions(), "one label for each pixel of the field");
        let scale = um_per_px / field.um_per_px;
        let background = f64::from(NormalizedField::BACKGROUND);
        Self {
            field,
            labels,
            side,
            scale: ((scale - 1.0).abs() > SCALE_TOLERANCE).then_some(scale),
            dimmed: std::array::from_fn(|value| {
                (background + (value as f64 - background) * neighbor_dimming).round() as u8
            }),
        }
    }

    /// Writes every pixel of the target's crop to the sink.
    pub fn crop(&self, target: &CropTarget, sink: &mut impl CropSink) {
        match self.scale {
            None => self.copy(target, sink),
            Some(scale) => self.interpolate(target, scale, sink),
        }
    }

    fn copy(&self, target: &CropTarget, sink: &mut impl CropSink) {
        let half = (self.side / 2) as i64;
        let [left, top] = target.center_px.map(|center| (center.round() as i64).saturating_sub(half));
        let (width, height) = (self.labels.width() as usize, self.labels.height() as usize);
        // Columns of the field that the crop shows, and the column of the crop where they begin.
        let shown =
            left.clamp(0, width as i64) as usize..left.saturating_add(self.side as i64).clamp(0, width as i64) as usize;
        let first = left.saturating_neg().clamp(0, self.side as i64) as usize;
        let (pixels, _) = self.field.rgb.as_raw().as_chunks::<3>();
        let background = [NormalizedField::BACKGROUND; 3];
        let mut row = vec![background; self.side];
        for y in 0..self.side {
            match usize::try_from(top.saturating_add(y as i64)).ok().filter(|y| *y < height) {
                None => row.fill(background),
                Some(y) => {
                    let span = y * width + shown.start..y * width + shown.end;
                    let inside = &mut row[first..first + shown.len()];
                    inside.copy_from_slice(&pixels[span.clone()]);
                    let labels = &self.labels.as_slice()[span];
                    let is_other = |label: &u32| (*label != 0) & (*label != target.label);
                    // Most rows hold no other object, and many labels are compared at once.
                    if labels.iter().fold(false, |any, label| any | is_other(label)) {
                        for (rgb, label) in inside.iter_mut().zip(labels) {
                            if is_other(label) {
                                *rgb = rgb.map(|value| self.dimmed[usize::from(value)]);
                            }
                        }
                    }
                }
            }
            sink.put_row(y, &row);
        }
    }

    /// METHOD: each crop pixel is the mean of n × n bilinear samples spread evenly over the area it covers, n the scale
    /// rounded up. With n = 1 this is bilinear interpolation, with larger n an area mean, so shrinking does not alias.
    fn interpolate(&self, target: &CropTarget, scale: f64, sink: &mut impl CropSink) {
        let samples = (scale.ceil() as usize).clamp(1, MAX_SAMPLES);
        let half = self.side as f64 / 2.0;
        let offset =
            |index: usize, sample: usize| (index as f64 + (sample as f64 + 0.5) / samples as f64 - half) * scale;
        let mut row = vec![[0; 3]; self.side];
        for y in 0..self.side {
            for (x, pixel) in row.iter_mut().enumerate() {
                let mut sum = [0.0; 3];
                for sample_y in 0..samples {
                    for sample_x in 0..samples {
                        let at = [target.center_px[0] + offset(x, sample_x), target.center_px[1] + offset(y, sample_y)];
                        let value = self.bilinear(at, target.label);
                        sum.iter_mut().zip(value).for_each(|(sum, value)| *sum += value);
                    }
                }
                *pixel = sum.map(|sum| (sum / (samples * samples) as f64).round() as u8);
            }
            sink.put_row(y, &row);
        }
    }

    fn bilinear(&self, [x, y]: [f64; 2], own: u32) -> [f64; 3] {
        // Pixel centers lie at half coordinates.
        let (x, y) = (x - 0.5, y - 0.5);
        let (left, top) = (x.floor(), y.floor());
        let (right_share, lower_share) = (x - left, y - top);
        let mut value = [0.0; 3];
        for (dx, dy, share) in [
            (0, 0, (1.0 - right_share) * (1.0 - lower_share)),
            (1, 0, right_share * (1.0 - lower_share)),
            (0, 1, (1.0 - right_share) * lower_share),
            (1, 1, right_share * lower_share),
        ] {
            let rgb = self.pixel((left as i64).saturating_add(dx), (top as i64).saturating_add(dy), own);
            value.iter_mut().zip(rgb).for_each(|(value, channel)| *value += share * f64::from(channel));
        }
        value
    }

    /// The pixel of steps 1 and 2 of the module's order of operations.
    fn pixel(&self, x: i64, y: i64, own: u32) -> [u8; 3] {
        let (width, height) = self.field.rgb.dimensions();
        if x < 0 || y < 0 || x >= i64::from(width) || y >= i64::from(height) {
            return [NormalizedField::BACKGROUND; 3];
        }
        let rgb = self.field.rgb.get_pixel(x as u32, y as u32).0;
        match self.labels.at(x, y) {
            0 => rgb,
            label if label == own => rgb,
            _ => rgb.map(|value| self.dimmed[usize::from(value)]),
        }
    }
}

#[cfg(test)]
mod tests {
    use image::{Rgb, RgbImage};
    use ndarray::{Array3, Axis, array};
    use proptest::prelude::*;

    use super::*;

    const BACKGROUND: u8 = NormalizedField::BACKGROUND;

    fn field(width: u32, height: u32, um_per_px: f64, pixel: impl Fn(u32, u32) -> [u8; 3]) -> NormalizedField {
        let rgb = RgbImage::from_fn(width, height, |x, y| Rgb(pixel(x, y)));
        NormalizedField { rgb, um_per_px, original_px_per_px: 1.0, lit: None }
    }

    fn labels(width: u32, height: u32, label: impl Fn(u32, u32) -> u32) -> LabelMap {
        let all = (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).map(|(x, y)| label(x, y)).collect();
        LabelMap::new(width, height, all)
    }

    fn bytes(cropper: &Cropper<'_>, target: &CropTarget) -> Vec<[u8; 3]> {
        let mut bytes = vec![0; 3 * cropper.side * cropper.side];
        cropper.crop(target, &mut InterleavedRgb::new(&mut bytes, cropper.side));
        bytes.chunks_exact(3).map(|rgb| [rgb[0], rgb[1], rgb[2]]).collect()
    }

    fn gradient(x: u32, y: u32) -> [u8; 3] {
        [(x * 7 % 251) as u8, (y * 11 % 251) as u8, ((x + y) * 3 % 251) as u8]
    }

    #[test]
    fn equal_scale_copies_the_window_around_the_rounded_center() {
        let (field, labels) = (field(10, 8, 0.1875, gradient), labels(10, 8, |_, _| 1));
        let cropper = Cropper::new(&field, &labels, 4, 0.1875 * 1.000_9, 0.3);
        let crop = bytes(&cropper, &CropTarget { label: 1, center_px: [5.4, 3.5] });
        let expected: Vec<_> = (2..6).flat_map(|y| (3..7).map(move |x| gradient(x, y))).collect();
        assert_eq!(crop, expected);
    }

    #[test]
    fn other_objects_are_dimmed_and_own_and_unlabelled_pixels_are_not() {
        let (field, labels) = (field(4, 4, 0.2, |_, _| [100, 240, 250]), labels(4, 4, |x, _| x.min(2)));
        let crop = bytes(&Cropper::new(&field, &labels, 4, 0.2, 0.3), &CropTarget { label: 1, center_px: [2.0, 2.0] });
        let (kept, dimmed) = ([100, 240, 250], [198, 240, 243]);
        assert_eq!(crop[..4], [kept, kept, dimmed, dimmed]);
    }

    #[test]
    fn dimming_of_one_changes_nothing_and_of_zero_leaves_background() {
        let (field, labels) = (field(4, 4, 0.2, gradient), labels(4, 4, |_, _| 7));
        let target = CropTarget { label: 1, center_px: [2.0, 2.0] };
        let whole: Vec<_> = (0..4).flat_map(|y| (0..4).map(move |x| gradient(x, y))).collect();
        assert_eq!(bytes(&Cropper::new(&field, &labels, 4, 0.2, 1.0), &target), whole);
        assert_eq!(bytes(&Cropper::new(&field, &labels, 4, 0.2, 0.0), &target), vec![[BACKGROUND; 3]; 16]);
    }

    #[test]
    fn outside_the_image_is_background() {
        let (field, labels) = (field(3, 3, 0.2, |_, _| [10, 20, 30]), labels(3, 3, |_, _| 1));
        let crop = bytes(&Cropper::new(&field, &labels, 4, 0.2, 0.3), &CropTarget { label: 1, center_px: [0.0, 3.0] });
        let (inside, outside) = ([10, 20, 30], [BACKGROUND; 3]);
        let expected =
            [[outside, outside, inside, inside], [outside, outside, inside, inside], [outside; 4], [outside; 4]];
        assert_eq!(crop, expected.concat());
    }

    #[test]
    fn a_field_twice_as_fine_is_averaged_by_two() {
        let stripes = |x: u32, _| if x.is_multiple_of(2) { [0; 3] } else { [200; 3] };
        let (field, labels) = (field(16, 16, 0.1, stripes), labels(16, 16, |_, _| 1));
        let crop = bytes(&Cropper::new(&field, &labels, 4, 0.2, 0.3), &CropTarget { label: 1, center_px: [8.0, 8.0] });
        assert_eq!(crop, vec![[100; 3]; 16]);
    }

    #[test]
    fn a_field_twice_as_coarse_is_interpolated() {
        let ramp = |x: u32, _| [(x * 20) as u8; 3];
        let (field, labels) = (field(12, 12, 0.4, ramp), labels(12, 12, |_, _| 1));
        let crop = bytes(&Cropper::new(&field, &labels, 4, 0.2, 0.3), &CropTarget { label: 1, center_px: [6.0, 6.0] });
        // Crop pixel centers lie at 5.25, 5.75, 6.25 and 6.75; the ramp is 20 (x − 0.5).
        assert_eq!(crop[..4], [[95; 3], [105; 3], [115; 3], [125; 3]]);
    }

    #[test]
    fn planes_hold_the_scaled_bytes_channel_by_channel() {
        let (field, labels) = (field(2, 2, 0.2, |x, y| [0, 255, (x + 2 * y) as u8]), labels(2, 2, |_, _| 1));
        let table = crate::classify::card::Scaling { divide: 127.5, subtract: 1.0 }.table();
        let mut planes = Array3::from_elem((3, 2, 2), f32::NAN);
        let cropper = Cropper::new(&field, &labels, 2, 0.2, 0.3);
        let target = CropTarget { label: 1, center_px: [1.0, 1.0] };
        cropper.crop(&target, &mut Planes::new(planes.view_mut(), &table));
        let [red, green, blue] = [0, 1, 2].map(|channel| planes.index_axis(Axis(0), channel));
        assert_eq!((red, green), (array![[-1.0f32, -1.0], [-1.0, -1.0]].view(), array![[1.0, 1.0], [1.0, 1.0]].view()));
        assert_eq!(blue, array![[0.0f64, 1.0], [2.0, 3.0]].mapv(|v| (v / 127.5 - 1.0) as f32));
    }

    #[test]
    fn target_is_the_centroid_in_normalized_pixels() {
        let square = Contour::new(vec![[10.0, 20.0], [30.0, 20.0], [30.0, 40.0], [10.0, 40.0]]).expect("a square");
        let mut field = field(20, 20, 0.2, gradient);
        field.original_px_per_px = 2.0;
        assert_eq!(CropTarget::new(3, &square, &field), CropTarget { label: 3, center_px: [10.0, 15.0] });
    }

    proptest! {
        #[test]
        fn the_small_crop_is_the_middle_of_the_large_one(x in -20.0..60.0f64, y in -20.0..60.0f64) {
            let (field, labels) = (field(40, 40, 0.2, gradient), labels(40, 40, |x, y| (x / 9 + y / 7) % 3));
            let target = CropTarget { label: 1, center_px: [x, y] };
            let small = bytes(&Cropper::new(&field, &labels, 16, 0.2, 0.3), &target);
            let large = bytes(&Cropper::new(&field, &labels, 24, 0.2, 0.3), &target);
            let middle: Vec<_> = (4..20).flat_map(|y| large[y * 24 + 4..y * 24 + 20].iter().copied()).collect();
            prop_assert_eq!(small, middle);
        }

        #[test]
        fn a_flat_field_stays_flat_at_any_scale(value in 0u8.., um_per_px in 0.05..0.5f64) {
            let (field, labels) = (field(60, 60, 0.2, |_, _| [value; 3]), labels(60, 60, |_, _| 1));
            let target = CropTarget { label: 1, center_px: [30.3, 29.6] };
            let crop = bytes(&Cropper::new(&field, &labels, 8, um_per_px, 0.3), &target);
            prop_assert!(crop.iter().all(|rgb| *rgb == [value; 3]));
        }
    }
}
