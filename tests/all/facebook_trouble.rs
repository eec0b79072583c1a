//! Facebook Pages: what a login brings, every way of transfer, and trouble at every step.

use aurareels_proto::v1::{FacebookOptions, FacebookTransfer, Platform, PlatformOptions, PostContent, PostStatus};
use aurareels_simulator::{Action, Filter, Host, When};
use aurareels_tests::{
    Login, World, content,
    fault::{answer, cut},
};
use serde_json::json;

fn by_url(content: PostContent) -> PostContent {
    let options = FacebookOptions { transfer: FacebookTransfer::FileUrl.into(), ..Default::default() };
    PostContent { platform_options: Some(PlatformOptions { facebook: Some(options), ..Default::default() }), ..content }
}

fn troubles() -> Vec<(&'static str, Action)> {
    let unknown = json!({ "error": { "code": 1, "message": "An unknown error occurred", "type": "OAuthException" } });
    vec![
        ("cut before it acted", cut(When::Before)),
        ("cut after it acted", cut(When::After)),
        ("503 before it acted", answer(503, unknown.clone(), false)),
        ("503 after it acted", answer(503, unknown, true)),
        ("a web page before it acted", Action::Html { act: false }),
        ("a web page after it acted", Action::Html { act: true }),
        ("half an answer", Action::TruncatedBody),
        ("the connection ends in the answer", Action::BrokenResponse),
    ]
}

async fn one_post_in_spite_of(operation: &str) {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Page).await;
    let all = troubles();
    let count = all.len();
    for (name, action) in all {
        let rule = world.fault(operation, action);
        let id = me.publish_one(account, &format!("{operation}: {name}")).await;
        me.published(id).await;
        world.struck(rule);
    }
    world.finish(count).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_brings_the_pages_and_renews_their_instagram_accounts() {
    let world = World::start().await;
    let me = world.me();
    let instagram = me.connect(Login::Facebook).await;
    assert_eq!(instagram.len(), 2);
    let pages = me.connect(Login::Page).await;
    let of_facebook: Vec<_> = pages.iter().filter(|account| account.platform() == Platform::Facebook).collect();
    assert_eq!(of_facebook.len(), 3, "{pages:#?}");
    assert!(of_facebook.iter().any(|page| page.account_name == "Ada's Notes"), "a Page without an Instagram account");
    let again = me.connect(Login::Facebook).await;
    assert_eq!(again[0].id, instagram[0].id, "the same rows");
    world.finish(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_takes_an_upload_and_a_url() {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Page).await;
    for input in [content(&world, "uploaded"), by_url(content(&world, "fetched"))] {
        let ids = me.publish(&[account], input).await;
        let post = me.published(ids[0]).await;
        assert!(post.platform_post_url.starts_with("https://www.facebook.com/reel/"), "{post:#?}");
    }
    world.finish(2).await;
}

/// Five cuts, each at 95 % of what was still to be sent.
#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_is_cut_at_95_percent_five_times_ends_as_one_reel_with_the_sources_bytes() {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Page).await;
    let mut left = 2_000_000;
    for _ in 0..5 {
        let sent = left * 95 / 100;
        world.fault("meta.reel_upload", Action::Cut { when: When::Body, after_bytes: sent });
        left -= sent;
    }
    let url = format!("{}/v/cut.mp4?size=2000000&duration=15", world.sim.url(Host::Media));
    let ids = me.publish(&[account], PostContent { video_url: url.clone(), ..content(&world, "Cut five times") }).await;
    me.published(ids[0]).await;
    assert_eq!(world.sim.unspent_faults(), [""; 0]);
    assert_eq!(world.asked("meta.reel_start"), 1, "one video");
    let hash = aurareels_simulator::sha256_of(&url).expect("a hash").swap_remove(0);
    assert_eq!(world.sim.posts()[0].sha256.as_ref(), Some(&hash));
    world.finish(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_start_is_made_anew() {
    one_post_in_spite_of("meta.reel_start").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_upload_is_looked_at_and_resumed() {
    one_post_in_spite_of("meta.reel_upload").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_status_is_read_again() {
    one_post_in_spite_of("meta.video_status").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_finish_is_reconciled_not_resent_blindly() {
    one_post_in_spite_of("meta.reel_finish").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_refusal_of_a_finish_ends_as_its_class_says() {
    for (code, subcode, reason) in [
        (1363128, None, "MEDIA_REJECTED"),
        (100, Some(1363040), "MEDIA_REJECTED"),
        (1404102, None, "CONTENT_REJECTED"),
        (4854002, None, "ACCOUNT_RESTRICTED"),
        (104, None, "PLATFORM_REFUSED"),
    ] {
        let world = World::start().await;
        let me = world.me();
        let account = me.account(Login::Page).await;
        let error =
            json!({"error": {"code": code, "error_subcode": subcode, "message": "m", "type": "OAuthException"}});
        world.lasting_fault("meta.reel_finish", answer(400, error, false));
        let id = me.publish_one(account, &format!("{code}")).await;
        let post = me.failed(id, reason).await;
        assert_eq!(post.status(), PostStatus::Failed, "{code}");
        let finishes = world.sim.requests(&Filter { operation: Some("meta.reel_finish".into()), ..Default::default() });
        assert_eq!(finishes.len(), 1, "{code}: refused for good, sent once");
        world.finish(0).await;
    }
}
