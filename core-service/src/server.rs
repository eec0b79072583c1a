//! A whole core: its parts, running, behind one port. `serve`, `demo` and in-process tests start it here.
//!
//! Guaranteed: [`Core::shutdown`] ends within ten seconds and in this order: the port takes no new work and its calls end
//! or are answered with UNAVAILABLE, while the scheduler stops claiming and lets the steps under way end; then refreshes
//! of tokens end, so that a rotated token on its way is stored; the store closes last, when nobody is left who could ask
//! it for something. What was cut goes on after the next start.

use std::{
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use anyhow::Context;
use tokio::{
    runtime::{self, Handle, Runtime},
    task::JoinHandle,
    time::{Instant, timeout, timeout_at},
};
use tracing::{info, warn};
use url::Url;

use crate::{
    app::{api_keys::ApiKeys, platforms::Platforms},
    bootstrap::Components,
    clock::Clock,
    config::Settings,
    domain::failure::describe,
    grpc::{self, Api, OldestOverdue, Serving},
};

/// Longest time from the word to stop until the store closes.
const WHOLE: Duration = Duration::from_secs(9);

/// Longest time that the store gets for what is queued.
const CLOSING: Duration = Duration::from_millis(800);

/// A running core.
pub struct Core {
    /// What it is made of.
    pub parts: Components,
    serving: Serving,
    engine: JoinHandle<()>,
    threads: EngineThreads,
    public_url: Url,
}

/// The threads on which posts are published: thousands of them at once hold up no call, and thousands of calls no post.
struct EngineThreads(Option<Runtime>);

impl EngineThreads {
    fn start() -> anyhow::Result<Self> {
        let runtime = runtime::Builder::new_multi_thread().thread_name("aurareels-engine").enable_all().build();
        Ok(Self(Some(runtime.context("cannot start the engine's threads")?)))
    }

    fn handle(&self) -> Handle {
        self.0.as_ref().map_or_else(Handle::current, |runtime| runtime.handle().clone())
    }
}

impl Drop for EngineThreads {
    fn drop(&mut self) {
        // Dropping it would wait, which a runtime does not allow within another.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

impl Core {
    /// Takes the port, builds the parts, starts the engine and serves.
    pub async fn start(settings: Settings, clock: Clock) -> anyhow::Result<Self> {
        let mut settings = settings;
        // The port comes first: with port 0 only now the callback page has an address.
        let listener = grpc::bind(&settings.server).await?;
        let address = listener.local_addr()?;
        let public_url = match settings.server.public_url.take() {
            Some(url) => url,
            None => reachable_at(address, settings.server.tls.is_some())?,
        };
        settings.server.public_url = Some(public_url.clone());
        let parts = Components::build(&settings, clock).await?;
        let api = Api {
            posts: parts.posts.clone(),
            accounts: parts.accounts.clone(),
            platforms: Platforms::new(parts.registry.clone()),
            media_store: parts.media_store.clone(),
            webhooks: parts.webhooks.clone(),
            analytics: parts.analytics.clone(),
            api_keys: ApiKeys::new(parts.store.clone()),
            auth: settings.auth.clone(),
            store: parts.store.clone(),
            metrics: parts.metrics(),
            clock: parts.clock.clone(),
            audit: parts.audit.clone(),
            asked_for_keys: parts.asked_for_keys.clone(),
            oldest_overdue: oldest_overdue(&parts, settings.scheduler.n8n_grace),
            frontend: settings.oauth.frontend_url.clone(),
            public_url: public_url.clone(),
        };
        let serving = grpc::serve(listener, &settings.server, api).await?;
        let threads = EngineThreads::start()?;
        let engine = parts.start(&threads.handle());
        info!(%address, %public_url, "AuraReels {} is ready", env!("CARGO_PKG_VERSION"));
        Ok(Self { parts, serving, engine, threads, public_url })
    }

    /// The bound address.
    pub fn address(&self) -> SocketAddr {
        self.serving.address()
    }

    /// Where browsers and clients on this machine reach it.
    pub fn public_url(&self) -> &Url {
        &self.public_url
    }

    /// Ends when a rotation wants this core to read its keys anew.
    pub async fn asked_for_keys(&self) {
        self.parts.asked_for_keys.notified().await;
    }

    /// Stops: the port and the scheduler, then refreshes, then the store.
    pub async fn shutdown(self) {
        info!("stopping");
        let Self { parts, serving, mut engine, threads, .. } = self;
        let until = Instant::now() + WHOLE;
        parts.stopping.send_replace(true);
        let scheduling = async {
            if timeout_at(until, &mut engine).await.is_err() {
                warn!("a step was still under way; it is found out about after the next start");
                engine.abort();
                let _ = engine.await;
            }
        };
        tokio::join!(serving.shutdown(), scheduling);
        if timeout_at(until, parts.settled()).await.is_err() {
            warn!("a platform has not answered yet about a login; it is asked again after the next start");
        }
        // They use the store, and go on after the next start.
        parts.media_store.end_copies();
        let closing = async {
            if let Err(problem) = parts.store.sign_off().await {
                warn!(error = %describe(&problem), "the core could not sign off; it counts as alive for some seconds");
            }
            parts.store.close().await;
        };
        if timeout(CLOSING, closing).await.is_err() {
            warn!("the database takes long to close");
        }
        drop(threads);
        info!("stopped");
    }
}

/// The address under which this machine reaches a bound one.
pub(crate) fn reachable_at(address: SocketAddr, tls: bool) -> anyhow::Result<Url> {
    let ip = match address.ip() {
        ip if !ip.is_unspecified() => ip,
        ip if ip.is_ipv4() => Ipv4Addr::LOCALHOST.into(),
        _ => Ipv6Addr::LOCALHOST.into(),
    };
    let scheme = if tls { "https" } else { "http" };
    let url = format!("{scheme}://{}", SocketAddr::new(ip, address.port()));
    Url::parse(&url).with_context(|| format!("{url} is no address"))
}

fn oldest_overdue(parts: &Components, workflow_grace: Duration) -> OldestOverdue {
    let (store, clock) = (parts.store.clone(), parts.clock.clone());
    let grace = chrono::TimeDelta::from_std(workflow_grace).unwrap_or(chrono::TimeDelta::MAX);
    Arc::new(move || {
        let (store, clock) = (store.clone(), clock.clone());
        Box::pin(async move { Ok(store.oldest_overdue(clock.now(), grace).await?) })
    })
}
