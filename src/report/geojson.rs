//! `geojson/<accession>_<job>.<field>.geojson`: the outlines of a field as QuPath detections.
//!
//! In: the objects of a case. Out: one file for each photograph and one for each slide, a GeoJSON `FeatureCollection` (RFC 7946) in the shape that
//! QuPath 0.4 and later read (`qupath.lib.io.QuPathTypeAdapters`; `docs/advanced/exporting_annotations.md` of
//! qupath-docs). Features are written one after another, so that memory does not grow with their number.
//!
//! METHOD: one file for each image and not one for the specimen, because QuPath imports a file into the image that is
//! open: outlines of other fields would lie over it. A slide is one image: its file, `slide-<n>`, holds all of its fields in
//! pixels of the slide at full resolution, and each examined field as an annotation.
//!
//! | part | content |
//! | --- | --- |
//! | `id` | UUID version 5 of job, field and object: the same work gives the same identifiers |
//! | `geometry` | `Polygon`, one closed ring, positive sense; pixels of the full-resolution image, x right, y down, origin at its top-left corner, two decimals |
//! | `objectType` | `detection`; QuPath keeps thousands of these with ease, annotations are heavy |
//! | `name` | number of the object in its field |
//! | `classification` | class of a counted red cell, `Schistocyte: <form>` where a rule gives one; `Excluded: <reason>` for every other object; color by `COUNTED`, `SCHISTOCYTE`, `EXCLUDED` |
//! | `read_as` | what a person read the cell as; left out where nobody did |
//! | `measurements` | those that are known, unit in the name; lengths in µm only with a pixel size |
//!
//! Foreign members of the collection (RFC 7946, section 6.1), which QuPath passes over: `field`, `accession`, `job`,
//! `um_per_px`, `footer`.
//!
//! Limits: an outline has no holes, because pallor is inside; every object is written, not only the called ones.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::Serialize;

use super::error::ReportError;
use super::folder::FileSink;
use super::names::FileNames;
use super::names::Identifiers;
use super::pictures::{COUNTED, EXCLUDED, SCHISTOCYTE};
use crate::case::{Case, CaseField, FieldRecord, Job, Reading, RegionRecord};
use crate::smear::{Call, CellClass, CellId, CellStatus, ClassifiedCell, Contour};

/// Folder of the files.
const FOLDER: &str = "geojson";

/// Steps per pixel of a coordinate: two decimals.
const STEPS_PER_PX: f64 = 100.0;

/// Steps per unit of a measurement: six decimals.
const STEPS_PER_UNIT: f64 = 1e6;

#[derive(Serialize)]
struct Feature<'a> {
    r#type: &'static str,
    id: String,
    geometry: Geometry,
    properties: Properties<'a>,
}

#[derive(Serialize)]
struct Geometry {
    r#type: &'static str,
    coordinates: [Vec<[f64; 2]>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Properties<'a> {
    object_type: &'static str,
    name: String,
    classification: Classification,
    #[serde(rename = "read_as", skip_serializing_if = "Option::is_none")]
    read_as: Option<&'static str>,
    measurements: BTreeMap<&'a str, f64>,
}

#[derive(Serialize)]
struct Classification {
    name: String,
    color: [u8; 3],
}

/// What the collection says of its field, behind the features.
#[derive(Serialize)]
struct About<'a> {
    field: &'a str,
    accession: Option<&'a str>,
    job: &'a str,
    um_per_px: Option<f64>,
    footer: &'a str,
}

/// What a person read, by field and cell.
type Readings = BTreeMap<(usize, CellId), Reading>;

/// Writes one file for each photograph and one for each slide.
pub(super) fn write(case: &Case, names: &FileNames, sink: &mut dyn FileSink) -> Result<(), ReportError> {
    let job = Job::of(&case.record)?;
    let identifiers = Identifiers::of(&job);
    let readings = case.record.found_readings();
    for (index, (field, record)) in case.fields.iter().zip(&case.record.fields).enumerate() {
        let field = field?;
        if record.region.is_some() {
            continue;
        }
        let name = format!("{FOLDER}/{}.{}.geojson", names.base(), names.fields()[index]);
        let about = about(case, &job, &field.field, record.um_per_px);
        sink.file(&name, &mut |writer| {
            collection(std::iter::once((index, Ok(field.clone()), record)), &identifiers, &readings, &about, writer)
        })?;
    }
    for (place, slide) in case.record.slides.iter().flat_map(|slides| slides.slides.iter().enumerate()) {
        let name = format!("{FOLDER}/{}.slide-{}.geojson", names.base(), place + 1);
        let about = about(case, &job, &slide.file, slide.um_per_px);
        sink.file(&name, &mut |writer| {
            let fields = case.fields.iter().zip(&case.record.fields).enumerate();
            let own = fields
                .filter(|(_, (_, record))| record.region.is_some_and(|region| region.slide == place as u64))
                .map(|(index, (field, record))| (index, field, record));
            collection(own, &identifiers, &readings, &about, writer)
        })?;
    }
    Ok(())
}

