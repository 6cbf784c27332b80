//! Pictures of cells and fields, and the objects of a field.
//!
//! In: places of fields and numbers of cells. Out: JPEG or JSON. Cells that were called or nearly called have a picture in
//! the case; of any other one a piece of the field's preview is cut, as wide as two red cells.
//!
//! Limits: a preview is at most 1280 px wide, so that such a piece may be coarser than the photograph.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use image::{RgbImage, imageops};

use super::answers::SeriesQuery;
use super::known::Known;
use super::server::Server;
use super::view::{CaseView, FieldView, ObjectView};
use crate::case::{CaseField, CellKey, Preview, TILE_QUALITY, TILE_SIDE_PX};
use crate::optics::jpeg::{ColorResolution, encoded};
use crate::optics::resample::resized;
use crate::review::{ReviewError, Series};
use crate::smear::{CellId, ExclusionReason};

/// Width of what it shows, in radii of the cell: as wide as two red cells.
const TILE_WIDTH_RADII: f64 = 4.0;
/// A picture of a case never changes: it may be kept by the reader's browser until it ends.
const KEPT: &str = "private, max-age=86400, immutable";

fn picture(media_type: &'static str, bytes: Vec<u8>) -> Response {
    ([(header::CONTENT_TYPE, media_type), (header::CACHE_CONTROL, KEPT)], bytes).into_response()
}

fn answer(media_type: &'static str, found: Result<Option<Vec<u8>>, ReviewError>) -> Response {
    match found {
        Ok(Some(bytes)) => picture(media_type, bytes),
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(_) => StatusCode::UNPROCESSABLE_ENTITY.into_response(),
    }
}

/// A number in front of an ending.
fn numbered(file: &str, ending: &str) -> Option<u32> {
    file.strip_suffix(ending)?.parse().ok()
}

fn unreadable(source: std::io::Error) -> ReviewError {
    ReviewError::Folder { path: std::env::temp_dir(), source }
}

/// `/case/ID/tile/FIELD/CELL.jpg`.
pub async fn tile(
    State(server): State<Server>,
    _known: Known,
    Path((id, field, cell)): Path<(String, u32, String)>,
) -> Response {
    let Some(cell) = numbered(&cell, ".jpg") else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let found = server.work(move |desk| {
        let fields = desk.fields(&id)?;
        if let Some(jpeg) = fields.tile_of(field as usize, CellId(cell)).map_err(unreadable)? {
            return Ok(Some(jpeg));
        }
        let key = CellKey::Found { field, cell: CellId(cell) };
        let place = desk.with(&id, |case| Ok(case.cells().get(&key).map(|cell| (cell.middle_px, cell.radius_px))))?;
        let Some((middle, radius)) = place else { return Ok(None) };
        let field = fields.field_of(field as usize).map_err(unreadable)?;
        Ok(field.and_then(|field| cut(&field, middle, radius)))
    });
    answer("image/jpeg", found.await)
}

/// `/case/ID/added/NUMBER.jpg`.
pub async fn added(
    State(server): State<Server>,
    _known: Known,
    Path((id, number)): Path<(String, String)>,
) -> Response {
    let Some(number) = numbered(&number, ".jpg") else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let found = server.work(move |desk| {
        let key = CellKey::Added { number };
        let cell = desk.with(&id, |case| Ok(CaseView { id: &id, case, series: Series::First }.cell(&key)))?;
        let Some(cell) = cell else { return Ok(None) };
        let field = desk.fields(&id)?.field_of(cell.field as usize).map_err(unreadable)?;
        Ok(field.and_then(|field| cut(&field, [cell.x_px, cell.y_px], cell.radius_px)))
    });
    answer("image/jpeg", found.await)
}

/// A piece of a field's preview around a place, white beyond the edge.
fn cut(field: &CaseField, middle_px: [f64; 2], radius_px: f64) -> Option<Vec<u8>> {
    let Preview { jpeg, px_per_px: scale, .. } = field.preview.as_ref()?;
    let preview = image::load_from_memory(jpeg).ok()?.into_rgb8();
    let side = (radius_px * TILE_WIDTH_RADII * scale).round().clamp(8.0, 1280.0) as u32;
    let corner = middle_px.map(|place| (place * scale - f64::from(side) / 2.0).round() as i64);
    let mut piece = RgbImage::from_pixel(side, side, image::Rgb([255; 3]));
    imageops::replace(&mut piece, &preview, -corner[0], -corner[1]);
    encoded(&resized(&piece, TILE_SIDE_PX, TILE_SIDE_PX)?, TILE_QUALITY, ColorResolution::Full).ok()
}

/// `/case/ID/field/FIELD.jpg` and `.json`.
pub async fn field(
    State(server): State<Server>,
    known: Known,
    Path((id, file)): Path<(String, String)>,
    Query(query): Query<SeriesQuery>,
) -> Response {
    if let Some(field) = numbered(&file, ".jpg") {
        let found = server.work(move |desk| {
            let field = desk.fields(&id)?.field_of(field as usize).map_err(unreadable)?;
            Ok(field.and_then(|field| Some(field.preview?.jpeg)))
        });
        return answer("image/jpeg", found.await);
    }
    let Some(number) = numbered(&file, ".json") else { return StatusCode::NOT_FOUND.into_response() };
    let series = query.series();
    let found = server.work(move |desk| {
        let Some(field) = desk.fields(&id)?.field_of(number as usize).map_err(unreadable)? else { return Ok(None) };
        desk.with(&id, |case| {
            if series == Series::Second {
                case.state().may_read(series, &known.reader).map_err(ReviewError::Refused)?;
            }
            let view = CaseView { id: &id, case, series };
            Ok(objects(&view, number, &field))
        })
    });
    match found.await {
        Ok(Some(view)) => Json(view).into_response(),
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => {
            (StatusCode::UNPROCESSABLE_ENTITY, Json(serde_json::json!({"error": error.to_string()}))).into_response()
        }
    }
}

fn objects(view: &CaseView<'_>, number: u32, field: &CaseField) -> Option<FieldView> {
    let record = view.case.software().fields.get(number as usize)?;
    let outlined = field.cells.iter().filter_map(|cell| {
        let key = CellKey::Found { field: number, cell: cell.cell.id };
        let excluded = view.case.cells().get(&key)?.excluded;
        let can_include = excluded.is_some_and(|reason| reason != ExclusionReason::FieldRefused) && record.accepted;
        let points = cell.cell.contour.points().to_vec();
        Some(ObjectView { points, can_include: can_include && view.series == Series::First, cell: view.cell(&key)? })
    });
    let added = view.case.state().added().filter(|added| added.field == number && view.series == Series::First);
    let added = added.filter_map(|added| {
        let cell = view.cell(&CellKey::Added { number: added.number })?;
        let corner = |dx: f64, dy: f64| [cell.x_px + dx * cell.radius_px, cell.y_px + dy * cell.radius_px];
        let points = vec![corner(-1.0, -1.0), corner(1.0, -1.0), corner(1.0, 1.0), corner(-1.0, 1.0)];
        Some(ObjectView { points, can_include: false, cell })
    });
    Some(FieldView {
        field: number,
        name: record.field.clone(),
        width_px: record.width_px,
        height_px: record.height_px,
        preview_px_per_px: field.preview.as_ref().map_or(1.0, |preview| preview.px_per_px),
        accepted: record.accepted,
        objects: outlined.chain(added).collect(),
    })
}
