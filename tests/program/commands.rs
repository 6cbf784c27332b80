//! The command line as other programs see it: success, refusal, exit code, message, files.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use crate::support::tiny_model::tiny_model;
use assert_cmd::Command;
use image::{Rgb, RgbImage};
use schistoquant::synth::{SynthOptions, field};
use tempfile::TempDir;

static TINY_MODEL: LazyLock<(TempDir, PathBuf)> = LazyLock::new(tiny_model);

fn program() -> Command {
    let mut command = Command::cargo_bin("schistoquant").expect("the program is built");
    command.env("ORT_DYLIB_PATH", "");
    command
}

/// A folder with synthetic fields and, as `synth` leaves it, their truth, which is no input.
fn specimen(fields: u32) -> TempDir {
    let folder = TempDir::new().expect("a temporary folder");
    for index in 0..fields {
        let drawn = field(&SynthOptions::default(), 11, index).expect("default options");
        let image = folder.path().join(&drawn.truth.field);
        drawn.rgb.save(&image).expect("writable");
        fs::write(image.with_extension("truth.json"), serde_json::to_vec(&drawn.truth).expect("truth"))
            .expect("writable");
    }
    folder
}

fn files_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").file_name());
    let mut names: Vec<String> = entries.map(|name| name.to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

fn stderr(done: &assert_cmd::assert::Assert) -> String {
    String::from_utf8_lossy(&done.get_output().stderr).into_owned()
}

fn analyze(inputs: &[&Path], out: &Path, more: &[&str]) -> assert_cmd::assert::Assert {
    program().arg("analyze").args(inputs).arg("--out").arg(out).arg("--model").arg(&TINY_MODEL.1).args(more).assert()
}

#[test]
fn a_specimen_gives_all_reports_and_one_json_document() {
    let (input, out) = (specimen(2), TempDir::new().expect("a temporary folder"));
    let done = analyze(&[input.path()], out.path(), &["--json", "--min-cells", "20", "--accession", "S-1"]).code(0);
    let record: serde_json::Value = serde_json::from_slice(&done.get_output().stdout).expect("one document");
    assert_eq!(record["accession"], "S-1");
    assert_eq!(record["fields"].as_array().map(Vec::len), Some(2));
    let counted = record["count"]["red_cells"].as_u64().expect("a count");
    let table = fs::read_to_string(out.path().join("cells.csv")).expect("the table");
    let header = "field,cell_id,x_px,y_px,x_min,y_min,x_max,y_max,area_px,diameter_um,class,class_probability,\
                  schistocyte_probability,status,reason,form,hidden_share,read_as,read_form,read_class";
    assert_eq!(table.lines().next(), Some(header));
    assert_eq!(table.lines().filter(|line| line.contains(",counted,,")).count() as u64, counted);
    assert!(counted > 50, "{counted}");
    let page = fs::read_to_string(out.path().join("report.html")).expect("the page");
    assert!(page.contains("For Research Use Only. Not for use in diagnostic procedures."));
    let names = files_in(out.path());
    assert_eq!(names.iter().filter(|name| name.starts_with("S-1_") && name.ends_with(".specimen.csv")).count(), 1);
    assert_eq!(names[1..], ["case.fields", "case.json", "cells.csv", "files.json", "report.html"]);
    let schistocytes = record["count"]["schistocytes"].as_u64().expect("a count");
    assert!(schistocytes > 10 && schistocytes < counted, "the model calls some and not all: {schistocytes}");
    // The pictures of both fields, too.
    assert_eq!(page.matches("src=\"data:image/jpeg;base64,").count() as u64, schistocytes + 2);
    assert_eq!(stderr(&done), "", "stderr is no terminal: no progress");
}

#[test]
fn the_bytes_do_not_depend_on_the_number_of_threads() {
    let input = specimen(3);
    let [one, two] = ["1", "2"].map(|threads| {
        let out = TempDir::new().expect("a temporary folder");
        analyze(&[input.path()], out.path(), &["--threads", threads, "--quiet", "--min-cells", "20"]).code(0);
        ["case.json", "cells.csv", "report.html"].map(|name| fs::read(out.path().join(name)).expect("a report"))
    });
    assert!(one == two, "reports differ between one and two threads");
}

#[test]
fn too_few_cells_are_a_report_and_code_4() {
    let (input, out) = (specimen(1), TempDir::new().expect("a temporary folder"));
    analyze(&[input.path()], out.path(), &["--quiet"]).code(4);
    let case = fs::read_to_string(out.path().join("case.json")).expect("the record");
    assert!(case.contains("\"state\": \"insufficient\""));
}

#[test]
fn a_broken_file_is_named_and_the_others_go_on() {
    let (input, out) = (specimen(1), TempDir::new().expect("a temporary folder"));
    let broken = input.path().join("broken.jpg");
    fs::write(&broken, b"no image at all").expect("writable");
    let done = analyze(&[input.path()], out.path(), &["--min-cells", "20"]).code(1);
    let said = stderr(&done);
    assert!(said.contains("broken.jpg") && said.contains("expected"), "{said}");
    assert!(out.path().join("report.html").exists());
}

#[test]
fn nothing_readable_is_code_3_and_leaves_nothing() {
    let folder = TempDir::new().expect("a temporary folder");
    let out = folder.path().join("report");
    let empty = folder.path().join("empty.png");
    fs::write(&empty, b"").expect("writable");
    for input in [empty.as_path(), &folder.path().join("missing.png")] {
        let done = analyze(&[input], &out, &[]).code(3);
        let said = stderr(&done);
        assert!(said.contains("png") && said.contains("found"), "{said}");
        assert!(!out.exists());
    }
}

#[test]
fn a_blank_field_is_not_assessable() {
    let folder = TempDir::new().expect("a temporary folder");
    let blank = folder.path().join("blank.png");
    RgbImage::from_pixel(320, 240, Rgb([230, 228, 225])).save(&blank).expect("writable");
    let out = folder.path().join("report");
    analyze(&[&blank], &out, &["--quiet"]).code(4);
    let case = fs::read_to_string(out.join("case.json")).expect("the record");
    assert!(case.contains("\"state\": \"not_assessable\"") && case.contains("\"percent\": null"), "{case}");
}

#[test]
fn wrong_usage_is_code_2() {
    program().arg("analyze").assert().code(2);
    let input = specimen(1);
    let out = TempDir::new().expect("a temporary folder");
    for wrong in [["--um-per-px", "0"], ["--age-group", "child"], ["--format", "docx"], ["--min-cells", "0"]] {
        analyze(&[input.path()], out.path(), &wrong).code(2);
    }
}

#[test]
fn an_order_reaches_the_record_and_the_order_of_another_specimen_is_refused() {
    let (input, out) = (specimen(1), TempDir::new().expect("a temporary folder"));
    let file = |name: &str, text: &str| {
        let path = input.path().join(name);
        fs::write(&path, text).expect("writable");
        path.to_string_lossy().into_owned()
    };
    let order = file(
        "order.json",
        r#"{"accession": "S-7", "patient": {"id": "MRN1", "sex": "female"}, "collected_at": "2025-01-02T09:00:00+01:00"}"#,
    );
    let image = input.path().join("field-0001.png");
    let done = analyze(&[&image], out.path(), &["--json", "--order", &order]).code(4);
    let record: serde_json::Value = serde_json::from_slice(&done.get_output().stdout).expect("one document");
    assert_eq!(record["accession"], "S-7");
    assert_eq!(record["order"]["patient"]["sex"], "female");
    let expected = serde_json::json!({"at": "2025-01-02T09:00:00+01:00", "source": "collected"});
    assert_eq!(record["issued_at"], expected);

    let given = ["--json", "--order", &order, "--accession", "S-7", "--issued-at", "2025-01-03T00:00:00Z"];
    let done = analyze(&[&image], out.path(), &given).code(4);
    let record: serde_json::Value = serde_json::from_slice(&done.get_output().stdout).expect("one document");
    assert_eq!(record["issued_at"], serde_json::json!({"at": "2025-01-03T00:00:00Z", "source": "given"}));

    let refused = out.path().join("refused");
    let wrong = file("wrong.json", r#"{"accession": "S-7", "patiant": {}}"#);
    let missing = out.path().join("none.json").to_string_lossy().into_owned();
    for (arguments, expected) in [
        (["--order", &order, "--accession", "S-8"], "expected the order of specimen `S-8`, found that of `S-7`"),
        (["--order", &wrong, "--accession", "S-7"], "unknown field `patiant`"),
        (["--order", &missing, "--accession", "S-7"], "expected an order file that can be read"),
        (["--issued-at", "yesterday", "--accession", "S-7"], "expected a time with its offset"),
    ] {
        let said = stderr(&analyze(&[&image], &refused, &arguments).code(2));
        assert!(said.contains(expected), "{said}");
    }
    assert!(!refused.exists());
}

#[test]
fn an_unusable_model_is_code_5_and_an_unwritable_output_code_6() {
    let (input, folder) = (specimen(1), TempDir::new().expect("a temporary folder"));
    let out = folder.path().join("report");
    program().arg("analyze").arg(input.path()).arg("--out").arg(&out).args(["--model", "no.onnx"]).assert().code(5);
    analyze(&[input.path()], &out, &["--onnxruntime", "Cargo.toml"]).code(5);
    let file = folder.path().join("file");
    fs::write(&file, b"in the way").expect("writable");
    analyze(&[input.path()], &file, &[]).code(6);
}

#[test]
fn a_picture_that_breaks_off_is_recorded_with_its_reason() {
    let (input, out) = (specimen(2), TempDir::new().expect("a temporary folder"));
    let cut = input.path().join("field-0002.png");
    let whole = fs::read(&cut).expect("a field");
    fs::write(&cut, &whole[..whole.len() / 2]).expect("writable");
    let done = analyze(&[input.path()], out.path(), &["--json", "--min-cells", "20"]).code(1);
    let record: serde_json::Value = serde_json::from_slice(&done.get_output().stdout).expect("one document");
    let failed = &record["failed_inputs"][0];
    assert!(failed["path"].as_str().is_some_and(|path| path.ends_with("field-0002.png")), "{failed}");
    assert!(failed["reason"].as_str().is_some_and(|reason| reason.contains("expected a sound PNG")), "{failed}");
    assert_eq!(record["fields"].as_array().map(Vec::len), Some(1));
    assert_eq!(record["provenance"]["inputs"].as_array().map(Vec::len), Some(1));
}

#[test]
fn a_pixel_size_that_cannot_be_true_refuses_the_field() {
    let (input, out) = (specimen(1), TempDir::new().expect("a temporary folder"));
    analyze(&[input.path()], out.path(), &["--um-per-px", "50"]).code(4);
    let case = fs::read_to_string(out.path().join("case.json")).expect("the record");
    assert!(case.contains("check --um-per-px") && case.contains("\"accepted\": false"), "{case}");
}

#[test]
fn only_the_formats_asked_for_are_written_and_no_table_holds_more() {
    let (input, out) = (specimen(1), TempDir::new().expect("a temporary folder"));
    analyze(&[input.path()], out.path(), &["--format", "csv"]).code(4);
    let names = files_in(out.path());
    assert_eq!(names[..2], ["cells.csv", "files.json"]);
    assert!(names.len() == 3 && names[2].ends_with(".specimen.csv"), "{names:?}");
}

#[test]
fn a_cause_is_printed_once() {
    let folder = TempDir::new().expect("a temporary folder");
    let done = program().args(["model", "--model"]).arg(folder.path().join("no.onnx")).assert().code(5);
    let said = stderr(&done);
    assert!(said.starts_with("error: ") && said.matches("caused by: ").count() == 1, "{said}");
}

#[test]
fn crops_are_an_array_with_one_row_each() {
    let (input, out) = (specimen(2), TempDir::new().expect("a temporary folder"));
    program().arg("crops").arg(input.path()).arg("--out").arg(out.path()).assert().code(0);
    assert_eq!(files_in(out.path()), ["crops.csv", "crops.npy", "fields", "fields.csv", "labels"]);
    assert_eq!(files_in(&out.path().join("fields")), ["field-0001.png.png", "field-0002.png.png"]);
    assert_eq!(files_in(&out.path().join("labels")), ["field-0001.png.png", "field-0002.png.png"]);
    let table = fs::read_to_string(out.path().join("crops.csv")).expect("the table");
    assert_eq!(
        table.lines().next(),
        Some("crop,field,cell_id,kind,x_px,y_px,x_min,y_min,x_max,y_max,area_px,diameter_um,label,hidden_share")
    );
    let rows: Vec<Vec<&str>> = table.lines().skip(1).map(|line| line.split(',').collect()).collect();
    assert!(rows.len() > 100, "{}", rows.len());
    assert!(rows.iter().enumerate().all(|(index, row)| row[0] == index.to_string() && row[2] == row[12]));
    let array = fs::read(out.path().join("crops.npy")).expect("the array");
    assert_eq!(array.len(), 128 + rows.len() * 96 * 96 * 3);
    assert_eq!(&array[..6], b"\x93NUMPY");
    assert!(String::from_utf8_lossy(&array[10..128]).contains(&format!("({}, 96, 96, 3)", rows.len())));
    // The label map holds the cell of a row at its center.
    let labels = image::open(out.path().join("labels/field-0001.png.png")).expect("a label map").into_luma16();
    let field = image::open(out.path().join("fields/field-0001.png.png")).expect("a normalized field").into_rgb8();
    assert_eq!(field.dimensions(), labels.dimensions());
    let fields = fs::read_to_string(out.path().join("fields.csv")).expect("the fields");
    let row: Vec<&str> = fields.lines().nth(1).expect("a field").split(',').collect();
    assert_eq!((row[0], row[1], row[2], row[4]), ("field-0001.png", "640", "480", "0.1875"));
    let scale: f64 = row[3].parse().expect("a number");
    let cell = rows.iter().find(|row| row[3] == "red_cell").expect("a red cell");
    let [x, y] = [4, 5].map(|column| (cell[column].parse::<f64>().expect("a number") / scale) as u32);
    assert_eq!(labels.get_pixel(x, y).0[0].to_string(), cell[12]);
}

#[test]
fn crops_of_a_broken_file_are_left_out_and_those_of_none_leave_nothing() {
    let (input, folder) = (specimen(1), TempDir::new().expect("a temporary folder"));
    let (broken, out) = (folder.path().join("broken.png"), folder.path().join("crops"));
    fs::write(&broken, b"no image at all").expect("writable");
    let done = program().arg("crops").args([input.path(), &broken]).arg("--out").arg(&out).assert().code(1);
    assert!(stderr(&done).contains("broken.png"));
    assert_eq!(fs::read_to_string(out.join("fields.csv")).expect("the fields").lines().count(), 2);
    let nothing = folder.path().join("nothing");
    program().arg("crops").arg(&broken).arg("--out").arg(&nothing).assert().code(3);
    let blank = folder.path().join("blank.png");
    RgbImage::from_pixel(320, 240, Rgb([230, 228, 225])).save(&blank).expect("writable");
    let done = program().arg("crops").arg(&blank).arg("--out").arg(&nothing).assert().code(3);
    assert!(stderr(&done).contains("blank.png: expected a pixel size or a red cell"), "{}", stderr(&done));
    assert!(!nothing.exists());
}

/// Ctrl-C leaves with 130 and leaves no file; an earlier report stays as it was.
#[cfg(unix)]
#[test]
fn an_interrupted_run_leaves_the_earlier_report() {
    let (input, folder) = (specimen(1), TempDir::new().expect("a temporary folder"));
    for copy in 0..200 {
        let name = format!("copy-{copy}.png");
        fs::copy(input.path().join("field-0001.png"), input.path().join(name)).expect("writable");
    }
    let earlier = folder.path().join("case.json");
    let record = r#"{"accession": null, "provenance": {"inputs": []}}"#;
    fs::write(&earlier, record).expect("writable");
    let mut run = std::process::Command::new(assert_cmd::cargo::cargo_bin!("schistoquant"));
    run.arg("analyze").arg(input.path()).arg("--out").arg(folder.path()).arg("--model").arg(&TINY_MODEL.1);
    let mut run = run.args(["--threads", "1", "--quiet"]).spawn().expect("the program is built");
    std::thread::sleep(std::time::Duration::from_secs(2));
    let sent =
        std::process::Command::new("kill").args(["-INT", &run.id().to_string()]).status().expect("kill is there");
    assert!(sent.success(), "the run was over before it could be interrupted");
    assert_eq!(run.wait().expect("it ends").code(), Some(130));
    assert_eq!(fs::read_to_string(&earlier).expect("a file"), record);
    assert_eq!(files_in(folder.path()), ["case.json"]);
}

#[cfg(unix)]
#[test]
fn a_closed_pipe_is_no_failure() {
    let mut run = std::process::Command::new(assert_cmd::cargo::cargo_bin!("schistoquant"))
        .arg("model")
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("the program is built");
    drop(run.stdout.take());
    let done = run.wait_with_output().expect("it ends");
    assert_eq!((done.status.code(), String::from_utf8_lossy(&done.stderr).as_ref()), (Some(0), ""));
}

#[test]
fn the_shipped_model_describes_itself() {
    let done = program().args(["model", "--json"]).assert().code(0);
    let document: serde_json::Value = serde_json::from_slice(&done.get_output().stdout).expect("one document");
    assert_eq!(document["card"]["labels"].as_array().map(Vec::len), Some(13));
    assert_eq!(document["engine"]["kind"], "embedded");
}

#[test]
fn messages_wait_in_every_command_where_a_review_is_required() {
    let base = TempDir::new().expect("a temporary folder");
    let path = |name: &str| base.path().join(name);
    let film = specimen(1);
    for place in ["drop/S-1", "films/S-1"] {
        fs::create_dir_all(path(place)).expect("a folder");
        fs::copy(film.path().join("field-0001.png"), path(place).join("a.png")).expect("copied");
    }
    fs::write(path("drop/S-1/.ready"), "").expect("written");
    let formats = ["--format", "json,hl7,fhir", "--quiet"];
    for (command, input, more, code) in [
        ("analyze", "films/S-1/a.png", &[][..], 4),
        ("batch", "films", &[], 0),
        ("watch", "drop", &["--once", "--settle-seconds", "0.05"], 0),
    ] {
        let made = |out: &Path, required: &[&str]| {
            let mut run = program();
            run.env_remove("SCHISTOQUANT_CONFIG").arg(command).arg(path(input)).arg("--out").arg(out).args(formats);
            run.args(more).args(required).arg("--model").arg(&TINY_MODEL.1).assert().code(code);
            below(out)
        };
        let is_message = |name: &str| name.ends_with(".hl7") || name.ends_with(".fhir.json");
        let held = made(&path(&format!("{command}-held")), &["--require-review"]);
        assert!(!held.keys().any(|name| is_message(name)), "{command}: {:?}", held.keys());
        let list = held.iter().find(|(name, _)| name.ends_with("files.json")).expect("a list of the files").1;
        let list: serde_json::Value = serde_json::from_slice(list).expect("JSON");
        assert_eq!(list["held"], serde_json::json!(["fhir", "hl7"]), "{command}");
        // Without the option both are written at once: the drop is put there again.
        if command == "watch" {
            fs::rename(path("drop/done/S-1"), path("drop/S-1")).expect("renamed");
        }
        let sent = made(&path(&format!("{command}-sent")), &[]);
        assert_eq!(sent.keys().filter(|name| is_message(name)).count(), 2, "{command}: {:?}", sent.keys());
    }
}

/// Files of a folder and those below it, by their paths.
fn below(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(below(&path));
        } else {
            found.insert(path.to_string_lossy().into_owned(), fs::read(&path).expect("a file"));
        }
    }
    found
}

