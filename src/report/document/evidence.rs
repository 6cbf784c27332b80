//! The evidence: items for, against and missing under each statement, then every value; the published scores; and the page
//! for a patient with cancer.
//!
//! METHOD: the statements come first, because they are what a reader looks for; every value, interval and time behind
//! them follows. Direction is always a word. Nothing is summed up. A
//! score says what came out and never what that means for the patient.

use super::model::{Block, Card, Cell, Column, Layout, Section, Table, Term, Value};
use super::values::{counted, range};
use super::words::{listed_or, time_words};
use crate::clinical::{Flag, ItemState, PUBLISHED_COHORT_NOTE, SCORE_NOTE, Score, ScoreBand, ScoreItem, ScoreResult};
use crate::evidence::{
    CancerPage, ComparedItem, Comparison, Direction, Evidence, EvidenceBlock, EvidenceItem, Exposure, ExposureKind,
    StatementEvidence, WeighedItem,
};

/// Section of the evidence.
pub(crate) fn evidence(evidence: &Evidence) -> Section {
    let mut blocks = vec![Block::note(
        "What was given with the specimen, and what published rules say of it. The items are listed and not added up: \
         there is no verdict.",
    )];
    if !evidence.missing.is_empty() {
        let name = format!("Not given: {}", counted(evidence.missing.len() as u64, "item"));
        blocks.push(Block::Terms { terms: vec![Term::new(name, evidence.missing.join(", "))] });
    }
    blocks.push(Block::heading("For and against"));
    blocks.push(Block::Cards { cards: evidence.statements.iter().map(statement).collect(), side_by_side: true });
    blocks.push(Block::heading("Values"));
    blocks.extend(evidence.blocks.iter().flat_map(values));
    if !evidence.limitations.is_empty() {
        blocks.push(Block::heading("What this evidence cannot tell"));
        blocks.push(Block::Sentences { items: evidence.limitations.clone() });
    }
    if !evidence.ignored.is_empty() {
        blocks.push(Block::heading("Observations left aside"));
        let items = evidence.ignored.iter().map(|observation| {
            let name = observation.name.as_ref().map(|name| format!(" {name}:")).unwrap_or_default();
            format!("{}{name} {}", observation.code, observation.reason)
        });
        blocks.push(Block::Sentences { items: items.collect() });
    }
    Section::new("evidence", "TMA evidence", blocks)
}

fn statement(statement: &StatementEvidence) -> Card {
    let mut terms = vec![
        Term { name: "Supports".to_owned(), entries: weighed(&statement.supports) },
        Term { name: "Speaks against".to_owned(), entries: weighed(&statement.speaks_against) },
    ];
    if !statement.neutral.is_empty() {
        terms.push(Term { name: "Says nothing here".to_owned(), entries: weighed(&statement.neutral) });
    }
    terms.push(Term::new("Missing", listed_or(&statement.missing, "nothing")));
    Card { title: statement.title.clone(), blocks: vec![Block::Terms { terms }] }
}

/// Items of one direction with their rules; an empty list says so, because that no item speaks against is a finding of
/// its own.
fn weighed(items: &[WeighedItem]) -> Vec<Cell> {
    if items.is_empty() {
        return vec![Cell::known_or(None::<String>, "no item")];
    }
    let entry = |item: &WeighedItem| {
        let source = if item.source.is_empty() { String::new() } else { format!(" ({})", item.source) };
        Cell::new(format!("{} {}", item.name, item.value_text)).noted([format!("{}{source}", item.rule)])
    };
    items.iter().map(entry).collect()
}

/// The values of a block, then what is missing of it.
fn values(block: &EvidenceBlock) -> Vec<Block> {
    let missing = (!block.missing.is_empty()).then(|| format!("Missing: {}", block.missing.join(", ")));
    if block.items.is_empty() {
        let words = missing.unwrap_or_else(|| "Nothing was given.".to_owned());
        return vec![Block::Terms { terms: vec![Term::new(block.title.as_str(), words)] }];
    }
    let columns = vec![
        Column::words("Item", 5),
        Column::words("Value", 4),
        Column::words("Reference interval", 4),
        Column::words("Flag", 2),
        Column::words("Time", 5),
        Column::words("Bearing", 7),
    ];
    let rows = block.items.iter().map(value_row).collect();
    let table = Table::new(Layout::Wide, columns, rows).captioned(block.title.as_str());
    std::iter::once(Block::Table(table)).chain(missing.map(Block::note)).collect()
}

