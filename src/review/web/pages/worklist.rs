//! The list of cases: what is to be read, what waits for a signature, who has what.
//!
//! In: the rows in the order of the work, and what was searched for. Out: a table, which is a list of cards on a phone.

use std::time::{Duration, SystemTime};

use maud::{Markup, html};

use super::{PageContext, limits, page, percent};
use crate::report::{state_symbol, state_words, time_words};
use crate::review::web::view::Row;
use crate::review::{Listed, Progress};

/// What the filter shows, by the name in the address.
const SHOWN: [(&str, &str); 3] = [("open", "To do"), ("signed", "Signed"), ("all", "All")];

/// Width of the bar of an interval, in units of its drawing.
const BAR_WIDTH: f64 = 120.0;

/// The page.
pub fn worklist(ctx: &PageContext, rows: &[Row], q: &str, show: &str) -> String {
    let show = SHOWN.iter().map(|(name, _)| *name).find(|name| *name == show).unwrap_or(SHOWN[0].0);
    let rows: Vec<&Row> = rows.iter().filter(|row| is_shown(&row.listed, q, show)).collect();
    let main = html! {
        main.list id="main" {
            h1 { "Worklist" }
            form.search method="get" action="/" role="search" {
                label { "Specimen or folder " input type="search" name="q" value=(q) autocomplete="off"; }
                label { "Show " select name="show" {
                    @for (name, words) in SHOWN { option value=(name) selected[name == show] { (words) } }
                } }
                button type="submit" { "Search" }
            }
            @if rows.is_empty() {
                p.said { @if q.is_empty() { "No case is to be shown." } @else { "No case to be shown has this name." } }
            } @else {
                p.note { @if rows.len() == 1 { "1 case." } @else {
                    (rows.len()) " cases, first those whose state a reading is most likely to change."
                } }
                (table(ctx, &rows))
            }
        }
    };
    page(ctx, "Worklist", &[], &main)
}

/// Whether a case is asked for: by its state, and by words in specimen and folder, in any case of letters.
fn is_shown(case: &Listed, q: &str, show: &str) -> bool {
    let is_signed = matches!(case.progress, Progress::Signed { .. });
    let is_meant = match show {
        "open" => !is_signed,
        "signed" => is_signed,
        _ => true,
    };
    let text = format!("{} {}", case.accession.as_deref().unwrap_or_default(), case.name).to_lowercase();
    is_meant && q.to_lowercase().split_whitespace().all(|word| text.contains(word))
}

fn table(ctx: &PageContext, rows: &[&Row]) -> Markup {
    let heads = ["Specimen", "Review", "State", "Schistocytes", "Cells read", "Film", "Age"];
    html! {
        // Roles are named because a phone shows the rows as cards, which makes some browsers forget the table.
        table.worklist role="table" aria-label="Cases" {
            thead role="rowgroup" { tr role="row" { @for head in heads { th role="columnheader" scope="col" { (head) } } } }
            tbody role="rowgroup" { @for row in rows { (self::row(ctx, row)) } }
        }
    }
}

