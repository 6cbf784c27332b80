//! Evidence of the fixtures and of single items, each rule on both sides of its limit.

use std::path::Path;

use super::*;
use crate::clinical::{DicVersion, ItemState, PanelOptions, ReferenceOwner, ScoreResult, panel_of_rows, read_panel};
use crate::count::{Context, State};
use Direction::{Neutral, SpeaksAgainst, Supports};

fn fixture(file: &str) -> LabPanel {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/labs").join(file);
    let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{file}: {error}"));
    read_panel(&bytes, file, &PanelOptions::default()).unwrap_or_else(|error| panic!("{error}"))
}

fn evidence(smear: Option<&SmearFinding>, panel: &LabPanel) -> Evidence {
    weigh(smear, panel, &ScoreOptions::default())
}

/// 3 % of 2,000 red cells, all of them above the limit.
fn above() -> SmearFinding {
    SmearFinding {
        percent: Some(3.0),
        low_percent: Some(2.337_6),
        high_percent: Some(3.842_1),
        red_cells: 2000,
        schistocytes: 60,
        threshold_percent: 1.0,
        state: State::Above,
        context: Some(Context::SchistocytesPredominate),
        beyond_model_error: true,
        reviewed: false,
    }
}

fn item<'a>(evidence: &'a Evidence, code: &str) -> &'a EvidenceItem {
    let items = evidence.blocks.iter().flat_map(|block| &block.items);
    items.into_iter().find(|item| item.code == code).unwrap_or_else(|| panic!("no item {code}"))
}

fn statement(evidence: &Evidence, statement: Statement) -> &StatementEvidence {
    evidence.statements.iter().find(|of| of.statement == statement).expect("every statement is there")
}

fn codes(items: &[WeighedItem]) -> Vec<&str> {
    items.iter().map(|item| item.code.as_str()).collect()
}

/// The bearings of results that are given as JSON rows: code of the item, and direction.
fn directions(rows: &str) -> Vec<(String, Direction)> {
    let evidence = evidence(None, &panel_of_rows("", rows));
    let items = evidence.blocks.iter().flat_map(|block| &block.items);
    items.flat_map(|item| item.bearings.iter().map(|of| (item.code.clone(), of.direction))).collect()
}

/// The direction of one result on the only statement that it has a rule for.
fn direction(row: &str) -> Direction {
    directions(&format!("{{{row}}}")).pop().expect("a rule").1
}

/// The direction of an item on a statement.
fn direction_on(evidence: &Evidence, code: &str, statement: Statement) -> Option<Direction> {
    let bearing = item(evidence, code).bearings.iter().find(|bearing| bearing.statement == statement);
    bearing.map(|bearing| bearing.direction)
}

#[test]
fn the_cancer_panel_is_complete_and_every_statement_has_its_items() {
    let evidence = evidence(Some(&above()), &fixture("cancer.json"));
    assert_eq!(evidence.missing, ["Histology"]);
    let hemolysis = statement(&evidence, Statement::MechanicalHemolysis);
    assert_eq!(
        codes(&hemolysis.supports),
        [
            "reticulocytes_percent",
            "reticulocytes_absolute",
            "schistocytes_percent",
            "schistocytes_on_film",
            "ldh",
            "haptoglobin",
            "bilirubin_indirect",
            "dat"
        ]
    );
    assert_eq!((codes(&hemolysis.speaks_against), codes(&hemolysis.neutral)), (vec![], vec!["analyzer_fragments"]));
    assert_eq!(codes(&statement(&evidence, Statement::Thrombocytopenia).supports), ["platelets"]);
    let coagulation = statement(&evidence, Statement::CoagulationActivation);
    assert_eq!(codes(&coagulation.supports), ["prothrombin_time", "inr", "d_dimer", "fdp"]);
    assert_eq!(codes(&coagulation.speaks_against), ["aptt", "fibrinogen"]);
    let renal = statement(&evidence, Statement::RenalInvolvement);
    assert_eq!(
        codes(&renal.supports),
        ["creatinine", "urea_nitrogen", "egfr", "urine_protein_creatinine", "urine_protein_strip"]
    );
    assert_eq!(codes(&statement(&evidence, Statement::NeurologicalInvolvement).speaks_against), ["neurological"]);
    assert_eq!(
        codes(&statement(&evidence, Statement::CardiacInvolvement).supports),
        ["cardiac", "troponin_t", "nt_pro_bnp"]
    );
    assert_eq!(codes(&statement(&evidence, Statement::SevereAdamts13Deficiency).speaks_against), ["adamts13_activity"]);
    let complement = statement(&evidence, Statement::ComplementActivation);
    assert_eq!((codes(&complement.supports), codes(&complement.neutral)), (vec!["sc5b9"], vec!["c3", "c4"]));
    assert!(evidence.statements.iter().all(|of| of.missing.is_empty()));
}

