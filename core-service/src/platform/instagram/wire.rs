//! The shapes of Instagram's answers, as far as they are used. Private to this platform.
//! What it shares with Facebook stands in `meta::wire`.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use serde_json::Value;

pub(super) use crate::platform::meta::wire::{Page, Profile, UploadError, id_text, shaped, unwrapped};
use crate::platform::{meta::graph::graph_time, waits};

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
