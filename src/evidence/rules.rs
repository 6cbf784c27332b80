//! Rules: what a laboratory result says about a statement.
//!
//! In: a result with its interval. Out: a [`Bearing`] for every statement that has a rule for the analyte. A limit is the
//! upper or lower limit of the result's own interval, or a fixed one with its publication. A comparator that leaves open on
//! which side a value lies makes the item neutral.
//!
//! METHOD: a normal marker speaks against a statement where the marker is a usual part of it (LDH and haptoglobin for
//! hemolysis, creatinine for the kidney), and is neutral where it often stays normal all the same (reticulocytes, C3, C4,
//! an ADAMTS13 inhibitor).

use super::record::{Bearing, Direction, Statement};
use super::sources;
use crate::clinical::{
    Analyte, CodedValue, LabPanel, LabResult, Quantity, ReferenceInterval, ReferenceOwner, ScoreOptions, printed_unit,
};
use Direction::{Neutral, SpeaksAgainst, Supports};

/// Platelets below this support thrombocytopenia, 10⁹/L.
pub const PLATELETS_BELOW: f64 = 150.0;
/// A fall from baseline by more than this share supports it too.
pub const PLATELET_FALL_ABOVE: f64 = 0.30;
/// ADAMTS13 activity of severe deficiency, at most, %.
pub const SEVERE_ADAMTS13_AT_MOST: f64 = 10.0;
/// D-dimer above this multiple of its upper limit supports activation of coagulation.
pub const D_DIMER_ABOVE_ULN: f64 = 3.0;
/// Fibrinogen below this supports it, g/L.
pub const FIBRINOGEN_BELOW: f64 = 1.0;
/// Urine protein/creatinine from this on supports renal involvement, mg/g.
pub const PROTEIN_CREATININE_FROM: f64 = 1000.0;

/// A bearing.
pub(super) fn bearing(statement: Statement, direction: Direction, rule: impl Into<String>, source: &str) -> Bearing {
    Bearing { statement, direction, rule: rule.into(), source: source.to_owned() }
}

/// What a result says.
pub(super) fn bearings(result: &LabResult, panel: &LabPanel, options: &ScoreOptions) -> Vec<Bearing> {
    use Statement as S;
    match result.analyte {
        Analyte::Platelets => vec![platelets(result, panel)],
        Analyte::ReticulocytesPercent | Analyte::ReticulocytesAbsolute => {
            vec![upper(result, S::MechanicalHemolysis, Neutral, sources::HEMOLYSIS)]
        }
        Analyte::AnalyzerFragments => vec![fragments(result)],
        Analyte::Ldh | Analyte::BilirubinIndirect => {
            vec![upper(result, S::MechanicalHemolysis, SpeaksAgainst, sources::HEMOLYSIS)]
        }
        Analyte::Haptoglobin => vec![haptoglobin(result)],
        Analyte::Dat => vec![antiglobulin(result)],
        Analyte::ProthrombinTime | Analyte::Inr | Analyte::Aptt => {
            vec![upper(result, S::CoagulationActivation, SpeaksAgainst, sources::DIC_2001)]
        }
        Analyte::Fdp => vec![upper(result, S::CoagulationActivation, SpeaksAgainst, sources::DIC_2001)],
        Analyte::Fibrinogen => vec![fibrinogen(result)],
        Analyte::DDimer => vec![d_dimer(result, options)],
        Analyte::Creatinine | Analyte::UreaNitrogen | Analyte::Urea => {
            vec![upper(result, S::RenalInvolvement, SpeaksAgainst, sources::PATTERN)]
        }
        Analyte::Egfr => vec![lower(result, S::RenalInvolvement, SpeaksAgainst, sources::INTERVAL)],
        Analyte::UrineProteinCreatinine => vec![protein(result)],
        Analyte::UrineProteinStrip | Analyte::UrineHemoglobinStrip => vec![strip(result)],
        Analyte::TroponinT | Analyte::NtProBnp => {
            vec![upper(result, S::CardiacInvolvement, SpeaksAgainst, sources::PATTERN)]
        }
        Analyte::Adamts13Activity => vec![adamts13_activity(result)],
        Analyte::Adamts13Inhibitor | Analyte::Adamts13Antibody => vec![adamts13_antibody(result)],
        Analyte::C3 | Analyte::C4 => vec![lower(result, S::ComplementActivation, Neutral, sources::INTERVAL)],
        Analyte::Sc5b9 => vec![sc5b9(result)],
        _ => Vec::new(),
    }
}

