//! A graph together with the card that describes it: the one embedded in the program or a pair of files.
//!
//! In: nothing, or the path of a graph `x.onnx` with `x.card.json` beside it. Out: a [`Model`] whose card is sound and
//! whose checksum matches. Names, shapes and types are compared when an engine loads the graph.
//!
//! Limits: graphs with weights in a second file are not read; export them in one.

use std::borrow::Cow;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::card::ModelCard;
use super::error::{ClassifyError, ModelOrigin, card_path};

/// The shipped graph.
const SHIPPED_GRAPH: &[u8] = include_bytes!("../../models/schistoquant-rbc13.onnx");
/// Its card.
const SHIPPED_CARD: &[u8] = include_bytes!("../../models/schistoquant-rbc13.card.json");

/// Largest graph file read, bytes; a cell classifier of 64 × 64 pixels has no use for more.
pub const MAX_GRAPH_BYTES: u64 = 256 << 20;
/// Largest card file read, bytes.
pub const MAX_CARD_BYTES: u64 = 1 << 20;

/// A graph and its card; the checksum matches.
#[derive(Debug, Clone)]
pub struct Model {
    /// The card.
    pub card: ModelCard,
    /// Where both came from.
    pub origin: ModelOrigin,
    pub(super) graph: Cow<'static, [u8]>,
}

impl Model {
    /// The model embedded in the program.
    ///
    /// # Errors
    /// Card or checksum refused; the tests of the program make sure that they are not.
    pub fn shipped() -> Result<Self, ClassifyError> {
        Self::pair(ModelOrigin::Shipped, Cow::Borrowed(SHIPPED_GRAPH), SHIPPED_CARD)
    }

    /// The model of a graph file, its card read from the same name with the extension `.card.json`.
    ///
    /// # Errors
    /// A file that cannot be read or is too large; a card that is malformed, out of range or not the graph's.
    pub fn from_file(graph: &Path) -> Result<Self, ClassifyError> {
        let card_json = read_limited(&card_path(graph), "model card", MAX_CARD_BYTES)?;
        let bytes = read_limited(graph, "ONNX graph", MAX_GRAPH_BYTES)?;
        Self::pair(ModelOrigin::File(graph.to_owned()), Cow::Owned(bytes), &card_json)
    }

    fn pair(origin: ModelOrigin, graph: Cow<'static, [u8]>, card_json: &[u8]) -> Result<Self, ClassifyError> {
        let card = ModelCard::from_json(card_json, &origin)?;
        card.check_graph(&graph, &origin)?;
        Ok(Self { card, origin, graph })
    }
}

fn read_limited(path: &Path, what: &'static str, limit: u64) -> Result<Vec<u8>, ClassifyError> {
    let unreadable = |source| ClassifyError::ModelUnreadable { path: path.to_owned(), what, source };
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(limit + 1).read_to_end(&mut bytes)).map_err(unreadable)?;
    if bytes.len() as u64 > limit {
        return Err(ClassifyError::ModelTooLarge { path: path.to_owned(), what, limit });
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const TINY_GRAPH: &[u8] = include_bytes!("../../fixtures/models/tiny.onnx");
    const TINY_CARD: &[u8] = include_bytes!("../../fixtures/models/tiny.card.json");

    /// A folder with a graph `cells.v2.onnx` and a card beside it, where given.
    fn folder(graph: Option<&[u8]>, card: Option<&[u8]>) -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("cells.v2.onnx");
        if let Some(graph) = graph {
            fs::write(&path, graph).expect("a writable folder");
        }
        if let Some(card) = card {
            fs::write(folder.path().join("cells.v2.card.json"), card).expect("a writable folder");
        }
        (folder, path)
    }

    #[test]
    fn a_pair_of_files_is_read() {
        let (_folder, path) = folder(Some(TINY_GRAPH), Some(TINY_CARD));
        let model = Model::from_file(&path).expect("a sound pair");
        assert_eq!((model.card.name.as_str(), model.origin), ("tiny", ModelOrigin::File(path)));
    }

    #[test]
    fn a_missing_half_is_refused_by_its_name() {
        for (graph, card, missing) in [(Some(TINY_GRAPH), None, ".card.json"), (None, Some(TINY_CARD), ".onnx")] {
            let (_folder, path) = folder(graph, card);
            match Model::from_file(&path).expect_err("half a pair") {
                ClassifyError::ModelUnreadable { path, .. } => assert!(path.to_string_lossy().ends_with(missing)),
                other => panic!("another refusal: {other}"),
            }
        }
    }

    #[test]
    fn a_card_of_another_graph_is_refused() {
        let (_folder, path) = folder(Some(&TINY_GRAPH[1..]), Some(TINY_CARD));
        let error = Model::from_file(&path).expect_err("another graph");
        assert!(matches!(error, ClassifyError::CardMismatch { .. }));
        assert!(error.to_string().contains("cells.v2.card.json: graph_sha256: "), "{error}");
    }

    #[test]
    fn files_are_read_up_to_the_limit_and_no_further() {
        let (_folder, path) = folder(Some(b"12345"), None);
        assert_eq!(read_limited(&path, "ONNX graph", 5).expect("at the limit"), b"12345");
        let error = read_limited(&path, "ONNX graph", 4).expect_err("over the limit");
        assert!(matches!(error, ClassifyError::ModelTooLarge { limit: 4, .. }));
    }
}
