//! Reads values by name from the environment or the file, and collects everything that is wrong on the way.

use std::{collections::BTreeMap, fmt::Display, path::PathBuf, str::FromStr, time::Duration};

use url::Url;

use super::{
    Invalid, Problem,
    catalog::{self, CLIENT_NAMES},
};
use crate::{fault, platform::settings::Values, secret::Secret};

/// The file that is read when none is named.
pub(super) const DEFAULT_FILE: &str = "aurareels.toml";

/// The text of the named file, or of the default file if it is there.
pub(super) fn read_file(named: Option<PathBuf>) -> Result<Option<(PathBuf, String)>, Invalid> {
    let optional = named.is_none();
    let path = named.unwrap_or_else(|| PathBuf::from(DEFAULT_FILE));
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(Some((path, text))),
        Err(error) if optional && error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Invalid(vec![Problem {
            setting: path.display().to_string(),
            message: format!("cannot be read ({error}); give the path of a readable file with --config"),
        }])),
    }
}

/// A value with where it came from.
struct Given {
    from: String,
    value: Raw,
}

enum Raw {
    One(String),
    /// An array of the file.
    Many(Vec<String>),
}

/// Hands out values by the name of their setting.
pub(super) struct Reader {
    given: BTreeMap<&'static str, Given>,
    problems: Vec<Problem>,
    #[cfg(test)]
    pub(super) asked: std::collections::BTreeSet<&'static str>,
}

impl Reader {
    /// Merges the file and the environment, which wins.
    pub(super) fn new(file: &str, text: &str, environment: &BTreeMap<String, String>) -> Self {
        let mut reader = Self {
            given: BTreeMap::new(),
            problems: Vec::new(),
            #[cfg(test)]
            asked: std::collections::BTreeSet::new(),
        };
        reader.take_file(file, text);
        reader.take_environment(environment);
        reader
    }

