//! `evaluate` as other programs see it: figures, files, cards, suites, refusals and exit codes. The model has random
//! weights, so figures of classes say nothing here; they are compared with what `analyze` counts on the same fields.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use crate::support::tiny_model::tiny_model;
use assert_cmd::Command;
use assert_cmd::assert::Assert;
use schistoquant::evaluate::split::HashedPart;
use schistoquant::evaluate::suite::{Suite, SuiteRecord};
use schistoquant::evaluate::{EVALUATION_SCHEMA, Estimate, Evaluation, SUITE_SCHEMA, schema};
use schistoquant::smear::{CellClass, LabeledField, TruthKind};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Fields of the synthetic specimen in use: enough cells of every kind, few enough for a test.
const FIELDS: [&str; 3] = ["field-0001", "field-0002", "field-0003"];
/// Pixel size given to every run, so that a set and its parts are measured alike.
const UM_PER_PX: [&str; 2] = ["--um-per-px", "0.1875"];

/// A folder with fields and their truth beside them.
static SPECIMEN: LazyLock<TempDir> = LazyLock::new(|| specimen(&FIELDS));
static TINY_MODEL: LazyLock<(TempDir, PathBuf)> = LazyLock::new(tiny_model);

fn folder() -> TempDir {
    TempDir::new().expect("a temporary folder")
}

fn specimen(fields: &[&str]) -> TempDir {
    let made = folder();
    for field in fields {
        for ending in ["jpg", "truth.json"] {
            let name = format!("{field}.{ending}");
            fs::copy(Path::new("fixtures/specimen").join(&name), made.path().join(&name)).expect("the fixture");
        }
    }
    made
}

fn program() -> Command {
    let mut command = Command::cargo_bin("schistoquant").expect("the program is built");
    command.env("ORT_DYLIB_PATH", "").env_remove("SCHISTOQUANT_DATA");
    command
}

/// `evaluate` with the tiny model.
fn evaluate(input: &Path, out: &Path, more: &[&str]) -> Assert {
    program()
        .arg("evaluate")
        .arg(input)
        .arg("--out")
        .arg(out)
        .arg("--model")
        .arg(&TINY_MODEL.1)
        .args(UM_PER_PX)
        .args(more)
        .assert()
}

/// `evaluate` of a folder against the truth in it.
fn with_truth(input: &Path, out: &Path, more: &[&str]) -> Assert {
    let labels = input.to_str().expect("UTF-8");
    evaluate(input, out, &[&["--labels", labels], more].concat())
}

fn stdout(done: &Assert) -> String {
    String::from_utf8_lossy(&done.get_output().stdout).into_owned()
}

fn stderr(done: &Assert) -> String {
    String::from_utf8_lossy(&done.get_output().stderr).into_owned()
}

fn evaluation(out: &Path) -> Evaluation {
    let text = fs::read(out.join("evaluation.json")).expect("the record");
    serde_json::from_slice(&text).expect("the record of the types")
}

fn json_of(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).expect("a file")).expect("JSON")
}

