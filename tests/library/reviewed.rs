//! A case before its signature, signed, and signed again: every format says how far it has come, gives the reviewed count and the
//! software's beside it, and lets no name or comment be more than text.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use crate::support::fake_case::FakeCase;
use crate::support::fake_review::FakeReview;
use schistoquant::case::{
    AdministrativeSex, Case, CaseField, CaseFields, FOOTER, IntervalName, Job, Laboratory, Order, Patient,
    REVIEWED_FOOTER, ReviewRecord, ReviewStatus, Reviewer, State, banned_terms_in,
};
use schistoquant::report::{Hl7Options, Hl7Version, ReportFormat, ReportSettings, render, render_with};
use schistoquant::time::Timestamp;
use serde_json::Value;

/// Markup, delimiters of HL7, a formula, marks of direction, an end of line.
const HOSTILE: &str = "=1|^&~\\\r\nOBX|1|NM|FAKE||99 <script>alert(1)</script> \u{202e}abc\u{202c}\u{200f}\"";

fn case() -> Case {
    copy_of(&DRAWN)
}

/// Drawing takes seconds.
static DRAWN: LazyLock<Case> = LazyLock::new(|| {
    let order = Order {
        accession: Some("S-2041-0007".into()),
        patient: Some(Patient {
            id: Some("MRN123".into()),
            family_name: Some("Doe".into()),
            sex: Some(AdministrativeSex::Female),
            ..Patient::default()
        }),
        placer_order_number: Some("P-1".into()),
        filler_order_number: Some("F-1".into()),
        received_at: Timestamp::parse("2025-01-02T10:00:00+01:00").ok(),
        ..Order::default()
    };
    FakeCase {
        grid: (26, 20),
        fields: 3,
        schistocytes: 15,
        near_misses: 2,
        preview_scale: 0.2,
        order: Some(order),
        laboratory: Some(Laboratory { name: "Laboratory X".into(), address: None }),
        ..FakeCase::default()
    }
    .build()
});

fn copy_of(case: &Case) -> Case {
    let fields: Vec<CaseField> = case.fields.iter().collect::<Result<_, _>>().expect("readable fields");
    Case { record: case.record.clone(), fields: CaseFields::of(fields).expect("a temporary file") }
}

fn signed(number: u32) -> Case {
    FakeReview { number, ..FakeReview::default() }.sign(case())
}

fn review(case: &Case) -> &ReviewRecord {
    case.record.review.as_deref().expect("a signed case")
}

/// Preliminary, final, corrected.
fn stages() -> [Case; 3] {
    [case(), signed(1), signed(2)]
}

fn text_of(format: ReportFormat, case: &Case, ending: &str) -> String {
    let files = render(format, case).expect("a case that can be written");
    let file = files.into_iter().find(|file| file.name.ends_with(ending)).expect("the file");
    String::from_utf8(file.bytes).expect("UTF-8")
}

fn hl7(case: &Case, version: Hl7Version) -> String {
    let settings = ReportSettings { hl7: Hl7Options { version, ..Hl7Options::default() }, ..ReportSettings::default() };
    let mut files = render_with(ReportFormat::Hl7, case, &settings, None).expect("a message");
    String::from_utf8(files.remove(0).bytes).expect("UTF-8")
}

/// Segments as fields; field `n` at index `n`.
fn segments(message: &str) -> Vec<Vec<String>> {
    message.trim_end_matches('\r').split('\r').map(|one| one.split('|').map(str::to_owned).collect()).collect()
}

fn segment<'a>(segments: &'a [Vec<String>], name: &str) -> &'a [String] {
    segments.iter().find(|segment| segment[0] == name).expect("the segment")
}

/// Field of each observation, by its code.
fn observed(segments: &[Vec<String>], field: usize) -> Vec<(String, String)> {
    let rows = segments.iter().filter(|segment| segment[0] == "OBX");
    rows.map(|row| {
        let code = row[3].split('^').next().unwrap_or_default().to_owned();
        (code, row.get(field).cloned().unwrap_or_default())
    })
    .collect()
}

