//! Google's OAuth 2.0 for web apps, and what channels are asked. The person picks a Google account and a channel; the token
//! is bound to that one channel.
//!
//! A refresh token comes only with a consent that was asked for offline, and does not rotate: a refresh that was lost is
//! harmless to repeat. An app in publishing status "Testing" loses its refresh tokens after seven days.
//! <https://developers.google.com/identity/protocols/oauth2/web-server>, read 22 November 2026.

use async_trait::async_trait;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::time::Instant;
use url::Url;

use super::{
    Youtube,
    course::CALL,
    errors::{self, Reply, not_configured},
    options::{PRIVATE, PUBLIC, UNLISTED},
};
use crate::{
    domain::{
        account::Account,
        failure::{Failure, FailureClass, Reason},
        platform::{LoginFlavour, Platform},
    },
    platform::{
        AccountError, Grant, Identity, LoginClient, PlatformQuota, PublishOptions, Refreshed, Round, Tokens, waits,
        wire::{Exchange, exchange},
    },
    secret::Secret,
};

/// Uploading, reading, and changing what was uploaded: the second step of publishing. Comments need the last.
pub(super) const SCOPES: &[&str] = &[
    "https://www.googleapis.com/auth/youtube.upload",
    "https://www.googleapis.com/auth/youtube.readonly",
    "https://www.googleapis.com/auth/youtube",
    "https://www.googleapis.com/auth/youtube.force-ssl",
];

/// An answer of the token endpoint.
#[derive(Deserialize)]
struct TokenAnswer {
    access_token: Option<String>,
    refresh_token: Option<String>,
    #[serde(default, deserialize_with = "waits::seconds")]
    expires_in: Option<f64>,
    #[serde(default, deserialize_with = "waits::seconds")]
    refresh_token_expires_in: Option<f64>,
    scope: Option<String>,
    error: Option<String>,
}

impl Youtube {
    async fn token(&self, fields: &[(&str, &str)], if_lost: IfLost) -> Result<TokenAnswer, AccountError> {
        let app = self.settings.app.as_ref().ok_or_else(not_configured)?;
        let mut url = self.settings.token_base.clone();
        url.set_path("/token");
        let mut form = vec![("client_id", app.id.as_str()), ("client_secret", app.secret.expose())];
        form.extend_from_slice(fields);
        let lost = |why: String| match if_lost {
            IfLost::Unknown => AccountError::Unknown(why),
            IfLost::AskAgain => errors::unavailable("google did not answer").into(),
        };
        let answer = match exchange(self.client.post(url).form(&form), CALL).await {
            Exchange::Answered(answer) => answer,
            Exchange::NotSent(_) => return Err(errors::unavailable("google could not be reached").into()),
            Exchange::NoAnswer(why) => return Err(lost(why)),
        };
        let status = answer.status;
        let told: TokenAnswer = match answer.json() {
            Some(told) => told,
            None => return Err(lost(format!("an unreadable answer (HTTP {})", status.as_u16()))),
        };
        match &told.error {
            Some(error) if !status.is_server_error() => Err(refused(error).into()),
            Some(_) => Err(lost(format!("HTTP {}", status.as_u16()))),
            None if status.is_success() && told.access_token.is_some() => Ok(told),
            None => Err(lost(format!("no token in the answer (HTTP {})", status.as_u16()))),
        }
    }

    /// The channel of a token.
    async fn channel(&self, token: &Secret, now: DateTime<Utc>) -> Result<Value, AccountError> {
        let query = [("part", "snippet,contentDetails"), ("mine", "true")];
        match self.get(token, "/youtube/v3/channels", &query, Instant::now() + CALL).await {
            Reply::Value(mut list, _) => match list["items"].as_array_mut() {
                Some(items) if !items.is_empty() => Ok(items.swap_remove(0)),
                _ => Err(no_channel().into()),
            },
            reply => Err(reply.failure(now).into()),
        }
    }

    async fn own_channel(&self, account: &Account, tokens: &Tokens) -> Result<Value, AccountError> {
        let channel = self.channel(&tokens.access, account.updated_at).await?;
        if channel["id"].as_str() != Some(&account.account_id) {
            let message = "the stored token belongs to another channel";
            let failure = Failure::new(FailureClass::NeedsReconnect, Reason::IdentityMismatch, message);
            return Err(failure.with_remedy("connect the account again").into());
        }
        Ok(channel)
    }
}

