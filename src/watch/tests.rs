//! Scripted handlers: what is moved where, and that a stop or a failure at any step loses and doubles nothing.

use std::cell::RefCell;

use super::drops::READY;
use super::error::MAX_NAME_BYTES;
use super::*;

/// A handler that writes one file and names the result by the files of the drop. It fails on drops whose name holds the word
/// `failing`.
fn handled(failing: &str, claimed: &Claimed, partial: &Path) -> Result<Handled, Refusal> {
    match claimed.name() {
        name if name.contains("panic") => panic!("a bug"),
        name if name.contains("stop") => return Err(Refusal::Interrupted),
        name if !failing.is_empty() && name.contains(failing) => {
            return Err(Refusal::Failed { exit_code: 3, reason: "nothing to read".to_owned() });
        }
        _ => {}
    }
    let mut content = String::new();
    for input in claimed.inputs() {
        let files = if input.is_dir() {
            fs::read_dir(&input).expect("a folder").map(|entry| entry.expect("an entry").path()).collect()
        } else {
            vec![input]
        };
        let mut texts: Vec<String> = files
            .iter()
            .filter(|file| file.extension().is_some_and(|extension| extension == "png"))
            .map(|file| fs::read_to_string(file).expect("a file"))
            .collect();
        texts.sort();
        content.push_str(&texts.concat());
    }
    fs::write(partial.join("result"), &content).expect("written");
    Ok(Handled {
        result: format!("result-{content}"),
        state: "above".to_owned(),
        files: vec!["result".to_owned()],
        exit_code: 0,
        failed_inputs: Vec::new(),
        passed_over: Vec::new(),
    })
}

/// Watches with a handler that never fails, and tells nobody.
fn untold(options: &WatchOptions) -> Result<(), WatchError> {
    watch(options, &|claimed, partial| handled("", claimed, partial), &|_| {}, &AtomicBool::new(false))
}

struct Place {
    base: tempfile::TempDir,
    order_wait: Duration,
}

impl Place {
    fn new() -> Self {
        let base = tempfile::tempdir().expect("a folder");
        fs::create_dir(base.path().join("drop")).expect("a folder");
        Self { base, order_wait: Duration::from_secs(3600) }
    }

    fn drop(&self, name: &str) -> PathBuf {
        self.base.path().join("drop").join(name)
    }

    fn out(&self, name: &str) -> PathBuf {
        self.base.path().join("out").join(name)
    }

    fn put(&self, name: &str, content: &str) {
        fs::create_dir_all(self.drop(name)).expect("a folder");
        fs::write(self.drop(name).join("a.png"), content).expect("written");
        fs::write(self.drop(name).join(".ready"), "").expect("written");
    }

    fn options(&self) -> WatchOptions {
        WatchOptions {
            drop: self.base.path().join("drop"),
            out: self.base.path().join("out"),
            settle: Duration::from_millis(60),
            poll: Duration::from_millis(10),
            order_wait: self.order_wait,
            once: true,
        }
    }

    fn watch(&self, failing: &str) -> Vec<Receipt> {
        let options = self.options();
        let receipts = RefCell::new(Vec::new());
        let tell = |event: WatchEvent<'_>| {
            if let WatchEvent::Finished(receipt) = event {
                receipts.borrow_mut().push(receipt.clone());
            }
        };
        let handle = |claimed: &Claimed, partial: &Path| handled(failing, claimed, partial);
        watch(&options, &handle, &tell, &AtomicBool::new(false)).expect("folders that can be used");
        receipts.into_inner()
    }

    fn names(&self, folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).expect("a folder");
        let mut names: Vec<String> =
            entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

#[test]
fn a_specimen_is_worked_on_once_and_put_away_with_its_receipt() {
    let place = Place::new();
    place.put("S-1", "one");
    let receipts = place.watch("");
    assert_eq!(receipts.len(), 1);
    assert_eq!(receipts[0].result.as_deref(), Some("result-one"));
    assert_eq!(fs::read_to_string(place.out("result-one/result")).expect("a result"), "one");
    assert_eq!(place.names(&place.drop("done")), ["S-1", "S-1.json"]);
    let receipt: Receipt =
        serde_json::from_slice(&fs::read(place.drop("done/S-1.json")).expect("a receipt")).expect("its type");
    assert_eq!(receipt, receipts[0]);
    assert_eq!(place.watch(""), []);
}

