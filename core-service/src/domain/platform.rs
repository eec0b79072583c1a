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
}

impl Platform {
    /// Every platform of this release's vocabulary.
    pub const ALL: [Self; 4] = [Self::Tiktok, Self::Instagram, Self::Facebook, Self::Youtube];

    /// The stored form, also the last part of `/oauth/callback/{platform}`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tiktok => "tiktok",
            Self::Instagram => "instagram",
            Self::Facebook => "facebook",
            Self::Youtube => "youtube",
        }
    }

    /// The name shown to people.
    pub const fn display_name(self) -> &'static str {
        match self {
            Self::Tiktok => "TikTok",
            Self::Instagram => "Instagram",
            Self::Facebook => "Facebook",
            Self::Youtube => "YouTube",
        }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A stored text that names no known value.
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

/// Which of a platform's logins connected an account. They differ in hosts, scopes and abilities.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LoginFlavour {
    /// TikTok Login Kit v2.
    Tiktok,
    /// Instagram by Facebook Login.
    FacebookLogin,
    /// Instagram by Instagram Login.
    InstagramLogin,
}

impl LoginFlavour {
    /// Every flavour.
    pub const ALL: [Self; 3] = [Self::Tiktok, Self::FacebookLogin, Self::InstagramLogin];

    /// The stored form.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tiktok => "tiktok",
            Self::FacebookLogin => "facebook_login",
            Self::InstagramLogin => "instagram_login",
        }
    }

    /// The platform whose accounts it connects.
    pub const fn platform(self) -> Platform {
        match self {
            Self::Tiktok => Platform::Tiktok,
            Self::FacebookLogin | Self::InstagramLogin => Platform::Instagram,
        }
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
        }
        for flavour in LoginFlavour::ALL {
            assert_eq!(flavour.as_str().parse(), Ok(flavour));
        }
        assert!("TikTok".parse::<Platform>().is_err());
    }
}
