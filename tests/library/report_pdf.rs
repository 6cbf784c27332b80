//! The sheets say what the record says, on as many pages as that takes; read back by an independent reader.

use crate::support::fake_case::FakeCase;
use lopdf::{Document, Object};
use schistoquant::case::{
    AdministrativeSex, Case, CaseField, CaseFields, FOOTER, Grade, InputFailure, Laboratory, Order, Patient, State,
    banned_terms_in,
};
use schistoquant::clinical::ScoreResult;
use schistoquant::report::{ReportFormat, ReportTarget, render};
use schistoquant::smear::CellClass;
use schistoquant::time::{Date, Timestamp};

/// The full panel of a made-up patient with cancer, under `fixtures/labs`.
const FULL: &str = "cancer.json";

/// What may come from outside in any field of text: markup of the typesetter, of the page and of the shell, scripts
/// without a font, marks of direction, characters that PDF/A forbids, a word without an end.
const HOSTILE: [&str; 9] = [
    "#panic() #import \"/etc/passwd\": * $x^2$ @label <label> // comment",
    "\\ \\u{7} ` ``` _a_ *b* = c - d + e / f ~ --- ... '\"",
    "</p><script>alert(1)</script>&amp;{{x}}%s%n",
    "\u{202e}left to right?\u{202c} \u{5e9}\u{5dc}\u{5d5}\u{5dd} \u{5e9}\u{5b8}\u{5dc}\u{5d5}\u{5b9}\u{5dd} \u{645}\u{631}\u{62d}\u{628}\u{627}",
    "\u{1f600}\u{1f468}\u{200d}\u{1f52c} \u{8840}\u{6db2} \u{e001}\u{f8ff}\u{10fffd} \u{fffe}\u{fdd0}",
    "\u{0}\u{1}\u{7}\u{8}\u{1b}[31m\u{7f}\u{85}\u{2028}\u{feff}\u{ad}\r\n\t",
    "e\u{301}\u{301}\u{301}\u{301}\u{301}\u{489}\u{20dd} fi ffi \u{fb01} \u{b5}\u{3bc} \u{212b}",
    "",
    "   ",
];

fn pdf(case: &Case) -> Vec<u8> {
    let mut files = render(ReportFormat::Pdf, case).expect("a case that can be typeset");
    assert_eq!(files.len(), 1);
    files.remove(0).bytes
}

