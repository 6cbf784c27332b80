//! Red cell, or the reason why an object is not one.
//!
//! In: the label map with the planes and the detections behind it. Out: a kind for each object, by the first rule that
//! holds: 1. a detected white cell or platelet is one; 2. a detected red cell is not one where its color is that of a nucleus
//! or of ink, or where hardly a pixel is stained; 3. an object that was not detected is judged by its color: cytoplasm at a
//! white cell, nuclear stain, burnt-in mark, precipitate; 4. by place and size: cut by the frame, debris, clump, too large;
//! 5. by how much of it can be seen: marked, pressed, ghost, out of focus; 6. any other detected object is a red cell.
//! Sizes are shares of the nominal red cell, colors and sharpness relative to the field's own red cells.
//!
//! METHOD: each of the last four reasons was seen among false schistocytes first, then its limit set where it costs next to
//! none of the 545 counted cells that two blind readings call a schistocyte (`models/README.md` has the table). A cell whose
//! outline is hidden leaves numerator and denominator alike. Limits: small cells have fewer neighbors, so that leaving
//! pressed cells out raises the share of fragments a little where cells crowd; a field of mostly pressed cells is refused.

use super::appearance::{FieldColor, Stain, steepness};
use super::contacts::{Contacts, contacts};
use super::detect::{DetectedKind, Detection};
use super::foreground::{Foreground, NOMINAL_CELL_AREA_PX};
use crate::optics::both;
use crate::optics::regions::Region;
use crate::optics::runs::RowRuns;
use crate::smear::{Contour, ExclusionReason, NormalizedField, ObjectKind};

/// Below this area an object is no object but noise of the camera: 0.6 µm across, at the limit of resolution.
const SPECK_SHARE: f64 = 0.006;
/// Smallest area that is taken for a fragment of a red cell: 1.8 µm across.
const DEBRIS_SHARE: f64 = 0.055;
/// Mean density, relative to the field's typical one, below which a small object is debris.
const FAINT_DENSITY: f32 = 0.3;
/// Area up to which a faint object is debris and no pale red cell.
const FAINT_MAX_SHARE: f64 = 0.4;
/// Blue-to-green ratio, relative to the red cells, below which an object carries nuclear stain.
///
/// METHOD: nearer to 1 than the limit for a single pixel (`foreground`, 0.68): this ratio is a mean over the object, which
/// has little noise, but holds the pixels of the object's edge, whose color is between its own and that of the glass.
const NUCLEAR_OBJECT_BLUE_RATIO: f32 = 0.72;
/// An object of nuclear color up to this size is a platelet, above it a white cell.
const PLATELET_MAX_SHARE: f64 = 0.6;
/// Red-to-green ratio relative to the red cells above which a dense object is no stain but ink or dirt.
const MARKING_RED_RATIO: f32 = 1.5;
/// Density, relative to the field's typical one, that a mark or a precipitate must have.
const MARKING_DENSITY: f32 = 1.8;
/// Mean density above which even an object of red cell color is precipitate: three cells on top of each other.
const PRECIPITATE_DENSITY: f32 = 3.0;
/// The same for a detected red cell outside of white cells: on the val fields of `chula-rbc-12` 26 objects lie below, none
/// with a labelled red cell.
const SURELY_NUCLEAR_BLUE_RATIO: f32 = 0.6;
/// Red-to-green ratio (relative) and density from which even a detected red cell is ink: on val fields of `chula-rbc-12` a
/// cell under the pointer has a ratio of 3 to 5, the pointer alone of more than 6.
const INKED_RED_RATIO: f32 = 6.0;
/// See [`INKED_RED_RATIO`].
const INKED_DENSITY: f32 = 2.0;
/// Density, relative to the field's typical one, of a pixel with a trace of stain. Half of a red cell's pixels have it, also
/// of a ghost's; a box around a scale bar is mostly empty glass.
const TRACE_DENSITY: f32 = 0.06;
/// An object that shares more than this part of its outline with a nucleated cell is that cell's cytoplasm.
const CYTOPLASM_CONTACT_SHARE: f64 = 0.3;
/// Area above which no single red cell lies (a macrocyte of 11.1 µm).
const ONE_CELL_MAX_SHARE: f64 = 2.2;
/// Above this area an object must be convex to be one cell.
const LARGE_CELL_SHARE: f64 = 1.4;
/// Least solidity of a large single cell.
const LARGE_CELL_MIN_SOLIDITY: f64 = 0.82;

/// Distance from the frame up to which an object is cut by it, px: within the blur of its edge (0.19 µm).
/// METHOD: a cut cell looks like a helmet, however little is missing, so any contact leaves it out. A cell that only touches
/// the frame is lost with them; box recall falls for it, the percentage does not.
const FRAME_MARGIN_PX: u32 = 1;

