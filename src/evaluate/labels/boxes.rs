//! Labels as boxes: Pascal VOC, one XML file for each image, and COCO, one JSON file for all images.
//!
//! * VOC 2007 development kit (Everingham et al.): corners are 1-based pixel numbers and both belong to the box, so pixel 1
//!   begins at 0 here and the far corner stays as it is.
//! * COCO data format (Lin et al., arXiv 1405.0312): boxes are `[x, y, width, height]`. Of a segmentation in polygons the
//!   largest part is taken. A run-length mask gives no outline here; its box stands. A field with a crowd (`iscrowd`: many
//!   objects under one label) is not completely labelled, and the crowd is left out.

use std::path::Path;

use roxmltree::{Document, Node};
use serde::Deserialize;

use super::label::{ImageFrame, LabelError, Meaning, field, largest_outline, malformed, malformed_json, same_size};
use crate::smear::{LabeledCell, LabeledField};

/// Cells of an annotation file.
pub(super) fn voc_cells(path: &Path, text: &str, image: ImageFrame<'_>) -> Result<Vec<LabeledCell>, LabelError> {
    let document = Document::parse(text)
        .map_err(|error| malformed(path, format!("line {}", error.pos().row), "XML", error.to_string()))?;
    let root = document.root_element();
    if let Some(size) = child(root, "size") {
        let side = |name| number(path, size, name).map(|value| value as u32);
        same_size(path, image, (side("width")?, side("height")?))?;
    }
    root.children().filter(|node| node.has_tag_name("object")).map(|object| cell(path, object)).collect()
}

fn cell(path: &Path, object: Node<'_, '_>) -> Result<LabeledCell, LabelError> {
    let name = text_of(path, object, "name")?;
    let meaning = Meaning::of_name(name).ok_or_else(|| LabelError::UnknownName {
        path: path.to_owned(),
        place: place(object),
        name: name.to_owned(),
    })?;
    let corners =
        child(object, "bndbox").ok_or_else(|| malformed(path, place(object), "a `bndbox` element", "none"))?;
    let corner = |name| number(path, corners, name);
    let bounds = [corner("xmin")? - 1.0, corner("ymin")? - 1.0, corner("xmax")?, corner("ymax")?];
    Ok(LabeledCell { bounds: Some(bounds), ..meaning.cell() })
}

fn child<'a, 'i>(node: Node<'a, 'i>, name: &str) -> Option<Node<'a, 'i>> {
    node.children().find(|child| child.has_tag_name(name))
}

fn place(node: Node<'_, '_>) -> String {
    let position = node.document().text_pos_at(node.range().start);
    format!("line {}, element `{}`", position.row, node.tag_name().name())
}

fn text_of<'a>(path: &Path, node: Node<'a, '_>, name: &str) -> Result<&'a str, LabelError> {
    let text = child(node, name).and_then(|child| child.text()).map(str::trim);
    text.ok_or_else(|| malformed(path, place(node), "every element of the VOC format", format!("no `{name}`")))
}

fn number(path: &Path, node: Node<'_, '_>, name: &str) -> Result<f64, LabelError> {
    let text = text_of(path, node, name)?;
    text.parse().map_err(|_| malformed(path, place(node), "numbers", format!("`{text}` as `{name}`")))
}

/// A COCO file.
#[derive(Debug, Deserialize)]
pub(super) struct CocoDataset {
    images: Vec<Image>,
    annotations: Vec<Annotation>,
    categories: Vec<Category>,
}

#[derive(Debug, Deserialize)]
struct Image {
    id: i64,
    file_name: String,
    width: u32,
    height: u32,
}

#[derive(Debug, Deserialize)]
struct Annotation {
    id: i64,
    image_id: i64,
    category_id: i64,
    bbox: Option<[f64; 4]>,
    #[serde(default)]
    segmentation: Segmentation,
    #[serde(default)]
    iscrowd: u8,
}