fn files_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").file_name());
    let mut names: Vec<String> = entries.map(|name| name.to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// Red cells, and of them schistocytes, in the truth of the specimen.
fn labelled() -> (u64, u64) {
    let truths = FIELDS.iter().map(|field| -> LabeledField {
        let text = fs::read(SPECIMEN.path().join(format!("{field}.truth.json"))).expect("the truth");
        serde_json::from_slice(&text).expect("the truth")
    });
    let red: Vec<_> = truths.flat_map(|truth| truth.cells).filter(|cell| cell.kind == TruthKind::RedCell).collect();
    let schistocytes = red.iter().filter(|cell| cell.class == Some(CellClass::Schistocyte)).count();
    (red.len() as u64, schistocytes as u64)
}

/// Schistocytes and red cells that `analyze` counts on the specimen.
fn counted_by_analyze() -> (u64, u64) {
    let out = folder();
    let mut command = program();
    command.arg("analyze").arg(SPECIMEN.path()).arg("--out").arg(out.path()).arg("--model").arg(&TINY_MODEL.1);
    command.args(UM_PER_PX).args(["--format", "json", "--min-cells", "20"]).assert().code(0);
    let case = json_of(&out.path().join("case.json"));
    let count = |name: &str| case["count"][name].as_u64().expect("a count");
    (count("schistocytes"), count("red_cells"))
}

fn assert_follows(schema: &str, document: &Value) {
    let schema = serde_json::from_str(schema).expect("the committed schema is JSON");
    let validator = jsonschema::validator_for(&schema).expect("the committed schema is a JSON Schema");
    let faults: Vec<String> = validator.iter_errors(document).map(|fault| fault.to_string()).collect();
    assert_eq!(faults, Vec::<String>::new());
}

#[test]
fn committed_schemas_are_those_of_the_types() {
    for (path, committed, current) in [
        ("src/evaluate/schema/evaluation-v1.json", EVALUATION_SCHEMA, schema::<Evaluation>()),
        ("src/evaluate/schema/suite-v1.json", SUITE_SCHEMA, schema::<SuiteRecord>()),
    ] {
        let current = current.expect("the types have a schema");
        if std::env::var_os("REGENERATE").is_some() {
            fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join(path), current).expect("the repository is writable");
        } else {
            assert!(current == committed, "{path} differs from the types; run with REGENERATE=1 and review the change");
        }
    }
}

#[test]
fn synthetic_fields_give_every_figure_their_truth_allows() {
    let out = folder();
    let done = with_truth(SPECIMEN.path(), out.path(), &["--json", "--name", "synthetic"]).code(0);
    assert_eq!(files_in(out.path()), ["cells.csv", "evaluation.html", "evaluation.json"]);
    let document = json_of(&out.path().join("evaluation.json"));
    assert_eq!(serde_json::from_slice::<Value>(&done.get_output().stdout).expect("one document"), document);
    assert_follows(EVALUATION_SCHEMA, &document);
    let found = evaluation(out.path());
    let (red_cells, schistocytes) = labelled();
    assert_eq!((found.set.as_str(), found.fields, found.unlabelled_fields), ("synthetic", 3, 0));
    assert_eq!(found.provenance.options["label_format"], "truth");
    assert_eq!(found.provenance.inputs.len(), 3);

    let points = &found.segmentation.points;
    assert_eq!(points.own.n, red_cells);
    let parts = [points.own, points.merged, points.split, points.excluded, points.missed];
    assert_eq!(parts.iter().filter_map(|part| part.count).sum::<u64>(), red_cells);
    assert!(points.own_or_cut_by_frame.count >= points.own.count);
    assert!(points.own_inside_frame.value > Some(0.9), "{:?}", points.own_inside_frame);
    let (boxes, masks) = (&found.segmentation.boxes, &found.segmentation.masks);
    assert!(boxes.f1.value > Some(0.9) && masks.mean_iou.value > Some(0.8), "{boxes:?} {masks:?}");
    assert!(masks.panoptic_quality.value > Some(0.75) && found.segmentation.counts.fields.len() == 3);

    let classes = &found.classification;
    assert_eq!(classes.end_to_end.sensitivity.n, schistocytes);
    assert!(classes.end_to_end.sensitivity.count <= classes.counted_cells.sensitivity.count);
    assert_eq!(classes.end_to_end.sensitivity_at.len(), 3);
    let defined: [Estimate; 5] = [
        classes.counted_cells.auc,
        classes.counted_cells.average_precision,
        classes.macro_f1,
        classes.kappa,
        classes.calibration_error,
    ];
    assert!(defined.iter().all(|figure| figure.value.is_some() && figure.interval_95.is_some()), "{defined:?}");
    assert_eq!(classes.classes.len(), 13);
    assert_eq!(found.healthy.called_schistocyte, Estimate::default());

    let page = fs::read_to_string(out.path().join("evaluation.html")).expect("the page");
    assert!(!found.worst_false_positives.is_empty() && !found.worst_misses.is_empty());
    assert!(page.starts_with("<!DOCTYPE html>") && page.contains("For Research Use Only."));
    assert!(page.contains("default-src 'none'") && !page.contains("<script"));
    let pictures = page.matches("src=\"data:image/jpeg;base64,").count();
    assert_eq!(pictures, found.worst_false_positives.len() + found.worst_misses.len());
}

