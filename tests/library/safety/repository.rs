//! Whether a file, an option, a test or a check that a page names is there.
//!
//! A test is written `path::name`. For a Rust file the name is a function with `#[test]` that is not ignored; for a script
//! it is a function of that script, and the script is one that `.ci/run` calls; for `.ci/run` itself it is the beginning of
//! a step's name. A script that `.ci/run` calls may be named without a function.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// Where Rust tests lie that the checks run.
const TESTED: [&str; 4] = ["src/", "tests/library/", "tests/program/", "openslide/src/"];
/// The script that runs every check.
const CHECKS: &str = ".ci/run";

/// A checkout, or a part of one.
pub struct Repository {
    root: PathBuf,
    /// Text of `.ci/run`.
    checks: String,
    /// Text of the page of the command line.
    options: String,
    /// Tests of the Rust files that were looked at.
    tests: RefCell<BTreeMap<String, BTreeSet<String>>>,
}

impl Repository {
    /// The repository in a folder.
    pub fn at(root: &Path) -> Self {
        let read = |name: &str| {
            fs::read_to_string(root.join(name)).unwrap_or_else(|error| panic!("{}: {error}", root.join(name).display()))
        };
        Self {
            root: root.to_owned(),
            checks: read(CHECKS),
            options: read("docs/command-line.md"),
            tests: RefCell::default(),
        }
    }

    /// What is wrong with a file or an option that is named as the place of a measure.
    pub fn place_fault(&self, place: &str) -> Option<String> {
        if place.starts_with("--") {
            let is_there =
                self.options.contains(&format!("| `{place}`")) || self.options.contains(&format!("| `{place} "));
            return (!is_there).then(|| format!("`{place}` is no option of docs/command-line.md"));
        }
        let leads_out = Path::new(place).is_absolute() || place.contains("..");
        (leads_out || !self.root.join(place).exists()).then(|| format!("`{place}` is not there"))
    }

    /// What is wrong with a test that is named.
    pub fn test_fault(&self, named: &str) -> Option<String> {
        let (path, name) = named.split_once("::").map_or((named, None), |(path, name)| (path, Some(name)));
        if let Some(fault) = self.place_fault(path) {
            return Some(fault);
        }
        let fault = if path == CHECKS {
            let is_there =
                name.is_some_and(|name| !name.is_empty() && self.checks.contains(&format!("\nstep \"{name}")));
            (!is_there).then_some("is no step of the checks")
        } else if path.ends_with(".rs") && TESTED.iter().any(|folder| path.starts_with(folder)) {
            let is_there = name.is_some_and(|name| self.has_test(path, name));
            (!is_there).then_some("is no test that runs")
        } else if !self.is_called(path) {
            Some("is called by no check")
        } else {
            let is_there = name.is_none_or(|name| self.has_function(path, name));
            (!is_there).then_some("is no function of the script")
        };
        fault.map(|fault| format!("`{named}` {fault}"))
    }

    /// Whether a Rust file has a test of that name.
    fn has_test(&self, path: &str, name: &str) -> bool {
        let mut tests = self.tests.borrow_mut();
        let of_file = tests.entry(path.to_owned()).or_insert_with(|| {
            let text = fs::read_to_string(self.root.join(path)).expect("a file that is there");
            tests_in(&text).unwrap_or_else(|error| panic!("{path}: {error}"))
        });
        of_file.contains(name)
    }

    /// Whether `.ci/run` calls a script: by its path, or by the word for it where it calls readers by a word.
    fn is_called(&self, path: &str) -> bool {
        let reader = path.strip_prefix("tests/readers/read_").and_then(|rest| rest.strip_suffix(".py"));
        let by_word = reader.is_some_and(|reader| {
            self.checks.contains("tests/readers/read_$1.py") && self.checks.contains(&format!("\nread_with {reader}"))
        });
        by_word || self.checks.contains(path)
    }

    fn has_function(&self, path: &str, name: &str) -> bool {
        let text = fs::read_to_string(self.root.join(path)).unwrap_or_default();
        text.lines().any(|line| {
            line.trim_start().starts_with(&format!("def {name}(")) || line.starts_with(&format!("{name}()"))
        })
    }
}

/// Names of the functions with `#[test]` in a Rust source, those inside of macros too, without the ignored ones.
pub fn tests_in(source: &str) -> Result<BTreeSet<String>, proc_macro2::LexError> {
    let mut found = BTreeSet::new();
    collect(source.parse()?, &mut found);
    Ok(found)
}

fn collect(tokens: TokenStream, found: &mut BTreeSet<String>) {
    let (mut is_test, mut is_ignored, mut after_fn, mut after_hash) = (false, false, false, false);
    for token in tokens {
        let follows_hash = std::mem::take(&mut after_hash);
        match token {
            TokenTree::Punct(mark) => (after_hash, after_fn) = (mark.as_char() == '#', false),
            TokenTree::Group(group) if follows_hash && group.delimiter() == Delimiter::Bracket => {
                match group.stream().into_iter().next() {
                    Some(TokenTree::Ident(word)) if word == "test" => is_test = true,
                    Some(TokenTree::Ident(word)) if word == "ignore" => is_ignored = true,
                    _ => {}
                }
            }
            TokenTree::Group(group) => {
                collect(group.stream(), found);
                // The body of a function, or of what is no function, ends what its attributes were for.
                if group.delimiter() == Delimiter::Brace {
                    (is_test, is_ignored) = (false, false);
                }
            }
            TokenTree::Ident(word) if after_fn => {
                if is_test && !is_ignored {
                    found.insert(word.to_string());
                }
                after_fn = false;
            }
            TokenTree::Ident(word) => after_fn = word == "fn",
            TokenTree::Literal(_) => {}
        }
    }
}
