//! Whole specimens through the shipped model: one named test for each folder of `fixtures/cases`.
//!
//! A folder holds `specimen.json`, what `synth` is asked to draw and the panel that comes with it, and `expected.json`:
//! ranges that are right whatever the model, and what the evidence must say, with the reason. Where the shipped model is known to miss them, `known_to_fail` says why; such a case fails as
//! soon as it passes, so that the words go when they are no longer true.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::sync::atomic::AtomicBool;

use schistoquant::case::{Case, CaseRecord, Context, State, banned_terms_in};
use schistoquant::classify::{Classifier, Model};
use schistoquant::clinical::{PanelOptions, ScoreOptions, ScoreResult, read_panel};
use schistoquant::evidence::{CancerPage, Evidence, Statement, WeighedItem};
use schistoquant::inference::{Engine, EngineRequest};
use schistoquant::pipeline::{AnalyzeOptions, Models, analyze, thread_pool};
use schistoquant::segment::{Detector, Segmenter};
use schistoquant::synth::{Stain, SynthOptions, field};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// What is drawn; everything else by default, in the stain of the example specimen.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Specimen {
    seed: u64,
    fields: u32,
    schistocyte_fraction: f64,
    other_shapes_fraction: f64,
    blur_diameters: f64,
    /// Panel, relative to the case's folder.
    labs: Option<PathBuf>,
}

/// What the evidence must hold; names are the codes of items, as in `case.json`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExpectedEvidence {
    /// Items that support each statement, all of them.
    supports: BTreeMap<Statement, Vec<String>>,
    /// Items that speak against each statement, all of them.
    speaks_against: BTreeMap<Statement, Vec<String>>,
    /// Score by name with its result.
    scores: BTreeMap<String, ScoreResult>,
    /// Names that must stand among what is missing.
    missing: Vec<String>,
    /// Exposures of the page for a patient with cancer; null where there must be no such page.
    exposures: Option<Vec<String>>,
}

/// What must come out; ranges include both ends, null stands for anything.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    reason: String,
    state: Option<State>,
    context: Option<Context>,
    red_cells: [u64; 2],
    schistocytes: [u64; 2],
    accepted_fields: usize,
    evidence: Option<ExpectedEvidence>,
    known_to_fail: Option<String>,
}

static SHIPPED: LazyLock<Models> = LazyLock::new(|| {
    let engine = Engine::start(&EngineRequest::default()).expect("the embedded engine");
    let segmenter = Segmenter::new(Detector::shipped(engine.clone()).expect("the shipped detector"));
    let model = Model::shipped().expect("the shipped model");
    Models { segmenter, classifier: Classifier::new(engine, model).expect("a sound pair") }
});

fn cases() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/cases")
}

