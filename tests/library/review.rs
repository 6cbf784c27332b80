//! The review of a case: readings, signatures, the files that follow from them, and every change that is made behind its back.

use std::fs;
use std::path::{Path, PathBuf};

use rand_pcg::Pcg64;
use rand_pcg::rand_core::{Rng, SeedableRng};

use crate::support::fake_case::FakeCase;
use schistoquant::case::{CaseRecord, CellKey, ReadAs, Reading, ReviewStatus, Reviewer, SignatureMeaning, State};
use schistoquant::report::{ReportFormat, ReportTarget, read_case, read_record};
use schistoquant::review::{
    Act, Event, LABELS_FILE, OpenCase, ReviewError, ReviewSettings, Series, Step, TrailFault, check_remake,
    export_labels, note_remade, verify,
};
use schistoquant::smear::{CellClass, ExclusionReason, SchistocyteForm};

/// Edits in the usual run of the tests; `SCHISTOQUANT_EDITS` asks for more.
const EDITS: usize = 1_500;

fn person(name: &str) -> Reviewer {
    Reviewer { name: name.to_owned(), role: "MLS".to_owned() }
}

/// A case of some fields with called and nearly called cells, written in every format but the sheets.
fn written(folder: &Path, hold: bool) {
    let case = FakeCase {
        fields: 4,
        grid: (24, 15),
        schistocytes: 4,
        near_misses: 3,
        refused: vec![3],
        labs: None,
        ..FakeCase::default()
    };
    use ReportFormat::{Csv, Fhir, Geojson, Hl7, Html, Json, Parquet};
    let target = ReportTarget::prepare(folder, &[Json, Csv, Html, Geojson, Parquet, Hl7, Fhir]).expect("writable");
    let target = if hold { target.hold_messages() } else { target };
    target.write(&case.build()).expect("written");
}

fn opened(folder: &Path) -> OpenCase {
    OpenCase::open(folder, &ReviewSettings::default()).expect("a sound case").0
}

fn step(case: &OpenCase, by: &str, series: Series, key: CellKey) -> Step {
    Step { by: person(by), series, key, seen: case.state().touched(series, key) }
}

fn read(case: &mut OpenCase, by: &str, key: CellKey, reading: Reading) -> Result<(), ReviewError> {
    let step = step(case, by, Series::First, key);
    case.read(&step, reading, None).map(drop)
}

fn to_read(case: &OpenCase) -> Vec<CellKey> {
    case.cells().to_read().map(|cell| cell.key).collect()
}

fn sign(case: &mut OpenCase, by: &str) -> Result<(), ReviewError> {
    let seen = case.state().events();
    case.sign(&person(by), SignatureMeaning::ReviewedAndReleased, Some("clear"), seen, &ReviewSettings::default())
}

fn named(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let mut found: Vec<PathBuf> = entries.filter(|path| path.to_string_lossy().ends_with(ending)).collect();
    found.sort();
    found
}

fn record(folder: &Path) -> CaseRecord {
    read_record(&folder.join("case.json")).expect("a record")
}

/// Writes the last event of a trail anew, as another version of the program would have.
fn released_by(folder: &Path, version: &str) {
    let path = folder.join("review.jsonl");
    let text = fs::read_to_string(&path).expect("a trail");
    let mut lines: Vec<&str> = text.lines().collect();
    let last: Event = serde_json::from_str(lines.pop().expect("an event")).expect("an event");
    let Act::Released { number, files, .. } = last.act else { panic!("{:?}", last.act) };
    let act = Act::Released { number, files, program: version.to_owned() };
    let other = Event::behind((last.event - 1, &last.previous), last.at, last.by, act).expect("plain");
    let line = String::from_utf8(other.line().expect("plain")).expect("UTF-8");
    let text: String = lines.iter().map(|line| format!("{line}\n")).chain([line]).collect();
    fs::write(&path, text).expect("written");
    let head = folder.join("review.head");
    let note = fs::read_to_string(&head).expect("a note");
    fs::write(&head, note.replace(&last.sha256, &other.sha256)).expect("written");
}

fn sound(folder: &Path) {
    let found = verify(folder, &ReviewSettings::default()).expect("readable");
    assert_eq!(found.faults, [], "{}", folder.display());
}

