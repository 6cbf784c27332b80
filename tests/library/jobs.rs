//! A job names a piece of work: what changes the work changes the name, what does not leaves it.

use crate::support::fake_case::FakeCase;
use crate::support::fake_review::FakeReview;
use schistoquant::case::{AdministrativeSex, CaseRecord, IssueSource, IssueTime, Job, Laboratory, Order, Patient};
use schistoquant::clinical::{LabPanel, ScoreOptions};
use schistoquant::durable::sha256_hex;
use schistoquant::report::FileNames;
use schistoquant::time::{Date, Timestamp};

/// The record whose job is written down below.
fn record() -> CaseRecord {
    let patient = Patient {
        id: Some("MRN123".into()),
        id_authority: Some("HOSP".into()),
        family_name: Some("Doe".into()),
        given_name: Some("Jane".into()),
        birth_date: Date::parse("1960-01-01").ok(),
        sex: Some(AdministrativeSex::Female),
    };
    let order = Order {
        accession: Some("S-2041-0007".into()),
        patient: Some(patient),
        collected_at: Timestamp::parse("2025-01-02T09:00:00Z").ok(),
        ..Order::default()
    };
    let laboratory = Laboratory { name: "Laboratory X".into(), address: None };
    FakeCase { order: Some(order), laboratory: Some(laboratory), ..FakeCase::default() }.build().record
}

fn job(change: impl FnOnce(&mut CaseRecord)) -> String {
    let mut record = record();
    change(&mut record);
    Job::of(&record).expect("a job").sha256().to_owned()
}

/// `value` as RFC 8785 writes it: members are few and their names ASCII, so that sorting by bytes is the standard's order.
fn canonical(value: &serde_json::Value) -> String {
    use serde_json::Value;
    match value {
        Value::Object(members) => {
            let mut sorted: Vec<_> = members.iter().collect();
            sorted.sort_by_key(|(name, _)| name.as_str());
            let members: Vec<String> = sorted
                .into_iter()
                .map(|(name, value)| format!("{}:{}", Value::from(name.as_str()), canonical(value)))
                .collect();
            format!("{{{}}}", members.join(","))
        }
        Value::Array(values) => format!("[{}]", values.iter().map(canonical).collect::<Vec<_>>().join(",")),
        // A whole number has no point.
        Value::Number(number) => match number.as_f64() {
            Some(value) if value.fract() == 0.0 => value.to_string(),
            _ => number.to_string(),
        },
        other => other.to_string(),
    }
}

#[test]
fn the_hash_is_that_of_the_documented_bytes() {
    let json = serde_json::to_value(record()).expect("plain record");
    let hashed = serde_json::json!({
        "accession": json["accession"],
        "evidence": json["evidence"],
        "issued_at": null,
        "laboratory": json["laboratory"],
        "order": json["order"],
        "provenance": json["provenance"],
    });
    let job = Job::of(&record()).expect("a job");
    assert_eq!(job.sha256(), sha256_hex(canonical(&hashed).as_bytes()));
    let mut signed = FakeReview::default().sign(FakeCase::default().build()).record;
    (signed.order, signed.laboratory) = (record().order, record().laboratory);
    let json = serde_json::to_value(&signed).expect("plain record");
    let mut with_review = hashed.clone();
    with_review["review"] = json["review"].clone();
    assert_eq!(Job::of(&signed).expect("a job").sha256(), sha256_hex(canonical(&with_review).as_bytes()));
    assert_eq!((job.id(), job.control_id()), (&job.sha256()[..16], &job.sha256()[..20]));
}

#[test]
fn whatever_changes_the_work_changes_the_job() {
    let base = job(|_| {});
    type Change = Box<dyn FnOnce(&mut CaseRecord)>;
    let changes: Vec<(&str, Change)> = vec![
        ("image", Box::new(|record| record.provenance.inputs[0].sha256.replace_range(..1, "f"))),
        ("order of images", Box::new(|record| record.provenance.inputs.swap(0, 1))),
        ("model", Box::new(|record| record.provenance.model.sha256.replace_range(..1, "a"))),
        ("operating point", Box::new(|record| record.provenance.model.operating_point = 0.5)),
        ("detector", Box::new(|record| record.provenance.detector.sha256.replace_range(..1, "a"))),
        ("engine", Box::new(|record| record.provenance.engine = "onnxruntime".into())),
        ("method", Box::new(|record| record.provenance.method_version = "2".into())),
        ("software", Box::new(|record| record.provenance.software_version = "9".into())),
        ("option", Box::new(|record| drop(record.provenance.options.insert("min_cells".into(), 500.into())))),
        ("accession", Box::new(|record| record.accession = None)),
        ("order", Box::new(|record| record.order = None)),
        ("patient", Box::new(|record| record.order = Some(Order::default()))),
        (
            "evidence",
            Box::new(|record| *record = record.clone().with_panel(&LabPanel::default(), &ScoreOptions::default())),
        ),
        ("laboratory", Box::new(|record| record.laboratory = None)),
        (
            "given time",
            Box::new(|record| {
                record.issued_at = IssueTime::resolve(Timestamp::parse("2025-02-03T00:00:00Z").ok().as_ref(), None)
            }),
        ),
    ];
    for (name, change) in changes {
        assert_ne!(job(change), base, "{name}");
    }
}

#[test]
fn a_time_that_was_not_given_and_the_result_are_no_part_of_the_job() {
    let base = job(|_| {});
    for source in [IssueSource::Received, IssueSource::Collected] {
        let at = Timestamp::parse("2031-02-03T00:00:00Z").expect("a time");
        assert_eq!(job(|record| record.issued_at = Some(IssueTime { at, source })), base);
    }
    assert_eq!(job(|record| record.issued_at = None), base);
    assert_eq!(job(|record| record.statement = "other words".into()), base);
}

#[test]
fn files_are_called_by_accession_and_job() {
    let (record, job) = (record(), Job::of(&record()).expect("a job"));
    let names = FileNames::of(&record).expect("names");
    assert_eq!(names.base(), format!("S-2041-0007_{}", job.id()));
    assert_eq!(names.with("fhir.json"), format!("S-2041-0007_{}.fhir.json", job.id()));
    assert_eq!(names.fields(), ["field-01", "field-02"]);
    for (accession, expected) in [
        (None, "specimen".to_owned()),
        (Some("../S 1"), format!("S-1-{}", &sha256_hex(b"../S 1")[..8])),
        (Some("Ä"), format!("specimen-{}", &sha256_hex("Ä".as_bytes())[..8])),
    ] {
        let record = CaseRecord { accession: accession.map(str::to_owned), ..record.clone() };
        let base = FileNames::of(&record).expect("names").base().to_owned();
        assert_eq!(base, format!("{expected}_{}", Job::of(&record).expect("a job").id()));
    }
}
