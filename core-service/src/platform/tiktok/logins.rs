//! TikTok's logins: Login Kit v2 for web apps, for desktop apps where the core has no public address, and what accounts
//! are asked.
//!
//! The OAuth endpoints answer flat JSON, failures too, and the HTTP status of failures is not documented: a non-empty
//! `error` decides. A refresh burns the refresh token that was sent, so a lost or 5xx answer to one leaves open whether
//! the old token still works: [`AccountError::Unknown`]. Access tokens live for two hours, so revoking a dormant
//! account's grant needs a refresh first.
//! <https://developers.tiktok.com/doc/oauth-get-a-user-access-token>,
//! <https://developers.tiktok.com/docs/en/oauth-refresh-a-user-access-token>,
//! <https://developers.tiktok.com/docs/en/oauth-revoke-a-user-access-token>, <https://developers.tiktok.com/doc/login-kit-web>,
//! read 22 November 2026.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde_json::json;
use sha2::{Digest, Sha256};
use url::Url;

use super::{
    Tiktok, TiktokSettings,
    api::{Reply, unreachable},
    errors,
    replies::{OauthReply, User, UserData},
    with_path,
};
use crate::{
    domain::{
        account::Account,
        failure::{Failure, FailureClass, Reason},
        platform::{LoginFlavour, Platform},
    },
    platform::{
        AccountError, Grant, Identity, LoginClient, PlatformQuota, PublishOptions, Refreshed, Round, Tokens, waits,
        wire::{Answer, Exchange, exchange},
    },
    secret::Secret,
};

/// Basic profile, username, publishing, status of drafts, and the list that finds lost posts.
pub(super) const SCOPES: &[&str] =
    &["user.info.basic", "user.info.profile", "video.publish", "video.upload", "video.list"];

/// Fields of the profile, each with the scope it needs: one without its scope is an error, not left out.
const PROFILE: [(&str, &str); 7] = [
    ("open_id", "user.info.basic"),
    ("union_id", "user.info.basic"),
    ("avatar_url", "user.info.basic"),
    ("display_name", "user.info.basic"),
    ("username", "user.info.profile"),
    ("profile_web_link", "user.info.profile"),
    ("is_verified", "user.info.profile"),
];

/// The window in which TikTok counts posts per creator. How many, it does not tell.
const QUOTA_WINDOW_SECONDS: i32 = 86_400;

/// TikTok is not set up in this core.
pub(super) fn not_configured() -> Failure {
    Failure::new(FailureClass::Transient, Reason::PlatformNotConfigured, "TikTok is not configured in this core")
        .with_remedy("set TIKTOK_CLIENT_ID and TIKTOK_CLIENT_SECRET")
}

/// What an OAuth call brought.
enum Oauth {
    Granted(OauthReply),
    Refused(Failure),
    NotSent(Failure),
    Unclear(String),
}

impl Tiktok {
    fn configured(&self) -> Result<&TiktokSettings, AccountError> {
        self.settings.as_ref().ok_or_else(|| not_configured().into())
    }

    async fn oauth(&self, path: &str, fields: &[(&str, &str)]) -> Result<Oauth, AccountError> {
        let settings = self.configured()?;
        let mut form =
            vec![("client_key", settings.client_key.as_str()), ("client_secret", settings.client_secret.expose())];
        form.extend_from_slice(fields);
        let request = self.api.post(self.api_url(path)).header("Cache-Control", "no-cache").form(&form);
        Ok(match exchange(request, super::course::API_TIMEOUT).await {
            Exchange::Answered(answer) => read(&answer),
            Exchange::NotSent(why) => Oauth::NotSent(unreachable(&why)),
            Exchange::NoAnswer(why) => Oauth::Unclear(why),
        })
    }

    /// The profile, by the granted scopes. Asking for a field without its scope would be an error.
    async fn user(&self, token: &Secret, scopes: &[String]) -> Result<User, Failure> {
        let held = |scope: &str| scopes.iter().any(|granted| granted == scope);
        let fields: Vec<&str> = PROFILE.iter().filter(|(_, scope)| held(scope)).map(|(field, _)| *field).collect();
        if fields.is_empty() {
            return Ok(User::default());
        }
        let mut url = self.api_url("/v2/user/info/");
        url.query_pairs_mut().append_pair("fields", &fields.join(","));
        match self.request(url, token, None, None).get::<UserData>().await {
            Reply::Accepted { data, .. } => Ok(data.user),
            Reply::Refused { failure, .. } | Reply::NotSent { failure, .. } | Reply::Unclear { failure, .. } => {
                Err(failure)
            }
        }
    }
}

