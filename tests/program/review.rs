//! `review` as a laboratory meets it: a server that is killed, asked wrongly, asked by many, and ended.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use rand_pcg::Pcg64;
use rand_pcg::rand_core::{Rng, SeedableRng};
use serde_json::{Value, json};

use crate::support::browser::{Browser, Running, exchange};
use crate::support::fake_case::FakeCase;
use schistoquant::durable::sha256_hex;
use schistoquant::report::{ReportFormat, ReportTarget};
use schistoquant::review::{Act, OpenCase, ReadTrail, ReviewSettings, verify};

const PROGRAM: &str = env!("CARGO_BIN_EXE_schistoquant");

/// Kills in the usual run of the tests; `SCHISTOQUANT_KILLS` asks for more.
const KILLS: usize = 12;

/// Writes a case in these formats.
fn write_case(folder: &Path, formats: &[ReportFormat]) {
    let case = FakeCase { fields: 2, grid: (10, 6), schistocytes: 3, near_misses: 3, ..FakeCase::default() };
    ReportTarget::prepare(folder, formats).expect("writable").write(&case.build()).expect("written");
}

fn cases(base: &Path, count: usize) -> Vec<(PathBuf, String)> {
    let folder = |index: usize| {
        let name = format!("case-{index:03}");
        let folder = base.join(&name);
        write_case(&folder, &[ReportFormat::Json, ReportFormat::Html, ReportFormat::Hl7]);
        // As the program names a case in its addresses.
        (folder, sha256_hex(name.as_bytes())[..16].to_owned())
    };
    (0..count).map(folder).collect()
}

fn below(rng: &mut Pcg64, bound: usize) -> usize {
    (rng.next_u64() % bound.max(1) as u64) as usize
}

/// One step of a person at a case. What was answered: the case and the number of its last event.
fn step(browser: &Browser, id: &str, rng: &mut Pcg64) -> std::io::Result<Option<u64>> {
    let page = browser.get(&format!("/case/{id}/cells.json?series=first"))?.json();
    let events = page["events"].as_u64().unwrap_or(0);
    if page["signed"] == true {
        let answer = browser.form(&format!("/case/{id}/reopen"), &[("reason", "another look")])?;
        return Ok((answer.status == 303).then_some(events + 1));
    }
    if below(rng, 8) == 0 && events > 1 {
        let fields = [("seen", &*events.to_string()), ("meaning", "reviewed"), ("comment", "")];
        let answer = browser.form(&format!("/case/{id}/sign"), &fields)?;
        // The signature and the note that its reports are written.
        return Ok((answer.status == 303).then_some(events + 2));
    }
    let cells = page["cells"].as_array().cloned().unwrap_or_default();
    let Some(cell) = cells.get(below(rng, cells.len())) else { return Ok(None) };
    let mut body = json!({"series": "first", "key": cell["key"], "seen": cell["seen"]});
    let path = match cell["reading"].is_null() || below(rng, 4) > 0 {
        true => {
            let read_as = ["schistocyte", "other", "undecided"][below(rng, 3)];
            body["reading"] = json!({"read_as": read_as});
            "read"
        }
        false => "take-back",
    };
    let answer = browser.post(&format!("/case/{id}/{path}"), &body)?;
    Ok((answer.status == 200).then(|| answer.json()["events"].as_u64()).flatten())
}

