//! TikTok's inits, status and listing as the sheet §4, §6 and §7 have them.

mod support;

use aurareels_simulator::{Action, Filter, Matcher, Options, Rule, TikTokRules, When};
use bytes::Bytes;
use serde_json::{Value, json};
use support::*;

fn with_rules(tiktok: TikTokRules) -> Options {
    Options { tiktok, ..Options::default() }
}

fn upload_of(size: u64, chunk: u64, count: u64) -> Value {
    json!({ "source": "FILE_UPLOAD", "video_size": size, "chunk_size": chunk, "total_chunk_count": count })
}

#[tokio::test]
async fn creator_info_follows_the_account() {
    let world = World::start().await;
    let path = "/v2/post/publish/creator_info/query/";
    let public = world.login(PUBLIC_CREATOR).await;
    let (_, body) = world.post(&public.access, path, json!({})).await;
    let data = &body["data"];
    assert_eq!(data["privacy_level_options"], json!(["PUBLIC_TO_EVERYONE", "MUTUAL_FOLLOW_FRIENDS", "SELF_ONLY"]));
    assert_eq!(data["duet_disabled"], false);
    assert_eq!(data["creator_nickname"], "Ada Makes Things");

    let private = world.login(PRIVATE_CREATOR).await;
    let (_, body) = world.post(&private.access, path, json!({})).await;
    let data = &body["data"];
    assert_eq!(data["privacy_level_options"], json!(["FOLLOWER_OF_CREATOR", "MUTUAL_FOLLOW_FRIENDS", "SELF_ONLY"]));
    assert_eq!((&data["duet_disabled"], &data["stitch_disabled"]), (&json!(true), &json!(true)));

    world.set(&format!("tiktok/accounts/{PRIVATE_CREATOR}"), json!({ "private": false, "banned": true })).await;
    let (status, body) = world.post(&private.access, path, json!({})).await;
    assert_eq!((status, code(&body)), (200, "spam_risk_user_banned_from_posting"));
    assert!(body.get("data").is_none());
}

#[tokio::test]
async fn post_goes_from_upload_to_the_visible_list() {
    let world = World::start().await;
    let login = world.login(PUBLIC_CREATOR).await;
    let id = world.publish(&login, "PUBLIC_TO_EVERYONE").await;
    assert!(id.starts_with("v_pub_file~") && id.len() <= 64);
    assert!(world.sim.posts().is_empty(), "still processing");
    let (_, body) = world.status(&login, &id).await;
    assert_eq!(body["data"]["status"], "PROCESSING_UPLOAD");
    assert_eq!(body["data"]["uploaded_bytes"], 200_000);
    world.advance(3).await;
    let (_, body) = world.status(&login, &id).await;
    assert_eq!(body["data"]["status"], "PUBLISH_COMPLETE");
    let shown = body["data"]["publicaly_available_post_id"][0].as_u64().expect("a bare number");
    assert!(shown > 1 << 53 && shown.to_string().len() == 19);
    let posts = world.sim.posts();
    assert_eq!(posts.len(), 1);
    assert_eq!(posts[0].platform_post_id, shown.to_string());
    assert_eq!(posts[0].source_id, id);
    assert_eq!(posts[0].byte_count, Some(200_000));
    use sha2::Digest;
    assert_eq!(posts[0].sha256, Some(hex::encode(sha2::Sha256::digest(small_video()))));
    let page = world.http.get(world.sim.url(aurareels_simulator::Host::Control)).send().await.unwrap();
    assert!(page.text().await.unwrap().contains(&shown.to_string()));
}

#[tokio::test]
async fn private_posts_never_get_public_ids() {
    let world = World::start().await;
    let login = world.login(PUBLIC_CREATOR).await;
    let id = world.publish(&login, "SELF_ONLY").await;
    world.advance(86_400).await;
    let login = login_of(world.refresh(&login.refresh).await).await;
    let (_, body) = world.status(&login, &id).await;
    assert_eq!(body["data"]["status"], "PUBLISH_COMPLETE");
    assert_eq!(body["data"]["publicaly_available_post_id"], json!([]));
    assert_eq!(world.sim.posts().len(), 1);
    let (_, body) = world.post(&login.access, "/v2/video/list/?fields=id", json!({})).await;
    assert_eq!(body["data"]["videos"], json!([]));
}

