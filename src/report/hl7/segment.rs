//! A segment: its name and its fields by number.
//!
//! Fields are separated by `|`, components by `^`; empty ones at the end are left out; a segment ends with CR (HL7 v2.5.1,
//! section 2.5). Whatever comes from outside goes through [`escaped`].

use super::escape::escaped;

/// A segment under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Segment {
    name: &'static str,
    /// Field `n` at index `n - 1`.
    fields: Vec<String>,
}

impl Segment {
    /// A segment without fields.
    pub(super) fn new(name: &'static str) -> Self {
        Self { name, fields: Vec::new() }
    }

    /// Sets a field to a text, which is escaped.
    pub(super) fn text(self, number: usize, text: &str) -> Self {
        self.raw(number, escaped(text))
    }

    /// Sets a field to components, which are escaped.
    pub(super) fn components(self, number: usize, components: &[&str]) -> Self {
        self.raw(number, joined(components))
    }

    /// Sets a field that is encoded already.
    pub(super) fn raw(mut self, number: usize, field: impl Into<String>) -> Self {
        if self.fields.len() < number {
            self.fields.resize(number, String::new());
        }
        self.fields[number - 1] = field.into();
        self
    }

    /// Its name.
    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    /// The segment with its end.
    pub(super) fn encoded(&self) -> String {
        let used = self.fields.iter().rposition(|field| !field.is_empty()).map_or(0, |last| last + 1);
        let mut text = self.name.to_owned();
        for field in &self.fields[..used] {
            text.push('|');
            text.push_str(field);
        }
        text.push('\r');
        text
    }
}

/// Components, escaped, without empty ones at the end.
pub(super) fn joined(components: &[&str]) -> String {
    let used = components.iter().rposition(|component| !component.is_empty()).map_or(0, |last| last + 1);
    components[..used].iter().map(|component| escaped(component)).collect::<Vec<_>>().join("^")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_stand_at_their_number_and_empty_ends_are_left_out() {
        let segment = Segment::new("PID").text(3, "a|b").components(1, &["1", "", "x^y", ""]).raw(5, "");
        assert_eq!(segment.encoded(), "PID|1^^x\\S\\y||a\\F\\b\r");
        assert_eq!(Segment::new("NTE").encoded(), "NTE\r");
        assert_eq!(joined(&["", ""]), "");
    }
}
