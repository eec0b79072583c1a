//! The shape of a request: what can be checked without knowing the platform, the account or the video. All broken rules
//! come back at once.

use url::Url;

use super::super::{Broken, Error, broken};
use crate::domain::{
    failure::Reason,
    ids::AccountId,
    media::{MediaId, stream_uid},
    post::Content,
    request_key,
    violation::{MEDIA_ID_FIELD, VIDEO_URL_FIELD},
};

/// Most accounts of one request.
const MAX_ACCOUNTS: usize = 100;

/// Largest metadata, bytes of JSON.
const MAX_METADATA: usize = 64 * 1024;

/// Longest text fields, characters: what the columns of every database hold.
const MAX_TEXT: usize = 255;

/// Longest URL, bytes.
const MAX_URL: usize = 4096;

/// Refuses with one broken rule.
pub(super) fn invalid(reason: Reason, one: Broken) -> Error {
    Error::Invalid { reason, broken: vec![one] }
}

/// The reason for a set of broken rules: the original's error if all of them map to it.
pub(super) fn refuse(broken: Vec<Broken>) -> Error {
    let reason_of = |rule: &str| match rule {
        "VIDEO_TOO_LARGE" => Reason::VideoTooLarge,
        "VIDEO_FORMAT_INVALID" | "VIDEO_CODEC_INVALID" => Reason::VideoFormatInvalid,
        "CAPTION_TOO_LONG" => Reason::CaptionTooLong,
        rule if rule.starts_with("VIDEO_URL") || rule == "VIDEO_NOT_PUBLIC" => Reason::VideoNotPublic,
        "FIELD_MALFORMED" => Reason::InvalidField,
        _ => Reason::RuleViolation,
    };
    let first = broken.first().map_or(Reason::RuleViolation, |one| reason_of(one.violation.rule));
    let same = broken.iter().all(|one| reason_of(one.violation.rule) == first);
    Error::Invalid { reason: if same { first } else { Reason::RuleViolation }, broken }
}

/// A request's accounts, checked for shape.
pub(super) fn check_accounts(accounts: &[AccountId]) -> Vec<Broken> {
    let mut seen = std::collections::HashSet::new();
    let mut all = Vec::new();
    if accounts.is_empty() || accounts.len() > MAX_ACCOUNTS {
        all.push(broken(
            "accounts",
            "FIELD_MALFORMED",
            format!("{} accounts", accounts.len()),
            "1 to 100 accounts are taken",
            "name at least one, and split larger requests",
        ));
    }
    for account in accounts {
        if !seen.insert(account) {
            all.push(broken(
                "accounts",
                "FIELD_MALFORMED",
                format!("account {account} twice"),
                "each account may be named once",
                "remove the repetition",
            ));
        }
    }
    all
}

/// A caller's request key, checked for shape.
pub(super) fn check_key(request_key: Option<&str>, allow_duplicate: bool) -> Vec<Broken> {
    let mut all = Vec::new();
    match request_key {
        Some(text) if text.is_empty() || text.len() > request_key::MAX_LENGTH || text.chars().any(char::is_control) => {
            all.push(broken(
                "request_key",
                "FIELD_MALFORMED",
                format!("{} bytes", text.len()),
                "a key has 1 to 128 bytes without control characters",
                "shorten it, for example by hashing",
            ));
        }
        Some(text) if text.starts_with(request_key::DERIVED) => {
            all.push(broken(
                "request_key",
                "FIELD_MALFORMED",
                "one of the core's own",
                "keys of callers do not begin with `derived:`",
                "choose another key",
            ));
        }
        None if allow_duplicate => {
            all.push(broken(
                "request_key",
                "FIELD_MALFORMED",
                "empty",
                "allow_duplicate needs a key of its own",
                "give a request_key that names this repetition",
            ));
        }
        _ => {}
    }
    all
}

/// The shape of a request's content, which holds for every account.
pub(super) fn check_shape(content: &Content) -> Vec<Broken> {
    let mut all = check_content(content);
    if !content.video_url.is_empty() && !content.media_id.is_empty() {
        all.push(broken(
            MEDIA_ID_FIELD,
            "FIELD_MALFORMED",
            "given beside video_url",
            "a post has one video",
            "give either video_url or media_id",
        ));
    }
    all
}

/// The shape of a content, of a request or stored: a stored one may have both a URL and the copy made of it.
pub(super) fn check_content(content: &Content) -> Vec<Broken> {
    let mut all = Vec::new();
    let malformed =
        |field, measured: String, limit: &str, remedy: &str| broken(field, "FIELD_MALFORMED", measured, limit, remedy);
    if content.video_url.is_empty() && content.media_id.is_empty() {
        all.push(malformed(
            VIDEO_URL_FIELD,
            "empty".into(),
            "a post needs a video",
            "give the http(s) URL of the video, upload it and give its media_id, or name a saved video job",
        ));
    }
    if !content.media_id.is_empty() && content.media_id.parse::<MediaId>().is_err() {
        let shown: String = content.media_id.chars().take(80).collect();
        let remedy = "upload the video with UploadMedia and give the media_id that it answers";
        all.push(malformed(MEDIA_ID_FIELD, format!("`{shown}`"), "it must name an uploaded video", remedy));
    }
    let urls = [
        (VIDEO_URL_FIELD, content.video_url.as_str()),
        ("content.thumbnail_url", content.thumbnail_url.as_deref().unwrap_or_default()),
    ];
    all.extend(urls.into_iter().filter(|(_, url)| !url.is_empty()).filter_map(|(field, url)| check_url(field, url)));
    let texts = [
        ("content.video_job_id", content.video_job_id.as_str()),
        ("content.location", content.location.as_deref().unwrap_or_default()),
        ("content.privacy_level", content.privacy_level.as_str()),
    ];
    for (field, text) in texts {
        if text.chars().count() > MAX_TEXT || text.chars().any(char::is_control) {
            all.push(malformed(
                field,
                format!("{} characters", text.chars().count()),
                "at most 255 characters without control characters are taken",
                "shorten it",
            ));
        }
    }
    if content.metadata.to_string().len() > MAX_METADATA {
        all.push(malformed(
            "content.metadata",
            format!("{} bytes", content.metadata.to_string().len()),
            "at most 65536 bytes of JSON are taken",
            "keep large data elsewhere and store its id here",
        ));
    }
    all
}

/// The shape of a URL.
pub(in crate::app) fn check_url(field: &'static str, url: &str) -> Option<Broken> {
    let may_be_stream = matches!(field, VIDEO_URL_FIELD | "video_job.video_url");
    let is_good = may_be_stream && stream_uid(url).is_some()
        || url.len() <= MAX_URL
            && Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.host().is_some());
    let shown: String = url.chars().take(60).collect();
    let (limit, remedy) = match may_be_stream && url.starts_with("cloudflare-stream:") {
        true => {
            ("after cloudflare-stream: stands a uid of 1 to 32 letters and digits", "give the uid of the video alone")
        }
        false => ("it must be an http(s) URL of at most 4096 bytes", "give the full URL, beginning with https://"),
    };
    (!is_good).then(|| broken(field, "FIELD_MALFORMED", format!("`{shown}`"), limit, remedy))
}
