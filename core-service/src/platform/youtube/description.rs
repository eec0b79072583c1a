//! What YouTube is, for the rest of the core.

use std::sync::Arc;

use super::{
    Youtube, YoutubeSettings,
    budget::{UNITS_A_DAY, UPLOADS_A_DAY},
    login::SCOPES,
    options::YoutubeOptions,
};
use crate::{
    domain::{
        media::YOUTUBE,
        platform::{LoginFlavour, Platform},
    },
    http,
    platform::{
        Service,
        description::{Codec, Description, Login},
        settings::{App, Configured, Values, setting},
    },
};

/// What YouTube is.
pub static DESCRIPTION: Description = Description {
    platform: Platform::Youtube,
    rules: &YOUTUBE,
    logins: &[Login {
        flavour: LoginFlavour::Google,
        scopes: SCOPES,
        // `youtube` allows what the other two allow.
        needed: &[
            &["https://www.googleapis.com/auth/youtube.upload", "https://www.googleapis.com/auth/youtube"],
            &["https://www.googleapis.com/auth/youtube.readonly", "https://www.googleapis.com/auth/youtube"],
        ],
        when_nobody: "create a channel at youtube.com, then connect again",
    }],
    options: Codec::of::<YoutubeOptions>(),
    settings: &[&[
        setting("YOUTUBE_CLIENT_ID", "youtube", "client_id"),
        setting("YOUTUBE_CLIENT_SECRET", "youtube", "client_secret"),
        setting("GOOGLE_AUTH_BASE_URL", "youtube", "auth_base_url"),
        setting("GOOGLE_TOKEN_BASE_URL", "youtube", "token_base_url"),
        setting("YOUTUBE_API_BASE_URL", "youtube", "api_base_url"),
        setting("YOUTUBE_UPLOADS_PER_DAY", "youtube", "uploads_per_day"),
        setting("YOUTUBE_UNITS_PER_DAY", "youtube", "units_per_day"),
    ]],
    read,
};

fn read(values: &mut dyn Values) -> Arc<dyn Configured> {
    Arc::new(YoutubeSettings {
        app: App::read(values, "YOUTUBE_CLIENT_ID", "YOUTUBE_CLIENT_SECRET"),
        auth_base: values.base_url("GOOGLE_AUTH_BASE_URL", "accounts.google.com"),
        token_base: values.base_url("GOOGLE_TOKEN_BASE_URL", "oauth2.googleapis.com"),
        api_base: values.base_url("YOUTUBE_API_BASE_URL", "www.googleapis.com"),
        uploads_per_day: values.number("YOUTUBE_UPLOADS_PER_DAY", 1, 1_000_000, UPLOADS_A_DAY),
        units_per_day: values.number("YOUTUBE_UNITS_PER_DAY", 100, 1_000_000_000, UNITS_A_DAY),
    })
}

impl Configured for YoutubeSettings {
    fn service(&self, tls: &Arc<rustls::ClientConfig>) -> Result<Service, http::Error> {
        let youtube = Arc::new(Youtube::new(self.clone(), tls.clone())?);
        Ok(Service { description: &DESCRIPTION, client: youtube.clone(), login: youtube.clone(), numbers: youtube })
    }
}
