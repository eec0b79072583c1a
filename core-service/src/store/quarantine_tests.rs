use std::time::Duration;

use chrono::TimeDelta;

use super::*;
use crate::{
    domain::{
        change::{Change, LedgerWrite},
        ids::{AccountId, Sequence, UserId},
        ledger::{Entry, Evidence, Handle, StepClass},
        post::{Post, Status},
        turns::Turns,
    },
    store::{
        accounts::AccountQuery,
        plans::{KEY, account, new_post, store},
        posts::{Order, PostQuery},
    },
};

const USER: UserId = UserId(1);

/// A damage or a word of a later release per column, with the words by which the reason names it.
const DAMAGE: &[(&str, &str, &str)] = &[
    ("status", "'hologram'", "hologram"),
    ("platform", "'myspace'", "myspace"),
    ("scheduler", "'sundial'", "sundial"),
    ("waiting_for", "'the_moon'", "the_moon"),
    ("hashtags", "'[\"a\"'", "hashtags"),
    ("mentions", "'{}'", "mentions"),
    ("options", "'[1]'", "options"),
    ("metadata", "'{'", "metadata"),
    ("warnings", "''", "warnings"),
    ("media_facts", "'nothing'", "media_facts"),
    ("all_platform_post_ids", "'7'", "all_platform_post_ids"),
    ("error", "'{\"class\":7}'", "error"),
    ("retry_count", "4294967296", "retry_count"),
    ("attempt", "-9223372036854775808", "attempt"),
    ("poll_count", "9223372036854775807", "poll_count"),
    ("scheduled_at", "9223372036854775807", "scheduled_at"),
    ("created_at", "-9223372036854775808", "created_at"),
    ("status_since", "9000000000000000000", "status_since"),
];

async fn damage(store: &Store, table: &str, column: &str, value: &str, id: i64) {
    store.run("PRAGMA ignore_check_constraints = ON").await;
    let sql = format!("UPDATE {table} SET {column} = {value} WHERE id = {id}");
    store.run(Box::leak(sql.into_boxed_str())).await;
}

async fn claim(store: &Store, now: DateTime<Utc>) -> Vec<Post> {
    store.claim_due(now, TimeDelta::zero(), "worker", Duration::from_secs(15), 256).await.unwrap()
}

/// A store with due posts, numbered from 1.
async fn with_posts(count: usize) -> (tempfile::TempDir, Store, DateTime<Utc>) {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path(), KEY, &[]).await;
    let now = store.clock().now();
    let account = account(&store, now).await;
    let new = |number: usize| {
        let mut new = new_post(&account, Status::Publishing, &format!("k{number}"), now);
        new.keys.refuse_duplicates_since = None;
        new
    };
    store.insert_posts((0..count).map(new).collect()).await.unwrap();
    (dir, store, now)
}

#[tokio::test]
async fn a_row_that_cannot_be_read_is_quarantined_alone_whatever_is_damaged_in_it() {
    let (_dir, store, now) = with_posts(DAMAGE.len() + 2).await;
    for (id, (column, value, _)) in (2..).zip(DAMAGE) {
        damage(&store, "aurareels_social_posts", column, value, id).await;
    }
    let claimed: Vec<PostId> = claim(&store, now).await.iter().map(|post| post.id).collect();
    let last = PostId(DAMAGE.len() as i64 + 2);
    assert_eq!(claimed, [PostId(1), last], "the others go on");
    assert_eq!(store.count_quarantined().await.unwrap(), DAMAGE.len() as i64);
    assert_eq!(
        store.next_step_at(&Turns::of(1)).await.unwrap(),
        Some(now + TimeDelta::seconds(15)),
        "only the two claims are left"
    );
    assert!(claim(&store, now + TimeDelta::seconds(10)).await.is_empty(), "not claimed again and again");
    for (id, (column, _, named)) in (2..).zip(DAMAGE) {
        let shown = store.post_of_user(USER, PostId(id)).await.unwrap().unwrap();
        let unread = shown.unread.as_ref().unwrap();
        assert!(unread.why.contains(named), "{column}: {}", unread.why);
        let error = shown.error.as_ref().unwrap();
        assert_eq!(error.reason.as_str(), "ROW_UNREADABLE", "{column}");
        assert_eq!((unread.status, unread.platform), (*column == "status", *column == "platform"), "{column}");
        assert_eq!(shown.content.video_url, "https://a.example/v.mp4", "{column}: the rest is shown");
        // Every move says so, and changes nothing.
        let refused = store.cancel(USER, PostId(id), now, None).await.unwrap_err();
        assert!(matches!(&refused, Error::Unreadable { what, .. } if *what == format!("post {id}")), "{refused}");
    }
    let listed = store.list_posts(USER, &PostQuery::default(), Order::NewestFirst, None, 0, 100).await.unwrap();
    assert_eq!(listed.len(), DAMAGE.len() + 2);
    assert_eq!(store.posts_to_show(&[PostId(1), PostId(2)]).await.unwrap().len(), 2);
}

#[tokio::test]
async fn what_was_quarantined_goes_on_once_it_can_be_read() {
    let (_dir, store, now) = with_posts(2).await;
    damage(&store, "aurareels_social_posts", "status", "'hologram'", 1).await;
    assert_eq!(claim(&store, now).await.len(), 1);
    assert_eq!(store.release_quarantined(now).await.unwrap(), 0, "nothing has changed");
    assert!(claim(&store, now).await.is_empty());
    damage(&store, "aurareels_social_posts", "status", "'publishing'", 1).await;
    assert_eq!(store.release_quarantined(now).await.unwrap(), 1);
    let claimed = claim(&store, now).await;
    assert_eq!(claimed.iter().map(|post| post.id).collect::<Vec<_>>(), [PostId(1)]);
    assert_eq!(store.count_quarantined().await.unwrap(), 0);
}