/// Pixels of ink from which a cell is marked: a stroke of a burnt-in scale bar two pixels wide that enters a cell.
const MARKED_PX: u32 = 6;
/// Share of its outline that a cell shares with its neighbors from which it is pressed. Of the cells read as schistocytes 1
/// in 545 has more; of those that no reader could assess for a hidden outline one in ten.
const PRESSED_SHARE: f64 = 0.5;
/// Mean density relative to the median of the field's red cells below which a detected cell is a ghost.
const GHOST_DENSITY: f32 = 0.4;
/// Steepness of the outline relative to the median of the field's red cells below which a cell is out of focus. Of the cells
/// read as schistocytes 1 in 545 is blurred more.
const OUT_OF_FOCUS_STEEPNESS: f32 = 0.65;

/// Steepness from which a cell is sharp enough, however sharp its field is, 1/µm: that which is asked of a field.
/// METHOD: fragments have softer edges than discs. In a very sharp drawn field (median 1.9) 28 of 72 lay below the share of
/// the median, at 1.2 and less, none of them out of focus; in photographs blur decides, and the two limits come close.
const SHARP_PER_UM: f32 = 0.6;

/// Distance from the frame below which the box of a ghost is cut by it, px.
const GHOST_FRAME_PX: f32 = 2.0;

/// What the kinds of a field are judged by.
pub(super) struct FieldContext<'a> {
    bounds: &'a [Option<Region>],
    detections: &'a [Option<Detection>],
    ghosts: &'a [bool],
    /// Boxes of the detected white cells.
    white_cells: Vec<[f32; 4]>,
    stain: Vec<Stain>,
    contacts: Vec<Contacts>,
    /// Steepness of the outlines, see [`super::appearance`].
    steepness: Vec<Option<f32>>,
    /// Its median over the detected red cells.
    typical_steepness: Option<f32>,
    /// Steepness of a sharp cell, 1/px.
    sharp_steepness: f32,
    /// Median over the detected red cells of their mean density.
    typical_density: Option<f32>,
    level: f32,
    red_cell: [f32; 3],
    width_px: f32,
    height_px: f32,
}

impl<'a> FieldContext<'a> {
    pub fn new(
        field: &NormalizedField,
        foreground: &Foreground,
        runs: &RowRuns,
        bounds: &'a [Option<Region>],
        detections: &'a [Option<Detection>],
        ghosts: &'a [bool],
    ) -> Self {
        let trace = TRACE_DENSITY * foreground.level;
        let (width, height) = field.rgb.dimensions();
        let (color, steepness) = both(
            &field.rgb,
            || FieldColor::of(field, foreground, runs, bounds.len(), trace),
            || steepness(&foreground.density, runs, bounds.len(), width as usize),
        );
        let of_red_cells = |figure: &dyn Fn(usize) -> Option<f32>| {
            let red_cells = (0..detections.len()).filter(|index| is(&detections[*index], DetectedKind::RedCell));
            middle(&mut red_cells.filter_map(figure).collect::<Vec<f32>>())
        };
        let typical_steepness = of_red_cells(&|index| steepness[index]);
        let typical_density = of_red_cells(&|index| mean_density(&color.stain[index]));
        let white_cells = detections.iter().flatten().filter(|cell| cell.kind == DetectedKind::WhiteCell);
        Self {
            bounds,
            detections,
            ghosts,
            white_cells: white_cells.map(|cell| cell.bounds).collect(),
            contacts: contacts(runs, detections, &color.stain, width, field.lit.as_ref()),
            stain: color.stain,
            typical_steepness,
            sharp_steepness: SHARP_PER_UM * field.um_per_px as f32,
            typical_density,
            steepness,
            level: foreground.level,
            red_cell: color.red_cell,
            width_px: width as f32,
            height_px: height as f32,
        }
    }

    /// Kind of an object; `None` for a speck that is none.
    pub fn kind_of(&self, label: u32, outline: &Contour) -> Option<ObjectKind> {
        let index = label as usize - 1;
        let bounds = self.bounds[index].as_ref()?;
        let share = f64::from(bounds.area_px) / NOMINAL_CELL_AREA_PX;
        if share < SPECK_SHARE {
            return None;
        }
        let reason = match self.detections[index].map(|detection| detection.kind) {
            // Its color is that of the surround as much as its own.
            None | Some(DetectedKind::RedCell) if self.contacts[index].at_rim > 0 => Some(ExclusionReason::FrameEdge),
            Some(DetectedKind::WhiteCell) => Some(ExclusionReason::WhiteCell),
            Some(DetectedKind::Platelet) => Some(ExclusionReason::Platelet),
            Some(DetectedKind::RedCell) => self.reason_against_detection(index, share),
            None => self.reason_by_color(index, share),
        };
        let reason = reason.or_else(|| self.reason_by_size(index, share, outline));
        Some(reason.map_or(ObjectKind::RedCell, ObjectKind::Excluded))
    }

