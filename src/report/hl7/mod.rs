//! `<accession>_<job>.hl7`: the result as an HL7 v2 message, ORU^R01.
//!
//! In: a record and the laboratory's options. Out: one message in the character set that MSH-18 names, segments ended by CR, without
//! the framing of a transport. Segments: MSH, \[SFT\], \[PID\], ORC, OBR with NTE, OBX with NTE each, \[SPM\]
//! (HL7 v2.5.1, section 7.3.1); in brackets where the version and the order allow it.
//!
//! A result is preliminary (`P`) until a person signs, then final (`F`), and corrected (`C`) once it is signed again. The three
//! messages of a case are of one order (OBR-2 and OBR-3), patient and order of observations; MSH-10 differs. The statement, the
//! fixed footer and, of a signed case, the review are the notes of the OBR; OBR-32 names the signer. MSH-7 and OBR-22 are the
//! record's time of issue, so that the same record gives the same bytes.
//!
//! METHOD: without a time of issue both are empty, though version 2.5.1 requires MSH-7: a receiver then goes by when it got
//! the message or says that the time is missing. Any other time (a file's) would date the result wrongly and in silence.
//!
//! METHOD: no crate builds HL7 v2 messages and is well kept (those that exist parse); the grammar needed is fields,
//! components and escapes.
//!
//! METHOD: a sign of print that the set lacks is written in plain signs (`–` as `-`); a letter that it lacks is refused, because
//! HL7 has no escape that every receiver reads and a name must not be changed.
//!
//! Limits: no batch header, no acknowledgment, no MLLP framing: an interface engine does these.

mod segment;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::document::signed::sentences;
use super::error::ReportError;
use super::message::{
    AlternateCode, Code, CodeOptions, Observation, ObservationName, PERCENT_DECIMALS, Unit, Value, observations,
};
use super::settings::{Hl7Options, Hl7Version};
use crate::case::{AdministrativeSex, CaseRecord, Job, Patient, Provenance, ReviewStatus};
use crate::time::Timestamp;
use segment::{Segment, dtm, escaped, joined};

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
    let mut segments: Vec<Segment> = vec![msh(options, &job, &issued)];
    segments.extend(sft(options, &record.provenance));
    segments.extend(patient.and_then(|patient| pid(options, patient)));
    segments.push(orc(options, record));
    segments.push(obr(options, codes, record, &issued));
    segments.push(note(1, &record.statement));
    segments.push(note(2, &record.footer));
    let review = record.review.iter().flat_map(|review| sentences(review));
    segments.extend(review.enumerate().map(|(index, text)| note(index + 3, &text)));
    let results = Results { options, codes, record };
    let all = observations(record, codes);
    for (index, observation) in all.iter().enumerate() {
        segments.extend(results.observation(index + 1, observation));
    }
    if let Some(pdf) = pdf {
        segments.push(results.document(all.len() + 1, pdf));
    }
    segments.extend(spm(options, record));
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

/// MSH, message header (HL7 v2.5.1, section 2.14.9).
///
/// MSH-10 is the first 20 characters of the job's hash: the same work sent twice bears the same number, and a receiver can
/// tell the repetition.
fn msh(options: &Hl7Options, job: &Job, issued: &str) -> Segment {
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
        .text(at(11), options.processing_id.into())
        .text(at(12), options.version.name())
        .text(at(18), options.character_set.name())
}

/// SFT, the software behind the message (section 2.14.12); none before version 2.5.
fn sft(options: &Hl7Options, provenance: &Provenance) -> Option<Segment> {
    (options.version >= Hl7Version::V2_5_1).then(|| {
        Segment::new("SFT")
            .text(1, &provenance.software)
            .text(2, &provenance.software_version)
            .text(3, &provenance.software)
            // What tells this program from another of its version: method, model and detector.
            .text(4, &format!("method {}, model {}", provenance.method_version, provenance.model.sha256))
    })
}

