//! What a caller may ask of TikTok, and what is sent of it: privacy words, toggles, cover. Pure.
//!
//! Privacy is never defaulted, widened or narrowed: PUBLIC, FRIENDS and PRIVATE each mean one of TikTok's levels, and a
//! level that the creator does not offer right now is an error that lists what is offered.
//!
//! Toggles that the caller left out: duet and stitch are off, as TikTok's guidelines demand of apps
//! (<https://developers.tiktok.com/docs/en/content-sharing-guidelines>, read September 2026). For comments nothing is
//! sent, so the platform's default holds, as the API's own field says. What the creator switched off stays off.

use aurareels_proto::v1;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::replies::CreatorInfo;
use crate::{
    domain::{
        failure::{Failure, FailureClass, Reason},
        ledger::Handle,
        media::CoverFrame,
        platform::Platform,
        post::Content,
        violation::Violation,
    },
    platform::description::{Options, Unknown, known},
};

/// How the video travels to TikTok.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TiktokTransfer {
    /// The core uploads the bytes: every crash is recoverable.
    #[default]
    FileUpload,
    /// TikTok fetches the URL: a lost answer needs a person.
    PullFromUrl,
}

/// TikTok's own options.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TiktokOptions {
    /// How the video travels.
    pub transfer: TiktokTransfer,
    /// Frame used as cover, milliseconds.
    pub video_cover_timestamp_ms: Option<i32>,
    /// Advertises a third party.
    pub brand_content_toggle: bool,
    /// Advertises the creator's own business.
    pub brand_organic_toggle: bool,
    /// Label as made by AI.
    pub is_aigc: bool,
}

impl Options for TiktokOptions {
    const PLATFORM: Platform = Platform::Tiktok;

    fn take(from: &mut v1::PlatformOptions, unknown: &mut Unknown<'_>) -> Option<Self> {
        let given = from.tiktok.take()?;
        let transfer = match known(unknown, "content.platform_options.tiktok.transfer", given.transfer) {
            None | Some(v1::TikTokTransfer::Unspecified | v1::TikTokTransfer::FileUpload) => TiktokTransfer::FileUpload,
            Some(v1::TikTokTransfer::PullFromUrl) => TiktokTransfer::PullFromUrl,
        };
        Some(Self {
            transfer,
            video_cover_timestamp_ms: given.video_cover_timestamp_ms,
            brand_content_toggle: given.brand_content_toggle,
            brand_organic_toggle: given.brand_organic_toggle,
            is_aigc: given.is_aigc,
        })
    }

    fn put(self, into: &mut v1::PlatformOptions) {
        let transfer = match self.transfer {
            TiktokTransfer::FileUpload => v1::TikTokTransfer::FileUpload,
            TiktokTransfer::PullFromUrl => v1::TikTokTransfer::PullFromUrl,
        };
        into.tiktok = Some(v1::TikTokOptions {
            transfer: transfer.into(),
            video_cover_timestamp_ms: self.video_cover_timestamp_ms,
            brand_content_toggle: self.brand_content_toggle,
            brand_organic_toggle: self.brand_organic_toggle,
            is_aigc: self.is_aigc,
        });
    }
}

/// The level that everybody sees. Only its posts ever get a public id.
pub(super) const PUBLIC: &str = "PUBLIC_TO_EVERYONE";
/// The level that only the creator sees.
pub(super) const PRIVATE: &str = "SELF_ONLY";

/// Level in our words and in TikTok's, then each of TikTok's as itself.
const LEVELS: [(&str, &str); 7] = [
    ("PUBLIC", PUBLIC),
    ("FRIENDS", "MUTUAL_FOLLOW_FRIENDS"),
    ("PRIVATE", PRIVATE),
    (PUBLIC, PUBLIC),
    ("MUTUAL_FOLLOW_FRIENDS", "MUTUAL_FOLLOW_FRIENDS"),
    ("FOLLOWER_OF_CREATOR", "FOLLOWER_OF_CREATOR"),
    (PRIVATE, PRIVATE),
];

/// The last frame that can be a cover: the longest video that the API takes has ten minutes.
const MAX_COVER_MS: i32 = 600_000;

/// TikTok's level for a privacy word.
pub(super) fn level(given: &str) -> Option<&'static str> {
    let given = given.trim();
    LEVELS.iter().find(|(word, _)| word.eq_ignore_ascii_case(given)).map(|(_, level)| *level)
}

/// TikTok's options of a post.
pub(super) fn tiktok(content: &Content) -> TiktokOptions {
    TiktokOptions::of(&content.options)
}

/// Whether TikTok fetches the video itself.
pub(super) fn is_pull(content: &Content) -> bool {
    tiktok(content).transfer == TiktokTransfer::PullFromUrl
}

/// The frame that is to be the cover.
pub(super) fn cover_frame(content: &Content) -> Option<CoverFrame> {
    let at_ms = u64::try_from(tiktok(content).video_cover_timestamp_ms?).ok()?;
    Some(CoverFrame { field: "content.options.tiktok.video_cover_timestamp_ms", at_ms })
}

