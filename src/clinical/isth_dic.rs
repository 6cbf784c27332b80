//! ISTH score for overt DIC, versions of 2001 and 2025.
//!
//! In: the current values of a panel, with the laboratory's upper limits of prothrombin time and D-dimer. Out: a [`Score`]
//! of four items, 0–8 points.
//!
//! Source: Taylor et al., Thromb Haemost 2001, 86:1327–1330; the update of 2025 (PubMed 40216223). Both give platelets
//! 0–2, fibrin marker 0, 2 or 3, prothrombin time 0–2, fibrinogen 0–1. The update fixes D-dimer at more than 3 and more
//! than 7 times the upper limit. The score of 2001 fixed no numbers; configuration gives those used here. One published table
//! gives D-dimer 0, 1 or 2 points; it disagrees with all others and is not used.
//!
//! Limits: the score is for patients with an underlying disorder known to be associated with overt DIC. INR equivalents, and
//! limits of FDP for 2025, were not at hand. The score describes a pattern of coagulation, not its cause.

use super::analyte::Analyte;
use super::options::{DicVersion, ScoreOptions};
use super::panel::LabPanel;
use super::result::{LabResult, Quantity};
use super::score::{SCORE_NOTE, Score, ScoreBand, ScoreItem, condition, sum};
use super::unit::settled;

/// No point from this platelet count on, 10⁹/L.
const PLATELETS_NONE_FROM: f64 = 100.0;
/// Two points below this platelet count, 10⁹/L.
const PLATELETS_TWO_BELOW: f64 = 50.0;
/// 2025: two points above this multiple of the upper limit of D-dimer.
pub const D_DIMER_TWO_ABOVE_ULN: f64 = 3.0;
/// 2025: three points above this multiple.
const D_DIMER_THREE_ABOVE_ULN: f64 = 7.0;
/// One point from this prolongation of the prothrombin time on, s.
const PT_ONE_FROM_S: f64 = 3.0;
/// Two points from this prolongation on, s.
const PT_TWO_FROM_S: f64 = 6.0;
/// One point below this fibrinogen, g/L.
pub const FIBRINOGEN_ONE_BELOW: f64 = 1.0;
/// Published cut-off, points.
const OVERT_FROM: u32 = 5;

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
    let source = match options.dic_version {
        DicVersion::V2001 => "Taylor et al., Thromb Haemost 2001;86:1327-1330",
        DicVersion::V2025 => "ISTH SSC update of the overt DIC score, 2025 (PubMed 40216223)",
    };
    Score {
        name: "ISTH overt DIC".to_owned(),
        version: options.dic_version.to_string(),
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
        source: source.to_owned(),
    }
}

fn band(lowest: u32, highest: u32, label: &str) -> ScoreBand {
    ScoreBand { lowest, highest, label: label.to_owned(), published_cohorts: Vec::new() }
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

fn platelets(panel: &LabPanel) -> ScoreItem {
    let platelets = panel.current_quantity(Analyte::Platelets);
    let points = platelets.and_then(|platelets| {
        tiers(&[(platelets.is_below(PLATELETS_TWO_BELOW), 2), (platelets.is_below(PLATELETS_NONE_FROM), 1)])
    });
    let value = platelets.map(ToString::to_string);
    ScoreItem::tiered("Platelets", ">= 100: 0, 50 to < 100: 1, < 50 × 10⁹/L: 2", value, points, 2)
}

/// The D-dimer of a panel and its upper limit, ng{FEU}/mL.
fn d_dimer<'p>(panel: &'p LabPanel, options: &ScoreOptions) -> (Option<&'p Quantity>, Option<f64>) {
    let result = panel.current(Analyte::DDimer);
    (result.and_then(LabResult::quantity), result.and_then(|result| d_dimer_upper_limit(result, options)))
}

/// The upper limit of D-dimer, ng{FEU}/mL: the laboratory's own or the configured one, never a built-in one.
pub fn d_dimer_upper_limit(result: &LabResult, options: &ScoreOptions) -> Option<f64> {
    result.own_upper_limit().or(options.d_dimer_upper_ng_ml()).filter(|limit| *limit > 0.0)
}