#[test]
fn the_floor_is_what_analyze_counts() {
    let out = folder();
    // No labels at all: nothing is known but that no schistocyte is expected.
    let done = evaluate(SPECIMEN.path(), out.path(), &["--expect-none"]).code(0);
    let floor = evaluation(out.path()).healthy.called_schistocyte;
    let (schistocytes, red_cells) = counted_by_analyze();
    assert_eq!((floor.count, floor.n), (Some(schistocytes), red_cells));
    let said = stdout(&done);
    assert!(
        said.contains(&format!("counted cells called schistocyte: {:.2} %", 100.0 * floor.value.expect("a share")))
    );
    assert!(said.contains("3 fields, 0 refused") && said.contains("evaluation.html"), "{said}");
    // Labels that name a schistocyte contradict the declaration.
    let labelled = folder();
    let refused = with_truth(SPECIMEN.path(), labelled.path(), &["--expect-none", "--quiet"]).code(2);
    assert!(stderr(&refused).contains("as --expect-none declares, found one in its labels"), "{}", stderr(&refused));
    // With labels that do not, the floor is the same, and the outlines are judged too.
    let healthy = folder();
    program().args(["synth", "--seed", "4", "--fields", "1", "--out"]).arg(healthy.path()).assert().code(0);
    let alone = folder();
    evaluate(healthy.path(), alone.path(), &["--expect-none", "--quiet"]).code(0);
    with_truth(healthy.path(), labelled.path(), &["--expect-none", "--quiet"]).code(0);
    let (found, alone) = (evaluation(labelled.path()), evaluation(alone.path()));
    assert_eq!(found.healthy.called_schistocyte, alone.healthy.called_schistocyte);
    assert!(found.segmentation.boxes.recall.n > 30);
}

#[test]
fn the_bytes_do_not_depend_on_the_number_of_threads() {
    let [one, two] = ["1", "2"].map(|threads| {
        let out = folder();
        with_truth(SPECIMEN.path(), out.path(), &["--threads", threads, "--quiet"]).code(0);
        ["evaluation.json", "evaluation.html", "cells.csv"].map(|name| fs::read(out.path().join(name)).expect("a file"))
    });
    assert!(one == two, "evaluations differ between one and two threads");
}

#[test]
fn a_split_file_chooses_fields_and_names_groups_and_specimens() {
    let (lists, out) = (folder(), folder());
    let split = lists.path().join("split.csv");
    let rows = "image,split,group,specimen\nfield-0001,val,g1,s1\nfield-0002.jpg,val,g2,s1\nfield-0003,train,g3,s3\n";
    fs::write(&split, rows).expect("writable");
    let split = split.to_str().expect("UTF-8");
    with_truth(SPECIMEN.path(), out.path(), &["--split", split, "--want", "val"]).code(0);
    let found = evaluation(out.path());
    assert_eq!((found.fields, found.clusters), (2, 2));
    let names: Vec<_> = found.specimens.iter().map(|specimen| specimen.specimen.as_str()).collect();
    assert_eq!(names, ["s1"]);
    assert_eq!(found.provenance.options["want"], "val");
    with_truth(SPECIMEN.path(), out.path(), &["--split", split]).code(0);
    let all = evaluation(out.path());
    assert_eq!((all.fields, all.specimens.len(), all.agreement.bias.n), (3, 2, 2));
    let done = with_truth(SPECIMEN.path(), out.path(), &["--split", split, "--want", "test"]).code(2);
    assert!(stderr(&done).contains("found only `train`, `val`"), "{}", stderr(&done));
}

