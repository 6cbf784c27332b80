//! `docs/safety.md` names measures that exist and tests that run. What checks it is tested on pages that it must refuse.

mod page;
mod repository;

use std::fs;
use std::path::Path;

use page::{hazards_in, page_faults};
use repository::{Repository, tests_in};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn every_measure_of_the_page_is_there_and_shown_by_a_test_or_said_to_have_none() {
    let page = fs::read_to_string(root().join("docs/safety.md")).expect("the page");
    let (hazards, _) = hazards_in(&page);
    assert!(hazards.len() >= 25, "found only {} hazards", hazards.len());
    let faults = page_faults(&page, &Repository::at(root()));
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// A page of one hazard that is sound.
const SOUND: &str = "# Safety\n\n1 hazards, 3 measures, 1 of them without a test.\n\n## Hazards\n\n\
    ### H1 Interrupted run\n\n\
    **How.** The machine loses its power.\n\n\
    **Harm, S2.** The patient, by half a report.\n\n\
    | measure | where | tests |\n|---|---|---|\n\
    | A file is there whole | `src/durable.rs` | `src/durable.rs::a_hash_is_the_published_one` |\n\
    | It is read again | `--resume`, `src/batch` | `.ci/run::tests`, `tests/readers/read_hl7.py::strictly`, `tests/walk/walk.py` |\n\
    | It is not lost | `--out DIR` | no test: power cannot be cut here |\n\n\
    **Remains.** A disk that lies about what it wrote.\n";

#[test]
fn a_sound_page_passes() {
    assert_eq!(page_faults(SOUND, &Repository::at(root())), Vec::<String>::new());
}

#[test]
fn a_page_that_names_what_is_not_there_is_refused() {
    let repository = Repository::at(root());
    let own = "`src/durable.rs::a_hash_is_the_published_one`";
    for (from, to, expected) in [
        (own, "`src/durable.rs::no_such_test`", "`src/durable.rs::no_such_test` is no test that runs"),
        // A function of the file, but no test.
        (own, "`src/durable.rs::sha256_hex`", "is no test that runs"),
        (own, "`src/durable.rs`", "`src/durable.rs` is no test that runs"),
        (own, "`src/gone.rs::a_test`", "`src/gone.rs` is not there"),
        (own, "none", "names no test"),
        (own, "", "names no test"),
        (own, "no test: -", "has no test and no reason"),
        ("A file is there whole", "", "a row names no measure"),
        ("`src/durable.rs` |", " |", "names no file and no option"),
        ("`src/durable.rs` |", "`src/perishable.rs` |", "`src/perishable.rs` is not there"),
        ("`src/durable.rs` |", "`../secret` |", "`../secret` is not there"),
        ("`--resume`", "`--resurrect`", "`--resurrect` is no option"),
        // The beginning of an option is none.
        ("`--resume`", "`--res`", "`--res` is no option"),
        ("`.ci/run::tests`", "`.ci/run::prayers`", "`.ci/run::prayers` is no step of the checks"),
        ("`.ci/run::tests`", "`.ci/run`", "is no step of the checks"),
        ("read_hl7.py::strictly", "read_hl7.py::leniently", "is no function of the script"),
        ("tests/walk/walk.py", "tests/readers/report.py", "is called by no check"),
        ("**How.** The", "The", "no paragraph begins with \"**How.**\""),
        ("**Remains.** A", "A", "no paragraph begins with \"**Remains.**\""),
        ("**Harm, S2.**", "**Harm.**", "expected `**Harm, S1.**`, S2 or S3"),
        ("**Harm, S2.**", "**Harm, S4.**", "expected `**Harm, S1.**`, S2 or S3"),
        ("### H1 ", "### H2 ", "H2: expected H1"),
        ("### H1 ", "### Hx ", "expected a number behind H"),
        ("### H1 Interrupted run", "### H1", "H1 has no name"),
        ("1 of them", "0 of them", "expected the sentence \"1 hazards, 3 measures, 1 of them without a test\""),
        ("| `--out DIR` | no", "| no", "expected three cells, found 2"),
    ] {
        let page = SOUND.replacen(from, to, 1);
        assert_ne!(page, SOUND, "{from:?} is no part of the page");
        let faults = page_faults(&page, &repository).join("\n");
        assert!(faults.contains(expected), "{from:?} as {to:?}: expected {expected:?}, found {faults:?}");
    }
}

#[test]
fn a_number_that_stands_twice_and_a_hazard_without_measures_are_refused() {
    let hazard = &SOUND[SOUND.find("### H1").expect("a hazard")..];
    let twice = format!("{SOUND}\n{hazard}");
    let faults = page_faults(&twice, &Repository::at(root())).join("\n");
    assert!(faults.contains("H1 stands twice"), "{faults}");
    let rows = SOUND.lines().filter(|line| !line.starts_with("| ") || line.starts_with("| measure"));
    let faults = page_faults(&rows.collect::<Vec<_>>().join("\n"), &Repository::at(root())).join("\n");
    assert!(faults.contains("H1 Interrupted run: no measure"), "{faults}");
}

#[test]
fn tests_are_found_in_macros_and_not_in_comments_texts_and_among_the_ignored() {
    let source = "#[test] fn plain() {} #[cfg(unix)] #[test] fn on_unix() { fn inner() {} }\n\
        proptest! { #[test] fn a_law(x in 0..3_u8) { check(x); } fn strategy() {} }\n\
        // #[test] fn commented() {}\n/* #[test] fn blocked() {} */ const A: &str = \"#[test] fn quoted() {}\";\n\
        #[test] #[ignore = \"slow\"] fn ignored() {} #[tokio::test] fn other() {} fn helper() {}\n\
        #[test] struct NoFunction {} fn after() {} #[cfg(test)] fn for_tests() {}";
    let found: Vec<String> = tests_in(source).expect("tokens").into_iter().collect();
    assert_eq!(found, ["a_law", "on_unix", "plain"]);
}
