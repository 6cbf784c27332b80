//! What pages and scripts are told of a case: plain values, named as in the answers of the interface.
//!
//! In: an [`OpenCase`]. Out: values that serde writes as JSON and the pages render.
//!
//! METHOD: a blind reader's cells have neither call nor probability nor anybody else's reading. They are left out here, where
//! the values are made, so that no page can show them.

use serde::Serialize;

use crate::case::{AgreementRecord, CellKey, Reading, Reopening, State};
use crate::count::Outlook;
use crate::report::state_words;
use crate::review::state::AddedCell;
use crate::review::{Figures, Listed, OpenCase, ReviewCell, Series, Signature};
use crate::smear::{CellClass, CellId, ExclusionReason};

/// Why a cell is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Group {
    /// Called schistocyte.
    Called,
    /// Nearly called.
    Near,
    /// Left out by the program and counted by the reader.
    Included,
    /// Added by the reader.
    Added,
    /// Another counted cell that was read, or any object of a field.
    Other,
}

/// A cell as it is shown.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CellView {
    /// Its key as text.
    pub key: String,
    /// Place of its field, from 0.
    pub field: u32,
    /// Name of its field.
    pub field_name: String,
    /// Middle, px of the original image.
    pub x_px: f64,
    /// Middle, px of the original image.
    pub y_px: f64,
    /// Radius of the circle of its area, px.
    pub radius_px: f64,
    /// Address of its picture.
    pub tile: String,
    /// Why it is shown; null for a blind reader.
    pub group: Option<Group>,
    /// What the program calls it; null for a blind reader.
    pub called: Option<CellClass>,
    /// Probability of a schistocyte; null for a blind reader.
    pub probability: Option<f64>,
    /// Why the program left it out, in words.
    pub excluded: Option<&'static str>,
    /// What it is read as.
    pub reading: Option<Reading>,
    /// Who read it; null for a blind reader.
    pub by: Option<String>,
    /// Why it counts.
    pub reason: Option<String>,
    /// Number of the last event about it.
    pub seen: u64,
}

/// What the review says now.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FiguresView {
    /// Reviewed percentage.
    pub percent: Option<f64>,
    /// Lower limit, %.
    pub low: Option<f64>,
    /// Upper limit, %.
    pub high: Option<f64>,
    /// State by name.
    pub state: State,
    /// State in words.
    pub state_words: &'static str,
    /// Schistocytes of the point.
    pub schistocytes: u64,
    /// Red cells.
    pub red_cells: u64,
    /// The software's percentage.
    pub software_percent: Option<f64>,
    /// The software's state in words.
    pub software_state_words: &'static str,
    /// Cells read.
    pub read: u64,
    /// Suspicious cells that nobody read.
    pub unread: u64,
    /// Undecided cells.
    pub undecided: u64,
    /// Cells that left the count.
    pub not_assessable: u64,
    /// Added cells.
    pub added: u64,
    /// Counted cells that the program had left out.
    pub included: u64,
    /// What reading on can do, in words.
    pub outlook: String,
    /// Whether no unread cell can turn the state.
    pub settled: bool,
}

/// The cells of a reading.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CellsView {
    /// Number of the last event of the case.
    pub events: u64,
    /// Whether the case is signed.
    pub signed: bool,
    /// The cells in the order in which they are shown.
    pub cells: Vec<CellView>,
    /// What the review says now; null for a blind reader.
    pub figures: Option<FiguresView>,
}

/// An object of a field, with its outline.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ObjectView {
    /// Its outline, px of the original image.
    pub points: Vec<[f64; 2]>,
    /// Whether a reader may count it though the program left it out.
    pub can_include: bool,
    /// The cell.
    #[serde(flatten)]
    pub cell: CellView,
}

/// A field with its objects.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FieldView {
    /// Its place, from 0.
    pub field: u32,
    /// Its name.
    pub name: String,
    /// Width, px.
    pub width_px: u32,
    /// Height, px.
    pub height_px: u32,
    /// Preview pixels per pixel.
    pub preview_px_per_px: f64,
    /// Whether it is counted.
    pub accepted: bool,
    /// Its objects.
    pub objects: Vec<ObjectView>,
}

