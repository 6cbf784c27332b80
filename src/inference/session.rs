//! A graph opened in an engine, ready to run on any number of threads.
//!
//! In: the bytes of an ONNX graph; for a run, one `f32` tensor for its one input and the names of the outputs wanted.
//! Out: the values of those outputs, `f32`, in the order of their names. A graph whose input has symbolic dimensions takes
//! any size there.
//!
//! A run uses one thread: the threads are the caller's, and the sum of a row does not depend on how many there are.
//!
//! METHOD: ONNX Runtime runs a session only through a unique reference, so a session is opened for each thread that ever
//! ran at once. The embedded engine shares its graph between threads; each thread that asks has one beside it that runs.
//!
//! Limits: graphs with one input; the embedded engine wants convolutions that state their dilations; engines are not
//! hardened against hostile graphs.

use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};

use ort::session::builder::GraphOptimizationLevel;
use ort::value::{TensorElementType, TensorRef};
use rten::{
    DataType, Dimension, Model, ModelOptions, NodeId, RunOptions, ShapeInferenceMode, ThreadPool, ValueOrView,
    ValueType,
};
use rten_tensor::TensorView;

use super::engine::{Engine, Runs};

/// Why a graph cannot be opened or run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// The embedded engine cannot load it.
    #[error(transparent)]
    EmbeddedLoad(Box<dyn std::error::Error + Send + Sync>),
    /// The embedded engine cannot run it.
    #[error(transparent)]
    EmbeddedRun(Box<dyn std::error::Error + Send + Sync>),
    /// ONNX Runtime cannot load or run it.
    #[error(transparent)]
    OnnxRuntime(Box<dyn std::error::Error + Send + Sync>),
    /// The graph has no such output, or one of other numbers.
    #[error("expected an output {name} of float32, found none; export the graph again")]
    NoOutput {
        /// The output.
        name: String,
    },
    /// The values do not fill the shape.
    #[error("expected {expected} values for an input of shape {shape:?}, found {found}")]
    InputSize {
        /// The shape asked for.
        shape: Vec<usize>,
        /// Its values.
        expected: usize,
        /// Those given.
        found: usize,
    },
    /// An answer of another length than the caller can read.
    #[error("expected {expected} numbers in output {name}, found {found}; export the graph again")]
    AnswerSize {
        /// The output.
        name: String,
        /// Numbers expected.
        expected: usize,
        /// Numbers there are.
        found: usize,
    },
    /// The thread of the run panicked.
    #[error("expected the embedded engine to answer, found that it stopped")]
    Stopped,
}

impl From<rten::LoadError> for SessionError {
    fn from(error: rten::LoadError) -> Self {
        Self::EmbeddedLoad(Box::new(error))
    }
}

impl From<ort::Error> for SessionError {
    fn from(error: ort::Error) -> Self {
        Self::OnnxRuntime(Box::new(error))
    }
}

impl From<rten::RunError> for SessionError {
    fn from(error: rten::RunError) -> Self {
        Self::EmbeddedRun(Box::new(error))
    }
}

/// An input or an output as the graph declares it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outlet {
    /// Name.
    pub name: String,
    /// Whether it holds 32-bit floating-point numbers.
    pub is_float32: bool,
    /// Extent of each dimension, `None` where symbolic; `None` in all where the graph does not say.
    pub shape: Option<Vec<Option<usize>>>,
    /// What the engine calls its numbers.
    element: String,
}

impl fmt::Display for Outlet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let extent = |extent: &Option<usize>| extent.map_or("any".to_owned(), |extent| extent.to_string());
        let shape = self.shape.as_ref().map(|shape| shape.iter().map(extent).collect::<Vec<_>>().join(", "));
        write!(f, "{}, {} [{}]", self.name, self.element, shape.as_deref().unwrap_or("shape not stated"))
    }
}

/// An opened graph.
pub struct Session {
    inputs: Vec<Outlet>,
    outputs: Vec<Outlet>,
    backend: Backend,
}

enum Backend {
    Embedded(Embedded),
    OnnxRuntime(OnnxRuntime),
}

