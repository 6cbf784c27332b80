//! The slides: how long was counted, the slide from afar with the examined fields, where schistocytes lie, and what the file
//! says of itself.
//!
//! The map: the rectangle around the examined fields is cut into at most [`MAP_SIDE`] × [`MAP_SIDE`] squares. Each is shaded
//! by the share of schistocytes among the red cells of its fields, in steps of the reference limit, and carries that share
//! as a number, so that nothing is said by shade alone. A square without a counted red cell stays empty.

use super::model::{Block, Cell, Extent, MapSquare, Section, SlideMap, Table};
use super::values::{UNKNOWN, count, percent, plain};
use crate::case::{Case, CaseRecord, FieldRecord, RegionRecord, SlideRecord, SlidesRecord, StopKind, Stopped};

/// Most squares of the map side by side: their numbers stay readable.
const MAP_SIDE: u32 = 8;

/// Section of the slides; nothing for photographs.
pub(crate) fn slides(case: &Case, extent: &Extent) -> Option<Section> {
    let record = case.record.slides.as_ref()?;
    let mut blocks = vec![Block::note(rule(record, case.record.count.min_cells))];
    for (place, slide) in record.slides.iter().enumerate() {
        blocks.push(Block::heading(slide.file.as_str()));
        if extent.field_pictures {
            blocks.push(Block::Slide(map(&case.record, place)));
        }
        blocks.push(Block::Table(facts(slide)));
    }
    Some(Section::new("slides", if record.slides.len() > 1 { "Slides" } else { "Slide" }, blocks))
}

/// How long was counted, in words.
fn rule(record: &SlidesRecord, min_cells: u64) -> String {
    let cells = record.stop_cells.map_or_else(String::new, count);
    let rule = match record.stop_rule {
        StopKind::Decided => format!(
            "Fields were counted one after another: at least {} red cells, then until the count was placed on one side \
             of the limit, at most {cells} red cells. The interval allows for the look after every field (Robbins' \
             mixture).",
            count(min_cells)
        ),
        StopKind::Cells => format!("Fields were counted until {cells} red cells were reached, whatever was found."),
        StopKind::AllFields => "Every field of the area was counted.".to_owned(),
    };
    let end = match record.stopped {
        Stopped::Decided => "The count ended because it was placed on one side.",
        Stopped::MaxCells => "The count ended undecided at the largest number.",
        Stopped::Cells => "The count ended at that number.",
        Stopped::LastField => "The count ended with the last field.",
    };
    format!("{rule} {end}")
}

/// A field with its place.
pub(crate) type Placed<'a> = (RegionRecord, &'a FieldRecord);

/// The examined fields of a slide.
pub(crate) fn fields_of(fields: &[FieldRecord], slide: usize) -> Vec<Placed<'_>> {
    let placed = fields.iter().filter_map(|field| Some((field.region?, field)));
    placed.filter(|(region, _)| region.slide == slide as u64).collect()
}

fn map(record: &CaseRecord, slide: usize) -> SlideMap {
    let limit = record.count.threshold_percent;
    let (mut squares, columns) = squares(&fields_of(&record.fields, slide));
    for square in &mut squares {
        square.percent = (square.red_cells > 0).then(|| 100.0 * square.schistocytes as f64 / square.red_cells as f64);
        square.shade = square.percent.map_or(0, |share| shade(share, limit));
    }
    let caption = format!(
        "Schistocytes by place, % of the red cells counted there; shades: none, up to {}, up to {}, more",
        percent(limit),
        percent(2.0 * limit)
    );
    SlideMap { slide, caption, columns, squares }
}

