//! Channels, and how their videos are processed.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::window::Window;
use crate::youtube::rules::Privacy;

/// A channel as the control API describes it; every field may be changed later with `/_sim/youtube/accounts/<id>`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Profile {
    /// `UC…`; made up when empty.
    pub(crate) id: String,
    /// The channel's title.
    pub(crate) name: String,
    /// The handle without `@`.
    pub(crate) username: String,
    /// Whether the Google account has a channel at all.
    pub(crate) has_channel: bool,
    /// A verified phone number: videos beyond 15 minutes and thumbnails of its own.
    pub(crate) phone_verified: bool,
    /// Videos in any 24 hours; Google publishes no number.
    pub(crate) uploads_per_day: Option<u32>,
    /// Makes every call answer 403 with this reason, for example `authenticatedUserAccountSuspended`.
    pub(crate) refused_with: Option<String>,
    /// The account's own settings change what is uploaded to this privacy.
    pub(crate) forced_privacy: Option<Privacy>,
    /// `privacyStatus: public` is refused with `forbiddenPrivacySetting`.
    pub(crate) may_not_publish: bool,
}

impl Default for Profile {
    fn default() -> Self {
        Profile {
            id: String::new(),
            name: "Channel".into(),
            username: String::new(),
            has_channel: true,
            phone_verified: true,
            uploads_per_day: None,
            refused_with: None,
            forced_privacy: None,
            may_not_publish: false,
        }
    }
}

/// How a channel's next videos are processed.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Behaviour {
    /// Simulated seconds between the last byte and the outcome.
    pub(crate) processing_seconds: f64,
    /// Simulated seconds until the owner can read `fileDetails`.
    pub(crate) file_details_seconds: f64,
    pub(crate) outcome: Fate,
    /// With [`Fate::Fail`] the `failureReason`, with [`Fate::Reject`] the `rejectionReason`.
    pub(crate) reason: String,
    /// YouTube itself changes the video to this privacy when processing ends.
    pub(crate) privacy_becomes: Option<Privacy>,
    /// How many videos this holds for; then the default comes back. Absent = for good.
    pub(crate) videos: Option<u32>,
}

/// What becomes of an uploaded video.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Fate {
    /// `processed`.
    Process,
    /// `failed`; nobody ever sees it.
    Fail,
    /// Visible as requested, then `rejected` and taken down.
    Reject,
    /// `uploaded` for ever. A public one can be watched nevertheless.
    Stuck,
    /// `processed`, but `processingStatus` is `terminated`.
    Terminated,
}

impl Default for Behaviour {
    fn default() -> Self {
        Behaviour {
            processing_seconds: 2.0,
            file_details_seconds: 0.0,
            outcome: Fate::Process,
            reason: "invalidFile".into(),
            privacy_becomes: None,
            videos: None,
        }
    }
}

impl Behaviour {
    /// `Err` names what does not fit together.
    pub(crate) fn check(&self) -> Result<(), String> {
        const FAILURES: [&str; 6] = ["codec", "conversion", "emptyFile", "invalidFile", "tooSmall", "uploadAborted"];
        const REJECTIONS: [&str; 10] = [
            "claim",
            "copyright",
            "duplicate",
            "inappropriate",
            "legal",
            "length",
            "termsOfUse",
            "trademark",
            "uploaderAccountClosed",
            "uploaderAccountSuspended",
        ];
        let known: &[&str] = match self.outcome {
            Fate::Fail => &FAILURES,
            Fate::Reject => &REJECTIONS,
            Fate::Process | Fate::Stuck | Fate::Terminated => return Ok(()),
        };
        if known.contains(&self.reason.as_str()) {
            Ok(())
        } else {
            Err(format!("reason must be one of {}", known.join(", ")))
        }
    }
}

/// A channel with what happened on it.
#[derive(Clone, Debug)]
pub(crate) struct Channel {
    pub(crate) profile: Profile,
    pub(crate) behaviour: Behaviour,
    /// Ids of its videos, oldest first, deleted ones too.
    pub(crate) videos: Vec<String>,
    /// Accepted initiations.
    pub(crate) uploads: Window,
    pub(crate) thumbnails: Window,
}

impl Channel {
    pub(crate) fn new(profile: Profile) -> Self {
        Channel {
            profile,
            behaviour: Behaviour::default(),
            videos: Vec::new(),
            uploads: Window::default(),
            thumbnails: Window::default(),
        }
    }

    /// The playlist of all uploads.
    pub(crate) fn uploads_playlist(&self) -> String {
        format!("UU{}", self.profile.id.strip_prefix("UC").unwrap_or(&self.profile.id))
    }

    /// The behaviour of the next video; counts it.
    pub(crate) fn next_behaviour(&mut self) -> Behaviour {
        let next = self.behaviour.clone();
        match self.behaviour.videos.as_mut() {
            Some(0) => {
                self.behaviour = Behaviour::default();
                return Behaviour::default();
            }
            Some(left) => *left -= 1,
            None => {}
        }
        next
    }

    /// As the control API lists it.
    pub(crate) fn describe(&self) -> Value {
        let mut account = json!(self.profile);
        account["platform"] = json!("youtube");
        account["uploads_playlist"] = json!(self.uploads_playlist());
        account
    }
}