#[test]
fn figures_follow_each_reading_and_the_signed_record_follows_from_all() {
    let base = tempfile::tempdir().expect("a folder");
    written(base.path(), false);
    let before = record(base.path());
    let mut case = opened(base.path());
    assert!(named(base.path(), "review.jsonl").is_empty(), "looking writes nothing");
    let keys = to_read(&case);
    assert_eq!(keys.len() as u64, 3 * (4 + 3));
    let unread = case.figures();
    assert_eq!(unread.count.schistocytes, 12);
    assert!((unread.count.percent.expect("cells") - before.count.percent.expect("cells")).abs() < 1e-6);
    assert_eq!((unread.count.state, unread.cells.unread), (State::Indeterminate, 21));

    // Called cells come first: eleven are confirmed, one is not, one near miss is one after all, one stays undecided.
    for key in &keys[..11] {
        read(&mut case, "Ada", *key, Reading::of_form(SchistocyteForm::Helmet)).expect("free");
    }
    read(&mut case, "Ada", keys[11], Reading::of_class(CellClass::Burr)).expect("free");
    read(&mut case, "Ada", keys[12], Reading::of(ReadAs::Schistocyte)).expect("free");
    read(&mut case, "Ada", keys[13], Reading::of(ReadAs::Undecided)).expect("free");
    read(&mut case, "Ada", keys[14], Reading::of(ReadAs::NotAssessable)).expect("free");
    for key in &keys[15..] {
        read(&mut case, "Ada", *key, Reading::of(ReadAs::Other)).expect("free");
    }
    let figures = case.figures();
    assert_eq!((figures.count.schistocytes, figures.count.red_cells), (12, before.count.red_cells - 1));
    let cells = figures.cells;
    assert_eq!(
        (cells.read, cells.schistocytes, cells.others, cells.undecided, cells.not_assessable),
        (21, 12, 7, 1, 1)
    );
    assert_eq!((cells.confirmed, cells.not_confirmed, cells.unread), (11, 1, 0));
    let limits = figures.count.widest_95().expect("cells");
    assert!(limits.low > unread.count.widest_95().expect("cells").low, "{limits:?}");

    sign(&mut case, "Ada").expect("all is read");
    drop(case);
    let signed = record(base.path());
    let review = signed.review.as_ref().expect("signed");
    assert_eq!(
        (signed.review_status(), review.number, review.signed_by.name.as_str()),
        (ReviewStatus::Final, 1, "Ada")
    );
    assert_eq!((signed.count.schistocytes, review.software.count.schistocytes), (12, 12));
    assert_eq!(review.software.count, before.count);
    assert_eq!(signed.count.forms.by_form["helmet"], 11);
    assert_eq!(signed.class_count(CellClass::Schistocyte), Some(12));
    assert_eq!(signed.exclusions[&ExclusionReason::NotAssessable], 1);
    assert_eq!(signed.fields.iter().map(|field| field.red_cells).sum::<u64>(), signed.count.red_cells);
    assert_eq!(signed.fields.iter().map(|field| field.schistocytes).sum::<u64>(), 12);
    assert_eq!(signed.issued_at.as_ref().map(|issued| &issued.at), Some(&review.signed_at));
    // The archive still belongs to the record, and the software's reports are kept.
    read_case(base.path()).expect("record and archive");
    assert_eq!(record(&base.path().join("superseded-0")), before);
    assert_eq!((named(base.path(), ".hl7").len(), named(&base.path().join("superseded-0"), ".hl7").len()), (1, 1));
    sound(base.path());
}

#[test]
fn reports_of_another_version_are_proved_by_their_hashes_alone() {
    let base = tempfile::tempdir().expect("a folder");
    written(base.path(), false);
    let mut case = opened(base.path());
    for key in to_read(&case) {
        read(&mut case, "Ada", key, Reading::of(ReadAs::Schistocyte)).expect("a reading");
    }
    sign(&mut case, "Ada").expect("a signature");
    drop(case);
    let prove = || verify(base.path(), &ReviewSettings::default()).expect("readable");
    assert_eq!((prove().other_version, prove().made_anew), (None, true));
    released_by(base.path(), "0.1.9");
    let found = prove();
    assert_eq!((found.other_version.as_deref(), found.made_anew, found.faults), (Some("0.1.9"), false, Vec::new()));
    let page = base.path().join("report.html");
    fs::write(&page, "another page").expect("written");
    assert_eq!(prove().faults, [TrailFault::Changed { file: "report.html".to_owned() }]);
}

