//! Every statement uses an index: the statements that the store's functions run are recorded, and the database is asked
//! how it would run each of them. A scan of a whole table fails the test, and so does sorting by hand, and so do columns
//! that are read without being named.

use std::{
    collections::BTreeSet,
    path::Path,
    sync::{Arc, LazyLock, Mutex, PoisonError},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};

pub(super) mod servers;

use super::{
    Error, Store,
    accounts::{AccountQuery, NewIdentity},
    api_keys::NewApiKey,
    creating::NewPost,
    dashboard::{MOST_LINKS, NewSession},
    db::Place,
    due::Claiming,
    logins::Login,
    media::{Added, NewMedia, Settled},
    oauth_states::{Browser, Created, Ender, OauthState},
    posts::{Order, Position, PostQuery},
    uploads::StoredUpload,
};
use crate::{
    clock::Clock,
    domain::{
        account::{Account, Health},
        change::{Change, LedgerWrite, Release},
        event::{EventKind, NewEvent},
        failure::{Failure, FailureClass, Reason},
        ids::{AccountId, Fence, PostId, Sequence, UserId},
        ledger::{Entry, Evidence, Handle, ResolvedWord, StepClass, StepOutcome},
        media::{KeepPolicy, MediaId},
        platform::{LoginFlavour, Platform},
        post::{Content, Post, Status},
        request_key::{Asked, RequestKeys},
        schedule::WallTime,
        search::words,
        transition::Move,
        turns::Turns,
        video_job::{JobVideo, VideoJobChange},
    },
    params,
    secret::{KeyRing, Secret},
};

static SEEN: LazyLock<Mutex<BTreeSet<String>>> = LazyLock::new(Mutex::default);

/// Called for every statement of a test build.
pub(super) fn record(sql: &str) {
    SEEN.lock().unwrap_or_else(PoisonError::into_inner).insert(sql.to_owned());
}

/// Statements that may read a table from its beginning: one stops early, one lists the few keys of a core, and some run
/// once after a restore.
const READS_FROM_THE_START: &[&str] = &[
    "SELECT sequence, created_at FROM aurareels_events ORDER BY sequence LIMIT",
    "SELECT id, created_at FROM aurareels_webhook_messages ORDER BY id LIMIT",
    "SELECT id, name, key_prefix",
    "SELECT t.name AS name, COALESCE(s.seq, 0) AS seq FROM sqlite_master",
    "UPDATE aurareels_social_posts SET look_since = CASE",
    "UPDATE sqlite_sequence SET seq",
];

/// Indexes of few posts: those that are under way or marked.
const PARTIAL: &[&str] = &["aurareels_open_posts", "aurareels_looked_up"];

/// Statements that may read all rows of one account or user: sums, totals that somebody asked for, and what happens when an
/// account is connected again or disconnected.
const READS_ALL_OF_ONE: &[&str] = &[
    "SELECT COALESCE(SUM(size_bytes), 0) AS used FROM aurareels_media",
    // A user has eight unfinished uploads, and those that are running.
    "SELECT id, wp_user_id, upload_id, stored_as",
    // A user has fifty webhook endpoints at most.
    "SELECT id, wp_user_id, url, description, kinds",
    "SELECT wp_user_id FROM aurareels_webhook_endpoints",
    "SELECT COUNT(*) AS open, MIN(expires_at) AS first_end FROM aurareels_oauth_states",
    "SELECT COUNT(*) AS total FROM aurareels_social_posts WHERE wp_user_id = ?",
    "SELECT id, account_name, account_username FROM aurareels_social_accounts WHERE wp_user_id = ?",
    // What a user's accounts gained.
    "SELECT id FROM aurareels_social_accounts WHERE wp_user_id = ?",
    "SELECT id, wp_user_id, social_account_id, platform, status, scheduled_at",
    "UPDATE aurareels_social_posts SET next_step_at = ?, updated_at = ? WHERE social_account_id = ? AND waiting_for = 'reconnect'",
    "UPDATE aurareels_social_posts SET woken_at = ? WHERE social_account_id = ?",
];

pub(super) const KEY: &str = "a key for tests, 0123456789abcdef";

pub(super) async fn store(directory: &Path, key: &str, old: &[&str]) -> Store {
    store_at(super::db::testing::place(directory).await, key, old).await
}

