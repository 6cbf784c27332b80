//! Options of every command that counts or classifies: engine, model, threads, and the words of shared choices.
//!
//! In: what was typed and the variables of the environment that say where ONNX Runtime lies, which only this file reads. Out:
//! ready [`Models`] and a pool of threads. An option beats the environment, and a library that is named beats one that is
//! found.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use rayon::ThreadPool;

use super::exit::{Exit, Failure};
use super::terminal::warn;
use schistoquant::classify::{Classifier, Model};
use schistoquant::inference::{Engine, EngineChoice, EngineRequest, installed_library};
use schistoquant::pipeline::{Models, thread_pool};
use schistoquant::segment::{Detector, Segmenter};
use schistoquant::smear::AgeGroup;

/// Environment variable that names an ONNX Runtime library; the one that `ort` itself knows.
pub const LIBRARY_VARIABLE: &str = "ORT_DYLIB_PATH";

/// Environment variables that name the folder of the active Python environment.
const PYTHON_VARIABLES: [&str; 2] = ["VIRTUAL_ENV", "CONDA_PREFIX"];

/// A word of a choice as typed, what it stands for, and its help.
pub(super) type Word<T> = (&'static str, T, &'static str);

/// The words of `--engine`.
const ENGINES: &[Word<EngineChoice>] = &[
    ("auto", EngineChoice::Auto, "ONNX Runtime where a library is named or installed, else the embedded engine"),
    ("embedded", EngineChoice::Embedded, "The engine inside the program; it needs nothing installed"),
    (
        "onnxruntime",
        EngineChoice::OnnxRuntime,
        "ONNX Runtime from the library that --onnxruntime or ORT_DYLIB_PATH names, else from the installed one",
    ),
];

/// The words of `--age-group`.
pub(super) const AGE_GROUPS: &[Word<AgeGroup>] = &[
    ("adult", AgeGroup::Adult, "Adults and children beyond the newborn period"),
    ("term-neonate", AgeGroup::TermNeonate, "Newborns at term"),
    ("preterm-neonate", AgeGroup::PretermNeonate, "Newborns before term"),
];

/// Takes one of a few words.
pub(super) fn one_of<T: Copy + Send + Sync + 'static>(words: &'static [Word<T>]) -> impl TypedValueParser<Value = T> {
    let shown = words.iter().map(|(name, _, help)| PossibleValue::new(*name).help(*help));
    PossibleValuesParser::new(shown).try_map(move |typed: String| {
        let meant = words.iter().find(|(name, ..)| *name == typed);
        meant.map(|(_, value, _)| *value).ok_or("expected one of the words above")
    })
}

/// The engine.
#[derive(Debug, Clone, Default, Args)]
pub struct EngineOptions {
    /// Engine that runs the graphs
    #[arg(long, value_parser = one_of(ENGINES), value_name = "ENGINE", default_value = "auto")]
    pub engine: EngineChoice,

    /// ONNX Runtime library to use [env: ORT_DYLIB_PATH, empty for none]; by default the one of the active Python environment
    /// or of the system
    #[arg(long, value_name = "PATH")]
    pub onnxruntime: Option<PathBuf>,
}

/// Model and engine.
#[derive(Debug, Clone, Default, Args)]
pub struct ModelOptions {
    /// ONNX graph to use instead of the shipped classifier; its card lies beside it (x.onnx has x.card.json)
    #[arg(long, value_name = "FILE")]
    pub model: Option<PathBuf>,

    #[command(flatten)]
    pub engine: EngineOptions,
}

/// Threads.
#[derive(Debug, Clone, Default, Args)]
pub struct ThreadOptions {
    /// Threads; all processors by default
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,
}

impl ThreadOptions {
    /// The pool.
    ///
    /// # Errors
    /// [`Exit::Usage`] where the system gives no such number of threads.
    pub fn pool(&self) -> Result<ThreadPool, Failure> {
        thread_pool(self.threads).map_err(Failure::usage)
    }
}