fn about<'a>(case: &'a Case, job: &'a Job, field: &'a str, um_per_px: Option<f64>) -> About<'a> {
    About { field, accession: case.record.accession.as_deref(), job: job.id(), um_per_px, footer: &case.record.footer }
}

fn collection<'a>(
    fields: impl Iterator<Item = (usize, io::Result<CaseField>, &'a FieldRecord)>,
    identifiers: &Identifiers,
    readings: &Readings,
    about: &About<'_>,
    writer: &mut dyn Write,
) -> Result<(), ReportError> {
    writer.write_all(b"{\"type\":\"FeatureCollection\",\"features\":[")?;
    let mut before: &[u8] = b"\n";
    for (index, field, record) in fields {
        let field = field?;
        if let Some(region) = record.region {
            writer.write_all(std::mem::replace(&mut before, b",\n"))?;
            let id = identifiers.uuid(&format!("field {index}"));
            serde_json::to_writer(&mut *writer, &examined(&field.field, &region, id))?;
        }
        let origin = record.region.map_or([0.0; 2], |region| [region.x_px.into(), region.y_px.into()]);
        for cell in &field.cells {
            writer.write_all(std::mem::replace(&mut before, b",\n"))?;
            let id = identifiers.uuid(&format!("field {index} cell {}", cell.cell.id.0));
            let read_as = readings.get(&(index, cell.cell.id)).map(|reading| reading.read_as().name());
            let feature = feature(cell, id, origin, record.um_per_px.is_some(), read_as);
            serde_json::to_writer(&mut *writer, &feature)?;
        }
    }
    writer.write_all(b"\n],")?;
    // The members of `about` go on in the same object: its own opening brace is left out.
    writer.write_all(&serde_json::to_vec(about)?[1..])?;
    Ok(writer.write_all(b"\n")?)
}

/// The part of a slide whose cells belong to a field.
fn examined(field: &str, region: &RegionRecord, id: String) -> Feature<'static> {
    let (left, top) = (f64::from(region.core_x_px), f64::from(region.core_y_px));
    let (right, bottom) = (left + f64::from(region.core_width_px), top + f64::from(region.core_height_px));
    let ring = vec![[left, top], [right, top], [right, bottom], [left, bottom], [left, top]];
    Feature {
        r#type: "Feature",
        id,
        geometry: Geometry { r#type: "Polygon", coordinates: [ring] },
        properties: Properties {
            object_type: "annotation",
            name: field.to_owned(),
            classification: Classification { name: "Examined field".to_owned(), color: COUNTED },
            read_as: None,
            measurements: BTreeMap::new(),
        },
    }
}

fn feature(
    classified: &ClassifiedCell,
    id: String,
    origin: [f64; 2],
    calibrated: bool,
    read_as: Option<&'static str>,
) -> Feature<'static> {
    Feature {
        r#type: "Feature",
        id,
        geometry: Geometry { r#type: "Polygon", coordinates: [ring(&classified.cell.contour, origin)] },
        properties: Properties {
            object_type: "detection",
            name: classified.cell.id.0.to_string(),
            classification: classification(classified),
            read_as,
            measurements: measurements(classified, calibrated),
        },
    }
}

