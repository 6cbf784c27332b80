//! From the results as sent to the panel: units, plausibility, intervals, flags, order of time.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::{Origin, RawPanel, RawReference, RawResult, RawValue, bad_value};
use crate::clinical::analyte::{Analyte, CodedValue};
use crate::clinical::context::{ClinicalContext, HIGHEST_AGE_YEARS};
use crate::clinical::error::{Fault, PanelProblem, accepted_units};
use crate::clinical::options::PanelOptions;
use crate::clinical::panel::{IgnoredObservation, LabPanel};
use crate::clinical::patient_identifier::telling;
use crate::clinical::reference::{fallback, in_result_unit, is_interval};
use crate::clinical::result::{LabResult, LabValue, Quantity, ReferenceInterval, ReferenceOwner, ResultStatus, flag};
use crate::clinical::unit::{ResolvedUnit, UnitFault, resolve, to_canonical};
use crate::time::Moment;

/// Source of an interval that came with its result and names none.
const SENT_WITH_RESULT: &str = "sent with the result";

/// Most results of a panel.
const MAX_RESULTS: usize = 5000;

/// The panel of what a reader gives.
pub(super) fn panel(raw: RawPanel, options: &PanelOptions) -> Result<LabPanel, Fault> {
    if raw.results.len() > MAX_RESULTS {
        return Err(PanelProblem::TooManyResults { limit: MAX_RESULTS, found: raw.results.len() }.into());
    }
    check_context(&raw.context)?;
    let mut results: BTreeMap<Analyte, Vec<(LabResult, Origin)>> = BTreeMap::new();
    let mut raw = raw;
    for result in std::mem::take(&mut raw.results) {
        match understood(&result, &raw.context, raw.before_plasma, options) {
            Ok(understood) => results.entry(result.analyte).or_default().push((understood, result.origin)),
            Err(problem) => raw.doubt(&result.origin, &problem),
        }
    }
    let mut panel = LabPanel {
        context: raw.context,
        ignored: raw.ignored,
        patient: telling(raw.patient),
        person: raw.person,
        window: options.window,
        other_name: options.other_name,
        ..LabPanel::default()
    };
    for (analyte, values) in results {
        match in_order(analyte, &values) {
            Ok(ordered) => drop(panel.results.insert(analyte, ordered)),
            // METHOD: nothing tells which of the two holds, and an older value in their place would be a guess as well.
            Err(problem) => panel.ignored.extend(values.into_iter().map(|(result, origin)| IgnoredObservation {
                code: origin.code,
                name: Some(origin.name).filter(|name| !name.is_empty()),
                reason: format!("{}: {}: {problem}", origin.at, result.value),
            })),
        }
    }
    Ok(panel)
}

/// A result with its unit understood.
fn understood(
    raw: &RawResult,
    context: &ClinicalContext,
    before_plasma: Option<bool>,
    options: &PanelOptions,
) -> Result<LabResult, PanelProblem> {
    let analyte = raw.analyte;
    let mut unread_reference = None;
    let (value, reference) = match raw.value {
        RawValue::Coded(coded) if analyte.coded_values().contains(&coded) => (LabValue::Coded(coded), None),
        RawValue::Coded(coded) => return Err(bad_value(analyte, coded.name())),
        RawValue::Number(..) if analyte.canonical_unit().is_none() => return Err(bad_value(analyte, "a number")),
        RawValue::Number(comparator, value) => {
            if !value.is_finite() || value < 0.0 {
                return Err(bad_value(analyte, &value.to_string()));
            }
            let unit = unit_of(raw, options)?;
            let canonical = to_canonical(value, unit.to_canonical);
            let quantity =
                Quantity { comparator, value, unit: unit.ucum.clone(), canonical, to_canonical: unit.to_canonical };
            check_plausible(analyte, &quantity)?;
            let (reference, unread) = reference_of(raw, &unit, context, options)?;
            unread_reference = unread;
            (LabValue::Quantity(quantity), reference)
        }
    };
    Ok(LabResult {
        analyte,
        flag: flag(&value, reference.as_ref()),
        value,
        reference,
        unread_reference,
        collected_at: raw.collected_at,
        before_plasma: if analyte.is_adamts13() { raw.before_plasma.or(before_plasma) } else { None },
        status: raw.status,
    })
}

fn unit_of(raw: &RawResult, options: &PanelOptions) -> Result<ResolvedUnit, PanelProblem> {
    let analyte = raw.analyte;
    let accepted = || accepted_units(analyte);
    let written = raw.unit.as_deref().map(str::trim).filter(|unit| !unit.is_empty());
    let written = written.ok_or_else(|| PanelProblem::MissingUnit { analyte, accepted: accepted() })?;
    resolve(analyte, written, raw.stated_kind, &options.extra_units).map_err(|fault| {
        let found: String = written.chars().take(40).collect();
        match fault {
            UnitFault::Unknown => PanelProblem::UnknownUnit { analyte, found, accepted: accepted() },
            UnitFault::DDimerKind => PanelProblem::DDimerKind { found, accepted: accepted() },
        }
    })
}

fn check_plausible(analyte: Analyte, quantity: &Quantity) -> Result<(), PanelProblem> {
    let Some((low, high)) = analyte.plausible() else { return Ok(()) };
    if (low..=high).contains(&quantity.canonical) {
        return Ok(());
    }
    let unit = analyte.canonical_unit().unwrap_or_default();
    let found = format!("{} {}", quantity.value, quantity.unit);
    Err(PanelProblem::Implausible { analyte, low, high, unit, found })
}

/// The interval of a result, or the text of one that could not be read.
fn reference_of(
    raw: &RawResult,
    unit: &ResolvedUnit,
    context: &ClinicalContext,
    options: &PanelOptions,
) -> Result<(Option<ReferenceInterval>, Option<String>), PanelProblem> {
    match &raw.reference {
        RawReference::Unreadable(text) => Ok((None, Some(text.clone()))),
        RawReference::Limits { low, high, source } => {
            if !is_interval(*low, *high) {
                let shown = |limit: &Option<f64>| limit.map_or("none".to_owned(), |limit| limit.to_string());
                return Ok((None, Some(format!("{} to {}", shown(low), shown(high)))));
            }
            let source = source.as_deref().unwrap_or(SENT_WITH_RESULT);
            Ok((Some(in_result_unit((*low, *high), unit, ReferenceOwner::Laboratory, source)), None))
        }
        RawReference::Absent => {
            let adult = context.is_adult();
            let own = fallback(raw.analyte, context.sex, adult, unit, &options.reference, &options.extra_units)?;
            Ok((own, None))
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

/// Refuses an age that is not believed and dates that are none.
fn check_context(context: &ClinicalContext) -> Result<(), Fault> {
    if let Some(years) = context.age_years.filter(|years| *years > HIGHEST_AGE_YEARS) {
        let problem = PanelProblem::BadContext {
            field: "age_years",
            expected: "at most 130 completed years",
            found: years.to_string(),
        };
        return Err(Fault::at("context", problem));
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
            let problem = PanelProblem::BadTime { expected: "2025-01-02", found: date.chars().take(40).collect() };
            return Err(Fault::at(at, problem));
        }
    }
    if let Some(drug) = context.drugs.iter().flatten().find(|drug| drug.name.trim().is_empty()) {
        let problem = PanelProblem::BadContext { field: "drug", expected: "a name", found: drug.name.clone() };
        return Err(Fault::at("context.drugs", problem));
    }
    Ok(())
}