impl Session {
    /// Opens a graph.
    ///
    /// # Errors
    /// The engine cannot load the graph.
    pub fn open(engine: &Engine, graph: Cow<'static, [u8]>) -> Result<Self, SessionError> {
        match engine.runs() {
            Runs::Embedded => Embedded::open(graph),
            Runs::OnnxRuntime(environment) => OnnxRuntime::open(environment.clone(), graph),
        }
    }

    /// What the graph takes.
    pub fn inputs(&self) -> &[Outlet] {
        &self.inputs
    }

    /// What the graph gives.
    pub fn outputs(&self) -> &[Outlet] {
        &self.outputs
    }

    /// Runs the graph on one input and gives the named outputs in their order.
    ///
    /// # Errors
    /// Values that do not fill the shape, an output that is not there, or an engine that fails.
    pub fn run(&self, shape: &[usize], values: &[f32], outputs: &[&str]) -> Result<Vec<Vec<f32>>, SessionError> {
        let expected = shape.iter().product();
        if values.len() != expected {
            return Err(SessionError::InputSize { shape: shape.to_vec(), expected, found: values.len() });
        }
        for name in outputs {
            if !self.outputs.iter().any(|outlet| outlet.name == *name && outlet.is_float32) {
                return Err(SessionError::NoOutput { name: (*name).to_owned() });
            }
        }
        match &self.backend {
            Backend::Embedded(embedded) => embedded.run(shape, values, outputs),
            Backend::OnnxRuntime(runtime) => runtime.run(shape, values, outputs),
        }
    }
}

/// A graph in the embedded engine.
struct Embedded(Arc<Model>);

impl Embedded {
    fn open(graph: Cow<'static, [u8]>) -> Result<Session, SessionError> {
        let mut options = ModelOptions::with_all_ops();
        // Without inference, shapes are those that the file declares, and a run takes no longer.
        options.prepack_weights(true).shape_inference(ShapeInferenceMode::Off);
        let model = match graph {
            Cow::Borrowed(graph) => options.load_static_slice(graph)?,
            Cow::Owned(graph) => options.load(graph)?,
        };
        let outlets = |ids: &[NodeId]| ids.iter().map(|id| outlet_of(&model, *id)).collect::<Vec<_>>();
        let (inputs, outputs) = (outlets(model.input_ids()), outlets(model.output_ids()));
        Ok(Session { inputs, outputs, backend: Backend::Embedded(Self(Arc::new(model))) })
    }

    fn run(&self, shape: &[usize], values: &[f32], outputs: &[&str]) -> Result<Vec<Vec<f32>>, SessionError> {
        let outputs = outputs.iter().map(|name| (*name).to_owned()).collect();
        let job = Job { model: Arc::clone(&self.0), shape: shape.to_vec(), values: values.to_vec(), outputs };
        RUNNER.with(|runner| {
            let answer = runner.borrow_mut().get_or_insert_with(Runner::start).run(job);
            // One whose thread has stopped is not kept.
            if matches!(answer, Err(SessionError::Stopped)) {
                runner.take();
            }
            answer
        })
    }
}

thread_local! {
    /// The thread that runs graphs for this one.
    static RUNNER: RefCell<Option<Runner>> = const { RefCell::new(None) };
}

/// A run that is asked for.
struct Job {
    model: Arc<Model>,
    shape: Vec<usize>,
    values: Vec<f32>,
    outputs: Vec<String>,
}

/// A thread that runs graphs for one other thread, one job after another. It ends with that.
///
/// METHOD: a thread of its own, because a thread of the caller's pool that waits for another pool takes up further work of its
/// own meanwhile: whole fields, one inside the other. It stays, because one for each run takes half of the system's time; and it is
/// that of the engine's pool, so that a run is handed over once.
///
/// METHOD: of two threads that belong together only one runs, so that the system keeps both on one core. When any free one ran
/// the next graph, it was often woken on the core of another caller, and waited there up to 8 ms while its own core was idle: a
/// seventh of the time of two threads.
struct Runner {
    jobs: Sender<Job>,
    answers: Receiver<Result<Vec<Vec<f32>>, SessionError>>,
}

