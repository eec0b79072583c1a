//! Containers and the commit point.

use reqwest::Method;
use serde_json::json;

use super::{Bed, send};
use crate::Host;
use crate::fault::{Action, Matcher, Rule, When};

/// Fields and the error they earn.
type Case<'a> = (&'a [(&'a str, &'a str)], (i64, Option<i64>));

fn at_publish(action: Action) -> Rule {
    let matcher = Matcher { operation: Some("meta.media_publish".to_owned()), ..Matcher::default() };
    Rule::once(matcher, action)
}

#[tokio::test]
async fn a_reel_goes_from_url_to_profile() {
    let bed = Bed::start().await;
    let id = bed.container("hello @ada #reel").await;
    let status = bed.status(&id).await;
    assert_eq!((&status.body["status_code"], &status.body["id"]), (&json!("FINISHED"), &json!(id)));
    assert_eq!(bed.get(&format!("/v25.0/{id}"), &bed.page).await.body, json!({ "id": id }));
    assert_eq!(bed.visible(), 0);
    let media = bed.publish(&id).await.text("id");
    let posts = bed.sim.posts_of("instagram", &bed.ig);
    assert_eq!(posts.len(), 1);
    assert_eq!((&posts[0].platform_post_id, &posts[0].source_id), (&media, &id));
    assert_eq!(posts[0].byte_count, Some(200_000));
    assert_eq!(bed.status(&id).await.body["status_code"], "PUBLISHED");
    let fields = "id,permalink,caption,media_type,media_product_type,timestamp,username";
    let node = bed.get(&format!("/v25.0/{media}?fields={fields}"), &bed.page).await.body;
    assert_eq!((&node["media_type"], &node["media_product_type"]), (&json!("VIDEO"), &json!("REELS")));
    assert!(node["timestamp"].as_str().unwrap().ends_with("+0000"));
    assert_eq!(node["permalink"].as_str(), posts[0].url.as_deref());
}

#[tokio::test]
async fn publishing_too_early_too_late_or_an_unknown_container_makes_no_post() {
    let bed = Bed::start().await;
    bed.behave(json!({ "processing_ms": 60_000 })).await;
    let id = bed.container("early").await;
    let early = bed.publish(&id).await;
    assert_eq!((early.status, early.error()), (400, (9007, Some(2207027))));
    bed.advance(61);
    assert_eq!(bed.status(&id).await.body["status_code"], "FINISHED");
    bed.advance(86_400);
    assert_eq!(bed.status(&id).await.body["status_code"], "EXPIRED");
    assert_eq!(bed.publish(&id).await.error(), (24, Some(2207008)));
    assert_eq!(bed.publish("17890000000009999").await.error(), (24, Some(2207008)));
    assert_eq!(bed.visible(), 0);
    assert_eq!(bed.publish(&bed.container("x").await).await.error(), (9007, Some(2207027)));
}

#[tokio::test]
async fn a_second_publish_is_one_of_three_things() {
    let bed = Bed::start().await;
    let id = bed.container("once").await;
    let first = bed.publish(&id).await.text("id");
    assert_eq!(bed.publish(&id).await.error(), (24, Some(2207006)));
    bed.behave(json!({ "second_publish": "same_id" })).await;
    assert_eq!(bed.publish(&id).await.text("id"), first);
    assert_eq!(bed.visible(), 1);
    bed.behave(json!({ "second_publish": "duplicate" })).await;
    assert_ne!(bed.publish(&id).await.text("id"), first);
    assert_eq!(bed.visible(), 2);
}