#[derive(Debug, Deserialize, Default)]
#[serde(untagged)]
enum Segmentation {
    Polygons(Vec<Vec<f64>>),
    RunLengths {},
    #[default]
    None,
}

#[derive(Debug, Deserialize)]
struct Category {
    id: i64,
    name: String,
}

impl CocoDataset {
    /// The file's content.
    pub(super) fn parse(path: &Path, text: &str) -> Result<Self, LabelError> {
        serde_json::from_str(text).map_err(|error| malformed_json(path, &error))
    }

    /// The entry of an image, by file name without folders.
    fn image(&self, name: &str) -> Option<&Image> {
        self.images.iter().find(|image| image.file_name.rsplit(['/', '\\']).next() == Some(name))
    }

    /// Whether the file names the image.
    pub(super) fn holds(&self, name: &str) -> bool {
        self.image(name).is_some()
    }

    /// Labels of an image, `None` where the file does not name it.
    pub(super) fn field(&self, path: &Path, frame: ImageFrame<'_>) -> Result<Option<LabeledField>, LabelError> {
        let Some(image) = self.image(frame.name) else { return Ok(None) };
        same_size(path, frame, (image.width, image.height))?;
        let (crowds, objects): (Vec<_>, Vec<_>) = self
            .annotations
            .iter()
            .filter(|annotation| annotation.image_id == image.id)
            .partition(|annotation| annotation.iscrowd != 0);
        let cells = objects.into_iter().map(|object| self.cell(path, object)).collect::<Result<_, _>>()?;
        Ok(Some(field(frame, crowds.is_empty(), cells)))
    }

