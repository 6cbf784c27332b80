//! How often each value occurs in each channel of some pixels.
//!
//! In: RGB pixels. Out: counts, which are exact whatever the order, and so the same on any number of threads.
//! Limits: up to 2³² − 1 pixels.

/// How often each value occurs in each channel (red, green, blue).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValueCounts(pub [[u32; 256]; 3]);

impl Default for ValueCounts {
    fn default() -> Self {
        Self([[0; 256]; 3])
    }
}

impl ValueCounts {
    /// Adds a pixel so many times.
    #[inline]
    pub fn count(&mut self, pixel: &[u8; 3], times: u32) {
        self.0.iter_mut().zip(pixel).for_each(|(counts, value)| counts[usize::from(*value)] += times);
    }

    /// With the pixels of another.
    pub fn with(mut self, other: &Self) -> Self {
        let counts = self.0.as_flattened_mut().iter_mut();
        counts.zip(other.0.as_flattened()).for_each(|(sum, other)| *sum += other);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_are_counted_channel_by_channel() {
        let (mut one, mut other) = (ValueCounts::default(), ValueCounts::default());
        one.count(&[0, 7, 255], 1);
        other.count(&[0, 8, 255], 2);
        other.count(&[1, 1, 1], 0);
        let ValueCounts([red, green, blue]) = one.with(&other);
        assert_eq!((red[0], green[7], green[8], blue[255]), (3, 1, 2, 3));
        assert_eq!([red, green, blue].map(|counts| counts.iter().sum::<u32>()), [3; 3]);
    }
}
