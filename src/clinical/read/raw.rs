//! A panel as a format gives it, and the [`LabPanel`] that it becomes.
//!
//! In: results whose units are not understood yet, the context, and what the reader of the format left aside. Out: the
//! panel: units resolved, values checked for plausibility, intervals chosen, flags set, each analyte in order of time.
//!
//! METHOD: an entry that cannot be read without doubt is left aside by name with its reason and stops no other one.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use crate::clinical::analyte::{Analyte, CodedValue};
use crate::clinical::context::{ClinicalContext, HIGHEST_AGE_YEARS, Meaning};
use crate::clinical::error::{Fault, PanelProblem};
use crate::clinical::options::PanelOptions;
use crate::clinical::panel::{IgnoredObservation, LabPanel};
use crate::clinical::patient::{PatientIdentifier, Person, telling};
use crate::clinical::reference::{is_interval, sent};
use crate::clinical::result::{
    Comparator, Flag, LabResult, LabValue, Quantity, ReferenceInterval, ResultStatus, compared_number,
};
use crate::clinical::unit::{DDimerKind, KnownUnit, accepted_units, resolve};
use crate::time::Moment;

/// Source of an interval that came with its result and names none.
const SENT_WITH_RESULT: &str = "sent with the result";

/// Most results of a panel.
const MAX_RESULTS: usize = 5000;

/// Where an entry stands and what it is called.
#[derive(Debug, Clone, Default)]
pub(super) struct Origin {
    /// Place in the file: `OBX[4]`, `entry[5]`, `results[3]`.
    pub at: String,
    /// Code with its system.
    pub code: String,
    /// Name; empty where not given.
    pub name: String,
}

/// A value before its unit is understood.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum RawValue {
    Number(Option<Comparator>, f64),
    Coded(CodedValue),
}

impl RawValue {
    /// A value of an analyte from text: a number with comparator, or one of its words.
    pub fn of_text(analyte: Analyte, text: &str) -> Result<Self, PanelProblem> {
        if analyte.canonical_unit().is_some()
            && let Some((comparator, value)) = compared_number(text)
        {
            return Ok(Self::Number(comparator, value));
        }
        let coded = CodedValue::from_word(text).filter(|coded| analyte.coded_values().contains(coded));
        coded.map(Self::Coded).ok_or_else(|| PanelProblem::bad_value(analyte, text))
    }

    /// The first of several words of one code that is known.
    pub fn of_words(analyte: Analyte, words: &[&str], found: &str) -> Result<Self, PanelProblem> {
        let coded = words.iter().find_map(|word| CodedValue::from_word(word));
        coded.map(Self::Coded).ok_or_else(|| PanelProblem::bad_value(analyte, found))
    }
}

/// The interval as sent.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum RawReference {
    /// None was sent: a configured or built-in one may stand in.
    Absent,
    /// One was sent that could not be understood: none stands in for it.
    Unreadable(String),
    /// Limits in the unit of the result.
    Limits { low: Option<f64>, high: Option<f64>, source: Option<String> },
}

/// A result before its unit is understood.
#[derive(Debug)]
pub(super) struct RawResult {
    /// Where it stands and what it is called, for the case that it is left aside.
    pub origin: Origin,
    pub analyte: Analyte,
    pub value: RawValue,
    pub unit: Option<String>,
    /// What the observation's code says of a D-dimer unit.
    pub stated_kind: Option<DDimerKind>,
    pub reference: RawReference,
    pub collected_at: Option<Moment>,
    pub before_plasma: Option<bool>,
    pub status: ResultStatus,
}

/// Whose code it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CodeSystem {
    Own,
    Loinc,
    Other,
}

/// What a code of a message means: local codes go first, then this program's own, then LOINC.
fn meaning(code: &str, system: CodeSystem, options: &PanelOptions) -> Option<Meaning> {
    match (options.local_codes.get(code), system) {
        _ if code.is_empty() => None,
        (Some(local), _) => Some(*local),
        (None, CodeSystem::Own) => Meaning::from_name(code),
        (None, CodeSystem::Loinc) => Meaning::from_loinc(code),
        (None, CodeSystem::Other) => None,
    }
}