    fn cell(&self, path: &Path, annotation: &Annotation) -> Result<LabeledCell, LabelError> {
        let place = || format!("annotation {}", annotation.id);
        let category = self.categories.iter().find(|category| category.id == annotation.category_id);
        let category = category
            .ok_or_else(|| malformed(path, place(), "a listed category", annotation.category_id.to_string()))?;
        let meaning = Meaning::of_name(&category.name).ok_or_else(|| LabelError::UnknownName {
            path: path.to_owned(),
            place: format!("category {}", category.id),
            name: category.name.clone(),
        })?;
        let bounds = annotation.bbox.map(|[x, y, width, height]| [x, y, x + width, y + height]);
        let contour = match &annotation.segmentation {
            Segmentation::Polygons(parts) => {
                let points = |part: &Vec<f64>| part.chunks_exact(2).map(|p| [p[0], p[1]]).collect();
                largest_outline(parts.iter().map(points))
            }
            Segmentation::RunLengths {} | Segmentation::None => None,
        };
        if bounds.is_none() && contour.is_none() {
            return Err(malformed(path, place(), "a `bbox` or a polygon", "neither"));
        }
        Ok(LabeledCell { bounds, contour, ..meaning.cell() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::smear::{CellClass, TruthKind};

    const PHOTOGRAPH: ImageFrame<'static> = ImageFrame { name: "a.jpg", width_px: 640, height_px: 480 };

    fn annotation(object: &str) -> String {
        format!("<annotation>\n<size><width>640</width><height>480</height></size>\n{object}\n</annotation>")
    }

    #[test]
    fn corners_become_edges() {
        let object = "<object><name>RBC</name>\
            <bndbox><xmin>1</xmin><ymin>63</ymin><xmax>109</xmax><ymax>480</ymax></bndbox></object>";
        let cells = voc_cells(Path::new("a.xml"), &annotation(object), PHOTOGRAPH).expect("sound text");
        assert_eq!(cells[0].kind, TruthKind::RedCell);
        assert_eq!(cells[0].bounds, Some([0.0, 62.0, 109.0, 480.0]));
    }

    #[test]
    fn faults_name_line_and_element() {
        let message = |object: &str| {
            voc_cells(Path::new("a.xml"), &annotation(object), PHOTOGRAPH).expect_err("a fault").to_string()
        };
        assert_eq!(
            message("<object><name>dog</name></object>"),
            "a.xml: line 3, element `object`: expected a red cell class, RBC, WBC or platelet, found `dog`; rename the \
             label"
        );
        assert_eq!(
            message("<object><name>RBC</name></object>"),
            "a.xml: line 3, element `object`: expected a `bndbox` element, found none"
        );
        assert!(message("<object><name>RBC</name><bndbox><xmin>x</xmin></bndbox></object>").contains("`x` as `xmin`"));
        assert!(matches!(voc_cells(Path::new("a.xml"), "<annotation>", PHOTOGRAPH), Err(LabelError::Malformed { .. })));
        let other = ImageFrame { width_px: 641, ..PHOTOGRAPH };
        assert!(matches!(voc_cells(Path::new("a.xml"), &annotation(""), other), Err(LabelError::OtherSize { .. })));
    }

    const IMAGE: ImageFrame<'static> = ImageFrame { name: "a.png", width_px: 200, height_px: 100 };

    fn dataset(annotations: &str) -> CocoDataset {
        let text = format!(
            r#"{{"images": [{{"id": 4, "file_name": "train/a.png", "width": 200, "height": 100}}],
                "categories": [{{"id": 1, "name": "schistocyte"}}, {{"id": 2, "name": "boat"}}],
                "annotations": [{annotations}]}}"#
        );
        CocoDataset::parse(Path::new("c.json"), &text).expect("sound text")
    }

    fn labels(annotations: &str) -> Result<LabeledField, LabelError> {
        dataset(annotations).field(Path::new("c.json"), IMAGE).map(|field| field.expect("a named image"))
    }

    #[test]
    fn box_and_largest_polygon() {
        let field = labels(
            r#"{"id": 1, "image_id": 4, "category_id": 1, "bbox": [10, 20, 30, 40],
               "segmentation": [[10, 20, 11, 20, 11, 21], [10, 20, 40, 20, 40, 60]]},
               {"id": 2, "image_id": 5, "category_id": 1, "bbox": [0, 0, 9, 9]},
               {"id": 3, "image_id": 4, "category_id": 1, "bbox": [10, 20, 30, 40],
                "segmentation": {"counts": [1], "size": [2, 2]}}"#,
        )
        .expect("sound annotations");
        assert_eq!(field.cells.len(), 2);
        assert_eq!(field.cells[0].bounds, Some([10.0, 20.0, 40.0, 60.0]));
        assert_eq!(field.cells[0].contour, Some(vec![[10.0, 20.0], [40.0, 20.0], [40.0, 60.0]]));
        assert_eq!(field.cells[0].class, Some(CellClass::Schistocyte));
        assert_eq!(field.cells[1].contour, None);
        assert!(field.complete);
    }

    #[test]
    fn a_crowd_is_left_out_and_makes_the_field_incomplete() {
        let crowd = r#"{"id": 1, "image_id": 4, "category_id": 1, "bbox": [10, 20, 30, 40], "iscrowd": 1}"#;
        let field = labels(crowd).expect("sound annotations");
        assert_eq!((field.cells.len(), field.complete), (0, false));
    }

    #[test]
    fn faults_name_the_annotation() {
        let message = |annotation: &str| labels(annotation).expect_err("a fault").to_string();
        assert_eq!(
            message(r#"{"id": 8, "image_id": 4, "category_id": 9, "bbox": [0, 0, 9, 9]}"#),
            "c.json: annotation 8: expected a listed category, found 9"
        );
        assert!(
            message(r#"{"id": 8, "image_id": 4, "category_id": 2, "bbox": [0, 0, 9, 9]}"#).contains("found `boat`")
        );
        assert_eq!(
            message(r#"{"id": 8, "image_id": 4, "category_id": 1}"#),
            "c.json: annotation 8: expected a `bbox` or a polygon, found neither"
        );
        assert!(!dataset("").holds("b.png"));
        assert!(matches!(CocoDataset::parse(Path::new("c.json"), "[]"), Err(LabelError::Malformed { .. })));
    }
}
