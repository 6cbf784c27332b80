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

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::{SourceError, SourceProblem};
use super::field::{FieldSource, SmearSource};
use super::file::DecodeLimits;
use super::folder::{claims_to_be_image, distinct_names, image_below, leads_up, natural_key, vendor_extension};
use super::slide::Slide;
use super::still::StillFile;
use crate::smear::FieldId;

/// Kind of the DICOM instances that hold the pixels of a slide.
const SLIDE_PIXELS: &str = "VOLUME";

/// The fields of photographs and what could not be listed: a slide's first picture is read as one, where it is not larger
/// than the limits.
///
/// Only signatures and page lists are read here. The result depends on the paths and files alone.
pub fn expand_inputs(paths: &[PathBuf], limits: DecodeLimits) -> (Vec<FieldSource>, Vec<SourceError>) {
    let listing = list_inputs(paths, limits, None);
    (listing.fields, listing.failures)
}

/// Opens a slide: gives the reader of its fields, and the parts that cannot be read.
type OpenSlide<'a> = &'a mut dyn FnMut(&Path) -> Result<(Arc<dyn SmearSource>, Vec<SourceError>), SourceError>;

/// How the slides among the inputs are opened.
pub(crate) struct SlideOpener<'a> {
    /// Whether every file is opened as a slide, whatever its content is.
    pub every_file: bool,
    /// Called for each slide, in the order of the inputs.
    pub open: OpenSlide<'a>,
}

/// The inputs of a specimen, listed.
pub(crate) struct InputListing {
    /// Fields in the order in which they are taken.
    pub fields: Vec<FieldSource>,
    /// Inputs, and parts of slides, that cannot be read.
    pub failures: Vec<SourceError>,
    /// Names of the files of the slides that were opened, in that order; each is unique in its specimen.
    pub slides: Vec<String>,
}

/// Lists the fields of the inputs; without an opener slides are taken for photographs.
pub(crate) fn list_inputs(paths: &[PathBuf], limits: DecodeLimits, slides: Option<SlideOpener<'_>>) -> InputListing {
    let mut listing = Listing { limits, slides, ..Listing::default() };
    for path in paths {
        if let Err(problem) = listing.input(path) {
            listing.failures.push(problem);
        }
    }
    listing.name()
}

#[derive(Default)]
struct Listing<'a> {
    limits: DecodeLimits,
    /// How slides are opened; `None` takes them for photographs.
    slides: Option<SlideOpener<'a>>,
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
    is_slide: bool,
}

