//! Names of the files that leave the case folder, `<accession>_<job>.<ext>`, and identifiers of what stands in them.
//!
//! In: the record. Out: names of `[A-Za-z0-9._-]`, never a path, a leading dot, or more than [`MAX_PART_CHARS`] characters
//! in the part before the extension. The same work gives the same names, other work other ones.
//!
//! What an accession holds beyond these characters is replaced by `-`; where anything was replaced or cut, the first eight
//! hexadecimal digits of the accession's SHA-256 follow, so that two accessions never share a name. Without an accession
//! the word `specimen` stands in its place. Fields have the name of their file without its extension, by the same rule.
//!
//! METHOD: no patient's name stands in a file name. It is never taken for one, and a field whose own file is named after
//! the patient of the order is called by its number.

use std::collections::BTreeMap;

use uuid::Uuid;

use crate::case::{CaseRecord, Job, Patient};
use crate::durable::sha256_hex;

/// Most characters of `<accession>_<job>` and of a field's name.
pub const MAX_PART_CHARS: usize = 64;

/// Characters that the job and the `_` before it take.
const JOB_CHARS: usize = 17;

/// Digits of a hash behind a name that was changed.
const HASH_CHARS: usize = 8;

/// Room for the number of a field and the dash before it.
const NUMBER_CHARS: usize = 7;

/// Stands in place of a missing accession.
const NO_ACCESSION: &str = "specimen";

/// Names of Windows devices: a file cannot be called so, whatever its extension.
const DEVICES: [&str; 7] = ["con", "prn", "aux", "nul", "com", "lpt", "clock"];

/// Names of the files of one case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileNames {
    base: String,
    fields: Vec<String>,
}

impl FileNames {
    /// The names for a record.
    ///
    /// # Errors
    /// Where the record has no job, see [`Job::of`].
    pub fn of(record: &CaseRecord) -> Result<Self, serde_json::Error> {
        let accession = record.accession.as_deref().unwrap_or(NO_ACCESSION);
        let base = format!("{}_{}", plain(accession, MAX_PART_CHARS - JOB_CHARS), Job::of(record)?.id());
        let patient = record.order.as_ref().and_then(|order| order.patient.as_ref());
        Ok(Self { base, fields: field_names(record.fields.iter().map(|field| field.field.as_str()), patient) })
    }

    /// `<accession>_<job>`.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// `<accession>_<job>.<extension>`.
    pub fn with(&self, extension: &str) -> String {
        format!("{}.{extension}", self.base)
    }

    /// The name of each field, in the order of the record; no two are the same, in whatever case.
    pub fn fields(&self) -> &[String] {
        &self.fields
    }
}

fn field_names<'a>(fields: impl Iterator<Item = &'a str>, patient: Option<&Patient>) -> Vec<String> {
    let fields: Vec<&str> = fields.collect();
    let names: Vec<String> =
        fields.iter().enumerate().map(|(index, field)| field_name(field, index, patient)).collect();
    // `a.jpg` and `a.png`, or `A.jpg` and `a.jpg` on a disk that takes both for one.
    let alike = occurrences(&names);
    let numbered = |(index, name): (usize, String)| match alike[&name.to_lowercase()] {
        1 => name,
        _ => format!("{}-{}", cut(&name, MAX_PART_CHARS - NUMBER_CHARS), index + 1),
    };
    let names: Vec<String> = names.into_iter().enumerate().map(numbered).collect();
    // A number may make a name that another file has of its own.
    match occurrences(&names).len() == names.len() {
        true => names,
        false => (0..names.len()).map(by_number).collect(),
    }
}

/// How often each name occurs, in whatever case.
fn occurrences(names: &[String]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for name in names {
        *counts.entry(name.to_lowercase()).or_insert(0) += 1;
    }
    counts
}

/// The name of a field that has no other.
fn by_number(index: usize) -> String {
    format!("field-{:03}", index + 1)
}

/// The file's name without folders and extension; further pages keep their number.
fn field_name(field: &str, index: usize, patient: Option<&Patient>) -> String {
    let names_patient = patient.is_some_and(|patient| {
        let (field, names) = (field.to_lowercase(), [&patient.family_name, &patient.given_name]);
        names.into_iter().flatten().any(|name| !name.trim().is_empty() && field.contains(&name.trim().to_lowercase()))
    });
    if names_patient {
        return by_number(index);
    }
    let name = field.rsplit(['/', '\\']).next().unwrap_or(field);
    let (file, page) = match name.rsplit_once('#') {
        Some((file, page)) if !page.is_empty() && page.bytes().all(|byte| byte.is_ascii_digit()) => (file, Some(page)),
        _ => (name, None),
    };
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    let stem = if stem.is_empty() { file } else { stem };
    match page {
        Some(page) => plain(&format!("{stem}-page-{page}"), MAX_PART_CHARS),
        None => plain(stem, MAX_PART_CHARS),
    }
}

