//! Labels in lines of text, one file for each image; blank lines are passed over.
//!
//! * Chula RBC-12 (Naruenatthanaset et al., arXiv 2012.01321): `x y class`, class 0–12 in the order of [`CellClass::ALL`]. A
//!   point lies anywhere inside its cell, and many cells carry none.
//! * YOLO (the darknet and Ultralytics text formats): `class cx cy w h`, or `class x1 y1 x2 y2 …` for a polygon, in fractions of
//!   the image. The caller names the class indices, or `classes.txt` in the label folder or beside it does; otherwise they
//!   stand for white cell, red cell, platelet as in TXL-PBC.

use std::path::Path;

use super::label::{ImageFrame, LabelError, Meaning, malformed, read};
use crate::smear::{CellClass, LabeledCell, TruthKind};

/// Cells of a Chula file.
pub(super) fn points(path: &Path, text: &str) -> Result<Vec<LabeledCell>, LabelError> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(index, line)| {
            let fault =
                || malformed(path, format!("line {}", index + 1), "`x y class` with a class from 0 to 12", line);
            let words: Vec<_> = line.split_whitespace().collect();
            let [x, y, class] = words[..] else { return Err(fault()) };
            let number = |word: &str| word.parse::<f64>().map_err(|_| fault());
            let class = class.parse().ok().and_then(|index: usize| CellClass::ALL.get(index)).ok_or_else(fault)?;
            Ok(LabeledCell { point: Some([number(x)?, number(y)?]), ..Meaning::of_class(*class).cell() })
        })
        .collect()
}

/// Names of the class indices for a label folder.
pub(super) fn yolo_names(folder: &Path, given: Option<&[String]>) -> Result<Vec<Meaning>, LabelError> {
    let files = [folder.join("classes.txt"), folder.with_file_name("classes.txt")];
    let (path, names) = match (given, files.iter().find(|file| file.is_file())) {
        (Some(given), _) => (folder, given.to_vec()),
        (None, Some(file)) => (file.as_path(), read(file)?.lines().map(str::to_owned).collect()),
        (None, None) => {
            return Ok([TruthKind::WhiteCell, TruthKind::RedCell, TruthKind::Platelet].map(Meaning::of_kind).to_vec());
        }
    };
    let named = names.iter().enumerate().filter(|(_, name)| !name.trim().is_empty());
    named
        .map(|(index, name)| {
            let unknown = || LabelError::UnknownName {
                path: path.to_owned(),
                place: format!("class {index}"),
                name: name.clone(),
            };
            Meaning::of_name(name).ok_or_else(unknown)
        })
        .collect()
}

/// Cells of a YOLO file.
pub(super) fn boxes(
    path: &Path,
    text: &str,
    image: ImageFrame<'_>,
    names: &[Meaning],
) -> Result<Vec<LabeledCell>, LabelError> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(index, line)| {
            let fault = |expected| malformed(path, format!("line {}", index + 1), expected, line);
            let mut words = line.split_whitespace();
            let class = words.next().and_then(|word| word.parse().ok()).and_then(|class: usize| names.get(class));
            let meaning = class.ok_or_else(|| fault("an index of a named class"))?;
            let fractions: Vec<f64> =
                words.map(str::parse).collect::<Result<_, _>>().map_err(|_| fault("numbers behind the class"))?;
            let (width, height) = (f64::from(image.width_px), f64::from(image.height_px));
            match fractions[..] {
                [cx, cy, w, h] => {
                    let [x_min, x_max] = [cx - w / 2.0, cx + w / 2.0].map(|x| x * width);
                    let [y_min, y_max] = [cy - h / 2.0, cy + h / 2.0].map(|y| y * height);
                    Ok(LabeledCell { bounds: Some([x_min, y_min, x_max, y_max]), ..meaning.cell() })
                }
                _ if fractions.len() >= 6 && fractions.len().is_multiple_of(2) => {
                    let points = fractions.chunks_exact(2).map(|point| [point[0] * width, point[1] * height]);
                    Ok(LabeledCell { contour: Some(points.collect()), ..meaning.cell() })
                }
                _ => Err(fault("a box of four numbers or a polygon of three or more points")),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const IMAGE: ImageFrame<'static> = ImageFrame { name: "a.png", width_px: 200, height_px: 100 };

    fn blood() -> Vec<Meaning> {
        yolo_names(Path::new("nowhere/labels"), None).expect("defaults")
    }

    #[test]
    fn reads_points_with_their_class() {
        let cells = points(Path::new("1.txt"), "456 310 9\n\n12 7 12\n").expect("sound text");
        assert_eq!(cells.len(), 2);
        assert_eq!((cells[0].point, cells[0].class), (Some([456.0, 310.0]), Some(CellClass::Schistocyte)));
        assert_eq!(cells[1].class, Some(CellClass::Elliptocyte));
    }

    #[test]
    fn faults_of_points_name_the_line() {
        for bad in ["1 2", "1 2 13", "1 2 -1", "a 2 3", "1 2 3 4"] {
            let error = points(Path::new("1.txt"), &format!("4 5 0\n{bad}")).expect_err("a fault");
            assert_eq!(
                error.to_string(),
                format!("1.txt: line 2: expected `x y class` with a class from 0 to 12, found {bad}")
            );
        }
    }

    #[test]
    fn boxes_and_polygons_in_pixels() {
        let text = "1 0.5 0.5 0.25 0.5\n2 0 0 0.5 0 0.5 1\n";
        let cells = boxes(Path::new("a.txt"), text, IMAGE, &blood()).expect("sound text");
        assert_eq!((cells[0].kind, cells[0].bounds), (TruthKind::RedCell, Some([75.0, 25.0, 125.0, 75.0])));
        assert_eq!(cells[1].kind, TruthKind::Platelet);
        assert_eq!(cells[1].contour, Some(vec![[0.0, 0.0], [100.0, 0.0], [100.0, 100.0]]));
    }

    #[test]
    fn faults_of_boxes_name_the_line() {
        for (bad, expected) in [
            ("3 0.5 0.5 0.1 0.1", "an index of a named class"),
            ("1 0.5 0.5 0.1", "a box of four numbers or a polygon of three or more points"),
            ("1 0.5 0.5 0.1 x", "numbers behind the class"),
        ] {
            let error = boxes(Path::new("a.txt"), bad, IMAGE, &blood()).expect_err("a fault");
            assert_eq!(error.to_string(), format!("a.txt: line 1: expected {expected}, found {bad}"));
        }
    }

    #[test]
    fn classes_are_named_by_the_caller_then_by_the_file_beside() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::write(folder.path().join("classes.txt"), "RBC\nschistocyte\n").expect("a writable folder");
        let labels = folder.path().join("labels");
        let found = yolo_names(&labels, None).expect("known names");
        assert_eq!(found[1], Meaning::of_class(CellClass::Schistocyte));
        let given = yolo_names(&labels, Some(&["burr".to_owned()])).expect("known names");
        assert_eq!(given, [Meaning::of_class(CellClass::Burr)]);
        let unknown = yolo_names(&labels, Some(&["cat".to_owned()])).expect_err("no cell");
        assert!(unknown.to_string().contains("class 0: expected a red cell class"), "{unknown}");
    }
}
