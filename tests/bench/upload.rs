//! A video of 1 GiB from a URL to TikTok: the core streams it, and its peak memory stays small.

use std::{path::Path, time::Instant};

use anyhow::{Context, Result};
use aurareels_proto::v1::PublishPostsRequest;
use aurareels_simulator::{Host, Options, Simulator};

use crate::{client, core::Core};

/// Bytes of the video.
const SIZE: u64 = 1 << 30;

pub(crate) async fn run(binary: &Path) -> Result<()> {
    let simulator = Simulator::start(Options::default()).await?;
    let core = Core::start(binary, &simulator, &[("AURAREELS_POLL_FIRST_SECONDS", "0.5")]).await?;
    let account = client::connect_tiktok(&core).await?;
    let mut posts = client::posts(&core).await?;
    let video = format!("{}/v/large.mp4?size={SIZE}&duration=60", simulator.url(Host::Media));
    let begun = Instant::now();
    let request = PublishPostsRequest {
        accounts: vec![account],
        content: Some(client::content(&video, "large".to_owned())),
        ..PublishPostsRequest::default()
    };
    let made = posts.publish_posts(request).await?.into_inner();
    let post = client::until_published(&mut posts, made.posts.first().context("no post")?.id).await?;
    let visible = simulator.posts();
    let bytes = visible.first().and_then(|post| post.byte_count).unwrap_or(0);
    println!("\n## A video of 1 GiB from a URL to TikTok\n");
    println!("| figure | value |\n|---|---|");
    println!("| posts visible | {} |", visible.len());
    println!("| bytes received by the platform | {bytes} |");
    println!("| request to published | {:.1} s |", begun.elapsed().as_secs_f64());
    println!("| peak memory of the core | {:.1} MiB |", core.memory_mib("VmHWM")?);
    println!("| CPU of the core | {:.1} s |", core.cpu()?.as_secs_f64());
    println!("| post | {} |", post.platform_post_url);
    simulator.shutdown().await;
    Ok(())
}
