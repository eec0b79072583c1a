//! TikTok's JSON, as it really comes: unknown fields ignored, both spellings of the log id, ids of 19 digits as bare
//! numbers, as strings, alone or in lists. Nothing here decides what an answer means.

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::platform::waits;

/// `null` is as good as absent.
fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(from: D) -> Result<T, D::Error> {
    Option::deserialize(from).map(Option::unwrap_or_default)
}

/// Envelope of every endpoint but OAuth: success is `error.code == "ok"`, never the HTTP status. `error` is always
/// there, so an answer without it is none of TikTok's.
#[derive(Debug, Deserialize)]
pub(super) struct Envelope {
    /// Absent or empty on errors.
    #[serde(default)]
    pub(super) data: Value,
    /// The real status.
    pub(super) error: ApiError,
}

/// The status of an answer.
#[derive(Debug, Deserialize)]
pub(super) struct ApiError {
    /// "ok" or what went wrong.
    pub(super) code: String,
    /// For developers.
    #[serde(default)]
    pub(super) message: Option<String>,
    /// Spelling of the examples.
    #[serde(default)]
    log_id: Option<String>,
    /// Spelling of the field tables.
    #[serde(default)]
    logid: Option<String>,
}

impl ApiError {
    /// What TikTok's support asks for.
    pub(super) fn log_id(&self) -> Option<&str> {
        self.log_id.as_deref().or(self.logid.as_deref()).filter(|id| !id.is_empty())
    }
}

/// <https://developers.tiktok.com/doc/content-posting-api-reference-query-creator-info>
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct CreatorInfo {
    #[serde(deserialize_with = "or_default")]
    pub(super) creator_avatar_url: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) creator_username: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) creator_nickname: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) privacy_level_options: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    pub(super) comment_disabled: bool,
    #[serde(deserialize_with = "or_default")]
    pub(super) duet_disabled: bool,
    #[serde(deserialize_with = "or_default")]
    pub(super) stitch_disabled: bool,
    pub(super) max_video_post_duration_sec: Option<i32>,
}

/// <https://developers.tiktok.com/docs/en/content-posting-api-reference-direct-post>
#[derive(Debug, Deserialize)]
pub(super) struct InitData {
    pub(super) publish_id: String,
    #[serde(default)]
    pub(super) upload_url: Option<String>,
}

/// <https://developers.tiktok.com/doc/content-posting-api-reference-get-video-status>
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct StatusData {
    /// One of the documented words, or one to come.
    #[serde(deserialize_with = "or_default")]
    pub(super) status: String,
    /// With FAILED.
    pub(super) fail_reason: Option<String>,
    /// TikTok's spelling.
    #[serde(alias = "publicly_available_post_id")]
    publicaly_available_post_id: Value,
    /// A count of bytes.
    uploaded_bytes: Value,
}

