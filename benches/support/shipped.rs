//! The shipped models on the embedded engine, or on ONNX Runtime where `ORT_DYLIB_PATH` names its library.

use schistoquant::classify::{Classifier, Model};
use schistoquant::inference::{Engine, EngineChoice, EngineRequest};
use schistoquant::pipeline::Models;
use schistoquant::segment::{Detector, Segmenter};

/// Both models, ready to run.
pub fn shipped() -> Models {
    let library = std::env::var_os("ORT_DYLIB_PATH").filter(|path| !path.is_empty()).map(Into::into);
    let engine = Engine::start(&EngineRequest { choice: EngineChoice::Auto, library }).expect("an engine");
    let segmenter = Segmenter::new(Detector::shipped(engine.clone()).expect("the shipped detector"));
    let classifier = Classifier::new(engine, Model::shipped().expect("the shipped model")).expect("a sound pair");
    Models { segmenter, classifier }
}