fn read<T: DeserializeOwned>(path: &Path) -> T {
    let bytes = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_slice(&bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn analyzed(specimen: &Specimen) -> Case {
    let options = SynthOptions {
        schistocyte_fraction: specimen.schistocyte_fraction,
        other_shapes_fraction: specimen.other_shapes_fraction,
        blur_diameters: specimen.blur_diameters,
        stain: Some(Stain::GreyWhite),
        ..SynthOptions::default()
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    for index in 0..specimen.fields {
        let drawn = field(&options, specimen.seed, index).expect("options within their ranges");
        drawn.rgb.save(folder.path().join(&drawn.truth.field)).expect("writable");
    }
    let inputs = [folder.path().to_owned()];
    let stop = AtomicBool::new(false);
    let pool = thread_pool(None).expect("threads");
    analyze(&inputs, &AnalyzeOptions::default(), &SHIPPED, &pool, &(), &stop).expect("a case")
}

#[test]
fn without_pictures_nothing_else_is_missing() {
    let specimen = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/specimen");
    let mut images: Vec<PathBuf> =
        fs::read_dir(specimen).expect("readable").flatten().map(|entry| entry.path()).collect();
    images.retain(|path| path.extension().is_some_and(|extension| extension == "jpg"));
    images.sort();
    images.truncate(3);
    let pool = thread_pool(None).expect("threads");
    let analyzed = |without_pictures| {
        let options = AnalyzeOptions { without_pictures, ..AnalyzeOptions::default() };
        let case = analyze(&images, &options, &SHIPPED, &pool, &(), &AtomicBool::new(false)).expect("a case");
        let fields: Vec<_> = case.fields.iter().map(|field| field.expect("readable")).collect();
        (serde_json::to_value(&case.record).expect("a record"), fields)
    };
    let (pictured, plain) = (analyzed(false), analyzed(true));
    assert_eq!(pictured.0, plain.0);
    assert_eq!(plain.1.len(), 3);
    assert!(pictured.1.iter().any(|field| !field.tiles.is_empty()));
    for (pictured, plain) in pictured.1.iter().zip(&plain.1) {
        assert_eq!(pictured.cells, plain.cells);
        assert!(pictured.preview.is_some() && plain.preview.is_none() && plain.tiles.is_empty());
    }
}

/// The record with the specimen's panel weighed.
fn with_labs(record: CaseRecord, labs: &Path) -> CaseRecord {
    let bytes = fs::read(labs).unwrap_or_else(|error| panic!("{}: {error}", labs.display()));
    let panel = read_panel(&bytes, &labs.display().to_string(), &PanelOptions::default()).expect("a panel");
    record.with_panel(&panel, &ScoreOptions::default())
}

/// One line for each expectation of the evidence that is not met.
fn unmet_evidence(evidence: Option<&Evidence>, expected: &ExpectedEvidence) -> String {
    let Some(evidence) = evidence else { return "no evidence\n".to_owned() };
    let mut lines = String::new();
    let mut compare = |what: String, found: String, expected: String| {
        if found != expected {
            let _ = writeln!(lines, "{what}: {found}, expected {expected}");
        }
    };
    for said in &evidence.statements {
        let codes = |items: &[WeighedItem]| items.iter().map(|item| item.code.clone()).collect::<Vec<_>>();
        let of = |map: &BTreeMap<Statement, Vec<String>>| map.get(&said.statement).cloned().unwrap_or_default();
        let (supports, against) = (of(&expected.supports), of(&expected.speaks_against));
        compare(format!("supports {}", said.title), format!("{:?}", codes(&said.supports)), format!("{supports:?}"));
        compare(
            format!("against {}", said.title),
            format!("{:?}", codes(&said.speaks_against)),
            format!("{against:?}"),
        );
    }
    for score in &evidence.scores {
        let wanted = expected.scores.get(&score.name);
        compare(score.name.clone(), format!("{:?}", Some(&score.result)), format!("{wanted:?}"));
    }
    for name in &expected.missing {
        let found = if evidence.missing.contains(name) { "named" } else { "not named" };
        compare(format!("missing {name}"), found.to_owned(), "named".to_owned());
    }
    let names = |page: &CancerPage| page.exposures.iter().map(|exposure| exposure.name.clone()).collect::<Vec<_>>();
    let exposures = evidence.cancer_page.as_ref().map(names);
    compare("exposures".to_owned(), format!("{exposures:?}"), format!("{:?}", expected.exposures));
    lines
}

/// One line for each expectation that is not met.
fn unmet(record: &CaseRecord, expected: &Expected) -> String {
    let (count, mut lines) = (&record.count, String::new());
    let mut check = |met: bool, line: String| {
        if !met {
            // Writing to a string cannot fail.
            let _ = writeln!(lines, "{line}");
        }
    };
    let within = |[low, high]: [u64; 2], value: u64| (low..=high).contains(&value);
    let accepted = record.fields.iter().filter(|field| field.accepted).count();
    check(expected.state.is_none_or(|state| state == count.state), format!("state {}", count.state.name()));
    let context = expected.context.is_none_or(|context| Some(context) == count.context);
    check(context, format!("context {:?}, other shapes {:?} %", count.context, count.other_abnormal_percent));
    check(within(expected.red_cells, count.red_cells), format!("{} red cells", count.red_cells));
    check(within(expected.schistocytes, count.schistocytes), format!("{} schistocytes", count.schistocytes));
    check(accepted == expected.accepted_fields, format!("{accepted} accepted fields"));
    lines
}

fn check(name: &str) {
    let folder = cases().join(name);
    let expected: Expected = read(&folder.join("expected.json"));
    let specimen: Specimen = read(&folder.join("specimen.json"));
    let Case { record, fields } = analyzed(&specimen);
    let record = match &specimen.labs {
        Some(labs) => with_labs(record, &folder.join(labs)),
        None => record,
    };
    let case = Case { record, fields };
    crate::support::states::assert_same_everywhere(&case);
    let record = case.record;
    let text = serde_json::to_string(&record).expect("a record");
    assert!(banned_terms_in(&text).is_empty(), "{:?}", banned_terms_in(&text));
    let mut unmet = unmet(&record, &expected);
    if let Some(expected) = &expected.evidence {
        unmet.push_str(&unmet_evidence(record.evidence.as_ref(), expected));
    }
    match &expected.known_to_fail {
        None => assert!(unmet.is_empty(), "{name}: {}\nfound:\n{unmet}", expected.reason),
        Some(why) => assert!(!unmet.is_empty(), "{name} passes now; take known_to_fail out: {why}"),
    }
}

macro_rules! cases {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            check(stringify!($name));
        })*

        #[test]
        fn every_folder_is_tested() {
            let entries = fs::read_dir(cases()).expect("fixtures/cases").map(|entry| entry.expect("an entry"));
            let mut folders: Vec<_> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
            folders.sort();
            let mut named = vec![$(stringify!($name)),*];
            named.sort_unstable();
            assert_eq!(folders, named);
        }
    };
}

cases! {
    none three_percent mixed_poikilocytosis insufficient blurred
    cancer_full_panel sparse_panel ttp_like_panel
}
