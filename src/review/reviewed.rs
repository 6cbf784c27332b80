//! The count that follows from the readings, and the signed record.
//!
//! In: the software's record, its cells, the state of the review. Out: [`Figures`] after every reading, and with a signature the
//! record in which the reviewed count stands in place of the software's.
//!
//! METHOD: what a person reads as no schistocyte without naming a class is `uncategorised` where the program had called it
//! one, and keeps its class otherwise. Classes other than schistocyte are placed against the same floors as before, because
//! nearly all of their cells are calls.

use super::cells::{ReviewCell, ReviewCells};
use super::event::Series;
use super::state::{ReviewState, Signature};
use crate::case::{
    AgreementRecord, CaseRecord, CellKey, CellReading, ClassRecord, CountRecord, IssueSource, IssueTime,
    REVIEWED_FOOTER, ReadAs, ReadCells, Reading, ReviewRecord, Reviewer, SoftwareResult, TrailPosition,
    pixel_size_known, rounded, statement,
};
use crate::count::{
    ClassFloors, ClassShare, FieldTally, GradingTable, Likeness, Looks, MeasuredFloor, OtherShapes, Outlook, ReadTally,
    ReviewOptions, ReviewedCount,
};
use crate::smear::{CellClass, ExclusionReason, SchistocyteForm};
use crate::stats::prevalence::EstimatedRate;
use crate::stats::{Interval, Probability};

/// What the interval of a reviewed count covers.
const COVERS: &str = "the chance of counting, the suspicious cells that nobody read or that stayed undecided, and the \
     schistocytes that the program did not show to the reader. It does not cover the reader's own errors.";
/// The same where every counted cell was read.
const COVERS_ALL_READ: &str =
    "the chance of counting alone, because every counted cell was read. It does not cover the reader's own errors.";

/// What a review says now.
#[derive(Debug, Clone, PartialEq)]
pub struct Figures {
    /// The count by the readings so far.
    pub count: CountRecord,
    /// How many cells were read, and as what.
    pub cells: ReadCells,
    /// What reading on can do.
    pub outlook: Outlook,
}

/// A counted cell by what is said of it: class and form of the point, `None` where it left the count.
type Said = Option<(CellClass, Option<SchistocyteForm>)>;

/// What the software's record and the readings give together.
pub struct Reviewed<'a> {
    record: &'a CaseRecord,
    cells: &'a ReviewCells,
    state: &'a ReviewState,
    grading: Option<GradingTable>,
}

impl<'a> Reviewed<'a> {
    /// Of the software's own record (not of a signed one).
    pub fn new(
        record: &'a CaseRecord,
        cells: &'a ReviewCells,
        state: &'a ReviewState,
        grading: Option<GradingTable>,
    ) -> Self {
        Self { record, cells, state, grading }
    }

    /// What the review says now.
    pub fn figures(&self) -> Figures {
        let options = self.options();
        let tallies = self.tallies(Series::First);
        let count = ReviewedCount::of_fields(&tallies, &options);
        let places = self.accepted_places();
        let unread = self.cells.to_read().filter(|cell| self.state.reading(Series::First, &cell.key).is_none());
        let unread: Vec<(usize, bool)> =
            unread.filter_map(|cell| Some((places[cell.field as usize]?, cell.is_called()))).collect();
        Figures {
            count: CountRecord::from(&count),
            cells: self.read_cells(),
            outlook: ReviewedCount::outlook(&tallies, &unread, &options),
        }
    }

    /// Place of each field among the accepted ones.
    fn accepted_places(&self) -> Vec<Option<usize>> {
        let mut next = 0;
        let place = |accepted: bool| {
            let place = accepted.then_some(next);
            next += usize::from(accepted);
            place
        };
        self.record.fields.iter().map(|field| field.accepted).map(place).collect()
    }

