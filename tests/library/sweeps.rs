//! Files of every format cut, damaged and blown up: refused with a reason or read right; never a panic, a hang or memory
//! beyond what the limits allow. The whole sweep stays under a minute in the profile of the tests.

// The figures of docs/robustness.md, and what is skipped.
#![allow(clippy::print_stderr)]

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::panic::catch_unwind;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::ZlibEncoder;
use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use rand_pcg::Pcg64Mcg;
use rand_pcg::rand_core::{Rng, SeedableRng};
use schistoquant::source::{DecodeLimits, DecodedImage, ErrorCategory, SourceProblem, decode, expand_inputs};

/// Lengths at which each file is cut.
const CUTS: usize = 200;
/// Damaged copies of each file.
const DAMAGED: usize = 2_000;
/// Most bytes that are changed in a copy.
const MOST_FLIPS: u64 = 8;
/// Longest decoding of a picture of 64 × 32 px. A sound one takes well below a millisecond: what takes this long hangs.
const LONGEST: Duration = Duration::from_secs(10);
/// Most memory of this process, bytes: several decoders at once, each with the least that a bomb here would take.
const MOST_MEMORY: u64 = 1 << 30;
/// Bytes that a bomb holds when it is inflated.
const BOMB: usize = 512 << 20;

fn limits() -> DecodeLimits {
    DecodeLimits::default()
}

/// The pictures of `fixtures/formats`, by name.
fn pictures() -> BTreeMap<String, Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/formats");
    let entries = fs::read_dir(folder).expect("the fixtures").map(|entry| entry.expect("an entry").path());
    let pictures = entries.filter(|path| path.extension().is_some_and(|end| end != "py" && end != "md"));
    let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    pictures.map(|path| (name(&path), fs::read(&path).expect("a fixture"))).collect()
}

/// Decodes and refuses panics and hangs; `what` names the input.
fn decoded(bytes: &[u8], page: usize, what: &str) -> Result<DecodedImage, SourceProblem> {
    let start = Instant::now();
    let result = catch_unwind(|| decode(bytes, page, &limits())).unwrap_or_else(|_| panic!("{what}: a panic"));
    assert!(start.elapsed() < LONGEST, "{what}: {:?}", start.elapsed());
    if let Err(problem) = &result {
        let text = problem.to_string();
        assert!(text.contains("expected ") && text.contains("found ") && text.contains("; "), "{what}: {text}");
    }
    result
}

/// Most memory this process has held, bytes; `None` where the system does not say.
fn peak_memory() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().trim_end_matches(" kB").parse::<u64>().ok()? * 1024)
}

fn assert_modest() {
    if let Some(peak) = peak_memory() {
        assert!(peak < MOST_MEMORY, "{} MiB", peak >> 20);
    }
}

/// Runs the named test in a process of its own, where the memory held is that of this test alone; true in that process.
fn alone(test: &str) -> bool {
    const ALONE: &str = "SCHISTOQUANT_TEST_ALONE";
    if std::env::var_os(ALONE).is_some() {
        return true;
    }
    let program = std::env::current_exe().expect("this test's program");
    let run = Command::new(program).args(["--exact", &format!("sweeps::{test}")]).env(ALONE, "1").output();
    let run = run.expect("the test starts");
    let said = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success() && said.contains("1 passed"), "{said}{}", String::from_utf8_lossy(&run.stderr));
    false
}

#[test]
fn every_file_cut_at_two_hundred_lengths_is_refused_or_whole() {
    let (mut cut, mut whole) = (0, 0);
    for (name, bytes) in pictures() {
        let sound = decode(&bytes, 0, &limits()).unwrap_or_else(|problem| panic!("{name}: {problem}")).rgb;
        for step in 0..CUTS {
            let length = step * bytes.len() / CUTS;
            match decoded(&bytes[..length], 0, &format!("{name} cut at {length}")) {
                Ok(image) => {
                    assert!(image.rgb == sound, "{name} cut at {length} gave other pixels");
                    whole += 1;
                }
                Err(_) => cut += 1,
            }
        }
    }
    assert!(cut > 20 * CUTS * 9 / 10, "{cut} refused, {whole} whole");
    eprintln!("cut: {cut} refused, {whole} whole");
}

