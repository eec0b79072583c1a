//! One simulator with one database, the accounts and posts in it, and the clock that moves both. Cores come and go.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use aurareels_core::{
    app::{
        Caller,
        accounts::{Connect, EndedBy},
        posts::requests::{CreatePosts, GivenTime, PostInput, When},
    },
    bootstrap::{self, Components},
    clock::Clock,
    config::Settings,
    domain::{
        ids::{AccountId, PostId, UserId},
        platform::{LoginFlavour, Platform},
        post::{Content, SchedulerKind},
    },
    secret::Secret,
};
use aurareels_simulator::{Host, Options, Simulator, TikTokRules, YouTubeRules};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use sqlx::{ConnectOptions, Connection, Executor, sqlite::SqliteConnectOptions};
use tokio::sync::OnceCell;

use crate::{
    core::{Core, Orders},
    database::Database,
    mode::Mode,
    proxy::{self, Proxy},
    server::Private,
};

/// The owner of everything.
pub(crate) const CALLER: Caller = Caller { user: UserId(1) };

/// The file that cores read the time from.
const CLOCK: &str = "clock";

const KEY: &str = "canary-key-0123456789abcdefghijklmnopqrstuvwxyz";

/// Free bytes that make memory the place for databases.
const ROOM: u64 = 4 << 30;

/// See the module.
pub(crate) struct Rig {
    pub(crate) sim: Simulator,
    pub(crate) parts: Components,
    pub(crate) database: Database,
    pub(crate) settings: Vec<(String, String)>,
    /// Texts that must appear nowhere.
    pub(crate) canaries: Vec<String>,
    /// A caller moved posts to other times than those of their rows.
    pub(crate) moved_by_hand: bool,
    /// How many posts may end otherwise than published.
    pub(crate) ceilings: Ceilings,
    /// Its database on a server; without one it is a file.
    private: Option<Private>,
    /// Between the server and everybody but those who look.
    pub(crate) proxy: Option<Proxy>,
    http: reqwest::Client,
    dir: tempfile::TempDir,
    started: usize,
}

/// How many posts of a scenario may need a person, how many may fail, and how many private uploads may be left that nobody
/// needs, at the most.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Ceilings {
    pub(crate) reviews: usize,
    pub(crate) failures: usize,
    pub(crate) spare_videos: usize,
}

/// What a test asks for.
#[derive(Default)]
pub(crate) struct Asking<'a> {
    /// Name of the video; each has bytes of its own.
    pub(crate) video: &'a str,
    /// How the media host serves it (`&break=95`).
    pub(crate) served: &'a str,
    /// The caption.
    pub(crate) text: &'a str,
    /// Who wakes it; the core's default when `None`.
    pub(crate) scheduler: Option<SchedulerKind>,
    /// The caller's request key.
    pub(crate) key: Option<&'a str>,
    /// How far ahead it is due; what the mode says when `None`.
    pub(crate) ahead: Option<TimeDelta>,
}

/// Longest wait for a platform's download; one that hangs on purpose takes it all.
const DOWNLOAD: Duration = Duration::from_secs(2);

/// What wants attention, and who is at work.
#[derive(Debug, Default)]
pub(crate) struct Glance {
    /// The processes that hold a claim.
    pub(crate) holders: Vec<u32>,
    /// When the first post wants attention.
    pub(crate) first: Option<DateTime<Utc>>,
}

/// A post's row as the driver sees it.
#[derive(Clone, Debug)]
pub(crate) struct Wanting {
    pub(crate) next_step_at: DateTime<Utc>,
    pub(crate) claimed_by: Option<u32>,
}

/// The setting that names a server's database.
const URL: &str = "AURAREELS_DATABASE_URL";

/// Where the databases go: to memory where there is plenty, as a killed process loses nothing that the kernel has.
/// `TMPDIR` says otherwise.
fn scratch() -> PathBuf {
    let memory = Path::new("/dev/shm");
    let free = rustix::fs::statvfs(memory).map_or(0, |stat| stat.f_bavail.saturating_mul(stat.f_frsize));
    if std::env::var_os("TMPDIR").is_none() && free > ROOM { memory.to_owned() } else { std::env::temp_dir() }
}

/// A database of its own on the chosen server, with tables where they can be copied; `None` when it is to be a file. The
/// template stays there as long as the server.
async fn private() -> Result<Option<Private>> {
    static TEMPLATE: OnceCell<Option<Private>> = OnceCell::const_new();
    let made = TEMPLATE.get_or_try_init(async || {
        let template = Private::chosen().await;
        if let Some(template) = &template {
            make_tables(template).await?;
        }
        anyhow::Ok(template)
    });
    Ok(match made.await? {
        Some(template) => Some(template.like().await),
        None => None,
    })
}