/// The verifier, where TikTok wants PKCE: of desktop apps, which alone may send browsers back to this very machine. Web
/// apps have no PKCE in its documents, and their addresses are public ones.
/// <https://developers.tiktok.com/doc/login-kit-desktop>
fn proof(round: &Round) -> Option<&Secret> {
    let url = Url::parse(&round.redirect_uri).ok()?;
    let is_desktop = url.port().is_some() && matches!(url.host_str(), Some("localhost" | "127.0.0.1"));
    round.verifier.as_ref().filter(|_| is_desktop)
}

/// Lower-case hex, not base64url as RFC 7636 has it.
fn challenge(verifier: &Secret) -> String {
    hex::encode(Sha256::digest(verifier.expose().as_bytes()))
}

/// Reads a flat answer. The body decides, then the status.
fn read(answer: &Answer) -> Oauth {
    let status = answer.status.as_u16();
    let Some(reply) = answer.json::<OauthReply>() else {
        return Oauth::Unclear(format!("HTTP {status} without TikTok's JSON"));
    };
    match reply.error() {
        Some(error) if answer.status.is_server_error() || errors::is_oauth_trouble(error) => {
            Oauth::Unclear(format!("HTTP {status} with `{}`", errors::shown(error)))
        }
        Some(error) => {
            let mut failure = errors::oauth(error);
            if let Some(words) = reply.error_description.as_deref().filter(|_| error == "invalid_request") {
                failure.message = format!("{}: {}", failure.message, errors::shown(words));
            }
            if let Some(log_id) = reply.log_id() {
                failure.message = format!("{} (log id {})", failure.message, errors::shown(log_id));
            }
            Oauth::Refused(failure)
        }
        None if answer.status.is_success() => Oauth::Granted(reply),
        None => Oauth::Unclear(format!("HTTP {status} without an error")),
    }
}

/// Tokens of an answer. `None` when it holds no access token: then nobody knows what happened.
fn grant(reply: &OauthReply, before: Option<&Tokens>, scope: Option<&[String]>, now: DateTime<Utc>) -> Option<Grant> {
    if reply.access_token.is_empty() {
        return None;
    }
    let end = |seconds: Option<f64>| waits::life(seconds).map(|life| now + life);
    // Never blanked: an answer without a refresh token leaves the old one.
    let refresh = match reply.refresh_token.as_str() {
        "" => before.and_then(|tokens| tokens.refresh.clone()),
        token => Some(Secret::from(token)),
    };
    let named: Vec<String> =
        reply.scope.split(',').map(str::trim).filter(|s| !s.is_empty()).map(str::to_owned).collect();
    let scope = if named.is_empty() { scope.map(<[String]>::to_vec).unwrap_or_default() } else { named };
    Some(Grant {
        tokens: Tokens { access: Secret::from(reply.access_token.as_str()), refresh, grant: None },
        expires_at: end(reply.expires_in),
        refresh_expires_at: end(reply.refresh_expires_in),
        scope,
    })
}

#[async_trait]
impl LoginClient for Tiktok {
    fn flavours(&self) -> Vec<LoginFlavour> {
        self.settings.iter().map(|_| LoginFlavour::Tiktok).collect()
    }

