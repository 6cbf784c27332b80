//! Sign-off on the page of a case: the form, the signature that holds, and the form that opens a signed case again.
//!
//! METHOD: both counts stand beside the button that signs, and the number of the last event that the page shows goes with the
//! form, so that nobody signs figures that somebody else has changed.

use maud::{Markup, html};

use super::{PageContext, csrf, limits, percent};
use crate::case::{AgreementRecord, SignatureMeaning};
use crate::report::time_words;
use crate::review::MAX_REMARK_CHARS;
use crate::review::web::view::{CaseHead, CellsView, FiguresView};

/// What a signature says, in the signer's own words.
fn meaning_words(meaning: SignatureMeaning) -> &'static str {
    match meaning {
        SignatureMeaning::Reviewed => "I read the cells.",
        SignatureMeaning::ReviewedAndReleased => "I read the cells, and I release the result.",
        SignatureMeaning::Released => "Another person read the cells; I release the result.",
    }
}

/// The part of the page that signs, or says who signed.
pub(super) fn section(ctx: &PageContext, head: &CaseHead, cells: &CellsView) -> Markup {
    html! {
        section.sign id="sign" aria-labelledby="sign-title" {
            @if head.signed {
                h2 id="sign-title" { "Signature" }
                (signature(head))
                (reopen_form(ctx, head))
            } @else {
                h2 id="sign-title" { "Sign" }
                @if let Some(reopened) = &head.reopened {
                    p.said { "Opened again by " (reopened.by.name) ", " (reopened.by.role) ", at "
                        (time_words(reopened.at.as_str())) ": " q { (reopened.reason) } }
                    (signature(head))
                }
                (sign_form(ctx, head, cells))
            }
        }
    }
}

fn signature(head: &CaseHead) -> Markup {
    html! {
        @if let Some(signature) = &head.signature {
            dl.facts.signature {
                div { dt { (signature.meaning.words()) } dd { strong { (signature.by.name) } ", " (signature.by.role) } }
                div { dt { "At" } dd { (time_words(signature.at.as_str())) } }
                div { dt { "Signature" } dd { (signature.number)
                    @if signature.number > 1 { ", a correction" }
                    @if !head.signed { ", holds until the next one" } } }
                @if let Some(comment) = &signature.comment { div { dt { "Comment" } dd.remark { (comment) } } }
            }
        }
        @if head.signed && head.has_report {
            p { a href=(format!("/case/{}/report.html", head.id)) { "Open the signed report" } }
        }
    }
}

fn reopen_form(ctx: &PageContext, head: &CaseHead) -> Markup {
    html! {
        details.reopen {
            summary { "Open the case again" }
            form method="post" action=(format!("/case/{}/reopen", head.id)) {
                (csrf(ctx))
                p { "The signed result stays what it is until the case is signed again; messages then go out as a correction." }
                label { "Reason" textarea name="reason" required maxlength=(MAX_REMARK_CHARS) rows="2" {} }
                button.main type="submit" { "Open again" }
            }
        }
    }
}

fn sign_form(ctx: &PageContext, head: &CaseHead, cells: &CellsView) -> Markup {
    html! {
        form.signing method="post" action=(format!("/case/{}/sign", head.id)) {
            (csrf(ctx))
            input type="hidden" name="seen" value=(cells.events);
            @if let Some(figures) = &cells.figures { (summary(figures)) }
            fieldset {
                legend { "What your signature means" }
                @for meaning in SignatureMeaning::ALL {
                    label.choice { input type="radio" name="meaning" value=(meaning.name()) required; " " (meaning_words(meaning)) }
                }
            }
            label { "Comment, if there is one" textarea name="comment" maxlength=(MAX_REMARK_CHARS) rows="2" {} }
            @if let Some(figures) = &cells.figures {
                label.choice.unread hidden[figures.unread == 0] {
                    input type="checkbox" name="unread" value="known" required[figures.unread > 0];
                    " " strong { span data-figure="unread" { (figures.unread) } " suspicious cells are unread." }
                    " They stay as the program called them. I sign nevertheless."
                }
            }
            p.waiting role="status" {}
            p.note { "The reports are written anew with your name. A signed result is never changed: it can only be superseded." }
            button.main type="submit" {
                "Sign" @if let Some(reader) = ctx.reader { " as " (reader.name) ", " (reader.role) }
            }
        }
    }
}

/// Both counts.
fn summary(figures: &FiguresView) -> Markup {
    let interval = figures.low.zip(figures.high).map(|(low, high)| limits(low, high));
    html! {
        dl.facts.summary {
            div { dt { "By software alone" } dd { (percent(figures.software_percent)) small { (figures.software_state_words) } } }
            div { dt { "As reviewed" } dd {
                strong data-figure="percent" { (percent(figures.percent)) }
                " " span data-figure="interval" { (interval.unwrap_or_default()) }
                small data-figure="state_words" { (figures.state_words) }
            } }
            div { dt { "Red cells" } dd {
                span data-figure="schistocytes" { (figures.schistocytes) } " schistocytes of "
                span data-figure="red_cells" { (figures.red_cells) }
            } }
            div { dt { "Cells" } dd {
                span data-figure="read" { (figures.read) } " read, "
                span data-figure="unread" { (figures.unread) } " unread, "
                span data-figure="undecided" { (figures.undecided) } " undecided, "
                span data-figure="not_assessable" { (figures.not_assessable) } " not assessable, "
                span data-figure="added" { (figures.added) } " added, "
                span data-figure="included" { (figures.included) } " left out and counted"
            } }
        }
    }
}

/// How far two readers agree.
pub(super) fn agreement(head: &CaseHead) -> Markup {
    html! {
        section.second aria-labelledby="second-title" {
            h2 id="second-title" { "Second reading" }
            @match &head.agreement {
                Some(agreement) => (agreed(agreement)),
                None => p { "Nobody has read this case blind." },
            }
            @if !head.signed {
                p { "Another person reads the same cells without calls and without your readings: "
                    a href=(format!("/case/{}/blind", head.id)) { "blind reading" } "." }
            }
        }
    }
}

fn agreed(agreement: &AgreementRecord) -> Markup {
    let name =
        |who: &Option<crate::case::Reviewer>| who.as_ref().map_or("several people".to_owned(), |who| who.name.clone());
    let [both, first, second, neither] = agreement.table;
    html! {
        dl.facts {
            div { dt { "First reader" } dd { (name(&agreement.first)) } }
            div { dt { "Second reader, blind" } dd { (name(&agreement.second)) } }
            div { dt { "Cells that both read" } dd { (agreement.cells) } }
            div { dt { "Schistocyte to" } dd {
                "both " (both) ", first alone " (first) ", second alone " (second) ", neither " (neither) } }
            div { dt { "Cohen's kappa" } dd { (agreement.kappa.map_or("none".to_owned(), |kappa| format!("{kappa:.2}"))) } }
            div { dt { "Percentage" } dd {
                (percent(agreement.first_percent)) " by the first, " (percent(agreement.second_percent)) " by the second" } }
        }
    }
}
