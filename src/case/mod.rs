//! The published record of one specimen: what the reports render and `case.json` holds.
//!
//! Every figure is in the unit that its name ends with; percent is percent of counted red cells. Unknown is `null`,
//! never 0. A change of meaning raises [`SCHEMA_VERSION`]. The JSON Schema is generated from these types and committed
//! as `src/report/schema/case-v4.json`; a test fails when they differ.

mod archive;
mod cell_line;
mod class_record;
mod count_record;
mod fields;
mod film_record;
mod issue;
mod job;
mod laboratory;
mod order;
mod order_fhir;
mod order_file;
mod order_hl7;
mod outcome;
mod panel_match;
mod presence;
mod provenance;
mod recognition;
mod slide_record;
mod statement;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use archive::{ArchiveError, MAX_ARCHIVE_BYTES, read_fields, write_fields};
pub use class_record::ClassRecord;
pub use count_record::{
    CorrectedPercent, CountRecord, DecidingLimit, DecidingLimits, FormsRecord, NamedInterval, PercentInterval,
    ShareRecord, rounded,
};
pub use fields::{CaseFields, MOST_NEAR_MISSES, PicturedCell, SPOOL_MEMORY_BYTES};
pub use film_record::{FilmMeasureRecord, FilmRecord, likeness_notice, repeated_notice, scale_notice};
pub use issue::{IssueSource, IssueTime};
pub use job::Job;
pub use laboratory::Laboratory;
pub use order::{AdministrativeSex, MAX_ORDER_BYTES, MAX_TEXT_CHARS, Order, OrderError, Patient};
pub use order_file::{ORDER_FILE_NAMES, is_order_name};
pub use outcome::{SpecimenFailure, SpecimenOutcome, SpecimenResult};
pub use panel_match::PanelMatch;
pub use presence::Presence;
pub use provenance::{ClassHealthyShare, DetectorProvenance, HealthyShare, InputFile, ModelProvenance, Provenance};
pub use recognition::recognition_notice;
pub use slide_record::{LevelRecord, RegionRecord, SlideRecord, SlidesRecord, StopKind, Stopped};
pub use statement::{BANNED_TERMS, banned_terms_in, statement, statement_with_notices};

pub use crate::count::{ClassFinding, Context, FloorSource, Grade, IntervalName, State};

use crate::clinical::{LabPanel, ScoreOptions};
use crate::evidence::{Evidence, SmearFinding, weigh};
use crate::quality::PictureSignature;
use crate::smear::{AgeGroup, CalibrationSource, CellClass, ClassifiedCell, ExclusionReason};
use crate::time::Timestamp;

/// Version of the record's schema.
pub const SCHEMA_VERSION: &str = "4.0";

/// One quality figure of a field against its limits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct QualityFigure {
    /// Name of the figure with its unit at the end.
    pub name: String,
    /// Measured; null where it could not be.
    pub value: Option<f64>,
    /// Lowest accepted; null where there is no lower limit.
    pub min: Option<f64>,
    /// Highest accepted; null where there is no upper limit.
    pub max: Option<f64>,
    /// Whether the value lies within the limits.
    pub accepted: bool,
}

/// One field of the specimen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FieldRecord {
    /// File name, with `#page` behind it for further pages and `@x,y` for fields of a slide.
    pub field: String,
    /// Place on its slide; left out for a photograph.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<RegionRecord>,
    /// Width, px.
    pub width_px: u32,
    /// Height, px.
    pub height_px: u32,
    /// Pixel size in use, µm; null where none was known and no red cell could give one.
    pub um_per_px: Option<f64>,
    /// Where the pixel size came from.
    pub um_per_px_source: Option<CalibrationSource>,
    /// Whether the field is in the count.
    pub accepted: bool,
    /// Why it was refused: one sentence each.
    pub refusals: Vec<String>,
    /// Quality figures with their limits.
    pub quality: Vec<QualityFigure>,
    /// Red cells counted here; 0 in a refused field.
    pub red_cells: u64,
    /// Schistocytes counted here.
    pub schistocytes: u64,
    /// Objects left out here, by reason.
    #[schemars(with = "BTreeMap<String, u64>")]
    pub exclusions: BTreeMap<ExclusionReason, u64>,
    /// What the picture looks like from afar, by which the same picture is found again under another name; left out for fields of
    /// slides and where it shows nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub picture_signature: Option<PictureSignature>,
}

/// An input that could not be read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InputFailure {
    /// Path as given.
    pub path: String,
    /// What was expected, what was found, what to do.
    pub reason: String,
}

