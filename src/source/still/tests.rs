//! Pictures encoded in memory in each format, and the files of `fixtures/formats`.

use image::{ImageEncoder, Luma, Rgb, RgbImage, Rgba};
use proptest::prelude::*;
use tiff::encoder::{TiffEncoder, colortype};
use tiff::tags::Tag;

use super::*;
use crate::smear::CalibrationSource;
use crate::source::ErrorCategory;

fn read(bytes: &[u8]) -> Result<DecodedImage, SourceProblem> {
    decode(bytes, 0, &DecodeLimits::default())
}

fn pixels(bytes: &[u8]) -> Vec<u8> {
    read(bytes).expect("a sound image").rgb.into_raw()
}

/// A drawing in which every pixel differs from its neighbors.
fn drawing(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| Rgb([(x * 9 + y) as u8, (y * 11 + x) as u8, (x * y) as u8]))
}

fn encoded(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).expect("an encoder for the format");
    bytes.into_inner()
}

/// A TIFF of one page with extra tags.
fn tiff_page<C: colortype::ColorType>(
    width: u32,
    height: u32,
    data: &[C::Inner],
    extra: impl FnOnce(&mut tiff::encoder::ImageEncoder<'_, &mut Cursor<Vec<u8>>, C, tiff::encoder::TiffKindStandard>),
) -> Vec<u8>
where
    [C::Inner]: tiff::encoder::TiffValue,
{
    let mut bytes = Cursor::new(Vec::new());
    let mut encoder = TiffEncoder::new(&mut bytes).expect("a writer");
    let mut page = encoder.new_image::<C>(width, height).expect("a page");
    extra(&mut page);
    page.write_data(data).expect("the pixels");
    bytes.into_inner()
}

#[test]
fn lossless_formats_give_the_pixels_that_went_in() {
    let rgb = drawing(31, 17);
    let image = DynamicImage::ImageRgb8(rgb.clone());
    for format in [ImageFormat::Png, ImageFormat::Bmp, ImageFormat::WebP, ImageFormat::Tiff] {
        assert_eq!(read(&encoded(&image, format)).expect("a sound image").rgb, rgb, "{format:?}");
    }
}

#[test]
fn gray_and_alpha_become_rgb() {
    let gray = DynamicImage::ImageLuma8(image::GrayImage::from_pixel(1, 1, Luma([77])));
    for format in [ImageFormat::Png, ImageFormat::Bmp, ImageFormat::WebP, ImageFormat::Tiff, ImageFormat::Jpeg] {
        assert_eq!(pixels(&encoded(&gray, format)), [77, 77, 77], "{format:?}");
    }
    let half_clear = DynamicImage::ImageRgba8(image::RgbaImage::from_pixel(1, 1, Rgba([200, 0, 100, 51])));
    for format in [ImageFormat::Png, ImageFormat::WebP, ImageFormat::Tiff] {
        assert_eq!(pixels(&encoded(&half_clear, format)), [244, 204, 224], "{format:?}");
    }
    let gray_alpha = DynamicImage::ImageLumaA16(image::ImageBuffer::from_pixel(1, 1, image::LumaA([0u16, 65_535 / 5])));
    assert_eq!(pixels(&encoded(&gray_alpha, ImageFormat::Png)), [204, 204, 204]);
}

#[test]
fn the_fourth_tiff_sample_is_what_its_tag_says() {
    let page = |kind: Option<u16>| {
        let bytes = tiff_page::<colortype::RGBA8>(1, 1, &[40, 0, 20, 51], |page| {
            if let Some(kind) = kind {
                page.encoder().write_tag(Tag::ExtraSamples, kind).expect("a tag");
            }
        });
        pixels(&bytes)
    };
    assert_eq!(page(Some(0)), [40, 0, 20], "unspecified");
    assert_eq!(page(Some(1)), [244, 204, 224], "premultiplied");
    assert_eq!(page(Some(2)), [212, 204, 208], "straight");
    assert_eq!(page(None), [212, 204, 208], "tag left out");
}

#[test]
fn sixteen_bits_are_scaled_by_the_depth_in_use() {
    let page = |samples: [u16; 6]| {
        let rgb = image::ImageBuffer::<Rgb<u16>, _>::from_raw(2, 1, samples.to_vec()).expect("two pixels");
        DynamicImage::ImageRgb16(rgb)
    };
    for format in [ImageFormat::Png, ImageFormat::Tiff] {
        let full = encoded(&page([0, 32_768, 65_535, 257, 514, 771]), format);
        assert_eq!(pixels(&full), [0, 128, 255, 1, 2, 3], "{format:?}");
        let twelve = encoded(&page([0, 2048, 4095, 16, 32, 48]), format);
        assert_eq!(pixels(&twelve), [0, 128, 255, 1, 2, 3], "{format:?}");
    }
}

#[test]
fn fixtures_of_a_kind_agree() {
    let flat = include_bytes!("../../../fixtures/formats/flat.bmp");
    let textured = include_bytes!("../../../fixtures/formats/lossless.webp");
    for same in [
        &include_bytes!("../../../fixtures/formats/palette.png")[..],
        include_bytes!("../../../fixtures/formats/palette.bmp"),
        include_bytes!("../../../fixtures/formats/packbits.tif"),
        include_bytes!("../../../fixtures/formats/cmyk.tif"),
    ] {
        assert_eq!(pixels(same), pixels(flat));
    }
    for same in [
        &include_bytes!("../../../fixtures/formats/lzw.tif")[..],
        include_bytes!("../../../fixtures/formats/deflate.tif"),
    ] {
        assert_eq!(pixels(same), pixels(textured));
    }
    // Lossy coding: each flat quarter within rounding.
    let lossy = read(include_bytes!("../../../fixtures/formats/lossy.webp")).expect("a sound image").rgb;
    let truth = read(flat).expect("a sound image").rgb;
    for (x, y) in [(16, 8), (48, 8), (16, 24), (48, 24)] {
        let close = lossy.get_pixel(x, y).0.iter().zip(truth.get_pixel(x, y).0).all(|(a, b)| a.abs_diff(b) <= 4);
        assert!(close, "({x}, {y}): {:?}", lossy.get_pixel(x, y));
    }
    // The palette entry that covers the upper left quarter is clear.
    let clear = read(include_bytes!("../../../fixtures/formats/transparent-palette.png")).expect("a sound image").rgb;
    let cleared = clear.pixels().filter(|pixel| pixel.0 == [255; 3]).count();
    assert_eq!(cleared, 32 * 16);
}

#[test]
fn jpeg_in_tiff_is_within_rounding_of_its_picture() {
    let jpeg = read(include_bytes!("../../../fixtures/formats/jpeg.tif")).expect("a sound image").rgb;
    let truth = read(include_bytes!("../../../fixtures/formats/baseline.jpg")).expect("a sound image").rgb;
    assert_eq!(jpeg.dimensions(), truth.dimensions());
    let off: u64 = jpeg.as_raw().iter().zip(truth.as_raw()).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
    // Both are quality 90 from the same drawing; the tables differ a little.
    assert!(off / (jpeg.as_raw().len() as u64) < 4, "{off}");
}

/// The 2 × 3 drawing as a viewer shows it for each EXIF orientation: width, height and values.
fn oriented(orientation: u16) -> (u32, u32, Vec<u8>) {
    // Stored rows: 1 2 / 3 4 / 5 6.
    match orientation {
        1 => (2, 3, vec![1, 2, 3, 4, 5, 6]),
        2 => (2, 3, vec![2, 1, 4, 3, 6, 5]),
        3 => (2, 3, vec![6, 5, 4, 3, 2, 1]),
        4 => (2, 3, vec![5, 6, 3, 4, 1, 2]),
        5 => (3, 2, vec![1, 3, 5, 2, 4, 6]),
        6 => (3, 2, vec![5, 3, 1, 6, 4, 2]),
        7 => (3, 2, vec![6, 4, 2, 5, 3, 1]),
        8 => (3, 2, vec![2, 4, 6, 1, 3, 5]),
        other => panic!("orientation {other}"),
    }
}

/// An EXIF block that holds nothing but the orientation.
fn exif(orientation: u16) -> Vec<u8> {
    let mut block = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01".to_vec();
    block.extend(orientation.to_be_bytes());
    block.extend([0; 6]);
    block
}

#[test]
fn every_exif_orientation_is_made_upright() {
    let stored: [u8; 6] = [1, 2, 3, 4, 5, 6];
    for orientation in 1..=8 {
        let mut png = Vec::new();
        let mut encoder = image::codecs::png::PngEncoder::new(&mut png);
        encoder.set_exif_metadata(exif(orientation)).expect("PNG holds EXIF");
        encoder.write_image(&stored, 2, 3, image::ExtendedColorType::L8).expect("a picture");
        let mut webp = Vec::new();
        let mut encoder = image::codecs::webp::WebPEncoder::new_lossless(&mut webp);
        encoder.set_exif_metadata(exif(orientation)).expect("WebP holds EXIF");
        encoder.write_image(&stored, 2, 3, image::ExtendedColorType::L8).expect("a picture");
        let tiff = tiff_page::<colortype::Gray8>(2, 3, &stored, |page| {
            page.encoder().write_tag(Tag::Orientation, orientation).expect("a tag");
        });
        for (bytes, format) in [(png, "PNG"), (webp, "WebP"), (tiff, "TIFF")] {
            let rgb = read(&bytes).expect("a sound image").rgb;
            let found: Vec<u8> = rgb.pixels().map(|pixel| pixel.0[0]).collect();
            assert_eq!(
                (rgb.width(), rgb.height(), found),
                oriented(orientation),
                "{format}, orientation {orientation}"
            );
        }
    }
}

#[test]
fn jpeg_is_turned_as_its_exif_says() {
    let jpeg = include_bytes!("../../../fixtures/formats/flat.jpg");
    let block = [b"Exif\0\0".as_slice(), &exif(6)].concat();
    let length = (block.len() as u16 + 2).to_be_bytes();
    let turned = [&jpeg[..2], &[0xFF, 0xE1], &length, &block, &jpeg[2..]].concat();
    let (stored, upright) = (read(jpeg).expect("a sound image").rgb, read(&turned).expect("a sound image").rgb);
    assert_eq!(upright, image::imageops::rotate90(&stored));
}

#[test]
fn pages_are_read_one_by_one() {
    let mut bytes = Cursor::new(Vec::new());
    let mut encoder = TiffEncoder::new(&mut bytes).expect("a writer");
    for value in [10u8, 20, 30] {
        let mut page = encoder.new_image::<colortype::Gray8>(2, 1).expect("a page");
        if value == 20 {
            page.encoder().write_tag(Tag::NewSubfileType, 1u32).expect("a tag");
        }
        page.write_data(&[value, value + 1]).expect("the pixels");
    }
    let bytes = bytes.into_inner();
    let listed = tiff_pages::pages(Cursor::new(&bytes)).expect("a sound file");
    assert_eq!(listed.pictures, [0, 2], "the second page is a thumbnail");
    assert!(listed.left_out.is_none());
    for (page, value) in [(0, 10), (2, 30)] {
        let rgb = decode(&bytes, page, &DecodeLimits::default()).expect("a page").rgb;
        assert_eq!(rgb.into_raw(), [value, value, value, value + 1, value + 1, value + 1]);
    }
    assert!(decode(&bytes, 3, &DecodeLimits::default()).is_err());
}

#[test]
fn the_smaller_copies_of_a_slide_are_no_fields() {
    let slide = include_bytes!("../../../fixtures/formats/tiled-slide.tif");
    let listed = tiff_pages::pages(Cursor::new(slide)).expect("a sound file");
    assert_eq!(listed.pictures, [0]);
    let rgb = read(slide).expect("a sound image").rgb;
    assert_eq!(rgb.dimensions(), (20, 16));
    assert_eq!([(0, 0), (15, 15), (16, 0), (19, 15)].map(|(x, y)| rgb.get_pixel(x, y).0[0]), [50, 50, 60, 60]);
    assert_eq!(decode(slide, 1, &DecodeLimits::default()).expect("the copy").rgb.get_pixel(9, 7).0, [200; 3]);
}

#[test]
fn planes_are_laid_side_by_side() {
    // One strip for each plane of a 2 × 1 picture.
    let entries: [(u16, u16, u32, u32); 10] = [
        (256, 4, 1, 2),
        (257, 4, 1, 1),
        (258, 3, 1, 8),
        (259, 3, 1, 1),
        (262, 3, 1, 2),
        (273, 4, 3, 134),
        (277, 3, 1, 3),
        (278, 4, 1, 1),
        (279, 4, 3, 146),
        (284, 3, 1, 2),
    ];
    let mut bytes = b"II*\0\x08\0\0\0\x0A\0".to_vec();
    for (tag, kind, count, value) in entries {
        bytes.extend(tag.to_le_bytes());
        bytes.extend(kind.to_le_bytes());
        bytes.extend(count.to_le_bytes());
        bytes.extend(value.to_le_bytes());
    }
    bytes.extend([0; 4]);
    assert_eq!(bytes.len(), 134);
    bytes.extend([158u32, 160, 162].iter().flat_map(|offset| offset.to_le_bytes()));
    bytes.extend([2u32, 2, 2].iter().flat_map(|count| count.to_le_bytes()));
    bytes.extend([1, 2, 11, 12, 21, 22]);
    assert_eq!(pixels(&bytes), [1, 11, 21, 2, 12, 22]);
}

#[test]
fn resolution_and_description_give_the_pixel_size() {
    use tiff::tags::ResolutionUnit::{Centimeter, Inch};
    for (unit, n, d, um) in [(Centimeter, 100_000, 1, Some(0.1)), (Inch, 300, 1, None), (Inch, 254_000, 0, None)] {
        let page = tiff_page::<colortype::Gray8>(1, 1, &[9], |page| {
            page.resolution(unit, tiff::encoder::Rational { n, d });
        });
        let calibration = read(&page).expect("a sound image").calibration;
        assert_eq!(calibration.map(|known| known.um_per_px), um, "{n} over {d}");
        assert!(calibration.is_none_or(|known| known.source == CalibrationSource::TiffResolution));
    }
    let ome = tiff_page::<colortype::Gray8>(1, 1, &[9], |page| {
        let text = "<OME><Image><Pixels PhysicalSizeX=\"65\" PhysicalSizeXUnit=\"nm\"/></Image></OME>";
        page.encoder().write_tag(Tag::ImageDescription, text).expect("a tag");
    });
    let calibration = read(&ome).expect("a sound image").calibration.expect("a pixel size");
    assert_eq!((calibration.um_per_px, calibration.source), (0.065, CalibrationSource::OmeXml));
}

#[test]
fn the_extension_decides_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("photo.jpg");
    std::fs::write(&path, encoded(&DynamicImage::ImageRgb8(drawing(3, 2)), ImageFormat::Png)).expect("a file");
    let (file, _) = StillFile::open(&path, DecodeLimits::default()).expect("a PNG");
    assert_eq!(file.read(0).expect("a field").rgb, drawing(3, 2));
}

