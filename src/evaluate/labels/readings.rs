//! Two blind readings of single cells: `set,image,x,y,label,reading_a,reading_b,weight,stratum`, one cell in a row.
//!
//! In: CSV tables, or a folder of them. Out: for an image its [`ReadCell`]s with what both readings say together. `set`
//! is the folder of the image below the data folder, `image` its file name, `x,y` the middle of the cell's box in px of
//! the original image, `label` what the set itself calls it (empty where it says nothing), `weight` the number of cells
//! that this one was drawn to stand for. Further columns are passed over.
//!
//! Letters: `S` schistocyte, sure (1) · `P` probable (0.75) · `D` undecided (0.5) · `M` microspherocyte · `N` no (0) ·
//! `X` not assessable; `S` and `P` may carry a form: `h` helmet, `t` triangle, `c` crescent, `k` keratocyte.
//!
//! METHOD: a microspherocyte counts only beside other forms (ICSH), which one cell cannot show; alone it weighs as
//! none. What one reader could not assess is not assessable.
//!
//! Limits: an unknown letter, a weight not above 0, a cell that stands twice and a position outside its image are errors
//! with their line, because a wrong reading would pass for the truth.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::durable::sha256_hex;
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr};

use super::label::{ImageFrame, LabelError, files, malformed, read};
use crate::case::InputFile;
use crate::smear::SchistocyteForm;

/// Least mean of both readings of a schistocyte.
pub const SCHISTOCYTE_FROM: f64 = 0.7;
/// Greatest mean of both readings of a cell that is none.
pub const NONE_UP_TO: f64 = 0.3;

/// Columns that a table must have.
const COLUMNS: [&str; 8] = ["set", "image", "x", "y", "label", "reading_a", "reading_b", "weight"];
/// What a reading may say, for messages.
const LETTERS: &str = "S, P, D, M, N or X, after S and P perhaps h, t, c or k";

/// What one reader says of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString)]
pub enum Letter {
    /// Schistocyte, sure.
    #[strum(serialize = "S")]
    Sure,
    /// Schistocyte, probable.
    #[strum(serialize = "P")]
    Probable,
    /// Undecided.
    #[strum(serialize = "D")]
    Undecided,
    /// Microspherocyte.
    #[strum(serialize = "M")]
    Microspherocyte,
    /// No schistocyte.
    #[strum(serialize = "N")]
    No,
    /// Not assessable.
    #[strum(serialize = "X")]
    NotAssessable,
}

/// One reading of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// The letter.
    pub letter: Letter,
    /// The form, where the reader names one; of a microspherocyte its own.
    pub form: Option<SchistocyteForm>,
}

impl Reading {
    /// A reading as written; `None` where it is none.
    pub fn of_text(text: &str) -> Option<Self> {
        let (letter, form) = text.split_at_checked(1)?;
        let letter: Letter = letter.parse().ok()?;
        let form = match (letter, form) {
            (Letter::Microspherocyte, "") => Some(SchistocyteForm::Microspherocyte),
            (_, "") => None,
            (Letter::Sure | Letter::Probable, "h") => Some(SchistocyteForm::Helmet),
            (Letter::Sure | Letter::Probable, "t") => Some(SchistocyteForm::Triangle),
            (Letter::Sure | Letter::Probable, "c") => Some(SchistocyteForm::Crescent),
            (Letter::Sure | Letter::Probable, "k") => Some(SchistocyteForm::Keratocyte),
            _ => return None,
        };
        Some(Self { letter, form })
    }

    /// How much it speaks for a schistocyte, 0–1; `None` where not assessable.
    fn value(self) -> Option<f64> {
        match self.letter {
            Letter::Sure => Some(1.0),
            Letter::Probable => Some(0.75),
            Letter::Undecided => Some(0.5),
            // Counted only beside other forms, which a single cell cannot show.
            Letter::Microspherocyte | Letter::No => Some(0.0),
            Letter::NotAssessable => None,
        }
    }
}

/// What is known of a cell: by both readings together, by its label, or because its field is declared healthy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum KnownTruth {
    /// A schistocyte.
    Schistocyte,
    /// None.
    None,
    /// Read, and undecided: left aside in figures.
    Undecided,
    /// Read, and not assessable: left aside in figures.
    NotAssessable,
}

impl KnownTruth {
    /// What a label says.
    pub fn of_label(is_schistocyte: bool) -> Self {
        if is_schistocyte { Self::Schistocyte } else { Self::None }
    }

    /// Name as written in files.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Whether it is a schistocyte, where that is known.
    pub fn is_schistocyte(self) -> Option<bool> {
        match self {
            Self::Schistocyte => Some(true),
            Self::None => Some(false),
            Self::Undecided | Self::NotAssessable => None,
        }
    }
}

