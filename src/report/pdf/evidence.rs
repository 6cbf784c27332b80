//! The evidence in the words of the sheet: values by block, statements, scores, the page for a patient with cancer.
//!
//! In: the evidence and how much of it has room. Out: sections, in the order of reading. Sources of single rules stand
//! in the page and in the record; those of scores and exposures are printed, too.

use super::content::{cut, more};
use super::room::Room;
use super::sheet::{Block, Cell, Column, Head, Item, Section, Table};
use crate::clinical::{PUBLISHED_COHORT_NOTE, SCORE_NOTE, Score};
use crate::evidence::{
    CancerPage, Comparison, Evidence, EvidenceBlock, EvidenceItem, Exposure, StatementEvidence, WeighedItem,
};
use crate::report::evidence_words::{
    CANCER_TITLE, EVIDENCE_LEAD, EVIDENCE_TITLE, band_words, bearing_lines, earlier_words, exposure_words, flag_words,
    is_flagged, is_open, points_words, reference_words, result_words, time_words, weighed_words,
};

/// Every section of the evidence.
pub(super) fn sections(evidence: &Evidence, room: &Room) -> Vec<Section> {
    let mut sections = vec![values(evidence, room), statements(evidence), scores(evidence)];
    sections.extend(evidence.cancer_page.as_ref().map(|page| cancer(page, room)));
    sections
}

/// Sentences as paragraphs in small print.
fn sentences(sentences: &[String]) -> Block {
    Block::List { items: sentences.iter().map(|sentence| Item::new("", sentence)).collect(), small: true }
}

fn values(evidence: &Evidence, room: &Room) -> Section {
    let rows = evidence.blocks.iter().flat_map(|block| block_rows(block, room)).collect();
    let mut blocks = vec![
        Block::note(EVIDENCE_LEAD),
        Block::Table(Table {
            caption: None,
            columns: vec![
                Head::words("Item", 5),
                Head::words("Value", 4),
                Head::words("Reference interval", 4),
                Head::words("Flag", 2),
                Head::words("Time", 5),
                Head::words("Bearing", 7),
            ],
            rows,
            note: None,
            small: true,
        }),
    ];
    if !evidence.limitations.is_empty() {
        blocks.push(Block::heading("What this evidence cannot tell"));
        blocks.push(sentences(&evidence.limitations));
    }
    let ignored = evidence.ignored.len();
    if ignored > 0 {
        let codes: Vec<String> = evidence.ignored.iter().map(|observation| observation.code.clone()).collect();
        blocks.push(Block::note(format!("Observations left aside: {}.", codes.join(", "))));
    }
    Section { title: EVIDENCE_TITLE.to_owned(), new_page: true, blocks }
}

/// A row over the whole width with the title and what is missing, then the items.
fn block_rows(block: &EvidenceBlock, room: &Room) -> Vec<Vec<Cell>> {
    let missing = (!block.missing.is_empty()).then(|| format!("Missing: {}", block.missing.join(", ")));
    let head = vec![Cell::new(block.title.clone()).strong_if(true).noted(missing)];
    let (items, left_out) = cut(block.items.iter().collect(), room.items);
    let rest = more(left_out, "item").map(|words| vec![Cell::new(words).muted_if(true)]);
    std::iter::once(head).chain(items.into_iter().map(item_row)).chain(rest).collect()
}

fn item_row(item: &EvidenceItem) -> Vec<Cell> {
    let flagged = is_flagged(item);
    let notes: Vec<String> = item.notes.iter().cloned().chain(earlier_words(item)).collect();
    let notes = Some(notes.join(" ")).filter(|notes| !notes.is_empty());
    if item.reference.is_none() && item.flag.is_none() && item.bearings.is_empty() {
        // A word or a text: over the whole width, with its time.
        let time = item.collected_at.as_ref().map(|time| format!(" ({})", time_words(time)));
        let value = item.value_text.clone() + &time.unwrap_or_default();
        return vec![Cell::new(&item.name).noted(notes), Cell::new(value)];
    }
    let reference = match &item.reference {
        Some(reference) => Cell::new(format!("{} ({})", reference_words(reference), reference.owner.words())),
        None => Cell::new("none").muted_if(true),
    };
    let time = match &item.collected_at {
        Some(time) => Cell::new(time_words(time)),
        None => Cell::new("not given").muted_if(true),
    };
    let lines = bearing_lines(item).into_iter().map(|(direction, titles)| format!("{direction} {titles}"));
    let bearing = lines.collect::<Vec<_>>().join("; ");
    vec![
        Cell::new(&item.name).strong_if(flagged).noted(notes),
        Cell::new(&item.value_text).strong_if(flagged),
        reference,
        Cell::new(item.flag.map_or("–", flag_words)).strong_if(flagged),
        time,
        Cell::new(if bearing.is_empty() { "–".to_owned() } else { bearing }),
    ]
}