/// Text of each page; white space is one space.
fn pages(bytes: &[u8]) -> Vec<String> {
    let document = Document::load_mem(bytes).expect("a PDF");
    let numbers: Vec<u32> = document.get_pages().into_keys().collect();
    let text = |&number: &u32| {
        let text = document.extract_text(&[number]).expect("text of a page");
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    numbers.iter().map(text).collect()
}

fn words(case: &Case) -> String {
    pages(&pdf(case)).join(" ")
}

fn spaced(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Without any space: the reader sets spaces by the distance of letters, also inside of numbers and long words.
fn dense(text: &str) -> String {
    text.split_whitespace().collect()
}

fn enough_cells() -> FakeCase {
    FakeCase { grid: (26, 20), fields: 4, refused: vec![1], preview_scale: 0.2, ..FakeCase::default() }
}

fn with_evidence() -> FakeCase {
    FakeCase { labs: Some(FULL), ..enough_cells() }
}

fn hostile_word() -> String {
    "W".repeat(400) + &"\u{628}".repeat(100)
}

#[test]
fn the_same_case_gives_the_same_bytes() {
    let (one, two) = (pdf(&with_evidence().build()), pdf(&with_evidence().build()));
    assert!(one == two, "the bytes differ");
    let other = FakeCase { accession: Some("S-2041-0008"), ..with_evidence() }.build();
    assert!(one != pdf(&other), "another accession gives the same file");
}

#[test]
fn it_is_tagged_archival_and_has_a_title() {
    let bytes = pdf(&enough_cells().build());
    let document = Document::load_mem(&bytes).expect("a PDF");
    let catalog = document.catalog().expect("a catalog");
    let marked = catalog.get(b"MarkInfo").and_then(|info| document.dereference(info)).expect("marks").1;
    assert_eq!(marked.as_dict().and_then(|info| info.get(b"Marked")).expect("a mark"), &Object::Boolean(true));
    assert!(catalog.has(b"StructTreeRoot"));
    assert_eq!(catalog.get(b"Lang").and_then(Object::as_str).expect("a language"), b"en");
    let metadata = catalog.get(b"Metadata").and_then(|entry| document.dereference(entry)).expect("metadata").1;
    let metadata = metadata.as_stream().expect("a stream");
    let metadata = String::from_utf8(metadata.get_plain_content().unwrap_or_else(|_| metadata.content.clone()));
    let metadata = metadata.expect("UTF-8");
    // The date is the record's time of issue, not a clock's.
    assert!(metadata.contains("2025-01-02T10:30:00"), "{metadata}");
    for sign in ["<pdfaid:part>2<", "<pdfaid:conformance>A<", "<pdfuaid:part>1<", "Schistocyte count"] {
        assert!(metadata.contains(sign), "{sign} in {metadata}");
    }
    assert!(!metadata.contains("S-2041-0007"), "the metadata names a specimen");
}

#[test]
fn every_page_has_accession_review_status_footer_and_number() {
    for case in [enough_cells().build(), with_evidence().build()] {
        let pages = pages(&pdf(&case));
        assert!(pages.len() >= 2, "{} pages", pages.len());
        for (index, page) in pages.iter().enumerate() {
            assert!(page.contains(&spaced(FOOTER)), "no footer on page {}: {page}", index + 1);
            assert!(page.contains(&format!("page {} of {}", index + 1, pages.len())), "{page}");
            assert!(page.contains("Preliminary, not reviewed") && page.contains("Accession S-2041-0007"), "{page}");
        }
    }
}

#[test]
fn figures_and_words_are_those_of_the_record() {
    let case = enough_cells().build();
    let (words, record) = (words(&case), &case.record);
    let percent = record.count.percent.expect("a percentage");
    let limits = record.count.wilson_95.expect("an interval");
    for expected in [
        record.statement.clone(),
        format!("{percent:.2}"),
        format!("{:.2}–{:.2}", limits.low, limits.high),
        record.fields[1].refusals[0].clone(),
        record.fields[1].field.clone(),
        record.provenance.model.sha256.clone(),
        record.provenance.inputs[3].sha256.clone(),
    ] {
        assert!(dense(&words).contains(&dense(&expected)), "{expected} in {words}");
    }
    for class in CellClass::ALL {
        assert!(words.contains(class.name()), "{}", class.name());
    }
    assert!(words.contains("4 fields: 3 accepted, 1 refused. Limits not met: edge sharpness in 1 field."), "{words}");
}

#[test]
fn evidence_is_there_with_everything_that_is_missing() {
    let case = with_evidence().build();
    let words = words(&case);
    let dense_words = dense(&words);
    let evidence = case.record.evidence.as_ref().expect("evidence");
    let has = |text: &str| dense_words.contains(&dense(text));
    for block in &evidence.blocks {
        assert!(has(&block.title), "{}", block.title);
        for item in &block.items {
            assert!(has(&item.name) && has(&item.value_text), "{}", item.name);
        }
        for name in &block.missing {
            assert!(has(name), "{name}");
        }
    }
    for statement in &evidence.statements {
        assert!(has(&statement.title), "{}", statement.title);
        for item in statement.supports.iter().chain(&statement.speaks_against).chain(&statement.neutral) {
            assert!(has(&item.rule), "{}", item.rule);
        }
    }
    for score in &evidence.scores {
        assert!(has(&score.name) && has(&score.source), "{}", score.name);
        for caveat in &score.caveats {
            assert!(has(caveat), "{caveat}");
        }
        if let ScoreResult::Computed { points } = score.result {
            let most: u32 = score.items.iter().map(|item| item.highest_points).sum();
            assert!(has(&format!("{points} of {most} points")), "{}", score.name);
        }
    }
    assert!(has("published cohort, not this patient"));
    let cancer = evidence.cancer_page.as_ref().expect("a page");
    for exposure in &cancer.exposures {
        assert!(has(&exposure.name), "{}", exposure.name);
    }
    for item in cancer.comparisons.iter().flat_map(|comparison| &comparison.items) {
        assert!(has(&item.published), "{}", item.published);
    }
}

#[test]
fn the_page_for_cancer_begins_a_page() {
    let pages = pages(&pdf(&with_evidence().build()));
    let found = pages.iter().find(|page| page.contains("Cancer-associated TMA")).expect("the page");
    let head = &found[..found.find("Cancer-associated TMA").expect("its title")];
    assert!(head.len() < 120, "something stands before it: {head}");
    assert!(!words(&enough_cells().build()).contains("Cancer-associated TMA"));
}

#[test]
fn a_case_without_a_percentage_says_so() {
    let case = FakeCase { fields: 0, accession: None, ..FakeCase::default() }.build();
    assert_eq!(case.record.count.state, State::NotAssessable);
    let words = words(&case);
    for expected in ["no percentage", "Not assessable", "No accession given", "No field was read", "not available"] {
        assert!(words.contains(expected), "{expected} in {words}");
    }
    assert!(!words.contains("NaN") && !words.contains("null") && !words.contains("none"), "{words}");
}

#[test]
fn no_verdict_is_spoken() {
    for case in [enough_cells(), with_evidence(), FakeCase { fields: 0, ..FakeCase::default() }] {
        let spoken = words(&case.build()).replace(&spaced(FOOTER), "");
        assert_eq!(banned_terms_in(&spoken), Vec::<&str>::new());
    }
}

/// Puts a text into every place of a JSON value that holds one, keys of maps included.
fn fill(value: &mut serde_json::Value, text: &str, kept: &[&str]) {
    match value {
        serde_json::Value::String(found) => text.clone_into(found),
        serde_json::Value::Array(values) => values.iter_mut().for_each(|value| fill(value, text, kept)),
        serde_json::Value::Object(values) => {
            values.iter_mut().filter(|(key, _)| !kept.contains(&key.as_str())).for_each(|(_, v)| fill(v, text, kept));
        }
        _ => {}
    }
}

/// The case with a text in every field of the record that takes one.
fn filled_with(text: &str, mut case: Case) -> Case {
    // Names of enums cannot hold another text.
    let kept = [
        "age_group",
        "state",
        "context",
        "um_per_px_source",
        "false_positive_floor_source",
        "false_call_source",
        "interval",
        "class",
        "finding",
        "block",
        "flag",
        "owner",
        "direction",
        "kind",
        "schema_version",
        "footer",
        "issued_at",
    ];
    let footer = case.record.footer.clone();
    let evidence = case.record.evidence.take();
    let mut record = serde_json::to_value(&case.record).expect("a record");
    fill(&mut record, text, &kept);
    case.record = serde_json::from_value(record).expect("a record again");
    case.record.footer = footer;
    case.record.evidence = evidence.map(|evidence| {
        let mut value = serde_json::to_value(&evidence).expect("evidence");
        // The statements of bearings are names of an enum here, and texts in the record above.
        fill(&mut value, text, &[&kept[..], &["statement"]].concat());
        serde_json::from_value(value).expect("evidence again")
    });
    let given = || Some(text.to_owned());
    case.record.laboratory = Some(Laboratory { name: text.to_owned(), address: given() });
    case.record.order = Some(Order {
        patient: Some(Patient { id: given(), id_authority: given(), family_name: given(), ..Patient::default() }),
        placer_order_number: given(),
        requester: given(),
        ..Order::default()
    });
    case.record.count.grade = Some(Grade { label: text.to_owned(), table: text.to_owned() });
    case.record.provenance.options.insert(text.to_owned(), text.into());
    let renamed = case.fields.iter().map(|field| CaseField { field: text.to_owned(), ..field.expect("readable") });
    case.fields = CaseFields::of(renamed).expect("a temporary file");
    for record in &mut case.record.fields {
        text.clone_into(&mut record.field);
        record.refusals = vec![text.to_owned(); 2];
        record.accepted = false;
    }
    case.record.failed_inputs = vec![InputFailure { path: text.to_owned(), reason: text.to_owned() }; 3];
    case
}

#[test]
fn hostile_text_in_every_field_is_printed_and_never_run() {
    let long = hostile_word();
    for text in HOSTILE.into_iter().chain([long.as_str()]) {
        let pages_of = |labs| pages(&pdf(&filled_with(text, FakeCase { labs, ..FakeCase::default() }.build()))).len();
        assert!(pages_of(None) >= 2 && pages_of(Some(FULL)) >= 2, "{text:?}");
    }
    // Markup stands as it was given.
    let case = filled_with("#panic() $x$ *b*", FakeCase::default().build());
    assert!(words(&case).contains("#panic() $x$ *b*"));
    let case = filled_with("\u{8840}", FakeCase::default().build());
    assert!(words(&case).contains("a character that the fonts of this document lack"));
}

/// Text of 200 characters with a sign at both ends and in the middle.
fn longest(name: &str) -> String {
    let half = "Wm".repeat(90);
    let half = &half[..(200 - 3 * name.len()).div_ceil(2)];
    format!("{name}{half}{name}{}{name}", &half[..200 - 3 * name.len() - half.len()])
}

#[test]
fn nothing_of_identity_notes_errors_and_scores_is_cut_however_long_it_is() {
    let names: [&str; 9] = ["ACC", "MRN", "AUT", "FAM", "GIV", "PLA", "FIL", "REQ", "LAB"];
    let long = |index: usize| Some(longest(names[index]));
    let time = |text: &str| Timestamp::parse(text).ok();
    let mut case = with_evidence().build();
    case.record.accession = long(0);
    case.record.order = Some(Order {
        accession: long(0),
        patient: Some(Patient {
            id: long(1),
            id_authority: long(2),
            family_name: long(3),
            given_name: long(4),
            birth_date: Date::parse("1960-01-31").ok(),
            sex: Some(AdministrativeSex::Female),
        }),
        placer_order_number: long(5),
        filler_order_number: long(6),
        collected_at: time("2025-01-02T09:00:00+01:00"),
        received_at: time("2025-01-02T10:00:00+01:00"),
        requester: long(7),
    });
    case.record.laboratory = Some(Laboratory { name: longest(names[8]), address: Some(longest("ADR")) });
    let reason = "expected an image, found three bytes and a long story of how they came there; ".repeat(12) + "END";
    let path = format!("/data/{}/film.png", "a-deep-folder/".repeat(20));
    case.record.failed_inputs = vec![InputFailure { path: path.clone(), reason: reason.clone() }];
    case.record.fields[1].refusals = vec![reason.clone()];
    case.record.statement = format!("{} END", "A statement of manifold words. ".repeat(60));
    let bytes = pdf(&case);
    let pages = pages(&bytes);
    // A value may go on behind the head and the foot between two pages.
    let body = |page: &String| {
        let page = dense(page);
        let (_, body) = page.split_once(&dense("Preliminary, not reviewed")).expect("the head");
        body.split_once(&dense(&case.record.footer)).expect("the foot").0.to_owned()
    };
    let text: String = pages.iter().map(body).collect();
    for value in names.map(longest).into_iter().chain([longest("ADR"), reason, path]) {
        assert!(text.contains(&dense(&value)), "{value} in {text}");
    }
    // The plot stands beside the statement, so that a page may end between two of its words.
    assert_eq!(text.matches("manifold").count(), 60);
    assert!(text.contains("words.END"), "the last sentence");
    for whole in ["born 1960-01-31, female", "2025-01-02 09:00 +01:00", "2025-01-02 10:00 +01:00"] {
        assert!(text.contains(&dense(whole)), "{whole}");
    }
    // The head of every page names the whole accession.
    for page in &pages {
        assert!(dense(page).contains(&longest("ACC")), "{page}");
    }
    let evidence = case.record.evidence.as_ref().expect("evidence");
    for score in &evidence.scores {
        for item in &score.items {
            assert!(text.contains(&dense(&item.criterion)), "{} without {}", score.name, item.criterion);
        }
        for sentence in score.caveats.iter().chain([&score.estimates, &score.applicability, &score.source]) {
            assert!(text.contains(&dense(sentence)), "{sentence}");
        }
    }
    for sentence in &evidence.limitations {
        assert!(text.contains(&dense(sentence)), "{sentence}");
    }
}

#[test]
fn no_character_without_width_is_copied_with_a_date_a_number_or_a_hash() {
    let mut case = with_evidence().build();
    case.record.order =
        Some(Order { collected_at: Timestamp::parse("2025-01-02T09:00:00.123456789+01:00").ok(), ..Order::default() });
    for case in [case, enough_cells().build()] {
        for page in pages(&pdf(&case)) {
            let found: Vec<char> = page
                .chars()
                .filter(|c| matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}'))
                .collect();
            assert!(found.is_empty(), "{found:?} in {page}");
        }
    }
}

#[test]
fn the_sheet_says_what_the_model_misses_and_shows_the_near_misses() {
    let case = FakeCase { near_misses: 9, ..enough_cells() }.build();
    let words = words(&case);
    // Sensitivity 0.871 of 310 cells.
    let missed = "The model missed 40 of 310 labeled schistocytes (12.90 %; 95 % CI 9.62–17.09 %).";
    assert!(dense(&words).contains(&dense(missed)), "{words}");
    let said = "27 cells counted as another class and nearly called a schistocyte (probability from 0.250 up to 0.720), by \
                falling probability. The 20 likeliest are shown, 7 more are left out.";
    assert!(dense(&words).contains(&dense(said)), "{words}");
    let none = self::words(&enough_cells().build());
    assert!(dense(&none).contains(&dense("No counted cell was nearly called a schistocyte")), "{none}");
}

#[test]
fn a_huge_case_says_what_is_left_out_and_shows_every_refused_field_first() {
    let refused = (0..300).filter(|index| index % 5 == 0).collect();
    let failed: Vec<InputFailure> = (0..80)
        .map(|index| InputFailure {
            path: format!("/data/{}/{index}.png", "deep/".repeat(40)),
            reason: "expected an image, found 3 bytes; ".repeat(20),
        })
        .collect();
    let huge = |labs| FakeCase {
        fields: 300,
        grid: (6, 4),
        schistocytes: 1,
        refused: Vec::clone(&refused),
        name: "a-very-long-name-of-a-photograph-that-somebody-typed-with-care-and-without-a-single-space-in-it",
        preview_scale: 0.1,
        failed: failed.clone(),
        labs,
        ..FakeCase::default()
    };
    for labs in [None, Some(FULL)] {
        let case = huge(labs).build();
        assert_eq!((case.record.fields.len(), case.record.count.schistocytes), (300, 240));
        let pages = pages(&pdf(&case));
        let words = pages.join(" ");
        for expected in ["likeliest of 240 cells", "are in the page (html)", "more: see the page (html) and the record"]
        {
            assert!(words.contains(expected), "{expected} in {words}");
        }
        for expected in
            ["300 fields: 240 accepted, 60 refused.", "260 fields more: see the page", "40 inputs more: see"]
        {
            assert!(words.contains(expected), "{expected} in {words}");
        }
    }
}

/// Cases for the readers outside of Rust (`tests/readers`): `.ci/run` names the folder, otherwise they go at once.
#[test]
fn cases_are_written_for_the_readers() {
    let temporary = tempfile::tempdir().expect("a temporary folder");
    let folder = std::env::var_os("READERS_OUT").map_or_else(|| temporary.path().to_owned(), Into::into);
    let cases = [
        ("count-alone", enough_cells().build()),
        ("evidence", with_evidence().build()),
        ("sparse", FakeCase { labs: Some("sparse.json"), ..enough_cells() }.build()),
        ("ttp-like", FakeCase { labs: Some("ttp_like.json"), ..enough_cells() }.build()),
        ("refused", FakeCase { refused: vec![0, 1], ..FakeCase::default() }.build()),
        ("nothing-read", FakeCase { fields: 0, accession: None, ..FakeCase::default() }.build()),
    ];
    for (name, case) in cases {
        let formats = [ReportFormat::Json, ReportFormat::Html, ReportFormat::Pdf];
        let target = ReportTarget::prepare(&folder.join(name), &formats).expect("a writable folder");
        let written = target.write(&case).expect("a case that can be written").files;
        // The record has its archive beside it.
        assert_eq!(written.len(), formats.len() + 1);
        for path in written {
            assert!(std::fs::metadata(&path).expect("a file").len() > 0, "{}", path.display());
        }
    }
}
