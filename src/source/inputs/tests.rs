//! Folders and files of a specimen, made in a temporary folder.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat, RgbImage};
use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::source::ErrorCategory;

fn png(value: u8) -> Vec<u8> {
    let image = DynamicImage::ImageRgb8(RgbImage::from_pixel(2, 1, image::Rgb([value; 3])));
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, ImageFormat::Png).expect("an encoder");
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
fn a_side_file_given_by_name_is_a_failure() {
    let folder = folder_with(&[("cells.csv", b"x,y\n"), ("empty.txt", b"")]);
    let (names, failures) = expand(&[folder.path().join("cells.csv"), folder.path().join("empty.txt")]);
    assert!(names.is_empty());
    assert!(matches!(failures[0].problem, SourceProblem::NotAnImage { .. }));
    assert!(matches!(failures[1].problem, SourceProblem::Empty));
}

#[test]
fn missing_paths_and_folders_without_images_are_named() {
    let folder = folder_with(&[("notes.txt", b"x"), ("deeper/a.png", &png(1))]);
    let missing = folder.path().join("missing.png");
    let (names, failures) = expand(&[missing.clone(), folder.path().to_owned()]);
    assert!(names.is_empty());
    assert!(matches!(failures[0].problem, SourceProblem::Missing));
    assert!(failures[0].to_string().starts_with(&missing.display().to_string()));
    assert!(matches!(failures[1].problem, SourceProblem::FolderWithoutImages));
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
    use tiff::encoder::{TiffEncoder, colortype};
    let mut bytes = Cursor::new(Vec::new());
    let mut encoder = TiffEncoder::new(&mut bytes).expect("a writer");
    for value in [1u8, 2, 3] {
        encoder.write_image::<colortype::Gray8>(40, 40, &[value; 1600]).expect("a page");
    }
    let whole = bytes.into_inner();
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
    use tiff::encoder::{TiffEncoder, colortype};
    let mut bytes = Cursor::new(Vec::new());
    let mut encoder = TiffEncoder::new(&mut bytes).expect("a writer");
    for value in [1u8, 2] {
        encoder.write_image::<colortype::Gray8>(1, 1, &[value]).expect("a page");
    }
    let folder = folder_with(&[("s.tif", &bytes.into_inner()), ("s.tif#2", &png(1))]);
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
        fs::write(folder.path().join(OsStr::from_bytes(name)), png(name[3])).expect("a file");
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

#[test]
fn numbers_in_names_go_by_value() {
    let mut names = ["b", "a10", "a9", "a09", "a", "10", "9", "A9b", "a9-2", "a9-10"];
    names.sort_by_cached_key(|name| (natural_key(name), *name));
    assert_eq!(names, ["9", "10", "a", "a09", "a9", "a9-2", "a9-10", "A9b", "a10", "b"]);
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