/// As a core does when it starts.
async fn make_tables(private: &Private) -> Result<()> {
    let directory = tempfile::tempdir()?;
    let directory = directory.path().to_str().context("the temporary directory is not UTF-8")?.to_owned();
    let settings = [(URL, private.url()), ("AURAREELS_SOCIAL_ENCRYPTION_KEY", KEY.to_owned())];
    let settings = settings.into_iter().chain([("AURAREELS_DATA_DIR", directory)]);
    let settings = Settings::from_pairs(settings.map(|(name, value)| (name.to_owned(), value)))?;
    bootstrap::open_store(&settings, Clock::system()).await?.close().await;
    Ok(())
}

impl Rig {
    /// A fresh simulator and database. `settings` go over the usual ones.
    pub(crate) async fn new(settings: &[(&str, &str)]) -> Result<Self> {
        Self::with(settings, false).await
    }

    /// The same, with a proxy between everybody and the database's server, if there is one.
    pub(crate) async fn behind_a_proxy(settings: &[(&str, &str)]) -> Result<Self> {
        Self::with(settings, true).await
    }

    async fn with(settings: &[(&str, &str)], proxied: bool) -> Result<Self> {
        let private = private().await?;
        let options = Options {
            tiktok: TikTokRules::without_limits(),
            youtube: YouTubeRules::without_limits(),
            ..Options::default()
        };
        let sim = Simulator::start(options).await?;
        let scratch = scratch();
        let dir = tempfile::Builder::new().prefix("aurareels-crash-").tempdir_in(scratch).context("no directory")?;
        let usual = [
            ("AURAREELS_DATA_DIR", dir.path().to_str().context("the temporary directory is not UTF-8")?),
            ("AURAREELS_SOCIAL_ENCRYPTION_KEY", KEY),
            ("AURAREELS_ALLOW_PRIVATE_MEDIA_HOSTS", "true"),
            ("AURAREELS_LISTEN", "127.0.0.1:0"),
            ("AURAREELS_PUBLIC_URL", "http://127.0.0.1:1"),
            ("AURAREELS_POLL_FIRST_SECONDS", "2"),
            // Scenarios move the clock by hours, and readings would be in the way of the points that they are about.
            ("AURAREELS_ANALYTICS", "off"),
            ("YOUTUBE_UPLOADS_PER_DAY", "1000000"),
            ("YOUTUBE_UNITS_PER_DAY", "1000000000"),
            ("AURAREELS_LEASE_SECONDS", "600"),
            ("AURAREELS_LOG", "info,aurareels_core=debug"),
        ];
        let mut all = sim.environment();
        all.extend(usual.iter().chain(settings).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let mut proxy = None;
        if let Some(private) = private.as_ref().filter(|_| proxied) {
            let port = url::Url::parse(&private.url())?.port().context("the server's address has no port")?;
            proxy = Some(Proxy::start(format!("127.0.0.1:{port}"), proxy::Mode::Through).await);
        }
        if let Some(private) = &private {
            all.push((URL.to_owned(), url_for_cores(private, proxy.as_ref())?));
        }
        let parts = Components::build(&Settings::from_pairs(all.clone())?, Clock::system()).await?;
        let clock = dir.path().join(CLOCK);
        all.push(("AURAREELS_FAULT_CLOCK".to_owned(), clock.to_str().context("a path is not UTF-8")?.to_owned()));
        let database = opened(private.as_ref(), dir.path()).await?;
        let tls = aurareels_core::http::tls_config(&aurareels_core::http::HttpSettings::default())?;
        let http = aurareels_core::http::client_builder(&tls).build()?;
        let mut canaries = vec![KEY.to_owned()];
        for secret in
            ["TIKTOK_CLIENT_SECRET", "INSTAGRAM_APP_SECRET", "INSTAGRAM_LOGIN_APP_SECRET", "YOUTUBE_CLIENT_SECRET"]
        {
            canaries.extend(all.iter().filter(|(name, _)| name == secret).map(|(_, value)| value.clone()));
        }
        let ceilings = Ceilings::default();
        let rig = Self {
            sim,
            parts,
            database,
            settings: all,
            canaries,
            moved_by_hand: false,
            ceilings,
            private,
            proxy,
            http,
            dir,
            started: 0,
        };
        rig.tell_time()?;
        Ok(rig)
    }

    /// Calls the simulator's control API.
    pub(crate) async fn control(&self, path: &str, body: Value) -> Result<Value> {
        let url = format!("{}/_sim/{path}", self.sim.url(Host::Control));
        let answer = self.http.post(url).json(&body).send().await?;
        ensure!(answer.status().is_success(), "the simulator refused {path}: {}", answer.text().await?);
        Ok(serde_json::from_str(&answer.text().await?).unwrap_or(Value::Null))
    }

    /// Reads from the simulator's control API.
    pub(crate) async fn look(&self, path: &str) -> Result<Value> {
        let url = format!("{}/_sim/{path}", self.sim.url(Host::Control));
        let answer = self.http.get(url).send().await?.error_for_status()?;
        serde_json::from_str(&answer.text().await?).context("the simulator's answer is no JSON")
    }

    /// Connects an account through the real login, as an owner would.
    pub(crate) async fn connect(
        &mut self,
        platform: Platform,
        flavour: Option<LoginFlavour>,
        person: Option<&str>,
    ) -> Result<AccountId> {
        let browser_secret = Some(Secret::new("the owner's browser"));
        let connect = Connect {
            platform,
            flavour,
            redirect_uri: None,
            reconnect: None,
            browser_secret: browser_secret.clone(),
            ends_at_core: false,
        };
        let link = self.parts.accounts.connect(CALLER, connect).await.context("connecting")?;
        let mut form = vec![("decision", "allow")];
        form.extend(person.map(|person| ("account", person)));
        let answer = self.http.post(link.auth_url).form(&form).send().await?;
        let location = answer.headers().get("location").context("the consent page does not redirect")?.to_str()?;
        let location = url::Url::parse(location)?;
        let code = location.query_pairs().find(|(name, _)| name == "code").context("no code")?.1.into_owned();
        let by = EndedBy::Client { caller: CALLER, browser_secret };
        let connected = self.parts.accounts.complete(by, platform, &code, &link.state).await?;
        // One grant may bring accounts of several platforms.
        let of_platform = connected.accounts.iter().find(|account| account.platform == platform);
        let id = of_platform.context("the login brought no account")?.id;
        self.note_tokens(id).await?;
        Ok(id)
    }

    /// Adds the account's present tokens to the canaries.
    pub(crate) async fn note_tokens(&mut self, id: AccountId) -> Result<()> {
        let (_, tokens) = self.parts.token_manager.tokens_for(id).await?;
        let all = [Some(tokens.access), tokens.refresh, tokens.grant];
        self.canaries.extend(all.into_iter().flatten().map(|secret| secret.expose().to_owned()));
        Ok(())
    }

    /// Refreshes the account's tokens if they would end soon, so that no core has to.
    pub(crate) async fn renew(&mut self, id: AccountId) -> Result<()> {
        self.parts.token_manager.fresh_tokens_for(id, self.parts.clock.now()).await?;
        self.note_tokens(id).await
    }

    /// The account of a mode, logged in.
    pub(crate) async fn account(&mut self, mode: Mode) -> Result<AccountId> {
        if mode.upload.platform() == Platform::Instagram {
            // The worst case: publishing a container again makes a second post.
            self.control("meta/behaviour", json!({"set": {"second_publish": "duplicate"}})).await?;
        }
        if mode.upload.platform() == Platform::Facebook {
            self.control("meta/facebook/behaviour", json!({"set": {"second_finish": "duplicate"}})).await?;
        }
        let person = (mode.upload.platform() == Platform::Tiktok).then_some("-000tiktok-creator-one");
        self.connect(mode.upload.platform(), mode.upload.flavour(), person).await
    }

    /// Creates a mode's post by the use case behind PublishPosts and SchedulePosts.
    pub(crate) async fn create(&mut self, mode: Mode, account: AccountId, caption: &str) -> Result<PostId> {
        self.create_of(mode, account, caption, "").await
    }

    /// The same with a video that the media host serves in its own way (`&break=95`).
    pub(crate) async fn create_of(
        &mut self,
        mode: Mode,
        account: AccountId,
        caption: &str,
        served: &str,
    ) -> Result<PostId> {
        self.ask(mode, account, &Asking { video: caption, served, text: caption, ..Asking::default() }).await
    }

    /// The same with every choice.
    pub(crate) async fn ask(&mut self, mode: Mode, account: AccountId, asking: &Asking<'_>) -> Result<PostId> {
        let when = match asking.ahead.or_else(|| mode.scheduled.then(|| mode.ahead())) {
            Some(ahead) => {
                let time = GivenTime::At(self.sim.clock().now() + ahead);
                When::At { time, scheduler: asking.scheduler, late_policy_seconds: None }
            }
            None => When::Now,
        };
        let input = PostInput { content: self.content(mode, asking), ..PostInput::default() };
        let request_key = asking.key.map(str::to_owned);
        let accounts = vec![account];
        let request = CreatePosts { accounts, input, when, request_key, allow_duplicate: false, video_job: None };
        let made = self.parts.posts.create(CALLER, request).await.context("creating the post")?;
        Ok(made.first().context("no post was created")?.post.id)
    }

    /// What is posted.
    pub(crate) fn content(&self, mode: Mode, asking: &Asking<'_>) -> Content {
        let size = mode.upload.video_size();
        let Asking { video, served, text, .. } = asking;
        Content {
            // A later parameter wins.
            video_url: format!("{}/v/{video}.mp4?size={size}&duration=15{served}", self.sim.url(Host::Media)),
            caption: (*text).to_owned(),
            hashtags: vec!["crash".to_owned()],
            privacy_level: "PUBLIC".to_owned(),
            options: mode.upload.options(),
            ..Content::default()
        }
    }

    /// Moves the simulator's clock and with it every core's.
    pub(crate) fn advance(&self, span: TimeDelta) -> Result<()> {
        self.sim.clock().advance(span);
        let clock = &self.parts.clock;
        clock.set_offset(clock.offset() + span);
        self.tell_time()
    }

    /// Moves the clock to an instant, never back, once the platforms have what they were told to fetch.
    pub(crate) async fn advance_to(&self, at: DateTime<Utc>) -> Result<()> {
        self.sim.downloaded(DOWNLOAD).await;
        let span = at - self.sim.clock().now();
        if span > TimeDelta::zero() { self.advance(span + TimeDelta::milliseconds(1)) } else { Ok(()) }
    }

    /// Tells the cores what time it is.
    fn tell_time(&self) -> Result<()> {
        let ahead = self.parts.clock.offset().num_microseconds().context("the clock is too far ahead")?;
        let new = self.path("clock.new");
        std::fs::write(&new, ahead.to_string())?;
        std::fs::rename(new, self.path(CLOCK)).context("the clock cannot be set")
    }

    /// Starts a core on the database.
    pub(crate) fn core(&mut self, orders: &Orders) -> Result<Core> {
        self.started += 1;
        let trace = self.dir.path().join(format!("trace-{}", self.started));
        Core::start(&self.settings, orders, &self.log(), Some(&trace))
    }

    /// Starts a core that writes no trace.
    pub(crate) fn untraced_core(&mut self, orders: &Orders) -> Result<Core> {
        self.started += 1;
        Core::start(&self.settings, orders, &self.log(), None)
    }

    /// The log of all its cores.
    pub(crate) fn log(&self) -> PathBuf {
        self.dir.path().join("core.log")
    }

    /// The files of the database.
    pub(crate) fn database_files(&self) -> Vec<PathBuf> {
        let names: &[&str] = if self.private.is_some() { &[] } else { &["aurareels.db", "aurareels.db-wal"] };
        names.iter().map(|name| self.dir.path().join(name)).collect()
    }

    /// What some post still wants, the earliest first.
    pub(crate) async fn wanting(&self) -> Result<Vec<Wanting>> {
        let wanting = "SELECT next_step_at, claim_token FROM aurareels_social_posts \
                       WHERE next_step_at IS NOT NULL ORDER BY next_step_at, id LIMIT 50";
        let rows = self.database.rows(wanting).await?;
        rows.iter()
            .map(|row| {
                let token = row.opt_text("claim_token")?;
                let process = token.as_deref().and_then(|token| token.split_once('-'));
                Ok(Wanting {
                    next_step_at: row.time("next_step_at")?,
                    claimed_by: token.as_deref().map(|_| process.and_then(|(pid, _)| pid.parse().ok()).unwrap_or(0)),
                })
            })
            .collect()
    }

    /// What a driver looks at all the time, in one query.
    pub(crate) async fn glance(&self) -> Result<Glance> {
        let seen = "SELECT next_step_at, NULL AS holder FROM (SELECT next_step_at FROM aurareels_social_posts \
                    WHERE next_step_at IS NOT NULL ORDER BY next_step_at, id LIMIT 1) earliest \
                    UNION SELECT NULL, claim_token FROM aurareels_social_posts WHERE claim_token IS NOT NULL";
        let mut glance = Glance::default();
        for row in self.database.rows(seen).await? {
            glance.first = row.opt_time("next_step_at")?.or(glance.first);
            let holder = row.opt_text("holder")?;
            let process = holder.as_deref().and_then(|token| token.split_once('-'));
            glance.holders.extend(process.and_then(|(process, _)| process.parse::<u32>().ok()));
        }
        Ok(glance)
    }

    /// The time for which a recorded step of a claimed post waits before it leaves.
    pub(crate) async fn armed_until(&self) -> Result<Option<DateTime<Utc>>> {
        // The order of the join is given, to SQLite: the few claimed posts, then the steps of each.
        let armed = format!(
            "SELECT MIN(step.sent_at) AS armed FROM aurareels_social_posts post CROSS JOIN aurareels_post_steps step \
             WHERE step.post_id = post.id AND post.claim_token IS NOT NULL AND step.outcome IS NULL \
             AND step.sent_at > {}",
            self.database.literal(self.sim.clock().now())
        );
        self.database.row(&armed).await?.opt_time("armed")
    }

    /// Who refreshes tokens, and until when they may.
    pub(crate) async fn refreshing(&self) -> Result<Vec<(String, DateTime<Utc>)>> {
        let held = "SELECT refresh_claim_token, refresh_claim_expires_at FROM aurareels_social_accounts \
                    WHERE refresh_claim_token IS NOT NULL";
        let rows = self.database.rows(held).await?;
        rows.iter().map(|row| Ok((row.text("refresh_claim_token")?, row.time("refresh_claim_expires_at")?))).collect()
    }

    /// Whether the database is a file, which one process at a time writes.
    pub(crate) fn is_file(&self) -> bool {
        self.private.is_none()
    }

    /// Whether some process holds the database's write lock right now. A server has none.
    pub(crate) async fn is_locked(&self) -> Result<bool> {
        if !self.is_file() {
            return Ok(false);
        }
        let file = SqliteConnectOptions::new().filename(self.path("aurareels.db")).busy_timeout(Duration::ZERO);
        let mut connection = file.connect().await?;
        let free = connection.execute("BEGIN IMMEDIATE").await.is_ok();
        connection.close().await?;
        Ok(!free)
    }

    /// Closes every connection to the database of this process, so that its files are nobody's but a core's.
    pub(crate) async fn release(&mut self) {
        self.parts.store.close().await;
        self.database.close().await;
    }

    /// Opens a connection that reads.
    pub(crate) async fn take_up_reading(&mut self) -> Result<()> {
        self.database = opened(self.private.as_ref(), self.dir.path()).await?;
        Ok(())
    }

    /// A database of a server that holds what this one's holds at one moment, whoever writes.
    pub(crate) async fn copied(&self) -> Result<Option<Private>> {
        let Some(private) = &self.private else { return Ok(None) };
        let copy = private.another().await;
        make_tables(&copy).await?;
        private.copy_to(&copy).await;
        Ok(Some(copy))
    }

    /// From now on that database of the server is this rig's.
    pub(crate) fn move_to(&mut self, copy: Private) -> Result<()> {
        let url = url_for_cores(&copy, self.proxy.as_ref())?;
        self.settings.retain(|(name, _)| name != URL);
        self.settings.push((URL.to_owned(), url));
        self.private = Some(copy);
        Ok(())
    }

    /// Opens the store again.
    pub(crate) async fn take_up(&mut self) -> Result<()> {
        let settings: Vec<_> =
            self.settings.iter().filter(|(name, _)| name != "AURAREELS_FAULT_CLOCK").cloned().collect();
        self.parts = Components::build(&Settings::from_pairs(settings)?, self.parts.clock.clone()).await?;
        Ok(())
    }

    /// A file of this rig.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The end of the log, for a failure.
    pub(crate) fn log_tail(&self) -> String {
        let text = std::fs::read_to_string(self.log()).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(30)..].join("\n")
    }

    /// Closes everything; the directory goes with it.
    pub(crate) async fn close(self) {
        self.parts.store.close().await;
        self.database.close().await;
        self.sim.shutdown().await;
    }
}

/// For looking at it.
async fn opened(private: Option<&Private>, dir: &Path) -> Result<Database> {
    match private {
        Some(private) => Database::of_url(&private.url()),
        None => Database::of_file(&dir.join("aurareels.db")).await,
    }
}

/// By which cores reach a database.
fn url_for_cores(private: &Private, proxy: Option<&Proxy>) -> Result<String> {
    let mut url = url::Url::parse(&private.url())?;
    if let Some(proxy) = proxy {
        url.set_port(Some(proxy.address.port())).map_err(|()| anyhow::anyhow!("{url} can have no port"))?;
    }
    Ok(url.into())
}

/// A pause between two looks.
pub(crate) async fn breath() {
    tokio::time::sleep(Duration::from_millis(4)).await;
}
