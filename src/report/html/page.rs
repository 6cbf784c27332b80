//! The page: head, running head, sections in order, footer.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{classes, evidence, exclusions, fields, forms, gallery, provenance, result};
use crate::case::Case;
use crate::report::words::REVIEW_STATUS;

/// Nothing may be fetched: pictures come from the page itself, and there are no scripts.
const CONTENT_SECURITY_POLICY: &str =
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

const STYLE: &str = include_str!("style.css");

/// The report of a case as one HTML document.
pub(in crate::report) fn render(case: &Case) -> String {
    let record = &case.record;
    let accession = record.accession.as_deref();
    html! {
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
                    (evidence::evidence(record.evidence.as_ref()))
                    (gallery::gallery(case))
                    (classes::class_distribution(record))
                    (forms::forms(record))
                    (fields::fields(case))
                    (exclusions::exclusions(record))
                    (provenance::provenance(record))
                }
                footer { p { (record.footer) } }
            }
        }
    }
    .into_string()
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
