//! account.proto and the answers of account_service.proto. Tokens are not part of any of these types.

use aurareels_proto::v1;

use super::{or_empty, structure, timestamp};
use crate::{
    app::accounts::{ConnectLink, Connected, Disconnected, QuotaAnswer, RefreshAnswer, RefreshResult},
    domain::{
        account::{Account, Health},
        budget::Charge,
    },
    platform::PublishOptions,
};

/// How well a login works.
pub(crate) fn health(health: Health) -> v1::AccountHealth {
    match health {
        Health::Ok => v1::AccountHealth::Ok,
        Health::Expiring => v1::AccountHealth::Expiring,
        Health::NeedsReconnect => v1::AccountHealth::NeedsReconnect,
    }
}

/// The permissions that were asked for and not granted, as they were kept when the account was connected.
fn missing_scope(account: &Account) -> Vec<String> {
    let kept = account.metadata["missing_scope"].as_array().map(Vec::as_slice).unwrap_or_default();
    kept.iter().filter_map(|scope| scope.as_str()).map(str::to_owned).collect()
}

/// An account.
pub(crate) fn account(account: Account) -> v1::Account {
    let missing_scope = missing_scope(&account);
    v1::Account {
        id: account.id.0,
        wp_user_id: account.wp_user_id.0,
        platform: account.platform.number(),
        account_id: account.account_id,
        account_name: account.account_name,
        account_username: or_empty(account.account_username),
        account_email: or_empty(account.account_email),
        profile_picture_url: or_empty(account.profile_picture_url),
        token_expires_at: account.token_expires_at.map(timestamp),
        token_scope: account.token_scope,
        is_active: account.is_active,
        last_token_refresh: account.last_token_refresh.map(timestamp),
        metadata: structure(&account.metadata),
        created_at: Some(timestamp(account.created_at)),
        updated_at: Some(timestamp(account.updated_at)),
        health: health(account.health).into(),
        health_reason: or_empty(account.health_reason),
        login_flavour: account.login_flavour.number(),
        refresh_token_expires_at: account.refresh_token_expires_at.map(timestamp),
        missing_scope,
    }
}

/// The part of an account that a post carries.
pub(crate) fn summary(account: &Account) -> v1::AccountSummary {
    v1::AccountSummary {
        id: account.id.0,
        platform: account.platform.number(),
        account_name: account.account_name.clone(),
        account_username: or_empty(account.account_username.clone()),
        health: health(account.health).into(),
        token_expires_at: account.token_expires_at.map(timestamp),
        is_active: account.is_active,
    }
}

/// Where the owner's browser must go.
pub(crate) fn link(link: ConnectLink) -> v1::ConnectAccountResponse {
    v1::ConnectAccountResponse {
        auth_url: link.auth_url.into(),
        state: link.state,
        expires_at: Some(timestamp(link.expires_at)),
    }
}

/// What connecting brought.
pub(crate) fn connected(connected: Connected) -> v1::CompleteConnectResponse {
    v1::CompleteConnectResponse {
        accounts: connected.accounts.into_iter().map(account).collect(),
        missing_scope: connected.missing_scope,
    }
}

/// What refreshing did.
pub(crate) fn refreshed(answer: RefreshAnswer) -> v1::RefreshTokenResponse {
    let result = match answer.result {
        RefreshResult::Refreshed => v1::RefreshResult::Refreshed,
        RefreshResult::StillValid => v1::RefreshResult::StillValid,
        RefreshResult::NotRefreshable => v1::RefreshResult::NotRefreshable,
    };
    v1::RefreshTokenResponse {
        result: result.into(),
        expires_at: answer.account.token_expires_at.map(timestamp),
        message: answer.message,
        account: Some(account(answer.account)),
    }
}

/// What disconnecting did.
pub(crate) fn disconnected(answer: Disconnected) -> v1::DisconnectAccountResponse {
    v1::DisconnectAccountResponse {
        account: Some(account(answer.account)),
        revoked: answer.revoked,
        message: answer.message,
        failed_posts: answer.failed_posts,
    }
}

/// What may be chosen for a post now.
pub(crate) fn options(of: &Account, options: PublishOptions) -> v1::PublishOptions {
    v1::PublishOptions {
        account_id: of.id.0,
        platform: of.platform.number(),
        privacy_level_options: options.privacy_level_options,
        comment_disabled: options.comment_disabled,
        duet_disabled: options.duet_disabled,
        stitch_disabled: options.stitch_disabled,
        max_video_post_duration_sec: options.max_video_post_duration_sec.unwrap_or(0),
        creator_nickname: options.creator_nickname,
        creator_username: options.creator_username,
        creator_avatar_url: options.creator_avatar_url,
        can_post: options.cannot_post.is_none(),
        reason: options.cannot_post.map(|failure| failure.message).unwrap_or_default(),
    }
}

/// How many posts may still be published.
pub(crate) fn quota(of: &Account, answer: QuotaAnswer) -> v1::Quota {
    v1::Quota {
        account_id: of.id.0,
        platform: of.platform.number(),
        used: answer.platform.used,
        total: answer.platform.total,
        window_seconds: answer.platform.window_seconds,
        published_by_aurareels: answer.published_by_aurareels,
        daily_limit: answer.daily_limit,
        daily_remaining: answer.daily_remaining,
        blocked_until: answer.blocked_until.map(timestamp),
        app_budgets: answer.app_budgets.into_iter().map(app_budget).collect(),
    }
}

fn app_budget((budget, used): (Charge, i64)) -> v1::AppBudget {
    v1::AppBudget {
        name: budget.budget.into_owned(),
        used,
        total: budget.limit.into(),
        resets_at: Some(timestamp(budget.until)),
    }
}
