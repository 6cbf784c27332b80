//! A depthwise convolution: each channel of a picture with a kernel of its own.
//!
//! In: `f32` `[picture, channel, row, column]`. Out: the same with the height and width that kernel, padding and step leave. Method:
//! `Conv` of ONNX whose `group` is the number of channels; places beyond the edge are 0.
//!
//! METHOD: RTen works these layers out number by number, because the step along a row is not known when it is compiled. They were
//! 4 % of the multiplications of the shipped classifier and two fifths of its time. Here the step along a row is 1, so that
//! rows run through vector registers. Each product is rounded and added in the order of RTen (bias, then the kernel row by
//! row), so that the answers are the same numbers.
//!
//! Limits: two dimensions, a step of 1 along a row, finite weights.

use fearless_simd::{Level, dispatch};

/// The convolution, all but the picture.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct DepthwiseConvolution {
    /// Weights: channel, row, column.
    pub kernels: Vec<f32>,
    /// Added to each channel.
    pub bias: Vec<f32>,
    /// Height and width of a kernel.
    pub kernel_size: [usize; 2],
    /// Rows from one answer to the next.
    pub row_step: usize,
    /// Rows and columns between neighbors under the kernel.
    pub dilations: [usize; 2],
    /// Rows and columns of zeros around the picture: top, left, bottom, right.
    pub padding: [usize; 4],
}

/// A picture that the convolution does not fit.
#[derive(Debug, thiserror::Error)]
#[error(
    "expected values of [any, {channels}, row, column] under a kernel of {kernel_size:?}, found the shape {found:?}"
)]
pub(super) struct ShapeMismatch {
    channels: usize,
    kernel_size: [usize; 2],
    found: Vec<usize>,
}

impl DepthwiseConvolution {
    /// Works it out: the shape of the answer and its numbers.
    ///
    /// # Errors
    /// A shape of other than four dimensions, of another number of channels or smaller than the kernel.
    pub fn run(&self, shape: &[usize], values: &[f32]) -> Result<([usize; 4], Vec<f32>), ShapeMismatch> {
        let mismatch =
            || ShapeMismatch { channels: self.bias.len(), kernel_size: self.kernel_size, found: shape.to_vec() };
        let &[pictures, channels, height, width] = shape else { return Err(mismatch()) };
        let [top, left, bottom, right] = self.padding;
        let padded = [top + height + bottom, left + width + right];
        let reach = [0, 1].map(|axis| self.dilations[axis] * (self.kernel_size[axis] - 1));
        let is_sound = channels == self.bias.len()
            && values.len() == shape.iter().product::<usize>()
            && height > 0
            && width > 0
            && padded[0] > reach[0]
            && padded[1] > reach[1];
        if !is_sound {
            return Err(mismatch());
        }
        let size = [(padded[0] - reach[0] - 1) / self.row_step + 1, padded[1] - reach[1]];
        let mut answer = vec![0.0; pictures * channels * size[0] * size[1]];
        let planes = values.chunks_exact(height * width).zip(answer.chunks_exact_mut(size[0] * size[1]));
        dispatch!(Level::new(), _simd => self.planes(planes, width, padded, size[1]));
        Ok(([pictures, channels, size[0], size[1]], answer))
    }

    /// All channels of all pictures: each plane of rows of `width` with the one of the answer, rows of `answer_width`.
    #[inline(always)]
    fn planes<'a>(
        &self,
        planes: impl Iterator<Item = (&'a [f32], &'a mut [f32])>,
        width: usize,
        padded: [usize; 2],
        answer_width: usize,
    ) {
        let [kernel_height, kernel_width] = self.kernel_size;
        let [top, left, ..] = self.padding;
        let stride = padded[1];
        // Its border stays 0.
        let mut plane = vec![0.0; padded[0] * stride];
        let channels = self.kernels.chunks_exact(kernel_height * kernel_width).zip(&self.bias).cycle();
        for ((values, answer), (kernel, bias)) in planes.zip(channels) {
            for (row, values) in plane[top * stride..].chunks_exact_mut(stride).zip(values.chunks_exact(width)) {
                row[left..left + width].copy_from_slice(values);
            }
            for (y, row) in answer.chunks_exact_mut(answer_width).enumerate() {
                row.fill(*bias);
                for (ky, weights) in kernel.chunks_exact(kernel_width).enumerate() {
                    let under = &plane[(y * self.row_step + ky * self.dilations[0]) * stride..][..stride];
                    add_weighted(row, under, weights, self.dilations[1]);
                }
            }
        }
    }
}

