//! `report.html`: the page for people, one self-contained file for screen and paper.
//!
//! In: a case. Out: its [`Document`] as HTML, with outlines over the pictures of the fields. Plots and outlines are inline
//! SVG. Accession, review status and the fixed footer are repeated on every printed page.
//!
//! A value of the count stands in an element with a `data-figure` attribute that names its field in `case.json`.
//!
//! METHOD: tiles and fields hold the pictures; they are written one after another, so that memory does not grow with
//! their number. State is never shown by color alone (word, symbol and sentence), and neither are outlines (thickness,
//! dashes, numbers), because reports are printed in grey and read by people with color vision deficiencies.
//!
//! Limits: the file grows with the number of fields (about the size of their previews and a third); the words are
//! English.

mod batch;
mod blocks;
mod overlay;
mod plots;
mod shell;

pub use batch::{BatchAbout, batch_page};
pub(crate) use blocks::symbol as state_symbol;
pub use shell::PageFrame;
use shell::data_uri;

use std::io::Write;

use maud::{Markup, html};

use super::document::{Block, Document, Extent, Section, Tile, field_tables, fields_of, verdict};
use super::error::ReportError;
use crate::case::{Case, CaseField, FieldRecord};

/// Name of the file.
pub(super) const FILE: &str = "report.html";

/// Writes the report of a case as one HTML document.
///
/// # Errors
/// The writer fails, or a field cannot be read.
pub(super) fn write(case: &Case, writer: &mut dyn Write) -> Result<(), ReportError> {
    let document = Document::of(case, &Extent::PAGE)?;
    let accession = document.accession.as_deref();
    let frame = PageFrame {
        title: format!("{} {}", document.title, accession.unwrap_or("without accession")),
        heading: document.title.to_owned(),
        about: html! { (document.specimen) @if let Some(accession) = accession { " " strong { (accession) } } },
        review: Some(&document.review),
        generator: &document.generator,
        footer: &document.footer,
        script: None,
    };
    let (before, after) = frame.halves();
    writer.write_all(before.as_bytes())?;
    document.sections.iter().try_for_each(|section| write_section(case, section, writer))?;
    Ok(writer.write_all(after.as_bytes())?)
}

fn write_section(case: &Case, section: &Section, writer: &mut dyn Write) -> Result<(), ReportError> {
    let id = section.id;
    write!(writer, "<section class=\"{id}\" aria-labelledby=\"{id}\">")?;
    write_markup(writer, &html! { h2 id=(id) { (section.title) } })?;
    for block in &section.blocks {
        match block {
            Block::Tiles { tiles } => write_tiles(case, tiles, writer)?,
            Block::Fields => write_fields(case, writer)?,
            Block::Slide(map) => {
                let fields = fields_of(&case.record.fields, map.slide);
                let slide = case.record.slides.iter().flat_map(|slides| &slides.slides).nth(map.slide);
                let jpeg = case.fields.thumbnails().get(map.slide).map(Vec::as_slice);
                let drawn = html! {
                    div.slide {
                        @if let Some(slide) = slide { (plots::slide(slide, jpeg, &fields)) }
                        @if fields.is_empty() { p { "No field was examined." } } @else { (plots::map(map)) }
                    }
                };
                write_markup(writer, &drawn)?;
            }
            block => write_markup(writer, &blocks::block(block, id))?,
        }
    }
    Ok(writer.write_all(b"</section>")?)
}

/// Sections without pictures, one after another.
pub(crate) fn sections(sections: &[Section]) -> Markup {
    html! {
        @for section in sections {
            section class=(section.id) aria-labelledby=(section.id) {
                h2 id=(section.id) { (section.title) }
                @for block in &section.blocks { (blocks::block(block, section.id)) }
            }
        }
    }
}

fn write_markup(writer: &mut dyn Write, markup: &Markup) -> Result<(), ReportError> {
    Ok(writer.write_all(markup.0.as_bytes())?)
}

fn write_tiles(case: &Case, tiles: &[Tile], writer: &mut dyn Write) -> Result<(), ReportError> {
    writer.write_all(b"<ol class=\"tiles\">")?;
    for tile in tiles {
        let jpeg = case.fields.tile(&tile.cell)?;
        write_markup(writer, &self::tile(tile, jpeg.as_deref()))?;
    }
    Ok(writer.write_all(b"</ol>")?)
}

/// A picture that leads to its cell in the field.
fn tile(tile: &Tile, jpeg: Option<&[u8]>) -> Markup {
    let (number, id) = (tile.field_number, tile.cell_number);
    html! {
        li id=(format!("tile-{number}-{id}")) {
            a href=(format!("#field-{number}-cell-{id}")) {
                @match jpeg {
                    Some(jpeg) => img src=(data_uri("image/jpeg", jpeg)) width="120" height="120" alt=(tile.label);,
                    None => span.missing { "no picture" },
                }
                span.probability { (tile.probability) }
                @if let Some(read_as) = &tile.read_as { " " span.read { "read: " (read_as) } }
                " " span.where { "cell " (id) }
                span.where.name title=(tile.field) { (number) ". " (tile.field) }
            }
        }
    }
}

fn write_fields(case: &Case, writer: &mut dyn Write) -> Result<(), ReportError> {
    let review = case.record.provenance.model.review_operating_point;
    for (index, (field, record)) in case.fields.iter().zip(&case.record.fields).enumerate() {
        write_markup(writer, &self::field(&field?, record, index + 1, review))?;
    }
    Ok(())
}

fn field(field: &CaseField, record: &FieldRecord, number: usize, review: Option<f64>) -> Markup {
    html! {
        details.field.refused[!record.accepted] id=(format!("field-{number}")) open {
            summary {
                h3.file { (number) ". " (record.field) }
                span.verdict { (verdict(record)) }
            }
            @if !record.refusals.is_empty() {
                ul.refusals { @for reason in &record.refusals { li { (reason) } } }
            }
            (picture(field, number, review))
            div.tables { @for table in field_tables(record) { div { (blocks::table(&table, "fields")) } } }
        }
    }
}

/// The photograph under its outlines; a box that is ticked shows it larger, in a frame that scrolls.
fn picture(field: &CaseField, number: usize, review: Option<f64>) -> Markup {
    html! {
        @if let Some(preview) = field.preview.as_ref().filter(|preview| preview.height_px > 0) {
            @let ratio = f64::from(preview.width_px) / f64::from(preview.height_px);
            div.zoomable {
                label.zoom { input type="checkbox"; " Larger" }
                div.frame {
                    div.picture style=(format!("--ratio:{ratio:.4};--width:{}px", preview.width_px)) {
                        img src=(data_uri("image/jpeg", &preview.jpeg)) width=(preview.width_px)
                            height=(preview.height_px) alt=(format!("Photograph of field {number}"));
                        (overlay::outlines(&field.cells, preview, number, review))
                    }
                }
            }
        } @else {
            p { "There is no picture of this field." }
        }
    }
}
