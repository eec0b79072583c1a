//! Request keys (design §7): the caller's own, or one that the core derives from what is posted, because a retried
//! automation is a new run and knows nothing of the one before.
//!
//! A derived key says: this account, this video, this text, this time. The fingerprint of a request says what its fields
//! were, so that a key that comes back with other content can be answered with the name of the field.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use url::Url;

use crate::domain::{account::Account, caption, platform::Platform, post::Content};

/// Longest key of a caller, bytes.
pub(super) const MAX_LENGTH: usize = 128;

/// How derived keys begin; callers' keys may not.
pub(super) const DERIVED: &str = "derived:";

/// Query parameters that only sign a URL and change with every signing.
const SIGNATURE_PARAMETERS: &[&str] = &[
    "signature",
    "sig",
    "expires",
    "expiry",
    "exp",
    "e",
    "policy",
    "key-pair-id",
    "googleaccessid",
    "awsaccesskeyid",
    "token",
    "hmac",
    "se",
    "sp",
    "st",
    "sv",
    "sr",
    "spr",
    "ske",
    "skoid",
    "sks",
    "skt",
    "sktid",
    "skv",
    "hash",
    "md5",
    "nonce",
    "auth",
    "verify",
];

/// A URL without what only signs it.
pub(super) fn unsigned(url: &str) -> String {
    let Ok(mut parsed) = Url::parse(url) else { return url.to_owned() };
    let kept: Vec<(String, String)> = parsed
        .query_pairs()
        .filter(|(name, _)| {
            let name = name.to_ascii_lowercase();
            !(name.starts_with("x-amz-")
                || name.starts_with("x-goog-")
                || SIGNATURE_PARAMETERS.contains(&name.as_str()))
        })
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    parsed.set_fragment(None);
    if kept.is_empty() {
        parsed.set_query(None);
    } else {
        parsed.query_pairs_mut().clear().extend_pairs(kept);
    }
    parsed.into()
}

/// What tells one video from another: the job that made it, the upload, or the URL without its signature.
fn video_identity(content: &Content) -> String {
    if !content.video_job_id.is_empty() {
        format!("job:{}", content.video_job_id)
    } else if !content.media_id.is_empty() {
        format!("media:{}", content.media_id)
    } else {
        format!("url:{}", unsigned(&content.video_url))
    }
}

fn digest(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(part.as_bytes());
    }
    hex::encode(&hash.finalize()[..16])
}

/// The key of what is posted: `full_caption` is the text that is sent, `at` the instant as it was asked for.
pub(super) fn derive(account: &Account, content: &Content, full_caption: &str, at: Option<DateTime<Utc>>) -> String {
    let time = at.map_or_else(|| "now".to_owned(), |at| at.timestamp_micros().to_string());
    let caption = caption::normalise(full_caption);
    format!(
        "{DERIVED}{}",
        digest(&[account.platform.as_str(), &account.account_id, &video_identity(content), &caption, &time])
    )
}

/// A short hash per field of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fingerprint(BTreeMap<String, String>);

impl Fingerprint {
    pub(super) fn of(platform: Platform, content: &Content, full_caption: &str, at: Option<DateTime<Utc>>) -> Self {
        let flag = |value: Option<bool>| value.map_or("unset", |value| if value { "yes" } else { "no" }).to_owned();
        let options = match platform {
            Platform::Tiktok => serde_json::to_string(&content.options.tiktok.clone().unwrap_or_default()),
            _ => serde_json::to_string(&content.options.instagram.clone().unwrap_or_default()),
        };
        let fields = [
            ("content.video_url", video_identity(content)),
            ("content.caption", caption::normalise(full_caption)),
            ("content.thumbnail_url", unsigned(content.thumbnail_url.as_deref().unwrap_or_default())),
            ("content.location", content.location.clone().unwrap_or_default()),
            ("content.privacy_level", content.privacy_level.clone()),
            ("content.allow_comments", flag(content.allow_comments)),
            ("content.allow_duet", flag(content.allow_duet)),
            ("content.allow_stitch", flag(content.allow_stitch)),
            ("content.platform_options", options.unwrap_or_default()),
            ("scheduled_at", at.map(|at| at.timestamp_micros().to_string()).unwrap_or_default()),
        ];
        Self(fields.into_iter().map(|(field, value)| (field.to_owned(), digest(&[&value])[..12].to_owned())).collect())
    }

    pub(super) fn to_json(&self) -> String {
        serde_json::to_string(&self.0).unwrap_or_default()
    }

    /// The fields in which this request differs from a stored one. A field that an older release did not keep does not
    /// count.
    pub(super) fn differences(&self, stored: &str) -> Vec<String> {
        let stored: BTreeMap<String, String> = serde_json::from_str(stored).unwrap_or_default();
        self.0
            .iter()
            .filter(|(field, hash)| stored.get(*field).is_some_and(|other| other != *hash))
            .map(|(field, _)| field.clone())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_do_not_tell_videos_apart() {
        let plain = "https://cdn.example/v/1.mp4";
        assert_eq!(unsigned(plain), plain);
        let signed = "https://cdn.example/v/1.mp4?X-Amz-Signature=abc&X-Amz-Expires=60&Expires=1&Signature=q#t=3";
        assert_eq!(unsigned(signed), plain);
        assert_eq!(unsigned("https://cdn.example/v?id=7&token=abc"), "https://cdn.example/v?id=7");
    }

    #[test]
    fn a_fingerprint_names_what_differs() {
        let content = Content {
            video_url: "https://a.example/1.mp4".into(),
            privacy_level: "PUBLIC".into(),
            ..Content::default()
        };
        let stored = Fingerprint::of(Platform::Tiktok, &content, "hello", None).to_json();
        let same = Fingerprint::of(Platform::Tiktok, &content, " hello ", None);
        assert_eq!(same.differences(&stored), Vec::<String>::new());
        let other = Content { privacy_level: "PRIVATE".into(), ..content };
        assert_eq!(
            Fingerprint::of(Platform::Tiktok, &other, "hullo", None).differences(&stored),
            ["content.caption", "content.privacy_level"]
        );
    }
}
