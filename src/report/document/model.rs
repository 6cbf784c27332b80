//! The parts of a document: sections, blocks, tables, cells.
//!
//! The page (`html`) and the sheets (`pdf`) walk these parts and add no statement of their own. Serialized, they are the
//! data of the template `pdf/report.typ`. A text is always plain: no renderer reads it as markup.

use serde::Serialize;

use super::plot::IntervalPlot;
use super::values::counted;
use crate::case::{MOST_NEAR_MISSES, PicturedCell, State};

/// How much of a case a document shows. A list that is cut says how many entries are left out and where they stand; a text
/// is never cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Extent {
    /// Pictures of called schistocytes.
    pub called: usize,
    /// Pictures of near misses.
    pub near_misses: usize,
    /// Rows of the lists that grow with the inputs: fields, inputs, inputs that could not be read.
    pub rows: usize,
    /// Whether fields and slides are shown as pictures.
    pub field_pictures: bool,
}

impl Extent {
    /// All of it, for a screen.
    pub const PAGE: Self =
        Self { called: usize::MAX, near_misses: MOST_NEAR_MISSES, rows: usize::MAX, field_pictures: true };

    /// What is printed.
    #[cfg(feature = "pdf")]
    pub const SHEETS: Self = Self { called: 40, near_misses: 20, rows: 40, field_pictures: false };
}

/// How many entries of a list are left out; `None` where all are shown.
pub(crate) fn left_out(all: usize, shown: usize, noun: &str) -> Option<String> {
    let left_out = all.saturating_sub(shown) as u64;
    (left_out > 0).then(|| format!("{} more: see the page (html) and the record (json).", counted(left_out, noun)))
}

/// A report for people.
#[derive(Debug, Serialize)]
pub(crate) struct Document {
    /// What the document is.
    pub title: &'static str,
    /// `Accession`, or that there is none.
    pub specimen: &'static str,
    /// The accession.
    pub accession: Option<String>,
    /// How far the result has come, in one word.
    pub status: &'static str,
    /// Review status; of a signed case who signed and when.
    pub review: String,
    /// The fixed footer.
    pub footer: String,
    /// Program and version.
    pub generator: String,
    /// Everything else, in the order of reading.
    pub sections: Vec<Section>,
}

/// A part with its heading.
#[derive(Debug, Serialize)]
pub(crate) struct Section {
    /// Name of the section, the same in every document.
    pub id: &'static str,
    /// Heading.
    pub title: String,
    /// What stands below it.
    pub blocks: Vec<Block>,
}

impl Section {
    /// A section.
    pub fn new(id: &'static str, title: impl Into<String>, blocks: Vec<Block>) -> Self {
        Self { id, title: title.into(), blocks }
    }
}

/// What a section is made of.
#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Block {
    /// A paragraph.
    Text { text: String },
    /// A paragraph in small print.
    Note { text: String },
    /// A heading of the second level.
    Heading { text: String },
    /// Names with their values.
    Pairs { pairs: Vec<Pair> },
    /// The result of the count.
    Result(Box<Outcome>),
    /// What a reader must know before using the value.
    Warnings { terms: Vec<Term> },
    /// A table.
    Table(Table),
    /// Tables side by side.
    Tables { tables: Vec<Table> },
    /// Sentences, one entry each.
    Sentences { items: Vec<String> },
    /// Terms, each with its entries.
    Terms { terms: Vec<Term> },
    /// Parts with a heading of their own.
    Cards { cards: Vec<Card>, side_by_side: bool },
    /// Pictures of cells.
    Tiles { tiles: Vec<Tile> },
    /// What the lines of the outlines mean: a style of line and its words.
    Legend { lines: Vec<(String, String)> },
    /// Every field with its picture; only on the page, which writes them one after another.
    Fields,
    /// A slide from afar and the map of its schistocytes; only on the page.
    Slide(SlideMap),
}

impl Block {
    /// A paragraph.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text { text: text.into() }
    }

    /// A paragraph in small print.
    pub fn note(text: impl Into<String>) -> Self {
        Self::Note { text: text.into() }
    }

    /// A heading of the second level.
    pub fn heading(text: impl Into<String>) -> Self {
        Self::Heading { text: text.into() }
    }
}