#[test]
fn killed_at_random_moments_every_answered_step_is_there_and_the_trail_is_sound() {
    let kills = std::env::var("SCHISTOQUANT_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(KILLS);
    let base = tempfile::tempdir().expect("a folder");
    let cases = cases(base.path(), 4);
    let mut rng = Pcg64::seed_from_u64(100);
    let answered: Arc<Mutex<BTreeMap<String, u64>>> = Arc::default();
    let (mut steps, mut signatures) = (0, 0);
    for kill in 0..kills {
        let mut running = Running::start(PROGRAM, base.path(), &[]);
        let stop = Arc::new(AtomicBool::new(false));
        let readers: Vec<_> = ["Ada", "Eve"]
            .iter()
            .map(|name| {
                let (address, cases, answered, stop) =
                    (running.address.clone(), cases.clone(), answered.clone(), stop.clone());
                let mut rng = Pcg64::seed_from_u64(rng.next_u64());
                thread::spawn(move || {
                    let Ok(browser) = Browser::enter(&address, name) else { return 0 };
                    let mut steps = 0;
                    while !stop.load(Ordering::Relaxed) {
                        let id = &cases[below(&mut rng, cases.len())].1;
                        // A request that was cut by the kill was not answered.
                        let Ok(done) = step(&browser, id, &mut rng) else { break };
                        let Some(event) = done else { continue };
                        steps += 1;
                        let mut answered = answered.lock().expect("no panic");
                        let last = answered.entry(id.clone()).or_default();
                        *last = event.max(*last);
                    }
                    steps
                })
            })
            .collect();
        thread::sleep(Duration::from_millis(60 + rng.next_u64() % 900));
        running.child.kill().expect("a child");
        running.child.wait().expect("a child");
        stop.store(true, Ordering::Relaxed);
        steps += readers.into_iter().map(|reader| reader.join().expect("no panic")).sum::<usize>();
        for (folder, id) in &cases {
            let trail = ReadTrail::of_folder(folder).expect("readable");
            let found = trail.map_or(0, |trail| trail.events.len() as u64);
            let told = answered.lock().expect("no panic").get(id).copied().unwrap_or(0);
            assert!(
                found >= told,
                "kill {kill}: {found} events of {} are there, {told} were answered",
                folder.display()
            );
            // What was interrupted is finished when the case is opened, and everything is sound then.
            OpenCase::open(folder, &ReviewSettings::default()).unwrap_or_else(|error| panic!("kill {kill}: {error}"));
            let verified = verify(folder, &ReviewSettings::default()).expect("readable");
            assert_eq!(verified.faults, [], "kill {kill}: {}", folder.display());
            assert_eq!(verified.made_anew, ends_signed(folder), "kill {kill}");
            signatures += u32::from(kill + 1 == kills) * verified.signatures;
        }
    }
    assert!(steps > kills * 3, "{steps} steps");
    assert!(signatures > 0, "nothing was signed");
}

fn ends_signed(folder: &Path) -> bool {
    let trail = ReadTrail::of_folder(folder).expect("readable");
    let events = trail.map(|trail| trail.events).unwrap_or_default();
    let last = events.iter().rev().find(|event| matches!(event.act, Act::Released { .. } | Act::Reopened { .. }));
    last.is_some_and(|event| matches!(event.act, Act::Released { .. }))
}

#[test]
fn ten_sessions_at_once_lose_no_step() {
    let base = tempfile::tempdir().expect("a folder");
    let cases = cases(base.path(), 20);
    let mut running = Running::start(PROGRAM, base.path(), &[]);
    let readers: Vec<_> = (0..10)
        .map(|reader| {
            let (address, cases) = (running.address.clone(), cases.clone());
            thread::spawn(move || {
                let browser = Browser::enter(&address, &format!("Reader {reader}")).expect("a session");
                let mut told: Vec<(usize, String, u64)> = Vec::new();
                let mut conflicts = 0;
                for turn in 0..10 {
                    // Every two readers meet at a case.
                    let place = (reader / 2 + turn) % cases.len();
                    let id = &cases[place].1;
                    let page = browser.get(&format!("/case/{id}/cells.json?series=first")).expect("an answer").json();
                    let cell = page["cells"][turn].clone();
                    let body = json!({
                        "series": "first", "key": cell["key"], "seen": cell["seen"], "reading": {"read_as": "schistocyte"},
                    });
                    let answer = browser.post(&format!("/case/{id}/read"), &body).expect("an answer");
                    match answer.status {
                        200 => told.push((place, cell["key"].to_string(), answer.json()["cell"]["seen"].as_u64().expect("seen"))),
                        409 => {
                            conflicts += 1;
                            assert!(answer.json()["error"].as_str().expect("why").contains("in the meantime"));
                        }
                        status => panic!("{status}: {}", answer.text()),
                    }
                }
                (told, conflicts)
            })
        })
        .collect();
    let mut told = Vec::new();
    for reader in readers {
        told.extend(reader.join().expect("no panic").0);
    }
    stop(&mut running);
    assert!(told.len() >= 50, "{} steps", told.len());
    for (place, _, event) in told {
        let trail = ReadTrail::of_folder(&cases[place].0).expect("readable").expect("a trail");
        let found = trail.events.iter().find(|found| found.event == event).expect("answered");
        assert!(matches!(found.act, Act::Read { .. }), "{found:?}");
        assert_eq!(trail.faults, []);
    }
}

/// Asks the review to end, and waits for it.
#[cfg(unix)]
fn stop(running: &mut Running) {
    let asked = Command::new("kill").args(["-TERM", &running.child.id().to_string()]).status().expect("kill");
    assert!(asked.success());
    let begun = Instant::now();
    let status = loop {
        if let Some(status) = running.child.try_wait().expect("a child") {
            break status;
        }
        assert!(begun.elapsed() < Duration::from_secs(10), "it does not end");
        thread::sleep(Duration::from_millis(20));
    };
    assert_eq!(status.code(), Some(0));
}

/// A review of one case, a browser in it, and the identifier of the case.
fn one() -> (tempfile::TempDir, Running, Browser, String) {
    let base = tempfile::tempdir().expect("a folder");
    let id = cases(base.path(), 1)[0].1.clone();
    let running = Running::start(PROGRAM, base.path(), &[]);
    let browser = Browser::enter(&running.address, "Ada").expect("a session");
    (base, running, browser, id)
}

#[test]
fn nobody_comes_in_by_another_name_address_or_page() {
    let (_base, mut running, browser, id) = one();
    let (host, cookie, csrf) = (browser.host().to_owned(), browser.cookie().to_owned(), browser.csrf().to_owned());
    let ask = |request: String| exchange(&host, request.as_bytes()).expect("an answer").status;
    let get = |host: &str, more: &str| format!("GET / HTTP/1.1\r\nHost: {host}\r\n{more}Connection: close\r\n\r\n");
    let with = format!("Cookie: {cookie}\r\n");
    assert_eq!(ask(get(&host, &with)), 200);
    // Without the session, with a made-up one, and with a wrong token in the address.
    assert_eq!(ask(get(&host, "")), 403);
    assert_eq!(ask(get(&host, "Cookie: schistoquant_review=0\r\n")), 403);
    assert_eq!(browser.get(&format!("/open/{}", "0".repeat(64))).expect("an answer").status, 403);
    // A foreign name that was made to lead here.
    for foreign in ["attacker.example", "127.0.0.1", "localhost:1", ""] {
        assert_eq!(ask(get(foreign, &with)), 421, "{foreign}");
    }
    let port = host.split(':').nth(1).expect("a port");
    assert_eq!(ask(get(&format!("localhost:{port}"), &with)), 200);
    // A form of another page, one without the token, one with a wrong one.
    let post = |more: &str, body: &str| {
        format!(
            "POST /case/{id}/reopen HTTP/1.1\r\nHost: {host}\r\n{with}{more}Content-Type: application/x-www-form-urlencoded\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        )
    };
    let good = format!("reason=x&csrf={csrf}");
    assert_eq!(ask(post("Origin: https://attacker.example\r\n", &good)), 403);
    assert_eq!(ask(post("Sec-Fetch-Site: cross-site\r\n", &good)), 403);
    assert_eq!(ask(post("", "reason=x")), 403);
    assert_eq!(ask(post("", "reason=x&csrf=0")), 403);
    // With it the form is heeded, and refused for what it asks.
    assert_eq!(ask(post(&format!("Origin: http://{host}\r\n"), &good)), 422);
    // Larger than any form.
    assert_eq!(ask(post("", &format!("{good}&more={}", "x".repeat(70_000)))), 413);
    assert_eq!(ask(format!("DELETE / HTTP/1.1\r\nHost: {host}\r\n{with}Connection: close\r\n\r\n")), 405);
    stop(&mut running);
}

#[test]
fn no_address_leads_out_of_the_folder() {
    let (base, mut running, browser, id) = one();
    fs::write(base.path().join("secret.txt"), "secret").expect("written");
    for path in [
        "/../secret.txt".to_owned(),
        "/secret.txt".to_owned(),
        "/assets/../../secret.txt".to_owned(),
        "/assets/..%2f..%2fsecret.txt".to_owned(),
        format!("/case/..%2f{id}"),
        "/case/%2e%2e".to_owned(),
        format!("/case/{id}/field/..%2f..%2fsecret.txt"),
        format!("/case/{id}/tile/0/..%2f..%2fsecret.txt"),
        format!("/case/{id}/tile/99999/1.jpg"),
        format!("/case/{id}/tile/0/99999.jpg"),
    ] {
        let answer = browser.get(&path).expect("an answer");
        assert!((400..500).contains(&answer.status), "{path}: {}", answer.status);
        assert!(!answer.text().contains("secret\n") && answer.text() != "secret", "{path}");
    }
    assert_eq!(browser.get(&format!("/case/{id}/tile/0/1.jpg")).expect("an answer").status, 200);
    stop(&mut running);
}

#[test]
fn every_answer_forbids_scripts_frames_and_requests_from_elsewhere() {
    let (_base, mut running, browser, id) = one();
    for path in ["/".to_owned(), format!("/case/{id}"), format!("/case/{id}/cells.json"), "/nothing".to_owned()] {
        let answer = browser.get(&path).expect("an answer");
        let policy = answer.header("content-security-policy").expect("a policy").to_owned();
        assert!(
            policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{path}: {policy}"
        );
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
    }
    let opened = exchange(
        browser.host(),
        format!(
            "GET {} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
            running.address.split_once(browser.host()).expect("an address").1,
            browser.host()
        )
        .as_bytes(),
    );
    let opened = opened.expect("an answer");
    let cookie = opened.header("set-cookie").expect("a cookie");
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
    stop(&mut running);
}

#[test]
fn steps_that_are_no_steps_are_refused_with_a_reason() {
    let (_base, mut running, browser, id) = one();
    let read = |body: &Value| browser.post(&format!("/case/{id}/read"), body).expect("an answer");
    for body in [
        json!({}),
        json!({"series": "third", "key": "f0c1", "seen": 0, "reading": {"read_as": "other"}}),
        json!({"series": "first", "key": "../f0c1", "seen": 0, "reading": {"read_as": "other"}}),
        json!({"series": "first", "key": "f0c1", "seen": 0}),
        json!({"series": "first", "key": "f9c9", "seen": 0, "reading": {"read_as": "other"}}),
        json!({"series": "first", "key": "f0c1", "seen": 0, "reading": {"read_as": "other", "form": "helmet"}}),
        json!({"series": "first", "key": "a1", "seen": 0, "reading": {"read_as": "other"}}),
    ] {
        let answer = read(&body);
        assert_eq!(answer.status, 422, "{body}: {}", answer.text());
        assert!(answer.json()["error"].as_str().is_some_and(|error| error.len() > 10), "{body}");
    }
    let unseen = read(&json!({"series": "first", "key": "f0c1", "seen": 7, "reading": {"read_as": "other"}}));
    assert_eq!(unseen.status, 409);
    stop(&mut running);
}

#[test]
fn beyond_this_machine_it_is_served_with_certificate_and_login_alone() {
    let base = tempfile::tempdir().expect("a folder");
    cases(base.path(), 1);
    let refused = Command::new(PROGRAM)
        .arg("review")
        .arg(base.path())
        .args(["--listen", "0.0.0.0:0"])
        .output()
        .expect("the program runs");
    assert_eq!(refused.status.code(), Some(2));
    let text = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(text.contains("--tls-certificate, --tls-key and --login"), "{text}");
    let people = base.path().join("people");
    let add = |password: &str| {
        let mut child = Command::new(PROGRAM)
            .args(["review", "--add-person"])
            .arg(&people)
            .args(["--name", "Ada", "--role", "MLS"])
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("the program runs");
        std::io::Write::write_all(&mut child.stdin.take().expect("piped"), password.as_bytes()).expect("taken");
        child.wait().expect("a child").code()
    };
    assert_eq!(add("too short"), Some(2));
    assert_eq!(add("a password that is long enough\n"), Some(0));
    // With a login file nobody comes in by the printed address alone.
    let mut running = Running::start(PROGRAM, base.path(), &["--login", people.to_str().expect("text")]);
    assert!(running.address.ends_with("/login"), "{}", running.address);
    let host = running.address.trim_start_matches("http://").split('/').next().expect("a host").to_owned();
    let get = exchange(&host, format!("GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").as_bytes());
    assert_eq!(get.expect("an answer").header("location"), Some("/login"));
    // Who has only opened the login page has a cookie, and sees nothing of a case with it.
    let page = exchange(&host, format!("GET /login HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").as_bytes());
    let page = page.expect("an answer");
    let cookie = page.header("set-cookie").and_then(|text| text.split(';').next()).expect("a cookie");
    let id = &sha256_hex(b"case-000")[..16];
    for part in
        ["", "/blind", "/cells.json", "/tile/0/1.jpg", "/added/1.jpg", "/field/0.jpg", "/field/0.json", "/report.html"]
    {
        let request =
            format!("GET /case/{id}{part} HTTP/1.1\r\nHost: {host}\r\nCookie: {cookie}\r\nConnection: close\r\n\r\n");
        let answer = exchange(&host, request.as_bytes()).expect("an answer");
        assert_eq!((answer.status, answer.header("location")), (303, Some("/login")), "{part}");
    }
    stop(&mut running);
}

#[test]
fn a_trail_is_proved_on_the_command_line() {
    let (base, mut running, browser, id) = one();
    let page = browser.get(&format!("/case/{id}/cells.json")).expect("an answer").json();
    let body = json!({"series": "first", "key": page["cells"][0]["key"], "seen": 0, "reading": {"read_as": "other"}});
    assert_eq!(browser.post(&format!("/case/{id}/read"), &body).expect("an answer").status, 200);
    stop(&mut running);
    let prove = || {
        let output =
            Command::new(PROGRAM).arg("review").arg(base.path()).arg("--verify").output().expect("the program runs");
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (code, text) = prove();
    assert_eq!((code, text.contains("sound, 2 events, not signed")), (Some(0), true), "{text}");
    let nothing =
        |folder: &Path| Command::new(PROGRAM).arg("review").arg(folder).arg("--verify").output().expect("it runs");
    let empty = tempfile::tempdir().expect("a folder");
    assert_eq!(nothing(empty.path()).status.code(), Some(3), "no case to prove");
    assert_eq!(nothing(&empty.path().join("gone")).status.code(), Some(3), "no folder");
    let path = base.path().join("case-000/review.jsonl");
    let trail = fs::read_to_string(&path).expect("a trail");
    fs::write(&path, trail.replace("\"other\"", "\"undecided\"")).expect("written");
    let (code, text) = prove();
    assert_eq!((code, text.contains("NOT SOUND: line 2 of the audit trail was changed")), (Some(1), true), "{text}");
}
