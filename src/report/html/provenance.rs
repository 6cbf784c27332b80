//! Provenance: program, model, engine, options and inputs; inputs that could not be read.

use maud::{Markup, html};

use crate::case::{CaseRecord, InputFailure, ModelProvenance, Provenance};
use crate::report::figures::plain;
use crate::report::words::{class_healthy_words, healthy_words, option_words, rate_words};

/// Section of the provenance.
pub(super) fn provenance(record: &CaseRecord) -> Markup {
    let provenance = &record.provenance;
    html! {
        section.provenance aria-labelledby="provenance" {
            h2 #provenance { "Provenance" }
            (failures(&record.failed_inputs))
            div.tables {
                (software(provenance, &record.schema_version))
                (model(&provenance.model))
                (options(provenance))
            }
            (inputs(provenance))
        }
    }
}

fn failures(failures: &[InputFailure]) -> Markup {
    html! {
        @if !failures.is_empty() {
            h3 { "Inputs that could not be read" }
            dl.failures {
                @for failure in failures { dt { (failure.path) } dd { (failure.reason) } }
            }
        }
    }
}

fn row(name: &str, value: impl maud::Render) -> Markup {
    html! { tr { th scope="row" { (name) } td { (value) } } }
}

fn head(first: &str) -> Markup {
    html! { thead { tr { th scope="col" { (first) } th scope="col" { "Value" } } } }
}

fn software(provenance: &Provenance, schema_version: &str) -> Markup {
    html! {
        table {
            (head("Program"))
            tbody {
                (row("Software", format!("{} {}", provenance.software, provenance.software_version)))
                (row("Method", &provenance.method_version))
                (row("Record", schema_version))
                (row("Engine", &provenance.engine))
                (row("Cell detector", format!("{} {}", provenance.detector.name, provenance.detector.version)))
                (row("Detector SHA-256", html! { code { (provenance.detector.sha256) } }))
            }
        }
    }
}

fn model(model: &ModelProvenance) -> Markup {
    html! {
        table {
            (head("Model"))
            tbody {
                (row("Name", format!("{} {}", model.name, model.version)))
                (row("Operating point", plain(model.operating_point)))
                @if let Some(cut) = model.review_operating_point { (row("Threshold for review", plain(cut))) }
                (row("Sensitivity", rate_words(model.sensitivity, model.sensitivity_cells)))
                (row("Specificity", rate_words(model.specificity, model.specificity_cells)))
                @if let Some(measured_on) = &model.measured_on { (row("Both measured on", measured_on)) }
                (row("Called schistocyte in healthy people", healthy_words(model.healthy_share.as_ref())))
                @for share in &model.class_healthy_shares {
                    (row(&format!("Called {} in healthy people", share.class.name()), class_healthy_words(share)))
                }
                (row("SHA-256", html! { code { (model.sha256) } }))
            }
        }
    }
}

fn options(provenance: &Provenance) -> Markup {
    html! {
        @if !provenance.options.is_empty() {
            table {
                (head("Option"))
                tbody { @for (name, value) in &provenance.options { (row(name, option_words(value))) } }
            }
        }
    }
}

fn inputs(provenance: &Provenance) -> Markup {
    html! {
        @if !provenance.inputs.is_empty() {
            table.inputs {
                caption { "Input files in their order" }
                thead { tr { th scope="col" { "File" } th scope="col" { "SHA-256" } } }
                tbody {
                    @for input in &provenance.inputs {
                        tr { th.file scope="row" { (input.file) } td { code { (input.sha256) } } }
                    }
                }
            }
        }
    }
}
