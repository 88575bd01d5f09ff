//! What was given, before it is read: texts by key, and where each came from.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use super::error::ConfigError;
use super::form::Form;
use super::key::Key;
use super::keys::keys;

/// How the name of every variable begins.
pub(super) const PREFIX: &str = "HEIMDALLR_";

/// Where many environments say where their Redis is.
const REDIS_URL: &str = "REDIS_URL";

/// The key that names the file. It has no setting and does not stand in the file itself.
pub(super) const CONFIG: &str = "config";

/// Texts by key.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Given(BTreeMap<String, Entry>);

#[derive(Debug, PartialEq)]
struct Entry {
    texts: Vec<String>,
    /// The key as it is spelt where it stands.
    spelling: String,
}

impl Given {
    /// Adds one more text to a key.
    pub(super) fn push(&mut self, key: &str, spelling: &str, text: String) {
        let empty = || Entry { texts: Vec::new(), spelling: spelling.to_owned() };
        self.0.entry(key.to_owned()).or_insert_with(empty).texts.push(text);
    }

    /// This, where `above` says nothing.
    pub(super) fn under(mut self, above: Self) -> Self {
        self.0.extend(above.0);
        self
    }

    /// The value of a key, or its default.
    pub(super) fn read<F: Form>(
        &self,
        key: &str,
        default: &[&str],
        form: &F,
    ) -> Result<F::Value, ConfigError> {
        let Some(entry) = self.0.get(key) else {
            let default: Vec<String> = default.iter().map(ToString::to_string).collect();
            return Ok(form.read(&default).expect("a test reads every default"));
        };
        let refused = || ConfigError::new(&entry.spelling, Some(entry.texts.join(", ")), form.expected());
        form.read(&entry.texts).ok_or_else(refused)
    }

    /// The keys, each as it is spelt where it stands.
    pub(super) fn spellings(&self) -> Vec<(String, String)> {
        self.0.iter().map(|(key, entry)| (key.clone(), entry.spelling.clone())).collect()
    }

    /// The file to read, when one was named.
    pub(super) fn path_of_file(&self) -> Result<Option<String>, ConfigError> {
        let Some(entry) = self.0.get(CONFIG) else { return Ok(None) };
        match entry.texts.as_slice() {
            [path] => Ok(Some(path.clone())),
            several => Err(ConfigError::new(&entry.spelling, Some(several.join(", ")), "one file")),
        }
    }

    /// What the variables that begin with our prefix say. A list has its items between commas.
    pub(super) fn from_environment(
        variables: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Self, ConfigError> {
        let keys = keys();
        let (mut given, mut others) = (Self::default(), Self::default());
        for (variable, value) in variables {
            let variable = variable.to_string_lossy();
            if variable == REDIS_URL {
                let value = value.into_string().map_err(|value| not_text(&variable, &value))?;
                others.insert("redis", REDIS_URL.to_owned(), split(&keys, "redis", value));
                continue;
            }
            let Some(name) = variable.strip_prefix(PREFIX) else { continue };
            let key = known_variable(&keys, name).ok_or_else(|| unknown_variable(&keys, &variable))?;
            let value = value.into_string().map_err(|value| not_text(&variable, &value))?;
            given.insert(key, variable.clone().into_owned(), split(&keys, key, value));
        }
        Ok(others.under(given))
    }

    /// What a file says.
    pub(super) fn from_file(path: &Path) -> Result<Self, ConfigError> {
        let unreadable = |error: std::io::Error| {
            ConfigError::new(
                CONFIG,
                Some(path.display().to_string()),
                format!("a file that can be read ({error})"),
            )
        };
        Self::from_toml(&std::fs::read_to_string(path).map_err(unreadable)?, &path.display().to_string())
    }

    /// What the text of a file says.
    pub(super) fn from_toml(text: &str, path: &str) -> Result<Self, ConfigError> {
        let malformed = |error: toml::de::Error| ConfigError::new(path, None, format!("TOML\n{error}"));
        let keys = keys();
        let mut given = Self::default();
        for (name, value) in text.parse::<toml::Table>().map_err(malformed)? {
            let spelling = format!("{name} in {path}");
            let key = keys.iter().find(|key| key.name == name);
            let key =
                key.ok_or_else(|| unknown(spelling.clone(), keys.iter().map(|key| key.name.to_owned())))?;
            let texts = texts_of(&value).filter(|_| key.is_list == value.is_array());
            let refused = || ConfigError::new(&spelling, Some(value.to_string()), &key.expected);
            given.insert(key.name, spelling.clone(), texts.ok_or_else(refused)?);
        }
        Ok(given)
    }

    fn insert(&mut self, key: &str, spelling: String, texts: Vec<String>) {
        self.0.insert(key.to_owned(), Entry { texts, spelling });
    }
}

/// A key that does not exist, and those that do.
pub(super) fn unknown(spelling: String, known: impl Iterator<Item = String>) -> ConfigError {
    let known: Vec<String> = known.collect();
    ConfigError::new(spelling, None, format!("a known key: {}", known.join(", ")))
}

fn known_variable<'k>(keys: &'k [Key], name: &str) -> Option<&'k str> {
    let names = keys.iter().map(|key| key.name).chain([CONFIG]);
    names.into_iter().find(|key| key.to_uppercase() == name)
}

fn unknown_variable(keys: &[Key], variable: &str) -> ConfigError {
    unknown(variable.to_owned(), keys.iter().map(Key::as_variable).chain([format!("{PREFIX}CONFIG")]))
}

fn not_text(spelling: &str, value: &OsString) -> ConfigError {
    ConfigError::new(spelling, Some(value.to_string_lossy().into_owned()), "UTF-8")
}

fn split(keys: &[Key], name: &str, value: String) -> Vec<String> {
    if keys.iter().any(|key| key.name == name && key.is_list) {
        value.split(',').map(|item| item.trim().to_owned()).filter(|item| !item.is_empty()).collect()
    } else {
        vec![value]
    }
}

fn texts_of(value: &toml::Value) -> Option<Vec<String>> {
    match value {
        toml::Value::String(text) => Some(vec![text.clone()]),
        toml::Value::Integer(number) => Some(vec![number.to_string()]),
        toml::Value::Boolean(truth) => Some(vec![truth.to_string()]),
        toml::Value::Array(items) => items.iter().map(|item| item.as_str().map(str::to_owned)).collect(),
        _ => None,
    }
}
