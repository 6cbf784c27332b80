//! Which engine runs the graphs: the one embedded in the program, or an ONNX Runtime library found at run time.
//!
//! In: an [`EngineRequest`], whose library path the command line has taken from `--onnxruntime` or `ORT_DYLIB_PATH`
//! (nothing here reads the environment). Out: a running [`Engine`] that sessions are made in.
//!
//! **One process uses one ONNX Runtime library.** `ort` keeps its function table and its environment in process-wide places
//! that are set once. [`Engine::start`] gives the same library again for the same request and refuses another. The embedded
//! engine has no such state.
//!
//! Order of operations: the library is loaded and its version checked before any other call, since `ort` panics where a
//! call finds no library.
//!
//! Versions: `ort` asks a library for level [`ort::MINOR_VERSION`] of the ONNX Runtime interface; an older library is refused.
//!
//! A program that is linked statically cannot load a library: it refuses one that is named and takes the embedded engine else.
//!
//! Limits: loading a library runs its code, so one that is named, or found in an active
//! Python environment or the system, must be trusted. A graph is given to an
//! engine only after its checksum matched its card; engines are not hardened against hostile graphs.

use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::Serialize;

/// Why no engine is there to run a graph.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// Environment: ONNX Runtime was asked for and no library named.
    #[error(
        "expected the path of an ONNX Runtime library, found none; give --onnxruntime PATH or set ORT_DYLIB_PATH, or use \
         --engine embedded"
    )]
    LibraryNotNamed,
    /// Environment: no such library file.
    #[error("{path}: expected an ONNX Runtime library file; correct the path or use --engine embedded")]
    LibraryUnreadable {
        /// The path as given.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// Environment: the file is no usable ONNX Runtime library.
    #[error(
        "{path}: expected an ONNX Runtime library of version 1.{minimum} or later, found one that cannot be used; install \
         one (pip install onnxruntime) or use --engine embedded", minimum = ort::MINOR_VERSION
    )]
    LibraryUnusable {
        /// The path as given.
        path: PathBuf,
        /// Not loadable, not ONNX Runtime, or too old.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Not in this build: a static program has no loader of libraries.
    #[error(
        "{wanted}: expected a program that can load a library, found one that is linked statically; use the program for \
         glibc, or leave --onnxruntime, ORT_DYLIB_PATH and --engine onnxruntime out, for the engine inside"
    )]
    LinkedStatically {
        /// The path as given, or the name of the engine.
        wanted: String,
    },
    /// Request invalid: a process keeps the library it started with.
    #[error(
        "{path}: expected the library this process started with ({running}), found another; start another process for it"
    )]
    Conflict {
        /// The path as given.
        path: PathBuf,
        /// The engine that runs.
        running: String,
    },
    /// Environment: the library was loaded and does not start.
    #[error("{path}: expected ONNX Runtime to start, found that it does not; use --engine embedded")]
    Unusable {
        /// The path as given.
        path: PathBuf,
        /// What it says.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// The two engines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, strum::Display, strum::IntoStaticStr)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum EngineKind {
    /// RTen, compiled into the program; needs nothing installed.
    Embedded,
    /// ONNX Runtime, from a shared library; several times faster.
    OnnxRuntime,
}

impl EngineKind {
    /// Name as typed and written.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// Which engine is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EngineChoice {
    /// ONNX Runtime where a library is named, else the embedded engine. Who asks looks for an installed one
    /// ([`installed_library`](super::installed_library)) and names it.
    #[default]
    Auto,
    /// The embedded engine, whatever library is named.
    Embedded,
    /// ONNX Runtime; a library must be named.
    OnnxRuntime,
}

/// The engine wanted and the library named, if any.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EngineRequest {
    /// Which engine.
    pub choice: EngineChoice,
    /// ONNX Runtime library (`libonnxruntime.so`, `.dylib` or `onnxruntime.dll`).
    pub library: Option<PathBuf>,
}

/// What runs, for the provenance of a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EngineInfo {
    /// Which engine.
    pub kind: EngineKind,
    /// File name of the library, which carries its version; `None` for the embedded engine.
    pub library: Option<String>,
    /// What the engine says of its build.
    pub build: String,
}

impl fmt::Display for EngineInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.kind)?;
        if let Some(library) = &self.library {
            write!(f, ", {library}")?;
        }
        write!(f, ", {}", self.build)
    }
}

/// What a request comes down to.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Resolved {
    Embedded,
    OnnxRuntime { given: PathBuf, library: PathBuf },
}

/// Whether this program can load a library. Linked statically it cannot, but on Windows, whose loader is the system's.
pub(super) const LOADS_LIBRARIES: bool = cfg!(not(all(unix, target_feature = "crt-static")));

impl EngineRequest {
    fn resolve(&self, loads_libraries: bool) -> Result<Resolved, EngineError> {
        match (self.choice, &self.library) {
            (EngineChoice::Embedded, _) | (EngineChoice::Auto, None) => Ok(Resolved::Embedded),
            (_, library) if !loads_libraries => Err(EngineError::LinkedStatically {
                wanted: library
                    .as_ref()
                    .map_or_else(|| EngineKind::OnnxRuntime.to_string(), |path| path.display().to_string()),
            }),
            (EngineChoice::OnnxRuntime, None) => Err(EngineError::LibraryNotNamed),
            (EngineChoice::Auto | EngineChoice::OnnxRuntime, Some(path)) => {
                // Made absolute: `ort` would look for a relative path beside the executable first.
                let library = path
                    .canonicalize()
                    .and_then(|found| std::fs::File::open(&found).map(|_| found))
                    .map_err(|source| EngineError::LibraryUnreadable { path: path.clone(), source })?;
                Ok(Resolved::OnnxRuntime { given: path.clone(), library })
            }
        }
    }
}

