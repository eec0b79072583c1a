//! Rate limits: usage headers that rise to 100 percent, then the throttling errors.
//!
//! Throttling arrives as an ordinary 400 with `OAuthException`, never as 429 with `Retry-After`, and calling while
//! throttled lengthens it. <https://developers.facebook.com/docs/graph-api/overview/rate-limiting/>

use serde_json::json;

use super::Flavour;
use super::error::GraphError;
use super::world::{Id, World};

const HOUR_MS: i64 = 3_600_000;

/// Calls in a window of an hour.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Calls {
    since: i64,
    count: u32,
    blocked_until: i64,
}

impl Calls {
    /// Counts a call; says the used share in percent, and whether it is refused.
    pub(crate) fn count(&mut self, now: i64, limit: u32, regain_ms: i64) -> (u32, bool) {
        if now - self.since >= HOUR_MS && now >= self.blocked_until {
            *self = Calls { since: now, ..Calls::default() };
        }
        self.count += 1;
        if self.blocked_until > 0 && now >= self.blocked_until {
            *self = Calls { since: now, count: 1, blocked_until: 0 };
        }
        if self.count > limit {
            self.blocked_until = now + regain_ms;
        }
        (percent(self.count, limit), self.count > limit)
    }
}

fn percent(count: u32, limit: u32) -> u32 {
    (u64::from(count) * 100 / u64::from(limit.max(1))).min(100) as u32
}

/// The headers a call earned.
pub(crate) type Usage = Vec<(&'static str, String)>;

impl World {
    /// Counts a call for the app and, if it is about one, for the account or the Page.
    pub(crate) fn throttle(
        &mut self,
        flavour: Flavour,
        account: Option<Id>,
        now: i64,
    ) -> (Usage, Result<(), GraphError>) {
        let mut usage = Usage::new();
        let mut result = Ok(());
        let common = self.behaviour.clone();
        if let Some(limit) = common.app_call_limit {
            let (share, over) = self.app_mut(flavour).calls.count(now, limit, common.regain_minutes * 60_000);
            if share >= common.usage_headers_from {
                let value = json!({ "call_count": share, "total_time": share / 2, "total_cputime": share / 2 });
                usage.push(("x-app-usage", value.to_string()));
            }
            if over {
                result = Err(GraphError::known(4, None));
            }
        }
        let Some(account) = account else { return (usage, result) };
        if self.pages.contains_key(&account) {
            let (headers, verdict) = self.throttle_page(account, now);
            usage.extend(headers);
            return (usage, result.and(verdict));
        }
        let behaviour = self.behaviour_of(account);
        if let (Some(limit), Some(state)) = (behaviour.account_call_limit, self.accounts.get_mut(&account)) {
            let (share, over) = state.calls.count(now, limit, behaviour.regain_minutes * 60_000);
            if share >= behaviour.usage_headers_from {
                let regain = if over { behaviour.regain_minutes } else { 0 };
                let entry = json!({
                    "type": "instagram", "call_count": share, "total_cputime": share / 2, "total_time": share / 2,
                    "estimated_time_to_regain_access": regain,
                });
                usage.push(("x-business-use-case-usage", json!({ account.to_string(): [entry] }).to_string()));
            }
            if over && result.is_ok() {
                result = Err(GraphError::known(behaviour.throttle_code, None));
            }
        }
        (usage, result)
    }
}
