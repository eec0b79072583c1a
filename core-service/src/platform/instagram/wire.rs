//! The shapes of Instagram's answers, as far as they are used. Private to this platform.
//!
//! Ids are text: most arrive as text, some as numbers beyond 2^53, and both end as the same digits. Every field that
//! the pages do not promise is optional. Two endpoints of Instagram Login are documented as `{"data":[{...}]}` and
//! seen as `{...}`; [`unwrapped`] takes both.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::Value;

use crate::platform::{graph::graph_time, waits};

/// An id as text, whether it came as text or as a whole number.
pub(super) fn id_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    id_of(&Value::deserialize(deserializer)?).ok_or_else(|| serde::de::Error::custom("an id is text or a whole number"))
}

/// The same for ids that may be missing.
fn id_text_opt<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(id_of(&Value::deserialize(deserializer)?))
}

/// An id that is present and not empty.
fn id_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) if number.is_u64() => Some(number.to_string()),
        _ => None,
    }
}

/// A value as this shape.
pub(super) fn shaped<T: DeserializeOwned>(value: Value) -> Option<T> {
    serde_json::from_value(value).ok()
}

/// The first element of `data` where the answer is wrapped in a list, else the answer itself.
pub(super) fn unwrapped(mut value: Value) -> Value {
    match value.get_mut("data").and_then(Value::as_array_mut) {
        Some(list) if !list.is_empty() => list.swap_remove(0),
        _ => value,
    }
}

/// A new object: container or media.
#[derive(Debug, Deserialize)]
pub(super) struct Created {
    #[serde(deserialize_with = "id_text")]
    pub(super) id: String,
    /// Where to upload, for resumable containers.
    pub(super) uri: Option<String>,
}

/// `GET /{container}`.
#[derive(Debug, Deserialize)]
pub(super) struct ContainerNode {
    pub(super) status_code: Option<String>,
    pub(super) status: Option<Value>,
    pub(super) video_status: Option<Value>,
}

/// `status_code` of a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ContainerStatus {
    InProgress,
    Finished,
    Published,
    Error,
    Expired,
}

impl ContainerNode {
    /// The status; `None` when the field is missing or new to us.
    pub(super) fn code(&self) -> Option<ContainerStatus> {
        match self.status_code.as_deref()? {
            "IN_PROGRESS" => Some(ContainerStatus::InProgress),
            "FINISHED" => Some(ContainerStatus::Finished),
            "PUBLISHED" => Some(ContainerStatus::Published),
            "ERROR" => Some(ContainerStatus::Error),
            "EXPIRED" => Some(ContainerStatus::Expired),
            _ => None,
        }
    }

    /// The publishing subcode in `status`, documented as a number and seen inside a sentence.
    pub(super) fn subcode(&self) -> Option<i64> {
        let text = match self.status.as_ref()? {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let digits = text.split(|character: char| !character.is_ascii_digit());
        digits.filter(|run| run.len() == 7 && run.starts_with("2207")).find_map(|run| run.parse().ok())
    }

    /// How far a resumable upload is, if the container tells: bytes, or everything.
    pub(super) fn uploaded(&self) -> Option<Uploaded> {
        let phase = self.video_status.as_ref()?.get("uploading_phase")?;
        if phase.get("status").and_then(Value::as_str) == Some("complete") {
            return Some(Uploaded::Everything);
        }
        // Meta writes it with one r in the page of the Video API.
        let bytes = phase.get("bytes_transferred").or_else(|| phase.get("bytes_transfered"))?;
        let bytes = bytes.as_u64().or_else(|| bytes.as_str()?.parse().ok())?;
        Some(Uploaded::Bytes(bytes))
    }
}

/// How far an upload is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Uploaded {
    Bytes(u64),
    Everything,
}

/// A media as the list or its node gives it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub(super) struct Media {
    #[serde(deserialize_with = "id_text")]
    pub(super) id: String,
    pub(super) caption: Option<String>,
    pub(super) media_type: Option<String>,
    pub(super) media_product_type: Option<String>,
    pub(super) permalink: Option<String>,
    pub(super) timestamp: Option<String>,
}

impl Media {
    /// The fields that the calls ask for.
    pub(super) const FIELDS: &'static str = "id,caption,timestamp,media_type,media_product_type,permalink";

    /// When it was published.
    pub(super) fn published_at(&self) -> Option<DateTime<Utc>> {
        graph_time(self.timestamp.as_deref()?)
    }
}

