//! Reads the pixel size from the tags of a TIFF page.
//!
//! In: resolution tags, the unit and the text of `ImageDescription` (OME-XML or ImageJ's lines). Out: a
//! [`Calibration`] in µm per pixel, or `None` where the file does not say or says something that cannot be true.
//!
//! Sources: TIFF 6.0 (Adobe 1992) section 8, `ResolutionUnit`; OME-XML 2016-06, `Pixels/@PhysicalSizeX`; the
//! `ImageDescription` that ImageJ writes. Limit: pixels must be square; of several OME images the first is read.

use tiff::tags::ResolutionUnit;

use crate::smear::{Calibration, CalibrationSource};

/// Smallest pixel size taken for true, µm: a tenth of what light resolves (about 0.2 µm).
const MIN_PLAUSIBLE_UM_PER_PX: f64 = 0.02;

/// Largest pixel size taken for true, µm: a red cell of 7.5 µm would be under 4 px wide.
///
/// METHOD: most files carry a resolution nobody measured: 72, 96, 150, 300 or 600 dpi by default (42–353 µm), which
/// print programs need. All of them lie beyond this limit, so no list of defaults is kept.
const MAX_PLAUSIBLE_UM_PER_PX: f64 = 2.0;

/// Largest difference of width and height of a pixel that passes as square, as a share of the width: rounding of tags.
const SQUARE_TOLERANCE: f64 = 0.01;

/// What a TIFF page says of its pixel size.
#[derive(Debug, Clone, Default)]
pub(super) struct PageTags {
    /// `XResolution`, pixels per unit.
    pub(super) x_resolution: Option<f64>,
    /// `YResolution`, pixels per unit.
    pub(super) y_resolution: Option<f64>,
    /// `ResolutionUnit` as stored.
    pub(super) resolution_unit: Option<u16>,
    /// `ImageDescription` of the page, or of the first page where OME-XML stands there for all.
    pub(super) description: Option<String>,
}

/// Pixel size by the tags of a page.
///
/// METHOD: OME-XML is believed before the resolution tags. Software of a microscope wrote it to state the pixel size, while
/// the tags are often filled in for a printer.
pub(super) fn calibration_of(tags: &PageTags) -> Option<Calibration> {
    let description = tags.description.as_deref().unwrap_or_default();
    let ome = physical_size(description).and_then(|(x, y)| plausible_square(x, y, CalibrationSource::OmeXml));
    ome.or_else(|| {
        // Without the tag an inch; without an absolute unit that of ImageJ.
        let um_per_unit = match ResolutionUnit::from_u16(tags.resolution_unit.unwrap_or(2))? {
            ResolutionUnit::Inch => 25_400.0,
            ResolutionUnit::Centimeter => 10_000.0,
            ResolutionUnit::None => imagej_unit_um(description)?,
            _ => return None,
        };
        let x = um_per_unit / tags.x_resolution?;
        let y = tags.y_resolution.map_or(x, |resolution| um_per_unit / resolution);
        plausible_square(x, y, CalibrationSource::TiffResolution)
    })
}

/// Pixel size by `MPP` of the description that Aperio's scanners write, µm.
pub(super) fn aperio_calibration(description: &str) -> Option<Calibration> {
    let um = aperio_number(description.strip_prefix("Aperio")?, "MPP")?;
    plausible_square(um, um, CalibrationSource::Aperio)
}

/// The first number by a name in the description that Aperio's scanners write: `… |AppMag = 20|MPP = 0.4990`.
pub(super) fn aperio_number(description: &str, wanted: &str) -> Option<f64> {
    description.split('|').find_map(|item| {
        let (name, value) = item.split_once('=')?;
        if name.trim() == wanted { value.trim().parse().ok() } else { None }
    })
}

/// A calibration where the pixel is square and of a size that a microscope gives.
pub(super) fn plausible_square(x_um: f64, y_um: f64, source: CalibrationSource) -> Option<Calibration> {
    let plausible = (MIN_PLAUSIBLE_UM_PER_PX..=MAX_PLAUSIBLE_UM_PER_PX).contains(&x_um);
    let square = (x_um - y_um).abs() <= SQUARE_TOLERANCE * x_um;
    if plausible && square { Calibration::new(x_um, source) } else { None }
}

/// `PhysicalSizeX` and `PhysicalSizeY` of the first `Pixels` element, µm; a missing height is the width.
fn physical_size(description: &str) -> Option<(f64, f64)> {
    let begin = description.trim_start_matches('\u{FEFF}').trim_start();
    if !begin.starts_with('<') || !begin.contains("PhysicalSizeX") {
        return None;
    }
    // A document that declares entities is refused by the parser: no expansion, no outside reference.
    let document = roxmltree::Document::parse(begin.trim_end_matches(['\0', '\n', ' '])).ok()?;
    let pixels = document.descendants().find(|node| node.tag_name().name() == "Pixels")?;
    let size = |attribute: &str, unit: &str| -> Option<f64> {
        let value: f64 = pixels.attribute(attribute)?.trim().parse().ok()?;
        Some(value * unit_um(pixels.attribute(unit).unwrap_or("µm"))?)
    };
    let x = size("PhysicalSizeX", "PhysicalSizeXUnit")?;
    let y = match pixels.attribute("PhysicalSizeY") {
        Some(_) => size("PhysicalSizeY", "PhysicalSizeYUnit")?,
        None => x,
    };
    Some((x, y))
}

/// Length of the unit that ImageJ names on a line `unit=`, µm.
fn imagej_unit_um(description: &str) -> Option<f64> {
    if !description.starts_with("ImageJ=") {
        return None;
    }
    description.lines().find_map(|line| line.trim().strip_prefix("unit=")).and_then(unit_um)
}

