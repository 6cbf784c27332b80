//! The state of a review: what follows from its events, one after another.
//!
//! In: the events of a trail. Out: a [`ReviewState`]. An event that cannot follow those before it is a fault: a reading of a
//! signed case, a second reading by the first reader, a reading that starts from another one than the cell has.

use std::collections::{BTreeMap, BTreeSet};

use super::error::TrailFault;
use super::event::{Act, Event, FileHashes, Series, Settled};
use crate::case::{CellKey, Reading, Reopening, Reviewer, SignatureMeaning};
use crate::time::Timestamp;

/// What a cell is read as now.
#[derive(Debug, Clone, PartialEq)]
pub struct CurrentReading {
    /// The reading.
    pub reading: Reading,
    /// Who read.
    pub by: Reviewer,
    /// Why the cell counts, where the program had not counted it.
    pub reason: Option<String>,
    /// Number of the event.
    pub event: u64,
}

/// A cell that a person added.
#[derive(Debug, Clone, PartialEq)]
pub struct AddedCell {
    /// Its number, from 1.
    pub number: u32,
    /// Place of its field in the record, from 0.
    pub field: u32,
    /// Middle, px of the original image.
    pub x_px: f64,
    /// Middle, px of the original image.
    pub y_px: f64,
}

/// A signature.
#[derive(Debug, Clone, PartialEq)]
pub struct Signature {
    /// From 1.
    pub number: u32,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: Reviewer,
    /// What it stands for.
    pub meaning: SignatureMeaning,
    /// What the signer adds.
    pub comment: Option<String>,
    /// What the laboratory settled.
    pub settled: Option<Settled>,
    /// Why the one before was superseded.
    pub reopened: Option<Reopening>,
    /// Number of its event.
    pub event: u64,
    /// Hash of its event.
    pub sha256: String,
}

/// The state of a review.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ReviewState {
    first: BTreeMap<CellKey, CurrentReading>,
    second: BTreeMap<CellKey, CurrentReading>,
    /// Number of the last event about each cell of each series, readings that were taken back included.
    touched: BTreeMap<(Series, CellKey), u64>,
    readers: BTreeMap<Series, BTreeSet<String>>,
    added: Vec<AddedCell>,
    signatures: Vec<Signature>,
    reopened: Option<Reopening>,
    released: u32,
    /// Version of the program that wrote the latest reports of a signature.
    released_by: Option<String>,
    /// Files at the opening or after the reports were made again, then those after each signature.
    files: Vec<FileHashes>,
    events: u64,
}

impl ReviewState {
    /// The state after events.
    ///
    /// # Errors
    /// [`TrailFault::Impossible`].
    pub fn after(events: &[Event]) -> Result<Self, TrailFault> {
        let mut state = Self::default();
        events.iter().try_for_each(|event| state.apply(event))?;
        Ok(state)
    }

    /// Takes the next event.
    ///
    /// # Errors
    /// [`TrailFault::Impossible`]; the state is then as before.
    pub fn apply(&mut self, event: &Event) -> Result<(), TrailFault> {
        self.check(&event.act, event.by.as_ref())
            .map_err(|problem| TrailFault::Impossible { event: event.event, problem })?;
        let by = event.by.clone().unwrap_or_else(|| Reviewer { name: String::new(), role: String::new() });
        if let Some(place) = event.act.cell() {
            self.touched.insert(place, event.event);
            self.readers.entry(place.0).or_default().insert(by.name.clone());
        }
        match event.act.clone() {
            Act::Opened { files } => self.files.push(files),
            Act::Remade { files } => {
                self.files.pop();
                self.files.push(files);
            }
            Act::Read { series, key, reading, reason, .. } => {
                // The reason of a cell that counts stays with it when it is read otherwise.
                let reason = reason.or_else(|| self.readings(series).get(&key)?.reason.clone());
                let current = CurrentReading { reading, by, reason, event: event.event };
                self.readings_mut(series).insert(key, current);
            }
            Act::TakenBack { series, key, .. } => {
                self.readings_mut(series).remove(&key);
            }
            Act::Added { number, field, x_px, y_px, reading, reason } => {
                self.added.push(AddedCell { number, field, x_px, y_px });
                let current = CurrentReading { reading, by, reason: Some(reason), event: event.event };
                self.first.insert(CellKey::Added { number }, current);
            }
            Act::Signed { number, meaning, comment, settled } => self.signatures.push(Signature {
                number,
                at: event.at.clone(),
                by,
                meaning,
                comment,
                settled,
                reopened: self.reopened.take(),
                event: event.event,
                sha256: event.sha256.clone(),
            }),
            Act::Released { number, files, program } => {
                self.released = number;
                self.released_by = Some(program);
                self.files.push(files);
            }
            Act::Reopened { reason } => self.reopened = Some(Reopening { at: event.at.clone(), by, reason }),
        }
        self.events = event.event;
        Ok(())
    }

