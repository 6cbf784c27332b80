//! What the evidence cannot tell in this case, one sentence each.

use std::collections::BTreeSet;

use super::smear_items::SmearFinding;
use crate::clinical::{Analyte, LabPanel, LabResult, ReferenceOwner, ResultStatus};
use crate::count::{Context, State};

/// Limitations of a case.
pub(super) fn of(smear: Option<&SmearFinding>, panel: &LabPanel) -> Vec<String> {
    let mut found = vec![
        "Items are listed and not added up: no source gives them weights, and they are not independent.".to_owned(),
    ];
    found.extend(of_smear(smear).into_iter().map(str::to_owned));
    found.extend(of_adamts13(panel).map(str::to_owned));
    found.extend(of_results(panel));
    if panel.context.pregnant == Some(true) {
        found.push("Built-in reference intervals are not those of pregnancy.".to_owned());
    }
    if panel.context.is_adult() == Some(false) {
        found.push("Scores and built-in reference intervals are for adults and are not applied.".to_owned());
    }
    found
}

fn of_smear(smear: Option<&SmearFinding>) -> Vec<&'static str> {
    let Some(smear) = smear else {
        return vec!["No film was counted: schistocytes are known from the panel alone, if at all."];
    };
    let placed = match smear.state {
        State::Above => "Schistocytes are not specific for TMA.",
        State::NotAbove => "Schistocytes at or below the limit do not exclude TMA.",
        State::Indeterminate => "With the errors of the model the schistocytes may lie on either side of the limit.",
        State::Insufficient => "Too few red cells were counted to place the schistocytes.",
        State::NotAssessable => "No red cell could be counted.",
    };
    let shapes = match smear.context {
        Some(Context::MixedPoikilocytosis) => {
            Some("Other changes of shape outnumber schistocytes: their percentage is not specific in this picture.")
        }
        Some(Context::NotAssessed) => Some(
            "Shapes other than schistocytes are not assessed by this model: whether schistocytes are the main change of \
             shape is not known.",
        ),
        _ => None,
    };
    std::iter::once(placed).chain(shapes).collect()
}

fn of_adamts13(panel: &LabPanel) -> Option<&'static str> {
    let results = Analyte::ALL.into_iter().filter(|analyte| analyte.is_adamts13());
    let before: Vec<Option<bool>> =
        results.filter_map(|analyte| panel.current(analyte)).map(|result| result.before_plasma).collect();
    if before.contains(&Some(false)) {
        return Some("ADAMTS13 was drawn after plasma was given: it does not tell the activity before.");
    }
    before
        .contains(&None)
        .then_some("It is not stated whether ADAMTS13 was drawn before plasma was given; plasma raises the activity.")
}

/// Limitations that follow from the results as a whole.
fn of_results(panel: &LabPanel) -> Vec<String> {
    let current: Vec<&LabResult> = Analyte::ALL.into_iter().filter_map(|analyte| panel.current(analyte)).collect();
    let count = |test: &dyn Fn(&LabResult) -> bool| current.iter().filter(|result| test(result)).count();
    let mut found = Vec::new();
    let built_in =
        count(&|result| result.reference.as_ref().is_some_and(|reference| reference.owner == ReferenceOwner::BuiltIn));
    if built_in > 0 {
        found
            .push(format!("Built-in reference intervals, not the laboratory's own, stand beside results: {built_in}."));
    }
    // A baseline is compared with, not placed.
    let without = count(&|result| {
        result.quantity().is_some() && result.reference.is_none() && result.analyte != Analyte::PlateletsBaseline
    });
    if without > 0 {
        found.push(format!("Results without a known reference interval: {without}."));
    }
    let preliminary = count(&|result| result.status == ResultStatus::Preliminary);
    if preliminary > 0 {
        found.push(format!("Preliminary results: {preliminary}."));
    }
    // The baseline is of another day by its nature.
    let of_the_time = current.iter().filter(|result| result.analyte != Analyte::PlateletsBaseline);
    let days: BTreeSet<String> = of_the_time.filter_map(|result| Some(result.collected_at?.day())).collect();
    if let (Some(first), Some(last)) = (days.first(), days.last())
        && first != last
    {
        found.push(format!("Current results were collected on different days, {first} to {last}."));
    }
    let untimed = count(&|result| result.collected_at.is_none());
    if untimed > 0 {
        found.push(format!("Results without a time of collection: {untimed}."));
    }
    if current.iter().any(|result| result.quantity().is_some_and(|quantity| quantity.unit.contains("{DDU}"))) {
        found.push("D-dimer was given in DDU and compared as twice as many FEU, which is an approximation.".to_owned());
    }
    if !panel.ignored.is_empty() {
        found
            .push(format!("Observations of the message that were left aside and are listed: {}.", panel.ignored.len()));
    }
    if current.iter().any(|result| matches!(result.analyte, Analyte::ProthrombinTime | Analyte::Inr | Analyte::Aptt)) {
        found.push("Whether anticoagulants change the clotting times is not known here.".to_owned());
    }
    found
}
