//! Bad, cut off and oversized inputs are refused with a reason, never with a panic and never with invented pixels.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use schistoquant::source::{DecodeLimits, SourceError, SourceProblem, decode, expand_inputs};

fn fixtures(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(folder)
}

fn files_of(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder of fixtures");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    files
}

/// What reading a file as a specimen of its own gives: the failures, and the number of fields.
fn read(path: &Path) -> (Vec<SourceError>, usize) {
    let (fields, mut failures) = expand_inputs(&[path.to_owned()], DecodeLimits::default());
    let mut read = 0;
    for field in fields {
        match field.read() {
            Ok(_) => read += 1,
            Err(error) => failures.push(error),
        }
    }
    (failures, read)
}

#[test]
fn every_bad_file_is_refused_for_its_reason() {
    let mut checked = BTreeMap::new();
    // `labs` holds panels, which are no images; the reader of panels is tested with them.
    let folders = files_of(&fixtures("bad")).into_iter().filter(|path| path.is_dir() && !path.ends_with("labs"));
    for folder in folders {
        let category = folder.file_name().expect("a name").to_string_lossy().into_owned();
        for file in files_of(&folder) {
            let (failures, fields) = read(&file);
            assert_eq!(fields, 0, "{} gave a field", file.display());
            assert_eq!(failures.len(), 1, "{}: {failures:?}", file.display());
            let text = failures[0].to_string();
            assert_eq!(failures[0].category().name(), category, "{text}");
            assert!(text.starts_with(&file.display().to_string()), "{text}");
            assert!(text.contains("expected ") && text.contains("found ") && text.contains("; "), "{text}");
            *checked.entry(category.clone()).or_insert(0) += 1;
        }
    }
    let categories: Vec<&str> = checked.keys().map(String::as_str).collect();
    assert_eq!(categories, ["input_unreadable", "input_unsuitable", "limit_reached", "not_in_this_build"]);
}

#[test]
fn headers_that_state_too_many_pixels_are_refused_by_their_numbers() {
    for file in files_of(&fixtures("bad/limit_reached")) {
        let (failures, _) = read(&file);
        let by_header =
            matches!(failures[0].problem, SourceProblem::TooManyPixels { width: 16_000.., height: 16_000.., .. });
        assert!(by_header, "{}", failures[0]);
    }
}

#[test]
fn every_good_file_gives_its_field() {
    let mut good = 0;
    for file in files_of(&fixtures("formats")) {
        if file.extension().is_some_and(|extension| extension == "py" || extension == "md") {
            continue;
        }
        let (failures, fields) = read(&file);
        assert!(failures.is_empty() && fields == 1, "{}: {failures:?}", file.display());
        good += 1;
    }
    assert!(good > 20, "{good} files");
}

#[test]
fn a_prefix_of_a_file_is_refused_or_whole() {
    for file in files_of(&fixtures("formats")) {
        let bytes = fs::read(&file).expect("a fixture");
        let Ok(whole) = decode(&bytes, 0, &DecodeLimits::default()) else { continue };
        for end in 0..bytes.len() {
            if let Ok(prefix) = decode(&bytes[..end], 0, &DecodeLimits::default()) {
                assert!(prefix.rgb == whole.rgb, "{}: {end} of {} bytes", file.display(), bytes.len());
            }
        }
    }
}

proptest! {
    #[test]
    fn noise_is_no_image(noise in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(decode(&noise, 0, &DecodeLimits::default()).is_err());
    }
}
