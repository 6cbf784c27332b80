//! Laboratory results as items.

use super::record::{EarlierValue, EvidenceItem, ItemReference};
use super::rules;
use crate::clinical::{Analyte, LabPanel, LabResult, ReferenceOwner, ResultStatus, ScoreOptions};

/// Significant digits of a limit that was converted from another unit.
const CONVERTED_LIMIT_DIGITS: usize = 3;

/// A limit as it is printed. The laboratory's own stands as it was sent; one that was converted is rounded.
pub(super) fn shown(limit: f64, owner: ReferenceOwner) -> f64 {
    if owner == ReferenceOwner::Laboratory {
        return limit;
    }
    format!("{limit:.*e}", CONVERTED_LIMIT_DIGITS - 1).parse().unwrap_or(limit)
}

/// The item of an analyte, where it was given.
pub(super) fn item(analyte: Analyte, panel: &LabPanel, options: &ScoreOptions) -> Option<EvidenceItem> {
    let result = panel.current(analyte)?;
    let quantity = result.quantity();
    Some(EvidenceItem {
        code: analyte.name().to_owned(),
        name: analyte.label().to_owned(),
        value_text: result.value.to_string(),
        value: quantity.map(|quantity| quantity.value),
        unit: quantity.map(|quantity| quantity.unit.clone()),
        reference: result.reference.as_ref().map(|reference| ItemReference {
            low: reference.low.map(|limit| shown(limit, reference.owner)),
            high: reference.high.map(|limit| shown(limit, reference.owner)),
            owner: reference.owner,
            source: reference.source.clone(),
        }),
        flag: result.flag,
        collected_at: result.collected_at.map(|at| at.to_string()),
        bearings: rules::bearings(result, panel, options),
        earlier: panel
            .earlier(analyte)
            .map(|earlier| EarlierValue {
                value_text: earlier.value.to_string(),
                collected_at: earlier.collected_at.map(|at| at.to_string()),
            })
            .collect(),
        notes: notes(analyte, result, panel),
    })
}

fn notes(analyte: Analyte, result: &LabResult, panel: &LabPanel) -> Vec<String> {
    let mut notes = Vec::new();
    match result.status {
        ResultStatus::Preliminary => notes.push("Preliminary result.".to_owned()),
        ResultStatus::Corrected => notes.push("Corrected result.".to_owned()),
        ResultStatus::Final => {}
    }
    if let Some(range) = &result.unread_reference {
        notes.push(format!("Its reference range `{range}` could not be read."));
    }
    if analyte.is_adamts13() {
        notes.push(
            match result.before_plasma {
                Some(true) => "Drawn before plasma.",
                Some(false) => "Drawn after plasma.",
                None => "Not stated whether drawn before plasma.",
            }
            .to_owned(),
        );
    }
    if let (Analyte::Platelets, Some(fall)) = (analyte, rules::platelet_fall(panel))
        && fall > 0.0
    {
        notes.push(format!("Fallen by {:.0} % from baseline.", 100.0 * fall));
    }
    notes
}
