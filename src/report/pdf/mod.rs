//! The report for paper: A4 pages as PDF, tagged, PDF/A-2a and PDF/UA-1, fonts embedded.
//!
//! In: a finished case. Out: the bytes of one PDF; the same case gives the same bytes (no clock, no name of a machine).
//! Title, accession, review status, the fixed footer and the number of the page stand on every page. The document has as
//! many pages as it needs; lists that grow with the inputs have the limits of [`Extent::SHEETS`].
//!
//! Steps: 1. the case becomes a [`Document`]; 2. [`make_printable`] takes out what no font can show; 3. [`typeset`] lays the
//! template `report.typ` out over it and writes the PDF. Words are data of the template, never its source.
//!
//! METHOD: typst is used as a library because it is the one typesetter in Rust that breaks pages, repeats heads of
//! tables and writes tagged PDF/A from one description; its license is Apache-2.0 and its fonts are OFL and Bitstream
//! Vera.
//!
//! METHOD: PDF/A-2a forbids a glyph that stands for "no such glyph" and characters of private use, so that a name in a script
//! without a font here would stop the whole report. What a font lacks is shown as a box; what has no picture is left out.
//!
//! Limits: no outlines of cells and no field pictures; those are in the page. Characters without a glyph in the two
//! embedded families are shown as boxes and the report says so.

mod typeset;

use serde_json::Value;

use super::document::{Block, Document, Extent, Section};
use super::error::ReportError;
use crate::case::Case;
use crate::durable::sha256_hex;
use typeset::{Asset, Typeset, has_glyph};

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
    if make_printable(&mut data) {
        let words = format!(
            "{} stands for a character that the fonts of this document lack; the page (html) and the record (json) hold \
             the text as it was given.",
            BOX
        );
        document.sections.push(Section::new("characters", "Characters", vec![Block::note(words)]));
        data = serde_json::to_value(&document)?;
        make_printable(&mut data);
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
            let name = format!("tile-{}.jpg", assets.len());
            tile.file = Some(format!("/{name}"));
            assets.push(Asset { name, bytes });
        }
    }
    Ok(assets)
}

/// What stands for a character without a glyph.
const BOX: char = '\u{25a1}';

/// The text as it can be printed.
fn printable(text: &str) -> String {
    text.chars().filter_map(shown).collect()
}

/// What is shown of a character.
fn shown(character: char) -> Option<char> {
    match character {
        // Any white space is a space: a line of the record is a line of the sheet.
        _ if character.is_whitespace() && character != '\u{a0}' => Some(' '),
        // Controls, marks of direction and other characters without a picture.
        _ if character.is_control() || is_invisible(character) => None,
        _ if is_private(character) || !has_glyph(character) => Some(BOX),
        _ => Some(character),
    }
}

/// Characters that only act on their neighbors: joiners, marks of direction, variation selectors, tags (Unicode 16,
/// `Default_Ignorable_Code_Point` and the blocks of specials).
fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

fn is_private(character: char) -> bool {
    matches!(character, '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..='\u{10ffff}')
}

/// Every text of a JSON value as it can be printed; gives whether a box stands anywhere.
fn make_printable(value: &mut Value) -> bool {
    match value {
        Value::String(text) => {
            *text = printable(text);
            text.contains(BOX)
        }
        Value::Array(values) => values.iter_mut().map(make_printable).fold(false, |any, found| any | found),
        Value::Object(values) => values.values_mut().map(make_printable).fold(false, |any, found| any | found),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_the_reports_are_all_printable() {
        let words = "Schistocytes 2.41 % (95 % CI 1.68–3.51); ≥ 20 µm² − 1·10⁹/L × ≤ ± “word” é Ω ж\u{a0}%";
        assert_eq!(printable(words), words);
        assert!(has_glyph(BOX));
    }

    #[test]
    fn what_has_no_glyph_is_a_box() {
        assert_eq!(printable("血 \u{1f600} \u{e001}x"), "□ □ □x");
    }

    #[test]
    fn what_has_no_picture_is_left_out() {
        assert_eq!(printable("a\u{0}b\u{7}c\u{202e}d\u{200d}e\u{fe0f}f\u{feff}"), "abcdef");
        assert_eq!(printable("two\nlines\tand\u{2028}more"), "two lines and more");
    }

    #[test]
    fn every_text_of_a_value_is_reached() {
        let mut value = serde_json::json!({"a": ["x\u{0}", {"b": "\u{1f600}"}], "n": 1, "none": null});
        assert!(make_printable(&mut value));
        assert_eq!(value, serde_json::json!({"a": ["x", {"b": "□"}], "n": 1, "none": null}));
        assert!(!make_printable(&mut serde_json::json!(["plain", 2.5])));
    }

    #[test]
    fn every_character_of_the_fonts_keeps_to_the_standards() {
        // All of them in one paragraph, so that neighbors form ligatures and stacks of marks.
        let all: String = ('\u{20}'..=char::MAX).filter(|&character| has_glyph(character)).collect();
        let text = printable(&all);
        assert!(text.chars().count() > 3_000, "{} characters", text.chars().count());
        let template = "#set document(title: \"all\")\n\
            #set text(font: (\"Libertinus Serif\", \"DejaVu Sans Mono\"))\n#json(\"/text.json\")";
        let bytes = serde_json::to_vec(&text).expect("a string");
        let sheet = Typeset::new(template, vec![Asset { name: "text.json".to_owned(), bytes }]).expect("a document");
        let pdf = sheet.pdf("all".to_owned(), "test".to_owned(), None);
        assert!(pdf.is_ok(), "{:?}", pdf.err());
    }
}
