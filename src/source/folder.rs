//! Names of files and contents of folders: which files claim to be images, which are ignored, and what lies further below.
//!
//! In: paths. Out: paths in the order that a person reads them in, `field-2` before `field-10`. Only names and first bytes
//! are looked at; the content of a file decides in the end.
//!
//! METHOD: nothing is dropped without a word. A photograph in a sub-folder may be half of a specimen, or another
//! patient's; a file of another kind may be a panel with a name that nobody looks for.

use std::collections::{BTreeMap, HashSet};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Component, Path, PathBuf};

use super::file::DecodeLimits;
use super::format::{Content, HEAD_BYTES};
use super::slide::Slide;

/// Ends the name of the truth beside a drawn field.
const TRUTH_ENDING: &str = ".truth.json";

/// Levels of folders below an input that are searched for images.
const MAX_DEPTH: usize = 8;

/// Entries below an input that are searched for images: beyond it is no specimen.
const MAX_ENTRIES: usize = 100_000;

/// Extensions that claim an image. A file of a folder that is no image is ignored unless it has one of them.
const IMAGE_EXTENSIONS: [&str; 19] = [
    "jpg", "jpeg", "jpe", "jfif", "png", "tif", "tiff", "bmp", "dib", "webp", "gif", "heic", "heif", "avif", "jp2",
    "j2k", "jxl", "dcm", "svs",
];

/// Extensions of slides in the formats of scanners' makers, which OpenSlide reads.
const VENDOR_EXTENSIONS: [&str; 9] = ["ndpi", "mrxs", "scn", "bif", "vsi", "vms", "vmu", "svslide", "czi"];

fn extension_of(path: &Path) -> Option<String> {
    path.extension().map(|extension| extension.to_string_lossy().to_lowercase())
}

/// Whether the extension is that of an image.
pub(super) fn claims_to_be_image(path: &Path) -> bool {
    extension_of(path).is_some_and(|extension| IMAGE_EXTENSIONS.contains(&extension.as_str()))
}

/// The extension of a slide in the format of a scanner's maker; `None` of another file.
pub(super) fn vendor_extension(path: &Path) -> Option<String> {
    extension_of(path).filter(|extension| VENDOR_EXTENSIONS.contains(&extension.as_str()))
}

/// Whether the name is that of a slide in the format of a scanner's maker.
pub(super) fn is_vendor_slide(path: &Path) -> bool {
    vendor_extension(path).is_some()
}

/// Whether a file says by its name that it is an image or a slide.
pub fn is_named_image(path: &Path) -> bool {
    claims_to_be_image(path) || is_vendor_slide(path)
}

/// Puts paths into the natural order of their names.
pub fn natural_order(paths: &mut [PathBuf]) {
    paths.sort_by_cached_key(|path| (natural_key(&path.to_string_lossy()), path.clone()));
}

/// A part of a name: a number goes by its value, text without regard to case.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum NamePart {
    Number { digits: usize, value: String },
    Text(String),
}

/// Sort key of a name in natural order.
pub(super) fn natural_key(name: &str) -> Vec<NamePart> {
    let mut parts = Vec::new();
    let mut rest = name;
    while let Some(first) = rest.chars().next() {
        let number = first.is_ascii_digit();
        let end = rest.find(|c: char| c.is_ascii_digit() != number).unwrap_or(rest.len());
        let (part, tail) = rest.split_at(end);
        parts.push(if number {
            let value = part.trim_start_matches('0').to_owned();
            NamePart::Number { digits: value.len(), value }
        } else {
            NamePart::Text(part.to_lowercase())
        });
        rest = tail;
    }
    parts
}

/// Names of a folder's entries without the hidden ones, in natural order; none where it cannot be read.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(|path| !is_hidden(path)).collect();
    natural_order(&mut paths);
    paths
}

fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'))
}

/// Whether a file is an image, or says so by its name.
pub fn looks_like_image(path: &Path) -> bool {
    if is_named_image(path) {
        return true;
    }
    let mut head = Vec::new();
    let read = File::open(path).and_then(|file| file.take(HEAD_BYTES as u64).read_to_end(&mut head));
    read.is_ok() && !matches!(Content::of(&head), Content::Unknown)
}

/// Files in the folders among the inputs that are no images and therefore not read. What `synth` writes beside each of its
/// fields is left out: it is never read with them.
pub fn passed_over(inputs: &[PathBuf]) -> Vec<PathBuf> {
    let is_truth = |path: &Path| path.to_string_lossy().ends_with(TRUTH_ENDING);
    let folders = inputs.iter().filter(|input| input.is_dir());
    let files = folders.flat_map(|folder| entries(folder)).filter(|path| path.is_file());
    files.filter(|path| !is_truth(path) && !looks_like_image(path)).collect()
}

