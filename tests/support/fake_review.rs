//! A made-up review of a made-up case: who signs, which cells are read as what, and the record that follows.
//!
//! Of the called cells of the accepted fields, in their order, the first is read as a burr cell, the second stays undecided, the third
//! is a helmet, the fourth is not assessable, all further ones are schistocytes, and the last `unread` are read by nobody. Near misses
//! are read as other red cells. One missed schistocyte is added to the first field.

use schistoquant::case::{
    AgreementRecord, Case, CaseField, CellKey, CellReading, CountRecord, IssueSource, IssueTime, REVIEWED_FOOTER,
    ReadAs, ReadCells, Reading, Reopening, ReviewRecord, Reviewer, SignatureMeaning, SoftwareResult, TrailPosition,
    statement,
};
use schistoquant::count::{FormTally, Likeness, Looks, OtherShapes, ReadTally, ReviewOptions, ReviewedCount};
use schistoquant::smear::{AgeGroup, CellClass, SchistocyteForm};
use schistoquant::stats::prevalence::EstimatedRate;
use schistoquant::time::Timestamp;

use super::fake_case::REVIEW;

/// What to make up.
#[derive(Clone)]
pub struct FakeReview {
    /// 1 for the first signature; each further one is a correction.
    pub number: u32,
    /// Who signs.
    pub signed_by: Reviewer,
    /// What the signer adds.
    pub comment: Option<String>,
    /// Why a correction was made.
    pub reason: String,
    /// Called cells that nobody read.
    pub unread: usize,
    /// Share of schistocytes from the threshold of review on; `None` where it is not known.
    pub sensitivity: Option<EstimatedRate>,
    /// Whether another person read, too.
    pub second_reading: bool,
}

impl Default for FakeReview {
    fn default() -> Self {
        Self {
            number: 1,
            signed_by: Reviewer { name: "Ada Reader".to_owned(), role: "hematologist".to_owned() },
            comment: Some("Seen on two fields again.".to_owned()),
            reason: "Two cells were read as the wrong class.".to_owned(),
            unread: 0,
            sensitivity: Some(EstimatedRate { rate: 0.95, trials: 400 }),
            second_reading: true,
        }
    }
}

/// A time of the made-up days.
fn time(text: &str) -> Timestamp {
    Timestamp::parse(text).expect("a time")
}

