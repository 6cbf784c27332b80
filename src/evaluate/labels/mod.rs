//! Foreign label files mapped to [`LabeledField`].
//!
//! In: a label file or a folder of them, the name and the size of an image. Out: the field with its labelled objects,
//! positions in pixels of the original image with the origin at the top-left corner of the top-left pixel, and remarks
//! on labels that were left out. The readers of the formats state their sources.
//!
//! Limits: a label that contradicts its image (another size, an object outside the frame) is an error, because shifted
//! labels would give figures that look like those of a bad segmenter. Boxes too small for any cell are left out with a
//! remark, because real sets hold a few.

mod boxes;
mod format;
mod label;
mod lines;
mod qupath;
pub mod readings;

use std::fs;
use std::path::{Path, PathBuf};

pub use format::{LabelFormat, UnknownFormat, detect};
pub use label::{ImageFrame, LabelError};
use label::{Meaning, field, malformed, malformed_json, read, same_size};

use crate::smear::LabeledField;

/// Least side of a labelled box, px. The pipeline reads cells from 20 px on; a smaller box is a slip of the pointer.
const MIN_BOX_SIDE_PX: f64 = 3.0;

/// How far a label may lie outside the frame, px: rounding of fractions and of 1-based corners.
const OUTSIDE_TOLERANCE_PX: f64 = 2.0;

/// Choices that a label file does not make itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LabelOptions {
    /// Whether every object is labelled; by the format where `None`.
    pub complete: Option<bool>,
    /// Class names of YOLO indices; from `classes.txt` beside the labels, else white cell, red cell, platelet.
    pub yolo_names: Option<Vec<String>>,
}

/// A field with remarks on labels that were left out.
#[derive(Debug, Clone, PartialEq)]
pub struct Labels {
    /// The field.
    pub field: LabeledField,
    /// One sentence for each label left out.
    pub remarks: Vec<String>,
}

impl Labels {
    /// Of an image of which nothing is labelled.
    pub fn none(image: ImageFrame<'_>) -> Self {
        Self { field: field(image, false, Vec::new()), remarks: Vec::new() }
    }
}

/// The labels of a set of images.
#[derive(Debug)]
pub struct LabelSet {
    path: PathBuf,
    format: LabelFormat,
    options: LabelOptions,
    yolo_names: Vec<Meaning>,
    coco: Option<boxes::CocoDataset>,
}

impl LabelSet {
    /// Opens a label folder, or one file (COCO always is one), and reads what all its images share.
    ///
    /// # Errors
    /// [`LabelError`] where a shared file cannot be read or understood.
    pub fn open(path: &Path, format: LabelFormat, options: LabelOptions) -> Result<Self, LabelError> {
        fs::metadata(path).map_err(|source| LabelError::Unreadable { path: path.to_owned(), source })?;
        let yolo_names = match format {
            LabelFormat::Yolo => lines::yolo_names(path, options.yolo_names.as_deref())?,
            _ => Vec::new(),
        };
        let coco = match format {
            LabelFormat::Coco => Some(boxes::CocoDataset::parse(path, &read(path)?)?),
            _ => None,
        };
        Ok(Self { path: path.to_owned(), format, options, yolo_names, coco })
    }

    /// Whether labels of the image exist.
    pub fn holds(&self, image: ImageFrame<'_>) -> bool {
        match &self.coco {
            Some(dataset) => dataset.holds(image.name),
            None => self.file_of(image).is_some(),
        }
    }

    /// Labels of an image.
    ///
    /// # Errors
    /// [`LabelError`] where they are missing, malformed, or do not fit the image.
    pub fn labels_of(&self, image: ImageFrame<'_>) -> Result<Labels, LabelError> {
        let missing = || LabelError::Missing { path: self.path.clone(), image: image.name.to_owned() };
        let (path, mut field) = match &self.coco {
            Some(dataset) => (self.path.clone(), dataset.field(&self.path, image)?.ok_or_else(missing)?),
            None => {
                let path = self.file_of(image).ok_or_else(missing)?;
                let field = self.read(&path, image)?;
                (path, field)
            }
        };
        field.complete = self.options.complete.unwrap_or(field.complete);
        let remarks = check(&path, &mut field)?;
        Ok(Labels { field, remarks })
    }

    /// The field of a label file.
    fn read(&self, path: &Path, image: ImageFrame<'_>) -> Result<LabeledField, LabelError> {
        let text = read(path)?;
        let cells = match self.format {
            LabelFormat::Truth => return truth(path, &text, image),
            LabelFormat::Chula => lines::points(path, &text)?,
            LabelFormat::PascalVoc => boxes::voc_cells(path, &text, image)?,
            LabelFormat::Yolo => lines::boxes(path, &text, image, &self.yolo_names)?,
            LabelFormat::QuPath => qupath::cells(path, &text)?,
            // Readings lie over the labels and are opened apart from them, and COCO is one file for all images.
            LabelFormat::Coco | LabelFormat::Readings => Vec::new(),
        };
        Ok(field(image, self.format.labels_every_object(), cells))
    }

    /// The label file of an image in a folder, or the one label file where it is named like the image.
    fn file_of(&self, image: ImageFrame<'_>) -> Option<PathBuf> {
        if self.path.is_file() {
            let name = self.path.file_name().and_then(|name| name.to_str())?;
            let is_its = self.format.endings().iter().any(|ending| name == format!("{}{ending}", image.stem()));
            return is_its.then(|| self.path.clone());
        }
        let named = self.format.endings().iter().map(|ending| self.path.join(format!("{}{ending}", image.stem())));
        named.into_iter().find(|path| path.is_file())
    }
}

