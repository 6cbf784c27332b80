//! The report for paper: A4 pages as PDF, tagged, PDF/A-2a and PDF/UA-1, fonts embedded.
//!
//! In: a finished case. Out: the bytes of one PDF; the same case gives the same bytes (no clock, no name of a machine).
//! Title, accession, review status, the fixed footer and the number of the page stand on every page. The document has as
//! many pages as it needs; lists that grow with the inputs have the limits of [`Extent::SHEETS`].
//!
//! Steps: 1. the case becomes a [`Document`]; 2. [`printable`] takes out what no font can show; 3. [`typeset`] lays the
//! template `report.typ` out over it and writes the PDF. Words are data of the template, never its source.
//!
//! METHOD: typst is used as a library because it is the one typesetter in Rust that breaks pages, repeats heads of
//! tables and writes tagged PDF/A from one description; its license is Apache-2.0 and its fonts are OFL and Bitstream
//! Vera.
//!
//! Limits: no outlines of cells and no field pictures; those are in the page. Characters without a glyph in the two
//! embedded families are shown as boxes and the report says so.

mod printable;
mod typeset;

use super::ReportError;
use super::document::{Block, Document, Extent, Section};
use crate::case::{Case, sha256_hex};
use typeset::{Asset, Typeset};

/// Extension of the file.
pub(super) const EXTENSION: &str = "pdf";

/// The template: where things stand.
const TEMPLATE: &str = include_str!("report.typ");

/// The report of a case.
///
/// # Errors
/// [`ReportError::Typeset`] where the compiler refuses the document, [`ReportError::Json`] where the record cannot be
/// written.
pub(super) fn render(case: &Case) -> Result<Vec<u8>, ReportError> {
    let mut document = Document::of(case, &Extent::SHEETS)?;
    let mut assets = pictures(case, &mut document)?;
    let mut data = serde_json::to_value(&document)?;
    if printable::make_printable(&mut data) {
        let words = format!(
            "{} stands for a character that the fonts of this document lack; the page (html) and the record (json) hold \
             the text as it was given.",
            printable::BOX
        );
        document.sections.push(Section::new("characters", "Characters", vec![Block::note(words)]));
        data = serde_json::to_value(&document)?;
        printable::make_printable(&mut data);
    }
    assets.push(Asset { name: "document.json".to_owned(), bytes: serde_json::to_vec(&data)? });
    let identity = sha256_hex(&serde_json::to_vec(&case.record)?);
    Typeset::new(TEMPLATE, assets)?.pdf(identity, document.generator, case.record.issued_at.as_ref())
}

/// The pictures of the cells, by the names that the document then bears.
fn pictures(case: &Case, document: &mut Document) -> Result<Vec<Asset>, ReportError> {
    let mut assets = Vec::new();
    let blocks = document.sections.iter_mut().flat_map(|section| &mut section.blocks);
    let tiles = blocks.flat_map(|block| match block {
        Block::Tiles { tiles } => tiles.as_mut_slice(),
        _ => &mut [],
    });
    for tile in tiles {
        if let Some(bytes) = case.fields.tile(&tile.cell)? {
            // Names come from a small set: the compiler keeps them for the life of the program.
            let name = format!("tile-{}.png", assets.len());
            tile.file = Some(format!("/{name}"));
            assets.push(Asset { name, bytes });
        }
    }
    Ok(assets)
}
