//! The bars for PublishPosts: a bare loop that writes the same rows, grouped in commits that are as durable, with nothing
//! in front of it and nothing checked; the same loop behind a gRPC server that does nothing else; and behind it the loop
//! that also looks for the same post (`looking.rs`), without which there is no "one request, one post".

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use aurareels_proto::v1::{Post, PublishPostsRequest, PublishPostsResponse};
use futures_util::future::BoxFuture;
use sqlx::{
    ConnectOptions, Connection, Executor, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};
use tokio::{
    net::TcpListener,
    sync::{mpsc, oneshot},
};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status, server::UnaryService, service::Routes, transport::Server};

use crate::{core::cpu_of, looking::Looking, publish::Run};

/// What the bare loop did.
pub(crate) struct Bare {
    /// Posts per second.
    pub(crate) per_second: f64,
    /// CPU per post, of this process: nothing else runs in it meanwhile.
    pub(crate) cpu: Duration,
}

impl Bare {
    /// Beside what clients saw: it has none.
    pub(crate) fn as_run(&self) -> Run {
        Run { per_second: self.per_second, times: Vec::new(), refused: 0 }
    }
}

/// The rows that a run of PublishPosts left, and an empty database of the same schema to write them to once more.
struct Copier {
    connection: SqliteConnection,
    insert_post: String,
    looking: Option<Looking>,
    first: i64,
}

/// A row to copy, and who waits for it to be durable.
type Wanted = (i64, oneshot::Sender<()>);

impl Copier {
    async fn open(database: &Path, empty: &Path, looks: bool) -> Result<Self> {
        let mut connection = SqliteConnectOptions::new()
            .filename(empty)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .disable_statement_logging()
            .connect()
            .await?;
        sqlx::query("ATTACH DATABASE ? AS full").bind(database.display().to_string()).execute(&mut connection).await?;
        let schema: Vec<(String,)> = sqlx::query_as(
            "SELECT sql FROM full.sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' \
             ORDER BY type = 'index', rootpage",
        )
        .fetch_all(&mut connection)
        .await?;
        for (sql,) in schema {
            connection.execute(sqlx::AssertSqlSafe(sql)).await?;
        }
        connection
            .execute("INSERT INTO aurareels_social_accounts SELECT * FROM full.aurareels_social_accounts")
            .await?;
        let columns: Vec<(String,)> = sqlx::query_as("SELECT name FROM pragma_table_info('aurareels_social_posts')")
            .fetch_all(&mut connection)
            .await?;
        let names: Vec<String> = columns.into_iter().map(|(name,)| name).collect();
        let (first,): (i64,) =
            sqlx::query_as("SELECT MIN(id) FROM full.aurareels_social_posts").fetch_one(&mut connection).await?;
        let insert_post = format!(
            "INSERT INTO aurareels_social_posts ({0}) SELECT {0} FROM full.aurareels_social_posts WHERE id = ?",
            names.join(", ")
        );
        let looking = if looks { Some(Looking::over(&mut connection, &names).await?) } else { None };
        Ok(Self { connection, insert_post, looking, first })
    }

    /// Copies what is wanted until nobody is left who could want more; what waits together shares a commit.
    async fn run(self, mut waiting: mpsc::Receiver<Wanted>) -> Result<()> {
        let Self { mut connection, insert_post, looking, .. } = self;
        let mut batch = Vec::new();
        while waiting.recv_many(&mut batch, 512).await > 0 {
            connection.execute("BEGIN IMMEDIATE").await?;
            for (id, _) in &batch {
                match &looking {
                    Some(looking) => looking.insert(&mut connection, *id).await?,
                    None => {
                        let insert = sqlx::query(sqlx::AssertSqlSafe(insert_post.as_str()));
                        insert.bind(*id).execute(&mut connection).await?;
                    }
                }
                sqlx::query(
                    "INSERT INTO aurareels_events (wp_user_id, kind, post_id, account_id, status, created_at) \
                     SELECT wp_user_id, 'post.created', id, social_account_id, 'publishing', created_at \
                     FROM full.aurareels_social_posts WHERE id = ?",
                )
                .bind(*id)
                .execute(&mut connection)
                .await?;
            }
            connection.execute("COMMIT").await?;
            batch.drain(..).for_each(|(_, done)| {
                // The task waits for it; nothing is lost when it does not.
                let _ = done.send(());
            });
        }
        connection.close().await?;
        Ok(())
    }
}

