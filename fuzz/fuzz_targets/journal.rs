//! The journal of a batch: refused, or whole lines that read back the same, whatever a kill left behind them; the page over
//! them can be made.
#![no_main]

use libfuzzer_sys::fuzz_target;
use schistoquant::batch::{Outcomes, parse_journal};
use schistoquant::report::{BatchAbout, batch_page};

/// The journal in the order of the accessions.
fn written(outcomes: &Outcomes) -> Vec<u8> {
    let mut text = Vec::new();
    for outcome in outcomes.values() {
        serde_json::to_writer(&mut text, outcome).expect("memory");
        text.push(b'\n');
    }
    text
}

fuzz_target!(|bytes: &[u8]| {
    let (outcomes, whole) = match parse_journal(bytes) {
        Ok(read) => read,
        Err(found) => {
            assert!(found.starts_with("line "));
            return;
        }
    };
    let whole = &bytes[..usize::try_from(whole).expect("within the bytes")];
    assert!(whole.is_empty() || whole.ends_with(b"\n"));
    // A kill in the middle of a line: what was durable before it still is.
    let cut = [whole, b"{\"line\":1,\"acc"].concat();
    assert_eq!(parse_journal(&cut), Ok((outcomes.clone(), whole.len() as u64)));
    let text = written(&outcomes);
    assert_eq!(parse_journal(&text), Ok((outcomes.clone(), text.len() as u64)));
    let about = BatchAbout { software: "schistoquant", model: "tiny", extra_columns: &[], linked: true };
    let page = batch_page(&about, &outcomes.into_values().collect::<Vec<_>>());
    assert_eq!(page.matches("<script").count(), 1);
});
