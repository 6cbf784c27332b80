//! A graph cut before and after its depthwise convolutions: what RTen runs, and what [`DepthwiseConvolution`] does.
//!
//! In: the bytes of an ONNX graph. Out: steps in the order of the work, each with the places of the values that it takes and gives;
//! together they answer what the whole graph answers. Method: a value that comes from `n` depthwise convolutions one after another, at
//! most, belongs to part `n`; the nodes of a part are one graph, its convolutions follow it.
//!
//! Limits: a graph with graphs inside (`If`, `Loop`), and one whose input or output is that of such a convolution, is not cut;
//! convolutions that a [`DepthwiseConvolution`] cannot do stay where they are.

use std::collections::{BTreeMap, HashMap, HashSet};

use rten_onnx::onnx::{
    AttributeProto, DataType, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto, ValueInfoProto,
};

use super::depthwise::DepthwiseConvolution;

/// A graph in steps.
pub(super) struct Steps {
    /// In the order of the work.
    pub steps: Vec<Step>,
    /// Values that go from one step to another, or in or out: how many places they take.
    pub places: usize,
    /// Name and place of each input of the graph.
    pub inputs: Vec<(String, usize)>,
    /// Name and place of each output of the graph.
    pub outputs: Vec<(String, usize)>,
}

/// One step.
pub(super) enum Step {
    /// A graph of its own.
    Part {
        /// Its bytes, as ONNX.
        graph: Vec<u8>,
        /// Name and place of each input.
        inputs: Vec<(String, usize)>,
        /// Name and place of each output.
        outputs: Vec<(String, usize)>,
    },
    /// A depthwise convolution: the place of what it takes and of what it gives.
    Depthwise(DepthwiseConvolution, [usize; 2]),
}

/// Cuts a graph; `None` where it has no depthwise convolution to cut out or cannot be cut.
pub(super) fn cut(bytes: &[u8]) -> Option<Steps> {
    let mut model = ModelProto::parse_buf(bytes).ok()?;
    let graph = model.graph.take()?;
    let constants = Constants::of(&graph);
    let nodes = placed(&graph, &constants)?;
    if nodes.iter().all(|node| node.convolution.is_none()) {
        return None;
    }
    let last = nodes.iter().map(|node| node.part).max()?;
    let mut places = Places::default();
    let mut steps = Vec::new();
    let crossing = crossing(&graph, &nodes);
    for part in 0..=last {
        let (of_part, after): (Vec<_>, Vec<_>) =
            nodes.iter().filter(|node| node.part == part).partition(|node| node.convolution.is_none());
        let made: HashSet<&str> = of_part.iter().flat_map(|node| &node.node.output).map(String::as_str).collect();
        let taken = of_part.iter().flat_map(|node| inputs_of(node.node));
        let mut inputs: Vec<&str> = taken.filter(|name| !made.contains(name) && !constants.holds(name)).collect();
        inputs.sort_unstable();
        inputs.dedup();
        let mut outputs: Vec<&str> = made.into_iter().filter(|name| crossing.contains(name)).collect();
        outputs.sort_unstable();
        if !of_part.is_empty() {
            let graph = GraphProto {
                node: constants.nodes_for(&of_part).chain(of_part.iter().map(|node| node.node)).cloned().collect(),
                initializer: constants.tensors_for(&graph, &of_part),
                input: inputs.iter().map(|name| declared(&graph, name)).collect(),
                output: outputs.iter().map(|name| declared(&graph, name)).collect(),
                value_info: Vec::new(),
            };
            let mut placed =
                |names: Vec<&str>| names.iter().map(|name| ((*name).to_owned(), places.of(name))).collect();
            steps.push(Step::Part { graph: written(&model, graph)?, inputs: placed(inputs), outputs: placed(outputs) });
        }
        for node in after {
            let ends = [places.of(node.node.input.first()?), places.of(node.node.output.first()?)];
            steps.push(Step::Depthwise(node.convolution.clone()?, ends));
        }
    }
    let names = |ends: &[ValueInfoProto]| ends.iter().filter_map(|end| end.name.clone()).collect::<Vec<_>>();
    let in_parts = |names: Vec<String>| names.iter().map(|name| in_a_part(&steps, name)).collect::<Option<Vec<_>>>();
    // Older graphs declare their initializers as inputs, too.
    let taken = names(&graph.input).into_iter().filter(|name| !constants.holds(name)).collect();
    let (inputs, outputs) = (in_parts(taken)?, in_parts(names(&graph.output))?);
    Some(Steps { places: places.0.len(), inputs, outputs, steps })
}

