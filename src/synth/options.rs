//! What a synthetic specimen can be asked for, the defaults that the library and the command line share, and refusals.

use super::stain::Stain;
use crate::smear::{CellClass, SchistocyteForm};

/// Diameter of the mean normal cell, px: that of a 100× oil field on a common 640×480 camera.
pub const DEFAULT_CELL_DIAMETER_PX: f64 = 38.0;

/// Allowed cell diameters, px: what the analysis is built for.
pub const CELL_DIAMETER_RANGE_PX: (f64, f64) = (20.0, 150.0);

/// Width and height of a field, cell diameters: 640×480 px at the default diameter.
const DEFAULT_FIELD_SIZE_DIAMETERS: (f64, f64) = (640.0 / 38.0, 480.0 / 38.0);

/// Fields of a specimen: enough for 1,000 whole, free red cells (ICSH asks for at least 1,000).
pub const DEFAULT_FIELDS: u32 = 18;

/// Red cells of a field, cut ones included: a monolayer that covers about a third of the field.
const DEFAULT_RED_CELLS_PER_FIELD: (u32, u32) = (82, 108);

/// Share of red cells of another changed shape: a healthy film, far from mixed poikilocytosis.
const DEFAULT_OTHER_SHAPES_FRACTION: f64 = 0.008;

/// Blur of the optics (standard deviation), cell diameters: 0.8 px at the default diameter, 0.16 µm.
const DEFAULT_BLUR_DIAMETERS: f64 = 0.022;

/// Electrons at full scale; gives noise of about two levels of 255, as photographs of films show.
const DEFAULT_FULL_WELL_ELECTRONS: f64 = 5_000.0;

/// What the fields of a specimen are like.
#[derive(Debug, Clone, PartialEq)]
pub struct SynthOptions {
    /// Diameter of the mean normal cell, px; within [`CELL_DIAMETER_RANGE_PX`].
    pub cell_diameter_px: f64,
    /// Width and height of a field, cell diameters; from 2 to 100.
    pub field_size_diameters: (f64, f64),
    /// Fewest and most red cells of a field, cut ones included.
    pub red_cells_per_field: (u32, u32),
    /// Share of the specimen's red cells that are schistocytes, exact to rounding.
    pub schistocyte_fraction: f64,
    /// Forms that are drawn; at least one.
    pub schistocyte_forms: Vec<SchistocyteForm>,
    /// Share of the specimen's red cells of `other_shapes`, exact to rounding; with the schistocytes at most 1.
    pub other_shapes_fraction: f64,
    /// Classes drawn evenly for `other_shapes_fraction`; at least one.
    pub other_shapes: Vec<CellClass>,
    /// Probability that an intact red cell is laid against one already there; half of these pairs only touch.
    pub clump_share: f64,
    /// Largest common area of two cells, share of the smaller whole cell, 0–0.9.
    pub max_overlap: f64,
    /// Whether cells may be cut by the frame.
    pub cut_cells: bool,
    /// Mean number of platelets for each red cell; blood holds about one for twenty.
    pub platelets_per_red_cell: f64,
    /// Mean number of white cells in a field, at most 50.
    pub white_cells_per_field: f64,
    /// Stain; `None` draws one for the specimen.
    pub stain: Option<Stain>,
    /// Blur of the optics (standard deviation), cell diameters; 0 for none, at most 1.
    pub blur_diameters: f64,
    /// Light of the lamp, 1 for a well exposed field; above about 1.5 the background clips.
    pub exposure: f64,
    /// Unevenness of the light, share of its mean from edge to edge, 0–0.8.
    pub uneven_light: f64,
    /// Electrons at full scale; fewer give more noise. Above 0.
    pub full_well_electrons: f64,
    /// Whether fields are seen through an eyepiece, as a bright disc in a dark surround.
    pub eyepiece: bool,
}

impl Default for SynthOptions {
    fn default() -> Self {
        Self {
            cell_diameter_px: DEFAULT_CELL_DIAMETER_PX,
            field_size_diameters: DEFAULT_FIELD_SIZE_DIAMETERS,
            red_cells_per_field: DEFAULT_RED_CELLS_PER_FIELD,
            schistocyte_fraction: 0.0,
            schistocyte_forms: vec![
                SchistocyteForm::Triangle,
                SchistocyteForm::Crescent,
                SchistocyteForm::Helmet,
                SchistocyteForm::Keratocyte,
                SchistocyteForm::Microspherocyte,
            ],
            other_shapes_fraction: DEFAULT_OTHER_SHAPES_FRACTION,
            other_shapes: vec![
                CellClass::Ovalocyte,
                CellClass::Elliptocyte,
                CellClass::Teardrop,
                CellClass::Target,
                CellClass::Stomatocyte,
                CellClass::Burr,
                CellClass::Spherocyte,
                CellClass::Macrocyte,
                CellClass::Microcyte,
                CellClass::Hypochromia,
            ],
            clump_share: 0.05,
            max_overlap: 0.2,
            cut_cells: true,
            platelets_per_red_cell: 0.05,
            white_cells_per_field: 0.15,
            stain: None,
            blur_diameters: DEFAULT_BLUR_DIAMETERS,
            exposure: 1.0,
            uneven_light: 0.08,
            full_well_electrons: DEFAULT_FULL_WELL_ELECTRONS,
            eyepiece: false,
        }
    }
}