/// A card and how many lines it takes, about.
struct Card {
    lines: usize,
    blocks: Vec<Block>,
}

/// Cards in two columns; each goes to the one that is shorter so far.
fn side_by_side(cards: Vec<Card>) -> Block {
    let mut columns = [(0, Vec::new()), (0, Vec::new())];
    for card in cards {
        let shorter = usize::from(columns[1].0 < columns[0].0);
        columns[shorter].0 += card.lines;
        columns[shorter].1.extend(card.blocks);
    }
    Block::Columns { columns: columns.map(|(_, blocks)| Column { width: 1, blocks }).into() }
}

/// Characters of small print in a line of half the width.
const LINE_CHARS: usize = 68;

/// Lines of a text of so many characters.
fn lines_of(text: &str) -> usize {
    text.chars().count().div_ceil(LINE_CHARS).max(1)
}

fn statements(evidence: &Evidence) -> Section {
    let cards = evidence.statements.iter().map(statement_card).collect();
    Section { title: "For and against".to_owned(), new_page: true, blocks: vec![side_by_side(cards)] }
}

fn statement_card(statement: &StatementEvidence) -> Card {
    let mut items = vec![
        Item::new("Supports:", weighed(&statement.supports)),
        Item::new("Speaks against:", weighed(&statement.speaks_against)),
    ];
    if !statement.neutral.is_empty() {
        items.push(Item::new("Says nothing here:", weighed(&statement.neutral)));
    }
    let missing = if statement.missing.is_empty() { "nothing".to_owned() } else { statement.missing.join(", ") };
    items.push(Item::new("Missing:", missing));
    let lines = 2 + items.iter().map(|item| lines_of(&item.text) + 1).sum::<usize>();
    Card { lines, blocks: vec![Block::heading(statement.title.clone()), Block::List { items, small: true }] }
}

/// Items with their rules; that there is none is said.
fn weighed(items: &[WeighedItem]) -> String {
    if items.is_empty() {
        return "no item".to_owned();
    }
    let words = items.iter().map(|item| format!("{} ({})", weighed_words(item), item.rule));
    words.collect::<Vec<_>>().join("; ")
}

fn scores(evidence: &Evidence) -> Section {
    let cards = evidence.scores.iter().map(score_card).collect();
    let blocks = vec![Block::note(SCORE_NOTE), side_by_side(cards)];
    Section { title: "Scores".to_owned(), new_page: false, blocks }
}