fn page(case: &Case) -> String {
    text_of(ReportFormat::Html, case, "report.html").replace('\u{a0}', " ")
}

/// Text of the element with an attribute; no tag stands inside.
fn figure(page: &str, name: &str) -> String {
    let at = page.find(&format!("data-figure=\"{name}\"")).unwrap_or_else(|| panic!("no figure {name}"));
    let text = &page[at + page[at..].find('>').expect("the end of the tag") + 1..];
    text[..text.find('<').expect("another tag")].to_owned()
}

#[test]
fn the_made_up_cases_are_what_they_stand_for() {
    let [preliminary, first, second] = stages();
    let statuses = [&preliminary, &first, &second].map(|case| case.record.review_status());
    assert_eq!(statuses, [ReviewStatus::Preliminary, ReviewStatus::Final, ReviewStatus::Corrected]);
    let cells = review(&first).cells;
    // 45 called: one read as a burr cell, one undecided, one not assessable; six near misses; one added.
    assert_eq!(
        (cells.read, cells.schistocytes, cells.others, cells.undecided, cells.not_assessable),
        (52, 43, 7, 1, 1)
    );
    assert_eq!((cells.confirmed, cells.not_confirmed, cells.added, cells.unread), (42, 3, 1, 0));
    let (software, count) = (first.record.software_count(), &first.record.count);
    assert_eq!((software.schistocytes, software.red_cells), (45, 1551));
    assert_eq!((count.schistocytes, count.red_cells, count.state), (43, 1551, State::Above));
    assert_eq!(software, &preliminary.record.count);
}

#[test]
fn a_message_is_preliminary_final_and_corrected_and_keeps_its_identity() {
    for version in Hl7Version::ALL {
        let messages = stages().map(|case| hl7(&case, version));
        let all = messages.each_ref().map(|message| segments(message));
        for (segments, status) in all.iter().zip(["P", "F", "C"]) {
            assert_eq!(segment(segments, "OBR")[25], status);
            let statuses = observed(segments, 11);
            assert!(statuses.iter().all(|(_, found)| found == status || found == "X"), "{status}: {statuses:?}");
            assert_eq!(statuses[0], ("SCHISTO-PCT".to_owned(), status.to_owned()));
        }
        let [preliminary, first, second] = &all;
        for (name, fields) in [("OBR", vec![2, 3, 4]), ("PID", vec![3, 5, 8]), ("ORC", vec![2, 3])] {
            for field in fields {
                let of = |segments| segment(segments, name)[field].clone();
                assert_eq!((of(preliminary), of(first)), (of(first), of(second)), "{name}-{field}");
            }
        }
        assert_eq!(observed(first, 3), observed(second, 3), "the same codes in the same order");
        let codes =
            |segments: &[Vec<String>]| observed(segments, 3).into_iter().map(|(code, _)| code).collect::<Vec<_>>();
        assert_eq!(codes(preliminary)[..7], codes(first)[..7]);
        let control = |segments: &[Vec<String>]| segments[0][9].clone();
        assert!(control(preliminary) != control(first) && control(first) != control(second), "other messages");
        // The name is the first component, its parts are subcomponents.
        assert_eq!(segment(first, "OBR")[32], "&Ada Reader");
        assert_eq!(segment(preliminary, "OBR").get(32), None);
        assert_eq!(segment(first, "OBR")[22], "20250103103000+0100");
    }
}

