//! Whole courses against the simulator.

use aurareels_simulator::{Host, When};
use chrono::{DateTime, TimeDelta};
use serde_json::{Value, json};
use url::Url;

use super::{
    Facebook,
    course::{FETCH, FINISH, START, UPLOAD},
    options::{FacebookOptions, FacebookTransfer},
};
use crate::{
    domain::{
        failure::{FailureClass, Reason},
        platform::{LoginFlavour, Platform},
    },
    platform::{
        LoginClient, Next, Outcome, PlatformClient, Refreshed,
        description::Options,
        meta::MetaSettings,
        settings::App,
        simulated::{End, Play},
        stand_in,
    },
};

const FB: LoginFlavour = LoginFlavour::FacebookLogin;

async fn start(transfer: FacebookTransfer) -> Play<Facebook> {
    let account = stand_in::account(Platform::Facebook, FB, DateTime::UNIX_EPOCH);
    let mut play = Play::begin(FB, account, |sim, tls| {
        let base = |host| Url::parse(sim.url(host)).unwrap();
        let credentials = aurareels_simulator::Options::default().credentials;
        let settings = MetaSettings {
            app: Some(App { id: credentials.instagram_app_id, secret: credentials.instagram_app_secret.into() }),
            dialog_base: base(Host::MetaDialog),
            graph_base: base(Host::MetaGraph),
            rupload_base: base(Host::MetaRupload),
            ..MetaSettings::default()
        };
        Facebook::new(settings, tls).unwrap()
    })
    .await;
    play.stage.post.content.options = FacebookOptions { transfer, ..FacebookOptions::default() }.alone();
    play
}

impl Play<Facebook> {
    /// Changes a switch of the simulated Pages.
    async fn behave(&self, change: Value) {
        self.control("meta/facebook/behaviour", json!({ "set": change })).await;
    }
}

const BOTH: [FacebookTransfer; 2] = [FacebookTransfer::Upload, FacebookTransfer::FileUrl];

#[tokio::test]
async fn both_ways_publish() {
    for transfer in BOTH {
        let mut play = start(transfer).await;
        play.publishes_once("plain").await;
        assert_eq!((play.times(START), play.times(FINISH)), (1, 1));
        let is_upload = transfer == FacebookTransfer::Upload;
        assert_eq!((play.times(UPLOAD), play.times(FETCH)), (usize::from(is_upload), usize::from(!is_upload)));
        let link = play.stage.post.platform_post_url.clone().unwrap();
        assert!(link.starts_with("https://www.facebook.com/reel/"), "{link}");
        assert!(play.client.check(&play.stage.account, &play.stage.tokens).await.is_ok());
    }
}

#[tokio::test]
async fn every_unclear_answer_to_the_finish_ends_in_one_post() {
    for when in [When::Before, When::After] {
        let mut play = start(FacebookTransfer::Upload).await;
        play.cut("meta.reel_finish", when);
        play.publishes_once(&format!("cut {when:?}")).await;
        assert_eq!(play.times(START), 1, "the same video");
    }
    for act in [true, false] {
        for fault in [
            json!({"error": "1"}),
            json!({"error": "2"}),
            json!({"error": "4"}),
            json!({"error": "6000"}),
            json!({"answer": "broken_json"}),
            json!({"answer": "html_502"}),
            json!({"answer": "empty_200"}),
        ] {
            let mut play = start(FacebookTransfer::Upload).await;
            let mut body = fault.clone();
            body["operation"] = "meta.reel_finish".into();
            body["act"] = act.into();
            play.control("meta/faults", body).await;
            play.publishes_once(&format!("{fault} acted: {act}")).await;
            assert_eq!((play.times(START), play.times(FINISH)), (1, 1 + usize::from(!act)), "{fault}");
        }
    }
}

#[tokio::test]
async fn every_spelling_of_the_status_is_understood() {
    for change in [
        json!({"completed": true}),
        json!({"transferred": true}),
        json!({"omit_phases": true}),
        json!({"extra_fields": true}),
        json!({"relative_permalink": false}),
        json!({"post_id_missing_reads": 3}),
        json!({"processing_ms": 60_000, "publishing_ms": 60_000}),
        json!({"finish_lag_ms": 60_000}),
    ] {
        let mut play = start(FacebookTransfer::Upload).await;
        play.behave(change.clone()).await;
        play.publishes_once(&change.to_string()).await;
    }
}