impl FakeReview {
    /// The case with its signature.
    pub fn sign(self, mut case: Case) -> Case {
        let fields: Vec<CaseField> = case.fields.iter().collect::<Result<_, _>>().expect("readable fields");
        let mut tallies: Vec<ReadTally> = Vec::new();
        let (mut readings, mut cells, mut forms) = (Vec::new(), ReadCells::default(), FormTally::default());
        let called = case.record.count.schistocytes as usize;
        let mut place = 0;
        for (index, field) in fields.iter().enumerate().filter(|(index, _)| case.record.fields[*index].accepted) {
            let mut tally = ReadTally { red_cells: case.record.fields[index].red_cells, ..ReadTally::default() };
            for cell in &field.cells {
                let reading = match cell.is_counted_schistocyte() {
                    true if place + self.unread >= called => {
                        tally.unread_called += 1;
                        cells.unread += 1;
                        forms.add(cell.form);
                        continue;
                    }
                    true => called_reading(place),
                    false if cell.is_near_miss(REVIEW) => Reading::of(ReadAs::Other),
                    false => continue,
                };
                place += usize::from(cell.is_counted_schistocyte());
                count(reading, cell.is_counted_schistocyte(), &mut tally, &mut cells);
                if reading.is_schistocyte() {
                    forms.add(reading.form().or(cell.form));
                }
                let [x_px, y_px] = cell.cell.contour.centroid();
                readings.push(CellReading {
                    key: CellKey::Found { field: index as u32, cell: cell.cell.id },
                    field: field.field.clone(),
                    x_px,
                    y_px,
                    called: cell.counted_call().map(|call| call.class),
                    reading,
                    reason: None,
                });
            }
            tallies.push(tally);
        }
        if let (Some(tally), Some(field)) = (tallies.first_mut(), fields.first()) {
            tally.red_cells += 1;
            count(Reading::of(ReadAs::Schistocyte), false, tally, &mut cells);
            cells.added += 1;
            forms.add(None);
            readings.push(CellReading {
                key: CellKey::Added { number: 1 },
                field: field.field.clone(),
                x_px: 1.0,
                y_px: 2.0,
                called: None,
                reading: Reading::of(ReadAs::Schistocyte),
                reason: Some("not outlined".to_owned()),
            });
        }
        let options = ReviewOptions {
            age_group: AgeGroup::Adult,
            min_cells: case.record.count.min_cells,
            grading: None,
            looks: Looks::Once,
            film: Likeness::Learned,
            sensitivity: self.sensitivity,
            other_shapes: OtherShapes { assessed: true, ..OtherShapes::default() },
            forms,
        };
        let reviewed = CountRecord::from(&ReviewedCount::of_fields(&tallies, &options));
        let (signed_at, reopened) = match self.number {
            1 => ("2025-01-03T10:30:00+01:00", None),
            _ => ("2025-01-04T11:45:00+01:00", Some(self.reopening())),
        };
        let record = &mut case.record;
        let schistocytes = record.classes.iter_mut().find(|class| class.class == CellClass::Schistocyte);
        let schistocytes = schistocytes.expect("every class");
        (schistocytes.cells, schistocytes.percent) = (Some(reviewed.schistocytes), reviewed.percent);
        record.review = Some(Box::new(ReviewRecord {
            number: self.number,
            signed_at: time(signed_at),
            signed_by: self.signed_by.clone(),
            meaning: SignatureMeaning::ReviewedAndReleased,
            comment: self.comment.clone(),
            reopened,
            software: SoftwareResult { count: record.count.clone(), statement: record.statement.clone() },
            cells,
            covers: "the chance of counting, the unread cells and what lies below the threshold of review.".to_owned(),
            second_reading: self.second_reading.then(agreement),
            trail: TrailPosition { event: u64::from(7 * self.number), sha256: "c".repeat(64) },
            readings,
        }));
        record.statement = statement(&reviewed);
        record.count = reviewed;
        record.issued_at = Some(IssueTime { at: time(signed_at), source: IssueSource::Signed });
        record.footer = REVIEWED_FOOTER.to_owned();
        case
    }

    fn reopening(&self) -> Reopening {
        Reopening { at: time("2025-01-04T11:00:00+01:00"), by: self.signed_by.clone(), reason: self.reason.clone() }
    }
}

/// What the called cell at a place is read as.
fn called_reading(place: usize) -> Reading {
    match place {
        0 => Reading::of_class(CellClass::Burr),
        1 => Reading::of(ReadAs::Undecided),
        2 => Reading::of_form(SchistocyteForm::Helmet),
        3 => Reading::of(ReadAs::NotAssessable),
        _ => Reading::of(ReadAs::Schistocyte),
    }
}

/// Adds a reading to the tally of its field and to the sums.
fn count(reading: Reading, was_called: bool, tally: &mut ReadTally, cells: &mut ReadCells) {
    cells.read += 1;
    match reading.read_as() {
        ReadAs::Schistocyte => {
            (tally.schistocytes, cells.schistocytes) = (tally.schistocytes + 1, cells.schistocytes + 1)
        }
        ReadAs::Other => (tally.others, cells.others) = (tally.others + 1, cells.others + 1),
        ReadAs::Undecided => (tally.undecided, cells.undecided) = (tally.undecided + 1, cells.undecided + 1),
        ReadAs::NotAssessable => {
            (tally.red_cells, cells.not_assessable) = (tally.red_cells - 1, cells.not_assessable + 1)
        }
    }
    match reading.is_schistocyte() {
        true => cells.confirmed += u64::from(was_called),
        false => cells.not_confirmed += u64::from(was_called),
    }
}

fn agreement() -> AgreementRecord {
    let table = [20, 5, 10, 15];
    AgreementRecord {
        first: Some(Reviewer { name: "Ada Reader".to_owned(), role: "hematologist".to_owned() }),
        second: Some(Reviewer { name: "Ben Second".to_owned(), role: "biologist".to_owned() }),
        cells: 50,
        table,
        kappa: AgreementRecord::kappa_of(table),
        first_percent: Some(2.25),
        second_percent: Some(2.75),
    }
}
