//! What answers each address of a case: pages, values for scripts, pictures, and the steps of a reader.
//!
//! In: a session with a reader, and an address or a small JSON body. Out: a page, JSON or a picture. A step is answered once it is
//! on the disk. `409` says that somebody was faster, with the cell as it is now; `422` says why a step is refused.

use axum::body::Bytes;
use axum::extract::{Extension, Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::{Form, Json};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::known::Known;
use super::pages::{self, PageContext};
use super::server::Server;
use super::session::Session;
use super::view::{CaseView, CellView, FiguresView, figures_view, key_of};
use crate::case::{CellKey, Reading, SignatureMeaning};
use crate::review::{OpenCase, ReviewError, Series, Step};

/// The session's side of a page.
pub fn page_context<'a>(server: &Server, session: &'a Session) -> PageContext<'a> {
    PageContext {
        csrf: &session.csrf,
        reader: session.reader.as_ref(),
        now: std::time::SystemTime::now(),
        has_login: server.people().is_some(),
    }
}

/// A failure of the program or its machine.
pub fn failed(error: &dyn std::error::Error) -> Response {
    (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response()
}

/// An error with its causes.
fn text_of(error: &ReviewError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text
}

fn status_of(error: &ReviewError) -> StatusCode {
    match error {
        ReviewError::Conflict { .. } | ReviewError::AlreadyServed { .. } => StatusCode::CONFLICT,
        ReviewError::Refused(_) | ReviewError::Damaged(_) | ReviewError::Case(_) | ReviewError::Format(_) => {
            StatusCode::UNPROCESSABLE_ENTITY
        }
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// A page that says why there is no other.
fn error_page(server: &Server, session: &Session, error: &ReviewError) -> Response {
    let page = pages::message(&page_context(server, session), "This case cannot be shown", &text_of(error));
    (status_of(error), Html(page)).into_response()
}

fn error_json(error: &ReviewError) -> Response {
    (status_of(error), Json(json!({"error": text_of(error)}))).into_response()
}

/// What the list shows.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ListQuery {
    q: String,
    show: String,
}

/// `/`.
pub async fn worklist(State(server): State<Server>, known: Known, Query(query): Query<ListQuery>) -> Response {
    let session = known.session;
    match server.work(|desk| desk.rows()).await {
        Ok(rows) => {
            Html(pages::worklist(&page_context(&server, &session), &rows, &query.q, &query.show)).into_response()
        }
        Err(error) => error_page(&server, &session, &error),
    }
}

/// `/case/ID`.
pub async fn case(State(server): State<Server>, known: Known, Path(id): Path<String>) -> Response {
    case_page(&server, known, id, Series::First, None).await
}

/// `/case/ID/blind`.
pub async fn blind(State(server): State<Server>, known: Known, Path(id): Path<String>) -> Response {
    case_page(&server, known, id, Series::Second, None).await
}

async fn case_page(server: &Server, known: Known, id: String, series: Series, error: Option<ReviewError>) -> Response {
    let Known { session, reader } = known;
    let (own_session, own_id) = (session.id.clone(), id.clone());
    let seen = server
        .work(move |desk| {
            desk.here(&own_id, &own_session, &reader.name);
            let name = desk.folder(&own_id)?.file_name().map(|name| name.to_string_lossy().into_owned());
            desk.with(&own_id, |case| {
                if series == Series::Second {
                    // A page that shows nothing yet may already tell too much to the wrong person.
                    case.state().may_read(series, &reader).map_err(ReviewError::Refused)?;
                }
                let view = CaseView { id: &own_id, case, series };
                let has_report = case.folder().join("report.html").is_file();
                Ok((view.head(&name.unwrap_or_default(), has_report), view.cells()))
            })
        })
        .await;
    match seen {
        Ok((head, cells)) => {
            let context = page_context(server, &session);
            let text = error.as_ref().map(text_of);
            let page = match series {
                Series::First => pages::case(&context, &head, &cells, text.as_deref()),
                Series::Second => pages::blind(&context, &head, &cells),
            };
            (error.as_ref().map_or(StatusCode::OK, status_of), Html(page)).into_response()
        }
        Err(error) => error_page(server, &session, &error),
    }
}

/// Whose reading is asked for; the first by default.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct SeriesQuery {
    series: Option<Series>,
}

impl SeriesQuery {
    /// The series.
    pub fn series(&self) -> Series {
        self.series.unwrap_or(Series::First)
    }
}

/// `/case/ID/cells.json`.
pub async fn cells(
    State(server): State<Server>,
    known: Known,
    Path(id): Path<String>,
    Query(query): Query<SeriesQuery>,
) -> Response {
    let reader = known.reader;
    let series = query.series();
    let cells = server.work(move |desk| {
        desk.with(&id, |case| {
            if series == Series::Second {
                case.state().may_read(series, &reader).map_err(ReviewError::Refused)?;
            }
            Ok(CaseView { id: &id, case, series }.cells())
        })
    });
    match cells.await {
        Ok(cells) => Json(cells).into_response(),
        Err(error) => error_json(&error),
    }
}

/// The answer to a step.
#[derive(Debug, Serialize)]
struct Answer {
    events: u64,
    cell: Option<CellView>,
    figures: Option<FiguresView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl Answer {
    fn of(id: &str, case: &OpenCase, series: Series, key: &CellKey) -> Self {
        let figures = (series == Series::First).then(|| figures_view(case, &case.figures()));
        let cell = CaseView { id, case, series }.cell(key);
        Self { events: case.state().events(), cell, figures, error: None }
    }
}

/// Which cell, and what the reader had seen of it.
#[derive(Debug, Deserialize)]
struct StepBody {
    series: Series,
    key: String,
    seen: u64,
    reading: Option<Reading>,
    reason: Option<String>,
}

/// Takes a step and answers with the cell as it is then, whether the step was taken or not.
async fn step(
    server: Server,
    known: Known,
    id: String,
    body: Bytes,
    take: impl FnOnce(&mut OpenCase, &Step, &StepBody) -> Result<(), ReviewError> + Send + 'static,
) -> Response {
    let by = known.reader;
    let refused = |text: &str| error_json(&ReviewError::Refused(text.to_owned()));
    let body: StepBody = match serde_json::from_slice(&body) {
        Ok(body) => body,
        Err(error) => return refused(&format!("expected a step of a reader, found another body ({error})")),
    };
    let Some(key) = key_of(&body.key) else { return refused("expected the key of a cell") };
    let done = server.work(move |desk| {
        desk.with(&id, |case| {
            let step = Step { by, series: body.series, key, seen: body.seen };
            match take(case, &step, &body) {
                Ok(()) => Ok((StatusCode::OK, Answer::of(&id, case, body.series, &key))),
                Err(error) => {
                    let answer = Answer::of(&id, case, body.series, &key);
                    Ok((status_of(&error), Answer { error: Some(text_of(&error)), ..answer }))
                }
            }
        })
    });
    match done.await {
        Ok((status, answer)) => (status, Json(answer)).into_response(),
        Err(error) => error_json(&error),
    }
}

/// `POST /case/ID/read`.
pub async fn read(State(server): State<Server>, known: Known, Path(id): Path<String>, body: Bytes) -> Response {
    step(server, known, id, body, |case, step, body| {
        let Some(reading) = body.reading else {
            return Err(ReviewError::Refused("expected what the cell is read as".to_owned()));
        };
        case.read(step, reading, body.reason.as_deref()).map(drop)
    })
    .await
}

/// `POST /case/ID/take-back`.
pub async fn take_back(State(server): State<Server>, known: Known, Path(id): Path<String>, body: Bytes) -> Response {
    step(server, known, id, body, |case, step, _| case.take_back(step).map(drop)).await
}

/// A missed cell.
#[derive(Debug, Deserialize)]
struct AddBody {
    field: u32,
    x_px: f64,
    y_px: f64,
    reading: Reading,
    reason: String,
}

/// `POST /case/ID/add`.
pub async fn add(State(server): State<Server>, known: Known, Path(id): Path<String>, body: Bytes) -> Response {
    let by = known.reader;
    let body: AddBody = match serde_json::from_slice(&body) {
        Ok(body) => body,
        Err(error) => {
            let text = format!("expected place, reading and reason of a missed cell, found another body ({error})");
            return error_json(&ReviewError::Refused(text));
        }
    };
    let done = server.work(move |desk| {
        desk.with(&id, |case| {
            let number = case.state().next_added();
            case.add(&by, body.field, [body.x_px, body.y_px], body.reading, &body.reason)?;
            Ok(Answer::of(&id, case, Series::First, &CellKey::Added { number }))
        })
    });
    match done.await {
        Ok(answer) => Json(answer).into_response(),
        Err(error) => error_json(&error),
    }
}

/// `POST /case/ID/here`.
pub async fn here(State(server): State<Server>, known: Known, Path(id): Path<String>) -> Response {
    let Known { session, reader } = known;
    let others = server.work(move |desk| {
        desk.folder(&id)?;
        Ok(desk.here(&id, &session.id, &reader.name))
    });
    match others.await {
        Ok(others) => Json(json!({"others": others})).into_response(),
        Err(error) => error_json(&error),
    }
}

/// A signature.
#[derive(Debug, Deserialize)]
pub struct SignForm {
    seen: u64,
    meaning: SignatureMeaning,
    #[serde(default)]
    comment: String,
}

/// `POST /case/ID/sign`.
pub async fn sign(
    State(server): State<Server>,
    known: Known,
    Path(id): Path<String>,
    Form(form): Form<SignForm>,
) -> Response {
    let by = known.reader.clone();
    let own_id = id.clone();
    let done = server.work(move |desk| {
        let settings = desk.settings().clone();
        desk.with(&own_id, |case| case.sign(&by, form.meaning, Some(&form.comment), form.seen, &settings))
    });
    after_form(&server, known, id, done.await).await
}

/// Why a case is opened again.
#[derive(Debug, Deserialize)]
pub struct ReopenForm {
    reason: String,
}

/// `POST /case/ID/reopen`.
pub async fn reopen(
    State(server): State<Server>,
    known: Known,
    Path(id): Path<String>,
    Form(form): Form<ReopenForm>,
) -> Response {
    let by = known.reader.clone();
    let own_id = id.clone();
    let done = server.work(move |desk| desk.with(&own_id, |case| case.reopen(&by, &form.reason).map(drop)));
    after_form(&server, known, id, done.await).await
}

async fn after_form(server: &Server, known: Known, id: String, done: Result<(), ReviewError>) -> Response {
    match done {
        Ok(()) => Redirect::to(&format!("/case/{id}")).into_response(),
        Err(error) => case_page(server, known, id, Series::First, Some(error)).await,
    }
}

/// `/case/ID/report.html`: the page of the report, which has a policy of its own.
pub async fn report(State(server): State<Server>, known: Known, Path(id): Path<String>) -> Response {
    let session = known.session;
    let bytes = server.work(move |desk| {
        let path = desk.folder(&id)?.join("report.html");
        std::fs::read(&path).map_err(|source| ReviewError::Folder { path, source })
    });
    match bytes.await {
        Ok(bytes) => ([(header::CONTENT_SECURITY_POLICY, "frame-ancestors 'none'")], Html(bytes)).into_response(),
        Err(error) => error_page(&server, &session, &error),
    }
}

/// `/assets/NAME`.
pub async fn asset(Path(name): Path<String>) -> Response {
    match pages::ASSETS.iter().find(|(own, ..)| *own == name) {
        Some((_, media_type, text)) => {
            ([(header::CONTENT_TYPE, *media_type), (header::CACHE_CONTROL, "no-cache")], *text).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// Every other address.
pub async fn nothing(State(server): State<Server>, session: Option<Extension<Session>>) -> Response {
    match session {
        Some(Extension(session)) => {
            let page =
                pages::message(&page_context(&server, &session), "Nothing is here", "Go back to the list of cases.");
            (StatusCode::NOT_FOUND, Html(page)).into_response()
        }
        None => server.no_session(),
    }
}
