//! Statistics of posts, for callers: the last known numbers, reading them now, and what accounts gained in a time
//! window.

use std::{collections::HashMap, sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use tokio::{
    sync::watch,
    time::{Instant, timeout},
};

use super::{Broken, Caller, Error, Result};
use crate::{
    clock::Clock,
    domain::{
        analytics::{FRESH, Numbers},
        failure::Reason,
        ids::{AccountId, PostId},
        platform::Platform,
        post::{Post, Status},
        violation::Violation,
    },
    store::{
        Store,
        analytics::showing::{Point, PostNumbers, Shown},
    },
};

/// How long a reading is waited for.
const PATIENCE: Duration = Duration::from_secs(20);

/// Time between checks whether another core has read it.
const LOOK: Duration = Duration::from_secs(1);

/// The longest window.
const LONGEST: TimeDelta = TimeDelta::days(400);

/// Most steps in a window.
const STEPS: i64 = 800;

/// A post with its numbers over time.
#[derive(Clone, Debug, PartialEq)]
pub struct PostDetail {
    /// The last known numbers; `None` if nothing was read yet and nothing is planned.
    pub numbers: PostNumbers,
    /// Over time, oldest first.
    pub history: Vec<Point>,
}

/// What is to be listed.
#[derive(Clone, Debug, PartialEq)]
pub struct ListAnalytics {
    /// Of this account alone.
    pub account: Option<AccountId>,
    /// Of this platform alone.
    pub platform: Option<Platform>,
    /// The window begins here.
    pub since: Option<DateTime<Utc>>,
    /// The window ends before this.
    pub until: Option<DateTime<Utc>>,
    /// Length of a step.
    pub step: Option<TimeDelta>,
    /// Posts a page.
    pub page_size: u32,
    /// Where the page begins.
    pub page_token: Option<String>,
    /// With each post's history.
    pub with_history: bool,
}

/// What accounts gained in a window.
#[derive(Clone, Debug, PartialEq)]
pub struct Gains {
    /// In all.
    pub total: Numbers,
    /// In each step that had a reading; `at` is when the step began.
    pub steps: Vec<Point>,
    /// Length of a step.
    pub step: TimeDelta,
}

/// A page of posts.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// The posts.
    pub posts: Vec<PostDetail>,
    /// For the next page.
    pub next_page_token: Option<String>,
    /// On the first page.
    pub gains: Option<Gains>,
}

/// Requests readings, and reports when they are done.
pub trait Asks: Send + Sync {
    /// A reading of this platform is due now.
    fn ask(&self, platform: Platform);

    /// Changes when readings are done.
    fn settled(&self) -> watch::Receiver<u64>;
}

/// The use cases.
#[derive(Clone)]
pub struct Analytics {
    store: Store,
    clock: Clock,
    reader: Arc<dyn Asks>,
    is_read: bool,
}

/// Where a page ended.
#[derive(Serialize, Deserialize)]
struct PageToken {
    at: i64,
    id: i64,
    of: (Option<i64>, Option<i32>, i64, i64),
}

impl Analytics {
    /// Over a store. `is_read`: this core reads numbers.
    pub fn new(store: Store, clock: Clock, reader: Arc<dyn Asks>, is_read: bool) -> Self {
        Self { store, clock, reader, is_read }
    }

    /// What is known of a post.
    pub async fn get(&self, caller: Caller, id: PostId) -> Result<PostDetail> {
        let post = self.live(caller, id).await?;
        let numbers = match self.store.post_numbers(id).await? {
            Some(numbers) => numbers,
            // An older core published it.
            None => {
                self.ask(&post).await?;
                self.known(id).await?
            }
        };
        let history = self.store.numbers_over_time(id).await?;
        Ok(PostDetail { numbers, history })
    }

