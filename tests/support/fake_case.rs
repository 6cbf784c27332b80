//! A made-up specimen for the reports: drawn cells on drawn fields, figures that fit together, the same on every run.
//!
//! Nothing here is a photograph. Cells stand on a grid with a fixed jitter; each cell is a disc with pallor, each
//! schistocyte half a disc; the last three objects of a field are excluded ones.

use std::collections::BTreeMap;
use std::f64::consts::TAU;
use std::io::Cursor;
use std::path::Path;

use image::{ImageFormat, Rgb, RgbImage};
use schistoquant::case::{
    Case, CaseField, CaseFields, CaseRecord, CellTile, ClassFinding, ClassHealthyShare, ClassRecord, Context,
    CorrectedPercent, CountRecord, DecidingLimit, DecidingLimits, DetectorProvenance, FOOTER, FieldRecord, FloorSource,
    FormsRecord, HealthyShare, InputFailure, InputFile, IntervalName, IssueSource, IssueTime, Laboratory,
    ModelProvenance, Order, PercentInterval, Preview, Provenance, QualityFigure, SCHEMA_VERSION, State,
};
use schistoquant::clinical::{PanelOptions, ScoreOptions, read_panel};
use schistoquant::count::FormTally;
use schistoquant::evidence::{Evidence, SmearFinding, weigh};
use schistoquant::smear::{
    AgeGroup, CalibrationSource, Call, Cell, CellClass, CellId, CellStatus, ClassifiedCell, Contour, ExclusionReason,
    Morphology, ObjectKind, SchistocyteForm,
};
use schistoquant::stats::Probability;
use schistoquant::time::Timestamp;

const CELL_RADIUS_PX: f64 = 19.0;
const PITCH_PX: f64 = 50.0;
const UM_PER_PX: f64 = 0.2;
const MIN_CELLS: u64 = 1_000;
const THRESHOLD_PERCENT: f64 = 1.0;
/// Least probability of a near miss.
pub const REVIEW: f64 = 0.25;
/// Share called in healthy films of each class but schistocyte, %, and the limits of it.
const CLASS_FLOOR: [f64; 3] = [2.1, 3.1, 4.1];
/// Classes that the cells which are no schistocytes take in turn.
const OTHER_CLASSES: [CellClass; 8] = [
    CellClass::Normal,
    CellClass::Normal,
    CellClass::Normal,
    CellClass::Ovalocyte,
    CellClass::Normal,
    CellClass::Normal,
    CellClass::Macrocyte,
    CellClass::Normal,
];

/// What to make up.
pub struct FakeCase {
    /// Specimen number.
    pub accession: Option<&'static str>,
    /// The order behind the specimen.
    pub order: Option<Order>,
    /// The laboratory that reports.
    pub laboratory: Option<Laboratory>,
    /// Number of fields.
    pub fields: usize,
    /// Columns and rows of cells in a field; the last three places hold excluded objects.
    pub grid: (u32, u32),
    /// Schistocytes in each field.
    pub schistocytes: usize,
    /// Cells in each field that were nearly called one.
    pub near_misses: usize,
    /// Indices of refused fields.
    pub refused: Vec<usize>,
    /// What stands before the number in the name of each field.
    pub name: &'static str,
    /// Preview pixels per pixel.
    pub preview_scale: f64,
    /// Whether every other cell is a teardrop.
    pub mixed: bool,
    /// Inputs that could not be read.
    pub failed: Vec<InputFailure>,
    /// Panel of `fixtures/labs`, where there is one.
    pub labs: Option<&'static str>,
}

/// Evidence of a made-up panel of `fixtures/labs` beside a count.
fn evidence_of(panel: &str, count: &CountRecord) -> Evidence {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/labs").join(panel);
    let bytes = std::fs::read(path).expect("a panel");
    let panel = read_panel(&bytes, panel, &PanelOptions::default()).expect("a sound panel");
    let limits = count.widest_95();
    let smear = SmearFinding {
        percent: count.percent,
        low_percent: limits.map(|limits| limits.low),
        high_percent: limits.map(|limits| limits.high),
        red_cells: count.red_cells,
        schistocytes: count.schistocytes,
        threshold_percent: count.threshold_percent,
        state: count.state,
        context: count.context,
        beyond_model_error: count.is_beyond_model_error(),
        reviewed: count.is_reviewed(),
    };
    weigh(Some(&smear), &panel, &ScoreOptions::default())
}