#[test]
fn a_signed_message_names_signer_interval_reason_and_agreement_in_notes() {
    let [preliminary, first, second] = stages().map(|case| hl7(&case, Hl7Version::V2_5_1));
    let notes = |message: &str| -> Vec<String> {
        let all = segments(message);
        let from = all.iter().position(|segment| segment[0] == "OBR").expect("a request") + 1;
        all[from..].iter().take_while(|segment| segment[0] == "NTE").map(|segment| segment[3..].join("|")).collect()
    };
    assert_eq!(notes(&preliminary)[1..], [FOOTER]);
    let signed =
        "Reviewed and released by Ada Reader, hematologist, 2025-01-03 10:30 +01:00. Seen on two fields again.";
    let covers = "What the interval covers: the chance of counting, the unread cells and what lies below the threshold of \
                  review.";
    let agreement = "Second, blind reading by Ben Second, biologist: 50 cells read by both, of them schistocytes for both 20, \
                     for the first reader alone 5, for the second alone 10, for neither 15; kappa 0.40; 2.25\u{a0}% by the \
                     first reader, 2.75\u{a0}% by the second reader.";
    assert_eq!(notes(&first)[1..], [REVIEWED_FOOTER, signed, covers, agreement]);
    let reason = "Correction 1. Opened again by Ada Reader, hematologist, 2025-01-04 11:00 +01:00: Two cells were read as the \
                  wrong class.";
    let corrected = signed.replace("2025-01-03 10:30", "2025-01-04 11:45");
    assert_eq!(notes(&second)[1..], [REVIEWED_FOOTER, &corrected, covers, reason, agreement]);
    let silent =
        FakeReview { comment: Some(" ".to_owned()), second_reading: false, ..FakeReview::default() }.sign(case());
    assert_eq!(notes(&hl7(&silent, Hl7Version::V2_5_1)).len(), 4);
}

/// What the observations behind the others say.
fn further(review: &ReviewRecord) -> Vec<(&'static str, String)> {
    let (software, cells) = (&review.software.count, &review.cells);
    vec![
        ("SCHISTO-SW-PCT", format!("{:.2}", software.percent.expect("cells"))),
        ("SCHISTO-SW-STATE", "ABOVE".to_owned()),
        ("SCHISTO-SW-N", software.schistocytes.to_string()),
        ("RBC-SW-N", software.red_cells.to_string()),
        ("REVIEW-READ-N", cells.read.to_string()),
        ("REVIEW-UNDECIDED-N", cells.undecided.to_string()),
        ("REVIEW-NOTASSESSABLE-N", cells.not_assessable.to_string()),
        ("REVIEW-ADDED-N", cells.added.to_string()),
        ("REVIEW-INCLUDED-N", cells.included.to_string()),
        ("REVIEW-UNREAD-N", cells.unread.to_string()),
        ("REVIEW2-KAPPA", "0.40".to_owned()),
        ("REVIEW2-PCT", "2.75".to_owned()),
    ]
}

#[test]
fn messages_give_the_reviewed_count_and_the_softwares_behind_all_others() {
    let case = signed(1);
    let message = hl7(&case, Hl7Version::V2_5_1);
    let values = observed(&segments(&message), 5);
    let last: Vec<_> = values[values.len() - 12..].iter().map(|(code, value)| (code.as_str(), value)).collect();
    for ((code, value), (expected_code, expected)) in last.into_iter().zip(further(review(&case))) {
        assert_eq!((code, value.split('^').next()), (expected_code, Some(expected.as_str())));
    }
    let values: BTreeMap<_, _> = values.into_iter().collect();
    let count = &case.record.count;
    assert_eq!(values["SCHISTO-PCT"], format!("{:.2}", count.percent.expect("cells")));
    assert_eq!(values["SCHISTO-N"], "43");
    let limits = count.reviewed_95.expect("cells");
    assert_eq!(values["SCHISTO-CI-REVIEW"], format!("^{:.2}^-^{:.2}", limits.low, limits.high));
    assert_eq!((values["SCHISTO-HELMET"].as_str(), values["RBC-SCHISTOCYTE"].as_str()), ("1", "43"));
    for absent in ["SCHISTO-CORR-PCT", "SCHISTO-CORR-CI", "FP-FLOOR-PCT"] {
        assert!(!values.contains_key(absent), "{absent}");
    }
    assert!(message.contains("NTE|1|L|The software's own result, before the review.\r"));
    assert!(message.contains("NTE|1|L|Form of each schistocyte as a reader named it, else by rules on its outline"));
    assert!(message.contains("(with what was not read)") && !message.contains("model errors"), "{message}");
    let before = observed(&segments(&hl7(&self::case(), Hl7Version::V2_5_1)), 3);
    assert!(!before.iter().any(|(code, _)| code.contains("-SW-") || code.starts_with("REVIEW")), "{before:?}");
}