#[test]
fn every_file_damaged_two_thousand_times_is_refused_or_a_picture() {
    if !alone("every_file_damaged_two_thousand_times_is_refused_or_a_picture") {
        return;
    }
    for (index, (name, bytes)) in pictures().into_iter().enumerate() {
        let sound = decode(&bytes, 0, &limits()).unwrap_or_else(|problem| panic!("{name}: {problem}")).rgb;
        let mut random = Pcg64Mcg::seed_from_u64(index as u64);
        let (mut refused, mut same, mut other, mut longest) = (0, 0, 0, Duration::ZERO);
        for copy in 0..DAMAGED {
            let mut damaged = bytes.clone();
            for _ in 0..=random.next_u64() % MOST_FLIPS {
                let at = random.next_u64() as usize % damaged.len();
                damaged[at] ^= (random.next_u64() % 255 + 1) as u8;
            }
            let start = Instant::now();
            for page in 0..2 {
                match decoded(&damaged, page, &format!("{name}, damaged copy {copy}, page {page}")) {
                    Ok(image) => {
                        let pixels = u64::from(image.rgb.width()) * u64::from(image.rgb.height());
                        assert!((1..=limits().max_pixels).contains(&pixels), "{name}, damaged copy {copy}");
                        if page == 0 {
                            *(if image.rgb == sound { &mut same } else { &mut other }) += 1;
                        }
                    }
                    Err(_) if page == 0 => refused += 1,
                    Err(_) => {}
                }
            }
            longest = longest.max(start.elapsed());
        }
        assert_eq!(refused + same + other, DAMAGED, "{name}");
        // Every chunk of a PNG that pixels depend on has a checksum: no damage passes for another picture.
        assert!(!name.ends_with(".png") || other == 0, "{name}: {other} damaged copies gave other pixels");
        eprintln!("{name}: {refused} refused, {same} the same picture, {other} another one; longest {longest:?}");
    }
    assert_modest();
}

#[test]
fn damaged_lists_of_pages_are_refused_or_listed() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("damaged.tif");
    let mut random = Pcg64Mcg::seed_from_u64(7);
    for (name, bytes) in pictures().into_iter().filter(|(name, _)| name.ends_with(".tif")) {
        for copy in 0..CUTS {
            let mut damaged = bytes.clone();
            for _ in 0..=random.next_u64() % MOST_FLIPS {
                let at = random.next_u64() as usize % damaged.len();
                damaged[at] = random.next_u64() as u8;
            }
            fs::write(&path, &damaged).expect("written");
            let start = Instant::now();
            let (fields, failures) = expand_inputs(std::slice::from_ref(&path), limits());
            let read = fields.iter().filter(|field| field.read().is_ok()).count();
            assert!(!fields.is_empty() || !failures.is_empty(), "{name}, damaged copy {copy}: nothing said");
            assert!(read <= fields.len() && start.elapsed() < LONGEST, "{name}, damaged copy {copy}");
        }
    }
}

fn encoded(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).expect("an encoder for the format");
    bytes.into_inner()
}

const FORMATS: [ImageFormat; 5] =
    [ImageFormat::Png, ImageFormat::Bmp, ImageFormat::WebP, ImageFormat::Tiff, ImageFormat::Jpeg];

#[test]
fn one_pixel_and_one_row_are_read() {
    for (width, height) in [(1, 1), (1, 300), (300, 1)] {
        let drawn = RgbImage::from_pixel(width, height, Rgb([90, 90, 90]));
        for format in FORMATS {
            let bytes = encoded(&DynamicImage::ImageRgb8(drawn.clone()), format);
            assert_eq!(decoded(&bytes, 0, "a small picture").expect("sound").rgb, drawn, "{format:?}");
        }
    }
}

/// A chunk of a PNG.
fn chunk(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let mut checksum = flate2::Crc::new();
    checksum.update(kind);
    checksum.update(body);
    [&(body.len() as u32).to_be_bytes(), &kind[..], body, &checksum.sum().to_be_bytes()].concat()
}

