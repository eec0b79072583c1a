//! What `doctor` says of one thing that it looked at.

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    /// As it should be.
    Fine,
    /// It works, and could be better or become worse.
    Advice,
    /// It does not work.
    Wrong,
}

/// Something that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    /// How bad it is.
    pub(super) level: Level,
    /// What was looked at: a setting's name, or a word.
    pub(super) about: String,
    /// What was found.
    pub(super) message: String,
    /// What to do; empty where nothing is to be done.
    pub(super) remedy: String,
}

impl Finding {
    pub(super) fn fine(about: impl Into<String>, message: impl Into<String>) -> Self {
        Self { level: Level::Fine, about: about.into(), message: message.into(), remedy: String::new() }
    }

    pub(super) fn advice(about: impl Into<String>, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { level: Level::Advice, about: about.into(), message: message.into(), remedy: remedy.into() }
    }

    pub(super) fn wrong(about: impl Into<String>, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { level: Level::Wrong, about: about.into(), message: message.into(), remedy: remedy.into() }
    }
}
