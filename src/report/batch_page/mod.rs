//! `batch.html`: what became of the specimens of a batch, one self-contained page.
//!
//! In: the [`SpecimenOutcome`]s in the order of the manifest. Out: an HTML document with no request and one script of its
//! own, allowed by its hash, which sorts and filters the table of the specimens; without it the table stands in the order
//! of the manifest. Order: how many were finished and how they lie, distribution of the percentages, quality of the
//! fields, the specimens with links to their reports, the failures with their reasons, the fixed footer. States are said in
//! words.
//!
//! Limits: pictures of the fields stand in the reports of the specimens: a page over thousands of them would be larger
//! than a browser shows. Links lead to `specimens/<folder>/report.html` and work where that format was asked for.

mod histogram;

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

use super::figures::{
    count, counted, interval_or_unknown, percent, percent_or_unknown, plain_or_unknown, share_percent,
};
use super::words::{REVIEW_STATUS, caution_words, figure_words, state_words};
use crate::case::{FOOTER, SpecimenFailure, SpecimenOutcome, SpecimenResult, State};

const STYLE: &str = include_str!("style.css");

const SCRIPT: &str = include_str!("sort_and_filter.js");

/// Nothing may be fetched, and no other script may run.
fn content_security_policy() -> String {
    let hash = STANDARD.encode(Sha256::digest(SCRIPT));
    format!(
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'"
    )
}

/// What the page says of the run.
#[derive(Debug, Clone, Copy)]
pub struct BatchAbout<'a> {
    /// Program and version.
    pub software: &'a str,
    /// Classifier and version.
    pub model: &'a str,
    /// Columns of the manifest that are carried along.
    pub extra_columns: &'a [String],
    /// Whether each specimen has a page to link to.
    pub linked: bool,
}

/// The page.
pub fn batch_page(about: &BatchAbout<'_>, outcomes: &[SpecimenOutcome]) -> String {
    let results: Vec<(&SpecimenOutcome, &SpecimenResult)> =
        outcomes.iter().filter_map(|outcome| Some((outcome, outcome.result.as_ref()?))).collect();
    let failures: Vec<(&SpecimenOutcome, &SpecimenFailure)> =
        outcomes.iter().filter_map(|outcome| Some((outcome, outcome.failure.as_ref()?))).collect();
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content=(content_security_policy());
                meta name="referrer" content="no-referrer";
                meta name="generator" content=(about.software);
                title { "Schistocyte counts of " (counted(outcomes.len() as u64, "specimen")) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    h1 { "Schistocyte counts of " (counted(outcomes.len() as u64, "specimen")) }
                    p.review { (REVIEW_STATUS) }
                    p.lead { (about.software) "; model " (about.model) }
                }
                main {
                    (states(&results, failures.len()))
                    (distribution(&results))
                    (quality(&results))
                    (specimens(&results, about))
                    (failed(&failures))
                }
                footer { p { (FOOTER) } }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    }
    .into_string()
}

/// How many specimens lie where.
fn states(results: &[(&SpecimenOutcome, &SpecimenResult)], failures: usize) -> Markup {
    let states = [State::Above, State::Indeterminate, State::NotAbove, State::Insufficient, State::NotAssessable];
    let of = |wanted: State| results.iter().filter(|(_, result)| result.state == wanted).count() as u64;
    let cautioned = results.iter().filter(|(_, result)| caution_words(result.context).is_some()).count() as u64;
    html! {
        section aria-labelledby="states" {
            h2 #states { "Result" }
            table {
                thead { tr { th scope="col" { "State" } th.number scope="col" { "Specimens" } } }
                tbody {
                    @for wanted in states {
                        tr { th scope="row" { (state_words(wanted)) } td.number { (count(of(wanted))) } }
                    }
                    tr.failed { th scope="row" { "Failed" } td.number { (count(failures as u64)) } }
                }
            }
            @if cautioned > 0 {
                p.note { "In " (counted(cautioned, "specimen")) " other abnormal shapes outnumber schistocytes: the \
                    percentage is not specific there." }
            }
        }
    }
}

