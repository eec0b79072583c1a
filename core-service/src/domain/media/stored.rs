//! What a media check found, as it is stored: JSON text. It is looked at once or twice in the life of a post; as values it
//! would take ten times the memory meanwhile.

use serde_json::Value;

use super::MediaFacts;

/// The stored facts about a post's video.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredFacts(Box<str>);

impl StoredFacts {
    /// These facts.
    pub fn of(facts: &MediaFacts) -> Result<Self, serde_json::Error> {
        Ok(Self(serde_json::to_string(facts)?.into()))
    }

    /// As they are stored. Another release may have written them: only that they are JSON is checked.
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str::<serde::de::IgnoredAny>(text)?;
        Ok(Self(text.into()))
    }

    /// The JSON text.
    pub fn as_json(&self) -> &str {
        &self.0
    }

    /// The facts, if this release can read them.
    pub fn read(&self) -> Option<MediaFacts> {
        serde_json::from_str(&self.0).ok()
    }

    /// One fact by its name.
    pub fn get(&self, name: &str) -> Option<Value> {
        serde_json::from_str::<Value>(&self.0).ok()?.get(name).cloned()
    }
}