#[test]
fn a_part_by_file_name_holds_its_fields_alone() {
    let out = folder();
    let in_part = |part: HashedPart| FIELDS.iter().filter(|field| part.holds(&format!("{field}.jpg"))).count() as u64;
    let mut sum = 0;
    for part in [HashedPart::NotTrain, HashedPart::Train] {
        let expected = in_part(part);
        let code = if expected == 0 { 3 } else { 0 };
        with_truth(SPECIMEN.path(), out.path(), &["--part", part.name()]).code(code);
        if expected > 0 {
            assert_eq!(evaluation(out.path()).fields, expected, "{}", part.name());
        }
        sum += expected;
    }
    assert_eq!(sum, 3);
}

#[test]
fn fields_without_labels_are_left_aside_and_broken_ones_named() {
    let (input, out) = (specimen(&FIELDS[..2]), folder());
    fs::remove_file(input.path().join("field-0002.truth.json")).expect("the truth");
    fs::copy("fixtures/specimen/field-0003.truth.json", input.path().join("broken.truth.json")).expect("the fixture");
    fs::write(input.path().join("broken.jpg"), b"no image at all").expect("writable");
    let done = with_truth(input.path(), out.path(), &[]).code(1);
    let found = evaluation(out.path());
    assert_eq!((found.fields, found.unlabelled_fields, found.failed_inputs.len()), (1, 1, 1));
    assert!(found.failed_inputs[0].path.ends_with("broken.jpg"));
    assert!(stderr(&done).contains("broken.jpg: expected"), "{}", stderr(&done));
    // Labels that do not fit their image are named too.
    fs::copy("fixtures/fields/clump/overlap.truth.json", input.path().join("field-0002.truth.json"))
        .expect("a fixture");
    let done = with_truth(input.path(), out.path(), &[]).code(1);
    assert!(stderr(&done).contains("expected labels of an image of"), "{}", stderr(&done));
    assert_eq!(evaluation(out.path()).failed_inputs.len(), 2);
}

#[test]
fn wrong_usage_is_code_2_and_says_what_to_do() {
    let out = folder();
    let input = SPECIMEN.path();
    let truth = input.to_str().expect("UTF-8");
    for (more, said) in [
        (vec![], "give --labels, --readings or --expect-none"),
        (vec!["--labels", "no/such/folder"], "no/such/folder: expected a readable label file"),
        (vec!["--labels", "src"], "name it with --format"),
        (vec!["--labels", truth, "--format", "svg"], "expected a label format"),
        (vec!["--format", "voc", "--expect-none"], "--labels"),
        (vec!["--expect-none", "--want", "val"], "--split"),
        (vec!["--expect-none", "--part", "rest"], "expected a part"),
        (vec!["--expect-none", "--only", "a"], "cannot be used with"),
        (vec!["--expect-none", "--suite", "s.json"], "cannot be used with"),
    ] {
        let done = evaluate(input, out.path(), &more).code(2);
        assert!(stderr(&done).contains(said), "{more:?}: {}", stderr(&done));
    }
    program().args(["evaluate", "--out", "x"]).assert().code(2);
    let without_model =
        program().arg("evaluate").arg(input).args(["--out", "x", "--expect-none", "--write-card"]).assert();
    assert!(stderr(&without_model.code(2)).contains("--model"));
    assert_eq!(files_in(out.path()), Vec::<String>::new());
}

