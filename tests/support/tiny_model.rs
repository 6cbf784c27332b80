//! The tiny graph with a card that suits it: the graph has random weights, so its own card would count no cell at all.
//! With this operating point it calls about half of the synthetic cells schistocyte.

use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;

/// A folder with a graph and its card, and the path of the graph.
pub fn tiny_model() -> (TempDir, PathBuf) {
    let folder = TempDir::new().expect("a temporary folder");
    let graph = folder.path().join("tiny.onnx");
    fs::copy("fixtures/models/tiny.onnx", &graph).expect("the fixture");
    let card = fs::read("fixtures/models/tiny.card.json").expect("the fixture");
    let mut card: serde_json::Value = serde_json::from_slice(&card).expect("a card");
    card["red_cell_operating_point"] = serde_json::Value::Null;
    card["operating_point"] = 0.005_38.into();
    fs::write(graph.with_extension("card.json"), card.to_string()).expect("writable");
    (folder, graph)
}
