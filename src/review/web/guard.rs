//! What stands between the network and the pages: host, origin, session, token, size.
//!
//! In: a request. Out: the same request with its session, or a refusal. Order: 1. the host that is asked for is one of ours (a
//! page of another name that was made to lead here is refused: DNS rebinding); 2. a post comes from our own pages; 3. the
//! cookie is that of a session; 4. a post bears the session's token, in a header or in its form.
//!
//! Every answer forbids to be framed, guessed at, kept by a shared cache, or to fetch from elsewhere.

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{self, HeaderName, HeaderValue};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::server::Server;
use super::session::{Session, same};

/// Name of the cookie.
const COOKIE: &str = "schistoquant_review";
/// Header that a script sends the token in.
const CSRF_HEADER: &str = "x-csrf-token";
/// Largest body, bytes: a reason of a thousand characters with everything around it is a tenth of it.
const MAX_BODY_BYTES: usize = 64 << 10;
/// What a page may do: nothing but its own pictures, styles, scripts and forms.
const POLICY: &str = "default-src 'none'; img-src 'self' data:; style-src 'self'; script-src 'self'; connect-src 'self'; \
     form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The cookie of a session.
pub fn cookie(session: &str, is_encrypted: bool) -> String {
    let secure = if is_encrypted { "; Secure" } else { "" };
    format!("{COOKIE}={session}; Path=/; HttpOnly; SameSite=Strict{secure}")
}

/// The session that a request's cookie names.
fn session_of(server: &Server, headers: &HeaderMap) -> Option<Session> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|text| text.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == COOKIE).and_then(|(_, id)| server.sessions().of(id))
}

fn refused(status: StatusCode, text: &'static str) -> Response {
    (status, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
}

/// Lets a request pass, or refuses it.
pub async fn guard(State(server): State<Server>, request: Request, next: Next) -> Response {
    let mut response = match checked(&server, request).await {
        Ok(request) => next.run(request).await,
        Err(response) => response,
    };
    let headers = response.headers_mut();
    let mut set = |name: HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    set(header::CONTENT_SECURITY_POLICY, POLICY);
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::X_FRAME_OPTIONS, "DENY");
    set(header::REFERRER_POLICY, "same-origin");
    set(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    set(HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    set(header::CACHE_CONTROL, "no-store");
    if server.is_encrypted() {
        set(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    }
    response
}

async fn checked(server: &Server, request: Request) -> Result<Request, Response> {
    let (mut parts, body) = request.into_parts();
    let text = |name: HeaderName| parts.headers.get(name).and_then(|value| value.to_str().ok());
    // HTTP/2 has no Host; its request names host and port in the address.
    let named = || parts.uri.authority().map(|authority| authority.as_str());
    let host = text(header::HOST).or_else(named).unwrap_or_default();
    if !server.is_own_host(host) {
        return Err(refused(StatusCode::MISDIRECTED_REQUEST, "Use the address that the program printed.\n"));
    }
    let is_post = parts.method == Method::POST;
    if !is_post && parts.method != Method::GET && parts.method != Method::HEAD {
        return Err(refused(StatusCode::METHOD_NOT_ALLOWED, "Pages are read and forms are sent, nothing else.\n"));
    }
    if is_post {
        let own = format!("{}://{host}", server.scheme());
        let from_elsewhere = text(header::ORIGIN).is_some_and(|origin| origin != own)
            || text(HeaderName::from_static("sec-fetch-site")).is_some_and(|site| site != "same-origin");
        if from_elsewhere {
            return Err(refused(StatusCode::FORBIDDEN, "The form was sent by another page.\n"));
        }
    }
    let session = session_of(server, &parts.headers);
    let Ok(body) = to_bytes(body, MAX_BODY_BYTES).await else {
        return Err(refused(StatusCode::PAYLOAD_TOO_LARGE, "More was sent than a form holds.\n"));
    };
    if is_post {
        let Some(session) = &session else { return Err(server.no_session()) };
        let given = text(HeaderName::from_static(CSRF_HEADER)).map(str::to_owned).or_else(|| form_token(&body));
        if !given.is_some_and(|given| same(&given, &session.csrf)) {
            return Err(refused(StatusCode::FORBIDDEN, "The form is out of date: load the page again.\n"));
        }
    }
    if let Some(session) = session {
        parts.extensions.insert(session);
    }
    Ok(Request::from_parts(parts, Body::from(body)))
}

/// The token of a form.
fn form_token(body: &Bytes) -> Option<String> {
    let pairs: Vec<(String, String)> = serde_urlencoded::from_bytes(body).ok()?;
    pairs.into_iter().find(|(name, _)| name == "csrf").map(|(_, token)| token)
}