/// PID, patient identification (HL7 v2.5.1, section 3.4.2); none without an identifier.
///
/// Without one, the receiver finds the patient by the order's numbers, and a name alone identifies nobody. Where the name
/// is unknown, PID-5 says so (name type `U`), because the field is required.
fn pid(options: &Hl7Options, patient: &Patient) -> Option<Segment> {
    let id = patient.id.as_deref()?;
    let text = |item: &Option<String>| item.clone().unwrap_or_default();
    let authority = text(&patient.id_authority);
    let (family, given) = (text(&patient.family_name), text(&patient.given_name));
    let name: &[&str] =
        if family.is_empty() && given.is_empty() { &["", "", "", "", "", "", "U"] } else { &[&family, &given] };
    let born = patient.birth_date.as_ref().map(|date| date.day().strftime("%Y%m%d").to_string()).unwrap_or_default();
    let segment = Segment::new("PID")
        .text(1, "1")
        .components(3, &[id, "", "", &authority, &options.patient_id_type])
        .components(5, name)
        .text(7, &born)
        .text(8, patient.sex.map_or("", sex_code));
    Some(segment)
}

/// Code of HL7 table 0001.
fn sex_code(sex: AdministrativeSex) -> &'static str {
    match sex {
        AdministrativeSex::Female => "F",
        AdministrativeSex::Male => "M",
        AdministrativeSex::Other => "O",
        AdministrativeSex::Unknown => "U",
    }
}

/// Order numbers of the requester and of the laboratory; the specimen number stands in for the latter.
fn numbers(record: &CaseRecord) -> (&str, &str) {
    let order = record.order.as_ref();
    let placer = order.and_then(|order| order.placer_order_number.as_deref());
    let filler = order.and_then(|order| order.filler_order_number.as_deref()).or(record.accession.as_deref());
    (placer.unwrap_or_default(), filler.unwrap_or_default())
}

/// Quantity and timing: version 2.3 requires them (ORC-7, OBR-27). They hold the quantity 1, which is their default, and no
/// priority.
fn quantity(options: &Hl7Options) -> &'static str {
    if options.version == Hl7Version::V2_3 { "1" } else { "" }
}

/// ORC, common order (HL7 v2.5.1, section 4.5.1).
fn orc(options: &Hl7Options, record: &CaseRecord) -> Segment {
    let (placer, filler) = numbers(record);
    Segment::new("ORC").text(1, "RE").text(2, placer).text(3, filler).text(7, quantity(options))
}

/// OBR, observation request (section 7.4.1).
///
/// OBR-25 is the status of the review. OBR-32 is the signer in each version: the first component is a name, whose parts are
/// subcomponents (NDL, section 2.A.47; before version 2.4 a composite of the same parts). The name is given whole and stands
/// as the family name. Before version 2.5, which has SPM, the kind of specimen
/// stands in OBR-15.
fn obr(options: &Hl7Options, codes: &CodeOptions, record: &CaseRecord, issued: &str) -> Segment {
    let (placer, filler) = numbers(record);
    let order = record.order.as_ref();
    let time = |time: Option<&Timestamp>| time.map(dtm).unwrap_or_default();
    let requester = order.and_then(|order| order.requester.as_deref()).unwrap_or_default();
    let source = if options.version < Hl7Version::V2_5_1 { "BLD" } else { "" };
    let signer = record.review.as_ref().map(|review| format!("&{}", escaped(&review.signed_by.name)));
    let signer = signer.unwrap_or_default();
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
        .text(25, status_code(record))
        .text(27, quantity(options))
        .raw(32, signer)
}

/// Status of a result (HL7 tables 0085 and 0123).
fn status_code(record: &CaseRecord) -> &'static str {
    match record.review_status() {
        ReviewStatus::Preliminary => "P",
        ReviewStatus::Final => "F",
        ReviewStatus::Corrected => "C",
    }
}

/// OBX, observation, and NTE, the notes behind it (HL7 v2.5.1, sections 7.4.2 and 2.14.10).
///
/// | value | OBX-2 | OBX-5 |
/// | --- | --- | --- |
/// | percentage, ratio, number | `NM` | two decimals, two decimals, whole |
/// | interval | `SN` | `^low^-^high` |
/// | coded | `CWE`, before version 2.5 `CE` | code, words, local system |
/// | document | `ED` | source, type, subtype, encoding, Base64 in one line |
///
/// OBX-11 is the status of the review, or `X`, cannot be obtained, and then OBX-5 is empty: what was not assessed is never 0.
struct Results<'a> {
    options: &'a Hl7Options,
    codes: &'a CodeOptions,
    record: &'a CaseRecord,
}

