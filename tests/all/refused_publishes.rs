//! Refusals of the request that makes a post visible: a claim of the platform, read before anything follows from it. Every
//! code of the sheets, by a platform that acted all the same and by one that did not.

use aurareels_proto::v1::{
    PlatformOptions, Post, PostContent, PostStatus, Resolution, ResolvePostRequest, RetryPostRequest, TikTokOptions,
    TikTokTransfer,
};
use aurareels_simulator::{Action, Rule};
use aurareels_tests::{
    Login, World, content,
    fault::{answer, on},
    posting::at_rest,
};
use chrono::TimeDelta;
use serde_json::json;
use tonic::Code;

/// Where a refused post ends whose refusal was true.
#[derive(Clone, Copy)]
enum Ends {
    /// It goes out later.
    Published,
    /// It fails with this code, the refusal's own.
    Failed(&'static str),
    /// It waits for its account's owner, and goes out after that.
    Reconnected,
}

use Ends::{Failed, Published, Reconnected};

/// Meta's refusals of `media_publish`.
const META: &[(&str, Ends)] = &[
    ("9/2207042", Published),
    ("9007/2207027", Published),
    ("368", Published),
    ("190", Published),
    ("25/2207050", Failed("ACCOUNT_RESTRICTED")),
    ("352/2207026", Failed("VIDEO_FORMAT_INVALID")),
    ("100/2207023", Failed("PLATFORM_REFUSED")),
    ("100/2207040", Failed("RULE_VIOLATION")),
    ("36000/2207004", Failed("MEDIA_REJECTED")),
    ("36004/2207010", Failed("CAPTION_TOO_LONG")),
    ("3", Failed("PLATFORM_REFUSED")),
    ("100", Failed("PLATFORM_REFUSED")),
    ("506", Failed("DUPLICATE_POST")),
    ("10", Reconnected),
    ("200", Reconnected),
];

/// Waits until a post rests; where it waits for its owner instead, the account is connected again.
async fn at_rest_with_a_login(world: &World, login: Login, account: i64, id: i64) -> (Post, bool) {
    let me = world.me();
    let post = me.until(id, "at rest or waiting", |post| at_rest(post) || post.waiting_for == "reconnect").await;
    if at_rest(&post) {
        return (post, false);
    }
    assert_eq!(post.status(), PostStatus::Confirming, "{post:#?}");
    me.reconnect(login, Some(account)).await;
    (me.until(id, "at rest", at_rest).await, true)
}

async fn no_answer_of_meta_is_believed(login: Login, act: bool) {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(login).await;
    world.meta("behaviour", json!({ "set": { "quota_total": 1_000, "second_publish": "duplicate" } })).await;
    let mut visible = 0;
    for (error, ends) in META {
        let fault = json!({ "operation": "meta.media_publish", "error": error, "act": act });
        world.meta("faults", fault).await;
        let asked = world.asked("meta.media_publish");
        let id = me.publish_one(account, &format!("Refused by {error}")).await;
        let (post, reconnected) = at_rest_with_a_login(&world, login, account, id).await;
        match ends {
            Failed(code) if !act => {
                assert_eq!(post.status(), PostStatus::Failed, "{error}: {post:#?}");
                assert_eq!(post.error.as_ref().unwrap().code, *code, "{error}: {post:#?}");
                assert_eq!(world.asked("meta.media_publish"), asked + 1, "{error}");
                continue;
            }
            Reconnected if !act => assert!(reconnected, "{error}: {post:#?}"),
            Failed(_) | Reconnected | Published => {}
        }
        assert_eq!(post.status(), PostStatus::Published, "{error}: {post:#?}");
        let post = me.published(id).await;
        let seen: Vec<_> = world.sim.posts().into_iter().filter(|seen| seen.caption == post.full_caption).collect();
        assert_eq!(seen.len(), 1, "{error}: {seen:#?}");
        assert_eq!(seen[0].platform_post_id, post.platform_post_id, "{error}");
        assert_eq!(world.asked("meta.media_publish"), asked + 1 + usize::from(!act), "{error}: {post:#?}");
        visible += 1;
    }
    world.finish(visible).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_by_meta_that_acted_is_found_live() {
    no_answer_of_meta_is_believed(Login::Facebook, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_by_meta_that_did_not_act_is_proven_first() {
    no_answer_of_meta_is_believed(Login::Facebook, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_by_instagram_login_that_acted_is_found_live() {
    no_answer_of_meta_is_believed(Login::Instagram, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_by_instagram_login_that_did_not_act_is_proven_first() {
    no_answer_of_meta_is_believed(Login::Instagram, false).await;
}

/// A post whose publish Instagram refused for a dead login, and that waits for its owner.
async fn waiting_for_its_owner(world: &World, account: i64, caption: &str) -> i64 {
    world.meta("faults", json!({ "operation": "meta.media_publish", "error": "190/458" })).await;
    let me = world.me();
    let id = me.publish_one(account, caption).await;
    let post = me.until(id, "waiting", |post| at_rest(post) || post.waiting_for == "reconnect").await;
    assert_eq!((post.status(), post.waiting_for.as_str()), (PostStatus::Confirming, "reconnect"), "{post:#?}");
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_login_leaves_it_confirming_and_the_late_policy_decides_after_the_next() {
    for (hours, expected) in [(1, PostStatus::Published), (25, PostStatus::Failed)] {
        let world = World::start().await;
        let me = world.me();
        let account = me.account(Login::Facebook).await;
        let id = waiting_for_its_owner(&world, account, "The login dies").await;
        world.advance(TimeDelta::hours(hours));
        me.reconnect(Login::Facebook, Some(account)).await;
        let post = me.ends(id, expected).await;
        if expected == PostStatus::Failed {
            assert_eq!(post.error.as_ref().unwrap().code, "MISSED", "{post:#?}");
            // A person may still want it.
            me.posts().retry_post(RetryPostRequest { id }).await.unwrap();
        }
        me.published(id).await;
        world.finish(1).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_may_settle_what_waits_for_a_login() {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Facebook).await;
    let id = waiting_for_its_owner(&world, account, "The login dies").await;
    let word = ResolvePostRequest {
        id,
        resolution: Resolution::NotPublished.into(),
        note: "Ada looked".into(),
        ..Default::default()
    };
    let settled = me.posts().resolve_post(word).await.unwrap().into_inner();
    assert_eq!((settled.status(), settled.retry_available), (PostStatus::Failed, true));
    me.reconnect(Login::Facebook, Some(account)).await;
    me.posts().retry_post(RetryPostRequest { id }).await.unwrap();
    let post = me.published(id).await;
    // One post of the platform is one post here.
    let other = waiting_for_its_owner(&world, account, "It dies again").await;
    let taken = ResolvePostRequest {
        id: other,
        resolution: Resolution::Published.into(),
        platform_post_id: post.platform_post_id.clone(),
        note: "mixed up".into(),
        ..Default::default()
    };
    let refusal = me.refused(me.posts().resolve_post(taken)).await;
    refusal.is(Code::FailedPrecondition, "DUPLICATE_POST");
    assert!(refusal.message.contains(&format!("post {id}")), "{refusal:#?}");
    let word = ResolvePostRequest { id: other, resolution: Resolution::NotPublished.into(), ..Default::default() };
    me.posts().resolve_post(word).await.unwrap();
    world.finish(1).await;
}

/// Every status that TikTok's upload servers give.
const PUTS: &[u16] = &[200, 201, 206, 400, 403, 404, 416, 500, 503];

#[tokio::test(flavor = "multi_thread")]
async fn no_status_of_a_last_byte_is_believed() {
    for act in [true, false] {
        let world = World::start().await;
        let me = world.me();
        let account = me.account(Login::Tiktok).await;
        let mut visible = 0;
        for status in PUTS {
            let rule = world.fault("tiktok.upload_last_chunk", answer(*status, json!(""), act));
            let inits = world.asked("tiktok.video_init");
            let id = me.publish_one(account, &format!("PUT {status}, acted: {act}")).await;
            if *status == 400 && !act {
                me.failed(id, "PLATFORM_REFUSED").await;
            } else {
                me.published(id).await;
                visible += 1;
            }
            world.struck(rule);
            assert_eq!(world.asked("tiktok.video_init"), inits + 1, "{status}: the same upload goes on");
        }
        world.finish(visible).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_address_that_stays_dead_is_given_up_when_it_cannot_act_any_more() {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Tiktok).await;
    let rule = Rule { times: 2, ..Rule::once(on("tiktok.upload_last_chunk"), answer(404, json!(""), false)) };
    world.sim.add_fault(rule);
    let begun = world.now();
    let id = me.publish_one(account, "Dead address").await;
    me.published(id).await;
    assert_eq!(world.asked("tiktok.video_init"), 2);
    assert!(world.now() - begun >= TimeDelta::hours(1), "not while the first address lived");
    world.finish(1).await;
}

/// TikTok's refusals of an init, and what a pull that they refused truly ends in.
const INITS: &[(u16, &str, Ends)] = &[
    (400, "invalid_params", Failed("PLATFORM_REFUSED")),
    (401, "access_token_invalid", Published),
    (401, "scope_not_authorized", Reconnected),
    (403, "spam_risk_too_many_posts", Published),
    (403, "spam_risk_user_banned_from_posting", Failed("ACCOUNT_RESTRICTED")),
    (403, "reached_active_user_cap", Published),
    (403, "unaudited_client_can_only_post_to_private_accounts", Failed("PLATFORM_REFUSED")),
    (403, "url_ownership_unverified", Failed("PLATFORM_REFUSED")),
    (403, "privacy_level_option_mismatch", Failed("PRIVACY_NOT_OFFERED")),
    (429, "rate_limit_exceeded", Published),
];

fn refusal(status: u16, code: &str, act: bool) -> Action {
    answer(status, json!({ "error": { "code": code, "message": "no", "log_id": "x" } }), act)
}

fn pull(content: PostContent) -> PostContent {
    let options = TikTokOptions { transfer: TikTokTransfer::PullFromUrl.into(), ..Default::default() };
    PostContent { platform_options: Some(PlatformOptions { tiktok: Some(options), ..Default::default() }), ..content }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_refusal_of_a_pull_is_believed() {
    for act in [true, false] {
        let world = World::start().await;
        let me = world.me();
        let account = me.account(Login::Tiktok).await;
        let mut visible = 0;
        for (status, code, ends) in INITS {
            let rule = world.fault("tiktok.video_init", refusal(*status, code, act));
            let asked = world.asked("tiktok.video_init");
            let id = me.publish(&[account], pull(content(&world, &format!("Pull refused by {code}")))).await[0];
            let (post, _) = at_rest_with_a_login(&world, Login::Tiktok, account, id).await;
            world.struck(rule);
            if let (Failed(reason), false) = (ends, act) {
                assert_eq!(post.error.as_ref().map(|error| error.code.as_str()), Some(*reason), "{code}: {post:#?}");
                assert_eq!(post.status(), PostStatus::Failed, "{code}: {post:#?}");
                assert_eq!(world.asked("tiktok.video_init"), asked + 1, "{code}");
                continue;
            }
            assert_eq!(post.status(), PostStatus::Published, "{code}: {post:#?}");
            let post = me.published(id).await;
            let seen: Vec<_> = world.sim.posts().into_iter().filter(|seen| seen.caption == post.full_caption).collect();
            assert_eq!(seen.len(), 1, "{code}: {seen:#?}");
            assert_eq!(seen[0].platform_post_id, post.platform_post_id, "{code}");
            assert_eq!(world.asked("tiktok.video_init"), asked + 1 + usize::from(!act), "{code}: {post:#?}");
            visible += 1;
        }
        world.finish(visible).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_pull_that_no_list_would_show_is_a_persons_matter() {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Tiktok).await;
    world.fault("tiktok.video_init", refusal(403, "url_ownership_unverified", true));
    let private = PostContent { privacy_level: "PRIVATE".into(), ..content(&world, "For me alone") };
    let id = me.publish(&[account], pull(private)).await[0];
    me.ends(id, PostStatus::NeedsReview).await;
    assert_eq!(world.asked("tiktok.video_init"), 1);
    // TikTok may still be fetching the video.
    let visible = async || {
        world.advance(TimeDelta::seconds(5));
        (!world.sim.posts().is_empty()).then_some(())
    };
    world.wait_for("the post that the refused request made", visible).await;
    world.finish(1).await;
}