#[tokio::test]
async fn two_identical_inits_make_two_tasks() {
    let world = World::start().await;
    let login = world.login(PUBLIC_CREATOR).await;
    let (one, two) = (world.publish(&login, "SELF_ONLY").await, world.publish(&login, "SELF_ONLY").await);
    assert_ne!(one, two);
    world.advance(5).await;
    assert_eq!(world.sim.posts().len(), 2);
}

#[tokio::test]
async fn caption_is_counted_in_utf16_units() {
    let world = World::start().await;
    let login = world.login(PUBLIC_CREATOR).await;
    let source = upload_of(1_000_000, 1_000_000, 1);
    let fits = format!("{}ab", "🎬".repeat(1099));
    assert_eq!(fits.encode_utf16().count(), 2200);
    let (status, _) = world.post(&login.access, INIT, direct("SELF_ONLY", &fits, source.clone())).await;
    assert_eq!(status, 200);
    let (status, body) = world.post(&login.access, INIT, direct("SELF_ONLY", &format!("{fits}c"), source)).await;
    assert_eq!((status, code(&body)), (400, "invalid_params"));
}

#[tokio::test]
async fn privacy_must_be_on_offer() {
    let world = World::start().await;
    let login = world.login(PRIVATE_CREATOR).await;
    let source = upload_of(1_000_000, 1_000_000, 1);
    let (status, body) = world.post(&login.access, INIT, direct("PUBLIC_TO_EVERYONE", "", source.clone())).await;
    assert_eq!((status, code(&body)), (403, "privacy_level_option_mismatch"));
    let mut without = direct("SELF_ONLY", "", source.clone());
    without["post_info"].as_object_mut().unwrap().remove("privacy_level");
    let (status, body) = world.post(&login.access, INIT, without).await;
    assert_eq!((status, code(&body)), (403, "privacy_level_option_mismatch"));
    let (status, _) = world.post(&login.access, INIT, direct("FOLLOWER_OF_CREATOR", "", source)).await;
    assert_eq!(status, 200);
}

#[tokio::test]
async fn chunk_plans_are_checked() {
    let world = World::with(with_rules(TikTokRules::without_limits())).await;
    let login = world.login(PUBLIC_CREATOR).await;
    let table = [
        (3_145_728, 3_145_728, 1, true),
        (64_000_000, 64_000_000, 1, true),
        (64_000_001, 10_000_000, 6, true),
        (94_000_000, 10_000_000, 9, true),
        (50_000_123, 10_000_000, 5, true),
        (4_000_000_000, 10_000_000, 400, true),
        (50_000_123, 10_000_000, 6, false),
        (94_000_000, 64_000_000, 1, false),
        (94_000_000, 94_000_000, 1, false),
        (20_000_000, 4_000_000, 5, false),
        (3_000_000, 6_000_000, 1, false),
        (4_000_000_001, 10_000_000, 400, false),
        (10_000_000, 10_000_000, 0, false),
    ];
    for (size, chunk, count, good) in table {
        let (status, body) =
            world.post(&login.access, INIT, direct("SELF_ONLY", "", upload_of(size, chunk, count))).await;
        let expected = if good { (200, "ok") } else { (400, "invalid_params") };
        assert_eq!((status, code(&body)), expected, "{size} {chunk} {count}");
    }
}

#[tokio::test]
async fn wrong_types_and_bodies_are_refused() {
    let world = World::with(with_rules(TikTokRules::without_limits())).await;
    let login = world.login(PUBLIC_CREATOR).await;
    let good = direct("SELF_ONLY", "", upload_of(1_000_000, 1_000_000, 1));
    for (pointer, value) in [
        ("/post_info", json!(null)),
        ("/source_info", json!([])),
        ("/source_info/source", json!("UPLOAD")),
        ("/source_info/video_size", json!("1000000")),
        ("/post_info/title", json!(5)),
        ("/post_info/brand_content_toggle", json!("false")),
    ] {
        let mut body = good.clone();
        *body.pointer_mut(pointer).unwrap() = value;
        let (status, body) = world.post(&login.access, INIT, body).await;
        assert_eq!((status, code(&body)), (400, "invalid_params"), "{pointer}");
    }
    let url = format!("{}{INIT}", world.sim.url(aurareels_simulator::Host::TikTokApi));
    let form = world.http.post(&url).bearer_auth(&login.access).form(&[("a", "b")]).send().await.unwrap();
    assert_eq!(form.status(), 400);
    let slashless = world.http.post(url.trim_end_matches('/')).bearer_auth(&login.access).json(&good);
    assert_eq!(slashless.send().await.unwrap().status(), 404);
}