#[tokio::test]
async fn a_post_whose_ledger_cannot_be_read_is_quarantined_by_who_claimed_it() {
    for (column, value) in [
        ("handle", "'sealed by nobody'"),
        ("class", "'prayer'"),
        ("outcome", "'perhaps'"),
        ("evidence", "'{'"),
        ("sent_at", "9223372036854775807"),
    ] {
        let (_dir, store, now) = with_posts(2).await;
        let posts = claim(&store, now).await;
        for post in &posts {
            let entry = Entry {
                number: 1,
                attempt: 1,
                step: "tiktok.video_init".into(),
                class: StepClass::Repeatable,
                handle: Handle::default().with("publish_id", "p"),
                sent_at: now,
                deadline_at: now,
                outcome: None,
                answered_at: None,
                evidence: Evidence::new(),
                fence: post.fence,
            };
            let sends = Change { ledger: LedgerWrite::Insert(entry), ..Change::default() };
            store.apply(post, sends, now).await.unwrap();
        }
        store.run("PRAGMA ignore_check_constraints = ON").await;
        let sql = format!("UPDATE aurareels_post_steps SET {column} = {value} WHERE post_id = 1");
        store.run(Box::leak(sql.into_boxed_str())).await;
        let error = store.ledger(PostId(1)).await.unwrap_err();
        assert!(error.is_about_data(), "{column}: {error}");
        assert!(store.ledger(PostId(2)).await.is_ok());
        let stale = Fence(posts[0].fence.0 - 1);
        store.quarantine(PostId(1), stale, &error).await.unwrap();
        assert_eq!(store.count_quarantined().await.unwrap(), 0, "only by who holds it");
        store.quarantine(PostId(1), posts[0].fence, &error).await.unwrap();
        let shown = store.post(PostId(1)).await.unwrap().unwrap();
        assert_eq!(shown.status, Status::Publishing, "what is known stays shown");
        assert!(shown.unread.is_some_and(|unread| unread.why.contains("ledger")), "{column}");
        assert_eq!(store.release_quarantined(now).await.unwrap(), 0, "{column}");
        let later = claim(&store, now + TimeDelta::minutes(1)).await;
        assert_eq!(later.iter().map(|post| post.id).collect::<Vec<_>>(), [PostId(2)], "{column}");
    }
}

#[tokio::test]
async fn an_event_of_a_later_release_is_left_out_alone_and_no_position_is_lost() {
    let (_dir, store, _now) = with_posts(4).await;
    store.run("UPDATE aurareels_events SET kind = 'post.sung' WHERE sequence = 2").await;
    store.run("UPDATE aurareels_events SET status = 'hologram' WHERE sequence = 3").await;
    let batch = store.event_batch(USER, Sequence(0), 3).await.unwrap();
    let told: Vec<_> = batch.events.iter().map(|event| (event.sequence.0, event.event.status)).collect();
    assert_eq!(told, [(1, Some(Status::Publishing)), (3, None)]);
    assert_eq!((batch.reached, batch.full), (Some(Sequence(3)), true), "there may be more");
    let rest = store.event_batch(USER, Sequence(3), 3).await.unwrap();
    assert_eq!((rest.events.len(), rest.full), (1, false));
}

#[tokio::test]
async fn an_account_that_cannot_be_read_holds_up_none_of_the_others() {
    let (_dir, store, now) = with_posts(0).await;
    store
        .run(
            "INSERT INTO aurareels_social_accounts (wp_user_id, platform, account_id, account_name, login_flavour, \
             refresh_due_at, created_at, updated_at) SELECT 1, 'tiktok', value, value, 'tiktok', 1, 1, 1 \
             FROM json_each('[\"b\", \"c\", \"d\"]')",
        )
        .await;
    damage(&store, "aurareels_social_accounts", "health", "'moody'", 3).await;
    let ids = |accounts: &[crate::domain::account::Account]| accounts.iter().map(|one| one.id.0).collect::<Vec<_>>();
    let page = store.list_accounts(USER, AccountQuery::default(), None, 2).await.unwrap();
    assert_eq!(ids(&page), [4, 2], "a page is as long as if it were not there");
    assert_eq!(ids(&store.accounts_due_for_refresh(now, 10).await.unwrap()), [2, 4]);
    let some = [AccountId(2), AccountId(3), AccountId(4)];
    assert_eq!(ids(&store.accounts_of_user(USER, &some).await.unwrap()), [2, 4]);
    let refused = store.account(AccountId(3)).await.unwrap_err();
    assert!(matches!(&refused, Error::Unreadable { what, .. } if what == "account 3"), "{refused}");
}

#[tokio::test]
async fn an_operation_that_panics_does_not_take_the_writer_with_it() {
    let (_dir, store, now) = with_posts(1).await;
    let panics = store.db.write(async |_tx| -> Result<()> { panic!("a bug in an operation") });
    let (failed, claimed) =
        tokio::join!(panics, store.claim_due(now, TimeDelta::zero(), "worker", Duration::from_secs(15), 9));
    assert!(failed.is_err());
    assert_eq!(claimed.unwrap().len(), 1);
}
