//! The report for paper: two to four A4 pages as PDF, up to six with evidence, more where texts are long, tagged, PDF/A-2a and PDF/UA-1, fonts embedded.
//!
//! In: a finished case. Out: the bytes of one PDF; the same case gives the same bytes (no clock, no name of a machine).
//! Order: identity, result with its intervals, warnings, gallery of called schistocytes and of near misses; evidence, statements, scores and
//! the page for a patient with cancer, where a panel was given; classes, exclusions, fields, provenance. Title, review status, the fixed footer and the number of the page stand on every page.
//!
//! Steps: 1. [`content`] turns the case into words and tables; 2. [`printable`] takes out what no font can show;
//! 3. [`typeset`] lays the template `report.typ` out over them and writes the PDF; 4. while that takes more pages
//! than that, the steps are repeated with less [`room`] for lists; no text is ever cut. Values are data of the template, never its source.
//!
//! METHOD: typst is used as a library because it is the one typesetter in Rust that breaks pages, repeats heads of
//! tables and writes tagged PDF/A from one description; its licence is Apache-2.0 and its fonts are OFL and Bitstream
//! Vera.
//!
//! Limits: no outlines of cells and no field pictures; those are in the page. Characters without a glyph in the two
//! embedded families are shown as boxes and the report says so.

mod brief;
mod content;
mod evidence;
mod gallery;
mod printable;
mod provenance;
mod room;
mod sheet;
mod typeset;

use super::ReportError;
use super::evidence_words::CANCER_TITLE;
use crate::case::Case;
use crate::durable::sha256_hex;
use content::Draft;
use room::{MOST_PAGES, MOST_PAGES_WITH_EVIDENCE, ROOMS, Room};
use sheet::{Block, Section};
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
    // Before anything is cut, sections give up their new pages.
    let mut layouts = ROOMS.iter().flat_map(|room| [(room, Flow::NewPages), (room, Flow::RunOn)]).skip(1);
    let mut typeset = laid_out(case, &ROOMS[0], Flow::NewPages)?;
    let most_pages = if case.record.evidence.is_some() { MOST_PAGES_WITH_EVIDENCE } else { MOST_PAGES };
    while typeset.pages() > most_pages
        && let Some((room, flow)) = layouts.next()
    {
        typeset = laid_out(case, room, flow)?;
    }
    let provenance = &case.record.provenance;
    let identity = sha256_hex(&serde_json::to_vec(&case.record)?);
    let creator = format!("{} {}", provenance.software, provenance.software_version);
    typeset.pdf(identity, creator, case.record.issued_at.as_ref())
}

/// Whether the large sections begin on a new page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flow {
    NewPages,
    RunOn,
}

/// A case laid out with so much room.
fn laid_out(case: &Case, room: &Room, flow: Flow) -> Result<Typeset, ReportError> {
    let Draft { mut sheet, mut assets } = Draft::new(case, room)?;
    if flow == Flow::RunOn {
        // The page for a patient with cancer stays a page of its own.
        sheet.sections.iter_mut().for_each(|section| section.new_page &= section.title == CANCER_TITLE);
    }
    let mut value = serde_json::to_value(&sheet)?;
    if printable::make_printable(&mut value) {
        sheet.sections.push(Section {
            title: "Characters".to_owned(),
            new_page: false,
            blocks: vec![Block::note(format!(
                "{} stands for a character that the fonts of this document lack; the page (html) and the record (json) \
                 hold the text as it was given.",
                printable::BOX
            ))],
        });
        value = serde_json::to_value(&sheet)?;
        printable::make_printable(&mut value);
    }
    assets.push(Asset { name: "sheet.json".to_owned(), bytes: serde_json::to_vec(&value)? });
    Typeset::new(TEMPLATE, assets)
}
