//! Typesetting: the template and its data in memory to a PDF.
//!
//! In: the template, its data as JSON, pictures by name. Out: bytes of one PDF. The compiler sees nothing but these: no
//! disk, no network, no packages, no clock, no font of the machine. Fonts are those of the folder `fonts`, which holds their
//! licences too (Libertinus Serif and, for what it lacks, DejaVu Sans Mono), embedded as subsets.
//!
//! The compiler keeps results between calls; they are dropped after each one, so that a program that runs for months
//! does not grow.

use std::path::PathBuf;
use std::sync::LazyLock;

use jiff::tz::Offset;
use typst::diag::{FileError, FileResult, SourceDiagnostic};
use typst::foundations::{Bytes, Datetime, Duration, Smart};
use typst::syntax::{FileId, RootedPath, Source, VirtualPath, VirtualRoot};
use typst::text::{Font, FontBook};
use typst::utils::LazyHash;
use typst::{Library, LibraryExt, World};
use typst_layout::PagedDocument;
use typst_pdf::{PdfOptions, PdfStandard, PdfStandards, Timestamp};

use crate::case::IssueTime;
use crate::report::error::ReportError;

/// PDF/A-2a (ISO 19005-2, level A: tagged, all text as Unicode) and PDF/UA-1 (ISO 14289-1) at once.
///
/// METHOD: the strictest pair that the writer can promise together. PDF/A-1a would add nothing to level A but forbids
/// transparency; PDF/A-4 has no level A and no PDF/UA-1, because it needs PDF 2.0.
const STANDARDS: [PdfStandard; 2] = [PdfStandard::A_2a, PdfStandard::Ua_1];

static LIBRARY: LazyLock<LazyHash<Library>> = LazyLock::new(|| LazyHash::new(Library::default()));

/// Faces that the template asks for.
///
/// METHOD: `typst-assets` brings the same files (0.15.1), but only together with fonts that are not used: five megabytes
/// more in the program, one of them under the GPL.
const FACES: [&[u8]; 5] = [
    include_bytes!("fonts/LibertinusSerif-Regular.otf"),
    include_bytes!("fonts/LibertinusSerif-Semibold.otf"),
    include_bytes!("fonts/LibertinusSerif-Bold.otf"),
    include_bytes!("fonts/DejaVuSansMono.ttf"),
    include_bytes!("fonts/DejaVuSansMono-Bold.ttf"),
];

static FONTS: LazyLock<Vec<Font>> =
    LazyLock::new(|| FACES.into_iter().flat_map(|bytes| Font::iter(Bytes::new(bytes))).collect());

static BOOK: LazyLock<LazyHash<FontBook>> = LazyLock::new(|| LazyHash::new(FontBook::from_fonts(FONTS.iter())));

/// Whether a font of the report has a glyph of this character.
pub(super) fn has_glyph(character: char) -> bool {
    FONTS.iter().any(|font| font.info().coverage.contains(character.into()))
}

/// A file that the template may read.
pub(super) struct Asset {
    /// Name as the template writes it, without the slash in front.
    pub(super) name: String,
    /// Its bytes.
    pub(super) bytes: Vec<u8>,
}

/// What the compiler can see.
struct Sources {
    template: Source,
    assets: Vec<(FileId, Bytes)>,
}

fn file_id(name: &str) -> Result<FileId, ReportError> {
    let path = VirtualPath::new(name).map_err(|error| ReportError::Typeset(format!("{name}: {error:?}")))?;
    // Identifiers are kept for the life of the program, so names must come from a small set.
    Ok(FileId::new(RootedPath::new(VirtualRoot::Project, path)))
}

impl World for Sources {
    fn library(&self) -> &LazyHash<Library> {
        &LIBRARY
    }

    fn book(&self) -> &LazyHash<FontBook> {
        &BOOK
    }

    fn main(&self) -> FileId {
        self.template.id()
    }

    fn source(&self, id: FileId) -> FileResult<Source> {
        if id == self.template.id() { Ok(self.template.clone()) } else { Err(FileError::NotSource) }
    }

    fn file(&self, id: FileId) -> FileResult<Bytes> {
        let found = self.assets.iter().find(|(known, _)| *known == id);
        found
            .map(|(_, bytes)| bytes.clone())
            .ok_or_else(|| FileError::NotFound(PathBuf::from(id.vpath().get_without_slash())))
    }

    fn font(&self, index: usize) -> Option<Font> {
        FONTS.get(index).cloned()
    }

    fn today(&self, _offset: Option<Duration>) -> Option<Datetime> {
        // No clock: the same case gives the same bytes.
        None
    }
}

/// A document that is laid out and not yet written.
pub(super) struct Typeset(PagedDocument);

impl Typeset {
    /// Lays a template out over its data.
    ///
    /// # Errors
    /// [`ReportError::Typeset`] where the compiler refuses.
    pub(super) fn new(template: &str, assets: Vec<Asset>) -> Result<Self, ReportError> {
        let template = Source::new(file_id("report.typ")?, template.to_owned());
        let assets = assets.into_iter().map(|asset| Ok((file_id(&asset.name)?, Bytes::new(asset.bytes))));
        let sources = Sources { template, assets: assets.collect::<Result<_, ReportError>>()? };
        let document = typst::compile::<PagedDocument>(&sources).output;
        typst::comemo::evict(0);
        document.map(Self).map_err(|diagnostics| refusal(&diagnostics))
    }

