//! What a reviewer looks at: the pictures of the cells, and the fields that they are of.
//!
//! Called schistocytes come first, then the near misses, each likeliest first: to accept or refuse each call, and to find
//! what the model missed. A near miss is a counted cell that is called another class with a probability from the card's
//! threshold for review up to the operating point. Ties of probability keep the order of fields and cell numbers.

use std::io;

use super::counted::exclusion_table;
use super::model::{Block, Cell, Column, Extent, Layout, Section, Table, Tile, left_out};
use super::values::{UNKNOWN, count, counted, percent, plain, plain_or_unknown, probability, range, share_percent};
use super::words::measure_words;
use crate::case::{Case, CaseRecord, FieldRecord, PicturedCell, QualityFigure};
use crate::smear::ExclusionReason;

/// Section of the called schistocytes.
pub(crate) fn called(case: &Case, extent: &Extent) -> Section {
    let called = case.fields.called();
    let (all, shown) = (called.len(), called.len().min(extent.called));
    let mut blocks = vec![match (all, shown) {
        (0, _) if case.record.review.is_some() => Block::text("The software called no cell a schistocyte."),
        (0, _) => Block::text("No cell was counted as a schistocyte."),
        (all, shown) => {
            let cells = counted(all as u64, "cell");
            let left_out = match all - shown {
                0 => String::new(),
                rest => format!(
                    " The {} likeliest of {cells} are shown; the other {} are in the page (html).",
                    count(shown as u64),
                    count(rest as u64)
                ),
            };
            Block::note(format!("{cells}, by falling probability, each with its place.{left_out}"))
        }
    }];
    blocks.extend(tiles(case, called, extent.called));
    let uncounted = case.fields.uncounted_schistocytes();
    if uncounted > 0 {
        let text = format!("Further objects with this call, excluded and not counted: {}.", count(uncounted));
        blocks.push(Block::note(text));
    }
    let title = match case.record.review {
        Some(_) => "Cells that the software called schistocyte",
        None => "Cells counted as schistocytes",
    };
    Section::new("gallery", title, blocks)
}

/// Section of the near misses.
///
/// # Errors
/// The fields cannot be read.
pub(crate) fn near_misses(case: &Case, extent: &Extent) -> io::Result<Section> {
    let near = match case.record.provenance.model.review_operating_point {
        Some(review) => case.fields.near_misses(review)?,
        None => Vec::new(),
    };
    let words = near_misses_words(&case.record, near.len(), near.len().min(extent.near_misses));
    let blocks = std::iter::once(Block::note(words)).chain(tiles(case, near, extent.near_misses)).collect();
    Ok(Section::new("near-misses", "Near misses", blocks))
}

/// What the near misses are, how many there are and how many of them are shown.
fn near_misses_words(record: &CaseRecord, all: usize, shown: usize) -> String {
    let model = &record.provenance.model;
    let Some(review) = model.review_operating_point else {
        return "The card of the model states no threshold for review: which cells it nearly called is not known."
            .to_owned();
    };
    let range = format!("probability from {} up to {}", probability(review), probability(model.operating_point));
    let left_out = match all - shown {
        0 => String::new(),
        rest => format!(" The {} likeliest are shown, {} more are left out.", count(shown as u64), count(rest as u64)),
    };
    match all {
        0 => format!("No counted cell was nearly called a schistocyte ({range})."),
        _ => format!(
            "{} counted as another class and nearly called a schistocyte ({range}), by falling probability.{left_out}",
            counted(all as u64, "cell")
        ),
    }
}

fn tiles(case: &Case, cells: Vec<PicturedCell>, most: usize) -> Option<Block> {
    let readings = case.record.found_readings();
    let tile = |cell: PicturedCell| {
        let read_as = readings.get(&(cell.field_index, cell.cell_id)).map(ToString::to_string);
        let read_words = read_as.as_ref().map(|read_as| format!(", read as {read_as}")).unwrap_or_default();
        let (field_number, cell_number) = (cell.field_index + 1, cell.cell_id.0);
        let probability = probability(cell.call.schistocyte_probability.value());
        Tile {
            field_number,
            field: case.record.fields[cell.field_index].field.clone(),
            cell_number,
            label: format!(
                "Cell {cell_number} of field {field_number}, schistocyte probability {probability}{read_words}"
            ),
            probability,
            read_as,
            file: None,
            cell,
        }
    };
    let tiles: Vec<Tile> = cells.into_iter().take(most).map(tile).collect();
    (!tiles.is_empty()).then_some(Block::Tiles { tiles })
}

/// Section of the fields.
pub(crate) fn fields(case: &Case, extent: &Extent) -> Section {
    let record = &case.record;
    let mut blocks = Vec::new();
    if record.fields.is_empty() {
        blocks.push(Block::text("No field was read."));
    } else {
        blocks.push(Block::note(summary(record)));
        blocks.extend(own_numbers_words(record).map(Block::note));
        blocks.push(Block::Table(index(&record.fields, extent)));
        if extent.field_pictures {
            blocks.push(Block::Legend { lines: legend(case) });
            blocks.push(Block::Fields);
        } else {
            let text =
                "The pictures of the fields are on the page (html), and among the files of the format `pictures`.";
            blocks.push(Block::note(text));
        }
    }
    Section::new("fields", "Fields", blocks)
}

/// That the numbers of the fields are not those of the reviewed count; nothing where they are.
fn own_numbers_words(record: &CaseRecord) -> Option<&'static str> {
    record.review.as_ref()?;
    let sum = |of: fn(&FieldRecord) -> u64| record.fields.iter().map(of).sum::<u64>();
    let same = sum(|field| field.schistocytes) == record.count.schistocytes
        && sum(|field| field.red_cells) == record.count.red_cells;
    (!same).then_some("Red cells and schistocytes of a field are the software's own numbers, before the review.")
}