/// A time in ISO 8601.
pub(super) fn iso_time(text: &str) -> Result<Moment, PanelProblem> {
    Moment::from_iso(text).ok_or_else(|| PanelProblem::bad_time("2025-01-02T08:30:00+01:00", text))
}

/// A code as it is shown, with its system where that is given.
pub(super) fn shown_code(code: &str, system: Option<&str>) -> String {
    system.map_or(code.to_owned(), |system| format!("{code} ({system})"))
}

/// What a format's reader gives.
#[derive(Debug, Default)]
pub(super) struct RawPanel {
    pub context: ClinicalContext,
    pub results: Vec<RawResult>,
    /// Whether samples of ADAMTS13 that do not say so themselves were drawn before plasma.
    pub before_plasma: Option<bool>,
    pub ignored: Vec<IgnoredObservation>,
    pub patient: Vec<PatientIdentifier>,
    pub person: Person,
}

impl RawPanel {
    /// Leaves an entry aside that cannot be read without doubt.
    pub fn doubt(&mut self, origin: &Origin, problem: &PanelProblem) {
        self.ignore(&origin.code, &origin.name, format!("{}: {problem}", origin.at));
    }

    /// Leaves an entry aside; an empty name is none.
    pub fn ignore(&mut self, code: &str, name: &str, reason: impl Into<String>) {
        let name = Some(name).filter(|name| !name.is_empty()).map(str::to_owned);
        self.ignored.push(IgnoredObservation { code: code.to_owned(), name, reason: reason.into() });
    }

    /// What an observation of a message stands for, by the first code that is known, with that code and the status. An
    /// observation without such a code, with another status or without a value is left aside.
    pub fn recognize(
        &mut self,
        origin: &Origin,
        codes: impl IntoIterator<Item = (CodeSystem, String)>,
        status: Result<ResultStatus, String>,
        has_value: bool,
        options: &PanelOptions,
    ) -> Option<(Meaning, String, ResultStatus)> {
        let known = |(system, code): (CodeSystem, String)| Some((meaning(&code, system, options)?, code));
        let why = match (codes.into_iter().find_map(known), status) {
            (None, _) => "not on the list of analytes".to_owned(),
            (_, Err(status)) => format!("result status {status}"),
            _ if !has_value => "no value".to_owned(),
            (Some((meaning, code)), Ok(status)) => return Some((meaning, code, status)),
        };
        self.ignore(&origin.code, &origin.name, why);
        None
    }

    /// The panel.
    pub fn assemble(mut self, options: &PanelOptions) -> Result<LabPanel, Fault> {
        if self.results.len() > MAX_RESULTS {
            return Err(PanelProblem::TooManyResults { limit: MAX_RESULTS, found: self.results.len() }.into());
        }
        check_context(&self.context)?;
        let mut results: BTreeMap<Analyte, Vec<(LabResult, Origin)>> = BTreeMap::new();
        for result in std::mem::take(&mut self.results) {
            match understood(&result, &self.context, self.before_plasma, options) {
                Ok(understood) => results.entry(result.analyte).or_default().push((understood, result.origin)),
                Err(problem) => self.doubt(&result.origin, &problem),
            }
        }
        let mut ordered = BTreeMap::new();
        for (analyte, values) in results {
            match in_order(analyte, &values) {
                Ok(values) => drop(ordered.insert(analyte, values)),
                // METHOD: nothing tells which of the two holds, and an older value in their place would be a guess as well.
                Err(problem) => values.into_iter().for_each(|(result, origin)| {
                    let reason = format!("{}: {}: {problem}", origin.at, result.value);
                    self.ignore(&origin.code, &origin.name, reason);
                }),
            }
        }
        Ok(LabPanel {
            context: self.context,
            results: ordered,
            ignored: self.ignored,
            patient: telling(self.patient),
            person: self.person,
            window: options.window,
            other_name: options.other_name,
        })
    }
}