#[test]
fn other_failures_have_the_codes_of_the_contract() {
    let base = folder();
    let (out, empty) = (base.path().join("out"), base.path().join("empty"));
    fs::create_dir(&empty).expect("writable");
    let done = evaluate(&empty, &out, &["--expect-none"]).code(3);
    assert!(stderr(&done).contains("found none"), "{}", stderr(&done));
    let other = specimen(&FIELDS[..1]);
    let foreign = base.path().join("foreign.truth.json");
    fs::copy("fixtures/specimen/field-0002.truth.json", &foreign).expect("the fixture");
    let done = evaluate(other.path(), &out, &["--labels", foreign.to_str().expect("UTF-8")]).code(3);
    assert!(stderr(&done).contains("1 images have no labels of their name"), "{}", stderr(&done));
    assert!(!out.exists());
    let blank = base.path().join("blank.png");
    image::RgbImage::from_pixel(320, 240, image::Rgb([230, 228, 225])).save(&blank).expect("writable");
    evaluate(&blank, &out, &["--expect-none"]).code(4);
    assert_eq!(evaluation(&out).refused_fields, ["blank.png"]);
    program().arg("evaluate").arg(&blank).args(["--expect-none", "--model", "no.onnx", "--out", "x"]).assert().code(5);
    fs::write(base.path().join("file"), b"in the way").expect("writable");
    evaluate(&blank, &base.path().join("file"), &["--expect-none"]).code(6);
}

#[test]
fn measured_figures_enter_the_card_and_a_changed_one_is_refused() {
    let (model, out) = (tiny_model(), folder());
    let card_path = model.1.with_extension("card.json");
    let graph = model.1.to_str().expect("UTF-8");
    let run = |more: &[&str]| {
        let mut command = program();
        command.arg("evaluate").arg(SPECIMEN.path()).arg("--out").arg(out.path()).args(["--model", graph]);
        command.args(UM_PER_PX).arg("--write-card").args(more).assert()
    };
    let truth = SPECIMEN.path().to_str().expect("UTF-8");
    run(&["--labels", truth, "--name", "labelled"]).code(0);
    let (card, found) = (json_of(&card_path), evaluation(out.path()));
    let (counted, performance) = (&found.classification.counted_cells, &card["performance"]);
    assert_eq!(performance["sensitivity"].as_f64(), counted.sensitivity.value);
    assert_eq!(performance["sensitivity_cells"].as_u64(), Some(counted.sensitivity.n));
    assert_eq!(performance["specificity"].as_f64(), counted.specificity.value);
    assert_eq!(performance["specificity_cells"].as_u64(), Some(counted.specificity.n));
    assert_eq!(performance["measured_on"], "labelled: 3 fields, counted cells with a labelled class");
    assert_eq!(performance["false_positive_floor"], Value::Null);

    run(&["--expect-none", "--name", "healthy"]).code(0);
    let (merged, floor) = (json_of(&card_path), evaluation(out.path()).healthy.called_schistocyte);
    assert_eq!(merged["performance"]["sensitivity"], performance["sensitivity"]);
    assert_eq!(merged["performance"]["false_positive_floor"]["cells"].as_u64(), Some(floor.n));
    let percent = merged["performance"]["false_positive_floor"]["percent"].as_f64().expect("a floor");
    assert!((percent - 100.0 * floor.value.expect("a share")).abs() < 1e-3);
    assert_ne!(merged["evaluation_sha256"], card["evaluation_sha256"]);
    let done = program().args(["model", "--model", graph]).assert().code(0);
    assert!(stdout(&done).contains("evaluated              yes"), "{}", stdout(&done));

    let text = fs::read_to_string(&card_path).expect("the card");
    for (pointer, value) in [
        ("/performance/specificity", json!(0.9999)),
        ("/performance/false_positive_floor/cells", json!(5000)),
        ("/operating_point", json!(0.9)),
    ] {
        let mut changed: Value = serde_json::from_str(&text).expect("the card");
        *changed.pointer_mut(pointer).expect("a field") = value;
        fs::write(&card_path, changed.to_string()).expect("writable");
        let done = program().args(["model", "--model", graph]).assert().code(5);
        assert!(stderr(&done).contains("evaluation_sha256: expected the hash of figures"), "{}", stderr(&done));
    }
    // A floor that networks reached without having seen a set is kept.
    let mut unseen: Value = serde_json::from_str(&text).expect("the card");
    let kept = json!({ "percent": 0.2, "low": 0.1, "high": 0.4, "cells": 5000, "measured_on": "left out" });
    unseen["evaluation_sha256"] = Value::Null;
    unseen["performance"]["false_positive_floor"] = kept.clone();
    unseen["performance"]["unseen_origins"] = json!({
        "sensitivity": 0.5, "sensitivity_cells": 87, "sensitivity_measured_on": "left out", "false_positive_floor": kept
    });
    fs::write(&card_path, unseen.to_string()).expect("writable");
    run(&["--expect-none", "--name", "healthy"]).code(0);
    assert_eq!(json_of(&card_path)["performance"]["false_positive_floor"], kept);
    // Boxes without a class say nothing that a card states.
    fs::write(&card_path, &text).expect("writable");
    let labels = folder();
    fs::write(labels.path().join("field-0001.txt"), "1 0.5 0.5 0.1 0.1\n").expect("writable");
    let done = run(&["--labels", labels.path().to_str().expect("UTF-8")]).code(2);
    assert!(stderr(&done).contains("expected figures for a card"), "{}", stderr(&done));
    assert_eq!(fs::read_to_string(&card_path).expect("the card"), text);
}