/// Whether a slide is among the inputs, or something that cannot be read well enough to tell.
pub fn holds_slide(inputs: &[PathBuf], limits: DecodeLimits) -> bool {
    let is_slide = |path: &PathBuf| is_vendor_slide(path) || Slide::recognizes(path, limits.max_pixels).unwrap_or(true);
    let missing = inputs.iter().any(|input| !input.exists());
    missing || listed_images(inputs).iter().any(is_slide)
}

/// Images that the inputs list, folders one level deep; by their names alone.
pub fn listed_images(inputs: &[PathBuf]) -> Vec<PathBuf> {
    let of = |input: &PathBuf| {
        if !input.is_dir() {
            return vec![input.clone()];
        }
        let images = entries(input).into_iter();
        images.filter(|path| !path.is_dir() && is_named_image(path)).collect()
    };
    inputs.iter().flat_map(of).collect()
}

/// An image in a folder below this one; `None` where there is none. Links are not followed.
pub(super) fn image_below(folder: &Path) -> Option<PathBuf> {
    let mut left = MAX_ENTRIES;
    search(folder, MAX_DEPTH, &mut left)
}

fn search(folder: &Path, depth: usize, left: &mut usize) -> Option<PathBuf> {
    for path in entries(folder) {
        *left = left.checked_sub(1)?;
        let Ok(kind) = fs::symlink_metadata(&path).map(|metadata| metadata.file_type()) else { continue };
        let found = if kind.is_dir() && depth > 0 {
            search(&path, depth - 1, left)
        } else {
            (kind.is_file() && is_named_image(&path)).then_some(path)
        };
        if found.is_some() {
            return found;
        }
    }
    None
}

/// Whether a folder in another one is a link to that one or to what lies above it.
pub(super) fn leads_up(folder: &Path, below: &Path) -> bool {
    let real = |path| fs::canonicalize(path).ok();
    real(folder).zip(real(below)).is_some_and(|(folder, below)| folder.starts_with(below))
}

/// File names, with folders in front where names are the same.
pub(super) fn distinct_names(paths: &[&Path]) -> Vec<String> {
    let with_folders = |path: &Path, folders: usize| -> String {
        let parts: Vec<String> = path
            .components()
            .filter_map(|part| match part {
                Component::Normal(name) => Some(printable(name)),
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
mod tests {
    use super::*;

    #[test]
    fn what_is_not_read_is_named_and_images_are_not() {
        let base = tempfile::tempdir().expect("a folder");
        let path = |name: &str| base.path().join(name);
        for (name, content) in [
            ("f10.txt", "notes"),
            ("f2.txt", "notes"),
            ("a.JPG", "claims to be one"),
            ("photo", "\u{89}"),
            (".hidden", "x"),
            ("labs.json", "{}"),
            ("field-0001.truth.json", "{}"),
        ] {
            fs::write(path(name), content).expect("written");
        }
        fs::write(path("unnamed"), b"\x89PNG\r\n\x1A\n").expect("written");
        fs::create_dir(path("below")).expect("a folder");
        let names: Vec<String> = passed_over(&[base.path().to_owned()])
            .iter()
            .map(|path| path.file_name().expect("a name").to_string_lossy().into_owned())
            .collect();
        assert_eq!(names, ["f2.txt", "f10.txt", "labs.json", "photo"]);
        // A file that the caller names is read or refused, never ignored.
        assert_eq!(passed_over(&[path("f2.txt")]), Vec::<PathBuf>::new());
        assert_eq!(listed_images(&[base.path().to_owned(), path("x.tif")]), [path("a.JPG"), path("x.tif")]);
    }

    #[test]
    fn an_image_is_found_below_and_a_folder_of_other_files_is_not_one() {
        let base = tempfile::tempdir().expect("a folder");
        fs::create_dir_all(base.path().join("one/two")).expect("a folder");
        fs::write(base.path().join("one/data.dat"), "x").expect("written");
        assert_eq!(image_below(base.path()), None);
        let image = base.path().join("one/two/a.tiff");
        fs::write(&image, "x").expect("written");
        assert_eq!(image_below(base.path()), Some(image));
    }

    #[test]
    fn numbers_in_names_go_by_value() {
        let mut names = ["b", "a10", "a9", "a09", "a", "10", "9", "A9b", "a9-2", "a9-10"];
        names.sort_by_cached_key(|name| (natural_key(name), *name));
        assert_eq!(names, ["9", "10", "a", "a09", "a9", "a9-2", "a9-10", "A9b", "a10", "b"]);
    }
}
