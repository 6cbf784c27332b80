//! One event of an audit trail: who did what, when, and the hash that ties it to the event before.
//!
//! Format: one JSON object in a line of UTF-8, members in the order of [`Event`], no spaces. `sha256` is that of the line
//! without this member, so that it covers the hash of the event before (`previous`) and with it every earlier event. The
//! first event has 64 zeros there.
//!
//! METHOD: a line must be written exactly as this module writes it. A byte that reads the same and stands otherwise is found
//! too.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::error::TrailFault;
use crate::case::{CellKey, Laboratory, Reading, Reviewer, SignatureMeaning};
use crate::count::GradingTable;
use crate::durable::sha256_hex;
#[cfg(test)]
use crate::smear::CellId;
use crate::time::Timestamp;

/// What stands in place of a hash before the first event.
pub const NO_EVENT: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// Names of files with the SHA-256 of their bytes.
pub type FileHashes = BTreeMap<String, String>;

/// Version of this program, which stands beside the reports that it writes.
pub const PROGRAM_VERSION: &str = env!("CARGO_PKG_VERSION");

/// Which of the two readings of a case an event belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Series {
    /// The reading that the count rests on.
    First,
    /// Another person's, who saw neither calls nor the first reading.
    Second,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Act {
    /// The review began, on these files.
    Opened {
        /// Files of the folder.
        files: FileHashes,
    },
    /// A cell was read.
    Read {
        /// Which reading.
        series: Series,
        /// The cell.
        key: CellKey,
        /// What it was read as before.
        before: Option<Reading>,
        /// What it is read as.
        reading: Reading,
        /// Why a cell counts that the program had left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// A reading was taken back; an added cell goes with it.
    TakenBack {
        /// Which reading.
        series: Series,
        /// The cell.
        key: CellKey,
        /// What it had been read as.
        before: Reading,
    },
    /// A cell was added that the program had not found.
    Added {
        /// Its number among the added cells, from 1.
        number: u32,
        /// Place of its field in the record, from 0.
        field: u32,
        /// Middle, px of the original image.
        x_px: f64,
        /// Middle, px of the original image.
        y_px: f64,
        /// What it is read as.
        reading: Reading,
        /// Why it counts.
        reason: String,
    },
    /// The reports were made again outside of the review, before a signature.
    Remade {
        /// Files of the folder.
        files: FileHashes,
    },
    /// The case was signed.
    Signed {
        /// From 1; further ones are corrections.
        number: u32,
        /// What the signature stands for.
        meaning: SignatureMeaning,
        /// What the signer adds.
        comment: Option<String>,
        /// What the laboratory settled, where the review was started with its configuration.
        settled: Option<Settled>,
    },
    /// The reports of a signature were written.
    Released {
        /// Number of the signature.
        number: u32,
        /// Files of the folder.
        files: FileHashes,
        /// Version of the program that wrote them.
        program: String,
    },
    /// A signed case was opened again.
    Reopened {
        /// Why.
        reason: String,
    },
}

/// What a configuration puts into a signed record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settled {
    /// SHA-256 of the configuration.
    pub configuration_sha256: String,
    /// The laboratory that reports.
    pub laboratory: Option<Laboratory>,
    /// Its grades.
    pub grading: Option<GradingTable>,
}

impl Act {
    /// Cell and series that it is about.
    pub fn cell(&self) -> Option<(Series, CellKey)> {
        match self {
            Self::Read { series, key, .. } | Self::TakenBack { series, key, .. } => Some((*series, *key)),
            Self::Added { number, .. } => Some((Series::First, CellKey::Added { number: *number })),
            _ => None,
        }
    }
}

/// A key of an object that the program found.
#[cfg(test)]
pub fn found(field: u32, cell: u32) -> CellKey {
    CellKey::Found { field, cell: CellId(cell) }
}

