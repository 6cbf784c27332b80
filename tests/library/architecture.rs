//! The invariants of `docs/architecture.md`, one test each. What checks them is tested on literal sources that it must
//! refuse.

mod source_graph;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use schistoquant::case::banned_terms_in;
use source_graph::{SourceFile, SourceGraph};
use syn::Item;

/// Lines of a file that still read well.
const MAX_LINES: usize = 450;

/// Where each library that could spread is at home: the files, by the beginning of their path, that may name it.
const HOMES: &[(&str, &[&str])] = &[
    ("axum", &["review/web/"]),
    ("axum_server", &["review/web/"]),
    ("clap", &["main.rs", "cli/"]),
    ("dicom_core", &["source/"]),
    ("fdeflate", &["source/slide/"]),
    // Tokens of sessions; nothing that is counted is drawn from it.
    ("getrandom", &["review/web/session.rs"]),
    ("hl7_parser", &["clinical/"]),
    ("indicatif", &["cli/"]),
    ("jiff", &["time", "report/pdf/"]),
    ("jpeg_encoder", &["optics/jpeg.rs"]),
    ("mimalloc", &["main.rs"]),
    ("maud", &["report/", "evaluate/", "review/web/pages/"]),
    ("ort", &["inference/"]),
    ("password_auth", &["review/web/session.rs"]),
    ("parquet", &["report/table/"]),
    ("rten", &["inference/"]),
    ("schistoquant_openslide", &["source/"]),
    // The page's own policy names a hash in Base64; a slide is hashed piece by piece, so that an interrupt is seen.
    ("sha2", &["durable.rs", "report/html/", "source/file.rs"]),
    ("signal_hook", &["cli/"]),
    ("tiff", &["source/"]),
    ("tokio", &["review/web/"]),
    ("toml", &["settings/"]),
    ("typst", &["report/pdf/"]),
    ("zune_jpeg", &["source/"]),
];

/// Crates whose types a public signature must not show: a new version of theirs would be a new version of ours.
const FOREIGN: &[&str] = &["csv", "ort", "parquet", "rten", "toml", "typst"];

/// The program, read once.
static HOUSE: LazyLock<SourceGraph> = LazyLock::new(|| {
    let house = SourceGraph::read(&repository().join("src"));
    assert!(house.files.len() > 30, "found only {} files", house.files.len());
    house
});

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Floor of every top-level module, from the table of `src/lib.rs`.
static FLOORS: LazyLock<BTreeMap<String, u8>> = LazyLock::new(|| {
    let face = fs::read_to_string(repository().join("src/lib.rs")).expect("the face of the library");
    floors_in(&face)
});

fn floors_in(face: &str) -> BTreeMap<String, u8> {
    let rows = face.lines().filter_map(|line| {
        let (floor, modules) = line.strip_prefix("//! | ")?.split_once(" | ")?;
        Some((floor.trim().parse().ok()?, modules.to_owned()))
    });
    rows.flat_map(|(floor, modules): (u8, String)| {
        let names: Vec<String> = modules.split('`').skip(1).step_by(2).map(str::to_owned).collect();
        names.into_iter().map(move |name| (name, floor))
    })
    .collect()
}

/// Imports that do not point down, and modules without a floor.
fn floor_faults(house: &SourceGraph, floors: &BTreeMap<String, u8>) -> Vec<String> {
    let mut faults = Vec::new();
    for file in house.files.iter().filter(|file| !["lib.rs", "main.rs"].contains(&file.path.as_str())) {
        let own = file.path.split(['/', '.']).next().unwrap_or_default();
        let Some(own_floor) = floors.get(own) else {
            faults.push(format!("{}: module `{own}` has no floor", file.path));
            continue;
        };
        // A name without a floor is an item of the library's face.
        for (other, floor) in house.top_modules(file).iter().filter_map(|name| floors.get_key_value(name)) {
            if floor >= own_floor {
                let way = if floor == own_floor { "sideways" } else { "upward" };
                faults.push(format!("{}: {way} import of `{other}` (floor {floor}) on floor {own_floor}", file.path));
            }
        }
    }
    faults
}

