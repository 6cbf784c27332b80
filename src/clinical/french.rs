//! French score of the reference center for thrombotic microangiopathies, two items.
//!
//! In: a panel, with its values at presentation, and the cut-offs. Out: a [`Score`] of 0–2 points; antinuclear antibodies
//! are shown beside it and give none.
//!
//! Source: Coppo et al., PLoS ONE 2010, 5:e10208; items as used today (platelets < 30 × 10⁹/L, creatinine < 2.25 mg/dL).
//! Benhamou 2012 is another model: it estimates survival.
//!
//! Limits: derived in adults with idiopathic TMA, hemoglobin below 12 g/dL and platelets below 150 × 10⁹/L, without
//! transplantation, cancer, chemotherapy or HIV. The operators of the three-item original were not at hand, so the cut-offs
//! stand in the configuration.

use super::analyte::{Analyte, CodedValue};
use super::options::ScoreOptions;
use super::panel::LabPanel;
use super::score::{SCORE_NOTE, Score, ScoreBand, ScoreItem, condition, is_below, sum};

/// Derivation population: platelets below this count, 10⁹/L.
const POPULATION_PLATELETS_BELOW: f64 = 150.0;
/// Derivation population: hemoglobin below this, g/dL.
const POPULATION_HEMOGLOBIN_BELOW: f64 = 12.0;

/// The score of a panel.
///
/// METHOD: earliest values, as for PLASMIC, because the derivation cohort was described at presentation.
pub fn score(panel: &LabPanel, options: &ScoreOptions) -> Score {
    let (platelets, creatinine) = (panel.first_quantity(Analyte::Platelets), panel.first_quantity(Analyte::Creatinine));
    let (platelets_below, creatinine_below) =
        (options.french.platelets_below_10e9_l, options.french.creatinine_below_mg_dl);
    let mut items = vec![
        ScoreItem::point_below("Platelets", format!("< {platelets_below} × 10⁹/L"), platelets, platelets_below),
        ScoreItem::point_below("Creatinine", format!("< {creatinine_below} mg/dL"), creatinine, creatinine_below),
    ];
    let context = &panel.context;
    let mut conditions = vec![
        condition("adult", context.is_adult()),
        condition("no active cancer", context.active_cancer().map(|active| !active)),
        condition("no transplantation", context.has_transplant().map(|transplanted| !transplanted)),
    ];
    // The blood counts of the derivation are conditions only where they are known, so that a missing one hides no score.
    let hemoglobin = panel.first_quantity(Analyte::Hemoglobin);
    let population = [
        ("platelets < 150 × 10⁹/L", is_below(platelets, POPULATION_PLATELETS_BELOW)),
        ("hemoglobin < 12 g/dL", is_below(hemoglobin, POPULATION_HEMOGLOBIN_BELOW)),
    ];
    let known = population.into_iter().filter(|(_, holds)| holds.is_some());
    conditions.extend(known.map(|(text, holds)| condition(text, holds)));
    let result = sum(&items, &conditions);
    // Antinuclear antibodies are an item of the original and are shown without points.
    let antibodies = panel.at_presentation(Analyte::Ana).and_then(|result| result.coded());
    items.push(ScoreItem::unscored(
        "Antinuclear antibodies (extra, no points)",
        "positive; third item of the original model, whose table was not at hand",
        antibodies.map(|coded| coded.to_string()),
        antibodies.map(CodedValue::is_positive),
    ));
    Score {
        name: "French score".to_owned(),
        version: "two items, as used today".to_owned(),
        estimates: "severe ADAMTS13 deficiency".to_owned(),
        applicability: "adults with idiopathic TMA; the derivation had no transplantation, cancer, chemotherapy or HIV"
            .to_owned(),
        conditions,
        items,
        result,
        bands: [(0, "2 %"), (1, "70 %"), (2, "94 %")]
            .map(|(points, share)| ScoreBand::severe_deficiency(points, points, &points.to_string(), share))
            .into(),
        caveats: vec![
            SCORE_NOTE.to_owned(),
            "HIV and chemotherapy are not part of the conditions that are checked here.".to_owned(),
        ],
        source: "Coppo et al., PLoS ONE 2010;5:e10208".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::panel_of;
    use super::super::score::{ItemState, ScoreResult};
    use super::*;

    const CONTEXT: &str = r#""age_years": 40, "cancer": {"active": false}, "transplant": {"kind": "none"}"#;
    const LOW: [(&str, f64, &str); 2] = [("platelets", 12.0, "10*9/L"), ("creatinine", 1.0, "mg/dL")];

    fn result(context: &str, results: &[(&str, f64, &str)]) -> ScoreResult {
        score(&panel_of(context, results), &ScoreOptions::default()).result
    }

    fn not_fulfilled(named: &str) -> ScoreResult {
        ScoreResult::NotApplicable { reason: format!("not fulfilled: {named}") }
    }

    #[test]
    fn both_items_on_both_sides_in_both_unit_systems() {
        for (platelets, creatinine, points) in [
            ((29.9, "10*9/L"), (2.24, "mg/dL"), 2),
            ((30.0, "K/uL"), (2.24, "mg/dL"), 1),
            ((29.9, "K/uL"), (2.25, "mg/dL"), 1),
            ((29_900.0, "/uL"), (198.8, "umol/L"), 2),
            ((30_000.0, "/uL"), (198.9, "umol/L"), 0),
        ] {
            let results = [("platelets", platelets.0, platelets.1), ("creatinine", creatinine.0, creatinine.1)];
            assert_eq!(result(CONTEXT, &results), ScoreResult::Computed { points }, "{results:?}");
        }
    }

    #[test]
    fn cancer_transplant_and_childhood_make_it_not_applicable() {
        for (given, other, named) in [
            ("\"active\": false", "\"active\": true", "no active cancer"),
            ("\"none\"", "\"stem_cell\"", "no transplantation"),
            ("40", "17", "adult"),
        ] {
            assert_eq!(result(&CONTEXT.replace(given, other), &LOW), not_fulfilled(named));
        }
        let missing = vec!["no active cancer".to_owned(), "no transplantation".to_owned()];
        let unknown = ScoreResult::NotComputable { missing, lowest: 2, highest: 2 };
        assert_eq!(result(r#""age_years": 40"#, &LOW), unknown);
    }

    #[test]
    fn counts_outside_the_derivation_make_it_not_applicable() {
        for (platelets, hemoglobin, expected) in [
            (149.0, 119.0, ScoreResult::Computed { points: 1 }),
            (150.0, 119.0, not_fulfilled("platelets < 150 × 10⁹/L")),
            (149.0, 120.0, not_fulfilled("hemoglobin < 12 g/dL")),
        ] {
            let counts = [("platelets", platelets, "10*9/L"), ("hemoglobin", hemoglobin, "g/L"), LOW[1]];
            assert_eq!(result(CONTEXT, &counts), expected, "{counts:?}");
        }
    }

    #[test]
    fn antibodies_are_shown_and_give_no_points() {
        let score = score(&panel_of(CONTEXT, &LOW), &ScoreOptions::default());
        assert_eq!((score.items.len(), score.result.clone()), (3, ScoreResult::Computed { points: 2 }));
        assert_eq!((score.items[2].state, score.items[2].highest_points), (ItemState::Missing, 0));
        assert!(score.band().is_some_and(|band| band.published_cohorts[0].contains("94 %")));
    }
}