/// What stands above the cells of a case.
#[derive(Debug, Clone)]
pub struct CaseHead {
    /// Identifier in addresses.
    pub id: String,
    /// Specimen number, or the folder's name.
    pub name: String,
    /// Names of the fields, with whether they are counted.
    pub fields: Vec<(String, bool)>,
    /// The latest signature.
    pub signature: Option<Signature>,
    /// Whether it holds.
    pub signed: bool,
    /// Why the case is open again.
    pub reopened: Option<Reopening>,
    /// How far a second reader agrees; `None` for a blind reader.
    pub agreement: Option<AgreementRecord>,
    /// Whether the report page lies beside the case.
    pub has_report: bool,
}

/// A case of the worklist and who has it open.
#[derive(Debug, Clone)]
pub struct Row {
    /// The case.
    pub listed: Listed,
    /// Who has it open.
    pub with: Vec<String>,
}

/// `f3c12` or `a1`.
pub fn key_text(key: &CellKey) -> String {
    match key {
        CellKey::Found { field, cell } => format!("f{field}c{}", cell.0),
        CellKey::Added { number } => format!("a{number}"),
    }
}

/// The key of such a text.
pub fn key_of(text: &str) -> Option<CellKey> {
    if let Some(number) = text.strip_prefix('a') {
        return Some(CellKey::Added { number: number.parse().ok()? });
    }
    let (field, cell) = text.strip_prefix('f')?.split_once('c')?;
    Some(CellKey::Found { field: field.parse().ok()?, cell: CellId(cell.parse().ok()?) })
}

/// The values of one case for one reading.
pub struct CaseView<'a> {
    /// Identifier in addresses.
    pub id: &'a str,
    /// The case.
    pub case: &'a OpenCase,
    /// Whose reading.
    pub series: Series,
}

impl CaseView<'_> {
    /// The cells and, for the first reading, the figures.
    pub fn cells(&self) -> CellsView {
        let (case, state) = (self.case, self.case.state());
        let cells = match self.series {
            Series::Second => case.cells().blind(case.job()).into_iter().map(|cell| self.found(cell)).collect(),
            Series::First => {
                let shown = case.cells().to_read();
                let is_shown = |key: &CellKey| case.cells().to_read().any(|cell| cell.key == *key);
                let others: Vec<CellKey> =
                    state.readings(Series::First).keys().filter(|key| !is_shown(key)).copied().collect();
                let others = others.iter().filter_map(|key| self.cell(key));
                shown.map(|cell| self.found(cell)).chain(others).collect()
            }
        };
        let figures = (self.series == Series::First).then(|| figures_view(case, &case.figures()));
        CellsView { events: state.events(), signed: state.is_signed(), cells, figures }
    }

    /// A cell by its key; `None` where the case has none.
    pub fn cell(&self, key: &CellKey) -> Option<CellView> {
        match key {
            CellKey::Found { .. } => self.case.cells().get(key).map(|cell| self.found(cell)),
            CellKey::Added { .. } if self.series == Series::Second => None,
            CellKey::Added { number } => {
                let added = self.case.state().added().find(|added| added.number == *number)?;
                Some(self.added(added))
            }
        }
    }

    fn found(&self, cell: &ReviewCell) -> CellView {
        let near = self.case.software().provenance.model.review_operating_point;
        let CellKey::Found { cell: id, .. } = cell.key else { return self.blank(cell.key, cell.field) };
        let read = self.case.state().reading(Series::First, &cell.key).is_some();
        let group = match cell.excluded {
            Some(_) if read => Group::Included,
            Some(_) => Group::Other,
            None if cell.is_called() => Group::Called,
            None if near.is_some_and(|near| cell.is_near(near)) => Group::Near,
            None => Group::Other,
        };
        let blind = self.series == Series::Second;
        CellView {
            x_px: cell.middle_px[0],
            y_px: cell.middle_px[1],
            radius_px: cell.radius_px,
            tile: format!("/case/{}/tile/{}/{}.jpg", self.id, cell.field, id.0),
            group: Some(group).filter(|_| !blind),
            called: cell.called.filter(|_| !blind),
            probability: cell.probability.filter(|_| !blind),
            excluded: cell.excluded.filter(|_| !blind).map(ExclusionReason::describe),
            ..self.blank(cell.key, cell.field)
        }
    }

    fn added(&self, added: &AddedCell) -> CellView {
        let key = CellKey::Added { number: added.number };
        CellView {
            x_px: added.x_px,
            y_px: added.y_px,
            tile: format!("/case/{}/added/{}.jpg", self.id, added.number),
            group: Some(Group::Added),
            ..self.blank(key, added.field)
        }
    }

    /// What is said of a cell, without what is known of it.
    fn blank(&self, key: CellKey, field: u32) -> CellView {
        let state = self.case.state();
        let current = state.readings(self.series).get(&key);
        let name = self.case.software().fields.get(field as usize).map_or("", |field| field.field.as_str());
        CellView {
            key: key_text(&key),
            field,
            field_name: name.to_owned(),
            x_px: 0.0,
            y_px: 0.0,
            radius_px: self.typical_radius_px(field),
            tile: String::new(),
            group: None,
            called: None,
            probability: None,
            excluded: None,
            reading: current.map(|current| current.reading),
            by: current.filter(|_| self.series == Series::First).map(|current| current.by.name.clone()),
            reason: current.and_then(|current| current.reason.clone()),
            seen: state.touched(self.series, key),
        }
    }

    /// Radius of a red cell of 7.5 µm, px.
    fn typical_radius_px(&self, field: u32) -> f64 {
        let um_per_px = self.case.software().fields.get(field as usize).and_then(|field| field.um_per_px);
        3.75 / um_per_px.unwrap_or(0.125)
    }

    /// What stands above the cells.
    pub fn head(&self, name: &str, has_report: bool) -> CaseHead {
        let (record, state) = (self.case.software(), self.case.state());
        CaseHead {
            id: self.id.to_owned(),
            name: record.accession.clone().unwrap_or_else(|| name.to_owned()),
            fields: record.fields.iter().map(|field| (field.field.clone(), field.accepted)).collect(),
            signature: state.signature().cloned(),
            signed: state.is_signed(),
            reopened: state.reopened().cloned(),
            agreement: self.case.agreement().filter(|_| self.series == Series::First),
            has_report,
        }
    }
}

