//! The fields of a set that are evaluated, with what they belong to and their pixel sizes.

use std::collections::BTreeMap;
use std::path::Path;

use super::{LabelledSet, VerifyError};
use crate::case::InputFailure;
use crate::evaluate::part::HashedPart;
use crate::evaluate::split::Split;
use crate::pipeline::{SpecimenScale, given_calibration, input_failure};
use crate::segment::{DetectError, Segmenter};
use crate::source::{DecodeLimits, FieldSource, SourceError, expand_inputs};

/// Which images are wanted.
struct Wanted {
    split: Option<Split>,
    part: Option<HashedPart>,
}

impl Wanted {
    fn holds(&self, file_name: &str) -> bool {
        self.part.is_none_or(|part| part.holds(file_name))
            && self.split.as_ref().is_none_or(|split| split.holds(file_name))
    }

    /// Whether a failure concerns the wanted part; what is no file of a known name always does.
    fn concerns(&self, error: &SourceError) -> bool {
        !error.path.is_file() || self.holds(&file_name(&error.path))
    }
}

/// The fields of the wanted part.
pub(super) struct ChosenFields {
    pub sources: Vec<FieldSource>,
    pub failures: Vec<InputFailure>,
    wanted: Wanted,
    scales: BTreeMap<Option<String>, SpecimenScale>,
}

impl ChosenFields {
    /// Lists the fields and estimates the pixel sizes.
    pub(super) fn of(set: &LabelledSet, segmenter: &Segmenter) -> Result<Self, VerifyError> {
        let split = match &set.split {
            Some(split) => Some(Split::read(&split.path, split.want.as_deref())?),
            None => None,
        };
        let wanted = Wanted { split, part: set.part };
        let (mut sources, unreadable) = expand_inputs(&set.inputs, DecodeLimits::default());
        sources.retain(|source| wanted.holds(&file_name(source.path())));
        let failures = unreadable.iter().filter(|error| wanted.concerns(error)).map(input_failure).collect();
        let mut chosen = Self { sources, failures, wanted, scales: BTreeMap::new() };
        chosen.scales = chosen.scales(set.um_per_px, segmenter)?;
        Ok(chosen)
    }

    fn scales(
        &self,
        um_per_px: Option<f64>,
        segmenter: &Segmenter,
    ) -> Result<BTreeMap<Option<String>, SpecimenScale>, DetectError> {
        let given = um_per_px.and_then(given_calibration);
        let mut groups: BTreeMap<Option<String>, Vec<FieldSource>> = BTreeMap::new();
        for source in &self.sources {
            groups.entry(self.group_of(source).map(str::to_owned)).or_default().push(source.clone());
        }
        let scale =
            |(group, sources): (_, Vec<_>)| Ok((group, SpecimenScale::of_specimen(&sources, given, segmenter)?));
        groups.into_iter().map(scale).collect()
    }

    pub(super) fn group_of(&self, source: &FieldSource) -> Option<&str> {
        self.wanted.split.as_ref().and_then(|split| split.group_of(&file_name(source.path())))
    }

    pub(super) fn specimen_of(&self, source: &FieldSource) -> Option<&str> {
        self.wanted.split.as_ref().and_then(|split| split.specimen_of(&file_name(source.path())))
    }

    /// Pixel sizes of the group of a field.
    pub(super) fn scale_of(&self, source: &FieldSource) -> &SpecimenScale {
        &self.scales[&self.group_of(source).map(str::to_owned)]
    }
}

/// Name of a file without its folder.
pub(super) fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
