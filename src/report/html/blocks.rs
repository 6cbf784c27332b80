//! The blocks of a document as markup: paragraphs, pairs, tables, lists, and the result.

use maud::{Markup, html};

use super::plots;
use crate::case::State;
use crate::report::document::{Block, Card, Cell, Column, Layout, Outcome, Pair, Table, Term};

/// A block of the section `id`. What holds pictures is empty here: the page writes it by itself, one picture after
/// another.
pub(super) fn block(block: &Block, id: &str) -> Markup {
    match block {
        Block::Text { text } => html! { p { (text) } },
        Block::Note { text } => html! { p.note { (text) } },
        Block::Heading { text } => html! { h3 { (text) } },
        Block::Pairs { pairs } => self::pairs(pairs),
        Block::Result(outcome) => result(outcome),
        Block::Warnings { terms } => warnings(terms),
        Block::Table(table) => self::table(table, id),
        Block::Tables { tables } => html! { div.tables { @for table in tables { div { (self::table(table, id)) } } } },
        Block::Sentences { items } => html! { ul.sentences { @for item in items { li { (item) } } } },
        Block::Terms { terms } => self::terms(terms),
        Block::Cards { cards, side_by_side } => self::cards(cards, *side_by_side, id),
        Block::Legend { lines } => legend(lines),
        Block::Tiles { .. } | Block::Fields | Block::Slide(_) => html! {},
    }
}

fn pairs(pairs: &[Pair]) -> Markup {
    html! {
        dl.pairs {
            @for pair in pairs {
                div { dt { (pair.name) } dd {
                    span data-figure=[&pair.value.field] { (pair.value.text) }
                    @for note in &pair.notes { " " small data-figure=[&note.field] { (note.text) } }
                } }
            }
        }
    }
}

fn warnings(terms: &[Term]) -> Markup {
    html! {
        ul {
            @for term in terms {
                li { strong { (term.name) } @for entry in &term.entries { " " span { (entry.value.text) } } }
            }
        }
    }
}

fn terms(terms: &[Term]) -> Markup {
    html! {
        dl.terms {
            @for term in terms {
                div {
                    dt { (term.name) }
                    @for entry in &term.entries { dd class=[entry.muted.then_some("muted")] { (contents(entry)) } }
                }
            }
        }
    }
}

fn cards(cards: &[Card], side_by_side: bool, id: &str) -> Markup {
    html! {
        div.cards.beside[side_by_side] {
            @for card in cards {
                article {
                    @if side_by_side { h4 { (card.title) } } @else { h3 { (card.title) } }
                    @for block in &card.blocks { (self::block(block, id)) }
                }
            }
        }
    }
}

fn legend(lines: &[(String, String)]) -> Markup {
    html! {
        ul.legend aria-label="Lines of the outlines" { @for (line, words) in lines { li { (swatch(line)) (words) } } }
    }
}

/// Sample of the line that an outline is drawn with.
fn swatch(class: &str) -> Markup {
    html! {
        svg.swatch aria-hidden="true" width="26" height="14" { path class=(class) d="M1 7H25" {} }
    }
}

/// A table of the section `id`.
pub(super) fn table(table: &Table, id: &str) -> Markup {
    let markup = html! {
        table class=(Into::<&str>::into(table.layout)) {
            @if let Some(caption) = &table.caption { caption { (caption) } }
            thead { tr { @for column in &table.columns { (heading(column)) } } }
            tbody { @for row in &table.rows { tr {
                @for (place, (cell, column)) in row.iter().zip(&table.columns).enumerate() {
                    (self::cell(cell, column, table, place))
                }
            } } }
        }
    };
    html! {
        @if matches!(table.layout, Layout::Long | Layout::Confusion) {
            div.scroll role="region" aria-labelledby=(id) tabindex="0" { (markup) }
        } @else { (markup) }
        @if let Some(left_out) = &table.left_out { p.note { (left_out) } }
    }
}

fn heading(column: &Column) -> Markup {
    html! {
        th class=[column.number.then_some("number")] scope="col" {
            @if column.sortable { button type="button" { (column.title) } } @else { (column.title) }
        }
    }
}

