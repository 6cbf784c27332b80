//! How much of a long case is printed, so that the report keeps to its pages.
//!
//! METHOD: a sheet has no scroll bar. The report is laid out with the widest [`Room`] first and with the next one while
//! it takes more than [`MOST_PAGES`]; every list that is cut says how many are left out and where they are. The last
//! room is so narrow that no case can exceed the pages.

/// Pages that a report may take.
pub(super) const MOST_PAGES: usize = 4;

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
    /// Items of a block of evidence, a score or a comparison.
    pub(super) items: usize,
    /// Characters of a name.
    pub(super) name: usize,
    /// Characters of a sentence.
    pub(super) sentence: usize,
}

/// From the widest to the narrowest.
pub(super) const ROOMS: [Room; 6] = [
    Room { tiles: 40, fields: 40, inputs: 40, entries: 40, items: 60, name: 80, sentence: 600 },
    Room { tiles: 30, fields: 20, inputs: 20, entries: 16, items: 40, name: 60, sentence: 300 },
    Room { tiles: 20, fields: 10, inputs: 8, entries: 8, items: 12, name: 40, sentence: 160 },
    Room { tiles: 10, fields: 5, inputs: 4, entries: 4, items: 6, name: 30, sentence: 90 },
    Room { tiles: 5, fields: 3, inputs: 2, entries: 3, items: 4, name: 20, sentence: 60 },
    Room { tiles: 3, fields: 2, inputs: 1, entries: 2, items: 2, name: 16, sentence: 36 },
];

/// A text of at most `most` characters: the middle of a longer one gives way to an ellipsis.
pub(super) fn shortened(text: &str, most: usize) -> String {
    let length = text.chars().count();
    if length <= most {
        return text.to_owned();
    }
    let kept = most.saturating_sub(1);
    let head = kept.div_ceil(2);
    let begin: String = text.chars().take(head).collect();
    let end: String = text.chars().skip(length - (kept - head)).collect();
    format!("{begin}…{end}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_keep_both_ends() {
        assert_eq!(shortened("field-0001.jpg", 14), "field-0001.jpg");
        assert_eq!(shortened("field-0001.jpg", 9), "fiel….jpg");
        assert_eq!(shortened("äöüß", 3), "ä…ß");
        assert_eq!(shortened("abc", 1), "…");
    }

    #[test]
    fn rooms_only_narrow() {
        for pair in ROOMS.windows(2) {
            let sizes = |room: &Room| {
                [room.tiles, room.fields, room.inputs, room.entries, room.items, room.name, room.sentence]
            };
            assert!(sizes(&pair[0]).iter().zip(sizes(&pair[1])).all(|(wide, narrow)| *wide > narrow));
        }
    }
}