/// A limit in the unit of the result with its owner.
fn limit_text(limit: Option<f64>, unit: &str, reference: &ReferenceInterval) -> String {
    let limit = limit.map(|limit| super::lab_items::shown(limit, reference.owner)).unwrap_or_default();
    let unit = printed_unit(unit);
    let space = if unit.is_empty() { "" } else { " " };
    format!("{limit}{space}{unit} ({})", reference.owner.words())
}

/// A bearing by a comparison that holds, does not hold, or is open.
fn compared(
    statement: Statement,
    holds: Option<bool>,
    directions: (Direction, Direction),
    texts: (String, String),
    source: &str,
) -> Bearing {
    match holds {
        Some(true) => bearing(statement, directions.0, texts.0, source),
        Some(false) => bearing(statement, directions.1, texts.1, source),
        None => {
            bearing(statement, Neutral, format!("the comparator leaves open whether the value is {}", texts.0), source)
        }
    }
}

/// Above its own upper limit supports.
fn upper(result: &LabResult, statement: Statement, otherwise: Direction, source: &str) -> Bearing {
    let Some((quantity, reference)) = placed(result, |reference| reference.canonical_high) else {
        return bearing(statement, Neutral, "no upper limit is known for this item", source);
    };
    let limit = limit_text(reference.high, &quantity.unit, reference);
    let texts = (format!("above the upper limit of {limit}"), format!("not above the upper limit of {limit}"));
    let holds = reference.canonical_high.and_then(|high| quantity.is_above(high));
    compared(statement, holds, (Supports, otherwise), texts, source)
}

/// Below its own lower limit supports.
fn lower(result: &LabResult, statement: Statement, otherwise: Direction, source: &str) -> Bearing {
    let Some((quantity, reference)) = placed(result, |reference| reference.canonical_low) else {
        return bearing(statement, Neutral, "no lower limit is known for this item", source);
    };
    let limit = limit_text(reference.low, &quantity.unit, reference);
    let texts = (format!("below the lower limit of {limit}"), format!("not below the lower limit of {limit}"));
    let holds = reference.canonical_low.and_then(|low| quantity.is_below(low));
    compared(statement, holds, (Supports, otherwise), texts, source)
}

/// Number and interval where the interval has the wanted limit.
fn placed(
    result: &LabResult,
    limit: impl Fn(&ReferenceInterval) -> Option<f64>,
) -> Option<(&Quantity, &ReferenceInterval)> {
    let reference = result.reference.as_ref().filter(|reference| limit(reference).is_some())?;
    Some((result.quantity()?, reference))
}

/// The share by which platelets fell from their baseline, where both are exact.
pub(super) fn platelet_fall(panel: &LabPanel) -> Option<f64> {
    let exact = |analyte| panel.current_quantity(analyte).filter(|quantity| quantity.comparator.is_none());
    let (now, baseline) = (exact(Analyte::Platelets)?, exact(Analyte::PlateletsBaseline)?);
    (baseline.canonical > 0.0).then(|| (baseline.canonical - now.canonical) / baseline.canonical)
}

