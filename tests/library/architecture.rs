//! The floors of `src/lib.rs` hold: imports point down, siblings never import each other, every module has a header and
//! a readable length. The checker is tested on literal sources that it must refuse.

use std::fs;
use std::path::{Path, PathBuf};

/// Floor of every top-level module, as drawn in `src/lib.rs`; later modules have their place already.
const FLOORS: &[(&str, u8)] = &[
    ("main", 9),
    ("cli", 9),
    ("batch", 8),
    ("review", 8),
    ("settings", 8),
    ("verify", 8),
    ("watch", 8),
    ("pipeline", 7),
    ("report", 7),
    ("evaluate", 7),
    ("case", 6),
    ("evidence", 5),
    ("count", 4),
    ("clinical", 4),
    ("survey", 3),
    ("source", 2),
    ("quality", 2),
    ("segment", 2),
    ("measure", 2),
    ("classify", 2),
    ("synth", 2),
    ("smear", 1),
    ("stats", 0),
    ("optics", 0),
    ("inference", 0),
];

/// Lines of a file that still read well.
const MAX_LINES: usize = 450;

/// Longer files, each with its reason.
const LONGER: &[(&str, &str)] = &[];

/// Floor of a top-level module.
fn floor(module: &str) -> Option<u8> {
    FLOORS.iter().find(|(name, _)| *name == module).map(|(_, floor)| *floor)
}

/// The source without comments and without the inside of strings; line breaks stay.
fn code_of(source: &str) -> String {
    let chars: Vec<char> = source.chars().collect();
    let mut code = String::new();
    let mut at = 0;
    while at < chars.len() {
        let rest = &chars[at..];
        let skipped = match rest {
            ['/', '/', ..] => rest.iter().position(|&c| c == '\n').unwrap_or(rest.len()),
            ['/', '*', ..] => block_comment(rest),
            ['r', '"' | '#', ..] if !at.checked_sub(1).is_some_and(|i| is_word(chars[i])) => raw_string(rest),
            ['"', ..] => string(rest),
            ['\'', '\\', ..] => 2 + rest[2..].iter().skip(1).position(|&c| c == '\'').map_or(1, |end| end + 2),
            ['\'', _, '\'', ..] => 3,
            _ => 0,
        };
        if skipped == 0 {
            code.push(rest[0]);
            at += 1;
        } else {
            code.extend(rest[..skipped].iter().filter(|&&c| c == '\n'));
            code.push(' ');
            at += skipped;
        }
    }
    code
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Length of the block comment at the start, nested ones included.
fn block_comment(rest: &[char]) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        match &rest[at..] {
            ['/', '*', ..] => (depth, at) = (depth + 1, at + 2),
            ['*', '/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    rest.len()
}

/// Length of the string at the start.
fn string(rest: &[char]) -> usize {
    let mut at = 1;
    while at < rest.len() && rest[at] != '"' {
        at += if rest[at] == '\\' { 2 } else { 1 };
    }
    (at + 1).min(rest.len())
}

/// Length of the raw string at the start; 0 where it is a raw identifier.
fn raw_string(rest: &[char]) -> usize {
    let hashes = rest[1..].iter().take_while(|&&c| c == '#').count();
    if rest.get(1 + hashes) != Some(&'"') {
        return 0;
    }
    let closing: Vec<char> = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
    let body = 2 + hashes;
    rest[body..]
        .windows(closing.len())
        .position(|end| end == closing)
        .map_or(rest.len(), |end| body + end + closing.len())
}

/// First names behind a path prefix such as `crate::`, those of a `{…}` group included.
fn names_behind(code: &str, prefix: &str) -> Vec<String> {
    let mut names = Vec::new();
    for (at, _) in code.match_indices(prefix) {
        let whole_word = !code[..at].ends_with(|c: char| is_word(c) || c == ':' || c == '$');
        if !whole_word {
            continue;
        }
        let rest = code[at + prefix.len()..].trim_start();
        match rest.strip_prefix('{') {
            Some(group) => names.extend(group_names(group)),
            None => names.extend(first_name(rest)),
        }
    }
    names
}

fn first_name(text: &str) -> Option<String> {
    let name: String = text.trim_start().chars().take_while(|&c| is_word(c)).collect();
    (!name.is_empty()).then_some(name)
}

/// First names of the entries of a `use` group, up to its closing brace.
fn group_names(group: &str) -> Vec<String> {
    let (mut depth, mut entry, mut names) = (0, String::new(), Vec::new());
    for c in group.chars() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => names.extend(first_name(&std::mem::take(&mut entry))),
            _ => {}
        }
        if c != ',' || depth > 0 {
            entry.push(c);
        }
    }
    names.extend(first_name(&entry));
    names
}

