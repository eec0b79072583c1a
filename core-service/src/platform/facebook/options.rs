//! What only Facebook knows about a request: privacy, place, how the video travels. Pure.

use aurareels_proto::v1;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::{
    domain::{
        platform::Platform,
        post::Content,
        violation::{MEDIA_ID_FIELD, Violation},
    },
    platform::{
        description::{Options, Unknown, known},
        first_comment,
    },
};

/// The one word of privacy that Pages know.
pub(super) const PUBLIC: &str = "PUBLIC";

/// Longest title, characters. Facebook's pages name no limit.
const MAX_TITLE: usize = 255;

/// Longest comment, characters.
const MAX_COMMENT: usize = 8_000;

/// How the video travels to Facebook.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FacebookTransfer {
    /// The core uploads the bytes.
    #[default]
    Upload,
    /// Facebook fetches the URL.
    FileUrl,
}

/// Facebook's own options.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FacebookOptions {
    /// How the video travels.
    pub transfer: FacebookTransfer,
    /// Title of the Reel.
    pub title: Option<String>,
    /// A comment of the Page's own. Without one nothing is written of it: fingerprints of requests stay as they were.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_comment: Option<String>,
}

impl Options for FacebookOptions {
    const PLATFORM: Platform = Platform::Facebook;

    fn take(from: &mut v1::PlatformOptions, unknown: &mut Unknown<'_>) -> Option<Self> {
        let given = from.facebook.take()?;
        let transfer = match known(unknown, "content.platform_options.facebook.transfer", given.transfer) {
            None | Some(v1::FacebookTransfer::Unspecified | v1::FacebookTransfer::Upload) => FacebookTransfer::Upload,
            Some(v1::FacebookTransfer::FileUrl) => FacebookTransfer::FileUrl,
        };
        let text = |text: String| Some(text).filter(|text| !text.is_empty());
        Some(Self { transfer, title: text(given.title), first_comment: text(given.first_comment) })
    }

    fn put(self, into: &mut v1::PlatformOptions) {
        let transfer = match self.transfer {
            FacebookTransfer::Upload => v1::FacebookTransfer::Upload,
            FacebookTransfer::FileUrl => v1::FacebookTransfer::FileUrl,
        };
        into.facebook = Some(v1::FacebookOptions {
            transfer: transfer.into(),
            title: self.title.unwrap_or_default(),
            first_comment: self.first_comment.unwrap_or_default(),
        });
    }
}

/// Whether Facebook fetches the video itself.
pub(super) fn is_fetched(content: &Content) -> bool {
    FacebookOptions::of(&content.options).transfer == FacebookTransfer::FileUrl
}

/// Every broken rule.
pub(super) fn check(content: &Content) -> Vec<Violation> {
    let mut broken = Vec::new();
    let mut add = |field, rule, measured: String, limit: &str, remedy: &str, what: &str| {
        let message = format!("{what}: {measured}, allowed is {limit}");
        broken.push(Violation { field, rule, measured, limit: limit.to_owned(), remedy: remedy.to_owned(), message });
    };
    if !matches!(content.privacy_level.as_str(), "" | PUBLIC) {
        add(
            "content.privacy_level",
            "PRIVACY_NOT_OFFERED",
            content.privacy_level.clone(),
            PUBLIC,
            "use PUBLIC",
            "a page publishes to everybody only",
        );
    }
    if content.allow_comments == Some(false) {
        add(
            "content.allow_comments",
            "COMMENTS_NOT_OFFERED",
            "false".to_owned(),
            "true, or not given",
            "leave it out, and limit comments in the page's settings",
            "facebook has no call that turns the comments of a reel off",
        );
    }
    if let Some(place) = content.location.as_deref().filter(|place| !place.is_empty())
        && (!place.bytes().all(|byte| byte.is_ascii_digit()) || place.len() > 20)
    {
        add(
            "content.location",
            "LOCATION_NOT_AN_ID",
            place.to_owned(),
            "the numeric id of a Facebook Page that has a place",
            "give the Page's id, or leave the location out",
            "the location is not the id of a page",
        );
    }
    let options = FacebookOptions::of(&content.options);
    let title = options.title.as_deref().unwrap_or_default().chars().count();
    if title > MAX_TITLE {
        add(
            "content.platform_options.facebook.title",
            "TITLE_TOO_LONG",
            format!("{title} characters"),
            "255 characters",
            "shorten it",
            "the title is too long",
        );
    }
    let field = "content.platform_options.facebook.first_comment";
    let comment = first_comment::check(field, options.first_comment.as_deref(), MAX_COMMENT);
    let host = Url::parse(&content.video_url).ok().and_then(|url| url.host_str().map(str::to_owned));
    let is_cdn = host.is_some_and(|host| host == "fbcdn.net" || host.ends_with(".fbcdn.net"));
    if options.transfer == FacebookTransfer::FileUrl && content.media_id.is_empty() && is_cdn {
        add(
            "content.video_url",
            "VIDEO_URL_REFUSED",
            "an address of fbcdn.net".to_owned(),
            "an address of another host",
            "let the core upload it (transfer UPLOAD)",
            "facebook does not fetch from its own cdn",
        );
    }
    broken.extend(comment);
    debug_assert!(broken.iter().all(|violation| violation.field != MEDIA_ID_FIELD));
    broken
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(content: Content, options: FacebookOptions) -> Vec<&'static str> {
        let content = Content { options: options.alone(), ..content };
        check(&content).into_iter().map(|violation| violation.rule).collect()
    }

    #[test]
    fn every_rule_can_be_broken() {
        let fine = || Content { video_url: "https://cdn.example/v.mp4".into(), ..Content::default() };
        assert!(rules(fine(), FacebookOptions::default()).is_empty());
        let private = Content { privacy_level: "PRIVATE".into(), ..fine() };
        assert_eq!(rules(private, FacebookOptions::default()), ["PRIVACY_NOT_OFFERED"]);
        let silent = Content { allow_comments: Some(false), ..fine() };
        assert_eq!(rules(silent, FacebookOptions::default()), ["COMMENTS_NOT_OFFERED"]);
        let somewhere = Content { location: Some("Berlin".into()), ..fine() };
        assert_eq!(rules(somewhere, FacebookOptions::default()), ["LOCATION_NOT_AN_ID"]);
        let titled = FacebookOptions { title: Some("x".repeat(256)), ..FacebookOptions::default() };
        assert_eq!(rules(fine(), titled), ["TITLE_TOO_LONG"]);
        let talkative = FacebookOptions { first_comment: Some("x".repeat(8_001)), ..FacebookOptions::default() };
        assert_eq!(rules(fine(), talkative), ["FIRST_COMMENT_TOO_LONG"]);
        let fetched = FacebookOptions { transfer: FacebookTransfer::FileUrl, ..FacebookOptions::default() };
        let cdn = Content { video_url: "https://video.xx.fbcdn.net/v.mp4".into(), ..fine() };
        assert_eq!(rules(cdn.clone(), fetched), ["VIDEO_URL_REFUSED"]);
        assert!(rules(cdn, FacebookOptions::default()).is_empty(), "an upload reads it here");
    }
}