#[test]
fn a_signature_is_superseded_by_another_one_alone() {
    let base = tempfile::tempdir().expect("a folder");
    written(base.path(), false);
    let mut case = opened(base.path());
    let keys = to_read(&case);
    read(&mut case, "Ada", keys[0], Reading::of(ReadAs::Schistocyte)).expect("free");
    sign(&mut case, "Ada").expect("signed");
    let first = fs::read(base.path().join("case.json")).expect("a record");
    assert!(read(&mut case, "Ada", keys[1], Reading::of(ReadAs::Other)).is_err(), "signed");
    assert!(check_remake(base.path()).is_err(), "nobody makes signed reports again");
    assert!(case.reopen(&person("Eve"), "  ").is_err(), "no reason");
    case.reopen(&person("Eve"), "a cell was missed").expect("a reason");
    sound(base.path());
    read(&mut case, "Eve", keys[0], Reading::of(ReadAs::Other)).expect("open again");
    sign(&mut case, "Eve").expect("signed again");
    let again = record(base.path());
    let review = again.review.as_ref().expect("signed");
    assert_eq!((again.review_status(), review.number), (ReviewStatus::Corrected, 2));
    assert_eq!(review.reopened.as_ref().map(|reopened| reopened.reason.as_str()), Some("a cell was missed"));
    assert_eq!(fs::read(base.path().join("superseded-1/case.json")).expect("kept"), first);
    assert_eq!(named(base.path(), ".hl7").len(), 1);
    sound(base.path());
}

#[test]
fn missed_and_excluded_cells_count_for_a_reason() {
    let base = tempfile::tempdir().expect("a folder");
    written(base.path(), false);
    let mut case = opened(base.path());
    let (red_cells, reading) = (case.software().count.red_cells, Reading::of(ReadAs::Schistocyte));
    let excluded = |case: &OpenCase, reason: ExclusionReason| {
        case.cells().all().iter().find(|cell| cell.excluded == Some(reason)).map(|cell| cell.key)
    };
    let reasons = [
        ExclusionReason::FrameEdge,
        ExclusionReason::Debris,
        ExclusionReason::UnsplittableClump,
        ExclusionReason::NotRedCell,
    ];
    let (reason, key) =
        reasons.into_iter().find_map(|reason| Some((reason, excluded(&case, reason)?))).expect("an excluded object");
    let left_out = case.software().exclusions[&reason];
    let asked = step(&case, "Ada", Series::First, key);
    assert!(case.read(&asked, reading, None).expect_err("no reason").to_string().contains("a reason"));
    case.read(&asked, reading, Some("whole, at the edge of a clump")).expect("a reason");
    let refused = excluded(&case, ExclusionReason::FieldRefused).expect("a refused field");
    let asked = step(&case, "Ada", Series::First, refused);
    assert!(case.read(&asked, reading, Some("it is one")).is_err(), "a refused field does not count");

    let place = [1.0, 1.0];
    assert!(case.add(&person("Ada"), 0, [1e6, 1.0], reading, "missed").is_err(), "outside");
    assert!(case.add(&person("Ada"), 3, place, reading, "missed").is_err(), "a refused field");
    assert!(case.add(&person("Ada"), 0, place, reading, " ").is_err(), "no reason");
    let there = case.cells().all().iter().find(|cell| cell.field == 0).expect("a cell").middle_px;
    assert!(case.add(&person("Ada"), 0, there, reading, "missed").is_err(), "the program found that one");
    case.add(&person("Ada"), 0, place, reading, "missed").expect("free");
    let figures = case.figures();
    assert_eq!((figures.count.red_cells, figures.cells.added, figures.cells.included), (red_cells + 2, 1, 1));

    let back = step(&case, "Ada", Series::First, CellKey::Added { number: 1 });
    case.take_back(&back).expect("added");
    assert_eq!((case.figures().count.red_cells, case.figures().cells.added), (red_cells + 1, 0));
    sign(&mut case, "Ada").expect("signed");
    assert_eq!(record(base.path()).exclusions.get(&reason).copied().unwrap_or(0), left_out - 1);
    sound(base.path());
}