/// A value that a part takes or gives, with its place.
fn in_a_part(steps: &[Step], name: &str) -> Option<(String, usize)> {
    let mut values = steps.iter().flat_map(|step| match step {
        Step::Part { inputs, outputs, .. } => [inputs.as_slice(), outputs].concat(),
        Step::Depthwise(..) => Vec::new(),
    });
    values.find(|(value, _)| value == name)
}

/// A node with the part that it belongs to, and what it does where it is a depthwise convolution.
struct Placed<'a> {
    node: &'a NodeProto,
    part: usize,
    convolution: Option<DepthwiseConvolution>,
}

/// The nodes that are no constants, in their order; `None` where one holds a graph or takes a value that none before it gives.
fn placed<'a>(graph: &'a GraphProto, constants: &Constants<'a>) -> Option<Vec<Placed<'a>>> {
    let mut parts: HashMap<&str, usize> =
        graph.input.iter().filter_map(|input| Some((input.name.as_deref()?, 0))).collect();
    let mut nodes = Vec::new();
    for node in graph.node.iter().filter(|node| !is_constant(node)) {
        if node.attribute.iter().any(|attribute| attribute.g.is_some()) {
            return None;
        }
        let taken = inputs_of(node).filter(|name| !constants.holds(name));
        let part =
            taken.map(|name| parts.get(name).copied()).collect::<Option<Vec<_>>>()?.into_iter().max().unwrap_or(0);
        let convolution = depthwise(node, constants);
        let after = part + usize::from(convolution.is_some());
        parts.extend(node.output.iter().map(|output| (output.as_str(), after)));
        nodes.push(Placed { node, part, convolution });
    }
    Some(nodes)
}

