//! The cells of a case as a reader meets them: which are shown, and in what order.
//!
//! In: the record and the archive of its fields. Out: a [`ReviewCell`] for every object, without its outline, so that all of
//! a case stay in memory; the cells to read, called ones first; and the order of a blind reader, which tells nothing.
//!
//! METHOD: shown are the counted cells from the review operating point on. Below it the card states what share of all
//! schistocytes is left.

use std::collections::BTreeMap;
use std::io;

use rand_pcg::Pcg64;
use rand_pcg::rand_core::{Rng, SeedableRng};

use crate::case::{CaseFields, CaseRecord, CellKey};
use crate::smear::{CellClass, CellStatus, ExclusionReason, SchistocyteForm};

/// Seed of the order of blind readers. Any fixed value serves; this one is the year of Cohen's paper.
const SEED: u64 = 1960;

/// An object of a case.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ReviewCell {
    /// Which one.
    pub key: CellKey,
    /// Place of its field in the record, from 0.
    pub field: u32,
    /// Middle, px of the original image.
    pub middle_px: [f64; 2],
    /// Radius of the circle of its area, px of the original image.
    pub radius_px: f64,
    /// What the classifier calls it; `None` where it did not see it.
    pub called: Option<CellClass>,
    /// Its probability of being a schistocyte; `None` as `called`.
    pub probability: Option<f64>,
    /// Form by rule of a called schistocyte.
    pub form: Option<SchistocyteForm>,
    /// Why the program left it out; `None` where it is counted.
    pub excluded: Option<ExclusionReason>,
}

impl ReviewCell {
    /// Whether it is counted as a schistocyte.
    pub fn is_called(&self) -> bool {
        self.excluded.is_none() && self.called == Some(CellClass::Schistocyte)
    }

    /// Whether it is counted as something else, though its probability is at least `from`.
    pub fn is_near(&self, from: f64) -> bool {
        self.excluded.is_none() && !self.is_called() && self.probability.is_some_and(|probability| probability >= from)
    }
}

/// Every object of a case.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ReviewCells {
    cells: Vec<ReviewCell>,
    places: BTreeMap<CellKey, usize>,
    /// Places of the cells to read, called ones first, each group likeliest first.
    to_read: Vec<usize>,
}

impl ReviewCells {
    /// The objects of a case.
    ///
    /// # Errors
    /// The fields cannot be read from their temporary file.
    pub fn of(record: &CaseRecord, fields: &CaseFields) -> io::Result<Self> {
        let mut cells = Vec::new();
        for field in 0..fields.len() {
            for cell in fields.cells_of(field)? {
                let (excluded, call) = match cell.status {
                    CellStatus::Counted(call) => (None, Some(call)),
                    CellStatus::Excluded(reason, call) => (Some(reason), call),
                };
                let field = field as u32;
                cells.push(ReviewCell {
                    key: CellKey::Found { field, cell: cell.cell.id },
                    field,
                    middle_px: cell.cell.contour.centroid(),
                    radius_px: (cell.cell.contour.area_px() / std::f64::consts::PI).sqrt(),
                    called: call.map(|call| call.class),
                    probability: call.map(|call| call.schistocyte_probability.value()),
                    form: cell.form,
                    excluded,
                });
            }
        }
        Ok(Self::of_cells(cells, record.provenance.model.review_operating_point))
    }

    fn of_cells(cells: Vec<ReviewCell>, review_operating_point: Option<f64>) -> Self {
        let is_shown =
            |cell: &ReviewCell| cell.is_called() || review_operating_point.is_some_and(|from| cell.is_near(from));
        let mut to_read: Vec<usize> = (0..cells.len()).filter(|place| is_shown(&cells[*place])).collect();
        let chance = |place: &usize| cells[*place].probability.unwrap_or(0.0);
        // Stable: ties keep the order of fields and cells.
        to_read.sort_by(|one, other| {
            let called = cells[*other].is_called().cmp(&cells[*one].is_called());
            called.then(chance(other).total_cmp(&chance(one)))
        });
        let places = cells.iter().enumerate().map(|(place, cell)| (cell.key, place)).collect();
        Self { cells, places, to_read }
    }

