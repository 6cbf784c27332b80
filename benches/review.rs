//! Ten people at two hundred cases, five hundred requests at once: how long an answer takes, and that no step is lost.
//!
//! `cargo bench --bench review` prints one JSON object: requests, answered steps, and the quantiles of the time from a request to its
//! whole answer, s. Each request is a step that is on the disk before it is answered. All of them start together: the last one
//! waits for all others.

// The result is what another program reads.
#![allow(clippy::print_stdout)]

#[path = "../tests/support/browser.rs"]
#[allow(dead_code)]
mod browser;
#[path = "../tests/support/fake_case.rs"]
#[allow(dead_code)]
mod fake_case;

use std::path::PathBuf;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use browser::{Browser, Running};
use fake_case::FakeCase;
use schistoquant::durable::sha256_hex;
use schistoquant::report::{ReportFormat, ReportTarget};
use schistoquant::review::ReadTrail;
use serde_json::json;

const CASES: usize = 200;
const SESSIONS: usize = 10;
const REQUESTS: usize = 500;

fn main() {
    let base = tempfile::tempdir().expect("a folder");
    let cases: Vec<(PathBuf, String)> = (0..CASES)
        .map(|index| {
            let name = format!("case-{index:03}");
            let folder = base.path().join(&name);
            let case = FakeCase { fields: 10, grid: (12, 9), schistocytes: 2, near_misses: 2, ..FakeCase::default() };
            let target = ReportTarget::prepare(&folder, &[ReportFormat::Json]).expect("writable");
            target.write(&case.build()).expect("written");
            (folder, sha256_hex(name.as_bytes())[..16].to_owned())
        })
        .collect();
    let mut running = Running::start(env!("CARGO_BIN_EXE_schistoquant"), base.path(), &[]);
    let people: Vec<Browser> = (0..SESSIONS)
        .map(|name| Browser::enter(&running.address, &format!("Reader {name}")).expect("a session"))
        .collect();
    // Everybody has the cases open, as they are when cells are read.
    let cells: Vec<Vec<String>> = cases
        .iter()
        .map(|(_, id)| {
            let page = people[0].get(&format!("/case/{id}/cells.json")).expect("an answer").json();
            let keys = page["cells"]
                .as_array()
                .expect("cells")
                .iter()
                .map(|cell| cell["key"].as_str().expect("a key").to_owned());
            keys.collect()
        })
        .collect();
    let start = Arc::new(Barrier::new(REQUESTS));
    let readers: Vec<_> = (0..REQUESTS)
        .map(|request| {
            let (browser, start) = (people[request % SESSIONS].clone(), start.clone());
            let (id, key) = (cases[request % CASES].1.clone(), cells[request % CASES][request / CASES].clone());
            thread::spawn(move || {
                let body = json!({"series": "first", "key": key, "seen": 0, "reading": {"read_as": "schistocyte"}});
                start.wait();
                let begun = Instant::now();
                let answer = browser.post(&format!("/case/{id}/read"), &body).expect("an answer");
                assert_eq!(answer.status, 200, "{}", answer.text());
                begun.elapsed()
            })
        })
        .collect();
    let mut times: Vec<Duration> = readers.into_iter().map(|reader| reader.join().expect("an answer")).collect();
    running.child.kill().expect("a child");
    running.child.wait().expect("a child");
    let events: usize = cases
        .iter()
        .filter_map(|(folder, _)| ReadTrail::of_folder(folder).expect("readable"))
        // The first event opens the trail.
        .map(|trail| {
            assert_eq!(trail.faults, []);
            trail.events.len() - 1
        })
        .sum();
    assert_eq!(events, REQUESTS, "every answered step is there");
    times.sort();
    let quantile = |share: f64| times[((times.len() - 1) as f64 * share).round() as usize].as_secs_f64();
    println!(
        "{}",
        json!({"requests": REQUESTS, "steps": events, "p50_s": quantile(0.5), "p99_s": quantile(0.99), "max_s": quantile(1.0)})
    );
}