/// A cell that two readers read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ReadCell {
    /// Middle of its box, px of the original image.
    pub position: [f64; 2],
    /// Whether the set itself has a label of it.
    pub labelled: bool,
    /// Both readings.
    pub readings: [Reading; 2],
    /// Cells that it stands for, above 0.
    pub weight: f64,
}

impl ReadCell {
    /// What both readings say together.
    pub fn consensus(&self) -> KnownTruth {
        let [a, b] = self.readings.map(Reading::value);
        match a.zip(b).map(|(a, b)| (a + b) / 2.0) {
            None => KnownTruth::NotAssessable,
            Some(mean) if mean >= SCHISTOCYTE_FROM => KnownTruth::Schistocyte,
            Some(mean) if mean <= NONE_UP_TO => KnownTruth::None,
            Some(_) => KnownTruth::Undecided,
        }
    }

    /// The form that both readers name.
    pub fn form(&self) -> Option<SchistocyteForm> {
        let [a, b] = self.readings.map(|reading| reading.form);
        a.filter(|_| a == b)
    }
}

/// A cell with the place of its row, for messages.
#[derive(Debug, Clone, PartialEq)]
struct Row {
    cell: ReadCell,
    table: usize,
    line: u64,
}

/// The readings of some tables.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Readings {
    tables: Vec<PathBuf>,
    /// Rows by set and image.
    sets: BTreeMap<String, BTreeMap<String, Vec<Row>>>,
    inputs: Vec<InputFile>,
}

impl Readings {
    /// Reads tables and every `.csv` file of folders, in the order of their names.
    ///
    /// # Errors
    /// [`LabelError`] where one cannot be read, a row is faulty, or a cell stands twice.
    pub fn open(paths: &[PathBuf]) -> Result<Self, LabelError> {
        let mut readings = Self::default();
        let mut seen = BTreeSet::new();
        for path in paths {
            for table in tables(path)? {
                readings.add(table, &mut seen)?;
            }
        }
        Ok(readings)
    }

    /// Whether the image lies in the folder of a read set.
    pub fn hold(&self, path: &Path) -> bool {
        self.set_of(path).is_some()
    }

    /// The tables with their hashes.
    pub fn inputs(&self) -> &[InputFile] {
        &self.inputs
    }

    fn add(&mut self, path: PathBuf, seen: &mut BTreeSet<[String; 4]>) -> Result<(), LabelError> {
        let text = read(&path)?;
        let fault = |line: u64, expected, found: &str| malformed(&path, format!("line {line}"), expected, found);
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
        let headers = reader.headers().map_err(|error| fault(1, "CSV", &error.to_string()))?.clone();
        let column = |name: &&str| headers.iter().position(|header| header == *name);
        let columns = COLUMNS.iter().map(|name| column(name).ok_or(*name)).collect::<Result<Vec<_>, _>>();
        let columns = columns.map_err(|missing| {
            let expected = "the columns set, image, x, y, label, reading_a, reading_b and weight";
            fault(1, expected, &format!("none named {missing}"))
        })?;
        let table = self.tables.len();
        for record in reader.records() {
            let record = record.map_err(|error| {
                fault(error.position().map_or(1, csv::Position::line), "a row of CSV", &error.to_string())
            })?;
            let line = record.position().map_or(1, csv::Position::line);
            let cell = |at: usize| &record[columns[at]];
            let number = |at: usize, expected| {
                cell(at).parse::<f64>().ok().filter(|n| n.is_finite()).ok_or_else(|| fault(line, expected, cell(at)))
            };
            let reading = |at: usize| Reading::of_text(cell(at)).ok_or_else(|| fault(line, LETTERS, cell(at)));
            if cell(0).is_empty() || cell(1).is_empty() {
                return Err(fault(line, "a set and an image", &format!("`{}` and `{}`", cell(0), cell(1))));
            }
            let read = ReadCell {
                position: [number(2, "x in px")?, number(3, "y in px")?],
                labelled: !cell(4).is_empty(),
                readings: [reading(5)?, reading(6)?],
                weight: number(7, "a weight above 0")?,
            };
            if read.weight <= 0.0 {
                return Err(fault(line, "a weight above 0", cell(7)));
            }
            let place =
                [cell(0).to_owned(), cell(1).to_owned(), read.position[0].to_string(), read.position[1].to_string()];
            if !seen.insert(place) {
                let found = format!("{} at {}, {} twice", cell(1), cell(2), cell(3));
                return Err(fault(line, "each cell once", &found));
            }
            let images = self.sets.entry(cell(0).to_owned()).or_default();
            images.entry(cell(1).to_owned()).or_default().push(Row { cell: read, table, line });
        }
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let sha256 = sha256_hex(text.as_bytes());
        self.inputs.push(InputFile { file, sha256 });
        self.tables.push(path);
        Ok(())
    }

