//! PLASMIC score.
//!
//! In: a panel, with its values at presentation, and the configured limit of quantitation of haptoglobin. Out: a [`Score`]
//! of seven items, 0–7 points.
//!
//! Source: Bendapudi et al., Lancet Haematol 2017, 4:e157–e164; items and cohorts as its calculator and secondary tables
//! give them. The score estimates an ADAMTS13 activity of at most 10 %.
//!
//! Limits: adults with platelets below 150 × 10⁹/L and schistocytes on the film. LDH is no item. An active cancer gives no
//! point, so such a patient reaches 6 at most.

use super::analyte::Analyte;
use super::options::ScoreOptions;
use super::panel::LabPanel;
use super::result::Comparator;
use super::score::{SCORE_NOTE, Score, ScoreBand, ScoreItem, condition, is_below, sum};
use super::unit::settled;

/// Item P: a point below this platelet count, 10⁹/L.
pub const PLATELETS_BELOW: f64 = 30.0;
/// Population: platelets below this count, 10⁹/L.
const POPULATION_PLATELETS_BELOW: f64 = 150.0;
/// Item L: reticulocytes above this share, %.
const RETICULOCYTES_ABOVE: f64 = 2.5;
/// Item L: indirect bilirubin above this, mg/dL (34.2 µmol/L).
const INDIRECT_BILIRUBIN_ABOVE: f64 = 2.0;
/// Item M: a point below this MCV, fL.
const MCV_BELOW: f64 = 90.0;
/// Item I: a point below this INR.
const INR_BELOW: f64 = 1.5;
/// Item C: a point below this creatinine, mg/dL (176.8 µmol/L).
pub const CREATININE_BELOW: f64 = 2.0;

/// Printed with active cancer.
pub const CANCER_CAVEAT: &str = "With active cancer item A gives no point, so the score is pushed down by construction \
    and tops out at 6; a low score in a patient with cancer partly restates that the patient has cancer. The score was not \
    built to separate causes within cancer-associated TMA.";

/// The score of a panel.
///
/// METHOD: every laboratory item takes the earliest value of the panel, because the score is defined at presentation.
pub fn score(panel: &LabPanel, options: &ScoreOptions) -> Score {
    let context = &panel.context;
    let below =
        |name, criterion, analyte, cut| ScoreItem::point_below(name, criterion, panel.first_quantity(analyte), cut);
    let absent = |name, criterion, what, present: Option<bool>| {
        let value = present.map(|present| format!("{what}: {}", if present { "yes" } else { "no" }));
        ScoreItem::one_point(name, criterion, value, present.map(|present| !present))
    };
    let (hemolysis, hemolysis_value) = hemolysis(panel, options);
    let items = vec![
        below("Platelets", "< 30 × 10⁹/L", Analyte::Platelets, PLATELETS_BELOW),
        ScoreItem::one_point(
            "Hemolysis",
            "any of: reticulocytes > 2.5 %; haptoglobin undetectable; indirect bilirubin > 2.0 mg/dL (34.2 µmol/L)",
            hemolysis_value,
            hemolysis,
        ),
        absent("No active cancer", "an active cancer gives no point", "active cancer", context.active_cancer()),
        absent(
            "No transplant",
            "no history of solid-organ or stem-cell transplant",
            "transplant",
            context.has_transplant(),
        ),
        below("MCV", "< 90 fL", Analyte::Mcv, MCV_BELOW),
        below("INR", "< 1.5", Analyte::Inr, INR_BELOW),
        below("Creatinine", "< 2.0 mg/dL (176.8 µmol/L)", Analyte::Creatinine, CREATININE_BELOW),
    ];
    let platelets = panel.first_quantity(Analyte::Platelets);
    let conditions = vec![
        condition("adult", context.is_adult()),
        condition("platelets < 150 × 10⁹/L", is_below(platelets, POPULATION_PLATELETS_BELOW)),
        condition("schistocytes visible on the film", context.schistocytes_on_film),
    ];
    let mut caveats = vec![SCORE_NOTE.to_owned()];
    if context.active_cancer() == Some(true) {
        caveats.push(CANCER_CAVEAT.to_owned());
    }
    caveats.push(
        "Secondary sources read active cancer as treated within the previous year; the publication's own definition was \
         not at hand."
            .to_owned(),
    );
    if context.age_years.is_some_and(|years| years >= 60) {
        caveats.push(
            "From 60 years on a published cohort had a sensitivity of 76.9 % and a specificity of 50 % at 5 points or more \
             (81 patients with TTP, 76 with another TMA)."
                .to_owned(),
        );
    }
    Score {
        name: "PLASMIC".to_owned(),
        version: "2017".to_owned(),
        estimates: "severe ADAMTS13 deficiency (activity of at most 10 %)".to_owned(),
        applicability: "adults with platelets below 150 × 10⁹/L and schistocytes on the film, by the earliest values"
            .to_owned(),
        result: sum(&items, &conditions),
        conditions,
        items,
        bands: bands(),
        caveats,
        source: "Bendapudi et al., Lancet Haematol 2017;4:e157-e164".to_owned(),
    }
}