fn platelets(result: &LabResult, panel: &LabPanel) -> Bearing {
    let statement = Statement::Thrombocytopenia;
    let below = result.quantity().and_then(|quantity| quantity.is_below(PLATELETS_BELOW));
    let fall = platelet_fall(panel);
    let fell = fall.map(|fall| fall > PLATELET_FALL_ABOVE);
    let percent = fall.map(|fall| format!("{:.0} %", 100.0 * fall)).unwrap_or_default();
    match (below, fell) {
        (Some(true), Some(true)) => {
            let rule = format!("below 150 × 10⁹/L, and fallen by {percent} from baseline (more than 30 %)");
            bearing(statement, Supports, rule, sources::PATTERN)
        }
        (Some(true), _) => bearing(statement, Supports, "below 150 × 10⁹/L", sources::PATTERN),
        (_, Some(true)) => {
            let rule = format!("fallen by {percent} from baseline (more than 30 %)");
            bearing(statement, Supports, rule, sources::PATTERN)
        }
        (Some(false), Some(false)) => {
            let rule = "not below 150 × 10⁹/L, and not fallen by more than 30 % from baseline";
            bearing(statement, SpeaksAgainst, rule, sources::PATTERN)
        }
        (Some(false), None) => {
            let rule = "not below 150 × 10⁹/L; without a baseline a fall is not known";
            bearing(statement, SpeaksAgainst, rule, sources::PATTERN)
        }
        (None, _) => {
            let rule = "the comparator leaves open whether the value is below 150 × 10⁹/L";
            bearing(statement, Neutral, rule, sources::PATTERN)
        }
    }
}

/// An analyzer's count is a screen: none supports that there is none, a raised one must be looked at on the film.
fn fragments(result: &LabResult) -> Bearing {
    let none = result.quantity().is_some_and(|quantity| quantity.canonical == 0.0);
    let (direction, rule) = if none {
        (SpeaksAgainst, "an analyzer count of none supports that there are no schistocytes")
    } else {
        (Neutral, "an analyzer count is a screen and is checked on the film")
    };
    bearing(Statement::MechanicalHemolysis, direction, rule, sources::ICSH)
}

fn haptoglobin(result: &LabResult) -> Bearing {
    if result.coded() == Some(CodedValue::Undetectable) {
        return bearing(Statement::MechanicalHemolysis, Supports, "undetectable", sources::HEMOLYSIS);
    }
    lower(result, Statement::MechanicalHemolysis, SpeaksAgainst, sources::HEMOLYSIS)
}

fn antiglobulin(result: &LabResult) -> Bearing {
    let statement = Statement::MechanicalHemolysis;
    if result.coded().is_some_and(CodedValue::is_positive) {
        let rule = "positive: antibodies or complement on red cells, as in immune hemolysis";
        return bearing(statement, SpeaksAgainst, rule, sources::CANCER_MAHA);
    }
    bearing(statement, Supports, "negative: mechanical rather than immune hemolysis", sources::CANCER_MAHA)
}

fn fibrinogen(result: &LabResult) -> Bearing {
    let statement = Statement::CoagulationActivation;
    let Some(quantity) = result.quantity() else {
        return bearing(statement, Neutral, "no number", sources::DIC_2001);
    };
    if quantity.is_below(FIBRINOGEN_BELOW) == Some(true) {
        return bearing(statement, Supports, "below 1.0 g/L", sources::DIC_2001);
    }
    lower(result, statement, SpeaksAgainst, sources::INTERVAL)
}

/// METHOD: between the upper limit and three times it D-dimer is raised in cancer and inflammation too, so it says nothing.
fn d_dimer(result: &LabResult, options: &ScoreOptions) -> Bearing {
    let statement = Statement::CoagulationActivation;
    let limit = crate::clinical::d_dimer_upper_limit(result, options);
    let Some((quantity, limit)) = result.quantity().zip(limit) else {
        let rule = "the laboratory's upper limit is needed and is not known";
        return bearing(statement, Neutral, rule, sources::DIC);
    };
    let times = |times: f64| quantity.is_above(limit * times);
    match (times(D_DIMER_ABOVE_ULN), times(1.0)) {
        (Some(true), _) => bearing(statement, Supports, "above 3 times the upper limit", sources::DIC),
        (_, Some(false)) => bearing(statement, SpeaksAgainst, "not above the upper limit", sources::DIC),
        (Some(false), _) => bearing(statement, Neutral, "raised, and not above 3 times the upper limit", sources::DIC),
        (None, _) => {
            let rule = "the comparator leaves open whether the value is above 3 times the upper limit";
            bearing(statement, Neutral, rule, sources::DIC)
        }
    }
}

