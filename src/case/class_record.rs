//! The called cells of each class as published: percent in place of fractions.
//!
//! In: a [`ClassShare`]. Out: a [`ClassRecord`]. The number of a size class is null where the pixel size is not known: the
//! reason stands in its finding.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::count_record::{PercentInterval, percent};
use crate::count::{ClassFinding, ClassShare};
use crate::smear::CellClass;

/// The called cells of a class.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClassRecord {
    /// The class.
    pub class: CellClass,
    /// Counted red cells called so; null for a class of size where the pixel size is not known.
    pub cells: Option<u64>,
    /// 100 × cells / red cells; null as the cells are, and without a red cell.
    pub percent: Option<f64>,
    /// Wilson score interval of the percentage, 95 %.
    pub wilson_95: Option<PercentInterval>,
    /// Share called so in healthy films, %; null where the card states none.
    pub floor_percent: Option<f64>,
    /// 95 % interval of the floor.
    pub floor_95: Option<PercentInterval>,
    /// Whether the film shows the class; null without a red cell and for normal, uncategorised and schistocyte.
    pub finding: Option<ClassFinding>,
}

impl ClassRecord {
    /// Of a class of a film with `red_cells` counted cells.
    pub fn of(share: &ClassShare, red_cells: u64) -> Self {
        let given = share.finding != Some(ClassFinding::PixelSizeUnknown);
        Self {
            class: share.class,
            cells: given.then_some(share.cells),
            percent: (given && red_cells > 0).then(|| percent(share.cells as f64 / red_cells as f64)),
            wilson_95: share.interval.filter(|_| given).as_ref().map(PercentInterval::from),
            floor_percent: share.floor.map(|floor| percent(floor.share.value())),
            floor_95: share.floor.map(|floor| PercentInterval::from(&floor.interval)),
            finding: share.finding,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::count::{ClassFloors, FieldTally};

    #[test]
    fn a_class_of_size_has_no_number_where_the_pixel_size_is_not_known() {
        let of = std::iter::repeat_n;
        let tally: FieldTally = of(CellClass::Normal, 968).chain(of(CellClass::Macrocyte, 32)).collect();
        let record = |known| {
            let shares = ClassShare::all(&tally, &ClassFloors::default(), known);
            ClassRecord::of(&shares[CellClass::Macrocyte.index()], 1000)
        };
        let (known, unknown) = (record(true), record(false));
        assert_eq!((known.cells, known.percent), (Some(32), Some(3.2)));
        assert_eq!(known.finding, Some(ClassFinding::NotAssessed));
        assert_eq!((unknown.cells, unknown.percent, unknown.wilson_95), (None, None, None));
        assert_eq!(unknown.finding, Some(ClassFinding::PixelSizeUnknown));
    }
}