    fn missing_settings(&self) -> Vec<&'static str> {
        if self.settings.is_some() { Vec::new() } else { vec!["TIKTOK_CLIENT_ID", "TIKTOK_CLIENT_SECRET"] }
    }

    fn auth_url(&self, _: LoginFlavour, round: &Round, state: &str) -> Url {
        let settings = self.settings.as_ref();
        let base = settings.map(|settings| &settings.auth_base);
        let mut url = with_path(base, "https://www.tiktok.com", "/v2/auth/authorize/");
        let mut query = url.query_pairs_mut();
        query
            .append_pair("client_key", settings.map_or("", |settings| settings.client_key.as_str()))
            .append_pair("scope", &SCOPES.join(","))
            .append_pair("response_type", "code")
            .append_pair("redirect_uri", &round.redirect_uri)
            .append_pair("state", state)
            // Without it a second "connect" silently takes the account that the browser is logged in to.
            .append_pair("disable_auto_auth", "1");
        if let Some(verifier) = proof(round) {
            query.append_pair("code_challenge", &challenge(verifier)).append_pair("code_challenge_method", "S256");
        }
        drop(query);
        url
    }

    async fn exchange(
        &self,
        _: LoginFlavour,
        code: &str,
        round: &Round,
        now: DateTime<Utc>,
    ) -> Result<Vec<Identity>, AccountError> {
        let mut fields =
            vec![("code", code), ("grant_type", "authorization_code"), ("redirect_uri", round.redirect_uri.as_str())];
        fields.extend(proof(round).map(|verifier| ("code_verifier", verifier.expose())));
        let reply = match self.oauth("/v2/oauth/token/", &fields).await? {
            Oauth::Granted(reply) => reply,
            Oauth::Refused(failure) | Oauth::NotSent(failure) => return Err(failure.into()),
            Oauth::Unclear(why) => return Err(AccountError::Unknown(why)),
        };
        let grant = grant(&reply, None, None, now).filter(|_| !reply.open_id.is_empty());
        let grant =
            grant.ok_or_else(|| AccountError::Unknown("TikTok's answer holds no token or no open_id".to_owned()))?;
        // The code is spent, so a profile that cannot be read now must not cost the connection.
        let (user, profile_error) = match self.user(&grant.tokens.access, &grant.scope).await {
            Ok(user) => (user, None),
            Err(failure) => (User::default(), Some(failure.message)),
        };
        if user.open_id.as_ref().is_some_and(|open_id| *open_id != reply.open_id) {
            let message = "TikTok's profile belongs to another account than its token";
            return Err(Failure::new(FailureClass::Permanent, Reason::IdentityMismatch, message).into());
        }
        let username = user.username.filter(|name| !name.is_empty());
        let name = user.display_name.filter(|name| !name.is_empty()).or_else(|| username.clone());
        Ok(vec![Identity {
            platform: Platform::Tiktok,
            account_name: name.unwrap_or_else(|| reply.open_id.clone()),
            account_id: reply.open_id.clone(),
            account_username: username,
            account_email: None,
            profile_picture_url: user.avatar_url.filter(|url| !url.is_empty()),
            metadata: json!({
                "union_id": user.union_id,
                "profile_web_link": user.profile_web_link,
                "is_verified": user.is_verified,
                "profile_error": profile_error,
            }),
            grant_id: Some(reply.open_id),
            grant,
        }])
    }

    async fn refresh(&self, account: &Account, tokens: &Tokens, now: DateTime<Utc>) -> Result<Refreshed, AccountError> {
        let Some(refresh) = tokens.refresh.as_ref().filter(|token| !token.is_empty()) else {
            let why = "there is no refresh token for this account; connect it again when the access token has ended";
            return Ok(Refreshed::NotRefreshable(why.to_owned()));
        };
        let fields = [("grant_type", "refresh_token"), ("refresh_token", refresh.expose())];
        let reply = match self.oauth("/v2/oauth/token/", &fields).await? {
            Oauth::Granted(reply) => reply,
            Oauth::Refused(failure) | Oauth::NotSent(failure) => return Err(failure.into()),
            Oauth::Unclear(why) => return Err(AccountError::Unknown(why)),
        };
        if !reply.open_id.is_empty() && reply.open_id != account.account_id {
            let message = "TikTok refreshed the token of another account than this one";
            let failure = Failure::new(FailureClass::NeedsReconnect, Reason::IdentityMismatch, message);
            return Err(failure.with_remedy("connect the account again").into());
        }
        let grant = grant(&reply, Some(tokens), Some(&account.token_scope), now);
        grant.map(Refreshed::New).ok_or_else(|| AccountError::Unknown("TikTok's answer holds no token".to_owned()))
    }

    async fn revoke(&self, _: &Account, tokens: &Tokens) -> Result<(), AccountError> {
        let settings = self.configured()?;
        let form = [
            ("client_key", settings.client_key.as_str()),
            ("client_secret", settings.client_secret.expose()),
            ("token", tokens.access.expose()),
        ];
        let request = self.api.post(self.api_url("/v2/oauth/revoke/")).header("Cache-Control", "no-cache").form(&form);
        let answer = match exchange(request, super::course::API_TIMEOUT).await {
            Exchange::Answered(answer) => answer,
            Exchange::NotSent(why) => return Err(unreachable(&why).into()),
            Exchange::NoAnswer(why) => return Err(AccountError::Unknown(why)),
        };
        if answer.status.is_success() && answer.body.iter().all(u8::is_ascii_whitespace) {
            return Ok(());
        }
        match read(&answer) {
            Oauth::Granted(_) => Ok(()),
            // The access token has ended; a fresh one can revoke.
            Oauth::Refused(failure) if failure.rule == "invalid_grant" => {
                let message = "TikTok refuses the access token, so it cannot be revoked with it";
                Err(Failure {
                    class: FailureClass::AuthExpired,
                    reason: Reason::TokenInvalid,
                    message: message.to_owned(),
                    ..failure
                }
                .into())
            }
            Oauth::Refused(failure) | Oauth::NotSent(failure) => Err(failure.into()),
            Oauth::Unclear(why) => Err(AccountError::Unknown(why)),
        }
    }

    async fn check(&self, account: &Account, tokens: &Tokens) -> Result<(), AccountError> {
        self.configured()?;
        if account.token_scope.iter().any(|scope| scope == "user.info.basic") {
            let user = self.user(&tokens.access, &["user.info.basic".to_owned()]).await?;
            if user.open_id.is_some_and(|open_id| open_id != account.account_id) {
                let message = "the token belongs to another TikTok account";
                let failure = Failure::new(FailureClass::NeedsReconnect, Reason::IdentityMismatch, message);
                return Err(failure.with_remedy("connect the account again").into());
            }
            return Ok(());
        }
        match self.fetch_creator_info(&tokens.access, None).await {
            Reply::Accepted { .. } => Ok(()),
            // Whatever else TikTok refuses the creator, it took the token.
            Reply::Refused { failure, .. } if !is_about_login(&failure) => Ok(()),
            Reply::Refused { failure, .. } | Reply::NotSent { failure, .. } | Reply::Unclear { failure, .. } => {
                Err(failure.into())
            }
        }
    }

    async fn publish_options(&self, _: &Account, tokens: &Tokens) -> Result<PublishOptions, AccountError> {
        self.configured()?;
        match self.fetch_creator_info(&tokens.access, None).await {
            Reply::Accepted { data, .. } => Ok(PublishOptions {
                privacy_level_options: data.privacy_level_options,
                comment_disabled: data.comment_disabled,
                duet_disabled: data.duet_disabled,
                stitch_disabled: data.stitch_disabled,
                max_video_post_duration_sec: data.max_video_post_duration_sec,
                creator_nickname: data.creator_nickname,
                creator_username: data.creator_username,
                creator_avatar_url: data.creator_avatar_url,
                cannot_post: None,
            }),
            Reply::Refused { failure, .. } if is_about_creator(&failure) => {
                Ok(PublishOptions { cannot_post: Some(failure), ..PublishOptions::default() })
            }
            Reply::Refused { failure, .. } | Reply::NotSent { failure, .. } | Reply::Unclear { failure, .. } => {
                Err(failure.into())
            }
        }
    }

    /// TikTok tells no count. That the creator's posts of the day are used up it tells as a refusal, which is the error.
    async fn quota(&self, _: &Account, tokens: &Tokens, now: DateTime<Utc>) -> Result<PlatformQuota, AccountError> {
        self.configured()?;
        match self.fetch_creator_info(&tokens.access, Some(now)).await {
            Reply::Accepted { .. } => {
                Ok(PlatformQuota { window_seconds: QUOTA_WINDOW_SECONDS, ..PlatformQuota::default() })
            }
            Reply::Refused { failure, .. } | Reply::NotSent { failure, .. } | Reply::Unclear { failure, .. } => {
                Err(failure.into())
            }
        }
    }
}

/// Whether a refusal is about the login rather than the creator or the request.
fn is_about_login(failure: &Failure) -> bool {
    matches!(failure.class, FailureClass::AuthExpired | FailureClass::NeedsReconnect)
}

/// Whether a refusal says that the creator cannot post now.
fn is_about_creator(failure: &Failure) -> bool {
    matches!(failure.class, FailureClass::Quota { .. }) || failure.reason == Reason::AccountRestricted
}
