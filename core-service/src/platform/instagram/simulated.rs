//! Whole courses against the simulator.

use aurareels_simulator::{Host, When};
use chrono::TimeDelta;
use serde_json::{Value, json};
use url::Url;

use super::{
    Instagram, InstagramSettings,
    course::{CONTAINER, PUBLISH, UPLOAD},
    stand_in::{account, post},
};
use crate::{
    domain::{failure::Reason, ledger::Ledger, platform::LoginFlavour, post::Post},
    platform::{
        LoginClient, Refreshed,
        meta::MetaSettings,
        settings::App,
        simulated::{End, Play},
    },
};

const FB: LoginFlavour = LoginFlavour::FacebookLogin;
const IG: LoginFlavour = LoginFlavour::InstagramLogin;

async fn start(flavour: LoginFlavour) -> Play<Instagram> {
    Play::begin(flavour, account(flavour), |sim, tls| {
        let base = |host| Url::parse(sim.url(host)).unwrap();
        let credentials = aurareels_simulator::Options::default().credentials;
        let app = |id: &str, secret: &str| Some(App { id: id.into(), secret: secret.into() });
        let settings = InstagramSettings {
            meta: MetaSettings {
                app: app(&credentials.instagram_app_id, &credentials.instagram_app_secret),
                dialog_base: base(Host::MetaDialog),
                graph_base: base(Host::MetaGraph),
                rupload_base: base(Host::MetaRupload),
                ..MetaSettings::default()
            },
            instagram_login_app: app(&credentials.instagram_login_app_id, &credentials.instagram_login_app_secret),
            ig_auth_base: base(Host::InstagramAuth),
            ig_api_base: base(Host::InstagramApi),
            ig_graph_base: base(Host::InstagramGraph),
        };
        Instagram::new(settings, tls).unwrap()
    })
    .await
}

impl Play<Instagram> {
    /// Changes a switch of the simulated Meta.
    async fn behave(&self, change: Value) {
        self.control("meta/behaviour", json!({ "set": change })).await;
    }
}

#[tokio::test]
async fn both_logins_publish() {
    for flavour in [FB, IG] {
        let mut play = start(flavour).await;
        play.stage.post.content.allow_comments = Some(false);
        play.publishes_once(flavour.as_str()).await;
        assert_eq!(play.times(CONTAINER), 1);
        assert_eq!(play.times(UPLOAD), usize::from(flavour == FB));
        assert!(play.client.check(&play.stage.account, &play.stage.tokens).await.is_ok());
        let quota = play.client.quota(&play.stage.account, &play.stage.tokens, play.stage.now).await;
        assert_eq!(quota.unwrap_or_else(|_| panic!()).used, Some(1));
    }
}

#[tokio::test]
async fn every_unclear_answer_to_publishing_ends_in_one_post() {
    for flavour in [FB, IG] {
        for when in [When::Before, When::After] {
            let mut play = start(flavour).await;
            play.cut("meta.media_publish", when);
            play.publishes_once(&format!("{flavour} cut {when:?}")).await;
            assert_eq!(play.times(CONTAINER), 1, "the same container");
        }
    }
    for act in [true, false] {
        for fault in [
            json!({"error": "1"}),
            json!({"error": "2"}),
            json!({"error": "-1/2207001"}),
            json!({"error": "4/2207051"}),
            json!({"error": "4"}),
            json!({"error": "24/2207008"}),
            json!({"error": "24/2207006"}),
            json!({"answer": "broken_json"}),
            json!({"answer": "html_502"}),
            json!({"answer": "empty_200"}),
        ] {
            let mut play = start(FB).await;
            let mut body = fault.clone();
            body["operation"] = "meta.media_publish".into();
            body["act"] = act.into();
            play.control("meta/faults", body).await;
            play.publishes_once(&format!("{fault} acted: {act}")).await;
            assert_eq!((play.times(CONTAINER), play.times(PUBLISH)), (1, 1 + usize::from(!act)), "{fault}");
        }
    }
}

#[tokio::test]
async fn reads_that_lag_or_lie_do_not_double_a_post() {
    for change in [
        json!({"published_lag_ms": 120_000}),
        json!({"list_lag_ms": 120_000}),
        json!({"published_lag_ms": 3_600_000}),
        json!({"list_lag_ms": 3_600_000}),
        json!({"publish_takes_ms": 130_000}),
        json!({"reads_after_publish": ["FINISHED", "FINISHED"]}),
        json!({"forget_published_after_s": 1}),
        json!({"captions_without_at": true, "containers_unreadable": true}),
    ] {
        let mut play = start(FB).await;
        play.cut("meta.media_publish", When::After);
        play.behave(json!({"second_publish": "duplicate"})).await;
        play.behave(change.clone()).await;
        let end = play.play_out().await;
        assert_eq!(play.sim.posts().len(), 1, "{change}: {end:?}");
        assert!(matches!(end, End::Published(_)), "{change}: {end:?}");
    }
}

