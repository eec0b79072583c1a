//! ProbeVideo: checks a video before anything is posted.

use url::Url;

use super::{Caller, MediaFacts, MediaStore, Result, Violation, check, malformed};
use crate::{
    app::Error,
    domain::{failure::Reason, media::Checked, platform::Platform},
    media::ProbeError,
};

/// How a video is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Named {
    /// By its URL.
    Url(String),
    /// By its upload.
    Media(String),
}

/// Facts about a video.
#[derive(Clone, Debug, PartialEq)]
pub struct Probed {
    /// What was measured; `None` when it could not be read.
    pub facts: Option<MediaFacts>,
    /// What is wrong regardless of the platform.
    pub violations: Vec<Violation>,
    /// Against the rules of each platform.
    pub checks: Vec<(Platform, Checked)>,
}

impl MediaStore {
    /// Reads a video and checks it against the rules of these platforms, or of all.
    pub async fn probe(&self, caller: Caller, named: Named, platforms: &[Platform]) -> Result<Probed> {
        let rules = if platforms.is_empty() {
            self.platforms.rules().collect()
        } else {
            let of = |platform: &Platform| Ok((*platform, self.platforms.requirements(*platform)?));
            platforms.iter().map(of).collect::<Result<Vec<_>>>()?
        };
        let (field, read) = match named {
            Named::Url(url) => ("video_url", self.look(&url).await?),
            Named::Media(id) => ("media_id", Ok(self.facts(caller.user, &id).await?)),
        };
        Ok(match read {
            Ok(facts) => {
                let checks = rules.into_iter().map(|(platform, rules)| (platform, check(field, &facts, rules)));
                Probed { checks: checks.collect(), facts: Some(facts), violations: vec![] }
            }
            Err(violation) => {
                Probed { facts: None, violations: vec![Violation { field, ..violation }], checks: vec![] }
            }
        })
    }

    async fn look(&self, url: &str) -> Result<std::result::Result<MediaFacts, Violation>> {
        let Ok(url) = Url::parse(url) else {
            return Err(malformed("video_url", "no URL", "it must be an http(s) URL", "give the full URL"));
        };
        match self.prober.probe(&url).await {
            Ok(probe) => Ok(Ok(probe.facts)),
            Err(ProbeError::Refused(violation)) => Ok(Err(*violation)),
            Err(ProbeError::Preparing { message } | ProbeError::Unreachable { message }) => Err(Error::Unavailable {
                reason: Reason::MediaUnreachable,
                message,
                retry_after: std::time::Duration::from_secs(30),
            }),
        }
    }
}
