//! What TikTok is, for the rest of the core.

use std::sync::Arc;

use url::Url;

use super::{Tiktok, TiktokSettings, logins::SCOPES, options::TiktokOptions};
use crate::{
    domain::{
        media::TIKTOK,
        platform::{LoginFlavour, Platform},
    },
    http,
    platform::{
        Service,
        description::{Codec, Description, Login},
        settings::{App, Configured, Values, setting},
    },
};

/// What TikTok is.
pub static DESCRIPTION: Description = Description {
    platform: Platform::Tiktok,
    rules: &TIKTOK,
    logins: &[Login {
        flavour: LoginFlavour::Tiktok,
        scopes: SCOPES,
        // `video.publish` posts, `video.upload` puts into the creator's inbox
        // (<https://developers.tiktok.com/doc/tiktok-api-scopes>).
        needed: &[&["video.publish", "video.upload"]],
        when_nobody: "log in with an account that may post",
    }],
    options: Codec::of::<TiktokOptions>(),
    settings: &[&[
        setting("TIKTOK_CLIENT_ID", "tiktok", "client_id"),
        setting("TIKTOK_CLIENT_SECRET", "tiktok", "client_secret"),
        setting("TIKTOK_AUTH_BASE_URL", "tiktok", "auth_base_url"),
        setting("TIKTOK_API_BASE_URL", "tiktok", "api_base_url"),
    ]],
    read,
};

#[derive(Debug)]
struct Given {
    app: Option<App>,
    auth_base: Url,
    api_base: Url,
}

fn read(values: &mut dyn Values) -> Arc<dyn Configured> {
    Arc::new(Given {
        app: App::read(values, "TIKTOK_CLIENT_ID", "TIKTOK_CLIENT_SECRET"),
        auth_base: values.base_url("TIKTOK_AUTH_BASE_URL", "www.tiktok.com"),
        api_base: values.base_url("TIKTOK_API_BASE_URL", "open.tiktokapis.com"),
    })
}

impl Configured for Given {
    fn service(&self, tls: &Arc<rustls::ClientConfig>) -> Result<Service, http::Error> {
        let settings = self.app.as_ref().map(|app| TiktokSettings {
            client_key: app.id.clone(),
            client_secret: app.secret.clone(),
            auth_base: self.auth_base.clone(),
            api_base: self.api_base.clone(),
        });
        let tiktok = Arc::new(Tiktok::new(settings, tls.clone())?);
        Ok(Service { description: &DESCRIPTION, client: tiktok.clone(), login: tiktok.clone(), numbers: tiktok })
    }
}
