//! The bar for PublishPosts on a server: a loop that writes the same post and event rows to an empty copy of the schema on the
//! same server, a transaction per post, as durable, with nothing in front of it and nothing checked.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use anyhow::{Context, Result};
use aurareels_tests::server::{Private, Server};

use super::connection::Connection;
use crate::{
    bare::Bare,
    core::{Core, cpu_of},
};

/// What the copy's tables begin with.
const PREFIX: &str = "bare_";

/// The copy of the schema, and what fills it.
pub(super) struct Copy<'a> {
    server: Server,
    database: &'a Private,
    insert_post: String,
    insert_event: String,
    ids: Arc<Vec<i64>>,
}

impl<'a> Copy<'a> {
    /// Makes the copy beside the core's own tables, by the core's own migrations.
    pub(super) async fn make(core: &Core, server: Server, database: &'a Private) -> Result<Self> {
        // As of a core with files of its own.
        let files = tempfile::tempdir()?;
        let files = files.path().to_str().context("the path is no text")?;
        core.command(&["migrate"], &[("AURAREELS_TABLE_PREFIX", PREFIX), ("AURAREELS_DATA_DIR", files)])?;
        let mut connection = Connection::to(server, &database.url()).await?;
        let accounts = connection.columns("aurareels_social_accounts").await?.join(", ");
        let into = format!("INSERT INTO {PREFIX}aurareels_social_accounts ({accounts})");
        connection.run(&format!("{into} SELECT {accounts} FROM aurareels_social_accounts")).await?;
        let posts = connection.columns("aurareels_social_posts").await?.join(", ");
        let insert_post = format!(
            "INSERT INTO {PREFIX}aurareels_social_posts ({posts}) SELECT {posts} FROM aurareels_social_posts WHERE id = {{}}"
        );
        let insert_event = format!(
            "INSERT INTO {PREFIX}aurareels_events (wp_user_id, kind, post_id, account_id, status, created_at) \
             SELECT wp_user_id, 'post.created', id, social_account_id, 'publishing', created_at \
             FROM aurareels_social_posts WHERE id = {{}}"
        );
        // Numbers have gaps on a server.
        let ids = connection.rows("SELECT id FROM aurareels_social_posts ORDER BY id").await?.concat();
        let ids = Arc::new(ids.iter().map(|id| id.parse()).collect::<Result<Vec<i64>, _>>()?);
        Ok(Self { server, database, insert_post, insert_event, ids })
    }

    /// Writes the rows of so many posts from so many connections, into empty tables.
    pub(super) async fn fill(&self, connections: usize, posts: usize) -> Result<Bare> {
        let url = self.database.url();
        let mut all = Vec::new();
        for _ in 0..connections {
            let mut connection = Connection::to(self.server, &url).await?;
            // Prepared before the time runs.
            connection.run_for(&self.insert_post, 0).await?;
            connection.run_for(&self.insert_event, 0).await?;
            all.push(connection);
        }
        all[0].run(&format!("DELETE FROM {PREFIX}aurareels_social_posts")).await?;
        all[0].run(&format!("DELETE FROM {PREFIX}aurareels_events")).await?;
        let next = Arc::new(AtomicUsize::new(0));
        let (begun, cpu) = (Instant::now(), cpu_of(std::process::id())?);
        let writers: Vec<_> = all
            .into_iter()
            .map(|mut connection| {
                let (ids, next) = (self.ids.clone(), next.clone());
                let (insert_post, insert_event) = (self.insert_post.clone(), self.insert_event.clone());
                tokio::spawn(async move {
                    loop {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        let Some(&id) = ids[..posts].get(number) else { return Ok::<_, anyhow::Error>(()) };
                        connection.run("BEGIN").await?;
                        connection.run_for(&insert_post, id).await?;
                        connection.run_for(&insert_event, id).await?;
                        connection.run("COMMIT").await?;
                    }
                })
            })
            .collect();
        for writer in writers {
            writer.await??;
        }
        let per_second = posts as f64 / begun.elapsed().as_secs_f64();
        let cpu = (cpu_of(std::process::id())? - cpu) / u32::try_from(posts)?;
        let written = format!("SELECT COUNT(*) FROM {PREFIX}aurareels_social_posts");
        let written = Connection::to(self.server, &url).await?.value(&written).await?;
        anyhow::ensure!(written == posts.to_string(), "{written} of {posts} posts were copied");
        Ok(Bare { per_second, cpu })
    }
}
