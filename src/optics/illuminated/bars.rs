//! Uniform bars at the edges of a picture.
//!
//! In: RGB pixels. Out: what is left of the picture without its bars. Method: from each edge on, lines of pixels belong to a
//! bar as long as most of their pixels have the bar's color; a bar ends in a step, where that share falls within a few
//! lines from nearly all to few.
//!
//! METHOD: the step is what tells a bar from blank glass, whatever its color: cells and shading take the share of one color
//! away little by little. Text in a bar takes a part of a line, seldom half of it.

use image::RgbImage;

/// Gray values by which a pixel of a bar may differ from its color: compression beside text and edges.
const SAME_COLOR: u8 = 4;
/// Least share of a bar's color in each of its lines; the rest is text.
const MIN_LINE_SHARE: f64 = 0.5;
/// Least share in its last line: there is no text at the edge of a bar.
const MIN_EDGE_SHARE: f64 = 0.9;
/// Largest share behind the step.
const MAX_BEYOND_SHARE: f64 = 0.3;
/// Lines of the step itself: an edge smeared by a change of scale and by blocks of compression.
const STEP_LINES: u32 = 4;
/// Fewest lines of a bar: one odd line is a fault of a camera.
const MIN_LINES: u32 = 2;
/// Largest share of the picture's side that one bar takes.
const MAX_SHARE: f64 = 0.6;
/// Passes over the four sides: a bar beside a bar is found in the second one.
const PASSES: usize = 3;

/// Left, top, right, bottom of the picture without its bars.
pub(super) fn frame_within(rgb: &RgbImage) -> [u32; 4] {
    let mut frame = [0, 0, rgb.width(), rgb.height()];
    for _ in 0..PASSES {
        // METHOD: all four sides are measured before one is moved, so that a turned picture gives the turned frame.
        let lines = [0, 1, 2, 3].map(|side| bar_lines(rgb, &frame, side));
        if lines == [0; 4] {
            break;
        }
        let next = [frame[0] + lines[0], frame[1] + lines[1], frame[2] - lines[2], frame[3] - lines[3]];
        if next[0] >= next[2] || next[1] >= next[3] {
            break;
        }
        frame = next;
    }
    frame
}

/// Lines that the bar of a side takes with its step, 0 for none; sides in the order of a frame.
fn bar_lines(rgb: &RgbImage, frame: &[u32; 4], side: usize) -> u32 {
    let depth = if side.is_multiple_of(2) { frame[2] - frame[0] } else { frame[3] - frame[1] };
    let Some(color) = color(rgb, frame, side) else { return 0 };
    let share = |line: u32| share(rgb, frame, side, line, color);
    let most = (MAX_SHARE * f64::from(depth)) as u32;
    let lines = (0..most).take_while(|line| share(*line) >= MIN_LINE_SHARE).count() as u32;
    // The last line that is wholly the bar's: half of a smeared step still has its color.
    let Some(last) = (0..lines).rev().take(STEP_LINES as usize).find(|line| share(*line) >= MIN_EDGE_SHARE) else {
        return 0;
    };
    let beyond = last + 1 + STEP_LINES;
    let is_bar = last + 1 >= MIN_LINES && lines < most && beyond < depth && share(beyond) <= MAX_BEYOND_SHARE;
    if is_bar { beyond.min(lines + 1) } else { 0 }
}

/// Pixels of a line, counted from its side.
fn line<'a>(
    rgb: &'a RgbImage,
    frame: &[u32; 4],
    side: usize,
    line: u32,
) -> impl Iterator<Item = &'a [u8; 3]> + use<'a> {
    let [left, top, right, bottom] = *frame;
    let (pixels, width) = (rgb.as_raw().as_chunks::<3>().0, rgb.width() as usize);
    let (first, step, count) = match side {
        0 => ((left + line) as usize + top as usize * width, width, bottom - top),
        1 => (left as usize + (top + line) as usize * width, 1, right - left),
        2 => ((right - 1 - line) as usize + top as usize * width, width, bottom - top),
        _ => (left as usize + (bottom - 1 - line) as usize * width, 1, right - left),
    };
    pixels[first..].iter().step_by(step).take(count as usize)
}

/// Median of the outermost line in each channel.
fn color(rgb: &RgbImage, frame: &[u32; 4], side: usize) -> Option<[u8; 3]> {
    let mut counts = [[0u32; 256]; 3];
    let mut pixels = 0;
    for pixel in line(rgb, frame, side, 0) {
        pixels += 1;
        for (counts, value) in counts.iter_mut().zip(pixel) {
            counts[usize::from(*value)] += 1;
        }
    }
    let median = |counts: &[u32; 256]| {
        let mut below = 0;
        (0u8..=255).find(|value| {
            below += counts[usize::from(*value)];
            2 * below >= pixels
        })
    };
    let [red, green, blue] = counts.each_ref().map(median);
    Some([red?, green?, blue?])
}

/// Share of the pixels of a line that have a color.
fn share(rgb: &RgbImage, frame: &[u32; 4], side: usize, at: u32, color: [u8; 3]) -> f64 {
    let (mut same, mut all) = (0u32, 0u32);
    for pixel in line(rgb, frame, side, at) {
        same += u32::from(pixel.iter().zip(color).all(|(value, color)| value.abs_diff(color) <= SAME_COLOR));
        all += 1;
    }
    f64::from(same) / f64::from(all.max(1))
}