fn bundle(case: &Case) -> Value {
    serde_json::from_str(&text_of(ReportFormat::Fhir, case, ".fhir.json")).expect("JSON")
}

fn resources<'a>(bundle: &'a Value, kind: &str) -> Vec<&'a Value> {
    let entries = bundle["entry"].as_array().expect("entries");
    entries.iter().filter(|entry| entry["resource"]["resourceType"] == kind).collect()
}

#[test]
fn a_bundle_is_preliminary_final_and_amended_and_names_who_signed() {
    for (case, status) in stages().iter().zip(["preliminary", "final", "amended"]) {
        let bundle = bundle(case);
        let report = &resources(&bundle, "DiagnosticReport")[0]["resource"];
        assert_eq!(report["status"], status);
        let observations = resources(&bundle, "Observation");
        assert!(observations.iter().all(|entry| entry["resource"]["status"] == status), "{status}");
        let of = |code: &str| {
            let found = observations.iter().find(|entry| entry["resource"]["code"]["coding"][0]["code"] == code);
            found.map(|entry| &entry["resource"])
        };
        let percent = of("SCHISTO-PCT").expect("the percentage");
        let notes = percent["note"].to_string();
        let signers = resources(&bundle, "Practitioner");
        let Some(review) = &case.record.review else {
            assert!(signers.is_empty() && report.get("resultsInterpreter").is_none());
            assert_eq!(percent["method"]["text"], "Automated image analysis of a stained blood film");
            assert!(of("SCHISTO-SW-PCT").is_none() && notes.contains(FOOTER));
            continue;
        };
        assert_eq!(signers.len(), 1);
        assert_eq!(signers[0]["resource"]["name"][0]["text"], "Ada Reader");
        assert_eq!(signers[0]["resource"]["qualification"][0]["code"]["text"], "hematologist");
        assert_eq!(report["resultsInterpreter"][0]["reference"], signers[0]["fullUrl"]);
        assert_eq!(
            percent["method"]["text"],
            "Automated image analysis of a stained blood film, suspicious cells read by a person"
        );
        assert!(notes.contains(REVIEWED_FOOTER) && notes.contains("Reviewed and released by Ada Reader"), "{notes}");
        let conclusion = report["conclusion"].as_str().expect("words");
        assert!(conclusion.starts_with(&format!("{} {REVIEWED_FOOTER} Reviewed and", case.record.statement)));
        assert_eq!(conclusion.contains("Correction 1. "), status == "amended");
        for (code, expected) in further(review) {
            let value = of(code).unwrap_or_else(|| panic!("{code}"));
            let number = value["valueQuantity"]["value"].as_f64();
            let coded = value["valueCodeableConcept"]["coding"][0]["code"].as_str();
            assert!(number == expected.parse().ok() || coded == Some(&expected), "{code}: {value}");
        }
        assert_eq!(report["issued"], review.signed_at.as_str());
    }
}