    /// Whether an act may follow; the text says why not.
    ///
    /// # Errors
    /// Why not.
    pub fn check(&self, act: &Act, by: Option<&Reviewer>) -> Result<(), String> {
        let refused = |text: &str| Err(text.to_owned());
        let is_first = self.files.is_empty();
        match act {
            Act::Opened { .. } if is_first => return Ok(()),
            Act::Opened { .. } => return refused("the review is open already"),
            _ if is_first => return refused("the review is not open yet"),
            Act::Remade { .. } if self.signatures.is_empty() => return Ok(()),
            Act::Remade { .. } => return refused("a signed case is not made again outside of its review"),
            Act::Released { number, .. } => {
                let due = self.unreleased().map(|signature| signature.number);
                return if due == Some(*number) { Ok(()) } else { refused("no signature waits for its reports") };
            }
            _ => {}
        }
        let Some(by) = by.filter(|by| !by.name.trim().is_empty()) else { return refused("nobody is named") };
        if self.unreleased().is_some() {
            return refused("the reports of the signature are not written yet");
        }
        if let Act::Reopened { reason } = act {
            return match (self.is_signed(), reason.trim().is_empty()) {
                (true, false) => Ok(()),
                (true, true) => refused("a signed case is opened again for a reason: give one"),
                (false, _) => refused("the case is not signed"),
            };
        }
        if self.is_signed() {
            return refused("the case is signed: open it again first");
        }
        match act {
            Act::Signed { number, .. } if *number == self.signatures.len() as u32 + 1 => Ok(()),
            Act::Signed { .. } => refused("signatures are numbered one after another"),
            Act::Added { number, reason, x_px, y_px, .. } => match () {
                () if reason.trim().is_empty() => refused("a cell is added for a reason: give one"),
                () if *number != self.added.len() as u32 + 1 => refused("added cells are numbered one after another"),
                () if !(x_px.is_finite() && y_px.is_finite()) => refused("a cell has a place"),
                () => self.check_reader(Series::First, by),
            },
            Act::Read { series, key, before, .. } => match () {
                () if self.reading(*series, key) != *before => refused("the cell is not read so"),
                () if matches!(key, CellKey::Added { .. }) && before.is_none() => {
                    refused("an added cell that was taken back is added again")
                }
                () => self.check_reader(*series, by),
            },
            Act::TakenBack { series, key, before } => match self.reading(*series, key) == Some(*before) {
                true => self.check_reader(*series, by),
                false => refused("the cell is not read so"),
            },
            _ => Ok(()),
        }
    }

    /// METHOD: a person who knows one reading is not blind for the other.
    fn check_reader(&self, series: Series, by: &Reviewer) -> Result<(), String> {
        let other = if series == Series::First { Series::Second } else { Series::First };
        let read_other = self.readers.get(&other).is_some_and(|readers| readers.contains(&by.name));
        match (read_other, series) {
            (false, _) => Ok(()),
            (true, Series::Second) => {
                Err("the second reading is another person's: you read this case first".to_owned())
            }
            (true, Series::First) => Err("you are the second reader of this case, who reads blind".to_owned()),
        }
    }

    /// Whether a person may read in a series.
    ///
    /// # Errors
    /// Why not.
    pub fn may_read(&self, series: Series, by: &Reviewer) -> Result<(), String> {
        if self.is_signed() {
            Err("the case is signed: open it again first".to_owned())
        } else {
            self.check_reader(series, by)
        }
    }

    fn readings_mut(&mut self, series: Series) -> &mut BTreeMap<CellKey, CurrentReading> {
        match series {
            Series::First => &mut self.first,
            Series::Second => &mut self.second,
        }
    }