#[test]
fn the_second_of_two_who_read_one_cell_is_told() {
    let base = tempfile::tempdir().expect("a folder");
    written(base.path(), false);
    let mut case = opened(base.path());
    let key = to_read(&case)[0];
    let (ada, eve) = (step(&case, "Ada", Series::First, key), step(&case, "Eve", Series::First, key));
    case.read(&ada, Reading::of(ReadAs::Schistocyte), None).expect("free");
    let error = case.read(&eve, Reading::of(ReadAs::Other), None).expect_err("Ada was faster");
    assert!(error.to_string().starts_with("Ada has read this cell as schistocyte in the meantime"), "{error}");
    assert_eq!(case.state().reading(Series::First, &key), Some(Reading::of(ReadAs::Schistocyte)));
    // Two programs at one case: the second cannot write.
    let elsewhere = OpenCase::open(base.path(), &ReviewSettings::default());
    assert!(matches!(elsewhere, Err(ReviewError::AlreadyServed { .. })), "{elsewhere:?}");
}

#[test]
fn a_blind_reader_s_agreement_stands_in_the_record() {
    let base = tempfile::tempdir().expect("a folder");
    written(base.path(), false);
    let mut case = opened(base.path());
    let keys = to_read(&case);
    for (index, key) in keys.iter().enumerate() {
        let called = if index < 12 { ReadAs::Schistocyte } else { ReadAs::Other };
        read(&mut case, "Ada", *key, Reading::of(called)).expect("free");
        // Agrees on all but two of the called ones.
        let blind = if index < 10 { ReadAs::Schistocyte } else { ReadAs::Other };
        let eve = step(&case, "Eve", Series::Second, *key);
        case.read(&eve, Reading::of(blind), None).expect("another person");
    }
    let ada = step(&case, "Ada", Series::Second, keys[0]);
    assert!(case.read(&ada, Reading::of(ReadAs::Other), None).is_err(), "not blind");
    sign(&mut case, "Ada").expect("signed");
    let record = record(base.path());
    let agreement = record.review.expect("signed").second_reading.expect("two readers");
    assert_eq!((agreement.cells, agreement.table), (21, [10, 2, 0, 9]));
    // Observed 19 of 21, by chance (12·10 + 9·11) / 21².
    let (observed, chance) = (19.0 / 21.0, (120.0 + 99.0) / 441.0);
    assert!((agreement.kappa.expect("two classes") - (observed - chance) / (1.0 - chance)).abs() < 1e-6);
    let share = |cells: f64| 100.0 * cells / record.count.red_cells as f64;
    assert!((agreement.first_percent.expect("cells") - share(12.0)).abs() < 1e-6);
    assert!((agreement.second_percent.expect("cells") - share(10.0)).abs() < 1e-6);
    sound(base.path());
}

#[test]
fn messages_wait_for_the_signature() {
    let base = tempfile::tempdir().expect("a folder");
    written(base.path(), true);
    assert_eq!((named(base.path(), ".hl7").len(), named(base.path(), ".fhir.json").len()), (0, 0));
    let mut case = opened(base.path());
    let keys = to_read(&case);
    read(&mut case, "Ada", keys[0], Reading::of(ReadAs::Schistocyte)).expect("free");
    sign(&mut case, "Ada").expect("signed");
    assert_eq!((named(base.path(), ".hl7").len(), named(base.path(), ".fhir.json").len()), (1, 1));
    sound(base.path());
}

#[test]
fn reports_that_are_made_again_before_the_signature_are_noted() {
    let base = tempfile::tempdir().expect("a folder");
    written(base.path(), false);
    let mut case = opened(base.path());
    let keys = to_read(&case);
    read(&mut case, "Ada", keys[0], Reading::of(ReadAs::Schistocyte)).expect("free");
    drop(case);
    written(base.path(), false);
    check_remake(base.path()).expect("not signed");
    note_remade(base.path()).expect("noted");
    sound(base.path());
    assert_eq!(opened(base.path()).state().readings(Series::First).len(), 1);
    // Changed and not noted.
    fs::write(base.path().join("cells.csv"), "x").expect("written");
    let error = OpenCase::open(base.path(), &ReviewSettings::default()).expect_err("changed");
    assert!(matches!(&error, ReviewError::Damaged(TrailFault::Changed { file }) if file == "cells.csv"), "{error}");
}

#[test]
fn a_trail_that_was_made_and_never_written_is_taken_for_a_new_one() {
    let base = tempfile::tempdir().expect("a folder");
    written(base.path(), false);
    for file in ["review.jsonl", "review.head"] {
        fs::write(base.path().join(file), "").expect("written");
    }
    let mut case = opened(base.path());
    let keys = to_read(&case);
    read(&mut case, "Ada", keys[0], Reading::of(ReadAs::Schistocyte)).expect("free");
    sound(base.path());
}