impl Runner {
    fn start() -> Self {
        let (jobs, asked) = channel::<Job>();
        let (answered, answers) = channel();
        // Where the system gives no thread, nobody hears the first job, which says so.
        let _ = std::thread::Builder::new().spawn(move || {
            let pool = Arc::new(ThreadPool::with_num_threads(1));
            let own = Arc::clone(&pool);
            pool.run(move || {
                while let Ok(job) = asked.recv() {
                    if answered.send(job.run(&own)).is_err() {
                        break;
                    }
                }
            });
        });
        Self { jobs, answers }
    }

    fn run(&self, job: Job) -> Result<Vec<Vec<f32>>, SessionError> {
        self.jobs.send(job).map_err(|_| SessionError::Stopped)?;
        self.answers.recv().unwrap_or(Err(SessionError::Stopped))
    }
}

impl Job {
    fn run(&self, pool: &Arc<ThreadPool>) -> Result<Vec<Vec<f32>>, SessionError> {
        let model = &self.model;
        let input = TensorView::from_data(&self.shape[..], &self.values[..]);
        let ids = self.outputs.iter().map(|name| model.node_id(name)).collect::<Result<Vec<_>, _>>()?;
        let options = RunOptions::default().with_thread_pool(Some(Arc::clone(pool)));
        let inputs = model.input_ids().first().map(|id| (*id, ValueOrView::from(input)));
        let answers = model.run(inputs.into_iter().collect(), &ids, Some(options))?;
        let values = answers.into_iter().zip(&self.outputs).map(|(value, name)| {
            let tensor = value.into_tensor::<f32>().ok_or_else(|| SessionError::NoOutput { name: name.clone() })?;
            Ok(tensor.into_data())
        });
        values.collect()
    }
}

/// How the embedded engine's loader describes an input or output.
fn outlet_of(model: &Model, id: NodeId) -> Outlet {
    let info = model.node_info(id);
    let dtype = info.as_ref().and_then(rten::NodeInfo::dtype);
    let extent = |dimension: Dimension| match dimension {
        Dimension::Fixed(extent) => Some(extent),
        Dimension::Symbolic(_) => None,
    };
    Outlet {
        name: info.as_ref().and_then(rten::NodeInfo::name).unwrap_or_default().to_owned(),
        is_float32: dtype == Some(ValueType::Tensor(DataType::Float)),
        shape: info.as_ref().and_then(rten::NodeInfo::shape).map(|shape| shape.into_iter().map(extent).collect()),
        element: match dtype {
            Some(ValueType::Tensor(element)) => element.to_string(),
            Some(other) => other.to_string(),
            None => "no type".to_owned(),
        },
    }
}

/// A graph in ONNX Runtime.
struct OnnxRuntime {
    environment: ort::environment::Environment,
    graph: Cow<'static, [u8]>,
    /// Name of the input.
    input: String,
    /// Sessions that no run uses.
    idle: Mutex<Vec<ort::session::Session>>,
}

impl OnnxRuntime {
    fn open(environment: ort::environment::Environment, graph: Cow<'static, [u8]>) -> Result<Session, SessionError> {
        let first = load(&environment, &graph)?;
        let outlets = |outlets: &[ort::value::Outlet]| outlets.iter().map(described).collect::<Vec<_>>();
        let (inputs, outputs) = (outlets(first.inputs()), outlets(first.outputs()));
        let input = inputs.first().map(|outlet| outlet.name.clone()).unwrap_or_default();
        let runtime = Self { environment, graph, input, idle: Mutex::new(vec![first]) };
        Ok(Session { inputs, outputs, backend: Backend::OnnxRuntime(runtime) })
    }

    fn run(&self, shape: &[usize], values: &[f32], outputs: &[&str]) -> Result<Vec<Vec<f32>>, SessionError> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut session = idle.map_or_else(|| load(&self.environment, &self.graph), Ok)?;
        let shape: Vec<i64> = shape.iter().map(|&extent| extent as i64).collect();
        let input = TensorRef::from_array_view((shape, values))?;
        let answers = session.run(ort::inputs![self.input.as_str() => input])?;
        let value_of = |name: &&str| {
            let value = answers.get(*name).ok_or_else(|| SessionError::NoOutput { name: (*name).to_owned() })?;
            Ok::<_, SessionError>(value.try_extract_tensor::<f32>()?.1.to_vec())
        };
        let values = outputs.iter().map(value_of).collect::<Result<_, _>>()?;
        drop(answers);
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(session);
        Ok(values)
    }
}