pub(super) async fn store_at(place: Place, key: &str, old: &[&str]) -> Store {
    let keys = Arc::new(KeyRing::from_settings(key, old).unwrap());
    let store = Store::open(place, keys, Clock::system()).await.unwrap();
    store.migrate().await.unwrap();
    store
}

impl Store {
    /// Claims what is due, at most `limit` posts of each account, by a process that has nothing under way.
    pub(crate) async fn claim_due(
        &self,
        now: DateTime<Utc>,
        ahead: TimeDelta,
        token: &str,
        lease: Duration,
        limit: usize,
    ) -> super::Result<Vec<Post>> {
        // An account may have an eighth of what is left.
        let turns = Turns::of(9 * limit);
        Ok(self.claim(Claiming { now, ahead, token: token.to_owned(), lease, turns }).await?.posts)
    }

    /// Runs a statement of a test: damage, or what another release left.
    pub(crate) async fn run(&self, sql: &'static str) {
        self.db.write(async move |tx| tx.execute(sql, &[]).await).await.unwrap();
    }
}

pub(super) async fn account(store: &Store, now: DateTime<Utc>) -> Account {
    store
        .db
        .write(async move |tx| {
            let id = tx
                .insert(
                    "INSERT INTO aurareels_social_accounts (wp_user_id, platform, account_id, account_name, login_flavour, created_at, updated_at) \
                     VALUES (1, 'tiktok', 'a', 'A', 'tiktok', ?, ?)",
                    &params![now, now],
                )
                .await?;
            super::account_rows::reread(tx, AccountId(id)).await
        })
        .await
        .unwrap()
}

pub(super) fn new_post(account: &Account, status: Status, key: &str, now: DateTime<Utc>) -> NewPost {
    let post = Post {
        scheduled_at: (status == Status::Scheduled).then_some(now),
        content: Content { video_url: "https://a.example/v.mp4".into(), ..Content::default() },
        request_key: Some(key.to_owned()),
        request_key_derived: true,
        next_step_at: Some(now),
        ..Post::blank(account, status, now)
    };
    let content = Content { video_job_id: key.to_owned(), ..Content::default() };
    let mut keys = RequestKeys::of(account, &content, "", "", Asked::default(), Some(key.to_owned()));
    keys.is_derived = true;
    (keys.valid_since, keys.refuse_duplicates_since) = (Some(now), Some(now));
    NewPost { post, keys, wall: None }
}

/// Gives the first post another status, which began then.
async fn set_status(store: &Store, status: Status, since: DateTime<Utc>) {
    store
        .db
        .write(async move |tx| {
            tx.execute(
                "UPDATE aurareels_social_posts SET status = ?, published_at = ?, status_since = ? WHERE id = 1",
                &params![status.as_str(), since, since],
            )
            .await
        })
        .await
        .unwrap();
}

fn entry(number: i32, fence: Fence, now: DateTime<Utc>) -> Entry {
    Entry {
        number,
        attempt: 1,
        step: "tiktok.upload_last".into(),
        class: StepClass::PointOfNoReturn,
        handle: Handle::default().with("publish_id", "p"),
        sent_at: now,
        deadline_at: now,
        outcome: None,
        answered_at: None,
        evidence: Evidence::new(),
        fence,
    }
}

