//! Pages of made cases: what must stand in them, and what must not.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use super::*;
use crate::case::{Reading, Reopening, SignatureMeaning, State, banned_terms_in};
use crate::review::web::view::{CaseHead, CellView, CellsView, FiguresView, Group, Row};
use crate::review::{Listed, Progress, Signature};
use crate::smear::{CellClass, SchistocyteForm};
use crate::time::Timestamp;

/// A name that breaks out of text, of an attribute and of a comment, where it is not escaped.
const HOSTILE: &str = r#""'><script>alert(1)</script><!--&amp;"#;

fn reader() -> Reviewer {
    Reviewer { name: format!("Ada {HOSTILE}"), role: HOSTILE.to_owned() }
}

fn context(reader: Option<&Reviewer>) -> PageContext<'_> {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
    PageContext { csrf: "token-of-the-session", reader, now, has_login: false }
}

fn cell(number: u32, group: Option<Group>, reading: Option<Reading>) -> CellView {
    CellView {
        key: format!("f0c{number}"),
        field: 0,
        field_name: HOSTILE.to_owned(),
        x_px: 10.0,
        y_px: 20.0,
        radius_px: 30.0,
        tile: format!("/case/0123456789abcdef/tile/0/{number}.jpg"),
        group,
        called: group.map(|_| CellClass::Burr),
        probability: group.map(|_| 0.37),
        excluded: None,
        reading,
        by: group.and(reading).map(|_| HOSTILE.to_owned()),
        reason: None,
        seen: 4,
    }
}

fn cells(signed: bool) -> CellsView {
    CellsView {
        events: 17,
        signed,
        cells: vec![
            cell(1, Some(Group::Called), Some(Reading::of_form(SchistocyteForm::Helmet))),
            cell(2, Some(Group::Near), None),
            cell(3, Some(Group::Included), Some(Reading::of_class(CellClass::Target))),
        ],
        figures: Some(FiguresView {
            percent: Some(2.41),
            low: Some(1.6),
            high: Some(3.2),
            state: State::Above,
            state_words: "Above the reference limit",
            schistocytes: 48,
            red_cells: 1990,
            software_percent: Some(0.93),
            software_state_words: "Indeterminate: not placed against the limit",
            read: 2,
            unread: 1,
            undecided: 0,
            not_assessable: 0,
            added: 0,
            included: 1,
            outlook: "Read 1 more: it can settle the state.".to_owned(),
            settled: false,
        }),
    }
}

fn at() -> Timestamp {
    Timestamp::parse("2026-01-02T08:30:00+01:00").expect("a time")
}

fn head(signed: bool) -> CaseHead {
    let signature = Signature {
        number: 1,
        at: at(),
        by: Reviewer { name: "Eve Signer".to_owned(), role: HOSTILE.to_owned() },
        meaning: SignatureMeaning::ReviewedAndReleased,
        comment: Some(HOSTILE.to_owned()),
        settled: None,
        reopened: None,
        event: 16,
        sha256: String::new(),
    };
    let reopened = Reopening { at: at(), by: reader(), reason: format!("because {HOSTILE}") };
    CaseHead {
        id: "0123456789abcdef".to_owned(),
        name: HOSTILE.to_owned(),
        fields: vec![(HOSTILE.to_owned(), true), ("second".to_owned(), false)],
        signature: Some(signature),
        signed,
        reopened: (!signed).then_some(reopened),
        agreement: None,
        has_report: true,
    }
}

fn listed(progress: Progress) -> Listed {
    Listed {
        id: "0123456789abcdef".to_owned(),
        folder: PathBuf::from("/a"),
        name: HOSTILE.to_owned(),
        accession: Some(HOSTILE.to_owned()),
        state: Some(State::Indeterminate),
        percent: Some(1.2),
        interval: Some(crate::case::PercentInterval { low: 0.7, high: 1.9 }),
        threshold_percent: 1.0,
        cells_to_read: 12,
        cells_read: 5,
        second_read: 0,
        fields: (8, 10),
        unlike: true,
        since: Some(SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000 - 3 * 3600)),
        progress,
        messages_wait: true,
    }
}

