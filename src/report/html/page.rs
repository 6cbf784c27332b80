//! The page: head, running head, sections in order, footer.

use std::io::Write;

use maud::{DOCTYPE, Markup, PreEscaped, Render, html};

use super::{classes, evidence, exclusions, fields, forms, gallery, provenance, result, slides};
use crate::case::Case;
use crate::report::ReportError;
use crate::report::words::REVIEW_STATUS;

/// Nothing may be fetched: pictures come from the page itself, and there are no scripts.
const CONTENT_SECURITY_POLICY: &str =
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

const STYLE: &str = include_str!("style.css");

/// Writes the report of a case as one HTML document.
///
/// METHOD: tiles and fields hold the pictures; they are written one after another into their places, so that memory
/// does not grow with their number.
///
/// # Errors
/// The writer fails, or a field cannot be read.
pub(in crate::report) fn write(case: &Case, writer: &mut dyn Write) -> Result<(), ReportError> {
    let frame = frame(case)?.into_string();
    let mut rest = frame.as_str();
    while let Some((before, place, after)) = next_place(rest) {
        writer.write_all(before.as_bytes())?;
        match place {
            Place::Tiles => gallery::tiles(case, writer)?,
            Place::NearMisses => gallery::near_miss_tiles(case, writer)?,
            Place::Fields => fields::each(case, writer)?,
        }
        rest = after;
    }
    Ok(writer.write_all(rest.as_bytes())?)
}

/// Where pictures are written into the frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Tiles of the gallery.
    Tiles,
    /// Tiles of the near misses.
    NearMisses,
    /// Fields.
    Fields,
}

impl Place {
    /// A comment: every `<` of a text is escaped, so that no text can hold it.
    fn comment(self) -> &'static str {
        match self {
            Self::Tiles => "<!--tiles-->",
            Self::NearMisses => "<!--near-misses-->",
            Self::Fields => "<!--fields-->",
        }
    }
}

impl Render for Place {
    fn render_to(&self, text: &mut String) {
        text.push_str(self.comment());
    }
}

/// The first place in a text, with what stands before and after it.
fn next_place(text: &str) -> Option<(&str, Place, &str)> {
    let found = |place: Place| text.find(place.comment()).map(|at| (at, place));
    let (at, place) =
        [Place::Tiles, Place::NearMisses, Place::Fields].into_iter().filter_map(found).min_by_key(|(at, _)| *at)?;
    Some((&text[..at], place, &text[at + place.comment().len()..]))
}

/// The page without tiles and fields.
fn frame(case: &Case) -> Result<Markup, ReportError> {
    let record = &case.record;
    let accession = record.accession.as_deref();
    let near_misses = gallery::near_misses(case)?;
    Ok(html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content=(CONTENT_SECURITY_POLICY);
                meta name="referrer" content="no-referrer";
                meta name="generator" content=(format!("{} {}", record.provenance.software, record.provenance.software_version));
                title { "Schistocyte count " (accession.unwrap_or("without accession")) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                (banner(accession))
                main {
                    (result::result(record))
                    (result::warnings(record))
                    (gallery::gallery(case))
                    (near_misses)
                    (evidence::evidence(record.evidence.as_ref()))
                    (classes::class_distribution(record))
                    (forms::forms(record))
                    (slides::slides(case))
                    (fields::fields(case))
                    (exclusions::exclusions(record))
                    (provenance::provenance(record))
                }
                footer { p { (record.footer) } }
            }
        }
    })
}

/// Head of the page on a screen and of every sheet on paper.
fn banner(accession: Option<&str>) -> Markup {
    html! {
        header {
            div.banner {
                div {
                    h1 { "Schistocyte count" }
                    p.accession {
                        @match accession {
                            Some(accession) => { "Accession " strong { (accession) } },
                            None => "No accession given",
                        }
                    }
                }
                p.review { (REVIEW_STATUS) }
            }
        }
    }
}
