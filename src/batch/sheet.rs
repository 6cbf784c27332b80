//! A table as spreadsheets and statistics programs write it, as text.
//!
//! In: bytes. Out: headings and rows of text with the line that each begins at. Read are UTF-8 and, by its byte order
//! mark, UTF-16; commas, semicolons and tabs, whichever makes the headings that are wanted; the line `sep=;` in front;
//! the row names of R under their empty heading (`write.csv`); headings in any case. Rows and columns in which nothing
//! stands are left out.
//!
//! METHOD: the separator follows from the headings, not from a count of characters, because paths hold commas and semicolons.
//! A row with one value more than there are headings is refused (R's `write.table` gives such rows): the first value may be a
//! row name, or the last one an image that was not quoted, and the wrong reading would move the accession.

use super::error::ManifestProblem;

/// Separators in the order in which they are tried.
const SEPARATORS: [u8; 3] = [b',', b';', b'\t'];

/// What a spreadsheet writes in front of a table to say its separator.
const SEPARATOR_LINE: &str = "sep=";

/// A table as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sheet {
    /// Headings without spaces around them.
    pub headings: Vec<String>,
    /// Rows with their line; each has as many entries as there are headings.
    pub rows: Vec<(u64, Vec<String>)>,
    /// Whether a comma may be a decimal mark, as it separates nothing.
    pub decimal_comma: bool,
}

impl Sheet {
    /// Reads a table that has some of the wanted headings.
    pub(super) fn read(bytes: &[u8], wanted: &[&str]) -> Result<Self, ManifestProblem> {
        // The reader of CSV counts a row after a line end of two characters one line too early.
        let text: Vec<String> =
            decoded(bytes)?.split('\n').map(|line| line.trim_end_matches('\r').to_owned()).collect();
        let text = text.join("\n");
        let (text, stated, skipped) = match text.strip_prefix(SEPARATOR_LINE).and_then(|rest| rest.split_once('\n')) {
            Some((separator, rest)) => (rest, separator.bytes().next(), 1),
            None => (text.as_str(), None, 0),
        };
        // The separator that makes most of the wanted headings, the first of equals.
        let separator = stated.unwrap_or_else(|| {
            let found = |separator: u8| (known(text, separator, wanted), separator);
            let best = SEPARATORS.into_iter().rev().map(found).max_by_key(|(known, _)| *known);
            best.map_or(SEPARATORS[0], |(_, separator)| separator)
        });
        let mut reader = reader(text, separator);
        let headings: Vec<String> = reader.headers()?.iter().map(str::to_owned).collect();
        let mut rows = Vec::new();
        for record in reader.records() {
            let record = record?;
            let line = record.position().map_or(0, csv::Position::line) + skipped;
            let entries: Vec<String> = record.iter().map(str::to_owned).collect();
            if entries.iter().any(|entry| !entry.is_empty()) {
                rows.push((line, entries));
            }
        }
        for (line, entries) in &rows {
            if entries.len() != headings.len() {
                return Err(ManifestProblem::Value {
                    line: *line,
                    expected: "as many values as there are headings, those with a separator in them in quotes",
                    found: format!("{} values beside {} headings", entries.len(), headings.len()),
                });
            }
        }
        let mut sheet = Self { headings, rows, decimal_comma: separator != b',' };
        sheet.leave_out_nameless()?;
        Ok(sheet)
    }

    /// Leaves out columns without a heading: row names in front, and columns in which nothing stands.
    fn leave_out_nameless(&mut self) -> Result<(), ManifestProblem> {
        for column in (0..self.headings.len()).rev() {
            if !self.headings[column].is_empty() {
                continue;
            }
            if column > 0 && self.rows.iter().any(|(_, entries)| !entries[column].is_empty()) {
                return Err(ManifestProblem::Columns { found: format!("column {} without a name", column + 1) });
            }
            self.headings.remove(column);
            self.rows.iter_mut().for_each(|(_, entries)| drop(entries.remove(column)));
        }
        Ok(())
    }
}

fn reader(text: &str, separator: u8) -> csv::Reader<&[u8]> {
    let mut builder = csv::ReaderBuilder::new();
    builder.trim(csv::Trim::All).flexible(true).delimiter(separator).from_reader(text.as_bytes())
}

