//! A specimen before its pixels are counted: the inputs as named, or listed, which needs no model.
//!
//! In: paths and options. Out: a [`ListedSpecimen`]: its fields, what cannot be read, its slides seen from afar, and the
//! first of a few photographs, read. A command lists while its models load: both take about as long as to decode a
//! photograph of eight megapixels.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use super::analyze::AnalyzeOptions;
use super::calibration_fields::{ReadFields, read_ahead};
use super::examine::{AnalyzeError, Interrupted, caught};
use crate::source::DecodeLimits;
use crate::survey::{SpecimenListing, expand_specimen};

/// A specimen to be analyzed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SpecimenInputs {
    /// Images and folders of images.
    pub inputs: Vec<PathBuf>,
    /// What is asked for.
    pub options: AnalyzeOptions,
}

/// A specimen with its fields listed.
pub struct ListedSpecimen {
    pub(super) options: AnalyzeOptions,
    pub(super) listing: SpecimenListing,
    /// Fields that are read already.
    pub(super) read: ReadFields,
}

impl ListedSpecimen {
    /// Lists the inputs of a specimen. Until `is_enough` is set, the photographs of a small one are read, in the order in which
    /// they are needed.
    ///
    /// # Errors
    /// [`AnalyzeError::Interrupted`] where `stop` was set; [`AnalyzeError::Panicked`]. An input that cannot be read stands in the
    /// listing.
    pub fn list(specimen: SpecimenInputs, is_enough: &AtomicBool, stop: &AtomicBool) -> Result<Self, AnalyzeError> {
        caught("the inputs", || {
            let SpecimenInputs { inputs, options } = specimen;
            let request = options.slide.request(options.um_per_px);
            let listing = expand_specimen(&inputs, DecodeLimits::default(), &request, stop);
            let has_ended = || is_enough.load(Ordering::Relaxed) || stop.load(Ordering::Relaxed);
            let read = read_ahead(&listing.fields, has_ended);
            if stop.load(Ordering::Relaxed) {
                return Err(Interrupted.into());
            }
            Ok(Self { options, listing, read })
        })
    }
}

/// A specimen whose pixel size is not known yet.
pub(super) enum Unopened {
    /// As it was named.
    Named(SpecimenInputs),
    /// Listed already.
    Listed(ListedSpecimen),
}

impl Unopened {
    /// What is asked for.
    pub(super) fn options(&self) -> &AnalyzeOptions {
        match self {
            Self::Named(specimen) => &specimen.options,
            Self::Listed(specimen) => &specimen.options,
        }
    }

    /// Lists what is not listed yet.
    ///
    /// # Errors
    /// As [`ListedSpecimen::list`].
    pub(super) fn listed(self, stop: &AtomicBool) -> Result<ListedSpecimen, AnalyzeError> {
        match self {
            Self::Named(specimen) => ListedSpecimen::list(specimen, &AtomicBool::new(true), stop),
            Self::Listed(specimen) => Ok(specimen),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_reads_ahead_until_it_is_enough_and_a_request_to_stop_ends_it() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        image::RgbImage::new(30, 20).save(folder.path().join("a.png")).expect("writable");
        let missing = folder.path().join("b.png");
        let list = |is_enough: bool, stop: bool| {
            let inputs = vec![folder.path().join("a.png"), missing.clone()];
            let specimen = SpecimenInputs { inputs, ..SpecimenInputs::default() };
            ListedSpecimen::list(specimen, &AtomicBool::new(is_enough), &AtomicBool::new(stop))
        };
        for (is_enough, expected) in [(false, 1), (true, 0)] {
            let listed = list(is_enough, false).expect("a list");
            assert_eq!((listed.listing.fields.len(), listed.read.len()), (1, expected));
            assert_eq!(listed.listing.failures.len(), 1, "the missing file");
        }
        assert!(matches!(list(false, true), Err(AnalyzeError::Interrupted(_))));
    }
}