    /// Reads a post's numbers now.
    pub async fn sync(&self, caller: Caller, id: PostId) -> Result<PostDetail> {
        let post = self.live(caller, id).await?;
        if !self.is_read {
            return Err(Error::Precondition {
                reason: Reason::Unsupported,
                subject: format!("post {id}"),
                message: "this core reads no numbers: analytics are switched off".to_owned(),
                remedy: "set AURAREELS_ANALYTICS to on, or ask a core that has it on".to_owned(),
            });
        }
        let asked_at = self.clock.now();
        let mut settled = self.reader.settled();
        self.ask(&post).await?;
        let until = Instant::now() + PATIENCE;
        loop {
            let numbers = self.known(id).await?;
            let is_fresh = numbers.last_synced_at.is_some_and(|at| at > asked_at - FRESH);
            let is_done = numbers.attempted_at.is_some_and(|at| at >= asked_at);
            if is_fresh || is_done || Instant::now() >= until {
                let history = self.store.numbers_over_time(id).await?;
                return Ok(PostDetail { numbers, history });
            }
            // The end of the wait and the end of the core are the same here: what is known is answered.
            let _ = timeout(LOOK.min(until.saturating_duration_since(Instant::now())), settled.changed()).await;
        }
    }

    /// Posts that went live in a window, and what was gained in it.
    pub async fn list(&self, caller: Caller, asked: ListAnalytics) -> Result<Page> {
        let until = asked.until.unwrap_or_else(|| self.clock.now());
        let since = asked.since.unwrap_or(until - TimeDelta::days(30));
        let step = asked.step.unwrap_or(TimeDelta::days(1));
        refuse_window(since, until, step)?;
        if let Some(account) = asked.account {
            let found = self.store.account_of_user(caller.user, account).await?;
            found.ok_or_else(|| Error::NotFound {
                reason: Reason::AccountNotFound,
                kind: "account",
                id: account.to_string(),
            })?;
        }
        // The following pages of a list without an end keep the end of the first page.
        let token = asked.page_token.as_deref().map(read_token).transpose()?;
        let (account, platform) = (asked.account.map(|id| id.0), asked.platform.map(Platform::number));
        let (since, until) = match &token {
            Some(token) if asked.since.is_none() || asked.until.is_none() => {
                let at = |micros| DateTime::from_timestamp_micros(micros).ok_or_else(not_a_token);
                (at(token.of.2)?, at(token.of.3)?)
            }
            _ => (since, until),
        };
        let of = (account, platform, since.timestamp_micros(), until.timestamp_micros());
        let after = match token {
            None => None,
            Some(token) if token.of == of => {
                let at = DateTime::from_timestamp_micros(token.at).ok_or_else(not_a_token)?;
                Some((at, PostId(token.id)))
            }
            Some(_) => return Err(not_a_token()),
        };
        let shown = Shown { user: caller.user, account: asked.account, platform: asked.platform, since, until };
        let mut posts = self.store.list_numbers(&shown, after, asked.page_size + 1).await?;
        let has_more = posts.len() > asked.page_size as usize;
        posts.truncate(asked.page_size as usize);
        let next_page_token = posts.last().filter(|_| has_more).map(|last| {
            let token = PageToken { at: last.published_at.timestamp_micros(), id: last.post.0, of };
            URL_SAFE_NO_PAD.encode(serde_json::to_vec(&token).unwrap_or_default())
        });
        let gains = match after {
            None => Some(gains(&self.store.gains(&shown).await?, since, step)),
            Some(_) => None,
        };
        let mut histories: HashMap<PostId, Vec<Point>> = HashMap::new();
        if asked.with_history {
            let ids: Vec<PostId> = posts.iter().map(|numbers| numbers.post).collect();
            for (post, point) in self.store.numbers_of_all_over_time(&ids).await? {
                histories.entry(post).or_default().push(point);
            }
        }
        let detail = |numbers: PostNumbers| {
            let history = histories.remove(&numbers.post).unwrap_or_default();
            PostDetail { numbers, history }
        };
        Ok(Page { posts: posts.into_iter().map(detail).collect(), next_page_token, gains })
    }

    async fn live(&self, caller: Caller, id: PostId) -> Result<Post> {
        let found = self.store.post_of_user(caller.user, id).await?;
        let post =
            found.ok_or_else(|| Error::NotFound { reason: Reason::PostNotFound, kind: "post", id: id.to_string() })?;
        if post.status == Status::Published && post.unread.is_none() {
            return Ok(post);
        }
        Err(Error::Precondition {
            reason: Reason::StatusForbids,
            subject: format!("post {id}"),
            message: format!("post {id} is {}: there are numbers of published posts alone", post.status),
            remedy: "ask again when it is published".to_owned(),
        })
    }