    /// One for each accepted field.
    fn tallies(&self, series: Series) -> Vec<ReadTally> {
        let places = self.accepted_places();
        let mut tallies = vec![ReadTally::default(); places.iter().flatten().count()];
        let near = self.record.provenance.model.review_operating_point;
        for cell in self.cells.all() {
            let Some(tally) = places.get(cell.field as usize).copied().flatten().map(|place| &mut tallies[place])
            else {
                continue;
            };
            // A cell that the second reader was not shown counts as the first reader has it.
            let reading =
                self.state.reading(series, &cell.key).or_else(|| self.state.reading(Series::First, &cell.key));
            match reading {
                Some(reading) => add(tally, reading),
                None if cell.excluded.is_some() => {}
                None => {
                    tally.red_cells += 1;
                    tally.unread_called += u64::from(cell.is_called());
                    tally.unread_near += u64::from(near.is_some_and(|near| cell.is_near(near)));
                }
            }
        }
        for added in self.state.added() {
            let place = places.get(added.field as usize).copied().flatten();
            let reading = self.state.reading(Series::First, &CellKey::Added { number: added.number });
            if let (Some(place), Some(reading)) = (place, reading) {
                add(&mut tallies[place], reading);
            }
        }
        tallies
    }

    fn options(&self) -> ReviewOptions {
        let record = self.record;
        let tally = self.class_tally(|_| true);
        let shares = ClassShare::all(&tally, &floors(record), false);
        let film = record.film.as_ref().map_or(Likeness::Learned, |film| film.likeness);
        let looks = if record.count.sequential_95.is_some() { Looks::EveryField } else { Looks::Once };
        ReviewOptions {
            age_group: record.age_group,
            min_cells: record.count.min_cells,
            grading: self.grading.clone(),
            looks,
            film,
            sensitivity: sensitivity(record, film),
            other_shapes: OtherShapes::of(&shares, tally.red_cells()),
            forms: tally.forms,
        }
    }

    /// What is said of an object of an accepted field; `None` where it is not counted.
    fn said(&self, cell: &ReviewCell) -> Said {
        match (self.state.reading(Series::First, &cell.key), cell.excluded) {
            (Some(reading), _) => said_of(reading, cell.called, cell.form),
            (None, Some(_)) => None,
            (None, None) => cell.called.map(|class| (class, cell.form)),
        }
    }

    /// Counted cells by class and form in the accepted fields that `is_meant` answers yes of.
    fn class_tally(&self, is_meant: impl Fn(usize) -> bool) -> FieldTally {
        let counts = |field: u32| {
            self.record.fields.get(field as usize).is_some_and(|record| record.accepted) && is_meant(field as usize)
        };
        let found = self.cells.all().iter().filter(|cell| counts(cell.field)).filter_map(|cell| self.said(cell));
        let added = self.state.added().filter(|added| counts(added.field)).filter_map(|added| {
            said_of(self.state.reading(Series::First, &CellKey::Added { number: added.number })?, None, None)
        });
        found.chain(added).collect()
    }

    fn read_cells(&self) -> ReadCells {
        let mut cells = ReadCells::default();
        for (key, current) in self.state.readings(Series::First) {
            let found = self.cells.get(key);
            cells.read += 1;
            match current.reading.read_as() {
                ReadAs::Schistocyte => cells.schistocytes += 1,
                ReadAs::Other => cells.others += 1,
                ReadAs::Undecided => cells.undecided += 1,
                ReadAs::NotAssessable => cells.not_assessable += 1,
            }
            if found.is_some_and(ReviewCell::is_called) {
                match current.reading.is_schistocyte() {
                    true => cells.confirmed += 1,
                    false => cells.not_confirmed += 1,
                }
            }
            cells.added += u64::from(found.is_none());
            let counts = current.reading.read_as() != ReadAs::NotAssessable;
            cells.included += u64::from(counts && found.is_some_and(|cell| cell.excluded.is_some()));
        }
        let is_unread = |cell: &&ReviewCell| self.state.reading(Series::First, &cell.key).is_none();
        cells.unread = self.cells.to_read().filter(is_unread).count() as u64;
        cells
    }