#[test]
fn the_committed_suite_is_sound() {
    let suite = Suite::read(Path::new("models/evaluation-suite.json")).expect("a sound suite");
    let names: Vec<_> = suite.sets.iter().map(|set| set.name.as_str()).collect();
    assert_eq!(names[0], "chula-rbc-12-val");
    assert_eq!(names.len(), 12);
    assert_eq!(suite.sets.iter().filter(|set| set.card).count(), 2);
}

/// A suite of a labelled, a healthy and, where wanted, a missing set below a data folder.
fn suite_file(folder: &Path, with_missing: bool) -> PathBuf {
    let missing = json!({ "name": "missing", "inputs": ["no/such"], "expect_none": true, "figures": [] });
    let mut sets = vec![
        json!({
            "name": "labelled", "inputs": ["."], "labels": ".", "format": "truth", "um_per_px": 0.1875, "card": true,
            "figures": [
                { "figure": "box_f1", "at_least": 0.5 },
                { "figure": "points_merged", "at_most": -1.0 },
                { "figure": "false_positive_floor", "at_most": 1.0 },
                { "figure": "macro_f1" },
            ],
        }),
        json!({
            "name": "healthy", "inputs": ["field-0001.jpg"], "expect_none": true, "um_per_px": 0.1875,
            "figures": [{ "figure": "false_positive_floor", "at_most": 1.0 }],
        }),
    ];
    sets.extend(with_missing.then_some(missing));
    let path = folder.join("a-suite.json");
    fs::write(&path, json!({ "sets": sets }).to_string()).expect("writable");
    path
}

fn run_suite(suite: &Path, out: &Path, more: &[&str]) -> Assert {
    let mut command = program();
    command.arg("evaluate").arg("--suite").arg(suite).arg("--data").arg(SPECIMEN.path()).arg("--out").arg(out);
    command.arg("--model").arg(&TINY_MODEL.1).args(more).assert()
}

