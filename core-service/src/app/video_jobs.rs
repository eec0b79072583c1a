//! Video jobs, as their owners see them: save, get, list, delete. What a post takes from a job is in `posts`.
//!
//! Guaranteed: one user never sees or uses another's job; saving is harmless to repeat; a job that names an upload names
//! one that is there.

use super::{Broken, Caller, Error, Result, broken, posts::shape::check_url, row_token};
use crate::{
    clock::Clock,
    domain::{
        failure::Reason,
        ids::UserId,
        media::MediaId,
        video_job::{JobVideo, VideoJob, VideoJobChange},
    },
    store::Store,
};

/// Most jobs of a page.
const MAX_PAGE: u32 = 100;

/// Longest id, characters: what the columns of every database hold.
const MAX_NAME: usize = 255;

/// Limits for titles, hashtags and the bytes of each field, so that a page of jobs fits into one response.
const MAX_TITLES: usize = 50;
const MAX_HASHTAGS: usize = 100;
const MAX_LIST_BYTES: usize = 4 * 1024;
const MAX_DESCRIPTION: usize = 8 * 1024;
const MAX_TRANSCRIPTION: usize = 256 * 1024;

/// A job as a caller saves it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutVideoJob {
    /// Its name.
    pub video_job_id: String,
    /// Its owner according to the caller's own tables, if given.
    pub owner: Option<UserId>,
    /// What is saved of it.
    pub change: VideoJobChange,
}

/// A page of jobs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VideoJobPage {
    /// The jobs, newest first, without their transcriptions.
    pub jobs: Vec<VideoJob>,
    /// Where the next page starts.
    pub next_page_token: Option<String>,
}

/// The video jobs of all users.
#[derive(Clone)]
pub struct VideoJobs {
    store: Store,
    clock: Clock,
}

impl VideoJobs {
    /// Over a store.
    pub fn new(store: Store, clock: Clock) -> Self {
        Self { store, clock }
    }

    /// Saves a job of the caller.
    pub async fn put(&self, caller: Caller, put: PutVideoJob) -> Result<VideoJob> {
        let PutVideoJob { video_job_id, owner, change } = put;
        let mut all: Vec<Broken> = check_name("video_job.video_job_id", &video_job_id).into_iter().collect();
        all.extend(check_change(&change));
        if !all.is_empty() {
            return Err(Error::Invalid { reason: Reason::InvalidField, broken: all });
        }
        if owner.is_some_and(|owner| owner != caller.user) {
            return Err(not_found(&video_job_id));
        }
        Ok(self.store.put_video_job(caller.user, &video_job_id, change, self.clock.now()).await?)
    }

    /// The caller's job of this name.
    pub async fn get(&self, caller: Caller, video_job_id: &str) -> Result<VideoJob> {
        self.store.video_job(caller.user, video_job_id).await?.ok_or_else(|| not_found(video_job_id))
    }

    /// A page of the caller's jobs.
    pub async fn list(&self, caller: Caller, page_size: u32, page_token: Option<&str>) -> Result<VideoJobPage> {
        if page_size > MAX_PAGE {
            let one = broken(
                "page_size",
                "FIELD_MALFORMED",
                page_size.to_string(),
                "1 to 100 jobs a page are given",
                "ask for fewer, and page",
            );
            return Err(Error::Invalid { reason: Reason::InvalidField, broken: vec![one] });
        }
        let before = row_token::read(page_token)?;
        let mut found = self.store.list_video_jobs(caller.user, before, page_size + 1).await?;
        let more = found.len() > page_size as usize;
        found.truncate(page_size as usize);
        let last = found.last().filter(|_| more);
        let next_page_token = last.map(|(row, _)| row_token::after(*row));
        Ok(VideoJobPage { jobs: found.into_iter().map(|(_, job)| job).collect(), next_page_token })
    }

    /// Removes the caller's job. Posts that were made from it stay as they are.
    pub async fn delete(&self, caller: Caller, video_job_id: &str) -> Result<()> {
        match self.store.delete_video_job(caller.user, video_job_id, self.clock.now()).await? {
            true => Ok(()),
            false => Err(not_found(video_job_id)),
        }
    }
}

/// The error for a job that does not exist or is not the caller's.
pub(super) fn not_found(video_job_id: &str) -> Error {
    let id = video_job_id.chars().take(MAX_NAME).collect();
    Error::NotFound { reason: Reason::VideoJobNotFound, kind: "video job", id }
}

fn check_name(field: &'static str, name: &str) -> Option<Broken> {
    let length = name.chars().count();
    let is_good = length <= MAX_NAME && !name.trim().is_empty() && !name.chars().any(char::is_control);
    let measured = if length == 0 { "empty".to_owned() } else { format!("{length} characters") };
    let limit = "it has 1 to 255 characters without control characters";
    (!is_good).then(|| broken(field, "FIELD_MALFORMED", measured, limit, "give the job's id, or a shorter one"))
}

fn check_change(change: &VideoJobChange) -> Vec<Broken> {
    let mut all = Vec::new();
    match &change.video {
        Some(JobVideo::Url(url)) => all.extend(check_url("video_job.video_url", url)),
        Some(JobVideo::Media(media_id)) if media_id.parse::<MediaId>().is_err() => all.push(broken(
            "video_job.media_id",
            "FIELD_MALFORMED",
            format!("`{}`", media_id.chars().take(80).collect::<String>()),
            "it must name an uploaded video",
            "upload the video with UploadMedia and give the media_id that it answers",
        )),
        Some(JobVideo::Media(_) | JobVideo::None) | None => {}
    }
    if let Some(Some(url)) = &change.thumbnail_url {
        all.extend(check_url("video_job.thumbnail_url", url));
    }
    let mut check_list = |field, list: Option<&Vec<String>>, most: usize, limit| {
        let Some(list) = list else { return };
        let bytes: usize = list.iter().map(String::len).sum();
        if list.len() > most || bytes > MAX_LIST_BYTES {
            let measured = format!("{} of them with {bytes} bytes", list.len());
            all.push(broken(field, "FIELD_MALFORMED", measured, limit, "keep the best ones"));
        }
    };
    check_list(
        "video_job.ai_metadata.titles",
        change.titles.as_ref(),
        MAX_TITLES,
        "at most 50 titles of 4096 bytes together are kept",
    );
    check_list(
        "video_job.ai_metadata.hashtags",
        change.hashtags.as_ref(),
        MAX_HASHTAGS,
        "at most 100 hashtags of 4096 bytes together are kept",
    );
    let mut check_text = |field, text: Option<&String>, most: usize, limit| {
        if let Some(text) = text.filter(|text| text.len() > most) {
            all.push(broken(field, "FIELD_MALFORMED", format!("{} bytes", text.len()), limit, "shorten it"));
        }
    };
    check_text(
        "video_job.ai_metadata.description",
        change.description.as_ref(),
        MAX_DESCRIPTION,
        "at most 8192 bytes are kept",
    );
    check_text(
        "video_job.ai_metadata.transcription",
        change.transcription.as_ref(),
        MAX_TRANSCRIPTION,
        "at most 262144 bytes are kept",
    );
    all
}
