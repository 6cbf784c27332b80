//! What was made of a drop, and its receipt, written as `done/NAME.json` or `error/NAME.json`.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::error::WatchError;
use crate::durable;

/// What a handler made of a specimen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handled {
    /// Name of the result folder: the same for the same work.
    pub result: String,
    /// State of the count, for the receipt.
    pub state: String,
    /// Names of the files in the result folder.
    pub files: Vec<String>,
    /// Exit code that the same work leaves with on the command line.
    pub exit_code: u8,
    /// Inputs that could not be read, each with the reason.
    pub failed_inputs: Vec<String>,
    /// Names of files that are no images and were not read.
    pub passed_over: Vec<String>,
}

/// How a drop ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReceiptState {
    /// A result was made, or had been made before.
    Done,
    /// No result was made.
    Error,
}

/// What became of a drop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// Name of the drop.
    pub name: String,
    /// How it ended.
    pub state: ReceiptState,
    /// Name of the result folder; null where none was made.
    pub result: Option<String>,
    /// State of the count; null where none was made.
    pub count_state: Option<String>,
    /// Files in the result folder.
    pub files: Vec<String>,
    /// Whether the same work had been done before: no file was written again.
    pub made_before: bool,
    /// Exit code that the same work leaves with on the command line: 0, 1 or 4 where a result was made.
    pub exit_code: u8,
    /// Why no result was made.
    pub reason: Option<String>,
    /// Inputs that could not be read, each with the reason.
    pub failed_inputs: Vec<String>,
    /// Files of the drop that are no images and were not read.
    pub passed_over: Vec<String>,
}

impl Receipt {
    pub(super) fn done(name: &str, handled: &Handled, made_before: bool) -> Self {
        Self {
            name: name.to_owned(),
            state: ReceiptState::Done,
            result: Some(handled.result.clone()),
            count_state: Some(handled.state.clone()),
            files: handled.files.clone(),
            made_before,
            exit_code: handled.exit_code,
            reason: None,
            failed_inputs: handled.failed_inputs.clone(),
            passed_over: handled.passed_over.clone(),
        }
    }

    pub(super) fn failed(name: &str, exit_code: u8, reason: &str) -> Self {
        Self {
            name: name.to_owned(),
            state: ReceiptState::Error,
            result: None,
            count_state: None,
            files: Vec::new(),
            made_before: false,
            exit_code,
            reason: Some(reason.to_owned()),
            failed_inputs: Vec::new(),
            passed_over: Vec::new(),
        }
    }
}

/// Whether a file is the receipt of a drop of this name.
pub(super) fn is_of(path: &Path, name: &str) -> bool {
    // Receipts of earlier versions have other fields.
    let receipt = fs::read(path).ok().and_then(|bytes| serde_json::from_slice::<serde_json::Value>(&bytes).ok());
    receipt.is_some_and(|receipt| receipt["name"] == name)
}

/// Writes a receipt whole or not at all. A killed run leaves a name that follows from the receipt's, so that the next run,
/// which writes the same receipt again, takes it up.
pub(super) fn write_receipt(path: &Path, receipt: &Receipt) -> Result<(), WatchError> {
    let write = |writer: &mut BufWriter<File>| {
        serde_json::to_writer_pretty(&mut *writer, receipt)?;
        writer.write_all(b"\n")
    };
    durable::write_with(path, write).map_err(|source| WatchError::Folder { path: path.to_owned(), source })
}
