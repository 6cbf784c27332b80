//! `<accession>_<job>.hl7`: the result as an HL7 v2 message, ORU^R01.
//!
//! In: a record and the laboratory's options. Out: one message in the character set that MSH-18 names, segments ended by CR, without
//! the framing of a transport. Segments: MSH, \[SFT\], \[PID\], ORC, OBR with NTE, OBX with NTE each, \[SPM\]
//! (HL7 v2.5.1, section 7.3.1); in brackets where the version and the order allow it.
//!
//! Every result is preliminary. The statement and the fixed footer are the notes of the OBR. MSH-7 and OBR-22 are the
//! record's time of issue, so that the same record gives the same bytes.
//!
//! METHOD: without a time of issue both are empty, though version 2.5.1 requires MSH-7: a receiver then goes by when it got
//! the message or says that the time is missing. Any other time (a file's) would date the result wrongly and in silence.
//!
//! METHOD: no crate builds HL7 v2 messages and is well kept (those that exist parse); the grammar needed is fields,
//! components and escapes, one file for each group of segments.
//!
//! METHOD: a sign of print that the set lacks is written in plain signs (`–` as `-`); a letter that it lacks is refused, because
//! HL7 has no escape that every receiver reads and a name must not be changed.
//!
//! Limits: no batch header, no acknowledgment, no MLLP framing: an interface engine does these.

mod escape;
mod msh;
mod options;
mod order;
mod pid;
mod result;
mod segment;
mod specimen;

pub use options::{DocumentComponents, Hl7Options, Hl7Version, ProcessingId};

use super::ReportError;
use super::message::{CodeOptions, observations};
use crate::case::{CaseRecord, FOOTER, Job};
use crate::time::Timestamp;
use result::Results;
use segment::Segment;

/// The message of a record.
///
/// `pdf` is embedded where there is one.
pub(super) fn message(
    record: &CaseRecord,
    options: &Hl7Options,
    codes: &CodeOptions,
    pdf: Option<&[u8]>,
) -> Result<Vec<u8>, ReportError> {
    let issued = record.issued_at.as_ref().map(|issued| dtm(&issued.at)).unwrap_or_default();
    let job = Job::of(record)?;
    let patient = record.order.as_ref().and_then(|order| order.patient.as_ref());
    let mut segments: Vec<Segment> = vec![msh::msh(options, &job, &issued)];
    segments.extend(msh::sft(options, &record.provenance));
    segments.extend(patient.and_then(|patient| pid::pid(options, patient)));
    segments.push(order::orc(options, record));
    segments.push(order::obr(options, codes, record, &issued));
    segments.push(result::note(1, &record.statement));
    segments.push(result::note(2, FOOTER));
    let results = Results { options, codes, record };
    let all = observations(record, codes);
    for (index, observation) in all.iter().enumerate() {
        segments.extend(results.observation(index + 1, observation));
    }
    if let Some(pdf) = pdf {
        segments.push(results.document(all.len() + 1, pdf));
    }
    segments.extend(specimen::spm(options, record));
    let set = options.character_set;
    let encoded = |segment: &Segment| {
        let text = segment.encoded();
        set.encode(&text).map_err(|character| ReportError::CharacterSet {
            set: set.name(),
            character,
            segment: segment.name(),
        })
    };
    Ok(segments.iter().map(encoded).collect::<Result<Vec<_>, _>>()?.concat())
}

/// A time as HL7 writes it, in whole seconds with its offset (HL7 v2.5.1, section 2.A.22).
fn dtm(time: &Timestamp) -> String {
    let minutes = time.offset().seconds() / 60;
    let sign = if minutes < 0 { '-' } else { '+' };
    format!("{}{sign}{:02}{:02}", time.local().strftime("%Y%m%d%H%M%S"), minutes.abs() / 60, minutes.abs() % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_keeps_its_offset() {
        let time = |text: &str| dtm(&Timestamp::parse(text).expect("a time"));
        assert_eq!(time("2025-01-02T10:30:00Z"), "20250102103000+0000");
        assert_eq!(time("2025-01-02T10:30:00.999-03:30"), "20250102103000-0330");
    }
}
