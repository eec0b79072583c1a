//! What all parts of one simulator share.

use crate::clock::Clock;
use crate::fault::Faults;
use crate::fetch::Fetcher;
use crate::host::Host;
use crate::journal::Journal;
use crate::options::Options;
use crate::posts::Posts;
use crate::random::Random;
use crate::server::Door;
use crate::{cloudflare, media, meta, tiktok, youtube};
use tokio::sync::watch;

/// One simulator's state and services. Vendors reach their own state through their field.
pub(crate) struct Sim {
    pub(crate) options: Options,
    /// Where background work runs, also when it is started from outside of the runtime.
    pub(crate) runtime: tokio::runtime::Handle,
    pub(crate) clock: Clock,
    pub(crate) random: Random,
    pub(crate) faults: Faults,
    pub(crate) journal: Journal,
    pub(crate) posts: Posts,
    pub(crate) fetcher: Fetcher,
    pub(crate) redirects: crate::consent::Redirects,
    pub(crate) tiktok: tiktok::TikTok,
    pub(crate) meta: meta::Meta,
    pub(crate) youtube: youtube::YouTube,
    pub(crate) cloudflare: cloudflare::Cloudflare,
    pub(crate) media: media::Media,
    doors: Vec<watch::Sender<Door>>,
    urls: Vec<String>,
}

impl Sim {
    pub(crate) fn new(options: Options, urls: Vec<String>, doors: Vec<watch::Sender<Door>>) -> anyhow::Result<Self> {
        let random = Random::new(options.seed);
        let clock = Clock::default();
        Ok(Sim {
            tiktok: tiktok::TikTok::new(&options, &random),
            meta: meta::Meta::new(&options, &random, &clock),
            youtube: youtube::YouTube::new(&options, &random),
            cloudflare: cloudflare::Cloudflare::new(),
            media: media::Media::default(),
            clock,
            random,
            faults: Faults::default(),
            journal: Journal::new(options.journal_capacity),
            posts: Posts::default(),
            fetcher: Fetcher::new()?,
            redirects: crate::consent::Redirects::default(),
            doors,
            urls,
            options,
            runtime: tokio::runtime::Handle::try_current()?,
        })
    }

    /// Scheme, host and port, without a slash at the end.
    pub(crate) fn url(&self, host: Host) -> &str {
        &self.urls[host.index()]
    }

    /// Settings (design §8) that point a core at this simulator.
    pub(crate) fn environment(&self) -> Vec<(String, String)> {
        let credentials = &self.options.credentials;
        let mut settings: Vec<(String, String)> = Host::ALL
            .into_iter()
            .filter_map(|host| Some((host.setting()?.to_owned(), self.url(host).to_owned())))
            .collect();
        for (name, value) in [
            ("TIKTOK_CLIENT_ID", &credentials.tiktok_client_id),
            ("TIKTOK_CLIENT_SECRET", &credentials.tiktok_client_secret),
            ("INSTAGRAM_APP_ID", &credentials.instagram_app_id),
            ("INSTAGRAM_APP_SECRET", &credentials.instagram_app_secret),
            ("INSTAGRAM_LOGIN_APP_ID", &credentials.instagram_login_app_id),
            ("INSTAGRAM_LOGIN_APP_SECRET", &credentials.instagram_login_app_secret),
            ("YOUTUBE_CLIENT_ID", &credentials.youtube_client_id),
            ("YOUTUBE_CLIENT_SECRET", &credentials.youtube_client_secret),
            ("CLOUDFLARE_ACCOUNT_ID", &cloudflare::ACCOUNT.to_owned()),
            ("CLOUDFLARE_API_TOKEN", &cloudflare::TOKEN.to_owned()),
        ] {
            settings.push((name.to_owned(), value.clone()));
        }
        settings
    }

    /// Opens or closes a host's port.
    pub(crate) fn set_door(&self, host: Host, door: Door) {
        self.doors[host.index()].send_replace(door);
    }

    pub(crate) fn door(&self, host: Host) -> Door {
        *self.doors[host.index()].borrow()
    }

    /// Forgets everything but rules set at start and the clock.
    pub(crate) fn reset(&self) {
        self.faults.clear();
        self.journal.clear();
        self.posts.clear();
        self.redirects.clear();
        tiktok::reset(self);
        meta::reset(self);
        youtube::reset(self);
        cloudflare::reset(self);
        for host in Host::ALL {
            self.set_door(host, Door::Open);
        }
    }
}
