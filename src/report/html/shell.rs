//! What every page shares: its frame, its style sheet, and the policy that lets it fetch nothing.
//!
//! A page is one file. Pictures are data URIs, the style sheet stands inside, and a content security policy forbids every
//! request and every script but the page's own.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

const STYLE: &str = include_str!("style.css");

/// What stands around the contents of a page.
#[derive(Debug, Clone, Default)]
pub struct PageFrame<'a> {
    /// Title of the window.
    pub title: String,
    /// First heading.
    pub heading: String,
    /// What the page is of, below the heading.
    pub about: Markup,
    /// Review status.
    pub review: Option<&'a str>,
    /// Program and version.
    pub generator: &'a str,
    /// The fixed footer.
    pub footer: &'a str,
    /// The one script of the page.
    pub script: Option<&'a str>,
}

impl PageFrame<'_> {
    /// What stands before the contents of the page, and what stands behind them.
    pub fn halves(&self) -> (String, String) {
        // A comment: every `<` of a text is escaped, so that no text can hold it.
        const CONTENTS: &str = "<!--contents-->";
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta http-equiv="Content-Security-Policy" content=(content_security_policy(self.script));
                    meta name="referrer" content="no-referrer";
                    meta name="generator" content=(self.generator);
                    title { (self.title) }
                    style { (PreEscaped(STYLE)) }
                }
                body {
                    // Head of the page on a screen and of every sheet on paper.
                    header {
                        div.banner {
                            div { h1 { (self.heading) } p.about { (self.about) } }
                            @if let Some(review) = self.review { p.review { bdi { (review) } } }
                        }
                    }
                    main { (PreEscaped(CONTENTS)) }
                    footer { p { (self.footer) } }
                    @if let Some(script) = self.script { script { (PreEscaped(script)) } }
                }
            }
        };
        let page = page.into_string();
        let (before, after) = page.split_once(CONTENTS).unwrap_or((&page, ""));
        (before.to_owned(), after.to_owned())
    }

    /// The page with its contents.
    pub fn around(&self, contents: &Markup) -> String {
        let (before, after) = self.halves();
        before + &contents.0 + &after
    }
}

/// Nothing may be fetched: pictures come from the page itself. No script may run but the page's own.
fn content_security_policy(script: Option<&str>) -> String {
    let script =
        script.map(|script| format!(" script-src 'sha256-{}';", BASE64_STANDARD.encode(Sha256::digest(script))));
    format!(
        "default-src 'none'; img-src data:; style-src 'unsafe-inline';{} base-uri 'none'; form-action 'none'",
        script.unwrap_or_default()
    )
}

/// A picture inside the page.
pub(super) fn data_uri(media_type: &str, bytes: &[u8]) -> String {
    let mut uri = format!("data:{media_type};base64,");
    BASE64_STANDARD.encode_string(bytes, &mut uri);
    uri
}