fn protein(result: &LabResult) -> Bearing {
    let statement = Statement::RenalInvolvement;
    let raised = result.quantity().and_then(|quantity| quantity.is_at_least(PROTEIN_CREATININE_FROM));
    if raised == Some(true) {
        return bearing(statement, Supports, "1 mg/mg (1000 mg/g) or more", sources::TA_TMA);
    }
    upper(result, statement, SpeaksAgainst, sources::INTERVAL)
}

fn strip(result: &LabResult) -> Bearing {
    let statement = Statement::RenalInvolvement;
    match result.coded() {
        Some(CodedValue::Negative) => bearing(statement, SpeaksAgainst, "negative", sources::INTERVAL),
        Some(CodedValue::Trace) | None => bearing(statement, Neutral, "a trace says nothing", sources::INTERVAL),
        Some(_) if result.analyte == Analyte::UrineHemoglobinStrip => {
            // Free hemoglobin of hemolysis colors the field as red cells from the kidney do.
            let rule = "positive: from the kidney or from hemolysis, which the strip does not tell apart";
            bearing(statement, Neutral, rule, sources::INTERVAL)
        }
        Some(_) => bearing(statement, Supports, "positive", sources::INTERVAL),
    }
}

/// Printed with an ADAMTS13 result whose sample was drawn after plasma.
pub(super) const AFTER_PLASMA: &str = "drawn after plasma was given, which raises the activity: the value says nothing";

fn adamts13_activity(result: &LabResult) -> Bearing {
    let statement = Statement::SevereAdamts13Deficiency;
    if result.before_plasma == Some(false) {
        return bearing(statement, Neutral, AFTER_PLASMA, sources::ADAMTS13_ASSAY);
    }
    let holds = result.quantity().and_then(|quantity| quantity.is_at_most(SEVERE_ADAMTS13_AT_MOST));
    let texts = ("at or below 10 %".to_owned(), "above 10 %".to_owned());
    compared(statement, holds, (Supports, SpeaksAgainst), texts, sources::PLASMIC)
}

fn adamts13_antibody(result: &LabResult) -> Bearing {
    let statement = Statement::SevereAdamts13Deficiency;
    if result.before_plasma == Some(false) {
        return bearing(statement, Neutral, AFTER_PLASMA, sources::ADAMTS13_ASSAY);
    }
    match result.coded() {
        Some(coded) if coded.is_positive() => bearing(statement, Supports, "positive", sources::ADAMTS13_ASSAY),
        Some(_) => bearing(statement, Neutral, "negative: deficiency without it occurs", sources::ADAMTS13_ASSAY),
        None => upper(result, statement, Neutral, sources::ADAMTS13_ASSAY),
    }
}

/// At or above the laboratory's upper limit, as the criterion of transplant-associated TMA has it.
fn sc5b9(result: &LabResult) -> Bearing {
    let statement = Statement::ComplementActivation;
    let placed = placed(result, |reference| reference.canonical_high)
        .filter(|(_, reference)| reference.owner != ReferenceOwner::BuiltIn);
    let Some((quantity, reference)) = placed else {
        let rule = "the laboratory's upper limit is needed and is not known";
        return bearing(statement, Neutral, rule, sources::TA_TMA);
    };
    let limit = limit_text(reference.high, &quantity.unit, reference);
    let holds = reference.canonical_high.and_then(|high| quantity.is_at_least(high));
    let texts = (format!("at or above the upper limit of {limit}"), format!("below the upper limit of {limit}"));
    compared(statement, holds, (Supports, SpeaksAgainst), texts, sources::TA_TMA)
}