/// The project's own truth: [`LabeledField`] as JSON.
fn truth(path: &Path, text: &str, image: ImageFrame<'_>) -> Result<LabeledField, LabelError> {
    let field: LabeledField = serde_json::from_str(text).map_err(|error| malformed_json(path, &error))?;
    same_size(path, image, (field.width_px, field.height_px))?;
    Ok(LabeledField { field: image.name.to_owned(), ..field })
}

/// Checks every position against the frame, clips what lies within the tolerance, leaves out boxes without a size.
fn check(path: &Path, field: &mut LabeledField) -> Result<Vec<String>, LabelError> {
    let size = [f64::from(field.width_px), f64::from(field.height_px)];
    let mut remarks = Vec::new();
    let mut kept = Vec::with_capacity(field.cells.len());
    for (index, mut cell) in field.cells.drain(..).enumerate() {
        let bounds = cell.bounds.as_mut().into_iter().flat_map(|bounds| bounds.iter_mut().enumerate());
        let points = cell.point.iter_mut().chain(cell.contour.iter_mut().flatten());
        let values = points.flat_map(|point| point.iter_mut().enumerate()).chain(bounds);
        for (position, value) in values {
            let side = size[position % 2];
            if !(-OUTSIDE_TOLERANCE_PX..=side + OUTSIDE_TOLERANCE_PX).contains(value) {
                let place = format!("object {}", index + 1);
                return Err(malformed(path, place, "a position inside the image", format!("{value} px of {side} px")));
            }
            *value = value.clamp(0.0, side);
        }
        let thin = cell.bounds.is_some_and(|[x_min, y_min, x_max, y_max]| {
            x_max - x_min < MIN_BOX_SIDE_PX || y_max - y_min < MIN_BOX_SIDE_PX
        });
        if thin {
            let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
            remarks.push(format!("{name}: object {} left out: a side under {MIN_BOX_SIDE_PX} px", index + 1));
        } else {
            kept.push(cell);
        }
    }
    field.cells = kept;
    Ok(remarks)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::smear::{CellClass, LabeledCell, TruthKind};

    const IMAGE: ImageFrame<'static> = ImageFrame { name: "7.jpg", width_px: 100, height_px: 80 };

    fn boxed(bounds: [f64; 4]) -> LabeledCell {
        LabeledCell {
            kind: TruthKind::RedCell,
            class: None,
            form: None,
            point: None,
            bounds: Some(bounds),
            contour: None,
        }
    }

    #[test]
    fn positions_within_the_tolerance_are_clipped_and_beyond_it_refused() {
        let mut near = field(IMAGE, true, vec![boxed([-2.0, 10.0, 30.0, 82.0])]);
        assert_eq!(check(Path::new("a"), &mut near).expect("within the tolerance"), Vec::<String>::new());
        assert_eq!(near.cells[0].bounds, Some([0.0, 10.0, 30.0, 80.0]));
        for far in [[-2.1, 10.0, 30.0, 40.0], [0.0, 10.0, 102.1, 40.0], [0.0, f64::NAN, 30.0, 40.0]] {
            let mut far = field(IMAGE, true, vec![boxed(far)]);
            assert!(matches!(check(Path::new("a"), &mut far), Err(LabelError::Malformed { .. })));
        }
    }

    #[test]
    fn boxes_without_a_size_are_left_out_with_a_remark() {
        let mut field = field(IMAGE, true, vec![boxed([5.0, 5.0, 7.9, 20.0]), boxed([5.0, 5.0, 8.0, 20.0])]);
        let remarks = check(Path::new("x/7.xml"), &mut field).expect("inside the frame");
        assert_eq!(remarks, ["7.xml: object 1 left out: a side under 3 px"]);
        assert_eq!(field.cells.len(), 1);
    }

    #[test]
    fn folders_are_searched_by_stem_and_own_truth_round_trips() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut truth = field(IMAGE, true, vec![boxed([5.0, 5.0, 25.0, 20.0])]);
        truth.cells[0].class = Some(CellClass::Burr);
        truth.um_per_px = Some(0.2);
        let text = serde_json::to_string(&truth).expect("plain record");
        fs::write(folder.path().join("7.truth.json"), text).expect("a writable folder");
        let set = LabelSet::open(folder.path(), LabelFormat::Truth, LabelOptions::default()).expect("a folder");
        assert!(set.holds(IMAGE) && !set.holds(ImageFrame { name: "8.jpg", ..IMAGE }));
        assert_eq!(set.labels_of(IMAGE).expect("labels").field, truth);
        let wide = ImageFrame { width_px: 101, ..IMAGE };
        assert!(matches!(set.labels_of(wide), Err(LabelError::OtherSize { found: (100, 80), .. })));
        let other = set.labels_of(ImageFrame { name: "8.jpg", ..IMAGE }).expect_err("no such file");
        assert!(other.to_string().ends_with("expected labels of `8.jpg`, found none; leave the image out or label it"));
    }

    #[test]
    fn the_caller_may_say_that_labels_are_complete() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::write(folder.path().join("7.txt"), "10 20 9\n").expect("a writable folder");
        for (given, expected) in [(None, false), (Some(true), true)] {
            let options = LabelOptions { complete: given, ..LabelOptions::default() };
            let set = LabelSet::open(folder.path(), LabelFormat::Chula, options).expect("a folder");
            assert_eq!(set.labels_of(IMAGE).expect("labels").field.complete, expected);
        }
    }
}
