//! The review of a signed case: the signature, both counts side by side, how many cells were read and as what, what the interval
//! covers, the agreement of a second reading, and the place in the audit trail.

use super::model::{Block, Cell, Column, Layout, Section, Table, Term, Value};
use super::signed::{comment, kappa_words, person, reason_words};
use super::values::{count, interval_or_unknown, percent_or_unknown};
use super::words::{interval_field, interval_name, state_words, time_words};
use crate::case::{AgreementRecord, CaseRecord, CountRecord, NamedInterval, ReadCells, ReviewRecord};

/// Section of the review; nothing before it is signed.
pub(crate) fn review(record: &CaseRecord) -> Option<Section> {
    let review = record.review.as_deref()?;
    let mut terms: Vec<Term> = comment(review).map(|comment| Term::new("Comment", comment)).into_iter().collect();
    terms.extend(reason_words(review).map(|words| Term::new("Reason of the correction", words)));
    terms.push(Term::new("What the interval covers", review.covers.as_str()));
    let mut tables = vec![signature(review), read_cells(&review.cells)];
    tables.extend(review.second_reading.as_ref().map(agreement));
    let blocks = vec![
        Block::Terms { terms },
        Block::Table(counts(&review.software.count, &record.count)),
        Block::Tables { tables },
    ];
    Some(Section::new("review", "Review", blocks))
}

fn signature(review: &ReviewRecord) -> Table {
    let of = |field: &str, text: String| Cell::new(Value::of(format!("review.{field}"), text));
    let rows = vec![
        (review.meaning.words(), of("signed_by", person(&review.signed_by))),
        ("Signed", of("signed_at", time_words(review.signed_at.as_str()))),
        ("Number of the signature", of("number", review.number.to_string())),
        ("Event of the audit trail", of("trail.event", review.trail.event.to_string())),
        ("SHA-256 of the event", Cell::code(review.trail.sha256.as_str())),
    ];
    Table::facts("Signature", rows)
}

/// The software's count and the reviewed one.
fn counts(software: &CountRecord, reviewed: &CountRecord) -> Table {
    let both = [("review.software.count.", software), ("count.", reviewed)];
    let row = |name: &str, field: &str, of: &dyn Fn(&CountRecord) -> String| {
        let values = both.map(|(front, record)| Cell::new(Value::of(format!("{front}{field}"), of(record))));
        std::iter::once(Cell::new(name)).chain(values).collect::<Vec<_>>()
    };
    let mut rows = vec![
        row("Schistocytes", "schistocytes", &|of| count(of.schistocytes)),
        row("Red cells", "red_cells", &|of| count(of.red_cells)),
        row("Share of red cells", "percent", &|of| percent_or_unknown(of.percent)),
        row("95 % interval", "widest_95", &|of| interval_or_unknown(of.widest_95())),
    ];
    // Each interval that one of them has.
    for (one, other) in software.intervals().into_iter().zip(reviewed.intervals()) {
        if one.limits.is_some() || other.limits.is_some() {
            let limits = |of: &NamedInterval| of.limits.map_or_else(|| "–".to_owned(), super::values::interval);
            let field = interval_field(one.name);
            let cell = |front: &str, text| Cell::new(Value::of(format!("{front}{field}"), text));
            rows.push(vec![
                Cell::new(format!("{} 95 %", interval_name(one.name))),
                cell(both[0].0, limits(&one)),
                cell(both[1].0, limits(&other)),
            ]);
        }
    }
    rows.push(row("State", "state", &|of| state_words(of.state).to_owned()));
    let columns =
        vec![Column::words("Count", 2), Column::words("Software, before review", 3), Column::words("Reviewed", 3)];
    Table::new(Layout::Facts, columns, rows).captioned("Both counts")
}

fn read_cells(cells: &ReadCells) -> Table {
    let rows = [
        ("Read", "read", cells.read),
        ("read as schistocyte", "schistocytes", cells.schistocytes),
        ("read as another red cell", "others", cells.others),
        ("undecided: in the upper limit alone", "undecided", cells.undecided),
        ("not assessable: left the count", "not_assessable", cells.not_assessable),
        ("Called and confirmed", "confirmed", cells.confirmed),
        ("Called and read as something else", "not_confirmed", cells.not_confirmed),
        ("Added by the reader", "added", cells.added),
        ("Left out by the program, counted by the reader", "included", cells.included),
        ("Not read: open in the interval", "unread", cells.unread),
    ];
    let rows = rows.map(|(name, field, cells)| {
        vec![Cell::new(name), Cell::new(Value::of(format!("review.cells.{field}"), count(cells)))]
    });
    Table::new(Layout::Facts, vec![Column::words("Cells by outcome", 1), Column::number("Cells")], rows.into())
}

fn agreement(agreement: &AgreementRecord) -> Table {
    let [both, first, second, neither] = agreement.table;
    let reader = |reader: &Option<_>| Cell::new(reader.as_ref().map_or_else(|| "several".to_owned(), person));
    let number = |cells: u64| Cell::new(count(cells));
    let share = |share: Option<f64>| Cell::new(percent_or_unknown(share));
    let rows = vec![
        ("First reader", reader(&agreement.first)),
        ("Second reader, blind", reader(&agreement.second)),
        ("Cells that both read", number(agreement.cells)),
        ("Schistocyte for both", number(both)),
        ("Schistocyte for the first alone", number(first)),
        ("Schistocyte for the second alone", number(second)),
        ("Schistocyte for neither", number(neither)),
        ("Cohen's kappa", Cell::new(Value::of("review.second_reading.kappa", kappa_words(agreement.kappa)))),
        ("Share by the first reader", share(agreement.first_percent)),
        ("Share by the second reader", share(agreement.second_percent)),
    ];
    Table::facts("Second reading", rows)
}
