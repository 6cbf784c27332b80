//! The report for people, before it is laid out: which statements it makes, in which words, in which order.
//!
//! In: a case and the [`Extent`] of the medium. Out: a [`Document`] of sections, which the page (`html`) and the sheets
//! (`pdf`) lay out. Every value is the record's; nothing is counted or judged here.
//!
//! Order: identity and result, the review of a signed case, warnings, called schistocytes, near misses, evidence, scores, the page for a patient with
//! cancer, classes, forms, slides, fields, exclusions, provenance.

mod counted;
mod evidence;
mod fields;
mod model;
mod plot;
mod provenance;
mod result;
mod review;
pub(crate) mod signed;
mod slides;
pub(crate) mod values;
pub(crate) mod words;

pub(crate) use fields::{field_tables, verdict};
pub(crate) use model::{
    Block, Card, Cell, Column, Document, Extent, Layout, Outcome, Pair, Section, SlideMap, Table, Term, Tile,
};
pub(crate) use plot::{IntervalPlot, Row};
pub(crate) use slides::{Placed, fields_of};

use std::io;

use crate::case::Case;

impl Document {
    /// The document of a case.
    ///
    /// # Errors
    /// The fields cannot be read.
    pub(crate) fn of(case: &Case, extent: &Extent) -> io::Result<Self> {
        let record = &case.record;
        let mut sections = result::result(record);
        sections.extend(review::review(record));
        sections.extend(result::warnings(record));
        sections.extend([fields::called(case, extent), fields::near_misses(case, extent)?]);
        if let Some(evidence) = &record.evidence {
            sections.extend([evidence::evidence(evidence), evidence::scores(&evidence.scores)]);
            sections.extend(evidence.cancer_page.as_ref().map(evidence::cancer));
        }
        sections.extend([counted::classes(record), counted::forms(record)]);
        sections.extend(slides::slides(case, extent));
        sections.extend([fields::fields(case, extent), counted::exclusions(record)]);
        sections.push(provenance::provenance(record, extent));
        let provenance = &record.provenance;
        Ok(Self {
            title: "Schistocyte count",
            specimen: if record.accession.is_some() { "Accession" } else { "No accession given" },
            accession: record.accession.clone(),
            status: signed::status_word(record.review_status()),
            review: signed::status_line(record),
            footer: record.footer.clone(),
            generator: format!("{} {}", provenance.software, provenance.software_version),
            sections,
        })
    }
}
