//! How a person comes in: by the printed address, by name, or by name and password.
//!
//! In: the requests of `/open`, `/start`, `/login` and `/leave`. Out: a session with a reader, and the page that was asked for.

use axum::Form;
use axum::extract::{Extension, Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::answers::{failed, page_context};
use super::guard::cookie;
use super::pages;
use super::server::Server;
use super::session::{Session, plain_text, same};
use crate::case::Reviewer;

/// Where to go on.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Next {
    next: String,
}

impl Next {
    /// A path of our own; anything else leads to the list.
    fn path(&self) -> &str {
        let own = self.next.starts_with('/') && !self.next.starts_with("//") && !self.next.contains(['\\', '\r', '\n']);
        if own { &self.next } else { "/" }
    }
}

fn with_cookie(server: &Server, session: &Session, to: &str) -> Response {
    let cookie = cookie(&session.id, server.is_encrypted());
    ([(header::SET_COOKIE, cookie)], Redirect::to(to)).into_response()
}

/// `/open/TOKEN`: the printed address.
pub async fn open(State(server): State<Server>, Path(token): Path<String>) -> Response {
    if server.people().is_some() || !same(&token, server.token()) {
        return server.no_session();
    }
    match server.sessions().begin(None) {
        Ok(session) => with_cookie(&server, &session, "/start"),
        Err(error) => failed(&error),
    }
}

/// `/start`: who is it?
pub async fn start(
    State(server): State<Server>,
    session: Option<Extension<Session>>,
    Query(next): Query<Next>,
) -> Response {
    match session {
        Some(Extension(session)) if server.people().is_none() => {
            Html(pages::start(&page_context(&server, &session), next.path(), None)).into_response()
        }
        _ => server.no_session(),
    }
}

/// A name and a role.
#[derive(Debug, Deserialize)]
pub struct NameForm {
    name: String,
    role: String,
    #[serde(default)]
    next: String,
}

/// The name that somebody gives.
pub async fn take_name(
    State(server): State<Server>,
    Extension(session): Extension<Session>,
    Form(form): Form<NameForm>,
) -> Response {
    if server.people().is_some() {
        return server.no_session();
    }
    let next = Next { next: form.next };
    let reader = plain_text("your name", &form.name)
        .and_then(|name| Ok(Reviewer { name, role: plain_text("your role", &form.role)? }));
    match reader {
        Ok(reader) => {
            server.sessions().name(&session.id, reader);
            Redirect::to(next.path()).into_response()
        }
        Err(error) => {
            let page = pages::start(&page_context(&server, &session), next.path(), Some(&error));
            (StatusCode::UNPROCESSABLE_ENTITY, Html(page)).into_response()
        }
    }
}

/// `/login`: the form, in a session that has no reader yet.
pub async fn login(
    State(server): State<Server>,
    session: Option<Extension<Session>>,
    Query(next): Query<Next>,
) -> Response {
    if server.people().is_none() {
        return Redirect::to("/start").into_response();
    }
    let (session, is_new) = match session {
        Some(Extension(session)) => (session, false),
        None => match server.sessions().begin(None) {
            Ok(session) => (session, true),
            Err(error) => return failed(&error),
        },
    };
    let page = Html(pages::login(&page_context(&server, &session), next.path(), None));
    let mut headers = HeaderMap::new();
    if is_new && let Ok(value) = cookie(&session.id, server.is_encrypted()).parse() {
        headers.insert(header::SET_COOKIE, value);
    }
    (headers, page).into_response()
}

/// A name and a password.
#[derive(Deserialize)]
pub struct LoginForm {
    name: String,
    password: String,
    #[serde(default)]
    next: String,
}

/// The password that somebody gives. The session gets a new identifier, so that one that was planted before is of no use.
pub async fn take_password(
    State(server): State<Server>,
    Extension(session): Extension<Session>,
    Form(form): Form<LoginForm>,
) -> Response {
    let next = Next { next: form.next };
    let (own, name, password) = (server.clone(), form.name, form.password);
    let found = tokio::task::spawn_blocking(move || own.people().and_then(|people| people.find(&name, &password)));
    match found.await {
        Ok(Some(reader)) => {
            server.sessions().end(&session.id);
            match server.sessions().begin(Some(reader)) {
                Ok(session) => with_cookie(&server, &session, next.path()),
                Err(error) => failed(&error),
            }
        }
        _ => {
            let error = "Name and password do not belong together.";
            let page = pages::login(&page_context(&server, &session), next.path(), Some(error));
            (StatusCode::FORBIDDEN, Html(page)).into_response()
        }
    }
}

/// `/leave`: ends the session.
pub async fn leave(State(server): State<Server>, Extension(session): Extension<Session>) -> Response {
    server.sessions().end(&session.id);
    match server.people() {
        Some(_) => Redirect::to("/login").into_response(),
        None => match server.sessions().begin(None) {
            // Whoever sits at this machine next gives another name.
            Ok(session) => with_cookie(&server, &session, "/start"),
            Err(error) => failed(&error),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_on_never_leads_elsewhere() {
        let path = |next: &str| Next { next: next.to_owned() }.path().to_owned();
        assert_eq!(path("/case/0123456789abcdef"), "/case/0123456789abcdef");
        for foreign in ["", "https://example.org", "//example.org", "/\\example.org", "case", "/a\r\nSet-Cookie: b"] {
            assert_eq!(path(foreign), "/", "{foreign}");
        }
    }
}
