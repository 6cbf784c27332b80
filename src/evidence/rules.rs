//! Rules: what a laboratory result says about a statement.
//!
//! In: a result with its interval. Out: a [`Bearing`] where there is a rule for the analyte. A limit is the upper or lower
//! limit of the result's own interval, or a fixed one with its publication. A comparator that leaves open on which side a
//! value lies makes the item neutral.
//!
//! METHOD: a normal marker speaks against a statement where the marker is a usual part of it (LDH and haptoglobin for
//! hemolysis, creatinine for the kidney). It is neutral where it often stays normal all the same (reticulocytes, C3, C4, an
//! ADAMTS13 inhibitor).

use super::record::{Bearing, Direction, Statement};
use crate::clinical::{
    Analyte, CodedValue, D_DIMER_TWO_ABOVE_ULN, FIBRINOGEN_ONE_BELOW, LabPanel, LabResult, Limit,
    PROTEIN_CREATININE_FROM, Quantity, ReferenceOwner, ScoreOptions, d_dimer_upper_limit, is_above_multiple, with_unit,
};
use Direction::{Neutral, SpeaksAgainst, Supports};

/// Publications behind the rules, each named once.
pub(super) mod sources {
    /// Pattern of TMA with organ damage: platelets below 150 or a fall by more than 30 %.
    pub const PATTERN: &str = "Weitz, Semin Thromb Hemost 2019;45:348";
    /// Markers of mechanical hemolysis in patients with cancer.
    pub const HEMOLYSIS: &str = "Blood 2021;137:1310 (microangiopathic hemolytic anemia in cancer)";
    /// Coombs-negative hemolysis in cancer: 168 reported cases.
    pub const CANCER_MAHA: &str = "Lechner and Obermeier, Medicine 2012;91:195 (168 reported cases)";
    /// Review of cancer-associated TMA: which examinations belong to the evaluation.
    pub const CANCER_REVIEW: &str = "Saffarieh et al., Cancer-associated thrombotic microangiopathy; a review article";
    /// Schistocytes.
    pub const ICSH: &str =
        "ICSH schistocyte recommendations, Zini et al., Int J Lab Hematol 2012;34:107 and 2021;43:1264";
    /// ISTH score for overt DIC.
    pub const DIC: &str = "ISTH overt DIC score, update of 2025 (PubMed 40216223)";
    /// Fibrinogen and prothrombin time as items of the same score.
    pub const DIC_2001: &str = "Taylor et al., Thromb Haemost 2001;86:1327";
    /// Criteria of transplant-associated TMA, here for their limits.
    pub const TA_TMA: &str = "harmonized transplant-associated TMA criteria 2023 (PMC11882261, table 3)";
    /// What severe deficiency is.
    pub const PLASMIC: &str =
        "Bendapudi et al., Lancet Haematol 2017;4:e157 (severe deficiency: activity of at most 10 %)";
    /// Assay of ADAMTS13 and its sampling.
    pub const ADAMTS13_ASSAY: &str = "ADAMTS13 assay, Mayo Clinic Laboratories test catalog";
    /// An interval alone.
    pub const INTERVAL: &str = "reference interval of the item";
    /// A finding entered by a person.
    pub const ENTERED: &str = "finding as entered";
}

/// Platelets below this support thrombocytopenia, 10⁹/L.
const PLATELETS_BELOW: f64 = 150.0;
/// A fall from baseline by more than this share supports it too.
const PLATELET_FALL_ABOVE: f64 = 0.30;
/// ADAMTS13 activity of severe deficiency, at most, %.
pub(super) const SEVERE_ADAMTS13_AT_MOST: f64 = 10.0;

/// Significant digits of a limit that was converted from another unit.
const CONVERTED_LIMIT_DIGITS: usize = 3;

/// A limit as it is printed. The laboratory's own stands as it was sent; one that was converted is rounded.
pub(super) fn shown_limit(limit: f64, owner: ReferenceOwner) -> f64 {
    if owner == ReferenceOwner::Laboratory {
        return limit;
    }
    format!("{limit:.*e}", CONVERTED_LIMIT_DIGITS - 1).parse().unwrap_or(limit)
}