/// Item L with its values in words.
///
/// METHOD: an OR. One criterion that is met is enough. The item is not met only where all three are known not to be met.
/// Otherwise it is missing.
fn hemolysis(panel: &LabPanel, options: &ScoreOptions) -> (Option<bool>, Option<String>) {
    let reticulocytes = panel.first_quantity(Analyte::ReticulocytesPercent);
    let criteria = [
        reticulocytes.and_then(|quantity| quantity.is_above(RETICULOCYTES_ABOVE)),
        haptoglobin_undetectable(panel, options),
        indirect_bilirubin_raised(panel),
    ];
    let met = if criteria.contains(&Some(true)) { Some(true) } else { (criteria == [Some(false); 3]).then_some(false) };
    let bilirubin = panel.first_quantity(Analyte::BilirubinIndirect);
    let values = [
        reticulocytes.map(|quantity| format!("reticulocytes {quantity}")),
        panel.at_presentation(Analyte::Haptoglobin).map(|result| format!("haptoglobin {}", result.value)),
        bilirubin.map(|quantity| format!("indirect bilirubin {quantity}")).or_else(|| total_and_direct(panel)),
    ];
    let text = values.into_iter().flatten().collect::<Vec<_>>().join("; ");
    (met, (!text.is_empty()).then_some(text))
}

/// Total and direct bilirubin in words.
fn total_and_direct(panel: &LabPanel) -> Option<String> {
    let total = panel.first_quantity(Analyte::BilirubinTotal)?;
    let direct = panel.first_quantity(Analyte::BilirubinDirect).map(|direct| format!(", direct {direct}"));
    Some(format!("total bilirubin {total}{}", direct.unwrap_or_default()))
}

/// Whether haptoglobin is undetectable.
///
/// METHOD: haptoglobin is undetectable where the laboratory says so or reports a value below its limit (`< 8 mg/dL`). A
/// number is detectable where it reaches the configured limit of quantitation; without one, where it reaches the lower
/// reference limit. A lower number without a configured limit leaves it open, because a laboratory may print its limit as a
/// value.
fn haptoglobin_undetectable(panel: &LabPanel, options: &ScoreOptions) -> Option<bool> {
    let result = panel.at_presentation(Analyte::Haptoglobin)?;
    let Some(quantity) = result.quantity() else { return Some(true) };
    match (quantity.comparator, options.haptoglobin_lloq_mg_dl()) {
        (_, Some(limit)) => quantity.is_below(limit),
        (Some(Comparator::Less | Comparator::LessOrEqual), None) => {
            // A bound above the reference limit does not say that the value is undetectable.
            result.lower_limit().is_none_or(|low| quantity.canonical <= low).then_some(true)
        }
        (_, None) => (quantity.is_below(result.lower_limit()?) == Some(false)).then_some(false),
    }
}

