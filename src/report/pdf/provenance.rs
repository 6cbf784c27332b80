//! Provenance in the words of the sheet: program, model, options, inputs with their checksums.

use super::content::{cut, more};
use super::room::Room;
use super::sheet::{Block, Cell, Column, Head, Section, Table};
use crate::case::CaseRecord;
use crate::report::figures::{plain, plain_or_unknown};
use crate::report::words::{class_healthy_list, healthy_words, option_words, rate_words};

/// Last section of the document.
pub(super) fn provenance(record: &CaseRecord, room: &Room) -> Section {
    let columns = vec![
        Column { width: 1, blocks: vec![Block::Table(program(record)), Block::Table(options(record, room))] },
        Column { width: 1, blocks: vec![Block::Table(model(record))] },
    ];
    let mut blocks = vec![Block::Columns { columns }];
    if !record.provenance.inputs.is_empty() {
        blocks.push(Block::Table(inputs(record, room)));
    }
    Section { title: "Provenance".to_owned(), new_page: false, blocks }
}

fn named(title: &str, rows: Vec<(String, String)>, note: Option<String>) -> Table {
    let cells = |(name, value): (String, String)| vec![Cell::new(name).muted_if(true), Cell::new(value)];
    Table {
        caption: None,
        columns: vec![Head::words(title, 2), Head::words("Value", 3)],
        rows: rows.into_iter().map(cells).collect(),
        note,
        small: false,
    }
}

fn owned<const N: usize>(rows: [(&str, String); N]) -> Vec<(String, String)> {
    rows.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn program(record: &CaseRecord) -> Table {
    let provenance = &record.provenance;
    let rows = owned([
        ("Software", format!("{} {}", provenance.software, provenance.software_version)),
        ("Method", provenance.method_version.clone()),
        ("Record", record.schema_version.clone()),
        ("Engine", provenance.engine.clone()),
        ("Cell detector", format!("{} {}", provenance.detector.name, provenance.detector.version)),
        ("Detector SHA-256", provenance.detector.sha256.clone()),
    ]);
    named("Program", rows, None)
}

fn model(record: &CaseRecord) -> Table {
    let model = &record.provenance.model;
    let mut rows = owned([
        ("Name", format!("{} {}", model.name, model.version)),
        ("Operating point", plain(model.operating_point)),
        ("Threshold for review", plain_or_unknown(model.review_operating_point)),
        ("Sensitivity", rate_words(model.sensitivity, model.sensitivity_cells)),
        ("Specificity", rate_words(model.specificity, model.specificity_cells)),
    ]);
    rows.extend(model.measured_on.clone().map(|cells| ("Both measured on".to_owned(), cells)));
    rows.extend(owned([
        ("Called schistocyte in healthy people", healthy_words(model.healthy_share.as_ref())),
        ("Called another class in them", class_healthy_list(&model.class_healthy_shares)),
        ("SHA-256", model.sha256.clone()),
    ]));
    named("Model", rows, None)
}

fn options(record: &CaseRecord, room: &Room) -> Table {
    let options = record.provenance.options.iter().map(|(name, value)| (name.clone(), option_words(value)));
    let (shown, left_out) = cut(options.collect(), room.entries);
    named("Option", shown, more(left_out, "option"))
}

fn inputs(record: &CaseRecord, room: &Room) -> Table {
    let (shown, left_out) = cut(record.provenance.inputs.iter().collect(), room.inputs);
    let rows = shown.into_iter().map(|input| vec![Cell::new(&input.file), Cell::new(&input.sha256).muted_if(true)]);
    Table {
        caption: Some("Input files in their order".to_owned()),
        columns: vec![Head::words("File", 2), Head::words("SHA-256", 3)],
        rows: rows.collect(),
        note: more(left_out, "file"),
        small: false,
    }
}