#[test]
fn the_scores_of_the_cancer_panel() {
    let options = ScoreOptions { dic_version: DicVersion::V2025, ..ScoreOptions::default() };
    let scores = weigh(Some(&above()), &fixture("cancer.json"), &options).scores;
    // By the values at presentation: platelets 61, hemolysis met, cancer, no transplant, MCV 91.5, INR 1.2, creatinine 2.36.
    assert_eq!(scores[0].result, ScoreResult::Computed { points: 3 });
    assert_eq!(scores[0].items[2].state, ItemState::NotMet);
    assert!(matches!(&scores[1].result, ScoreResult::NotApplicable { reason } if reason.contains("no active cancer")));
    // Platelets 38: 2; D-dimer 2150 above 3 × 500: 2; prothrombin time 14.6 − 13.2: 0; fibrinogen 2.62: 0.
    assert_eq!(scores[2].result, ScoreResult::Computed { points: 4 });
    assert!(matches!(scores[3].result, ScoreResult::NotApplicable { .. }));
}

#[test]
fn the_page_for_cancer_names_exposures_and_places_values() {
    let page = evidence(Some(&above()), &fixture("cancer.json")).cancer_page.expect("a cancer is known");
    let kinds: Vec<_> = page.exposures.iter().map(|exposure| (exposure.kind, exposure.name.as_str())).collect();
    assert_eq!(
        kinds,
        [
            (ExposureKind::Tumor, "adenocarcinoma of the pancreas"),
            (ExposureKind::Metastasis, "metastases"),
            (ExposureKind::Marrow, "tumor in the bone marrow"),
            (ExposureKind::Drug, "gemcitabine"),
            (ExposureKind::OtherDrug, "nab-paclitaxel"),
        ]
    );
    assert_eq!(page.exposures[3].date.as_deref(), Some("2024-09-16"));
    assert!(page.exposures[3].source.is_some() && page.exposures[4].source.is_none());
    let position = |comparison: usize, code: &str| {
        let items = &page.comparisons[comparison].items;
        items.iter().find(|item| item.code == code).and_then(|item| item.position.clone()).unwrap_or_default()
    };
    assert_eq!(position(0, "adamts13_activity"), "not below 5 %");
    assert_eq!(position(0, "creatinine"), "not below 2.0 mg/dL");
    assert_eq!(position(1, "prothrombin_time"), "above its upper limit");
    assert_eq!(position(1, "fibrinogen"), "not below its lower limit");
    assert_eq!(position(2, "sc5b9"), "at or above its upper limit");
    assert_eq!(page.missing, Vec::<String>::new());
    assert!(page.caveats.iter().any(|caveat| caveat.contains("tops out at 6")));
    let mut codes: Vec<_> = page.comparisons.iter().map(|comparison| comparison.code.as_str()).collect();
    codes.sort_unstable();
    assert_eq!(codes, ["complement", "dic", "ttp"]);
}

#[test]
fn the_sparse_panel_says_what_is_missing() {
    let evidence = evidence(None, &fixture("sparse.json"));
    assert_eq!(codes(&statement(&evidence, Statement::MechanicalHemolysis).supports), ["ldh"]);
    assert_eq!(codes(&statement(&evidence, Statement::Thrombocytopenia).supports), ["platelets"]);
    // Sex selects the interval of creatinine and is not known.
    assert_eq!(codes(&statement(&evidence, Statement::RenalInvolvement).neutral), ["creatinine"]);
    for name in ["ADAMTS13 activity", "D-dimer or FDP", "Schistocytes on the film", "Cancer: active or not", "Sex"] {
        assert!(evidence.missing.iter().any(|missing| missing == name), "{name} in {:?}", evidence.missing);
    }
    assert!(evidence.scores[..3].iter().all(|score| matches!(score.result, ScoreResult::NotComputable { .. })));
    assert_eq!(evidence.cancer_page, None);
    let missing = &statement(&evidence, Statement::MechanicalHemolysis).missing;
    assert_eq!(
        missing[..],
        ["Schistocytes on the film", "Reticulocytes", "Haptoglobin", "Bilirubin, indirect", "Direct antiglobulin test"]
    );
    assert!(evidence.limitations.iter().any(|text| text.starts_with("No film was counted")));
}