#[tokio::test]
async fn what_cannot_be_told_goes_to_a_person_and_not_out_twice() {
    for when in [When::Before, When::After] {
        let mut play = start(FB).await;
        play.stage.post.content.full_caption = String::new();
        play.cut("meta.media_publish", when);
        play.behave(json!({"containers_unreadable": true})).await;
        assert!(matches!(play.play_out().await, End::Review), "{when:?}");
        assert_eq!(play.sim.posts().len(), usize::from(when == When::After));
    }
}

#[tokio::test]
async fn an_upload_that_is_cut_goes_on_where_it_was() {
    let mut play = start(FB).await;
    play.cut("meta.upload", When::Body);
    play.publishes_once("cut upload").await;
    assert_eq!((play.times(CONTAINER), play.times(UPLOAD)), (1, 2));
    let offsets: Vec<_> = play
        .stage
        .ledger
        .entries()
        .iter()
        .filter(|entry| entry.step == UPLOAD)
        .map(|entry| entry.handle.number("offset").unwrap())
        .collect();
    assert_eq!(offsets[0], 0);
    assert!(offsets[1] > 0, "{offsets:?}");
}

#[tokio::test]
async fn media_that_instagram_refuses_fails_with_its_reason() {
    for (error, reason) in [("352/2207026", Reason::VideoFormatInvalid), ("9004/2207052", Reason::VideoNotPublic)] {
        let mut play = start(IG).await;
        play.behave(json!({ "processing_error": error })).await;
        let End::Failed(failure) = play.play().await else { panic!("{error}") };
        assert_eq!(failure.reason, reason);
        assert!(play.sim.posts().is_empty());
    }
}

#[tokio::test]
async fn unreadable_links_come_from_the_list() {
    let mut play = start(FB).await;
    play.behave(json!({"media_unreadable": true})).await;
    play.publishes_once("media unreadable").await;
    assert!(play.refused("meta.media_read") > 0, "its link came from elsewhere");
    let mut play = start(IG).await;
    play.behave(json!({"permalink_failures": 2, "containers_unreadable": true})).await;
    play.publishes_once("containers unreadable").await;
    assert!(play.refused("meta.container_status") > 0);
    assert!(play.refused("meta.media_read") > 0, "its link came from elsewhere");
}

#[tokio::test]
async fn a_full_quota_waits() {
    let mut play = start(IG).await;
    play.behave(json!({"quota_total": 1})).await;
    play.publishes_once("first").await;
    let first = play.sim.clock().now();
    play.stage.post = Post { content: play.stage.post.content.clone(), ..post() };
    play.stage.ledger = Ledger::default();
    let end = play.play().await;
    assert!(matches!(end, End::Published(_)), "{end:?}");
    assert_eq!(play.sim.posts().len(), 2);
    assert!(play.sim.clock().now() - first > TimeDelta::hours(23), "not before there was room");
}

#[tokio::test]
async fn refresh_and_revoke() {
    let play = start(FB).await;
    let Ok(Refreshed::New(grant)) = play.client.refresh(&play.stage.account, &play.stage.tokens, play.stage.now).await
    else {
        panic!()
    };
    assert!(play.client.check(&play.stage.account, &grant.tokens).await.is_ok());
    assert!(play.client.revoke(&play.stage.account, &grant.tokens).await.is_ok());
    assert!(play.client.check(&play.stage.account, &grant.tokens).await.is_err());

    let mut play = start(IG).await;
    play.stage.account.token_expires_at = Some(play.stage.now + TimeDelta::days(60));
    let early = play.client.refresh(&play.stage.account, &play.stage.tokens, play.stage.now).await;
    assert!(matches!(early, Ok(Refreshed::NotRefreshable(_))));
    play.wait(TimeDelta::days(2));
    let later = play.client.refresh(&play.stage.account, &play.stage.tokens, play.stage.now).await;
    let Ok(Refreshed::New(grant)) = later else { panic!() };
    assert!(play.client.check(&play.stage.account, &grant.tokens).await.is_ok());
}
