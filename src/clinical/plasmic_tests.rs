//! Every item of PLASMIC on both sides of its cut-off and in both unit systems; wrong versions pinned against.

use super::super::score::{ItemState, ScoreResult};
use super::super::{PanelOptions, panel_of, read_panel};
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
    let hemolysis = |results: &[(&str, f64, &str)]| of(CONTEXT, results).items[1].state;
    // Each alone, on both sides.
    assert_eq!(hemolysis(&[("reticulocytes_percent", 2.51, "%")]), ItemState::Met);
    assert_eq!(hemolysis(&[("bilirubin_indirect", 2.01, "mg/dL")]), ItemState::Met);
    assert_eq!(hemolysis(&[("bilirubin_indirect", 34.3, "umol/L")]), ItemState::Met);
    for one in
        [("reticulocytes_percent", 2.5, "%"), ("bilirubin_indirect", 34.2, "umol/L"), ("haptoglobin", 80.0, "mg/dL")]
    {
        assert_eq!(hemolysis(&[one]), ItemState::Missing, "the others are not known: {one:?}");
    }
    let none = [("reticulocytes_percent", 2.5, "%"), ("bilirubin_indirect", 2.0, "mg/dL"), ("haptoglobin", 0.8, "g/L")];
    assert_eq!(hemolysis(&none), ItemState::NotMet);
    // A low number may be the laboratory's limit.
    assert_eq!(hemolysis(&[none[0], none[1], ("haptoglobin", 10.0, "mg/dL")]), ItemState::Missing);
}

#[test]
fn indirect_bilirubin_follows_from_total_and_direct() {
    let raised = |results: &[(&str, f64, &str)]| indirect_bilirubin_raised(&panel_of(CONTEXT, results));
    assert_eq!(raised(&[("bilirubin_total", 2.0, "mg/dL")]), Some(false));
    assert_eq!(raised(&[("bilirubin_total", 2.3, "mg/dL")]), None);
    assert_eq!(raised(&[("bilirubin_total", 2.3, "mg/dL"), ("bilirubin_direct", 0.3, "mg/dL")]), Some(false));
    assert_eq!(raised(&[("bilirubin_total", 2.4, "mg/dL"), ("bilirubin_direct", 0.3, "mg/dL")]), Some(true));
    assert_eq!(raised(&[("bilirubin_total", 41.0, "umol/L"), ("bilirubin_direct", 5.0, "umol/L")]), Some(true));
}

#[test]
fn haptoglobin_is_undetectable_by_word_comparator_or_configured_limit() {
    let undetectable = |result: &str, lloq: Option<(f64, &str)>| {
        let text = format!(r#"{{"results": [{{"analyte": "haptoglobin", {result}}}]}}"#);
        let panel = read_panel(text.as_bytes(), "test", &PanelOptions::default()).expect("a panel");
        let lloq = lloq.map(|(value, unit)| crate::clinical::ConfiguredValue { value, unit: unit.to_owned() });
        haptoglobin_undetectable(&panel, &ScoreOptions { haptoglobin_lloq: lloq, ..ScoreOptions::default() })
    };
    assert_eq!(undetectable(r#""coded": "undetectable""#, None), Some(true));
    assert_eq!(undetectable(r#""value": 8, "comparator": "<", "unit": "mg/dL""#, None), Some(true));
    assert_eq!(undetectable(r#""value": 0.08, "comparator": "<", "unit": "g/L""#, None), Some(true));
    assert_eq!(undetectable(r#""value": 100, "comparator": "<", "unit": "mg/dL""#, None), None);
    assert_eq!(undetectable(r#""value": 9.9, "unit": "mg/dL""#, Some((10.0, "mg/dL"))), Some(true));
    assert_eq!(undetectable(r#""value": 10, "unit": "mg/dL""#, Some((0.1, "g/L"))), Some(false));
    assert_eq!(undetectable(r#""value": 29.9, "unit": "mg/dL""#, None), None);
    assert_eq!(undetectable(r#""value": 30, "unit": "mg/dL""#, None), Some(false));
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
fn a_comparator_counts_only_where_it_tells() {
    let platelets = |value: &str| {
        let text = format!(
            r#"{{"context": {{{CONTEXT}}}, "results": [{{"analyte": "platelets", {value}, "unit": "10*9/L"}}]}}"#
        );
        let panel = read_panel(text.as_bytes(), "test", &PanelOptions::default()).expect("a panel");
        score(&panel, &ScoreOptions::default()).items[0].state
    };
    assert_eq!(platelets(r#""value": 10, "comparator": "<""#), ItemState::Met);
    assert_eq!(platelets(r#""value": 50, "comparator": "<""#), ItemState::Missing);
}

#[test]
fn the_earliest_value_counts() {
    let text = format!(
        r#"{{"context": {{{CONTEXT}}}, "results": [
            {{"analyte": "platelets", "value": 90, "unit": "10*9/L", "collected_at": "2025-01-04"}},
            {{"analyte": "platelets", "value": 20, "unit": "10*9/L", "collected_at": "2025-01-02"}}]}}"#
    );
    let panel = read_panel(text.as_bytes(), "test", &PanelOptions::default()).expect("a panel");
    let score = score(&panel, &ScoreOptions::default());
    assert_eq!(score.items[0].value.as_deref(), Some("20 × 10⁹/L"));
    assert_eq!(score.items[0].state, ItemState::Met);
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
        score.bands.iter().flat_map(|band| &band.published_cohorts).all(|text| text.contains(PUBLISHED_COHORT_NOTE))
    );
}
