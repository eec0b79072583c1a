//! video_job.proto, and what media_service.proto says of video jobs.

use aurareels_proto::v1;

use super::{Shape, given, timestamp};
use crate::{
    app::{
        Result,
        video_jobs::{PutVideoJob, VideoJobPage},
    },
    domain::{
        ids::UserId,
        shown_url::shown_url,
        video_job::{JobVideo, VideoJob, VideoJobChange},
    },
};

/// Jobs a page when nothing else is asked for.
const PAGE: u32 = 20;

/// The fields that are saved.
const FIELDS: &[&str] = &["video_url", "media_id", "thumbnail_url", "ai_metadata"];

/// PutVideoJob.
pub(crate) fn put(request: v1::PutVideoJobRequest) -> Result<PutVideoJob> {
    let mut shape = Shape::default();
    let fields = request.update_mask.map(|mask| mask.paths).unwrap_or_default();
    let put = saved(&mut shape, request.video_job.unwrap_or_default(), fields);
    shape.finish(put)
}

/// The job that a request of posts brings: the one that its content names.
pub(super) fn of_posts(
    shape: &mut Shape,
    job: Option<v1::VideoJob>,
    content: Option<&v1::PostContent>,
) -> Option<PutVideoJob> {
    let job = job?;
    if content.is_some_and(|content| content.video_job_id != job.video_job_id) {
        let measured = "another job than that of content";
        let remedy = "give both the same video_job_id, or save the job with PutVideoJob";
        shape.wrong("video_job.video_job_id", measured, "the video_job_id of content", remedy);
    }
    Some(saved(shape, job, Vec::new()))
}

/// What is saved of a job: these fields, or all.
fn saved(shape: &mut Shape, job: v1::VideoJob, mut fields: Vec<String>) -> PutVideoJob {
    if fields.is_empty() {
        fields = FIELDS.iter().map(|&field| field.to_owned()).collect();
    }
    let owner = match job.wp_user_id {
        0 => None,
        id => Some(UserId(shape.id("video_job.wp_user_id", id))),
    };
    if !job.video_url.is_empty() && !job.media_id.is_empty() {
        let measured = "given beside video_url";
        shape.wrong("video_job.media_id", measured, "the only video", "give either video_url or media_id");
    }
    let ai = job.ai_metadata.unwrap_or_default();
    let mut change = VideoJobChange::default();
    for field in fields {
        match field.strip_prefix("video_job.").unwrap_or(&field) {
            "video_url" | "media_id" => {
                change.video = Some(match (given(job.video_url.clone()), given(job.media_id.clone())) {
                    (Some(url), _) => JobVideo::Url(url),
                    (None, Some(media_id)) => JobVideo::Media(media_id.to_ascii_lowercase()),
                    (None, None) => JobVideo::None,
                });
            }
            "thumbnail_url" => change.thumbnail_url = Some(given(job.thumbnail_url.clone())),
            "ai_metadata" => {
                change.titles = Some(ai.titles.clone());
                change.description = Some(ai.description.clone());
                change.hashtags = Some(ai.hashtags.clone());
                change.transcription = Some(ai.transcription.clone());
            }
            "ai_metadata.titles" => change.titles = Some(ai.titles.clone()),
            "ai_metadata.description" => change.description = Some(ai.description.clone()),
            "ai_metadata.hashtags" => change.hashtags = Some(ai.hashtags.clone()),
            "ai_metadata.transcription" => change.transcription = Some(ai.transcription.clone()),
            other => {
                let limit = "one of video_url, media_id, thumbnail_url, ai_metadata, or a field of ai_metadata";
                shape.wrong("update_mask", format!("`{other}`"), limit, "name fields of video_job");
            }
        }
    }
    PutVideoJob { video_job_id: job.video_job_id, owner, change }
}

/// The name of a job.
pub(crate) fn name(video_job_id: String) -> Result<String> {
    let mut shape = Shape::default();
    let video_job_id = shape.text("video_job_id", video_job_id);
    shape.finish(video_job_id)
}

/// A page of jobs: size, token.
pub(crate) fn list(request: v1::ListVideoJobsRequest) -> Result<(u32, Option<String>)> {
    let mut shape = Shape::default();
    let size = shape.page_size(request.page_size, PAGE);
    shape.finish((size, given(request.page_token)))
}

/// A job for the wire.
pub(crate) fn video_job(job: VideoJob) -> v1::VideoJob {
    let has_video = job.has_video();
    let VideoJob { video_job_id, wp_user_id, video_url, media_id, thumbnail_url, ai, created_at, updated_at } = job;
    v1::VideoJob {
        video_job_id,
        wp_user_id: wp_user_id.0,
        video_url: shown_url(&video_url),
        media_id,
        thumbnail_url: thumbnail_url.as_deref().map(shown_url).unwrap_or_default(),
        ai_metadata: Some(v1::AiMetadata {
            titles: ai.titles,
            description: ai.description,
            hashtags: ai.hashtags,
            transcription: ai.transcription,
        }),
        has_video,
        created_at: Some(timestamp(created_at)),
        updated_at: Some(timestamp(updated_at)),
    }
}

/// A page for the wire.
pub(crate) fn page(page: VideoJobPage) -> v1::ListVideoJobsResponse {
    v1::ListVideoJobsResponse {
        video_jobs: page.jobs.into_iter().map(video_job).collect(),
        next_page_token: page.next_page_token.unwrap_or_default(),
    }
}
