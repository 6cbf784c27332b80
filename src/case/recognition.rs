//! The notice for films whose light or stain the models do not know.
//!
//! In: the red cells found and the numbers of excluded objects of a specimen. Out: one sentence, or none.
//!
//! METHOD: where most objects were not recognized, further photographs of the same kind bring more of them and no red cells;
//! a reader who is asked for more fields photographs in vain.

use std::collections::BTreeMap;

use super::statement::grouped;
use crate::quality::MAX_UNRECOGNIZED_SHARE;
use crate::smear::ExclusionReason;

/// What is said of a film most of whose objects were not recognized; `red_cells` are the counted ones.
pub fn recognition_notice(red_cells: u64, exclusions: &BTreeMap<ExclusionReason, u64>) -> Option<String> {
    let of = |reason: ExclusionReason| exclusions.get(&reason).copied().unwrap_or(0);
    let unrecognized = || ExclusionReason::ALL.into_iter().filter(|reason| reason.is_unrecognized());
    let recognized = red_cells
        + of(ExclusionReason::FieldRefused)
        + of(ExclusionReason::UnsplittableClump)
        + of(ExclusionReason::TooLarge);
    let all: u64 = unrecognized().map(of).sum();
    if all as f64 <= MAX_UNRECOGNIZED_SHARE * (all + recognized) as f64 {
        return None;
    }
    let reason = unrecognized().max_by_key(|reason| of(*reason))?;
    let taken_for = match reason {
        ExclusionReason::WhiteCell => "white cells",
        ExclusionReason::Marking => "marks on the picture",
        ExclusionReason::Precipitate => "precipitate",
        _ => "something else than red cells",
    };
    Some(format!(
        "{} objects were taken for {taken_for}: stain or light not recognized. More photographs will not help.",
        grouped(of(reason))
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ExclusionReason::{Debris, NotRedCell, Platelet, WhiteCell};

    fn notice(red_cells: u64, exclusions: &[(ExclusionReason, u64)]) -> Option<String> {
        recognition_notice(red_cells, &exclusions.iter().copied().collect())
    }

    #[test]
    fn most_objects_taken_for_white_cells_are_named_with_their_number() {
        let text = notice(96, &[(WhiteCell, 1274), (NotRedCell, 12), (Platelet, 400)]);
        assert_eq!(
            text.as_deref(),
            Some(
                "1,274 objects were taken for white cells: stain or light not recognized. More photographs will not help."
            )
        );
    }

    #[test]
    fn half_of_the_objects_is_not_most_and_platelets_are_no_objects() {
        assert_eq!(notice(50, &[(WhiteCell, 30), (NotRedCell, 20), (Platelet, 500), (Debris, 90)]), None);
        assert!(notice(50, &[(WhiteCell, 20), (NotRedCell, 31)]).expect("most").starts_with("31 objects"));
        assert_eq!(notice(0, &[]), None);
    }
}
