//! One version of a video's file, identified by its host's headers and its bytes. A video is read in several parts, by
//! several requests and perhaps by several processes; parts of two versions must never be combined.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The rule that is broken when the file was replaced since the upload began.
pub const VIDEO_CHANGED: &str = "VIDEO_CHANGED";

/// Identifies a version of the file behind a URL.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VideoVersion {
    /// Size of the whole file.
    pub size_bytes: u64,
    /// The host's `ETag`, if it gives one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// The host's `Last-Modified`, verbatim.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_modified: Option<String>,
    /// What the file is: size and hash of samples of its bytes, or the upload's SHA-256. Missing where only the head of
    /// an answer was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<String>,
}

/// How two versions compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// Identical, according to the host.
    Same,
    /// Not the same file.
    Different,
    /// Neither proven nor disproven: only the bytes can tell.
    Unproven,
}

impl VideoVersion {
    /// Compares what the host says. A strong `ETag` decides; weak ones prove nothing. `Last-Modified` can only tell two
    /// files apart: it counts seconds, and files are replaced faster.
    pub fn compare(&self, other: &Self) -> Comparison {
        if self.size_bytes != other.size_bytes {
            return Comparison::Different;
        }
        if let (Some(one), Some(two)) = (self.strong_etag(), other.strong_etag()) {
            return if one == two { Comparison::Same } else { Comparison::Different };
        }
        match (&self.last_modified, &other.last_modified) {
            (Some(one), Some(two)) if one != two => Comparison::Different,
            _ => Comparison::Unproven,
        }
    }

    /// Whether the host gives a strong `ETag`.
    pub fn has_strong_name(&self) -> bool {
        self.strong_etag().is_some()
    }

    fn strong_etag(&self) -> Option<&str> {
        self.etag.as_deref().filter(|etag| !etag.starts_with("W/"))
    }

    /// The version of an upload: its bytes never change.
    pub fn of_upload(media_id: &str, size_bytes: u64) -> Self {
        Self { size_bytes, etag: None, last_modified: None, identity: Some(format!("media:{media_id}")) }
    }

    /// As a ledger's handle keeps it.
    pub fn to_value(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    /// From a ledger's handle; `None` where an older core kept none.
    pub fn from_value(value: Option<&Value>) -> Option<Self> {
        serde_json::from_value(value?.clone()).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(etag: Option<&str>, last_modified: Option<&str>) -> VideoVersion {
        VideoVersion {
            size_bytes: 9,
            etag: etag.map(str::to_owned),
            last_modified: last_modified.map(str::to_owned),
            identity: None,
        }
    }

    #[test]
    fn only_a_strong_name_proves_that_two_files_are_one() {
        let (one, two, weak) = (Some("\"1\""), Some("\"2\""), Some("W/\"1\""));
        let (monday, tuesday) = (Some("Mon, 23 Nov 2026 10:00:00 GMT"), Some("Tue, 24 Nov 2026 10:00:00 GMT"));
        for (left, right, expected) in [
            (version(one, None), version(one, None), Comparison::Same),
            (version(one, monday), version(one, tuesday), Comparison::Same),
            (version(one, monday), version(two, monday), Comparison::Different),
            (version(weak, None), version(weak, None), Comparison::Unproven),
            (version(weak, None), version(one, None), Comparison::Unproven),
            (version(None, monday), version(None, monday), Comparison::Unproven),
            (version(None, monday), version(one, tuesday), Comparison::Different),
            (version(None, None), version(one, monday), Comparison::Unproven),
            (version(one, None), VideoVersion { size_bytes: 8, ..version(one, None) }, Comparison::Different),
        ] {
            assert_eq!(left.compare(&right), expected, "{left:?} {right:?}");
            assert_eq!(right.compare(&left), expected, "{right:?} {left:?}");
        }
    }

    #[test]
    fn a_version_survives_the_ledger_and_an_older_cores_handle_has_none() {
        let kept = VideoVersion { identity: Some("file:9:00".into()), ..version(Some("\"1\""), None) };
        assert_eq!(VideoVersion::from_value(Some(&kept.to_value())), Some(kept));
        assert_eq!(VideoVersion::from_value(None), None);
        assert_eq!(VideoVersion::from_value(Some(&Value::Null)), None);
    }
}
