//! Slides: the slide from afar with the examined fields, and a map of where schistocytes lie.
//!
//! In: the slides of a record with their pictures and the places of the fields. Out: a section; nothing for photographs.
//!
//! The map: the rectangle around the examined fields is cut into at most [`MAP_SIDE`] × [`MAP_SIDE`] squares; each is shaded by the share
//! of schistocytes among the red cells of its fields, in steps of the reference limit, and carries that share as a
//! number, so that nothing is said by shade alone. A square without a counted red cell stays empty.

use maud::{Markup, html};

use super::data_uri;
use crate::case::{Case, FieldRecord, RegionRecord, SlideRecord, SlidesRecord, StopKind, Stopped};
use crate::report::figures::{UNKNOWN, count, percent, plain};

/// Most squares of the map side by side: their numbers stay readable.
const MAP_SIDE: u32 = 8;

/// Section of the slides.
pub(super) fn slides(case: &Case) -> Markup {
    let Some(record) = &case.record.slides else { return html! {} };
    html! {
        section.slides aria-labelledby="slides" {
            h2 #slides { "Slide" @if record.slides.len() > 1 { "s" } }
            p.lead { (rule(record, case.record.count.min_cells)) }
            @for (place, slide) in record.slides.iter().enumerate() {
                @let fields = fields_of(&case.record.fields, place);
                h3.file { (slide.file) }
                div.slide {
                    (overview(slide, case.fields.thumbnails().get(place).map(Vec::as_slice), &fields))
                    (map(&fields, case.record.count.threshold_percent))
                }
                (facts(slide))
            }
        }
    }
}

type Placed<'a> = (RegionRecord, &'a FieldRecord);

fn fields_of(fields: &[FieldRecord], place: usize) -> Vec<Placed<'_>> {
    let placed = fields.iter().filter_map(|field| Some((field.region?, field)));
    placed.filter(|(region, _)| region.slide == place as u64).collect()
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

/// The slide from afar, the examined fields on it.
fn overview(slide: &SlideRecord, jpeg: Option<&[u8]>, fields: &[Placed<'_>]) -> Markup {
    // Lines as wide as a two-hundredth of the slide show at any size.
    let stroke = f64::from(slide.width_px.max(slide.height_px)) / 400.0;
    let least = 2.0 * stroke;
    html! {
        figure {
            svg.slide-overview role="img" viewBox=(format!("0 0 {} {}", slide.width_px, slide.height_px))
                aria-label=(format!("The slide with {} examined fields", fields.len())) {
                @if let Some(jpeg) = jpeg {
                    image href=(data_uri("image/jpeg", jpeg)) width=(slide.width_px) height=(slide.height_px)
                        preserveAspectRatio="none" {}
                }
                @for (region, field) in fields {
                    rect.examined.refused[!field.accepted] x=(region.core_x_px) y=(region.core_y_px)
                        width=(f64::from(region.core_width_px).max(least))
                        height=(f64::from(region.core_height_px).max(least)) stroke-width=(format!("{stroke:.1}")) {
                        title { (field.field) ": " (field.schistocytes) " of " (field.red_cells) }
                    }
                }
            }
            figcaption { "Examined fields; dashed where refused" }
        }
    }
}

/// A square of the map.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Square {
    schistocytes: u64,
    red_cells: u64,
}

impl Square {
    fn percent(self) -> Option<f64> {
        (self.red_cells > 0).then(|| 100.0 * self.schistocytes as f64 / self.red_cells as f64)
    }
}

/// Squares of the map, rows from the top, with the number of columns.
fn squares(fields: &[Placed<'_>]) -> (Vec<Square>, u32) {
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
    let mut squares = vec![Square::default(); columns as usize * rows as usize];
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

fn map(fields: &[Placed<'_>], limit_percent: f64) -> Markup {
    const SIDE: u32 = 60;
    if fields.is_empty() {
        return html! { p { "No field was examined." } };
    }
    let (squares, columns) = squares(fields);
    let rows = squares.len() as u32 / columns;
    html! {
        figure {
            svg.slide-map role="img" viewBox=(format!("0 0 {} {}", columns * SIDE, rows * SIDE))
                aria-label="Share of schistocytes by place" {
                @for (place, square) in (0u32..).zip(&squares) {
                    @let (x, y) = (place % columns * SIDE, place / columns * SIDE);
                    @match square.percent() {
                        Some(share) => {
                            rect class=(format!("shade-{}", shade(share, limit_percent))) x=(x) y=(y) width=(SIDE) height=(SIDE) {
                                title { (square.schistocytes) " of " (count(square.red_cells)) }
                            }
                            text x=(x + SIDE / 2) y=(y + SIDE / 2) { (format!("{share:.1}")) }
                        },
                        None => rect.empty x=(x) y=(y) width=(SIDE) height=(SIDE) {},
                    }
                }
            }
            figcaption {
                "Schistocytes by place, % of the red cells counted there; shades: none, up to " (percent(limit_percent))
                ", up to " (percent(2.0 * limit_percent)) ", more"
            }
        }
    }
}

fn facts(slide: &SlideRecord) -> Markup {
    let blocks: Vec<String> =
        slide.blocks.iter().filter(|(_, n)| **n > 0).map(|(name, n)| format!("{name} {}", count(*n))).collect();
    html! {
        table.facts {
            thead { tr { th scope="col" { "Slide" } th scope="col" { "Value" } } }
            tbody {
                tr { th scope="row" { "Format" } td { (slide.format) } }
                tr { th scope="row" { "Size" } td { (slide.width_px) " × " (slide.height_px) " px, " (slide.levels.len()) " levels" } }
                tr { th scope="row" { "Pixel size" } td {
                    @match slide.um_per_px { Some(size) => { (plain(size)) " µm" }, None => (UNKNOWN) }
                    @if let Some(source) = slide.um_per_px_source { " " small { (source.describe()) } } } }
                tr { th scope="row" { "Magnification" } td {
                    @match slide.magnification { Some(power) => { (plain(power)) "×" }, None => (UNKNOWN) } } }
                tr { th scope="row" { "Area" } td { (slide.area) } }
                tr { th scope="row" { "Fields" } td { (count(slide.examined_fields)) " of " (count(slide.planned_fields)) " examined" } }
                tr { th scope="row" { "Examined" } td {
                    @match slide.examined_mm2 { Some(area) => { (plain(area)) " mm²" }, None => (UNKNOWN) } } }
                @if !blocks.is_empty() { tr { th scope="row" { "Blocks of the slide" } td { (blocks.join(", ")) } } }
            }
        }
    }
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
        let filled: Vec<(usize, Square)> =
            squares.iter().copied().enumerate().filter(|(_, square)| square.red_cells > 0).collect();
        let square = |schistocytes, red_cells| Square { schistocytes, red_cells };
        assert_eq!(filled, [(0, square(1, 100)), (6, square(2, 50)), (7, square(0, 50))]);
        assert_eq!(filled[1].1.percent(), Some(4.0));
        assert_eq!(Square::default().percent(), None);
    }

    #[test]
    fn shades_change_at_the_limit_and_its_double() {
        assert_eq!([0.0, 0.1, 1.0, 1.1, 2.0, 2.1].map(|share| shade(share, 1.0)), [0, 1, 1, 2, 2, 3]);
    }
}
