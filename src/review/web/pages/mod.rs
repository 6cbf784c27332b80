//! The pages of a review, for a browser on the laboratory's machine.
//!
//! In: plain values of a case and who reads. Out: whole pages as HTML. Styles and scripts are files of their own (`assets`), so
//! that a strict content security policy can forbid everything that stands inside a page.
//!
//! METHOD: what a cell is read as, a state, and an outline are never told by color alone. Every page is whole without its
//! script, which only the reading of cells needs.

mod assets;
mod blind;
mod case;
mod dialogs;
mod people;
mod readings;
mod sign;
mod tiles;
mod worklist;

use std::time::SystemTime;

use maud::{DOCTYPE, Markup, html};

use crate::case::{FOOTER, Reviewer};

pub(super) use assets::ASSETS;
pub(super) use blind::blind;
pub(super) use case::case;
pub(super) use people::{login, start};
pub(super) use worklist::worklist;

/// What every page knows of its request.
#[derive(Debug, Clone, Copy)]
pub struct PageContext<'a> {
    /// Token that every form and every request of a script sends back.
    pub csrf: &'a str,
    /// Who reads.
    pub reader: Option<&'a Reviewer>,
    /// Time of the request.
    pub now: SystemTime,
    /// Whether people log in with a password.
    pub has_login: bool,
}

/// A page of one text: an error, or a case that cannot be shown.
pub(super) fn message(ctx: &PageContext, title: &str, text: &str) -> String {
    let main = html! {
        main.narrow id="main" {
            h1 { (title) }
            p.said { (sentence(text)) }
            p { a href="/" { "Back to the worklist" } }
        }
    };
    page(ctx, title, &[], &main)
}

/// The frame of a page around its `main` element.
fn page(ctx: &PageContext, title: &str, scripts: &[&str], main: &Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="csrf" content=(ctx.csrf);
                title { (title) " – review" }
                link rel="icon" href="data:,";
                link rel="stylesheet" href="/assets/review.css";
                @for script in scripts { script type="module" src=(script) {} }
            }
            body {
                a.skip href="#main" { "Skip to the contents" }
                header.top {
                    p.brand { a href="/" { "SchistoQuant review" } }
                    @if let Some(reader) = ctx.reader { (who(ctx, reader)) }
                }
                (main)
                footer { p { (FOOTER) } }
            }
        }
    };
    page.into_string()
}

fn who(ctx: &PageContext, reader: &Reviewer) -> Markup {
    html! {
        form.who method="post" action="/leave" {
            (csrf(ctx))
            span { strong { (reader.name) } ", " (reader.role) }
            button.quiet type="submit" { @if ctx.has_login { "Log out" } @else { "Change reader" } }
        }
    }
}

/// The hidden field that every form sends back.
fn csrf(ctx: &PageContext) -> Markup {
    html! { input type="hidden" name="csrf" value=(ctx.csrf); }
}

/// An error of the program as a sentence.
fn sentence(text: &str) -> String {
    let text = text.trim();
    let mut chars = text.chars();
    let first: String = chars.next().into_iter().flat_map(char::to_uppercase).collect();
    let end = if text.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{first}{}{end}", chars.as_str())
}

/// A percentage as it is shown.
fn percent(value: Option<f64>) -> String {
    value.map_or_else(|| "no percentage".to_owned(), |value| format!("{value:.2} %"))
}

/// Two limits as they are shown.
fn limits(low: f64, high: f64) -> String {
    format!("{low:.2}–{high:.2} %")
}

#[cfg(test)]
mod tests;
