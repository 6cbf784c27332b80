//! Commands and shared option groups: typed words to stage options. The only place for clap, the terminal and exit codes.

pub mod exit;
pub mod model;
pub mod model_options;
pub mod synth;
