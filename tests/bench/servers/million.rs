//! A core whose only user has a million scheduled posts.

use std::path::Path;

use anyhow::{Context, Result};
use aurareels_simulator::{Host, Options};
use aurareels_tests::server::{Private, Server};
use chrono::{TimeDelta, Utc};

use super::connection::Connection;
use crate::{
    behind,
    client::{self, Login, connect},
    core::Core,
    due::schedule,
    platforms::Platforms,
};

/// Accounts that the posts are spread over.
const ACCOUNTS: usize = 200;

/// The core, and what it stands on.
pub(super) struct Million {
    pub(super) core: Core,
    pub(super) accounts: Vec<i64>,
    pub(super) video: String,
    pub(super) url: String,
    pub(super) connection: Connection,
    pub(super) simulator: Platforms,
    /// Removed when all others are gone.
    _database: Private,
}

impl Million {
    /// Makes so many posts, due from 300 days on.
    pub(super) async fn make(binary: &Path, server: Server, posts: usize) -> Result<Self> {
        let database = Private::on(server).await.context("no server was started")?;
        let simulator = Platforms::start(Options::default()).await?;
        let url = database.url();
        let settings = [("AURAREELS_DATABASE_URL", url.as_str()), ("AURAREELS_POLL_FIRST_SECONDS", "60")];
        let core = Core::start(binary, &simulator, &settings).await?;
        let accounts = connect(&core, &simulator, Login::Instagram, ACCOUNTS).await?;
        let video = format!("{}/v/bench.mp4?size=20000&duration=5", simulator.url(Host::Media));
        let posts_of_user = client::posts(&core).await?;
        schedule(&posts_of_user, &accounts, &video, "behind", 1, now() + TimeDelta::days(300)).await?;
        let mut connection = Connection::to(server, &url).await?;
        behind::copy_on_server(&mut connection, &accounts, posts - 1).await?;
        Ok(Self { core, accounts, video, url, connection, simulator, _database: database })
    }
}

#[expect(clippy::disallowed_methods, reason = "the benchmark measures real time")]
fn now() -> chrono::DateTime<Utc> {
    Utc::now()
}