/// Whether D-dimer lies above a multiple of its upper limit: a value at the multiple does not.
pub fn is_above_multiple(d_dimer: &Quantity, upper_limit: f64, multiple: f64) -> Option<bool> {
    d_dimer.is_above(settled(upper_limit * multiple))
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
    let (value, limit) = d_dimer(panel, options);
    let points = value.zip(limit).and_then(|(value, limit)| {
        tiers(&[
            (is_above_multiple(value, limit, D_DIMER_THREE_ABOVE_ULN), 3),
            (is_above_multiple(value, limit, D_DIMER_TWO_ABOVE_ULN), 2),
        ])
    });
    let criterion = "<= 3 times the upper limit: 0, > 3 times: 2, > 7 times: 3";
    ScoreItem::tiered("D-dimer", criterion, with_limit(value, limit, "ng/mL FEU"), points, 3)
}

/// D-dimer, or FDP where D-dimer gives no points because it or its limit is missing.
fn fibrin_marker_2001(panel: &LabPanel, options: &ScoreOptions) -> ScoreItem {
    let cuts = &options.dic_2001;
    let (value, limit) = d_dimer(panel, options);
    let by_d_dimer = value.zip(limit).and_then(|(value, limit)| {
        tiers(&[
            (is_above_multiple(value, limit, cuts.d_dimer_strong_above_uln), 3),
            (value.is_at_least(settled(limit * cuts.d_dimer_moderate_from_uln)), 2),
        ])
    });
    let fdp = panel.current_quantity(Analyte::Fdp);
    let by_fdp = fdp.and_then(|fdp| {
        tiers(&[(fdp.is_above(cuts.fdp_strong_above_mg_l), 3), (fdp.is_at_least(cuts.fdp_moderate_from_mg_l), 2)])
    });
    let shown = match (by_d_dimer, by_fdp) {
        (None, Some(_)) => fdp.map(|fdp| format!("FDP {fdp}")),
        _ => with_limit(value, limit, "ng/mL FEU"),
    };
    let criterion = format!(
        "no increase: 0, moderate: 2, strong: 3; as configured D-dimer from {} times the upper limit 2, above {} times 3, \
         or FDP from {} mg/L 2, above {} mg/L 3",
        cuts.d_dimer_moderate_from_uln,
        cuts.d_dimer_strong_above_uln,
        cuts.fdp_moderate_from_mg_l,
        cuts.fdp_strong_above_mg_l
    );
    ScoreItem::tiered("Fibrin marker", criterion, shown, by_d_dimer.or(by_fdp), 3)
}

fn prothrombin_time(panel: &LabPanel, options: &ScoreOptions) -> ScoreItem {
    let result = panel.current(Analyte::ProthrombinTime);
    let time = result.and_then(LabResult::quantity);
    let limit = result.and_then(LabResult::own_upper_limit).or(options.prothrombin_time_upper_s);
    let points = time.zip(limit).and_then(|(time, limit)| {
        let prolonged_from = |by_s| time.is_at_least(settled(limit + by_s));
        tiers(&[(prolonged_from(PT_TWO_FROM_S), 2), (prolonged_from(PT_ONE_FROM_S), 1)])
    });
    let criterion = "longer than the upper limit by < 3 s: 0, 3 to < 6 s: 1, >= 6 s: 2";
    ScoreItem::tiered("Prothrombin time", criterion, with_limit(time, limit, "s"), points, 2)
}

fn fibrinogen(panel: &LabPanel) -> ScoreItem {
    let fibrinogen = panel.current_quantity(Analyte::Fibrinogen);
    ScoreItem::point_below("Fibrinogen", ">= 1.0 g/L: 0, < 1.0 g/L: 1", fibrinogen, FIBRINOGEN_ONE_BELOW)
}

#[cfg(test)]
mod tests {
    use super::super::score::ScoreResult;
    use super::super::{ConfiguredValue, panel_of, panel_of_rows};
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

