//! The library in one call: pictures of a specimen in, its [`Case`] out, and the reports of a case.
//!
//! In: paths of photographs, slides or folders, which together are one specimen, and [`Options`]. Out: a [`Case`], the
//! same record that the command line writes as `case.json`; [`write()`] makes the reports. Nothing is written before that.
//! Method: [`pipeline`](crate::pipeline), with the shipped models where none is named.
//!
//! Limits: a call starts the engine and loads both models anew (about a second); for many specimens use
//! [`batch`](crate::batch) or the command line. A call cannot be stopped.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use crate::case::Case;
use crate::classify::{Classifier, ClassifyError, Model};
use crate::clinical::{PanelError, PanelOptions, ScoreOptions, panel_bytes, read_panel};
use crate::count::CountOptions;
use crate::inference::{Engine, EngineError, EngineRequest};
use crate::pipeline::{self, AnalyzeError, AnalyzeOptions, Models};
use crate::report::{ReportError, ReportFormat, ReportTarget, WrittenReports};
use crate::segment::{DetectError, Detector, Segmenter};
use crate::smear::AgeGroup;

/// What an analysis is asked for. Everything has a default.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Options {
    /// Specimen number.
    pub accession: Option<String>,
    /// Pixel size, µm; otherwise from the files, otherwise estimated from the median red cell.
    pub um_per_px: Option<f64>,
    /// Age group, which selects the reference limit of the percentage.
    pub age_group: AgeGroup,
    /// Fewest red cells for a percentage; 1,000 (ICSH 2012) where it is not given.
    pub min_cells: Option<u64>,
    /// Laboratory panel: `panel.json`, HL7 v2 ORU^R01 or a FHIR R4 Bundle.
    pub labs: Option<PathBuf>,
    /// ONNX graph to use in place of the shipped classifier; its card lies beside it.
    pub model: Option<PathBuf>,
    /// ONNX Runtime library; the embedded engine runs where none is named.
    pub onnxruntime: Option<PathBuf>,
    /// Threads; one for each processor where it is not given.
    pub threads: Option<u16>,
}

impl Options {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// With a specimen number.
    pub fn accession(mut self, accession: impl Into<String>) -> Self {
        self.accession = Some(accession.into());
        self
    }

    /// With the size of a pixel, µm.
    pub fn um_per_px(mut self, um_per_px: f64) -> Self {
        self.um_per_px = Some(um_per_px);
        self
    }

    /// With an age group.
    pub fn age_group(mut self, age_group: AgeGroup) -> Self {
        self.age_group = age_group;
        self
    }

    /// With the fewest red cells for a percentage.
    pub fn min_cells(mut self, min_cells: u64) -> Self {
        self.min_cells = Some(min_cells);
        self
    }

    /// With a laboratory panel: the case then holds its evidence.
    pub fn labs(mut self, path: impl Into<PathBuf>) -> Self {
        self.labs = Some(path.into());
        self
    }

    /// With a classifier of your own.
    pub fn model(mut self, graph: impl Into<PathBuf>) -> Self {
        self.model = Some(graph.into());
        self
    }

    /// With ONNX Runtime in place of the embedded engine. Loading a library runs its code.
    pub fn onnxruntime(mut self, library: impl Into<PathBuf>) -> Self {
        self.onnxruntime = Some(library.into());
        self
    }

    /// With a number of threads. The result does not depend on it.
    pub fn threads(mut self, threads: u16) -> Self {
        self.threads = Some(threads);
        self
    }
}

/// Why there is no case, or no report of it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The engine did not start.
    #[error("the engine cannot be used")]
    Engine(#[from] EngineError),
    /// The classifier cannot be used.
    #[error("the classifier cannot be used")]
    Classifier(#[from] ClassifyError),
    /// The detector of cells cannot be used.
    #[error("the detector of cells cannot be used")]
    Detector(#[from] DetectError),
    /// The file of the laboratory panel cannot be read.
    #[error("{}: expected a file that can be read; check path and rights", path.display())]
    LabsUnreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The laboratory panel is refused.
    #[error("the laboratory panel cannot be used")]
    Labs(#[from] PanelError),
    /// The threads could not be started.
    #[error("expected a machine that starts the threads asked for; ask for fewer")]
    Threads(#[source] io::Error),
    /// No picture can be read, or the analysis failed.
    #[error("the specimen was not analyzed")]
    Analyze(#[from] AnalyzeError),
    /// A report could not be written.
    #[error("the report was not written")]
    Report(#[from] ReportError),
}

/// Analyzes one specimen: photographs, slides and folders of them.
///
/// A specimen on which no percentage can be given is a result, not an error: see its
/// [`State`](crate::case::State).
///
/// # Errors
/// [`Error`]: of engine, models or laboratory panel before a picture is read; then where no picture can be read.
pub fn analyze<P: Into<PathBuf>>(paths: impl IntoIterator<Item = P>, options: &Options) -> Result<Case, Error> {
    let paths: Vec<PathBuf> = paths.into_iter().map(Into::into).collect();
    let panel = options.labs.as_deref().map(read_labs).transpose()?;
    let model = options.model.as_ref().map_or_else(Model::shipped, |graph| Model::from_file(graph))?;
    let engine = Engine::start(&EngineRequest { library: options.onnxruntime.clone(), ..EngineRequest::default() })?;
    let segmenter = Segmenter::new(Detector::shipped(engine.clone())?);
    let models = Models { segmenter, classifier: Classifier::new(engine, model)? };
    let threads = pipeline::thread_pool(options.threads).map_err(|error| Error::Threads(io::Error::other(error)))?;
    let count = CountOptions { age_group: options.age_group, ..CountOptions::default() };
    let count = CountOptions { min_cells: options.min_cells.unwrap_or(count.min_cells), ..count };
    let asked = AnalyzeOptions {
        accession: options.accession.clone(),
        um_per_px: options.um_per_px,
        count,
        ..AnalyzeOptions::default()
    };
    let case = pipeline::analyze(&paths, &asked, &models, &threads, &(), &AtomicBool::new(false))?;
    Ok(match panel {
        Some(panel) => Case { record: case.record.with_panel(&panel, &ScoreOptions::default()), ..case },
        None => case,
    })
}

/// Writes reports of a case to a folder, which is made where it is missing.
///
/// # Errors
/// [`Error::Report`]: another specimen's report lies there, or the folder cannot be written. Each file is whole or not
/// there.
pub fn write(case: &Case, folder: impl AsRef<Path>, formats: &[ReportFormat]) -> Result<WrittenReports, Error> {
    let target = ReportTarget::prepare(folder.as_ref(), formats)?;
    target.check_accession(case.record.accession.as_deref())?;
    Ok(target.write(case)?)
}

fn read_labs(path: &Path) -> Result<crate::clinical::LabPanel, Error> {
    let bytes = panel_bytes(path).map_err(|source| Error::LabsUnreadable { path: path.to_owned(), source })?;
    Ok(read_panel(&bytes, &path.display().to_string(), &PanelOptions::default())?)
}
