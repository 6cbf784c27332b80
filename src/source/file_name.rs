//! What the name of a file says of it, and the order of names as a person reads them: `field-2` before `field-10`.
//!
//! In: paths. Out: whether a file claims to be an image or a slide, and paths in order. Limits: the content decides in the end.

use std::path::{Path, PathBuf};

/// Extensions by which a file of a folder claims to be an image; without one of them a file that is none is passed over.
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
