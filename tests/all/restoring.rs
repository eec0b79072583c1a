//! Backups that are restored: what went out meanwhile is found, what did not goes on, and nothing goes out twice.

use aurareels_proto::v1::{
    CancelPostRequest, CreateDraftRequest, FacebookOptions, FacebookTransfer, GetPostRequest, InstagramOptions,
    InstagramTransfer, PlatformOptions, PostContent, PostStatus, PublishPostNowRequest, ReconcilePostRequest,
    Resolution, ResolvePostRequest, RetryPostRequest, TikTokOptions, TikTokTransfer, WatchPostsRequest, YouTubeOptions,
    YouTubePublish,
};
use aurareels_simulator::Hold;
use aurareels_tests::{
    Login, User, World, content, is_about_files,
    posting::{publish, steps, timestamp},
    uploading::uploaded,
};
use chrono::TimeDelta;
use serde_json::json;
use tonic::Code;

use crate::process::run;

/// Every way in which a post reaches a platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    TiktokUpload,
    TiktokPull,
    FacebookUpload,
    FacebookUrl,
    InstagramUrl,
    PageUpload,
    PageUrl,
    YoutubeTwoSteps,
    YoutubeOneStep,
}

const MODES: [Mode; 9] = [
    Mode::TiktokUpload,
    Mode::TiktokPull,
    Mode::FacebookUpload,
    Mode::FacebookUrl,
    Mode::InstagramUrl,
    Mode::PageUpload,
    Mode::PageUrl,
    Mode::YoutubeTwoSteps,
    Mode::YoutubeOneStep,
];

impl Mode {
    fn login(self) -> Login {
        match self {
            Self::TiktokUpload | Self::TiktokPull => Login::Tiktok,
            Self::FacebookUpload | Self::FacebookUrl => Login::Facebook,
            Self::InstagramUrl => Login::Instagram,
            Self::PageUpload | Self::PageUrl => Login::Page,
            Self::YoutubeTwoSteps | Self::YoutubeOneStep => Login::Youtube,
        }
    }

    fn content(self, world: &World, caption: &str) -> PostContent {
        let tiktok = matches!(self, Self::TiktokPull)
            .then(|| TikTokOptions { transfer: TikTokTransfer::PullFromUrl.into(), ..Default::default() });
        let instagram = matches!(self, Self::FacebookUrl)
            .then(|| InstagramOptions { transfer: InstagramTransfer::VideoUrl.into(), ..Default::default() });
        let facebook = matches!(self, Self::PageUrl)
            .then(|| FacebookOptions { transfer: FacebookTransfer::FileUrl.into(), ..Default::default() });
        let youtube = matches!(self, Self::YoutubeOneStep)
            .then(|| YouTubeOptions { publish: YouTubePublish::OneStep.into(), ..Default::default() });
        let options = PlatformOptions { tiktok, instagram, facebook, youtube };
        PostContent { platform_options: Some(options), ..content(world, &format!("{caption} by {self:?}")) }
    }
}

async fn draft(me: &User<'_>, account: i64, content: PostContent) -> i64 {
    let request = CreateDraftRequest { account_id: account, content: Some(content), ..Default::default() };
    me.posts().create_draft(request).await.expect("a draft").into_inner().id
}

async fn publish_now(me: &User<'_>, id: i64) {
    let request = PublishPostNowRequest { id, expected_scheduled_at: None };
    me.posts().publish_post_now(request).await.expect("begun");
}

async fn schedule(me: &User<'_>, account: i64, content: PostContent, hours: i64) -> i64 {
    let at = aurareels_tests::posting::at(me.world.now() + TimeDelta::hours(hours));
    let request = aurareels_tests::posting::schedule(&[account], content, at);
    me.posts().schedule_posts(request).await.expect("scheduled").into_inner().posts[0].id
}

/// A post that failed: Instagram could not process its video, and later can.
async fn failed(me: &User<'_>, account: i64, content: PostContent) -> i64 {
    me.world.meta("behaviour", json!({ "set": { "processing_error": "352/2207026" } })).await;
    let id = me.publish(&[account], content).await[0];
    me.ends(id, PostStatus::Failed).await;
    me.world.meta("behaviour", json!({ "set": { "processing_error": null } })).await;
    id
}

/// TikTok changes refresh tokens as it gives them, so that a backup's may be used up.
async fn log_in_again(me: &User<'_>, login: Login, account: i64) {
    if login == Login::Tiktok {
        me.reconnect(login, Some(account)).await;
    }
}

