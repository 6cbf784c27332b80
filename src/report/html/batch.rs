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

use std::collections::{BTreeMap, BTreeSet};

use maud::{Markup, html};

use super::blocks::table;
use super::plots::histogram;
use super::shell::PageFrame;
use crate::case::{FOOTER, SpecimenFailure, SpecimenOutcome, SpecimenResult, State};
use crate::report::document::values::{
    count, counted, interval_or_unknown, percent, percent_or_unknown, plain_or_unknown, share_percent,
};
use crate::report::document::words::{REVIEW_STATUS, caution_words, measure_words, state_words};
use crate::report::document::{Cell, Column, Layout, Table};

const SCRIPT: &str = include_str!("sort_and_filter.js");

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

/// A specimen that was finished.
type Finished<'a> = (&'a SpecimenOutcome, &'a SpecimenResult);

/// The page.
pub fn batch_page(about: &BatchAbout<'_>, outcomes: &[SpecimenOutcome]) -> String {
    let results: Vec<Finished<'_>> =
        outcomes.iter().filter_map(|outcome| Some((outcome, outcome.result.as_ref()?))).collect();
    let failures: Vec<(&SpecimenOutcome, &SpecimenFailure)> =
        outcomes.iter().filter_map(|outcome| Some((outcome, outcome.failure.as_ref()?))).collect();
    let title = format!("Schistocyte counts of {}", counted(outcomes.len() as u64, "specimen"));
    let frame = PageFrame {
        heading: title.clone(),
        title,
        about: html! { (about.software) "; model " (about.model) },
        review: Some(REVIEW_STATUS),
        generator: about.software,
        footer: FOOTER,
        script: Some(SCRIPT),
    };
    frame.around(&html! {
        (section("states", "Result", states(&results, failures.len())))
        (section("distribution", "Distribution of the percentages", distribution(&results)))
        (section("quality", "Quality", table(&quality(&results), "quality")))
        (section("specimens", "Specimens", specimens(&results, about)))
        (section("failures", "Failures", failed(&failures)))
    })
}

fn section(id: &str, title: &str, contents: Markup) -> Markup {
    html! { section class=(id) aria-labelledby=(id) { h2 id=(id) { (title) } (contents) } }
}

/// Names with numbers.
fn numbers(titles: [&str; 2], rows: Vec<(String, String)>) -> Table {
    let rows = rows.into_iter().map(|(name, number)| vec![Cell::new(name), Cell::new(number)]).collect();
    Table::new(Layout::Facts, vec![Column::words(titles[0], 1), Column::number(titles[1])], rows)
}