impl Default for FakeCase {
    fn default() -> Self {
        Self {
            accession: Some("S-2041-0007"),
            order: None,
            laboratory: None,
            fields: 2,
            grid: (10, 6),
            schistocytes: 2,
            near_misses: 0,
            refused: Vec::new(),
            name: "field",
            preview_scale: 0.5,
            mixed: false,
            failed: Vec::new(),
            labs: None,
        }
    }
}

impl FakeCase {
    /// The case.
    pub fn build(self) -> Case {
        let (records, fields): (Vec<_>, Vec<_>) = (0..self.fields).map(|index| self.field(index)).unzip();
        let calls = || fields.iter().flat_map(|field| &field.cells).filter_map(ClassifiedCell::counted_call);
        let red_cells = calls().count() as u64;
        let classes: Vec<ClassRecord> = CellClass::ALL
            .into_iter()
            .map(|class| class_record(class, calls().filter(|call| call.class == class).count() as u64, red_cells))
            .collect();
        let mut exclusions = BTreeMap::new();
        for (reason, objects) in records.iter().flat_map(|record| &record.exclusions) {
            *exclusions.entry(*reason).or_default() += objects;
        }
        let count = count(&records, &classes);
        let inputs = records.iter().enumerate().map(|(index, record)| InputFile {
            file: record.field.clone(),
            sha256: format!("{:064x}", (index as u128 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)),
        });
        let record = CaseRecord {
            slides: None,
            film: None,
            schema_version: SCHEMA_VERSION.to_owned(),
            accession: self.accession.map(str::to_owned),
            order: self.order,
            laboratory: self.laboratory,
            // Of an order, so that it is no part of the job.
            issued_at: Timestamp::parse("2025-01-02T10:30:00Z")
                .ok()
                .map(|at| IssueTime { at, source: IssueSource::Received }),
            newest_image_at: None,
            age_group: AgeGroup::Adult,
            statement: statement(&count),
            evidence: self.labs.map(|panel| evidence_of(panel, &count)),
            panel: None,
            panel_match: None,
            cells_to_read: 0,
            review: None,
            count,
            classes,
            exclusions,
            provenance: provenance(inputs.collect()),
            fields: records,
            failed_inputs: self.failed,
            footer: FOOTER.to_owned(),
        };
        Case { record, fields: CaseFields::of(fields).expect("a temporary file") }
    }

    fn field(&self, index: usize) -> (FieldRecord, CaseField) {
        let name = format!("{}-{:02}.png", self.name, index + 1);
        let refused = self.refused.contains(&index);
        let (width, height) = (self.grid.0 * PITCH_PX as u32, self.grid.1 * PITCH_PX as u32);
        let places = (self.grid.0 * self.grid.1) as usize;
        let cells: Vec<ClassifiedCell> = (0..places).map(|place| self.cell(index, place, places, refused)).collect();
        let preview = draw(&cells, width, height, self.preview_scale);
        let schistocytes = cells.iter().filter(|cell| cell.is_counted_schistocyte()).count() as u64;
        let pictured = cells.iter().filter(|cell| cell.is_counted_schistocyte() || cell.is_near_miss(REVIEW));
        let tiles: Vec<CellTile> = pictured.map(|cell| tile(cell, width, height)).collect();
        let mut exclusions = BTreeMap::new();
        for cell in &cells {
            if let CellStatus::Excluded(reason, _) = cell.status {
                *exclusions.entry(reason).or_default() += 1;
            }
        }
        let record = FieldRecord {
            region: None,
            field: name.clone(),
            width_px: width,
            height_px: height,
            um_per_px: Some(UM_PER_PX),
            um_per_px_source: Some(CalibrationSource::MedianRedCell),
            accepted: !refused,
            refusals: if refused {
                vec!["out of focus: sharpness 0.031, at least 0.08 required".to_owned()]
            } else {
                Vec::new()
            },
            quality: quality(refused, index),
            red_cells: cells.iter().filter(|cell| cell.counted_call().is_some()).count() as u64,
            schistocytes,
            exclusions,
            picture_signature: None,
        };
        let field = CaseField {
            field: name,
            preview: Some(Preview {
                jpeg: encode(&preview, ImageFormat::Jpeg),
                width_px: preview.width(),
                height_px: preview.height(),
                px_per_px: self.preview_scale,
            }),
            cells,
            tiles,
        };
        (record, field)
    }

