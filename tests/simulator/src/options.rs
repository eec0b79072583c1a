//! What a simulator is started with.

use std::net::{IpAddr, Ipv4Addr};

use crate::tiktok::rules::Rules as TikTokRules;
use crate::youtube::rules::Rules as YouTubeRules;

/// How to start a [`crate::Simulator`]. `Options::default()` suits tests: loopback, free ports, default accounts.
#[derive(Clone, Debug)]
pub struct Options {
    /// The address every port is bound on.
    pub ip: IpAddr,
    /// Host name or address that handed-out URLs carry instead of `ip` (needed when `ip` is 0.0.0.0).
    pub public_host: Option<String>,
    /// The control port; other hosts follow at [`crate::Host::offset`]. `None` takes free ports.
    pub base_port: Option<u16>,
    /// Seed for ids, tokens and random faults: the same seed and the same requests give the same ids.
    pub seed: u64,
    /// How many journal entries are kept; counters go on counting beyond that.
    pub journal_capacity: usize,
    /// Whether the default accounts exist at start and after a reset.
    pub default_accounts: bool,
    /// The apps that are registered with the platforms.
    pub credentials: Credentials,
    /// TikTok's limits and lifetimes; `/_sim/tiktok/rules` changes them at run time.
    pub tiktok: TikTokRules,
    /// YouTube's limits and lifetimes; `/_sim/youtube/rules` changes them at run time.
    pub youtube: YouTubeRules,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
            public_host: None,
            base_port: None,
            seed: 1,
            journal_capacity: 50_000,
            default_accounts: true,
            credentials: Credentials::default(),
            tiktok: TikTokRules::default(),
            youtube: YouTubeRules::default(),
        }
    }
}

/// Ids and secrets of the apps that exist in the simulator. They open nothing outside of it.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// TikTok client key.
    pub tiktok_client_id: String,
    /// TikTok client secret.
    pub tiktok_client_secret: String,
    /// The Facebook app (Instagram through Facebook Login, and Facebook).
    pub instagram_app_id: String,
    /// Secret of the Facebook app.
    pub instagram_app_secret: String,
    /// The app id of Instagram Login, which is another one.
    pub instagram_login_app_id: String,
    /// Secret of the Instagram Login app.
    pub instagram_login_app_secret: String,
    /// The Google project's OAuth client.
    pub youtube_client_id: String,
    /// Secret of the OAuth client.
    pub youtube_client_secret: String,
}

impl Default for Credentials {
    fn default() -> Self {
        Credentials {
            tiktok_client_id: "sim-tiktok-key".into(),
            tiktok_client_secret: "sim-tiktok-secret".into(),
            instagram_app_id: "100000000000001".into(),
            instagram_app_secret: "sim-facebook-secret".into(),
            instagram_login_app_id: "200000000000002".into(),
            instagram_login_app_secret: "sim-instagram-login-secret".into(),
            youtube_client_id: "300000000003-sim.apps.googleusercontent.com".into(),
            youtube_client_secret: "sim-youtube-secret".into(),
        }
    }
}
