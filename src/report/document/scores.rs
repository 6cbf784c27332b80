//! The published scores: what each was made for, what came out, its items, and what published cohorts had. A score says what
//! came out and never what that means for the patient.

use super::model::{Block, Card, Cell, Column, Layout, Section, Table};
use super::values::counted;
use crate::clinical::{ItemState, PUBLISHED_COHORT_NOTE, SCORE_NOTE, Score, ScoreBand, ScoreItem, ScoreResult};

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
