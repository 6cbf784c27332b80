//! HL7 v2 ORU^R01: the results of one patient in one message.
//!
//! In: a message, see [`crate::clinical::hl7`]. Of each OBX: OBX-2 value type (NM, SN, ST, TX, FT, CE, CWE, IS, ID), OBX-3
//! code as first or alternate triplet (LOINC as `LN`, own codes as `99TMA`, local codes by configuration), OBX-5 value,
//! OBX-6 unit, OBX-7 reference range, OBX-11 status, OBX-14 or else OBR-7 time. Of PID: every repeat of PID-3 (CX.1 with
//! CX.4) and PID-5, PID-7 and PID-8, the age at the first OBR-7. Of DG1: an ICD-10 code in DG1-3. Of SPM: both numbers of
//! SPM-2. Out: results, context, and what was left aside with its reason.
//!
//! Source: HL7 v2.5.1 chapter 7 in its own terms.
//!
//! METHOD: an NM value with a comparator (`>1000`) breaks the standard but means one thing: it is read as a bound, as SN would
//! send it. A decimal comma is not read, because `1,234` means two things.
//!
//! Limits: a file holds one message. A status of X, D, N, W or I gives no result. A range or titer in SN is left aside by
//! name, and so is every drug, procedure and allergy of a message (RXA, RXD, RXE, RXG, RXO, PR1, AL1, IAM, PRB).

use super::codes::{self, CodedDiagnosis};
use super::raw::{CodeSystem, Origin, RawPanel, RawReference, RawResult, RawValue, shown_code};
use crate::clinical::analyte::Analyte;
use crate::clinical::context::{ContextField, ContextValue, Meaning, Sex};
use crate::clinical::error::{Fault, PanelProblem, found_text};
use crate::clinical::hl7::{Fields, HL7_TIME, MessageText};
use crate::clinical::options::PanelOptions;
use crate::clinical::result::{Comparator, ResultStatus, compared_number, interval_limits, plain_number};
use crate::clinical::unit::DDimerKind;
use crate::time::Moment;

/// System of this program's own codes in HL7 v2.
const OWN_HL7_SYSTEM: &str = "99TMA";

/// Segments about the patient that are not read, each with the field that names its content.
const LEFT_ASIDE: &[(&str, usize)] =
    &[("RXA", 5), ("RXD", 2), ("RXE", 2), ("RXG", 4), ("RXO", 1), ("PR1", 3), ("AL1", 3), ("IAM", 3), ("PRB", 3)];

/// Reads a message.
pub(super) fn read(bytes: &[u8], options: &PanelOptions) -> Result<RawPanel, Fault> {
    let message = MessageText::read(bytes, options.hl7_character_set)?;
    let segments = message.segments("ORU", "an ORU^R01 message in MSH-9")?;
    let patients = segments.of("PID").count();
    if patients > 1 {
        return Err(PanelProblem::ManyPatients { found: patients }.into());
    }
    let mut raw = RawPanel::default();
    // OBR-7 of the results that follow; the error is a text that is no time.
    let (mut observed, mut first_observed, mut birth) = (Ok(None), None, None);
    let (mut observations, mut diagnoses) = (0, Vec::new());
    for fields in segments.all() {
        match fields.name() {
            "PID" => {
                raw.patient = fields.identifiers(3).into_iter().map(|(identifier, _)| identifier).collect();
                raw.person.names = fields.names(5);
                birth = Moment::from_hl7(&fields.component(7, 1));
                raw.person.birth_date = birth.map(|birth| birth.day());
                raw.context.sex = match fields.component(8, 1).as_str() {
                    "F" => Some(Sex::Female),
                    "M" => Some(Sex::Male),
                    _ => None,
                };
            }
            "OBR" => {
                observed = fields.moment(7).map_err(|_| fields.component(7, 1));
                first_observed = first_observed.or(observed.clone().ok().flatten());
            }
            "OBX" => {
                observations += 1;
                let origin = origin(&fields, format!("OBX[{observations}]"), 3);
                if let Err(problem) = observation(&fields, &origin, &observed, &mut raw, options) {
                    raw.doubt(&origin, &problem);
                }
            }
            "DG1" => diagnosed(&fields, &mut diagnoses, &mut raw),
            "SPM" => {
                let numbers = [fields.first_part(2, 1), fields.first_part(2, 2)];
                raw.person.specimens.extend(numbers.into_iter().filter(|number| !number.is_empty()));
            }
            name => {
                if let Some((_, number)) = LEFT_ASIDE.iter().find(|(aside, _)| *aside == name) {
                    let origin = origin(&fields, name.to_owned(), *number);
                    let code = format!("{name} {}", origin.code);
                    raw.ignore(code.trim_end(), &origin.name, "segments of this kind are not read");
                }
            }
        }
    }
    codes::apply(diagnoses, &mut raw);
    if let (None, Some(birth), Some(at)) = (raw.context.age_years, birth, first_observed) {
        raw.context.age_years = at.completed_years_since(&birth);
    }
    Ok(raw)
}

