//! The bright disc of a picture that was taken through an eyepiece.
//!
//! In: RGB pixels and the frame in which they are looked at. Out: the disc in which the light is even enough to be flattened;
//! `None` for a picture without a dark surround. Order: 1. a small picture, which shows most pictures to have nothing
//! dark at all; 2. the rim: where what is dark and touches the frame ends; 3. a circle through most of the rim, by seeded
//! samples of three points (Fischler and Bolles, Commun. ACM 1981, 24:381–395) and least squares (Kåsa, IEEE Trans.
//! Instrum. Meas. 1976, IM-25:8–14); 4. proof: dark outside of the circle and bright inside, with a step between that no
//! fall of light toward the corners has; 5. the circle anew on the pixels themselves; 6. inward to where the soft edge ends.
//! Limits: less than [`MIN_SURROUND_SHARE`] of surround is not looked for.

use std::f64::consts::TAU;

use image::RgbImage;

use crate::optics::length;
use crate::optics::regions::{Connectivity, regions_of_runs};
use crate::optics::runs::RowRuns;

/// Longer side of the small picture, pixels: a rim is then placed within half a percent of it before it is measured.
const SMALL_SIDE_PX: u32 = 160;
/// Samples along each axis that give a pixel of the small picture.
const SAMPLES: u32 = 4;
/// The brightest part of a picture is known by this quantile: a disc of 15 % of it holds more.
const BRIGHT_QUANTILE: f64 = 0.9;
/// The darkest part is known by this quantile: dark corners of 1 % of the picture hold more.
const DARK_QUANTILE: f64 = 0.005;
/// Largest value of a surround, share of the brightest part.
const DARK_SHARE: f64 = 0.35;
/// Least brightest value, gray values: a picture below it is black.
const MIN_BRIGHT_GRAY: f64 = 24.0;
/// Where the rim is cut, share of the way from the darkest to the brightest part.
const RIM_LEVEL: f64 = 0.35;
/// Least share of the picture outside of the circle.
const MIN_SURROUND_SHARE: f64 = 0.002;
/// Samples of three points.
const SAMPLES_OF_THREE: usize = 400;
/// Distance within which a point lies on the circle, pixels of the small picture.
const ON_CIRCLE_PX: f64 = 1.5;
/// Radii that are tried, shares of the small picture's shorter and longer side.
const RADII: (f64, f64) = (0.15, 3.0);
/// Rounds of least squares over the points on the circle.
const FIT_ROUNDS: usize = 4;
/// Directions in which the circle is looked at.
const DIRECTIONS: usize = 360;
/// Distance to both sides of the circle at which it is dark and bright, pixels of the small picture.
const BESIDE_PX: f64 = 3.0;
/// The bright side again, share of the radius: beyond a soft edge.
const BESIDE_SHARE: f64 = 0.06;
/// Fewest directions of those in the frame that are dark outside and bright inside.
const MIN_PROVEN_SHARE: f64 = 0.75;
/// Shortest arc that proves a circle, pixels of the small picture.
const MIN_ARC_PX: f64 = 24.0;
/// Least share of dark pixels beyond the circle; the rest is glare.
const MIN_DARK_OUTSIDE: f64 = 0.85;
/// Largest share of the surround within the circle: dark cells at the rim.
const MAX_DARK_INSIDE: f64 = 0.05;
/// Least ratio of the medians beside the circle. A fall of light by the fourth power of the cosine to a third of its height
/// in the corners has less than 2 over the same distance.
const MIN_STEP: f64 = 3.0;
/// Reach of the search for the true rim to both sides of the circle, pixels of the small picture.
const SEARCH_PX: f64 = 3.5;
/// Step of the search for the end of the soft edge, share of the radius, and the number of steps.
const INWARD_STEP: f64 = 0.005;
/// See [`INWARD_STEP`].
const INWARD_STEPS: usize = 50;
/// Steps over which the light is compared: 3 % of the radius.
const LIGHT_STEPS: usize = 6;
/// Least light of a ring over that of the ring [`LIGHT_STEPS`] further inward, each channel: a quadratic surface
/// follows a slower fall.
const MIN_LIGHT: f64 = 0.94;
/// The light of a ring is known by this quantile: cells are darker.
const LIGHT_QUANTILE: f64 = 0.75;
/// Points farther from the circle than this quantile of them lie in the dark.
const RESIDUAL_QUANTILE: f64 = 0.9;