/// A result with its unit understood.
fn understood(
    raw: &RawResult,
    context: &ClinicalContext,
    before_plasma: Option<bool>,
    options: &PanelOptions,
) -> Result<LabResult, PanelProblem> {
    let analyte = raw.analyte;
    let bad = |found: &str| Err(PanelProblem::bad_value(analyte, found));
    let (value, reference, unread_reference) = match raw.value {
        RawValue::Coded(coded) if analyte.coded_values().contains(&coded) => (LabValue::Coded(coded), None, None),
        RawValue::Coded(coded) => return bad(coded.into()),
        RawValue::Number(..) if analyte.canonical_unit().is_none() => return bad("a number"),
        RawValue::Number(_, value) if !value.is_finite() || value < 0.0 => return bad(&value.to_string()),
        RawValue::Number(comparator, value) => {
            let unit = unit_of(raw, options)?;
            let canonical = unit.canonical(value);
            let quantity = Quantity { comparator, value, unit: unit.ucum.clone(), canonical };
            check_plausible(analyte, &quantity)?;
            let (reference, unread) = reference_of(raw, &unit, context, options)?;
            (LabValue::Quantity(quantity), reference, unread)
        }
    };
    Ok(LabResult {
        analyte,
        flag: Flag::of(&value, reference.as_ref()),
        value,
        reference,
        unread_reference,
        collected_at: raw.collected_at,
        before_plasma: raw.before_plasma.or(before_plasma).filter(|_| analyte.is_adamts13()),
        status: raw.status,
    })
}

fn unit_of(raw: &RawResult, options: &PanelOptions) -> Result<KnownUnit, PanelProblem> {
    let analyte = raw.analyte;
    let written = raw.unit.as_deref().map(str::trim).filter(|unit| !unit.is_empty());
    let missing = || PanelProblem::MissingUnit { analyte, accepted: accepted_units(analyte) };
    resolve(analyte, written.ok_or_else(missing)?, raw.stated_kind, &options.extra_units)
}

fn check_plausible(analyte: Analyte, quantity: &Quantity) -> Result<(), PanelProblem> {
    match analyte.plausible() {
        Some((low, high)) if !(low..=high).contains(&quantity.canonical) => {
            let unit = analyte.canonical_unit().unwrap_or_default();
            let found = format!("{} {}", quantity.value, quantity.unit);
            Err(PanelProblem::Implausible { analyte, low, high, unit, found })
        }
        _ => Ok(()),
    }
}

/// The interval of a result, or the text of one that could not be read.
fn reference_of(
    raw: &RawResult,
    unit: &KnownUnit,
    context: &ClinicalContext,
    options: &PanelOptions,
) -> Result<(Option<ReferenceInterval>, Option<String>), PanelProblem> {
    match &raw.reference {
        RawReference::Unreadable(text) => Ok((None, Some(text.clone()))),
        RawReference::Limits { low, high, .. } if !is_interval(*low, *high) => {
            let shown = |limit: &Option<f64>| limit.map_or("none".to_owned(), |limit| limit.to_string());
            Ok((None, Some(format!("{} to {}", shown(low), shown(high)))))
        }
        RawReference::Limits { low, high, source } => {
            Ok((Some(sent(*low, *high, unit, source.as_deref().unwrap_or(SENT_WITH_RESULT))), None))
        }
        RawReference::Absent => {
            Ok((options.reference.fallback(raw.analyte, context, unit, &options.extra_units)?, None))
        }
    }
}