/// A PNG of 8-bit RGB with chunks in front of its pixels.
fn png(width: u32, height: u32, chunks: &[Vec<u8>], pixels: &[u8]) -> Vec<u8> {
    let header = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 2, 0, 0, 0]].concat();
    let pixels = chunk(b"IDAT", pixels);
    [b"\x89PNG\r\n\x1A\n", &chunk(b"IHDR", &header)[..], &chunks.concat(), &pixels, &chunk(b"IEND", &[])].concat()
}

/// So many zeros, deflated.
fn deflated_zeros(count: usize) -> Vec<u8> {
    let mut deflated = ZlibEncoder::new(Vec::new(), Compression::fast());
    let block = vec![0; 1 << 20];
    (0..count.div_ceil(block.len())).for_each(|_| deflated.write_all(&block).expect("memory"));
    deflated.finish().expect("memory")
}

/// A little-endian TIFF of one strip; entries are tag, type, count, value.
fn tiff(entries: &[(u16, u16, u32, u32)], next: u32, strip: &[u8]) -> Vec<u8> {
    let mut bytes = b"II*\0\x08\0\0\0".to_vec();
    let behind = 8 + 2 + 12 * entries.len() as u32 + 4;
    bytes.extend((entries.len() as u16).to_le_bytes());
    for &(tag, kind, count, value) in entries {
        // The strip lies behind the directory.
        let value = if tag == 273 && value == 0 { behind } else { value };
        bytes
            .extend([&tag.to_le_bytes()[..], &kind.to_le_bytes(), &count.to_le_bytes(), &value.to_le_bytes()].concat());
    }
    bytes.extend(next.to_le_bytes());
    bytes.extend(strip);
    bytes
}

/// Directory of a gray picture.
fn gray(width: u32, height: u32, compression: u32, strip_bytes: u32) -> Vec<(u16, u16, u32, u32)> {
    vec![
        (256, 4, 1, width),
        (257, 4, 1, height),
        (258, 3, 1, 8),
        (259, 3, 1, compression),
        (262, 3, 1, 1),
        (273, 4, 1, 0),
        (277, 3, 1, 1),
        (278, 4, 1, height),
        (279, 4, 1, strip_bytes),
    ]
}

const DEFLATE: u32 = 8;

#[test]
fn bombs_take_neither_time_nor_memory() {
    if !alone("bombs_take_neither_time_nor_memory") {
        return;
    }
    let bomb = deflated_zeros(BOMB);
    let named = |head: &[u8]| [head, &bomb[..]].concat();
    let rows = deflated_zeros(4 * 13);
    let black = RgbImage::new(4, 4);
    let start = Instant::now();
    for (what, bytes) in [
        ("pixels of a PNG", png(4, 4, &[], &bomb)),
        ("color profile of a PNG", png(4, 4, &[chunk(b"iCCP", &named(b"x\0\0"))], &rows)),
        ("text of a PNG", png(4, 4, &[chunk(b"zTXt", &named(b"x\0\0"))], &rows)),
        ("international text of a PNG", png(4, 4, &[chunk(b"iTXt", &named(b"x\0\x01\0\0\0"))], &rows)),
        ("strip of a TIFF", tiff(&gray(4, 4, DEFLATE, bomb.len() as u32), 0, &bomb)),
    ] {
        if let Ok(image) = decoded(&bytes, 0, what) {
            assert!(image.rgb == black, "{what}: pixels that nobody sent");
        }
    }
    assert!(start.elapsed() < LONGEST, "{:?}", start.elapsed());
    assert_modest();
}

