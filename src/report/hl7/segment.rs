//! A segment of a message: its name, its fields by number, escapes, times.
//!
//! Fields are separated by `|`, components by `^`; empty ones at the end are left out; a segment ends with CR (HL7 v2.5.1,
//! section 2.5). Whatever comes from outside is escaped (section 2.7): the delimiters become `\F\`, `\S\`, `\T\`, `\R\`
//! and `\E\`. Control characters would end a segment or a block: they become `\Xhh…\`, the hexadecimal bytes of their
//! UTF-8 form. Everything else stays as it is.

use crate::time::Timestamp;

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

/// A text without a delimiter, a segment end or another control character.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '|' => escaped.push_str("\\F\\"),
            '^' => escaped.push_str("\\S\\"),
            '&' => escaped.push_str("\\T\\"),
            '~' => escaped.push_str("\\R\\"),
            '\\' => escaped.push_str("\\E\\"),
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') => {
                let bytes = c.to_string().bytes().map(|byte| format!("{byte:02X}")).collect::<String>();
                escaped.push_str(&format!("\\X{bytes}\\"));
            }
            c => escaped.push(c),
        }
    }
    escaped
}

/// A time as HL7 writes it, in whole seconds with its offset (HL7 v2.5.1, section 2.A.22).
pub(super) fn dtm(time: &Timestamp) -> String {
    let minutes = time.offset().seconds() / 60;
    let sign = if minutes < 0 { '-' } else { '+' };
    format!("{}{sign}{:02}{:02}", time.local().strftime("%Y%m%d%H%M%S"), minutes.abs() / 60, minutes.abs() % 60)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn fields_stand_at_their_number_and_empty_ends_are_left_out() {
        let segment = Segment::new("PID").text(3, "a|b").components(1, &["1", "", "x^y", ""]).raw(5, "");
        assert_eq!(segment.encoded(), "PID|1^^x\\S\\y||a\\F\\b\r");
        assert_eq!(Segment::new("NTE").encoded(), "NTE\r");
        assert_eq!(joined(&["", ""]), "");
    }

    #[test]
    fn a_time_keeps_its_offset() {
        let time = |text: &str| dtm(&Timestamp::parse(text).expect("a time"));
        assert_eq!(time("2025-01-02T10:30:00Z"), "20250102103000+0000");
        assert_eq!(time("2025-01-02T10:30:00.999-03:30"), "20250102103000-0330");
    }

    #[test]
    fn delimiters_and_controls_are_escaped_and_words_are_not() {
        assert_eq!(escaped("a|b^c&d~e\\f"), "a\\F\\b\\S\\c\\T\\d\\R\\e\\E\\f");
        assert_eq!(escaped("x\r\nOBX|"), "x\\X0D\\\\X0A\\OBX\\F\\");
        assert_eq!(escaped("\u{0b}\u{1c}\u{85}"), "\\X0B\\\\X1C\\\\XC285\\");
        assert_eq!(escaped("Müller, 2.4 % (1.7–3.4)"), "Müller, 2.4 % (1.7–3.4)");
    }

    /// What a receiver reads.
    fn unescaped(text: &str) -> String {
        let mut parts = text.split('\\');
        let mut read = parts.next().unwrap_or_default().to_owned();
        while let Some(sequence) = parts.next() {
            match sequence {
                "F" => read.push('|'),
                "S" => read.push('^'),
                "T" => read.push('&'),
                "R" => read.push('~'),
                "E" => read.push('\\'),
                hex => {
                    let digits = hex.strip_prefix('X').expect("a known sequence").as_bytes().chunks(2);
                    let bytes = digits.map(|pair| {
                        u8::from_str_radix(std::str::from_utf8(pair).expect("ASCII"), 16).expect("hexadecimal")
                    });
                    read.push_str(&String::from_utf8(bytes.collect()).expect("UTF-8"));
                }
            }
            read.push_str(parts.next().expect("the text behind a sequence"));
        }
        read
    }

    proptest! {
        #[test]
        fn every_text_comes_back_and_ends_no_segment(text in any::<String>(), more in "[|^&~\\\\\r\n\u{b}\u{1c}a]{0,20}") {
            for text in [text, more] {
                let escaped = escaped(&text);
                let broken = escaped.contains(['|', '^', '&', '~', '\r', '\n', '\u{b}', '\u{1c}']);
                prop_assert!(!broken);
                prop_assert_eq!(unescaped(&escaped), text);
            }
        }
    }
}
