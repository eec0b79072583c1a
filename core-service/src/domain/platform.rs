//! The platforms and the logins that connect them.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A social platform. The text forms are the original design's enum values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Platform {
    /// TikTok, by the Content Posting API.
    Tiktok,
    /// Instagram Reels.
    Instagram,
    /// Facebook Reels on a Page.
    Facebook,
    /// YouTube.
    Youtube,
    /// Only in tests: the example of docs/add-a-platform.md.
    #[cfg(test)]
    Example,
}

/// How many platforms there are, and how many logins.
const COUNT: usize = if cfg!(test) { 5 } else { 4 };

/// The words for a platform.
struct Words {
    stored: &'static str,
    shown: &'static str,
    /// Number in the API's enum.
    number: i32,
}

impl Platform {
    /// Characters of a caption that the platform's list of posts shows for sure; `None` where it shows all of them. TikTok gives
    /// 150, with an ellipsis among them (<https://developers.tiktok.com/doc/tiktok-api-v2-video-object>).
    pub const fn listed_characters(self) -> Option<usize> {
        match self {
            Self::Tiktok => Some(100),
            _ => None,
        }
    }

    /// Every platform that this release knows.
    pub const ALL: [Self; COUNT] = [
        Self::Tiktok,
        Self::Instagram,
        Self::Facebook,
        Self::Youtube,
        #[cfg(test)]
        Self::Example,
    ];

    const fn words(self) -> Words {
        match self {
            Self::Tiktok => Words { stored: "tiktok", shown: "TikTok", number: 1 },
            Self::Instagram => Words { stored: "instagram", shown: "Instagram", number: 2 },
            Self::Facebook => Words { stored: "facebook", shown: "Facebook", number: 3 },
            Self::Youtube => Words { stored: "youtube", shown: "YouTube", number: 4 },
            #[cfg(test)]
            Self::Example => Words { stored: "example", shown: "Example", number: 1000 },
        }
    }

    /// The stored form, also the last part of `/oauth/callback/{platform}`.
    pub const fn as_str(self) -> &'static str {
        self.words().stored
    }

    /// The name shown to people.
    pub const fn display_name(self) -> &'static str {
        self.words().shown
    }

    /// Its number in the API's enum.
    pub const fn number(self) -> i32 {
        self.words().number
    }

    /// The platform with this number in the API's enum.
    pub fn of_number(number: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|platform| platform.number() == number)
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A stored text that is not a known value.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("unknown {kind} `{value}`")]
pub struct UnknownValue {
    /// What kind of value was expected.
    pub kind: &'static str,
    /// What was found.
    pub value: String,
}

impl FromStr for Platform {
    type Err = UnknownValue;

    fn from_str(text: &str) -> Result<Self, UnknownValue> {
        Self::ALL
            .into_iter()
            .find(|platform| platform.as_str() == text)
            .ok_or_else(|| UnknownValue { kind: "platform", value: text.to_owned() })
    }
}

/// A login that connects accounts. They differ in hosts, scopes and abilities; one may bring accounts of several platforms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LoginFlavour {
    /// TikTok Login Kit v2.
    Tiktok,
    /// Facebook Pages, and Instagram by Facebook Login.
    FacebookLogin,
    /// Instagram by Instagram Login.
    InstagramLogin,
    /// YouTube by Google's OAuth 2.0.
    Google,
    /// Only in tests.
    #[cfg(test)]
    Example,
}

impl LoginFlavour {
    /// Every flavour.
    pub const ALL: [Self; COUNT] = [
        Self::Tiktok,
        Self::FacebookLogin,
        Self::InstagramLogin,
        Self::Google,
        #[cfg(test)]
        Self::Example,
    ];

    /// The stored form, and the number in the API's enum.
    const fn words(self) -> (&'static str, i32) {
        match self {
            Self::Tiktok => ("tiktok", 1),
            Self::FacebookLogin => ("facebook_login", 2),
            Self::InstagramLogin => ("instagram_login", 3),
            Self::Google => ("google", 4),
            #[cfg(test)]
            Self::Example => ("example", 1000),
        }
    }

    /// The stored form.
    pub const fn as_str(self) -> &'static str {
        self.words().0
    }

    /// Its number in the API's enum.
    pub const fn number(self) -> i32 {
        self.words().1
    }

    /// The login with this number in the API's enum.
    pub fn of_number(number: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|flavour| flavour.number() == number)
    }
}

impl fmt::Display for LoginFlavour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for LoginFlavour {
    type Err = UnknownValue;

    fn from_str(text: &str) -> Result<Self, UnknownValue> {
        Self::ALL
            .into_iter()
            .find(|flavour| flavour.as_str() == text)
            .ok_or_else(|| UnknownValue { kind: "login flavour", value: text.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_forms_round_trip() {
        for platform in Platform::ALL {
            assert_eq!(platform.as_str().parse(), Ok(platform));
            assert_eq!(Platform::of_number(platform.number()), Some(platform));
        }
        for flavour in LoginFlavour::ALL {
            assert_eq!(flavour.as_str().parse(), Ok(flavour));
            assert_eq!(LoginFlavour::of_number(flavour.number()), Some(flavour));
        }
        assert!("TikTok".parse::<Platform>().is_err());
    }
}
