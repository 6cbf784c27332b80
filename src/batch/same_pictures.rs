//! Pictures that two specimens of a batch show: the same bytes, found before the work, or the same look, found after it.
//!
//! In: a [`Manifest`], or the outcomes with the records of the specimens. Out: pairs of rows with the pictures of both.
//!
//! METHOD: this finds one patient's picture in another one's folder. It is named and not refused: only a person can say which
//! of two specimens a picture belongs to, and a control smear may rightly stand in many rows.
//!
//! Same bytes: files are told apart by size, then by the hash of their first [`HEAD_BYTES`], then by that of all bytes, so that
//! of a cohort of photographs hardly a file is read whole. Folders are searched one level deep, as for a specimen; files that
//! cannot be read are left to the analysis.
//!
//! Same look: counted fields whose pictures are the same by [`SAME_PICTURE_LIKENESS`], even where one was turned, saved
//! again or reduced. They are read from `case.json`; a batch without that format names none. Every picture is compared with
//! every other one, so that of more than [`MOST_COMPARED`] none is.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::manifest::{Manifest, ManifestRow, some_names};
use super::settings::SPECIMENS;
use crate::case::{CaseRecord, SpecimenOutcome};
use crate::durable::sha256_of;
use crate::quality::{OrientedSignature, PictureSignature, SAME_PICTURE_LIKENESS};
use crate::report::{ReportError, spreadsheet_text};
use crate::source::listed_images;

/// Bytes by which files of one size are told apart first.
const HEAD_BYTES: u64 = 1 << 16;

/// Two specimens that name the same pictures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedImages {
    /// Line and accession of both.
    pub rows: [(u64, String); 2],
    /// Pictures of the second one that the first one names too.
    pub images: Vec<PathBuf>,
}

impl SharedImages {
    /// What is wrong, in words.
    pub fn words(&self) -> String {
        let [(line, accession), (other_line, other)] = &self.rows;
        let images = some_names(Path::new(""), self.images.clone());
        format!("lines {line} and {other_line}: specimens {accession} and {other} name the same picture: {images}")
    }
}

/// A listed picture and the row that lists it.
type Listed = (PathBuf, usize);

/// Finds the pictures that two rows name; on the threads of the pool that it is called in.
pub fn shared_images(manifest: &Manifest) -> Vec<SharedImages> {
    let rows = manifest.rows();
    let listed = |(index, row): (usize, &ManifestRow)| {
        listed_images(&row.inputs).into_iter().map(move |path| (path, index)).collect::<Vec<Listed>>()
    };
    let listed: Vec<Listed> = rows.par_iter().enumerate().flat_map_iter(listed).collect();
    let sizes = classes(vec![listed], |path| fs::metadata(path).ok().map(|metadata| metadata.len()));
    let heads = classes(sizes, |path| sha256_of(File::open(path).ok()?.take(HEAD_BYTES)).ok());
    let same = classes(heads, |path| sha256_of(File::open(path).ok()?).ok());
    let mut pairs: BTreeMap<(usize, usize), Vec<PathBuf>> = BTreeMap::new();
    for class in same {
        let Some((_, first)) = class.first().cloned() else { continue };
        for (path, row) in class.into_iter().filter(|(_, row)| *row != first) {
            pairs.entry((first, row)).or_default().push(path);
        }
    }
    let name = |row: usize| (rows[row].line, rows[row].accession.clone());
    pairs.into_iter().map(|((one, two), images)| SharedImages { rows: [name(one), name(two)], images }).collect()
}

/// Parts classes by a property of their files; what stands in one row alone is left out.
fn classes<K: Ord + Send>(classes: Vec<Vec<Listed>>, of: impl Fn(&Path) -> Option<K> + Sync) -> Vec<Vec<Listed>> {
    let mut parted = Vec::new();
    for class in classes {
        let keyed: Vec<(Option<K>, Listed)> = class.into_par_iter().map(|listed| (of(&listed.0), listed)).collect();
        let mut parts: BTreeMap<K, Vec<Listed>> = BTreeMap::new();
        for (key, listed) in keyed {
            if let Some(key) = key {
                parts.entry(key).or_default().push(listed);
            }
        }
        parted.extend(parts.into_values().filter(|part| part.iter().any(|(_, row)| *row != part[0].1)));
    }
    parted
}

/// Most counted photographs of a batch that are compared: 50 million pairs, about a minute.
pub const MOST_COMPARED: usize = 10_000;

/// A picture that two specimens show.
#[derive(Debug, Clone, PartialEq)]
pub struct RepeatedPicture {
    /// Line and accession of both.
    pub rows: [(u64, String); 2],
    /// The field of each.
    pub fields: [String; 2],
    /// Likeness of both, −1 to 1.
    pub likeness: f64,
}

