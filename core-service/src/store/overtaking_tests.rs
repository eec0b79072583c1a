//! Callers' moves against whatever a worker does with the post that it holds: the move wins, and what the
//! worker learned is kept.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Error, Store, plans, posts::CasResult};
use crate::{
    clock::Clock,
    domain::{
        account::Account,
        change::{Change, LedgerWrite, LiveDetails, Release},
        failure::{Failure, FailureClass, Reason},
        ids::UserId,
        ledger::{Entry, Evidence, Handle, StepClass, StepOutcome},
        post::{Post, Status, WaitReason},
        transition::Move,
    },
    params,
};

const LEASE: std::time::Duration = std::time::Duration::from_secs(15);
const USER: UserId = UserId(1);

struct Stage {
    store: Store,
    account: Account,
    now: DateTime<Utc>,
    made: std::cell::Cell<u32>,
    _directory: tempfile::TempDir,
}

impl Stage {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = plans::store(directory.path(), plans::KEY, &[]).await;
        let now = Clock::system().now();
        let account = plans::account(&store, now).await;
        Self { store, account, now, made: std::cell::Cell::default(), _directory: directory }
    }

    /// A post that a worker holds; its time lies an hour ahead.
    async fn claimed(&self, status: Status) -> Post {
        self.made.set(self.made.get() + 1);
        let mut new = plans::new_post(&self.account, status, &format!("post {}", self.made.get()), self.now);
        new.post.scheduled_at = Some(self.now + TimeDelta::hours(1));
        self.store.insert_posts(vec![new]).await.unwrap();
        let mut posts = self.store.claim_due(self.now, TimeDelta::zero(), "worker", LEASE, 9).await.unwrap();
        assert_eq!(posts.len(), 1, "only the new one is due");
        posts.remove(0)
    }

    async fn read(&self, post: &Post) -> Post {
        self.store.post(post.id).await.unwrap().unwrap()
    }

    async fn publish_now(&self, post: &Post) {
        let moved = self.store.begin_now(USER, post.id, Move::Begin, None, self.now).await.unwrap();
        assert!(matches!(moved, CasResult::Done(_)));
    }

    async fn reconcile(&self, post: &Post) {
        let moved = self.store.reconcile_again(USER, post.id, self.now).await.unwrap();
        assert!(matches!(moved, CasResult::Done(_)));
    }

    /// What every move does to a row that is claimed.
    async fn raise_revision(&self, post: &Post) {
        let id = post.id;
        let raised = self.store.db.write(async move |tx| {
            tx.execute("UPDATE aurareels_social_posts SET revision = revision + 1 WHERE id = ?", &params![id]).await
        });
        assert_eq!(raised.await.unwrap(), 1);
    }

    /// Nobody holds it, and the next look finds it at once.
    async fn is_due_at_once(&self, post: &Post, what: &str) -> Post {
        let row = self.read(post).await;
        assert!(row.next_step_at.is_some_and(|at| at <= self.now), "{what}: {row:#?}");
        let again = self.store.claim_due(self.now, TimeDelta::zero(), "next", LEASE, 9).await.unwrap();
        assert_eq!(again.iter().map(|post| post.id).collect::<Vec<_>>(), [post.id], "{what}");
        self.store.cancel(USER, post.id, self.now, None).await.unwrap();
        let id = post.id;
        let gone = self.store.db.write(async move |tx| {
            tx.execute("UPDATE aurareels_social_posts SET next_step_at = NULL WHERE id = ?", &params![id]).await
        });
        gone.await.unwrap();
        row
    }
}

fn failure() -> Failure {
    Failure::new(FailureClass::Transient, Reason::PlatformRefused, "refused")
}

/// Every way in which a worker puts a post to sleep or ends it without having sent anything visible.
fn releases(now: DateTime<Utc>) -> Vec<(String, Change)> {
    let reasons = [
        WaitReason::Schedule,
        WaitReason::Processing,
        WaitReason::Quota,
        WaitReason::DailyLimit,
        WaitReason::RateLimit,
        WaitReason::Retry,
        WaitReason::Reconnect,
        WaitReason::Confirming,
        WaitReason::Workflow,
    ];
    let release = |at, waiting_for| Change { release: Some(Release { at, waiting_for }), ..Change::default() };
    let later = Some(now + TimeDelta::hours(2));
    let mut all: Vec<(String, Change)> = reasons
        .into_iter()
        .map(|reason| {
            let counted = Change {
                poll_count: Some(7),
                read_failures: Some(7),
                handover_failures: Some(7),
                retry: true,
                ..release(later, Some(reason))
            };
            (format!("waits for {}", reason.as_str()), counted)
        })
        .collect();
    all.push(("waits for nothing named".into(), release(later, None)));
    all.push(("rests".into(), release(None, None)));
    let handed = Change { handed_over_at: Some(now), ..release(later, Some(WaitReason::Workflow)) };
    all.push(("was handed over".into(), handed));
    for by in [Move::Missed, Move::Rejected, Move::CannotTell] {
        let ended = Change { by: Some(by), error: Some(Some(failure())), ..release(None, None) };
        all.push((format!("{by:?}"), ended));
    }
    all
}

