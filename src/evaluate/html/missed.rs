//! What became of the missed schistocytes, in words.
//!
//! In: their numbers by the name of the outcome, as the record holds them. Out: one phrase, the most frequent first; equal
//! numbers keep the order of the names.

use std::collections::BTreeMap;

use crate::smear::ExclusionReason;

/// How many were missed and why.
pub(super) fn missed_words(missed: &BTreeMap<String, u64>) -> String {
    let mut sorted: Vec<(&str, u64)> = missed.iter().map(|(outcome, &cells)| (outcome.as_str(), cells)).collect();
    sorted.sort_by_key(|(_, cells)| std::cmp::Reverse(*cells));
    let parts: Vec<String> =
        sorted.iter().map(|(outcome, cells)| format!("{cells} {}", outcome_words(outcome))).collect();
    format!("{} missed: {}", missed.values().sum::<u64>(), parts.join(", "))
}

fn outcome_words(outcome: &str) -> String {
    let reason = ExclusionReason::ALL.into_iter().find(|reason| reason.name() == outcome);
    match (outcome, reason) {
        ("own", _) => "called another class".to_owned(),
        ("missed", _) => "not found".to_owned(),
        ("merged", _) => "in one outline with another cell".to_owned(),
        (_, Some(ExclusionReason::FrameEdge)) => "cut by the frame".to_owned(),
        (_, Some(reason)) => format!("left out ({})", reason.describe()),
        (other, None) => other.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missed_schistocytes_are_counted_and_what_became_of_them_is_said() {
        let of = |outcomes: &[(&str, u64)]| {
            missed_words(&outcomes.iter().map(|(name, cells)| ((*name).to_owned(), *cells)).collect())
        };
        assert_eq!(
            of(&[("frame_edge", 1), ("missed", 3), ("own", 39)]),
            "43 missed: 39 called another class, 3 not found, 1 cut by the frame"
        );
        assert_eq!(
            of(&[("merged", 2), ("split", 1), ("white_cell", 2)]),
            "5 missed: 2 in one outline with another cell, 2 left out (white cell or other nucleated cell), 1 split"
        );
    }
}