#[tokio::test]
async fn inits_are_limited_per_sliding_minute_and_token() {
    let world = World::start().await;
    let login = world.login(PUBLIC_CREATOR).await;
    let other = world.login(PRIVATE_CREATOR).await;
    let body = || direct("SELF_ONLY", "", upload_of(1_000_000, 1_000_000, 1));
    for _ in 0..6 {
        assert_eq!(world.post(&login.access, INIT, body()).await.0, 200);
        world.advance(1).await;
    }
    let (status, refused) = world.post(&login.access, INIT, body()).await;
    assert_eq!((status, code(&refused)), (429, "rate_limit_exceeded"));
    assert_eq!(world.post(&other.access, INIT, body()).await.0, 200);
    world.advance(54).await;
    assert_eq!(world.post(&login.access, INIT, body()).await.0, 200, "the first one left the window");
    assert_eq!(world.post(&login.access, INIT, body()).await.0, 429);
}

#[tokio::test]
async fn creator_cap_is_shared_with_other_apps() {
    let world = World::start().await;
    let login = world.login(PUBLIC_CREATOR).await;
    world.set("tiktok/posts_elsewhere", json!({ "account": PUBLIC_CREATOR, "count": 14 })).await;
    world.publish(&login, "SELF_ONLY").await;
    let (status, body) = world.init(&login, "SELF_ONLY", &small_video()).await;
    assert_eq!((status, code(&body)), (403, "spam_risk_too_many_posts"));
    let (status, body) = world.post(&login.access, "/v2/post/publish/creator_info/query/", json!({})).await;
    assert_eq!((status, code(&body)), (200, "spam_risk_too_many_posts"));
    world.advance(86_401).await;
    let login = login_of(world.refresh(&login.refresh).await).await;
    assert_eq!(world.init(&login, "SELF_ONLY", &small_video()).await.0, 200);
}

#[tokio::test]
async fn unaudited_app_posts_only_privately_and_for_five_creators() {
    let world = World::with(with_rules(TikTokRules { unaudited: true, ..TikTokRules::default() })).await;
    let public = world.login(PUBLIC_CREATOR).await;
    let (status, body) = world.init(&public, "SELF_ONLY", &small_video()).await;
    assert_eq!((status, code(&body)), (403, "unaudited_client_can_only_post_to_private_accounts"));
    for n in 0..6 {
        let account = world.set("accounts", json!({ "platform": "tiktok", "private": true })).await;
        let login = world.login(account["id"].as_str().unwrap()).await;
        let (status, body) = world.init(&login, "SELF_ONLY", &small_video()).await;
        if n < 5 {
            assert_eq!(status, 200);
            let url = body["data"]["upload_url"].as_str().unwrap();
            let video = small_video();
            assert_eq!(world.put(url, 0, video.len(), video.clone()).await.unwrap().status(), 201);
        } else {
            assert_eq!((status, code(&body)), (403, "reached_active_user_cap"));
        }
    }
}

#[tokio::test]
async fn status_tells_unknown_from_foreign() {
    let world = World::start().await;
    let login = world.login(PUBLIC_CREATOR).await;
    let other = world.login(PRIVATE_CREATOR).await;
    let id = world.publish(&login, "SELF_ONLY").await;
    let (status, body) = world.status(&other, &id).await;
    assert_eq!((status, code(&body)), (400, "token_not_authorized_for_specified_publish_id"));
    let (status, body) = world.status(&login, "v_pub_file~v2-1.1").await;
    assert_eq!((status, code(&body)), (400, "invalid_publish_id"));
    for _ in 0..29 {
        world.status(&login, &id).await;
    }
    let (status, body) = world.status(&login, &id).await;
    assert_eq!((status, code(&body)), (429, "rate_limit_exceeded"));
}

#[tokio::test]
async fn token_may_die_between_init_and_status() {
    let world = World::start().await;
    let login = world.login(PUBLIC_CREATOR).await;
    let id = world.publish(&login, "SELF_ONLY").await;
    world.set("tiktok/tokens/kill", json!({ "account": PUBLIC_CREATOR, "refresh": false })).await;
    let (status, body) = world.status(&login, &id).await;
    assert_eq!((status, code(&body)), (401, "access_token_invalid"));
    let next = login_of(world.refresh(&login.refresh).await).await;
    world.advance(5).await;
    let (_, body) = world.status(&next, &id).await;
    assert_eq!(body["data"]["status"], "PUBLISH_COMPLETE");
    assert_eq!(world.sim.posts().len(), 1);
}

