//! The program with files that are none, names that are weapons and panels of somebody else: a refusal with its exit code and
//! nothing left behind, or a result that every reader takes for what it is.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use crate::support::tiny_model::tiny_model;
use assert_cmd::Command;
use assert_cmd::assert::Assert;
use schistoquant::report::FileNames;
use schistoquant::synth::{Stain, SynthOptions, field};
use serde_json::Value;
use tempfile::TempDir;

static TINY_MODEL: LazyLock<(TempDir, PathBuf)> = LazyLock::new(tiny_model);

/// A small field with a dozen cells, as PNG.
static PICTURE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let options = SynthOptions {
        field_size_diameters: (7.0, 6.0),
        red_cells_per_field: (10, 12),
        stain: Some(Stain::GreyWhite),
        white_cells_per_field: 0.0,
        ..SynthOptions::default()
    };
    let folder = folder();
    let path = folder.path().join("x.png");
    field(&options, 5, 0).expect("a field").rgb.save(&path).expect("written");
    fs::read(path).expect("read")
});

/// Longest run of a refusal: whatever takes this long waits for something.
const LONGEST: Duration = Duration::from_secs(60);

fn folder() -> TempDir {
    TempDir::new().expect("a temporary folder")
}

fn program(command: &str) -> Command {
    let mut program = Command::cargo_bin("schistoquant").expect("the program is built");
    program.env("ORT_DYLIB_PATH", "").env_remove("SCHISTOQUANT_CONFIG").arg(command).timeout(LONGEST);
    program
}

fn analyze(inputs: &[&Path], out: &Path) -> Command {
    let mut analyze = program("analyze");
    analyze.args(inputs).arg("--out").arg(out).arg("--model").arg(&TINY_MODEL.1);
    analyze
}

fn stderr(done: &Assert) -> String {
    String::from_utf8_lossy(&done.get_output().stderr).into_owned()
}

/// Everything below a folder, as paths from it.
fn tree(folder: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(below) = folders.pop() {
        for entry in fs::read_dir(&below).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() && !path.is_symlink() {
                folders.push(path.clone());
            }
            found.insert(path.strip_prefix(folder).expect("below it").to_owned());
        }
    }
    found
}

#[test]
fn what_is_no_picture_is_code_3_and_leaves_nothing() {
    let place = folder();
    let path = |name: &str| place.path().join(name);
    fs::write(path("empty.jpg"), "").expect("written");
    fs::write(path("text.png"), "no picture").expect("written");
    fs::create_dir(path("folder.png")).expect("a folder");
    let cut = &PICTURE[..PICTURE.len() / 2];
    fs::write(path("cut.png"), cut).expect("written");
    let expected = [
        ("empty.jpg", "found an empty file"),
        ("text.png", "found text"),
        ("folder.png", "expected a folder with"),
        ("cut.png", "expected a sound PNG image"),
        ("none.png", "found nothing there"),
    ];
    for (name, reason) in expected {
        let start = Instant::now();
        let done = analyze(&[&path(name)], &path("out")).assert().code(3);
        let said = stderr(&done);
        assert!(said.contains(name) && said.contains(reason), "{name}: {said}");
        assert!(start.elapsed() < LONGEST && !path("out").exists(), "{name}");
    }
}

#[cfg(unix)]
#[test]
fn links_to_nothing_and_to_themselves_are_code_3() {
    use std::os::unix::fs::symlink;
    let place = folder();
    let path = |name: &str| place.path().join(name);
    symlink(path("gone.png"), path("dangling.png")).expect("a link");
    symlink(path("loop.png"), path("loop.png")).expect("a link");
    fs::create_dir(path("specimen")).expect("a folder");
    symlink(path("specimen"), path("specimen/back")).expect("a link");
    fs::write(path("specimen/a.png"), &*PICTURE).expect("written");
    for name in ["dangling.png", "loop.png"] {
        let done = analyze(&[&path(name)], &path("out")).assert().code(3);
        assert!(stderr(&done).contains(name) && !path("out").exists(), "{}", stderr(&done));
    }
    // A folder that holds a link to itself is read once.
    let done = analyze(&[&path("specimen")], &path("out")).arg("--json").assert().code(4);
    let record: Value = serde_json::from_slice(&done.get_output().stdout).expect("one document");
    assert_eq!(record["fields"].as_array().map(Vec::len), Some(1));
    assert_eq!(record["failed_inputs"], serde_json::json!([]));
}

