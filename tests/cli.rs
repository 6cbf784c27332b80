//! The command line as other programs see it: success, refusal, exit code, message, files.

use std::fs;
use std::path::Path;

use assert_cmd::Command;
use image::{Rgb, RgbImage};
use schistoquant::synth::{SynthOptions, field};
use tempfile::TempDir;

const TINY_MODEL: &str = "fixtures/models/tiny.onnx";

fn program() -> Command {
    let mut command = Command::cargo_bin("schistoquant").expect("the program is built");
    command.env_remove("ORT_DYLIB_PATH");
    command
}

/// A folder with synthetic fields.
fn specimen(fields: u32) -> TempDir {
    let folder = TempDir::new().expect("a temporary folder");
    for index in 0..fields {
        let drawn = field(&SynthOptions::default(), 11, index).expect("default options");
        drawn.rgb.save(folder.path().join(&drawn.truth.field)).expect("writable");
    }
    folder
}

fn analyze(inputs: &[&Path], out: &Path, more: &[&str]) -> assert_cmd::assert::Assert {
    program().arg("analyze").args(inputs).arg("--out").arg(out).args(["--model", TINY_MODEL]).args(more).assert()
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
                  schistocyte_probability,status,reason";
    assert_eq!(table.lines().next(), Some(header));
    assert_eq!(table.lines().filter(|line| line.ends_with(",counted,")).count() as u64, counted);
    assert!(counted > 50, "{counted}");
    let page = fs::read_to_string(out.path().join("report.html")).expect("the page");
    assert!(page.contains("For Research Use Only. Not for use in diagnostic procedures."));
    assert_eq!(fs::read_dir(out.path()).expect("a folder").count(), 3, "three reports and nothing else");
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
    let said = String::from_utf8_lossy(&done.get_output().stderr).into_owned();
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
        let said = String::from_utf8_lossy(&done.get_output().stderr).into_owned();
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
fn crops_are_an_array_with_one_row_each() {
    let (input, out) = (specimen(1), TempDir::new().expect("a temporary folder"));
    program().arg("crops").arg(input.path()).arg("--out").arg(out.path()).assert().code(0);
    let rows = fs::read_to_string(out.path().join("crops.csv")).expect("the table").lines().count() - 1;
    let array = fs::read(out.path().join("crops.npy")).expect("the array");
    assert!(rows > 50, "{rows}");
    assert_eq!((array.len() - 128) / (96 * 96 * 3), rows);
    assert_eq!(&array[..6], b"\x93NUMPY");
}

#[test]
fn the_shipped_model_describes_itself() {
    let done = program().args(["model", "--json"]).assert().code(0);
    let document: serde_json::Value = serde_json::from_slice(&done.get_output().stdout).expect("one document");
    assert_eq!(document["card"]["labels"].as_array().map(Vec::len), Some(13));
    assert_eq!(document["engine"]["kind"], "embedded");
}