#[test]
fn the_panel_without_cancer_has_no_page_and_a_full_score() {
    let evidence = evidence(Some(&above()), &fixture("ttp_like.json"));
    assert_eq!(evidence.cancer_page, None);
    assert_eq!(evidence.scores[0].result, ScoreResult::Computed { points: 7 });
    assert_eq!(evidence.scores[1].result, ScoreResult::Computed { points: 2 });
    assert!(matches!(evidence.scores[2].result, ScoreResult::NotApplicable { .. }));
    let deficiency = statement(&evidence, Statement::SevereAdamts13Deficiency);
    assert_eq!(codes(&deficiency.supports), ["adamts13_activity", "adamts13_inhibitor", "adamts13_antibody"]);
    assert_eq!(codes(&statement(&evidence, Statement::NeurologicalInvolvement).supports), ["neurological"]);
    assert_eq!(item(&evidence, "haptoglobin").value_text, "undetectable");
}

#[test]
fn nothing_at_all_is_all_missing() {
    let evidence = evidence(None, &LabPanel::default());
    assert_eq!(evidence.blocks.len(), Block::ALL.len());
    assert!(evidence.blocks.iter().all(|block| block.items.is_empty() && !block.missing.is_empty()));
    assert_eq!(evidence.statements.len(), Statement::ALL.len());
    assert!(evidence.statements.iter().all(|of| of.supports.is_empty() && !of.missing.is_empty()));
}