/// A printed text and the field of `case.json` that it is of.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct Value {
    /// The words.
    pub text: String,
    /// The field; `None` where no single field stands behind it.
    #[serde(skip)]
    pub field: Option<String>,
}

impl Value {
    /// The value of a field.
    pub fn of(field: impl Into<String>, text: impl Into<String>) -> Self {
        Self { text: text.into(), field: Some(field.into()) }
    }
}

impl<T: Into<String>> From<T> for Value {
    fn from(text: T) -> Self {
        Self { text: text.into(), field: None }
    }
}

/// A name, its value, and what belongs to the value in small print.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Pair {
    pub name: String,
    pub value: Value,
    pub notes: Vec<Value>,
}

impl Pair {
    /// A name with its value.
    pub fn new(name: impl Into<String>, value: impl Into<Value>) -> Self {
        Self { name: name.into(), value: value.into(), notes: Vec::new() }
    }

    /// The same with small print.
    pub fn noted(mut self, notes: impl IntoIterator<Item = impl Into<Value>>) -> Self {
        self.notes.extend(notes.into_iter().map(Into::into));
        self
    }
}

/// The result of the count.
#[derive(Debug, Serialize)]
pub(crate) struct Outcome {
    /// What the percentage is of.
    pub label: &'static str,
    /// Digits of the percentage.
    pub percent: Option<String>,
    /// Whether the percentage stands on enough cells.
    pub firm: bool,
    /// The widest interval of the called share.
    pub widest_95: Option<String>,
    /// Called schistocytes.
    pub schistocytes: String,
    /// Counted red cells.
    pub red_cells: String,
    /// Accepted fields, with the noun.
    pub fields: String,
    /// State against the limit.
    pub state: State,
    /// The state in words.
    pub state_words: &'static str,
    /// What ICSH wants said beside it.
    pub caution: Option<&'static str>,
    /// The statement of the record.
    pub statement: String,
    /// What the model misses.
    pub missed: Option<String>,
    /// The intervals against the limit.
    pub plot: Option<IntervalPlot>,
    /// The values behind it.
    pub values: Vec<Pair>,
}

/// What something is, and the words on it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Term {
    pub name: String,
    pub entries: Vec<Cell>,
}

impl Term {
    /// A term with one entry.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self { name: name.into(), entries: vec![Cell::new(text.into())] }
    }
}

/// A part with its own heading.
#[derive(Debug, Serialize)]
pub(crate) struct Card {
    pub title: String,
    pub blocks: Vec<Block>,
}

/// How a table is laid out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, strum::IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub(crate) enum Layout {
    /// Names and values.
    #[default]
    Facts,
    /// Many columns of words; on a narrow screen each row is a card.
    Wide,
    /// Many rows; the page lets it scroll sideways.
    Long,
    /// The distribution of the classes with its bars.
    Classes,
    /// Files and their checksums.
    Inputs,
    /// Classes against classes; each cell is shaded by its share.
    Confusion,
}

/// A table with a head row.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Table {
    pub layout: Layout,
    pub caption: Option<String>,
    pub columns: Vec<Column>,
    /// Place of the column that names the row.
    #[serde(skip)]
    pub row_heading: usize,
    pub rows: Vec<Vec<Cell>>,
    /// How many rows are left out and where they stand.
    pub left_out: Option<String>,
}

impl Table {
    /// A table.
    pub fn new(layout: Layout, columns: Vec<Column>, rows: Vec<Vec<Cell>>) -> Self {
        Self { layout, columns, rows, ..Self::default() }
    }

    /// Names and values below a title.
    pub fn facts(title: &str, rows: Vec<(impl Into<Cell>, impl Into<Cell>)>) -> Self {
        let rows = rows.into_iter().map(|(name, value)| vec![name.into(), value.into()]).collect();
        Self::new(Layout::Facts, vec![Column::words(title, 2), Column::words("Value", 3)], rows)
    }

    /// The same with a caption.
    pub fn captioned(self, caption: impl Into<String>) -> Self {
        Self { caption: Some(caption.into()), ..self }
    }
}