    /// Share of an object's outline that it has in common with other objects, 0–1.
    pub fn hidden_share(&self, label: u32) -> f64 {
        self.contacts[label as usize - 1].hidden_share()
    }

    /// Whether the center of a detected cell lies in the box of a detected white cell.
    fn lies_in_white_cell(&self, index: usize) -> bool {
        let Some(own) = self.detections[index] else { return false };
        let [x, y] = [0, 1].map(|axis| (own.bounds[axis] + own.bounds[axis + 2]) / 2.0);
        self.white_cells
            .iter()
            .any(|[x_min, y_min, x_max, y_max]| (*x_min..*x_max).contains(&x) && (*y_min..*y_max).contains(&y))
    }

    /// Why a detected red cell is not one after all, if so: nuclear stain, ink, or a line on empty glass.
    fn reason_against_detection(&self, index: usize, share: f64) -> Option<ExclusionReason> {
        let in_white_cell = self.lies_in_white_cell(index);
        let ratio = if in_white_cell { NUCLEAR_OBJECT_BLUE_RATIO } else { SURELY_NUCLEAR_BLUE_RATIO };
        self.nuclear_reason(index, share, ratio).or_else(|| {
            if self.relative_color(index, 0) > INKED_RED_RATIO && self.relative_density(index) > INKED_DENSITY {
                Some(ExclusionReason::Marking)
            } else {
                (2 * self.stain[index].stained < self.stain[index].pixels).then_some(ExclusionReason::NotRedCell)
            }
        })
    }

    /// White cell or platelet, where an object has the color of nuclear stain by a blue-to-green ratio below `ratio`.
    fn nuclear_reason(&self, index: usize, share: f64, ratio: f32) -> Option<ExclusionReason> {
        let platelet = share <= PLATELET_MAX_SHARE;
        let reason = if platelet { ExclusionReason::Platelet } else { ExclusionReason::WhiteCell };
        (self.relative_color(index, 2) < ratio).then_some(reason)
    }

    /// Why an object that was not detected is no red cell by its color, if so.
    fn reason_by_color(&self, index: usize, share: f64) -> Option<ExclusionReason> {
        let contacts = &self.contacts[index];
        let density = self.relative_density(index);
        if f64::from(contacts.nucleated) > CYTOPLASM_CONTACT_SHARE * f64::from(contacts.edges) {
            return Some(ExclusionReason::WhiteCell);
        }
        self.nuclear_reason(index, share, NUCLEAR_OBJECT_BLUE_RATIO).or_else(|| {
            if self.relative_color(index, 0) > MARKING_RED_RATIO && density > MARKING_DENSITY {
                Some(ExclusionReason::Marking)
            } else {
                (density > PRECIPITATE_DENSITY).then_some(ExclusionReason::Precipitate)
            }
        })
    }

    /// Density of a channel over that of green, relative to the same of the field's red cells.
    fn relative_color(&self, index: usize, channel: usize) -> f32 {
        let of = |values: &[f32; 3]| values[channel] / values[1].max(f32::MIN_POSITIVE);
        let own = self.stain[index].channels.map(|sum| (sum / f64::from(self.stain[index].pixels)) as f32);
        of(&own) / of(&self.red_cell).max(f32::MIN_POSITIVE)
    }

    /// Whether the frame cuts an object: by its pixels, for a ghost by its box, since its ellipse touches the frame in a
    /// point.
    fn is_cut(&self, index: usize) -> bool {
        let at_frame = self.bounds[index].is_some_and(|region| {
            let (right, bottom) = (self.width_px as u32 - 1 - region.x_max, self.height_px as u32 - 1 - region.y_max);
            region.x_min.min(region.y_min).min(right).min(bottom) <= FRAME_MARGIN_PX
        });
        let box_at_frame = |cell: Detection| {
            let [x_min, y_min, x_max, y_max] = cell.bounds;
            x_min.min(y_min).min(self.width_px - x_max).min(self.height_px - y_max) < GHOST_FRAME_PX
        };
        at_frame || (self.ghosts[index] && self.detections[index].is_some_and(box_at_frame))
    }

    /// Why an object is no single whole red cell by its place and size, if so.
    fn reason_by_size(&self, index: usize, share: f64, outline: &Contour) -> Option<ExclusionReason> {
        let detected = self.detections[index].is_some();
        let faint = self.relative_density(index) < FAINT_DENSITY && !detected;
        if self.is_cut(index) {
            Some(ExclusionReason::FrameEdge)
        } else if share < DEBRIS_SHARE || (faint && share < FAINT_MAX_SHARE) {
            Some(ExclusionReason::Debris)
        } else if share > LARGE_CELL_SHARE && outline.solidity() < LARGE_CELL_MIN_SOLIDITY {
            Some(ExclusionReason::UnsplittableClump)
        } else if share > ONE_CELL_MAX_SHARE {
            Some(ExclusionReason::TooLarge)
        } else if !detected {
            Some(ExclusionReason::NotRedCell)
        } else {
            self.reason_by_sight(index)
        }
    }

