//! Whole courses against the simulator.

use aurareels_simulator::{Filter, Host, When};
use chrono::{DateTime, TimeDelta};
use serde_json::{Value, json};
use url::Url;

use super::{
    Youtube, YoutubeSettings,
    course::{PUBLISH, SESSION, UPLOAD, UPLOAD_LAST},
    options::{YoutubeOptions, YoutubePublish},
};
use crate::{
    domain::{
        failure::{FailureClass, Reason},
        platform::{LoginFlavour, Platform},
    },
    platform::{
        LoginClient, Refreshed,
        description::Options,
        settings::App,
        simulated::{End, Play},
        stand_in,
    },
};

const GOOGLE: LoginFlavour = LoginFlavour::Google;
const BOTH: [YoutubePublish; 2] = [YoutubePublish::TwoSteps, YoutubePublish::OneStep];

async fn start(publish: YoutubePublish) -> Play<Youtube> {
    let account = stand_in::account(Platform::Youtube, GOOGLE, DateTime::UNIX_EPOCH);
    let mut play = Play::begin(GOOGLE, account, |sim, tls| {
        let base = |host| Url::parse(sim.url(host)).unwrap();
        let credentials = aurareels_simulator::Options::default().credentials;
        let settings = YoutubeSettings {
            app: Some(App { id: credentials.youtube_client_id, secret: credentials.youtube_client_secret.into() }),
            auth_base: base(Host::GoogleAuth),
            token_base: base(Host::GoogleToken),
            api_base: base(Host::YouTubeApi),
            uploads_per_day: 100,
            units_per_day: 10_000,
        };
        Youtube::new(settings, tls).unwrap()
    })
    .await;
    play.stage.post.content.options = YoutubeOptions { publish, ..YoutubeOptions::default() }.alone();
    play.stage.post.content.privacy_level = "PUBLIC".into();
    play
}

impl Play<Youtube> {
    async fn rules(&self, change: Value) {
        self.control("youtube/rules", change).await;
    }

    /// Every video that was ever made, also those that nobody sees.
    async fn videos(&self) -> Vec<Value> {
        let url = format!("{}/_sim/youtube/videos", self.sim.url(Host::Control));
        let list: Value = reqwest_get(&url).await;
        list.as_array().or_else(|| list["videos"].as_array()).cloned().unwrap_or_default()
    }
}

async fn reqwest_get(url: &str) -> Value {
    let tls = crate::http::tls_config(&crate::http::HttpSettings::default()).unwrap();
    let client = crate::http::client_builder(&tls).build().unwrap();
    let body = client.get(url).send().await.unwrap().bytes().await.unwrap();
    serde_json::from_slice(&body).unwrap()
}

#[tokio::test]
async fn both_ways_publish_one_video() {
    for publish in BOTH {
        let mut play = start(publish).await;
        play.publishes_once("plain").await;
        let is_one = publish == YoutubePublish::OneStep;
        assert_eq!(play.times(SESSION), 1);
        assert_eq!((play.times(PUBLISH), play.times(UPLOAD_LAST)), (usize::from(!is_one), usize::from(is_one)));
        assert_eq!(play.videos().await.len(), 1);
        let link = play.stage.post.platform_post_url.clone().unwrap();
        assert!(link.starts_with("https://www.youtube.com/watch?v="), "{link}");
        assert!(play.client.check(&play.stage.account, &play.stage.tokens).await.is_ok());
    }
}

#[tokio::test]
async fn every_unclear_answer_to_the_second_step_ends_in_one_video() {
    for when in [When::Before, When::After] {
        let mut play = start(YoutubePublish::TwoSteps).await;
        play.cut("youtube.videos_update", when);
        play.publishes_once(&format!("cut {when:?}")).await;
        assert_eq!((play.times(SESSION), play.times(PUBLISH)), (1, 1 + usize::from(when == When::Before)));
        assert_eq!(play.videos().await.len(), 1);
    }
    for act in [true, false] {
        for error in [
            "500/backendError",
            "empty/503",
            "403/forbiddenPrivacySetting",
            "403/quotaExceeded",
            "429/rateLimitExceeded",
        ] {
            let mut play = start(YoutubePublish::TwoSteps).await;
            let error = error.strip_prefix("403/").or(error.strip_prefix("429/")).unwrap_or(error);
            let fault = json!({"error": error, "operation": "youtube.videos_update", "act": act});
            play.control("youtube/faults", fault).await;
            let end = play.play().await;
            assert_eq!(play.videos().await.len(), 1, "{error}");
            match (act, error) {
                // Not acted on and refused for good: it fails by its reason, and nothing is visible.
                (false, "forbiddenPrivacySetting") => {
                    assert!(matches!(end, End::Published(_) | End::Failed(_)), "{error}: {end:?}");
                }
                _ => assert!(matches!(end, End::Published(_)), "{error} acted: {act}: {end:?}"),
            }
            assert!(play.sim.posts().len() <= 1, "{error}");
        }
    }
}