fn value_row(item: &EvidenceItem) -> Vec<Cell> {
    let flagged = item.flag.is_some_and(|flag| flag != Flag::Normal);
    let reference = item.reference.as_ref();
    let interval = Cell {
        tooltip: reference.map(|reference| reference.source.clone()),
        ..Cell::known_or(reference.map(|reference| range(reference.low, reference.high)), "no interval")
    };
    let time = item.collected_at.as_deref().map(time_words);
    vec![
        Cell::new(item.name.as_str()).strong_if(flagged).noted(item.notes.iter().cloned().chain(earlier_words(item))),
        Cell::new(Value::of(format!("evidence.{}", item.code), item.value_text.as_str())).strong_if(flagged),
        interval.noted(reference.map(|reference| reference.owner.words())),
        Cell::new(item.flag.map_or("–", flag_words)).strong_if(flagged),
        Cell::known_or(time, "not given"),
        Cell::new(bearing_words(item)),
    ]
}

/// Where a value lies against its interval.
fn flag_words(flag: Flag) -> &'static str {
    match flag {
        Flag::Low => "low",
        Flag::Normal => "within",
        Flag::High => "high",
        Flag::Abnormal => "abnormal",
    }
}

/// What an item says about statements, one line for each direction.
fn bearing_words(item: &EvidenceItem) -> String {
    let lines =
        [Direction::Supports, Direction::SpeaksAgainst, Direction::Neutral].into_iter().filter_map(|direction| {
            let named = item.bearings.iter().filter(|bearing| bearing.direction == direction);
            let titles: Vec<&str> = named.map(|bearing| bearing.statement.title()).collect();
            (!titles.is_empty()).then(|| format!("{} {}", direction.words(), titles.join(", ")))
        });
    let lines: Vec<String> = lines.collect();
    if lines.is_empty() { "–".to_owned() } else { lines.join(";\n") }
}

/// Earlier values in one line; `None` without one.
fn earlier_words(item: &EvidenceItem) -> Option<String> {
    let values = item.earlier.iter().map(|earlier| match &earlier.collected_at {
        Some(time) => format!("{} ({})", earlier.value_text, time_words(time)),
        None => earlier.value_text.clone(),
    });
    (!item.earlier.is_empty()).then(|| format!("Earlier: {}", values.collect::<Vec<_>>().join("; ")))
}

/// Section for a patient with cancer: exposures with their sources, what publications compare, what is missing.
pub(crate) fn cancer(page: &CancerPage) -> Section {
    let mut blocks = vec![Block::note(
        "Exposures, and what publications compare with other pictures; where this patient's data lie is said item by \
         item.",
    )];
    blocks.push(Block::heading("Exposures"));
    if page.exposures.is_empty() {
        blocks.push(Block::text("No exposure was given."));
    } else {
        let columns = [("Exposure", 3), ("In this patient", 3), ("Date", 2), ("Published", 6)];
        blocks.push(wide_table(columns, page.exposures.iter().map(exposure_row)));
    }
    for comparison in &page.comparisons {
        blocks.push(Block::heading(comparison.title.as_str()));
        blocks.push(compared(comparison));
    }
    blocks.push(Block::heading("Still missing"));
    blocks.push(Block::text(listed_or(&page.missing, "Nothing.")));
    if !page.caveats.is_empty() {
        blocks.push(Block::heading("To keep in mind"));
        blocks.push(Block::Sentences { items: page.caveats.clone() });
    }
    Section::new("cancer", "Cancer-associated TMA", blocks)
}