#[tokio::test]
async fn publish_now_beats_every_release() {
    let stage = Stage::new().await;
    for (what, change) in releases(stage.now) {
        let seen = stage.claimed(Status::Scheduled).await;
        stage.publish_now(&seen).await;
        stage.store.apply(&seen, change, stage.now).await.unwrap();
        let row = stage.is_due_at_once(&seen, &what).await;
        assert_eq!((row.status, row.waiting_for, row.error.as_ref()), (Status::Publishing, None, None), "{what}");
        assert_eq!(row.due(), stage.now, "{what}");
        let counts = (row.poll_count, row.read_failures, row.handover_failures, row.retry_count, row.handed_over_at);
        assert_eq!(counts, (0, 0, 0, 0, None), "{what}");
    }
    let seen = stage.claimed(Status::Scheduled).await;
    stage.publish_now(&seen).await;
    stage.store.postpone(std::slice::from_ref(&seen), stage.now + TimeDelta::hours(1), stage.now).await.unwrap();
    stage.is_due_at_once(&seen, "a backlog").await;
    let seen = stage.claimed(Status::Scheduled).await;
    stage.publish_now(&seen).await;
    stage.store.release_claims("worker", stage.now).await.unwrap();
    stage.is_due_at_once(&seen, "a stop").await;
}

#[tokio::test]
async fn looking_again_by_hand_beats_every_release() {
    let stage = Stage::new().await;
    for (what, change) in releases(stage.now).into_iter().filter(|(_, change)| change.by != Some(Move::Missed)) {
        let seen = stage.claimed(Status::Confirming).await;
        stage.reconcile(&seen).await;
        let ended = change.by == Some(Move::Rejected);
        stage.store.apply(&seen, change, stage.now).await.unwrap();
        if ended {
            // Proven absent by reading: that is what the caller wanted to know.
            let row = stage.read(&seen).await;
            assert_eq!((row.status, row.next_step_at), (Status::Failed, None), "{what}");
            continue;
        }
        let row = stage.is_due_at_once(&seen, &what).await;
        assert_eq!((row.status, row.waiting_for), (Status::Confirming, Some(WaitReason::Confirming)), "{what}");
    }
}

#[tokio::test]
async fn whatever_raises_the_revision_beats_every_release() {
    let stage = Stage::new().await;
    for status in [Status::Scheduled, Status::Publishing] {
        for (what, change) in releases(stage.now) {
            let seen = stage.claimed(status).await;
            stage.raise_revision(&seen).await;
            stage.store.apply(&seen, change, stage.now).await.unwrap();
            let row = stage.is_due_at_once(&seen, &what).await;
            assert_eq!(row.status, status, "{what}");
        }
    }
    let seen = stage.claimed(Status::Scheduled).await;
    stage.raise_revision(&seen).await;
    stage.store.postpone(std::slice::from_ref(&seen), stage.now + TimeDelta::hours(1), stage.now).await.unwrap();
    stage.is_due_at_once(&seen, "a backlog").await;
}

#[tokio::test]
async fn a_move_that_takes_the_claim_away_voids_every_release() {
    let stage = Stage::new().await;
    for (what, change) in releases(stage.now) {
        let seen = stage.claimed(Status::Scheduled).await;
        stage.store.cancel(USER, seen.id, stage.now, None).await.unwrap();
        let applied = stage.store.apply(&seen, change, stage.now).await;
        assert!(matches!(applied, Err(Error::Fenced(_))), "{what}: {applied:?}");
        let row = stage.read(&seen).await;
        assert_eq!((row.status, row.next_step_at), (Status::Cancelled, None), "{what}");
    }
    let seen = stage.claimed(Status::Scheduled).await;
    stage.store.cancel(USER, seen.id, stage.now, None).await.unwrap();
    stage.store.postpone(std::slice::from_ref(&seen), stage.now, stage.now).await.unwrap();
    stage.store.abandon(&[(seen.id, seen.fence)], stage.now).await.unwrap();
    stage.store.release_claims("worker", stage.now).await.unwrap();
    assert_eq!(stage.read(&seen).await.next_step_at, None);
}