/// Code and name of a field of type CE.
fn origin(fields: &Fields<'_, '_>, at: String, number: usize) -> Origin {
    let (code, name, system) = (fields.component(number, 1), fields.component(number, 2), fields.component(number, 3));
    Origin { at, code: shown_code(&code, Some(system.as_str()).filter(|system| !system.is_empty())), name }
}

/// One DG1.
fn diagnosed(fields: &Fields<'_, '_>, diagnoses: &mut Vec<CodedDiagnosis>, raw: &mut RawPanel) {
    let shown = origin(fields, "DG1".to_owned(), 3);
    let described = fields.text(4);
    let text = if shown.name.is_empty() { found_text(&described) } else { shown.name };
    let coded = [1, 4].into_iter().find(|first| codes::is_icd10(&fields.component(3, first + 2)));
    match coded {
        Some(first) => diagnoses.push(CodedDiagnosis {
            shown: shown.code,
            code: fields.component(3, first),
            text,
            is_active: false,
            state: None,
        }),
        None => raw.ignore(&shown.code, &text, "expected a code of ICD-10 (I10, I10C) in DG1-3, found none"),
    }
}

/// One OBX; `observed` is the time of its OBR.
fn observation(
    fields: &Fields<'_, '_>,
    origin: &Origin,
    observed: &Result<Option<Moment>, String>,
    raw: &mut RawPanel,
    options: &PanelOptions,
) -> Result<(), PanelProblem> {
    let codes = [1, 4].map(|first| {
        let system = match fields.component(3, first + 2).as_str() {
            "LN" => CodeSystem::Loinc,
            OWN_HL7_SYSTEM => CodeSystem::Own,
            _ => CodeSystem::Other,
        };
        (system, fields.component(3, first))
    });
    let status = match fields.component(11, 1).as_str() {
        "F" | "U" => Ok(ResultStatus::Final),
        "C" => Ok(ResultStatus::Corrected),
        // METHOD: without a status nothing says that a result is final.
        "P" | "R" | "S" | "" => Ok(ResultStatus::Preliminary),
        other => Err(found_text(other)),
    };
    let known = raw.recognize(origin, codes, status, !fields.text(5).is_empty(), options);
    match known {
        None => Ok(()),
        Some((Meaning::Context(field), ..)) => context(field, fields, raw),
        Some((Meaning::Analyte(analyte), code, status)) => {
            let value = value(analyte, fields)?;
            let reference = match fields.text(7) {
                text if text.is_empty() => RawReference::Absent,
                text => match interval_limits(&text) {
                    Some((low, high)) => RawReference::Limits { low, high, source: None },
                    None => RawReference::Unreadable(found_text(&text)),
                },
            };
            let of_request = || observed.clone().map_err(|found| PanelProblem::bad_time(HL7_TIME, &found));
            raw.results.push(RawResult {
                origin: origin.clone(),
                analyte,
                value,
                unit: Some(fields.unit(6)),
                stated_kind: DDimerKind::of_loinc(&code),
                reference,
                collected_at: fields.moment(14)?.map_or_else(of_request, |own| Ok(Some(own)))?,
                before_plasma: None,
                status,
            });
            Ok(())
        }
    }
}

/// Whether the type of OBX-2 is a code with its text.
fn is_coded(fields: &Fields<'_, '_>) -> bool {
    matches!(fields.component(2, 1).as_str(), "CE" | "CWE" | "CNE")
}