    /// The PDF. `identity` is what two files of the same case have in common; without a date it is dated 1970-01-01.
    ///
    /// # Errors
    /// [`ReportError::Typeset`] where the document cannot keep to [`STANDARDS`].
    pub(super) fn pdf(
        &self,
        identity: String,
        creator: String,
        issued: Option<&IssueTime>,
    ) -> Result<Vec<u8>, ReportError> {
        let standards =
            PdfStandards::new(&STANDARDS).map_err(|error| ReportError::Typeset(error.message().to_string()))?;
        let options = PdfOptions {
            ident: Smart::Custom(identity),
            creator: Smart::Custom(Some(creator)),
            timestamp: date(issued).map(Timestamp::new_utc),
            page_ranges: None,
            standards,
            tagged: true,
            pretty: false,
        };
        let bytes = typst_pdf::pdf(&self.0, &options);
        typst::comemo::evict(0);
        bytes.map_err(|diagnostics| refusal(&diagnostics))
    }
}

/// Date of the document, in UTC.
///
/// METHOD: PDF/A asks for one. It is the time of issue of the record; where that is not known, the first day of Unix
/// time, which is plainly none. A clock would make two files of one case.
fn date(issued: Option<&IssueTime>) -> Option<Datetime> {
    let at = Offset::UTC.to_datetime(issued.map_or(jiff::Timestamp::UNIX_EPOCH, |issued| issued.at.at()));
    let small = |part: i8| u8::try_from(part).ok();
    Datetime::from_ymd_hms(
        i32::from(at.year()),
        small(at.month())?,
        small(at.day())?,
        small(at.hour())?,
        small(at.minute())?,
        small(at.second())?,
    )
}

fn refusal(diagnostics: &[SourceDiagnostic]) -> ReportError {
    let words = diagnostics.iter().map(|diagnostic| diagnostic.message.as_str());
    ReportError::Typeset(words.collect::<Vec<_>>().join("; "))
}

#[cfg(test)]
mod tests {
    use typst::layout::{Frame, FrameItem};

    use super::super::TEMPLATE;
    use super::*;
    use crate::report::document::{Block, Document, Pair, Section, Table};

    #[test]
    fn the_families_of_the_template_are_there_and_nothing_else() {
        let families = ["Libertinus Serif", "DejaVu Sans Mono"];
        for family in families {
            assert!(TEMPLATE.contains(family) && BOOK.contains_family(&family.to_lowercase()), "{family}");
        }
        assert_eq!(BOOK.families().count(), families.len());
    }

    /// The right edge of the rightmost text, pt.
    fn right_edge(frame: &Frame) -> f64 {
        let edges = frame.items().map(|(at, item)| match item {
            FrameItem::Group(group) => at.x.to_pt() + right_edge(&group.frame),
            FrameItem::Text(text) => (at.x + text.width()).to_pt(),
            _ => 0.0,
        });
        edges.fold(0.0, f64::max)
    }

    #[test]
    fn an_accession_of_200_characters_and_a_checksum_stay_on_the_paper() {
        let long = "Wm".repeat(100);
        let table = Table::facts("Model", vec![("SHA-256", "0a".repeat(32)), ("Name", long.clone())]);
        let document = Document {
            title: "Schistocyte count",
            specimen: "Accession",
            accession: Some(long.clone()),
            status: "Corrected",
            review: "Corrected: reviewed by ".to_owned() + &"Wm".repeat(45),
            footer: "For Research Use Only.".to_owned(),
            generator: String::new(),
            sections: vec![
                Section::new(
                    "specimen",
                    "Specimen",
                    vec![Block::Pairs { pairs: vec![Pair::new("Accession", long); 4] }],
                ),
                Section::new("provenance", "Provenance", vec![Block::Tables { tables: vec![table] }]),
            ],
        };
        let bytes = serde_json::to_vec(&document).expect("plain data");
        let assets = vec![Asset { name: "document.json".to_owned(), bytes }];
        let typeset = Typeset::new(TEMPLATE, assets).expect("a document");
        // A4 less its margin, and the last letter's own width.
        const RIGHT_EDGE_PT: f64 = 595.3 - 42.5 + 0.5;
        for page in typeset.0.pages() {
            let edge = right_edge(&page.frame);
            assert!(edge > 300.0 && edge <= RIGHT_EDGE_PT, "text reaches {edge} pt");
        }
    }

    #[test]
    fn the_template_sees_no_disk_and_no_clock() {
        let refused = |template: &str| match Typeset::new(template, Vec::new()) {
            Err(ReportError::Typeset(words)) => words,
            _ => String::new(),
        };
        assert!(refused("#read(\"/etc/passwd\")").contains("not found"));
        assert!(refused("#read(\"Cargo.toml\")").contains("not found"));
        assert!(refused("#datetime.today()").contains("unable to get the current date"));
        assert!(!refused("#import \"@preview/cetz:0.3.0\": canvas").is_empty());
    }
}