/// Squares of the map, rows from the top, with the number of columns.
fn squares(fields: &[Placed<'_>]) -> (Vec<MapSquare>, u32) {
    let edges = |low: fn(&RegionRecord) -> u32, length: fn(&RegionRecord) -> u32| {
        let from = fields.iter().map(|(region, _)| low(region)).min().unwrap_or(0);
        let to = fields.iter().map(|(region, _)| low(region) + length(region)).max().unwrap_or(1);
        (from, (to - from).max(1))
    };
    let (left, width) = edges(|r| r.core_x_px, |r| r.core_width_px);
    let (top, height) = edges(|r| r.core_y_px, |r| r.core_height_px);
    let widest = fields.iter().map(|(region, _)| region.core_width_px.max(region.core_height_px)).max().unwrap_or(1);
    // No square is smaller than a field.
    let side = (width.max(height).div_ceil(MAP_SIDE)).max(widest).max(1);
    let (columns, rows) = (width.div_ceil(side), height.div_ceil(side));
    let mut squares = vec![MapSquare::default(); columns as usize * rows as usize];
    for (region, field) in fields {
        let middle = |from: u32, length: u32, low: u32| (from - low + length / 2) / side;
        let column = middle(region.core_x_px, region.core_width_px, left).min(columns - 1);
        let row = middle(region.core_y_px, region.core_height_px, top).min(rows - 1);
        let square = &mut squares[row as usize * columns as usize + column as usize];
        square.schistocytes += field.schistocytes;
        square.red_cells += field.red_cells;
    }
    (squares, columns)
}

/// Shade of a square: none, up to the limit, up to twice the limit, more.
fn shade(percent: f64, limit_percent: f64) -> u8 {
    match percent {
        p if p <= 0.0 => 0,
        p if p <= limit_percent => 1,
        p if p <= 2.0 * limit_percent => 2,
        _ => 3,
    }
}

fn facts(slide: &SlideRecord) -> Table {
    let known = |text: Option<String>| text.unwrap_or_else(|| UNKNOWN.to_owned());
    let size = format!("{} × {} px, {} levels", slide.width_px, slide.height_px, slide.levels.len());
    let pixel = Cell::new(known(slide.um_per_px.map(|size| format!("{} µm", plain(size)))));
    let fields = format!("{} of {} examined", count(slide.examined_fields), count(slide.planned_fields));
    let mut rows = vec![
        ("Format", Cell::new(slide.format.as_str())),
        ("Size", Cell::new(size)),
        ("Pixel size", pixel.noted(slide.um_per_px_source.map(|source| source.describe()))),
        ("Magnification", Cell::new(known(slide.magnification.map(|power| format!("{}×", plain(power)))))),
        ("Area", Cell::new(slide.area.as_str())),
        ("Fields", Cell::new(fields)),
        ("Examined", Cell::new(known(slide.examined_mm2.map(|area| format!("{} mm²", plain(area)))))),
    ];
    let blocks: Vec<String> =
        slide.blocks.iter().filter(|(_, n)| **n > 0).map(|(name, n)| format!("{name} {}", count(*n))).collect();
    if !blocks.is_empty() {
        rows.push(("Blocks of the slide", Cell::new(blocks.join(", "))));
    }
    Table::facts("Slide", rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(x: u32, y: u32, schistocytes: u64, red_cells: u64) -> FieldRecord {
        FieldRecord {
            field: "a.svs".to_owned(),
            region: Some(RegionRecord {
                slide: 0,
                x_px: x,
                y_px: y,
                core_x_px: x,
                core_y_px: y,
                core_width_px: 100,
                core_height_px: 100,
            }),
            width_px: 100,
            height_px: 100,
            um_per_px: Some(0.25),
            um_per_px_source: None,
            accepted: true,
            refusals: Vec::new(),
            quality: Vec::new(),
            red_cells,
            schistocytes,
            exclusions: std::collections::BTreeMap::new(),
            picture_signature: None,
        }
    }

    #[test]
    fn fields_add_up_in_their_square() {
        let fields =
            [field(1000, 500, 1, 100), field(1700, 500, 2, 50), field(1750, 520, 0, 50), field(1000, 1300, 0, 0)];
        let placed: Vec<Placed<'_>> = fields.iter().map(|field| (field.region.expect("placed"), field)).collect();
        let (squares, columns) = squares(&placed);
        assert_eq!((columns, squares.len()), (8, 64));
        let filled: Vec<(usize, u64, u64)> = squares
            .iter()
            .enumerate()
            .filter(|(_, square)| square.red_cells > 0)
            .map(|(place, square)| (place, square.schistocytes, square.red_cells))
            .collect();
        assert_eq!(filled, [(0, 1, 100), (6, 2, 50), (7, 0, 50)]);
    }

    #[test]
    fn shades_change_at_the_limit_and_its_double() {
        assert_eq!([0.0, 0.1, 1.0, 1.1, 2.0, 2.1].map(|share| shade(share, 1.0)), [0, 1, 1, 2, 2, 3]);
    }
}
