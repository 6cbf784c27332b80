//! What each object of a field touches: other objects, nucleated cells, marks, and the border of the field's lit part.
//!
//! In: the runs of the label map with the detections and the stain behind them. Out: [`Contacts`] for each label. Edges are
//! those between two pixels, those at the frame left out. Method: run by run, and stretch by stretch of two rows.

use super::appearance::Stain;
use super::detect::{DetectedKind, Detection};
use crate::optics::illuminated::Illuminated;
use crate::optics::runs::{RowRuns, Run};

/// Share of ink from which an object is a mark itself, so that what touches it is marked.
const INK_SHARE: f64 = 0.3;
/// Width of the border of a lit part whose touch cuts a cell, px: the pixels that smoothing and the peeled skirt of an outline
/// take off at an edge against empty background.
const RIM_PX: f64 = 5.0;

/// Contacts of one label, pixel edges.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Contacts {
    /// On the outline.
    pub edges: u32,
    /// Those of them shared with another object.
    pub neighbors: u32,
    /// Those of them shared with a nucleated cell.
    pub nucleated: u32,
    /// Those of them shared with a mark.
    pub marks: u32,
    /// Rows in which it touches the border of the field's lit part.
    pub at_rim: u32,
}

impl Contacts {
    /// Share of the outline shared with other objects, 0–1; 0 without an outline.
    pub fn hidden_share(&self) -> f64 {
        if self.edges > 0 { f64::from(self.neighbors) / f64::from(self.edges) } else { 0.0 }
    }
}

/// Counts for each label the pixel edges of its outline, those shared with other objects, with detected white cells and with
/// marks, and its rows at the border of the lit part.
pub(super) fn contacts(
    runs: &RowRuns,
    detections: &[Option<Detection>],
    stain: &[Stain],
    width: u32,
    lit: Option<&Illuminated>,
) -> Vec<Contacts> {
    let is_white = |index: usize| detections[index].is_some_and(|cell| cell.kind == DetectedKind::WhiteCell);
    let is_mark = |index: usize| f64::from(stain[index].ink) > INK_SHARE * f64::from(stain[index].pixels);
    let mut all = vec![Contacts::default(); detections.len()];
    // Edges between two labels, 0 for the background.
    let mut count = |a: u32, b: u32, edges: u32| {
        for (own, other) in [(a, b), (b, a)] {
            if own > 0 && own != other {
                let contacts = &mut all[own as usize - 1];
                contacts.edges += edges;
                if let Some(other) = (other as usize).checked_sub(1) {
                    contacts.neighbors += edges;
                    contacts.nucleated += if is_white(other) { edges } else { 0 };
                    contacts.marks += if is_mark(other) { edges } else { 0 };
                }
            }
        }
    };
    let mut above: &[Run] = &[];
    for (y, row) in runs.rows() {
        for (index, run) in row.iter().enumerate() {
            let left = index.checked_sub(1).map(|left| row[left]).filter(|left| left.end == run.start);
            if run.start > 0 {
                count(run.value, left.map_or(0, |left| left.value), 1);
            }
            let is_followed = row.get(index + 1).is_some_and(|right| right.start == run.end);
            if run.end < width && !is_followed {
                count(run.value, 0, 1);
            }
        }
        if y > 0 {
            each_overlap(above, row, &mut count);
        }
        above = row;
    }
    if let Some(inner) = lit.map(|lit| lit.without_border(RIM_PX)) {
        for (y, row) in runs.rows() {
            let clear = inner.row(y as u32);
            for run in row.iter().filter(|run| run.start < clear.start || run.end > clear.end) {
                all[run.value as usize - 1].at_rim += 1;
            }
        }
    }
    all
}

/// Calls `count` with the labels of each stretch of two rows on which neither changes, and its length; 0 for no label.
fn each_overlap(above: &[Run], below: &[Run], count: &mut impl FnMut(u32, u32, u32)) {
    let (mut above, mut below) = (above.iter().peekable(), below.iter().peekable());
    let mut x = 0;
    while above.peek().is_some() || below.peek().is_some() {
        // Label here, and where it ends.
        let state = |run: Option<&&Run>| match run {
            Some(run) if run.start <= x => (run.value, run.end),
            Some(run) => (0, run.start),
            None => (0, u32::MAX),
        };
        let ((upper, upper_end), (lower, lower_end)) = (state(above.peek()), state(below.peek()));
        let end = upper_end.min(lower_end);
        if upper != lower {
            count(upper, lower, end - x);
        }
        x = end;
        above.next_if(|run| run.end <= x);
        below.next_if(|run| run.end <= x);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(labels: &[u32], width: u32, detections: &[Option<Detection>], stain: &[Stain]) -> Vec<[u32; 4]> {
        let runs = RowRuns::of_labels(labels, width as usize);
        let all = contacts(&runs, detections, stain, width, None);
        all.iter().map(|own| [own.edges, own.neighbors, own.nucleated, own.marks]).collect()
    }

    #[test]
    fn edges_are_counted_between_pixels_and_never_at_the_frame() {
        let plain = [Stain { pixels: 10, ..Stain::default() }; 2];
        let inside = [0, 0, 0, 0, 0, 1, 2, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        assert_eq!(found(&inside, 4, &[None; 2], &plain), [[6, 1, 0, 0], [4, 1, 0, 0]]);
        assert_eq!(found(&[1, 2], 2, &[None; 2], &plain), [[1, 1, 0, 0]; 2]);
    }

    #[test]
    fn a_white_cell_and_a_mark_are_told_from_other_neighbors() {
        let white = Detection { kind: DetectedKind::WhiteCell, bounds: [0.0; 4], probability: 1.0 };
        // Three of ten pixels of ink are no mark yet.
        for (ink, marks) in [(3, 0), (4, 1)] {
            let stain = [0, 0, ink].map(|ink| Stain { pixels: 10, ink, ..Stain::default() });
            let all = found(&[1, 2, 3], 3, &[Some(white), None, None], &stain);
            assert_eq!(all, [[1, 1, 0, 0], [2, 2, 1, marks], [1, 1, 0, 0]]);
        }
    }
}