/// A bearing.
pub(super) fn bearing(statement: Statement, direction: Direction, rule: impl Into<String>, source: &str) -> Bearing {
    Bearing { statement, direction, rule: rule.into(), source: source.to_owned() }
}

/// What a result says; `None` where there is no rule for its analyte.
pub(super) fn of(result: &LabResult, panel: &LabPanel, options: &ScoreOptions) -> Option<Bearing> {
    use Statement as S;
    use sources::{DIC_2001, HEMOLYSIS, INTERVAL, PATTERN};
    Some(match result.analyte {
        Analyte::Platelets => platelets(result, panel),
        Analyte::ReticulocytesPercent | Analyte::ReticulocytesAbsolute => {
            upper(result, S::MechanicalHemolysis, Neutral, HEMOLYSIS)
        }
        Analyte::AnalyzerFragments => fragments(result),
        Analyte::Ldh | Analyte::BilirubinIndirect => upper(result, S::MechanicalHemolysis, SpeaksAgainst, HEMOLYSIS),
        Analyte::Haptoglobin if result.coded() == Some(CodedValue::Undetectable) => {
            bearing(S::MechanicalHemolysis, Supports, "undetectable", HEMOLYSIS)
        }
        Analyte::Haptoglobin => lower(result, S::MechanicalHemolysis, SpeaksAgainst, HEMOLYSIS),
        Analyte::Dat => antiglobulin(result),
        Analyte::ProthrombinTime | Analyte::Inr | Analyte::Aptt | Analyte::Fdp => {
            upper(result, S::CoagulationActivation, SpeaksAgainst, DIC_2001)
        }
        Analyte::Fibrinogen if result.quantity()?.is_below(FIBRINOGEN_ONE_BELOW) == Some(true) => {
            bearing(S::CoagulationActivation, Supports, "below 1.0 g/L", DIC_2001)
        }
        Analyte::Fibrinogen => lower(result, S::CoagulationActivation, SpeaksAgainst, INTERVAL),
        Analyte::DDimer => d_dimer(result, options),
        Analyte::Creatinine | Analyte::UreaNitrogen | Analyte::Urea => {
            upper(result, S::RenalInvolvement, SpeaksAgainst, PATTERN)
        }
        Analyte::Egfr => lower(result, S::RenalInvolvement, SpeaksAgainst, INTERVAL),
        Analyte::UrineProteinCreatinine if result.quantity()?.is_at_least(PROTEIN_CREATININE_FROM) == Some(true) => {
            bearing(S::RenalInvolvement, Supports, "1 mg/mg (1000 mg/g) or more", sources::TA_TMA)
        }
        Analyte::UrineProteinCreatinine => upper(result, S::RenalInvolvement, SpeaksAgainst, INTERVAL),
        Analyte::UrineProteinStrip | Analyte::UrineHemoglobinStrip => strip(result),
        Analyte::TroponinT | Analyte::NtProBnp => upper(result, S::CardiacInvolvement, SpeaksAgainst, PATTERN),
        Analyte::Adamts13Activity | Analyte::Adamts13Inhibitor | Analyte::Adamts13Antibody => adamts13(result),
        Analyte::C3 | Analyte::C4 => lower(result, S::ComplementActivation, Neutral, INTERVAL),
        Analyte::Sc5b9 => sc5b9(result),
        _ => return None,
    })
}

/// A bearing by a comparison that holds, does not hold, or is open.
fn compared(
    statement: Statement,
    holds: Option<bool>,
    otherwise: Direction,
    (held, not_held): (&str, &str),
    source: &str,
) -> Bearing {
    match holds {
        Some(true) => bearing(statement, Supports, held, source),
        Some(false) => bearing(statement, otherwise, not_held, source),
        None => bearing(statement, Neutral, format!("the comparator leaves open whether the value is {held}"), source),
    }
}

/// The limit of a result's own interval in words, with its unit and owner.
fn limit_text(limit: Limit, result: &LabResult) -> Option<String> {
    let owner = result.reference.as_ref()?.owner;
    let limit = with_unit(shown_limit(limit.shown, owner), &result.quantity()?.unit);
    Some(format!("{limit} ({})", owner.words()))
}

