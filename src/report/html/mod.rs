//! `report.html`: the page for people, one self-contained file for screen and paper.
//!
//! Pictures are data URIs, plots and outlines inline SVG, the stylesheet inline; there is no script and a content
//! security policy forbids every request. Order: identity, result and state, warnings, gallery of called schistocytes and of
//! near misses, evidence (statements, values, scores, the page for a patient with cancer) where a panel was given, class
//! distribution, forms, slides with a map, fields with outlines and quality, what was excluded and why, provenance. Accession, review status and
//! the fixed footer are repeated on every printed page.
//!
//! Each figure of the count stands in an element with a `data-figure` attribute that names its field in `case.json`.
//! Percentages show two decimals, counts group their thousands with a comma, what is unknown reads "not available".
//!
//! METHOD: state is never shown by color alone (word, symbol and sentence), and neither are outlines (thickness, dashes,
//! numbers), because reports are printed in grey and read by people with color vision deficiencies.
//!
//! Limits: the file grows with the number of fields (about the size of their previews and a third); the words are
//! English.

mod cancer;
mod classes;
mod evidence;
mod exclusions;
mod fields;
mod forms;
mod gallery;
mod overlay;
mod page;
mod plots;
mod provenance;
mod result;
mod scores;
mod slides;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

pub(super) use page::write;

/// Name of the file.
pub(super) const FILE: &str = "report.html";

/// A picture inside the page.
fn data_uri(media_type: &str, bytes: &[u8]) -> String {
    let mut uri = format!("data:{media_type};base64,");
    BASE64_STANDARD.encode_string(bytes, &mut uri);
    uri
}
