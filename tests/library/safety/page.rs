//! The page of hazards as its tables say it, and the faults in them.
//!
//! In: the text of `docs/safety.md` and a [`Repository`] to look things up in. Out: the hazards, and one line for each
//! fault. A hazard is a heading `### H7 Words` with paragraphs that begin with the words of [`PARAGRAPHS`], and a table of
//! measures: what is done, where (files and options), and the tests that show it, or `no test:` with the reason.

use std::collections::BTreeSet;

use super::repository::Repository;

/// What every hazard says, at the beginning of a paragraph.
const PARAGRAPHS: [&str; 3] = ["**How.**", "**Harm", "**Remains.**"];
/// Classes of severity that the page defines.
const SEVERITIES: [&str; 3] = ["S1", "S2", "S3"];
/// First words of the cell of a measure that no test shows.
const NO_TEST: &str = "no test: ";
/// Head of a table of measures.
const HEAD: [&str; 3] = ["measure", "where", "tests"];

/// A measure against a hazard.
pub struct Measure {
    words: String,
    place: String,
    tests: String,
}

impl Measure {
    fn has_no_test(&self) -> bool {
        self.tests.starts_with(NO_TEST)
    }

    /// What is wrong with it.
    fn faults(&self, repository: &Repository) -> Vec<String> {
        let mut faults = Vec::new();
        if self.words.is_empty() {
            faults.push("a row names no measure".to_owned());
        }
        let places = quoted(&self.place);
        if places.is_empty() {
            faults.push(format!("{:?} names no file and no option", self.words));
        }
        faults.extend(places.iter().filter_map(|place| repository.place_fault(place)));
        match self.tests.strip_prefix(NO_TEST) {
            Some(reason) if reason.trim().len() < 10 => {
                faults.push(format!("{:?} has no test and no reason", self.words))
            }
            Some(_) => {}
            None => {
                let tests = quoted(&self.tests);
                if tests.is_empty() {
                    faults.push(format!("{:?} names no test; write `{NO_TEST}` and the reason", self.words));
                }
                faults.extend(tests.iter().filter_map(|test| repository.test_fault(test)));
            }
        }
        faults
    }
}

/// A hazard with its measures.
pub struct Hazard {
    number: usize,
    title: String,
    text: String,
    measures: Vec<Measure>,
}

impl Hazard {
    fn faults(&self, repository: &Repository) -> Vec<String> {
        let mut faults: Vec<String> = PARAGRAPHS
            .iter()
            .filter(|start| !self.text.lines().any(|line| line.len() > start.len() + 10 && line.starts_with(**start)))
            .map(|start| format!("no paragraph begins with {start:?}"))
            .collect();
        let harm = self.text.lines().find(|line| line.starts_with("**Harm")).unwrap_or_default();
        if !SEVERITIES.iter().any(|class| harm.starts_with(&format!("**Harm, {class}.**"))) {
            faults
                .push(format!("expected `**Harm, S1.**`, S2 or S3, found {:?}", harm.split("**").nth(1).unwrap_or("")));
        }
        if self.measures.is_empty() {
            faults.push("no measure".to_owned());
        }
        faults.extend(self.measures.iter().flat_map(|measure| measure.faults(repository)));
        faults.into_iter().map(|fault| format!("H{} {}: {fault}", self.number, self.title)).collect()
    }
}

/// The texts between backticks of a cell.
fn quoted(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

/// The cells of a row of a table; a bar in a text is written `\|`.
fn cells(line: &str) -> Vec<String> {
    let inner = line.trim().trim_start_matches('|').trim_end_matches('|').replace("\\|", "\u{0}");
    inner.split('|').map(|cell| cell.trim().replace('\u{0}', "|")).collect()
}

/// The hazards of a page, and the faults that keep them from being read.
pub fn hazards_in(page: &str) -> (Vec<Hazard>, Vec<String>) {
    let mut hazards: Vec<Hazard> = Vec::new();
    let mut faults = Vec::new();
    let mut is_open = false;
    for line in page.lines() {
        if let Some(heading) = line.strip_prefix("### H") {
            let (number, title) = heading.split_once(' ').unwrap_or((heading, ""));
            is_open = true;
            match number.parse() {
                Ok(number) => {
                    hazards.push(Hazard { number, title: title.to_owned(), text: String::new(), measures: Vec::new() })
                }
                Err(_) => faults.push(format!("{line:?}: expected a number behind H")),
            }
        } else if line.starts_with('#') {
            is_open = false;
        } else if let Some(hazard) = hazards.last_mut().filter(|_| is_open) {
            if !line.trim_start().starts_with('|') {
                hazard.text.push_str(line);
                hazard.text.push('\n');
                continue;
            }
            match <[String; 3]>::try_from(cells(line)) {
                Ok(head)
                    if head == HEAD
                        || head.iter().all(|cell| cell.chars().all(|c| c == '-')) && !head[0].is_empty() => {}
                Ok([words, place, tests]) => hazard.measures.push(Measure { words, place, tests }),
                Err(found) => {
                    faults.push(format!("H{}: expected three cells, found {}: {line}", hazard.number, found.len()))
                }
            }
        }
    }
    (hazards, faults)
}

/// The sentence in which a page counts its own rows.
fn tally(hazards: &[Hazard]) -> String {
    let measures = || hazards.iter().flat_map(|hazard| &hazard.measures);
    let untested = measures().filter(|measure| measure.has_no_test()).count();
    format!("{} hazards, {} measures, {untested} of them without a test", hazards.len(), measures().count())
}

/// Everything that is wrong with a page.
pub fn page_faults(page: &str, repository: &Repository) -> Vec<String> {
    let (hazards, mut faults) = hazards_in(page);
    let mut seen = BTreeSet::new();
    for (place, hazard) in hazards.iter().enumerate() {
        if !seen.insert(hazard.number) {
            faults.push(format!("H{} stands twice", hazard.number));
        } else if hazard.number != place + 1 {
            faults.push(format!("H{}: expected H{}, because numbers follow each other", hazard.number, place + 1));
        }
        if hazard.title.is_empty() {
            faults.push(format!("H{} has no name", hazard.number));
        }
    }
    faults.extend(hazards.iter().flat_map(|hazard| hazard.faults(repository)));
    let tally = tally(&hazards);
    if !page.contains(&tally) {
        faults.push(format!("expected the sentence {tally:?}"));
    }
    faults
}
