//! Request keys (design §7): the caller's own, or one that the core derives from what is posted, because a retried
//! automation is a new run without knowledge of the previous one. Pure.
//!
//! A derived key identifies account, video, text and time. The video is identified by its content, not its link: links
//! are signed anew, and files behind them are replaced. The literal link is used only if the file cannot be reached.
//! The fingerprint of a request records its fields, so that a key reused with other content gives an error naming the
//! field.
//!
//! Older releases identified videos by their URL without signature parameters. Every row still carries the key of that
//! formula (`by_address`): an older core that runs beside this one finds it, and rows of older cores are found by it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use url::Url;

use super::{
    account::Account,
    caption,
    media::stream_uid,
    post::{Content, Post, Status},
};

/// Longest key of a caller, bytes.
pub const MAX_LENGTH: usize = 128;

/// How derived keys begin; callers' keys may not.
pub const DERIVED: &str = "derived:";

/// Query parameters that only sign a URL, as older releases knew them. The list is closed: it is part of their keys.
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

/// A URL without what only signs it, as older releases saw it.
fn unsigned(url: &str) -> String {
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

/// The identity of a video.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Video {
    /// The job that made it, or the upload: as the request names it.
    Named(String),
    /// The file behind a URL, once it was read.
    Linked {
        /// The URL as it was given.
        url: String,
        /// What the file is, and its size.
        file: Option<(String, u64)>,
    },
}

impl Video {
    fn of(content: &Content) -> Self {
        if !content.video_job_id.is_empty() {
            Self::Named(format!("job:{}", content.video_job_id))
        } else if !content.media_id.is_empty() {
            Self::Named(format!("media:{}", content.media_id))
        } else if let Some(uid) = stream_uid(&content.video_url) {
            Self::Named(format!("cloudflare-stream:{uid}"))
        } else {
            Self::Linked { url: content.video_url.clone(), file: None }
        }
    }

    /// Its content; `None` for a file that was not read.
    fn identity(&self) -> Option<&str> {
        match self {
            Self::Named(name) => Some(name),
            Self::Linked { file, .. } => file.as_ref().map(|(identity, _)| identity.as_str()),
        }
    }

    /// Its identity in older releases.
    fn address(&self) -> String {
        match self {
            Self::Named(name) => name.clone(),
            Self::Linked { url, .. } => format!("url:{}", unsigned(url)),
        }
    }
}

/// When the posts of a request are to be published.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// The instant, not yet moved to now; `None` for immediately.
    pub at: Option<DateTime<Utc>>,
    /// The wall time and its zone, where they were given: the rules of a zone change, the request does not.
    pub wall: Option<String>,
}

impl Asked {
    fn instant(&self) -> String {
        self.at.map_or_else(|| "now".to_owned(), |at| at.timestamp_micros().to_string())
    }

    fn as_given(&self) -> String {
        self.wall.as_ref().map_or_else(|| self.instant(), |wall| format!("wall:{wall}"))
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

fn short(value: &str) -> String {
    digest(&[value])[..12].to_owned()
}

/// The keys of one account's part of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestKeys {
    /// The key of the row: the caller's, or the derived one. `None` for a draft without a key, and for a derived one
    /// while the file was not read.
    pub key: Option<String>,
    /// Whether the core derives `key`.
    pub is_derived: bool,
    /// What is posted, by the video's content and the instant: equal for posts of the same content. `None` for drafts,
    /// and while the file was not read.
    pub posted: Option<String>,
    /// What is posted, by the literal link; `None` where the video is not named by its URL.
    pub link: Option<String>,
    /// What is posted, by the formula of older releases. `None` for drafts.
    pub by_address: Option<String>,
    /// A short hash per field of the request.
    pub fingerprint: Fingerprint,
    /// A derived key counts until its post has been at rest since before this instant; `None`: for as long as the post is
    /// there.
    pub valid_since: Option<DateTime<Utc>>,
    /// Refuse posts of which an equal one is being published, or live since then; `None`: duplicates are intended.
    pub refuse_duplicates_since: Option<DateTime<Utc>>,
    video: Video,
    /// What is posted besides the video: platform, account, caption.
    of: [String; 3],
    asked: Asked,
}

/// A row that may be what a request is about.
#[derive(Clone, Copy, Debug)]
pub struct KeyHolder<'a> {
    /// The post.
    pub post: &'a Post,
    /// What it posts, by its video's content; `None` in rows of older cores.
    pub posted: Option<&'a str>,
    /// What it posts, by the literal link.
    pub link: Option<&'a str>,
    /// What it posts, by the formula of older releases.
    pub by_address: Option<&'a str>,
}

/// How a row relates to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// It is the post of this request.
    Held,
    /// It has the request's derived key, which has expired.
    Ended,
    /// The same link, the same text, another video.
    OtherVideo,
    /// The same content under another key.
    Duplicate,
    /// Nothing.
    Apart,
}