fn distribution(results: &[(&SpecimenOutcome, &SpecimenResult)]) -> Markup {
    let placed = |result: &SpecimenResult| !matches!(result.state, State::Insufficient | State::NotAssessable);
    let percents: Vec<f64> =
        results.iter().filter(|(_, result)| placed(result)).filter_map(|(_, result)| result.percent).collect();
    let left_out = results.len() - percents.len();
    html! {
        section aria-labelledby="distribution" {
            h2 #distribution { "Distribution of the percentages" }
            @if percents.is_empty() {
                p { "No specimen has enough red cells for a percentage." }
            } @else {
                (histogram::histogram(&percents))
                p.note {
                    (counted(percents.len() as u64, "specimen")) " with enough red cells"
                    @if left_out > 0 { "; " (count(left_out as u64)) " with fewer or not assessable left out" }
                    "."
                }
            }
        }
    }
}

fn quality(results: &[(&SpecimenOutcome, &SpecimenResult)]) -> Markup {
    let sum = |of: fn(&SpecimenResult) -> u64| results.iter().map(|(_, result)| of(result)).sum::<u64>();
    let (fields, accepted) = (sum(|result| result.fields), sum(|result| result.fields_accepted));
    let mut refused: BTreeMap<&str, u64> = BTreeMap::new();
    for (name, fields) in results.iter().flat_map(|(_, result)| &result.refused_by) {
        *refused.entry(name).or_insert(0) += fields;
    }
    html! {
        section aria-labelledby="quality" {
            h2 #quality { "Quality" }
            table {
                thead { tr { th scope="col" { "Fields" } th.number scope="col" { "Number" } } }
                tbody {
                    tr { th scope="row" { "Read" } td.number { (count(fields)) } }
                    tr { th scope="row" { "Accepted" } td.number {
                        (count(accepted))
                        @if let Some(share) = share_percent(accepted, fields) { " (" (percent(share)) ")" }
                    } }
                    @for (name, fields) in refused {
                        tr { th scope="row" { "Outside the limits of " (figure_words(name)) } td.number { (count(fields)) } }
                    }
                    tr { th scope="row" { "Inputs that could not be read" }
                        td.number { (count(sum(|result| result.failed_inputs))) } }
                }
            }
        }
    }
}

/// A cell with what it is sorted by; an empty text is unknown.
struct Entry {
    sort: String,
    shown: Markup,
    is_number: bool,
}

impl Entry {
    fn count(value: u64) -> Self {
        Self { sort: value.to_string(), shown: html! { (count(value)) }, is_number: true }
    }

    fn number(value: Option<f64>, shown: String) -> Self {
        Self {
            sort: value.map_or_else(String::new, |value| value.to_string()),
            shown: html! { (shown) },
            is_number: true,
        }
    }

    fn text(text: &str, shown: Markup) -> Self {
        Self { sort: text.to_owned(), shown, is_number: false }
    }
}

fn specimens(results: &[(&SpecimenOutcome, &SpecimenResult)], about: &BatchAbout<'_>) -> Markup {
    let figures: BTreeSet<&String> = results.iter().flat_map(|(_, result)| result.quality_medians.keys()).collect();
    let mut headings: Vec<(String, bool)> = [
        ("Line", true),
        ("Accession", false),
        ("State", false),
        ("Schistocytes", true),
        ("95 % interval", true),
        ("Counted", true),
        ("Red cells", true),
        ("Fields accepted", true),
        ("Fields", true),
    ]
    .map(|(name, is_number)| (name.to_owned(), is_number))
    .to_vec();
    headings.extend(figures.iter().map(|name| (format!("{}, median", figure_words(name)), true)));
    headings.extend(about.extra_columns.iter().map(|name| (name.clone(), false)));
    html! {
        section aria-labelledby="specimens" {
            h2 #specimens { "Specimens" }
            @if results.is_empty() {
                p { "No specimen was finished." }
            } @else {
                p.filter hidden {
                    label for="filter" { "Show rows with " }
                    input #filter type="search" autocomplete="off";
                    " " span #shown role="status" {}
                }
                div.scroll role="region" aria-labelledby="specimens" tabindex="0" {
                    table.sortable {
                        thead { tr { @for (name, is_number) in &headings {
                            th class=[is_number.then_some("number")] scope="col" { button type="button" { (name) } }
                        } } }
                        tbody { @for (outcome, result) in results {
                            tr { @for (column, entry) in specimen(outcome, result, about, &figures).into_iter().enumerate() {
                                @if column == ACCESSION_COLUMN {
                                    th.name scope="row" data-sort=(entry.sort) { (entry.shown) }
                                } @else {
                                    td class=[entry.is_number.then_some("number")] data-sort=(entry.sort) { (entry.shown) }
                                }
                            } }
                        } }
                    }
                }
            }
        }
    }
}