fn load(environment: &ort::environment::Environment, graph: &[u8]) -> ort::Result<ort::session::Session> {
    let builder =
        ort::session::Session::builder(environment)?.with_optimization_level(GraphOptimizationLevel::Level3)?;
    // One thread inside the session, and a fixed order of summation.
    builder.with_intra_threads(1)?.with_deterministic_compute(true)?.commit_from_memory(graph)
}

/// How ONNX Runtime describes an input or output.
fn described(outlet: &ort::value::Outlet) -> Outlet {
    let dtype = outlet.dtype();
    let element = dtype.tensor_type();
    Outlet {
        name: outlet.name().to_owned(),
        is_float32: element == Some(TensorElementType::Float32),
        shape: dtype.tensor_shape().map(|shape| shape.iter().map(|&extent| usize::try_from(extent).ok()).collect()),
        element: element.map_or_else(|| dtype.to_string(), |element| element.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inference::EngineRequest;

    const TINY: &[u8] = include_bytes!("../../fixtures/models/tiny.onnx");
    const DETECTOR: &[u8] = include_bytes!("../../models/schistoquant-cells.onnx");

    fn open(graph: &'static [u8]) -> Result<Session, SessionError> {
        let engine = Engine::start(&EngineRequest::default()).expect("the embedded engine");
        Session::open(&engine, Cow::Borrowed(graph))
    }

    #[test]
    fn a_graph_says_what_it_takes_and_gives() {
        let session = open(TINY).expect("a graph");
        assert_eq!(session.inputs().len(), 1);
        assert_eq!(session.inputs()[0].to_string(), "cells, f32 [16, 3, 64, 64]");
        let names: Vec<&str> = session.outputs().iter().map(|outlet| outlet.name.as_str()).collect();
        assert_eq!(names, ["class_probability", "schistocyte_probability", "red_cell_probability"]);
    }

    #[test]
    fn outputs_come_in_the_order_asked_for() {
        let session = open(TINY).expect("a graph");
        let values = vec![0.25; 16 * 3 * 64 * 64];
        let answers = session.run(&[16, 3, 64, 64], &values, &["schistocyte_probability", "class_probability"]);
        let lengths: Vec<usize> = answers.expect("a run").iter().map(Vec::len).collect();
        assert_eq!(lengths, [16, 16 * 13]);
    }

    #[test]
    fn a_symbolic_dimension_takes_any_size_and_threads_do_not_change_the_answer() {
        let session = open(DETECTOR).expect("a graph");
        let run = |height: usize, width: usize| {
            let values: Vec<f32> = (0..3 * height * width).map(|index| (index % 17) as f32 / 8.5 - 1.0).collect();
            session.run(&[1, 3, height, width], &values, &["cells"]).expect("a run").swap_remove(0)
        };
        assert_eq!(run(64, 128).len(), 7 * 16 * 32);
        let alone = run(192, 64);
        let together = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| run(192, 64))).collect();
            threads.into_iter().map(|thread| thread.join().expect("a run")).collect::<Vec<_>>()
        });
        assert!(together.iter().all(|answer| *answer == alone));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let session = open(TINY).expect("a graph");
        let values = vec![0.0; 16 * 3 * 64 * 64];
        let refused = |shape: &[usize], values: &[f32], output: &str| session.run(shape, values, &[output]).map(|_| ());
        let error = refused(&[16, 3, 64, 65], &values, "class_probability").expect_err("too few values");
        assert!(matches!(error, SessionError::InputSize { .. }), "{error}");
        let error = refused(&[16, 3, 64, 64], &values, "softmax").expect_err("no such output");
        assert_eq!(error.to_string(), "expected an output softmax of float32, found none; export the graph again");
        let error = refused(&[16, 3, 32, 128], &values, "class_probability").expect_err("another shape");
        assert!(matches!(error, SessionError::EmbeddedRun(_)), "{error}");
    }

    #[test]
    fn what_is_no_graph_is_refused() {
        assert!(matches!(open(b"no graph at all").map(|_| ()), Err(SessionError::EmbeddedLoad(_))));
        assert!(matches!(open(&TINY[..TINY.len() / 2]).map(|_| ()), Err(SessionError::EmbeddedLoad(_))));
    }
}
