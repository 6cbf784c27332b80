//! What the reports for people say of the evidence in words, the same on the page and on the sheets.
//!
//! In: parts of an [`Evidence`](crate::evidence::Evidence). Out: short English phrases. Nothing is weighed here; a score
//! says what came out and never what that means for the patient.

use super::figures::{counted, plain};
use crate::clinical::{Flag, ItemState, Score, ScoreBand, ScoreItem, ScoreResult};
#[cfg(feature = "pdf")]
use crate::evidence::WeighedItem;
use crate::evidence::{Direction, EvidenceItem, ExposureKind, ItemReference};

/// What stands over everything that people entered or a laboratory sent.
pub(super) const EVIDENCE_LEAD: &str = "What was given with the specimen, and what published rules say of it. The items \
    are listed and not added up: there is no verdict.";

/// Title of the evidence.
pub(super) const EVIDENCE_TITLE: &str = "TMA evidence";

/// Title of the page for a patient with cancer.
pub(super) const CANCER_TITLE: &str = "Cancer-associated TMA";

/// An interval in the unit of the value: `122–222`, `≤ 1`, `≥ 70`.
pub(super) fn reference_words(reference: &ItemReference) -> String {
    match (reference.low, reference.high) {
        (Some(low), Some(high)) => format!("{}–{}", plain(low), plain(high)),
        (Some(low), None) => format!("≥ {}", plain(low)),
        (None, Some(high)) => format!("≤ {}", plain(high)),
        (None, None) => "none".to_owned(),
    }
}

/// Where a value lies against its interval.
pub(super) fn flag_words(flag: Flag) -> &'static str {
    match flag {
        Flag::Low => "low",
        Flag::Normal => "within",
        Flag::High => "high",
        Flag::Abnormal => "abnormal",
    }
}

/// Whether a value deserves a look.
pub(super) fn is_flagged(item: &EvidenceItem) -> bool {
    item.flag.is_some_and(|flag| flag != Flag::Normal)
}