fn row(ctx: &PageContext, row: &Row) -> Markup {
    let case = &row.listed;
    let name = case.accession.as_deref().unwrap_or(&case.name);
    html! {
        tr role="row" data-case=(case.id) {
            th role="rowheader" scope="row" {
                a.specimen href=(format!("/case/{}", case.id)) { (name) }
                @if name != case.name { small.folder { (case.name) } }
                @if !row.with.is_empty() { small.with { "Open now: " (row.with.join(", ")) } }
            }
            td role="cell" data-label="Review" {
                (progress(case))
                @if case.messages_wait { small.waits { "Messages wait for a signature" } }
            }
            td role="cell" data-label="State" {
                @if let Some(state) = case.state {
                    span.state { (state_symbol(state)) span { (state_words(state)) } }
                } @else { "–" }
            }
            td role="cell" data-label="Schistocytes" {
                @if let Some(value) = case.percent { strong.number { (percent(Some(value))) } }
                @if let Some(interval) = case.interval {
                    small.number { (limits(interval.low, interval.high)) }
                    (bar(case))
                }
                @if case.percent.is_none() && case.interval.is_none() { "–" }
            }
            td role="cell" data-label="Cells read" {
                @if case.state.is_some() {
                    // More are read where cells were added or read in their field.
                    @if case.cells_read > case.cells_to_read {
                        span.number { (case.cells_read) " read, " (case.cells_to_read) " to read" }
                    } @else {
                        span.number { (case.cells_read) " of " (case.cells_to_read) }
                    }
                    @if case.cells_to_read > 0 {
                        progress value=(case.cells_read.min(case.cells_to_read)) max=(case.cells_to_read)
                            aria-label="Cells read" {}
                    }
                    @if case.second_read > 0 { small { (case.second_read) " read blind" } }
                    @if !matches!(case.progress, Progress::Signed { .. }) && case.cells_to_read > 0 {
                        a.blind href=(format!("/case/{}/blind", case.id)) aria-label=(format!("Read blind: {name}")) {
                            "Read blind"
                        }
                    }
                } @else { "–" }
            }
            td role="cell" data-label="Film" {
                @if case.fields.1 > 0 { (case.fields.0) " of " (case.fields.1) " fields counted" } @else { "–" }
                @if case.unlike { small.unlike { "Unlike the films that the model knows" } }
            }
            td.number role="cell" data-label="Age" { (case.since.map_or_else(|| "–".to_owned(), |since| age(since, ctx.now))) }
        }
    }
}

fn progress(case: &Listed) -> Markup {
    html! {
        @match &case.progress {
            Progress::Unread => span.tag { "Not begun" },
            Progress::Begun => span.tag.begun { "Begun" },
            Progress::Reopened => span.tag.begun { "Opened again" },
            Progress::Signed { by, at } => { span.tag.signed { "✓ Signed" } small { (by) ", " (time_words(at)) } },
            Progress::Damaged { why } => { span.tag.damaged { "! Damaged" } small { (why) } },
        }
    }
}

/// The interval on a scale that starts at 0 and shows the limit, a dashed line.
fn bar(case: &Listed) -> Markup {
    let Some(interval) = case.interval else { return html! {} };
    let limit = case.threshold_percent;
    let most = (2.0 * limit).max(1.05 * interval.high);
    let at = |percent: f64| format!("{:.1}", 1.0 + (BAR_WIDTH - 2.0) * (percent / most).clamp(0.0, 1.0));
    let (low, high, limit) = (at(interval.low), at(interval.high), at(limit));
    html! {
        @if most > 0.0 {
            svg.interval aria-hidden="true" viewBox=(format!("0 0 {BAR_WIDTH} 16")) width=(BAR_WIDTH) height="16" {
                path.track d=(format!("M1 8H{}", BAR_WIDTH - 1.0)) {}
                path.limit d=(format!("M{limit} 0V16")) {}
                path.span d=(format!("M{low} 8H{high}M{low} 4V12M{high} 4V12")) {}
                @if let Some(percent) = case.percent { circle.point cx=(at(percent)) cy="8" r="3" {} }
            }
        }
    }
}

/// Time since a moment, in its largest whole unit.
fn age(since: SystemTime, now: SystemTime) -> String {
    let minutes = now.duration_since(since).unwrap_or(Duration::ZERO).as_secs() / 60;
    match minutes {
        0..60 => format!("{minutes} min"),
        60..2880 => format!("{} h", minutes / 60),
        _ => format!("{} days", minutes / 1440),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_told_in_its_largest_unit() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        let ago = |minutes: u64| age(now - Duration::from_secs(60 * minutes), now);
        assert_eq!([ago(0), ago(59), ago(60), ago(2879), ago(2880)], ["0 min", "59 min", "1 h", "47 h", "2 days"]);
        assert_eq!(age(now + Duration::from_secs(90), now), "0 min", "a clock that was set back");
    }
}