#[tokio::test]
async fn every_unclear_answer_to_the_last_chunk_ends_in_one_video() {
    for when in [When::Before, When::After, When::Body] {
        let mut play = start(YoutubePublish::OneStep).await;
        play.cut("youtube.upload_last_chunk", when);
        play.publishes_once(&format!("cut {when:?}")).await;
        assert_eq!(play.times(SESSION), 1, "{when:?}: the same session");
        assert_eq!(play.videos().await.len(), 1, "{when:?}");
    }
    for act in [true, false] {
        let mut play = start(YoutubePublish::OneStep).await;
        let fault = json!({"error": "empty/503", "operation": "youtube.upload_last_chunk", "act": act});
        play.control("youtube/faults", fault).await;
        play.publishes_once(&format!("503 acted: {act}")).await;
        assert_eq!(play.videos().await.len(), 1);
    }
}

#[tokio::test]
async fn a_private_upload_that_is_cut_goes_on_where_it_was() {
    let mut play = start(YoutubePublish::TwoSteps).await;
    play.stage.video.bytes = vec![7; 2_000_000];
    play.rules(json!({"check_media": false})).await;
    for _ in 0..5 {
        let matcher =
            aurareels_simulator::Matcher { operation: Some("youtube.upload_last_chunk".into()), ..Default::default() };
        let action = aurareels_simulator::Action::Cut { when: When::Body, after_bytes: 300_000 };
        play.sim.add_fault(aurareels_simulator::Rule::once(matcher, action));
    }
    play.publishes_once("cut five times").await;
    assert_eq!((play.times(SESSION), play.times(UPLOAD)), (1, 6));
    let videos = play.videos().await;
    assert_eq!(videos.len(), 1);
    let hash = hex::encode(<sha2::Sha256 as sha2::Digest>::digest(&play.stage.video.bytes));
    assert!(videos[0].to_string().contains(&hash), "the source's bytes: {}", videos[0]);
}

#[tokio::test]
async fn chunks_of_a_one_step_upload_have_one_size_also_after_a_cut() {
    let mut play = start(YoutubePublish::OneStep).await;
    play.rules(json!({"equal_chunks": true, "check_media": false})).await;
    play.stage.video.bytes = vec![9; 20_000_000];
    play.cut("youtube.upload_chunk", When::Body);
    play.publishes_once("cut in a chunk").await;
    assert_eq!(play.videos().await.len(), 1);
}

#[tokio::test]
async fn a_lost_session_of_a_complete_private_upload_makes_no_second_video() {
    let mut play = start(YoutubePublish::TwoSteps).await;
    play.cut("youtube.upload_last_chunk", When::After);
    play.rules(json!({"finished_session_seconds": 0, "uploads_list_lag_seconds": 60})).await;
    play.publishes_once("the session is gone").await;
    assert_eq!((play.times(SESSION), play.videos().await.len()), (1, 1), "found by the file's name");
}

#[tokio::test]
async fn a_lost_session_of_a_one_step_upload_is_found_or_goes_to_a_person() {
    let mut play = start(YoutubePublish::OneStep).await;
    play.cut("youtube.upload_last_chunk", When::After);
    play.rules(json!({"finished_session_seconds": 0, "uploads_list_lag_seconds": 60})).await;
    play.publishes_once("found by the file's name").await;
    assert_eq!(play.videos().await.len(), 1);

    let mut play = start(YoutubePublish::OneStep).await;
    play.cut("youtube.upload_last_chunk", When::After);
    play.rules(json!({"finished_session_seconds": 0, "uploads_list_lag_seconds": 864_000})).await;
    assert!(matches!(play.play_out().await, End::Review));
    assert_eq!((play.sim.posts().len(), play.videos().await.len()), (1, 1));
}

#[tokio::test]
async fn a_video_that_youtube_fails_is_never_made_visible() {
    let mut play = start(YoutubePublish::TwoSteps).await;
    play.control("youtube/behaviour", json!({"outcome": "fail", "reason": "codec", "processing_seconds": 0.0})).await;
    let End::Failed(failure) = play.play().await else { panic!("published") };
    assert_eq!((failure.class, failure.reason), (FailureClass::InvalidMedia, Reason::VideoFormatInvalid));
    assert!(play.sim.posts().is_empty());
    assert_eq!(play.times(PUBLISH), 0);
}

