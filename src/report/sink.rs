//! Where the files of a report go, one after another: a folder, or memory.
//!
//! A writer of a format gets a [`FileSink`] and gives it each file as a name and a function that writes its content, so
//! that a large file need never lie in memory as a whole.

use std::io::Write;

use super::ReportError;

/// Writes the content of one file.
pub(super) type Content<'a> = &'a mut dyn FnMut(&mut (dyn Write + Send)) -> Result<(), ReportError>;

/// Takes the files of a report.
pub(super) trait FileSink {
    /// Takes a file. The name may hold one `/`, behind the name of a folder.
    ///
    /// # Errors
    /// What the content says, and [`ReportError::Write`] where it cannot be written.
    fn file(&mut self, name: &str, content: Content<'_>) -> Result<(), ReportError>;

    /// Takes a file whose bytes are ready.
    ///
    /// # Errors
    /// [`ReportError::Write`] where it cannot be written.
    fn bytes(&mut self, name: &str, bytes: &[u8]) -> Result<(), ReportError> {
        self.file(name, &mut |writer| Ok(writer.write_all(bytes)?))
    }
}

/// A file of a report in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportFile {
    /// Name below the output folder; at most one folder in front of it.
    pub name: String,
    /// Content.
    pub bytes: Vec<u8>,
}

impl FileSink for Vec<ReportFile> {
    fn file(&mut self, name: &str, content: Content<'_>) -> Result<(), ReportError> {
        let mut bytes = Vec::new();
        content(&mut bytes)?;
        self.push(ReportFile { name: name.to_owned(), bytes });
        Ok(())
    }
}
