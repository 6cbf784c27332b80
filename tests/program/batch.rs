//! `batch` and `merge` as other programs see them: whole results, resume after any end, shards that join to the same bytes.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use crate::support::tiny_model::tiny_model;
use rand_pcg::Pcg64Mcg;
use rand_pcg::rand_core::{Rng, SeedableRng};
use schistoquant::synth::{Stain, SynthOptions, field};
use tempfile::TempDir;

/// Kills in the usual run of the tests; `SCHISTOQUANT_KILLS` asks for more.
const KILLS: usize = 8;
/// When a run that is let go must have ended.
const LATEST_END_MS: u64 = 300_000;

static TINY_MODEL: LazyLock<(TempDir, PathBuf)> = LazyLock::new(tiny_model);

/// Small fields, each drawn once.
static PICTURES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let folder = TempDir::new().expect("a folder");
    let options = SynthOptions {
        field_size_diameters: (9.0, 8.0),
        red_cells_per_field: (16, 18),
        stain: Some(Stain::GreyWhite),
        white_cells_per_field: 0.0,
        ..SynthOptions::default()
    };
    let drawn = (0..4).map(|index| {
        let path = folder.path().join("picture.png");
        field(&options, 5, index).expect("a field").rgb.save(&path).expect("written");
        fs::read(&path).expect("read")
    });
    drawn.collect()
});

/// Seven specimens of one to three fields in `specimens`; one of them cannot be read.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        let base = TempDir::new().expect("a folder");
        for index in 0..7_usize {
            let folder = base.path().join(format!("specimens/S-{index}"));
            fs::create_dir_all(&folder).expect("a folder");
            for field in 0..=index % 3 {
                let broken = index == 4;
                let picture =
                    if broken { b"no picture" } else { PICTURES[(index + field) % PICTURES.len()].as_slice() };
                fs::write(folder.join(format!("{field}.png")), picture).expect("written");
            }
        }
        Self(base)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn command(&self, out: &str, more: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_schistoquant"));
        command.env("ORT_DYLIB_PATH", "").env_remove("SCHISTOQUANT_CONFIG");
        command.arg("batch").arg(self.path("specimens")).arg("--out").arg(self.path(out)).args(more);
        command.args(["--min-cells", "5", "--model"]).arg(&TINY_MODEL.1);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn batch(&self, out: &str, more: &[&str], exit: i32) -> Output {
        ended(&mut self.command(out, more), exit)
    }

    fn merge(&self, shards: &[&str], out: &str, exit: i32) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_schistoquant"));
        command.arg("merge").args(shards.iter().map(|shard| self.path(shard))).arg("--out").arg(self.path(out));
        ended(&mut command, exit)
    }

    fn tree(&self, out: &str) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut files = BTreeMap::new();
        collect(&self.path(out), Path::new(""), &mut files);
        files
    }

    /// Both folders hold the same files with the same bytes.
    fn same(&self, one: &str, other: &str) {
        let (one_tree, other_tree) = (self.tree(one), self.tree(other));
        assert_eq!(one_tree.keys().collect::<Vec<_>>(), other_tree.keys().collect::<Vec<_>>(), "{one} and {other}");
        let differing: Vec<_> = one_tree.iter().filter(|(path, bytes)| other_tree[*path] != **bytes).collect();
        let names: Vec<_> = differing.iter().map(|(path, _)| path).collect();
        assert!(differing.is_empty(), "{one} and {other}: {names:?}");
    }
}

fn collect(base: &Path, below: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in fs::read_dir(base.join(below)).expect("a folder") {
        let entry = entry.expect("an entry");
        let path = below.join(entry.file_name());
        if entry.file_type().expect("a type").is_dir() {
            collect(base, &path, files);
        } else {
            files.insert(path, fs::read(entry.path()).expect("a file"));
        }
    }
}