/// Whether a row posts the same content, regardless of its key.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sameness {
    Same,
    OtherVideo,
    Apart,
}

impl RequestKeys {
    /// The keys of a request; `caller_key` is the caller's own. `full_caption` is the text that is sent, `options` every
    /// option of the account's platform with its value (`platform::description::Codec::text`).
    pub fn of(
        account: &Account,
        content: &Content,
        options: &str,
        full_caption: &str,
        asked: Asked,
        caller_key: Option<String>,
    ) -> Self {
        let video = Video::of(content);
        let is_linked = matches!(video, Video::Linked { .. });
        let mut keys = Self {
            is_derived: caller_key.is_none(),
            key: caller_key,
            posted: None,
            link: None,
            by_address: None,
            fingerprint: Fingerprint::of(content, options, full_caption, &asked),
            valid_since: None,
            refuse_duplicates_since: None,
            video,
            of: [account.platform.as_str().to_owned(), account.account_id.clone(), caption::normalise(full_caption)],
            asked,
        };
        keys.by_address = Some(keys.derive(&keys.video.address(), &keys.asked.instant()));
        keys.link = is_linked.then(|| keys.derive(&format!("link:{}", content.video_url), &keys.asked.as_given()));
        keys.settle();
        keys
    }

    /// The keys of a draft: only the caller's, if any. Its content does not count yet.
    pub fn of_draft(
        account: &Account,
        content: &Content,
        options: &str,
        full_caption: &str,
        asked: Asked,
        caller_key: Option<String>,
    ) -> Self {
        let keys = Self::of(account, content, options, full_caption, asked, caller_key);
        let key = keys.key.filter(|_| !keys.is_derived);
        Self { key, is_derived: false, posted: None, link: None, by_address: None, ..keys }
    }

    /// Adds the identity of the file behind the link.
    pub fn with_file(mut self, identity: &str, size_bytes: u64) -> Self {
        if let Video::Linked { file, .. } = &mut self.video {
            *file = Some((identity.to_owned(), size_bytes));
            self.fingerprint = self.fingerprint.with_video(identity);
            self.settle();
        }
        self
    }

    /// Whether it is known what the video is.
    pub fn knows_video(&self) -> bool {
        self.video.identity().is_some()
    }

    /// Derives what needs the video's identity.
    fn settle(&mut self) {
        let Some(identity) = self.video.identity().map(str::to_owned) else { return };
        self.posted = Some(self.derive(&identity, &self.asked.instant()));
        if self.is_derived {
            self.key = Some(self.derive(&identity, &self.asked.as_given()));
        }
    }

    fn derive(&self, video: &str, time: &str) -> String {
        let [platform, account, caption] = &self.of;
        format!("{DERIVED}{}", digest(&[platform, account, video, caption, time]))
    }

    /// How a row relates to this request.
    pub fn relation(&self, row: KeyHolder<'_>) -> Relation {
        let post = row.post;
        let is_held = post.request_key.is_some();
        if is_held && post.request_key == self.key {
            return if self.is_derived && self.has_ended(post) { Relation::Ended } else { Relation::Held };
        }
        let sameness = self.sameness(row);
        if self.is_derived && is_held && post.request_key_derived {
            return match sameness {
                _ if self.has_ended(post) => Relation::Apart,
                Sameness::Same => Relation::Held,
                Sameness::OtherVideo => Relation::OtherVideo,
                Sameness::Apart => Relation::Apart,
            };
        }
        if sameness == Sameness::Same && self.refuses(post) { Relation::Duplicate } else { Relation::Apart }
    }

    /// Whether a derived key of this post has expired.
    fn has_ended(&self, post: &Post) -> bool {
        let is_at_rest = matches!(post.status, Status::Published | Status::Failed | Status::Cancelled);
        is_at_rest && self.valid_since.is_some_and(|since| post.status_since < since)
    }

    /// Whether this post forbids another one with the same content.
    fn refuses(&self, post: &Post) -> bool {
        self.refuse_duplicates_since.is_some_and(|since| match post.status {
            Status::Scheduled | Status::Publishing | Status::Confirming | Status::NeedsReview | Status::Delivered => {
                true
            }
            Status::Published => post.status_since >= since,
            Status::Draft | Status::Failed | Status::Cancelled => false,
        })
    }