#[test]
fn a_file_beyond_the_limit_is_refused_by_its_size() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("photo.png");
    let bytes = encoded(&DynamicImage::ImageRgb8(drawing(3, 2)), ImageFormat::Png);
    std::fs::write(&path, &bytes).expect("a file");
    let exact = DecodeLimits { max_file_bytes: bytes.len() as u64, ..DecodeLimits::default() };
    assert!(StillFile::open(&path, exact).is_ok());
    let under = DecodeLimits { max_file_bytes: bytes.len() as u64 - 1, ..DecodeLimits::default() };
    let problem = StillFile::open(&path, under).expect_err("one byte too many");
    assert_eq!(problem.category(), ErrorCategory::LimitReached);
}

#[test]
fn bytes_are_kept_until_the_last_page_and_hashed_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("stack.tif");
    let mut bytes = Cursor::new(Vec::new());
    let mut encoder = TiffEncoder::new(&mut bytes).expect("a writer");
    for value in [1u8, 2] {
        encoder.write_image::<colortype::Gray8>(1, 1, &[value]).expect("a page");
    }
    std::fs::write(&path, bytes.into_inner()).expect("a file");
    let (file, _) = StillFile::open(&path, DecodeLimits::default()).expect("a TIFF");
    assert_eq!(file.field_suffixes(), ["", "#2"]);
    let first = file.read(0).expect("the first page");
    std::fs::remove_file(&path).expect("the file");
    let second = file.read(1).expect("the second page from memory");
    assert_eq!(first.sha256, second.sha256);
    assert_eq!((first.rgb.into_raw(), second.rgb.into_raw()), (vec![1; 3], vec![2; 3]));
    assert!(matches!(file.read(1).expect_err("the file is gone").problem, SourceProblem::Missing));
}

