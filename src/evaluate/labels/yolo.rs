//! YOLO labels: `class cx cy w h` in a line, or `class x1 y1 x2 y2 …` for a polygon, in fractions of the image.
//!
//! Source: the darknet and Ultralytics text formats. Class indices are named by the caller, or by `classes.txt` in the
//! label folder or beside it, or stand for white cell, red cell, platelet as in TXL-PBC.

use std::path::Path;

use super::{ImageFrame, LabelError, Meaning, malformed, read};
use crate::smear::{LabeledCell, TruthKind};

/// Names of the class indices for a label folder.
pub(super) fn names(folder: &Path, given: Option<&[String]>) -> Result<Vec<Meaning>, LabelError> {
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

/// Cells of a label file; blank lines are passed over.
pub(super) fn cells(
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
    use crate::smear::CellClass;

    const IMAGE: ImageFrame<'static> = ImageFrame { name: "a.png", width_px: 200, height_px: 100 };

    fn blood() -> Vec<Meaning> {
        names(Path::new("nowhere/labels"), None).expect("defaults")
    }

    #[test]
    fn boxes_and_polygons_in_pixels() {
        let text = "1 0.5 0.5 0.25 0.5\n2 0 0 0.5 0 0.5 1\n";
        let cells = cells(Path::new("a.txt"), text, IMAGE, &blood()).expect("sound text");
        assert_eq!((cells[0].kind, cells[0].bounds), (TruthKind::RedCell, Some([75.0, 25.0, 125.0, 75.0])));
        assert_eq!(cells[1].kind, TruthKind::Platelet);
        assert_eq!(cells[1].contour, Some(vec![[0.0, 0.0], [100.0, 0.0], [100.0, 100.0]]));
    }

    #[test]
    fn faults_name_the_line() {
        for (bad, expected) in [
            ("3 0.5 0.5 0.1 0.1", "an index of a named class"),
            ("1 0.5 0.5 0.1", "a box of four numbers or a polygon of three or more points"),
            ("1 0.5 0.5 0.1 x", "numbers behind the class"),
        ] {
            let error = cells(Path::new("a.txt"), bad, IMAGE, &blood()).expect_err("a fault");
            assert_eq!(error.to_string(), format!("a.txt: line 1: expected {expected}, found {bad}"));
        }
    }

    #[test]
    fn classes_are_named_by_the_caller_then_by_the_file_beside() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::write(folder.path().join("classes.txt"), "RBC\nschistocyte\n").expect("a writable folder");
        let labels = folder.path().join("labels");
        let found = names(&labels, None).expect("known names");
        assert_eq!(found[1], Meaning::of_class(CellClass::Schistocyte));
        let given = names(&labels, Some(&["burr".to_owned()])).expect("known names");
        assert_eq!(given, [Meaning::of_class(CellClass::Burr)]);
        let unknown = names(&labels, Some(&["cat".to_owned()])).expect_err("no cell");
        assert!(unknown.to_string().contains("class 0: expected a red cell class"), "{unknown}");
    }
}
