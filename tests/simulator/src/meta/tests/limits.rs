//! Quotas, rate limits, versions.

use reqwest::Method;
use serde_json::json;

use super::{Bed, send};
use crate::{Filter, Host};

#[tokio::test]
async fn the_quota_is_counted_in_a_rolling_day() {
    let bed = Bed::start().await;
    bed.behave(json!({ "quota_total": 2 })).await;
    let path = format!("/v25.0/{}/content_publishing_limit", bed.ig);
    assert_eq!(bed.get(&path, &bed.page).await.body, json!({ "data": [{ "quota_usage": 0 }] }));
    let extra = bed.container("three").await;
    bed.publish(&bed.container("one").await).await.text("id");
    bed.advance(3_600);
    bed.publish(&bed.container("two").await).await.text("id");
    assert_eq!(bed.publish(&extra).await.error(), (9, Some(2207042)));
    let quota = bed.get(&format!("{path}?fields=quota_usage,config"), &bed.page).await.body;
    assert_eq!(quota["data"][0], json!({ "quota_usage": 2, "config": { "quota_total": 2, "quota_duration": 86_400 } }));
    assert_eq!(bed.get(&format!("{path}?fields=rate_limit_settings"), &bed.page).await.error(), (100, None));
    let since = bed.sim.clock().unix() - 60;
    assert_eq!(bed.get(&format!("{path}?since={since}"), &bed.page).await.body["data"][0]["quota_usage"], 1);
    assert_eq!(bed.get(&format!("{path}?since={}", since - 90_000), &bed.page).await.error(), (100, None));
    bed.advance(86_400 - 3_600 + 1);
    let next = bed.container("four").await;
    bed.publish(&next).await.text("id");
    assert_eq!(bed.visible(), 3);
}

#[tokio::test]
async fn containers_are_limited_per_day() {
    let bed = Bed::start().await;
    bed.behave(json!({ "container_limit": 2, "container_limit_error": "4" })).await;
    let form = [("media_type", "REELS"), ("upload_type", "resumable")];
    for _ in 0..2 {
        bed.create(&form).await.text("id");
    }
    assert_eq!(bed.create(&form).await.error(), (4, None));
    bed.advance(86_401);
    bed.create(&form).await.text("id");
}

#[tokio::test]
async fn usage_rises_to_throttling_that_lasts() {
    let bed = Bed::start().await;
    bed.behave(json!({ "account_call_limit": 10, "usage_headers_from": 50, "regain_minutes": 5 })).await;
    let path = format!("/v25.0/{}?fields=id", bed.ig);
    let mut headers = Vec::new();
    for _ in 0..10 {
        let answer = bed.get(&path, &bed.page).await;
        assert_eq!(answer.status, 200);
        headers.push(answer.headers.get("x-business-use-case-usage").is_some());
    }
    assert_eq!(headers.iter().filter(|sent| **sent).count(), 6);
    let throttled = bed.get(&path, &bed.page).await;
    assert_eq!((throttled.status, throttled.error()), (400, (80_002, None)));
    let usage: serde_json::Value =
        serde_json::from_str(throttled.headers["x-business-use-case-usage"].to_str().unwrap()).unwrap();
    assert_eq!(usage[&bed.ig][0]["estimated_time_to_regain_access"], 5);
    bed.advance(240);
    assert_eq!(bed.get(&path, &bed.page).await.error(), (80_002, None));
    bed.advance(240);
    assert_eq!(bed.get(&path, &bed.page).await.error(), (80_002, None));
    bed.advance(301);
    assert_eq!(bed.get(&path, &bed.page).await.status, 200);
    bed.behave(json!({ "app_call_limit": 1 })).await;
    bed.get(&path, &bed.page).await;
    let app = bed.get(&path, &bed.page).await;
    assert_eq!((app.error(), app.headers.contains_key("x-app-usage")), ((4, None), true));
}

#[tokio::test]
async fn expired_versions_are_served_and_unversioned_paths_are_not() {
    let bed = Bed::start().await;
    let old = bed.get("/v18.0/me", &bed.user).await;
    assert_eq!((old.status, old.headers["facebook-api-version"].to_str().unwrap()), (200, "v21.0"));
    assert_eq!(bed.get("/me", &bed.user).await.error(), (2500, None));
    assert_eq!(bed.get("/v99.0/me", &bed.user).await.error(), (2500, None));
    assert_eq!(send(bed.request(Method::GET, Host::MetaGraph, "/v25.0/me")).await.error(), (104, None));
}