#[tokio::test]
async fn outcomes_can_be_chosen_per_account() {
    let world = World::start().await;
    let login = world.login(PUBLIC_CREATOR).await;
    let behave = |fields: Value| {
        let mut body = json!({ "account": PUBLIC_CREATOR, "tasks": 1 });
        body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        body
    };
    world.set("tiktok/behaviour", behave(json!({ "outcome": "fail", "fail_reason": "spam_risk_text" }))).await;
    let failed = world.publish(&login, "SELF_ONLY").await;
    world.set("tiktok/behaviour", behave(json!({ "outcome": "stuck", "processing_status": "PROCESSING" }))).await;
    let stuck = world.publish(&login, "SELF_ONLY").await;
    world.set("tiktok/behaviour", behave(json!({ "public_ids": 2, "public_id_seconds": 600 }))).await;
    let late = world.publish(&login, "PUBLIC_TO_EVERYONE").await;
    let regular = world.publish(&login, "PUBLIC_TO_EVERYONE").await;
    world.advance(60).await;
    let (_, body) = world.status(&login, &failed).await;
    assert_eq!((&body["data"]["status"], &body["data"]["fail_reason"]), (&json!("FAILED"), &json!("spam_risk_text")));
    let (_, body) = world.status(&login, &stuck).await;
    assert_eq!(body["data"]["status"], "PROCESSING");
    let ids = |body: &Value| body["data"]["publicaly_available_post_id"].as_array().unwrap().len();
    let (_, body) = world.status(&login, &late).await;
    assert_eq!((&body["data"]["status"], ids(&body)), (&json!("PUBLISH_COMPLETE"), 0));
    let (_, body) = world.status(&login, &regular).await;
    assert_eq!(ids(&body), 1, "the behaviour held for one task only");
    assert_eq!(world.sim.posts().len(), 2);
    world.advance(600).await;
    let (_, body) = world.status(&login, &late).await;
    assert_eq!(ids(&body), 2);
    world.set(&format!("tiktok/tasks/{stuck}/finish"), json!({ "outcome": "publish" })).await;
    assert_eq!(world.sim.posts().len(), 3);
}

#[tokio::test]
async fn files_are_really_checked() {
    use aurareels_simulator::Mp4Spec;
    let world = World::with(with_rules(TikTokRules::without_limits())).await;
    let login = world.login(PUBLIC_CREATOR).await;
    let spec = |change: fn(&mut Mp4Spec)| {
        let mut spec = Mp4Spec { size: 200_000, ..Mp4Spec::default() };
        change(&mut spec);
        spec.to_bytes().unwrap()
    };
    let table: [(Bytes, &str); 5] = [
        (Bytes::from(vec![7u8; 200_000]), "file_format_check_failed"),
        (spec(|s| (s.duration, s.fps) = (601.0, 24.0)), "duration_check_failed"),
        (spec(|s| s.fps = 15.0), "frame_rate_check_failed"),
        (spec(|s| s.width = 200), "picture_size_check_failed"),
        (spec(|s| s.moov_last = true), ""),
    ];
    for (video, reason) in table {
        let (_, body) = world.init(&login, "SELF_ONLY", &video).await;
        let url = body["data"]["upload_url"].as_str().unwrap().to_owned();
        let id = body["data"]["publish_id"].as_str().unwrap().to_owned();
        assert_eq!(world.put(&url, 0, video.len(), video.clone()).await.unwrap().status(), 201);
        world.advance(5).await;
        let (_, body) = world.status(&login, &id).await;
        if reason.is_empty() {
            assert_eq!(body["data"]["status"], "PUBLISH_COMPLETE");
        } else {
            assert_eq!(body["data"]["fail_reason"], reason);
        }
    }
    assert_eq!(world.sim.posts().len(), 1);
}

