//! OBX, observation, and NTE, notes behind it (HL7 v2.5.1, sections 7.4.2 and 2.14.10).
//!
//! | value | OBX-2 | OBX-5 |
//! | --- | --- | --- |
//! | percentage, number | `NM` | two decimals, whole |
//! | interval | `SN` | `^low^-^high` |
//! | coded | `CWE`, before version 2.5 `CE` | code, words, local system |
//! | document | `ED` | source, type, subtype, encoding, Base64 in one line |
//!
//! OBX-11 is `P`, preliminary, or `X`, cannot be obtained, and then OBX-5 is empty: what was not assessed is never 0.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::dtm;
use super::options::{Hl7Options, Hl7Version};
use super::segment::{Segment, joined};
use crate::case::CaseRecord;
use crate::report::message::{Code, CodeOptions, Observation, ObservationName, PERCENT_DECIMALS, Unit, Value};

/// What all observations of a message share.
pub(super) struct Results<'a> {
    /// Options of the message.
    pub(super) options: &'a Hl7Options,
    /// Codes of the laboratory.
    pub(super) codes: &'a CodeOptions,
    /// The record behind it.
    pub(super) record: &'a CaseRecord,
}

impl Results<'_> {
    /// An observation and its notes.
    pub(super) fn observation(&self, set_id: usize, observation: &Observation) -> Vec<Segment> {
        let (kind, value, unit) = self.value(&observation.value);
        let limit = observation.high_limit.map(|(limit, _)| format!("<={}", plain(limit))).unwrap_or_default();
        let flag = observation.flag.map_or("", |flag| flag.code().0);
        let status = if observation.value.is_known() { "P" } else { "X" };
        let unit = unit.map(|unit| joined(&[unit.ucum(), unit.words(), "UCUM"])).unwrap_or_default();
        let obx = self
            .obx(set_id, kind, &observation.code, value)
            .raw(6, unit)
            .text(7, &limit)
            .text(8, flag)
            .text(11, status);
        let limit_words = observation.high_limit.map(|(_, words)| format!("Reference: {words}."));
        let notes = limit_words.iter().chain(&observation.notes);
        let notes: Vec<Segment> = notes.enumerate().map(|(index, text)| note(index + 1, text)).collect();
        std::iter::once(self.made_by(obx)).chain(notes).collect()
    }

    /// The report as an embedded document.
    pub(super) fn document(&self, set_id: usize, pdf: &[u8]) -> Segment {
        let parts = &self.options.document;
        let head = [&parts.source_application, &parts.type_of_data, &parts.subtype, &parts.encoding];
        let head: Vec<String> = head.iter().map(|part| super::escape::escaped(part)).collect();
        // Base64 has none of the delimiters, and no line end is put in.
        let value = format!("{}^{}", head.join("^"), BASE64_STANDARD.encode(pdf));
        let code = Code::of(ObservationName::Report, self.codes);
        self.made_by(self.obx(set_id, "ED", &code, value).text(11, "P"))
    }

    fn obx(&self, set_id: usize, kind: &str, code: &Code, value: String) -> Segment {
        let alternate = code.alternate.as_ref();
        let part = |of: fn(&crate::report::message::AlternateCode) -> &str| alternate.map(of).unwrap_or_default();
        let components = [
            code.code.as_str(),
            &code.text,
            &self.codes.hl7_system,
            part(|alternate| &alternate.code),
            part(|alternate| &alternate.text),
            part(|alternate| &alternate.hl7_system),
        ];
        Segment::new("OBX").text(1, &set_id.to_string()).text(2, kind).components(3, &components).raw(5, value)
    }

    fn value(&self, value: &Value) -> (&'static str, String, Option<Unit>) {
        let coded = if self.options.version >= Hl7Version::V2_5_1 { "CWE" } else { "CE" };
        match value {
            Value::Percent(percent) => ("NM", percent.map(two_decimals).unwrap_or_default(), Some(Unit::Percent)),
            Value::Interval(limits) => {
                let text =
                    limits.map(|limits| format!("^{}^-^{}", two_decimals(limits.low), two_decimals(limits.high)));
                ("SN", text.unwrap_or_default(), Some(Unit::Percent))
            }
            Value::Count(count, unit) => ("NM", count.map(|count| count.to_string()).unwrap_or_default(), Some(*unit)),
            Value::Coded(code) => (
                coded,
                code.as_ref().map(|(code, words)| joined(&[code, words, &self.codes.hl7_system])).unwrap_or_default(),
                None,
            ),
        }
    }

    /// When the blood was taken, and who measured: the laboratory as OBX-15 (producer) or from 2.5.1 on as OBX-23 and
    /// OBX-24 (performing organization), the program as OBX-18 (equipment, of 2.4 on).
    fn made_by(&self, obx: Segment) -> Segment {
        let record = self.record;
        let collected = record.order.as_ref().and_then(|order| order.collected_at.as_ref());
        let mut obx = obx.text(14, &collected.map(dtm).unwrap_or_default());
        if self.options.version >= Hl7Version::V2_4 {
            let made_by = &record.provenance;
            obx = obx.text(18, &format!("{} {}", made_by.software, made_by.software_version));
        }
        let Some(laboratory) = &record.laboratory else { return obx };
        let address = laboratory.address.as_deref().unwrap_or_default();
        match self.options.version {
            Hl7Version::V2_5_1 => obx.text(23, &laboratory.name).text(24, address),
            _ => obx.components(15, &["", &laboratory.name]),
        }
    }
}

/// A note.
pub(super) fn note(set_id: usize, text: &str) -> Segment {
    Segment::new("NTE").text(1, &set_id.to_string()).text(2, "L").text(3, text)
}

fn two_decimals(value: f64) -> String {
    format!("{value:.PERCENT_DECIMALS$}")
}

/// A limit without needless zeros.
fn plain(value: f64) -> String {
    value.to_string()
}
