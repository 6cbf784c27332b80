//! Escapes of text inside a field (HL7 v2.5.1, section 2.7).
//!
//! The delimiters become `\F\`, `\S\`, `\T\`, `\R\` and `\E\`. Control characters would end a segment or a block: they
//! become `\Xhh…\`, the hexadecimal bytes of their UTF-8 form. Everything else stays as UTF-8.

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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

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
