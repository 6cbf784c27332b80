//! Which part of a slide is counted: what the survey finds, all of it, a rectangle, or an area that somebody has drawn.
//!
//! In: a rectangle in pixels at full resolution, or the GeoJSON (RFC 7946) that QuPath exports: a FeatureCollection, a
//! Feature, a list of Features or a geometry, with polygons in pixels at full resolution. Out: a [`SlideArea`]. A point
//! lies in an [`Annotation`] by the even-odd rule over the rings of each polygon, so that holes are outside.
//! Limits: [`MAX_ANNOTATION_BYTES`]; lines and points are ignored.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde_json::Value;

use crate::source::slide::PixelRect;
use crate::source::{SourceError, SourceProblem};

/// Largest annotation that is read, bytes: a million corners.
const MAX_ANNOTATION_BYTES: u64 = 32 << 20;

/// Which part of a slide is counted.
#[derive(Debug, Clone, PartialEq, Default, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum SlideArea {
    /// The monolayer that the survey finds.
    #[default]
    Monolayer,
    /// A rectangle at full resolution.
    Rectangle(PixelRect),
    /// Drawn polygons.
    Annotation(Annotation),
    /// The whole slide.
    All,
}

impl SlideArea {
    /// Name as written in files.
    pub fn name(&self) -> &'static str {
        self.into()
    }

    /// The smallest rectangle around the area on a slide; refused where it lies outside.
    pub(super) fn bounds(&self, slide: &PixelRect) -> Result<PixelRect, SourceProblem> {
        let outside = |rect| SourceProblem::OutsideSlide { rect, width: slide.width, height: slide.height };
        match self {
            Self::Monolayer | Self::All => Ok(*slide),
            Self::Annotation(drawn) => drawn.bounds(slide).ok_or_else(|| outside("the annotation".to_owned())),
            Self::Rectangle(rect) => {
                let shared = rect.intersection(slide).filter(|shared| shared == rect);
                shared.ok_or_else(|| outside(rect.to_string()))
            }
        }
    }
}

type Ring = Vec<[f64; 2]>;

/// Polygons on a slide.
#[derive(Debug, Clone, PartialEq)]
pub struct Annotation {
    polygons: Vec<Vec<Ring>>,
}

impl Annotation {
    /// Reads a file.
    ///
    /// # Errors
    /// A [`SourceError`] where it cannot be read or holds no polygon.
    pub fn read(path: &Path) -> Result<Self, SourceError> {
        let read = || -> Result<Self, SourceProblem> {
            let mut text = Vec::new();
            File::open(path)?.take(MAX_ANNOTATION_BYTES + 1).read_to_end(&mut text)?;
            if text.len() as u64 > MAX_ANNOTATION_BYTES {
                return Err(SourceProblem::TooManyBytes { bytes: text.len() as u64, limit: MAX_ANNOTATION_BYTES });
            }
            Self::parse(&text)
        };
        read().map_err(|problem| problem.at(path))
    }

    /// Reads a GeoJSON text.
    ///
    /// # Errors
    /// [`SourceProblem::NoAnnotation`].
    pub fn parse(text: &[u8]) -> Result<Self, SourceProblem> {
        let none = |found: String| SourceProblem::NoAnnotation { found };
        let value: Value = serde_json::from_slice(text).map_err(|error| none(error.to_string()))?;
        let mut polygons = Vec::new();
        collect(&value, &mut polygons);
        if polygons.is_empty() {
            return Err(none("no polygon with at least three corners".to_owned()));
        }
        Ok(Self { polygons })
    }

    /// Whether a point lies in one of the polygons.
    pub fn contains(&self, point: [f64; 2]) -> bool {
        self.polygons.iter().any(|rings| rings.iter().filter(|ring| encloses(ring, point)).count() % 2 == 1)
    }

    /// The smallest rectangle around it within a slide; `None` where it lies outside.
    fn bounds(&self, slide: &PixelRect) -> Option<PixelRect> {
        let corners = || self.polygons.iter().flatten().flatten();
        let least = |axis: usize| corners().map(|corner| corner[axis]).fold(f64::INFINITY, f64::min).max(0.0).floor();
        let most = |axis: usize| corners().map(|corner| corner[axis]).fold(0.0, f64::max).ceil();
        let (x, y, right, bottom) = (least(0) as u32, least(1) as u32, most(0) as u32, most(1) as u32);
        let width = right.checked_sub(x).filter(|width| *width > 0)?;
        let height = bottom.checked_sub(y).filter(|height| *height > 0)?;
        PixelRect { x, y, width, height }.intersection(slide)
    }
}

