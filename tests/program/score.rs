//! `score` as other programs see it: scores, refusals, exit codes, words that must not stand in the output.

use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use assert_cmd::assert::Assert;
use schistoquant::case::{FOOTER, banned_terms_in};
use schistoquant::clinical::{PanelOptions, Score, ScoreOptions, ScoreResult, read_panel};
use schistoquant::count::{Context, State};
use schistoquant::evidence::{SmearFinding, weigh};

fn fixture(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(file)
}

fn score(labs: &Path, more: &[&str]) -> Assert {
    let mut program = Command::cargo_bin("schistoquant").expect("the program is built");
    program.arg("score").arg("--labs").arg(labs).args(more).assert()
}

fn stdout(done: &Assert) -> String {
    String::from_utf8(done.get_output().stdout.clone()).expect("UTF-8")
}

/// The scores of `--json`.
fn scores(file: &str, more: &[&str]) -> Vec<Score> {
    let more = [&["--json"], more].concat();
    let document: serde_json::Value =
        serde_json::from_str(&stdout(&score(&fixture(file), &more).code(0))).expect("one JSON document");
    assert_eq!(document["footer"], FOOTER);
    serde_json::from_value(document["scores"].clone()).expect("scores")
}

#[test]
fn the_same_panel_gives_the_same_scores_in_every_format() {
    let json = scores("labs/cancer.json", &[]);
    assert_eq!(json, scores("labs/cancer.hl7", &[]));
    assert_eq!(json, scores("labs/cancer.fhir.json", &[]));
    let results: Vec<_> = json.iter().map(|score| (score.name.as_str(), &score.result)).collect();
    assert_eq!(results[0], ("PLASMIC", &ScoreResult::Computed { points: 3 }));
    assert!(matches!(results[1], ("French score", ScoreResult::NotApplicable { .. })));
    assert_eq!(results[2], ("ISTH overt DIC", &ScoreResult::Computed { points: 4 }));
    assert!(matches!(results[3], ("Transplant-associated TMA", ScoreResult::NotApplicable { .. })));
}

#[test]
fn the_version_of_the_dic_score_is_chosen() {
    // D-dimer is 4.3 times its limit: 2 points in 2025, 3 by the limits used for 2001.
    let points = |version: &str| {
        let scores = scores("labs/cancer.json", &["--dic-version", version]);
        (scores[2].version.clone(), scores[2].items[1].points, scores[2].result.clone())
    };
    assert_eq!(points("2025"), ("2025".to_owned(), Some(2), ScoreResult::Computed { points: 4 }));
    assert_eq!(points("2001"), ("2001".to_owned(), Some(3), ScoreResult::Computed { points: 5 }));
    score(&fixture("labs/cancer.json"), &["--dic-version", "2009"]).code(2);
}

#[test]
fn the_text_names_items_values_and_the_caveat_of_cancer() {
    let text = stdout(&score(&fixture("labs/cancer.json"), &[]).code(0));
    for line in [
        "PLASMIC, 2017\n",
        "item           Platelets (< 30 × 10⁹/L): 61 × 10³/µL: not met, 0 of 1\n",
        "item           No active cancer (an active cancer gives no point): active cancer: yes: not met, 0 of 1\n",
        "result         3 of 7 points, band: low\n",
        "result         not applicable: not fulfilled: no active cancer\n",
        "(published cohort, not this patient)",
        "tops out at 6",
    ] {
        assert!(text.contains(line), "{line} in {text}");
    }
    assert!(text.ends_with(&format!("{FOOTER}\n")));
}

#[test]
fn a_sparse_panel_gives_ranges_and_names_what_is_missing() {
    let text = stdout(&score(&fixture("labs/sparse.json"), &[]).code(0));
    assert!(text.contains("result         not computable (possible: 1 to 6 points); missing: Hemolysis"), "{text}");
    assert!(text.contains("schistocytes visible on the film"), "{text}");
}

#[test]
fn a_panel_that_is_refused_or_cannot_be_read_leaves_with_2() {
    let done = score(&fixture("bad/labs/bad-drug-date.json"), &[]).code(2);
    let error = String::from_utf8_lossy(&done.get_output().stderr).into_owned();
    assert!(error.starts_with("error: ") && error.lines().count() == 1, "{error}");
    assert!(error.contains("context.drugs: expected a time such as 2025-01-02, found `last autumn`"), "{error}");
    assert_eq!(stdout(&done), "");
    let done = score(Path::new("no-such-panel.json"), &[]).code(2);
    assert!(String::from_utf8_lossy(&done.get_output().stderr).contains("no-such-panel.json: expected a file"));
    Command::cargo_bin("schistoquant").expect("the program is built").arg("score").assert().code(2);
}

