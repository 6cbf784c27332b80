//! Where the count comes from: program, model, engine, options, inputs, and the inputs that could not be read.

use super::model::{Block, Cell, Column, Extent, Layout, Section, Table, Term, left_out};
use super::values::{UNKNOWN, count, interval, percent, plain};
use crate::case::{CaseRecord, ModelProvenance, PercentInterval, Provenance};

/// Last section of every report.
pub(crate) fn provenance(record: &CaseRecord, extent: &Extent) -> Section {
    let provenance = &record.provenance;
    let mut blocks = Vec::new();
    if !record.failed_inputs.is_empty() {
        let failures = record.failed_inputs.iter().take(extent.rows);
        blocks.push(Block::heading("Inputs that could not be read"));
        let terms = failures.map(|failure| Term::new(failure.path.as_str(), failure.reason.as_str()));
        blocks.push(Block::Terms { terms: terms.collect() });
        blocks.extend(left_out(record.failed_inputs.len(), extent.rows, "input").map(Block::note));
    }
    let mut tables = vec![program(provenance, &record.schema_version), model(&provenance.model)];
    if !provenance.options.is_empty() {
        let options = provenance.options.iter().map(|(name, value)| (name.as_str(), option_words(value)));
        tables.push(Table::facts("Option", options.collect()));
    }
    blocks.push(Block::Tables { tables });
    if !provenance.inputs.is_empty() {
        blocks.push(Block::Table(inputs(provenance, extent)));
    }
    Section::new("provenance", "Provenance", blocks)
}

fn program(provenance: &Provenance, schema_version: &str) -> Table {
    let detector = &provenance.detector;
    let rows = vec![
        ("Software", Cell::new(format!("{} {}", provenance.software, provenance.software_version))),
        ("Method", Cell::new(provenance.method_version.as_str())),
        ("Record", Cell::new(schema_version)),
        ("Engine", Cell::new(provenance.engine.as_str())),
        ("Cell detector", Cell::new(format!("{} {}", detector.name, detector.version))),
        ("Detector SHA-256", Cell::code(detector.sha256.as_str())),
    ];
    Table::facts("Program", rows)
}

fn model(model: &ModelProvenance) -> Table {
    let name = |text: &str| text.to_owned();
    let review = model.review_operating_point.map_or_else(|| UNKNOWN.to_owned(), plain);
    let mut rows = vec![
        (name("Name"), Cell::new(format!("{} {}", model.name, model.version))),
        (name("Operating point"), Cell::new(plain(model.operating_point))),
        (name("Threshold for review"), Cell::new(review)),
        (name("Sensitivity"), Cell::new(rate_words(model.sensitivity, model.sensitivity_cells))),
        (name("Specificity"), Cell::new(rate_words(model.specificity, model.specificity_cells))),
    ];
    rows.extend(model.measured_on.as_deref().map(|cells| (name("Both measured on"), Cell::new(cells))));
    let healthy = model.healthy_share.as_ref();
    let healthy =
        healthy.map(|share| share_words(share.percent, [share.low, share.high], share.cells, &share.measured_on));
    let called = name("Called schistocyte in healthy people");
    rows.push((called, Cell::new(healthy.unwrap_or_else(|| UNKNOWN.to_owned()))));
    rows.extend(model.class_healthy_shares.iter().map(|share| {
        let words = share_words(share.percent, [share.low, share.high], share.cells, &share.measured_on);
        (format!("Called {} in healthy people", share.class.name()), Cell::new(words))
    }));
    rows.push((name("SHA-256"), Cell::code(model.sha256.as_str())));
    Table::facts("Model", rows)
}

fn inputs(provenance: &Provenance, extent: &Extent) -> Table {
    let inputs = provenance.inputs.iter().take(extent.rows);
    let rows = inputs.map(|input| vec![Cell::new(input.file.as_str()), Cell::code(input.sha256.as_str())]);
    let columns = vec![Column::words("File", 2), Column::words("SHA-256", 3)];
    let table = Table::new(Layout::Inputs, columns, rows.collect()).captioned("Input files in their order");
    Table { left_out: left_out(provenance.inputs.len(), extent.rows, "file"), ..table }
}

/// An error rate and the cells behind it.
fn rate_words(rate: Option<f64>, cells: Option<u64>) -> String {
    match (rate, cells) {
        (Some(rate), Some(cells)) => format!("{rate} (of {} cells)", count(cells)),
        (Some(rate), None) => rate.to_string(),
        (None, _) => UNKNOWN.to_owned(),
    }
}

/// Share of healthy people's cells that the model calls a class.
fn share_words(share: f64, [low, high]: [f64; 2], cells: u64, measured_on: &str) -> String {
    let limits = interval(PercentInterval { low, high });
    format!("{} ({limits}) of {} cells: {measured_on}", percent(share), count(cells))
}

/// Words of an option; text without the quotes of JSON.
fn option_words(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::Null => "not given".to_owned(),
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
