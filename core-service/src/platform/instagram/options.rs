//! What only Instagram knows about a request: privacy, collaborators, cover, place. Pure; what can be told without
//! looking at the video or the pictures.
//!
//! Limits: <https://developers.facebook.com/docs/instagram-platform/instagram-graph-api/reference/ig-user/media>, read
//! 22 November 2026.

use aurareels_proto::v1;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::{
    domain::{
        media::{CoverFrame, CoverRules, INSTAGRAM_REELS, stream_uid},
        platform::Platform,
        post::Content,
        violation::Violation,
    },
    platform::{
        description::{Options, Unknown, known},
        first_comment,
    },
};

/// How the video travels to Instagram.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InstagramTransfer {
    /// Resumable where the login has it, else by URL.
    #[default]
    Auto,
    /// Instagram fetches the URL.
    VideoUrl,
    /// The core uploads the bytes.
    Resumable,
}

/// Instagram's own options.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct InstagramOptions {
    /// How the video travels.
    pub transfer: InstagramTransfer,
    /// Show the reel in the feed too; true when absent.
    pub share_to_feed: Option<bool>,
    /// Frame used as cover, milliseconds.
    pub thumb_offset_ms: Option<i32>,
    /// Up to three usernames.
    pub collaborators: Vec<String>,
    /// Name of the original audio.
    pub audio_name: Option<String>,
    /// Label as made by AI.
    pub is_ai_generated: bool,
    /// A comment of the account's own. Without one nothing is written of it: fingerprints of requests stay as they were.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_comment: Option<String>,
}

impl Options for InstagramOptions {
    const PLATFORM: Platform = Platform::Instagram;

    fn take(from: &mut v1::PlatformOptions, unknown: &mut Unknown<'_>) -> Option<Self> {
        let given = from.instagram.take()?;
        let transfer = match known(unknown, "content.platform_options.instagram.transfer", given.transfer) {
            None | Some(v1::InstagramTransfer::Unspecified) => InstagramTransfer::Auto,
            Some(v1::InstagramTransfer::VideoUrl) => InstagramTransfer::VideoUrl,
            Some(v1::InstagramTransfer::Resumable) => InstagramTransfer::Resumable,
        };
        Some(Self {
            transfer,
            share_to_feed: given.share_to_feed,
            thumb_offset_ms: given.thumb_offset_ms,
            collaborators: given.collaborators,
            audio_name: Some(given.audio_name).filter(|name| !name.is_empty()),
            is_ai_generated: given.is_ai_generated,
            first_comment: Some(given.first_comment).filter(|text| !text.is_empty()),
        })
    }

    fn put(self, into: &mut v1::PlatformOptions) {
        let transfer = match self.transfer {
            InstagramTransfer::Auto => v1::InstagramTransfer::Unspecified,
            InstagramTransfer::VideoUrl => v1::InstagramTransfer::VideoUrl,
            InstagramTransfer::Resumable => v1::InstagramTransfer::Resumable,
        };
        into.instagram = Some(v1::InstagramOptions {
            transfer: transfer.into(),
            share_to_feed: self.share_to_feed,
            thumb_offset_ms: self.thumb_offset_ms,
            collaborators: self.collaborators,
            audio_name: self.audio_name.unwrap_or_default(),
            is_ai_generated: self.is_ai_generated,
            first_comment: self.first_comment.unwrap_or_default(),
        });
    }
}

/// The one word of privacy that Instagram knows.
pub(super) const PUBLIC: &str = "PUBLIC";

/// Accounts that may be invited to share a Reel.
const MAX_COLLABORATORS: usize = 3;

/// Longest comment, characters.
const MAX_COMMENT: usize = 2_200;

/// Longest username.
const MAX_USERNAME: usize = 30;

/// Extensions of pictures that are surely no JPEG.
const NOT_JPEG: &[&str] = &["png", "webp", "gif", "bmp", "heic", "heif", "avif", "tif", "tiff", "svg", "mp4", "mov"];

/// The frame that is to be the cover; a picture wins over it.
pub(super) fn cover_frame(content: &Content) -> Option<CoverFrame> {
    if content.thumbnail_url.as_deref().is_some_and(|cover| !cover.is_empty()) {
        return None;
    }
    let at_ms = u64::try_from(InstagramOptions::of(&content.options).thumb_offset_ms?).ok()?;
    Some(CoverFrame { field: "options.instagram.thumb_offset_ms", at_ms })
}

/// A cover picture: <https://developers.facebook.com/docs/instagram-platform/instagram-graph-api/reference/ig-user/media>.
pub(super) const COVER: CoverRules = CoverRules { kinds: &["a JPEG image"], max_size_bytes: 8_000_000 };