/// Runs every statement of posts, claims, ledger and events at least once, with rows that make each branch real.
async fn run_everything(store: &Store, now: DateTime<Utc>) {
    let user = UserId(1);
    let account = account(store, now).await;
    let posts = vec![
        new_post(&account, Status::Publishing, "one", now),
        new_post(&account, Status::Scheduled, "two", now),
        new_post(&account, Status::Draft, "three", now),
        new_post(&account, Status::Scheduled, "four", now),
    ];
    store.insert_posts(posts.clone()).await.unwrap();
    let mut later = posts[0].clone();
    later.keys.valid_since = Some(now + TimeDelta::days(1));
    later.keys.refuse_duplicates_since = None;
    set_status(store, Status::Published, now).await;
    store.insert_posts(vec![later]).await.unwrap();
    set_status(store, Status::Publishing, now).await;
    store.candidates(&[(account.id, &posts[0].keys)]).await.unwrap();
    // The second word is in the name of the account.
    let search = store.sought(user, words("word a")).await.unwrap();
    let all = PostQuery {
        statuses: vec![Status::Draft, Status::Scheduled],
        platform: Some(Platform::Tiktok),
        account: Some(account.id),
        from: Some(now),
        until: Some(now),
        video_job_id: Some("job".into()),
        search: search.clone(),
    };
    let filters = [
        PostQuery::default(),
        all.clone(),
        PostQuery { statuses: vec![Status::Draft], ..PostQuery::default() },
        PostQuery { account: Some(account.id), ..PostQuery::default() },
        PostQuery { platform: Some(Platform::Tiktok), ..PostQuery::default() },
        PostQuery { from: Some(now), until: Some(now), ..PostQuery::default() },
        PostQuery { video_job_id: Some("job".into()), ..PostQuery::default() },
        PostQuery { search, ..PostQuery::default() },
    ];
    for filter in &filters {
        for order in [Order::NewestFirst, Order::OldestFirst] {
            store.list_posts(user, filter, order, None, 0, 10).await.unwrap();
            let after = Some(Position { list_at: now, id: PostId(1) });
            store.list_posts(user, filter, order, after, 5, 10).await.unwrap();
        }
        store.count_posts(user, filter).await.unwrap();
    }
    store.posts_by_status().await.unwrap();
    store.run("UPDATE aurareels_social_posts SET is_searchable = 0 WHERE id = 3").await;
    store.make_searchable().await.unwrap();
    let draft = store.post_of_user(user, PostId(3)).await.unwrap().unwrap();
    let wall = WallTime { local: String::new(), zone: "UTC".into(), at: now, rules: "2026f".into() };
    store.update_waiting(draft, Some(wall), now).await.unwrap();
    store.wall_times_before("2099a", 10).await.unwrap();
    store.wall_time_read(PostId(3), "2099a").await.unwrap();
    store.forget_wall_time(PostId(3)).await.unwrap();
    store.delete_draft(user, PostId(3), now).await.unwrap();
    store.next_step_at(&Turns::of(1)).await.unwrap();
    claims_beside_a_full_platform(store, now).await;
    store.due_soon(now, now, 10).await.unwrap();
    store.oldest_overdue(now + TimeDelta::hours(1), TimeDelta::zero()).await.unwrap();
    let claimed = store.claim_due(now, TimeDelta::zero(), "worker", Duration::from_secs(15), 1).await.unwrap();
    let post = claimed[0].clone();
    store.renew_claims("worker", now, Duration::from_secs(15)).await.unwrap();
    let send = Change { ledger: LedgerWrite::Insert(entry(1, post.fence, now)), ..Change::default() };
    let post = store.apply(&post, send, now).await.unwrap();
    let lost = Change {
        by: Some(Move::ReplyLost),
        ledger: LedgerWrite::Update(entry(1, post.fence, now)),
        ..Change::default()
    };
    let post = store.apply(&post, lost, now).await.unwrap();
    let again = Change { ledger: LedgerWrite::Insert(entry(2, post.fence, now)), ..Change::default() };
    store.apply_within_limit(&post, again, 5, now).await.unwrap();
    let absent = Entry { outcome: Some(StepOutcome::Absent), ..entry(2, post.fence, now) };
    let absent = Change { ledger: LedgerWrite::Update(absent), ..Change::default() };
    let post = store.apply(&post, absent, now).await.unwrap();
    store.rivals(&post, now, now).await.unwrap();
    store.ledger(post.id).await.unwrap();
    store.cancel(user, post.id, now, None).await.unwrap();
    store.reconcile_again(user, post.id, now).await.unwrap();
    let review = Change {
        by: Some(Move::CannotTell),
        release: Some(Release { at: None, waiting_for: None }),
        ..Change::default()
    };
    store.apply(&post, review, now).await.unwrap();
    let failure = Failure::new(FailureClass::Transient, Reason::ResolvedNotPublished, "not there");
    let word = ResolvedWord {
        published: false,
        platform_post_id: None,
        platform_post_url: None,
        note: "looked".into(),
        failure: Some(failure.clone()),
    };
    store.resolve(user, post.id, word, now).await.unwrap();
    store.begin_now(user, post.id, Move::Retry, Some(now), now).await.unwrap();
    store.cancel(user, PostId(2), now, None).await.unwrap();
    store.quarantine(post.id, post.fence, &Error::Corrupt("damaged".into())).await.unwrap();
    store.count_quarantined().await.unwrap();
    store.release_quarantined(now).await.unwrap();
    store.abandon(&[(post.id, post.fence)], now).await.unwrap();
    store.postpone(std::slice::from_ref(&post), now, now).await.unwrap();
    store.release_claims("worker", now).await.unwrap();
    resumable_uploads(store, account.wp_user_id, now).await;
    uploads(store, &account, now).await;
    super::analytics::tests::run_everything(store, &account, now).await;
    let gone = account.id;
    store
        .db
        .write(async move |tx| {
            super::posts::wake_account(tx, gone, now).await?;
            super::posts::fail_waiting_of_account(tx, gone, &failure, now).await?;
            let event = NewEvent {
                wp_user_id: UserId(1),
                kind: EventKind::AccountConnected,
                post_id: None,
                account_id: None,
                webhook_id: None,
                previous_status: None,
                status: None,
                reason: None,
            };
            super::events::append(tx, &event, now).await
        })
        .await
        .unwrap();
    store.events_after(user, Sequence(0), 10).await.unwrap();
    store.events_of_all(Sequence(0), 10).await.unwrap();
    store.posts_to_show(&[PostId(1), PostId(2)]).await.unwrap();
    store.accounts_to_show(&[gone]).await.unwrap();
    store.newest_event().await.unwrap();
    store.prune_events(now + TimeDelta::days(1)).await.unwrap();
    store.queue_state(now).await.unwrap();
}

