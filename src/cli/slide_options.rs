//! Options that only slides heed, as typed.
//!
//! In: words of the command line. Out: the [`SlideOptions`] of an analysis. Limits: an annotation is read here, before any
//! image.

use std::path::PathBuf;

use clap::Args;

use super::exit::{Exit, Failure};
use crate::pipeline::{DEFAULT_MAX_CELLS, SlideOptions, StopRule};
use crate::source::slide::PixelRect;
use crate::source::{DecodeLimits, holds_slide};
use crate::survey::{Annotation, SlideArea};

/// Least memory that a run on slides is given, MiB: program, models and one field with its tiles.
const MIN_MEMORY_MIB: u64 = 512;

/// Where on a slide fields are taken and how long is counted.
#[derive(Debug, Clone, Default, Args)]
pub struct SlideArgs {
    /// Count in this rectangle, pixels at full resolution, in place of the monolayer that is found
    #[arg(long, value_name = "X,Y,W,H", value_parser = rectangle, help_heading = "Slides", group = "slide_area")]
    pub area: Option<PixelRect>,
    /// Count in the polygons of a GeoJSON file, as QuPath exports them
    #[arg(long, value_name = "FILE", help_heading = "Slides", group = "slide_area")]
    pub annotation: Option<PathBuf>,
    /// Count the whole slide, to its last field unless --cells or --max-cells is given
    #[arg(long, help_heading = "Slides", group = "slide_area")]
    pub all: bool,
    /// Count this number of red cells, whatever is found
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..), help_heading = "Slides", conflicts_with = "max_cells")]
    pub cells: Option<u64>,
    /// Red cells at which a count that is still undecided ends [default: 10000]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..), help_heading = "Slides")]
    pub max_cells: Option<u64>,
    /// Seed of the order in which fields are taken
    #[arg(long, value_name = "N", default_value_t = 0, help_heading = "Slides")]
    pub seed: u64,
    /// Memory of the run, MiB
    #[arg(long, value_name = "MIB", default_value_t = 1024, value_parser = clap::value_parser!(u64).range(MIN_MEMORY_MIB..1 << 20), help_heading = "Slides")]
    pub slide_memory: u64,
}

impl SlideArgs {
    /// Refuses options that would be heeded by slides alone where no input is one.
    ///
    /// METHOD: a count that was asked to end at a number of cells and does not is another result than the one asked for.
    ///
    /// # Errors
    /// [`Exit::Usage`] with the option.
    pub(super) fn check_inputs(&self, inputs: &[PathBuf]) -> Result<(), Failure> {
        let given = [(self.cells.is_some(), "--cells"), (self.max_cells.is_some(), "--max-cells")];
        let Some((_, option)) = given.into_iter().find(|(given, _)| *given) else { return Ok(()) };
        if holds_slide(inputs, DecodeLimits::default()) {
            return Ok(());
        }
        let text = format!(
            "{option}: expected a slide among the inputs, found photographs only, which are counted to the last; leave the \
             option out, or give fewer photographs"
        );
        Err(Failure::new(Exit::Usage, text))
    }

    /// Reads what is named.
    ///
    /// # Errors
    /// [`Exit::Usage`] where the annotation cannot be read.
    pub(super) fn read(&self) -> Result<SlideOptions, Failure> {
        let area = match (&self.area, &self.annotation, self.all) {
            (Some(rect), ..) => SlideArea::Rectangle(*rect),
            (None, Some(path), _) => {
                SlideArea::Annotation(Annotation::read(path).map_err(|error| Failure::new(Exit::Usage, error))?)
            }
            (None, None, true) => SlideArea::All,
            (None, None, false) => SlideArea::Monolayer,
        };
        let stop = match (self.cells, self.max_cells) {
            (Some(cells), _) => StopRule::Cells(cells),
            (None, Some(max_cells)) => StopRule::Decided { max_cells },
            (None, None) if self.all => StopRule::Never,
            (None, None) => StopRule::Decided { max_cells: DEFAULT_MAX_CELLS },
        };
        Ok(SlideOptions { area, seed: self.seed, stop, memory_bytes: self.slide_memory << 20 })
    }
}

/// `x,y,width,height`, whole numbers, the last two above 0.
fn rectangle(text: &str) -> Result<PixelRect, String> {
    let numbers: Option<Vec<u32>> = text.split(',').map(|part| part.trim().parse().ok()).collect();
    match numbers.as_deref() {
        Some(&[x, y, width, height]) if width > 0 && height > 0 => Ok(PixelRect { x, y, width, height }),
        _ => Err("expected x,y,width,height in whole pixels, for example 12000,8000,4000,4000".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rectangle_has_four_numbers_and_a_size() {
        assert_eq!(rectangle("1, 2,3,4"), Ok(PixelRect { x: 1, y: 2, width: 3, height: 4 }));
        for bad in ["", "1,2,3", "1,2,3,4,5", "1,2,0,4", "-1,2,3,4", "1.5,2,3,4"] {
            assert!(rectangle(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_stop_rule_follows_the_options() {
        let stop = |args: SlideArgs| args.read().map(|options| options.stop).map_err(|_| ());
        assert_eq!(stop(SlideArgs::default()), Ok(StopRule::Decided { max_cells: DEFAULT_MAX_CELLS }));
        assert_eq!(stop(SlideArgs { all: true, ..SlideArgs::default() }), Ok(StopRule::Never));
        let capped = SlideArgs { all: true, max_cells: Some(50), ..SlideArgs::default() };
        assert_eq!(stop(capped), Ok(StopRule::Decided { max_cells: 50 }));
        assert_eq!(stop(SlideArgs { cells: Some(9), ..SlideArgs::default() }), Ok(StopRule::Cells(9)));
    }
}