#[tokio::test]
async fn a_lost_answer_leaves_the_post_and_a_refusal_does_not() {
    let bed = Bed::start().await;
    let cut = |when| at_publish(Action::Cut { when, after_bytes: 0 });
    let publish = async |id: &str| {
        let path = format!("/v25.0/{}/media_publish", bed.ig);
        let request = bed.request(Method::POST, Host::MetaGraph, &path).bearer_auth(&bed.page);
        request.form(&[("creation_id", id)]).send().await
    };
    let lost = bed.container("lost").await;
    bed.sim.add_fault(cut(When::Before));
    assert!(publish(&lost).await.is_err());
    assert_eq!((bed.visible(), &bed.status(&lost).await.body["status_code"]), (0, &json!("FINISHED")));
    bed.sim.add_fault(cut(When::After));
    assert!(publish(&lost).await.is_err());
    assert_eq!((bed.visible(), &bed.status(&lost).await.body["status_code"]), (1, &json!("PUBLISHED")));
    for (number, (act, error)) in
        [(true, "4/2207051"), (false, "-1/2207001"), (true, "2"), (false, "1"), (true, "-1/2207001")].iter().enumerate()
    {
        let id = bed.container(&format!("post {number}")).await;
        let before = bed.visible();
        let fault = json!({ "operation": "meta.media_publish", "account": bed.ig, "error": error, "act": act });
        bed.control("faults", fault).await;
        let answer = bed.publish(&id).await;
        let (code, subcode) = answer.error();
        assert_eq!(subcode.map_or(code.to_string(), |subcode| format!("{code}/{subcode}")), *error);
        assert_eq!(bed.visible() - before, usize::from(*act), "{error}");
    }
    let id = bed.container("broken").await;
    bed.control("faults", json!({ "operation": "meta.media_publish", "answer": "broken_json", "act": true })).await;
    let answer = bed.publish(&id).await;
    assert_eq!((answer.status, answer.body.is_string()), (200, true));
    assert_eq!(bed.status(&id).await.body["status_code"], "PUBLISHED");
}

