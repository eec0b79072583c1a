use std::time::Duration;

use chrono::TimeDelta;

use super::*;
use crate::{
    domain::{
        account::Account,
        ids::AccountId,
        post::Status,
        turns::{BACKLOG_GAP, Turns},
    },
    params,
    store::{
        due::{Claimed, Claiming},
        plans::{KEY, account, new_post, store},
    },
};

const LEASE: Duration = Duration::from_secs(15);

struct Stage {
    _dir: tempfile::TempDir,
    store: Store,
    account: Account,
    now: DateTime<Utc>,
}

impl Stage {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = store(dir.path(), KEY, &[]).await;
        let now = store.clock().now();
        let account = account(&store, now).await;
        Self { _dir: dir, store, account, now }
    }

    /// Another account of the same user and platform.
    async fn other_account(&self, id: i64) {
        let columns = "wp_user_id, platform, account_name, login_flavour, created_at, updated_at";
        let sql = format!(
            "INSERT INTO aurareels_social_accounts (id, account_id, {columns}) SELECT {id}, 'other-{id}', {columns} \
             FROM aurareels_social_accounts WHERE id = {}",
            self.account.id
        );
        self.store.run(Box::leak(sql.into_boxed_str())).await;
    }

    /// Posts of an account, a microsecond apart, the first at this time. Their numbers are those of their captions.
    async fn posts(&self, account: i64, status: Status, first: DateTime<Utc>, count: i64) {
        for some in (0..count).collect::<Vec<_>>().chunks(200) {
            let new = some.iter().map(|number| {
                let key = format!("{account}-{first}-{number}");
                let mut new = new_post(&self.account, status, &key, first + TimeDelta::microseconds(*number));
                new.post.social_account_id = AccountId(account);
                new.post.late_policy_seconds = 86_400;
                new.keys.refuse_duplicates_since = None;
                new
            });
            self.store.insert_posts(new.collect()).await.unwrap();
        }
    }

    async fn claim(&self, turns: &Turns, now: DateTime<Utc>) -> Claimed {
        let (ahead, token) = (TimeDelta::zero(), "worker".to_owned());
        self.store.claim(Claiming { now, ahead, token, lease: LEASE, turns: turns.clone() }).await.unwrap()
    }

    /// Claims until nothing more can be had, as a scheduler does, and answers whose posts there were.
    async fn claim_all(&self, turns: &mut Turns, now: DateTime<Utc>) -> Vec<(i64, i64)> {
        let mut all = Vec::new();
        loop {
            let claimed = self.claim(turns, now).await;
            for post in &claimed.posts {
                turns.begin(post.platform, post.social_account_id);
                all.push((post.social_account_id.0, post.id.0));
            }
            if !claimed.more {
                return all;
            }
        }
    }

    /// When the unclaimed posts of an account want attention, in the order of their own times.
    async fn wanted(&self, account: i64) -> Vec<DateTime<Utc>> {
        let sql = "SELECT next_step_at FROM aurareels_social_posts WHERE social_account_id = ? AND claim_token IS NULL \
                   AND next_step_at IS NOT NULL ORDER BY scheduled_at, id";
        let rows = self.store.db.read().await.unwrap().fetch_all(sql, &params![account]).await.unwrap();
        rows.iter().map(|row| row.time("next_step_at").unwrap()).collect()
    }
}

#[tokio::test]
async fn a_backlog_of_any_size_goes_out_one_after_the_other_and_others_take_their_turns_beside_it() {
    let stage = Stage::new().await;
    stage.other_account(2).await;
    stage.posts(1, Status::Scheduled, stage.now, 600).await;
    let now = stage.now + TimeDelta::minutes(5);
    stage.posts(2, Status::Scheduled, now - TimeDelta::seconds(1), 1).await;
    let mut turns = Turns::of(1_024);
    assert_eq!(stage.claim_all(&mut turns, now).await, [(1, 1), (2, 601)]);
    let wanted = stage.wanted(1).await;
    assert_eq!(wanted, (1..600).map(|place| now + BACKLOG_GAP * place).collect::<Vec<_>>(), "the oldest first");
    // They go out at their turns, another core and a restart make no difference.
    let later = now + BACKLOG_GAP * 2;
    assert_eq!(stage.claim_all(&mut Turns::of(1_024), later).await, [(1, 2), (1, 3)]);
    // What becomes late meanwhile stands behind them, what is on time does not.
    stage.posts(1, Status::Scheduled, later - TimeDelta::minutes(4), 1).await;
    stage.posts(1, Status::Scheduled, later, 1).await;
    assert_eq!(stage.claim_all(&mut Turns::of(1_024), later).await, [(1, 603)]);
    assert!(stage.wanted(1).await.contains(&(now + BACKLOG_GAP * 600)));
}