#[tokio::test]
async fn what_a_worker_learned_is_kept_when_a_caller_moved_the_post() {
    let stage = Stage::new().await;
    let seen = stage.claimed(Status::Scheduled).await;
    let mut entry = Entry {
        number: 1,
        attempt: 1,
        step: "instagram.container".into(),
        class: StepClass::Repeatable,
        handle: Handle::default(),
        sent_at: stage.now,
        deadline_at: stage.now,
        outcome: None,
        answered_at: None,
        evidence: Evidence::new(),
        fence: seen.fence,
    };
    let begun = Change { ledger: LedgerWrite::Insert(entry.clone()), ..Change::default() };
    let seen = stage.store.apply(&seen, begun, stage.now).await.unwrap();
    stage.publish_now(&seen).await;
    entry.outcome = Some(StepOutcome::Accepted);
    entry.handle = Handle::default().with("container_id", "c");
    let live = LiveDetails { platform_post_id: Some("p".into()), ..LiveDetails::default() };
    let release =
        Some(Release { at: Some(stage.now + TimeDelta::hours(1)), waiting_for: Some(WaitReason::Processing) });
    let learned = Change { ledger: LedgerWrite::Update(entry), live: Some(live), release, ..Change::default() };
    let after = stage.store.apply(&seen, learned, stage.now).await.unwrap();
    assert_eq!(after.platform_post_id.as_deref(), Some("p"));
    let ledger = stage.store.ledger(seen.id).await.unwrap();
    assert_eq!(ledger.accepted(1, "instagram.container").unwrap().handle.text("container_id"), Some("c"));
    // A lost answer is no decision: the status follows it.
    let seen = stage.claimed_by_hand(&after).await;
    stage.raise_revision(&seen).await;
    let lost = Change { by: Some(Move::ReplyLost), ..Change::default() };
    assert_eq!(stage.store.apply(&seen, lost, stage.now).await.unwrap().status, Status::Confirming);
}

impl Stage {
    async fn claimed_by_hand(&self, post: &Post) -> Post {
        let mut again = self.store.claim_due(self.now, TimeDelta::zero(), "next", LEASE, 9).await.unwrap();
        assert_eq!(again.first().map(|again| again.id), Some(post.id));
        again.remove(0)
    }
}

#[tokio::test]
async fn a_post_that_began_early_keeps_its_time() {
    let stage = Stage::new().await;
    let seen = stage.claimed(Status::Scheduled).await;
    let due = seen.scheduled_at.unwrap();
    let early = due - TimeDelta::seconds(20);
    let begun = Change { by: Some(Move::Begin), ..Change::default() };
    let armed = stage.store.apply(&seen, begun, early).await.unwrap();
    assert_eq!((armed.status, armed.due_at), (Status::Publishing, Some(due)));
    // Whatever lets it go: a stop, a quota, a crash of its worker.
    let release = Some(Release { at: Some(early), waiting_for: Some(WaitReason::Quota) });
    stage.store.apply(&armed, Change { release, ..Change::default() }, early).await.unwrap();
    let again = stage.store.claim_due(early, TimeDelta::zero(), "next", LEASE, 9).await.unwrap();
    assert_eq!(again[0].due(), due);
    stage.store.release_claims("next", early).await.unwrap();
    assert_eq!(stage.read(&armed).await.due(), due);
    // Begun by hand while the worker was about to begin it: at once.
    let seen = stage.claimed(Status::Scheduled).await;
    stage.publish_now(&seen).await;
    let begun = Change { by: Some(Move::Begin), ..Change::default() };
    assert_eq!(stage.store.apply(&seen, begun, early).await.unwrap().due(), stage.now);
}

#[tokio::test]
async fn a_call_for_a_time_that_is_seconds_away_keeps_that_time() {
    let stage = Stage::new().await;
    for (seconds, named, kept) in [(59, true, true), (61, true, false), (59, false, false)] {
        let seen = stage.claimed(Status::Scheduled).await;
        let due = seen.scheduled_at.unwrap();
        let at = due - TimeDelta::seconds(seconds);
        let moved = stage.store.begin_now(USER, seen.id, Move::Begin, named.then_some(due), at).await.unwrap();
        let CasResult::Done(post) = moved else { panic!("{moved:?}") };
        assert_eq!(post.due(), if kept { due } else { at }, "{seconds} s before, named: {named}");
        stage.store.cancel(USER, seen.id, stage.now, None).await.unwrap();
    }
}

#[tokio::test]
async fn retries_begin_anew_on_new_ground() {
    let stage = Stage::new().await;
    let seen = stage.claimed(Status::Publishing).await;
    let tired = stage.store.apply(&seen, Change { retry: true, ..Change::default() }, stage.now).await.unwrap();
    assert_eq!((tired.retry_count, tired.automatic_retries), (1, 1));
    let progress = Change { new_ground: true, ..Change::default() };
    stage.store.apply(&tired, progress, stage.now).await.unwrap();
    let row = stage.read(&seen).await;
    assert_eq!((row.retry_count, row.automatic_retries), (1, 0), "what was counted for people stays");
}
