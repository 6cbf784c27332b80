//! `report` makes the reports of a case again without its images: the same bytes, and the same as one run with the panel.
//! A folder belongs to one specimen, and nothing out of date is left in it without a word.

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
    let archive = path("plain").join("case.fields");
    let sound = fs::read(&archive).expect("an archive");
    for broken in [&sound[..sound.len() / 2], &b"no archive\n"[..], &[]] {
        fs::write(&archive, broken).expect("written");
        let refused = report("plain", "refused", &[]);
        assert_eq!(refused.status.code(), Some(3));
        assert!(String::from_utf8_lossy(&refused.stderr).contains("case.fields"));
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

/// Runs `analyze` on fields of the fixture.
fn run(out: &Path, fields: &[u32], more: &[&str]) -> std::process::Output {
    let fields: Vec<PathBuf> = fields.iter().map(|n| fixtures(&format!("specimen/field-{n:04}.jpg"))).collect();
    let mut arguments = vec!["analyze", "--min-cells", "100", "--out", out.to_str().expect("UTF-8")];
    arguments.extend(more);
    arguments.extend(fields.iter().map(|path| path.to_str().expect("UTF-8")));
    schistoquant(&arguments)
}

#[test]
fn a_folder_belongs_to_one_specimen() {
    let base = tempfile::tempdir().expect("a folder");
    let out = base.path().join("rep");
    let code = |fields: &[u32], more: &[&str]| {
        let output = run(&out, fields, more);
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    assert_eq!(code(&[1, 2], &["--accession", "A", "--quiet"]).0, Some(0));
    let before = files(&out);
    // Another accession, other pictures, and both: nothing of A is touched.
    for (fields, more, expected) in [
        (&[1, 2][..], &["--accession", "B"][..], "(accession `B`)"),
        (&[3, 4], &["--accession", "A"], "(accession `A`, images field-0003.jpg, field-0004.jpg)"),
        (&[2, 3], &[], "(no accession, images field-0002.jpg, field-0003.jpg)"),
        (&[3], &["--accession", "B", "--format", "hl7", "--issued-at", "2025-01-02T09:00:00Z"], "(accession `B`)"),
    ] {
        let (code, said) = code(fields, more);
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains(expected), "{said}");
        assert!(said.contains("another one (accession `A`, images field-0001.jpg, field-0002.jpg)"), "{said}");
        assert!(said.contains("name another folder with --out"), "{said}");
        assert_eq!(files(&out), before);
    }
    // The same specimen again, with a field more or fewer.
    for (fields, more) in
        [(&[1, 2][..], &["--accession", "A"][..]), (&[1, 2, 3], &["--accession", "A"]), (&[2, 1], &[])]
    {
        let (code, said) = code(fields, more);
        assert_eq!(code, Some(0), "{said}");
    }
    // A folder whose record is no record is nobody's.
    let foreign = base.path().join("foreign");
    fs::create_dir(&foreign).expect("a folder");
    fs::write(foreign.join("case.json"), "notes").expect("written");
    assert_eq!(run(&foreign, &[1, 2], &["--quiet"]).status.code(), Some(2));
    assert_eq!(fs::read_to_string(foreign.join("case.json")).expect("still there"), "notes");
}

#[test]
fn messages_of_an_earlier_run_are_removed_and_reports_that_are_not_made_again_are_named() {
    let base = tempfile::tempdir().expect("a folder");
    let case = base.path().join("case");
    let more = ["--accession", "A", "--quiet", "--format", "json,html,hl7", "--issued-at", "2025-01-02T09:00:00Z"];
    assert_eq!(run(&case, &[1, 2], &more).status.code(), Some(0));
    fs::write(case.join("notes.txt"), "mine").expect("written");
    let messages = || -> Vec<String> {
        files(&case).into_iter().map(|(name, _)| name).filter(|name| name.ends_with(".hl7")).collect()
    };
    let first = messages();
    let labs = fixtures("labs/cancer.json");
    let labs = labs.to_str().expect("UTF-8");
    let report = schistoquant(&["report", case.to_str().expect("UTF-8"), "--labs", labs, "--format", "json,hl7"]);
    assert_eq!(report.status.code(), Some(0), "{}", String::from_utf8_lossy(&report.stderr));
    let said = String::from_utf8_lossy(&report.stdout).into_owned();
    let second = messages();
    assert_eq!((first.len(), second.len()), (1, 1), "{second:?}");
    assert_ne!(first, second, "the panel is another job");
    assert!(said.contains(&format!("removed, of an earlier run: {}", case.join(&first[0]).display())), "{said}");
    assert!(said.contains(&format!("left of an earlier run, not made again: {}", case.join("report.html").display())));
    assert!(case.join("notes.txt").exists() && case.join("report.html").exists());
    // With everything made again nothing is left to be named.
    let report = schistoquant(&["report", case.to_str().expect("UTF-8"), "--labs", labs, "--format", "json,html,hl7"]);
    let said = String::from_utf8_lossy(&report.stdout).into_owned();
    assert!(!said.contains("earlier run"), "{said}");
}

#[test]
fn what_would_be_heeded_by_nothing_is_refused_or_named() {
    let base = tempfile::tempdir().expect("a folder");
    let out = base.path().join("out");
    let missing = base.path().join("none.json");
    let missing = missing.to_str().expect("UTF-8");
    // Both are the same fault of the call.
    for option in ["--labs", "--order"] {
        assert_eq!(run(&out, &[1], &[option, missing]).status.code(), Some(2), "{option}");
    }
    for (more, expected) in [
        (["--cells", "500"], "--cells: expected a slide among the inputs"),
        (["--max-cells", "500"], "--max-cells: expected a slide among the inputs"),
        (["--accession", " "], "nothing but spaces"),
    ] {
        let refused = run(&out, &[1], &more);
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!(refused.status.code(), Some(2), "{said}");
        assert!(said.contains(expected), "{said}");
    }
    assert!(!out.exists(), "nothing is made");

    // A folder with more than photographs: what is not read is said, in words.
    let folder = base.path().join("specimen");
    fs::create_dir_all(folder.join("more")).expect("a folder");
    for (from, to) in
        [("field-0001.jpg", "a.jpg"), ("field-0002.jpg", "more/b.jpg"), ("field-0001.truth.json", "a.json")]
    {
        fs::copy(fixtures("specimen").join(from), folder.join(to)).expect("copied");
    }
    let (folder, out) = (folder.to_str().expect("UTF-8"), out.to_str().expect("UTF-8"));
    let done = schistoquant(&["analyze", folder, "--out", out, "--min-cells", "10"]);
    let (said, shown) = (String::from_utf8_lossy(&done.stderr), String::from_utf8_lossy(&done.stdout));
    assert_eq!(done.status.code(), Some(1), "{said}");
    assert!(said.contains("more: expected the images of a specimen directly in its folder, found b.jpg"), "{said}");
    assert!(said.contains("not read, as no images: ") && said.contains("a.json"), "{said}");
    assert!(shown.contains(" cut by the edge of the field\n") && !shown.contains("frame_edge"), "{shown}");
    assert!(shown.contains("state: ") && !shown.contains("state: not_above"), "{shown}");
}
