//! The vendor hosts the simulator stands in for, each with a port of its own.
//!
//! graph.facebook.com and graph.instagram.com share paths, so a path alone does not say who was asked.

use serde::{Deserialize, Serialize};

/// One host, real or the simulator's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Host {
    /// The control API under `/_sim/` and the page for people at `/`.
    Control,
    /// Serves test videos for `video_url` and the like.
    Media,
    /// www.tiktok.com (consent page).
    #[serde(rename = "tiktok_auth")]
    TikTokAuth,
    /// open.tiktokapis.com.
    #[serde(rename = "tiktok_api")]
    TikTokApi,
    /// open-upload.tiktokapis.com (chunk uploads).
    #[serde(rename = "tiktok_upload")]
    TikTokUpload,
    /// www.facebook.com (login dialog).
    MetaDialog,
    /// graph.facebook.com.
    MetaGraph,
    /// rupload.facebook.com.
    MetaRupload,
    /// www.instagram.com (consent page of Instagram Login).
    InstagramAuth,
    /// api.instagram.com (code exchange of Instagram Login).
    InstagramApi,
    /// graph.instagram.com.
    InstagramGraph,
    /// accounts.google.com (consent page).
    GoogleAuth,
    /// oauth2.googleapis.com (code exchange, refresh, revoke).
    GoogleToken,
    /// www.googleapis.com, its alias youtube.googleapis.com and the uploads below `/upload/`.
    #[serde(rename = "youtube_api")]
    YouTubeApi,
    /// api.cloudflare.com (Stream).
    CloudflareApi,
    /// customer-….cloudflarestream.com (MP4 files).
    CloudflareStream,
}

/// The module that answers for a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Vendor {
    Control,
    Media,
    TikTok,
    Meta,
    YouTube,
    Cloudflare,
}

impl Host {
    /// Every host, in the order of its port offset.
    pub const ALL: [Host; 16] = [
        Host::Control,
        Host::Media,
        Host::TikTokAuth,
        Host::TikTokApi,
        Host::TikTokUpload,
        Host::MetaDialog,
        Host::MetaGraph,
        Host::MetaRupload,
        Host::InstagramAuth,
        Host::InstagramApi,
        Host::InstagramGraph,
        Host::GoogleAuth,
        Host::GoogleToken,
        Host::YouTubeApi,
        Host::CloudflareApi,
        Host::CloudflareStream,
    ];

    /// Distance from the base port. Each vendor has ten numbers, so that a host can be added without moving others.
    pub fn offset(self) -> u16 {
        match self {
            Host::Control => 0,
            Host::Media => 1,
            Host::TikTokAuth => 10,
            Host::TikTokApi => 11,
            Host::TikTokUpload => 12,
            Host::MetaDialog => 20,
            Host::MetaGraph => 21,
            Host::MetaRupload => 22,
            Host::InstagramAuth => 23,
            Host::InstagramApi => 24,
            Host::InstagramGraph => 25,
            Host::GoogleAuth => 30,
            Host::GoogleToken => 31,
            Host::YouTubeApi => 32,
            Host::CloudflareApi => 40,
            Host::CloudflareStream => 41,
        }
    }

    /// Name in the control API and in the journal.
    pub fn name(self) -> &'static str {
        match self {
            Host::Control => "control",
            Host::Media => "media",
            Host::TikTokAuth => "tiktok_auth",
            Host::TikTokApi => "tiktok_api",
            Host::TikTokUpload => "tiktok_upload",
            Host::MetaDialog => "meta_dialog",
            Host::MetaGraph => "meta_graph",
            Host::MetaRupload => "meta_rupload",
            Host::InstagramAuth => "instagram_auth",
            Host::InstagramApi => "instagram_api",
            Host::InstagramGraph => "instagram_graph",
            Host::GoogleAuth => "google_auth",
            Host::GoogleToken => "google_token",
            Host::YouTubeApi => "youtube_api",
            Host::CloudflareApi => "cloudflare_api",
            Host::CloudflareStream => "cloudflare_stream",
        }
    }

    /// The vendor a fault rule's `vendor` field names: `control`, `media`, `tiktok`, `meta`, `youtube` or `cloudflare`.
    pub fn vendor_name(self) -> &'static str {
        match self.vendor() {
            Vendor::Control => "control",
            Vendor::Media => "media",
            Vendor::TikTok => "tiktok",
            Vendor::Meta => "meta",
            Vendor::YouTube => "youtube",
            Vendor::Cloudflare => "cloudflare",
        }
    }

    /// The setting (design §8) that points a client at this host; `None` where the platform hands the URL out.
    pub(crate) fn setting(self) -> Option<&'static str> {
        match self {
            Host::TikTokAuth => Some("TIKTOK_AUTH_BASE_URL"),
            Host::TikTokApi => Some("TIKTOK_API_BASE_URL"),
            Host::MetaDialog => Some("META_DIALOG_BASE_URL"),
            Host::MetaGraph => Some("META_GRAPH_BASE_URL"),
            Host::MetaRupload => Some("META_RUPLOAD_BASE_URL"),
            Host::InstagramAuth => Some("INSTAGRAM_AUTH_BASE_URL"),
            Host::InstagramApi => Some("INSTAGRAM_API_BASE_URL"),
            Host::InstagramGraph => Some("INSTAGRAM_GRAPH_BASE_URL"),
            Host::GoogleAuth => Some("GOOGLE_AUTH_BASE_URL"),
            Host::GoogleToken => Some("GOOGLE_TOKEN_BASE_URL"),
            Host::YouTubeApi => Some("YOUTUBE_API_BASE_URL"),
            Host::CloudflareApi => Some("CLOUDFLARE_API_BASE_URL"),
            Host::Control | Host::Media | Host::TikTokUpload | Host::CloudflareStream => None,
        }
    }

    pub(crate) fn vendor(self) -> Vendor {
        match self {
            Host::Control => Vendor::Control,
            Host::Media => Vendor::Media,
            Host::TikTokAuth | Host::TikTokApi | Host::TikTokUpload => Vendor::TikTok,
            Host::MetaDialog
            | Host::MetaGraph
            | Host::MetaRupload
            | Host::InstagramAuth
            | Host::InstagramApi
            | Host::InstagramGraph => Vendor::Meta,
            Host::GoogleAuth | Host::GoogleToken | Host::YouTubeApi => Vendor::YouTube,
            Host::CloudflareApi | Host::CloudflareStream => Vendor::Cloudflare,
        }
    }

    pub(crate) fn index(self) -> usize {
        self as usize
    }
}
