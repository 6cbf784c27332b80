//! Why an input gives no field, sorted by who can act on it.
//!
//! In: what the file system and the decoders report. Out: [`SourceError`], whose text names the path, what was
//! expected, what was found and what to do; [`SourceProblem::category`] is what a program decides by.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Who can act on a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum ErrorCategory {
    /// The bytes are no complete image: take the file from its origin again.
    InputUnreadable,
    /// The input is sound but shows no field of a smear: give another one.
    InputUnsuitable,
    /// Larger than this program takes: give a smaller one.
    LimitReached,
    /// A format or encoding that this build cannot decode: convert the file.
    NotInThisBuild,
    /// The operating system does not hand out the bytes: path, permission, disk.
    Environment,
}

impl ErrorCategory {
    /// Name as written in the list of refused files.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// An input that gives no field, or one field that cannot be read.
#[derive(Debug, Error)]
#[error("{}: {problem}", path.display())]
#[non_exhaustive]
pub struct SourceError {
    /// Path as given, or found in a folder as given.
    pub path: PathBuf,
    /// What is wrong with it.
    pub problem: SourceProblem,
}

impl SourceError {
    /// Who can act on it.
    pub fn category(&self) -> ErrorCategory {
        self.problem.category()
    }
}

/// What is wrong with an input: expected, found, what to do.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SourceProblem {
    /// Nothing at the path.
    #[error("expected a file or a folder, found nothing there; check the spelling of the path")]
    Missing,
    /// The operating system denies access.
    #[error("expected a readable file or folder, found that access is denied; give this user the right to read it")]
    NoPermission,
    /// Any other failure of the operating system.
    #[error("expected a readable file or folder, found that reading fails ({0}); check the disk or the network share")]
    Io(io::Error),
    /// A device, a pipe or a socket.
    #[error("expected a file or a folder, found neither; copy the image to a regular file")]
    NotAFile,
    /// A file without bytes.
    #[error("expected an image, found an empty file; copy it from its origin again")]
    Empty,
    /// The first bytes belong to no image format.
    #[error(
        "expected a JPEG, PNG, TIFF, BMP or WebP image, found {found}; leave the file out or export it as an image"
    )]
    NotAnImage {
        /// The first bytes, in words.
        found: String,
    },
    /// The file ends before the image does.
    #[error("expected a complete {format} image, found one that is cut off ({found}); copy it from its origin again")]
    Truncated {
        /// Format by content.
        format: &'static str,
        /// Where it ends.
        found: String,
    },
    /// The bytes contradict the format.
    #[error("expected a sound {format} image, found a damaged one ({found}); copy it from its origin again")]
    Corrupt {
        /// Format by content.
        format: &'static str,
        /// What contradicts.
        found: String,
    },
    /// Width or height of nothing.
    #[error("expected an image with pixels, found {width} x {height}; export it again")]
    ZeroSized {
        /// Width, px.
        width: u32,
        /// Height, px.
        height: u32,
    },
    /// Samples that are no photograph: masks, floating point, many bands.
    #[error("expected 8 or 16 bits per sample in gray, RGB, RGBA or CMYK, found {found}; export it as RGB with 8 bits")]
    UnsuitableSamples {
        /// Sample layout, in words.
        found: String,
    },
    /// A TIFF file that holds thumbnails or masks only.
    #[error("expected at least one page at full resolution, found thumbnails or masks only; export the picture itself")]
    NoFullPage,
    /// A folder in which nothing is an image.
    #[error(
        "expected a folder with JPEG, PNG, TIFF, BMP or WebP images, found none in it; give the folder that holds them (subfolders are not searched)"
    )]
    FolderWithoutImages,
    /// Images in a folder below that of the specimen.
    #[error(
        "expected the images of a specimen directly in its folder, found {found} in this folder below it, which is not \
         searched; give it as an input of its own where it is the same specimen's, else move it away"
    )]
    SubFolder {
        /// An image in it.
        found: String,
    },
    /// Two fields have the same name.
    #[error("expected a file name of its own, found one that names a second field `{name}`; rename the file")]
    AmbiguousName {
        /// The name that is taken.
        name: String,
    },
    /// More pixels than are decoded at once.
    #[error(
        "expected at most {limit} pixels, found {width} x {height}; crop the picture or export it at lower resolution"
    )]
    TooManyPixels {
        /// Width by the header, px.
        width: u32,
        /// Height by the header, px.
        height: u32,
        /// Largest number of pixels.
        limit: u64,
    },
    /// More bytes than are read at once.
    #[error("expected a file of at most {limit} bytes, found {bytes}; export it with compression or split its pages")]
    TooManyBytes {
        /// Size of the file.
        bytes: u64,
        /// Largest size.
        limit: u64,
    },
    /// More pages than one file may hold.
    #[error("expected at most {limit} pages in a file, found more; split the file")]
    TooManyPages {
        /// Largest number of pages.
        limit: usize,
    },
    /// A JPEG picture that is sent in more scans than any encoder writes.
    #[error("expected a JPEG picture in at most {limit} scans, found more; export it again")]
    TooManyScans {
        /// Largest number of scans.
        limit: usize,
    },
    /// A file that holds no slide where one is needed.
    #[error("expected a whole-slide image, found {found}; give the scanner's own file, or the picture without --area")]
    NotASlide {
        /// What it is.
        found: String,
    },
    /// A slide in the format of a scanner's maker.
    #[error(
        "expected a slide in TIFF, SVS or DICOM, found one in the maker's own format ({extension}); build with the feature openslide and install OpenSlide's library, or export the slide as a pyramidal TIFF"
    )]
    VendorSlide {
        /// Extension of the file.
        extension: String,
    },
    /// A tile of a slide that cannot be decoded.
    #[error("level {level}, tile in column {column} and row {row}: {problem}")]
    Tile {
        /// Level, from 0 at full resolution.
        level: usize,
        /// Column, from 0.
        column: u32,
        /// Row, from 0.
        row: u32,
        /// What is wrong with it.
        problem: Box<SourceProblem>,
    },
    /// A smaller level of a slide that cannot be used; the others are.
    #[error("a smaller level is left out: {problem}")]
    Level {
        /// What is wrong with it.
        problem: Box<SourceProblem>,
    },
    /// Something of a slide that is left out, in words; the rest is counted.
    #[error("{found}")]
    LeftOut {
        /// What, and why.
        found: String,
    },
    /// A file of drawn areas that holds none.
    #[error("expected GeoJSON with a polygon, found {found}; export the annotation from QuPath again")]
    NoAnnotation {
        /// What it is.
        found: String,
    },
    /// The run was told to stop while a slide was surveyed or hashed.
    #[error("expected to read the slide to its end, found that the run was interrupted; start it again")]
    Interrupted,
    /// A region that is not in the slide.
    #[error(
        "expected a region within {width} x {height} pixels, found {rect}; give x,y,width,height at full resolution"
    )]
    OutsideSlide {
        /// The region.
        rect: String,
        /// Width of the slide, px.
        width: u32,
        /// Height of the slide, px.
        height: u32,
    },
    /// The file makes its decoder ask for more memory than its pixels need.
    #[error(
        "expected a {format} image that decodes in the memory its pixels need, found one that asks for more; export it again"
    )]
    TooMuchMemory {
        /// Format by content.
        format: &'static str,
    },
    /// A known format without a decoder here.
    #[error(
        "expected a JPEG, PNG, TIFF, BMP or WebP image, found {format}, which this build does not decode; export it as PNG or TIFF"
    )]
    UnsupportedFormat {
        /// Format by content.
        format: &'static str,
    },
    /// A known format in an encoding without a decoder here.
    #[error(
        "expected a common {format} encoding, found one that this build does not decode ({found}); export it as PNG or as TIFF without compression"
    )]
    UnsupportedEncoding {
        /// Format by content.
        format: &'static str,
        /// The encoding, in words.
        found: String,
    },
}

