//! Label formats: their names, the endings of their files, and how to tell them apart.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use strum::{EnumString, IntoStaticStr, VariantArray};

use super::label::{LabelError, files, read};

/// Label formats, in the order of the command line help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, EnumString, IntoStaticStr, VariantArray)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase", parse_err_ty = UnknownFormat, parse_err_fn = unknown_format)]
pub enum LabelFormat {
    /// `x y class` in a line, one text file for each image (Chula RBC-12).
    Chula,
    /// One XML file for each image.
    #[serde(rename = "voc")]
    #[strum(serialize = "voc")]
    PascalVoc,
    /// One text file for each image, boxes or polygons in fractions of the image.
    Yolo,
    /// One JSON file for all images.
    Coco,
    /// One GeoJSON file for each image, as QuPath exports it.
    QuPath,
    /// The truth that `synth` writes beside its images.
    Truth,
    /// Tables of cells that two readers read.
    Readings,
}

impl LabelFormat {
    /// Name as typed and written.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Endings of the label file that belongs to `<stem>.<image ending>`, first choice first.
    pub(super) fn endings(self) -> &'static [&'static str] {
        match self {
            Self::Chula | Self::Yolo => &[".txt"],
            Self::PascalVoc => &[".xml"],
            Self::Coco => &[".json"],
            Self::QuPath => &[".geojson", ".json"],
            Self::Truth => &[".truth.json"],
            Self::Readings => &[".csv"],
        }
    }

    /// Whether files of this format label every object of a field unless the caller says otherwise.
    ///
    /// Boxes and synthetic truth do. Chula and readings label a part of the cells, and QuPath holds what a person chose to mark.
    pub(super) fn labels_every_object(self) -> bool {
        !matches!(self, Self::Chula | Self::QuPath | Self::Readings)
    }
}

/// A name that is no label format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected a label format (chula, voc, yolo, coco, qupath, truth or readings), found `{0}`")]
pub struct UnknownFormat(pub String);

fn unknown_format(name: &str) -> UnknownFormat {
    UnknownFormat(name.to_owned())
}

/// The format of a label folder or file, by its endings and, where these do not tell, by its first lines.
///
/// # Errors
/// [`LabelError::FormatUnknown`] where nothing tells or two formats lie side by side; [`LabelError::Unreadable`].
pub fn detect(path: &Path) -> Result<LabelFormat, LabelError> {
    let unknown = |found: String| LabelError::FormatUnknown { path: path.to_owned(), found };
    let mut files = files(path)?;
    files.retain(|file| !file.ends_with("classes.txt"));
    let mut found: Vec<LabelFormat> = Vec::new();
    for ending in ENDINGS {
        let of_ending = || files.iter().filter(|file| ending_of(file) == Some(ending));
        let format = match ending {
            ".truth.json" => of_ending().next().map(|_| LabelFormat::Truth),
            ".geojson" => of_ending().next().map(|_| LabelFormat::QuPath),
            ".xml" => of_ending().next().map(|_| LabelFormat::PascalVoc),
            ".json" => first_told(of_ending(), of_json)?,
            ".csv" => first_told(of_ending(), of_header)?,
            _ => first_told(of_ending(), of_lines)?,
        };
        found.extend(format.filter(|format| !found.contains(format)));
    }
    match found[..] {
        [format] => Ok(format),
        [] => Err(unknown(format!("none among {} files", files.len()))),
        _ => Err(unknown(found.iter().map(|format| format.name()).collect::<Vec<_>>().join(" and "))),
    }
}

/// Endings that tell a format, alone or with the first lines, the longest first.
const ENDINGS: [&str; 6] = [".truth.json", ".geojson", ".xml", ".json", ".csv", ".txt"];

/// The ending that tells a format, the longest first.
fn ending_of(file: &Path) -> Option<&'static str> {
    let name = file.file_name()?.to_str()?;
    ENDINGS.into_iter().find(|ending| name.ends_with(ending))
}

/// What the first file says that says anything.
fn first_told<'a>(
    files: impl Iterator<Item = &'a PathBuf>,
    format_of: fn(&str) -> Option<LabelFormat>,
) -> Result<Option<LabelFormat>, LabelError> {
    for file in files {
        if let Some(format) = format_of(&read(file)?) {
            return Ok(Some(format));
        }
    }
    Ok(None)
}

