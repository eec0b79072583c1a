//! A database that is locked, full, damaged or taken away under a running core: everybody is answered and told why, health
//! says it, nothing goes out meanwhile, and all goes on by itself once it is mended.

use std::path::{Path, PathBuf};

use aurareels_proto::v1::{ListPostsRequest, PostStatus};
use aurareels_tests::{Login, World, content, is_about_files, posting::publish};
use chrono::TimeDelta;
use sqlx::{
    ConnectOptions, Connection, Executor, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode},
};
use tonic::Code;
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient};

use crate::process::{Served, run};

/// A world whose core is a process of its own, with one account.
struct Outside {
    world: World,
    served: Served,
    account: i64,
}

impl Outside {
    async fn start() -> Self {
        let mut world = World::start().await;
        let account = world.me().account(Login::Facebook).await;
        world.set("AURAREELS_LEASE_SECONDS", "3");
        world.stop_core().await;
        let served = Served::start(world.settings(), &world.http).await;
        world.speak_to(&served.url);
        Self { world, served, account }
    }

    fn database(&self) -> PathBuf {
        self.world.data_dir().join("aurareels.db")
    }

    /// A connection of another process.
    async fn foreign(&self) -> SqliteConnection {
        let options = SqliteConnectOptions::new().filename(self.database()).journal_mode(SqliteJournalMode::Wal);
        options.connect().await.expect("a connection")
    }

    async fn healthz(&self) -> Option<(u16, String)> {
        let answer = self.world.http.get(format!("{}/healthz", self.served.url)).send().await.ok()?;
        Some((answer.status().as_u16(), answer.text().await.ok()?))
    }

    async fn health(&self, service: &str) -> ServingStatus {
        let request = HealthCheckRequest { service: service.to_owned() };
        let mut client = HealthClient::new(self.world.channel());
        client.check(request).await.expect("health answers").into_inner().status()
    }

    /// Waits until health says so, everywhere.
    async fn is_sick(&self, word: &str) {
        self.world
            .wait_for(word, async || {
                self.healthz().await.filter(|(status, text)| *status == 503 && text.contains(word))
            })
            .await;
        for service in ["", "aurareels.v1.PostService", "aurareels.scheduler"] {
            self.world
                .wait_for("grpc.health.v1", async || {
                    (self.health(service).await == ServingStatus::NotServing).then_some(())
                })
                .await;
        }
    }

    async fn is_well(&self) {
        self.world
            .wait_for("health", async || {
                let page = self.healthz().await.is_some_and(|(status, _)| status == 200);
                (page && self.health("").await == ServingStatus::Serving).then_some(())
            })
            .await;
    }

    /// A call that writes is refused with these words.
    async fn refuses(&self, caption: &str, word: &str) {
        let me = self.world.me();
        let mut posts = me.posts();
        let call = posts.publish_posts(publish(&[self.account], content(&self.world, caption)));
        let refused = me.refused(call).await;
        refused.is(Code::Unavailable, "STORE_UNAVAILABLE");
        assert!(refused.message.contains(word), "{refused:#?}");
        assert!(!refused.metadata["remedy"].is_empty(), "{refused:#?}");
    }

    async fn publishes(&self, caption: &str) {
        let id = self.world.me().publish_one(self.account, caption).await;
        let me = self.world.me();
        me.until_unhurried(id, "published", |post| post.status() == PostStatus::Published).await;
    }