    async fn ask(&self, post: &Post) -> Result<()> {
        self.store.ask_for_sync(post, self.clock.now()).await?;
        self.reader.ask(post.platform);
        Ok(())
    }

    async fn known(&self, id: PostId) -> Result<PostNumbers> {
        let known = self.store.post_numbers(id).await?;
        known.ok_or_else(|| Error::Conflict { message: format!("post {id} was removed just now") })
    }
}

fn gains(of: &[Point], since: DateTime<Utc>, step: TimeDelta) -> Gains {
    let mut steps: std::collections::BTreeMap<i64, Numbers> = std::collections::BTreeMap::new();
    let mut total = Numbers::default();
    let length = step.num_seconds().max(1);
    for point in of {
        let number = (point.at - since).num_seconds() / length;
        let sum = steps.entry(number).or_default();
        *sum = sum.plus(&point.numbers);
        total = total.plus(&point.numbers);
    }
    let at = |number: i64| since + TimeDelta::seconds(number.saturating_mul(length));
    let steps = steps.into_iter().map(|(number, numbers)| Point { at: at(number), numbers }).collect();
    Gains { total, steps, step }
}

fn wrong(field: &'static str, measured: String, limit: &str, remedy: &str) -> Error {
    let message = format!("{field} is {measured}, but {limit}");
    let violation = Violation {
        field,
        rule: "FIELD_MALFORMED",
        measured,
        limit: limit.to_owned(),
        remedy: remedy.to_owned(),
        message,
    };
    Error::Invalid { reason: Reason::InvalidField, broken: vec![Broken { account: None, violation }] }
}

fn refuse_window(since: DateTime<Utc>, until: DateTime<Utc>, step: TimeDelta) -> Result<()> {
    let length = until - since;
    if length <= TimeDelta::zero() {
        return Err(wrong("since", since.to_rfc3339(), "must be before `until`", "give the earlier time as `since`"));
    }
    if length > LONGEST {
        let measured = format!("{} days before `until`", length.num_days());
        return Err(wrong("since", measured, "may be 400 days before it at most", "ask for a shorter window"));
    }
    if step < TimeDelta::hours(1) {
        let measured = format!("{} s", step.num_seconds());
        return Err(wrong(
            "step",
            measured,
            "must be an hour at least",
            "give 3600s or more, or leave it out for a day",
        ));
    }
    if length.num_seconds() / step.num_seconds() > STEPS {
        let measured = format!("{} s", step.num_seconds());
        return Err(wrong("step", measured, "makes more than 800 steps of this window", "give a longer step"));
    }
    Ok(())
}

fn read_token(text: &str) -> Result<PageToken> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok();
    bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()).ok_or_else(not_a_token)
}

fn not_a_token() -> Error {
    wrong(
        "page_token",
        "not of this list".to_owned(),
        "must be a next_page_token of the same list",
        "repeat the fields of the page before, or begin without a token",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gains_are_added_up_by_step() {
        let at = |hours: i64| DateTime::from_timestamp(1_795_000_000 + hours * 3600, 0).unwrap();
        let views =
            |hours, views| Point { at: at(hours), numbers: Numbers { views: Some(views), ..Numbers::default() } };
        let of = [views(0, 5), views(23, 7), views(24, -2), views(72, 1)];
        let gains = gains(&of, at(0), TimeDelta::days(1));
        assert_eq!(gains.total.views, Some(11));
        let steps: Vec<_> = gains.steps.iter().map(|step| ((step.at - at(0)).num_days(), step.numbers.views)).collect();
        assert_eq!(steps, [(0, Some(12)), (1, Some(-2)), (3, Some(1))]);
    }

    #[test]
    fn a_window_has_an_order_a_length_and_steps() {
        let now = DateTime::from_timestamp(1_795_000_000, 0).unwrap();
        let day = TimeDelta::days(1);
        assert!(refuse_window(now - day, now, TimeDelta::hours(1)).is_ok());
        for (since, step) in [
            (now, day),
            (now + day, day),
            (now - TimeDelta::days(401), day),
            (now - day, TimeDelta::minutes(59)),
            (now - TimeDelta::days(400), TimeDelta::hours(1)),
        ] {
            assert!(refuse_window(since, now, step).is_err(), "{since} {step}");
        }
    }
}