/// Fails with one line for every file that breaks a rule.
fn assert_none(faults: impl IntoIterator<Item = String>) {
    let faults: Vec<String> = faults.into_iter().collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Files that hold a path of which `is_meant` answers yes, each with the path.
fn files_naming(is_meant: impl Fn(&SourceFile, &str) -> bool) -> Vec<String> {
    let named = |file: &SourceFile| {
        let names = file.names.iter().filter(|name| is_meant(file, name));
        names.map(|name| format!("{}: names `{name}`", file.path)).collect::<Vec<_>>()
    };
    HOUSE.files.iter().flat_map(named).collect()
}

#[test]
fn imports_point_down() {
    assert_none(floor_faults(&HOUSE, &FLOORS));
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    assert_none(HOUSE.circles().iter().map(|circle| circle.join(", ")));
}

#[test]
fn every_file_has_a_header_and_a_readable_length() {
    let faults = HOUSE.files.iter().flat_map(|file| {
        let lines = file.text.lines().count();
        let header = (!file.text.starts_with("//!")).then(|| format!("{}: expected a `//!` header", file.path));
        let length = (lines > MAX_LINES).then(|| format!("{}: {lines} lines, at most {MAX_LINES}", file.path));
        [header, length].into_iter().flatten().collect::<Vec<_>>()
    });
    assert_none(faults);
}

#[test]
fn a_library_is_named_where_it_is_at_home_only() {
    let strays = HOMES.iter().flat_map(|(library, homes)| {
        files_naming(|file, name| {
            name.split("::").next() == Some(library) && !homes.iter().any(|home| file.path.starts_with(home))
        })
    });
    assert_none(strays);
}

#[test]
fn only_the_review_listens_and_nothing_connects() {
    // The command line reads the address to listen on.
    let may_listen = |file: &SourceFile| file.path.starts_with("review/web/") || file.path == "cli/review.rs";
    assert_none(files_naming(|file, name| name.starts_with("std::net") && !may_listen(file)));
    assert_none(files_naming(|_, name| name.contains("TcpStream") || name.contains("UdpSocket")));
    let lock = fs::read_to_string(repository().join("Cargo.lock")).expect("the lock file");
    let clients = ["reqwest", "ureq", "curl", "isahc", "attohttpc", "native-tls", "openssl"];
    assert_none(
        clients.into_iter().filter(|client| lock.contains(&format!("name = \"{client}\"\n"))).map(String::from),
    );
}

#[test]
fn no_result_depends_on_the_clock() {
    // What waits and what shows progress may look at it, and the trail of a review, where a person acts now.
    let homes = ["watch", "cli/", "review/trail.rs", "review/web/", "time/"];
    let may_look = |file: &SourceFile| homes.iter().any(|home| file.path.starts_with(home));
    assert_none(files_naming(|file, name| name.ends_with("::now") && !may_look(file)));
}

#[test]
fn every_random_number_has_a_seed() {
    let sources = ["thread_rng", "from_os_rng", "from_entropy", "rand::rng", "getrandom", "SysRng", "OsRng"];
    // Tokens of sessions must not be guessed.
    let is_token = |file: &SourceFile| file.path == "review/web/session.rs";
    assert_none(files_naming(|file, name| sources.iter().any(|source| name.contains(source)) && !is_token(file)));
}

#[test]
fn what_is_missing_is_no_number() {
    assert_none(files_naming(|_, name| name.ends_with("::NAN")));
}

#[test]
fn the_environment_is_read_by_the_command_line_only() {
    let is_read = |name: &str| ["env::var", "env::vars", "env::args"].iter().any(|read| name.contains(read));
    assert_none(files_naming(|file, name| is_read(name) && !file.path.starts_with("cli/")));
}

#[test]
fn only_the_program_ends_the_process() {
    let ends = |name: &str| name.contains("process::exit") || name.contains("process::abort");
    assert_none(files_naming(|_, name| ends(name)));
    assert_none(files_naming(|file, name| {
        name.contains("ExitCode") && file.path != "main.rs" && !file.path.starts_with("cli/")
    }));
}

#[test]
fn no_text_of_the_program_states_a_diagnosis_or_a_treatment() {
    let faults = HOUSE.files.iter().filter(|file| file.path != "case/statement.rs").flat_map(|file| {
        file.literals.iter().filter_map(|text| {
            let banned = banned_terms_in(text);
            (!banned.is_empty()).then(|| format!("{}: {text:?} holds {banned:?}", file.path))
        })
    });
    assert_none(faults);
}

#[test]
fn the_count_knows_no_laboratory_and_the_laboratory_no_cells() {
    let cells = ["count", "classify", "segment", "measure", "source", "pipeline"];
    let faults = HOUSE.files.iter().filter(|file| file.path.starts_with("clinical/")).flat_map(|file| {
        let known: Vec<String> = HOUSE.top_modules(file).into_iter().filter(|name| cells.contains(&&**name)).collect();
        known.into_iter().map(|name| format!("{}: knows `{name}`", file.path)).collect::<Vec<_>>()
    });
    assert_none(faults);
    assert_none(files_naming(|file, name| file.path.starts_with("count/") && name.contains("clinical")));
}

#[test]
fn errors_and_options_may_grow() {
    let faults = HOUSE.files.iter().filter(|file| !file.path.starts_with("cli/")).flat_map(|file| {
        let grows = |name: &str| name.ends_with("Error") || name == "Options";
        let closed = file.public.iter().filter(|item| grows(&item.name) && !item.is_non_exhaustive);
        closed.map(|item| format!("{}: `{}` is not `#[non_exhaustive]`", file.path, item.name)).collect::<Vec<_>>()
    });
    assert_none(faults);
}

#[test]
fn no_public_signature_shows_a_foreign_type() {
    let faults = HOUSE.files.iter().filter(|file| file.path != "main.rs").flat_map(|file| {
        let is_foreign = |word: &str| FOREIGN.contains(&file.foreign.get(word).map_or(word, String::as_str));
        let shown = file.public.iter().filter_map(|item| {
            // A path is written with spaces here; a word before `:` is the name of an argument.
            let types = item.signature.replace(" :: ", "::");
            let mut words = types.split(|c: char| !c.is_alphanumeric() && !"_:".contains(c));
            let shown = words.find(|path| path.split("::").next().is_some_and(is_foreign))?;
            Some(format!("{}: `{}` shows `{shown}`", file.path, item.name))
        });
        shown.collect::<Vec<_>>()
    });
    assert_none(faults);
}

#[test]
fn the_page_of_the_architecture_names_each_of_these_tests() {
    let page = fs::read_to_string(repository().join("docs/architecture.md")).expect("the page");
    let own = syn::parse_file(include_str!("architecture.rs")).expect("this file");
    let tests = own.items.iter().filter_map(|item| match item {
        Item::Fn(item) if item.attrs.iter().any(|attribute| attribute.path().is_ident("test")) => {
            Some(item.sig.ident.to_string())
        }
        _ => None,
    });
    let own_tests = ["the_page_of", "bad_sources", "sound_sources", "circles_are"];
    assert_none(
        tests.filter(|test| !own_tests.iter().any(|own| test.starts_with(own)) && !page.contains(&format!("`{test}`"))),
    );
    let modules = FLOORS.keys().filter(|module| !page.contains(&format!("`{module}`")));
    assert_none(modules.map(|module| format!("docs/architecture.md does not name `{module}`")));
}

/// A house of literal files.
fn house(files: &[(&str, &str)]) -> SourceGraph {
    SourceGraph::of(files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())))
}