#[test]
fn every_bad_panel_is_refused_by_the_command() {
    let expected: serde_json::Map<String, serde_json::Value> =
        serde_json::from_slice(&fs::read(fixture("bad/labs/expected.json")).expect("a file"))
            .expect("names and reasons");
    assert!(expected.len() > 12);
    for (file, reason) in &expected {
        let done = score(&fixture("bad/labs").join(file), &["--json"]).code(2);
        let error = String::from_utf8_lossy(&done.get_output().stderr).into_owned();
        assert!(error.contains(reason.as_str().expect("a text")), "{file}: {error}");
    }
}

#[test]
fn observations_that_are_left_aside_are_printed() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let labs = folder.path().join("labs.hl7");
    let message =
        "MSH|^~\\&|LIS|HOSP|X|Y|20250305||ORU^R01|1|P|2.5.1\rOBX|1|NM|6690-2^Leukocytes^LN||7|10*3/uL|||||F\r";
    fs::write(&labs, message).expect("writable");
    let text = stdout(&score(&labs, &[]).code(0));
    assert!(text.contains("left aside: 6690-2 (LN) Leukocytes: not on the list of analytes\n"), "{text}");
}

#[test]
fn a_doubtful_result_is_named_and_the_others_are_scored() {
    let text = stdout(&score(&fixture("labs/doubtful/unknown-unit.json"), &[]).code(0));
    let aside = "left aside: hemoglobin Hemoglobin: results[0]: expected a unit of hemoglobin, found `mmol/L`; accepted: g/dL, g/L";
    assert!(text.contains(aside), "{text}");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let labs = folder.path().join("LABS.HL7");
    let message = "MSH|^~\\&|LIS|HOSP|X|Y|20250305||ORU^R01|1|P|2.5.1\rOBR|1||||||20250305\r\
        OBX|1|NM|2160-0^Creatinine^LN||1.1|mg/dL|see report||||F\r\
        OBX|2|NM|777-3^Platelets^LN||20|10^9/L|||||F|||2015\rOBX|3|NM|777-3^Platelets^LN||400|10^9/L|||||F|||20150305\r";
    fs::write(&labs, message).expect("writable");
    let text = stdout(&score(&labs, &[]).code(0));
    for line in [
        "note: Creatinine used; its reference range `see report` could not be read\n",
        "left aside: 777-3 (LN) Platelets: OBX[2]: expected a time such as 20250102083000+0100, found `2015`",
        "left aside: platelets Platelets: 400 × 10⁹/L of 2015-03-05: outside the window of 72 h before to 72 h after 2025-03-05\n",
        "window: Results were taken from 72 h before to 72 h after the newest result, because the time of the specimen is not \
         known (2025-03-05); outside and left aside: 1.\n",
    ] {
        assert!(text.contains(line), "{line} in {text}");
    }
}

#[test]
fn no_score_and_no_evidence_holds_a_banned_term() {
    let states = [State::Above, State::NotAbove, State::Indeterminate, State::Insufficient, State::NotAssessable];
    for file in ["cancer.json", "sparse.json", "ttp_like.json"] {
        for version in ["2001", "2025"] {
            let text = stdout(&score(&fixture("labs").join(file), &["--dic-version", version]).code(0));
            assert_eq!(banned_terms_in(&text), Vec::<&str>::new(), "{text}");
        }
        let bytes = fs::read(fixture("labs").join(file)).expect("a fixture");
        let panel = read_panel(&bytes, file, &PanelOptions::default()).expect("a panel");
        // After stem cells the checklist is shown too.
        let mut transplanted = panel.context.clone();
        transplanted.transplant = serde_json::from_str(r#"{"kind": "stem_cell"}"#).expect("a transplant");
        for panel in [&panel, &panel.with_context(transplanted)] {
            for state in states {
                let smear = SmearFinding {
                    percent: Some(2.4),
                    low_percent: Some(1.7),
                    high_percent: Some(3.4),
                    red_cells: 1204,
                    schistocytes: 29,
                    threshold_percent: 1.0,
                    state,
                    context: Some(Context::SchistocytesPredominate),
                    beyond_model_error: state == State::Above,
                    reviewed: false,
                };
                let evidence = weigh(Some(&smear), panel, &ScoreOptions::default());
                let text = serde_json::to_string(&evidence).expect("a plain record");
                assert_eq!(banned_terms_in(&text), Vec::<&str>::new(), "{text}");
            }
        }
    }
}