#[test]
fn a_failure_or_a_panic_stops_no_other() {
    let place = Place::new();
    for name in ["a-bad", "b-panic", "c-good"] {
        place.put(name, name);
    }
    let receipts = place.watch("bad");
    let states: Vec<_> = receipts.iter().map(|receipt| (receipt.name.as_str(), receipt.exit_code)).collect();
    assert_eq!(states, [("a-bad", 3), ("b-panic", 101), ("c-good", 0)]);
    assert_eq!(place.names(&place.drop("error")), ["a-bad", "a-bad.json", "b-panic", "b-panic.json"]);
    assert_eq!(place.names(&place.base.path().join("out")), ["result-c-good"]);
}

#[test]
fn the_same_work_twice_gives_one_result() {
    let place = Place::new();
    place.put("S-1", "same");
    place.watch("");
    place.put("S-1", "same");
    let receipts = place.watch("");
    assert!(receipts[0].made_before);
    assert_eq!(place.names(&place.base.path().join("out")), ["result-same"]);
    assert_eq!(place.names(&place.drop("done")), ["S-1", "S-1.2", "S-1.2.json", "S-1.json"]);
}

#[test]
fn a_stopped_specimen_stays_claimed() {
    let place = Place::new();
    place.put("stop", "kept");
    assert_eq!(place.watch(""), []);
    assert_eq!(place.names(&place.drop("work")), [LOCK, "stop"]);
    assert_eq!(place.names(&place.base.path().join("out")), [] as [&str; 0]);
    fs::rename(place.drop("work/stop"), place.drop("work/go")).expect("renamed");
    assert_eq!(place.watch("")[0].result.as_deref(), Some("result-kept"));
}

#[test]
fn a_folder_without_a_marker_waits_until_nothing_changes() {
    let place = Place::new();
    place.put("S-1", "one");
    fs::remove_file(place.drop("S-1/.ready")).expect("removed");
    let waits = Waits::new(&place.drop(WORK), Duration::from_secs(3600));
    let mut drops = Drops::new(&place.base.path().join("drop"), Duration::from_millis(40), waits);
    let first = drops.look().expect("a folder");
    assert_eq!((first.complete.len(), first.settling), (0, 1));
    std::thread::sleep(Duration::from_millis(50));
    fs::write(place.drop("S-1/b.png"), "more").expect("written");
    let changed = drops.look().expect("a folder");
    assert_eq!((changed.complete.len(), changed.settling), (0, 1));
    std::thread::sleep(Duration::from_millis(50));
    assert_eq!(drops.look().expect("a folder").complete.len(), 1);
}

