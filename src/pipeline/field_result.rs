//! One field of a case: read, taken through the stages, with its pictures and its record.
//!
//! In: a source of pixels and the scale of its specimen. Out: a [`FieldResult`], or why the file could not be read.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::error::AnalyzeError;
use super::examine::{ExaminedField, examine, refuse};
use super::models::Models;
use super::pictures::{outlined_tile, preview};
use super::prepare::SpecimenScale;
use crate::case::{
    CaseField, CellTile, FieldRecord, InputFailure, InputFile, MOST_NEAR_MISSES, QualityFigure, rounded,
};
use crate::classify::ModelCard;
use crate::count::FieldTally;
use crate::smear::{Calibration, CellStatus, ClassifiedCell, Field};
use crate::source::{FieldRegion, FieldSource, SourceError};

/// What a field gives to its case.
pub(super) struct FieldResult {
    /// Its record.
    pub record: FieldRecord,
    /// Its picture and objects.
    pub field: CaseField,
    /// Its counted cells; `None` where it was refused.
    pub tally: Option<FieldTally>,
    /// The file, told apart from others of the same name and content.
    pub path: PathBuf,
    /// What the provenance says of the file.
    pub input: InputFile,
    /// Place on its slide.
    pub region: Option<FieldRegion>,
}

/// An input that could not be read, as the records name it.
pub fn input_failure(error: &SourceError) -> InputFailure {
    InputFailure { path: error.path.display().to_string(), reason: error.problem.to_string() }
}

/// Reads a field and takes it through all stages.
///
/// # Errors
/// The models fail or a picture cannot be encoded; a file that cannot be read is the inner error.
pub(super) fn field_result(
    source: &FieldSource,
    scale: &SpecimenScale,
    models: &Models,
) -> Result<Result<FieldResult, InputFailure>, AnalyzeError> {
    match source.read() {
        Ok(field) => result_of(source, &field, scale, models).map(Ok),
        Err(error) => Ok(Err(input_failure(&error))),
    }
}

fn result_of(
    source: &FieldSource,
    field: &Field,
    scale: &SpecimenScale,
    models: &Models,
) -> Result<FieldResult, AnalyzeError> {
    let name = field.id.to_string();
    let picture = |source| AnalyzeError::Picture { field: name.clone(), source };
    let ExaminedField { calibration, quality, cells, signature } =
        examine(field, scale, models).map_err(|source| AnalyzeError::Examine { field: name.clone(), source })?;
    let accepted = quality.accepted();
    let (preview_jpeg, preview_width_px, preview_height_px, preview_px_per_px) =
        preview(&field.rgb).map_err(picture)?;
    let tiles = tiles(field, &cells, calibration, models.classifier.card()).map_err(picture)?;
    let tally = accepted.then(|| FieldTally::of_cells(&cells));
    let mut record = FieldRecord {
        field: name.clone(),
        region: None,
        width_px: field.rgb.width(),
        height_px: field.rgb.height(),
        um_per_px: calibration.map(|calibration| rounded(calibration.um_per_px)),
        um_per_px_source: calibration.map(|calibration| calibration.source),
        accepted,
        refusals: quality.refusals,
        quality: quality
            .figures
            .iter()
            .map(|figure| QualityFigure {
                name: figure.name.to_owned(),
                value: figure.value.map(rounded),
                min: figure.min,
                max: figure.max,
                accepted: figure.accepted(),
            })
            .collect(),
        red_cells: 0,
        schistocytes: 0,
        exclusions: BTreeMap::new(),
        picture_signature: signature.filter(|_| source.region().is_none()),
    };
    fill_counts(&mut record, tally.as_ref(), &cells);
    Ok(FieldResult {
        record,
        field: CaseField {
            field: name,
            preview_jpeg,
            preview_width_px,
            preview_height_px,
            preview_px_per_px,
            cells,
            tiles,
        },
        tally,
        path: source.path().to_owned(),
        input: InputFile { file: source.file_name().to_owned(), sha256: field.sha256.clone() },
        region: source.region(),
    })
}

/// Takes a field out of the count for a reason.
pub(super) fn refuse_field(record: &mut FieldRecord, field: &mut CaseField, reason: String) {
    record.accepted = false;
    record.refusals.push(reason);
    field.tiles.clear();
    field.cells.iter_mut().for_each(refuse);
}

/// What was counted in a field and what was left out.
pub(super) fn fill_counts(record: &mut FieldRecord, tally: Option<&FieldTally>, cells: &[ClassifiedCell]) {
    record.red_cells = tally.map_or(0, FieldTally::red_cells);
    record.schistocytes = tally.map_or(0, FieldTally::schistocytes);
    record.exclusions = exclusions(cells);
}

/// Pictures of the counted schistocytes, then of the near misses: as many of a field as a report shows of all.
fn tiles(
    field: &Field,
    cells: &[ClassifiedCell],
    calibration: Option<Calibration>,
    card: &ModelCard,
) -> image::ImageResult<Vec<CellTile>> {
    let Some(calibration) = calibration else { return Ok(Vec::new()) };
    let chance = |cell: &ClassifiedCell| cell.counted_call().map_or(0.0, |call| call.schistocyte_probability.value());
    let is_near = |cell: &&ClassifiedCell| card.review_operating_point.is_some_and(|review| cell.is_near_miss(review));
    let mut near: Vec<&ClassifiedCell> = cells.iter().filter(is_near).collect();
    near.sort_by(|one, other| chance(other).total_cmp(&chance(one)));
    near.truncate(MOST_NEAR_MISSES);
    let pictured = cells.iter().filter(|cell| cell.is_counted_schistocyte()).chain(near);
    pictured
        .map(|cell| {
            let png = outlined_tile(&field.rgb, &cell.cell.contour, calibration.um_per_px)?;
            Ok(CellTile { cell_id: cell.cell.id, png })
        })
        .collect()
}

fn exclusions(cells: &[ClassifiedCell]) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for cell in cells {
        if let CellStatus::Excluded(reason, _) = cell.status {
            *counts.entry(reason.name().to_owned()).or_insert(0) += 1;
        }
    }
    counts
}