/// How many specimens lie where.
fn states(results: &[Finished<'_>], failures: usize) -> Markup {
    let states = [State::Above, State::Indeterminate, State::NotAbove, State::Insufficient, State::NotAssessable];
    let of = |wanted: State| results.iter().filter(|(_, result)| result.state == wanted).count() as u64;
    let cautioned = results.iter().filter(|(_, result)| caution_words(result.context).is_some()).count() as u64;
    let rows = states.map(|wanted| (state_words(wanted).to_owned(), count(of(wanted))));
    let rows = rows.into_iter().chain([("Failed".to_owned(), count(failures as u64))]).collect();
    html! {
        (table(&numbers(["State", "Specimens"], rows), "states"))
        @if cautioned > 0 {
            p.note { "In " (counted(cautioned, "specimen")) " other abnormal shapes outnumber schistocytes: the percentage \
                is not specific there." }
        }
    }
}

fn distribution(results: &[Finished<'_>]) -> Markup {
    let placed = |result: &SpecimenResult| !matches!(result.state, State::Insufficient | State::NotAssessable);
    let percents: Vec<f64> =
        results.iter().filter(|(_, result)| placed(result)).filter_map(|(_, result)| result.percent).collect();
    let left_out = results.len() - percents.len();
    html! {
        @if percents.is_empty() {
            p { "No specimen has enough red cells for a percentage." }
        } @else {
            (histogram(&percents))
            p.note {
                (counted(percents.len() as u64, "specimen")) " with enough red cells"
                @if left_out > 0 { "; " (count(left_out as u64)) " with fewer or not assessable left out" }
                "."
            }
        }
    }
}

fn quality(results: &[Finished<'_>]) -> Table {
    let sum = |of: fn(&SpecimenResult) -> u64| results.iter().map(|(_, result)| of(result)).sum::<u64>();
    let (fields, accepted) = (sum(|result| result.fields), sum(|result| result.fields_accepted));
    let share = share_percent(accepted, fields).map(|share| format!(" ({})", percent(share))).unwrap_or_default();
    let mut refused: BTreeMap<&str, u64> = BTreeMap::new();
    for (name, fields) in results.iter().flat_map(|(_, result)| &result.refused_by) {
        *refused.entry(name).or_insert(0) += fields;
    }
    let mut rows = vec![("Read".to_owned(), count(fields)), ("Accepted".to_owned(), count(accepted) + &share)];
    let outside =
        |(name, fields): (&str, u64)| (format!("Outside the limits of {}", measure_words(name)), count(fields));
    rows.extend(refused.into_iter().map(outside));
    rows.push(("Inputs that could not be read".to_owned(), count(sum(|result| result.failed_inputs))));
    numbers(["Fields", "Number"], rows)
}

fn specimens(results: &[Finished<'_>], about: &BatchAbout<'_>) -> Markup {
    let medians: BTreeSet<&String> = results.iter().flat_map(|(_, result)| result.quality_medians.keys()).collect();
    let mut columns = vec![
        Column::number("Line"),
        Column::words("Accession", 1),
        Column::words("State", 1),
        Column::number("Schistocytes"),
        Column::number("95 % interval"),
        Column::number("Counted"),
        Column::number("Red cells"),
        Column::number("Fields accepted"),
        Column::number("Fields"),
    ];
    columns.extend(medians.iter().map(|name| Column::number(format!("{}, median", measure_words(name)))));
    columns.extend(about.extra_columns.iter().map(|name| Column::words(name.as_str(), 1)));
    columns.iter_mut().for_each(|column| column.sortable = true);
    let rows = results.iter().map(|(outcome, result)| specimen(outcome, result, about, &medians)).collect();
    html! {
        @if results.is_empty() {
            p { "No specimen was finished." }
        } @else {
            p.filter hidden {
                label for="filter" { "Show rows with " }
                input #filter type="search" autocomplete="off";
                " " span #shown role="status" {}
            }
            (table(&Table { row_heading: 1, ..Table::new(Layout::Long, columns, rows) }, "specimens"))
        }
    }
}

/// A cell and what the row is sorted by.
fn sorted(key: impl ToString, cell: impl Into<Cell>) -> Cell {
    Cell { sort_key: Some(key.to_string()), ..cell.into() }
}

fn specimen(
    outcome: &SpecimenOutcome,
    result: &SpecimenResult,
    about: &BatchAbout<'_>,
    medians: &BTreeSet<&String>,
) -> Vec<Cell> {
    // The folder's name holds letters, digits, `.`, `_` and `-` only.
    let link = about.linked.then(|| format!("specimens/{}/report.html", result.folder));
    let number = |number: u64| sorted(number, count(number));
    let value =
        |value: Option<f64>, shown: String| sorted(value.map(|value| value.to_string()).unwrap_or_default(), shown);
    let state = state_words(result.state);
    let interval = result.widest_95;
    let mut cells = vec![
        number(outcome.line),
        sorted(&outcome.accession, Cell { link, ..Cell::new(outcome.accession.as_str()) }),
        sorted(state, Cell::new(state).noted(caution_words(result.context))),
        value(result.percent, percent_or_unknown(result.percent)),
        value(interval.map(|limits| limits.low), interval_or_unknown(interval)),
        number(result.schistocytes),
        number(result.red_cells),
        number(result.fields_accepted),
        number(result.fields),
    ];
    cells.extend(medians.iter().map(|name| {
        let median = result.quality_medians.get(*name).copied();
        value(median, plain_or_unknown(median))
    }));
    cells.extend(about.extra_columns.iter().map(|name| {
        let text = outcome.extra.get(name).map_or("", String::as_str);
        sorted(text, text)
    }));
    cells
}

fn failed(failures: &[(&SpecimenOutcome, &SpecimenFailure)]) -> Markup {
    if failures.is_empty() {
        return html! { p { "Every specimen was finished." } };
    }
    let rows = failures.iter().map(|(outcome, failure)| {
        let code = failure.exit_code.to_string();
        [outcome.line.to_string(), outcome.accession.clone(), code, failure.reason.clone()].map(Cell::new).into()
    });
    let columns = vec![
        Column::number("Line"),
        Column::words("Accession", 1),
        Column::number("Exit code"),
        Column::words("Reason", 4),
    ];
    table(&Table { row_heading: 1, ..Table::new(Layout::Long, columns, rows.collect()) }, "failures")
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::prelude::BASE64_STANDARD;
    use sha2::{Digest, Sha256};

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
    fn the_table_can_be_sorted_by_values_and_columns_of_the_manifest() {
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
        let hash = BASE64_STANDARD.encode(Sha256::digest(script));
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