#[cfg(unix)]
#[test]
fn links_are_not_followed() {
    let place = Place::new();
    let outside = place.base.path().join("outside");
    fs::create_dir(&outside).expect("a folder");
    fs::write(outside.join("a.png"), "other patient").expect("written");
    std::os::unix::fs::symlink(&outside, place.drop("link")).expect("a link");
    fs::write(place.drop("S-1.order.json"), r#"{"inputs": ["link/a.png"]}"#).expect("written");
    let receipts = place.watch("");
    assert_eq!(receipts.len(), 1);
    assert_eq!(receipts[0].exit_code, 2, "{receipts:?}");
    assert!(outside.join("a.png").exists());
}

#[test]
fn results_do_not_lie_among_the_drops() {
    let place = Place::new();
    let options = WatchOptions { out: place.drop("results"), ..place.options() };
    let error = untold(&options).expect_err("inside");
    assert!(matches!(error, WatchError::OutInsideDrop { .. }), "{error}");
}

#[test]
fn a_second_watcher_is_refused_and_touches_nothing() {
    let place = Place::new();
    place.put("S-1", "one");
    fs::create_dir(place.drop("work")).expect("a folder");
    let other = File::create(place.drop("work").join(LOCK)).expect("a file");
    other.lock().expect("a lock");
    let options = place.options();
    let second = || untold(&options);
    let error = second().expect_err("one watcher is there");
    assert!(matches!(error, WatchError::AlreadyWatched { .. }), "{error}");
    assert!(place.drop("S-1/.ready").exists());
    drop(other);
    second().expect("the first one has gone");
    assert!(place.drop("done/S-1.json").exists());
}

#[test]
fn a_name_that_cannot_be_used_is_refused_and_stops_no_other() {
    let place = Place::new();
    let long = "n".repeat(MAX_NAME_BYTES + 1);
    for name in ["S-1.claim", "line\nbreak", long.as_str(), "S-2"] {
        place.put(name, "three");
    }
    // Its claim would lie where the folder of that name would.
    fs::write(place.drop("S-1.order.json"), r#"{"inputs": ["y.png"]}"#).expect("written");
    fs::write(place.drop("y.png"), "one").expect("written");
    fs::write(place.drop(&format!("{}.order.json", &long[..199])), r#"{"inputs": ["x.png"]}"#).expect("written");
    fs::write(place.drop("x.png"), "two").expect("written");
    let receipts = place.watch("");
    let refused: Vec<&str> =
        receipts.iter().filter(|receipt| receipt.exit_code == 2).map(|receipt| receipt.name.as_str()).collect();
    assert_eq!(refused.len(), 3, "{receipts:?}");
    assert!(refused.iter().all(|name| name.len() <= MAX_NAME_BYTES && !name.contains('\n')), "{refused:?}");
    let mut done: Vec<&str> = receipts.iter().filter_map(|receipt| receipt.result.as_deref()).collect();
    done.sort_unstable();
    assert_eq!(done, ["result-one", "result-three", "result-two"], "{receipts:?}");
    assert_eq!(place.names(&place.drop("work")), [LOCK]);
}

#[cfg(unix)]
#[test]
fn a_name_that_is_no_text_gives_no_accession() {
    use std::os::unix::ffi::OsStrExt;
    let place = Place::new();
    for byte in [b'\xe8', b'\xe9'] {
        let name = [b"S-".as_slice(), &[byte]].concat();
        let folder = place.base.path().join("drop").join(std::ffi::OsStr::from_bytes(&name));
        fs::create_dir(&folder).expect("a folder");
        fs::write(folder.join(READY), "").expect("written");
    }
    let receipts = place.watch("");
    assert_eq!(receipts.iter().filter(|receipt| receipt.exit_code == 2).count(), 2, "{receipts:?}");
    assert_ne!(receipts[0].name, receipts[1].name);
}

#[test]
fn a_drop_called_like_a_receipt_stands_in_no_way() {
    for names in [["S-1", "S-1.json"], ["S-1.json", "S-1"]] {
        let place = Place::new();
        for name in names {
            place.put(name, name);
            assert_eq!(place.watch("").len(), 1, "{name}");
        }
        let done = place.names(&place.drop("done"));
        assert_eq!(done.len(), 4, "{done:?}");
    }
}

#[cfg(unix)]
#[test]
fn links_and_pipes_inside_a_drop_are_neither_followed_nor_waited_for() {
    let place = Place::new();
    let outside = place.base.path().join("outside.png");
    fs::write(&outside, "other patient").expect("written");
    for name in ["a-link", "b-deep", "c-labs", "d-pipe", "e-good"] {
        place.put(name, name);
    }
    std::os::unix::fs::symlink(&outside, place.drop("a-link/b.png")).expect("a link");
    fs::create_dir(place.drop("b-deep/sub")).expect("a folder");
    std::os::unix::fs::symlink(&outside, place.drop("b-deep/sub/b.png")).expect("a link");
    std::os::unix::fs::symlink(&outside, place.drop("c-labs/labs.json")).expect("a link");
    for pipe in ["d-pipe/order.json", "x.order.json"] {
        let made = std::process::Command::new("mkfifo").arg(place.drop(pipe)).status();
        assert!(made.is_ok_and(|status| status.success()), "mkfifo is part of every Unix");
    }
    let receipts = place.watch("");
    let codes: Vec<_> = receipts.iter().map(|receipt| (receipt.name.as_str(), receipt.exit_code)).collect();
    let refused = 2;
    let expected = [("a-link", refused), ("b-deep", refused), ("c-labs", refused), ("d-pipe", refused), ("e-good", 0)];
    assert_eq!(codes, expected, "{receipts:?}");
    assert_eq!(fs::read_to_string(&outside).expect("still there"), "other patient");
}

#[test]
fn a_refused_drop_leaves_error_when_one_of_its_name_is_done() {
    let place = Place::new();
    for _ in 0..2 {
        place.put("S-1", "bad");
        place.watch("S-1");
    }
    place.put("S-10", "other");
    place.watch("S-10");
    assert_eq!(place.names(&place.drop("error")), ["S-1", "S-1.2", "S-1.2.json", "S-1.json", "S-10", "S-10.json"]);
    place.put("S-1", "good");
    assert_eq!(place.watch("")[0].exit_code, 0);
    assert_eq!(place.names(&place.drop("error")), ["S-10", "S-10.json"], "what is open stays");
    assert_eq!(place.names(&place.drop("repaired")), ["S-1.1", "S-1.1.json", "S-1.2", "S-1.2.json"]);
    assert!(place.drop("repaired/S-1.1/a.png").exists(), "nothing is lost");
}

// Order files: what they may name, how long they wait, and that what they name becomes no specimen.

#[test]
fn an_order_file_brings_its_images() {
    let place = Place::new();
    for folder in ["x", "y"] {
        fs::create_dir_all(place.drop("files").join(folder)).expect("a folder");
        fs::write(place.drop("files").join(folder).join("same.png"), folder).expect("written");
    }
    let order = r#"{"inputs": ["files/x/same.png", "files/y/same.png"], "order": {"accession": "S-9"}}"#;
    fs::write(place.drop("S-9.order.json"), order).expect("written");
    let receipts = place.watch("");
    let done: Vec<_> = receipts.iter().filter(|receipt| receipt.name == "S-9").collect();
    assert_eq!(done.len(), 1);
    assert_eq!(done[0].result.as_deref(), Some("result-xy"));
    assert_eq!(receipts.len(), 1, "what the order names is no specimen: {receipts:?}");
    assert!(!place.drop("files/x/same.png").exists());
    assert!(place.drop("done/S-9/inputs/1/same.png").exists());
}

#[test]
fn a_claim_that_was_cut_off_goes_on() {
    let place = Place::new();
    fs::create_dir_all(place.drop("work/S-9.claim/inputs/1")).expect("a folder");
    fs::write(place.drop("work/S-9.claim/inputs/1/a.png"), "x").expect("written");
    fs::write(place.drop("b.png"), "y").expect("written");
    fs::write(place.drop("S-9.order.json"), r#"{"inputs": ["a.png", "b.png"]}"#).expect("written");
    let receipts = place.watch("");
    assert_eq!(receipts[0].result.as_deref(), Some("result-xy"));
    assert_eq!(place.names(&place.drop("work")), [LOCK]);
}

#[test]
fn orders_that_reach_outside_are_refused() {
    let place = Place::new();
    fs::write(place.base.path().join("secret.png"), "other patient").expect("written");
    for (index, inputs) in
        [r#"["../secret.png"]"#, r#"["/etc/passwd"]"#, r#"["done/x.png"]"#, r#"["files"]"#, "[]"].iter().enumerate()
    {
        fs::write(place.drop(&format!("{index}.order.json")), format!(r#"{{"inputs": {inputs}}}"#)).expect("written");
    }
    let receipts = place.watch("");
    assert_eq!(receipts.len(), 5);
    assert!(receipts.iter().all(|receipt| receipt.exit_code == 2 && receipt.result.is_none()));
    assert!(place.base.path().join("secret.png").exists());
}

#[test]
fn the_order_inside_an_order_file_is_held_to_the_rules_of_orders() {
    let place = Place::new();
    fs::write(place.drop("a.png"), "one").expect("written");
    let order = r#"{"inputs": ["a.png"], "order": {"accession": "S-1\r\nOBX|1"}}"#;
    fs::write(place.drop("S-1.order.json"), order).expect("written");
    let receipts = place.watch("");
    assert!(receipts[0].reason.as_ref().is_some_and(|reason| reason.contains("U+000D")), "{receipts:?}");
}

#[test]
fn a_folder_that_an_order_names_is_refused_with_the_order_and_becomes_no_specimen() {
    let place = Place::new();
    for name in ["one", "two"] {
        fs::create_dir_all(place.drop("scans")).expect("a folder");
        fs::write(place.drop("scans").join(format!("{name}.png")), name).expect("written");
        let order = format!(r#"{{"inputs": ["scans/{name}.png"]}}"#);
        fs::write(place.drop(&format!("{name}.order.json")), order).expect("written");
    }
    place.put("S-3", "three");
    let receipts = place.watch("");
    let mut states: Vec<_> = receipts.iter().map(|receipt| (receipt.name.as_str(), receipt.exit_code)).collect();
    states.sort_unstable();
    assert_eq!(states, [("S-3", 0), ("one", 2), ("scans", 2), ("two", 2)], "{receipts:?}");
    let reason = |name: &str| receipts.iter().find(|receipt| receipt.name == name).and_then(|one| one.reason.clone());
    assert!(reason("one").is_some_and(|text| text.contains("anything below `files`, found `scans/one.png`")));
    assert!(reason("scans").is_some_and(|text| text.contains("one that the order file one.order.json names")));
    assert_eq!(place.names(&place.drop("error/scans")), ["one.png", "two.png"], "nothing is lost");
    // An order on its own that names a folder of specimens, and one that names such a folder whole.
    for inputs in [r#"["S-9/a.png"]"#, r#"["S-8"]"#] {
        place.put("S-8", "eight");
        fs::write(place.drop("x.order.json"), format!(r#"{{"inputs": {inputs}}}"#)).expect("written");
        let receipts = place.watch("");
        let of_x = receipts.iter().find(|receipt| receipt.name == "x").expect("a receipt");
        assert_eq!(of_x.exit_code, 2, "{receipts:?}");
    }
}

#[test]
fn two_orders_that_name_one_file_are_both_refused() {
    for (one, two) in [("files/s/a.png", "files/s/a.png"), ("files/s", "files/s/a.png"), ("a.png", "a.png")] {
        let place = Place::new();
        fs::create_dir_all(place.drop("files/s")).expect("a folder");
        fs::write(place.drop("files/s/a.png"), "picture").expect("written");
        fs::write(place.drop("a.png"), "picture").expect("written");
        for (name, input) in [("one", one), ("two", two)] {
            let order = format!(r#"{{"inputs": ["{input}"]}}"#);
            fs::write(place.drop(&format!("{name}.order.json")), order).expect("written");
        }
        let receipts = place.watch("");
        let reasons: Vec<_> = receipts.iter().filter_map(|receipt| receipt.reason.as_deref()).collect();
        assert_eq!((receipts.len(), reasons.len()), (2, 2), "{receipts:?}");
        assert!(reasons[0].contains("which the order file two.order.json names too"), "{reasons:?}");
        assert!(place.drop("files/s/a.png").exists() && place.drop("a.png").exists());
    }
}

#[test]
fn an_order_waits_for_its_files_and_not_for_ever() {
    let mut place = Place::new();
    fs::write(place.drop("S-1.order.json"), r#"{"inputs": ["files/a.png"]}"#).expect("written");
    assert_eq!(place.watch(""), []);
    assert_eq!(place.names(&place.drop("work")), [LOCK, drops::WAITING]);
    // The time goes on while nobody watches.
    std::thread::sleep(Duration::from_millis(60));
    place.order_wait = Duration::from_millis(50);
    let receipts = place.watch("");
    assert_eq!(receipts.len(), 1);
    let reason = receipts[0].reason.as_deref().unwrap_or_default();
    assert!(reason.contains("files/a.png is not there yet, and it did not come within"), "{reason}");
    assert_eq!(place.names(&place.drop("error")), ["S-1", "S-1.json"]);
    assert_eq!(place.names(&place.drop("work")), [LOCK], "no marker is left");
    // A corrected order begins anew, and one whose files come is worked on.
    fs::write(place.drop("S-1.order.json"), r#"{"inputs": ["files/b.png"]}"#).expect("written");
    place.order_wait = Duration::from_secs(3600);
    assert_eq!(place.watch(""), []);
    fs::create_dir_all(place.drop("files")).expect("a folder");
    fs::write(place.drop("files/b.png"), "b").expect("written");
    assert_eq!(place.watch("")[0].result.as_deref(), Some("result-b"));
    assert_eq!(place.names(&place.drop("work")), [LOCK]);
}
