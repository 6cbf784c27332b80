//! Decoded samples to upright 8-bit RGB.
//!
//! In: interleaved samples of 8 or 16 bits, 1 to 4 channels, rows from the top. Out: [`RgbImage`].
//!
//! Order: 1. the depth in use is found, 2. alpha is laid over white, 3. samples are scaled to 8 bits, 4. gray is spread
//! over the three channels. Color profiles are not applied: values stay as stored and are taken as sRGB.

use image::metadata::Orientation;
use image::{DynamicImage, RgbImage};

use super::error::SourceProblem;
use crate::smear::Calibration;

/// A decoded picture and what its file says of its pixel size.
#[derive(Debug, Clone)]
pub struct DecodedImage {
    /// Pixels, orientation applied.
    pub rgb: RgbImage,
    /// Pixel size; `None` where the file does not say.
    pub calibration: Option<Calibration>,
}

/// What the channel behind the colors means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Alpha {
    /// There is none, or it says nothing of opacity.
    None,
    /// Colors are stored as they are.
    Straight,
    /// Colors are stored multiplied with alpha.
    Premultiplied,
}

impl Alpha {
    /// By the first value of `ExtraSamples` of a TIFF.
    ///
    /// METHOD: several writers leave the tag out of their RGBA files, so a fourth sample without it is opacity. One that is
    /// marked as unspecified is not: such samples are often zero and would turn the picture white.
    pub(super) fn of_extra_sample(kind: Option<u64>) -> Self {
        match kind {
            Some(1) => Self::Premultiplied,
            None | Some(2) => Self::Straight,
            Some(_) => Self::None,
        }
    }
}

/// A picture turned as its EXIF orientation says.
pub(super) fn upright(rgb: RgbImage, orientation: Orientation) -> RgbImage {
    let mut image = DynamicImage::ImageRgb8(rgb);
    image.apply_orientation(orientation);
    image.into_rgb8()
}

/// Interleaved samples, rows from the top.
#[derive(Debug)]
pub(super) struct Samples<T> {
    pub(super) width: u32,
    pub(super) height: u32,
    /// Samples of a pixel, alpha included.
    pub(super) channels: usize,
    /// Of them colors: 1 for gray, 3 for RGB.
    pub(super) colors: usize,
    pub(super) alpha: Alpha,
    pub(super) data: Vec<T>,
}

/// Bit depths that cameras put into 16-bit files, least first.
const CAMERA_BITS: [u32; 5] = [8, 10, 12, 14, 16];

/// Value of white in 16-bit samples.
///
/// METHOD: many cameras of 10, 12 or 14 bits write their counts into the low bits of 16-bit samples and few files say
/// so. Scaled by the full range such a picture is near black. White is therefore the largest count of the smallest
/// common depth that holds every sample: the empty background of a bright field lies near the camera's full scale, so
/// the brightest sample tells the depth. Within a depth nothing is stretched, so a dim field stays dim for the exposure
/// test; only a picture whose brightest sample is under a quarter of its camera's range is brightened, fourfold.
pub(super) fn white_of_16_bit(brightest: u16) -> u32 {
    CAMERA_BITS
        .iter()
        .map(|bits| (1u32 << bits) - 1)
        .find(|white| u32::from(brightest) <= *white)
        .unwrap_or(u32::from(u16::MAX))
}

impl Samples<u8> {
    pub(super) fn into_rgb(self) -> Option<RgbImage> {
        if self.channels == 3 && self.colors == 3 {
            return RgbImage::from_raw(self.width, self.height, self.data);
        }
        self.flatten(255, 255)
    }
}

impl Samples<u16> {
    pub(super) fn into_rgb(self) -> Option<RgbImage> {
        let pixels = self.data.chunks_exact(self.channels.max(1));
        let brightest = pixels.flat_map(|pixel| pixel.iter().take(self.colors)).max().copied().unwrap_or(0);
        let white = white_of_16_bit(brightest);
        self.flatten(white, u32::from(u16::MAX))
    }
}

impl<T: Copy + Into<u32>> Samples<T> {
    /// Composites over white and scales so that `white` becomes 255; `opaque` is the alpha of a solid pixel.
    fn flatten(&self, white: u32, opaque: u32) -> Option<RgbImage> {
        let pixel_count = self.width as usize * self.height as usize;
        let mut rgb = Vec::with_capacity(pixel_count * 3);
        for pixel in self.data.chunks_exact(self.channels) {
            let over_white = |color: T| -> u8 {
                let color: u64 = u64::from(color.into());
                let (white, opaque) = (u64::from(white), u64::from(opaque));
                let alpha = match self.alpha {
                    Alpha::None => opaque,
                    Alpha::Straight | Alpha::Premultiplied => {
                        pixel.get(self.colors).map_or(opaque, |a| (*a).into().into())
                    }
                };
                // Numerator and denominator of the color over white, as a fraction of white.
                let (part, whole) = match self.alpha {
                    Alpha::None => (color, white),
                    Alpha::Straight => (color * alpha + white * (opaque - alpha), white * opaque),
                    Alpha::Premultiplied => (color * opaque + white * (opaque - alpha), white * opaque),
                };
                ((part * 255 + whole / 2) / whole).min(255) as u8
            };
            match *pixel {
                [red, green, blue, ..] if self.colors == 3 => rgb.extend([red, green, blue].map(over_white)),
                [gray, ..] => rgb.extend([over_white(gray); 3]),
                [] => return None,
            }
        }
        RgbImage::from_raw(self.width, self.height, rgb)
    }
}