/// Which side of which limit supports, in words, and whether a value lies there.
type Beyond = (&'static str, &'static str, fn(&Quantity, f64) -> Option<bool>);

/// Above its own upper limit supports.
fn upper(result: &LabResult, statement: Statement, otherwise: Direction, source: &str) -> Bearing {
    let limit = result.reference.as_ref().and_then(|reference| reference.high);
    beyond(result, limit, ("above", "upper", Quantity::is_above), statement, otherwise, source)
}

/// Below its own lower limit supports.
fn lower(result: &LabResult, statement: Statement, otherwise: Direction, source: &str) -> Bearing {
    let limit = result.reference.as_ref().and_then(|reference| reference.low);
    beyond(result, limit, ("below", "lower", Quantity::is_below), statement, otherwise, source)
}

fn beyond(
    result: &LabResult,
    limit: Option<Limit>,
    (side, name, holds): Beyond,
    statement: Statement,
    otherwise: Direction,
    source: &str,
) -> Bearing {
    let known = limit.and_then(|limit| Some((holds(result.quantity()?, limit.canonical), limit_text(limit, result)?)));
    let Some((holds, text)) = known else {
        return bearing(statement, Neutral, format!("no {name} limit is known for this item"), source);
    };
    let held = format!("{side} the {name} limit of {text}");
    compared(statement, holds, otherwise, (&held, &format!("not {held}")), source)
}

/// The share by which platelets fell from their baseline, where both are exact.
pub(super) fn platelet_fall(panel: &LabPanel) -> Option<f64> {
    let exact = |analyte| panel.current_quantity(analyte).filter(|quantity| quantity.comparator.is_none());
    let (now, baseline) = (exact(Analyte::Platelets)?, exact(Analyte::PlateletsBaseline)?);
    (baseline.canonical > 0.0).then(|| (baseline.canonical - now.canonical) / baseline.canonical)
}

fn platelets(result: &LabResult, panel: &LabPanel) -> Bearing {
    let below = result.quantity().and_then(|quantity| quantity.is_below(PLATELETS_BELOW));
    let fall = platelet_fall(panel);
    let fell = fall.map(|fall| fall > PLATELET_FALL_ABOVE);
    let percent = fall.map(|fall| format!("{:.0} %", 100.0 * fall)).unwrap_or_default();
    let fallen = format!("fallen by {percent} from baseline (more than 30 %)");
    let (direction, rule) = match (below, fell) {
        (Some(true), Some(true)) => (Supports, format!("below 150 × 10⁹/L, and {fallen}")),
        (Some(true), _) => (Supports, "below 150 × 10⁹/L".to_owned()),
        (_, Some(true)) => (Supports, fallen),
        (Some(false), Some(false)) => {
            (SpeaksAgainst, "not below 150 × 10⁹/L, and not fallen by more than 30 % from baseline".to_owned())
        }
        (Some(false), None) => {
            (SpeaksAgainst, "not below 150 × 10⁹/L; without a baseline a fall is not known".to_owned())
        }
        (None, _) => (Neutral, "the comparator leaves open whether the value is below 150 × 10⁹/L".to_owned()),
    };
    bearing(Statement::Thrombocytopenia, direction, rule, sources::PATTERN)
}

/// An analyzer's count is a screen. A count of zero supports that there are none; a raised one must be checked on the film.
fn fragments(result: &LabResult) -> Bearing {
    let none = result.quantity().is_some_and(|quantity| quantity.canonical == 0.0);
    let (direction, rule) = if none {
        (SpeaksAgainst, "an analyzer count of none supports that there are no schistocytes")
    } else {
        (Neutral, "an analyzer count is a screen and is checked on the film")
    };
    bearing(Statement::MechanicalHemolysis, direction, rule, sources::ICSH)
}