    /// Points of an item for each of these values.
    fn points<const N: usize>(
        item: usize,
        version: DicVersion,
        analyte: &str,
        unit: &str,
        values: [f64; N],
    ) -> [Option<u32>; N] {
        values.map(|value| {
            let panel = panel_of(CONTEXT, &[(analyte, value, unit)]);
            score(&panel, &options(version)).items[item].points
        })
    }

    #[test]
    fn platelets_prothrombin_time_and_fibrinogen_on_both_sides() {
        for version in [DicVersion::V2001, DicVersion::V2025] {
            let platelets = |unit, values| points(0, version, "platelets", unit, values);
            assert_eq!(platelets("10*9/L", [100.0, 99.9, 50.0, 49.9]), [0, 1, 1, 2].map(Some));
            assert_eq!(platelets("K/uL", [100.0, 99.9, 50.0, 49.9]), [0, 1, 1, 2].map(Some));
            assert_eq!(platelets("/uL", [100_000.0, 99_999.0, 50_000.0, 49_999.0]), [0, 1, 1, 2].map(Some));
            let time = points(2, version, "prothrombin_time", "s", [13.0, 16.8, 16.9, 19.8, 19.9]);
            assert_eq!(time, [0, 0, 1, 1, 2].map(Some));
            assert_eq!(points(3, version, "fibrinogen", "g/L", [1.0, 0.99]), [0, 1].map(Some));
            assert_eq!(points(3, version, "fibrinogen", "mg/dL", [100.0, 99.0]), [0, 1].map(Some));
        }
    }

    #[test]
    fn d_dimer_of_2025_at_three_and_seven_times_the_limit() {
        let d_dimer = |unit, values| points(1, DicVersion::V2025, "d_dimer", unit, values);
        assert_eq!(d_dimer("ng/mL FEU", [1500.0, 1501.0, 3500.0, 3501.0]), [0, 2, 2, 3].map(Some));
        assert_eq!(d_dimer("mg/L FEU", [1.5, 1.51, 3.5, 3.51]), [0, 2, 2, 3].map(Some));
        assert_eq!(d_dimer("ng/mL DDU", [750.0, 751.0, 1750.0, 1751.0]), [0, 2, 2, 3].map(Some));
        // Three times 200.2 is 600.5999999999999 in binary arithmetic and 600.6 for a reader.
        let own = |value: f64| {
            let row = format!(r#"{{"analyte": "d_dimer", "value": {value}, "unit": "ng/mL FEU", "ref_high": 200.2}}"#);
            score(&panel_of_rows(CONTEXT, &row), &ScoreOptions::default()).items[1].points
        };
        assert_eq!([600.6, 600.7].map(own), [0, 2].map(Some));
        // FDP has no limits in this version.
        assert_eq!(points(1, DicVersion::V2025, "fdp", "mg/L", [80.0]), [None]);
    }

    #[test]
    fn the_fibrin_marker_of_2001_by_its_configured_limits() {
        let d_dimer = points(1, DicVersion::V2001, "d_dimer", "ng/mL FEU", [999.0, 1000.0, 2000.0, 2001.0]);
        assert_eq!(d_dimer, [0, 2, 2, 3].map(Some));
        let fdp = |unit| points(1, DicVersion::V2001, "fdp", unit, [9.9, 10.0, 25.0, 25.1]);
        assert_eq!([fdp("mg/L"), fdp("ug/mL")], [[0, 2, 2, 3].map(Some); 2]);
        // A published table gives D-dimer 0, 1 or 2 points; no value here gives 1.
        let steps: [f64; 60] = std::array::from_fn(|step| step as f64 * 100.0);
        assert!(!points(1, DicVersion::V2001, "d_dimer", "ng/mL FEU", steps).contains(&Some(1)));
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
        assert!(matches!(
            of(r#""age_years": 60, "dic_associated_disorder": false"#),
            ScoreResult::NotApplicable { .. }
        ));
        assert!(matches!(of(r#""age_years": 60"#), ScoreResult::NotComputable { lowest: 0, highest: 0, .. }));
    }
}