#[test]
fn the_page_says_at_its_head_who_signed_and_when() {
    let heads = stages().map(|case| {
        let page = page(&case);
        let at = page.find("<p class=\"review\"><bdi>").expect("a status") + "<p class=\"review\"><bdi>".len();
        page[at..].split('<').next().expect("text").to_owned()
    });
    assert_eq!(heads[0], "Preliminary, not reviewed");
    assert_eq!(heads[1], "Reviewed and released by Ada Reader, hematologist, 2025-01-03 10:30 +01:00");
    assert_eq!(heads[2], "Corrected: reviewed and released by Ada Reader, hematologist, 2025-01-04 11:45 +01:00");
    // Longer than the head has room for: it stands whole in the section.
    let name = "N".repeat(4_000);
    let long = Reviewer { name: name.clone(), role: "r".to_owned() };
    let page = page(&FakeReview { signed_by: long, ..FakeReview::default() }.sign(case()));
    assert!(
        page.contains("<bdi>Reviewed and released by the person named under Review, 2025-01-03 10:30 +01:00</bdi>")
    );
    assert!(page.contains(&format!("{name}, r")));
}

#[test]
fn the_page_shows_both_counts_the_readings_and_the_place_in_the_trail() {
    let case = signed(2);
    let (page, review) = (page(&case), review(&case));
    let (software, count) = (&review.software.count, &case.record.count);
    let percent = |value: Option<f64>| format!("{:.2} %", value.expect("a percentage"));
    assert_eq!(figure(&page, "review.software.count.percent"), percent(software.percent));
    assert_eq!(figure(&page, "count.percent"), percent(count.percent));
    assert_eq!(figure(&page, "review.software.count.red_cells"), "1,551");
    assert_eq!(figure(&page, "review.software.count.state"), "Above the reference limit");
    let limits = count.reviewed_95.expect("cells");
    assert_eq!(figure(&page, "count.reviewed_95"), format!("{:.2}–{:.2} %", limits.low, limits.high));
    for (field, cells) in
        [("read", "52"), ("schistocytes", "43"), ("not_confirmed", "3"), ("added", "1"), ("unread", "0")]
    {
        assert_eq!(figure(&page, &format!("review.cells.{field}")), cells, "{field}");
    }
    assert_eq!(figure(&page, "review.second_reading.kappa"), "0.40");
    assert_eq!(figure(&page, "review.trail.event"), "14");
    for words in [
        "c".repeat(64),
        "Seen on two fields again.".to_owned(),
        "Two cells were read as the wrong class.".to_owned(),
        "the chance of counting, the unread cells".to_owned(),
        "Ben Second, biologist".to_owned(),
        REVIEWED_FOOTER.to_owned(),
        "The state needs the interval with what was not read on one side.".to_owned(),
        "when the review was signed".to_owned(),
    ] {
        assert!(page.contains(&words), "{words}");
    }
    let sections: Vec<usize> = ["id=\"result\"", "id=\"review\"", "id=\"gallery\""]
        .map(|section| page.find(section).expect("the section"))
        .into();
    assert!(sections.is_sorted(), "the review stands right behind the result");
    // Every called cell, as it was read.
    let gallery = &page[sections[2]..page.find("id=\"near-misses\"").expect("near misses")];
    let read = |words: &str| gallery.matches(&format!("<span class=\"read\">read: {words}</span>")).count();
    let found = ["burr", "undecided", "schistocyte (helmet)", "not assessable", "schistocyte"].map(read);
    assert_eq!(found, [1, 1, 1, 1, 41]);
    assert!(!self::page(&self::case()).contains("id=\"review\""));
}

#[test]
fn nothing_is_said_of_the_models_errors_beside_a_reviewed_count() {
    let mut case = signed(1);
    case.record.provenance.model.review_sensitivity = None;
    for state in [State::Above, State::NotAbove, State::Indeterminate, State::Insufficient, State::NotAssessable] {
        case.record.count.state = state;
        case.record.count.context = Some(schistoquant::case::Context::WithinModelError);
        case.record.statement = schistoquant::case::statement(&case.record.count);
        let page = page(&case);
        let result =
            &page[page.find("id=\"result\"").expect("a result")..page.find("id=\"gallery\"").expect("a gallery")];
        // The table of both counts names the software's own corrected interval.
        let said = result.replace("Corrected for model errors 95 %", "");
        for words in ["model's error", "model error", "False-positive floor", "False calls", "Sensitivity of the model"]
        {
            assert!(!said.contains(words), "{state:?}: {words} in {said}");
        }
        assert_eq!(banned_terms_in(&page), Vec::<&str>::new());
    }
    assert!(page(&self::case()).contains("False-positive floor"), "before the signature");
}