fn antiglobulin(result: &LabResult) -> Bearing {
    let statement = Statement::MechanicalHemolysis;
    if result.coded().is_some_and(CodedValue::is_positive) {
        let rule = "positive: antibodies or complement on red cells, as in immune hemolysis";
        return bearing(statement, SpeaksAgainst, rule, sources::CANCER_MAHA);
    }
    bearing(statement, Supports, "negative: mechanical rather than immune hemolysis", sources::CANCER_MAHA)
}

/// METHOD: D-dimer between the upper limit and three times that limit occurs in cancer and inflammation too and says nothing.
fn d_dimer(result: &LabResult, options: &ScoreOptions) -> Bearing {
    let limit = d_dimer_upper_limit(result, options);
    let (direction, rule) = match result.quantity().zip(limit) {
        None => (Neutral, "the laboratory's upper limit is needed and is not known"),
        Some((quantity, limit)) => {
            let above = |multiple| is_above_multiple(quantity, limit, multiple);
            match (above(D_DIMER_TWO_ABOVE_ULN), above(1.0)) {
                (Some(true), _) => (Supports, "above 3 times the upper limit"),
                (_, Some(false)) => (SpeaksAgainst, "not above the upper limit"),
                (Some(false), _) => (Neutral, "raised, and not above 3 times the upper limit"),
                (None, _) => (Neutral, "the comparator leaves open whether the value is above 3 times the upper limit"),
            }
        }
    };
    bearing(Statement::CoagulationActivation, direction, rule, sources::DIC)
}

fn strip(result: &LabResult) -> Bearing {
    let statement = Statement::RenalInvolvement;
    match result.coded() {
        Some(CodedValue::Negative) => bearing(statement, SpeaksAgainst, "negative", sources::INTERVAL),
        Some(CodedValue::Trace) | None => bearing(statement, Neutral, "a trace says nothing", sources::INTERVAL),
        Some(_) if result.analyte == Analyte::UrineHemoglobinStrip => {
            // Free hemoglobin from hemolysis colors the strip as red cells from the kidney do.
            let rule = "positive: from the kidney or from hemolysis, which the strip does not tell apart";
            bearing(statement, Neutral, rule, sources::INTERVAL)
        }
        Some(_) => bearing(statement, Supports, "positive", sources::INTERVAL),
    }
}

/// Printed with an ADAMTS13 result whose sample was drawn after plasma.
const AFTER_PLASMA: &str = "drawn after plasma was given, which raises the activity: the value says nothing";

fn adamts13(result: &LabResult) -> Bearing {
    let statement = Statement::SevereAdamts13Deficiency;
    if result.before_plasma == Some(false) {
        return bearing(statement, Neutral, AFTER_PLASMA, sources::ADAMTS13_ASSAY);
    }
    match result.coded() {
        Some(coded) if coded.is_positive() => bearing(statement, Supports, "positive", sources::ADAMTS13_ASSAY),
        Some(_) => bearing(statement, Neutral, "negative: deficiency without it occurs", sources::ADAMTS13_ASSAY),
        None if result.analyte == Analyte::Adamts13Activity => {
            let holds = result.quantity().and_then(|quantity| quantity.is_at_most(SEVERE_ADAMTS13_AT_MOST));
            compared(statement, holds, SpeaksAgainst, ("at or below 10 %", "above 10 %"), sources::PLASMIC)
        }
        None => upper(result, statement, Neutral, sources::ADAMTS13_ASSAY),
    }
}

/// At or above the laboratory's upper limit supports, as in the criteria of transplant-associated TMA.
fn sc5b9(result: &LabResult) -> Bearing {
    let statement = Statement::ComplementActivation;
    let own = result.own_upper_limit().zip(result.reference.as_ref().and_then(|reference| reference.high));
    let Some((limit, text)) = own.and_then(|(limit, high)| Some((limit, limit_text(high, result)?))) else {
        let rule = "the laboratory's upper limit is needed and is not known";
        return bearing(statement, Neutral, rule, sources::TA_TMA);
    };
    let holds = result.quantity().and_then(|quantity| quantity.is_at_least(limit));
    let texts = (format!("at or above the upper limit of {text}"), format!("below the upper limit of {text}"));
    compared(statement, holds, SpeaksAgainst, (&texts.0, &texts.1), sources::TA_TMA)
}
