//! Plain pixels: flat background, common scale, optical density, distances. No word of smears.
//!
//! Images are 8-bit RGB, rows from the top; planes are row-major `f32` or `u32` of the same size. Optical density is
//! base 10: log10(background / value), 0 on the empty background, above 0 where light is absorbed.

pub mod background;
pub mod density;
pub mod distance;
pub mod illuminated;
pub mod regions;
pub mod resample;
pub mod runs;
