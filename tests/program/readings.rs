//! `evaluate` against blind readings, `pseudo-patients` and `repeatability` as other programs see them. Readings are
//! made from the truth of drawn fields, so that every count is known; the model has random weights.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use crate::support::tiny_model::tiny_model;
use assert_cmd::Command;
use assert_cmd::assert::Assert;
use schistoquant::evaluate::pseudo_patients::PseudoRecord;
use schistoquant::evaluate::repeatability::RepeatabilityRecord;
use schistoquant::evaluate::{Evaluation, ReadFigures};
use schistoquant::smear::{CellClass, LabeledField, SchistocyteForm, TruthKind};
use tempfile::TempDir;

const FIELDS: [&str; 2] = ["field-0001", "field-0002"];
const UM_PER_PX: [&str; 2] = ["--um-per-px", "0.1875"];
const HEADER: &str = "set,image,x,y,label,reading_a,reading_b,weight,stratum";

static TINY_MODEL: LazyLock<(TempDir, PathBuf)> = LazyLock::new(tiny_model);

/// What the table made from the truth holds.
struct Drawn {
    folder: TempDir,
    cells: u64,
    schistocytes: u64,
}

impl Drawn {
    fn images(&self) -> PathBuf {
        self.folder.path().join("drawn/set")
    }

    fn table(&self) -> PathBuf {
        self.folder.path().join("readings.csv")
    }
}

/// Fields in a folder `drawn/set` and a table of readings that say what the truth says; of every fourth cell that is no
/// schistocyte, standing for four.
fn drawn() -> Drawn {
    let folder = TempDir::new().expect("a temporary folder");
    let images = folder.path().join("drawn/set");
    fs::create_dir_all(&images).expect("writable");
    let mut table = format!("{HEADER}\n");
    let (mut cells, mut schistocytes) = (0, 0);
    for field in FIELDS {
        for ending in ["jpg", "truth.json"] {
            let name = format!("{field}.{ending}");
            fs::copy(Path::new("fixtures/specimen").join(&name), images.join(&name)).expect("the fixture");
        }
        let text = fs::read(images.join(format!("{field}.truth.json"))).expect("the truth");
        let truth: LabeledField = serde_json::from_slice(&text).expect("the truth");
        for (i, cell) in truth.cells.iter().filter(|cell| cell.kind == TruthKind::RedCell).enumerate() {
            let outline = cell.contour.as_ref().expect("an outline");
            let middle = |axis: usize| {
                let values = || outline.iter().map(|point| point[axis]);
                let side = [f64::from(truth.width_px), f64::from(truth.height_px)][axis];
                let (low, high) = (values().fold(f64::INFINITY, f64::min), values().fold(0.0, f64::max));
                ((low.max(0.0) + high.min(side)) / 2.0).clamp(0.0, side)
            };
            let is_schistocyte = cell.class == Some(CellClass::Schistocyte);
            if !is_schistocyte && i % 4 > 0 {
                continue;
            }
            let form = match cell.form {
                Some(SchistocyteForm::Helmet) => "h",
                Some(SchistocyteForm::Triangle) => "t",
                Some(SchistocyteForm::Crescent) => "c",
                Some(SchistocyteForm::Keratocyte) => "k",
                _ => "",
            };
            let (reading, weight) = if is_schistocyte { (format!("S{form}"), 1.0) } else { ("N".to_owned(), 4.0) };
            writeln!(
                table,
                "drawn/set,{field}.jpg,{:.1},{:.1},,{reading},{reading},{weight},drawn",
                middle(0),
                middle(1)
            )
            .expect("a string takes it");
            cells += 1;
            schistocytes += u64::from(is_schistocyte);
        }
    }
    fs::write(folder.path().join("readings.csv"), table).expect("writable");
    Drawn { folder, cells, schistocytes }
}

fn program() -> Command {
    let mut command = Command::cargo_bin("schistoquant").expect("the program is built");
    command.env("ORT_DYLIB_PATH", "").env_remove("SCHISTOQUANT_DATA");
    command
}