/// The value of OBX-5 by the type of OBX-2.
fn value(analyte: Analyte, fields: &Fields<'_, '_>) -> Result<RawValue, PanelProblem> {
    let whole = fields.text(5);
    let bad = |found: &str| PanelProblem::bad_value(analyte, found);
    if fields.has_repeats(5) {
        return Err(bad(&format!("several values {whole}")));
    }
    match fields.component(2, 1).as_str() {
        "NM" => {
            let (comparator, number) = compared_number(&whole).ok_or_else(|| bad(&whole))?;
            Ok(RawValue::Number(comparator, number))
        }
        "SN" => {
            let (sign, first, separator) = (fields.component(5, 1), fields.component(5, 2), fields.component(5, 3));
            let comparator = match sign.as_str() {
                "" | "=" => None,
                sign => Some(Comparator::from_sign(sign).ok_or_else(|| bad(&whole))?),
            };
            let number = plain_number(&first).filter(|_| separator.is_empty());
            Ok(RawValue::Number(comparator, number.ok_or_else(|| bad(&whole))?))
        }
        _ if is_coded(fields) => {
            RawValue::of_words(analyte, &[&fields.component(5, 1), &fields.component(5, 2)], &whole)
        }
        "ST" | "TX" | "FT" | "IS" | "ID" => RawValue::of_text(analyte, &whole),
        other => Err(bad(&format!("{whole} of type {other}"))),
    }
}