    fn take_file(&mut self, file: &str, text: &str) {
        let tables = match text.parse::<toml::Table>() {
            Ok(tables) => tables,
            Err(error) => {
                let line = error.span().map_or(1, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
                return self.problem(format!("{file}, line {line}"), format!("is not TOML: {}", error.message()));
            }
        };
        for (table, keys) in tables {
            let toml::Value::Table(keys) = keys else {
                let message = "stands outside of a table; put it under a [table] as aurareels.example.toml does";
                self.problem(format!("{file}: {table}"), message.to_owned());
                continue;
            };
            for (key, value) in keys {
                let from = format!("{file}: {table}.{key}");
                match catalog::all().find(|setting| setting.table == table && setting.key == key) {
                    Some(setting) => match raw(value) {
                        Some(value) => drop(self.given.insert(setting.name, Given { from, value })),
                        None => self.problem(from, "must be a text, number, true or false, or a list of texts".into()),
                    },
                    None => {
                        let known = catalog::all().map(|s| (format!("{}.{}", s.table, s.key), s.key));
                        let hint = hint(&key, known);
                        self.problem(from, format!("is no setting of this release; remove it{hint}"));
                    }
                }
            }
        }
    }

    fn take_environment(&mut self, environment: &BTreeMap<String, String>) {
        for (name, value) in environment {
            match catalog::by_name(name) {
                Some(setting) if !value.trim().is_empty() => {
                    let given = Given { from: name.clone(), value: Raw::One(value.clone()) };
                    self.given.insert(setting.name, given);
                }
                Some(_) => {}
                None if CLIENT_NAMES.contains(&name.as_str()) || fault::NAMES.contains(&name.as_str()) => {}
                None if name.starts_with("AURAREELS_") => {
                    let hint = hint(name, catalog::all().map(|s| (s.name.to_owned(), s.name)));
                    self.problem(name.clone(), format!("is no setting of this release; unset it{hint}"));
                }
                None => {}
            }
        }
    }

    /// Notes that something is wrong, once: several platforms may read one setting.
    pub(super) fn problem(&mut self, setting: String, message: String) {
        let problem = Problem { setting, message };
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }

    /// Notes that something is wrong with a setting, by where it was given.
    pub(super) fn wrong(&mut self, name: &'static str, message: impl Into<String>) {
        let setting = self.given.get(name).map_or_else(|| name.to_owned(), |given| given.from.clone());
        self.problem(setting, message.into());
    }

    /// The settings, if nothing was wrong.
    pub(super) fn finish<T>(self, settings: Option<T>) -> Result<T, Invalid> {
        match settings {
            Some(settings) if self.problems.is_empty() => Ok(settings),
            _ => Err(Invalid(self.problems)),
        }
    }

    fn get(&mut self, name: &'static str) -> Option<&Given> {
        debug_assert!(catalog::by_name(name).is_some(), "{name} is not in the catalog");
        #[cfg(test)]
        self.asked.insert(name);
        self.given.get(name)
    }

    /// A text, trimmed; `None` when not given or empty.
    pub(super) fn text(&mut self, name: &'static str) -> Option<String> {
        match &self.get(name)?.value {
            Raw::One(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
            Raw::Many(_) => {
                self.wrong(name, "must be one text, not a list");
                None
            }
        }
    }

    /// A secret.
    pub(super) fn secret(&mut self, name: &'static str) -> Option<Secret> {
        self.text(name).map(Secret::from)
    }

    /// A list: of the file, or separated by commas or line breaks.
    pub(super) fn list(&mut self, name: &'static str) -> Vec<String> {
        let split = |text: &String| text.split([',', '\n']).map(str::to_owned).collect::<Vec<_>>();
        let items = match self.get(name).map(|given| &given.value) {
            None => return Vec::new(),
            Some(Raw::One(text)) => split(text),
            Some(Raw::Many(items)) => items.clone(),
        };
        items.iter().map(|item| item.trim().to_owned()).filter(|item| !item.is_empty()).collect()
    }

    /// A value of any kind that has a text form; `rule` says which, and what to give.
    pub(super) fn parsed<T: FromStr>(&mut self, name: &'static str, rule: &str) -> Option<T> {
        let text = self.text(name)?;
        let parsed = text.parse().ok();
        if parsed.is_none() {
            self.wrong(name, format!("is `{text}`, but must be {rule}"));
        }
        parsed
    }

    /// A number within bounds.
    pub(super) fn number<T>(&mut self, name: &'static str, least: T, most: T, default: T) -> T
    where
        T: FromStr + PartialOrd + Display + Copy,
    {
        let rule = format!("a number from {least} to {most}");
        match self.parsed::<T>(name, &rule) {
            Some(value) if value < least || value > most => {
                self.wrong(name, format!("is {value}, but must be {rule}"));
                default
            }
            Some(value) => value,
            None => default,
        }
    }

    /// A span in seconds, fractions allowed.
    pub(super) fn seconds(&mut self, name: &'static str, least: f64, most: f64, default: f64) -> Duration {
        Duration::from_secs_f64(self.number(name, least, most, default))
    }

    /// True or false.
    pub(super) fn flag(&mut self, name: &'static str) -> bool {
        let text = self.text(name).map(|text| text.to_ascii_lowercase());
        match text.as_deref() {
            None | Some("false" | "0" | "no" | "off") => false,
            Some("true" | "1" | "yes" | "on") => true,
            Some(other) => {
                self.wrong(name, format!("is `{other}`, but must be true or false"));
                false
            }
        }
    }

    /// An http or https address.
    pub(super) fn url(&mut self, name: &'static str) -> Option<Url> {
        let rule = "an address such as https://example.org";
        let url: Url = self.parsed(name, rule)?;
        if matches!(url.scheme(), "http" | "https") && url.has_host() && url.username().is_empty() {
            return Some(url);
        }
        self.wrong(name, format!("must be {rule}, with http or https and without a user name"));
        None
    }

    /// Scheme and host that replace the vendor's.
    pub(super) fn base_url(&mut self, name: &'static str, vendor: &str) -> Url {
        let default = Url::parse(&format!("https://{vendor}")).expect("the vendors' hosts are addresses");
        match self.url(name) {
            Some(url) if url.path() != "/" || url.query().is_some() || url.fragment().is_some() => {
                self.wrong(name, format!("replaces scheme and host of https://{vendor} only; leave out the path"));
                default
            }
            Some(url) => url,
            None => default,
        }
    }
}

impl Values for Reader {
    fn text(&mut self, name: &'static str) -> Option<String> {
        Self::text(self, name)
    }

    fn number(&mut self, name: &'static str, least: u32, most: u32, default: u32) -> u32 {
        Self::number(self, name, least, most, default)
    }

    fn base_url(&mut self, name: &'static str, vendor: &str) -> Url {
        Self::base_url(self, name, vendor)
    }

    fn wrong(&mut self, name: &'static str, message: String) {
        Self::wrong(self, name, message);
    }
}

fn raw(value: toml::Value) -> Option<Raw> {
    let one = |value: toml::Value| match value {
        toml::Value::String(text) => Some(text),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Float(number) => Some(number.to_string()),
        toml::Value::Boolean(flag) => Some(flag.to_string()),
        toml::Value::Datetime(_) | toml::Value::Array(_) | toml::Value::Table(_) => None,
    };
    match value {
        toml::Value::Array(items) => items.into_iter().map(one).collect::<Option<_>>().map(Raw::Many),
        value => one(value).map(Raw::One),
    }
}

/// " (did you mean `x`?)" for the known name that is nearest.
fn hint<'a>(name: &str, known: impl Iterator<Item = (String, &'a str)>) -> String {
    known
        .map(|(shown, compared)| (distance(name, compared), shown))
        .min()
        .filter(|(distance, _)| *distance <= 3)
        .map_or_else(String::new, |(_, shown)| format!(" (did you mean `{shown}`?)"))
}

/// How many letters must change to make one name of the other.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let above = row[j + 1];
            row[j + 1] = (corner + usize::from(from != *to)).min(above + 1).min(row[j] + 1);
            corner = above;
        }
    }
    row[b.len()]
}
