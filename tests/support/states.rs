//! Reads the state of a case back from every format that says it: one state everywhere, and the caution of a mixed picture
//! beside it, never in its place.

use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use schistoquant::case::{Case, CaseRecord, Context, SpecimenOutcome, SpecimenResult, State};
use schistoquant::report::{BatchAbout, ReportFormat, batch_page, render};
use serde_json::Value;

/// Every state with its words, its local code, and the flags of the percentage and of the state in messages.
const STATES: [(State, &str, &str, &str, &str); 5] = [
    (State::Above, "Above the reference limit", "ABOVE", "H", "A"),
    (State::NotAbove, "Not above the reference limit", "NOTABOVE", "N", "N"),
    (State::Indeterminate, "Indeterminate: not placed against the limit", "INDETERMINATE", "IND", "IND"),
    (State::Insufficient, "Insufficient: too few red cells", "INSUFFICIENT", "IND", "IND"),
    (State::NotAssessable, "Not assessable", "NOTASSESSABLE", "", ""),
];

const CAUTION: &str = "Other abnormal shapes outnumber schistocytes: percentage not specific";

/// What a format says.
#[derive(Debug, PartialEq, Eq)]
struct Said {
    state: String,
    mixed: bool,
}

impl Said {
    fn new(state: impl Into<String>, mixed: bool) -> Self {
        Self { state: state.into(), mixed }
    }
}

/// Fails unless every format says the state and the context of the record, and messages flag the percentage by it.
pub fn assert_same_everywhere(case: &Case) {
    let count = &case.record.count;
    let expected = Said::new(count.state.name(), count.context == Some(Context::MixedPoikilocytosis));
    let found = [
        ("case.json", json(case)),
        ("report.html", page(case)),
        ("specimen.csv", csv_table(case)),
        ("specimen.parquet", parquet_table(case)),
        ("hl7", hl7(case)),
        ("fhir", fhir(case)),
        ("batch.html", batch(&case.record)),
        #[cfg(feature = "pdf")]
        ("pdf", sheets(case)),
    ];
    for (format, said) in found {
        assert_eq!(said, expected, "{format}");
    }
}

fn bytes(case: &Case, format: ReportFormat, ending: &str) -> Vec<u8> {
    let files = render(format, case).expect("a case that can be written");
    files.into_iter().find(|file| file.name.ends_with(ending)).expect("the file").bytes
}

fn text(case: &Case, format: ReportFormat, ending: &str) -> String {
    String::from_utf8(bytes(case, format, ending)).expect("UTF-8")
}

/// The state that a local code stands for.
fn of_code(code: &str) -> State {
    STATES.into_iter().find(|(_, _, known, ..)| *known == code).unwrap_or_else(|| panic!("the code {code:?}")).0
}

fn json(case: &Case) -> Said {
    let record: Value = serde_json::from_slice(&bytes(case, ReportFormat::Json, "case.json")).expect("JSON");
    let state = record["count"]["state"].as_str().expect("a state");
    Said::new(state, record["count"]["context"] == "mixed_poikilocytosis")
}

fn page(case: &Case) -> Said {
    let page = text(case, ReportFormat::Html, "report.html");
    let between = |start: &str, end: &str| {
        let at = page.find(start).unwrap_or_else(|| panic!("{start} in the page")) + start.len();
        page[at..].split(end).next().unwrap_or_default()
    };
    let name = between("data-state=\"", "\"").to_owned();
    let words = between("class=\"state\"", "</p>");
    let shown = STATES.into_iter().find(|(_, shown, ..)| words.contains(&format!("<strong>{shown}</strong>")));
    assert_eq!(shown.map(|(state, ..)| state.name()), Some(name.as_str()), "words and attribute of the page");
    Said::new(name, page.contains(&format!("<p class=\"caution\">{CAUTION}</p>")))
}

fn csv_table(case: &Case) -> Said {
    let table = bytes(case, ReportFormat::Csv, ".specimen.csv");
    let mut reader = csv::Reader::from_reader(table.as_slice());
    let names = reader.headers().expect("a header").clone();
    let row = reader.records().next().expect("a row").expect("a sound row");
    let of = |name: &str| row[names.iter().position(|column| column == name).expect("the column")].to_owned();
    Said::new(of("state"), of("context") == "mixed_poikilocytosis")
}

fn parquet_table(case: &Case) -> Said {
    let table = bytes(case, ReportFormat::Parquet, ".specimen.parquet");
    let reader = SerializedFileReader::new(bytes::Bytes::from(table)).expect("a Parquet file");
    let row = reader.get_row_iter(None).expect("rows").next().expect("a row").expect("a sound row");
    let of = |name: &str| match row.get_column_iter().find(|(column, _)| *column == name).expect("the column").1 {
        Field::Str(text) => text.clone(),
        _ => String::new(),
    };
    Said::new(of("state"), of("context") == "mixed_poikilocytosis")
}