/// A circle, pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Circle {
    pub center: [f64; 2],
    pub radius: f64,
}

impl Circle {
    fn distance(&self, [x, y]: [f64; 2]) -> f64 {
        length(x - self.center[0], y - self.center[1]) - self.radius
    }

    /// The point in a direction (in turns of [`DIRECTIONS`]) at a distance from the center.
    fn at(&self, direction: usize, distance: f64) -> [f64; 2] {
        let (sin, cos) = (TAU * (direction as f64 + 0.5) / DIRECTIONS as f64).sin_cos();
        [self.center[0] + distance * cos, self.center[1] + distance * sin]
    }
}

/// The lit disc within a frame (left, top, right, bottom).
pub(super) fn find(rgb: &RgbImage, frame: [u32; 4]) -> Option<Circle> {
    let small = Small::of(rgb, frame);
    let level = small.rim_level()?;
    let surround = small.surround(level);
    let rim = small.rim(&surround, level);
    let rough = through_most(&rim, (small.width, small.height))?;
    if !small.proves(&rough, &surround, level) {
        return None;
    }
    let picture = Picture { rgb, frame: frame.map(f64::from) };
    let block = f64::from(small.block);
    let circle = Circle {
        center: [0, 1].map(|axis| picture.frame[axis] + rough.center[axis] * block),
        radius: rough.radius * block,
    };
    let (circle, residual) = picture.on_the_rim(&circle, level, SEARCH_PX * block).unwrap_or((circle, block));
    Some(Circle { radius: picture.lit_radius(&circle) - residual, ..circle })
}

/// A picture of block means, the largest channel of each: a surround is dark in all of them.
struct Small {
    values: Vec<f64>,
    width: usize,
    height: usize,
    /// Pixels of the picture along a side of a block.
    block: u32,
}

impl Small {
    fn of(rgb: &RgbImage, [left, top, right, bottom]: [u32; 4]) -> Self {
        let block = (right - left).max(bottom - top).div_ceil(SMALL_SIDE_PX).max(1);
        let (width, height) = (((right - left) / block) as usize, ((bottom - top) / block) as usize);
        let samples = block.min(SAMPLES);
        // The middles of equal parts of a block, so that a turned picture has the same samples.
        let offsets: Vec<usize> = (0..samples).map(|part| ((2 * part + 1) * block / (2 * samples)) as usize).collect();
        let (block_px, row_bytes) = (block as usize, 3 * rgb.width() as usize);
        let columns = 3 * left as usize..3 * (left as usize + width * block_px);
        let mut values = Vec::with_capacity(width * height);
        // The rows of a block are added byte by byte first, which takes many at once, and then its columns.
        let mut added = vec![0u16; columns.len()];
        for y in 0..height {
            added.fill(0);
            for down in &offsets {
                let row = &rgb.as_raw()[(top as usize + y * block_px + down) * row_bytes..][columns.clone()];
                added.iter_mut().zip(row).for_each(|(sum, value)| *sum += u16::from(*value));
            }
            for pixels in added.as_chunks::<3>().0.chunks_exact(block_px) {
                let mut sums = [0; 3];
                for across in &offsets {
                    sums.iter_mut().zip(pixels[*across]).for_each(|(sum, value)| *sum += value);
                }
                let most = sums.into_iter().max().unwrap_or(0);
                values.push(f64::from(most) / f64::from(samples * samples));
            }
        }
        Self { values, width, height, block }
    }