/// The figures as they are shown.
pub fn figures_view(case: &OpenCase, figures: &Figures) -> FiguresView {
    let (count, cells) = (&figures.count, &figures.cells);
    let limits = count.widest_95();
    let software = &case.software().count;
    FiguresView {
        percent: count.percent,
        low: limits.map(|limits| limits.low),
        high: limits.map(|limits| limits.high),
        state: count.state,
        state_words: state_words(count.state),
        schistocytes: count.schistocytes,
        red_cells: count.red_cells,
        software_percent: software.percent,
        software_state_words: state_words(software.state),
        read: cells.read,
        unread: cells.unread,
        undecided: cells.undecided,
        not_assessable: cells.not_assessable,
        added: cells.added,
        included: cells.included,
        outlook: outlook_words(figures),
        settled: figures.outlook == Outlook::Settled,
    }
}

fn outlook_words(figures: &Figures) -> String {
    match (figures.outlook, figures.count.state) {
        (_, State::NotAssessable) => "Reading cannot make this film assessable.".to_owned(),
        (_, State::Insufficient) => "Too few red cells: reading cannot place the value.".to_owned(),
        (Outlook::Settled, _) if figures.cells.unread == 0 => "All suspicious cells are read.".to_owned(),
        (Outlook::Settled, _) => "No unread cell can change the state any more.".to_owned(),
        (Outlook::ReadMore(1), _) => "Read 1 more: it can settle the state.".to_owned(),
        (Outlook::ReadMore(cells), _) => format!("Read {cells} more: they can settle the state."),
        (Outlook::MoreCells, _) => "Reading alone will not settle the state: more red cells are needed.".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_read_back_and_anything_else_is_none() {
        for key in [CellKey::Added { number: 3 }, CellKey::Found { field: 12, cell: CellId(7) }] {
            assert_eq!(key_of(&key_text(&key)), Some(key));
        }
        for bad in ["", "a", "f1", "f1c", "fxc1", "a-1", "../f1c1", "f1c99999999999"] {
            assert_eq!(key_of(bad), None, "{bad}");
        }
    }
}
