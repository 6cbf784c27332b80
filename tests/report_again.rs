//! `report` makes the reports of a case again without its images: the same bytes, and the same as one run with the panel.

use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;

fn fixtures(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name)
}

fn schistoquant(arguments: &[&str]) -> std::process::Output {
    let mut command = Command::cargo_bin("schistoquant").expect("the program");
    command.env_remove("SCHISTOQUANT_CONFIG").args(arguments).output().expect("it runs")
}

/// Files below a folder by name.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        if path.is_dir() {
            files.extend(self::files(&path).into_iter().map(|(below, bytes)| (format!("{name}/{below}"), bytes)));
        } else {
            files.push((name, fs::read(&path).expect("a file")));
        }
    }
    files.sort();
    files
}

fn analyze(out: &Path, more: &[&str]) {
    let fields: Vec<PathBuf> = (1..=2).map(|n| fixtures(&format!("specimen/field-{n:04}.jpg"))).collect();
    let mut arguments = vec!["analyze", "--quiet", "--min-cells", "100", "--accession", "S-1", "--out"];
    arguments.push(out.to_str().expect("UTF-8"));
    arguments.extend(more);
    arguments.extend(fields.iter().map(|path| path.to_str().expect("UTF-8")));
    let output = schistoquant(&arguments);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_panel_given_later_gives_the_same_bytes_as_one_given_at_once() {
    let base = tempfile::tempdir().expect("a folder");
    let path = |name: &str| base.path().join(name);
    let labs = fixtures("labs/cancer.json");
    let labs = labs.to_str().expect("UTF-8");
    analyze(&path("plain"), &[]);
    analyze(&path("at-once"), &["--labs", labs]);

    let report = |case: &str, out: &str, more: &[&str]| {
        let (case, out) = (path(case), path(out));
        let mut arguments = vec!["report", case.to_str().expect("UTF-8"), "--out", out.to_str().expect("UTF-8")];
        arguments.extend(more);
        schistoquant(&arguments)
    };
    assert_eq!(report("plain", "again", &[]).status.code(), Some(0));
    assert_eq!(files(&path("again")), files(&path("plain")));
    assert_eq!(report("plain", "later", &["--labs", labs]).status.code(), Some(0));
    assert_eq!(files(&path("later")), files(&path("at-once")));
    let record = fs::read_to_string(path("later").join("case.json")).expect("a record");
    let record: serde_json::Value = serde_json::from_str(&record).expect("JSON");
    assert!(record["evidence"]["cancer_page"].is_object());

    // The panel stays where none is given, and another specimen is refused.
    assert_eq!(report("later", "kept", &[]).status.code(), Some(0));
    assert_eq!(files(&path("kept")), files(&path("later")));
    let other = report("plain", "other", &["--accession", "S-2"]);
    assert_eq!(other.status.code(), Some(2), "{}", String::from_utf8_lossy(&other.stderr));

    // The archive of one case does not serve another, and a broken one is refused.
    let archive = path("plain").join("case.fields.gz");
    let sound = fs::read(&archive).expect("an archive");
    for broken in [&sound[..sound.len() / 2], &b"no gzip"[..], &[]] {
        fs::write(&archive, broken).expect("written");
        let refused = report("plain", "refused", &[]);
        assert_eq!(refused.status.code(), Some(3));
        assert!(String::from_utf8_lossy(&refused.stderr).contains("case.fields.gz"));
    }
    assert!(!path("refused").exists(), "nothing is left of a refused report");
}

#[test]
fn the_time_of_an_image_is_no_time_of_issue_and_gives_way_to_one() {
    let base = tempfile::tempdir().expect("a folder");
    let path = |name: &str| base.path().join(name);
    let record = |case: &str| -> serde_json::Value {
        let text = fs::read_to_string(path(case).join("case.json")).expect("a record");
        serde_json::from_str(&text).expect("JSON")
    };
    analyze(&path("plain"), &["--format", "json,csv,html,hl7"]);
    let plain = record("plain");
    assert!(plain["issued_at"].is_null(), "{}", plain["issued_at"]);
    let dated = plain["newest_image_at"].as_str().expect("the files have a time").to_owned();
    let message = |case: &str| {
        let found = files(&path(case)).into_iter().find(|(name, _)| name.ends_with(".hl7")).expect("a message");
        String::from_utf8(found.1).expect("UTF-8")
    };
    let day: String = dated[..10].split('-').collect();
    assert!(!message("plain").contains(&day), "{day} in {}", message("plain"));

    let (case, out) = (path("plain"), path("issued"));
    let (case, out) = (case.to_str().expect("UTF-8"), out.to_str().expect("UTF-8"));
    let again = ["report", case, "--out", out, "--issued-at", "2031-05-06T07:08:09Z", "--format", "json,csv,html,hl7"];
    assert_eq!(schistoquant(&again).status.code(), Some(0));
    let issued = record("issued");
    assert_eq!(issued["issued_at"], serde_json::json!({"at": "2031-05-06T07:08:09Z", "source": "given"}));
    assert!(issued["newest_image_at"].is_null());
    assert!(message("issued").starts_with("MSH|^~\\&|SCHISTOQUANT||||20310506070809+0000|"));
}