    fn at(&self, x: usize, y: usize) -> f64 {
        self.values[y * self.width + x]
    }

    /// Value that parts the surround from the disc; `None` where nothing is dark.
    fn rim_level(&self) -> Option<f64> {
        let mut values = self.values.clone();
        let dark = quantile(&mut values, DARK_QUANTILE)?;
        let bright = quantile(&mut values, BRIGHT_QUANTILE)?;
        let has_dark = bright >= MIN_BRIGHT_GRAY && dark <= DARK_SHARE * bright;
        has_dark.then_some(dark + RIM_LEVEL * (bright - dark))
    }

    /// Dark pixels that are joined with the frame by dark ones.
    fn surround(&self, level: f64) -> Vec<bool> {
        let dark: Vec<bool> = self.values.iter().map(|value| *value < level).collect();
        let regions = regions_of_runs(RowRuns::of_mask(&dark, self.width, true), Connectivity::Four);
        let mut surround = vec![false; dark.len()];
        for (y, run, region) in regions.runs() {
            if regions.regions[region].touches_edge(self.width, self.height) {
                surround[run.at(y, self.width)].fill(true);
            }
        }
        surround
    }

    /// Where the surround ends, between the middles of two pixels.
    fn rim(&self, surround: &[bool], level: f64) -> Vec<[f64; 2]> {
        let mut points = Vec::new();
        let mut between = |[x, y]: [usize; 2], [other_x, other_y]: [usize; 2]| {
            let is_rim = surround[y * self.width + x] != surround[other_y * self.width + other_x];
            if is_rim {
                let (own, other) = (self.at(x, y), self.at(other_x, other_y));
                let share = if own == other { 0.5 } else { ((level - own) / (other - own)).clamp(0.0, 1.0) };
                let along = |from: usize, to: usize| from as f64 + 0.5 + share * (to as f64 - from as f64);
                points.push([along(x, other_x), along(y, other_y)]);
            }
        };
        for y in 0..self.height {
            for x in 0..self.width {
                if x + 1 < self.width {
                    between([x, y], [x + 1, y]);
                }
                if y + 1 < self.height {
                    between([x, y], [x, y + 1]);
                }
            }
        }
        points
    }

    /// Value at a point; `None` outside.
    fn value(&self, [x, y]: [f64; 2]) -> Option<f64> {
        let is_inside = x >= 0.0 && y >= 0.0 && x < self.width as f64 && y < self.height as f64;
        is_inside.then(|| self.at(x as usize, y as usize))
    }

    /// Whether a circle is the rim of a lit disc.
    fn proves(&self, circle: &Circle, surround: &[bool], level: f64) -> bool {
        let (mut outside, mut inside) = (Vec::new(), Vec::new());
        let mut proven = 0;
        for direction in 0..DIRECTIONS {
            let beyond = self.value(circle.at(direction, circle.radius + BESIDE_PX));
            let near = (circle.radius * BESIDE_SHARE).max(BESIDE_PX);
            let within = self.value(circle.at(direction, circle.radius - near));
            if let (Some(beyond), Some(within)) = (beyond, within) {
                outside.push(beyond);
                inside.push(within);
                proven += usize::from(beyond < level && within >= level);
            }
        }
        let arc_px = outside.len() as f64 * TAU * circle.radius / DIRECTIONS as f64;
        if arc_px < MIN_ARC_PX || (proven as f64) < MIN_PROVEN_SHARE * outside.len() as f64 {
            return false;
        }
        let step = quantile(&mut inside, 0.5).zip(quantile(&mut outside, 0.5));
        if step.is_none_or(|(inside, outside)| inside < MIN_STEP * outside) {
            return false;
        }
        let (mut beyond, mut beyond_dark, mut within, mut within_dark) = (0u32, 0u32, 0u32, 0u32);
        for y in 0..self.height {
            for x in 0..self.width {
                let distance = circle.distance([x as f64 + 0.5, y as f64 + 0.5]);
                if distance > ON_CIRCLE_PX {
                    beyond += 1;
                    beyond_dark += u32::from(self.at(x, y) < level);
                } else if distance < -ON_CIRCLE_PX {
                    within += 1;
                    within_dark += u32::from(surround[y * self.width + x]);
                }
            }
        }
        f64::from(beyond) >= MIN_SURROUND_SHARE * self.values.len() as f64
            && f64::from(beyond_dark) >= MIN_DARK_OUTSIDE * f64::from(beyond)
            && f64::from(within_dark) <= MAX_DARK_INSIDE * f64::from(within)
    }
}