#[test]
fn a_notice_says_what_a_review_left_open_and_what_is_not_known() {
    let read = FakeReview { unread: 0, ..FakeReview::default() }.sign(case());
    let mut all_decided = copy_of(&read);
    all_decided.record.review.as_mut().expect("a review").cells.undecided = 0;
    let open = FakeReview { unread: 2, ..FakeReview::default() }.sign(case());
    assert!(!page(&all_decided).contains("Cells left open"));
    assert!(page(&read).contains("1 cell was read and undecided: in the upper limit, not in the value."));
    assert!(!page(&read).contains("read by nobody"));
    assert!(page(&open).contains("2 cells from the threshold of review on were read by nobody."));
    // An upper limit that is not known.
    let unknown = FakeReview { sensitivity: None, ..FakeReview::default() }.sign(case());
    assert_eq!(unknown.record.count.deciding.and_then(|deciding| deciding.high), None);
    assert!(page(&unknown).contains("Share below the threshold of review unknown"));
    assert!(page(&unknown).contains("at most not known, as what lies below the threshold of review is not"));
    assert!(!page(&read).contains("Share below the threshold of review unknown"));
    let low = read.record.count.deciding.and_then(|deciding| deciding.low).expect("a lower limit");
    assert_eq!(low.interval, IntervalName::Reviewed);
    assert!(page(&read).contains(&format!("at least {:.2} % (with what was not read); at most ", low.percent)));
}

/// Rows of a CSV by column.
fn rows(table: &str) -> Vec<BTreeMap<String, String>> {
    csv::Reader::from_reader(table.as_bytes()).deserialize().collect::<Result<_, _>>().expect("rows")
}

#[test]
fn tables_and_outlines_say_what_each_cell_was_read_as() {
    let case = signed(1);
    let cells = rows(&text_of(ReportFormat::Csv, &case, "cells.csv"));
    let of = |name: &str| cells.iter().filter(|row| row["read_as"] == name).count();
    assert_eq!(["schistocyte", "other", "undecided", "not_assessable"].map(of), [42, 7, 1, 1]);
    let named = |column: &str, name: &str| cells.iter().filter(|row| row[column] == name).count();
    assert_eq!((named("read_form", "helmet"), named("read_class", "burr")), (1, 1));
    let readings = case.record.found_readings();
    assert_eq!(readings.len(), 51, "all but the added cell");
    let outlines = render(ReportFormat::Geojson, &case).expect("outlines");
    let read: usize = outlines
        .iter()
        .map(|file| {
            let collection: Value = serde_json::from_slice(&file.bytes).expect("JSON");
            assert_eq!(collection["footer"], REVIEWED_FOOTER);
            let features = collection["features"].as_array().expect("features").clone();
            features.iter().filter(|feature| feature["properties"].get("read_as").is_some()).count()
        })
        .sum();
    assert_eq!(read, 51);
    let unsigned = rows(&text_of(ReportFormat::Csv, &self::case(), "cells.csv"));
    assert!(unsigned.iter().all(|row| ["read_as", "read_form", "read_class"].iter().all(|name| row[*name].is_empty())));
    assert!(!text_of(ReportFormat::Geojson, &self::case(), ".geojson").contains("read_as"));
}

