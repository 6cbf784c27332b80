//! Whether two fields show the same picture: a picture counts once, whatever it is called.
//!
//! In: flattened fields. Out: a [`PictureSignature`] of each, and of two of them a likeness, −1 to 1. Method: the mean green
//! density of 16 × 16 parts of the lit picture, less the mean of all; likeness is the correlation of two such grids, the best
//! of the eight ways in which a picture can be turned and mirrored.
//!
//! METHOD: a correlation, and no hash of bits (`dHash`, `pHash`): on a field of few cells most bits of a hash are those of
//! the empty background, so that two such fields are alike. Densities end at [`MAX_DENSITY`], because one white cell in the
//! middle of a field would outweigh all red cells. Among 1,437 photographs of eight labelled sets, different ones reach 0.63
//! (pbc, a white cell in the middle of each). The same photographs reach 0.97 and more when they are turned, mirrored, saved as
//! JPEG of quality 50, reduced to a quarter of their width, darkened or blurred, and 0.87 and more when 2 % is cut off at two
//! sides.
//!
//! Limits: pictures that share less than about 95 % of what they show count as different, so that cells in the overlap of two
//! neighboring fields are counted twice. A border or a bar added to a picture makes it another one unless
//! `optics/illuminated` finds it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::smear::NormalizedField;

/// Parts along each side; in a usual field a part is about as large as a red cell.
const SIDE: usize = 16;
/// Density at which a pixel counts no further, base 10: about that of a well stained red cell.
const MAX_DENSITY: f32 = 0.13;
/// Likeness from which two fields show the same picture: midway between 0.63 and 0.97, and below 0.87 (see above).
pub const SAME_PICTURE_LIKENESS: f64 = 0.8;

/// What a picture looks like from afar; written as base64 of 256 signed bytes, rows from the top.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PictureSignature([i8; SIDE * SIDE]);

impl PictureSignature {
    /// Signature of a field; `None` where it is smaller than 16 pixels or shows the same everywhere.
    pub fn of(field: &NormalizedField) -> Option<Self> {
        let (width, height) = field.rgb.dimensions();
        if width < SIDE as u32 || height < SIDE as u32 {
            return None;
        }
        let table = NormalizedField::densities();
        let densities: [f64; 256] =
            std::array::from_fn(|value| f64::from(table.density(value as u8).clamp(0.0, MAX_DENSITY)));
        let part = |at: u32, extent: u32| (u64::from(at) * SIDE as u64 / u64::from(extent)) as usize;
        // First column of each part, and the width behind the last.
        let firsts: [usize; SIDE + 1] = std::array::from_fn(|part| (part * width as usize).div_ceil(SIDE));
        let mut parts = [(0_f64, 0_u32); SIDE * SIDE];
        for (y, row) in (0..height).zip(field.rgb.as_raw().as_chunks::<3>().0.chunks_exact(width as usize)) {
            let lit = field.lit.as_ref().map_or(0..width, |lit| lit.row(y));
            let line = &mut parts[SIDE * part(y, height)..][..SIDE];
            for ((sum, pixels), bounds) in line.iter_mut().zip(firsts.windows(2)) {
                let columns = bounds[0].max(lit.start as usize)..bounds[1].min(lit.end as usize);
                let seen = row.get(columns).unwrap_or_default();
                *sum = seen.iter().fold(*sum, |sum, pixel| sum + densities[usize::from(pixel[1])]);
                *pixels += seen.len() as u32;
            }
        }
        // A part that is lit by less than half says nothing.
        let least = width / SIDE as u32 * (height / SIDE as u32) / 2;
        let means = parts.map(|(sum, pixels)| (pixels > least).then(|| sum / f64::from(pixels)));
        let seen = means.iter().flatten().count();
        let mean = means.iter().flatten().sum::<f64>() / seen.max(1) as f64;
        let off = means.map(|part| part.map_or(0.0, |part| part - mean));
        let largest = off.iter().fold(0_f64, |most, value| most.max(value.abs()));
        // One gray value in the mean of a part is the noise of a blank field.
        let blank = f64::from(table.density(NormalizedField::BACKGROUND - 1));
        (largest > blank).then(|| Self(off.map(|value| (127.0 * value / largest).round() as i8)))
    }

    /// Correlation with another picture in the best of the eight positions, −1 to 1.
    pub fn likeness(&self, other: &Self) -> f64 {
        OrientedSignature::of(self).likeness(other)
    }

