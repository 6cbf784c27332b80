//! Counts schistocytes on photographs and scanned slides of stained peripheral blood smears.
//!
//! ```no_run
//! use schistoquant::{Options, ReportFormat};
//!
//! # fn main() -> Result<(), schistoquant::Error> {
//! let case = schistoquant::analyze(["fixtures/specimen"], &Options::new().um_per_px(0.125))?;
//! println!("{}", case.record.statement);
//! schistoquant::write(&case, "report", &[ReportFormat::Json, ReportFormat::Html])?;
//! # Ok(())
//! # }
//! ```
//!
//! What these five lines need is what this page shows. The modules are public for the program, its tests and its benches;
//! they are not shown here, and they change without notice.
//!
//! The flow: `source` reads fields, `optics` flattens them, `segment` outlines the red cells, `quality` accepts or refuses
//! the field, `measure` and `classify` describe each cell, `count` gives the percentage with its intervals, `clinical` reads
//! the laboratory panel, `evidence` joins both, [`case`] is the published record and `report` writes it. `pipeline` is the
//! one place where the stages meet. `docs/architecture.md` tells more.
//!
//! Floors; imports point down only and siblings on a floor never import each other (`tests/library/architecture.rs`):
//!
//! | floor | modules |
//! | --- | --- |
//! | 9 | `cli` |
//! | 8 | `analysis`, `batch`, `evaluate`, `export`, `review`, `settings`, `watch` |
//! | 7 | `pipeline`, `report` |
//! | 6 | `case` |
//! | 5 | `evidence` |
//! | 4 | `count`, `clinical` |
//! | 3 | `survey` |
//! | 2 | `source`, `quality`, `segment`, `measure`, `classify`, `synth` |
//! | 1 | `smear` |
//! | 0 | `stats`, `optics`, `inference`, `durable`, `time` |

mod analysis;
#[doc(hidden)]
pub mod batch;
pub mod case;
#[doc(hidden)]
pub mod classify;
#[doc(hidden)]
pub mod clinical;
#[doc(hidden)]
pub mod count;
#[doc(hidden)]
pub mod durable;
#[doc(hidden)]
pub mod evaluate;
#[doc(hidden)]
pub mod evidence;
#[doc(hidden)]
pub mod export;
#[doc(hidden)]
pub mod inference;
#[doc(hidden)]
pub mod measure;
#[doc(hidden)]
pub mod optics;
#[doc(hidden)]
pub mod pipeline;
#[doc(hidden)]
pub mod quality;
#[doc(hidden)]
pub mod report;
#[doc(hidden)]
pub mod review;
#[doc(hidden)]
pub mod segment;
#[doc(hidden)]
pub mod settings;
#[doc(hidden)]
pub mod smear;
#[doc(hidden)]
pub mod source;
#[doc(hidden)]
pub mod stats;
#[doc(hidden)]
pub mod survey;
#[doc(hidden)]
pub mod synth;
#[doc(hidden)]
pub mod time;
#[doc(hidden)]
pub mod watch;

pub use analysis::{Error, Options, analyze, write};
pub use case::Case;
pub use report::{ReportFormat, WrittenReports};
pub use smear::AgeGroup;