#[test]
fn directories_that_lead_back_or_nowhere_end() {
    if !alone("directories_that_lead_back_or_nowhere_end") {
        return;
    }
    let directory = gray(4, 4, 1, 16);
    let sound = tiff(&directory, 0, &[7; 16]);
    assert_eq!(decoded(&sound, 0, "the sound one").expect("sound").rgb, RgbImage::from_pixel(4, 4, Rgb([7; 3])));
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("x.tif");
    for (what, next) in [("itself", 8), ("nowhere", u32::MAX), ("the header", 0x002A_4949)] {
        fs::write(&path, tiff(&directory, next, &[7; 16])).expect("written");
        let (fields, failures) = expand_inputs(std::slice::from_ref(&path), limits());
        assert!(fields.len() <= 1 && fields.len() + failures.len() >= 1, "{what}: {failures:?}");
    }
    for (tag, count) in [(273, u32::MAX), (279, u32::MAX), (258, u32::MAX), (270, u32::MAX), (282, u32::MAX)] {
        let entries: Vec<_> = directory.iter().copied().filter(|entry| entry.0 != tag).collect();
        let mut entries = [entries, vec![(tag, if tag == 270 { 2 } else { 4 }, count, 8)]].concat();
        entries.sort_unstable();
        let _ = decoded(&tiff(&entries, 0, &[7; 16]), 0, &format!("{count} values of tag {tag}"));
    }
    assert_modest();
}

/// A JPEG with other sizes in its frame header.
fn jpeg_of_size(bytes: &[u8], width: u16, height: u16) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let frame = bytes.windows(2).position(|pair| matches!(pair, [0xFF, 0xC0..=0xC2])).expect("a frame header");
    bytes[frame + 5..frame + 7].copy_from_slice(&height.to_be_bytes());
    bytes[frame + 7..frame + 9].copy_from_slice(&width.to_be_bytes());
    bytes
}

#[test]
fn thirty_thousand_by_thirty_thousand_pixels_are_refused_by_the_header() {
    if !alone("thirty_thousand_by_thirty_thousand_pixels_are_refused_by_the_header") {
        return;
    }
    const SIDE: u16 = 30_000;
    let side = u32::from(SIDE);
    let mut bmp = encoded(&DynamicImage::new_rgb8(1, 1), ImageFormat::Bmp);
    bmp[18..22].copy_from_slice(&side.to_le_bytes());
    bmp[22..26].copy_from_slice(&side.to_le_bytes());
    // The canvas of an extended WebP: width and height minus one in 24 bits each.
    let canvas = (side - 1).to_le_bytes();
    let extended = [&b"VP8X"[..], &10_u32.to_le_bytes(), &[0; 4], &canvas[..3], &canvas[..3]].concat();
    let plain = encoded(&DynamicImage::new_rgb8(1, 1), ImageFormat::WebP);
    let parts = [extended, plain[12..].to_vec()].concat();
    let webp = [&b"RIFF"[..], &(parts.len() as u32 + 4).to_le_bytes(), b"WEBP", &parts].concat();
    for (format, bytes) in [
        ("PNG", png(side, side, &[], &deflated_zeros(1))),
        ("BMP", bmp),
        ("TIFF", tiff(&gray(side, side, DEFLATE, 16), 0, &[0; 16])),
        ("JPEG", jpeg_of_size(&pictures()["baseline.jpg"], SIDE, SIDE)),
        ("progressive JPEG", jpeg_of_size(&pictures()["progressive.jpg"], SIDE, SIDE)),
    ] {
        let problem = decoded(&bytes, 0, format).expect_err("more than the limit");
        let stated =
            matches!(problem, SourceProblem::TooManyPixels { width, height, .. } if width == side && height == side);
        assert!(stated, "{format}: {problem}");
    }
    let problem = decoded(&webp, 0, "WebP").expect_err("more than the limit, and not the picture in it");
    assert!(matches!(problem.category(), ErrorCategory::LimitReached | ErrorCategory::InputUnreadable), "{problem}");
    assert_modest();
}

#[test]
fn endless_scans_of_a_jpeg_are_refused() {
    let bytes = pictures().remove("progressive.jpg").expect("a fixture");
    let last = bytes.windows(2).rposition(|pair| pair == [0xFF, 0xDA]).expect("a scan");
    let scan = &bytes[last..bytes.len() - 2];
    let endless = [&bytes[..last], &scan.repeat(100_000), &bytes[bytes.len() - 2..]].concat();
    let start = Instant::now();
    let problem = decoded(&endless, 0, "endless scans").expect_err("more scans than any encoder writes");
    assert!(matches!(problem, SourceProblem::TooManyScans { .. }), "{problem}");
    assert_eq!(problem.category(), ErrorCategory::LimitReached);
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
}