/// Head of a column.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Column {
    pub title: String,
    /// Share of the width of a sheet; 0 for as wide as its words.
    pub width: u8,
    /// Whether it holds numbers.
    pub number: bool,
    /// Whether the page can sort by it.
    #[serde(skip)]
    pub sortable: bool,
}

impl Column {
    /// A column of words.
    pub fn words(title: impl Into<String>, width: u8) -> Self {
        Self { title: title.into(), width, number: false, sortable: false }
    }

    /// A column of numbers, as wide as they are.
    pub fn number(title: impl Into<String>) -> Self {
        Self { title: title.into(), width: 0, number: true, sortable: false }
    }
}

/// A cell of a table.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct Cell {
    #[serde(flatten)]
    pub value: Value,
    /// In small print, one line each.
    pub notes: Vec<String>,
    /// In bold.
    pub strong: bool,
    /// In grey.
    pub muted: bool,
    /// A checksum or a code.
    pub code: bool,
    /// Percentage that a bar shows in place of the text.
    pub bar: Option<f64>,
    /// Share of its row, 0 to 1, which the page shows as a shade.
    #[serde(skip)]
    pub shade: Option<f64>,
    /// What the page shows where a pointer rests on it.
    #[serde(skip)]
    pub tooltip: Option<String>,
    /// Style of the line that the page draws in front.
    #[serde(skip)]
    pub swatch: Option<String>,
    /// Where the page leads from here.
    #[serde(skip)]
    pub link: Option<String>,
    /// What the page sorts the row by; an empty text is unknown.
    #[serde(skip)]
    pub sort_key: Option<String>,
}

impl<T: Into<Value>> From<T> for Cell {
    fn from(value: T) -> Self {
        Self { value: value.into(), ..Self::default() }
    }
}

impl Cell {
    /// A text.
    pub fn new(value: impl Into<Value>) -> Self {
        value.into().into()
    }

    /// A text, or a muted word for what is not known.
    pub fn known_or(text: Option<impl Into<String>>, unknown: &str) -> Self {
        match text {
            Some(text) => Self::new(text.into()),
            None => Self { muted: true, ..Self::new(unknown) },
        }
    }

    /// A checksum or a code.
    pub fn code(text: impl Into<String>) -> Self {
        Self { code: true, ..Self::new(text.into()) }
    }

    /// With small print.
    pub fn noted(mut self, notes: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.notes.extend(notes.into_iter().map(Into::into));
        self
    }

    /// In bold, where `strong`.
    pub fn strong_if(self, strong: bool) -> Self {
        Self { strong, ..self }
    }

    /// In grey, where `muted`.
    pub fn muted_if(self, muted: bool) -> Self {
        Self { muted: self.muted || muted, ..self }
    }
}

/// A picture of a cell.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Tile {
    #[serde(skip)]
    pub cell: PicturedCell,
    /// Number of the field, from 1.
    pub field_number: usize,
    /// Name of the field.
    pub field: String,
    /// Number of the cell in the field.
    pub cell_number: u32,
    /// Its probability.
    pub probability: String,
    /// What a person read it as; `None` where nobody did.
    pub read_as: Option<String>,
    /// The picture in words.
    pub label: String,
    /// Name of the picture where the sheets keep it; `None` without a picture.
    pub file: Option<String>,
}

/// A slide from afar and where its schistocytes lie.
#[derive(Debug, Serialize)]
pub(crate) struct SlideMap {
    /// Place of the slide in the record, from 0.
    pub slide: usize,
    /// What the shades mean.
    pub caption: String,
    /// Columns of the map.
    pub columns: u32,
    /// Squares, rows from the top.
    pub squares: Vec<MapSquare>,
}

/// A square of the map.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub(crate) struct MapSquare {
    pub schistocytes: u64,
    pub red_cells: u64,
    /// Share of schistocytes, %; `None` without a red cell.
    pub percent: Option<f64>,
    /// 0 none, 1 up to the limit, 2 up to its double, 3 more.
    pub shade: u8,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_list_says_how_many_entries_are_left_out() {
        assert_eq!((left_out(2, 2, "field"), left_out(0, usize::MAX, "field")), (None, None));
        let words = left_out(3, 2, "field");
        assert_eq!(words.as_deref(), Some("1 field more: see the page (html) and the record (json)."));
    }
}
