//! Large videos: 1 GiB to TikTok from a URL and through UploadMedia, and to each platform that takes bytes the largest that
//! it may be given, up to 4 GiB. The core streams them, and its peak memory stays small.

use std::{path::Path, time::Instant};

use anyhow::{Context, Result, bail};
use aurareels_proto::v1::{
    Media, PostContent, PublishPostsRequest, UploadMediaInfo, UploadMediaRequest, upload_media_request::Part,
};
use aurareels_simulator::{Host, Options, Simulator};
use futures_util::{StreamExt, stream};

use crate::{
    client::{self, Login},
    core::Core,
    platforms::Platforms,
};

/// Bytes of the video.
const SIZE: u64 = 1 << 30;

/// The largest for each platform: 4 GiB, or what its rules allow. How long it plays, in seconds, keeps within them too.
const LARGEST: [(Login, &str, u64, u64); 4] = [
    (Login::Tiktok, "TikTok", 4_000_000_000, 600),
    (Login::InstagramByFacebook, "Instagram", 300_000_000, 120),
    (Login::Page, "Facebook", 2_000_000_000, 90),
    (Login::Youtube, "YouTube", 4 << 30, 600),
];

/// How the video comes to the core.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Url,
    UploadMedia,
}

pub(crate) async fn run(binary: &Path) -> Result<()> {
    for way in [Way::Url, Way::UploadMedia] {
        measure(binary, way).await?;
    }
    println!("\n## The largest video, from a URL\n");
    println!(
        "| platform | size in bytes | hash compared | request to published | core before, at its peak | CPU of the core |"
    );
    println!("|---|---|---|---|---|---|");
    for (login, name, size, seconds) in LARGEST {
        largest(binary, login, name, size, seconds).await?;
    }
    Ok(())
}

/// One video of the largest size. Its bytes are made while they are read, so it is nowhere as a whole.
async fn largest(binary: &Path, login: Login, name: &str, size: u64, seconds: u64) -> Result<()> {
    let simulator = Platforms::start(Options::default()).await?;
    let core = Core::start(binary, &simulator, &[("AURAREELS_POLL_FIRST_SECONDS", "0.5")]).await?;
    let accounts = client::connect(&core, &simulator, login, 1).await?;
    let mut posts = client::posts(&core).await?;
    let video = format!("{}/v/largest.mp4?size={size}&duration={seconds}", simulator.url(Host::Media));
    let content = Some(client::content(&video, "largest".to_owned()));
    let before = core.memory_mib("VmRSS")?;
    let asked = Instant::now();
    let request = PublishPostsRequest { accounts, content, ..PublishPostsRequest::default() };
    let made = posts.publish_posts(request).await?.into_inner();
    client::until_published(&mut posts, made.posts.first().context("no post")?.id).await?;
    let (took, cpu, peak) = (asked.elapsed().as_secs_f64(), core.cpu()?.as_secs_f64(), core.memory_mib("VmHWM")?);
    let visible = simulator.posts();
    let [post] = visible.as_slice() else { bail!("{} posts are visible", visible.len()) };
    let source = tokio::task::spawn_blocking(move || aurareels_simulator::sha256_of(&video)).await??;
    let hash = if source.first() == post.sha256.as_ref() { "equal" } else { "DIFFERENT" };
    let received = post.byte_count.unwrap_or_default();
    println!("| {name} | {received} | {hash} | {took:.1} s | {before:.1}, {peak:.1} MiB | {cpu:.1} s |");
    simulator.shutdown().await;
    Ok(())
}

async fn measure(binary: &Path, way: Way) -> Result<()> {
    let simulator = Simulator::start(Options::default()).await?;
    let core = Core::start(binary, &simulator, &[("AURAREELS_POLL_FIRST_SECONDS", "0.5")]).await?;
    let accounts = client::connect(&core, &simulator, Login::Tiktok, 1).await?;
    let mut posts = client::posts(&core).await?;
    let video = format!("{}/v/large.mp4?size={SIZE}&duration=60", simulator.url(Host::Media));
    let mut content = client::content(&video, "large".to_owned());
    let begun = Instant::now();
    let mut figures: Vec<(&str, String)> = Vec::new();
    if way == Way::UploadMedia {
        let media = upload(&core, &video).await?;
        let took = begun.elapsed().as_secs_f64();
        figures.push(("upload, until it is safely stored", format!("{took:.1} s")));
        figures.push(("upload rate", format!("{:.0} MiB/s", SIZE as f64 / 1024.0 / 1024.0 / took)));
        figures.push(("peak memory of the core after the upload", format!("{:.1} MiB", core.memory_mib("VmHWM")?)));
        content = PostContent { video_url: String::new(), media_id: media.media_id, ..content };
    }
    let request = PublishPostsRequest { accounts, content: Some(content), ..PublishPostsRequest::default() };
    let asked = Instant::now();
    let made = posts.publish_posts(request).await?.into_inner();
    let post = client::until_published(&mut posts, made.posts.first().context("no post")?.id).await?;
    let visible = simulator.posts();
    let bytes = visible.first().and_then(|post| post.byte_count).unwrap_or(0);
    figures.push(("posts visible", visible.len().to_string()));
    figures.push(("bytes received by the platform", bytes.to_string()));
    figures.push(("request to published", format!("{:.1} s", asked.elapsed().as_secs_f64())));
    figures.push(("peak memory of the core", format!("{:.1} MiB", core.memory_mib("VmHWM")?)));
    figures.push(("CPU of the core", format!("{:.1} s", core.cpu()?.as_secs_f64())));
    figures.push(("post", post.platform_post_url));
    let from = if way == Way::Url { "from a URL" } else { "through UploadMedia" };
    println!("\n## A video of 1 GiB {from} to TikTok\n");
    println!("| figure | value |\n|---|---|");
    for (figure, value) in figures {
        println!("| {figure} | {value} |");
    }
    simulator.shutdown().await;
    Ok(())
}

/// Sends the simulator's video to the core as a client would send a file.
async fn upload(core: &Core, video: &str) -> Result<Media> {
    let body = client::http_client()?.get(video).send().await?.error_for_status()?.bytes_stream();
    let info = UploadMediaInfo {
        file_name: "large.mp4".to_owned(),
        size_bytes: Some(SIZE.cast_signed()),
        ..Default::default()
    };
    let chunks = body.filter_map(|chunk| async { chunk.ok().map(Part::Chunk) });
    let parts = stream::iter([Part::Info(info)]).chain(chunks);
    let messages = parts.map(|part| UploadMediaRequest { part: Some(part) });
    let sent = Box::pin(messages);
    Ok(client::media(core).await?.upload_media(sent).await?.into_inner())
}
