//! The effective configuration key by key, each with where its value came from.
//!
//! In: settings as JSON (null where not set) and the keys of the file. Out: one [`Entry`] for each leaf, sorted by key,
//! keys as TOML writes them in one line.

use std::fmt;
use std::path::PathBuf;

use serde_json::Value;

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntrySource {
    /// Built in.
    BuiltIn,
    /// A configuration file.
    File(PathBuf),
}

/// One key of the configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Key with its tables, dotted.
    pub key: String,
    /// Value; `None` where it is not set.
    pub value: Option<Value>,
    /// Where it came from.
    pub source: EntrySource,
}

impl fmt::Display for Entry {
    /// A line of TOML with the source as its comment; a key that is not set is a comment as a whole.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let source = match &self.source {
            EntrySource::BuiltIn => "built in".to_owned(),
            // A line break in a path would end the comment.
            EntrySource::File(path) => path.display().to_string().replace(char::is_control, "?"),
        };
        match &self.value {
            Some(value) => write!(f, "{} = {}  # {source}", self.key, Inline(value)),
            None => write!(f, "# {} is not set", self.key),
        }
    }
}

/// A JSON value as TOML in one line.
struct Inline<'a>(&'a Value);

impl fmt::Display for Inline<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Value::Array(items) => {
                let items: Vec<String> = items.iter().map(|item| Inline(item).to_string()).collect();
                write!(f, "[{}]", items.join(", "))
            }
            Value::Object(members) => {
                let members: Vec<String> = members
                    .iter()
                    .filter(|(_, value)| !value.is_null())
                    .map(|(name, value)| format!("{} = {}", key_part(name), Inline(value)))
                    .collect();
                write!(f, "{{ {} }}", members.join(", "))
            }
            Value::String(text) => write!(f, "{}", toml::Value::String(text.clone())),
            other => write!(f, "{other}"),
        }
    }
}

/// A part of a key, quoted where TOML asks for it.
fn key_part(name: &str) -> String {
    let bare = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
    if bare { name.to_owned() } else { toml::Value::String(name.to_owned()).to_string() }
}

/// The entries of settings.
pub(super) fn of(effective: &Value, file: Option<&(PathBuf, toml::Table)>) -> Result<Vec<Entry>, serde_json::Error> {
    let given =
        file.map(|(path, table)| Ok::<_, serde_json::Error>((path, serde_json::to_value(table)?))).transpose()?;
    let mut entries = Vec::new();
    walk(effective, given.as_ref().map(|(_, value)| value), "", &mut |key, value, is_given| {
        let source = match given.as_ref().filter(|_| is_given) {
            Some((path, _)) => EntrySource::File((*path).clone()),
            None => EntrySource::BuiltIn,
        };
        entries.push(Entry { key, value: (!value.is_null()).then(|| value.clone()), source });
    });
    entries.sort_by(|one, other| one.key.cmp(&other.key));
    Ok(entries)
}

/// Calls `leaf` with key, value and whether the file gives it; lists and what a file gives as a whole are leaves.
fn walk(value: &Value, given: Option<&Value>, key: &str, leaf: &mut impl FnMut(String, &Value, bool)) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (name, member) in members {
                let part = key_part(name);
                let key = if key.is_empty() { part } else { format!("{key}.{part}") };
                walk(member, given.and_then(|given| given.get(name)), &key, leaf);
            }
        }
        _ => leaf(key.to_owned(), value, given.is_some()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{LoadedSettings, Settings};
    use super::*;

    const TEXT: &str = r#"
        [laboratory]
        name = "Lab \"A\""
        [count]
        min_cells = 2000
        grading = { name = "t", steps = [{ label = "few", from_percent = 0.5 }] }
        [clinical.panel.local_codes]
        "PLT.1" = "platelets"
    "#;

    fn loaded() -> LoadedSettings {
        let text = TEXT.replace("0.5", "0.0");
        LoadedSettings::parse(&text, PathBuf::from("lab.toml")).expect("a sound file")
    }

    #[test]
    fn each_key_names_its_source() {
        let entries = loaded().entries().expect("plain values");
        let line = |key: &str| entries.iter().find(|entry| entry.key == key).map(ToString::to_string);
        assert_eq!(line("count.min_cells").as_deref(), Some("count.min_cells = 2000  # lab.toml"));
        assert_eq!(
            line("clinical.scores.dic_version").as_deref(),
            Some("clinical.scores.dic_version = \"2025\"  # built in")
        );
        assert_eq!(
            line("clinical.scores.prothrombin_time_upper_s").as_deref(),
            Some("# clinical.scores.prothrombin_time_upper_s is not set")
        );
        assert!(line("clinical.panel.local_codes.\"PLT.1\"").is_some_and(|line| line.ends_with("lab.toml")));
    }

    #[test]
    fn the_listing_is_a_configuration_with_the_same_values() {
        let loaded = loaded();
        let listing: String =
            loaded.entries().expect("plain values").iter().map(|entry| format!("{entry}\n")).collect();
        let again = LoadedSettings::parse(&listing, PathBuf::from("listing")).expect("its own listing");
        assert_eq!(again.settings, loaded.settings);
        assert_ne!(again.settings, Settings::default());
    }
}
