//! French score of the reference center for thrombotic microangiopathies, two items.
//!
//! In: a panel, with its values at presentation, and the cut-offs. Out: a [`Score`] of 0–2 points; antinuclear antibodies
//! are shown beside it and give none.
//!
//! Source: Coppo et al., PLoS ONE 2010, 5:e10208; items as used today (platelets < 30 × 10⁹/L, creatinine < 2.25 mg/dL).
//! Not to be confused with a model of the same group's field that concerns survival (Benhamou 2012).
//!
//! Limits: derived in adults with idiopathic TMA, hemoglobin below 12 g/dL and platelets below 150 × 10⁹/L, without
//! transplantation, cancer, chemotherapy or HIV. The operators of the three-item original were not at hand, so that the
//! cut-offs stand in the configuration.

use super::analyte::Analyte;
use super::options::ScoreOptions;
use super::panel::LabPanel;
use super::result::Quantity;
use super::score::{
    ItemState, PUBLISHED_COHORT_NOTE, SCORE_NOTE, Score, ScoreBand, ScoreItem, condition, one_point, sum,
};

/// Derivation population: platelets below this count, 10⁹/L.
pub const POPULATION_PLATELETS_BELOW: f64 = 150.0;
/// Derivation population: hemoglobin below this, g/dL.
pub const POPULATION_HEMOGLOBIN_BELOW: f64 = 12.0;

/// The score of a panel.
///
/// METHOD: earliest values, as for PLASMIC, because the derivation cohort was described at presentation.
pub fn score(panel: &LabPanel, options: &ScoreOptions) -> Score {
    let first = |analyte| panel.at_presentation(analyte).and_then(|result| result.quantity());
    let shown = |quantity: Option<&Quantity>| quantity.map(ToString::to_string);
    let below = |quantity: Option<&Quantity>, cut| quantity.and_then(|quantity| quantity.is_below(cut));
    let (platelets, creatinine) = (first(Analyte::Platelets), first(Analyte::Creatinine));
    let cuts = &options.french;
    let context = &panel.context;
    let items = vec![
        one_point(
            "Platelets",
            &format!("< {} × 10⁹/L", cuts.platelets_below_10e9_l),
            shown(platelets),
            below(platelets, cuts.platelets_below_10e9_l),
        ),
        one_point(
            "Creatinine",
            &format!("< {} mg/dL", cuts.creatinine_below_mg_dl),
            shown(creatinine),
            below(creatinine, cuts.creatinine_below_mg_dl),
        ),
    ];
    let mut conditions = vec![
        condition("adult", context.is_adult()),
        condition("no active cancer", context.active_cancer().map(|active| !active)),
        condition("no transplantation", context.has_transplant().map(|transplanted| !transplanted)),
    ];
    // The derivation's blood counts are asked for only where they are known and outside, so that they hide no score.
    let population = [
        ("platelets < 150 × 10⁹/L", below(platelets, POPULATION_PLATELETS_BELOW)),
        ("hemoglobin < 12 g/dL", below(first(Analyte::Hemoglobin), POPULATION_HEMOGLOBIN_BELOW)),
    ];
    conditions.extend(
        population.into_iter().filter(|(_, holds)| holds.is_some()).map(|(text, holds)| condition(text, holds)),
    );
    let result = sum(&items, &conditions);
    let mut items = items;
    items.push(antibodies(panel));
    Score {
        name: "French score".to_owned(),
        version: "two items, as used today".to_owned(),
        estimates: "severe ADAMTS13 deficiency".to_owned(),
        applicability: "adults with idiopathic TMA; the derivation had no transplantation, cancer, chemotherapy or HIV"
            .to_owned(),
        conditions,
        items,
        result,
        bands: bands(),
        caveats: vec![
            SCORE_NOTE.to_owned(),
            "HIV and chemotherapy are not part of the conditions that are checked here.".to_owned(),
        ],
        source: "Coppo et al., PLoS ONE 2010;5:e10208".to_owned(),
    }
}

/// Antinuclear antibodies: an item of the original, shown without points.
fn antibodies(panel: &LabPanel) -> ScoreItem {
    let coded = panel.at_presentation(Analyte::Ana).and_then(|result| result.coded());
    ScoreItem {
        name: "Antinuclear antibodies (extra, no points)".to_owned(),
        criterion: "positive; third item of the original model, whose table was not at hand".to_owned(),
        value: coded.map(|coded| coded.to_string()),
        state: ItemState::from(coded.map(super::analyte::CodedValue::is_positive)),
        points: None,
        highest_points: 0,
    }
}

