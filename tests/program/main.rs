//! The program as a laboratory sees it: arguments, files, exit codes, interruptions.

// What is skipped is said aloud.
#![allow(clippy::print_stderr)]

mod batch;
mod cli;
mod documents;
mod evaluate;
mod gate;
mod misuse;
mod patient;
mod readings;
mod report_again;
mod score;
mod watch;

#[path = "../support"]
mod support {
    pub mod fake_case;
    pub mod tiny_model;
}