/// A finite number above zero, as typed.
pub(super) fn positive(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() && value > 0.0 => Ok(value),
        _ => Err(String::from("expected a number above 0")),
    }
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
    /// METHOD: a library that was named must work. One that was only found there may be too old for this program: the embedded
    /// engine then does the same work, slower, and stderr says why.
    ///
    /// # Errors
    /// As [`ModelOptions::open`].
    fn start(&self) -> Result<Engine, Failure> {
        let named = self.request(std::env::var_os(LIBRARY_VARIABLE))?;
        let looks = named.library.is_none() && std::env::var_os(LIBRARY_VARIABLE).is_none();
        let found = if looks && named.choice != EngineChoice::Embedded { found_library() } else { None };
        let Some(library) = found else { return Engine::start(&named).map_err(unusable) };
        match (Engine::start(&EngineRequest { library: Some(library), ..named.clone() }), named.choice) {
            (Ok(engine), _) => Ok(engine),
            (Err(error), EngineChoice::Auto) => {
                warn(format_args!("{error}; the embedded engine runs in its place"));
                Engine::start(&named).map_err(unusable)
            }
            (Err(error), _) => Err(unusable(error)),
        }
    }

    /// Starts the engine and loads the detector.
    ///
    /// # Errors
    /// As [`ModelOptions::open`].
    pub fn segmenter(&self) -> Result<Segmenter, Failure> {
        Ok(Segmenter::new(Detector::shipped(self.start()?).map_err(unusable)?))
    }

    fn request(&self, variable: Option<OsString>) -> Result<EngineRequest, Failure> {
        if self.engine == EngineChoice::Embedded && self.onnxruntime.is_some() {
            return Err(Failure::usage(EnginesContradict));
        }
        let from_variable = || variable.filter(|path| !path.is_empty()).map(PathBuf::from);
        Ok(EngineRequest { choice: self.engine, library: self.onnxruntime.clone().or_else(from_variable) })
    }
}

/// The ONNX Runtime that is installed where this program is, in the active Python environment or in the system.
fn found_library() -> Option<PathBuf> {
    let active = PYTHON_VARIABLES.iter().filter_map(std::env::var_os).filter(|folder| !folder.is_empty());
    // `pip` puts programs into `bin` of an environment: one that was installed so need not be activated.
    let own = std::env::current_exe().ok().and_then(|program| Some(program.parent()?.parent()?.to_owned()));
    installed_library(&active.map(PathBuf::from).chain(own).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(engine: EngineChoice, onnxruntime: Option<&str>) -> EngineOptions {
        EngineOptions { engine, onnxruntime: onnxruntime.map(PathBuf::from) }
    }

    fn library(options: &EngineOptions, variable: Option<&str>) -> Option<PathBuf> {
        options.request(variable.map(OsString::from)).expect("no contradiction").library
    }

    #[test]
    fn the_option_beats_the_variable_and_an_empty_variable_names_nothing() {
        let typed = options(EngineChoice::Auto, Some("typed.so"));
        assert_eq!(library(&typed, Some("variable.so")), Some("typed.so".into()));
        let untyped = options(EngineChoice::Auto, None);
        assert_eq!(library(&untyped, Some("variable.so")), Some("variable.so".into()));
        assert_eq!(library(&untyped, Some("")), None);
        assert_eq!(library(&untyped, None), None);
    }

    #[test]
    fn embedded_with_a_typed_library_is_a_contradiction() {
        let failure = options(EngineChoice::Embedded, Some("typed.so")).request(None).expect_err("contradiction");
        assert_eq!(failure.exit, Exit::Usage);
        let request =
            options(EngineChoice::Embedded, None).request(Some("variable.so".into())).expect("no option typed");
        assert_eq!(request.choice, EngineChoice::Embedded);
    }

    #[test]
    fn a_missing_model_or_library_leaves_with_model_unusable() {
        let no_model = ModelOptions { model: Some("no/such/model.onnx".into()), ..ModelOptions::default() };
        assert_eq!(no_model.open().err().expect("no such model").exit, Exit::ModelUnusable);
        let no_library =
            ModelOptions { model: None, engine: options(EngineChoice::OnnxRuntime, Some("no/such/library.so")) };
        assert_eq!(no_library.open().err().expect("no such library").exit, Exit::ModelUnusable);
    }
}
