//! `aurareels import wordpress`: what the original plugin had is taken over once, wherever a run is cut off, with the original's
//! cron at work beside it.

use std::sync::atomic::{AtomicUsize, Ordering};

use aes::cipher::{BlockModeEncrypt, KeyIvInit, block_padding::Pkcs7};
use aurareels_core::{
    app::api_keys::Scope,
    bootstrap,
    clock::Clock,
    config::Settings,
    domain::{ids::AccountId, post::SchedulerKind},
    http,
    import::{self, Defaults, Import, Report, Stage},
    store::{Store, db::Place},
};
use aurareels_proto::v1::{ListPostsRequest, Post, PostStatus, ReconcilePostRequest, RetryPostRequest};
use aurareels_tests::{
    Login, World,
    server::{Private, Server},
    video,
    world::{ENCRYPTION_KEY, testdata},
};
use base64::Engine;
use chrono::{DateTime, TimeDelta, Utc};
use rstest::rstest;
use sha2::{Digest, Sha256};
use sqlx::{AssertSqlSafe, MySqlPool, Row as _, mysql::MySqlPoolOptions};

use crate::process::run;

/// The user of the site whose posts these are.
const USER: i64 = 7;

/// A site that the original plugin runs on.
struct Site {
    private: Private,
    pool: MySqlPool,
}

/// Encrypts as the original does: by PHP itself where it is.
fn encrypted(token: &str) -> String {
    const PHP: &str = "$key = hash('sha256', $argv[1], true); $iv = openssl_random_pseudo_bytes(16); \
        echo base64_encode($iv . openssl_encrypt($argv[2], 'AES-256-CBC', $key, OPENSSL_RAW_DATA, $iv));";
    let php = std::process::Command::new("php").args(["-r", PHP, "--", ENCRYPTION_KEY, token]).output();
    if let Ok(output) = php
        && output.status.success()
    {
        return String::from_utf8(output.stdout).expect("base64");
    }
    println!("no PHP: encrypted in its place");
    let key: [u8; 32] = Sha256::digest(ENCRYPTION_KEY.as_bytes()).into();
    let iv = [7; 16];
    let sealed =
        cbc::Encryptor::<aes::Aes256>::new(&key.into(), &iv.into()).encrypt_padded_vec::<Pkcs7>(token.as_bytes());
    base64::engine::general_purpose::STANDARD.encode([&iv[..], &sealed].concat())
}

/// A post of the original's.
struct Row<'a> {
    id: i64,
    account: i64,
    platform: &'a str,
    status: &'a str,
    scheduled_at: Option<DateTime<Utc>>,
    platform_post_id: Option<&'a str>,
}

impl Site {
    async fn new() -> Option<Self> {
        let private = Private::on(Server::Mysql).await?;
        let options = private.url().parse::<sqlx::mysql::MySqlConnectOptions>().expect("a URL");
        let pool =
            MySqlPoolOptions::new().max_connections(4).connect_lazy_with(options.timezone(Some("+00:00".into())));
        let site = Self { private, pool };
        for statement in std::fs::read_to_string(testdata("original_tables.sql")).expect("SQL").split_inclusive(";\n") {
            site.run(statement).await;
        }
        site.run("CREATE TABLE wp_options (option_name VARCHAR(191) PRIMARY KEY, option_value LONGTEXT NOT NULL)")
            .await;
        site.hook(true).await;
        Some(site)
    }

