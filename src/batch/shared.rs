//! Pictures that two specimens of a manifest name: the same file, or two files with the same bytes.
//!
//! In: a [`Manifest`]. Out: pairs of rows with the pictures that both name, found before any work. Files are told apart by
//! size, then by the hash of their first [`HEAD_BYTES`], then by that of all bytes, so that of a cohort of photographs
//! hardly a file is read whole.
//!
//! METHOD: one patient's picture in another one's folder is what this is for. It is named and not refused: a control
//! smear may rightly stand in many rows.
//!
//! Limits: folders are searched one level deep, as for a specimen; files that cannot be read are left to the analysis.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::manifest::some_names;
use super::{Manifest, ManifestRow};
use crate::durable::sha256_of;
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