/// A page of a list.
#[derive(Debug, Deserialize)]
pub(super) struct Page<T> {
    pub(super) data: Vec<T>,
    pub(super) paging: Option<Paging>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Paging {
    cursors: Option<Cursors>,
    next: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Cursors {
    after: Option<String>,
}

impl<T> Page<T> {
    /// The cursor of the next page; `None` on the last one.
    pub(super) fn after(&self) -> Option<&str> {
        let paging = self.paging.as_ref()?;
        paging.next.as_ref()?;
        paging.cursors.as_ref()?.after.as_deref()
    }
}

/// `GET /{ig-user}/content_publishing_limit`.
#[derive(Debug, Deserialize)]
pub(super) struct PublishingLimit {
    pub(super) quota_usage: Option<i64>,
    pub(super) config: Option<QuotaConfig>,
}

#[derive(Debug, Deserialize)]
pub(super) struct QuotaConfig {
    pub(super) quota_total: Option<i64>,
    #[serde(default, deserialize_with = "waits::seconds")]
    quota_duration: Option<f64>,
}

/// The window in which posts are counted, where the platform names none.
const DAY: TimeDelta = TimeDelta::days(1);

/// The longest window that is believed. What is counted in a longer one is counted again before every publish.
const LONGEST_WINDOW: TimeDelta = TimeDelta::days(30);

impl PublishingLimit {
    /// How far back the platform counts.
    pub(super) fn window(&self) -> TimeDelta {
        let named = self.config.as_ref().and_then(|config| config.quota_duration);
        named.and_then(|seconds| waits::span(seconds, LONGEST_WINDOW)).unwrap_or(DAY)
    }
}

/// An access token as every token endpoint gives it.
#[derive(Deserialize)]
pub(super) struct TokenAnswer {
    pub(super) access_token: String,
    #[serde(default, deserialize_with = "waits::seconds")]
    pub(super) expires_in: Option<f64>,
}

/// The short-lived token of Instagram Login.
#[derive(Deserialize)]
pub(super) struct ShortToken {
    pub(super) access_token: String,
    permissions: Option<Value>,
}

impl ShortToken {
    /// What was granted; `None` when the answer does not tell. Documented as text with commas, seen as a list.
    pub(super) fn permissions(&self) -> Option<Vec<String>> {
        let clean = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        match self.permissions.as_ref()? {
            Value::String(text) => Some(text.split(',').filter_map(clean).collect()),
            Value::Array(list) => Some(list.iter().filter_map(Value::as_str).filter_map(clean).collect()),
            _ => None,
        }
    }
}

/// `GET /me` of Instagram Login, and the Instagram account of a Page.
#[derive(Debug, Deserialize)]
pub(super) struct Profile {
    #[serde(default, deserialize_with = "id_text_opt")]
    pub(super) id: Option<String>,
    #[serde(default, deserialize_with = "id_text_opt")]
    pub(super) user_id: Option<String>,
    pub(super) username: Option<String>,
    pub(super) name: Option<String>,
    pub(super) account_type: Option<String>,
    pub(super) profile_picture_url: Option<String>,
}

/// A Page under a Facebook login.
#[derive(Deserialize)]
pub(super) struct FacebookPage {
    #[serde(deserialize_with = "id_text")]
    pub(super) id: String,
    pub(super) name: Option<String>,
    pub(super) access_token: Option<String>,
    pub(super) tasks: Option<Vec<String>>,
    pub(super) instagram_business_account: Option<Profile>,
}

/// An object of which only the id counts.
#[derive(Debug, Deserialize)]
pub(super) struct Named {
    #[serde(deserialize_with = "id_text")]
    pub(super) id: String,
}

/// A line of `/me/permissions`.
#[derive(Debug, Deserialize)]
pub(super) struct Permission {
    pub(super) permission: String,
    pub(super) status: String,
}

/// The error shape of `api.instagram.com`.
#[derive(Debug, Deserialize)]
pub(super) struct LoginError {
    pub(super) error_type: String,
    pub(super) code: Option<i64>,
}

/// The error shape of `rupload.facebook.com`.
#[derive(Debug, Deserialize)]
pub(super) struct UploadError {
    pub(super) debug_info: DebugInfo,
}

#[derive(Debug, Deserialize)]
pub(super) struct DebugInfo {
    pub(super) retriable: Option<bool>,
    #[serde(default, rename = "type")]
    pub(super) kind: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn node(value: Value) -> ContainerNode {
        shaped(value).unwrap()
    }

    #[test]
    fn ids_beyond_2_53_keep_their_digits() {
        let answer: Profile = serde_json::from_str(r#"{"user_id": 17841400000000007}"#).unwrap();
        assert_eq!(answer.user_id.as_deref(), Some("17841400000000007"));
        let answer: Profile = serde_json::from_str(r#"{"user_id": "17841400000000007", "id": ""}"#).unwrap();
        assert_eq!((answer.user_id.as_deref(), answer.id), (Some("17841400000000007"), None));
        assert!(serde_json::from_str::<Created>(r#"{"id": ""}"#).is_err());
        assert!(serde_json::from_str::<Created>(r#"{"id": null}"#).is_err());
        assert!(serde_json::from_str::<Created>(r#"{"id": 1.5}"#).is_err());
    }

    #[test]
    fn both_shapes_of_the_short_token_are_read() {
        let wrapped = json!({"data": [{"access_token": "IGs", "user_id": "1", "permissions": "a,b, c"}]});
        let bare = json!({"access_token": "IGs", "user_id": 1, "permissions": ["a", "b", "c"]});
        for answer in [wrapped, bare] {
            let token: ShortToken = shaped(unwrapped(answer)).unwrap();
            assert_eq!(token.permissions().unwrap(), ["a", "b", "c"]);
        }
        let silent: ShortToken = shaped(json!({"access_token": "IGs"})).unwrap();
        assert_eq!(silent.permissions(), None);
    }

    #[test]
    fn the_subcode_is_found_in_a_sentence() {
        let subcode = |status: Value| node(json!({"status_code": "ERROR", "status": status})).subcode();
        assert_eq!(subcode(json!("Error: Media upload has failed with error code 2207026")), Some(2207026));
        assert_eq!(subcode(json!("2207052")), Some(2207052));
        assert_eq!(subcode(json!(2207003)), Some(2207003));
        assert_eq!(subcode(json!("Error 12207026: something")), None);
        assert_eq!(subcode(json!("Error")), None);
    }

    #[test]
    fn an_upload_tells_how_far_it_is_or_not() {
        let uploaded = |phase: Value| node(json!({"id": "1", "video_status": {"uploading_phase": phase}})).uploaded();
        assert_eq!(uploaded(json!({"status": "in_progress", "bytes_transferred": 50})), Some(Uploaded::Bytes(50)));
        assert_eq!(uploaded(json!({"status": "in_progress", "bytes_transfered": "50"})), Some(Uploaded::Bytes(50)));
        assert_eq!(uploaded(json!({"status": "complete"})), Some(Uploaded::Everything));
        assert_eq!(uploaded(json!({"status": "not_started"})), None);
        assert_eq!(node(json!({"id": "1"})).uploaded(), None);
    }

    #[test]
    fn pages_end_without_next() {
        let page: Page<Media> = shaped(json!({"data": [{"id": "1", "timestamp": "2026-09-28T17:05:11+0000"}],
            "paging": {"cursors": {"before": "a", "after": "b"}}}))
        .unwrap();
        assert_eq!(page.after(), None);
        assert!(page.data[0].published_at().is_some());
        let page: Page<Media> =
            shaped(json!({"data": [], "paging": {"cursors": {"after": "b"}, "next": "https://x"}})).unwrap();
        assert_eq!(page.after(), Some("b"));
    }

    #[test]
    fn a_new_status_word_is_no_status() {
        assert_eq!(node(json!({"status_code": "SOMETHING"})).code(), None);
        assert_eq!(node(json!({"id": "1"})).code(), None);
        assert_eq!(node(json!({"status_code": "PUBLISHED"})).code(), Some(ContainerStatus::Published));
    }

    #[test]
    fn a_window_of_any_length_is_a_window() {
        let window = |duration: Value| {
            let limit = json!({"quota_usage": 25, "config": {"quota_total": 25, "quota_duration": duration}});
            shaped::<PublishingLimit>(limit).unwrap().window()
        };
        assert_eq!(window(json!(3600)), TimeDelta::hours(1));
        for odd in [json!(null), json!(-5), json!(0), json!("a day"), json!([1])] {
            assert_eq!(window(odd.clone()), DAY, "{odd}");
        }
        for huge in [json!(i64::MAX), json!(u64::MAX), json!(1e300)] {
            assert_eq!(window(huge.clone()), LONGEST_WINDOW, "{huge}");
        }
    }
}