#[test]
fn the_configuration_stands_in_the_record_and_another_one_is_another_job() {
    let (input, base) = (specimen(1), TempDir::new().expect("a temporary folder"));
    let made = |name: &str, text: &str| {
        let (config, out) = (base.path().join(format!("{name}.toml")), base.path().join(name));
        fs::write(&config, text).expect("written");
        let config = config.to_string_lossy().into_owned();
        let more = ["--format", "json,csv,html", "--quiet", "--accession", "S-1", "--config", &config];
        analyze(&[&input.path().join("field-0001.png")], &out, &more).code(4);
        let record: serde_json::Value =
            serde_json::from_slice(&fs::read(out.join("case.json")).expect("the record")).expect("JSON");
        let row = files_in(&out).into_iter().find(|name| name.ends_with(".specimen.csv")).expect("the row");
        let page = fs::read_to_string(out.join("report.html")).expect("the page");
        (record, row, page)
    };
    let (own, own_name, own_page) = made("own", "[laboratory]\nname = \"Own Laboratory\"\n");
    let (same, same_name, _) = made("same", "# A note.\n[laboratory]\nname = 'Own Laboratory'\n");
    let (other, other_name, other_page) =
        made("other", "[laboratory]\nname = \"Other Laboratory\"\n[count]\nmin_cells = 500\n");
    let hash = |record: &serde_json::Value| {
        record["provenance"]["options"]["configuration_sha256"].as_str().expect("a hash").to_owned()
    };
    assert_eq!((hash(&own).len(), hash(&same)), (64, hash(&own)));
    assert_ne!(hash(&other), hash(&own));
    assert_eq!(own_name, same_name);
    assert_ne!(own_name, other_name);
    assert_eq!(own["laboratory"]["name"], "Own Laboratory");
    assert!(own_page.contains("Own Laboratory") && other_page.contains("Other Laboratory"));
    assert_eq!(other["provenance"]["options"]["min_cells"], 500);
}