fn collect(value: &Value, polygons: &mut Vec<Vec<Ring>>) {
    if let Some(list) = value.as_array() {
        list.iter().for_each(|item| collect(item, polygons));
        return;
    }
    let coordinates = value.get("coordinates").and_then(Value::as_array);
    match value.get("type").and_then(Value::as_str) {
        Some("FeatureCollection") => value.get("features").into_iter().for_each(|list| collect(list, polygons)),
        Some("Feature") => value.get("geometry").into_iter().for_each(|geometry| collect(geometry, polygons)),
        Some("GeometryCollection") => value.get("geometries").into_iter().for_each(|list| collect(list, polygons)),
        Some("Polygon") => polygons.extend(coordinates.and_then(|rings| polygon(rings))),
        Some("MultiPolygon") => {
            let rings = coordinates.into_iter().flatten().filter_map(Value::as_array);
            polygons.extend(rings.filter_map(|rings| polygon(rings)));
        }
        _ => {}
    }
}

/// Rings of a polygon; `None` where one is no ring of finite corners.
fn polygon(rings: &[Value]) -> Option<Vec<Ring>> {
    let corner = |value: &Value| {
        let (x, y) = (value.get(0)?.as_f64()?, value.get(1)?.as_f64()?);
        (x.is_finite() && y.is_finite()).then_some([x, y])
    };
    let ring = |value: &Value| -> Option<Ring> {
        let corners: Ring = value.as_array()?.iter().map(corner).collect::<Option<_>>()?;
        (corners.len() >= 3).then_some(corners)
    };
    let rings: Vec<Ring> = rings.iter().map(ring).collect::<Option<_>>()?;
    (!rings.is_empty()).then_some(rings)
}

/// Whether a ray from the point to the right crosses the ring an odd number of times.
fn encloses(ring: &[[f64; 2]], [x, y]: [f64; 2]) -> bool {
    let sides = ring.iter().zip(ring.iter().cycle().skip(1));
    let crossed =
        sides.filter(|(a, b)| (a[1] > y) != (b[1] > y) && x < a[0] + (y - a[1]) / (b[1] - a[1]) * (b[0] - a[0]));
    crossed.count() % 2 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    const WITH_HOLE: &str = r#"{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"objectType":"annotation"},
        "geometry":{"type":"Polygon","coordinates":[[[10,10],[110,10],[110,60],[10,60],[10,10]],
        [[40,20],[60,20],[60,40],[40,40],[40,20]]]}}]}"#;

    #[test]
    fn a_hole_is_outside() {
        let drawn = Annotation::parse(WITH_HOLE.as_bytes()).expect("a polygon");
        let inside = [[11.0, 11.0], [50.0, 30.0], [50.0, 50.0], [111.0, 30.0]].map(|point| drawn.contains(point));
        assert_eq!(inside, [true, false, true, false]);
        let slide = PixelRect { x: 0, y: 0, width: 100, height: 100 };
        assert_eq!(drawn.bounds(&slide), Some(PixelRect { x: 10, y: 10, width: 90, height: 50 }));
        assert_eq!(drawn.bounds(&PixelRect { x: 0, y: 0, width: 5, height: 5 }), None);
    }

    #[test]
    fn several_polygons_and_bare_geometries_are_read() {
        let text = r#"[{"type":"Feature","geometry":{"type":"MultiPolygon","coordinates":[[[[0,0],[2,0],[0,2]]],[[[8,8],[9,8],[8,9]]]]}}]"#;
        let drawn = Annotation::parse(text.as_bytes()).expect("two polygons");
        assert!(drawn.contains([0.5, 0.5]) && drawn.contains([8.2, 8.2]) && !drawn.contains([5.0, 5.0]));
    }

    #[test]
    fn what_is_no_area_is_refused() {
        for text in
            ["", "{}", r#"{"type":"Point","coordinates":[1,2]}"#, r#"{"type":"Polygon","coordinates":[[[1,2],[3]]]}"#]
        {
            assert!(matches!(Annotation::parse(text.as_bytes()), Err(SourceProblem::NoAnnotation { .. })), "{text}");
        }
    }
}