impl Listing<'_> {
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
                if self.slides.is_some()
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
            if self.slides.is_some()
                && let Some((series, kind)) = Slide::dicom_identity(&path)
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
        if self.slides.is_none() {
            return HashSet::new();
        }
        let identities = names.iter().filter_map(|name| Slide::dicom_identity(&folder.join(name)));
        identities.filter(|(_, kind)| kind == SLIDE_PIXELS).map(|(series, _)| series).collect()
    }

    fn file(&mut self, path: &Path) -> Result<(), SourceError> {
        let at_path = |problem: SourceProblem| problem.at(path);
        let resolved = fs::canonicalize(path).map_err(|error| at_path(error.into()))?;
        if !self.seen.insert(resolved.clone()) {
            return Ok(());
        }
        if let Some(opener) = &mut self.slides
            // A damaged file is refused by the reader of photographs, which says more of it.
            && (opener.every_file || Slide::recognizes(path, self.limits.max_pixels).unwrap_or(false))
        {
            // Every file of a series opens the same slide.
            if Slide::dicom_identity(path).is_some_and(|(series, _)| !self.seen_series.insert(series)) {
                return Ok(());
            }
            let (source, problems) = (opener.open)(path)?;
            self.failures.extend(problems);
            self.files.push(ListedFile { resolved, source, is_slide: true });
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
        self.files.push(ListedFile { resolved, source: Arc::new(source), is_slide: false });
        Ok(())
    }

    /// Gives every field its name.
    fn name(mut self) -> InputListing {
        let resolved: Vec<&Path> = self.files.iter().map(|file| file.resolved.as_path()).collect();
        let names = distinct_names(&resolved);
        let mut taken = HashSet::new();
        let (mut fields, mut slides) = (Vec::new(), Vec::new());
        for (file, file_name) in self.files.iter().zip(names) {
            if file.is_slide {
                slides.push(file_name.clone());
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
        InputListing { fields, failures: self.failures, slides }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use image::{DynamicImage, ImageFormat, RgbImage};
    use proptest::prelude::*;
    use tempfile::TempDir;
    use tiff::encoder::{TiffEncoder, colortype};

    use super::*;
    use crate::source::error::ErrorCategory;

    fn png(value: u8) -> Vec<u8> {
        let image = DynamicImage::ImageRgb8(RgbImage::from_pixel(2, 1, image::Rgb([value; 3])));
        let mut bytes = Cursor::new(Vec::new());
        image.write_to(&mut bytes, ImageFormat::Png).expect("an encoder");
        bytes.into_inner()
    }

    /// A TIFF with a page of one gray value for each of `values`.
    fn tiff(values: &[u8]) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        let mut encoder = TiffEncoder::new(&mut bytes).expect("a writer");
        for value in values {
            encoder.write_image::<colortype::Gray8>(40, 40, &[*value; 1600]).expect("a page");
        }
        bytes.into_inner()
    }

    fn folder_with(files: &[(&str, &[u8])]) -> TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, bytes) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            fs::write(path, bytes).expect("a file");
        }
        folder
    }

    fn expand(paths: &[PathBuf]) -> (Vec<String>, Vec<SourceError>) {
        let (fields, failures) = expand_inputs(paths, DecodeLimits::default());
        (fields.iter().map(|field| field.id().to_string()).collect(), failures)
    }

    #[test]
    fn a_folder_is_read_in_natural_order_one_level_deep() {
        let image = png(7);
        let folder = folder_with(&[
            ("f10.png", &image),
            ("f2.png", &image),
            ("F1.png", &image),
            ("no-extension", &image),
            (".hidden.png", &image),
            ("deeper/f3.png", &image),
            ("cells.csv", b"x,y\n"),
            ("notes.txt", b""),
            ("case.json", b"{}"),
            ("meta.xml", b"<a/>"),
        ]);
        let (names, failures) = expand(&[folder.path().to_owned()]);
        assert_eq!(names, ["F1.png", "f2.png", "f10.png", "no-extension"]);
        assert!(failures.is_empty(), "{failures:?}");
    }

    #[test]
    fn a_broken_image_in_a_folder_is_a_failure_and_a_side_file_is_not() {
        let folder = folder_with(&[("a.jpg", b"text"), ("b.png", b""), ("c.png", &png(1)), ("d.gif", b"GIF89a")]);
        let (names, failures) = expand(&[folder.path().to_owned()]);
        assert_eq!(names, ["c.png"]);
        let found: Vec<ErrorCategory> = failures.iter().map(SourceError::category).collect();
        use ErrorCategory::{InputUnreadable, NotInThisBuild};
        assert_eq!(found, [InputUnreadable, InputUnreadable, NotInThisBuild]);
    }

    #[test]
    fn what_is_given_by_name_and_holds_no_image_is_a_failure() {
        let folder = folder_with(&[("cells.csv", b"x,y\n"), ("empty.txt", b""), ("deeper/below/a.png", &png(1))]);
        let paths = ["cells.csv", "empty.txt", "missing.png", "deeper"].map(|name| folder.path().join(name));
        let (names, failures) = expand(&paths);
        assert!(names.is_empty());
        use SourceProblem::{Empty, FolderWithoutImages, Missing, NotAnImage};
        let problems: Vec<&SourceProblem> = failures.iter().map(|failure| &failure.problem).collect();
        assert!(matches!(problems[..], [NotAnImage { .. }, Empty, Missing, FolderWithoutImages]), "{failures:?}");
        assert!(failures[2].to_string().starts_with(&paths[2].display().to_string()));
    }

    #[cfg(unix)]
    #[test]
    fn denied_access_is_named() {
        use std::os::unix::fs::PermissionsExt;
        let folder = folder_with(&[("a.png", &png(1))]);
        let path = folder.path().join("a.png");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).expect("permissions");
        if fs::File::open(&path).is_ok() {
            // The superuser may read everything: nothing to see here.
            return;
        }
        let (_, failures) = expand(&[path]);
        assert!(matches!(failures[0].problem, SourceProblem::NoPermission));
    }

    #[test]
    fn a_file_that_is_reached_twice_is_read_once() {
        let folder = folder_with(&[("a.png", &png(1)), ("b.png", &png(2))]);
        let b = folder.path().join("b.png");
        let dotted = folder.path().join(".").join("b.png");
        let (names, failures) = expand(&[b.clone(), folder.path().to_owned(), dotted, b]);
        assert_eq!(names, ["b.png", "a.png"]);
        assert!(failures.is_empty());
    }

    #[test]
    fn files_of_the_same_name_get_as_many_folders_as_tell_them_apart() {
        let folder = folder_with(&[
            ("a/1.png", &png(1)),
            ("b/1.png", &png(2)),
            ("b/2.png", &png(3)),
            ("x/c/3.png", &png(4)),
            ("y/c/3.png", &png(5)),
        ]);
        let paths = ["a", "b", "x/c", "y/c"].map(|name| folder.path().join(name));
        let (names, _) = expand(&paths);
        assert_eq!(names, ["a/1.png", "b/1.png", "2.png", "x/c/3.png", "y/c/3.png"]);
    }

    #[test]
    fn pages_are_fields_and_a_broken_tail_is_a_failure() {
        let whole = tiff(&[1, 2, 3]);
        let folder = folder_with(&[("s.tif", &whole), ("t.tif", &whole[..whole.len() - 1200])]);
        let (fields, failures) = expand_inputs(&[folder.path().join("s.tif")], DecodeLimits::default());
        assert!(failures.is_empty());
        let names: Vec<&str> = fields.iter().map(|field| field.id().0.as_str()).collect();
        assert_eq!(names, ["s.tif", "s.tif#2", "s.tif#3"]);
        let third = fields[2].read().expect("the third page");
        assert_eq!((third.rgb.get_pixel(0, 0).0, third.id.0.as_str()), ([3; 3], "s.tif#3"));

        let (fields, failures) = expand_inputs(&[folder.path().join("t.tif")], DecodeLimits::default());
        let read: Vec<bool> = fields.iter().map(|field| field.read().is_ok()).collect();
        assert!(read.iter().filter(|ok| **ok).count() == 2, "{read:?}");
        assert_eq!(failures.len() + read.iter().filter(|ok| !**ok).count(), 1, "{failures:?}");
    }

    #[test]
    fn a_name_that_looks_like_a_page_is_not_taken_twice() {
        let folder = folder_with(&[("s.tif", &tiff(&[1, 2])), ("s.tif#2", &png(1))]);
        let (names, failures) = expand(&[folder.path().to_owned()]);
        assert_eq!(names, ["s.tif", "s.tif#2"]);
        assert!(matches!(&failures[0].problem, SourceProblem::AmbiguousName { name } if name == "s.tif#2"));
    }

    #[cfg(unix)]
    #[test]
    fn names_that_are_no_text_stay_distinct() {
        use std::os::unix::ffi::OsStrExt;
        let folder = folder_with(&[]);
        for name in [b"caf\xe8.png", b"caf\xe9.png"] {
            fs::write(folder.path().join(std::ffi::OsStr::from_bytes(name)), png(name[3])).expect("a file");
        }
        let (names, failures) = expand(&[folder.path().to_owned()]);
        assert_eq!(names, ["caf\\xE8.png", "caf\\xE9.png"]);
        assert!(failures.is_empty(), "{failures:?}");
    }

    #[cfg(unix)]
    #[test]
    fn a_named_pipe_is_refused_and_not_waited_for() {
        let folder = folder_with(&[("a.png", &png(1))]);
        let pipe = folder.path().join("pipe.png");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.is_ok_and(|status| status.success()), "mkfifo is part of every Unix");
        let (names, failures) = expand(&[folder.path().to_owned()]);
        assert_eq!(names, ["a.png"]);
        assert!(failures.len() == 1 && failures[0].path == pipe, "{failures:?}");
    }

    proptest! {
        #[test]
        fn field_names_are_distinct_and_do_not_depend_on_the_listing(
            files in prop::collection::btree_set("[ab]/[ab12]{1,2}\\.png", 1..8)
        ) {
            let image = png(1);
            let listed: Vec<(&str, &[u8])> = files.iter().map(|name| (name.as_str(), image.as_slice())).collect();
            let folder = folder_with(&listed);
            let paths: Vec<PathBuf> = files.iter().map(|name| folder.path().join(name)).collect();
            let (names, failures) = expand(&paths);
            prop_assert!(failures.is_empty());
            let distinct: HashSet<&String> = names.iter().collect();
            prop_assert_eq!(distinct.len(), files.len());
            let reversed: Vec<PathBuf> = paths.into_iter().rev().collect();
            let (mut other, _) = expand(&reversed);
            other.reverse();
            prop_assert_eq!(names, other);
        }
    }
}