/// Place of the accession, which is the heading of its row.
const ACCESSION_COLUMN: usize = 1;

fn specimen(
    outcome: &SpecimenOutcome,
    result: &SpecimenResult,
    about: &BatchAbout<'_>,
    figures: &BTreeSet<&String>,
) -> Vec<Entry> {
    let accession = html! {
        @if about.linked {
            // The folder's name holds letters, digits, `.`, `_` and `-` only.
            a href=(format!("specimens/{}/report.html", result.folder)) { (outcome.accession) }
        } @else { (outcome.accession) }
    };
    let state = html! {
        (state_words(result.state)) @if let Some(caution) = caution_words(result.context) { br; small { (caution) } }
    };
    let interval = result.widest_95;
    let mut entries = vec![
        Entry::count(outcome.line),
        Entry::text(&outcome.accession, accession),
        Entry::text(state_words(result.state), state),
        Entry::number(result.percent, percent_or_unknown(result.percent)),
        Entry::number(interval.map(|limits| limits.low), interval_or_unknown(interval)),
        Entry::count(result.schistocytes),
        Entry::count(result.red_cells),
        Entry::count(result.fields_accepted),
        Entry::count(result.fields),
    ];
    entries.extend(figures.iter().map(|name| {
        let median = result.quality_medians.get(*name).copied();
        Entry::number(median, plain_or_unknown(median))
    }));
    entries.extend(about.extra_columns.iter().map(|name| {
        let text = outcome.extra.get(name).map_or("", String::as_str);
        Entry::text(text, html! { (text) })
    }));
    entries
}

