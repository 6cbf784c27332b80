//! The review in a browser: pages and the small interface that their scripts talk to.
//!
//! In: the folder that is served and who may use it. Out: pages, pictures and answers over HTTP on this machine, or over TLS beyond
//! it. Nothing is fetched from elsewhere, and no path of a request leads to a file: cases are found by an identifier, cells by
//! their numbers.

mod answers;
mod desk;
mod entry;
mod guard;
mod known;
mod listen;
mod pages;
mod pictures;
mod server;
mod session;
mod view;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use axum::Router;
use axum::routing::{get, post};

pub use listen::{ServeError, ServeOptions, Tls};
pub use session::{LoginError, MIN_PASSWORD_CHARS, People};

use server::Server;

/// Serves the cases of a folder until `stop` is set; `ready` is told the address to open.
///
/// # Errors
/// [`ServeError`].
pub fn serve(options: &ServeOptions, stop: &Arc<AtomicBool>, ready: impl FnOnce(&str)) -> Result<(), ServeError> {
    listen::serve(options, routes(), stop, ready)
}

/// Every address with what answers it.
fn routes() -> Router<Server> {
    Router::new()
        .route("/", get(answers::worklist))
        .route("/open/{token}", get(entry::open))
        .route("/start", get(entry::start).post(entry::take_name))
        .route("/login", get(entry::login).post(entry::take_password))
        .route("/leave", post(entry::leave))
        .route("/assets/{name}", get(answers::asset))
        .route("/case/{id}", get(answers::case))
        .route("/case/{id}/blind", get(answers::blind))
        .route("/case/{id}/cells.json", get(answers::cells))
        .route("/case/{id}/tile/{field}/{cell}", get(pictures::tile))
        .route("/case/{id}/added/{number}", get(pictures::added))
        .route("/case/{id}/field/{file}", get(pictures::field))
        .route("/case/{id}/report.html", get(answers::report))
        .route("/case/{id}/read", post(answers::read))
        .route("/case/{id}/take-back", post(answers::take_back))
        .route("/case/{id}/add", post(answers::add))
        .route("/case/{id}/here", post(answers::here))
        .route("/case/{id}/sign", post(answers::sign))
        .route("/case/{id}/reopen", post(answers::reopen))
        .fallback(answers::nothing)
}
