//! What Meta's platforms share: settings, the Graph API with its envelope and proof, Facebook Login with its Pages.
//! Instagram and Facebook stand on it; what only one of them knows stands with it.
//!
//! Guaranteed: tokens travel in a header, never in a URL; every call to a Facebook host carries `appsecret_proof`.

pub(crate) mod comments;
pub(crate) mod graph;
pub(crate) mod insights;
pub(crate) mod login;
pub(crate) mod oauth;
pub(crate) mod wire;

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use reqwest::{Method, RequestBuilder};
use tokio::time::Instant;
use url::Url;

use super::{
    AccountError,
    settings::{App, Setting, Values, setting},
    wire::exchange,
};
use crate::{
    domain::failure::{Failure, FailureClass, Reason},
    http,
    secret::Secret,
};
use graph::{GraphReply, appsecret_proof};

/// Longest account call.
pub(crate) const CALL: Duration = Duration::from_secs(30);

pub(crate) fn unexpected() -> AccountError {
    unavailable("meta answered something unexpected").into()
}

/// The settings that Meta's platforms share.
pub const SETTINGS: &[Setting] = &[
    setting("META_GRAPH_VERSION", "meta", "graph_version"),
    setting("META_DIALOG_BASE_URL", "meta", "dialog_base_url"),
    setting("META_GRAPH_BASE_URL", "meta", "graph_base_url"),
    setting("META_RUPLOAD_BASE_URL", "meta", "rupload_base_url"),
];

/// v25.0 lives until 29 July 2028 (<https://developers.facebook.com/docs/graph-api/changelog/versions/>).
const VERSION: &str = "v25.0";

/// What is not told costs nothing to ask again.
pub(crate) const AGAIN: &str = "nothing to do, it is tried again";

/// Fields of a request.
pub(crate) type Fields<'a> = Vec<(&'a str, String)>;

/// A Facebook app and where Meta is. The base URLs replace scheme and host only.
#[derive(Clone, Debug)]
pub struct MetaSettings {
    /// The Facebook app, for Facebook Login.
    pub app: Option<App>,
    /// Version of the Graph API, in paths.
    pub version: String,
    /// www.facebook.com: the login dialog.
    pub dialog_base: Url,
    /// graph.facebook.com.
    pub graph_base: Url,
    /// rupload.facebook.com.
    pub rupload_base: Url,
}

impl MetaSettings {
    /// Reads what is shared; the app is the platform's own matter.
    pub fn read(values: &mut dyn Values, app: Option<App>) -> Self {
        let version = values.text("META_GRAPH_VERSION").unwrap_or_else(|| VERSION.to_owned());
        let digits = version.strip_prefix('v').and_then(|rest| rest.split_once('.'));
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits.is_some_and(|(major, minor)| is_number(major) && is_number(minor)) {
            values.wrong("META_GRAPH_VERSION", format!("is `{version}`, but must look like {VERSION}"));
        }
        Self {
            app,
            version,
            dialog_base: values.base_url("META_DIALOG_BASE_URL", "www.facebook.com"),
            graph_base: values.base_url("META_GRAPH_BASE_URL", "graph.facebook.com"),
            rupload_base: values.base_url("META_RUPLOAD_BASE_URL", "rupload.facebook.com"),
        }
    }
}

impl Default for MetaSettings {
    /// The vendor's hosts, no app.
    fn default() -> Self {
        let base = |host: &str| Url::parse(&format!("https://{host}/")).expect("a host makes a url");
        Self {
            app: None,
            version: VERSION.to_owned(),
            dialog_base: base("www.facebook.com"),
            graph_base: base("graph.facebook.com"),
            rupload_base: base("rupload.facebook.com"),
        }
    }
}

/// The Graph API with the tokens of Facebook Login.
pub(crate) struct Meta {
    /// App and hosts.
    pub(crate) settings: MetaSettings,
    /// Reads and invisible writes; connections may be pooled.
    pub(crate) client: reqwest::Client,
}

impl Meta {
    /// With these settings.
    pub(crate) fn new(settings: MetaSettings, tls: &Arc<rustls::ClientConfig>) -> Result<Self, http::Error> {
        Ok(Self { settings, client: http::client_builder(tls).build()? })
    }

    /// A request with a token and its proof. `GET` and `DELETE` carry fields in the query, `POST` in a form.
    pub(crate) fn request(
        &self,
        token: &Secret,
        method: Method,
        path: &str,
        mut fields: Fields<'_>,
    ) -> Result<RequestBuilder, Failure> {
        let app = self.settings.app.as_ref().ok_or_else(not_configured)?;
        fields.push(("appsecret_proof", appsecret_proof(&app.secret, token)));
        let mut url = self.settings.graph_base.clone();
        url.set_path(&format!("/{}/{path}", self.settings.version));
        let request = self.client.request(method.clone(), url).bearer_auth(token.expose());
        Ok(match method {
            Method::POST => request.form(&fields),
            _ => request.query(&fields),
        })
    }

    /// One read.
    pub(crate) async fn get(
        &self,
        token: &Secret,
        path: &str,
        fields: Fields<'_>,
        until: Instant,
    ) -> Result<GraphReply, Failure> {
        let request = self.request(token, Method::GET, path, fields)?;
        Ok(GraphReply::read(exchange(request, left(until)).await))
    }
}

/// How long one request of a step may still take.
pub(crate) fn left(until: Instant) -> Duration {
    until.saturating_duration_since(Instant::now())
}

/// The failure of an answer that is not the value that was asked for, by the codes that all of Meta's products share.
pub(crate) fn failure_of(reply: &GraphReply, now: Option<DateTime<Utc>>) -> Failure {
    match reply {
        GraphReply::Value(_) => unavailable("meta answered something unexpected"),
        GraphReply::Error(error) => error
            .failure(true, now)
            .unwrap_or_else(|| error.dress(unavailable("meta answered with an error that its pages do not list"))),
        GraphReply::Unreadable(status) => unavailable(format!("meta answered something unreadable (HTTP {status})")),
        GraphReply::NotSent(_) => unavailable("meta could not be reached"),
        GraphReply::NoAnswer(_) => unavailable("meta did not answer in time"),
    }
}

/// Meta is away, for now.
pub(crate) fn unavailable(message: impl Into<String>) -> Failure {
    Failure::new(FailureClass::Transient, Reason::PlatformUnavailable, message).with_remedy(AGAIN)
}

/// There is no Facebook app.
pub(crate) fn not_configured() -> Failure {
    Failure::new(
        FailureClass::Permanent,
        Reason::PlatformNotConfigured,
        "the facebook app of this core is not configured",
    )
    .with_remedy("set INSTAGRAM_APP_ID and INSTAGRAM_APP_SECRET, or FACEBOOK_APP_ID and FACEBOOK_APP_SECRET")
}
