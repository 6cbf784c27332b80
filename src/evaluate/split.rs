//! Which images belong to which part of a labelled set, and which of them belong together.
//!
//! In: a CSV file with a header; the columns `image` (file name, with or without its ending) and `split` are needed,
//! `group` (images that share a slide or are near duplicates) may stand, others are passed over. Out: for each image
//! its part and its group.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// Why a split file could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SplitError {
    /// The file cannot be read, or a row lacks `image` or `split`.
    #[error("{}: expected a CSV file with the columns `image` and `split`; check path and header", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Cause.
        source: csv::Error,
    },
    /// An image stands twice.
    #[error("{}: expected each image once, found `{image}` twice; remove one", path.display())]
    Twice {
        /// The file.
        path: PathBuf,
        /// The image.
        image: String,
    },
    /// No image belongs to the part that was asked for.
    #[error("{}: expected images of the part `{wanted}`, found only {found}; choose one of these", path.display())]
    NoSuchPart {
        /// The file.
        path: PathBuf,
        /// Part asked for.
        wanted: String,
        /// Parts in the file.
        found: String,
    },
}

#[derive(Deserialize)]
struct Row {
    image: String,
    split: String,
    group: Option<String>,
}

/// The images of one part with their groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    groups: BTreeMap<String, Option<String>>,
}

impl Split {
    /// Images of the part `wanted`.
    ///
    /// # Errors
    /// [`SplitError`] where the file cannot be read, names an image twice, or holds no such part.
    pub fn read(path: &Path, wanted: &str) -> Result<Self, SplitError> {
        let unreadable = |source| SplitError::Unreadable { path: path.to_owned(), source };
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_path(path).map_err(unreadable)?;
        let mut all = BTreeMap::new();
        for row in reader.deserialize() {
            let row: Row = row.map_err(unreadable)?;
            let group = row.group.filter(|group| !group.is_empty());
            if all.insert(row.image.clone(), (row.split, group)).is_some() {
                return Err(SplitError::Twice { path: path.to_owned(), image: row.image });
            }
        }
        let groups: BTreeMap<_, _> = all
            .iter()
            .filter(|(_, (split, _))| split == wanted)
            .map(|(image, (_, group))| (image.clone(), group.clone()))
            .collect();
        if groups.is_empty() {
            let mut parts: Vec<_> = all.values().map(|(split, _)| format!("`{split}`")).collect();
            parts.sort();
            parts.dedup();
            let found = if parts.is_empty() { "no row".to_owned() } else { parts.join(", ") };
            return Err(SplitError::NoSuchPart { path: path.to_owned(), wanted: wanted.to_owned(), found });
        }
        Ok(Self { groups })
    }

    /// Whether an image belongs to the part.
    pub fn holds(&self, image: &str) -> bool {
        self.entry(image).is_some()
    }

    /// Group of an image of the part, where the file gives one.
    pub fn group_of(&self, image: &str) -> Option<&str> {
        self.entry(image).and_then(Option::as_deref)
    }

    /// Images of the part as the file names them, in order; at least one.
    pub fn images(&self) -> impl Iterator<Item = &str> {
        self.groups.keys().map(String::as_str)
    }

    fn entry(&self, image: &str) -> Option<&Option<String>> {
        let stem = || Path::new(image).file_stem().and_then(|stem| stem.to_str());
        self.groups.get(image).or_else(|| self.groups.get(stem()?))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn read(text: &str, wanted: &str) -> Result<Split, SplitError> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("split.csv");
        fs::write(&path, text).expect("a writable folder");
        Split::read(&path, wanted)
    }

    #[test]
    fn images_of_a_part_with_or_without_their_ending() {
        let text = "image,acquisition_run,group,split,labelled\n1,1,0,train,1\n2,1,4,val,1\n3.jpg,1,,val,0\n";
        let split = read(text, "val").expect("a part with images");
        assert_eq!(split.images().collect::<Vec<_>>(), ["2", "3.jpg"]);
        assert!(!split.holds("1.jpg") && split.holds("2.jpg") && split.holds("3.jpg"));
        assert_eq!((split.group_of("2.jpg"), split.group_of("3.jpg")), (Some("4"), None));
    }

    #[test]
    fn faults_say_what_is_there() {
        let missing = read("image,split\n1,train\n2,test\n", "val").expect_err("no such part").to_string();
        assert!(
            missing.ends_with("expected images of the part `val`, found only `test`, `train`; choose one of these")
        );
        assert!(matches!(read("image,split\n1,val\n1,val\n", "val"), Err(SplitError::Twice { .. })));
        assert!(matches!(read("name,split\n1,val\n", "val"), Err(SplitError::Unreadable { .. })));
        assert!(matches!(read("image,split\n", "val"), Err(SplitError::NoSuchPart { .. })));
    }
}