/// What a lost answer means.
#[derive(Clone, Copy)]
enum IfLost {
    /// The code may be used up.
    Unknown,
    /// Asking again is harmless.
    AskAgain,
}

fn no_channel() -> Failure {
    Failure::new(
        FailureClass::InvalidRequest,
        Reason::NoPublishableAccount,
        "the google account has no youtube channel",
    )
    .with_remedy("create a channel at youtube.com, then connect again")
}

fn refused(error: &str) -> Failure {
    let (class, reason, message, remedy) = match error {
        "invalid_grant" => (
            FailureClass::NeedsReconnect,
            Reason::AccountNeedsReconnect,
            "google does not take the login any more: it was revoked, unused for half a year, or is of an app in testing",
            "connect the account again; publish the app in the Google Cloud console if this happens every week",
        ),
        "invalid_client" | "unauthorized_client" => (
            FailureClass::Permanent,
            Reason::PlatformRefused,
            "google refuses the app's id or secret",
            "compare YOUTUBE_CLIENT_ID and YOUTUBE_CLIENT_SECRET with the Google Cloud console",
        ),
        "redirect_uri_mismatch" => (
            FailureClass::Permanent,
            Reason::PlatformRefused,
            "google does not know the redirect address",
            "add the core's callback address to the app in the Google Cloud console",
        ),
        _ => {
            (FailureClass::InvalidRequest, Reason::PlatformRefused, "google refuses the login", "start the login again")
        }
    };
    let rule: String = error.chars().take(60).collect();
    Failure::new(class, reason, message).with_remedy(remedy).with_rule(rule)
}

fn grant(answer: &TokenAnswer, before: Option<&Tokens>, scope: Option<&[String]>, now: DateTime<Utc>) -> Grant {
    let end = |seconds: Option<f64>| waits::life(seconds).map(|life| now + life);
    let refresh = match answer.refresh_token.as_deref().filter(|token| !token.is_empty()) {
        Some(token) => Some(Secret::from(token)),
        // It does not rotate: a refresh leaves it out.
        None => before.and_then(|tokens| tokens.refresh.clone()),
    };
    let named: Option<Vec<String>> =
        answer.scope.as_ref().map(|scope| scope.split_whitespace().map(str::to_owned).collect());
    Grant {
        tokens: Tokens { access: Secret::from(answer.access_token.clone().unwrap_or_default()), refresh, grant: None },
        expires_at: end(answer.expires_in),
        refresh_expires_at: end(answer.refresh_token_expires_in),
        scope: named.filter(|named| !named.is_empty()).or(scope.map(<[String]>::to_vec)).unwrap_or_default(),
    }
}

/// RFC 7636, S256.
fn challenge(verifier: &Secret) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.expose().as_bytes()))
}

#[async_trait]
impl LoginClient for Youtube {
    fn flavours(&self) -> Vec<LoginFlavour> {
        self.settings.app.iter().map(|_| LoginFlavour::Google).collect()
    }