/// Every broken rule.
pub(super) fn check(content: &Content) -> Vec<Violation> {
    let mut broken = Vec::new();
    if !matches!(content.privacy_level.as_str(), "" | PUBLIC) {
        broken.push(violation(
            "content.privacy_level",
            "PRIVACY_NOT_OFFERED",
            content.privacy_level.clone(),
            PUBLIC,
            "use PUBLIC, or set the whole account to private in the Instagram app",
            "instagram publishes reels to everybody only",
        ));
    }
    check_place(content, &mut broken);
    check_cover(content, &mut broken);
    check_video_url(content, &mut broken);
    let options = InstagramOptions::of(&content.options);
    if options.collaborators.len() > MAX_COLLABORATORS {
        broken.push(violation(
            "options.instagram.collaborators",
            "COLLABORATORS_TOO_MANY",
            format!("{} collaborators", options.collaborators.len()),
            "3 collaborators",
            "name three at most",
            "there are more collaborators than instagram takes",
        ));
    }
    for name in options.collaborators.iter().filter(|name| !is_username(name)) {
        broken.push(violation(
            "options.instagram.collaborators",
            "COLLABORATOR_INVALID",
            name.clone(),
            "a username: up to 30 letters a-z, digits, underscores and periods",
            "give the username, not the display name",
            "a collaborator is not named by a username",
        ));
    }
    let longest = i64::try_from(INSTAGRAM_REELS.max_duration_ms).unwrap_or(i64::MAX);
    if let Some(offset) = options.thumb_offset_ms.filter(|offset| !(0..longest).contains(&i64::from(*offset))) {
        broken.push(violation(
            "options.instagram.thumb_offset_ms",
            "THUMB_OFFSET_OUT_OF_RANGE",
            format!("{offset} ms"),
            "from 0 to the length of the video",
            "give a time within the video",
            "the cover's time cannot lie in the video",
        ));
    }
    let field = "content.platform_options.instagram.first_comment";
    broken.extend(first_comment::check(field, options.first_comment.as_deref(), MAX_COMMENT));
    if options.first_comment.is_some() && content.allow_comments == Some(false) {
        broken.push(violation(
            field,
            "FIRST_COMMENT_NOT_OFFERED",
            "a first comment, and comments turned off".to_owned(),
            "one of the two",
            "leave the first comment out, or allow comments",
            "nobody can comment where comments are off",
        ));
    }
    if options.audio_name.as_ref().is_some_and(|name| name.trim().is_empty()) {
        broken.push(violation(
            "options.instagram.audio_name",
            "AUDIO_NAME_EMPTY",
            "nothing".to_owned(),
            "a name",
            "give a name or leave the field out",
            "the name of the audio is empty",
        ));
    }
    broken
}

fn check_place(content: &Content, broken: &mut Vec<Violation>) {
    let Some(place) = content.location.as_deref().filter(|place| !place.is_empty()) else { return };
    if !place.bytes().all(|byte| byte.is_ascii_digit()) || place.len() > 20 {
        broken.push(violation(
            "content.location",
            "LOCATION_NOT_AN_ID",
            place.to_owned(),
            "the numeric id of a Facebook Page that has a place",
            "give the Page's id, or leave the location out",
            "the location is not the id of a page",
        ));
    }
}

fn check_cover(content: &Content, broken: &mut Vec<Violation>) {
    let Some(cover) = content.thumbnail_url.as_deref().filter(|cover| !cover.is_empty()) else { return };
    let field = "content.thumbnail_url";
    let Some(url) = public_url(cover) else {
        return broken.push(bad_url(field, "THUMBNAIL_URL_INVALID", cover));
    };
    let extension =
        url.path().rsplit('/').next().and_then(|file| file.rsplit_once('.')).map(|(_, end)| end.to_lowercase());
    if let Some(extension) = extension.filter(|extension| NOT_JPEG.contains(&extension.as_str())) {
        broken.push(violation(
            field,
            "THUMBNAIL_NOT_JPEG",
            extension,
            "a JPEG of at most 8 MB",
            "convert the picture to JPEG, or choose a frame by thumb_offset_ms",
            "instagram takes covers as jpeg only",
        ));
    }
}

fn check_video_url(content: &Content, broken: &mut Vec<Violation>) {
    let video = content.video_url.as_str();
    if video.is_empty() {
        return;
    }
    if public_url(video).is_none() && stream_uid(video).is_none() {
        broken.push(bad_url("content.video_url", "VIDEO_URL_INVALID", video));
    }
}

/// An http(s) URL with a host and without a login in it.
fn public_url(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let is_plain = url.username().is_empty() && url.password().is_none();
    (matches!(url.scheme(), "http" | "https") && url.has_host() && is_plain).then_some(url)
}