/// Every broken rule of the options at once.
pub(super) fn check(content: &Content) -> Vec<Violation> {
    let words = || LEVELS.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(", ");
    let options = tiktok(content);
    let mut broken = Vec::new();
    let given = content.privacy_level.trim();
    let requested = level(given);
    if given.is_empty() {
        broken.push(Violation {
            field: "content.privacy_level",
            rule: "PRIVACY_REQUIRED",
            measured: "nothing".to_owned(),
            limit: words(),
            remedy: "choose one of the account's publish options; TikTok forbids a default".to_owned(),
            message: format!("TikTok needs a privacy level, one of {}", words()),
        });
    } else if requested.is_none() {
        broken.push(Violation {
            field: "content.privacy_level",
            rule: "PRIVACY_UNKNOWN",
            measured: given.to_owned(),
            limit: words(),
            remedy: "choose one of the account's publish options".to_owned(),
            message: format!("`{given}` is no privacy level of TikTok, known are {}", words()),
        });
    }
    if options.brand_content_toggle && requested == Some(PRIVATE) {
        broken.push(Violation {
            field: "content.options.tiktok.brand_content_toggle",
            rule: "BRANDED_CONTENT_PRIVATE",
            measured: "branded content that only the creator sees".to_owned(),
            limit: "branded content that others see too".to_owned(),
            remedy: "choose another privacy level, or switch brand_content_toggle off".to_owned(),
            message:
                "branded content that only the creator sees is measured, allowed is branded content that others see too"
                    .to_owned(),
        });
    }
    if let Some(cover) = options.video_cover_timestamp_ms.filter(|cover| !(0..=MAX_COVER_MS).contains(cover)) {
        broken.push(Violation {
            field: "content.options.tiktok.video_cover_timestamp_ms",
            rule: "COVER_TIMESTAMP_OUT_OF_RANGE",
            measured: format!("{cover} ms"),
            limit: format!("0 to {MAX_COVER_MS} ms"),
            remedy: "name a frame inside the video, in milliseconds from its start".to_owned(),
            message: format!("the cover's frame is at {cover} ms, allowed is 0 to {MAX_COVER_MS} ms"),
        });
    }
    broken
}

/// The level to be sent: the requested one, if the creator offers it now.
pub(super) fn resolve(content: &Content, creator: &CreatorInfo) -> Result<&'static str, Failure> {
    let offered = &creator.privacy_level_options;
    let requested = level(&content.privacy_level).filter(|level| offered.iter().any(|offer| offer == level));
    requested.ok_or_else(|| {
        let offered = if offered.is_empty() { "nothing".to_owned() } else { super::errors::shown(&offered.join(", ")) };
        let message = format!("the privacy level `{}` is not on offer, TikTok offers {offered}", content.privacy_level);
        Failure::new(FailureClass::InvalidRequest, Reason::PrivacyNotOffered, message)
            .with_rule("privacy_level")
            .with_remedy("choose one of the levels on offer; a private account offers no public level")
    })
}

/// `post_info` of an init, from the content and what creator info told (kept in the step's handle).
pub(super) fn post_info(content: &Content, creator: &Handle, privacy: &str) -> Value {
    let disabled = |name: &str| creator.0.get(name).and_then(|value| value.as_bool()).unwrap_or_default();
    let options = tiktok(content);
    let mut info = Map::new();
    info.insert("privacy_level".to_owned(), privacy.into());
    if !content.full_caption.is_empty() {
        info.insert("title".to_owned(), content.full_caption.clone().into());
    }
    let duet_off = disabled("duet_disabled") || content.allow_duet != Some(true);
    let stitch_off = disabled("stitch_disabled") || content.allow_stitch != Some(true);
    info.insert("disable_duet".to_owned(), duet_off.into());
    info.insert("disable_stitch".to_owned(), stitch_off.into());
    if disabled("comment_disabled") {
        info.insert("disable_comment".to_owned(), true.into());
    } else if let Some(allow) = content.allow_comments {
        info.insert("disable_comment".to_owned(), (!allow).into());
    }
    if let Some(cover) = options.video_cover_timestamp_ms {
        info.insert("video_cover_timestamp_ms".to_owned(), cover.into());
    }
    info.insert("brand_content_toggle".to_owned(), options.brand_content_toggle.into());
    info.insert("brand_organic_toggle".to_owned(), options.brand_organic_toggle.into());
    info.insert("is_aigc".to_owned(), options.is_aigc.into());
    Value::Object(info)
}