#[tokio::test]
async fn inbox_drafts_wait_for_the_creator() {
    let world = World::start().await;
    let login = world.login(PUBLIC_CREATOR).await;
    let video = small_video();
    let size = video.len() as u64;
    let path = "/v2/post/publish/inbox/video/init/";
    let mut ids = Vec::new();
    for _ in 0..5 {
        let (status, body) = world.post(&login.access, path, json!({ "source_info": upload_of(size, size, 1) })).await;
        assert_eq!(status, 200);
        let url = body["data"]["upload_url"].as_str().unwrap();
        world.put(url, 0, video.len(), video.clone()).await.unwrap();
        ids.push(body["data"]["publish_id"].as_str().unwrap().to_owned());
    }
    let (status, body) = world.post(&login.access, path, json!({ "source_info": upload_of(size, size, 1) })).await;
    assert_eq!((status, code(&body)), (403, "spam_risk_too_many_pending_share"));
    world.advance(5).await;
    let (_, body) = world.status(&login, &ids[0]).await;
    assert_eq!(body["data"]["status"], "SEND_TO_USER_INBOX");
    assert!(world.sim.posts().is_empty());
    world.set(&format!("tiktok/tasks/{}/post_draft", ids[0]), json!({ "caption": "mine" })).await;
    let (_, body) = world.status(&login, &ids[0]).await;
    assert_eq!(body["data"]["status"], "PUBLISH_COMPLETE");
    assert_eq!(world.sim.posts().len(), 1);
    world.advance(60).await;
    let (status, _) = world.post(&login.access, path, json!({ "source_info": upload_of(size, size, 1) })).await;
    assert_eq!(status, 200, "one is not pending any more");
}

#[tokio::test]
async fn pull_downloads_for_real_and_fails_for_real() {
    let world = World::with(with_rules(TikTokRules::without_limits())).await;
    let login = world.login(PUBLIC_CREATOR).await;
    let media = world.sim.url(aurareels_simulator::Host::Media).to_owned();
    let good = format!("{media}/v/a.mp4?size=300000");
    let table = [
        (good.clone(), true),
        (format!("{media}/v/a.mp4?redirect={}", urlencode(&good)), false),
        (format!("{media}/v/a.mp4?status=404"), false),
        (format!("{media}/v/a.mp4?size=900000&break=50"), false),
        (format!("{media}/v/a.mp4?text=1"), false),
    ];
    for (n, (url, works)) in table.into_iter().enumerate() {
        let source = json!({ "source": "PULL_FROM_URL", "video_url": url });
        let (status, body) = world.post(&login.access, INIT, direct("SELF_ONLY", "", source)).await;
        assert_eq!(status, 200);
        assert!(body["data"].get("upload_url").is_none());
        let id = body["data"]["publish_id"].as_str().unwrap().to_owned();
        let last = loop {
            let (_, body) = world.status(&login, &id).await;
            match body["data"]["status"].as_str().unwrap() {
                "PROCESSING_DOWNLOAD" => world.advance(1).await,
                _ => break body,
            }
        };
        if works {
            assert_eq!(last["data"]["status"], "PUBLISH_COMPLETE");
            assert_eq!(last["data"]["downloaded_bytes"], 300_000);
        } else {
            let reason = if n == 4 { "file_format_check_failed" } else { "video_pull_failed" };
            assert_eq!(last["data"]["fail_reason"], reason, "{n}");
        }
    }
    assert_eq!(world.sim.posts().len(), 1);
    assert_eq!(world.sim.posts()[0].source, good);
}

#[tokio::test]
async fn pull_needs_a_verified_https_url() {
    let rules = TikTokRules {
        verified_prefixes: vec!["cdn.example".into(), "https://a.example/v/".into()],
        ..TikTokRules::default()
    };
    let world = World::with(with_rules(rules)).await;
    let login = world.login(PUBLIC_CREATOR).await;
    for (url, expected) in [
        ("http://cdn.example/v.mp4", (400, "invalid_params")),
        ("https://other.example/v.mp4", (403, "url_ownership_unverified")),
        ("https://a.example/elsewhere/v.mp4", (403, "url_ownership_unverified")),
        ("https://notcdn.example/v.mp4", (403, "url_ownership_unverified")),
    ] {
        let source = json!({ "source": "PULL_FROM_URL", "video_url": url });
        let (status, body) = world.post(&login.access, INIT, direct("SELF_ONLY", "", source)).await;
        assert_eq!((status, code(&body)), expected, "{url}");
    }
}

