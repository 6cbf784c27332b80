//! Shape and stain figures of one cell. Computed by `measure`.

use serde::{Deserialize, Serialize};

/// Shape and stain of one cell; lengths in µm, fractions 0–1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Morphology {
    /// Area inside the outline, pallor included, µm².
    pub area_um2: f64,
    /// Length of the outline, µm.
    pub perimeter_um: f64,
    /// Diameter of the circle of the same area, µm.
    pub diameter_um: f64,
    /// 4π·area / perimeter², 1 for a circle.
    pub circularity: f64,
    /// Area over area of the convex hull, 1 for a convex outline.
    pub solidity: f64,
    /// Major over minor axis of the ellipse of equal second moments, at least 1.
    pub aspect_ratio: f64,
    /// Mean optical density inside the outline, green channel, base 10.
    pub mean_optical_density: f64,
    /// 1 − (density of the inner third by radius) / (density of the outer third); above 0 where the center is paler.
    /// `None` where the outline is too small to have an inside.
    pub pallor_contrast: Option<f64>,
}