    fn cell(&self, field: usize, place: usize, places: usize, refused: bool) -> ClassifiedCell {
        let jitter = |salt: usize| ((field * 31 + place * 17 + salt * 7) % 11) as f64 - 5.0;
        let center = [
            (place as u32 % self.grid.0) as f64 * PITCH_PX + PITCH_PX / 2.0 + jitter(1),
            (place as u32 / self.grid.0) as f64 * PITCH_PX + PITCH_PX / 2.0 + jitter(2),
        ];
        let excluded = [ExclusionReason::FrameEdge, ExclusionReason::WhiteCell, ExclusionReason::Platelet];
        let excluded = place.checked_sub(places - excluded.len()).map(|index| excluded[index]);
        // Spread over the field by a step that shares no factor with usual numbers of places.
        let is_schistocyte = excluded.is_none() && (0..self.schistocytes).any(|n| (n * 7 + 3) % (places - 3) == place);
        let class = match (is_schistocyte, self.mixed && place.is_multiple_of(2)) {
            (true, _) => CellClass::Schistocyte,
            (false, true) => CellClass::Teardrop,
            (false, false) => OTHER_CLASSES[place % OTHER_CLASSES.len()],
        };
        let is_near = (0..self.near_misses).any(|n| (n * 7 + 5) % (places - 3) == place);
        let schistocyte_probability = match (is_schistocyte, is_near) {
            (true, _) => 0.999_7 - 0.004 * place as f64,
            (false, true) => REVIEW + 0.001 * place as f64,
            (false, false) => 0.000_123 * (place % 40) as f64,
        };
        let call = Call {
            class,
            class_probability: probability(if is_schistocyte { schistocyte_probability.max(0.5) } else { 0.93 }),
            schistocyte_probability: probability(
                schistocyte_probability.max(0.5 * f64::from(u8::from(is_schistocyte))),
            ),
        };
        let radius = if excluded == Some(ExclusionReason::Platelet) { 6.0 } else { CELL_RADIUS_PX + jitter(3) / 4.0 };
        let contour = outline(center, radius, is_schistocyte);
        let (status, kind) = match excluded {
            Some(reason) => (CellStatus::Excluded(reason, None), ObjectKind::Excluded(reason)),
            None if refused => (CellStatus::Excluded(ExclusionReason::FieldRefused, Some(call)), ObjectKind::RedCell),
            None => (CellStatus::Counted(call), ObjectKind::RedCell),
        };
        let cell =
            Cell { id: CellId(place as u32 + 1), morphology: morphology(&contour), contour, kind, hidden_share: 0.0 };
        // Half a disc is a crescent; the rest are not schistocytes and have no form.
        let form = (is_schistocyte && matches!(status, CellStatus::Counted(_))).then_some(SchistocyteForm::Crescent);
        ClassifiedCell { cell, status, form }
    }
}

fn probability(value: f64) -> Probability {
    Probability::new(value).expect("a probability")
}

/// A circle, or the half of one with a rounded end, of 72 points.
fn outline(center: [f64; 2], radius: f64, half: bool) -> Contour {
    let points = (0..72).map(|step| {
        let angle = TAU * f64::from(step) / 72.0;
        let cut = if half && angle.sin() < 0.0 { 0.25 } else { 1.0 };
        [center[0] + radius * angle.cos(), center[1] + radius * cut * angle.sin()]
    });
    Contour::new(points.collect()).expect("seventy-two points")
}

fn morphology(contour: &Contour) -> Morphology {
    let area_um2 = contour.area_px() * UM_PER_PX * UM_PER_PX;
    let perimeter_um = contour.perimeter_px() * UM_PER_PX;
    Morphology {
        area_um2,
        perimeter_um,
        diameter_um: (4.0 * area_um2 / std::f64::consts::PI).sqrt(),
        circularity: 2.0 * TAU * area_um2 / (perimeter_um * perimeter_um),
        solidity: contour.solidity(),
        aspect_ratio: 1.0,
        mean_optical_density: 0.3,
        pallor_contrast: Some(0.4),
    }
}

fn quality(refused: bool, index: usize) -> Vec<QualityFigure> {
    let figure = |name: &str, value, min, max, accepted| QualityFigure { name: name.into(), value, min, max, accepted };
    let sharpness = if refused { 0.031 } else { 0.214 + 0.001 * index as f64 };
    vec![
        figure("edge_sharpness", Some(sharpness), Some(0.08), None, !refused),
        figure("clipped_share_percent", Some(0.0214), None, Some(2.0), true),
        figure("median_optical_density", Some(0.301), Some(0.08), Some(0.9), true),
        figure("overlap_share_percent", Some(11.25), None, Some(35.0), true),
        figure("red_cells_per_10000_um2", None, Some(20.0), Some(140.0), true),
    ]
}

