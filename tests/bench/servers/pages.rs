//! ListPosts of a user with a million posts: its first page and its thousandth, which is reached by tokens.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use aurareels_proto::v1::ListPostsRequest;
use aurareels_tests::server::Server;

use super::million::Million;
use crate::{
    client,
    stats::{ms, percentile},
};

/// The page that is reached, and the posts of each.
const LAST: usize = 1_000;
const SIZE: i32 = 50;

/// Calls of each page.
const CALLS: usize = 50;

pub(super) async fn run(binary: &Path, server: Server, posts: usize) -> Result<()> {
    let million = Million::make(binary, server, posts).await?;
    let mut client = client::posts(&million.core).await?;
    let page = |page_token: &str| ListPostsRequest {
        page_size: SIZE,
        page_token: page_token.to_owned(),
        ..ListPostsRequest::default()
    };
    let mut token = String::new();
    for number in 1..LAST {
        token = client.list_posts(page(&token)).await?.into_inner().next_page_token;
        ensure!(!token.is_empty(), "page {number} is the last one");
    }
    println!("\n## ListPosts, {SIZE} of {posts} posts of a user, {server:?}\n");
    println!("| page | calls | p50 | longest |\n|---|---|---|---|");
    for (name, token) in [("1", ""), (&LAST.to_string(), token.as_str())] {
        let mut times: Vec<Duration> = Vec::new();
        for _ in 0..CALLS {
            let asked = Instant::now();
            let listed = client.list_posts(page(token)).await?.into_inner();
            times.push(asked.elapsed());
            ensure!(listed.posts.len() == SIZE as usize, "page {name} is not full");
        }
        let [p50, longest] = [0.5, 1.0].map(|part| ms(percentile(&mut times, part)));
        println!("| {name} | {CALLS} | {p50} | {longest} |");
    }
    million.simulator.shutdown().await;
    Ok(())
}
