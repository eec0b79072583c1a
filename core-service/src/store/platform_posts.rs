//! Which post of ours each post of a platform is, over all users' rows of a platform account; and what a match in the
//! account's list must not be confused with.
//!
//! Guaranteed: a platform's id belongs to one post of ours. It is entered in the transaction of the change that makes it
//! known. The platform's direct answer for our own handle takes it from a post that holds it by a match alone, which goes
//! back to confirming with what the match had settled open again, and whose worker is fenced; every other conflict is
//! refused as [`Error::BoundElsewhere`] and changes nothing.

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    Error, Result, Store,
    db::Tx,
    ledger,
    posts::{self, legal, status_event},
    retention,
};
use crate::{
    domain::{
        binding::BoundBy,
        caption,
        change::LiveDetails,
        ids::{PostId, UserId},
        ledger::{Evidence, StepClass, StepOutcome},
        post::{Post, Status, WaitReason},
        transition::Move,
    },
    params,
    secret::KeyRing,
};

/// How long the platform's id of a published post is looked for: until then its post may be any unbound one of the list.
const SEARCH: TimeDelta = TimeDelta::days(2);

/// What a match in an account's list must not be confused with.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rivals {
    /// The platform's ids that belong to other posts of the account.
    pub bound: Vec<String>,
    /// Another post of the account, whose own is not known yet, looks the same in the list.
    pub same_caption_in_flight: bool,
}

/// Enters what was learned of a live post.
pub(super) async fn bind_live(
    tx: &mut Tx,
    keys: &KeyRing,
    post: &Post,
    live: &LiveDetails,
    now: DateTime<Utc>,
) -> Result<()> {
    for id in live.platform_post_id.iter().chain(&live.all_platform_post_ids) {
        bind(tx, keys, post, id, live.bound_by, now).await?;
    }
    Ok(())
}

/// Enters a platform's id as a post's own.
pub(super) async fn bind(
    tx: &mut Tx,
    keys: &KeyRing,
    post: &Post,
    id: &str,
    by: BoundBy,
    now: DateTime<Utc>,
) -> Result<()> {
    let holder = tx
        .fetch_optional(
            "SELECT b.post_id, b.bound_by, p.wp_user_id FROM aurareels_social_accounts a \
             JOIN aurareels_platform_posts b ON b.platform = a.platform AND b.account_id = a.account_id AND b.platform_post_id = ? \
             JOIN aurareels_social_posts p ON p.id = b.post_id WHERE a.id = ?",
            &params![id, post.social_account_id],
        )
        .await?;
    if let Some(row) = &holder {
        let (other, held_by): (PostId, BoundBy) = (PostId(row.int("post_id")?), row.word("bound_by")?);
        if other == post.id {
            if by == BoundBy::Answer && held_by != BoundBy::Answer {
                tx.execute(
                    "UPDATE aurareels_platform_posts SET bound_by = ? WHERE post_id = ? AND platform_post_id = ?",
                    &params![by.as_str(), post.id, id],
                )
                .await?;
            }
            return Ok(());
        }
        if (by, held_by) != (BoundBy::Answer, BoundBy::Match) {
            let user = UserId(row.int("wp_user_id")?);
            return Err(Error::BoundElsewhere { post: post.id, by, other, user });
        }
        unbind(tx, keys, other, id, now).await?;
    }
    if let Some(removed) = retention::holder(tx, post, id).await? {
        if (by, removed.by) != (BoundBy::Answer, BoundBy::Match) {
            return Err(Error::BoundElsewhere { post: post.id, by, other: removed.post, user: removed.user });
        }
        retention::unbind(tx, post, id).await?;
    }
    tx.execute(
        "INSERT INTO aurareels_platform_posts (platform, account_id, platform_post_id, post_id, bound_by, bound_at) \
         SELECT platform, account_id, ?, ?, ?, ? FROM aurareels_social_accounts WHERE id = ?",
        &params![id, post.id, by.as_str(), now, post.social_account_id],
    )
    .await?;
    Ok(())
}

/// Takes a post what a match had given it.
async fn unbind(tx: &mut Tx, keys: &KeyRing, other: PostId, id: &str, now: DateTime<Utc>) -> Result<()> {
    tx.execute("DELETE FROM aurareels_platform_posts WHERE post_id = ? AND bound_by = 'match'", &params![other])
        .await?;
    let before = posts::reread(tx, other).await?;
    forget_match(tx, keys, &before, id, now).await?;
    if before.status != Status::Published {
        tx.execute(
            "UPDATE aurareels_social_posts SET platform_post_id = NULL, platform_post_url = NULL, \
             all_platform_post_ids = '[]', revision = revision + 1, updated_at = ? WHERE id = ?",
            &params![now, other],
        )
        .await?;
        return Ok(());
    }
    let to = legal(&before, Move::Unbound)?;
    tx.execute(
        "UPDATE aurareels_social_posts SET status = ?, status_since = ?, published_at = NULL, platform_post_id = NULL, \
         platform_post_url = NULL, all_platform_post_ids = '[]', error = NULL, error_message = NULL, waiting_for = ?, \
         next_step_at = ?, poll_count = 0, crash_count = 0, claim_token = NULL, claim_expires_at = NULL, fence = fence + 1, \
         revision = revision + 1, updated_at = ? WHERE id = ?",
        &params![to.as_str(), now, WaitReason::Confirming.as_str(), now, now, other],
    )
    .await?;
    tx.note_schedule(now);
    status_event(tx, &before, to, None, now).await
}