    /// The readings of a series.
    pub fn readings(&self, series: Series) -> &BTreeMap<CellKey, CurrentReading> {
        match series {
            Series::First => &self.first,
            Series::Second => &self.second,
        }
    }

    /// What a cell is read as.
    pub fn reading(&self, series: Series, key: &CellKey) -> Option<Reading> {
        self.readings(series).get(key).map(|current| current.reading)
    }

    /// Number of the last event about a cell in a series, 0 where there is none.
    pub fn touched(&self, series: Series, key: CellKey) -> u64 {
        self.touched.get(&(series, key)).copied().unwrap_or(0)
    }

    /// Names of the readers of a series.
    pub fn readers(&self, series: Series) -> impl Iterator<Item = &str> {
        self.readers.get(&series).into_iter().flatten().map(String::as_str)
    }

    /// Cells that were added and not taken back.
    pub fn added(&self) -> impl Iterator<Item = &AddedCell> {
        self.added.iter().filter(|cell| self.first.contains_key(&CellKey::Added { number: cell.number }))
    }

    /// The number of the next added cell.
    pub fn next_added(&self) -> u32 {
        self.added.len() as u32 + 1
    }

    /// The latest signature, whether it holds or was reopened.
    pub fn signature(&self) -> Option<&Signature> {
        self.signatures.last()
    }

    /// Every signature, first to last.
    pub fn signatures(&self) -> &[Signature] {
        &self.signatures
    }

    /// Whether the latest signature holds.
    pub fn is_signed(&self) -> bool {
        !self.signatures.is_empty() && self.reopened.is_none()
    }

    /// Why and by whom a signed case was opened again; `None` where it is not open again.
    pub fn reopened(&self) -> Option<&Reopening> {
        self.reopened.as_ref()
    }

    /// A signature whose reports are not written yet.
    pub fn unreleased(&self) -> Option<&Signature> {
        self.signatures.last().filter(|signature| signature.number > self.released)
    }

    /// Version of the program that wrote the reports of the latest signature; `None` without any.
    pub fn released_by(&self) -> Option<&str> {
        self.released_by.as_deref()
    }

    /// The files of the folder by the latest event that names them.
    pub fn files(&self) -> Option<&FileHashes> {
        self.files.last()
    }

    /// The files before each signature that was released, oldest first: what lies in the folders of superseded reports.
    pub fn superseded(&self) -> &[FileHashes] {
        &self.files[..self.files.len().saturating_sub(1)]
    }

