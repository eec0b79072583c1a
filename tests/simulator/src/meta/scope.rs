//! Permission names, as sets.
//!
//! Publishing sets: `instagram_basic, instagram_content_publish, pages_read_engagement` (+ `pages_show_list`) with
//! Facebook Login, `instagram_business_basic, instagram_business_content_publish` with Instagram Login.
//! The names `business_*` of 2024 are dead since 2025-01-27 and unknown here.

use super::Flavour;

/// Every name the simulator knows; the position is the bit.
const NAMES: [&str; 23] = [
    "public_profile",
    "email",
    "pages_show_list",
    "pages_read_engagement",
    "pages_manage_posts",
    "pages_read_user_content",
    "pages_manage_engagement",
    "pages_manage_metadata",
    "read_insights",
    "publish_video",
    "business_management",
    "ads_management",
    "ads_read",
    "instagram_basic",
    "instagram_content_publish",
    "instagram_manage_insights",
    "instagram_manage_comments",
    "instagram_manage_contents",
    "instagram_business_basic",
    "instagram_business_content_publish",
    "instagram_business_manage_insights",
    "instagram_business_manage_comments",
    "instagram_business_manage_messages",
];

/// First name that belongs to Instagram Login.
const FIRST_INSTAGRAM: usize = 18;

/// A set of permissions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Scopes(u32);

impl Scopes {
    /// What every Facebook login has.
    pub(crate) const PUBLIC_PROFILE: Scopes = Scopes(1);

    /// One name of that flavour, `None` if there is no such permission.
    pub(crate) fn named(flavour: Flavour, name: &str) -> Option<Self> {
        let bit = NAMES.iter().position(|known| *known == name)?;
        let instagram = bit >= FIRST_INSTAGRAM;
        (instagram == (flavour == Flavour::Instagram)).then_some(Self(1 << bit))
    }

    /// A list separated by commas or spaces; the names that do not exist come back as the error.
    pub(crate) fn parse(flavour: Flavour, list: &str) -> Result<Self, Vec<String>> {
        let mut set = Self::default();
        let mut unknown = Vec::new();
        for name in list.split([',', ' ']).map(str::trim).filter(|name| !name.is_empty()) {
            match Self::named(flavour, name) {
                Some(scope) => set = set | scope,
                None => unknown.push(name.to_owned()),
            }
        }
        if unknown.is_empty() { Ok(set) } else { Err(unknown) }
    }

    /// All names of a flavour.
    pub(crate) fn all(flavour: Flavour) -> Self {
        let instagram = (1u32 << NAMES.len()) - (1 << FIRST_INSTAGRAM);
        match flavour {
            Flavour::Instagram => Self(instagram),
            Flavour::Facebook => Self(((1u32 << NAMES.len()) - 1) & !instagram),
        }
    }

    /// Whether the permission is in the set.
    pub(crate) fn has(self, name: &str) -> bool {
        NAMES.iter().position(|known| *known == name).is_some_and(|bit| self.0 & (1 << bit) != 0)
    }

    /// What is in `self` and not in `other`.
    pub(crate) fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// What is in both.
    pub(crate) fn both(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// No permission at all.
    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The names, in a fixed order.
    pub(crate) fn names(self) -> impl Iterator<Item = &'static str> {
        NAMES.iter().enumerate().filter(move |(bit, _)| self.0 & (1 << bit) != 0).map(|(_, name)| *name)
    }
}

impl std::ops::BitOr for Scopes {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}