#[tokio::test]
async fn unknown_behaviour_and_error_names_are_refused() {
    let bed = Bed::start().await;
    for body in
        [json!({ "set": { "speed": 1 } }), json!({ "set": { "permalink_error": "often" } }), json!({ "set": 3 })]
    {
        let request = bed.request(Method::POST, Host::Control, "/_sim/meta/behaviour").json(&body);
        assert_eq!(send(request).await.status, 400, "{body}");
    }
}

#[tokio::test]
async fn the_journal_names_operation_and_account() {
    let bed = Bed::start().await;
    let id = bed.container("x").await;
    bed.publish(&id).await;
    bed.status(&id).await;
    for operation in ["meta.container_create", "meta.media_publish", "meta.container_status"] {
        let filter = Filter { operation: Some(operation.to_owned()), succeeded: Some(true), ..Filter::default() };
        let entries = bed.sim.requests(&filter);
        assert_eq!(entries.len(), 1, "{operation}");
        assert_eq!(entries[0].account.as_deref(), Some(bed.ig.as_str()), "{operation}");
    }
}

#[tokio::test]
async fn ten_thousand_containers_on_two_thousand_accounts_stand_beside_each_other() {
    let bed = Bed::start().await;
    let mut accounts = Vec::new();
    for number in 0..2_000 {
        let spec = json!({ "platform": "instagram", "username": format!("user{number}"), "tokens": true });
        let made = bed.sim.create_account(&spec).unwrap();
        let token = made["tokens"]["page"].as_str().unwrap().to_owned();
        accounts.push((made["id"].as_str().unwrap().to_owned(), token));
    }
    let form = [("media_type", "REELS"), ("upload_type", "resumable")];
    let all = futures_util::future::join_all(accounts.chunks(250).map(async |chunk| {
        for (account, token) in chunk {
            for _ in 0..5 {
                bed.post(&format!("/v25.0/{account}/media"), token, &form).await.text("id");
            }
        }
    }));
    all.await;
    let state = send(bed.request(Method::GET, Host::Control, "/_sim/meta/state")).await.body;
    assert_eq!(state["containers"], 10_000);
}

/// `cargo test -p aurareels-simulator --lib meta -- --ignored --nocapture` says how long it took.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a load test"]
async fn ten_thousand_reels_go_out() {
    let bed = std::sync::Arc::new(Bed::start().await);
    let video = crate::Mp4Spec { size: 20_000, ..crate::Mp4Spec::default() }.to_bytes().unwrap();
    let started = std::time::Instant::now();
    let workers: Vec<_> = (0..32)
        .map(|worker| {
            let (bed, video) = (bed.clone(), video.clone());
            tokio::spawn(async move {
                for number in (worker..2_000).step_by(32) {
                    let spec = json!({ "platform": "instagram", "username": format!("user{number}"), "tokens": true });
                    let made = bed.sim.create_account(&spec).unwrap();
                    let (id, token) = (made["id"].as_str().unwrap(), made["tokens"]["page"].as_str().unwrap());
                    for _ in 0..5 {
                        let form = [("media_type", "REELS"), ("upload_type", "resumable")];
                        let made = bed.post(&format!("/v25.0/{id}/media"), token, &form).await;
                        let upload = bed.http.post(made.text("uri")).header("authorization", format!("OAuth {token}"));
                        let upload = upload.header("offset", "0").header("file_size", video.len().to_string());
                        assert_eq!(send(upload.body(video.clone())).await.status, 200);
                        let container = made.text("id");
                        let status = bed.get(&format!("/v25.0/{container}?fields=status_code"), token).await;
                        assert_eq!(status.text("status_code"), "FINISHED");
                        let path = format!("/v25.0/{id}/media_publish");
                        bed.post(&path, token, &[("creation_id", &container)]).await.text("id");
                    }
                }
            })
        })
        .collect();
    for worker in workers {
        worker.await.unwrap();
    }
    eprintln!("10,000 Reels, 40,000 requests in {:?}", started.elapsed());
    assert_eq!(bed.visible(), 10_000);
}