fn score_card(score: &Score) -> Card {
    let outcome = if is_open(score) { Item::new("", result_words(score)) } else { Item::new(result_words(score), "") };
    let mut blocks = vec![
        Block::heading(format!("{} ({})", score.name, score.version)),
        Block::List { items: vec![outcome], small: false },
        Block::note(format!("Made to estimate: {}. {}", score.estimates, score.applicability)),
    ];
    if !score.conditions.is_empty() {
        let conditions = score.conditions.iter().map(|known| format!("{}: {}", known.condition, known.state.words()));
        blocks.push(Block::note(conditions.collect::<Vec<_>>().join("; ")));
    }
    let rows = score.items.iter().map(|item| {
        vec![
            Cell::new(format!("{}: {}", item.name, item.criterion)),
            Cell::new(item.value.as_deref().unwrap_or("–")),
            Cell::new(item.state.words()),
            Cell::new(points_words(item)),
        ]
    });
    blocks.push(Block::Table(Table {
        caption: None,
        columns: vec![Head::words("Item", 5), Head::words("Known", 3), Head::words("State", 2), Head::number("Points")],
        rows: rows.collect(),
        note: None,
        small: true,
    }));
    if !score.bands.is_empty() {
        let bands = score.bands.iter().map(|band| {
            let cohorts = band.published_cohorts.join("; ");
            let named = format!("{} {}", band_words(band), band.label);
            if cohorts.is_empty() { named } else { format!("{named} [{cohorts}]") }
        });
        let bands = bands.collect::<Vec<_>>().join(" · ");
        blocks.push(Block::note(format!("Bands, figures of a {PUBLISHED_COHORT_NOTE}: {bands}")));
    }
    if !score.caveats.is_empty() {
        blocks.push(sentences(&score.caveats));
    }
    blocks.push(Block::note(format!("Source: {}", score.source)));
    let texts = [&score.estimates, &score.applicability, &score.source].into_iter().chain(&score.caveats);
    let bands = score.bands.iter().flat_map(|band| &band.published_cohorts);
    let lines = 4 + 2 * score.items.len() + texts.chain(bands).map(|text| lines_of(text)).sum::<usize>();
    Card { lines, blocks }
}

fn cancer(page: &CancerPage, room: &Room) -> Section {
    let mut blocks = Vec::new();
    if page.exposures.is_empty() {
        blocks.push(Block::text("No exposure was given."));
    } else {
        blocks.push(exposures(&page.exposures, room));
    }
    if !page.comparisons.is_empty() {
        blocks.push(comparisons(&page.comparisons, room));
    }
    let missing = if page.missing.is_empty() { "nothing".to_owned() } else { page.missing.join(", ") };
    blocks.push(Block::List { items: vec![Item::new("Still missing:", missing)], small: false });
    if !page.caveats.is_empty() {
        blocks.push(Block::heading("To keep in mind"));
        blocks.push(sentences(&page.caveats));
    }
    Section { title: CANCER_TITLE.to_owned(), new_page: true, blocks }
}

fn exposures(exposures: &[Exposure], room: &Room) -> Block {
    let (shown, left_out) = cut(exposures.iter().collect(), room.entries);
    let rows = shown.into_iter().map(|exposure| {
        let date = exposure.date.as_deref().map_or_else(|| "not given".to_owned(), time_words);
        vec![
            Cell::new(&exposure.name).noted(Some(exposure_words(exposure.kind).to_owned())),
            Cell::new(&exposure.detail),
            Cell::new(date).muted_if(exposure.date.is_none()),
            Cell::new(exposure.published.as_deref().unwrap_or("–")).noted(exposure.source.clone()),
        ]
    });
    Block::Table(Table {
        caption: Some("Exposures".to_owned()),
        columns: vec![
            Head::words("Exposure", 3),
            Head::words("In this patient", 3),
            Head::words("Date", 2),
            Head::words("Published", 6),
        ],
        rows: rows.collect(),
        note: more(left_out, "exposure"),
        small: true,
    })
}

/// What publications compare, in one table; a row over the whole width names the picture compared with.
fn comparisons(comparisons: &[Comparison], room: &Room) -> Block {
    let (shown, left_out) = cut(comparisons.iter().collect(), room.entries);
    let mut rows = Vec::new();
    for comparison in shown {
        rows.push(vec![Cell::new(&comparison.title).strong_if(true)]);
        let (items, rest) = cut(comparison.items.iter().collect(), room.items);
        rows.extend(items.into_iter().map(|item| {
            let absent = item.value_text.is_none();
            vec![
                Cell::new(&item.name).muted_if(absent),
                Cell::new(&item.published).noted(Some(item.source.clone())),
                Cell::new(item.value_text.as_deref().unwrap_or("not given")).muted_if(absent),
                Cell::new(item.position.as_deref().unwrap_or("–")),
            ]
        }));
        rows.extend(more(rest, "item").map(|words| vec![Cell::new(words).muted_if(true)]));
    }
    Block::Table(Table {
        caption: Some("What publications compare".to_owned()),
        columns: vec![
            Head::words("Item", 3),
            Head::words("Published", 6),
            Head::words("This patient", 3),
            Head::words("Position", 4),
        ],
        rows,
        note: more(left_out, "comparison"),
        small: true,
    })
}
