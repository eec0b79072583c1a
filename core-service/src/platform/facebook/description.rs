//! What Facebook is, for the rest of the core.

use std::sync::Arc;

use super::{Facebook, login::SCOPES, options::FacebookOptions};
use crate::{
    domain::{
        media::FACEBOOK_REELS,
        platform::{LoginFlavour, Platform},
    },
    http,
    platform::{
        Service,
        description::{Codec, Description, Login},
        meta::{self, MetaSettings},
        settings::{App, Configured, Values, setting},
    },
};

/// What Facebook is.
pub static DESCRIPTION: Description = Description {
    platform: Platform::Facebook,
    rules: &FACEBOOK_REELS,
    logins: &[Login {
        flavour: LoginFlavour::FacebookLogin,
        scopes: SCOPES,
        needed: &[&["pages_manage_posts"], &["pages_show_list"]],
        when_nobody: "choose a Facebook Page on which you may create content; profiles and groups cannot be posted to",
    }],
    options: Codec::of::<FacebookOptions>(),
    settings: &[
        &[
            setting("FACEBOOK_APP_ID", "facebook", "app_id"),
            setting("FACEBOOK_APP_SECRET", "facebook", "app_secret"),
            // The original's name for the Facebook app.
            setting("INSTAGRAM_APP_ID", "instagram", "app_id"),
            setting("INSTAGRAM_APP_SECRET", "instagram", "app_secret"),
        ],
        meta::SETTINGS,
    ],
    read,
};

#[derive(Debug)]
struct Given(MetaSettings);

fn read(values: &mut dyn Values) -> Arc<dyn Configured> {
    let own = App::read(values, "FACEBOOK_APP_ID", "FACEBOOK_APP_SECRET");
    let app = match own {
        Some(own) => Some(own),
        // What is wrong with half of it Instagram tells.
        None => match (values.text("INSTAGRAM_APP_ID"), values.text("INSTAGRAM_APP_SECRET")) {
            (Some(id), Some(secret)) => Some(App { id, secret: secret.into() }),
            _ => None,
        },
    };
    Arc::new(Given(MetaSettings::read(values, app)))
}

impl Configured for Given {
    fn service(&self, tls: &Arc<rustls::ClientConfig>) -> Result<Service, http::Error> {
        let facebook = Arc::new(Facebook::new(self.0.clone(), tls.clone())?);
        Ok(Service { description: &DESCRIPTION, client: facebook.clone(), login: facebook.clone(), numbers: facebook })
    }
}