    /// How far the second reader agrees; `None` where no cell was read by both.
    pub fn agreement(&self) -> Option<AgreementRecord> {
        let (first, second) = (self.state.readings(Series::First), self.state.readings(Series::Second));
        let mut table = [0_u64; 4];
        let mut readers: [Vec<&Reviewer>; 2] = [Vec::new(), Vec::new()];
        for (key, other) in second {
            let Some(one) = first.get(key) else { continue };
            let place = match (one.reading.is_schistocyte(), other.reading.is_schistocyte()) {
                (true, true) => 0,
                (true, false) => 1,
                (false, true) => 2,
                (false, false) => 3,
            };
            table[place] += 1;
            readers[0].push(&one.by);
            readers[1].push(&other.by);
        }
        let cells: u64 = table.iter().sum();
        let percent = |series| {
            let tally: ReadTally = self.tallies(series).iter().sum();
            let counted = tally.schistocytes + tally.unread_called;
            (tally.red_cells > 0).then(|| rounded(100.0 * counted as f64 / tally.red_cells as f64))
        };
        let alone = |readers: &[&Reviewer]| {
            let one = *readers.first()?;
            readers.iter().all(|reader| reader.name == one.name).then(|| one.clone())
        };
        (cells > 0).then(|| AgreementRecord {
            first: alone(&readers[0]),
            second: alone(&readers[1]),
            cells,
            table,
            kappa: AgreementRecord::kappa_of(table),
            first_percent: percent(Series::First),
            second_percent: percent(Series::Second),
        })
    }

    /// The record with a signature: the reviewed count in place of the software's, and everything that follows from it.
    pub fn signed(&self, signature: &Signature) -> CaseRecord {
        let figures = self.figures();
        let software = SoftwareResult { count: self.record.count.clone(), statement: self.record.statement.clone() };
        let mut record = self.record.clone();
        self.adopt_settled(&mut record, signature);
        record.statement = match record.statement.strip_prefix(&statement(&self.record.count)) {
            // What makes the film doubtful stands behind the sentences of the count and stays.
            Some(doubts) => statement(&figures.count) + doubts,
            None => statement(&figures.count),
        };
        let tally = self.class_tally(|_| true);
        let shares = ClassShare::all(&tally, &floors(&record), pixel_size_known(&record.fields));
        record.classes = shares.iter().map(|share| ClassRecord::of(share, tally.red_cells())).collect();
        self.recount_fields(&mut record);
        record.issued_at = Some(IssueTime { at: signature.at.clone(), source: IssueSource::Signed });
        record.newest_image_at = None;
        record.footer = REVIEWED_FOOTER.to_owned();
        let all_read =
            figures.cells.read > 0 && self.tallies(Series::First).iter().all(|tally| tally.read() == tally.red_cells);
        record.count = figures.count;
        record.review = Some(Box::new(ReviewRecord {
            number: signature.number,
            signed_at: signature.at.clone(),
            signed_by: signature.by.clone(),
            meaning: signature.meaning,
            comment: signature.comment.clone(),
            reopened: signature.reopened.clone(),
            software,
            cells: figures.cells,
            covers: if all_read { COVERS_ALL_READ } else { COVERS }.to_owned(),
            second_reading: self.agreement(),
            trail: TrailPosition { event: signature.event, sha256: signature.sha256.clone() },
            readings: self.listed(),
        }));
        match record.panel.clone() {
            Some(given) => record.with_panel(&given.panel, &given.scores),
            None => record,
        }
    }

    fn adopt_settled(&self, record: &mut CaseRecord, signature: &Signature) {
        let Some(settled) = &signature.settled else { return };
        record.laboratory = settled.laboratory.clone();
        let options = &mut record.provenance.options;
        options.insert("configuration_sha256".to_owned(), settled.configuration_sha256.as_str().into());
        options.insert(
            "grading".to_owned(),
            settled.grading.as_ref().map_or(serde_json::Value::Null, |table| table.name.as_str().into()),
        );
    }