    async fn run(&self, sql: &str) {
        // As WordPress sets it: nothing strict.
        let mut connection = self.pool.acquire().await.expect("a connection");
        sqlx::raw_sql("SET SESSION sql_mode = ''").execute(&mut *connection).await.expect("set");
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *connection).await.expect(sql);
    }

    /// Whether the original's cron is on, in WordPress's own form.
    async fn hook(&self, is_on: bool) {
        let hook = if is_on { "aurareels_process_scheduled_posts" } else { "wp_privacy_delete_old_export_files" };
        let cron = format!("a:2:{{i:1795000000;a:1:{{s:{}:\"{hook}\";a:0:{{}}}}s:7:\"version\";i:2;}}", hook.len());
        self.run(&format!("REPLACE INTO wp_options VALUES ('cron', '{cron}')")).await;
    }

    async fn account(&self, id: i64, platform: &str, account_id: &str, token: &str, is_active: bool) {
        let sql = "INSERT INTO wp_aurareels_social_accounts (id, wp_user_id, platform, account_id, account_name, \
                   account_username, access_token, refresh_token, token_scope, is_active) \
                   VALUES (?, ?, ?, ?, 'Ada', '@ada', ?, NULL, 'a,b', ?)";
        let query = sqlx::query(sql).bind(id).bind(USER).bind(platform).bind(account_id).bind(token).bind(is_active);
        query.execute(&self.pool).await.expect("an account");
    }

    async fn post(&self, world: &World, row: Row<'_>) {
        let sql = "INSERT INTO wp_aurareels_social_posts (id, wp_user_id, video_job_id, social_account_id, platform, status, \
                   scheduled_at, platform_post_id, video_url, caption, hashtags, error_message, created_at) \
                   VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '[\"ai\"]', ?, UTC_TIMESTAMP() - INTERVAL 2 DAY)";
        let Row { id, account, platform, status, scheduled_at, platform_post_id } = row;
        let query = sqlx::query(sql).bind(id).bind(USER).bind(format!("job-{id}")).bind(account).bind(platform);
        let query = query.bind(status).bind(scheduled_at.map(|at| at.naive_utc())).bind(platform_post_id);
        let query = query.bind(video(world, &format!("reel-{id}"))).bind(format!("Caption {id}"));
        let query = query.bind((status == "failed").then_some("Invalid token"));
        query.execute(&self.pool).await.expect("a post");
    }

    async fn status(&self, id: i64) -> String {
        let row = sqlx::query("SELECT status FROM wp_aurareels_social_posts WHERE id = ?").bind(id);
        row.fetch_one(&self.pool).await.expect("a post").get_unchecked(0)
    }

    /// One run of the original's cron at that time, query by query; answers what it published.
    async fn cron(&self, now: DateTime<Utc>) -> Vec<i64> {
        let at = |at: DateTime<Utc>| at.format("%Y-%m-%d %H:%M:%S").to_string();
        let posts = sqlx::query(
            "SELECT * FROM wp_aurareels_social_posts WHERE status = 'scheduled' AND scheduled_at BETWEEN ? AND ? \
             ORDER BY scheduled_at ASC",
        );
        let posts =
            posts.bind(at(now)).bind(at(now + TimeDelta::minutes(5))).fetch_all(&self.pool).await.expect("rows");
        let mut published = Vec::new();
        for post in posts {
            let id: i64 = post.get_unchecked("id");
            let update =
                sqlx::query("UPDATE wp_aurareels_social_posts SET status = 'publishing' WHERE id = ?").bind(id);
            update.execute(&self.pool).await.expect("updated");
            published.push(id);
        }
        published
    }

    fn place(&self) -> Place {
        Place { url: self.private.url(), table_prefix: "wp_".to_owned() }
    }
}

/// The token of an account that the world's user 1 has connected, and the platform's id of it.
async fn token_of(world: &World, account: i64) -> (String, String) {
    let store = store(world).await;
    let login = store.account_login(AccountId(account)).await.expect("read").expect("an account");
    store.close().await;
    let token = login.login.expect("tokens").access.expose().to_owned();
    (token, login.account.account_id)
}

fn settings(world: &World) -> Settings {
    Settings::from_pairs(world.settings().clone()).expect("settings")
}

async fn store(world: &World) -> Store {
    bootstrap::open_store(&settings(world), Clock::system()).await.expect("a store")
}

/// Runs the import within this process, until a stage says stop.
async fn import(world: &World, site: &Site, go_on: &(dyn Fn(Stage) -> bool + Sync)) -> Result<Report, import::Error> {
    let settings = settings(world);
    let tls = http::tls_config(&settings.http).expect("TLS");
    let registry = bootstrap::registry(&settings, &tls).expect("platforms");
    let (store, clock) = (store(world).await, Clock::system());
    let run = Import {
        store: &store,
        registry: &registry,
        clock: &clock,
        defaults: Defaults {
            scheduler: SchedulerKind::Core,
            late_policy_seconds: 86_400,
            prepare_lead: TimeDelta::minutes(15),
        },
        dry_run: false,
        is_new: false,
        go_on,
        adopts: false,
    };
    let mut original = import::connect(&site.place()).await.expect("the original's tables");
    let outcome = run.run(&mut original).await;
    // Cut off: the connection just ends.
    if outcome.is_ok() {
        original.close().await;
    }
    store.close().await;
    outcome
}