fn failed(failures: &[(&SpecimenOutcome, &SpecimenFailure)]) -> Markup {
    html! {
        section aria-labelledby="failures" {
            h2 #failures { "Failures" }
            @if failures.is_empty() {
                p { "Every specimen was finished." }
            } @else {
                div.scroll role="region" aria-labelledby="failures" tabindex="0" {
                    table {
                        thead { tr { th.number scope="col" { "Line" } th scope="col" { "Accession" }
                            th.number scope="col" { "Exit code" } th scope="col" { "Reason" } } }
                        tbody {
                            @for (outcome, failure) in failures {
                                tr { td.number { (outcome.line) } th.name scope="row" { (outcome.accession) }
                                    td.number { (failure.exit_code) } td { (failure.reason) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::{Context, PercentInterval};

    fn finished(line: u64, accession: &str, state: State, percent: f64) -> SpecimenOutcome {
        let result = SpecimenResult {
            folder: format!("s-{line}_0123"),
            job: "0123".to_owned(),
            state,
            context: Some(Context::SchistocytesPredominate),
            threshold_percent: 1.0,
            red_cells: 1_234,
            schistocytes: 21,
            percent: Some(percent),
            widest_95: Some(PercentInterval { low: 1.1, high: 2.6 }),
            fields: 20,
            fields_accepted: 18,
            intervals: BTreeMap::new(),
            refused_by: BTreeMap::from([("focus".to_owned(), 2)]),
            quality_medians: BTreeMap::from([("focus_percent".to_owned(), 0.25 * line as f64)]),
            failed_inputs: 1,
        };
        let extra = BTreeMap::from([("Site".to_owned(), format!("<i>{line}"))]);
        let accession = accession.to_owned();
        SpecimenOutcome {
            line,
            accession,
            row_sha256: String::new(),
            files_sha256: None,
            extra,
            result: Some(result),
            failure: None,
        }
    }

    fn page(outcomes: &[SpecimenOutcome]) -> String {
        let extra_columns = &["Site".to_owned()];
        batch_page(&BatchAbout { software: "schistoquant 0", model: "m 1", extra_columns, linked: true }, outcomes)
    }

    #[test]
    fn every_specimen_and_every_failure_is_named() {
        let failure = SpecimenFailure { exit_code: 3, reason: "expected <an image>".to_owned() };
        let page = page(&[
            finished(1, "S-1", State::Above, 1.7),
            SpecimenOutcome {
                line: 2,
                accession: "<b>S-2".to_owned(),
                row_sha256: String::new(),
                files_sha256: None,
                extra: BTreeMap::new(),
                result: None,
                failure: Some(failure),
            },
            finished(3, "S-3", State::NotAbove, 0.2),
        ]);
        assert!(page.contains("<a href=\"specimens/s-1_0123/report.html\">S-1</a>"));
        assert!(page.contains("&lt;b&gt;S-2") && page.contains("expected &lt;an image&gt;") && !page.contains("<b>"));
        assert!(page.contains("<th scope=\"row\">Above the reference limit</th><td class=\"number\">1</td>"));
        assert!(page.contains("<th scope=\"row\">Failed</th><td class=\"number\">1</td>"));
        assert!(page.contains("36 (90.00\u{a0}%)"), "accepted fields");
        assert!(page.contains(FOOTER));
    }

    #[test]
    fn a_mixed_picture_keeps_its_state_and_is_cautioned() {
        let mut mixed = finished(1, "S-1", State::Above, 1.7);
        if let Some(result) = &mut mixed.result {
            result.context = Some(Context::MixedPoikilocytosis);
        }
        let page = page(&[mixed, finished(2, "S-2", State::Above, 1.7)]);
        let caution = "Other abnormal shapes outnumber schistocytes: percentage not specific";
        assert!(page.contains(&format!(">Above the reference limit<br><small>{caution}</small></td>")), "{page}");
        assert!(page.contains("<th scope=\"row\">Above the reference limit</th><td class=\"number\">2</td>"));
        assert!(page.contains("In 1 specimen other abnormal shapes outnumber"));
    }

    #[test]
    fn the_table_can_be_sorted_by_figures_and_columns_of_the_manifest() {
        let page = page(&[finished(3, "S-3", State::Above, 1.7)]);
        for heading in ["Line", "Red cells", "focus %, median", "Site"] {
            assert!(page.contains(&format!("<button type=\"button\">{heading}</button>")), "{heading}");
        }
        for cell in [
            "<td class=\"number\" data-sort=\"1.7\">1.70\u{a0}%</td>",
            "<td class=\"number\" data-sort=\"1234\">1,234</td>",
            "<td class=\"number\" data-sort=\"0.75\">0.75</td>",
            "<td data-sort=\"&lt;i&gt;3\">&lt;i&gt;3</td>",
        ] {
            assert!(page.contains(cell), "{cell}: {page}");
        }
        // The one script is the page's own: its hash is the one that is allowed, and nothing of the input is in it.
        let (_, rest) = page.split_once("<script>").expect("a script");
        let (script, after) = rest.split_once("</script>").expect("its end");
        assert_eq!((script, after.contains("<script")), (SCRIPT, false));
        let hash = STANDARD.encode(Sha256::digest(script));
        assert!(
            page.contains(&format!("script-src &#39;sha256-{hash}&#39;"))
                || page.contains(&format!("script-src 'sha256-{hash}'"))
        );
    }

    #[test]
    fn a_batch_without_a_finished_specimen_says_so() {
        let page = page(&[]);
        assert!(page.contains("No specimen was finished.") && page.contains("Every specimen was finished."));
        assert!(page.contains("No specimen has enough red cells for a percentage."));
    }
}
