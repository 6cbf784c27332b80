//! A graph in ONNX Runtime.
//!
//! In: the bytes of a graph and the environment of a loaded library; for a run, the values of its one input. Out: the values of
//! the outputs asked for.
//!
//! METHOD: ONNX Runtime runs a session only through a unique reference, so a session is opened for each thread that ever
//! ran at once.
//!
//! Limits: not hardened against hostile graphs.

use std::borrow::Cow;
use std::sync::{Mutex, PoisonError};

use ort::session::builder::GraphOptimizationLevel;
use ort::value::{TensorElementType, TensorRef};

use super::error::SessionError;
use super::outlet::Outlet;

/// A graph in ONNX Runtime.
pub(super) struct OnnxRuntime {
    environment: ort::environment::Environment,
    graph: Cow<'static, [u8]>,
    /// Name of the input.
    input: String,
    /// Sessions that no run uses.
    idle: Mutex<Vec<ort::session::Session>>,
}

impl OnnxRuntime {
    /// Loads a graph; what it takes and gives.
    pub(super) fn open(
        environment: ort::environment::Environment,
        graph: Cow<'static, [u8]>,
    ) -> Result<(Self, Vec<Outlet>, Vec<Outlet>), SessionError> {
        let first = load(&environment, &graph)?;
        let outlets = |outlets: &[ort::value::Outlet]| outlets.iter().map(described).collect::<Vec<_>>();
        let (inputs, outputs) = (outlets(first.inputs()), outlets(first.outputs()));
        let input = inputs.first().map(|outlet| outlet.name.clone()).unwrap_or_default();
        let runtime = Self { environment, graph, input, idle: Mutex::new(vec![first]) };
        Ok((runtime, inputs, outputs))
    }

    /// The named outputs for the one input.
    pub(super) fn run(&self, shape: &[usize], values: &[f32], outputs: &[&str]) -> Result<Vec<Vec<f32>>, SessionError> {
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
