//! Which images belong to which part of a labelled set, and which of them belong together.
//!
//! In: a CSV file with a header; the columns `image` (file name, with or without its ending) and `split` are needed,
//! `group` (images that share a slide or are near duplicates) and `specimen` (images of one sample of blood) may stand,
//! others are passed over. Out: for each image of the wanted part its group and its specimen.

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
    specimen: Option<String>,
}

/// What an image belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Membership {
    group: Option<String>,
    specimen: Option<String>,
}

/// The images of one part, or of all, with what they belong to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    images: BTreeMap<String, Membership>,
}

impl Split {
    /// Images of the part `wanted`, of all parts where none is named.
    ///
    /// # Errors
    /// [`SplitError`] where the file cannot be read, names an image twice, or holds no such part.
    pub fn read(path: &Path, wanted: Option<&str>) -> Result<Self, SplitError> {
        let unreadable = |source| SplitError::Unreadable { path: path.to_owned(), source };
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_path(path).map_err(unreadable)?;
        let mut all = BTreeMap::new();
        for row in reader.deserialize() {
            let row: Row = row.map_err(unreadable)?;
            let named = |name: Option<String>| name.filter(|name| !name.is_empty());
            let membership = Membership { group: named(row.group), specimen: named(row.specimen) };
            if all.insert(row.image.clone(), (row.split, membership)).is_some() {
                return Err(SplitError::Twice { path: path.to_owned(), image: row.image });
            }
        }
        let mut parts: Vec<_> = all.values().map(|(split, _)| format!("`{split}`")).collect();
        let is_wanted = |split: &str| wanted.is_none_or(|wanted| split == wanted);
        let images: BTreeMap<_, _> = all
            .into_iter()
            .filter(|(_, (split, _))| is_wanted(split))
            .map(|(image, (_, membership))| (image, membership))
            .collect();
        if images.is_empty() {
            parts.sort();
            parts.dedup();
            let found = if parts.is_empty() { "no row".to_owned() } else { parts.join(", ") };
            let wanted = wanted.unwrap_or("any").to_owned();
            return Err(SplitError::NoSuchPart { path: path.to_owned(), wanted, found });
        }
        Ok(Self { images })
    }

    /// Whether an image belongs to the part.
    pub fn holds(&self, image: &str) -> bool {
        self.entry(image).is_some()
    }

    /// Group of an image of the part, where the file gives one.
    pub fn group_of(&self, image: &str) -> Option<&str> {
        self.entry(image).and_then(|entry| entry.group.as_deref())
    }

    /// Specimen of an image of the part, where the file gives one.
    pub fn specimen_of(&self, image: &str) -> Option<&str> {
        self.entry(image).and_then(|entry| entry.specimen.as_deref())
    }

    /// Images of the part as the file names them, in order; at least one.
    pub fn images(&self) -> impl Iterator<Item = &str> {
        self.images.keys().map(String::as_str)
    }

    fn entry(&self, image: &str) -> Option<&Membership> {
        let stem = || Path::new(image).file_stem().and_then(|stem| stem.to_str());
        self.images.get(image).or_else(|| self.images.get(stem()?))
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
        Split::read(&path, Some(wanted))
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
    fn all_parts_and_specimens_where_no_part_is_named() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("split.csv");
        fs::write(&path, "image,split,specimen\n1,train,S1\n2,val,\n").expect("a writable folder");
        let split = Split::read(&path, None).expect("two images");
        assert_eq!(split.images().collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!((split.specimen_of("1.png"), split.specimen_of("2.png")), (Some("S1"), None));
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