/// A field that cannot be drawn.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SynthError {
    /// An option outside its range.
    #[error("{option}: expected a number from {low} to {high}, found {found}")]
    OutOfRange {
        /// Name of the option.
        option: SynthOption,
        /// Least allowed value.
        low: f64,
        /// Greatest allowed value.
        high: f64,
        /// Value found.
        found: f64,
    },
    /// An option without a single choice.
    #[error("{0}: expected at least one choice, found none")]
    NoChoice(SynthOption),
    /// More objects than the field can hold.
    #[error(
        "field too crowded: no place left after {placed} objects; ask for fewer cells per field, more overlap or a larger field"
    )]
    Crowded {
        /// Objects placed before the field was full.
        placed: usize,
    },
}

/// Options that can be refused, each the field of `SynthOptions` of that name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::Display)]
#[allow(missing_docs)]
pub enum SynthOption {
    #[strum(to_string = "cell diameter in px")]
    CellDiameterPx,
    #[strum(to_string = "field size in cell diameters")]
    FieldSizeDiameters,
    #[strum(to_string = "red cells per field")]
    RedCellsPerField,
    #[strum(to_string = "schistocyte fraction")]
    SchistocyteFraction,
    #[strum(to_string = "schistocyte forms")]
    SchistocyteForms,
    #[strum(to_string = "fraction of other shapes")]
    OtherShapesFraction,
    #[strum(to_string = "other shapes")]
    OtherShapes,
    #[strum(to_string = "share of clumped cells")]
    ClumpShare,
    #[strum(to_string = "greatest overlap")]
    MaxOverlap,
    #[strum(to_string = "platelets per red cell")]
    PlateletsPerRedCell,
    #[strum(to_string = "white cells per field")]
    WhiteCellsPerField,
    #[strum(to_string = "blur in cell diameters")]
    BlurDiameters,
    #[strum(to_string = "exposure")]
    Exposure,
    #[strum(to_string = "unevenness of the light")]
    UnevenLight,
    #[strum(to_string = "electrons at full scale")]
    FullWellElectrons,
}

impl SynthOptions {
    /// Whether every option is in its range.
    ///
    /// # Errors
    /// The first option that is not.
    pub fn check(&self) -> Result<(), SynthError> {
        use SynthOption as O;
        /// Most red cells of a field that the placement is built for.
        const MOST_RED_CELLS: f64 = 5_000.0;
        let (fewest, most) = self.red_cells_per_field;
        let fraction_left = 1.0 - self.schistocyte_fraction;
        let ranges = [
            (O::CellDiameterPx, self.cell_diameter_px, CELL_DIAMETER_RANGE_PX.0, CELL_DIAMETER_RANGE_PX.1),
            (O::FieldSizeDiameters, self.field_size_diameters.0, 2.0, 100.0),
            (O::FieldSizeDiameters, self.field_size_diameters.1, 2.0, 100.0),
            (O::RedCellsPerField, f64::from(most), 0.0, MOST_RED_CELLS),
            (O::RedCellsPerField, f64::from(fewest), 0.0, f64::from(most)),
            (O::SchistocyteFraction, self.schistocyte_fraction, 0.0, 1.0),
            (O::OtherShapesFraction, self.other_shapes_fraction, 0.0, fraction_left),
            (O::ClumpShare, self.clump_share, 0.0, 1.0),
            (O::MaxOverlap, self.max_overlap, 0.0, 0.9),
            (O::PlateletsPerRedCell, self.platelets_per_red_cell, 0.0, 1.0),
            (O::WhiteCellsPerField, self.white_cells_per_field, 0.0, 50.0),
            (O::BlurDiameters, self.blur_diameters, 0.0, 1.0),
            (O::Exposure, self.exposure, 0.0, 10.0),
            (O::UnevenLight, self.uneven_light, 0.0, 0.8),
            (O::FullWellElectrons, self.full_well_electrons, 1.0, 1e9),
        ];
        for (option, found, low, high) in ranges {
            if !(low..=high).contains(&found) {
                return Err(SynthError::OutOfRange { option, low, high, found });
            }
        }
        if self.schistocyte_forms.is_empty() {
            return Err(SynthError::NoChoice(O::SchistocyteForms));
        }
        if self.other_shapes.is_empty() {
            return Err(SynthError::NoChoice(O::OtherShapes));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Change = fn(&mut SynthOptions, f64);

    #[test]
    fn limits_are_held_on_both_sides() {
        let limits: [(Change, f64, f64); 4] = [
            (|o, v| o.cell_diameter_px = v, 20.0, 150.0),
            (|o, v| o.schistocyte_fraction = v, 0.0, 1.0 - DEFAULT_OTHER_SHAPES_FRACTION),
            (|o, v| o.max_overlap = v, 0.0, 0.9),
            (|o, v| o.uneven_light = v, 0.0, 0.8),
        ];
        for (change, low, high) in limits {
            let with = |value: f64| {
                let mut options = SynthOptions::default();
                change(&mut options, value);
                options.check()
            };
            assert_eq!(with(low), Ok(()));
            assert_eq!(with(high), Ok(()));
            for bad in [low - 0.01, high + 0.01, f64::NAN] {
                assert!(matches!(with(bad), Err(SynthError::OutOfRange { .. })), "{bad}");
            }
        }
    }

    #[test]
    fn refusals_name_the_option_the_range_and_the_value() {
        let refused = SynthOptions { cell_diameter_px: 19.5, ..SynthOptions::default() }.check();
        let text = refused.expect_err("below the range").to_string();
        assert_eq!(text, "cell diameter in px: expected a number from 20 to 150, found 19.5");
        let none = SynthOptions { schistocyte_forms: vec![], ..SynthOptions::default() }.check();
        assert_eq!(none, Err(SynthError::NoChoice(SynthOption::SchistocyteForms)));
        let reversed = SynthOptions { red_cells_per_field: (9, 8), ..SynthOptions::default() }.check();
        assert!(matches!(reversed, Err(SynthError::OutOfRange { option: SynthOption::RedCellsPerField, .. })));
    }
}