#[test]
fn the_row_of_the_specimen_has_the_status_and_both_counts() {
    for (case, status) in stages().iter().zip(["preliminary", "final", "corrected"]) {
        let row = rows(&text_of(ReportFormat::Csv, case, ".specimen.csv")).remove(0);
        let software = case.record.software_count();
        assert_eq!(row["review_status"], status);
        assert_eq!(row["signed_by"].is_empty(), status == "preliminary");
        assert_eq!((row["software_schistocytes"].as_str(), row["software_red_cells"].as_str()), ("45", "1551"));
        let percent: f64 = row["software_percent"].parse().expect("a number");
        assert!((percent - software.percent.expect("cells")).abs() < 1e-6);
        assert_eq!(row["software_state"], software.state.name());
        assert_eq!(row["schistocytes"], case.record.count.schistocytes.to_string());
        let limits = case.record.count.reviewed_95;
        for (column, limit) in [("low", limits.map(|limits| limits.low)), ("high", limits.map(|limits| limits.high))] {
            let shown: Option<f64> = row[&format!("reviewed_95_{column}_percent")].parse().ok();
            assert_eq!(shown, limit, "{column}");
        }
        assert_eq!(row["footer"], case.record.footer);
        if let Some(review) = &case.record.review {
            assert_eq!(
                (row["signed_by"].as_str(), row["signed_at"].as_str()),
                ("Ada Reader", review.signed_at.as_str())
            );
        }
    }
}

#[test]
fn each_signature_is_another_piece_of_work() {
    let jobs = stages().map(|case| Job::of(&case.record).expect("a job").sha256().to_owned());
    assert!(jobs[0] != jobs[1] && jobs[1] != jobs[2] && jobs[0] != jobs[2], "{jobs:?}");
    let mut commented = signed(1);
    commented.record.review.as_mut().expect("a review").comment = None;
    assert_ne!(Job::of(&commented.record).expect("a job").sha256(), jobs[1]);
}

#[test]
fn a_signed_record_follows_the_schema_and_reads_back() {
    let schema = serde_json::from_str(schistoquant::report::CASE_SCHEMA).expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    for case in stages() {
        let text = text_of(ReportFormat::Json, &case, "case.json");
        let value: Value = serde_json::from_str(&text).expect("JSON");
        let faults: Vec<String> = validator.iter_errors(&value).map(|fault| fault.to_string()).collect();
        assert_eq!(faults, Vec::<String>::new());
        let read: schistoquant::case::CaseRecord = serde_json::from_str(&text).expect("its own text");
        assert_eq!(read, case.record);
    }
}

fn hostile() -> Case {
    let name = format!("{HOSTILE}{}", "W".repeat(4_000));
    let review = FakeReview {
        number: 2,
        signed_by: Reviewer { name, role: HOSTILE.to_owned() },
        comment: Some(HOSTILE.repeat(4_000 / HOSTILE.len() + 1)),
        reason: HOSTILE.to_owned(),
        ..FakeReview::default()
    };
    review.sign(case())
}

#[test]
fn a_hostile_name_or_comment_is_text_in_every_format() {
    let case = hostile();
    let message = hl7(&case, Hl7Version::V2_5_1);
    assert!(!message.contains('\n'));
    let known = ["MSH", "SFT", "PID", "ORC", "OBR", "NTE", "OBX", "SPM"];
    let all = segments(&message);
    assert!(all.iter().all(|segment| known.contains(&segment[0].as_str())));
    let codes = |case: &Case| observed(&segments(&hl7(case, Hl7Version::V2_5_1)), 3);
    assert_eq!(codes(&case), codes(&signed(2)));
    assert!(
        segment(&all, "OBR")[32].starts_with("&=1\\F\\\\S\\\\T\\\\R\\\\E\\\\X0D\\\\X0A\\OBX"),
        "{:?}",
        segment(&all, "OBR")
    );
    assert_eq!(segment(&all, "OBR").len(), 33);
    let page = page(&case);
    assert!(!page.contains("<script>") && page.contains("&lt;script&gt;"));
    let bundle = bundle(&case);
    let signers = resources(&bundle, "Practitioner");
    assert_eq!(signers[0]["resource"]["name"][0]["text"], review(&case).signed_by.name);
    let row = rows(&text_of(ReportFormat::Csv, &case, ".specimen.csv")).remove(0);
    assert!(row["signed_by"].starts_with("'=1"), "a spreadsheet does not run it");
    for format in [ReportFormat::Geojson, ReportFormat::Pictures, ReportFormat::Parquet, ReportFormat::Json] {
        render(format, &case).expect("a case that can be written");
    }
}

