//! Order files: what they may name, how long they wait, and that what they name becomes no specimen.

use super::*;

#[test]
fn an_order_file_brings_its_images() {
    let place = Place::new();
    for folder in ["x", "y"] {
        fs::create_dir_all(place.drop("files").join(folder)).expect("a folder");
        fs::write(place.drop("files").join(folder).join("same.png"), folder).expect("written");
    }
    let order = r#"{"inputs": ["files/x/same.png", "files/y/same.png"], "order": {"accession": "S-9"}}"#;
    fs::write(place.drop("S-9.order.json"), order).expect("written");
    let receipts = place.watch(&Scripted::new(""));
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
    let receipts = place.watch(&Scripted::new(""));
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
    let receipts = place.watch(&Scripted::new(""));
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
    let receipts = place.watch(&Scripted::new(""));
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
    let receipts = place.watch(&Scripted::new(""));
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
        let receipts = place.watch(&Scripted::new(""));
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
        let receipts = place.watch(&Scripted::new(""));
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
    assert_eq!(place.watch(&Scripted::new("")), []);
    assert_eq!(place.names(&place.drop("work")), [LOCK, drops::WAITING]);
    // The time goes on while nobody watches.
    std::thread::sleep(Duration::from_millis(60));
    place.order_wait = Duration::from_millis(50);
    let receipts = place.watch(&Scripted::new(""));
    assert_eq!(receipts.len(), 1);
    let reason = receipts[0].reason.as_deref().unwrap_or_default();
    assert!(reason.contains("files/a.png is not there yet, and it did not come within"), "{reason}");
    assert_eq!(place.names(&place.drop("error")), ["S-1", "S-1.json"]);
    assert_eq!(place.names(&place.drop("work")), [LOCK], "no marker is left");
    // A corrected order begins anew, and one whose files come is worked on.
    fs::write(place.drop("S-1.order.json"), r#"{"inputs": ["files/b.png"]}"#).expect("written");
    place.order_wait = Duration::from_secs(3600);
    assert_eq!(place.watch(&Scripted::new("")), []);
    fs::create_dir_all(place.drop("files")).expect("a folder");
    fs::write(place.drop("files/b.png"), "b").expect("written");
    assert_eq!(place.watch(&Scripted::new(""))[0].result.as_deref(), Some("result-b"));
    assert_eq!(place.names(&place.drop("work")), [LOCK]);
}