impl Results<'_> {
    /// An observation and its notes.
    fn observation(&self, set_id: usize, observation: &Observation) -> Vec<Segment> {
        let (kind, value, unit) = self.value(&observation.value);
        let limit = observation.high_limit.map(|(limit, _)| format!("<={}", plain(limit))).unwrap_or_default();
        let flag = observation.flag.map_or("", |flag| flag.code().0);
        let status = if observation.value.is_known() { status_code(self.record) } else { "X" };
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
    fn document(&self, set_id: usize, pdf: &[u8]) -> Segment {
        let parts = &self.options.document;
        let head = [&parts.source_application, &parts.type_of_data, &parts.subtype, &parts.encoding];
        let head: Vec<String> = head.iter().map(|part| escaped(part)).collect();
        // Base64 has none of the delimiters, and no line end is put in.
        let value = format!("{}^{}", head.join("^"), BASE64_STANDARD.encode(pdf));
        let code = Code::of(ObservationName::Report, self.codes);
        self.made_by(self.obx(set_id, "ED", &code, value).text(11, status_code(self.record)))
    }

    fn obx(&self, set_id: usize, kind: &str, code: &Code, value: String) -> Segment {
        let alternate = code.alternate.as_ref();
        let part = |of: fn(&AlternateCode) -> &str| alternate.map(of).unwrap_or_default();
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
            Value::Ratio(ratio) => ("NM", ratio.map(two_decimals).unwrap_or_default(), None),
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
fn note(set_id: usize, text: &str) -> Segment {
    Segment::new("NTE").text(1, &set_id.to_string()).text(2, "L").text(3, text)
}

fn two_decimals(value: f64) -> String {
    format!("{value:.PERCENT_DECIMALS$}")
}

/// A limit without needless zeros.
fn plain(value: f64) -> String {
    value.to_string()
}

/// SPM, specimen (HL7 v2.5.1, section 7.4.3): blood, its number as the laboratory's, when it was taken and received; none before version 2.5.
fn spm(options: &Hl7Options, record: &CaseRecord) -> Option<Segment> {
    let order = record.order.as_ref();
    let time = |time: Option<&Timestamp>| time.map(dtm).unwrap_or_default();
    // SPM-2 is a pair of identifiers, the requester's and the laboratory's: the second is ours.
    let id = record.accession.as_deref().map(|id| format!("^{}", escaped(id))).unwrap_or_default();
    (options.version >= Hl7Version::V2_5_1).then(|| {
        Segment::new("SPM")
            .text(1, "1")
            .raw(2, id)
            .components(4, &["BLD", "Whole blood", "HL70487"])
            .text(17, &time(order.and_then(|order| order.collected_at.as_ref())))
            .text(18, &time(order.and_then(|order| order.received_at.as_ref())))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Date;

    #[test]
    fn a_full_patient_and_one_without_a_name() {
        let options = Hl7Options::default();
        let patient = Patient {
            id: Some("MRN123".into()),
            id_authority: Some("HOSP".into()),
            family_name: Some("O^Doe".into()),
            given_name: Some("Jane".into()),
            birth_date: Date::parse("1960-01-31").ok(),
            sex: Some(AdministrativeSex::Female),
        };
        let segment = pid(&options, &patient).expect("an identifier").encoded();
        assert_eq!(segment, "PID|1||MRN123^^^HOSP^MR||O\\S\\Doe^Jane||19600131|F\r");
        let unnamed = Patient { id: Some("7".into()), ..Patient::default() };
        assert_eq!(pid(&options, &unnamed).expect("an identifier").encoded(), "PID|1||7^^^^MR||^^^^^^U\r");
        assert_eq!(pid(&options, &Patient { id: None, ..patient }), None);
    }
}
