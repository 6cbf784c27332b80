//! Pascal VOC boxes, one XML file for each image.
//!
//! Source: the VOC 2007 development kit (Everingham et al.): corners are 1-based pixel numbers and both belong to the
//! box, so pixel 1 begins at 0 here and the far corner stays as it is.

use std::path::Path;

use roxmltree::{Document, Node};

use super::{ImageFrame, LabelError, Meaning, malformed, same_size};
use crate::smear::LabeledCell;

/// Cells of an annotation file.
pub(super) fn cells(path: &Path, text: &str, image: ImageFrame<'_>) -> Result<Vec<LabeledCell>, LabelError> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::smear::TruthKind;

    const IMAGE: ImageFrame<'static> = ImageFrame { name: "a.jpg", width_px: 640, height_px: 480 };

    fn annotation(object: &str) -> String {
        format!("<annotation>\n<size><width>640</width><height>480</height></size>\n{object}\n</annotation>")
    }

    #[test]
    fn corners_become_edges() {
        let object = "<object><name>RBC</name>\
            <bndbox><xmin>1</xmin><ymin>63</ymin><xmax>109</xmax><ymax>480</ymax></bndbox></object>";
        let cells = cells(Path::new("a.xml"), &annotation(object), IMAGE).expect("sound text");
        assert_eq!(cells[0].kind, TruthKind::RedCell);
        assert_eq!(cells[0].bounds, Some([0.0, 62.0, 109.0, 480.0]));
    }

    #[test]
    fn faults_name_line_and_element() {
        let message =
            |object: &str| cells(Path::new("a.xml"), &annotation(object), IMAGE).expect_err("a fault").to_string();
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
        assert!(matches!(cells(Path::new("a.xml"), "<annotation>", IMAGE), Err(LabelError::Malformed { .. })));
        let other = ImageFrame { width_px: 641, ..IMAGE };
        assert!(matches!(cells(Path::new("a.xml"), &annotation(""), other), Err(LabelError::OtherSize { .. })));
    }
}