/// The posts of the site's user, by the original's id.
async fn posts(world: &World) -> std::collections::BTreeMap<i64, Post> {
    let request = ListPostsRequest { page_size: 100, ..Default::default() };
    let listed = world.user(USER).posts().list_posts(request).await.expect("a list").into_inner();
    let id = |post: &Post| post.video_job_id.trim_start_matches("job-").parse();
    let by_id = listed.posts.into_iter().map(|post| (id(&post).expect("a number"), post));
    let count = by_id.len();
    let by_id: std::collections::BTreeMap<i64, Post> = by_id.collect();
    assert_eq!(by_id.len(), count, "a row was imported twice");
    by_id
}

async fn target(database: Option<Server>) -> Option<World> {
    match database {
        None => Some(World::start().await),
        Some(server) => World::on(server, &[]).await,
    }
}

fn in_minutes(minutes: i64) -> Option<DateTime<Utc>> {
    Some(Clock::system().now() + TimeDelta::minutes(minutes))
}

fn row(id: i64, status: &str, scheduled_at: Option<DateTime<Utc>>) -> Row<'_> {
    Row { id, account: 5, platform: "instagram", status, scheduled_at, platform_post_id: None }
}

#[rstest]
#[case::sqlite(None)]
#[case::postgres(Some(Server::Postgres))]
#[case::mysql(Some(Server::Mysql))]
#[tokio::test(flavor = "multi_thread")]
async fn what_the_original_had_is_taken_over_once(#[case] database: Option<Server>) {
    let Some(site) = Site::new().await else { return };
    let Some(mut world) = target(database).await else { return };
    let account = world.me().account(Login::Facebook).await;
    let (token, account_id) = token_of(&world, account).await;
    site.account(5, "instagram", &account_id, &encrypted(&token), true).await;
    site.account(6, "youtube", "UCbad", "this is no ciphertext", true).await;
    site.account(8, "tiktok", "tiktok-user", &encrypted("gone"), false).await;
    site.post(&world, row(11, "draft", None)).await;
    site.post(&world, row(12, "scheduled", in_minutes(120))).await;
    site.post(&world, row(13, "scheduled", in_minutes(3))).await;
    site.post(&world, row(14, "publishing", None)).await;
    site.post(&world, Row { platform_post_id: Some("17890000000000015"), ..row(15, "published", None) }).await;
    let tiktok = Row { account: 8, platform: "tiktok", ..row(16, "published", None) };
    site.post(&world, Row { platform_post_id: Some("v_pub_file~v2-1.7000000000000000016"), ..tiktok }).await;
    site.post(&world, row(17, "failed", None)).await;
    site.post(&world, row(18, "cancelled", in_minutes(60))).await;
    site.post(&world, row(19, "scheduled", None)).await;
    site.post(&world, row(20, "draft", None)).await;
    site.run("UPDATE wp_aurareels_social_posts SET status = 'nonsense' WHERE id = 20").await;
    site.post(&world, row(21, "scheduled", in_minutes(60))).await;
    site.run("UPDATE wp_aurareels_social_posts SET scheduled_at = '0000-00-00 00:00:00' WHERE id = 21").await;
    site.post(&world, Row { account: 6, platform: "youtube", ..row(22, "scheduled", in_minutes(90)) }).await;
    site.post(&world, row(23, "scheduled", in_minutes(-180))).await;
    site.post(&world, row(24, "scheduled", in_minutes(200))).await;
    site.run("UPDATE wp_aurareels_social_posts SET privacy_level = 'FRIENDS' WHERE id = 24").await;
    world.stop_core().await;
    let before = world.db.counts().await;

    let url = site.private.url();
    let arguments = ["import", "wordpress", "--from", &url, "--prefix", "wp_"];
    let trial = run(world.settings(), &[&arguments[..], &["--dry-run"]].concat()).await;
    let told = String::from_utf8(trial.stdout).expect("text");
    assert!(told.contains("nothing was changed"), "{told}{}", String::from_utf8_lossy(&trial.stderr));
    assert_eq!(world.db.counts().await, before, "a trial writes nothing");
    assert_eq!(site.status(12).await, "scheduled");

    let output = run(world.settings(), &arguments).await;
    let told = String::from_utf8(output.stdout).expect("text");
    println!("{told}");
    assert_eq!(output.status.code(), Some(1), "some rows were set aside: {}", String::from_utf8_lossy(&output.stderr));
    for line in ["account 6", "post 19, set aside", "post 20, set aside", "post 21, set aside", "post 22, set aside"] {
        assert!(told.contains(line), "{line}: {told}");
    }
    assert!(told.contains("post 24, set aside") && told.contains("post 13, left for now"), "{told}");
    assert!(told.contains("post 14, needs review"), "{told}");
    let after = world.db.counts().await;
    assert_eq!((after.accounts, after.posts), (before.accounts + 2, before.posts + 8), "{told}");
    let again = run(world.settings(), &arguments).await;
    assert_eq!(world.db.counts().await, after, "{again:?}");

    // The original goes on beside it: it publishes what was left to it, and nothing else.
    let now = Clock::system().now();
    assert_eq!(site.cron(now).await, [13]);
    assert_eq!(site.cron(now + TimeDelta::minutes(118)).await, [] as [i64; 0]);
    for (id, status) in [(12, "cancelled"), (23, "cancelled"), (14, "publishing"), (17, "failed"), (11, "draft")] {
        assert_eq!(site.status(id).await, status, "{id}");
    }

    world.start_core().await;
    let here = posts(&world).await;
    let status = |id: i64| here[&id].status();
    assert_eq!(here.keys().copied().collect::<Vec<_>>(), [11, 12, 14, 15, 16, 17, 18, 23]);
    assert_eq!(
        [11, 14, 17, 18].map(status),
        [PostStatus::Draft, PostStatus::NeedsReview, PostStatus::Failed, PostStatus::Cancelled]
    );
    assert_eq!((status(15), here[&15].platform_post_id.as_str()), (PostStatus::Published, "17890000000000015"));
    assert_eq!((status(16), here[&16].platform_post_id.as_str()), (PostStatus::Published, ""));
    let user = world.user(USER);
    user.published(here[&23].id).await;
    user.published(here[&12].id).await;
    assert_eq!(world.sim.posts().len(), 2);

    // What was under way is looked for, and never sent again by itself.
    user.posts().reconcile_post(ReconcilePostRequest { id: here[&14].id }).await.expect("looked for");
    user.ends(here[&14].id, PostStatus::NeedsReview).await;
    // What failed is looked for before it is sent again.
    user.posts().retry_post(RetryPostRequest { id: here[&17].id }).await.expect("taken");
    user.published(here[&17].id).await;
    assert_eq!(world.sim.posts().len(), 3);

    site.run("UPDATE wp_aurareels_social_posts SET status = 'published', platform_post_id = '17890000000000014' WHERE id = 14")
        .await;
    run(world.settings(), &arguments).await;
    let live = user.get(here[&14].id).await;
    assert_eq!((live.status(), live.platform_post_id.as_str()), (PostStatus::Published, "17890000000000014"));
    // What the original published meanwhile comes as that.
    site.run("UPDATE wp_aurareels_social_posts SET status = 'published', platform_post_id = '17890000000000013' WHERE id = 13")
        .await;
    run(world.settings(), &arguments).await;
    assert_eq!(posts(&world).await[&13].status(), PostStatus::Published);
    assert_eq!(world.sim.posts().len(), 3);
    world.stop_core().await;
}