/// Length of a unit by its name in OME-XML or ImageJ, µm; `None` for pixels and other names.
fn unit_um(name: &str) -> Option<f64> {
    match name.trim() {
        // U+00B5 micro sign, U+03BC Greek mu, and ImageJ's escape for the former.
        "\u{B5}m" | "\u{3BC}m" | "\\u00B5m" | "um" | "micron" | "microns" | "micrometer" => Some(1.0),
        "nm" => Some(1e-3),
        "Å" => Some(1e-4),
        "mm" => Some(1e3),
        "cm" => Some(1e4),
        "m" => Some(1e6),
        "inch" | "in" => Some(25_400.0),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolution(x: f64, unit: Option<u16>) -> PageTags {
        PageTags { x_resolution: Some(x), y_resolution: Some(x), resolution_unit: unit, description: None }
    }

    fn described(text: &str) -> PageTags {
        PageTags { description: Some(text.to_owned()), ..PageTags::default() }
    }

    fn um(tags: &PageTags) -> Option<f64> {
        calibration_of(tags).map(|c| (c.um_per_px * 1e9).round() / 1e9)
    }

    #[test]
    fn resolution_tags_give_the_size_of_a_pixel_and_default_resolutions_do_not() {
        for (pixels, unit, size) in
            [(50_000.0, Some(3), Some(0.2)), (254_000.0, Some(2), Some(0.1)), (254_000.0, None, Some(0.1))]
        {
            assert_eq!(um(&resolution(pixels, unit)), size, "{pixels} {unit:?}");
        }
        let source = calibration_of(&resolution(50_000.0, Some(3))).map(|c| c.source);
        assert_eq!(source, Some(CalibrationSource::TiffResolution));
        for dpi in [0.0, 1.0, 72.0, 96.0, 150.0, 300.0, 600.0, 1200.0, 9600.0, f64::NAN, f64::INFINITY] {
            assert_eq!(um(&resolution(dpi, Some(2))), None, "{dpi} dpi");
        }
        for (pixels, unit) in [(28.346, 3), (50_000.0, 1), (50_000.0, 9)] {
            assert_eq!(um(&resolution(pixels, Some(unit))), None, "{pixels} {unit}");
        }
    }

    #[test]
    fn ome_xml_is_read_with_its_unit() {
        for (attributes, size) in [
            ("PhysicalSizeX=\"0.108\" PhysicalSizeY=\"0.108\"", Some(0.108)),
            ("PhysicalSizeX=\"108\" PhysicalSizeXUnit=\"nm\"", Some(0.108)),
            ("PhysicalSizeX=\"0.000108\" PhysicalSizeXUnit=\"mm\"", Some(0.108)),
            ("PhysicalSizeX=\"0.108\" PhysicalSizeXUnit=\"\u{3BC}m\"", Some(0.108)),
            ("PhysicalSizeX=\"0.108\" PhysicalSizeXUnit=\"pixel\"", None),
            ("PhysicalSizeX=\"0.108\" PhysicalSizeY=\"0.2\"", None),
            ("PhysicalSizeX=\"nonsense\"", None),
            // The plausible range on both sides.
            ("PhysicalSizeX=\"0.02\"", Some(0.02)),
            ("PhysicalSizeX=\"0.019\"", None),
            ("PhysicalSizeX=\"2\"", Some(2.0)),
            ("PhysicalSizeX=\"2.001\"", None),
        ] {
            let text = format!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?><OME xmlns=\"http://www.openmicroscopy.org/Schemas/OME/2016-06\">\
                 <Image ID=\"Image:0\"><Pixels ID=\"Pixels:0\" {attributes}/></Image></OME>\0"
            );
            assert_eq!(um(&described(&text)), size, "{attributes}");
        }
        assert_eq!(um(&described("<OME><Pixels PhysicalSizeX=\"0.1\"")), None, "cut off");
        // Entities are not expanded.
        let bomb = "<!DOCTYPE o [<!ENTITY a \"0.1\">]><OME><Pixels PhysicalSizeX=\"&a;\"/></OME>";
        assert_eq!(um(&described(bomb)), None);
        let source = calibration_of(&described("<OME><Pixels PhysicalSizeX=\"0.108\"/></OME>")).map(|c| c.source);
        assert_eq!(source, Some(CalibrationSource::OmeXml));
    }

    #[test]
    fn ome_xml_goes_before_the_tags_and_the_tags_stand_in_for_it() {
        let mut tags = resolution(50_000.0, Some(3));
        tags.description = Some("<OME><Pixels PhysicalSizeX=\"0.108\"/></OME>".to_owned());
        assert_eq!(um(&tags), Some(0.108));
        tags.description = Some("<OME><Pixels PhysicalSizeX=\"352.8\"/></OME>".to_owned());
        assert_eq!(um(&tags), Some(0.2));
    }

    #[test]
    fn imagej_names_its_unit_in_the_description() {
        let mut tags = resolution(9.25, Some(1));
        for unit in ["micron", "\\u00B5m", "um"] {
            tags.description = Some(format!("ImageJ=1.53t\nunit={unit}\nmin=0.0\n"));
            assert_eq!(um(&tags), Some(0.108108108));
        }
        tags.description = Some("ImageJ=1.53t\nunit=pixel\n".to_owned());
        assert_eq!(um(&tags), None);
        tags.description = Some("unit=micron\n".to_owned());
        assert_eq!(um(&tags), None);
    }

    #[test]
    fn oblong_pixels_are_no_pixel_size() {
        let mut tags = resolution(50_000.0, Some(3));
        tags.y_resolution = Some(50_400.0);
        assert_eq!(um(&tags), Some(0.2));
        tags.y_resolution = Some(51_000.0);
        assert_eq!(um(&tags), None);
    }
}