    /// Red cells, schistocytes and exclusions of each field, and the exclusions of all.
    fn recount_fields(&self, record: &mut CaseRecord) {
        for (index, field) in record.fields.iter_mut().enumerate().filter(|(_, field)| field.accepted) {
            let tally = self.class_tally(|other| other == index);
            (field.red_cells, field.schistocytes) = (tally.red_cells(), tally.schistocytes());
        }
        for (key, current) in self.state.readings(Series::First) {
            let Some(cell) = self.cells.get(key) else { continue };
            let leaves = current.reading.read_as() == ReadAs::NotAssessable;
            let (from, to) = match (cell.excluded, leaves) {
                (None, true) => (None, Some(ExclusionReason::NotAssessable)),
                (Some(reason), false) => (Some(reason), None),
                _ => continue,
            };
            let Some(field) = record.fields.get_mut(cell.field as usize) else { continue };
            for exclusions in [&mut field.exclusions, &mut record.exclusions] {
                if let Some(reason) = from
                    && let Some(left) = exclusions.get_mut(&reason)
                {
                    *left = left.saturating_sub(1);
                    exclusions.retain(|_, objects| *objects > 0);
                }
                if let Some(reason) = to {
                    *exclusions.entry(reason).or_default() += 1;
                }
            }
        }
    }

    /// The first reader's readings as the record lists them.
    fn listed(&self) -> Vec<CellReading> {
        let field_name = |field: u32| self.record.fields.get(field as usize).map_or("", |field| field.field.as_str());
        let found = self.cells.all().iter().filter_map(|cell| {
            let current = self.state.readings(Series::First).get(&cell.key)?;
            Some(CellReading {
                key: cell.key,
                field: field_name(cell.field).to_owned(),
                x_px: rounded(cell.middle_px[0]),
                y_px: rounded(cell.middle_px[1]),
                called: cell.called,
                reading: current.reading,
                reason: current.reason.clone(),
            })
        });
        let added = self.state.added().filter_map(|added| {
            let key = CellKey::Added { number: added.number };
            let current = self.state.readings(Series::First).get(&key)?;
            Some(CellReading {
                key,
                field: field_name(added.field).to_owned(),
                x_px: rounded(added.x_px),
                y_px: rounded(added.y_px),
                called: None,
                reading: current.reading,
                reason: current.reason.clone(),
            })
        });
        found.chain(added).collect()
    }
}

/// One read cell more.
fn add(tally: &mut ReadTally, reading: Reading) {
    match reading.read_as() {
        ReadAs::Schistocyte => tally.schistocytes += 1,
        ReadAs::Other => tally.others += 1,
        ReadAs::Undecided => tally.undecided += 1,
        ReadAs::NotAssessable => return,
    }
    tally.red_cells += 1;
}

/// Class and form of a read cell; `None` where it leaves the count.
fn said_of(reading: Reading, called: Option<CellClass>, form: Option<SchistocyteForm>) -> Said {
    let other = || called.filter(|class| *class != CellClass::Schistocyte).unwrap_or(CellClass::Uncategorised);
    match reading.read_as() {
        ReadAs::Schistocyte => Some((CellClass::Schistocyte, reading.form().or(form))),
        ReadAs::Other => Some((reading.class().unwrap_or_else(other), None)),
        ReadAs::Undecided => Some((other(), None)),
        ReadAs::NotAssessable => None,
    }
}

/// Share of schistocytes from the review operating point on, as it may hold on a film.
///
/// METHOD: on a film unlike the learned ones, and where the card states none for the review operating point, the sensitivity at
/// the operating point stands in: it is the lesser one, because its threshold is the higher.
fn sensitivity(record: &CaseRecord, film: Likeness) -> Option<EstimatedRate> {
    let model = &record.provenance.model;
    let rate = |rate: Option<f64>, trials: Option<u64>| Some(EstimatedRate { rate: rate?, trials: trials? });
    if film >= Likeness::Unlike {
        return rate(model.unseen_sensitivity, model.unseen_sensitivity_cells);
    }
    rate(model.review_sensitivity, model.review_sensitivity_cells)
        .or_else(|| rate(model.sensitivity, model.sensitivity_cells))
}

/// The floors of the classes, as the record states them.
fn floors(record: &CaseRecord) -> ClassFloors {
    let floor = |class: CellClass| {
        let stated = record.provenance.model.class_healthy_shares.iter().find(|share| share.class == class)?;
        let share = Probability::new(stated.percent / 100.0).ok()?;
        let interval = Interval::new(stated.low / 100.0, stated.high / 100.0)?;
        Some(MeasuredFloor { share, interval, cells: stated.cells })
    };
    CellClass::ALL.map(floor)
}
