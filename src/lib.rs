//! Counts schistocytes on photographs and scanned slides of stained peripheral blood smears.
//!
//! The flow: [`source`] reads fields, [`optics`] flattens them, [`segment`] outlines the red cells, [`quality`] accepts
//! or refuses the field, [`measure`] and [`classify`] describe each cell, [`count`] gives the percentage with its
//! intervals, [`clinical`] reads the laboratory panel, [`evidence`] joins both, [`case`] is the published record and [`report`] writes it; [`evaluate`] judges it against labels.
//! [`pipeline`] is the one place where they meet; [`verify`] runs it on labelled fields, [`batch`] on many specimens.
//!
//! Floors; imports point down only and siblings on a floor never import each other (`tests/library/architecture.rs`):
//!
//! | floor | modules |
//! | --- | --- |
//! | 8 | `cli` |
//! | 7 | `batch`, `settings`, `verify`, `watch` |
//! | 6 | `pipeline`, `report`, `evaluate` |
//! | 5 | `case` |
//! | 4 | `evidence` |
//! | 3 | `count`, `clinical` |
//! | 2 | `source`, `quality`, `segment`, `measure`, `classify`, `synth` |
//! | 1 | `smear` |
//! | 0 | `stats`, `optics`, `inference`, `durable`, `time` |

pub mod batch;
pub mod case;
pub mod classify;
pub mod cli;
pub mod clinical;
pub mod count;
pub mod durable;
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
pub mod synth;
pub mod time;
pub mod verify;
pub mod watch;