const SMALL_HOUSE: &str = "//! | 2 | `report`, `pipeline` |\n//! | 1 | `count` |\n//! | 0 | `stats`, `smear` |";

#[test]
fn bad_sources_are_refused() {
    let floors = floors_in(SMALL_HOUSE);
    let refused = |path: &str, source: &str, expected: &str| {
        let found = floor_faults(&house(&[(path, source)]), &floors).join("\n");
        assert!(found.contains(expected), "{source:?}: expected {expected:?}, found {found:?}");
    };
    refused("count/mod.rs", "use crate::report::Case;", "upward import of `report`");
    refused("report/mod.rs", "use crate::{count::{Cell, Field}, pipeline};", "sideways import of `pipeline`");
    refused("stats/mod.rs", "fn f() { crate::smear::area(); }", "sideways import of `smear`");
    refused("smear/mod.rs", "use super::count::State;", "upward import of `count`");
    refused("smear/cell.rs", "use super::super::count::State;", "upward import of `count`");
    refused("smear/cell.rs", "mod inner { use super::super::super::count::State; }", "upward import of `count`");
    refused("count/mod.rs", "fn f() { html! { (crate::report::words(x)) } }", "upward import of `report`");
    refused("astrology.rs", "", "no floor");
}

#[test]
fn sound_sources_pass() {
    let floors = floors_in(SMALL_HOUSE);
    let passes = |path: &str, source: &str| {
        assert_eq!(floor_faults(&house(&[(path, source)]), &floors), Vec::<String>::new(), "{source:?}");
    };
    passes("count/mod.rs", "use crate::{smear::Cell, stats};\nuse crate::count::rules;");
    passes("count/mod.rs", "//! See [`crate::report`].\n/* crate::report /* nested */ crate::pipeline */");
    passes("count/mod.rs", "const A: &str = \"crate::report\"; const B: &str = r#\"crate::pipeline\"#;");
    passes("count/mod.rs", "#[cfg(test)] mod tests { use crate::report::Case; }");
    passes("report/mod.rs", "use crate::count; use super::stats;");
}

#[test]
fn circles_are_found_through_names_that_are_passed_on() {
    let face = ("a/mod.rs", "//! x\nmod b; mod c; pub use b::B; pub(crate) use c::C;");
    let (b, c) = (("a/b.rs", "use super::C;"), ("a/c.rs", "use super::b::other;"));
    assert_eq!(house(&[face, b, c]).circles(), [["a/b.rs", "a/c.rs"]]);
    // Passing a name on is no import; using it is.
    assert!(house(&[face, b, ("a/c.rs", "")]).circles().is_empty());
    let user = ("a/mod.rs", "mod b; mod c; pub struct A; fn f() { b::make(); }");
    assert_eq!(house(&[user, ("a/b.rs", "use super::A;"), ("a/c.rs", "")]).circles(), [["a/b.rs", "a/mod.rs"]]);
    let tested = ("a/mod.rs", "mod b; #[cfg(test)] mod c; fn f() { b::make(); }");
    assert!(house(&[tested, ("a/b.rs", ""), ("a/c.rs", "use super::f;")]).circles().is_empty());
}
