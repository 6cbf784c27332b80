//! Reads the arguments, runs the command, prints the cause chain once, leaves with its exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(schistoquant::cli::run(std::env::args_os()).code())
}
