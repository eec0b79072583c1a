//! `video-job save|get|list|delete`: the video jobs of a running core.

use std::path::PathBuf;

use aurareels_proto::v1;
use clap::{Args, Subcommand};

use super::{
    client::{Client, Server},
    output::Output,
    show,
    upload::upload,
};

#[derive(Subcommand)]
pub(super) enum Action {
    /// Save a job: what is given is changed, the rest stays as it is.
    Save(Save),
    /// Show a job.
    Get {
        /// Its id.
        id: String,
    },
    /// List the jobs, newest first.
    List,
    /// Delete a job. Posts that were made from it stay as they are.
    Delete {
        /// Its id.
        id: String,
    },
}

#[derive(Args)]
pub(super) struct Save {
    /// The job's id, as whoever made the video names it.
    id: String,
    #[command(flatten)]
    what: Saved,
}

/// What is saved of a job.
#[derive(Args)]
#[group(required = true, multiple = true)]
struct Saved {
    /// Address of the video.
    #[arg(long, value_name = "URL", conflicts_with = "file")]
    video: Option<String>,
    /// A video file of this machine: it is uploaded to the core first.
    #[arg(long, value_name = "PATH")]
    file: Option<PathBuf>,
    /// Address of a cover image.
    #[arg(long, value_name = "URL")]
    thumbnail: Option<String>,
    /// A title to choose from. Several times.
    #[arg(long = "title", value_name = "TEXT")]
    titles: Vec<String>,
    /// A description, for captions.
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// Hashtags, with or without #.
    #[arg(long = "hashtag", value_delimiter = ',')]
    hashtags: Vec<String>,
    /// What is said in the video.
    #[arg(long, value_name = "TEXT")]
    transcription: Option<String>,
}

pub(super) async fn run(server: Server, action: Action) -> anyhow::Result<()> {
    let out = server.output();
    let client = server.client().await?;
    act(&client, out, action).await.map_err(show::readable)
}

async fn act(client: &Client, out: Output, action: Action) -> anyhow::Result<()> {
    let mut media = client.media();
    match action {
        Action::Save(save) => {
            let media_id = match &save.what.file {
                Some(path) => Some(upload(client, path).await?.media_id),
                None => None,
            };
            out.message(&media.put_video_job(request(save, media_id)).await?.into_inner(), shown)?;
        }
        Action::Get { id } => {
            let request = v1::GetVideoJobRequest { video_job_id: id };
            out.message(&media.get_video_job(request).await?.into_inner(), shown)?;
        }
        Action::List => {
            let mut all = v1::ListVideoJobsResponse::default();
            loop {
                let request = v1::ListVideoJobsRequest { page_size: 100, page_token: all.next_page_token };
                let page = media.list_video_jobs(request).await?.into_inner();
                all.video_jobs.extend(page.video_jobs);
                all.next_page_token = page.next_page_token;
                if all.next_page_token.is_empty() {
                    break;
                }
            }
            out.message(&all, |all| table(&all.video_jobs))?;
        }
        Action::Delete { id } => {
            media.delete_video_job(v1::DeleteVideoJobRequest { video_job_id: id.clone() }).await?;
            out.note(&format!("{id} was deleted"))?;
        }
    }
    Ok(())
}

/// A job with what is given, and the names of that: the rest stays.
fn request(save: Save, media_id: Option<String>) -> v1::PutVideoJobRequest {
    let Save { id, what } = save;
    let Saved { video, file: _, thumbnail, titles, description, hashtags, transcription } = what;
    let given = [
        ("video_url", video.is_some()),
        ("media_id", media_id.is_some()),
        ("thumbnail_url", thumbnail.is_some()),
        ("ai_metadata.titles", !titles.is_empty()),
        ("ai_metadata.description", description.is_some()),
        ("ai_metadata.hashtags", !hashtags.is_empty()),
        ("ai_metadata.transcription", transcription.is_some()),
    ];
    let paths: Vec<String> =
        given.into_iter().filter(|(_, is_given)| *is_given).map(|(name, _)| name.to_owned()).collect();
    let job = v1::VideoJob {
        video_job_id: id,
        video_url: video.unwrap_or_default(),
        media_id: media_id.unwrap_or_default(),
        thumbnail_url: thumbnail.unwrap_or_default(),
        ai_metadata: Some(v1::AiMetadata {
            titles,
            description: description.unwrap_or_default(),
            hashtags,
            transcription: transcription.unwrap_or_default(),
        }),
        ..v1::VideoJob::default()
    };
    v1::PutVideoJobRequest { video_job: Some(job), update_mask: Some(prost_types::FieldMask { paths }) }
}

fn video(job: &v1::VideoJob) -> &str {
    match (job.video_url.as_str(), job.media_id.as_str()) {
        ("", "") => "none yet",
        ("", media_id) => media_id,
        (url, _) => url,
    }
}

fn table(jobs: &[v1::VideoJob]) -> String {
    let mut table = show::table(["job", "video", "title", "saved"]);
    for job in jobs {
        let ai = job.ai_metadata.clone().unwrap_or_default();
        table.add_row([
            job.video_job_id.clone(),
            video(job).to_owned(),
            ai.titles.into_iter().next().unwrap_or_default(),
            show::time(job.updated_at).map(show::minute).unwrap_or_default(),
        ]);
    }
    table.to_string()
}

fn shown(job: &v1::VideoJob) -> String {
    let ai = job.ai_metadata.clone().unwrap_or_default();
    let fields = [
        ("video", video(job).to_owned()),
        ("cover", job.thumbnail_url.clone()),
        ("titles", ai.titles.join(" | ")),
        ("description", ai.description),
        ("hashtags", ai.hashtags.join(" ")),
        ("transcription", ai.transcription),
    ];
    let given = fields.iter().filter(|(_, value)| !value.is_empty());
    let lines = given.map(|(name, value)| format!("  {name}: {value}"));
    std::iter::once(format!("video job {}", job.video_job_id)).chain(lines).collect::<Vec<_>>().join("\n")
}
