//! The parts of one core and how they hang together: settings in, use cases and a running engine out. `serve`, `demo`,
//! the commands and the tests all build a core here.
//!
//! Expected failures, told before anything runs: no or too weak an encryption key, a key that the database's rows need and
//! nobody gave, a database that cannot be opened or migrated, an unreadable CA file.

mod housekeeping;

use std::{num::NonZeroU32, path::PathBuf, sync::Arc, time::Duration};

use chrono::TimeDelta;
use tokio::{
    runtime::Handle,
    sync::{Notify, Semaphore, watch},
    task::{JoinHandle, JoinSet},
};
use tracing::{error, info, warn};

use crate::{
    analytics::{Signals, Syncing},
    app::{
        accounts::{AccountSettings, Accounts},
        analytics::Analytics,
        media::{MediaSettings, MediaStore, MediaStoreParts},
        platforms::Platforms,
        posts::{PostSettings, Posts},
        webhooks::WebhookEndpoints,
    },
    audit::{self, AuditLog, Keep},
    clock::Clock,
    config::{self, Settings},
    descriptors::Shares,
    domain::{failure::describe, media::KeepPolicy},
    fault,
    grpc::Described,
    http,
    media::{
        ProbeSettings, Prober, Stream,
        bucket::{Bucket, BucketSettings},
        files::{FileError, Files},
        outgoing,
        pull::PublicAddress,
        spool::Spool,
    },
    platform::Registry,
    private,
    progress::Uploads,
    publisher::{Engine, EngineSettings, WRITING, burst::Bursts, decide::Policy, handover::Handover, video::Videos},
    scheduler::Scheduler,
    secret::{self, KeyRing},
    store::{
        self, Store,
        encryption_keys::KeyError,
        replacing::Replacement,
        traces::{self, Unexpected},
    },
    telemetry::metrics::Metrics,
    tokens::TokenManager,
    webhooks::Webhooks,
    zones::Zones,
};