#[tokio::test]
async fn a_lost_finish_beside_a_worst_case_second_one_is_no_second_post() {
    for change in
        [json!({"processing_ms": 60_000}), json!({"publishing_ms": 60_000}), json!({"finish_lag_ms": 120_000})]
    {
        let mut play = start(FacebookTransfer::Upload).await;
        play.behave(json!({"second_finish": "duplicate"})).await;
        play.behave(change.clone()).await;
        play.cut("meta.reel_finish", When::After);
        play.publishes_once(&change.to_string()).await;
        assert_eq!(play.times(FINISH), 1, "{change}");
    }
}

#[tokio::test]
async fn a_video_that_facebook_refuses_fails_with_its_reason() {
    for (list, early) in [(false, false), (true, false), (false, true)] {
        for phase in ["processing", "publishing"] {
            let mut play = start(FacebookTransfer::Upload).await;
            let change =
                json!({"fails_in": phase, "failure": "1363128", "errors_list": list, "error_while_not_started": early});
            play.behave(change.clone()).await;
            let End::Failed(failure) = play.play().await else { panic!("{change}") };
            assert_eq!(
                (failure.reason, failure.class),
                (Reason::MediaRejected, FailureClass::InvalidMedia),
                "{change}"
            );
            assert!(play.sim.posts().is_empty());
        }
    }
}

#[tokio::test]
async fn an_unreadable_video_goes_to_a_person_and_not_out_twice() {
    for when in [When::Before, When::After] {
        let mut play = start(FacebookTransfer::Upload).await;
        play.cut("meta.reel_finish", when);
        // Readable until the finish left.
        loop {
            let Next::Step(step) = super::course::next(&play.stage.view()) else { panic!() };
            if step.kind == FINISH {
                break;
            }
            assert!(play.run(step).await.is_none());
        }
        play.behave(json!({"videos_unreadable": true})).await;
        assert!(matches!(play.play_out().await, End::Review), "{when:?}");
        assert_eq!(play.sim.posts().len(), usize::from(when == When::After));
    }
}

#[tokio::test]
async fn an_upload_that_is_cut_goes_on_where_it_was() {
    let mut play = start(FacebookTransfer::Upload).await;
    play.cut("meta.reel_upload", When::Body);
    play.publishes_once("cut upload").await;
    assert_eq!((play.times(START), play.times(UPLOAD)), (1, 2));
    let entries = play.stage.ledger.entries().iter().filter(|entry| entry.step == UPLOAD);
    let offsets: Vec<_> = entries.map(|entry| entry.handle.number("offset").unwrap()).collect();
    assert!(offsets[0] == 0 && offsets[1] > 0, "{offsets:?}");
}

#[tokio::test]
async fn the_limit_of_a_day_waits() {
    let mut play = start(FacebookTransfer::Upload).await;
    play.behave(json!({"reels_per_day": 1})).await;
    play.publishes_once("first").await;
    play.stage.ledger = Default::default();
    play.stage.post.content.full_caption = "another".into();
    let finish = loop {
        let Next::Step(step) = super::course::next(&play.stage.view()) else { panic!() };
        if step.kind == FINISH {
            break step;
        }
        assert!(play.run(step).await.is_none());
    };
    let outcome = play.client.run(&play.stage.call(), &finish).await;
    let Outcome::Refused { failure, .. } = outcome else { panic!("{outcome:?}") };
    assert!(matches!(failure.class, FailureClass::Quota { until: Some(_) }), "{failure:?}");
    play.wait(TimeDelta::hours(24));
    let end = play.play().await;
    assert!(matches!(end, End::Published(_)), "{end:?}");
    assert_eq!(play.sim.posts().len(), 2);
}

#[tokio::test]
async fn refresh_and_revoke() {
    let play = start(FacebookTransfer::Upload).await;
    let refreshed = play.client.refresh(&play.stage.account, &play.stage.tokens, play.stage.now).await;
    let Ok(Refreshed::New(grant)) = refreshed else { panic!() };
    assert!(play.client.check(&play.stage.account, &grant.tokens).await.is_ok());
    assert!(play.client.revoke(&play.stage.account, &grant.tokens).await.is_ok());
    assert!(play.client.check(&play.stage.account, &grant.tokens).await.is_err());
}
