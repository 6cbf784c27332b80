//! Two blind readings against what the pipeline says: what was read, what became of the read schistocytes, the read
//! percentage, the forms.
//!
//! In: the accepted fields by cluster. Out: [`ReadFigures`]. The figures of detection stand with those of labels.

use std::collections::BTreeMap;

use super::cells::ReadOutcome;
use super::estimate::{ratio, share, statistic};
use super::field::{Clustered, FieldOutcome};
use super::labels::readings::{KnownTruth, Letter};
use super::record::{FormRow, ReadFigures, ReadSchistocytes};
use crate::case::rounded;
use crate::smear::SchistocyteForm;
use crate::stats::agreement::cohen_kappa;

const FORMS: usize = SchistocyteForm::ALL.len();

/// Figures of the read cells of all clusters; `unread_are_none` says that cells nobody read are no schistocytes.
pub(super) fn read_figures(clustered: &Clustered<'_>, unread_are_none: bool) -> Option<ReadFigures> {
    let clustered = clustered.with(|field| field.accepted && field.read.is_some());
    if clustered.len() == 0 {
        return None;
    }
    let clusters: Vec<Vec<&FieldOutcome>> = clustered
        .groups()
        .iter()
        .map(|fields| fields.iter().copied().filter(|field| field.accepted && field.read.is_some()).collect())
        .collect();
    let cells = || clusters.iter().flatten().flat_map(|field| field.read_cells());
    let mut consensus = BTreeMap::new();
    for cell in cells() {
        *consensus.entry(cell.consensus.name().to_owned()).or_default() += 1;
    }
    let tables: Vec<_> =
        clusters.iter().map(|fields| yes_no(fields.iter().flat_map(|field| field.read_cells()))).collect();
    let kappa = statistic(cells().count() as u64, clusters.len(), |weights| {
        let sum = |row: usize, column: usize| {
            tables.iter().zip(weights).map(|(table, &weight)| table[row][column] * u64::from(weight)).sum()
        };
        cohen_kappa(&[[sum(0, 0), sum(0, 1)], [sum(1, 0), sum(1, 1)]])
    });
    let called = share(clusters.iter().map(|fields| counts(fields)));
    let percent = |or_undecided: bool| {
        let read: f64 = clusters.iter().flatten().map(|field| read_weight(field, or_undecided)).sum();
        let counted = clusters.iter().map(|fields| counts(fields).1).sum::<u64>();
        ratio(100.0 * read, counted as f64).filter(|_| unread_are_none).map(rounded)
    };
    let differences: Vec<Vec<f64>> =
        clusters.iter().map(|fields| fields.iter().filter_map(|field| difference(field)).collect()).collect();
    let fields = differences.iter().map(|cluster| cluster.len() as u64).sum();
    let called_minus_read_percent = statistic(fields, clusters.len(), |weights| {
        let sum = |part: fn(&f64) -> f64| -> f64 {
            let of = |(cluster, &weight): (&Vec<f64>, &u32)| cluster.iter().map(part).sum::<f64>() * f64::from(weight);
            differences.iter().zip(weights).map(of).sum()
        };
        ratio(sum(|difference| *difference), sum(|_| 1.0)).filter(|_| unread_are_none)
    });
    Some(ReadFigures {
        cells: cells().count() as u64,
        consensus,
        kappa,
        schistocytes: schistocytes(cells()),
        called_minus_read_percent,
        called,
        read_percent: percent(false),
        read_or_undecided_percent: percent(true),
        forms: forms(&clusters),
    })
}

/// Both readings, sure or probable against all else: first reader in rows.
fn yes_no<'a>(cells: impl Iterator<Item = &'a ReadOutcome>) -> [[u64; 2]; 2] {
    let mut table = [[0; 2]; 2];
    for cell in cells {
        let [a, b] = cell.read.readings.map(|reading| matches!(reading.letter, Letter::Sure | Letter::Probable));
        table[usize::from(a)][usize::from(b)] += 1;
    }
    table
}

fn schistocytes<'a>(cells: impl Iterator<Item = &'a ReadOutcome>) -> ReadSchistocytes {
    let mut found = ReadSchistocytes::default();
    for cell in cells.filter(|cell| cell.consensus == KnownTruth::Schistocyte) {
        found.read += 1;
        if cell.at_frame {
            found.cut_by_frame += 1;
        } else if cell.call.is_some() {
            found.counted += 1;
        } else {
            *found.not_counted.entry(cell.outcome.name().to_owned()).or_default() += 1;
        }
    }
    found
}

/// Called schistocytes and counted cells.
fn counts(fields: &[&FieldOutcome]) -> (u64, u64) {
    fields.iter().fold((0, 0), |sum, field| (sum.0 + field.tally.schistocytes(), sum.1 + field.tally.red_cells()))
}

/// Read schistocytes of a field that the frame does not cut, by weight, perhaps with the undecided cells.
fn read_weight(field: &FieldOutcome, or_undecided: bool) -> f64 {
    let labels_used = !field.cells.is_empty();
    let counts = |cell: &&ReadOutcome| {
        !cell.at_frame
            && (cell.consensus == KnownTruth::Schistocyte || (or_undecided && cell.consensus == KnownTruth::Undecided))
    };
    field.read_cells().iter().filter(counts).map(|cell| cell.weight(labels_used)).sum()
}

/// Called less read percentage of a field; `None` without a counted cell.
fn difference(field: &FieldOutcome) -> Option<f64> {
    let (called, counted) = (field.tally.schistocytes() as f64, field.tally.red_cells() as f64);
    ratio(100.0 * (called - read_weight(field, false)), counted)
}

/// Cells of a read form by the form of the rules; the last column is "no form".
type FormTable = [[u64; FORMS + 1]; FORMS];

fn forms(clusters: &[Vec<&FieldOutcome>]) -> Vec<FormRow> {
    let table_of = |fields: &Vec<&FieldOutcome>| {
        let mut table = FormTable::default();
        for cell in fields.iter().flat_map(|field| field.read_cells()) {
            if let (Some(read), Some(rule)) = (cell.read.form(), cell.rule_form) {
                table[read.index()][rule.map_or(FORMS, SchistocyteForm::index)] += 1;
            }
        }
        table
    };
    let tables: Vec<FormTable> = clusters.iter().map(table_of).collect();
    let row = |form: SchistocyteForm| {
        let i = form.index();
        let total = |column: usize| tables.iter().map(|table| table[i][column]).sum::<u64>();
        let called = |table: &FormTable| table.iter().map(|row| row[i]).sum::<u64>();
        FormRow {
            read: form.name().to_owned(),
            by_rule: (0..FORMS).map(total).collect(),
            no_form: total(FORMS),
            recall: share(tables.iter().map(|table| (table[i][i], table[i].iter().sum()))),
            precision: share(tables.iter().map(|table| (table[i][i], called(table)))),
        }
    };
    SchistocyteForm::ALL.map(row).to_vec()
}
