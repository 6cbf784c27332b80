//! The library in one call, as its first page shows it.

use std::path::Path;

use schistoquant::case::State;
use schistoquant::{Error, Options, ReportFormat};

#[test]
fn one_call_makes_the_case_and_another_its_reports() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let options = Options::new().accession("S-1").labs(root.join("fixtures/labs/cancer.json")).threads(2);
    let case = schistoquant::analyze([root.join("fixtures/specimen")], &options).expect("a case");
    let count = &case.record.count;
    assert_eq!((count.schistocytes, count.red_cells, count.state), (39, 1273, State::Above));
    assert_eq!((case.record.accession.as_deref(), case.record.evidence.is_some()), (Some("S-1"), true));
    let folder = tempfile::tempdir().expect("a temporary folder");
    schistoquant::write(&case, folder.path(), &[ReportFormat::Json, ReportFormat::Html]).expect("reports");
    assert!(["case.json", "report.html"].iter().all(|file| folder.path().join(file).is_file()));
}

#[test]
fn what_cannot_be_read_is_refused_by_its_kind() {
    let nowhere = Path::new("no/such/file");
    let labs = schistoquant::analyze([nowhere], &Options::new().labs(nowhere));
    assert!(matches!(labs, Err(Error::LabsUnreadable { .. })));
    let model = schistoquant::analyze([nowhere], &Options::new().model(nowhere));
    assert!(matches!(model, Err(Error::Classifier(_))));
    assert!(matches!(schistoquant::analyze([nowhere], &Options::new()), Err(Error::Analyze(_))));
}