/// Runs the import until it has passed `stages` stages.
async fn cut_off(world: &World, site: &Site, stages: usize) -> Result<Report, import::Error> {
    let passed = AtomicUsize::new(0);
    import(world, site, &|_| passed.fetch_add(1, Ordering::SeqCst) < stages).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_is_cut_off_anywhere_loses_and_doubles_nothing() {
    let Some(site) = Site::new().await else { return };
    let mut world = World::start().await;
    let account = world.me().account(Login::Facebook).await;
    let (token, account_id) = token_of(&world, account).await;
    site.account(5, "instagram", &account_id, &encrypted(&token), true).await;
    world.stop_core().await;
    let mut reached = Vec::new();
    let (mut id, mut by_the_original, mut ours) = (100, Vec::new(), Vec::new());
    // Each stage of taking one post over, and what comes after it: the next run, the original's cron, or a person.
    for stages in 0..5 {
        for next in ["import", "cron", "person"] {
            id += 1;
            let due = Clock::system().now() + TimeDelta::hours(3);
            site.post(&world, row(id, "scheduled", Some(due))).await;
            let cut = cut_off(&world, &site, stages).await;
            if stages < 4 {
                assert!(matches!(cut, Err(import::Error::Stopped)), "{stages}: {cut:?}");
            }
            reached.push((stages, next, site.status(id).await));
            match next {
                "cron" => by_the_original.extend(site.cron(due - TimeDelta::minutes(2)).await),
                "person" => site.run(&format!("UPDATE wp_aurareels_social_posts SET status = 'cancelled' WHERE id = {id} AND status = 'scheduled'")).await,
                _ => {}
            }
            for _ in 0..2 {
                let report = import(&world, &site, &|_| true).await.expect("it goes on");
                assert_eq!(report.bad(), 0, "{report:?}");
            }
            assert_eq!(site.cron(due - TimeDelta::minutes(2)).await, [] as [i64; 0], "{stages} {next}");
            if site.status(id).await == "cancelled" && !(next == "person" && stages < 2) {
                ours.push(id);
            }
        }
    }
    println!("{reached:?}");
    world.start_core().await;
    let here = posts(&world).await;
    for (id, post) in &here {
        let expected = match (by_the_original.contains(id), ours.contains(id)) {
            (true, _) => PostStatus::NeedsReview,
            (false, true) => PostStatus::Scheduled,
            (false, false) => PostStatus::Cancelled,
        };
        assert_eq!(post.status(), expected, "{id}");
    }
    assert_eq!(here.len(), 15);
    for id in &ours {
        world.user(USER).published(here[id].id).await;
    }
    assert_eq!(world.sim.posts().len(), ours.len());
    world.stop_core().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_originals_tables_are_adopted_in_place_once_its_cron_is_off() {
    let Some(site) = Site::new().await else { return };
    let Some(mut world) = World::on(Server::Mysql, &[]).await else { return };
    let account = world.me().account(Login::Facebook).await;
    let (token, account_id) = token_of(&world, account).await;
    site.account(5, "instagram", &account_id, &encrypted(&token), true).await;
    site.post(&world, row(41, "scheduled", in_minutes(120))).await;
    site.post(&world, row(42, "publishing", None)).await;
    site.post(&world, Row { platform_post_id: Some("17890000000000043"), ..row(43, "published", None) }).await;
    world.stop_core().await;
    world.set("AURAREELS_DATABASE_URL", &site.private.url());
    world.set("AURAREELS_TABLE_PREFIX", "wp_");
    let data_dir = world.data_dir().with_file_name("adopted");
    world.set("AURAREELS_DATA_DIR", data_dir.to_str().expect("UTF-8"));
    let refused = world.try_start().await.expect_err("the original's tables are no core's");
    assert!(format!("{refused:#}").contains("--adopt"), "{refused:#}");
    let arguments = ["import", "wordpress", "--adopt"];
    let refused = run(world.settings(), &arguments).await;
    assert!(String::from_utf8_lossy(&refused.stderr).contains("still publishes"), "{refused:?}");
    site.hook(false).await;
    let trial = run(world.settings(), &[&arguments[..], &["--dry-run"]].concat()).await;
    assert!(trial.status.success(), "{trial:?}");
    assert_eq!(site.status(41).await, "scheduled");
    for _ in 0..2 {
        let output = run(world.settings(), &arguments).await;
        assert!(output.status.success(), "{output:?}");
    }
    // Under the original's names and ids; what it was before stands beside it.
    assert_eq!([site.status(41).await, site.status(42).await], ["scheduled", "needs_review"]);
    let kept: i64 = sqlx::query("SELECT count(*) FROM wp_original_aurareels_social_posts")
        .fetch_one(&site.pool)
        .await
        .expect("kept")
        .get_unchecked(0);
    assert_eq!(kept, 3);
    world.start_core().await;
    world.key = world.api_key(&[Scope::Read, Scope::Publish], None).await;
    let here = posts(&world).await;
    assert_eq!(here.values().map(|post| post.id).collect::<Vec<_>>(), [41, 42, 43]);
    // The clock is moved by what the post says of itself: the world looks at the database that it began with.
    for _ in 0..4_000 {
        let post = world.user(USER).get(41).await;
        if post.status() == PostStatus::Published {
            break;
        }
        if let Some(at) =
            post.waiting_until.and_then(|at| DateTime::from_timestamp(at.seconds, at.nanos.cast_unsigned()))
        {
            world.advance_to(at + TimeDelta::milliseconds(1));
        }
        world.breathe().await;
    }
    assert_eq!(world.user(USER).get(41).await.status(), PostStatus::Published);
    assert_eq!(world.sim.posts().len(), 1);
    world.stop_core().await;
}
