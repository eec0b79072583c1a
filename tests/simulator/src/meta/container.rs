//! Containers: what `POST /{ig-user}/media` makes and `media_publish` publishes.
//!
//! A container's status is a function of the time and of what happened to it, so 10,000 waiting containers cost
//! nothing. It expires 24 hours after its creation. The node never tells the id of the published media.
//!
//! <https://developers.facebook.com/documentation/instagram-platform/instagram-graph-api/reference/ig-container>

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::Flavour;
use super::behaviour::Behaviour;
use super::error::{GraphError, status_sentence};
use super::input::Field;
use super::rules::Draft;
use super::world::Id;
use crate::fetch::Received;

/// `status_code`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum Status {
    InProgress,
    Finished,
    Published,
    Error,
    Expired,
}

impl Status {
    /// The word on the wire.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Status::InProgress => "IN_PROGRESS",
            Status::Finished => "FINISHED",
            Status::Published => "PUBLISHED",
            Status::Error => "ERROR",
            Status::Expired => "EXPIRED",
        }
    }
}

/// Where the video is.
#[derive(Debug, Clone)]
pub(crate) enum Stage {
    /// No complete video yet: waiting for an upload, or downloading.
    Waiting,
    /// Complete; ready at this time (ms).
    Ready(i64),
    /// Failed; shows at this time (ms).
    Failed(i64, GraphError),
}

/// Life of a container, in ms.
pub(crate) const LIFE_MS: i64 = 24 * 3_600_000;

/// One container.
pub(crate) struct Container {
    pub(crate) account: Id,
    pub(crate) flavour: Flavour,
    pub(crate) created_at: i64,
    pub(crate) draft: Draft,
    pub(crate) stage: Stage,
    /// State of a resumable upload; `None` while a request is writing to it, or when the video comes by URL.
    pub(crate) upload: Option<Received>,
    /// Whether the video comes through `rupload`.
    pub(crate) resumable: bool,
    /// Bytes a resumable upload has received.
    pub(crate) received: u64,
    /// `file_size` as announced by the first upload request.
    pub(crate) file_size: Option<u64>,
    /// `upload`, or the URL.
    pub(crate) source: String,
    pub(crate) byte_count: Option<u64>,
    pub(crate) sha256: Option<String>,
    /// Media made from it; more than one only in the worst case.
    pub(crate) published: Vec<Id>,
    /// When its media became (or becomes) visible, in ms.
    pub(crate) visible_at: i64,
    /// What the next status reads say instead of the truth.
    pub(crate) scripted_reads: VecDeque<Status>,
}

impl Container {
    /// What is really the case.
    pub(crate) fn status(&self, now: i64, behaviour: &Behaviour) -> Status {
        if !self.published.is_empty() {
            return if now < self.visible_at {
                Status::InProgress
            } else if now < self.visible_at + behaviour.published_lag_ms {
                Status::Finished
            } else {
                Status::Published
            };
        }
        match self.stage {
            Stage::Failed(at, _) if at <= now => Status::Error,
            _ if now >= self.created_at + LIFE_MS => Status::Expired,
            Stage::Ready(at) if at <= now => Status::Finished,
            Stage::Ready(_) | Stage::Failed(..) | Stage::Waiting => Status::InProgress,
        }
    }

    /// Whether a read cannot find it any more.
    pub(crate) fn forgotten(&self, now: i64, behaviour: &Behaviour) -> bool {
        !self.published.is_empty()
            && behaviour.forget_published_after_s.is_some_and(|seconds| now >= self.visible_at + seconds * 1000)
    }

    /// The node with the fields asked for; a read may consume a scripted answer.
    pub(crate) fn node(
        &mut self,
        id: Id,
        fields: &[Field],
        now: i64,
        behaviour: &Behaviour,
    ) -> Result<Value, GraphError> {
        let asks_status = fields.iter().any(|field| matches!(field.name.as_str(), "status_code" | "status"));
        let scripted = if asks_status && !self.published.is_empty() { self.scripted_reads.pop_front() } else { None };
        let status = scripted.unwrap_or_else(|| self.status(now, behaviour));
        let mut node = Map::new();
        for field in fields {
            match field.name.as_str() {
                "id" => {}
                "status_code" => {
                    node.insert("status_code".into(), json!(status.word()));
                }
                "status" => {
                    node.insert("status".into(), json!(self.sentence(status)));
                }
                "copyright_check_status" => {
                    let done = !matches!(status, Status::InProgress);
                    let word = if done { "completed" } else { "in_progress" };
                    node.insert("copyright_check_status".into(), json!({ "status": word, "matches_found": false }));
                }
                "video_status" => {
                    node.insert("video_status".into(), self.video_status(status));
                }
                other => return Err(GraphError::field(other, "IGMediaBuilder")),
            }
        }
        node.insert("id".into(), json!(id.to_string()));
        Ok(Value::Object(node))
    }

    fn sentence(&self, status: Status) -> String {
        match (status, &self.stage) {
            (Status::Error, Stage::Failed(_, error)) => status_sentence(error),
            (Status::Error, _) => "Error".to_owned(),
            (Status::Finished, _) => "Finished: Media has been uploaded and it is ready to be published.".to_owned(),
            (Status::InProgress, _) => "In Progress: Media is still being processed.".to_owned(),
            (Status::Published, _) => "Published: Media has been published.".to_owned(),
            (Status::Expired, _) => "Expired: Media was not published within 24 hours.".to_owned(),
        }
    }

    /// Not in the reference, but read by Meta's own sample of June 2026.
    fn video_status(&self, status: Status) -> Value {
        let complete = self.byte_count.is_some();
        let uploading = if complete {
            "complete"
        } else if self.received > 0 {
            "in_progress"
        } else {
            "not_started"
        };
        let processing = match status {
            Status::Finished | Status::Published => "complete",
            Status::Error | Status::Expired => "error",
            Status::InProgress if complete => "in_progress",
            Status::InProgress => "not_started",
        };
        json!({
            "uploading_phase": { "status": uploading, "bytes_transferred": self.received },
            "processing_phase": { "status": processing },
        })
    }
}
