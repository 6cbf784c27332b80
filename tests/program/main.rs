//! The program as a laboratory sees it: arguments, files, exit codes, interruptions.

// What is skipped is said aloud.
#![allow(clippy::print_stderr)]

// The commands belong to the program, not to the library: their own tests run here, and much of them is called from
// nowhere else.
#[allow(dead_code)]
#[path = "../../src/cli/mod.rs"]
mod cli;

mod batch;
mod commands;
mod documents;
mod evaluate;
mod gate;
mod misuse;
mod patient;
mod readings;
mod report_again;
mod review;
mod score;
mod watch;

#[path = "../support"]
mod support {
    pub mod browser;
    pub mod fake_case;
    pub mod tiny_model;
}