#[test]
fn a_suite_gives_one_table_and_an_evaluation_for_each_set() {
    let out = folder();
    let suite = suite_file(out.path(), false);
    let done = run_suite(&suite, out.path(), &[]).code(0);
    assert_eq!(files_in(out.path()), ["a-suite.json", "healthy", "labelled", "suite.json"]);
    assert_eq!(files_in(&out.path().join("healthy")), ["cells.csv", "evaluation.html", "evaluation.json"]);
    let document = json_of(&out.path().join("suite.json"));
    assert_follows(SUITE_SCHEMA, &document);
    let record: SuiteRecord = serde_json::from_value(document).expect("the record");
    let rows: Vec<_> = record.rows.iter().map(|row| (row.set.as_str(), row.figure.name(), row.met)).collect();
    assert_eq!(
        rows,
        [
            ("labelled", "box_f1", Some(true)),
            ("labelled", "points_merged", Some(false)),
            ("labelled", "false_positive_floor", None),
            ("labelled", "macro_f1", None),
            ("healthy", "false_positive_floor", Some(true)),
        ]
    );
    let alone = evaluation(&out.path().join("labelled"));
    assert_eq!(record.rows[0].measured, alone.segmentation.boxes.f1);
    assert_eq!((record.sets[0].fields, record.sets[1].fields), (3, 1));
    let said = stdout(&done);
    assert!(said.starts_with("set") && said.contains("targets met: 2 of 4"), "{said}");
    assert!(said.contains("not defined") && said.contains("≤ 100 %"), "{said}");

    // The same figures hold against themselves; better stated ones are not held.
    let stated = out.path().join("stated.json");
    let mut changed = json_of(&out.path().join("suite.json"));
    changed["rows"][0]["measured"] =
        json!({ "value": 2.0, "count": null, "n": 9, "interval_95": { "low": 1.9, "high": 2.1 } });
    fs::write(&stated, changed.to_string()).expect("writable");
    let done =
        run_suite(&suite, out.path(), &["--against", stated.to_str().expect("UTF-8"), "--only", "labelled"]).code(0);
    let record: SuiteRecord = serde_json::from_value(json_of(&out.path().join("suite.json"))).expect("the record");
    let held: Vec<_> = record.rows.iter().map(|row| row.held).collect();
    assert_eq!(held, [Some(false), Some(true), None, None]);
    assert_eq!(record.sets.len(), 1);
    assert!(stdout(&done).contains("figures below what was stated: 1"), "{}", stdout(&done));
}

#[test]
fn a_suite_goes_on_without_a_set_and_refuses_what_it_cannot_use() {
    let out = folder();
    let suite = suite_file(out.path(), true);
    let done = run_suite(&suite, out.path(), &["--only", "healthy,missing", "--json"]).code(1);
    let record: SuiteRecord = serde_json::from_slice(&done.get_output().stdout).expect("one document");
    assert_eq!(record.sets.iter().map(|set| set.failure.is_some()).collect::<Vec<_>>(), [false, true]);
    assert!(stderr(&done).contains("warning: missing: "), "{}", stderr(&done));
    assert!(!out.path().join("missing").exists());

    let nothing = run_suite(&suite, out.path(), &["--only", "missing", "--quiet"]).code(3);
    assert!(stderr(&nothing).contains("name the folder with --data"), "{}", stderr(&nothing));
    for (more, said) in [
        (vec!["--only", "other"], "found `other`"),
        (vec!["--against", "no.json"], "check --against"),
        (vec!["--against", "Cargo.toml"], "check --against"),
    ] {
        let done = run_suite(&suite, out.path(), &more).code(2);
        assert!(stderr(&done).contains(said), "{}", stderr(&done));
    }
    fs::write(&suite, "{}").expect("writable");
    assert!(stderr(&run_suite(&suite, out.path(), &[]).code(2)).contains("expected sets and figures in JSON"));
}

#[test]
fn a_suite_writes_the_figures_of_its_marked_sets_into_the_card() {
    let (model, out) = (tiny_model(), folder());
    let suite = suite_file(out.path(), false);
    let mut command = program();
    command.arg("evaluate").arg("--suite").arg(&suite).arg("--data").arg(SPECIMEN.path()).arg("--out").arg(out.path());
    let done = command.arg("--model").arg(&model.1).arg("--write-card").assert().code(0);
    assert!(stdout(&done).contains("tiny.card.json"));
    let card = json_of(&model.1.with_extension("card.json"));
    let sets: Vec<_> = card["performance"]["figures"].as_array().expect("figures").iter().collect();
    assert!(sets.len() > 10 && sets.iter().all(|figure| figure["set"] == "labelled"));
    assert_eq!(card["performance"]["false_positive_floor"], Value::Null, "the healthy set is not marked");
    program().arg("model").arg("--model").arg(&model.1).assert().code(0);
}
