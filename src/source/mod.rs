//! Where fields come from: bytes of files to pixels, and nothing else.
//!
//! In: paths of files and folders that together are one specimen. Out: [`FieldSource`]s in a fixed order, each of
//! which reads one [`Field`](crate::smear::Field), and a [`SourceError`] for each input that gives none. Nothing is decoded
//! before [`FieldSource::read`], so a specimen of any number of fields costs the memory of those in work.
//!
//! A [`SmearSource`] is one file that holds fields. Photographs are in `still`: JPEG, PNG, TIFF with several pages, BMP
//! and WebP. Scanned slides are in [`slide`]; [`crate::survey`] chooses their fields. The content of a file tells its
//! format. Limits: [`DecodeLimits`]; folders are searched one level deep.

mod calibration_tags;
mod error;
mod field;
mod file;
mod folder;
mod format;
mod inputs;
mod jpeg;
mod samples;
pub mod slide;
mod still;
mod tiff_pages;

pub use error::{ErrorCategory, SourceError, SourceProblem};
pub use field::{FieldPixels, FieldRegion, FieldSource, SmearSource};
pub use file::DecodeLimits;
pub use folder::{holds_slide, is_named_image, listed_images, looks_like_image, natural_order, passed_over};
pub use inputs::expand_inputs;
pub(crate) use inputs::{SlideOpener, list_inputs};
pub use samples::DecodedImage;
pub use still::decode;