    /// Every object, in the order of fields and cells.
    pub fn all(&self) -> &[ReviewCell] {
        &self.cells
    }

    /// An object by its key.
    pub fn get(&self, key: &CellKey) -> Option<&ReviewCell> {
        self.places.get(key).map(|place| &self.cells[*place])
    }

    /// The cells to read, called ones first, each group likeliest first.
    pub fn to_read(&self) -> impl ExactSizeIterator<Item = &ReviewCell> {
        self.to_read.iter().map(|place| &self.cells[*place])
    }

    /// The same cells in an order that tells nothing, always the same for a case (`job`).
    pub fn blind(&self, job: &str) -> Vec<&ReviewCell> {
        let salt = job.bytes().fold(SEED, |salt, byte| salt.wrapping_mul(31).wrapping_add(byte.into()));
        let mut rng = Pcg64::seed_from_u64(salt);
        let mut places = self.to_read.clone();
        places.sort_unstable();
        let mut keyed: Vec<(u64, usize)> = places.into_iter().map(|place| (rng.next_u64(), place)).collect();
        keyed.sort_unstable();
        keyed.into_iter().map(|(_, place)| &self.cells[place]).collect()
    }
}

#[cfg(test)]
pub(super) mod made {
    use super::*;
    use crate::review::event::found;

    /// A counted cell called a class, or an excluded one.
    pub fn cell(
        field: u32,
        id: u32,
        called: CellClass,
        probability: f64,
        excluded: Option<ExclusionReason>,
    ) -> ReviewCell {
        ReviewCell {
            key: found(field, id),
            field,
            middle_px: [f64::from(id), 1.0],
            radius_px: 30.0,
            called: Some(called),
            probability: Some(probability),
            form: None,
            excluded,
        }
    }

    /// The objects of cells, read from 0.1 on.
    pub fn cells(cells: Vec<ReviewCell>) -> ReviewCells {
        ReviewCells::of_cells(cells, Some(0.1))
    }
}

#[cfg(test)]
mod tests {
    use super::made::{cell, cells};
    use super::*;

    fn some() -> ReviewCells {
        cells(vec![
            cell(0, 1, CellClass::Normal, 0.01, None),
            cell(0, 2, CellClass::Burr, 0.1, None),
            cell(0, 3, CellClass::Schistocyte, 0.5, None),
            cell(0, 4, CellClass::Burr, 0.0999, None),
            cell(1, 1, CellClass::Schistocyte, 0.9, Some(ExclusionReason::FrameEdge)),
            cell(1, 2, CellClass::Schistocyte, 0.8, None),
            cell(1, 3, CellClass::Teardrop, 0.6, None),
        ])
    }

    fn ids(cells: &[&ReviewCell]) -> Vec<f64> {
        cells.iter().map(|cell| f64::from(cell.field) * 10.0 + cell.middle_px[0]).collect()
    }

    #[test]
    fn called_cells_come_first_and_the_threshold_itself_is_shown() {
        assert_eq!(ids(&some().to_read().collect::<Vec<_>>()), [12.0, 3.0, 13.0, 2.0]);
    }

    #[test]
    fn a_blind_reader_sees_the_same_cells_in_an_order_of_their_own() {
        let cells = some();
        let mut seen = ids(&cells.blind("job"));
        assert_eq!(seen, ids(&cells.blind("job")), "always the same");
        let orders: std::collections::BTreeSet<String> =
            (0..20).map(|job| format!("{:?}", ids(&cells.blind(&job.to_string())))).collect();
        assert!(orders.len() > 5, "{}", orders.len());
        seen.sort_by(f64::total_cmp);
        assert_eq!(seen, [2.0, 3.0, 12.0, 13.0]);
    }
}