/// Whether indirect bilirubin is above its limit.
///
/// METHOD: where it was not reported, total minus direct bilirubin of the same time takes its place. If the total does not
/// exceed the limit, its indirect part does not either.
fn indirect_bilirubin_raised(panel: &LabPanel) -> Option<bool> {
    let of = |analyte| panel.at_presentation(analyte);
    if let Some(indirect) = of(Analyte::BilirubinIndirect) {
        return indirect.quantity()?.is_above(INDIRECT_BILIRUBIN_ABOVE);
    }
    let total = of(Analyte::BilirubinTotal)?;
    let total_quantity = total.quantity()?;
    if total_quantity.is_at_most(INDIRECT_BILIRUBIN_ABOVE) == Some(true) {
        return Some(false);
    }
    let direct = of(Analyte::BilirubinDirect).filter(|direct| direct.collected_at == total.collected_at)?;
    let direct_quantity = direct.quantity()?;
    if total_quantity.comparator.is_some() || direct_quantity.comparator.is_some() {
        return None;
    }
    Some(settled(total_quantity.canonical - direct_quantity.canonical) > INDIRECT_BILIRUBIN_ABOVE)
}

fn bands() -> Vec<ScoreBand> {
    let band = ScoreBand::severe_deficiency;
    vec![
        band(0, 4, "low", "0 of 84 (derivation), 0 of 89 (internal), 2 of 47 or 4 % (external validation)"),
        band(
            5,
            5,
            "intermediate",
            "2 of 44 or 5 % (derivation), 3 of 32 or 9 % (internal), 6 of 25 or 24 % (external validation)",
        ),
        band(
            6,
            7,
            "high",
            "58 of 72 or 81 % (derivation), 18 of 29 or 62 % (internal), 61 of 74 or 82 % (external validation)",
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::super::score::{ItemState, PUBLISHED_COHORT_NOTE, ScoreResult};
    use super::super::{ConfiguredValue, panel_of, panel_of_rows};
    use super::*;

    const CONTEXT: &str = r#""age_years": 40, "cancer": {"active": false}, "transplant": {"kind": "none"},
    "schistocytes_on_film": true"#;

    /// All seven items met.
    const FULL: [(&str, f64, &str); 5] = [
        ("platelets", 12.0, "10*9/L"),
        ("reticulocytes_percent", 6.0, "%"),
        ("mcv", 85.0, "fL"),
        ("inr", 1.1, "{INR}"),
        ("creatinine", 1.0, "mg/dL"),
    ];

    /// The full panel with one result in place of another, or added.
    fn with(result: (&'static str, f64, &'static str)) -> Vec<(&'static str, f64, &'static str)> {
        FULL.into_iter().filter(|(analyte, _, _)| *analyte != result.0).chain([result]).collect()
    }

    fn of(context: &str, results: &[(&str, f64, &str)]) -> Score {
        score(&panel_of(context, results), &ScoreOptions::default())
    }

    fn points(results: &[(&str, f64, &str)]) -> ScoreResult {
        of(CONTEXT, results).result
    }

    const fn computed(points: u32) -> ScoreResult {
        ScoreResult::Computed { points }
    }

    #[test]
    fn all_items_give_seven_and_cancer_takes_one() {
        assert_eq!(points(&FULL), computed(7));
        let cancer = CONTEXT.replace("\"active\": false", "\"active\": true");
        let score = of(&cancer, &FULL);
        assert_eq!(score.result, computed(6));
        assert!(score.caveats.iter().any(|caveat| caveat == CANCER_CAVEAT));
        assert!(of(CONTEXT, &FULL).caveats.iter().all(|caveat| caveat != CANCER_CAVEAT));
        let transplant = CONTEXT.replace("\"none\"", "\"solid_organ\"");
        assert_eq!(of(&transplant, &FULL).result, computed(6));
    }

    #[test]
    fn each_number_on_both_sides_of_its_cut_off_in_both_unit_systems() {
        for (inside, outside) in [
            (("platelets", 29.9, "10*9/L"), ("platelets", 30.0, "10*9/L")),
            (("platelets", 29.9, "K/uL"), ("platelets", 30.0, "K/uL")),
            (("platelets", 29_999.0, "/uL"), ("platelets", 30_000.0, "/uL")),
            (("mcv", 89.9, "fL"), ("mcv", 90.0, "fL")),
            (("inr", 1.49, "{INR}"), ("inr", 1.5, "{INR}")),
            (("creatinine", 1.99, "mg/dL"), ("creatinine", 2.0, "mg/dL")),
            (("creatinine", 176.7, "umol/L"), ("creatinine", 176.8, "umol/L")),
        ] {
            assert_eq!(points(&with(inside)), computed(7), "{inside:?}");
            assert_eq!(points(&with(outside)), computed(6), "{outside:?}");
        }
    }

    #[test]
    fn hemolysis_is_an_or_of_three() {
        let reticulocytes = |value| ("reticulocytes_percent", value, "%");
        let bilirubin = |value| ("bilirubin_indirect", value, "mg/dL");
        let haptoglobin = |value| ("haptoglobin", value, "mg/dL");
        for (results, state) in [
            // Each alone, on both sides; where it is not met the others are not known.
            (vec![reticulocytes(2.51)], ItemState::Met),
            (vec![reticulocytes(2.5)], ItemState::Missing),
            (vec![bilirubin(2.01)], ItemState::Met),
            (vec![("bilirubin_indirect", 34.3, "umol/L")], ItemState::Met),
            (vec![("bilirubin_indirect", 34.2, "umol/L")], ItemState::Missing),
            (vec![haptoglobin(80.0)], ItemState::Missing),
            (vec![reticulocytes(2.5), bilirubin(2.0), ("haptoglobin", 0.8, "g/L")], ItemState::NotMet),
            // A low number may be the laboratory's limit.
            (vec![reticulocytes(2.5), bilirubin(2.0), haptoglobin(10.0)], ItemState::Missing),
        ] {
            assert_eq!(of(CONTEXT, &results).items[1].state, state, "{results:?}");
        }
    }

    #[test]
    fn indirect_bilirubin_follows_from_total_and_direct() {
        for (total, direct, unit, raised) in [
            (2.0, None, "mg/dL", Some(false)),
            (2.3, None, "mg/dL", None),
            (2.3, Some(0.3), "mg/dL", Some(false)),
            (2.4, Some(0.3), "mg/dL", Some(true)),
            (41.0, Some(5.0), "umol/L", Some(true)),
        ] {
            let direct = direct.map(|direct| ("bilirubin_direct", direct, unit));
            let results: Vec<_> = [("bilirubin_total", total, unit)].into_iter().chain(direct).collect();
            assert_eq!(indirect_bilirubin_raised(&panel_of(CONTEXT, &results)), raised, "{results:?}");
        }
    }

    #[test]
    fn haptoglobin_is_undetectable_by_word_comparator_or_configured_limit() {
        for (result, lloq, undetectable) in [
            (r#""coded": "undetectable""#, None, Some(true)),
            (r#""value": 8, "comparator": "<", "unit": "mg/dL""#, None, Some(true)),
            (r#""value": 0.08, "comparator": "<", "unit": "g/L""#, None, Some(true)),
            (r#""value": 100, "comparator": "<", "unit": "mg/dL""#, None, None),
            (r#""value": 9.9, "unit": "mg/dL""#, Some((10.0, "mg/dL")), Some(true)),
            (r#""value": 10, "unit": "mg/dL""#, Some((0.1, "g/L")), Some(false)),
            (r#""value": 29.9, "unit": "mg/dL""#, None, None),
            (r#""value": 30, "unit": "mg/dL""#, None, Some(false)),
        ] {
            let haptoglobin_lloq = lloq.map(|(value, unit)| ConfiguredValue { value, unit: unit.to_owned() });
            let options = ScoreOptions { haptoglobin_lloq, ..ScoreOptions::default() };
            let panel = panel_of_rows("", &format!(r#"{{"analyte": "haptoglobin", {result}}}"#));
            assert_eq!(haptoglobin_undetectable(&panel, &options), undetectable, "{result}");
        }
    }

    #[test]
    fn a_missing_item_gives_the_range_and_is_named() {
        let without_mcv: Vec<_> = FULL.into_iter().filter(|(analyte, _, _)| *analyte != "mcv").collect();
        let missing = vec!["MCV".to_owned()];
        assert_eq!(points(&without_mcv), ScoreResult::NotComputable { missing, lowest: 6, highest: 7 });
        let context = r#""age_years": 40, "schistocytes_on_film": true"#;
        let missing = vec!["No active cancer".to_owned(), "No transplant".to_owned()];
        assert_eq!(of(context, &FULL).result, ScoreResult::NotComputable { missing, lowest: 5, highest: 7 });
    }

    #[test]
    fn the_population_is_asked_for() {
        let reason = |named: &str| ScoreResult::NotApplicable { reason: format!("not fulfilled: {named}") };
        assert_eq!(points(&with(("platelets", 150.0, "10*9/L"))), reason("platelets < 150 × 10⁹/L"));
        assert_eq!(points(&with(("platelets", 149.9, "10*9/L"))), computed(6));
        assert_eq!(of(&CONTEXT.replace("40", "17"), &FULL).result, reason("adult"));
        let unseen = CONTEXT.replace("\"schistocytes_on_film\": true", "\"schistocytes_on_film\": false");
        assert_eq!(of(&unseen, &FULL).result, reason("schistocytes visible on the film"));
        let unknown = CONTEXT.replace(",\n    \"schistocytes_on_film\": true", "");
        let missing = vec!["schistocytes visible on the film".to_owned()];
        assert_eq!(of(&unknown, &FULL).result, ScoreResult::NotComputable { missing, lowest: 7, highest: 7 });
    }

    #[test]
    fn a_comparator_counts_only_where_it_tells_and_the_earliest_value_counts() {
        let platelets = |value: &str| format!(r#"{{"analyte": "platelets", "unit": "10*9/L", "value": {value}}}"#);
        let later = platelets(r#"90, "collected_at": "2025-01-04""#) + ",";
        for (rows, state, value) in [
            (platelets(r#"10, "comparator": "<""#), ItemState::Met, "< 10 × 10⁹/L"),
            (platelets(r#"50, "comparator": "<""#), ItemState::Missing, "< 50 × 10⁹/L"),
            (later + &platelets(r#"20, "collected_at": "2025-01-02""#), ItemState::Met, "20 × 10⁹/L"),
        ] {
            let item = &score(&panel_of_rows(CONTEXT, &rows), &ScoreOptions::default()).items[0];
            assert_eq!((item.state, item.value.as_deref()), (state, Some(value)));
        }
    }

    /// Pages on the web give cancer a point, a creatinine limit of 118 µmol/L, and call 5–6 intermediate.
    #[test]
    fn wrong_versions_of_the_web_are_not_this_one() {
        let score = of(CONTEXT, &FULL);
        assert_eq!((score.items[2].name.as_str(), score.items[2].points), ("No active cancer", Some(1)));
        assert_eq!(points(&with(("creatinine", 150.0, "umol/L"))), computed(7));
        let labels: Vec<_> = bands().into_iter().map(|band| (band.lowest, band.highest, band.label)).collect();
        assert_eq!(labels, [(0, 4, "low".to_owned()), (5, 5, "intermediate".to_owned()), (6, 7, "high".to_owned())]);
        assert!(score.items.iter().all(|item| !item.name.contains("LDH")));
        assert_eq!(score.band().map(|band| band.label.as_str()), Some("high"));
        assert!(
            score
                .bands
                .iter()
                .flat_map(|band| &band.published_cohorts)
                .all(|text| text.contains(PUBLISHED_COHORT_NOTE))
        );
    }
}