    fn length(&self) -> f64 {
        f64::from(self.0.iter().map(|value| i32::from(*value).pow(2)).sum::<i32>()).sqrt()
    }
}

/// A signature in its eight positions, for comparing one picture with many.
#[derive(Debug, Clone)]
pub struct OrientedSignature {
    positions: [[i8; SIDE * SIDE]; 8],
    length: f64,
}

impl OrientedSignature {
    /// All positions of a signature.
    pub fn of(signature: &PictureSignature) -> Self {
        let positions = POSITIONS.map(|position| position.map(|at| signature.0[usize::from(at)]));
        Self { positions, length: signature.length() }
    }

    /// As [`PictureSignature::likeness`].
    pub fn likeness(&self, other: &PictureSignature) -> f64 {
        let product = |position: &[i8; SIDE * SIDE]| -> i32 {
            position.iter().zip(&other.0).map(|(own, other)| i32::from(*own) * i32::from(*other)).sum()
        };
        let most = self.positions.iter().map(product).max().unwrap_or(0);
        let length = self.length * other.length();
        if length > 0.0 { f64::from(most) / length } else { 0.0 }
    }
}

/// For each way to turn and mirror a picture, the part that comes to lie on each part.
static POSITIONS: [[u8; SIDE * SIDE]; 8] = positions();

const fn positions() -> [[u8; SIDE * SIDE]; 8] {
    let mut all = [[0; SIDE * SIDE]; 8];
    let last = SIDE - 1;
    let mut way = 0;
    while way < 8 {
        let mut at = 0;
        while at < SIDE * SIDE {
            let (mut x, mut y) = (at % SIDE, at / SIDE);
            if way & 1 == 1 {
                x = last - x;
            }
            if way & 2 == 2 {
                y = last - y;
            }
            if way & 4 == 4 {
                (x, y) = (y, x);
            }
            all[way][at] = (y * SIDE + x) as u8;
            at += 1;
        }
        way += 1;
    }
    all
}

impl Serialize for PictureSignature {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(self.0.map(|value| value as u8)))
    }
}

impl<'de> Deserialize<'de> for PictureSignature {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let expected = || serde::de::Error::custom("expected base64 of 256 bytes for a picture's signature");
        let bytes = STANDARD.decode(text).map_err(|_| expected())?;
        let bytes: [u8; SIDE * SIDE] = bytes.try_into().map_err(|_| expected())?;
        Ok(Self(bytes.map(|byte| byte as i8)))
    }
}

impl JsonSchema for PictureSignature {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "PictureSignature".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "contentEncoding": "base64" })
    }
}

/// The pictures of a specimen that are counted already.
#[derive(Debug, Clone, Default)]
pub struct CountedPictures(Vec<(String, PictureSignature)>);

/// An earlier field that shows the same picture.
#[derive(Debug, Clone, PartialEq)]
pub struct SamePicture {
    /// Name of the earlier field.
    pub field: String,
    /// Likeness of both, −1 to 1.
    pub likeness: f64,
}

impl CountedPictures {
    /// The earlier field that is most like a picture, where it is the same one.
    pub fn find(&self, signature: &PictureSignature) -> Option<SamePicture> {
        let oriented = OrientedSignature::of(signature);
        let same = self.0.iter().map(|(field, other)| (field, oriented.likeness(other)));
        let (field, likeness) =
            same.filter(|(_, likeness)| *likeness >= SAME_PICTURE_LIKENESS).max_by(|a, b| a.1.total_cmp(&b.1))?;
        Some(SamePicture { field: field.clone(), likeness })
    }

    /// Notes the picture of a field that is counted.
    pub fn add(&mut self, field: &str, signature: PictureSignature) {
        self.0.push((field.to_owned(), signature));
    }
}

#[cfg(test)]
mod tests {
    use image::{Rgb, RgbImage, imageops};
    use proptest::prelude::*;

    use super::*;
    use crate::optics::illuminated::Illuminated;

    fn field(rgb: RgbImage) -> NormalizedField {
        NormalizedField { rgb, um_per_px: 0.3125, original_px_per_px: 1.0, lit: None }
    }

    fn signature(rgb: &RgbImage) -> PictureSignature {
        PictureSignature::of(&field(rgb.clone())).expect("cells")
    }