/// The pixels themselves.
struct Picture<'a> {
    rgb: &'a RgbImage,
    frame: [f64; 4],
}

impl Picture<'_> {
    fn pixel(&self, [x, y]: [f64; 2]) -> Option<[u8; 3]> {
        let [left, top, right, bottom] = self.frame;
        let is_inside = x >= left && y >= top && x < right && y < bottom;
        is_inside.then(|| self.rgb.get_pixel(x as u32, y as u32).0)
    }

    /// The circle through the points where rays from without become bright, and the distance from it within which most
    /// of them lie; `None` of too few points.
    fn on_the_rim(&self, rough: &Circle, level: f64, reach_px: f64) -> Option<(Circle, f64)> {
        let crossing = |direction: usize| {
            let mut above = 0;
            let steps = (2.0 * reach_px) as usize;
            // As many bright pixels as a small one is wide are no noise.
            let enough = (steps / 14).max(1);
            for step in 0..=steps {
                let distance = rough.radius + reach_px - step as f64;
                let pixel = self.pixel(rough.at(direction, distance))?;
                let is_bright = f64::from(pixel.into_iter().max().unwrap_or(0)) >= level;
                above = if is_bright { above + 1 } else { 0 };
                if above == enough {
                    return (step >= enough).then(|| rough.at(direction, distance + enough as f64 - 0.5));
                }
            }
            None
        };
        let points: Vec<[f64; 2]> = (0..DIRECTIONS).filter_map(crossing).collect();
        let mut circle = *rough;
        let mut near: Vec<f64> = Vec::new();
        for _ in 0..FIT_ROUNDS {
            let mut distances: Vec<f64> = points.iter().map(|point| circle.distance(*point).abs()).collect();
            let limit = quantile(&mut distances, RESIDUAL_QUANTILE)?.max(1.0);
            let kept: Vec<[f64; 2]> = points.iter().copied().filter(|p| circle.distance(*p).abs() <= limit).collect();
            circle = least_squares(&kept)?;
            near = points.iter().map(|point| (-circle.distance(*point)).max(0.0)).collect();
        }
        // A fit that left the rough circle is no better one.
        let moved = (circle.center[0] - rough.center[0]).hypot(circle.center[1] - rough.center[1]);
        let is_near = moved + (circle.radius - rough.radius).abs() <= 2.0 * reach_px;
        let residual = quantile(&mut near, RESIDUAL_QUANTILE)?;
        is_near.then_some((circle, residual))
    }

    /// Radius at which the soft edge ends and the light is even.
    fn lit_radius(&self, circle: &Circle) -> f64 {
        let light: Vec<Option<[f64; 3]>> = (0..INWARD_STEPS)
            .map(|step| self.ring(circle, circle.radius * (1.0 - INWARD_STEP * step as f64)))
            .collect();
        let is_even = |step: usize| {
            let pair = light[step].zip(light.get(step + LIGHT_STEPS).copied().flatten());
            pair.is_some_and(|(own, inner)| own.iter().zip(inner).all(|(own, inner)| *own >= MIN_LIGHT * inner))
        };
        let first = (0..INWARD_STEPS - LIGHT_STEPS - 1).find(|step| is_even(*step) && is_even(step + 1));
        circle.radius * (1.0 - INWARD_STEP * first.unwrap_or(LIGHT_STEPS) as f64)
    }

    /// Light of a ring in each channel.
    fn ring(&self, circle: &Circle, radius: f64) -> Option<[f64; 3]> {
        let pixels: Vec<[u8; 3]> = (0..DIRECTIONS).filter_map(|at| self.pixel(circle.at(at, radius))).collect();
        let channel = |channel: usize| {
            let mut values: Vec<f64> = pixels.iter().map(|pixel| f64::from(pixel[channel])).collect();
            quantile(&mut values, LIGHT_QUANTILE)
        };
        Some([channel(0)?, channel(1)?, channel(2)?])
    }
}

