//! Who reads: the page that asks for a name and a role, and the one that asks for a password.

use maud::{Markup, html};

use super::{PageContext, csrf, page, sentence};

/// Asks for name and role, where there is no login. The names go with every reading and signature.
pub fn start(ctx: &PageContext, next: &str, error: Option<&str>) -> String {
    let fields = html! {
        label { "Name" input type="text" name="name" required maxlength="100" autocomplete="name"; }
        label { "Role in the laboratory"
            input type="text" name="role" required maxlength="100" autocomplete="organization-title"; }
    };
    let note = "Your name and role stand beside every cell that you read, and in the reports that you sign.";
    form(ctx, ("Who reads?", "/start", "Begin"), (next, error), &fields, note)
}

/// Asks for name and password.
pub fn login(ctx: &PageContext, next: &str, error: Option<&str>) -> String {
    let fields = html! {
        label { "Name" input type="text" name="name" required maxlength="100" autocomplete="username"; }
        label { "Password" input type="password" name="password" required maxlength="1000" autocomplete="current-password"; }
    };
    let note = "Your laboratory gives out names and passwords.";
    form(ctx, ("Log in", "/login", "Log in"), (next, error), &fields, note)
}

fn form(
    ctx: &PageContext,
    (title, action, submit): (&str, &str, &str),
    (next, error): (&str, Option<&str>),
    fields: &Markup,
    note: &str,
) -> String {
    let main = html! {
        main.narrow id="main" {
            h1 { (title) }
            @if let Some(error) = error { p.error role="alert" { (sentence(error)) } }
            form.people method="post" action=(action) {
                (csrf(ctx))
                input type="hidden" name="next" value=(next);
                (fields)
                button.main type="submit" { (submit) }
            }
            p.note { (note) }
        }
    };
    page(ctx, title, &[], &main)
}