/// The values of an analyte in order of time; two that time does not tell apart are refused.
///
/// METHOD: the same value twice is one value. A corrected result replaces a final one of the same time, and a final one a
/// preliminary one. A positive antiglobulin test goes before a negative one of the same time, because its reagents
/// (polyspecific, IgG, complement) are reported one by one.
fn in_order(analyte: Analyte, values: &[(LabResult, Origin)]) -> Result<Vec<LabResult>, PanelProblem> {
    let mut kept: Vec<LabResult> = Vec::new();
    for (value, _) in values {
        let mut replaced = None;
        let mut after = 0;
        let mut drop = false;
        for (index, other) in kept.iter().enumerate() {
            match order(value, other).ok_or_else(|| two_values(analyte, other, value))? {
                Ordering::Greater => after = index + 1,
                Ordering::Less => {}
                Ordering::Equal => match precedence(value, other) {
                    Some(Ordering::Greater) => replaced = Some(index),
                    Some(_) => drop = true,
                    None => return Err(two_values(analyte, other, value)),
                },
            }
        }
        match replaced {
            _ if drop => {}
            Some(index) => kept[index] = value.clone(),
            None => kept.insert(after, value.clone()),
        }
    }
    Ok(kept)
}

/// The order in time; equal where neither has a time.
fn order(one: &LabResult, other: &LabResult) -> Option<Ordering> {
    match (one.collected_at, other.collected_at) {
        (Some(one), Some(other)) => one.order(&other),
        (None, None) => Some(Ordering::Equal),
        _ => None,
    }
}

/// Which of two results of the same time holds; `None` where nothing tells.
fn precedence(one: &LabResult, other: &LabResult) -> Option<Ordering> {
    match one.status.cmp(&other.status) {
        Ordering::Equal if one.value == other.value => Some(Ordering::Equal),
        Ordering::Equal if one.analyte == Analyte::Dat => {
            Some(if one.coded() == Some(CodedValue::Positive) { Ordering::Greater } else { Ordering::Less })
        }
        Ordering::Equal => None,
        ordered => Some(ordered),
    }
}

fn two_values(analyte: Analyte, first: &LabResult, second: &LabResult) -> PanelProblem {
    let why = match (first.collected_at, second.collected_at) {
        (None, None) => "without a time",
        (Some(_), Some(_)) if order(first, second).is_some() => "of the same time",
        (Some(_), Some(_)) => "with times that have no order",
        _ => "of which one has no time",
    };
    let shown = |result: &LabResult| match result.status {
        ResultStatus::Final => result.value.to_string(),
        _ => format!("{} ({:?})", result.value, result.status).to_lowercase(),
    };
    PanelProblem::TwoValues { analyte, first: shown(first), second: shown(second), why }
}

/// Refuses an age that is not believed, dates that are none, and drugs without a name.
fn check_context(context: &ClinicalContext) -> Result<(), Fault> {
    if let Some(years) = context.age_years.filter(|years| *years > HIGHEST_AGE_YEARS) {
        let (field, expected) = ("age_years", "at most 130 completed years");
        return Err(Fault::at("context", PanelProblem::BadContext { field, expected, found: years.to_string() }));
    }
    let drugs = context.drugs.iter().flatten().map(|drug| ("context.drugs", &drug.start_date));
    let transplant = context.transplant.iter().map(|transplant| ("context.transplant", &transplant.date));
    let findings = [
        ("context.neurological", &context.neurological),
        ("context.cardiac", &context.cardiac),
        ("context.gastrointestinal", &context.gastrointestinal),
    ];
    let findings = findings.into_iter().filter_map(|(at, finding)| Some((at, &finding.as_ref()?.date)));
    let texts = context.imaging.iter().map(|text| ("context.imaging", &text.date));
    let texts = texts.chain(context.histology.iter().map(|text| ("context.histology", &text.date)));
    for (at, date) in drugs.chain(transplant).chain(findings).chain(texts) {
        if let Some(date) = date.as_deref().filter(|date| Moment::from_iso(date).is_none()) {
            return Err(Fault::at(at, PanelProblem::bad_time("2025-01-02", date)));
        }
    }
    if let Some(drug) = context.drugs.iter().flatten().find(|drug| drug.name.trim().is_empty()) {
        let problem = PanelProblem::BadContext { field: "drug", expected: "a name", found: drug.name.clone() };
        return Err(Fault::at("context.drugs", problem));
    }
    Ok(())
}