fn ended(command: &mut Command, exit: i32) -> Output {
    let output = command.output().expect("it runs");
    assert_eq!(output.status.code(), Some(exit), "{}", stderr(&output));
    output
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Waits for the end, or kills at the moment given; whether it was killed.
fn killed_after(child: &mut Child, time: Duration) -> bool {
    let until = Instant::now() + time;
    while Instant::now() < until {
        if child.try_wait().expect("a process").is_some() {
            return false;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    child.kill().expect("killed");
    child.wait().expect("ended");
    true
}

impl Place {
    /// Runs a batch over a manifest of the folder.
    fn with_manifest(&self, manifest: &[u8], out: &str, more: &[&str], exit: i32) -> Output {
        let path = self.path("manifest.csv");
        fs::write(&path, manifest).expect("written");
        let mut command = Command::new(env!("CARGO_BIN_EXE_schistoquant"));
        command.env("ORT_DYLIB_PATH", "").env_remove("SCHISTOQUANT_CONFIG");
        command.arg("batch").arg(path).arg("--out").arg(self.path(out)).args(more);
        command.args(["--min-cells", "5", "--format", "json", "--model"]).arg(&TINY_MODEL.1);
        ended(&mut command, exit)
    }

    /// Accessions in a table of the batch, in its order, with one of its columns.
    fn column(&self, out: &str, column: &str) -> Vec<(String, String)> {
        let bytes = fs::read(self.path(out).join("specimens.csv")).expect("a table");
        let mut reader = csv::Reader::from_reader(bytes.as_slice());
        let rows = reader.deserialize().map(|row: Result<BTreeMap<String, String>, _>| row.expect("a row"));
        rows.map(|row| (row["accession"].clone(), row[column].clone())).collect()
    }
}

fn texts<const N: usize>(pairs: [(&str, &str); N]) -> Vec<(String, String)> {
    pairs.map(|(one, two)| (one.to_owned(), two.to_owned())).to_vec()
}

fn journal(place: &Place, out: &str) -> Vec<serde_json::Value> {
    let text = fs::read_to_string(place.path(out).join("journal.jsonl")).expect("a journal");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[test]
fn every_specimen_has_its_reports_and_the_failed_one_its_reason() {
    let place = Place::new();
    let done = place.batch("out", &["--quiet"], 1);
    assert!(String::from_utf8_lossy(&done.stdout).starts_with("6 specimens finished, 1 failed, 0 inputs"));
    let tree = place.tree("out");
    let of = |name: &str| tree[Path::new(name)].as_slice();
    let mut failures = csv::Reader::from_reader(of("failures.csv"));
    let rows: Vec<csv::StringRecord> = failures.records().collect::<Result<_, _>>().expect("rows");
    assert_eq!(rows.len(), 1);
    assert_eq!((&rows[0][0], &rows[0][1], &rows[0][2]), ("5", "S-4", "3"));
    assert!(rows[0][3].contains("expected at least one readable image"), "{}", &rows[0][3]);
    // The record is the one that `analyze` makes.
    let lines = journal(&place, "out");
    assert_eq!(
        lines.iter().map(|line| line["line"].as_u64()).collect::<Vec<_>>(),
        (1..=7).map(Some).collect::<Vec<_>>()
    );
    for line in lines.iter().filter(|line| !line["result"].is_null()) {
        let accession = line["accession"].as_str().expect("a name");
        let mut analyze = Command::new(env!("CARGO_BIN_EXE_schistoquant"));
        analyze.env("ORT_DYLIB_PATH", "").env_remove("SCHISTOQUANT_CONFIG");
        analyze.arg("analyze").arg(place.path("specimens").join(accession)).arg("--out").arg(place.path(accession));
        analyze.args(["--quiet", "--min-cells", "5", "--accession", accession, "--format", "json,parquet,html"]);
        analyze.arg("--model").arg(&TINY_MODEL.1);
        ended(&mut analyze, 0);
        let folder = format!("specimens/{}", line["result"]["folder"].as_str().expect("a folder"));
        let mut alone = BTreeMap::new();
        collect(&place.path(accession), Path::new(""), &mut alone);
        for (path, bytes) in &alone {
            assert!(tree[&Path::new(&folder).join(path)] == *bytes, "{accession}: {}", path.display());
        }
    }
    let page = String::from_utf8_lossy(of("batch.html"));
    assert!(page.contains("S-4") && page.contains("href=\"specimens/S-0_"));
    let mut specimens = csv::Reader::from_reader(of("specimens.csv"));
    let rows: Vec<BTreeMap<String, String>> = specimens.deserialize().collect::<Result<_, _>>().expect("rows");
    let states: Vec<_> = rows.iter().map(|row| (row["accession"].as_str(), row["state"] == "failed")).collect();
    assert_eq!(
        states,
        (0..7).map(|n| (["S-0", "S-1", "S-2", "S-3", "S-4", "S-5", "S-6"][n], n == 4)).collect::<Vec<_>>()
    );
    for name in ["specimens.parquet", "cells.parquet"] {
        assert!(of(name).starts_with(b"PAR1") && of(name).ends_with(b"PAR1"), "{name}");
    }
}

#[test]
fn threads_and_shards_end_in_the_same_bytes() {
    let place = Place::new();
    place.batch("one", &["--quiet", "--threads", "1"], 1);
    place.batch("three", &["--quiet", "--threads", "3"], 1);
    place.same("one", "three");
    for shard in ["1/3", "2/3", "3/3"] {
        let out = format!("shard-{}", &shard[..1]);
        place.batch(&out, &["--quiet", "--shard", shard], if shard == "2/3" { 1 } else { 0 });
    }
    place.merge(&["shard-3", "shard-1", "shard-2"], "merged", 1);
    place.same("one", "merged");
    // A merged folder stands for itself: a shard that is removed takes nothing away.
    fs::remove_dir_all(place.path("shard-1")).expect("removed");
    place.same("one", "merged");
}

#[test]
fn shards_that_do_not_belong_together_are_refused() {
    let place = Place::new();
    place.batch("a", &["--quiet", "--shard", "1/2"], 1);
    place.batch("b", &["--quiet", "--shard", "2/2"], 0);
    place.batch("b-other-pixel-size", &["--quiet", "--shard", "2/2", "--um-per-px", "0.2"], 0);
    place.batch("b-of-three", &["--quiet", "--shard", "2/3"], 1);
    place.batch("whole", &["--quiet"], 1);
    for (shards, expected) in [
        (&["a"][..], "no shard 2/2"),
        (&["a", "b", "a"], "shard 1/2 in"),
        (&["a", "b-other-pixel-size"], "same options"),
        (&["a", "b-of-three"], "another division"),
        (&["whole"], "of a whole batch"),
        (&["specimens"], "without a batch"),
    ] {
        let said = stderr(&place.merge(shards, "out", 2));
        assert!(said.contains(expected), "{shards:?}: {said}");
        assert!(!place.path("out").join("batch.json").exists());
    }
    // A shard that has lost a line is not at its end.
    let path = place.path("b/journal.jsonl");
    let text = fs::read_to_string(&path).expect("a journal");
    fs::write(&path, &text[..text.trim_end().rfind('\n').expect("two lines") + 1]).expect("written");
    assert!(stderr(&place.merge(&["a", "b"], "out", 2)).contains("1 specimens still open"));
}

#[test]
fn a_batch_that_is_there_goes_on_only_as_it_was_and_only_when_asked() {
    let place = Place::new();
    place.batch("out", &["--quiet"], 1);
    let before = place.tree("out");
    assert!(stderr(&place.batch("out", &["--quiet"], 2)).contains("--resume"));
    let said = stderr(&place.batch("out", &["--quiet", "--resume", "--um-per-px", "0.2"], 2));
    assert!(said.contains("same options"), "{said}");
    let said = stderr(&place.batch("out", &["--quiet", "--resume", "--shard", "1/2"], 2));
    assert!(said.contains("same shard"), "{said}");
    let config = place.path("other.toml");
    fs::write(&config, "[laboratory]\nname = \"Another\"\n").expect("written");
    let other = ["--quiet", "--resume", "--config", config.to_str().expect("UTF-8")];
    assert!(stderr(&place.batch("out", &other, 2)).contains("same options"), "the configuration of another laboratory");
    assert_eq!(place.tree("out"), before);
    // Nothing finished is done again: its files are not written anew.
    let modified = |place: &Place| -> Vec<_> {
        let paths = place.tree("out").into_keys().filter(|path| path.starts_with("specimens"));
        paths
            .map(|path| fs::metadata(place.path("out").join(path)).and_then(|file| file.modified()).expect("a time"))
            .collect()
    };
    let times = modified(&place);
    place.batch("out", &["--quiet", "--resume"], 1);
    assert_eq!((place.tree("out"), modified(&place)), (before, times));
}

#[test]
fn what_failed_is_tried_again() {
    let place = Place::new();
    place.batch("out", &["--quiet"], 1);
    fs::write(place.path("specimens/S-4/0.png"), &PICTURES[0]).expect("written");
    fs::write(place.path("specimens/S-4/1.png"), &PICTURES[1]).expect("written");
    place.batch("out", &["--quiet", "--resume"], 0);
    place.batch("at-once", &["--quiet"], 0);
    place.same("out", "at-once");
}

#[test]
fn kills_at_random_moments_lose_and_repeat_nothing() {
    let kills = std::env::var("SCHISTOQUANT_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(KILLS);
    let place = Place::new();
    let start = Instant::now();
    place.batch("whole", &["--quiet"], 1);
    // As long as an undisturbed run takes here, so that kills meet every part of it on a busy machine, too.
    let latest_kill_ms = start.elapsed().as_millis() as u64;
    let mut random = Pcg64Mcg::seed_from_u64(2_041);
    let (mut killed, mut amid, mut round) = (0, 0, 0);
    while killed < kills {
        round += 1;
        let out = format!("out-{round}");
        loop {
            let done = |place: &Place| -> Vec<u64> {
                let text = fs::read_to_string(place.path(&out).join("journal.jsonl")).unwrap_or_default();
                let whole = &text[..text.rfind('\n').map_or(0, |end| end + 1)];
                let lines = whole.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("a line"));
                lines.filter(|line| !line["result"].is_null()).filter_map(|line| line["line"].as_u64()).collect()
            };
            let before = done(&place);
            let mut child = place
                .command(&out, &["--quiet", "--resume"])
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .expect("it starts");
            // After the last kill the run is let go, because none might ever end before its kill.
            let moment = if killed < kills { random.next_u64() % latest_kill_ms } else { LATEST_END_MS };
            let was_killed = killed_after(&mut child, Duration::from_millis(moment));
            let after = done(&place);
            assert!(before.iter().all(|row| after.contains(row)), "a finished specimen was lost");
            let mut once = after.clone();
            once.sort_unstable();
            once.dedup();
            assert_eq!(once.len(), after.len(), "a finished specimen was done again");
            if !was_killed {
                break;
            }
            assert!(moment < LATEST_END_MS, "a run hangs");
            killed += 1;
            amid += usize::from(!after.is_empty());
        }
        place.same("whole", &out);
        fs::remove_dir_all(place.path(&out)).expect("removed");
    }
    eprintln!("{killed} kills in {round} batches, {amid} of them with specimens done");
}

#[cfg(unix)]
#[test]
fn signals_stop_within_two_seconds_and_the_batch_goes_on() {
    let place = Place::new();
    place.batch("whole", &["--quiet"], 1);
    for (signal, out) in [("INT", "interrupted"), ("TERM", "terminated")] {
        let mut child = place.command(out, &["--quiet"]).spawn().expect("it starts");
        // The journal is there when the work begins.
        while !place.path(out).join("journal.jsonl").exists() {
            std::thread::sleep(Duration::from_millis(1));
        }
        let sent = Instant::now();
        let status = Command::new("kill").args([&format!("-{signal}"), &child.id().to_string()]).status();
        assert!(status.expect("kill").success());
        let ended = child.wait().expect("ended");
        assert_eq!(ended.code(), Some(130), "{signal}");
        assert!(sent.elapsed() < Duration::from_secs(2), "{signal}: {:?}", sent.elapsed());
        place.batch(out, &["--quiet", "--resume"], 1);
        place.same("whole", out);
    }
}

#[test]
fn an_output_folder_that_goes_away_ends_the_run_with_its_code() {
    let place = Place::new();
    place.batch("whole", &["--quiet"], 1);
    let child = place.command("out", &["--quiet"]).spawn().expect("it starts");
    while !place.path("out/journal.jsonl").exists() {
        std::thread::sleep(Duration::from_millis(1));
    }
    while fs::rename(place.path("out"), place.path("away")).is_err() {}
    let output = child.wait_with_output().map(|output| (output.status.code(), stderr(&output))).expect("ended");
    assert_eq!(output.0, Some(6), "{}", output.1);
    assert!(output.1.contains("--resume"), "{}", output.1);
    // What was finished lies where it was taken; with it back in its place the batch goes on.
    let _ = fs::remove_dir_all(place.path("out"));
    fs::rename(place.path("away"), place.path("out")).expect("back");
    place.batch("out", &["--quiet", "--resume"], 1);
    place.same("whole", "out");
}

#[test]
fn a_full_disk_ends_the_run_with_its_code_and_resume_completes() {
    let place = Place::new();
    place.batch("whole", &["--quiet"], 1);
    // A file system of its own, as small as three specimens, where the system lets a user make one.
    let disk = place.path("disk");
    fs::create_dir(&disk).expect("a folder");
    let script = "mount -t tmpfs -o size=700k tmpfs \"$1\" || exit 99; shift; out=$1; shift; \"$@\"; code=$?; \
                  mount -o remount,size=64m tmpfs \"${out%/*}\" || exit 98; \"$@\"; echo \"$code $?\"; cp -r \"$out\" \"${out%/*}/../out\"";
    let mut inner = place.command("disk/out", &["--quiet", "--resume"]);
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"]).arg(&disk).arg(disk.join("out"));
    command.arg(inner.get_program()).args(inner.get_args()).env("ORT_DYLIB_PATH", "");
    inner.stdin(Stdio::null());
    let output = match command.output() {
        Ok(output) if output.status.code() != Some(99) && !stderr(&output).contains("unshare") => output,
        other => {
            eprintln!("SKIPPED: no file system of its own can be made here: {other:?}");
            return;
        }
    };
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(said.lines().last(), Some("6 1"), "first full, then complete: {said} {}", stderr(&output));
    place.same("whole", "out");
}

#[test]
fn wrong_manifests_and_shards_are_usage_errors() {
    let place = Place::new();
    let manifest = place.path("manifest.csv");
    fs::write(&manifest, "accession,inputs\nS-0,specimens/S-0\nS-0,specimens/S-1\n").expect("written");
    let mut command = Command::new(env!("CARGO_BIN_EXE_schistoquant"));
    command.arg("batch").arg(&manifest).arg("--out").arg(place.path("out"));
    let said = stderr(&ended(&mut command, 2));
    assert!(said.contains("manifest.csv: line 3"), "{said}");
    assert!(!place.path("out").exists(), "nothing is made for a wrong manifest");
    place.batch("out", &["--shard", "3/2"], 2);
    let mut command = Command::new(env!("CARGO_BIN_EXE_schistoquant"));
    command.arg("batch").arg(place.path("none.csv")).arg("--out").arg(place.path("out"));
    ended(&mut command, 3);
}

#[test]
fn a_row_beats_the_defaults_and_hostile_names_stay_inside() {
    let place = Place::new();
    let hostile = "../../=x|<b>";
    let manifest = place.path("manifest.csv");
    let rows = format!(
        "accession,inputs,um_per_px,age_group,labs\n\"{hostile}\",specimens/S-0;specimens/S-1,0.21,preterm-neonate,\n\
         S-9,specimens/S-2,,,labs.json\n"
    );
    fs::write(&manifest, rows).expect("written");
    fs::write(place.path("labs.json"), "no panel").expect("written");
    let mut command = Command::new(env!("CARGO_BIN_EXE_schistoquant"));
    command.env("ORT_DYLIB_PATH", "").arg("batch").arg(&manifest).arg("--out").arg(place.path("deep/er/out"));
    command.args(["--quiet", "--min-cells", "5", "--um-per-px", "0.3", "--model"]).arg(&TINY_MODEL.1);
    ended(&mut command, 1);
    let lines = journal(&place, "deep/er/out");
    assert_eq!(lines[0]["accession"], hostile);
    assert_eq!(lines[1]["failure"]["exit_code"], 2, "a file that is no panel is refused");
    let folder = place.path("deep/er/out/specimens").join(lines[0]["result"]["folder"].as_str().expect("a folder"));
    let record: serde_json::Value =
        serde_json::from_slice(&fs::read(folder.join("case.json")).expect("a record")).expect("JSON");
    assert_eq!(record["provenance"]["options"]["um_per_px"], 0.21);
    assert_eq!(
        (record["age_group"].as_str(), record["fields"].as_array().map(Vec::len)),
        (Some("preterm-neonate"), Some(3))
    );
    let mut beside: Vec<_> = fs::read_dir(place.0.path())
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    beside.sort();
    assert_eq!(beside, ["deep", "labs.json", "manifest.csv", "specimens"]);
    let page = fs::read_to_string(place.path("deep/er/out/batch.html")).expect("a page");
    assert!(!page.contains("<b>"));
}

#[test]
fn a_corrected_manifest_goes_on_where_rows_and_files_are_the_same() {
    let place = Place::new();
    let first =
        "accession,inputs,site\nS-0,specimens/S-0,A\nS-1,specimens/S-1,B\nS-2,specimens/S-2,C\nS-3,specimens/S-3,D\n";
    place.with_manifest(first.as_bytes(), "out", &[], 0);
    let times = |accession: &str| {
        let folder = fs::read_dir(place.path("out/specimens")).expect("a folder");
        let mut found = folder
            .map(|entry| entry.expect("an entry"))
            .filter(|entry| entry.file_name().to_string_lossy().starts_with(&format!("{accession}_")));
        let path = found.next().expect("a result").path().join("case.json");
        assert!(found.next().is_none(), "one result of {accession}");
        fs::metadata(path).and_then(|file| file.modified()).expect("a time")
    };
    let before = ["S-0", "S-2"].map(times);
    // S-1 is gone, S-3 has another pixel size, a row stands in front, and the others moved a line; one extra column changed.
    let second = "accession;inputs;site;um_per_px\nS-5;specimens/S-5;E;\nS-0;specimens/S-0;Z;\nS-2;specimens/S-2;C;\n\
                  S-3;specimens/S-3;D;0,2\n";
    let said = stderr(&place.with_manifest(second.as_bytes(), "out", &["--resume"], 0));
    assert!(said.contains("S-1: no longer in the manifest") && said.contains("left_out/S-1_"), "{said}");
    assert!(said.contains("S-3: its row or a file that it names has changed, done again"), "{said}");
    assert!(!said.contains("S-0:") && !said.contains("S-2:"), "{said}");
    assert_eq!(["S-0", "S-2"].map(times), before, "what is the same is not done again");
    assert_eq!(place.column("out", "site"), texts([("S-5", "E"), ("S-0", "Z"), ("S-2", "C"), ("S-3", "D")]));
    assert_eq!(place.column("out", "line"), texts([("S-5", "2"), ("S-0", "3"), ("S-2", "4"), ("S-3", "5")]));
    let left: Vec<String> = fs::read_dir(place.path("out/left_out"))
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    assert_eq!(left.len(), 2, "nothing is lost: {left:?}");
    // But for that folder it is what a run at once makes.
    place.with_manifest(second.as_bytes(), "at-once", &["--quiet"], 0);
    fs::remove_dir_all(place.path("out/left_out")).expect("removed");
    place.same("out", "at-once");

    // A picture that is added, and one that is changed, are noticed.
    fs::write(place.path("specimens/S-0/added.png"), &PICTURES[3]).expect("written");
    fs::write(place.path("specimens/S-2/0.png"), &PICTURES[0]).expect("written");
    let said = stderr(&place.with_manifest(second.as_bytes(), "out", &["--resume"], 0));
    assert!(said.contains("S-0: its row or a file") && said.contains("S-2: its row or a file"), "{said}");
    assert!(!said.contains("S-3:") && !said.contains("S-5:"), "{said}");
    // Pictures that were put away say nothing against a result.
    fs::rename(place.path("specimens/S-5"), place.path("archived")).expect("renamed");
    let said = stderr(&place.with_manifest(second.as_bytes(), "out", &["--resume"], 0));
    assert!(said.contains("S-5: kept as it was; its files cannot be read any more"), "{said}");
    let fields = place.column("out", "fields");
    assert_eq!(fields[1], ("S-0".to_owned(), "2".to_owned()));
}

#[test]
fn columns_of_the_manifest_reach_the_tables() {
    let place = Place::new();
    let text = "\"\",\"ACCESSION\",\"inputs\",\"site\"\n\"1\",\"S-0\",\"specimens/S-0\",\"Köln\"\n\"2\",\"S-1\",\"specimens/S-1\",NA\n";
    let units: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let utf16 = [&[0xff, 0xfe], units.as_slice()].concat();
    let said = stderr(&place.with_manifest(&utf16, "out", &[], 0));
    assert!(said.contains("columns carried into the tables and not heeded otherwise: site"), "{said}");
    assert_eq!(place.column("out", "site"), texts([("S-0", "Köln"), ("S-1", "NA")]));
    let table = fs::read(place.path("out/specimens.parquet")).expect("a table");
    assert!(table.windows(5).any(|bytes| bytes == "Köln".as_bytes()));
    let said = stderr(&place.with_manifest(b"accession,inputs,percent\nS-0,specimens/S-0,1\n", "no", &[], 2));
    assert!(said.contains("manifest.csv: ") && said.contains("`percent`, which is a column of the tables"), "{said}");
}

#[test]
fn failures_and_shared_pictures_are_named_with_manifest_and_line() {
    let place = Place::new();
    let text = "accession,inputs\nS-0,specimens/S-0\nS-4,specimens/S-4\nS-9,specimens/S-0/0.png;specimens/S-1\n";
    let done = place.with_manifest(text.as_bytes(), "out", &[], 1);
    let said = stderr(&done);
    assert!(said.contains("manifest.csv: line 3: S-4: expected at least one readable image"), "{said}");
    let shared = said.find("manifest.csv: lines 2 and 4: specimens S-0 and S-9 name the same picture: ");
    let failed = said.find("line 3: S-4");
    assert!(shared.is_some() && shared < failed, "named before the run: {said}");
    assert_eq!(said.matches("name the same picture").count(), 1, "one broken file is one file: {said}");
}

#[test]
fn a_picture_that_two_specimens_show_is_named_though_it_was_turned() {
    let place = Place::new();
    let picture = image::load_from_memory(&PICTURES[0]).expect("a picture").to_rgb8();
    fs::create_dir_all(place.path("turned")).expect("a folder");
    image::imageops::rotate90(&picture).save(place.path("turned/a.png")).expect("written");
    fs::write(place.path("turned/b.png"), &PICTURES[1]).expect("written");
    fs::create_dir_all(place.path("first")).expect("a folder");
    fs::write(place.path("first/0.png"), &PICTURES[0]).expect("written");
    let text = "accession,inputs,um_per_px\nS-1,first,0.2\nS-2,turned,0.2\n";
    let done = place.with_manifest(text.as_bytes(), "out", &[], 0);
    let said = stderr(&done);
    let expected = "lines 2 and 3: specimens S-1 and S-2 show the same picture, 0.png and a.png (likeness 1.00)";
    assert!(said.contains(expected), "{said}");
    let table = fs::read_to_string(place.path("out/repeated.csv")).expect("a table");
    let (heading, row) = table.split_once('\n').expect("two lines");
    assert_eq!(heading, "line,accession,field,other_line,other_accession,other_field,likeness");
    let likeness = row.trim().strip_prefix("2,S-1,0.png,3,S-2,a.png,").expect("the one row");
    assert!(likeness.parse::<f64>().is_ok_and(|likeness| likeness > 0.99), "{likeness}");
}

#[test]
fn flat_and_nested_folders_are_grouped_and_listed_before_any_work() {
    let place = Place::new();
    fs::create_dir_all(place.path("flat/deep")).expect("a folder");
    for (name, picture) in [("flat/A-1_x.png", 0), ("flat/A-1_y.png", 1), ("flat/deep/A-2_x.png", 2)] {
        fs::write(place.path(name), &PICTURES[picture]).expect("written");
    }
    let run = |more: &[&str], exit: i32| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_schistoquant"));
        command.env("ORT_DYLIB_PATH", "").env_remove("SCHISTOQUANT_CONFIG");
        command.arg("batch").arg(place.path("flat")).arg("--out").arg(place.path("out")).args(more);
        ended(command.args(["--min-cells", "5", "--format", "json", "--model"]).arg(&TINY_MODEL.1), exit)
    };
    assert!(stderr(&run(&[], 2)).contains("found images outside of them (A-1_x.png, A-1_y.png)"));
    let pattern = r"(?<accession>A-\d)_[xy]\.png$";
    let listed = run(&["--group", pattern, "--dry-run"], 0);
    let text = String::from_utf8_lossy(&listed.stdout).into_owned();
    assert!(text.starts_with("A-1: 2 images\n") && text.ends_with("2 specimens, 3 images\n"), "{text}");
    assert!(text.contains(&format!("A-2: 1 images\n  {}", place.path("flat/deep/A-2_x.png").display())), "{text}");
    assert!(!place.path("out").exists(), "nothing is made");
    run(&["--group", pattern, "--quiet"], 0);
    assert_eq!(place.column("out", "fields"), texts([("A-1", "2"), ("A-2", "1")]));
    assert!(stderr(&run(&["--group", "(?<accession>A-1)"], 2)).contains("found none for deep/A-2_x.png"));
    run(&["--group", "A-1"], 2);
}