/// Claims while a platform and an account have no room, and late posts of an account that has had its turn.
async fn claims_beside_a_full_platform(store: &Store, now: DateTime<Utc>) {
    let mut turns = Turns::of(9);
    (0..9).for_each(|_| turns.begin(Platform::Instagram, AccountId(9)));
    (0..4).for_each(|_| turns.begin(Platform::Tiktok, AccountId(8)));
    store.next_step_at(&turns).await.unwrap();
    let later = now + TimeDelta::hours(1);
    let (ahead, lease) = (TimeDelta::zero(), Duration::from_secs(15));
    let asked = Claiming { now: later, ahead, token: "worker".to_owned(), lease, turns };
    let mut late = store.claim(asked).await.unwrap().posts;
    late.extend(store.claim_due(later, ahead, "worker", lease, 1).await.unwrap());
    store.postpone(&late, now, now).await.unwrap();
}

/// The same for accounts and their tokens, OAuth states, and keys of both kinds.
async fn run_everything_of_accounts(place: &Place, now: DateTime<Utc>) {
    let (user, flavour, platform) = (UserId(1), LoginFlavour::Tiktok, Platform::Tiktok);
    let store = store_at(place.clone(), KEY, &[]).await;
    store.check_keys(now).await.unwrap();
    let begun = OauthState {
        wp_user_id: user,
        platform,
        login_flavour: flavour,
        redirect_uri: "https://a.example/".into(),
        reconnect: None,
        at_page: true,
        browser: None,
    };
    let Created::Begun { state, .. } = store.create_oauth_state(begun, now).await.unwrap() else { panic!() };
    let (state, browser) = (state.expose(), Browser::with("secret"));
    store.shown_oauth_state(state, platform, now).await.unwrap().unwrap();
    store.confirm_oauth_state(state, platform, browser.clone(), now).await.unwrap().unwrap();
    store.consume_oauth_state(state, platform, Ender::Page(browser), now).await.unwrap().unwrap();
    store.purge_oauth_states(now).await.unwrap();
    sessions(&store).await;

    let login = Login {
        access: Secret::new("access"),
        refresh: Some(Secret::new("refresh")),
        grant: None,
        expires_at: Some(now),
        refresh_expires_at: None,
        lifetime_seconds: None,
        refresh_due_at: Some(now),
        scope: Vec::new(),
    };
    let identity = || NewIdentity {
        platform,
        account_id: "mine".into(),
        account_name: "Mine".into(),
        account_username: None,
        account_email: None,
        profile_picture_url: None,
        metadata: serde_json::json!({}),
        grant_id: Some("grant".into()),
        health_reason: None,
        login: login.clone(),
    };
    store.connect_accounts(user, flavour, vec![identity()], now).await.unwrap();
    let account = store.connect_accounts(user, flavour, vec![identity()], now).await.unwrap().remove(0);
    store.account_of_user(user, account.id).await.unwrap().unwrap();
    store.account(account.id).await.unwrap().unwrap();
    store.accounts_of_user(user, &[account.id, AccountId(99)]).await.unwrap();
    for platform in [None, Some(platform)] {
        let query = AccountQuery { platform, active: None };
        store.list_accounts(user, query, None, 10).await.unwrap();
    }
    store.has_active_identity(user, platform, "mine").await.unwrap();
    store.set_account_health(&account, Health::NeedsReconnect, None, now).await.unwrap().unwrap();
    store.set_account_health(&account, Health::Ok, None, now).await.unwrap().unwrap();
    store.set_quota_blocked(&account, Some(now)).await.unwrap();
    store.published_on_account(&account, now).await.unwrap();
    store.daily_posts(user, platform, now).await.unwrap();
    store.accounts_of_grant("grant").await.unwrap();
    assert!(!store.grant_in_use(&account).await.unwrap());

    store.account_login(account.id).await.unwrap().unwrap();
    store.account_logins(&[account.id]).await.unwrap();
    let until = now + TimeDelta::minutes(1);
    for holder in ["one", "two"] {
        store.claim_refresh(account.id, account.token_version, holder, now, until).await.unwrap();
    }
    store.mark_refresh_started(account.id, "one", now).await.unwrap();
    for answered in [false, true] {
        store.release_refresh(account.id, "one", answered).await.unwrap();
    }
    let account = store.store_refreshed(&account, &login, now).await.unwrap().unwrap();
    store.accounts_due_for_refresh(now, 10).await.unwrap();
    store.set_refresh_due(&account, None).await.unwrap();

    let webhook = store.keys().seal(&super::encryption_keys::webhook_secret(user), "secret");
    let insert = "INSERT INTO aurareels_webhook_endpoints (wp_user_id, url, secret, created_at, updated_at) VALUES (1, 'x', ?, ?, ?)";
    store.db.write(async move |tx| tx.insert(insert, &params![&webhook, now, now]).await).await.unwrap();
    let rotated = store_at(place.clone(), "another key for tests, 0123456789", &[KEY]).await;
    let rotation = rotated.rotate_keys().await.unwrap();
    assert!(rotation.rewritten() >= 3 && !rotation.forgotten.is_empty(), "tokens, handles, webhooks: {rotation:?}");

    store.sign_on(now).await.unwrap();
    assert!(
        rotated.cores_with_other_keys(now).await.unwrap().len() == 1 && !rotated.has_silent_core(now).await.unwrap()
    );
    rotated.ask_for_keys(now + TimeDelta::seconds(1)).await.unwrap();
    let probed = store.probe(now, Duration::from_secs(10)).await.unwrap();
    assert!(probed.is_asked_for_keys && !probed.missing_keys.is_empty(), "{probed:?}");
    store.sign_off().await.unwrap();

    let gone = store.deactivate_account(&account, now).await.unwrap().unwrap().account;
    store.half_disconnected(platform).await.unwrap();
    store.wipe_tokens(&gone, now).await.unwrap().unwrap();

    let key = NewApiKey { name: "k".into(), hash: "h".into(), prefix: "p".into(), scopes: Vec::new(), user: None };
    let key = store.insert_api_key(key).await.unwrap();
    store.active_api_key("h").await.unwrap().unwrap();
    store.newest_revocation().await.unwrap();
    store.list_api_keys().await.unwrap();
    assert!(store.revoke_api_key(key.id).await.unwrap());
}