#[test]
fn the_hash_is_that_of_the_bytes() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("flat.bmp");
    std::fs::write(&path, include_bytes!("../../../fixtures/bad/input_unreadable/text-named-as.png")).expect("a file");
    // `printf 'x_px,y_px\n12,30\n' | sha256sum`
    let file = FileBytes::read(&path, &DecodeLimits::default()).expect("a file");
    assert_eq!(file.sha256, "8442412b3ee7cff1cbe7487c577ac1e6392a69fe669302b2b1a76092d9b9873a");
}

#[test]
fn a_damaged_chunk_of_a_png_is_refused_by_its_name() {
    let picture = include_bytes!("../../../fixtures/formats/transparent-palette.png");
    let damaged = |at: usize| {
        let mut bytes = picture.to_vec();
        bytes[at] ^= 1;
        check_png_chunks(&bytes).expect_err("damage").to_string()
    };
    check_png_chunks(picture).expect("a sound picture");
    let transparency = picture.windows(4).position(|four| four == b"tRNS").expect("clear colors");
    let said = damaged(transparency + 4);
    assert!(said.contains("a wrong checksum in the chunk `tRNS`"), "{said}");
    assert!(damaged(transparency).contains("`uRNS`"));
    // What is cut off or lies behind the end is left to the decoder.
    for end in 0..picture.len() {
        check_png_chunks(&picture[..end]).expect("whole chunks are sound");
    }
    check_png_chunks(&[&picture[..], b"\0\0\0\0text behind the picture"].concat()).expect("the picture has ended");
}

proptest! {
    #[test]
    fn noise_behind_a_signature_never_panics(noise in prop::collection::vec(any::<u8>(), 0..300), which in 0usize..6) {
        let signature: &[u8] =
            [&b"\xFF\xD8\xFF"[..], b"\x89PNG\r\n\x1A\n", b"II*\0\x08\0\0\0", b"MM\0+\0\x08\0\0", b"RIFF\x40\0\0\0WEBPVP8 ", b""][which];
        let _ = read(&[signature, &noise].concat());
    }
}