/// Why a core did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No encryption key is set.
    #[error(
        "AURAREELS_SOCIAL_ENCRYPTION_KEY is not set; make one with `aurareels keys generate`, keep it safe, and set it"
    )]
    NoKey,
    /// A key does not fit.
    #[error("AURAREELS_SOCIAL_ENCRYPTION_KEY does not fit")]
    Key(#[from] secret::Error),
    /// The database needs keys that were not given.
    #[error(transparent)]
    MissingKeys(#[from] KeyError),
    /// The database cannot be used.
    #[error("the database cannot be used")]
    Store(#[from] store::Error),
    /// The database is new, and another one has been served from here.
    #[error(transparent)]
    NewDatabase(#[from] Unexpected),
    /// `--new-database` beside a database that is in use.
    #[error("--new-database: AURAREELS_DATABASE_URL names a database that holds something; nothing was changed")]
    NotNew,
    /// TLS or HTTP cannot be set up.
    #[error("the HTTP client cannot be set up")]
    Http(#[from] http::Error),
    /// The bucket of uploads cannot be asked.
    #[error("AURAREELS_MEDIA_STORE")]
    Bucket(#[from] FileError),
    /// The data directory cannot be made.
    #[error("the data directory {path} cannot be made")]
    DataDir {
        /// The directory.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

/// The parts of a core.
#[derive(Clone)]
pub struct Components {
    /// Rows.
    pub store: Store,
    /// Time.
    pub clock: Clock,
    /// Platforms.
    pub registry: Registry,
    /// Post use cases.
    pub posts: Posts,
    /// Account use cases.
    pub accounts: Accounts,
    /// Tokens.
    pub token_manager: TokenManager,
    /// Uploads.
    pub media_store: MediaStore,
    /// Webhook endpoints.
    pub webhooks: WebhookEndpoints,
    /// How posts do.
    pub analytics: Analytics,
    /// What people and keys did.
    pub(crate) audit: AuditLog,
    /// Told when a rotation wants this core to read its keys anew.
    pub asked_for_keys: Arc<Notify>,
    /// Turns true at shutdown.
    pub stopping: watch::Sender<bool>,
    engine: Engine,
    sending: Webhooks,
    /// `None`: switched off.
    syncing: Option<Syncing>,
    lease: Duration,
    retention: config::Retention,
}

/// Opens the store of some settings: makes the data directory, checks the keys, migrates. Refused when the database is new
/// although another one has been served from here.
pub async fn open_store(settings: &Settings, clock: Clock) -> Result<Store, StartError> {
    let (place, data_dir) = (settings.store.place(), &settings.store.data_dir);
    let unexpected = traces::around(&place, data_dir)?;
    if traces::is_missing(&place)? {
        unexpected.clone().map_or(Ok(()), Err)?;
    }
    let store = open(settings, clock).await?;
    if let Some(unexpected) = unexpected
        && store.is_blank().await?
    {
        store.close().await;
        return Err(unexpected.into());
    }
    Ok(store)
}

/// Makes a new database where another one has been: the traces of that one count no more.
pub async fn make_database(settings: &Settings, clock: Clock) -> Result<Store, StartError> {
    make_data_dir(settings)?;
    let place = settings.store.place();
    let replacement = match place.is_on_server() {
        true => None,
        false => Some(Replacement::begin(&place.url, clock.clone()).await?),
    };
    let store = open(settings, clock.clone()).await?;
    if !store.is_blank().await? {
        store.close().await;
        return Err(StartError::NotNew);
    }
    if let Some(replacement) = replacement {
        replacement.forget_mark()?;
    }
    store.serve(clock.now()).await?;
    Ok(store)
}

fn make_data_dir(settings: &Settings) -> Result<(), StartError> {
    let data_dir = &settings.store.data_dir;
    private::create_directory(data_dir)
        .map_err(|source| StartError::DataDir { path: data_dir.display().to_string(), source })
}

async fn open(settings: &Settings, clock: Clock) -> Result<Store, StartError> {
    let keys = keys(settings)?;
    make_data_dir(settings)?;
    let data_dir = &settings.store.data_dir;
    let (place, media) = (settings.store.place(), media_dir(settings));
    let audit = audit::directory(data_dir);
    let files = [Store::files_of(&place.url)?, private::files_in(&media), private::files_in(&audit)];
    private::mend(&[data_dir, &media, &audit], &[files.concat(), vec![traces::mark_of(data_dir)]].concat());
    let store = Store::open(place, keys, clock).await?;
    store.migrate().await?;
    Ok(store)
}

/// The encryption keys of some settings.
pub fn keys(settings: &Settings) -> Result<Arc<KeyRing>, StartError> {
    Ok(Arc::new(key_ring(&settings.keys)?))
}

fn key_ring(keys: &config::Keys) -> Result<KeyRing, StartError> {
    let current = keys.current.as_ref().ok_or(StartError::NoKey)?;
    let old: Vec<&str> = keys.old.iter().map(|key| key.expose()).collect();
    Ok(KeyRing::from_settings(current.expose(), &old)?)
}

/// What people and keys did, as the settings want it kept.
fn audit_log(settings: &Settings, clock: &Clock) -> Result<AuditLog, StartError> {
    if !settings.audit.is_on {
        return Ok(AuditLog::off());
    }
    let data_dir = &settings.store.data_dir;
    let keep = Keep { days: settings.audit.keep_days.map(NonZeroU32::get) };
    AuditLog::open(data_dir, keep, clock.clone())
        .map_err(|source| StartError::DataDir { path: audit::directory(data_dir).display().to_string(), source })
}

/// Where uploads are.
fn media_dir(settings: &Settings) -> PathBuf {
    settings.store.data_dir.join("media")
}

/// The bucket of uploads, if there is one.
pub fn bucket(settings: &Settings) -> Result<Option<Bucket>, FileError> {
    let Some(bucket) = &settings.media.bucket else { return Ok(None) };
    let token = || bucket.session_token.as_ref().map(|token| token.expose().to_owned());
    let settings = BucketSettings {
        bucket: bucket.name.clone(),
        prefix: bucket.prefix.clone(),
        endpoint: bucket.endpoint.as_ref().map(|url| url.as_str().trim_end_matches('/').to_owned()),
        region: bucket.region.clone(),
        credentials: bucket
            .credentials
            .as_ref()
            .map(|(key, secret)| (key.clone(), secret.expose().to_owned(), token())),
        http: settings.http.clone(),
    };
    Bucket::open(&settings).map(Some)
}

/// Makes the core known and notes its keys in the database. A process that was stopped in the middle of a commit keeps the database locked until
/// it is woken or ends: waiting for that costs nothing, and ending here would only leave the work to nobody.
async fn begin(store: &Store, clock: &Clock) -> Result<(), KeyError> {
    loop {
        let begun = async {
            store.sign_on(clock.now()).await?;
            store.check_keys(clock.now()).await
        };
        match begun.await {
            Err(KeyError::Store(problem)) if problem.is_locked() => {
                warn!("another process keeps the database locked; the core starts when it lets go or ends");
            }
            Ok(()) => return Ok(()),
            Err(refused) => {
                // Nobody waits for a core that did not start; if this fails it is forgotten in seconds.
                let _ = store.sign_off().await;
                return Err(refused);
            }
        }
    }
}

/// Corrects the clock by the database's. A server that does not answer is told of by everything else that asks it.
async fn keep_time(store: &Store) {
    if let Err(problem) = store.correct_clock().await {
        warn!(error = %describe(&problem), "cannot compare the clock with the database's");
    }
}

/// The platforms of this release.
pub fn registry(settings: &Settings, tls: &Arc<rustls::ClientConfig>) -> Result<Registry, http::Error> {
    let services = settings.platforms.0.iter().map(|configured| configured.service(tls));
    Ok(Registry::new(services.collect::<Result<Vec<_>, _>>()?))
}

fn delta(duration: Duration) -> TimeDelta {
    TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX)
}

/// The account of Cloudflare Stream of these settings, if they have one.
pub(crate) fn cloudflare(
    settings: &Settings,
    tls: &Arc<rustls::ClientConfig>,
    clock: &Clock,
) -> Result<Option<Stream>, http::Error> {
    let Some(of) = settings.cloudflare.clone() else { return Ok(None) };
    let client = http::client_builder(tls).build().map_err(http::Error::Client)?;
    let clock = clock.clone();
    Ok(Some(Stream::new(client, of, Arc::new(move || clock.now().timestamp()))))
}

impl Components {
    /// Builds a core. Nothing runs yet.
    pub async fn build(settings: &Settings, clock: Clock) -> Result<Self, StartError> {
        fault::follow_clock(&clock).await;
        let store = open_store(settings, clock.clone()).await?;
        keep_time(&store).await;
        begin(&store, &clock).await?;
        store.serve(clock.now()).await?;
        if let Some(why) = store.behind() {
            error!("{why}");
        }
        let others = store.other_cores(clock.now()).await?;
        if !others.is_empty() && settings.store.place().is_on_server() {
            match settings.media.bucket {
                Some(_) => info!(?others, "other cores share this database"),
                None => warn!(
                    ?others,
                    media = %media_dir(settings).display(),
                    "other cores share this database, and uploads are files of this one: the others cannot read them, unless all \
                     of them share the directory; set AURAREELS_MEDIA_STORE=s3://bucket for each"
                ),
            }
        }
        traces::leave(&settings.store.place(), &settings.store.data_dir)?;
        let tls = http::tls_config(&settings.http)?;
        let registry = registry(settings, &tls)?;
        let prober = Prober::new(&ProbeSettings {
            allow_private_hosts: settings.media.allow_private_hosts,
            http: settings.http.clone(),
            ..ProbeSettings::default()
        })?;
        let prober = Arc::new(prober.with_stream(cloudflare(settings, &tls, &clock)?));
        let of_media = &settings.media;
        let directory = media_dir(settings);
        let files = Files::open(directory.clone(), of_media.min_free_bytes)
            .map_err(|source| StartError::DataDir { path: directory.display().to_string(), source })?
            .in_bucket(bucket(settings)?);
        let address = PublicAddress::new(settings.server.public_url.as_ref(), of_media.allow_private_hosts);
        let media_store = MediaStore::new(MediaStoreParts {
            store: store.clone(),
            clock: clock.clone(),
            platforms: Platforms::new(registry.clone()),
            prober: prober.clone(),
            files: files.clone(),
            address: address.clone(),
            settings: MediaSettings {
                quota_bytes: of_media.quota_bytes,
                keep: KeepPolicy {
                    unused: delta(of_media.unused),
                    done: delta(of_media.done),
                    failed: delta(of_media.failed),
                },
                idle: of_media.idle,
                prepare_lead: delta(settings.publishing.prepare_lead),
            },
        });
        let token_manager = TokenManager::new(store.clone(), registry.clone(), clock.clone());
        let uploads = Uploads::default();
        let publishing = &settings.publishing;
        let daily = publishing.daily_posts_per_user.and_then(|limit| u32::try_from(limit).ok());
        let zones = Zones::system();
        info!(rules = %zones.rules(), "time zones");
        let posts = Posts::new(
            store.clone(),
            clock.clone(),
            registry.clone(),
            prober.clone(),
            media_store.clone(),
            uploads.clone(),
            PostSettings {
                scheduler: settings.scheduler.default,
                has_workflow: settings.scheduler.n8n.is_some(),
                late_policy_seconds: delta(settings.scheduler.late_policy).num_seconds(),
                prepare_lead: delta(publishing.prepare_lead),
                zones,
            },
        );
        let accounts = Accounts::new(
            store.clone(),
            registry.clone(),
            clock.clone(),
            token_manager.clone(),
            AccountSettings {
                public_url: settings.server.public_url.clone(),
                redirect_uris: settings.oauth.redirect_uris.clone(),
                daily_posts_per_user: daily,
            },
        );
        let handover = match &settings.scheduler.n8n {
            Some(n8n) => {
                let client = http::client_builder(&tls).build().map_err(http::Error::Client)?;
                Some(Handover::new(n8n.webhook.clone(), n8n.api_key.clone(), client))
            }
            None => None,
        };
        let shares = Shares::of_process();
        if shares.posts < publishing.concurrency {
            let Shares { limit, posts, .. } = shares;
            warn!(
                limit,
                posts, "few file descriptors: fewer posts are worked on at once than AURAREELS_CONCURRENCY allows"
            );
        }
        let (stopping, metrics) = (watch::Sender::new(false), Metrics::new(store.metrics()));
        let engine = Engine {
            store: store.clone(),
            clock: clock.clone(),
            registry: registry.clone(),
            token_manager: token_manager.clone(),
            videos: Videos { prober, store: store.clone(), spool: Spool::new(files.clone()), files, address },
            copies: Arc::new(media_store.clone()),
            handover,
            uploads,
            bursts: Bursts::default(),
            writing: Arc::new(Semaphore::new(WRITING)),
            metrics: metrics.clone(),
            chance: Arc::new(chance),
            settings: EngineSettings {
                policy: Policy {
                    retry: publishing.retry,
                    poll_first: publishing.poll_first,
                    review_after: delta(publishing.review_after),
                },
                prepare_lead: delta(publishing.prepare_lead),
                arm_lead: TimeDelta::milliseconds(800),
                workflow_grace: delta(settings.scheduler.n8n_grace),
                daily_posts_per_user: daily,
                max_crashes: 10,
                renew_every: publishing.lease / 3,
                max_in_flight: publishing.concurrency,
                max_of_all: shares.posts,
            },
            stopping: stopping.subscribe(),
        };
        let wake = Arc::default();
        let allow_private = of_media.allow_private_hosts;
        let sending = Webhooks {
            store: store.clone(),
            clock: clock.clone(),
            client: outgoing::client(&tls, allow_private)?,
            allow_private,
            describe: Arc::new(Described),
            wake: Arc::clone(&wake),
            chance: Arc::new(chance),
            token: process_token(),
            stopping: stopping.subscribe(),
        };
        let webhooks = WebhookEndpoints::new(store.clone(), clock.clone(), allow_private, wake);
        let signals = Signals::default();
        let syncing = settings.analytics.then(|| Syncing {
            store: store.clone(),
            clock: clock.clone(),
            registry: registry.clone(),
            token_manager: token_manager.clone(),
            signals: signals.clone(),
            token: process_token(),
            stopping: stopping.subscribe(),
        });
        let is_read = settings.analytics;
        let analytics = Analytics::new(store.clone(), clock.clone(), Arc::new(signals), is_read);
        let audit = audit_log(settings, &clock)?;
        let (asked_for_keys, lease) = (Arc::default(), publishing.lease);
        Ok(Self {
            store,
            clock,
            registry,
            posts,
            accounts,
            token_manager,
            media_store,
            webhooks,
            analytics,
            audit,
            asked_for_keys,
            stopping,
            engine,
            sending,
            syncing,
            lease,
            retention: settings.retention,
        })
    }

    /// Goes on with the encryption keys of changed settings, if they open everything that is stored.
    pub async fn take_up_keys(&self, keys: &config::Keys) -> Result<(), StartError> {
        self.store.take_up_keys(key_ring(keys)?, self.clock.now()).await?;
        Ok(())
    }

    /// What is counted.
    pub fn metrics(&self) -> Metrics {
        self.engine.metrics.clone()
    }

    /// Starts the scheduler and the housekeeping on this runtime; neither when the database is behind its mark. They end
    /// when `stopping` turns true; the handle ends after them.
    pub fn start(&self, runtime: &Handle) -> JoinHandle<()> {
        if self.store.behind().is_some() {
            let mut stopping = self.stopping.subscribe();
            return runtime.spawn(async move {
                let _ = stopping.wait_for(|stopping| *stopping).await;
            });
        }
        let parts = self.clone();
        runtime.spawn(async move {
            let scheduler = Scheduler::new(parts.engine.clone(), process_token(), parts.lease);
            let mut housekeeping = JoinSet::new();
            housekeeping.spawn(parts.clone().housekeeping());
            housekeeping.spawn(parts.clone().keeping_time());
            let (sending, syncing) = (parts.sending.clone(), parts.syncing.clone());
            housekeeping.spawn(parts.expiring());
            let reading = async {
                if let Some(syncing) = syncing {
                    syncing.run().await;
                }
            };
            tokio::join!(scheduler.run(), sending.run(), reading);
            housekeeping.shutdown().await;
        })
    }

    /// Ends when nothing is under way that a call or the engine has begun and that must not be cut: a refresh whose
    /// rotated token is still to be stored, the exchange of a code, a disconnecting. Nobody may begin one any more.
    pub async fn settled(&self) {
        self.accounts.settled().await;
        self.token_manager.settled().await;
    }
}

/// A number between 0 and 1.
fn chance() -> f64 {
    f64::from(getrandom::u32().unwrap_or(u32::MAX / 2)) / f64::from(u32::MAX)
}

/// Tells the claims of this process from those of every other one, past and present.
fn process_token() -> String {
    let random = getrandom::u64().unwrap_or_default();
    format!("{}-{random:016x}", std::process::id())
}