/// COCO lists its images; GeoJSON calls itself a collection or a list of features.
fn of_json(text: &str) -> Option<LabelFormat> {
    let value: serde_json::Value = serde_json::from_str(text).ok()?;
    let is_feature =
        |value: &serde_json::Value| matches!(value["type"].as_str(), Some("Feature" | "FeatureCollection"));
    if value.get("images").is_some() && value.get("annotations").is_some() {
        Some(LabelFormat::Coco)
    } else if is_feature(&value) || is_feature(&value[0]) {
        Some(LabelFormat::QuPath)
    } else {
        None
    }
}

/// A table of readings begins with the place of a cell; other tables, a split file for one, tell nothing.
fn of_header(text: &str) -> Option<LabelFormat> {
    let header: Vec<&str> = text.lines().next()?.split(',').map(str::trim).collect();
    ["set", "image", "x", "y", "reading_a", "reading_b"]
        .iter()
        .all(|column| header.contains(column))
        .then_some(LabelFormat::Readings)
}

/// Chula has three whole numbers in a line; YOLO a class and at least four fractions.
fn of_lines(text: &str) -> Option<LabelFormat> {
    let words: Vec<&str> = text.lines().find(|line| !line.trim().is_empty())?.split_whitespace().collect();
    let numbers: Vec<f64> = words.iter().map(|word| word.parse().ok()).collect::<Option<_>>()?;
    match numbers[..] {
        [_, _, class] if class.fract() == 0.0 => Some(LabelFormat::Chula),
        [_, ref fractions @ ..] if fractions.len() >= 4 && fractions.iter().all(|value| value.abs() <= 1.5) => {
            Some(LabelFormat::Yolo)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn told(files: &[(&str, &str)]) -> Result<LabelFormat, LabelError> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for (name, text) in files {
            fs::write(folder.path().join(name), text).expect("a writable folder");
        }
        detect(folder.path())
    }

    #[test]
    fn each_format_is_told_by_its_files() {
        for (name, text, format) in [
            ("1.txt", "\n12 33 9\n", LabelFormat::Chula),
            ("1.txt", "1 0.5 0.5 0.1 0.1\n", LabelFormat::Yolo),
            ("1.xml", "", LabelFormat::PascalVoc),
            ("1.geojson", "", LabelFormat::QuPath),
            ("1.json", r#"{"type": "FeatureCollection", "features": []}"#, LabelFormat::QuPath),
            ("1.json", r#"[{"type": "Feature"}]"#, LabelFormat::QuPath),
            ("all.json", r#"{"images": [], "annotations": []}"#, LabelFormat::Coco),
            ("1.truth.json", "", LabelFormat::Truth),
            ("1.csv", "set,image,x,y,label,reading_a,reading_b,weight\n", LabelFormat::Readings),
        ] {
            assert_eq!(told(&[(name, text), ("classes.txt", "RBC")]).expect(text), format);
        }
        assert_eq!(told(&[("1.txt", ""), ("2.txt", "1 2 0")]).expect("the second"), LabelFormat::Chula);
    }

    #[test]
    fn what_does_not_tell_is_refused() {
        let mixed = told(&[("1.txt", "1 2 3"), ("1.xml", "")]).expect_err("two formats").to_string();
        assert!(mixed.contains("voc and chula"), "{mixed}");
        assert!(told(&[("1.json", "{}"), ("notes.md", "1 2 3")]).is_err());
        assert!(matches!(detect(Path::new("no/such/folder")), Err(LabelError::Unreadable { .. })));
    }

    #[test]
    fn formats_are_told_by_their_names() {
        for &format in LabelFormat::VARIANTS {
            assert_eq!(format.name().parse(), Ok(format));
            let quoted = format!("\"{}\"", format.name());
            assert_eq!(serde_json::from_str::<LabelFormat>(&quoted).expect("a format"), format);
        }
        assert_eq!("svg".parse::<LabelFormat>(), Err(UnknownFormat("svg".to_owned())));
    }
}
