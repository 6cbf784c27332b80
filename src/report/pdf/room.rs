//! How many entries of long lists are printed, so that the report keeps to its pages.
//!
//! METHOD: a sheet has no scroll bar. The report is laid out with the widest [`Room`] first and with the next one while
//! it takes more than [`MOST_PAGES`] (or [`MOST_PAGES_WITH_EVIDENCE`]); every list that is cut says how many are left out and where they are. A text is never
//! cut, and neither is the list of what a score asks, of notes, and of what is missing: half a date of birth or a score
//! without its last item misleads. A case of long texts takes more pages instead.

/// Pages that a report may take before its lists are cut.
pub(super) const MOST_PAGES: usize = 4;

/// The same with evidence: values, statements, scores and the page for a patient with cancer fill two more.
pub(super) const MOST_PAGES_WITH_EVIDENCE: usize = 6;

/// Where that is found which has no room here.
pub(super) const ELSEWHERE: &str = "the page (html) and the record (json)";

/// How much is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Room {
    /// Pictures of called schistocytes.
    pub(super) tiles: usize,
    /// Rows of the table of fields.
    pub(super) fields: usize,
    /// Input files with their checksums.
    pub(super) inputs: usize,
    /// Inputs that could not be read, options, and other lists of any length.
    pub(super) entries: usize,
    /// Items of a block of evidence or of a comparison.
    pub(super) items: usize,
}

/// From the widest to the narrowest.
pub(super) const ROOMS: [Room; 6] = [
    Room { tiles: 40, fields: 40, inputs: 40, entries: 40, items: 60 },
    Room { tiles: 30, fields: 20, inputs: 20, entries: 16, items: 40 },
    Room { tiles: 20, fields: 10, inputs: 8, entries: 8, items: 12 },
    Room { tiles: 10, fields: 5, inputs: 4, entries: 4, items: 6 },
    Room { tiles: 5, fields: 3, inputs: 2, entries: 3, items: 4 },
    Room { tiles: 3, fields: 2, inputs: 1, entries: 2, items: 2 },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rooms_only_narrow() {
        for pair in ROOMS.windows(2) {
            let sizes = |room: &Room| [room.tiles, room.fields, room.inputs, room.entries, room.items];
            assert!(sizes(&pair[0]).iter().zip(sizes(&pair[1])).all(|(wide, narrow)| *wide > narrow));
        }
    }
}