#[tokio::test]
async fn a_video_that_youtube_keeps_private_is_told_truthfully() {
    for publish in BOTH {
        let mut play = start(publish).await;
        play.rules(json!({"force_private": true})).await;
        let End::Failed(failure) = play.play().await else { panic!("{publish:?}: published") };
        assert_eq!(failure.rule, "KEPT_PRIVATE", "{failure:?}");
        assert!(play.sim.posts().is_empty());
    }
}

#[tokio::test]
async fn the_update_keeps_the_other_fields_of_the_status() {
    let mut play = start(YoutubePublish::TwoSteps).await;
    let options = YoutubeOptions {
        made_for_kids: Some(true),
        contains_synthetic_media: Some(true),
        embeddable: Some(false),
        creative_commons: true,
        ..YoutubeOptions::default()
    };
    play.stage.post.content.options = options.alone();
    play.publishes_once("declarations").await;
    let filter = Filter { operation: Some("youtube.videos_update".into()), ..Filter::default() };
    assert_eq!(play.sim.requests(&filter).len(), 1);
    let id = play.stage.post.platform_post_id.clone().unwrap();
    let query = [("part", "status"), ("id", id.as_str())];
    let until = tokio::time::Instant::now() + super::course::CALL;
    let reply = play.client.get(&play.stage.tokens.access, "/youtube/v3/videos", &query, until).await;
    let super::errors::Reply::Value(list, _) = reply else { panic!("{reply:?}") };
    let status = &list["items"][0]["status"];
    assert_eq!(status["privacyStatus"], "public");
    for (field, value) in [
        ("selfDeclaredMadeForKids", json!(true)),
        ("containsSyntheticMedia", json!(true)),
        ("embeddable", json!(false)),
        ("license", json!("creativeCommon")),
    ] {
        assert_eq!(status[field], value, "{field}");
    }
}

#[tokio::test]
async fn the_quota_of_the_app_waits_for_midnight_in_california() {
    let mut play = start(YoutubePublish::TwoSteps).await;
    let before = play.sim.clock().now();
    play.control("youtube/faults", json!({"error": "quotaExceeded", "operation": "youtube.upload_init"})).await;
    play.publishes_once("quota").await;
    let waited = play.sim.clock().now();
    assert!(waited >= super::errors::next_pacific_midnight(before) && waited - before < TimeDelta::hours(26));
}

#[tokio::test]
async fn refresh_and_revoke() {
    let mut play = start(YoutubePublish::TwoSteps).await;
    play.wait(TimeDelta::hours(2));
    let refreshed = play.client.refresh(&play.stage.account, &play.stage.tokens, play.stage.now).await;
    let Ok(Refreshed::New(grant)) = refreshed else { panic!() };
    assert!(grant.tokens.refresh.is_some(), "it does not rotate");
    assert!(play.client.check(&play.stage.account, &grant.tokens).await.is_ok());
    assert!(play.client.revoke(&play.stage.account, &grant.tokens).await.is_ok());
    assert!(play.client.refresh(&play.stage.account, &grant.tokens, play.stage.now).await.is_err());
}

#[tokio::test]
async fn a_session_that_was_opened_as_public_is_not_completed_by_an_edit_to_two_steps() {
    let mut play = start(YoutubePublish::OneStep).await;
    play.rules(json!({"check_media": false})).await;
    play.stage.video.bytes = vec![9; 20_000_000];
    play.cut("youtube.upload_chunk", When::Body);
    while play.times(UPLOAD) == 0 {
        play.step().await;
    }
    play.stage.post.content.options = YoutubeOptions::default().alone();
    while play.times(PUBLISH) == 0 {
        assert!(play.sim.posts().is_empty(), "visible before the publish");
        play.step().await;
    }
    assert_eq!((play.times(SESSION), play.times(UPLOAD_LAST)), (2, 0));
}

#[tokio::test]
async fn the_name_of_a_file_tells_when_its_post_was_made() {
    let play = start(YoutubePublish::TwoSteps).await;
    let (post, marker) = (&play.stage.post, super::course::marker(&play.stage.post));
    for name in [marker.clone(), format!("{marker}-1"), format!("{marker}-2-x.mp4")] {
        let made = super::course::marked_at(&name).map(|at| at.timestamp_micros());
        assert_eq!(made, Some(post.created_at.timestamp_micros()), "{name}");
    }
    for name in ["holiday.mp4", "aura-7.mp4", "aura-7-soon-1"] {
        assert_eq!(super::course::marked_at(name), None, "{name}");
    }
}
