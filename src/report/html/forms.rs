//! Forms of the called schistocytes and the totals of ICSH's rule for microspherocytes.

use maud::{Markup, html};

use crate::case::CaseRecord;
use crate::report::figures::{count, percent_or_unknown};
use crate::report::words::{form_totals, forms_note};
use crate::smear::SchistocyteForm;

/// Section of the forms; nothing where no schistocyte was called.
pub(super) fn forms(record: &CaseRecord) -> Markup {
    let forms = &record.count.forms;
    if record.count.schistocytes == 0 {
        return html! {};
    }
    html! {
        section aria-labelledby="forms" {
            h2 #forms { "Forms" }
            p.lead { (forms_note(forms)) }
            div.tables {
                table {
                    thead { tr { th scope="col" { "Form" } th.number scope="col" { "Cells" } } }
                    tbody {
                        @for form in SchistocyteForm::ALL {
                            tr { th scope="row" { (form.name()) }
                                td.number data-form=(form.name()) {
                                    (count(forms.by_form.get(form.name()).copied().unwrap_or(0))) } }
                        }
                        tr { th scope="row" { "no form by the rules" } td.number { (count(forms.unassigned)) } }
                    }
                }
                table {
                    thead { tr { th scope="col" { "Total" } th.number scope="col" { "Cells" }
                        th.number scope="col" { "Of red cells" } } }
                    tbody {
                        @for (words, total) in form_totals(forms) {
                            tr { th scope="row" { (words) } td.number { (count(total.cells)) }
                                td.number { (percent_or_unknown(total.percent)) } }
                        }
                    }
                }
            }
        }
    }
}
