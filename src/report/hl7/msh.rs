//! MSH, message header, and SFT, the software behind it (HL7 v2.5.1, sections 2.14.9 and 2.14.12).
//!
//! MSH-10 is the first 20 characters of the job's hash: the same work sent twice bears the same number, and a receiver can
//! tell the repetition. SFT is of version 2.5 on.

use super::options::{Hl7Options, Hl7Version};
use super::segment::Segment;
use crate::case::{Job, Provenance};

/// The header.
pub(super) fn msh(options: &Hl7Options, job: &Job, issued: &str) -> Segment {
    let kind: &[&str] = match options.version {
        Hl7Version::V2_3 => &["ORU", "R01"],
        _ => &["ORU", "R01", "ORU_R01"],
    };
    // MSH-1 is the field separator itself: from MSH-2 on, fields stand one place further left.
    let at = |field: usize| field - 1;
    Segment::new("MSH")
        .raw(at(2), "^~\\&")
        .text(at(3), &options.sending_application)
        .text(at(4), &options.sending_facility)
        .text(at(5), &options.receiving_application)
        .text(at(6), &options.receiving_facility)
        .text(at(7), issued)
        .components(at(9), kind)
        .text(at(10), job.control_id())
        .text(at(11), options.processing_id.code())
        .text(at(12), options.version.name())
        .text(at(18), options.character_set.name())
}

/// The software; none before version 2.5.
pub(super) fn sft(options: &Hl7Options, provenance: &Provenance) -> Option<Segment> {
    (options.version >= Hl7Version::V2_5_1).then(|| {
        Segment::new("SFT")
            .text(1, &provenance.software)
            .text(2, &provenance.software_version)
            .text(3, &provenance.software)
            // What tells this program from another of its version: method, model and detector.
            .text(4, &format!("method {}, model {}", provenance.method_version, provenance.model.sha256))
    })
}
