//! What a graph takes and gives, as it declares it.
//!
//! In: the description of an engine. Out: an [`Outlet`], and its text for a refusal. Limits: numbers other than `f32` have the name
//! that the engine gives them.

use std::fmt;

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
    pub(super) element: String,
}

impl fmt::Display for Outlet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let extent = |extent: &Option<usize>| extent.map_or("any".to_owned(), |extent| extent.to_string());
        let shape = self.shape.as_ref().map(|shape| shape.iter().map(extent).collect::<Vec<_>>().join(", "));
        write!(f, "{}, {} [{}]", self.name, self.element, shape.as_deref().unwrap_or("shape not stated"))
    }
}
