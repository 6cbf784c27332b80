//! What the template is given: plain words in boxes, tables and lists. `report.typ` places them and adds none.
//!
//! The JSON of a [`Sheet`] is private to the two and may change with them.

use serde::Serialize;

/// The whole document.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Sheet {
    /// Title of the document.
    pub(super) title: String,
    /// Head of every page.
    pub(super) running: Running,
    /// Review status.
    pub(super) review: String,
    /// The same in one word, for the foot of every page.
    pub(super) review_short: String,
    /// The fixed footer, on every page.
    pub(super) footer: String,
    /// Whose specimen it is and from where.
    pub(super) identity: Vec<Pair>,
    /// The result.
    pub(super) result: Outcome,
    /// Intervals against the limit; null without a percentage.
    pub(super) plot: Option<Plot>,
    /// What a reader must know before using the figure.
    pub(super) warnings: Option<Block>,
    /// Everything behind the result, in order.
    pub(super) sections: Vec<Section>,
}

/// Head of every page.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Running {
    /// What the document is.
    pub(super) name: String,
    /// Which specimen.
    pub(super) specimen: String,
}

/// A name, its value and what belongs to the value in small print.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Pair {
    pub(super) name: String,
    pub(super) value: String,
    pub(super) note: Option<String>,
}

impl Pair {
    /// Without small print.
    pub(super) fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self { name: name.into(), value: value.into(), note: None }
    }

    /// With small print, where there is any.
    pub(super) fn noted(name: impl Into<String>, value: impl Into<String>, note: Option<String>) -> Self {
        Self { name: name.into(), value: value.into(), note }
    }
}

/// The result.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Outcome {
    /// Digits of the percentage; null without one.
    pub(super) percent: Option<String>,
    /// Whether the percentage stands on enough cells.
    pub(super) firm: bool,
    /// Interval and numbers under it.
    pub(super) sizes: Vec<Pair>,
    /// State against the limit.
    pub(super) verdict: String,
    /// What ICSH wants said beside it.
    pub(super) caution: Option<String>,
    /// The statement of the record.
    pub(super) statement: String,
    /// What the model misses.
    pub(super) missed: Option<String>,
    /// Figures behind it.
    pub(super) figures: Vec<Pair>,
}

/// Intervals against the limit; places are shares of the width, 0–1.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Plot {
    pub(super) label: String,
    pub(super) threshold: f64,
    pub(super) threshold_words: String,
    pub(super) ticks: Vec<Tick>,
    pub(super) rows: Vec<PlotRow>,
}

/// A number of the axis.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Tick {
    pub(super) place: f64,
    pub(super) words: String,
}

/// One interval.
#[derive(Debug, Clone, Serialize)]
pub(super) struct PlotRow {
    pub(super) words: String,
    pub(super) low: Option<f64>,
    pub(super) high: Option<f64>,
    pub(super) point: Option<f64>,
}

/// A part with its heading.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Section {
    pub(super) title: String,
    /// Whether it begins on a new page.
    pub(super) new_page: bool,
    pub(super) blocks: Vec<Block>,
}

/// What a section is made of.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum Block {
    /// A paragraph.
    Text { text: String, muted: bool },
    /// A heading of the second level.
    Heading { text: String },
    /// A table.
    Table(Table),
    /// A list without marks.
    List { items: Vec<Item>, small: bool },
    /// A list in a frame.
    Warning { title: String, items: Vec<Item> },
    /// Pictures of cells.
    Tiles { columns: u8, tiles: Vec<Tile> },
    /// Blocks side by side.
    Columns { columns: Vec<Column> },
}

impl Block {
    /// A paragraph in small print.
    pub(super) fn note(text: impl Into<String>) -> Self {
        Self::Text { text: text.into(), muted: true }
    }

    /// A paragraph.
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::Text { text: text.into(), muted: false }
    }

    /// A heading of the second level.
    pub(super) fn heading(text: impl Into<String>) -> Self {
        let text = text.into();
        // PDF/UA refuses a heading without a visible character.
        let invisible = |c: char| {
            c.is_whitespace()
                || c.is_control()
                || matches!(c, '\u{ad}' | '\u{feff}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        };
        Self::Heading { text: if text.chars().all(invisible) { "–".to_owned() } else { text } }
    }
}

/// Blocks of one column.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Column {
    /// Share of the width against the other columns.
    pub(super) width: u8,
    pub(super) blocks: Vec<Block>,
}

/// An entry of a list: what it is in bold, and the words.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Item {
    pub(super) term: String,
    pub(super) text: String,
}

impl Item {
    /// With a term in front; an empty one is left out.
    pub(super) fn new(term: impl Into<String>, text: impl Into<String>) -> Self {
        Self { term: term.into(), text: text.into() }
    }
}

/// A table with a head row.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Table {
    pub(super) caption: Option<String>,
    pub(super) columns: Vec<Head>,
    /// Cells of each row. A row of one cell covers the whole width; of two, the second covers the rest.
    pub(super) rows: Vec<Vec<Cell>>,
    /// What stands under it, as how many rows were left out.
    pub(super) note: Option<String>,
    /// Whether it is set in smaller type.
    pub(super) small: bool,
}

/// Head of a column.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Head {
    pub(super) title: String,
    /// Share of the width; 0 for as wide as its words.
    pub(super) width: u8,
    /// Whether it holds numbers.
    pub(super) number: bool,
}

impl Head {
    /// A column of words.
    pub(super) fn words(title: &str, width: u8) -> Self {
        Self { title: title.to_owned(), width, number: false }
    }

    /// A column of numbers, as wide as they are.
    pub(super) fn number(title: &str) -> Self {
        Self { title: title.to_owned(), width: 0, number: true }
    }
}

/// A cell of a table.
#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct Cell {
    pub(super) text: String,
    /// In small print under the text.
    pub(super) note: Option<String>,
    pub(super) strong: bool,
    pub(super) muted: bool,
}

impl Cell {
    /// Plain words.
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    /// In bold, where `strong`.
    pub(super) fn strong_if(self, strong: bool) -> Self {
        Self { strong, ..self }
    }

    /// In grey, where `muted`.
    pub(super) fn muted_if(self, muted: bool) -> Self {
        Self { muted, ..self }
    }

    /// With small print.
    pub(super) fn noted(self, note: Option<String>) -> Self {
        Self { note, ..self }
    }
}

/// A picture of a cell.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Tile {
    pub(super) file: String,
    pub(super) alt: String,
    pub(super) probability: String,
    pub(super) place: String,
}
