//! A graph in the embedded engine, RTen, and its depthwise convolutions, which are worked out here.
//!
//! In: the bytes of a graph; for a run, the values of its one input. Out: the values of the outputs asked for. A graph that
//! [`cut`] takes apart runs step by step, any other as a whole; both give the same numbers.
//!
//! A graph is shared between threads; each thread that asks has one beside it that runs.
//!
//! Limits: wants convolutions that state their dilations; not hardened against hostile graphs.

use std::borrow::Cow;
use std::cell::RefCell;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use rten::{
    DataType, Dimension, Model, ModelOptions, NodeId, RunOptions, ShapeInferenceMode, ThreadPool, Value, ValueType,
};
use rten_tensor::Tensor;
use rten_tensor::prelude::*;

use super::depthwise::DepthwiseConvolution;
use super::error::SessionError;
use super::outlet::Outlet;
use super::steps::{self, cut};

/// A graph in the embedded engine.
pub(super) struct Embedded(Arc<Plan>);

/// What is run, step by step. A value has a place from the step that gives it to the last one that takes it.
struct Plan {
    steps: Vec<Step>,
    places: usize,
    /// The place of the input; `None` for a graph without one.
    input: Option<usize>,
    /// Name and place of each output.
    outputs: Vec<(String, usize)>,
}

enum Step {
    /// A graph of its own, with the places of what it takes and gives.
    Part { model: Box<Model>, inputs: Vec<(NodeId, usize)>, outputs: Vec<(NodeId, usize)> },
    /// A convolution, with the places of what it takes and gives.
    Depthwise(DepthwiseConvolution, [usize; 2]),
}

impl Embedded {
    /// Loads a graph; what it takes and gives.
    pub(super) fn open(graph: Cow<'static, [u8]>) -> Result<(Self, Vec<Outlet>, Vec<Outlet>), SessionError> {
        let (plan, inputs, outputs) = match cut(&graph) {
            Some(steps) => Plan::of_steps(steps)?,
            None => Plan::of_whole(graph)?,
        };
        Ok((Self(Arc::new(plan)), inputs, outputs))
    }

