//! Colors of outlines in files without a stylesheet: GeoJSON and pictures.
//!
//! METHOD: vermilion, blue and grey differ in lightness as well as in hue and stay apart for the three kinds
//! of color vision deficiency; the first two are of the palette of Okabe and Ito (Color Universal Design, 2008). Pictures
//! say the same by the thickness of the line and the number beside it.

/// A cell counted as a schistocyte: vermilion.
pub(super) const SCHISTOCYTE: [u8; 3] = [213, 94, 0];

/// Another counted red cell: blue.
pub(super) const COUNTED: [u8; 3] = [0, 114, 178];

/// An object that was left out: grey.
pub(super) const EXCLUDED: [u8; 3] = [128, 128, 128];

/// Text and frames.
pub(super) const INK: [u8; 3] = [27, 36, 41];

/// Ground under text, and the line around a strong outline.
pub(super) const PAPER: [u8; 3] = [255, 255, 255];