#[test]
fn no_format_of_a_signed_case_holds_a_banned_word_and_each_text_has_its_footer() {
    for case in [signed(1), signed(2)] {
        for format in
            [ReportFormat::Json, ReportFormat::Html, ReportFormat::Hl7, ReportFormat::Fhir, ReportFormat::Geojson]
        {
            for file in render(format, &case).expect("a case that can be written") {
                let Ok(text) = String::from_utf8(file.bytes) else { continue };
                assert_eq!(banned_terms_in(&text), Vec::<&str>::new(), "{format}");
                assert!(text.contains(REVIEWED_FOOTER) && !text.contains(FOOTER), "{format}: {}", file.name);
            }
        }
    }
}

/// The sheets, read back.
#[cfg(feature = "pdf")]
mod sheets {
    use super::*;

    /// Text of each page without any space: the reader sets spaces by the distance of letters.
    fn pages(case: &Case) -> Vec<String> {
        let bytes = render(ReportFormat::Pdf, case).expect("a case that can be typeset").remove(0).bytes;
        let document = lopdf::Document::load_mem(&bytes).expect("a PDF");
        let numbers: Vec<u32> = document.get_pages().into_keys().collect();
        numbers.iter().map(|&number| dense(&document.extract_text(&[number]).expect("text of a page"))).collect()
    }

    fn dense(text: &str) -> String {
        text.split_whitespace().collect()
    }

    #[test]
    fn every_sheet_says_who_signed_and_when() {
        for (case, (head, foot)) in stages().iter().zip([
            ("Preliminary, not reviewed", "Preliminary · page 1 of"),
            ("Reviewed and released by Ada Reader, hematologist, 2025-01-03 10:30 +01:00", "Reviewed · page 1 of"),
            (
                "Corrected: reviewed and released by Ada Reader, hematologist, 2025-01-04 11:45 +01:00",
                "Corrected · page 1 of",
            ),
        ]) {
            let pages = pages(case);
            assert!(pages[0].contains(&dense(foot)), "{foot} in {}", pages[0]);
            for page in &pages {
                assert!(page.contains(&dense(head)) && page.contains(&dense(&case.record.footer)), "{head} in {page}");
            }
        }
    }

    #[test]
    fn the_sheets_hold_both_counts_comment_trail_and_readings() {
        let case = signed(2);
        let text = pages(&case).join("");
        let software = review(&case).software.count.percent.expect("cells");
        let reviewed = case.record.count.percent.expect("cells");
        for words in [
            format!("Share of red cells{software:.2}%{reviewed:.2}%"),
            "Seen on two fields again.".to_owned(),
            "Two cells were read as the wrong class.".to_owned(),
            "c".repeat(64),
            "schistocyte (helmet)".to_owned(),
            "not assessable".to_owned(),
            "Ben Second, biologist".to_owned(),
        ] {
            assert!(text.contains(&dense(&words)), "{words} in {text}");
        }
        assert_eq!(banned_terms_in(&text), Vec::<&str>::new());
    }

    #[test]
    fn a_hostile_name_is_typeset_whole() {
        let text = pages(&hostile()).join("");
        assert!(text.contains(&dense("the person named under Review, 2025-01-04 11:45")), "{text}");
        assert!(text.contains("<script>alert(1)</script>"));
        assert!(text.matches('W').count() >= 4_000, "{} letters", text.matches('W').count());
    }
}