/// Adds to each place of a row the numbers under a row of the kernel, `step` places apart, times their weights.
#[inline(always)]
fn add_weighted(row: &mut [f32], under: &[f32], weights: &[f32], step: usize) {
    let width = row.len();
    if let &[first, second, third] = weights {
        // Three at once: the row is read and written once.
        let (one, two, three) = (&under[..width], &under[step..][..width], &under[2 * step..][..width]);
        for (((sum, one), two), three) in row.iter_mut().zip(one).zip(two).zip(three) {
            *sum = *sum + one * first + two * second + three * third;
        }
        return;
    }
    for (index, weight) in weights.iter().enumerate() {
        for (sum, value) in row.iter_mut().zip(&under[index * step..]) {
            *sum += value * weight;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A convolution and a picture that it fits.
    fn convolution() -> impl Strategy<Value = (DepthwiseConvolution, [usize; 4], Vec<f32>)> {
        let sizes = (
            [1..3usize, 2..5, 1..12, 1..40],
            [1..4usize, 1..5],
            1..3usize,
            [1..3usize, 1..5],
            [0..3usize, 0..5, 0..3, 0..5],
        );
        sizes.prop_filter_map(
            "a picture smaller than the kernel",
            |(shape, kernel_size, row_step, dilations, padding)| {
                let [_, channels, height, width] = shape;
                let reach = [0, 1].map(|axis| dilations[axis] * (kernel_size[axis] - 1));
                let fits = padding[0] + height + padding[2] > reach[0] && padding[1] + width + padding[3] > reach[1];
                // Numbers whose products and sums have to be rounded.
                let number = |seed: usize| ((seed * 7919 + 13) % 2003) as f32 / 701.0 - 1.43;
                let numbers = |count: usize, from: usize| (from..from + count).map(number).collect::<Vec<_>>();
                let kernels = numbers(channels * kernel_size[0] * kernel_size[1], 5);
                let bias = numbers(channels, 3);
                let convolution = DepthwiseConvolution { kernels, bias, kernel_size, row_step, dilations, padding };
                fits.then(|| (convolution, shape, numbers(shape.iter().product(), 11)))
            },
        )
    }

    /// The definition, in the order of the sums that the text promises.
    fn defined(convolution: &DepthwiseConvolution, shape: [usize; 4], values: &[f32]) -> Vec<f32> {
        let [_, channels, height, width] = shape;
        let ([pictures, _, rows, columns], _) = convolution.run(&shape, values).expect("it fits");
        let [kernel_height, kernel_width] = convolution.kernel_size;
        let mut answer = Vec::new();
        for (plane, y, x) in (0..pictures * channels)
            .flat_map(|plane| (0..rows).flat_map(move |y| (0..columns).map(move |x| (plane, y, x))))
        {
            let channel = plane % channels;
            let mut sum = convolution.bias[channel];
            for (ky, kx) in (0..kernel_height).flat_map(|ky| (0..kernel_width).map(move |kx| (ky, kx))) {
                let row =
                    (y * convolution.row_step + ky * convolution.dilations[0]).checked_sub(convolution.padding[0]);
                let column = (x + kx * convolution.dilations[1]).checked_sub(convolution.padding[1]);
                let (Some(row), Some(column)) = (row, column) else { continue };
                if row < height && column < width {
                    let weight = convolution.kernels[(channel * kernel_height + ky) * kernel_width + kx];
                    sum += values[(plane * height + row) * width + column] * weight;
                }
            }
            answer.push(sum);
        }
        answer
    }

    proptest! {
        #[test]
        fn the_numbers_are_those_of_the_definition((convolution, shape, values) in convolution()) {
            let (_, found) = convolution.run(&shape, &values).expect("it fits");
            prop_assert_eq!(found, defined(&convolution, shape, &values));
        }
    }

    #[test]
    fn a_picture_of_ones_counts_the_places_under_the_kernel() {
        let of_ones = DepthwiseConvolution {
            kernels: vec![1.0; 18],
            bias: vec![0.0, 100.0],
            kernel_size: [3, 3],
            row_step: 2,
            dilations: [1, 2],
            padding: [1, 2, 1, 2],
        };
        let (shape, found) = of_ones.run(&[1, 2, 4, 5], &[1.0; 40]).expect("it fits");
        assert_eq!(shape, [1, 2, 2, 5]);
        // Above the first row is none, and two columns away on each side.
        let first = [4.0, 4.0, 6.0, 4.0, 4.0, 6.0, 6.0, 9.0, 6.0, 6.0];
        assert_eq!(found[..10], first);
        assert_eq!(found[10..], first.map(|sum| sum + 100.0));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let (kernels, bias) = (vec![1.0; 18], vec![0.0; 2]);
        let convolution = DepthwiseConvolution {
            kernels,
            bias,
            kernel_size: [3, 3],
            row_step: 1,
            dilations: [1, 1],
            padding: [0; 4],
        };
        for shape in [vec![1, 3, 4, 4], vec![1, 2, 2, 4], vec![1, 2, 4, 2], vec![1, 2, 0, 4], vec![2, 4, 4], vec![]] {
            let error = convolution.run(&shape, &vec![1.0; shape.iter().product()]).expect_err("another shape");
            assert!(error.to_string().ends_with(&format!("found the shape {shape:?}")), "{error}");
        }
        assert!(convolution.run(&[1, 2, 4, 4], &[1.0; 31]).is_err(), "a number too few");
    }
}