/// Headings that a separator makes of the wanted ones.
fn known(text: &str, separator: u8, wanted: &[&str]) -> usize {
    let mut reader = reader(text, separator);
    let Ok(headings) = reader.headers() else { return 0 };
    headings.iter().filter(|heading| wanted.iter().any(|name| name.eq_ignore_ascii_case(heading))).count()
}

/// The text of a table.
fn decoded(bytes: &[u8]) -> Result<String, ManifestProblem> {
    let wide = |rest: &[u8], unit: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = rest.as_chunks().0.iter().map(|pair| unit(*pair)).collect();
        let text = String::from_utf16(&units).ok().filter(|_| rest.len().is_multiple_of(2));
        text.ok_or(ManifestProblem::Encoding { found: "damaged UTF-16" })
    };
    match bytes {
        [0xff, 0xfe, rest @ ..] => wide(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => wide(rest, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => utf8(rest),
        _ => utf8(bytes),
    }
}

fn utf8(bytes: &[u8]) -> Result<String, ManifestProblem> {
    let text = String::from_utf8(bytes.to_vec());
    text.map_err(|_| ManifestProblem::Encoding { found: "bytes of another encoding" })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<Sheet, ManifestProblem> {
        Sheet::read(bytes, &["accession", "inputs"])
    }

    fn entries(bytes: &[u8]) -> Vec<Vec<String>> {
        read(bytes).expect("a table").rows.into_iter().map(|(_, entries)| entries).collect()
    }

    #[test]
    fn every_way_of_writing_a_table_gives_the_same_rows() {
        let wanted = [["S-1", "a,b;c"], ["S-2", "ä"]];
        let comma = "Accession,INPUTS\r\nS-1,\"a,b;c\"\r\nS-2,ä\r\n";
        let semicolon = "accession;inputs;;\nS-1;\"a,b;c\";;\n;;;\nS-2;ä;;\n";
        let tab = "accession\tinputs\nS-1\ta,b;c\nS-2\tä\n";
        let stated = "sep=;\r\naccession;inputs\r\nS-1;\"a,b;c\"\r\nS-2;ä\r\n";
        let write_csv = "\"\",\"accession\",\"inputs\"\n\"1\",\"S-1\",\"a,b;c\"\n\"2\",\"S-2\",\"ä\"\n";
        for text in [comma, semicolon, tab, stated, write_csv] {
            assert_eq!(entries(text.as_bytes()), wanted, "{text}");
            let marked = [b"\xef\xbb\xbf", text.as_bytes()].concat();
            assert_eq!(entries(&marked), wanted, "{text}");
            let units: Vec<u16> = text.encode_utf16().collect();
            let little = units.iter().flat_map(|unit| unit.to_le_bytes());
            assert_eq!(entries(&[0xff, 0xfe].into_iter().chain(little).collect::<Vec<_>>()), wanted, "{text}");
            let big = units.iter().flat_map(|unit| unit.to_be_bytes());
            assert_eq!(entries(&[0xfe, 0xff].into_iter().chain(big).collect::<Vec<_>>()), wanted, "{text}");
        }
        // Lines of the file, with both kinds of line ends, a line in front and an empty row.
        for (text, expected) in [(comma, [2, 3]), (semicolon, [2, 4]), (stated, [3, 4])] {
            let lines: Vec<u64> = read(text.as_bytes()).expect("a table").rows.iter().map(|(line, _)| *line).collect();
            assert_eq!(lines, expected, "{text}");
        }
        assert!(read(semicolon.as_bytes()).expect("a table").decimal_comma);
        assert!(!read(comma.as_bytes()).expect("a table").decimal_comma);
    }

    #[test]
    fn what_is_no_table_is_refused_with_its_place() {
        for (bytes, expected) in [
            (&b"accession,inputs\nS-1,a,b\n"[..], "line 2: expected as many values"),
            (b"accession;inputs\nS-1;a\nS-2;a;b\n", "line 3: expected as many values"),
            (b"accession,inputs,\nS-1,a,x\n", "column 3 without a name"),
            (b"accession,inputs\nS-1,\xe4\n", "found bytes of another encoding"),
            (b"\xff\xfea\0,", "found damaged UTF-16"),
            (b"\xff\xfe\x00\xd8", "found damaged UTF-16"),
        ] {
            let error = read(bytes).expect_err("no table").to_string();
            assert!(error.contains(expected), "{error}");
        }
        assert_eq!(entries(b""), Vec::<Vec<String>>::new());
    }
}
