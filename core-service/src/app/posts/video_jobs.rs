//! What a post takes from a saved video job: a request that names only the job gets the job's video, and its cover if
//! it has none of its own. The post keeps both: later changes of the job do not affect it.

use super::{
    Caller, Error, Posts, Result,
    fields::names,
    requests::{PostInput, UpdatePost},
};
use crate::{
    app::video_jobs::{self, PutVideoJob, VideoJobs},
    domain::{failure::Reason, post::Content, video_job::VideoJob},
};

impl Posts {
    /// Saves the job that a request contains. Harmless to repeat, so it stays saved when the posts are refused.
    pub(super) async fn save_job(&self, caller: Caller, job: Option<PutVideoJob>) -> Result<()> {
        if let Some(job) = job {
            VideoJobs::new(self.store.clone(), self.clock.clone()).put(caller, job).await?;
        }
        Ok(())
    }

    /// Fills in the video of an input that names only a job.
    pub(super) async fn take_job(&self, caller: Caller, input: &mut PostInput) -> Result<()> {
        if !input.content.names_job_alone() {
            return Ok(());
        }
        let job = self.job_with_video(caller, &input.content.video_job_id).await?;
        let own_cover = input.content.thumbnail_url.take();
        take(&mut input.content, job);
        input.content.thumbnail_url = own_cover.or_else(|| input.content.thumbnail_url.take());
        Ok(())
    }

    /// Fills in the video of an edit that names only a job. The cover goes with the video.
    pub(super) async fn take_job_of_edit(&self, caller: Caller, edit: &mut UpdatePost) -> Result<()> {
        let is_named = |field| names(&edit.fields, field);
        let is_alone = is_named("video_job_id") && !is_named("video_url") && !is_named("media_id");
        if !is_alone || edit.input.content.video_job_id.is_empty() {
            return Ok(());
        }
        let own_cover = is_named("thumbnail_url").then(|| edit.input.content.thumbnail_url.take());
        let job = self.job_with_video(caller, &edit.input.content.video_job_id).await?;
        take(&mut edit.input.content, job);
        if let Some(own) = own_cover {
            edit.input.content.thumbnail_url = own;
        }
        edit.fields.extend(["video_url", "media_id", "thumbnail_url"].map(str::to_owned));
        Ok(())
    }

    /// The caller's job of this name, once it has a video.
    async fn job_with_video(&self, caller: Caller, video_job_id: &str) -> Result<VideoJob> {
        let job = self.store.video_job(caller.user, video_job_id).await?;
        let job = job.ok_or_else(|| video_jobs::not_found(video_job_id))?;
        if job.has_video() {
            return Ok(job);
        }
        Err(Error::Precondition {
            reason: Reason::VideoJobWithoutVideo,
            subject: format!("video job {video_job_id}"),
            message: format!("video job {video_job_id} has no video yet"),
            remedy: "wait until its video is made and saved with PutVideoJob, or give a video_url or a media_id".into(),
        })
    }
}

fn take(content: &mut Content, job: VideoJob) {
    content.video_url = job.video_url;
    content.media_id = job.media_id;
    content.thumbnail_url = job.thumbnail_url;
}
