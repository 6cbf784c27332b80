//! Paths to the fields of one specimen.
//!
//! In: files and folders as given. Out: [`FieldSource`]s in the order given, files of a folder in natural order of
//! their names (`f2` before `f10`), and a [`SourceError`] for each input that gives no field.
//!
//! Rules:
//! 1. A folder is searched one level deep; hidden files are left out. A file in it that is no image is left out too,
//!    unless its extension says image; a file given by name must be one. A folder in it that holds images is a failure of
//!    a specimen: it may be half of it, or another patient's.
//! 2. A file that is reached twice is read once, at its first place.
//! 3. A field is named by its file. Files of the same name get as many folders in front as tell them apart
//!    (`a/1.jpg`, `b/1.jpg`); other names stay bare, so results do not depend on where a specimen lies on disk.

use std::collections::{BTreeMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::file_name::{claims_to_be_image, natural_key, vendor_extension};
use super::folder::image_below;
use super::slide::{Slide, SlideArea, SlideFields, SlidePlan, SlideRequest};
use super::still::StillFile;
use super::{DecodeLimits, FieldSource, SmearSource, SourceError, SourceProblem};
use crate::smear::FieldId;

/// Kind of the DICOM instances that hold the pixels of a slide.
const SLIDE_PIXELS: &str = "VOLUME";

/// The fields of a specimen and what could not be listed.
///
/// Only signatures and page lists are read here. The result depends on the paths and files alone.
///
/// Photographs alone: a slide's first picture is read as one, where it is not larger than the limits.
pub fn expand_inputs(paths: &[PathBuf], limits: DecodeLimits) -> (Vec<FieldSource>, Vec<SourceError>) {
    let listing = listed(paths, limits, None);
    (listing.fields, listing.failures)
}

/// The fields of a specimen of photographs and slides: of a slide those that the request asks for.
///
/// A slide is looked at from afar and hashed here; of photographs only signatures and page lists are read.
pub fn expand_specimen(paths: &[PathBuf], limits: DecodeLimits, request: &SlideRequest) -> SpecimenListing {
    listed(paths, limits, Some(request))
}

/// What the inputs of a specimen are.
#[derive(Debug, Default)]
pub struct SpecimenListing {
    /// Fields in the order in which they are taken.
    pub fields: Vec<FieldSource>,
    /// Inputs, and parts of slides, that cannot be read.
    pub failures: Vec<SourceError>,
    /// Slides among the inputs.
    pub slides: Vec<ListedSlide>,
}

/// A slide of a specimen.
#[derive(Debug, Clone)]
pub struct ListedSlide {
    /// Name of its file, unique in its specimen.
    pub file_name: String,
    /// The slide with its fields.
    pub plan: Arc<SlidePlan>,
}

fn listed(paths: &[PathBuf], limits: DecodeLimits, request: Option<&SlideRequest>) -> SpecimenListing {
    let mut listing = Listing { limits, request: request.cloned(), ..Listing::default() };
    for path in paths {
        if let Err(problem) = listing.input(path) {
            listing.failures.push(problem);
        }
    }
    listing.name()
}

#[derive(Default)]
struct Listing {
    limits: DecodeLimits,
    /// What is asked of slides; `None` takes them for photographs.
    request: Option<SlideRequest>,
    seen: HashSet<PathBuf>,
    /// Series of DICOM slides that are listed already, or whose pixels stand in another file of the folder.
    seen_series: HashSet<String>,
    files: Vec<ListedFile>,
    failures: Vec<SourceError>,
}

struct ListedFile {
    /// Resolved path: what makes files of the same name different.
    resolved: PathBuf,
    source: Arc<dyn SmearSource>,
    slide: Option<Arc<SlidePlan>>,
}

impl Listing {
    fn input(&mut self, path: &Path) -> Result<(), SourceError> {
        let folder = fs::metadata(path).map_err(|error| SourceProblem::from(error).at(path))?.is_dir();
        if folder { self.folder(path).map_err(|problem| problem.at(path)) } else { self.file(path) }
    }

    fn folder(&mut self, folder: &Path) -> Result<(), SourceProblem> {
        let mut names = Vec::new();
        for entry in fs::read_dir(folder)? {
            names.push(entry?.file_name());
        }
        let with_pixels = self.series_with_pixels(folder, &names);
        names.sort_by_cached_key(|name| (natural_key(&name.to_string_lossy()), name.clone()));
        let mut images = 0usize;
        for name in names.iter().filter(|name| !name.to_string_lossy().starts_with('.')) {
            let path = folder.join(name);
            if fs::metadata(&path).is_ok_and(|metadata| metadata.is_dir()) {
                if self.request.is_some()
                    && !leads_up(folder, &path)
                    && let Some(image) = image_below(&path)
                {
                    images += 1;
                    let found = image.strip_prefix(&path).unwrap_or(&image).display().to_string();
                    self.failures.push(SourceProblem::SubFolder { found }.at(path));
                }
                continue;
            }
            // Label and overview of a slide belong to it.
            if self.request.is_some()
                && let Some((series, kind)) = dicom_identity(&path)
                && kind != SLIDE_PIXELS
                && with_pixels.contains(&series)
            {
                continue;
            }
            match self.file(&path) {
                Ok(()) => images += 1,
                Err(error) if claims_to_be_image(&path) => {
                    images += 1;
                    self.failures.push(error);
                }
                Err(SourceError {
                    problem:
                        SourceProblem::NotAnImage { .. }
                        | SourceProblem::NotAFile
                        | SourceProblem::Empty
                        | SourceProblem::NoPermission,
                    ..
                }) => {}
                Err(error) => self.failures.push(error),
            }
        }
        if images == 0 { Err(SourceProblem::FolderWithoutImages) } else { Ok(()) }
    }

    /// Series of which a file of the folder holds the pixels of the slide.
    fn series_with_pixels(&self, folder: &Path, names: &[OsString]) -> HashSet<String> {
        if self.request.is_none() {
            return HashSet::new();
        }
        let identities = names.iter().filter_map(|name| dicom_identity(&folder.join(name)));
        identities.filter(|(_, kind)| kind == SLIDE_PIXELS).map(|(series, _)| series).collect()
    }

    fn file(&mut self, path: &Path) -> Result<(), SourceError> {
        let at_path = |problem: SourceProblem| problem.at(path);
        let resolved = fs::canonicalize(path).map_err(|error| at_path(error.into()))?;
        if !self.seen.insert(resolved.clone()) {
            return Ok(());
        }
        if let Some(request) = self.request.clone()
            && self.is_slide(path, &request).map_err(at_path)?
        {
            // Every file of a series opens the same slide.
            if dicom_identity(path).is_some_and(|(series, _)| !self.seen_series.insert(series)) {
                return Ok(());
            }
            let (plan, problems) = SlidePlan::make(path, &request)?;
            self.failures.extend(problems);
            let plan = Arc::new(plan);
            let source = Arc::new(SlideFields(Arc::clone(&plan)));
            self.files.push(ListedFile { resolved, source, slide: Some(plan) });
            return Ok(());
        }
        // METHOD: the file of such a slide may begin with a picture of its label; read as a photograph it would be counted.
        if let Some(extension) = vendor_extension(path) {
            return Err(at_path(SourceProblem::VendorSlide { extension }));
        }
        let (source, left_out) = StillFile::open(path, self.limits).map_err(at_path)?;
        if let Some(problem) = left_out {
            self.failures.push(problem.at(path));
        }
        self.files.push(ListedFile { resolved, source: Arc::new(source), slide: None });
        Ok(())
    }

    /// Whether a file is read as a slide: by its content, or because an area of it is asked for.
    fn is_slide(&self, path: &Path, request: &SlideRequest) -> Result<bool, SourceProblem> {
        // What is no sound file is told by the reader of photographs.
        let recognized = Slide::recognizes(path, self.limits.max_pixels).unwrap_or(false);
        Ok(recognized || request.area != SlideArea::Monolayer)
    }

    /// Gives every field its name.
    fn name(mut self) -> SpecimenListing {
        let resolved: Vec<&Path> = self.files.iter().map(|file| file.resolved.as_path()).collect();
        let names = distinct_names(&resolved);
        let mut taken = HashSet::new();
        let (mut fields, mut slides) = (Vec::new(), Vec::new());
        for (file, file_name) in self.files.iter().zip(names) {
            if let Some(plan) = &file.slide {
                slides.push(ListedSlide { file_name: file_name.clone(), plan: Arc::clone(plan) });
            }
            for (index, suffix) in file.source.field_suffixes().into_iter().enumerate() {
                let name = format!("{file_name}{suffix}");
                if taken.insert(name.clone()) {
                    let (file_name, source) = (file_name.clone(), Arc::clone(&file.source));
                    fields.push(FieldSource { id: FieldId(name), file_name, source, index });
                } else {
                    self.failures.push(SourceProblem::AmbiguousName { name }.at(file.source.path()));
                }
            }
        }
        SpecimenListing { fields, failures: self.failures, slides }
    }
}

/// Whether a folder in another one is a link to that one or to what lies above it.
fn leads_up(folder: &Path, below: &Path) -> bool {
    let real = |path| fs::canonicalize(path).ok();
    real(folder).zip(real(below)).is_some_and(|(folder, below)| folder.starts_with(below))
}

/// Series and kind of a DICOM slide, by the file's content.
fn dicom_identity(path: &Path) -> Option<(String, String)> {
    Slide::dicom_identity(path)
}

/// File names, with folders in front where names are the same.
fn distinct_names(paths: &[&Path]) -> Vec<String> {
    let with_folders = |path: &Path, folders: usize| -> String {
        let parts: Vec<String> = path
            .components()
            .filter_map(|part| match part {
                std::path::Component::Normal(name) => Some(printable(name)),
                _ => None,
            })
            .collect();
        parts[parts.len().saturating_sub(folders + 1)..].join("/")
    };
    let mut groups: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (index, path) in paths.iter().enumerate() {
        groups.entry(with_folders(path, 0)).or_default().push(index);
    }
    let mut names = vec![String::new(); paths.len()];
    for group in groups.values() {
        let deepest = group.iter().map(|index| paths[*index].components().count()).max().unwrap_or(0);
        // As few folders as tell all of the group apart; all folders where nothing does.
        let folders = (0..deepest)
            .find(|folders| {
                let distinct: HashSet<String> =
                    group.iter().map(|index| with_folders(paths[*index], *folders)).collect();
                distinct.len() == group.len()
            })
            .unwrap_or(deepest);
        for index in group {
            names[*index] = with_folders(paths[*index], folders);
        }
    }
    names
}

/// A name as text; bytes that are no UTF-8 are written `\xE9`, so that names stay distinct.
fn printable(name: &OsStr) -> String {
    let mut text = String::new();
    for chunk in name.as_encoded_bytes().utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|byte| format!("\\x{byte:02X}")));
    }
    text
}

#[cfg(test)]
mod tests;