#[tokio::test]
async fn reads_after_the_publish_can_lag_and_contradict_themselves() {
    let bed = Bed::start().await;
    let set = json!({ "reads_after_publish": ["PUBLISHED", "FINISHED"], "list_lag_ms": 60_000 });
    bed.behave(set).await;
    let id = bed.container("lag").await;
    bed.publish(&id).await.text("id");
    let mut seen = Vec::new();
    for _ in 0..3 {
        seen.push(bed.status(&id).await.text("status_code"));
    }
    assert_eq!(seen, ["PUBLISHED", "FINISHED", "PUBLISHED"]);
    let list = format!("/v25.0/{}/media", bed.ig);
    assert_eq!(bed.get(&list, &bed.page).await.body["data"], json!([]));
    bed.advance(61);
    assert_eq!(bed.get(&list, &bed.page).await.body["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_slow_publish_is_in_progress_until_the_post_is_there() {
    let bed = Bed::start().await;
    bed.behave(json!({ "publish_takes_ms": 120_000, "published_lag_ms": 60_000 })).await;
    let id = bed.container("slow").await;
    bed.publish(&id).await.text("id");
    assert_eq!((bed.visible(), bed.status(&id).await.text("status_code")), (0, "IN_PROGRESS".to_owned()));
    bed.advance(121);
    assert_eq!((bed.visible(), bed.status(&id).await.text("status_code")), (1, "FINISHED".to_owned()));
    bed.advance(60);
    assert_eq!(bed.status(&id).await.text("status_code"), "PUBLISHED");
}

#[tokio::test]
async fn bad_fields_are_refused_with_their_codes() {
    let bed = Bed::start().await;
    let video = bed.video();
    let tags = (0..21).map(|n| format!("@user{n}")).collect::<Vec<_>>().join(" ");
    let hashes = (0..31).map(|n| format!("#tag{n}")).collect::<Vec<_>>().join(" ");
    let long = "x".repeat(2_201);
    let cases: &[Case<'_>] = &[
        (&[("media_type", "FILM")], (100, Some(2207023))),
        (&[("caption", &long)], (36004, Some(2207010))),
        (&[("caption", &hashes)], (36004, Some(2207010))),
        (&[("caption", &tags)], (100, Some(2207040))),
        (&[("thumb_offset", "-1")], (1, Some(2207057))),
        (&[("collaborators", "[\"a\",\"b\",\"c\",\"d\"]")], (100, None)),
        (&[("collaborators", "a,b")], (100, None)),
        (&[("location_id", "12345")], (100, None)),
        (&[("trial_params", "{\"graduation_strategy\":\"MANUAL\"}")], (100, Some(2207081))),
        (&[("video_url", "https://exämple.org/v.mp4")], (9004, Some(2207052))),
        (&[("alt_text", "a video")], (100, None)),
        (&[("share_to_feed", "maybe")], (100, None)),
    ];
    for (fields, error) in cases {
        let mut form = fields.to_vec();
        for (name, value) in [("media_type", "REELS"), ("video_url", video.as_str())] {
            if !form.iter().any(|(given, _)| *given == name) {
                form.push((name, value));
            }
        }
        assert_eq!(bed.create(&form).await.error(), *error, "{fields:?}");
    }
    assert_eq!(bed.create(&[("media_type", "REELS")]).await.error(), (100, None));
    let exact = "é".repeat(2_200);
    assert_eq!(bed.create(&[("media_type", "REELS"), ("video_url", &video), ("caption", &exact)]).await.status, 200);
    let old = bed.create(&[("media_type", "VIDEO"), ("video_url", &video)]).await.text("id");
    bed.settled(&old).await;
    assert_eq!(bed.publish(&old).await.error(), (100, Some(2207089)));
}

#[tokio::test]
async fn downloads_fail_in_the_container_or_at_creation() {
    let bed = Bed::start().await;
    let media = bed.sim.url(Host::Media).to_owned();
    let cases = [
        (format!("{media}/v/a.mp4?status=404"), (9004, 2207052)),
        ("http://127.0.0.1:1/nothing.mp4".to_owned(), (9004, 2207052)),
        (format!("{media}/v/a.mp4?size=90000&html=1"), (352, 2207026)),
        (format!("{media}/v/a.mp4?size=200000&duration=2"), (352, 2207026)),
        (format!("{media}/v/a.mp4?size=200000&duration=10&codec=vp09"), (352, 2207026)),
        (format!("{media}/v/a.mp4?size=200000&duration=10&moov=last"), (352, 2207026)),
    ];
    for (url, (_, subcode)) in &cases {
        let id = bed.create(&[("media_type", "REELS"), ("video_url", url)]).await.text("id");
        assert_eq!(bed.settled(&id).await, "ERROR", "{url}");
        let status = bed.status(&id).await.text("status");
        assert!(status.contains(&subcode.to_string()), "{url}: {status}");
    }
    bed.behave(json!({ "fetch_errors": "create" })).await;
    for (url, (code, subcode)) in &cases {
        let answer = bed.create(&[("media_type", "REELS"), ("video_url", url)]).await;
        assert_eq!(answer.error(), (*code, Some(*subcode)), "{url}");
    }
    bed.behave(json!({ "fetch_timeout_ms": 50 })).await;
    let slow = format!("{media}/v/a.mp4?size=200000&duration=10&rate=1000");
    let answer = bed.create(&[("media_type", "REELS"), ("video_url", &slow)]).await;
    assert_eq!(answer.error(), (-2, Some(2207003)));
}

#[tokio::test]
async fn a_thumbnail_beyond_the_end_shows_once_the_duration_is_known() {
    let bed = Bed::start().await;
    let video = bed.video();
    let form = [("media_type", "REELS"), ("video_url", video.as_str()), ("thumb_offset", "10000")];
    let id = bed.create(&form).await.text("id");
    bed.settled(&id).await;
    let status = bed.status(&id).await;
    assert_eq!(status.body["status_code"], "ERROR");
    assert!(status.text("status").contains("2207057"));
}

#[tokio::test]
async fn restricted_accounts_missing_tasks_and_strangers_cannot_publish() {
    let bed = Bed::start().await;
    let id = bed.container("x").await;
    bed.control(&format!("accounts/{}", bed.ig), json!({ "restricted": true })).await;
    assert_eq!(bed.publish(&id).await.error(), (25, Some(2207050)));
    bed.control(&format!("accounts/{}", bed.ig), json!({ "restricted": false })).await;
    bed.control("roles", json!({ "person": bed.person, "page": bed.page_id, "tasks": ["ANALYZE"] })).await;
    assert_eq!(bed.publish(&id).await.error().0, 200);
    let spec = json!({ "platform": "instagram", "username": "stranger", "tokens": true });
    let stranger = bed.sim.create_account(&spec).unwrap();
    let token = stranger["tokens"]["page"].as_str().unwrap();
    let path = format!("/v25.0/{}/media_publish", bed.ig);
    assert_eq!(bed.post(&path, token, &[("creation_id", &id)]).await.error(), (100, Some(33)));
    let own = format!("/v25.0/{}/media_publish", stranger["id"].as_str().unwrap());
    assert_eq!(bed.post(&own, token, &[("creation_id", &id)]).await.error(), (24, Some(2207008)));
    assert_eq!(bed.visible(), 0);
}

#[tokio::test]
async fn instagram_login_publishes_on_its_own_host() {
    let bed = Bed::start().await;
    let post = async |path: String, form: &[(&str, &str)]| {
        send(bed.request(Method::POST, Host::InstagramGraph, &path).bearer_auth(&bed.instagram).form(form)).await
    };
    let video = bed.video();
    let media = format!("/v25.0/{}/media", bed.ig);
    let refused = post(media.clone(), &[("media_type", "REELS"), ("upload_type", "resumable")]).await;
    assert_eq!(refused.error().0, 100);
    let id = post(media.clone(), &[("media_type", "REELS"), ("video_url", &video)]).await.text("id");
    bed.settled(&id).await;
    let made = post(format!("/v25.0/{}/media_publish", bed.ig), &[("creation_id", &id)]).await.text("id");
    assert_eq!(bed.visible(), 1);
    let get = async |path: String| {
        send(bed.request(Method::GET, Host::InstagramGraph, &path).bearer_auth(&bed.instagram)).await
    };
    let node = get(format!("/v25.0/{made}?fields=id,media_type,media_product_type")).await.body;
    assert_eq!((&node["media_type"], node.get("media_product_type")), (&json!("VIDEO"), None));
    assert_eq!(get(format!("/v25.0/{made}?fields=saved_count")).await.error(), (100, None));
    let delete =
        bed.request(Method::DELETE, Host::InstagramGraph, &format!("/v25.0/{made}")).bearer_auth(&bed.instagram);
    let delete = send(delete).await;
    assert_eq!(delete.error(), (100, Some(33)));
    assert!(delete.body["error"]["message"].as_str().unwrap().starts_with("Unsupported delete request"));
}

#[tokio::test]
async fn of_publishes_at_the_same_time_one_makes_the_post() {
    let bed = Bed::start().await;
    let id = bed.container("race").await;
    let answers = futures_util::future::join_all((0..16).map(|_| bed.publish(&id))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    assert_eq!(bed.visible(), 1);
}

#[tokio::test]
async fn parameters_come_by_query_form_or_json() {
    let bed = Bed::start().await;
    let path = format!("/v25.0/{}/media", bed.ig);
    let body =
        json!({ "media_type": "REELS", "video_url": bed.video(), "collaborators": ["a", "b"], "share_to_feed": true });
    let as_json = bed.request(Method::POST, Host::MetaGraph, &path).bearer_auth(&bed.page).json(&body);
    let id = send(as_json).await.text("id");
    bed.settled(&id).await;
    let path = format!("/v25.0/{}/media_publish", bed.ig);
    let query = [("creation_id", id.as_str()), ("access_token", bed.user.as_str())];
    assert_eq!(send(bed.request(Method::POST, Host::MetaGraph, &path).query(&query)).await.status, 200);
}

#[tokio::test]
async fn forced_processing_errors_show_their_subcode() {
    let bed = Bed::start().await;
    let set = json!({ "processing_error": "-1/2207053", "processing_ms": 30_000 });
    bed.control("behaviour", json!({ "account": bed.ig, "set": set })).await;
    let id = bed.container("x").await;
    assert_eq!(bed.status(&id).await.text("status_code"), "IN_PROGRESS");
    bed.advance(31);
    let status = bed.status(&id).await;
    assert_eq!(status.text("status_code"), "ERROR");
    assert!(status.text("status").contains("2207053"));
    let fault = json!({ "operation": "meta.container_status", "error": "190", "type": "IGApiException" });
    bed.control("faults", fault).await;
    assert_eq!(bed.status(&id).await.body["error"]["type"], "IGApiException");
    bed.control("faults", json!({ "operation": "meta.container_status", "answer": "html_502" })).await;
    let page = bed.status(&id).await;
    assert_eq!((page.status, page.headers["content-type"].to_str().unwrap()), (502, "text/html; charset=utf-8"));
}

#[tokio::test]
async fn published_containers_stay_readable_unless_forgotten() {
    let bed = Bed::start().await;
    let id = bed.container("x").await;
    bed.publish(&id).await.text("id");
    bed.advance(90_000);
    assert_eq!(bed.status(&id).await.text("status_code"), "PUBLISHED");
    bed.behave(json!({ "forget_published_after_s": 86_400 })).await;
    assert_eq!(bed.status(&id).await.error(), (100, Some(33)));
}

#[tokio::test]
async fn silent_videos_are_taken_unless_switched() {
    let bed = Bed::start().await;
    let silent = format!("{}&audio=0", bed.video());
    for (refuse, expected) in [(false, "FINISHED"), (true, "ERROR")] {
        bed.behave(json!({ "refuse_silent": refuse })).await;
        let id = bed.create(&[("media_type", "REELS"), ("video_url", &silent)]).await.text("id");
        assert_eq!(bed.settled(&id).await, expected);
    }
}