#[tokio::test]
async fn pull_goes_on_although_the_answer_was_lost() {
    let world = World::start().await;
    let login = world.login(PUBLIC_CREATOR).await;
    let url = format!("{}/v/lost.mp4?size=300000", world.sim.url(aurareels_simulator::Host::Media));
    let matcher = Matcher { operation: Some("tiktok.video_init".into()), ..Matcher::default() };
    let rule = world.sim.add_fault(Rule::once(matcher, Action::Cut { when: When::After, after_bytes: 0 }));
    let source = json!({ "source": "PULL_FROM_URL", "video_url": url });
    let body = direct("SELF_ONLY", "", source);
    assert!(world.api_raw(reqwest::Method::POST, &login.access, INIT, body).await.is_err());
    assert_eq!(world.sim.fault_fired(rule), Some(1));
    let fetched = Filter { operation: Some("media.get".into()), succeeded: Some(true), ..Filter::default() };
    assert_eq!(world.sim.wait_for_requests(&fetched, 1, std::time::Duration::from_secs(10)).await, 1);
    world.set("tiktok/behaviour", json!({})).await;
    let posts = loop {
        world.advance(5).await;
        let posts = world.sim.posts();
        if !posts.is_empty() {
            break posts;
        }
    };
    assert_eq!(posts.len(), 1);
}

#[tokio::test]
async fn pull_can_be_cancelled_before_it_downloads() {
    let world = World::start().await;
    let login = world.login(PUBLIC_CREATOR).await;
    world.set("tiktok/behaviour", json!({ "pull_seconds": 100 })).await;
    let url = format!("{}/v/a.mp4", world.sim.url(aurareels_simulator::Host::Media));
    let source = json!({ "source": "PULL_FROM_URL", "video_url": url });
    let (_, body) = world.post(&login.access, INIT, direct("SELF_ONLY", "", source)).await;
    let id = json!({ "publish_id": body["data"]["publish_id"] });
    let cancel = "/v2/post/publish/cancel/";
    let (status, body) = world.post(&login.access, cancel, id.clone()).await;
    assert_eq!((status, code(&body)), (200, "ok"));
    assert!(body.get("data").is_none());
    world.advance(200).await;
    let (status, body) = world.post(&login.access, cancel, id.clone()).await;
    assert_eq!((status, code(&body)), (400, "publish_not_cancellable"));
    let (_, body) = world.status(&login, id["publish_id"].as_str().unwrap()).await;
    assert_eq!(body["data"]["fail_reason"], "publish_cancelled");
    assert!(world.sim.requests(&Filter { operation: Some("media.get".into()), ..Filter::default() }).is_empty());
}

#[tokio::test]
async fn list_shows_public_videos_newest_first_in_pages() {
    let world = World::with(with_rules(TikTokRules::without_limits())).await;
    let login = world.login(PUBLIC_CREATOR).await;
    for privacy in ["PUBLIC_TO_EVERYONE", "SELF_ONLY", "PUBLIC_TO_EVERYONE", "PUBLIC_TO_EVERYONE"] {
        world.publish(&login, privacy).await;
        world.advance(10).await;
    }
    let path = "/v2/video/list/?fields=id,create_time,video_description";
    let (_, first) = world.post(&login.access, path, json!({ "max_count": 2 })).await;
    assert_eq!((first["data"]["videos"].as_array().unwrap().len(), &first["data"]["has_more"]), (2, &json!(true)));
    assert!(first["data"]["videos"][0]["id"].is_string());
    let times: Vec<i64> =
        first["data"]["videos"].as_array().unwrap().iter().map(|v| v["create_time"].as_i64().unwrap()).collect();
    assert!(times[0] > times[1]);
    let more = json!({ "max_count": 2, "cursor": first["data"]["cursor"] });
    let (_, second) = world.post(&login.access, path, more).await;
    assert_eq!((second["data"]["videos"].as_array().unwrap().len(), &second["data"]["has_more"]), (1, &json!(false)));
    let (status, body) = world.post(&login.access, path, json!({ "max_count": 21 })).await;
    assert_eq!((status, code(&body)), (400, "invalid_params"));

    let id = first["data"]["videos"][0]["id"].as_str().unwrap();
    let query = json!({ "filters": { "video_ids": [id, "7000000000000000000"] } });
    let (_, body) = world.post(&login.access, "/v2/video/query/?fields=id,view_count", query.clone()).await;
    assert_eq!(body["data"]["videos"].as_array().unwrap().len(), 1);
    world.http.delete(world.control(&format!("tiktok/videos/{id}"))).send().await.unwrap();
    let (_, body) = world.post(&login.access, "/v2/video/query/?fields=id", query).await;
    assert_eq!(body["data"]["videos"], json!([]));
    assert!(world.sim.posts().iter().any(|post| post.platform_post_id == id && post.removed_at.is_some()));
}

fn urlencode(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