/// What an init was or would be made from. A prepared upload of a post that was edited since must not be finished.
pub(super) fn fingerprint(content: &Content) -> String {
    let parts = json!([
        content.video_url,
        content.media_id,
        content.full_caption,
        level(&content.privacy_level),
        content.allow_comments,
        content.allow_duet,
        content.allow_stitch,
        tiktok(content),
    ]);
    hex::encode(Sha256::digest(parts.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(privacy: &str, options: TiktokOptions) -> Content {
        let options = options.alone();
        Content { privacy_level: privacy.to_owned(), options, full_caption: "hello".to_owned(), ..Content::default() }
    }

    fn rules(content: &Content) -> Vec<&'static str> {
        check(content).into_iter().map(|violation| violation.rule).collect()
    }

    #[test]
    fn privacy_is_required_and_never_guessed() {
        assert_eq!(rules(&content("", TiktokOptions::default())), ["PRIVACY_REQUIRED"]);
        assert_eq!(rules(&content("EVERYBODY", TiktokOptions::default())), ["PRIVACY_UNKNOWN"]);
        for (word, expected) in LEVELS {
            assert!(rules(&content(word, TiktokOptions::default())).is_empty());
            assert_eq!(level(word), Some(expected));
        }
        assert_eq!(level("friends"), Some("MUTUAL_FOLLOW_FRIENDS"));
    }

    #[test]
    fn all_broken_options_come_at_once() {
        let options = TiktokOptions {
            brand_content_toggle: true,
            video_cover_timestamp_ms: Some(-1),
            ..TiktokOptions::default()
        };
        assert_eq!(
            rules(&content("PRIVATE", options.clone())),
            ["BRANDED_CONTENT_PRIVATE", "COVER_TIMESTAMP_OUT_OF_RANGE"]
        );
        assert_eq!(rules(&content("SELF_ONLY", options.clone())).len(), 2);
        assert_eq!(rules(&content("PUBLIC", options)), ["COVER_TIMESTAMP_OUT_OF_RANGE"]);
        let options = TiktokOptions { video_cover_timestamp_ms: Some(600_001), ..TiktokOptions::default() };
        assert_eq!(rules(&content("PUBLIC", options)), ["COVER_TIMESTAMP_OUT_OF_RANGE"]);
    }

    #[test]
    fn a_level_that_is_not_offered_is_neither_widened_nor_narrowed() {
        let private_account = CreatorInfo {
            privacy_level_options: ["FOLLOWER_OF_CREATOR", "MUTUAL_FOLLOW_FRIENDS", "SELF_ONLY"]
                .map(str::to_owned)
                .into(),
            ..CreatorInfo::default()
        };
        let failure = resolve(&content("PUBLIC", TiktokOptions::default()), &private_account).unwrap_err();
        assert_eq!(failure.reason, Reason::PrivacyNotOffered);
        assert!(
            failure.message.contains("FOLLOWER_OF_CREATOR, MUTUAL_FOLLOW_FRIENDS, SELF_ONLY"),
            "{}",
            failure.message
        );
        assert_eq!(resolve(&content("PRIVATE", TiktokOptions::default()), &private_account), Ok("SELF_ONLY"));
        assert!(resolve(&content("", TiktokOptions::default()), &private_account).is_err());
        assert!(resolve(&content("PUBLIC", TiktokOptions::default()), &CreatorInfo::default()).is_err());
    }

    #[test]
    fn toggles_left_out_are_off_but_for_comments_and_the_creator_wins() {
        let open = Handle::default();
        let info = post_info(&content("PUBLIC", TiktokOptions::default()), &open, PUBLIC);
        assert_eq!(info["disable_duet"], true);
        assert_eq!(info["disable_stitch"], true);
        assert!(info.get("disable_comment").is_none());
        assert_eq!(info["title"], "hello");
        let asked = Content {
            allow_comments: Some(true),
            allow_duet: Some(true),
            allow_stitch: Some(true),
            full_caption: String::new(),
            ..content("PUBLIC", TiktokOptions::default())
        };
        let info = post_info(&asked, &open, PUBLIC);
        assert_eq!(
            (&info["disable_duet"], &info["disable_stitch"], &info["disable_comment"]),
            (&false.into(), &false.into(), &false.into())
        );
        assert!(info.get("title").is_none(), "no caption is no title");
        let closed =
            Handle::default().with("comment_disabled", true).with("duet_disabled", true).with("stitch_disabled", true);
        let info = post_info(&asked, &closed, PUBLIC);
        assert_eq!(
            (&info["disable_duet"], &info["disable_stitch"], &info["disable_comment"]),
            (&true.into(), &true.into(), &true.into())
        );
    }

    #[test]
    fn an_edit_changes_the_fingerprint() {
        let before = content("PUBLIC", TiktokOptions::default());
        assert_eq!(fingerprint(&before), fingerprint(&Content { privacy_level: PUBLIC.to_owned(), ..before.clone() }));
        assert_ne!(fingerprint(&before), fingerprint(&Content { full_caption: "other".to_owned(), ..before.clone() }));
        assert_ne!(fingerprint(&before), fingerprint(&Content { video_url: "x".to_owned(), ..before.clone() }));
        assert_ne!(fingerprint(&before), fingerprint(&Content { allow_duet: Some(true), ..before }));
    }
}