fn evaluate(input: &Path, out: &Path, more: &[&str]) -> Assert {
    let mut command = program();
    command.arg("evaluate").arg(input).arg("--out").arg(out).arg("--model").arg(&TINY_MODEL.1);
    command.args(UM_PER_PX).arg("--quiet").args(more).assert()
}

fn evaluation(out: &Path) -> Evaluation {
    serde_json::from_slice(&fs::read(out.join("evaluation.json")).expect("the record")).expect("the record")
}

fn read_of(found: &Evaluation) -> &ReadFigures {
    found.readings.as_ref().expect("judged by readings")
}

fn text_of(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

#[test]
fn readings_are_the_truth_of_schistocytes_and_keep_their_weight() {
    let (drawn, out) = (drawn(), TempDir::new().expect("a temporary folder"));
    let table = drawn.table();
    evaluate(&drawn.images(), out.path(), &["--readings", text_of(&table), "--unread-are-none", "--threshold", "0.01"])
        .code(0);
    let found = evaluation(out.path());
    let read = read_of(&found);
    assert_eq!((read.cells, read.schistocytes.read), (drawn.cells, drawn.schistocytes));
    assert_eq!(read.kappa.value, Some(1.0));
    assert_eq!(read.consensus.get("schistocyte"), Some(&drawn.schistocytes));
    let schistocytes = &read.schistocytes;
    let aside = schistocytes.cut_by_frame + schistocytes.counted + schistocytes.not_counted.values().sum::<u64>();
    assert_eq!(aside, schistocytes.read);
    let (ends, counted) = (&found.classification.end_to_end, &found.classification.counted_cells);
    assert_eq!(ends.sensitivity.n, schistocytes.read - schistocytes.cut_by_frame);
    assert_eq!(counted.specificity.weight, Some(4.0 * counted.specificity.n as f64));
    assert!(counted.at_threshold.as_ref().is_some_and(|at| at.sensitivity.value >= counted.sensitivity.value));
    // The read percentage is that of the truth, the frame aside.
    let counted_cells = read.called.n as f64;
    let expected = 100.0 * (schistocytes.read - schistocytes.cut_by_frame) as f64 / counted_cells;
    assert!(read.read_percent.is_some_and(|percent| (percent - expected).abs() < 1e-3));
    assert!(read.called_minus_read_percent.value.is_some());
    assert!(read.forms.iter().map(|row| row.recall.n).sum::<u64>() > 0);
    assert!(found.provenance.inputs.iter().any(|input| input.file == "readings.csv"));
    let page = fs::read_to_string(out.path().join("evaluation.html")).expect("the page");
    assert!(page.contains("Two blind readings") && page.contains("at the second threshold, 0.01"));
    let cells = fs::read_to_string(out.path().join("cells.csv")).expect("the cells");
    assert_eq!(cells.lines().count() as u64, 1 + drawn.cells);

    // The format is told by the header; what nobody read is left aside unless it is said to be none.
    let alone = TempDir::new().expect("a temporary folder");
    evaluate(&drawn.images(), alone.path(), &["--labels", text_of(&table)]).code(0);
    let alone = evaluation(alone.path());
    assert_eq!(alone.classification.end_to_end.auc, ends.auc);
    assert_eq!(read_of(&alone).called_minus_read_percent.value, None);
    assert_eq!(alone.provenance.options["label_format"], "readings");
}

#[test]
fn labels_beside_readings_are_negatives_where_nobody_read() {
    let (drawn, out) = (drawn(), TempDir::new().expect("a temporary folder"));
    let (table, images) = (drawn.table(), drawn.images());
    evaluate(&images, out.path(), &["--labels", text_of(&images), "--readings", text_of(&table)]).code(0);
    let found = evaluation(out.path());
    let specificity = found.classification.counted_cells.specificity;
    assert!(specificity.n > drawn.cells, "{specificity:?}");
    // Classes are judged by the labels as before.
    assert!(found.classification.macro_f1.value.is_some());
}

#[test]
fn faulty_tables_are_refused_with_their_line() {
    let (drawn, out) = (drawn(), TempDir::new().expect("a temporary folder"));
    let table = drawn.table();
    let sound = fs::read_to_string(&table).expect("the table");
    fs::write(&table, format!("{sound}drawn/set,field-0001.jpg,5,5,,Q,N,1,x\n")).expect("writable");
    let done = evaluate(&drawn.images(), out.path(), &["--readings", text_of(&table)]).code(2);
    let said = String::from_utf8_lossy(&done.get_output().stderr).into_owned();
    assert!(said.contains(&format!("line {}: expected S, P, D, M, N or X", sound.lines().count() + 1)), "{said}");
    // A position outside its image is the fault of that image.
    fs::write(&table, format!("{sound}drawn/set,field-0001.jpg,50000,5,,N,N,1,x\n")).expect("writable");
    evaluate(&drawn.images(), out.path(), &["--readings", text_of(&table)]).code(1);
    assert!(evaluation(out.path()).failed_inputs[0].reason.contains("expected a position inside the image"));
}

#[test]
fn films_are_drawn_from_evaluated_cells() {
    let (drawn, out) = (drawn(), TempDir::new().expect("a temporary folder"));
    let [read, healthy, films] = ["read", "healthy", "films"].map(|name| out.path().join(name));
    evaluate(&drawn.images(), &read, &["--readings", text_of(&drawn.table())]).code(0);
    evaluate(&drawn.images(), &healthy, &["--expect-none"]).code(0);
    let run = |more: &[&str]| {
        let mut command = program();
        command.arg("pseudo-patients").arg("--read").arg(&read).arg("--healthy").arg(&healthy).arg("--out").arg(&films);
        command.args(["--films", "20"]).args(more).assert()
    };
    let model = text_of(&TINY_MODEL.1);
    let done = run(&["--model", model]).code(0);
    let table = String::from_utf8_lossy(&done.get_output().stdout).into_owned();
    assert_eq!(fs::read_to_string(films.join("pseudo-patients.md")).expect("the table"), table);
    let json = fs::read(films.join("pseudo-patients.json")).expect("the record");
    let record: PseudoRecord = serde_json::from_slice(&json).expect("the record");
    assert_eq!(record.rows.len(), 72);
    assert!(record.rows.iter().all(|row| row.films == 20 && (row.states.values().sum::<f64>() - 1.0).abs() < 1e-5));
    // Another model, or no evaluation at all.
    let done = run(&[]).code(2);
    let said = String::from_utf8_lossy(&done.get_output().stderr).into_owned();
    assert!(said.contains("expected an evaluation of the model in use"), "{said}");
    fs::remove_file(read.join("cells.csv")).expect("the cells");
    run(&["--model", model]).code(2);
}

#[test]
fn films_under_changed_pictures() {
    let (drawn, out) = (drawn(), TempDir::new().expect("a temporary folder"));
    let mut command = program();
    command.arg("repeatability").arg(drawn.images()).arg("--out").arg(out.path()).arg("--model").arg(&TINY_MODEL.1);
    let done = command.args(UM_PER_PX).args(["--changes", "blur,enlarge", "--quiet"]).assert().code(0);
    let table = String::from_utf8_lossy(&done.get_output().stdout).into_owned();
    assert!(table.contains("| film | cells | as it is, % | blur, % | enlarge, % |"), "{table}");
    let json = fs::read(out.path().join("repeatability.json")).expect("the record");
    let record: RepeatabilityRecord = serde_json::from_slice(&json).expect("the record");
    let [blur, enlarge] = &record.changes[..] else { panic!("two changes: {record:?}") };
    assert_eq!(blur.before, enlarge.before);
    // The cells are still there.
    for change in [blur, enlarge] {
        let (before, after) = (change.before.red_cells as f64, change.after.red_cells as f64);
        assert!((after / before - 1.0).abs() < 0.1, "{change:?}");
        assert_eq!(change.after.fields, 2);
    }
}