    /// The named outputs for the one input.
    pub(super) fn run(&self, shape: &[usize], values: &[f32], outputs: &[&str]) -> Result<Vec<Vec<f32>>, SessionError> {
        let outputs = outputs.iter().map(|name| (*name).to_owned()).collect();
        let job = Job { plan: Arc::clone(&self.0), shape: shape.to_vec(), values: values.to_vec(), outputs };
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

/// A plan with what its graph takes and gives.
type Described = (Plan, Vec<Outlet>, Vec<Outlet>);

impl Plan {
    fn of_whole(graph: Cow<'static, [u8]>) -> Result<Described, SessionError> {
        let model = load(graph)?;
        let outlets = |ids: &[NodeId]| ids.iter().map(|id| outlet_of(&model, *id)).collect::<Vec<_>>();
        let (taken, given) = (outlets(model.input_ids()), outlets(model.output_ids()));
        let inputs: Vec<_> = model.input_ids().iter().copied().zip(0..).collect();
        let outputs: Vec<_> = model.output_ids().iter().copied().zip(inputs.len()..).collect();
        let plan = Self {
            places: inputs.len() + outputs.len(),
            input: inputs.first().map(|(_, place)| *place),
            outputs: given.iter().zip(&outputs).map(|(outlet, (_, place))| (outlet.name.clone(), *place)).collect(),
            steps: vec![Step::Part { model: Box::new(model), inputs, outputs }],
        };
        Ok((plan, taken, given))
    }

    fn of_steps(cut: steps::Steps) -> Result<Described, SessionError> {
        let steps::Steps { steps, places, inputs, outputs } = cut;
        let (mut taken, mut given) = (vec![None; inputs.len()], vec![None; outputs.len()]);
        let mut loaded = Vec::with_capacity(steps.len());
        for step in steps {
            loaded.push(match step {
                steps::Step::Depthwise(convolution, ends) => Step::Depthwise(convolution, ends),
                steps::Step::Part { graph, inputs: from, outputs: to } => {
                    let model = load(Cow::Owned(graph))?;
                    let found = |values: Vec<(String, usize)>| {
                        let found = values.into_iter().map(|(name, place)| Ok((model.node_id(&name)?, place)));
                        found.collect::<Result<Vec<_>, rten::RunError>>()
                    };
                    let (from, to) = (found(from)?, found(to)?);
                    for (outlets, places, ids) in [(&mut taken, &inputs, &from), (&mut given, &outputs, &to)] {
                        for (outlet, (_, place)) in outlets.iter_mut().zip(places) {
                            let id = ids.iter().find(|(_, at)| at == place).map(|(id, _)| *id);
                            *outlet = outlet.take().or_else(|| id.map(|id| outlet_of(&model, id)));
                        }
                    }
                    Step::Part { model: Box::new(model), inputs: from, outputs: to }
                }
            });
        }
        let plan = Self { steps: loaded, places, input: inputs.first().map(|(_, place)| *place), outputs };
        Ok((plan, taken.into_iter().flatten().collect(), given.into_iter().flatten().collect()))
    }

    /// Runs the steps; gives the values that nobody took, the outputs among them, each at its place.
    fn run(&self, input: Value, pool: &Arc<ThreadPool>) -> Result<Vec<Option<Value>>, SessionError> {
        let mut values: Vec<Option<Value>> = std::iter::repeat_with(|| None).take(self.places).collect();
        if let Some(place) = self.input {
            values[place] = Some(input);
        }
        for (index, step) in self.steps.iter().enumerate() {
            let is_last = |place| self.is_last(index, place);
            match step {
                Step::Part { model, inputs, outputs } => {
                    let taken: Vec<(NodeId, Value)> = inputs
                        .iter()
                        .filter(|(_, place)| is_last(*place))
                        .filter_map(|(id, place)| Some((*id, values[*place].take()?)))
                        .collect();
                    let lent =
                        inputs.iter().filter_map(|(id, place)| Some((*id, values[*place].as_ref()?.as_view().into())));
                    let given = lent.chain(taken.into_iter().map(|(id, value)| (id, value.into()))).collect();
                    let ids: Vec<NodeId> = outputs.iter().map(|(id, _)| *id).collect();
                    let options = RunOptions::default().with_thread_pool(Some(Arc::clone(pool)));
                    let answers = model.run(given, &ids, Some(options))?;
                    for (answer, (_, place)) in answers.into_iter().zip(outputs) {
                        values[*place] = Some(answer);
                    }
                }
                Step::Depthwise(convolution, [from, to]) => {
                    values[*to] = Some(convolved(convolution, values[*from].as_ref())?);
                    if is_last(*from) {
                        values[*from] = None;
                    }
                }
            }
        }
        Ok(values)
    }

    /// Whether nobody takes the value of a place after a step, so that the engine may write over it.
    fn is_last(&self, step: usize, place: usize) -> bool {
        let takes = |step: &Step| match step {
            Step::Part { inputs, .. } => inputs.iter().any(|(_, taken)| *taken == place),
            Step::Depthwise(_, [taken, _]) => *taken == place,
        };
        !self.steps[step + 1..].iter().any(takes) && self.outputs.iter().all(|(_, output)| *output != place)
    }
}

/// The answer of a convolution.
fn convolved(convolution: &DepthwiseConvolution, value: Option<&Value>) -> Result<Value, SessionError> {
    let answer = match value {
        Some(Value::FloatTensor(tensor)) => {
            let numbers = tensor.data().map_or_else(|| Cow::Owned(tensor.to_vec()), Cow::Borrowed);
            convolution.run(tensor.shape(), &numbers)
        }
        // Values of another type do not fit either.
        _ => convolution.run(&[], &[]),
    };
    let (shape, numbers) = answer.map_err(|error| SessionError::EmbeddedRun(Box::new(error)))?;
    Ok(Value::FloatTensor(Tensor::from_data(&shape[..], numbers)))
}

/// A graph, its weights laid out for the engine.
fn load(graph: Cow<'static, [u8]>) -> Result<Model, rten::LoadError> {
    let mut options = ModelOptions::with_all_ops();
    // Without inference, shapes are those that the file declares, and a run takes no longer.
    options.prepack_weights(true).shape_inference(ShapeInferenceMode::Off);
    match graph {
        Cow::Borrowed(graph) => options.load_static_slice(graph),
        Cow::Owned(graph) => options.load(graph),
    }
}
thread_local! {
    /// The thread that runs graphs for this one.
    static RUNNER: RefCell<Option<Runner>> = const { RefCell::new(None) };
}

/// A run that is asked for.
struct Job {
    plan: Arc<Plan>,
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
    fn run(self, pool: &Arc<ThreadPool>) -> Result<Vec<Vec<f32>>, SessionError> {
        let input = Value::FloatTensor(Tensor::from_data(&self.shape[..], self.values));
        let mut values = self.plan.run(input, pool)?;
        let value_of = |name: &String| {
            let missing = || SessionError::NoOutput { name: name.clone() };
            let (_, place) = self.plan.outputs.iter().find(|(output, _)| output == name).ok_or_else(missing)?;
            let tensor = values[*place].take().and_then(|value| value.into_tensor::<f32>()).ok_or_else(missing)?;
            Ok(tensor.into_data())
        };
        self.outputs.iter().map(value_of).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    const CLASSIFIER: &[u8] = include_bytes!("../../models/schistoquant-rbc13.onnx");

    #[test]
    fn a_graph_in_steps_says_and_answers_what_the_whole_does() {
        let whole = Plan::of_whole(Cow::Borrowed(CLASSIFIER)).expect("a graph");
        let steps = Plan::of_steps(cut(CLASSIFIER).expect("depthwise convolutions")).expect("graphs");
        assert_eq!((&whole.1, &whole.2), (&steps.1, &steps.2));
        let shape = [16, 3, 64, 64];
        // Numbers as of crops: background and, in the middle, something darker with noise.
        let number = |index: usize| {
            let (x, y) = (index % 64, index / 64 % 64);
            let inside = x.abs_diff(32).pow(2) + y.abs_diff(32).pow(2) < 15 * 15 + index / 4096;
            if inside { ((index * 7919) % 101) as f32 / 127.5 } else { 240.0 / 127.5 - 1.0 }
        };
        let values: Vec<f32> = (0..shape.iter().product()).map(number).collect();
        let answers = |plan: Plan| {
            let outputs = ["red_cell_probability", "class_probability", "schistocyte_probability"];
            Embedded(Arc::new(plan)).run(&shape, &values, &outputs).expect("a run")
        };
        let (whole, steps) = (answers(whole.0), answers(steps.0));
        assert_eq!(whole.iter().map(Vec::len).collect::<Vec<_>>(), [16, 16 * 13, 16]);
        assert_eq!(whole, steps);
        assert!(whole[1].windows(2).any(|pair| pair[0] != pair[1]), "an answer of one number");
    }
}
