//! Pixel size of a field and where the figure came from.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Diameter given to the median red cell when no pixel size is known, in µm.
///
/// Normal human red cells on a dried film measure about 7–8 µm (Diez-Silva et al., MRS Bulletin 2010, 35:382–388).
pub const NOMINAL_RED_CELL_DIAMETER_UM: f64 = 7.5;

/// Where a pixel size came from, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CalibrationSource {
    /// Given by the caller.
    Given,
    /// `PhysicalSizeX` of the OME-XML in a TIFF file.
    OmeXml,
    /// Resolution tags of a TIFF file.
    TiffResolution,
    /// `MPP` in the description that Aperio's scanners write.
    Aperio,
    /// `PixelSpacing` of a DICOM slide.
    DicomPixelSpacing,
    /// `openslide.mpp-x`, through OpenSlide.
    OpenSlide,
    /// Estimated: the median red cell is taken to be 7.5 µm wide.
    MedianRedCell,
}

impl CalibrationSource {
    /// Whether somebody measured it: given, or written by what took the picture. An estimate from the cells says nothing of
    /// their size.
    pub fn is_measured(self) -> bool {
        self != Self::MedianRedCell
    }

    /// Words for a report.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Given => "given by the caller",
            Self::TiffResolution => "resolution tags of the TIFF file",
            Self::OmeXml => "OME-XML of the file",
            Self::Aperio => "Aperio's description in the file",
            Self::DicomPixelSpacing => "pixel spacing of the DICOM file",
            Self::OpenSlide => "the scanner's file, by OpenSlide",
            Self::MedianRedCell => "estimated: the median red cell is taken as 7.5 µm",
        }
    }
}

/// Size of a pixel and its source.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Calibration {
    /// Width and height of one pixel of the original image, µm; finite and above zero.
    pub um_per_px: f64,
    /// Where the figure came from.
    pub source: CalibrationSource,
}

impl Calibration {
    /// A calibration, or `None` where `um_per_px` is not a finite number above zero.
    pub fn new(um_per_px: f64, source: CalibrationSource) -> Option<Self> {
        (um_per_px.is_finite() && um_per_px > 0.0).then_some(Self { um_per_px, source })
    }

    /// The calibration under which a cell of `median_diameter_px` is as wide as the nominal red cell.
    pub fn from_median_red_cell(median_diameter_px: f64) -> Option<Self> {
        Self::new(NOMINAL_RED_CELL_DIAMETER_UM / median_diameter_px, CalibrationSource::MedianRedCell)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_is_no_size() {
        for bad in [0.0, -0.1, f64::NAN, f64::INFINITY] {
            assert_eq!(Calibration::new(bad, CalibrationSource::Given), None);
        }
        assert_eq!(Calibration::from_median_red_cell(0.0), None);
    }

    #[test]
    fn median_cell_of_37_5_px_is_a_fifth_of_a_micrometer_per_pixel() {
        let calibration = Calibration::from_median_red_cell(37.5).expect("a size");
        assert_eq!(calibration.um_per_px, 0.2);
        assert_eq!(calibration.source, CalibrationSource::MedianRedCell);
        assert!(!calibration.source.is_measured() && CalibrationSource::Given.is_measured());
    }
}