/// Faults of one file; `path` is relative to `src`, with forward slashes.
fn faults(path: &str, source: &str) -> Vec<String> {
    let mut faults = Vec::new();
    if !source.starts_with("//!") {
        faults.push(format!("{path}: expected a `//!` header on the first line"));
    }
    let lines = source.lines().count();
    if lines > MAX_LINES && !LONGER.iter().any(|(longer, _)| *longer == path) {
        faults.push(format!("{path}: {lines} lines, at most {MAX_LINES} without a reason"));
    }
    let own = path.split('/').next().unwrap_or(path).trim_end_matches(".rs");
    if own == "lib" {
        return faults;
    }
    let Some(own_floor) = floor(own) else {
        faults.push(format!("{path}: module `{own}` has no floor"));
        return faults;
    };
    let code = code_of(source);
    // A file at src/a/b.rs reaches the root by two steps up, src/a/mod.rs by one. Names that are no top-level module
    // are steps of an inline module and stay inside.
    let depth = path.split('/').count() - usize::from(path.ends_with("/mod.rs"));
    let upwards = (depth..depth + 2)
        .flat_map(|steps| names_behind(&code, &"super::".repeat(steps)))
        .filter(|name| floor(name).is_some());
    let direct = names_behind(&code, "crate::").into_iter().chain(names_behind(&code, "schistoquant::"));
    let mut seen: Vec<String> = direct.chain(upwards).collect();
    seen.sort();
    seen.dedup();
    for name in seen.iter().filter(|name| *name != own) {
        match floor(name) {
            None => faults.push(format!("{path}: imports `{name}`, which has no floor")),
            Some(other) if other >= own_floor && own != "main" => {
                let direction = if other == own_floor { "sideways" } else { "upward" };
                faults.push(format!("{path}: {direction} import of `{name}` (floor {other}) on floor {own_floor}"));
            }
            Some(_) => {}
        }
    }
    faults
}

/// Every source file below a folder, in stable order.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(folder)
        .expect("the source folder is readable")
        .map(|entry| entry.expect("a readable entry").path())
        .flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] })
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect();
    found.sort();
    found
}

#[test]
fn the_floors_hold() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let files = sources(&root);
    assert!(files.len() > 30, "found only {} files below {}", files.len(), root.display());
    let found: Vec<String> = files
        .iter()
        .flat_map(|file| {
            let parts: Vec<_> = file
                .strip_prefix(&root)
                .expect("below the root")
                .iter()
                .map(|part| part.to_string_lossy().into_owned())
                .collect();
            faults(&parts.join("/"), &fs::read_to_string(file).expect("UTF-8 source"))
        })
        .collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn a_longer_file_is_listed_only_while_it_is_long() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for (path, reason) in LONGER {
        let lines = fs::read_to_string(root.join(path)).expect("a listed file exists").lines().count();
        assert!(lines > MAX_LINES && !reason.is_empty(), "{path}: {lines} lines, take it off the list");
    }
}

#[test]
fn bad_sources_are_refused() {
    let refused = |path: &str, source: &str, expected: &str| {
        let found = faults(path, source).join("\n");
        assert!(found.contains(expected), "{source:?}: expected {expected:?}, found {found:?}");
    };
    refused("count/mod.rs", "use crate::case::Case;", "expected a `//!` header");
    refused("count/mod.rs", "//! x\nuse crate::case::Case;", "upward import of `case`");
    refused("segment/mod.rs", "//! x\nuse crate::classify::Crop;", "sideways import of `classify`");
    refused("segment/mod.rs", "//! x\nuse crate::{smear::{Cell, Field}, measure};", "sideways import of `measure`");
    refused("stats/mod.rs", "//! x\nfn f() { crate::smear::area(); }", "upward import of `smear`");
    refused("smear/mod.rs", "//! x\nuse super::count::State;", "upward import of `count`");
    refused("smear/cell.rs", "//! x\nuse super::super::count::State;", "upward import of `count`");
    refused("report/html/page.rs", "//! x\nuse super::super::super::pipeline::run;", "sideways import of `pipeline`");
    refused("astrology.rs", "//! x", "no floor");
    refused("count/mod.rs", "//! x\nuse crate::astrology;", "imports `astrology`");
    refused("count/mod.rs", &format!("//! x{}", "\n".repeat(451)), "451 lines");
    refused("count/mod.rs", "//! x\nconst Q: char = '\"'; use crate::case; // \"", "upward import of `case`");
}

#[test]
fn sound_sources_pass() {
    let passes = |path: &str, source: &str| assert_eq!(faults(path, source), Vec::<String>::new(), "{source:?}");
    passes("count/mod.rs", "//! x\nuse crate::{smear::Cell, stats};\nuse crate::count::rules;");
    passes("count/mod.rs", "//! See [`crate::case`].\n/* crate::case /* nested */ crate::cli */");
    passes("count/mod.rs", "//! x\nconst A: &str = \"crate::case\"; const B: &str = r#\"crate::cli\"#;");
    passes("count/mod.rs", "//! x\nmod tests { use super::*; use super::rules::State; }");
    passes("cli/model.rs", "//! x\nuse crate::pipeline; use super::exit;");
    passes("main.rs", "//! x\nuse schistoquant::cli;");
    passes("lib.rs", "//! x\npub mod cli;");
    passes("count/mod.rs", &format!("//! x{}", "\n".repeat(449)));
}