    /// Stops the process and checks what holds at the end of every scenario.
    async fn finish(self, posts: usize) {
        let Self { mut world, served, .. } = self;
        let (status, _) = served.terminate().await;
        assert!(status.success(), "{status:?}");
        world.start_core().await;
        world.finish(posts).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn while_another_process_keeps_the_lock_every_call_is_answered_and_none_is_carried_out_later() {
    if is_about_files("it is about the files of the database") {
        return;
    }
    let outside = Outside::start().await;
    let mut foreign = outside.foreign().await;
    foreign.execute("BEGIN IMMEDIATE").await.expect("the lock");
    let calls = ["First", "Second", "Third"].map(|caption| outside.refuses(caption, "locked"));
    futures_util::future::join_all(calls).await;
    outside.refuses("After them", "locked").await;
    outside.is_sick("locked").await;
    // Who only reads is served.
    let me = outside.world.me();
    me.posts().list_posts(ListPostsRequest::default()).await.expect("listed");
    foreign.execute("ROLLBACK").await.expect("let go");
    outside.is_well().await;
    assert_eq!(outside.world.db.counts().await.posts, 0, "what was refused is not carried out");
    for caption in ["First", "After them"] {
        outside.publishes(caption).await;
    }
    foreign.close().await.expect("closed");
    outside.finish(2).await;
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_takes_no_more_is_told_and_the_core_goes_on_when_it_does_again() {
    if is_about_files("it is about the files of the database") {
        return;
    }
    let outside = Outside::start().await;
    let pid = i32::try_from(outside.served.pid()).expect("a process");
    let log = std::fs::metadata(outside.database().with_extension("db-wal")).expect("the log of the database");
    let limit = |bytes| rlimit::prlimit(pid, rlimit::Resource::FSIZE, Some((bytes, rlimit::INFINITY)), None);
    limit(log.len()).expect("limited");
    outside.is_sick("disk").await;
    outside.refuses("Full", "disk").await;
    limit(rlimit::INFINITY).expect("free again");
    outside.is_well().await;
    outside.publishes("Room again").await;
    outside.finish(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_pages_are_told_and_the_core_goes_on_when_they_are_mended() {
    if is_about_files("it is about the files of the database") {
        return;
    }
    let outside = Outside::start().await;
    outside.publishes("Before").await;
    let mut foreign = outside.foreign().await;
    outside
        .world
        .wait_for("a small log", async || {
            let row: (i64, i64, i64) =
                sqlx::query_as("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(&mut foreign).await.expect("a checkpoint");
            (row.0 == 0).then_some(())
        })
        .await;
    foreign.close().await.expect("closed");
    let whole = std::fs::read(outside.database()).expect("the database");
    let mut damaged = whole.clone();
    damaged[8192..].fill(0x5a);
    overwrite(&outside.database(), &damaged);
    outside.is_sick("damaged").await;
    overwrite(&outside.database(), &whole);
    outside.is_well().await;
    outside.publishes("After").await;
    outside.finish(2).await;
}

/// Writes into the file that is there.
fn overwrite(file: &Path, bytes: &[u8]) {
    use std::io::Write;
    let mut file = std::fs::File::options().write(true).open(file).expect("the file");
    file.write_all(bytes).expect("written");
}

#[expect(clippy::disallowed_methods, reason = "this core runs by the real time")]
#[tokio::test(flavor = "multi_thread")]
async fn nothing_goes_out_while_the_database_is_away_and_all_goes_on_when_it_is_back() {
    if is_about_files("it is about the files of the database") {
        return;
    }
    let outside = Outside::start().await;
    let away = outside.world.data_dir().with_file_name("away");
    std::fs::create_dir(&away).expect("a place");
    let files = ["aurareels.db", "aurareels.db-wal", "aurareels.db-shm"];
    let due = chrono::Utc::now() + TimeDelta::seconds(12);
    let id = outside.world.me().schedule_one(outside.account, "Due meanwhile", due).await;
    for file in files {
        std::fs::rename(outside.world.data_dir().join(file), away.join(file)).expect("moved away");
    }
    outside.is_sick("removed").await;
    outside.refuses("Meanwhile", "removed").await;
    let me = outside.world.me();
    let mut posts = me.posts();
    me.refused(posts.list_posts(ListPostsRequest::default())).await.is(Code::Unavailable, "STORE_UNAVAILABLE");
    outside.world.wait_for("its time", async || (chrono::Utc::now() > due + TimeDelta::seconds(3)).then_some(())).await;
    assert!(outside.world.sim.posts().is_empty(), "nothing may be sent whose record would be lost");
    let log = outside.served.log();
    for once in
        ["nothing is published and nothing is taken until it is back", "cannot claim posts", "cannot renew claims"]
    {
        assert_eq!(log.matches(once).count(), 1, "{once}: {log}");
    }
    for file in files {
        std::fs::rename(away.join(file), outside.world.data_dir().join(file)).expect("moved back");
    }
    outside.is_well().await;
    let me = outside.world.me();
    me.until_unhurried(id, "published", |post| post.status() == PostStatus::Published).await;
    assert!(outside.served.log().contains("the files of the database are back"));
    outside.finish(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_file_in_the_place_of_the_database_is_never_taken_up() {
    if is_about_files("it is about the files of the database") {
        return;
    }
    let outside = Outside::start().await;
    outside.publishes("In the right one").await;
    let (kept, other) = (outside.world.backup_file("kept"), outside.world.backup_file("other"));
    std::fs::hard_link(outside.database(), &kept).expect("a second name");
    std::fs::copy(outside.database(), &other).expect("a copy");
    std::fs::rename(&other, outside.database()).expect("replaced");
    outside.is_sick("replaced").await;
    outside.refuses("Into which file?", "replaced").await;
    std::fs::rename(&kept, outside.database()).expect("put back");
    outside.is_well().await;
    outside.publishes("In the right one again").await;
    outside.finish(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_cut_off_is_told_and_does_not_start_anew_by_itself() {
    if is_about_files("it is about the files of the database") {
        return;
    }
    let outside = Outside::start().await;
    outside.publishes("Before").await;
    std::fs::File::options().write(true).open(outside.database()).expect("the file").set_len(0).expect("cut off");
    outside.is_sick("cut off").await;
    outside.refuses("Into nothing", "cut off").await;
    let Outside { mut world, served, .. } = outside;
    served.kill().await;
    for beside in ["aurareels.db-wal", "aurareels.db-shm"] {
        std::fs::remove_file(world.data_dir().join(beside)).expect("removed");
    }
    let refused = world.try_start().await.expect_err("a refusal");
    assert!(format!("{refused:#}").contains("aurareels.mark"), "{refused:#}");
    assert_eq!(world.sim.posts().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_database_beside_uploads_or_a_mark_is_refused_until_it_is_said_to_be_wanted() {
    if is_about_files("it is about the files of the database") {
        return;
    }
    let mut world = World::start().await;
    let video = world.file("mine", 200_000).await;
    world.me().upload(&video).await;
    world.stop_core().await;
    let uploads = world.upload_files();
    let elsewhere = world.data_dir().with_file_name("elsewhere");
    std::fs::create_dir(&elsewhere).expect("a directory");
    let mut settings = world.settings().clone();
    // A name with a slip of the pen, in the right directory and in another one: both beside the uploads.
    for mistyped in [world.data_dir().join("aurarels.db"), elsewhere.join("aurareels.db")] {
        settings.insert("AURAREELS_DATABASE_URL".to_owned(), format!("sqlite://{}", mistyped.display()));
        for command in [&["serve"][..], &["migrate"], &["api-key", "create", "--user", "1"], &["keys", "rotate"]] {
            let output = run(&settings, command).await;
            let text = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(!output.status.success(), "{command:?}: {text}");
            for word in ["AURAREELS_DATABASE_URL", "aurarels.db", "media", "aurareels restore", "--new-database"] {
                let word = word.replace("aurarels.db", mistyped.to_str().expect("UTF-8"));
                assert!(text.contains(&word), "`{word}` is missing: {text}");
            }
            assert!(!mistyped.exists(), "{command:?} made a database");
        }
    }
    assert_eq!(world.upload_files(), uploads);
    // Beside its mark alone, after the database was lost.
    let lost = world.data_dir().join("aurareels.db");
    let kept = world.data_dir().with_file_name("kept.db");
    std::fs::remove_dir_all(world.data_dir().join("media")).expect("removed");
    std::fs::rename(&lost, &kept).expect("lost");
    settings.remove("AURAREELS_DATABASE_URL");
    let output = run(&settings, &["serve"]).await;
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && text.contains("aurareels.mark") && text.contains("--new-database"), "{text}");
    // Said once, it is a database like every other.
    let output = run(&settings, &["migrate", "--new-database"]).await;
    assert!(output.status.success(), "{output:?}");
    for _ in 0..2 {
        let served = Served::start(&settings, &world.http).await;
        served.terminate().await;
    }
    // Nobody needs to say so beside a database that is in use.
    let output = run(&settings, &["migrate", "--new-database"]).await;
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && text.contains("--new-database"), "{text}");
}