/// Runs every statement of the dashboard's logins.
async fn sessions(store: &Store) {
    let user = UserId(1);
    for number in 0..=MOST_LINKS {
        store.insert_dashboard_link(&format!("link {number}"), user, TimeDelta::minutes(1)).await.unwrap();
    }
    let new = NewSession { hash: "session".into(), user_agent: String::new(), instead_of: Some("before".into()) };
    let session = store.log_in("link 3", new).await.unwrap().unwrap();
    store.dashboard_session("session").await.unwrap().unwrap();
    store.dashboard_session_used(session.id).await.unwrap();
    for user in [None, Some(user)] {
        store.dashboard_sessions(user).await.unwrap();
        store.end_dashboard_session(user, session.id).await.unwrap();
    }
    store.newest_end_of_session().await.unwrap();
    store.purge_dashboard().await.unwrap();
}

/// Runs every statement of resumable uploads.
async fn resumable_uploads(store: &Store, user: UserId, now: DateTime<Utc>) {
    let new = StoredUpload {
        id: 0,
        wp_user_id: user,
        upload_id: "reel".into(),
        stored_as: Some("one.part".into()),
        size_bytes: 5,
        sha256: String::new(),
        media_id: String::new(),
        expires_at: now,
    };
    let first = store.begin_upload(new.clone(), None).await.unwrap().expect("begun");
    assert_eq!(store.begin_upload(new.clone(), None).await.unwrap(), None, "somebody else was first");
    let upload = store.begin_upload(new, Some(first)).await.unwrap().expect("begun anew");
    assert_eq!(store.upload(user, "reel").await.unwrap(), Some(upload.clone()));
    assert_eq!(store.unfinished_uploads(user).await.unwrap(), std::slice::from_ref(&upload));
    assert_eq!(store.uploads_due(now, 10).await.unwrap(), std::slice::from_ref(&upload));
    assert!(store.knows_media_file("one.part").await.unwrap());
    assert!(store.prolong_upload(upload.id, now + TimeDelta::hours(1)).await.unwrap());
    assert!(!store.forget_upload(&upload).await.unwrap(), "it was continued");
    store.finish_upload(upload.id, "media", now).await.unwrap();
    assert!(!store.knows_media_file("one.part").await.unwrap());
    assert!(store.forget_upload(&upload).await.unwrap());
}