/// Wilson score interval, percent.
fn wilson(part: u64, whole: u64) -> PercentInterval {
    const Z: f64 = 1.959_964;
    let (n, p) = (whole as f64, part as f64 / whole as f64);
    let center = (p + Z * Z / (2.0 * n)) / (1.0 + Z * Z / n);
    let half = Z * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt() / (1.0 + Z * Z / n);
    PercentInterval { low: 100.0 * (center - half).max(0.0), high: 100.0 * (center + half) }
}

/// A class of which healthy films read [`CLASS_FLOOR`], in fields of an estimated pixel size.
fn class_record(class: CellClass, cells: u64, red_cells: u64) -> ClassRecord {
    let [low, percent, high] = CLASS_FLOOR;
    let none = matches!(class, CellClass::Normal | CellClass::Schistocyte | CellClass::Uncategorised);
    let limits = (red_cells > 0).then(|| wilson(cells, red_cells));
    let given = !class.is_size() || red_cells == 0;
    let finding = limits.filter(|_| !none).map(|limits| match limits.low > high {
        _ if !given => ClassFinding::PixelSizeUnknown,
        true => ClassFinding::Present,
        false => ClassFinding::WithinModelError,
    });
    ClassRecord {
        class,
        cells: given.then_some(cells),
        percent: (given && red_cells > 0).then(|| 100.0 * cells as f64 / red_cells as f64),
        wilson_95: limits.filter(|_| given),
        floor_percent: (!none).then_some(percent),
        floor_95: (!none).then_some(PercentInterval { low, high }),
        finding,
    }
}

fn count(fields: &[FieldRecord], classes: &[ClassRecord]) -> CountRecord {
    let red_cells: u64 = fields.iter().map(|field| field.red_cells).sum();
    let schistocytes: u64 = fields.iter().map(|field| field.schistocytes).sum();
    let shapes = classes.iter().filter(|record| record.class.is_other_abnormal_shape());
    let other: u64 =
        shapes.filter(|record| record.finding == Some(ClassFinding::Present)).filter_map(|record| record.cells).sum();
    let mut forms = FormTally::default();
    (0..schistocytes).for_each(|_| forms.add(Some(SchistocyteForm::Crescent)));
    let share = |part: u64| (red_cells > 0).then(|| 100.0 * part as f64 / red_cells as f64);
    let wilson_95 = (red_cells > 0).then(|| wilson(schistocytes, red_cells));
    let state = match wilson_95 {
        None => State::NotAssessable,
        Some(_) if red_cells < MIN_CELLS => State::Insufficient,
        Some(limits) if limits.low > THRESHOLD_PERCENT => State::Above,
        Some(limits) if limits.high <= THRESHOLD_PERCENT => State::NotAbove,
        Some(_) => State::Indeterminate,
    };
    let context = (red_cells > 0).then_some(match (schistocytes, other > schistocytes) {
        (0, _) => Context::NoSchistocytes,
        (_, true) => Context::MixedPoikilocytosis,
        (_, false) => Context::SchistocytesPredominate,
    });
    let several = fields.iter().filter(|field| field.accepted).count() > 1;
    CountRecord {
        sequential_95: None,
        repeatability_95: None,
        red_cells,
        schistocytes,
        percent: share(schistocytes),
        wilson_95,
        field_bootstrap_95: wilson_95
            .filter(|_| several)
            .map(|limits| PercentInterval { low: limits.low * 0.93, high: limits.high * 1.04 }),
        reviewed_95: None,
        corrected: wilson_95.map(|limits| CorrectedPercent {
            percent: share(schistocytes).map(|percent| (percent - 0.14).max(0.0)),
            low: (limits.low - 0.2).max(0.0),
            high: limits.high * 1.02,
            sensitivity: 0.91,
            sensitivity_cells: 412,
            false_call_percent: 0.15,
            false_call_cells: 3980,
            false_call_source: FloorSource::HealthyFilms,
        }),
        false_positive_floor_percent: Some(0.15),
        false_positive_floor_95: Some(PercentInterval { low: 0.07, high: 0.33 }),
        false_positive_floor_source: Some(FloorSource::HealthyFilms),
        threshold_percent: THRESHOLD_PERCENT,
        min_cells: MIN_CELLS,
        deciding: wilson_95.map(|limits| DecidingLimits {
            low: Some(DecidingLimit { percent: (limits.low - 0.33).max(0.0), interval: IntervalName::Wilson }),
            high: Some(DecidingLimit { percent: limits.high * 1.04, interval: IntervalName::FieldBootstrap }),
        }),
        state,
        context,
        other_abnormal_percent: share(other).filter(|_| other > 0),
        forms: FormsRecord::of(&forms, red_cells),
        grade: None,
    }
}

