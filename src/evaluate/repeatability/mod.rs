//! How far the percentage moves when another camera sees the same films.
//!
//! In: a [`LabelledSet`], of which images, split and pixel size are used, and [`Change`]s. Out: a
//! [`RepeatabilityRecord`], the called percentage of each film before and after each change and the relative change
//! over all. A film is a group of the split file; fields without a group are one film.
//!
//! Order: 1. the fields as they are, from their files through the whole pipeline; 2. for each change a temporary folder
//! of changed pictures, as PNG, and the same pipeline on these files, pixel sizes estimated anew.
//!
//! METHOD: the stain of a film is brought to that of the next film by name, the last to the first, so that every film
//! gets a stain that occurs. Limits: with one film there is no other stain, and the change is none.

mod changes;

pub use changes::Change;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use image::ImageFormat;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use changes::Stain;

use super::set::{ChosenFields, EvaluateError, LabelledSet, file_name};
use crate::case::rounded;
use crate::count::FieldTally;
use crate::pipeline::{Models, Progress, SpecimenScale, examine, given_calibration, in_order};
use crate::source::{DecodeLimits, FieldSource, expand_inputs};

/// Called schistocytes of a film.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FilmCount {
    /// Counted cells.
    pub red_cells: u64,
    /// Of them called schistocyte.
    pub schistocytes: u64,
    /// Accepted fields.
    pub fields: u64,
    /// Percentage; null without a counted cell.
    pub percent: Option<f64>,
}

impl FilmCount {
    fn new(red_cells: u64, schistocytes: u64, fields: u64) -> Self {
        let percent = (red_cells > 0).then(|| rounded(100.0 * schistocytes as f64 / red_cells as f64));
        Self { red_cells, schistocytes, fields, percent }
    }

    /// Both together.
    fn plus(self, other: Self) -> Self {
        let schistocytes = self.schistocytes + other.schistocytes;
        Self::new(self.red_cells + other.red_cells, schistocytes, self.fields + other.fields)
    }
}

/// A film before and after a change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FilmChange {
    /// Name of the film; empty for fields without a group.
    pub film: String,
    /// As it is.
    pub before: FilmCount,
    /// Changed.
    pub after: FilmCount,
}

/// All films before and after a change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChangeRecord {
    /// Name of the change.
    pub change: String,
    /// Films by name.
    pub films: Vec<FilmChange>,
    /// All films together, as they are.
    pub before: FilmCount,
    /// All films together, changed.
    pub after: FilmCount,
    /// (after − before) / before of the percentages of all films; null where nothing was called before.
    pub relative_change: Option<f64>,
}

/// The record written as `repeatability.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RepeatabilityRecord {
    /// Version of this record.
    pub schema_version: String,
    /// Name of the set.
    pub set: String,
    /// Model with its version.
    pub model: String,
    /// SHA-256 of its graph.
    pub model_sha256: String,
    /// The changes in the order asked for.
    pub changes: Vec<ChangeRecord>,
}

/// Version of the record.
const SCHEMA_VERSION: &str = "1.0";

/// The fields of a film and their pixel sizes.
struct Film {
    sources: Vec<FieldSource>,
    scale: SpecimenScale,
}

/// Films by name.
type Films<T> = BTreeMap<String, T>;

/// Measures a set as it is and under each change.
///
/// # Errors
/// [`EvaluateError`] where no field can be read, the engine fails, or a changed picture cannot be written.
pub fn repeatability(
    set: &LabelledSet,
    changes: &[Change],
    models: &Models,
    progress: &dyn Progress,
    stop: &AtomicBool,
) -> Result<RepeatabilityRecord, EvaluateError> {
    let fields = ChosenFields::of(set, &models.segmenter)?;
    let mut films: Films<Film> = BTreeMap::new();
    for source in &fields.sources {
        let name = fields.group_of(source).unwrap_or_default().to_owned();
        let new = || Film { sources: Vec::new(), scale: fields.scale_of(source).clone() };
        films.entry(name).or_insert_with(new).sources.push(source.clone());
    }
    if films.is_empty() {
        let failures = fields.failures.clone();
        return Err(EvaluateError::NoField { set: set.name.clone(), failures, unlabelled: 0 });
    }
    progress.found(fields.sources.len() * (1 + changes.len()));
    let before = counted(&films, models, progress, stop)?;
    let stains: Films<Stain> = films.iter().map(|(name, film)| (name.clone(), stain_of(&film.sources))).collect();
    let others: Vec<Stain> = stains.values().cycle().skip(1).take(stains.len()).copied().collect();
    let changed = |change: Change| -> Result<ChangeRecord, EvaluateError> {
        let folder = tempfile::tempdir().map_err(|source| EvaluateError::Temporary { source: source.into() })?;
        let given = set.um_per_px.and_then(|size| given_calibration(size / change.scale()));
        let mut moved = BTreeMap::new();
        for (i, (name, film)) in films.iter().enumerate() {
            let place = folder.path().join(i.to_string());
            let sources = written(&film.sources, &place, |rgb| change.of(rgb, stains[name], others[i]))?;
            let scale = SpecimenScale::of_specimen(&sources, given, &models.segmenter)?;
            moved.insert(name.clone(), Film { sources, scale });
        }
        Ok(record(change, &before, &counted(&moved, models, progress, stop)?))
    };
    let changes = changes.iter().map(|&change| changed(change)).collect::<Result<Vec<_>, _>>()?;
    let card = models.classifier.card();
    Ok(RepeatabilityRecord {
        schema_version: SCHEMA_VERSION.to_owned(),
        set: set.name.clone(),
        model: format!("{} {}", card.name, card.version),
        model_sha256: card.graph_sha256.clone(),
        changes,
    })
}