#[cfg(unix)]
#[test]
fn a_file_without_permission_is_code_3() {
    use std::os::unix::fs::PermissionsExt;
    let place = folder();
    let path = place.path().join("denied.png");
    fs::write(&path, &*PICTURE).expect("written");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).expect("permissions");
    if fs::File::open(&path).is_ok() {
        eprintln!("SKIPPED: the superuser may read every file; run the tests as another user");
        return;
    }
    let done = analyze(&[&path], &place.path().join("out")).assert().code(3);
    assert!(stderr(&done).contains("access is denied"), "{}", stderr(&done));
    assert!(!place.path().join("out").exists());
}

#[test]
fn files_of_one_name_and_of_wrong_extension_are_all_read() {
    let place = folder();
    for name in ["a", "b"] {
        fs::create_dir(place.path().join(name)).expect("a folder");
        fs::write(place.path().join(name).join("same.jpg"), &*PICTURE).expect("written");
    }
    let inputs = [place.path().join("a"), place.path().join("b")];
    let done = analyze(&[&inputs[0], &inputs[1]], &place.path().join("out")).arg("--json").assert().code(4);
    let record: Value = serde_json::from_slice(&done.get_output().stdout).expect("one document");
    let names: Vec<&str> =
        record["fields"].as_array().expect("fields").iter().flat_map(|f| f["field"].as_str()).collect();
    assert_eq!(names, ["a/same.jpg", "b/same.jpg"]);
    let cells = |field: usize| record["fields"][field]["red_cells"].clone();
    assert!(cells(0).as_u64().is_some_and(|cells| cells > 3), "{}", cells(0));
    // Both are read; what both show counts once.
    assert_eq!(cells(1), 0);
    let refusal = record["fields"][1]["refusals"][0].as_str().expect("a refusal");
    assert!(refusal.starts_with("shows the picture of a/same.jpg"), "{refusal}");
}

#[test]
fn one_pixel_is_a_report_of_nothing() {
    let place = folder();
    for (width, height) in [(1, 1), (1, 700), (2, 2)] {
        let path = place.path().join(format!("{width}x{height}.png"));
        image::RgbImage::from_pixel(width, height, image::Rgb([200, 150, 150])).save(&path).expect("written");
        let out = place.path().join(format!("out-{width}x{height}"));
        let done = analyze(&[&path], &out).arg("--json").assert().code(4);
        let record: Value = serde_json::from_slice(&done.get_output().stdout).expect("one document");
        assert_eq!((&record["count"]["red_cells"], &record["count"]["percent"]), (&0.into(), &Value::Null));
    }
}

/// Names that a file can bear on Linux and that break something wherever one is not minded.
const FILE_NAMES: [&str; 12] = [
    "=cmd|' !A0.png",
    "+1+1.png",
    "-2+3.png",
    "@SUM(A1).png",
    "\t=1.png",
    "\r=1.png",
    "<img src=x onerror=alert(1)>.png",
    "\"><svg onload=alert(1)>.png",
    "a|b^c&d~e\\f\rOBX|9|NM|FAKE||99.png",
    "$(touch pwned) `touch pwned`; touch pwned.png",
    "\u{1b}]0;title\u{7}\u{202e}gnp.png",
    "..png",
];

/// Specimen numbers beyond those.
const ACCESSIONS: [&str; 6] =
    ["../../../pwned", "/tmp/pwned", "=HYPERLINK(\"http://x\")", "con", "</script><script>alert(1)</script>", "-rf ~"];

const FORMATS: &str = "json,csv,html,geojson,parquet,pictures,hl7,fhir";

