//! A graph opened for an input of a size that is only known at run time.
//!
//! In: the bytes of an ONNX graph whose one input has the shape it was exported with. Out: the same graph with another
//! input shape. Method: the shape is rewritten in the protocol buffer, and the shapes that the export noted for values
//! inside and for outputs are dropped, since they follow from it. Needed because the embedded engine is several times
//! slower where a dimension is symbolic. Limits: for graphs whose operations take any size, convolutions for instance.

use prost::Message;
use tract_onnx::pb::tensor_shape_proto::{Dimension, dimension};
use tract_onnx::pb::{ModelProto, TensorShapeProto, TypeProto, ValueInfoProto, type_proto};

/// Why the shape of an input cannot be set.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GraphShapeError {
    /// Not the protocol buffer of an ONNX model.
    #[error("expected an ONNX model, found bytes that are none; export the graph again")]
    Malformed(#[from] prost::DecodeError),
    /// The graph does not have one input.
    #[error("expected a graph with one input tensor, found {found} inputs; export the graph again")]
    Inputs {
        /// Inputs there are.
        found: usize,
    },
}

/// The graph with its one input of the given shape.
///
/// # Errors
/// [`GraphShapeError`].
pub fn with_input_shape(graph: &[u8], shape: &[usize]) -> Result<Vec<u8>, GraphShapeError> {
    let mut model = ModelProto::decode(graph)?;
    let Some(body) = &mut model.graph else { return Err(GraphShapeError::Inputs { found: 0 }) };
    let found = body.input.len();
    let [input] = body.input.as_mut_slice() else { return Err(GraphShapeError::Inputs { found }) };
    let tensor = tensor_of(input).ok_or(GraphShapeError::Inputs { found: 0 })?;
    let dim = shape
        .iter()
        .map(|&extent| Dimension { denotation: String::new(), value: Some(dimension::Value::DimValue(extent as i64)) });
    tensor.shape = Some(TensorShapeProto { dim: dim.collect() });
    for tensor in body.output.iter_mut().filter_map(tensor_of) {
        tensor.shape = None;
    }
    body.value_info.clear();
    Ok(model.encode_to_vec())
}

fn tensor_of(value: &mut ValueInfoProto) -> Option<&mut type_proto::Tensor> {
    match value.r#type.as_mut()? {
        TypeProto { value: Some(type_proto::Value::TensorType(tensor)), .. } => Some(tensor),
        TypeProto { value: None, .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TINY: &[u8] = include_bytes!("../../fixtures/models/tiny.onnx");

    fn input_extents(graph: &[u8]) -> Vec<Option<dimension::Value>> {
        let mut model = ModelProto::decode(graph).expect("a model");
        let body = model.graph.as_mut().expect("a graph");
        let shape = tensor_of(&mut body.input[0]).and_then(|tensor| tensor.shape.clone()).expect("a shape");
        shape.dim.into_iter().map(|dim| dim.value).collect()
    }

    #[test]
    fn the_shape_is_set_and_the_weights_stay() {
        let changed = with_input_shape(TINY, &[2, 3, 48, 80]).expect("one input");
        let expected: Vec<_> = [2, 3, 48, 80].map(|extent| Some(dimension::Value::DimValue(extent))).into();
        assert_eq!(input_extents(&changed), expected);
        let initializers = |graph: &[u8]| {
            ModelProto::decode(graph).expect("a model").graph.map(|body| (body.node.len(), body.initializer))
        };
        assert_eq!(initializers(&changed), initializers(TINY));
    }

    #[test]
    fn bytes_that_are_no_model_are_refused() {
        let error = with_input_shape(b"no graph at all", &[1]).expect_err("no model");
        assert!(matches!(error, GraphShapeError::Malformed(_)), "{error}");
        let error = with_input_shape(b"", &[1]).expect_err("a model without a graph");
        assert!(matches!(error, GraphShapeError::Inputs { found: 0 }), "{error}");
    }
}
