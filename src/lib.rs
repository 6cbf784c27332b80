//! Counts schistocytes on photographs and scanned slides of stained peripheral blood smears.
//!
//! The flow: [`source`] reads fields and [`survey`] chooses those of a slide, [`optics`] flattens them, [`segment`] outlines
//! the red cells, [`quality`] accepts or refuses the field, [`measure`] and [`classify`] describe each cell, [`count`] gives
//! the percentage with its intervals, [`clinical`] reads the laboratory panel, [`evidence`] joins both, [`case`] is the
//! published record and [`report`] writes it; [`evaluate`] judges it against labels.
//! [`pipeline`] is the one place where they meet; [`verify`] runs it on labelled fields, [`batch`] on many specimens.
//!
//! Floors; imports point down only and siblings on a floor never import each other (`tests/library/architecture.rs`):
//!
//! | floor | modules |
//! | --- | --- |
//! | 9 | `cli` |
//! | 8 | `batch`, `settings`, `verify`, `watch` |
//! | 7 | `pipeline`, `report`, `evaluate` |
//! | 6 | `case` |
//! | 5 | `evidence` |
//! | 4 | `count`, `clinical` |
//! | 3 | `survey` |
//! | 2 | `source`, `quality`, `segment`, `measure`, `classify`, `synth` |
//! | 1 | `smear` |
//! | 0 | `stats`, `optics`, `inference` |

pub mod batch;
pub mod case;
pub mod classify;
pub mod cli;
pub mod clinical;
pub mod count;
pub mod evaluate;
pub mod evidence;
pub mod inference;
pub mod measure;
pub mod optics;
pub mod pipeline;
pub mod quality;
pub mod report;
pub mod segment;
pub mod settings;
pub mod smear;
pub mod source;
pub mod stats;
pub mod survey;
pub mod synth;
pub mod verify;
pub mod watch;