/// A time as people read it: date, time, offset with spaces between them; whole minutes without their seconds.
pub(super) fn time_words(time: &str) -> String {
    let Some((date, rest)) = time.split_once('T') else { return time.to_owned() };
    let (clock, offset) = rest.find(['+', '-', 'Z']).map_or((rest, ""), |at| rest.split_at(at));
    let clock = match clock.strip_suffix(":00") {
        Some(minutes) if minutes.contains(':') => minutes,
        _ => clock,
    };
    [date, clock, offset].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

/// What an item says about statements, one line a direction: `supports` and the titles.
pub(super) fn bearing_lines(item: &EvidenceItem) -> Vec<(&'static str, String)> {
    let directions = [Direction::Supports, Direction::SpeaksAgainst, Direction::Neutral];
    let lines = directions.map(|direction| {
        let named = item.bearings.iter().filter(|bearing| bearing.direction == direction);
        let titles: Vec<&str> = named.map(|bearing| bearing.statement.title()).collect();
        (direction.words(), titles.join(", "))
    });
    lines.into_iter().filter(|(_, titles)| !titles.is_empty()).collect()
}

/// Earlier values in one line; `None` without one.
pub(super) fn earlier_words(item: &EvidenceItem) -> Option<String> {
    let values = item.earlier.iter().map(|earlier| match &earlier.collected_at {
        Some(time) => format!("{} ({})", earlier.value_text, time_words(time)),
        None => earlier.value_text.clone(),
    });
    (!item.earlier.is_empty()).then(|| format!("Earlier: {}", values.collect::<Vec<_>>().join("; ")))
}

#[cfg(feature = "pdf")]
/// Name and value of an item under a statement.
pub(super) fn weighed_words(item: &WeighedItem) -> String {
    format!("{} {}", item.name, item.value_text)
}

/// What came of a score.
pub(super) fn result_words(score: &Score) -> String {
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

/// Whether the score says nothing of this patient.
pub(super) fn is_open(score: &Score) -> bool {
    matches!(score.result, ScoreResult::NotComputable { .. } | ScoreResult::NotApplicable { .. })
}

/// Points of an item; a dash where it gives none.
pub(super) fn points_words(item: &ScoreItem) -> String {
    match item.points {
        Some(points) => format!("{points} of {}", item.highest_points),
        None if item.state == ItemState::Missing && item.highest_points > 0 => format!("0–{}", item.highest_points),
        None => "–".to_owned(),
    }
}

/// Points of a band.
pub(super) fn band_words(band: &ScoreBand) -> String {
    if band.lowest == band.highest { band.lowest.to_string() } else { format!("{}–{}", band.lowest, band.highest) }
}

/// What a patient was exposed to.
pub(super) fn exposure_words(kind: ExposureKind) -> &'static str {
    match kind {
        ExposureKind::Tumor => "tumor",
        ExposureKind::Metastasis => "metastasis",
        ExposureKind::Marrow => "bone marrow",
        ExposureKind::Drug => "drug",
        ExposureKind::OtherDrug => "drug, not in the table",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clinical::ReferenceOwner;
    use crate::evidence::{Bearing, EarlierValue, Statement};

    fn reference(low: Option<f64>, high: Option<f64>) -> String {
        reference_words(&ItemReference { low, high, owner: ReferenceOwner::Laboratory, source: String::new() })
    }

    fn item() -> EvidenceItem {
        let bearing =
            |statement, direction| Bearing { statement, direction, rule: String::new(), source: String::new() };
        EvidenceItem {
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
        }
    }

    fn score(result: ScoreResult) -> String {
        let item = ScoreItem {
            name: "platelets".into(),
            criterion: String::new(),
            value: None,
            state: ItemState::Missing,
            points: None,
            highest_points: 2,
        };
        result_words(&Score {
            name: "DIC".into(),
            version: String::new(),
            estimates: String::new(),
            applicability: String::new(),
            conditions: Vec::new(),
            items: vec![item.clone(), item],
            result,
            bands: Vec::new(),
            caveats: Vec::new(),
            source: String::new(),
        })
    }

    #[test]
    fn intervals_name_the_side_that_is_limited() {
        let words = [(Some(122.0), Some(222.0)), (None, Some(1.2)), (Some(70.0), None), (None, None)]
            .map(|(low, high)| reference(low, high));
        assert_eq!(words, ["122–222", "≤ 1.2", "≥ 70", "none"]);
    }

    #[test]
    fn times_are_spaced() {
        let words = ["2025-01-02", "2025-01-02T08:00", "2025-01-02T08:30:00+01:00", "2025-01-02T08:30:07Z"];
        let expected = ["2025-01-02", "2025-01-02 08:00", "2025-01-02 08:30 +01:00", "2025-01-02 08:30:07 Z"];
        assert_eq!(words.map(time_words), expected);
    }

    #[test]
    fn bearings_are_grouped_by_direction() {
        let expected = [
            ("supports", "Mechanical hemolysis, Complement activation".to_owned()),
            ("says nothing about", "Renal involvement".to_owned()),
        ];
        assert_eq!(bearing_lines(&item()), expected);
        assert_eq!(earlier_words(&item()).as_deref(), Some("Earlier: 300 U/L (2025-01-02)"));
    }

    #[test]
    fn a_score_says_what_came_out_and_what_is_missing() {
        assert_eq!(score(ScoreResult::Computed { points: 3 }), "3 of 4 points");
        let missing = vec!["INR".to_owned(), "MCV".to_owned()];
        assert_eq!(
            score(ScoreResult::NotComputable { missing: missing.clone(), lowest: 1, highest: 3 }),
            "Not computable, between 1 and 3 of 4 points. Missing: INR, MCV"
        );
        assert_eq!(
            score(ScoreResult::NotComputable { missing, lowest: 1, highest: 1 }),
            "Not computable, 1 point from what is known. Missing: INR, MCV"
        );
        assert_eq!(
            score(ScoreResult::Checklist { met: 1, not_met: 2, missing: 4 }),
            "Checklist, not summed up: 1 met, 2 not met, 4 missing"
        );
    }
}
