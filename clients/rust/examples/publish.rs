//! Publishes a video on account 1.

use std::env::var;

use aurareels_client::{Core, v1};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let core = Core::at(var("AURAREELS_ADDRESS")?, var("AURAREELS_API_KEY")?).connect().await?;
    let (video_url, privacy_level) = (var("VIDEO")?, "PUBLIC".into());
    let content = v1::PostContent { video_url, privacy_level, caption: "Hello from Rust".into(), ..Default::default() };
    let request = v1::PublishPostsRequest { accounts: vec![1], content: Some(content), ..Default::default() };
    for post in core.posts().publish_posts(request).await?.into_inner().posts {
        println!("post {} is {}", post.id, post.status().as_str_name());
    }
    Ok(())
}