fn statement(count: &CountRecord) -> String {
    let (Some(percent), Some(limits)) = (count.percent, count.wilson_95) else {
        return "No red cell could be counted.".to_owned();
    };
    format!(
        "Schistocytes {percent:.2} % (95 % CI {:.2}–{:.2}; {} of {} RBC). Made-up words for the state {}.",
        limits.low,
        limits.high,
        count.schistocytes,
        count.red_cells,
        count.state.name(),
    )
}

fn provenance(inputs: Vec<InputFile>) -> Provenance {
    Provenance {
        software: "schistoquant".to_owned(),
        software_version: "0.1.0".to_owned(),
        method_version: "1".to_owned(),
        detector: DetectorProvenance {
            name: "fixture-cells".to_owned(),
            version: "1".to_owned(),
            sha256: "e".repeat(64),
        },
        model: ModelProvenance {
            name: "made-up".to_owned(),
            version: "3".to_owned(),
            sha256: "b5bb9d8014a0f9b1d61e21e796d78dccdf1352f23cd32812f4850b878ae4944c".to_owned(),
            operating_point: 0.72,
            sensitivity: Some(0.871),
            sensitivity_cells: Some(310),
            specificity: Some(0.9985),
            specificity_cells: Some(20_412),
            measured_on: Some("made-up cells".to_owned()),
            review_operating_point: Some(REVIEW),
            review_sensitivity: None,
            review_sensitivity_cells: None,
            unseen_sensitivity: None,
            unseen_sensitivity_cells: None,
            class_healthy_shares: vec![ClassHealthyShare {
                class: CellClass::Teardrop,
                percent: CLASS_FLOOR[1],
                low: CLASS_FLOOR[0],
                high: CLASS_FLOOR[2],
                cells: 3980,
                measured_on: "healthy fields of three origins".to_owned(),
            }],
            healthy_share: Some(HealthyShare {
                percent: 0.15,
                low: 0.07,
                high: 0.33,
                cells: 3_980,
                measured_on: "made-up healthy films".to_owned(),
            }),
        },
        engine: "embedded".to_owned(),
        options: BTreeMap::from([
            ("age_group".to_owned(), "adult".into()),
            ("min_cells".to_owned(), MIN_CELLS.into()),
            ("um_per_px".to_owned(), serde_json::Value::Null),
        ]),
        inputs,
    }
}

/// The field at `scale`: every object is filled, red cells with a pale center.
fn draw(cells: &[ClassifiedCell], width: u32, height: u32, scale: f64) -> RgbImage {
    let size = |length: u32| (f64::from(length) * scale).round() as u32;
    let mut picture = RgbImage::from_pixel(size(width), size(height), Rgb([240, 236, 232]));
    for cell in cells {
        let bounds = cell.cell.contour.bounds();
        let [cx, cy] = cell.cell.contour.centroid();
        let span = |low: f64, high: f64, most: u32| ((low * scale) as u32)..((high * scale).ceil() as u32).min(most);
        for y in span(bounds.y_min, bounds.y_max, picture.height()) {
            for x in span(bounds.x_min, bounds.x_max, picture.width()) {
                let at = [(f64::from(x) + 0.5) / scale, (f64::from(y) + 0.5) / scale];
                if cell.cell.contour.contains(at[0], at[1]) {
                    let pale = (at[0] - cx).hypot(at[1] - cy) < CELL_RADIUS_PX / 3.0;
                    picture.put_pixel(x, y, color(&cell.status, pale));
                }
            }
        }
    }
    picture
}

fn color(status: &CellStatus, pale: bool) -> Rgb<u8> {
    match (status, pale) {
        (CellStatus::Excluded(ExclusionReason::WhiteCell | ExclusionReason::Platelet, _), _) => Rgb([112, 84, 150]),
        (_, true) => Rgb([224, 196, 192]),
        (_, false) => Rgb([203, 148, 146]),
    }
}

fn tile(cell: &ClassifiedCell, width: u32, height: u32) -> CellTile {
    const SIDE: u32 = 96;
    let field = draw(std::slice::from_ref(cell), width, height, 2.0);
    let [x, y] = cell.cell.contour.centroid();
    let corner = |center: f64, most: u32| ((center * 2.0) as u32).saturating_sub(SIDE / 2).min(most - SIDE);
    let (x, y) = (corner(x, field.width()), corner(y, field.height()));
    let picture = image::imageops::crop_imm(&field, x, y, SIDE, SIDE).to_image();
    CellTile { cell_id: cell.cell.id, jpeg: encode(&picture, ImageFormat::Jpeg) }
}

fn encode(picture: &RgbImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).expect("memory takes any picture");
    bytes.into_inner()
}