impl StatusData {
    /// The public ids as text, in TikTok's order, without doubles. Absent, empty, alone, quoted: all have been seen.
    pub(super) fn post_ids(&self) -> Vec<String> {
        let one = std::slice::from_ref(&self.publicaly_available_post_id);
        let list = self.publicaly_available_post_id.as_array().map_or(one, Vec::as_slice);
        let mut ids: Vec<String> = Vec::new();
        for id in list.iter().filter_map(post_id) {
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        ids
    }

    /// Bytes of the video that arrived, if TikTok tells.
    pub(super) fn uploaded_bytes(&self) -> Option<u64> {
        self.uploaded_bytes.as_u64().or_else(|| self.uploaded_bytes.as_str()?.parse().ok())
    }
}

/// A whole positive number, bare or quoted. A number with a fraction or exponent was rounded on the way: no id.
fn post_id(value: &Value) -> Option<String> {
    let text = match value {
        Value::Number(number) => number.as_u64()?.to_string(),
        Value::String(text) => text.trim().to_owned(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    (text.bytes().all(|byte| byte.is_ascii_digit()) && text.bytes().any(|byte| byte != b'0')).then_some(text)
}

/// <https://developers.tiktok.com/doc/tiktok-api-v2-video-list>
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct VideoList {
    #[serde(deserialize_with = "or_default")]
    pub(super) videos: Vec<Video>,
    #[serde(deserialize_with = "or_default")]
    pub(super) cursor: i64,
    #[serde(deserialize_with = "or_default")]
    pub(super) has_more: bool,
}

/// <https://developers.tiktok.com/docs/en/tiktok-api-v2-video-object>
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Video {
    /// A string here, unlike in the status answer.
    id: Value,
    /// Seconds.
    #[serde(deserialize_with = "or_default")]
    pub(super) create_time: i64,
    /// The caption's first 150 characters.
    #[serde(deserialize_with = "or_default")]
    pub(super) title: String,
    /// The same.
    #[serde(deserialize_with = "or_default")]
    pub(super) video_description: String,
    /// Seconds.
    #[serde(deserialize_with = "or_default")]
    pub(super) duration: i64,
    /// How often it was played.
    pub(super) view_count: Option<i64>,
    /// Likes.
    pub(super) like_count: Option<i64>,
    /// Comments.
    pub(super) comment_count: Option<i64>,
    /// How often it was passed on.
    pub(super) share_count: Option<i64>,
}

impl Video {
    /// Its id as text.
    pub(super) fn id(&self) -> Option<String> {
        post_id(&self.id)
    }
}

/// <https://developers.tiktok.com/doc/tiktok-api-v2-get-user-info>
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct UserData {
    #[serde(deserialize_with = "or_default")]
    pub(super) user: User,
}

/// The fields that were asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct User {
    pub(super) open_id: Option<String>,
    pub(super) union_id: Option<String>,
    pub(super) avatar_url: Option<String>,
    pub(super) display_name: Option<String>,
    pub(super) username: Option<String>,
    pub(super) profile_web_link: Option<String>,
    pub(super) is_verified: Option<bool>,
}

/// Answer of the OAuth endpoints: flat, both ways. A non-empty `error` is a failure, whatever the HTTP status.
/// <https://developers.tiktok.com/doc/oauth-get-a-user-access-token>
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct OauthReply {
    #[serde(deserialize_with = "or_default")]
    pub(super) access_token: String,
    #[serde(deserialize_with = "waits::seconds")]
    pub(super) expires_in: Option<f64>,
    #[serde(deserialize_with = "or_default")]
    pub(super) open_id: String,
    #[serde(deserialize_with = "or_default")]
    pub(super) refresh_token: String,
    #[serde(deserialize_with = "waits::seconds")]
    pub(super) refresh_expires_in: Option<f64>,
    #[serde(deserialize_with = "or_default")]
    pub(super) scope: String,
    pub(super) error: Option<String>,
    pub(super) error_description: Option<String>,
    log_id: Option<String>,
    logid: Option<String>,
}

impl OauthReply {
    /// The error's code, if this is one.
    pub(super) fn error(&self) -> Option<&str> {
        self.error.as_deref().filter(|error| !error.is_empty() && *error != "ok")
    }

    /// What TikTok's support asks for.
    pub(super) fn log_id(&self) -> Option<&str> {
        self.log_id.as_deref().or(self.logid.as_deref()).filter(|id| !id.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(json: &str) -> Vec<String> {
        serde_json::from_str::<StatusData>(json).unwrap().post_ids()
    }

    #[test]
    fn public_ids_are_read_however_they_come_and_never_rounded() {
        assert_eq!(ids(r#"{"publicaly_available_post_id":[7561234567890123457]}"#), ["7561234567890123457"]);
        assert_eq!(ids(r#"{"publicaly_available_post_id":["7561234567890123457", 7]}"#), ["7561234567890123457", "7"]);
        assert_eq!(ids(r#"{"publicaly_available_post_id":7561234567890123457}"#), ["7561234567890123457"]);
        assert_eq!(ids(r#"{"publicaly_available_post_id":"7561234567890123457"}"#), ["7561234567890123457"]);
        assert_eq!(ids(r#"{"publicly_available_post_id":[5,5]}"#), ["5"]);
        for nothing in ["[]", "null", "\"\"", "[0]", "[\"\"]", "[7.5612e18]", "[\"undefined\"]", "{}", "[null]"] {
            assert!(ids(&format!(r#"{{"publicaly_available_post_id":{nothing}}}"#)).is_empty(), "{nothing}");
        }
        assert!(ids("{}").is_empty());
    }

    #[test]
    fn a_status_answer_is_read() {
        let saved = r#"{"data":{"fail_reason":"","publicaly_available_post_id":[],"status":"PROCESSING_UPLOAD",
            "uploaded_bytes":10000000,"downloaded_bytes":0,"new":1},"error":{"code":"ok","message":"","log_id":"2026"}}"#;
        let envelope: Envelope = serde_json::from_str(saved).unwrap();
        let data: StatusData = serde_json::from_value(envelope.data).unwrap();
        assert_eq!((data.status.as_str(), data.uploaded_bytes()), ("PROCESSING_UPLOAD", Some(10_000_000)));
        assert_eq!(envelope.error.log_id(), Some("2026"));
    }

    #[test]
    fn errors_come_without_data_and_with_either_log_id() {
        let envelope: Envelope = serde_json::from_str(r#"{"error":{"code":"x","logid":"L"}}"#).unwrap();
        assert!(envelope.data.is_null());
        assert_eq!(envelope.error.log_id(), Some("L"));
        assert!(serde_json::from_str::<Envelope>(r#"{"data":{}}"#).is_err(), "an answer without error is not TikTok's");
    }
}
