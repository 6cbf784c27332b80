//! Options that choose the engine, and the model beside it; shared by every command that segments or classifies.
//!
//! In: what was typed and `ORT_DYLIB_PATH`, the only place that reads it. Out: ready [`Models`].
//! An option beats the environment.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::exit::{Exit, Failure};
use crate::classify::{Classifier, Model};
use crate::inference::{Engine, EngineChoice, EngineRequest};
use crate::pipeline::Models;
use crate::segment::{Detector, Segmenter};

/// Environment variable that names an ONNX Runtime library; the one that `ort` itself knows.
pub const LIBRARY_VARIABLE: &str = "ORT_DYLIB_PATH";

/// The words of `--engine`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
#[value(rename_all = "lower")]
pub enum EngineWord {
    /// ONNX Runtime where a library is named, else the embedded engine.
    #[default]
    Auto,
    /// The engine compiled into the program; needs nothing installed.
    Embedded,
    /// ONNX Runtime from the library that --onnxruntime or ORT_DYLIB_PATH names.
    OnnxRuntime,
}

/// The engine.
#[derive(Debug, Clone, Default, Args)]
pub struct EngineOptions {
    /// Engine that runs the graphs
    #[arg(long, value_enum, value_name = "ENGINE", default_value_t)]
    pub engine: EngineWord,

    /// ONNX Runtime library to use [env: ORT_DYLIB_PATH]
    #[arg(long, value_name = "PATH")]
    pub onnxruntime: Option<PathBuf>,
}

/// Model and engine.
#[derive(Debug, Clone, Default, Args)]
pub struct ModelOptions {
    /// ONNX graph to use instead of the shipped classifier; its card lies beside it (x.onnx has x.card.json)
    #[arg(long, value_name = "FILE")]
    pub model: Option<PathBuf>,

    /// Engine.
    #[command(flatten)]
    pub engine: EngineOptions,
}

/// `--engine embedded` together with `--onnxruntime`.
#[derive(Debug, thiserror::Error)]
#[error("expected --onnxruntime with --engine auto or onnxruntime, found --engine embedded; leave one of the two out")]
struct EnginesContradict;

fn unusable(error: impl std::error::Error + Send + Sync + 'static) -> Failure {
    Failure::new(Exit::ModelUnusable, error)
}

impl ModelOptions {
    /// Starts the engine and loads detector and model.
    ///
    /// # Errors
    /// [`Exit::Usage`] where the options contradict each other, [`Exit::ModelUnusable`] for any trouble with model or
    /// engine.
    pub fn open(&self) -> Result<Models, Failure> {
        // The files first: a wrong path is told before an engine starts.
        let model = match &self.model {
            Some(graph) => Model::from_file(graph),
            None => Model::shipped(),
        }
        .map_err(unusable)?;
        let engine = self.engine.start()?;
        let segmenter = Segmenter::new(Detector::shipped(engine.clone()).map_err(unusable)?);
        Ok(Models { segmenter, classifier: Classifier::new(engine, model).map_err(unusable)? })
    }
}

impl EngineOptions {
    /// Starts the engine.
    ///
    /// # Errors
    /// As [`ModelOptions::open`].
    fn start(&self) -> Result<Engine, Failure> {
        Engine::start(&self.request(std::env::var_os(LIBRARY_VARIABLE))?).map_err(unusable)
    }

    /// Starts the engine and loads the detector.
    ///
    /// # Errors
    /// As [`ModelOptions::open`].
    pub fn segmenter(&self) -> Result<Segmenter, Failure> {
        Ok(Segmenter::new(Detector::shipped(self.start()?).map_err(unusable)?))
    }

    fn request(&self, variable: Option<OsString>) -> Result<EngineRequest, Failure> {
        let choice = match self.engine {
            EngineWord::Auto => EngineChoice::Auto,
            EngineWord::Embedded if self.onnxruntime.is_some() => {
                return Err(Failure::new(Exit::Usage, EnginesContradict));
            }
            EngineWord::Embedded => EngineChoice::Embedded,
            EngineWord::OnnxRuntime => EngineChoice::OnnxRuntime,
        };
        let from_variable = || variable.filter(|path| !path.is_empty()).map(PathBuf::from);
        Ok(EngineRequest { choice, library: self.onnxruntime.clone().or_else(from_variable) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(engine: EngineWord, onnxruntime: Option<&str>) -> EngineOptions {
        EngineOptions { engine, onnxruntime: onnxruntime.map(PathBuf::from) }
    }

    fn library(options: &EngineOptions, variable: Option<&str>) -> Option<PathBuf> {
        options.request(variable.map(OsString::from)).expect("no contradiction").library
    }

    #[test]
    fn the_option_beats_the_variable_and_an_empty_variable_names_nothing() {
        let typed = options(EngineWord::Auto, Some("typed.so"));
        assert_eq!(library(&typed, Some("variable.so")), Some("typed.so".into()));
        let untyped = options(EngineWord::Auto, None);
        assert_eq!(library(&untyped, Some("variable.so")), Some("variable.so".into()));
        assert_eq!(library(&untyped, Some("")), None);
        assert_eq!(library(&untyped, None), None);
    }

    #[test]
    fn embedded_with_a_typed_library_is_a_contradiction() {
        let failure = options(EngineWord::Embedded, Some("typed.so")).request(None).expect_err("contradiction");
        assert_eq!(failure.exit, Exit::Usage);
        let request = options(EngineWord::Embedded, None).request(Some("variable.so".into())).expect("no option typed");
        assert_eq!(request.choice, EngineChoice::Embedded);
    }

    #[test]
    fn a_missing_model_or_library_leaves_with_model_unusable() {
        let no_model = ModelOptions { model: Some("no/such/model.onnx".into()), ..ModelOptions::default() };
        assert_eq!(no_model.open().err().expect("no such model").exit, Exit::ModelUnusable);
        let no_library =
            ModelOptions { model: None, engine: options(EngineWord::OnnxRuntime, Some("no/such/library.so")) };
        assert_eq!(no_library.open().err().expect("no such library").exit, Exit::ModelUnusable);
    }
}