/// The outline as a closed ring: rounded, without repeated points, in the positive sense.
fn ring(contour: &Contour, [left, top]: [f64; 2]) -> Vec<[f64; 2]> {
    let rounded = |value: f64| (value * STEPS_PER_PX).round() / STEPS_PER_PX + 0.0;
    let all: Vec<[f64; 2]> = contour.points().iter().map(|p| [rounded(left + p[0]), rounded(top + p[1])]).collect();
    let mut points = all.clone();
    points.dedup();
    while points.len() > 1 && points.first() == points.last() {
        points.pop();
    }
    // A ring needs three points; an outline smaller than the rounding keeps its repeated ones.
    if points.len() < 3 {
        points = all;
    }
    let doubled_area: f64 =
        points.iter().zip(points.iter().cycle().skip(1)).map(|(a, b)| a[0] * b[1] - b[0] * a[1]).sum();
    if doubled_area < 0.0 {
        points.reverse();
    }
    points.push(points[0]);
    points
}

fn classification(classified: &ClassifiedCell) -> Classification {
    match classified.status {
        CellStatus::Counted(call) if call.class == CellClass::Schistocyte => {
            let form = classified.form.map(|form| format!(": {}", form.name())).unwrap_or_default();
            Classification { name: title(call.class.name()) + &form, color: SCHISTOCYTE }
        }
        CellStatus::Counted(call) => Classification { name: title(call.class.name()), color: COUNTED },
        CellStatus::Excluded(reason, _) => {
            Classification { name: format!("Excluded: {}", reason.name().replace('_', " ")), color: EXCLUDED }
        }
    }
}

/// A name with a capital, as QuPath writes its classes.
fn title(name: &str) -> String {
    let mut chars = name.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

fn measurements(classified: &ClassifiedCell, calibrated: bool) -> BTreeMap<&'static str, f64> {
    let (shape, contour) = (&classified.cell.morphology, &classified.cell.contour);
    let call: Option<Call> = match classified.status {
        CellStatus::Counted(call) => Some(call),
        CellStatus::Excluded(_, call) => call,
    };
    let in_um = |value: f64| calibrated.then_some(value);
    let known = [
        ("area_px2", Some(contour.area_px())),
        ("area_um2", in_um(shape.area_um2)),
        ("perimeter_um", in_um(shape.perimeter_um)),
        ("diameter_um", in_um(shape.diameter_um)),
        ("circularity", Some(shape.circularity)),
        ("solidity", Some(shape.solidity)),
        ("aspect_ratio", Some(shape.aspect_ratio)),
        ("mean_optical_density", Some(shape.mean_optical_density)),
        ("pallor_contrast", shape.pallor_contrast),
        ("class_probability", call.map(|call| call.class_probability.value())),
        ("schistocyte_probability", call.map(|call| call.schistocyte_probability.value())),
    ];
    let finite = |(name, value): (&'static str, Option<f64>)| {
        let value = value.filter(|value| value.is_finite())?;
        Some((name, (value * STEPS_PER_UNIT).round() / STEPS_PER_UNIT + 0.0))
    };
    known.into_iter().filter_map(finite).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn contour(points: &[[f64; 2]]) -> Contour {
        Contour::new(points.to_vec()).expect("three or more points")
    }

    #[test]
    fn a_ring_is_closed_rounded_and_positive() {
        let clockwise = contour(&[[0.0, 0.0], [0.0, 2.004], [2.0, 2.0], [2.0, 2.001], [2.006, 0.0]]);
        assert_eq!(ring(&clockwise, [0.0; 2]), [[2.01, 0.0], [2.0, 2.0], [0.0, 2.0], [0.0, 0.0], [2.01, 0.0]]);
        // Smaller than the rounding: still a ring of four positions.
        assert_eq!(ring(&contour(&[[5.0, 5.0], [5.001, 5.0], [5.0, 5.001]]), [0.0; 2]), [[5.0, 5.0]; 4]);
    }

    #[test]
    fn classes_have_a_capital() {
        assert_eq!((title("schistocyte"), title("")), ("Schistocyte".to_owned(), String::new()));
    }

    proptest! {
        #[test]
        fn every_outline_gives_a_ring_that_keeps_its_area(
            points in prop::collection::vec([0.0..2000.0f64, 0.0..2000.0f64], 3..60),
        ) {
            let original = contour(&points);
            let ring = ring(&original, [0.0; 2]);
            prop_assert!(ring.len() >= 4 && ring.first() == ring.last());
            let again = contour(&ring[..ring.len() - 1]);
            let tolerance = 0.01 * original.perimeter_px() + 0.01;
            prop_assert!((again.area_px() - original.area_px()).abs() <= tolerance);
        }
    }
}
