//! Every item of the DIC score on both sides of its cut-offs, in both versions and both unit systems.

use super::super::score::ScoreResult;
use super::super::{ConfiguredValue, panel_of};
use super::*;

const CONTEXT: &str = r#""age_years": 60, "dic_associated_disorder": true"#;

fn options(dic_version: DicVersion) -> ScoreOptions {
    ScoreOptions {
        dic_version,
        prothrombin_time_upper_s: Some(13.9),
        d_dimer_upper: Some(ConfiguredValue { value: 500.0, unit: "ng/mL FEU".to_owned() }),
        ..ScoreOptions::default()
    }
}

fn points(item: usize, version: DicVersion, result: (&str, f64, &str)) -> Option<u32> {
    score(&panel_of(CONTEXT, &[result]), &options(version)).items[item].points
}

#[test]
fn platelets_prothrombin_time_and_fibrinogen_on_both_sides() {
    for version in [DicVersion::V2001, DicVersion::V2025] {
        let platelets = |value, unit| points(0, version, ("platelets", value, unit));
        assert_eq!([100.0, 99.9, 50.0, 49.9].map(|value| platelets(value, "10*9/L")), [0, 1, 1, 2].map(Some));
        assert_eq!([100_000.0, 99_999.0, 49_999.0].map(|value| platelets(value, "/uL")), [0, 1, 2].map(Some));
        assert_eq!([100.0, 49.9].map(|value| platelets(value, "K/uL")), [0, 2].map(Some));
        let time = |value| points(2, version, ("prothrombin_time", value, "s"));
        assert_eq!([13.0, 16.8, 16.9, 19.8, 19.9].map(time), [0, 0, 1, 1, 2].map(Some));
        let fibrinogen = |value, unit| points(3, version, ("fibrinogen", value, unit));
        assert_eq!([1.0, 0.99].map(|value| fibrinogen(value, "g/L")), [0, 1].map(Some));
        assert_eq!([100.0, 99.0].map(|value| fibrinogen(value, "mg/dL")), [0, 1].map(Some));
    }
}

#[test]
fn d_dimer_of_2025_at_three_and_seven_times_the_limit() {
    let d_dimer = |value, unit| points(1, DicVersion::V2025, ("d_dimer", value, unit));
    assert_eq!([1500.0, 1501.0, 3500.0, 3501.0].map(|value| d_dimer(value, "ng/mL FEU")), [0, 2, 2, 3].map(Some));
    assert_eq!([1.5, 1.51, 3.5, 3.51].map(|value| d_dimer(value, "mg/L FEU")), [0, 2, 2, 3].map(Some));
    assert_eq!([750.0, 751.0, 1750.0, 1751.0].map(|value| d_dimer(value, "ng/mL DDU")), [0, 2, 2, 3].map(Some));
    // FDP has no limits in this version.
    assert_eq!(points(1, DicVersion::V2025, ("fdp", 80.0, "mg/L")), None);
}

#[test]
fn the_fibrin_marker_of_2001_by_its_configured_limits() {
    let d_dimer = |value| points(1, DicVersion::V2001, ("d_dimer", value, "ng/mL FEU"));
    assert_eq!([999.0, 1000.0, 2000.0, 2001.0].map(d_dimer), [0, 2, 2, 3].map(Some));
    let fdp = |value, unit| points(1, DicVersion::V2001, ("fdp", value, unit));
    assert_eq!([9.9, 10.0, 25.0, 25.1].map(|value| fdp(value, "mg/L")), [0, 2, 2, 3].map(Some));
    assert_eq!([9.9, 25.1].map(|value| fdp(value, "ug/mL")), [0, 3].map(Some));
    // A published table gives D-dimer 0, 1 or 2 points; no value here gives 1.
    assert!((0..60).all(|step| d_dimer(f64::from(step) * 100.0) != Some(1)));
}

#[test]
fn the_versions_differ_where_the_d_dimer_says_so() {
    let results = [
        ("platelets", 45.0, "10*9/L"),
        ("d_dimer", 1200.0, "ng/mL FEU"),
        ("prothrombin_time", 17.0, "s"),
        ("fibrinogen", 1.8, "g/L"),
    ];
    let of = |version| score(&panel_of(CONTEXT, &results), &options(version)).result;
    assert_eq!(of(DicVersion::V2001), ScoreResult::Computed { points: 5 });
    assert_eq!(of(DicVersion::V2025), ScoreResult::Computed { points: 3 });
    let score = score(&panel_of(CONTEXT, &results), &options(DicVersion::V2001));
    assert_eq!((score.version.as_str(), score.band().map(|band| band.lowest)), ("2001", Some(5)));
}

#[test]
fn upper_limits_are_the_laboratorys_or_configured_never_built_in() {
    let results = [("prothrombin_time", 25.0, "s"), ("d_dimer", 9000.0, "ng/mL FEU")];
    let without = score(&panel_of(CONTEXT, &results), &ScoreOptions::default());
    assert_eq!((without.items[1].points, without.items[2].points), (None, None));
    let ScoreResult::NotComputable { missing, lowest, highest } = without.result else {
        panic!("{:?}", without.result)
    };
    assert_eq!(missing, ["Platelets", "D-dimer", "Prothrombin time", "Fibrinogen"]);
    assert_eq!((lowest, highest), (0, 8));
    assert!(without.items[1].value.as_deref().is_some_and(|value| value.contains("upper limit is missing")));
}

#[test]
fn an_underlying_disorder_is_asked_for_and_active_cancer_is_one() {
    let results = [
        ("platelets", 200.0, "10*9/L"),
        ("d_dimer", 400.0, "ng/mL FEU"),
        ("prothrombin_time", 12.0, "s"),
        ("fibrinogen", 3.0, "g/L"),
    ];
    let of = |context: &str| score(&panel_of(context, &results), &options(DicVersion::V2025)).result;
    assert_eq!(of(r#""age_years": 60, "cancer": {"active": true}"#), ScoreResult::Computed { points: 0 });
    assert!(matches!(of(r#""age_years": 60, "dic_associated_disorder": false"#), ScoreResult::NotApplicable { .. }));
    assert!(matches!(of(r#""age_years": 60"#), ScoreResult::NotComputable { lowest: 0, highest: 0, .. }));
}