fn is_username(name: &str) -> bool {
    let name = name.strip_prefix('@').unwrap_or(name);
    (1..=MAX_USERNAME).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.'))
}

/// The scheme alone is shown: the rest of a URL may grant access.
fn bad_url(field: &'static str, rule: &'static str, url: &str) -> Violation {
    let scheme = url.split_once(':').map_or("none", |(scheme, _)| scheme);
    let scheme: String = scheme.chars().take(12).collect();
    violation(
        field,
        rule,
        format!("scheme {scheme}"),
        "an http or https url without user name and password",
        "give a public http or https url",
        "the url cannot be fetched by a stranger",
    )
}

fn violation(
    field: &'static str,
    rule: &'static str,
    measured: String,
    limit: &str,
    remedy: &str,
    what: &str,
) -> Violation {
    let message = format!("{what}: {measured}, allowed is {limit}");
    Violation { field, rule, measured, limit: limit.to_owned(), remedy: remedy.to_owned(), message }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(change: impl FnOnce(&mut Content, &mut InstagramOptions)) -> Vec<&'static str> {
        let mut content = Content { video_url: "https://cdn.example/v.mp4".into(), ..Content::default() };
        let mut options = InstagramOptions::default();
        change(&mut content, &mut options);
        content.options = options.alone();
        check(&content).into_iter().map(|violation| violation.rule).collect()
    }

    #[test]
    fn a_plain_request_breaks_nothing() {
        assert!(check(&Content::default()).is_empty());
        let all = rules(|content, options| {
            content.privacy_level = "PUBLIC".into();
            content.location = Some("110774245616525".into());
            content.thumbnail_url = Some("https://cdn.example/c.jpg?x=1.png".into());
            options.collaborators = vec!["@a.b".into(), "c_d".into(), "e1".into()];
            options.thumb_offset_ms = Some(0);
            options.audio_name = Some("Mine".into());
        });
        assert!(all.is_empty(), "{all:?}");
    }

    #[test]
    fn every_rule_can_be_broken() {
        for privacy in ["FRIENDS", "PRIVATE", "SELF_ONLY", "public"] {
            assert_eq!(rules(|content, _| content.privacy_level = privacy.into()), ["PRIVACY_NOT_OFFERED"]);
        }
        let four = || vec!["a".to_owned(), "b".to_owned(), "c".to_owned(), "d".to_owned()];
        assert_eq!(rules(|_, options| options.collaborators = four()), ["COLLABORATORS_TOO_MANY"]);
        assert_eq!(rules(|_, options| options.collaborators = vec!["a b".into()]), ["COLLABORATOR_INVALID"]);
        for offset in [-1, 900_000] {
            assert_eq!(rules(|_, options| options.thumb_offset_ms = Some(offset)), ["THUMB_OFFSET_OUT_OF_RANGE"]);
        }
        assert_eq!(rules(|_, options| options.audio_name = Some(" ".into())), ["AUDIO_NAME_EMPTY"]);
        assert_eq!(rules(|content, _| content.location = Some("Berlin".into())), ["LOCATION_NOT_AN_ID"]);
        let cover = |url: &str| rules(|content, _| content.thumbnail_url = Some(url.into()));
        assert_eq!(cover("https://cdn.example/c.PNG"), ["THUMBNAIL_NOT_JPEG"]);
        assert!(cover("https://cdn.example/ü.jpg").is_empty(), "it is sent percent-encoded");
        assert_eq!(cover("data:image/jpeg;base64,AA"), ["THUMBNAIL_URL_INVALID"]);
        let video = |url: &str| rules(|content, _| content.video_url = url.into());
        assert_eq!(video("ftp://cdn.example/v.mp4"), ["VIDEO_URL_INVALID"]);
        assert_eq!(video("https://me:pw@cdn.example/v.mp4"), ["VIDEO_URL_INVALID"]);
        assert_eq!(video("v.mp4"), ["VIDEO_URL_INVALID"]);
    }

    #[test]
    fn a_url_outside_ascii_is_the_same_for_every_transfer() {
        let with = |transfer| {
            rules(|content, options| {
                content.video_url = "https://cdn.example/für.mp4".into();
                options.transfer = transfer;
            })
        };
        assert!(with(InstagramTransfer::VideoUrl).is_empty());
        assert!(with(InstagramTransfer::Auto).is_empty());
        assert!(with(InstagramTransfer::Resumable).is_empty());
    }

    #[test]
    fn a_urls_secret_is_not_shown() {
        let content = Content { video_url: "s3:bucket/v?sig=SECRET".into(), ..Content::default() };
        let shown = format!("{:?}", check(&content));
        assert!(shown.contains("content.video_url") && !shown.contains("SECRET"), "{shown}");
    }
}