/// CMYK to RGB: each channel is the light that both its own ink and black let through.
///
/// METHOD: without a color profile the product of the two is the usual stand-in for a print. `full` is the largest
/// sample; `inverted` samples hold light instead of ink.
pub(super) fn rgb_of_cmyk<T: Copy + Into<u32>>(
    width: u32,
    height: u32,
    data: &[T],
    full: u32,
    inverted: bool,
) -> Option<RgbImage> {
    let full = u64::from(full);
    let light = |sample: T| -> u64 {
        let sample = u64::from(sample.into());
        if inverted { sample } else { full - sample.min(full) }
    };
    let through = |ink: T, black: T| ((light(ink) * light(black) * 255 + full * full / 2) / (full * full)) as u8;
    let pixels = data.as_chunks::<4>().0.iter();
    let rgb =
        pixels.flat_map(|[cyan, magenta, yellow, black]| [cyan, magenta, yellow].map(|ink| through(*ink, *black)));
    RgbImage::from_raw(width, height, rgb.collect())
}

/// Any image of 8 or 16 bits to RGB; `None` from the decoder's own variants of other depths is an error.
pub(super) fn rgb_of(image: DynamicImage) -> Result<RgbImage, SourceProblem> {
    let (width, height) = (image.width(), image.height());
    let color = image.color();
    let channels = usize::from(color.channel_count());
    let (colors, alpha) = if color.has_alpha() { (channels - 1, Alpha::Straight) } else { (channels, Alpha::None) };
    let rgb = match image {
        DynamicImage::ImageRgb8(rgb) => Some(rgb),
        DynamicImage::ImageLuma8(_) | DynamicImage::ImageLumaA8(_) | DynamicImage::ImageRgba8(_) => {
            Samples { width, height, channels, colors, alpha, data: image.into_bytes() }.into_rgb()
        }
        other => wide(other).and_then(|data| Samples { width, height, channels, colors, alpha, data }.into_rgb()),
    };
    rgb.ok_or_else(|| SourceProblem::UnsuitableSamples { found: format!("{color:?}") })
}

/// Samples of an image of 16 bits; `None` of another depth.
fn wide(image: DynamicImage) -> Option<Vec<u16>> {
    match image {
        DynamicImage::ImageLuma16(image) => Some(image.into_raw()),
        DynamicImage::ImageLumaA16(image) => Some(image.into_raw()),
        DynamicImage::ImageRgb16(image) => Some(image.into_raw()),
        DynamicImage::ImageRgba16(image) => Some(image.into_raw()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one<T>(colors: usize, alpha: Alpha, data: Vec<T>) -> Samples<T> {
        Samples { width: 1, height: 1, channels: data.len(), colors, alpha, data }
    }

    #[test]
    fn white_is_the_smallest_common_depth_that_holds_every_sample() {
        for (brightest, white) in [
            (0, 255),
            (255, 255),
            (256, 1023),
            (1023, 1023),
            (1024, 4095),
            (4095, 4095),
            (4096, 16_383),
            (16_383, 16_383),
            (16_384, 65_535),
            (65_535, 65_535),
        ] {
            assert_eq!(white_of_16_bit(brightest), white, "brightest {brightest}");
        }
    }

    #[test]
    fn twelve_bits_in_sixteen_are_not_black() {
        let samples =
            Samples { width: 2, height: 1, channels: 1, colors: 1, alpha: Alpha::None, data: vec![2048u16, 4095] };
        assert_eq!(samples.into_rgb().expect("an image").into_raw(), [128, 128, 128, 255, 255, 255]);
    }

    #[test]
    fn sixteen_bits_are_scaled_by_the_full_range() {
        let samples = one(3, Alpha::None, vec![65_535u16, 32_768, 257]);
        assert_eq!(samples.into_rgb().expect("an image").into_raw(), [255, 128, 1]);
    }

    #[test]
    fn alpha_is_laid_over_white() {
        let straight = one(3, Alpha::Straight, vec![200u8, 0, 100, 51]);
        assert_eq!(straight.into_rgb().expect("an image").into_raw(), [244, 204, 224]);
        let premultiplied = one(3, Alpha::Premultiplied, vec![40u8, 0, 20, 51]);
        assert_eq!(premultiplied.into_rgb().expect("an image").into_raw(), [244, 204, 224]);
        let clear = one(1, Alpha::Straight, vec![0u16, 0]);
        assert_eq!(clear.into_rgb().expect("an image").into_raw(), [255, 255, 255]);
        let unspecified = one(3, Alpha::None, vec![1u8, 2, 3, 0]);
        assert_eq!(unspecified.into_rgb().expect("an image").into_raw(), [1, 2, 3]);
    }

    #[test]
    fn ink_takes_light_away() {
        let ink = [0u8, 255, 51, 0, 0, 0, 0, 255];
        let rgb = rgb_of_cmyk(2, 1, &ink, 255, false).expect("an image");
        assert_eq!(rgb.into_raw(), [255, 0, 204, 0, 0, 0]);
        let light = [255u16, 0, 204, 255].map(|sample| sample * 257);
        let rgb = rgb_of_cmyk(1, 1, &light, 65_535, true).expect("an image");
        assert_eq!(rgb.into_raw(), [255, 0, 204]);
    }

    #[test]
    fn a_premultiplied_color_above_its_alpha_saturates() {
        let wrong = one(3, Alpha::Premultiplied, vec![255u8, 255, 255, 10]);
        assert_eq!(wrong.into_rgb().expect("an image").into_raw(), [255, 255, 255]);
    }
}