/// A field of the context.
fn context(field: ContextField, fields: &Fields<'_, '_>, raw: &mut RawPanel) -> Result<(), PanelProblem> {
    let coded = is_coded(fields);
    let value = ContextValue {
        word: Some(if coded { fields.component(5, 1) } else { fields.text(5) }),
        text: coded.then(|| fields.component(5, 2)),
        date: fields.moment(14)?.map(|moment| moment.day()),
    };
    field.set(&mut raw.context, &mut raw.before_plasma, value)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::read_panel;
    use super::super::tests::{message, read_text};
    use super::*;
    use crate::clinical::{Cancer, CharacterSet, CodedValue};

    #[test]
    fn every_identifier_of_a_message_is_read() {
        for (pid_3, expected) in [
            ("A", &["A"][..]),
            ("MRN123^^^HOSP^MR~998877^^^&1.2.3&ISO^NI", &["MRN123 (HOSP)", "998877 (1.2.3)"]),
            (r" A\T\1 ^^^HOSP&1.2.4&ISO", &["A&1 (HOSP, 1.2.4)"]),
            ("", &[]),
            ("\"\"", &[]),
            ("^^^HOSP^MR", &[]),
        ] {
            let text = message(&[]).replace("PID|1||A|", &format!("PID|1||{pid_3}|"));
            let panel = read_text(&text).expect("a panel");
            assert_eq!(panel.patient.iter().map(ToString::to_string).collect::<Vec<_>>(), expected, "{pid_3}");
        }
    }

    #[test]
    fn unknown_observations_are_listed_and_not_lost() {
        let text = message(&[
            "OBX|1|NM|6690-2^Leukocytes^LN||7.1|10*3/uL|||||F",
            "OBX|2|NM|XYZ^Local^L||1|u|||||F",
            "OBX|3|NM|777-3^Platelets^LN||38|10*3/uL|||||X",
            "OBX|4|NM|718-7^Hemoglobin^LN|||g/dL|||||F",
            "OBX|5|NM|2532-0^LDH^LN||300|U/L|see report||||F",
        ]);
        let panel = read_text(&text).expect("a panel");
        let found: Vec<_> = panel.ignored.iter().map(|one| (one.code.as_str(), one.reason.as_str())).collect();
        assert_eq!(
            found,
            [
                ("6690-2 (LN)", "not on the list of analytes"),
                ("XYZ (L)", "not on the list of analytes"),
                ("777-3 (LN)", "result status X"),
                ("718-7 (LN)", "no value"),
            ]
        );
        assert_eq!(panel.ignored[0].name.as_deref(), Some("Leukocytes"));
        // The value is used. No built-in interval stands in for one that the laboratory sent.
        let remarks: Vec<String> = panel.remarks().collect();
        assert_eq!(remarks, ["Lactate dehydrogenase used; its reference range `see report` could not be read"]);
        assert_eq!(panel.current_quantity(Analyte::Ldh).map(|ldh| ldh.value), Some(300.0));
        assert_eq!(panel.current(Analyte::Ldh).and_then(|result| result.reference.clone()), None);
    }

    #[test]
    fn local_codes_and_alternate_triplets_are_understood() {
        let options = PanelOptions {
            local_codes: BTreeMap::from([
                ("THRO".to_owned(), Meaning::from_name("platelets").expect("an analyte")),
                ("TUM".to_owned(), Meaning::from_name("tumor").expect("a field")),
            ]),
            ..PanelOptions::default()
        };
        let text = message(&[
            "OBX|1|NM|THRO^Thrombozyten^L||38|Gpt/l|150-400||||F",
            "OBX|2|NM|KREA^Kreatinin^L^14682-9^Creatinine^LN||209|µmol/l|59-104||||F",
            "OBX|3|TX|TUM^Tumor^L||carcinoma of the stomach \\T\\ nodes||||||F",
            "OBX|4|CWE|800-3^Schistocytes^LN||PRES^Present^99TMA||||||F",
        ]);
        let panel = read_panel(text.as_bytes(), "test", &options).expect("a panel");
        assert_eq!(panel.current_quantity(Analyte::Platelets).map(|q| q.unit.as_str()), Some("10*9/L"));
        assert_eq!(panel.current_quantity(Analyte::Creatinine).map(|q| q.value), Some(209.0));
        let tumor = Cancer { tumor: Some("carcinoma of the stomach & nodes".to_owned()), ..Cancer::default() };
        assert_eq!((panel.context.cancer, panel.context.schistocytes_on_film), (Some(tumor), Some(true)));
        assert_eq!((panel.context.age_years, panel.context.sex), (Some(63), Some(Sex::Male)));
    }

    #[test]
    fn value_types_of_messages_are_understood() {
        for (obx, number, coded) in [
            ("ST|4542-7^Hp^LN||<8|mg/dL", Some((Some(Comparator::Less), 8.0)), None),
            ("SN|48065-7^DD^LN||>=^20000|ng/mL", Some((Some(Comparator::GreaterOrEqual), 20_000.0)), None),
            ("SN|48065-7^DD^LN||^900|ng/mL", Some((None, 900.0)), None),
            ("ST|1007-4^DAT^LN||NEG|", None, Some(CodedValue::Negative)),
            ("CWE|1007-4^DAT^LN||10828004^Positive^SCT|", None, Some(CodedValue::Positive)),
            // What SN would send is understood in NM too.
            ("NM|2532-0^LDH^LN||>1000|U/L", Some((Some(Comparator::Greater), 1000.0)), None),
        ] {
            let panel = read_text(&message(&[&format!("OBX|1|{obx}|||||F")])).expect("a panel");
            let result = panel.results().next().unwrap_or_else(|| panic!("{obx}"));
            assert_eq!(result.quantity().map(|quantity| (quantity.comparator, quantity.value)), number, "{obx}");
            assert_eq!(result.coded(), coded, "{obx}");
        }
        let several = read_text(&message(&["OBX|1|NM|777-3^PLT^LN||38~39|10*3/uL|||||F"])).expect("a panel");
        assert!(several.results().count() == 0 && several.ignored[0].reason.contains("several"));
    }

    #[test]
    fn framing_and_line_ends_do_not_matter() {
        let plain = message(&["OBX|1|NM|777-3^PLT^LN||38|10*3/uL|||||F"]);
        let expected = read_text(&plain);
        assert!(expected.as_ref().is_ok_and(|panel| panel.results().count() == 1));
        for text in [plain.replace('\r', "\r\n"), plain.replace('\r', "\n\n"), format!("\u{b}{plain}\r\u{1c}\r")] {
            assert_eq!(read_text(&text), expected);
        }
        assert_eq!(read_text(&format!("\u{feff}{plain}")), expected);
    }

    #[test]
    fn a_power_written_with_the_component_separator_is_a_unit() {
        for unit in
            ["10^9/L", "10^9/L^^UCUM", "x10^9/L", "10*9/L", "10E9/L", "G/L", "10\\S\\9/L", "10^3/uL", "x10^3/\u{b5}L"]
        {
            let panel = read_text(&message(&[&format!("OBX|1|NM|777-3^PLT^LN||38|{unit}|||||F")])).expect("a panel");
            let canonical = panel.current_quantity(Analyte::Platelets).map(|quantity| quantity.canonical);
            assert_eq!(canonical, Some(38.0), "{unit}: {:?}", panel.ignored);
        }
    }

    #[test]
    fn five_encoding_characters_are_read() {
        let text = message(&[
            "OBX|1|TX|tumor^Tumor^99TMA||carcinoma \\P\\1 \\T\\ nodes||||||F",
            "OBX|2|NM|777-3^PLT^LN||38|10^9/L|||||F",
        ]);
        let five = text.replace("MSH|^~\\&|", "MSH|^~\\&#|").replace("|2.5.1\r", "|2.7\r");
        let panel = read_text(&five).expect("a panel");
        assert_eq!(panel.current_quantity(Analyte::Platelets).map(|platelets| platelets.value), Some(38.0));
        let tumor = panel.context.cancer.and_then(|cancer| cancer.tumor);
        assert_eq!(tumor.as_deref(), Some("carcinoma #1 & nodes"));
    }

    #[test]
    fn a_message_is_read_in_the_set_that_it_names() {
        let text = |set: &str| {
            message(&["OBX|1|TX|tumor^Tumor^99TMA||Karzinom der Drüse||||||F"])
                .replace("||||19610314|M", "||Müller^Jörg||19610314|M")
                .replace("|2.5.1\r", &format!("|2.5.1||||||{set}\r"))
        };
        let latin = |text: &str| -> Vec<u8> { text.chars().map(|c| c as u8).collect() };
        let unnamed = PanelOptions { hl7_character_set: CharacterSet::from_name("8859/1"), ..PanelOptions::default() };
        for (bytes, options) in [
            (latin(&text("8859/1")), PanelOptions::default()),
            (latin(&text("8859/15")), PanelOptions::default()),
            (text("UNICODE UTF-8").into_bytes(), PanelOptions::default()),
            (text("").into_bytes(), PanelOptions::default()),
            (latin(&text("")), unnamed),
        ] {
            let panel = read_panel(&bytes, "test", &options).expect("a panel");
            assert_eq!(panel.person.names[0].to_string(), "Müller, Jörg");
            let tumor = panel.context.cancer.and_then(|cancer| cancer.tumor);
            assert_eq!(tumor.as_deref(), Some("Karzinom der Drüse"));
        }
    }

    #[test]
    fn diagnoses_of_a_message_are_read_or_named() {
        let panel = read_text(&message(&[
            "DG1|1||C25.9^Pancreas, unspecified^I10|||W",
            "DG1|2||C79.5^Secondary malignant neoplasm of bone and bone marrow^I10C",
            "DG1|3||Z94.0^Kidney transplant status^I10",
            "DG1|4||I10^Hypertension^I10",
            "DG1|5||157.9^Pancreas^I9C",
            "RXA|0|1|20241201|20241201|J9201^Gemcitabine^HCPCS|1",
            "OBX|1|NM|777-3^PLT^LN||38|10*3/uL|||||F",
        ]))
        .expect("a panel");
        let cancer = panel.context.cancer.as_ref().expect("a cancer");
        assert_eq!(
            cancer.tumor.as_deref(),
            Some(
                "Pancreas, unspecified (ICD-10 C25.9); Secondary malignant neoplasm of bone and bone marrow (ICD-10 C79.5, of bone \
                 or bone marrow)"
            )
        );
        assert_eq!((cancer.metastatic, cancer.marrow, cancer.active), (Some(true), None, None));
        assert_eq!(panel.context.has_transplant(), Some(true));
        let aside: Vec<_> = panel.ignored.iter().map(|one| one.code.as_str()).collect();
        assert_eq!(aside, ["157.9 (I9C)", "RXA J9201 (HCPCS)", "I10 (I10)"]);
        assert_eq!(panel.results().count(), 1);
    }
}