    /// Number of the last event.
    pub fn events(&self) -> u64 {
        self.events
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::ReadAs;
    use crate::review::event::{NO_EVENT, PROGRAM_VERSION, found};

    struct Scribe {
        state: ReviewState,
        last: (u64, String),
    }

    impl Scribe {
        fn open() -> Self {
            let mut scribe = Self { state: ReviewState::default(), last: (0, NO_EVENT.to_owned()) };
            scribe.write(None, Act::Opened { files: FileHashes::new() }).expect("the first");
            scribe
        }

        fn write(&mut self, by: Option<&str>, act: Act) -> Result<(), String> {
            let by = by.map(|name| Reviewer { name: name.to_owned(), role: "MLS".to_owned() });
            let at = Timestamp::parse("2026-01-02T08:30:00Z").expect("a time");
            let event = Event::behind((self.last.0, &self.last.1), at, by, act).expect("plain");
            self.state.apply(&event).map_err(|fault| fault.to_string())?;
            self.last = (event.event, event.sha256);
            Ok(())
        }

        fn read(&mut self, by: &str, series: Series, cell: u32, read_as: ReadAs) -> Result<(), String> {
            let key = found(0, cell);
            let before = self.state.reading(series, &key);
            self.write(Some(by), Act::Read { series, key, before, reading: Reading::of(read_as), reason: None })
        }

        fn sign(&mut self, number: u32) -> Result<(), String> {
            let signed = Act::Signed { number, meaning: SignatureMeaning::Reviewed, comment: None, settled: None };
            self.write(Some("Ada"), signed)?;
            self.write(None, Act::Released { number, files: FileHashes::new(), program: PROGRAM_VERSION.to_owned() })
        }
    }

    #[test]
    fn the_last_reading_of_a_cell_holds() {
        let mut scribe = Scribe::open();
        scribe.read("Ada", Series::First, 1, ReadAs::Schistocyte).expect("free");
        scribe.read("Eve", Series::First, 1, ReadAs::Other).expect("free");
        let current = &scribe.state.readings(Series::First)[&found(0, 1)];
        assert_eq!((current.reading.read_as(), current.by.name.as_str(), current.event), (ReadAs::Other, "Eve", 3));
        let before = Reading::of(ReadAs::Other);
        let back = Act::TakenBack { series: Series::First, key: found(0, 1), before };
        scribe.write(Some("Eve"), back.clone()).expect("read so");
        assert_eq!(
            (scribe.state.readings(Series::First).len(), scribe.state.touched(Series::First, found(0, 1))),
            (0, 4)
        );
        assert!(scribe.write(Some("Eve"), back).expect_err("gone").contains("not read so"));
    }

    #[test]
    fn the_second_reader_is_another_person() {
        let mut scribe = Scribe::open();
        scribe.read("Ada", Series::First, 1, ReadAs::Schistocyte).expect("free");
        scribe.read("Eve", Series::Second, 1, ReadAs::Other).expect("another person");
        assert!(scribe.read("Ada", Series::Second, 1, ReadAs::Other).expect_err("knows").contains("another person"));
        assert!(scribe.read("Eve", Series::First, 2, ReadAs::Other).expect_err("blind").contains("second reader"));
    }

    #[test]
    fn a_signed_case_takes_nothing_until_it_is_reopened_for_a_reason() {
        let mut scribe = Scribe::open();
        scribe.read("Ada", Series::First, 1, ReadAs::Schistocyte).expect("free");
        scribe.sign(1).expect("numbered");
        assert!(scribe.state.is_signed());
        assert!(scribe.read("Ada", Series::First, 2, ReadAs::Other).expect_err("signed").contains("signed"));
        assert!(scribe.sign(2).is_err());
        let reopened = |reason: &str| Act::Reopened { reason: reason.to_owned() };
        assert!(scribe.write(Some("Eve"), reopened(" ")).expect_err("no reason").contains("reason"));
        scribe.write(Some("Eve"), reopened("a cell was missed")).expect("a reason");
        assert!(!scribe.state.is_signed());
        scribe.read("Ada", Series::First, 2, ReadAs::Other).expect("open again");
        assert!(scribe.sign(3).is_err());
        scribe.sign(2).expect("the next");
        let signature = scribe.state.signature().expect("signed");
        assert_eq!(signature.reopened.as_ref().map(|reopened| reopened.reason.as_str()), Some("a cell was missed"));
        assert_eq!(scribe.state.superseded().len(), 2);
    }

    #[test]
    fn cells_are_added_for_a_reason_and_taken_back_whole() {
        let mut scribe = Scribe::open();
        let added = |number, reason: &str| Act::Added {
            number,
            field: 0,
            x_px: 1.0,
            y_px: 2.0,
            reading: Reading::of(ReadAs::Schistocyte),
            reason: reason.to_owned(),
        };
        assert!(scribe.write(Some("Ada"), added(1, "")).is_err());
        assert!(scribe.write(Some("Ada"), added(2, "missed")).is_err());
        scribe.write(Some("Ada"), added(1, "missed")).expect("a reason");
        assert_eq!(scribe.state.added().count(), 1);
        let (key, before) = (CellKey::Added { number: 1 }, Reading::of(ReadAs::Schistocyte));
        scribe.write(Some("Ada"), Act::TakenBack { series: Series::First, key, before }).expect("read so");
        assert_eq!((scribe.state.added().count(), scribe.state.next_added()), (0, 2));
    }

    #[test]
    fn reports_made_again_are_noted_before_a_signature_alone() {
        let mut scribe = Scribe::open();
        let files = FileHashes::from([("case.json".to_owned(), "1".to_owned())]);
        scribe.write(None, Act::Remade { files: files.clone() }).expect("not signed");
        assert_eq!(scribe.state.files(), Some(&files));
        scribe.sign(1).expect("numbered");
        assert!(scribe.write(None, Act::Remade { files }).is_err());
    }
}