/// Copies the post and event rows that a run of PublishPosts left in `database` into an empty database of the same
/// schema, from `tasks` tasks that each wait for their row to be durable.
pub(crate) async fn run(database: &Path, tasks: usize, rows: usize) -> Result<Bare> {
    let directory = tempfile::tempdir()?;
    let copier = Copier::open(database, &directory.path().join("bare.db"), false).await?;
    let first = copier.first;
    let (queue, waiting) = mpsc::channel::<Wanted>(1024);
    let writer = tokio::spawn(copier.run(waiting));
    let (begun, cpu) = (Instant::now(), cpu_of(std::process::id())?);
    let workers: Vec<_> = (0..tasks)
        .map(|task| {
            let queue = queue.clone();
            tokio::spawn(async move {
                for row in (task..rows).step_by(tasks) {
                    let (done, durable) = oneshot::channel();
                    queue.send((first + i64::try_from(row)?, done)).await.ok().context("the writer is gone")?;
                    durable.await.context("the writer is gone")?;
                }
                Ok::<_, anyhow::Error>(())
            })
        })
        .collect();
    drop(queue);
    for worker in workers {
        worker.await??;
    }
    let per_second = rows as f64 / begun.elapsed().as_secs_f64();
    writer.await??;
    Ok(Bare { per_second, cpu: (cpu_of(std::process::id())? - cpu) / u32::try_from(rows)? })
}

/// The same behind a bare gRPC server, in a process of its own until its standard input ends: what any service pays that
/// takes such a request, writes such rows and answers, with no key checked and no rule; no request key is looked at either,
/// unless it `looks`. Prints its address.
pub(crate) async fn serve(database: &Path, looks: bool) -> Result<()> {
    let directory = tempfile::tempdir()?;
    let copier = Copier::open(database, &directory.path().join("bare.db"), looks).await?;
    let next = Arc::new(AtomicI64::new(copier.first));
    let (queue, waiting) = mpsc::channel::<Wanted>(1024);
    let writer = tokio::spawn(copier.run(waiting));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("http://{}", listener.local_addr()?);
    let publish = move |request: axum::extract::Request| {
        let call = Publish { next: next.clone(), queue: queue.clone() };
        async move { tonic::server::Grpc::new(tonic_prost::ProstCodec::default()).unary(call, request).await }
    };
    let router = axum::Router::new().route("/aurareels.v1.PostService/PublishPosts", axum::routing::post(publish));
    let input_ends = async {
        let read = || std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        let _ = tokio::task::spawn_blocking(read).await;
    };
    let incoming = TcpListenerStream::new(listener);
    Server::builder().add_routes(Routes::from(router)).serve_with_incoming_shutdown(incoming, input_ends).await?;
    writer.await?
}

/// One call of the bare server.
#[derive(Clone)]
struct Publish {
    next: Arc<AtomicI64>,
    queue: mpsc::Sender<Wanted>,
}

impl UnaryService<PublishPostsRequest> for Publish {
    type Response = PublishPostsResponse;
    type Future = BoxFuture<'static, Result<Response<PublishPostsResponse>, Status>>;

    fn call(&mut self, request: Request<PublishPostsRequest>) -> Self::Future {
        let Self { next, queue } = self.clone();
        Box::pin(async move {
            let request = request.into_inner();
            let id = next.fetch_add(1, Ordering::Relaxed);
            let (done, durable) = oneshot::channel();
            let gone = |_| Status::unavailable("the writer is gone");
            queue.send((id, done)).await.map_err(|_| gone(()))?;
            durable.await.map_err(|_| gone(()))?;
            let content = request.content.unwrap_or_default();
            let post = Post {
                id,
                video_url: content.video_url,
                caption: content.caption,
                hashtags: content.hashtags,
                ..Post::default()
            };
            Ok(Response::new(PublishPostsResponse { posts: vec![post], existed: vec![false] }))
        })
    }
}
