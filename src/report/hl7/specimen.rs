//! SPM, specimen (HL7 v2.5.1, section 7.4.3): of version 2.5 on.

use super::dtm;
use super::options::{Hl7Options, Hl7Version};
use super::segment::Segment;
use crate::case::CaseRecord;

/// The specimen: blood, its number as the laboratory's, when it was taken and received; none before version 2.5.
pub(super) fn spm(options: &Hl7Options, record: &CaseRecord) -> Option<Segment> {
    let order = record.order.as_ref();
    let time = |time: Option<&crate::time::Timestamp>| time.map(dtm).unwrap_or_default();
    // SPM-2 is a pair of identifiers, the requester's and the laboratory's: the second is ours.
    let id = record.accession.as_deref().map(|id| format!("^{}", super::escape::escaped(id))).unwrap_or_default();
    (options.version >= Hl7Version::V2_5_1).then(|| {
        Segment::new("SPM")
            .text(1, "1")
            .raw(2, id)
            .components(4, &["BLD", "Whole blood", "HL70487"])
            .text(17, &time(order.and_then(|order| order.collected_at.as_ref())))
            .text(18, &time(order.and_then(|order| order.received_at.as_ref())))
    })
}