fn wide_table(columns: [(&str, u8); 4], rows: impl Iterator<Item = Vec<Cell>>) -> Block {
    let columns = columns.map(|(title, width)| Column::words(title, width));
    Block::Table(Table::new(Layout::Wide, columns.into(), rows.collect()))
}

fn exposure_row(exposure: &Exposure) -> Vec<Cell> {
    vec![
        Cell::new(exposure.name.as_str()).noted([exposure_words(exposure.kind)]),
        Cell::new(exposure.detail.as_str()),
        Cell::known_or(exposure.date.as_deref().map(time_words), "not given"),
        Cell::new(exposure.published.as_deref().unwrap_or("–")).noted(exposure.source.as_deref()),
    ]
}

/// What a patient was exposed to.
fn exposure_words(kind: ExposureKind) -> &'static str {
    match kind {
        ExposureKind::Tumor => "tumor",
        ExposureKind::Metastasis => "metastasis",
        ExposureKind::Marrow => "bone marrow",
        ExposureKind::Drug => "drug",
        ExposureKind::OtherDrug => "drug, not in the table",
    }
}

fn compared(comparison: &Comparison) -> Block {
    let row = |item: &ComparedItem| {
        let absent = item.value_text.is_none();
        vec![
            Cell::new(item.name.as_str()).muted_if(absent),
            Cell::new(item.published.as_str()).noted([item.source.as_str()]).muted_if(absent),
            Cell::known_or(item.value_text.as_deref(), "not given"),
            Cell::new(item.position.as_deref().unwrap_or("–")),
        ]
    };
    let columns = [("Item", 3), ("Published", 6), ("This patient", 3), ("Position", 4)];
    wide_table(columns, comparison.items.iter().map(row))
}

/// Section of the scores.
pub(crate) fn scores(scores: &[Score]) -> Section {
    let lead = format!("{SCORE_NOTE} Points are those of the publication; a missing item is never filled in.");
    let cards = scores.iter().map(card).collect();
    Section::new("scores", "Scores", vec![Block::note(lead), Block::Cards { cards, side_by_side: false }])
}

fn card(score: &Score) -> Card {
    let mut blocks = vec![
        Block::text(result_words(score)),
        Block::note(format!("Made to estimate: {}. {}", score.estimates, score.applicability)),
    ];
    if !score.conditions.is_empty() {
        let conditions = score.conditions.iter().map(|known| format!("{}: {}", known.condition, known.state.words()));
        blocks.push(Block::Sentences { items: conditions.collect() });
    }
    blocks.push(Block::Table(items(&score.items)));
    if !score.bands.is_empty() {
        blocks.push(Block::Table(bands(score)));
    }
    if !score.caveats.is_empty() {
        blocks.push(Block::Sentences { items: score.caveats.clone() });
    }
    blocks.push(Block::note(format!("Source: {}", score.source)));
    Card { title: format!("{} ({})", score.name, score.version), blocks }
}

fn items(items: &[ScoreItem]) -> Table {
    let row = |item: &ScoreItem| {
        let row = [
            Cell::new(item.name.as_str()),
            Cell::new(item.criterion.as_str()),
            Cell::new(item.value.as_deref().unwrap_or("–")),
            Cell::new(item.state.words()),
            Cell::new(points_words(item)),
        ];
        row.map(|cell| cell.muted_if(item.state == ItemState::Missing)).into()
    };
    let columns = vec![
        Column::words("Item", 5),
        Column::words("Criterion", 5),
        Column::words("Known", 4),
        Column::words("State", 2),
        Column::number("Points"),
    ];
    Table::new(Layout::Wide, columns, items.iter().map(row).collect())
}

fn bands(score: &Score) -> Table {
    let row = |band: &ScoreBand| {
        let here = score.band().is_some_and(|found| found == band);
        let points = if band.lowest == band.highest {
            band.lowest.to_string()
        } else {
            format!("{}–{}", band.lowest, band.highest)
        };
        vec![
            Cell::new(points).strong_if(here).noted(here.then_some("points lie here")),
            Cell::new(band.label.as_str()),
            Cell::new(band.published_cohorts.join("; ")),
        ]
    };
    let columns = vec![Column::words("Points", 2), Column::words("Name", 2), Column::words("Published cohorts", 7)];
    let caption = format!("Bands; figures are of a {PUBLISHED_COHORT_NOTE}");
    Table::new(Layout::Wide, columns, score.bands.iter().map(row).collect()).captioned(caption)
}