    /// Disks of a red cell's size and density about the given places, on empty background.
    fn cells(places: &[[f64; 2]]) -> RgbImage {
        RgbImage::from_fn(320, 240, |x, y| {
            let is_cell = places.iter().any(|[cx, cy]| (f64::from(x) - cx).hypot(f64::from(y) - cy) < 12.0);
            Rgb(if is_cell { [220, 180, 190] } else { [240; 3] })
        })
    }

    fn places() -> impl Strategy<Value = Vec<[f64; 2]>> {
        prop::collection::vec([15.0..305.0f64, 15.0..225.0f64], 4..60)
    }

    proptest! {
        #[test]
        fn a_picture_turned_mirrored_or_reduced_is_the_same(places in places()) {
            let picture = cells(&places);
            let own = signature(&picture);
            prop_assert!((own.likeness(&own) - 1.0).abs() < 1e-9);
            for other in [
                imageops::rotate90(&picture),
                imageops::rotate180(&picture),
                imageops::rotate270(&picture),
                imageops::flip_horizontal(&picture),
                imageops::flip_vertical(&imageops::rotate90(&picture)),
                imageops::resize(&picture, 160, 120, imageops::FilterType::Triangle),
            ] {
                let other = signature(&other);
                prop_assert!(own.likeness(&other) > 0.97, "{}", own.likeness(&other));
                prop_assert_eq!(own.likeness(&other), other.likeness(&own));
            }
        }

        #[test]
        fn fields_of_other_cells_are_different(one in places(), other in places()) {
            let likeness = signature(&cells(&one)).likeness(&signature(&cells(&other)));
            prop_assert!(likeness < SAME_PICTURE_LIKENESS, "{likeness}");
        }

        #[test]
        fn a_signature_reads_back_as_written(places in places()) {
            let own = signature(&cells(&places));
            let text = serde_json::to_string(&own).expect("plain text");
            prop_assert_eq!(serde_json::from_str::<PictureSignature>(&text).expect("own text"), own);
        }
    }

    #[test]
    fn the_round_view_of_an_eyepiece_is_no_likeness() {
        let seen = |places: &[[f64; 2]]| {
            let dark = RgbImage::from_fn(320, 240, |x, y| {
                let is_lit = (f64::from(x) - 160.0).hypot(f64::from(y) - 120.0) < 110.0;
                if is_lit { *cells(&[]).get_pixel(x, y) } else { Rgb([8; 3]) }
            });
            let lit = Illuminated::find(&dark).expect("a round view");
            let mut rgb = cells(places);
            lit.fill_outside(&mut rgb, 240);
            PictureSignature::of(&NormalizedField { lit: Some(lit), ..field(rgb) }).expect("cells")
        };
        let (one, other) = (seen(&[[120.0, 100.0], [200.0, 130.0]]), seen(&[[150.0, 60.0], [140.0, 180.0]]));
        assert!(one.likeness(&other) < 0.2, "{}", one.likeness(&other));
        assert!((one.likeness(&one) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn blank_and_tiny_fields_have_no_signature() {
        assert_eq!(PictureSignature::of(&field(RgbImage::from_pixel(200, 200, Rgb([240; 3])))), None);
        let tiny = imageops::crop_imm(&cells(&[[3.0, 3.0]]), 0, 0, 15, 200).to_image();
        assert_eq!(PictureSignature::of(&field(tiny)), None);
    }

    #[test]
    fn the_most_alike_of_the_counted_pictures_is_named() {
        let (one, other) = (cells(&[[50.0, 50.0], [200.0, 100.0]]), cells(&[[250.0, 200.0], [90.0, 160.0]]));
        let mut counted = CountedPictures::default();
        assert_eq!(counted.find(&signature(&one)), None);
        counted.add("a.png", signature(&other));
        assert_eq!(counted.find(&signature(&one)), None);
        counted.add("b.png", signature(&one));
        let same = counted.find(&signature(&imageops::rotate90(&one))).expect("the same picture");
        assert_eq!(same.field, "b.png");
        assert!(same.likeness > 0.97);
    }

    #[test]
    fn a_signature_that_is_none_is_refused() {
        for text in ["\"\"", "\"AAAA\"", "\"%%%\"", "7"] {
            assert!(serde_json::from_str::<PictureSignature>(text).is_err(), "{text}");
        }
    }
}
