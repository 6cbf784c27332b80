//! Orders and panels of one patient, of two, and of nobody who is known.

use super::*;
use crate::clinical::{Analyte, PanelOptions, read_panel};

fn order(patient: &str, rest: &str) -> Order {
    Order::from_json(format!(r#"{{"patient": {{{patient}}}{rest}}}"#).as_bytes()).expect("an order")
}

const JANE: &str = r#""id": "MRN123", "id_authority": "HOSP", "family_name": "Doe", "given_name": "Jane",
    "birth_date": "1960-01-31", "sex": "female""#;

/// A message of a patient with platelets of two times.
fn message(pid: &str, at: &str) -> LabPanel {
    read(pid, at, &PanelOptions::default())
}

fn read(pid: &str, at: &str, options: &PanelOptions) -> LabPanel {
    let text = format!(
        "MSH|^~\\&|LIS|HOSP|X|Y|20250102||ORU^R01|1|P|2.5.1\rPID|1||{pid}\rOBR|1||||||{at}\r\
         OBX|1|NM|777-3^Platelets^LN||38|10*3/uL|||||F\rSPM|1|P7^S-8||BLD"
    );
    read_panel(text.as_bytes(), "test", options).expect("a panel")
}

const SAME: &str = "MRN123^^^HOSP^MR||DOE^JANE^MARY||19600131|F";

#[test]
fn the_panel_of_the_same_patient_is_taken_and_says_what_agrees() {
    let panel = message(SAME, "20250102083000");
    let order = order(JANE, r#", "collected_at": "2025-01-02T09:00:00+01:00""#);
    order.check_panel(&panel).expect("one patient");
    let (panel, matched) = matched(Some(&order), Some("S-8"), &panel);
    assert_eq!(matched.agreed, ["identifier", "name", "day of birth", "sex", "specimen number"]);
    assert_eq!((matched.gaps.len(), matched.window.around), (0, Some(WindowAround::Collected)));
    assert!(panel.current(Analyte::Platelets).is_some());
}

#[test]
fn a_contradiction_is_refused_and_names_both_sides() {
    let order = order(JANE, "");
    for (pid, said) in [
        ("MRN123^^^HOSP^MR||SMITH^JOHN||19600131|F", "`Doe, Jane`, as the order says, found `SMITH, JOHN`"),
        ("MRN123^^^HOSP^MR||DOE^JANE||19990131|F", "1960-01-31, as the order says, found 1999-01-31"),
        ("MRN123^^^HOSP^MR||DOE^JANE||19600131|M", "female, as the order says, found male"),
        ("||DOE^JANE||19600131|M", "female, as the order says, found male"),
        ("MRN999^^^HOSP^MR||DOE^JANE||19600131|F", "`MRN123 (HOSP)`, as the order says, found that of `MRN999 (HOSP)`"),
    ] {
        let error = order.check_panel(&message(pid, "202501020830")).expect_err(pid).to_string();
        assert!(error.starts_with("expected ") && error.contains(said), "{error}");
    }
}

#[test]
fn a_former_name_is_reported_where_the_laboratory_says_so_and_the_identifier_is_the_same() {
    let options = PanelOptions { other_name: OtherName::ReportWithSameIdentifier, ..PanelOptions::default() };
    let order = order(JANE, "");
    let married = read("MRN123^^^HOSP^MR||SMITH^JANE||19600131|F", "20250102", &options);
    order.check_panel(&married).expect("reported");
    let (_, matched) = matched(Some(&order), None, &married);
    assert!(matched.gaps[0].starts_with("The order names `Doe, Jane`, the panel `SMITH, JANE`"), "{:?}", matched.gaps);
    let unidentified = read("||SMITH^JANE||19600131|F", "20250102", &options);
    assert!(matches!(order.check_panel(&unidentified), Err(OrderError::OtherName { .. })));
}

#[test]
fn what_one_side_lacks_is_a_gap() {
    let panel = message("||||", "");
    let gaps = |order: Option<&Order>| matched(order, None, &panel).1.gaps;
    assert_eq!(gaps(None), ["There is no order: whose panel it is was not compared with anything."]);
    assert_eq!(
        gaps(Some(&order(JANE, ""))),
        [
            "Not compared between order and panel: identifier (the panel gives none), name (the panel gives none), day of \
          birth (the panel gives none), sex (the panel gives none)."
        ]
    );
    let nobody = Order::default();
    assert!(gaps(Some(&nobody))[0].contains("identifier (neither gives one)"));
    nobody.check_panel(&message(SAME, "20250102")).expect("nothing is known");
    let other_tube = matched(Some(&nobody), Some("S-7"), &message(SAME, "20250102")).1.gaps;
    assert!(other_tube.iter().any(|gap| gap.starts_with("The panel is of other specimens (P7`, `S-8) than S-7")));
}

#[test]
fn the_age_of_a_panel_is_compared_with_the_day_of_birth() {
    let of = |age: u32| {
        let text = format!(r#"{{"context": {{"age_years": {age}, "sex": "female"}}}}"#);
        read_panel(text.as_bytes(), "test", &PanelOptions::default()).expect("a panel")
    };
    let order = order(JANE, r#", "collected_at": "2025-01-02T09:00:00+01:00""#);
    for age in [63, 64, 65] {
        order.check_panel(&of(age)).expect("a birthday apart");
    }
    for age in [25, 62, 66] {
        let error = order.check_panel(&of(age)).expect_err("another person").to_string();
        assert!(error.contains("64 years on 2025-01-02") && error.contains(&format!("found {age}")), "{error}");
    }
}

#[test]
fn a_panel_two_months_from_the_film_is_left_aside_and_said() {
    let order = order(JANE, r#", "received_at": "2025-01-02T09:00:00+01:00""#);
    let (panel, matched) = matched(Some(&order), None, &message(SAME, "202503050755"));
    assert!(panel.results().next().is_none() && panel.ignored.len() == 1);
    assert_eq!((matched.window.outside, matched.window.around), (1, Some(WindowAround::Received)));
    let window = matched.window.sentence();
    assert!(
        window.starts_with("Results were taken from 72 h before to 72 h after the receipt of the specimen"),
        "{window}"
    );
    assert_eq!(matched.gaps, ["No result of the panel lies in the time window: none is weighed."]);
}