async fn everything_that_went_out_is_found(mode: Mode) {
    let mut world = World::start().await;
    let account = world.me().account(mode.login()).await;
    let file = world.backup_file("backup");
    let all = {
        let me = world.me();
        let of = |caption: &str| mode.content(&world, caption);
        let due = schedule(&me, account, of("due"), 2).await;
        let early = schedule(&me, account, of("early by hand"), 24 * 7).await;
        let draft = draft(&me, account, of("a draft")).await;
        world.backup(&file).await;
        for id in [early, draft] {
            publish_now(&me, id).await;
            me.published(id).await;
        }
        world.advance(TimeDelta::hours(2));
        me.published(due).await;
        [due, early, draft]
    };
    let mut before = Vec::new();
    for id in all {
        before.push(world.me().published(id).await.platform_post_id);
    }
    let asked = world.sim.posts().len();
    world.restore(&file).await;
    let me = world.me();
    log_in_again(&me, mode.login(), account).await;
    for (id, known) in all.into_iter().zip(before) {
        let post = me.published(id).await;
        assert_eq!(post.platform_post_id, known, "{mode:?}: {post:#?}");
        assert!(steps(&post).contains(&"restore.search"), "{post:#?}");
    }
    assert_eq!(world.sim.posts().len(), asked);
    world.finish(3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_tiktok_was_sent_after_the_backup_is_not_sent_again() {
    everything_that_went_out_is_found(Mode::TiktokUpload).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_tiktok_fetched_after_the_backup_is_not_fetched_again() {
    everything_that_went_out_is_found(Mode::TiktokPull).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_facebook_login_uploaded_after_the_backup_is_not_published_again() {
    everything_that_went_out_is_found(Mode::FacebookUpload).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_facebook_login_fetched_after_the_backup_is_not_published_again() {
    everything_that_went_out_is_found(Mode::FacebookUrl).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_instagram_login_published_after_the_backup_is_not_published_again() {
    everything_that_went_out_is_found(Mode::InstagramUrl).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_page_was_sent_after_the_backup_is_not_sent_again() {
    everything_that_went_out_is_found(Mode::PageUpload).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_facebook_fetched_after_the_backup_is_not_fetched_again() {
    everything_that_went_out_is_found(Mode::PageUrl).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_youtube_was_shown_after_the_backup_is_not_shown_again() {
    everything_that_went_out_is_found(Mode::YoutubeTwoSteps).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_youtube_was_sent_after_the_backup_is_not_sent_again() {
    everything_that_went_out_is_found(Mode::YoutubeOneStep).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_post_that_was_retried_after_the_backup_is_found_and_retrying_it_again_sends_nothing() {
    let mut world = World::start().await;
    let account = world.me().account(Login::Facebook).await;
    let file = world.backup_file("backup");
    let id = {
        let me = world.me();
        let id = failed(&me, account, content(&world, "Second try")).await;
        world.backup(&file).await;
        me.posts().retry_post(RetryPostRequest { id }).await.unwrap();
        me.published(id).await;
        id
    };
    world.restore(&file).await;
    let me = world.me();
    // Before anybody looked, or after it was found.
    if let Err(refused) = me.posts().retry_post(RetryPostRequest { id }).await {
        assert_eq!(refused.code(), Code::FailedPrecondition, "{refused:?}");
    }
    me.published(id).await;
    world.finish(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_did_not_go_out_goes_on_by_its_own_time() {
    for mode in MODES {
        let mut world = World::start().await;
        let account = world.me().account(mode.login()).await;
        let file = world.backup_file("backup");
        let (scheduled, draft, due) = {
            let me = world.me();
            let scheduled = schedule(&me, account, mode.content(&world, "later"), 5).await;
            let draft = draft(&me, account, mode.content(&world, "some day")).await;
            let due = me.get(scheduled).await.scheduled_at.unwrap();
            (scheduled, draft, due)
        };
        world.backup(&file).await;
        world.restore(&file).await;
        let me = world.me();
        me.until(draft, "looked for", |post| post.waiting_for.is_empty()).await;
        assert_eq!(me.get(draft).await.status(), PostStatus::Draft, "{mode:?}");
        let post = me.until(scheduled, "looked for", |post| post.waiting_for != "restore_check").await;
        assert_eq!(post.status(), PostStatus::Scheduled, "{mode:?}: {post:#?}");
        assert!(timestamp(world.now()).seconds < due.seconds, "{mode:?}: in time");
        let post = me.published(scheduled).await;
        assert!(post.published_at.unwrap().seconds >= due.seconds, "{mode:?}: not before its time: {post:#?}");
        publish_now(&me, draft).await;
        me.published(draft).await;
        world.finish(2).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_whose_post_and_key_are_gone_is_found_on_the_platform() {
    for mode in MODES {
        let mut world = World::start().await;
        let account = world.me().account(mode.login()).await;
        let file = world.backup_file("backup");
        world.backup(&file).await;
        let content = mode.content(&world, "once");
        let first = world.me().publish(&[account], content.clone()).await[0];
        let known = world.me().published(first).await.platform_post_id;
        world.restore(&file).await;
        let me = world.me();
        let again = me.posts().publish_posts(publish(&[account], content)).await.unwrap().into_inner();
        let id = again.posts[0].id;
        assert!(id > first + 1_000_000 && id < 1 << 53, "{mode:?}: {id} after {first}");
        assert_eq!(me.published(id).await.platform_post_id, known, "{mode:?}");
        // What is new is published, once it is known to be new.
        let new = me.publish(&[account], mode.content(&world, "another")).await[0];
        me.published(new).await;
        world.finish(2).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_post_that_was_on_its_way_at_the_backup_is_found() {
    let mut world = World::start().await;
    let account = world.me().account(Login::Facebook).await;
    let file = world.backup_file("backup");
    let held = world.hold("meta.media_publish", aurareels_simulator::Hold::Before);
    let id = world.me().publish_one(account, "On its way").await;
    world.me().until(id, "sent", |post| steps(post).contains(&"instagram.media_publish")).await;
    world.backup(&file).await;
    world.sim.release_fault(held);
    world.me().published(id).await;
    world.restore(&file).await;
    world.me().published(id).await;
    world.finish(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_restored_posts_with_one_caption_go_to_a_person_when_one_of_them_is_out() {
    let mut world = World::start().await;
    let account = world.me().account(Login::Facebook).await;
    let file = world.backup_file("backup");
    let (one, two) = {
        let me = world.me();
        (
            me.schedule_one(account, "Good morning", world.now() + TimeDelta::hours(1)).await,
            me.schedule_one(account, "Good morning", world.now() + TimeDelta::hours(48)).await,
        )
    };
    world.backup(&file).await;
    world.me().published(one).await;
    world.restore(&file).await;
    let me = world.me();
    for id in [one, two] {
        let post = me.ends(id, PostStatus::NeedsReview).await;
        assert!(post.error.as_ref().unwrap().message.contains("a backup was restored"), "{post:#?}");
    }
    // Looking again tells no more; a person does.
    me.posts().reconcile_post(ReconcilePostRequest { id: two }).await.unwrap();
    me.ends(two, PostStatus::NeedsReview).await;
    let word = |id, resolution: Resolution, platform_post_id: &str| ResolvePostRequest {
        id,
        resolution: resolution.into(),
        platform_post_id: platform_post_id.into(),
        ..ResolvePostRequest::default()
    };
    let live = world.sim.posts()[0].platform_post_id.clone();
    me.posts().resolve_post(word(one, Resolution::Published, &live)).await.unwrap();
    me.posts().resolve_post(word(two, Resolution::NotPublished, "")).await.unwrap();
    me.posts().retry_post(RetryPostRequest { id: two }).await.unwrap();
    me.published(two).await;
    world.finish(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_tiktok_does_not_list_goes_to_a_person_and_is_not_sent() {
    let mut world = World::start().await;
    let account = world.me().account(Login::Tiktok).await;
    let file = world.backup_file("backup");
    let input = PostContent { privacy_level: "PRIVATE".into(), ..content(&world, "For me alone") };
    let id = schedule(&world.me(), account, input, 2).await;
    world.backup(&file).await;
    world.me().ends(id, PostStatus::Published).await;
    world.restore(&file).await;
    log_in_again(&world.me(), Login::Tiktok, account).await;
    let post = world.me().ends(id, PostStatus::NeedsReview).await;
    assert!(format!("{:?}", post.attempts).contains("TikTok lists only public videos"), "{post:#?}");
    assert_eq!(world.sim.posts().len(), 1);
    world.finish(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_post_is_not_cancelled_or_deleted_while_it_may_be_out() {
    let mut world = World::start().await;
    let account = world.me().account(Login::Facebook).await;
    let file = world.backup_file("backup");
    let id = world.me().schedule_one(account, "Too late?", world.now() + TimeDelta::hours(1)).await;
    world.backup(&file).await;
    let published = world.me().published(id).await;
    // It is found only after the refusal, however slow the caller is.
    let held = world.hold("meta.media_list", Hold::Before);
    world.restore(&file).await;
    let refusal = world.me().refused(world.me().posts().cancel_post(CancelPostRequest { id })).await;
    refusal.is(Code::FailedPrecondition, "RESTORE_CHECK");
    world.sim.release_fault(held);
    assert_eq!(world.me().published(id).await.platform_post_id, published.platform_post_id);
    world.finish(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn positions_of_lost_events_are_out_of_range() {
    let mut world = World::start().await;
    let account = world.me().account(Login::Facebook).await;
    let file = world.backup_file("backup");
    let kept = world.db.newest_event(1).await;
    world.backup(&file).await;
    let id = world.me().publish_one(account, "Lost").await;
    world.me().published(id).await;
    let lost = world.db.newest_event(1).await;
    assert!(lost > kept);
    let lineage = world.restore(&file).await;
    let me = world.me();
    let after = |sequence| WatchPostsRequest { after_sequence: Some(sequence), ..WatchPostsRequest::default() };
    for position in [kept + 1, lost, lineage.events_from.0 + 1_000] {
        let refusal = me.refused(me.posts().watch_posts(after(position))).await;
        refusal.is(Code::OutOfRange, "POSITION_OF_LOST_EVENTS");
    }
    me.posts().watch_posts(after(kept)).await.expect("the backup's own position");
    let gone = me.posts().get_post(GetPostRequest { id }).await.expect_err("the post is gone");
    assert_eq!(gone.code(), Code::NotFound);
    world.finish(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_of_waiting_posts_come_back_on_another_machine() {
    if is_about_files("a server is backed up by its own tools") {
        return;
    }
    let mut world = World::start().await;
    let account = world.me().account(Login::Facebook).await;
    let file = world.backup_file("backup");
    let bytes = world.file("moved", 300_000).await;
    let id = {
        let me = world.me();
        let content = uploaded(&me.upload(&bytes).await, "From my disk");
        schedule(&me, account, content, 3).await
    };
    let written = world.written_backup(&file).await;
    assert_eq!((written.about.media, written.left_out), (1, 0));
    world.stop_core().await;
    world.db.close().await;
    std::fs::remove_dir_all(world.data_dir()).unwrap();
    let restored = world.try_restore(&file, false).await.expect("into an empty place");
    assert_eq!((restored.media, restored.kept), (1, None));
    world.open_database();
    world.start_core().await;
    world.me().published(id).await;
    world.finish(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_is_restored_only_while_no_core_serves_and_nothing_is_lost_unasked() {
    if is_about_files("a server is backed up by its own tools") {
        return;
    }
    let mut world = World::start().await;
    let account = world.me().account(Login::Facebook).await;
    let file = world.backup_file("backup");
    world.backup(&file).await;
    let refused = world.try_restore(&file, true).await.expect_err("a core serves");
    assert!(refused.to_string().contains("stop it first"), "{refused}");
    world.stop_core().await;
    world.db.close().await;
    let refused = world.try_restore(&file, false).await.expect_err("accounts are there");
    assert!(refused.to_string().contains("--replace"), "{refused}");
    let whole = std::fs::read(&file).unwrap();
    for (broken, why) in [(whole[..whole.len() - 3_000].to_vec(), "cut off"), (changed(&whole), "changed")] {
        std::fs::write(&file, broken).unwrap();
        let refused = world.try_restore(&file, true).await.expect_err("not whole");
        assert!(refused.to_string().contains("not a whole backup"), "{why}: {refused}");
    }
    std::fs::write(&file, whole).unwrap();
    let restored = world.try_restore(&file, true).await.expect("restored");
    assert!(restored.kept.expect("the old database").exists());
    world.open_database();
    world.start_core().await;
    world.me().get_account(account).await;
    world.finish(0).await;
}

/// A backup with one bit of its database turned.
fn changed(whole: &[u8]) -> Vec<u8> {
    let mut bytes = whole.to_vec();
    let at = bytes.len() / 2;
    bytes[at] ^= 1;
    bytes
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_was_put_back_by_hand_publishes_nothing_until_it_is_told() {
    if is_about_files("a server is backed up by its own tools") {
        return;
    }
    let mut world = World::start().await;
    let account = world.me().account(Login::Facebook).await;
    let database = world.data_dir().join("aurareels.db");
    let due = world.now() + TimeDelta::hours(1);
    let id = world.me().schedule_one(account, "Copied", due).await;
    world.db.close().await;
    world.stop_core().await;
    let copy = world.backup_file("copy.db");
    std::fs::copy(&database, &copy).unwrap();
    let copied_at = world.now();
    world.open_database();
    world.start_core().await;
    let published = world.me().published(id).await;
    world.db.close().await;
    world.stop_core().await;
    std::fs::copy(&copy, &database).unwrap();
    world.open_database();
    world.start_core().await;
    {
        let me = world.me();
        assert_eq!(me.get(id).await.status(), PostStatus::Scheduled, "it can be read");
        let refusal = me.refused(me.posts().publish_posts(publish(&[account], content(&world, "New")))).await;
        refusal.is(Code::FailedPrecondition, "DATABASE_BEHIND");
        let refusal = me.refused(me.posts().cancel_post(CancelPostRequest { id })).await;
        refusal.is(Code::FailedPrecondition, "DATABASE_BEHIND");
        world.advance(TimeDelta::hours(2));
        for _ in 0..40 {
            world.breathe().await;
        }
        assert_eq!(world.asked("meta.container_create"), 1, "nothing was sent");
    }
    world.stop_core().await;
    world.db.close().await;
    let doctor = run(world.settings(), &["doctor", "--offline"]).await;
    let findings = String::from_utf8_lossy(&doctor.stdout).into_owned();
    assert!(!doctor.status.success() && findings.contains("WRONG  database: the database is older"), "{findings}");
    world.tell_restored(copied_at).await;
    world.open_database();
    world.start_core().await;
    assert_eq!(world.me().published(id).await.platform_post_id, published.platform_post_id);
    world.finish(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_database_beside_its_mark_is_not_begun_anew_by_itself() {
    if is_about_files("a server is backed up by its own tools") {
        return;
    }
    let mut world = World::start().await;
    world.me().account(Login::Facebook).await;
    world.stop_core().await;
    world.db.close().await;
    for beside in ["aurareels.db", "aurareels.db-wal", "aurareels.db-shm"] {
        let _ = std::fs::remove_file(world.data_dir().join(beside));
    }
    let refused = world.try_start().await.expect_err("a refusal");
    assert!(format!("{refused:#}").contains("aurareels.mark is there"), "{refused:#}");
    // The data directory was moved without its mark: nothing to complain about.
    std::fs::remove_file(world.data_dir().join("aurareels.mark")).unwrap();
    world.open_database();
    world.start_core().await;
    assert!(world.data_dir().join("aurareels.mark").exists(), "written anew");
    world.stop_core().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_under_load_is_the_state_of_one_moment_and_can_be_restored_twice() {
    if is_about_files("a server is backed up by its own tools") {
        return;
    }
    let mut world = World::start().await;
    let account = world.me().account(Login::Facebook).await;
    let file = world.backup_file("backup");
    let far = world.now() + TimeDelta::days(3);
    let load = async {
        for number in 0..60 {
            world.me().schedule_one(account, &format!("Load {number}"), far).await;
        }
    };
    let backups = async {
        let mut written = world.written_backup(&file).await;
        for _ in 0..3 {
            written = world.written_backup(&file).await;
        }
        written
    };
    tokio::join!(load, backups);
    assert_eq!(std::fs::metadata(&file).map(|found| found.permissions()).map(mode).unwrap(), 0o600);
    let mut lineages = Vec::new();
    for _ in 0..2 {
        lineages.push(world.restore(&file).await);
        // One row is one event: both or neither are there.
        let counts = world.db.counts().await;
        let created = world.me().events().await.iter().filter(|event| event.post_id != 0).count();
        assert_eq!(counts.posts, i64::try_from(created).unwrap());
    }
    assert!(lineages[1].events_from > lineages[0].events_from);
    assert_eq!(lineages[1].kept_through, lineages[0].kept_through);
    world.stop_core().await;
}

#[cfg(unix)]
fn mode(permissions: std::fs::Permissions) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    permissions.mode() & 0o777
}

#[cfg(not(unix))]
fn mode(_: std::fs::Permissions) -> u32 {
    0o600
}
