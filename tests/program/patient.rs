//! Whose report it is, from end to end: orders in three kinds, panels of the same patient and of another one, the time window
//! in record and page, and names in the character set of the message.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::fake_case::FakeCase;
use assert_cmd::Command;
use schistoquant::case::{Case, Order};
use schistoquant::clinical::{CharacterSet, PanelOptions, ScoreOptions, read_panel};
use schistoquant::report::{Hl7Options, ReportError, ReportFormat, ReportSettings, render, render_with};

fn fixture(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(file)
}

fn order(file: &str) -> Order {
    Order::read(&fs::read(fixture("messages").join(file)).expect("a fixture")).unwrap_or_else(|error| panic!("{error}"))
}

fn case_of(order: Order) -> Case {
    FakeCase { order: Some(order), ..FakeCase::default() }.build()
}

#[test]
fn the_three_kinds_give_the_same_order() {
    let expected = order("order.json");
    assert_eq!(expected.accession.as_deref(), Some("S-2041-0007"));
    assert_eq!(order("order.hl7"), expected);
    assert_eq!(order("order.fhir.json"), expected);
}

/// The message of a patient of this name in a character set.
fn message(family_name: &str, set: &str) -> Result<Vec<u8>, ReportError> {
    let mut order = order("order.json");
    if let Some(patient) = &mut order.patient {
        patient.family_name = Some(family_name.to_owned());
    }
    let character_set = CharacterSet::from_name(set).unwrap_or_else(|| panic!("{set}"));
    let hl7 = Hl7Options { character_set, ..Hl7Options::default() };
    let settings = ReportSettings { hl7, ..ReportSettings::default() };
    Ok(render_with(ReportFormat::Hl7, &case_of(order), &settings, None)?.remove(0).bytes)
}

#[test]
fn a_message_is_written_in_the_set_that_msh_18_names() {
    let latin = message("Müller", "8859/1").expect("a message");
    assert!(latin.windows(7).any(|bytes| bytes == b"M\xfcller^"), "one byte for the letter");
    assert!(latin.windows(8).any(|bytes| bytes == b"|8859/1\r"), "MSH-18");
    // The dash of an interval is no letter.
    assert!(std::str::from_utf8(&latin).is_err() && !latin.windows(3).any(|bytes| bytes == "–".as_bytes()));
    let utf8 = String::from_utf8(message("Müller", "UNICODE UTF-8").expect("a message")).expect("UTF-8");
    assert!(utf8.contains("Müller^Jane") && utf8.contains("|UNICODE UTF-8\r"));
    let ascii = message("Doe", "ASCII").expect("a message");
    assert!(ascii.is_ascii());
    for (name, set, letter) in [("Müller", "ASCII", 'ü'), ("Wałęsa", "8859/1", 'ł'), ("Иванов", "8859/15", 'И')]
    {
        let error = message(name, set).expect_err("a letter that the set lacks");
        assert!(
            error.to_string().contains(&format!(
                "expected a message in {set} (messages.hl7.character_set), found `{letter}` in PID"
            )),
            "{error}"
        );
    }
}

#[test]
fn record_and_page_say_what_was_compared_and_which_results_were_taken() {
    let with = |labs: &str| {
        let bytes = fs::read(fixture("labs").join(labs)).expect("a fixture");
        let panel = read_panel(&bytes, labs, &PanelOptions::default()).expect("a panel");
        let case = case_of(order("order.json"));
        Case { record: case.record.with_panel(&panel, &ScoreOptions::default()), fields: case.fields }
    };
    let case = with("cancer.json");
    let matched = case.record.panel_match.as_ref().expect("a panel was given");
    assert_eq!(matched.agreed, ["sex", "age"]);
    assert_eq!((matched.window.outside, matched.window.at.as_deref()), (0, Some("2025-01-02T09:00:00+01:00")));
    let page = String::from_utf8(render(ReportFormat::Html, &case).expect("a page").remove(0).bytes).expect("UTF-8");
    for said in [
        "Panel and specimen",
        "Not compared between order and panel: identifier (the panel gives none)",
        "Results were taken from 72 h before to 72 h after the collection of the specimen",
    ] {
        assert!(page.contains(said), "{said}");
    }
    // The same panel beside a film of another month: nothing of it is weighed, and everything is named.
    let mut later = order("order.json");
    later.collected_at = schistoquant::time::Timestamp::parse("2025-03-01T09:00:00+01:00").ok();
    let bytes = fs::read(fixture("labs/cancer.json")).expect("a fixture");
    let panel = read_panel(&bytes, "cancer.json", &PanelOptions::default()).expect("a panel");
    let record = case_of(later).record.with_panel(&panel, &ScoreOptions::default());
    let matched = record.panel_match.expect("a panel was given");
    let evidence = record.evidence.expect("a panel was given");
    assert_eq!((matched.window.outside, evidence.ignored.len()), (37, 37), "the baseline stays");
    let platelets = evidence.blocks.iter().flat_map(|block| &block.items).find(|item| item.code == "platelets");
    assert!(platelets.is_none() && evidence.ignored.iter().any(|one| one.code == "platelets"));
}

#[test]
fn an_order_in_another_kind_and_an_upper_case_extension_meets_its_panel() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let sent = |pid: &str| {
        format!(
            "MSH|^~\\&|LIS|HOSP|X|Y|20250102||ORU^R01|1|P|2.5.1\rPID|1||{pid}\rOBR|1||||||20250102083000\r\
             OBX|1|NM|777-3^Platelets^LN||38|10*3/uL|||||F\r"
        )
    };
    for order in ["order.json", "order.hl7", "order.fhir.json"] {
        let upper = path(&order.to_uppercase());
        fs::copy(fixture("messages").join(order), &upper).expect("copied");
        for (pid, said) in [
            (
                "MRN123^^^HOSP^MR||SMITH^JOHN||19990101|M",
                "expected the panel of `Doe, Jane`, as the order says, found `SMITH, JOHN`",
            ),
            ("MRN123^^^HOSP^MR||DOE^JANE||19990101|F", "born 1960-01-31, as the order says, found 1999-01-01"),
            ("MRN123^^^HOSP^MR||DOE^JANE||19600131|M", "who is female, as the order says, found male"),
        ] {
            fs::write(path("LABS.HL7"), sent(pid)).expect("written");
            let mut run = Command::cargo_bin("schistoquant").expect("the program is built");
            // Refused before any image is looked at.
            run.arg("analyze").arg(path("no.png")).arg("--out").arg(path("out")).arg("--order").arg(&upper);
            let done = run.arg("--labs").arg(path("LABS.HL7")).assert().code(2);
            let error = String::from_utf8_lossy(&done.get_output().stderr).into_owned();
            assert!(error.contains(said), "{order}: {error}");
        }
    }
}