    fn sameness(&self, row: KeyHolder<'_>) -> Sameness {
        if row.posted.is_some() {
            let is_link = self.link.is_some() && row.link == self.link.as_deref();
            return match &self.posted {
                Some(posted) if row.posted == Some(posted.as_str()) => Sameness::Same,
                Some(_) if is_link => Sameness::OtherVideo,
                None if is_link => Sameness::Same,
                Some(_) | None => Sameness::Apart,
            };
        }
        if row.by_address.is_none() || row.by_address != self.by_address.as_deref() {
            return Sameness::Apart;
        }
        let Video::Linked { url, file } = &self.video else { return Sameness::Same };
        let its_url = &row.post.content.video_url;
        // Edited since: what it is now says nothing about the request that made it, and that one had our key.
        if unsigned(its_url) != unsigned(url) {
            return Sameness::Same;
        }
        // Of the file an older core kept the size alone.
        let its_size = row.post.media_facts.as_ref().and_then(|facts| facts.get("size_bytes")?.as_u64());
        let is_other = matches!((file, its_size), (Some((_, size)), Some(its_size)) if *size != its_size);
        match (its_url == url, is_other) {
            (true, true) => Sameness::OtherVideo,
            (false, true) => Sameness::Apart,
            (false, false) if file.is_none() => Sameness::Apart,
            (_, false) => Sameness::Same,
        }
    }
}

/// Video and time as older releases compare them.
const VIDEO_FIELD: &str = "content.video_url";
const TIME_FIELD: &str = "scheduled_at";
const THUMBNAIL_FIELD: &str = "content.thumbnail_url";
/// What this release compares first: the video's content, the literal link, the time as given, the cover's URL.
const VIDEO: &str = "video";
const LINK: &str = "link";
const WALL: &str = "wall_time";
const THUMBNAIL: &str = "thumbnail";

/// A short hash per field of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fingerprint(BTreeMap<String, String>);

impl Fingerprint {
    fn of(content: &Content, options: &str, full_caption: &str, asked: &Asked) -> Self {
        let flag = |value: Option<bool>| value.map_or("unset", |value| if value { "yes" } else { "no" }).to_owned();
        let video = Video::of(content);
        let thumbnail = content.thumbnail_url.as_deref().unwrap_or_default();
        let mut fields = vec![
            (VIDEO_FIELD, video.address()),
            ("content.caption", caption::normalise(full_caption)),
            (THUMBNAIL_FIELD, unsigned(thumbnail)),
            (THUMBNAIL, place(thumbnail)),
            ("content.location", content.location.clone().unwrap_or_default()),
            ("content.privacy_level", content.privacy_level.clone()),
            ("content.allow_comments", flag(content.allow_comments)),
            ("content.allow_duet", flag(content.allow_duet)),
            ("content.allow_stitch", flag(content.allow_stitch)),
            ("content.platform_options", options.to_owned()),
            (TIME_FIELD, asked.at.map(|at| at.timestamp_micros().to_string()).unwrap_or_default()),
        ];
        fields.extend(asked.wall.clone().map(|wall| (WALL, wall)));
        match &video {
            Video::Named(name) => fields.push((VIDEO, name.clone())),
            Video::Linked { url, .. } => fields.push((LINK, url.clone())),
        }
        Self(fields.into_iter().map(|(field, value)| (field.to_owned(), short(&value))).collect())
    }

    fn with_video(mut self, identity: &str) -> Self {
        self.0.insert(VIDEO.to_owned(), short(identity));
        self
    }

    /// As a row keeps it.
    pub fn to_json(&self) -> String {
        serde_json::to_string(&self.0).unwrap_or_default()
    }

    /// The fields in which this request differs from a stored one. A field that an older release did not keep does not
    /// count.
    pub fn differences(&self, stored: &str) -> Vec<String> {
        let stored: BTreeMap<String, String> = serde_json::from_str(stored).unwrap_or_default();
        let is_equal = |field: &str| self.0.get(field).zip(stored.get(field)).map(|(one, other)| one == other);
        self.0
            .keys()
            .filter(|field| match field.as_str() {
                // What the video is, where both know it; else where it was.
                VIDEO_FIELD => !is_equal(VIDEO)
                    .unwrap_or_else(|| is_equal(LINK) == Some(true) || is_equal(VIDEO_FIELD) != Some(false)),
                TIME_FIELD => is_equal(WALL) != Some(true) && is_equal(TIME_FIELD) == Some(false),
                THUMBNAIL_FIELD => is_equal(THUMBNAIL) != Some(true) && is_equal(THUMBNAIL_FIELD) == Some(false),
                VIDEO | LINK | WALL | THUMBNAIL => false,
                other => is_equal(other) == Some(false),
            })
            .cloned()
            .collect()
    }

    /// Whether these differences are about the video alone.
    pub fn is_only_video(differences: &[String]) -> bool {
        differences == [VIDEO_FIELD]
    }
}

/// A URL without its query: a cover that was signed anew is the same cover.
fn place(url: &str) -> String {
    let Ok(mut parsed) = Url::parse(url) else { return url.to_owned() };
    parsed.set_fragment(None);
    parsed.set_query(None);
    parsed.into()
}

#[cfg(test)]
#[path = "request_key_tests.rs"]
mod tests;