/// What came of a score.
fn result_words(score: &Score) -> String {
    let most: u32 = score.items.iter().map(|item| item.highest_points).sum();
    match &score.result {
        ScoreResult::Computed { points } => format!("{points} of {most} points"),
        ScoreResult::NotComputable { missing, lowest, highest } => {
            let range = if lowest == highest {
                format!("{} from what is known", counted(u64::from(*lowest), "point"))
            } else {
                format!("between {lowest} and {highest} of {most} points")
            };
            format!("Not computable, {range}. Missing: {}", missing.join(", "))
        }
        ScoreResult::NotApplicable { reason } => format!("Not applicable: {reason}"),
        ScoreResult::Checklist { met, not_met, missing } => {
            format!("Checklist, not summed up: {met} met, {not_met} not met, {missing} missing")
        }
    }
}

/// Points of an item; a dash where it gives none.
fn points_words(item: &ScoreItem) -> String {
    match item.points {
        Some(points) => format!("{points} of {}", item.highest_points),
        None if item.state == ItemState::Missing && item.highest_points > 0 => format!("0–{}", item.highest_points),
        None => "–".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::{Bearing, EarlierValue, Statement};

    #[test]
    fn bearings_are_grouped_by_direction_and_earlier_values_listed() {
        let bearing =
            |statement, direction| Bearing { statement, direction, rule: String::new(), source: String::new() };
        let mut item = EvidenceItem {
            code: "ldh".into(),
            name: "LDH".into(),
            value_text: "840 U/L".into(),
            value: Some(840.0),
            unit: Some("U/L".into()),
            reference: None,
            flag: Some(Flag::High),
            collected_at: None,
            bearings: vec![
                bearing(Statement::RenalInvolvement, Direction::Neutral),
                bearing(Statement::MechanicalHemolysis, Direction::Supports),
                bearing(Statement::ComplementActivation, Direction::Supports),
            ],
            earlier: vec![EarlierValue { value_text: "300 U/L".into(), collected_at: Some("2025-01-02".into()) }],
            notes: Vec::new(),
        };
        let expected = "supports Mechanical hemolysis, Complement activation;\nsays nothing about Renal involvement";
        assert_eq!(bearing_words(&item), expected);
        assert_eq!(earlier_words(&item).as_deref(), Some("Earlier: 300 U/L (2025-01-02)"));
        item.bearings.clear();
        assert_eq!(bearing_words(&item), "–");
    }

    #[test]
    fn a_score_says_what_came_out_and_what_is_missing() {
        let item = ScoreItem {
            name: "platelets".into(),
            criterion: String::new(),
            value: None,
            state: ItemState::Missing,
            points: None,
            highest_points: 2,
        };
        let missing = vec!["INR".to_owned(), "MCV".to_owned()];
        let not_computable = |lowest, highest| ScoreResult::NotComputable { missing: missing.clone(), lowest, highest };
        for (result, words) in [
            (ScoreResult::Computed { points: 3 }, "3 of 4 points"),
            (not_computable(1, 3), "Not computable, between 1 and 3 of 4 points. Missing: INR, MCV"),
            (not_computable(1, 1), "Not computable, 1 point from what is known. Missing: INR, MCV"),
            (
                ScoreResult::Checklist { met: 1, not_met: 2, missing: 4 },
                "Checklist, not summed up: 1 met, 2 not met, 4 missing",
            ),
        ] {
            let score = Score {
                name: "DIC".into(),
                version: String::new(),
                estimates: String::new(),
                applicability: String::new(),
                conditions: Vec::new(),
                items: vec![item.clone(), item.clone()],
                result,
                bands: Vec::new(),
                caveats: Vec::new(),
                source: String::new(),
            };
            assert_eq!(result_words(&score), words);
        }
    }
}
