//! ORC, common order, and OBR, observation request (HL7 v2.5.1, sections 4.5.1 and 7.4.1).
//!
//! OBR-25 is `P`, preliminary: nobody has reviewed the count. Before version 2.5, which has SPM, the kind of specimen
//! stands in OBR-15. Version 2.3 requires quantity and timing (ORC-7, OBR-27): they hold the quantity 1, which is their
//! default, and no priority.

use super::dtm;
use super::options::{Hl7Options, Hl7Version};
use super::segment::Segment;
use crate::case::CaseRecord;
use crate::report::message::CodeOptions;

/// Order numbers of the requester and of the laboratory; the specimen number stands in for the latter.
fn numbers(record: &CaseRecord) -> (&str, &str) {
    let order = record.order.as_ref();
    let placer = order.and_then(|order| order.placer_order_number.as_deref());
    let filler = order.and_then(|order| order.filler_order_number.as_deref()).or(record.accession.as_deref());
    (placer.unwrap_or_default(), filler.unwrap_or_default())
}

/// Quantity and timing: required in version 2.3.
fn quantity(options: &Hl7Options) -> &'static str {
    if options.version == Hl7Version::V2_3 { "1" } else { "" }
}

/// The order.
pub(super) fn orc(options: &Hl7Options, record: &CaseRecord) -> Segment {
    let (placer, filler) = numbers(record);
    Segment::new("ORC").text(1, "RE").text(2, placer).text(3, filler).text(7, quantity(options))
}

/// The request.
pub(super) fn obr(options: &Hl7Options, codes: &CodeOptions, record: &CaseRecord, issued: &str) -> Segment {
    let (placer, filler) = numbers(record);
    let order = record.order.as_ref();
    let time = |time: Option<&crate::time::Timestamp>| time.map(dtm).unwrap_or_default();
    let requester = order.and_then(|order| order.requester.as_deref()).unwrap_or_default();
    let source = if options.version < Hl7Version::V2_5_1 { "BLD" } else { "" };
    Segment::new("OBR")
        .text(1, "1")
        .text(2, placer)
        .text(3, filler)
        .components(4, &[&codes.service_code, &codes.service_text, &codes.hl7_system])
        .text(7, &time(order.and_then(|order| order.collected_at.as_ref())))
        .text(14, &time(order.and_then(|order| order.received_at.as_ref())))
        .text(15, source)
        .components(16, &["", requester])
        .text(22, issued)
        .text(24, &options.diagnostic_section)
        .text(25, "P")
        .text(27, quantity(options))
}