/// Values that a part gives to another, to a convolution or to the caller.
fn crossing<'a>(graph: &'a GraphProto, nodes: &[Placed<'a>]) -> HashSet<&'a str> {
    let mut made: HashMap<&str, usize> = HashMap::new();
    for node in nodes.iter().filter(|node| node.convolution.is_none()) {
        made.extend(node.node.output.iter().map(|output| (output.as_str(), node.part)));
    }
    let mut crossing: HashSet<&str> = graph.output.iter().filter_map(|output| output.name.as_deref()).collect();
    for node in nodes {
        let elsewhere = |name: &&str| made.get(name).is_some_and(|part| *part != node.part);
        crossing.extend(inputs_of(node.node).filter(|name| node.convolution.is_some() || elsewhere(name)));
    }
    crossing
}

/// The names that a node takes; an optional input that is left out has none.
fn inputs_of(node: &NodeProto) -> impl Iterator<Item = &str> {
    node.input.iter().map(String::as_str).filter(|name| !name.is_empty())
}

fn is_constant(node: &NodeProto) -> bool {
    node.op_type.as_deref() == Some("Constant")
}

/// How the graph declares a value; by name alone where it does not.
fn declared(graph: &GraphProto, name: &str) -> ValueInfoProto {
    let mut all = graph.input.iter().chain(&graph.output).chain(&graph.value_info);
    let found = all.find(|value| value.name.as_deref() == Some(name)).cloned();
    found.unwrap_or_else(|| ValueInfoProto { name: Some(name.to_owned()), r#type: None })
}

/// A graph as the bytes of a model like the one that it was cut from.
fn written(model: &ModelProto, graph: GraphProto) -> Option<Vec<u8>> {
    let version = |set: &OperatorSetIdProto| OperatorSetIdProto { domain: set.domain.clone(), version: set.version };
    let part = ModelProto {
        ir_version: model.ir_version,
        graph: Some(graph),
        opset_import: model.opset_import.iter().map(version).collect(),
        ..ModelProto::default()
    };
    part.write_buf().ok()
}

/// The numbers that a graph holds, by name: as initializers or as the values of `Constant` nodes.
struct Constants<'a> {
    tensors: BTreeMap<&'a str, &'a TensorProto>,
    nodes: BTreeMap<&'a str, &'a NodeProto>,
}

impl<'a> Constants<'a> {
    fn of(graph: &'a GraphProto) -> Self {
        let named = |tensor: &'a TensorProto| Some((tensor.name.as_deref()?, tensor));
        let node = |node: &'a NodeProto| Some((node.output.first()?.as_str(), node));
        Self {
            tensors: graph.initializer.iter().filter_map(named).collect(),
            nodes: graph.node.iter().filter(|node| is_constant(node)).filter_map(node).collect(),
        }
    }

    fn holds(&self, name: &str) -> bool {
        self.tensors.contains_key(name) || self.nodes.contains_key(name)
    }

    /// Numbers of a tensor of finite `f32`, and its shape.
    fn floats(&self, name: &str) -> Option<(Vec<usize>, Vec<f32>)> {
        let of_node = |node: &&'a NodeProto| attribute(node, "value")?.t.as_ref();
        let tensor = self.tensors.get(name).copied().or_else(|| self.nodes.get(name).and_then(of_node))?;
        if tensor.data_type != Some(DataType::FLOAT) || !tensor.external_data.is_empty() {
            return None;
        }
        let numbers: Vec<f32> = match &tensor.raw_data {
            Some(raw) => raw.borrow().as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect(),
            None => tensor.float_data.clone(),
        };
        let shape = tensor.dims.iter().map(|&extent| usize::try_from(extent).ok()).collect::<Option<Vec<_>>>()?;
        let size = shape.iter().try_fold(1usize, |size, extent| size.checked_mul(*extent))?;
        let is_sound = numbers.len() == size && numbers.iter().all(|number| number.is_finite());
        is_sound.then_some((shape, numbers))
    }

    /// The `Constant` nodes that some nodes take.
    fn nodes_for(&self, nodes: &[&Placed<'a>]) -> impl Iterator<Item = &'a NodeProto> {
        let taken: HashSet<&str> = nodes.iter().flat_map(|node| inputs_of(node.node)).collect();
        self.nodes.iter().filter(move |(name, _)| taken.contains(*name)).map(|(_, node)| *node)
    }

    /// The initializers that some nodes take, in the order of the graph.
    fn tensors_for(&self, graph: &GraphProto, nodes: &[&Placed<'a>]) -> Vec<TensorProto> {
        let taken: HashSet<&str> = nodes.iter().flat_map(|node| inputs_of(node.node)).collect();
        let is_taken = |tensor: &&TensorProto| tensor.name.as_deref().is_some_and(|name| taken.contains(name));
        graph.initializer.iter().filter(is_taken).cloned().collect()
    }
}

/// The places of the values that go from one step to another, by name.
#[derive(Default)]
struct Places(HashMap<String, usize>);

impl Places {
    fn of(&mut self, name: &str) -> usize {
        let next = self.0.len();
        *self.0.entry(name.to_owned()).or_insert(next)
    }
}

fn attribute<'a>(node: &'a NodeProto, name: &str) -> Option<&'a AttributeProto> {
    node.attribute.iter().find(|attribute| attribute.name.as_deref() == Some(name))
}

/// A node as a depthwise convolution; `None` where it is none, or none that [`DepthwiseConvolution`] can do.
fn depthwise(node: &NodeProto, constants: &Constants<'_>) -> Option<DepthwiseConvolution> {
    if node.op_type.as_deref() != Some("Conv") || node.domain.as_deref().is_some_and(|domain| !domain.is_empty()) {
        return None;
    }
    let (shape, kernels) = constants.floats(node.input.get(1)?)?;
    let &[channels, 1, height, width] = shape.as_slice() else { return None };
    let group = attribute(node, "group").and_then(|group| group.i).unwrap_or(1);
    if channels < 2 || usize::try_from(group) != Ok(channels) || height == 0 || width == 0 {
        return None;
    }
    if attribute(node, "auto_pad").and_then(|pad| pad.s.as_deref()).is_some_and(|pad| pad != "NOTSET") {
        return None;
    }
    let bias = match node.input.get(2).filter(|name| !name.is_empty()) {
        Some(name) => constants.floats(name)?.1,
        None => vec![0.0; channels],
    };
    let [row_step, 1] = extents(node, "strides", 1)? else { return None };
    let convolution = DepthwiseConvolution {
        kernels,
        bias,
        kernel_size: [height, width],
        row_step,
        dilations: extents(node, "dilations", 1)?,
        padding: extents(node, "pads", 0)?,
    };
    let is_sound = convolution.bias.len() == channels && row_step > 0 && !convolution.dilations.contains(&0);
    is_sound.then_some(convolution)
}

/// Whole numbers of a node, each below 65,536, so that sums of them are numbers; `missing` for each where it states none.
fn extents<const N: usize>(node: &NodeProto, name: &str, missing: usize) -> Option<[usize; N]> {
    let Some(stated) = attribute(node, name) else { return Some([missing; N]) };
    let extent = |&extent: &i64| u16::try_from(extent).ok().map(usize::from);
    stated.ints.iter().map(extent).collect::<Option<Vec<_>>>()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rten::{Model, ValueOrView};
    use rten_onnx::onnx::AttributeType;
    use rten_tensor::Tensor;
    use rten_tensor::prelude::*;

    use super::*;

    const CLASSIFIER: &[u8] = include_bytes!("../../models/schistoquant-rbc13.onnx");
    const DETECTOR: &[u8] = include_bytes!("../../models/schistoquant-cells.onnx");

    fn whole_numbers(name: &str, ints: &[usize]) -> AttributeProto {
        AttributeProto {
            name: Some(name.to_owned()),
            ints: ints.iter().map(|extent| *extent as i64).collect(),
            r#type: Some(AttributeType::INTS),
            ..AttributeProto::default()
        }
    }

    fn tensor(name: &str, dims: &[usize], numbers: Vec<f32>) -> TensorProto {
        TensorProto {
            name: Some(name.to_owned()),
            dims: dims.iter().map(|extent| *extent as i64).collect(),
            data_type: Some(DataType::FLOAT),
            float_data: numbers,
            ..TensorProto::default()
        }
    }

    fn node(kind: &str, inputs: &[&str], output: &str) -> NodeProto {
        NodeProto {
            op_type: Some(kind.to_owned()),
            input: inputs.iter().map(|name| (*name).to_owned()).collect(),
            output: vec![output.to_owned()],
            ..NodeProto::default()
        }
    }

    /// A depthwise convolution of `x` named `y`.
    fn depthwise_node(channels: usize, row_step: usize, dilations: [usize; 2], padding: [usize; 4]) -> NodeProto {
        let mut node = node("Conv", &["x", "w", "b"], "y");
        let group = AttributeProto {
            name: Some("group".to_owned()),
            i: Some(channels as i64),
            r#type: Some(AttributeType::INT),
            ..AttributeProto::default()
        };
        node.attribute = vec![
            group,
            whole_numbers("strides", &[row_step, 1]),
            whole_numbers("dilations", &dilations),
            whole_numbers("pads", &padding),
        ];
        node
    }

    fn value(name: &str) -> ValueInfoProto {
        ValueInfoProto { name: Some(name.to_owned()), r#type: None }
    }

    /// A model of some nodes from `x` to `output`.
    fn model(node: Vec<NodeProto>, initializer: Vec<TensorProto>, output: &str) -> Vec<u8> {
        let graph = GraphProto {
            node,
            initializer,
            input: vec![value("x")],
            output: vec![value(output)],
            value_info: Vec::new(),
        };
        let opset_import = vec![OperatorSetIdProto { domain: Some(String::new()), version: Some(17) }];
        let model = ModelProto { ir_version: Some(8), graph: Some(graph), opset_import, ..ModelProto::default() };
        model.write_buf().expect("a graph")
    }

    fn numbers(count: usize) -> Vec<f32> {
        (0..count).map(|index| ((index * 7919 + 13) % 2003) as f32 / 701.0 - 1.43).collect()
    }

    proptest! {
        #[test]
        fn a_convolution_gives_the_numbers_of_the_engine(
            shape in [1..3usize, 2..5, 5..12, 5..40],
            kernel_size in [1..4usize, 1..4],
            row_step in 1..3usize,
            dilations in [1..3usize, 1..3],
            padding in [0..3usize, 0..5, 0..3, 0..5],
        ) {
            let [_, channels, ..] = shape;
            let node = depthwise_node(channels, row_step, dilations, padding);
            let weights = tensor("w", &[channels, 1, kernel_size[0], kernel_size[1]], numbers(channels * kernel_size[0] * kernel_size[1]));
            let bias = tensor("b", &[channels], numbers(channels));
            let graph = GraphProto { node: vec![node.clone()], initializer: vec![weights.clone(), bias.clone()], ..GraphProto::default() };
            let found = depthwise(&node, &Constants::of(&graph)).expect("a depthwise convolution");
            let values = numbers(shape.iter().product());
            let (size, found) = found.run(&shape, &values).expect("it fits");
            let engine = Model::load(model(vec![node], vec![weights, bias], "y")).expect("a graph");
            let input = ValueOrView::Value(Tensor::from_data(&shape[..], values).into());
            let expected = engine.run_one(input, None).expect("a run").into_tensor::<f32>().expect("numbers");
            prop_assert_eq!(expected.shape(), &size[..]);
            prop_assert_eq!(expected.to_vec(), found);
        }
    }

    #[test]
    fn every_depthwise_convolution_of_the_classifier_is_cut_out_and_none_is_in_the_detector() {
        let steps = cut(CLASSIFIER).expect("depthwise convolutions");
        let convolutions = steps.steps.iter().filter(|step| matches!(step, Step::Depthwise(..))).count();
        assert_eq!((convolutions, steps.steps.len()), (7, 15));
        assert_eq!(steps.inputs, [("cells".to_owned(), 0)]);
        let names: Vec<&str> = steps.outputs.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["class_probability", "schistocyte_probability", "red_cell_probability"]);
        assert!(cut(DETECTOR).is_none());
    }

    #[test]
    fn what_cannot_be_cut_stays_whole() {
        let weights = || vec![tensor("w", &[2, 1, 1, 1], numbers(2)), tensor("b", &[2], numbers(2))];
        let between =
            |convolution: NodeProto| vec![node("Relu", &["in"], "x"), convolution, node("Relu", &["y"], "out")];
        let named_in = |nodes, output| {
            let mut parsed = ModelProto::parse_buf(&model(nodes, weights(), output)).expect("a graph");
            parsed.graph.as_mut().expect("a graph").input = vec![value("in")];
            parsed.write_buf().expect("a graph")
        };
        let plain = || depthwise_node(2, 1, [1, 1], [0; 4]);
        assert!(cut(&named_in(between(plain()), "out")).is_some());
        // The output is that of the convolution itself.
        assert!(cut(&named_in(vec![node("Relu", &["in"], "x"), plain()], "y")).is_none());
        // The input goes nowhere else.
        assert!(cut(&model(vec![plain(), node("Relu", &["y"], "out")], weights(), "out")).is_none());
        // A step along the row, padding that the engine works out, one channel for all, a graph inside, padding without end.
        let mut changed = [plain(), plain(), plain(), plain(), plain()];
        changed[0].attribute[1] = whole_numbers("strides", &[1, 2]);
        changed[1].attribute.push(AttributeProto {
            name: Some("auto_pad".to_owned()),
            s: Some("SAME_UPPER".to_owned()),
            r#type: Some(AttributeType::STRING),
            ..AttributeProto::default()
        });
        changed[2].attribute[0].i = Some(1);
        changed[4].attribute[3].ints[0] = i64::MAX;
        changed[3].attribute.push(AttributeProto { g: Some(GraphProto::default()), ..AttributeProto::default() });
        for convolution in changed {
            assert!(cut(&named_in(between(convolution), "out")).is_none());
        }
        assert!(cut(b"no graph at all").is_none());
    }
}