/// Runs every statement of uploads.
async fn uploads(store: &Store, account: &Account, now: DateTime<Utc>) {
    let user = account.wp_user_id;
    let media_id = MediaId::of_hash([7; 32]);
    let new = |name: &str| NewMedia {
        wp_user_id: user,
        media_id: media_id.clone(),
        file_name: "reel.mp4".into(),
        stored_as: name.into(),
        facts: serde_json::from_str(r#"{"size_bytes":5,"container":"mp4"}"#).unwrap(),
        pull_token: name.into(),
    };
    let none = TimeDelta::zero();
    let Added::New(media) = store.add_media(new("one"), 5, none, now).await.unwrap() else { panic!("not added") };
    assert!(matches!(store.add_media(new("two"), 5, none, now).await.unwrap(), Added::Existing(_)));
    store.media_uploaded_again(user, &media_id, now).await.unwrap();
    store.replace_media_file(&media, "three").await.unwrap();
    let mut post = new_post(account, Status::Scheduled, "uploaded", now);
    post.post.content.media_id = media_id.to_string();
    store.insert_posts(vec![post]).await.unwrap();
    let policy = KeepPolicy { unused: none, done: none, failed: none };
    assert_eq!(store.media_due(now, 10).await.unwrap(), [media.id]);
    assert_eq!(store.settle_media(media.id, policy, now).await.unwrap(), Settled::Stays);
    assert_eq!(store.media_due(now, 10).await.unwrap(), [0; 0], "a post needs it: nobody looks at it any more");
    assert!(matches!(store.delete_media(user, &media_id).await.unwrap(), Settled::Needed(_)));
    assert!(store.media_to_fetch("one", now).await.unwrap().is_some());
    assert!(store.media_to_fetch("one", now - TimeDelta::hours(1)).await.unwrap().is_none(), "long before its time");
    let uses = store.media_uses(user, &media_id).await.unwrap();
    assert_eq!(uses, [(Status::Scheduled, now)]);
    let scheduled = PostQuery { statuses: vec![Status::Scheduled], ..PostQuery::default() };
    let posts = store.list_posts(user, &scheduled, Order::NewestFirst, None, 0, 9).await.unwrap();
    let used = posts.into_iter().find(|(_, post)| !post.content.media_id.is_empty()).unwrap().1;
    store.cancel(user, used.id, now, None).await.unwrap();
    assert_eq!(store.media_due(now, 10).await.unwrap(), [media.id], "looked at again");
    let by_media = VideoJobChange { video: Some(JobVideo::Media(media_id.to_string())), ..VideoJobChange::default() };
    for _ in 0..2 {
        store.put_video_job(user, "job", by_media.clone(), now).await.unwrap();
    }
    assert!(store.is_media_of_job(user, &media_id).await.unwrap());
    assert!(store.video_job(user, "job").await.unwrap().is_some_and(|job| job.has_video()));
    assert_eq!(store.list_video_jobs(user, i64::MAX, 10).await.unwrap().len(), 1);
    assert_eq!(store.settle_media(media.id, policy, now).await.unwrap(), Settled::Stays, "a job names it");
    assert!(matches!(store.delete_media(user, &media_id).await.unwrap(), Settled::Needed(_)));
    assert!(store.delete_video_job(user, "job", now).await.unwrap());
    assert!(store.knows_media_file("three").await.unwrap());
    let names = ["three".to_owned(), "four".to_owned()];
    assert_eq!(store.known_media_files(&names).await.unwrap(), BTreeSet::from(["three".to_owned()]));
    assert_eq!(store.settle_media(media.id, policy, now).await.unwrap(), Settled::Removed("three".into()));
    assert!(store.media(user, &media_id).await.unwrap().is_none());
    assert_eq!(store.media_bytes(user).await.unwrap(), 0);
    store.list_media(user, i64::MAX, 10).await.unwrap();
    let mut orphan = new_post(account, Status::Scheduled, "orphan", now);
    orphan.post.content.media_id = media_id.to_string();
    assert!(matches!(store.insert_posts(vec![orphan]).await, Err(Error::NoMedia(_))), "no post without its upload");
}

/// Whether a statement reads as many rows as an account, a user or a platform ever had.
fn reads_all_of_one(sql: &str, detail: &str) -> bool {
    let all = |of: &str| detail.ends_with(&format!("({of}=?)"));
    let is_known = READS_ALL_OF_ONE.iter().any(|known| sql.starts_with(known));
    let of_account = (all("social_account_id") || all("wp_user_id")) && !is_known && !sql.contains(" LIMIT ");
    let of_platform = all("platform") && sql.contains("aurareels_social_posts");
    (of_account && !PARTIAL.iter().any(|index| detail.contains(index))) || of_platform
}

/// Runs every statement of the store at least once.
async fn run_all(place: &Place) -> Store {
    let store = store_at(place.clone(), KEY, &[]).await;
    run_everything(&store, store.clock().now()).await;
    super::webhooks::tests::run_everything(&store, store.clock().now()).await;
    run_everything_of_accounts(place, store.clock().now()).await;
    let later = store.clock().now() + TimeDelta::days(1);
    set_status(&store, Status::Published, store.clock().now()).await;
    store.remove_old_steps(PostId(0), later).await.unwrap();
    store.remove_old_posts(PostId(0), later, later).await.unwrap();
    store
}

#[tokio::test]
async fn every_statement_uses_an_index() {
    let directory = tempfile::tempdir().unwrap();
    let store = run_all(&Place::from(Store::default_url(directory.path()).as_str())).await;
    let statements: Vec<String> = SEEN.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect();
    assert!(statements.len() > 90, "only {} statements were seen", statements.len());
    let mut scans = Vec::new();
    for sql in statements.iter().filter(|sql| !sql.starts_with("EXPLAIN") && !sql.starts_with("INSERT")) {
        if READS_FROM_THE_START.iter().any(|known| sql.starts_with(known)) {
            continue;
        }
        let values = vec![super::db::Value::Int(Some(1)); sql.matches('?').count()];
        for row in
            store.db.read().await.unwrap().fetch_all(&format!("EXPLAIN QUERY PLAN {sql}"), &values).await.unwrap()
        {
            let detail = row.text("detail").unwrap();
            // A scan of a whole index reads as many rows; only the one that stops at its first row may.
            let stops = sql.contains("ORDER BY next_step_at LIMIT 1")
                || detail.contains("CONSTANT ROW")
                // Holds those posts alone that are asked for, in their order.
                || detail.ends_with("USING INDEX aurareels_not_searchable")
                // Rows that the statement brings along, and results of subqueries that are limited to a few rows.
                || ["asked", "soon", "same", "linked", "older"].iter().any(|few| detail == format!("SCAN {few}"));
            if (detail.starts_with("SCAN") && !stops) || detail.contains("TEMP B-TREE") {
                scans.push(format!("{detail}: {sql}"));
            }
            if reads_all_of_one(sql, &detail) {
                scans.push(format!("{detail}, all of one: {sql}"));
            }
        }
    }
    assert!(scans.is_empty(), "these statements read whole tables:\n{}", scans.join("\n"));
    // A later release adds columns while a core of this one runs on the same database: a prepared `*` would break then.
    let star = |sql: &&String| {
        let sql = sql.replace("COUNT(*)", "").replace("SELECT * FROM (", "");
        sql.contains('*') && !sql.starts_with("EXPLAIN")
    };
    let stars: Vec<_> = statements.iter().filter(star).collect();
    assert!(stars.is_empty(), "these statements do not name what they read: {stars:#?}");
}
