//! Commands and shared option groups: typed words to stage options. The only place for clap, the terminal and exit codes.

pub mod exit;
pub mod synth;