impl RepeatedPicture {
    /// What was found, in words.
    pub fn words(&self) -> String {
        let ([(line, accession), (other_line, other)], [field, other_field]) = (&self.rows, &self.fields);
        format!(
            "lines {line} and {other_line}: specimens {accession} and {other} show the same picture, {field} and {other_field} \
             (likeness {:.2})",
            self.likeness
        )
    }
}

/// A counted photograph.
struct Counted {
    /// Index of its specimen.
    specimen: usize,
    field: String,
    signature: PictureSignature,
}

/// The pictures that two specimens show, in the order of both; `None` where there are too many to compare.
pub(super) fn repeated_pictures(folder: &Path, outcomes: &[SpecimenOutcome]) -> Option<Vec<RepeatedPicture>> {
    let counted: Vec<Counted> =
        outcomes.par_iter().enumerate().flat_map_iter(|(index, outcome)| counted_of(folder, index, outcome)).collect();
    if counted.len() > MOST_COMPARED {
        return None;
    }
    let row = |of: &Counted| (outcomes[of.specimen].line, outcomes[of.specimen].accession.clone());
    let pairs = |(at, one): (usize, &Counted)| {
        let oriented = OrientedSignature::of(&one.signature);
        let later = counted[at + 1..].iter().filter(|other| other.specimen != one.specimen);
        let alike = later.filter_map(|other| {
            let likeness = oriented.likeness(&other.signature);
            (likeness >= SAME_PICTURE_LIKENESS).then(|| RepeatedPicture {
                rows: [row(one), row(other)],
                fields: [one.field.clone(), other.field.clone()],
                likeness,
            })
        });
        alike.collect::<Vec<_>>()
    };
    Some(counted.par_iter().enumerate().flat_map_iter(pairs).collect())
}

/// The counted photographs of a specimen; none of one without a record.
fn counted_of(folder: &Path, specimen: usize, outcome: &SpecimenOutcome) -> Vec<Counted> {
    let record = outcome.result.as_ref().and_then(|result| {
        let path = folder.join(SPECIMENS).join(&result.folder).join("case.json");
        serde_json::from_slice::<CaseRecord>(&fs::read(path).ok()?).ok()
    });
    let fields = record.map(|record| record.fields).unwrap_or_default().into_iter().filter(|field| field.accepted);
    fields
        .filter_map(|field| Some(Counted { specimen, field: field.field, signature: field.picture_signature? }))
        .collect()
}

/// The table of them.
///
/// # Errors
/// [`ReportError`] where a row cannot be written.
pub(super) fn repeated_table(repeated: &[RepeatedPicture]) -> Result<Vec<u8>, ReportError> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let heading = ["line", "accession", "field", "other_line", "other_accession", "other_field", "likeness"];
    writer.write_record(heading)?;
    for RepeatedPicture { rows: [one, other], fields, likeness } in repeated {
        writer.write_record([
            one.0.to_string(),
            spreadsheet_text(&one.1),
            spreadsheet_text(&fields[0]),
            other.0.to_string(),
            spreadsheet_text(&other.1),
            spreadsheet_text(&fields[1]),
            format!("{likeness:.3}"),
        ])?;
    }
    writer.into_inner().map_err(|error| ReportError::Stream(error.into_error()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_file_and_the_same_bytes_in_two_rows_are_named_and_others_are_not() {
        let base = tempfile::tempdir().expect("a folder");
        let head = vec![7; HEAD_BYTES as usize];
        for (name, content) in [
            ("a/1.png", b"one".to_vec()),
            ("a/2.png", b"two".to_vec()),
            ("b/1.png", b"six".to_vec()),
            ("b/copy.png", b"two".to_vec()),
            ("b/again.png", b"two".to_vec()),
            // Alike to their last byte.
            ("c/long.png", [head.as_slice(), b"x"].concat()),
            ("d/long.png", [head.as_slice(), b"y"].concat()),
            ("d/note.txt", b"one".to_vec()),
        ] {
            let path = base.path().join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            fs::write(path, content).expect("written");
        }
        let text = "accession,inputs\nA,a\nB,b\nC,c\nD,d;a/1.png\nE,none.png\n";
        let manifest = Manifest::of_csv(text.as_bytes(), base.path()).expect("a manifest");
        let found: Vec<String> = shared_images(&manifest).iter().map(SharedImages::words).collect();
        let path = |name: &str| base.path().join(name).display().to_string();
        assert_eq!(
            found,
            [
                format!(
                    "lines 2 and 3: specimens A and B name the same picture: {}, {}",
                    path("b/again.png"),
                    path("b/copy.png")
                ),
                format!("lines 2 and 5: specimens A and D name the same picture: {}", path("a/1.png")),
            ]
        );
    }
}
