//! Where to look on a slide: which of its blocks are a monolayer, and in which order they are read as fields.
//!
//! In: the inputs of a specimen, photographs and slides, and a [`SlideRequest`]. Out: a [`SpecimenListing`]: the fields of
//! all inputs in the order in which they are taken, and for each slide its [`SlidePlan`]. Order for a slide: 1. `area`:
//! the requested part; 2. `grid`: blocks over it; 3. `blocks`: the slide seen from afar (`look`), a verdict for each block;
//! 4. `plan`: fields and their order. How a slide is decoded is the business of [`crate::source`].
//!
//! An interrupt is seen between two tiles and between two pieces of a file that is hashed.

mod area;
mod blocks;
mod grid;
mod look;
mod plan;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

pub use area::{Annotation, SlideArea};
pub use blocks::BlockVerdict;
pub use plan::{SlidePlan, SlideRequest};

use crate::source::{DecodeLimits, FieldSource, SlideOpener, SourceError, list_inputs};
use plan::SlideFields;

/// What the inputs of a specimen are.
#[derive(Debug, Default)]
pub struct SpecimenListing {
    /// Fields in the order in which they are taken.
    pub fields: Vec<FieldSource>,
    /// Inputs, and parts of slides, that cannot be read.
    pub failures: Vec<SourceError>,
    /// Slides among the inputs.
    pub slides: Vec<ListedSlide>,
}

/// A slide of a specimen.
#[derive(Debug, Clone)]
pub struct ListedSlide {
    /// Name of its file, unique in its specimen.
    pub file_name: String,
    /// The slide with its fields.
    pub plan: Arc<SlidePlan>,
}

/// The fields of a specimen of photographs and slides; of a slide those that the request asks for.
///
/// A slide is looked at from afar and hashed here; of photographs only signatures and page lists are read. Once `stop` is
/// set, the slides that are left are failures with [`SourceProblem::Interrupted`](crate::source::SourceProblem).
pub fn expand_specimen(
    paths: &[PathBuf],
    limits: DecodeLimits,
    request: &SlideRequest,
    stop: &AtomicBool,
) -> SpecimenListing {
    let mut plans = Vec::new();
    let mut open = |path: &Path| {
        let (plan, problems) = SlidePlan::make(path, request, stop)?;
        let plan = Arc::new(plan);
        plans.push(Arc::clone(&plan));
        Ok((Arc::new(SlideFields(plan)) as Arc<_>, problems))
    };
    // Where an area is asked for, every file must be a slide.
    let opener = SlideOpener { every_file: request.area != SlideArea::Monolayer, open: &mut open };
    let listing = list_inputs(paths, limits, Some(opener));
    let slides = listing.slides.into_iter().zip(plans);
    let slides = slides.map(|(file_name, plan)| ListedSlide { file_name, plan }).collect();
    SpecimenListing { fields: listing.fields, failures: listing.failures, slides }
}