/// A running engine. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Engine {
    runs: Runs,
    info: EngineInfo,
    /// The library as an absolute path.
    library: Option<PathBuf>,
}

/// What an engine runs graphs with.
#[derive(Debug, Clone)]
pub(super) enum Runs {
    Embedded,
    OnnxRuntime(ort::environment::Environment),
}

/// Version of RTen, as `Cargo.toml` pins it: the crate does not say its own.
const EMBEDDED_BUILD: &str = "rten 0.27.0";

/// The ONNX Runtime of this process. It is never dropped: `ort` allows one environment for each process.
static RUNNING: Mutex<Option<Engine>> = Mutex::new(None);

impl Engine {
    /// Starts the engine, or gives the one that already runs where it is the one asked for.
    ///
    /// # Errors
    /// A library that is not named, not readable, not ONNX Runtime or too old; another library that already runs.
    pub fn start(request: &EngineRequest) -> Result<Self, EngineError> {
        let (given, library) = match request.resolve(LOADS_LIBRARIES)? {
            Resolved::Embedded => return Ok(Self::embedded()),
            Resolved::OnnxRuntime { given, library } => (given, library),
        };
        // The guarded value is replaced as a whole, so it is sound even after a panic elsewhere.
        let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(engine) = &*running {
            if engine.library.as_ref() == Some(&library) {
                return Ok(engine.clone());
            }
            return Err(EngineError::Conflict { path: given, running: engine.info.to_string() });
        }
        let engine = Self::load(&given, library)?;
        *running = Some(engine.clone());
        Ok(engine)
    }

    fn embedded() -> Self {
        let info = EngineInfo { kind: EngineKind::Embedded, library: None, build: EMBEDDED_BUILD.to_owned() };
        Self { runs: Runs::Embedded, info, library: None }
    }

    fn load(given: &Path, library: PathBuf) -> Result<Self, EngineError> {
        let builder = ort::init_from(&library)
            .map_err(|source| EngineError::LibraryUnusable { path: given.to_owned(), source: Box::new(source) })?;
        // Nothing about a patient's smear may leave the machine, not even how often it was looked at.
        let environment = builder
            .with_telemetry(false)
            .build()
            .map_err(|source| EngineError::Unusable { path: given.to_owned(), source: Box::new(source) })?;
        let build = ort::info();
        let build = build.strip_prefix("ORT Build Info: ").unwrap_or(build).to_owned();
        let info = EngineInfo { kind: EngineKind::OnnxRuntime, library: Some(file_name(&library)), build };
        Ok(Self { runs: Runs::OnnxRuntime(environment), info, library: Some(library) })
    }

    /// Which engine.
    pub fn kind(&self) -> EngineKind {
        self.info.kind
    }

    /// What runs, for the provenance of a report.
    pub fn info(&self) -> &EngineInfo {
        &self.info
    }

    pub(super) fn runs(&self) -> &Runs {
        &self.runs
    }
}

/// The last part of a path: names the library without telling where this machine keeps it.
fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or(OsStr::new("library")).to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(choice: EngineChoice, library: Option<&str>) -> EngineRequest {
        EngineRequest { choice, library: library.map(PathBuf::from) }
    }

    #[test]
    fn without_a_library_auto_means_embedded() {
        assert_eq!(request(EngineChoice::Auto, None).resolve(true).expect("embedded"), Resolved::Embedded);
        let named = request(EngineChoice::Embedded, Some("/no/such/library.so"));
        assert_eq!(named.resolve(true).expect("the library is not looked at"), Resolved::Embedded);
    }

    #[test]
    fn onnxruntime_without_a_library_says_how_to_name_one() {
        let error = request(EngineChoice::OnnxRuntime, None).resolve(true).expect_err("no library");
        assert!(matches!(error, EngineError::LibraryNotNamed));
        assert!(error.to_string().contains("ORT_DYLIB_PATH"));
    }

    #[test]
    fn a_missing_library_is_refused_with_its_path() {
        for choice in [EngineChoice::Auto, EngineChoice::OnnxRuntime] {
            let error = request(choice, Some("no/such/library.so")).resolve(true).expect_err("missing");
            assert!(matches!(error, EngineError::LibraryUnreadable { .. }));
            assert!(error.to_string().starts_with("no/such/library.so: "));
        }
    }

    #[test]
    fn a_static_program_takes_the_embedded_engine_and_refuses_every_library() {
        for choice in [EngineChoice::Auto, EngineChoice::Embedded] {
            assert_eq!(request(choice, None).resolve(false).expect("embedded"), Resolved::Embedded);
        }
        let refusal = |choice, library| request(choice, library).resolve(false).expect_err("no loader").to_string();
        assert!(refusal(EngineChoice::OnnxRuntime, None).starts_with("onnxruntime: expected a program that can load"));
        for choice in [EngineChoice::Auto, EngineChoice::OnnxRuntime] {
            let said = refusal(choice, Some("no/such/library.so"));
            assert!(said.starts_with("no/such/library.so: ") && said.contains("linked statically"), "{said}");
        }
    }

    #[test]
    fn the_embedded_engine_starts_again_as_the_same_engine() {
        let first = Engine::start(&EngineRequest::default()).expect("the embedded engine");
        let second = Engine::start(&request(EngineChoice::Embedded, None)).expect("the same engine");
        assert_eq!(first.info(), second.info());
        assert_eq!(first.kind(), EngineKind::Embedded);
        let manifest = include_str!("../../Cargo.toml");
        assert!(manifest.contains(&format!("rten = {{ version = \"={}\"", EMBEDDED_BUILD.trim_start_matches("rten "))));
    }
}