    /// The read cells of an image; none of a read set's image that nobody read. `None` where the image lies in the
    /// folder of no read set.
    ///
    /// # Errors
    /// [`LabelError::Malformed`] where a cell lies outside the image.
    pub fn of_image(&self, path: &Path, image: ImageFrame<'_>) -> Result<Option<Vec<ReadCell>>, LabelError> {
        let Some(images) = self.set_of(path) else { return Ok(None) };
        let rows = images.get(image.name).map_or(&[][..], Vec::as_slice);
        let cell = |row: &Row| {
            let size = [image.width_px, image.height_px].map(f64::from);
            let [x, y] = row.cell.position;
            if (0.0..=size[0]).contains(&x) && (0.0..=size[1]).contains(&y) {
                return Ok(row.cell);
            }
            let found = format!("{x}, {y} px in {} of {} x {} px", image.name, image.width_px, image.height_px);
            Err(malformed(&self.tables[row.table], format!("line {}", row.line), "a position inside the image", found))
        };
        rows.iter().map(cell).collect::<Result<Vec<_>, _>>().map(Some)
    }

    /// The images of the set whose folder the file lies in, the longest name where several fit.
    fn set_of(&self, path: &Path) -> Option<&BTreeMap<String, Vec<Row>>> {
        // A relative path may not name the folders that tell the set.
        let whole = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let folders: Vec<_> = whole.parent()?.components().map(|part| part.as_os_str().to_string_lossy()).collect();
        let lies_in = |set: &str| {
            let parts: Vec<_> = set.split('/').collect();
            folders.windows(parts.len()).any(|window| window.iter().zip(&parts).all(|(folder, part)| folder == part))
        };
        let fitting = self.sets.iter().filter(|(set, _)| lies_in(set));
        fitting.max_by_key(|(set, _)| set.len()).map(|(_, images)| images)
    }
}

/// A table by itself, or those of a folder.
fn tables(path: &Path) -> Result<Vec<PathBuf>, LabelError> {
    let mut tables = files(path)?;
    tables.retain(|table| table == path || table.extension().is_some_and(|ending| ending == "csv"));
    if tables.is_empty() {
        return Err(LabelError::Missing { path: path.to_owned(), image: "any image".to_owned() });
    }
    Ok(tables)
}

#[cfg(test)]
mod tests {
    use super::*;
    use SchistocyteForm::{Helmet, Keratocyte, Microspherocyte};

    const HEADER: &str = "set,image,x,y,label,reading_a,reading_b,weight,stratum";

    fn read_cell(a: &str, b: &str) -> ReadCell {
        let readings = [a, b].map(|text| Reading::of_text(text).expect("a reading"));
        ReadCell { position: [1.0, 1.0], labelled: false, readings, weight: 1.0 }
    }

