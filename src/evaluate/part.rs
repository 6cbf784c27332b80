//! Parts of a labelled set that has no split file: by the name of the image alone.
//!
//! Rule: SHA-1 of the file name with its ending, read as one big-endian number, modulo 5. Remainder 0 is `test`, 1 is
//! `val`, 2 to 4 are `train`. An image therefore never changes its part when others are added. It is the rule of the
//! training program (`models/training/labels.py`).

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;
use sha1::{Digest, Sha1};

/// Remainders there are: one each for test and val, so that a fifth of the images is in either.
const REMAINDERS: u32 = 5;

/// A part of a set, or all that training never saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
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
    /// Every part, in the order of the command line help.
    pub const ALL: [Self; 4] = [Self::Test, Self::Val, Self::Train, Self::NotTrain];

    /// Name as typed and written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::Val => "val",
            Self::Train => "train",
            Self::NotTrain => "not-train",
        }
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

impl fmt::Display for HashedPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that is no part.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected a part (test, val, train or not-train), found `{0}`")]
pub struct UnknownPart(pub String);

impl FromStr for HashedPart {
    type Err = UnknownPart;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|part| part.name() == name).ok_or_else(|| UnknownPart(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_the_parts_of_the_training_program() {
        // Computed with Python: int(hashlib.sha1(name.encode()).hexdigest(), 16) % 5.
        for (name, part) in PARTS {
            assert!(part.holds(name), "{name}");
            assert_eq!(HashedPart::NotTrain.holds(name), part != HashedPart::Train, "{name}");
            let holders = HashedPart::ALL[..3].iter().filter(|part| part.holds(name)).count();
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
        for part in HashedPart::ALL {
            assert_eq!(part.name().parse(), Ok(part));
            let quoted = format!("\"{part}\"");
            assert_eq!(serde_json::from_str::<HashedPart>(&quoted).expect("a part"), part);
        }
        assert_eq!("rest".parse::<HashedPart>(), Err(UnknownPart("rest".to_owned())));
    }
}