fn bands() -> Vec<ScoreBand> {
    [(0, "2 %"), (1, "70 %"), (2, "94 %")]
        .map(|(points, share)| ScoreBand {
            lowest: points,
            highest: points,
            label: points.to_string(),
            published_cohorts: vec![format!("severe deficiency in {share} ({PUBLISHED_COHORT_NOTE})")],
        })
        .into()
}

#[cfg(test)]
mod tests {
    use super::super::panel_of;
    use super::super::score::ScoreResult;
    use super::*;

    const CONTEXT: &str = r#""age_years": 40, "cancer": {"active": false}, "transplant": {"kind": "none"}"#;

    fn result(context: &str, results: &[(&str, f64, &str)]) -> ScoreResult {
        score(&panel_of(context, results), &ScoreOptions::default()).result
    }

    fn points(platelets: (f64, &str), creatinine: (f64, &str)) -> ScoreResult {
        let results = [("platelets", platelets.0, platelets.1), ("creatinine", creatinine.0, creatinine.1)];
        result(CONTEXT, &results)
    }

    #[test]
    fn both_items_on_both_sides_in_both_unit_systems() {
        let computed = |points| ScoreResult::Computed { points };
        assert_eq!(points((29.9, "10*9/L"), (2.24, "mg/dL")), computed(2));
        assert_eq!(points((30.0, "K/uL"), (2.24, "mg/dL")), computed(1));
        assert_eq!(points((29.9, "K/uL"), (2.25, "mg/dL")), computed(1));
        assert_eq!(points((29_900.0, "/uL"), (198.8, "umol/L")), computed(2));
        assert_eq!(points((30_000.0, "/uL"), (198.9, "umol/L")), computed(0));
    }

    #[test]
    fn cancer_and_transplant_make_it_not_applicable() {
        let results = [("platelets", 12.0, "10*9/L"), ("creatinine", 1.0, "mg/dL")];
        for (context, named) in [
            (r#""age_years": 40, "cancer": {"active": true}, "transplant": {"kind": "none"}"#, "no active cancer"),
            (
                r#""age_years": 40, "cancer": {"active": false}, "transplant": {"kind": "stem_cell"}"#,
                "no transplantation",
            ),
            (r#""age_years": 17, "cancer": {"active": false}, "transplant": {"kind": "none"}"#, "adult"),
        ] {
            let reason = format!("not fulfilled: {named}");
            assert_eq!(result(context, &results), ScoreResult::NotApplicable { reason });
        }
        let missing = vec!["no active cancer".to_owned(), "no transplantation".to_owned()];
        assert_eq!(
            result(r#""age_years": 40"#, &results),
            ScoreResult::NotComputable { missing, lowest: 2, highest: 2 }
        );
    }

    #[test]
    fn counts_outside_the_derivation_make_it_not_applicable() {
        let results = [("platelets", 150.0, "10*9/L"), ("creatinine", 1.0, "mg/dL")];
        let reason = "not fulfilled: platelets < 150 × 10⁹/L".to_owned();
        assert_eq!(result(CONTEXT, &results), ScoreResult::NotApplicable { reason });
        let anemic = |hemoglobin| {
            result(
                CONTEXT,
                &[("platelets", 149.0, "10*9/L"), ("creatinine", 1.0, "mg/dL"), ("hemoglobin", hemoglobin, "g/L")],
            )
        };
        assert_eq!(anemic(119.0), ScoreResult::Computed { points: 1 });
        let reason = "not fulfilled: hemoglobin < 12 g/dL".to_owned();
        assert_eq!(anemic(120.0), ScoreResult::NotApplicable { reason });
    }

    #[test]
    fn antibodies_are_shown_and_give_no_points() {
        let panel = panel_of(CONTEXT, &[("platelets", 12.0, "10*9/L"), ("creatinine", 1.0, "mg/dL")]);
        let score = score(&panel, &ScoreOptions::default());
        assert_eq!((score.items.len(), score.result.clone()), (3, ScoreResult::Computed { points: 2 }));
        assert_eq!((score.items[2].state, score.items[2].highest_points), (ItemState::Missing, 0));
        assert!(score.band().is_some_and(|band| band.published_cohorts[0].contains("94 %")));
    }
}
