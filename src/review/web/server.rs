//! The server as its requests see it: cases, sessions, people, and the names that it goes by.
//!
//! METHOD: work on files happens on threads of its own, so that a slow disk keeps no other request waiting.

use std::sync::Arc;

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};

use super::desk::Desk;
use super::session::{People, Sessions};
use crate::review::ReviewError;

/// What all requests share.
#[derive(Debug)]
pub struct Shared {
    /// The cases.
    pub desk: Desk,
    /// The sessions.
    pub sessions: Sessions,
    /// The people who may log in; `None` where nobody has to.
    pub people: Option<People>,
    /// Opens the first session; of no use where people log in.
    pub token: String,
    /// What a request may call the server.
    pub hosts: Vec<String>,
    /// Whether requests come encrypted.
    pub is_encrypted: bool,
}

/// The server as its requests see it.
#[derive(Debug, Clone)]
pub struct Server(Arc<Shared>);

impl Server {
    /// Of what all requests share.
    pub fn new(shared: Shared) -> Self {
        Self(Arc::new(shared))
    }

    /// The cases.
    pub fn desk(&self) -> &Desk {
        &self.0.desk
    }

    /// The sessions.
    pub fn sessions(&self) -> &Sessions {
        &self.0.sessions
    }

    /// The people who may log in; `None` where nobody has to.
    pub fn people(&self) -> Option<&People> {
        self.0.people.as_ref()
    }

    /// What the printed address holds.
    pub fn token(&self) -> &str {
        &self.0.token
    }

    /// Whether requests come encrypted.
    pub fn is_encrypted(&self) -> bool {
        self.0.is_encrypted
    }

    /// `http` or `https`.
    pub fn scheme(&self) -> &'static str {
        if self.is_encrypted() { "https" } else { "http" }
    }

    /// Whether a request asks for this server.
    pub fn is_own_host(&self, host: &str) -> bool {
        self.0.hosts.iter().any(|own| own.eq_ignore_ascii_case(host))
    }

    /// What somebody without a session gets.
    pub fn no_session(&self) -> Response {
        match self.people() {
            Some(_) => Redirect::to("/login").into_response(),
            None => (
                StatusCode::FORBIDDEN,
                [(header::CONTENT_TYPE, "text/plain; charset=utf-8")],
                "Use the whole address that the program printed when it started.\n",
            )
                .into_response(),
        }
    }

    /// Does work on files, apart from the threads that answer.
    ///
    /// # Errors
    /// Those of the work; a panic of it is a refusal.
    pub async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Desk) -> Result<T, ReviewError> + Send + 'static,
    ) -> Result<T, ReviewError> {
        let server = self.clone();
        let done = tokio::task::spawn_blocking(move || work(server.desk())).await;
        done.unwrap_or_else(|_| Err(ReviewError::Refused("the program failed at this; report it as a bug".to_owned())))
    }
}
