//! The published record of one specimen: what the reports render and `case.json` holds.
//!
//! Every figure is in the unit that its name ends with; percent is percent of counted red cells. Unknown is `null`,
//! never 0. A change of meaning raises [`SCHEMA_VERSION`]. The JSON Schema is generated from these types and committed
//! as `src/report/schema/case-v4.json`; a test fails when they differ.

mod archive;
mod count_record;
mod field;
mod fields;
mod film;
mod job;
mod order;
mod order_read;
mod packed;
mod panel_match;
mod provenance;
mod reading;
mod record;
mod review_files;
mod review_record;
mod reviewed_count;
mod slide_record;
mod statement;

pub use archive::{ArchiveError, MAX_PICTURE_BYTES, read_fields, write_fields};
pub use count_record::{
    CorrectedPercent, CountRecord, DecidingLimit, DecidingLimits, FormsRecord, NamedInterval, PercentInterval,
    ShareRecord, rounded,
};
pub use field::{
    CaseField, CellTile, FieldRecord, PREVIEW_MAX_SIDE_PX, Preview, QualityFigure, TILE_QUALITY, TILE_SIDE_PX,
};
pub use fields::{CaseFields, MOST_NEAR_MISSES, PicturedCell, SPOOL_MEMORY_BYTES};
pub use film::{
    ClassRecord, FilmMeasureRecord, FilmRecord, likeness_notice, pixel_size_known, recognition_notice, repeated_notice,
    scale_notice,
};
pub use job::{Job, SpecimenFailure, SpecimenOutcome, SpecimenResult};
pub use order::{AdministrativeSex, MAX_ORDER_BYTES, MAX_TEXT_CHARS, Order, OrderError, Patient};
pub use order_read::{ORDER_FILE_NAMES, is_order_name};
pub use packed::{FactsError, MAX_FACTS_BYTES, PackedField};
pub use panel_match::PanelMatch;
pub use provenance::{
    ClassHealthyShare, DetectorProvenance, HealthyShare, InputFile, IssueSource, IssueTime, Laboratory,
    ModelProvenance, Provenance,
};
pub use reading::{CellKey, CellReading, ReadAs, Reading};
pub use record::{Case, CaseRecord, FOOTER, InputFailure, REVIEWED_FOOTER, SCHEMA_VERSION, WeighedPanel};
pub use review_files::{HEAD_FILE, TRAIL_FILE, is_superseded, superseded_by};
pub use review_record::{
    AgreementRecord, ReadCells, Reopening, ReviewRecord, ReviewStatus, Reviewer, SignatureMeaning, SoftwareResult,
    TrailPosition,
};
pub use slide_record::{LevelRecord, RegionRecord, SlideRecord, SlidesRecord, StopKind, Stopped};
pub use statement::{BANNED_TERMS, Presence, banned_terms_in, statement, statement_with_notices};

pub use crate::count::{ClassFinding, Context, FloorSource, Grade, IntervalName, State};