    /// Readings of a table below `<temporary>/data/set`, and the path of an image there.
    fn opened(rows: &str) -> Result<(Readings, tempfile::TempDir), LabelError> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let table = folder.path().join("read.csv");
        fs::write(&table, format!("{HEADER}\n{rows}")).expect("a writable folder");
        fs::create_dir_all(folder.path().join("data/a-set/images")).expect("a writable folder");
        Ok((Readings::open(&[table])?, folder))
    }

    fn refusal(rows: &str) -> String {
        opened(rows).expect_err("a faulty table").to_string()
    }

    #[test]
    fn consensus_on_both_sides_of_its_limits() {
        for (a, b, consensus) in [
            ("S", "S", KnownTruth::Schistocyte),
            ("Ph", "Pt", KnownTruth::Schistocyte),
            ("S", "D", KnownTruth::Schistocyte),
            ("P", "D", KnownTruth::Undecided),
            ("D", "D", KnownTruth::Undecided),
            ("S", "N", KnownTruth::Undecided),
            ("P", "N", KnownTruth::Undecided),
            ("D", "N", KnownTruth::None),
            ("N", "N", KnownTruth::None),
            ("M", "M", KnownTruth::None),
            ("M", "N", KnownTruth::None),
            ("M", "P", KnownTruth::Undecided),
            ("X", "S", KnownTruth::NotAssessable),
            ("N", "X", KnownTruth::NotAssessable),
        ] {
            assert_eq!(read_cell(a, b).consensus(), consensus, "{a} {b}");
        }
    }

    #[test]
    fn a_form_needs_both_readers() {
        assert_eq!(read_cell("Sh", "Ph").form(), Some(Helmet));
        assert_eq!(read_cell("Sk", "Pk").form(), Some(Keratocyte));
        assert_eq!(read_cell("M", "M").form(), Some(Microspherocyte));
        for (a, b) in [("Sh", "Sk"), ("Sh", "S"), ("S", "P"), ("M", "N"), ("N", "N")] {
            assert_eq!(read_cell(a, b).form(), None, "{a} {b}");
        }
        for bad in ["", "s", "Q", "Sx", "Nh", "Dt", "Mh", "Shh", "ü"] {
            assert_eq!(Reading::of_text(bad), None, "{bad}");
        }
    }

    #[test]
    fn rows_belong_to_the_image_in_the_folder_of_their_set() {
        let (readings, folder) =
            opened("a-set,1.png,20.5,30,9,Sh,Ph,1.0,x\na-set,1.png,50,60,,N,N,4.5,y\nother/set,1.png,1,1,,S,S,1,z\n")
                .expect("sound");
        let image = ImageFrame { name: "1.png", width_px: 100, height_px: 80 };
        let at = |path: &str, image| readings.of_image(&folder.path().join(path), image).expect("inside");
        let cells = at("data/a-set/images/1.png", image).expect("a read set");
        assert_eq!(cells.len(), 2);
        assert_eq!((cells[0].position, cells[0].labelled, cells[0].weight), ([20.5, 30.0], true, 1.0));
        assert_eq!((cells[1].labelled, cells[1].weight, cells[1].consensus()), (false, 4.5, KnownTruth::None));
        assert_eq!(at("data/other/set/1.png", image).map(|cells| cells.len()), Some(1));
        assert_eq!(at("data/a-set/images/2.png", ImageFrame { name: "2.png", ..image }), Some(Vec::new()));
        assert_eq!(at("data/a-set-2/1.png", image), None);
        assert_eq!(readings.inputs()[0].file, "read.csv");
        let small = ImageFrame { width_px: 49, ..image };
        let error = readings.of_image(&folder.path().join("data/a-set/images/1.png"), small).expect_err("outside");
        assert!(error.to_string().contains("line 3: expected a position inside the image, found 50, 60 px"), "{error}");
    }

    #[test]
    fn faults_name_their_line() {
        let sound = "a,1.png,1,1,,N,N,1,x\n";
        for (row, expected) in [
            ("a,1.png,2,2,,Q,N,1,x", "line 3: expected S, P, D, M, N or X"),
            ("a,1.png,2,2,,N,Nh,1,x", "found Nh"),
            ("a,1.png,2,2,,N,N,0,x", "line 3: expected a weight above 0, found 0"),
            ("a,1.png,2,2,,N,N,-1,x", "a weight above 0"),
            ("a,1.png,2,2,,N,N,NaN,x", "a weight above 0"),
            ("a,1.png,left,2,,N,N,1,x", "x in px, found left"),
            ("a,1.png,1.0,1,,S,S,1,x", "line 3: expected each cell once, found 1.png at 1.0, 1 twice"),
            (",1.png,2,2,,N,N,1,x", "a set and an image"),
            ("a,1.png,2,2,,N,N", "line 3: expected a row of CSV"),
        ] {
            let text = refusal(&format!("{sound}{row}\n"));
            assert!(text.contains(expected), "{row}: {text}");
        }
    }

    #[test]
    fn a_table_without_a_column_and_an_empty_folder_are_refused() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let paths = [folder.path().to_owned()];
        assert!(matches!(Readings::open(&paths), Err(LabelError::Missing { .. })));
        fs::write(folder.path().join("a.csv"), "set,image,x,y,label,reading_a,weight\n").expect("a writable folder");
        let text = Readings::open(&paths).expect_err("no second reading").to_string();
        assert!(text.contains("line 1: expected the columns") && text.contains("none named reading_b"), "{text}");
    }

    #[test]
    fn tables_of_a_folder_add_up_and_further_columns_are_passed_over() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let write = |name: &str, text: String| fs::write(folder.path().join(name), text).expect("a writable folder");
        write("a.csv", format!("{HEADER}\na,1.png,1,1,,N,N,1,x\n"));
        write("b.csv", format!("round,{HEADER}\n2,a,1.png,5,5,,S,S,1,x\n"));
        let readings = Readings::open(&[folder.path().to_owned()]).expect("two tables");
        assert_eq!(readings.sets["a"]["1.png"].len(), 2);
        write("c.csv", format!("{HEADER}\na,1.png,5,5,,S,S,1,x\n"));
        let error = Readings::open(&[folder.path().to_owned()]).expect_err("twice in two tables").to_string();
        assert!(error.contains("c.csv: line 2: expected each cell once"), "{error}");
    }
}
