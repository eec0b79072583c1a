//! The platforms of this core and their requirements for videos. Needs no account.

use crate::{
    domain::{
        failure::Reason,
        media::MediaRules,
        platform::{LoginFlavour, Platform},
        violation::Violation,
    },
    platform::Registry,
};

use super::{Broken, Error, Result};

/// What this core can do on one platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlatformInfo {
    /// The platform.
    pub platform: Platform,
    /// Logins that are configured, the default first.
    pub flavours: Vec<LoginFlavour>,
    /// Settings that are missing, by name.
    pub missing_settings: Vec<&'static str>,
}

/// The platforms of this core.
#[derive(Clone)]
pub struct Platforms {
    registry: Registry,
}

impl Platforms {
    /// Those of a registry.
    pub fn new(registry: Registry) -> Self {
        Self { registry }
    }

    /// Every platform of this release.
    pub fn list(&self) -> Vec<PlatformInfo> {
        let info = |(platform, service): (Platform, &crate::platform::Service)| PlatformInfo {
            platform,
            flavours: service.login.flavours(),
            missing_settings: service.login.missing_settings(),
        };
        self.registry.platforms().map(info).collect()
    }

    /// What each platform requires of a video.
    pub fn rules(&self) -> impl Iterator<Item = (Platform, &'static MediaRules)> {
        self.registry.platforms().map(|(platform, service)| (platform, service.description.rules))
    }

    /// What a platform requires of a video. Refuses platforms that are not part of this release.
    pub fn requirements(&self, platform: Platform) -> Result<&'static MediaRules> {
        let service = self.registry.get(platform).ok_or_else(|| {
            let known: Vec<&str> = self.registry.platforms().map(|(known, _)| known.display_name()).collect();
            let name = platform.display_name();
            let violation = Violation {
                field: "platform",
                rule: "UNSUPPORTED",
                measured: name.to_owned(),
                limit: known.join(", "),
                remedy: "choose one of these".to_owned(),
                message: format!("{name} is not part of this release"),
            };
            Error::Invalid { reason: Reason::Unsupported, broken: vec![Broken { account: None, violation }] }
        })?;
        Ok(service.description.rules)
    }
}
