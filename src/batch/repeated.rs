//! Pictures that two specimens of a batch show, told by what they look like.
//!
//! In: the outcomes and the folder with the records of the specimens. Out: pairs of counted fields whose pictures are the same
//! by [`crate::quality::SAME_PICTURE_LIKENESS`], turned, saved again or reduced though they be.
//!
//! METHOD: named and not refused, as the same bytes are before the work ([`super::shared_images`]): which of two
//! specimens a picture belongs to only a person can say, and a control smear may rightly stand in many rows.
//!
//! Limits: read from `case.json`; a batch without that format names none. Every picture is compared with every other one, so
//! of more than [`MOST_COMPARED`] none is.

use std::fs;
use std::path::Path;

use rayon::prelude::*;

use super::SPECIMENS;
use crate::case::{CaseRecord, SpecimenOutcome};
use crate::quality::{OrientedSignature, PictureSignature, SAME_PICTURE_LIKENESS};
use crate::report::{ReportError, spreadsheet_text};

/// Most counted photographs of a batch that are compared: 50 million pairs, about a minute.
pub const MOST_COMPARED: usize = 10_000;

/// A picture that two specimens show.
#[derive(Debug, Clone, PartialEq)]
pub struct RepeatedPicture {
    /// Line and accession of both.
    pub rows: [(u64, String); 2],
    /// The field of each.
    pub fields: [String; 2],
    /// Likeness of both, −1 to 1.
    pub likeness: f64,
}

impl RepeatedPicture {
    /// What was found, in words.
    pub fn words(&self) -> String {
        let ([(line, accession), (other_line, other)], [field, other_field]) = (&self.rows, &self.fields);
        format!(
            "lines {line} and {other_line}: specimens {accession} and {other} show the same picture, {field} and {other_field} \
             (likeness {:.2})",
            self.likeness
        )
    }
}

/// A counted photograph.
struct Counted {
    /// Index of its specimen.
    specimen: usize,
    field: String,
    signature: PictureSignature,
}

/// The pictures that two specimens show, in the order of both; `None` where there are too many to compare.
pub(super) fn repeated_pictures(folder: &Path, outcomes: &[SpecimenOutcome]) -> Option<Vec<RepeatedPicture>> {
    let counted: Vec<Counted> =
        outcomes.par_iter().enumerate().flat_map_iter(|(index, outcome)| counted_of(folder, index, outcome)).collect();
    if counted.len() > MOST_COMPARED {
        return None;
    }
    let row = |of: &Counted| (outcomes[of.specimen].line, outcomes[of.specimen].accession.clone());
    let pairs = |(at, one): (usize, &Counted)| {
        let oriented = OrientedSignature::of(&one.signature);
        let later = counted[at + 1..].iter().filter(|other| other.specimen != one.specimen);
        let alike = later.filter_map(|other| {
            let likeness = oriented.likeness(&other.signature);
            (likeness >= SAME_PICTURE_LIKENESS).then(|| RepeatedPicture {
                rows: [row(one), row(other)],
                fields: [one.field.clone(), other.field.clone()],
                likeness,
            })
        });
        alike.collect::<Vec<_>>()
    };
    Some(counted.par_iter().enumerate().flat_map_iter(pairs).collect())
}

/// The counted photographs of a specimen; none of one without a record.
fn counted_of(folder: &Path, specimen: usize, outcome: &SpecimenOutcome) -> Vec<Counted> {
    let record = outcome.result.as_ref().and_then(|result| {
        let path = folder.join(SPECIMENS).join(&result.folder).join("case.json");
        serde_json::from_slice::<CaseRecord>(&fs::read(path).ok()?).ok()
    });
    let fields = record.map(|record| record.fields).unwrap_or_default().into_iter().filter(|field| field.accepted);
    fields
        .filter_map(|field| Some(Counted { specimen, field: field.field, signature: field.picture_signature? }))
        .collect()
}

/// The table of them.
///
/// # Errors
/// [`ReportError`] where a row cannot be written.
pub(super) fn table(repeated: &[RepeatedPicture]) -> Result<Vec<u8>, ReportError> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let heading = ["line", "accession", "field", "other_line", "other_accession", "other_field", "likeness"];
    writer.write_record(heading)?;
    for RepeatedPicture { rows: [one, other], fields, likeness } in repeated {
        writer.write_record([
            one.0.to_string(),
            spreadsheet_text(&one.1),
            spreadsheet_text(&fields[0]),
            other.0.to_string(),
            spreadsheet_text(&other.1),
            spreadsheet_text(&fields[1]),
            format!("{likeness:.3}"),
        ])?;
    }
    writer.into_inner().map_err(|error| ReportError::Stream(error.into_error()))
}