/// A TOML string.
fn toml_text(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// Names and values of the text columns of a CSV file, formulas disarmed.
fn assert_no_formula(path: &Path) -> Vec<csv::StringRecord> {
    let mut reader = csv::Reader::from_path(path).expect("a table");
    let rows: Vec<csv::StringRecord> = reader.records().collect::<Result<_, _>>().expect("rows");
    for entry in rows.iter().flatten() {
        let formula = entry.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']);
        assert!(!formula || entry.parse::<f64>().is_ok(), "{}: {entry:?}", path.display());
    }
    rows
}

fn file_ending(folder: &Path, end: &str) -> PathBuf {
    let found = tree(folder).into_iter().find(|path| path.to_string_lossy().ends_with(end));
    folder.join(found.unwrap_or_else(|| panic!("no file ends with {end}")))
}

/// Every file of a result, read by its format's reader: only what a harmless run writes, and harmless names.
fn assert_harmless(out: &Path, accession: &str) {
    for path in tree(out) {
        let plain = |part: &str| {
            part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
                && !part.starts_with(['.', '-'])
        };
        assert!(path.iter().all(|part| plain(&part.to_string_lossy())), "{}", path.display());
    }
    assert_no_formula(&out.join("cells.csv"));
    let row = assert_no_formula(&file_ending(out, ".specimen.csv")).remove(0);
    assert_eq!(row[0].trim_start_matches('\''), accession);

    let page = fs::read_to_string(out.join("report.html")).expect("the page");
    for tag in ["<img src=x", "<svg onload", "<script"] {
        assert!(!page.contains(tag), "{tag} in the page");
    }
    // The marks of the page are balanced: nothing of a name opens or closes one.
    for (open, close) in [("<body", "</body>"), ("<style", "</style>"), ("<main", "</main>")] {
        assert_eq!(page.matches(open).count(), page.matches(close).count(), "{open}");
    }

    let message = fs::read(file_ending(out, ".hl7")).expect("the message");
    let message = String::from_utf8(message).expect("UTF-8");
    let parsed = hl7_parser::Message::parse(message.trim_end_matches('\r')).expect("a message");
    assert_eq!(parsed.raw_value().len(), message.trim_end_matches('\r').len(), "read to its end");
    for segment in parsed.segments() {
        assert!(["MSH", "SFT", "PID", "ORC", "OBR", "NTE", "OBX", "SPM"].contains(&segment.name), "{}", segment.name);
    }
    assert!(!message.contains("\rOBX|9|NM|FAKE") && !message.contains('\n') && !message.contains('\u{1b}'));

    let bundle: Value =
        serde_json::from_slice(&fs::read(file_ending(out, ".fhir.json")).expect("the bundle")).expect("JSON");
    let entries = bundle["entry"].as_array().expect("entries");
    let kinds: BTreeSet<&str> = entries.iter().flat_map(|entry| entry["resource"]["resourceType"].as_str()).collect();
    let known = ["Device", "DiagnosticReport", "Observation", "Organization", "Patient", "Specimen"];
    assert!(kinds.iter().all(|kind| known.contains(kind)), "{kinds:?}");
    let record: Value = serde_json::from_slice(&fs::read(out.join("case.json")).expect("the record")).expect("JSON");
    assert_eq!(record["accession"], accession);
}

#[cfg(unix)]
#[test]
fn hostile_file_names_reach_no_reader_as_commands() {
    let place = folder();
    let (specimen, out) = (place.path().join("specimen"), place.path().join("out"));
    fs::create_dir(&specimen).expect("a folder");
    for name in FILE_NAMES {
        fs::write(specimen.join(name), &*PICTURE).expect("written");
    }
    let long = format!("{}.png", "=".repeat(251));
    fs::write(specimen.join(&long), &*PICTURE).expect("written");
    // A broken picture is named in the page, in the record and on stderr.
    fs::write(specimen.join("\u{1b}[2J<script>.png"), "no picture").expect("written");
    let mut run = analyze(&[&specimen], &out);
    run.current_dir(place.path()).args([
        "--format",
        FORMATS,
        "--accession",
        "S-1",
        "--issued-at",
        "2025-01-02T00:00:00Z",
    ]);
    let done = run.assert();
    let code = done.get_output().status.code();
    assert!(matches!(code, Some(1 | 4)), "{code:?}: {}", stderr(&done));
    assert!(!stderr(&done).contains('\u{1b}') && stderr(&done).contains("\\u{1b}[2J"), "{}", stderr(&done));
    assert_harmless(&out, "S-1");
    let record: Value = serde_json::from_slice(&fs::read(out.join("case.json")).expect("the record")).expect("JSON");
    let names: BTreeSet<&str> =
        record["fields"].as_array().expect("fields").iter().flat_map(|field| field["field"].as_str()).collect();
    // `..png` begins with a dot: hidden.
    let expected: BTreeSet<&str> =
        FILE_NAMES.into_iter().chain([long.as_str()]).filter(|name| !name.starts_with('.')).collect();
    assert_eq!(names, expected, "the record has every name as it is");
    let beside: Vec<PathBuf> =
        fs::read_dir(place.path()).expect("a folder").map(|e| e.expect("an entry").path()).collect();
    assert_eq!(beside.len(), 2, "{beside:?}");
}

#[test]
fn hostile_specimen_numbers_and_laboratories_stay_text() {
    let weapons: Vec<&str> = FILE_NAMES.into_iter().chain(ACCESSIONS).collect();
    for weapon in weapons {
        let place = folder();
        let (image, out) = (place.path().join("a.png"), place.path().join("deep/down/out"));
        fs::write(&image, &*PICTURE).expect("written");
        let config = place.path().join("lab.toml");
        let text = toml_text(weapon);
        fs::write(&config, format!("[laboratory]\nname = {text}\naddress = {text}\n")).expect("written");
        let before = tree(place.path());
        let mut run = analyze(&[&image], &out);
        run.arg(format!("--accession={weapon}")).arg("--config").arg(&config);
        run.args(["--format", FORMATS, "--issued-at", "2025-01-02T00:00:00Z", "--threads", "1"]);
        let done = run.assert().code(4);
        assert!(!String::from_utf8_lossy(&done.get_output().stdout).contains('\u{1b}'));
        assert_harmless(&out, weapon);
        let after = tree(place.path());
        let outside: Vec<_> = after.difference(&before).filter(|path| !path.starts_with("deep")).collect();
        assert!(outside.is_empty(), "{weapon:?} reached {outside:?}");
        // Its file name is the one that the library states, and no other specimen's.
        let record: schistoquant::case::CaseRecord =
            serde_json::from_slice(&fs::read(out.join("case.json")).expect("the record")).expect("its type");
        assert_eq!(record.laboratory.as_ref().map(|laboratory| laboratory.name.as_str()), Some(weapon));
        assert!(out.join(FileNames::of(&record).expect("names").with("hl7")).exists(), "{weapon:?}");
    }
}

/// A panel whose every free text is the weapon, as its own format and as a Bundle.
fn panels_of_text(weapon: &str) -> [(&'static str, Value); 2] {
    let own = serde_json::json!({
        "context": {
            "cancer": {"tumor": weapon, "active": true},
            "drugs": [{"name": weapon, "start_date": "2025-03-01"}],
            "cardiac": {"present": true, "text": weapon, "date": "2025-03-01"},
            "imaging": [{"text": weapon, "date": "2025-03-01"}]
        },
        "results": [{"analyte": "platelets", "value": 38, "unit": "10*3/uL", "collected_at": "2025-03-05T07:55:00+01:00"}]
    });
    let observation = |code: Value, value: Value| {
        serde_json::json!({"resource": {"resourceType": "Observation", "status": "final",
            "effectiveDateTime": "2025-03-05", "code": code, "valueQuantity": value}})
    };
    let bundle = serde_json::json!({"resourceType": "Bundle", "entry": [
        observation(
            serde_json::json!({"coding": [{"system": "http://loinc.org", "code": "777-3"}]}),
            serde_json::json!({"value": 38, "code": "10*3/uL"}),
        ),
        observation(
            serde_json::json!({"text": weapon, "coding": [{"system": weapon, "code": weapon, "display": weapon}]}),
            serde_json::json!({"value": 1, "unit": weapon, "code": weapon}),
        ),
    ]});
    [("panel.json", own), ("labs.fhir.json", bundle)]
}

#[test]
fn hostile_strings_of_panels_and_orders_stay_text() {
    let mut refused = 0;
    for weapon in FILE_NAMES.into_iter().chain(ACCESSIONS) {
        let place = folder();
        let path = |name: &str| place.path().join(name);
        fs::write(path("a.png"), &*PICTURE).expect("written");
        let order = serde_json::json!({"accession": "S-1", "placer_order_number": weapon, "filler_order_number": weapon,
            "requester": weapon, "patient": {"id": weapon, "id_authority": weapon, "family_name": weapon, "given_name": weapon}});
        fs::write(path("order.json"), order.to_string()).expect("written");
        for (labs, text) in panels_of_text(weapon) {
            fs::write(path(labs), text.to_string()).expect("written");
            let before = tree(place.path());
            let run = |order: Option<&str>, out: &Path| {
                let mut run = analyze(&[&path("a.png")], out);
                run.args(["--format", FORMATS, "--issued-at", "2025-01-02T00:00:00Z", "--threads", "1", "--labs"]);
                run.arg(path(labs));
                match order {
                    Some(order) => run.arg("--order").arg(path(order)),
                    None => run.arg("--accession=S-1"),
                };
                run.assert()
            };
            let out = path("deep/down/out");
            // No field of a message holds a control character: such an order is refused, the panel's text is not.
            let is_orderly = !weapon.contains(char::is_control);
            if !is_orderly {
                let said = stderr(&run(Some("order.json"), &out).code(2));
                assert!(!said.contains(['\u{1b}', '\r']) && tree(place.path()) == before, "{said:?}");
                refused += 1;
            }
            run(is_orderly.then_some("order.json"), &out).code(4);
            assert_harmless(&out, "S-1");
            let record: Value =
                serde_json::from_slice(&fs::read(out.join("case.json")).expect("the record")).expect("JSON");
            let kept = serde_json::to_string(weapon.trim()).expect("a string");
            let kept = &kept[1..kept.len() - 1];
            assert!(record["evidence"].to_string().contains(kept), "{labs}: {kept} in {}", record["evidence"]);
            let outside: Vec<_> =
                tree(place.path()).difference(&before).filter(|path| !path.starts_with("deep")).cloned().collect();
            assert!(outside.is_empty(), "{weapon:?} reached {outside:?}");
            let score = program("score").arg("--labs").arg(path(labs)).assert().code(0);
            let printed = String::from_utf8_lossy(&score.get_output().stdout).into_owned();
            assert!(!printed.contains(['\u{1b}', '\r', '\u{202e}']), "{printed:?}");
            fs::remove_dir_all(path("deep")).expect("removed");
        }
    }
    assert_eq!(refused, 2 * FILE_NAMES.iter().filter(|name| name.contains(char::is_control)).count());
}

/// Panels that name their patient, in each format that can.
fn panels(id: &str, authority: &str) -> [(&'static str, String); 2] {
    let message = format!(
        "MSH|^~\\&|LIS|HOSP|X|Y|20250305||ORU^R01^ORU_R01|1|P|2.5.1\rPID|1||{id}^^^{authority}^MR||||19610314|F\r\
         OBR|1||||||202503050755\rOBX|1|NM|777-3^Platelets^LN||38|10*3/uL||||F\r"
    );
    let bundle = serde_json::json!({"resourceType": "Bundle", "entry": [
        {"resource": {"resourceType": "Patient", "identifier": [{"value": id, "assigner": {"display": authority}}]}},
        {"resource": {"resourceType": "Observation", "status": "final", "effectiveDateTime": "2025-03-05",
            "code": {"coding": [{"system": "http://loinc.org", "code": "777-3"}]},
            "subject": {"identifier": {"value": id}}, "valueQuantity": {"value": 38, "code": "10*3/uL"}}},
    ]});
    [("labs.hl7", message), ("labs.fhir.json", bundle.to_string())]
}

const ORDER: &str = r#"{"accession": "S-7", "patient": {"id": "MRN123", "id_authority": "HOSP"}}"#;

#[test]
fn the_panel_of_another_patient_is_wrong_usage() {
    let place = folder();
    let path = |name: &str| place.path().join(name);
    fs::write(path("a.png"), &*PICTURE).expect("written");
    fs::write(path("order.json"), ORDER).expect("written");
    let run = |labs: &str, out: &str| {
        let mut run = analyze(&[&path("a.png")], &path(out));
        run.arg("--order").arg(path("order.json")).arg("--labs").arg(path(labs)).arg("--quiet");
        run
    };
    for (id, authority) in [("MRN999", "HOSP"), ("MRN999", ""), ("MRN123", "CLINIC")] {
        for (labs, text) in panels(id, authority) {
            fs::write(path(labs), text).expect("written");
            let said = stderr(&run(labs, "out").assert().code(2));
            let named = said.contains("`MRN123 (HOSP)`") && said.contains(&format!("found that of `{id}"));
            assert!(named && !path("out").exists(), "{labs}: {said}");
        }
    }
    for (id, authority) in [("MRN123", "HOSP"), ("MRN123", ""), ("", "")] {
        for (labs, text) in panels(id, authority) {
            fs::write(path(labs), text).expect("written");
            run(labs, "out").assert().code(4);
            let record: Value =
                serde_json::from_slice(&fs::read(path("out/case.json")).expect("the record")).expect("JSON");
            assert!(record["evidence"].is_object(), "{labs}: the panel is weighed");
        }
    }
    // The order of a recorded case meets a later panel as well.
    for (labs, text) in panels("MRN999", "HOSP") {
        fs::write(path(labs), text).expect("written");
        let before = fs::read(path("out/case.json")).expect("the record");
        let said = stderr(&program("report").arg(path("out")).arg("--labs").arg(path(labs)).assert().code(2));
        assert!(said.contains("expected the panel of patient `MRN123 (HOSP)`"), "{said}");
        assert_eq!(fs::read(path("out/case.json")).expect("the record"), before, "nothing was written");
    }
}

#[test]
fn without_an_identifier_on_one_side_no_panel_is_refused() {
    let place = folder();
    let path = |name: &str| place.path().join(name);
    fs::write(path("a.png"), &*PICTURE).expect("written");
    for (labs, text) in panels("MRN999", "HOSP") {
        fs::write(path(labs), text).expect("written");
        fs::write(path("order.json"), r#"{"accession": "S-7", "patient": {"family_name": "Doe"}}"#).expect("written");
        let mut run = analyze(&[&path("a.png")], &path("out"));
        run.arg("--order").arg(path("order.json")).arg("--labs").arg(path(labs)).assert().code(4);
        analyze(&[&path("a.png")], &path("out")).arg("--labs").arg(path(labs)).assert().code(4);
        program("score").arg("--labs").arg(path(labs)).assert().code(0);
    }
}

#[test]
fn a_drop_with_the_panel_of_another_patient_goes_to_error() {
    let place = folder();
    for (name, id) in [("S-7", "MRN123"), ("S-8", "MRN999")] {
        let drop = place.path().join("drop").join(name);
        fs::create_dir_all(&drop).expect("a folder");
        fs::write(drop.join("a.png"), &*PICTURE).expect("written");
        fs::write(drop.join("order.json"), ORDER.replace("S-7", name)).expect("written");
        let [(labs, text), _] = panels(id, "HOSP");
        fs::write(drop.join(labs), text).expect("written");
        fs::write(drop.join(".ready"), "").expect("written");
    }
    let mut watch = program("watch");
    watch.arg(place.path().join("drop")).arg("--out").arg(place.path().join("out")).arg("--model").arg(&TINY_MODEL.1);
    watch.args(["--once", "--quiet"]).assert().code(1);
    let receipt = |path: &str| -> Value {
        serde_json::from_slice(&fs::read(place.path().join(path)).expect("a receipt")).expect("JSON")
    };
    assert_eq!(receipt("drop/done/S-7.json")["state"], "done");
    let refused = receipt("drop/error/S-8.json");
    assert_eq!(refused["exit_code"], 2);
    assert!(
        refused["reason"].as_str().is_some_and(|reason| reason.contains("found that of `MRN999 (HOSP)`")),
        "{refused}"
    );
    let results = fs::read_dir(place.path().join("out")).expect("a folder").count();
    assert_eq!(results, 1, "only the specimen of one patient has a result");
}
