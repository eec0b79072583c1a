//! The status of a video, in all the spellings in which Facebook gives it.
//!
//! Meta's page and its real answers disagree: `complete` and `completed`, `bytes_transfered` and `bytes_transferred`, one
//! `error` and a list of `errors`. An error can stand on a phase that has not begun, so errors are looked for first; only
//! that the post is live goes before them.
//! <https://developers.facebook.com/documentation/video-api/guides/reels-publishing>, read 22 November 2026.

use serde_json::Value;

/// What a status says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// Live.
    Published,
    /// A phase failed.
    Failed {
        /// Facebook's number, if it told one.
        code: Option<i64>,
    },
    /// The upload was not finished in time.
    Expired,
    /// It is being published, or processed.
    AtWork {
        /// All bytes are there.
        uploaded: bool,
    },
    /// All bytes are there, and nothing says that it was finished.
    Uploaded,
    /// So many bytes are there, if it tells.
    Uploading {
        /// Bytes.
        bytes: Option<u64>,
    },
}

impl Reading {
    /// For people.
    pub(super) const fn word(&self) -> &'static str {
        match self {
            Self::Published => "published",
            Self::Failed { .. } => "failed",
            Self::Expired => "expired",
            Self::AtWork { .. } => "at work",
            Self::Uploaded => "uploaded",
            Self::Uploading { .. } => "uploading",
        }
    }
}

const PHASES: [&str; 3] = ["uploading_phase", "processing_phase", "publishing_phase"];

/// Reads the `status` field of a video. `None` when it is none.
pub(super) fn read(status: &Value) -> Option<Reading> {
    let word = status.get("video_status").and_then(Value::as_str).unwrap_or_default();
    let phase = |name: &str| status.get(name).and_then(|phase| phase.get("status")).and_then(Value::as_str);
    let is_complete = |name: &str| matches!(phase(name), Some("complete" | "completed"));
    let publish_status = status["publishing_phase"]["publish_status"].as_str().unwrap_or_default();
    if !status.is_object() || (word.is_empty() && PHASES.iter().all(|name| phase(name).is_none())) {
        return None;
    }
    // Drafts and scheduled ones complete their publishing phase as well, and are not live.
    let is_kept_back = matches!(publish_status, "draft" | "scheduled");
    if publish_status == "published" || word == "published" {
        return Some(Reading::Published);
    }
    let uploaded = is_complete("uploading_phase") || matches!(word, "upload_complete" | "ready");
    let errors = PHASES.iter().filter_map(|name| status.get(name)).filter_map(error_of);
    if let Some(code) = errors.into_iter().next() {
        return Some(Reading::Failed { code });
    }
    let says_error = publish_status == "error" || PHASES.iter().any(|name| phase(name) == Some("error"));
    if says_error || matches!(word, "error" | "upload_failed") {
        return Some(Reading::Failed { code: None });
    }
    if word == "expired" {
        return Some(Reading::Expired);
    }
    if is_complete("publishing_phase") && !is_kept_back {
        return Some(Reading::Published);
    }
    if is_kept_back
        || phase("publishing_phase") == Some("in_progress")
        || phase("processing_phase") == Some("in_progress")
        || word == "processing"
    {
        return Some(Reading::AtWork { uploaded });
    }
    if uploaded {
        return Some(Reading::Uploaded);
    }
    let phase = &status["uploading_phase"];
    let bytes = phase.get("bytes_transfered").or_else(|| phase.get("bytes_transferred"));
    Some(Reading::Uploading { bytes: bytes.and_then(|bytes| bytes.as_u64().or_else(|| bytes.as_str()?.parse().ok())) })
}

/// The error of a phase: its number, if it has one, also inside of the sentence. `None` when there is no error.
fn error_of(phase: &Value) -> Option<Option<i64>> {
    let one = phase.get("error").filter(|error| !error.is_null());
    let error = one.or_else(|| phase.get("errors").and_then(Value::as_array).and_then(|errors| errors.first()))?;
    let code = error.get("code").or_else(|| error.get("error_code"));
    let code = code.and_then(|code| code.as_i64().or_else(|| code.as_str()?.parse().ok()));
    let in_text = || {
        let text = error.get("message").and_then(Value::as_str)?;
        let mut runs = text.split(|character: char| !character.is_ascii_digit());
        runs.find(|run| run.len() == 7).and_then(|run| run.parse().ok())
    };
    Some(code.filter(|code| *code != 0).or_else(in_text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_spelling_is_read() {
        let uploading = |name: &str, bytes: Value| {
            read(&json!({"video_status": "uploading", "uploading_phase": {"status": "in_progress", name: bytes}}))
        };
        for (name, bytes) in [("bytes_transfered", json!(7)), ("bytes_transferred", json!("7"))] {
            assert_eq!(uploading(name, bytes), Some(Reading::Uploading { bytes: Some(7) }));
        }
        for word in ["complete", "completed"] {
            let phases = json!({"video_status": "processing", "uploading_phase": {"status": word},
                "publishing_phase": {"status": word}});
            assert_eq!(read(&phases), Some(Reading::Published), "{word}");
            let uploaded = json!({"video_status": "uploading", "uploading_phase": {"status": word}});
            assert_eq!(read(&uploaded), Some(Reading::Uploaded), "{word}");
        }
        assert_eq!(read(&json!({"video_status": "upload_complete"})), Some(Reading::Uploaded));
        assert_eq!(read(&json!({"video_status": "expired"})), Some(Reading::Expired));
        assert_eq!(read(&json!({"video_status": "published"})), Some(Reading::Published));
        for nothing in [json!({}), json!(null), json!("ready"), json!({"other": 1})] {
            assert_eq!(read(&nothing), None, "{nothing}");
        }
    }

    #[test]
    fn errors_go_before_every_other_word_but_live() {
        let failed = |code| Some(Reading::Failed { code });
        let error = json!({"code": 1363128, "message": "too long"});
        let early =
            json!({"video_status": "processing", "processing_phase": {"status": "not_started", "error": error}});
        assert_eq!(read(&early), failed(Some(1363128)));
        let list = json!({"video_status": "processing", "publishing_phase": {"status": "not_started",
            "errors": [{"message": "Error 1363040: the ratio"}]}});
        assert_eq!(read(&list), failed(Some(1363040)));
        assert_eq!(read(&json!({"video_status": "error"})), failed(None));
        assert_eq!(read(&json!({"video_status": "upload_failed"})), failed(None));
        let live = json!({"video_status": "ready", "uploading_phase": {"status": "complete", "error": error},
            "publishing_phase": {"status": "complete", "publish_status": "published"}});
        assert_eq!(read(&live), Some(Reading::Published));
    }

    #[test]
    fn what_is_kept_back_is_not_live() {
        for word in ["draft", "scheduled"] {
            let status = json!({"video_status": "ready", "uploading_phase": {"status": "complete"},
                "publishing_phase": {"status": "complete", "publish_status": word}});
            assert_eq!(read(&status), Some(Reading::AtWork { uploaded: true }), "{word}");
        }
    }
}