/// The record written as `case.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CaseRecord {
    /// Version of this schema.
    pub schema_version: String,
    /// Specimen number given by the caller.
    pub accession: Option<String>,
    /// The order behind the specimen; null where none was given.
    pub order: Option<Order>,
    /// The laboratory that reports; null where none was named.
    pub laboratory: Option<Laboratory>,
    /// When reports and messages are issued; null where neither caller nor order says so.
    pub issued_at: Option<IssueTime>,
    /// Modification time of the newest image file, where nothing says when the report is issued; never a time of issue.
    pub newest_image_at: Option<Timestamp>,
    /// Age group that selects the threshold.
    pub age_group: AgeGroup,
    /// The count.
    pub count: CountRecord,
    /// Result in words; never a diagnosis.
    pub statement: String,
    /// What count and laboratory panel say together; null where no panel was given.
    pub evidence: Option<Evidence>,
    /// How the panel belongs to order and specimen; left out without a panel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub panel_match: Option<PanelMatch>,
    /// Called cells of each class and what they say of the film; every class in label order.
    pub classes: Vec<ClassRecord>,
    /// Objects left out, by reason; reasons that did not occur are not named.
    #[schemars(with = "BTreeMap<String, u64>")]
    pub exclusions: BTreeMap<ExclusionReason, u64>,
    /// How like the films that the model learned from the film is; left out where the card states no range.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub film: Option<FilmRecord>,
    /// Fields in input order.
    pub fields: Vec<FieldRecord>,
    /// Slides among the inputs and how they were counted; left out without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slides: Option<SlidesRecord>,
    /// Inputs that could not be read.
    pub failed_inputs: Vec<InputFailure>,
    /// Program, model, engine, options and inputs behind the figures.
    pub provenance: Provenance,
    /// The fixed footer.
    pub footer: String,
}

impl CaseRecord {
    /// The record with a panel weighed beside its count; an evidence that was there is replaced.
    pub fn with_panel(self, panel: &LabPanel, options: &ScoreOptions) -> Self {
        let (panel, matched) = panel_match::matched(self.order.as_ref(), self.accession.as_deref(), panel);
        let mut evidence = weigh(Some(&SmearFinding::from(&self.count)), &panel, options);
        // What was not compared comes before everything that rests on it.
        let said = matched.gaps.iter().cloned().chain([matched.window.sentence()]);
        evidence.limitations.splice(0..0, said);
        Self { evidence: Some(evidence), panel_match: Some(matched), ..self }
    }

    /// The record with an order that came behind its panel: the panel itself is not kept, so nothing was compared.
    pub fn with_later_order(mut self, order: Order) -> Self {
        if self.order.as_ref() != Some(&order)
            && let (Some(evidence), Some(matched)) = (&mut self.evidence, &mut self.panel_match)
        {
            let gap = "The order came after the panel: they were not compared. Give both together.".to_owned();
            if !matched.gaps.contains(&gap) {
                evidence.limitations.insert(0, gap.clone());
                matched.gaps.insert(0, gap);
            }
        }
        Self { order: Some(order), ..self }
    }

    /// Counted cells called a class; `None` where they are not given.
    pub fn class_count(&self, class: CellClass) -> Option<u64> {
        self.classes.iter().find(|record| record.class == class)?.cells
    }
}

/// A field of a case with what the reports draw: its picture and its objects.
#[derive(Debug, Clone, PartialEq)]
pub struct CaseField {
    /// File name, as in [`FieldRecord::field`].
    pub field: String,
    /// JPEG of the field for the page, at most [`PREVIEW_MAX_SIDE_PX`] on its longer side.
    pub preview_jpeg: Vec<u8>,
    /// Preview width, px.
    pub preview_width_px: u32,
    /// Preview height, px.
    pub preview_height_px: u32,
    /// Preview pixels per pixel of the original image.
    pub preview_px_per_px: f64,
    /// Objects in the order of their identifiers, outlines in pixels of the original image.
    pub cells: Vec<ClassifiedCell>,
    /// A picture of each cell counted as a schistocyte, and of those that nearly were: at most [`MOST_NEAR_MISSES`] of them.
    pub tiles: Vec<CellTile>,
}

/// Longer side of a field's preview in the report, px.
pub const PREVIEW_MAX_SIDE_PX: u32 = 1280;

/// Picture of one cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CellTile {
    /// Number of the cell in its field.
    pub cell_id: crate::smear::CellId,
    /// PNG, square.
    pub png: Vec<u8>,
}

/// A whole case: the record, and the fields behind it in the same order as [`CaseRecord::fields`].
#[derive(Debug)]
pub struct Case {
    /// What `case.json` holds.
    pub record: CaseRecord,
    /// Fields with their objects and pictures.
    pub fields: CaseFields,
}

/// The fixed footer of every output. The first sentence is prescribed by 21 CFR 809.10(c)(2)(i).
pub const FOOTER: &str = "For Research Use Only. Not for use in diagnostic procedures. Counts were produced by software \
    and are preliminary until reviewed by a qualified professional. Schistocytes are not specific for TMA and their \
    absence does not exclude it. Interpret with clinical and laboratory findings.";