/// Captions of other posts of the same platform account. By platform account, not by row: two users may hold the same one.
macro_rules! captions {
    ($which:literal) => {
        concat!(
            "SELECT p.full_caption AS caption FROM aurareels_social_accounts mine \
             JOIN aurareels_social_accounts a ON a.platform = mine.platform AND a.account_id = mine.account_id \
             JOIN aurareels_social_posts p ON p.social_account_id = a.id WHERE mine.id = ? AND p.id <> ? AND ",
            $which
        )
    };
}

/// One statement: a post that moves from one of the three to another meanwhile is in one of them. Each has an index of its own;
/// joined by OR they would read all posts of the account.
const OPEN: &str = concat!(
    captions!("p.status IN ('publishing', 'confirming', 'needs_review')"),
    " UNION ALL ",
    captions!("p.look_since IS NOT NULL AND p.status IN ('draft', 'scheduled', 'failed')"),
    " UNION ALL ",
    captions!("p.published_at > ? AND p.platform_post_id IS NULL")
);

/// Opens again what rests on a match that turned out to be another post's.
async fn forget_match(tx: &mut Tx, keys: &KeyRing, post: &Post, id: &str, now: DateTime<Utc>) -> Result<()> {
    let ledger = ledger::of_post(tx, keys, post.id).await?;
    let mut reopened = false;
    for entry in ledger.of_attempt(post.attempt) {
        let mut entry = entry.clone();
        if entry.forget_match(id, now) {
            reopened |= entry.class == StepClass::PointOfNoReturn;
            ledger::update_entry(tx, keys, post.id, &entry).await?;
        }
    }
    let settled = |outcome| matches!(outcome, Some(StepOutcome::Found | StepOutcome::Absent));
    if let Some(sent) = ledger.newest_sending(post.attempt).filter(|sent| !reopened && settled(sent.outcome)) {
        let why = Evidence::new().with("match", "another post's");
        ledger::update_entry(tx, keys, post.id, &sent.clone().reopened(now, why)).await?;
    }
    Ok(())
}

impl Store {
    /// Drops a match under a claim: the platform's post that it found is another post's. What it had settled is open again,
    /// unless the post is known to be live by more than that. Answers the post after it.
    pub async fn drop_match(&self, seen: &Post, ids: &[String], now: DateTime<Utc>) -> Result<Post> {
        let (keys, seen, ids) = (self.keys(), seen.clone(), ids.to_vec());
        self.db
            .write(async move |tx| {
                let before = posts::claimed(tx, &seen).await?;
                for id in &ids {
                    forget_match(tx, &keys, &before, id, now).await?;
                }
                let to = match before.status {
                    Status::Publishing => legal(&before, Move::ReplyLost)?,
                    Status::Published => legal(&before, Move::Unbound)?,
                    other => other,
                };
                if to != before.status {
                    tx.execute(
                        "UPDATE aurareels_social_posts SET status = ?, status_since = ?, published_at = NULL, \
                         revision = revision + 1, updated_at = ? WHERE id = ?",
                        &params![to.as_str(), now, now, before.id],
                    )
                    .await?;
                    status_event(tx, &before, to, None, now).await?;
                }
                posts::reread(tx, before.id).await
            })
            .await
    }

    /// What a search in the account's list must not confuse a post with. `since`: nothing that was bound before can be
    /// listed as new.
    pub async fn rivals(&self, post: &Post, since: DateTime<Utc>, now: DateTime<Utc>) -> Result<Rivals> {
        let mut reader = self.db.read().await?;
        let (account, id) = (post.social_account_id, post.id);
        // Before what is bound: whose platform post becomes known meanwhile is among those then.
        let open = reader.fetch_all(OPEN, &params![account, id, account, id, account, id, now - SEARCH]).await?;
        // By platform account, not by row: two users may hold the same one.
        let rows = reader
            .fetch_all(
                "SELECT b.platform_post_id AS bound FROM aurareels_social_accounts mine \
                 JOIN aurareels_platform_posts b ON b.platform = mine.platform AND b.account_id = mine.account_id \
                 WHERE mine.id = ? AND b.bound_at >= ? AND b.post_id <> ?",
                &params![post.social_account_id, since, post.id],
            )
            .await?;
        let removed = reader
            .fetch_all(
                "SELECT b.platform_post_id AS bound FROM aurareels_social_accounts mine \
                 JOIN aurareels_removed_platform_posts b ON b.platform = mine.platform AND b.account_id = mine.account_id \
                 WHERE mine.id = ? AND b.bound_at >= ?",
                &params![post.social_account_id, since],
            )
            .await?;
        let bound: Result<Vec<String>> = rows.iter().chain(&removed).map(|row| row.text("bound")).collect();
        let ours = caption::as_listed(post.platform, &post.content.full_caption);
        let mut same_caption_in_flight = false;
        for row in &open {
            same_caption_in_flight |= caption::as_listed(post.platform, &row.text("caption")?) == ours;
        }
        Ok(Rivals { bound: bound?, same_caption_in_flight })
    }
}