fn rows() -> Vec<Row> {
    let signed = Progress::Signed { by: HOSTILE.to_owned(), at: at().as_str().to_owned() };
    let damaged =
        Listed { state: None, percent: None, interval: None, ..listed(Progress::Damaged { why: HOSTILE.to_owned() }) };
    let all = [listed(Progress::Unread), listed(Progress::Begun), listed(Progress::Reopened), listed(signed), damaged];
    all.into_iter().map(|listed| Row { listed, with: vec![HOSTILE.to_owned()] }).collect()
}

fn blind_cells() -> CellsView {
    CellsView {
        cells: vec![cell(2, None, None), cell(1, None, Some(Reading::of(crate::case::ReadAs::Undecided)))],
        figures: None,
        ..cells(false)
    }
}

/// Every page, by its name.
fn pages() -> Vec<(&'static str, String)> {
    let reader = reader();
    let ctx = context(Some(&reader));
    let nobody = context(None);
    vec![
        ("worklist", worklist(&ctx, &rows(), "script", "all")),
        ("empty worklist", worklist(&ctx, &[], HOSTILE, "open")),
        ("case", case(&ctx, &head(false), &cells(false), Some(HOSTILE))),
        ("signed case", case(&ctx, &head(true), &cells(true), None)),
        ("blind", blind(&ctx, &CaseHead { signature: None, ..head(false) }, &blind_cells())),
        ("start", start(&nobody, HOSTILE, Some(HOSTILE))),
        ("login", login(&nobody, HOSTILE, Some(HOSTILE))),
        ("message", message(&ctx, HOSTILE, HOSTILE)),
    ]
}

