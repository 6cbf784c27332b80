//! Seeded chance: one reproducible stream of draws for each specimen and each field.
//!
//! Every draw is built from the integers of PCG64 (O'Neill 2014, HMC-CS-2014-0905) by exact arithmetic, so that a
//! stream is the same on every machine. Limits: [`Stream::normal`] has no tails beyond ±3.47.

use rand_pcg::Pcg64;
use rand_pcg::rand_core::{Rng, SeedableRng};

/// A stream of draws.
pub(super) struct Stream(Pcg64);

impl Stream {
    /// The stream `number` of a seed; streams of one seed do not depend on each other.
    pub(super) fn new(seed: u64, number: u64) -> Self {
        Self(Pcg64::seed_from_u64(scramble(scramble(seed) ^ number)))
    }

    /// 64 random bits.
    pub(super) fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// Uniform from 0 (with) to 1 (without).
    pub(super) fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Uniform from `low` to `high`.
    pub(super) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// A direction, 0 to 2π.
    pub(super) fn angle(&mut self) -> f64 {
        self.between(0.0, std::f64::consts::TAU)
    }

    /// A whole number below `count`; 0 where `count` is 0.
    pub(super) fn below(&mut self, count: usize) -> usize {
        ((self.unit() * count as f64) as usize).min(count.saturating_sub(1))
    }

    /// True with the given probability.
    pub(super) fn happens(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// Mean 0, variance 1, nearly normal: the sum of four uniform 16-bit draws.
    ///
    /// METHOD: the bounded tails keep a cell from being absurdly large, and integer sums cost no transcendental call
    /// for the three draws that each pixel's noise takes.
    pub(super) fn normal(&mut self) -> f64 {
        const MEAN: f64 = 4.0 * 65_535.0 / 2.0;
        // Variance of one uniform draw of 0..=65535 is (65536² − 1) / 12; four of them add up.
        const STANDARD_DEVIATION: f64 = 37_837.227_132;
        let bits = self.bits();
        let sum: u64 = (0..4).map(|lane| (bits >> (16 * lane)) & 0xFFFF).sum();
        (sum as f64 - MEAN) / STANDARD_DEVIATION
    }

    /// Puts a slice into random order.
    pub(super) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}

/// Spreads the bits of a number (SplitMix64's finalizer, Steele et al. 2014, doi 10.1145/2660193.2660195).
fn scramble(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// Smooth random texture in the plane, 0–1 with mean 0.5; the same for the same `key`.
///
/// Value noise: random values at whole coordinates, joined smoothly; details are one unit of `x` and `y` wide.
pub(super) fn texture(key: u64, x: f64, y: f64) -> f64 {
    let (column, row) = (x.floor(), y.floor());
    let ease = |t: f64| t * t * (3.0 - 2.0 * t);
    let (across, down) = (ease(x - column), ease(y - row));
    let corner = |i: i64, j: i64| {
        let place = (column as i64 + i) as u64 ^ ((row as i64 + j) as u64).rotate_left(32);
        (scramble(key ^ scramble(place)) >> 11) as f64 / (1u64 << 53) as f64
    };
    let upper = corner(0, 0) + (corner(1, 0) - corner(0, 0)) * across;
    let lower = corner(0, 1) + (corner(1, 1) - corner(0, 1)) * across;
    upper + (lower - upper) * down
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_repeat_and_differ() {
        let draws = |seed, number| {
            let mut stream = Stream::new(seed, number);
            [stream.bits(), stream.bits(), stream.bits()]
        };
        assert_eq!(draws(7, 1), draws(7, 1));
        assert_ne!(draws(7, 1), draws(7, 2));
        assert_ne!(draws(7, 1), draws(8, 1));
    }

    #[test]
    fn normal_draws_have_mean_0_and_variance_1() {
        let mut stream = Stream::new(1, 1);
        let draws: Vec<f64> = (0..20_000).map(|_| stream.normal()).collect();
        let mean = draws.iter().sum::<f64>() / draws.len() as f64;
        let variance = draws.iter().map(|d| (d - mean).powi(2)).sum::<f64>() / draws.len() as f64;
        assert!(mean.abs() < 0.03, "mean {mean}");
        assert!((variance - 1.0).abs() < 0.05, "variance {variance}");
        assert!(draws.iter().all(|d| d.abs() < 3.47));
    }

    #[test]
    fn whole_numbers_reach_every_value_below_the_count() {
        let mut stream = Stream::new(3, 0);
        let mut seen = [false; 5];
        for _ in 0..200 {
            seen[stream.below(5)] = true;
        }
        assert_eq!(seen, [true; 5]);
        assert_eq!(stream.below(0), 0);
    }

    #[test]
    fn texture_is_continuous_over_a_lattice_line() {
        let (before, after) = (texture(9, 2.999_999, 0.3), texture(9, 3.000_001, 0.3));
        assert!((before - after).abs() < 1e-4);
        assert!((0.0..=1.0).contains(&texture(9, -4.2, 7.7)));
    }
}
