//! ISTH score for overt DIC, versions of 2001 and 2025.
//!
//! In: the current values of a panel, with the laboratory's upper limits of prothrombin time and D-dimer. Out: a [`Score`]
//! of four items, 0–8 points.
//!
//! Source: Taylor et al., Thromb Haemost 2001, 86:1327–1330; the update of 2025 (PubMed 40216223). Both give platelets
//! 0–2, fibrin marker 0, 2 or 3, prothrombin time 0–2, fibrinogen 0–1. The update fixes D-dimer at more than 3 and more
//! than 7 times the upper limit; 2001 fixed no numbers, those used here are configured. A published table that gives
//! D-dimer 0, 1 or 2 points disagrees with all others and is not used.
//!
//! Limits: only with an underlying disorder known to be associated with overt DIC. INR equivalents and limits of FDP for
//! 2025 were not at hand. The score stands for a pattern of coagulation, not for its cause.

use super::analyte::Analyte;
use super::options::{DicVersion, ScoreOptions};
use super::panel::LabPanel;
use super::result::{LabResult, Quantity};
use super::score::{ItemState, SCORE_NOTE, Score, ScoreBand, ScoreItem, condition, sum};
use super::unit::settled;

/// No point from this platelet count on, 10⁹/L.
pub const PLATELETS_NONE_FROM: f64 = 100.0;
/// Two points below this platelet count, 10⁹/L.
pub const PLATELETS_TWO_BELOW: f64 = 50.0;
/// 2025: two points above this multiple of the upper limit of D-dimer.
pub const D_DIMER_TWO_ABOVE_ULN: f64 = 3.0;
/// 2025: three points above this multiple.
pub const D_DIMER_THREE_ABOVE_ULN: f64 = 7.0;
/// One point from this prolongation of the prothrombin time on, s.
pub const PT_ONE_FROM_S: f64 = 3.0;
/// Two points from this prolongation on, s.
pub const PT_TWO_FROM_S: f64 = 6.0;
/// One point below this fibrinogen, g/L.
pub const FIBRINOGEN_ONE_BELOW: f64 = 1.0;
/// Published cut-off, points.
pub const OVERT_FROM: u32 = 5;

/// The score of a panel in the configured version.
pub fn score(panel: &LabPanel, options: &ScoreOptions) -> Score {
    let items = vec![
        platelets(panel),
        match options.dic_version {
            DicVersion::V2001 => fibrin_marker_2001(panel, options),
            DicVersion::V2025 => d_dimer_2025(panel, options),
        },
        prothrombin_time(panel, options),
        fibrinogen(panel),
    ];
    let context = &panel.context;
    // METHOD: malignancy is one of the disorders that the score names, so that an active cancer fulfills the condition.
    let disorder = match (context.dic_associated_disorder, context.active_cancer()) {
        (Some(true), _) | (_, Some(true)) => Some(true),
        (known, _) => known,
    };
    let conditions = vec![
        condition("adult", context.is_adult()),
        condition("an underlying disorder known to be associated with overt DIC", disorder),
    ];
    let mut caveats = vec![
        SCORE_NOTE.to_owned(),
        "A high score says that coagulation is activated, not why.".to_owned(),
        "Fewer than 5 points do not exclude overt DIC; the publication repeats the score over time.".to_owned(),
    ];
    if options.dic_version == DicVersion::V2001 {
        caveats.push(
            "The score of 2001 fixed no limits of the fibrin marker; those used are configured (default: PMC8607173, \
             table 1)."
                .to_owned(),
        );
    }
    Score {
        name: "ISTH overt DIC".to_owned(),
        version: match options.dic_version {
            DicVersion::V2001 => "2001",
            DicVersion::V2025 => "2025",
        }
        .to_owned(),
        estimates: "a coagulation pattern of overt DIC".to_owned(),
        applicability: "patients with an underlying disorder known to be associated with overt DIC".to_owned(),
        result: sum(&items, &conditions),
        conditions,
        items,
        bands: vec![
            band(0, OVERT_FROM - 1, "below the published cut-off of 5"),
            band(5, 8, "at or above the published cut-off of 5"),
        ],
        caveats,
        source: match options.dic_version {
            DicVersion::V2001 => "Taylor et al., Thromb Haemost 2001;86:1327-1330",
            DicVersion::V2025 => "ISTH SSC update of the overt DIC score, 2025 (PubMed 40216223)",
        }
        .to_owned(),
    }
}

fn band(lowest: u32, highest: u32, label: &str) -> ScoreBand {
    ScoreBand { lowest, highest, label: label.to_owned(), published_cohorts: Vec::new() }
}

/// An item of several tiers. It is met where it gives points.
fn item(name: &str, criterion: String, value: Option<String>, points: Option<u32>, highest_points: u32) -> ScoreItem {
    let state = ItemState::from(points.map(|points| points > 0));
    ScoreItem { name: name.to_owned(), criterion, value, state, points, highest_points }
}

/// Points by tiers from the highest down: the first that holds, 0 where none does, `None` where one is open.
fn tiers(tiers: &[(Option<bool>, u32)]) -> Option<u32> {
    for (holds, points) in tiers {
        match holds {
            Some(true) => return Some(*points),
            Some(false) => {}
            None => return None,
        }
    }
    Some(0)
}

fn shown(quantity: Option<&Quantity>) -> Option<String> {
    quantity.map(ToString::to_string)
}

