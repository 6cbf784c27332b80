//! What a message of a signed case says beside the result: the software's own result before the review, how many cells were read
//! and as what, and the second reading.
//!
//! They stand behind the other observations, so that these keep their places from the preliminary message to the corrected one.

use super::codes::ObservationName as Name;
use super::observation::{Observation, Unit, Value, coded, state_code};
use crate::case::{ReviewRecord, State};

/// Note beside each value of the software.
const BEFORE_REVIEW: &str = "The software's own result, before the review.";

/// The further observations.
pub(super) fn observations(review: &ReviewRecord, of: impl Fn(Name, Value) -> Observation) -> Vec<Observation> {
    let software = &review.software.count;
    let assessable = software.state != State::NotAssessable && software.red_cells > 0;
    let cells = |cells: u64| Value::Count(Some(cells), Unit::Cells);
    let own = [
        (Name::SoftwarePercent, Value::Percent(software.percent.filter(|_| assessable))),
        (Name::SoftwareState, coded(Some(state_code(software.state)))),
        (Name::SoftwareSchistocytes, Value::Count(assessable.then_some(software.schistocytes), Unit::Cells)),
        (Name::SoftwareRedCells, cells(software.red_cells)),
    ];
    let own = own.map(|(name, value)| Observation { notes: vec![BEFORE_REVIEW.to_owned()], ..of(name, value) });
    let read = &review.cells;
    let read = [
        (Name::CellsRead, read.read, "Cells that the signer's reading covers."),
        (Name::CellsUndecided, read.undecided, "In the upper limit alone."),
        (Name::CellsNotAssessable, read.not_assessable, "They left the count."),
        (Name::CellsAdded, read.added, "The program had not found them."),
        (Name::CellsIncluded, read.included, "The program had left them out."),
        (Name::CellsUnread, read.unread, "From the threshold of review on; the interval is open for them."),
    ];
    let read = read.map(|(name, number, note)| Observation { notes: vec![note.to_owned()], ..of(name, cells(number)) });
    let second = review.second_reading.iter().flat_map(|agreement| {
        let note = format!("Of {} cells that both read; schistocyte against all else.", agreement.cells);
        [
            Observation { notes: vec![note], ..of(Name::ReaderKappa, Value::Ratio(agreement.kappa)) },
            of(Name::SecondPercent, Value::Percent(agreement.second_percent)),
        ]
    });
    own.into_iter().chain(read).chain(second).collect()
}
