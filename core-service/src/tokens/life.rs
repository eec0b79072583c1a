//! How long tokens live, and when they are to be refreshed. Pure.

use chrono::{DateTime, TimeDelta, Utc};

use crate::{platform::Grant, store::logins::Login};

/// How long before its end a token is refreshed: 24 hours for tokens that live for days, a quarter of its life for
/// short ones. A token of unknown life counts as one that lives for days.
pub fn refresh_margin(lifetime: Option<TimeDelta>) -> TimeDelta {
    match lifetime {
        Some(lifetime) if lifetime < TimeDelta::days(2) => lifetime / 4,
        _ => TimeDelta::days(1),
    }
}

/// True when a token would end soon. An unknown end counts as valid.
pub fn ends_soon(expires_at: Option<DateTime<Utc>>, lifetime: Option<TimeDelta>, now: DateTime<Utc>) -> bool {
    expires_at.is_some_and(|end| end - now < refresh_margin(lifetime))
}

/// When a login that nobody uses must be refreshed so that it does not end: well before the end of what keeps it alive,
/// which is the refresh token for short access tokens and the access token itself for long ones.
fn refresh_due_at(grant: &Grant, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let short = grant.expires_at.is_some_and(|end| end - now < TimeDelta::days(2));
    let end = match (short, &grant.tokens.refresh) {
        (true, Some(_)) => grant.refresh_expires_at.unwrap_or(now + TimeDelta::days(120)),
        (true, None) => return None,
        (false, _) => grant.expires_at?,
    };
    Some(end - ((end - now) / 4).clamp(TimeDelta::zero(), TimeDelta::days(10)))
}

/// A grant as the store keeps it.
pub(crate) fn login(grant: Grant, now: DateTime<Utc>) -> Login {
    Login {
        lifetime_seconds: grant.expires_at.map(|end| (end - now).num_seconds()).filter(|seconds| *seconds > 0),
        refresh_due_at: refresh_due_at(&grant, now),
        access: grant.tokens.access,
        refresh: grant.tokens.refresh,
        grant: grant.tokens.grant,
        expires_at: grant.expires_at,
        refresh_expires_at: grant.refresh_expires_at,
        scope: grant.scope,
    }
}

impl Login {
    /// True until the known end of the access token.
    pub(super) fn is_valid(&self, now: DateTime<Utc>) -> bool {
        self.expires_at.is_none_or(|end| end > now)
    }
}
