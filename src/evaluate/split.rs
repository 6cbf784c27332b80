//! Which images belong to which part of a labelled set, and which of them belong together.
//!
//! In: a CSV file with a header; the columns `image` (file name, with or without its ending) and `split` are needed,
//! `group` (images that share a slide or are near duplicates) and `specimen` (images of one sample of blood) are read where
//! they are there, others are passed over. Out: for each image of the wanted part its group and its specimen. A set without
//! such a file has its parts by the names of its images ([`HashedPart`]).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use sha1::{Digest, Sha1};
use strum::{EnumString, IntoStaticStr, VariantArray};

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
        source: Box<dyn std::error::Error + Send + Sync>,
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
        let unreadable = |source| SplitError::Unreadable { path: path.to_owned(), source: Box::new(source) };
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

/// Remainders there are: one each for test and val, so that a fifth of the images is in either.
const REMAINDERS: u32 = 5;

/// A part of a set that has no split file, or all that training never saw.
///
/// Rule: SHA-1 of the file name with its ending, read as one big-endian number, modulo 5. Remainder 0 is `test`, 1 is `val`, 2
/// to 4 are `train`. An image therefore never changes its part when others are added. It is the rule of the training program
/// (`models/training/labels.py`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, EnumString, IntoStaticStr, VariantArray)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case", parse_err_ty = UnknownPart, parse_err_fn = unknown_part)]
pub enum HashedPart {
    /// Never trained on, never tuned on.
    Test,
    /// For choosing settings and operating point.
    Val,
    /// For training.
    Train,
    /// `test` and `val` together.
    NotTrain,
}

impl HashedPart {
    /// Name as typed and written.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Whether an image of this file name belongs to the part.
    pub fn holds(self, file_name: &str) -> bool {
        let digest = Sha1::digest(file_name.as_bytes());
        let remainder = digest.iter().fold(0, |rest, &byte| (rest * 256 + u32::from(byte)) % REMAINDERS);
        match self {
            Self::Test => remainder == 0,
            Self::Val => remainder == 1,
            Self::Train => remainder > 1,
            Self::NotTrain => remainder <= 1,
        }
    }
}

/// A name that is no part.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected a part (test, val, train or not-train), found `{0}`")]
pub struct UnknownPart(pub String);

fn unknown_part(name: &str) -> UnknownPart {
    UnknownPart(name.to_owned())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn read_any(text: &str, wanted: Option<&str>) -> Result<Split, SplitError> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("split.csv");
        fs::write(&path, text).expect("a writable folder");
        Split::read(&path, wanted)
    }

    fn read(text: &str, wanted: &str) -> Result<Split, SplitError> {
        read_any(text, Some(wanted))
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
        let split = read_any("image,split,specimen\n1,train,S1\n2,val,\n", None).expect("two images");
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

    #[test]
    fn names_have_the_parts_of_the_training_program() {
        // Computed with Python: int(hashlib.sha1(name.encode()).hexdigest(), 16) % 5.
        for (name, part) in PARTS {
            assert!(part.holds(name), "{name}");
            assert_eq!(HashedPart::NotTrain.holds(name), part != HashedPart::Train, "{name}");
            let holders = HashedPart::VARIANTS[..3].iter().filter(|part| part.holds(name)).count();
            assert_eq!(holders, 1, "{name}");
        }
    }

    const PARTS: [(&str, HashedPart); 6] = [
        ("BloodImage_00001.jpg", HashedPart::Test),
        ("BloodImage_00000.jpg", HashedPart::Val),
        ("BloodImage_00002.jpg", HashedPart::Train),
        ("BloodImage_00005.jpg", HashedPart::Train),
        ("BloodImage_00006.jpg", HashedPart::Train),
        ("a.png", HashedPart::Val),
    ];

    #[test]
    fn parts_are_told_by_their_names() {
        for &part in HashedPart::VARIANTS {
            assert_eq!(part.name().parse(), Ok(part));
            let quoted = format!("\"{}\"", part.name());
            assert_eq!(serde_json::from_str::<HashedPart>(&quoted).expect("a part"), part);
        }
        assert_eq!("rest".parse::<HashedPart>(), Err(UnknownPart("rest".to_owned())));
    }
}