/// One event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// Number in the trail, from 1.
    pub event: u64,
    /// When, with the offset of the clock on the wall.
    pub at: Timestamp,
    /// Who; null for the program itself.
    pub by: Option<Reviewer>,
    /// What.
    pub act: Act,
    /// Hash of the event before.
    pub previous: String,
    /// Hash of this one.
    pub sha256: String,
}

/// An event without its own hash: what the hash is over.
#[derive(Serialize)]
struct Hashed<'a> {
    event: u64,
    at: &'a Timestamp,
    by: &'a Option<Reviewer>,
    act: &'a Act,
    previous: &'a str,
}

impl Event {
    /// The next event behind one with number and hash.
    ///
    /// # Errors
    /// Where a number is no number, which JSON cannot write.
    pub fn behind(
        (number, previous): (u64, &str),
        at: Timestamp,
        by: Option<Reviewer>,
        act: Act,
    ) -> Result<Self, serde_json::Error> {
        let event = number + 1;
        let sha256 = hash(&Hashed { event, at: &at, by: &by, act: &act, previous })?;
        Ok(Self { event, at, by, act, previous: previous.to_owned(), sha256 })
    }

    /// The line, with its end.
    ///
    /// # Errors
    /// As [`Event::behind`].
    pub fn line(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut line = serde_json::to_vec(self)?;
        line.push(b'\n');
        Ok(line)
    }

    /// The event of a line, checked against number and hash of the one before.
    ///
    /// # Errors
    /// [`TrailFault`] with what is wrong.
    pub fn read(line: &[u8], (number, previous): (u64, &str)) -> Result<Self, TrailFault> {
        let at = number + 1;
        let fault = |problem: &str| TrailFault::Line { line: at, problem: problem.to_owned() };
        let event: Self = serde_json::from_slice(line).map_err(|error| fault(&format!("is no event ({error})")))?;
        if event.event != at {
            return Err(fault(&format!("bears the number {}", event.event)));
        }
        if event.previous != previous {
            return Err(fault("does not follow the event before it"));
        }
        let Event { at, by, act, .. } = &event;
        let sha256 = hash(&Hashed { event: event.event, at, by, act, previous });
        if sha256.ok().as_ref() != Some(&event.sha256) {
            return Err(fault("was changed: its hash is another one"));
        }
        if event.line().ok().as_deref() != Some(line) {
            return Err(fault("was changed: it is not written as the program writes"));
        }
        Ok(event)
    }
}

fn hash(hashed: &Hashed<'_>) -> Result<String, serde_json::Error> {
    Ok(sha256_hex(&serde_json::to_vec(hashed)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::ReadAs;

    fn event() -> Event {
        let at = Timestamp::parse("2026-01-02T08:30:00.123+01:00").expect("a time");
        let by = Some(Reviewer { name: "Ada".to_owned(), role: "MLS".to_owned() });
        let reading = Reading::of(ReadAs::Schistocyte);
        let act = Act::Read { series: Series::First, key: found(0, 7), before: None, reading, reason: None };
        Event::behind((0, NO_EVENT), at, by, act).expect("plain")
    }

    #[test]
    fn a_line_reads_back_and_names_its_kind() {
        let line = event().line().expect("plain");
        let text = String::from_utf8(line.clone()).expect("UTF-8");
        assert!(
            text.contains(r#""kind":"read","series":"first","key":{"found":{"field":0,"cell":7}},"before":null"#),
            "{text}"
        );
        assert_eq!(Event::read(&line, (0, NO_EVENT)), Ok(event()));
    }

    #[test]
    fn every_changed_byte_is_found() {
        let line = event().line().expect("plain");
        for at in 0..line.len() {
            for change in [1_u8, 32] {
                let mut changed = line.clone();
                changed[at] ^= change;
                assert!(Event::read(&changed, (0, NO_EVENT)).is_err(), "byte {at}");
            }
        }
    }

    #[test]
    fn an_event_of_another_place_is_found() {
        let line = event().line().expect("plain");
        assert!(Event::read(&line, (1, NO_EVENT)).is_err());
        assert!(Event::read(&line, (0, &event().sha256)).is_err());
    }
}