#[test]
fn each_rule_on_both_sides_of_its_limit() {
    for (result, below, at, over, limit) in [
        (r#""analyte": "ldh", "unit": "U/L""#, SpeaksAgainst, SpeaksAgainst, Supports, 222.0),
        (r#""analyte": "haptoglobin", "unit": "mg/dL""#, Supports, SpeaksAgainst, SpeaksAgainst, 30.0),
        (r#""analyte": "bilirubin_indirect", "unit": "mg/dL""#, SpeaksAgainst, SpeaksAgainst, Supports, 1.0),
        (r#""analyte": "reticulocytes_percent", "unit": "%""#, Neutral, Neutral, Supports, 2.71),
        (r#""analyte": "platelets", "unit": "K/uL""#, Supports, SpeaksAgainst, SpeaksAgainst, 150.0),
        (r#""analyte": "inr", "unit": "{INR}""#, SpeaksAgainst, SpeaksAgainst, Supports, 1.2),
        (r#""analyte": "fibrinogen", "unit": "g/L""#, Supports, SpeaksAgainst, SpeaksAgainst, 2.0),
        (r#""analyte": "d_dimer", "unit": "ng/mL FEU", "ref_high": 500"#, SpeaksAgainst, SpeaksAgainst, Neutral, 500.0),
        (r#""analyte": "d_dimer", "unit": "ng/mL FEU", "ref_high": 500"#, Neutral, Neutral, Supports, 1500.0),
        (r#""analyte": "fdp", "unit": "mg/L", "ref_high": 5"#, SpeaksAgainst, SpeaksAgainst, Supports, 5.0),
        (r#""analyte": "urea_nitrogen", "unit": "mg/dL""#, SpeaksAgainst, SpeaksAgainst, Supports, 21.0),
        (r#""analyte": "egfr", "unit": "mL/min/{1.73_m2}""#, Supports, SpeaksAgainst, SpeaksAgainst, 60.0),
        (r#""analyte": "urine_protein_creatinine", "unit": "mg/g""#, Neutral, Supports, Supports, 1000.0),
        (r#""analyte": "troponin_t", "unit": "ng/L", "ref_high": 14"#, SpeaksAgainst, SpeaksAgainst, Supports, 14.0),
        (r#""analyte": "adamts13_activity", "unit": "%""#, Supports, Supports, SpeaksAgainst, 10.0),
        (r#""analyte": "adamts13_inhibitor", "unit": "BU""#, Neutral, Neutral, Supports, 0.5),
        (r#""analyte": "c3", "unit": "mg/dL""#, Supports, Neutral, Neutral, 90.0),
        (r#""analyte": "sc5b9", "unit": "ng/mL", "ref_high": 300"#, SpeaksAgainst, Supports, Supports, 300.0),
    ] {
        for (value, expected) in [(limit - 0.01, below), (limit, at), (limit + 0.01, over)] {
            assert_eq!(direction(&format!(r#"{result}, "value": {value}"#)), expected, "{result} {value}");
        }
    }
}

#[test]
fn words_zeros_and_comparators_bear_by_their_rule() {
    for (result, expected) in [
        (r#""analyte": "fibrinogen", "value": 0.99, "unit": "g/L""#, Supports),
        (r#""analyte": "analyzer_fragments", "value": 0, "unit": "%""#, SpeaksAgainst),
        (r#""analyte": "analyzer_fragments", "value": 3, "unit": "%""#, Neutral),
        // Three times 200.2 is 600.5999999999999 in binary arithmetic and 600.6 for a reader.
        (r#""analyte": "d_dimer", "value": 600.6, "unit": "ng/mL FEU", "ref_high": 200.2"#, Neutral),
        (r#""analyte": "d_dimer", "value": 600.7, "unit": "ng/mL FEU", "ref_high": 200.2"#, Supports),
        (r#""analyte": "dat", "coded": "negative""#, Supports),
        (r#""analyte": "dat", "coded": "positive""#, SpeaksAgainst),
        (r#""analyte": "haptoglobin", "coded": "undetectable""#, Supports),
        (r#""analyte": "urine_protein_strip", "coded": "negative""#, SpeaksAgainst),
        (r#""analyte": "urine_protein_strip", "coded": "trace""#, Neutral),
        (r#""analyte": "urine_protein_strip", "coded": "1+""#, Supports),
        (r#""analyte": "urine_hemoglobin_strip", "coded": "3+""#, Neutral),
        (r#""analyte": "adamts13_inhibitor", "coded": "positive""#, Supports),
        (r#""analyte": "adamts13_inhibitor", "coded": "negative""#, Neutral),
        (r#""analyte": "ldh", "comparator": ">", "value": 1000, "unit": "U/L""#, Supports),
        (r#""analyte": "ldh", "comparator": "<", "value": 1000, "unit": "U/L""#, Neutral),
        (r#""analyte": "ldh", "comparator": "<", "value": 100, "unit": "U/L""#, SpeaksAgainst),
    ] {
        assert_eq!(direction(result), expected, "{result}");
    }
}

#[test]
fn a_fall_from_baseline_supports_above_thirty_percent() {
    for (now, expected) in [(209.0, Supports), (210.0, SpeaksAgainst)] {
        let found = directions(&format!(
            r#"{{"analyte": "platelets", "value": {now}, "unit": "10*9/L"}},
               {{"analyte": "platelets_baseline", "value": 300, "unit": "K/uL"}}"#
        ));
        assert_eq!(found, [("platelets".to_owned(), expected)], "{now}");
    }
}

#[test]
fn adamts13_after_plasma_says_nothing() {
    for (before, expected, limitation) in [
        (r#", "before_plasma": false"#, Neutral, Some("ADAMTS13 was drawn after plasma was given")),
        (r#", "before_plasma": true"#, SpeaksAgainst, None),
        ("", SpeaksAgainst, Some("It is not stated whether ADAMTS13")),
    ] {
        let row = format!(r#"{{"analyte": "adamts13_activity", "value": 45, "unit": "%"{before}}}"#);
        let evidence = evidence(None, &panel_of_rows("", &row));
        let found = direction_on(&evidence, "adamts13_activity", Statement::SevereAdamts13Deficiency);
        assert_eq!(found, Some(expected), "{before}");
        let of_adamts13 = evidence.limitations.iter().find(|text| text.contains("ADAMTS13"));
        assert_eq!(of_adamts13.is_some(), limitation.is_some(), "{before}");
        assert!(of_adamts13.is_none_or(|text| text.starts_with(limitation.unwrap_or_default())), "{of_adamts13:?}");
    }
}

#[test]
fn the_count_bears_by_its_state_alone() {
    for (state, context, expected) in [
        (State::Above, Context::SchistocytesPredominate, Supports),
        (State::NotAbove, Context::SchistocytesPredominate, SpeaksAgainst),
        (State::Indeterminate, Context::SchistocytesPredominate, Neutral),
        (State::Insufficient, Context::SchistocytesPredominate, Neutral),
        // The caution of a mixed picture stands beside the state.
        (State::Above, Context::MixedPoikilocytosis, Supports),
    ] {
        let smear = SmearFinding { state, context: Some(context), ..above() };
        let evidence = evidence(Some(&smear), &LabPanel::default());
        let found = direction_on(&evidence, "schistocytes_percent", Statement::MechanicalHemolysis);
        assert_eq!(found, Some(expected), "{state:?} {context:?}");
    }
}

#[test]
fn the_caution_of_a_mixed_picture_stands_beside_the_rule() {
    let mixed = SmearFinding { context: Some(Context::MixedPoikilocytosis), ..above() };
    let evidence = evidence(Some(&mixed), &LabPanel::default());
    let film = item(&evidence, "schistocytes_percent");
    assert_eq!(film.flag, Some(crate::clinical::Flag::High));
    assert_eq!(
        film.bearings[0].rule,
        "the lower limit less the model's errors lies above the limit of 1 %; other changes of shape outnumber \
         schistocytes, so that a percentage is not specific"
    );
    for limitation in ["Schistocytes are not specific for TMA.", "Other changes of shape outnumber schistocytes: "] {
        assert!(evidence.limitations.iter().any(|text| text.starts_with(limitation)), "{limitation}");
    }
}

#[test]
fn a_reviewed_count_bears_without_the_errors_of_the_model() {
    for (state, rule, limitation) in [
        (State::Above, "the lower limit lies above the limit of 1 %", "Schistocytes are not specific for TMA."),
        (
            State::NotAbove,
            "the upper limit, with the cells that nobody read, lies at or below the limit of 1 %; this does not exclude TMA",
            "Schistocytes at or below the limit do not exclude TMA.",
        ),
        (
            State::Indeterminate,
            "with the cells that nobody read it may lie on either side of the limit of 1 %",
            "With the cells that nobody read the schistocytes may lie on either side of the limit.",
        ),
    ] {
        let smear = SmearFinding { state, reviewed: true, ..above() };
        let evidence = evidence(Some(&smear), &LabPanel::default());
        let film = item(&evidence, "schistocytes_percent");
        assert_eq!(film.bearings[0].rule, rule);
        assert_eq!(film.notes, ["Cells found by software, the suspicious ones read by a person."]);
        assert!(evidence.limitations.iter().any(|text| text == limitation), "{:?}", evidence.limitations);
    }
    let film = evidence(Some(&above()), &LabPanel::default());
    assert_eq!(item(&film, "schistocytes_percent").notes, ["Counted by software, preliminary until reviewed."]);
}

#[test]
fn a_few_called_cells_do_not_make_schistocytes_seen() {
    for (state, schistocytes, beyond_model_error, seen) in [
        (State::Above, 60, false, Some(true)),
        (State::NotAbove, 0, false, Some(false)),
        (State::NotAbove, 3, false, None),
        (State::Insufficient, 0, false, None),
        // More than false calls explain, on either side of the limit, but never among too few cells.
        (State::NotAbove, 60, true, Some(true)),
        (State::Indeterminate, 60, true, Some(true)),
        (State::Insufficient, 60, true, None),
        (State::NotAssessable, 60, true, None),
    ] {
        let smear = SmearFinding { state, schistocytes, beyond_model_error, ..above() };
        assert_eq!(smear.schistocytes_seen(), seen, "{state:?} {schistocytes}");
    }
    // What a person saw goes before what was measured.
    let smear = SmearFinding { state: State::NotAbove, schistocytes: 0, ..above() };
    let scores = evidence(Some(&smear), &fixture("ttp_like.json")).scores;
    assert_eq!(scores[0].result, ScoreResult::Computed { points: 7 });
}

#[test]
fn an_interval_stands_in_the_unit_of_its_item_with_its_owner() {
    let row = r#"{"analyte": "creatinine", "value": 141, "unit": "umol/L"}"#;
    let evidence = evidence(None, &panel_of_rows(r#""sex": "female""#, row));
    let creatinine = item(&evidence, "creatinine");
    let reference = creatinine.reference.as_ref().expect("built in");
    assert_eq!((reference.low, reference.high, reference.owner), (Some(52.2), Some(91.9), ReferenceOwner::BuiltIn));
    assert_eq!(creatinine.bearings[0].rule, "above the upper limit of 91.9 µmol/L (built-in default)");
    assert_eq!((creatinine.value, creatinine.unit.as_deref()), (Some(141.0), Some("umol/L")));
}

#[test]
fn the_record_reads_back_as_written_and_every_bearing_names_its_rule_and_source() {
    for file in ["cancer.json", "sparse.json", "ttp_like.json"] {
        let evidence = evidence(Some(&above()), &fixture(file));
        let text = serde_json::to_string(&evidence).expect("a plain record");
        assert_eq!(serde_json::from_str::<Evidence>(&text).expect("own text"), evidence, "{file}");
        for item in evidence.blocks.iter().flat_map(|block| &block.items) {
            assert!(!item.value_text.is_empty() && !item.name.is_empty(), "{}", item.code);
            assert!(item.bearings.iter().all(|of| !of.rule.is_empty() && !of.source.is_empty()), "{}", item.code);
        }
    }
}