fn hl7(case: &Case) -> Said {
    let message = text(case, ReportFormat::Hl7, ".hl7");
    let rows: Vec<Vec<&str>> = message.split('\r').map(|segment| segment.split('|').collect()).collect();
    // Type, code of the value, limit, flag and status of an observation.
    let of = |code: &str| {
        let row = rows.iter().find(|row| row[0] == "OBX" && row[3].split('^').next() == Some(code));
        let row = row.unwrap_or_else(|| panic!("{code} in {message}"));
        [2, 5, 7, 8, 11].map(|field| row[field].split('^').next().unwrap_or_default())
    };
    let [kind, state, ..] = of("SCHISTO-STATE");
    assert_eq!(kind, "CWE");
    let state = of_code(state);
    let (.., percent_flag, state_flag) = STATES[STATES.iter().position(|row| row.0 == state).expect("a state")];
    assert_eq!(of("SCHISTO-STATE")[3], state_flag);
    let [_, value, limit, flag, status] = of("SCHISTO-PCT");
    assert_eq!(flag, percent_flag);
    // Nothing stands beside a limit that it was not placed against.
    let placed = !matches!(state, State::Insufficient | State::NotAssessable);
    assert_eq!((limit.is_empty(), value.is_empty()), (!placed, status == "X"));
    let mixed = of("SHAPE-CONTEXT")[1] == "MIXED";
    assert_eq!(of("SHAPE-CONTEXT")[3], if mixed { "A" } else { "" });
    assert_eq!(message.matches(CAUTION).count() > 0, mixed);
    Said::new(state.name(), mixed)
}

fn fhir(case: &Case) -> Said {
    let bundle: Value = serde_json::from_slice(&bytes(case, ReportFormat::Fhir, ".fhir.json")).expect("JSON");
    let entries = bundle["entry"].as_array().expect("entries");
    let of = |code: &str| {
        let found = entries.iter().map(|entry| &entry["resource"]).find(|of| of["code"]["coding"][0]["code"] == code);
        found.unwrap_or_else(|| panic!("{code} in the bundle"))
    };
    let coded =
        |item: &Value| item["valueCodeableConcept"]["coding"][0]["code"].as_str().unwrap_or_default().to_owned();
    let flag = |item: &Value| item["interpretation"][0]["coding"][0]["code"].as_str().unwrap_or_default().to_owned();
    let state = of_code(&coded(of("SCHISTO-STATE")));
    let (.., percent_flag, state_flag) = STATES[STATES.iter().position(|row| row.0 == state).expect("a state")];
    assert_eq!((flag(of("SCHISTO-PCT")).as_str(), flag(of("SCHISTO-STATE")).as_str()), (percent_flag, state_flag));
    let placed = !matches!(state, State::Insufficient | State::NotAssessable);
    assert_eq!(of("SCHISTO-PCT").get("referenceRange").is_some(), placed);
    let components = of("SCHISTO-PCT")["component"].as_array().expect("components");
    for code in ["SCHISTO-STATE", "SHAPE-CONTEXT"] {
        let part = components.iter().find(|part| part["code"]["coding"][0]["code"] == code).expect("a component");
        assert_eq!(coded(part), coded(of(code)), "{code}");
    }
    Said::new(state.name(), coded(of("SHAPE-CONTEXT")) == "MIXED")
}

fn batch(record: &CaseRecord) -> Said {
    let result = SpecimenResult::of(record, "s_1").expect("a result");
    let outcome = SpecimenOutcome {
        line: 1,
        accession: "S-1".to_owned(),
        row_sha256: String::new(),
        files_sha256: None,
        extra: std::collections::BTreeMap::new(),
        result: Some(result),
        failure: None,
    };
    let about = BatchAbout { software: "schistoquant 0", model: "m 1", extra_columns: &[], linked: false };
    let page = batch_page(&about, &[outcome]);
    let counted = |words: &str, specimens: u8| {
        page.contains(&format!("<th scope=\"row\">{words}</th><td class=\"number\">{specimens}</td>"))
    };
    let states: Vec<&str> =
        STATES.into_iter().filter(|(_, words, ..)| counted(words, 1)).map(|(state, ..)| state.name()).collect();
    let none = STATES.into_iter().filter(|(_, words, ..)| counted(words, 0)).count();
    assert_eq!((states.len(), none), (1, 4), "one state of five: {page}");
    Said::new(states[0], page.contains(&format!("<small>{CAUTION}</small>")))
}

#[cfg(feature = "pdf")]
fn sheets(case: &Case) -> Said {
    let document = lopdf::Document::load_mem(&bytes(case, ReportFormat::Pdf, ".pdf")).expect("a PDF");
    // The reader sets spaces by the distance of letters.
    let dense = |text: &str| text.split_whitespace().collect::<String>();
    let first = dense(&document.extract_text(&[1]).expect("text of the first page"));
    // The table of both counts of a signed case names the software's own state beside the reviewed one.
    let first = first.split("Bothcounts").next().unwrap_or_default();
    let said: Vec<&str> = STATES
        .into_iter()
        .filter(|(_, words, ..)| first.contains(&dense(words)))
        .map(|(state, ..)| state.name())
        .collect();
    assert_eq!(said.len(), 1, "one state on the first sheet: {said:?}");
    Said::new(said[0], first.contains(&dense(CAUTION)))
}
