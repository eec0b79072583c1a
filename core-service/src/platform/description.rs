//! What a platform is, in one place: rules, logins, options, settings. API, validation, settings and the command line take
//! what they need from here; docs/add-a-platform.md says how one is added.

use std::sync::Arc;

use aurareels_proto::v1;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::settings::{Configured, Setting, Values};
use crate::domain::{
    media::MediaRules,
    platform::{LoginFlavour, Platform},
    post::PlatformOptions,
    violation::Violation,
};

/// A platform.
pub struct Description {
    /// Which one.
    pub platform: Platform,
    /// What it asks of a video and a caption.
    pub rules: &'static MediaRules,
    /// Its logins.
    pub logins: &'static [Login],
    /// Its own options.
    pub options: Codec,
    /// The settings that it reads. One that several platforms read stands with each of them.
    pub settings: &'static [&'static [Setting]],
    /// Reads them.
    pub read: fn(&mut dyn Values) -> Arc<dyn Configured>,
}

impl Description {
    /// One of its logins.
    pub fn login(&self, flavour: LoginFlavour) -> Option<&'static Login> {
        self.logins.iter().find(|login| login.flavour == flavour)
    }
}

/// A login as one platform uses it.
pub struct Login {
    /// Which login.
    pub flavour: LoginFlavour,
    /// The scopes that are asked for.
    pub scopes: &'static [&'static str],
    /// What publishing needs: of each group, one scope. Without one of the groups the login is of no use.
    pub needed: &'static [&'static [&'static str]],
    /// What to do when the login has no account that can publish.
    pub when_nobody: &'static str,
}

/// Options that one platform knows.
pub trait Options: Serialize + DeserializeOwned + Default {
    /// The platform.
    const PLATFORM: Platform;

    /// Takes its part of a request. `None` when the request has none. Values of enums that this release does not know
    /// are told by field and number.
    fn take(from: &mut v1::PlatformOptions, unknown: &mut Unknown<'_>) -> Option<Self>;

    /// Puts it into an answer.
    fn put(self, into: &mut v1::PlatformOptions);

    /// The options of a post; the defaults where it has none.
    fn of(options: &PlatformOptions) -> Self {
        // What cannot be read breaks a rule before anything is sent: `Codec::check`.
        Self::read(options).unwrap_or_default()
    }

    /// The options of a post, or why they cannot be read.
    fn read(options: &PlatformOptions) -> Result<Self, serde_json::Error> {
        options.of(Self::PLATFORM).map_or_else(|| Ok(Self::default()), Self::deserialize)
    }

    /// These options alone.
    fn alone(&self) -> PlatformOptions {
        let mut options = PlatformOptions::default();
        options.set(Self::PLATFORM, to_value(self));
        options
    }
}

/// Is told values of enums that this release does not know: the field, the number.
pub type Unknown<'a> = dyn FnMut(&'static str, i32) + 'a;

/// A known value of a wire enum; `None` for UNSPECIFIED and for what is not known, which is told.
pub fn known<T: TryFrom<i32> + PartialEq + Default>(
    unknown: &mut Unknown<'_>,
    field: &'static str,
    number: i32,
) -> Option<T> {
    match T::try_from(number) {
        Ok(value) => Some(value).filter(|value| *value != T::default()),
        Err(_) => {
            unknown(field, number);
            None
        }
    }
}

/// The ways of a platform's options between requests, rows and keys.
#[derive(Clone, Copy)]
pub struct Codec {
    platform: Platform,
    text: fn(&PlatformOptions) -> Result<String, serde_json::Error>,
    take: fn(&mut v1::PlatformOptions, &mut Unknown<'_>) -> Option<Value>,
    put: fn(&PlatformOptions, &mut v1::PlatformOptions),
}

impl Codec {
    /// The codec of a platform's options.
    pub const fn of<T: Options>() -> Self {
        Self { platform: T::PLATFORM, text: text::<T>, take: take::<T>, put: put::<T> }
    }

    /// Every option of the platform with its value, given or by default: what a request's fingerprint is made of.
    pub fn text(&self, options: &PlatformOptions) -> String {
        (self.text)(options).unwrap_or_else(|error| error.to_string())
    }

    /// The broken rule of options that cannot be read: another release wrote them.
    pub fn check(&self, options: &PlatformOptions) -> Option<Violation> {
        let why = (self.text)(options).err()?;
        let name = self.platform.display_name();
        Some(Violation {
            field: "content.platform_options",
            rule: "OPTIONS_UNREADABLE",
            measured: why.to_string(),
            limit: "options that this release knows".to_owned(),
            remedy: "update the core, or give the options anew".to_owned(),
            message: format!("the options for {name} cannot be read by this release: {why}"),
        })
    }

    /// Takes the platform's part of a request into a post's options.
    pub fn take(&self, from: &mut v1::PlatformOptions, into: &mut PlatformOptions, unknown: &mut Unknown<'_>) {
        if let Some(options) = (self.take)(from, unknown) {
            into.set(self.platform, options);
        }
    }

    /// Puts the platform's options of a post into an answer.
    pub fn put(&self, from: &PlatformOptions, into: &mut v1::PlatformOptions) {
        (self.put)(from, into);
    }
}

fn to_value<T: Options>(options: &T) -> Value {
    serde_json::to_value(options).expect("options are plain JSON")
}

fn text<T: Options>(options: &PlatformOptions) -> Result<String, serde_json::Error> {
    serde_json::to_string(&T::read(options)?)
}

fn take<T: Options>(from: &mut v1::PlatformOptions, unknown: &mut Unknown<'_>) -> Option<Value> {
    T::take(from, unknown).map(|options| to_value(&options))
}

fn put<T: Options>(options: &PlatformOptions, into: &mut v1::PlatformOptions) {
    if let Some(options) = options.of(T::PLATFORM).and_then(|options| T::deserialize(options).ok()) {
        options.put(into);
    }
}