#[tokio::test]
async fn posts_that_are_too_late_to_be_published_take_no_turns() {
    let stage = Stage::new().await;
    stage.posts(1, Status::Scheduled, stage.now, 20).await;
    let now = stage.now + TimeDelta::hours(25);
    stage.posts(1, Status::Scheduled, now - TimeDelta::hours(1), 2).await;
    let claimed: Vec<i64> =
        stage.claim_all(&mut Turns::of(1_024), now).await.into_iter().map(|(_, post)| post).collect();
    assert_eq!(
        claimed,
        (1..=21).collect::<Vec<_>>(),
        "they are told that they missed their time, and the next goes out"
    );
    assert_eq!(stage.wanted(1).await, [now + BACKLOG_GAP]);
}

#[tokio::test]
async fn a_backlog_that_was_cancelled_holds_up_no_later_one() {
    let stage = Stage::new().await;
    stage.posts(1, Status::Scheduled, stage.now, 300).await;
    let now = stage.now + TimeDelta::minutes(5);
    let mut turns = Turns::of(1_024);
    stage.claim_all(&mut turns, now).await;
    stage.store.run("UPDATE aurareels_social_posts SET next_step_at = NULL WHERE claim_token IS NULL").await;
    stage.posts(1, Status::Scheduled, now - TimeDelta::minutes(2), 2).await;
    assert_eq!(stage.claim_all(&mut turns, now).await, [(1, 301)]);
    assert_eq!(stage.wanted(1).await, [now + BACKLOG_GAP]);
}

#[tokio::test]
async fn what_has_no_room_is_neither_claimed_nor_written_and_holds_up_nobody() {
    let stage = Stage::new().await;
    for account in [2, 3, 4] {
        stage.other_account(account).await;
    }
    stage.store.run("UPDATE aurareels_social_accounts SET platform = 'instagram' WHERE id = 4").await;
    stage.posts(1, Status::Publishing, stage.now, 1_000).await;
    stage.posts(2, Status::Publishing, stage.now + TimeDelta::seconds(1), 1_000).await;
    stage.posts(3, Status::Publishing, stage.now + TimeDelta::seconds(2), 1).await;
    let (now, mut turns) = (stage.now + TimeDelta::seconds(5), Turns::of(64));
    let claimed = stage.claim_all(&mut turns, now).await;
    let of = |account| claimed.iter().filter(|(of, _)| *of == account).count();
    assert_eq!((of(1), of(2), of(3)), (7, 6, 1), "a part of what is left to each");
    let untouched = stage.wanted(1).await;
    assert_eq!(untouched, (7..1_000).map(|number| stage.now + TimeDelta::microseconds(number)).collect::<Vec<_>>());
    let again = stage.claim(&turns, now).await;
    assert!(again.posts.is_empty() && !again.more && again.waits_for_room);
    assert_eq!(
        stage.store.next_step_at(&turns).await.unwrap(),
        Some(now + TimeDelta::seconds(15)),
        "the claim of account 3"
    );
    // Room that becomes free goes to the oldest of its account.
    turns.end(stage.account.platform, AccountId(1));
    turns.end(stage.account.platform, AccountId(1));
    assert_eq!(stage.claim_all(&mut turns, now).await, [(1, 8)]);
    // A platform that is full as a whole is not even looked at.
    for account in 100..200 {
        turns.begin(stage.account.platform, AccountId(account));
    }
    stage.posts(4, Status::Publishing, stage.now, 1).await;
    stage.store.run("UPDATE aurareels_social_posts SET platform = 'instagram' WHERE social_account_id = 4").await;
    assert_eq!(stage.claim_all(&mut turns, now).await.into_iter().map(|(of, _)| of).collect::<Vec<_>>(), [4]);
}
