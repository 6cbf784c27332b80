//! QuPath GeoJSON, one file for each image.
//!
//! Source: GeoJSON as QuPath 0.4 and later exports it: a feature collection or a bare array of features, coordinates in
//! pixels of the full image with the origin at its top-left corner (QuPath documentation, "Exporting annotations").
//! Polygons give outlines (outer ring; of several polygons the largest), points give points. The class is
//! `properties.classification`, with `name` or with `names`; classes ending in `*` are QuPath's own "ignored" classes
//! and are left out, as are tiles, the root and cores of tissue arrays.

use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use super::label::{LabelError, Meaning, largest_outline, malformed, malformed_json};
use crate::smear::LabeledCell;

/// A closed line: its last point repeats the first.
type Ring = Vec<[f64; 2]>;

#[derive(Deserialize)]
#[serde(untagged)]
enum File {
    Collection { features: Vec<Feature> },
    Bare(Vec<Feature>),
}

#[derive(Deserialize)]
struct Feature {
    geometry: Geometry,
    #[serde(default)]
    properties: Properties,
}

#[derive(Deserialize)]
#[serde(tag = "type", content = "coordinates")]
enum Geometry {
    Polygon(Vec<Ring>),
    MultiPolygon(Vec<Vec<Ring>>),
    Point([f64; 2]),
    MultiPoint(Vec<[f64; 2]>),
    #[serde(untagged)]
    Other(Value),
}

#[derive(Deserialize, Default)]
struct Properties {
    #[serde(rename = "objectType")]
    object_type: Option<String>,
    classification: Option<Classification>,
}

#[derive(Deserialize)]
struct Classification {
    name: Option<String>,
    names: Option<Vec<String>>,
}

impl Classification {
    fn name(&self) -> Option<String> {
        self.name.clone().or_else(|| self.names.as_ref().map(|names| names.join(": ")))
    }
}

/// Cells of an export.
pub(super) fn cells(path: &Path, text: &str) -> Result<Vec<LabeledCell>, LabelError> {
    let features = match serde_json::from_str(text).map_err(|error| malformed_json(path, &error))? {
        File::Collection { features } | File::Bare(features) => features,
    };
    let mut cells = Vec::new();
    for (index, feature) in features.into_iter().enumerate() {
        let place = || format!("feature {}", index + 1);
        let object_type = feature.properties.object_type.as_deref();
        if matches!(object_type, Some("root" | "tile" | "tmaCore")) {
            continue;
        }
        let name = feature.properties.classification.as_ref().and_then(Classification::name).ok_or_else(|| {
            malformed(path, place(), "a classification; classify the object in QuPath or remove it", "none")
        })?;
        if name.ends_with('*') {
            continue;
        }
        let meaning = Meaning::of_name(&name).ok_or_else(|| LabelError::UnknownName {
            path: path.to_owned(),
            place: place(),
            name,
        })?;
        let fault = |found: &str| malformed(path, place(), "a polygon or a point", found);
        let outlined = |polygons: &[Vec<Ring>]| {
            let outline = largest(polygons).ok_or_else(|| fault("fewer than three points"))?;
            Ok(LabeledCell { contour: Some(outline), ..meaning.cell() })
        };
        match feature.geometry {
            Geometry::Point(point) => cells.push(LabeledCell { point: Some(point), ..meaning.cell() }),
            Geometry::MultiPoint(points) => {
                cells.extend(points.into_iter().map(|point| LabeledCell { point: Some(point), ..meaning.cell() }));
            }
            Geometry::Polygon(rings) => cells.push(outlined(&[rings])?),
            Geometry::MultiPolygon(polygons) => cells.push(outlined(&polygons)?),
            Geometry::Other(other) => {
                let kind = other.get("type").and_then(Value::as_str).unwrap_or("no type");
                return Err(fault(kind));
            }
        }
    }
    Ok(cells)
}

/// The largest outer ring, without the repeated last point.
fn largest(polygons: &[Vec<Ring>]) -> Option<Vec<[f64; 2]>> {
    largest_outline(polygons.iter().filter_map(|rings| match &rings.first()?[..] {
        [first, between @ .., last] if first == last => Some([&[*first], between].concat()),
        ring => Some(ring.to_vec()),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::smear::{CellClass, SchistocyteForm, TruthKind};

    fn feature(geometry: &str, properties: &str) -> String {
        format!(r#"{{"type": "Feature", "id": "x", "geometry": {geometry}, "properties": {properties}}}"#)
    }

    const RING: &str = r#"{"type": "Polygon", "coordinates": [[[10, 10], [20, 10], [20, 20], [10, 10]]]}"#;

    #[test]
    fn a_collection_with_an_outline_and_a_bare_array_with_points() {
        let helmet =
            r#"{"objectType": "detection", "classification": {"name": "Schistocyte: helmet", "color": [200, 0, 0]}}"#;
        let text = format!(r#"{{"type": "FeatureCollection", "features": [{}]}}"#, feature(RING, helmet));
        let found = cells(Path::new("a.geojson"), &text).expect("sound text");
        assert_eq!(found[0].contour, Some(vec![[10.0, 10.0], [20.0, 10.0], [20.0, 20.0]]));
        assert_eq!((found[0].class, found[0].form), (Some(CellClass::Schistocyte), Some(SchistocyteForm::Helmet)));
        let points = r#"{"type": "MultiPoint", "coordinates": [[1, 2], [3, 4]]}"#;
        let bare = format!("[{}]", feature(points, r#"{"classification": {"names": ["WBC"]}}"#));
        let found = cells(Path::new("a.geojson"), &bare).expect("sound text");
        assert_eq!((found.len(), found[1].point, found[1].kind), (2, Some([3.0, 4.0]), TruthKind::WhiteCell));
    }

    #[test]
    fn ignored_classes_and_tiles_are_left_out() {
        let region = feature(RING, r#"{"objectType": "annotation", "classification": {"name": "Region*"}}"#);
        let tile = feature(RING, r#"{"objectType": "tile"}"#);
        assert_eq!(cells(Path::new("a.geojson"), &format!("[{region}, {tile}]")).expect("sound text"), []);
    }

    #[test]
    fn of_several_polygons_the_largest_is_taken() {
        let parts = r#"{"type": "MultiPolygon", "coordinates":
            [[[[0, 0], [1, 0], [1, 1], [0, 0]]], [[[0, 0], [9, 0], [9, 9], [0, 0]]]]}"#;
        let found = cells(Path::new("a"), &format!("[{}]", feature(parts, r#"{"classification": {"name": "burr"}}"#)));
        assert_eq!(found.expect("sound text")[0].contour, Some(vec![[0.0, 0.0], [9.0, 0.0], [9.0, 9.0]]));
    }

    #[test]
    fn faults_name_the_feature() {
        let message =
            |feature: String| cells(Path::new("a"), &format!("[{feature}]")).expect_err("a fault").to_string();
        assert!(message(feature(RING, "{}")).starts_with("a: feature 1: expected a classification"));
        let line = r#"{"type": "LineString", "coordinates": [[0, 0], [1, 1]]}"#;
        assert_eq!(
            message(feature(line, r#"{"classification": {"name": "burr"}}"#)),
            "a: feature 1: expected a polygon or a point, found LineString"
        );
        assert!(message(feature(RING, r#"{"classification": {"name": "Stroma"}}"#)).contains("found `Stroma`"));
    }
}
