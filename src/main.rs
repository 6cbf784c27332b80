//! Reads the arguments, runs the command, prints the cause chain once, leaves with its exit code.

mod cli;

use std::error::Error;
use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

use cli::Cli;
use cli::terminal::visible;

fn main() -> ExitCode {
    // Wrong usage leaves with 2 and help with 0: clap's own codes are the contract's.
    let cli = Cli::parse();
    match cli::run(&cli) {
        Ok(exit) => ExitCode::from(exit.code()),
        Err(failure) => {
            let mut message = format!("error: {failure}");
            let mut cause = failure.source();
            while let Some(error) = cause {
                message.push_str(&format!("\n  caused by: {error}"));
                cause = error.source();
            }
            // Nothing can be said where stderr is closed.
            let _ = writeln!(std::io::stderr(), "{}", visible(&message));
            ExitCode::from(failure.exit.code())
        }
    }
}
