//! What Instagram is, for the rest of the core.

use std::sync::Arc;

use super::{
    Instagram, InstagramSettings,
    logins::{FACEBOOK_SCOPES, INSTAGRAM_SCOPES},
    options::InstagramOptions,
};
use crate::{
    domain::{
        media::INSTAGRAM_REELS,
        platform::{LoginFlavour, Platform},
    },
    http,
    platform::{
        Service,
        description::{Codec, Description, Login},
        meta,
        settings::{App, Configured, Values, setting},
    },
};

/// What Instagram is. Scopes: <https://developers.facebook.com/docs/instagram-platform/content-publishing>.
pub static DESCRIPTION: Description = Description {
    platform: Platform::Instagram,
    rules: &INSTAGRAM_REELS,
    logins: &[
        Login {
            flavour: LoginFlavour::FacebookLogin,
            scopes: FACEBOOK_SCOPES,
            needed: &[&["instagram_basic"], &["instagram_content_publish"]],
            when_nobody: "link a professional Instagram account to a Facebook Page that you manage, and choose both when asked",
        },
        Login {
            flavour: LoginFlavour::InstagramLogin,
            scopes: INSTAGRAM_SCOPES,
            needed: &[&["instagram_business_basic"], &["instagram_business_content_publish"]],
            when_nobody: "switch the Instagram account to a professional one",
        },
    ],
    options: Codec::of::<InstagramOptions>(),
    settings: &[
        &[
            setting("INSTAGRAM_APP_ID", "instagram", "app_id"),
            setting("INSTAGRAM_APP_SECRET", "instagram", "app_secret"),
            setting("INSTAGRAM_LOGIN_APP_ID", "instagram", "login_app_id"),
            setting("INSTAGRAM_LOGIN_APP_SECRET", "instagram", "login_app_secret"),
            setting("INSTAGRAM_AUTH_BASE_URL", "instagram", "auth_base_url"),
            setting("INSTAGRAM_API_BASE_URL", "instagram", "api_base_url"),
            setting("INSTAGRAM_GRAPH_BASE_URL", "instagram", "graph_base_url"),
        ],
        meta::SETTINGS,
    ],
    read,
};

fn read(values: &mut dyn Values) -> Arc<dyn Configured> {
    let app = App::read(values, "INSTAGRAM_APP_ID", "INSTAGRAM_APP_SECRET");
    Arc::new(InstagramSettings {
        meta: meta::MetaSettings::read(values, app),
        instagram_login_app: App::read(values, "INSTAGRAM_LOGIN_APP_ID", "INSTAGRAM_LOGIN_APP_SECRET"),
        ig_auth_base: values.base_url("INSTAGRAM_AUTH_BASE_URL", "www.instagram.com"),
        ig_api_base: values.base_url("INSTAGRAM_API_BASE_URL", "api.instagram.com"),
        ig_graph_base: values.base_url("INSTAGRAM_GRAPH_BASE_URL", "graph.instagram.com"),
    })
}

impl Configured for InstagramSettings {
    fn service(&self, tls: &Arc<rustls::ClientConfig>) -> Result<Service, http::Error> {
        let instagram = Arc::new(Instagram::new(self.clone(), tls.clone())?);
        Ok(Service {
            description: &DESCRIPTION,
            client: instagram.clone(),
            login: instagram.clone(),
            numbers: instagram,
        })
    }
}