#[test]
fn read_cells_are_labels_that_evaluate_reads() {
    let base = tempfile::tempdir().expect("a folder");
    written(&base.path().join("case"), false);
    let mut case = opened(&base.path().join("case"));
    let keys = to_read(&case);
    read(&mut case, "Ada", keys[0], Reading::of_form(SchistocyteForm::Keratocyte)).expect("free");
    read(&mut case, "Ada", keys[1], Reading::of(ReadAs::Undecided)).expect("free");
    case.add(&person("Ada"), 1, [2.0, 3.0], Reading::of(ReadAs::Schistocyte), "missed").expect("free");
    let (path, rows) = export_labels([&case], &base.path().join("labels")).expect("written");
    assert_eq!((rows, path), (3, base.path().join("labels").join(LABELS_FILE)));
    let text = fs::read_to_string(base.path().join("labels").join(LABELS_FILE)).expect("a table");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "set,image,x,y,label,reading_a,reading_b,weight,stratum");
    assert!(lines[1..].iter().any(|line| line.contains(",schistocyte,Sk,Sk,1,\"review, one reader\"")), "{text}");
    assert!(lines[3].starts_with("S-2041-0007,field-02.png,2.0,3.0,,S,S,1,"), "{text}");
    let labels = schistoquant::evaluate::labels::readings::Readings::open(&[base.path().join("labels")])
        .expect("a table of readings");
    assert_eq!(labels.inputs().len(), 1);
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() { all.extend(files(&path)) } else { all.push(path) }
    }
    all.sort();
    all
}

/// The bytes with one edit: a byte, a line, the order of two lines, or a cut.
fn edited(bytes: &[u8], rng: &mut Pcg64) -> Vec<u8> {
    let below = |rng: &mut Pcg64, bound: usize| (rng.next_u64() % bound.max(1) as u64) as usize;
    let mut lines: Vec<Vec<u8>> = bytes.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    let (one, other) = (below(rng, lines.len()), below(rng, lines.len()));
    match below(rng, 6) {
        0 => {
            let mut changed = bytes.to_vec();
            let at = below(rng, changed.len());
            changed[at] ^= 1 << below(rng, 8);
            changed
        }
        1 => {
            lines.remove(one);
            lines.concat()
        }
        2 => {
            lines.swap(one, other);
            lines.concat()
        }
        3 => bytes[..below(rng, bytes.len())].to_vec(),
        4 => {
            lines.insert(one, lines[other].clone());
            lines.concat()
        }
        _ => {
            let at = below(rng, bytes.len());
            [&bytes[..at], &[rng.next_u64() as u8], &bytes[at..]].concat()
        }
    }
}

#[test]
fn every_edit_of_trail_case_and_reports_is_found() {
    let edits = std::env::var("SCHISTOQUANT_EDITS").ok().and_then(|text| text.parse().ok()).unwrap_or(EDITS);
    let base = tempfile::tempdir().expect("a folder");
    written(base.path(), false);
    let mut case = opened(base.path());
    let keys = to_read(&case);
    for key in &keys[..9] {
        read(&mut case, "Ada", *key, Reading::of(ReadAs::Schistocyte)).expect("free");
    }
    sign(&mut case, "Ada").expect("signed");
    case.reopen(&person("Eve"), "once more").expect("a reason");
    read(&mut case, "Eve", keys[0], Reading::of(ReadAs::Other)).expect("free");
    sign(&mut case, "Eve").expect("signed");
    drop(case);
    sound(base.path());
    let files = files(base.path());
    assert!(files.len() > 20, "{files:?}");
    let trail: Vec<&PathBuf> = files.iter().filter(|path| path.to_string_lossy().contains("review.")).collect();
    assert_eq!(trail.len(), 2);
    let mut rng = Pcg64::seed_from_u64(16);
    for edit in 0..edits {
        // Every other edit is one of the trail or its note.
        let path = match edit % 2 {
            0 => trail[(rng.next_u64() % 2) as usize],
            _ => &files[(rng.next_u64() % files.len() as u64) as usize],
        };
        let sound_bytes = fs::read(path).expect("a file");
        let changed = edited(&sound_bytes, &mut rng);
        if changed == sound_bytes {
            continue;
        }
        fs::write(path, &changed).expect("written");
        let found = verify(base.path(), &ReviewSettings::default());
        assert!(
            found.map_or(true, |found| !found.faults.is_empty()),
            "edit {edit} of {} was not found",
            path.display()
        );
        fs::write(path, &sound_bytes).expect("written");
    }
    sound(base.path());
}