#[test]
fn a_hostile_name_stays_a_text_and_nothing_stands_inside_that_the_policy_forbids() {
    for (name, page) in pages() {
        assert!(!page.contains("<script>"), "{name}");
        assert!(!page.contains("<!--"), "{name}");
        assert!(!page.contains("\"'>"), "{name}");
        for forbidden in [" style=", "<style", " onclick", " onload", " onerror", "http:", "https:"] {
            assert!(!page.contains(forbidden), "{name}: {forbidden}");
        }
        assert_eq!(page.matches("<h1").count(), 1, "{name}");
        assert_eq!(page.matches("<main").count(), 1, "{name}");
        assert!(page.contains(r#"<meta name="csrf" content="token-of-the-session">"#), "{name}");
        assert_eq!(banned_terms_in(&page.replace(FOOTER, "")), Vec::<&str>::new(), "{name}");
    }
}

#[test]
fn every_form_that_changes_something_carries_the_token() {
    for (name, page) in pages() {
        for form in page.split("<form").skip(1).map(|rest| rest.split("</form>").next().unwrap_or_default()) {
            let sends = form.contains(r#"method="post""#);
            let token = form.contains(r#"<input type="hidden" name="csrf" value="token-of-the-session">"#);
            // The form of the field's reason is sent by the script.
            assert!(token == sends, "{name}: {form}");
        }
    }
}

#[test]
fn every_script_and_style_of_a_page_is_served() {
    for (name, page) in pages() {
        for address in page.split("/assets/").skip(1).map(|rest| rest.split('"').next().unwrap_or_default()) {
            assert!(ASSETS.iter().any(|(asset, ..)| *asset == address), "{name}: {address}");
        }
    }
    for (asset, _, text) in ASSETS {
        for import in text.lines().filter_map(|line| line.split_once(" from \"./")) {
            let imported = import.1.trim_end_matches("\";");
            assert!(ASSETS.iter().any(|(asset, ..)| *asset == imported), "{asset}: {imported}");
        }
        for address in ["http://", "https://", "//cdn", "url("] {
            assert!(!text.replace("http://www.w3.org/2000/svg", "").contains(address), "{asset}: {address}");
        }
    }
}

#[test]
fn a_case_shows_its_cells_with_their_readings_and_signs_what_it_shows() {
    let reader = reader();
    let page = case(&context(Some(&reader)), &head(false), &cells(false), None);
    assert_eq!(
        page.matches(r#"<li class="tile" role="option" tabindex="-1" aria-selected="false" id="cell-"#).count(),
        3
    );
    assert!(page.contains(r#"data-read="schistocyte" data-form="helmet""#));
    assert!(page.contains(r#"data-read="other" data-class="target""#));
    assert!(page.contains("Schistocyte: helmet") && page.contains("Target cell"));
    assert!(page.contains(r#"<input type="hidden" name="seen" value="17">"#));
    for meaning in SignatureMeaning::ALL {
        assert!(page.contains(&format!(r#"name="meaning" value="{}""#, meaning.name())));
    }
    assert!(page.contains("0.93 %") && page.contains("2.41 %") && page.contains("1.60–3.20 %"));
    assert!(page.contains(r#"name="unread" value="known" required"#));
    assert!(!page.contains("/reopen"));
}

#[test]
fn a_signed_case_says_who_signed_and_opens_again_for_a_reason_alone() {
    let reader = reader();
    let page = case(&context(Some(&reader)), &head(true), &cells(true), None);
    assert!(page.contains("Reviewed and released by Eve Signer"));
    assert!(page.contains("2026-01-02 08:30 +01:00"));
    assert!(page.contains(r#"href="/case/0123456789abcdef/report.html""#));
    assert!(page.contains(r#"action="/case/0123456789abcdef/reopen""#) && page.contains(r#"name="reason" required"#));
    assert!(!page.contains("/sign\""));
}

#[test]
fn a_blind_reader_is_told_nothing_of_calls_and_of_others() {
    let blind_reader = Reviewer { name: "Bea".to_owned(), role: "MLS".to_owned() };
    let page = blind(&context(Some(&blind_reader)), &head(false), &blind_cells());
    let (_, tiles) = page.split_once("<ul class=\"tiles\"").expect("tiles");
    let (tiles, _) = tiles.split_once("</ul>").expect("their end");
    for told in ["0.37", "Burr", "data-group", "Read by", "burr"] {
        assert!(!tiles.contains(told), "{told}");
    }
    for told in ["2.41", "0.93", "1.60", "Above", "Eve Signer", "because", "data-figure=\"percent\"", "Nearly called"] {
        assert!(!page.contains(told), "{told}");
    }
    assert!(page.contains("1 of 2"));
}

#[test]
fn an_error_is_told_as_a_sentence() {
    assert_eq!(sentence("expected a name"), "Expected a name.");
    assert_eq!(sentence("éa? "), "Éa?");
    assert_eq!(sentence("Done."), "Done.");
}

#[test]
fn the_worklist_says_how_far_each_case_has_come() {
    let page = worklist(&context(None), &rows(), "", "all");
    for words in ["Not begun", "Begun", "Opened again", "✓ Signed", "! Damaged", "Messages wait", "5 of 12", "3 h"] {
        assert!(page.contains(words), "{words}");
    }
    assert!(page.contains("8 of 10 fields counted") && page.contains("0.70–1.90 %"));
    assert_eq!(page.matches("Open now: ").count(), 5);
}

#[test]
fn the_worklist_shows_what_was_asked_for() {
    let row = |name: &str, accession: Option<&str>, progress: Progress| {
        let (name, accession) = (name.to_owned(), accession.map(str::to_owned));
        Row { listed: Listed { name, accession, ..listed(progress) }, with: Vec::new() }
    };
    let signed = Progress::Signed { by: "Eve".to_owned(), at: at().as_str().to_owned() };
    let rows = [
        row("monday/one", Some("S26-0001"), Progress::Unread),
        row("monday/two", Some("S26-0002"), signed),
        row("tuesday/three", None, Progress::Damaged { why: "cut".to_owned() }),
    ];
    let shown = |q: &str, show: &str| {
        let page = worklist(&context(None), &rows, q, show);
        ["one", "two", "three"].map(|name| page.contains(&format!("/{name}")))
    };
    assert_eq!(shown("", ""), [true, false, true], "to do by default, damaged cases too");
    assert_eq!(shown("", "signed"), [false, true, false]);
    assert_eq!(shown("", "all"), [true, true, true]);
    assert_eq!(shown("s26", "all"), [true, true, false]);
    assert_eq!(shown("MONDAY 0002", "all"), [false, true, false], "every word, in any case of letters");
    assert_eq!(shown("wednesday", "all"), [false, false, false]);
}