/// Counts of each film.
fn counted(
    films: &Films<Film>,
    models: &Models,
    progress: &dyn Progress,
    stop: &AtomicBool,
) -> Result<Films<FilmCount>, EvaluateError> {
    let mut counts = BTreeMap::new();
    for (name, film) in films {
        let mut count = FilmCount::default();
        let work = |source: &FieldSource| -> Result<FilmCount, EvaluateError> {
            progress.field_done();
            // A field that cannot be read is in neither count: it fails before and after alike.
            let Ok(field) = source.read() else { return Ok(FilmCount::default()) };
            let examined = examine(&field, &film.scale, models)
                .map_err(|error| EvaluateError::Examine { field: source.id().to_string(), source: error })?;
            let tally = FieldTally::of_cells(&examined.cells);
            Ok(FilmCount::new(tally.red_cells(), tally.schistocytes(), u64::from(examined.quality.accepted())))
        };
        in_order(&film.sources, stop, work, |field| -> Result<(), EvaluateError> {
            count = count.plus(field);
            Ok(())
        })?;
        counts.insert(name.clone(), count);
    }
    Ok(counts)
}

fn stain_of(sources: &[FieldSource]) -> Stain {
    let stains: Vec<Stain> =
        sources.par_iter().filter_map(|source| source.read().ok()).map(|field| Stain::of(&field.rgb)).collect();
    stains.iter().fold(Stain::default(), |sum, stain| sum.plus(stain))
}

/// Writes changed pictures into a folder and lists them.
fn written(
    sources: &[FieldSource],
    folder: &Path,
    change: impl Fn(&image::RgbImage) -> image::RgbImage + Sync,
) -> Result<Vec<FieldSource>, EvaluateError> {
    std::fs::create_dir_all(folder).map_err(|source| EvaluateError::Temporary { source: source.into() })?;
    let write = |source: &FieldSource| -> Result<(), EvaluateError> {
        let Ok(field) = source.read() else { return Ok(()) };
        let path = folder.join(file_name(source.path())).with_extension("png");
        let saved = change(&field.rgb).save_with_format(path, ImageFormat::Png);
        saved.map_err(|source| EvaluateError::Temporary { source })
    };
    sources.par_iter().map(write).collect::<Result<Vec<()>, _>>()?;
    Ok(expand_inputs(&[folder.to_owned()], DecodeLimits::default()).0)
}

fn record(change: Change, before: &Films<FilmCount>, after: &Films<FilmCount>) -> ChangeRecord {
    let sum = |counts: &Films<FilmCount>| counts.values().copied().fold(FilmCount::default(), FilmCount::plus);
    let film = |(name, before): (&String, &FilmCount)| FilmChange {
        film: name.clone(),
        before: *before,
        after: after.get(name).copied().unwrap_or_default(),
    };
    let (all_before, all_after) = (sum(before), sum(after));
    let relative = all_after.percent.zip(all_before.percent).filter(|(_, before)| *before > 0.0);
    ChangeRecord {
        change: change.to_string(),
        films: before.iter().map(film).collect(),
        before: all_before,
        after: all_after,
        relative_change: relative.map(|(after, before)| rounded((after - before) / before)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(red_cells: u64, schistocytes: u64) -> FilmCount {
        FilmCount::new(red_cells, schistocytes, 1)
    }

    #[test]
    fn the_change_of_all_films_computed_by_hand() {
        let before = BTreeMap::from([("a".to_owned(), count(1000, 20)), ("b".to_owned(), count(1000, 0))]);
        let after = BTreeMap::from([("a".to_owned(), count(900, 22)), ("b".to_owned(), count(1100, 1))]);
        let found = record(Change::Blur, &before, &after);
        // 1 % before, 23 of 2000 after.
        assert_eq!((found.before.percent, found.after.percent), (Some(1.0), Some(1.15)));
        assert_eq!(found.relative_change, Some(0.15));
        assert_eq!(found.films.len(), 2);
        let none = BTreeMap::from([("a".to_owned(), count(1000, 0))]);
        assert_eq!(record(Change::Blur, &none, &after).relative_change, None);
    }
}