impl SourceProblem {
    /// Who can act on it.
    pub fn category(&self) -> ErrorCategory {
        match self {
            Self::Missing | Self::NoPermission | Self::Io(_) | Self::Interrupted => ErrorCategory::Environment,
            Self::Empty
            | Self::NotAnImage { .. }
            | Self::Truncated { .. }
            | Self::Corrupt { .. }
            | Self::LeftOut { .. } => ErrorCategory::InputUnreadable,
            Self::NotAFile
            | Self::ZeroSized { .. }
            | Self::UnsuitableSamples { .. }
            | Self::NoFullPage
            | Self::FolderWithoutImages
            | Self::SubFolder { .. }
            | Self::NotASlide { .. }
            | Self::OutsideSlide { .. }
            | Self::NoAnnotation { .. }
            | Self::AmbiguousName { .. } => ErrorCategory::InputUnsuitable,
            Self::Tile { problem, .. } | Self::Level { problem } => problem.category(),
            Self::TooManyPixels { .. }
            | Self::TooManyBytes { .. }
            | Self::TooManyPages { .. }
            | Self::TooManyScans { .. }
            | Self::TooMuchMemory { .. } => ErrorCategory::LimitReached,
            Self::UnsupportedFormat { .. } | Self::UnsupportedEncoding { .. } | Self::VendorSlide { .. } => {
                ErrorCategory::NotInThisBuild
            }
        }
    }

    /// Attaches the path.
    pub(crate) fn at(self, path: impl Into<PathBuf>) -> SourceError {
        SourceError { path: path.into(), problem: self }
    }
}

impl From<io::Error> for SourceProblem {
    /// A failure of the file system; never one met while decoding bytes in memory.
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::Missing,
            io::ErrorKind::PermissionDenied => Self::NoPermission,
            _ => Self::Io(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_names_path_expectation_finding_and_remedy() {
        let error = SourceProblem::TooManyPixels { width: 60_000, height: 50_000, limit: 100 }.at("smear/a.tif");
        assert_eq!(
            error.to_string(),
            "smear/a.tif: expected at most 100 pixels, found 60000 x 50000; crop the picture or export it at lower \
             resolution"
        );
        assert_eq!(error.category(), ErrorCategory::LimitReached);
    }

    #[test]
    fn the_file_system_is_the_environment() {
        let problem = SourceProblem::from(io::Error::from(io::ErrorKind::PermissionDenied));
        assert!(matches!(problem, SourceProblem::NoPermission));
        assert_eq!(problem.category(), ErrorCategory::Environment);
    }
}