fn platelets(panel: &LabPanel) -> ScoreItem {
    let platelets = panel.current_quantity(Analyte::Platelets);
    let points = platelets.and_then(|platelets| {
        tiers(&[(platelets.is_below(PLATELETS_TWO_BELOW), 2), (platelets.is_below(PLATELETS_NONE_FROM), 1)])
    });
    item("Platelets", ">= 100: 0, 50 to < 100: 1, < 50 × 10⁹/L: 2".to_owned(), shown(platelets), points, 2)
}

/// The upper limit of D-dimer, ng{FEU}/mL: the laboratory's own or the configured one, never a built-in one.
pub fn d_dimer_upper_limit(result: &LabResult, options: &ScoreOptions) -> Option<f64> {
    result.own_upper_limit().or(options.d_dimer_upper_canonical()).filter(|limit| *limit > 0.0)
}

/// Value with its limit in words.
fn with_limit(quantity: Option<&Quantity>, limit: Option<f64>, unit: &str) -> Option<String> {
    let quantity = quantity?;
    Some(match limit {
        Some(limit) => format!("{quantity}, upper limit {limit} {unit}"),
        None => format!("{quantity}, the laboratory's upper limit is missing"),
    })
}

fn d_dimer_2025(panel: &LabPanel, options: &ScoreOptions) -> ScoreItem {
    let d_dimer = panel.current_quantity(Analyte::DDimer);
    let limit = panel.current(Analyte::DDimer).and_then(|result| d_dimer_upper_limit(result, options));
    let points = d_dimer.zip(limit).and_then(|(d_dimer, limit)| {
        tiers(&[
            (d_dimer.is_above(settled(limit * D_DIMER_THREE_ABOVE_ULN)), 3),
            (d_dimer.is_above(settled(limit * D_DIMER_TWO_ABOVE_ULN)), 2),
        ])
    });
    let criterion = "<= 3 times the upper limit: 0, > 3 times: 2, > 7 times: 3".to_owned();
    item("D-dimer", criterion, with_limit(d_dimer, limit, "ng/mL FEU"), points, 3)
}

/// D-dimer, or FDP where D-dimer gives no points because it or its limit is missing.
fn fibrin_marker_2001(panel: &LabPanel, options: &ScoreOptions) -> ScoreItem {
    let cuts = &options.dic_2001;
    let d_dimer = panel.current_quantity(Analyte::DDimer);
    let limit = panel.current(Analyte::DDimer).and_then(|result| d_dimer_upper_limit(result, options));
    let by_d_dimer = d_dimer.zip(limit).and_then(|(d_dimer, limit)| {
        tiers(&[
            (d_dimer.is_above(settled(limit * cuts.d_dimer_strong_above_uln)), 3),
            (d_dimer.is_at_least(settled(limit * cuts.d_dimer_moderate_from_uln)), 2),
        ])
    });
    let fdp = panel.current_quantity(Analyte::Fdp);
    let by_fdp = fdp.and_then(|fdp| {
        tiers(&[(fdp.is_above(cuts.fdp_strong_above_mg_l), 3), (fdp.is_at_least(cuts.fdp_moderate_from_mg_l), 2)])
    });
    let value = match (by_d_dimer, by_fdp) {
        (None, Some(_)) => fdp.map(|fdp| format!("FDP {fdp}")),
        _ => with_limit(d_dimer, limit, "ng/mL FEU"),
    };
    let criterion = format!(
        "no increase: 0, moderate: 2, strong: 3; as configured D-dimer from {} times the upper limit 2, above {} times 3, \
         or FDP from {} mg/L 2, above {} mg/L 3",
        cuts.d_dimer_moderate_from_uln,
        cuts.d_dimer_strong_above_uln,
        cuts.fdp_moderate_from_mg_l,
        cuts.fdp_strong_above_mg_l
    );
    item("Fibrin marker", criterion, value, by_d_dimer.or(by_fdp), 3)
}

fn prothrombin_time(panel: &LabPanel, options: &ScoreOptions) -> ScoreItem {
    let result = panel.current(Analyte::ProthrombinTime);
    let time = result.and_then(|result| result.quantity());
    let limit = result.and_then(|result| result.own_upper_limit()).or(options.prothrombin_time_upper_s);
    let prolonged = |by: f64| limit.map(|limit| settled(limit + by));
    let points = time.and_then(|time| {
        let from = |by| prolonged(by).and_then(|cut| time.is_at_least(cut));
        tiers(&[(from(PT_TWO_FROM_S), 2), (from(PT_ONE_FROM_S), 1)])
    });
    let criterion = "longer than the upper limit by < 3 s: 0, 3 to < 6 s: 1, >= 6 s: 2".to_owned();
    item("Prothrombin time", criterion, with_limit(time, limit, "s"), points, 2)
}

fn fibrinogen(panel: &LabPanel) -> ScoreItem {
    let fibrinogen = panel.current_quantity(Analyte::Fibrinogen);
    let points = fibrinogen.and_then(|fibrinogen| fibrinogen.is_below(FIBRINOGEN_ONE_BELOW)).map(u32::from);
    item("Fibrinogen", ">= 1.0 g/L: 0, < 1.0 g/L: 1".to_owned(), shown(fibrinogen), points, 1)
}

#[cfg(test)]
#[path = "isth_dic_tests.rs"]
mod tests;