fn cell(cell: &Cell, column: &Column, table: &Table, place: usize) -> Markup {
    let classes =
        [(column.number, "number"), (cell.strong, "strong"), (cell.muted, "muted"), (cell.bar.is_some(), "plot")];
    let classes: Vec<&str> = classes.into_iter().filter_map(|(is_so, class)| is_so.then_some(class)).collect();
    let class = (!classes.is_empty()).then(|| classes.join(" "));
    let label = (table.layout == Layout::Wide).then_some(&column.title);
    let (figure, sort, title) = (&cell.value.field, &cell.sort_key, &cell.tooltip);
    let shade = cell.shade.map(shade);
    html! {
        @if place == table.row_heading {
            th class=[class] scope="row" title=[title] data-sort=[sort] data-figure=[figure] { (contents(cell)) }
        } @else {
            td class=[class] style=[shade] title=[title] data-label=[label] data-sort=[sort] data-figure=[figure] {
                (contents(cell))
            }
        }
    }
}

/// Blue by share; at most half opaque, so that the dark number stays readable.
fn shade(share: f64) -> String {
    format!("background: rgba(11, 92, 122, {:.3})", 0.5 * share)
}

fn contents(cell: &Cell) -> Markup {
    let text = &cell.value.text;
    html! {
        @if let Some(bar) = cell.bar { (plots::bar(bar, cell.strong)) }
        @if let Some(line) = &cell.swatch { (swatch(line)) }
        @if let Some(link) = &cell.link { a href=(link) { (text) } }
        @else if cell.code { code { (text) } }
        @else { (text) }
        @for note in &cell.notes { @if !text.is_empty() { br; } small { (note) } }
    }
}

fn result(outcome: &Outcome) -> Markup {
    html! {
        div.columns data-state=(outcome.state.name()) {
            div {
                (headline(outcome))
                p.state { (symbol(outcome.state)) strong { (outcome.state_words) } }
                @if let Some(caution) = outcome.caution { p.caution { (caution) } }
                p.statement data-figure="statement" { (outcome.statement) }
                @if let Some(missed) = &outcome.missed { p.missed { (missed) } }
            }
            @if let Some(plot) = &outcome.plot { figure.plot { (plots::intervals(plot)) figcaption { (plot.caption) } } }
        }
        (pairs(&outcome.values))
    }
}

fn headline(outcome: &Outcome) -> Markup {
    html! {
        p.headline {
            span.label { (outcome.label) }
            @match &outcome.percent {
                Some(percent) => span.value.muted[!outcome.firm] {
                    span data-figure="percent" { (percent) } span.unit { "\u{a0}%" }
                },
                None => span.value.muted.none { "no percentage" },
            }
        }
        p.sizes {
            // The widest interval of the called share; those that it is made of stand below.
            @if let Some(limits) = &outcome.widest_95 {
                "95 % interval " strong { span data-figure="widest_95" { (limits) } } br;
            }
            strong { span data-figure="schistocytes" { (outcome.schistocytes) } } " of "
            strong { span data-figure="red_cells" { (outcome.red_cells) } } " red cells in " (outcome.fields)
        }
    }
}

/// A shape for each state: an interval against the dashed line of the limit, or none.
pub(crate) fn symbol(state: State) -> Markup {
    html! {
        svg.symbol aria-hidden="true" viewBox="0 0 28 28" width="28" height="28" {
            @match state {
                State::Above => { path.limit d="M4 21H24" {} path.mark d="M14 4V15M9 4H19M9 15H19" {} },
                State::NotAbove => { path.limit d="M4 7H24" {} path.mark d="M14 13V24M9 13H19M9 24H19" {} },
                State::Indeterminate => { path.limit d="M4 14H24" {} path.mark d="M14 4V24M9 4H19M9 24H19" {} },
                State::Insufficient => { circle.mark cx="14" cy="14" r="9" stroke-dasharray="3.5 3.5" {} },
                State::NotAssessable => { path.mark d="M6 6L22 22M22 6L6 22" {} },
            }
        }
    }
}