/// How many fields were accepted, and how often each quality limit was not met.
fn summary(record: &CaseRecord) -> String {
    let accepted = record.fields.iter().filter(|field| field.accepted).count();
    let mut missed: Vec<(&str, u64)> = Vec::new();
    for measure in record.fields.iter().flat_map(|field| &field.quality).filter(|measure| !measure.accepted) {
        match missed.iter_mut().find(|(name, _)| *name == measure.name) {
            Some((_, fields)) => *fields += 1,
            None => missed.push((&measure.name, 1)),
        }
    }
    let missed: Vec<String> = missed
        .into_iter()
        .map(|(name, fields)| format!("{} in {}", measure_words(name), counted(fields, "field")))
        .collect();
    format!(
        "{}: {} accepted, {} refused.{}",
        counted(record.fields.len() as u64, "field"),
        count(accepted as u64),
        count((record.fields.len() - accepted) as u64),
        if missed.is_empty() { String::new() } else { format!(" Limits not met: {}.", missed.join(", ")) }
    )
}

/// Every field where there is room; otherwise the refused ones first, because their reasons matter most.
fn index(fields: &[FieldRecord], extent: &Extent) -> Table {
    let mut numbered: Vec<(usize, &FieldRecord)> = (1..).zip(fields).collect();
    if numbered.len() > extent.rows {
        numbered.sort_by_key(|(_, field)| field.accepted);
    }
    let rows = numbered.into_iter().take(extent.rows).map(|(number, field)| {
        let row = [
            Cell::new(number.to_string()),
            Cell { link: Some(format!("#field-{number}")), ..Cell::new(field.field.as_str()) },
            Cell::new(verdict(field)).noted(field.refusals.iter().cloned()),
            Cell::new(count(field.red_cells)),
            Cell::new(count(field.schistocytes)),
            Cell::new(count(field.exclusions.values().sum())),
        ];
        row.map(|cell| cell.muted_if(!field.accepted)).into()
    });
    let columns = vec![
        Column::number("No."),
        Column::words("Field", 3),
        Column::words("Quality", 4),
        Column::number("Red cells"),
        Column::number("Schistocytes"),
        Column::number("Excluded"),
    ];
    let rows = rows.collect();
    let left_out = left_out(fields.len(), extent.rows, "field");
    Table { row_heading: 1, left_out, ..Table::new(Layout::Long, columns, rows) }
}

/// Whether a field is in the count, in one word.
pub(crate) fn verdict(field: &FieldRecord) -> &'static str {
    if field.accepted { "accepted" } else { "refused" }
}

/// Lines of the outlines, as far as they occur.
fn legend(case: &Case) -> Vec<(String, String)> {
    let own = [
        ("schistocyte", "called schistocyte, with its number"),
        ("counted near", "near miss, nearly called a schistocyte"),
        ("counted", "other counted red cell"),
    ];
    let reasons = ExclusionReason::ALL.into_iter().filter(|&reason| case.fields.has_excluded(reason));
    let excluded =
        reasons.map(|reason| (format!("excluded {}", reason.name()), format!("excluded: {}", reason.describe())));
    own.map(|(line, words)| (line.to_owned(), words.to_owned())).into_iter().chain(excluded).collect()
}

/// The tables beside the picture of a field.
pub(crate) fn field_tables(record: &FieldRecord) -> Vec<Table> {
    let quality = (!record.quality.is_empty()).then(|| quality(&record.quality));
    let exclusions = (!record.exclusions.is_empty()).then(|| exclusion_table(&record.exclusions));
    std::iter::once(facts(record)).chain(quality).chain(exclusions).collect()
}

fn facts(record: &FieldRecord) -> Table {
    let share = share_percent(record.schistocytes, record.red_cells);
    let share = share.map(|share| format!(" ({})", percent(share))).unwrap_or_default();
    let size = record.um_per_px.map_or_else(|| UNKNOWN.to_owned(), |size| format!("{} µm", plain(size)));
    let rows = vec![
        ("Red cells", Cell::new(count(record.red_cells))),
        ("Schistocytes", Cell::new(count(record.schistocytes) + &share)),
        ("Size", Cell::new(format!("{} × {} px", record.width_px, record.height_px))),
        ("Pixel size", Cell::new(size).noted(record.um_per_px_source.map(|source| source.describe()))),
    ];
    Table::facts("Field", rows)
}

fn quality(measures: &[QualityFigure]) -> Table {
    let rows = measures.iter().map(|measure| {
        let result = match (measure.value, measure.accepted) {
            (None, _) => "not measured",
            (Some(_), true) => "met",
            (Some(_), false) => "not met",
        };
        vec![
            Cell::new(measure_words(&measure.name)),
            Cell::new(plain_or_unknown(measure.value)),
            Cell::new(range(measure.min, measure.max)),
            Cell::new(result).strong_if(!measure.accepted),
        ]
    });
    let columns = vec![
        Column::words("Quality", 3),
        Column::number("Value"),
        Column::number("Limits"),
        Column::words("Result", 2),
    ];
    Table::new(Layout::Facts, columns, rows.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_measure_that_could_not_be_taken_is_not_said_to_meet_its_limits() {
        let result = |value, accepted| {
            let measure = QualityFigure { name: "focus_per_um".into(), value, min: Some(0.6), max: None, accepted };
            serde_json::to_string(&quality(&[measure]).rows[0][3]).expect("plain text")
        };
        assert!(result(None, true).contains("\"not measured\""), "{}", result(None, true));
        assert!(result(Some(0.7), true).contains("\"met\""));
        assert!(result(Some(0.5), false).contains("\"not met\""));
    }
}