/// The circle near most of the points.
fn through_most(points: &[[f64; 2]], (width, height): (usize, usize)) -> Option<Circle> {
    let radii = RADII.0 * width.min(height) as f64..=RADII.1 * width.max(height) as f64;
    let on = |circle: &Circle| points.iter().filter(|point| circle.distance(**point).abs() <= ON_CIRCLE_PX).count();
    let mut best: Option<(usize, Circle)> = None;
    let mut chance = Chance(1);
    for _ in 0..SAMPLES_OF_THREE {
        let three = [0; 3].map(|_| chance.below(points.len()).map(|index| points[index]));
        let [Some(a), Some(b), Some(c)] = three else { return None };
        let Some(circle) = least_squares(&[a, b, c]).filter(|circle| radii.contains(&circle.radius)) else { continue };
        let count = on(&circle);
        if best.is_none_or(|(most, _)| count > most) {
            best = Some((count, circle));
        }
    }
    let (_, mut circle) = best?;
    for _ in 0..FIT_ROUNDS {
        let kept: Vec<[f64; 2]> =
            points.iter().copied().filter(|point| circle.distance(*point).abs() <= ON_CIRCLE_PX).collect();
        circle = least_squares(&kept).filter(|circle| radii.contains(&circle.radius))?;
    }
    Some(circle)
}

/// The circle of least squared algebraic distance: x² + y² = 2ax + 2by + c; `None` where the points leave it open.
fn least_squares(points: &[[f64; 2]]) -> Option<Circle> {
    let count = points.len() as f64;
    if points.len() < 3 {
        return None;
    }
    let mean = [0, 1].map(|axis: usize| points.iter().map(|point| point[axis]).sum::<f64>() / count);
    // About the mean the constant falls out of the two equations for the center.
    let (mut xx, mut xy, mut yy, mut xz, mut yz, mut zz) = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0);
    for point in points {
        let (x, y) = (point[0] - mean[0], point[1] - mean[1]);
        let z = x * x + y * y;
        xx += x * x;
        xy += x * y;
        yy += y * y;
        xz += x * z;
        yz += y * z;
        zz += z;
    }
    let determinant = xx * yy - xy * xy;
    if determinant <= 1e-9 * zz * zz {
        return None;
    }
    let a = (xz * yy - yz * xy) / (2.0 * determinant);
    let b = (yz * xx - xz * xy) / (2.0 * determinant);
    let radius = (a * a + b * b + zz / count).sqrt();
    Some(Circle { center: [mean[0] + a, mean[1] + b], radius })
}

/// Value below which a share of the values lies; `None` of nothing.
fn quantile(values: &mut [f64], share: f64) -> Option<f64> {
    let rank = (share * values.len().saturating_sub(1) as f64).round() as usize;
    (!values.is_empty()).then(|| *values.select_nth_unstable_by(rank, f64::total_cmp).1)
}

/// A fixed sequence of numbers (Knuth's linear congruence): the same points are drawn every time.
struct Chance(u64);

impl Chance {
    /// A whole number below `count`; `None` where `count` is 0.
    fn below(&mut self, count: usize) -> Option<usize> {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize).checked_rem(count)
    }
}