    /// Why too little of a detected cell can be seen to judge its shape, if so.
    fn reason_by_sight(&self, index: usize) -> Option<ExclusionReason> {
        let contacts = &self.contacts[index];
        let blurred = self.steepness[index].zip(self.typical_steepness);
        // METHOD: relative to the field's own red cells; the typical density of all stained pixels may be that of nuclei.
        let pale = mean_density(&self.stain[index]).zip(self.typical_density);
        if self.stain[index].ink >= MARKED_PX || contacts.marks > 0 {
            Some(ExclusionReason::Marked)
        } else if contacts.hidden_share() > PRESSED_SHARE {
            Some(ExclusionReason::Pressed)
        } else if pale.is_some_and(|(own, typical)| own < GHOST_DENSITY * typical) {
            Some(ExclusionReason::Ghost)
        } else {
            let is_blurred =
                |own: f32, typical: f32| own < (OUT_OF_FOCUS_STEEPNESS * typical).min(self.sharp_steepness);
            let blurred = blurred.is_some_and(|(own, typical)| is_blurred(own, typical));
            blurred.then_some(ExclusionReason::OutOfFocus)
        }
    }

    /// Mean density of an object relative to the field's typical one.
    fn relative_density(&self, index: usize) -> f32 {
        (self.stain[index].density / f64::from(self.stain[index].pixels)) as f32 / self.level
    }
}

fn is(cell: &Option<Detection>, kind: DetectedKind) -> bool {
    cell.is_some_and(|cell| cell.kind == kind)
}

/// Mean green density of a label; `None` without a pixel. Green, because a field's own mix may be that of its nuclei.
fn mean_density(stain: &Stain) -> Option<f32> {
    (stain.pixels > 0).then(|| (stain.channels[1] / f64::from(stain.pixels)) as f32)
}

/// Median by total order; `None` of nothing.
fn middle(values: &mut [f32]) -> Option<f32> {
    let middle = values.len() / 2;
    (!values.is_empty()).then(|| *values.select_nth_unstable_by(middle, f32::total_cmp).1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One detected cell of which everything is seen: sharp, stained, free of marks and neighbors.
    fn reason(change: impl FnOnce(&mut FieldContext<'_>)) -> Option<ExclusionReason> {
        let stain = Stain { density: 30.0, channels: [30.0; 3], pixels: 100, stained: 100, ink: 0 };
        let mut context = FieldContext {
            bounds: &[None],
            detections: &[None],
            ghosts: &[false],
            white_cells: Vec::new(),
            stain: vec![stain],
            contacts: vec![Contacts { edges: 100, ..Contacts::default() }],
            steepness: vec![Some(1.0)],
            typical_steepness: Some(1.0),
            sharp_steepness: 0.8,
            typical_density: Some(0.3),
            level: 0.3,
            red_cell: [0.3; 3],
            width_px: 100.0,
            height_px: 100.0,
        };
        change(&mut context);
        context.reason_by_sight(0)
    }

    #[test]
    fn a_cell_of_which_too_little_is_seen_is_left_out_on_its_side_of_each_limit() {
        assert_eq!(reason(|_| {}), None);
        let ink = |px| reason(|context| context.stain[0].ink = px);
        assert_eq!((ink(MARKED_PX - 1), ink(MARKED_PX)), (None, Some(ExclusionReason::Marked)));
        assert_eq!(reason(|context| context.contacts[0].marks = 1), Some(ExclusionReason::Marked));
        // Half of the outline of 100 edges.
        let shared = |edges| reason(|context| context.contacts[0].neighbors = edges);
        assert_eq!((shared(50), shared(51)), (None, Some(ExclusionReason::Pressed)));
        // 0.4 of a density of 0.3 on 100 pixels.
        let pale = |green| reason(|context| context.stain[0].channels[1] = green);
        assert_eq!((pale(12.1), pale(11.9)), (None, Some(ExclusionReason::Ghost)));
        // 0.65 of the field's own median, and never more than is asked of a field.
        let soft = |steepness| reason(|context| context.steepness[0] = Some(steepness));
        assert_eq!((soft(0.66), soft(0.64)), (None, Some(ExclusionReason::OutOfFocus)));
        // Sharp enough, however sharp its field is.
        assert_eq!(reason(|one| (one.steepness[0], one.typical_steepness) = (Some(0.81), Some(5.0))), None);
        assert_eq!(reason(|context| context.steepness[0] = None), None, "what was not measured leaves nothing out");
    }
}