    fn missing_settings(&self) -> Vec<&'static str> {
        match self.settings.app {
            Some(_) => Vec::new(),
            None => vec!["YOUTUBE_CLIENT_ID", "YOUTUBE_CLIENT_SECRET"],
        }
    }

    fn auth_url(&self, _: LoginFlavour, round: &Round, state: &str) -> Url {
        let mut url = self.settings.auth_base.clone();
        url.set_path("/o/oauth2/v2/auth");
        let client_id = self.settings.app.as_ref().map(|app| app.id.as_str()).unwrap_or_default();
        let mut query = url.query_pairs_mut();
        query
            .append_pair("client_id", client_id)
            .append_pair("redirect_uri", &round.redirect_uri)
            .append_pair("response_type", "code")
            .append_pair("scope", &SCOPES.join(" "))
            .append_pair("access_type", "offline")
            // Without it only the very first consent brings a refresh token.
            .append_pair("prompt", "consent select_account")
            .append_pair("state", state);
        if let Some(verifier) = &round.verifier {
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
        fields.extend(round.verifier.as_ref().map(|verifier| ("code_verifier", verifier.expose())));
        let answer = self.token(&fields, IfLost::Unknown).await.map_err(|error| match error {
            // Nobody is connected yet: it is the code that was refused.
            AccountError::Failed(failure) if failure.rule == "invalid_grant" => {
                let message = "google refuses the code of this login";
                let refused = Failure::new(FailureClass::InvalidRequest, Reason::PlatformRefused, message);
                AccountError::Failed(refused.with_rule("invalid_grant").with_remedy("start the login again"))
            }
            other => other,
        })?;
        let grant = grant(&answer, None, None, now);
        let channel = self.channel(&grant.tokens.access, now).await?;
        let Some(account_id) = channel["id"].as_str().map(str::to_owned) else { return Err(no_channel().into()) };
        let snippet = &channel["snippet"];
        let text = |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        Ok(vec![Identity {
            platform: Platform::Youtube,
            account_name: text(&snippet["title"]).unwrap_or_else(|| account_id.clone()),
            account_username: text(&snippet["customUrl"]).map(|handle| handle.trim_start_matches('@').to_owned()),
            account_email: None,
            profile_picture_url: text(&snippet["thumbnails"]["default"]["url"]),
            metadata: json!({
                "uploads_playlist": channel["contentDetails"]["relatedPlaylists"]["uploads"],
            }),
            grant_id: Some(account_id.clone()),
            account_id,
            grant,
        }])
    }

    async fn refresh(&self, account: &Account, tokens: &Tokens, now: DateTime<Utc>) -> Result<Refreshed, AccountError> {
        let Some(refresh) = tokens.refresh.as_ref().filter(|token| !token.is_empty()) else {
            let why = "there is no refresh token for this account; connect it again when the access token has ended";
            return Ok(Refreshed::NotRefreshable(why.to_owned()));
        };
        let fields = [("grant_type", "refresh_token"), ("refresh_token", refresh.expose())];
        let answer = self.token(&fields, IfLost::AskAgain).await?;
        Ok(Refreshed::New(grant(&answer, Some(tokens), Some(&account.token_scope), now)))
    }

    async fn revoke(&self, _: &Account, tokens: &Tokens) -> Result<(), AccountError> {
        let mut url = self.settings.token_base.clone();
        url.set_path("/revoke");
        // The refresh token ends the whole grant.
        let token = tokens.refresh.as_ref().unwrap_or(&tokens.access);
        let answer = match exchange(self.client.post(url).form(&[("token", token.expose())]), CALL).await {
            Exchange::Answered(answer) => answer,
            Exchange::NotSent(_) => return Err(errors::unavailable("google could not be reached").into()),
            Exchange::NoAnswer(why) => return Err(AccountError::Unknown(why)),
        };
        let error = answer.json().and_then(|body: Value| body["error"].as_str().map(str::to_owned));
        match (answer.status.is_success(), error.as_deref()) {
            // Revoked before.
            (true, _) | (false, Some("invalid_token")) => Ok(()),
            (false, Some(error)) => Err(refused(error).into()),
            (false, None) => Err(AccountError::Unknown(format!("HTTP {}", answer.status.as_u16()))),
        }
    }

    async fn check(&self, account: &Account, tokens: &Tokens) -> Result<(), AccountError> {
        self.own_channel(account, tokens).await.map(|_| ())
    }

    async fn publish_options(&self, account: &Account, tokens: &Tokens) -> Result<PublishOptions, AccountError> {
        let channel = self.own_channel(account, tokens).await?;
        let snippet = &channel["snippet"];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Ok(PublishOptions {
            privacy_level_options: [PUBLIC, UNLISTED, PRIVATE].map(str::to_uppercase).to_vec(),
            comment_disabled: false,
            // Words of TikTok; there is nothing like it here.
            duet_disabled: true,
            stitch_disabled: true,
            max_video_post_duration_sec: None,
            creator_nickname: text(&snippet["title"]),
            creator_username: text(&snippet["customUrl"]).trim_start_matches('@').to_owned(),
            creator_avatar_url: text(&snippet["thumbnails"]["default"]["url"]),
            cannot_post: None,
        })
    }

    /// YouTube tells no count. The limit is the app's, of all accounts together.
    async fn quota(&self, _: &Account, _: &Tokens, _: DateTime<Utc>) -> Result<PlatformQuota, AccountError> {
        if self.settings.app.is_none() {
            return Err(not_configured().into());
        }
        Ok(PlatformQuota {
            used: None,
            total: i32::try_from(self.settings.uploads_per_day).ok(),
            window_seconds: 86_400,
        })
    }
}