/// A text as part of a file name, at most `most` characters.
fn plain(text: &str, most: usize) -> String {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let replaced: String = text.chars().map(|c| if allowed(c) { c } else { '-' }).collect();
    // A leading dot hides the file, a leading dash makes it an option, a trailing dot is lost on Windows.
    let trimmed = replaced.trim_start_matches(['.', '-']).trim_end_matches('.');
    let device = DEVICES.contains(&trimmed.to_lowercase().trim_end_matches(|c: char| c.is_ascii_digit() || c == '$'));
    if trimmed == text && !trimmed.is_empty() && trimmed.len() <= most && !device {
        return trimmed.to_owned();
    }
    let hash = &sha256_hex(text.as_bytes())[..HASH_CHARS];
    let kept = cut(trimmed, most - HASH_CHARS - 1);
    if kept.is_empty() { format!("{NO_ACCESSION}-{hash}") } else { format!("{kept}-{hash}") }
}

/// The first `most` characters of an ASCII text.
fn cut(text: &str, most: usize) -> &str {
    &text[..text.len().min(most)]
}

/// What the identifiers are made under.
const AUTHORITY: &str = "urn:schistoquant";

/// Makes the identifiers of a job: the same work gives the same ones, and no other work gives them.
///
/// Method: UUID version 5 (RFC 9562, section 5.5), the SHA-1 of a namespace and a name. The namespace is that of the URL
/// namespace for [`AUTHORITY`]; the name is the whole hash of the job, a slash, and what is identified.
pub(super) struct Identifiers<'a> {
    namespace: Uuid,
    job: &'a Job,
}

impl<'a> Identifiers<'a> {
    /// Those of a job.
    pub(super) fn of(job: &'a Job) -> Self {
        Self { namespace: Uuid::new_v5(&Uuid::NAMESPACE_URL, AUTHORITY.as_bytes()), job }
    }

    /// The UUID of a part of the work.
    pub(super) fn uuid(&self, part: &str) -> String {
        Uuid::new_v5(&self.namespace, format!("{}/{part}", self.job.sha256()).as_bytes()).to_string()
    }

    /// The same as `urn:uuid:…`.
    pub(super) fn urn(&self, part: &str) -> String {
        format!("urn:uuid:{}", self.uuid(part))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn plain_names_stay_and_others_say_so_by_their_hash() {
        assert_eq!(plain("S-2041.7_a", 47), "S-2041.7_a");
        let name = "x".repeat(47);
        assert_eq!(plain(&name, 47), name);
        assert_eq!(
            plain(&"x".repeat(48), 47),
            format!("{}-{}", "x".repeat(38), &sha256_hex("x".repeat(48).as_bytes())[..8])
        );
        assert_eq!(plain("../../etc/passwd", 47), format!("etc-passwd-{}", &sha256_hex(b"../../etc/passwd")[..8]));
        assert_eq!(plain("", 47), "specimen-e3b0c442");
        assert!(plain("nul", 47).starts_with("nul-") && plain("COM1", 47).starts_with("COM1-"));
        assert_eq!(plain("column", 47), "column");
        assert_ne!(plain("S/1", 47), plain("S:1", 47));
    }

    #[test]
    fn fields_of_one_name_are_told_apart() {
        let names = |fields: &[&str]| field_names(fields.iter().copied(), None);
        assert_eq!(names(&["a.jpg", "b.tif", "b.tif#2"]), ["a", "b", "b-page-2"]);
        assert_eq!(names(&["one/a.jpg", "two/a.jpg", "A.png"]), ["a-1", "a-2", "A-3"]);
        assert_eq!(names(&[".jpg"]), [format!("jpg-{}", &sha256_hex(b".jpg")[..8])]);
    }

    #[test]
    fn a_number_that_makes_another_files_name_gives_way_to_numbers_alone() {
        let names = field_names(["a.jpg", "a.png", "a-1.jpg"].into_iter(), None);
        assert_eq!(names, ["field-001", "field-002", "field-003"]);
    }

    #[test]
    fn a_patients_name_never_reaches_a_file_name() {
        let patient =
            Patient { family_name: Some("Doe".into()), given_name: Some("Jane".into()), ..Patient::default() };
        let fields = ["doe_1.jpg", "film JANE.jpg", "slide.jpg"];
        assert_eq!(field_names(fields.into_iter(), Some(&patient)), ["field-001", "field-002", "slide"]);
    }

    proptest! {
        #[test]
        fn every_text_gives_a_harmless_name(text in any::<String>(), more in "[./\\\\:\u{0}-\u{ff}]{0,90}") {
            for text in [text, more] {
                for most in [MAX_PART_CHARS - JOB_CHARS, MAX_PART_CHARS] {
                    let name = plain(&text, most);
                    prop_assert!(!name.is_empty() && name.len() <= most, "{name}");
                    prop_assert!(name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b)), "{name}");
                    prop_assert!(!name.starts_with(['.', '-']), "{name}");
                }
            }
        }

        #[test]
        fn fields_never_share_a_name(fields in prop::collection::btree_set("[aA./#1-]{1,5}", 2..8)) {
            let names = field_names(fields.iter().map(String::as_str), None);
            let mut lower: Vec<String> = names.iter().map(|name| name.to_lowercase()).collect();
            lower.sort();
            lower.dedup();
            prop_assert_eq!(lower.len(), fields.len(), "{:?}", names);
        }
    }
}
