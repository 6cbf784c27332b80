//! Names of what a review leaves in the folder of a case, for those who move or join such folders.

/// The audit trail.
pub const TRAIL_FILE: &str = "review.jsonl";
/// The note of its last event.
pub const HEAD_FILE: &str = "review.head";
/// Begins the name of a folder with superseded reports.
const SUPERSEDED: &str = "superseded-";

/// Name of the folder with the reports that signature `number` superseded; the first supersedes the software's own.
pub fn superseded_by(number: u32) -> String {
    format!("{SUPERSEDED}{}", number.saturating_sub(1))
}

/// Whether a folder of this name holds superseded reports.
pub fn is_superseded(name: &str) -> bool {
    name.strip_prefix(SUPERSEDED).is_some_and(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_superseded_reports_are_numbered_from_the_software_s_own() {
        assert_eq!((superseded_by(1), superseded_by(2)), ("superseded-0".to_owned(), "superseded-1".to_owned()));
        assert!(is_superseded("superseded-12"));
        for other in ["superseded-", "superseded-x", "superseded", "S-superseded-1"] {
            assert!(!is_superseded(other), "{other}");
        }
    }
}
