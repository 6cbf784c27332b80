//! A request of somebody whose name is known: what every page, value and picture of a case asks for.
//!
//! In: a request behind the guard. Out: its session and reader, or the way to where a name is given. METHOD: who has only opened
//! the login page has a session, too, so a session alone lets nobody see a case.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect, Response};

use super::server::Server;
use super::session::Session;
use crate::case::Reviewer;

/// Session and reader of a request.
#[derive(Debug, Clone)]
pub struct Known {
    /// The session.
    pub session: Session,
    /// Who it is.
    pub reader: Reviewer,
}

impl FromRequestParts<Server> for Known {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, server: &Server) -> Result<Self, Response> {
        let Some(session) = parts.extensions.get::<Session>().cloned() else { return Err(server.no_session()) };
        match session.reader.clone() {
            Some(reader) => Ok(Self { session, reader }),
            None if server.people().is_some() => Err(Redirect::to("/login").into_response()),
            None => {
                // Pages have no ending; values and pictures are asked for by a page.
                let path = parts.uri.path();
                let next = if path.contains('.') { "/" } else { path };
                Err(Redirect::to(&format!("/start?next={next}")).into_response())
            }
        }
    }
}
