//! The evidence that a platform's post is the one that our post made.

use std::str::FromStr;

use super::platform::UnknownValue;

/// The evidence that a platform's id belongs to a post.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BoundBy {
    /// The platform's direct answer for our own handle. Overrides a match.
    #[default]
    Answer,
    /// A match in the account's list, by caption and time.
    Match,
    /// A person's word.
    Person,
}

impl BoundBy {
    /// The stored form.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Answer => "answer",
            Self::Match => "match",
            Self::Person => "person",
        }
    }
}

impl FromStr for BoundBy {
    type Err = UnknownValue;

    fn from_str(text: &str) -> Result<Self, UnknownValue> {
        [Self::Answer, Self::Match, Self::Person]
            .into_iter()
            .find(|by| by.as_str() == text)
            .ok_or_else(|| UnknownValue { kind: "binding", value: text.to_owned() })
    }
}
