//! Both engines give the same classes and probabilities, and a library that cannot be used is refused.
//!
//! A process keeps the library it started with, so each question is put to a child process: this test binary again, with
//! only [`answer`] selected and the question in an environment variable. The part that needs ONNX Runtime runs where
//! `ORT_DYLIB_PATH` names a library (`pip install onnxruntime` brings one) and says so where it does not.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use image::{Rgb, RgbImage};
use schistoquant::classify::{Classifier, CropTarget, Model, Verdict};
use schistoquant::inference::{Engine, EngineChoice, EngineRequest};
use schistoquant::smear::{CellClass, LabelMap, NormalizedField};
use serde::{Deserialize, Serialize};

/// Holds the question for a child process.
const QUESTION: &str = "SCHISTOQUANT_ENGINE_QUESTION";
/// Largest difference between the engines' probabilities: they sum in different orders.
const BETWEEN_ENGINES: f64 = 1e-4;
/// Largest difference from the reference interpreter, whose answers are written with seven digits.
const FROM_REFERENCE: f64 = 1e-5;
const SIDE: u32 = 64;
const CELLS: u32 = 16;

#[derive(Serialize, Deserialize)]
struct Question {
    /// Start this library before what is asked for.
    started_first: Option<PathBuf>,
    library: Option<PathBuf>,
    /// The shipped model where `None`.
    graph: Option<PathBuf>,
    reply_to: PathBuf,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Reply {
    Answered { engine: String, cells: Vec<CellReply> },
    Refused { debug: String, text: String },
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct CellReply {
    class: CellClass,
    class_probability: f64,
    schistocyte_probability: f64,
    red_cell_probability: Option<f64>,
}

impl From<&Verdict> for CellReply {
    fn from(verdict: &Verdict) -> Self {
        Self {
            class: verdict.call.class,
            class_probability: verdict.call.class_probability.value(),
            schistocyte_probability: verdict.call.schistocyte_probability.value(),
            red_cell_probability: verdict.red_cell_probability.map(f64::from),
        }
    }
}

/// The sixteen patterned crops of `fixtures/models/make_tiny.py`, side by side.
fn patterned_field() -> (NormalizedField, LabelMap, Vec<CropTarget>) {
    let rgb = RgbImage::from_fn(SIDE * CELLS, SIDE, |x, y| {
        let (cell, x) = (x / SIDE, x % SIDE);
        Rgb([1, 2, 3].map(|channel| ((16 * channel * cell + (channel * x + 2 * y) % 64) % 256) as u8))
    });
    let labels = (0..SIDE).flat_map(|_| (0..SIDE * CELLS).map(|x| x / SIDE + 1)).collect();
    let half = f64::from(SIDE) / 2.0;
    let target = |cell| CropTarget { label: cell + 1, center_px: [f64::from(SIDE * cell) + half, half] };
    (
        NormalizedField { rgb, um_per_px: 0.1875, original_px_per_px: 1.0, lit: None },
        LabelMap::new(SIDE * CELLS, SIDE, labels),
        (0..CELLS).map(target).collect(),
    )
}

/// The child process: answers the question of its environment. Without one it has nothing to do.
#[test]
fn answer() {
    let Ok(question) = std::env::var(QUESTION) else { return };
    let question: Question = serde_json::from_str(&question).expect("the parent writes JSON");
    let run = || {
        if question.started_first.is_some() {
            let library = question.started_first.clone();
            Engine::start(&EngineRequest { choice: EngineChoice::OnnxRuntime, library })?;
        }
        let model = match &question.graph {
            Some(graph) => Model::from_file(graph)?,
            None => Model::shipped()?,
        };
        let engine = Engine::start(&EngineRequest { choice: EngineChoice::Auto, library: question.library.clone() })?;
        let classifier = Classifier::new(engine, model)?;
        let (field, labels, targets) = patterned_field();
        let verdicts = classifier.classify(&field, &labels, &targets)?;
        let engine = classifier.engine().expect("it runs on an engine").to_string();
        Ok::<_, schistoquant::classify::ClassifyError>((engine, verdicts))
    };
    let reply = match run() {
        Ok((engine, verdicts)) => Reply::Answered { engine, cells: verdicts.iter().map(CellReply::from).collect() },
        Err(error) => Reply::Refused { debug: format!("{error:?}"), text: error.to_string() },
    };
    std::fs::write(&question.reply_to, serde_json::to_vec(&reply).expect("plain data")).expect("a writable folder");
}

fn ask(started_first: Option<&Path>, library: Option<&Path>, graph: Option<&Path>) -> Reply {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let reply_to = folder.path().join("reply.json");
    let [started_first, library, graph] = [started_first, library, graph].map(|path| path.map(Path::to_owned));
    let question = Question { started_first, library, graph, reply_to: reply_to.clone() };
    let output = Command::new(std::env::current_exe().expect("this test binary"))
        .args(["engines::answer", "--exact", "--nocapture"])
        .env(QUESTION, serde_json::to_string(&question).expect("plain data"))
        .env_remove("ORT_DYLIB_PATH") // only the request may name a library
        .output()
        .expect("the child starts");
    assert!(output.status.success(), "the child failed: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&std::fs::read(&reply_to).expect("a reply")).expect("the child writes JSON")
}

fn answered(library: Option<&Path>, graph: Option<&Path>) -> (String, Vec<CellReply>) {
    match ask(None, library, graph) {
        Reply::Answered { engine, cells } => (engine, cells),
        Reply::Refused { text, .. } => panic!("refused: {text}"),
    }
}

/// The variant (its debug form starts with its name) and the text of a refusal.
fn refused(library: &Path) -> (String, String) {
    match ask(None, Some(library), Some(&tiny())) {
        Reply::Answered { engine, .. } => panic!("answered by {engine}"),
        Reply::Refused { debug, text } => (debug, text),
    }
}

fn tiny() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/models/tiny.onnx")
}

/// Says aloud what is not tested: written past the test harness, which would keep the output of a passing test.
fn skipped(reason: &str) {
    writeln!(std::io::stderr(), "SKIPPED: {reason}").expect("stderr is open");
}

fn onnxruntime() -> Option<PathBuf> {
    let library = std::env::var_os("ORT_DYLIB_PATH").filter(|path| !path.is_empty()).map(PathBuf::from);
    if library.is_none() {
        skipped("ORT_DYLIB_PATH names no ONNX Runtime library, so only the embedded engine is tested");
    }
    library
}

#[derive(Deserialize)]
struct Reference {
    class_probability: Vec<[f64; 13]>,
    schistocyte_probability: Vec<f64>,
    red_cell_probability: Vec<f64>,
}

fn assert_reference(cells: &[CellReply]) {
    let reference: Reference =
        serde_json::from_slice(include_bytes!("../../fixtures/models/tiny.expected.json")).expect("the fixture");
    let mut classes = std::collections::BTreeSet::new();
    assert_eq!(cells.len(), CELLS as usize);
    for (index, cell) in cells.iter().enumerate() {
        let schistocyte = reference.schistocyte_probability[index];
        let shares = &reference.class_probability[index];
        let others = CellClass::ALL.into_iter().filter(|class| *class != CellClass::Schistocyte);
        let likeliest = others.max_by(|a, b| shares[a.index()].total_cmp(&shares[b.index()])).expect("twelve classes");
        let (class, probability) = match schistocyte >= 0.5 {
            true => (CellClass::Schistocyte, schistocyte),
            false => (likeliest, shares[likeliest.index()]),
        };
        assert_eq!(cell.class, class, "cell {index}");
        assert!((cell.class_probability - probability).abs() < FROM_REFERENCE, "cell {index}: {cell:?}");
        assert!((cell.schistocyte_probability - schistocyte).abs() < FROM_REFERENCE, "cell {index}: {cell:?}");
        let red_cell = cell.red_cell_probability.expect("the graph has the output");
        assert!((red_cell - reference.red_cell_probability[index]).abs() < FROM_REFERENCE, "cell {index}: {cell:?}");
        classes.insert(class);
    }
    assert!(classes.len() >= 3, "the fixture tells the crops apart: {classes:?}");
}

#[test]
fn embedded_engine_gives_the_reference_answers() {
    let (engine, cells) = answered(None, Some(&tiny()));
    assert!(engine.starts_with("embedded, "), "{engine}");
    assert_reference(&cells);
}

#[test]
fn both_engines_give_the_same_answers() {
    let Some(library) = onnxruntime() else { return };
    for graph in [Some(tiny()), None] {
        let (_, embedded) = answered(None, graph.as_deref());
        let (engine, runtime) = answered(Some(&library), graph.as_deref());
        assert!(engine.starts_with("onnxruntime, "), "{engine}");
        assert!(!engine.contains('/'), "no host path: {engine}");
        if graph.is_some() {
            assert_reference(&runtime);
        }
        assert_eq!(embedded.len(), runtime.len());
        for (a, b) in embedded.iter().zip(&runtime) {
            assert_eq!(a.class, b.class);
            assert!((a.class_probability - b.class_probability).abs() <= BETWEEN_ENGINES, "{a:?} {b:?}");
            assert!((a.schistocyte_probability - b.schistocyte_probability).abs() <= BETWEEN_ENGINES, "{a:?} {b:?}");
            assert_eq!(a.red_cell_probability.is_some(), b.red_cell_probability.is_some());
            let red_cell = a.red_cell_probability.zip(b.red_cell_probability);
            assert!(red_cell.is_none_or(|(a, b)| (a - b).abs() <= BETWEEN_ENGINES), "{a:?} {b:?}");
        }
    }
}

#[test]
fn a_file_that_is_no_library_is_refused() {
    let (variant, text) = refused(&Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml"));
    assert!(variant.starts_with("Engine(LibraryUnusable"), "{variant}");
    let wanted = format!("Cargo.toml: expected an ONNX Runtime library of version 1.{} or later", ort::MINOR_VERSION);
    assert!(text.contains(&wanted), "{text}");
}

#[test]
fn a_library_of_something_else_is_refused() {
    let Some(library) = onnxruntime() else { return };
    // The wheel carries it beside the runtime; it exports no `OrtGetApiBase`.
    let other = library.with_file_name("libonnxruntime_providers_shared.so");
    if !other.exists() {
        skipped(&format!("{} is not there", other.display()));
        return;
    }
    let (variant, text) = refused(&other);
    assert!(variant.starts_with("Engine(LibraryUnusable") && variant.contains("MissingApi"), "{variant}");
    assert!(text.contains("--engine embedded"), "{text}");
}

#[test]
fn a_missing_library_is_refused() {
    let (variant, text) = refused(Path::new("no/such/library.so"));
    assert!(variant.starts_with("Engine(LibraryUnreadable"), "{variant}");
    assert!(text.starts_with("no/such/library.so: "), "{text}");
}

#[test]
fn a_folder_is_no_library() {
    let (variant, _) = refused(Path::new(env!("CARGO_MANIFEST_DIR")));
    assert!(variant.starts_with("Engine(Library"), "{variant}");
}

#[test]
fn a_second_library_in_one_process_is_refused() {
    let Some(library) = onnxruntime() else { return };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let copy = folder.path().join("libonnxruntime.so");
    std::fs::copy(&library, &copy).expect("a copy");
    let Reply::Refused { debug, text } = ask(Some(&copy), Some(&library), Some(&tiny())) else { panic!("answered") };
    assert!(debug.starts_with("Engine(Conflict"), "{debug}");
    assert!(text.contains("expected the library this process started with (onnxruntime, libonnxruntime.so"), "{text}");
}

#[test]
fn the_embedded_engine_starts_beside_a_library() {
    let Some(library) = onnxruntime() else { return };
    let Reply::Answered { engine, cells } = ask(Some(&library), None, Some(&tiny())) else { panic!("refused") };
    assert!(engine.starts_with("embedded, "), "{engine}");
    assert_reference(&cells);
}
